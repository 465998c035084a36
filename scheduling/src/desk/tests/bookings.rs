//! Rooms and resources answer by themselves, and no two meetings get the same time.

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

pub(super) const RULES: CalendarRules = CalendarRules {
    counts: |_| true,
    floating: |_| None,
    availability: |_| None,
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
        while self.desk.answer_bookings(&RULES).await.unwrap() {}
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
    assert!(!world.desk.answer_bookings(&RULES).await.unwrap());
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

/// A room for which Bob answers what it does not answer by itself.
async fn kept_room(world: &World, booking: Booking) -> Actor {
    let room = room(world, "room1", |it| it.booking = booking).await;
    let keeper = world.bob.principal.id;
    let store = world.desk.store();
    let changed = store.change_principal(room.principal.id, |it| {
        it.delegates = vec![Delegate::deputy(keeper)];
        it.delegates[0].may_answer = true;
        it.invitations_to = InvitationRecipients::Both;
    });
    changed.await.unwrap();
    room
}

impl World {
    /// What a room's log says of a meeting.
    async fn rooms_log(&self, room: &Actor, uid: &str) -> Vec<String> {
        let home = room.principal.home.unwrap();
        let log = self.desk.scheduling_log_of(home, uid).await.unwrap();
        let lines = log.iter().flat_map(|entry| &entry.lines);
        lines.map(ToString::to_string).collect()
    }

    /// Bob answers for a room what it was asked by a meeting with this UID.
    async fn decide(&self, room: &Actor, uid: &str, answer: &str) -> Result<Written, Refusal> {
        let store = self.desk.store();
        let calendar = room.principal.default_calendar.unwrap();
        let (members, _) = store.members(calendar, None, 10).await.unwrap();
        for listed in members {
            let Member::Object(object) = listed.member.value else {
                panic!("a collection in a calendar")
            };
            let text = self.text(&object).await;
            if !text.contains(&format!("UID:{uid}\r\n")) {
                continue;
            }
            let open = "ATTENDEE;CUTYPE=ROOM;RSVP=TRUE:";
            let decided = format!("ATTENDEE;CUTYPE=ROOM;PARTSTAT={answer}:");
            assert!(text.contains(open), "{text}");
            let put = Put {
                path: ResourcePath {
                    owner_kind: PrincipalKind::Location,
                    owner_name: room.principal.name.clone(),
                    segments: vec!["calendar".to_owned(), listed.name],
                },
                content_type: None,
                octets: text.replace(open, &decided).into(),
                conditions: Conditions::default(),
                schedule_reply: true,
            };
            return self.desk.put(&self.bob, put).await;
        }
        panic!("the room was not asked for {uid}")
    }
}

/// C9: nobody gives a room to two meetings at a time, also who answers for it; unless it takes whatever comes.
#[tokio::test]
async fn a_keeper_does_not_book_a_room_twice() {
    let weekly = "RRULE:FREQ=WEEKLY;COUNT=3\r\n";
    // from within the time that the room answers for by itself to far beyond
    let for_years = "RRULE:FREQ=WEEKLY;COUNT=400\r\n";
    for (first, second, more, answer, is_free) in [
        (
            "20260201T090000Z",
            "20260201T093000Z",
            "",
            "ACCEPTED",
            false,
        ),
        (
            "20260201T090000Z",
            "20260201T093000Z",
            "",
            "TENTATIVE",
            false,
        ),
        ("20260201T090000Z", "20260201T093000Z", "", "DECLINED", true),
        ("20260201T090000Z", "20260201T100000Z", "", "ACCEPTED", true),
        (
            "20260208T090000Z",
            "20260201T090000Z",
            weekly,
            "ACCEPTED",
            false,
        ),
        (
            "20260209T090000Z",
            "20260201T090000Z",
            weekly,
            "ACCEPTED",
            true,
        ),
        // further ahead than the room answers by itself
        (
            "20310201T090000Z",
            "20310201T093000Z",
            "",
            "ACCEPTED",
            false,
        ),
        ("20310201T090000Z", "20310201T100000Z", "", "ACCEPTED", true),
        (
            "20310208T090000Z",
            "20310201T090000Z",
            weekly,
            "ACCEPTED",
            false,
        ),
        (
            "20310203T093000Z",
            "20260202T090000Z",
            for_years,
            "ACCEPTED",
            false,
        ),
    ] {
        let world = house().await;
        let room = kept_room(&world, Booking::None).await;
        for (uid, start, more) in [("1", first, ""), ("2", second, more)] {
            let at = format!("alice/calendar/{uid}.ics");
            let meeting = meeting("alice", uid, start, more);
            world.put(&at, meeting).await.unwrap();
        }
        world.decide(&room, "1", "ACCEPTED").await.unwrap();
        let case = format!("{second} {more} {answer}");
        let decided = world.decide(&room, "2", answer).await;
        let said = world.said("alice/calendar/2.ics").await;
        match is_free {
            true => assert_eq!(said, [answer], "{case}: {decided:?}"),
            false => {
                let expected = Precondition::AllowedAttendeeSchedulingObjectChange;
                assert_eq!(violated(decided), expected, "{case}");
                assert_eq!(said, ["NEEDS-ACTION"], "{case}");
                // and the reason is said
                world.delete("alice/calendar/1.ics").await.unwrap();
                world.decide(&room, "2", answer).await.unwrap();
            }
        }
    }
    let world = house().await;
    let room = kept_room(&world, Booking::None).await;
    let store = world.desk.store();
    let alice = world.alice.principal.id;
    let changed = store.change_principal(room.principal.id, |it| {
        it.booking_for = vec![BookingRule {
            organizer: alice,
            booking: Booking::AcceptAlways,
        }];
    });
    changed.await.unwrap();
    for uid in ["1", "2"] {
        let at = format!("alice/calendar/{uid}.ics");
        let meeting = meeting("alice", uid, "20260201T090000Z", "");
        world.put(&at, meeting).await.unwrap();
        world.decide(&room, uid, "ACCEPTED").await.unwrap();
    }
}

/// C9: two who answer for a room at once do not give the same hour to two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keepers_at_once_do_not_book_a_room_twice() {
    for _ in 0..5 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(Yielding(Arc::new(memory)))
        })
        .await;
        world.clock.set(Timestamp(START));
        let room = kept_room(&world, Booking::None).await;
        for uid in ["1", "2"] {
            let at = format!("alice/calendar/{uid}.ics");
            let meeting = meeting("alice", uid, "20260201T090000Z", "");
            world.put(&at, meeting).await.unwrap();
        }
        let (first, second) = tokio::join!(
            world.decide(&room, "1", "ACCEPTED"),
            world.decide(&room, "2", "ACCEPTED")
        );
        assert_ne!(first.is_ok(), second.is_ok(), "{first:?} {second:?}");
    }
}

#[tokio::test]
async fn what_a_person_is_to_decide_is_left_to_a_person() {
    // approval: a keeper decides, and that is said
    let world = house().await;
    let room = kept_room(&world, Booking::DeclineIfBusy).await;
    let at = "alice/calendar/1.ics";
    world
        .put(at, meeting("alice", "1", "20260201T090000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(at).await, ["NEEDS-ACTION"]);
    let told = world.rooms_log(&room, "1").await;
    assert!(
        told.last()
            .unwrap()
            .ends_with(": a person is to answer for it (decline-if-busy)"),
        "{told:?}"
    );
    world.decide(&room, "1", "ACCEPTED").await.unwrap();
    assert_eq!(world.said(at).await, ["ACCEPTED"]);
    let text = world.text_at(at).await;
    assert!(
        text.contains("SENT-BY=\"mailto:bob@example.com\""),
        "{text}"
    );
    // and what collides with it needs nobody
    let other = "alice/calendar/2.ics";
    world
        .put(other, meeting("alice", "2", "20260201T090000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(other).await, ["DECLINED"]);
    let told = world.rooms_log(&room, "2").await;
    let reason = "(DECLINED): it answers by itself (decline-if-busy)";
    assert!(told.iter().any(|line| line.ends_with(reason)), "{told:?}");
}

/// What waited for a person is answered where the room is told to answer by itself; what a person answered stays.
#[tokio::test]
async fn what_is_open_is_answered_once_the_room_answers_by_itself() {
    let world = house().await;
    let room = kept_room(&world, Booking::None).await;
    for (uid, start) in [
        ("1", "20260201T090000Z"),
        ("2", "20260202T090000Z"),
        ("3", "20250202T090000Z"),
    ] {
        let at = format!("alice/calendar/{uid}.ics");
        let meeting = meeting("alice", uid, start, "");
        world.put(&at, meeting).await.unwrap();
    }
    world.decide(&room, "1", "DECLINED").await.unwrap();
    world.answer_all().await;
    let said = async |uid| world.said(&format!("alice/calendar/{uid}.ics")).await;
    assert_eq!(said("2").await, ["NEEDS-ACTION"]);
    let store = world.desk.store();
    let automatic = |it: &mut Principal| it.booking = Booking::Automatic;
    let changed = store.change_principal(room.principal.id, automatic);
    changed.await.unwrap();
    while world.desk.ask_rooms_again().await.unwrap() {}
    world.answer_all().await;
    assert_eq!(said("1").await, ["DECLINED"]);
    assert_eq!(said("2").await, ["ACCEPTED"]);
    assert_eq!(said("3").await, ["NEEDS-ACTION"], "it is over");
}

/// More than are looked at in one step.
const MANY: usize = 110;

/// That a room is asked again is left to a worker by the change itself, and goes on wherever it is broken off.
#[tokio::test]
async fn asking_a_room_again_may_be_broken_off() {
    for error in [
        CommitError::Conflict(0),
        CommitError::Unavailable("broken".into()),
    ] {
        let (world, faulty) = faulty_world(Settings::default()).await;
        world.clock.set(Timestamp(START));
        let room = kept_room(&world, Booking::None).await;
        for number in 0..MANY {
            let start = format!("202602{:02}T{:02}0000Z", 1 + number / 24, number % 24);
            let meeting = meeting("alice", &number.to_string(), &start, "");
            let at = format!("alice/calendar/{number}.ics");
            world.put(&at, meeting).await.unwrap();
        }
        world.answer_all().await;
        let automatic = |it: &mut Principal| it.booking = Booking::Automatic;
        let store = world.desk.store();
        let changed = store.change_principal(room.principal.id, automatic);
        changed.await.unwrap();
        assert_eq!(world.waiting(ASK_AGAIN_QUEUE).await.len(), 1);
        faulty.fail_commit(2, error);
        while !world.waiting(ASK_AGAIN_QUEUE).await.is_empty() {
            drop(world.desk.ask_rooms_again().await);
        }
        world.answer_all().await;
        for number in 0..MANY {
            let at = format!("alice/calendar/{number}.ics");
            assert_eq!(world.said(&at).await, ["ACCEPTED"], "{number}");
        }
    }
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
        assert!(world.desk.answer_bookings(&RULES).await.unwrap());
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
        !world.desk.answer_bookings(&RULES).await.unwrap(),
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

#[tokio::test]
async fn a_plain_event_in_the_rooms_calendar_and_its_own_hours_count() {
    let world = house().await;
    let room = room(&world, "room1", |_| {}).await;
    let at = "alice/calendar/1.ics";
    let put = Put {
        path: ResourcePath {
            owner_kind: PrincipalKind::Location,
            owner_name: "room1".to_owned(),
            segments: vec!["calendar".to_owned(), "cleaning.ics".to_owned()],
        },
        content_type: None,
        octets: event("cleaning", "Cleaning"),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.put(&room, put).await.unwrap();
    world
        .put(at, meeting("alice", "1", "20260201T093000Z", ""))
        .await
        .unwrap();
    world.answer_all().await;
    assert_eq!(world.said(at).await, ["DECLINED"]);
}

/// Many ask for the same hour at once, and the answers are given by several workers: one meeting gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_room_is_booked_twice() {
    // C9
    const MEETINGS: usize = 8;
    for round in 0..5 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(Yielding(Arc::new(memory)))
        })
        .await;
        world.clock.set(Timestamp(START));
        let world = Arc::new(world);
        let room = room(&world, "room1", |_| {}).await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..MEETINGS {
            let world = Arc::clone(&world);
            tasks.spawn(async move {
                let at = format!("alice/calendar/{number}.ics");
                let start = format!("20260201T09{:02}00Z", 5 * number);
                let octets = meeting("alice", &number.to_string(), &start, "");
                world.put(&at, octets).await.unwrap();
                while world.desk.answer_bookings(&RULES).await.unwrap() {}
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        world.answer_all().await;
        let mut accepted = 0;
        for number in 0..MEETINGS {
            let said = world.said(&format!("alice/calendar/{number}.ics")).await;
            assert_ne!(said, ["NEEDS-ACTION"], "round {round}, meeting {number}");
            accepted += usize::from(said == ["ACCEPTED"]);
        }
        assert_eq!(accepted, 1, "round {round}");
        let booked = world.booked(&room).await;
        let booked = booked
            .iter()
            .filter(|text| said_in(text) == ["ACCEPTED"])
            .count();
        assert_eq!(booked, 1, "round {round}");
    }
}

/// The cancellation of the only instance removes the room's copy, and the invitation to another one in the same
/// change takes its place.
#[tokio::test]
async fn a_room_that_is_asked_for_another_instance_instead() {
    let world = house().await;
    let room = room(&world, "room1", |_| {}).await;
    let at = "alice/calendar/1.ics";
    let weekly = |day: &str| {
        let plain = meeting(
            "alice",
            "1",
            "20260203T090000Z",
            "RRULE:FREQ=WEEKLY;COUNT=5\r\n",
        );
        let text = String::from_utf8(plain.to_vec()).unwrap();
        let (head, rest) = text.split_once("BEGIN:VEVENT").unwrap();
        let (entry, tail) = rest.split_once("END:VEVENT").unwrap();
        let own = entry.replace("RRULE:FREQ=WEEKLY;COUNT=5\r\n", "").replace(
            "DTSTART:20260203T090000Z",
            &format!("RECURRENCE-ID:{day}T090000Z\r\nDTSTART:{day}T090000Z"),
        );
        let series = entry.replace("ATTENDEE;CUTYPE=ROOM:mailto:room1@example.com\r\n", "");
        format!("{head}BEGIN:VEVENT{series}END:VEVENT\r\nBEGIN:VEVENT{own}END:VEVENT{tail}")
    };
    for day in ["20260210", "20260217"] {
        world.put(at, weekly(day)).await.unwrap();
        world.answer_all().await;
        assert_eq!(world.said(at).await, ["ACCEPTED"], "{day}");
        let booked = world.booked(&room).await;
        assert_eq!(booked.len(), 1, "{booked:?}");
        assert!(
            booked[0].contains(&format!("RECURRENCE-ID:{day}T090000Z")),
            "{booked:?}"
        );
    }
}

/// What an organizer's object says that a room answered may have been brought along from another server: only the room
/// knows whether it has the time.
#[tokio::test]
async fn a_room_is_not_booked_by_what_an_import_says() {
    let world = house().await;
    let room = room(&world, "room1", |_| {}).await;
    let bobs = "bob/calendar/1.ics";
    let first = meeting("bob", "1", "20260201T090000Z", "");
    world.put_for(&world.bob, bobs, first).await.unwrap();
    world.answer_all().await;
    assert_eq!(world.said(bobs).await, ["ACCEPTED"]);
    let brought = |more: &str| {
        let text = meeting("alice", "2", "20260201T090000Z", more);
        let text = String::from_utf8(text.to_vec()).unwrap();
        Bytes::from(text.replace("CUTYPE=ROOM:", "CUTYPE=ROOM;PARTSTAT=ACCEPTED:"))
    };
    let import = Import {
        calendar: path("alice/calendar"),
        on_conflict: OnConflict::Newer,
        conditions: Conditions::default(),
        dry_run: false,
    };
    let done = world.import(&import, &[brought("")]).await;
    let name = done[0].strip_prefix("created ").unwrap();
    let at = format!("alice/calendar/{name}");
    assert_eq!(world.said(&at).await, ["ACCEPTED"], "as it was there");
    // somebody more is invited: the meeting begins to be scheduled
    let more = brought("ATTENDEE:mailto:carol@example.com\r\n");
    world.put(&at, more).await.unwrap();
    world.answer_all().await;
    assert_eq!(world.said(&at).await, ["DECLINED"]);
    assert_eq!(world.said(bobs).await, ["ACCEPTED"]);
    let booked = world.booked(&room).await;
    let accepted = booked.iter().filter(|text| said_in(text) == ["ACCEPTED"]);
    assert_eq!(accepted.count(), 1);
}

/// TRANSP is about the time of people: clients write whole days as TRANSPARENT.
#[tokio::test]
async fn a_room_is_taken_by_a_transparent_meeting() {
    let world = house().await;
    room(&world, "room1", |_| {}).await;
    for (uid, more, answer) in [
        ("1", "TRANSP:TRANSPARENT\r\n", "ACCEPTED"),
        ("2", "TRANSP:TRANSPARENT\r\n", "DECLINED"),
        ("3", "", "DECLINED"),
    ] {
        let at = format!("alice/calendar/{uid}.ics");
        let text = meeting("alice", uid, "20260201T090000Z", more);
        world.put(&at, text).await.unwrap();
        world.answer_all().await;
        assert_eq!(world.said(&at).await, [answer], "{uid}");
    }
}

/// A person answers what recurs too often to be judged; everybody else is answered all the same, also while it waits.
#[tokio::test]
async fn what_recurs_too_often_keeps_a_room_from_no_answer() {
    let world = house().await;
    room(&world, "room1", |_| {}).await;
    for (uid, rule, answer) in [
        ("often", "RRULE:FREQ=MINUTELY\r\n", "NEEDS-ACTION"),
        ("first", "", "ACCEPTED"),
        (
            "never",
            "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\n",
            "DECLINED",
        ),
        ("second", "", "DECLINED"),
    ] {
        let at = format!("alice/calendar/{uid}.ics");
        let text = meeting("alice", uid, "20260201T090000Z", rule);
        world.put(&at, text).await.unwrap();
        world.answer_all().await;
        assert_eq!(world.said(&at).await, [answer], "{uid}");
    }
}

/// What an organizer's object says that a room answered counts for nothing, however it came there: by a client that
/// took care of the room itself, by an import, or out of the trash.
#[tokio::test]
async fn nobody_answers_for_a_room() {
    let mine = |start: &str, room: &str| {
        let text = meeting("alice", "mine", start, "");
        let text = std::str::from_utf8(&text).unwrap();
        Bytes::from(text.replace("CUTYPE=ROOM", &format!("CUTYPE=ROOM;{room}")))
    };
    let (own, other) = ("20260201T140000Z", "20260201T090000Z");
    for way in [
        "left to a client",
        "imported",
        "imported over it",
        "restored",
    ] {
        let world = keeping(ALL).await;
        world.clock.set(Timestamp(START));
        room(&world, "room1", |_| {}).await;
        let at = "alice/calendar/mine.ics";
        let import = Import {
            calendar: path("alice/calendar"),
            on_conflict: OnConflict::Overwrite,
            conditions: Conditions::default(),
            dry_run: false,
        };
        let accepted = mine(other, "PARTSTAT=ACCEPTED");
        match way {
            "left to a client" => {
                let left = mine(other, "SCHEDULE-AGENT=NONE;PARTSTAT=ACCEPTED");
                world.put(at, left).await.unwrap();
            }
            "imported" => {
                world.import(&import, std::slice::from_ref(&accepted)).await;
            }
            "imported over it" => {
                world.put(at, mine(own, "RSVP=TRUE")).await.unwrap();
                world.answer_all().await;
                world.import(&import, std::slice::from_ref(&accepted)).await;
            }
            _ => {
                world.put(at, mine(other, "RSVP=TRUE")).await.unwrap();
                world.answer_all().await;
                world.clock.advance(60_000);
                let then = world.desk.now().0;
                world.clock.advance(60_000);
                world.delete(at).await.unwrap();
                world.restore_at("calendar", then, false).await.unwrap();
            }
        }
        let taken = "bob/calendar/taken.ics";
        let theirs = meeting("bob", "taken", other, "");
        world.put_for(&world.bob, taken, theirs).await.unwrap();
        world.answer_all().await;
        assert_eq!(world.said(taken).await, ["ACCEPTED"], "{way}");
        let at = world.tree("alice/calendar").await;
        let mut mine = Vec::new();
        for at in at {
            if world.text_at(&at).await.contains("UID:mine") {
                mine.push(at);
            }
        }
        // the next edit that the room hears of
        let carol = "ATTENDEE:mailto:carol@example.com\r\nEND:VEVENT";
        let text = world.octets(&mine[0]).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        let edited = text
            .replace("END:VEVENT", carol)
            .replace("SCHEDULE-AGENT=NONE;", "");
        world.put(&mine[0], edited).await.unwrap();
        assert_eq!(world.said(&mine[0]).await, ["NEEDS-ACTION"], "{way}");
        world.answer_all().await;
        assert_eq!(world.said(&mine[0]).await, ["DECLINED"], "{way}");
    }
}
