//! RFC 4791 §7.10 by table.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::object::Limits;

fn object(component: &str) -> CalendarObject {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{component}\nEND:VCALENDAR\n");
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn shown(periods: &[BusyPeriod]) -> Vec<String> {
    periods
        .iter()
        .map(|period| {
            format!(
                "{}/{} {}",
                period.start,
                period.end,
                period.busy_type.as_str()
            )
        })
        .collect()
}

fn window() -> TimeRange {
    TimeRange::between(at("2024-01-01T00:00:00Z"), at("2024-01-08T00:00:00Z"))
}

fn busy(component: &str) -> Vec<String> {
    busy_of(component, false)
}

fn busy_of(component: &str, is_bookable: bool) -> Vec<String> {
    let owner = Owner {
        has_address: &|address: &str| address.eq_ignore_ascii_case("mailto:alice@example.com"),
        is_bookable,
    };
    let floating = Zone::named("Europe/Berlin").unwrap();
    let object = object(component);
    let periods = busy_periods(
        &object,
        &window(),
        &floating,
        &owner,
        &mut Budget::default(),
    );
    shown(&merge(periods))
}

/// RFC 4791 §7.10, the table; and the owner's PARTSTAT.
#[test]
fn the_type_follows_transparency_status_and_participation() {
    let by_bob = "ORGANIZER:mailto:bob@example.com\n";
    let by_alice = "ORGANIZER:mailto:alice@example.com\n";
    let alice = |participation: &str| {
        format!(
            "ATTENDEE{participation}:MAILTO:Alice@Example.com\nATTENDEE;PARTSTAT=DECLINED:mailto:carol@example.com\n"
        )
    };
    let table = [
        (String::new(), "BUSY"),
        ("STATUS:CONFIRMED\n".to_owned(), "BUSY"),
        ("STATUS:TENTATIVE\n".to_owned(), "BUSY-TENTATIVE"),
        ("STATUS:X-SOMETHING\n".to_owned(), "BUSY"),
        ("STATUS:CANCELLED\n".to_owned(), ""),
        ("TRANSP:OPAQUE\n".to_owned(), "BUSY"),
        ("TRANSP:TRANSPARENT\n".to_owned(), ""),
        ("TRANSP:transparent\nSTATUS:TENTATIVE\n".to_owned(), ""),
        (format!("{by_bob}{}", alice(";PARTSTAT=ACCEPTED")), "BUSY"),
        (
            format!("{by_bob}STATUS:TENTATIVE\n{}", alice(";PARTSTAT=ACCEPTED")),
            "BUSY-TENTATIVE",
        ),
        (
            format!("{by_bob}{}", alice(";PARTSTAT=tentative")),
            "BUSY-TENTATIVE",
        ),
        (
            format!("{by_bob}{}", alice(";PARTSTAT=NEEDS-ACTION")),
            "BUSY-TENTATIVE",
        ),
        (format!("{by_bob}{}", alice("")), "BUSY-TENTATIVE"),
        (format!("{by_bob}{}", alice(";PARTSTAT=DECLINED")), ""),
        (format!("{by_bob}{}", alice(";PARTSTAT=DELEGATED")), ""),
        (
            format!("{by_bob}STATUS:CANCELLED\n{}", alice(";PARTSTAT=ACCEPTED")),
            "",
        ),
        (format!("{by_alice}{}", alice("")), "BUSY"),
        (format!("{by_alice}{}", alice(";PARTSTAT=DECLINED")), ""),
        (
            format!("{by_bob}ATTENDEE;PARTSTAT=DECLINED:mailto:carol@example.com\n"),
            "BUSY",
        ),
    ];
    for (lines, expected) in table {
        let event = format!(
            "BEGIN:VEVENT\nUID:1\nDTSTART:20240102T100000Z\nDTEND:20240102T110000Z\n{lines}END:VEVENT"
        );
        let expected: Vec<String> = (!expected.is_empty())
            .then(|| format!("2024-01-02T10:00:00Z/2024-01-02T11:00:00Z {expected}"))
            .into_iter()
            .collect();
        assert_eq!(busy(&event), expected, "{lines}");
    }
}

#[test]
fn instances_are_cut_to_the_window_and_merged() {
    let series = "BEGIN:VEVENT\nUID:1\nDTSTART:20231230T220000Z\nDURATION:PT4H\n\
        RRULE:FREQ=DAILY\nEXDATE:20240103T220000Z\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20240105T220000Z\nDTSTART:20240105T220000Z\n\
        DURATION:PT4H\nTRANSP:TRANSPARENT\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20240106T220000Z\nDTSTART:20240102T020000Z\n\
        DURATION:PT1H\nEND:VEVENT";
    assert_eq!(
        busy(series),
        [
            "2024-01-01T00:00:00Z/2024-01-01T02:00:00Z BUSY",
            "2024-01-01T22:00:00Z/2024-01-02T03:00:00Z BUSY",
            "2024-01-02T22:00:00Z/2024-01-03T02:00:00Z BUSY",
            "2024-01-04T22:00:00Z/2024-01-05T02:00:00Z BUSY",
            "2024-01-07T22:00:00Z/2024-01-08T00:00:00Z BUSY",
        ]
    );
    // A DATE is a day of the floating zone.
    let day = "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20240103\nEND:VEVENT";
    assert_eq!(
        busy(day),
        ["2024-01-02T23:00:00Z/2024-01-03T23:00:00Z BUSY"]
    );
    // No length, no time taken.
    let instant = "BEGIN:VEVENT\nUID:1\nDTSTART:20240103T100000Z\nEND:VEVENT";
    assert_eq!(busy(instant), [""; 0]);
    let task = "BEGIN:VTODO\nUID:1\nDTSTART:20240103T100000Z\nDUE:20240103T120000Z\nEND:VTODO";
    assert_eq!(busy(task), [""; 0]);
}

#[test]
fn published_free_busy_counts() {
    let published = "BEGIN:VFREEBUSY\nUID:1\nDTSTART:20240101T000000Z\nDTEND:20240201T000000Z\n\
        FREEBUSY:20240102T100000Z/PT1H,20240102T110000Z/20240102T120000Z\n\
        FREEBUSY;FBTYPE=FREE:20240103T100000Z/PT1H\n\
        FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20240107T230000Z/PT9H\n\
        FREEBUSY;FBTYPE=BUSY-TENTATIVE:20240102T113000Z/PT1H\n\
        FREEBUSY;FBTYPE=X-ODD:20240104T100000Z/PT1H\n\
        FREEBUSY:20250102T100000Z/PT1H\nEND:VFREEBUSY";
    assert_eq!(
        busy(published),
        [
            "2024-01-02T10:00:00Z/2024-01-02T12:00:00Z BUSY",
            "2024-01-02T11:30:00Z/2024-01-02T12:30:00Z BUSY-TENTATIVE",
            "2024-01-04T10:00:00Z/2024-01-04T11:00:00Z BUSY",
            "2024-01-07T23:00:00Z/2024-01-08T00:00:00Z BUSY-UNAVAILABLE",
        ]
    );
}

/// What is too much to be told apart is one period, cut to the window; what does not recur beside it stays.
#[test]
fn too_much_is_busy_all_the_time() {
    let often = |more: &str, rule: &str| {
        format!(
            "BEGIN:VEVENT\nUID:1\nDTSTART:20240102T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY;INTERVAL=2{rule}\n{more}END:VEVENT"
        )
    };
    let unanswered = "ORGANIZER:mailto:bob@example.com\nATTENDEE:mailto:alice@example.com\n";
    let moved = "\nBEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20240102T000000Z\nDTSTART:20240101T120000Z\nDURATION:PT1H\nSTATUS:TENTATIVE\nEND:VEVENT";
    let table: [(String, &[&str]); 4] = [
        (
            often("", ""),
            &["2024-01-02T00:00:00Z/2024-01-08T00:00:00Z BUSY"],
        ),
        (
            often("", ";UNTIL=20240106T000000Z"),
            &["2024-01-02T00:00:00Z/2024-01-06T00:00:01Z BUSY"],
        ),
        (
            often(unanswered, ""),
            &["2024-01-02T00:00:00Z/2024-01-08T00:00:00Z BUSY-TENTATIVE"],
        ),
        (
            often("", "") + moved,
            &[
                "2024-01-01T12:00:00Z/2024-01-01T13:00:00Z BUSY-TENTATIVE",
                "2024-01-02T00:00:00Z/2024-01-08T00:00:00Z BUSY",
            ],
        ),
    ];
    for (component, expected) in table {
        assert_eq!(busy(&component), expected, "{component}");
    }
}

/// A rule that never matches is nothing, and costs what the window does.
#[test]
fn rules_that_never_match_are_nothing() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
        "FREQ=DAILY;BYSETPOS=2",
        "FREQ=DAILY;BYSETPOS=2;COUNT=3",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    ] {
        let event = format!(
            "BEGIN:VEVENT\nUID:1\nDTSTART:20000103T100000Z\nDURATION:PT1H\nRRULE:{rule}\nEND:VEVENT"
        );
        let owner = Owner {
            has_address: &|_| false,
            is_bookable: false,
        };
        let mut budget = Budget::default();
        let periods = busy_periods(
            &object(&event),
            &window(),
            &Zone::utc(),
            &owner,
            &mut budget,
        );
        assert_eq!(periods, [], "{rule}");
        let spent = Budget::default().remaining() - budget.remaining();
        assert!(spent < 20_000, "{rule}: {spent}");
    }
}

/// What a room accepted takes it, transparent or not; what is its own, or unanswered, or declined, does as for anybody.
#[test]
fn rooms_are_taken_by_what_they_accepted() {
    let event = |participation: &str, organizer: &str| {
        format!(
            "BEGIN:VEVENT\nUID:1\nDTSTART:20240102T100000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT\nORGANIZER:mailto:{organizer}@example.com\nATTENDEE;PARTSTAT={participation}:mailto:alice@example.com\nEND:VEVENT"
        )
    };
    let at = |busy_type: &str| {
        vec![format!(
            "2024-01-02T10:00:00Z/2024-01-02T11:00:00Z {busy_type}"
        )]
    };
    let table = [
        (event("ACCEPTED", "bob"), at("BUSY")),
        (event("TENTATIVE", "bob"), at("BUSY-TENTATIVE")),
        (event("NEEDS-ACTION", "bob"), at("BUSY-TENTATIVE")),
        (event("DECLINED", "bob"), vec![]),
        (event("ACCEPTED", "alice"), vec![]),
        (
            event("ACCEPTED", "bob").replace("UID:1", "UID:1\nSTATUS:CANCELLED"),
            vec![],
        ),
        (
            event("ACCEPTED", "bob").replace("ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice", "X-A:"),
            vec![],
        ),
    ];
    for (component, expected) in table {
        assert_eq!(busy_of(&component, true), expected, "{component}");
        assert_eq!(busy(&component), Vec::<String>::new(), "{component}");
    }
}
