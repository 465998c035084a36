//! Rooms that answer by themselves.

use std::time::Duration;

use storage::model::Booking;
use tests::{client::Client, server::TestServer};

use super::{calendar, event};

async fn house() -> TestServer {
    let server = TestServer::start().await;
    let store = server.store();
    let room = store.principal_by_name("room").await;
    let room = room.unwrap().unwrap().id;
    let changed = store.change_principal(room, |room| room.booking = Booking::Automatic);
    changed.await.unwrap();
    server
}

/// A meeting in the room, the day after.
fn meeting(server: &TestServer, uid: &str) -> String {
    const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
    let now = server.store().environment().clock.now();
    let day = jiff::Timestamp::from_millisecond(now.0 + DAY_MILLISECONDS).unwrap();
    let lines = "ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE;CUTYPE=ROOM;RSVP=TRUE:mailto:room@example.com\n";
    event(uid, lines).replace("20261102T", &day.strftime("%Y%m%dT").to_string())
}

/// What the room says in an object, as soon as it has said it: the server answers beside the request.
async fn answer(server: &TestServer, client: &Client, path: &str) -> String {
    let mut commits = server.store().backend().watch();
    let wait = async {
        loop {
            commits.borrow_and_update();
            let text = client.get(path).await.text().replace("\r\n ", "");
            let mut lines = text.lines();
            let line = lines.find(|line| line.starts_with("ATTENDEE") && line.contains("room@"));
            let line = line.unwrap_or_else(|| panic!("{text}")).to_owned();
            if line.contains("PARTSTAT=ACCEPTED") || line.contains("PARTSTAT=DECLINED") {
                return line;
            }
            commits.changed().await.expect("the store is open");
        }
    };
    let answered = tokio::time::timeout(Duration::from_secs(60), wait).await;
    answered.expect("the room answers")
}

/// The first meeting gets the room, the second does not and is told why; the room of a meeting that is deleted is free.
#[tokio::test]
async fn a_room_answers_by_itself() {
    let server = house().await;
    let alice = server.client("alice");
    let (one, two) = (calendar("alice") + "1.ics", calendar("alice") + "2.ics");
    alice.put(&one, &meeting(&server, "1")).await.expect(&[201]);
    let line = answer(&server, &alice, &one).await;
    assert!(
        line.contains("PARTSTAT=ACCEPTED") && line.contains("SCHEDULE-STATUS=2.0"),
        "{line}"
    );
    alice.put(&two, &meeting(&server, "2")).await.expect(&[201]);
    assert!(
        answer(&server, &alice, &two)
            .await
            .contains("PARTSTAT=DECLINED")
    );
    let inbox = "/dav/calendars/users/alice/inbox/";
    let listed = alice
        .propfind(inbox, "1", "<D:getetag/>")
        .await
        .multistatus();
    let mut texts = Vec::new();
    for href in listed
        .hrefs()
        .into_iter()
        .filter(|href| !href.ends_with('/'))
    {
        texts.push(alice.get(href).await.text().replace("\r\n ", ""));
    }
    assert_eq!(texts.len(), 2, "{texts:?}");
    let declined = texts
        .iter()
        .find(|text| text.contains("PARTSTAT=DECLINED"))
        .unwrap();
    assert!(declined.contains("METHOD:REPLY"), "{declined}");
    assert!(
        declined.contains("COMMENT:It is booked already at this time."),
        "{declined}"
    );
    alice.delete(&one).await.expect(&[204]);
    let again = calendar("alice") + "3.ics";
    alice
        .put(&again, &meeting(&server, "3"))
        .await
        .expect(&[201]);
    assert!(
        answer(&server, &alice, &again)
            .await
            .contains("PARTSTAT=ACCEPTED")
    );
}

/// RFC 6638 §5: a room is asked about as a person is; what it declined, and what is off, does not keep it busy.
#[tokio::test]
async fn rfc_6638_5_when_a_room_is_busy() {
    let server = house().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let one = calendar("alice") + "1.ics";
    let text = meeting(&server, "1");
    let start = text.lines().find_map(|it| it.strip_prefix("DTSTART:"));
    let day = start.unwrap().split('T').next().unwrap();
    let question = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20261101T080000Z\r\n\
         DTSTART:{day}T000000Z\r\nDTEND:{day}T235959Z\r\nORGANIZER:mailto:bob@example.com\r\n\
         ATTENDEE;CUTYPE=ROOM:mailto:room@example.com\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    );
    let busy = async || {
        let draft = bob.request("POST", "/dav/calendars/users/bob/outbox/");
        let draft = draft.header("Content-Type", "text/calendar");
        let reply = draft.body(question.clone()).send().await;
        reply.expect(&[200]);
        let answer = reply.xml().all_text();
        assert!(answer.contains("2.0;Success"), "{answer}");
        let lines = answer.lines().filter(|line| line.starts_with("FREEBUSY"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(busy().await.is_empty());
    alice.put(&one, &text).await.expect(&[201]);
    assert!(
        answer(&server, &alice, &one)
            .await
            .contains("PARTSTAT=ACCEPTED")
    );
    let taken = format!("FREEBUSY;FBTYPE=BUSY:{day}T090000Z/{day}T100000Z");
    assert_eq!(busy().await, std::slice::from_ref(&taken));
    let two = calendar("alice") + "2.ics";
    let longer = meeting(&server, "2").replace("T100000Z", "T120000Z");
    alice.put(&two, &longer).await.expect(&[201]);
    assert!(
        answer(&server, &alice, &two)
            .await
            .contains("PARTSTAT=DECLINED")
    );
    assert_eq!(busy().await, [taken]);
    alice.delete(&one).await.expect(&[204]);
    assert!(busy().await.is_empty());
}

const ROOM: &str = "/dav/principals/locations/room/";
const PRINCIPALS: &str = "/dav/principals/";
const SPAN: &str = r#"<C:time-range start="20301104T090000Z" end="20301104T100000Z"/>"#;

/// The room as people ask for it: for eight, on the second floor, with a projector and a phone.
async fn described() -> TestServer {
    let server = house().await;
    let store = server.store();
    let room = store.principal_by_name("room").await.unwrap().unwrap().id;
    let changed = store.change_principal(room, |room| {
        room.capacity = Some(8);
        room.location = Some("Main building, 2nd floor".to_owned());
        room.features = vec!["Projector".to_owned(), "Phone".to_owned()];
        room.booking_horizon_days = 20_000;
    });
    changed.await.unwrap();
    server
}

async fn report(client: &Client, path: &str, name: &str, content: &str) -> tests::client::Reply {
    let body = format!(
        r#"<{name} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:X="urn:x-convoke" xmlns:NC="http://nextcloud.com/ns">{content}</{name}>"#
    );
    client.report(path, "0", &body).await
}

async fn find(client: &Client, content: &str) -> tests::client::Reply {
    report(client, PRINCIPALS, "X:free-resources-query", content).await
}

/// What a search says of the room: the element in `vacancy`, and how many spans are taken.
fn vacancy(reply: &tests::client::Reply) -> (String, usize) {
    let answer = reply.multistatus();
    assert_eq!(answer.hrefs(), [ROOM], "{}", reply.text());
    let vacancy = answer.responses[0].property("{urn:x-convoke}vacancy");
    let vacancy = vacancy.unwrap();
    let word = vacancy.children[0].name.replace("{urn:x-convoke}", "");
    let taken = vacancy.descendants("{urn:ietf:params:xml:ns:caldav}time-range");
    (word, taken.len())
}

/// What a room is stands on its principal, in our words and in those of clients that know rooms.
#[tokio::test]
async fn a_room_says_what_it_is() {
    let server = described().await;
    let alice = server.client("alice");
    let wanted = r#"<X:capacity xmlns:X="urn:x-convoke"/><X:location xmlns:X="urn:x-convoke"/>
        <X:features xmlns:X="urn:x-convoke"/><X:vacancy xmlns:X="urn:x-convoke"/>
        <N:room-seating-capacity xmlns:N="http://nextcloud.com/ns"/><N:room-features xmlns:N="http://nextcloud.com/ns"/>
        <N:room-building-address xmlns:N="http://nextcloud.com/ns"/>"#;
    let answer = alice.propfind(ROOM, "0", wanted).await.multistatus();
    let room = &answer.responses[0];
    for (name, text) in [
        ("{urn:x-convoke}capacity", "8"),
        ("{urn:x-convoke}location", "Main building, 2nd floor"),
        ("{urn:x-convoke}features", "ProjectorPhone"),
        ("{http://nextcloud.com/ns}room-seating-capacity", "8"),
        ("{http://nextcloud.com/ns}room-features", "Projector,Phone"),
        (
            "{http://nextcloud.com/ns}room-building-address",
            "Main building, 2nd floor",
        ),
    ] {
        assert_eq!(room.text(name), text, "{name}");
    }
    assert_eq!(room.status_of("{urn:x-convoke}vacancy"), Some(404));
    let answer = alice
        .propfind("/dav/principals/users/bob/", "0", wanted)
        .await
        .multistatus();
    let bob = &answer.responses[0];
    assert_eq!(bob.status_of("{urn:x-convoke}capacity"), Some(404));
    // Nobody sets these but an administrator, with accounts.
    let patch = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X:capacity xmlns:X="urn:x-convoke">900</X:capacity></D:prop></D:set></D:propertyupdate>"#;
    let admin = server.client("admin");
    let patched = admin
        .request("PROPPATCH", ROOM)
        .xml(patch.to_owned())
        .send()
        .await
        .multistatus();
    assert_eq!(
        patched.responses[0].status_of("{urn:x-convoke}capacity"),
        Some(403)
    );
}

/// RFC 3744 §9.4: rooms are found by what they are; a capacity is one that suffices, features are all of those named.
#[tokio::test]
async fn rfc_3744_9_4_rooms_are_found_by_what_they_are() {
    let server = described().await;
    let alice = server.client("alice");
    for (property, text, is_found) in [
        ("<X:capacity/>", "8", true),
        ("<X:capacity/>", "7", true),
        ("<X:capacity/>", "9", false),
        ("<X:capacity/>", "many", false),
        ("<NC:room-seating-capacity/>", "5", true),
        ("<X:location/>", "2ND FLOOR", true),
        ("<X:location/>", "attic", false),
        ("<X:features/>", "phone", true),
        ("<X:features/>", "phone, projector", true),
        ("<NC:room-features/>", "phone,whiteboard", false),
        ("<NC:room-building-address/>", "main", true),
        ("<X:vacancy/>", "free", false),
    ] {
        let search = format!(
            "<D:property-search><D:prop>{property}</D:prop><D:match>{text}</D:match></D:property-search><D:prop><D:displayname/></D:prop>"
        );
        let reply = report(&alice, PRINCIPALS, "D:principal-property-search", &search).await;
        let expected: &[&str] = if is_found { &[ROOM] } else { &[] };
        assert_eq!(reply.multistatus().hrefs(), expected, "{search}");
    }
}

/// Free rooms for a time, and for each time of a series.
#[tokio::test]
async fn free_rooms_are_found_for_a_time() {
    let server = described().await;
    let alice = server.client("alice");
    let reply = find(&alice, SPAN).await;
    assert_eq!(vacancy(&reply), ("free".to_owned(), 0));
    let room = &reply.multistatus().responses[0];
    for (name, text) in [
        ("{DAV:}displayname", "Room 1"),
        ("{urn:x-convoke}capacity", "8"),
    ] {
        assert_eq!(room.text(name), text);
    }
    // What is in the room's calendar keeps others out.
    let booked = event("1", "").replace("20261102T", "20301104T");
    let room = server.client("admin");
    room.put(
        &(calendar("room").replace("users", "locations") + "1.ics"),
        &booked,
    )
    .await
    .expect(&[201]);
    let half = r#"<C:time-range start="20301104T093000Z" end="20301104T103000Z"/>"#;
    let later = r#"<C:time-range start="20301104T100000Z" end="20301104T110000Z"/>"#;
    let weekly = format!("{SPAN}<X:recurrence>FREQ=WEEKLY;COUNT=4</X:recurrence>");
    for (spans, expected) in [
        (SPAN, ("busy", 1)),
        (half, ("partly", 1)),
        (later, ("free", 0)),
        (&format!("{SPAN}{later}"), ("partly", 1)),
        (&weekly, ("partly", 1)),
    ] {
        let (word, taken) = vacancy(&find(&alice, spans).await);
        assert_eq!((word.as_str(), taken), expected, "{spans}");
    }
    let only = "<X:only-free/>";
    let none = find(&alice, &format!("{SPAN}{only}")).await;
    assert!(none.multistatus().hrefs().is_empty());
    for (more, is_found) in [
        ("<X:capacity>9</X:capacity>", false),
        (
            "<X:feature>phone</X:feature><X:feature>projector</X:feature>",
            true,
        ),
        (
            "<X:feature>phone</X:feature><X:feature>piano</X:feature>",
            false,
        ),
        ("<X:location>2nd floor</X:location>", true),
        ("<C:calendar-user-type>ROOM</C:calendar-user-type>", true),
        (
            "<C:calendar-user-type>RESOURCE</C:calendar-user-type>",
            false,
        ),
    ] {
        let reply = find(&alice, &format!("{later}{only}{more}")).await;
        let expected: &[&str] = if is_found { &[ROOM] } else { &[] };
        assert_eq!(reply.multistatus().hrefs(), expected, "{more}");
    }
}

/// RFC 6638 §6.1.1: who may not ask for the room's busy time does not learn it here; and a room that declines anyway, or
/// not so far ahead, is not free.
#[tokio::test]
async fn a_search_tells_nobody_more_than_they_may_know() {
    let server = described().await;
    let (alice, room) = (server.client("alice"), server.client("admin"));
    let inbox = "/dav/calendars/locations/room/inbox/";
    let acl = r#"<D:acl xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:ace><D:principal><D:authenticated/></D:principal><D:grant><D:privilege><C:schedule-deliver-invite/></D:privilege></D:grant></D:ace></D:acl>"#;
    let set = room.request("ACL", inbox).xml(acl.to_owned()).send().await;
    set.expect(&[200]);
    assert_eq!(
        vacancy(&find(&alice, SPAN).await),
        ("unknown".to_owned(), 0)
    );
    assert_eq!(vacancy(&find(&room, SPAN).await), ("free".to_owned(), 0));
    let store = server.store();
    let id = store.principal_by_name("room").await.unwrap().unwrap().id;
    let change = |days: u32, booking: Booking| {
        store.change_principal(id, move |room| {
            (room.booking_horizon_days, room.booking) = (days, booking);
        })
    };
    change(1, Booking::Automatic).await.unwrap();
    assert_eq!(vacancy(&find(&room, SPAN).await), ("busy".to_owned(), 1));
    change(1, Booking::None).await.unwrap();
    assert_eq!(vacancy(&find(&room, SPAN).await), ("free".to_owned(), 0));
    change(1, Booking::DeclineAlways).await.unwrap();
    let declines = vacancy(&find(&room, SPAN).await);
    assert_eq!(declines, ("not-bookable".to_owned(), 0));
    let disabled = store.change_principal(id, |room| room.disabled = true);
    disabled.await.unwrap();
    assert!(find(&alice, SPAN).await.multistatus().hrefs().is_empty());
}

/// What cannot be asked for is refused; what is more than a limit is said to be left out (RFC 6578 §3.6).
#[tokio::test]
async fn a_search_for_free_rooms_is_bounded() {
    let server = described().await;
    let alice = server.client("alice");
    for content in [
        "",
        r#"<C:time-range start="20301104T090000Z"/>"#,
        r#"<C:time-range start="20301104T090000Z" end="20301104T090000Z"/>"#,
        r#"<C:time-range start="20301104T090000Z" end="20401104T090000Z"/>"#,
        &format!("{SPAN}<X:recurrence>often</X:recurrence>"),
        &format!("{SPAN}<X:recurrence>FREQ=SECONDLY</X:recurrence>"),
        &format!("{SPAN}{SPAN}<X:recurrence>FREQ=DAILY;COUNT=2</X:recurrence>"),
        &format!("{SPAN}<X:capacity>some</X:capacity>"),
        &format!("{SPAN}<C:calendar-user-type>GROUP</C:calendar-user-type>"),
        &format!("{SPAN}<D:limit><D:nresults>0</D:nresults></D:limit>"),
        &SPAN.replace("000Z", "001Z").repeat(1_000),
    ] {
        find(&alice, content).await.expect(&[400]);
    }
    let zone = format!("{SPAN}<C:timezone-id>Mars</C:timezone-id>");
    find(&alice, &zone)
        .await
        .expect_precondition(403, "{urn:ietf:params:xml:ns:caldav}valid-timezone");
    let store = server.store();
    for number in 0..3 {
        let mut another = storage::model::Principal::new(
            storage::model::PrincipalKind::Location,
            &format!("other{number}"),
        );
        another.capacity = Some(4);
        store.add_account(another, None).await.unwrap();
    }
    let limited = format!("{SPAN}<D:limit><D:nresults>2</D:nresults></D:limit><D:prop/>");
    let answer = find(&alice, &limited).await.multistatus();
    let small = |number: u32| format!("/dav/principals/locations/other{number}/");
    assert_eq!(answer.hrefs(), [&small(0), &small(1), PRINCIPALS]);
    assert_eq!(answer.responses[2].status, Some(507));
    let scoped = report(
        &alice,
        "/dav/principals/users/",
        "X:free-resources-query",
        SPAN,
    );
    assert!(scoped.await.multistatus().hrefs().is_empty());
}
