//! How a series repeats, in words.

use calendar::{
    Component,
    recurrence::{Frequency, NumberedWeekday, RecurrenceRule},
    value::dates_of,
};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// "every 2 weeks on Monday and Friday, until 1 March 2027"; `None` for what does not recur. What is too involved
/// to be put in a few words is said to repeat "on several dates".
pub(super) fn in_words(entry: &Component) -> Option<String> {
    let rules: Vec<RecurrenceRule> = entry
        .properties_named("RRULE")
        .filter_map(|line| line.raw_value().parse().ok())
        .collect();
    let extra = entry.properties_named("RDATE").flat_map(dates_of).count();
    match (&rules[..], extra) {
        ([], 0) => None,
        ([rule], 0) => Some(rule_in_words(rule).unwrap_or(SEVERAL.to_owned())),
        ([rule], _) => Some(match rule_in_words(rule) {
            Some(words) => format!("{words}, and on other dates"),
            None => SEVERAL.to_owned(),
        }),
        _ => Some(SEVERAL.to_owned()),
    }
}

const SEVERAL: &str = "on several dates";

fn rule_in_words(rule: &RecurrenceRule) -> Option<String> {
    let plain = RecurrenceRule {
        interval: rule.interval,
        count: rule.count,
        until: rule.until.clone(),
        by_day: rule.by_day.clone(),
        by_month_day: rule.by_month_day.clone(),
        week_start: rule.week_start,
        ..RecurrenceRule::every(rule.frequency)
    };
    if plain != *rule {
        return None;
    }
    let unit = match rule.frequency {
        Frequency::Secondly => "second",
        Frequency::Minutely => "minute",
        Frequency::Hourly => "hour",
        Frequency::Daily => "day",
        Frequency::Weekly => "week",
        Frequency::Monthly => "month",
        Frequency::Yearly => "year",
    };
    let mut words = match rule.interval {
        1 => format!("every {unit}"),
        interval => format!("every {interval} {unit}s"),
    };
    if let Some(days) = days_in_words(rule)? {
        words += &days;
    }
    match (&rule.until, rule.count) {
        (Some(until), _) => words += &format!(", until {}", until.date().strftime("%-d %B %Y")),
        (None, Some(1)) => words += ", once",
        (None, Some(count)) => words += &format!(", {count} times"),
        (None, None) => {}
    }
    Some(words)
}

/// The days within the period: `Some(None)` where the rule names none, `None` where they are not a few words.
fn days_in_words(rule: &RecurrenceRule) -> Option<Option<String>> {
    match (&rule.by_day[..], &rule.by_month_day[..]) {
        ([], []) => Some(None),
        ([], [day]) if *day > 0 => Some(Some(format!(" on day {day}"))),
        ([], [-1]) => Some(Some(" on the last day".to_owned())),
        (days, []) => {
            let days: Option<Vec<String>> = days.iter().map(day_in_words).collect();
            let (last, first) = days.as_deref()?.split_last()?;
            Some(Some(match first.is_empty() {
                true => format!(" on {last}"),
                false => format!(" on {} and {last}", first.join(", ")),
            }))
        }
        _ => None,
    }
}

fn day_in_words(day: &NumberedWeekday) -> Option<String> {
    let name = WEEKDAYS.get(usize::from(day.weekday))?;
    let which = match day.ordinal {
        None => return Some((*name).to_owned()),
        Some(1) => "first",
        Some(2) => "second",
        Some(3) => "third",
        Some(4) => "fourth",
        Some(5) => "fifth",
        Some(-1) => "last",
        Some(_) => return None,
    };
    Some(format!("the {which} {name}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use calendar::Limits;

    use super::*;

    #[test]
    fn words() {
        for (lines, words) in [
            ("SUMMARY:x", None),
            ("RRULE:FREQ=DAILY", Some("every day")),
            ("RRULE:FREQ=DAILY;COUNT=1", Some("every day, once")),
            (
                "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;UNTIL=20270301T090000Z",
                Some("every 2 weeks on Monday, Wednesday and Friday, until 1 March 2027"),
            ),
            (
                "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=6",
                Some("every month on the last Friday, 6 times"),
            ),
            (
                "RRULE:FREQ=MONTHLY;BYMONTHDAY=15",
                Some("every month on day 15"),
            ),
            (
                "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
                Some("every month on the last day"),
            ),
            ("RRULE:FREQ=YEARLY;WKST=SU", Some("every year")),
            (
                "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
                Some("on several dates"),
            ),
            (
                "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15",
                Some("on several dates"),
            ),
            ("RDATE:20260301T090000Z", Some("on several dates")),
            (
                "RRULE:FREQ=WEEKLY\nRDATE:20260301T090000Z",
                Some("every week, and on other dates"),
            ),
        ] {
            let text = format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n");
            let entry = Component::parse(text.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(in_words(&entry).as_deref(), words, "{lines}");
        }
    }
}
