//! Who signs for somebody else in a message from outside (SENT-BY, RFC 6047 §3): for people here, who may is known here.

use calendar::{CalendarObject, Limits as ParserLimits};
use storage::model::Delegate;

use super::{
    meetings::{AT, START, line, meeting},
    *,
};

const ALICE: &str = "mailto:alice@example.com";
const BOB: &str = "mailto:bob@example.com";
const YVES: &str = "mailto:yves@elsewhere.test";
const MALLORY: &str = "mailto:mallory@elsewhere.test";
const CAROL: &str = "mailto:carol@example.com";

/// What `sender` says to somebody about the meeting "m".
fn message(method: &str, lines: &str, sender: &str, to: &str) -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:m\r\nSEQUENCE:7\r\n\
         DTSTAMP:20260102T100000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    IncomingMessage {
        object: CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap(),
        method: None,
        sender: sender.to_owned(),
        recipients: vec![to.to_owned()],
        id: None,
    }
}

/// A cancellation to Bob, in Alice's name.
fn cancellation(sender: &str) -> IncomingMessage {
    let lines = format!("ORGANIZER;SENT-BY=\"{sender}\":{ALICE}\r\nATTENDEE:{BOB}");
    message("CANCEL", &lines, sender, BOB)
}

/// An answer to Alice, in Bob's name.
fn answer(sender: &str) -> IncomingMessage {
    let lines =
        format!("ORGANIZER:{ALICE}\r\nATTENDEE;PARTSTAT=DECLINED;SENT-BY=\"{sender}\":{BOB}");
    message("REPLY", &lines, sender, ALICE)
}

/// Alice, Bob and Carol, who may speak for both or not.
async fn house(carol_may_speak: bool) -> World {
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await.principal.id;
    for of in [&world.alice, &world.bob] {
        let delegate = Delegate {
            principal: carol,
            may_edit: true,
            may_answer: carol_may_speak,
            may_invite: carol_may_speak,
            sees_private: false,
        };
        let store = world.desk.store();
        let changed = store.change_principal(of.principal.id, |of| of.delegates = vec![delegate]);
        changed.await.unwrap();
    }
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world
}

async fn receive(world: &World, message: &IncomingMessage) -> Reception {
    let received = world.desk.receive_message(message).await;
    received.unwrap().remove(0)
}

#[tokio::test]
async fn nobody_speaks_for_people_here_who_may_not() {
    for (sender, may_speak, effect) in [
        (MALLORY, false, Effect::Held),
        (MALLORY, true, Effect::Held),
        (CAROL, false, Effect::Held),
        (CAROL, true, Effect::Applied),
    ] {
        let world = house(may_speak).await;
        let (before, bobs) = (world.text_at(AT).await, world.bobs().await.2);
        for (message, who) in [(answer(sender), "alice"), (cancellation(sender), "bob")] {
            let inbox = world.members(&format!("{who}/inbox")).await.len();
            let reception = receive(&world, &message).await;
            assert_eq!(reception.effect, effect, "{sender} {reception:?}");
            let after = world.members(&format!("{who}/inbox")).await.len();
            assert_eq!(after, inbox + 1, "{sender} to {who}");
            if effect == Effect::Held {
                assert_eq!(reception.status.as_str(), "5.3");
                assert_eq!(world.text_at(AT).await, before);
                assert_eq!(world.bobs().await.2, bobs);
            }
        }
        if effect == Effect::Applied {
            let text = world.text_at(AT).await;
            assert!(line(&text, "ATTENDEE", "bob@example.com").contains("DECLINED"));
            assert!(world.bobs().await.2.contains("STATUS:CANCELLED"));
        }
    }
}

/// Who signs for somebody elsewhere is for that mail system to know, which proves the sender.
#[tokio::test]
async fn people_elsewhere_have_secretaries() {
    let world = world().await;
    let lines = format!(
        "DTSTART:20260201T090000Z\r\nDURATION:PT1H\r\nSUMMARY:Plan\r\nORGANIZER;SENT-BY=\"{MALLORY}\":{YVES}\r\n\
         ATTENDEE:{BOB}"
    );
    let reception = receive(&world, &message("REQUEST", &lines, MALLORY, BOB)).await;
    assert_eq!(reception.effect, Effect::Applied, "{reception:?}");
}

/// Who answers for two people may do so in the same second, about the same meeting.
#[tokio::test]
async fn a_secretary_answers_for_two() {
    const XENIA: &str = "mailto:xenia@elsewhere.test";
    let world = world().await;
    let text = meeting("m", "Plan", START);
    let text = text.replace("END:VEVENT", &format!("ATTENDEE:{YVES}\r\nEND:VEVENT"));
    world.put(AT, text).await.unwrap();
    for boss in [XENIA, YVES] {
        let lines =
            format!("ORGANIZER:{ALICE}\r\nATTENDEE;PARTSTAT=ACCEPTED;SENT-BY=\"{MALLORY}\":{boss}");
        let reply = message("REPLY", &lines, MALLORY, ALICE);
        assert_eq!(
            receive(&world, &reply).await.effect,
            Effect::Applied,
            "{boss}"
        );
        assert_eq!(
            receive(&world, &reply).await.effect,
            Effect::Repeated,
            "{boss}"
        );
    }
    let text = world.text_at(AT).await;
    for boss in ["xenia", "yves"] {
        let line = line(&text, "ATTENDEE", &format!("{boss}@elsewhere.test"));
        assert!(line.contains("PARTSTAT=ACCEPTED"), "{line}");
    }
}

/// What was said of a message is said of it again.
#[tokio::test]
async fn a_repetition_is_told_what_the_first_one_was() {
    let world = house(false).await;
    let held = answer(MALLORY);
    let first = receive(&world, &held).await;
    let again = receive(&world, &held).await;
    assert_eq!(again.effect, Effect::Repeated);
    assert_eq!(again.status, first.status);
    assert!(again.reason.ends_with(&first.reason), "{again:?}");
}

/// Two messages in one mail are two.
#[tokio::test]
async fn each_part_of_a_mail_has_its_effect() {
    let world = world().await;
    let text = meeting("m", "Plan", START).replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY");
    world.put(AT, text).await.unwrap();
    for (day, effect) in [
        (2, Effect::Applied),
        (3, Effect::Applied),
        (2, Effect::Repeated),
        (3, Effect::Repeated),
    ] {
        let reception = receive(&world, &instance(day)).await;
        assert_eq!(reception.effect, effect, "{reception:?}");
    }
}

/// Xenia's answer to one instance, one of several in a mail.
fn instance(day: u32) -> IncomingMessage {
    const XENIA: &str = "mailto:xenia@elsewhere.test";
    let lines = format!(
        "RECURRENCE-ID:202602{day:02}T090000Z\r\nORGANIZER:{ALICE}\r\nATTENDEE;PARTSTAT=ACCEPTED:{XENIA}"
    );
    IncomingMessage {
        id: Some("<1@elsewhere.test>".to_owned()),
        ..message("REPLY", &lines, XENIA, ALICE)
    }
}

/// Once there is a calendar for it, the same invitation has its effect.
#[tokio::test]
async fn what_no_calendar_could_take_may_come_again() {
    let world = world().await;
    let store = world.desk.store();
    let change = async |calendar| {
        let bob = world.bob.principal.id;
        let changed = store.change_principal(bob, |bob| bob.default_calendar = calendar);
        changed.await.unwrap();
    };
    let invitation = || {
        let lines = format!(
            "DTSTART:20260201T090000Z\r\nDURATION:PT1H\r\nSUMMARY:Plan\r\nORGANIZER:{YVES}\r\nATTENDEE:{BOB}"
        );
        message("REQUEST", &lines, YVES, BOB)
    };
    change(None).await;
    for _ in 0..2 {
        let reception = receive(&world, &invitation()).await;
        let (effect, status) = (reception.effect, reception.status.as_str());
        assert_eq!((effect, status), (Effect::NotApplied, "5.2"));
    }
    change(world.bob.principal.default_calendar).await;
    let reception = receive(&world, &invitation()).await;
    assert_eq!(reception.effect, Effect::Applied, "{reception:?}");
}
