//! `convoke user remove`, `convoke room remove` and `convoke resource remove`

use scheduling::desk::Departure;
use storage::model::PrincipalKind;

use super::{Failure, Output, Reach};
use crate::{
    accounts::{Operation, Outcome, Removal, word},
    cli::Remove,
};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(
    kind: PrincipalKind,
    arguments: Remove,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    let Remove {
        name,
        silent,
        dry_run,
    } = arguments;
    let manner = match (silent, dry_run) {
        (_, true) => Removal::Foreseen,
        (true, _) => Removal::Silent,
        (false, false) => Removal::Told,
    };
    let operation = Operation::Remove {
        kind,
        name: name.clone(),
        manner,
    };
    let Outcome::Departed(departure) = reach.perform(operation).await? else {
        return Ok(());
    };
    output.line(&match manner {
        Removal::Foreseen => format!(
            "The {} {name} would be removed, with its calendars; {}. Nothing is changed.",
            word(kind),
            said(departure, "would be")
        ),
        Removal::Silent => format!(
            "The {} {name} is removed, with its calendars; nobody is told.",
            word(kind)
        ),
        Removal::Told => format!(
            "The {} {name} is removed, with its calendars; {}.",
            word(kind),
            said(departure, "were")
        ),
    });
    Ok(())
}

fn said(departure: Departure, verb: &str) -> String {
    let Departure {
        cancelled,
        declined,
    } = departure;
    format!("{cancelled} meetings to come {verb} called off, and {declined} {verb} declined")
}
