//! How a command reaches the data: through the server that runs there, or by opening the folder.

use std::path::{Path, PathBuf};

use storage::Environment;

use super::Failure;
use crate::{
    accounts::{Accounts, Operation, Outcome},
    authentication::{Argon2Cost, Passwords},
    configuration::Configuration,
    control::{self, AskError},
    data, environment,
    server::{StartError, Storage},
};

/// A data folder to work on.
pub struct Reach {
    data: PathBuf,
    environment: Environment,
}

impl Reach {
    /// The data folder of a configuration.
    ///
    /// # Errors
    /// The configuration's.
    pub fn configured(config: &Path) -> Result<Reach, Failure> {
        Ok(Reach::folder(Configuration::read(config)?.data))
    }

    /// A data folder.
    pub fn folder(data: PathBuf) -> Reach {
        Reach {
            data,
            environment: environment::system(),
        }
    }

    /// Clock and randomness.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Does an operation, whether a server runs or not.
    ///
    /// # Errors
    /// The operation's, or the data cannot be reached.
    pub async fn perform(&self, operation: Operation) -> Result<Outcome, Failure> {
        match control::ask(&control::socket_path(&self.data), &operation).await {
            Ok(reply) => Ok(reply?),
            Err(AskError::NotRunning) => self.perform_here(operation).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn perform_here(&self, operation: Operation) -> Result<Outcome, Failure> {
        let storage = Storage::Folder(self.data.clone());
        let store = match data::open(&storage, &self.environment).await {
            Err(StartError::InUse { folder, process }) => {
                let process =
                    process.map_or_else(String::new, |process| format!(" (process {process})"));
                return Err(format!(
                    "another command or a server{process} has {} open and does not answer on its control socket; try again",
                    folder.display()
                )
                .into());
            }
            opened => opened?,
        };
        let accounts = Accounts::new(
            store.clone(),
            Passwords::new(self.environment.clone(), Argon2Cost::default()),
        );
        let outcome = accounts.perform(operation).await;
        store.backend().close().await;
        Ok(outcome?)
    }
}
