//! PROPFIND and PROPPATCH: RFC 4918 §9.1 and §9.2, and the properties of RFC 3744, 4331 and 4791.

use tests::server::TestServer;

use super::{calendar, event, put_new};

const HOME: &str = "/dav/calendars/users/alice/";

fn patch(set: &str, remove: &str) -> String {
    let mut body = String::from(
        r#"<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/" xmlns:C="urn:ietf:params:xml:ns:caldav">"#,
    );
    if !set.is_empty() {
        body.push_str(&format!("<D:set><D:prop>{set}</D:prop></D:set>"));
    }
    if !remove.is_empty() {
        body.push_str(&format!("<D:remove><D:prop>{remove}</D:prop></D:remove>"));
    }
    body + "</D:propertyupdate>"
}

/// RFC 4918 §9.1: allprop, propname, include, and an empty body.
#[tokio::test]
async fn rfc_4918_9_1_forms_of_propfind() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "a.ics";
    put_new(&alice, &path, &event("a", "")).await;
    let ask = |body: &str| {
        let body = body.to_owned();
        let (alice, path) = (alice.clone(), path.clone());
        async move {
            alice
                .request("PROPFIND", &path)
                .header("Depth", "0")
                .xml(body)
                .send()
                .await
        }
    };
    for body in [
        "",
        r#"<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>"#,
    ] {
        let all = ask(body).await.multistatus();
        for name in [
            "{DAV:}getetag",
            "{DAV:}getcontenttype",
            "{DAV:}getlastmodified",
            "{DAV:}getcontentlength",
            "{DAV:}resourcetype",
        ] {
            assert!(all.responses[0].property(name).is_some(), "{name}");
        }
        // RFC 4791 §9.6: calendar-data is never part of allprop.
        assert!(
            all.responses[0]
                .property("{urn:ietf:params:xml:ns:caldav}calendar-data")
                .is_none()
        );
    }
    let names = ask(r#"<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>"#)
        .await
        .multistatus();
    assert!(
        names.responses[0]
            .properties
            .iter()
            .all(|(status, property)| *status == 200 && property.all_text().is_empty())
    );
    let included = ask(
        r#"<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:owner/></D:include></D:propfind>"#,
    )
    .await
    .multistatus();
    assert_eq!(
        included.responses[0].text("{DAV:}owner"),
        "/dav/principals/users/alice/"
    );
    let missing = alice
        .propfind(&path, "0", "<D:nothing/><D:getetag/>")
        .await
        .multistatus();
    assert_eq!(missing.responses[0].status_of("{DAV:}nothing"), Some(404));
    for broken in [
        "<",
        "<a/>",
        r#"<D:propfind xmlns:D="DAV:"/>"#,
        r#"<!DOCTYPE a [<!ENTITY x "y">]><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>"#,
    ] {
        let reply = ask(broken).await;
        reply.expect(&[400, 403]);
    }
}

/// RFC 4918 §9.1.1: depth infinity is answered while it is small, else refused by name.
#[tokio::test]
async fn rfc_4918_9_1_1_depth_infinity_is_bounded() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    put_new(&alice, &(calendar("alice") + "a.ics"), &event("a", "")).await;
    for depth in ["infinity", ""] {
        let mut draft = alice.request("PROPFIND", HOME);
        if !depth.is_empty() {
            draft = draft.header("Depth", depth);
        }
        let reply = draft.send().await.multistatus();
        assert!(
            reply
                .hrefs()
                .contains(&"/dav/calendars/users/alice/calendar/a.ics"),
            "{:?}",
            reply.hrefs()
        );
    }
    for number in 0..1000 {
        put_new(
            &alice,
            &(calendar("alice") + &format!("{number}.ics")),
            &event(&number.to_string(), ""),
        )
        .await;
    }
    alice
        .request("PROPFIND", HOME)
        .header("Depth", "infinity")
        .send()
        .await
        .expect_precondition(403, "{DAV:}propfind-finite-depth");
    alice
        .request("PROPFIND", HOME)
        .header("Depth", "2")
        .send()
        .await
        .expect(&[400]);
}

/// RFC 4918 §9.2: atomic, in order; dead properties keep their XML.
#[tokio::test]
async fn rfc_4918_9_2_proppatch() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let object = calendar("alice") + "a.ics";
    put_new(&alice, &object, &event("a", "")).await;
    for path in [object, calendar("alice"), HOME.to_owned()] {
        let dead = r#"<X:dead xmlns:X="urn:x" xml:lang="de" a="1 &amp; 2"><X:in xmlns:Y="urn:y"><Y:ner/>t&lt;ext</X:in>ende</X:dead>"#;
        let reply = alice
            .request("PROPPATCH", &path)
            .xml(patch(dead, ""))
            .send()
            .await;
        assert_eq!(
            reply.multistatus().responses[0].status_of("{urn:x}dead"),
            Some(200),
            "{path}: {}",
            reply.text()
        );
        let got = alice
            .propfind(&path, "0", r#"<X:dead xmlns:X="urn:x"/>"#)
            .await
            .multistatus();
        let property = got.responses[0].property("{urn:x}dead").unwrap().clone();
        assert_eq!(property.text, "ende");
        assert!(
            property
                .attributes
                .contains(&("a".to_owned(), "1 & 2".to_owned()))
                || property
                    .attributes
                    .contains(&("a".to_owned(), "1 &amp; 2".to_owned()))
        );
        assert!(
            property
                .attributes
                .iter()
                .any(|(name, value)| name == "xml:lang" && value == "de")
        );
        assert_eq!(property.children[0].name, "{urn:x}in");
        assert_eq!(property.children[0].text, "t<ext");
        assert_eq!(property.children[0].children[0].name, "{urn:y}ner");
        // One protected property fails all (RFC 4918 §9.2.1).
        let reply = alice
            .request("PROPPATCH", &path)
            .xml(patch(
                r#"<X:second xmlns:X="urn:x">2</X:second><D:getetag>no</D:getetag>"#,
                r#"<X:dead xmlns:X="urn:x"/>"#,
            ))
            .send()
            .await
            .multistatus();
        assert_eq!(
            reply.responses[0].status_of("{DAV:}getetag"),
            Some(403),
            "{path}"
        );
        assert_eq!(
            reply.responses[0].status_of("{urn:x}second"),
            Some(424),
            "{path}"
        );
        assert_eq!(
            reply.responses[0].status_of("{urn:x}dead"),
            Some(424),
            "{path}"
        );
        let got = alice
            .propfind(
                &path,
                "0",
                r#"<X:dead xmlns:X="urn:x"/><X:second xmlns:X="urn:x"/>"#,
            )
            .await
            .multistatus();
        assert_eq!(got.responses[0].status_of("{urn:x}dead"), Some(200));
        assert_eq!(got.responses[0].status_of("{urn:x}second"), Some(404));
        // Removing what is not there is no error.
        let reply = alice
            .request("PROPPATCH", &path)
            .xml(patch(
                "",
                r#"<X:dead xmlns:X="urn:x"/><X:never xmlns:X="urn:x"/>"#,
            ))
            .send()
            .await
            .multistatus();
        assert_eq!(reply.responses[0].status_of("{urn:x}dead"), Some(200));
        assert_eq!(reply.responses[0].status_of("{urn:x}never"), Some(200));
    }
}

/// Client behaviour 8: what Apple sets on calendars and on the home is kept.
#[tokio::test]
async fn apple_properties_are_kept() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let alarms = r#"<C:default-alarm-vevent-datetime>BEGIN:VALARM&#13;
X-WR-ALARMUID:1&#13;
END:VALARM&#13;
</C:default-alarm-vevent-datetime><C:default-alarm-vevent-date/>
<C:default-alarm-vtodo-datetime>BEGIN:VALARM&#13;
TRIGGER:-PT15M&#13;
ACTION:DISPLAY&#13;
END:VALARM&#13;
BEGIN:VALARM&#13;
TRIGGER;VALUE=DATE-TIME:19760401T005545Z&#13;
ACTION:NONE&#13;
END:VALARM&#13;
</C:default-alarm-vtodo-datetime><C:default-alarm-vtodo-date>BEGIN:VALARM
ACTION:NONE
END:VALARM</C:default-alarm-vtodo-date>"#;
    for path in [calendar("alice"), HOME.to_owned()] {
        let reply = alice
            .request("PROPPATCH", &path)
            .xml(patch(alarms, ""))
            .send()
            .await
            .multistatus();
        assert!(
            reply.responses[0]
                .properties
                .iter()
                .all(|(status, _)| *status == 200),
            "{path} {reply:?}"
        );
        let got = alice
            .propfind(&path, "0", "<C:default-alarm-vevent-datetime/>")
            .await
            .multistatus();
        assert!(
            got.responses[0]
                .text("{urn:ietf:params:xml:ns:caldav}default-alarm-vevent-datetime")
                .contains("X-WR-ALARMUID:1\r\n")
        );
    }
    // What is no alarm is refused by itself, and nothing is lost of what stood there.
    for wrong in [
        "x",
        "BEGIN:VEVENT\nEND:VEVENT",
        "BEGIN:VALARM\nEND:VALARM\nEND:VCALENDAR\nBEGIN:VCALENDAR",
        "BEGIN:VALARM\nEND:VALARM\nX-MORE:1",
        "<D:x/>",
    ] {
        let wrong =
            format!("<C:default-alarm-vevent-datetime>{wrong}</C:default-alarm-vevent-datetime>");
        let reply = alice.request("PROPPATCH", HOME).xml(patch(&wrong, ""));
        let reply = reply.send().await.multistatus();
        let status = reply.responses[0]
            .status_of("{urn:ietf:params:xml:ns:caldav}default-alarm-vevent-datetime");
        assert!(matches!(status, Some(403 | 409)), "{wrong}: {reply:?}");
    }
    let kept = alice
        .propfind(HOME, "0", "<C:default-alarm-vevent-datetime/>")
        .await;
    assert!(kept.text().contains("X-WR-ALARMUID:1"));
    let set = "<A:calendar-color>#FF2968FF</A:calendar-color><A:calendar-order>7</A:calendar-order><D:displayname>Home</D:displayname>";
    let reply = alice
        .request("PROPPATCH", &calendar("alice"))
        .xml(patch(set, ""))
        .send()
        .await
        .multistatus();
    assert!(
        reply.responses[0]
            .properties
            .iter()
            .all(|(status, _)| *status == 200),
        "{reply:?}"
    );
    let got = alice
        .propfind(
            &calendar("alice"),
            "0",
            "<A:calendar-color/><A:calendar-order/><D:displayname/>",
        )
        .await
        .multistatus();
    assert_eq!(
        got.responses[0].text("{http://apple.com/ns/ical/}calendar-color"),
        "#FF2968FF"
    );
    assert_eq!(got.responses[0].text("{DAV:}displayname"), "Home");
}

/// RFC 3744 §5: rights as properties.
#[tokio::test]
async fn rfc_3744_5_access_control_properties() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let reply = alice
        .propfind(
            &calendar("alice"),
            "0",
            "<D:current-user-privilege-set/><D:supported-privilege-set/><D:acl/><D:acl-restrictions/><D:inherited-acl-set/><D:principal-collection-set/><D:owner/><D:group/>",
        )
        .await
        .multistatus();
    let set = reply.responses[0]
        .property("{DAV:}current-user-privilege-set")
        .unwrap();
    for name in [
        "read",
        "write",
        "write-content",
        "write-properties",
        "bind",
        "unbind",
    ] {
        assert_eq!(
            set.descendants(&format!("{{DAV:}}{name}")).len(),
            1,
            "{name}"
        );
    }
    let entries = reply.responses[0].property("{DAV:}acl").unwrap();
    let is_protected = |ace: &&tests::xml::Element| ace.child("{DAV:}protected").is_some();
    let protected = entries.children.iter().filter(is_protected).count();
    assert_eq!((protected, entries.children.len()), (3, 4));
    assert_eq!(
        reply.responses[0].text("{DAV:}principal-collection-set"),
        "/dav/principals/"
    );
}

/// RFC 4331 §3 and §4.
#[tokio::test]
async fn rfc_4331_3_quota() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let used = |multistatus: tests::xml::Multistatus| -> u64 {
        multistatus.responses[0]
            .text("{DAV:}quota-used-bytes")
            .parse()
            .unwrap()
    };
    let before = used(
        alice
            .propfind(HOME, "0", "<D:quota-used-bytes/>")
            .await
            .multistatus(),
    );
    let text = event("quota", "");
    put_new(&alice, &(calendar("alice") + "quota.ics"), &text).await;
    let after = used(
        alice
            .propfind(HOME, "0", "<D:quota-used-bytes/>")
            .await
            .multistatus(),
    );
    assert_eq!(after - before, text.len() as u64);
    alice
        .delete(&(calendar("alice") + "quota.ics"))
        .await
        .expect(&[204]);
    assert_eq!(
        used(
            alice
                .propfind(HOME, "0", "<D:quota-used-bytes/>")
                .await
                .multistatus()
        ),
        before
    );
}

/// RFC 8144 §2.1, client behaviour 10: minimal answers leave out what was not found.
#[tokio::test]
async fn rfc_8144_2_1_return_minimal() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for (name, value) in [("Prefer", "return=minimal"), ("Brief", "t")] {
        let reply = alice
            .request("PROPFIND", &calendar("alice"))
            .header("Depth", "0")
            .header(name, value)
            .xml(r#"<D:propfind xmlns:D="DAV:"><D:prop><D:nothing/><D:displayname/></D:prop></D:propfind>"#.to_owned())
            .send()
            .await
            .multistatus();
        assert_eq!(
            reply.responses[0].status_of("{DAV:}nothing"),
            None,
            "{name}"
        );
        assert_eq!(
            reply.responses[0].status_of("{DAV:}displayname"),
            Some(200),
            "{name}"
        );
    }
}
