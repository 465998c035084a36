//! What a server answers after it was started again: the same, whatever it kept of what it knew.

use std::path::Path;

use tests::{client::Client, server::TestServer};

use super::calendar;

const EVENTS: usize = 1_200;

/// As many events as make a view worth keeping, in one stream.
fn stream() -> String {
    let event = |number: usize| {
        format!(
            "BEGIN:VEVENT\r\nUID:{number}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:202602{:02}T090000Z\r\n\
             DURATION:PT1H\r\nSUMMARY:{number}\r\nEND:VEVENT\r\n",
            number % 28 + 1
        )
    };
    let events: String = (0..EVENTS).map(event).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{events}END:VCALENDAR\r\n")
}

/// The entity tags of one day.
async fn of_one_day(client: &Client) -> Vec<(String, String)> {
    let body = r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260203T000000Z" end="20260204T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#;
    let answer = client.report(&calendar("alice"), "1", body).await;
    let answer = answer.multistatus();
    let tag = |href: &str| answer.response(href).text("{DAV:}getetag");
    let hrefs = answer.hrefs();
    hrefs
        .iter()
        .map(|href| ((*href).to_owned(), tag(href)))
        .collect()
}

fn kept(data: &Path) -> usize {
    std::fs::read_dir(data.join("views")).unwrap().count()
}

#[tokio::test]
async fn a_large_calendar_is_the_same_after_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = TestServer::start_on(&data).await;
    let alice = server.client("alice");
    let stream = stream();
    let imported = alice.request("POST", &calendar("alice"));
    imported
        .header("Content-Type", "text/calendar; charset=utf-8")
        .body(stream)
        .send()
        .await
        .expect(&[207]);
    let before = of_one_day(&alice).await;
    assert_eq!(before.len(), EVENTS.div_ceil(28));
    server.stop().await;
    assert_eq!(kept(&data), 1);

    // With what was kept; changed afterwards, so that the next start has to catch up; and without.
    let server = TestServer::start_on(&data).await;
    assert_eq!(kept(&data), 1, "a start removes nothing of its own life");
    let alice = server.client("alice");
    assert_eq!(of_one_day(&alice).await, before);
    let gone = &before[3].0;
    alice.delete(gone).await.expect(&[204]);
    server.stop().await;
    let rest: Vec<_> = before
        .iter()
        .filter(|(href, _)| href != gone)
        .cloned()
        .collect();
    for _ in 0..2 {
        let server = TestServer::start_on(&data).await;
        assert_eq!(of_one_day(&server.client("alice")).await, rest);
        server.stop().await;
        assert_eq!(kept(&data), 1);
        std::fs::remove_dir_all(data.join("views")).unwrap();
    }
}
