//! `convoke init`

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use storage::model::PrincipalKind;

use super::{
    Failure, Output, Reach,
    password::{self, Unattended},
};
use crate::{
    accounts::{Entry, Operation},
    cli::Init,
    configuration::{Configuration, filled},
};

/// Runs it.
///
/// # Errors
/// In words for a person. Nothing that was there is overwritten.
pub async fn run(arguments: Init, config: &Path, output: &mut Output) -> Result<(), Failure> {
    let url = arguments
        .public_url
        .unwrap_or_else(|| format!("http://{}", arguments.listen));
    let text = filled(&[arguments.listen], &url, &arguments.data);
    let configuration = check(config, &text)?;
    let reach = Reach::folder(configuration.data.clone());
    let name = arguments.administrator;
    let password = password::obtain(
        &name,
        &arguments.password,
        Unattended::Generate,
        reach.environment(),
    )?;
    write_new(config, &text)?;
    let entry = Entry {
        password: Some(password.secret.clone()),
        addresses: arguments.address.map(|address| vec![address]),
        administrator: Some(true),
        ..Entry::new(PrincipalKind::User, &name)
    };
    reach
        .perform(Operation::Add(Box::new(entry)))
        .await
        .map_err(|error| {
            format!(
                "{} is written, but the administrator could not be made: {error}",
                config.display()
            )
        })?;
    let config = config.display();
    output.line(&format!(
        "The configuration is in {config}; read it and change what you like."
    ));
    output.line(&format!("The data is in {}.", configuration.data.display()));
    output.line(&format!("The administrator is {name}."));
    password.print_if_made_up(&name, output);
    output.line(&format!("Next: convoke --config {config} serve"));
    output.line(&format!("      convoke --config {config} user add NAME"));
    Ok(())
}

/// The text makes sense, and nothing stands in its way.
fn check(config: &Path, text: &str) -> Result<Configuration, Failure> {
    if config.exists() {
        return Err(exists(config));
    }
    Configuration::parse(config, text)
        .map_err(|error| format!("{}\n{}", error.what, error.remedy).into())
}

fn exists(config: &Path) -> Failure {
    format!(
        "{} exists already and is not overwritten; name another file with --config FILE",
        config.display()
    )
    .into()
}

/// For its owner only: the file may hold the mail server's password later.
fn write_new(config: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = config
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    }
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(config);
    match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(config)),
        Err(error) => Err(format!("{} cannot be written: {error}", config.display()).into()),
        Ok(()) => Ok(()),
    }
}
