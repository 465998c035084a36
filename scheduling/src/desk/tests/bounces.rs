//! Mails that come back (RFC 3464).

use storage::Uuid;

use super::{
    incoming::{to_alice, with_xenia},
    meetings::{AT, line},
    *,
};
use crate::{log::Verdict, mail::DeliveryOutcome};

impl World {
    /// The next server takes the only mail that waits. What it is called:
    async fn leave(&self) -> Uuid {
        let mut due = self.due_mails().await;
        assert_eq!(due.len(), 1);
        let (id, work, mail) = due.remove(0);
        let outcome = DeliveryOutcome::Accepted;
        let recorded = self.desk.record_delivery(&id, &work, outcome, None);
        recorded.await.unwrap();
        self.write_mail_statuses().await;
        mail.name(id.id)
    }

    /// A mail comes back; whether it is known.
    async fn bounce(&self, mail: Uuid, is_permanent: bool) -> bool {
        let bounce = Bounce {
            mail,
            is_permanent,
            detail: Some("550 no such person".to_owned()),
        };
        let is_known = self.desk.record_bounce(&bounce).await.unwrap();
        self.write_mail_statuses().await;
        is_known
    }

    async fn assert_status(&self, status: &str) {
        let text = self.text_at(AT).await;
        let expected = format!(";SCHEDULE-STATUS={status}");
        assert!(
            line(&text, "ATTENDEE", "xenia@elsewhere.test").contains(&expected),
            "{text}"
        );
    }

    async fn schedule_tag(&self) -> Option<String> {
        self.object(AT)
            .await
            .unwrap()
            .calendar
            .unwrap()
            .schedule_tag
    }
}

/// RFC 6638 §3.2.9: 5.1 and 5.2, in the object and in the log, once.
#[tokio::test]
async fn a_mail_that_comes_back_is_told() {
    for (is_permanent, status) in [(true, "5.2"), (false, "5.1")] {
        let world = world().await;
        world.put(AT, with_xenia()).await.unwrap();
        let mail = world.leave().await;
        let tag = world.schedule_tag().await;
        let lines = async || world.by_mail(&world.alice).await;
        let before = lines().await.len();
        for _ in 0..2 {
            assert!(world.bounce(mail, is_permanent).await);
            world.assert_status(status).await;
            let lines = lines().await;
            assert_eq!(lines.len(), before + 1);
            let line = lines.last().unwrap();
            assert_eq!(line.verdict, Verdict::Fared);
            assert_eq!(line.status.as_deref(), Some(status));
            assert!(line.reason.contains("550 no such person"));
        }
        assert_eq!(world.schedule_tag().await, tag);
    }
}

/// Who answered meanwhile got it another way: the log alone says what happened.
#[tokio::test]
async fn a_mail_that_was_answered_comes_back_into_the_log_alone() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let mail = world.leave().await;
    let reply = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
    world.receive(&reply).await;
    let before = world.by_mail(&world.alice).await.len();
    assert!(world.bounce(mail, true).await);
    world.assert_status("2.0").await;
    assert_eq!(world.by_mail(&world.alice).await.len(), before + 1);
}

/// Each speaks of the mail that came back: what became of an older one says nothing of a newer one.
#[tokio::test]
async fn an_older_mail_that_comes_back_says_nothing_of_a_newer_one() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let older = world.leave().await;
    world
        .put(AT, with_xenia().replace("SUMMARY:Plan", "SUMMARY:Plans"))
        .await
        .unwrap();
    let newer = world.leave().await;
    let before = world.by_mail(&world.alice).await.len();
    assert!(world.bounce(older, true).await);
    world.assert_status("1.1").await;
    assert_eq!(world.by_mail(&world.alice).await.len(), before + 1);
    assert!(world.bounce(newer, false).await);
    world.assert_status("5.1").await;
}

/// A mail that never left, or has not left yet, cannot come back.
#[tokio::test]
async fn what_comes_back_names_a_mail_that_left() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let (id, _, mail) = world.due_mails().await.remove(0);
    let name = mail.name(id.id);
    assert!(!world.bounce(name, true).await);
    world.assert_status("1.0").await;
    assert_eq!(world.leave().await, name);
    assert!(world.bounce(name, true).await);
    world.assert_status("5.2").await;
}
