//! The overlay: commits that are durable in the journal and not yet in the index, in versions that
//! never change. A reader holds one version for the time of its call and sees one moment.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use crate::{
    Revision,
    backend::Committed,
    sled::{
        index::Index,
        layer::{Layer, Pending},
    },
};

/// A full layer, which no commit will be added to.
#[derive(Clone)]
pub(super) struct Frozen {
    pub(super) layer: Arc<Layer>,
    /// The newest commit in it.
    pub(super) last: Committed,
}

/// The store at one moment.
#[derive(Clone)]
pub(super) struct Version {
    /// The newest commit that this version shows; what is newer in the layers is not of this moment.
    pub(super) last: Committed,
    /// The layer that grows.
    pub(super) active: Arc<Layer>,
    /// Full layers that wait to be moved into the index, newest first.
    pub(super) frozen: Vec<Frozen>,
    /// Up to which commit everything was moved: what is newer is in the layers.
    pub(super) moved: Revision,
    /// Everything older; `None` while the store is closed.
    pub(super) index: Option<Arc<Index>>,
}

impl Version {
    /// Memory of all layers, roughly.
    pub(super) fn octets(&self) -> usize {
        self.layers().map(Layer::octets).sum()
    }

    /// All layers, newest first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        let frozen = self.frozen.iter().map(|frozen| &*frozen.layer);
        std::iter::once(&*self.active).chain(frozen)
    }

    /// The same with the growing layer among the full ones.
    fn freeze(mut self) -> Version {
        let layer = std::mem::take(&mut self.active);
        let last = self.last;
        self.frozen.insert(0, Frozen { layer, last });
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
            last,
            active: Arc::default(),
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

    /// Shows a group of commits, the newest of which is `last`; freezes the layer where it has reached
    /// `layer_octets`, and says whether. Only the committer calls this.
    pub(super) fn publish(&self, pending: Pending, last: Committed, layer_octets: usize) -> bool {
        let active = Arc::clone(&self.pin().active);
        active.add(pending);
        let full = active.octets() >= layer_octets;
        self.change(|version| {
            let version = Version {
                last,
                ..version.clone()
            };
            if full { version.freeze() } else { version }
        });
        full
    }

    /// Freezes the growing layer, if there is anything in it. Only the committer calls this.
    pub(super) fn freeze(&self) {
        if !self.pin().active.is_empty() {
            self.change(|version| version.clone().freeze());
        }
    }

    /// The oldest full layer.
    pub(super) fn oldest_frozen(&self) -> Option<Frozen> {
        self.pin().frozen.last().cloned()
    }

    /// Drops the oldest full layer: the index contains it now.
    pub(super) fn drop_oldest_frozen(&self) {
        self.change(|version| {
            let mut version = version.clone();
            if let Some(frozen) = version.frozen.pop() {
                version.moved = frozen.last.revision;
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
            held.push_back((next.last.revision, Arc::downgrade(&next)));
        }
        let former = std::mem::replace(&mut *current, next);
        drop(current);
        // Its layers, if nobody else holds them, go without keeping readers waiting.
        drop(former);
    }
}
