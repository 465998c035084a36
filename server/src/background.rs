//! Work that goes on beside the requests, until the server stops.

use std::time::{Duration, Instant};

use scheduling::{
    Desk, Refusal,
    desk::{
        ANSWERED_QUEUE, BOOKING_QUEUE, DELIVERY_QUEUE, HELD_ANSWER_QUEUE, Keeping,
        MAIL_STATUS_QUEUE, REFRESH_QUEUE,
    },
    mail::{HELD_MAILING_QUEUE, MAILING_QUEUE},
};
use storage::{
    BUILDING_MILLISECONDS, LogRetention, Store, Timestamp,
    backend::{BoxFuture, CommitError},
    model::{ASK_AGAIN_QUEUE, ENABLED_QUEUE, MEMBERSHIP_QUEUE},
};
use tokio::{sync::watch, task::JoinSet};

use crate::{mail::MailWorker, scheduling_log::Retention};

/// Blobs that nothing refers to are kept this long: they are written ahead of what will refer to them.
pub(crate) const UNREFERENCED_BLOB_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
/// Between two sweeps.
const SWEEP_PERIOD: Duration = Duration::from_secs(60 * 60);
/// Blobs looked at in one step.
pub(crate) const SWEEP_ROWS: usize = 200;
/// Rows of removed collections that one step of the purge takes.
const PURGE_ROWS: usize = 1000;
/// Between two looks for removed collections, as long as anything is committed.
const PURGE_PERIOD: Duration = Duration::from_secs(10);
/// Between two looks whether the change logs are to be compacted, which they are once a day.
const COMPACTION_PERIOD: Duration = Duration::from_secs(60 * 60);
/// Between a start and the first such look.
const FIRST_COMPACTION_PAUSE: Duration = Duration::from_secs(60);
/// Between two looks where nothing is committed: what somebody built and never finished is left over
/// without one.
const ABANDONED_PERIOD: Duration = Duration::from_millis(BUILDING_MILLISECONDS.unsigned_abs());
/// Between two looks whether a trash holds too much.
const TRASH_PERIOD: Duration = Duration::from_secs(60);
/// How many of them make one look for what is old.
const TRASH_PERIODS_PER_EXPIRY: u32 = 60;
/// Rows of the trash that one step removes.
const TRASH_ROWS: usize = 200;
/// Between a commit and the look whether it left deliveries to be made.
const HINT_PAUSE: Duration = Duration::from_millis(50);
/// After an error.
const ERROR_PAUSE: Duration = Duration::from_secs(5);
/// Between two steps at the least, so that requests come first.
const STEP_PAUSE: Duration = Duration::from_millis(10);
/// A pause is so many times as long as the step before it: the busier the machine, the longer are both,
/// and the work takes a tenth of the time at the most.
const PAUSE_PER_STEP: u32 = 9;
/// Between two looks for what is old in the audit and in the scheduling logs.
const AUDIT_PERIOD: Duration = Duration::from_secs(6 * 60 * 60);
/// Between two looks for what is old in inboxes.
const INBOX_PERIOD: Duration = Duration::from_secs(60 * 60);
/// How long a message from outside is known, should it come again: mail servers try for some days.
const RECEIVED_MILLISECONDS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Between two looks which views of calendars are worth keeping for the next start.
const VIEW_PERIOD: Duration = Duration::from_secs(60);
/// That is doubled for each time that it failed, up to an hour.
const MOST_DOUBLINGS: u32 = 6;
/// Between two looks at the clock.
const CLOCK_PERIOD: Duration = Duration::from_secs(60 * 60);

/// A queue of the desk's, which is finished step by step.
struct Queue {
    name: &'static str,
    /// What cannot be done where a step fails.
    failure: &'static str,
    pause_after_step: Duration,
    /// Says whether there was something to do, and hence perhaps more.
    step: fn(&Desk) -> BoxFuture<'_, Result<bool, Refusal>>,
}

impl Queue {
    const fn new(
        name: &'static str,
        failure: &'static str,
        step: fn(&Desk) -> BoxFuture<'_, Result<bool, Refusal>>,
    ) -> Queue {
        Queue {
            name,
            failure,
            pause_after_step: STEP_PAUSE,
            step,
        }
    }
}

/// All queues but those of mails, which [`MailWorker`] sends, and of groups, which [`follow_groups`] follows.
const QUEUES: [Queue; 10] = [
    Queue {
        pause_after_step: Duration::ZERO,
        ..Queue::new(BOOKING_QUEUE, "rooms cannot answer", |desk| {
            Box::pin(desk.answer_bookings())
        })
    },
    Queue::new(
        ASK_AGAIN_QUEUE,
        "rooms that answer otherwise now cannot be asked again",
        |desk| Box::pin(desk.ask_rooms_again()),
    ),
    Queue::new(DELIVERY_QUEUE, "deliveries cannot be finished", |desk| {
        Box::pin(desk.deliver_outstanding())
    }),
    Queue::new(MAILING_QUEUE, "mails to many cannot be made", |desk| {
        Box::pin(desk.post_outstanding(MAILING_QUEUE))
    }),
    Queue::new(HELD_MAILING_QUEUE, "mails to many cannot be made", |desk| {
        Box::pin(desk.post_outstanding(HELD_MAILING_QUEUE))
    }),
    Queue::new(
        MAIL_STATUS_QUEUE,
        "how mails fared cannot be written down",
        |desk| Box::pin(desk.write_mail_statuses()),
    ),
    Queue::new(
        REFRESH_QUEUE,
        "answers cannot be shown to the others",
        |desk| Box::pin(desk.refresh_outstanding()),
    ),
    Queue::new(
        ANSWERED_QUEUE,
        "invitations that were answered cannot be removed from inboxes",
        |desk| Box::pin(desk.clear_answered()),
    ),
    Queue::new(
        HELD_ANSWER_QUEUE,
        "answers of those who are sent cannot be taken",
        |desk| Box::pin(desk.take_held_answers()),
    ),
    Queue::new(
        ENABLED_QUEUE,
        "who is enabled again cannot be told what was missed",
        |desk| Box::pin(desk.catch_up_enabled()),
    ),
];

/// The workers.
pub struct Background {
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

impl Background {
    /// Starts all workers.
    pub fn start(
        desk: &Desk,
        mail: MailWorker,
        sync_logs: LogRetention,
        audit_milliseconds: i64,
        scheduling_log: Option<Retention>,
        inbox_milliseconds: Option<i64>,
    ) -> Background {
        let store = desk.store();
        let (stop, stopped) = watch::channel(false);
        let mut workers = JoinSet::new();
        workers.spawn(mail.run(stopped.clone()));
        workers.spawn(sweep_blobs(store.clone(), stopped.clone()));
        workers.spawn(purge_removed(store.clone(), stopped.clone()));
        workers.spawn(compact_logs(store.clone(), sync_logs, stopped.clone()));
        workers.spawn(tidy_trash(store.clone(), stopped.clone()));
        workers.spawn(expire_audit(
            store.clone(),
            audit_milliseconds,
            stopped.clone(),
        ));
        workers.spawn(expire_scheduling_logs(
            store.clone(),
            scheduling_log,
            stopped.clone(),
        ));
        workers.spawn(watch_clock(store.clone(), stopped.clone()));
        for queue in &QUEUES {
            workers.spawn(finish(desk.clone(), queue, stopped.clone()));
        }
        workers.spawn(follow_groups(desk.clone(), stopped.clone()));
        workers.spawn(tidy_inboxes(
            desk.clone(),
            inbox_milliseconds,
            stopped.clone(),
        ));
        workers.spawn(keep_views(desk.clone(), stopped));
        Background { stop, workers }
    }

    /// Tells all workers to stop, and waits until they have finished what they are at, but not longer
    /// than `deadline`. Says whether all did.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        self.stop.send_replace(true);
        let ended = async { while self.workers.join_next().await.is_some() {} };
        tokio::time::timeout(deadline, ended).await.is_ok()
    }
}

/// Waits, and says whether to go on.
async fn pause(time: Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        _ = tokio::time::sleep(time) => !*stopped.borrow(),
        _ = until_stopped(stopped) => false,
    }
}

/// Waits until it is time to stop, also where that was noticed before: a step that stopped for it leaves it to the
/// worker to end.
async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more it is time, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Waits after a step that began at `begun`, and says whether to go on.
async fn rest_after(begun: Instant, stopped: &mut watch::Receiver<bool>) -> bool {
    let rest = begun.elapsed().saturating_mul(PAUSE_PER_STEP);
    pause(rest.max(STEP_PAUSE), stopped).await
}

/// Looks at the clock, so that a jump is noticed, and lets go what is kept outside of the store for a time
/// only.
async fn watch_clock(store: Store, mut stopped: watch::Receiver<bool>) {
    loop {
        let looked = async {
            let clock = store.retention_clock().await?;
            Ok::<(), CommitError>(store.backend().expire(clock).await?)
        };
        if let Err(error) = looked.await {
            tracing::warn!(%error, "what is old in the archive cannot be removed");
        }
        if !pause(CLOCK_PERIOD, &mut stopped).await {
            return;
        }
    }
}

/// Removes what is old from the audit of each owner, and the oldest where there is too much.
async fn expire_audit(store: Store, keep_milliseconds: i64, mut stopped: watch::Receiver<bool>) {
    let mut period = FIRST_COMPACTION_PAUSE;
    while pause(period, &mut stopped).await {
        period = AUDIT_PERIOD;
        if let Err(error) = expire_audit_once(&store, keep_milliseconds, &mut stopped).await {
            tracing::warn!(%error, "what is old in the audit cannot be removed");
        }
    }
}

async fn expire_audit_once(
    store: &Store,
    keep_milliseconds: i64,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), CommitError> {
    let mut owner = None;
    loop {
        let begun = Instant::now();
        let Some(next) = store.next_audited(owner).await? else {
            return Ok(());
        };
        if !store.expire_audit(next, keep_milliseconds).await? {
            owner = Some(next);
        }
        if !rest_after(begun, stopped).await {
            return Ok(());
        }
    }
}

/// Removes what is old or too much from the scheduling logs; everything, where none are to be kept.
async fn expire_scheduling_logs(
    store: Store,
    keep: Option<Retention>,
    mut stopped: watch::Receiver<bool>,
) {
    let keep = keep.unwrap_or(Retention {
        milliseconds: 0,
        entries: 0,
    });
    let mut period = FIRST_COMPACTION_PAUSE;
    while pause(period, &mut stopped).await {
        period = AUDIT_PERIOD;
        if let Err(error) = expire_scheduling_logs_once(&store, keep, &mut stopped).await {
            tracing::warn!(%error, "what is old in the scheduling logs cannot be removed");
        }
    }
}

async fn expire_scheduling_logs_once(
    store: &Store,
    keep: Retention,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), CommitError> {
    let mut after = None;
    loop {
        let begun = Instant::now();
        let next = store.expire_scheduling_logs(after, keep.milliseconds, keep.entries);
        after = next.await?;
        if after.is_none() || !rest_after(begun, stopped).await {
            return Ok(());
        }
    }
}

async fn sweep_blobs(store: Store, mut stopped: watch::Receiver<bool>) {
    while pause(SWEEP_PERIOD, &mut stopped).await {
        match sweep_once(&store, &mut stopped).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "blobs that nothing refers to were removed"),
            Err(error) => tracing::warn!(%error, "blobs cannot be swept"),
        }
    }
}

async fn sweep_once(
    store: &Store,
    stopped: &mut watch::Receiver<bool>,
) -> Result<usize, CommitError> {
    let older_than = Timestamp(store.environment().clock.now().0 - UNREFERENCED_BLOB_MILLISECONDS);
    let (mut removed, mut after) = (0, None);
    loop {
        let begun = Instant::now();
        let (rows, next) = store.sweep_blobs(older_than, after, SWEEP_ROWS).await?;
        removed += rows;
        if !rest_after(begun, stopped).await {
            return Ok(removed);
        }
        if next.is_none() {
            break;
        }
        after = next;
    }
    let mut after = None;
    loop {
        let begun = Instant::now();
        let (files, next) = store.sweep_blob_files(older_than, after).await?;
        removed += files;
        if next.is_none() || !rest_after(begun, stopped).await {
            return Ok(removed);
        }
        after = next;
    }
}

async fn purge_removed(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut commits = store.backend().watch();
    loop {
        commits.mark_unchanged();
        let more = store
            .purge_detached(PURGE_ROWS)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "removed collections cannot be purged");
                false
            });
        if !pause(if more { STEP_PAUSE } else { PURGE_PERIOD }, &mut stopped).await {
            return;
        }
        let hint = commit_or_stop(&mut commits, &mut stopped);
        if !more && tokio::time::timeout(ABANDONED_PERIOD, hint).await == Ok(false) {
            return;
        }
    }
}

async fn compact_logs(store: Store, keep: LogRetention, mut stopped: watch::Receiver<bool>) {
    let mut period = FIRST_COMPACTION_PAUSE;
    while pause(period, &mut stopped).await {
        period = COMPACTION_PERIOD;
        match compact_logs_once(&store, keep, &mut stopped).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old entries of change logs were removed"),
            Err(error) => tracing::warn!(%error, "change logs cannot be compacted"),
        }
    }
}

/// The note of the moment, once a day, is the sign that a day has passed: also where the server is
/// started more often. What was broken off is gone on with at once.
async fn compact_logs_once(
    store: &Store,
    keep: LogRetention,
    stopped: &mut watch::Receiver<bool>,
) -> Result<usize, CommitError> {
    let is_due = store.note_moment().await?;
    if !is_due && !store.is_compaction_unfinished().await? {
        return Ok(0);
    }
    let mut compaction = store.compact_logs(keep).await?;
    loop {
        let begun = Instant::now();
        if !compaction.step(store).await? || !rest_after(begun, stopped).await {
            return Ok(compaction.removed());
        }
    }
}

/// Adds up what was deleted, removes what is too much at once, and what is old once in a while.
async fn tidy_trash(store: Store, mut stopped: watch::Receiver<bool>) {
    let mut commits = store.backend().watch();
    let mut until_expiry = 0;
    loop {
        commits.mark_unchanged();
        let expires = until_expiry == 0;
        until_expiry = match expires {
            true => TRASH_PERIODS_PER_EXPIRY,
            false => until_expiry - 1,
        };
        if let Err(error) = tidy_trash_once(&store, expires, &mut stopped).await {
            tracing::warn!(%error, "the trash cannot be tidied");
        }
        if !pause(TRASH_PERIOD, &mut stopped).await {
            return;
        }
        // Time passes also where nothing is committed.
        let hint = commit_or_stop(&mut commits, &mut stopped);
        if tokio::time::timeout(TRASH_PERIOD * TRASH_PERIODS_PER_EXPIRY, hint).await == Ok(false) {
            return;
        }
    }
}

async fn tidy_trash_once(
    store: &Store,
    expires: bool,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), CommitError> {
    store.weigh_trash().await?;
    let mut begun = Instant::now();
    while store.bound_trash(TRASH_ROWS).await? && rest_after(begun, stopped).await {
        begun = Instant::now();
    }
    begun = Instant::now();
    while expires && store.expire_trash(TRASH_ROWS).await? && rest_after(begun, stopped).await {
        begun = Instant::now();
    }
    Ok(())
}

/// Removes what is old from inboxes, counters of messages that count no more, and what is known of messages that came
/// from outside long ago.
async fn tidy_inboxes(
    desk: Desk,
    kept_milliseconds: Option<i64>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut period = FIRST_COMPACTION_PAUSE;
    while pause(period, &mut stopped).await {
        period = INBOX_PERIOD;
        if let Err(error) = tidy_inboxes_once(&desk, kept_milliseconds, &mut stopped).await {
            tracing::warn!(%error, "what is old in inboxes cannot be removed");
        }
    }
}

async fn tidy_inboxes_once(
    desk: &Desk,
    kept_milliseconds: Option<i64>,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let store = desk.store();
    let now = store.environment().clock.now();
    store.forget_messages(now).await?;
    let until = Timestamp(now.0.saturating_sub(RECEIVED_MILLISECONDS));
    let mut position = None;
    loop {
        let begun = Instant::now();
        position = store.forget_received(position, until).await?;
        if position.is_none() {
            break;
        }
        if !rest_after(begun, stopped).await {
            return Ok(());
        }
    }
    let Some(kept_milliseconds) = kept_milliseconds else {
        return Ok(());
    };
    for principal in store.principals().await? {
        loop {
            let begun = Instant::now();
            let more = desk.expire_inbox(&principal, kept_milliseconds).await?;
            if !rest_after(begun, stopped).await {
                return Ok(());
            }
            if !more {
                break;
            }
        }
    }
    Ok(())
}

/// Keeps what was worked out of large calendars for the next start.
async fn keep_views(desk: Desk, mut stopped: watch::Receiver<bool>) {
    let mut failures = 0;
    loop {
        let goes_on = pause(view_pause(failures), &mut stopped).await;
        let keeping = if goes_on {
            Keeping::Changed
        } else {
            Keeping::All
        };
        failures = match desk.keep_views(keeping).await {
            Ok(()) => 0,
            Err(error) => {
                tracing::warn!(%error, "the next start will have to read large calendars anew");
                failures + 1
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// The pause after so many failures in a row: a full disk has no more room for being tried each minute.
fn view_pause(failures: u32) -> Duration {
    VIEW_PERIOD * 2_u32.pow(failures.min(MOST_DOUBLINGS))
}

/// Finishes what is left over in a queue, step by step.
async fn finish(desk: Desk, queue: &Queue, mut stopped: watch::Receiver<bool>) {
    let mut commits = desk.store().backend().watch();
    loop {
        commits.mark_unchanged();
        let go_on = match (queue.step)(&desk).await {
            Ok(true) => pause(queue.pause_after_step, &mut stopped).await,
            Ok(false) => commit_or_due(desk.store(), queue.name, &mut commits, &mut stopped).await,
            Err(error) => {
                tracing::warn!(%error, "{} now", queue.failure);
                pause(ERROR_PAUSE, &mut stopped).await
            }
        };
        if !go_on {
            return;
        }
    }
}

/// Follows changes of groups in the meetings that name them, once those are all noted.
async fn follow_groups(desk: Desk, mut stopped: watch::Receiver<bool>) {
    let mut position = None;
    loop {
        let begun = Instant::now();
        position = match desk.complete_group_meetings(position.clone()).await {
            Ok(None) => break,
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "the meetings of groups cannot be noted now");
                if !pause(ERROR_PAUSE, &mut stopped).await {
                    return;
                }
                position
            }
        };
        if !rest_after(begun, &mut stopped).await {
            return;
        }
    }
    let mut commits = desk.store().backend().watch();
    loop {
        commits.mark_unchanged();
        let go_on = match desk.follow_memberships().await {
            Ok(true) => pause(STEP_PAUSE, &mut stopped).await,
            Ok(false) => {
                let store = desk.store();
                commit_or_due(store, MEMBERSHIP_QUEUE, &mut commits, &mut stopped).await
            }
            Err(error) => {
                tracing::warn!(%error, "changes of groups cannot be followed now");
                pause(ERROR_PAUSE, &mut stopped).await
            }
        };
        if !go_on {
            return;
        }
    }
}

/// How long it takes until the next row of a queue is due; long, where there is none.
async fn until_due(store: &Store, queue: &str) -> Duration {
    let due = store.next_due(queue).await.ok().flatten();
    let now = store.environment().clock.now();
    let milliseconds = due.map(|due| due.0.saturating_sub(now.0).max(0).unsigned_abs());
    milliseconds.map_or(INBOX_PERIOD, Duration::from_millis)
}

/// Waits for a commit, which may have left something in a queue, or until what is there already is due; `false` where it
/// is time to stop.
async fn commit_or_due(
    store: &Store,
    queue: &str,
    commits: &mut watch::Receiver<storage::Revision>,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    let wait = until_due(store, queue).await;
    let hint = commit_or_stop(commits, stopped);
    // `None`: the time came before a commit.
    let hinted = tokio::time::timeout(wait, hint).await.ok();
    // Many commits in a row are one hint.
    hinted.unwrap_or(true) && pause(HINT_PAUSE, stopped).await
}

/// Waits for a commit; `false` where it is time to stop.
async fn commit_or_stop(
    commits: &mut watch::Receiver<storage::Revision>,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    tokio::select! {
        commit = commits.changed() => commit.is_ok() && !*stopped.borrow(),
        _ = until_stopped(stopped) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_tried_less_and_less_often() {
        let minutes = |failures| view_pause(failures).as_secs() / 60;
        assert_eq!(
            [0, 1, 2, 6, 7, u32::MAX].map(minutes),
            [1, 2, 4, 64, 64, 64]
        );
    }

    /// A step that breaks off its work at a stop leaves nothing for its worker to wait for.
    #[tokio::test(start_paused = true)]
    async fn a_stop_that_was_noticed_once_holds() {
        let (stop, mut stopped) = watch::channel(false);
        let (_commit, mut commits) = watch::channel(storage::Revision(1));
        assert!(pause(SWEEP_PERIOD, &mut stopped).await);
        stop.send_replace(true);
        let begun = tokio::time::Instant::now();
        for _ in 0..3 {
            assert!(!pause(SWEEP_PERIOD, &mut stopped).await);
            assert!(!commit_or_stop(&mut commits, &mut stopped).await);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
