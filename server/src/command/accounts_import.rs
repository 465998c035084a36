//! `convoke accounts import`

use std::{fs, path::Path};

use super::{Failure, Output, Reach};
use crate::accounts::{Operation, Outcome, parse};

/// Runs it.
///
/// # Errors
/// Names the line or the entry.
pub async fn run(file: &Path, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let name = file.display();
    let text =
        fs::read_to_string(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let entries = parse(&text).map_err(|error| format!("{name}, {error}"))?;
    let outcome = reach
        .perform(Operation::Import(entries))
        .await
        .map_err(|error| format!("{name}: {error}"))?;
    let Outcome::Imported(imported) = outcome else {
        return Ok(());
    };
    output.line(&format!(
        "{} added, {} changed, {} unchanged.",
        imported.added, imported.changed, imported.unchanged
    ));
    match imported.passwords_kept {
        0 => {}
        1 => output.line("1 password was changed here since and is kept."),
        kept => output.line(&format!(
            "{kept} passwords were changed here since and are kept."
        )),
    }
    Ok(())
}
