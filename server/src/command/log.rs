//! `convoke log`

use scheduling::log::{LogEntry, LogLine};

use super::{Failure, Output, Reach, trash::moment};
use crate::{cli::Log, scheduling_log::Ask};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Log, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let ask = match (arguments.object, arguments.user, arguments.uid) {
        (Some(object), ..) => Ask::object(&object),
        (None, Some(account), Some(uid)) => Ask::Uid { account, uid },
        (None, ..) => return Err("name an event, or a user and a UID".into()),
    };
    let entries = reach.ask_scheduling_log(&ask).await?;
    if arguments.json {
        output.line(&serde_json::to_string_pretty(&entries)?);
        return Ok(());
    }
    if entries.is_empty() {
        output.error("nothing was decided about it, or that is not kept any more");
        return Ok(());
    }
    let lines: Vec<Vec<String>> = entries.iter().flat_map(lines).collect();
    output.table(&["WHEN", "WHO", "ON", "DECISION"], &lines);
    Ok(())
}

fn lines(entry: &LogEntry) -> impl Iterator<Item = Vec<String>> {
    let when = moment(entry.time.0);
    let who = entry.actor.as_deref().unwrap_or("-");
    entry.lines.iter().map(move |line| {
        let occasion = entry.occasion.as_str().to_owned();
        vec![when.clone(), who.to_owned(), occasion, with_rule(line)]
    })
}

fn with_rule(line: &LogLine) -> String {
    match line.rule() {
        Some(rule) => format!("{line} [{rule}]"),
        None => line.to_string(),
    }
}
