//! Messages that wait because a commit is full, and what is done meanwhile (RFC 6638 §3.2.8, §3.2.9): nothing overtakes
//! them, and nobody answers what they do not know yet.

use super::*;
use crate::engine::utc;

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

/// Whose copy waits, what it says at last, and what the organizer's object says of them.
impl World {
    async fn assert_agrees(&self, name: &str, says: &str, organizer_says: &str) {
        let (_, text) = self.own_copy(name).await;
        assert!(text.contains(says), "{text}");
        let line = self.line_of(name).await;
        assert!(line.contains(organizer_says), "{line}");
    }

    async fn accept(&self, actor: &Actor, name: &str) {
        let (place, text) = self.own_copy(name).await;
        let own = format!("mailto:{name}@example.com");
        let asked = format!("RSVP=TRUE:{own}");
        assert!(unfolded(text.as_bytes()).contains(&asked), "{text}");
        let answer = unfolded(text.as_bytes()).replace(&asked, &format!("PARTSTAT=ACCEPTED:{own}"));
        self.put_as(actor, &place, answer).await.unwrap();
    }
}

/// Who is taken out and invited again, before they heard of the one and the other, is asked anew: they answered something
/// else.
#[tokio::test]
async fn who_is_out_and_in_again_is_asked_anew() {
    let (world, carol) = slow_world().await;
    user(world.desk.store(), "dave").await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol", "dave"];
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    world.accept(&carol, "carol").await;
    world.deliver().await;
    assert!(world.line_of("carol").await.contains("PARTSTAT=ACCEPTED"));
    world.clock.advance(60_000);
    world.put(at, meeting(9, &["dave"], "")).await.unwrap();
    let (_, text) = world.own_copy("carol").await;
    assert!(
        !text.contains("CANCELLED"),
        "Bob knows, she does not: {text}"
    );
    world.clock.advance(60_000);
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    let line = world.line_of("carol").await;
    assert!(!line.contains("ACCEPTED"), "{line}");
    world
        .assert_agrees("carol", "RSVP=TRUE", "STATUS=1.2")
        .await;
    let (_, text) = world.own_copy("carol").await;
    assert!(
        !text.contains("STATUS:CANCELLED") && !text.contains("ACCEPTED"),
        "{text}"
    );
    world.accept(&carol, "carol").await;
    assert!(world.line_of("carol").await.contains("PARTSTAT=ACCEPTED"));
}

/// Who is sent by somebody while it waits that they are out is in.
#[tokio::test]
async fn who_is_sent_hears_of_it_after_what_waits() {
    let (world, _) = slow_world().await;
    user(world.desk.store(), "dave").await;
    let at = "alice/calendar/1.ics";
    let all = ["bob", "carol", "dave"];
    world.put(at, meeting(9, &all, "")).await.unwrap();
    world.deliver().await;
    world.clock.advance(60_000);
    world.put(at, meeting(9, &["bob"], "")).await.unwrap();
    let is_off = async |name| world.own_copy(name).await.1.contains("STATUS:CANCELLED");
    assert!(is_off("carol").await && !is_off("dave").await);
    let (place, text) = world.own_copy("bob").await;
    let dave = "mailto:dave@example.com";
    let sends = format!("PARTSTAT=DELEGATED;DELEGATED-TO=\"{dave}\":mailto:bob@example.com");
    let delegate =
        format!("ATTENDEE;DELEGATED-FROM=\"mailto:bob@example.com\":{dave}\r\nEND:VEVENT");
    let text = unfolded(text.as_bytes());
    let others = text.lines().filter(|line| !line.ends_with(dave));
    let text: String = others.map(|line| format!("{line}\r\n")).collect();
    let answer = text
        .replace("RSVP=TRUE:mailto:bob@example.com", &sends)
        .replace("END:VEVENT", &delegate);
    world.put_as(&world.bob, &place, answer).await.unwrap();
    let (_, waiting) = world.own_copy("dave").await;
    assert!(!waiting.contains("DELEGATED"), "{waiting}");
    world.deliver().await;
    let (_, text) = world.own_copy("dave").await;
    assert!(!text.contains("STATUS:CANCELLED"), "{text}");
    assert!(text.contains("DELEGATED-FROM"), "{text}");
    let organizers = unfolded(world.text_at(at).await.as_bytes());
    let line = organizers
        .lines()
        .find(|line| line.ends_with(&format!(":{dave}")));
    assert!(line.unwrap().contains("STATUS=1.2"), "{organizers}");
}

/// However often it is changed meanwhile: one row has all that waits, who is told of all does not hear of what was in
/// between, and the status says that something waits until nothing does (RFC 6638 §3.2.9).
#[tokio::test]
async fn all_changes_of_a_meeting_wait_in_one_row() {
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol"];
    world.put(at, series("0", &people)).await.unwrap();
    world.deliver().await;
    for change in 1..20 {
        world.clock.advance(1_000);
        let after = series(&change.to_string(), &people);
        world.put(at, after).await.unwrap();
        assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 1, "{change}");
        let letters = world.waiting(LETTERS_QUEUE).await;
        assert_eq!(letters.len(), 1, "{change}");
        assert!(
            letters[0].payload.len() < 2_000,
            "{change}: {}",
            letters[0].payload.len()
        );
        assert!(world.line_of("carol").await.contains("STATUS=1.0"));
    }
    world.deliver().await;
    assert_eq!(world.waiting(LETTERS_QUEUE).await.len(), 0);
    for name in people {
        world.assert_agrees(name, "SUMMARY:19", "STATUS=1.2").await;
    }
}

/// Whose copy is damaged hears of everything, in its order, once it is mended; nobody else waits for that, and nothing
/// grows with each change.
#[tokio::test]
async fn a_damaged_copy_holds_up_nobody_else() {
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol"];
    world.put(at, series("0", &people)).await.unwrap();
    world.deliver().await;
    let (damaged, _) = world.own_copy("bob").await;
    let whole = world.damage(&damaged).await;
    for change in 1..8 {
        world.clock.advance(60_000);
        let after = series(&change.to_string(), &people);
        world.put(at, after).await.unwrap();
        world.deliver().await;
        let says = format!("SUMMARY:{change}");
        world.assert_agrees("carol", &says, "STATUS=1.2").await;
        assert!(world.line_of("bob").await.contains("STATUS=1.0"));
        assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 1, "{change}");
        let letters = world.waiting(LETTERS_QUEUE).await;
        assert!(letters[0].payload.len() < 1_000, "{change}");
    }
    world.replace_content(&damaged, whole).await;
    world.clock.advance(6 * 60 * 60_000);
    world.deliver().await;
    world.assert_agrees("bob", "SUMMARY:7", "STATUS=1.2").await;
    assert_eq!(world.waiting(LETTERS_QUEUE).await.len(), 0);
}

/// What a row of before 2026-11-30 held is delivered before what waits since.
#[tokio::test]
async fn rows_of_before_come_first() {
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol"];
    world.put(at, series("0", &people)).await.unwrap();
    world.deliver().await;
    world.clock.advance(60_000);
    world.put(at, series("1", &people)).await.unwrap();
    world.rows_as_before().await;
    world.clock.advance(60_000);
    world.put(at, series("2", &people)).await.unwrap();
    assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 2);
    world.deliver().await;
    for name in people {
        world.assert_agrees(name, "SUMMARY:2", "STATUS=1.2").await;
    }
    let read = world.desk.store().list_work(LETTERS_QUEUE, None, 10).await;
    assert_eq!(read.unwrap(), []);
}

/// Where what waits of a meeting cannot be read, its organizer can change it all the same, and all is delivered once that
/// is mended.
#[tokio::test]
async fn a_row_of_letters_that_cannot_be_read_is_kept() {
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol"];
    world.put(at, series("0", &people)).await.unwrap();
    world.deliver().await;
    world.clock.advance(60_000);
    world.put(at, series("1", &people)).await.unwrap();
    let whole = world.set_letters(&b"\xff\xff"[..]).await;
    world.clock.advance(60_000);
    world.put(at, series("2", &people)).await.unwrap();
    world.deliver().await;
    assert_eq!(world.waiting(LETTERS_QUEUE).await.len(), 1);
    world.set_letters(whole).await;
    world.clock.advance(6 * 60 * 60_000);
    world.deliver().await;
    for name in people {
        world.assert_agrees(name, "SUMMARY:2", "STATUS=1.2").await;
    }
    assert_eq!(world.waiting(LETTERS_QUEUE).await.len(), 0);
    assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 0);
}

impl World {
    /// Puts other octets in the place of what waits; those that were there.
    async fn set_letters(&self, payload: impl Into<Bytes>) -> Bytes {
        let store = self.desk.store();
        let (id, row) = store
            .list_work(LETTERS_QUEUE, None, 1)
            .await
            .unwrap()
            .remove(0);
        let mut batch = store.batch();
        let after = Work::new(LETTERS_QUEUE, payload, row.created);
        batch.reschedule(&id, &row, id.due, &after);
        store.commit(batch).await.unwrap();
        row.value.payload
    }

    /// Has what waits stand as it did before there was a row for each meeting.
    async fn rows_as_before(&self) {
        let store = self.desk.store();
        let (id, letters) = store
            .list_work(LETTERS_QUEUE, None, 1)
            .await
            .unwrap()
            .remove(0);
        let (turn_id, turn) = store
            .list_work(DELIVERY_QUEUE, None, 1)
            .await
            .unwrap()
            .remove(0);
        let (_, letters_of_it) = postcard::take_from_bytes::<Timestamp>(&letters.payload).unwrap();
        let (_, rest) = postcard::take_from_bytes::<(
            storage::model::PrincipalId,
            storage::model::CollectionId,
            String,
        )>(&turn.payload)
        .unwrap();
        assert_eq!(rest, [0, 0], "no letters, no mails");
        let named = &turn.payload[..turn.payload.len() - 2];
        let before = [named, letters_of_it, &[0]].concat();
        let mut batch = store.batch();
        batch.finish_work(&id, &letters);
        batch.finish_work(&turn_id, &turn);
        let row = Work::new(DELIVERY_QUEUE, before, turn.created);
        batch.enqueue(&store.new_work_id(turn_id.due), &row);
        store.commit(batch).await.unwrap();
    }
}

/// What is given up is noted for whom it was, where their organizer sees it (RFC 6638 §3.2.9).
#[tokio::test]
async fn what_is_given_up_is_said() {
    let bounds = CommitBounds {
        copies: 1,
        people_shown_at_once: 0,
    };
    let settings = Settings {
        commit_bounds: bounds,
        ..Settings::default()
    };
    let (world, faulty) = faulty_world(settings).await;
    user(world.desk.store(), "carol").await;
    let at = "alice/calendar/1.ics";
    world
        .put(at, meeting(9, &["bob", "carol"], ""))
        .await
        .unwrap();
    for attempt in 1..=20 {
        assert!(
            world.line_of("carol").await.contains("STATUS=1.0"),
            "{attempt}"
        );
        faulty.fail_commit(1, CommitError::Limit("a bound"));
        assert!(world.desk.deliver_outstanding().await.unwrap());
        faulty.heal();
        if let Some(due) = world.desk.store().next_due(DELIVERY_QUEUE).await.unwrap() {
            world.clock.set(due);
        }
    }
    let line = world.line_of("carol").await;
    assert!(line.contains("STATUS=5.1"), "{line}");
    assert_eq!(world.waiting(LETTERS_QUEUE).await.len(), 0);
    assert!(world.line_of("bob").await.contains("STATUS=1.2"));
}
