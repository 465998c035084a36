//! Who may say what (RFC 5546 §6.1.1; C5.3, C5.14).

use storage::model::Booking;

use super::*;

#[test]
fn only_the_organizer_speaks_for_the_meeting() {
    // C5.14 and the table of decisions: a message from an unproven sender is never applied, and never dropped
    let methods = ["REQUEST", "CANCEL", "ADD", "DECLINECOUNTER"];
    for method in methods {
        let lines = of_x(&format!("{RULE}\n{BOB}"), 1);
        let mut world = bob_invited();
        let before = world.copy("bob").clone();
        let receipt = world
            .hand_in("bob", Y, &message(method, &[&lines]))
            .unwrap();
        assert!(is_held(&receipt), "{method}: {receipt:?}");
        assert_eq!(receipt.follow_up, FollowUp::Nothing, "{method}");
        assert_eq!(world.copy("bob"), &before, "{method}");
        // who signs for the organizer may, and it is noted that nobody here knows of it
        let signed = lines.replace("ORGANIZER:", &format!("ORGANIZER;SENT-BY=\"{Y}\":"));
        let receipt = world
            .hand_in("bob", Y, &message(method, &[&signed]))
            .unwrap();
        let is_noted = |it: &Decision| matches!(it, Decision::UnknownDeputy { .. });
        assert!(receipt.decisions.iter().any(is_noted), "{method}");
        assert!(
            receipt.inbox_item && !is_held(&receipt),
            "{method}: {receipt:?}"
        );
    }
}

#[test]
fn another_organizer_touches_nothing() {
    // C5.3: the proven organizer of something else with the same UID
    for method in ["REQUEST", "CANCEL", "ADD", "DECLINECOUNTER"] {
        let mut world = bob_invited();
        let before = world.copy("bob").clone();
        let lines = of_x(&format!("{RULE}\n{BOB}"), 9).replace(X, Y);
        let receipt = world
            .hand_in("bob", Y, &message(method, &[&lines]))
            .unwrap();
        assert!(is_held(&receipt), "{method}: {receipt:?}");
        assert_eq!(world.copy("bob"), &before, "{method}");
    }
}

#[test]
fn an_own_message_that_comes_back_has_no_effect() {
    // C5.14: by a mailing list, or because both addresses are one person's
    for method in ["REQUEST", "CANCEL", "ADD", "DECLINECOUNTER"] {
        let mut world = x_invited();
        let before = world.copy("alice").clone();
        let lines = to_alice(&series("alice bob", ""), 9);
        let sender = "mailto:a.smith@example.org";
        let receipt = world
            .hand_in("alice", sender, &message(method, &[&lines]))
            .unwrap();
        assert!(is_ignored(&receipt), "{method}: {receipt:?}");
        assert_eq!(world.copy("alice"), &before, "{method}");
    }
}

#[test]
fn a_message_that_was_handed_on_is_for_the_user() {
    // C1.6: bcc, a list, or a colleague
    for method in ["REQUEST", "ADD"] {
        let mut world = new_world();
        let lines = of_x(&format!("{RULE}\n{BOB}"), 1);
        let receipt = world
            .hand_in("carol", X, &message(method, &[&lines]))
            .unwrap();
        assert!(is_held(&receipt), "{method}: {receipt:?}");
        assert!(world.calendars.is_empty() && world.mails.is_empty());
    }
}

#[test]
fn nobody_elsewhere_says_what_a_room_answered() {
    const ROOM: &str = "mailto:room@example.org";
    let said = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:room@example.org";
    let first = "DTSTART:20260302T090000Z";
    let mut world = new_world();
    let by_itself = Principal {
        booking: Booking::Automatic,
        ..Principal::clone(&world.people["room"])
    };
    world.people.insert("room", Arc::new(by_itself));
    let hand_in = |world: &mut World, start: &str, sequence: u32| {
        let request = message("REQUEST", &[&of_x(&format!("{start}\n{said}"), sequence)]);
        world.hand_in("room", X, &request).unwrap();
        world.line("room", "ATTENDEE", ROOM)
    };
    // The room has not looked yet.
    let line = hand_in(&mut world, first, 0);
    assert!(!line.contains("ACCEPTED"), "{line}");
    // What it declined since stays declined, whatever its organizer has heard.
    world.answer("room", "DECLINED");
    let line = hand_in(&mut world, &format!("{first}\nLOCATION:Hall"), 1);
    assert!(line.contains("DECLINED"), "{line}");
    // At another time it has to look again.
    world.answer("room", "ACCEPTED");
    let line = hand_in(&mut world, "DTSTART:20260303T090000Z", 2);
    assert!(!line.contains("ACCEPTED"), "{line}");
}
