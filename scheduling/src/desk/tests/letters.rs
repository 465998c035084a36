//! What waits of a meeting stands in one row, in the order in which it was decided, and is delivered in bounded commits;
//! what somebody cannot get waits for them alone.

use storage::model::{CollectionId, PrincipalId};

use super::{
    audit::audited,
    waiting::{meeting, series, slow, slow_world},
    *,
};
use crate::engine::Method;

impl World {
    /// What somebody's copy says at last, and what the organizer's object says of them.
    async fn assert_agrees(&self, name: &str, says: &str, organizer_says: &str) {
        let (_, text) = self.own_copy(name).await;
        assert!(text.contains(says), "{text}");
        let line = self.line_of(name).await;
        assert!(line.contains(organizer_says), "{line}");
    }

    pub(super) async fn accept(&self, actor: &Actor, name: &str) {
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

/// What rows of before 2026-11-30 held is delivered in its order, and before what waits since: who is invited to a series
/// has no instance that was called off then.
#[tokio::test]
async fn rows_of_before_come_first_in_their_order() {
    let at = "alice/calendar/1.ics";
    let invited = series("0", &["bob", "carol"]);
    let off = String::from_utf8(series("0", &["bob", "carol"]).to_vec()).unwrap();
    let off = off.replace("RRULE", "EXDATE:20260309T090000Z\r\nRRULE");
    for is_former in [[true, false], [true, true]] {
        let (world, _) = slow_world().await;
        for (octets, is_former) in [&*invited, off.as_bytes()].into_iter().zip(is_former) {
            world.clock.advance(1_000);
            world.put(at, octets.to_vec()).await.unwrap();
            if is_former {
                world.rows_as_before().await;
            }
        }
        assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 2);
        world.clock.advance(1_000);
        world.deliver().await;
        for name in ["bob", "carol"] {
            let (_, text) = world.own_copy(name).await;
            let is_off =
                text.contains("EXDATE:20260309T090000Z") || text.contains("STATUS:CANCELLED");
            assert!(is_off, "{is_former:?}: {text}");
            assert!(world.line_of(name).await.contains("STATUS=1.2"));
        }
        assert_eq!(world.waiting(LETTERS_QUEUE).await, []);
    }
}

/// What was written before each letter said for which parts it asks again is delivered, and no damage.
#[tokio::test]
async fn letters_of_before_are_delivered() {
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol", "dave"];
    let untimed = |people: &[&str]| {
        let text = String::from_utf8(meeting(9, people, "").to_vec()).unwrap();
        let lines = text.lines();
        let lines = lines.filter(|line| !line.starts_with("DTSTART") && !line.starts_with("DUR"));
        let text: String = lines.map(|line| format!("{line}\r\n")).collect();
        Bytes::from(text.replace("VEVENT", "VTODO"))
    };
    for is_timed in [true, false] {
        let object = |people: &[&str]| match is_timed {
            true => meeting(9, people, ""),
            false => untimed(people),
        };
        let (world, carol) = slow_world().await;
        user(world.desk.store(), "dave").await;
        world.put(at, object(&people)).await.unwrap();
        world.deliver().await;
        world.accept(&carol, "carol").await;
        world.deliver().await;
        // out, and in again: asked again
        for people in [&["dave"][..], &people] {
            world.clock.advance(60_000);
            world.put(at, object(people)).await.unwrap();
        }
        world.letters_as_before().await;
        assert_eq!(audited(world.desk.store()).await, []);
        world.deliver().await;
        assert_eq!(world.waiting(LETTERS_QUEUE).await, []);
        world
            .assert_agrees("carol", "RSVP=TRUE", "STATUS=1.2")
            .await;
        let (_, text) = world.own_copy("carol").await;
        assert!(!text.contains("ACCEPTED"), "{text}");
    }
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

/// A letter as its row has it now.
type Letter = (
    Method,
    String,
    bool,
    bool,
    bool,
    Vec<String>,
    Vec<(String, String)>,
    Timestamp,
    Bytes,
    Vec<(PrincipalId, String)>,
);

impl World {
    /// Puts other octets in the place of what waits; those that were there.
    pub(super) async fn set_letters(&self, payload: impl Into<Bytes>) -> Bytes {
        self.set_row(LETTERS_QUEUE, payload).await
    }

    /// The same in the first row of a queue.
    pub(super) async fn set_row(&self, queue: &str, payload: impl Into<Bytes>) -> Bytes {
        let store = self.desk.store();
        let (id, row) = store.list_work(queue, None, 1).await.unwrap().remove(0);
        let mut batch = store.batch();
        let after = Work::new(queue, payload, row.created);
        batch.reschedule(&id, &row, id.due, &after);
        store.commit(batch).await.unwrap();
        row.value.payload
    }

    /// The first row of what waits: when its turn is, and its letters. Nobody is in trouble.
    async fn first_letters(&self) -> (WorkId, Stored<Work>, Timestamp, Vec<Letter>) {
        let store = self.desk.store();
        let mut rows = store.list_work(LETTERS_QUEUE, None, 1).await.unwrap();
        let (id, row) = rows.remove(0);
        let (due, troubles, letters): (Timestamp, u32, Vec<Letter>) = row.task().unwrap();
        assert_eq!(troubles, 0);
        (id, row, due, letters)
    }

    /// Has what waits stand as it did before each letter said for which parts it asks again.
    async fn letters_as_before(&self) {
        let (_, row, due, letters) = self.first_letters().await;
        let letters = letters.into_iter().map(
            |(method, sender, shows, tells, asks, _, parts, decided, octets, to)| {
                (
                    method, sender, shows, tells, asks, parts, decided, octets, to,
                )
            },
        );
        let former = (due, 0_u32, letters.collect::<Vec<_>>());
        let row = Work::of(LETTERS_QUEUE, &former, row.created);
        self.set_letters(row.payload).await;
    }

    /// Has what waits stand as it did before there was a row for each meeting.
    pub(super) async fn rows_as_before(&self) {
        let store = self.desk.store();
        let (id, row, due, letters) = self.first_letters().await;
        let letters = letters.into_iter();
        let letters = letters.map(|(method, sender, shows, _, asks, _, _, _, octets, to)| {
            (method, sender, shows, asks, octets, to)
        });
        let turn = WorkId { due, id: id.id };
        let before = store.work(DELIVERY_QUEUE, &turn).await.unwrap().unwrap();
        let (of, rest) =
            postcard::take_from_bytes::<(PrincipalId, CollectionId, String)>(&before.payload)
                .unwrap();
        assert_eq!(rest, [0, 0], "no letters, no mails");
        let former = (of, letters.collect::<Vec<_>>(), 0_u8);
        let mut batch = store.batch();
        batch.finish_work(&id, &row);
        batch.finish_work(&turn, &before);
        let row = Work::of(DELIVERY_QUEUE, &former, before.created);
        batch.enqueue(&store.new_work_id(due), &row);
        store.commit(batch).await.unwrap();
    }
}

/// What is given up is noted for whom it was, where their organizer sees it (RFC 6638 §3.2.9).
#[tokio::test]
async fn what_is_given_up_is_said() {
    let (world, faulty) = faulty_world(slow()).await;
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

/// What only shows what others said comes behind what waits, and keeps no status from being told.
#[tokio::test]
async fn what_is_shown_comes_behind_what_waits() {
    let (world, carol) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["alice", "bob", "carol"];
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    world.accept(&carol, "carol").await;
    world.deliver().await;
    world.clock.advance(60_000);
    world.put(at, meeting(10, &people, "")).await.unwrap();
    // Bob knows of it, answers, and Alice does
    world.accept(&world.bob, "bob").await;
    let own = world.text_at(at).await;
    let coming = own.replace(":mailto:alice", ";PARTSTAT=ACCEPTED:mailto:alice");
    world
        .put(
            at,
            coming.replace("ORGANIZER;PARTSTAT=ACCEPTED", "ORGANIZER"),
        )
        .await
        .unwrap();
    while world.desk.refresh_outstanding().await.unwrap() {}
    let (_, text) = world.own_copy("carol").await;
    assert!(text.contains("DTSTART:20260302T090000Z"), "{text}");
    assert!(world.line_of("carol").await.contains("STATUS=1.0"));
    world.deliver().await;
    let (_, text) = world.own_copy("carol").await;
    assert!(text.contains("DTSTART:20260302T100000Z"), "{text}");
    let text = unfolded(text.as_bytes());
    for name in ["alice", "bob"] {
        let said = format!("ATTENDEE;PARTSTAT=ACCEPTED:mailto:{name}@example.com");
        assert!(text.contains(&said), "{text}");
    }
    assert!(
        text.contains("ATTENDEE;RSVP=TRUE:mailto:carol@example.com"),
        "{text}"
    );
    let line = world.line_of("carol").await;
    assert!(
        line.contains("STATUS=1.2") && !line.contains("ACCEPTED"),
        "{line}"
    );
}

/// What one commit cannot hold goes to one after the other, and what somebody alone cannot get is given up for them alone,
/// in the end.
#[tokio::test]
async fn one_who_cannot_get_it_keeps_nobody_from_it() {
    let (world, faulty) = faulty_world(slow()).await;
    let people = ["bob", "carol", "dave", "erin"];
    for name in &people[1..] {
        user(world.desk.store(), name).await;
    }
    let at = "alice/calendar/1.ics";
    world.put(at, meeting(9, &people, "")).await.unwrap();
    // the next one, whoever that is, cannot have it
    faulty.fail_commit(1, CommitError::Limit("a bound"));
    assert!(world.desk.deliver_outstanding().await.unwrap());
    faulty.heal();
    world.deliver().await;
    let waits = async || {
        let text = world.text_at(at).await;
        text.matches("STATUS=1.0").count()
    };
    assert_eq!(waits().await, 1);
    let turns = world.waiting(DELIVERY_QUEUE).await;
    assert_eq!((turns.len(), turns[0].attempts), (1, 1));
    assert!(turns[0].last_error.as_ref().unwrap().contains("a bound"));
    world.clock.advance(60_000);
    world.deliver().await;
    assert_eq!(waits().await, 0);
}

/// Who is not there any more, or not to be invited now, has not heard (RFC 6638 §3.2.9).
#[tokio::test]
async fn who_is_gone_or_disabled_meanwhile_has_not_heard() {
    let (world, carol) = slow_world().await;
    let dave = user(world.desk.store(), "dave").await;
    let at = "alice/calendar/1.ics";
    world
        .put(at, meeting(9, &["bob", "carol", "dave"], ""))
        .await
        .unwrap();
    let store = world.desk.store();
    let disable = |dave: &mut Principal| dave.disabled = true;
    store
        .change_principal(dave.principal.id, disable)
        .await
        .unwrap();
    store.remove_account(carol.principal.id).await.unwrap();
    world.deliver().await;
    let statuses = [("bob", "1.2"), ("carol", "3.7"), ("dave", "5.3")];
    for (name, status) in statuses {
        let line = world.line_of(name).await;
        assert!(line.contains(&format!("STATUS={status}")), "{line}");
    }
}

/// Each of many who hears something else does not need a commit of their own.
#[tokio::test]
async fn a_commit_holds_several_letters() {
    const MANY: usize = 130;
    let world = world().await;
    let names: Vec<String> = (0..MANY).map(|number| format!("u{number:03}")).collect();
    for name in &names {
        user(world.desk.store(), name).await;
    }
    let at = "alice/calendar/1.ics";
    let people: Vec<&str> = names.iter().map(|name| &**name).collect();
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    // each CANCEL names its recipient
    world.delete(at).await.unwrap();
    let mut commits = 0;
    while world.desk.deliver_outstanding().await.unwrap() {
        commits += 1;
    }
    assert_eq!(commits, 2, "of {}", MANY - 50);
    for name in &names {
        let (_, text) = world.own_copy(name).await;
        assert!(text.contains("STATUS:CANCELLED"), "{text}");
    }
}

/// Who said yes to a time at which the meeting is again, after it was elsewhere meanwhile, is asked again: the organizer's
/// object has no answer (RFC 6638 §3.2.8).
#[tokio::test]
async fn there_and_back_is_asked_again() {
    let (world, carol) = slow_world().await;
    let at = "alice/calendar/1.ics";
    let people = ["bob", "carol"];
    world.put(at, meeting(9, &people, "")).await.unwrap();
    world.deliver().await;
    world.accept(&carol, "carol").await;
    world.deliver().await;
    for hour in [11, 9] {
        world.clock.advance(60_000);
        world.put(at, meeting(hour, &people, "")).await.unwrap();
    }
    world.deliver().await;
    assert!(!world.line_of("carol").await.contains("ACCEPTED"));
    world
        .assert_agrees("carol", "RSVP=TRUE:mailto:carol", "STATUS=1.2")
        .await;
}

/// A clock that went wrong makes nobody wait for longer than they would.
#[tokio::test]
async fn a_clock_that_is_put_back_keeps_nobody_waiting() {
    const MONTH: i64 = 30 * 24 * 60 * 60_000;
    let (world, _) = slow_world().await;
    let at = "alice/calendar/1.ics";
    world.put(at, series("0", &["bob", "carol"])).await.unwrap();
    world.deliver().await;
    let (damaged, _) = world.own_copy("bob").await;
    let whole = world.damage(&damaged).await;
    let now = world.desk.now();
    world.clock.advance(MONTH);
    world.put(at, series("1", &["bob", "carol"])).await.unwrap();
    world.deliver().await;
    world.clock.set(now);
    let mut commits = 0;
    while world.desk.deliver_outstanding().await.unwrap() {
        commits += 1;
        assert!(commits < 5);
    }
    world.replace_content(&damaged, whole).await;
    world.clock.advance(6 * 60 * 60_000);
    world.deliver().await;
    world.assert_agrees("bob", "SUMMARY:1", "STATUS=1.2").await;
}

/// An answer that had to wait brings in whom it sends, and is shown, as one that did not.
#[tokio::test]
async fn an_answer_that_waited_does_all_that_it_does() {
    let (world, _) = slow_world().await;
    user(world.desk.store(), "dave").await;
    let at = "alice/calendar/1.ics";
    world
        .put(at, meeting(9, &["bob", "carol"], ""))
        .await
        .unwrap();
    world.deliver().await;
    let (bob, dave) = ("mailto:bob@example.com", "mailto:dave@example.com");
    let reply = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1\r\nSEQUENCE:0\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260302T090000Z\r\nORGANIZER:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"{dave}\":{bob}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let (principal, alice) = (&world.bob.principal, world.alice.principal.id);
    let to = vec![(alice, "mailto:alice@example.com")];
    let letter = (Method::Reply, bob, false, false, Bytes::from(reply), to);
    let row = (
        principal.id,
        principal.home.unwrap(),
        "1",
        vec![letter],
        0_u8,
    );
    let (store, now) = (world.desk.store(), world.desk.now());
    let mut batch = store.batch();
    batch.enqueue(
        &store.new_work_id(now),
        &Work::of(DELIVERY_QUEUE, &row, now),
    );
    store.commit(batch).await.unwrap();
    world.deliver().await;
    let organizers = world.text_at(at).await;
    assert!(organizers.contains("PARTSTAT=DELEGATED"), "{organizers}");
    let (_, text) = world.own_copy("dave").await;
    assert!(text.contains("DELEGATED-FROM"), "{text}");
    let (_, text) = world.own_copy("carol").await;
    assert!(text.contains("PARTSTAT=DELEGATED"), "{text}");
}

/// Who removes a meeting has declined it as they know it, whatever waits for them and says that they accepted it: what did not
/// change in time stays declined, and away where nothing else brings it back; an instance that is at another time, which they
/// have not heard, is asked for.
#[tokio::test]
async fn what_is_refused_while_a_change_waits_stays_refused() {
    let text = |octets: Bytes| String::from_utf8(octets.to_vec()).unwrap();
    let instance = |series: &str, day: &str, hour: &str| {
        let part = &series[series.find("BEGIN:VEVENT").unwrap()..];
        part.replace(
            "RRULE:FREQ=WEEKLY;COUNT=5",
            &format!("RECURRENCE-ID:2026{day}T090000Z"),
        )
        .replace("DTSTART:20260302T09", &format!("DTSTART:2026{day}T{hour}"))
    };
    let with_instance = |text: &str, of: &str, day: &str, hour: &str| {
        text.replace("END:VCALENDAR\r\n", &instance(of, day, hour))
    };
    let both = text(series("One", &["carol", "bob"]));
    let alone = text(series("One", &["carol"]));
    let alone = with_instance(&alone, &both, "0309", "09");
    let alone = with_instance(&alone, &both, "0316", "09");
    type Change<'a> = &'a dyn Fn(&str) -> String;
    let moves_one: Change<'_> = &|text| with_instance(text, text, "0309", "11");
    let moves_his: Change<'_> = &|text| text.replace("DTSTART:20260309T09", "DTSTART:20260309T11");
    let moves_nothing: Change<'_> = &|text| text.to_owned();
    let at = "alice/calendar/1.ics";
    for (meeting, change, comes_back) in [
        (&both, moves_one, 2),
        (&both, moves_nothing, 0),
        (&alone, moves_his, 2),
        (&alone, moves_nothing, 0),
    ] {
        for accepts in [false, true] {
            let (world, _) = slow_world().await;
            world.put(at, meeting.clone()).await.unwrap();
            world.deliver().await;
            if accepts {
                world.accept(&world.bob, "bob").await;
                world.deliver().await;
            }
            world.clock.advance(60_000);
            let named = world
                .text_at(at)
                .await
                .replace("SUMMARY:One", "SUMMARY:Two");
            world.put(at, change(&named)).await.unwrap();
            world.clock.advance(60_000);
            let (place, text) = world.own_copy("bob").await;
            assert!(text.contains("SUMMARY:One"), "{text}");
            let removal = Delete {
                path: path(&place),
                conditions: Conditions::default(),
                schedule_reply: true,
            };
            world.desk.delete(&world.bob, removal).await.unwrap();
            world.deliver().await;
            let copies = world.members("bob/calendar").await;
            assert_eq!(copies.len(), usize::from(comes_back > 0), "{accepts}");
            let mut texts = vec![world.text_at(at).await];
            for (_, copy) in &copies {
                let text = world.text(copy).await;
                assert_eq!(text.matches("BEGIN:VEVENT").count(), comes_back, "{text}");
                texts.push(text);
            }
            for text in texts {
                for part in text.split("BEGIN:VEVENT").skip(1) {
                    let line = part.lines().find(|line| line.ends_with("bob@example.com"));
                    let Some(line) = line else { continue };
                    let is_moved = part.contains("T110000Z");
                    let expected = if is_moved { "NEEDS-ACTION" } else { "DECLINED" };
                    let status = line.split(';').find_map(|it| it.strip_prefix("PARTSTAT="));
                    let status = status.map_or("NEEDS-ACTION", |it| it.split(':').next().unwrap());
                    assert_eq!(status, expected, "{accepts}: {text}");
                }
            }
        }
    }
}
