//! Somebody acts for the owner of a calendar: who signs, what mails say, and what the owner hears.

use super::*;
use crate::mail::{MessageKind, Voice};

const ALICE: &str = "mailto:alice@example.org";
const BOB: &str = "mailto:bob@example.org";
const SIGNED: &str = "SENT-BY=\"mailto:carol@example.org\"";

fn with(attendees: &str) -> CalendarObject {
    meeting(&format!("ATTENDEE;PARTSTAT=ACCEPTED:{ALICE}\n{attendees}"))
}

/// Carol, Alice's secretary, invited Bob and somebody elsewhere.
fn invited_by_carol() -> World {
    let mut world = new_world();
    world.acting = Some("carol");
    world.put(
        "alice",
        &with(&format!("ATTENDEE:{BOB}\nATTENDEE:mailto:x@elsewhere.net")),
    );
    world
}

/// The object as a client writes it that names this deputy of the organizer.
fn signed_by(deputy: &str, object: &CalendarObject) -> CalendarObject {
    let mut signed = object.clone();
    let lines = signed
        .entries_mut()
        .flat_map(calendar::Component::properties_mut);
    for line in lines.filter(|line| line.is("ORGANIZER")) {
        line.set_parameter("SENT-BY", deputy).unwrap();
    }
    signed
}

impl World {
    fn is_signed(&self, whose: &str, name: &str, address: &str) -> bool {
        self.line(whose, name, address).contains(SIGNED)
    }

    /// What the owner was told since the last look.
    fn told(&mut self) -> Vec<MessageKind> {
        self.notices.drain(..).map(|notice| notice.kind).collect()
    }
}

#[test]
fn invitations_updates_and_cancellations_are_signed() {
    let mut world = invited_by_carol();
    assert!(world.is_signed("alice", "ORGANIZER", ALICE));
    assert!(world.is_signed("bob", "ORGANIZER", ALICE));
    world.edit("alice", "DTSTART", "20260301T080000Z");
    assert!(world.is_signed("bob", "ORGANIZER", ALICE));
    world.put("alice", &with(&format!("ATTENDEE:{BOB}")));
    world.delete("alice");
    assert!(world.is_signed("bob", "ORGANIZER", ALICE));
    let methods = [
        ("REQUEST", MessageKind::Invitation),
        ("REQUEST", MessageKind::Update),
        ("CANCEL", MessageKind::Cancellation),
    ];
    assert_eq!(world.mails.len(), methods.len());
    for (mail, (method, kind)) in world.mails.iter().zip(methods) {
        assert_eq!((mail.method.as_str(), mail.kind), (method, kind));
        let text = String::from_utf8_lossy(&mail.calendar).replace("\r\n ", "");
        assert!(
            text.contains(&format!("ORGANIZER;{SIGNED}:{ALICE}")),
            "{text}"
        );
        let Voice::OnBehalf(secretary) = &mail.voice else {
            panic!("{mail:?}");
        };
        assert_eq!(secretary.address, "carol@example.org");
        assert_eq!(mail.from.address, "alice@example.org");
    }
    assert_eq!(
        world.told(),
        [
            MessageKind::Invitation,
            MessageKind::Update,
            MessageKind::Update,
            MessageKind::Cancellation
        ]
    );
}

#[test]
fn the_owner_is_told_in_words_and_only_of_what_was_sent() {
    let mut world = invited_by_carol();
    let notice = world.notices.remove(0);
    assert_eq!(notice.voice, Voice::Notice);
    assert_eq!(notice.to.address, "alice@example.org");
    assert_eq!(notice.from.name.as_deref(), Some("CAROL"));
    assert_eq!(notice.details.summary, "Plan");
    assert_eq!(notice.calendar, b""[..]);
    // nobody hears of an extension of Alice's
    world.edit("alice", "X-COLOUR", "red");
    assert_eq!(world.told(), []);
    // switched off, and by herself
    world.acting = None;
    world.edit("alice", "SUMMARY", "Other");
    assert_eq!(world.told(), []);
    let alice = Arc::make_mut(world.people.get_mut("alice").unwrap());
    alice.delegate_notices = false;
    world.acting = Some("carol");
    world.edit("alice", "SUMMARY", "Another");
    assert_eq!(world.told(), []);
}

#[test]
fn who_sends_nothing_does_not_sign() {
    let mut world = new_world();
    world.put("alice", &with(&format!("ATTENDEE:{BOB}")));
    world.acting = Some("carol");
    world.edit("alice", "X-COLOUR", "red");
    assert!(!world.is_signed("alice", "ORGANIZER", ALICE));
    world.edit("bob", "X-COLOUR", "red");
    assert!(!world.is_signed("bob", "ATTENDEE", BOB));
    let forged = signed_by("mailto:bob@example.org", world.copy("alice"));
    world.put("alice", &forged);
    assert!(!world.line("alice", "ORGANIZER", ALICE).contains("bob@"));
}

/// What the organizer sends, nobody else did: a client cannot put it into somebody's mouth.
#[test]
fn no_client_names_a_deputy() {
    let mut world = new_world();
    let invitation = with(&format!("ATTENDEE:{BOB}"));
    let invitation = signed_by("mailto:carol@example.org", &invitation);
    world.put("alice", &invitation);
    world.edit("alice", "SUMMARY", "Other");
    let mut changed = signed_by("mailto:carol@example.org", world.copy("alice"));
    for whose in ["alice", "bob"] {
        assert!(!world.is_signed(whose, "ORGANIZER", ALICE), "{whose}");
    }
    for entry in changed.entries_mut() {
        entry.remove_properties("SUMMARY");
    }
    world.put("alice", &changed);
    for whose in ["alice", "bob"] {
        assert!(!world.is_signed(whose, "ORGANIZER", ALICE), "{whose}");
    }
}

#[test]
fn a_signature_ends_when_the_owner_speaks_again() {
    let mut world = invited_by_carol();
    world.acting = None;
    world.edit("alice", "X-COLOUR", "red");
    assert!(world.is_signed("alice", "ORGANIZER", ALICE));
    world.edit("alice", "SUMMARY", "Other");
    for whose in ["alice", "bob"] {
        assert!(!world.is_signed(whose, "ORGANIZER", ALICE), "{whose}");
    }
    world.acting = Some("carol");
    world.answer("bob", "TENTATIVE");
    assert!(world.is_signed("alice", "ATTENDEE", BOB));
    assert_eq!(
        world.told(),
        [MessageKind::Invitation, MessageKind::Tentative]
    );
    world.acting = None;
    world.answer("bob", "ACCEPTED");
    for whose in ["alice", "bob"] {
        assert!(!world.is_signed(whose, "ATTENDEE", BOB), "{whose}");
    }
}

#[test]
fn a_removal_for_an_attendee_is_signed() {
    let mut world = new_world();
    world.put("alice", &with(&format!("ATTENDEE:{BOB}")));
    world.acting = Some("carol");
    world.delete("bob");
    assert!(world.is_signed("alice", "ATTENDEE", BOB));
    assert_eq!(world.told(), [MessageKind::Declined]);
}

/// Where nobody here knows that somebody may speak for the sender, that is noted, and kept.
#[test]
fn a_signature_of_a_stranger_is_noted_and_kept() {
    let mut world = new_world();
    let from_outside = |sent_by: &str| {
        stream(
            "VEVENT",
            &format!(
                "UID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260301T090000Z\n\
                 ORGANIZER{sent_by}:mailto:x@elsewhere.net\nATTENDEE:{BOB}"
            ),
        )
    };
    let sender = "mailto:x@elsewhere.net";
    let sent_by = ";SENT-BY=\"mailto:y@elsewhere.net\"";
    let receipt = world.mail_in("bob", Method::Request, sender, from_outside(sent_by));
    assert_eq!(
        receipt.decisions,
        [Decision::UnknownDeputy {
            method: Method::Request,
            sender: sender.to_owned(),
            sent_by: "mailto:y@elsewhere.net".to_owned(),
        }]
    );
    assert!(
        world
            .line("bob", "ORGANIZER", sender)
            .contains("y@elsewhere")
    );
    let mut world = new_world();
    let receipt = world.mail_in("bob", Method::Request, sender, from_outside(""));
    assert_eq!(receipt.decisions, []);
}
