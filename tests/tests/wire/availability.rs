//! RFC 7953: the availability of a person, and what others hear of it.

use tests::{client::Client, server::TestServer};

use super::{calendar, object, put_new};

const INBOX: &str = "/dav/calendars/users/bob/inbox/";
const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const CALENDARSERVER: &str = "http://calendarserver.org/ns/";

/// Free from eight to six in Berlin, Monday to Friday.
fn office_hours() -> String {
    object(
        "BEGIN:VAVAILABILITY\nUID:office\nDTSTAMP:20261101T080000Z\nBEGIN:AVAILABLE\nUID:days\nDTSTAMP:20261101T080000Z\nDTSTART;TZID=Europe/Berlin:20261026T080000\nDTEND;TZID=Europe/Berlin:20261026T180000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\nEND:AVAILABLE\nEND:VAVAILABILITY\n",
    )
}

async fn set(client: &Client, namespace: &str, value: &str) -> u16 {
    let value = value.replace('\r', "&#13;");
    let body = format!(
        r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:calendar-availability xmlns:X="{namespace}">{value}</X:calendar-availability></D:prop></D:set></D:propertyupdate>"#
    );
    let reply = client.request("PROPPATCH", INBOX).xml(body).send().await;
    let answer = reply.multistatus();
    let name = format!("{{{namespace}}}calendar-availability");
    let status = answer.responses[0].status_of(&name).unwrap();
    if status == 403 {
        assert!(
            reply.text().contains("valid-calendar-data"),
            "{}",
            reply.text()
        );
    }
    status
}

/// Bob's busy time on Monday, 2 November 2026, as Alice hears it: the FREEBUSY lines.
async fn asked(alice: &Client) -> Vec<String> {
    let question = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20261102T000000Z\r\nDTEND:20261103T000000Z\r\nORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
    let draft = alice.request("POST", "/dav/calendars/users/alice/outbox/");
    let draft = draft.header("Content-Type", "text/calendar; charset=utf-8");
    let reply = draft.body(question).send().await;
    reply.expect(&[200]);
    let data = reply
        .xml()
        .descendants(&format!("{{{CALDAV}}}calendar-data"))[0]
        .all_text();
    busy_lines(&data)
}

fn busy_lines(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("FREEBUSY"));
    lines.map(str::to_owned).collect()
}

/// RFC 7953 §7.2.1
#[tokio::test]
async fn rfc_7953_7_2_1_is_advertised() {
    let server = TestServer::start().await;
    let options = server.client("bob").request("OPTIONS", INBOX).send().await;
    let classes = options.header("DAV");
    assert!(
        classes
            .split(", ")
            .any(|class| class == "calendar-availability"),
        "{classes}"
    );
}

/// RFC 7953 §7.2.4: kept as it was written, checked, and not in allprop.
#[tokio::test]
async fn rfc_7953_7_2_4_the_property() {
    let server = TestServer::start().await;
    let bob = server.client("bob");
    assert_eq!(set(&bob, CALDAV, &office_hours()).await, 200);
    let answer = bob.propfind(INBOX, "0", "<C:calendar-availability/>").await;
    let name = format!("{{{CALDAV}}}calendar-availability");
    let kept = answer.multistatus().responses[0]
        .property(&name)
        .unwrap()
        .text
        .clone();
    assert_eq!(kept, office_hours());
    let all = bob
        .request("PROPFIND", INBOX)
        .header("Depth", "0")
        .send()
        .await;
    assert_eq!(all.multistatus().responses[0].status_of(&name), None);
    let event =
        "BEGIN:VEVENT\nUID:1\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T080000Z\nEND:VEVENT\n";
    for wrong in [
        "x".to_owned(),
        String::new(),
        object(event),
        office_hours().replace("UID:office\r\n", ""),
        office_hours().replace("DTSTART;", "X-START;"),
    ] {
        assert_eq!(set(&bob, CALDAV, &wrong).await, 403, "{wrong}");
    }
    let answer = bob.propfind(INBOX, "0", "<C:calendar-availability/>").await;
    assert_eq!(
        answer.multistatus().responses[0]
            .property(&name)
            .unwrap()
            .text,
        kept
    );
    // RFC 7953 §8: nobody else may write it.
    let alice = server.client("alice");
    let body = r#"<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><X:calendar-availability xmlns:X="urn:ietf:params:xml:ns:caldav"/></D:prop></D:remove></D:propertyupdate>"#;
    let refused = alice
        .request("PROPPATCH", INBOX)
        .xml(body.to_owned())
        .send()
        .await;
    refused.expect(&[403]);
}

/// RFC 7953 §7.2.5 and §5: what others hear is busy outside of it, and busy by events within.
#[tokio::test]
async fn rfc_7953_7_2_5_questions_for_busy_time() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let meeting = object(
        "BEGIN:VEVENT\nUID:1\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T110000Z\nDTEND:20261102T130000Z\nEND:VEVENT\n",
    );
    put_new(&bob, &(calendar("bob") + "1.ics"), &meeting).await;
    let busy = "FREEBUSY;FBTYPE=BUSY:20261102T110000Z/20261102T130000Z";
    assert_eq!(asked(&alice).await, [busy]);
    assert_eq!(set(&bob, CALDAV, &office_hours()).await, 200);
    let away = |span: &str| format!("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:{span}");
    let expected = [
        away("20261102T000000Z/20261102T070000Z"),
        busy.to_owned(),
        away("20261102T170000Z/20261103T000000Z"),
    ];
    assert_eq!(asked(&alice).await, expected);
    // The name that Apple's clients use counts where the RFC's is not set.
    let vacation = object(
        "BEGIN:VAVAILABILITY\nUID:away\nDTSTAMP:20261101T080000Z\nBUSYTYPE:BUSY-TENTATIVE\nDTSTART:20261102T120000Z\nEND:VAVAILABILITY\n",
    );
    assert_eq!(set(&bob, CALENDARSERVER, &vacation).await, 200);
    assert_eq!(asked(&alice).await, expected);
    let body = r#"<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><X:calendar-availability xmlns:X="urn:ietf:params:xml:ns:caldav"/></D:prop></D:remove></D:propertyupdate>"#;
    let removed = bob
        .request("PROPPATCH", INBOX)
        .xml(body.to_owned())
        .send()
        .await;
    removed.expect(&[207]);
    let tentative = "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261102T120000Z/20261103T000000Z";
    assert_eq!(asked(&alice).await, [busy, tentative]);
}

/// The same in a free-busy-query, on a calendar and on the home (RFC 4791 §7.10), beside what stands in calendars:
/// whatever the server remembers of them.
#[tokio::test]
async fn rfc_7953_5_free_busy_query() {
    let server = TestServer::start().await;
    let bob = server.client("bob");
    assert_eq!(set(&bob, CALDAV, &office_hours()).await, 200);
    let body = r#"<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20261102T000000Z" end="20261103T000000Z"/></C:free-busy-query>"#;
    let lines = async || {
        let mut lines = Vec::new();
        for (place, depth) in [
            (calendar("bob"), "1"),
            ("/dav/calendars/users/bob/".to_owned(), "infinity"),
        ] {
            let reply = bob.report(&place, depth, body).await;
            reply.expect(&[200]);
            lines.push(busy_lines(&reply.text().replace("\r\n ", "")));
        }
        lines
    };
    let away = "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261102T000000Z/20261102T070000Z,20261102T170000Z/20261103T000000Z";
    assert_eq!(lines().await, [[away], [away]]);
    // A series that reaches from within office hours to beyond their end: periods of different kinds may overlap.
    let series = object(
        "BEGIN:VEVENT\nUID:1\nDTSTAMP:20261101T080000Z\nDTSTART:20261101T160000Z\nDTEND:20261101T180000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\n",
    );
    put_new(&bob, &(calendar("bob") + "1.ics"), &series).await;
    let busy = "FREEBUSY;FBTYPE=BUSY:20261102T160000Z/20261102T180000Z";
    for _ in 0..3 {
        let told = lines().await;
        assert_eq!(told[0], told[1]);
        let mut told = told[0].clone();
        told.sort_by_key(|line| line.contains("FBTYPE=BUSY:"));
        assert_eq!(told, [away, busy]);
    }
}
