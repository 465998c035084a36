//! What clients and administrators meet after a restore.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use scheduling::mail::{HELD_QUEUE, MessageKind, OutgoingMessage, Party, QUEUE, Voice};
use server::mail::{MailOperation, MailOutcome, Which, perform_mail};
use storage::{
    Timestamp,
    model::{Work, WorkId},
    restore::{Restore, restore},
    sled::{Origin, Source},
};
use tests::{client::Client, server::TestServer};

use super::{calendar, event, put_new};

fn sync(token: &str) -> String {
    format!(
        r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"#
    )
}

/// A server on what a backup of this one holds; the old one goes on.
async fn restored(server: &TestServer, folder: &Path) -> TestServer {
    let (backend, path) = (server.store().backend().clone(), folder.join("backup"));
    let backup = path.clone();
    let making = tokio::task::spawn_blocking(move || {
        let mut file = fs::File::create(path).unwrap();
        backend.backup(&mut file, &mut || true).unwrap();
    });
    making.await.unwrap();
    let source = Source {
        origin: Origin::Backup(backup),
        archives: Vec::new(),
        until: None,
    };
    let wanted = Restore {
        source,
        into: folder.join("restored"),
        within: false,
        held: vec![(QUEUE, HELD_QUEUE)],
    };
    let environment = server.store().environment();
    restore(wanted, environment, Box::new(|_| true))
        .await
        .unwrap();
    TestServer::start_on(&folder.join("restored")).await
}

async fn ctag(client: &Client, path: &str) -> String {
    let properties = r#"<C:getctag xmlns:C="http://calendarserver.org/ns/"/>"#;
    let answer = client.propfind(path, "0", properties).await.multistatus();
    answer.responses[0]
        .text("{http://calendarserver.org/ns/}getctag")
        .to_owned()
}

/// RFC 6578 §3.8: tokens from before a restore are refused, so that clients sync anew by themselves.
#[tokio::test]
async fn rfc_6578_3_8_clients_resync_after_a_restore() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start_on_disk().await;
    let (alice, home) = (server.client("alice"), calendar("alice"));
    put_new(&alice, &(home.clone() + "a.ics"), &event("a", "")).await;
    let before = alice.report(&home, "1", &sync("")).await.multistatus();
    let token = before.sync_token.clone().unwrap();
    let old_ctag = ctag(&alice, &home).await;

    let server = restored(&server, folder.path()).await;
    let alice = server.client("alice");
    alice
        .report(&home, "1", &sync(&token))
        .await
        .expect_precondition(403, "{DAV:}valid-sync-token");
    assert_ne!(ctag(&alice, &home).await, old_ctag);
    let anew = alice.report(&home, "1", &sync("")).await.multistatus();
    assert_eq!(anew.hrefs(), before.hrefs());
    let token = anew.sync_token.clone().unwrap();
    put_new(&alice, &(home.clone() + "b.ics"), &event("b", "")).await;
    let next = alice.report(&home, "1", &sync(&token)).await.multistatus();
    assert_eq!(next.responses.len(), 1, "{:?}", next.hrefs());
}

/// Waiting mail is not sent after a restore; RFC 6638 §3.2.9: what is dropped could not be delivered.
#[tokio::test]
async fn rfc_6638_3_2_9_held_mail_that_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start_on_disk().await;
    let (alice, path) = (server.client("alice"), calendar("alice") + "lunch.ics");
    let people = "ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE:mailto:guest@elsewhere.test\n";
    alice
        .put(&path, &event("lunch", people))
        .await
        .expect(&[201]);
    server.mails(1).await;
    server.write_mail_statuses().await;
    let principal = server.store().principal_by_name("alice").await.unwrap();
    let message = OutgoingMessage {
        kind: MessageKind::Update,
        voice: Voice::Own,
        method: "REQUEST".into(),
        from: Party {
            address: "alice@example.com".into(),
            name: None,
        },
        to: Party {
            address: "guest@elsewhere.test".into(),
            name: None,
        },
        details: Arc::default(),
        calendar: Bytes::from_static(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
        language: None,
        home: principal.unwrap().home.unwrap(),
        uid: "lunch".into(),
        recipient: "mailto:guest@elsewhere.test".into(),
    };
    let now = server.store().environment().clock.now();
    let id = WorkId {
        due: Timestamp(now.0 + 1000),
        ..server.store().new_work_id(now)
    };
    let work = Work {
        queue: QUEUE.to_owned(),
        attempts: 0,
        created: now,
        last_error: None,
        payload: message.encode().into(),
    };
    let mut batch = server.store().batch();
    batch.enqueue(&id, &work);
    server.store().commit(batch).await.unwrap();

    let server = restored(&server, folder.path()).await;
    let alice = server.client("alice");
    server.advance(std::time::Duration::from_secs(3600));
    assert!(server.mails(0).await.is_empty(), "nothing leaves by itself");
    let held = perform_mail(server.desk(), MailOperation::List { held_only: true }).await;
    let Ok(MailOutcome::Listed(held, false)) = held else {
        panic!("{held:?}");
    };
    assert_eq!(held.len(), 1);
    let before = alice.get(&path).await;
    assert!(
        before.text().contains("SCHEDULE-STATUS=1.1"),
        "{}",
        before.text()
    );
    let dropped = perform_mail(server.desk(), MailOperation::Drop(Which::AllHeld)).await;
    assert_eq!(dropped, Ok(MailOutcome::Done(1)));
    server.write_mail_statuses().await;
    let after = alice.get(&path).await;
    assert!(
        after.text().contains("SCHEDULE-STATUS=5.1"),
        "{}",
        after.text()
    );
    assert_ne!(after.header("ETag"), before.header("ETag"));
    assert_eq!(after.header("Schedule-Tag"), before.header("Schedule-Tag"));
}
