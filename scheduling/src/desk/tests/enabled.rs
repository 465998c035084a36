//! Accounts that are enabled again, and what they missed.

use storage::{
    backend::CommitError,
    model::{Booking, ENABLED_QUEUE, PrincipalId},
    testing::Faulty,
};

use super::{
    meetings::{AT, START, answer, line, meeting},
    *,
};
use crate::log::Occasion;

const OTHER: &str = "alice/calendar/other.ics";
const LATER: &str = "20260201T110000Z";
const BOB: &str = "bob@example.com";

/// 2026-01-15T00:00:00Z
const NOW: i64 = 1_768_435_200_000;

async fn world_and_faults() -> (World, Arc<Faulty>) {
    let mut faulty = None;
    let world = world_with(Settings::default(), |memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    world.clock.set(Timestamp(NOW));
    (world, faulty.unwrap())
}

impl World {
    async fn set_disabled(&self, who: PrincipalId, disabled: bool) {
        let store = self.desk.store();
        let changed = store.change_principal(who, |it| it.disabled = disabled);
        changed.await.unwrap();
    }

    async fn set_bob_disabled(&self, disabled: bool) {
        self.set_disabled(self.bob.principal.id, disabled).await;
    }

    async fn catch_up(&self) {
        while self.desk.catch_up_enabled().await.unwrap() {}
        let waiting = self.desk.store().list_work(ENABLED_QUEUE, None, 10).await;
        assert!(waiting.unwrap().is_empty());
        assert_eq!(self.desk.store().check().await.unwrap(), []);
    }

    /// What stands in a calendar or an inbox, unfolded, in some order that stays.
    async fn texts(&self, at: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (_, object) in self.members(at).await {
            texts.push(self.text(&object).await);
        }
        texts.sort();
        texts
    }

    /// How what Alice sent to Bob fared.
    async fn assert_fared(&self, at: &str, status: &str) {
        let text = self.text_at(at).await;
        let line = line(&text, "ATTENDEE", BOB);
        let expected = format!("SCHEDULE-STATUS={status}");
        assert!(line.contains(&expected), "{line}");
    }
}

/// Bob is invited, disabled, and misses a new time and a new meeting.
async fn missing_two(world: &World) {
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let accepted = answer(&text, "ACCEPTED");
    let put = world.put_as(&world.bob, &at, accepted);
    put.await.unwrap();
    world.set_bob_disabled(true).await;
    world.put(AT, meeting("m", "Plan", LATER)).await.unwrap();
    let other = meeting("other", "Other", LATER);
    world.put(OTHER, other).await.unwrap();
    for at in [AT, OTHER] {
        world.assert_fared(at, "5.3").await;
    }
    let (_, _, text) = world.bobs().await;
    assert!(text.contains(START), "{text}");
    assert!(line(&text, "ATTENDEE", BOB).contains("ACCEPTED"), "{text}");
}

async fn assert_up_to_date(world: &World) {
    let texts = world.texts("bob/calendar").await;
    assert_eq!(texts.len(), 2, "{texts:?}");
    for text in &texts {
        assert!(text.contains(LATER), "{text}");
        assert!(!line(text, "ATTENDEE", BOB).contains("ACCEPTED"), "{text}");
    }
    let inbox = world.texts("bob/inbox").await;
    let new = inbox.iter().filter(|text| text.contains(LATER));
    assert_eq!(new.count(), 2, "each once: {inbox:?}");
    for at in [AT, OTHER] {
        world.assert_fared(at, "1.2").await;
    }
}

/// RFC 6638 §3.2.9: what the status says was not delivered is.
#[tokio::test]
async fn who_is_enabled_again_gets_what_was_missed() {
    let (world, _) = world_and_faults().await;
    missing_two(&world).await;
    let tag = world.object(AT).await.unwrap().calendar.unwrap();
    world.set_bob_disabled(false).await;
    world.catch_up().await;
    assert_up_to_date(&world).await;
    let after = world.object(AT).await.unwrap().calendar.unwrap();
    assert_eq!(after.schedule_tag, tag.schedule_tag, "RFC 6638 §3.2.10");
    let home = world.alice.principal.home.unwrap();
    let log = world.desk.scheduling_log_of(home, "m").await.unwrap();
    let last = log.last().unwrap();
    assert_eq!(last.occasion, Occasion::Fared);
    assert_eq!(
        last.lines[0].to_string(),
        "REQUEST to Bob@example.com (SEQUENCE 1): this had not arrived (RFC 6638 §3.2.9), and the account is enabled again; 1.2 delivered"
    );
    // once more is nothing, and neither is an account that was never disabled
    let revision = world.desk.store().revision();
    world.set_bob_disabled(false).await;
    world.catch_up().await;
    assert_eq!(world.desk.store().revision(), revision);
    world.set_bob_disabled(true).await;
    world.set_bob_disabled(false).await;
    world.catch_up().await;
    assert_up_to_date(&world).await;
}

/// What is over, off, or not theirs any more is nobody's news; who is disabled again waits.
#[tokio::test]
async fn what_does_not_matter_any_more_is_not_told() {
    let (world, _) = world_and_faults().await;
    missing_two(&world).await;
    world.delete(AT).await.unwrap();
    let alone = meeting("other", "Other", LATER);
    let alone = alone.replace("mailto:Bob@example.com", "mailto:carl@elsewhere.test");
    world.put(OTHER, alone).await.unwrap();
    let past = meeting("past", "Past", "20260110T090000Z");
    world.put("alice/calendar/past.ics", past).await.unwrap();
    let messages = world.texts("bob/inbox").await;
    let copies = world.texts("bob/calendar").await;
    world.set_bob_disabled(false).await;
    world.catch_up().await;
    assert_eq!(world.texts("bob/inbox").await, messages);
    assert_eq!(world.texts("bob/calendar").await, copies);

    world.set_bob_disabled(true).await;
    world.put(AT, meeting("m", "Plan", LATER)).await.unwrap();
    world.set_bob_disabled(false).await;
    world.set_bob_disabled(true).await;
    world.catch_up().await;
    assert_eq!(world.texts("bob/calendar").await, copies);
}

/// A series that is off, or off for them, is so for whoever is disabled, too, whatever they missed of it before.
#[tokio::test]
async fn a_series_that_is_off_is_off_for_all() {
    for takes_bob_out in [false, true] {
        let (world, _) = world_and_faults().await;
        let series = |summary: &str| {
            let text = meeting("m", summary, LATER);
            text.replace("SUMMARY", "RRULE:FREQ=WEEKLY\r\nSUMMARY")
        };
        world.put(AT, series("Plan")).await.unwrap();
        world.set_bob_disabled(true).await;
        world.put(AT, series("Another plan")).await.unwrap();
        match takes_bob_out {
            true => {
                let text = series("Another plan").replace("Bob@", "carl@");
                world.put(AT, text).await.unwrap();
            }
            false => drop(world.delete(AT).await.unwrap()),
        }
        world.set_bob_disabled(false).await;
        world.catch_up().await;
        let copies = world.texts("bob/calendar").await;
        assert_eq!(copies.len(), 1);
        assert!(copies[0].contains("STATUS:CANCELLED"), "{}", copies[0]);
    }
}

/// Wherever it is broken off, it goes on, and nobody hears twice.
#[tokio::test]
async fn catching_up_may_be_broken_off() {
    for nth in 1..=3 {
        let (world, faulty) = world_and_faults().await;
        missing_two(&world).await;
        world.set_bob_disabled(false).await;
        faulty.fail_commit(nth, CommitError::Unavailable("broken".into()));
        let mut broken = Ok(true);
        while broken == Ok(true) {
            broken = world.desk.catch_up_enabled().await;
        }
        assert_eq!(broken, Err(Refusal::Unavailable("broken".into())), "{nth}");
        world.catch_up().await;
        assert_up_to_date(&world).await;
    }
}

/// A copy that cannot be read keeps nobody from hearing of what stands behind it; what is about it waits until it can be.
#[tokio::test]
async fn what_cannot_be_told_waits() {
    let (world, _) = world_and_faults().await;
    missing_two(&world).await;
    let (at, _, _) = world.bobs().await;
    let whole = world.damage(&at).await;
    world.set_bob_disabled(false).await;
    while world.desk.catch_up_enabled().await.unwrap() {}
    let waiting = world.desk.store().list_work(ENABLED_QUEUE, None, 10).await;
    assert_eq!(waiting.unwrap(), []);
    while world.desk.deliver_outstanding().await.unwrap() {}
    world.assert_fared(OTHER, "1.2").await;
    world.assert_fared(AT, "1.0").await;
    world.replace_content(&at, whole).await;
    world.clock.advance(60_000);
    while world.desk.deliver_outstanding().await.unwrap() {}
    assert_up_to_date(&world).await;
}

/// Of several meetings, for several people: what is refused again is passed over, one meeting after the other.
#[tokio::test]
async fn what_is_refused_again_is_passed_over() {
    let (world, faulty) = world_and_faults().await;
    let carol = user(world.desk.store(), "carol").await;
    let place = |uid: &str| format!("alice/calendar/{uid}.ics");
    let plan = |uid: &str, start: &str| {
        let more = "ATTENDEE:mailto:carol@example.com\r\nEND:VEVENT";
        meeting(uid, "Plan", start).replace("END:VEVENT", more)
    };
    let people = [world.bob.principal.id, carol.principal.id];
    for (start, disabled) in [(START, true), (LATER, false)] {
        for uid in ["a", "b", "c"] {
            world.put(&place(uid), plan(uid, start)).await.unwrap();
        }
        for id in people.into_iter().filter(|_| disabled) {
            world.set_disabled(id, true).await;
        }
    }
    for id in people {
        world.set_disabled(id, false).await;
        // the first two, each of them twice
        for _ in 0..4 {
            faulty.fail_commit(1, CommitError::Limit("a bound"));
            assert!(world.desk.catch_up_enabled().await.unwrap());
            faulty.heal();
            world.clock.advance(60_000);
        }
        world.catch_up().await;
    }
    for (uid, status) in [("a", "5.3"), ("b", "5.3"), ("c", "1.2")] {
        let text = world.text_at(&place(uid)).await;
        for address in [BOB, "carol@example.com"] {
            let line = line(&text, "ATTENDEE", address);
            let expected = format!("SCHEDULE-STATUS={status}");
            assert!(line.contains(&expected), "{uid} {line}");
        }
    }
}

/// A room that can be booked again answers.
#[tokio::test]
async fn a_room_that_is_enabled_again_answers() {
    let (world, _) = world_and_faults().await;
    let mut room = Principal::new(PrincipalKind::Location, "room1");
    room.addresses = vec!["mailto:room1@example.com".to_owned()];
    room.booking = Booking::Automatic;
    room.disabled = true;
    let room = world.desk.store().add_account(room, None).await.unwrap();
    let asked = meeting("m", "Plan", START).replace("Bob@", "room1@");
    world.put(AT, asked).await.unwrap();
    world.set_disabled(room.id, false).await;
    world.catch_up().await;
    while world.desk.answer_bookings().await.unwrap() {}
    let text = world.text_at(AT).await;
    let answered = line(&text, "ATTENDEE", "room1@example.com");
    assert!(answered.contains("PARTSTAT=ACCEPTED"), "{text}");
}
