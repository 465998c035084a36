//! When a single event or task is: as moments that can be compared, and in words.

use calendar::{
    CalendarObject, Component, Zone, Zones,
    value::{DateOrDateTime, DateTime, Duration, Form, date_in, duration_in},
};
use jiff::{Span, Timestamp, ToSpan, civil};

/// A point in time, as far as it is one: two texts for the same moment are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A whole day, wherever the reader is.
    Day(civil::Date),
    /// In UTC or in a zone that is known.
    Instant(Timestamp),
    /// Floating, or in a zone that nobody knows.
    WallClock(civil::DateTime, Option<String>),
}

/// Where a component stands in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// By its moments.
    Known(Known),
    /// A value cannot be read: the lines themselves are compared.
    Unreadable(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    start: Option<Moment>,
    end: Option<Moment>,
}

impl Place {
    /// Where it begins, if that is known.
    pub fn start(&self) -> Option<&Moment> {
        match self {
            Place::Known(known) => known.start.as_ref(),
            Place::Unreadable(_) => None,
        }
    }
}

/// Properties that place a component in time.
pub(super) const TIME: [&str; 4] = ["DTSTART", "DTEND", "DURATION", "DUE"];

/// Where a component of an object stands in time.
pub(super) fn place(object: &CalendarObject, entry: &Component) -> Place {
    let zones = Zones::of(object);
    match Times::of(&zones, entry) {
        Some(times) => Place::Known(Known {
            start: times.start.map(|start| moment(&zones, &start)),
            end: times.end.map(|end| moment(&zones, &end)),
        }),
        None => Place::Unreadable(
            entry
                .properties()
                .filter(|property| TIME.contains(&property.name()))
                .map(|property| property.content().to_owned())
                .collect(),
        ),
    }
}

fn moment(zones: &Zones<'_>, value: &DateOrDateTime) -> Moment {
    match value {
        DateOrDateTime::Date(date) => Moment::Day(*date),
        DateOrDateTime::DateTime(value) => match zone_of(zones, value) {
            Some(zone) => Moment::Instant(zone.instant(value.civil)),
            None => Moment::WallClock(
                value.civil,
                value.time_zone_id().map(str::to_ascii_lowercase),
            ),
        },
    }
}

fn zone_of(zones: &Zones<'_>, value: &DateTime) -> Option<Zone> {
    match &value.form {
        Form::Floating => None,
        Form::Utc => Some(Zone::utc()),
        Form::Zoned(id) => zones.resolve(id),
    }
}

/// Start and end as values; the end also where it follows from a duration or a whole day.
struct Times {
    start: Option<DateOrDateTime>,
    end: Option<DateOrDateTime>,
}

impl Times {
    /// `None` where a value that is there cannot be read.
    fn of(zones: &Zones<'_>, entry: &Component) -> Option<Times> {
        let read = |name: &str| match entry.property(name) {
            Some(_) => date_in(entry, name).map(Some),
            None => Some(None),
        };
        let start = read("DTSTART")?;
        let written = read("DTEND")?.or(read("DUE")?);
        let end = match (&start, written) {
            (_, Some(end)) => Some(end),
            (Some(start), None) if entry.property("DURATION").is_some() => {
                Some(after(zones, start, &duration_in(entry, "DURATION")?)?)
            }
            (Some(DateOrDateTime::Date(day)), None) if entry.is("VEVENT") => {
                Some(DateOrDateTime::Date(day.tomorrow().ok()?))
            }
            (start, None) => start.clone().filter(|_| entry.is("VEVENT")),
        };
        Some(Times { start, end })
    }
}

/// A start and a duration: days by the calendar, the rest by the clock (RFC 5545 §3.3.6).
fn after(zones: &Zones<'_>, start: &DateOrDateTime, duration: &Duration) -> Option<DateOrDateTime> {
    let days = Span::new().try_days(duration.days).ok()?;
    let seconds = Span::new().try_seconds(duration.seconds).ok()?;
    Some(match start {
        DateOrDateTime::Date(date) => DateOrDateTime::Date(date.checked_add(days).ok()?),
        DateOrDateTime::DateTime(value) => {
            let civil = value.civil.checked_add(days).ok()?;
            let civil = match zone_of(zones, value) {
                Some(zone) => zone.civil(zone.instant(civil).checked_add(seconds).ok()?),
                None => civil.checked_add(seconds).ok()?,
            };
            DateOrDateTime::DateTime(DateTime {
                civil,
                form: value.form.clone(),
            })
        }
    })
}

/// When it is, in words, with the zone's name; empty where it stands in no time or cannot be read. UTC
/// times are shown in `time_zone` (an IANA name) if it is given.
pub(super) fn in_words(
    object: &CalendarObject,
    entry: &Component,
    time_zone: Option<&str>,
) -> String {
    let zones = Zones::of(object);
    let Some(times) = Times::of(&zones, entry) else {
        return String::new();
    };
    let end = times
        .end
        .filter(|_| entry.is("VEVENT") || entry.property("DTSTART").is_some());
    match (times.start, end) {
        (Some(DateOrDateTime::Date(first)), end) => days_in_words(first, end.map(|end| end.date())),
        (Some(DateOrDateTime::DateTime(start)), end) => {
            let end = end.and_then(|end| match end {
                DateOrDateTime::DateTime(end) => Some(end),
                DateOrDateTime::Date(_) => None,
            });
            hours_in_words(&zones, &start, end.as_ref(), time_zone)
        }
        (None, _) => match date_in(entry, "DUE") {
            Some(DateOrDateTime::Date(day)) => format!("due {}", day_in_words(day)),
            Some(DateOrDateTime::DateTime(due)) => {
                format!("due {}", hours_in_words(&zones, &due, None, time_zone))
            }
            None => String::new(),
        },
    }
}

fn day_in_words(day: civil::Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

/// `end` is the day after the last one.
fn days_in_words(first: civil::Date, end: Option<civil::Date>) -> String {
    let last = end
        .and_then(|end| end.checked_sub(1.day()).ok())
        .filter(|last| *last > first);
    match last {
        Some(last) => format!("{} – {} (all day)", day_in_words(first), day_in_words(last)),
        None => format!("{} (all day)", day_in_words(first)),
    }
}

fn hours_in_words(
    zones: &Zones<'_>,
    start: &DateTime,
    end: Option<&DateTime>,
    time_zone: Option<&str>,
) -> String {
    let (shown_in, name) = shown_in(zones, start, time_zone);
    let shown = |value: &DateTime| match (&shown_in, zone_of(zones, value)) {
        (Some(shown_in), Some(zone)) => shown_in.civil(zone.instant(value.civil)),
        _ => value.civil,
    };
    let first = shown(start);
    let mut words = format!(
        "{}, {}",
        day_in_words(first.date()),
        first.strftime("%H:%M")
    );
    match end.map(shown).filter(|last| *last > first) {
        Some(last) if last.date() == first.date() => {
            words += &format!(" – {}", last.strftime("%H:%M"))
        }
        Some(last) => {
            words += &format!(
                " – {}, {}",
                day_in_words(last.date()),
                last.strftime("%H:%M")
            )
        }
        None => {}
    }
    match name {
        Some(name) => format!("{words} ({name})"),
        None => words,
    }
}

/// The zone that times are shown in, and its name.
fn shown_in(
    zones: &Zones<'_>,
    start: &DateTime,
    time_zone: Option<&str>,
) -> (Option<Zone>, Option<String>) {
    match &start.form {
        Form::Floating => (None, None),
        Form::Utc => match time_zone.and_then(|name| Some((Zone::named(name)?, name))) {
            Some((zone, name)) => (Some(zone), Some(name.to_owned())),
            None => (Some(Zone::utc()), Some("UTC".to_owned())),
        },
        Form::Zoned(id) => {
            let zone = zones.resolve(id);
            let known = match &zone {
                Some(Zone::Known(zone)) => zone.iana_name().map(str::to_owned),
                _ => None,
            };
            (zone, known.or_else(|| Some(id.to_string())))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use calendar::Limits;

    fn object(component: &str, lines: &[&str]) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:{component}\n{}\nEND:{component}\nEND:VCALENDAR\n",
            lines.join("\n")
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn place_of(lines: &[&str]) -> Place {
        let object = object("VEVENT", lines);
        place(&object, object.entries().next().unwrap())
    }

    #[test]
    fn texts_for_the_same_moments() {
        let same = [
            vec!["DTSTART:20260301T090000Z", "DTEND:20260301T100000Z"],
            vec!["DTSTART:20260301T090000Z", "DURATION:PT1H"],
            vec!["DTSTART:20260301T090000Z", "DURATION:PT60M"],
            vec![
                "DTSTART;TZID=Europe/Berlin:20260301T100000",
                "DTEND;TZID=Europe/Berlin:20260301T110000",
            ],
            vec![
                "DTSTART;TZID=W. Europe Standard Time:20260301T100000",
                "DTEND:20260301T100000Z",
            ],
            vec![
                "DTSTART;VALUE=DATE-TIME;TZID=America/New_York:20260301T040000",
                "DURATION:PT1H",
            ],
        ];
        for lines in &same {
            assert_eq!(place_of(lines), place_of(&same[0]), "{lines:?}");
        }
        let days = [
            vec!["DTSTART;VALUE=DATE:20260301"],
            vec!["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"],
            vec!["DTSTART;VALUE=DATE:20260301", "DURATION:P1D"],
        ];
        for lines in &days {
            assert_eq!(place_of(lines), place_of(&days[0]), "{lines:?}");
        }
        for lines in [
            vec!["DTSTART:20260301T090000", "DTEND:20260301T100000"],
            vec!["DTSTART:20260301T090000Z"],
            vec!["DTSTART:20260301T090000Z", "DTEND:20260301T100001Z"],
            vec!["DTSTART:soon"],
            vec!["DTSTART;TZID=Nowhere:20260301T100000", "DURATION:PT1H"],
            days[0].clone(),
        ] {
            assert_ne!(place_of(&lines), place_of(&same[0]), "{lines:?}");
        }
        assert_ne!(place_of(&["DTSTART:soon"]), place_of(&["DTSTART:later"]));
        // an hour's length over the change of clocks: 23:30 to 00:30 UTC, not an hour on the wall
        assert_eq!(
            place_of(&[
                "DTSTART;TZID=Europe/Berlin:20260329T013000",
                "DURATION:PT1H"
            ]),
            place_of(&[
                "DTSTART:20260329T003000Z",
                "DTEND;TZID=Europe/Berlin:20260329T033000"
            ])
        );
    }

    #[test]
    fn words() {
        let cases = [
            (
                "VEVENT",
                vec!["DTSTART:20260301T090000Z", "DTEND:20260301T100000Z"],
                "Sunday, 1 March 2026, 10:00 – 11:00 (Europe/Berlin)",
            ),
            (
                "VEVENT",
                vec![
                    "DTSTART;TZID=America/New_York:20260301T090000",
                    "DURATION:PT90M",
                ],
                "Sunday, 1 March 2026, 09:00 – 10:30 (America/New_York)",
            ),
            (
                "VEVENT",
                vec![
                    "DTSTART;TZID=W. Europe Standard Time:20260301T230000",
                    "DTEND:20260302T000000Z",
                ],
                "Sunday, 1 March 2026, 23:00 – Monday, 2 March 2026, 01:00 (Europe/Berlin)",
            ),
            (
                "VEVENT",
                vec!["DTSTART:20260301T090000"],
                "Sunday, 1 March 2026, 09:00",
            ),
            (
                "VEVENT",
                vec!["DTSTART;TZID=Nowhere:20260301T090000"],
                "Sunday, 1 March 2026, 09:00 (Nowhere)",
            ),
            (
                "VEVENT",
                vec!["DTSTART;VALUE=DATE:20260301"],
                "Sunday, 1 March 2026 (all day)",
            ),
            (
                "VEVENT",
                vec!["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260304"],
                "Sunday, 1 March 2026 – Tuesday, 3 March 2026 (all day)",
            ),
            (
                "VEVENT",
                vec!["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260301"],
                "Sunday, 1 March 2026 (all day)",
            ),
            ("VEVENT", vec!["DTSTART:soon"], ""),
            (
                "VTODO",
                vec!["DUE:20260301T090000Z"],
                "due Sunday, 1 March 2026, 10:00 (Europe/Berlin)",
            ),
            (
                "VTODO",
                vec!["DUE;VALUE=DATE:20260301"],
                "due Sunday, 1 March 2026",
            ),
            ("VTODO", vec!["SUMMARY:x"], ""),
        ];
        for (component, lines, words) in cases {
            let object = object(component, &lines);
            let entry = object.entries().next().unwrap();
            assert_eq!(in_words(&object, entry, Some("Europe/Berlin")), words);
        }
        let object = object("VEVENT", &["DTSTART:20260301T090000Z"]);
        let entry = object.entries().next().unwrap();
        assert_eq!(
            in_words(&object, entry, None),
            "Sunday, 1 March 2026, 09:00 (UTC)"
        );
        assert_eq!(
            in_words(&object, entry, Some("Nowhere")),
            "Sunday, 1 March 2026, 09:00 (UTC)"
        );
    }
}
