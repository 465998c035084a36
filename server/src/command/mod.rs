//! The commands, one per file.

mod accounts_import;
mod backup;
mod check;
mod compact;
mod demo;
mod export;
mod group;
mod import;
mod init;
mod mail;
mod migrate;
mod moving;
mod output;
mod password;
mod place;
mod progress;
mod reach;
mod restore;
mod run;
mod serve;
mod trash;
mod user;

use std::{path::Path, process::ExitCode};

use clap::Parser;
use storage::model::PrincipalKind;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{AccountsCommand, Cli, Command};

pub use trash::{Moment, parse_moment};

use output::Output;
use reach::Reach;

/// Why a command failed, in words for a person.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program: exit code 0 for success, 1 for a failure that is explained on standard error, 2
/// for a command line that is not understood (and for a check that could not be made).
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::standard();
    match run_command(cli, &mut output) {
        Ok(code) => code,
        Err(failure) => {
            output.error(&format!("convoke: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn run_command(cli: Cli, output: &mut Output) -> Result<ExitCode, Failure> {
    let config = cli.config;
    if let Command::Check(arguments) = &cli.command {
        let checked = check::run(arguments.repair, Reach::configured(&config), output);
        return Ok(command_runtime()?.block_on(checked));
    }
    let command = match cli.command {
        Command::Import(arguments) => {
            let reach = Reach::configured(&config)?;
            return command_runtime()?.block_on(import::run(arguments, &reach, output));
        }
        Command::Migrate(command) => {
            let reach = Reach::configured(&config)?;
            return command_runtime()?.block_on(migrate::run(command, &reach, output));
        }
        command => command,
    };
    run_plain_command(command, &config, output)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that succeeds or fails.
fn run_plain_command(command: Command, config: &Path, output: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Check(_) | Command::Import(_) | Command::Migrate(_) => Ok(()),
        Command::Export(arguments) => {
            command_runtime()?.block_on(export::run(arguments, &Reach::configured(config)?, output))
        }
        Command::Compact => {
            command_runtime()?.block_on(compact::run(&Reach::configured(config)?, output))
        }
        Command::Demo(arguments) => server_runtime()?.block_on(demo::run(arguments, output)),
        Command::Init(arguments) => {
            command_runtime()?.block_on(init::run(arguments, config, output))
        }
        Command::Serve => server_runtime()?.block_on(serve::run(config, output)),
        Command::User(command) => {
            command_runtime()?.block_on(user::run(command, &Reach::configured(config)?, output))
        }
        Command::Group(command) => {
            command_runtime()?.block_on(group::run(command, &Reach::configured(config)?, output))
        }
        Command::Room(command) => {
            let reach = Reach::configured(config)?;
            command_runtime()?.block_on(place::run(
                PrincipalKind::Location,
                command,
                &reach,
                output,
            ))
        }
        Command::Resource(command) => {
            let reach = Reach::configured(config)?;
            command_runtime()?.block_on(place::run(
                PrincipalKind::Resource,
                command,
                &reach,
                output,
            ))
        }
        Command::Trash(command) => {
            command_runtime()?.block_on(trash::run(command, &Reach::configured(config)?, output))
        }
        Command::Backup(arguments) => {
            command_runtime()?.block_on(backup::run(arguments, &Reach::configured(config)?, output))
        }
        Command::Restore(arguments) => {
            command_runtime()?.block_on(restore::run(arguments, config, output))
        }
        Command::Mail(command) => {
            command_runtime()?.block_on(mail::run(command, &Reach::configured(config)?, output))
        }
        Command::Accounts(AccountsCommand::Import { file }) => command_runtime()?.block_on(
            accounts_import::run(&file, &Reach::configured(config)?, output),
        ),
    }
}

fn server_runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

fn command_runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
