//! Copies that go, come back, or were never sent (RFC 6638 §3.2.2.4, §3.2.4.4).

use super::*;

#[test]
fn removal_declines() {
    // C4.2
    // RFC 6638 §3.2.2.4 and §8.1
    type Prepare = fn(&mut World);
    let cases: [(&str, Prepare, bool); 6] = [
        ("untouched", |_| {}, true),
        ("accepted", |world| world.answer("bob", "ACCEPTED"), true),
        ("declined", |world| world.answer("bob", "DECLINED"), false),
        ("cancelled", |world| world.delete("alice"), false),
        (
            "no reply wanted",
            |world| world.schedule_reply = false,
            false,
        ),
        (
            "the client replies",
            |world| {
                let mut object = world.copy("bob").clone();
                object.entries_mut().for_each(|entry| {
                    entry
                        .property_mut("ORGANIZER")
                        .unwrap()
                        .set_parameter("SCHEDULE-AGENT", "CLIENT")
                        .unwrap()
                });
                world.put("bob", &object);
            },
            false,
        ),
    ];
    for (what, prepare, replied) in cases {
        let mut world = invited();
        prepare(&mut world);
        world.news("alice");
        world.delete("bob");
        assert!(!world.calendars.contains_key("bob"));
        assert_eq!(world.news("alice").len(), usize::from(replied), "{what}");
        if replied {
            // the attendee stays in the list
            assert!(
                world
                    .line("alice", "ATTENDEE", BOB)
                    .contains("PARTSTAT=DECLINED"),
                "{what}"
            );
        }
    }
}

#[test]
fn a_removed_meeting_comes_back_only_with_something_new() {
    // C4.3
    // by decision: what was declined and removed does not come back for small changes
    let mut world = invited();
    world.delete("bob");
    world.edit("alice", "SUMMARY", "Other");
    assert!(!world.calendars.contains_key("bob"));
    assert_eq!(world.news("bob"), Vec::<String>::new());
    world.edit("alice", "DTSTART", "20260301T080000Z");
    assert!(world.line("bob", "ATTENDEE", BOB).contains("NEEDS-ACTION"));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    // removed without a reply: the organizer's next change brings it back
    world.schedule_reply = false;
    world.delete("bob");
    world.edit("alice", "SUMMARY", "Third");
    assert!(world.calendars.contains_key("bob"));
}

#[test]
fn claimed_invitations_are_refused() {
    // RFC 6638 §3.2.4.4, by decision: only what the organizer sent can be claimed
    let claim = || meeting("ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org");
    let mut world = new_world();
    let fault = world.change("bob", Some(&claim())).unwrap_err();
    assert!(matches!(fault, Fault::NotInvited(_)));
    assert_eq!(
        fault.precondition(),
        crate::Precondition::AllowedAttendeeSchedulingObjectChange
    );
    world.put("alice", &meeting("ATTENDEE:mailto:carol@example.org"));
    assert!(matches!(
        world.change("bob", Some(&claim())),
        Err(Fault::NotInvited(_))
    ));
    assert!(!world.calendars.contains_key("bob"));
}

#[test]
fn an_invitation_that_was_removed_can_be_stored_again() {
    // what the organizer says holds, the attendee's own is taken
    let mut world = invited();
    let mut object = world.copy("bob").clone();
    world.schedule_reply = false;
    world.delete("bob");
    world.schedule_reply = true;
    object.entries_mut().for_each(|entry| {
        entry.set_raw_value("SUMMARY", "Forged").unwrap();
        for line in entry
            .properties_mut()
            .filter(|line| line.raw_value() == BOB)
        {
            line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        }
    });
    world.put("bob", &object);
    assert_eq!(world.value("bob", "SUMMARY"), Some("Plan"));
    assert!(world.line("alice", "ATTENDEE", BOB).contains("ACCEPTED"));
    // and how new that is, is noted: DTSTAMP is the client's
    assert_eq!(
        world.line("bob", "ORGANIZER", ALICE),
        format!("ORGANIZER;X-CONVOKE-REVISION=0-20260101T000300Z;SCHEDULE-STATUS=1.2:{ALICE}")
    );
}

#[test]
fn a_meeting_that_is_off_is_not_revived() {
    // C11: DAVx5 uploads what is gone on the server as new
    let mut world = invited();
    let upload = world.copy("bob").clone();
    world.delete("alice");
    world.delete("bob");
    world.inboxes.clear();
    let refused = world.change("bob", Some(&upload)).unwrap_err();
    assert!(matches!(refused, Fault::NotInvited(_)), "{refused}");
    assert!(!world.calendars.contains_key("bob") && world.inboxes.is_empty());
    // and who is not invited any more is not in it again
    let mut world = invited();
    let upload = world.copy("bob").clone();
    world.put("alice", &meeting("ATTENDEE:mailto:carol@example.org"));
    world.delete("bob");
    let refused = world.change("bob", Some(&upload)).unwrap_err();
    assert!(matches!(refused, Fault::NotInvited(_)), "{refused}");
    assert_eq!(world.line("alice", "ATTENDEE", BOB), "");
}
