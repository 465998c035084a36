//! What an attendee's answer says, and to whom (RFC 6638 §3.2.2.3).

use super::*;

#[test]
fn an_answer_reaches_the_organizer_and_the_others() {
    // RFC 6638 §3.2.2.3, §4.2 and §3.2.10
    for participation in ["ACCEPTED", "TENTATIVE", "DECLINED"] {
        let mut world = invited();
        let tags = (world.tag("alice"), world.tag("carol"));
        world.answer("bob", participation);
        assert_eq!(
            world.line("alice", "ATTENDEE", BOB),
            format!("ATTENDEE;CN=Bob;SCHEDULE-STATUS=2.0;PARTSTAT={participation}:{BOB}")
        );
        assert_eq!(
            world.line("bob", "ORGANIZER", ALICE),
            format!("ORGANIZER;SCHEDULE-STATUS=1.2:{ALICE}")
        );
        assert!(
            world
                .line("carol", "ATTENDEE", BOB)
                .contains(&format!("PARTSTAT={participation}"))
        );
        assert_eq!(
            (world.news("alice").concat(), world.news("carol").len()),
            ("REPLY".to_owned(), 0)
        );
        // an answer is no change for the others: neither tag moved
        assert_eq!((world.tag("alice"), world.tag("carol")), tags);
        assert_eq!(world.tag("bob"), 2);
    }
}

/// RFC 5546 §3.2.3, RFC 6638 §3.2.2.3: with PARTSTAT, or without, which is the same (RFC 5545 §3.2.12).
#[test]
fn an_answer_that_is_taken_back_is_told() {
    for is_said in [true, false] {
        let mut world = invited();
        world.answer("bob", "ACCEPTED");
        world.inboxes.clear();
        let mut object = world.copy("bob").clone();
        for entry in object.entries_mut() {
            let mut lines = entry.properties_mut();
            let line = lines.find(|line| line.raw_value() == BOB).unwrap();
            match is_said {
                true => drop(line.set_parameter("PARTSTAT", "NEEDS-ACTION")),
                false => drop(line.remove_parameter("PARTSTAT")),
            }
        }
        world.put("bob", &object);
        let said = lines(&world.inboxes["alice"][0]).join(" ");
        assert!(said.contains("PARTSTAT=NEEDS-ACTION"), "{said}");
        assert_eq!(world.news("alice"), ["REPLY"], "{is_said}");
        for who in ["alice", "carol"] {
            let line = world.line(who, "ATTENDEE", BOB);
            assert!(line.contains("PARTSTAT=NEEDS-ACTION"), "{who}: {line}");
        }
        // and it stays so, until there is another one
        world.edit("alice", "SUMMARY", "Other");
        for who in ["alice", "bob"] {
            let line = world.line(who, "ATTENDEE", BOB);
            assert!(!line.contains("ACCEPTED"), "{who}: {line}");
        }
        world.answer("bob", "DECLINED");
        let line = world.line("alice", "ATTENDEE", BOB);
        assert!(line.contains("PARTSTAT=DECLINED"), "{line}");
    }
}

#[test]
fn the_reply_holds_one_attendee_and_no_more_than_needed() {
    // C3.4
    // RFC 5546 §3.2.3
    let mut world = invited();
    let mut object = world.copy("bob").clone();
    object.entries_mut().for_each(|entry| {
        for line in entry
            .properties_mut()
            .filter(|line| line.raw_value() == BOB)
        {
            line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        }
        entry
            .set_raw_value("X-MOZ-LASTACK", "20260101T000000Z")
            .unwrap();
        entry.push_property(calendar::Property::with_text("COMMENT", "On my way, late").unwrap());
    });
    world.put("bob", &object);
    assert_eq!(
        lines(&world.inboxes["alice"][0]),
        [
            "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.org",
            "COMMENT:On my way\\, late",
            "DTEND:20260301T100000Z",
            "DTSTART:20260301T090000Z",
            "ORGANIZER:mailto:alice@example.org",
            "REQUEST-STATUS:2.0;Success",
            "SUMMARY:Plan",
            "UID:1",
        ]
    );
    assert_eq!(
        world.inboxes["alice"][0]
            .entries()
            .next()
            .unwrap()
            .raw_value("DTSTAMP"),
        Some("20260101T000200Z")
    );
    // the same comment again is no news
    world.news("alice");
    world.edit("bob", "TRANSP", "TRANSPARENT");
    assert_eq!(world.news("alice"), Vec::<String>::new());
}

#[test]
fn an_answer_to_an_earlier_time_is_not_taken() {
    // RFC 5546 §2.1.5, as for a REPLY: bob's client has not seen that the meeting takes longer now
    let mut world = invited();
    let mut old = world.copy("bob").clone();
    for line in old
        .entries_mut()
        .flat_map(calendar::Component::properties_mut)
    {
        if line.is("ATTENDEE") && line.raw_value() == BOB {
            line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        }
    }
    old.entries_mut()
        .for_each(|entry| entry.set_raw_value("TRANSP", "TRANSPARENT").unwrap());
    world.edit("alice", "DTEND", "20260301T120000Z");
    world.news("alice");
    world.put("bob", &old);
    for whose in ["alice", "bob"] {
        let line = world.line(whose, "ATTENDEE", BOB);
        assert!(!line.contains("ACCEPTED"), "{whose}: {line}");
    }
    assert_eq!(world.news("alice"), Vec::<String>::new());
    let is_told = |decision: &Decision| matches!(decision, Decision::Changed(what) if what.contains("earlier time"));
    assert!(world.decisions.iter().any(is_told), "{:?}", world.decisions);
    let bobs = world.copy("bob").entries().next().unwrap();
    assert_eq!(bobs.raw_value("DTEND"), Some("20260301T120000Z"));
    assert_eq!(bobs.raw_value("TRANSP"), Some("TRANSPARENT"));
    // and one to a version that only says more is
    let mut world = invited();
    let old = {
        world.answer("bob", "TENTATIVE");
        world.copy("bob").clone()
    };
    world.edit("alice", "LOCATION", "Room 1");
    world.answer("bob", "NEEDS-ACTION");
    world.put("bob", &old);
    let line = world.line("alice", "ATTENDEE", BOB);
    assert!(line.contains("TENTATIVE"), "{line}");
}

#[test]
fn schedule_reply_false_keeps_the_answer_private() {
    // RFC 6638 §8.1, for PUT by decision
    let mut world = invited();
    world.schedule_reply = false;
    world.answer("bob", "ACCEPTED");
    assert!(world.line("bob", "ATTENDEE", BOB).contains("ACCEPTED"));
    assert!(!world.line("alice", "ATTENDEE", BOB).contains("ACCEPTED"));
    assert_eq!(world.news("alice"), Vec::<String>::new());
    // what the organizer does not know is not taken back by an update that asks nothing
    world.schedule_reply = true;
    world.edit("alice", "SUMMARY", "Other");
    assert!(world.line("bob", "ATTENDEE", BOB).contains("ACCEPTED"));
    world.answer("carol", "ACCEPTED");
    assert!(world.line("bob", "ATTENDEE", BOB).contains("ACCEPTED"));
    world.edit("alice", "DTSTART", "20260301T080000Z");
    assert!(world.line("bob", "ATTENDEE", BOB).contains("RSVP=TRUE"));
    assert!(!world.line("bob", "ATTENDEE", BOB).contains("ACCEPTED"));
}

#[test]
fn agent_client_leaves_replies_to_the_client() {
    // C3.6
    // RFC 6638 §3.2.2.3, §7.1: honoured for local organizers too
    for agent in ["CLIENT", "NONE", "X-OTHER"] {
        let mut world = invited();
        let mut object = world.copy("bob").clone();
        object.entries_mut().for_each(|entry| {
            for line in entry.properties_mut() {
                match line.name() {
                    "ORGANIZER" => line.set_parameter("SCHEDULE-AGENT", agent).unwrap(),
                    "ATTENDEE" if line.raw_value() == BOB => {
                        line.set_parameter("PARTSTAT", "ACCEPTED").unwrap()
                    }
                    _ => {}
                }
            }
        });
        world.put("bob", &object);
        assert_eq!(world.copy("bob").to_octets(), object.to_octets());
        assert_eq!(world.news("alice"), Vec::<String>::new());
        assert!(!world.line("alice", "ATTENDEE", BOB).contains("ACCEPTED"));
    }
}

#[test]
fn force_send_reply() {
    // RFC 6638 §7.2
    for (force, told, status) in [("REPLY", 1, "1.2"), ("CANCEL", 0, "2.3")] {
        let mut world = invited();
        let mut object = world.copy("bob").clone();
        object.entries_mut().for_each(|entry| {
            entry
                .property_mut("ORGANIZER")
                .unwrap()
                .set_parameter("SCHEDULE-FORCE-SEND", force)
                .unwrap()
        });
        world.put("bob", &object);
        assert_eq!(world.news("alice").len(), told, "{force}");
        assert_eq!(
            world.line("bob", "ORGANIZER", ALICE),
            format!("ORGANIZER;SCHEDULE-STATUS={status}:{ALICE}")
        );
    }
}

/// RFC 6638 §3.2.9: an answer that is on its way may still come back.
#[test]
fn a_force_that_means_nothing_is_said_beside_the_status_of_an_answer() {
    let of_x = |said: &str| {
        event(&format!(
            "UID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260301T090000Z\n{said}:mailto:x@elsewhere.net\n\
             ATTENDEE;PARTSTAT=ACCEPTED:{BOB}"
        ))
    };
    let mut world = new_world();
    world.put("bob", &of_x("ORGANIZER"));
    for status in ["1.0", "\"1.0,2.3\""] {
        let line = world.line("bob", "ORGANIZER", "mailto:x@elsewhere.net");
        let expected = format!("ORGANIZER;SCHEDULE-STATUS={status}:mailto:x@elsewhere.net");
        assert_eq!(line, expected);
        world.put("bob", &of_x("ORGANIZER;SCHEDULE-FORCE-SEND=CANCEL"));
    }
}

#[test]
fn who_acts_for_the_attendee_signs() {
    let mut world = invited();
    world.acting = Some("carol");
    world.answer("bob", "ACCEPTED");
    for whose in ["alice", "bob"] {
        assert!(
            world
                .line(whose, "ATTENDEE", BOB)
                .contains("SENT-BY=\"mailto:carol@example.org\""),
            "{whose}"
        );
    }
}

#[test]
fn a_cancelled_copy_answers_nobody() {
    let mut world = invited();
    world.delete("alice");
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.news("alice"), Vec::<String>::new());
    assert_eq!(
        world.line("bob", "ORGANIZER", ALICE),
        format!("ORGANIZER:{ALICE}")
    );
}

/// Who is invited by two addresses answers for both by one of them, whichever that is.
#[test]
fn two_lines_of_one_person_have_one_answer() {
    const ROBERT: &str = "mailto:robert@example.org";
    for (answered, other) in [(BOB, ROBERT), (ROBERT, BOB)] {
        for edits_more in [false, true] {
            let mut world = new_world();
            world.put(
                "alice",
                &meeting(&format!("ATTENDEE:{BOB}\nATTENDEE:{ROBERT}")),
            );
            for address in [BOB, ROBERT] {
                let line = world.line("alice", "ATTENDEE", address);
                assert!(line.contains("SCHEDULE-STATUS=1.2"), "{line}");
            }
            for (said, news) in [("ACCEPTED", 1), ("ACCEPTED", 0), ("DECLINED", 1)] {
                world.news("alice");
                let mut object = world.copy("bob").clone();
                for entry in object.entries_mut() {
                    if edits_more {
                        entry.set_raw_value("SUMMARY", "Not his to say").unwrap();
                    }
                    let lines = entry.properties_mut();
                    for line in lines.filter(|line| line.raw_value() == answered) {
                        line.set_parameter("PARTSTAT", said).unwrap();
                    }
                }
                world.put("bob", &object);
                assert_eq!(world.news("alice").len(), news, "{said}");
                for who in ["alice", "bob"] {
                    for address in [answered, other] {
                        let line = world.line(who, "ATTENDEE", address);
                        assert!(line.contains(said), "{who}, by {answered}: {line}");
                    }
                }
            }
        }
    }
    // of a meeting that came by another way, too
    let mut world = new_world();
    let both = format!(
        "ORGANIZER:mailto:x@elsewhere.net\nATTENDEE;PARTSTAT=NEEDS-ACTION:{BOB}\nATTENDEE;PARTSTAT=ACCEPTED:{ROBERT}"
    );
    world.put("bob", &from_outside(&both));
    let mail = String::from_utf8(world.mails.last().unwrap().calendar.to_vec()).unwrap();
    assert!(mail.contains("PARTSTAT=ACCEPTED"), "{mail}");
}
