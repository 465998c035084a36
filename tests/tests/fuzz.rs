//! Every fuzz target on its corpus and on so many changed inputs (`FUZZ_INPUTS` for more, with
//! `FUZZ_SEED` to repeat a run).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use storage::testing::SeededEntropy;
use tests::{
    fuzz::{TARGETS, corpus, mutated},
    house,
};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn no_target_is_surprised() {
    let seed = setting("FUZZ_SEED", 1);
    for target in &TARGETS {
        let corpus = corpus(target).unwrap();
        assert!(!corpus.is_empty(), "nothing to begin with: {}", target.name);
        corpus.iter().for_each(|input| (target.run)(input));
        let random = SeededEntropy::new(seed);
        for number in 0..setting("FUZZ_INPUTS", 3_000) {
            let input = mutated(&corpus, &random);
            let run = std::panic::catch_unwind(|| (target.run)(&input));
            assert!(
                run.is_ok(),
                "{}, input {number} of seed {seed}: {:?}",
                target.name,
                String::from_utf8_lossy(&input)
            );
        }
    }
}

/// Inputs for the fuzzer to begin with, as files in the folder that `FUZZ_SEEDS` names.
#[test]
#[ignore = "writes files"]
fn write_what_a_fuzzer_begins_with() {
    let folder = std::env::var_os("FUZZ_SEEDS").expect("FUZZ_SEEDS names a folder");
    for target in &TARGETS {
        let folder = std::path::Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, input) in corpus(target).unwrap().iter().enumerate() {
            std::fs::write(folder.join(number.to_string()), input).unwrap();
        }
    }
}

/// The folder for cargo-fuzz has the same targets.
#[test]
fn the_fuzzer_has_every_target() {
    let folder = house::root().join("fuzz/fuzz_targets");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = TARGETS
        .iter()
        .map(|target| format!("{}.rs", target.name))
        .collect();
    assert_eq!(files, expected);
}
