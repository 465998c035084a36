//! Groups among the attendees (RFC 5545 §3.2.3 and §3.2.11).

use super::*;

const TEAM: &str = "mailto:team@example.org";
const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";

fn house() -> World {
    World {
        members: vec!["alice", "bob", "carol", "room"],
        ..new_world()
    }
}

#[test]
fn everybody_in_a_group_is_invited() {
    let mut world = house();
    world.put(
        "alice",
        &meeting("ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:team@example.org"),
    );
    for who in ["bob", "carol", "room"] {
        assert_eq!(world.news(who), ["REQUEST"], "{who}");
    }
    assert_eq!(
        people_lines(world.copy("bob")),
        [
            "ATTENDEE;CN=BOB;ROLE=OPT-PARTICIPANT;MEMBER=\"mailto:team@example.org\";RSVP=TRUE:mailto:bob@example.org",
            "ATTENDEE;CN=CAROL;ROLE=OPT-PARTICIPANT;MEMBER=\"mailto:team@example.org\";RSVP=TRUE:mailto:carol@example.org",
            "ATTENDEE;CN=ROOM;CUTYPE=ROOM;ROLE=OPT-PARTICIPANT;MEMBER=\"mailto:team@example.org\";RSVP=TRUE:mailto:room@example.org",
            "ATTENDEE;ROLE=OPT-PARTICIPANT;CUTYPE=GROUP;RSVP=TRUE:mailto:team@example.org",
            "ORGANIZER:mailto:alice@example.org",
        ]
    );
    assert!(
        world
            .line("alice", "ATTENDEE", TEAM)
            .contains("SCHEDULE-STATUS=2.7")
    );
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("SCHEDULE-STATUS=1.2")
    );
    // the organizer is not invited by their own group, and answers are theirs who answer
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:alice@example.org"),
        ""
    );
    world.answer("bob", "ACCEPTED");
    assert!(
        world
            .line("carol", "ATTENDEE", BOB)
            .contains("PARTSTAT=ACCEPTED")
    );
}

#[test]
fn who_is_invited_by_name_is_invited_once() {
    let mut world = house();
    let both = "ATTENDEE;CN=Robert:mailto:robert@example.org\nATTENDEE;CUTYPE=GROUP:mailto:team@example.org";
    world.put("alice", &meeting(both));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert_eq!(world.line("alice", "ATTENDEE", BOB), "");
}

#[test]
fn whom_the_organizer_takes_out_stays_out() {
    let mut world = house();
    world.put("alice", &meeting("ATTENDEE:mailto:team@example.org"));
    world.inboxes.clear();
    let mut object = world.copy("alice").clone();
    for entry in object.entries_mut() {
        entry.retain_properties(|line| line.raw_value() != CAROL);
    }
    world.put("alice", &object);
    assert_eq!(world.news("carol"), ["CANCEL"]);
    world.edit("alice", "SUMMARY", "Other");
    assert!(world.news("carol").is_empty());
    // the group again is everybody again
    let alone = |lines: &str| {
        let mut object = meeting(lines);
        object
            .entries_mut()
            .for_each(|it| it.set_raw_value("SUMMARY", "Other").unwrap());
        object
    };
    world.put("alice", &alone("ATTENDEE:mailto:bob@example.org"));
    world.put(
        "alice",
        &alone("ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:team@example.org"),
    );
    assert_eq!(world.news("carol"), ["REQUEST"]);
}

#[test]
fn an_empty_group_invites_nobody() {
    let mut world = World {
        members: vec!["alice"],
        ..new_world()
    };
    world.put("alice", &meeting("ATTENDEE:mailto:team@example.org"));
    assert!(world.inboxes.is_empty() && world.mails.is_empty());
    assert!(
        world
            .line("alice", "ATTENDEE", TEAM)
            .contains("SCHEDULE-STATUS=2.7")
    );
}
