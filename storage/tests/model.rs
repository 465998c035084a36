//! Random histories on the embedded backend and on the model side by side.

#[allow(dead_code, reason = "the model is the other side here, not a subject")]
mod subjects;

use proptest::prelude::*;
use storage::{
    sled::Options,
    testing::model::{Step, compare, histories},
};
use subjects::{OnDisk, cramped};

fn play(options: Options, history: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(compare(&OnDisk::new(options), history));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_as_shipped_does_as_the_model(history in histories(60)) {
        play(Options::default(), &history);
    }

    #[test]
    fn a_cramped_store_does_as_the_model(history in histories(120)) {
        play(cramped(), &history);
    }
}
