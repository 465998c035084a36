//! The organizer creates, changes and removes (RFC 6638 §3.2.1).

use super::*;

const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";

fn invited() -> World {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org",
        ),
    );
    world.news("bob");
    world
}

#[test]
fn create_delivers_to_local_attendees() {
    // RFC 6638 §3.2.1.1, §4.1
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org
            ATTENDEE;CN=Bob;SCHEDULE-STATUS=2.0:mailto:bob@example.org
            X-MOZ-LASTACK:20260101T000000Z
            X-ALT-DESC;FMTTYPE=text/html:<b>x</b>
            BEGIN:VALARM
            ACTION:DISPLAY
            TRIGGER:-PT5M
            END:VALARM",
        ),
    );
    assert_eq!(
        lines(world.copy("bob")),
        [
            "ATTENDEE;CN=Bob;RSVP=TRUE:mailto:bob@example.org",
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org",
            "DTEND:20260301T100000Z",
            "DTSTART:20260301T090000Z",
            "ORGANIZER:mailto:alice@example.org",
            "SUMMARY:Plan",
            "UID:1",
            "X-ALT-DESC;FMTTYPE=text/html:<b>x</b>",
        ]
    );
    assert_eq!(
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("DTSTAMP"),
        Some("20260101T000100Z")
    );
    assert_eq!(
        world.line("alice", "ATTENDEE", BOB),
        "ATTENDEE;CN=Bob;SCHEDULE-STATUS=1.2:mailto:bob@example.org"
    );
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:alice@example.org"),
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org"
    );
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert_eq!(world.news("alice"), Vec::<String>::new());
    assert_eq!((world.tag("alice"), world.tag("bob")), (1, 1));
}

#[test]
fn untouched_lines_of_the_organizer_stay_as_they_were() {
    let mut world = new_world();
    let text = "BEGIN:VCALENDAR\nversion:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART:20260301T090000Z\nSummary:a\n  b\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\nEND:VEVENT\nEND:VCALENDAR\n";
    world.put(
        "alice",
        &CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap(),
    );
    let expected = text.replace("ATTENDEE:", "ATTENDEE;SCHEDULE-STATUS=1.2:");
    assert_eq!(world.copy("alice").to_octets(), expected);
}

#[test]
fn nobody_is_scheduled_with_themselves() {
    // RFC 6638 §3.2.1: also by an alias or the principal URL
    for own in [
        "mailto:alice@example.org",
        "MAILTO:A.Smith@Example.org",
        "/dav/principals/users/alice/",
    ] {
        let mut world = new_world();
        world.put(
            "alice",
            &meeting(&format!("ATTENDEE;PARTSTAT=ACCEPTED:{own}")),
        );
        assert_eq!(
            lines(world.copy("alice")),
            lines(&meeting(&format!("ATTENDEE;PARTSTAT=ACCEPTED:{own}")))
        );
        assert!(matches!(world.decisions[..], [Decision::NoMessages(_)]));
    }
}

#[test]
fn the_role_follows_the_owner_by_any_of_the_addresses() {
    // RFC 6638 §3.1
    let world = new_world();
    let directory = world.directory();
    let cases = [
        (
            "ORGANIZER:MAILTO:Alice@Example.ORG\nATTENDEE:mailto:bob@example.org",
            Role::Organizer,
            Role::Attendee,
        ),
        (
            "ORGANIZER:/dav/principals/users/alice\nATTENDEE:mailto:robert@example.org",
            Role::Organizer,
            Role::Attendee,
        ),
        (
            "ORGANIZER:mailto:alice@example.org",
            Role::Organizer,
            Role::None,
        ),
        (
            "ORGANIZER:mailto:x@elsewhere.net\nATTENDEE:mailto:bob@example.org",
            Role::None,
            Role::Attendee,
        ),
        (
            "ATTENDEE:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org",
            Role::None,
            Role::None,
        ),
        ("SUMMARY:plain", Role::None, Role::None),
    ];
    for (text, alice, bob) in cases {
        let object = event(&format!("UID:1\nDTSTART:20260301T090000Z\n{text}"));
        assert_eq!(
            role(&object, PrincipalId(1), &directory),
            Ok(alice),
            "{text}"
        );
        assert_eq!(role(&object, PrincipalId(2), &directory), Ok(bob), "{text}");
    }
    let journal = stream(
        "VJOURNAL",
        "UID:1\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org",
    );
    assert_eq!(role(&journal, PrincipalId(1), &directory), Ok(Role::None));
}

#[test]
fn one_person_hears_once() {
    // two addresses of one principal
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:ROBERT@example.org"),
    );
    assert_eq!(world.news("bob"), ["REQUEST"]);
}

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
fn updates_by_what_changed() {
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
        let entry = world.copy("alice").entries().next().unwrap();
        assert_eq!(
            entry.raw_value("SEQUENCE").unwrap_or_default(),
            sequence,
            "{name}"
        );
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
            assert_eq!(
                world.copy("bob").entries().next().unwrap().raw_value(name),
                Some(value)
            );
        }
        let own = world.line("alice", "ATTENDEE", "mailto:alice@example.org");
        assert_eq!(own, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org");
    }
}

#[test]
fn alarms_are_nobody_elses_business() {
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
    let mut world = invited();
    world.edit("alice", "SEQUENCE", "5");
    world.edit("alice", "SEQUENCE", "2");
    assert_eq!(
        world
            .copy("alice")
            .entries()
            .next()
            .unwrap()
            .raw_value("SEQUENCE"),
        Some("5")
    );
    let mut object = world.copy("alice").clone();
    object.entries_mut().for_each(|entry| {
        entry.remove_properties("SEQUENCE");
        entry.set_raw_value("DTSTART", "20260301T080000Z").unwrap();
    });
    world.put("alice", &object);
    assert_eq!(
        world
            .copy("alice")
            .entries()
            .next()
            .unwrap()
            .raw_value("SEQUENCE"),
        Some("6")
    );
    assert_eq!(
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("SEQUENCE"),
        Some("6")
    );
}

#[test]
fn another_text_for_the_same_moment_changes_nothing() {
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
fn schedule_agent_decides_who_is_told() {
    // RFC 6638 §7.1 and the table of §3.2.1.2: before, after, method, status written
    let cases = [
        (None, Some("SERVER"), Some("REQUEST")),
        (None, Some("server"), Some("REQUEST")),
        (None, Some("CLIENT"), None),
        (None, Some("NONE"), None),
        (None, Some("X-OTHER"), None),
        (Some("SERVER"), None, Some("CANCEL")),
        (Some("SERVER"), Some("CLIENT"), Some("CANCEL")),
        (Some("SERVER"), Some("NONE"), Some("CANCEL")),
        (Some("CLIENT"), None, None),
        (Some("CLIENT"), Some("SERVER"), Some("REQUEST")),
        (Some("CLIENT"), Some("CLIENT"), None),
        (Some("NONE"), None, None),
        (Some("NONE"), Some("SERVER"), Some("REQUEST")),
        (Some("NONE"), Some("CLIENT"), None),
    ];
    for (before, after, told) in cases {
        let mut world = new_world();
        let object = |agent: Option<&str>| {
            let bob = agent
                .map(|agent| format!("ATTENDEE;SCHEDULE-AGENT={agent}:mailto:bob@example.org"));
            meeting(&format!(
                "ATTENDEE:mailto:carol@example.org\n{}",
                bob.unwrap_or_default()
            ))
        };
        world.put("alice", &object(before));
        world.news("bob");
        world.put("alice", &object(after));
        assert_eq!(
            world.news("bob"),
            told.into_iter().collect::<Vec<_>>(),
            "{before:?} {after:?}"
        );
        let line = world.line("alice", "ATTENDEE", BOB);
        // RFC 6638 §7.3: on those who were sent a message, and only on them
        assert_eq!(
            line.contains("SCHEDULE-STATUS"),
            told.is_some() && after.is_some(),
            "{line}"
        );
        if let Some(copy) = world.calendars.get("bob") {
            assert!(!people_lines(copy).concat().contains("SCHEDULE-AGENT"));
        }
    }
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
    assert_eq!(
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("STATUS"),
        Some("CANCELLED")
    );
    assert_eq!(
        world
            .copy("alice")
            .entries()
            .next()
            .unwrap()
            .raw_value("SEQUENCE"),
        Some("1")
    );
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
    let entry = world.copy("bob").entries().next().unwrap();
    assert_eq!(
        (entry.raw_value("STATUS"), entry.raw_value("SEQUENCE")),
        (None, Some("1"))
    );
    assert!(world.line("bob", "ATTENDEE", BOB).contains("RSVP=TRUE"));
    assert!(!world.line("bob", "ATTENDEE", BOB).contains("ACCEPTED"));
}

#[test]
fn removal_cancels_for_all() {
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
    let entry = world.copy("bob").entries().next().unwrap();
    assert_eq!(
        (entry.raw_value("STATUS"), entry.raw_value("SEQUENCE")),
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
    assert_eq!(
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("STATUS"),
        Some("CONFIRMED")
    );
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
fn force_send_sends_without_a_change() {
    // RFC 6638 §7.2
    let mut world = invited();
    world.answer("bob", "DECLINED");
    world.news("bob");
    for (force, told, status) in [
        ("REQUEST", 1, "1.2"),
        ("request", 1, "1.2"),
        ("PUBLISH", 0, "2.3"),
    ] {
        let object = meeting(&format!(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org\nATTENDEE;SCHEDULE-FORCE-SEND={force}:mailto:bob@example.org"
        ));
        world.put("alice", &object);
        assert_eq!(world.news("bob").len(), told);
        let line = world.line("alice", "ATTENDEE", BOB);
        assert!(
            line.contains(&format!("SCHEDULE-STATUS={status}")) && !line.contains("FORCE"),
            "{line}"
        );
        assert!(!people_lines(world.copy("bob")).concat().contains("FORCE"));
    }
    // also to one who declined and removed it
    world.delete("bob");
    world.put(
        "alice",
        &meeting("ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob@example.org"),
    );
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert!(world.calendars.contains_key("bob"));
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
        "ATTENDEE;SCHEDULE-STATUS=1.2;PARTSTAT=ACCEPTED:mailto:bob@example.org"
    );
    assert!(
        world
            .line("bob", "ATTENDEE", BOB)
            .contains("PARTSTAT=ACCEPTED")
    );
    assert!(world.tag("alice") > tag);
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
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("ORGANIZER"),
        Some("mailto:A.Smith@example.org")
    );
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
    world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
    assert_eq!(world.news("bob"), ["REQUEST"]);
}

#[test]
fn people_who_cannot_be_reached() {
    // RFC 6638 §3.2.9
    let cases = [
        ("mailto:nobody@example.org", true, "3.7", 0),
        ("urn:uuid:1", true, "3.7", 0),
        ("mailto:dave@elsewhere.net", true, "1.0", 1),
        ("mailto:dave@elsewhere.net", false, "5.3", 0),
        ("mailto:team@example.org", true, "5.3", 0),
    ];
    for (address, mail_possible, status, mails) in cases {
        let mut world = new_world();
        world.mail_possible = mail_possible;
        world.put("alice", &meeting(&format!("ATTENDEE:{address}")));
        assert_eq!(
            world.line("alice", "ATTENDEE", address),
            format!("ATTENDEE;SCHEDULE-STATUS={status}:{address}")
        );
        assert_eq!(world.mails.len(), mails, "{address}");
    }
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
fn who_acts_for_the_organizer_signs() {
    let mut world = new_world();
    world.acting = Some("carol");
    world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
    let signed = "ORGANIZER;SENT-BY=\"mailto:carol@example.org\":mailto:alice@example.org";
    assert_eq!(
        world.line("alice", "ORGANIZER", "mailto:alice@example.org"),
        signed
    );
    assert_eq!(
        world.line("bob", "ORGANIZER", "mailto:alice@example.org"),
        signed
    );
    assert_eq!(world.news("carol"), Vec::<String>::new());
}

#[test]
fn time_zones_travel_with_what_needs_them() {
    let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:Mine\nEND:VTIMEZONE\nBEGIN:VTIMEZONE\nTZID:Unused\nEND:VTIMEZONE\n\
        BEGIN:VEVENT\nUID:1\nDTSTART;TZID=\"Mine\":20260301T090000\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\nEND:VEVENT\nEND:VCALENDAR\n";
    let mut world = new_world();
    world.put(
        "alice",
        &CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap(),
    );
    let zones = |object: &CalendarObject| {
        object
            .components()
            .filter_map(|component| component.raw_value("TZID").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(zones(world.copy("bob")), ["Mine"]);
    world.delete("alice");
    assert_eq!(zones(world.inboxes["bob"].last().unwrap()), ["Mine"]);
}

#[test]
fn tasks_are_scheduled_like_events() {
    // RFC 5546 §3.4
    let mut world = new_world();
    let task = |more: &str| {
        stream(
            "VTODO",
            &format!(
                "UID:1\nDTSTAMP:20260101T000000Z\nDUE:20260301T090000Z\nSUMMARY:Do\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\n{more}"
            ),
        )
    };
    world.put("alice", &task(""));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    world.answer("bob", "ACCEPTED");
    world.put("alice", &task("PERCENT-COMPLETE:50"));
    assert_eq!(world.news("bob"), Vec::<String>::new());
    let mut object = world.copy("bob").clone();
    object.entries_mut().for_each(|entry| {
        entry.set_raw_value("STATUS", "IN-PROCESS").unwrap();
        entry.set_raw_value("PERCENT-COMPLETE", "20").unwrap();
        entry
            .property_mut("ATTENDEE")
            .unwrap()
            .set_parameter("PARTSTAT", "IN-PROCESS")
            .unwrap();
    });
    world.put("bob", &object);
    assert_eq!(
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("STATUS"),
        Some("IN-PROCESS")
    );
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("PARTSTAT=IN-PROCESS")
    );
    world.edit("alice", "DUE", "20260401T090000Z");
    assert!(
        world
            .line("bob", "ATTENDEE", BOB)
            .contains("PARTSTAT=NEEDS-ACTION")
    );
    assert_eq!(
        world
            .copy("bob")
            .entries()
            .next()
            .unwrap()
            .raw_value("PERCENT-COMPLETE"),
        Some("20")
    );
    world.delete("alice");
    assert!(lines(world.inboxes["bob"].last().unwrap()).contains(&"STATUS:CANCELLED".to_owned()));
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

#[test]
fn a_thousand_people_are_told_once_each() {
    let mut world = new_world();
    let mut more = String::from("ATTENDEE:mailto:bob@example.org\n");
    for number in 0..1_000 {
        more += &format!("ATTENDEE:mailto:p{number}@elsewhere.net\n");
    }
    let object = meeting(&more);
    world.put("alice", &object);
    assert_eq!((world.mails.len(), world.news("bob").len()), (1_000, 1));
    world.put("alice", &world.copy("alice").clone());
    assert_eq!((world.mails.len(), world.news("bob").len()), (1_000, 0));
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.mails.len(), 1_000);
    world.delete("alice");
    assert_eq!(world.mails.len(), 2_000);
}

#[test]
fn what_is_stored_again_comes_after_its_cancellation() {
    for (last, asked, expected) in [
        (None, None, None),
        (None, Some("3"), Some("3")),
        (Some(0), None, Some("1")),
        (Some(4), Some("3"), Some("5")),
        (Some(4), Some("7"), Some("7")),
    ] {
        let mut world = new_world();
        world.last_sequence = last;
        let sequence = asked.map_or_else(String::new, |asked| format!("SEQUENCE:{asked}\n"));
        world.put("alice", &meeting(&format!("{sequence}ATTENDEE:{BOB}")));
        for who in ["alice", "bob"] {
            let entry = world.copy(who).entries().next().unwrap();
            assert_eq!(entry.raw_value("SEQUENCE"), expected, "{last:?} {asked:?}");
        }
    }
}
