//! Answers of those whom an attendee elsewhere sends, which come before that attendee's (RFC 5546 §5.2.2).

use super::*;

const ZOE: &str = "mailto:zoe@elsewhere.test";

/// Somebody answers Alice: what their ATTENDEE says, and when.
fn reply(sender: &str, said: &str, minute: u32) -> IncomingMessage {
    let lines = format!("ORGANIZER:{ALICE}\nATTENDEE;{said}:{sender}");
    let mut reply = message("REPLY", &lines, 0);
    for entry in reply.object.entries_mut() {
        let stamp = format!("20260101T11{minute:02}00Z");
        entry.set_raw_value("DTSTAMP", &stamp).unwrap();
    }
    IncomingMessage {
        sender: sender.to_owned(),
        recipients: vec![ALICE.to_owned()],
        ..reply
    }
}

fn sends(sender: &str, delegate: &str, minute: u32) -> IncomingMessage {
    let said = format!("PARTSTAT=DELEGATED;DELEGATED-TO=\"{delegate}\"");
    reply(sender, &said, minute)
}

fn of_sequence(mut message: IncomingMessage, sequence: u32) -> IncomingMessage {
    for entry in message.object.entries_mut() {
        let sequence = sequence.to_string();
        entry.set_raw_value("SEQUENCE", &sequence).unwrap();
    }
    message
}

impl World {
    async fn take_held(&self) {
        while self.desk.take_held_answers().await.unwrap() {}
        assert!(self.waiting(HELD_ANSWER_QUEUE).await.is_empty());
    }

    async fn effects(&self, messages: &[&IncomingMessage]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for message in messages {
            effects.push(self.receive(message).await.effect);
        }
        effects
    }

    /// The ATTENDEE of somebody in Alice's meeting; empty where there is none.
    async fn attendee(&self, address: &str) -> String {
        let text = self.text_at(AT).await.replace("\r\n ", "");
        let mut lines = text.lines();
        let line = lines.find(|it| it.starts_with("ATTENDEE") && it.ends_with(address));
        line.unwrap_or_default().to_owned()
    }

    /// How many messages in Alice's inbox wait for her.
    async fn held(&self) -> usize {
        let mut held = 0;
        for (_, object) in self.members("alice/inbox").await {
            held += usize::from(self.text(&object).await.contains("X-CONVOKE-ACTION"));
        }
        held
    }
}

#[tokio::test]
async fn an_answer_waits_for_that_of_who_sends_who_gives_it() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let (early, late) = (reply(YVES, "PARTSTAT=ACCEPTED", 1), sends(XENIA, YVES, 0));
    let effects = world.effects(&[&early, &early, &late, &late]).await;
    let expected = [
        Effect::Held,
        Effect::Repeated,
        Effect::Applied,
        Effect::Repeated,
    ];
    assert_eq!(effects, expected);
    world.take_held().await;
    let yves = world.attendee(YVES).await;
    assert!(yves.contains("PARTSTAT=ACCEPTED"), "{yves}");
    assert!(yves.contains("DELEGATED-FROM"), "{yves}");
    let (_, _, copy) = world.bobs().await;
    assert_eq!(accepted(&copy), 2, "{copy}");
    assert_eq!(world.held().await, 0);
    assert_eq!(world.members("alice/inbox").await.len(), 2);
    let lines = world.by_mail(&world.alice).await;
    let lines: Vec<(Verdict, &str)> = lines
        .iter()
        .map(|line| (line.verdict, &*line.parties[0]))
        .collect();
    let expected = [
        (Verdict::ForTheUser, YVES),
        (Verdict::Updated, XENIA),
        (Verdict::AppliedAfterAll, YVES),
    ];
    assert_eq!(lines, expected);
    let last = world.by_mail(&world.alice).await.pop().unwrap();
    assert_eq!(last.rule(), Some("RFC 5546 §5.2.2"));
    // neither has an effect again
    let effects = world.effects(&[&early, &late]).await;
    assert_eq!(effects, [Effect::Repeated, Effect::Repeated]);
}

#[tokio::test]
async fn what_the_organizer_dismissed_stays_away() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    world.receive(&reply(YVES, "PARTSTAT=ACCEPTED", 1)).await;
    let (name, _) = world.members("alice/inbox").await.remove(0);
    let dismissed = world.delete(&format!("alice/inbox/{name}")).await;
    dismissed.unwrap();
    world.receive(&sends(XENIA, YVES, 0)).await;
    world.take_held().await;
    let yves = world.attendee(YVES).await;
    assert!(!yves.contains("ACCEPTED") && !yves.is_empty(), "{yves}");
}

/// A chain whose answers come in the wrong order throughout; what a stranger says still waits.
#[tokio::test]
async fn who_is_sent_sends_somebody_in_turn() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let stranger = reply("mailto:w@elsewhere.test", "PARTSTAT=ACCEPTED", 0);
    let (zoe, yves) = (reply(ZOE, "PARTSTAT=TENTATIVE", 3), sends(YVES, ZOE, 2));
    let effects = world.effects(&[&stranger, &zoe, &yves]).await;
    assert_eq!(effects, [Effect::Held; 3]);
    world.receive(&sends(XENIA, YVES, 1)).await;
    world.take_held().await;
    let zoe = world.attendee(ZOE).await;
    assert!(zoe.contains("PARTSTAT=TENTATIVE"), "{zoe}");
    assert_eq!(world.held().await, 1);
}

/// RFC 5546 §2.1.5: of two answers that wait, the last one counts, whichever came first.
#[tokio::test]
async fn the_last_of_two_answers_that_wait_counts() {
    for minutes in [[1, 2], [2, 1]] {
        let world = world().await;
        world.put(AT, with_xenia()).await.unwrap();
        for minute in minutes {
            let said = ["PARTSTAT=ACCEPTED", "PARTSTAT=TENTATIVE"][minute as usize - 1];
            world.receive(&reply(YVES, said, minute)).await;
        }
        assert_eq!(world.held().await, 2);
        world.receive(&sends(XENIA, YVES, 0)).await;
        world.take_held().await;
        let yves = world.attendee(YVES).await;
        assert!(yves.contains("PARTSTAT=TENTATIVE"), "{minutes:?}: {yves}");
        assert_eq!(world.held().await, 0);
    }
}

/// An answer to an older version than that to which who gives it is sent is none, and they are told the newest
/// (RFC 5546 §5.2.2).
#[tokio::test]
async fn what_waits_is_no_answer_to_what_was_changed_meanwhile() {
    for (sequence, is_taken) in [(0, false), (1, true)] {
        let world = world().await;
        world.put(AT, with_xenia()).await.unwrap();
        let moved = with_xenia().replace("T090000Z", "T120000Z");
        world.put(AT, moved).await.unwrap();
        let answer = of_sequence(reply(YVES, "PARTSTAT=ACCEPTED", 1), sequence);
        world.receive(&answer).await;
        let sent = of_sequence(sends(XENIA, YVES, 2), 1);
        assert_eq!(world.receive(&sent).await.effect, Effect::Applied);
        world.take_held().await;
        let yves = world.attendee(YVES).await;
        assert_eq!(yves.contains("PARTSTAT=ACCEPTED"), is_taken, "{yves}");
        assert_eq!(world.held().await, 0);
    }
}

/// Of one instance, where both speak of that alone.
#[tokio::test]
async fn an_answer_to_an_instance_waits_too() {
    let world = world().await;
    let text = with_xenia().replace("SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY");
    world.put(AT, text).await.unwrap();
    let instance = |mut message: IncomingMessage, day: u32| {
        for entry in message.object.entries_mut() {
            let id = format!("RECURRENCE-ID:202602{day:02}T090000Z");
            let id = id.split_once(':').unwrap();
            entry.push_property(Property::new(id.0, id.1).unwrap());
        }
        message
    };
    for day in [2, 3] {
        let answer = instance(reply(YVES, "PARTSTAT=ACCEPTED", day), day);
        assert_eq!(world.receive(&answer).await.effect, Effect::Held);
    }
    world.receive(&instance(sends(XENIA, YVES, 0), 2)).await;
    world.take_held().await;
    let text = world.text_at(AT).await.replace("\r\n ", "");
    let of_yves = text.lines().filter(|line| line.ends_with(YVES));
    assert_eq!(of_yves.count(), 1, "{text}");
    let yves = world.attendee(YVES).await;
    assert!(yves.contains("PARTSTAT=ACCEPTED"), "{yves}");
    assert_eq!(world.held().await, 1, "of the other day nobody sends them");
}

/// Who is here, and answers by mail what was passed on to them, has that answer in their copy.
#[tokio::test]
async fn who_is_here_and_is_sent_answers_too_early() {
    const CAROL: &str = "mailto:carol@example.com";
    let world = world().await;
    user(world.desk.store(), "carol").await;
    world.put(AT, with_xenia()).await.unwrap();
    let early = reply(CAROL, "PARTSTAT=TENTATIVE", 1);
    let effects = world.effects(&[&early, &sends(XENIA, CAROL, 0)]).await;
    assert_eq!(effects, [Effect::Held, Effect::Applied]);
    world.take_held().await;
    let carol = world.attendee(CAROL).await;
    assert!(carol.contains("PARTSTAT=TENTATIVE"), "{carol}");
    let (_, copy) = world.members("carol/calendar").await.remove(0);
    let text = world.text(&copy).await;
    assert!(text.contains("PARTSTAT=TENTATIVE"), "{text}");
}
