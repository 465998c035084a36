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
