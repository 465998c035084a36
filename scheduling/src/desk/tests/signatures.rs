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
