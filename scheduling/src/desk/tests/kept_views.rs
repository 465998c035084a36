//! Views that are kept for the next start: never anything else than what the members are.

use storage::derived::DerivedFiles;

use super::{
    views::{calendar_id, compare, put_events},
    *,
};
use crate::calendar_view::{CalendarView, KeepingView, KeptView};

struct Kept {
    world: World,
    files: Arc<DerivedFiles>,
    _folder: tempfile::TempDir,
}

/// Files on a disk that has room.
fn open(folder: &tempfile::TempDir) -> Arc<DerivedFiles> {
    Arc::new(DerivedFiles::open(folder.path()).unwrap().sparing(0))
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
    let files = open(&folder);
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
    let files = open(&folder);
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
        kept.files.write(&name, &[octets]).unwrap();
        kept.start_again();
        assert!(!kept.is_taken_up().await);
    }
    kept.files.write(&name, &[&whole]).unwrap();
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
        // Whoever wrote in that life did not look at the files.
        kept.world = world_with(Settings::default(), |memory| Arc::new(memory)).await;
        for number in 0..50 + more {
            let (name, octets) = change(number);
            let at = format!("alice/calendar/{name}.ics");
            match octets {
                Some(octets) => drop(kept.world.put(&at, octets).await.unwrap()),
                None => drop(kept.world.delete(&at).await.unwrap()),
            }
        }
        assert_eq!(calendar_id(&kept.world).await, id);
        kept.start_again();
        assert_eq!(kept.is_taken_up().await, is_of_use, "{more} more");
    }
}

/// What the other life wrote behind the copy that is put back does not wait until its revisions are given again.
#[tokio::test]
async fn what_is_newer_than_the_store_goes_at_the_start() {
    let mut kept = kept(50).await;
    kept.start_again();
    assert_eq!(kept.names().len(), 1, "it is of this life");
    kept.files.write("notes", &[b"mine"]).unwrap();
    let copy = world_with(Settings::default(), |memory| Arc::new(memory)).await;
    let revision = copy.desk.store().revision();
    put_events(&copy, "calendar", 10).await;
    assert!(copy.desk.store().revision() > revision);
    drop(Desk::new(copy.desk.store().clone(), settings(&kept.files)));
    assert_eq!(kept.names(), ["notes"]);
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
    for name in ["no1number", "ff", "000000000000000A"] {
        kept.files.write(name, &[b"not ours"]).unwrap();
    }
    assert_eq!(kept.names().len(), 5);
    world.delete(other).await.unwrap();
    while store.purge_detached(100).await.unwrap() {}
    world.desk.keep_views(Keeping::All).await.unwrap();
    let mut left = kept.names();
    left.sort_unstable();
    let mut expected = vec![format!("{:016x}", calendar_id(world).await.0)];
    expected.extend(["000000000000000A", "ff", "no1number"].map(str::to_owned));
    expected.sort_unstable();
    assert_eq!(left, expected);
}

/// A file of a calendar that has become small would tell of what was removed as long as the calendar is there.
#[tokio::test]
async fn what_has_become_small_is_not_kept_any_more() {
    for keeping in [Keeping::Changed, Keeping::All] {
        let mut kept = kept(50).await;
        for number in 0..40 {
            let at = format!("alice/calendar/{number}.ics");
            kept.world.delete(&at).await.unwrap();
        }
        kept.start_again();
        compare(&kept.world).await;
        kept.world.desk.keep_views(keeping).await.unwrap();
        assert!(kept.names().is_empty(), "{keeping:?}");
        compare(&kept.world).await;
    }
}

/// Before the server ends, a view that nobody asked for since is brought up to date: what was written at its moment
/// was written again, so that the file would be of no use.
#[tokio::test]
async fn what_is_behind_at_the_end_is_caught_up_with() {
    let mut kept = kept(50).await;
    let again = event("calendar 49", "y");
    kept.world
        .put("alice/calendar/49.ics", again)
        .await
        .unwrap();
    kept.world.desk.keep_views(Keeping::All).await.unwrap();
    kept.start_again();
    let id = calendar_id(&kept.world).await;
    let shown = kept.world.desk.shown(id).await.unwrap().unwrap();
    assert_eq!(shown.read(CalendarView::changes_not_kept), 0);
    compare(&kept.world).await;
}

/// What can be made again takes no room from what cannot; once there is some, it is kept.
#[tokio::test]
async fn a_full_disk_is_left_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let full = DerivedFiles::open(folder.path()).unwrap();
    let full = Arc::new(full.sparing(u64::MAX));
    let mut world = world_with(settings(&full), |memory| Arc::new(memory)).await;
    put_events(&world, "calendar", 50).await;
    compare(&world).await;
    for keeping in [Keeping::Changed, Keeping::All] {
        let refused = world.desk.keep_views(keeping).await;
        assert!(matches!(refused, Err(Refusal::Unavailable(_))));
        assert!(full.names().unwrap().is_empty());
    }
    compare(&world).await;
    let files = open(&folder);
    world.desk = Desk::new(world.desk.store().clone(), settings(&files));
    compare(&world).await;
    world.desk.keep_views(Keeping::Changed).await.unwrap();
    assert_eq!(files.names().unwrap().len(), 1);
}

/// While a view is written, members come, go and change: what is kept is some state of each, and what is newer
/// than its moment is caught up with.
#[tokio::test]
async fn changes_between_two_pages_do_no_harm() {
    let mut kept = kept(50).await;
    let id = calendar_id(&kept.world).await;
    let shown = kept.world.desk.shown(id).await.unwrap().unwrap();
    let token = shown.read(CalendarView::token).unwrap();
    let last_change = kept.world.desk.store().change_at(id, token).await;
    let mut keeping = KeepingView::default();
    let mut more = shown.read(|view| keeping.take(view)).unwrap();
    assert!(more, "a page is less than all");
    for (name, summary) in [("0", "y"), ("9", "y"), ("00", "new"), ("a", "new")] {
        let at = format!("alice/calendar/{name}.ics");
        let uid = format!("calendar {name}");
        kept.world.put(&at, event(&uid, summary)).await.unwrap();
    }
    for name in ["1", "8"] {
        let at = format!("alice/calendar/{name}.ics");
        kept.world.delete(&at).await.unwrap();
    }
    let shown = kept.world.desk.shown(id).await.unwrap().unwrap();
    while more {
        more = shown.read(|view| keeping.take(view)).unwrap();
    }
    let change = last_change.unwrap().unwrap();
    let [head, members] = keeping
        .finish(id, token, change, std::iter::empty())
        .unwrap();
    let name = kept.names().pop().unwrap();
    kept.files.write(&name, &[&head, &members]).unwrap();
    kept.start_again();
    assert!(kept.is_taken_up().await);
}
