//! What was changed and deleted comes back, and nobody hears of it.

mod meetings;

use std::collections::BTreeMap;

use proptest::prelude::*;
use storage::{
    Timestamp,
    backend::CommitError,
    model::{TrashCause, TrashPolicy},
    testing::Faulty,
};

use self::meetings::meeting;
use super::*;

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// Everything is kept.
pub(super) const ALL: TrashPolicy = TrashPolicy {
    deleted_milliseconds: 30 * DAY,
    versions_milliseconds: 30 * DAY,
    version_apart_milliseconds: 0,
    home_octets: u64::MAX >> 1,
};

/// Octets and properties by name.
type State = BTreeMap<String, (Bytes, Properties)>;

pub(super) async fn keeping(policy: TrashPolicy) -> World {
    let world = world().await;
    World {
        desk: Desk::new(
            world.desk.store().clone().keeping(Some(policy)),
            Settings::default(),
        ),
        ..world
    }
}

impl World {
    fn wait(&self, milliseconds: i64) -> i64 {
        self.clock.advance(milliseconds);
        self.desk.now().0
    }

    /// As a server that is at work: it looks at the clock now and then.
    async fn wait_days(&self, days: i64) {
        for _ in 0..days {
            self.wait(DAY);
            self.desk.store().retention_clock().await.unwrap();
        }
    }

    async fn listed(&self) -> Vec<TrashItem> {
        self.desk.trash_list("alice", None, None).await.unwrap().0
    }

    /// `CAUSE COLLECTION/NAME`, the newest first.
    async fn trash(&self) -> Vec<String> {
        let line = |item: TrashItem| match item.is_collection {
            true => format!("{:?} {}/", item.cause, item.collection),
            false => format!("{:?} {}/{}", item.cause, item.collection, item.name),
        };
        self.listed().await.into_iter().map(line).collect()
    }

    pub(super) async fn restore_at(
        &self,
        name: &str,
        at: i64,
        exact: bool,
    ) -> Result<Restored, TrashError> {
        let asked = RestoreCollection {
            owner: "alice".to_owned(),
            name: name.to_owned(),
            at,
            exact,
        };
        self.desk.restore_collection(&asked).await
    }

    /// All objects in a collection; `None` where it is not there.
    async fn state(&self, at: &str) -> Option<State> {
        let resolution = self.desk.store().resolve(&path(at)).await.unwrap()?;
        if !matches!(resolution.found, Found::Collection) {
            return None;
        }
        let mut state = BTreeMap::new();
        for name in self.tree(at).await {
            let properties = self.object(&name).await.unwrap().properties;
            let octets = self.octets(&name).await.unwrap();
            let name = name.rsplit_once('/').unwrap().1.to_owned();
            state.insert(name, (octets, properties));
        }
        Some(state)
    }

    async fn assert_sound(&self) {
        assert_eq!(self.desk.store().check().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_deleted_object_comes_back_to_its_place() {
    let world = keeping(ALL).await;
    world
        .put("alice/calendar/a.ics", event("a", "Lunch"))
        .await
        .unwrap();
    assert_eq!(
        world.trash().await,
        Vec::<String>::new(),
        "a new object costs nothing"
    );
    world.wait(HOUR);
    world.delete("alice/calendar/a.ics").await.unwrap();
    let listed = world.listed().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].cause, TrashCause::Deleted);
    assert_eq!(listed[0].summary.as_deref(), Some("Lunch"));
    assert_eq!(listed[0].by.as_deref(), Some("alice"));
    let shown = world.desk.trash_show(&listed[0].id).await.unwrap();
    assert_eq!(shown.text.unwrap(), event("a", "Lunch"));
    for round in 0..2 {
        let done = world.desk.restore_item(&listed[0].id).await.unwrap();
        assert_eq!((done.returned, done.as_then), (1 - round, 1), "{done:?}");
    }
    assert_eq!(
        world.octets("alice/calendar/a.ics").await.unwrap(),
        event("a", "Lunch")
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn a_taken_name_and_a_used_uid_are_respected() {
    let world = keeping(ALL).await;
    world
        .put("alice/calendar/a.ics", event("a", "First"))
        .await
        .unwrap();
    world.wait(HOUR);
    world.delete("alice/calendar/a.ics").await.unwrap();
    world
        .put("alice/calendar/a.ics", event("b", "Second"))
        .await
        .unwrap();
    let id = &world.listed().await[0].id;
    let done = world.desk.restore_item(id).await.unwrap();
    assert_eq!(done.returned, 1);
    assert_eq!(
        done.notes,
        ["a.ics is back as a-restored.ics, because its name is taken"]
    );
    assert_eq!(
        world.octets("alice/calendar/a.ics").await.unwrap(),
        event("b", "Second")
    );
    world
        .put("alice/calendar/a-restored.ics", event("a", "Third"))
        .await
        .unwrap();
    let done = world.desk.restore_item(id).await.unwrap();
    assert_eq!((done.returned, done.refused), (0, 1));
    assert_eq!(
        done.notes,
        ["a.ics cannot come back: its calendar has an object with this UID: a-restored.ics"]
    );
}

#[tokio::test]
async fn versions_that_follow_closely_leave_the_first_and_the_last() {
    let world = keeping(TrashPolicy {
        version_apart_milliseconds: HOUR,
        ..ALL
    })
    .await;
    world
        .put("alice/calendar/a.ics", event("a", "Old"))
        .await
        .unwrap();
    let before = world.wait(2 * HOUR);
    for number in 0..50 {
        world.wait(1000);
        let octets = event("a", &number.to_string());
        world.put("alice/calendar/a.ics", octets).await.unwrap();
    }
    let during = world.desk.now().0 - 10_500;
    world.wait(2 * HOUR);
    assert_eq!(world.trash().await, ["Changed calendar/a.ics"]);
    let done = world.restore_at("calendar", during, false).await.unwrap();
    assert_eq!((done.reset, done.as_then), (0, 1));
    assert!(done.notes[0].contains("changed often"), "{:?}", done.notes);
    let done = world.restore_at("calendar", before, false).await.unwrap();
    assert_eq!(done.reset, 1);
    assert_eq!(
        world.octets("alice/calendar/a.ics").await.unwrap(),
        event("a", "Old")
    );
    assert_eq!(
        world.trash().await.len(),
        2,
        "what a restore replaces is kept"
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn a_calendar_takes_the_state_of_a_moment() {
    let world = keeping(ALL).await;
    for name in ["changed", "deleted", "same"] {
        let at = format!("alice/calendar/{name}.ics");
        world.put(&at, event(name, "Then")).await.unwrap();
    }
    let then = world.wait(HOUR);
    world.wait(HOUR);
    world
        .put("alice/calendar/changed.ics", event("changed", "Now"))
        .await
        .unwrap();
    world.delete("alice/calendar/deleted.ics").await.unwrap();
    world
        .put("alice/calendar/new.ics", event("new", "Now"))
        .await
        .unwrap();
    let done = world.restore_at("calendar", then, false).await.unwrap();
    let figures = (
        done.returned,
        done.reset,
        done.removed,
        done.left,
        done.as_then,
    );
    assert_eq!(figures, (1, 1, 0, 1, 3), "{done:?}");
    let done = world.restore_at("calendar", then, true).await.unwrap();
    let figures = (
        done.returned,
        done.reset,
        done.removed,
        done.left,
        done.as_then,
    );
    assert_eq!(figures, (0, 0, 1, 0, 3), "{done:?}");
    for name in ["changed", "deleted", "same"] {
        let at = format!("alice/calendar/{name}.ics");
        assert_eq!(world.octets(&at).await.unwrap(), event(name, "Then"));
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn moments_out_of_reach_and_odd_names_are_refused() {
    let world = keeping(ALL).await;
    let now = world.desk.now().0;
    for (name, at) in [
        ("calendar", now + 1),
        ("calendar", now - 31 * DAY),
        ("calendar", now - DAY),
        ("nothing", now),
        ("", now),
    ] {
        let refused = world.restore_at(name, at, false).await;
        assert!(
            matches!(refused, Err(TrashError::NotFound(_))),
            "{name} {refused:?}"
        );
    }
    for id in ["", "x", "1-2", "1-2-3-4", "+1", "77", "77-1-0"] {
        let refused = world.desk.restore_item(id).await;
        assert!(matches!(refused, Err(TrashError::NotFound(_))), "{id}");
        assert!(world.desk.trash_show(id).await.is_err(), "{id}");
    }
}

#[tokio::test]
async fn a_deleted_calendar_comes_back_with_all_that_was_in_it() {
    let world = keeping(ALL).await;
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/work/a.ics", event("a", "Plain"))
        .await
        .unwrap();
    world.wait(HOUR);
    world.delete("alice/work").await.unwrap();
    let store = world.desk.store();
    let home = store
        .resolve(&path("alice"))
        .await
        .unwrap()
        .unwrap()
        .home()
        .id;
    assert_eq!(store.weigh_trash().await.unwrap(), 1);
    assert_eq!(
        store.used_octets(home).await.unwrap(),
        0,
        "the trash is counted apart"
    );
    assert!(store.trash_octets(home).await.unwrap() > 0);
    world.assert_sound().await;
    // Another one has its name and its UID meanwhile.
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/work/b.ics", event("a", "Other"))
        .await
        .unwrap();
    assert_eq!(world.trash().await, ["Deleted work/"]);
    let id = world.listed().await[0].id.clone();
    let done = world.desk.restore_item(&id).await.unwrap();
    assert_eq!((done.place.as_str(), done.as_then), ("work-restored", 1));
    assert_eq!(
        world.octets("alice/work-restored/a.ics").await.unwrap(),
        event("a", "Plain")
    );
    assert!(world.listed().await.is_empty(), "marks are not listed");
    assert!(
        world.desk.restore_item(&id).await.is_err(),
        "it is there already"
    );
    world.assert_sound().await;
}

/// However the clock jumps, nothing goes before its time; nor does what bears a wrong time stay for ever.
#[tokio::test]
async fn a_clock_that_jumps_empties_no_trash() {
    const YEARS: i64 = 365 * DAY;
    let world = keeping(ALL).await;
    let store = world.desk.store();
    let delete = async |name: &str| {
        let at = format!("alice/calendar/{name}.ics");
        world.put(&at, event(name, name)).await.unwrap();
        world.delete(&at).await.unwrap();
    };
    let expire = async || while store.expire_trash(10).await.unwrap() {};
    let kept = async || {
        expire().await;
        let mut kept = world.trash().await;
        kept.retain(|line| line.starts_with("Deleted"));
        kept.len()
    };
    store.note_moment().await.unwrap();
    delete("before").await;
    assert_eq!(kept().await, 1);
    for (count, (years, name)) in [(14, "ahead"), (-30, "behind"), (16, "right")]
        .into_iter()
        .enumerate()
    {
        world.wait(years * YEARS);
        delete(name).await;
        assert_eq!(kept().await, count + 2, "{years}");
    }
    let days = ALL.deleted_milliseconds / DAY;
    // Three days of the jump were believed at once.
    for _ in 0..days - 4 {
        store.note_moment().await.unwrap();
        world.wait_days(1).await;
    }
    assert_eq!(kept().await, 4, "a day is left");
    // The clock was put back from the time that "ahead" bears: the commits tell how old it is.
    for _ in 0..6 {
        store.note_moment().await.unwrap();
        world.wait_days(1).await;
    }
    assert_eq!(kept().await, 0);
    world.assert_sound().await;
}

#[tokio::test]
async fn what_is_old_goes_and_then_the_blobs_may() {
    let world = keeping(TrashPolicy {
        versions_milliseconds: 10 * DAY,
        ..ALL
    })
    .await;
    let store = world.desk.store();
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/work/w.ics", event("w", "Work"))
        .await
        .unwrap();
    let large = |summary: &str| event("l", &summary.repeat(30_000));
    world.put("alice/calendar/l.ics", large("a")).await.unwrap();
    world.wait(HOUR);
    world.put("alice/calendar/l.ics", large("b")).await.unwrap();
    world.delete("alice/calendar/l.ics").await.unwrap();
    world.delete("alice/work").await.unwrap();
    store.weigh_trash().await.unwrap();
    let sweep = async || {
        let now = Timestamp(world.desk.now().0);
        store.sweep_blobs(now, None, 100).await.unwrap().0
    };
    for (days, left, swept) in [
        (
            9,
            &[
                "Deleted calendar/l.ics",
                "Deleted work/",
                "Changed calendar/l.ics",
            ][..],
            0,
        ),
        (2, &["Deleted calendar/l.ics", "Deleted work/"], 1),
        (20, &[], 1),
    ] {
        world.wait_days(days).await;
        while store.expire_trash(1).await.unwrap() {}
        while store.purge_detached(10).await.unwrap() {}
        let mut found = world.trash().await;
        found.sort();
        let mut left = left.to_vec();
        left.sort_unstable();
        assert_eq!(found, left);
        assert_eq!(sweep().await, swept);
        world.assert_sound().await;
    }
    let home = store
        .resolve(&path("alice"))
        .await
        .unwrap()
        .unwrap()
        .home()
        .id;
    assert_eq!(store.trash_octets(home).await.unwrap(), 0);
    assert_eq!(store.used_octets(home).await.unwrap(), 0);
}

#[tokio::test]
async fn of_too_much_the_oldest_goes_first() {
    let world = keeping(TrashPolicy {
        home_octets: 1_500,
        ..ALL
    })
    .await;
    let store = world.desk.store();
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    for number in 0..4 {
        for calendar in ["calendar", "work"] {
            let at = format!("alice/{calendar}/{number}.ics");
            world
                .put(&at, event(&format!("{calendar}{number}"), "x"))
                .await
                .unwrap();
            world.wait(1000);
            world.delete(&at).await.unwrap();
        }
    }
    let before = world.trash().await;
    while store.bound_trash(1).await.unwrap() {}
    let after = world.trash().await;
    assert!(after.len() < before.len() && !after.is_empty(), "{after:?}");
    assert_eq!(after, before[..after.len()], "the newest stay");
    let home = store
        .resolve(&path("alice"))
        .await
        .unwrap()
        .unwrap()
        .home()
        .id;
    assert!(store.trash_octets(home).await.unwrap() <= 1_500);
    assert!(!store.bound_trash(1).await.unwrap());
    world.assert_sound().await;
}

#[tokio::test]
async fn without_a_trash_nothing_is_kept() {
    let world = world().await;
    world
        .put("alice/calendar/a.ics", event("a", "x"))
        .await
        .unwrap();
    world.delete("alice/calendar/a.ics").await.unwrap();
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    world.delete("alice/work").await.unwrap();
    assert!(world.trash().await.is_empty());
    while world.desk.store().purge_detached(10).await.unwrap() {}
    world.assert_sound().await;
}

/// An account takes its trash along.
#[tokio::test]
async fn with_an_account_its_trash_goes() {
    let world = keeping(ALL).await;
    let store = world.desk.store();
    world
        .put("alice/calendar/a.ics", event("a", "x"))
        .await
        .unwrap();
    world.delete("alice/calendar/a.ics").await.unwrap();
    for name in ["work", "play"] {
        world
            .make(&format!("alice/{name}"), CollectionKind::Calendar)
            .await
            .unwrap();
        let at = format!("alice/{name}/a.ics");
        world.put(&at, event(name, "x")).await.unwrap();
        world.delete(&format!("alice/{name}")).await.unwrap();
    }
    store.weigh_trash().await.unwrap();
    store
        .remove_account(world.alice.principal.id)
        .await
        .unwrap();
    while store.purge_detached(10).await.unwrap() {}
    world.assert_sound().await;
    assert_eq!(store.weigh_trash().await.unwrap(), 0);
}

/// A restore that is cut off anywhere is finished by the next one, and what it left is sound.
#[tokio::test]
async fn a_restore_that_is_cut_off_is_finished_by_the_next() {
    for allowed in 1.. {
        let clock = Arc::new(ManualClock::default());
        let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
        let store = Store::open(faulty.clone(), environment_at(clock.clone()))
            .await
            .unwrap();
        let store = store.keeping(Some(ALL));
        let (alice, bob) = (user(&store, "alice").await, user(&store, "bob").await);
        let desk = Desk::new(store, Settings::default());
        let world = World {
            desk,
            clock,
            alice,
            bob,
        };
        world
            .make("alice/work", CollectionKind::Calendar)
            .await
            .unwrap();
        for number in 0..OBJECTS {
            let at = format!("alice/work/{number}.ics");
            world
                .put(&at, event(&number.to_string(), "Then"))
                .await
                .unwrap();
        }
        world
            .put("alice/work/m.ics", meeting("Plan"))
            .await
            .unwrap();
        let wanted = world.state("alice/work").await;
        let then = world.wait(HOUR);
        world.wait(1);
        for number in 0..OBJECTS {
            let at = format!("alice/work/{number}.ics");
            match number % 3 {
                0 => drop(world.delete(&at).await.unwrap()),
                1 => drop(
                    world
                        .put(&at, event(&number.to_string(), "Now"))
                        .await
                        .unwrap(),
                ),
                _ => {}
            }
        }
        world
            .put("alice/work/new.ics", event("new", "Now"))
            .await
            .unwrap();
        world.delete("alice/work").await.unwrap();
        world.desk.store().weigh_trash().await.unwrap();
        faulty.fail_commit(allowed, CommitError::Unavailable("cut off".to_owned()));
        let cut_off = world.restore_at("work", then, true).await.is_err();
        world.assert_sound().await;
        let done = world.restore_at("work", then, true).await.unwrap();
        assert_eq!(done.place, "work");
        assert_eq!(world.state("alice/work").await, wanted);
        world.assert_sound().await;
        if !cut_off {
            assert!(allowed > 3, "it took {allowed} commits only");
            return;
        }
    }
}

const OBJECTS: usize = 120;

/// One step of a history; numbers choose among a few names.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize, usize),
    Delete(usize, usize),
    Move((usize, usize), (usize, usize)),
    DeleteCalendar(usize),
    MakeCalendar(usize),
    Properties(usize, usize, u8),
    RestoreLatest(usize),
}

const CALENDARS: [&str; 2] = ["one", "two"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || (0..2usize, 0..3usize);
    let step = prop_oneof![
        6 => (0..2usize, 0..3usize, 0..4usize).prop_map(|(c, n, u)| Step::Put(c, n, u)),
        3 => place().prop_map(|(c, n)| Step::Delete(c, n)),
        3 => (place(), place()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => (0..2usize).prop_map(Step::DeleteCalendar),
        2 => (0..2usize).prop_map(Step::MakeCalendar),
        1 => (place(), 0..3u8).prop_map(|((c, n), v)| Step::Properties(c, n, v)),
        1 => (0..2usize).prop_map(Step::RestoreLatest),
    ];
    prop::collection::vec(step, 1..30)
}

async fn take(world: &World, step: &Step, number: usize) {
    let at = |(calendar, name): (usize, usize)| format!("alice/{}/{name}.ics", CALENDARS[calendar]);
    // Many are refused; what counts is what is there afterwards.
    match step {
        Step::Put(calendar, name, uid) => {
            let octets = event(&uid.to_string(), &number.to_string());
            let _ = world.put(&at((*calendar, *name)), octets).await;
        }
        Step::Delete(calendar, name) => {
            let _ = world.delete(&at((*calendar, *name))).await;
        }
        Step::Move(from, to) => {
            let _ = world.rename(&at(*from), &at(*to)).await;
        }
        Step::DeleteCalendar(calendar) => {
            let _ = world
                .delete(&format!("alice/{}", CALENDARS[*calendar]))
                .await;
        }
        Step::MakeCalendar(calendar) => {
            let at = format!("alice/{}", CALENDARS[*calendar]);
            let _ = world.make(&at, CollectionKind::Calendar).await;
        }
        Step::Properties(calendar, name, value) => {
            let change = ChangeProperties {
                path: path(&at((*calendar, *name))),
                changes: vec![(
                    "{urn:x}x".to_owned(),
                    Some(Bytes::copy_from_slice(&[*value])),
                )],
                conditions: Conditions::default(),
            };
            let _ = world.desk.change_properties(&world.alice, change).await;
        }
        Step::RestoreLatest(calendar) => {
            let name = CALENDARS[*calendar];
            let now = world.desk.now().0;
            let _ = world.restore_at(name, now - 1500, false).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever happened, each calendar comes back exactly as it was at each moment, as far as there was
    /// one of its name.
    #[test]
    fn every_moment_comes_back(steps in steps(), weighs: bool) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let world = keeping(ALL).await;
            let mut past: Vec<(i64, [Option<State>; 2])> = Vec::new();
            for (number, step) in steps.iter().enumerate() {
                world.wait(500);
                take(&world, step, number).await;
                let now = world.wait(500);
                let mut states = [None, None];
                for (state, name) in states.iter_mut().zip(CALENDARS) {
                    *state = world.state(&format!("alice/{name}")).await;
                }
                past.push((now, states));
                if weighs {
                    world.desk.store().weigh_trash().await.unwrap();
                }
            }
            world.assert_sound().await;
            for (time, states) in past.iter().rev() {
                for (name, state) in CALENDARS.iter().zip(states) {
                    world.wait(1000);
                    let done = world.restore_at(name, *time, true).await;
                    let Some(state) = state else {
                        continue;
                    };
                    let done = done.unwrap();
                    let found = world.state(&format!("alice/{}", done.place)).await;
                    assert_eq!(found.as_ref(), Some(state), "{name} at {time}: {done:?}");
                    world.assert_sound().await;
                }
            }
        });
    }
}
