//! Random histories with crashes and a disk that fails at random calls, against the model.

use std::io;

use proptest::prelude::*;

use super::{
    bad_disk::{BadDisk, Plan},
    *,
};
use crate::testing::{
    conformance::Subject,
    model::{Event, Fragile, Outage, compare_with_crashes, histories_with_crashes},
};

/// A store on a disk that fails when it is told to.
struct OnBadDisk {
    place: Place,
    plan: Arc<Plan>,
    clock: Arc<ManualClock>,
}

impl OnBadDisk {
    fn new(place: Place) -> OnBadDisk {
        OnBadDisk {
            place,
            plan: Arc::default(),
            clock: Arc::default(),
        }
    }

    fn opened(&self) -> Result<Sled, OpenError> {
        let plan = self.plan.clone();
        Sled::open_on(
            Arc::new(BadDisk { plan }),
            self.place.path(),
            self.place.options.clone(),
            self.clock.clone(),
        )
    }
}

impl Subject for OnBadDisk {
    fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }

    fn open(&self) -> Arc<dyn Backend> {
        Arc::new(self.opened().unwrap())
    }

    fn survives(&self) -> bool {
        true
    }
}

impl Fragile for OnBadDisk {
    fn break_disk(&self, outage: Outage) {
        self.plan.fail_from(
            outage.after + 1,
            outage.calls,
            io::ErrorKind::Other,
            |_, _| true,
        );
    }

    fn heal_disk(&self) {
        self.plan.heal();
    }

    fn lose_index(&self) {
        if self.place.path().join("index").exists() {
            self.place.remove_index();
        }
    }

    fn try_open(&self) -> Option<Arc<dyn Backend>> {
        Some(Arc::new(self.opened().ok()?))
    }
}

fn play(place: Place, history: &[Event]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(compare_with_crashes(&OnBadDisk::new(place), history));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_survives_every_crash(history in histories_with_crashes(50)) {
        play(Place::new(), &history);
    }

    #[test]
    fn a_cramped_store_survives_every_crash(history in histories_with_crashes(80)) {
        play(Place::cramped(), &history);
    }
}
