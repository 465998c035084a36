//! What an attendee's client may change in the copy (RFC 6638 §3.2.2.1).

use super::*;

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
