//! Convoke's own: POST to `OBJECT-URL;dry-run` says what a change would come to.

use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, put_new};

const PEOPLE: &str = "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:alice@example.com\n\
    ATTENDEE:mailto:bob@example.com\nATTENDEE:mailto:xenia@elsewhere.test\n";

fn at(name: &str) -> String {
    calendar("alice") + name
}

async fn try_out(client: &Client, url: &str, text: &str) -> Reply {
    let request = client
        .request("POST", url)
        .header("Content-Type", "text/calendar");
    request.body(text.to_owned()).send().await
}

#[tokio::test]
async fn it_says_what_would_be_stored_sent_and_answered_and_changes_nothing() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let text = event("m", PEOPLE);
    let dry = try_out(&alice, &(at("m.ics") + ";dry-run"), &text).await;
    dry.expect(&[200]);
    for part in [
        "<D:href>/dav/calendars/users/alice/calendar/m.ics</D:href>",
        "<D:status>HTTP/1.1 201 Created</D:status>",
        "SCHEDULE-STATUS=1.2",
        "<X:way>local</X:way>",
        "<D:href>mailto:bob@example.com</D:href>",
        "<X:schedule-status>1.2</X:schedule-status>",
        "<D:href>mailto:xenia@elsewhere.test</D:href>",
    ] {
        let text = dry.text();
        assert!(text.contains(part), "{part} in {text}");
    }
    alice.get(&at("m.ics")).await.expect(&[404]);
    let copies = bob.propfind(&calendar("bob"), "1", "<D:getetag/>").await;
    assert!(!copies.text().contains(".ics"), "{}", copies.text());

    let etag = put_new(&alice, &at("n.ics"), &event("n", "")).await;
    let removal = at("n.ics") + ";dry-run=delete";
    let dry = alice.request("POST", &removal).send().await;
    dry.expect(&[200]);
    assert!(dry.text().contains("HTTP/1.1 204"), "{}", dry.text());
    let with_body = try_out(&alice, &removal, &text).await;
    with_body.expect(&[400]);
    assert_eq!(alice.get(&at("n.ics")).await.header("ETag"), etag);
}

#[tokio::test]
async fn its_header_fields_and_errors_are_those_of_the_change() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let etag = put_new(&alice, &at("m.ics"), &event("m", "")).await;
    let dry = at("m.ics") + ";dry-run";
    for (name, value, status) in [
        ("If-Match", etag.as_str(), 200),
        ("If-Match", "\"other\"", 412),
        ("If-None-Match", "*", 412),
        ("If-Schedule-Tag-Match", "\"none\"", 412),
        ("Schedule-Reply", "maybe", 400),
        ("Content-Encoding", "gzip", 415),
    ] {
        let request = alice.request("POST", &dry).header(name, value);
        let reply = request.body(event("m", "X-A:b\n")).send().await;
        reply.expect(&[status]);
    }
    for (text, element) in [
        (event("other", ""), "no-uid-conflict"),
        ("x".to_owned(), "valid-calendar-data"),
        ("x".repeat(2 * 1024 * 1024), "max-resource-size"),
    ] {
        let reply = try_out(&alice, &dry, &text).await;
        reply.expect(&[403]);
        assert!(reply.text().contains(element), "{}", reply.text());
        let put = alice.put(&at("m.ics"), &text).await;
        assert_eq!((put.status, put.text()), (reply.status, reply.text()));
    }
    let bob = server.client("bob");
    try_out(&bob, &dry, &event("m", "")).await.expect(&[403]);
    let anybody = server.anonymous();
    try_out(&anybody, &dry, &event("m", ""))
        .await
        .expect(&[401]);
}

/// What was meant as a try must not become the change: only POST is allowed there.
#[tokio::test]
async fn it_is_no_place_where_something_is_stored() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let dry = at("m.ics") + ";dry-run";
    let put = alice.put(&dry, &event("m", PEOPLE)).await;
    put.expect(&[405]);
    assert_eq!(put.header("Allow"), "OPTIONS, POST");
    for method in ["GET", "DELETE", "PROPFIND", "MKCOL", "LOCK"] {
        alice.request(method, &dry).send().await.expect(&[405]);
    }
    let listed = alice
        .propfind(&calendar("alice"), "1", "<D:getetag/>")
        .await;
    assert!(!listed.text().contains("m.ics"), "{}", listed.text());
    // A name that only looks so is found under the URL that is listed for it.
    let named = at("n.ics%3Bdry-run");
    put_new(&alice, &named, &event("n", "")).await;
    let listed = alice
        .propfind(&calendar("alice"), "1", "<D:getetag/>")
        .await;
    assert!(listed.text().contains(&named), "{}", listed.text());
    alice.get(&named).await.expect(&[200]);
}
