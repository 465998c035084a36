//! Extended MKCOL (RFC 5689).
#![allow(clippy::unwrap_used)]

mod common;

use common::{World, event};

fn mkcol(properties: &str) -> String {
    format!(
        "<D:mkcol xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:set><D:prop>{properties}</D:prop></D:set></D:mkcol>"
    )
}

/// RFC 5689 §4.1
#[tokio::test]
async fn a_calendar_is_made() {
    let world = World::new().await;
    let body = mkcol(
        "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Work</D:displayname>",
    );
    let answer = world
        .ask("MKCOL work/", &[("content-type", "application/xml")], &body)
        .await;
    assert_eq!(answer.code(), 201, "{answer:?}");
    world.put("work/1.ics", &event("1", "One")).await;
    world
        .ask("PUT work/2.ics", &[], "junk")
        .await
        .refuses(403, "C:valid-calendar-data");
}

/// RFC 5689 §3
#[tokio::test]
async fn a_plain_collection_is_made() {
    let world = World::new().await;
    for (path, properties) in [
        ("one/", "<D:resourcetype><D:collection/></D:resourcetype>"),
        ("two/", "<D:displayname>Two</D:displayname>"),
    ] {
        let answer = world
            .ask(&format!("MKCOL {path}"), &[], &mkcol(properties))
            .await;
        assert_eq!(answer.code(), 201, "{answer:?}");
        world.put(&format!("{path}file"), "anything").await;
    }
}

/// RFC 5689 §3.5
#[tokio::test]
async fn one_bad_property_and_nothing_is_made() {
    let world = World::new().await;
    let body = mkcol(
        "<D:resourcetype><D:collection/><E:special xmlns:E='urn:e'/></D:resourcetype><D:displayname>x</D:displayname>",
    );
    let answer = world.ask("MKCOL special/", &[], &body).await;
    assert_eq!(answer.code(), 403, "{answer:?}");
    for part in [
        "<D:mkcol-response",
        "<D:prop><D:resourcetype/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:valid-resourcetype/></D:error>",
        "<D:prop><D:displayname/></D:prop><D:status>HTTP/1.1 424 Failed Dependency</D:status>",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    assert_eq!(world.status("MKCOL special/").await, 201);
}

/// RFC 5689 §3: other roots are reserved.
#[tokio::test]
async fn other_bodies_are_not_supported() {
    let world = World::new().await;
    let answer = world
        .ask(
            "MKCOL x/",
            &[("content-type", "text/xml")],
            "<D:propertyupdate xmlns:D='DAV:'/>",
        )
        .await;
    assert_eq!(answer.code(), 415);
    assert_eq!(
        world
            .ask("MKCOL x/", &[("content-type", "text/xml")], "<D:mkcol")
            .await
            .code(),
        400
    );
    assert_eq!(world.status("PROPFIND x/").await, 404);
}
