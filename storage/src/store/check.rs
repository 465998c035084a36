//! Compares every row with what it is about: indexes with what they index, counters with what they
//! count, logs with what they tell of, references with what they refer to.
//!
//! Every row is judged by itself, from rows of one moment, so that a store which is written meanwhile is
//! judged as well as a quiet one. What is about more than a few rows (a log, a counter) is looked at
//! again, and counts only where nothing was written in between.
//!
//! A mending is a small commit that expects what it was decided upon. It restores what follows from the
//! rest; nothing that a person wrote is ever removed.

mod blobs;
mod collections;
mod finding;
mod logs;
mod members;
mod principals;
mod usage;

use tokio::sync::mpsc;

use super::{
    SCAN_PAGE, Store,
    keys::{self, Keyspace},
    record,
};
use crate::{
    backend::{CommitError, Entry, Key, KeyRange, Operation, ReadError},
    blob_files::ListedBlob,
    model::{Collection, CollectionId},
};
pub use finding::{CheckEvent, Damage};
pub(super) use finding::{Finding, Related, as_read, id, shown};
use finding::{Mending, Remedy};

/// How often something is looked at again because it was written meanwhile; what is written still more
/// often is found sound by whoever writes it.
const ROUNDS: usize = 8;
/// Rows between two words of progress.
const PROGRESS_ROWS: u64 = 10_000;
/// Events that wait for whoever listens to [`Store::check`].
const EVENTS: usize = 64;
/// How much of what cannot be read is told one by one.
const UNREADABLE_TOLD: u64 = 20;

/// The keyspaces in the order in which they are looked at: what is mended first is what others are
/// mended by.
const PASSES: [(Keyspace, &str); 19] = [
    (Keyspace::PrincipalName, "names"),
    (Keyspace::PrincipalAddress, "addresses"),
    (Keyspace::Principal, "principals"),
    (Keyspace::DirectoryLog, "entries of the directory's log"),
    (Keyspace::Credential, "passwords"),
    (Keyspace::TrashedCollection, "deleted collections"),
    (Keyspace::Detached, "collections that wait for their purge"),
    (Keyspace::Collection, "collections"),
    (Keyspace::Uid, "UIDs"),
    (Keyspace::Member, "members"),
    (Keyspace::BlobPlace, "places of blobs"),
    (Keyspace::Blob, "blobs"),
    (Keyspace::Work, "rows of work"),
    (Keyspace::BlobReference, "references"),
    (Keyspace::Attachment, "uses of attachments"),
    (Keyspace::Locks, "locks"),
    (Keyspace::Audit, "entries of the audit"),
    (Keyspace::SchedulingLog, "entries of scheduling logs"),
    (Keyspace::GroupMeeting, "meetings of groups"),
];

impl Store {
    /// Everything in the store that contradicts itself.
    pub async fn check(&self) -> Result<Vec<Damage>, CommitError> {
        let (events, mut told) = mpsc::channel(EVENTS);
        let mut damage = Vec::new();
        let listen = async {
            while let Some(event) = told.recv().await {
                match event {
                    CheckEvent::Found(found) => damage.push(found),
                    CheckEvent::Unreadable(detail) => damage.push(Damage {
                        row: "index",
                        detail,
                        can_be_mended: false,
                    }),
                    CheckEvent::Reading { .. } | CheckEvent::Mended(_) => {}
                }
            }
        };
        let (checked, ()) = tokio::join!(self.check_aloud(false, events), listen);
        checked?;
        damage.sort();
        Ok(damage)
    }

    /// Checks everything, in pages and with bounded memory, and tells of it; with `repair`, mends what
    /// follows from the rest, in bounded commits. May be broken off anywhere. Ends where nobody listens
    /// any more.
    pub async fn check_aloud(
        &self,
        repair: bool,
        events: mpsc::Sender<CheckEvent>,
    ) -> Result<(), CommitError> {
        let mut run = Run {
            store: self,
            repair,
            events,
            unreadable: 0,
        };
        run.look(&Subject::Directory).await?;
        run.look_at_orphans().await?;
        let mut counted = usage::Counted::default();
        for (space, what) in PASSES {
            run.pass(space, what, &mut counted).await?;
        }
        match counted.suspects(self).await {
            Ok(homes) => {
                for home in homes {
                    run.look(&Subject::Usage(home)).await?;
                }
            }
            Err(error) => run.go_on("the counters", Err(error.into())).await?,
        }
        run.look_at_owners_of_logs().await?;
        run.look_at_pieces().await?;
        run.look_at_files().await?;
        let looked = run.look_at_trash().await;
        run.go_on("the trash", looked).await?;
        run.tell_of_unreadable().await
    }

    /// A row, and rows that it leads to, of one moment; `None` where it is gone.
    pub(super) async fn with_related(
        &self,
        key: &Key,
        related: impl Fn(&Entry) -> Vec<Key>,
    ) -> Result<Option<(Entry, Vec<Option<Entry>>)>, ReadError> {
        for _ in 0..ROUNDS {
            let Some(row) = self.backend().get(key).await? else {
                return Ok(None);
            };
            let mut keys = vec![key.clone()];
            keys.extend(related(&row));
            let mut rows = self.backend().get_many(&keys).await?;
            match rows.remove(0) {
                Some(now) if now.revision == row.revision => return Ok(Some((now, rows))),
                Some(_) => {}
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    fn pages_of(&self, range: KeyRange) -> Pages<'_> {
        Pages {
            store: self,
            rest: Some(range),
        }
    }
}

/// What is judged by itself.
enum Subject {
    Row(Key),
    Directory,
    Log(Box<Collection>),
    OwnerOfLog(Key),
    Orphans(CollectionId),
    Pieces([u8; 32]),
    File(ListedBlob),
    Usage(CollectionId),
}

impl Subject {
    /// In words.
    fn name(&self) -> String {
        match self {
            Subject::Row(key) | Subject::OwnerOfLog(key) => shown(key),
            Subject::Directory => "the directory".to_owned(),
            Subject::Log(header) => format!("the log of {}", id(header.id)),
            Subject::Orphans(collection) => format!("the members of {}", id(*collection)),
            Subject::Pieces(place) => {
                format!(
                    "the pieces of a blob at {}",
                    blake3::Hash::from_bytes(*place)
                )
            }
            Subject::File(file) => format!("the file of the blob {}", file.name),
            Subject::Usage(home) => format!("the counter of {}", id(*home)),
        }
    }
}

/// One check.
struct Run<'a> {
    store: &'a Store,
    repair: bool,
    events: mpsc::Sender<CheckEvent>,
    /// How much could not be read, or not be compared because what it is about could not be read.
    unreadable: u64,
}

impl Run<'_> {
    async fn tell(&self, event: CheckEvent) -> Result<(), CommitError> {
        let sent = self.events.send(event).await;
        sent.map_err(|_| CommitError::Unavailable("the check was broken off".to_owned()))
    }

    /// What cannot be read is told, and the check goes on with the rest.
    async fn go_on(
        &mut self,
        what: &str,
        looked: Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        let Err(CommitError::Corrupt(why)) = looked else {
            return looked;
        };
        self.unreadable += 1;
        if self.unreadable <= UNREADABLE_TOLD {
            self.tell(CheckEvent::Unreadable(format!("{what}: {why}")))
                .await?;
        }
        Ok(())
    }

    async fn tell_of_unreadable(&self) -> Result<(), CommitError> {
        let more = self.unreadable.saturating_sub(UNREADABLE_TOLD);
        if more == 0 {
            return Ok(());
        }
        let detail = format!("{more} more rows could not be read, or not be compared with others");
        self.tell(CheckEvent::Unreadable(detail)).await
    }

    async fn pass(
        &mut self,
        space: Keyspace,
        what: &'static str,
        counted: &mut usage::Counted,
    ) -> Result<(), CommitError> {
        let mut rows = 0;
        self.tell(CheckEvent::Reading { what, rows }).await?;
        let store = self.store;
        let mut pages = store.pages_of(KeyRange::prefix(keys::whole(space)));
        while let Some((page, unreadable)) = pages.next_readable().await? {
            if let Some((key, error)) = unreadable {
                self.go_on(&shown(&key), Err(error.into())).await?;
            }
            for (key, entry) in page {
                rows += 1;
                if rows % PROGRESS_ROWS == 0 {
                    self.tell(CheckEvent::Reading { what, rows }).await?;
                }
                if space == Keyspace::Member {
                    let added = counted.add(store, &key, &entry).await;
                    self.go_on(&shown(&key), added.map_err(CommitError::from))
                        .await?;
                }
                self.look(&Subject::Row(key)).await?;
                let header = || record::decode::<Collection>(&entry.value, "collection");
                if space == Keyspace::Collection
                    && let Ok(header) = header()
                    && !header.is_detached()
                {
                    self.look(&Subject::Log(Box::new(header))).await?;
                }
            }
        }
        Ok(())
    }

    /// Judges something, tells what is wrong, and mends it where that is wanted and possible.
    async fn look(&mut self, subject: &Subject) -> Result<(), CommitError> {
        let looked = self.try_look(subject).await;
        self.go_on(&subject.name(), looked).await
    }

    async fn try_look(&self, subject: &Subject) -> Result<(), CommitError> {
        let mut mended = 0;
        loop {
            let findings = self.store.judge(subject).await?;
            let remedy = findings
                .iter()
                .position(|finding| finding.mending.is_some());
            let remedy = remedy.filter(|_| self.repair && mended < MENDINGS);
            let Some(remedy) = remedy else {
                for finding in findings {
                    self.tell(CheckEvent::Found(finding.damage())).await?;
                }
                return Ok(());
            };
            mended += 1;
            self.mend(&findings[remedy]).await?;
        }
    }

    async fn mend(&self, finding: &Finding) -> Result<(), CommitError> {
        let Some(Mending { what, remedy }) = &finding.mending else {
            return Ok(());
        };
        match self.store.apply(remedy).await {
            // It was written meanwhile, and is judged again.
            Err(CommitError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                self.tell(CheckEvent::Found(finding.damage())).await?;
                self.tell(CheckEvent::Mended(what.clone())).await
            }
        }
    }

    async fn look_at_owners_of_logs(&mut self) -> Result<(), CommitError> {
        let mut range = KeyRange::prefix(keys::whole(Keyspace::Change));
        while let Some(key) = self.store.first_key(&range).await? {
            let log = logs::log_of(&key);
            self.look(&Subject::OwnerOfLog(key)).await?;
            range.start = included(KeyRange::prefix(log).end);
        }
        Ok(())
    }

    /// What is wrong twice, with nothing changed in between, is wrong.
    async fn look_at_trash(&self) -> Result<(), CommitError> {
        let first = self.store.judge_trash().await?;
        if first.is_empty() {
            return Ok(());
        }
        let second = self.store.judge_trash().await?;
        for finding in first.into_iter().filter(|finding| second.contains(finding)) {
            match finding.mending.is_some() && self.repair {
                true => self.mend(&finding).await?,
                false => self.tell(CheckEvent::Found(finding.damage())).await?,
            }
        }
        Ok(())
    }

    async fn look_at_orphans(&mut self) -> Result<(), CommitError> {
        let mut range = KeyRange::prefix(keys::whole(Keyspace::Member));
        while let Some(key) = self.store.first_key(&range).await? {
            let Some(collection) = keys::member_collection(&key) else {
                range = range.beyond(&key, false);
                continue;
            };
            self.look(&Subject::Orphans(collection)).await?;
            range.start = included(KeyRange::prefix(keys::members(collection)).end);
        }
        Ok(())
    }

    /// What is finished and not referred to is looked at when the sweeper should have taken it, or where
    /// something wants its octets.
    async fn look_at_files(&mut self) -> Result<(), CommitError> {
        let what = "files of blobs";
        let (mut rows, mut after) = (0, None);
        self.tell(CheckEvent::Reading { what, rows }).await?;
        loop {
            let listed = self.store.backend().blobs().list(after).await?;
            let Some(last) = listed.last() else {
                return Ok(());
            };
            after = Some(last.name);
            rows += listed.len() as u64;
            for file in listed {
                self.look(&Subject::File(file)).await?;
            }
            self.tell(CheckEvent::Reading { what, rows }).await?;
        }
    }

    async fn look_at_pieces(&mut self) -> Result<(), CommitError> {
        let mut range = KeyRange::prefix(keys::whole(Keyspace::BlobChunk));
        while let Some(key) = self.store.first_key(&range).await? {
            let place = key.get(..33).and_then(keys::blob_hash);
            let Some(place) = place else {
                range = range.beyond(&key, false);
                continue;
            };
            self.look(&Subject::Pieces(place)).await?;
            range.start = included(KeyRange::prefix(keys::blob_chunks(&place)).end);
        }
        Ok(())
    }
}

/// How much is mended of one subject; a mending that mends nothing does not go on for ever.
const MENDINGS: usize = 1_000;

/// The end of what a prefix covers, as the start of what is behind it.
fn included(end: std::ops::Bound<Key>) -> std::ops::Bound<Key> {
    match end {
        std::ops::Bound::Excluded(key) => std::ops::Bound::Included(key),
        other => other,
    }
}

impl Store {
    async fn judge(&self, subject: &Subject) -> Result<Vec<Finding>, ReadError> {
        match subject {
            Subject::Row(key) => self.judge_row(key).await,
            Subject::Directory => self.judge_directory().await,
            Subject::Log(header) => self.judge_log(header).await,
            Subject::OwnerOfLog(key) => self.judge_owner_of_log(key).await,
            Subject::Orphans(id) => self.judge_orphans(*id).await,
            Subject::Pieces(place) => self.judge_pieces(place).await,
            Subject::File(file) => self.judge_file(file).await,
            Subject::Usage(home) => self.judge_usage(*home).await,
        }
    }

    async fn judge_row(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let is_of = |space: Keyspace| key.first() == Some(&(space as u8));
        let Some((space, _)) = PASSES.into_iter().find(|(space, _)| is_of(*space)) else {
            return Ok(Vec::new());
        };
        match space {
            Keyspace::PrincipalName | Keyspace::PrincipalAddress => self.judge_unique(key).await,
            Keyspace::Principal => self.judge_principal(key).await,
            Keyspace::DirectoryLog => self.judge_directory_entry(key).await,
            Keyspace::Credential => self.judge_credential(key).await,
            Keyspace::TrashedCollection => self.judge_trashed(key).await,
            Keyspace::Detached => self.judge_detached(key).await,
            Keyspace::Collection => self.judge_collection(key).await,
            Keyspace::Uid => self.judge_uid(key).await,
            Keyspace::Member => self.judge_member(key).await,
            Keyspace::BlobPlace => self.judge_place(key).await,
            Keyspace::Blob => self.judge_blob(key).await,
            Keyspace::Work => self.judge_work(key).await,
            Keyspace::BlobReference => self.judge_reference(key).await,
            Keyspace::Attachment => self.judge_held_attachment(key).await,
            Keyspace::Locks => self.judge_locks(key).await,
            Keyspace::Audit => self.judge_audit(key).await,
            Keyspace::SchedulingLog => self.judge_scheduling_log(key).await,
            Keyspace::GroupMeeting => self.judge_group_meeting(key).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn apply(&self, remedy: &Remedy) -> Result<(), CommitError> {
        match remedy {
            Remedy::Rows { expect, operations } => {
                self.commit_rows(expect.clone(), operations.clone()).await?;
            }
            Remedy::NewLog {
                log,
                entry,
                operations,
            } => {
                let append = Operation::Append {
                    prefix: log.clone(),
                    value: entry.clone(),
                };
                let operations = operations.iter().cloned().chain([append]).collect();
                self.commit_rows(Vec::new(), operations).await?;
                // From the beginning on, and never the last: right wherever it is broken off.
                self.remove_all_but_last(log).await?;
            }
            Remedy::NoLog { log } => {
                self.remove_all_but_last(log).await?;
                let rest = Operation::DeleteRange(KeyRange::prefix(log.clone()));
                self.commit_rows(Vec::new(), vec![rest]).await?;
            }
            Remedy::Octets(name) => {
                if !self.backend().blobs().recover(*name).await? {
                    return Err(CommitError::Conflict(0));
                }
            }
            Remedy::NoFile(name) => {
                if !self.backend().blobs().remove(*name).await? {
                    return Err(CommitError::Conflict(0));
                }
            }
        }
        Ok(())
    }

    pub(super) fn pages(&self, space: Keyspace) -> Pages<'_> {
        self.pages_of(KeyRange::prefix(keys::whole(space)))
    }

    async fn first_key(&self, range: &KeyRange) -> Result<Option<Key>, ReadError> {
        self.backend().first_key(range.clone()).await
    }
}

/// A range, page by page.
pub(super) struct Pages<'a> {
    store: &'a Store,
    rest: Option<KeyRange>,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(Key, Entry)>>, ReadError> {
        let Some(range) = self.rest.take() else {
            return Ok(None);
        };
        let page = self.store.backend().scan(range.clone(), SCAN_PAGE).await?;
        self.rest = page
            .rows
            .last()
            .filter(|_| page.more)
            .map(|(key, _)| range.beyond(key, false));
        Ok(Some(page.rows))
    }

    /// The same, but steps over a row that cannot be read, which is given with the reason.
    async fn next_readable(&mut self) -> Result<Option<Readable>, ReadError> {
        let Some(range) = self.rest.clone() else {
            return Ok(None);
        };
        match self.next().await {
            Ok(rows) => return Ok(rows.map(|rows| (rows, None))),
            Err(ReadError::Corrupt(_)) => {}
            Err(error) => return Err(error),
        }
        // The page row by row, up to the one that cannot be read.
        let mut rows: Vec<(Key, Entry)> = Vec::new();
        let mut range = range;
        loop {
            let Some(key) = self.store.backend().first_key(range.clone()).await? else {
                return Ok(Some((rows, None)));
            };
            let behind = range.beyond(&key, false);
            match self.store.backend().get(&key).await {
                Ok(entry) => rows.extend(entry.map(|entry| (key, entry))),
                Err(error @ ReadError::Corrupt(_)) => {
                    self.rest = Some(behind);
                    return Ok(Some((rows, Some((key, error)))));
                }
                Err(error) => return Err(error),
            }
            range = behind;
            if rows.len() == SCAN_PAGE.rows {
                self.rest = Some(range);
                return Ok(Some((rows, None)));
            }
        }
    }
}

/// Rows, and one behind them that cannot be read.
type Readable = (Vec<(Key, Entry)>, Option<(Key, ReadError)>);
