//! Calendar objects: what is stored comes back, and what may not be stored is refused by name.

use tests::server::TestServer;

use super::{calendar, event, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";

/// RFC 4791 §5.3.4, invariant 6: octet for octet, and the ETag says so.
#[tokio::test]
async fn rfc_4791_5_3_4_what_was_put_comes_back() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "kept.ics";
    let texts = [
        event("kept", "x-lower;X-Param=\"a:b\":odd\\, value\n"),
        // Bare line ends, an odd fold, an empty parameter, an unknown component.
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:kept\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nSUM\n MARY;X-EMPTY=:M\u{fc}nchen\nBEGIN:X-OTHER\nX-A:1\nEND:X-OTHER\nEND:VEVENT\nEND:VCALENDAR\n".to_owned(),
    ];
    let mut seen = Vec::new();
    for text in texts {
        let reply = alice.put(&path, &text).await;
        reply.expect(&[201, 204]);
        let etag = reply.header("ETag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        let got = alice.get(&path).await;
        got.expect(&[200]);
        assert_eq!(got.text(), text);
        assert_eq!(got.header("ETag"), etag);
        assert!(
            got.header("Content-Type").starts_with("text/calendar"),
            "{}",
            got.header("Content-Type")
        );
        assert!(!got.header("Last-Modified").is_empty());
        assert!(
            got.headers.get("Schedule-Tag").is_none(),
            "no scheduling object has no Schedule-Tag"
        );
        let head = alice.request("HEAD", &path).send().await;
        head.expect(&[200]);
        assert_eq!(head.header("ETag"), etag);
        assert_eq!(head.header("Content-Length"), text.len().to_string());
        assert!(head.body.is_empty());
        assert!(!seen.contains(&etag));
        seen.push(etag);
    }
    // The same octets again have the same ETag.
    let reply = alice
        .put(
            &path,
            &event("kept", "x-lower;X-Param=\"a:b\":odd\\, value\n"),
        )
        .await;
    assert_eq!(reply.header("ETag"), seen[0]);
}

/// RFC 4791 §5.3.2.1: each precondition of PUT, with its element.
#[tokio::test]
async fn rfc_4791_5_3_2_1_preconditions_of_put() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let two_uids = object(
        "BEGIN:VEVENT\nUID:one\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nEND:VEVENT\nBEGIN:VEVENT\nUID:two\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nEND:VEVENT\n",
    );
    let two_kinds = object(
        "BEGIN:VEVENT\nUID:one\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nEND:VEVENT\nBEGIN:VTODO\nUID:one\nDTSTAMP:20261101T080000Z\nEND:VTODO\n",
    );
    let with_method =
        event("method", "").replace("VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:REQUEST\r\n");
    let no_uid = event("gone", "").replace("UID:gone\r\n", "");
    let journal = object("BEGIN:VJOURNAL\nUID:journal\nDTSTAMP:20261101T080000Z\nEND:VJOURNAL\n");
    let only_zone = object(
        "BEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n",
    );
    let cases: [(&str, String, &str); 11] = [
        ("no calendar", "hello".to_owned(), "valid-calendar-data"),
        (
            "unclosed",
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n".to_owned(),
            "valid-calendar-data",
        ),
        (
            "control character",
            event("control", "DESCRIPTION:bell\u{7}\n"),
            "valid-calendar-data",
        ),
        ("two UIDs", two_uids, "valid-calendar-object-resource"),
        ("two kinds", two_kinds, "valid-calendar-object-resource"),
        ("METHOD", with_method, "valid-calendar-object-resource"),
        ("no UID", no_uid, "valid-calendar-object-resource"),
        (
            "only a time zone",
            only_zone,
            "valid-calendar-object-resource",
        ),
        // RFC 7529 §10
        (
            "another calendar system",
            event("chinese", "RRULE:FREQ=YEARLY;RSCALE=CHINESE\n"),
            "supported-rscale",
        ),
        // RFC 7529 §4.1
        (
            "SKIP without RSCALE",
            event("skip", "RRULE:FREQ=YEARLY;SKIP=FORWARD\n"),
            "valid-calendar-data",
        ),
        (
            "VJOURNAL where it is not taken",
            journal,
            "supported-calendar-component",
        ),
    ];
    for (name, text, element) in cases {
        let reply = alice.put(&(home.clone() + "refused.ics"), &text).await;
        assert_eq!(reply.status, 403, "{name}: {}", reply.text());
        reply.expect_precondition(403, &format!("{CALDAV}{element}"));
        alice
            .get(&(home.clone() + "refused.ics"))
            .await
            .expect(&[404]);
    }
    let reply = alice
        .request("PUT", &(home.clone() + "refused.ics"))
        .header("Content-Type", "text/plain")
        .body(event("plain", ""))
        .send()
        .await;
    reply.expect_precondition(403, &format!("{CALDAV}supported-calendar-data"));
}

/// RFC 4791 §5.3.2.1: no-uid-conflict names the resource in the way.
#[tokio::test]
async fn rfc_4791_5_3_2_1_no_uid_conflict() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    put_new(&alice, &(home.clone() + "first.ics"), &event("same", "")).await;
    let reply = alice
        .put(&(home.clone() + "second.ics"), &event("same", ""))
        .await;
    reply.expect_precondition(403, &format!("{CALDAV}no-uid-conflict"));
    let error = reply.xml();
    assert_eq!(
        error.descendants("{DAV:}href")[0].all_text(),
        home.clone() + "first.ics"
    );
    // An object cannot change its UID to one that is taken.
    put_new(&alice, &(home.clone() + "third.ics"), &event("other", "")).await;
    alice
        .put(&(home.clone() + "third.ics"), &event("same", ""))
        .await
        .expect_precondition(403, &format!("{CALDAV}no-uid-conflict"));
    // After the removal the UID is free.
    alice
        .delete(&(home.clone() + "first.ics"))
        .await
        .expect(&[204]);
    put_new(&alice, &(home + "second.ics"), &event("same", "")).await;
}

/// RFC 4791 §5.2.5: the published limit is the enforced one.
#[tokio::test]
async fn rfc_4791_5_2_5_max_resource_size_is_true() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    let published = alice
        .propfind(&home, "0", "<C:max-resource-size/>")
        .await
        .multistatus();
    let limit: usize = published.responses[0]
        .text(&format!("{CALDAV}max-resource-size"))
        .parse()
        .unwrap();
    let filler = |size: usize| {
        let empty = event("large", "DESCRIPTION:\n").len();
        event(
            "large",
            &format!("DESCRIPTION:{}\n", "x".repeat(size - empty)),
        )
    };
    let text = filler(limit + 1);
    assert_eq!(text.len(), limit + 1);
    alice
        .put(&(home.clone() + "large.ics"), &text)
        .await
        .expect_precondition(403, &format!("{CALDAV}max-resource-size"));
}

/// RFC 4791 §5.3.2.1: an object larger than a row of the store comes back whole.
#[tokio::test]
async fn large_objects_come_back_whole() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "large.ics";
    for size in [20_000, 40_000, 300_000] {
        let lines: String = (0..size / 60)
            .map(|number| format!("COMMENT:{number:050}\n"))
            .collect();
        let text = event("large", &lines);
        alice.put(&path, &text).await.expect(&[201, 204]);
        assert_eq!(alice.get(&path).await.text(), text);
    }
    alice.put(&path, &event("large", "")).await.expect(&[204]);
    alice.delete(&path).await.expect(&[204]);
}

/// Deletion, and what is then answered.
#[tokio::test]
async fn rfc_9110_9_3_5_deletion() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "gone.ics";
    alice.delete(&path).await.expect(&[404]);
    put_new(&alice, &path, &event("gone", "")).await;
    alice.delete(&path).await.expect(&[204]);
    alice.get(&path).await.expect(&[404]);
    alice.delete(&path).await.expect(&[404]);
    put_new(&alice, &path, &event("gone", "")).await;
}

/// Client behaviour 9: `@`, spaces and umlauts in names.
#[tokio::test]
async fn names_with_any_characters() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for (index, name) in [
        "a@b.ics",
        "with%20space.ics",
        "%C3%BCmlaut.ics",
        "plus+.ics",
        "(paren)'s.ics",
        "%7Btest%7D.ics",
    ]
    .into_iter()
    .enumerate()
    {
        let path = calendar("alice") + name;
        put_new(&alice, &path, &event(&format!("name-{index}"), "")).await;
        alice.get(&path).await.expect(&[200]);
        let listed = alice
            .propfind(&path, "0", "<D:getetag/>")
            .await
            .multistatus();
        // The href that is answered leads back to the object.
        alice.get(&listed.responses[0].href).await.expect(&[200]);
    }
    let listed = alice
        .propfind(&calendar("alice"), "1", "<D:getetag/>")
        .await
        .multistatus();
    assert_eq!(listed.responses.len(), 7);
    for response in listed
        .responses
        .iter()
        .filter(|response| !response.href.ends_with('/'))
    {
        alice.get(&response.href).await.expect(&[200]);
    }
}
