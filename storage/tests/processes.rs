//! Two processes on one folder: the second is refused, and told who has it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{env, path::Path, process::Command, sync::Arc};

use storage::{
    sled::{OpenError, Options, Sled},
    testing::ManualClock,
};

/// Where the other process finds the folder.
const FOLDER: &str = "CONVOKE_TEST_FOLDER";

fn open(folder: &Path) -> Result<Sled, OpenError> {
    Sled::open(folder, Options::default(), Arc::new(ManualClock::default()))
}

/// Runs the test below in a process of its own; gives what it says.
fn other_process(folder: &Path) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_other_process", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let refused = format!(
        "answer: the store is in use by process {}",
        std::process::id()
    );
    for _ in 0..2 {
        let answer = other_process(folder.path());
        assert!(answer.contains(&refused), "{answer}");
    }
    drop(store);
    let answer = other_process(folder.path());
    assert!(answer.contains("answer: open"), "{answer}");
    open(folder.path()).unwrap();
}

#[test]
#[ignore = "the other half of a_second_process_is_refused, which starts it"]
fn the_other_process() {
    let folder = env::var_os(FOLDER).expect("the test above says where the store is");
    match open(Path::new(&folder)) {
        Ok(_) => println!("answer: open"),
        Err(error) => println!("answer: {error}"),
    }
}
