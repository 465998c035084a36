//! Messages that wait because a commit is full, and what is done meanwhile (RFC 6638 §3.2.8, §3.2.9): nothing overtakes
//! them, and nobody answers what they do not know yet.

use super::*;
use crate::engine::utc;

/// One message to somebody goes out with a change, all others wait.
pub(super) fn slow() -> Settings {
    Settings {
        commit_bounds: CommitBounds {
            copies: 1,
            people_shown_at_once: 0,
        },
        ..Settings::default()
    }
}

pub(super) async fn slow_world() -> (World, Actor) {
    let world = world_with(slow(), |memory| Arc::new(memory)).await;
    let carol = user(world.desk.store(), "carol").await;
    (world, carol)
}

/// Alice's event of an hour on a day in March, with a SEQUENCE, these people and further lines.
pub(super) fn meeting(hour: u32, people: &[&str], more: &str) -> Bytes {
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
    pub(super) async fn deliver(&self) {
        while self.desk.deliver_outstanding().await.unwrap() {}
        while self.desk.refresh_outstanding().await.unwrap() {}
    }

    /// Somebody's copy.
    pub(super) async fn own_copy(&self, name: &str) -> (String, String) {
        let mut members = self.members(&format!("{name}/calendar")).await;
        assert_eq!(members.len(), 1, "{members:?}");
        let (at, object) = members.remove(0);
        (format!("{name}/calendar/{at}"), self.text(&object).await)
    }

    /// The line of somebody in Alice's object.
    pub(super) async fn line_of(&self, address: &str) -> String {
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

/// RFC 5546 §2.1.5: in the order of what the organizer wrote; what a client writes into DTSTAMP makes nothing late that waits.
#[tokio::test]
async fn what_waits_is_not_late_for_an_alarm() {
    const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n";
    for is_called_off in [false, true] {
        let (world, carol) = slow_world().await;
        let at = "alice/calendar/1.ics";
        world.put(at, meeting(9, &["carol"], "")).await.unwrap();
        world.clock.advance(60_000);
        let text = String::from_utf8(meeting(9, &["bob", "carol"], "").to_vec()).unwrap();
        let named = text.replace("DURATION", "SUMMARY:Two\r\nDURATION");
        world.put(at, named).await.unwrap();
        assert!(world.line_of("carol").await.contains("STATUS=1.0"));
        if is_called_off {
            world.delete(at).await.unwrap();
        }
        world.clock.advance(60_000);
        let (place, text) = world.own_copy("carol").await;
        let stamp = text.lines().find(|line| line.starts_with("DTSTAMP"));
        let now = format!("DTSTAMP:{}", utc(world.desk.now()));
        let own = text.replace(stamp.unwrap(), &now);
        let own = own.replace("END:VEVENT", &format!("{ALARM}END:VEVENT"));
        world.put_as(&carol, &place, own).await.unwrap();
        world.deliver().await;
        let (_, text) = world.own_copy("carol").await;
        let told = if is_called_off {
            "STATUS:CANCELLED"
        } else {
            "SUMMARY:Two"
        };
        assert!(text.contains(told) && text.contains("VALARM"), "{text}");
    }
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
pub(super) fn series(summary: &str, people: &[&str]) -> Bytes {
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

impl World {
    /// Brings the event at a path back, as an import has it.
    async fn bring_back(&self, octets: Bytes) {
        let import = Import {
            calendar: path("alice/calendar"),
            on_conflict: OnConflict::Overwrite,
            conditions: Conditions::default(),
            dry_run: false,
        };
        let objects = [IncomingObject::from(octets)];
        let imported = self.desk.import(&self.alice, &import, &objects).await;
        let imported = imported.unwrap();
        assert!(
            matches!(imported[..], [Imported::Updated(_)]),
            "{imported:?}"
        );
        self.clock.advance(60_000);
    }

    /// SEQUENCE of each component that was mailed, by RECURRENCE-ID.
    async fn mailed_sequences(&self) -> Vec<String> {
        let mails = self.mails().await;
        let parts = mails.iter().flat_map(|mail| {
            let text = unfolded(&mail.calendar);
            let parts: Vec<String> = text.split("BEGIN:VEVENT").skip(1).map(part_of).collect();
            let method = mail.method.clone();
            parts
                .into_iter()
                .map(move |part| format!("{method} {part}"))
        });
        parts.collect()
    }
}

fn part_of(text: &str) -> String {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let day = value("RECURRENCE-ID:").and_then(|id| id.get(4..8));
    format!(
        "{} {}",
        day.unwrap_or("all"),
        value("SEQUENCE:").unwrap_or("0")
    )
}

/// Xenia's part of a meeting at this hour.
fn with_xenia(hour: u32) -> String {
    let text = String::from_utf8(meeting(hour, &["bob"], "").to_vec()).unwrap();
    text.replace("bob@example.com", "xenia@elsewhere.test")
}

/// RFC 5546 §2.1.4: what an import brought back from before what others were told is told with a higher SEQUENCE, since
/// they would take it as late; so is its cancellation.
#[tokio::test]
async fn what_is_brought_back_comes_after_what_was_told() {
    let at = "alice/calendar/1.ics";
    let plain = with_xenia(12);
    let is_person = |line: &&str| line.starts_with("ORG") || line.starts_with("ATT");
    let plain = plain.lines().filter(|line| !is_person(line));
    let plain: String = plain.map(|line| format!("{line}\r\n")).collect();
    let (changed, called_off) = ("REQUEST all 3", "CANCEL all 3");
    for (then, last) in [
        (Some(with_xenia(12)), changed),
        (Some(plain), called_off),
        (None, called_off),
    ] {
        let world = world().await;
        world.put(at, with_xenia(9)).await.unwrap();
        let first = world.octets(at).await.unwrap();
        for hour in [10, 11] {
            world.clock.advance(60_000);
            world.put(at, with_xenia(hour)).await.unwrap();
        }
        world.bring_back(first).await;
        match then {
            Some(then) => drop(world.put(at, then).await.unwrap()),
            None => drop(world.delete(at).await.unwrap()),
        }
        let expected = ["REQUEST all 0", "REQUEST all 1", "REQUEST all 2", last];
        assert_eq!(world.mailed_sequences().await, expected);
    }
}

/// RFC 5546 §2.1.4: each component has a SEQUENCE of its own, which rises once with each change of that.
#[tokio::test]
async fn an_instance_that_is_called_off_raises_no_sequence_but_its_own() {
    let at = "alice/calendar/1.ics";
    let series = |more: &str| {
        let more = format!("RRULE:FREQ=DAILY;COUNT=9\r\n{more}END:VEVENT");
        with_xenia(9).replace("END:VEVENT", &more)
    };
    let and_moved = |text: &str, hour: u32| {
        let start = format!("RECURRENCE-ID:20260303T090000Z\r\nDTSTART:20260303T{hour:02}0000Z");
        let own = with_xenia(9).replace("DTSTART:20260302T090000Z", &start);
        let (_, own) = own.split_once("BEGIN:VEVENT").unwrap();
        text.replace("END:VCALENDAR\r\n", &format!("BEGIN:VEVENT{own}"))
    };
    let out = "EXDATE:20260303T090000Z\r\n";
    let named = "SUMMARY:x\r\n";
    let world = world().await;
    for text in [
        series(""),
        and_moved(&series(""), 10),
        and_moved(&series(""), 11),
        series(out),
        series(&format!("{out}{named}")),
        // it takes place after all
        and_moved(&series(named), 12),
    ] {
        world.put(at, text).await.unwrap();
        world.clock.advance(60_000);
    }
    let expected = [
        "REQUEST all 0",
        "REQUEST 0303 1",
        "REQUEST 0303 2",
        "CANCEL 0303 3",
        "REQUEST all 1",
        "REQUEST 0303 4",
    ];
    assert_eq!(world.mailed_sequences().await, expected);
}
