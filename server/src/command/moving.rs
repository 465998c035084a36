//! What import and migrate share: progress, the summary at the end, and how Ctrl-C ends them.

use std::{
    cell::{Cell, RefCell},
    process::ExitCode,
};

use super::{Failure, Output, progress::Progress};
use crate::moving::intake::{Intake, Performer, Summary};

/// The line of progress, and whether somebody wants it to end.
pub struct Line {
    what: &'static str,
    progress: RefCell<Progress>,
    interrupted: Cell<bool>,
}

impl Line {
    /// For a command of this name.
    pub fn new(what: &'static str) -> Line {
        Line {
            what,
            progress: RefCell::new(Progress::standard()),
            interrupted: Cell::new(false),
        }
    }

    /// Does something unless Ctrl-C comes first. Every object is in its calendar as a whole or not at all,
    /// whenever that is.
    ///
    /// # Errors
    /// Its own, and the interruption.
    pub async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => {
                self.interrupted.set(true);
                Err("interrupted; the same command once more goes on".to_owned())
            }
        }
    }

    /// Ctrl-C came.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.get()
    }

    /// Clears the line.
    pub fn end(&self) {
        self.progress.borrow_mut().end();
    }
}

/// Shows on the line how far it is.
pub fn progress(line: &Line) -> impl FnMut(&Summary) {
    |summary: &Summary| {
        let text = || format!("{}: {} objects", line.what, summary.total());
        line.progress.borrow_mut().show(text);
    }
}

/// Takes in the rest, unless it ended early.
///
/// # Errors
/// Why it ended early, with what was done before.
pub async fn conclude<P: Performer>(
    ended: Result<(), String>,
    intake: Intake<'_, P>,
) -> Result<Summary, (String, Summary)> {
    match ended {
        Ok(()) => intake.finish().await,
        Err(why) => Err((why, intake.give_up())),
    }
}

/// Says what it came to. Exit code 1 where something is not in the calendars.
///
/// # Errors
/// Why it ended early.
pub fn report(
    outcome: Result<Summary, (String, Summary)>,
    dry_run: bool,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let (summary, failure) = match outcome {
        Ok(summary) => (summary, None),
        Err((why, summary)) => (summary, Some(why)),
    };
    for reason in &summary.reasons {
        output.error(&format!("refused: {reason}"));
    }
    if summary.reasons.len() < summary.refused {
        let more = summary.refused - summary.reasons.len();
        output.error(&format!("and {more} more are refused."));
    }
    for note in &summary.notes {
        output.line(note);
    }
    if failure.is_none() || summary.total() > 0 {
        output.line(&sentence(&summary, dry_run));
    }
    match (failure, summary.refused) {
        (Some(why), _) => Err(why.into()),
        (None, 0) => Ok(ExitCode::SUCCESS),
        (None, _) => Ok(ExitCode::FAILURE),
    }
}

fn sentence(summary: &Summary, dry_run: bool) -> String {
    let mut sentence = String::new();
    if dry_run {
        sentence.push_str("Nothing is written. It would be: ");
    }
    if summary.calendars_made > 0 {
        let made = summary.calendars_made;
        let what = if made == 1 { "calendar" } else { "calendars" };
        sentence.push_str(&format!("{made} {what} made, "));
    }
    sentence.push_str(&format!(
        "{} stored, {} updated, {} unchanged",
        summary.created, summary.updated, summary.unchanged
    ));
    for (number, what) in [
        (summary.kept, "kept as they are here"),
        (summary.refused, "refused"),
        (summary.mended, "mended"),
    ] {
        if number > 0 {
            sentence.push_str(&format!(", {number} {what}"));
        }
    }
    sentence.push('.');
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_at_the_end() {
        let mut summary = Summary {
            created: 3,
            unchanged: 1,
            ..Summary::default()
        };
        assert_eq!(
            sentence(&summary, false),
            "3 stored, 0 updated, 1 unchanged."
        );
        summary.calendars_made = 1;
        summary.refused = 2;
        summary.kept = 4;
        assert_eq!(
            sentence(&summary, true),
            "Nothing is written. It would be: 1 calendar made, 3 stored, 0 updated, 1 unchanged, \
             4 kept as they are here, 2 refused."
        );
    }
}
