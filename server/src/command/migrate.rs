//! `convoke migrate`

use std::process::ExitCode;

use super::{
    Failure, Output, Reach,
    moving::{Line, conclude, progress, report},
    password,
};
use crate::{
    cli::{MigrateCaldav, MigrateCommand, MigrateRadicale},
    moving::{
        intake::{Intake, Manner, Summary},
        radicale,
        remote::{self, Address, Patience, Transport, TransportOptions},
    },
};

/// Runs it: exit code 0 where everything is in the calendars, 1 where something is not.
///
/// # Errors
/// In words for a person; what was taken over before stays, and the same once more goes on.
pub async fn run(
    command: MigrateCommand,
    reach: &Reach,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    match command {
        MigrateCommand::Radicale(arguments) => from_radicale(arguments, reach, output).await,
        MigrateCommand::Caldav(arguments) => from_caldav(arguments, reach, output).await,
    }
}

async fn from_radicale(
    arguments: MigrateRadicale,
    reach: &Reach,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let mut users = radicale::users(&arguments.folder)?;
    if let Some(only) = &arguments.user {
        users.retain(|user| user.name == *only);
    }
    if users.is_empty() {
        return Err("there is no such user in this folder".into());
    }
    let session = reach.session().await?;
    let line = Line::new("migrate");
    let (mut failed, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for user in &users {
        let manner = Manner {
            owner: arguments
                .to_user
                .clone()
                .unwrap_or_else(|| user.name.clone()),
            on_conflict: arguments.taking.on_conflict.into(),
            dry_run: arguments.taking.dry_run,
        };
        output.line(&format!("{}:", user.name));
        let begun = Intake::begin(&session, manner, progress(&line)).await;
        let outcome = match begun {
            Ok(mut intake) => {
                let ended = line
                    .unless_interrupted(radicale::import(user, &mut intake))
                    .await;
                conclude(ended, intake).await
            }
            Err(why) => Err((why, Summary::default())),
        };
        line.end();
        match report(outcome, arguments.taking.dry_run, output) {
            Ok(ExitCode::SUCCESS) => {}
            Ok(other) => code = other,
            // The others go on, unless somebody wants it to end.
            Err(failure) if line.is_interrupted() => {
                failed.push(failure.to_string());
                break;
            }
            Err(failure) => failed.push(format!("{}: {failure}", user.name)),
        }
    }
    session.close().await;
    match failed.is_empty() {
        true => Ok(code),
        false => Err(failed.join("\n").into()),
    }
}

async fn from_caldav(
    arguments: MigrateCaldav,
    reach: &Reach,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let start = Address::parse(&arguments.url)?;
    let password = password::of_another(&arguments.user, arguments.password_file.as_deref())?;
    let options = TransportOptions {
        user: arguments.user,
        password: Some(password),
        certificates: arguments.certificates.as_deref(),
        plain_http: arguments.plain_http,
        patience: Patience::default(),
    };
    let transport = Transport::new(&start, &options)?;
    let line = Line::new("migrate");
    let found = line
        .unless_interrupted(async {
            let found = remote::discover(&transport, &start).await;
            found.map_err(|error| error.to_string())
        })
        .await?;
    let session = reach.session().await?;
    let manner = Manner {
        owner: arguments.to_user,
        on_conflict: arguments.taking.on_conflict.into(),
        dry_run: arguments.taking.dry_run,
    };
    let outcome = match Intake::begin(&session, manner, progress(&line)).await {
        Ok(mut intake) => {
            let importing = remote::import(&transport, &found, &mut intake);
            let ended = line.unless_interrupted(importing).await;
            conclude(ended, intake).await
        }
        Err(why) => Err((why, Summary::default())),
    };
    session.close().await;
    line.end();
    report(outcome, arguments.taking.dry_run, output)
}
