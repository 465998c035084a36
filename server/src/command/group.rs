//! `convoke group`

use storage::model::PrincipalKind;

use super::{Failure, Output, Reach};
use crate::{
    accounts::{Entry, Operation, Outcome, Removal},
    cli::{GroupCommand, MemberCommand},
};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(command: GroupCommand, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    match command {
        GroupCommand::Add {
            name,
            display_name,
            addresses,
            members,
        } => {
            let entry = Entry {
                display_name,
                addresses: (!addresses.is_empty()).then_some(addresses),
                members: Some(members),
                ..Entry::new(PrincipalKind::Group, &name)
            };
            reach.perform(Operation::Add(Box::new(entry))).await?;
            output.line(&format!("The group {name} is added."));
        }
        GroupCommand::List => list(reach, output).await?,
        GroupCommand::Remove { name } => {
            reach
                .perform(Operation::Remove {
                    kind: PrincipalKind::Group,
                    name: name.clone(),
                    manner: Removal::Told,
                })
                .await?;
            output.line(&format!(
                "The group {name} is removed; its members stay, also in meetings."
            ));
        }
        GroupCommand::Member(MemberCommand::Add { group, member }) => {
            let outcome = reach
                .perform(Operation::AddMember {
                    group: group.clone(),
                    member: member.clone(),
                })
                .await?;
            let already = if outcome == Outcome::Unchanged {
                "already "
            } else {
                ""
            };
            output.line(&format!("{member} is {already}in the group {group}."));
        }
        GroupCommand::Member(MemberCommand::Remove { group, member }) => {
            let outcome = reach
                .perform(Operation::RemoveMember {
                    group: group.clone(),
                    member: member.clone(),
                })
                .await?;
            let word = if outcome == Outcome::Unchanged {
                "was not"
            } else {
                "is no longer"
            };
            output.line(&format!("{member} {word} in the group {group}."));
        }
    }
    Ok(())
}

async fn list(reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let Outcome::Listed(groups) = reach.perform(Operation::List(PrincipalKind::Group)).await?
    else {
        return Ok(());
    };
    let rows: Vec<Vec<String>> = groups
        .into_iter()
        .map(|group| {
            vec![
                group.name,
                group.display_name,
                group.addresses.join(" "),
                group.members.join(" "),
            ]
        })
        .collect();
    output.table(&["NAME", "DISPLAY NAME", "ADDRESSES", "MEMBERS"], &rows);
    Ok(())
}
