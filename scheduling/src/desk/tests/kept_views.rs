//! Views that are kept for the next start: never anything else than what the members are.

use storage::derived::DerivedFiles;

use super::{
    views::{calendar_id, compare, put_events},
    *,
};
use crate::calendar_view::{CalendarView, KeptView};

struct Kept {
    world: World,
    files: Arc<DerivedFiles>,
    _folder: tempfile::TempDir,
}

fn settings(files: &Arc<DerivedFiles>) -> Settings {
    Settings {
        kept_views: Some(Arc::clone(files)),
        ..Settings::default()
    }
}

/// A calendar of so many events whose view was kept.
async fn kept(events: usize) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(DerivedFiles::open(folder.path()).unwrap());
    let world = world_with(settings(&files), |memory| Arc::new(memory)).await;
    put_events(&world, "calendar", events).await;
    compare(&world).await;
    world.desk.keep_views(Keeping::Changed).await.unwrap();
    Kept {
        world,
        files,
        _folder: folder,
    }
}

impl Kept {
    /// The server begins anew over the same store.
    fn start_again(&mut self) {
        let store = self.world.desk.store().clone();
        self.world.desk = Desk::new(store, settings(&self.files));
    }

    /// Whether the next question, which is answered rightly, takes up what was kept.
    async fn is_taken_up(&self) -> bool {
        compare(&self.world).await;
        let id = calendar_id(&self.world).await;
        let shown = self.world.desk.shown(id).await.unwrap().unwrap();
        shown.read(|view| view.changes_not_kept() < view.len())
    }

    fn names(&self) -> Vec<String> {
        self.files.names().unwrap()
    }
}

#[tokio::test]
async fn the_next_start_takes_up_what_was_kept() {
    let mut kept = kept(50).await;
    assert_eq!(kept.names().len(), 1);
    for _ in 0..2 {
        kept.start_again();
        assert!(kept.is_taken_up().await);
    }
}

/// A calendar that somebody filled, and nobody asked about, is ready for the next start.
#[tokio::test]
async fn what_was_filled_is_kept_before_anybody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(DerivedFiles::open(folder.path()).unwrap());
    for (events, expected) in [(19, 0), (20, 1)] {
        let world = world_with(settings(&files), |memory| Arc::new(memory)).await;
        put_events(&world, "calendar", events).await;
        world.desk.keep_views(Keeping::All).await.unwrap();
        assert_eq!(files.names().unwrap().len(), expected);
    }
}

/// Whatever happened since is found in the change log.
#[tokio::test]
async fn what_changed_since_is_caught_up_with() {
    let mut kept = kept(50).await;
    for number in [3, 49] {
        let at = format!("alice/calendar/{number}.ics");
        kept.world.delete(&at).await.unwrap();
    }
    kept.world
        .rename("alice/calendar/7.ics", "alice/calendar/a.ics")
        .await
        .unwrap();
    let again = event("calendar 8", "y");
    kept.world.put("alice/calendar/8.ics", again).await.unwrap();
    kept.start_again();
    assert!(kept.is_taken_up().await);
    // Kept as it is now, before the server ends, though little has changed.
    kept.world.desk.keep_views(Keeping::All).await.unwrap();
    kept.start_again();
    let id = calendar_id(&kept.world).await;
    let shown = kept.world.desk.shown(id).await.unwrap().unwrap();
    assert_eq!(shown.read(CalendarView::changes_not_kept), 0);
}

/// Few members are read at once, and little that has changed is caught up with.
#[tokio::test]
async fn what_is_not_worth_it_is_not_written() {
    let small = kept(5).await;
    small.world.desk.keep_views(Keeping::All).await.unwrap();
    assert!(small.names().is_empty());

    let kept = kept(60).await;
    let name = kept.names().pop().unwrap();
    let before = kept.files.read(&name).unwrap();
    let written = async |events: usize| {
        put_events(&kept.world, "calendar", events).await;
        for number in 0..events {
            let at = format!("alice/calendar/{number}.ics");
            let other = event(&format!("calendar {number}"), &format!("of {events}"));
            kept.world.put(&at, other).await.unwrap();
        }
        compare(&kept.world).await;
        kept.world.desk.keep_views(Keeping::Changed).await.unwrap();
        kept.files.read(&name).unwrap() != before
    };
    assert!(!written(3).await);
    assert!(written(20).await);
}

/// A file that is damaged, of another collection, or of other rules is passed over.
#[tokio::test]
async fn what_is_of_no_use_is_passed_over() {
    let mut kept = kept(50).await;
    let name = kept.names().pop().unwrap();
    let whole = kept.files.read(&name).unwrap();
    let other_mark = [b"convoke view 0\r\n", &whole[16..]].concat();
    let mut other_rules = whole.clone();
    other_rules[16] ^= 1;
    let mut other_collection = whole.clone();
    other_collection[22] ^= 1;
    let longer = [&whole[..], b"x"].concat();
    for octets in [
        b"",
        &other_mark[..],
        &other_rules,
        &other_collection,
        &whole[..whole.len() - 1],
        &longer,
    ] {
        kept.files.write(&name, octets).unwrap();
        kept.start_again();
        assert!(!kept.is_taken_up().await);
    }
    kept.files.write(&name, &whole).unwrap();
    kept.start_again();
    assert!(kept.is_taken_up().await);
}

/// Octets that are no view never do harm.
#[tokio::test]
async fn any_octets_are_survived() {
    let kept = kept(20).await;
    let whole = kept.files.read(&kept.names().pop().unwrap()).unwrap();
    let id = calendar_id(&kept.world).await;
    for at in 0..whole.len() {
        for octet in [0, 0x7F, 0x80, 0xFF] {
            let mut other = whole.clone();
            other[at] = octet;
            let _ = KeptView::decode(id, &other);
        }
        assert!(KeptView::decode(id, &whole[..at]).is_none());
    }
}

/// Somebody puts back an older copy of the data without this folder, and goes on from there: the file knows
/// of what never happened, at revisions that are given again.
#[tokio::test]
async fn the_view_of_another_life_is_not_taken_up() {
    type Change = fn(usize) -> (String, Option<Bytes>);
    // In the other life the same members were written at the same revisions, but for one.
    let same: Change = |number| {
        (
            number.to_string(),
            Some(event(&format!("calendar {number}"), "x")),
        )
    };
    let other_content: Change = |number| {
        let summary = if number == 44 { "y" } else { "x" };
        (
            number.to_string(),
            Some(event(&format!("calendar {number}"), summary)),
        )
    };
    let other_name: Change = |number| {
        let name = if number == 44 {
            "z".into()
        } else {
            number.to_string()
        };
        (name, Some(event(&format!("calendar {number}"), "x")))
    };
    let last_removed: Change = |number| match number {
        49 => ("48".into(), None),
        _ => (
            number.to_string(),
            Some(event(&format!("calendar {number}"), "x")),
        ),
    };
    let longer: Change = |number| match number {
        0 => ("00".into(), Some(event("first", "x"))),
        _ => (
            number.to_string(),
            Some(event(&format!("calendar {number}"), "x")),
        ),
    };
    for (change, more, is_of_use) in [
        (same, 0, true),
        (same, 5, true),
        (other_content, 0, false),
        (other_content, 5, false),
        (other_name, 5, false),
        (last_removed, 5, false),
        (longer, 5, false),
    ] {
        let mut kept = kept(50).await;
        let id = calendar_id(&kept.world).await;
        kept.world = world_with(settings(&kept.files), |memory| Arc::new(memory)).await;
        for number in 0..50 + more {
            let (name, octets) = change(number);
            let at = format!("alice/calendar/{name}.ics");
            match octets {
                Some(octets) => drop(kept.world.put(&at, octets).await.unwrap()),
                None => drop(kept.world.delete(&at).await.unwrap()),
            }
        }
        assert_eq!(calendar_id(&kept.world).await, id);
        assert_eq!(kept.is_taken_up().await, is_of_use, "{more} more");
    }
}

/// After a restore nothing of before counts.
#[tokio::test]
async fn a_new_epoch_begins_without_views() {
    let mut kept = kept(50).await;
    let store = kept.world.desk.store().clone();
    let (backend, environment) = (Arc::clone(store.backend()), store.environment().clone());
    store.begin_epoch().await.unwrap();
    let store = Store::open(backend, environment).await.unwrap();
    kept.world.desk = Desk::new(store, settings(&kept.files));
    assert!(!kept.is_taken_up().await);
}

/// Names and times of a calendar do not outlive it.
#[tokio::test]
async fn what_was_kept_of_a_calendar_goes_with_it() {
    let kept = kept(50).await;
    let (world, store) = (&kept.world, kept.world.desk.store());
    let other = "alice/other";
    world.make(other, CollectionKind::Calendar).await.unwrap();
    put_events(world, "other", 30).await;
    let id = store.resolve(&path(other)).await.unwrap().unwrap();
    world.desk.shown(id.collection().id).await.unwrap();
    world.desk.keep_views(Keeping::Changed).await.unwrap();
    kept.files.write("no1number", b"x").unwrap();
    assert_eq!(kept.names().len(), 3);
    world.delete(other).await.unwrap();
    while store.purge_detached(100).await.unwrap() {}
    world.desk.keep_views(Keeping::All).await.unwrap();
    assert_eq!(
        kept.names(),
        [format!("{:016x}", calendar_id(world).await.0)]
    );
}
