//! Finding the account from the server's address alone: RFC 6764 §6, RFC 5397 §3, RFC 4791 §6.2,
//! RFC 6638 §2, and what clients ask on the way.

use tests::server::TestServer;

/// RFC 6764 §5: the well-known address redirects, whatever the method, and before sign-in.
#[tokio::test]
async fn rfc_6764_5_well_known_redirects_every_method() {
    let server = TestServer::start().await;
    for client in [server.anonymous(), server.client("alice")] {
        for method in ["GET", "PROPFIND", "OPTIONS", "HEAD", "REPORT"] {
            for path in ["/.well-known/caldav", "/.well-known/caldav/"] {
                let reply = client.request(method, path).send().await;
                reply.expect(&[301, 307, 308]);
                assert!(
                    reply.header("Location").ends_with("/dav/"),
                    "{}",
                    reply.header("Location")
                );
            }
        }
    }
}

/// RFC 5397 §3: every entry point leads to the principal.
#[tokio::test]
async fn rfc_5397_3_principal_is_found_from_every_entry_point() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for path in [
        "/",
        "/dav/",
        "/dav/principals/",
        "/dav/calendars/users/alice/",
        "/dav/calendars/users/alice/calendar/",
    ] {
        let reply = alice
            .propfind(path, "0", "<D:current-user-principal/><D:resourcetype/>")
            .await;
        let multistatus = reply.multistatus();
        let principal = multistatus.responses[0].text("{DAV:}current-user-principal");
        assert_eq!(principal, "/dav/principals/users/alice/", "{path}");
    }
}

/// RFC 4791 §6.2.1, RFC 6638 §2.1.1, §2.2.1 and §2.4.1: what a client reads from the principal.
#[tokio::test]
async fn rfc_6638_2_principal_names_home_boxes_and_addresses() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let reply = alice
        .propfind(
            "/dav/principals/users/alice/",
            "0",
            "<C:calendar-home-set/><C:schedule-inbox-URL/><C:schedule-outbox-URL/><C:calendar-user-address-set/><C:calendar-user-type/><D:displayname/><D:principal-URL/><D:resourcetype/><D:supported-report-set/><CS:email-address-set/><D:group-membership/>",
        )
        .await;
    let multistatus = reply.multistatus();
    let principal = multistatus.response("/dav/principals/users/alice/");
    assert_eq!(
        principal.text("{urn:ietf:params:xml:ns:caldav}calendar-home-set"),
        "/dav/calendars/users/alice/"
    );
    assert_eq!(
        principal.text("{urn:ietf:params:xml:ns:caldav}schedule-inbox-URL"),
        "/dav/calendars/users/alice/inbox/"
    );
    assert_eq!(
        principal.text("{urn:ietf:params:xml:ns:caldav}schedule-outbox-URL"),
        "/dav/calendars/users/alice/outbox/"
    );
    assert_eq!(
        principal.text("{urn:ietf:params:xml:ns:caldav}calendar-user-type"),
        "INDIVIDUAL"
    );
    let addresses = principal
        .property("{urn:ietf:params:xml:ns:caldav}calendar-user-address-set")
        .unwrap();
    let hrefs: Vec<String> = addresses
        .children
        .iter()
        .map(|href| href.all_text())
        .collect();
    assert!(
        hrefs.contains(&"mailto:alice@example.com".to_owned()),
        "{hrefs:?}"
    );
    assert!(
        hrefs
            .iter()
            .any(|href| href.ends_with("/dav/principals/users/alice/")),
        "{hrefs:?}"
    );
    let kinds = principal.property("{DAV:}resourcetype").unwrap();
    assert!(kinds.child("{DAV:}principal").is_some());
    let reports = principal.property("{DAV:}supported-report-set").unwrap();
    assert_eq!(reports.descendants("{DAV:}expand-property").len(), 1);
}

/// The home lists the default calendar, inbox and outbox from the start.
#[tokio::test]
async fn a_new_home_has_a_calendar_an_inbox_and_an_outbox() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let reply = alice
        .propfind(
            "/dav/calendars/users/alice/",
            "1",
            "<D:resourcetype/><C:supported-calendar-component-set/><D:current-user-privilege-set/><D:owner/><CS:getctag/><D:sync-token/>",
        )
        .await;
    let multistatus = reply.multistatus();
    let calendar = multistatus.response("/calendar/");
    assert!(
        calendar
            .property("{DAV:}resourcetype")
            .unwrap()
            .child("{urn:ietf:params:xml:ns:caldav}calendar")
            .is_some()
    );
    let components = calendar
        .property("{urn:ietf:params:xml:ns:caldav}supported-calendar-component-set")
        .unwrap();
    let names: Vec<&str> = components
        .children
        .iter()
        .map(|comp| comp.attributes[0].1.as_str())
        .collect();
    assert_eq!(names, ["VEVENT", "VTODO"]);
    assert_eq!(calendar.text("{DAV:}owner"), "/dav/principals/users/alice/");
    assert!(
        !calendar
            .text("{http://calendarserver.org/ns/}getctag")
            .is_empty()
    );
    assert!(!calendar.text("{DAV:}sync-token").is_empty());
    // The inbox is never a calendar (client behaviour 7).
    let inbox = multistatus
        .response("/inbox/")
        .property("{DAV:}resourcetype")
        .unwrap()
        .clone();
    assert!(
        inbox
            .child("{urn:ietf:params:xml:ns:caldav}schedule-inbox")
            .is_some()
    );
    assert!(
        inbox
            .child("{urn:ietf:params:xml:ns:caldav}calendar")
            .is_none()
    );
    let outbox = multistatus
        .response("/outbox/")
        .property("{DAV:}resourcetype")
        .unwrap()
        .clone();
    assert!(
        outbox
            .child("{urn:ietf:params:xml:ns:caldav}schedule-outbox")
            .is_some()
    );
}

/// RFC 4791 §5.1, RFC 6638 §2: what OPTIONS promises, on every resource a client asks.
#[tokio::test]
async fn rfc_4791_5_1_options_announce_calendar_access_and_scheduling() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for path in [
        "/",
        "/dav/principals/users/alice/",
        "/dav/calendars/users/alice/",
        "/dav/calendars/users/alice/calendar/",
    ] {
        let reply = alice.request("OPTIONS", path).send().await;
        reply.expect(&[200, 204]);
        let classes: Vec<String> = reply
            .headers
            .get_all("DAV")
            .iter()
            .flat_map(|value| {
                value
                    .to_str()
                    .unwrap()
                    .split(',')
                    .map(|class| class.trim().to_owned())
                    .collect::<Vec<_>>()
            })
            .collect();
        for class in [
            "1",
            "2",
            "3",
            "access-control",
            "calendar-access",
            "calendar-auto-schedule",
        ] {
            assert!(
                classes.contains(&class.to_owned()),
                "{path}: {class} not in {classes:?}"
            );
        }
        assert!(reply.header("Allow").contains("PROPFIND"), "{path}");
    }
}

/// Client behaviours 1 and 3: guesses get 404, never 5xx; Apple's set-up reports are answered.
#[tokio::test]
async fn apple_sets_up_an_account() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for guess in [
        "/principals/",
        "/principals/users/alice/",
        "/calendar/dav/alice/user/",
        "/.well-known/carddav",
        "/dav/nothing/",
    ] {
        alice
            .propfind(guess, "0", "<D:resourcetype/>")
            .await
            .expect(&[404]);
    }
    let reply = alice
        .report(
            "/dav/principals/",
            "0",
            r#"<D:principal-search-property-set xmlns:D="DAV:"/>"#,
        )
        .await;
    reply.expect(&[200]);
    assert_eq!(reply.xml().name, "{DAV:}principal-search-property-set");
    let expand = r#"<D:expand-property xmlns:D="DAV:"><D:property name="calendar-proxy-read-for" namespace="http://calendarserver.org/ns/"><D:property name="displayname"/></D:property><D:property name="calendar-proxy-write-for" namespace="http://calendarserver.org/ns/"><D:property name="displayname"/></D:property></D:expand-property>"#;
    alice
        .report("/dav/principals/users/alice/", "0", expand)
        .await
        .multistatus();
    let search = r#"<D:principal-property-search xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" test="anyof"><D:property-search><D:prop><D:displayname/></D:prop><D:match>bo</D:match></D:property-search><D:property-search><D:prop><C:calendar-user-address-set/></D:prop><D:match>bo</D:match></D:property-search><D:prop><D:displayname/><C:calendar-user-address-set/></D:prop></D:principal-property-search>"#;
    let found = alice
        .report("/dav/principals/", "0", search)
        .await
        .multistatus();
    assert!(
        found.hrefs().contains(&"/dav/principals/users/bob/"),
        "{:?}",
        found.hrefs()
    );
    assert!(
        !found.hrefs().contains(&"/dav/principals/users/carol/"),
        "{:?}",
        found.hrefs()
    );
}

/// Client behaviour 4: Thunderbird's probes are refused, never obeyed.
#[tokio::test]
async fn thunderbird_probes_with_put() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for path in [
        "/",
        "/dav/calendars/users/alice/",
        "/dav/calendars/users/alice/calendar/",
    ] {
        let reply = alice
            .request("PUT", path)
            .header("If-Match", "nothing")
            .body("x")
            .send()
            .await;
        reply.expect(&[405, 412]);
    }
}
