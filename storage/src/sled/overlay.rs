//! The overlay: commits that are durable in the journal and not yet in the index, in versions that
//! never change. A reader holds one version for the time of its call and sees one moment.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use bytes::Bytes;
use rpds::RedBlackTreeMapSync;

use crate::{
    Revision,
    backend::{Committed, Key},
    resolve::Effects,
    sled::index::Index,
};

/// What the newest commit made of a row; no value where it was removed.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) revision: Revision,
    pub(super) value: Option<Bytes>,
}

/// Memory of one slot beside its key's and value's octets, roughly.
const SLOT_OCTETS: usize = 200;

/// A sorted set of slots that can be copied at no cost and then grown.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) slots: RedBlackTreeMapSync<Key, Slot>,
    /// Memory it takes, roughly.
    pub(super) octets: usize,
    /// The newest commit in it.
    pub(super) last: Committed,
}

impl Layer {
    fn new(last: Committed) -> Layer {
        Layer {
            slots: RedBlackTreeMapSync::new_sync(),
            octets: 0,
            last,
        }
    }

    /// Adds a commit.
    pub(super) fn push(&mut self, effects: Effects, committed: Committed) {
        for (key, value) in effects {
            // A row written twice is counted twice: the bound is on the safe side.
            self.octets += key.len() + value.as_ref().map_or(0, Bytes::len) + SLOT_OCTETS;
            self.slots.insert_mut(
                key,
                Slot {
                    revision: committed.revision,
                    value,
                },
            );
        }
        self.last = committed;
    }
}

/// The store at one moment.
#[derive(Clone)]
pub(super) struct Version {
    /// The layer that grows.
    pub(super) active: Layer,
    /// Full layers that wait to be moved into the index, newest first.
    pub(super) frozen: Vec<Arc<Layer>>,
    /// Up to which commit everything was moved: what is newer is in the layers.
    pub(super) moved: Revision,
    /// Everything older; `None` while the store is closed.
    pub(super) index: Option<Arc<Index>>,
}

impl Version {
    /// The newest commit that this version shows.
    pub(super) fn last(&self) -> Committed {
        self.active.last
    }

    /// Memory of all layers, roughly.
    pub(super) fn octets(&self) -> usize {
        self.active.octets + self.frozen.iter().map(|layer| layer.octets).sum::<usize>()
    }

    /// The same with the growing layer among the full ones.
    fn freeze(mut self) -> Version {
        let empty = Layer::new(self.active.last);
        let active = std::mem::replace(&mut self.active, empty);
        self.frozen.insert(0, Arc::new(active));
        self
    }
}

/// The current version, and those that readers still hold.
pub(super) struct Overlay {
    current: RwLock<Arc<Version>>,
    /// All versions that may still be held, oldest first, the current one last.
    held: Mutex<VecDeque<(Revision, Weak<Version>)>>,
}

impl Overlay {
    /// An overlay over an index that contains everything up to `last`.
    pub(super) fn new(index: Arc<Index>, last: Committed) -> Overlay {
        let version = Arc::new(Version {
            active: Layer::new(last),
            frozen: Vec::new(),
            moved: last.revision,
            index: Some(index),
        });
        let held = VecDeque::from([(last.revision, Arc::downgrade(&version))]);
        Overlay {
            current: RwLock::new(version),
            held: Mutex::new(held),
        }
    }

    /// Holds the current version.
    pub(super) fn pin(&self) -> Arc<Version> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Shows what was grown from the current version's `active` layer; freezes it where it has
    /// reached `layer_octets`, and says whether. Only the committer calls this.
    pub(super) fn publish(&self, active: Layer, layer_octets: usize) -> bool {
        let full = active.octets >= layer_octets;
        self.change(|version| {
            let version = Version {
                active,
                frozen: version.frozen.clone(),
                moved: version.moved,
                index: version.index.clone(),
            };
            if full { version.freeze() } else { version }
        });
        full
    }

    /// Freezes the growing layer, if there is anything in it. Only the committer calls this.
    pub(super) fn freeze(&self) {
        if !self.pin().active.slots.is_empty() {
            self.change(|version| version.clone().freeze());
        }
    }

    /// The oldest full layer.
    pub(super) fn oldest_frozen(&self) -> Option<Arc<Layer>> {
        self.pin().frozen.last().cloned()
    }

    /// Drops the oldest full layer: the index contains it now.
    pub(super) fn drop_oldest_frozen(&self) {
        self.change(|version| {
            let mut version = version.clone();
            if let Some(layer) = version.frozen.pop() {
                version.moved = layer.last.revision;
            }
            version
        });
    }

    /// Takes the index away: from now on nothing can be read.
    pub(super) fn close(&self) {
        self.change(|version| Version {
            index: None,
            ..version.clone()
        });
    }

    /// Puts the index back.
    pub(super) fn reopen(&self, index: Arc<Index>) {
        self.change(|version| Version {
            index: Some(index),
            ..version.clone()
        });
    }

    /// Whether a reader still holds a version with an index, after [`Overlay::close`].
    pub(super) fn index_is_held(&self) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().any(|(_, version)| {
            version
                .upgrade()
                .is_some_and(|version| version.index.is_some())
        })
    }

    /// Whether a reader still holds a version that does not show everything up to `revision`. The
    /// index must not contain what such a reader must not see.
    pub(super) fn is_held_before(&self, revision: Revision) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while held
            .front()
            .is_some_and(|(_, version)| version.strong_count() == 0)
        {
            held.pop_front();
        }
        held.front().is_some_and(|(oldest, _)| *oldest < revision)
    }

    fn change(&self, change: impl FnOnce(&Version) -> Version) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(change(&current));
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            while held
                .front()
                .is_some_and(|(_, version)| version.strong_count() == 0)
            {
                held.pop_front();
            }
            held.push_back((next.last().revision, Arc::downgrade(&next)));
        }
        let former = std::mem::replace(&mut *current, next);
        drop(current);
        // Its layers, if nobody else holds them, go without keeping readers waiting.
        drop(former);
    }
}
