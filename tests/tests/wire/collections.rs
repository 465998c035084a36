//! Collections: RFC 4791 §5.3.1, RFC 5689, RFC 4918 §9.3, §9.8 and §9.9.

use tests::server::TestServer;

use super::{calendar, event, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const HOME: &str = "/dav/calendars/users/alice/";

/// RFC 4791 §5.3.1 with everything that Apple sends (client behaviour 8).
#[tokio::test]
async fn rfc_4791_5_3_1_mkcalendar_with_properties() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let body = r##"<?xml version="1.0" encoding="UTF-8"?>
<B:mkcalendar xmlns:B="urn:ietf:params:xml:ns:caldav"><A:set xmlns:A="DAV:"><A:prop>
<B:supported-calendar-component-set><B:comp name="VEVENT"/></B:supported-calendar-component-set>
<A:displayname>W&#246;rk &amp; play</A:displayname>
<D:calendar-color xmlns:D="http://apple.com/ns/ical/" symbolic-color="custom">#1BADF8FF</D:calendar-color>
<D:calendar-order xmlns:D="http://apple.com/ns/ical/">3</D:calendar-order>
<B:calendar-description xml:lang="en">Described</B:calendar-description>
<B:calendar-free-busy-set><NO/></B:calendar-free-busy-set>
<B:schedule-calendar-transp><B:transparent/></B:schedule-calendar-transp>
<B:calendar-timezone>BEGIN:VCALENDAR&#13;
VERSION:2.0&#13;
PRODID:x&#13;
BEGIN:VTIMEZONE&#13;
TZID:Europe/Berlin&#13;
BEGIN:STANDARD&#13;
DTSTART:19961027T030000&#13;
TZOFFSETFROM:+0200&#13;
TZOFFSETTO:+0100&#13;
END:STANDARD&#13;
END:VTIMEZONE&#13;
END:VCALENDAR&#13;
</B:calendar-timezone>
<B:default-alarm-vevent-datetime>BEGIN:VALARM
END:VALARM</B:default-alarm-vevent-datetime>
</A:prop></A:set></B:mkcalendar>"##;
    let path = format!("{HOME}work/");
    alice
        .request("MKCALENDAR", &path)
        .xml(body.to_owned())
        .send()
        .await
        .expect(&[201]);
    let reply = alice
        .propfind(
            &path,
            "0",
            "<D:displayname/><A:calendar-color/><A:calendar-order/><C:calendar-description/><C:supported-calendar-component-set/><C:schedule-calendar-transp/><C:calendar-timezone/><C:default-alarm-vevent-datetime/>",
        )
        .await
        .multistatus();
    let work = &reply.responses[0];
    assert_eq!(work.text("{DAV:}displayname"), "W\u{f6}rk & play");
    assert_eq!(
        work.text("{http://apple.com/ns/ical/}calendar-color"),
        "#1BADF8FF"
    );
    assert_eq!(work.text("{http://apple.com/ns/ical/}calendar-order"), "3");
    assert_eq!(
        work.text(&format!("{CALDAV}calendar-description")),
        "Described"
    );
    assert!(
        work.property(&format!("{CALDAV}schedule-calendar-transp"))
            .unwrap()
            .child(&format!("{CALDAV}transparent"))
            .is_some()
    );
    assert!(
        work.text(&format!("{CALDAV}calendar-timezone"))
            .contains("TZID:Europe/Berlin\r\n")
    );
    let components = work
        .property(&format!("{CALDAV}supported-calendar-component-set"))
        .unwrap();
    assert_eq!(components.children.len(), 1);
    alice
        .put(
            &format!("{path}todo.ics"),
            &super::object("BEGIN:VTODO\nUID:todo\nDTSTAMP:20261101T080000Z\nEND:VTODO\n"),
        )
        .await
        .expect_precondition(403, &format!("{CALDAV}supported-calendar-component"));
}

/// RFC 4791 §5.3.1.2: the preconditions of MKCALENDAR.
#[tokio::test]
async fn rfc_4791_5_3_1_2_preconditions_of_mkcalendar() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    alice
        .request("MKCALENDAR", &calendar("alice"))
        .send()
        .await
        .expect(&[403, 405]);
    alice
        .request("MKCALENDAR", &(calendar("alice") + "inner/"))
        .send()
        .await
        .expect_precondition(403, &format!("{CALDAV}calendar-collection-location-ok"));
    alice
        .request("MKCALENDAR", &format!("{HOME}missing/inner/"))
        .send()
        .await
        .expect(&[403, 409]);
    let broken = r#"<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop><C:calendar-timezone>nonsense</C:calendar-timezone></D:prop></D:set></C:mkcalendar>"#;
    let reply = alice
        .request("MKCALENDAR", &format!("{HOME}zone/"))
        .xml(broken.to_owned())
        .send()
        .await;
    reply.expect(&[207, 403, 424]);
    alice
        .propfind(&format!("{HOME}zone/"), "0", "<D:getetag/>")
        .await
        .expect(&[404]);
}

/// RFC 5689 §3: a calendar made with extended MKCOL.
#[tokio::test]
async fn rfc_5689_3_extended_mkcol() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let body = r#"<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Made</D:displayname></D:prop></D:set></D:mkcol>"#;
    alice
        .request("MKCOL", &format!("{HOME}made/"))
        .xml(body.to_owned())
        .send()
        .await
        .expect(&[201]);
    let made = alice
        .propfind(
            &format!("{HOME}made/"),
            "0",
            "<D:resourcetype/><D:displayname/>",
        )
        .await
        .multistatus();
    assert!(
        made.responses[0]
            .property("{DAV:}resourcetype")
            .unwrap()
            .child(&format!("{CALDAV}calendar"))
            .is_some()
    );
    assert_eq!(made.responses[0].text("{DAV:}displayname"), "Made");
    let unknown = r#"<D:mkcol xmlns:D="DAV:"><D:set><D:prop><D:resourcetype><D:collection/><X:book xmlns:X="urn:x"/></D:resourcetype></D:prop></D:set></D:mkcol>"#;
    let reply = alice
        .request("MKCOL", &format!("{HOME}book/"))
        .xml(unknown.to_owned())
        .send()
        .await;
    reply.expect(&[403, 207]);
    assert!(
        reply.text().contains("valid-resourcetype"),
        "{}",
        reply.text()
    );
    alice
        .request("MKCOL", &format!("{HOME}text/"))
        .header("Content-Type", "text/plain")
        .body("x")
        .send()
        .await
        .expect(&[415]);
    alice
        .propfind(&format!("{HOME}text/"), "0", "<D:getetag/>")
        .await
        .expect(&[404]);
}

/// Client behaviour 9: a deleted calendar can be made again at once, and is another one.
#[tokio::test]
async fn a_deleted_calendar_can_be_made_again() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = format!("{HOME}again/");
    let mut tokens = Vec::new();
    for _ in 0..3 {
        alice
            .request("MKCALENDAR", &path)
            .send()
            .await
            .expect(&[201]);
        put_new(&alice, &(path.clone() + "a.ics"), &event("a", "")).await;
        let listed = alice
            .propfind(&path, "1", "<D:getetag/><D:sync-token/>")
            .await
            .multistatus();
        assert_eq!(listed.responses.len(), 2);
        tokens.push(listed.response("/again/").text("{DAV:}sync-token"));
        alice.delete(&path).await.expect(&[204]);
        alice
            .propfind(&path, "1", "<D:getetag/>")
            .await
            .expect(&[404]);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "{tokens:?}");
}

/// What holds a home together stays (RFC 6638 §4.3 for the default calendar).
#[tokio::test]
async fn inbox_outbox_home_and_default_calendar_stay() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for path in [
        HOME,
        "/dav/calendars/users/alice/inbox/",
        "/dav/calendars/users/alice/outbox/",
        "/dav/principals/users/alice/",
        "/",
    ] {
        alice.delete(path).await.expect(&[403, 405]);
    }
    alice
        .delete(&calendar("alice"))
        .await
        .expect_precondition(403, &format!("{CALDAV}default-calendar-needed"));
    alice
        .propfind(HOME, "1", "<D:getetag/>")
        .await
        .expect(&[207]);
}

/// RFC 6638 §4.3.1, §9.2: the default calendar is one of one's own that takes events, there always is one, and it stays
/// the default where it is moved.
#[tokio::test]
async fn rfc_6638_9_2_the_default_calendar() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let inbox = "/dav/calendars/users/alice/inbox/";
    let tasks = format!("{HOME}tasks/");
    let make = r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"#;
    let made = alice.request("MKCALENDAR", &tasks).body(make.to_owned());
    made.send().await.expect(&[201]);
    let work = format!("{HOME}work/");
    let made = alice.request("MKCALENDAR", &work);
    made.send().await.expect(&[201]);
    let change = async |change: String| {
        let body = format!(
            r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{change}</D:propertyupdate>"#
        );
        let reply = alice.request("PROPPATCH", inbox).body(body).send().await;
        reply.expect(&[207]);
        reply.text().to_owned()
    };
    let set = |href: &str| {
        format!(
            "<D:set><D:prop><C:schedule-default-calendar-URL><D:href>{href}</D:href></C:schedule-default-calendar-URL></D:prop></D:set>"
        )
    };
    let refused = "valid-schedule-default-calendar-URL";
    for (change_of, element) in [
        (set(&tasks), refused),
        (set("/dav/calendars/users/bob/calendar/"), refused),
        (set(&format!("{HOME}none/")), refused),
        (
            "<D:remove><D:prop><C:schedule-default-calendar-URL/></D:prop></D:remove>".to_owned(),
            "default-calendar-needed",
        ),
    ] {
        let reply = change(change_of).await;
        assert!(reply.contains("403") && reply.contains(element), "{reply}");
    }
    let reply = change(set(&work)).await;
    assert!(reply.contains("200 OK"), "{reply}");
    let moved = format!("{HOME}moved/");
    let reply = alice.request("MOVE", &work).header("Destination", &moved);
    reply.send().await.expect(&[201]);
    let property = "<C:schedule-default-calendar-URL xmlns:C=\"urn:ietf:params:xml:ns:caldav\"/>";
    let found = alice.propfind(inbox, "0", property).await;
    found.expect(&[207]);
    assert!(found.text().contains(&moved), "{}", found.text());
    let bob = server.client("bob");
    let people = "ORGANIZER:mailto:bob@example.com\nATTENDEE:mailto:alice@example.com\n";
    let path = calendar("bob") + "m.ics";
    bob.put(&path, &event("m", people)).await.expect(&[201]);
    let found = alice.propfind(&moved, "1", "<D:getetag/>").await;
    assert_eq!(
        found.text().matches(".ics</").count(),
        1,
        "{}",
        found.text()
    );
}

/// RFC 4918 §9.8 and §9.9: COPY and MOVE of objects and calendars.
#[tokio::test]
async fn rfc_4918_9_9_copy_and_move() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let source = calendar("alice") + "source.ics";
    let etag = put_new(&alice, &source, &event("moved", "")).await;
    let other = format!("{HOME}other/");
    alice
        .request("MKCALENDAR", &other)
        .send()
        .await
        .expect(&[201]);
    let to = |method: &'static str, from: String, to: String, overwrite: &'static str| {
        let alice = alice.clone();
        async move {
            alice
                .request(method, &from)
                .header("Destination", &to)
                .header("Overwrite", overwrite)
                .send()
                .await
        }
    };
    // A copy in the same calendar would have the same UID (RFC 4791 §5.3.2.1).
    to("COPY", source.clone(), calendar("alice") + "copy.ics", "F")
        .await
        .expect_precondition(403, &format!("{CALDAV}no-uid-conflict"));
    to("COPY", source.clone(), other.clone() + "copy.ics", "F")
        .await
        .expect(&[201]);
    to("COPY", source.clone(), other.clone() + "copy.ics", "F")
        .await
        .expect(&[412]);
    to("COPY", source.clone(), other.clone() + "copy.ics", "T")
        .await
        .expect(&[204]);
    to("COPY", source.clone(), source.clone(), "T")
        .await
        .expect(&[403]);
    to(
        "MOVE",
        source.clone(),
        format!("{}{}moved.ics", server.url(), calendar("alice")),
        "F",
    )
    .await
    .expect(&[201]);
    alice.get(&source).await.expect(&[404]);
    let moved = alice.get(&(calendar("alice") + "moved.ics")).await;
    assert_eq!(moved.header("ETag"), etag);
    to(
        "MOVE",
        calendar("alice") + "moved.ics",
        "http://elsewhere.example/x.ics".to_owned(),
        "F",
    )
    .await
    .expect(&[502]);
    to(
        "MOVE",
        calendar("alice") + "moved.ics",
        format!("{HOME}none/x.ics"),
        "F",
    )
    .await
    .expect(&[409]);
    // A calendar keeps its properties and objects when it is renamed.
    to("MOVE", other.clone(), format!("{HOME}renamed/"), "F")
        .await
        .expect(&[201]);
    alice
        .get(&format!("{HOME}renamed/copy.ics"))
        .await
        .expect(&[200]);
    alice
        .propfind(&other, "0", "<D:getetag/>")
        .await
        .expect(&[404]);
    // A calendar does not go into a calendar.
    to(
        "MOVE",
        format!("{HOME}renamed/"),
        calendar("alice") + "inner/",
        "F",
    )
    .await
    .expect(&[403]);
}
