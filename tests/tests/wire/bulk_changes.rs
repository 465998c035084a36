//! POST of many objects to a calendar: imports and lists of changes (calendarserver bulk-change).

use tests::{
    client::Reply,
    server::TestServer,
    xml::{Element, Multistatus},
};

use super::{calendar, event, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const UID: &str = "{http://calendarserver.org/ns/}uid";
const OUTCOME: &str = "{urn:x-convoke}outcome";

const EVENTS: &str = "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n\
BEGIN:VEVENT\nUID:one\nDTSTAMP:20261101T080000Z\nDTSTART;TZID=Office:20261102T090000\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n\
BEGIN:VEVENT\nUID:two\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com\nEND:VEVENT\n\
BEGIN:VEVENT\nUID:one\nDTSTAMP:20261101T080000Z\nRECURRENCE-ID;TZID=Office:20261103T090000\nDTSTART;TZID=Office:20261103T100000\nEND:VEVENT\n";

/// What the answer says of each UID: its outcome, or the status and the first element that says why.
fn outcomes(reply: &Reply) -> Vec<(String, String)> {
    reply.expect(&[207]);
    let root = reply.xml();
    let first = |element: &Element, name: &str| {
        element
            .descendants(name)
            .first()
            .map(|found| found.all_text())
    };
    root.descendants("{DAV:}response")
        .into_iter()
        .map(|response| {
            let uid = first(response, UID).unwrap_or_default();
            let status = first(response, "{DAV:}status").unwrap_or_default();
            let why = response
                .descendants("{DAV:}error")
                .first()
                .and_then(|error| error.children.iter().find(|child| child.name != UID))
                .map(|child| child.name.clone());
            let outcome = first(response, OUTCOME);
            let outcome = outcome.unwrap_or_else(|| {
                let code = status.split(' ').nth(1).unwrap_or_default().to_owned();
                [code, why.unwrap_or_default()].join(" ").trim().to_owned()
            });
            (uid, outcome)
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(uid, outcome): &(&str, &str)| ((*uid).to_owned(), (*outcome).to_owned());
    expected.iter().map(owned).collect()
}

/// calendarserver bulk-change §3: one object for each UID, and nobody hears of it.
#[tokio::test]
async fn bulk_change_3_a_stream_is_imported() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let post = async |content_type: &str, text: String| {
        let draft = alice
            .request("POST", &home)
            .header("Content-Type", content_type);
        draft.body(text).send().await
    };
    let stream = object(EVENTS);
    let reply = post("text/calendar; charset=utf-8", stream.clone()).await;
    assert_eq!(
        outcomes(&reply),
        pairs(&[("one", "created"), ("two", "created")])
    );
    assert!(!reply.header("CTag").is_empty());
    let answer = reply.multistatus();
    let href = answer.hrefs()[0].to_owned();
    let one = alice.get(&href).await;
    one.expect(&[200]);
    assert_eq!(one.text().matches("BEGIN:VEVENT").count(), 2);
    assert_eq!(one.text().matches("TZID:Office").count(), 1);
    assert_eq!(
        answer.response(&href).text("{DAV:}getetag"),
        one.header("ETag")
    );
    let two = alice.get(answer.hrefs()[1]).await;
    assert!(two.text().contains("PARTSTAT=ACCEPTED") && !two.text().contains("VTIMEZONE"));
    assert!(!two.text().contains("SCHEDULE-STATUS"));
    let inbox = server
        .client("bob")
        .propfind("/dav/calendars/users/bob/inbox/", "1", "<D:getetag/>")
        .await;
    assert_eq!(inbox.multistatus().hrefs().len(), 1, "nothing is delivered");
    // Once more: nothing changes.
    let reply = post("text/calendar", stream.clone()).await;
    assert_eq!(
        outcomes(&reply),
        pairs(&[("one", "unchanged"), ("two", "unchanged")])
    );
    assert_eq!(alice.get(&href).await.header("ETag"), one.header("ETag"));
    // A newer one replaces, an older one does not.
    let newer = stream.replace("UID:two\r\n", "UID:two\r\nSEQUENCE:1\r\n");
    assert_eq!(
        outcomes(&post("text/calendar", newer).await),
        pairs(&[("one", "unchanged"), ("two", "updated")])
    );
    assert_eq!(
        outcomes(&post("text/calendar", stream).await),
        pairs(&[
            ("one", "unchanged"),
            ("two", &format!("403 {CALDAV}no-uid-conflict"))
        ])
    );
}

/// What is exported can be imported, in each format.
#[tokio::test]
async fn bulk_change_3_what_is_exported_comes_back() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let home = calendar("alice");
    for uid in ["a", "b"] {
        put_new(
            &alice,
            &format!("{home}{uid}.ics"),
            &event(uid, "RRULE:FREQ=WEEKLY;COUNT=2\n"),
        )
        .await;
    }
    for (number, format) in [
        "text/calendar",
        "application/calendar+json",
        "application/calendar+xml",
    ]
    .into_iter()
    .enumerate()
    {
        let exported = alice
            .request("GET", &home)
            .header("Accept", format)
            .send()
            .await;
        let draft = bob
            .request("POST", &calendar("bob"))
            .header("Content-Type", format);
        let reply = draft.body(exported.body).send().await;
        let expected = if number == 0 { "created" } else { "unchanged" };
        assert_eq!(
            outcomes(&reply),
            pairs(&[("a", expected), ("b", expected)]),
            "{format}"
        );
    }
}

/// calendarserver bulk-change §3: each failure is one object's.
#[tokio::test]
async fn bulk_change_3_what_is_refused_says_why() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let post = async |content_type: &str, text: &str| {
        let draft = alice
            .request("POST", &home)
            .header("Content-Type", content_type);
        draft.body(text.to_owned()).send().await
    };
    let stream = object(
        "BEGIN:VEVENT\nUID:good\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:late\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nRRULE:FREQ=SECONDLY;COUNT=9999999\nEND:VEVENT\n\
         BEGIN:X-THING\nEND:X-THING\n",
    );
    let reply = post("text/calendar", &stream).await;
    assert_eq!(
        outcomes(&reply),
        pairs(&[
            ("good", "created"),
            ("late", &format!("403 {CALDAV}max-instances")),
            ("", &format!("403 {CALDAV}supported-calendar-component")),
        ])
    );
    assert_eq!(
        reply.multistatus().hrefs()[1],
        "",
        "what is not stored has no href"
    );
    assert!(reply.text().contains("line 15"), "{}", reply.text());
    for (content_type, text, element) in [
        ("text/calendar", "hello", "valid-calendar-data"),
        ("application/calendar+json", "[5]", "valid-calendar-data"),
        ("text/vcard", "BEGIN:VCARD", "supported-calendar-data"),
        (
            "text/calendar; charset=latin1",
            &stream,
            "supported-calendar-data",
        ),
    ] {
        post(content_type, text)
            .await
            .expect_precondition(403, &format!("{CALDAV}{element}"));
    }
    let many: String = (0..12_000)
        .map(|number| {
            format!(
                "BEGIN:VEVENT\nUID:many\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\n\
                 RECURRENCE-ID;TZID=z{number}:20261102T090000\nEND:VEVENT\n"
            )
        })
        .collect();
    let one =
        "BEGIN:VEVENT\nUID:one\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nEND:VEVENT\n";
    let reply = post("text/calendar", &object(&format!("{many}{one}"))).await;
    assert_eq!(
        outcomes(&reply),
        pairs(&[
            ("many", &format!("403 {CALDAV}max-resource-size")),
            ("one", "created")
        ])
    );
    let empty = post("text/calendar", &object("")).await;
    assert_eq!(outcomes(&empty), []);
    server
        .client("bob")
        .request("POST", &home)
        .body(stream)
        .send()
        .await
        .expect(&[403]);
}

/// RFC 8144 §2 and §3, calendarserver bulk-change §3: how much is answered.
#[tokio::test]
async fn rfc_8144_3_how_much_an_import_answers() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let post = async |name: &str, value: &str| {
        alice
            .request("POST", &home)
            .header(name, value)
            .body(object(EVENTS))
            .send()
            .await
    };
    let data = format!("{CALDAV}calendar-data");
    for (name, value) in [
        ("Prefer", "return=representation"),
        ("X-MobileMe-DAV-Options", "return-changed-data"),
    ] {
        let reply = post(name, value).await;
        let answer = reply.multistatus();
        for response in &answer.responses {
            assert!(response.text(&data).contains("BEGIN:VEVENT"));
            assert!(!response.text("{DAV:}getetag").is_empty());
        }
    }
    assert_eq!(outcomes(&post("Prefer", "return=minimal").await), []);
}

/// calendarserver bulk-change §6: the calendar is as the client knows it.
#[tokio::test]
async fn bulk_change_6_conditional_on_the_ctag() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let ctag = async || {
        let reply = alice.propfind(&home, "0", "<CS:getctag/>").await;
        reply
            .multistatus()
            .response("/")
            .text("{http://calendarserver.org/ns/}getctag")
    };
    let post = async |ctag: &str| {
        let condition = format!(
            "(<http://me.com/_namespace/ctag/{}>)",
            ctag.replace(':', "%3A")
        );
        alice
            .request("POST", &home)
            .header("If", &condition)
            .body(object(EVENTS))
            .send()
            .await
    };
    let before = ctag().await;
    let reply = post(&before).await;
    assert_eq!(
        outcomes(&reply).len(),
        2,
        "all of it, although the first object changes the tag"
    );
    assert_eq!(reply.header("CTag"), ctag().await);
    post(&before).await.expect(&[412]);
}

/// calendarserver bulk-change §4: objects are made, changed and removed by one request.
/// RFC 6638 §8.1: what a request says of replies is meant of all its changes.
#[tokio::test]
async fn rfc_6638_8_1_a_list_of_changes_may_be_silent() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let people = "ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.com\n";
    let path = calendar("alice") + "m.ics";
    put_new(&alice, &path, &event("m", people)).await;
    let found = bob.propfind(&calendar("bob"), "1", "<D:getetag/>").await;
    let found = found.multistatus();
    let copy = found
        .hrefs()
        .into_iter()
        .find(|href| href.ends_with(".ics"))
        .unwrap();
    let remove = async |reply: &str| {
        let body = format!(
            r#"<MM:multiput xmlns:MM="http://me.com/_namespace/" xmlns:D="DAV:"><MM:resource><D:href>{copy}</D:href><MM:delete/></MM:resource></MM:multiput>"#
        );
        let request = bob.request("POST", &calendar("bob")).xml(body);
        request.header("Schedule-Reply", reply).send().await
    };
    remove("maybe").await.expect(&[400]);
    remove("F").await.expect(&[207]);
    bob.get(copy).await.expect(&[404]);
    let text = alice.get(&path).await.text().to_owned();
    assert!(text.contains("PARTSTAT=NEEDS-ACTION"), "{text}");
}

#[tokio::test]
async fn bulk_change_4_a_list_of_changes() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let tag = put_new(&alice, &format!("{home}old.ics"), &event("old", "")).await;
    put_new(&alice, &format!("{home}gone.ics"), &event("gone", "")).await;
    let data = |text: &str| {
        let text = text.replace('\r', "&#13;");
        format!("<D:set><D:prop><C:calendar-data>{text}</C:calendar-data></D:prop></D:set>")
    };
    let multiput = async |resources: String| {
        let body = format!(
            r#"<MM:multiput xmlns:MM="http://me.com/_namespace/" xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{resources}</MM:multiput>"#
        );
        alice.request("POST", &home).xml(body).send().await
    };
    let if_match = |tag: &str| format!("<MM:if-match><D:getetag>{tag}</D:getetag></MM:if-match>");
    let resource = |content: String| format!("<MM:resource>{content}</MM:resource>");
    let href = |name: &str| format!("<D:href>{home}{name}</D:href>");
    let reply = multiput(
        [
            resource(data(&event("new", ""))),
            resource(
                href("old.ics") + &if_match("\"other\"") + &data(&event("old", "LOCATION:A\n")),
            ),
            resource(href("old.ics") + &if_match(&tag) + &data(&event("old", "LOCATION:B\n"))),
            resource(href("gone.ics") + "<MM:delete/>"),
            resource(href("missing.ics") + "<MM:delete/>"),
            resource(href("missing.ics") + &data(&event("missing", ""))),
            resource(data("hello")),
            resource(
                "<D:href>/dav/calendars/users/bob/calendar/x.ics</D:href><MM:delete/>".to_owned(),
            ),
            resource("<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>".to_owned()),
        ]
        .concat(),
    )
    .await;
    assert_eq!(
        outcomes(&reply),
        pairs(&[
            ("new", "created"),
            ("old", "412"),
            ("old", "updated"),
            ("", "200"),
            ("", "404"),
            ("missing", "412"),
            ("", &format!("403 {CALDAV}valid-calendar-data")),
            ("", "403"),
            ("", "403"),
        ])
    );
    // One response for each change, also of the same resource.
    let answer = Multistatus::read(&reply.xml());
    let new = alice.get(answer.hrefs()[0]).await;
    assert_eq!(new.text(), event("new", ""));
    assert_eq!(
        answer.responses[0].text("{DAV:}getetag"),
        new.header("ETag")
    );
    assert!(
        alice
            .get(&format!("{home}old.ics"))
            .await
            .text()
            .contains("LOCATION:B")
    );
    alice.get(&format!("{home}gone.ics")).await.expect(&[404]);
    multiput("<MM:resource/>".repeat(501)).await.expect(&[400]);
    alice
        .request("POST", &home)
        .xml("<a/>".to_owned())
        .send()
        .await
        .expect(&[400]);
}

/// calendarserver bulk-change §5.1: clients can find out.
#[tokio::test]
async fn bulk_change_5_1_limits_are_published() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let property = r#"<MM:bulk-requests xmlns:MM="http://me.com/_namespace/"/>"#;
    let reply = alice.propfind(&calendar("alice"), "0", property).await;
    let answer = reply.multistatus();
    let limits = answer
        .response("/")
        .property("{http://me.com/_namespace/}bulk-requests")
        .unwrap();
    let number = |kind: &str, limit: &str| {
        let kind = limits
            .child(&format!("{{http://me.com/_namespace/}}{kind}"))
            .unwrap();
        kind.child(&format!("{{http://me.com/_namespace/}}{limit}"))
            .unwrap()
            .all_text()
    };
    assert_eq!(number("simple", "max-resources"), "");
    assert_eq!(number("crud", "max-resources"), "500");
    assert!(number("simple", "max-bytes").parse::<u64>().unwrap() > 1_000_000);
    assert!(number("crud", "max-bytes").parse::<u64>().unwrap() > 1_000_000);
    let reply = alice
        .propfind("/dav/calendars/users/alice/", "0", property)
        .await;
    assert_eq!(
        reply
            .multistatus()
            .response("/")
            .status_of("{http://me.com/_namespace/}bulk-requests"),
        Some(404)
    );
}
