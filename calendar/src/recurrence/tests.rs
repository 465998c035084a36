//! The engine by table: what RFC 5545 leaves open, RFC 7529, and what must not run on.
#![allow(clippy::unwrap_used)]

use calcard::common::timezone::Tz;
use jiff::civil;
use jiff::tz::TimeZone;

use super::{Budget, Occurrences, RecurrenceRule, TooMuchWork};
use crate::value::{DateOrDateTime, Form};

/// UNTIL on the wall clock of a zone.
fn until_in(rule: &RecurrenceRule, zone: &str) -> Option<civil::DateTime> {
    let zone = TimeZone::get(zone).unwrap();
    rule.until.as_ref().map(|until| match until {
        DateOrDateTime::Date(date) => date.at(23, 59, 59, 0),
        DateOrDateTime::DateTime(value) if value.form == Form::Utc => {
            zone.to_datetime(TimeZone::UTC.to_timestamp(value.civil).unwrap())
        }
        DateOrDateTime::DateTime(value) => value.civil,
    })
}

fn civil_of(text: &str) -> (civil::DateTime, bool) {
    let value = DateOrDateTime::parse(text, None).unwrap();
    (value.civil(), value.is_date())
}

/// The first occurrences.
pub(super) fn first_of(start: &str, zone: &str, rule: &str, limit: usize) -> Vec<civil::DateTime> {
    first_from(start, zone, rule, civil::DateTime::MIN, limit)
}

/// The first occurrences that are not before `target`.
pub(super) fn first_from(
    start: &str,
    zone: &str,
    rule: &str,
    target: civil::DateTime,
    limit: usize,
) -> Vec<civil::DateTime> {
    let rule: RecurrenceRule = rule.parse().unwrap();
    let (start, is_date) = civil_of(start);
    let mut budget = Budget::default();
    let mut occurrences = Occurrences::new(&rule, start, until_in(&rule, zone), is_date);
    occurrences.seek(target, &mut budget).unwrap();
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(next) = occurrences.next(&mut budget).unwrap()
    {
        found.push(next);
    }
    found
}

/// What rrule says.
pub(super) fn rrule_answer(
    start: &str,
    zone: &str,
    rule: &str,
    limit: usize,
) -> Vec<civil::DateTime> {
    let text = if zone == "UTC" {
        format!("DTSTART:{start}Z\nRRULE:{rule}")
    } else {
        format!("DTSTART;TZID={zone}:{start}\nRRULE:{rule}")
    };
    let set: rrule::RRuleSet = text.parse().unwrap();
    let dates = set.into_iter().take(limit);
    dates
        .map(|date| date.naive_local().to_string().parse().unwrap())
        .collect()
}

/// What calcard says.
pub(super) fn calcard_answer(
    start: &str,
    zone: &str,
    rule: &str,
    limit: usize,
) -> Vec<civil::DateTime> {
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID={zone}:{start}\r\nRRULE:{rule}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let calendar = calcard::icalendar::ICalendar::parse(&text).unwrap();
    let expanded = calendar.expand_dates(Tz::Floating, limit);
    expanded
        .events
        .iter()
        .map(|event| event.start.naive_local().to_string().parse().unwrap())
        .collect()
}

fn shown(occurrences: &[civil::DateTime]) -> String {
    let text: Vec<String> = occurrences
        .iter()
        .map(|at| {
            if at.time() == civil::Time::midnight() {
                at.date().to_string()
            } else {
                at.strftime("%F %T").to_string()
            }
        })
        .collect();
    text.join(", ")
}

#[track_caller]
fn check(start: &str, rule: &str, expected: &str) {
    let limit = expected.split(", ").count();
    let (expected, goes_on) = match expected.strip_suffix(", ...") {
        Some(expected) => (expected, true),
        None => (expected, false),
    };
    let limit = if goes_on { limit - 1 } else { limit + 1 };
    assert_eq!(
        shown(&first_of(start, "UTC", rule, limit)),
        expected,
        "{rule}"
    );
}

/// What RFC 5545 leaves open, as the module says.
#[test]
fn open_questions_are_answered_as_documented() {
    // DTSTART is the first occurrence and counts, whatever the rule says.
    check(
        "20240101",
        "FREQ=WEEKLY;BYDAY=TU;COUNT=3",
        "2024-01-01, 2024-01-02, 2024-01-09",
    );
    check("20240101", "FREQ=DAILY;COUNT=0", "2024-01-01");
    check("20240101", "FREQ=DAILY;UNTIL=20231231", "2024-01-01");
    check(
        "20240101",
        "FREQ=DAILY;COUNT=9;UNTIL=20240102",
        "2024-01-01, 2024-01-02",
    );
    // A DATE for UNTIL includes its day.
    check(
        "20240101T090000",
        "FREQ=DAILY;UNTIL=20240103",
        "2024-01-01 09:00:00, 2024-01-02 09:00:00, 2024-01-03 09:00:00",
    );
    // Second 60 is the 59th.
    check(
        "20240101T000059",
        "FREQ=DAILY;BYSECOND=60;COUNT=2",
        "2024-01-01 00:00:59, 2024-01-02 00:00:59",
    );
    // A DATE has no time.
    check(
        "20240101",
        "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=3;COUNT=2",
        "2024-01-01, 2024-01-02",
    );
    // "N/A" limits.
    check(
        "20240101",
        "FREQ=WEEKLY;BYMONTHDAY=1;COUNT=3",
        "2024-01-01, 2024-04-01, 2024-07-01",
    );
    check(
        "20240101",
        "FREQ=DAILY;BYYEARDAY=-1;COUNT=2",
        "2024-01-01, 2024-12-31",
    );
    check(
        "20240101",
        "FREQ=WEEKLY;BYDAY=3TU;COUNT=3",
        "2024-01-01, 2024-01-02, 2024-01-09",
    );
    check(
        "20240101",
        "FREQ=MONTHLY;BYYEARDAY=1,366;COUNT=3",
        "2024-01-01, 2024-12-31, 2025-01-01",
    );
    check(
        "20240101",
        "FREQ=DAILY;BYWEEKNO=20;BYDAY=MO;COUNT=2",
        "2024-01-01, 2024-05-13",
    );
    // BYWEEKNO alone takes DTSTART's weekday; week 1 of 2020 begins in 2019.
    check(
        "20191230",
        "FREQ=YEARLY;BYWEEKNO=1;COUNT=3",
        "2019-12-30, 2021-01-04, 2022-01-03",
    );
    check(
        "20191230",
        "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;COUNT=3",
        "2019-12-30, 2022-01-03, 2024-01-01",
    );
    check(
        "20201228",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,SU;COUNT=4",
        "2020-12-28, 2021-01-03, 2026-12-28, 2027-01-03",
    );
    check(
        "20200101",
        "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=WE;COUNT=3",
        "2020-01-01, 2020-12-30, 2021-12-29",
    );
    check(
        "19970101",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU;COUNT=3",
        "1997-01-01, 1998-01-04, 1999-01-03",
    );
}

#[test]
fn years_far_away_are_right() {
    check(
        "16010101T020000",
        "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;COUNT=3",
        "1601-01-01 02:00:00, 1601-10-28 02:00:00, 1602-10-27 02:00:00",
    );
    check(
        "20000229",
        "FREQ=YEARLY;INTERVAL=100",
        "2000-02-29, 2400-02-29, 2800-02-29, ...",
    );
    let century = first_from(
        "19700101T000000",
        "UTC",
        "FREQ=DAILY",
        civil::date(2400, 2, 29).at(0, 0, 0, 0),
        2,
    );
    assert_eq!(shown(&century), "2400-02-29, 2400-03-01");
    assert_eq!(
        shown(&first_from(
            "20240101",
            "UTC",
            "FREQ=DAILY",
            civil::date(9999, 12, 31).at(0, 0, 0, 0),
            3
        )),
        "9999-12-31"
    );
    assert_eq!(
        shown(&first_from(
            "20240101",
            "UTC",
            "FREQ=YEARLY;INTERVAL=4294967295",
            civil::date(9999, 1, 1).at(0, 0, 0, 0),
            3
        )),
        ""
    );
    assert_eq!(
        shown(&first_of(
            "20240101T000000",
            "UTC",
            "FREQ=HOURLY;INTERVAL=4294967295;COUNT=4294967295",
            3
        )),
        "2024-01-01"
    );
}

/// RFC 7529 §4.1 and §4.3.4.
#[test]
fn skip_moves_days_that_do_not_exist() {
    check(
        "20120229",
        "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD",
        "2012-02-29, 2013-03-01, 2014-03-01, 2015-03-01, 2016-02-29, 2017-03-01, ...",
    );
    check(
        "20120229",
        "FREQ=YEARLY",
        "2012-02-29, 2016-02-29, 2020-02-29, ...",
    );
    check(
        "20120229",
        "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=BACKWARD",
        "2012-02-29, 2013-02-28, 2014-02-28, 2015-02-28, 2016-02-29, ...",
    );
    check(
        "20140131",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4",
        "2014-01-31, 2014-02-28, 2014-03-31, 2014-04-30",
    );
    check(
        "20140131",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;COUNT=5",
        "2014-01-31, 2014-03-01, 2014-03-31, 2014-05-01, 2014-05-31",
    );
    // A moved day that another period has too is one occurrence.
    check(
        "20140131",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD;COUNT=6",
        "2014-01-31, 2014-02-01, 2014-03-01, 2014-03-31, 2014-04-01, 2014-05-01",
    );
    check(
        "20140301",
        "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=-31,-1;SKIP=BACKWARD;COUNT=5",
        "2014-03-01, 2014-03-31, 2014-04-30, 2014-05-01, 2014-05-31",
    );
    check(
        "20151231",
        "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=366;SKIP=FORWARD;COUNT=4",
        "2015-12-31, 2016-01-01, 2016-12-31, 2018-01-01",
    );
    check(
        "20201228",
        "RSCALE=GREGORIAN;FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;SKIP=BACKWARD;COUNT=3",
        "2020-12-28, 2021-12-27, 2022-12-26",
    );
}

/// The moved days must be found from anywhere, too.
#[test]
fn skip_is_right_after_a_seek() {
    for (rule, start) in [
        (
            "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,30,31,-31;SKIP=FORWARD;COUNT=60",
            "20140131T080000",
        ),
        (
            "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,30,31,-31;SKIP=BACKWARD",
            "20140131T080000",
        ),
        (
            "RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=1,366,-366;SKIP=FORWARD;BYHOUR=8,20",
            "20140101T080000",
        ),
    ] {
        let all = first_of(start, "UTC", rule, 60);
        for (index, &at) in all.iter().enumerate() {
            let rest = first_from(start, "UTC", rule, at, all.len() - index);
            assert_eq!(rest, &all[index..], "{rule} from {at}");
        }
    }
}

fn steps_for(
    start: &str,
    rule: &str,
    target: civil::DateTime,
) -> (Result<Option<civil::DateTime>, TooMuchWork>, u32) {
    let rule: RecurrenceRule = rule.parse().unwrap();
    let (start, is_date) = civil_of(start);
    let mut budget = Budget::default();
    let all = budget.remaining();
    let mut occurrences = Occurrences::new(&rule, start, until_in(&rule, "UTC"), is_date);
    let answer = occurrences
        .seek(target, &mut budget)
        .and_then(|()| occurrences.next(&mut budget));
    (answer, all - budget.remaining())
}

/// Seeking costs nothing that grows with the distance (what dependencies.md calls R2, and more).
#[test]
fn seeking_is_arithmetic() {
    let far = civil::date(2999, 7, 1).at(0, 0, 0, 0);
    for rule in [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;INTERVAL=7;COUNT=99999999999",
        "FREQ=MINUTELY;INTERVAL=7",
        "FREQ=MINUTELY;COUNT=9999999999",
        "FREQ=HOURLY;BYMINUTE=1,2,3;BYSETPOS=-1",
        "FREQ=HOURLY;COUNT=9999999999",
        "FREQ=DAILY",
        "FREQ=DAILY;BYHOUR=1,2,3;COUNT=9999999999",
        "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=9999999999",
        "FREQ=MONTHLY;BYDAY=-1MO",
        "FREQ=YEARLY;BYDAY=-1MO",
        "FREQ=SECONDLY;BYMONTH=7;BYHOUR=3",
    ] {
        let (answer, steps) = steps_for("19700101T000000", rule, far);
        assert!(answer.unwrap().unwrap() >= far, "{rule}");
        assert!(steps < 100, "{rule} took {steps}");
    }
    // Where periods differ, COUNT has to walk through them, not through the occurrences.
    let (answer, steps) = steps_for(
        "19700101T000000",
        "FREQ=MONTHLY;BYHOUR=0,1,2,3,4,5;COUNT=999999999",
        far,
    );
    assert!(answer.unwrap().unwrap() >= far);
    assert!(steps < 15_000, "{steps}");
}

/// A year with half a million instants is not built to find the first (R3).
#[test]
fn a_crowded_period_is_not_built() {
    let list = |last: u32| {
        (0..=last)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let rule = format!(
        "FREQ=YEARLY;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYHOUR={};BYMINUTE={};BYSECOND={}",
        list(23),
        list(59),
        list(59)
    );
    let target = civil::date(2024, 12, 31).at(23, 59, 58, 0);
    let (answer, steps) = steps_for("20240101T000000", &rule, target);
    assert_eq!(answer, Ok(Some(target)));
    assert!(steps < 100, "{steps}");
    let from_the_end = format!("{rule};BYSETPOS=-1");
    check(
        "20240101T000000",
        &from_the_end,
        "2024-01-01, 2024-12-31 23:59:59, 2025-12-31 23:59:59, ...",
    );
}

/// Rules that never match end: by the end of time, or by the budget.
#[test]
fn rules_that_never_match_end() {
    let near = civil::date(2024, 6, 1).at(0, 0, 0, 0);
    for (rule, expected) in [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", Ok(None)),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", Ok(None)),
        ("FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30", Err(TooMuchWork)),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", Err(TooMuchWork)),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", Err(TooMuchWork)),
        ("FREQ=SECONDLY;INTERVAL=60;BYSECOND=30", Err(TooMuchWork)),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=5", Err(TooMuchWork)),
        ("FREQ=DAILY;BYSETPOS=2", Err(TooMuchWork)),
        ("FREQ=DAILY;BYSETPOS=2;COUNT=3", Err(TooMuchWork)),
        (
            "FREQ=SECONDLY;BYSECOND=1,2;BYSETPOS=3;COUNT=3;UNTIL=20240102",
            Ok(None),
        ),
        ("FREQ=YEARLY;BYYEARDAY=60;BYMONTH=12", Ok(None)),
    ] {
        let (answer, _) = steps_for("20240101T000000", rule, near);
        assert_eq!(answer, expected, "{rule}");
    }
}

/// The bound of COUNT is where walking ends.
#[test]
fn the_last_occurrence_is_where_walking_ends() {
    for (start, rule) in [
        ("20240101T090000", "FREQ=DAILY;COUNT=10"),
        ("20240103T090000", "FREQ=WEEKLY;BYDAY=MO,TU,SU;COUNT=17"),
        (
            "20240103T090000",
            "FREQ=WEEKLY;BYDAY=MO,TU,SU;BYSETPOS=-1,2;COUNT=17",
        ),
        ("20240131T090000", "FREQ=MONTHLY;COUNT=11"),
        ("20240131T090000", "FREQ=MONTHLY;BYDAY=1FR,-2SU;COUNT=12"),
        ("20240229T090000", "FREQ=YEARLY;COUNT=5"),
        (
            "20240101T090000",
            "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,30;COUNT=31",
        ),
        ("20240101T090000", "FREQ=HOURLY;BYHOUR=9,11;COUNT=31"),
        ("20240101T090000", "FREQ=SECONDLY;INTERVAL=61;COUNT=100"),
        (
            "20240131T090000",
            "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD;COUNT=23",
        ),
        ("20240131T090000", "FREQ=DAILY;COUNT=1"),
    ] {
        let walked = *first_of(start, "UTC", rule, 1_000).last().unwrap();
        let parsed: RecurrenceRule = rule.parse().unwrap();
        let (first, is_date) = civil_of(start);
        let last = Occurrences::new(&parsed, first, None, is_date)
            .last_second(&mut Budget::default())
            .unwrap();
        assert_eq!(
            last,
            Some(super::gregorian::civil_seconds(walked)),
            "{rule}"
        );
    }
}
