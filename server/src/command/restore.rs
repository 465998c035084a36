//! `convoke restore`

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scheduling::mail::HELD_AFTER_RESTORE;
use storage::{
    Timestamp,
    restore::{self, RestoreError, Restored},
    sled::{LoadError, Origin, Source, Stage},
};

use super::{
    Failure, Output,
    interrupt::Interrupt,
    progress::{Progress, size},
};
use crate::{cli::Restore, configuration::Configuration, environment};

/// Runs it. The folder appears as a whole at the end; broken off, or killed, the command has changed
/// nothing.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Restore, config: &Path, output: &mut Output) -> Result<(), Failure> {
    let until = arguments.until.as_deref().map(parse_time).transpose()?;
    let wanted = wanted(&arguments, until, config)?;
    let restored = perform(&wanted, until).await?;
    report(&restored, &wanted, until, output);
    Ok(())
}

/// Restores, shows how far it is, and stops at Ctrl-C.
pub async fn perform(
    wanted: &restore::Restore,
    until: Option<Timestamp>,
) -> Result<Restored, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let (stop, progress) = (Arc::new(AtomicBool::new(false)), Progress::standard());
    let environment = environment::system();
    let mut restoring = std::pin::pin!(restore::restore(
        wanted.clone(),
        &environment,
        go_on(stop.clone(), progress)
    ));
    let outcome = tokio::select! {
        outcome = &mut restoring => outcome,
        () = interrupt.came() => {
            stop.store(true, Ordering::Relaxed);
            restoring.await
        }
    };
    outcome.map_err(|error| explain(&error, until).into())
}

/// What the command line and the configuration ask for. The configuration is needed only where the
/// command line leaves something open.
fn wanted(
    arguments: &Restore,
    until: Option<Timestamp>,
    config: &Path,
) -> Result<restore::Restore, Failure> {
    let mut archives = arguments.archives.clone();
    let into = match &arguments.into {
        Some(into) if until.is_none() || !archives.is_empty() => into.clone(),
        into => {
            let configuration = Configuration::read(config)?;
            if until.is_some() && archives.is_empty() {
                let archive = configuration.archive.ok_or(
                    "--until needs the archived journal: name its folder with --archive FOLDER",
                )?;
                archives.push(archive.folder);
            }
            into.clone().unwrap_or(configuration.data)
        }
    };
    Ok(restore::Restore {
        source: Source {
            origin: Origin::Backup(arguments.file.clone()),
            archives,
            until,
        },
        into,
        within: false,
        held: HELD_AFTER_RESTORE.to_vec(),
    })
}

fn parse_time(text: &str) -> Result<Timestamp, Failure> {
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        format!(
            "`{text}` is not a moment: write date, time and zone as in 2026-03-01T14:30:00Z or 2026-03-01T15:30:00+01:00"
        )
    })?;
    Ok(Timestamp(time.as_millisecond()))
}

/// A moment for people, and for --until.
pub fn time(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0).map_or_else(
        |_| format!("{} ms since 1970", time.0),
        |time| time.to_string(),
    )
}

fn go_on(stop: Arc<AtomicBool>, mut shown: Progress) -> restore::GoOn {
    Box::new(move |progress| {
        let (done, total) = (progress.done, progress.total);
        shown.show(|| match progress.stage {
            Stage::Backup => format!("restore: {} of {} read", size(done), size(total)),
            Stage::Archive => format!("restore: {done} of {total} journal segments read"),
            Stage::Index => "restore: the index is being built".to_owned(),
        });
        !stop.load(Ordering::Relaxed)
    })
}

fn explain(error: &RestoreError, until: Option<Timestamp>) -> String {
    let nothing = "nothing was restored";
    match error {
        RestoreError::Load(LoadError::Later { backup }) => {
            let until = until.map_or_else(String::new, time);
            format!(
                "the backup is of {}, later than {until}: take an older one; {nothing}",
                time(backup.time)
            )
        }
        RestoreError::Load(LoadError::Gap { reached, .. }) => {
            let reached = time(reached.time);
            format!("{error}; with --until {reached} all before it can be had; {nothing}")
        }
        RestoreError::Load(LoadError::NoArchive(folders)) => {
            let folders: Vec<String> = folders
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            format!(
                "there is no journal of the backup's store in {}; {nothing}",
                folders.join(", ")
            )
        }
        RestoreError::Load(LoadError::Stopped) => format!("interrupted; {nothing}"),
        error => format!("{error}; {nothing}"),
    }
}

/// What came of it, in words.
pub fn report(
    restored: &Restored,
    wanted: &restore::Restore,
    until: Option<Timestamp>,
    output: &mut Output,
) {
    let loaded = &restored.loaded;
    let into: &PathBuf = &wanted.into;
    output.line(&format!(
        "{} holds everything up to {} (commit {}).",
        into.display(),
        time(loaded.reached.time),
        loaded.reached.revision.0
    ));
    let is_backup = matches!(wanted.source.origin, Origin::Backup(_));
    if is_backup && !wanted.source.archives.is_empty() {
        output.line(&match (loaded.left_out, until) {
            (Some(next), _) => format!(
                "The next commit, of {}, and all after it are left out.",
                time(next.time)
            ),
            (None, Some(until)) => format!(
                "The archive ends there: what was committed between then and {}, if anything, is missing.",
                time(until)
            ),
            (None, None) => "The archive ends there.".to_owned(),
        });
    }
    if is_backup && loaded.foreign_files > 0 {
        output.line(&format!(
            "{} files in the archive belong to another store or are damaged, and were passed over.",
            loaded.foreign_files
        ));
    }
    if restored.missing_blobs > 0 {
        output.line(&format!(
            "{} large files are lost: they are neither in {}; see `convoke check`.",
            restored.missing_blobs,
            if is_backup {
                "the backup nor in the archive"
            } else {
                "the damaged folder nor in an archive"
            }
        ));
    }
    output.line("Calendar programs will read their calendars anew by themselves.");
    match restored.held {
        0 => {}
        held => output.line(&format!(
            "{held} mails that were waiting are held, because they may have left since: see `convoke mail list`."
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments() {
        for (text, expected) in [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T01:00:00.5+01:00", Some(500)),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01", None),
            ("yesterday", None),
        ] {
            let parsed = parse_time(text).ok().map(|time| time.0);
            assert_eq!(parsed, expected, "{text}");
        }
        assert_eq!(time(Timestamp(1500)), "1970-01-01T00:00:01.5Z");
        assert_eq!(parse_time(&time(Timestamp(1500))).unwrap(), Timestamp(1500));
    }
}
