//! The data folder: opened by the server, or by a command while no server runs.

use std::{path::Path, sync::Arc};

use storage::{
    Environment, Store,
    backend::Backend,
    memory::Memory,
    sled::{self, Archive, Sled},
};

use crate::server::{StartError, Storage};

/// Opens what is named, and makes a missing folder. The journal of a folder goes to the archive.
///
/// # Errors
/// [`StartError::InUse`] where another process has it; [`StartError::Data`] for everything else.
pub async fn open(
    storage: &Storage,
    archive: Option<Archive>,
    environment: &Environment,
) -> Result<Store, StartError> {
    let backend = match storage {
        Storage::Memory => Arc::new(Memory::new(Arc::clone(&environment.clock))),
        Storage::Folder(folder) => open_folder(folder, archive, environment).await?,
        Storage::Backend(backend) => Arc::clone(backend),
    };
    let opened = Store::open(Arc::clone(&backend), environment.clone()).await;
    match opened {
        Ok(store) => Ok(store),
        Err(error) => {
            backend.close().await;
            Err(StartError::Data {
                folder: name_of(storage),
                error: error.to_string(),
            })
        }
    }
}

async fn open_folder(
    folder: &Path,
    archive: Option<Archive>,
    environment: &Environment,
) -> Result<Arc<dyn Backend>, StartError> {
    let (path, clock) = (folder.to_owned(), Arc::clone(&environment.clock));
    // Recovery reads files for as long as it takes.
    let options = sled::Options {
        archive,
        ..sled::Options::default()
    };
    let opening = tokio::task::spawn_blocking(move || Sled::open(&path, options, clock));
    let data = |error: String| StartError::Data {
        folder: folder.display().to_string(),
        error,
    };
    match opening.await.map_err(|error| data(error.to_string()))? {
        Ok(sled) => Ok(Arc::new(sled)),
        Err(sled::OpenError::InUse { pid }) => Err(StartError::InUse {
            folder: folder.to_owned(),
            process: pid,
        }),
        Err(error @ sled::OpenError::Damaged(_)) => Err(data(format!(
            "{error}. Nothing was changed. To give up what is lost and go on with the rest, see `convoke help salvage`"
        ))),
        Err(error) => Err(data(error.to_string())),
    }
}

fn name_of(storage: &Storage) -> String {
    match storage {
        Storage::Folder(folder) => folder.display().to_string(),
        Storage::Memory | Storage::Backend(_) => "the store".to_owned(),
    }
}
