//! `convoke backup`

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use storage::{backend::Committed, sled};

use super::{
    Failure, Output, Reach,
    interrupt::Interrupt,
    progress::{Progress, size},
};
use crate::{
    cli::Backup,
    control::{self, AskError},
};

/// Runs it. Until it is whole, verified and on stable storage, the backup is called FILE.part; however
/// the command ends, FILE is what it was or a whole backup.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Backup, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let file = &arguments.file;
    refuse_existing(file, arguments.force)?;
    let part = part_of(file)?;
    let mut interrupt = Interrupt::listen()?;
    let made = tokio::select! {
        made = make(&part, reach) => made,
        () = interrupt.came() => Err("interrupted; no backup was made".into()),
    };
    let finished = made.and_then(|through| {
        refuse_existing(file, arguments.force)?;
        finish(&part, file)?;
        Ok(through)
    });
    let through = finished.inspect_err(|_| {
        let _gone_already = fs::remove_file(&part);
    })?;
    let octets = fs::metadata(file).map_or(0, |metadata| metadata.len());
    output.line(&format!(
        "{} holds everything up to {} ({}).",
        file.display(),
        super::restore::time(through.time),
        size(octets)
    ));
    output.line("The configuration file is not part of it: keep a copy of that too.");
    Ok(())
}

fn refuse_existing(file: &Path, force: bool) -> Result<(), Failure> {
    if !force && fs::symlink_metadata(file).is_ok() {
        return Err(format!(
            "{} exists already: name another file, or give --force to replace it",
            file.display()
        )
        .into());
    }
    Ok(())
}

fn part_of(file: &Path) -> Result<PathBuf, Failure> {
    let mut name = file
        .file_name()
        .ok_or_else(|| format!("{} is not the name of a file", file.display()))?
        .to_owned();
    name.push(".part");
    Ok(file.with_file_name(name))
}

/// Writes and verifies it.
async fn make(part: &Path, reach: &Reach) -> Result<Committed, Failure> {
    let mut out = Counted::create(part)?;
    let socket = control::socket_path(reach.data());
    let received = control::receive_backup(&socket, |octets| out.write_all(octets)).await;
    let through = match received {
        Ok(outcome) => outcome?,
        Err(AskError::NotRunning) => {
            let store = reach.open_existing().await?;
            let backend = store.backend().clone();
            // Ctrl-C ends the waiting, and the process with that.
            let making = tokio::task::spawn_blocking(move || {
                let through = backend.backup(&mut out, &mut || true);
                (through, out)
            });
            let (through, written) = making.await?;
            out = written;
            store.backend().close().await;
            through?
        }
        Err(error) => return Err(error.into()),
    };
    out.file.sync_all()?;
    drop(out);
    let path = part.to_owned();
    let found = tokio::task::spawn_blocking(move || sled::verify(&path)).await??;
    if found != through {
        return Err("the backup does not hold what was written; no backup was made".into());
    }
    Ok(through)
}

fn finish(part: &Path, file: &Path) -> io::Result<()> {
    fs::rename(part, file)?;
    match file.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The file, and how much was written.
struct Counted {
    file: File,
    octets: u64,
    progress: Progress,
}

impl Counted {
    /// A new file for its owner only; what an earlier command left is replaced.
    fn create(path: &Path) -> Result<Counted, Failure> {
        let failed = |error: io::Error| format!("{} cannot be written: {error}", path.display());
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(error).into());
            }
            _ => {}
        }
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        Ok(Counted {
            file,
            octets: 0,
            progress: Progress::standard(),
        })
    }
}

impl Write for Counted {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.file.write(octets)?;
        self.octets += written as u64;
        let total = self.octets;
        self.progress
            .show(|| format!("backup: {} written", size(total)));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
