//! What is old, or too much, leaves the trash, in bounded commits that may be repeated.
//!
//! What is old is decided by the retention clock (see [`crate::store::retention`]), not by what the
//! machine's clock says at this moment.

use super::{
    super::{RetentionClock, SCAN_OCTETS, SCAN_PAGE, Store, keys, record},
    Standing, TrashKind, TrashedRecord, references, weight,
};
use crate::{
    Revision, Timestamp,
    backend::{CommitError, Entry, Expect, Key, KeyRange, Operation, Page, ReadError},
    model::CollectionId,
};

/// Rows removed in one commit.
const ROWS_AT_ONCE: usize = 200;

/// The rows of one kind and one collection, in the order of their commits.
pub(super) struct Stream {
    kind: TrashKind,
    pub collection: CollectionId,
    /// When its first row came.
    oldest: Timestamp,
    /// And with which commit.
    oldest_revision: Revision,
}

/// What is over.
#[derive(Clone, Copy)]
struct Over {
    /// What came before that.
    until: Timestamp,
    /// What bears a later time than this came while the clock was wrong ...
    now: Timestamp,
    /// ... and is over where it came with this commit or an earlier one.
    covered: Revision,
}

impl Over {
    /// What came before a moment, whatever the time is.
    fn before(until: Timestamp) -> Over {
        Over {
            until,
            now: Timestamp(i64::MAX),
            covered: Revision(0),
        }
    }

    fn is(&self, came: Timestamp, with: Revision) -> bool {
        came < self.until || (came > self.now && with <= self.covered)
    }
}

/// What of a home's trash came first.
enum Oldest {
    Rows(Stream),
    Collection(Key, Entry),
}

impl Store {
    /// Removes about `budget` rows that are older than the policy keeps them. Returns whether there may
    /// be more.
    pub async fn expire_trash(&self, budget: usize) -> Result<bool, CommitError> {
        let clock = self.retention_clock().await?;
        let versions = self.over(TrashKind::Versions, &clock).await?;
        let deletions = self.over(TrashKind::Deletions, &clock).await?;
        let mut left = budget.max(1);
        for home in self.homes_with_trash().await? {
            for stream in self.trash_streams(home).await? {
                let over = match stream.kind {
                    TrashKind::Versions => versions,
                    TrashKind::Deletions => deletions,
                };
                while over.is(stream.oldest, stream.oldest_revision) && left > 0 {
                    let (removed, more) = self
                        .remove_from_stream(home, &stream, over, u64::MAX)
                        .await?;
                    left = left.saturating_sub(removed.max(1));
                    if !more {
                        break;
                    }
                }
            }
            if left == 0 {
                return Ok(true);
            }
        }
        for (key, entry) in self.scan_all(KeyRange::prefix(keys::all_trashed())).await? {
            let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
            if deletions.is(record.deleted, entry.revision) {
                self.let_go(&key, &entry).await?;
            }
        }
        Ok(false)
    }

    /// Removes the oldest, about `budget` rows of it, from each trash that holds more than the policy
    /// allows. Returns whether there may be more to remove.
    pub async fn bound_trash(&self, budget: usize) -> Result<bool, CommitError> {
        let maximum = self.trash.map_or(0, |policy| policy.home_octets);
        let mut left = budget.max(1);
        for home in self.homes_with_trash().await? {
            while let Some(excess) = self.trash_octets(home).await?.checked_sub(maximum + 1) {
                let Some((oldest, next)) = self.oldest_in_trash(home).await? else {
                    break;
                };
                let removed = match oldest {
                    Oldest::Rows(stream) => {
                        let over = Over::before(Timestamp(next.0.saturating_add(1)));
                        self.remove_from_stream(home, &stream, over, excess + 1)
                            .await?
                            .0
                    }
                    Oldest::Collection(key, entry) => usize::from(self.let_go(&key, &entry).await?),
                };
                left = left.saturating_sub(removed);
                if left == 0 || removed == 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What of a kind is over; without a policy everything is.
    async fn over(&self, kind: TrashKind, clock: &RetentionClock) -> Result<Over, ReadError> {
        let Some(policy) = self.trash else {
            return Ok(Over::before(Timestamp(i64::MAX)));
        };
        let kept = policy.milliseconds(kind);
        let until = Timestamp(clock.now_for(kept).0.saturating_sub(kept));
        let noted = self.moment_before(until).await?;
        Ok(Over {
            until,
            now: clock.seen(),
            covered: noted.map_or(Revision(0), |(_, revision)| revision),
        })
    }

    async fn homes_with_trash(&self) -> Result<Vec<CollectionId>, ReadError> {
        let mut homes = Vec::new();
        for (key, entry) in self
            .scan_all(KeyRange::prefix(keys::trash_usages()))
            .await?
        {
            if record::counter(&entry.value)? > 0 {
                homes.extend(keys::single_id(&key).map(CollectionId));
            }
        }
        Ok(homes)
    }

    /// Every kind and collection that has rows in a home's trash.
    pub(super) async fn trash_streams(&self, home: CollectionId) -> Result<Vec<Stream>, ReadError> {
        let whole = KeyRange::prefix(keys::trash_of_home(home));
        let mut streams = Vec::new();
        let mut range = whole.clone();
        loop {
            let page = Page {
                rows: 1,
                ..SCAN_PAGE
            };
            let page = self.backend().scan(range, page).await?;
            let Some((key, entry)) = page.rows.first() else {
                return Ok(streams);
            };
            let (_, kind, collection) =
                keys::trash_place(key).ok_or_else(|| record::corrupt("trash", "its key is odd"))?;
            let (header, _) = record::decode_trash(entry)?;
            streams.push(Stream {
                kind,
                collection,
                oldest: header.superseded,
                oldest_revision: entry.revision,
            });
            let this = KeyRange::prefix(keys::trash(home, kind, collection));
            range = KeyRange {
                start: match this.end {
                    std::ops::Bound::Excluded(end) => std::ops::Bound::Included(end),
                    end => end,
                },
                end: whole.end.clone(),
            };
        }
    }

    /// What came first into a home's trash, and when the next thing did.
    async fn oldest_in_trash(
        &self,
        home: CollectionId,
    ) -> Result<Option<(Oldest, Timestamp)>, ReadError> {
        let mut all: Vec<(Timestamp, Oldest)> = Vec::new();
        for stream in self.trash_streams(home).await? {
            all.push((stream.oldest, Oldest::Rows(stream)));
        }
        for (key, entry) in self
            .scan_all(KeyRange::prefix(keys::trashed_of(home)))
            .await?
        {
            let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
            if matches!(record.standing, Standing::Apart(_)) {
                all.push((record.deleted, Oldest::Collection(key, entry)));
            }
        }
        all.sort_by_key(|(time, _)| *time);
        let mut all = all.into_iter();
        let first = all.next();
        let next = all.next().map_or(Timestamp(i64::MAX - 1), |(time, _)| time);
        Ok(first.map(|(_, oldest)| (oldest, next)))
    }

    /// Removes rows from the beginning of a stream, as far as they are over, and until
    /// `octets` are gone. How many they were, and whether there may be more of them.
    async fn remove_from_stream(
        &self,
        home: CollectionId,
        stream: &Stream,
        over: Over,
        octets: u64,
    ) -> Result<(usize, bool), CommitError> {
        let page = self
            .trash_page(home, stream.kind, stream.collection)
            .await?;
        let (mut taken, mut sum) = (Vec::new(), 0);
        let more = page.more;
        let found = page.rows.len();
        for (key, entry) in page.rows {
            let (header, object) = record::decode_trash(&entry)?;
            if !over.is(header.superseded, entry.revision) || sum >= octets {
                break;
            }
            sum += weight(&entry, home, object.as_ref());
            taken.push((key, entry));
        }
        let all_taken = taken.len() == found;
        let removed = self.remove_rows(home, stream.collection, taken).await?;
        Ok((removed, removed > 0 && all_taken && more))
    }

    async fn trash_page(
        &self,
        home: CollectionId,
        kind: TrashKind,
        id: CollectionId,
    ) -> Result<crate::backend::ScanPage, ReadError> {
        let page = Page {
            rows: ROWS_AT_ONCE,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        self.backend()
            .scan(KeyRange::prefix(keys::trash(home, kind, id)), page)
            .await
    }

    /// Removes rows of one collection, unless somebody else does. How many are gone.
    async fn remove_rows(
        &self,
        home: CollectionId,
        id: CollectionId,
        rows: Vec<(Key, Entry)>,
    ) -> Result<usize, CommitError> {
        let (mut expect, mut operations, mut sum) = (Vec::new(), Vec::new(), 0);
        let number = rows.len();
        for (key, entry) in rows {
            let (header, object) = record::decode_trash(&entry)?;
            sum += weight(&entry, home, object.as_ref()) as i64;
            operations.extend(references(id, &header, object.as_ref()).map(Operation::Delete));
            expect.push(Expect::Revision(key.clone(), entry.revision));
            operations.push(Operation::Delete(key));
        }
        if number == 0 {
            return Ok(0);
        }
        operations.push(Operation::Add {
            key: keys::trash_usage(home),
            amount: -sum,
            maximum: None,
        });
        match self.commit_rows(expect, operations).await {
            Ok(_) => Ok(number),
            Err(CommitError::Conflict(_)) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Removes some of the rows of a collection that the purge is at. How many are gone; `None` where
    /// somebody else was faster.
    pub(in crate::store) async fn purge_trash(
        &self,
        home: CollectionId,
        id: CollectionId,
    ) -> Result<Option<usize>, CommitError> {
        for kind in TrashKind::ALL {
            let rows = self.trash_page(home, kind, id).await?.rows;
            if !rows.is_empty() {
                let removed = self.remove_rows(home, id, rows).await?;
                return Ok(Some(removed).filter(|removed| *removed > 0));
            }
        }
        Ok(Some(0))
    }

    /// Lets one deleted collection of a home go that the purge is at. Whether there was one; `None` where
    /// somebody else was faster.
    pub(in crate::store) async fn let_one_go(
        &self,
        home: CollectionId,
    ) -> Result<Option<bool>, CommitError> {
        for (key, entry) in self
            .scan_all(KeyRange::prefix(keys::trashed_of(home)))
            .await?
        {
            let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
            if record.standing != Standing::Leaving {
                let gone = self.let_go(&key, &entry).await?;
                return Ok(gone.then_some(true));
            }
        }
        Ok(Some(false))
    }
}
