//! What was written before 2026-11-30. Rows in [`DELIVERY_QUEUE`] held themselves what waited, each of them some of it: what
//! they hold is put into the row of its meeting, at its place in the order of time. The letters of such a row asked again for
//! all that they were about, or for nothing.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Timestamp,
    backend::ReadError,
    model::{Work, WorkId},
};

use super::{
    super::{
        Desk, MAXIMUM_ROUNDS,
        queue::{Row, is_about_all},
        refuse::{crowded, read_failed},
    },
    DELIVERY_QUEUE,
    letter::{Addressed, Letter, parts},
    rows::{Letters, Turn},
    waiting::Trouble,
};
use crate::{Refusal, engine::Method, parse_stored};

/// Rows looked at in one step.
const ROWS_AT_ONCE: usize = 100;

/// A letter as it was written before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormerLetter {
    method: Method,
    sender: String,
    is_refresh: bool,
    asks_again: bool,
    octets: Bytes,
    recipients: Vec<Addressed>,
}

impl FormerLetter {
    /// It was decided when its row was made.
    fn into_letter(self, row: &Work) -> Letter {
        let object = parse_stored(self.octets.clone()).ok();
        let parts = object.as_ref().map_or_else(Vec::new, parts);
        let names = parts.iter().map(|(name, _)| name.clone());
        Letter {
            method: self.method,
            sender: self.sender,
            is_refresh: self.is_refresh,
            tells_answer: false,
            is_sent_again: self.asks_again,
            asks_again: names.filter(|_| self.asks_again).collect(),
            parts,
            decided: row.created,
            octets: self.octets,
            recipients: self.recipients,
        }
    }
}

/// The letters of a meeting as its row had them before.
#[derive(Serialize, Deserialize)]
pub(super) struct FormerLetters {
    due: Timestamp,
    troubles: Vec<Trouble>,
    letters: Vec<WholeAsking>,
}

/// A letter that asks again for all that it is about, or for nothing.
#[derive(Serialize, Deserialize)]
struct WholeAsking {
    method: Method,
    sender: String,
    is_refresh: bool,
    tells_answer: bool,
    asks_again: bool,
    parts: Vec<(String, String)>,
    decided: Timestamp,
    octets: Bytes,
    recipients: Vec<Addressed>,
}

impl From<FormerLetters> for Letters {
    fn from(former: FormerLetters) -> Letters {
        Letters {
            due: former.due,
            troubles: former.troubles,
            letters: former.letters.into_iter().map(Letter::from).collect(),
        }
    }
}

impl From<WholeAsking> for Letter {
    fn from(former: WholeAsking) -> Letter {
        let names = former.parts.iter().map(|(name, _)| name.clone());
        Letter {
            method: former.method,
            sender: former.sender,
            is_refresh: former.is_refresh,
            tells_answer: former.tells_answer,
            is_sent_again: former.asks_again,
            asks_again: names.filter(|_| former.asks_again).collect(),
            parts: former.parts,
            decided: former.decided,
            octets: former.octets,
            recipients: former.recipients,
        }
    }
}

impl Desk {
    /// Adopts all such rows, also those that are put off, before anything is decided upon what waits. Once is enough:
    /// nothing writes any.
    pub(super) async fn adopt_former(&self) -> Result<(), Refusal> {
        let adopt = async || {
            let mut after = None;
            while let Some(reached) = self.adopt_next(after.as_ref()).await? {
                after = Some(reached);
            }
            Ok(())
        };
        match self.rehearses {
            true => Ok(()),
            false => self.former_rows.get_or_try_init(adopt).await.copied(),
        }
    }

    /// The same of a page of rows; the last of them, if there was any.
    async fn adopt_next(&self, after: Option<&WorkId>) -> Result<Option<WorkId>, Refusal> {
        let page = self
            .store
            .list_unread_work(DELIVERY_QUEUE, after, ROWS_AT_ONCE);
        let page = page.await.map_err(read_failed)?;
        for row in &page {
            match self.adopt_row(&row.id).await {
                Err(refusal) if !is_about_all(&refusal) => {
                    tracing::error!(%refusal, "what waits in a row of before cannot be adopted before its turn");
                }
                adopted => adopted?,
            }
        }
        Ok(page.last().map(|row| row.id.clone()))
    }

    async fn adopt_row(&self, id: &WorkId) -> Result<(), Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let work = match self.store.work(DELIVERY_QUEUE, id).await {
                Ok(Some(work)) => work,
                // its turn will tell
                Ok(None) | Err(ReadError::Corrupt(_)) => return Ok(()),
                Err(error) => return Err(read_failed(error)),
            };
            let row = Row {
                id: id.clone(),
                work,
            };
            let turn = row.task().ok();
            let Some(turn) = turn.filter(Turn::is_former) else {
                return Ok(());
            };
            let batch = self.adopted(&row, turn).await?;
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Puts what a row holds into that of its meeting.
    pub(super) async fn adopted(&self, row: &Row, turn: Turn) -> Result<Batch, Refusal> {
        let now = self.now();
        let mut outstanding = self
            .read_outstanding(turn.sender, turn.home, &turn.uid)
            .await?;
        let mut batch = self.store.batch();
        let letters = turn.letters.into_iter();
        let letters = letters.map(|letter| letter.into_letter(&row.work));
        let waiting = &mut outstanding.waiting.letters;
        waiting.extend(letters);
        waiting.sort_by_key(|it| it.decided);
        outstanding.is_changed |= !waiting.is_empty();
        self.enqueue_mails(&mut batch, &turn.mails, now);
        batch.finish_work(&row.id, &row.work);
        // its turn is where the row's was, so that an older row is adopted before a newer one
        self.write_outstanding(&mut batch, &outstanding, row.id.due.min(now))
            .await?;
        Ok(batch)
    }
}
