//! The queue of outgoing mail in the administrator's hands: looked at, and, after a restore, released
//! or dropped. Mail that waited when a backup was made may have left since; nobody but a person can
//! tell, so a restore moves it to [`HELD_QUEUE`], where no worker takes it. A row that cannot be read stands in the way of
//! no other.

use scheduling::{
    Desk,
    mail::{DeliveryOutcome, HELD_MAILING_QUEUE, HELD_QUEUE, OutgoingMessage, QUEUE},
};
use serde::{Deserialize, Serialize};
use storage::{
    Stored, Timestamp, UnreadWork,
    backend::{CommitError, ReadError},
    model::{Work, WorkId},
};

/// Mails that are listed at once.
const MAXIMUM_LISTED: usize = 10_000;
/// Rows read at once.
const PAGE_ROWS: usize = 64;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailOperation {
    /// Shows what waits.
    List {
        /// Only what is held.
        held_only: bool,
    },
    /// Lets held mails go out.
    Release(Which),
    /// Removes mails as if they could not be delivered.
    Drop(Which),
}

/// Which mails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    /// All that are held.
    AllHeld,
    /// Those with these identities, as a list shows them.
    These(Vec<String>),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailOutcome {
    /// The mails, and whether there are more.
    Listed(Vec<MailLine>, bool),
    /// So many were released or dropped.
    Done(usize),
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailLine {
    /// Its identity.
    pub id: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// Whether it is held; otherwise it is being sent.
    pub held: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it did not leave yet.
    pub last_error: Option<String>,
    /// Who sends it.
    pub from: String,
    /// Who is to get it.
    pub to: String,
    /// Method and UID, and what the meeting is called.
    pub about: String,
}

/// Does what was asked for.
///
/// # Errors
/// In words for a person.
pub async fn perform(desk: &Desk, operation: MailOperation) -> Result<MailOutcome, String> {
    make_held(desk).await?;
    match operation {
        MailOperation::List { held_only } => list(desk, held_only).await,
        MailOperation::Release(which) => {
            let rows = find(desk, &which, HELD).await?;
            release(desk, rows).await
        }
        MailOperation::Drop(which) => {
            let queues = match &which {
                Which::AllHeld => HELD,
                Which::These(_) => ALL,
            };
            let rows = find(desk, &which, queues).await?;
            drop_all(desk, rows).await
        }
    }
}

/// What is held. Of mails to many, only what cannot be made of its row is left in the second.
const HELD: &[&str] = &[HELD_QUEUE, HELD_MAILING_QUEUE];
/// The same, and what is being sent.
const ALL: &[&str] = &[HELD_QUEUE, HELD_MAILING_QUEUE, QUEUE];

/// A row of a queue, and what it says where that can be read.
struct Row {
    row: UnreadWork,
    work: Option<Stored<Work>>,
}

/// Makes what is held of mails to many, so that each of them is listed, released and dropped.
async fn make_held(desk: &Desk) -> Result<(), String> {
    loop {
        match desk.post_outstanding(HELD_MAILING_QUEUE).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(refusal) => return Err(refusal.to_string()),
        }
    }
}

/// Visits the rows of a queue until `visit` has seen enough.
async fn visit(
    desk: &Desk,
    queue: &str,
    mut visit: impl FnMut(Row) -> bool,
) -> Result<(), ReadError> {
    let mut after: Option<WorkId> = None;
    loop {
        let store = desk.store();
        let rows = store.list_unread_work(queue, after.as_ref(), PAGE_ROWS);
        let rows = rows.await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = Some(last.id.clone());
        for row in rows {
            let work = match store.work(queue, &row.id).await {
                // it is done meanwhile
                Ok(None) => continue,
                Ok(work) => work,
                Err(ReadError::Corrupt(_)) => None,
                Err(error) => return Err(error),
            };
            if !visit(Row { row, work }) {
                return Ok(());
            }
        }
    }
}

async fn list(desk: &Desk, held_only: bool) -> Result<MailOutcome, String> {
    let (mut lines, mut more) = (Vec::new(), false);
    for queue in if held_only { HELD } else { ALL } {
        visit(desk, queue, |row| {
            more = lines.len() == MAXIMUM_LISTED;
            if !more {
                lines.push(line(&row, *queue != QUEUE));
            }
            !more
        })
        .await
        .map_err(|error| error.to_string())?;
    }
    lines.sort_by_key(|line| line.since);
    Ok(MailOutcome::Listed(lines, more))
}

fn line(row: &Row, held: bool) -> MailLine {
    let work = row.work.as_ref();
    let message = work.and_then(|work| OutgoingMessage::decode(&work.payload));
    let unreadable = || "(unreadable)".to_owned();
    MailLine {
        id: name_of(&row.row.id),
        since: work.map_or(row.row.id.due, |work| work.created),
        held,
        attempts: work.map_or(0, |work| work.attempts),
        last_error: match work {
            Some(work) => work.last_error.clone(),
            None => Some("its row cannot be read".to_owned()),
        },
        from: message
            .as_ref()
            .map_or_else(unreadable, |message| message.from.address.clone()),
        to: message
            .as_ref()
            .map_or_else(unreadable, |message| message.to.address.clone()),
        about: message.as_ref().map_or_else(unreadable, |message| {
            format!(
                "{} {} {}",
                message.method, message.uid, message.details.summary
            )
        }),
    }
}

fn name_of(id: &WorkId) -> String {
    format!("{:032x}", id.id)
}

/// The rows that are meant; an identity that nothing has is an error before anything is done.
async fn find(desk: &Desk, which: &Which, queues: &[&str]) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    for queue in queues {
        visit(desk, queue, |row| {
            let meant = match which {
                Which::AllHeld => true,
                Which::These(ids) => ids.contains(&name_of(&row.row.id)),
            };
            if meant {
                rows.push(row);
            }
            true
        })
        .await
        .map_err(|error| error.to_string())?;
    }
    if let Which::These(ids) = which {
        let is_there = |id: &&String| rows.iter().any(|row| name_of(&row.row.id) == **id);
        if let Some(unknown) = ids.iter().find(|id| !is_there(id)) {
            return Err(format!(
                "there is no such mail as {unknown}: see `convoke mail list`; nothing was done"
            ));
        }
    }
    Ok(rows)
}

async fn release(desk: &Desk, rows: Vec<Row>) -> Result<MailOutcome, String> {
    let store = desk.store();
    let mut done = 0;
    for Row { row, work } in rows {
        // nobody can send what cannot be read: it can only be dropped
        let Some(work) = work.filter(|work| work.queue == HELD_QUEUE) else {
            continue;
        };
        let waiting = Work {
            queue: QUEUE.to_owned(),
            attempts: 0,
            last_error: None,
            ..work.value.clone()
        };
        let mut batch = store.batch();
        batch.reschedule(&row.id, &work, store.environment().clock.now(), &waiting);
        match store.commit(batch).await {
            Ok(_) => done += 1,
            // Another administrator was quicker.
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(unfinished("released", done, &error)),
        }
    }
    Ok(MailOutcome::Done(done))
}

async fn drop_all(desk: &Desk, rows: Vec<Row>) -> Result<MailOutcome, String> {
    let mut done = 0;
    for Row { row, work } in rows {
        let Some(work) = work else {
            drop_unreadable(desk, &row)
                .await
                .map_err(|error| unfinished("dropped", done, &error))?;
            done += 1;
            continue;
        };
        desk.record_delivery(
            &row.id,
            &work,
            DeliveryOutcome::GivenUp,
            Some("an administrator dropped it"),
        )
        .await
        .map_err(|error| unfinished("dropped", done, &error))?;
        done += 1;
    }
    Ok(MailOutcome::Done(done))
}

/// Nobody's object tells how it fared, for nobody can tell whose it is.
async fn drop_unreadable(desk: &Desk, row: &UnreadWork) -> Result<(), CommitError> {
    let mut batch = desk.store().batch();
    batch.remove_work(row);
    match desk.store().commit(batch).await {
        Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn unfinished(what: &str, done: usize, error: &dyn std::fmt::Display) -> String {
    format!("{done} mails were {what}, then it failed: {error}; give the command again")
}

#[cfg(test)]
mod tests;
