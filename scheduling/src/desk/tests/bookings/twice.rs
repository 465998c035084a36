//! No room is booked twice, whatever takes its time.

use super::*;

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
                while world.desk.answer_bookings().await.unwrap() {}
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
