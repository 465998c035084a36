//! Dry runs: what the change then comes to, the errors that it has, and nothing else.

use storage::{Revision, backend::CommitError};

use super::*;
use crate::log::{Verdict, Way};

const AT: &str = "alice/calendar/m.ics";
const START: &str = "20260201T090000Z";
const LATER: &str = "20260201T110000Z";

fn meeting(start: &str, more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:m\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:Plan\r\n\
         ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
         ATTENDEE:mailto:xenia@elsewhere.test\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn putting(at: &str, octets: impl Into<Bytes>, conditions: Conditions) -> Put {
    Put {
        path: path(at),
        content_type: None,
        octets: octets.into(),
        conditions,
        schedule_reply: true,
    }
}

fn deleting(at: &str) -> Delete {
    Delete {
        path: path(at),
        conditions: Conditions::default(),
        schedule_reply: true,
    }
}

impl World {
    fn revision(&self) -> Revision {
        self.desk.store().revision()
    }

    /// The words of the newest entry in Alice's log.
    async fn newest_decisions(&self) -> Vec<String> {
        let home = self.alice.principal.home.unwrap();
        let entries = self.desk.scheduling_log_of(home, "m").await.unwrap();
        let lines = &entries.last().unwrap().lines;
        lines.iter().map(ToString::to_string).collect()
    }

    async fn rehearse(&self, at: &str, octets: impl Into<Bytes>) -> Result<Rehearsal, Refusal> {
        let put = putting(at, octets, Conditions::default());
        let before = self.revision();
        let rehearsal = self.desk.rehearse_put(&self.alice, &put).await;
        assert_eq!(self.revision(), before, "nothing is written");
        rehearsal
    }
}

fn words(rehearsal: &Rehearsal) -> Vec<String> {
    rehearsal.lines.iter().map(ToString::to_string).collect()
}

/// Create, change and removal: what the dry run says is what then stands in the object and in the log.
#[tokio::test]
async fn it_says_what_the_change_comes_to() {
    let world = world().await;
    for (octets, created) in [(meeting(START, ""), true), (meeting(LATER, ""), false)] {
        let rehearsal = world.rehearse(AT, octets.clone()).await.unwrap();
        let told = words(&rehearsal);
        assert_eq!(rehearsal.written.unwrap().created, created);
        assert_eq!(rehearsal.lines[0].way, Some(Way::Local));
        assert_eq!(rehearsal.lines[1].way, Some(Way::Mail));
        world.put(AT, octets).await.unwrap();
        assert_eq!(rehearsal.octets, world.octets(AT).await);
        assert_eq!(told, world.newest_decisions().await);
    }
    let before = world.revision();
    let rehearsal = world
        .desk
        .rehearse_delete(&world.alice, &deleting(AT))
        .await;
    let rehearsal = rehearsal.unwrap();
    assert_eq!(world.revision(), before);
    assert!(world.object(AT).await.is_some());
    assert_eq!((&rehearsal.written, &rehearsal.octets), (&None, &None));
    world.delete(AT).await.unwrap();
    assert_eq!(words(&rehearsal), world.newest_decisions().await);
}

#[tokio::test]
async fn an_object_without_a_meeting_has_no_decisions() {
    let world = world().await;
    let octets = event("x", "Own");
    let rehearsal = world.rehearse("alice/calendar/x.ics", octets.clone()).await;
    let rehearsal = rehearsal.unwrap();
    assert_eq!(rehearsal.octets, Some(octets));
    assert!(rehearsal.lines.is_empty());
}

/// Nor is anything written ahead of the commit.
#[tokio::test]
async fn a_large_object_leaves_nothing_behind() {
    let world = world().await;
    let text = meeting(START, &format!("DESCRIPTION:{}\r\n", "x".repeat(200_000)));
    let rehearsal = world.rehearse(AT, text).await.unwrap();
    assert!(rehearsal.octets.unwrap().len() > 200_000);
}

/// Where the log is not kept, the dry run tells all the same.
#[tokio::test]
async fn it_does_not_depend_upon_the_log() {
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let rehearsal = world.rehearse(AT, meeting(START, "")).await.unwrap();
    assert_eq!(rehearsal.lines.len(), 2);
}

/// A client's own copy of an invitation would be merged into the delivered one.
#[tokio::test]
async fn an_own_invitation_is_told_to_stand_elsewhere() {
    let world = world().await;
    world.put(AT, meeting(START, "")).await.unwrap();
    let delivered = world.tree("bob/calendar").await.remove(0);
    let answer = meeting(START, "").replace(
        "ATTENDEE:mailto:bob",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob",
    );
    let put = putting("bob/calendar/own.ics", answer, if_none_match("*"));
    let before = world.revision();
    let rehearsal = world.desk.rehearse_put(&world.bob, &put).await.unwrap();
    assert_eq!(world.revision(), before);
    assert_eq!(rehearsal.written.unwrap().elsewhere, Some(path(&delivered)));
    assert_eq!(rehearsal.lines[0].verdict, Verdict::Sent);
    assert_eq!(
        rehearsal.lines[0].participation.as_deref(),
        Some("ACCEPTED")
    );
}

/// The very errors that the change has, and they change nothing either.
#[tokio::test]
async fn it_is_refused_as_the_change_is() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(2_000);
    settings.limits.maximum_resource_octets = 10_000;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, meeting(START, "")).await.unwrap();
    let long = |octets: usize| event("long", &"x".repeat(octets));
    let stranger = meeting(START, "").replace("ORGANIZER:mailto:alice", "ORGANIZER:mailto:bob");
    let cases = [
        (
            "alice/calendar/n.ics",
            Bytes::from(meeting(START, "")),
            Conditions::default(),
        ),
        (AT, event("other", "x"), Conditions::default()),
        (AT, Bytes::from(stranger), Conditions::default()),
        (AT, Bytes::from("no calendar"), Conditions::default()),
        (AT, Bytes::from(meeting(LATER, "")), if_match("wrong")),
        (AT, Bytes::from(meeting(LATER, "")), if_none_match("*")),
        (
            "alice/calendar/long.ics",
            long(3_000),
            Conditions::default(),
        ),
        (
            "alice/calendar/long.ics",
            long(11_000),
            Conditions::default(),
        ),
        ("alice/none/n.ics", event("n", "x"), Conditions::default()),
        ("bob/calendar/n.ics", event("n", "x"), Conditions::default()),
        ("alice/calendar", event("n", "x"), Conditions::default()),
    ];
    for (at, octets, conditions) in cases {
        let put = putting(at, octets, conditions);
        let before = world.revision();
        let dry = world.desk.rehearse_put(&world.alice, &put).await;
        assert_eq!(world.revision(), before);
        let refusal = dry.unwrap_err();
        let done = world.desk.put(&world.alice, put.clone()).await;
        assert_eq!(Err(refusal), done, "{put:?}");
    }
    for at in ["alice/calendar/none.ics", "bob/calendar/none.ics"] {
        let dry = world
            .desk
            .rehearse_delete(&world.alice, &deleting(at))
            .await;
        assert_eq!(dry.unwrap_err(), world.delete(at).await.unwrap_err());
    }
}

/// Files and collections have none: their changes may be several commits.
#[tokio::test]
async fn only_calendar_objects_have_one() {
    let world = world().await;
    world
        .make("alice/files", CollectionKind::Plain)
        .await
        .unwrap();
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/work/m.ics", meeting(START, ""))
        .await
        .unwrap();
    let file = world.rehearse("alice/files/x", "x").await;
    assert!(matches!(file, Err(Refusal::Conflict(_))), "{file:?}");
    let before = world.revision();
    for at in ["alice/work", "alice/files"] {
        let whole = world
            .desk
            .rehearse_delete(&world.alice, &deleting(at))
            .await;
        assert!(matches!(whole, Err(Refusal::Conflict(_))), "{whole:?}");
    }
    assert_eq!(world.revision(), before);
    assert!(world.object("alice/work/m.ics").await.is_some());
}

/// Who may write and not read learns nothing of what stands there, or of whom it concerns.
#[tokio::test]
async fn who_may_not_read_is_not_told() {
    use storage::access::{Ace, AcePrincipal, Privilege};
    let world = world().await;
    world
        .put("alice/calendar/x.ics", event("x", "Own"))
        .await
        .unwrap();
    let bob = AcePrincipal::Principal(world.bob.principal.id);
    let change = ChangeAccess {
        path: path("alice/calendar"),
        aces: vec![Ace::grant(bob, &[Privilege::Write])],
        conditions: Conditions::default(),
    };
    world
        .desk
        .change_access(&world.alice, change)
        .await
        .unwrap();
    let put = putting(
        "alice/calendar/x.ics",
        event("x", "Bobs"),
        Conditions::default(),
    );
    let dry = world.desk.rehearse_put(&world.bob, &put).await;
    assert!(matches!(dry, Err(Refusal::Forbidden { .. })), "{dry:?}");
    let gone = world
        .desk
        .rehearse_delete(&world.bob, &deleting("alice/calendar/x.ics"))
        .await;
    assert!(matches!(gone, Err(Refusal::Forbidden { .. })), "{gone:?}");
    assert!(world.desk.put(&world.bob, put).await.is_ok());
}

/// A desk for dry runs commits nothing, whatever is asked of it.
#[tokio::test]
async fn a_disk_that_takes_nothing_is_no_obstacle() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    let commits = faulty.commits();
    faulty.fail_all_commits(CommitError::Full);
    assert!(world.rehearse(AT, meeting(START, "")).await.is_ok());
    assert_eq!(faulty.commits(), commits);
}

/// Rooms answer behind the change; how they would is told.
#[tokio::test]
async fn the_answers_of_rooms_are_foreseen() {
    use storage::model::Booking;
    let world = world().await;
    let store = world.desk.store();
    let mut rooms = String::new();
    for (name, booking) in [
        ("room", Booking::Automatic),
        ("salon", Booking::AcceptIfFree),
        ("hall", Booking::None),
    ] {
        let mut room = Principal::new(PrincipalKind::Location, name);
        room.addresses = vec![format!("mailto:{name}@example.com")];
        room.booking = booking;
        store.add_account(room, None).await.unwrap();
        rooms += &format!("ATTENDEE;CUTYPE=ROOM:mailto:{name}@example.com\r\n");
    }
    let foreseen = async || {
        let rehearsal = world.rehearse(AT, meeting(START, &rooms)).await.unwrap();
        let lines = rehearsal.lines.into_iter();
        let foreseen = lines.filter(|line| line.verdict == Verdict::Foreseen);
        let mut words: Vec<_> = foreseen.map(|line| line.to_string()).collect();
        words.sort();
        words
    };
    assert_eq!(
        foreseen().await,
        [
            "REPLY from room@example.com (ACCEPTED): it answers by itself (automatic)",
            "REPLY from salon@example.com (ACCEPTED): it answers by itself (accept-if-free)",
        ]
    );
    let other = meeting(START, &rooms).replace("UID:m", "UID:other");
    world.put("alice/calendar/other.ics", other).await.unwrap();
    while world.desk.answer_bookings().await.unwrap() {}
    assert_eq!(
        foreseen().await,
        [
            "REPLY from room@example.com (DECLINED): it answers by itself (automatic)",
            "REPLY from salon@example.com: a person is to answer for it (accept-if-free)",
        ]
    );
}

/// RFC 6638 §3.2.9: whom a message cannot reach is told, also of those whom one commit does not reach any more.
#[tokio::test]
async fn who_cannot_be_reached_later_is_foreseen() {
    use storage::access::{Ace, AcePrincipal, Privilege};
    const PEOPLE: usize = 70;
    const QUOTA: u64 = 20_000;
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(QUOTA);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let store = world.desk.store();
    let (mut people, mut attendees) = (Vec::new(), String::new());
    for number in 0..PEOPLE {
        people.push(user(store, &format!("u{number}")).await);
        attendees += &format!("ATTENDEE:mailto:u{number}@example.com\r\n");
    }
    let closed = ChangeAccess {
        path: path("u68/inbox"),
        aces: vec![Ace::deny(AcePrincipal::All, &[Privilege::ScheduleDeliver])],
        conditions: Conditions::default(),
    };
    world.desk.change_access(&people[68], closed).await.unwrap();
    let filler = event("filler", &"x".repeat(18_500));
    let full = world.put_as(&people[69], "u69/calendar/filler.ics", filler);
    full.await.unwrap();
    let rehearsal = world
        .rehearse(AT, meeting(START, &attendees))
        .await
        .unwrap();
    let words = words(&rehearsal);
    for expected in [
        "no way to u68@example.com: so it is now, and it is delivered later; 3.8",
        "no way to u69@example.com: so it is now, and it is delivered later; 5.1",
    ] {
        assert!(
            words.iter().any(|it| it.starts_with(expected)),
            "{words:#?}"
        );
    }
}

/// Also those of rooms that one commit does not reach any more.
#[tokio::test]
async fn the_answer_of_a_room_behind_many_people_is_foreseen() {
    const PEOPLE: usize = 70;
    let world = world().await;
    let store = world.desk.store();
    let mut attendees = String::new();
    for number in 0..PEOPLE {
        user(store, &format!("u{number}")).await;
        attendees += &format!("ATTENDEE:mailto:u{number}@example.com\r\n");
    }
    let mut room = Principal::new(PrincipalKind::Location, "room");
    room.addresses = vec!["mailto:room@example.com".to_owned()];
    room.booking = storage::model::Booking::Automatic;
    store.add_account(room, None).await.unwrap();
    attendees += "ATTENDEE;CUTYPE=ROOM:mailto:room@example.com\r\n";
    let rehearsal = world.rehearse(AT, meeting(START, &attendees)).await;
    let lines = rehearsal.unwrap().lines;
    let pending = lines
        .iter()
        .filter(|it| it.status.as_deref() == Some("1.0"));
    let pending: Vec<&String> = pending.flat_map(|line| &line.parties).collect();
    assert!(pending.iter().any(|it| it.contains("room")), "{pending:?}");
    let last = lines.last().map(ToString::to_string).unwrap();
    assert_eq!(
        last,
        "REPLY from room@example.com (ACCEPTED): it answers by itself (automatic)"
    );
}
