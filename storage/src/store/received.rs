//! Which messages from outside had their effect: a row for each recipient and message, written in the commit of the
//! effect, so that the same message a second time is known for what it is.

use std::ops::Bound;

use super::{Batch, SCAN_OCTETS, Store, keys, record};
use crate::{
    Revision, Timestamp, Uuid,
    backend::{CommitError, KeyRange, Operation, Page, ReadError},
    model::PrincipalId,
};

/// Rows looked at in one step.
const ROWS_AT_ONCE: usize = 1_000;

/// Where a walk over the rows stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPosition(Vec<u8>);

impl Batch {
    /// Notes that a message, by a name that follows from what it is, has its effect on a recipient in this commit; which
    /// is refused where that was noted before.
    pub fn note_received(
        &mut self,
        recipient: PrincipalId,
        message: Uuid,
        now: Timestamp,
    ) -> &mut Self {
        let key = keys::received(recipient, message);
        self.expect_row(key.clone(), Revision(0));
        self.put(key, record::encode(&now.0.max(0).unsigned_abs()));
        self
    }
}

impl Store {
    /// Whether any of these messages was noted for a recipient.
    pub async fn was_received(
        &self,
        recipient: PrincipalId,
        messages: &[Uuid],
    ) -> Result<bool, ReadError> {
        let keys = messages.iter().map(|it| keys::received(recipient, *it));
        let keys: Vec<_> = keys.collect();
        let rows = self.backend().get_many(&keys).await?;
        Ok(rows.iter().any(Option::is_some))
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
            if record::decode::<u64>(&row.value, "received message")? < until {
                old.push(Operation::Delete(key));
            }
        }
        if !old.is_empty() {
            self.commit_rows(Vec::new(), old).await?;
        }
        Ok(last.filter(|_| found.more).map(ReceivedPosition))
    }
}
