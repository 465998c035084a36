//! jCal (RFC 7265) and xCal (RFC 6321) beside iCalendar, by content negotiation; a calendar as one stream.

use serde_json::Value;
use tests::server::TestServer;

use super::{calendar, event, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const JSON: &str = "application/calendar+json";
const XML: &str = "application/calendar+xml";

const JCAL: &str = r#"["vcalendar",[["version",{},"text","2.0"],["prodid",{},"text","x"]],[["vevent",[
    ["uid",{},"text","json"],["dtstamp",{},"date-time","2026-11-01T08:00:00Z"],
    ["dtstart",{},"date","2026-11-02"],["summary",{},"text","Lunch, with Bob"]],[]]]]"#;

const XCAL: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<icalendar xmlns="urn:ietf:params:xml:ns:icalendar-2.0"><vcalendar>
<properties><version><text>2.0</text></version><prodid><text>x</text></prodid></properties>
<components><vevent><properties><uid><text>json</text></uid>
<dtstamp><date-time>2026-11-01T08:00:00Z</date-time></dtstamp><dtstart><date>2026-11-02</date></dtstart>
<summary><text>Lunch, with Bob</text></summary></properties></vevent></components></vcalendar></icalendar>"#;

fn without_space(text: &str) -> String {
    text.replace('\n', "").replace("    ", "")
}

/// RFC 9110 §12.5.1: Accept chooses, and whoever accepts nothing of it hears so.
#[tokio::test]
async fn rfc_9110_12_5_1_accept_chooses_the_format() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "meeting.ics";
    let text = event("meeting", "");
    put_new(&alice, &path, &text).await;
    let get = async |accept: &str| {
        alice
            .request("GET", &path)
            .header("Accept", accept)
            .send()
            .await
    };
    for (accept, content_type) in [
        ("*/*", "text/calendar; charset=utf-8; component=VEVENT"),
        (
            "text/html, */*;q=0.1",
            "text/calendar; charset=utf-8; component=VEVENT",
        ),
        (JSON, "application/calendar+json; component=VEVENT"),
        (
            "text/calendar;q=0.5, application/calendar+xml",
            "application/calendar+xml; charset=utf-8; component=VEVENT",
        ),
    ] {
        let reply = get(accept).await;
        reply.expect(&[200]);
        assert_eq!(reply.header("Content-Type"), content_type, "{accept}");
        assert_eq!(reply.header("Vary"), "Accept, CalDAV-Timezones");
        let head = alice
            .request("HEAD", &path)
            .header("Accept", accept)
            .send()
            .await;
        assert_eq!(head.header("Content-Type"), content_type);
        assert_eq!(head.header("Content-Length"), reply.body.len().to_string());
        assert_eq!(head.header("ETag"), reply.header("ETag"));
        assert!(head.body.is_empty());
    }
    assert_eq!(get("*/*").await.text(), text);
    let json: Value = serde_json::from_slice(&get(JSON).await.body).unwrap();
    assert_eq!(json[0], "vcalendar");
    assert_eq!(
        json[2][0][1][0],
        serde_json::json!(["uid", {}, "text", "meeting"])
    );
    let xml = get(XML).await;
    assert!(
        xml.text().contains("<uid><text>meeting</text></uid>"),
        "{}",
        xml.text()
    );
    let refused = get("text/html").await;
    refused.expect(&[406]);
    assert!(refused.text().contains(JSON), "{}", refused.text());
    assert_eq!(refused.header("Vary"), "Accept");
    // RFC 9110 §14.2: a range may be ignored, and is.
    let range = alice
        .request("GET", &path)
        .header("Accept", JSON)
        .header("Range", "bytes=0-1");
    range.send().await.expect(&[200]);
    // Files are what they are.
    let folder = "/dav/calendars/users/alice/files/";
    alice.request("MKCOL", folder).send().await.expect(&[201]);
    let file = format!("{folder}data.json");
    let put = alice
        .request("PUT", &file)
        .header("Content-Type", JSON)
        .body("{}");
    put.send().await.expect(&[201]);
    let reply = alice
        .request("GET", &file)
        .header("Accept", "text/html")
        .send()
        .await;
    reply.expect(&[200]);
    assert_eq!(reply.text(), "{}");
}

/// RFC 9110 §8.8.1, §13.1: each representation has a strong tag of its own, and each stands for the state.
#[tokio::test]
async fn rfc_9110_8_8_1_each_representation_has_its_tag() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "tagged.ics";
    put_new(&alice, &path, &event("tagged", "")).await;
    let mut tags = Vec::new();
    for accept in ["text/calendar", JSON, XML] {
        let get = |name: &'static str, tag: String| {
            alice
                .request("GET", &path)
                .header("Accept", accept)
                .header(name, &tag)
                .send()
        };
        let reply = alice
            .request("GET", &path)
            .header("Accept", accept)
            .send()
            .await;
        let tag = reply.header("ETag").to_owned();
        assert!(tag.starts_with('"') && !tags.contains(&tag), "{tag}");
        let unchanged = get("If-None-Match", tag.clone()).await;
        unchanged.expect(&[304]);
        assert_eq!(unchanged.header("ETag"), tag);
        assert_eq!(unchanged.header("Vary"), "Accept, CalDAV-Timezones");
        get("If-Match", tag.clone()).await.expect(&[200]);
        // Another representation is none that this client has.
        for other in &tags {
            let other: &String = other;
            get("If-None-Match", other.clone()).await.expect(&[200]);
            get("If-Match", other.clone()).await.expect(&[412]);
        }
        tags.push(tag);
    }
    // Whatever a client got, it can change the state with it, and with nothing else.
    for number in 0..3 {
        let accept = ["text/calendar", JSON, XML][number];
        let reply = alice
            .request("GET", &path)
            .header("Accept", accept)
            .send()
            .await;
        let tag = reply.header("ETag").to_owned();
        let put = |name: &'static str, value: String| {
            let text = event("tagged", &format!("LOCATION:{number}\n"));
            alice
                .request("PUT", &path)
                .header(name, &value)
                .body(text)
                .send()
        };
        put("If-None-Match", tag.clone()).await.expect(&[412]);
        put("If", format!("(Not [{tag}])")).await.expect(&[412]);
        put("If", format!("([{tag}])")).await.expect(&[204]);
        put("If-Match", tags[number].clone()).await.expect(&[412]);
        let reply = alice
            .request("GET", &path)
            .header("Accept", accept)
            .send()
            .await;
        put("If-Match", reply.header("ETag").to_owned())
            .await
            .expect(&[204]);
    }
}

/// RFC 4791 §5.3.2, §5.3.4: what comes in another format is stored as iCalendar, and has no ETag yet.
#[tokio::test]
async fn rfc_4791_5_3_4_put_in_each_format() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let stored = object(
        "BEGIN:VEVENT\nUID:json\nDTSTAMP:20261101T080000Z\nDTSTART;VALUE=DATE:20261102\nSUMMARY:Lunch\\, with Bob\nEND:VEVENT\n",
    )
    .replace("-//Example//Test//EN", "x");
    for (content_type, text) in [(JSON, JCAL), (XML, XCAL)] {
        let path = calendar("alice") + "sent.ics";
        let put = |prefer: &'static str| {
            let draft = alice
                .request("PUT", &path)
                .header("Content-Type", content_type);
            draft
                .header("Prefer", prefer)
                .header("Accept", content_type)
                .body(text)
                .send()
        };
        let reply = put("").await;
        reply.expect(&[201]);
        assert!(reply.headers.get("ETag").is_none());
        let got = alice.get(&path).await;
        assert_eq!(got.text(), stored);
        assert!(got.header("Content-Type").starts_with("text/calendar"));
        // RFC 8144 §3: the representation comes as the client wants it.
        let reply = put("return=representation").await;
        reply.expect(&[200]);
        assert!(reply.header("Content-Type").starts_with(content_type));
        assert!(!reply.header("ETag").is_empty());
        let expected =
            without_space(text).replace("encoding=\"utf-8\"?><", "encoding=\"utf-8\"?>\n<");
        assert_eq!(reply.text().trim_end(), expected);
        alice.delete(&path).await.expect(&[204]);
    }
    // RFC 4791 §5.3.2.1
    let path = calendar("alice") + "refused.ics";
    for (content_type, text, element) in [
        (JSON, "[]", "valid-calendar-data"),
        (JSON, "BEGIN:VCALENDAR", "valid-calendar-data"),
        (XML, "<!DOCTYPE a><a/>", "valid-calendar-data"),
        (XML, JCAL, "valid-calendar-data"),
        ("application/json", JCAL, "supported-calendar-data"),
        (
            "application/calendar+json; version=1.0",
            JCAL,
            "supported-calendar-data",
        ),
    ] {
        let put = alice
            .request("PUT", &path)
            .header("Content-Type", content_type)
            .body(text);
        let element = format!("{CALDAV}{element}");
        put.send().await.expect_precondition(403, &element);
    }
    alice.get(&path).await.expect(&[404]);
}

/// RFC 4791 §5.2.4, §9.6: reports return the format that is asked for, and say so.
#[tokio::test]
async fn rfc_4791_9_6_reports_in_each_format() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let path = format!("{home}meeting.ics");
    put_new(
        &alice,
        &path,
        &event("meeting", "RRULE:FREQ=DAILY;COUNT=3\n"),
    )
    .await;
    let multiget = async |data: &str| {
        let body = format!(
            r#"<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/>{data}</D:prop><D:href>{path}</D:href></C:calendar-multiget>"#
        );
        alice.report(&home, "1", &body).await
    };
    let data_of = |reply: &tests::client::Reply| {
        let answer = reply.multistatus();
        let data = answer
            .response("meeting.ics")
            .property(&format!("{CALDAV}calendar-data"));
        let data = data.unwrap();
        let attribute = |name: &str| {
            let found = data.attributes.iter().find(|(key, _)| key.as_str() == name);
            found.map(|(_, value)| value.clone())
        };
        (
            data.all_text(),
            attribute("content-type"),
            attribute("version"),
        )
    };
    let reply = multiget("<C:calendar-data/>").await;
    assert_eq!(data_of(&reply).1, None);
    let expand = "<C:expand start=\"20261103T000000Z\" end=\"20261104T000000Z\"/>";
    for (content_type, first) in [(JSON, "[\"vcalendar\","), (XML, "<?xml ")] {
        let element = format!(
            "<C:calendar-data content-type=\"{content_type}\" version=\"2.0\">{expand}</C:calendar-data>"
        );
        let (text, said, version) = data_of(&multiget(&element).await);
        assert!(text.starts_with(first), "{text}");
        assert!(text.contains("2026-11-03T09:00:00Z"), "{text}");
        assert_eq!(
            (said.as_deref(), version.as_deref()),
            (Some(content_type), Some("2.0"))
        );
    }
    for attributes in [
        "content-type=\"text/vcard\"",
        "content-type=\"application/calendar+json\" version=\"1.0\"",
    ] {
        let reply = multiget(&format!("<C:calendar-data {attributes}/>")).await;
        reply.expect_precondition(403, &format!("{CALDAV}supported-calendar-data"));
    }
    let reply = alice
        .propfind(&home, "0", "<C:supported-calendar-data/>")
        .await;
    let offered = reply
        .multistatus()
        .response("/")
        .property(&format!("{CALDAV}supported-calendar-data"))
        .cloned();
    let offered = format!("{:?}", offered.unwrap());
    for content_type in ["text/calendar", JSON, XML] {
        assert!(offered.contains(content_type), "{offered}");
    }
}

/// RFC 4791 §5.2.2 with a content-type, as clients of jCal send and expect it.
#[tokio::test]
async fn rfc_4791_5_2_2_calendar_timezone_in_json() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let zone = r#"["vcalendar",[["version",{},"text","2.0"],["prodid",{},"text","x"]],[["vtimezone",[["tzid",{},"text","Europe/Berlin"]],[]]]]"#;
    let patch = async |attributes: &str, text: &str| {
        let body = format!(
            r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:calendar-timezone {attributes}>{text}</C:calendar-timezone></D:prop></D:set></D:propertyupdate>"#
        );
        alice.request("PROPPATCH", &home).xml(body).send().await
    };
    let name = format!("{CALDAV}calendar-timezone");
    let json = "content-type=\"application/calendar+json\" version=\"2.0\"";
    let reply = patch(json, zone).await;
    assert_eq!(
        reply.multistatus().response("/").status_of(&name),
        Some(200),
        "{}",
        reply.text()
    );
    let reply = alice.propfind(&home, "0", "<C:calendar-timezone/>").await;
    let kept = reply
        .multistatus()
        .response("/")
        .property(&name)
        .cloned()
        .unwrap();
    assert_eq!(kept.all_text(), zone);
    assert!(format!("{kept:?}").contains(JSON), "{kept:?}");
    for (attributes, text) in [
        ("", zone),
        (json, "[]"),
        ("content-type=\"text/plain\"", zone),
    ] {
        let reply = patch(attributes, text).await;
        assert_eq!(
            reply.multistatus().response("/").status_of(&name),
            Some(403),
            "{attributes}"
        );
    }
}

/// RFC 5545 §3.4, RFC 7986 §5: GET of a calendar is one stream of everything in it.
#[tokio::test]
async fn rfc_7986_5_a_calendar_is_one_stream() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let zone = |offset: &str| {
        format!(
            "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
    };
    for (uid, offset) in [("a", "+0100"), ("b", "+0100"), ("c", "+0200")] {
        let text = object(&format!(
            "{}BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T080000Z\nDTSTART;TZID=Office:20261102T090000\nEND:VEVENT\n",
            zone(offset)
        ));
        put_new(&alice, &format!("{home}{uid}.ics"), &text).await;
    }
    let patch = r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop><D:displayname>Büro, "neu"</D:displayname><C:calendar-description>Everything</C:calendar-description><A:calendar-color>#FF2968FF</A:calendar-color></D:prop></D:set></D:propertyupdate>"#;
    alice
        .request("PROPPATCH", &home)
        .xml(patch.to_owned())
        .send()
        .await
        .expect(&[207]);
    let reply = alice.get(&home).await;
    reply.expect(&[200]);
    assert_eq!(reply.header("Content-Type"), "text/calendar; charset=utf-8");
    assert_eq!(
        reply.header("Content-Disposition"),
        "attachment; filename=\"B_ro_ _neu_.ics\"; filename*=UTF-8''B%C3%BCro%5F%20%5Fneu%5F.ics"
    );
    let text = reply.text();
    for line in [
        "VERSION:2.0",
        "NAME:Büro\\, \"neu\"",
        "X-WR-CALNAME:Büro\\, \"neu\"",
        "DESCRIPTION:Everything",
        "X-APPLE-CALENDAR-COLOR:#FF2968FF",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "DTSTART;TZID=Office (2):20261102T090000",
        "TZID:Office (2)",
    ] {
        assert!(
            text.contains(&format!("\r\n{line}\r\n")),
            "{line} in {text}"
        );
    }
    assert_eq!(text.matches("BEGIN:VCALENDAR\r\n").count(), 1);
    assert_eq!(text.matches("BEGIN:VTIMEZONE\r\n").count(), 2);
    assert_eq!(text.matches("BEGIN:VEVENT\r\n").count(), 3);
    assert!(text.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
    // In the other formats, too.
    let json = alice
        .request("GET", &home)
        .header("Accept", JSON)
        .send()
        .await;
    let json: Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json[2].as_array().unwrap().len(), 5);
    let xml = alice
        .request("GET", &home)
        .header("Accept", XML)
        .send()
        .await;
    assert_eq!(xml.text().matches("<vevent>").count(), 3);
    assert!(xml.text().ends_with("</icalendar>\n"));
    alice
        .request("GET", &home)
        .header("Accept", "text/html")
        .send()
        .await
        .expect(&[406]);
    // RFC 9110 §9.3.2
    let head = alice.request("HEAD", &home).send().await;
    head.expect(&[200]);
    assert_eq!(head.header("ETag"), reply.header("ETag"));
    assert!(head.body.is_empty());
    // Only its owner.
    server.client("bob").get(&home).await.expect(&[403]);
    server.anonymous().get(&home).await.expect(&[401]);
}

/// RFC 9110 §13.1.2: the tag of the stream changes when it does, and only then.
#[tokio::test]
async fn rfc_9110_13_1_2_the_stream_has_a_tag() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let fresh = async |tag: &str| {
        let reply = alice
            .request("GET", &home)
            .header("If-None-Match", tag)
            .send()
            .await;
        let other = reply.header("ETag").to_owned();
        (reply.status == 200, other)
    };
    let (_, empty) = fresh("\"none\"").await;
    assert!(!fresh(&empty).await.0);
    put_new(&alice, &format!("{home}one.ics"), &event("one", "")).await;
    let (changed, one) = fresh(&empty).await;
    assert!(changed && one != empty);
    assert!(!fresh(&one).await.0);
    let patch = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Other</D:displayname></D:prop></D:set></D:propertyupdate>"#;
    alice
        .request("PROPPATCH", &home)
        .xml(patch.to_owned())
        .send()
        .await
        .expect(&[207]);
    let (changed, named) = fresh(&one).await;
    assert!(changed && named != one);
    let json = alice
        .request("GET", &home)
        .header("Accept", JSON)
        .header("If-None-Match", &named);
    json.send().await.expect(&[200]);
    alice.delete(&format!("{home}one.ics")).await.expect(&[204]);
    assert!(fresh(&named).await.0);
}

/// A calendar of many pages comes whole.
#[tokio::test]
async fn rfc_5545_3_4_a_large_calendar_comes_whole() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let note = format!("DESCRIPTION:{}\n", "x".repeat(2_000));
    for number in 0..600 {
        let uid = format!("n{number}");
        put_new(&alice, &format!("{home}{uid}.ics"), &event(&uid, &note)).await;
    }
    let reply = alice.get(&home).await;
    assert_eq!(reply.text().matches("BEGIN:VEVENT").count(), 600);
    assert!(reply.text().ends_with("END:VCALENDAR\r\n"));
}
