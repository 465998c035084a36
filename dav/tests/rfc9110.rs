//! GET, HEAD and PUT by RFC 9110.
#![allow(clippy::unwrap_used)]

mod common;

use common::{MAXIMUM_FILE_OCTETS, World, event};

/// RFC 9110 §9.3.1
#[tokio::test]
async fn get_gives_back_what_was_put() {
    let world = World::new().await;
    let sent = event("1", "One");
    let etag = world.put("calendar/1.ics", &sent).await;
    let answer = world.ask("GET calendar/1.ics", &[], "").await;
    assert_eq!((answer.code(), answer.body.as_str()), (200, sent.as_str()));
    assert_eq!(answer.header("etag"), etag);
    assert_eq!(
        answer.header("content-type"),
        "text/calendar; charset=utf-8; component=VEVENT"
    );
    assert_eq!(
        answer.header("last-modified"),
        "Thu, 01 Jan 2026 00:00:00 GMT"
    );
    // RFC 6638 §3.2.10: only scheduling objects have one.
    assert_eq!(answer.header("schedule-tag"), "");
}

/// RFC 9110 §9.3.2
#[tokio::test]
async fn head_is_get_without_content() {
    let world = World::new().await;
    world.put("calendar/1.ics", &event("1", "One")).await;
    let get = world.ask("GET calendar/1.ics", &[], "").await;
    let head = world.ask("HEAD calendar/1.ics", &[], "").await;
    assert_eq!((head.code(), head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    for name in ["etag", "last-modified", "content-type"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

/// RFC 9110 §15.5.6
#[tokio::test]
async fn collections_other_than_calendars_have_no_content() {
    let world = World::new().await;
    for path in [
        "/dav/calendars/users/alice/",
        "inbox/",
        "/dav/principals/users/alice/",
    ] {
        let answer = world.ask(&format!("GET {path}"), &[], "").await;
        assert_eq!(answer.code(), 405, "{path}: {answer:?}");
        assert!(answer.header("allow").contains("PROPFIND"), "{path}");
    }
    assert_eq!(world.status("GET calendar/missing.ics").await, 404);
    assert_eq!(world.status("GET missing/missing.ics").await, 404);
}

#[tokio::test]
async fn people_with_a_browser_are_greeted() {
    let world = World::new().await;
    let answer = world.ask("GET /", &[], "").await;
    assert_eq!(answer.code(), 200);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert!(answer.body.contains("CalDAV"));
}

/// RFC 9110 §13.1 and §13.2.2
#[tokio::test]
async fn conditional_get() {
    let world = World::new().await;
    let etag = world.put("calendar/1.ics", &event("1", "One")).await;
    let weak = format!("W/{etag}");
    let (before, then) = (
        "Wed, 31 Dec 2025 23:59:59 GMT",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    );
    for (headers, status) in [
        (vec![("if-none-match", etag.as_str())], 304),
        (vec![("if-none-match", weak.as_str())], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-match", etag.as_str())], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", weak.as_str())], 412),
        (vec![("if-match", "\"other\"")], 412),
        (vec![("if-modified-since", then)], 304),
        (vec![("if-modified-since", before)], 200),
        (vec![("if-modified-since", "yesterday")], 200),
        (
            vec![("if-modified-since", then), ("if-none-match", "\"other\"")],
            200,
        ),
        (vec![("if-unmodified-since", then)], 200),
        (vec![("if-unmodified-since", before)], 412),
        (
            vec![("if-unmodified-since", before), ("if-match", "*")],
            200,
        ),
        (vec![("if-none-match", "\"open")], 400),
    ] {
        let answer = world.ask("GET calendar/1.ics", &headers, "").await;
        assert_eq!(answer.code(), status, "{headers:?}");
        if status == 304 {
            assert_eq!(
                (answer.header("etag"), answer.body.as_str()),
                (etag.as_str(), ""),
                "{headers:?}"
            );
        }
    }
}

/// RFC 9110 §9.3.4
#[tokio::test]
async fn put_makes_and_replaces() {
    let world = World::new().await;
    let made = world
        .ask(
            "PUT calendar/1.ics",
            &[("if-none-match", "*")],
            &event("1", "One"),
        )
        .await;
    assert_eq!(made.code(), 201, "{made:?}");
    let again = world
        .ask(
            "PUT calendar/1.ics",
            &[("if-none-match", "*")],
            &event("1", "One"),
        )
        .await;
    assert_eq!(again.code(), 412);
    let etag = made.header("etag").to_owned();
    let changed = world
        .ask(
            "PUT calendar/1.ics",
            &[("if-match", &etag)],
            &event("1", "Two"),
        )
        .await;
    assert_eq!(changed.code(), 204, "{changed:?}");
    assert_ne!(changed.header("etag"), etag);
    let stale = world
        .ask(
            "PUT calendar/1.ics",
            &[("if-match", &etag)],
            &event("1", "Three"),
        )
        .await;
    assert_eq!(stale.code(), 412);
    assert!(
        world
            .ask("GET calendar/1.ics", &[], "")
            .await
            .body
            .contains("SUMMARY:Two")
    );
}

/// RFC 9110 §14.5
#[tokio::test]
async fn parts_are_refused() {
    let world = World::new().await;
    let answer = world
        .ask(
            "PUT calendar/1.ics",
            &[("content-range", "bytes 0-3/9")],
            "BEGI",
        )
        .await;
    assert_eq!(answer.code(), 400);
    assert!(answer.body.contains("Content-Range"), "{answer:?}");
    assert_eq!(world.status("GET calendar/1.ics").await, 404);
}

/// RFC 9110 §8.4 and §15.5.16
#[tokio::test]
async fn coded_bodies_are_refused() {
    let world = World::new().await;
    let object = event("1", "One");
    for (coding, status) in [("gzip", 415), ("identity", 201)] {
        let headers = [("content-encoding", coding)];
        let answer = world.ask("PUT calendar/1.ics", &headers, &object).await;
        assert_eq!(answer.code(), status, "{answer:?}");
    }
}

/// RFC 9110 §15.5.15, RFC 4918 §11.2: what is too long to be made is said to be, and not missing.
#[tokio::test]
async fn names_are_bounded() {
    let world = World::new().await;
    let (longest, too_long) = ("x".repeat(1024), "x".repeat(1025));
    let object = event("1", "One");
    let put = |name: &str| format!("PUT calendar/{name}");
    assert_eq!(world.ask(&put(&too_long), &[], &object).await.code(), 414);
    assert_eq!(world.ask(&put(&longest), &[], &object).await.code(), 201);
    let destination = format!("/dav/calendars/users/alice/calendar/{too_long}");
    let answer = world
        .ask(
            &format!("MOVE calendar/{longest}"),
            &[("destination", &destination)],
            "",
        )
        .await;
    assert_eq!(answer.code(), 414, "{answer:?}");
}

/// RFC 9110 §15.5.14
#[tokio::test]
async fn what_is_too_large_is_refused() {
    let world = World::new().await;
    let large = "x".repeat(usize::try_from(MAXIMUM_FILE_OCTETS).unwrap() + 1);
    assert_eq!(world.ask("PUT file", &[], &large).await.code(), 413);
    assert_eq!(world.ask("PUT file", &[], &large[1..]).await.code(), 201);
}

/// Client behaviours, point 4: Thunderbird looks whether a server lets it write anywhere.
#[tokio::test]
async fn probes_never_succeed() {
    let world = World::new().await;
    for path in [
        "/",
        "/dav/",
        "/dav/calendars/users/alice/",
        "calendar/",
        "/dav/principals/users/alice/",
    ] {
        let answer = world
            .ask(&format!("PUT {path}"), &[("if-match", "nothing")], "x")
            .await;
        assert!(matches!(answer.code(), 405 | 412), "{path}: {answer:?}");
    }
}

/// RFC 9110 §15.6.2
#[tokio::test]
async fn unknown_methods_are_not_implemented() {
    let world = World::new().await;
    assert_eq!(world.status("FROBNICATE calendar/").await, 501);
    let answer = world.ask("POST inbox/", &[], "x").await;
    assert_eq!(answer.code(), 405);
    assert!(answer.header("allow").contains("PROPFIND"), "{answer:?}");
}
