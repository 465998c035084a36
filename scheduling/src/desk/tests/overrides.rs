//! A series of which a thousand instances have a component of their own (C12).

use jiff::{ToSpan, civil::date};

use super::{meetings::AT, *};

const OVERRIDES: i64 = 1_000;

/// Alice's days with Bob, each but the last at another hour than the series says; `attendee` is Bob's line.
fn series(attendee: &str) -> String {
    let first = date(2026, 1, 5);
    let people =
        format!("ORGANIZER:mailto:alice@example.com\r\n{attendee}:mailto:bob@example.com\r\n");
    let begin =
        "BEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\n";
    let overrides: String = (0..OVERRIDES)
        .map(|number| {
            let day = first.checked_add(number.days()).unwrap().strftime("%Y%m%d");
            format!(
                "{begin}RECURRENCE-ID:{day}T090000Z\r\nDTSTART:{day}T100000Z\r\n{people}END:VEVENT\r\n"
            )
        })
        .collect();
    let count = OVERRIDES + 1;
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n\
         {begin}DTSTART:20260105T090000Z\r\nRRULE:FREQ=DAILY;COUNT={count}\r\n{people}END:VEVENT\r\n\
         {overrides}END:VCALENDAR\r\n"
    )
}

/// In how many components Bob has accepted.
fn accepted(text: &str) -> usize {
    text.matches("PARTSTAT=ACCEPTED").count()
}

/// RFC 5546 §3.2.2, §3.2.3, §3.2.5: invited, answered, one of them moved, and called off.
#[tokio::test]
async fn a_thousand_instances_of_their_own() {
    let all = OVERRIDES as usize + 1;
    let world = world().await;
    world.put(AT, series("ATTENDEE")).await.unwrap();
    let (at, _, text) = world.bobs().await;
    assert_eq!(text.matches("BEGIN:VEVENT").count(), all);
    assert_eq!(
        (accepted(&text), world.members("bob/inbox").await.len()),
        (0, 1)
    );

    let answer = series("ATTENDEE;PARTSTAT=ACCEPTED");
    let put = world.put_as(&world.bob, &at, answer);
    put.await.unwrap();
    let text = world.text_at(AT).await;
    assert_eq!(accepted(&text), all);
    assert_eq!(text.matches("SCHEDULE-STATUS=2.0").count(), all);
    assert_eq!(text.matches("BEGIN:VEVENT").count(), all);

    let moved = text.replace("DTSTART:20260405T100000Z", "DTSTART:20260405T120000Z");
    assert_ne!(moved, text);
    world.put(AT, moved).await.unwrap();
    let (_, _, text) = world.bobs().await;
    assert_eq!(accepted(&text), all - 1, "only the one is asked anew");
    assert_eq!(text.matches("BEGIN:VEVENT").count(), all);

    world.delete(AT).await.unwrap();
    let (_, _, text) = world.bobs().await;
    assert_eq!(text.matches("STATUS:CANCELLED").count(), all);
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}
