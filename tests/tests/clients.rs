//! Real clients against a server on the real store: python-caldav, its own functional tests, and
//! caldav-server-tester with the report that is kept beside this file. `tests/run` installs them.
#![allow(clippy::unwrap_used)]

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use tests::{house, server::TestServer};

/// The interpreter with the pinned packages. A missing one is an error, never a skip.
fn python() -> PathBuf {
    let path = house::root().join("target/python/bin/python");
    assert!(
        path.exists(),
        "python-caldav is not installed: run `tests/run` once, it installs what the tests need"
    );
    path
}

/// Runs Python beside a server of its own.
async fn run(server: &TestServer, arguments: &[&str]) -> Output {
    let mut command = Command::new(python());
    command
        .args(arguments)
        .env("CONVOKE_URL", server.url())
        .current_dir(house::root().join("tests/python"));
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// What people do all day, through python-caldav.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_caldav() {
    let server = TestServer::start_on_disk().await;
    let output = run(
        &server,
        &[
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "test_convoke.py",
        ],
    )
    .await;
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
