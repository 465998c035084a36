//! What attendees propose, and the organizer declines (RFC 5546 §3.2.8).

use storage::model::{Delegate, Principal};

use super::{
    incoming::{parsed, to_alice, with_xenia},
    meetings::{AT, line},
    trash::{ALL, keeping},
    waiting::slow,
    *,
};
use crate::{
    log::Way,
    mail::{DeliveryOutcome, MessageKind, Voice},
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

impl World {
    /// What becomes of the first mail that is due.
    async fn mail_fares(&self, outcome: DeliveryOutcome) {
        let (id, work, _) = self.due_mails().await.remove(0);
        let recorded = self.desk.record_delivery(&id, &work, outcome, None);
        recorded.await.unwrap();
        self.write_mail_statuses().await;
    }

    async fn status_of(&self, address: &str) -> String {
        let text = self.text_at(AT).await;
        let line = line(&text, "ATTENDEE", address);
        let (_, status) = line.split_once("SCHEDULE-STATUS=").unwrap();
        status[..3].to_owned()
    }

    /// Nothing goes to anybody, and the proposal stays where it waits.
    async fn assert_not_declined(&self, at: &str) {
        let mails = self.mails().await.len();
        let declined = self.decline(&self.alice, at, None).await;
        assert!(
            matches!(declined, Err(Refusal::Prohibited(_))),
            "{declined:?}"
        );
        assert!(self.object(at).await.is_some());
        assert_eq!(self.mails().await.len(), mails);
    }
}

/// RFC 6638 §3.2.9: SCHEDULE-STATUS tells how the invitation fares, and not how the answer to a proposal does.
#[tokio::test]
async fn how_the_answer_to_a_proposal_fares_is_no_news_of_the_invitation() {
    use DeliveryOutcome::{Accepted, Rejected};
    for reschedules in [false, true] {
        let (world, at) = proposed().await;
        world.mail_fares(Accepted).await;
        assert_eq!(world.status_of("xenia@elsewhere.test").await, "1.1");
        if reschedules {
            let later = with_xenia().replace("T090000Z", "T100000Z");
            world.put(AT, later).await.unwrap();
            world.clock.advance(10_000);
        }
        world.decline(&world.alice, &at, None).await.unwrap();
        world.clock.advance(10_000);
        // the invitation first, if there is a new one
        world.mail_fares(Rejected).await;
        let expected = if reschedules { "5.2" } else { "1.1" };
        assert_eq!(world.status_of("xenia@elsewhere.test").await, expected);
        if reschedules {
            world.mail_fares(Accepted).await;
            assert_eq!(world.status_of("xenia@elsewhere.test").await, expected);
        }
    }
}

/// The same where it waits for somebody here.
#[tokio::test]
async fn what_waits_of_the_answer_to_a_proposal_is_no_news_of_the_invitation() {
    let world = world_with(slow(), |memory| Arc::new(memory)).await;
    world.put(AT, with_xenia()).await.unwrap();
    let mut counter = to_alice("COUNTER", "");
    counter.sender = "mailto:bob@example.com".to_owned();
    for entry in counter.object.entries_mut() {
        let bob = calendar::Property::new("ATTENDEE", &counter.sender).unwrap();
        entry.set_property(bob);
    }
    assert_eq!(world.receive(&counter).await.effect, Effect::Held);
    let inbox = world.members("alice/inbox").await;
    let at = format!("alice/inbox/{}", inbox[0].0);
    let (copy, _, _) = world.bobs().await;
    let whole = world.damage(&copy).await;
    let plans = with_xenia().replace("SUMMARY:Plan", "SUMMARY:Plans");
    world.put(AT, plans).await.unwrap();
    world.decline(&world.alice, &at, None).await.unwrap();
    assert_eq!(world.status_of("bob@example.com").await, "1.0");
    world.replace_content(&copy, whole).await;
    let inbox = world.members("bob/inbox").await.len();
    for messages in [1, 2] {
        assert!(world.desk.deliver_outstanding().await.unwrap());
        assert_eq!(world.members("bob/inbox").await.len(), inbox + messages);
        assert_eq!(world.status_of("bob@example.com").await, "1.2");
    }
    assert_eq!(world.waiting(DELIVERY_QUEUE).await, []);
}

/// RFC 6638 §3.2.6, §7.1: nobody hears in that way of what they are not told of otherwise.
#[tokio::test]
async fn only_what_the_sender_is_told_of_is_declined() {
    let (world, at) = proposed().await;
    let left_to_others = with_xenia().replace(
        "RSVP=TRUE:mailto:xenia@",
        "RSVP=TRUE;SCHEDULE-AGENT=CLIENT:mailto:xenia@",
    );
    world.put(AT, left_to_others).await.unwrap();
    world.assert_not_declined(&at).await;

    // Xenia comes to one instance, and proposes something for the series
    let instance = with_xenia().replace("DTSTART", "RECURRENCE-ID:20260201T090000Z\r\nDTSTART");
    let (_, instance) = instance.split_once("BEGIN:VEVENT").unwrap();
    let without = |text: &str| -> String {
        let lines = text.split_inclusive("\r\n");
        lines.filter(|line| !line.contains("xenia@")).collect()
    };
    let series = without(&with_xenia())
        .replace("SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY")
        .replace("END:VCALENDAR\r\n", &format!("BEGIN:VEVENT{instance}"));
    world.put(AT, series).await.unwrap();
    world.assert_not_declined(&at).await;

    // and for that instance, too
    let both = to_alice("COUNTER", "").object.to_octets();
    let both = String::from_utf8_lossy(&both).replace("\r\n", "\n");
    let (begin, end) = (
        both.find("BEGIN:VEVENT").unwrap(),
        both.find("END:VCALENDAR").unwrap(),
    );
    let own = both[begin..end].replace("UID:m", "UID:m\nRECURRENCE-ID:20260201T090000Z");
    let counter = IncomingMessage {
        object: parsed(&both.replace("END:VCALENDAR", &format!("{own}END:VCALENDAR"))),
        ..to_alice("COUNTER", "")
    };
    let before = world.members("alice/inbox").await;
    assert_eq!(world.receive(&counter).await.effect, Effect::Held);
    let mut inbox = world.members("alice/inbox").await;
    inbox.retain(|(name, _)| before.iter().all(|(known, _)| known != name));
    let at = format!("alice/inbox/{}", inbox[0].0);
    world.decline(&world.alice, &at, None).await.unwrap();
    let told = unfolded(&world.mails().await.pop().unwrap().calendar);
    assert!(told.contains("RECURRENCE-ID:20260201T090000Z"), "{told}");
    assert!(!told.contains("RRULE"), "{told}");
}

/// RFC 6638 §3.2.6: without the instances to which they are not invited.
#[tokio::test]
async fn a_series_is_declined_as_its_sender_knows_it() {
    let (world, at) = proposed().await;
    let instance = with_xenia().replace("DTSTART", "RECURRENCE-ID:20260202T090000Z\r\nDTSTART");
    let (_, instance) = instance.split_once("BEGIN:VEVENT").unwrap();
    let lines = instance.split_inclusive("\r\n");
    let instance: String = lines.filter(|line| !line.contains("xenia@")).collect();
    let series = with_xenia()
        .replace("SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY")
        .replace("END:VCALENDAR\r\n", &format!("BEGIN:VEVENT{instance}"));
    world.put(AT, series).await.unwrap();
    world.decline(&world.alice, &at, None).await.unwrap();
    let told = unfolded(&world.mails().await.pop().unwrap().calendar);
    assert!(told.contains("METHOD:DECLINECOUNTER"), "{told}");
    assert!(told.contains("RRULE:FREQ=DAILY;COUNT=5"), "{told}");
    assert!(told.contains("EXDATE:20260202T090000Z"), "{told}");
    assert!(!told.contains("RECURRENCE-ID"), "{told}");
}

/// RFC 6638 §3.1: what came out of the trash is told to nobody.
#[tokio::test]
async fn nothing_is_declined_of_what_is_not_scheduled() {
    let world = keeping(ALL).await;
    world.put(AT, with_xenia()).await.unwrap();
    assert_eq!(
        world.receive(&to_alice("COUNTER", "")).await.effect,
        Effect::Held
    );
    let inbox = world.members("alice/inbox").await;
    world.delete(AT).await.unwrap();
    let (trashed, _) = world.desk.trash_list("alice", None, None).await.unwrap();
    world.desk.restore_item(&trashed[0].id).await.unwrap();
    world
        .assert_not_declined(&format!("alice/inbox/{}", inbox[0].0))
        .await;
}
