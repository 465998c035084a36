//! The views in memory, within a bound: the one that nobody has asked for the longest goes first.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
};

use storage::{Revision, model::CollectionId};

use super::CalendarView;

/// What views may take.
#[derive(Clone, Copy, Debug)]
pub struct ViewBounds {
    /// Memory of all views together, in octets. A collection whose view alone would take more has none: its
    /// members are read for each question.
    pub octets: usize,
}

impl Default for ViewBounds {
    /// 64 MiB: about 300,000 objects.
    fn default() -> ViewBounds {
        ViewBounds {
            octets: 64 * 1024 * 1024,
        }
    }
}

/// The view of one collection, and what keeps two from making it at once.
#[derive(Debug, Default)]
pub struct Shown {
    view: RwLock<CalendarView>,
    /// Memory of the view, which nobody need wait for the view to know.
    octets: AtomicUsize,
    /// Held while the view is made or brought up to date.
    pub(crate) work: tokio::sync::Mutex<()>,
    /// Everything that was readable at this revision is in the view.
    through: AtomicU64,
    used: AtomicU64,
    /// The view was larger than any may be; how many questions are answered without one before somebody looks
    /// whether it still is.
    questions_without: AtomicU32,
}

impl Shown {
    /// Looks at the view; nobody can change it meanwhile, so that this must be short.
    pub fn read<T>(&self, look: impl FnOnce(&CalendarView) -> T) -> T {
        look(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut CalendarView) -> T) -> T {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut view);
        self.octets.store(view.octets(), Ordering::Relaxed);
        changed
    }

    pub(crate) fn replace(&self, new: CalendarView) {
        let old = {
            let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
            self.octets.store(new.octets(), Ordering::Relaxed);
            std::mem::replace(&mut *view, new)
        };
        // A large one goes without keeping readers waiting.
        drop(old);
    }

    /// Whether there can be no view, as was seen before. Each question without one reads all members, so that
    /// one more reading from time to time, to see whether the calendar has shrunk, costs little.
    pub(crate) fn is_too_large(&self) -> bool {
        let fewer = |left: u32| left.checked_sub(1);
        let counted = &self.questions_without;
        counted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_ok()
    }

    /// The view, of a place that nobody else has.
    pub(crate) fn into_view(self) -> CalendarView {
        self.view
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn through(&self) -> Revision {
        Revision(self.through.load(Ordering::Acquire))
    }

    pub(crate) fn confirm(&self, through: Revision) {
        self.through.fetch_max(through.0, Ordering::AcqRel);
    }
}

/// The views of all collections.
#[derive(Debug)]
pub(crate) struct Views {
    bounds: ViewBounds,
    known: Mutex<Known>,
    /// How many members of collections changed since that was last asked.
    changes: Mutex<HashMap<CollectionId, usize>>,
}

#[derive(Debug, Default)]
struct Known {
    shown: HashMap<CollectionId, Arc<Shown>>,
    /// Counts questions, so that it is known which view was asked for last.
    questions: u64,
}

/// Questions that are answered without a view before it is tried again.
pub(crate) const QUESTIONS_WITHOUT: u32 = 16;
/// Collections of which something is remembered, views or only that there is none.
const MAXIMUM_COLLECTIONS: usize = 10_000;

impl Views {
    pub fn new(bounds: ViewBounds) -> Views {
        Views {
            bounds,
            known: Mutex::default(),
            changes: Mutex::default(),
        }
    }

    /// The largest view that is kept, in octets.
    pub fn largest_octets(&self) -> usize {
        self.bounds.octets
    }

    /// The place of a collection's view, which may be empty.
    pub fn of(&self, id: CollectionId) -> Arc<Shown> {
        let mut known = self.lock();
        known.questions += 1;
        let now = known.questions;
        let shown = Arc::clone(known.shown.entry(id).or_default());
        shown.used.store(now, Ordering::Relaxed);
        if known.shown.len() > MAXIMUM_COLLECTIONS {
            drop_oldest(&mut known, id);
        }
        shown
    }

    /// Notes that there can be no view of a collection. Who looks at an older one still may.
    pub fn note_too_large(&self, id: CollectionId) {
        let shown = Shown::default();
        shown
            .questions_without
            .store(QUESTIONS_WITHOUT, Ordering::Relaxed);
        self.lock().shown.insert(id, Arc::new(shown));
    }

    /// Makes room, not at the cost of the view of `id`. All collections wait for this, so that it waits for none.
    pub fn keep_within_bounds(&self, id: CollectionId) {
        let mut known = self.lock();
        loop {
            let octets: usize = known
                .shown
                .values()
                .map(|shown| shown.octets.load(Ordering::Relaxed))
                .sum();
            if octets <= self.bounds.octets || !drop_oldest(&mut known, id) {
                return;
            }
        }
    }

    /// Counts changes of members, each with the collection that it is in.
    pub fn count_changes(&self, collections: impl Iterator<Item = CollectionId>) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        for id in collections {
            *changes.entry(id).or_default() += 1;
        }
        if changes.len() > MAXIMUM_COLLECTIONS {
            changes.clear();
        }
    }

    /// The collections in which so many changes were counted. They are counted anew from now on.
    pub fn take_changed(&self, changes: usize) -> Vec<CollectionId> {
        let mut counted = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = counted.extract_if(|_, counted| *counted >= changes);
        changed.map(|(id, _)| id).collect()
    }

    /// All that are in memory.
    pub fn all(&self) -> Vec<(CollectionId, Arc<Shown>)> {
        let known = self.lock();
        let shown = known.shown.iter();
        shown.map(|(id, shown)| (*id, Arc::clone(shown))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the view that nobody has asked for the longest, but not this one; says whether there was one.
fn drop_oldest(known: &mut Known, but: CollectionId) -> bool {
    let others = known.shown.iter().filter(|(id, _)| **id != but);
    let oldest = others.min_by_key(|(_, shown)| shown.used.load(Ordering::Relaxed));
    let Some(id) = oldest.map(|(id, _)| *id) else {
        return false;
    };
    known.shown.remove(&id).is_some()
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    /// While somebody has one view to himself, others come and go.
    #[test]
    fn room_is_made_without_waiting_for_a_view() {
        let views = Arc::new(Views::new(ViewBounds::default()));
        let busy = views.of(CollectionId(1));
        let (done, is_done) = mpsc::channel();
        busy.change(|_| {
            let views = Arc::clone(&views);
            let other = thread::spawn(move || {
                views.of(CollectionId(2));
                views.keep_within_bounds(CollectionId(2));
                let _ = done.send(views.all().len());
            });
            // It is at once, or never.
            assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(2));
            assert!(other.join().is_ok());
        });
    }
}
