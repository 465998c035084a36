//! `convoke compact`

use std::{fs, io, path::Path};

use super::{Failure, Output, Reach, interrupt::Interrupt, progress::Progress};
use crate::maintenance::{Ended, Maintenance};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let at_rest = reach.is_at_rest().await;
    let before = octets_of(reach.data())?;
    let compacted = reach.maintain(Maintenance::Compact, "compact", output);
    match compacted.await? {
        Ended::Failed(what) => return Err(what.into()),
        Ended::Well | Ended::Damaged => {}
    }
    if at_rest {
        build_index(reach).await?;
    }
    let after = octets_of(reach.data())?;
    output.line(&format!(
        "The data took {} on disk and takes {} now.",
        shown(before),
        shown(after)
    ));
    if !at_rest {
        output.line("Without a running server, the index is built again too.");
    }
    Ok(())
}

/// Marked first: broken off anywhere, the next start goes on with it.
async fn build_index(reach: &Reach) -> Result<(), Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut progress = Progress::standard();
    progress.show(|| "compact: the index is being built".to_owned());
    storage::sled::demand_new_index(reach.data())?;
    let built = async {
        reach.open_existing().await?.backend().close().await;
        Ok::<(), Failure>(())
    };
    tokio::select! {
        built = built => built?,
        () = interrupt.came() => {
            return Err("interrupted; the index will be built at the next start".into());
        }
    }
    Ok(storage::sled::forget_old_index(reach.data())?)
}

/// What all files below a folder take.
fn octets_of(folder: &Path) -> io::Result<u64> {
    let mut octets = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => octets += octets_of(&entry.path())?,
            Ok(metadata) => octets += metadata.len(),
            // A running server removes what it does not need.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(octets)
}

fn shown(octets: u64) -> String {
    const MEGABYTE: u64 = 1_000_000;
    format!(
        "{}.{} MB",
        octets / MEGABYTE,
        octets % MEGABYTE * 10 / MEGABYTE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_words() {
        for (octets, text) in [
            (0, "0.0 MB"),
            (99_999, "0.0 MB"),
            (100_000, "0.1 MB"),
            (12_345_678, "12.3 MB"),
        ] {
            assert_eq!(shown(octets), text);
        }
    }
}
