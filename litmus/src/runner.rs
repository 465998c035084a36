//! Starts litmus, one suite at a time.

use std::{io, process::Command};

use crate::{Suite, report::SuiteReport};

/// The version whose tests are known.
pub const VERSION: &str = "litmus 0.13";

/// Why a suite could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The program is not there.
    #[error(
        "litmus cannot be started ({0}); it is in Debian's package litmus: apt-get install litmus"
    )]
    Missing(io::Error),
    /// Another version, with other tests.
    #[error("{VERSION} is needed, not {0:?}")]
    OtherVersion(String),
    /// No folder for its traces.
    #[error("no folder for the traces: {0}")]
    Folder(io::Error),
}

/// Runs one suite against the collection at `url`, in which it makes a collection of its own, and gives
/// back what it found.
///
/// # Errors
/// Where litmus is missing or another version.
pub fn run_suite(
    suite: Suite,
    url: &str,
    user: &str,
    password: &str,
) -> Result<SuiteReport, RunError> {
    check_version()?;
    // litmus writes its traces to where it stands.
    let folder = tempfile::tempdir().map_err(RunError::Folder)?;
    let output = Command::new("litmus")
        .args(["--keep-going", url, user, password])
        .env("TESTS", suite.name)
        .current_dir(folder.path())
        .output()
        .map_err(RunError::Missing)?;
    Ok(SuiteReport::parse(&String::from_utf8_lossy(&output.stdout)))
}

fn check_version() -> Result<(), RunError> {
    let output = Command::new("litmus")
        .arg("--version")
        .output()
        .map_err(RunError::Missing)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if version == VERSION {
        Ok(())
    } else {
        Err(RunError::OtherVersion(version))
    }
}
