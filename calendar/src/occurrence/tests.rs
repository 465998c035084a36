//! Recurrence sets by table.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::object::Limits;
use crate::value::{Date, DateOrDateTime};
use std::collections::BTreeSet;

/// A calendar of VEVENTs, each given by its lines.
fn events(events: &[&str]) -> CalendarObject {
    object(
        &events
            .iter()
            .map(|lines| format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT"))
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

fn object(components: &str) -> CalendarObject {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{components}\nEND:VCALENDAR\n");
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn berlin() -> Zone {
    Zone::named("Europe/Berlin").unwrap()
}

/// A day in UTC.
fn day(text: &str) -> Timestamp {
    let date: Date = text.parse().unwrap();
    Zone::utc().instant(date.into())
}

/// `entry recurrence-id start/end` of each instance in the window of days.
fn shown(object: &CalendarObject, first: &str, last: &str) -> Vec<String> {
    let window = TimeRange::between(day(first), day(last));
    let found = occurrences(object, &window, &berlin(), &mut Budget::default()).unwrap();
    found.iter().map(shown_instance).collect()
}

fn shown_instance(instance: &Instance) -> String {
    let id = instance
        .recurrence_id
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    format!(
        "{} {id} {}/{}",
        instance.entry, instance.start_value, instance.end_value
    )
}

#[track_caller]
fn check(object: &CalendarObject, first: &str, last: &str, expected: &[&str]) {
    assert_eq!(shown(object, first, last), expected);
}

#[test]
fn a_single_event_is_its_only_instance() {
    let single = |lines: &str| events(&[lines]);
    let timed = single("DTSTART:20240102T100000Z\nDTEND:20240102T113000Z");
    check(
        &timed,
        "2024-01-02",
        "2024-01-03",
        &["0  20240102T100000Z/20240102T113000Z"],
    );
    check(&timed, "2024-01-03", "2024-01-04", &[]);
    check(&timed, "2024-01-01", "2024-01-02", &[]);
    // Length by DURATION, by default, by DATEs (RFC 5545 §3.6.1).
    for (lines, expected) in [
        (
            "DTSTART:20240102T100000Z\nDURATION:P1DT1H",
            "0  20240102T100000Z/20240103T110000Z",
        ),
        (
            "DTSTART:20240102T100000Z",
            "0  20240102T100000Z/20240102T100000Z",
        ),
        ("DTSTART;VALUE=DATE:20240102", "0  20240102/20240103"),
        (
            "DTSTART;VALUE=DATE:20240102\nDTEND;VALUE=DATE:20240105",
            "0  20240102/20240105",
        ),
        (
            "DTSTART;VALUE=DATE:20240102\nDTEND;VALUE=DATE:20240102",
            "0  20240102/20240103",
        ),
        (
            "DTSTART;VALUE=DATE:20240102\nDURATION:P2D",
            "0  20240102/20240104",
        ),
        (
            "DTSTART:20240102T100000Z\nDTEND:20240102T090000Z",
            "0  20240102T100000Z/20240102T100000Z",
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20240102T100000\nDTEND;TZID=America/New_York:20240102T060000",
            "0  20240102T100000/20240102T120000",
        ),
        // Nominal and exact over the change to summer time (RFC 5545 §3.3.6).
        (
            "DTSTART;TZID=Europe/Berlin:20240330T120000\nDURATION:P1D",
            "0  20240330T120000/20240331T120000",
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20240330T120000\nDURATION:PT24H",
            "0  20240330T120000/20240331T130000",
        ),
    ] {
        check(&single(lines), "2024-01-01", "2024-06-01", &[expected]);
    }
}

/// RFC 5545 §3.8.5.3: the wall clock recurs, not the instant.
#[test]
fn a_series_follows_its_zone() {
    let series = events(&[
        "DTSTART;TZID=Europe/Berlin:20240329T023000\nDTEND;TZID=Europe/Berlin:20240329T033000\nRRULE:FREQ=DAILY;COUNT=4",
    ]);
    let window = TimeRange::default();
    let found = occurrences(&series, &window, &Zone::utc(), &mut Budget::default()).unwrap();
    let instants: Vec<String> = found
        .iter()
        .map(|i| format!("{}/{}", i.start, i.end))
        .collect();
    assert_eq!(
        instants,
        [
            "2024-03-29T01:30:00Z/2024-03-29T02:30:00Z",
            "2024-03-30T01:30:00Z/2024-03-30T02:30:00Z",
            // 02:30 does not exist: as far behind the gap.
            "2024-03-31T01:30:00Z/2024-03-31T02:30:00Z",
            "2024-04-01T00:30:00Z/2024-04-01T01:30:00Z",
        ]
    );
}

/// An instance in a gap is named as the rule has it, and found by that name as by the time that is made of it.
#[test]
fn an_instance_in_a_gap_has_the_name_of_its_rule() {
    let master = "DTSTART;TZID=Europe/Berlin:20240329T023000\nRRULE:FREQ=DAILY";
    let series = events(&[master]);
    for (id, zone) in [
        ("20240331T023000", Some("Europe/Berlin")),
        ("20240331T033000", Some("Europe/Berlin")),
        ("20240331T013000Z", None),
    ] {
        let value = DateOrDateTime::parse(id, zone).unwrap();
        let set = RecurrenceSet::of(&series, &Zone::utc());
        let found = set.find(&value, &mut Budget::default()).unwrap();
        let name = found.as_ref().map(shown_instance);
        assert_eq!(
            name.as_deref(),
            Some("0 20240331T023000 20240331T023000/20240331T023000"),
            "{id}"
        );
        let zone = zone.map(|zone| format!(";TZID={zone}")).unwrap_or_default();
        let moved = format!("RECURRENCE-ID{zone}:{id}\nDTSTART:20240331T120000Z");
        let overridden = events(&[master, &moved]);
        assert_eq!(
            shown(&overridden, "2024-03-31", "2024-04-01").len(),
            1,
            "{id}"
        );
    }
}

/// RFC 5545 §3.3.5 and §3.8.5: what a gap makes the same is one instance; an overlap shows the first.
#[test]
fn an_hourly_series_has_no_hour_twice() {
    let series =
        events(&["DTSTART;TZID=America/New_York:20240310T000000\nRRULE:FREQ=HOURLY;COUNT=6"]);
    let found = occurrences(
        &series,
        &TimeRange::default(),
        &Zone::utc(),
        &mut Budget::default(),
    )
    .unwrap();
    let hours: Vec<i8> = found
        .iter()
        .map(|i| Zone::utc().civil(i.start).hour())
        .collect();
    assert_eq!(hours, [5, 6, 7, 8, 9]);
    let series =
        events(&["DTSTART;TZID=America/New_York:20241103T000000\nRRULE:FREQ=HOURLY;COUNT=4"]);
    let found = occurrences(
        &series,
        &TimeRange::default(),
        &Zone::utc(),
        &mut Budget::default(),
    )
    .unwrap();
    let hours: Vec<i8> = found
        .iter()
        .map(|i| Zone::utc().civil(i.start).hour())
        .collect();
    assert_eq!(hours, [4, 5, 7, 8]);
}

/// RFC 5545 §3.8.5.1 and §3.8.5.2.
#[test]
fn dates_are_added_and_excluded_in_any_form() {
    let series = events(&[
        "DTSTART;TZID=Europe/Berlin:20240101T100000\nDURATION:PT1H\n\
        RRULE:FREQ=DAILY;COUNT=8\n\
        EXDATE;TZID=Europe/Berlin:20240102T100000\n\
        EXDATE:20240103T090000Z,20240104T100000Z\n\
        EXDATE;TZID=America/New_York:20240105T040000\n\
        EXDATE;VALUE=DATE:20240106\n\
        EXDATE:20240107T100000,nonsense\n\
        RDATE;TZID=Europe/Berlin:20240110T120000,20240101T100000\n\
        RDATE;VALUE=PERIOD:20240111T120000Z/PT3H\n\
        RDATE;VALUE=DATE:20240112\n\
        RDATE:20240104T090000Z",
    ]);
    check(
        &series,
        "2023-01-01",
        "2025-01-01",
        &[
            "0 20240101T100000 20240101T100000/20240101T110000",
            "0 20240104T100000 20240104T100000/20240104T110000",
            "0 20240108T100000 20240108T100000/20240108T110000",
            "0 20240110T120000 20240110T120000/20240110T130000",
            "0 20240111T130000 20240111T130000/20240111T160000",
            "0 20240112T100000 20240112T100000/20240112T110000",
        ],
    );
    // RDATE without RRULE; DTSTART excluded.
    let dates = events(&[
        "DTSTART;VALUE=DATE:20240101\nRDATE;VALUE=DATE:20240103,20240105\nEXDATE;VALUE=DATE:20240101",
    ]);
    check(
        &dates,
        "2023-01-01",
        "2025-01-01",
        &[
            "0 20240103 20240103/20240104",
            "0 20240105 20240105/20240106",
        ],
    );
    // Days excluded by times: midnight in UTC, midnight here, a time of the day.
    let days = events(&["DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=DAILY;COUNT=5\n\
        EXDATE:20240102T000000Z,20240102T230000Z\nEXDATE;TZID=Europe/Berlin:20240104T100000"]);
    check(
        &days,
        "2023-01-01",
        "2025-01-01",
        &[
            "0 20240101 20240101/20240102",
            "0 20240105 20240105/20240106",
        ],
    );
}

/// A UTC time among DATEs is the midnight of whoever wrote it: the nearest one, wherever the reader is.
#[test]
fn a_time_in_utc_means_the_nearest_day() {
    for (name, day) in [
        ("20260331T220000Z", 1), // Berlin
        ("20260401T000000Z", 1),
        ("20260401T040000Z", 1), // New York
        ("20260331T120000Z", 1), // Auckland in winter
        ("20260401T110000Z", 1), // Pago Pago
    ] {
        let object = events(&["DTSTART;VALUE=DATE:20260330\nRRULE:FREQ=DAILY"]);
        for reader in ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "UTC"] {
            let zone = Zone::named(reader).unwrap();
            let set = RecurrenceSet::of(&object, &zone);
            let key = |text: &str| set.key_of(&DateOrDateTime::parse(text, None).unwrap());
            assert_eq!(key(name), key(&format!("2026040{day}")), "{name} {reader}");
        }
    }
    // where the clock is more than twelve hours ahead, the reader's own midnight tells
    let zone = Zone::named("Pacific/Auckland").unwrap();
    let object = events(&["DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY"]);
    let set = RecurrenceSet::of(&object, &zone);
    let key = |text: &str| set.key_of(&DateOrDateTime::parse(text, None).unwrap());
    assert_eq!(key("20260109T110000Z"), key("20260110"));
}

/// RFC 5545 §3.8.4.4: an override replaces the instance that it names, in whatever form.
#[test]
fn overrides_replace_what_they_name() {
    let master =
        "DTSTART;TZID=Europe/Berlin:20240101T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5";
    for id in [
        "RECURRENCE-ID;TZID=Europe/Berlin:20240103T100000",
        "RECURRENCE-ID:20240103T090000Z",
        "RECURRENCE-ID;TZID=America/New_York:20240103T040000",
        "RECURRENCE-ID:20240103T100000",
    ] {
        let moved = format!("{id}\nDTSTART:20240104T200000Z\nDURATION:PT2H");
        check(
            &events(&[master, &moved]),
            "2024-01-02",
            "2024-01-06",
            &[
                "0 20240102T100000 20240102T100000/20240102T110000",
                "0 20240104T100000 20240104T100000/20240104T110000",
                "1 20240103T100000 20240104T200000Z/20240104T220000Z",
                "0 20240105T100000 20240105T100000/20240105T110000",
            ],
        );
    }
    // A DATE names what begins on that day.
    let by_day = events(&[
        master,
        "RECURRENCE-ID;VALUE=DATE:20240103\nDTSTART:20240103T200000Z",
    ]);
    let found = shown(&by_day, "2024-01-03", "2024-01-04");
    assert_eq!(found, ["1 20240103 20240103T200000Z/20240103T200000Z"]);
    // Moved out of the window, and into it from far away.
    let far = events(&[
        master,
        "RECURRENCE-ID:20240103T090000Z\nDTSTART:20250301T200000Z",
    ]);
    check(&far, "2024-01-03", "2024-01-04", &[]);
    check(
        &far,
        "2025-03-01",
        "2025-03-02",
        &["1 20240103T100000 20250301T200000Z/20250301T200000Z"],
    );
    // An override beside the rule, and one that is excluded too, are instances.
    let beside = events(&[
        &format!("{master}\nEXDATE:20240102T090000Z"),
        "RECURRENCE-ID:20240102T090000Z\nDTSTART:20240102T200000Z",
        "RECURRENCE-ID:20240601T090000Z\nDTSTART:20240601T200000Z",
    ]);
    check(
        &beside,
        "2024-01-02",
        "2024-01-03",
        &["1 20240102T100000 20240102T200000Z/20240102T200000Z"],
    );
    check(
        &beside,
        "2024-06-01",
        "2024-06-02",
        &["2 20240601T110000 20240601T200000Z/20240601T200000Z"],
    );
    // All-day series whose override names the day by a time.
    let days = events(&[
        "DTSTART;VALUE=DATE:20240101\nRRULE:FREQ=DAILY;COUNT=3",
        "RECURRENCE-ID:20240102T000000Z\nDTSTART;VALUE=DATE:20240110",
    ]);
    check(
        &days,
        "2023-12-01",
        "2024-02-01",
        &[
            "0 20240101 20240101/20240102",
            "0 20240103 20240103/20240104",
            "1 20240102 20240110/20240111",
        ],
    );
}

#[test]
fn overrides_without_a_master_stand_alone() {
    let orphans = events(&[
        "RECURRENCE-ID:20240103T090000Z\nDTSTART:20240103T100000Z",
        "RECURRENCE-ID:20240105T090000Z\nDTSTART:20240105T100000Z",
    ]);
    check(
        &orphans,
        "2024-01-01",
        "2024-02-01",
        &[
            "0 20240103T090000Z 20240103T100000Z/20240103T100000Z",
            "1 20240105T090000Z 20240105T100000Z/20240105T100000Z",
        ],
    );
    let mut budget = Budget::default();
    for (id, expected) in [("20240105T090000Z", true), ("20240104T090000Z", false)] {
        let id = DateOrDateTime::parse(id, None).unwrap();
        let is = is_recurrence_instance(&orphans, &id, &berlin(), &mut budget).unwrap();
        assert_eq!(is, expected, "{id}");
    }
}

/// RFC 5545 §3.2.13.
#[test]
fn this_and_future_moves_all_that_follow() {
    let series = events(&[
        "DTSTART;TZID=Europe/Berlin:20240325T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=10\nEXDATE:20240329T090000Z",
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20240327T100000\nDTSTART;TZID=Europe/Berlin:20240327T140000\nDURATION:PT2H",
        "RECURRENCE-ID;TZID=Europe/Berlin:20240330T100000\nDTSTART;TZID=Europe/Berlin:20240330T080000\nDURATION:PT3H",
        "RECURRENCE-ID;RANGE=thisandfuture:20240402T080000Z\nDTSTART;TZID=Europe/Berlin:20240401T100000\nDURATION:PT4H",
    ]);
    let expected = [
        "0 20240325T100000 20240325T100000/20240325T110000",
        "0 20240326T100000 20240326T100000/20240326T110000",
        "1 20240327T100000 20240327T140000/20240327T160000",
        "1 20240328T100000 20240328T140000/20240328T160000",
        "2 20240330T100000 20240330T080000/20240330T110000",
        // Over the change to summer time: civil time moves.
        "1 20240331T100000 20240331T140000/20240331T160000",
        "3 20240402T100000 20240401T100000/20240401T140000",
        "1 20240401T100000 20240401T140000/20240401T160000",
        "3 20240403T100000 20240402T100000/20240402T140000",
    ];
    check(&series, "2024-03-01", "2024-05-01", &expected);
    // From any place within.
    check(&series, "2024-04-02", "2024-05-01", &expected[8..]);
    check(&series, "2024-03-28", "2024-03-29", &expected[3..4]);
}

/// Every instance can be found by its RECURRENCE-ID, in every form, and nothing else can.
#[test]
fn instances_are_found_by_recurrence_id() {
    let series = events(&[
        "DTSTART;TZID=Europe/Berlin:20240101T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:20240104T090000Z\nRDATE:20240105T200000Z",
        "RECURRENCE-ID:20240103T090000Z\nDTSTART:20240104T200000Z",
    ]);
    let mut budget = Budget::default();
    for (id, zone, expected) in [
        (
            "20240101T100000",
            Some("Europe/Berlin"),
            "0 20240101T100000 20240101T100000/20240101T110000",
        ),
        (
            "20240101T090000Z",
            None,
            "0 20240101T100000 20240101T100000/20240101T110000",
        ),
        (
            "20240102T040000",
            Some("America/New_York"),
            "0 20240102T100000 20240102T100000/20240102T110000",
        ),
        (
            "20240102",
            None,
            "0 20240102T100000 20240102T100000/20240102T110000",
        ),
        (
            "20240103T090000Z",
            None,
            "1 20240103T100000 20240104T200000Z/20240104T200000Z",
        ),
        (
            "20240105T200000Z",
            None,
            "0 20240105T210000 20240105T210000/20240105T220000",
        ),
        (
            "29990701T080000Z",
            None,
            "0 29990701T100000 29990701T100000/29990701T110000",
        ),
        ("20240104T090000Z", None, ""),
        ("20240102T090001Z", None, ""),
        ("20231231T090000Z", None, ""),
        ("99991231T235959Z", None, ""),
    ] {
        let id = DateOrDateTime::parse(id, zone).unwrap();
        let set = RecurrenceSet::of(&series, &Zone::utc());
        let found = set.find(&id, &mut budget).unwrap();
        assert_eq!(
            found.as_ref().map(shown_instance).unwrap_or_default(),
            expected,
            "{id}"
        );
        assert_eq!(
            is_recurrence_instance(&series, &id, &Zone::utc(), &mut budget),
            Ok(!expected.is_empty())
        );
    }
    // The second 01:30 of an overlap is another instant than the first.
    let twice = events(&["DTSTART;TZID=America/New_York:20241103T013000\nRDATE:20241103T063000Z"]);
    check(
        &twice,
        "2024-11-01",
        "2024-11-05",
        &[
            "0 20241103T013000 20241103T013000/20241103T013000",
            "0 20241103T063000Z 20241103T013000/20241103T013000",
        ],
    );
    let single = events(&["DTSTART:20240101T100000Z"]);
    let id = DateOrDateTime::parse("20240101T100000Z", None).unwrap();
    assert_eq!(
        is_recurrence_instance(&single, &id, &Zone::utc(), &mut budget),
        Ok(false)
    );
}

/// UNTIL as clients write it (RFC 5545 §3.3.10).
#[test]
fn until_is_understood_in_any_form() {
    for (start, until, instances) in [
        (
            "DTSTART;TZID=America/New_York:20240101T200000",
            "20240104T010000Z",
            3,
        ),
        (
            "DTSTART;TZID=America/New_York:20240101T200000",
            "20240104T005959Z",
            2,
        ),
        (
            "DTSTART;TZID=America/New_York:20240101T200000",
            "20240103T200000",
            3,
        ),
        (
            "DTSTART;TZID=America/New_York:20240101T200000",
            "20240103",
            3,
        ),
        ("DTSTART:20240101T200000Z", "20240103T200000Z", 3),
        ("DTSTART:20240101T200000Z", "20240103", 3),
        ("DTSTART;VALUE=DATE:20240101", "20240103", 3),
        ("DTSTART;VALUE=DATE:20240101", "20240103T000000Z", 3),
        ("DTSTART;VALUE=DATE:20240101", "20240103T120000", 3),
        ("DTSTART:20240101T200000", "20240103T190000Z", 3),
        ("DTSTART:20240101T200000Z", "20230103", 1),
    ] {
        let series = events(&[&format!("{start}\nRRULE:FREQ=DAILY;UNTIL={until}")]);
        assert_eq!(
            shown(&series, "2023-01-01", "2025-01-01").len(),
            instances,
            "{start} {until}"
        );
    }
}

#[test]
fn a_task_recurs_at_its_due_if_it_has_nothing_else() {
    let task = object("BEGIN:VTODO\nUID:1\nDUE:20240101T100000Z\nRRULE:FREQ=WEEKLY\nEND:VTODO");
    check(
        &task,
        "2024-02-01",
        "2024-02-08",
        &["0 20240205T100000Z 20240205T100000Z/20240205T100000Z"],
    );
    let dateless = object("BEGIN:VTODO\nUID:1\nRRULE:FREQ=WEEKLY\nEND:VTODO");
    check(&dateless, "2024-02-01", "2024-02-08", &[]);
}

#[test]
fn what_cannot_be_read_is_as_good_as_absent() {
    for lines in [
        "DTSTART:20240101T100000Z\nRRULE:FREQ=SOMETIMES",
        "DTSTART:20240101T100000Z\nRRULE:FREQ=YEARLY;RSCALE=CHINESE",
        "DTSTART:20240101T100000Z\nRDATE:never\nEXDATE:",
    ] {
        assert_eq!(
            shown(&events(&[lines]), "2024-01-01", "2034-01-01").len(),
            1,
            "{lines}"
        );
    }
    assert_eq!(
        shown(
            &events(&["DTSTART:soon\nRRULE:FREQ=DAILY"]),
            "2024-01-01",
            "2034-01-01"
        )
        .len(),
        0
    );
}

/// Windows are entered by arithmetic, and what has no end is said to be too much.
#[test]
fn work_is_bounded() {
    let endless = events(&["DTSTART:19700101T000000Z\nRRULE:FREQ=SECONDLY"]);
    let from = |second| TimeRange {
        start: Some(crate::zone::nearest_instant(second)),
        end: Some(crate::zone::nearest_instant(second + 3)),
    };
    let mut budget = Budget::new(100);
    let found = occurrences(&endless, &from(30_000_000_000), &Zone::utc(), &mut budget);
    assert_eq!(found.map(|found| found.len()), Ok(3));
    let open = TimeRange {
        start: Some(day("2024-01-01")),
        end: None,
    };
    assert_eq!(
        occurrences(&endless, &open, &Zone::utc(), &mut Budget::default()),
        Err(TooMuchWork)
    );
    assert_eq!(
        occurrences(
            &endless,
            &TimeRange::default(),
            &Zone::utc(),
            &mut Budget::default()
        ),
        Err(TooMuchWork)
    );
}

fn span(object: &CalendarObject) -> String {
    match overall_span(object, &mut Budget::default()) {
        None => "nowhere".to_owned(),
        Some(span) => {
            let side =
                |at: Option<Timestamp>, open: &str| at.map_or(open.to_owned(), |at| at.to_string());
            format!(
                "{} {}{}",
                side(span.start, "ever"),
                side(span.end, "never"),
                if span.is_floating { " floating" } else { "" }
            )
        }
    }
}

#[test]
fn the_overall_span_contains_every_instance() {
    for (lines, expected) in [
        (
            &["DTSTART:20240101T100000Z\nDTEND:20240101T110000Z"][..],
            "2024-01-01T10:00:00Z 2024-01-01T11:00:00Z",
        ),
        (
            &["DTSTART;VALUE=DATE:20240101"],
            "2023-12-31T00:00:00Z 2024-01-03T00:00:00Z floating",
        ),
        (
            &["DTSTART:20240101T100000"],
            "2023-12-31T10:00:00Z 2024-01-02T10:00:00Z floating",
        ),
        (
            &["DTSTART;TZID=Nowhere:20240101T100000"],
            "2023-12-31T10:00:00Z 2024-01-02T10:00:00Z floating",
        ),
        (
            &["DTSTART:20240101T100000Z\nRRULE:FREQ=DAILY"],
            "2024-01-01T10:00:00Z never",
        ),
        (
            &[
                "DTSTART:20240101T100000Z\nRRULE:FREQ=DAILY;COUNT=2",
                "RECURRENCE-ID:20240102T100000Z\nDTSTART:20200101T000000Z",
            ],
            "2020-01-01T00:00:00Z 2024-01-02T10:00:00Z",
        ),
        (
            &["DTSTART:20240101T100000Z\nRRULE:FREQ=DAILY;BYSETPOS=2;COUNT=2"],
            "2024-01-01T10:00:00Z never",
        ),
        (&["RRULE:FREQ=DAILY"], "nowhere"),
    ] {
        assert_eq!(span(&events(lines)), expected, "{lines:?}");
    }
    for (component, expected) in [
        ("BEGIN:VTODO\nUID:1\nEND:VTODO", "ever never"),
        (
            "BEGIN:VTODO\nUID:1\nCREATED:20240101T000000Z\nEND:VTODO",
            "ever never",
        ),
        (
            "BEGIN:VTODO\nUID:1\nDUE:20240101T000000Z\nEND:VTODO",
            "2024-01-01T00:00:00Z 2024-01-01T00:00:00Z",
        ),
        ("BEGIN:VJOURNAL\nUID:1\nEND:VJOURNAL", "nowhere"),
        (
            "BEGIN:VFREEBUSY\nUID:1\nFREEBUSY:20240101T000000Z/PT1H,20240201T000000Z/PT1H\nEND:VFREEBUSY",
            "2024-01-01T00:00:00Z 2024-02-01T01:00:00Z",
        ),
    ] {
        assert_eq!(span(&object(component)), expected, "{component}");
    }
    // Against expansion, for readers on both sides of the date line.
    for lines in [
        &["DTSTART;TZID=Europe/Berlin:20240229T100000\nDURATION:P3DT2H\nRRULE:FREQ=YEARLY;COUNT=5"]
            [..],
        &[
            "DTSTART;VALUE=DATE:20240131\nRRULE:FREQ=MONTHLY;UNTIL=20250101\nRDATE;VALUE=DATE:20231111,20260101",
        ],
        &[
            "DTSTART:20240131T000000\nRRULE:FREQ=HOURLY;INTERVAL=7;COUNT=33\nRDATE;VALUE=PERIOD:20240202T000000/P30D",
        ],
        &[
            "DTSTART:20240101T100000Z\nRRULE:FREQ=DAILY;COUNT=9",
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20240104T100000Z\nDTSTART:20230104T100000Z\nDURATION:P9D",
        ],
        &[
            "DTSTART:20240101T100000Z\nRRULE:FREQ=DAILY;COUNT=9",
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20240104T100000Z\nDTSTART:20250104T100000Z\nDURATION:P9D",
        ],
    ] {
        let object = events(lines);
        let span = overall_span(&object, &mut Budget::default()).unwrap();
        for zone in ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"] {
            let zone = Zone::named(zone).unwrap();
            let found = occurrences(
                &object,
                &TimeRange::default(),
                &zone,
                &mut Budget::default(),
            )
            .unwrap();
            for instance in found {
                assert!(
                    span.start.is_none_or(|start| start <= instance.start),
                    "{lines:?}"
                );
                assert!(span.end.is_none_or(|end| end >= instance.end), "{lines:?}");
            }
        }
    }
}

/// Many instances are found as one is; what exceeds the budget of all is not found.
#[test]
fn many_instances_are_found_as_one_is() {
    let object = events(&[
        "DTSTART;TZID=Europe/Berlin:20240101T100000\nRRULE:FREQ=DAILY;COUNT=40\nRDATE;TZID=Europe/Berlin:20240301T120000\nEXDATE;TZID=Europe/Berlin:20240105T100000",
        "RECURRENCE-ID;TZID=Europe/Berlin:20240107T100000\nDTSTART:20240108T100000Z",
    ]);
    let set = RecurrenceSet::of(&object, &Zone::utc());
    let at = |day: u32, hour: u32| {
        let text = format!("202401{day:02}T{hour:02}0000Z");
        set.key_of(&DateOrDateTime::parse(&text, None).unwrap())
    };
    let rdate = set.key_of(&DateOrDateTime::parse("20240301T110000Z", None).unwrap());
    let mut keys: Vec<InstanceKey> = (1..=31).flat_map(|day| [at(day, 9), at(day, 10)]).collect();
    keys.push(rdate);
    let is_there = |key: &InstanceKey| {
        let found = set.find_key(*key, &mut Budget::default());
        found.unwrap().is_some()
    };
    let expected: BTreeSet<InstanceKey> = keys.iter().copied().filter(is_there).collect();
    assert_eq!(expected.len(), 31, "all but the fifth, and the RDATE");
    let keys: BTreeSet<InstanceKey> = keys.into_iter().collect();
    assert_eq!(set.find_keys(&keys, &mut Budget::default()), expected);
    assert!(set.find_keys(&keys, &mut Budget::new(30)).len() < expected.len());
    let all = set.find_instances(&keys, &mut Budget::default()).unwrap();
    assert!(all.keys().eq(&expected));
    assert!(set.find_instances(&keys, &mut Budget::new(30)).is_err());
    for key in keys {
        let alone = BTreeSet::from([key]);
        let found = set.find_keys(&alone, &mut Budget::default());
        assert_eq!(found.contains(&key), expected.contains(&key));
        let one = set.find_key(key, &mut Budget::default()).unwrap();
        assert_eq!(all.get(&key), one.as_ref());
        let found = set.find_instances(&alone, &mut Budget::default()).unwrap();
        assert_eq!(found.get(&key), one.as_ref());
    }
}
