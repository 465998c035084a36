//! Rooms that are left to a person, or to nobody.

use super::*;

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
    pub(super) async fn rooms_log(&self, room: &Actor, uid: &str) -> Vec<String> {
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
