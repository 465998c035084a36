//! Runs the [litmus] WebDAV suite (0.13, Debian's package) against a server and reads what it found.
//!
//! The comparison is strict: every test of every suite has run and passed, and no warning was given.
//! There are no expected failures.
//!
//! [litmus]: http://www.webdav.org/neon/litmus/

mod report;
mod runner;

pub use report::{Outcome, SuiteReport, TestReport};
pub use runner::{RunError, VERSION, run_suite};

/// A suite, and how many tests it has; a run that breaks off early has fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// As litmus names it.
    pub name: &'static str,
    /// Tests in version 0.13.
    pub tests: usize,
}

/// All suites, in litmus' own order.
pub const SUITES: [Suite; 5] = [
    Suite {
        name: "basic",
        tests: 16,
    },
    Suite {
        name: "copymove",
        tests: 13,
    },
    Suite {
        name: "props",
        tests: 30,
    },
    Suite {
        name: "locks",
        tests: 41,
    },
    Suite {
        name: "http",
        tests: 4,
    },
];

/// What keeps a suite from being passed, one line each; empty where it is.
pub fn shortcomings(suite: Suite, report: &SuiteReport) -> Vec<String> {
    let mut lines = Vec::new();
    if report.tests.len() != suite.tests {
        lines.push(format!(
            "{}: {} tests ran, not {}",
            suite.name,
            report.tests.len(),
            suite.tests
        ));
    }
    if report.summary != Some((suite.tests, 0)) {
        lines.push(format!(
            "{}: the summary (passed, failed) is {:?}",
            suite.name, report.summary
        ));
    }
    for test in &report.tests {
        if test.outcome != Outcome::Passed {
            lines.push(format!("{}: {}: {:?}", suite.name, test.name, test.outcome));
        }
        for warning in &test.warnings {
            lines.push(format!("{}: {}: warning: {warning}", suite.name, test.name));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: Outcome, warnings: &[&str], summary: Option<(usize, usize)>) -> SuiteReport {
        let warnings = warnings.iter().map(|&warning| warning.to_owned()).collect();
        SuiteReport {
            tests: vec![TestReport {
                name: "init".into(),
                outcome,
                warnings,
            }],
            summary,
        }
    }

    #[test]
    fn only_a_complete_run_without_warnings_passes() {
        let suite = Suite {
            name: "basic",
            tests: 1,
        };
        assert!(shortcomings(suite, &report(Outcome::Passed, &[], Some((1, 0)))).is_empty());
        for bad in [
            report(Outcome::Failed("x".into()), &[], Some((0, 1))),
            report(Outcome::Failed("x".into()), &[], Some((1, 0))),
            report(Outcome::Skipped("x".into()), &[], Some((1, 0))),
            report(Outcome::Unfinished, &[], Some((1, 0))),
            report(Outcome::Passed, &["careful"], Some((1, 0))),
            report(Outcome::Passed, &[], Some((0, 0))),
            report(Outcome::Passed, &[], None),
            SuiteReport {
                tests: Vec::new(),
                summary: Some((1, 0)),
            },
        ] {
            assert!(!shortcomings(suite, &bad).is_empty(), "{bad:?}");
        }
    }
}
