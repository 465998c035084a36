//! Recurring objects: stored, not scheduled, and they say so. Never half.

use super::*;

fn series(more: &str) -> CalendarObject {
    meeting(&format!(
        "RRULE:FREQ=WEEKLY\nATTENDEE:mailto:bob@example.org\nATTENDEE;SCHEDULE-AGENT=NONE:mailto:carol@example.org\n{more}"
    ))
}

#[test]
fn a_series_is_stored_and_tells_nobody() {
    for object in [
        series(""),
        meeting("RDATE:20260302T090000Z\nATTENDEE:mailto:bob@example.org"),
        meeting("RECURRENCE-ID:20260301T090000Z\nATTENDEE:mailto:bob@example.org"),
    ] {
        let mut world = new_world();
        world.put("alice", &object);
        assert!(!world.calendars.contains_key("bob") && world.mails.is_empty());
        assert_eq!(
            world.line("alice", "ATTENDEE", "mailto:bob@example.org"),
            "ATTENDEE;SCHEDULE-STATUS=5.3:mailto:bob@example.org"
        );
        assert!(
            !world
                .line("alice", "ATTENDEE", "mailto:carol@example.org")
                .contains("STATUS")
        );
        assert!(matches!(world.decisions[..], [Decision::NoMessages(_)]));
        assert_eq!(
            world.tag("alice"),
            1,
            "a scheduling object resource all the same"
        );
        world.edit("alice", "DTSTART", "20260301T080000Z");
        world.delete("alice");
        assert!(!world.calendars.contains_key("bob") && world.mails.is_empty());
    }
}

#[test]
fn a_single_event_that_becomes_a_series_leaves_the_copies_alone() {
    let mut world = new_world();
    world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
    world.news("bob");
    let copy = world.copy("bob").clone();
    world.put("alice", &series(""));
    assert_eq!(world.copy("bob"), &copy);
    assert_eq!(world.news("bob").len(), 0);
    // an answer from the old copy finds a series and changes nothing
    world.answer("bob", "ACCEPTED");
    assert!(
        world
            .line("bob", "ORGANIZER", "mailto:alice@example.org")
            .contains("SCHEDULE-STATUS=5.3")
    );
    assert!(
        !world
            .line("alice", "ATTENDEE", "mailto:bob@example.org")
            .contains("ACCEPTED")
    );
    // and a single event again is a new invitation to the same copy
    world.put(
        "alice",
        &meeting("SEQUENCE:1\nATTENDEE:mailto:bob@example.org"),
    );
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:bob@example.org"),
        "ATTENDEE;SCHEDULE-STATUS=1.2:mailto:bob@example.org"
    );
}

#[test]
fn an_attendees_series_from_outside_is_stored_with_its_status() {
    let mut world = new_world();
    let object = event(
        "UID:1\nDTSTART:20260301T090000Z\nRRULE:FREQ=DAILY\nORGANIZER:mailto:x@elsewhere.net\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org",
    );
    world.put("bob", &object);
    assert_eq!(
        world.line("bob", "ORGANIZER", "mailto:x@elsewhere.net"),
        "ORGANIZER;SCHEDULE-STATUS=5.3:mailto:x@elsewhere.net"
    );
    world.answer("bob", "DECLINED");
    world.delete("bob");
    assert!(world.mails.is_empty());
}

#[test]
fn components_name_one_organizer() {
    // RFC 6638 §3.2.4.2
    let text = |second: &str| {
        format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART:20260301T090000Z\nRRULE:FREQ=DAILY\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260301T090000Z\nDTSTART:20260301T100000Z\n{second}END:VEVENT\nEND:VCALENDAR\n"
        )
    };
    let object =
        |second: &str| CalendarObject::parse(text(second).as_bytes(), &Limits::default()).unwrap();
    let mut world = new_world();
    assert_eq!(
        world.change("alice", Some(&object("ORGANIZER:mailto:bob@example.org\n"))),
        Err(Fault::SeveralOrganizers)
    );
    world.put("alice", &object("ORGANIZER:mailto:A.SMITH@example.org\n"));
    world.put("alice", &object(""));
    // the status stands in every component that names somebody
    world.put(
        "alice",
        &object("ORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\n"),
    );
    let statuses = people_lines(world.copy("alice"))
        .into_iter()
        .filter(|line| line.contains("SCHEDULE-STATUS=5.3"))
        .count();
    assert_eq!(statuses, 2);
}

#[test]
fn a_series_keeps_no_force_send() {
    // RFC 6638 §7.2
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("RRULE:FREQ=DAILY\nATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob@example.org"),
    );
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:bob@example.org"),
        "ATTENDEE;SCHEDULE-STATUS=5.3:mailto:bob@example.org"
    );
}
