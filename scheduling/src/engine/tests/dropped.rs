//! What clients do not know of people and leave out: DAVx5 and Outlook CalDav Synchronizer know CN, ROLE, CUTYPE and
//! PARTSTAT, others less (C2.3, C11).

use super::*;

const BOB: &str = "mailto:bob@example.org";

/// An organizer's object with only these parameters on the lines of people.
pub(super) fn reduced(object: &CalendarObject, known: &[&str]) -> CalendarObject {
    let mut object = object.clone();
    let lines = object
        .entries_mut()
        .flat_map(calendar::Component::properties_mut);
    for line in lines.filter(|line| significance::is_person(line)) {
        let names = line.parameters().map(|it| it.name().to_owned());
        let names: Vec<String> = names.collect();
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            line.remove_parameter(name);
        }
    }
    object
}

/// The lines of people, whatever order their parameters are in.
fn people(object: &CalendarObject) -> Vec<String> {
    let lines = object.entries().flat_map(calendar::Component::properties);
    let lines = lines.filter(|line| significance::is_person(line));
    let mut lines: Vec<String> = lines
        .map(|line| significance::canonical(line, |_| false))
        .collect();
    lines.sort();
    lines
}

#[test]
fn what_a_client_does_not_know_is_no_change() {
    for known in [&["CN", "ROLE", "CUTYPE", "PARTSTAT"][..], &["PARTSTAT"]] {
        let mut world = new_world();
        // a secretary makes the meeting, and another one answers
        world.acting = Some("carol");
        let lines = "UID:1
            DTSTART:20260301T090000Z
            ORGANIZER;CN=Alice:mailto:alice@example.org
            ATTENDEE;CN=Bob;LANGUAGE=de;DIR=\"ldap://example.org/bob\":mailto:bob@example.org
            ATTENDEE;CN=Dave:mailto:dave@elsewhere.net";
        world.put("alice", &event(lines));
        world.answer("bob", "ACCEPTED");
        world.acting = None;
        assert!(world.line("alice", "ATTENDEE", BOB).contains("SENT-BY"));
        assert!(
            world
                .line("alice", "ORGANIZER", "mailto:alice@example.org")
                .contains("SENT-BY")
        );
        world.inboxes.clear();
        world.mails.clear();
        let (before, tag) = (people(world.copy("alice")), world.tag("bob"));
        let mut edited = reduced(world.copy("alice"), known);
        for entry in edited.entries_mut() {
            let alarm = calendar::Component::new("VALARM").unwrap();
            entry.push_component(alarm);
            for (name, implied) in [("TRANSP", "OPAQUE"), ("CLASS", "PUBLIC"), ("PRIORITY", "0")] {
                entry.set_raw_value(name, implied).unwrap();
            }
        }
        world.put("alice", &edited);
        assert_eq!(people(world.copy("alice")), before, "{known:?}");
        assert!(world.inboxes.is_empty(), "{known:?}");
        assert!(world.mails.is_empty(), "{known:?}");
        assert_eq!(world.tag("bob"), tag, "{known:?}");
        assert!(world.decisions.contains(&Decision::NoMessages(
            "nothing that concerns others changed".to_owned()
        )));
    }
}

#[test]
fn who_and_as_what_somebody_is_asked_is_a_change() {
    for (name, value) in [("ROLE", "OPT-PARTICIPANT"), ("CUTYPE", "ROOM")] {
        let mut world = new_world();
        world.put("alice", &meeting(&format!("ATTENDEE;CN=Bob:{BOB}")));
        world.inboxes.clear();
        let mut edited = world.copy("alice").clone();
        for entry in edited.entries_mut() {
            let line = entry.property_mut("ATTENDEE").unwrap();
            line.set_parameter(name, value).unwrap();
        }
        world.put("alice", &edited);
        assert_eq!(world.news("bob"), ["REQUEST"], "{name}");
    }
}

#[test]
fn who_signed_an_answer_did_not_sign_the_question() {
    // RFC 6638 §3.2.8
    let mut world = new_world();
    world.put("alice", &meeting(&format!("ATTENDEE:{BOB}")));
    world.acting = Some("carol");
    world.answer("bob", "ACCEPTED");
    world.acting = None;
    world.edit("alice", "DTEND", "20260301T103000Z");
    let line = world.line("alice", "ATTENDEE", BOB);
    assert!(line.contains("PARTSTAT=NEEDS-ACTION"), "{line}");
    assert!(!line.contains("SENT-BY"), "{line}");
}
