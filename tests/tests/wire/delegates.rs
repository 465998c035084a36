//! Acting for somebody: delegates as Apple Calendar makes and finds them (calendarserver calendar-proxy), and a
//! room whose keeper answers for it.

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
    let outsider = server.client("alice");
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
