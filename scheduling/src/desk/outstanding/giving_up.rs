//! What waits in rows that cannot be read is given up where whoever runs the server says so. Nobody knows what it was, and
//! for whom; but whoever an object says is still to hear of it (RFC 6638 §3.2.9, 1.0), and for whom nothing else waits, is
//! said not to have been reached.

use std::{collections::BTreeSet, fmt};

use storage::{
    Batch,
    backend::ReadError,
    model::{PrincipalId, WorkId},
};

use super::{
    super::{
        Desk, MAXIMUM_ROUNDS,
        refuse::{crowded, read_failed},
    },
    DELIVERY_QUEUE, LETTERS_BEHIND_QUEUE, LETTERS_QUEUE,
    rows::Turn,
};
use crate::{
    Classification, Refusal,
    engine::{self, Addressee, Directory, Status},
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// Rows looked at in one step.
const ROWS_AT_ONCE: usize = 100;

/// Messages of a meeting that wait where nobody can read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableMessages(WorkId);

/// Messages of a meeting that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// How many rows they were in.
    pub rows: usize,
    /// The UID of the meeting, if that is known.
    pub uid: Option<String>,
    /// Who is said not to have been reached, by their calendar user addresses.
    pub people: Vec<String>,
}

impl fmt::Display for GivenUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.uid {
            Some(uid) => write!(formatter, "messages of the meeting {uid:?}")?,
            None => formatter.write_str("messages of a meeting that is not known")?,
        }
        match &self.people[..] {
            [] => formatter.write_str("; nobody is known who did not hear of it"),
            people => write!(formatter, "; not told are {}", people.join(", ")),
        }
    }
}

impl Desk {
    /// The meetings of which messages wait in rows that are there and cannot be read.
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn unreadable_messages(&self) -> Result<Vec<UnreadableMessages>, Refusal> {
        let mut found = Vec::new();
        for queue in [LETTERS_QUEUE, LETTERS_BEHIND_QUEUE] {
            let mut after: Option<WorkId> = None;
            loop {
                let page = self
                    .store
                    .list_unread_work(queue, after.as_ref(), ROWS_AT_ONCE);
                let page = page.await.map_err(read_failed)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id.clone());
                for row in page {
                    let read = self.letters(queue, &row.id).await;
                    let meeting = UnreadableMessages(row.id);
                    if matches!(read, Err(Refusal::Damaged(_))) && !found.contains(&meeting) {
                        found.push(meeting);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Removes the rows of a meeting that cannot be read; `None` where there is none any more. The sender's object and its
    /// log say who was not reached, as far as that can be known.
    ///
    /// Errors: `Unavailable`, `Damaged`, `Full`.
    pub async fn give_up_messages(
        &self,
        UnreadableMessages(id): &UnreadableMessages,
    ) -> Result<Option<GivenUp>, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let mut batch = self.store.batch();
            let (mut rows, mut told) = (0, BTreeSet::new());
            for queue in [LETTERS_QUEUE, LETTERS_BEHIND_QUEUE] {
                match self.letters(queue, id).await {
                    Err(Refusal::Damaged(_)) => {
                        let row = self.store.unread_work_at(queue, id).await;
                        if let Some(row) = row.map_err(read_failed)? {
                            batch.remove_work(&row);
                            rows += 1;
                        }
                    }
                    read => match read? {
                        None => drop(batch.expect_no_work(queue, id)),
                        Some((row, letters)) => {
                            batch.expect_work(id, &row);
                            told.extend(letters.recipients());
                        }
                    },
                }
            }
            if rows == 0 {
                return Ok(None);
            }
            let turn = self.turn_of(id).await?;
            let people = match &turn {
                Some(turn) => self.tell_unreached(&mut batch, turn, &told).await?,
                None => Vec::new(),
            };
            if self.commit(batch).await?.is_some() {
                let uid = turn.map(|turn| turn.uid);
                return Ok(Some(GivenUp { rows, uid, people }));
            }
        }
        Err(crowded())
    }

    /// The meeting whose messages stand in a row.
    async fn turn_of(&self, letters: &WorkId) -> Result<Option<Turn>, Refusal> {
        let mut after: Option<WorkId> = None;
        loop {
            let page = self
                .store
                .list_unread_work(DELIVERY_QUEUE, after.as_ref(), ROWS_AT_ONCE);
            let page = page.await.map_err(read_failed)?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            after = Some(last.id.clone());
            for row in &page {
                let work = match self.store.work(DELIVERY_QUEUE, &row.id).await {
                    Err(ReadError::Corrupt(_)) => None,
                    work => work.map_err(read_failed)?,
                };
                let turn = work.and_then(|work| work.task::<Turn>());
                if let Some(turn) = turn.filter(|turn| turn.letters_id() == *letters) {
                    return Ok(Some(turn));
                }
            }
        }
    }

    /// Writes down who has not heard of a meeting, and will not: all who are still to hear of it but those for whom
    /// something `waits`; their addresses.
    async fn tell_unreached(
        &self,
        batch: &mut Batch,
        turn: &Turn,
        waits: &BTreeSet<PrincipalId>,
    ) -> Result<Vec<String>, Refusal> {
        let own = match self.copies(turn.home, &turn.uid).await {
            // what cannot be read says nothing of anybody
            Err(Refusal::Damaged(_)) => None,
            own => Some(own?),
        };
        let copy = own.as_ref().and_then(|own| own.meeting.as_ref());
        let object = copy.map(|copy| &copy.object);
        let pending: Vec<String> = object.into_iter().flat_map(engine::pending).collect();
        let mut directory = Directory::new();
        self.look_up(&mut directory, &pending).await?;
        // to who is elsewhere goes a mail
        let is_unreached = |address: &String| match directory.get(address) {
            Addressee::Local(person) => !waits.contains(&person.id),
            Addressee::UnknownLocal => true,
            Addressee::Remote => false,
        };
        let unreached: Vec<String> = pending.into_iter().filter(is_unreached).collect();
        let entry = LogEntry {
            time: self.now(),
            actor: None,
            occasion: Occasion::Fared,
            is_public: object.is_some_and(Classification::is_public),
            lines: vec![LogLine {
                parties: unreached.clone(),
                status: Some(Status::UNAVAILABLE.as_str().to_owned()),
                ..LogLine::of(
                    Verdict::NotSent,
                    "what waited could not be read, and was given up by whoever runs the server",
                )
            }],
        };
        self.log(batch, turn.home, &turn.uid, entry);
        if let Some(own) = &own {
            let statuses = unreached.iter().cloned();
            let statuses: Vec<_> = statuses.map(|it| (it, Status::UNAVAILABLE)).collect();
            self.write_statuses(batch, own, &statuses).await?;
        }
        Ok(unreached)
    }
}
