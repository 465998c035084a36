//! Groups that are invited, and who comes into them later.

use std::time::Duration;

use tests::{client::Client, server::TestServer};

use super::{calendar, event, put_new};

/// Waits until somebody's calendar has as many objects, and gives their texts.
async fn copies(server: &TestServer, client: &Client, name: &str, number: usize) -> Vec<String> {
    let mut commits = server.store().backend().watch();
    let wait = async {
        loop {
            commits.borrow_and_update();
            let listed = client
                .propfind(&calendar(name), "1", "<D:getetag/>")
                .await
                .multistatus();
            let hrefs = listed.hrefs();
            let objects: Vec<&&str> = hrefs.iter().filter(|href| href.ends_with(".ics")).collect();
            if objects.len() == number {
                let mut texts = Vec::new();
                for href in objects {
                    texts.push(client.get(href).await.text().replace("\r\n ", ""));
                }
                return texts;
            }
            commits.changed().await.expect("the store is open");
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), wait).await;
    found.expect("the server follows")
}

/// Somebody comes into a group: the server invites them to what the group is invited to, and the organizer's client is
/// told to read before it writes (RFC 6638 §3.2.10).
#[tokio::test]
async fn who_comes_into_a_group_is_invited() {
    let server = TestServer::start().await;
    let (alice, carol) = (server.client("alice"), server.client("carol"));
    let lines = "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:team@example.com\n";
    let now = server.store().environment().clock.now();
    let later = jiff::Timestamp::from_millisecond(now.0 + 7 * 24 * 60 * 60 * 1000).unwrap();
    let meeting = event("1", lines).replace("20261102T", &later.strftime("%Y%m%dT").to_string());
    let path = calendar("alice") + "1.ics";
    alice.put(&path, &meeting).await.expect(&[201]);
    let tag = alice.get(&path).await.header("Schedule-Tag").to_owned();
    let store = server.store();
    let team = store.principal_by_name("team").await.unwrap().unwrap().id;
    let newcomer = store.principal_by_name("carol").await.unwrap().unwrap().id;
    let changed = store.change_principal(team, |team| team.members.push(newcomer));
    changed.await.unwrap();
    server.advance(Duration::from_secs(10));
    put_new(&alice, &(calendar("alice") + "2.ics"), &event("2", "")).await;
    let texts = copies(&server, &carol, "carol", 1).await;
    assert!(
        texts[0].contains("MEMBER=\"mailto:team@example.com\""),
        "{texts:?}"
    );
    let stale = alice
        .request("PUT", &path)
        .header("Content-Type", "text/calendar")
        .header("If-Schedule-Tag-Match", &tag)
        .body(meeting);
    stale.send().await.expect(&[412]);
    let log = alice
        .propfind(&path, "0", r#"<X:scheduling-log xmlns:X="urn:x-convoke"/>"#)
        .await;
    let log = log.text();
    assert!(log.contains("came into the group Team"), "{log}");
}
