//! A new epoch: what follows when a store goes back to an earlier moment, as a restore lets it.

use super::{Store, keys, read_meta, record};
use crate::{
    backend::{CommitError, Expect, Operation},
    model::WorkId,
};

/// Rows of work that are moved in one commit.
const ROWS: usize = 16;

impl Store {
    /// Moves all rows of one queue into another one, where no worker takes them; says how many. A row
    /// that a worker takes meanwhile is left to it.
    ///
    /// # Errors
    /// The store cannot be read or written; some rows may have been moved then.
    pub async fn hold_work(&self, queue: &str, held: &str) -> Result<usize, CommitError> {
        let mut moved = 0;
        let mut after: Option<WorkId> = None;
        loop {
            let rows = self.list_unread_work(queue, after.as_ref(), ROWS);
            let rows = rows.await?;
            let Some(last) = rows.last() else {
                return Ok(moved);
            };
            after = Some(last.id.clone());
            for row in &rows {
                let mut batch = self.batch();
                batch.move_work(row, held, &row.id);
                match self.commit(batch).await {
                    Ok(_) => moved += 1,
                    Err(CommitError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Begins a new epoch: every sync token given out so far is refused from now on (RFC 6578 §3.8),
    /// and every ctag changes, so that clients compare everything anew. The store must be opened again
    /// for it, and nobody else may use it meanwhile.
    ///
    /// # Errors
    /// The store cannot be read or written; the old epoch goes on then.
    pub async fn begin_epoch(self) -> Result<(), CommitError> {
        let key = keys::meta();
        let before = self.backend().get(&key).await?;
        let meta = read_meta(&**self.backend()).await?;
        let (Some(before), Some(mut meta)) = (before, meta) else {
            return Err(CommitError::Corrupt("the meta row is missing".to_owned()));
        };
        let old = meta.epoch;
        while meta.epoch == old {
            meta.epoch = self.environment().random_u64();
        }
        self.commit_rows(
            vec![Expect::Revision(key.clone(), before.revision)],
            vec![Operation::Put(key, record::encode(&meta))],
        )
        .await
        .map(drop)
    }
}
