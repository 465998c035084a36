//! `convoke check`

use std::process::ExitCode;

use super::{Failure, Output, Reach};
use crate::{
    cli::Check,
    maintenance::{Ended, Maintenance},
};

/// Damage is left.
const DAMAGED: u8 = 1;
/// Nothing is known, because the check could not be made.
const NOT_CHECKED: u8 = 2;

/// Runs it: exit status 0 where all is well at the end, 1 where damage is left, 2 where the check could
/// not be made.
pub async fn run(asked: &Check, reach: Result<Reach, Failure>, output: &mut Output) -> ExitCode {
    let ended = match reach {
        Ok(reach) => {
            let check = Maintenance::Check {
                repair: asked.repair,
                give_up_messages: asked.give_up_messages,
            };
            reach.maintain(check, "check", output).await
        }
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Damaged) => ExitCode::from(DAMAGED),
        Ok(Ended::Failed(what)) => not_checked(&what, output),
        Err(failure) => not_checked(&failure.to_string(), output),
    }
}

fn not_checked(what: &str, output: &mut Output) -> ExitCode {
    output.error(&format!("convoke: the data cannot be checked: {what}"));
    ExitCode::from(NOT_CHECKED)
}
