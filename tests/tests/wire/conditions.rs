//! Conditional requests: RFC 9110 §13 and RFC 6638 §8.3. No interleaving loses an update.

use tests::server::TestServer;

use super::{calendar, event, put_new};

/// RFC 9110 §13.1.1 and §13.1.2 on every kind of write.
#[tokio::test]
async fn rfc_9110_13_1_if_match_and_if_none_match() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "conditional.ics";
    let text = event("conditional", "");
    let put = |name: &'static str, value: String, text: String| {
        let (alice, path) = (alice.clone(), path.clone());
        async move {
            alice
                .request("PUT", &path)
                .header("Content-Type", "text/calendar")
                .header(name, &value)
                .body(text)
                .send()
                .await
        }
    };
    // Not there yet.
    put("If-Match", "*".to_owned(), text.clone())
        .await
        .expect(&[412]);
    put("If-Match", "\"x\"".to_owned(), text.clone())
        .await
        .expect(&[412]);
    let first = put("If-None-Match", "*".to_owned(), text.clone()).await;
    first.expect(&[201]);
    let first = first.header("ETag").to_owned();
    // There.
    put("If-None-Match", "*".to_owned(), text.clone())
        .await
        .expect(&[412]);
    put("If-None-Match", first.clone(), text.clone())
        .await
        .expect(&[412]);
    put("If-Match", format!("W/{first}"), text.clone())
        .await
        .expect(&[412]);
    put("If-Match", "\"other\"".to_owned(), text.clone())
        .await
        .expect(&[412]);
    let changed = event("conditional", "LOCATION:There\n");
    let second = put("If-Match", format!("\"other\", {first}"), changed.clone()).await;
    second.expect(&[204]);
    let second = second.header("ETag").to_owned();
    assert_ne!(first, second);
    put("If-Match", first.clone(), text.clone())
        .await
        .expect(&[412]);
    assert_eq!(
        alice.get(&path).await.text(),
        changed,
        "a refused PUT changes nothing"
    );
    // DELETE and GET.
    alice
        .request("DELETE", &path)
        .header("If-Match", &first)
        .send()
        .await
        .expect(&[412]);
    alice
        .request("GET", &path)
        .header("If-None-Match", &second)
        .send()
        .await
        .expect(&[304]);
    alice
        .request("GET", &path)
        .header("If-None-Match", &format!("W/{second}"))
        .send()
        .await
        .expect(&[304]);
    alice
        .request("GET", &path)
        .header("If-None-Match", &first)
        .send()
        .await
        .expect(&[200]);
    alice
        .request("GET", &path)
        .header("If-Match", &first)
        .send()
        .await
        .expect(&[412]);
    alice
        .request("DELETE", &path)
        .header("If-Match", &second)
        .send()
        .await
        .expect(&[204]);
}

/// RFC 4918 §10.4: entity tags, state tokens and Not in the If header.
#[tokio::test]
async fn rfc_4918_10_4_if_header() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "if.ics";
    let etag = put_new(&alice, &path, &event("if", "")).await;
    for (value, statuses) in [
        (format!("([{etag}])"), 204),
        ("([\"other\"])".to_owned(), 412),
        (format!("(Not [{etag}])"), 412),
        (format!("([\"other\"]) ([{etag}])"), 204),
        ("(Not <DAV:no-lock>)".to_owned(), 204),
        ("(<DAV:no-lock>)".to_owned(), 412),
        (format!("<{path}> ([{etag}])"), 204),
        (format!("<{}{path}> ([\"x\"])", server.url()), 412),
        ("(".to_owned(), 400),
        ("nonsense".to_owned(), 400),
    ] {
        let reply = alice
            .request("PUT", &path)
            .header("Content-Type", "text/calendar")
            .header("If", &value)
            .body(event("if", ""))
            .send()
            .await;
        assert_eq!(reply.status.as_u16(), statuses, "{value}: {}", reply.text());
    }
}

/// Client behaviour 10: Prefer: return=representation.
#[tokio::test]
async fn rfc_8144_2_return_representation() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "prefer.ics";
    let put = |etag: &'static str, text: String| {
        alice
            .request("PUT", &path)
            .header("Content-Type", "text/calendar")
            .header("Prefer", "return=representation")
            .header(
                if etag == "*" {
                    "If-None-Match"
                } else {
                    "If-Match"
                },
                etag,
            )
            .body(text)
            .send()
    };
    let created = put("*", event("prefer", "")).await;
    created.expect(&[201]);
    assert_eq!(created.text(), event("prefer", ""));
    assert_eq!(created.header("Content-Location"), path);
    let refused = put("\"stale\"", event("prefer", "LOCATION:No\n")).await;
    refused.expect(&[412]);
    assert_eq!(
        refused.text(),
        event("prefer", ""),
        "412 brings the current state (RFC 8144 §3.2)"
    );
    assert_eq!(refused.header("ETag"), created.header("ETag"));
}
