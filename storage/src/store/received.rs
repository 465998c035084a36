//! Which messages from outside had their effect: a row for each recipient and message, written in the commit of the
//! effect, so that the same message a second time is known for what it is. What of a message may matter to another
//! one, which it overtook, is kept in a row of the same kind, and so is what a mail was about that left, should it come
//! back; all are forgotten when they are old.

use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Batch, SCAN_OCTETS, Store, keys, record};
use crate::{
    Revision, Timestamp, Uuid,
    backend::{CommitError, Key, KeyRange, Operation, Page, ReadError},
    model::PrincipalId,
    store::record::Row,
};

/// Rows looked at in one step.
const ROWS_AT_ONCE: usize = 1_000;

/// What a row is called in an error.
const WHAT: &str = "received message";

/// Where a walk over the rows stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPosition(Vec<u8>);

/// What a row holds.
#[derive(Serialize, Deserialize)]
struct ReceivedRecord {
    /// Milliseconds since 1970.
    time: u64,
    /// What is kept of the message, or was answered to it; nothing where only its coming counts.
    kept: Vec<u8>,
}

impl ReceivedRecord {
    fn at(now: Timestamp, kept: Vec<u8>) -> ReceivedRecord {
        let time = now.0.max(0).unsigned_abs();
        ReceivedRecord { time, kept }
    }
}

impl Row for ReceivedRecord {
    /// In version 1, there was the time alone.
    const VERSION: u8 = 2;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<ReceivedRecord>> {
        let alone = |time| ReceivedRecord {
            time,
            kept: Vec::new(),
        };
        match version {
            1 => Some(postcard::from_bytes(body).map(alone)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// What is kept of a mail, or of messages to somebody about one thing, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOfMessages {
    key: Key,
    revision: Revision,
    /// Nothing where nothing is kept.
    pub octets: Bytes,
}

impl Batch {
    /// Notes that a message, by a name that follows from what it is, has its effect on a recipient in this commit; which
    /// is refused where that was noted before. `said` is what was answered, should it come again.
    pub fn note_received(
        &mut self,
        recipient: PrincipalId,
        message: Uuid,
        now: Timestamp,
        said: &[u8],
    ) -> &mut Self {
        let key = keys::received(recipient, message);
        self.expect_row(key.clone(), Revision(0));
        self.put(key, record::encode(&ReceivedRecord::at(now, said.to_vec())));
        self
    }

    /// Keeps these octets of messages, in the place of what was read.
    pub fn keep_of_messages(
        &mut self,
        before: &KeptOfMessages,
        octets: &[u8],
        now: Timestamp,
    ) -> &mut Self {
        self.expect_kept(before);
        let record = ReceivedRecord::at(now, octets.to_vec());
        self.put(before.key.clone(), record::encode(&record));
        self
    }

    /// Keeps what a mail was about that left in these octets.
    pub fn keep_of_mail(&mut self, mail: Uuid, octets: &[u8], now: Timestamp) -> &mut Self {
        let record = ReceivedRecord::at(now, octets.to_vec());
        self.put(keys::mail_that_left(mail), record::encode(&record));
        self
    }

    /// Expects what is kept of messages to be as it was read.
    pub fn expect_kept(&mut self, kept: &KeptOfMessages) -> &mut Self {
        self.expect_row(kept.key.clone(), kept.revision);
        self
    }
}

impl Store {
    /// What was answered to the first of these messages that was noted for a recipient, which is nothing where that was not
    /// kept; `None` where none was noted.
    pub async fn received(
        &self,
        recipient: PrincipalId,
        messages: &[Uuid],
    ) -> Result<Option<Bytes>, ReadError> {
        let keys = messages.iter().map(|it| keys::received(recipient, *it));
        let keys: Vec<_> = keys.collect();
        let rows = self.backend().get_many(&keys).await?;
        let row = rows.into_iter().flatten().next();
        let record = row.map(|row| record::decode::<ReceivedRecord>(&row.value, WHAT));
        Ok(record.transpose()?.map(|record| record.kept.into()))
    }

    /// What is kept of messages to a recipient about one thing, which has a name among all that they may be about.
    pub async fn kept_of_messages(
        &self,
        recipient: PrincipalId,
        about: Uuid,
    ) -> Result<KeptOfMessages, ReadError> {
        self.kept(keys::received(recipient, about)).await
    }

    /// What is kept of a mail that left, by its name.
    pub async fn kept_of_mail(&self, mail: Uuid) -> Result<KeptOfMessages, ReadError> {
        self.kept(keys::mail_that_left(mail)).await
    }

    async fn kept(&self, key: Key) -> Result<KeptOfMessages, ReadError> {
        let row = self.backend().get(&key).await?;
        let record = match &row {
            Some(row) => Some(record::decode::<ReceivedRecord>(&row.value, WHAT)?),
            None => None,
        };
        Ok(KeptOfMessages {
            key,
            revision: row.map_or(Revision(0), |row| row.revision),
            octets: record.map(|it| it.kept.into()).unwrap_or_default(),
        })
    }

    /// One step over all such rows, behind a position or from the beginning on: removes those from before `until`.
    /// Returns where to go on; `None` at the end.
    pub async fn forget_received(
        &self,
        after: Option<ReceivedPosition>,
        until: Timestamp,
    ) -> Result<Option<ReceivedPosition>, CommitError> {
        let mut range = KeyRange::prefix(keys::whole(keys::Keyspace::Received));
        if let Some(ReceivedPosition(key)) = after
            && range.contains(&key)
        {
            range.start = Bound::Excluded(key.into());
        }
        let page = Page {
            rows: ROWS_AT_ONCE,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        let found = self.backend().scan(range, page).await?;
        let last = found.rows.last().map(|(key, _)| key.to_vec());
        let until = until.0.max(0).unsigned_abs();
        let mut old = Vec::new();
        for (key, row) in found.rows {
            if record::decode::<ReceivedRecord>(&row.value, WHAT)?.time < until {
                old.push(Operation::Delete(key));
            }
        }
        if !old.is_empty() {
            self.commit_rows(Vec::new(), old).await?;
        }
        Ok(last.filter(|_| found.more).map(ReceivedPosition))
    }
}
