//! `convoke delegate`

use storage::model::InvitationRecipients;

use super::{Failure, Output, Reach};
use crate::{
    accounts::{DelegateChange, DelegateListing, Operation, Outcome},
    cli::{DelegateAdd, DelegateCommand, DelegateSettings, InvitationsTo},
};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(
    command: DelegateCommand,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    match command {
        DelegateCommand::Add(arguments) => add(arguments, reach, output).await,
        DelegateCommand::Settings(arguments) => settings(arguments, reach, output).await,
        DelegateCommand::List { manager } => list(manager, reach, output).await,
        DelegateCommand::Remove { manager, delegate } => {
            let operation = Operation::RemoveDelegate {
                manager: manager.clone(),
                delegate: delegate.clone(),
            };
            let line = match reach.perform(operation).await? {
                Outcome::Unchanged => format!("{delegate} is no delegate of {manager}."),
                _ => format!("{delegate} is no delegate of {manager} any more."),
            };
            output.line(&line);
            Ok(())
        }
    }
}

async fn add(arguments: DelegateAdd, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let (manager, delegate) = (arguments.manager, arguments.delegate);
    let change = DelegateChange {
        manager: manager.clone(),
        delegate: Some(delegate.clone()),
        may_edit: arguments.edit || arguments.deputy,
        may_answer: arguments.answer || arguments.deputy,
        may_invite: arguments.invite || arguments.deputy,
        sees_private: arguments.private,
        invitations_to: None,
        notices: None,
    };
    let listing = DelegateListing {
        name: delegate.clone(),
        may_edit: change.may_edit,
        may_answer: change.may_answer,
        may_invite: change.may_invite,
        sees_private: change.sees_private,
    };
    reach.perform(Operation::AddDelegate(change)).await?;
    let rights = rights(&listing).join(", ");
    output.line(&format!("{delegate} is a delegate of {manager}: {rights}."));
    if (listing.may_answer || listing.may_invite) && !listing.may_edit {
        output.error(&format!(
            "Without --edit, {delegate} can do so only in calendars where {manager} grants writing."
        ));
    }
    Ok(())
}

async fn settings(
    arguments: DelegateSettings,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    let manager = arguments.manager;
    let change = DelegateChange {
        manager: manager.clone(),
        delegate: None,
        may_edit: false,
        may_answer: false,
        may_invite: false,
        sees_private: false,
        invitations_to: arguments.invitations.map(Into::into),
        notices: arguments.notices.map(|answer| answer.into()),
    };
    let line = match reach.perform(Operation::AddDelegate(change)).await? {
        Outcome::Unchanged => format!("It was so already for {manager}."),
        _ => format!("It is so from now on for {manager}."),
    };
    output.line(&line);
    Ok(())
}

async fn list(manager: String, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let operation = Operation::ListDelegates { manager };
    let Outcome::Delegates(listing) = reach.perform(operation).await? else {
        return Ok(());
    };
    let rows: Vec<Vec<String>> = listing
        .delegates
        .iter()
        .map(|delegate| vec![delegate.name.clone(), rights(delegate).join(", ")])
        .collect();
    output.table(&["NAME", "RIGHTS"], &rows);
    let invitations = match listing.invitations_to {
        InvitationRecipients::Both => "the manager and the delegates who may answer",
        InvitationRecipients::Delegates => "the delegates who may answer",
        InvitationRecipients::Manager => "the manager",
    };
    output.line(&format!("Invitations are shown to: {invitations}"));
    let notices = if listing.notices { "yes" } else { "no" };
    output.line(&format!("Notices of what delegates send: {notices}"));
    Ok(())
}

fn rights(delegate: &DelegateListing) -> Vec<&'static str> {
    let all = [
        (true, "reads"),
        (delegate.may_edit, "edits"),
        (delegate.may_answer, "answers"),
        (delegate.may_invite, "invites"),
        (delegate.sees_private, "sees private things"),
    ];
    let held = all.into_iter().filter(|(is, _)| *is);
    held.map(|(_, right)| right).collect()
}

impl From<InvitationsTo> for InvitationRecipients {
    fn from(word: InvitationsTo) -> Self {
        match word {
            InvitationsTo::Both => Self::Both,
            InvitationsTo::Delegates => Self::Delegates,
            InvitationsTo::Manager => Self::Manager,
        }
    }
}
