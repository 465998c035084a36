//! `convoke mail`

use super::{Failure, Output, Reach, restore};
use crate::{
    cli::{MailChoice, MailCommand},
    mail::{MailLine, MailOperation, MailOutcome, Which},
};

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(command: MailCommand, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let (operation, done) = match command {
        MailCommand::List { held } => (MailOperation::List { held_only: held }, ""),
        MailCommand::Release(choice) => (MailOperation::Release(which(choice)), "released"),
        MailCommand::Drop(choice) => (MailOperation::Drop(which(choice)), "dropped"),
    };
    match reach.perform_mail(operation).await? {
        MailOutcome::Listed(lines, more) => list(&lines, more, output),
        MailOutcome::Done(1) => output.line(&format!("1 mail was {done}.")),
        MailOutcome::Done(mails) => output.line(&format!("{mails} mails were {done}.")),
    }
    Ok(())
}

fn which(choice: MailChoice) -> Which {
    if choice.all {
        Which::AllHeld
    } else {
        Which::These(choice.ids)
    }
}

fn list(lines: &[MailLine], more: bool, output: &mut Output) {
    if lines.is_empty() {
        return output.line("No mail.");
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.id.clone(),
                restore::time(line.since),
                state(line),
                shown(&line.from),
                shown(&line.to),
                shown(&line.about),
            ]
        })
        .collect();
    output.table(&["ID", "SINCE", "STATE", "FROM", "TO", "ABOUT"], &rows);
    if more {
        output.line("There are more.");
    }
}

fn state(line: &MailLine) -> String {
    match (line.held, &line.last_error) {
        (true, _) => "held".to_owned(),
        (false, None) => "waiting".to_owned(),
        (false, Some(error)) => format!("waiting, tried {}: {}", line.attempts, shown(error)),
    }
}

/// Text of strangers must not move the terminal's cursor.
fn shown(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}
