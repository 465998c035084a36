//! A store that cannot be written or read: what clients hear, and that service returns with the store.

use std::sync::Arc;

use storage::{
    backend::{CommitError, ReadError},
    memory::Memory,
    testing::{Faulty, ManualClock},
};
use tests::{client::Reply, server::TestServer};

use super::{calendar, event, put_new};

async fn faulty_server() -> (TestServer, Arc<Faulty>) {
    let memory = Memory::new(Arc::new(ManualClock::default()));
    let faulty = Arc::new(Faulty::new(Arc::new(memory)));
    let server = TestServer::start_on_backend(faulty.clone()).await;
    (server, faulty)
}

/// The refusal says that it passes, and after how long it is worth another try.
fn assert_passes(reply: &Reply, status: u16, text: &str) {
    reply.expect(&[status]);
    assert!(reply.header("Retry-After").parse::<u32>().unwrap() > 0);
    assert!(reply.text().contains(text), "{}", reply.text());
}

/// RFC 4918 §11.5, RFC 9110 §15.6.4: a full disk is 507, a broken one 503; reading goes on, and so does
/// writing as soon as the cause is gone.
#[tokio::test]
async fn rfc_4918_11_5_a_store_that_cannot_be_written() {
    let (server, faulty) = faulty_server().await;
    let alice = server.client("alice");
    let collection = calendar("alice");
    let place = collection.clone() + "a.ics";
    put_new(&alice, &place, &event("a", "")).await;
    let broken = CommitError::Unavailable("the journal cannot be written".to_owned());
    for (error, status, text) in [
        (CommitError::Full, 507, "the disk of the server is full"),
        (broken, 503, "the journal cannot be written"),
    ] {
        faulty.fail_all_commits(error);
        let new = collection.clone() + "new.ics";
        let refused = alice.put(&new, &event("new", "")).await;
        assert_passes(&refused, status, text);
        if status == 507 {
            // RFC 4331 §6: the quota has nothing to do with it.
            refused.expect_precondition(507, "{DAV:}sufficient-disk-space");
        }
        assert_passes(&alice.delete(&place).await, status, text);
        let make = alice.request("MKCALENDAR", "/dav/calendars/users/alice/made/");
        assert_passes(&make.send().await, status, text);
        let rename = alice.request("MOVE", &place).header("Destination", &new);
        assert_passes(&rename.send().await, status, text);
        alice.get(&place).await.expect(&[200]);
        alice.get(&new).await.expect(&[404]);
        let listing = alice.propfind(&collection, "1", "<D:getetag/>").await;
        listing.expect(&[207]);
        faulty.heal();
        put_new(&alice, &new, &event("new", "")).await;
        alice.delete(&new).await.expect(&[204]);
    }
}

/// The same where it cannot be read: neither an absence nor a refusal of the password.
#[tokio::test]
async fn rfc_9110_15_6_4_a_store_that_cannot_be_read() {
    let (server, faulty) = faulty_server().await;
    let alice = server.client("alice");
    let collection = calendar("alice");
    let place = collection.clone() + "a.ics";
    put_new(&alice, &place, &event("a", "")).await;
    faulty.fail_all_reads(ReadError::Unavailable("broken".to_owned()));
    for client in [&alice, &server.client("bob")] {
        let reply = client.get(&place).await;
        reply.expect(&[503]);
        assert!(reply.header("Retry-After").parse::<u32>().unwrap() > 0);
        let listing = client.propfind(&collection, "1", "<D:getetag/>").await;
        listing.expect(&[503]);
    }
    faulty.heal();
    alice.get(&place).await.expect(&[200]);
}
