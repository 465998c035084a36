//! RFC 4918 §6, §7, §9.10 and §9.11, where the litmus suite does not look: timeouts, calendars, races.

use std::time::Duration;

use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, put_new};

fn lock_body(scope: &str) -> String {
    format!(
        r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>me</D:owner></D:lockinfo>"#
    )
}

async fn lock(client: &Client, path: &str, scope: &str, timeout: &str) -> String {
    let reply = client
        .request("LOCK", path)
        .header("Timeout", timeout)
        .header("Depth", "0")
        .xml(lock_body(scope))
        .send()
        .await;
    reply.expect(&[200, 201]);
    reply.header("Lock-Token").to_owned()
}

/// RFC 4918 §5.2 and §9.10.1: what names a locked collection names it with a slash at its end.
#[tokio::test]
async fn rfc_4918_9_10_1_the_root_of_a_locked_collection() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let collection = calendar("alice");
    let named = |reply: &Reply, parent: &str| {
        let answer = reply.xml();
        answer.descendants(parent)[0].all_text()
    };
    let granted = alice
        .request("LOCK", collection.trim_end_matches('/'))
        .header("Depth", "0")
        .xml(lock_body("exclusive"))
        .send()
        .await;
    granted.expect(&[200]);
    assert_eq!(named(&granted, "{DAV:}lockroot"), collection);
    let refused = alice
        .put(&(collection.clone() + "a.ics"), &event("a", ""))
        .await;
    refused.expect_precondition(423, "{DAV:}lock-token-submitted");
    assert_eq!(named(&refused, "{DAV:}href"), collection);
    // a privilege that only collections ask for
    let refused = server
        .client("bob")
        .put(&(collection.clone() + "b.ics"), &event("b", ""))
        .await;
    refused.expect_precondition(403, "{DAV:}need-privileges");
    assert_eq!(named(&refused, "{DAV:}href"), collection);
    // and one that any resource does
    let refused = server
        .client("bob")
        .request("PROPFIND", &collection)
        .header("Depth", "0")
        .send()
        .await;
    refused.expect_precondition(403, "{DAV:}need-privileges");
    assert_eq!(named(&refused, "{DAV:}href"), collection);
}

/// RFC 4918 §7: a locked object is changed with its token only, and named in the refusal.
#[tokio::test]
async fn rfc_4918_7_write_lock_on_an_object() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "locked.ics";
    put_new(&alice, &path, &event("locked", "")).await;
    let token = lock(&alice, &path, "exclusive", "Second-600").await;
    let refused = alice.put(&path, &event("locked", "LOCATION:x\n")).await;
    refused.expect_precondition(423, "{DAV:}lock-token-submitted");
    assert_eq!(refused.xml().descendants("{DAV:}href")[0].all_text(), path);
    alice.delete(&path).await.expect(&[423]);
    let reply = alice
        .request("PUT", &path)
        .header("Content-Type", "text/calendar")
        .header("If", &format!("({token})"))
        .body(event("locked", "LOCATION:x\n"))
        .send()
        .await;
    reply.expect(&[204]);
    // A second exclusive lock conflicts.
    let conflict = alice
        .request("LOCK", &path)
        .header("Depth", "0")
        .xml(lock_body("shared"))
        .send()
        .await;
    conflict.expect(&[423]);
    // An UNLOCK with a token of nothing is refused.
    alice
        .request("UNLOCK", &path)
        .header(
            "Lock-Token",
            "<urn:uuid:00000000-0000-0000-0000-000000000000>",
        )
        .send()
        .await
        .expect(&[409]);
    alice
        .request("UNLOCK", &path)
        .header("Lock-Token", &token)
        .send()
        .await
        .expect(&[204]);
    alice.delete(&path).await.expect(&[204]);
}

/// RFC 4918 §6.6: a lock ends by itself, on the injected clock.
#[tokio::test]
async fn rfc_4918_6_6_locks_time_out() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "timeout.ics";
    put_new(&alice, &path, &event("timeout", "")).await;
    let token = lock(&alice, &path, "exclusive", "Second-60").await;
    server.advance(Duration::from_secs(59));
    alice
        .put(&path, &event("timeout", "LOCATION:x\n"))
        .await
        .expect(&[423]);
    // Refreshed in time, it holds on.
    let refreshed = alice
        .request("LOCK", &path)
        .header("If", &format!("({token})"))
        .header("Timeout", "Second-60")
        .send()
        .await;
    refreshed.expect(&[200]);
    server.advance(Duration::from_secs(59));
    alice
        .put(&path, &event("timeout", "LOCATION:x\n"))
        .await
        .expect(&[423]);
    server.advance(Duration::from_secs(2));
    alice
        .put(&path, &event("timeout", "LOCATION:x\n"))
        .await
        .expect(&[204]);
    alice
        .request("LOCK", &path)
        .header("If", &format!("({token})"))
        .send()
        .await
        .expect(&[412]);
    let found = alice
        .propfind(&path, "0", "<D:lockdiscovery/>")
        .await
        .multistatus();
    assert!(
        found.responses[0]
            .property("{DAV:}lockdiscovery")
            .unwrap()
            .children
            .is_empty()
    );
}

/// RFC 4918 §7.4: a lock of depth infinity on a collection protects what is in it, and what would come.
#[tokio::test]
async fn rfc_4918_7_4_collection_locks_protect_members() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = "/dav/calendars/users/alice/files/";
    alice.request("MKCOL", home).send().await.expect(&[201]);
    alice
        .request("PUT", &format!("{home}a.txt"))
        .body("a")
        .send()
        .await
        .expect(&[201]);
    let reply = alice
        .request("LOCK", home)
        .header("Depth", "infinity")
        .xml(lock_body("exclusive"))
        .send()
        .await;
    reply.expect(&[200]);
    let token = reply.header("Lock-Token").to_owned();
    alice
        .request("PUT", &format!("{home}a.txt"))
        .body("b")
        .send()
        .await
        .expect(&[423]);
    alice
        .request("PUT", &format!("{home}b.txt"))
        .body("b")
        .send()
        .await
        .expect(&[423]);
    alice
        .request("MKCOL", &format!("{home}c/"))
        .send()
        .await
        .expect(&[423]);
    alice.delete(&format!("{home}a.txt")).await.expect(&[423]);
    alice.delete(home).await.expect(&[423]);
    alice
        .request("PUT", &format!("{home}b.txt"))
        .header("If", &format!("<{home}> ({token})"))
        .body("b")
        .send()
        .await
        .expect(&[201]);
    alice
        .request("DELETE", home)
        .header("If", &format!("<{home}> ({token})"))
        .send()
        .await
        .expect(&[204]);
    // The lock went with the collection.
    alice.request("MKCOL", home).send().await.expect(&[201]);
    alice
        .request("PUT", &format!("{home}a.txt"))
        .body("a")
        .send()
        .await
        .expect(&[201]);
}

/// Of many who want the exclusive lock, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_exclusive_lock_wins() {
    let server = TestServer::start().await;
    let path = calendar("alice") + "raced.ics";
    put_new(&server.client("alice"), &path, &event("raced", "")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (alice, path) = (server.client("alice"), path.clone());
        tasks.spawn(async move {
            let reply = alice
                .request("LOCK", &path)
                .header("Depth", "0")
                .xml(lock_body("exclusive"))
                .send()
                .await;
            reply.expect(&[200, 423]);
            usize::from(reply.status == 200)
        });
    }
    let mut winners = 0;
    while let Some(won) = tasks.join_next().await {
        winners += won.unwrap();
    }
    assert_eq!(winners, 1);
}
