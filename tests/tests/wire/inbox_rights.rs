//! Who may deliver what to whom (RFC 6638 §6.1), and the SCHEDULE-STATUS where somebody may not (§3.2.9, case C7).

use tests::{client::Client, server::TestServer};

use super::{calendar, event, only_object, texts};

/// Takes one of the privileges of `schedule-deliver` on somebody's inbox from one person, and leaves it to all others.
pub async fn deny(client: &Client, owner: &str, other: &str, privilege: &str) {
    let entry = format!(
        "<D:ace><D:principal><D:href>/dav/principals/users/{other}/</D:href></D:principal>\
         <D:deny><D:privilege><C:{privilege}/></D:privilege></D:deny></D:ace>"
    );
    allow_but(client, owner, &entry).await;
}

/// Lets everybody deliver everything, but for what these entries say.
async fn allow_but(client: &Client, owner: &str, entries: &str) {
    let body = format!(
        "<D:acl xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{entries}\
         <D:ace><D:principal><D:authenticated/></D:principal>\
         <D:grant><D:privilege><C:schedule-deliver/></D:privilege></D:grant></D:ace></D:acl>"
    );
    let draft = client.request("ACL", &inbox(owner)).xml(body);
    draft.send().await.expect(&[200]);
}

fn inbox(name: &str) -> String {
    format!("/dav/calendars/users/{name}/inbox/")
}

fn meeting(lines: &str) -> String {
    let people = "ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\nATTENDEE:mailto:carol@example.com\n";
    event("m", &format!("{people}{lines}"))
}

/// The parameter of the line that is about somebody.
fn parameter(text: &str, property: &str, name: &str, parameter: &str) -> Option<String> {
    let address = format!(":mailto:{name}@example.com");
    let line = text
        .lines()
        .find(|line| line.starts_with(property) && line.ends_with(&address));
    let line = line.unwrap_or_else(|| panic!("no {property} {name} in {text}"));
    let parts = line.trim_end_matches(&address).split(';');
    let found = parts
        .into_iter()
        .find_map(|part| part.strip_prefix(&format!("{parameter}=")));
    found.map(|value| value.trim_matches('"').to_owned())
}

fn status(text: &str, property: &str, name: &str) -> Option<String> {
    parameter(text, property, name, "SCHEDULE-STATUS")
}

/// RFC 6638 §6.1.2: whom Bob lets nothing deliver invites everybody else, is told so (3.8), and is told of nothing
/// that Bob has; later changes and cancellations stay out, too, until Bob lets them in.
#[tokio::test]
async fn rfc_6638_6_1_2_schedule_deliver_invite() {
    let server = TestServer::start().await;
    let people = ["alice", "bob", "carol"].map(|name| server.client(name));
    let [alice, bob, carol] = &people;
    let at = calendar("alice") + "m.ics";
    deny(bob, "bob", "alice", "schedule-deliver-invite").await;
    alice.put(&at, &meeting("")).await.expect(&[201]);
    let text = alice.get(&at).await.text().replace("\r\n ", "");
    assert_eq!(status(&text, "ATTENDEE", "bob").as_deref(), Some("3.8"));
    assert_eq!(status(&text, "ATTENDEE", "carol").as_deref(), Some("1.2"));
    assert_eq!(texts(bob, &inbox("bob")).await.len(), 0);
    assert_eq!(texts(bob, &calendar("bob")).await.len(), 0);
    assert_eq!(texts(carol, &calendar("carol")).await.len(), 1);

    // Bob lets her in: the next change that others hear of invites him.
    allow_but(bob, "bob", "").await;
    alice
        .put(&at, &meeting("LOCATION:Hall\n"))
        .await
        .expect(&[204]);
    let text = alice.get(&at).await.text().replace("\r\n ", "");
    assert_eq!(status(&text, "ATTENDEE", "bob").as_deref(), Some("1.2"));
    assert_eq!(texts(bob, &calendar("bob")).await.len(), 1);

    deny(bob, "bob", "alice", "schedule-deliver-invite").await;
    alice
        .put(&at, &meeting("LOCATION:Garden\n"))
        .await
        .expect(&[204]);
    let text = alice.get(&at).await.text().replace("\r\n ", "");
    assert_eq!(status(&text, "ATTENDEE", "bob").as_deref(), Some("3.8"));
    assert!(texts(bob, &calendar("bob")).await[0].contains("LOCATION:Hall"));
    alice.delete(&at).await.expect(&[204]);
    assert!(!texts(bob, &calendar("bob")).await[0].contains("STATUS:CANCELLED"));
    assert!(texts(carol, &calendar("carol")).await[0].contains("STATUS:CANCELLED"));
    assert_eq!(texts(bob, &inbox("bob")).await.len(), 1);
}

/// RFC 6638 §6.1.3: an answer that may not be delivered changes nothing at the organizer's, and the attendee's own copy
/// says so; another attendee's comes in.
#[tokio::test]
async fn rfc_6638_6_1_3_schedule_deliver_reply() {
    let server = TestServer::start().await;
    let people = ["alice", "bob", "carol"].map(|name| server.client(name));
    let [alice, bob, carol] = &people;
    let at = calendar("alice") + "m.ics";
    alice.put(&at, &meeting("")).await.expect(&[201]);
    deny(alice, "alice", "bob", "schedule-deliver-reply").await;
    for (client, name, sent) in [(bob, "bob", "3.8"), (carol, "carol", "1.2")] {
        let copy = &only_object(client, &calendar(name)).await;
        let asked = format!("ATTENDEE:mailto:{name}@");
        let accepted = format!("ATTENDEE;PARTSTAT=ACCEPTED:mailto:{name}@");
        let answer = meeting("").replace(&asked, &accepted);
        client.put(copy, &answer).await.expect(&[204]);
        let text = client.get(copy).await.text().replace("\r\n ", "");
        assert_eq!(status(&text, "ORGANIZER", "alice").as_deref(), Some(sent));
        let said = parameter(&text, "ATTENDEE", name, "PARTSTAT");
        assert_eq!(said.as_deref(), Some("ACCEPTED"));
    }
    let text = alice.get(&at).await.text().replace("\r\n ", "");
    let said = |name| parameter(&text, "ATTENDEE", name, "PARTSTAT");
    assert_eq!(said("bob"), None, "{text}");
    assert_eq!(said("carol").as_deref(), Some("ACCEPTED"), "{text}");
    assert_eq!(texts(alice, &inbox("alice")).await.len(), 1);
}

/// RFC 6638 §6.2: who may send from somebody's outbox speaks for them, whether or not they see what arrives; and what others
/// tell, they tell the one in whose name they are asked (§6.1).
#[tokio::test]
async fn rfc_6638_6_2_the_outbox_says_who_speaks_for_its_owner() {
    let server = TestServer::start().await;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| server.client(name));
    let grant = async |path: &str, privilege: &str| {
        let body = format!(
            "<D:acl xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:ace><D:principal>\
             <D:href>/dav/principals/users/bob/</D:href></D:principal><D:grant><D:privilege>\
             {privilege}</D:privilege></D:grant></D:ace></D:acl>"
        );
        let draft = alice.request("ACL", path).xml(body);
        draft.send().await.expect(&[200]);
    };
    let path = calendar("alice") + "m.ics";
    grant(&calendar("alice"), "<D:all/>").await;
    bob.put(&path, &meeting("")).await.expect(&[403]);
    let outbox = "/dav/calendars/users/alice/outbox/";
    grant(outbox, "<C:schedule-send/>").await;
    bob.get(&inbox("alice")).await.expect(&[403]);
    bob.put(&path, &meeting("")).await.expect(&[201]);
    let invited = texts(&carol, &calendar("carol")).await;
    assert!(
        invited[0].contains("SENT-BY=\"mailto:bob@example.com\""),
        "{invited:?}"
    );

    deny(&carol, "carol", "bob", "schedule-query-freebusy").await;
    let question = |organizer: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//T//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\n\
             DTSTAMP:20261101T080000Z\r\nDTSTART:20261102T000000Z\r\nDTEND:20261103T000000Z\r\n\
             ORGANIZER:mailto:{organizer}@example.com\r\nATTENDEE:mailto:carol@example.com\r\n\
             END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
        )
    };
    for (outbox, organizer, status) in [
        (outbox, "alice", "2.0;"),
        ("/dav/calendars/users/bob/outbox/", "bob", "3.8;"),
    ] {
        let draft = bob.request("POST", outbox).body(question(organizer));
        let reply = draft.header("Content-Type", "text/calendar").send().await;
        reply.expect(&[200]);
        assert!(reply.text().contains(status), "{}", reply.text());
    }
}
