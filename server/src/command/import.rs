//! `convoke import`

use std::process::ExitCode;

use super::{
    Failure, Output, Reach,
    moving::{Line, conclude, progress, report},
};
use crate::{
    cli::Import,
    moving::{
        files,
        intake::{Intake, Manner, Summary},
    },
};

/// Runs it: exit code 0 where everything is in the calendars, 1 where something is not.
///
/// # Errors
/// In words for a person; what was imported before stays.
pub async fn run(
    arguments: Import,
    reach: &Reach,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let found = files::find(&arguments.place)?;
    let session = reach.session().await?;
    let manner = Manner {
        owner: arguments.user,
        on_conflict: arguments.taking.on_conflict.into(),
        dry_run: arguments.taking.dry_run,
    };
    let line = Line::new("import");
    let outcome = match Intake::begin(&session, manner, progress(&line)).await {
        Ok(mut intake) => {
            let calendar = arguments.calendar.as_deref();
            let importing = files::import(&arguments.place, &found, calendar, &mut intake);
            let ended = line.unless_interrupted(importing).await;
            conclude(ended, intake).await
        }
        Err(why) => Err((why, Summary::default())),
    };
    session.close().await;
    line.end();
    report(outcome, arguments.taking.dry_run, output)
}
