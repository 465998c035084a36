//! Opening what a power failure left, and holding it against what was acknowledged.

use std::{path::Path, sync::Arc, time::Duration};

use storage::{backend::Backend, sled::Sled};

use super::{STORE, WRITERS};
use crate::kill::{
    SystemClock, options,
    seen::Seen,
    workload::{examine, examine_blobs, moment, step},
};

/// A store that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a sound image was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// The index was not fit for use.
    pub rebuilt: bool,
    /// How many commits are there that nobody heard of.
    pub unheard: u64,
}

/// Opens the store of an image: every commit that was acknowledged must be there, and no part of any
/// other that is not wholly there; it can be written to, and opened again.
///
/// # Errors
/// Says in words what is lost, half there or does not work.
pub async fn check(folder: &Path, seen: &Seen) -> Result<Found, String> {
    let (store, seen) = (folder.join(STORE), seen.clone());
    let checked = tokio::spawn(async move { check_store(&store, seen).await });
    match tokio::time::timeout(PATIENCE, checked).await {
        Ok(Ok(found)) => found,
        Ok(Err(panicked)) => Err(format!("it panicked: {panicked}")),
        Err(_) => Err("it hangs".to_owned()),
    }
}

async fn check_store(folder: &Path, mut seen: Seen) -> Result<Found, String> {
    let store = open(folder).await?;
    let heard = seen.commits();
    compare(&*store, &mut seen).await?;
    let unheard = seen.commits() - heard;
    commit(&*store, &mut seen).await?;
    store.close().await;
    drop(store);

    let store = open(folder).await.map_err(again)?;
    compare(&*store, &mut seen).await.map_err(again)?;
    store.close().await;
    Ok(Found {
        rebuilt: folder.join("index.set-aside").exists(),
        unheard,
    })
}

fn again(error: String) -> String {
    format!("the second time: {error}")
}

async fn open(folder: &Path) -> Result<Arc<dyn Backend>, String> {
    let folder = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        Sled::open(&folder, options(), Arc::new(SystemClock))
            .map(|store| Arc::new(store) as Arc<dyn Backend>)
            .map_err(|error| format!("it cannot be opened: {error}"))
    });
    opened.await.map_err(|error| error.to_string())?
}

/// Holds everything that is there against what is known, and takes note of it.
async fn compare(store: &dyn Backend, seen: &mut Seen) -> Result<(), String> {
    moment(store, WRITERS).await?;
    for writer in 0..WRITERS {
        let found = examine(store, writer).await?;
        seen.check(writer, &found)?;
        examine_blobs(store, writer, &found).await?;
    }
    Ok(())
}

/// One more commit of the first writer.
async fn commit(store: &dyn Backend, seen: &mut Seen) -> Result<(), String> {
    let stepped = step(store, 0).await;
    let (number, committed) =
        stepped.map_err(|error| format!("it cannot be written to: {error}"))?;
    seen.acknowledged(&format!("0 {number} {}", committed.revision.0))
}
