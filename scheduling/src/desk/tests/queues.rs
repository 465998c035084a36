//! Background work that cannot be done: what waits behind it is done all the same.

use storage::model::{ASK_AGAIN_QUEUE, Booking, Content, ENABLED_QUEUE, MEMBERSHIP_QUEUE, Work};

use crate::mail::{DeliveryOutcome, HELD_MAILING_QUEUE, MAILING_QUEUE};

use super::{
    meetings::{answer, line, meeting},
    *,
};

/// More people than a reply is shown to at once.
const FEW: usize = 14;
/// More people than one commit holds.
const CROWD: usize = 60;
/// 2026-01-01T00:00:00Z
const BEGIN: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60 * 1000;
const HALF_A_YEAR: i64 = 180 * 24 * 60 * MINUTE;

async fn begun() -> World {
    let world = world().await;
    world.clock.set(Timestamp(BEGIN));
    world
}

async fn people(world: &World, number: usize) -> Vec<Actor> {
    let mut people = Vec::new();
    for number in 0..number {
        people.push(user(world.desk.store(), &format!("u{number:02}")).await);
    }
    people
}

/// A meeting of Alice with Bob and so many others.
fn with(uid: &str, summary: &str, others: usize) -> String {
    let attendee = |number| format!("ATTENDEE:mailto:u{number:02}@example.com\r\n");
    let attendees: String = (0..others).map(attendee).collect();
    let text = meeting(uid, summary, "20260201T090000Z");
    text.replace("END:VEVENT", &format!("{attendees}END:VEVENT"))
}

fn at(uid: &str) -> String {
    format!("alice/calendar/{uid}.ics")
}

/// `room/…` is a room's.
fn place(at: &str) -> ResourcePath {
    let place = path(at);
    ResourcePath {
        owner_kind: match &*place.owner_name {
            "room" => PrincipalKind::Location,
            _ => PrincipalKind::User,
        },
        ..place
    }
}

impl World {
    /// Puts octets that cannot be read in the place of those of an object; what stood there.
    pub(super) async fn damage(&self, at: &str) -> Content {
        let torn = Content::Inline(Bytes::from_static(b"BEGIN:VCALENDAR\r\nEND:"));
        self.replace_content(at, torn).await
    }

    pub(super) async fn replace_content(&self, at: &str, content: Content) -> Content {
        let store = self.desk.store();
        let place = place(at);
        let resolution = store.resolve(&place).await.unwrap().unwrap();
        let Found::Object(before) = &resolution.found else {
            panic!("{at} is no object")
        };
        let parent = resolution.collection();
        let after = Object {
            content,
            ..before.value.clone()
        };
        let mut batch = store.batch();
        batch.put_object(parent, place.name().unwrap(), Some(before), &after);
        store.commit(batch).await.unwrap();
        before.content.clone()
    }

    /// The path of somebody's copy of a meeting.
    async fn copy_of(&self, who: &str, uid: &str) -> String {
        let store = self.desk.store();
        let calendar = place(&format!("{who}/calendar"));
        let calendar = store.resolve(&calendar).await.unwrap().unwrap();
        let places = store.find_uid_in(calendar.collection(), uid).await.unwrap();
        format!("{who}/calendar/{}", places[0].name)
    }

    pub(super) async fn waiting(&self, queue: &str) -> Vec<Work> {
        let rows = self.desk.store().list_work(queue, None, 1_000).await;
        rows.unwrap()
            .into_iter()
            .map(|(_, row)| row.value)
            .collect()
    }

    async fn reply(&self, uid: &str) {
        let at = self.copy_of("bob", uid).await;
        let text = answer(&self.text_at(&at).await, "ACCEPTED");
        self.put_as(&self.bob, &at, text).await.unwrap();
    }

    fn some_time(&self) {
        self.clock.advance(MINUTE);
    }
}

fn has_accepted(text: &str, who: &str) -> bool {
    line(text, "ATTENDEE", &format!("{who}@example.com")).contains("PARTSTAT=ACCEPTED")
}

#[tokio::test]
async fn one_damaged_meeting_stops_no_others_answers() {
    let world = begun().await;
    people(&world, FEW).await;
    for uid in ["a", "b"] {
        world.put(&at(uid), with(uid, "x", FEW)).await.unwrap();
        world.some_time();
        world.reply(uid).await;
    }
    let whole = world.damage(&at("a")).await;
    while world.desk.refresh_outstanding().await.unwrap() {}
    let seen = async |uid| {
        let copy = world.copy_of("u03", uid).await;
        has_accepted(&world.text_at(&copy).await, "bob")
    };
    assert!(seen("b").await);
    let waiting = world.waiting(REFRESH_QUEUE).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].attempts, 1);
    assert!(waiting[0].last_error.as_ref().unwrap().contains("damaged"));

    // it waits longer and longer, and is never given up
    world.some_time();
    assert!(world.desk.refresh_outstanding().await.unwrap());
    world.some_time();
    assert!(
        !world.desk.refresh_outstanding().await.unwrap(),
        "it waits for two minutes"
    );
    for _ in 0..40 {
        world.clock.advance(6 * 60 * MINUTE);
        assert!(world.desk.refresh_outstanding().await.unwrap());
        assert!(!world.desk.refresh_outstanding().await.unwrap());
    }
    world.replace_content(&at("a"), whole).await;
    world.clock.advance(6 * 60 * MINUTE);
    while world.desk.refresh_outstanding().await.unwrap() {}
    assert!(seen("a").await);
    assert!(world.waiting(REFRESH_QUEUE).await.is_empty());
}

/// One attendee's damaged copy stops nobody else from seeing an answer.
#[tokio::test]
async fn one_damaged_copy_hides_no_answers_from_others() {
    let world = begun().await;
    people(&world, FEW).await;
    world.put(&at("a"), with("a", "x", FEW)).await.unwrap();
    world.reply("a").await;
    let damaged = world.copy_of("u03", "a").await;
    world.damage(&damaged).await;
    while world.desk.refresh_outstanding().await.unwrap() {}
    world.some_time();
    while world.desk.refresh_outstanding().await.unwrap() {}
    for number in (0..FEW).filter(|number| *number != 3) {
        let copy = world.copy_of(&format!("u{number:02}"), "a").await;
        assert!(has_accepted(&world.text_at(&copy).await, "bob"), "{copy}");
    }
    assert!(world.waiting(REFRESH_QUEUE).await.is_empty());
}

/// Nor does it in a small meeting, where all see an answer at once, keep anybody from answering, by a client or by mail:
/// what it would show waits.
#[tokio::test]
async fn one_damaged_copy_keeps_nobody_from_answering() {
    for by_mail in [false, true] {
        let world = begun().await;
        people(&world, 2).await;
        world.put(&at("a"), with("a", "x", 2)).await.unwrap();
        let damaged = world.copy_of("u00", "a").await;
        let whole = world.damage(&damaged).await;
        let who = match by_mail {
            true => {
                let reply = incoming::reply_of_xenia("a");
                let received = world.desk.receive_message(&reply).await;
                received.unwrap();
                "xenia"
            }
            false => {
                world.reply("a").await;
                "bob"
            }
        };
        let text = world.text_at(&at("a")).await;
        assert!(text.lines().any(|line| {
            line.contains("PARTSTAT=ACCEPTED") && line.to_lowercase().contains(who)
        }));
        let seen = async |name: &str| {
            let text = world.text_at(&world.copy_of(name, "a").await).await;
            let mut lines = text.lines().map(str::to_lowercase);
            lines.any(|line| line.contains("partstat=accepted") && line.contains(who))
        };
        assert!(seen("u01").await, "{who}");
        assert_eq!(world.waiting(LETTERS_QUEUE).await.len(), 1);
        world.replace_content(&damaged, whole).await;
        while world.desk.deliver_outstanding().await.unwrap() {}
        assert!(seen("u00").await, "{who}");
        assert!(world.waiting(LETTERS_QUEUE).await.is_empty());
    }
}

#[tokio::test]
async fn one_damaged_copy_stops_no_deliveries() {
    let world = begun().await;
    people(&world, CROWD).await;
    for uid in ["a", "b"] {
        world
            .put(&at(uid), with(uid, "first", CROWD))
            .await
            .unwrap();
    }
    while world.desk.deliver_outstanding().await.unwrap() {}
    for uid in ["a", "b"] {
        let moved = with(uid, "second", CROWD);
        world.put(&at(uid), moved).await.unwrap();
    }
    let has_heard = async |who: &str, uid| {
        let copy = world.copy_of(who, uid).await;
        world.text_at(&copy).await.contains("SUMMARY:second")
    };
    let mut late = Vec::new();
    for number in 0..CROWD {
        let who = format!("u{number:02}");
        if !has_heard(&who, "a").await {
            late.push(who);
        }
    }
    assert!(late.len() > 5, "they are left to the queue: {late:?}");
    let damaged = world.copy_of(&late[2], "a").await;
    let whole = world.damage(&damaged).await;
    while world.desk.deliver_outstanding().await.unwrap() {}
    for who in &late {
        assert!(has_heard(who, "b").await, "{who}");
    }
    world.some_time();
    while world.desk.deliver_outstanding().await.unwrap() {}
    for who in late.iter().filter(|who| **who != late[2]) {
        assert!(has_heard(who, "a").await, "{who}");
    }
    let pending = async |uid| {
        let text = world.text_at(&at(uid)).await;
        let is_pending =
            |line: &&str| line.contains("SCHEDULE-STATUS=1.0") && !line.contains("xenia");
        text.lines().filter(is_pending).count()
    };
    assert_eq!((pending("a").await, pending("b").await), (1, 0));
    let waiting = world.waiting(DELIVERY_QUEUE).await;
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].attempts >= 2);

    world.replace_content(&damaged, whole).await;
    world.clock.advance(6 * 60 * MINUTE);
    while world.desk.deliver_outstanding().await.unwrap() {}
    assert!(has_heard(&late[2], "a").await);
    assert_eq!(pending("a").await, 0);
    assert!(world.waiting(DELIVERY_QUEUE).await.is_empty());
}

/// What is damaged with one of those who are invited keeps the organizer from nothing, and nobody else from hearing of it.
#[tokio::test]
async fn one_damaged_copy_keeps_no_organizer_from_changing_a_meeting() {
    let world = begun().await;
    let people = people(&world, 2).await;
    world.put(&at("a"), with("a", "First", 2)).await.unwrap();
    let damaged = world.copy_of("u00", "a").await;
    let whole = world.damage(&damaged).await;
    world.some_time();
    world.put(&at("a"), with("a", "Second", 2)).await.unwrap();
    let summary = async |name: &str| {
        let text = world.text_at(&world.copy_of(name, "a").await).await;
        text.contains("SUMMARY:Second")
    };
    assert!(summary("u01").await);
    let text = world.text_at(&at("a")).await;
    assert!(line(&text, "ATTENDEE", "u00@example.com").contains("SCHEDULE-STATUS=1.0"));
    while world.desk.deliver_outstanding().await.unwrap() {}
    assert_eq!(world.waiting(DELIVERY_QUEUE).await.len(), 1);
    world.replace_content(&damaged, whole).await;
    world.clock.advance(6 * 60 * MINUTE);
    while world.desk.deliver_outstanding().await.unwrap() {}
    assert!(summary("u00").await);
    let text = world.text_at(&at("a")).await;
    assert!(line(&text, "ATTENDEE", "u00@example.com").contains("SCHEDULE-STATUS=1.2"));
    drop(people);
}

#[tokio::test]
async fn one_damaged_meeting_stops_no_rooms_answers() {
    let world = begun().await;
    let mut room = Principal::new(PrincipalKind::Location, "room");
    room.addresses = vec!["mailto:room@example.com".to_owned()];
    room.booking = Booking::Automatic;
    world.desk.store().add_account(room, None).await.unwrap();
    for (uid, start) in [("a", "20260105T090000Z"), ("b", "20260106T090000Z")] {
        let text = meeting(uid, "x", start).replace("Bob@", "room@");
        world.put(&at(uid), text).await.unwrap();
        world.some_time();
    }
    let damaged = world.copy_of("room", "a").await;
    let whole = world.damage(&damaged).await;
    while world.desk.answer_bookings().await.unwrap() {}
    let answered = async |uid| {
        let text = world.text_at(&at(uid)).await;
        has_accepted(&text, "room")
    };
    assert_eq!((answered("a").await, answered("b").await), (false, true));
    world.replace_content(&damaged, whole).await;
    world.some_time();
    while world.desk.answer_bookings().await.unwrap() {}
    assert!(answered("a").await);
}

#[tokio::test]
async fn one_damaged_meeting_stops_no_group() {
    let world = begun().await;
    let carol = user(world.desk.store(), "carol").await;
    let mut team = Principal::new(PrincipalKind::Group, "team");
    team.addresses = vec!["mailto:team@example.com".to_owned()];
    let team = world.desk.store().add_account(team, None).await.unwrap().id;
    for uid in ["a", "b", "c"] {
        let text = meeting(uid, "x", "20260201T090000Z").replace("Bob@", "team@");
        world.put(&at(uid), text).await.unwrap();
    }
    let whole = world.damage(&at("b")).await;
    let store = world.desk.store();
    let join = |team: &mut Principal| team.members = vec![carol.principal.id];
    store.change_principal(team, join).await.unwrap();
    world.some_time();
    while world.desk.follow_memberships().await.unwrap() {}
    world.some_time();
    while world.desk.follow_memberships().await.unwrap() {}
    let copies = world.members("carol/calendar").await.len();
    assert_eq!(copies, 2, "a and c");
    assert!(world.waiting(MEMBERSHIP_QUEUE).await.is_empty());
    world.replace_content(&at("b"), whole).await;
}

#[tokio::test]
async fn one_damaged_copy_leaves_no_other_answered_invitations() {
    let world = begun().await;
    for uid in ["a", "b"] {
        world.put(&at(uid), with(uid, "x", 0)).await.unwrap();
        world.reply(uid).await;
        world.some_time();
    }
    assert_eq!(world.members("bob/inbox").await.len(), 2);
    let damaged = world.copy_of("bob", "a").await;
    let whole = world.damage(&damaged).await;
    while world.desk.clear_answered().await.unwrap() {}
    let left = world.members("bob/inbox").await;
    assert_eq!(left.len(), 1);
    // what comes meanwhile is no invitation that was answered
    world.replace_content(&damaged, whole).await;
    let changed = world
        .text_at(&at("a"))
        .await
        .replace("SUMMARY:x", "SUMMARY:y");
    world.put(&at("a"), changed).await.unwrap();
    assert_eq!(world.members("bob/inbox").await.len(), 2);
    world.some_time();
    while world.desk.clear_answered().await.unwrap() {}
    let after = world.members("bob/inbox").await;
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].0, left[0].0);
}

/// A row whose payload is nothing that its worker knows stays, and whoever looks after the server hears of it.
#[tokio::test]
async fn rows_that_cannot_be_read_are_kept() {
    let world = begun().await;
    let queues = [
        DELIVERY_QUEUE,
        MAILING_QUEUE,
        HELD_MAILING_QUEUE,
        MAIL_STATUS_QUEUE,
        REFRESH_QUEUE,
        BOOKING_QUEUE,
        ANSWERED_QUEUE,
        HELD_ANSWER_QUEUE,
        MEMBERSHIP_QUEUE,
        ENABLED_QUEUE,
        ASK_AGAIN_QUEUE,
    ];
    for queue in queues {
        let store = world.desk.store();
        let (id, now) = (store.new_work_id(world.desk.now()), world.desk.now());
        let mut batch = store.batch();
        batch.enqueue(&id, &Work::new(queue, &b"\xff\xff"[..], now));
        store.commit(batch).await.unwrap();
        world.some_time();
        let worked = match queue {
            DELIVERY_QUEUE => world.desk.deliver_outstanding().await,
            MAILING_QUEUE | HELD_MAILING_QUEUE => world.desk.post_outstanding(queue).await,
            MAIL_STATUS_QUEUE => world.desk.write_mail_statuses().await,
            REFRESH_QUEUE => world.desk.refresh_outstanding().await,
            BOOKING_QUEUE => world.desk.answer_bookings().await,
            ANSWERED_QUEUE => world.desk.clear_answered().await,
            HELD_ANSWER_QUEUE => world.desk.take_held_answers().await,
            MEMBERSHIP_QUEUE => world.desk.follow_memberships().await,
            ASK_AGAIN_QUEUE => world.desk.ask_rooms_again().await,
            _ => world.desk.catch_up_enabled().await,
        };
        assert!(worked.unwrap(), "{queue}");
        let waiting = world.waiting(queue).await;
        assert_eq!(waiting.len(), 1, "{queue}");
        assert_eq!(waiting[0].attempts, 1, "{queue}");
        let error = waiting[0].last_error.as_ref().unwrap();
        assert!(error.contains("cannot be read"), "{queue}: {error}");
    }
}

/// What is refused, and not damaged, is given up after some days.
#[tokio::test]
async fn what_is_refused_again_and_again_is_given_up() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    world.clock.set(Timestamp(BEGIN));
    people(&world, CROWD).await;
    world.put(&at("a"), with("a", "x", CROWD)).await.unwrap();
    let began = world.desk.now();
    while !world.waiting(DELIVERY_QUEUE).await.is_empty() {
        faulty.fail_commit(1, CommitError::Limit("a bound"));
        assert!(world.desk.deliver_outstanding().await.unwrap());
        faulty.heal();
        let due = world.desk.store().next_due(DELIVERY_QUEUE).await.unwrap();
        if let Some(due) = due {
            world.clock.set(due);
        }
        assert!(world.desk.now().0 < BEGIN + HALF_A_YEAR);
    }
    let days = (world.desk.now().0 - began.0) / (24 * 60 * MINUTE);
    assert!((2..6).contains(&days), "{days}");
}

/// Who is gone cannot be told how it fared; the others hear all the same that the meeting is off.
#[tokio::test]
async fn a_meeting_is_off_for_all_though_its_organizer_is_gone() {
    let world = begun().await;
    people(&world, CROWD).await;
    world.put(&at("a"), with("a", "x", CROWD)).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    world.delete(&at("a")).await.unwrap();
    let alice = &world.alice.principal;
    world.desk.remove_account(alice, true).await.unwrap();
    assert!(!world.waiting(DELIVERY_QUEUE).await.is_empty());
    while world.desk.deliver_outstanding().await.unwrap() {}
    for number in 0..CROWD {
        let copy = world.copy_of(&format!("u{number:02}"), "a").await;
        assert!(
            world.text_at(&copy).await.contains("STATUS:CANCELLED"),
            "{copy}"
        );
    }
}

/// RFC 6638 §3.2.9: however many mails leave within a few seconds, the object has one entity tag by that, and its log one
/// entry; nothing that was noted is lost where it cannot be written.
#[tokio::test]
async fn statuses_of_many_mails_are_written_together() {
    const ELSEWHERE: usize = 20;
    let (world, faulty) = faulty_world(Settings::default()).await;
    world.clock.set(Timestamp(BEGIN));
    let attendee = |number| format!("ATTENDEE:mailto:x{number:02}@elsewhere.test\r\n");
    let attendees: String = (0..ELSEWHERE).map(attendee).collect();
    let text = with("a", "x", 0).replace("END:VEVENT", &format!("{attendees}END:VEVENT"));
    world.put(&at("a"), text).await.unwrap();
    let before = world.object(&at("a")).await.unwrap();
    let entries = async || {
        let at = path(&at("a"));
        world.desk.scheduling_log(&world.alice, &at).await.unwrap()
    };
    let logged = entries().await.len();
    let mails = world.due_mails().await;
    assert_eq!(mails.len(), ELSEWHERE + 1);
    for (id, work, _) in &mails {
        let outcome = DeliveryOutcome::Accepted;
        let recorded = world.desk.record_delivery(id, work, outcome, None);
        recorded.await.unwrap();
    }
    assert_eq!(world.object(&at("a")).await.unwrap().etag, before.etag);
    assert!(world.waiting(mail::QUEUE).await.is_empty());

    world.clock.advance(5_000);
    faulty.fail_commit(1, CommitError::Full);
    assert_eq!(world.desk.write_mail_statuses().await, Err(Refusal::Full));
    let commits = faulty.commits();
    world.write_mail_statuses().await;
    assert_eq!(faulty.commits() - commits, 1);
    let after = world.object(&at("a")).await.unwrap();
    assert_ne!(after.etag, before.etag);
    let tag = |object: &Object| object.calendar.as_ref().unwrap().schedule_tag.clone();
    assert_eq!(tag(&after), tag(&before));
    let text = world.text(&after).await;
    assert_eq!(text.matches("SCHEDULE-STATUS=1.1").count(), ELSEWHERE + 1);
    let entries = entries().await;
    assert_eq!(entries.len(), logged + 1);
    // what holds for all is said once
    let [line] = &entries[logged].lines[..] else {
        panic!("{:?}", entries[logged])
    };
    assert_eq!(line.parties.len(), ELSEWHERE + 1);
}

/// What is noted of a mail says nothing of one that is decided before it is written down.
#[tokio::test]
async fn a_status_that_waits_says_nothing_of_a_newer_mail() {
    let world = begun().await;
    world.put(&at("a"), with("a", "first", 0)).await.unwrap();
    world.clock.advance(10_000);
    let (id, work, _) = &world.due_mails().await[0];
    let outcome = DeliveryOutcome::Accepted;
    let recorded = world.desk.record_delivery(id, work, outcome, None);
    recorded.await.unwrap();
    world.put(&at("a"), with("a", "second", 0)).await.unwrap();
    world.write_mail_statuses().await;
    let text = world.text_at(&at("a")).await;
    let xenia = line(&text, "ATTENDEE", "xenia@elsewhere.test");
    assert!(xenia.contains("SCHEDULE-STATUS=1.0"), "{xenia}");
}
