#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use scheduling::{
    desk::Settings,
    mail::{MessageKind, Party, Voice},
};
use storage::{memory::Memory, model::CollectionId, testing, testing::ManualClock};

use super::*;
use crate::{
    limits::Limits,
    mail::{MailRoute, MemoryOutbox, Transport},
};

struct Office {
    store: Store,
    clock: Arc<ManualClock>,
    outbox: MemoryOutbox,
    worker: MailWorker,
    desk: Desk,
}

async fn office() -> Office {
    let clock = Arc::new(ManualClock::default());
    let environment = testing::environment_at(Arc::clone(&clock));
    let backend = Arc::new(Memory::new(Arc::clone(&environment.clock)));
    let store = Store::open(backend, environment).await.unwrap();
    let settings = Settings {
        mail_possible: true,
        limits: Limits::default().of_desk(),
        local_domains: Vec::new(),
        ..Settings::default()
    };
    let desk = Desk::new(store.clone(), settings);
    let outbox = MemoryOutbox::default();
    let worker = worker(&desk, &MailRoute::Memory(outbox.clone()));
    Office {
        store,
        clock,
        outbox,
        worker,
        desk,
    }
}

fn worker(desk: &Desk, route: &MailRoute) -> MailWorker {
    let identity = Identity::new(&["example.com".to_owned()], "calendar@example.com").unwrap();
    MailWorker::new(desk.clone(), Transport::open(route).unwrap(), identity)
}

fn message(number: u32) -> OutgoingMessage {
    let recipient = format!("guest{number}@elsewhere.example");
    OutgoingMessage {
        kind: MessageKind::Invitation,
        voice: Voice::Own,
        method: "REQUEST".into(),
        from: Party {
            address: "alice@example.com".into(),
            name: None,
        },
        to: Party {
            address: recipient.clone(),
            name: None,
        },
        details: Arc::default(),
        calendar: Bytes::from_static(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
        language: None,
        home: CollectionId(1),
        uid: "uid".into(),
        recipient: format!("mailto:{recipient}"),
    }
}

impl Office {
    async fn enqueue(&self, number: u32) {
        self.enqueue_octets(number, message(number).encode()).await;
    }

    async fn enqueue_octets(&self, number: u32, payload: Vec<u8>) {
        let now = self.store.environment().clock.now();
        let work = Work::new(QUEUE, Bytes::from(payload), now);
        let mut batch = self.store.batch();
        batch.enqueue(
            &WorkId {
                due: now,
                id: number.into(),
            },
            &work,
        );
        self.store.commit(batch).await.unwrap();
    }

    async fn rows(&self) -> Vec<(WorkId, Stored<Work>)> {
        self.store.list_work(QUEUE, None, 1000).await.unwrap()
    }

    fn minutes(&self, minutes: i64) {
        self.clock.advance(minutes * 60 * 1000);
    }
}

fn temporary() -> SendError {
    SendError::Temporary("451 later".into())
}

#[test]
fn waits_double_up_to_a_bound() {
    let minutes: Vec<i64> = (1..=10)
        .map(|attempts| wait_after(attempts) / 60_000)
        .collect();
    assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240]);
}

#[test]
fn all_attempts_together_last_four_to_five_days() {
    let milliseconds: i64 = (1..MAXIMUM_ATTEMPTS).map(wait_after).sum();
    let days = milliseconds as f64 / (24.0 * 60.0 * 60.0 * 1000.0);
    assert!((4.0..5.0).contains(&days), "{days}");
}

#[tokio::test]
async fn a_mail_goes_out_once_and_its_row_is_gone() {
    let office = office().await;
    office.enqueue(1).await;
    assert_eq!(office.worker.send_due().await, Ok(1));
    assert_eq!(office.worker.send_due().await, Ok(0));
    let sent = office.outbox.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].envelope_to.to_string(), "guest1@elsewhere.example");
    assert!(office.rows().await.is_empty());
}

#[tokio::test]
async fn a_temporary_error_is_tried_again_later_with_the_same_octets() {
    let office = office().await;
    office.enqueue(1).await;
    let created = office.rows().await[0].1.created;
    office.outbox.fail_next(temporary());
    office.worker.send_due().await.unwrap();
    let (id, row) = office.rows().await.remove(0);
    assert_eq!(
        (row.attempts, row.last_error.as_deref()),
        (1, Some("451 later"))
    );
    assert_eq!(id.due.0 - office.store.environment().clock.now().0, 60_000);
    assert_eq!(office.worker.send_due().await, Ok(0), "not before its time");
    office.minutes(1);
    assert_eq!(office.worker.send_due().await, Ok(1));
    let expected = render(&message(1), 1, created, &office.worker.shared.identity).unwrap();
    assert_eq!(office.outbox.sent(), [expected]);
}

#[tokio::test]
async fn a_permanent_error_is_the_end() {
    let office = office().await;
    office.enqueue(1).await;
    office
        .outbox
        .fail_next(SendError::Permanent("550 no such user".into()));
    office.worker.send_due().await.unwrap();
    assert!(office.outbox.sent().is_empty());
    assert!(office.rows().await.is_empty());
}

#[tokio::test]
async fn temporary_errors_end_at_last() {
    let office = office().await;
    office.enqueue(1).await;
    for attempt in 1..=MAXIMUM_ATTEMPTS {
        assert_eq!(office.rows().await.len(), 1, "before attempt {attempt}");
        office.outbox.fail_next(temporary());
        assert_eq!(office.worker.send_due().await, Ok(1), "attempt {attempt}");
        office.minutes(240);
    }
    assert!(office.rows().await.is_empty());
    assert!(office.outbox.sent().is_empty());
}

#[tokio::test]
async fn a_mail_that_cannot_be_written_does_not_stay() {
    let office = office().await;
    let mut impossible = message(1);
    impossible.to.address = "nobody".into();
    office.enqueue_octets(1, impossible.encode()).await;
    office.enqueue(2).await;
    assert_eq!(office.worker.send_due().await, Ok(2));
    assert_eq!(office.outbox.sent().len(), 1);
    assert!(office.rows().await.is_empty());
}

/// The organizer's object is gone, or never was: who is not invited is not told of a meeting. What others send is theirs.
#[tokio::test]
async fn what_is_not_meant_any_more_does_not_leave() {
    let office = office().await;
    for (number, organizer, method) in [
        (1, "alice", "REQUEST"),
        (2, "alice", "CANCEL"),
        (3, "x", "REQUEST"),
    ] {
        let calendar = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:uid\r\n\
             ORGANIZER:mailto:{organizer}@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let mail = OutgoingMessage {
            calendar: calendar.into(),
            method: method.to_owned(),
            ..message(number)
        };
        office.enqueue_octets(number, mail.encode()).await;
    }
    assert_eq!(office.worker.send_due().await, Ok(3));
    let mut sent: Vec<String> = office
        .outbox
        .sent()
        .iter()
        .map(|mail| mail.envelope_to.to_string())
        .collect();
    sent.sort();
    assert_eq!(
        sent,
        ["guest2@elsewhere.example", "guest3@elsewhere.example"]
    );
    assert!(office.rows().await.is_empty());
}

/// A later version may know what it is, or somebody who runs the server.
#[tokio::test]
async fn a_mail_that_cannot_be_read_stays() {
    let office = office().await;
    office.enqueue_octets(1, b"nonsense".to_vec()).await;
    office.enqueue(2).await;
    assert_eq!(office.worker.send_due().await, Ok(2));
    assert_eq!(office.outbox.sent().len(), 1);
    for attempts in 1..=100 {
        let rows = office.rows().await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].1.attempts, attempts);
        assert!(rows[0].1.last_error.is_some());
        assert_eq!(office.worker.send_due().await, Ok(0), "it waits");
        office.minutes(241);
        assert_eq!(office.worker.send_due().await, Ok(1));
    }
}

#[tokio::test]
async fn without_a_way_out_a_mail_ends_at_once() {
    let office = office().await;
    office.enqueue(1).await;
    assert_eq!(
        worker(&office.desk, &MailRoute::None).send_due().await,
        Ok(1)
    );
    assert!(office.rows().await.is_empty());
}

#[tokio::test]
async fn a_row_whose_worker_died_is_taken_again_after_its_lease() {
    let office = office().await;
    office.enqueue(1).await;
    let (id, row) = office.rows().await.remove(0);
    let leased = office.worker.shared.lease(&id, &row).await.unwrap();
    assert!(leased.is_some(), "by a worker that dies here");
    assert_eq!(office.worker.send_due().await, Ok(0));
    office.minutes(10);
    assert_eq!(office.worker.send_due().await, Ok(1));
    assert_eq!(office.outbox.sent().len(), 1);
}

#[tokio::test]
async fn of_two_workers_one_wins_each_row() {
    let office = office().await;
    for number in 0..100 {
        office.enqueue(number).await;
    }
    let other = office.worker.clone();
    let (one, two) = tokio::join!(office.worker.send_due(), other.send_due());
    assert!(one.is_ok() && two.is_ok());
    let mut recipients: Vec<String> = office
        .outbox
        .sent()
        .iter()
        .map(|mail| mail.envelope_to.to_string())
        .collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!((recipients.len(), office.outbox.sent().len()), (100, 100));
}

#[tokio::test]
async fn it_is_woken_by_commits_and_stops_when_told() {
    let office = office().await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(office.worker.clone().run(stopped));
    let mut commits = office.store.backend().watch();
    office.enqueue(1).await;
    // The row goes with the commit that records how its mail went.
    while !office.rows().await.is_empty() {
        commits.changed().await.unwrap();
    }
    assert_eq!(office.outbox.sent().len(), 1);
    stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn in_a_folder_a_second_attempt_replaces_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let office = office().await;
    let route = MailRoute::Folder(folder.path().join("mail"));
    let worker = worker(&office.desk, &route);
    office.enqueue(1).await;
    let (_, row) = office.rows().await.remove(0);
    let mail = render(&message(1), 1, row.created, &worker.shared.identity).unwrap();
    let id = WorkId {
        due: row.created,
        id: 1,
    };
    worker.shared.send(&id, &row, &mail).await.unwrap();
    worker.send_due().await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path().join("mail"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].extension().unwrap(), "eml");
    assert_eq!(std::fs::read(&files[0]).unwrap(), mail.octets);
}
