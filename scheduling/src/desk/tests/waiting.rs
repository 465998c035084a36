//! Messages that wait because a commit is full, and what is done meanwhile (RFC 6638 §3.2.8, §3.2.9): nothing overtakes
//! them, and nobody answers what they do not know yet.

use super::*;

/// One message to somebody goes out with a change, all others wait.
async fn slow_world() -> (World, Actor) {
    let bounds = CommitBounds {
        copies: 1,
        people_shown_at_once: 0,
    };
    let settings = Settings {
        commit_bounds: bounds,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let carol = user(world.desk.store(), "carol").await;
    (world, carol)
}

/// Alice's event of an hour on a day in March, with a SEQUENCE, these people and further lines.
fn meeting(hour: u32, people: &[&str], more: &str) -> Bytes {
    let people = people.iter();
    let people: String = people
        .map(|name| format!("ATTENDEE:mailto:{name}@example.com\r\n"))
        .collect();
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
         ORGANIZER:mailto:alice@example.com\r\nDTSTART:20260302T{hour:02}0000Z\r\nDURATION:PT1H\r\n{people}END:VEVENT\r\n\
         {more}END:VCALENDAR\r\n"
    ))
}

impl World {
    async fn deliver(&self) {
        while self.desk.deliver_outstanding().await.unwrap() {}
        while self.desk.refresh_outstanding().await.unwrap() {}
    }

    /// Somebody's copy.
    async fn own_copy(&self, name: &str) -> (String, String) {
        let mut members = self.members(&format!("{name}/calendar")).await;
        assert_eq!(members.len(), 1, "{members:?}");
        let (at, object) = members.remove(0);
        (format!("{name}/calendar/{at}"), self.text(&object).await)
    }

    /// The line of somebody in Alice's object.
    async fn line_of(&self, address: &str) -> String {
        let text = self.text_at("alice/calendar/1.ics").await;
        let mut lines = text.lines();
        let line = lines.find(|line| line.contains(address));
        line.unwrap().to_owned()
    }
}

/// RFC 6638 §3.2.8: who says yes to a time at which the meeting is not any more has not said yes to the new one.
#[tokio::test]
async fn an_answer_to_the_time_before_is_none_while_the_new_one_waits() {
    let (world, carol) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol"];
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    world.clock.advance(60_000);
    world.put(at, meeting(11, &people, "")).await.unwrap();
    assert!(
        world.line_of("carol").await.contains("STATUS=1.0"),
        "{}",
        world.line_of("carol").await
    );

    world.clock.advance(60_000);
    let (place, text) = world.own_copy("carol").await;
    assert!(text.contains("DTSTART:20260302T090000Z"), "{text}");
    let answer = text.replace("RSVP=TRUE:mailto:carol", "PARTSTAT=ACCEPTED:mailto:carol");
    world.put_as(&carol, &place, answer).await.unwrap();
    let line = world.line_of("carol").await;
    assert!(!line.contains("ACCEPTED"), "{line}");

    world.deliver().await;
    let (place, text) = world.own_copy("carol").await;
    assert!(text.contains("DTSTART:20260302T110000Z"), "{text}");
    assert!(!text.contains("ACCEPTED"), "{text}");
    let line = world.line_of("carol").await;
    assert!(
        line.contains("STATUS=1.2") && !line.contains("X-CONVOKE"),
        "{line}"
    );
    let answer = text.replace("RSVP=TRUE:mailto:carol", "PARTSTAT=ACCEPTED:mailto:carol");
    world.put_as(&carol, &place, answer).await.unwrap();
    let line = world.line_of("carol").await;
    assert!(line.contains("PARTSTAT=ACCEPTED"), "{line}");
}

/// The cancellation of an instance does not arrive before the invitation to it, and as long as that waits the status says
/// so, whatever else was delivered (RFC 6638 §3.2.9).
#[tokio::test]
async fn what_is_called_off_does_not_overtake_what_waits() {
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    world.put(at, meeting(9, &["bob"], "")).await.unwrap();
    world.deliver().await;
    let series = |more: &str| {
        let text = String::from_utf8(meeting(10, &["alice"], more).to_vec()).unwrap();
        text.replacen("DURATION", "RRULE:FREQ=WEEKLY;COUNT=5\r\nDURATION", 1)
    };
    let instance = |status: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260309T100000Z\r\n\
             ORGANIZER:mailto:alice@example.com\r\nDTSTART:20260309T100000Z\r\nDURATION:PT1H\r\n\
             ATTENDEE:mailto:bob@example.com\r\n{status}END:VEVENT\r\n"
        )
    };
    world.clock.advance(60_000);
    // Bob is out of the series, and in one instance of it: two messages
    world.put(at, series(&instance(""))).await.unwrap();
    let line = world.line_of("bob").await;
    assert!(line.contains("STATUS=1.0"), "{line}");
    world.clock.advance(60_000);
    let cancelled = series(&instance("STATUS:CANCELLED\r\n"));
    world.put(at, cancelled).await.unwrap();
    world.deliver().await;
    let (_, text) = world.own_copy("bob").await;
    let own = text
        .split("BEGIN:VEVENT")
        .find(|it| it.contains("20260309T100000Z"));
    assert!(own.unwrap().contains("STATUS:CANCELLED"), "{text}");
}

/// Somebody with two addresses is one recipient: what is delivered to one of them has reached the other one.
#[tokio::test]
async fn the_status_is_that_of_all_addresses() {
    let (world, _) = slow_world().await;
    let store = world.desk.store();
    let add = |bob: &mut Principal| bob.addresses.push("mailto:robert@example.com".to_owned());
    store
        .change_principal(world.bob.principal.id, add)
        .await
        .unwrap();
    let at = "alice/calendar/1.ics";
    let people = ["carol", "bob", "robert"];
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    for address in people {
        let line = world.line_of(address).await;
        assert!(line.contains("STATUS=1.2"), "{line}");
    }
}

/// Alice's weekly event with these people and a summary.
fn series(summary: &str, people: &[&str]) -> Bytes {
    let text = String::from_utf8(meeting(9, people, "").to_vec()).unwrap();
    let more = format!("SUMMARY:{summary}\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nDURATION");
    text.replacen("DURATION", &more, 1).into()
}

/// What waits since before an answer knows nothing of it: the answer stays.
#[tokio::test]
async fn an_answer_outlasts_what_waited_since_before_it() {
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["carol", "bob"];
    world.put(at, series("One", &people)).await.unwrap();
    world.deliver().await;
    world.clock.advance(60_000);
    world.put(at, series("Two", &people)).await.unwrap();
    world.clock.advance(60_000);
    let (place, text) = world.own_copy("bob").await;
    assert!(text.contains("SUMMARY:One"), "{text}");
    let declined = "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260309T090000Z\r\n\
         ORGANIZER:mailto:alice@example.com\r\nDTSTART:20260309T090000Z\r\nDURATION:PT1H\r\n\
         ATTENDEE:mailto:carol@example.com\r\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com\r\n\
         END:VEVENT\r\nEND:VCALENDAR";
    let answer = text.replace("END:VCALENDAR", declined);
    world.put_as(&world.bob, &place, answer).await.unwrap();
    let organizers = world.text_at(at).await;
    assert!(organizers.contains("PARTSTAT=DECLINED"), "{organizers}");
    world.deliver().await;
    let (_, text) = world.own_copy("bob").await;
    assert!(text.contains("SUMMARY:Two"), "{text}");
    assert!(text.contains("PARTSTAT=DECLINED"), "{text}");
}

/// RFC 5546 §2.1.4: what an import brought back from before what others were told is told with a higher SEQUENCE, since
/// they would take it as late.
#[tokio::test]
async fn what_is_brought_back_comes_after_what_was_told() {
    let world = world().await;
    let at = "alice/calendar/1.ics";
    let event = |hour: u32| {
        let text = String::from_utf8(meeting(hour, &["bob"], "").to_vec()).unwrap();
        text.replace("bob@example.com", "xenia@elsewhere.test")
    };
    world.put(at, event(9)).await.unwrap();
    let first = world.octets(at).await.unwrap();
    for hour in [10, 11] {
        world.clock.advance(60_000);
        world.put(at, event(hour)).await.unwrap();
    }
    let import = Import {
        calendar: path("alice/calendar"),
        on_conflict: OnConflict::Overwrite,
        conditions: Conditions::default(),
        dry_run: false,
    };
    let objects = [IncomingObject::from(first)];
    let imported = world
        .desk
        .import(&world.alice, &import, &objects)
        .await
        .unwrap();
    assert!(
        matches!(imported[..], [Imported::Updated(_)]),
        "{imported:?}"
    );
    world.clock.advance(60_000);
    world.put(at, event(12)).await.unwrap();
    let mails = world.mails().await;
    let sequence = |mail: &OutgoingMessage| {
        let text = unfolded(&mail.calendar);
        let line = text.lines().find_map(|line| line.strip_prefix("SEQUENCE:"));
        line.map_or(0, |it| it.parse::<u32>().unwrap())
    };
    let sequences: Vec<u32> = mails.iter().map(sequence).collect();
    assert_eq!(sequences, [0, 1, 2, 3]);
}
