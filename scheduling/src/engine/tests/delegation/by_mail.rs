//! Who sends somebody is elsewhere, and says so by mail, late or early (RFC 5546 §4.2.5, §5.2.2).

use super::*;

const EVE: &str = "mailto:eve@elsewhere.net";

/// An answer to Alice's meeting, with these ATTENDEE lines.
fn answer(lines: &[String], second: u32) -> CalendarObject {
    event(&format!(
        "UID:1\nDTSTAMP:20260102T0000{second:02}Z\nORGANIZER:mailto:alice@example.org\n{}",
        lines.join("\n")
    ))
}

fn says(who: &str, participation: &str, second: u32) -> CalendarObject {
    answer(
        &[format!("ATTENDEE;PARTSTAT={participation}:{who}")],
        second,
    )
}

fn sends(who: &str, to: &str) -> String {
    format!("ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"{to}\":{who}")
}

/// The answer of who is sent may wait, and is then what it was.
#[test]
fn an_answer_waits_until_it_is_known_who_sends_who_gives_it() {
    let mut world = new_world();
    world.put("alice", &meeting(&format!("ATTENDEE:{DAVE}")));
    let early = says(EVE, "ACCEPTED", 2);
    let receipt = world.mail_in("alice", Method::Reply, EVE, early.clone());
    assert_eq!(receipt.copy, CopyChange::Unchanged);
    let mut said = early.clone();
    let method = calendar::Property::new("METHOD", "REPLY").unwrap();
    said.calendar_mut().push_property(method);
    let waiting = Decision::noted_in(&receipt.decisions, &said);
    let is_eve_sent = |world: &World| is_sent(world.copy("alice"), EVE, &world.directory());
    assert!(!is_eve_sent(&world));
    let late = answer(&[sends(DAVE, EVE)], 1);
    world.mail_in("alice", Method::Reply, DAVE, late);
    assert!(is_eve_sent(&world));
    let message = held_answer(&waiting).unwrap();
    assert_eq!((message.method, &*message.sender), (Method::Reply, EVE));
    assert_eq!(message.object, said);
    assert_eq!(held_answer(&said), None, "it does not wait");
    let recipient = world.people["alice"].clone();
    let address = String::new();
    world.deliver(&Delivery {
        recipient,
        address,
        message,
    });
    let eve = world.line("alice", "ATTENDEE", EVE);
    assert!(eve.contains("PARTSTAT=ACCEPTED"), "{eve}");
}

/// RFC 5546 §3.2.2.3, §4.2.5: what the delegator tells of who is sent stands on their ATTENDEE; the role and whether an answer
/// is wanted are the delegator's, who says it where the organizer did not. Of nobody else anything is taken.
#[test]
fn what_is_told_of_who_is_sent() {
    let told = format!(
        "ATTENDEE;CN=Eve;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;RSVP=FALSE;PARTSTAT=ACCEPTED;MEMBER=\"mailto:x@y\";
          DELEGATED-FROM=\"{DAVE}\":{EVE}"
    );
    let told = told.replace("\n          ", "");
    let others = format!("ATTENDEE;CN=Robert;ROLE=CHAIR;CUTYPE=ROOM;PARTSTAT=DECLINED:{BOB}");
    for (asked, role, rsvp) in [
        ("", "ROLE=NON-PARTICIPANT", "RSVP=FALSE"),
        (";ROLE=CHAIR;RSVP=TRUE", "ROLE=CHAIR", "RSVP=TRUE"),
    ] {
        let mut world = new_world();
        world.put(
            "alice",
            &meeting(&format!("ATTENDEE{asked}:{DAVE}\nATTENDEE:{BOB}")),
        );
        let bob = world.line("alice", "ATTENDEE", BOB);
        let lines = [sends(DAVE, EVE), told.clone(), others.clone()];
        world.mail_in("alice", Method::Reply, DAVE, answer(&lines, 1));
        let eve = world.line("alice", "ATTENDEE", EVE);
        for said in ["CN=Eve", "CUTYPE=RESOURCE", role, rsvp] {
            assert!(eve.contains(said), "{said}: {eve}");
        }
        assert!(
            !eve.contains("PARTSTAT") && !eve.contains("MEMBER"),
            "{eve}"
        );
        assert_eq!(world.line("alice", "ATTENDEE", BOB), bob);
    }
    // whom the organizer invites is as the organizer says
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(&format!("ATTENDEE:{DAVE}\nATTENDEE;CN=E:{EVE}")),
    );
    let eve = world.line("alice", "ATTENDEE", EVE);
    let lines = [sends(DAVE, EVE), told];
    world.mail_in("alice", Method::Reply, DAVE, answer(&lines, 1));
    assert_eq!(world.line("alice", "ATTENDEE", EVE), eve);
}
