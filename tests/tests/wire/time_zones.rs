//! Time zones by reference (RFC 7809), and the service that they are looked up in (RFC 7808).

use tests::{
    client::{Client, Draft, Reply},
    server::TestServer,
};

use super::{calendar, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const ZONES: &str = "/dav/timezones/zones";
const BERLIN: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19960331T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
const MINE: &str = "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0417\nTZOFFSETTO:+0417\nEND:STANDARD\nEND:VTIMEZONE\n";

/// An event at noon in a zone.
fn noon(uid: &str, zone: &str, definitions: &str) -> String {
    object(&format!(
        "{definitions}BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T080000Z\nDTSTART;TZID={zone}:20260701T120000\nDURATION:PT1H\nSUMMARY:Noon\nEND:VEVENT\n"
    ))
}

/// RFC 7808 §4.2.1.3: from the well-known address to every action, by anybody.
#[tokio::test]
async fn rfc_7808_4_2_1_3_the_service_is_found_and_open_to_everybody() {
    let server = TestServer::start().await;
    for client in [server.anonymous(), server.client("alice")] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let reply = client.request(method, "/.well-known/timezone").send().await;
            reply.expect(&[301]);
            assert!(reply.header("Location").ends_with("/dav/timezones"));
            assert!(reply.header("Cache-Control").contains("max-age"));
        }
        for (action, words) in [
            ("/dav/timezones/capabilities", "\"version\":1"),
            (ZONES, "\"tzid\":\"Europe/Berlin\""),
            ("/dav/timezones/zones?pattern=*berlin", "Europe/Berlin"),
            (
                "/dav/timezones/zones/Europe%2FBerlin",
                "TZID:Europe/Berlin\r\n",
            ),
            ("/dav/timezones/leapseconds", "\"utc-offset\":37"),
            (
                "/dav/timezones/zones/Europe%2FBerlin/observances?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z",
                "2026-03-29T01:00:00Z",
            ),
        ] {
            let reply = client.get(action).await;
            reply.expect(&[200]);
            assert!(reply.text().contains(words), "{action}: {}", reply.text());
            let again = client
                .request("GET", action)
                .header("If-None-Match", reply.header("ETag"))
                .send()
                .await;
            again.expect(&[304]);
        }
        let reply = client.get("/dav/timezones/zones/Mars").await;
        reply.expect(&[404]);
        assert!(
            reply
                .header("Content-Type")
                .starts_with("application/problem+json")
        );
        client
            .request("PUT", ZONES)
            .body("x")
            .send()
            .await
            .expect(&[405]);
    }
}

/// RFC 7809 §3.1.1 and §3.1.2
#[tokio::test]
async fn rfc_7809_3_1_the_capability_and_the_service_are_told() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = "/dav/calendars/users/alice/";
    for path in [home.to_owned(), calendar("alice")] {
        let reply = alice.request("OPTIONS", &path).send().await;
        let classes: Vec<&str> = reply.header("DAV").split(',').map(str::trim).collect();
        assert!(classes.contains(&"calendar-no-timezone"), "{classes:?}");
    }
    let reply = alice.propfind(home, "0", "<C:timezone-service-set/>").await;
    let multistatus = reply.multistatus();
    let service = multistatus.responses[0].text(&format!("{CALDAV}timezone-service-set"));
    alice
        .get(&format!("{service}/capabilities"))
        .await
        .expect(&[200]);
}

/// RFC 7529 §10.1
#[tokio::test]
async fn rfc_7529_10_1_the_calendar_systems_are_told() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for path in ["/dav/calendars/users/alice/".to_owned(), calendar("alice")] {
        let reply = alice
            .propfind(&path, "0", "<C:supported-rscale-set/>")
            .await;
        let multistatus = reply.multistatus();
        let text = multistatus.responses[0].text(&format!("{CALDAV}supported-rscale-set"));
        assert_eq!(text, "GREGORIAN");
    }
}

fn wanting<'a>(draft: Draft<'a>, wanted: Option<&str>) -> Draft<'a> {
    let draft = draft.header("Depth", "1");
    match wanted {
        Some(value) => draft.header("CalDAV-Timezones", value),
        None => draft,
    }
}

/// The calendar data of an object by GET, multiget and query.
async fn data_of(alice: &Client, path: &str, wanted: Option<&str>) -> [String; 3] {
    let got = wanting(alice.request("GET", path), wanted).send().await;
    got.expect(&[200]);
    let namespaces = r#"xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav""#;
    let multiget = format!(
        "<C:calendar-multiget {namespaces}><D:prop><C:calendar-data/></D:prop><D:href>{path}</D:href></C:calendar-multiget>"
    );
    let query = format!(
        "<C:calendar-query {namespaces}><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"/></C:comp-filter></C:filter></C:calendar-query>"
    );
    let mut all = vec![got.text().to_owned()];
    for body in [multiget, query] {
        let place = calendar("alice");
        let draft = wanting(alice.request("REPORT", &place), wanted).xml(body);
        let multistatus = draft.send().await.multistatus();
        let response = multistatus.response(path);
        all.push(response.text(&format!("{CALDAV}calendar-data")));
    }
    all.try_into().unwrap()
}

/// RFC 7809 §3.1.3, §7.1: definitions come as the client wants them, wherever calendar data is answered.
#[tokio::test]
async fn rfc_7809_3_1_3_definitions_are_sent_as_the_client_wants() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "noon.ics";
    let cases = [
        // known, with and without its definition, and one that only the object knows
        (noon("noon", "Europe/Berlin", BERLIN), 1, 1, 0),
        (noon("noon", "Europe/Berlin", ""), 0, 1, 0),
        (noon("noon", "US/Eastern", ""), 0, 1, 0),
        (noon("noon", "Mine", MINE), 1, 1, 1),
        (
            noon("noon", "Europe/Berlin", &format!("{MINE}{BERLIN}")),
            2,
            2,
            1,
        ),
    ];
    for (text, as_stored, included, left_out) in cases {
        alice.put(&path, &text).await.expect(&[201, 204]);
        for (wanted, expected) in [
            (None, as_stored),
            (Some("T"), included),
            (Some("F"), left_out),
        ] {
            for data in data_of(&alice, &path, wanted).await {
                assert_eq!(
                    data.matches("BEGIN:VTIMEZONE").count(),
                    expected,
                    "{wanted:?} {data}"
                );
                assert_eq!(data.matches("BEGIN:VEVENT").count(), 1, "{data}");
            }
        }
        // what was stored is untouched
        assert_eq!(alice.get(&path).await.text(), text);
    }
    let reply = alice
        .request("GET", &path)
        .header("CalDAV-Timezones", "maybe")
        .send()
        .await;
    reply.expect(&[400]);
}

/// RFC 7809 §3.1.4: a known zone needs no definition, and means what it means.
#[tokio::test]
async fn rfc_7809_3_1_4_zones_are_understood_without_definition() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "noon.ics";
    let text = noon("noon", "Asia/Tokyo", "");
    put_new(&alice, &path, &text).await;
    assert_eq!(alice.get(&path).await.text(), text);
    for (hour, is_found) in [("03", true), ("12", false)] {
        let body = format!(
            r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260701T{hour}0000Z" end="20260701T{hour}0100Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#
        );
        let reply = alice.report(&calendar("alice"), "1", &body).await;
        assert_eq!(
            reply.multistatus().responses.len(),
            usize::from(is_found),
            "{hour}"
        );
    }
}

async fn set(alice: &Client, path: &str, properties: &str) -> Reply {
    let body = format!(
        r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{properties}</D:propertyupdate>"#
    );
    alice.request("PROPPATCH", path).xml(body).send().await
}

/// The definition and the identifier of a calendar's zone, as they are read.
async fn zone_of(alice: &Client, path: &str) -> (String, String) {
    let properties = "<C:calendar-timezone/><C:calendar-timezone-id/>";
    let reply = alice.propfind(path, "0", properties).await;
    let multistatus = reply.multistatus();
    let response = &multistatus.responses[0];
    let text = |name: &str| {
        let property = response.property(&format!("{CALDAV}{name}"));
        property
            .map(|property| property.all_text())
            .unwrap_or_default()
    };
    (text("calendar-timezone"), text("calendar-timezone-id"))
}

/// RFC 7809 §3.1.5: two properties, one zone.
#[tokio::test]
async fn rfc_7809_3_1_5_the_definition_and_the_identifier_say_the_same() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice");
    let by_id = |id: &str| {
        format!(
            "<D:set><D:prop><C:calendar-timezone-id>{id}</C:calendar-timezone-id></D:prop></D:set>"
        )
    };
    let mine = object(MINE).replace('\r', "");
    let by_definition = format!(
        "<D:set><D:prop><C:calendar-timezone>{mine}</C:calendar-timezone></D:prop></D:set>"
    );

    set(&alice, &path, &by_id("America/New_York"))
        .await
        .expect(&[207]);
    let (definition, id) = zone_of(&alice, &path).await;
    assert_eq!(id, "America/New_York");
    assert!(definition.contains("TZID:America/New_York"), "{definition}");
    assert!(definition.contains("BYMONTH=3;BYDAY=2SU"), "{definition}");

    set(&alice, &path, &by_definition).await.expect(&[207]);
    let (definition, id) = zone_of(&alice, &path).await;
    assert_eq!(id, "Mine");
    assert!(definition.contains("TZOFFSETTO:+0417"), "{definition}");

    // nobody knows it: nothing changes
    let reply = set(&alice, &path, &by_id("Mars/Olympus")).await;
    assert!(reply.text().contains("valid-timezone"), "{}", reply.text());
    assert!(reply.text().contains("403"), "{}", reply.text());
    assert_eq!(zone_of(&alice, &path).await.1, "Mine");

    set(&alice, &path, &by_id("Asia/Tokyo"))
        .await
        .expect(&[207]);
    let remove = "<D:remove><D:prop><C:calendar-timezone/></D:prop></D:remove>";
    set(&alice, &path, remove).await.expect(&[207]);
    assert_eq!(zone_of(&alice, &path).await, (String::new(), String::new()));

    // and when a calendar is made
    let body = format!(
        r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{}</C:mkcalendar>"#,
        by_id("Asia/Tokyo")
    );
    let made = "/dav/calendars/users/alice/tokyo/";
    alice
        .request("MKCALENDAR", made)
        .xml(body)
        .send()
        .await
        .expect(&[201]);
    assert_eq!(zone_of(&alice, made).await.1, "Asia/Tokyo");
}

/// RFC 7809 §3.1.6, RFC 4791 §9.8: the zone of the request, else of the calendar, else of the home.
#[tokio::test]
async fn rfc_7809_3_1_6_floating_times_are_read_in_the_zone_that_counts() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = "/dav/calendars/users/alice/";
    let floating = object(
        "BEGIN:VEVENT\nUID:floating\nDTSTAMP:20261101T080000Z\nDTSTART:20260701T120000\nDURATION:PT1H\nEND:VEVENT\n",
    );
    put_new(&alice, &(calendar("alice") + "floating.ics"), &floating).await;
    let window = |hour: &str| {
        format!(r#"<C:time-range start="20260701T{hour}0000Z" end="20260701T{hour}0100Z"/>"#)
    };
    let is_found = async |hour: &str, zone: &str| {
        let namespaces = r#"xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav""#;
        let window = window(hour);
        let query = format!(
            r#"<C:calendar-query {namespaces}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{window}</C:comp-filter></C:comp-filter></C:filter>{zone}</C:calendar-query>"#
        );
        let reply = alice.report(&calendar("alice"), "1", &query).await;
        let by_query = reply.multistatus().responses.len() == 1;
        let busy = format!("<C:free-busy-query {namespaces}>{window}{zone}</C:free-busy-query>");
        let reply = alice.report(&calendar("alice"), "1", &busy).await;
        reply.expect(&[200]);
        assert_eq!(
            reply.text().contains("\nFREEBUSY"),
            by_query,
            "{hour} {zone}"
        );
        by_query
    };
    let by_id = |id: &str| {
        format!(
            "<D:set><D:prop><C:calendar-timezone-id>{id}</C:calendar-timezone-id></D:prop></D:set>"
        )
    };
    assert!(is_found("12", "").await && !is_found("16", "").await);
    set(&alice, home, &by_id("America/New_York"))
        .await
        .expect(&[207]);
    assert!(is_found("16", "").await && !is_found("12", "").await);
    set(&alice, &calendar("alice"), &by_id("Europe/Berlin"))
        .await
        .expect(&[207]);
    assert!(is_found("10", "").await && !is_found("16", "").await);
    let tokyo = "<C:timezone-id>Asia/Tokyo</C:timezone-id>";
    assert!(is_found("03", tokyo).await && !is_found("10", tokyo).await);
    let windows = "<C:timezone-id>Tokyo Standard Time</C:timezone-id>";
    assert!(is_found("03", windows).await);

    let query = format!(
        r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter>{}</C:calendar-query>"#,
        "<C:timezone-id>Mars/Olympus</C:timezone-id>"
    );
    let reply = alice.report(&calendar("alice"), "1", &query).await;
    reply.expect_precondition(403, &format!("{CALDAV}valid-timezone"));
}
