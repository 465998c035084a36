//! The backends as the suites see them.

use std::{path::Path, sync::Arc};

use storage::{
    backend::Backend,
    memory::Memory,
    sled::{Options, Sled},
    testing::{ManualClock, conformance::Subject},
};

/// The model itself.
#[derive(Default)]
pub struct InMemory {
    clock: Arc<ManualClock>,
}

impl Subject for InMemory {
    fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }
    fn open(&self) -> Arc<dyn Backend> {
        Arc::new(Memory::new(self.clock.clone()))
    }
    fn survives(&self) -> bool {
        false
    }
}

/// The embedded backend in a folder of its own.
pub struct OnDisk {
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
    options: Options,
}

impl OnDisk {
    /// An empty one.
    pub fn new(options: Options) -> OnDisk {
        let folder = tempfile::tempdir().expect("a temporary folder");
        OnDisk {
            clock: Arc::default(),
            folder,
            options,
        }
    }
}

impl Subject for OnDisk {
    fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }
    fn open(&self) -> Arc<dyn Backend> {
        let path: &Path = self.folder.path();
        Arc::new(
            Sled::open(path, self.options.clone(), self.clock.clone()).expect("the store opens"),
        )
    }
    fn survives(&self) -> bool {
        true
    }
}

/// So little memory and such short segments that moving, rotation and snapshots happen all the time.
pub fn cramped() -> Options {
    Options {
        cache_octets: 1 << 20,
        overlay_octets: 4096,
        segment_octets: 8192,
        snapshot_octets: 8192,
        archive: None,
    }
}
