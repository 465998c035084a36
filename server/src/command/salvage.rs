//! `convoke salvage`

use std::path::Path;

use scheduling::mail::HELD_AFTER_RESTORE;
use storage::{
    restore,
    sled::{Lost, Origin, Source},
};

use super::{Failure, Output, restore as restoring};
use crate::{cli::Salvage, configuration::Configuration};

/// Runs it. The damaged folder stays as it is; the new one appears as a whole at the end.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Salvage, config: &Path, output: &mut Output) -> Result<(), Failure> {
    let from = match (&arguments.from, Configuration::read(config)) {
        (Some(from), _) => from.clone(),
        (None, configuration) => configuration?.data,
    };
    if !from.join("format").exists() {
        return Err(format!("{} holds no data", from.display()).into());
    }
    // Of two copies of one segment that are as long, the archive's counts.
    let mut archives = arguments.archives.clone();
    archives.push(from.join("journal"));
    let wanted = restore::Restore {
        source: Source {
            origin: Origin::Remains(from.clone()),
            archives,
            until: None,
        },
        into: arguments.into.clone(),
        within: false,
        held: HELD_AFTER_RESTORE.to_vec(),
    };
    let restored = restoring::perform(&wanted, None).await?;
    output.line(&lost(restored.loaded.lost));
    restoring::report(&restored, &wanted, None, output);
    next(&from, &arguments.into, output);
    Ok(())
}

fn lost(lost: Option<Lost>) -> String {
    match lost {
        None => "Nothing is lost.".to_owned(),
        Some(Lost { first, last: None }) => {
            format!("Commit {} and all that came after it are lost.", first.0)
        }
        Some(Lost {
            first,
            last: Some(last),
        }) => format!(
            "The commits {} to {} are lost, and all that may have come after them.",
            first.0, last.0
        ),
    }
}

fn next(from: &Path, into: &Path, output: &mut Output) {
    output.line(&format!(
        "{} was not changed. To go on with what is left, move it away and {} to its place, or name that in the \
         configuration (`data`).",
        from.display(),
        into.display()
    ));
}

#[cfg(test)]
mod tests {
    use storage::Revision;

    use super::*;

    #[test]
    fn what_is_lost_in_words() {
        let of = |last| {
            lost(Some(Lost {
                first: Revision(5),
                last,
            }))
        };
        assert_eq!(lost(None), "Nothing is lost.");
        assert_eq!(of(None), "Commit 5 and all that came after it are lost.");
        assert!(of(Some(Revision(9))).starts_with("The commits 5 to 9 are lost"));
    }
}
