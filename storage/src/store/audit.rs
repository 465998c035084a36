//! Who did what: a log of each owner's, written in the change's own commit, read by the administrator, and
//! kept for a time.

use std::ops::Bound;

use super::{Batch, SCAN_OCTETS, Store, keys, record};
use crate::{
    Timestamp,
    backend::{CommitError, KeyRange, Operation, Page, ReadError},
    model::{AuditEntry, AuditPosition, PrincipalId},
};

/// Entries removed in one commit.
const ROWS_AT_ONCE: usize = 200;
/// Entries counted at once.
const COUNTED_AT_ONCE: usize = 1_000;
/// The most octets of a place and of a client's name that are kept.
const MAXIMUM_TEXT_OCTETS: usize = 512;
/// The most entries that are kept of what is done in one home.
pub const MAXIMUM_AUDIT_ENTRIES: usize = 100_000;

impl Batch {
    /// Notes in the owner's audit what this change is.
    pub fn audit(&mut self, owner: PrincipalId, mut entry: AuditEntry) -> &mut Self {
        let bound =
            |text: &mut String| text.truncate(text.floor_char_boundary(MAXIMUM_TEXT_OCTETS));
        bound(&mut entry.place);
        entry.client.iter_mut().for_each(bound);
        self.append(keys::audit(owner), record::encode(&entry));
        self
    }
}

impl Store {
    /// Entries of the audit in the order of owners and commits, those of one owner or of all, behind a
    /// position or from the beginning on.
    pub async fn audit_entries(
        &self,
        owner: Option<PrincipalId>,
        after: Option<&AuditPosition>,
        rows: usize,
    ) -> Result<Vec<(AuditPosition, PrincipalId, AuditEntry)>, ReadError> {
        let mut range = KeyRange::prefix(match owner {
            Some(owner) => keys::audit(owner),
            None => keys::whole(keys::Keyspace::Audit),
        });
        if let Some(AuditPosition(key)) = after
            && range.contains(key)
        {
            range.start = Bound::Excluded(key.clone().into());
        }
        let page = Page {
            rows,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        let found = self.backend().scan(range, page).await?;
        let read = found.rows.into_iter().map(|(key, entry)| {
            let owner = keys::audit_owner(&key)
                .ok_or_else(|| record::corrupt("audit", "its key is odd"))?;
            let entry = record::decode(&entry.value, "audit")?;
            Ok((AuditPosition(key.to_vec()), owner, entry))
        });
        read.collect()
    }

    /// The next owner, behind this one or the first of all, in whose audit something stands.
    pub async fn next_audited(
        &self,
        after: Option<PrincipalId>,
    ) -> Result<Option<PrincipalId>, ReadError> {
        let mut range = KeyRange::prefix(keys::whole(keys::Keyspace::Audit));
        if let Some(after) = after {
            range.start = match KeyRange::prefix(keys::audit(after)).end {
                Bound::Excluded(next) => Bound::Included(next),
                end => end,
            };
        }
        let first = self.backend().first_key(range).await?;
        Ok(first.and_then(|key| keys::audit_owner(&key)))
    }

    /// Removes what is older than so many milliseconds from an owner's audit, and the oldest beyond
    /// [`MAXIMUM_AUDIT_ENTRIES`], in one bounded commit. Returns whether there may be more.
    ///
    /// What is old is decided by the retention clock (see [`super::RetentionClock`]).
    pub async fn expire_audit(
        &self,
        owner: PrincipalId,
        keep_milliseconds: i64,
    ) -> Result<bool, CommitError> {
        let clock = self.retention_clock().await?;
        let now = clock.now_for(keep_milliseconds);
        let until = Timestamp(now.0.saturating_sub(keep_milliseconds));
        let oldest = self.audit_entries(Some(owner), None, ROWS_AT_ONCE).await?;
        let full = oldest.len() == ROWS_AT_ONCE;
        let all_old = oldest.iter().all(|(_, _, entry)| entry.time < until);
        // What goes for its age goes first, so that a long log is not counted for each page of it.
        let excess = match all_old {
            true => 0,
            false => self.audit_excess(owner).await?,
        };
        let over: Vec<Operation> = oldest
            .into_iter()
            .enumerate()
            .take_while(|(place, (_, _, entry))| *place < excess || entry.time < until)
            .map(|(_, (AuditPosition(key), ..))| Operation::Delete(key.into()))
            .collect();
        let more = full && over.len() == ROWS_AT_ONCE;
        if !over.is_empty() {
            self.commit_rows(Vec::new(), over).await?;
        }
        Ok(more)
    }

    /// How many entries there are too many of.
    async fn audit_excess(&self, owner: PrincipalId) -> Result<usize, ReadError> {
        let (mut count, mut after) = (0_usize, None);
        loop {
            let page = self
                .audit_entries(Some(owner), after.as_ref(), COUNTED_AT_ONCE)
                .await?;
            count += page.len();
            match page.into_iter().last() {
                Some((last, ..)) => after = Some(last),
                None => return Ok(count.saturating_sub(MAXIMUM_AUDIT_ENTRIES)),
            }
            tokio::task::yield_now().await;
        }
    }
}
