//! Looking after the data: checking, mending and compacting it. The same runs in the process of the
//! server (asked over the control socket) and in a command that opened the folder itself.

use scheduling::{Desk, Refusal};
use serde::{Deserialize, Serialize};
use storage::{
    CheckEvent, LogRetention, Store, Timestamp,
    backend::{CommitError, Fault, FaultPlace},
};
use tokio::sync::mpsc;

use crate::background::{SWEEP_ROWS, UNREFERENCED_BLOB_MILLISECONDS};

/// Rows of removed collections that are removed between two words of progress.
const PURGE_ROWS: usize = 10_000;
/// Blobs of an earlier format that are moved between two words of progress.
const MOVED_ROWS: usize = 20;
const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
/// What mends a row that cannot be read.
const INDEX_REMEDY: &str =
    "--repair builds the index again from the journal; so does the next start";
/// Events on their way from a check.
const EVENTS: usize = 64;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Maintenance {
    /// Checks everything.
    Check {
        /// And mends what can be mended.
        repair: bool,
        /// And gives up messages that wait where nobody can read them.
        #[serde(default)]
        give_up_messages: bool,
    },
    /// Drops what is not needed.
    Compact,
}

/// What is said meanwhile, and at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// How far it is; not part of the answer.
    Progress(String),
    /// A line of the answer.
    Line(String),
    /// The end.
    Ended(Ended),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// It was done, and all is well.
    Well,
    /// Damage is left.
    Damaged,
    /// It could not be done.
    Failed(String),
}

/// Does it and says how it goes; the last thing said is [`Said::Ended`]. Ends where nobody listens any
/// more; whatever was done until then stands, and the data is as sound as before.
pub async fn perform(
    desk: &Desk,
    sync_logs: LogRetention,
    maintenance: Maintenance,
    said: mpsc::Sender<Said>,
) {
    let done = match maintenance {
        Maintenance::Check {
            repair,
            give_up_messages,
        } => check(desk, repair, give_up_messages, &said).await,
        Maintenance::Compact => compact(desk.store(), sync_logs, &said).await,
    };
    let ended = done.unwrap_or_else(|error| Ended::Failed(error.to_string()));
    let _listener_gone = said.send(Said::Ended(ended)).await;
}

async fn say(said: &mpsc::Sender<Said>, what: Said) -> Result<(), CommitError> {
    let sent = said.send(what).await;
    sent.map_err(|_| CommitError::Unavailable("nobody waits for it any more".to_owned()))
}

async fn progress(said: &mpsc::Sender<Said>, what: impl Into<String>) -> Result<(), CommitError> {
    say(said, Said::Progress(what.into())).await
}

/// What a check came to.
#[derive(Default)]
struct Tally {
    found: u64,
    mended: u64,
    /// How much of what was found would be mended, were that asked for.
    mendable: u64,
}

async fn check(
    desk: &Desk,
    repair: bool,
    give_up_messages: bool,
    said: &mpsc::Sender<Said>,
) -> Result<Ended, CommitError> {
    let store = desk.store();
    let mut tally = Tally::default();
    check_backend(store, repair, &mut tally, said).await?;
    let (events, told) = mpsc::channel(EVENTS);
    let all = async {
        store.check_aloud(repair, events.clone()).await?;
        scheduling::desk::audit(store, repair, events).await
    };
    let (checked, told) = tokio::join!(all, tell(told, repair, &mut tally, said));
    told?;
    if let Err(error) = checked {
        let CommitError::Corrupt(what) = error else {
            return Err(error);
        };
        // Nothing behind it can be seen.
        tally.found += 1;
        say(said, Said::Line(format!("index: {what} ({INDEX_REMEDY})"))).await?;
    } else {
        give_up(desk, give_up_messages, &mut tally, said).await?;
    }
    let left = tally.found - tally.mended;
    let summary = match (tally.found, tally.mended) {
        (0, _) => "everything is sound".to_owned(),
        (found, 0) => format!("{found} findings"),
        (found, mended) => format!("{found} findings, {mended} mended, {left} left"),
    };
    say(said, Said::Line(summary)).await?;
    Ok(match left {
        0 => Ended::Well,
        _ => Ended::Damaged,
    })
}

/// Gives up messages that wait where nobody can read them, or says how. What can be mended may be what keeps them from being
/// read, and goes first.
async fn give_up(
    desk: &Desk,
    is_wanted: bool,
    tally: &mut Tally,
    said: &mpsc::Sender<Said>,
) -> Result<(), CommitError> {
    let failed = |refusal: Refusal| CommitError::Unavailable(refusal.to_string());
    let unreadable = desk.unreadable_messages().await.map_err(failed)?;
    let way = match (is_wanted, tally.mendable) {
        (true, 0) => None,
        (true, _) => {
            Some("run --repair first: what it mends may be read again, and is not given up")
        }
        (false, _) => Some("--give-up-messages gives them up, and says who was not told"),
    };
    if let Some(way) = way.filter(|_| !unreadable.is_empty()) {
        let line = format!(
            "{} meetings have messages that wait where nobody can read them, and all others wait for those ({way})",
            unreadable.len()
        );
        return say(said, Said::Line(line)).await;
    }
    for meeting in &unreadable {
        let given_up = desk.give_up_messages(meeting).await.map_err(failed)?;
        if let Some(given_up) = given_up {
            tally.mended += given_up.rows as u64;
            say(said, Said::Line(format!("  given up: {given_up}"))).await?;
        }
    }
    Ok(())
}

/// Looks at what the store keeps for itself, and with `repair` has it made anew from what is sound.
async fn check_backend(
    store: &Store,
    repair: bool,
    tally: &mut Tally,
    said: &mpsc::Sender<Said>,
) -> Result<(), CommitError> {
    progress(said, "journal, snapshots and index").await?;
    let faults = store.backend().verify().await?;
    let remedy = Remedy::of(&faults);
    for fault in &faults {
        tally.found += 1;
        tally.mendable += u64::from(remedy.is_some() && !repair);
        let hint = match (&remedy, repair) {
            (Some(_), false) => " (--repair mends it)",
            (Some(_), true) => "",
            (None, _) => {
                " (cannot be mended: keep a copy of the data folder, and restore a backup, or see convoke help salvage)"
            }
        };
        say(said, Said::Line(format!("store: {}{hint}", fault.what))).await?;
    }
    let Some(remedy) = remedy.filter(|_| repair) else {
        return Ok(());
    };
    progress(said, remedy.what()).await?;
    match remedy {
        Remedy::NewIndex => store.backend().rebuild().await?,
        Remedy::NewSnapshots => store.backend().compact().await?,
    }
    progress(said, "journal, snapshots and index, once more").await?;
    let left = store.backend().verify().await?;
    if left.is_empty() {
        tally.mended += faults.len() as u64;
        say(said, Said::Line(format!("  mended: {}", remedy.done()))).await?;
    }
    for fault in left.iter().filter(|fault| !faults.contains(fault)) {
        tally.found += 1;
        say(said, Said::Line(format!("store: {}", fault.what))).await?;
    }
    Ok(())
}

/// What makes the store's own files sound again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// Journal and snapshots are sound.
    NewIndex,
    /// The index is: all that is damaged is not needed when it has been copied.
    NewSnapshots,
}

impl Remedy {
    fn of(faults: &[Fault]) -> Option<Remedy> {
        let in_index = faults
            .iter()
            .filter(|fault| fault.place == FaultPlace::Index)
            .count();
        match in_index {
            _ if faults.is_empty() => None,
            0 => Some(Remedy::NewSnapshots),
            all if all == faults.len() => Some(Remedy::NewIndex),
            _ => None,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Remedy::NewIndex => "the index is built again; nothing can be read meanwhile",
            Remedy::NewSnapshots => "new snapshots",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Remedy::NewIndex => "the index was built again from the journal and the snapshots",
            Remedy::NewSnapshots => {
                "new snapshots were made of the index, and what was damaged is not needed any more"
            }
        }
    }
}

/// Puts a check's events into words.
async fn tell(
    mut told: mpsc::Receiver<CheckEvent>,
    repair: bool,
    tally: &mut Tally,
    said: &mpsc::Sender<Said>,
) -> Result<(), CommitError> {
    while let Some(event) = told.recv().await {
        match event {
            CheckEvent::Reading { what, rows: 0 } => progress(said, what).await?,
            CheckEvent::Reading { what, rows } => progress(said, format!("{rows} {what}")).await?,
            CheckEvent::Found(damage) => {
                tally.found += 1;
                tally.mendable += u64::from(damage.can_be_mended && !repair);
                let remedy = match (damage.can_be_mended, repair) {
                    (true, false) => " (--repair mends it)",
                    (true, true) => "",
                    (false, _) => " (cannot be mended, and is left as it is)",
                };
                say(said, Said::Line(format!("{damage}{remedy}"))).await?;
            }
            CheckEvent::Unreadable(what) => {
                tally.found += 1;
                tally.mendable += u64::from(!repair);
                say(said, Said::Line(format!("index: {what} ({INDEX_REMEDY})"))).await?;
            }
            CheckEvent::Mended(what) => {
                tally.mended += 1;
                say(said, Said::Line(format!("  mended: {what}"))).await?;
            }
        }
    }
    Ok(())
}

async fn compact(
    store: &Store,
    sync_logs: LogRetention,
    said: &mpsc::Sender<Said>,
) -> Result<Ended, CommitError> {
    progress(said, "removed collections").await?;
    while store.purge_detached(PURGE_ROWS).await? {
        progress(said, "removed collections").await?;
    }
    tell_of_clock(store, said).await?;
    progress(said, "change logs").await?;
    store.note_moment().await?;
    let mut logs = store.compact_logs(sync_logs).await?;
    while logs.step(store).await? {
        progress(
            said,
            format!("change logs: {} entries removed", logs.removed()),
        )
        .await?;
    }
    let removed = logs.removed();
    say(
        said,
        Said::Line(format!("{removed} old entries of change logs removed")),
    )
    .await?;
    let removed = sweep(store, said).await?;
    say(
        said,
        Said::Line(format!("{removed} blobs that nothing refers to removed")),
    )
    .await?;
    let moved = move_blobs(store, said).await?;
    if moved > 0 {
        let line = format!("{moved} blobs of an earlier format moved into files");
        say(said, Said::Line(line)).await?;
    }
    progress(said, "snapshots and journal").await?;
    store.backend().compact().await?;
    Ok(Ended::Well)
}

/// Why less goes than one might expect.
async fn tell_of_clock(store: &Store, said: &mpsc::Sender<Said>) -> Result<(), CommitError> {
    let Some((doubted, since)) = store.retention_clock().await?.doubt() else {
        return Ok(());
    };
    let line = format!(
        "the clock went on by {} days at once, and says so since {}: what is kept for a time only is kept for \
         longer, until the clock has gone on from there for as long",
        doubted / DAY_MILLISECONDS,
        jiff::Timestamp::from_millisecond(since.0)
            .map_or_else(|_| "then".to_owned(), |since| since.to_string())
    );
    say(said, Said::Line(line)).await
}

/// What an earlier version wrote among the rows.
async fn move_blobs(store: &Store, said: &mpsc::Sender<Said>) -> Result<usize, CommitError> {
    let (mut moved, mut after) = (0, None);
    loop {
        let (some, next) = store.move_blobs_into_files(after, MOVED_ROWS).await?;
        moved += some;
        if next.is_none() {
            return Ok(moved);
        }
        progress(said, format!("{moved} blobs moved into files")).await?;
        after = next;
    }
}

async fn sweep(store: &Store, said: &mpsc::Sender<Said>) -> Result<usize, CommitError> {
    let now = store.environment().clock.now();
    let older_than = Timestamp(now.0.saturating_sub(UNREFERENCED_BLOB_MILLISECONDS));
    let (mut removed, mut after) = (0, None);
    loop {
        let (rows, next) = store.sweep_blobs(older_than, after, SWEEP_ROWS).await?;
        removed += rows;
        if next.is_none() {
            break;
        }
        progress(said, "blobs").await?;
        after = next;
    }
    let mut after = None;
    loop {
        let (files, next) = store.sweep_blob_files(older_than, after).await?;
        removed += files;
        if next.is_none() {
            return Ok(removed);
        }
        progress(said, "files of blobs").await?;
        after = next;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use scheduling::desk::{LETTERS_QUEUE, Settings};
    use storage::{
        backend::{Commit, Operation},
        memory::Memory,
        model::{Principal, PrincipalKind, Work},
        testing,
    };

    use super::*;

    async fn store() -> Store {
        let environment = testing::environment();
        let backend = Arc::new(Memory::new(Arc::clone(&environment.clock)));
        Store::open(backend, environment).await.unwrap()
    }

    /// Deletes the row of Alice's name (see `storage`'s table of keyspaces).
    async fn spoil_a_name(store: &Store) {
        let name = [&[5][..], b"alice"].concat();
        let spoil = Commit {
            id: 1,
            operations: vec![Operation::Delete(name.into())],
            ..Commit::default()
        };
        store.backend().commit(spoil).await.unwrap();
    }

    /// Messages wait in a row that cannot be read.
    async fn leave_torn_letters(store: &Store) {
        let torn = Work::new(LETTERS_QUEUE, &b"\xff"[..], Timestamp(0));
        let mut batch = store.batch();
        batch.enqueue(&store.new_work_id(Timestamp(0)), &torn);
        store.commit(batch).await.unwrap();
    }

    async fn run(store: &Store, maintenance: Maintenance) -> (Vec<String>, Ended) {
        let (said, mut heard) = mpsc::channel(1_000);
        let desk = Desk::new(store.clone(), Settings::default());
        perform(&desk, LogRetention::default(), maintenance, said).await;
        let (mut lines, mut ended) = (Vec::new(), None);
        while let Some(said) = heard.recv().await {
            match said {
                Said::Progress(_) => {}
                Said::Line(line) => lines.push(line),
                Said::Ended(how) => assert_eq!(ended.replace(how), None),
            }
        }
        (lines, ended.unwrap())
    }

    fn checking(repair: bool, give_up_messages: bool) -> Maintenance {
        Maintenance::Check {
            repair,
            give_up_messages,
        }
    }

    #[test]
    fn what_makes_the_files_sound_again() {
        use FaultPlace::{Index, Journal, Snapshot};
        for (places, remedy) in [
            (&[][..], None),
            (&[Index, Index], Some(Remedy::NewIndex)),
            (&[Snapshot], Some(Remedy::NewSnapshots)),
            (&[Journal, Snapshot], Some(Remedy::NewSnapshots)),
            (&[Index, Snapshot], None),
            (&[Journal, Index], None),
        ] {
            let fault = |place: &FaultPlace| Fault {
                what: String::new(),
                place: *place,
            };
            let faults: Vec<_> = places.iter().map(fault).collect();
            assert_eq!(Remedy::of(&faults), remedy, "{places:?}");
        }
    }

    #[tokio::test]
    async fn a_damage_is_told_mended_and_gone() {
        let store = store().await;
        let alice = Principal::new(PrincipalKind::User, "alice");
        store.add_account(alice, None).await.unwrap();
        let (check, repair) = (checking(false, false), checking(true, false));
        let sound = (vec!["everything is sound".to_owned()], Ended::Well);
        assert_eq!(run(&store, check.clone()).await, sound);
        assert_eq!(run(&store, Maintenance::Compact).await.1, Ended::Well);

        spoil_a_name(&store).await;
        let (lines, ended) = run(&store, check.clone()).await;
        assert_eq!((lines.len(), ended), (2, Ended::Damaged), "{lines:?}");
        assert!(lines[0].contains("--repair"), "{lines:?}");
        let (lines, ended) = run(&store, repair).await;
        assert_eq!((lines.len(), ended), (3, Ended::Well), "{lines:?}");
        assert!(lines[1].contains("mended"), "{lines:?}");
        assert_eq!(run(&store, check).await, sound);
    }

    #[tokio::test]
    async fn what_waits_where_nobody_can_read_it_is_given_up() {
        let store = store().await;
        leave_torn_letters(&store).await;
        for repair in [false, true] {
            let (lines, ended) = run(&store, checking(repair, false)).await;
            assert_eq!((lines.len(), ended), (3, Ended::Damaged), "{lines:?}");
            assert!(lines[1].contains("--give-up-messages"), "{lines:?}");
        }
        let (lines, ended) = run(&store, checking(false, true)).await;
        assert_eq!((lines.len(), ended), (3, Ended::Well), "{lines:?}");
        assert!(lines[1].contains("given up"), "{lines:?}");
        let sound = (vec!["everything is sound".to_owned()], Ended::Well);
        assert_eq!(run(&store, checking(false, false)).await, sound);
    }

    /// What is mended may be read again: it goes first.
    #[tokio::test]
    async fn nothing_is_given_up_while_anything_can_be_mended() {
        let store = store().await;
        let alice = Principal::new(PrincipalKind::User, "alice");
        store.add_account(alice, None).await.unwrap();
        spoil_a_name(&store).await;
        leave_torn_letters(&store).await;
        let (lines, ended) = run(&store, checking(false, true)).await;
        assert_eq!((lines.len(), ended), (4, Ended::Damaged), "{lines:?}");
        assert!(lines[2].contains("run --repair first"), "{lines:?}");
        let (lines, ended) = run(&store, checking(true, true)).await;
        assert_eq!(ended, Ended::Well, "{lines:?}");
        assert!(lines.iter().any(|it| it.contains("given up")), "{lines:?}");
    }
}
