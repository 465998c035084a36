//! The preconditions of scheduling, as clients see them (RFC 6638 §3.2.4 and §5.2): each has its element and its status,
//! and what is refused changes nothing and reaches nobody.

use tests::{client::Client, server::TestServer};

use super::{calendar, event, object, only_object, put_new, texts};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const BOB_INBOX: &str = "/dav/calendars/users/bob/inbox/";

fn meeting(organizer: &str, lines: &str) -> String {
    let people = format!(
        "ORGANIZER:mailto:{organizer}@example.com\nATTENDEE:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\n"
    );
    event("m", &format!("{people}{lines}"))
}

/// A series of Alice's with an instance of this organizer's.
fn series(organizer: &str) -> String {
    let part = |organizer: &str, lines: &str| {
        let text = meeting(organizer, lines);
        let begin = text.find("BEGIN:VEVENT").unwrap();
        let end = text.find("END:VCALENDAR").unwrap();
        text[begin..end].replace("\r\n", "\n")
    };
    let instance = part(organizer, "RECURRENCE-ID:20261103T090000Z\n");
    let instance = instance.replace("DTSTART:20261102", "DTSTART:20261103");
    let instance = instance.replace("DTEND:20261102", "DTEND:20261103");
    object(&(part("alice", "RRULE:FREQ=DAILY;COUNT=3\n") + &instance))
}

/// Whatever a client tries: 403 with the element, and everything is as it was.
async fn refused(client: &Client, path: &str, text: &str, element: &str) {
    let before = client.get(path).await;
    let refused = client.put(path, text).await;
    refused.expect_precondition(403, &format!("{CALDAV}{element}"));
    let after = client.get(path).await;
    assert_eq!((after.status, after.text()), (before.status, before.text()));
}

/// RFC 6638 §3.2.4.2, C1.2: by PUT, and by COPY and MOVE into a calendar.
#[tokio::test]
async fn rfc_6638_3_2_4_2_same_organizer_in_all_components() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let (within, outside) = (
        calendar("alice") + "m.ics",
        "/dav/calendars/users/alice/m.ics",
    );
    let element = "same-organizer-in-all-components";
    refused(&alice, &within, &series("bob"), element).await;
    put_new(&alice, outside, &series("bob")).await;
    for method in ["COPY", "MOVE"] {
        let draft = alice.request(method, outside);
        let reply = draft.header("Destination", &within).send().await;
        reply.expect_precondition(403, &format!("{CALDAV}{element}"));
    }
    alice.get(&within).await.expect(&[404]);
    assert!(texts(&bob, BOB_INBOX).await.is_empty());
    put_new(&alice, &within, &series("alice")).await;
    refused(&alice, &within, &series("bob"), element).await;
    assert_eq!(texts(&bob, BOB_INBOX).await.len(), 1);
}

/// RFC 6638 §3.2.4.3, C1.3 and C1.4: an organizer hands a meeting over to nobody, and does not leave the invited without
/// one.
#[tokio::test]
async fn rfc_6638_3_2_4_3_allowed_organizer_scheduling_object_change() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "m.ics";
    put_new(&alice, &path, &meeting("alice", "")).await;
    let nobody = meeting("alice", "").replace("ORGANIZER:mailto:alice@example.com\r\n", "");
    for text in [meeting("bob", ""), meeting("xenia", ""), nobody] {
        refused(
            &alice,
            &path,
            &text,
            "allowed-organizer-scheduling-object-change",
        )
        .await;
    }
    assert_eq!(texts(&bob, BOB_INBOX).await.len(), 1);
}

/// RFC 6638 §3.2.4.4, C1.3 and C3.1: an attendee neither takes a meeting over nor gives it to somebody else.
#[tokio::test]
async fn rfc_6638_3_2_4_4_allowed_attendee_scheduling_object_change() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    put_new(
        &alice,
        &(calendar("alice") + "m.ics"),
        &meeting("alice", ""),
    )
    .await;
    let copy = only_object(&bob, &calendar("bob")).await;
    for organizer in ["bob", "carol"] {
        let element = "allowed-attendee-scheduling-object-change";
        refused(&bob, &copy, &meeting(organizer, ""), element).await;
    }
    assert!(
        texts(&alice, "/dav/calendars/users/alice/inbox/")
            .await
            .is_empty()
    );
}

/// RFC 6638 §5.2: what an outbox does not take, with the status of §5.2.1 and §5.2.2.
#[tokio::test]
async fn rfc_6638_5_2_what_an_outbox_refuses() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let question = object(
        "METHOD:REQUEST\nBEGIN:VFREEBUSY\nUID:q\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T000000Z\nDTEND:20261103T000000Z\nORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\nEND:VFREEBUSY\n",
    );
    let of_nobody = |name: &str| {
        let lines = question.lines().filter(|line| !line.starts_with(name));
        lines.map(|line| format!("{line}\r\n")).collect::<String>()
    };
    for (text, status, element) in [
        (
            question.replace(":REQUEST", ":REPLY"),
            400,
            "valid-scheduling-message",
        ),
        (of_nobody("METHOD"), 400, "valid-scheduling-message"),
        (of_nobody("UID"), 400, "valid-scheduling-message"),
        (of_nobody("DTSTAMP"), 400, "valid-scheduling-message"),
        (of_nobody("DTEND"), 400, "valid-scheduling-message"),
        (of_nobody("ORGANIZER"), 400, "valid-scheduling-message"),
        (of_nobody("ATTENDEE"), 400, "valid-scheduling-message"),
        (
            meeting("alice", "").replace("BEGIN:VEVENT", "METHOD:REQUEST\r\nBEGIN:VEVENT"),
            400,
            "valid-scheduling-message",
        ),
        (
            question.replace("ORGANIZER:mailto:alice", "ORGANIZER:mailto:bob"),
            403,
            "valid-organizer",
        ),
        (
            question.replace("alice@example.com", "alice@elsewhere.example"),
            403,
            "valid-organizer",
        ),
        (
            question.replace("END:VCALENDAR", ""),
            403,
            "valid-calendar-data",
        ),
    ] {
        let draft = alice.request("POST", "/dav/calendars/users/alice/outbox/");
        let draft = draft.header("Content-Type", "text/calendar; charset=utf-8");
        let reply = draft.body(text).send().await;
        reply.expect_precondition(status, &format!("{CALDAV}{element}"));
    }
    let draft = alice.request("POST", "/dav/calendars/users/bob/outbox/");
    let reply = draft.header("Content-Type", "text/calendar").body(question);
    reply
        .send()
        .await
        .expect_precondition(403, "{DAV:}need-privileges");
}
