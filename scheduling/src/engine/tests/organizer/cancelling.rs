//! A meeting is called off, by removal, by its STATUS, or because it becomes plain, and may stand again.

use super::*;

#[test]
fn removal_cancels_for_all() {
    // C2.8, C4.1
    // RFC 6638 §3.2.1.3, RFC 5546 §3.2.5
    let mut world = invited();
    world.delete("alice");
    assert!(!world.calendars.contains_key("alice"));
    assert_eq!(
        lines(world.inboxes["bob"].last().unwrap()),
        [
            "ATTENDEE:mailto:bob@example.org",
            "DTEND:20260301T100000Z",
            "DTSTART:20260301T090000Z",
            "ORGANIZER:mailto:alice@example.org",
            "SEQUENCE:1",
            "STATUS:CANCELLED",
            "SUMMARY:Plan",
            "UID:1",
        ]
    );
    assert_eq!(
        (world.value("bob", "STATUS"), world.value("bob", "SEQUENCE")),
        (Some("CANCELLED"), Some("1"))
    );
    assert_eq!(world.tag("bob"), 2);
}

#[test]
fn status_cancelled_cancels_once_and_can_be_taken_back() {
    let mut world = invited();
    world.answer("bob", "ACCEPTED");
    world.edit("alice", "STATUS", "CANCELLED");
    assert_eq!(world.news("bob"), ["CANCEL"]);
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("SCHEDULE-STATUS=1.2")
    );
    world.edit("alice", "SUMMARY", "Gone");
    assert_eq!(world.news("bob"), Vec::<String>::new());
    // reinstated: participation is asked anew
    world.edit("alice", "STATUS", "CONFIRMED");
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert!(
        world
            .line("bob", "ATTENDEE", BOB)
            .contains("PARTSTAT=NEEDS-ACTION")
    );
    assert_eq!(world.value("bob", "STATUS"), Some("CONFIRMED"));
    world.edit("alice", "STATUS", "CANCELLED");
    world.news("bob");
    world.delete("alice");
    assert_eq!(world.news("bob"), Vec::<String>::new());
}

#[test]
fn a_cancelled_room_is_free_again() {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("ATTENDEE;CUTYPE=ROOM:mailto:room@example.org"),
    );
    world.delete("alice");
    assert!(!world.calendars.contains_key("room"));
    assert_eq!(world.news("room"), ["REQUEST", "CANCEL"]);
}

#[test]
fn a_meeting_that_becomes_plain_is_cancelled() {
    // RFC 6638 §3.2.3.1: scheduling object to calendar object is a removal
    let mut world = invited();
    let plain = event("UID:1\nDTSTART:20260301T090000Z\nSUMMARY:Plan");
    world.put("alice", &plain);
    assert_eq!(world.copy("alice"), &plain);
    assert_eq!(world.news("bob"), ["CANCEL"]);
    // and a plain event that becomes a meeting is a creation
    // that comes after the cancellation (C2.4)
    world.last_told = told(1);
    world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    let entry = world.copy("bob").entries().next().unwrap();
    assert_eq!(entry.raw_value("SEQUENCE"), Some("2"));
}

#[test]
fn a_created_event_that_is_cancelled_invites_nobody() {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("STATUS:CANCELLED\nATTENDEE:mailto:bob@example.org"),
    );
    assert_eq!(world.news("bob"), Vec::<String>::new());
    assert!(
        !world
            .line("alice", "ATTENDEE", BOB)
            .contains("SCHEDULE-STATUS")
    );
}

fn told(whole: u32) -> Option<LastTold> {
    Some(LastTold {
        whole: Some(whole),
        ..LastTold::default()
    })
}

#[test]
fn what_is_stored_again_comes_after_its_cancellation() {
    // C2.4
    for (last, asked, expected) in [
        (None, None, None),
        (None, Some("3"), Some("3")),
        (Some(0), None, Some("1")),
        (Some(4), Some("3"), Some("5")),
        (Some(4), Some("7"), Some("7")),
    ] {
        let mut world = new_world();
        world.last_told = last.and_then(told);
        let sequence = asked.map_or_else(String::new, |asked| format!("SEQUENCE:{asked}\n"));
        world.put("alice", &meeting(&format!("{sequence}ATTENDEE:{BOB}")));
        for who in ["alice", "bob"] {
            let number = world.value(who, "SEQUENCE");
            assert_eq!(number, expected, "{last:?} {asked:?}");
        }
    }
}
