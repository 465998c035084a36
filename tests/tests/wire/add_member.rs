//! RFC 5995: POST to the "Add-Member" URI of a collection.

use std::collections::BTreeSet;

use tests::{client::Reply, server::TestServer};

use super::{calendar, event, object};

/// The "Add-Member" URI that a collection tells.
async fn add_member_of(alice: &tests::client::Client, path: &str) -> String {
    let answer = alice.propfind(path, "0", "<D:add-member/>").await;
    let uri = answer.multistatus().responses[0].text("{DAV:}add-member");
    assert!(!uri.is_empty(), "{path} has no Add-Member URI");
    uri
}

async fn post(alice: &tests::client::Client, uri: &str, text: &str) -> Reply {
    alice
        .request("POST", uri)
        .header("Content-Type", "text/calendar; charset=utf-8")
        .header("Slug", "A title")
        .body(text.to_owned())
        .send()
        .await
}

/// RFC 5995 §3.1 and §3.4: the server chooses the name and tells it.
#[tokio::test]
async fn rfc_5995_3_1_a_new_member() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let uri = add_member_of(&alice, &calendar("alice")).await;
    let mut places = BTreeSet::new();
    for uid in ["one", "two"] {
        let text = event(uid, "");
        let made = post(&alice, &uri, &text).await;
        made.expect(&[201]);
        let place = made.header("Location").to_owned();
        assert!(place.starts_with(&calendar("alice")), "{place}");
        // RFC 5995 §7: the name tells nothing about the content.
        assert!(!place.contains(uid) && !place.contains("title"), "{place}");
        let got = alice.get(&place).await;
        assert_eq!(got.text(), text);
        assert_eq!(got.header("ETag"), made.header("ETag"));
        places.insert(place);
    }
    assert_eq!(places.len(), 2);
    // A file in a collection of files.
    let folder = "/dav/calendars/users/alice/files/";
    alice.request("MKCOL", folder).send().await.expect(&[201]);
    let uri = add_member_of(&alice, folder).await;
    let draft = alice.request("POST", &uri);
    let made = draft
        .header("Content-Type", "text/plain")
        .body("Sample text.")
        .send()
        .await;
    made.expect(&[201]);
    let got = alice.get(made.header("Location")).await;
    assert_eq!(got.text(), "Sample text.");
    assert_eq!(got.header("Content-Type"), "text/plain");
}

/// RFC 5995 §3.2.1: protected, not in allprop, and a live property; only where there is such a URI.
#[tokio::test]
async fn rfc_5995_3_2_1_the_property() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let all = alice
        .request("PROPFIND", &calendar("alice"))
        .header("Depth", "0")
        .send()
        .await
        .multistatus();
    assert_eq!(all.responses[0].status_of("{DAV:}add-member"), None);
    let live = alice
        .propfind(&calendar("alice"), "0", "<D:supported-live-property-set/>")
        .await
        .multistatus();
    let live = live.responses[0]
        .property("{DAV:}supported-live-property-set")
        .unwrap();
    for name in ["{DAV:}add-member", "{DAV:}supported-live-property-set"] {
        assert_eq!(live.descendants(name).len(), 1, "{name}");
    }
    for elsewhere in ["", "inbox/", "outbox/"] {
        let path = format!("/dav/calendars/users/alice/{elsewhere}");
        let answer = alice.propfind(&path, "0", "<D:add-member/>").await;
        let answer = answer.multistatus();
        assert_eq!(
            answer.responses[0].status_of("{DAV:}add-member"),
            Some(404),
            "{path}"
        );
    }
    let body = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:add-member><D:href>http://elsewhere/</D:href></D:add-member></D:prop></D:set></D:propertyupdate>"#;
    let refused = alice
        .request("PROPPATCH", &calendar("alice"))
        .xml(body.to_owned())
        .send()
        .await
        .multistatus();
    assert_eq!(
        refused.responses[0].status_of("{DAV:}add-member"),
        Some(403)
    );
}

/// RFC 5995 §3.1: the preconditions of a PUT apply, with the same bodies.
#[tokio::test]
async fn rfc_5995_3_1_preconditions_of_put() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let uri = add_member_of(&alice, &calendar("alice")).await;
    post(&alice, &uri, &event("one", "")).await.expect(&[201]);
    const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
    for (text, element) in [
        ("nonsense".to_owned(), "valid-calendar-data"),
        (event("one", ""), "no-uid-conflict"),
        (
            object("BEGIN:VEVENT\nDTSTART:20261102T090000Z\nEND:VEVENT\n"),
            "valid-calendar-object-resource",
        ),
    ] {
        let posted = post(&alice, &uri, &text).await;
        posted.expect_precondition(403, &format!("{CALDAV}{element}"));
        let put = alice.put(&(calendar("alice") + "other.ics"), &text).await;
        assert_eq!(posted.text(), put.text(), "{element}");
    }
    let wrong = alice
        .request("POST", &uri)
        .header("Content-Type", "text/plain");
    let wrong = wrong.body(event("two", "")).send().await;
    wrong.expect_precondition(403, &format!("{CALDAV}supported-calendar-data"));
    let listed = alice
        .propfind(&calendar("alice"), "1", "<D:getetag/>")
        .await;
    assert_eq!(
        listed.multistatus().responses.len(),
        2,
        "the calendar and one event"
    );
}

/// The conditions of the request are about the collection, which its URL names (RFC 9110 §13.1, RFC 4918
/// §10.4).
#[tokio::test]
async fn rfc_9110_13_1_conditions_of_post() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let uri = add_member_of(&alice, &calendar("alice")).await;
    let token = alice
        .propfind(&calendar("alice"), "0", "<D:sync-token/>")
        .await;
    let token = token.multistatus().responses[0].text("{DAV:}sync-token");
    let ask = |name: &'static str, value: String| {
        let (alice, uri) = (alice.clone(), uri.clone());
        async move {
            let draft = alice.request("POST", &uri).header(name, &value);
            let text = event(&format!("{name}{}", value.len()), "");
            draft.body(text).send().await
        }
    };
    for (name, value, status) in [
        ("If-None-Match", "*".to_owned(), 412),
        ("If-Match", "\"x\"".to_owned(), 412),
        ("If-Match", "*".to_owned(), 201),
        ("If", format!("(<{token}x>)"), 412),
        ("If", format!("(Not <{token}x>)"), 201),
    ] {
        ask(name, value.clone()).await.expect(&[status]);
    }
    // The first sync token of the calendar is not its token any more.
    ask("If", format!("(<{token}>)")).await.expect(&[412]);
}

/// RFC 5995 §5: who may not bind may not add; a locked collection wants its token (RFC 4918 §7.5).
#[tokio::test]
async fn rfc_5995_5_privileges_and_locks() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let uri = add_member_of(&alice, &calendar("alice")).await;
    post(&bob, &uri, &event("one", ""))
        .await
        .expect_precondition(403, "{DAV:}need-privileges");
    let lock = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;
    let locked = alice
        .request("LOCK", &calendar("alice"))
        .xml(lock.to_owned())
        .send()
        .await;
    locked.expect(&[200]);
    post(&alice, &uri, &event("one", ""))
        .await
        .expect_precondition(423, "{DAV:}lock-token-submitted");
    let token = locked.header("Lock-Token").to_owned();
    let draft = alice
        .request("POST", &uri)
        .header("If", &format!("({token})"));
    draft.body(event("one", "")).send().await.expect(&[201]);
}

/// RFC 7240 §4.2, RFC 8144 §3: the new member comes with the answer.
#[tokio::test]
async fn rfc_8144_3_1_representation_of_a_new_member() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let uri = add_member_of(&alice, &calendar("alice")).await;
    let text = event("one", "");
    let draft = alice
        .request("POST", &uri)
        .header("Prefer", "return=representation");
    let made = draft.body(text.clone()).send().await;
    made.expect(&[201]);
    assert_eq!(made.text(), text);
    assert_eq!(made.header("Content-Location"), made.header("Location"));
    assert_eq!(made.header("Preference-Applied"), "return=representation");
    assert_eq!(
        alice.get(made.header("Location")).await.header("ETag"),
        made.header("ETag")
    );
}

/// A POST that asks for nothing that is known here is told so, and where nothing can be posted is told
/// what can be done.
#[tokio::test]
async fn a_post_to_something_else_is_refused() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for (path, status) in [
        (calendar("alice") + "?no-such-action", 400),
        (
            "/dav/calendars/users/alice/inbox/?add-member".to_owned(),
            405,
        ),
        (
            "/dav/calendars/users/alice/missing/?add-member".to_owned(),
            404,
        ),
    ] {
        let reply = post(&alice, &path, &event("one", "")).await;
        reply.expect(&[status]);
    }
}
