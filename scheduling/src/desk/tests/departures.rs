//! Accounts that go, and accounts that are disabled.

use storage::{backend::CommitError, model::PrincipalId};

use super::*;

/// 2026-01-15T00:00:00Z
const NOW: i64 = 1_768_435_200_000;

struct House {
    world: World,
    faulty: Arc<Faulty>,
    carol: Actor,
}

async fn house() -> House {
    let (world, faulty) = faulty_world(Settings::default()).await;
    world.clock.set(Timestamp(NOW));
    let carol = user(world.desk.store(), "carol").await;
    House {
        world,
        faulty,
        carol,
    }
}

/// A meeting in this month of 2026.
fn meeting(organizer: &str, uid: &str, month: u32, attendees: &[&str]) -> Bytes {
    let attendee = |name: &&str| format!("ATTENDEE:mailto:{name}\r\n");
    let attendees: String = attendees.iter().map(attendee).collect();
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:2026{month:02}10T090000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\n\
         ORGANIZER:mailto:{organizer}@example.com\r\n{attendees}END:VEVENT\r\nEND:VCALENDAR\r\n"
    ))
}

const BOB: &str = "bob@example.com";
const CAROL: &str = "carol@example.com";
const XENIA: &str = "xenia@elsewhere.test";

impl House {
    async fn put(&self, actor: &Actor, at: &str, octets: impl Into<Bytes>) {
        self.world.put_as(actor, at, octets).await.unwrap();
    }

    /// Bob organizes a meeting to come and one that is over, and Carol has invited him to one of each.
    async fn bob_is_busy(&self) {
        let bob = &self.world.bob;
        let own = meeting("bob", "own", 2, &[CAROL, XENIA]);
        self.put(bob, "bob/calendar/own.ics", own).await;
        let over = meeting("bob", "over", 1, &[CAROL]);
        self.put(bob, "bob/calendar/over.ics", over).await;
        let hers = meeting("carol", "hers", 3, &[BOB]);
        self.put(&self.carol, "carol/calendar/hers.ics", hers).await;
        let past = meeting("carol", "past", 1, &[BOB]);
        self.put(&self.carol, "carol/calendar/past.ics", past).await;
        self.put(bob, "bob/calendar/plain.ics", event("plain", "x"))
            .await;
    }

    async fn remove(&self, silently: bool) -> Result<Departure, Refusal> {
        let desk = &self.world.desk;
        desk.remove_account(&self.world.bob.principal, silently)
            .await
    }

    /// What stands in Carol's calendar, all in one.
    async fn carols(&self) -> String {
        let mut texts = String::new();
        for at in self.world.tree("carol/calendar").await {
            texts += &self.world.text_at(&at).await;
        }
        texts
    }

    async fn methods(&self) -> Vec<String> {
        let mut methods = Vec::new();
        for at in self.world.tree("carol/inbox").await {
            let text = self.world.text_at(&at).await;
            let method = text.lines().find_map(|line| line.strip_prefix("METHOD:"));
            methods.push(method.unwrap().to_owned());
        }
        methods.sort();
        methods
    }

    async fn assert_all_know(&self) {
        let store = self.world.desk.store();
        let gone = store.principal(self.world.bob.principal.id).await.unwrap();
        assert_eq!(gone, None);
        let carols = self.carols().await;
        let of = |uid: &str| {
            let objects = carols.split("BEGIN:VCALENDAR");
            let mut objects = objects.filter(|it| it.contains(&format!("UID:{uid}\r\n")));
            objects.next().unwrap().to_owned()
        };
        assert!(of("own").contains("STATUS:CANCELLED"), "{carols}");
        assert!(!of("over").contains("STATUS:CANCELLED"), "{carols}");
        assert!(of("hers").contains("PARTSTAT=DECLINED"), "{carols}");
        assert!(!of("past").contains("PARTSTAT=DECLINED"), "{carols}");
        // an invitation each to what Bob organized, what is off, and the answer
        assert_eq!(
            self.methods().await,
            ["CANCEL", "REPLY", "REQUEST", "REQUEST"]
        );
        assert_eq!(
            self.world.mails().await.len(),
            2,
            "the invitation and the cancellation"
        );
        while store.purge_detached(1_000).await.unwrap() {}
        assert_eq!(store.check().await.unwrap(), []);
    }
}

const ALL: Departure = Departure {
    cancelled: 1,
    declined: 1,
};

/// Meetings to come are off, or declined; what is over stays as it is, and so does everything until then in a dry run.
#[tokio::test]
async fn everybody_hears_of_an_account_that_goes() {
    // C4.6
    let house = house().await;
    house.bob_is_busy().await;
    let bob = &house.world.bob.principal;
    let revision = house.world.desk.store().revision();
    assert_eq!(house.world.desk.foresee_departure(bob).await, Ok(ALL));
    assert_eq!(house.world.desk.store().revision(), revision);
    assert_eq!(house.remove(false).await, Ok(ALL));
    house.assert_all_know().await;
    assert_eq!(house.remove(false).await, Err(Refusal::NotFound));
}

#[tokio::test]
async fn nobody_hears_of_an_account_that_goes_silently() {
    let house = house().await;
    house.bob_is_busy().await;
    let (carols, methods) = (house.carols().await, house.methods().await);
    assert_eq!(house.remove(true).await, Ok(Departure::default()));
    assert_eq!(house.carols().await, carols);
    assert_eq!(house.methods().await, methods);
    assert_eq!(house.world.mails().await.len(), 1);
}

/// Wherever it ends early, the same once more goes on, and nobody hears anything twice.
#[tokio::test]
async fn a_removal_that_is_broken_off_goes_on() {
    let untroubled = house().await;
    untroubled.bob_is_busy().await;
    let before = untroubled.faulty.commits();
    untroubled.remove(false).await.unwrap();
    let commits = untroubled.faulty.commits() - before;
    assert_eq!(commits, 4, "disabled, one each, and gone");
    for nth in 1..=commits {
        let house = house().await;
        house.bob_is_busy().await;
        let error = CommitError::Unavailable("broken".into());
        house.faulty.fail_commit(nth, error);
        let broken = house.remove(false).await;
        assert_eq!(broken, Err(Refusal::Unavailable("broken".into())), "{nth}");
        let store = house.world.desk.store();
        let bob = store.principal(house.world.bob.principal.id).await.unwrap();
        assert_eq!(bob.unwrap().disabled, nth > 1, "{nth}");
        house.remove(false).await.unwrap();
        house.assert_all_know().await;
    }
}

/// A meeting of more people than one commit tells is off for all of them before its organizer is gone.
#[tokio::test]
async fn a_large_meeting_is_off_for_all() {
    let house = house().await;
    let store = house.world.desk.store();
    let mut people = Vec::new();
    for number in 0..60 {
        user(store, &format!("u{number}")).await;
        people.push(format!("u{number}@example.com"));
    }
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let large = meeting("bob", "large", 2, &people);
    house
        .put(&house.world.bob, "bob/calendar/l.ics", large)
        .await;
    while house.world.desk.deliver_outstanding().await.unwrap() {}
    house.remove(false).await.unwrap();
    for number in 0..60 {
        let at = house.world.tree(&format!("u{number}/calendar")).await;
        let text = house.world.text_at(&at[0]).await;
        assert!(text.contains("STATUS:CANCELLED"), "u{number}: {text}");
    }
}

/// What is deleted on the way is in the trash as long as the account is there, and goes with it.
#[tokio::test]
async fn the_trash_goes_with_the_account() {
    let mut house = house().await;
    let store = house.world.desk.store().clone().keeping(Some(trash::ALL));
    house.world.desk = Desk::new(store.clone(), Settings::default());
    house.bob_is_busy().await;
    let home = house.world.bob.principal.home.unwrap();
    let error = CommitError::Unavailable("broken".into());
    house.faulty.fail_commit(4, error);
    house.remove(false).await.unwrap_err();
    let kept = store.trash_places(home).await.unwrap();
    assert!(!kept.is_empty());
    house.remove(false).await.unwrap();
    while store.purge_detached(1_000).await.unwrap() {}
    assert_eq!(store.trash_places(home).await.unwrap(), []);
    assert_eq!(store.check().await.unwrap(), []);
}

/// Nothing that comes in meanwhile is left behind: a meeting that is made at the same time is declined, too, or not
/// delivered.
#[tokio::test]
async fn an_invitation_at_the_same_time_waits_for_nobody() {
    for turns in 0..40 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(yielding::Yielding(Arc::new(memory)))
        })
        .await;
        let bob = Arc::clone(&world.bob.principal);
        let invites = world.put("alice/calendar/1.ics", meeting("alice", "1", 2, &[BOB]));
        let goes = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            world.desk.remove_account(&bob, false).await.unwrap();
        };
        let (invited, ()) = tokio::join!(invites, goes);
        invited.unwrap();
        let text = world.text_at("alice/calendar/1.ics").await;
        let line = text.lines().find(|line| line.contains(BOB)).unwrap();
        let is_told = [
            "PARTSTAT=DECLINED",
            "SCHEDULE-STATUS=5.3",
            "SCHEDULE-STATUS=3.7",
        ];
        let is_remote = line.contains("SCHEDULE-STATUS=1.0");
        assert!(
            is_remote || is_told.iter().any(|status| line.contains(status)),
            "{turns}: {line}"
        );
        while world.desk.store().purge_detached(1_000).await.unwrap() {}
        assert_eq!(world.desk.store().check().await.unwrap(), [], "{turns}");
    }
}

/// Nor is what is made at the same time for who goes: a meeting in a new calendar is called off, or cannot be made any
/// more.
#[tokio::test]
async fn a_calendar_that_is_made_at_the_same_time_is_not_overlooked() {
    for turns in 0..60 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(yielding::Yielding(Arc::new(memory)))
        })
        .await;
        let mut administrator = Principal::clone(&world.alice.principal);
        administrator.administrator = true;
        let administrator = Actor::of(Arc::new(administrator));
        let bob = Arc::clone(&world.bob.principal);
        // looking into these takes long enough for all that happens meanwhile
        for number in 0..20 {
            let other = making(&format!("bob/c{number}"), CollectionKind::Calendar);
            let made = world.desk.make_collection(&administrator, other);
            made.await.unwrap();
        }
        let makes = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            let new = making("bob/new", CollectionKind::Calendar);
            world.desk.make_collection(&administrator, new).await?;
            let new = meeting("bob", "1", 2, &["alice@example.com"]);
            world.put_as(&administrator, "bob/new/1.ics", new).await
        };
        let (made, removed) = tokio::join!(makes, world.desk.remove_account(&bob, false));
        let removed = removed.unwrap();
        assert_eq!(removed.cancelled, usize::from(made.is_ok()), "{turns}");
        let alices = world.tree("alice/calendar").await;
        assert_eq!(alices.len(), removed.cancelled, "{turns}");
        for at in alices {
            let text = world.text_at(&at).await;
            assert!(text.contains("STATUS:CANCELLED"), "{turns}: {text}");
        }
        while world.desk.store().purge_detached(1_000).await.unwrap() {}
        assert_eq!(world.desk.store().check().await.unwrap(), [], "{turns}");
    }
}

/// A room that goes declines what it is booked for.
#[tokio::test]
async fn a_room_that_goes_declines() {
    let house = house().await;
    let mut room = Principal::new(PrincipalKind::Location, "room1");
    room.addresses = vec!["mailto:room1@example.com".to_owned()];
    room.booking = storage::model::Booking::Automatic;
    let store = house.world.desk.store();
    let room = store.add_account(room, None).await.unwrap();
    let booked = meeting("alice", "1", 2, &["room1@example.com"]);
    house
        .world
        .put("alice/calendar/1.ics", booked)
        .await
        .unwrap();
    while house.world.desk.answer_bookings().await.unwrap() {}
    let text = house.world.text_at("alice/calendar/1.ics").await;
    assert!(text.contains("PARTSTAT=ACCEPTED"), "{text}");
    let gone = house.world.desk.remove_account(&room, false).await;
    assert_eq!(gone.unwrap().declined, 1);
    let text = house.world.text_at("alice/calendar/1.ics").await;
    assert!(text.contains("PARTSTAT=DECLINED"), "{text}");
    let edited = text.replace("SUMMARY:x", "SUMMARY:y");
    house
        .world
        .put("alice/calendar/1.ics", edited)
        .await
        .unwrap();
}

/// RFC 6638 §3.2.9: a disabled account is not invited (5.3) and has no busy time to tell; what was agreed before can still
/// be called off and answered, so that nobody's calendar is wrong when it is enabled again.
#[tokio::test]
async fn a_disabled_account_is_not_invited() {
    // C4.6
    let house = house().await;
    let (world, store) = (&house.world, house.world.desk.store());
    let set = async |disabled: bool| {
        let id: PrincipalId = world.bob.principal.id;
        let changed = store.change_principal(id, |bob| bob.disabled = disabled);
        changed.await.unwrap();
    };
    let hers = meeting("carol", "hers", 3, &[BOB]);
    house
        .put(&house.carol, "carol/calendar/hers.ics", hers)
        .await;
    let own = meeting("bob", "own", 2, &[CAROL]);
    house.put(&world.bob, "bob/calendar/own.ics", own).await;
    set(true).await;
    world
        .put("alice/calendar/1.ics", meeting("alice", "1", 2, &[BOB]))
        .await
        .unwrap();
    let text = house.world.text_at("alice/calendar/1.ics").await;
    assert!(text.contains("SCHEDULE-STATUS=5.3"), "{text}");
    let bobs = async || world.tree("bob/calendar").await.len();
    assert_eq!(bobs().await, 2);
    let log = world
        .desk
        .scheduling_log(&world.alice, &path("alice/calendar/1.ics"))
        .await
        .unwrap();
    let said = log[0].lines[0].to_string();
    assert!(said.contains("the account is disabled"), "{said}");
    // Carol answers Bob's invitation, and calls off her own.
    let at = world.tree("carol/calendar").await;
    let mut answered = None;
    for at in at {
        let text = house.world.text_at(&at).await;
        if text.contains("UID:own") {
            let accepted = text.replace("RSVP=TRUE", "PARTSTAT=ACCEPTED");
            house.put(&house.carol, &at, accepted).await;
            answered = Some(());
        }
    }
    answered.unwrap();
    assert!(
        house
            .world
            .text_at("bob/calendar/own.ics")
            .await
            .contains("PARTSTAT=ACCEPTED")
    );
    let delete = Delete {
        path: path("carol/calendar/hers.ics"),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.delete(&house.carol, delete).await.unwrap();
    let mut cancelled = 0;
    for at in world.tree("bob/calendar").await {
        cancelled += usize::from(house.world.text_at(&at).await.contains("STATUS:CANCELLED"));
    }
    assert_eq!(cancelled, 1);
    // enabled again, the next edit invites
    set(false).await;
    let text = house.world.text_at("alice/calendar/1.ics").await;
    let moved = text.replace("T090000Z", "T110000Z");
    world.put("alice/calendar/1.ics", moved).await.unwrap();
    assert_eq!(bobs().await, 3);
    let text = house.world.text_at("alice/calendar/1.ics").await;
    assert!(text.contains("SCHEDULE-STATUS=1.2"), "{text}");
}
