//! `convoke user`

use storage::model::PrincipalKind;

use super::{
    Failure, Output, Reach,
    password::{self, Unattended},
    remove,
};
use crate::{
    accounts::{Entry, Operation, Outcome},
    cli::{UserAdd, UserCommand},
};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(command: UserCommand, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    match command {
        UserCommand::Add(arguments) => add(arguments, reach, output).await,
        UserCommand::List => list(reach, output).await,
        UserCommand::Password { name, password } => {
            let password =
                password::obtain(&name, &password, Unattended::Refuse, reach.environment())?;
            reach
                .perform(Operation::SetPassword {
                    name: name.clone(),
                    password: password.secret.clone(),
                })
                .await?;
            output.line(&format!("The password of {name} is set."));
            password.print_if_made_up(&name, output);
            Ok(())
        }
        UserCommand::Disable { name } => disable(&name, true, reach, output).await,
        UserCommand::Enable { name } => disable(&name, false, reach, output).await,
        UserCommand::Remove(arguments) => {
            remove::run(PrincipalKind::User, arguments, reach, output).await
        }
    }
}

async fn disable(
    name: &str,
    disabled: bool,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    let entry = Entry {
        disabled: Some(disabled),
        ..Entry::new(PrincipalKind::User, name)
    };
    let outcome = reach.perform(Operation::Change(Box::new(entry))).await?;
    let already = match outcome {
        Outcome::Unchanged => "already ",
        _ => "",
    };
    let state = if disabled { "disabled" } else { "enabled" };
    output.line(&format!("The user {name} is {already}{state}."));
    Ok(())
}

async fn add(arguments: UserAdd, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let name = arguments.name;
    let password = password::obtain(
        &name,
        &arguments.password,
        Unattended::Refuse,
        reach.environment(),
    )?;
    let entry = Entry {
        password: Some(password.secret.clone()),
        display_name: arguments.display_name,
        addresses: (!arguments.addresses.is_empty()).then_some(arguments.addresses),
        language: arguments.language,
        time_zone: arguments.time_zone,
        administrator: Some(arguments.administrator),
        ..Entry::new(PrincipalKind::User, &name)
    };
    let without_address = entry.addresses.is_none();
    reach.perform(Operation::Add(Box::new(entry))).await?;
    output.line(&format!("The user {name} is added."));
    password.print_if_made_up(&name, output);
    if without_address {
        output.error(&format!(
            "Without a calendar address (--address) nobody can invite {name} by mail address."
        ));
    }
    Ok(())
}

async fn list(reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let Outcome::Listed(users) = reach.perform(Operation::List(PrincipalKind::User)).await? else {
        return Ok(());
    };
    let rows: Vec<Vec<String>> = users
        .into_iter()
        .map(|user| {
            let notes = [
                (user.administrator, "administrator"),
                (user.disabled, "disabled"),
            ];
            let notes: Vec<&str> = notes
                .into_iter()
                .filter_map(|(is, note)| is.then_some(note))
                .collect();
            vec![
                user.name,
                user.display_name,
                user.addresses.join(" "),
                notes.join(", "),
            ]
        })
        .collect();
    output.table(&["NAME", "DISPLAY NAME", "ADDRESSES", "NOTES"], &rows);
    Ok(())
}
