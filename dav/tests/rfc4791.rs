//! MKCALENDAR and calendar objects by RFC 4791.
#![allow(clippy::unwrap_used)]

mod common;

use common::{HOME, World, event, url};

fn mkcalendar(properties: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='utf-8'?><C:mkcalendar xmlns:C='urn:ietf:params:xml:ns:caldav' \
         xmlns:D='DAV:' xmlns:A='http://apple.com/ns/ical/'><D:set><D:prop>{properties}</D:prop></D:set></C:mkcalendar>"
    )
}

/// RFC 4791 §5.3.1.2
#[tokio::test]
async fn a_calendar_is_made() {
    let world = World::new().await;
    let answer = world.ask("MKCALENDAR work/", &[], "").await;
    assert_eq!(
        (answer.code(), answer.header("cache-control")),
        (201, "no-cache")
    );
    world
        .ask("MKCALENDAR work/", &[], "")
        .await
        .refuses(403, "D:resource-must-be-null");
    assert_eq!(world.status("MKCALENDAR missing/work/").await, 409);
    world
        .ask("MKCALENDAR work/sub/", &[], "")
        .await
        .refuses(403, "C:calendar-collection-location-ok");
    world.put("work/1.ics", &event("1", "One")).await;
}

/// Client behaviours, point 8: what Apple's calendar sends.
#[tokio::test]
async fn a_calendar_is_made_with_everything_apple_sends() {
    let world = World::new().await;
    let zone = "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//Apple//EN&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Europe/Berlin&#13;\n\
        BEGIN:STANDARD&#13;\nDTSTART:19961027T030000&#13;\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU&#13;\nTZNAME:CET&#13;\n\
        TZOFFSETFROM:+0200&#13;\nTZOFFSETTO:+0100&#13;\nEND:STANDARD&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR&#13;\n";
    let body = mkcalendar(&format!(
        "<D:displayname>Bücher &amp; Musik</D:displayname>\
         <A:calendar-color>#FF2968FF</A:calendar-color><A:calendar-order>4</A:calendar-order>\
         <C:calendar-description>d</C:calendar-description><C:calendar-timezone>{zone}</C:calendar-timezone>\
         <C:supported-calendar-component-set><C:comp name='VEVENT'/></C:supported-calendar-component-set>\
         <C:schedule-calendar-transp><C:opaque/></C:schedule-calendar-transp>\
         <C:default-alarm-vevent-datetime>BEGIN:VALARM&#13;\nEND:VALARM</C:default-alarm-vevent-datetime>\
         <C:calendar-free-busy-set><D:href>/x</D:href></C:calendar-free-busy-set>"
    ));
    let answer = world
        .ask("MKCALENDAR books/", &[("content-type", "text/xml")], &body)
        .await;
    assert_eq!(answer.code(), 201, "{answer:?}");
    let todo = event("1", "x")
        .replace("VEVENT", "VTODO")
        .replace("DTEND", "DUE");
    world
        .ask("PUT books/1.ics", &[], &todo)
        .await
        .refuses(403, "C:supported-calendar-component");
}

/// RFC 4791 §5.3.1.1
#[tokio::test]
async fn one_bad_property_and_nothing_is_made() {
    let world = World::new().await;
    let body = mkcalendar("<D:displayname>x</D:displayname><D:getetag>y</D:getetag>");
    let answer = world.ask("MKCALENDAR work/", &[], &body).await;
    assert_eq!(answer.code(), 207, "{answer:?}");
    for part in [
        &format!("<D:href>{HOME}work/</D:href>"),
        "<D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status>",
        "<D:cannot-modify-protected-property/>",
        "<D:prop><D:displayname/></D:prop><D:status>HTTP/1.1 424 Failed Dependency</D:status>",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let component = mkcalendar(
        "<C:supported-calendar-component-set><C:comp name='VPOLL'/></C:supported-calendar-component-set>",
    );
    world
        .ask("MKCALENDAR work/", &[], &component)
        .await
        .refuses(207, "C:supported-calendar-component-set/>");
    assert_eq!(world.status("MKCALENDAR work/").await, 201);
}

/// RFC 4791 §5.3.1
#[tokio::test]
async fn a_body_that_is_no_mkcalendar_is_refused() {
    let world = World::new().await;
    for (headers, body, status) in [
        (vec![], "<x/>", 415),
        (vec![("content-type", "text/plain")], "<x/>", 415),
        (vec![], "junk", 415),
        (vec![("content-type", "text/xml")], "<C:mkcalendar", 400),
        (vec![("content-type", "text/xml")], "<!DOCTYPE x><x/>", 403),
    ] {
        let answer = world.ask("MKCALENDAR work/", &headers, body).await;
        assert_eq!(answer.code(), status, "{body}: {answer:?}");
    }
    assert_eq!(world.status("PROPFIND work/").await, 404);
}

/// RFC 4791 §5.3.2.1
#[tokio::test]
async fn preconditions_of_put() {
    let world = World::new().await;
    world.put("calendar/1.ics", &event("one", "x")).await;
    let good = event("two", "x");
    for (headers, body, status, element) in [
        (
            vec![("content-type", "text/plain")],
            good.clone(),
            403,
            "C:supported-calendar-data",
        ),
        (
            vec![("content-type", "text/calendar; charset=iso-8859-1")],
            good.clone(),
            403,
            "C:supported-calendar-data",
        ),
        (vec![], "junk".into(), 403, "C:valid-calendar-data"),
        (
            vec![],
            good.replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST"),
            403,
            "C:valid-calendar-object-resource",
        ),
        (vec![], event("one", "x"), 403, "C:no-uid-conflict"),
        (
            vec![],
            good.replace("SUMMARY:x", &format!("SUMMARY:{}", "x".repeat(20_000))),
            403,
            "C:max-resource-size",
        ),
        (
            vec![],
            good.replace("VEVENT", "VJOURNAL")
                .replace("DTEND:20260102T110000Z\r\n", ""),
            403,
            "C:supported-calendar-component",
        ),
    ] {
        world
            .ask("PUT calendar/2.ics", &headers, &body)
            .await
            .refuses(status, element);
    }
    let conflict = world
        .ask("PUT calendar/2.ics", &[], &event("one", "x"))
        .await;
    assert!(
        conflict
            .body
            .contains(&format!("<D:href>{HOME}calendar/1.ics</D:href>")),
        "{conflict:?}"
    );
    assert_eq!(world.status("GET calendar/2.ics").await, 404);
    // Some clients say nothing of the type.
    assert_eq!(
        world.ask("PUT calendar/2.ics", &[], &good).await.code(),
        201
    );
    assert_eq!(
        world
            .ask(
                "PUT calendar/2.ics",
                &[("content-type", "text/calendar;charset=UTF-8")],
                &good
            )
            .await
            .code(),
        204
    );
}

/// RFC 4791 §4.2 and §5.3.2.1 for COPY and MOVE
#[tokio::test]
async fn preconditions_of_copy_and_move() {
    let world = World::new().await;
    assert_eq!(world.status("MKCALENDAR work/").await, 201);
    world.put("calendar/1.ics", &event("one", "x")).await;
    world.put("file", "junk").await;
    let to = |path: &str| url(path);
    let twin = to("calendar/2.ics");
    world
        .ask("COPY calendar/1.ics", &[("destination", &twin)], "")
        .await
        .refuses(403, "C:no-uid-conflict");
    assert_eq!(
        world
            .ask("MOVE calendar/1.ics", &[("destination", &twin)], "")
            .await
            .code(),
        201
    );
    let other = to("work/1.ics");
    assert_eq!(
        world
            .ask("COPY calendar/2.ics", &[("destination", &other)], "")
            .await
            .code(),
        201
    );
    let bad = to("calendar/file.ics");
    let refused = world.ask("COPY file", &[("destination", &bad)], "").await;
    assert_eq!(refused.code(), 403, "{refused:?}");
    assert!(refused.body.contains("calendar-data"), "{refused:?}");
}
