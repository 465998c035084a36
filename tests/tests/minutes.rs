//! The table of minutes per suite that `tests/run` prints, from kept samples of what cargo prints; and that
//! collecting it loses neither the output nor the exit status.
#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use tests::house;

const PASSING: &str = include_str!("../samples/cargo-test-passing.txt");
const FAILING: &str = include_str!("../samples/cargo-test-failing.txt");

/// The table of one sample.
fn table(sample: &str) -> String {
    let output = Command::new("awk")
        .args([
            "-f",
            "tests/minutes.awk",
            &format!("tests/samples/{sample}"),
        ])
        .current_dir(house::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Suites without tests are left out, and several results of one suite are one row.
#[test]
fn a_passing_run() {
    let expected = " minutes  tests  suite
    5.20         build of the tests
    0.20     90  calendar (src/lib.rs)
    0.00     15  rfc4918 (tests/rfc4918.rs), 1 ignored
    1.01      3  storage (examples in the documentation)
    6.41    108  together
";
    assert_eq!(table("cargo-test-passing.txt"), expected);
}

#[test]
fn a_failing_run() {
    let expected = " minutes  tests  suite
    0.01         build of the tests
    0.01    121  server (src/lib.rs)
    0.39      1  kill (tests/kill.rs)  FAILED
    0.40    122  together
";
    assert_eq!(table("cargo-test-failing.txt"), expected);
}

#[test]
fn a_run_that_breaks_off() {
    let expected = " minutes  tests  suite
    0.03         build of the tests
    0.10      1  storage (src/lib.rs), 1 ignored
    0.00      0  wire (tests/wire/main.rs)  no result
    0.12      1  together
";
    assert_eq!(table("cargo-test-aborting.txt"), expected);
}

/// `tests/run` of a checkout whose cargo says what a sample says, half of it as an error, and ends so.
fn run(sample: &str, status: u8) -> (Option<i32>, String) {
    let checkout = tempfile::tempdir().unwrap();
    let at = |name: &str| checkout.path().join(name);
    fs::create_dir_all(at("tests")).unwrap();
    fs::create_dir_all(at("bin")).unwrap();
    for name in ["tests/run", "tests/minutes.awk"] {
        fs::copy(house::root().join(name), at(name)).unwrap();
    }
    fs::write(at("sample.txt"), sample).unwrap();
    script(&at("tests/prepare"), "");
    let cargo = format!(
        "test \"$*\" = 'test --workspace --locked --quiet' || exit 3\n\
         head -n 3 sample.txt >&2\ntail -n +4 sample.txt\nexit {status}"
    );
    script(&at("bin/cargo"), &cargo);
    let path = format!(
        "{}:{}",
        at("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new(at("tests/run"))
        .arg("--quiet")
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn script(path: &Path, commands: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\n{commands}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_status_and_the_output_are_cargos() {
    let expected = PASSING.to_owned() + &table("cargo-test-passing.txt");
    assert_eq!(run(PASSING, 0), (Some(0), expected));
    let expected = FAILING.to_owned() + &table("cargo-test-failing.txt");
    assert_eq!(run(FAILING, 101), (Some(101), expected));
}
