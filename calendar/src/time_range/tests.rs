//! RFC 4791 §9.9, row by row.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::object::Limits;

fn object(component: &str) -> CalendarObject {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{component}\nEND:VCALENDAR\n");
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn component(name: &str, lines: &str) -> CalendarObject {
    object(&format!("BEGIN:{name}\nUID:1\n{lines}\nEND:{name}"))
}

/// `10-12` on 2024-01-02 in UTC, hours or `hh:mm`; an open side is empty.
fn range(text: &str) -> TimeRange {
    let side = |side: &str| {
        (!side.is_empty()).then(|| {
            let time = if side.contains(':') {
                side.to_owned()
            } else {
                format!("{side}:00")
            };
            format!("2024-01-02T{time}:00Z").parse().unwrap()
        })
    };
    let (start, end) = text.split_once('-').unwrap();
    TimeRange {
        start: side(start),
        end: side(end),
    }
}

/// Checks ranges that must and that must not overlap.
#[track_caller]
fn check(name: &str, lines: &str, yes: &[&str], no: &[&str]) {
    let object = component(name, &lines.replace(';', "\n"));
    for (ranges, expected) in [(yes, true), (no, false)] {
        for text in ranges {
            let range = range(text);
            let answer =
                object_overlaps(&object, name, &range, &Zone::utc(), &mut Budget::default());
            assert_eq!(answer, Ok(expected), "{name} {lines} in {text}");
        }
    }
}

const TEN: &str = "DTSTART:20240102T100000Z";

#[test]
fn vevent() {
    // DTEND: (start < DTEND AND end > DTSTART)
    check(
        "VEVENT",
        &format!("{TEN};DTEND:20240102T120000Z"),
        &[
            "11-11:30", "09-10:01", "11:59-13", "09-13", "10-12", "11-", "-11", "09-", "-13",
        ],
        &["09-10", "12-13", "12-", "-10", "08-09"],
    );
    // DURATION > 0: (start < DTSTART+DURATION AND end > DTSTART)
    check(
        "VEVENT",
        &format!("{TEN};DURATION:PT2H"),
        &["11-11:30", "11:59-13", "-10:01"],
        &["09-10", "12-13", "12-"],
    );
    // DURATION = 0: (start <= DTSTART AND end > DTSTART)
    check(
        "VEVENT",
        &format!("{TEN};DURATION:PT0S"),
        &["10-11", "09-10:01", "10-", "-11"],
        &["09-10", "10:01-11", "-10"],
    );
    // neither, DATE-TIME: (start <= DTSTART AND end > DTSTART)
    check(
        "VEVENT",
        TEN,
        &["10-11", "09-10:01", "10-"],
        &["09-10", "10:01-11", "-10"],
    );
    // neither, DATE: (start < DTSTART+P1D AND end > DTSTART)
    check(
        "VEVENT",
        "DTSTART:20240102",
        &["00-01", "23:59-", "-00:01"],
        &["-00"],
    );
    check("VEVENT", "DTSTART:20240101", &["-00"], &["00-01", "00-"]);
    // DTEND that equals DTSTART, by the letter of the first row.
    check(
        "VEVENT",
        &format!("{TEN};DTEND:20240102T100000Z"),
        &["09-11"],
        &["10-11", "09-10"],
    );
}

#[test]
fn vtodo_with_dates() {
    // DTSTART and DURATION
    check(
        "VTODO",
        &format!("{TEN};DURATION:PT2H"),
        &["12-13", "09-10:01", "11-11:30", "12-", "-10:01"],
        &["12:01-13", "09-10", "-10"],
    );
    check(
        "VTODO",
        &format!("{TEN};DURATION:PT0S"),
        &["09-10", "10-11"],
        &["10:01-11", "08-09"],
    );
    // DTSTART and DUE
    check(
        "VTODO",
        &format!("{TEN};DUE:20240102T120000Z"),
        &["11-11:30", "09-10:01", "11:59-13", "-11"],
        &["12-13", "09-10", "-10", "12-"],
    );
    check(
        "VTODO",
        &format!("{TEN};DUE:20240102T100000Z"),
        &["10-11", "09-10", "09-11"],
        &["10:01-11", "08-09"],
    );
    // DTSTART alone
    check("VTODO", TEN, &["10-11", "09-10:01"], &["09-10", "10:01-11"]);
    // DUE alone: (start < DUE) AND (end >= DUE)
    check(
        "VTODO",
        "DUE:20240102T100000Z",
        &["09-10", "09-11", "-10", "09-"],
        &["10-11", "08-09", "10-"],
    );
    // A DURATION without DTSTART means nothing.
    check("VTODO", "DURATION:PT2H", &["10-11"], &[]);
}

#[test]
fn vtodo_without_dates() {
    const COMPLETED: &str = "COMPLETED:20240102T120000Z";
    const CREATED: &str = "CREATED:20240102T100000Z";
    check(
        "VTODO",
        &format!("{COMPLETED};{CREATED}"),
        &["11-11:30", "09-10", "12-13", "10-12", "-10", "12-"],
        &["12:01-13", "08-09", "12:01-", "-09"],
    );
    check(
        "VTODO",
        COMPLETED,
        &["12-13", "11-12", "-12", "12-"],
        &["12:01-13", "10-11"],
    );
    check(
        "VTODO",
        CREATED,
        &["10-11", "22-23", "09-10:01", "11-"],
        &["09-10", "-10"],
    );
    check("VTODO", "SUMMARY:Some day", &["10-11", "-10", "10-"], &[]);
}

#[test]
fn vjournal() {
    check(
        "VJOURNAL",
        TEN,
        &["10-11", "09-10:01"],
        &["09-10", "10:01-11"],
    );
    check(
        "VJOURNAL",
        "DTSTART:20240102",
        &["00-01", "23:59-"],
        &["-00"],
    );
    check("VJOURNAL", "SUMMARY:Never", &[], &["10-11", "10-", "-10"]);
}

#[test]
fn vfreebusy() {
    // (start <= DTEND) AND (end > DTSTART); DURATION is not asked.
    check(
        "VFREEBUSY",
        &format!("{TEN};DTEND:20240102T120000Z;DURATION:PT9H;FREEBUSY:20240102T200000Z/PT1H"),
        &["11-11:30", "12-13", "09-10:01"],
        &["09-10", "12:01-13", "20-21"],
    );
    check(
        "VFREEBUSY",
        &format!("{TEN};FREEBUSY:20240102T200000Z/PT1H,20240102T220000Z/20240102T230000Z"),
        &["20:30-20:31", "19-20:01", "22-23"],
        &["19-20", "21-22", "10-11", "23-"],
    );
    check("VFREEBUSY", TEN, &[], &["10-11", "-"]);
}

/// "Time range tests MUST consider every recurrence instance"
#[test]
fn every_instance_counts() {
    let series = "DTSTART:20230102T100000Z;DURATION:PT2H;RRULE:FREQ=DAILY;EXDATE:20240102T100000Z";
    check(
        "VEVENT",
        &series.replace("EXDATE", "COMMENT"),
        &["10-11", "11-", "-10:01"],
        &["08-09", "12-13"],
    );
    check("VEVENT", series, &["11-", "-11"], &["08-23"]);
    let with_override = object(
        "BEGIN:VEVENT\nUID:1\nDTSTART:20230102T100000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20230103T100000Z\nDTSTART:20240102T150000Z\nEND:VEVENT",
    );
    let set = RecurrenceSet::of(&with_override, &Zone::utc());
    for (entry, text, expected) in [
        (0, "10-11", true),
        (1, "10-11", false),
        (0, "15-16", false),
        (1, "15-16", true),
        (2, "15-16", false),
    ] {
        let answer = component_overlaps(&set, entry, &range(text), &mut Budget::default());
        assert_eq!(answer, Ok(expected), "{entry} in {text}");
    }
    let answer = object_overlaps(
        &with_override,
        "VTODO",
        &range("10-11"),
        &Zone::utc(),
        &mut Budget::default(),
    );
    assert_eq!(answer, Ok(false));
}

/// The zone of floating times decides.
#[test]
fn floating_times_are_read_in_the_given_zone() {
    for (lines, zone, expected) in [
        ("DTSTART:20240102T100000", "UTC", true),
        ("DTSTART:20240102T100000", "Europe/Berlin", false),
        ("DTSTART:20240102T110000", "Europe/Berlin", true),
        ("DTSTART;VALUE=DATE:20240102", "Pacific/Kiritimati", false),
        ("DTSTART;VALUE=DATE:20240103", "Pacific/Kiritimati", true),
    ] {
        let object = component("VEVENT", lines);
        let zone = Zone::named(zone).unwrap();
        let answer = object_overlaps(
            &object,
            "VEVENT",
            &range("10-11"),
            &zone,
            &mut Budget::default(),
        );
        assert_eq!(answer, Ok(expected), "{lines}");
    }
}

/// Checks an alarm of a component in ranges.
#[track_caller]
fn check_alarm(name: &str, lines: &str, alarm: &str, yes: &[&str], no: &[&str]) {
    let object = component(
        name,
        &format!(
            "{}\nBEGIN:VALARM\n{alarm}\nEND:VALARM",
            lines.replace(';', "\n")
        ),
    );
    let set = RecurrenceSet::of(&object, &Zone::utc());
    let alarm_component = object
        .entries()
        .next()
        .unwrap()
        .components()
        .next()
        .unwrap();
    for (ranges, expected) in [(yes, true), (no, false)] {
        for text in ranges {
            let answer = alarm_overlaps(
                &set,
                0,
                alarm_component,
                &range(text),
                &mut Budget::default(),
            );
            assert_eq!(answer, Ok(expected), "{lines} {alarm} in {text}");
        }
    }
}

/// (start <= trigger-time) AND (end > trigger-time)
#[test]
fn valarm() {
    let event = "DTSTART:20240102T100000Z;DTEND:20240102T120000Z";
    check_alarm(
        "VEVENT",
        event,
        "TRIGGER:-PT15M",
        &["09:45-10", "09-09:46", "09-", "-10"],
        &["09-09:45", "09:46-10", "10-12"],
    );
    check_alarm(
        "VEVENT",
        event,
        "TRIGGER;RELATED=END:PT5M",
        &["12:05-13"],
        &["12:06-13", "12-12:05", "10-11"],
    );
    check_alarm(
        "VEVENT",
        event,
        "TRIGGER;VALUE=DATE-TIME:20240102T033000Z",
        &["03-04"],
        &["04-05", "10-12"],
    );
    check_alarm(
        "VEVENT",
        event,
        "TRIGGER:-PT1H\nREPEAT:3\nDURATION:PT20M",
        &["09-09:01", "09:20-09:21", "09:50-10:01", "10-10:01"],
        &["09:01-09:20", "09:41-10", "10:01-11", "08-09"],
    );
    check_alarm(
        "VEVENT",
        event,
        "TRIGGER:-PT1H\nREPEAT:3",
        &["09-09:01"],
        &["09:01-12"],
    );
    check_alarm("VEVENT", event, "ACTION:DISPLAY", &[], &["-"]);
    check_alarm("VEVENT", event, "TRIGGER:whenever", &[], &["-"]);
    check_alarm(
        "VTODO",
        "DTSTART:20240102T100000Z;DUE:20240102T120000Z",
        "TRIGGER;RELATED=END:-PT10M",
        &["11:50-12"],
        &["09-11:50"],
    );
    check_alarm(
        "VTODO",
        "DUE:20240102T120000Z",
        "TRIGGER:-PT10M",
        &["11:50-12"],
        &["09-11:50"],
    );
    // An absolute alarm of what stands nowhere in time.
    check_alarm(
        "VTODO",
        "SUMMARY:x",
        "TRIGGER;VALUE=DATE-TIME:20240102T033000Z",
        &["03-04"],
        &["04-05"],
    );
    check_alarm("VTODO", "SUMMARY:x", "TRIGGER:-PT10M", &[], &["-"]);
    // Any instance; the alarm may be far from it.
    check_alarm(
        "VEVENT",
        "DTSTART:20230109T100000Z;RRULE:FREQ=WEEKLY",
        "TRIGGER:-P6D",
        &["10-11"],
        &["11-12", "09-10"],
    );
    check_alarm(
        "VEVENT",
        "DTSTART:20230109T100000Z;RRULE:FREQ=WEEKLY",
        "TRIGGER:P14D",
        &[],
        &["09-12"],
    );
    check_alarm(
        "VEVENT",
        "DTSTART:20240101T000000Z",
        "TRIGGER:PT0S\nREPEAT:99999999999\nDURATION:PT1S",
        &["10-11", "23-"],
        &[],
    );
}

/// A day before a change of the clock is a nominal one.
#[test]
fn an_alarm_days_before_keeps_the_wall_clock() {
    let object = component(
        "VEVENT",
        "DTSTART;TZID=Europe/Berlin:20240331T120000\nBEGIN:VALARM\nTRIGGER:-P1D\nEND:VALARM\nBEGIN:VALARM\nTRIGGER:-PT24H\nEND:VALARM",
    );
    let set = RecurrenceSet::of(&object, &Zone::utc());
    let alarms: Vec<&Component> = object.entries().next().unwrap().components().collect();
    for (alarm, at) in [
        (alarms[0], "2024-03-30T11:00:00Z"),
        (alarms[1], "2024-03-30T10:00:00Z"),
    ] {
        let at: Timestamp = at.parse().unwrap();
        let range = TimeRange::between(at, at + jiff::SignedDuration::from_secs(1));
        assert_eq!(
            alarm_overlaps(&set, 0, alarm, &range, &mut Budget::default()),
            Ok(true)
        );
    }
}

/// (start <= date-time) AND (end > date-time), with the effective DTEND and DUE.
#[test]
fn properties() {
    for (name, lines, property, within, beside) in [
        ("VEVENT", TEN, "DTSTART", "10-11", "09-10"),
        ("VEVENT", TEN, "dtstart", "09-10:01", "10:01-11"),
        (
            "VEVENT",
            "DTSTART:20240102T100000Z;DTEND:20240102T120000Z",
            "DTEND",
            "12-13",
            "10-12",
        ),
        (
            "VEVENT",
            "DTSTART:20240102T100000Z;DURATION:PT2H",
            "DTEND",
            "12-13",
            "10-12",
        ),
        (
            "VTODO",
            "DTSTART:20240102T100000Z;DURATION:PT2H",
            "DUE",
            "12-13",
            "10-12",
        ),
        ("VTODO", "DUE:20240102T120000Z", "DUE", "12-13", "10-12"),
        (
            "VTODO",
            "COMPLETED:20240102T120000Z",
            "COMPLETED",
            "12-13",
            "10-12",
        ),
        (
            "VEVENT",
            "DTSTART:20230102T100000Z;RRULE:FREQ=DAILY;DURATION:PT1H",
            "DTEND",
            "11-12",
            "10-11",
        ),
        (
            "VEVENT",
            "DTSTART:20230102T100000Z;RRULE:FREQ=DAILY",
            "DTSTART",
            "10-11",
            "09-10",
        ),
        (
            "VEVENT",
            "DTSTART:20240102T100000Z;DTSTAMP:20240102T120000Z",
            "DTSTAMP",
            "12-13",
            "10-12",
        ),
        (
            "VEVENT",
            "DTSTART:20240102T100000Z;CREATED:20240102",
            "CREATED",
            "00-01",
            "01-12",
        ),
        (
            "VEVENT",
            "DTSTART:20240102T100000Z;X-WHEN:20240102T120000Z",
            "X-WHEN",
            "12-13",
            "10-12",
        ),
    ] {
        let object = component(
            name,
            &lines
                .replace(";R", "\nR")
                .replace(";D", "\nD")
                .replace(";C", "\nC")
                .replace(";X", "\nX"),
        );
        let set = RecurrenceSet::of(&object, &Zone::utc());
        for (text, expected) in [(within, true), (beside, false)] {
            let answer = property_overlaps(&set, 0, property, &range(text), &mut Budget::default());
            assert_eq!(answer, Ok(expected), "{property} of {lines} in {text}");
        }
    }
    // What is not there is in no range.
    let object = component("VEVENT", TEN);
    let set = RecurrenceSet::of(&object, &Zone::utc());
    for property in ["DTEND", "DUE", "COMPLETED", "SUMMARY"] {
        let answer = property_overlaps(
            &set,
            0,
            property,
            &TimeRange::default(),
            &mut Budget::default(),
        );
        assert_eq!(answer, Ok(false), "{property}");
    }
}

/// An endless series is no problem for a question that ends at the first instance; one that never comes is.
#[test]
fn too_much_is_said() {
    let from_now_on = TimeRange {
        start: Some("2024-01-01T00:00:00Z".parse().unwrap()),
        end: None,
    };
    let endless = component("VEVENT", "DTSTART:20000101T000000Z\nRRULE:FREQ=DAILY");
    let answer = object_overlaps(
        &endless,
        "VEVENT",
        &from_now_on,
        &Zone::utc(),
        &mut Budget::new(20),
    );
    assert_eq!(answer, Ok(true));
    let never = component(
        "VEVENT",
        "DTSTART:20000101T000000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    );
    let answer = object_overlaps(
        &never,
        "VEVENT",
        &from_now_on,
        &Zone::utc(),
        &mut Budget::default(),
    );
    assert_eq!(answer, Err(TooMuchWork));
}
