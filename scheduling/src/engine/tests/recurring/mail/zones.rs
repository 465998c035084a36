//! Time zones of one name that are not the same: a TZID tells what it means in its own object alone (RFC 5545 §3.8.3.1), and
//! some programs have one for all zones.

use super::*;

const BOB: &str = "ATTENDEE:mailto:bob@example.org";

/// The object with a zone `Mine` that is always this far from UTC.
fn zoned(mut object: CalendarObject, offset: &str) -> CalendarObject {
    let zone = format!(
        "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
    );
    let zone = calendar::Component::parse(zone.as_bytes(), &Limits::default()).unwrap();
    object.calendar_mut().push_component(zone);
    object
}

/// Nine days from 2026-03-02, at this hour of `Mine`.
fn days(hour: &str, title: &str, sequence: u32, minute: u32) -> String {
    let lines = format!(
        "DTSTART;TZID=Mine:20260302T{hour}0000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=9\nSUMMARY:{title}\n{BOB}"
    );
    of_x(&lines, sequence, minute)
}

/// The third of them at this hour of `Mine`.
fn third(hour: &str, minute: u32) -> String {
    let lines = format!(
        "RECURRENCE-ID:20260304T090000Z\nDTSTART;TZID=Mine:20260304T{hour}0000\nDURATION:PT1H\n{BOB}"
    );
    of_x(&lines, 0, minute)
}

fn told(messages: &[(&[String], &str)]) -> World {
    let mut world = new_world();
    for (components, offset) in messages {
        let request = zoned(message("REQUEST", components), offset);
        world.mail_in("bob", Method::Request, X, request);
    }
    world
}

/// When each component of the copy begins.
fn starts(world: &World) -> Vec<String> {
    let copy = world.copy("bob");
    let utc = calendar::Zone::utc();
    let set = calendar::RecurrenceSet::of(copy, &utc);
    let start = |entry| calendar::value::date_in(entry, "DTSTART").unwrap();
    copy.entries()
        .map(|entry| set.zones().instant_of(&start(entry), &utc).to_string())
        .collect()
}

fn zones(world: &World) -> usize {
    let components = world.copy("bob").components();
    components.filter(|it| it.is("VTIMEZONE")).count()
}

#[test]
fn zones_of_one_name_stay_apart() {
    let mut world = told(&[
        (&[days("10", "Plan", 0, 0)], "+0100"),
        (&[third("10", 1)], "-0500"),
        (&[third("11", 2)], "-0500"),
    ]);
    let expected = ["2026-03-02T09:00:00Z", "2026-03-04T16:00:00Z"];
    assert_eq!(
        (&*starts(&world), zones(&world)),
        (&expected.map(str::to_owned)[..], 2)
    );
    // what is kept beside an older message keeps its zone
    let mut late = zoned(message("REQUEST", &[days("10", "Other", 0, 0)]), "+0100");
    for entry in late.entries_mut() {
        entry.set_raw_value("DTSTAMP", "20260101T100130Z").unwrap();
    }
    world.mail_in("bob", Method::Request, X, late);
    assert_eq!(world.value("bob", "SUMMARY"), Some("Other"));
    assert_eq!(starts(&world), expected);
}

/// RFC 5546 §2.1.5: and so does what such a message has an older version of.
#[test]
fn what_comes_late_leaves_its_zone_in_the_copy() {
    let world = told(&[
        (&[days("10", "Plan", 0, 0)], "+0100"),
        (&[third("10", 2)], "-0500"),
        (&[days("10", "Other", 0, 1), third("12", 1)], "+0100"),
    ]);
    assert_eq!(world.value("bob", "SUMMARY"), Some("Other"));
    let expected = ["2026-03-02T09:00:00Z", "2026-03-04T15:00:00Z"];
    assert_eq!(starts(&world), expected);
}

/// An instance that the copy has for an alarm of its owner's is in the zone of the series, as that is now (RFC 5545
/// §3.8.4.4).
#[test]
fn an_instance_with_an_alarm_is_in_the_zone_of_its_series() {
    let mut world = told(&[(&[days("10", "Plan", 0, 0)], "+0100")]);
    let alarm = "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=Mine:20260304T100000\nDTSTART;TZID=Mine:20260304T100000\n\
        DURATION:PT1H\nSUMMARY:Plan\nDTSTAMP:20260101T100000Z\nORGANIZER:mailto:x@elsewhere.net\nATTENDEE:mailto:bob@example.org\n\
        BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n";
    let alarm = calendar::Component::parse(alarm.as_bytes(), &Limits::default()).unwrap();
    world.change_copy("bob", |calendar| calendar.push_component(alarm));
    let request = zoned(message("REQUEST", &[days("04", "Other", 1, 1)]), "-0500");
    world.mail_in("bob", Method::Request, X, request);
    let expected = ["2026-03-02T09:00:00Z", "2026-03-04T09:00:00Z"];
    assert_eq!(starts(&world), expected);
    assert_eq!(zones(&world), 1);
    let third = world.copy("bob").entries().nth(1).unwrap();
    let id = third.property("RECURRENCE-ID").unwrap().content();
    assert_eq!(id, "RECURRENCE-ID;TZID=Mine:20260304T040000");
}
