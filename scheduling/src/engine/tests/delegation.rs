//! An attendee sends somebody else (RFC 5546 §4.2.5 to §4.2.7).

mod by_mail;

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

/// RFC 5546 §3.2.2.3: also where the attendee's client stores what came another way, and says it by DELEGATED-TO alone.
#[test]
fn who_is_sent_with_what_came_another_way_is_invited() {
    const X: &str = "mailto:x@elsewhere.net";
    for to in [CAROL, DAVE] {
        let mut world = new_world();
        world.put(
            "bob",
            &event(&format!(
                "UID:1\nDTSTAMP:20260101T100000Z\nDTSTART:20260301T090000Z\nORGANIZER:{X}\n\
                 ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"{to}\":{BOB}"
            )),
        );
        let line = world.line("bob", "ATTENDEE", to);
        assert!(
            line.contains(&format!("DELEGATED-FROM=\"{BOB}\"")),
            "{line}"
        );
        let mut mails: Vec<&str> = world.mails.iter().map(|it| &*it.method).collect();
        mails.sort_unstable();
        match to {
            DAVE => assert_eq!(mails, ["REPLY", "REQUEST"]),
            _ => {
                assert_eq!(mails, ["REPLY"]);
                assert_eq!(world.news("carol"), ["REQUEST"]);
            }
        }
    }
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

/// The organizer invites them, and nobody else takes them out again.
#[test]
fn who_is_invited_already_is_not_invited_again_and_stays() {
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org";
    for back in [&["mailto:bob@example.org"][..], &[]] {
        let mut world = new_world();
        world.put("alice", &meeting(both));
        world.inboxes.clear();
        world.send("bob", &[CAROL]);
        assert!(world.news("carol").is_empty());
        assert!(
            world
                .line("carol", "ATTENDEE", BOB)
                .contains("DELEGATED-TO")
        );
        // in a circle, or not
        world.send("carol", back);
        world.send("carol", &[]);
        world.send("bob", &[]);
        for who in ["bob", "carol"] {
            assert!(world.news(who).is_empty(), "{who}");
        }
        for who in ["alice", "bob", "carol"] {
            for address in [BOB, CAROL] {
                let line = world.line(who, "ATTENDEE", address);
                assert!(line.contains("PARTSTAT=ACCEPTED"), "{who}: {line}");
                assert!(!line.contains("DELEGATED"), "{who}: {line}");
            }
        }
    }
}

/// Whom nobody sends any more who is in it otherwise is out, in chains and in circles.
#[test]
fn a_chain_is_taken_back() {
    for circle in [&[DAVE][..], &[DAVE, "mailto:room@example.org"]] {
        let mut world = invited();
        world.send("bob", &[CAROL]);
        world.send("carol", circle);
        if world.calendars.contains_key("room") {
            world.send("room", &[CAROL]);
        }
        world.mails.clear();
        world.inboxes.clear();
        world.send("bob", &[]);
        for who in ["alice", "bob"] {
            let people = people_lines(world.copy(who)).concat();
            assert!(!people.contains("DELEGATED"), "{who}: {people}");
            assert!(
                !people.contains("carol") && !people.contains("dave"),
                "{people}"
            );
        }
        assert_eq!(world.news("carol"), ["CANCEL"]);
        let mail = world.mails.last().unwrap();
        let cancel = (mail.method.as_str(), mail.to.address.as_str());
        assert_eq!(cancel, ("CANCEL", "dave@elsewhere.net"));
    }
}

/// Who is sent by somebody else, too, stays.
#[test]
fn who_is_sent_by_two_stays_for_one() {
    let mut world = new_world();
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:room@example.org";
    world.put("alice", &meeting(both));
    world.send("bob", &[CAROL]);
    world.send("room", &[CAROL]);
    world.inboxes.clear();
    world.send("bob", &[]);
    assert!(world.news("carol").is_empty());
    let carol = world.line("alice", "ATTENDEE", CAROL);
    let from = "DELEGATED-FROM=\"mailto:room@example.org\"";
    assert!(carol.contains(from), "{carol}");
    world.send("room", &[]);
    assert_eq!(world.news("carol"), ["CANCEL"]);
}

/// The others see whom somebody sends, also where it is another one who is invited already.
#[test]
fn all_see_who_is_sent() {
    let mut world = new_world();
    let all = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org\nATTENDEE:mailto:room@example.org";
    world.put("alice", &meeting(all));
    for (to, address) in [("carol", CAROL), ("room", "mailto:room@example.org")] {
        world.send("bob", &[address]);
        for who in ["alice", "carol", "room"] {
            let bob = world.line(who, "ATTENDEE", BOB);
            assert!(
                bob.contains(&format!("DELEGATED-TO=\"mailto:{to}")),
                "{bob}"
            );
        }
    }
}

/// Who sends a group sends everybody who is in it.
#[test]
fn a_group_is_sent() {
    let mut world = invited();
    world.members = vec!["bob", "carol", "room"];
    world.send("bob", &["mailto:team@example.org"]);
    for who in ["carol", "room"] {
        assert_eq!(world.news(who), ["REQUEST"], "{who}");
        let line = world.line("alice", "ATTENDEE", &format!("mailto:{who}@example.org"));
        assert!(line.contains("DELEGATED-FROM"), "{line}");
    }
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:team@example.org"),
        ""
    );
    world.send("bob", &[]);
    for who in ["carol", "room"] {
        assert_eq!(world.news(who), ["CANCEL"], "{who}");
    }
}

/// Of one instance, too: who had the series had that instance, and hears nothing of it.
#[test]
fn one_instance_is_passed_on() {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("RRULE:FREQ=DAILY;COUNT=3\nATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:room@example.org\nATTENDEE:mailto:dave@elsewhere.net"),
    );
    world.inboxes.clear();
    world.mails.clear();
    let (bob, room) = (world.tag("bob"), world.tag("room"));
    for (day, more) in [("02", 1), ("03", 2)] {
        let mut object = world.copy("bob").clone();
        let instance = event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nRECURRENCE-ID:202603{day}T090000Z\nDTSTART:202603{day}T090000Z
            DTEND:202603{day}T100000Z\nSUMMARY:Plan\nORGANIZER:mailto:alice@example.org
            ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.org\":mailto:bob@example.org
            ATTENDEE:mailto:room@example.org\nATTENDEE:mailto:dave@elsewhere.net"
        ));
        let entry = instance.entries().next().unwrap().clone();
        object.calendar_mut().push_component(entry);
        world.put("bob", &object);
        assert_eq!(world.news("carol"), ["REQUEST"], "{day}");
        assert_eq!(world.copy("carol").entries().count(), more);
        assert_eq!(world.news("alice"), ["REPLY"]);
        for who in ["bob", "room"] {
            assert!(world.news(who).is_empty(), "{who}");
        }
        assert!(world.mails.is_empty(), "{day}");
    }
    assert_eq!((world.tag("bob"), world.tag("room")), (bob + 2, room));
    // back for one of them
    let mut object = world.copy("bob").clone();
    let second = object.entries_mut().nth(1).unwrap();
    for line in second
        .properties_mut()
        .filter(|line| line.raw_value() == BOB)
    {
        line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        line.remove_parameter("DELEGATED-TO");
    }
    world.put("bob", &object);
    assert_eq!(world.news("carol"), ["CANCEL"]);
    assert!(world.news("room").is_empty() && world.mails.is_empty());
}

/// RFC 6638 §3.2.10.1: a change from before the answer loses nothing of it.
#[test]
fn an_edit_from_before_it_changes_nothing_of_it() {
    let invited_so =
        "ATTENDEE;ROLE=CHAIR;PARTSTAT=NEEDS-ACTION;SCHEDULE-STATUS=1.2:mailto:bob@example.org";
    for (tag_matched, to) in [
        (true, DAVE),
        (false, DAVE),
        (true, "mailto:room@example.org"),
    ] {
        let mut world = invited();
        world.send("bob", &[CAROL]);
        world.send("carol", &[to]);
        world.inboxes.clear();
        world.mails.clear();
        world.schedule_tag_matched = tag_matched;
        world.put("alice", &meeting(&format!("LOCATION:Room 1\n{invited_so}")));
        assert_eq!(world.news("carol"), ["REQUEST"]);
        assert!(world.mails.iter().all(|mail| mail.method == "REQUEST"));
        for who in ["alice", "bob", "carol"] {
            for (address, said) in [
                (BOB, "DELEGATED-TO"),
                (CAROL, "DELEGATED-TO"),
                (to, "DELEGATED-FROM"),
            ] {
                let line = world.line(who, "ATTENDEE", address);
                assert!(line.contains(said), "{who}: {line}");
            }
        }
    }
    // who was taken back is not brought back by it
    let mut world = invited();
    world.send("bob", &[CAROL]);
    let old = world.copy("alice").clone();
    world.send("bob", &[]);
    world.inboxes.clear();
    world.schedule_tag_matched = true;
    world.put("alice", &old);
    assert!(world.news("carol").is_empty() && world.news("bob").is_empty());
    assert_eq!(world.line("alice", "ATTENDEE", CAROL), "");
    let bob = world.line("alice", "ATTENDEE", BOB);
    assert!(!bob.contains("DELEGATED"), "{bob}");
}

/// What the organizer has seen, the organizer may change.
#[test]
fn the_organizer_takes_out_whom_somebody_sent() {
    let mut world = invited();
    world.send("bob", &[CAROL]);
    world.inboxes.clear();
    let mut object = world.copy("alice").clone();
    let series = object.entries_mut().next().unwrap();
    series.retain_properties(|line| line.raw_value() != CAROL);
    world.put("alice", &object);
    assert_eq!(world.news("carol"), ["CANCEL"]);
    assert_eq!(world.line("alice", "ATTENDEE", CAROL), "");
}

/// Who answers does not say who sends them.
#[test]
fn who_sends_somebody_is_not_theirs_to_say() {
    let mut world = new_world();
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:dave@elsewhere.net";
    world.put("alice", &meeting(both));
    let answer = event(
        "UID:1\nDTSTAMP:20260102T000000Z\nORGANIZER:mailto:alice@example.org
        ATTENDEE;PARTSTAT=ACCEPTED;DELEGATED-FROM=\"mailto:bob@example.org\":mailto:dave@elsewhere.net",
    );
    world.mail_in("alice", Method::Reply, DAVE, answer);
    world.send("bob", &[CAROL]);
    world.send("bob", &[]);
    let dave = world.line("alice", "ATTENDEE", DAVE);
    assert!(
        dave.contains("ACCEPTED") && !dave.contains("DELEGATED"),
        "{dave}"
    );
}

fn of_the_chief(more: &str) -> CalendarObject {
    event(&format!(
        "UID:1
        DTSTAMP:20260101T000000Z
        DTSTART:20260301T090000Z
        SUMMARY:Plan
        ORGANIZER:mailto:x@elsewhere.net
        {more}"
    ))
}

/// An attendee may send somebody (RFC 5546 §3.2.2.3), and is not the organizer: what they say of the meeting is for the
/// recipient to look at, as it is where it comes from outside.
#[test]
fn an_organizer_elsewhere_may_not_know_whom_is_sent() {
    let mut world = new_world();
    let own = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org";
    world.put("bob", &of_the_chief(own));
    let mut object = world.copy("bob").clone();
    let entry = object.entries_mut().next().unwrap();
    for (name, value) in [
        ("COMMENT", "Mine"),
        ("CATEGORIES", "Mine"),
        ("CLASS", "PRIVATE"),
    ] {
        entry.push_property(calendar::Property::new(name, value).unwrap());
    }
    world.put("bob", &object);
    world.send("bob", &[CAROL]);
    assert_eq!(world.mails.last().unwrap().method, "REPLY");
    assert!(!world.calendars.contains_key("carol"));
    let invitation = world.inboxes["carol"][0].clone();
    let text = String::from_utf8(invitation.to_octets().to_vec()).unwrap();
    for own in ["Mine", "PRIVATE", "X-CONVOKE"] {
        assert!(!text.contains(own), "{text}");
    }
    // she believes it, and takes it
    world.put("carol", &invitation.without_method());
    world.answer("carol", "ACCEPTED");
    let mail = world.mails.last().unwrap();
    let reply = (mail.method.as_str(), mail.to.address.as_str());
    assert_eq!(reply, ("REPLY", "x@elsewhere.net"));
}

#[test]
fn nobody_changes_a_copy_in_the_organizers_name() {
    let mut world = new_world();
    let both =
        "ATTENDEE:mailto:bob@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org";
    world.put("carol", &of_the_chief(both));
    let before = world.copy("carol").clone();
    world.put(
        "bob",
        &event(
            "UID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260401T090000Z\nSEQUENCE:9\nSUMMARY:Elsewhere
            ORGANIZER:mailto:x@elsewhere.net
            ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.org\":mailto:bob@example.org
            ATTENDEE:mailto:carol@example.org",
        ),
    );
    assert_eq!(world.copy("carol"), &before);
    assert_eq!(world.news("carol"), ["REQUEST"], "it is hers to look at");
}

/// RFC 5546 §4.2.7: who sent somebody who declines is asked again, here and elsewhere.
#[test]
fn who_declines_is_told_to_who_sent_them() {
    let is_asked = |world: &World, who: &str, address: &str| {
        let line = world.line(who, "ATTENDEE", address);
        assert!(line.contains("PARTSTAT=NEEDS-ACTION"), "{who}: {line}");
        assert!(!line.contains("DELEGATED-TO"), "{who}: {line}");
    };
    let mut world = invited();
    world.send("bob", &[CAROL]);
    world.inboxes.clear();
    let tag = world.tag("bob");
    world.answer("carol", "DECLINED");
    assert_eq!(world.news("alice"), ["REPLY"]);
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert!(world.news("carol").is_empty());
    for who in ["alice", "bob"] {
        is_asked(&world, who, BOB);
        let carol = world.line(who, "ATTENDEE", CAROL);
        assert!(carol.contains("PARTSTAT=DECLINED"), "{who}: {carol}");
        assert!(carol.contains("DELEGATED-FROM"), "{who}: {carol}");
    }
    // RFC 6638 §3.2.10: it is his own participation that the answer changes
    assert_eq!(world.tag("bob"), tag + 1);
    // the same again asks nobody
    world.answer("carol", "DECLINED");
    assert!(world.inboxes.is_empty());
    // then another one is sent
    world.send("bob", &["mailto:room@example.org"]);
    assert_eq!(world.news("room"), ["REQUEST"]);
    assert_eq!(world.line("alice", "ATTENDEE", CAROL), "");
    // who is elsewhere hears it by mail
    let mut world = new_world();
    world.put("alice", &meeting(&format!("ATTENDEE:{DAVE}")));
    let answer = |who: &str, said: &str, minute: u32| {
        event(&format!(
            "UID:1\nDTSTAMP:20260102T00{minute:02}00Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;{said}:{who}"
        ))
    };
    let sends = format!("PARTSTAT=DELEGATED;DELEGATED-TO=\"{CAROL}\"");
    world.mail_in("alice", Method::Reply, DAVE, answer(DAVE, &sends, 0));
    world.mails.clear();
    world.answer("carol", "DECLINED");
    let mails: Vec<(&str, &str)> = world
        .mails
        .iter()
        .map(|mail| (mail.method.as_str(), mail.to.address.as_str()))
        .collect();
    assert_eq!(mails, [("REQUEST", "dave@elsewhere.net")]);
    is_asked(&world, "alice", DAVE);
}

/// As long as somebody comes in their place, nobody is asked.
#[test]
fn one_of_two_who_are_sent_declines() {
    let mut world = invited();
    world.send("bob", &[CAROL, "mailto:room@example.org"]);
    world.inboxes.clear();
    world.answer("carol", "DECLINED");
    assert!(world.news("bob").is_empty());
    let bob = world.line("alice", "ATTENDEE", BOB);
    assert!(bob.contains("PARTSTAT=DELEGATED"), "{bob}");
    world.answer("room", "DECLINED");
    assert_eq!(world.news("bob"), ["REQUEST"]);
    // who is invited by the organizer, too, declines for themselves alone
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(&format!("ATTENDEE:{BOB}\nATTENDEE:{CAROL}")),
    );
    world.send("bob", &[CAROL]);
    world.inboxes.clear();
    world.answer("carol", "DECLINED");
    assert!(world.news("bob").is_empty());
}

/// Who is sent stays so where the organizer's client knows nothing of it.
#[test]
fn a_client_that_does_not_know_of_delegation_changes_nothing_of_it() {
    for known in [&["CN", "ROLE", "PARTSTAT"][..], &["ROLE"]] {
        let mut world = invited();
        world.send("bob", &[CAROL]);
        world.inboxes.clear();
        let edited = dropped::reduced(world.copy("alice"), known);
        world.put("alice", &edited);
        assert!(world.inboxes.is_empty(), "{known:?}");
        let carol = world.line("alice", "ATTENDEE", CAROL);
        assert!(carol.contains("DELEGATED-FROM"), "{carol}");
        let bob = world.line("alice", "ATTENDEE", BOB);
        assert!(bob.contains("DELEGATED-TO"), "{bob}");
        world.send("bob", &[]);
        assert_eq!(world.news("carol"), ["CANCEL"], "{known:?}");
        assert_eq!(world.line("alice", "ATTENDEE", CAROL), "");
    }
}

/// Who has sent somebody has answered that they do not come: their copy needs not stand for that.
#[test]
fn who_sent_somebody_and_removes_the_copy_still_sends_them() {
    let mut world = invited();
    world.send("bob", &[CAROL]);
    world.inboxes.clear();
    world.delete("bob");
    assert!(world.inboxes.is_empty());
    let bob = world.line("alice", "ATTENDEE", BOB);
    assert!(bob.contains("PARTSTAT=DELEGATED"), "{bob}");
    assert_ne!(world.line("carol", "ATTENDEE", CAROL), "");
    // and the copy stays away, until they are asked again
    world.edit("alice", "SUMMARY", "Other");
    assert_eq!(world.news("carol"), ["REQUEST"]);
    assert!(!world.calendars.contains_key("bob"));
    world.answer("carol", "DECLINED");
    assert_eq!(world.news("bob"), ["REQUEST"]);
}

/// Who sent somebody and is asked anew says nothing by the same again, or an alarm: whom they sent is still invited.
#[test]
fn who_is_asked_anew_still_sends_somebody() {
    let mut world = invited();
    world.send("bob", &[CAROL]);
    world.edit("alice", "DTSTART", "20260302T110000Z");
    let bob = world.line("bob", "ATTENDEE", BOB);
    assert!(!bob.contains("DELEGATED"), "{bob}");
    world.inboxes.clear();
    let copy = world.copy("bob").clone();
    world.put("bob", &copy);
    for who in ["alice", "bob"] {
        let carol = world.line(who, "ATTENDEE", CAROL);
        assert!(carol.contains("DELEGATED-FROM"), "{who}: {carol}");
    }
    assert!(world.inboxes.is_empty());
    // who comes after all takes their place
    world.answer("bob", "ACCEPTED");
    for who in ["alice", "bob"] {
        assert_eq!(world.line(who, "ATTENDEE", CAROL), "");
    }
    assert_eq!(world.news("carol"), ["CANCEL"]);
}

/// RFC 5546 §3.4.2.3: of who is sent an answer is wanted as of who sends them.
#[test]
fn an_answer_is_wanted_as_before() {
    for (asked, wanted) in [(";RSVP=FALSE", "RSVP=FALSE"), ("", "RSVP=TRUE")] {
        let mut world = new_world();
        world.put("alice", &meeting(&format!("ATTENDEE{asked}:{BOB}")));
        world.send("bob", &[CAROL]);
        for who in ["alice", "bob", "carol"] {
            let carol = world.line(who, "ATTENDEE", CAROL);
            assert!(carol.contains(wanted), "{who}: {carol}");
        }
    }
}

/// RFC 5546 §3.2.2.3, §4.2.6: "MUST send a REPLY method to the Organizer, and optionally to the Delegator".
#[test]
fn who_is_sent_answers_who_sends_them() {
    const X: &str = "mailto:x@elsewhere.net";
    let reply = |sender: &str, participation: &str, minute: u32| {
        event(&format!(
            "UID:1\nDTSTAMP:20260201T00{minute:02}00Z\nORGANIZER:{X}\nREQUEST-STATUS:2.0;Success
            ATTENDEE;PARTSTAT={participation};DELEGATED-FROM=\"{BOB}\":{sender}"
        ))
    };
    let mut world = new_world();
    let asked = event(&format!(
        "UID:1\nDTSTAMP:20260101T100000Z\nDTSTART:20260301T090000Z\nORGANIZER:{X}\nATTENDEE:{BOB}"
    ));
    world.mail_in("bob", Method::Request, X, asked);
    world.send("bob", &[DAVE]);
    let tag = world.tag("bob");
    for (participation, minute, said) in [
        ("ACCEPTED", 2, "ACCEPTED"),
        ("DECLINED", 1, "ACCEPTED"),
        ("TENTATIVE", 3, "TENTATIVE"),
        ("ACCEPTED", 3, "TENTATIVE"),
    ] {
        let receipt = world.mail_in(
            "bob",
            Method::Reply,
            DAVE,
            reply(DAVE, participation, minute),
        );
        assert_eq!(receipt.status, Status::DELIVERED);
        // RFC 5546 §2.1.5: what is out of date says nothing that is so
        let is_news = participation == said;
        assert_eq!(receipt.inbox_item, is_news, "{receipt:?}");
        assert_eq!(receipt.decisions.is_empty(), is_news, "{receipt:?}");
        let line = world.line("bob", "ATTENDEE", DAVE);
        assert!(line.contains(&format!("PARTSTAT={said}")), "{line}");
        assert!(line.contains("DELEGATED-FROM"), "{line}");
    }
    // RFC 5546 §4.4.10: what could not be processed takes back no answer
    let error = event(&format!(
        "UID:1\nDTSTAMP:20260201T000400Z\nORGANIZER:{X}\nREQUEST-STATUS:3.1;Invalid\nATTENDEE:{DAVE}"
    ));
    let receipt = world.mail_in("bob", Method::Reply, DAVE, error);
    assert!(receipt.inbox_item, "{receipt:?}");
    let line = world.line("bob", "ATTENDEE", DAVE);
    assert!(line.contains("PARTSTAT=TENTATIVE"), "{line}");
    assert_eq!(world.tag("bob"), tag);
    // what nobody sent says is for bob to look at
    let eve = "mailto:eve@elsewhere.net";
    let receipt = world.mail_in("bob", Method::Reply, eve, reply(eve, "ACCEPTED", 4));
    assert_eq!(receipt.status, Status::NOT_ALLOWED);
}
