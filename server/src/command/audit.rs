//! `convoke audit`

use storage::model::AuditAction;

use super::{Failure, Output, Reach, trash::moment};
use crate::{
    audit::{Ask, AuditRow},
    cli::Audit,
};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Audit, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let mut ask = Ask {
        account: arguments.account,
        actor: arguments.actor,
        object: arguments.object,
        since: arguments.since.map(|since| since.0),
        until: arguments.until.map(|until| until.0),
        after: None,
    };
    let mut rows = Vec::new();
    loop {
        let told = reach.ask_audit(&ask).await?;
        rows.extend(told.rows);
        // The newest are what most people ask for.
        let excess = rows.len().saturating_sub(arguments.last);
        rows.sort_by_key(|row| row.time);
        rows.drain(..excess);
        if told.next.is_none() {
            break;
        }
        ask.after = told.next;
    }
    if arguments.json {
        output.line(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let lines: Vec<Vec<String>> = rows.into_iter().map(line).collect();
    let heading = ["WHEN", "WHO", "WHAT", "FOR", "WHERE", "CLIENT"];
    output.table(&heading, &lines);
    Ok(())
}

fn line(row: AuditRow) -> Vec<String> {
    vec![
        moment(row.time),
        row.actor.unwrap_or_else(|| "nobody".to_owned()),
        word(row.action).to_owned(),
        row.account,
        row.place,
        row.client.unwrap_or_default(),
    ]
}

fn word(action: AuditAction) -> &'static str {
    match action {
        AuditAction::Created => "created",
        AuditAction::Changed => "changed",
        AuditAction::Removed => "removed",
        AuditAction::Copied => "copied here",
        AuditAction::Moved => "moved here",
        AuditAction::MovedAway => "moved away",
        AuditAction::CollectionMade => "made calendar",
        AuditAction::PropertiesChanged => "changed properties",
        AuditAction::AccessChanged => "changed access",
        AuditAction::Imported => "imported",
        AuditAction::AttachmentChanged => "changed attachment",
        AuditAction::Restored => "restored",
    }
}
