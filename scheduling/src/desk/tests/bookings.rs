//! Rooms and resources answer by themselves, and no two meetings get the same time.

mod keepers;
mod twice;

use storage::backend::CommitError;
use storage::model::{
    ASK_AGAIN_QUEUE, Booking, BookingRule, CollectionId, Delegate, InvitationRecipients, Member,
    PrincipalId,
};

use super::{
    trash::{ALL, keeping},
    yielding::Yielding,
    *,
};

/// 2026-01-01T00:00:00Z
pub(super) const START: i64 = 1_767_225_600_000;

/// A room that answers so.
pub(super) async fn room(world: &World, name: &str, change: impl FnOnce(&mut Principal)) -> Actor {
    let mut principal = Principal::new(PrincipalKind::Location, name);
    principal.addresses = vec![format!("mailto:{name}@example.com")];
    principal.booking = Booking::Automatic;
    change(&mut principal);
    let room = world.desk.store().add_account(principal, None).await;
    Actor::of(room.unwrap())
}

async fn house() -> World {
    let world = world().await;
    world.clock.set(Timestamp(START));
    world
}

/// A meeting with the room, and Bob.
pub(super) fn meeting(organizer: &str, uid: &str, start: &str, more: &str) -> Bytes {
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:x\r\n\
         ORGANIZER:mailto:{organizer}@example.com\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:{organizer}@example.com\r\n\
         ATTENDEE:mailto:bob@example.com\r\n\
         ATTENDEE;CUTYPE=ROOM:mailto:room1@example.com\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    ))
}

impl World {
    pub(super) async fn answer_all(&self) {
        while self.desk.answer_bookings().await.unwrap() {}
    }

    async fn put_for(&self, actor: &Actor, at: &str, octets: Bytes) -> Result<Written, Refusal> {
        let put = Put {
            path: path(at),
            content_type: None,
            octets,
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        self.desk.put(actor, put).await
    }

    /// What the room says in somebody's object: the PARTSTATs of its lines, in order.
    pub(super) async fn said(&self, at: &str) -> Vec<String> {
        let text = self.octets(at).await.unwrap();
        said_in(std::str::from_utf8(&text).unwrap())
    }

    /// The objects in a room's calendar.
    pub(super) async fn booked(&self, room: &Actor) -> Vec<String> {
        let mut found = Vec::new();
        let calendar: CollectionId = room.principal.default_calendar.unwrap();
        let (members, _) = self
            .desk
            .store()
            .members(calendar, None, 1_000)
            .await
            .unwrap();
        for listed in members {
            if let Member::Object(object) = listed.member.value {
                let octets = self.desk.octets(&object).await.unwrap();
                found.push(String::from_utf8(octets.to_vec()).unwrap());
            }
        }
        found
    }
}

fn said_in(text: &str) -> Vec<String> {
    let text = text.replace("\r\n ", "");
    let lines = text
        .lines()
        .filter(|it| it.starts_with("ATTENDEE") && it.contains("room1@"));
    let partstat = |line: &str| {
        let (_, rest) = line.split_once("PARTSTAT=")?;
        Some(rest[..rest.find([';', ':']).unwrap()].to_owned())
    };
    lines
        .map(|line| partstat(line).unwrap_or("NEEDS-ACTION".to_owned()))
        .collect()
}

#[tokio::test]
async fn a_free_room_accepts_and_a_taken_one_declines() {
    // C9
    let world = house().await;
    let room = room(&world, "room1", |_| {}).await;
    let (one, two) = ("alice/calendar/1.ics", "alice/calendar/2.ics");
    world
        .put(one, meeting("alice", "1", "20260201T090000Z", ""))
        .await
        .unwrap();
    assert_eq!(world.said(one).await, ["NEEDS-ACTION"]);
    world.answer_all().await;
    assert_eq!(world.said(one).await, ["ACCEPTED"]);
    world
        .put(two, meeting("alice", "2", "20260201T093000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(two).await, ["DECLINED"]);
    // everybody sees it
    let bobs = world.tree("bob/calendar").await;
    assert_eq!(bobs.len(), 2);
    for at in bobs {
        assert_ne!(world.said(&at).await, ["NEEDS-ACTION"], "{at}");
    }
    // the meeting is moved to where the room is free: it is asked anew
    world
        .put(two, meeting("alice", "2", "20260201T100000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(two).await, ["ACCEPTED"]);
    // nothing is answered twice
    assert!(!world.desk.answer_bookings().await.unwrap());
    // a room that is not needed any more is free
    world.delete(one).await.unwrap();
    assert_eq!(world.booked(&room).await.len(), 1);
    world
        .put(one, meeting("alice", "3", "20260201T090000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(one).await, ["ACCEPTED"]);
}

#[tokio::test]
async fn a_series_is_answered_instance_by_instance() {
    // C9
    let world = house().await;
    room(&world, "room1", |_| {}).await;
    let (one, all) = ("alice/calendar/1.ics", "alice/calendar/all.ics");
    world
        .put(one, meeting("alice", "1", "20260203T090000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    let weekly = meeting(
        "alice",
        "all",
        "20260127T090000Z",
        "RRULE:FREQ=WEEKLY;COUNT=5\r\n",
    );
    world.put(all, weekly).await.unwrap();
    world.answer_all().await;
    assert_eq!(world.said(all).await, ["ACCEPTED", "DECLINED"]);
    let text = world.octets(all).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains("RECURRENCE-ID:20260203T090000Z"), "{text}");
}

/// A room that cannot answer for days does so no more; whoever asks, and whoever looks after the room, learns why.
#[tokio::test]
async fn an_answer_that_is_given_up_is_told() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    world.clock.set(Timestamp(START));
    let room = room(&world, "room1", |_| {}).await;
    let asked = meeting("alice", "1", "20260301T090000Z", "");
    world.put("alice/calendar/1.ics", asked).await.unwrap();
    while let Some(due) = world.desk.store().next_due(BOOKING_QUEUE).await.unwrap() {
        world.clock.set(due.max(world.desk.now()));
        faulty.fail_commit(1, CommitError::Limit("a bound"));
        assert!(world.desk.answer_bookings().await.unwrap());
        faulty.heal();
    }
    let why = "it gives no answer by itself, which was tried often enough";
    let rooms = world.rooms_log(&room, "1").await;
    assert!(rooms.last().unwrap().contains(why), "{rooms:?}");
    let alices = world.rooms_log(&world.alice, "1").await;
    let last = alices.last().unwrap();
    assert!(last.contains(why) && last.contains("room1@"), "{alices:?}");
}

#[tokio::test]
async fn some_organizers_are_answered_otherwise() {
    // C9
    let world = house().await;
    let store = world.desk.store();
    let mut group = Principal::new(PrincipalKind::Group, "board");
    group.members = vec![world.bob.principal.id];
    let board: PrincipalId = store.add_account(group, None).await.unwrap().id;
    room(&world, "room1", |it| {
        it.booking = Booking::DeclineAlways;
        it.booking_for = vec![BookingRule {
            organizer: board,
            booking: Booking::AcceptAlways,
        }];
    })
    .await;
    let (alices, bobs) = ("alice/calendar/1.ics", "bob/calendar/2.ics");
    world
        .put(alices, meeting("alice", "1", "20260201T090000Z", ""))
        .await
        .unwrap();
    world
        .put_for(
            &world.bob,
            bobs,
            meeting("bob", "2", "20260201T090000Z", ""),
        )
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(alices).await, ["DECLINED"]);
    assert_eq!(world.said(bobs).await, ["ACCEPTED"]);
}

#[tokio::test]
async fn a_room_that_answers_nothing_and_a_meeting_that_is_gone() {
    let world = house().await;
    room(&world, "room1", |it| it.booking = Booking::None).await;
    let at = "alice/calendar/1.ics";
    world
        .put(at, meeting("alice", "1", "20260201T090000Z", ""))
        .await
        .unwrap();
    assert!(
        !world.desk.answer_bookings().await.unwrap(),
        "no row is left"
    );
    let world = house().await;
    room(&world, "room1", |_| {}).await;
    world
        .put(at, meeting("alice", "1", "20260201T090000Z", ""))
        .await
        .unwrap();
    world.delete(at).await.unwrap();
    world.answer_all().await;
}
