//! What the organizer does meets what attendees answered and clients wrote.

use super::*;

#[test]
fn the_organizer_cannot_answer_for_others() {
    // RFC 6638 §3.2.1
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"),
    );
    assert_eq!(
        world.line("alice", "ATTENDEE", BOB),
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;SCHEDULE-STATUS=1.2:mailto:bob@example.org"
    );
    assert_eq!(
        world.line("bob", "ATTENDEE", BOB),
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.org"
    );
    world.answer("bob", "DECLINED");
    let mut object = world.copy("alice").clone();
    for entry in object.entries_mut() {
        entry
            .property_mut("ATTENDEE")
            .unwrap()
            .set_parameter("PARTSTAT", "ACCEPTED")
            .unwrap();
    }
    world.put("alice", &object);
    assert_eq!(
        world.line("alice", "ATTENDEE", BOB),
        "ATTENDEE;PARTSTAT=DECLINED;SCHEDULE-STATUS=2.0:mailto:bob@example.org"
    );
}

#[test]
fn a_client_keeps_its_own_status() {
    // RFC 6638 §7.3: with CLIENT the parameter is the client's
    let mut world = new_world();
    let object = meeting(
        "ATTENDEE;SCHEDULE-AGENT=CLIENT;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=1.1:mailto:bob@example.org",
    );
    world.put("alice", &object);
    assert_eq!(world.copy("alice"), &object);
    assert!(matches!(&world.decisions[0], Decision::NotSent { recipient, .. } if recipient == BOB));
}

/// RFC 6638 §3.2.10: inconsequential is what "does not directly impact the user's own participation status". What the
/// server makes of the attendee's own is not: a client that has not seen it would answer in their place.
#[test]
fn who_is_asked_again_gets_a_new_tag_and_the_others_do_not() {
    type Step = fn(&mut World);
    let asked_again: Step = |world| {
        let people =
            format!("ATTENDEE:mailto:carol@example.org\nATTENDEE;PARTSTAT=NEEDS-ACTION:{BOB}");
        world.put("alice", &meeting(&people));
    };
    let answered_by_mail: Step = |world| {
        let reply = "PARTSTAT=DECLINED:mailto:bob@example.org";
        let reply = event(&format!(
            "UID:1\nDTSTAMP:20260601T000000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;{reply}"
        ));
        world.mail_in("alice", Method::Reply, BOB, reply);
    };
    for (step, said) in [
        (asked_again, "NEEDS-ACTION"),
        (answered_by_mail, "DECLINED"),
    ] {
        let mut world = new_world();
        let people = format!("ATTENDEE:mailto:carol@example.org\nATTENDEE:{BOB}");
        world.put("alice", &meeting(&people));
        world.answer("bob", "ACCEPTED");
        let tags = ["alice", "bob", "carol"].map(|who| world.tag(who));
        let own = u32::from(said == "NEEDS-ACTION");
        step(&mut world);
        let line = world.line("bob", "ATTENDEE", BOB);
        assert!(line.contains(&format!("PARTSTAT={said}")), "{line}");
        assert_eq!(
            ["alice", "bob", "carol"].map(|who| world.tag(who)),
            [tags[0] + own, tags[1] + 1, tags[2]],
            "{said}"
        );
    }
}

#[test]
fn the_organizer_can_ask_again() {
    // RFC 6638 §3.2.8: NEEDS-ACTION may be set at any time; with a tag that held it may only be old news (§3.2.10.1)
    for (tag_matched, asked) in [(false, true), (true, false)] {
        let mut world = invited();
        world.answer("bob", "ACCEPTED");
        world.schedule_tag_matched = tag_matched;
        world.put("alice", &meeting("ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org"));
        assert_eq!(world.news("bob").len(), usize::from(asked));
        let participation = if asked {
            "PARTSTAT=NEEDS-ACTION"
        } else {
            "PARTSTAT=ACCEPTED"
        };
        for whose in ["alice", "bob"] {
            assert!(
                world.line(whose, "ATTENDEE", BOB).contains(participation),
                "{whose}"
            );
        }
    }
}

#[test]
fn an_old_copy_does_not_ask_again() {
    // RFC 6638 §3.2.9: it says how the invitation fared, and now it stands there how the answer did
    for (status, asked) in [
        (";SCHEDULE-STATUS=1.2", false),
        (";SCHEDULE-STATUS=1.0", false),
        (";SCHEDULE-STATUS=2.0", true),
        ("", true),
    ] {
        let mut world = invited();
        world.answer("bob", "ACCEPTED");
        world.put("alice", &meeting(&format!("LOCATION:Room 1\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org\nATTENDEE;PARTSTAT=NEEDS-ACTION{status}:mailto:bob@example.org")));
        let participation = if asked { "NEEDS-ACTION" } else { "ACCEPTED" };
        for whose in ["alice", "bob"] {
            let line = world.line(whose, "ATTENDEE", BOB);
            assert!(line.contains(participation), "{status} {whose}: {line}");
            assert_eq!(
                world
                    .copy(whose)
                    .entries()
                    .next()
                    .unwrap()
                    .raw_value("LOCATION"),
                Some("Room 1")
            );
        }
    }
}

/// RFC 6638 §3.2.9: the status tells of the last message again, and not of the answer that came before it.
#[test]
fn an_old_copy_does_not_ask_again_after_another_message() {
    let asking = |object: &CalendarObject| {
        let mut object = object.clone();
        let lines = object
            .entries_mut()
            .flat_map(calendar::Component::properties_mut);
        for line in lines.filter(|line| line.raw_value() == BOB) {
            line.set_parameter("PARTSTAT", "NEEDS-ACTION").unwrap();
        }
        object
    };
    let mut world = invited();
    let old = asking(world.copy("alice"));
    world.answer("bob", "ACCEPTED");
    world.edit("alice", "LOCATION", "Room 1");
    let line = world.line("alice", "ATTENDEE", BOB);
    assert!(line.contains("SCHEDULE-STATUS=1.2"), "{line}");
    // who has seen the answer may ask again
    let seen = asking(world.copy("alice"));
    for (object, said) in [(old, "ACCEPTED"), (seen, "NEEDS-ACTION")] {
        world.put("alice", &object);
        for whose in ["alice", "bob"] {
            let line = world.line(whose, "ATTENDEE", BOB);
            assert!(line.contains(said), "{whose}: {line}");
        }
    }
    let line = world.line("alice", "ATTENDEE", BOB);
    assert!(!line.contains("ANSWERED"), "{line}");
}

#[test]
fn answers_that_came_meanwhile_are_kept() {
    // RFC 6638 §3.2.10.1: the client has not seen the reply; it changes the summary
    let mut world = invited();
    let seen = world.copy("alice").clone();
    let tag = world.tag("alice");
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.tag("alice"), tag);
    world.schedule_tag_matched = true;
    let mut edited = seen.clone();
    edited
        .entries_mut()
        .for_each(|entry| entry.set_raw_value("SUMMARY", "Other").unwrap());
    world.put("alice", &edited);
    assert_eq!(
        world.line("alice", "ATTENDEE", BOB),
        "ATTENDEE;SCHEDULE-STATUS=1.2;PARTSTAT=ACCEPTED;X-CONVOKE-ANSWERED=TRUE:mailto:bob@example.org"
    );
    assert!(
        world
            .line("bob", "ATTENDEE", BOB)
            .contains("PARTSTAT=ACCEPTED")
    );
    assert!(world.tag("alice") > tag);
}

#[test]
fn the_organizers_own_answer_is_shown_without_news() {
    let mut world = invited();
    let tag = world.tag("bob");
    world.answer("alice", "TENTATIVE");
    assert_eq!(
        world.line("bob", "ATTENDEE", "mailto:alice@example.org"),
        "ATTENDEE;PARTSTAT=TENTATIVE:mailto:alice@example.org"
    );
    assert_eq!((world.news("bob").len(), world.tag("bob")), (0, tag));
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("SCHEDULE-STATUS=1.2")
    );
}

#[test]
fn carol_sees_the_whole_list() {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("ATTENDEE:mailto:bob@example.org\nATTENDEE;RSVP=FALSE:mailto:carol@example.org"),
    );
    assert_eq!(
        world.line("carol", "ATTENDEE", BOB),
        "ATTENDEE;RSVP=TRUE:mailto:bob@example.org"
    );
    // RSVP=FALSE suppresses no message
    assert_eq!(
        world.line("carol", "ATTENDEE", CAROL),
        "ATTENDEE;RSVP=FALSE:mailto:carol@example.org"
    );
}

/// Who was left to others has answered nothing here.
#[test]
fn what_a_client_wrote_of_somebody_is_no_answer() {
    for agent in ["NONE", "CLIENT"] {
        let mut world = new_world();
        let line = format!("ATTENDEE;SCHEDULE-AGENT={agent};PARTSTAT=ACCEPTED:{BOB}");
        world.put("alice", &meeting(&line));
        world.put(
            "alice",
            &meeting(&format!("ATTENDEE;PARTSTAT=ACCEPTED:{BOB}")),
        );
        for who in ["alice", "bob"] {
            let bob = world.line(who, "ATTENDEE", BOB);
            assert!(
                bob.contains("PARTSTAT=NEEDS-ACTION"),
                "{agent}, {who}: {bob}"
            );
        }
        assert_eq!(world.news("bob"), ["REQUEST"]);
    }
}

/// What the organizer's object says of somebody's answer may have come there by an import, or out of the trash: what
/// counts is what they said themselves, which is in their copy.
#[test]
fn an_answer_that_nobody_gave_is_asked_for() {
    let at = |hour: &str, bob: &str| {
        let object = meeting(&format!("ATTENDEE;PARTSTAT={bob}:{BOB}"));
        let text = String::from_utf8(object.to_octets().to_vec()).unwrap();
        let text = text
            .replace("T0900", &format!("T{hour}00"))
            .replace("T1000", "T1200");
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    let nothing = None::<(&str, &str)>;
    // what Bob has, whether Alice's is scheduled already, what her object says, and what becomes of it
    for (bob, is_dormant, (hour, says), expected) in [
        (nothing, false, ("09", "ACCEPTED"), "NEEDS-ACTION"),
        (nothing, true, ("09", "TENTATIVE"), "NEEDS-ACTION"),
        (
            Some(("09", "ACCEPTED")),
            true,
            ("09", "ACCEPTED"),
            "ACCEPTED",
        ),
        (
            Some(("09", "ACCEPTED")),
            true,
            ("11", "ACCEPTED"),
            "NEEDS-ACTION",
        ),
        (
            Some(("09", "ACCEPTED")),
            false,
            ("09", "ACCEPTED"),
            "ACCEPTED",
        ),
        (
            Some(("09", "ACCEPTED")),
            false,
            ("11", "ACCEPTED"),
            "NEEDS-ACTION",
        ),
        (
            Some(("09", "DECLINED")),
            false,
            ("11", "DECLINED"),
            "NEEDS-ACTION",
        ),
        (
            Some(("09", "NEEDS-ACTION")),
            false,
            ("09", "ACCEPTED"),
            "NEEDS-ACTION",
        ),
    ] {
        let mut world = new_world();
        if let Some((hour, bob)) = bob {
            world.calendars.insert("bob", at(hour, bob));
        }
        world.calendars.insert("alice", at(hour, says));
        if is_dormant {
            world.dormant.insert("alice");
        }
        let mut object = at(hour, says);
        let entry = object.entries_mut().next().unwrap();
        entry.set_raw_value("SUMMARY", "Another").unwrap();
        let carol = calendar::Property::new("ATTENDEE", "mailto:carol@example.org").unwrap();
        entry.push_property(carol);
        world.put("alice", &object);
        for who in ["alice", "bob"] {
            let line = world.line(who, "ATTENDEE", BOB);
            let what = format!("{bob:?} {is_dormant} {hour} {says}, {who}: {line}");
            assert!(line.contains(&format!("PARTSTAT={expected}")), "{what}");
        }
        let start = world.value("bob", "DTSTART");
        assert_eq!(start, object.entries().next().unwrap().raw_value("DTSTART"));
    }
}

/// An answer by another way than the copy is one all the same.
#[test]
fn an_answer_by_mail_stands() {
    let mut world = invited();
    let answer = event(&format!(
        "UID:1\nDTSTAMP:20260102T000000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=ACCEPTED:{BOB}"
    ));
    world.mail_in("alice", Method::Reply, BOB, answer);
    world.edit("alice", "SUMMARY", "Another");
    for who in ["alice", "bob"] {
        let line = world.line(who, "ATTENDEE", BOB);
        assert!(line.contains("PARTSTAT=ACCEPTED"), "{who}: {line}");
    }
}

/// What came out of the trash is older than what others have: who is asked for the time at which they have it already,
/// and for which they have answered, is not asked for nothing.
#[test]
fn who_has_answered_for_this_very_time_has_answered() {
    // RFC 6638 §3.2.8
    let mut world = invited();
    let old = world.copy("alice").clone();
    let put_off = |world: &mut World| {
        let mut object = world.copy("alice").clone();
        for entry in object.entries_mut() {
            entry.set_raw_value("DTSTART", "20260301T120000Z").unwrap();
            entry.set_raw_value("DTEND", "20260301T130000Z").unwrap();
        }
        world.put("alice", &object);
    };
    put_off(&mut world);
    world.answer("bob", "ACCEPTED");
    world.news("bob");
    world.calendars.insert("alice", old);
    put_off(&mut world);
    assert!(world.news("bob").is_empty());
    for who in ["alice", "bob"] {
        let line = world.line(who, "ATTENDEE", BOB);
        assert!(line.contains("PARTSTAT=ACCEPTED"), "{who}: {line}");
    }
    // and to the next message it is known
    world.edit("alice", "SUMMARY", "Another");
    for who in ["alice", "bob"] {
        let line = world.line(who, "ATTENDEE", BOB);
        assert!(line.contains("PARTSTAT=ACCEPTED"), "{who}: {line}");
    }
}
