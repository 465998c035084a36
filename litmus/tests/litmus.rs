//! Every suite of litmus against a fresh server, in a collection of alice's home.
//!
//! A missing litmus is a failure, not a reason to skip.

use litmus::{SUITES, Suite, SuiteReport, run_suite, shortcomings};
use tests::server::TestServer;

async fn run(suite: Suite) -> SuiteReport {
    let server = TestServer::start().await;
    let url = format!("{}/dav/calendars/users/alice/", server.url());
    let report =
        tokio::task::spawn_blocking(move || run_suite(suite, &url, "alice", "alice")).await;
    report
        .expect("the runner does not panic")
        .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_suite_passes() {
    let mut lines = Vec::new();
    for suite in SUITES {
        lines.extend(shortcomings(suite, &run(suite).await));
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}
