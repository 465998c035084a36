//! A backend that fails at each step of an operation in turn.

mod steps;

use super::*;
use crate::testing::Faulty;
use steps::{STEPS, stage};

async fn faulty() -> (World, Arc<Faulty>) {
    let clock = Arc::new(ManualClock::default());
    let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
    (world_over(faulty.clone(), clock).await, faulty)
}

fn down() -> CommitError {
    CommitError::Unavailable("a test".to_owned())
}

#[tokio::test]
async fn a_commit_is_repeated_when_the_backend_asks_for_it() {
    let (world, faulty) = faulty().await;
    world.user("alice").await;
    let place = path("alice", "a");
    for nth in 1..COMMIT_ATTEMPTS as u64 {
        faulty.fail_commit(nth, CommitError::Retry);
    }
    world.put(&place, &file("a")).await.unwrap();
    faulty.fail_all_commits(CommitError::Retry);
    let before = faulty.commits();
    assert_eq!(world.put(&place, &file("b")).await, Err(CommitError::Retry));
    assert_eq!(
        faulty.commits() - before,
        COMMIT_ATTEMPTS as u64,
        "not for ever"
    );
}

#[tokio::test]
async fn a_blob_can_be_written_after_a_fault_at_any_step() {
    let octets = Bytes::from(vec![5; 2_000_000]);
    let (world, counting) = faulty().await;
    let before = (counting.commits(), counting.blob_writes());
    world.store.write_blob(octets.clone()).await.unwrap();
    assert_eq!(counting.commits() - before.0, 1);
    let steps = counting.blob_writes() - before.1;
    assert!(steps > 3, "{steps}");
    // The commit comes after the last of them.
    for step in 1..=steps + 1 {
        let (world, faulty) = faulty().await;
        world.user("alice").await;
        match step <= steps {
            true => faulty.fail_blob_write(step, down()),
            false => faulty.fail_commit(1, down()),
        }
        assert_eq!(world.store.write_blob(octets.clone()).await, Err(down()));
        let content = world.store.write_blob(octets.clone()).await.unwrap();
        assert_eq!(
            world.store.content(&content).await.unwrap(),
            octets,
            "step {step}"
        );
        world
            .put(
                &path("alice", "a"),
                &Object {
                    content,
                    ..file("")
                },
            )
            .await
            .unwrap();
        world.assert_sound().await;
    }
}

/// A home with something below it, removed and not yet purged.
async fn removed_account() -> (World, Arc<Faulty>) {
    let (world, faulty) = faulty().await;
    let alice = world.user("alice").await;
    world.make(&path("alice", "a"), CollectionKind::Plain).await;
    world
        .make(&path("alice", "a/b"), CollectionKind::Calendar)
        .await;
    // Many collections, so that some are purged before the home would be and some after it.
    for names in ["a/b/x", "a/x", "calendar/x", "inbox/x", "outbox/x", "x"] {
        world
            .put(&path("alice", names), &event(names, "octets"))
            .await
            .unwrap();
    }
    world.store.remove_account(alice.id).await.unwrap();
    (world, faulty)
}

#[tokio::test]
async fn a_purge_goes_on_after_a_fault_at_any_step() {
    let (world, counting) = removed_account().await;
    let before = counting.commits();
    world.purge().await;
    let steps = counting.commits() - before;
    assert!(steps > 5, "{steps}");
    for step in 1..=steps {
        let (world, faulty) = removed_account().await;
        faulty.fail_commit(step, down());
        let fault = loop {
            match world.store.purge_detached(1_000).await {
                Ok(more) => assert!(more, "step {step} was never reached"),
                Err(fault) => break fault,
            }
        };
        assert_eq!(fault, down());
        world.assert_sound().await;
        world.purge().await;
        world.assert_sound().await;
        let rows = world.rows().await;
        assert_eq!(
            rows,
            [keys::meta(), keys::directory()],
            "nothing else is left"
        );
    }
}

#[tokio::test]
async fn an_account_is_made_as_a_whole_or_not_at_all() {
    let (world, faulty) = faulty().await;
    let alice = || Principal::new(PrincipalKind::User, "alice");
    faulty.fail_commit(1, down());
    assert_eq!(
        world.store.add_account(alice(), None).await,
        Err(AccountError::Commit(down()))
    );
    assert_eq!(world.rows().await.len(), 1);
    // Somebody else is faster, again and again: an error that says so, not an endless loop.
    faulty.fail_all_commits(CommitError::Conflict(0));
    let refusal = world.store.add_account(alice(), None).await.unwrap_err();
    assert!(
        matches!(refusal, AccountError::Commit(CommitError::Unavailable(_))),
        "{refusal}"
    );
    faulty.heal();
    world.store.add_account(alice(), None).await.unwrap();
}

#[tokio::test]
async fn a_read_that_fails_is_an_error_and_never_an_absence() {
    let (world, faulty) = faulty().await;
    let home = world.user("alice").await.home.unwrap();
    let place = path("alice", "calendar/a.ics");
    world.put(&place, &event("a", "")).await.unwrap();
    let error = ReadError::Unavailable("a test".to_owned());
    let calendar = world.collection(&path("alice", "calendar")).await.id;
    let token = world.store.sync_token(calendar).await.unwrap();
    faulty.fail_all_reads(error.clone());
    assert_eq!(world.store.resolve(&place).await.err(), Some(error.clone()));
    assert_eq!(
        world.store.principal_by_name("alice").await,
        Err(error.clone())
    );
    assert_eq!(
        world.store.find_uid(home, "a").await.err(),
        Some(error.clone())
    );
    assert_eq!(
        world.store.changes(calendar, token, 1).await,
        Err(error.clone())
    );
    assert_eq!(world.store.locks(home).await, Err(error.clone()));
    assert_eq!(world.store.used_octets(home).await, Err(error.clone()));
    assert_eq!(world.store.check().await, Err(error.into()));
    faulty.heal();
    world.assert_sound().await;
}

/// A call that fails: of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Commit,
    Read,
    BlobWrite,
    BlobRead,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Commit, Kind::Read, Kind::BlobWrite, Kind::BlobRead];

    /// How many such calls were made.
    fn made(self, faulty: &Faulty) -> u64 {
        match self {
            Kind::Commit => faulty.commits(),
            Kind::Read => faulty.reads(),
            Kind::BlobWrite => faulty.blob_writes(),
            Kind::BlobRead => faulty.blob_reads(),
        }
    }

    /// Lets the `nth` from now on fail; gives what the operation must say.
    fn fail(self, faulty: &Faulty, nth: u64) -> CommitError {
        let unreadable = ReadError::Unavailable("a test".to_owned());
        match self {
            Kind::Commit => faulty.fail_commit(nth, CommitError::Full),
            Kind::Read => faulty.fail_read(nth, unreadable),
            Kind::BlobWrite => faulty.fail_blob_write(nth, CommitError::Full),
            Kind::BlobRead => faulty.fail_blob_read(nth, unreadable),
        }
        match self {
            Kind::Commit | Kind::BlobWrite => CommitError::Full,
            Kind::Read | Kind::BlobRead => down(),
        }
    }
}

/// Each commit and each read of each operation fails in turn: it says so, nothing is half done, nothing
/// contradicts itself, and a repetition does the whole.
#[tokio::test]
async fn each_step_of_each_operation_may_fail() {
    for step in STEPS {
        let (world, faulty) = stage().await;
        let before = Kind::ALL.map(|kind| kind.made(&faulty));
        (step.perform)(&world).await.unwrap();
        let made = Kind::ALL.map(|kind| kind.made(&faulty));
        world.assert_sound().await;
        assert!(made[0] > before[0], "{}", step.what);
        let calls = Kind::ALL.into_iter().zip(before.into_iter().zip(made));
        let calls = calls
            .flat_map(|(kind, (before, made))| (1..=made - before).map(move |nth| (kind, nth)));
        for (kind, nth) in calls {
            let what = format!("{}, {kind:?} {nth}", step.what);
            let (world, faulty) = stage().await;
            let before = world.store.scan_all(KeyRange::all()).await.unwrap();
            let error = kind.fail(&faulty, nth);
            let performed = (step.perform)(&world).await;
            // What could not be removed is left over, and nobody has to know.
            let is_borne = kind == Kind::BlobWrite && performed.is_ok();
            if !is_borne {
                assert_eq!(performed, Err(error), "{what}");
            }
            world.assert_sound().await;
            let unchanged = world.store.scan_all(KeyRange::all()).await.unwrap() == before;
            assert!(
                unchanged || step.takes_several_commits || is_borne,
                "{what}"
            );
            if !is_borne {
                (step.perform)(&world).await.unwrap();
                world.assert_sound().await;
            }
            world.sweep_all().await;
            let (headers, files) = world.blobs().await;
            // Three of the stage's and of the operation's are referred to at the most.
            assert_eq!(headers, files, "{what}");
        }
    }
}
