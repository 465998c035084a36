//! `convoke serve`

use std::path::Path;

use super::{Failure, Output, run};
use crate::{configuration::Configuration, logging};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(config: &Path, output: &mut Output) -> Result<(), Failure> {
    let configuration = Configuration::read(config)?;
    logging::start(&configuration.log, configuration.log_format);
    let data = configuration.data.display().to_string();
    run::until_signal(configuration.options(), async |running| {
        let addresses: Vec<String> = running
            .addresses()
            .iter()
            .map(ToString::to_string)
            .collect();
        tracing::info!(
            public_url = running.public_url(),
            listen = addresses.join(" "),
            data,
            "started"
        );
        output.line(&format!("Convoke serves {}", running.public_url()));
        Ok(())
    })
    .await
}
