//! An attendee creates, changes and removes (RFC 6638 §3.2.2).

use super::*;

const ALICE: &str = "mailto:alice@example.org";
const BOB: &str = "mailto:bob@example.org";

fn invited() -> World {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org
            ATTENDEE;CN=Bob:mailto:bob@example.org
            ATTENDEE:mailto:carol@example.org",
        ),
    );
    for who in ["bob", "carol"] {
        world.news(who);
    }
    world
}

/// What an organizer elsewhere sent, as a client stores it.
fn from_outside(more: &str) -> CalendarObject {
    event(&format!(
        "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nSEQUENCE:2\nSUMMARY:Far\n{more}"
    ))
}

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
fn what_is_the_attendees_own_is_stored_as_it_came() {
    // RFC 6638 §3.2.2.1: allowed without a message to anybody
    let alarm = calendar::Component::parse(
        b"BEGIN:VALARM\nTRIGGER:-PT5M\nACTION:DISPLAY\nEND:VALARM\n",
        &Limits::default(),
    )
    .unwrap();
    let mut world = invited();
    let mut object = world.copy("bob").clone();
    object.entries_mut().for_each(|entry| {
        entry.push_component(alarm.clone());
        for (name, value) in [
            ("TRANSP", "TRANSPARENT"),
            ("CREATED", "20260101T000000Z"),
            ("DTSTAMP", "20260101T000130Z"),
            ("LAST-MODIFIED", "20260102T000000Z"),
            ("X-MOZ-LASTACK", "20260101T000000Z"),
            ("CATEGORIES", "Work"),
            ("CLASS", "PRIVATE"),
        ] {
            entry.set_raw_value(name, value).unwrap();
        }
    });
    object
        .calendar_mut()
        .set_raw_value("PRODID", "-//client")
        .unwrap();
    object
        .calendar_mut()
        .set_raw_value("CALSCALE", "GREGORIAN")
        .unwrap();
    let (tag, alice) = (world.tag("bob"), world.copy("alice").clone());
    world.put("bob", &object);
    // beside it stands what the organizer said
    let mut stored = world.copy("bob").clone();
    let notes = stored
        .entries_mut()
        .map(|entry| entry.remove_properties("X-CONVOKE-SENT"));
    assert_eq!(notes.sum::<usize>(), 3);
    assert_eq!(stored.to_octets(), object.to_octets());
    assert_eq!(world.tag("bob"), tag + 1);
    assert_eq!(world.news("alice").len(), 0);
    assert_eq!(world.copy("alice"), &alice);
    // and it survives what the organizer changes afterwards
    world.edit("alice", "DTSTART", "20260301T080000Z");
    let entry = world.copy("bob").entries().next().unwrap();
    assert_eq!(entry.components().collect::<Vec<_>>(), [&alarm]);
    for (name, value) in [
        ("TRANSP", "TRANSPARENT"),
        ("CATEGORIES", "Work"),
        ("X-MOZ-LASTACK", "20260101T000000Z"),
        ("DTSTART", "20260301T080000Z"),
    ] {
        assert_eq!(entry.raw_value(name), Some(value));
    }
}

#[test]
fn what_is_the_organizers_is_put_back() {
    // C3.1
    // by decision: merged, not refused
    let changes: [fn(&mut calendar::Component); 8] = [
        |entry| entry.set_raw_value("SUMMARY", "Mine").unwrap(),
        |entry| entry.set_raw_value("DTSTART", "20300101T000000Z").unwrap(),
        |entry| entry.set_raw_value("LOCATION", "Home").unwrap(),
        |entry| entry.set_raw_value("RRULE", "FREQ=DAILY").unwrap(),
        |entry| entry.set_raw_value("SEQUENCE", "9").unwrap(),
        |entry| assert_eq!(entry.remove_properties("SUMMARY"), 1),
        |entry| assert_eq!(entry.remove_properties("ORGANIZER"), 1),
        |entry| {
            assert_eq!(
                entry.retain_properties(|line| line.raw_value() != "mailto:carol@example.org"),
                1
            )
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut world = invited();
        let before = world.copy("bob").clone();
        let mut object = before.clone();
        object.entries_mut().for_each(|entry| {
            change(entry);
            entry.set_raw_value("TRANSP", "TRANSPARENT").unwrap();
            for line in entry
                .properties_mut()
                .filter(|line| line.raw_value() == BOB)
            {
                line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
            }
        });
        world.put("bob", &object);
        let mut expected = before.clone();
        expected.entries_mut().for_each(|entry| {
            entry.set_raw_value("TRANSP", "TRANSPARENT").unwrap();
            let mut note = calendar::Property::new("X-CONVOKE-SENT", "OPAQUE").unwrap();
            note.set_parameter("X-CONVOKE-OF", "TRANSP").unwrap();
            entry.push_property(note);
            for line in entry.properties_mut() {
                match line.raw_value() {
                    BOB => line.set_parameter("PARTSTAT", "ACCEPTED").unwrap(),
                    ALICE if line.is("ORGANIZER") => {
                        line.set_parameter("SCHEDULE-STATUS", "1.2").unwrap()
                    }
                    _ => {}
                }
            }
        });
        assert_eq!(lines(world.copy("bob")), lines(&expected), "change {index}");
        assert!(
            world
                .line("alice", "ATTENDEE", BOB)
                .contains("PARTSTAT=ACCEPTED"),
            "change {index}"
        );
        assert!(
            world
                .decisions
                .iter()
                .any(|decision| matches!(decision, Decision::Changed(_)))
        );
    }
}

#[test]
fn a_time_zone_that_a_client_writes_anew_is_no_change() {
    // C2.6: programs send what they know of a zone; of one whose name says what it is, that is as good
    let zoned = |zone: &str, offset: &str, more: &str| {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\nBEGIN:VTIMEZONE\nTZID:{zone}\nBEGIN:STANDARD\nDTSTART:19701025T030000\n\
             TZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n\
             BEGIN:VEVENT\nUID:1\nDTSTART;TZID={zone}:20260301T090000\nORGANIZER:{ALICE}\n\
             ATTENDEE;RSVP=TRUE:{BOB}\n{more}END:VEVENT\nEND:VCALENDAR\n"
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    const ALARM: &str = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM\n";
    for (zone, is_the_same) in [("Europe/Berlin", true), ("Mine", false)] {
        let mut world = new_world();
        world.put("alice", &zoned(zone, "+0100", ""));
        let sent = zoned(zone, "+0200", ALARM);
        world.put("bob", &sent);
        assert_eq!(*world.copy("bob") == sent, is_the_same, "{zone}");
        let mut decisions = world.decisions.iter();
        let is_adjusted = decisions.any(|it| matches!(it, Decision::Changed(_)));
        assert_eq!(is_adjusted, !is_the_same, "{zone}");
        let kept = world.copy("bob").to_octets();
        assert!(kept.windows(6).any(|text| text == b"VALARM"), "{zone}");
    }
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
fn an_attendee_speaks_for_nobody_else() {
    let mut world = invited();
    let mut object = world.copy("bob").clone();
    object.entries_mut().for_each(|entry| {
        for line in entry.properties_mut().filter(|line| line.is("ATTENDEE")) {
            line.set_parameter("PARTSTAT", "DECLINED").unwrap();
        }
    });
    world.put("bob", &object);
    assert!(world.line("alice", "ATTENDEE", BOB).contains("DECLINED"));
    for whose in ["alice", "bob"] {
        assert!(world.line(whose, "ATTENDEE", ALICE).contains("ACCEPTED"));
        assert!(
            !world
                .line(whose, "ATTENDEE", "mailto:carol@example.org")
                .contains("DECLINED")
        );
    }
}

#[test]
fn an_old_version_of_the_others_answers_is_put_right() {
    // RFC 6638 §3.2.10.1: carol answers while bob's client still has the old list
    let mut world = invited();
    let seen = world.copy("bob").clone();
    world.answer("carol", "ACCEPTED");
    let mut object = seen;
    object.entries_mut().for_each(|entry| {
        for line in entry
            .properties_mut()
            .filter(|line| line.raw_value() == BOB)
        {
            line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        }
    });
    world.schedule_tag_matched = true;
    world.put("bob", &object);
    for whose in ["alice", "bob", "carol"] {
        assert!(
            world.line(whose, "ATTENDEE", BOB).contains("ACCEPTED"),
            "{whose}"
        );
        assert!(
            world
                .line(whose, "ATTENDEE", "mailto:carol@example.org")
                .contains("ACCEPTED"),
            "{whose}"
        );
    }
}

#[test]
fn what_cannot_be_merged_is_refused() {
    // RFC 6638 §3.2.4.4
    for organizer in [
        "mailto:bob@example.org",
        "mailto:carol@example.org",
        "mailto:x@elsewhere.net",
    ] {
        let mut world = invited();
        let before = world.copy("bob").clone();
        let mut object = before.clone();
        object.entries_mut().for_each(|entry| {
            entry
                .property_mut("ORGANIZER")
                .unwrap()
                .set_raw_value(organizer)
                .unwrap()
        });
        let fault = world.change("bob", Some(&object)).unwrap_err();
        assert!(matches!(fault, Fault::AttendeeChange(_)), "{organizer}");
        assert_eq!(
            fault.precondition(),
            crate::Precondition::AllowedAttendeeSchedulingObjectChange
        );
        assert_eq!(world.copy("bob"), &before);
        assert_eq!(world.news("alice").len(), 0);
    }
    // an alias of the same organizer is no other one; the organizer's form is put back
    let mut world = invited();
    let mut object = world.copy("bob").clone();
    object.entries_mut().for_each(|entry| {
        entry
            .property_mut("ORGANIZER")
            .unwrap()
            .set_raw_value("MAILTO:A.Smith@example.org")
            .unwrap()
    });
    world.put("bob", &object);
    assert_eq!(world.value("bob", "ORGANIZER"), Some(ALICE));
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

#[test]
fn an_invitation_from_outside_is_answered_by_mail() {
    // RFC 6638 §3.2.2.2
    let object = |participation: &str| {
        from_outside(&format!(
            "ORGANIZER;CN=X:mailto:x@elsewhere.net\nATTENDEE;PARTSTAT={participation}:mailto:bob@example.org"
        ))
    };
    let mut world = new_world();
    world.put("bob", &object("NEEDS-ACTION"));
    assert_eq!(
        (world.mails.len(), world.copy("bob")),
        (0, &object("NEEDS-ACTION"))
    );
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.mails.len(), 1);
    assert_eq!(
        world.line("bob", "ORGANIZER", "mailto:x@elsewhere.net"),
        "ORGANIZER;CN=X;SCHEDULE-STATUS=1.0:mailto:x@elsewhere.net"
    );
    world.delete("bob");
    assert_eq!(world.mails.len(), 2);
    let mut world = new_world();
    world.put("bob", &object("TENTATIVE"));
    assert_eq!(world.mails.len(), 1);
}

#[test]
fn an_organizer_out_of_reach_is_left_alone() {
    // C3.6
    // by decision: the object says that nobody was told, and why
    for (organizer, mail_possible, status) in [
        ("mailto:x@elsewhere.net", false, "5.3"),
        ("mailto:nobody@example.org", true, "3.7"),
        ("urn:uuid:1", true, "5.3"),
        ("mailto:team@example.org", true, "5.3"),
    ] {
        let mut world = new_world();
        world.mail_possible = mail_possible;
        world.put(
            "bob",
            &from_outside(&format!(
                "ORGANIZER:{organizer}\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"
            )),
        );
        assert_eq!(
            world.line("bob", "ORGANIZER", organizer),
            format!("ORGANIZER;SCHEDULE-AGENT=NONE;SCHEDULE-STATUS={status}:{organizer}")
        );
        world.answer("bob", "DECLINED");
        world.delete("bob");
        assert_eq!(world.mails.len(), 0);
    }
}

#[test]
fn an_organizer_comes_within_reach() {
    // C3.6: it was the server that left the object to others, and mail was set up since
    let organizer = "mailto:x@elsewhere.net";
    let stored = |participation: &str| {
        from_outside(&format!(
            "ORGANIZER:{organizer}\nATTENDEE;PARTSTAT={participation}:mailto:bob@example.org"
        ))
    };
    let mut world = new_world();
    world.mail_possible = false;
    world.put("bob", &stored("NEEDS-ACTION"));
    world.mail_possible = true;
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.mails.len(), 1);
    assert_eq!(
        world.line("bob", "ORGANIZER", organizer),
        format!("ORGANIZER;SCHEDULE-STATUS=1.0:{organizer}")
    );
    // nor does anybody answer who is not in it any more
    let mut world = new_world();
    world.mail_possible = false;
    world.put("bob", &stored("ACCEPTED"));
    world.mail_possible = true;
    let mut without = world.copy("bob").clone();
    for entry in without.entries_mut() {
        entry.remove_properties("ATTENDEE");
    }
    let tag = world.tag("bob");
    world.put("bob", &without);
    assert_eq!(world.copy("bob"), &without);
    assert_eq!(world.tag("bob"), tag);
    assert!(world.mails.is_empty());
    // what the client left to others stays so
    let mut world = new_world();
    let left = "ORGANIZER;SCHEDULE-AGENT=NONE";
    let text = String::from_utf8(stored("ACCEPTED").to_octets().to_vec()).unwrap();
    let left = text.replace("ORGANIZER", left);
    world.put(
        "bob",
        &CalendarObject::parse(left.as_bytes(), &Limits::default()).unwrap(),
    );
    world.answer("bob", "DECLINED");
    assert!(world.mails.is_empty());
}

#[test]
fn an_organizer_who_has_an_account_now_has_not_sent_the_meeting_from_here() {
    // RFC 6638 §7.1, C1.5: what was stored stays left alone, and is its owner's to edit
    let x = "mailto:x@elsewhere.net";
    let left = format!("ORGANIZER;SCHEDULE-AGENT=NONE;SCHEDULE-STATUS=5.3:{x}");
    for knows_parameters in [true, false] {
        let mut world = new_world();
        world.mail_possible = false;
        let attendee = format!("ATTENDEE;PARTSTAT=NEEDS-ACTION:{BOB}");
        world.put("bob", &from_outside(&format!("ORGANIZER:{x}\n{attendee}")));
        world.mail_possible = true;
        let account = principal(6, "x", PrincipalKind::User, &[x]);
        world.people.insert("x", account);
        let mut object = world.copy("bob").clone();
        for entry in object.entries_mut() {
            entry.push_component(calendar::Component::new("VALARM").unwrap());
            let line = entry.property_mut("ORGANIZER").unwrap();
            for parameter in ["SCHEDULE-AGENT", "SCHEDULE-STATUS"] {
                assert!(knows_parameters || line.remove_parameter(parameter));
            }
        }
        world.put("bob", &object);
        assert_eq!(world.line("bob", "ORGANIZER", x), left);
        let entry = world.copy("bob").entries().next().unwrap();
        assert_eq!(entry.components().count(), 1);
        world.answer("bob", "ACCEPTED");
        assert_eq!(world.line("bob", "ORGANIZER", x), left);
        assert!(world.mails.is_empty() && world.news("x").is_empty());
        // until the organizer has it
        let meeting = from_outside(&format!("ORGANIZER:{x}\nATTENDEE:{BOB}"));
        world.put("x", &meeting);
        world.answer("bob", "DECLINED");
        assert_eq!(world.news("x"), ["REPLY"]);
        let told = format!("ORGANIZER;SCHEDULE-STATUS=1.2:{x}");
        assert_eq!(
            world
                .line("bob", "ORGANIZER", x)
                .replace(";X-CONVOKE-REVISION=2-20260101T000500Z", ""),
            told
        );
    }
}

#[test]
fn somebody_elses_meeting_is_just_stored() {
    // RFC 6638 §3.1: neither organizer nor attendee
    let mut world = new_world();
    let object = from_outside("ORGANIZER:mailto:x@elsewhere.net\nATTENDEE:mailto:y@elsewhere.net");
    world.put("bob", &object);
    assert_eq!(world.copy("bob").to_octets(), object.to_octets());
    assert_eq!(world.tag("bob"), 0);
    world.delete("bob");
    assert_eq!(world.mails.len(), 0);
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
fn a_copy_whose_event_is_gone_can_still_be_edited_and_removed() {
    let mut world = invited();
    world.calendars.remove("alice");
    world.edit("bob", "TRANSP", "TRANSPARENT");
    world.answer("bob", "ACCEPTED");
    assert_eq!(
        world.line("bob", "ORGANIZER", ALICE),
        format!("ORGANIZER;SCHEDULE-STATUS=5.2:{ALICE}")
    );
    world.delete("bob");
    assert!(!world.calendars.contains_key("bob"));
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

#[test]
fn what_is_between_client_and_server_is_not_kept() {
    // RFC 6638 §7.2, and SCHEDULE-STATUS that only the server knows
    let mut world = new_world();
    world.put(
        "bob",
        &from_outside(
            "ORGANIZER;SCHEDULE-STATUS=2.0:mailto:x@elsewhere.net
            ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob@example.org",
        ),
    );
    assert_eq!(
        people_lines(world.copy("bob")),
        [
            "ATTENDEE:mailto:bob@example.org",
            "ORGANIZER:mailto:x@elsewhere.net"
        ]
    );
    // nor what an attendee writes upon the others
    let mut world = invited();
    let before = people_lines(world.copy("bob"));
    let mut object = world.copy("bob").clone();
    for line in object
        .entries_mut()
        .flat_map(calendar::Component::properties_mut)
        .filter(|line| line.is("ATTENDEE"))
    {
        line.set_parameter("SCHEDULE-AGENT", "CLIENT").unwrap();
        line.set_parameter("SCHEDULE-STATUS", "5.1").unwrap();
        line.set_parameter("SCHEDULE-FORCE-SEND", "REQUEST")
            .unwrap();
    }
    world.put("bob", &object);
    assert_eq!(people_lines(world.copy("bob")), before);
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

/// What somebody has who is invited, too, is not theirs to give away.
#[test]
fn a_copy_of_an_attendee_is_no_invitation() {
    let of_carol = |more: &str| {
        event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nORGANIZER:mailto:carol@example.org
            ATTENDEE:{ALICE}\nATTENDEE:{BOB}\n{more}"
        ))
    };
    let mut world = new_world();
    world.put("carol", &of_carol(""));
    world.edit("alice", "COMMENT", "Between us");
    world.schedule_reply = false;
    world.delete("bob");
    let claim = meeting(&format!("ATTENDEE:{BOB}"));
    let refused = world.change("bob", Some(&claim));
    assert!(matches!(refused, Err(Fault::NotInvited(_))));
}
