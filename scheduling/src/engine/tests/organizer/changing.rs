//! A meeting is changed, or its attendees come and go; SEQUENCE and who is asked anew.

use super::*;

#[test]
fn updates_by_what_changed() {
    // C2.3, C2.5
    // RFC 6638 §3.2.1.2 and §3.2.8, RFC 5546 §2.1.4: (property, value), SEQUENCE, participation kept, told
    let cases = [
        ("DTSTART", "20260301T093000Z", "1", false, true),
        ("DTEND", "20260301T103000Z", "1", false, true),
        ("STATUS", "TENTATIVE", "1", true, true),
        ("SUMMARY", "Other", "", true, true),
        ("LOCATION", "Room", "", true, true),
        ("DESCRIPTION", "More", "", true, true),
        ("TRANSP", "TRANSPARENT", "", true, true),
        ("X-MOZ-GENERATION", "3", "", true, false),
        ("CREATED", "20200101T000000Z", "", true, false),
        ("LAST-MODIFIED", "20260101T000000Z", "", true, false),
        ("DTSTAMP", "20260105T000000Z", "", true, false),
        ("SEQUENCE", "7", "7", true, false),
    ];
    for (name, value, sequence, kept, told) in cases {
        let mut world = invited();
        world.answer("bob", "ACCEPTED");
        world.news("alice");
        let tag = world.tag("bob");
        world.edit("alice", name, value);
        let number = world.value("alice", "SEQUENCE").unwrap_or_default();
        assert_eq!(number, sequence, "{name}");
        let participation = if kept { "ACCEPTED" } else { "NEEDS-ACTION" };
        for whose in ["alice", "bob"] {
            let line = world.line(whose, "ATTENDEE", BOB);
            assert!(
                line.contains(&format!("PARTSTAT={participation}")),
                "{name}: {line}"
            );
        }
        assert_eq!(world.tag("bob") - tag, u32::from(told), "{name}");
        assert_eq!(world.news("bob").len(), usize::from(told), "{name}");
        if told {
            assert_eq!(world.value("bob", name), Some(value));
        }
        let own = world.line("alice", "ATTENDEE", "mailto:alice@example.org");
        assert_eq!(own, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org");
    }
}

#[test]
fn alarms_are_nobody_elses_business() {
    // C3.4
    let mut world = invited();
    let mut object = world.copy("alice").clone();
    let alarm = calendar::Component::parse(
        b"BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\n",
        &Limits::default(),
    )
    .unwrap();
    object
        .entries_mut()
        .for_each(|entry| entry.push_component(alarm.clone()));
    world.put("alice", &object);
    assert_eq!(world.news("bob"), Vec::<String>::new());
    assert_eq!(world.copy("alice"), &object);
}

#[test]
fn sequence_never_falls() {
    // C2.4
    let mut world = invited();
    world.edit("alice", "SEQUENCE", "5");
    world.edit("alice", "SEQUENCE", "2");
    assert_eq!(world.value("alice", "SEQUENCE"), Some("5"));
    let mut object = world.copy("alice").clone();
    object.entries_mut().for_each(|entry| {
        entry.remove_properties("SEQUENCE");
        entry.set_raw_value("DTSTART", "20260301T080000Z").unwrap();
    });
    world.put("alice", &object);
    assert_eq!(world.value("alice", "SEQUENCE"), Some("6"));
    assert_eq!(world.value("bob", "SEQUENCE"), Some("6"));
}

#[test]
fn another_text_for_the_same_moment_changes_nothing() {
    // C2.6
    // the same hour in a zone, by DURATION, and with VALUE spelled out
    let mut world = invited();
    world.answer("bob", "ACCEPTED");
    let mut object = world.copy("alice").clone();
    for entry in object.entries_mut() {
        entry.set_property(
            calendar::Property::new("DTSTART", "20260301T100000")
                .unwrap()
                .with_parameter("TZID", "Europe/Berlin")
                .unwrap(),
        );
        entry.remove_properties("DTEND");
        entry.set_raw_value("DURATION", "PT1H").unwrap();
    }
    world.put("alice", &object);
    assert_eq!(world.news("bob"), Vec::<String>::new());
    assert_eq!(world.copy("alice"), &object);
}

#[test]
fn an_attendee_comes_and_goes() {
    // RFC 5546 §3.2.5: uninviting carries no STATUS; the others see the new list
    let mut world = invited();
    world.answer("bob", "ACCEPTED");
    world.put(
        "alice",
        &meeting("ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org"),
    );
    assert_eq!(
        (world.news("bob"), world.news("carol")),
        (vec!["REQUEST".to_owned()], vec!["REQUEST".to_owned()])
    );
    assert!(
        world
            .line("bob", "ATTENDEE", BOB)
            .contains("PARTSTAT=ACCEPTED")
    );
    assert!(
        world
            .line("carol", "ATTENDEE", BOB)
            .contains("PARTSTAT=ACCEPTED")
    );
    world.put("alice", &meeting("ATTENDEE:mailto:carol@example.org"));
    let message = world.inboxes["bob"].last().unwrap();
    assert_eq!(method(message), Some("CANCEL"));
    assert_eq!(
        lines(message),
        [
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org",
            "DTEND:20260301T100000Z",
            "DTSTART:20260301T090000Z",
            "ORGANIZER:mailto:alice@example.org",
            "SEQUENCE:1",
            "SUMMARY:Plan",
            "UID:1",
        ]
    );
    assert_eq!(world.value("bob", "STATUS"), Some("CANCELLED"));
    assert_eq!(world.value("alice", "SEQUENCE"), Some("1"));
    assert_eq!(
        people_lines(world.copy("carol")),
        [
            "ATTENDEE;RSVP=TRUE:mailto:carol@example.org",
            "ORGANIZER:mailto:alice@example.org"
        ]
    );
    // and comes back: a new invitation, newer than the cancellation
    world.put(
        "alice",
        &meeting("ATTENDEE:mailto:carol@example.org\nATTENDEE:mailto:bob@example.org"),
    );
    assert_eq!(
        (world.value("bob", "STATUS"), world.value("bob", "SEQUENCE")),
        (None, Some("1"))
    );
    assert!(world.line("bob", "ATTENDEE", BOB).contains("RSVP=TRUE"));
    assert!(!world.line("bob", "ATTENDEE", BOB).contains("ACCEPTED"));
}

#[test]
fn what_the_organizer_must_not_change() {
    // RFC 6638 §3.2.4.2 and §3.2.4.3
    let organizer = |fault: &Fault| matches!(fault, Fault::OrganizerChange(_));
    let base = "UID:1\nDTSTART:20260301T090000Z\nDTEND:20260301T100000Z\nSUMMARY:Plan";
    for lines in [
        format!("{base}\nORGANIZER:mailto:bob@example.org\nATTENDEE:mailto:alice@example.org"),
        format!("{base}\nORGANIZER:mailto:x@elsewhere.net"),
        format!("{base}\nATTENDEE:mailto:bob@example.org"),
    ] {
        let mut world = invited();
        let before = world.copy("alice").clone();
        let fault = world.change("alice", Some(&event(&lines))).unwrap_err();
        assert!(organizer(&fault), "{lines}: {fault}");
        assert_eq!(
            fault.precondition(),
            crate::Precondition::AllowedOrganizerSchedulingObjectChange
        );
        assert_eq!(world.copy("alice"), &before);
        assert_eq!(world.news("bob"), Vec::<String>::new());
    }
    let mut world = invited();
    world.put(
        "alice",
        &event(&format!(
            "{base}\nORGANIZER:mailto:A.Smith@example.org\nATTENDEE:mailto:bob@example.org"
        )),
    );
    assert_eq!(
        world.value("bob", "ORGANIZER"),
        Some("mailto:A.Smith@example.org")
    );
}

#[test]
fn another_spelling_of_an_address_is_no_change() {
    // C1.1, C2.3
    for (person, organizer) in [
        ("MAILTO:Bob@Example.org", "MAILTO:Alice@example.org"),
        ("mailto:robert@example.org", "mailto:a.smith@example.org"),
    ] {
        let mut world = new_world();
        world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
        world.news("bob");
        let mut object = world.copy("alice").clone();
        let lines = object
            .entries_mut()
            .flat_map(|entry| entry.properties_mut());
        for line in lines {
            match line.name() {
                "ATTENDEE" => line.set_raw_value(person).unwrap(),
                "ORGANIZER" => line.set_raw_value(organizer).unwrap(),
                _ => {}
            }
        }
        let mut alarm = calendar::Component::new("VALARM").unwrap();
        alarm.set_raw_value("TRIGGER", "-PT9M").unwrap();
        object
            .entries_mut()
            .for_each(|entry| entry.push_component(alarm.clone()));
        world.put("alice", &object);
        assert!(world.news("bob").is_empty(), "{person}");
        assert!(!world.line("alice", "ATTENDEE", person).is_empty());
    }
}
