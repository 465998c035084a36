//! An attendee elsewhere asks for what its organizer has removed (RFC 5546 §3.2.6, §3.4.6).

use super::{
    incoming::{XENIA, YVES, parsed, to_alice, with_xenia},
    meetings::AT,
    trash::{ALL, keeping},
    *,
};
use crate::log::Verdict;

/// The same of a to-do.
fn as_todo(text: &str) -> String {
    text.replace("VEVENT", "VTODO")
        .replace("DURATION:PT1H\r\n", "")
}

/// Xenia asks for the newest version; `lines` say of what.
fn question(kind: &str, lines: &str) -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:REFRESH\nBEGIN:{kind}\nUID:m\nDTSTAMP:20260101T100000Z\n\
         SUMMARY:not ours\n{lines}ATTENDEE;CN=Not ours:{XENIA}\nEND:{kind}\nEND:VCALENDAR\n"
    );
    IncomingMessage {
        object: parsed(&text),
        ..to_alice("REFRESH", "")
    }
}

impl World {
    /// SEQUENCE of the last mail.
    async fn last_sequence(&self) -> u32 {
        let mails = self.mails().await;
        let text = unfolded(&mails.last().unwrap().calendar);
        let number = text.lines().find_map(|line| line.strip_prefix("SEQUENCE:"));
        number.unwrap().parse().unwrap()
    }

    /// Why the log says that the last message did nothing.
    async fn reason_in_log(&self) -> String {
        let lines = self.by_mail(&self.alice).await;
        let last = lines.last().unwrap();
        assert_eq!(last.verdict, Verdict::NotApplied);
        last.reason.clone()
    }
}

#[tokio::test]
async fn who_was_told_of_it_hears_that_it_is_off() {
    let organizer = "ORGANIZER:mailto:alice@example.com\n";
    let of_an_instance = format!("{organizer}RECURRENCE-ID:20260201T090000Z\n");
    for (text, asked) in [
        (with_xenia(), question("VEVENT", organizer)),
        (with_xenia(), question("VEVENT", &of_an_instance)),
        // RFC 5546 §3.4.6: without ORGANIZER
        (as_todo(&with_xenia()), question("VTODO", "")),
    ] {
        let world = world().await;
        world.put(AT, text).await.unwrap();
        world.delete(AT).await.unwrap();
        let removal = world.last_sequence().await;
        let before = world.mails().await.len();
        let reception = world.receive(&asked).await;
        assert_eq!(reception.effect, Effect::Applied, "{reception:?}");
        let mails = world.mails().await;
        assert_eq!(mails.len(), before + 1);
        let mail = mails.last().unwrap();
        assert_eq!((&*mail.method, &*mail.recipient), ("CANCEL", XENIA));
        assert_eq!(world.last_sequence().await, removal);
        let said = unfolded(&mail.calendar);
        for line in [
            "STATUS:CANCELLED",
            "ORGANIZER:mailto:alice@example.com",
            "ATTENDEE:mailto:xenia@elsewhere.test",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        // all of it is off, and nothing of what was asked with comes back
        assert!(!said.contains("RECURRENCE-ID"), "{said}");
        assert!(!said.to_lowercase().contains("not ours"), "{said}");
        // the same message again sends nothing
        assert_eq!(world.receive(&asked).await.effect, Effect::Repeated);
        assert_eq!(world.mails().await.len(), before + 1);
    }
}

/// RFC 5546 §6.1.6: nobody else learns anything.
#[tokio::test]
async fn who_was_not_told_of_it_hears_nothing() {
    let world = world().await;
    let asked = || to_alice("REFRESH", "");
    // of what never was
    assert_eq!(world.receive(&asked()).await.effect, Effect::NotApplied);
    world.clock.advance(1_000);
    let without = with_xenia().replace("xenia@elsewhere", "zoe@elsewhere");
    world.put(AT, without).await.unwrap();
    world.delete(AT).await.unwrap();
    let before = world.mails().await.len();
    let strangers = IncomingMessage {
        sender: YVES.to_owned(),
        ..asked()
    };
    let again = question("VEVENT", "ORGANIZER:mailto:alice@example.com\n");
    for message in [strangers, again] {
        let reception = world.receive(&message).await;
        assert_eq!(reception.effect, Effect::NotApplied);
        assert_eq!(world.reason_in_log().await, reception.reason);
    }
    assert_eq!(world.mails().await.len(), before);
}

/// The attendee asks for themselves alone.
#[tokio::test]
async fn nobody_asks_in_the_name_of_who_was_told() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    world.delete(AT).await.unwrap();
    let before = world.mails().await.len();
    let yves = IncomingMessage {
        sender: YVES.to_owned(),
        ..to_alice("REFRESH", "")
    };
    assert_eq!(world.receive(&yves).await.effect, Effect::NotApplied);
    assert_eq!(world.mails().await.len(), before);
}

/// What stands there again without a word is not off; who asks hears of it with the next change.
#[tokio::test]
async fn what_stands_there_again_is_not_called_off() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    world.delete(AT).await.unwrap();
    world.put(AT, event("m", "Plan")).await.unwrap();
    let before = world.mails().await.len();
    let reception = world.receive(&to_alice("REFRESH", "")).await;
    assert_eq!(reception.effect, Effect::NotApplied);
    assert_eq!(world.mails().await.len(), before);
}

/// Out of the trash, or by an import, it stands there unscheduled: nobody hears of it, neither that it is off nor more.
#[tokio::test]
async fn what_came_back_unscheduled_is_told_to_nobody() {
    let world = keeping(ALL).await;
    world.put(AT, with_xenia()).await.unwrap();
    world.delete(AT).await.unwrap();
    let (trashed, _) = world.desk.trash_list("alice", None, None).await.unwrap();
    world.desk.restore_item(&trashed[0].id).await.unwrap();
    let before = world.mails().await.len();
    world.receive(&to_alice("REFRESH", "")).await;
    assert_eq!(world.mails().await.len(), before);
}

/// Without a log nobody knows whom a meeting was told to.
#[tokio::test]
async fn without_a_log_nobody_hears_anything() {
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, with_xenia()).await.unwrap();
    world.delete(AT).await.unwrap();
    let before = world.mails().await.len();
    let reception = world.receive(&to_alice("REFRESH", "")).await;
    assert_eq!(reception.effect, Effect::NotApplied);
    assert_eq!(world.mails().await.len(), before);
}
