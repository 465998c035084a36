//! The commands, one per file.

mod accounts_import;
mod audit;
mod backup;
mod check;
mod compact;
mod delegate;
mod demo;
mod export;
mod group;
mod import;
mod init;
mod interrupt;
mod log;
mod mail;
mod migrate;
mod moving;
mod output;
mod password;
mod place;
mod progress;
mod reach;
mod remove;
mod restore;
mod run;
mod salvage;
mod serve;
mod trash;
mod user;

use std::{future::Future, path::Path, process::ExitCode};

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
        let checked = check::run(arguments, Reach::configured(&config), output);
        return run_here(async { Ok(checked.await) });
    }
    let command = match cli.command {
        Command::Import(arguments) => {
            let reach = Reach::configured(&config)?;
            return run_here(import::run(arguments, &reach, output));
        }
        Command::Migrate(command) => {
            let reach = Reach::configured(&config)?;
            return run_here(migrate::run(command, &reach, output));
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
            run_here(export::run(arguments, &Reach::configured(config)?, output))
        }
        Command::Compact => run_here(compact::run(&Reach::configured(config)?, output)),
        Command::Demo(arguments) => server_runtime()?.block_on(demo::run(arguments, output)),
        Command::Init(arguments) => run_here(init::run(arguments, config, output)),
        Command::Serve => server_runtime()?.block_on(serve::run(config, output)),
        Command::User(command) => run_here(user::run(command, &Reach::configured(config)?, output)),
        Command::Group(command) => {
            run_here(group::run(command, &Reach::configured(config)?, output))
        }
        Command::Room(command) => {
            let reach = Reach::configured(config)?;
            run_here(place::run(PrincipalKind::Location, command, &reach, output))
        }
        Command::Resource(command) => {
            let reach = Reach::configured(config)?;
            run_here(place::run(PrincipalKind::Resource, command, &reach, output))
        }
        Command::Audit(arguments) => {
            run_here(audit::run(arguments, &Reach::configured(config)?, output))
        }
        Command::Log(arguments) => {
            run_here(log::run(arguments, &Reach::configured(config)?, output))
        }
        Command::Delegate(command) => {
            run_here(delegate::run(command, &Reach::configured(config)?, output))
        }
        Command::Trash(command) => {
            run_here(trash::run(command, &Reach::configured(config)?, output))
        }
        Command::Backup(arguments) => {
            run_here(backup::run(arguments, &Reach::configured(config)?, output))
        }
        Command::Restore(arguments) => run_here(restore::run(arguments, config, output)),
        Command::Salvage(arguments) => run_here(salvage::run(arguments, config, output)),
        Command::Mail(command) => run_here(mail::run(command, &Reach::configured(config)?, output)),
        Command::Accounts(AccountsCommand::Import { file }) => run_here(accounts_import::run(
            &file,
            &Reach::configured(config)?,
            output,
        )),
    }
}

fn server_runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Runs a command to its end.
fn run_here<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(command);
    // What an interrupted command left to a thread ends with the process; nothing of it counts before it
    // is whole.
    runtime.shutdown_background();
    ended
}
