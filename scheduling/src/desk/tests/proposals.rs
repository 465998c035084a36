//! What attendees propose, and the organizer declines (RFC 5546 §3.2.8).

use storage::model::{Delegate, Principal};

use super::{
    incoming::{to_alice, with_xenia},
    meetings::AT,
    *,
};
use crate::{
    log::Way,
    mail::{MessageKind, Voice},
};

const COMMENT: &str = "Sorry, the room;\nis taken";

/// Alice has invited Bob and Xenia, and Xenia proposes something else.
async fn proposed() -> (World, String) {
    let settings = Settings {
        mail_possible: true,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, with_xenia()).await.unwrap();
    let reception = world.receive(&to_alice("COUNTER", "")).await;
    assert_eq!(reception.effect, Effect::Held, "{reception:?}");
    let inbox = world.members("alice/inbox").await;
    let at = format!("alice/inbox/{}", inbox[0].0);
    (world, at)
}

impl World {
    async fn decline(&self, who: &Actor, at: &str, comment: Option<&str>) -> Result<(), Refusal> {
        let decline = DeclineCounter {
            path: path(at),
            conditions: Conditions::default(),
            comment: comment.map(str::to_owned),
        };
        self.desk.decline_counter(who, &decline).await
    }
}

#[tokio::test]
async fn who_proposes_hears_that_it_is_declined() {
    let (world, at) = proposed().await;
    let before = world.text_at(AT).await;
    let mails = world.mails().await.len();
    world
        .decline(&world.alice, &at, Some(COMMENT))
        .await
        .unwrap();
    assert!(world.members("alice/inbox").await.is_empty());
    assert_eq!(world.text_at(AT).await, before);
    let sent = world.mails().await.split_off(mails);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].kind, MessageKind::ProposalDeclined);
    assert_eq!(sent[0].method, "DECLINECOUNTER");
    assert_eq!(sent[0].to.address, "xenia@elsewhere.test");
    assert_eq!(sent[0].details.description.as_deref(), Some(COMMENT));
    let text = unfolded(&sent[0].calendar);
    for line in [
        "METHOD:DECLINECOUNTER",
        "UID:m",
        "SEQUENCE:0",
        "SUMMARY:Plan",
        "ORGANIZER;CN=Alice:mailto:alice@example.com",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:xenia@elsewhere.test",
        "COMMENT:Sorry\\, the room\\;\\nis taken",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is missing: {text}"
        );
    }
    let home = world.alice.principal.home.unwrap();
    let entries = world.desk.scheduling_log_of(home, "m").await.unwrap();
    let line = &entries.last().unwrap().lines[0];
    assert_eq!(line.way, Some(Way::Mail));
    assert!(line.reason.contains("not taken up"), "{}", line.reason);

    // the second click
    let again = world.decline(&world.alice, &at, None).await;
    assert_eq!(again, Err(Refusal::NotFound));
    assert_eq!(world.mails().await.len(), mails + 1);
}

#[tokio::test]
async fn an_instance_is_declined_as_it_is() {
    let (world, _) = proposed().await;
    let series = with_xenia().replace("SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY");
    world.put(AT, series).await.unwrap();
    let mut counter = to_alice("COUNTER", "");
    for entry in counter.object.entries_mut() {
        for (name, value) in [
            ("RECURRENCE-ID", "20260203T090000Z"),
            ("DTSTART", "20260203T140000Z"),
            ("SEQUENCE", "1"),
        ] {
            entry.set_property(calendar::Property::new(name, value).unwrap());
        }
    }
    assert_eq!(world.receive(&counter).await.effect, Effect::Held);
    let mut inbox = world.members("alice/inbox").await;
    let mut at = None;
    while let Some((name, object)) = inbox.pop() {
        if world.text(&object).await.contains("RECURRENCE-ID") {
            at = Some(format!("alice/inbox/{name}"));
        }
    }
    world
        .decline(&world.alice, &at.unwrap(), None)
        .await
        .unwrap();
    let sent = world.mails().await.pop().unwrap();
    let text = unfolded(&sent.calendar);
    for line in [
        "RECURRENCE-ID:20260203T090000Z",
        "DTSTART:20260203T090000Z",
        "SEQUENCE:1",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is missing: {text}"
        );
    }
    assert!(
        !text.contains("RRULE") && !text.contains("COMMENT"),
        "{text}"
    );
}

#[tokio::test]
async fn only_who_may_invite_declines_for_somebody() {
    let (world, at) = proposed().await;
    let mails = world.mails().await.len();
    let store = world.desk.store();
    let alice = world.alice.principal.id;
    let delegate = |invite: bool| {
        let mut bob = Delegate::reader(world.bob.principal.id);
        (bob.may_edit, bob.may_answer, bob.may_invite) = (true, true, invite);
        bob
    };
    for invite in [false, true] {
        let bob = delegate(invite);
        let change = move |alice: &mut Principal| alice.delegates = vec![bob];
        store.change_principal(alice, change).await.unwrap();
        let declined = world.decline(&world.bob, &at, None).await;
        assert_eq!(declined.is_ok(), invite, "{declined:?}");
        assert_eq!(world.members("alice/inbox").await.is_empty(), invite);
    }
    let sent = world.mails().await.split_off(mails);
    let (notices, sent): (Vec<_>, Vec<_>) = sent
        .into_iter()
        .partition(|mail| mail.voice == Voice::Notice);
    assert_eq!((notices.len(), sent.len()), (1, 1));
    assert!(matches!(sent[0].voice, Voice::OnBehalf(_)));
    let text = unfolded(&sent[0].calendar);
    assert!(
        text.contains("SENT-BY=\"mailto:bob@example.com\""),
        "{text}"
    );
}

#[tokio::test]
async fn what_cannot_be_declined_stays() {
    let (world, at) = proposed().await;
    let mails = world.mails().await.len();
    let invitation = world.members("bob/inbox").await;
    let invitation = format!("bob/inbox/{}", invitation[0].0);
    let no_proposal = world.decline(&world.bob, &invitation, None).await;
    assert!(
        matches!(no_proposal, Err(Refusal::Prohibited(_))),
        "{no_proposal:?}"
    );
    let no_message = world.decline(&world.alice, AT, None).await;
    assert!(
        matches!(no_message, Err(Refusal::NotAllowed(_))),
        "{no_message:?}"
    );
    let no_text = world.decline(&world.alice, &at, Some("a\u{7}")).await;
    assert!(
        matches!(no_text, Err(Refusal::Prohibited(_))),
        "{no_text:?}"
    );
    assert_eq!(world.mails().await.len(), mails);

    // Xenia is not invited any more; then the event is gone
    let without = with_xenia().replace("xenia@", "yves@");
    world.put(AT, without).await.unwrap();
    for _ in 0..2 {
        let mails = world.mails().await.len();
        let nobody = world.decline(&world.alice, &at, None).await;
        assert!(matches!(nobody, Err(Refusal::Prohibited(_))), "{nobody:?}");
        assert_eq!(world.members("alice/inbox").await.len(), 1);
        assert_eq!(world.mails().await.len(), mails);
        let _ = world.delete(AT).await;
    }
}
