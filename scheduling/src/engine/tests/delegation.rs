//! An attendee sends somebody else (RFC 5546 §4.2.5 to §4.2.7).

use super::*;

const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";
const DAVE: &str = "mailto:dave@elsewhere.net";

impl World {
    /// Somebody's client says that others are sent, or with nobody, that the person comes after all.
    fn send(&mut self, who: &'static str, to: &[&str]) {
        let mut object = self.copy(who).clone();
        let (directory, id) = (self.directory(), self.people[who].id);
        for line in object
            .entries_mut()
            .flat_map(calendar::Component::properties_mut)
            .filter(|line| line.is("ATTENDEE"))
        {
            if !directory.is(line.raw_value(), id) {
                continue;
            }
            match to {
                [] => {
                    line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
                    line.remove_parameter("DELEGATED-TO");
                }
                to => {
                    line.set_parameter("PARTSTAT", "DELEGATED").unwrap();
                    line.set_parameter_values("DELEGATED-TO", to).unwrap();
                }
            }
        }
        self.put(who, &object);
    }
}

fn invited() -> World {
    let mut world = new_world();
    let chair = "ATTENDEE;ROLE=CHAIR:mailto:bob@example.org";
    world.put("alice", &meeting(chair));
    world.inboxes.clear();
    world
}

#[test]
fn who_is_sent_is_invited() {
    let mut world = invited();
    world.send("bob", &[CAROL]);
    assert_eq!(world.news("alice"), ["REPLY"]);
    assert_eq!(world.news("carol"), ["REQUEST"]);
    for who in ["alice", "bob", "carol"] {
        let bob = world.line(who, "ATTENDEE", BOB);
        assert!(bob.contains("PARTSTAT=DELEGATED"), "{who}: {bob}");
        let to = "DELEGATED-TO=\"mailto:carol@example.org\"";
        assert!(bob.contains(to), "{who}: {bob}");
        let carol = world.line(who, "ATTENDEE", CAROL);
        let from = "DELEGATED-FROM=\"mailto:bob@example.org\"";
        assert!(carol.contains(from), "{who}: {carol}");
        assert!(carol.contains("ROLE=CHAIR"), "{who}: {carol}");
    }
    let status = world.line("alice", "ATTENDEE", CAROL);
    assert!(status.contains("SCHEDULE-STATUS=1.2"), "{status}");
    // the delegate's answer is seen by both
    world.answer("carol", "ACCEPTED");
    assert_eq!(world.news("alice"), ["REPLY"]);
    for who in ["alice", "bob"] {
        let carol = world.line(who, "ATTENDEE", CAROL);
        assert!(carol.contains("PARTSTAT=ACCEPTED"), "{who}: {carol}");
    }
    // an update finds everybody, and asks nobody to delegate again
    world.edit("alice", "SUMMARY", "Other");
    assert_eq!(world.news("carol"), ["REQUEST"]);
    assert!(world.line("bob", "ATTENDEE", BOB).contains("DELEGATED-TO"));
}

#[test]
fn who_is_not_sent_any_more_hears_of_it() {
    let mut world = invited();
    world.send("bob", &[CAROL]);
    world.inboxes.clear();
    world.send("bob", &[]);
    assert_eq!(world.news("carol"), ["CANCEL"]);
    for who in ["alice", "bob"] {
        assert_eq!(world.line(who, "ATTENDEE", CAROL), "", "{who}");
        let bob = world.line(who, "ATTENDEE", BOB);
        assert!(!bob.contains("DELEGATED"), "{who}: {bob}");
    }
    // another one instead
    world.send("bob", &[CAROL]);
    world.inboxes.clear();
    world.send("bob", &[DAVE]);
    assert_eq!(world.news("carol"), ["CANCEL"]);
    assert_eq!(world.mails.last().unwrap().to.address, "dave@elsewhere.net");
    let status = world.line("alice", "ATTENDEE", DAVE);
    assert!(status.contains("SCHEDULE-STATUS=1.0"), "{status}");
}

#[test]
fn delegates_delegate() {
    let mut world = invited();
    world.send("bob", &[CAROL]);
    world.send("carol", &[DAVE]);
    let dave = world.line("alice", "ATTENDEE", DAVE);
    let from = "DELEGATED-FROM=\"mailto:carol@example.org\"";
    assert!(dave.contains(from), "{dave}");
    assert!(
        world
            .line("alice", "ATTENDEE", CAROL)
            .contains("PARTSTAT=DELEGATED")
    );
    let shown = world.line("bob", "ATTENDEE", DAVE);
    assert!(
        shown.contains("DELEGATED-FROM"),
        "the chain is shown: {shown}"
    );
    assert_eq!(world.mails.last().unwrap().method, "REQUEST");
}

#[test]
fn nobody_is_sent_to_themselves_or_to_the_organizer() {
    for to in [BOB, "mailto:alice@example.org", "MAILTO:Robert@Example.org"] {
        let mut world = invited();
        world.send("bob", &[to]);
        let people = people_lines(world.copy("alice")).concat();
        assert!(!people.contains("DELEGATED-FROM"), "{people}");
    }
}

#[test]
fn who_is_invited_already_is_not_invited_again() {
    let mut world = new_world();
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org";
    world.put("alice", &meeting(both));
    world.inboxes.clear();
    world.send("bob", &[CAROL]);
    assert!(world.news("carol").is_empty());
    assert!(
        world
            .line("alice", "ATTENDEE", CAROL)
            .contains("DELEGATED-FROM")
    );
}

#[test]
fn an_organizer_elsewhere_may_not_invite_whom_is_sent() {
    let mut world = new_world();
    let invitation = event(
        "UID:1
        DTSTAMP:20260101T000000Z
        DTSTART:20260301T090000Z
        ORGANIZER:mailto:x@elsewhere.net
        ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org",
    );
    world.put("bob", &invitation);
    world.send("bob", &[CAROL]);
    assert_eq!(world.mails.last().unwrap().method, "REPLY");
    assert_eq!(world.news("carol"), ["REQUEST"]);
    assert!(
        world
            .line("carol", "ATTENDEE", CAROL)
            .contains("DELEGATED-FROM")
    );
    world.answer("carol", "ACCEPTED");
    let mail = world.mails.last().unwrap();
    let reply = (mail.method.as_str(), mail.to.address.as_str());
    assert_eq!(reply, ("REPLY", "x@elsewhere.net"));
}
