//! Whom a message reaches, and how.

use super::*;

const DAVE: &str = "mailto:dave@elsewhere.net";

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
fn schedule_agent_decides_who_is_told() {
    // C2.2
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
fn force_send_sends_without_a_change() {
    // C2.3
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

/// RFC 6638 §7.2, §3.2.9: what means nothing is said, beside how a message fares, and one that may still come back.
#[test]
fn a_force_that_means_nothing_is_said_beside_the_status_of_a_message() {
    let forced =
        |address: &str| meeting(&format!("ATTENDEE;SCHEDULE-FORCE-SEND=PUBLISH:{address}"));
    for (address, mail_possible, status) in [
        (DAVE, true, "1.0,2.3"),
        (DAVE, false, "2.3,5.3"),
        ("mailto:nobody@example.org", true, "2.3,3.7"),
    ] {
        let mut world = new_world();
        world.mail_possible = mail_possible;
        for _ in 0..2 {
            world.put("alice", &forced(address));
            let line = world.line("alice", "ATTENDEE", address);
            assert!(
                line.contains(&format!("SCHEDULE-STATUS=\"{status}\"")),
                "{line}"
            );
            assert!(!line.contains("FORCE"), "{line}");
        }
    }
    let mut world = new_world();
    world.put("alice", &forced(DAVE));
    for (fared, code) in [(Status::SENT, "1.1,2.3"), (Status::NO_WAY, "2.3,5.2")] {
        let known = record_status(world.copy("alice"), DAVE, &fared).unwrap();
        assert_eq!(record_status(&known, DAVE, &fared), None);
        world.calendars.insert("alice", known);
        for _ in 0..2 {
            let line = world.line("alice", "ATTENDEE", DAVE);
            let told = format!("SCHEDULE-STATUS=\"{code}\"");
            assert!(line.contains(&told), "{line}");
            world.put("alice", &forced(DAVE));
        }
    }
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
fn a_thousand_people_are_told_once_each() {
    // C12
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
