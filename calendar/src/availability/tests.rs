#![allow(clippy::unwrap_used)]

use super::*;
use crate::object::Limits;

fn object(components: &str) -> CalendarObject {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{components}END:VCALENDAR\n");
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn availability(lines: &str, availables: &[&str]) -> String {
    let mut text = format!("BEGIN:VAVAILABILITY\nUID:a\nDTSTAMP:20111005T133225Z\n{lines}");
    for (number, lines) in availables.iter().enumerate() {
        let uid = match lines.contains("UID:") {
            true => String::new(),
            false => format!("UID:{number}\n"),
        };
        text.push_str(&format!(
            "BEGIN:AVAILABLE\n{uid}DTSTAMP:20111005T133225Z\n{lines}END:AVAILABLE\n"
        ));
    }
    text + "END:VAVAILABILITY\n"
}

/// What is busy of a window, as `TYPE start/end`, both in UTC without seconds and without what the day of the
/// window's start has in common.
fn unavailable(components: &str, window: (&str, &str)) -> Vec<String> {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let window = TimeRange::between(at(window.0), at(window.1));
    let object = object(components);
    let periods =
        unavailable_periods(&object, &window, &Zone::utc(), &mut Budget::default()).unwrap();
    let time = |moment: Timestamp| moment.strftime("%dT%H").to_string();
    let said = |period: &BusyPeriod| {
        let busy_type = period.busy_type.as_str().replace("BUSY-", "");
        format!("{busy_type} {}-{}", time(period.start), time(period.end))
    };
    periods.iter().map(said).collect()
}

/// 6 November 2011 is a Sunday; the day in Montreal, which left summer time that night.
const SUNDAY: (&str, &str) = ("2011-11-06T00:00:00Z", "2011-11-07T00:00:00Z");
const MONDAY: (&str, &str) = ("2011-11-07T05:00:00Z", "2011-11-08T05:00:00Z");
const OFFICE: &str = "DTSTART;TZID=America/Montreal:20111002T080000\nDTEND;TZID=America/Montreal:20111002T180000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\n";

/// RFC 7953 §5.1.1 (without the meeting, which is not this module's).
#[test]
fn rfc_7953_5_1_1_simple_example() {
    let simple = availability("", &[OFFICE]);
    assert_eq!(
        unavailable(&simple, MONDAY),
        ["UNAVAILABLE 07T05-07T13", "UNAVAILABLE 07T23-08T05"]
    );
    assert_eq!(unavailable(&simple, SUNDAY), ["UNAVAILABLE 06T00-07T00"]);
}

/// RFC 7953 §5.1.2: the week in Denver overrides the base.
#[test]
fn rfc_7953_5_1_2_further_example() {
    let base = availability("", &[OFFICE]);
    let denver = availability(
        "PRIORITY:1\nDTSTART;TZID=America/Denver:20111023T000000\nDTEND;TZID=America/Denver:20111030T000000\n",
        &[
            "DTSTART;TZID=America/Denver:20111023T080000\nDTEND;TZID=America/Denver:20111023T180000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\n",
        ],
    );
    let day = ("2011-10-24T04:00:00Z", "2011-10-25T04:00:00Z");
    let expected = ["UNAVAILABLE 24T04-24T14", "UNAVAILABLE 25T00-25T04"];
    assert_eq!(unavailable(&(base.clone() + &denver), day), expected);
    // The order in the object means nothing.
    assert_eq!(unavailable(&(denver + &base), day), expected);
}

const DAY: (&str, &str) = ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z");

fn span(name: &str, from: u8, to: u8) -> String {
    format!("{name}DTSTART:20261102T{from:02}0000Z\nDTEND:20261102T{to:02}0000Z\n")
}

/// RFC 7953 §3.1: its own bounds, DTEND or DURATION or none, and §3.2: its type.
#[test]
fn bounds_and_types() {
    for (lines, expected) in [
        ("", vec!["UNAVAILABLE 02T00-03T00"]),
        (
            "DTSTART:20261102T060000Z\n",
            vec!["UNAVAILABLE 02T06-03T00"],
        ),
        ("DTEND:20261102T060000Z\n", vec!["UNAVAILABLE 02T00-02T06"]),
        (
            "DTSTART:20261102T060000Z\nDTEND:20261102T080000Z\n",
            vec!["UNAVAILABLE 02T06-02T08"],
        ),
        (
            "DTSTART:20261102T060000Z\nDURATION:PT3H\n",
            vec!["UNAVAILABLE 02T06-02T09"],
        ),
        ("DTEND:20261102T000000Z\n", vec![]),
        ("DTSTART:20261103T000000Z\n", vec![]),
        ("BUSYTYPE:BUSY\n", vec!["BUSY 02T00-03T00"]),
        ("BUSYTYPE:busy-tentative\n", vec!["TENTATIVE 02T00-03T00"]),
        (
            "BUSYTYPE:BUSY-UNAVAILABLE\n",
            vec!["UNAVAILABLE 02T00-03T00"],
        ),
        ("BUSYTYPE:X-SKIING\n", vec!["BUSY 02T00-03T00"]),
    ] {
        assert_eq!(
            unavailable(&availability(lines, &[]), DAY),
            expected,
            "{lines}"
        );
    }
}

/// What is available is free within the bounds of its VAVAILABILITY only; overlapping ones are one.
#[test]
fn available_components() {
    let bounds = span("", 6, 20);
    for (availables, expected) in [
        (
            vec![span("", 8, 10)],
            vec!["UNAVAILABLE 02T06-02T08", "UNAVAILABLE 02T10-02T20"],
        ),
        (
            vec![span("", 8, 10), span("", 9, 12)],
            vec!["UNAVAILABLE 02T06-02T08", "UNAVAILABLE 02T12-02T20"],
        ),
        (vec![span("", 4, 8)], vec!["UNAVAILABLE 02T08-02T20"]),
        (vec![span("", 0, 23)], vec![]),
        (
            vec!["DTSTART:20261102T080000Z\n".to_owned()],
            vec!["UNAVAILABLE 02T06-02T20"],
        ),
        (
            vec!["DTSTART:20261102T080000Z\nDURATION:PT2H\n".to_owned()],
            vec!["UNAVAILABLE 02T06-02T08", "UNAVAILABLE 02T10-02T20"],
        ),
    ] {
        let availables: Vec<&str> = availables.iter().map(String::as_str).collect();
        let text = availability(&bounds, &availables);
        assert_eq!(unavailable(&text, DAY), expected, "{availables:?}");
    }
}

/// RFC 7953 §3.1: "normal iCalendar recurrence behavior": EXDATE, RDATE, and RECURRENCE-ID within one UID.
#[test]
fn available_components_recur() {
    let daily = "UID:d\nDTSTART:20261031T080000Z\nDTEND:20261031T100000Z\nRRULE:FREQ=DAILY\n";
    let without = format!("{daily}EXDATE:20261102T080000Z\n");
    let extra = format!("{daily}RDATE:20261102T120000Z\n");
    let moved =
        "UID:d\nRECURRENCE-ID:20261102T080000Z\nDTSTART:20261102T140000Z\nDTEND:20261102T150000Z\n";
    for (availables, expected) in [
        (
            vec![daily],
            vec!["UNAVAILABLE 02T00-02T08", "UNAVAILABLE 02T10-03T00"],
        ),
        (vec![&*without], vec!["UNAVAILABLE 02T00-03T00"]),
        (
            vec![&*extra],
            vec![
                "UNAVAILABLE 02T00-02T08",
                "UNAVAILABLE 02T10-02T12",
                "UNAVAILABLE 02T14-03T00",
            ],
        ),
        (
            vec![daily, moved],
            vec!["UNAVAILABLE 02T00-02T14", "UNAVAILABLE 02T15-03T00"],
        ),
    ] {
        let text = availability("", &availables);
        assert_eq!(unavailable(&text, DAY), expected, "{availables:?}");
    }
}

/// RFC 7953 §4: by priority, 0 and none being the lowest and 1 the highest; among equals the strongest type.
#[test]
fn priorities() {
    let base = availability("PRIORITY:0\n", &[&span("", 8, 18)]);
    let over =
        |priority: u8, lines: &str| availability(&format!("PRIORITY:{priority}\n{lines}"), &[]);
    let away = over(5, &span("BUSYTYPE:BUSY\n", 10, 12));
    let home = |priority: u8| availability(&format!("PRIORITY:{priority}\n"), &[&span("", 0, 23)]);
    for (text, expected) in [
        (
            base.clone() + &away,
            vec![
                "UNAVAILABLE 02T00-02T08",
                "BUSY 02T10-02T12",
                "UNAVAILABLE 02T18-03T00",
            ],
        ),
        // The lower one's hole does not show through the higher one.
        (
            away.clone() + &home(9),
            vec!["BUSY 02T10-02T12", "UNAVAILABLE 02T23-03T00"],
        ),
        (away.clone() + &home(3), vec!["UNAVAILABLE 02T23-03T00"]),
        (
            base.clone() + &over(0, &span("BUSYTYPE:BUSY\n", 6, 9)),
            vec![
                "UNAVAILABLE 02T00-02T06",
                "BUSY 02T06-02T08",
                "UNAVAILABLE 02T18-03T00",
            ],
        ),
        (
            over(1, &span("BUSYTYPE:BUSY-TENTATIVE\n", 0, 12)) + &over(1, &span("", 6, 18)),
            vec!["TENTATIVE 02T00-02T06", "UNAVAILABLE 02T06-02T18"],
        ),
        (
            over(12, &span("", 0, 12)) + &over(9, &span("BUSYTYPE:BUSY\n", 6, 18)),
            vec!["UNAVAILABLE 02T00-02T06", "BUSY 02T06-02T18"],
        ),
    ] {
        assert_eq!(unavailable(&text, DAY), expected, "{text}");
    }
}

/// Other components say nothing; work is bounded.
#[test]
fn others_and_bounds() {
    let event =
        "BEGIN:VEVENT\nUID:1\nDTSTART:20261102T080000Z\nDTEND:20261102T100000Z\nEND:VEVENT\n";
    assert!(unavailable(event, DAY).is_empty());
    let much = availability(
        "",
        &["DTSTART:20200101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY\n"],
    );
    let window = TimeRange::default();
    let refused = unavailable_periods(
        &object(&much),
        &window,
        &Zone::utc(),
        &mut Budget::new(10_000),
    );
    assert!(refused.is_err());
}

/// RFC 7953 §3.1 and §7.2.4
#[test]
fn what_is_an_availability() {
    let zone = "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\nEND:VTIMEZONE\n";
    let good = availability("", &[OFFICE]);
    for (text, expected) in [
        (good.clone(), Ok(())),
        (format!("{zone}{good}"), Ok(())),
        (availability("", &[]), Ok(())),
        (zone.to_owned(), Err(AvailabilityFault::OtherComponents)),
        (
            good.clone() + &good,
            Err(AvailabilityFault::OtherComponents),
        ),
        (
            "BEGIN:VEVENT\nUID:1\nDTSTART:20261102T080000Z\nEND:VEVENT\n".to_owned(),
            Err(AvailabilityFault::OtherComponents),
        ),
        (good.replace("UID:a\n", ""), Err(AvailabilityFault::NoUid)),
        (
            good.replace("UID:0\n", "UID:\n"),
            Err(AvailabilityFault::NoUid),
        ),
        (
            availability("", &["DTEND:20261102T080000Z\n"]),
            Err(AvailabilityFault::NoStart),
        ),
        (
            availability("DTSTART;VALUE=DATE:20261102\n", &[]),
            Err(AvailabilityFault::NoDateTime),
        ),
        (
            availability("DTEND:soon\n", &[]),
            Err(AvailabilityFault::NoDateTime),
        ),
        (
            availability("DTSTART:20261102T080000Z\nDTSTART:20261102T090000Z\n", &[]),
            Err(AvailabilityFault::Repeated),
        ),
        (
            availability("DURATION:PT1H\n", &[]),
            Err(AvailabilityFault::Duration),
        ),
        (
            availability(&(span("", 8, 9) + "DURATION:PT1H\n"), &[]),
            Err(AvailabilityFault::Duration),
        ),
    ] {
        assert_eq!(check(&object(&text)), expected, "{text}");
    }
    let old = CalendarObject::parse(good_in_version("1.0", &good).as_bytes(), &Limits::default());
    assert_eq!(check(&old.unwrap()), Err(AvailabilityFault::Version));
}

fn good_in_version(version: &str, components: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:{version}\n{components}END:VCALENDAR\n")
}
