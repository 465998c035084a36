//! What leaves by mail, and what is written when it fared well or badly (RFC 6047, RFC 6638 §3.2.9).

use super::*;
use crate::mail::{DeliveryOutcome, MessageKind};

const DAVE: &str = "mailto:Dave@elsewhere.net";

fn dave_invited() -> World {
    let mut world = new_world();
    world.put("alice", &meeting("LOCATION:Room 1\nDESCRIPTION:Bring\\npens\nATTENDEE;CN=Dave D:mailto:Dave@elsewhere.net\nATTENDEE:mailto:bob@example.org"));
    world
}

#[test]
fn an_invitation_in_words_and_for_machines() {
    let mut world = dave_invited();
    assert_eq!(world.mails.len(), 1);
    let mail = world.mails.remove(0);
    assert_eq!(
        (mail.kind, mail.method.as_str(), mail.uid.as_str()),
        (MessageKind::Invitation, "REQUEST", "1")
    );
    assert_eq!(
        (mail.from.address.as_str(), mail.from.name.as_deref()),
        ("alice@example.org", Some("ALICE"))
    );
    assert_eq!(
        (mail.to.address.as_str(), mail.to.name.as_deref()),
        ("Dave@elsewhere.net", Some("Dave D"))
    );
    assert_eq!(
        (mail.recipient.as_str(), mail.home),
        (DAVE, CollectionId(10))
    );
    assert_eq!(mail.details.summary, "Plan");
    assert_eq!(
        mail.details.when,
        "Sunday, 1 March 2026, 10:00 – 11:00 (Europe/Berlin)"
    );
    assert_eq!(mail.details.location.as_deref(), Some("Room 1"));
    assert_eq!(mail.details.description.as_deref(), Some("Bring\npens"));
    assert_eq!(mail.details.organizer, "alice@example.org");
    assert_eq!(
        mail.details.attendees,
        ["Dave D (Dave@elsewhere.net)", "bob@example.org"]
    );
    let object = CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap();
    assert_eq!(method(&object), Some("REQUEST"));
    assert!(
        people_lines(&object)
            .contains(&"ATTENDEE;CN=Dave D;RSVP=TRUE:mailto:Dave@elsewhere.net".to_owned())
    );
}

/// RFC 7809 §3: zones by reference are for CalDAV; whoever reads a mail is told what they are.
#[test]
fn a_mail_defines_the_zones_that_it_names() {
    let mut world = new_world();
    let written = "UID:1\nDTSTART;TZID=Europe/Berlin:20260301T090000\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:Dave@elsewhere.net\nATTENDEE:mailto:bob@example.org";
    world.put("alice", &event(written));
    let zones = |object: &CalendarObject| {
        let zones = object.calendar().components_named("VTIMEZONE");
        zones
            .map(|zone| zone.text("TZID").unwrap().into_owned())
            .collect::<Vec<_>>()
    };
    let sent = CalendarObject::parse(&world.mails[0].calendar, &Limits::default()).unwrap();
    assert_eq!(zones(&sent), ["Europe/Berlin"]);
    assert_eq!(zones(world.copy("bob")), Vec::<String>::new());
}

/// RFC 6047 §2.3
#[test]
fn people_here_are_named_by_mail_address_in_a_mail() {
    let mut world = new_world();
    let written = "UID:1\nDTSTART:20260301T090000Z\nORGANIZER:/dav/principals/users/alice/\nATTENDEE:/dav/principals/users/bob/\nATTENDEE:mailto:a.smith@example.org\nATTENDEE:mailto:Dave@elsewhere.net";
    world.put("alice", &event(written));
    let mail = &world.mails[0];
    assert_eq!(mail.from.address, "alice@example.org");
    assert_eq!(mail.details.organizer, "alice@example.org");
    let sent = CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap();
    let addresses = |object: &CalendarObject| -> Vec<String> {
        let entry = object.entries().next().unwrap();
        let people = entry
            .properties()
            .filter(|line| line.is("ORGANIZER") || line.is("ATTENDEE"));
        people.map(|line| line.raw_value().to_owned()).collect()
    };
    assert_eq!(
        addresses(&sent),
        [
            "mailto:alice@example.org",
            "mailto:bob@example.org",
            "mailto:a.smith@example.org",
            "mailto:Dave@elsewhere.net"
        ]
    );
    // what people here have keeps the addresses as the client wrote them
    for copy in [world.copy("alice"), world.copy("bob")] {
        assert_eq!(addresses(copy)[1], "/dav/principals/users/bob/");
    }
}

/// RFC 6047 §2.3, RFC 6068 §2: mail goes to the address that a URI means, unless that could say more than an address does.
#[test]
fn mail_goes_to_the_address_without_percent_signs() {
    for (written, mail) in [
        (
            "mailto:Dave%2Bplans@elsewhere.net",
            Some("Dave+plans@elsewhere.net"),
        ),
        ("mailto:dave@elsewhere.net%0D%0ABcc:eve@elsewhere.net", None),
        ("mailto:dave%00@elsewhere.net", None),
    ] {
        let mut world = new_world();
        world.put("alice", &meeting(&format!("ATTENDEE:{written}")));
        let sent: Vec<&str> = world.mails.iter().map(|it| &*it.to.address).collect();
        assert_eq!(sent.first().copied(), mail, "{written}");
        let line = world.line("alice", "ATTENDEE", written);
        assert!(
            line.contains(if mail.is_some() { "=1.0" } else { "=3.7" }),
            "{line}"
        );
    }
    // one person, however they are written
    let mut world = dave_invited();
    let answer = event(
        "UID:1\nDTSTAMP:20260102T000000Z\nORGANIZER:mailto:%61lice@example.org\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:d%61ve@elsewhere.net",
    );
    world.mail_in("alice", Method::Reply, DAVE, answer);
    assert!(world.line("alice", "ATTENDEE", DAVE).contains("ACCEPTED"));
}

#[test]
fn kinds_of_mail() {
    let mut world = dave_invited();
    world.edit("alice", "SUMMARY", "Other");
    world.delete("alice");
    let kinds: Vec<_> = world
        .mails
        .iter()
        .map(|mail| (mail.kind, mail.method.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (MessageKind::Invitation, "REQUEST"),
            (MessageKind::Update, "REQUEST"),
            (MessageKind::Cancellation, "CANCEL")
        ]
    );
    for (participation, kind) in [
        ("ACCEPTED", MessageKind::Accepted),
        ("DECLINED", MessageKind::Declined),
        ("TENTATIVE", MessageKind::Tentative),
        ("DELEGATED", MessageKind::Answered),
    ] {
        let mut world = new_world();
        world.put("bob", &event(&format!("UID:1\nDTSTART:20260301T090000Z\nORGANIZER:mailto:x@elsewhere.net\nATTENDEE;PARTSTAT={participation}:mailto:ROBERT@example.org")));
        assert_eq!(
            (world.mails[0].kind, world.mails[0].method.as_str()),
            (kind, "REPLY")
        );
        // the address under which bob was invited
        assert_eq!(world.mails[0].from.address, "ROBERT@example.org");
    }
}

#[test]
fn answers_are_not_mailed_to_the_others() {
    let mut world = dave_invited();
    world.answer("bob", "ACCEPTED");
    world.answer("alice", "ACCEPTED");
    assert_eq!(world.mails.len(), 1);
}

#[test]
fn outcomes_are_written_where_they_belong() {
    // C7
    let world = dave_invited();
    for (outcome, status) in [
        (DeliveryOutcome::Accepted, "1.1"),
        (DeliveryOutcome::Rejected, "5.2"),
        (DeliveryOutcome::GivenUp, "5.1"),
        (DeliveryOutcome::NotPossible, "5.3"),
    ] {
        let object = record_status(
            world.copy("alice"),
            "MAILTO:dave@elsewhere.net",
            &outcome.into(),
        )
        .unwrap();
        assert!(people_lines(&object).contains(&format!(
            "ATTENDEE;CN=Dave D;SCHEDULE-STATUS={status}:{DAVE}"
        )));
        assert!(
            people_lines(&object)
                .contains(&"ATTENDEE;SCHEDULE-STATUS=1.2:mailto:bob@example.org".to_owned())
        );
        // told once
        assert_eq!(record_status(&object, DAVE, &outcome.into()), None);
    }
    assert_eq!(
        record_status(
            world.copy("alice"),
            "mailto:other@elsewhere.net",
            &Status::SENT
        ),
        None
    );
}

#[test]
fn a_bounce_that_comes_after_the_answer_is_no_news() {
    let mut world = dave_invited();
    let reply = {
        let mut object = event(
            "UID:1\nDTSTAMP:20260102T000000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:dave@elsewhere.net",
        );
        object
            .calendar_mut()
            .set_raw_value("METHOD", "REPLY")
            .unwrap();
        object
    };
    world.mail_in("alice", Method::Reply, DAVE, reply);
    assert_eq!(
        record_status(world.copy("alice"), DAVE, &Status::NO_WAY),
        None
    );
}

#[test]
fn the_answer_by_mail_is_followed_on_organizer() {
    let mut world = new_world();
    world.put("bob", &event("UID:1\nDTSTART:20260301T090000Z\nORGANIZER:mailto:x@elsewhere.net\nATTENDEE:mailto:x@elsewhere.net\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"));
    let object = record_status(world.copy("bob"), "mailto:x@elsewhere.net", &Status::SENT).unwrap();
    assert!(
        people_lines(&object)
            .contains(&"ORGANIZER;SCHEDULE-STATUS=1.1:mailto:x@elsewhere.net".to_owned())
    );
    assert!(people_lines(&object).contains(&"ATTENDEE:mailto:x@elsewhere.net".to_owned()));
}

/// RFC 5546 §4.4.10: a REPLY that says what could not be read of the invitation answers nothing.
#[test]
fn an_error_is_no_answer() {
    let reply = |participation: &str, status: &str| {
        event(&format!(
            "UID:1\nDTSTAMP:20260103T000000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE{participation}:mailto:dave@elsewhere.net\n\
             COMMENT:What?\nREQUEST-STATUS:{status}"
        ))
    };
    for (participation, status, is_answer) in [
        ("", "3.0;Invalid Property Name;FOO", false),
        ("", "5.3;No scheduling support for user", false),
        ("", "2.0;Success", true),
        (";PARTSTAT=NEEDS-ACTION", "3.0;Invalid Property Name", true),
    ] {
        let mut world = dave_invited();
        let sends = ";PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.org\"";
        let mut sending = reply(sends, "2.0;Success");
        for entry in sending.entries_mut() {
            entry.set_raw_value("DTSTAMP", "20260102T000000Z").unwrap();
        }
        world.mail_in("alice", Method::Reply, DAVE, sending);
        world.news("alice");
        world.mail_in("alice", Method::Reply, DAVE, reply(participation, status));
        assert_eq!(world.inboxes["alice"].len(), 1, "{status}");
        let dave = world.line("alice", "ATTENDEE", DAVE);
        let code = status.split(';').next().unwrap();
        let what = format!("{participation} {status}: {dave}");
        let is_noted = dave.contains(&format!("SCHEDULE-STATUS={code}"));
        assert!(is_answer || is_noted, "{what}");
        assert_eq!(dave.contains("PARTSTAT=DELEGATED"), !is_answer, "{what}");
        let carol = world.line("alice", "ATTENDEE", "mailto:carol@example.org");
        assert_eq!(carol.is_empty(), is_answer, "{what}");
    }
}
