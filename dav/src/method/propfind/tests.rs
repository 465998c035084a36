#![allow(clippy::unwrap_used)]

use http::StatusCode;

use super::MAXIMUM_INFINITE_RESOURCES;
use crate::{
    testing::{world, xml},
    xml::name::{caldav, dav},
};

const HOME: &str = "/dav/calendars/users/alice/";

/// RFC 4918 §9.1
#[tokio::test]
async fn depth_decides_what_is_listed() {
    let world = world().await;
    world.put_event("a", "DTSTART:20260301T090000Z").await;
    let calendar = format!("{HOME}calendar/");
    let members = ["calendar/", "inbox/", "outbox/"].map(|name| format!("{HOME}{name}"));
    let cases: [(&str, &str, Vec<String>); 5] = [
        ("/", "0", vec!["/".into()]),
        ("/", "1", vec!["/".into(), "/dav/".into()]),
        (HOME, "1", [&[HOME.to_owned()][..], &members].concat()),
        (
            &calendar,
            "1",
            vec![calendar.clone(), format!("{calendar}a.ics")],
        ),
        (
            &format!("{calendar}a.ics"),
            "1",
            vec![format!("{calendar}a.ics")],
        ),
    ];
    for (path, depth, expected) in cases {
        let answer = world
            .propfind(&world.alice, path, depth, "<D:resourcetype/>")
            .await;
        assert_eq!(answer.hrefs(), expected, "{path}");
    }
    let all = world.send(&world.alice, "PROPFIND", HOME, &[], "").await;
    assert_eq!(all.hrefs().len(), 5, "no Depth is infinity");
    for name in ["calendar", "calendar/"] {
        let answer = world
            .propfind(
                &world.alice,
                &format!("{HOME}{name}"),
                "0",
                "<D:resourcetype/>",
            )
            .await;
        assert_eq!(
            answer.hrefs(),
            [calendar.as_str()],
            "a slash makes no difference"
        );
    }
}

#[tokio::test]
async fn people_see_their_own_homes_and_administrators_all() {
    let world = world().await;
    let users = "/dav/calendars/users/";
    let mine = world
        .propfind(&world.alice, users, "1", "<D:resourcetype/>")
        .await;
    assert_eq!(mine.hrefs(), [users, HOME]);
    let all = world
        .propfind(&world.administrator, users, "1", "<D:resourcetype/>")
        .await;
    assert_eq!(all.hrefs().len(), 4);
    let others = world
        .send(&world.bob, "PROPFIND", HOME, &["Depth: 0"], "")
        .await;
    assert_eq!(others.status, StatusCode::FORBIDDEN);
    assert_eq!(others.precondition(), "need-privileges");
    let nobody = world
        .send(
            &world.administrator,
            "PROPFIND",
            "/dav/calendars/users/nobody/",
            &["Depth: 0"],
            "",
        )
        .await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    let principals = world
        .propfind(
            &world.bob,
            "/dav/principals/users/",
            "1",
            "<D:displayname/>",
        )
        .await;
    assert_eq!(principals.hrefs().len(), 4);
}

/// RFC 4918 §9.1.1
#[tokio::test]
async fn infinity_has_an_end() {
    let world = world().await;
    for number in 0..MAXIMUM_INFINITE_RESOURCES - 5 {
        world
            .put_event(&format!("{number}"), "DTSTART:20260301T090000Z")
            .await;
    }
    let infinity = || world.send(&world.alice, "PROPFIND", HOME, &["Depth: infinity"], "");
    assert_eq!(
        infinity().await.hrefs().len(),
        MAXIMUM_INFINITE_RESOURCES - 1
    );
    for name in ["x", "y"] {
        world.put_event(name, "DTSTART:20260301T090000Z").await;
    }
    let answer = infinity().await;
    assert_eq!(
        (answer.status, answer.precondition().as_str()),
        (StatusCode::FORBIDDEN, "propfind-finite-depth")
    );
    let listed = world
        .propfind(
            &world.alice,
            &format!("{HOME}calendar/"),
            "1",
            "<D:getetag/>",
        )
        .await;
    assert_eq!(
        listed.hrefs().len(),
        MAXIMUM_INFINITE_RESOURCES - 2,
        "depth 1 is listed in pages without end"
    );
}

/// RFC 8144 §2.1, §4
#[tokio::test]
async fn preferences_are_honoured() {
    let world = world().await;
    let body = xml(
        "D:propfind",
        "<D:prop><D:getetag/><D:resourcetype/></D:prop>",
    );
    let full = world
        .send(&world.alice, "PROPFIND", HOME, &["Depth: 0"], &body)
        .await;
    assert!(full.property(HOME, dav::GETETAG).contains("404"));
    for header in ["Prefer: return=minimal", "Brief: t"] {
        let brief = world
            .send(&world.alice, "PROPFIND", HOME, &["Depth: 0", header], &body)
            .await;
        assert!(!brief.text().contains("404"), "{header}");
        assert_eq!(brief.property(HOME, dav::RESOURCETYPE), "collection");
        assert_eq!(brief.header("preference-applied"), "return=minimal");
    }
    let nothing = xml("D:propfind", "<D:prop><D:getetag/></D:prop>");
    let brief = world
        .send(
            &world.alice,
            "PROPFIND",
            HOME,
            &["Depth: 0", "Brief: t"],
            &nothing,
        )
        .await;
    assert!(
        brief.text().contains("200 OK"),
        "a response is never empty: {}",
        brief.text()
    );
    let members = world
        .send(
            &world.alice,
            "PROPFIND",
            HOME,
            &["Depth: 1", "Prefer: depth-noroot"],
            &body,
        )
        .await;
    assert_eq!(members.hrefs().len(), 3);
}

/// RFC 4918 §9.1, §8.3
#[tokio::test]
async fn bodies_that_ask_for_nothing_are_refused() {
    let world = world().await;
    let two = xml("D:propfind", "<D:prop/><D:allprop/>");
    let cases = [
        "<x",
        "<D:propfind xmlns:D=\"DAV:\"/>",
        "<propfind><prop/></propfind>",
        &two,
        "<!DOCTYPE x><D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>",
    ];
    for (index, body) in cases.iter().enumerate() {
        let answer = world
            .send(&world.alice, "PROPFIND", HOME, &["Depth: 0"], body)
            .await;
        let expected = if index == 4 {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::BAD_REQUEST
        };
        assert_eq!(answer.status, expected, "{body}");
    }
    let depth = world
        .send(&world.alice, "PROPFIND", HOME, &["Depth: 2"], "")
        .await;
    assert_eq!(depth.status, StatusCode::BAD_REQUEST);
}

/// RFC 4918 §9.1.6: what later documents define is returned only where it is asked for.
#[tokio::test]
async fn allprop_can_include_more() {
    let world = world().await;
    let calendar = format!("{HOME}calendar/");
    let all = world
        .send(&world.alice, "PROPFIND", &calendar, &["Depth: 0"], "")
        .await;
    assert!(!all.text().contains("max-resource-size"));
    let body = xml(
        "D:propfind",
        "<D:allprop/><D:include><C:max-resource-size/><C:nothing/></D:include>",
    );
    let more = world
        .send(&world.alice, "PROPFIND", &calendar, &["Depth: 0"], &body)
        .await;
    assert_eq!(
        more.property(&calendar, caldav::MAX_RESOURCE_SIZE),
        "1048576"
    );
    assert_eq!(
        more.property(&calendar, dav::RESOURCETYPE),
        "collection calendar"
    );
    let names = world
        .send(
            &world.alice,
            "PROPFIND",
            &calendar,
            &["Depth: 0"],
            &xml("D:propfind", "<D:propname/>"),
        )
        .await;
    assert_eq!(names.property(&calendar, caldav::MAX_RESOURCE_SIZE), "");
}
