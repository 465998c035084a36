//! Reads what litmus prints: a line per test, drawn over itself with carriage returns.

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `pass`
    Passed,
    /// `FAIL`, and why.
    Failed(String),
    /// `SKIPPED`, and why.
    Skipped(String),
    /// It began, and nothing more was printed of it.
    Unfinished,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it warned of.
    pub warnings: Vec<String>,
}

/// One suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuiteReport {
    /// In order.
    pub tests: Vec<TestReport>,
    /// Passed and failed, as litmus itself counts; `None` where it did not come so far.
    pub summary: Option<(usize, usize)>,
}

impl SuiteReport {
    /// Reads the output of one suite. Lines that are of no known form are passed over.
    pub fn parse(output: &str) -> SuiteReport {
        let mut report = SuiteReport::default();
        for line in output.split(['\n', '\r']).map(str::trim) {
            if let Some(summary) = parse_summary(line) {
                report.summary = Some(summary);
            } else if let Some((number, name, rest)) = parse_test(line) {
                // The same test is drawn again when it ends.
                if report.tests.len() <= number {
                    let outcome = Outcome::Unfinished;
                    report.tests.push(TestReport {
                        name: name.to_owned(),
                        outcome,
                        warnings: Vec::new(),
                    });
                }
                report.note(rest);
            } else if line.starts_with("..") {
                report.note(line.trim_start_matches('.').trim_start());
            } else if line.starts_with("WARNING:") {
                report.note(line);
            }
        }
        report
    }

    /// What is said of the test that runs.
    fn note(&mut self, text: &str) {
        let Some(test) = self.tests.last_mut() else {
            return;
        };
        if let Some(warning) = text.strip_prefix("WARNING:") {
            test.warnings.push(warning.trim().to_owned());
        } else if text == "pass" || text.starts_with("pass (with ") {
            test.outcome = Outcome::Passed;
        } else if let Some(reason) = text.strip_prefix("FAIL") {
            test.outcome = Outcome::Failed(in_parentheses(reason));
        } else if let Some(reason) = text.strip_prefix("SKIPPED") {
            test.outcome = Outcome::Skipped(in_parentheses(reason));
        }
    }
}

/// `12. name........ rest`
fn parse_test(line: &str) -> Option<(usize, &str, &str)> {
    let (number, rest) = line.split_once(". ")?;
    let number = number.parse().ok()?;
    // A long name leaves no room for the dots.
    let end = rest.find(['.', ' ']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    Some((number, name, rest.trim_start_matches('.').trim_start()))
}

/// ``<- summary for `basic': of 16 tests run: 15 passed, 1 failed. 93.8%``
fn parse_summary(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line
        .strip_prefix("<- summary for ")?
        .split_once("tests run: ")?;
    let (passed, rest) = counts.split_once(" passed, ")?;
    let (failed, _) = rest.split_once(" failed")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

fn in_parentheses(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(text)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: &str, outcome: Outcome, warnings: &[&str]) -> TestReport {
        let warnings = warnings.iter().map(|&warning| warning.to_owned()).collect();
        TestReport {
            name: name.into(),
            outcome,
            warnings,
        }
    }

    /// As litmus 0.13 prints it where its output is no terminal.
    #[test]
    fn a_run_is_read() {
        let output = "-> running `basic':\n\
            \r 0. init.................. \r 0. init.................. pass\n\
            \r 1. options............... WARNING: server does not claim Class 2 compliance\n    \
            ...................... pass (with 1 warning)\n    \
            ...................... \r 2. put_get............... pass\n\
            \r 3. put_no_parent......... \r 3. put_no_parent......... FAIL (MKCOL with missing intermediate succeeds)\n\
            \r 4. lock_shared........... SKIPPED (locking not supported)\n\
            \r 5. cond_put_corrupt_token \r 5. cond_put_corrupt_token pass\n\
            \r10. mkcol_with_body....... \n\
            <- summary for `basic': of 7 tests run: 4 passed, 1 failed. 57.1%\n\
            -> 1 warning was issued.\n";
        let report = SuiteReport::parse(output);
        assert_eq!(report.summary, Some((4, 1)));
        assert_eq!(
            report.tests,
            [
                test("init", Outcome::Passed, &[]),
                test(
                    "options",
                    Outcome::Passed,
                    &["server does not claim Class 2 compliance"]
                ),
                test("put_get", Outcome::Passed, &[]),
                test(
                    "put_no_parent",
                    Outcome::Failed("MKCOL with missing intermediate succeeds".into()),
                    &[]
                ),
                test(
                    "lock_shared",
                    Outcome::Skipped("locking not supported".into()),
                    &[]
                ),
                test("cond_put_corrupt_token", Outcome::Passed, &[]),
                test("mkcol_with_body", Outcome::Unfinished, &[]),
            ]
        );
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert_eq!(SuiteReport::parse(""), SuiteReport::default());
        assert_eq!(
            SuiteReport::parse("connection refused by `x' port 1: y\n"),
            SuiteReport::default()
        );
    }
}
