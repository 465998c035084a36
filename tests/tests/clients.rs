//! Real clients against a server on the real store: python-caldav, its own functional tests, and
//! caldav-server-tester with the report that is kept beside this file. `tests/run` installs them.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
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

/// Runs a program of the interpreter's environment beside a server of its own.
async fn run(server: &TestServer, mut command: Command) -> Output {
    command
        .env("CONVOKE_URL", server.url())
        .current_dir(house::root().join("tests/python"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What people do all day, through python-caldav.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_caldav() {
    let server = TestServer::start_on_disk().await;
    let mut command = Command::new(python());
    command.args([
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "test_convoke.py",
    ]);
    let output = run(&server, command).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// caldav-server-tester finds what the kept report says, and everything it does not call supported is
/// explained beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caldav_server_tester() {
    let server = TestServer::start_on_disk().await;
    let home = tempfile::tempdir().unwrap();
    let account = |name: &str| serde_json::json!({ "caldav_url": server.url(), "caldav_username": name, "caldav_password": name });
    let accounts = serde_json::json!({ "default": account("alice"), "bob": account("bob"), "carol": account("carol") });
    let folder = home.path().join(".config/caldav");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("calendar.conf"), accounts.to_string()).unwrap();
    let mut command = Command::new(python().with_file_name("caldav-server-tester"));
    command
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .args([
            "--config-section",
            "default",
            "--config-section",
            "bob",
            "--config-section",
            "carol",
            "--verbose",
            "--format",
            "json",
        ]);
    let output = run(&server, command).await;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let found: BTreeMap<String, String> = report["features"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(feature, facts)| {
            (
                feature.clone(),
                facts["support"].as_str().unwrap_or("full").to_owned(),
            )
        })
        .collect();
    let kept = house::root().join("tests/python/server-tester.json");
    if std::env::var_os("KEEP_REPORT").is_some() {
        std::fs::write(&kept, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let kept: BTreeMap<String, String> =
        serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(
        found, kept,
        "if this is right, run the test again with KEEP_REPORT=1 and explain what is new"
    );
    let explained =
        std::fs::read_to_string(house::root().join("tests/python/server-tester.md")).unwrap();
    for (feature, support) in &kept {
        assert!(
            support == "full" || explained.contains(&format!("`{feature}`")),
            "{feature} is {support} and not explained in server-tester.md"
        );
    }
}
