//! What waits of a meeting where something is in its way: what is said of it meanwhile, and what comes of it in the end.

use calendar::{CalendarObject, Limits as ParserLimits};
use storage::{access::Ace, model::Collection};

use super::{
    waiting::{meeting, series, slow, slow_world},
    *,
};
use crate::log::Verdict;

const AT: &str = "alice/calendar/1.ics";

/// Alice's series, of which Bob is invited to one instance alone.
fn with_bob_in_one_instance() -> String {
    let instance = "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260309T090000Z\r\n\
         ORGANIZER:mailto:alice@example.com\r\nDTSTART:20260309T090000Z\r\nDURATION:PT1H\r\n\
         ATTENDEE:mailto:bob@example.com\r\nEND:VEVENT\r\n";
    let text = String::from_utf8(meeting(9, &["alice"], instance).to_vec()).unwrap();
    text.replacen("DURATION", "RRULE:FREQ=WEEKLY;COUNT=5\r\nDURATION", 1)
}

impl World {
    /// Who may do what with somebody's inbox; what it was before.
    async fn set_access(&self, inbox: &str, access: Option<Vec<Ace>>) -> Option<Vec<Ace>> {
        let store = self.desk.store();
        let found = store.resolve(&path(inbox)).await.unwrap().unwrap();
        let before = found.collection();
        let after = Collection {
            access,
            ..before.value.clone()
        };
        let mut batch = store.batch();
        batch.update_collection(before, &after);
        store.commit(batch).await.unwrap();
        before.access.clone()
    }
}

/// Of two messages to somebody, one of which they could not get, that is said, and not that the other one waits, or came
/// (RFC 6638 §3.2.9).
#[tokio::test]
async fn a_failure_is_not_forgotten_for_what_waits() {
    let (world, _) = slow_world().await;
    world.put(AT, meeting(9, &["bob"], "")).await.unwrap();
    let access = world.set_access("bob/inbox", Some(Vec::new())).await;
    world.clock.advance(60_000);
    // Bob is out of the series, and in one instance of it: two messages
    world.put(AT, with_bob_in_one_instance()).await.unwrap();
    let line = world.line_of("bob").await;
    assert!(line.contains("STATUS=3.8"), "{line}");
    world.set_access("bob/inbox", access).await;
    world.deliver().await;
    let (_, text) = world.own_copy("bob").await;
    assert!(text.contains("20260309T090000Z"), "{text}");
    let line = world.line_of("bob").await;
    assert!(line.contains("STATUS=3.8"), "{line}");
}

/// Bob declines by mail.
fn bob_declines() -> IncomingMessage {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nSEQUENCE:0\r\n\
         DTSTAMP:20260101T100000Z\r\nORGANIZER:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    IncomingMessage {
        object: CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap(),
        method: None,
        sender: "mailto:bob@example.com".to_owned(),
        recipients: vec!["mailto:alice@example.com".to_owned()],
        id: None,
    }
}

/// As long as nobody can read what waits of a meeting, all that is decided waits behind it: nothing is lost, and nothing
/// comes before what is older.
#[tokio::test]
async fn what_is_decided_behind_a_damaged_row_waits_for_it() {
    for is_mended in [true, false] {
        let (world, _) = slow_world().await;
        let people = ["bob", "carol"];
        world.put(AT, series("0", &people)).await.unwrap();
        world.deliver().await;
        world.put(AT, series("1", &people)).await.unwrap();
        let whole = world.set_letters(&b"\xff\xff"[..]).await;
        for change in 2..5 {
            world.clock.advance(60_000);
            let after = series(&change.to_string(), &people);
            world.put(AT, after).await.unwrap();
            world.deliver().await;
        }
        let received = world.desk.receive_message(&bob_declines()).await;
        received.unwrap();
        world.deliver().await;
        assert!(world.line_of("bob").await.contains("PARTSTAT=DECLINED"));
        for (name, known) in [("bob", "SUMMARY:1"), ("carol", "SUMMARY:0")] {
            let (_, text) = world.own_copy(name).await;
            assert!(text.contains(known), "{text}");
            assert!(!text.contains("DECLINED"), "{text}");
        }
        assert!(world.line_of("carol").await.contains("STATUS=1.0"));
        assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 1);
        if is_mended {
            world.set_letters(whole).await;
        } else {
            world.remove_letters(LETTERS_QUEUE).await;
        }
        world.clock.advance(60_000);
        world.put(AT, series("5", &people)).await.unwrap();
        world.clock.advance(6 * 60 * 60_000);
        world.deliver().await;
        for name in people {
            let (_, text) = world.own_copy(name).await;
            let text = unfolded(text.as_bytes());
            assert!(text.contains("SUMMARY:5"), "{text}");
            assert!(text.contains("DECLINED:mailto:bob"), "{text}");
        }
        assert!(world.line_of("carol").await.contains("STATUS=1.2"));
        for queue in [LETTERS_QUEUE, DELIVERY_QUEUE] {
            assert_eq!(world.waiting(queue).await, []);
        }
    }
}

/// Where what stands behind cannot be read, either, its meeting can be changed and answered as soon as the first row reads
/// or is gone; nothing that is decided then comes before what stands behind.
#[tokio::test]
async fn what_is_decided_before_a_damaged_row_behind_waits_for_it() {
    for (is_front_mended, is_behind_mended) in [(true, true), (true, false), (false, true)] {
        let (world, _) = slow_world().await;
        let people = ["bob", "carol"];
        let change = async |summary: &str| {
            world.clock.advance(60_000);
            let after = series(summary, &people);
            world.put(AT, after).await.unwrap();
            world.deliver().await;
        };
        change("0").await;
        world.put(AT, series("1", &people)).await.unwrap();
        let front = world.set_letters(&b"\xff\xff"[..]).await;
        change("2").await;
        let behind = world.set_row(LETTERS_BEHIND_QUEUE, &b"\xff\xff"[..]).await;
        match is_front_mended {
            true => drop(world.set_letters(front).await),
            false => world.remove_letters(LETTERS_QUEUE).await,
        }
        change("3").await;
        let received = world.desk.receive_message(&bob_declines()).await;
        received.unwrap();
        change("4").await;
        let (_, text) = world.own_copy("carol").await;
        assert!(text.contains("SUMMARY:0"), "{text}");
        assert!(world.line_of("carol").await.contains("STATUS=1.0"));
        match is_behind_mended {
            true => drop(world.set_row(LETTERS_BEHIND_QUEUE, behind).await),
            false => world.remove_letters(LETTERS_BEHIND_QUEUE).await,
        }
        world.clock.advance(6 * 60 * 60_000);
        world.deliver().await;
        for name in people {
            let (_, text) = world.own_copy(name).await;
            let text = unfolded(text.as_bytes());
            assert!(text.contains("SUMMARY:4"), "{text}");
            assert!(text.contains("DECLINED:mailto:bob"), "{text}");
        }
        assert!(world.line_of("carol").await.contains("STATUS=1.2"));
        for queue in [LETTERS_QUEUE, LETTERS_BEHIND_QUEUE, DELIVERY_QUEUE] {
            assert_eq!(world.waiting(queue).await, []);
        }
    }
}

/// What cannot be read stops nobody for ever: given up, it is said who does not hear of it, and what is decided then goes out.
#[tokio::test]
async fn what_cannot_be_read_is_given_up_and_that_is_said() {
    let address = |name: &str| format!("mailto:{name}@example.com");
    let people = ["bob", "carol"];
    // whether something waits behind, and whether that cannot be read, either; who is not told then
    for (waits_behind, is_behind_damaged, unreached) in [
        (false, false, &["carol"][..]),
        (true, false, &[]),
        (true, true, &people),
    ] {
        let (world, _) = slow_world().await;
        world.put(AT, series("0", &people)).await.unwrap();
        world.deliver().await;
        world.put(AT, series("1", &people)).await.unwrap();
        world.set_letters(&b"\xff\xff"[..]).await;
        if waits_behind {
            world.put(AT, series("2", &people)).await.unwrap();
        }
        if is_behind_damaged {
            world.set_row(LETTERS_BEHIND_QUEUE, &b"\xff"[..]).await;
            let refused = world.put(AT, series("3", &people)).await;
            assert!(matches!(refused, Err(Refusal::Damaged(_))), "{refused:?}");
        }
        let found = world.desk.unreadable_messages().await.unwrap();
        assert_eq!(found.len(), 1);
        let meeting = found.first().unwrap();
        let given_up = world.desk.give_up_messages(meeting).await.unwrap();
        let expected = GivenUp {
            rows: 1 + usize::from(is_behind_damaged),
            uid: Some("1".to_owned()),
            people: unreached.iter().copied().map(address).collect(),
        };
        assert_eq!(given_up, Some(expected));
        for name in unreached {
            let line = world.line_of(name).await;
            assert!(line.contains("STATUS=5.1"), "{line}");
        }
        let home = world.alice.principal.home.unwrap();
        let log = world.desk.scheduling_log_of(home, "1").await.unwrap();
        let line = &log.last().unwrap().lines[0];
        assert_eq!(line.verdict, Verdict::NotSent);
        assert_eq!(line.parties.len(), unreached.len());
        // it is done once
        assert!(world.desk.unreadable_messages().await.unwrap().is_empty());
        let again = world.desk.give_up_messages(meeting).await.unwrap();
        assert_eq!(again, None);
        world.deliver().await;
        world.clock.advance(6 * 60 * 60_000);
        world.put(AT, series("4", &people)).await.unwrap();
        world.deliver().await;
        for name in people {
            let (_, text) = world.own_copy(name).await;
            assert!(text.contains("SUMMARY:4"), "{text}");
            assert!(world.line_of(name).await.contains("STATUS=1.2"));
        }
        for queue in [LETTERS_QUEUE, LETTERS_BEHIND_QUEUE, DELIVERY_QUEUE] {
            assert_eq!(world.waiting(queue).await, []);
        }
    }
}

/// Of what names no meeting that is known, nothing can be said, and it goes all the same.
#[tokio::test]
async fn what_names_no_meeting_is_given_up() {
    let (world, _) = slow_world().await;
    let store = world.desk.store();
    let torn = Work::new(LETTERS_QUEUE, &b"\xff"[..], Timestamp(0));
    let mut batch = store.batch();
    batch.enqueue(&store.new_work_id(Timestamp(0)), &torn);
    store.commit(batch).await.unwrap();
    let found = world.desk.unreadable_messages().await.unwrap();
    let given_up = world.desk.give_up_messages(found.first().unwrap()).await;
    let expected = GivenUp {
        rows: 1,
        uid: None,
        people: Vec::new(),
    };
    assert_eq!(given_up.unwrap(), Some(expected));
    assert_eq!(world.waiting(LETTERS_QUEUE).await, []);
}

/// What stands in a row of before 2026-11-30 that was put off comes before what is decided now.
#[tokio::test]
async fn rows_of_before_that_were_put_off_are_adopted() {
    let (world, _) = slow_world().await;
    let people = ["bob", "carol"];
    world.put(AT, series("0", &people)).await.unwrap();
    world.rows_as_before().await;
    let store = world.desk.store().clone();
    let (id, row) = store
        .list_work(DELIVERY_QUEUE, None, 1)
        .await
        .unwrap()
        .remove(0);
    let mut batch = store.batch();
    let due = Timestamp(world.desk.now().0 + 60 * 60_000);
    batch.reschedule(&id, &row, due, &row.value);
    store.commit(batch).await.unwrap();
    // the server is updated
    let world = World {
        desk: Desk::new(store, slow()),
        ..world
    };
    world.clock.advance(60_000);
    world.put(AT, series("1", &people)).await.unwrap();
    assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 1);
    for _ in 0..2 {
        world.deliver().await;
        let (_, text) = world.own_copy("carol").await;
        assert!(text.contains("SUMMARY:1"), "{text}");
        world.clock.advance(6 * 60 * 60_000);
    }
    assert_eq!(world.waiting(DELIVERY_QUEUE).await, []);
}

/// RFC 6638 §3.2.8: who was taken out and is invited again, and has heard of neither, answers what was taken back.
#[tokio::test]
async fn an_answer_to_what_was_taken_back_does_not_count() {
    let (world, carol) = slow_world().await;
    user(world.desk.store(), "dave").await;
    let people = ["bob", "carol", "dave"];
    world.put(AT, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    for people in [&["dave"][..], &people] {
        world.clock.advance(60_000);
        world.put(AT, meeting(9, people, "")).await.unwrap();
    }
    world.clock.advance(60_000);
    world.accept(&carol, "carol").await;
    let line = world.line_of("carol").await;
    assert!(!line.contains("ACCEPTED"), "{line}");
    let log = world.desk.scheduling_log(&world.alice, &path(AT)).await;
    let log = log.unwrap();
    let mut lines = log.iter().flat_map(|entry| &entry.lines);
    assert!(
        lines.any(|line| line.verdict == Verdict::NotApplied && line.reason.contains("taken back")),
        "{log:?}"
    );
    world.deliver().await;
    assert!(world.line_of("carol").await.contains("STATUS=1.2"));
    let (_, text) = world.own_copy("carol").await;
    assert!(!text.contains("ACCEPTED"), "{text}");
    world.accept(&carol, "carol").await;
    assert!(world.line_of("carol").await.contains("PARTSTAT=ACCEPTED"));
}

/// RFC 6638 §7.2: what is sent again on demand takes nothing back while it waits.
#[tokio::test]
async fn an_answer_counts_while_what_was_forced_waits() {
    let (world, carol) = slow_world().await;
    user(world.desk.store(), "dave").await;
    let event = meeting(9, &["bob", "carol", "dave"], "");
    world.put(AT, event.clone()).await.unwrap();
    world.deliver().await;
    world.clock.advance(60_000);
    let event = String::from_utf8(event.to_vec()).unwrap();
    let forced = event.replace("ATTENDEE:", "ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:");
    world.put(AT, forced).await.unwrap();
    assert!(world.line_of("carol").await.contains("STATUS=1.0"));
    world.accept(&carol, "carol").await;
    world.deliver().await;
    assert!(world.line_of("carol").await.contains("PARTSTAT=ACCEPTED"));
    let (_, text) = world.own_copy("carol").await;
    assert!(text.contains("PARTSTAT=ACCEPTED"), "{text}");
}

/// Alice's weekly event with Bob and Carol, two instances of which are called otherwise.
fn with_instances(summaries: [&str; 2]) -> String {
    let days = ["20260309", "20260316"].into_iter().zip(summaries);
    let instances = days.map(|(day, summary)| {
        format!(
            "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:{day}T090000Z\r\n\
             ORGANIZER:mailto:alice@example.com\r\nDTSTART:{day}T090000Z\r\nDURATION:PT1H\r\n\
             ATTENDEE:mailto:bob@example.com\r\nATTENDEE:mailto:carol@example.com\r\n\
             SUMMARY:{summary}\r\nEND:VEVENT\r\n"
        )
    });
    let instances: String = instances.collect();
    let text = String::from_utf8(series("0", &["bob", "carol"]).to_vec()).unwrap();
    text.replace("END:VCALENDAR", &format!("{instances}END:VCALENDAR"))
}

/// RFC 6638 §3.2.8: who is asked again for the series, and has not heard of that, is not asked for what is apart from it.
#[tokio::test]
async fn an_answer_to_an_instance_counts_while_the_series_is_asked_for_again() {
    let (world, carol) = slow_world().await;
    world.put(AT, with_instances(["x", "y"])).await.unwrap();
    world.deliver().await;
    for (actor, name) in [(&world.bob, "bob"), (&carol, "carol")] {
        world.accept(actor, name).await;
        world.deliver().await;
    }
    world.clock.advance(60_000);
    let says = |text: &str, part: usize, said: &str| {
        let mut parts: Vec<String> = text.split("BEGIN:VEVENT").map(str::to_owned).collect();
        let accepted = "PARTSTAT=ACCEPTED";
        parts[part] = parts[part].replace(accepted, &format!("PARTSTAT={said}"));
        parts.join("BEGIN:VEVENT")
    };
    let organizers = unfolded(world.text_at(AT).await.as_bytes());
    world
        .put(AT, says(&organizers, 1, "NEEDS-ACTION"))
        .await
        .unwrap();
    assert!(world.line_of("carol").await.contains("STATUS=1.0"));
    let (place, text) = world.own_copy("carol").await;
    let text = unfolded(text.as_bytes());
    for (part, counts) in [(2, true), (1, false)] {
        world.clock.advance(60_000);
        world
            .put_as(&carol, &place, says(&text, part, "TENTATIVE"))
            .await
            .unwrap();
        let organizers = unfolded(world.text_at(AT).await.as_bytes());
        let of_part = organizers.split("BEGIN:VEVENT").nth(part).unwrap();
        let mut lines = of_part.lines();
        let line = lines.find(|line| line.ends_with(":mailto:carol@example.com"));
        assert_eq!(line.unwrap().contains("TENTATIVE"), counts, "{organizers}");
    }
}

/// What waits for somebody whose copy is damaged does not grow with each change of an instance.
#[tokio::test]
async fn changes_of_instances_do_not_pile_up() {
    let (world, _) = slow_world().await;
    let mut summaries = ["0".to_owned(), "0".to_owned()];
    let text = |summaries: &[String; 2]| with_instances([&summaries[0], &summaries[1]]);
    world.put(AT, text(&summaries)).await.unwrap();
    world.deliver().await;
    let (damaged, _) = world.own_copy("bob").await;
    let whole = world.damage(&damaged).await;
    for change in 1..100 {
        world.clock.advance(1_000);
        summaries[change % 2] = change.to_string();
        world.put(AT, text(&summaries)).await.unwrap();
        world.deliver().await;
    }
    let waits = world.waiting(LETTERS_QUEUE).await.remove(0).payload.len();
    assert!(waits < 10_000, "{waits}");
    world.replace_content(&damaged, whole).await;
    world.clock.advance(6 * 60 * 60_000);
    world.deliver().await;
    for name in ["bob", "carol"] {
        let (_, text) = world.own_copy(name).await;
        for summary in &summaries {
            assert!(text.contains(&format!("SUMMARY:{summary}")), "{text}");
        }
        assert!(world.line_of(name).await.contains("STATUS=1.2"));
    }
}

/// Who has no copy any more gets all of the meeting, also where a message about one instance of it waited.
#[tokio::test]
async fn who_has_no_copy_any_more_gets_all_of_it() {
    let (world, carol) = slow_world().await;
    world.put(AT, with_instances(["0", "0"])).await.unwrap();
    world.deliver().await;
    let (place, _) = world.own_copy("carol").await;
    let delete = Delete {
        path: path(&place),
        conditions: Conditions::default(),
        schedule_reply: false,
    };
    world.desk.delete(&carol, delete).await.unwrap();
    world.put(AT, with_instances(["1", "0"])).await.unwrap();
    assert!(world.line_of("carol").await.contains("STATUS=1.0"));
    world.deliver().await;
    let (_, text) = world.own_copy("carol").await;
    assert!(
        text.contains("RRULE") && text.contains("SUMMARY:1"),
        "{text}"
    );
}

/// Who is invited to the series later has an instance alone until then: an answer to the whole would be asked for twice.
#[tokio::test]
async fn who_is_invited_to_more_later_gets_first_what_came_first() {
    let (world, _) = slow_world().await;
    let in_series = with_instances(["0", "0"]);
    let (series, instances) = in_series.split_once("END:VEVENT").unwrap();
    let series = series.replace("ATTENDEE:mailto:carol@example.com\r\n", "");
    let in_instances = format!("{series}END:VEVENT{instances}");
    let without = in_instances.replace("ATTENDEE:mailto:carol@example.com\r\n", "");
    for text in [in_instances, without, in_series] {
        world.put(AT, text).await.unwrap();
    }
    assert!(world.desk.deliver_outstanding().await.unwrap());
    let (_, text) = world.own_copy("carol").await;
    assert!(!text.contains("RRULE"), "{text}");
    world.deliver().await;
    let (_, text) = world.own_copy("carol").await;
    assert!(text.contains("RRULE"), "{text}");
}

const QUOTA_OCTETS: u64 = 4_000;

/// A home that is full gets an invitation when room is made, and not before; it is given up some day (RFC 4331,
/// RFC 6638 §3.2.9).
#[tokio::test]
async fn an_invitation_waits_for_room() {
    for is_room_made in [true, false] {
        for settings in [Settings::default(), slow()] {
            let mut settings = settings;
            settings.limits.quota_octets = Some(QUOTA_OCTETS);
            let world = world_with(settings, |memory| Arc::new(memory)).await;
            for name in ["carol", "dave"] {
                user(world.desk.store(), name).await;
            }
            let filler = event("filler", &"x".repeat(3_600));
            let at = "bob/calendar/filler.ics";
            world.put_as(&world.bob, at, filler).await.unwrap();
            let people = ["bob", "carol", "dave"];
            world.put(AT, meeting(9, &people, "")).await.unwrap();
            world.deliver().await;
            assert!(world.line_of("bob").await.contains("STATUS=1.0"));
            assert!(world.line_of("carol").await.contains("STATUS=1.2"));
            assert!(world.line_of("dave").await.contains("STATUS=1.2"));
            if is_room_made {
                let delete = Delete {
                    path: path(at),
                    conditions: Conditions::default(),
                    schedule_reply: true,
                };
                world.desk.delete(&world.bob, delete).await.unwrap();
            }
            for _ in 0..25 {
                world.clock.advance(6 * 60 * 60_000);
                world.deliver().await;
            }
            let (copies, status) = if is_room_made { (1, "1.2") } else { (1, "5.1") };
            assert_eq!(world.members("bob/calendar").await.len(), copies);
            let line = world.line_of("bob").await;
            assert!(line.contains(&format!("STATUS={status}")), "{line}");
            assert_eq!(world.waiting(DELIVERY_QUEUE).await, []);
        }
    }
}

/// However much waits for somebody, it is tried once at a time.
#[tokio::test]
async fn who_waits_for_room_is_tried_once_at_a_time() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(QUOTA_OCTETS);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    user(world.desk.store(), "carol").await;
    let filler = event("filler", &"x".repeat(3_600));
    let at = "bob/calendar/filler.ics";
    world.put_as(&world.bob, at, filler).await.unwrap();
    for summary in ["0", "1"] {
        let octets = with_instances([summary, "0"]);
        world.put(AT, octets).await.unwrap();
    }
    world.deliver().await;
    let turns = world.waiting(DELIVERY_QUEUE).await;
    assert_eq!((turns.len(), turns[0].attempts), (1, 1));
}

impl World {
    async fn remove_letters(&self, queue: &str) {
        let store = self.desk.store();
        let mut rows = store.list_work(queue, None, 1).await.unwrap();
        let (id, row) = rows.remove(0);
        let mut batch = store.batch();
        batch.finish_work(&id, &row);
        store.commit(batch).await.unwrap();
    }
}
