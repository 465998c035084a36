//! Schedule-Tag as a header and as a condition (RFC 6638 §3.2.10, §8.2 and §8.3; case C6; client behaviour 12), and what
//! COPY and MOVE do to meetings (§3.2.3.3 and §3.2.3.4; case C4.4).

use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, only_object, put_new, texts};

const HOME: &str = "/dav/calendars/users/alice/";
const BOB_INBOX: &str = "/dav/calendars/users/bob/inbox/";

fn meeting(lines: &str) -> String {
    let people = "ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\n";
    event("m", &format!("{people}{lines}"))
}

/// A PUT, or a DELETE where there is no text, if the Schedule-Tag is this.
async fn if_tag(client: &Client, path: &str, text: Option<&str>, tag: &str) -> Reply {
    let method = if text.is_some() { "PUT" } else { "DELETE" };
    let draft = client
        .request(method, path)
        .header("If-Schedule-Tag-Match", tag);
    match text {
        Some(text) => {
            let draft = draft.header("Content-Type", "text/calendar");
            draft.body(text.to_owned()).send().await
        }
        None => draft.send().await,
    }
}

/// RFC 6638 §8.3, C6.3: Apple's clients send the header without a value for what has no tag, which holds for that and
/// for nothing else; any tag fails where there is none.
#[tokio::test]
async fn rfc_6638_8_3_a_tag_where_there_is_none() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let (plain, planned) = (calendar("alice") + "plain.ics", calendar("alice") + "m.ics");
    let changed = event("plain", "LOCATION:Hall\n");
    let made = alice.put(&plain, &event("plain", "")).await;
    made.expect(&[201]);
    assert_eq!(made.header("Schedule-Tag"), "");
    assert_eq!(alice.get(&plain).await.header("Schedule-Tag"), "");
    let tag = alice.put(&planned, &meeting("")).await;
    let tag = tag.header("Schedule-Tag").to_owned();
    let moved = meeting("LOCATION:Hall\n");
    for (path, text, given, status) in [
        (&plain, Some(&changed), "\"any\"", 412),
        (&plain, Some(&changed), &*tag, 412),
        (&plain, Some(&changed), "", 204),
        (&plain, None, "\"any\"", 412),
        (&plain, None, "", 204),
        // nothing is there any more
        (&plain, Some(&changed), "\"any\"", 412),
        (&planned, Some(&moved), "", 412),
        (&planned, None, "", 412),
        (&planned, Some(&moved), &*tag, 204),
        (&planned, Some(&moved), &*tag, 412),
        (&planned, None, &*tag, 412),
    ] {
        let reply = if_tag(&alice, path, text.map(String::as_str), given).await;
        assert_eq!(reply.status, status, "{path} {given}: {}", reply.text());
    }
    let tag = alice.get(&planned).await.header("Schedule-Tag").to_owned();
    if_tag(&alice, &planned, None, &tag).await.expect(&[204]);
}

async fn transfer(client: &Client, method: &str, from: &str, to: &str) -> Reply {
    let draft = client.request(method, from).header("Destination", to);
    draft.send().await
}

/// What is at a path: its Schedule-Tag.
async fn tag_of(client: &Client, path: &str) -> String {
    let got = client.get(path).await;
    got.expect(&[200]);
    got.header("Schedule-Tag").to_owned()
}

/// RFC 6638 §3.2.10 and the table of decisions: a MOVE from one calendar to another gives a meeting a new tag and says
/// it; nobody hears of it, and the invited go on as they were. What is no meeting has no tag afterwards, either.
#[tokio::test]
async fn rfc_6638_3_2_10_copy_and_move_say_the_tag() {
    // C6.4
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let second = format!("{HOME}second/");
    alice
        .request("MKCALENDAR", &second)
        .send()
        .await
        .expect(&[201]);
    let (from, to) = (calendar("alice") + "m.ics", second.clone() + "m.ics");
    alice.put(&from, &meeting("")).await.expect(&[201]);
    let first = tag_of(&alice, &from).await;
    let copy = texts(&bob, &calendar("bob")).await;
    let moved = transfer(&alice, "MOVE", &from, &to).await;
    moved.expect(&[201]);
    let tag = tag_of(&alice, &to).await;
    assert_eq!(moved.header("Schedule-Tag"), tag);
    assert!(tag != first && !tag.is_empty(), "{tag}");
    assert_eq!(texts(&bob, BOB_INBOX).await.len(), 1);
    assert_eq!(texts(&bob, &calendar("bob")).await, copy);

    let plain = calendar("alice") + "plain.ics";
    put_new(&alice, &plain, &event("plain", "")).await;
    for (method, name) in [("COPY", "copy.ics"), ("MOVE", "copy.ics")] {
        let done = transfer(&alice, method, &plain, &format!("{second}{name}")).await;
        done.expect(&[201, 204]);
        assert_eq!(done.header("Schedule-Tag"), "", "{method}");
    }
}

/// RFC 6638 §3.2.3.3 and §3.2.3.4: a meeting that leaves its calendar is removed for everybody, and one that comes into
/// a calendar is made, by MOVE and by COPY; the answer says the tag that it has then. An attendee who moves it out
/// declines.
#[tokio::test]
async fn rfc_6638_3_2_3_4_out_of_a_calendar_and_into_one() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let (within, outside) = (calendar("alice") + "m.ics", format!("{HOME}m.ics"));
    let copy = async || texts(&bob, &calendar("bob")).await;
    alice.put(&within, &meeting("")).await.expect(&[201]);
    transfer(&alice, "MOVE", &within, &outside)
        .await
        .expect(&[201]);
    assert_eq!(tag_of(&alice, &outside).await, "");
    assert!(copy().await[0].contains("STATUS:CANCELLED"));
    assert!(
        texts(&bob, BOB_INBOX)
            .await
            .iter()
            .any(|it| it.contains("METHOD:CANCEL"))
    );

    let copied = transfer(&alice, "COPY", &outside, &within).await;
    copied.expect(&[201]);
    let tag = tag_of(&alice, &within).await;
    assert!(!tag.is_empty());
    assert_eq!(copied.header("Schedule-Tag"), tag);
    assert!(!copy().await[0].contains("STATUS:CANCELLED"));
    alice.delete(&within).await.expect(&[204]);
    assert!(copy().await[0].contains("STATUS:CANCELLED"));
    let moved = transfer(&alice, "MOVE", &outside, &within).await;
    moved.expect(&[201]);
    assert_eq!(moved.header("Schedule-Tag"), tag_of(&alice, &within).await);
    assert!(!copy().await[0].contains("STATUS:CANCELLED"));

    let own = only_object(&bob, &calendar("bob")).await;
    let out = "/dav/calendars/users/bob/m.ics";
    transfer(&bob, "MOVE", &own, out).await.expect(&[201]);
    let text = texts(&alice, &calendar("alice")).await.remove(0);
    assert!(text.contains("PARTSTAT=DECLINED"), "{text}");
}

/// RFC 6638 §3.2.10.2 and §8.3: the header speaks of what a COPY or a MOVE takes, not of what it replaces; client behaviour
/// 12.
#[tokio::test]
async fn rfc_6638_8_3_the_tag_is_that_of_what_is_taken() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let second = format!("{HOME}second/");
    let made = alice.request("MKCALENDAR", &second).send().await;
    made.expect(&[201]);
    let (from, to) = (calendar("alice") + "m.ics", second.clone() + "other.ics");
    alice.put(&from, &meeting("")).await.expect(&[201]);
    let stale = tag_of(&alice, &from).await;
    alice
        .put(&from, &meeting("LOCATION:Hall\n"))
        .await
        .expect(&[204]);
    let people = "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:carol@example.com\n";
    put_new(&alice, &to, &event("other", people)).await;
    let (tag, replaced) = (tag_of(&alice, &from).await, tag_of(&alice, &to).await);
    assert!(tag != stale && replaced != tag);
    let before = (
        texts(&alice, &calendar("alice")).await,
        texts(&alice, &second).await,
    );
    let bobs = texts(&bob, BOB_INBOX).await;
    let transfer = async |method: &str, tag: &str, to: &str| {
        let draft = alice.request(method, &from).header("Destination", to);
        draft.header("If-Schedule-Tag-Match", tag).send().await
    };
    for method in ["COPY", "MOVE"] {
        for wrong in [&*stale, &replaced, "\"any\"", ""] {
            let reply = transfer(method, wrong, &to).await;
            assert_eq!(reply.status, 412, "{method} {wrong}: {}", reply.text());
        }
    }
    let after = (
        texts(&alice, &calendar("alice")).await,
        texts(&alice, &second).await,
    );
    assert_eq!(after, before);
    assert_eq!(texts(&bob, BOB_INBOX).await, bobs);
    let free = second.clone() + "m.ics";
    transfer("MOVE", &tag, &free).await.expect(&[201]);
    assert!(texts(&alice, &calendar("alice")).await.is_empty());
    let moved = alice.get(&free).await;
    assert!(moved.text().contains("LOCATION:Hall"), "{}", moved.text());
}
