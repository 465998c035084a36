//! REFRESH, COUNTER and DECLINECOUNTER (RFC 5546 §3.2.6 to §3.2.8; C5.12).

use super::*;

#[test]
fn who_asks_is_told_all_they_may_see() {
    // C5.12, RFC 5546 §3.2.6 and §4.4.8
    let asks = |who: &str| message("REFRESH", &[&to_alice(&format!("ATTENDEE:{who}"), 0)]);
    let mut world = new_world();
    let own = instance("0309", 11, "bob", "");
    let moved = instance("0316", 12, "bob x@elsewhere.net", "");
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", ""), &own, &moved]),
    );
    let first = world.mails.pop().unwrap();
    let (tag, before) = (world.tag("alice"), world.copy("alice").clone());
    let receipt = world.hand_in("alice", X, &asks(X)).unwrap();
    assert!(!receipt.inbox_item && receipt.copy == CopyChange::Unchanged);
    let again = world.mails.pop().unwrap();
    let parsed = |mail: &OutgoingMessage| {
        lines(&CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap())
    };
    assert_eq!(parsed(&again), parsed(&first), "the same view as any other");
    assert_eq!((world.tag("alice"), world.copy("alice")), (tag, &before));
    // a second question a second later is answered, too
    world.hand_in("alice", X, &asks(X)).unwrap();
    assert_eq!(world.mailed(), ["x@elsewhere.net: REQUEST 0316 series"]);

    // RFC 5546 §6.1.6: to nobody else
    for (sender, asked_for) in [(Y, Y), (Y, X)] {
        let receipt = world.hand_in("alice", sender, &asks(asked_for)).unwrap();
        assert!(is_ignored(&receipt), "{receipt:?}");
        assert_eq!(world.mailed(), [""; 0]);
    }
    // who is left to others is left to others
    let mut world = new_world();
    let left = "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:x@elsewhere.net";
    world.put("alice", &set(&[&format!("{RULE}\n{left}")]));
    world.mails.clear();
    let receipt = world.hand_in("alice", X, &asks(X)).unwrap();
    assert!(is_ignored(&receipt), "{receipt:?}");
    assert_eq!(world.mailed(), [""; 0]);
}

#[test]
fn who_asks_about_what_is_off_hears_that_it_is_off() {
    let asks = message("REFRESH", &[&to_alice(&format!("ATTENDEE:{X}"), 0)]);
    let mut world = x_invited();
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", "STATUS:CANCELLED")]),
    );
    world.mails.clear();
    world.hand_in("alice", X, &asks).unwrap();
    assert_eq!(world.mailed(), ["x@elsewhere.net: CANCEL series"]);
    // of what was deleted nobody knows any more
    world.delete("alice");
    world.mails.clear();
    assert!(is_ignored(&world.hand_in("alice", X, &asks).unwrap()));
    assert_eq!(world.mailed(), [""; 0]);
}

#[test]
fn somebody_here_who_asks_by_mail_gets_the_copy_back() {
    let mut world = x_invited();
    let copy = world.calendars.remove("bob").unwrap();
    let asks = message("REFRESH", &[&to_alice(BOB, 0)]);
    world
        .hand_in("alice", "mailto:bob@example.org", &asks)
        .unwrap();
    assert_eq!(lines(world.copy("bob")), lines(&copy));
    assert!(world.mails.is_empty());
}

#[test]
fn proposals_are_for_the_organizer_to_decide() {
    // C5.12, RFC 5546 §3.2.7: never applied by itself
    let proposes = |lines: &str, sequence| {
        let lines =
            format!("{lines}\nDTSTART:20260309T150000Z\nDTEND:20260309T160000Z\nATTENDEE:{X}");
        message("COUNTER", &[&to_alice(&lines, sequence)])
    };
    for lines in ["", "RECURRENCE-ID:20260309T090000Z"] {
        let mut world = x_invited();
        let before = world.copy("alice").clone();
        let receipt = world.hand_in("alice", X, &proposes(lines, 0)).unwrap();
        assert!(is_held(&receipt), "{receipt:?}");
        assert_eq!(receipt.status.as_str(), "1.2");
        assert_eq!(world.copy("alice"), &before);
        assert!(world.mails.is_empty());
        // about what was before the meeting was moved, it comes too late
        world.put(
            "alice",
            &set(&[&series("bob x@elsewhere.net", "").replace("T09", "T08")]),
        );
        let receipt = world.hand_in("alice", X, &proposes(lines, 0)).unwrap();
        assert!(is_ignored(&receipt), "{receipt:?}");
        world.put(
            "alice",
            &set(&[&series("bob x@elsewhere.net", "STATUS:CANCELLED")]),
        );
        assert!(is_ignored(
            &world.hand_in("alice", X, &proposes(lines, 9)).unwrap()
        ));
    }
    let mut world = new_world();
    assert!(is_ignored(
        &world.hand_in("alice", X, &proposes("", 0)).unwrap()
    ));
}

#[test]
fn a_declined_proposal_is_told_and_changes_nothing() {
    // C5.12, RFC 5546 §3.2.8
    let mut world = bob_invited();
    let before = world.copy("bob").clone();
    let declined = message("DECLINECOUNTER", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    let receipt = world.hand_in("bob", X, &declined).unwrap();
    assert!(receipt.copy == CopyChange::Unchanged && receipt.decisions.is_empty());
    assert_eq!(world.letters("bob"), ["DECLINECOUNTER series"]);
    assert_eq!(world.copy("bob"), &before);
    // about nothing
    assert!(is_ignored(
        &new_world().hand_in("bob", X, &declined).unwrap()
    ));
}
