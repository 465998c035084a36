//! What a room answers by itself.

use calendar::{
    TimeRange, Zone,
    free_busy::{BusyPeriod, BusyType},
};
use storage::model::Booking;

use super::*;
use crate::engine::booking::{Request, answer};

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

/// The room is taken from nine to ten on these days.
fn busy(days: &[&str]) -> Vec<BusyPeriod> {
    let day = |day: &&str| {
        let (month, day) = day.split_at(2);
        BusyPeriod {
            start: at(&format!("2026-{month}-{day}T09:00:00Z")),
            end: at(&format!("2026-{month}-{day}T10:00:00Z")),
            busy_type: BusyType::Busy,
        }
    };
    days.iter().map(day).collect()
}

/// The copy of a room that was invited to this, and what it answers until the end of `until`.
fn answered_until(
    booking: Booking,
    components: &[&str],
    busy_days: &[&str],
    until: &str,
) -> Option<CalendarObject> {
    let world = new_world();
    answer(&Request {
        copy: &set(components),
        room: &world.people["room"],
        directory: &world.directory(),
        booking,
        window: TimeRange {
            start: Some(at("2026-02-28T00:00:00Z")),
            end: Some(at(until)),
        },
        floating: &Zone::utc(),
        busy: &busy(busy_days),
    })
    .unwrap()
}

fn answered(booking: Booking, components: &[&str], busy_days: &[&str]) -> Option<Vec<String>> {
    let object = answered_until(booking, components, busy_days, "2029-02-28T00:00:00Z")?;
    Some(shape(&object))
}

#[test]
fn each_mode_answers_what_is_free_and_what_is_taken() {
    let table = [
        (Booking::None, None, None),
        (Booking::AcceptAlways, Some("+"), Some("+")),
        (Booking::DeclineAlways, Some("-"), Some("-")),
        (Booking::AcceptIfFree, Some("+"), None),
        (Booking::DeclineIfBusy, None, Some("-")),
        (Booking::Automatic, Some("+"), Some("-")),
    ];
    let single =
        "DTSTART:20260302T090000Z\nDTEND:20260302T100000Z\nATTENDEE:mailto:room@example.org";
    for (booking, free, taken) in table {
        let line = |mark: &str| vec![format!("series room{mark}")];
        assert_eq!(
            answered(booking, &[single], &[]),
            free.map(line),
            "{booking:?}"
        );
        // what ends when the meeting begins is not in its way
        let around = single
            .replace("T090000Z", "T100000Z")
            .replace("DTEND:20260302T100000Z", "DTEND:20260302T110000Z");
        assert_eq!(
            answered(booking, &[&around], &["0302"]),
            free.map(line),
            "{booking:?}"
        );
        assert_eq!(
            answered(booking, &[single], &["0302"]),
            taken.map(line),
            "{booking:?}"
        );
    }
}

#[test]
fn most_instances_decide_for_the_series() {
    let all = series("room", "");
    let moved = [
        all.clone(),
        instance("0309", 9, "room", "LOCATION:x"),
        instance("0316", 11, "room", ""),
    ];
    type Case<'a> = (&'a [String], &'a [&'a str], Booking, Option<&'a [&'a str]>);
    let table: [Case<'_>; 9] = [
        (
            std::slice::from_ref(&all),
            &[],
            Booking::Automatic,
            Some(&["series room+"]),
        ),
        (
            std::slice::from_ref(&all),
            &["0309", "0316"],
            Booking::Automatic,
            Some(&["series room+", "0309 room-", "0316 room-"]),
        ),
        (
            std::slice::from_ref(&all),
            &[
                "0302", "0309", "0316", "0323", "0330", "0406", "0413", "0420",
            ],
            Booking::Automatic,
            Some(&["series room-", "0427 room+", "0504 room+"]),
        ),
        // five of each: it gets what it can
        (
            std::slice::from_ref(&all),
            &["0302", "0309", "0316", "0323", "0330"],
            Booking::Automatic,
            Some(&[
                "series room+",
                "0302 room-",
                "0309 room-",
                "0316 room-",
                "0323 room-",
                "0330 room-",
            ]),
        ),
        (
            std::slice::from_ref(&all),
            &["0309"],
            Booking::AcceptIfFree,
            Some(&["series room+", "0309 room?"]),
        ),
        (
            std::slice::from_ref(&all),
            &["0309"],
            Booking::DeclineIfBusy,
            Some(&["series room?", "0309 room-"]),
        ),
        (
            std::slice::from_ref(&all),
            &[],
            Booking::DeclineIfBusy,
            None,
        ),
        // instances of their own are answered by themselves
        (
            &moved,
            &["0309", "0316"],
            Booking::Automatic,
            Some(&["series room+", "0309 room-", "0316 room+"]),
        ),
        (
            &[series("room", "STATUS:CANCELLED")],
            &[],
            Booking::Automatic,
            None,
        ),
    ];
    for (components, busy_days, booking, expected) in table {
        let components: Vec<&str> = components.iter().map(String::as_str).collect();
        let found = answered(booking, &components, busy_days);
        let expected =
            expected.map(|lines| lines.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(found, expected, "{booking:?} {busy_days:?}");
    }
}

#[test]
fn only_what_is_open_is_answered() {
    let done = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:room@example.org";
    let open = instance("0309", 11, "room", "");
    assert_eq!(
        answered(Booking::Automatic, &[&series("", done)], &[]),
        None
    );
    assert_eq!(
        answered(Booking::Automatic, &[&series("", done), &open], &["0302"]),
        Some(vec!["series room+".to_owned(), "0309 room+".to_owned()])
    );
    // somebody else's invitation
    assert_eq!(
        answered(Booking::Automatic, &[&series("bob", "")], &[]),
        None
    );
}

#[test]
fn what_is_too_far_ahead_is_declined() {
    let horizon = "2026-03-31T00:00:00Z";
    let at = |components: &[&str], booking| {
        answered_until(booking, components, &[], horizon).map(|it| shape(&it))
    };
    let far = "DTSTART:20260601T090000Z\nDTEND:20260601T100000Z\nATTENDEE:mailto:room@example.org";
    let line = |text: &str| Some(vec![text.to_owned()]);
    assert_eq!(at(&[far], Booking::Automatic), line("series room-"));
    assert_eq!(at(&[far], Booking::AcceptIfFree), None, "a person decides");
    assert_eq!(at(&[far], Booking::AcceptAlways), line("series room+"));
    // a series is judged by what of it can be
    assert_eq!(
        at(&[&series("room", "")], Booking::Automatic),
        line("series room+")
    );
    let far_series = series("room", "").replace("20260302", "20260601");
    assert_eq!(at(&[&far_series], Booking::Automatic), line("series room-"));
    // what is over needs no room
    let past = far.replace("202606", "202501");
    assert_eq!(at(&[&past], Booking::Automatic), None);
}

#[test]
fn the_answer_says_why() {
    let comment = |booking, days: &[&str]| {
        let object = answered_until(
            booking,
            &[&series("room", "COMMENT:old")],
            days,
            "2029-01-01T00:00:00Z",
        );
        let object = object.unwrap();
        let comments = object.entries().filter_map(|it| it.text("COMMENT"));
        comments.map(|it| it.into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        comment(Booking::Automatic, &["0309"]),
        ["It is booked already at this time."]
    );
    assert_eq!(
        comment(Booking::DeclineAlways, &[]),
        ["It cannot be booked."]
    );
    assert!(comment(Booking::Automatic, &[]).is_empty());
}

#[test]
fn a_series_with_too_many_exceptions_is_declined_as_a_whole() {
    // every second of 250 days is taken
    let daily = "DTSTART:20260302T090000Z\nDTEND:20260302T100000Z\nRRULE:FREQ=DAILY;COUNT=250\nATTENDEE:mailto:room@example.org";
    let mut day = at("2026-03-02T09:00:00Z");
    let hour = jiff::SignedDuration::from_hours(1);
    let mut taken = Vec::new();
    for number in 0..250 {
        if number % 2 == 0 {
            taken.push(BusyPeriod {
                start: day,
                end: day + hour,
                busy_type: BusyType::Busy,
            });
        }
        day += hour * 24;
    }
    let world = new_world();
    for (booking, expected) in [
        (Booking::Automatic, Some(vec!["series room-".to_owned()])),
        (Booking::AcceptIfFree, None),
    ] {
        let found = answer(&Request {
            copy: &set(&[daily]),
            room: &world.people["room"],
            directory: &world.directory(),
            booking,
            window: TimeRange {
                start: None,
                end: Some(at("2029-01-01T00:00:00Z")),
            },
            floating: &Zone::utc(),
            busy: &taken,
        });
        assert_eq!(found.unwrap().map(|it| shape(&it)), expected, "{booking:?}");
    }
}

/// RFC 5545 §3.2.13: one component says what all later instances are, and each of them is judged.
#[test]
fn all_later_instances_are_judged() {
    let later = instance("0316", 9, "room", "LOCATION:x");
    let later = later.replace("RECURRENCE-ID:", "RECURRENCE-ID;RANGE=THISANDFUTURE:");
    let components = [&*series("room", ""), &later];
    let table: [(&[&str], &[&str]); 3] = [
        (&[], &["series room+", "0316 room+"]),
        (
            &["0302", "0330"],
            &["series room+", "0302 room-", "0316 room+", "0330 room-"],
        ),
        (
            &["0316", "0323", "0330", "0406", "0413", "0420"],
            &["series room+", "0316 room-", "0427 room+", "0504 room+"],
        ),
    ];
    for (busy_days, expected) in table {
        let found = answered(Booking::Automatic, &components, busy_days).unwrap();
        assert_eq!(found, expected, "{busy_days:?}");
    }
}
