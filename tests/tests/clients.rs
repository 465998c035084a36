//! Real clients against a server on the real store: python-caldav, its own functional tests, caldav-server-tester
//! with the report that is kept in `tests/python`, vdirsyncer, and people with Thunderbird and Evolution. `tests/run`
//! installs them.
#![allow(clippy::unwrap_used)]

#[path = "clients/desktop.rs"]
mod desktop;
#[path = "clients/evolution.rs"]
mod evolution;
#[path = "clients/marionette.rs"]
mod marionette;
#[path = "clients/meetings.rs"]
mod meetings;
#[path = "clients/person.rs"]
mod person;
#[path = "clients/thunderbird.rs"]
mod thunderbird;
#[path = "clients/two_programs.rs"]
mod two_programs;
#[path = "clients/vdirsyncer.rs"]
mod vdirsyncer;

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

/// Runs a program of the interpreter's environment to its end.
async fn run(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What people do all day, through python-caldav.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_caldav() {
    let server = TestServer::start_on_disk().await;
    let mut command = Command::new(python());
    command
        .env("CONVOKE_URL", server.url())
        .current_dir(house::root().join("tests/python"))
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .arg("test_convoke.py");
    let output = run(command).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The functional tests of python-caldav that do not pass, and why. A test that begins to pass, or to be
/// run, has to leave this list.
const NOT_PASSED: [(&str, Outcome, &str); 10] = [
    (
        "TestForServerconvoke::testCheckCompatibility",
        Outcome::Failed,
        "runs caldav-server-tester and wants everything supported; server-tester.md explains what is not",
    ),
    (
        "TestForServerconvoke::testPrincipals",
        Outcome::Failed,
        "looks for DAV:displayname in an answer to a search that did not ask for it (RFC 3744 §9.4)",
    ),
    (
        "TestAsyncForconvoke::test_principals",
        Outcome::Failed,
        "the same",
    ),
    (
        "TestSchedulingForServerconvoke::testFreeBusy",
        Outcome::Failed,
        "asks for busy time between floating times, which must be in UTC (RFC 5545 §3.6.4)",
    ),
    (
        "TestAsyncSchedulingForconvoke::test_freebusy",
        Outcome::Failed,
        "the same",
    ),
    (
        "TestSchedulingForServerconvoke::testScheduleTagStableOnPartstateUpdate",
        Outcome::Failed,
        "wants the Schedule-Tag kept by the attendee's own PUT, which must change it (RFC 6638 §3.2.10)",
    ),
    (
        "TestAsyncSchedulingForconvoke::test_schedule_tag_stable_on_partstate_update",
        Outcome::Failed,
        "the same",
    ),
    (
        "TestForServerconvoke::testChangeAttendeeStatusWithEmptyAddressSet",
        Outcome::Skipped,
        "is about servers without calendar-user-address-set",
    ),
    (
        "TestForServerconvoke::testIssue399ChangeAttendeeStatusUsernameEmailFallback",
        Outcome::Skipped,
        "is about servers where people sign in with their mail address",
    ),
    (
        "TestSchedulingForServerconvoke::testAcceptInviteUsernameEmailFallback",
        Outcome::Skipped,
        "the same",
    ),
];

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// python-caldav's own functional tests, blocking and asynchronous, scheduling included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functional_tests_of_python_caldav() {
    /// That so many are run says that none has gone unnoticed.
    const PASSED: usize = 138;
    let server = TestServer::start_on_disk().await;
    let home = tempfile::tempdir().unwrap();
    let account =
        |name: &str| serde_json::json!({ "url": server.url(), "username": name, "password": name });
    let mut convoke = account("alice");
    convoke["type"] = "external".into();
    // Without any, tests of scheduling are skipped.
    convoke["features"] = serde_json::json!({ "scheduling": { "support": "full" } });
    convoke["scheduling_users"] = ["alice", "bob", "carol"].map(account).to_vec().into();
    let servers = serde_json::json!({ "test-servers": { "convoke": convoke } });
    let folder = home.path().join(".config/caldav");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("test_servers.json"), servers.to_string()).unwrap();
    let mut command = Command::new(python());
    command
        .current_dir(house::root().join("target/python/caldav"))
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .env("PYTHON_CALDAV_TEST_DOCKER", "0")
        .env("PYTHON_CALDAV_TEST_EMBEDDED", "0")
        .args(["-m", "pytest", "-q", "--tb=short", "--show-capture=no"])
        .args(["-rA", "--no-fold-skipped", "-p", "no:cacheprovider"])
        .args(["-o", "asyncio_default_fixture_loop_scope=function"])
        .args(["-W", "ignore", "-k", "convoke"])
        .args(["tests/test_caldav.py", "tests/test_async_integration.py"]);
    let output = run(command).await;
    let said = String::from_utf8_lossy(&output.stdout);
    // A test that passes and fails to clean up is told of twice, and counts as failed.
    let (passed, others): (Vec<_>, Vec<_>) = said
        .lines()
        .filter_map(outcome)
        .partition(|(_, outcome)| *outcome == Outcome::Passed);
    let others: BTreeMap<&str, Outcome> = others.into_iter().collect();
    let explained = NOT_PASSED.map(|(test, outcome, _)| (test, outcome));
    assert_eq!(
        others,
        BTreeMap::from(explained),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(passed.len(), PASSED, "{said}");
}

/// A line of pytest's summary: `FAILED tests/test_caldav.py::TestForServerconvoke::testPrincipals - why`.
fn outcome(line: &str) -> Option<(&str, Outcome)> {
    let (outcome, rest) = line.split_once(" tests/")?;
    let outcome = match outcome {
        "PASSED" => Outcome::Passed,
        "FAILED" | "ERROR" => Outcome::Failed,
        "SKIPPED" => Outcome::Skipped,
        _ => return None,
    };
    let (_, test) = rest.split_once("::")?;
    Some((test.split(" - ").next().unwrap_or(test), outcome))
}

/// What the tester says of each feature.
type Features = BTreeMap<String, BTreeMap<String, serde_json::Value>>;

/// Facts as they are in each run: the tags of resources are others each time.
fn without_tags(facts: &serde_json::Value) -> BTreeMap<String, serde_json::Value> {
    const TAG_DIGITS: usize = 16;
    let is_tag = |word: &str| {
        word.len() == TAG_DIGITS && word.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    let facts = facts.as_object().unwrap().iter();
    let same = facts.map(|(name, fact)| match fact.as_str() {
        None => (name.clone(), fact.clone()),
        Some(text) => {
            let words = text.split('"');
            let words = words.map(|word| if is_tag(word) { "..." } else { word });
            (name.clone(), words.collect::<Vec<_>>().join("\"").into())
        }
    });
    same.collect()
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
    let output = run(command).await;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let found: Features = report["features"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(feature, facts)| (feature.clone(), without_tags(facts)))
        .collect();
    let kept = house::root().join("tests/python/server-tester.json");
    if std::env::var_os("KEEP_REPORT").is_some() {
        std::fs::write(&kept, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let kept: Features = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(
        found, kept,
        "if this is right, run the test again with KEEP_REPORT=1 and explain what is new"
    );
    let explained =
        std::fs::read_to_string(house::root().join("tests/python/server-tester.md")).unwrap();
    for (feature, facts) in &kept {
        let support = facts["support"].as_str().unwrap_or("full");
        assert!(
            support == "full" || explained.contains(&format!("`{feature}`")),
            "{feature} is {support} and not explained in server-tester.md"
        );
    }
}
