#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use scheduling::{
    Actor, Conditions,
    desk::{Put, Settings},
    mail::HELD_AFTER_RESTORE,
};
use storage::{
    ResourcePath, Store,
    backend::{Commit, KeyRange, Operation, Page},
    memory::Memory,
    model::{Principal, PrincipalKind},
    testing,
};

use super::*;

/// More than there are mails made at once.
const PEOPLE: usize = 60;

/// Alice invites many elsewhere; then all that waits is held, as after a restore.
async fn held() -> Desk {
    let environment = testing::environment();
    let backend = Arc::new(Memory::new(Arc::clone(&environment.clock)));
    let store = Store::open(backend, environment).await.unwrap();
    let mut alice = Principal::new(PrincipalKind::User, "alice");
    alice.addresses = vec!["mailto:alice@example.com".to_owned()];
    let alice = Actor::of(store.add_account(alice, None).await.unwrap());
    let desk = Desk::new(store, Settings::default());
    let people = (0..PEOPLE).map(|number| format!("ATTENDEE:mailto:r{number}@elsewhere.test\r\n"));
    let put = Put {
        path: ResourcePath {
            owner_kind: PrincipalKind::User,
            owner_name: "alice".to_owned(),
            segments: vec!["calendar".to_owned(), "m.ics".to_owned()],
        },
        content_type: None,
        octets: Bytes::from(format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:m\r\n\
             DTSTAMP:20260101T000000Z\r\nDTSTART:20270201T090000Z\r\n\
             ORGANIZER:mailto:alice@example.com\r\n{}END:VEVENT\r\nEND:VCALENDAR\r\n",
            people.collect::<String>()
        )),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    desk.put(&alice, put).await.unwrap();
    for (queue, held) in HELD_AFTER_RESTORE {
        assert!(desk.store().hold_work(queue, held).await.unwrap() > 0);
    }
    desk
}

async fn listed(desk: &Desk, held_only: bool) -> Vec<MailLine> {
    match perform(desk, MailOperation::List { held_only }).await {
        Ok(MailOutcome::Listed(lines, false)) => lines,
        other => panic!("{other:?}"),
    }
}

/// Puts octets that say nothing in the place of the first row of a queue.
async fn damage(desk: &Desk, queue: &str) {
    let store = desk.store();
    let rows = store.list_unread_work(queue, None, 1).await.unwrap();
    let id = rows[0].id.id.to_be_bytes();
    let page = Page {
        rows: usize::MAX,
        octets: usize::MAX,
        reverse: false,
    };
    let all = store.backend().scan(KeyRange::all(), page).await.unwrap();
    let mut keys = all.rows.into_iter().map(|(key, _)| key);
    let key = keys.find(|key| {
        key.ends_with(&id)
            && key
                .windows(queue.len())
                .any(|part| part == queue.as_bytes())
    });
    let torn = Commit {
        id: 0,
        expect: Vec::new(),
        operations: vec![Operation::Put(key.unwrap(), Bytes::from_static(b"torn"))],
        observed: None,
    };
    store.backend().commit(torn).await.unwrap();
}

/// Each mail to one of many is listed and released, made or not when the backup was.
#[tokio::test]
async fn held_mails_to_many_are_listed_and_released() {
    let desk = held().await;
    let lines = listed(&desk, true).await;
    assert_eq!(lines.len(), PEOPLE);
    assert!(
        lines
            .iter()
            .all(|line| line.held && line.to.starts_with('r'))
    );
    let released = perform(&desk, MailOperation::Release(Which::AllHeld)).await;
    assert_eq!(released, Ok(MailOutcome::Done(PEOPLE)));
    assert_eq!(listed(&desk, true).await, []);
    assert_eq!(listed(&desk, false).await.len(), PEOPLE);
}

/// A row that cannot be read is shown as that, and stands in the way of no other.
#[tokio::test]
async fn an_unreadable_row_hides_no_other() {
    let desk = held().await;
    damage(&desk, HELD_QUEUE).await;
    damage(&desk, HELD_MAILING_QUEUE).await;
    let lines = listed(&desk, true).await;
    let unreadable = lines.iter().filter(|line| line.about == "(unreadable)");
    let unreadable: Vec<String> = unreadable.map(|line| line.id.clone()).collect();
    assert_eq!(unreadable.len(), 2, "{lines:?}");
    let readable = lines.len() - 2;
    let released = perform(&desk, MailOperation::Release(Which::AllHeld)).await;
    assert_eq!(released, Ok(MailOutcome::Done(readable)));
    assert_eq!(listed(&desk, true).await.len(), 2);
    let dropped = perform(&desk, MailOperation::Drop(Which::These(unreadable))).await;
    assert_eq!(dropped, Ok(MailOutcome::Done(2)));
    assert_eq!(listed(&desk, true).await, []);
}
