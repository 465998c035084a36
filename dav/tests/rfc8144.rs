//! Prefer on PUT (RFC 7240, RFC 8144).
#![allow(clippy::unwrap_used)]

mod common;

use common::{HOME, World, event};

const REPRESENTATION: (&str, &str) = ("prefer", "return=representation");

/// RFC 7240 §4.2
#[tokio::test]
async fn a_put_may_answer_with_the_object() {
    let world = World::new().await;
    let one = event("1", "One");
    let made = world
        .ask("PUT calendar/1.ics", &[REPRESENTATION], &one)
        .await;
    assert_eq!((made.code(), made.body.as_str()), (201, one.as_str()));
    assert_eq!(
        made.header("content-location"),
        format!("{HOME}calendar/1.ics")
    );
    assert_eq!(made.header("preference-applied"), "return=representation");
    assert!(made.header("content-type").starts_with("text/calendar"));
    let two = event("1", "Two");
    let changed = world
        .ask("PUT calendar/1.ics", &[REPRESENTATION], &two)
        .await;
    assert_eq!((changed.code(), changed.body.as_str()), (200, two.as_str()));
    assert_ne!(changed.header("etag"), made.header("etag"));
    assert_ne!(changed.header("etag"), "");
}

/// RFC 8144 §3.2
#[tokio::test]
async fn who_lost_the_race_gets_what_won_it() {
    let world = World::new().await;
    let one = event("1", "One");
    let etag = world.put("calendar/1.ics", &one).await;
    let headers = [("if-match", "\"stale\""), REPRESENTATION];
    let answer = world
        .ask("PUT calendar/1.ics", &headers, &event("1", "Two"))
        .await;
    assert_eq!((answer.code(), answer.body.as_str()), (412, one.as_str()));
    assert_eq!(answer.header("etag"), etag);
    let missing = world
        .ask("PUT calendar/2.ics", &headers, &event("2", "Two"))
        .await;
    assert_eq!(missing.code(), 412);
    assert!(missing.body.contains("If-Match"), "{missing:?}");
    let plain = world
        .ask("PUT calendar/1.ics", &headers[..1], &event("1", "Two"))
        .await;
    assert_eq!(plain.code(), 412);
    assert!(!plain.body.contains("VCALENDAR"));
}
