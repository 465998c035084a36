//! Acting for somebody: delegates as Apple Calendar makes and finds them (calendarserver calendar-proxy), and a
//! room whose keeper answers for it.

use base64::Engine;
use storage::model::Delegate;
use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, put_new};

const BOB: &str = "/dav/principals/users/bob/";
const ALICE_WRITE: &str = "/dav/principals/users/alice/calendar-proxy-write/";

/// Whom somebody may act for, as Apple Calendar asks when an account is set up and whenever its settings are
/// opened.
async fn acts_for(client: &Client, principal: &str) -> Reply {
    let property = |name: &str| {
        format!(
            "<D:property name='{name}' namespace='http://calendarserver.org/ns/'>\
             <D:property name='displayname'/><D:property name='calendar-user-address-set' \
             namespace='urn:ietf:params:xml:ns:caldav'/><D:property name='calendar-home-set' \
             namespace='urn:ietf:params:xml:ns:caldav'/><D:property name='email-address-set' \
             namespace='http://calendarserver.org/ns/'/></D:property>"
        )
    };
    let body = format!(
        "<D:expand-property xmlns:D='DAV:'>{}{}</D:expand-property>",
        property("calendar-proxy-read-for"),
        property("calendar-proxy-write-for")
    );
    client.report(principal, "0", &body).await
}

async fn set_members(client: &Client, group: &str, members: &[&str]) -> Reply {
    let members: String = members
        .iter()
        .map(|member| format!("<D:href>{member}</D:href>"))
        .collect();
    let body = format!(
        "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:group-member-set>{members}</D:group-member-set>\
         </D:prop></D:set></D:propertyupdate>"
    );
    client.request("PROPPATCH", group).xml(body).send().await
}

/// calendarserver calendar-proxy §5: Alice finds Bob, makes him a delegate, and takes that back.
#[tokio::test]
async fn calendar_proxy_5_as_apple_calendar_does_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let search = "<D:principal-property-search xmlns:D='DAV:'><D:property-search><D:prop><D:displayname/>\
        </D:prop><D:match>Bo</D:match></D:property-search><D:prop><D:displayname/><D:principal-URL/></D:prop>\
        <D:apply-to-principal-collection-set/></D:principal-property-search>";
    let found = alice.report("/dav/principals/", "0", search).await;
    found.expect(&[207]);
    assert!(found.text().contains(BOB), "{}", found.text());

    let nobody = acts_for(&bob, BOB).await;
    nobody.expect(&[207]);
    assert!(!nobody.text().contains("alice"), "{}", nobody.text());
    let home = "/dav/calendars/users/alice/";
    bob.propfind(home, "1", "<D:displayname/>")
        .await
        .expect(&[403]);

    set_members(&alice, ALICE_WRITE, &[BOB])
        .await
        .expect(&[207]);
    let members = alice
        .propfind(ALICE_WRITE, "0", "<D:group-member-set/>")
        .await;
    assert!(members.text().contains(BOB), "{}", members.text());
    let manager = acts_for(&bob, BOB).await;
    manager.expect(&[207]);
    for part in [
        "/dav/principals/users/alice/",
        "<D:displayname>Alice</D:displayname>",
        "mailto:alice@example.com",
        home,
    ] {
        assert!(manager.text().contains(part), "{part}: {}", manager.text());
    }
    let listed = bob
        .propfind(
            home,
            "1",
            "<D:resourcetype/><D:current-user-privilege-set/>",
        )
        .await;
    listed.expect(&[207]);
    assert!(listed.text().contains(&calendar("alice")));
    let of_alice = format!("{}by-bob.ics", calendar("alice"));
    put_new(&bob, &of_alice, &event("by-bob", "")).await;

    // Somebody who is not there makes no delegate of anybody.
    let refused = set_members(&alice, ALICE_WRITE, &["/dav/principals/users/nobody/"]).await;
    assert!(!refused.text().contains("200 OK"), "{}", refused.text());
    assert!(acts_for(&bob, BOB).await.text().contains("Alice"));
    // A delegate makes no others.
    let refused = set_members(&bob, ALICE_WRITE, &["/dav/principals/users/carol/"]).await;
    refused.expect(&[403]);

    set_members(&alice, ALICE_WRITE, &[]).await.expect(&[207]);
    assert!(!acts_for(&bob, BOB).await.text().contains("Alice"));
    bob.propfind(home, "1", "<D:displayname/>")
        .await
        .expect(&[403]);
}

const ROOM: &str = "/dav/calendars/locations/room/calendar/";

/// The room's copy of the only meeting it is booked for.
async fn booking(keeper: &Client) -> String {
    let listed = keeper.propfind(ROOM, "1", "<D:getetag/>").await;
    listed.expect(&[207]);
    let text = listed.text();
    let hrefs = text
        .split("<D:href>")
        .filter_map(|part| part.split_once("</D:href>"));
    let mut copies = hrefs
        .map(|(href, _)| href)
        .filter(|href| href.ends_with(".ics"));
    copies.next().expect("the room is booked").to_owned()
}

/// The keeper of a room answers for it, and the organizer hears who did; who only reads cannot, and outsiders see
/// when it is taken.
#[tokio::test]
async fn a_keeper_answers_for_a_room() {
    let server = TestServer::start().await;
    let id = async |name: &str| {
        let found = server.store().principal_by_name(name).await.unwrap();
        found.unwrap().id
    };
    let (room, bob, carol) = (id("room").await, id("bob").await, id("carol").await);
    server
        .store()
        .change_principal(room, |room| {
            room.delegates = vec![Delegate::deputy(bob), Delegate::reader(carol)];
        })
        .await
        .unwrap();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| server.client(name));
    let meeting = event(
        "m",
        "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:alice@example.com\nATTENDEE;CUTYPE=ROOM:mailto:room@example.com\n",
    );
    let at = format!("{}m.ics", calendar("alice"));
    put_new(&alice, &at, &meeting).await;
    let copy = booking(&bob).await;

    let booked = carol.get(&copy).await;
    booked.expect(&[200]);
    let unfolded = |text: &str| text.replace("\r\n ", "");
    let of_room = |text: &str| -> String {
        let text = unfolded(text);
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with("ATTENDEE") && line.contains("room@"));
        line.expect("the room is invited").to_owned()
    };
    let answered = of_room(booked.text());
    let parameters = answered.strip_suffix(":mailto:room@example.com").unwrap();
    let kept: Vec<&str> = parameters
        .split(';')
        .filter(|part| !part.starts_with("PARTSTAT"))
        .collect();
    let declined = format!(
        "{};PARTSTAT=DECLINED:mailto:room@example.com",
        kept.join(";")
    );
    let answer = unfolded(booked.text()).replace(&answered, &declined);
    let refused = carol.put(&copy, &answer).await;
    refused.expect_precondition(403, "{DAV:}need-privileges");
    assert!(
        refused.text().contains(&copy) && refused.text().contains("write-content"),
        "{}",
        refused.text()
    );
    bob.put(&copy, &answer).await.expect(&[200, 201, 204]);
    let heard = of_room(alice.get(&at).await.text());
    assert!(
        heard.contains("PARTSTAT=DECLINED") && heard.contains("SENT-BY=\"mailto:bob@example.com\""),
        "{heard}"
    );

    // Who keeps nothing sees neither the room's meetings nor what they are.
    server.add_person("dave", "Dave").await;
    let outsider = server.client("dave");
    outsider.get(&copy).await.expect(&[403]);
    put_new(
        &alice,
        &format!("{}n.ics", calendar("alice")),
        &meeting.replace("UID:m", "UID:n"),
    )
    .await;
    let busy = "<C:free-busy-query xmlns:C='urn:ietf:params:xml:ns:caldav'>\
        <C:time-range start='20261101T000000Z' end='20261104T000000Z'/></C:free-busy-query>";
    let answer = outsider.report(ROOM, "1", busy).await;
    answer.expect(&[200]);
    assert!(
        answer.text().contains("20261102T090000Z") && !answer.text().contains("SUMMARY"),
        "{}",
        answer.text()
    );
}

/// A mail with its parts decoded and all lines unfolded, without what is another each time: when it was sent, its
/// name, and what parts it.
fn readable(mail: &str) -> String {
    let unfolded = mail.replace("\r\n ", " ");
    let boundary = unfolded
        .split('"')
        .find(|part| part.starts_with("convoke-"));
    let boundary = format!("--{}", boundary.expect("a mail of several parts"));
    let mut parts = unfolded.split(&boundary);
    let changing = ["Date:", "Message-ID:", "Content-Type: multipart"];
    let headers = parts.next().unwrap_or_default().lines();
    let kept = headers.filter(|line| !changing.iter().any(|name| line.starts_with(name)));
    let mut text = Vec::from_iter(kept).join("\n");
    for part in parts.filter(|part| part.trim() != "--") {
        let (headers, body) = part.split_once("\r\n\r\n").expect("a part has headers");
        let type_of = headers.trim().lines().next().unwrap_or_default();
        let octets: String = body.split_whitespace().collect();
        let decoded = base64::engine::general_purpose::STANDARD.decode(octets);
        let mut decoded = String::from_utf8(decoded.expect("base64")).expect("UTF-8");
        if type_of.contains("text/calendar") {
            decoded = decoded.replace("\r\n ", "");
        }
        let lines = decoded.trim_end().lines();
        let lines = lines.filter(|line| !line.starts_with("DTSTAMP:"));
        text.extend(["\n", type_of, "\n"]);
        lines.for_each(|line| text.extend([line, "\n"]));
    }
    text
}

/// The whole of a mail about the meeting, as [`readable`] gives it.
fn mail(headers: [&str; 3], sentence: &str, attendees: &[&str], calendar: &str) -> String {
    let listed = match attendees {
        [one] => format!(" {one}"),
        several => several.iter().map(|one| format!("\n  {one}")).collect(),
    };
    let (headers, in_html) = (headers.join("\n"), attendees.join("<br>\n"));
    format!(
        "{headers}\nAuto-Submitted: auto-generated\nContent-Language: en\nMIME-Version: 1.0\n\
         \nContent-Type: text/plain; charset=utf-8\n{sentence}\n\nMeeting\n\n\
         When: Monday, 2 November 2026, 09:00 – 10:00 (UTC)\nOrganizer: Alice (alice@example.com)\n\
         Attendees:{listed}\n\nContent-Type: text/html; charset=utf-8\n<!DOCTYPE html>\n<html><body>\n\
         <p>{sentence}</p>\n<h2>Meeting</h2>\n<table>\n\
         <tr><th align=\"left\" valign=\"top\">When</th><td>Monday, 2 November 2026, 09:00 – 10:00 (UTC)</td></tr>\n\
         <tr><th align=\"left\" valign=\"top\">Organizer</th><td>Alice (alice@example.com)</td></tr>\n\
         <tr><th align=\"left\" valign=\"top\">Attendees</th><td>{in_html}</td></tr>\n\
         </table>\n</body></html>\n{calendar}"
    )
}

/// The notice to Alice that something went out in her name.
fn notice(sentence: &str) -> String {
    let headers = [
        "From: \"Bob via Convoke\" <calendar@example.com>\nReply-To: Bob <bob@example.com>",
        "To: Alice <alice@example.com>",
        "Subject: Sent on your behalf by Bob: Meeting",
    ];
    mail(headers, sentence, &BOTH, "")
}

/// What goes out to John in Alice's name.
fn on_behalf(subject: &str, sentence: &str, attendees: &[&str], calendar: &str) -> String {
    let subject = format!("Subject: {subject} by Bob on behalf of Alice: Meeting");
    let headers = [
        "From: Alice <alice@example.com>\nSender: Bob <bob@example.com>",
        "To: John <john@outside.example>",
        &subject,
    ];
    mail(headers, sentence, attendees, calendar)
}

const BOTH: [&str; 2] = ["Alice (alice@example.com)", "John (john@outside.example)"];

const REQUEST: &str = "
Content-Type: text/calendar; method=REQUEST; charset=utf-8
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Convoke//Convoke//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:m
DTSTART:20261102T090000Z
DTEND:20261102T100000Z
SUMMARY:Meeting
ORGANIZER;CN=Alice;SENT-BY=\"mailto:bob@example.com\":mailto:alice@example.com
ATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.com
ATTENDEE;CN=John;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:john@outside.example
END:VEVENT
END:VCALENDAR
";

const CANCEL: &str = "
Content-Type: text/calendar; method=CANCEL; charset=utf-8
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Convoke//Convoke//EN
METHOD:CANCEL
BEGIN:VEVENT
STATUS:CANCELLED
SEQUENCE:1
UID:m
DTSTART:20261102T090000Z
DTEND:20261102T100000Z
SUMMARY:Meeting
ORGANIZER;CN=Alice;SENT-BY=\"mailto:bob@example.com\":mailto:alice@example.com
ATTENDEE;CN=John;PARTSTAT=NEEDS-ACTION:mailto:john@outside.example
END:VEVENT
END:VCALENDAR
";

/// Alice has two secretaries: Bob does everything for her, Carol may edit and speaks for nobody; Dave is neither.
#[tokio::test]
async fn a_manager_and_two_secretaries() {
    let server = TestServer::start().await;
    server.add_person("dave", "Dave").await;
    let id = async |name: &str| {
        let found = server.store().principal_by_name(name).await.unwrap();
        found.unwrap().id
    };
    let (manager, bob, carol) = (id("alice").await, id("bob").await, id("carol").await);
    let delegates = vec![
        Delegate::deputy(bob),
        Delegate {
            may_edit: true,
            ..Delegate::reader(carol)
        },
    ];
    let changed = server.store().change_principal(manager, |alice| {
        alice.delegates = delegates.clone();
    });
    changed.await.unwrap();
    let [alice, bob, carol, dave] =
        ["alice", "bob", "carol", "dave"].map(|name| server.client(name));
    let at = format!("{}m.ics", calendar("alice"));
    let meeting = event(
        "m",
        "ORGANIZER;CN=Alice:mailto:alice@example.com\nATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.com\n\
         ATTENDEE;CN=John;PARTSTAT=NEEDS-ACTION:mailto:john@outside.example\n",
    );

    // Who may do nothing, and who may only edit, is told what is missing and where, and nothing changes.
    for (client, privilege) in [(&dave, "bind"), (&carol, "schedule-send-invite")] {
        let refused = client.put(&at, &meeting).await;
        refused.expect_precondition(403, "{DAV:}need-privileges");
        assert!(refused.text().contains(privilege), "{}", refused.text());
        alice.get(&at).await.expect(&[404]);
    }
    let plain = format!("{}plain.ics", calendar("alice"));
    put_new(&carol, &plain, &event("plain", "")).await;
    assert_eq!(server.mails(0).await, [""; 0]);

    // Who may is said in the event, to the people outside, and to Alice.
    put_new(&bob, &at, &meeting).await;
    let stored = alice.get(&at).await.text().replace("\r\n ", "");
    assert!(
        stored.contains(
            "ORGANIZER;CN=Alice;SENT-BY=\"mailto:bob@example.com\":mailto:alice@example.com"
        ),
        "{stored}"
    );
    let mut mails: Vec<_> = server
        .mails(2)
        .await
        .iter()
        .map(|it| readable(it))
        .collect();
    mails.sort();
    let invitation = "Bob invites you on behalf of Alice.";
    let expected = [
        notice("Bob sent an invitation on your behalf."),
        on_behalf("Invitation", invitation, &BOTH, REQUEST),
    ];
    assert_eq!(mails, expected);

    // What Carol may not send, she may not take back either; Bob may.
    let refused = carol.delete(&at).await;
    refused.expect_precondition(403, "{DAV:}need-privileges");
    assert!(refused.text().contains("schedule-send-invite"));
    dave.delete(&at).await.expect(&[403]);
    dave.get(&at).await.expect(&[403]);
    alice.get(&at).await.expect(&[200]);
    bob.delete(&at).await.expect(&[204]);
    let mails = server.mails(4).await;
    let mut mails: Vec<_> = mails[2..].iter().map(|it| readable(it)).collect();
    mails.sort();
    let cancellation = "Bob cancelled this, or your part in it, on behalf of Alice.";
    let expected = [
        notice("Bob sent a cancellation on your behalf."),
        on_behalf("Cancelled", cancellation, &BOTH[1..], CANCEL),
    ];
    assert_eq!(mails, expected);
}
