//! RFC 6578: sync-collection, and `getctag`.

use std::collections::BTreeMap;

use tests::{client::Client, server::TestServer, xml::Multistatus};

use super::{calendar, event, put_new};

fn body(token: &str, limit: Option<usize>) -> String {
    let limit = limit.map_or(String::new(), |number| {
        format!("<D:limit><D:nresults>{number}</D:nresults></D:limit>")
    });
    format!(
        r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{limit}<D:prop><D:getetag/></D:prop></D:sync-collection>"#
    )
}

async fn sync(client: &Client, path: &str, token: &str, limit: Option<usize>) -> Multistatus {
    client
        .report(path, "1", &body(token, limit))
        .await
        .multistatus()
}

/// RFC 6578 §3.4 to §3.6: first sync, changes, removals, nothing twice.
#[tokio::test]
async fn rfc_6578_3_4_first_sync_and_changes() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    put_new(&alice, &(home.clone() + "a.ics"), &event("a", "")).await;
    put_new(&alice, &(home.clone() + "b.ics"), &event("b", "")).await;
    let first = sync(&alice, &home, "", None).await;
    // Client behaviour 6: the collection itself is not listed.
    assert_eq!(first.responses.len(), 2, "{:?}", first.hrefs());
    let token = first.sync_token.clone().unwrap();
    assert_eq!(
        token,
        alice
            .propfind(&home, "0", "<D:sync-token/>")
            .await
            .multistatus()
            .responses[0]
            .text("{DAV:}sync-token")
    );
    assert!(sync(&alice, &home, &token, None).await.responses.is_empty());
    put_new(&alice, &(home.clone() + "c.ics"), &event("c", "")).await;
    alice
        .put(&(home.clone() + "a.ics"), &event("a", "LOCATION:x\n"))
        .await
        .expect(&[204]);
    alice.delete(&(home.clone() + "b.ics")).await.expect(&[204]);
    put_new(&alice, &(home.clone() + "d.ics"), &event("d", "")).await;
    alice.delete(&(home.clone() + "d.ics")).await.expect(&[204]);
    let second = sync(&alice, &home, &token, None).await;
    assert_eq!(
        second.response("/a.ics").status_of("{DAV:}getetag"),
        Some(200)
    );
    assert_eq!(
        second.response("/c.ics").status_of("{DAV:}getetag"),
        Some(200)
    );
    assert_eq!(second.response("/b.ics").status, Some(404));
    assert!(second.responses.len() <= 4);
}

/// RFC 6578 §3.8 and §3.2: bad tokens, levels and depths.
#[tokio::test]
async fn rfc_6578_3_8_valid_sync_token() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    for token in ["nonsense", "http://example.com/ns/sync/1", "data:,1_999999"] {
        alice
            .report(&home, "1", &body(token, None))
            .await
            .expect_precondition(403, "{DAV:}valid-sync-token");
    }
    // Client behaviour 6: Depth 1, 0, or none; infinity is refused.
    for depth in ["0", "1"] {
        alice
            .report(&home, depth, &body("", None))
            .await
            .expect(&[207]);
    }
    alice
        .request("REPORT", &home)
        .xml(body("", None))
        .send()
        .await
        .expect(&[207]);
    alice
        .report(&home, "infinity", &body("", None))
        .await
        .expect(&[400]);
    // A token of one calendar is none of another.
    let other = "/dav/calendars/users/alice/other/";
    alice
        .request("MKCALENDAR", other)
        .send()
        .await
        .expect(&[201]);
    alice.delete(other).await.expect(&[204]);
}

/// RFC 6578 §3.6: a limit truncates, and going on from there misses nothing.
#[tokio::test]
async fn rfc_6578_3_6_truncation() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    for number in 0..25 {
        put_new(
            &alice,
            &format!("{home}{number:02}.ics"),
            &event(&number.to_string(), ""),
        )
        .await;
    }
    let mut token = String::new();
    let mut seen = BTreeMap::new();
    let mut pages = 0;
    loop {
        let page = sync(&alice, &home, &token, Some(10)).await;
        let truncated = page
            .responses
            .iter()
            .any(|response| response.status == Some(507) && response.href == home);
        let changes: Vec<_> = page
            .responses
            .iter()
            .filter(|response| response.href != home)
            .collect();
        assert!(changes.len() <= 10);
        for response in &changes {
            seen.insert(response.href.clone(), response.text("{DAV:}getetag"));
        }
        token = page.sync_token.unwrap();
        if !truncated && changes.is_empty() {
            break;
        }
        pages += 1;
        assert!(pages < 10, "no end");
        // A change between two pages is not lost.
        if pages == 1 {
            let path = format!("{home}00.ics");
            let reply = alice.put(&path, &event("0", "LOCATION:x\n")).await;
            reply.expect(&[204]);
        }
    }
    assert!(pages >= 3, "{pages}");
    assert_eq!(seen.len(), 25);
    let now = alice.get(&format!("{home}00.ics")).await;
    assert_eq!(seen[&format!("{home}00.ics")], now.header("ETag"));
}

/// Whatever happens, replaying the changes gives the listing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syncing_client_always_arrives_at_the_listing() {
    let server = TestServer::start().await;
    let home = calendar("alice");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (alice, home) = (server.client("alice"), home.clone());
        writers.spawn(async move {
            for number in 0..40 {
                let name = format!("{}", (number * 7 + writer) % 15);
                let path = format!("{home}{writer}-{name}.ics");
                if number % 3 == 2 {
                    alice.delete(&path).await.expect(&[204, 404]);
                } else {
                    alice
                        .put(
                            &path,
                            &event(&format!("{writer}-{name}"), &format!("X-N:{number}\n")),
                        )
                        .await
                        .expect(&[201, 204]);
                }
            }
        });
    }
    let alice = server.client("alice");
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut token = String::new();
    let mut finished = false;
    loop {
        let page = sync(&alice, &home, &token, None).await;
        for response in &page.responses {
            if response.status == Some(404) {
                known.remove(&response.href);
            } else {
                known.insert(response.href.clone(), response.text("{DAV:}getetag"));
            }
        }
        token = page.sync_token.unwrap();
        if finished {
            break;
        }
        finished = tokio::select! {
            biased;
            () = async { while let Some(done) = writers.join_next().await { done.unwrap(); } } => true,
            () = tokio::task::yield_now() => false,
        };
    }
    let listed = alice
        .propfind(&home, "1", "<D:getetag/>")
        .await
        .multistatus();
    let listing: BTreeMap<String, String> = listed
        .responses
        .iter()
        .filter(|response| response.href != home)
        .map(|response| (response.href.clone(), response.text("{DAV:}getetag")))
        .collect();
    assert_eq!(known, listing);
}

/// `getctag` moves with every change of a member, and with nothing else.
#[tokio::test]
async fn getctag_moves_with_changes() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let ctag = || async {
        alice
            .propfind(&home, "0", "<CS:getctag/>")
            .await
            .multistatus()
            .responses[0]
            .text("{http://calendarserver.org/ns/}getctag")
    };
    let start = ctag().await;
    assert_eq!(start, ctag().await);
    put_new(&alice, &(home.clone() + "a.ics"), &event("a", "")).await;
    let put = ctag().await;
    assert_ne!(start, put);
    alice.get(&(home.clone() + "a.ics")).await.expect(&[200]);
    alice
        .put(&(home.clone() + "a.ics"), "nonsense")
        .await
        .expect(&[403]);
    assert_eq!(put, ctag().await);
    alice.delete(&(home.clone() + "a.ics")).await.expect(&[204]);
    assert_ne!(put, ctag().await);
}
