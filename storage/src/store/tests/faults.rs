//! A backend that fails at each step of an operation in turn.

use super::*;
use crate::testing::Faulty;

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
    let before = counting.commits();
    world.store.write_blob(octets.clone()).await.unwrap();
    let steps = counting.commits() - before;
    assert!(steps > 3, "{steps}");
    for step in 1..=steps {
        let (world, faulty) = faulty().await;
        world.user("alice").await;
        faulty.fail_commit(step, down());
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

/// Every operation that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    AddUser,
    AddGroup,
    ChangePrincipal,
    ChangeCredential,
    RemoveAccount,
    PutObject,
    PutLargeObject,
    RemoveObject,
    MakeCollection,
    Detach,
    SetLocks,
    Enqueue,
    EnqueueLarge,
    Reschedule,
    FinishWork,
    Purge,
    SweepBlobs,
    NoteMoment,
    CompactLogs,
    Attach,
}

const STEPS: [Step; 20] = [
    Step::AddUser,
    Step::AddGroup,
    Step::ChangePrincipal,
    Step::ChangeCredential,
    Step::RemoveAccount,
    Step::PutObject,
    Step::PutLargeObject,
    Step::RemoveObject,
    Step::MakeCollection,
    Step::Detach,
    Step::SetLocks,
    Step::Enqueue,
    Step::EnqueueLarge,
    Step::Reschedule,
    Step::FinishWork,
    Step::Purge,
    Step::SweepBlobs,
    Step::NoteMoment,
    Step::CompactLogs,
    Step::Attach,
];

impl Step {
    /// What is done in several bounded commits, the states between which are right.
    fn takes_several_commits(self) -> bool {
        use Step::*;
        matches!(
            self,
            PutLargeObject | EnqueueLarge | Purge | SweepBlobs | CompactLogs | Attach
        )
    }
}

fn account(error: AccountError) -> CommitError {
    match error {
        AccountError::Commit(error) => error,
        AccountError::Read(error) => error.into(),
        other => panic!("{other}"),
    }
}

fn work(octets: usize) -> Work {
    Work {
        queue: "mail".to_owned(),
        attempts: 0,
        created: Timestamp(0),
        last_error: None,
        payload: Bytes::from(vec![b'w'; octets]),
    }
}

/// A store with something for each step.
async fn stage() -> (World, Arc<Faulty>) {
    let (world, faulty) = faulty().await;
    world.user("alice").await;
    world.make(&path("alice", "a"), CollectionKind::Plain).await;
    world
        .put(&path("alice", "a/old"), &file("old"))
        .await
        .unwrap();
    world
        .make(&path("alice", "gone"), CollectionKind::Plain)
        .await;
    for name in ["gone/1", "gone/2"] {
        world.put(&path("alice", name), &file(name)).await.unwrap();
    }
    world.detach(&path("alice", "gone")).await;
    for octet in [1, 2] {
        let octets = Bytes::from(vec![octet; 70_000]);
        world.store.write_blob(octets).await.unwrap();
    }
    let id = world.store.new_work_id(Timestamp(0));
    let mut batch = world.store.batch();
    batch.enqueue(&id, &work(40_000));
    world.store.commit(batch).await.unwrap();
    (world, faulty)
}

async fn perform(world: &World, step: Step) -> Result<(), CommitError> {
    let store = &world.store;
    let alice = || async {
        let alice = store.principal_by_name("alice").await?;
        Ok::<_, CommitError>(alice.unwrap())
    };
    match step {
        Step::AddUser => {
            let user = Principal::new(PrincipalKind::User, "new");
            store
                .add_account(user, None)
                .await
                .map(drop)
                .map_err(account)
        }
        Step::AddGroup => {
            let group = Principal::new(PrincipalKind::Group, "new");
            store
                .add_account(group, None)
                .await
                .map(drop)
                .map_err(account)
        }
        Step::ChangePrincipal => {
            let id = alice().await?.id;
            let change = |alice: &mut Principal| alice.display_name = "Alice".to_owned();
            let changed = store.change_principal(id, change).await;
            changed.map(drop).map_err(account)
        }
        Step::ChangeCredential => {
            let id = alice().await?.id;
            let credential = Credential {
                hash: "hash".to_owned(),
                imported: false,
            };
            let changed = store.change_credential(id, |_| Some(credential.clone()));
            changed.await.map(drop).map_err(account)
        }
        Step::RemoveAccount => {
            let id = alice().await?.id;
            store.remove_account(id).await.map_err(account)
        }
        Step::PutObject => write_object(world, "a/new", Content::Inline(Bytes::new())).await,
        Step::PutLargeObject => {
            let content = store.write_blob(Bytes::from(vec![9; 90_000])).await?;
            write_object(world, "a/new", content).await
        }
        Step::Attach => {
            let mut upload = store.begin_upload();
            let octets = Bytes::from(vec![7; 600_000]);
            store.continue_upload(&mut upload, octets).await?;
            let (hash, length) = store.finish_attachment(upload).await?;
            let mut object = event("attached", "event");
            let facts = object.calendar.as_mut().unwrap();
            facts.attachments.push(Attachment {
                id: AttachmentId(1),
                home: alice().await?.home.unwrap(),
                hash,
                length,
                media_type: "text/plain".to_owned(),
                filename: "notes.txt".to_owned(),
                created: Timestamp(0),
            });
            let place = path("alice", "calendar/attached");
            let resolution = store.resolve(&place).await?.unwrap();
            let mut batch = store.batch();
            batch.put_object(resolution.collection(), "attached", None, &object);
            store.commit(batch).await.map(drop)
        }
        Step::RemoveObject => {
            let resolution = store.resolve(&path("alice", "a/old")).await?.unwrap();
            let Found::Object(old) = &resolution.found else {
                panic!("it is gone")
            };
            let mut batch = store.batch();
            batch.remove_object(resolution.collection(), "old", old);
            store.commit(batch).await.map(drop)
        }
        Step::MakeCollection => {
            let parent = store.resolve(&path("alice", "a")).await?.unwrap();
            let parent = parent.collection();
            let collection = Collection {
                id: store.new_collection_id(),
                parent: Some(parent.id),
                name: "new".to_owned(),
                ..parent.value.clone()
            };
            let mut batch = store.batch();
            batch.create_collection(Some(parent), &collection);
            store.commit(batch).await.map(drop)
        }
        Step::Detach => {
            let resolution = store.resolve(&path("alice", "a")).await?.unwrap();
            let mut batch = store.batch();
            batch.detach_collection(resolution.collection());
            store.commit(batch).await.map(drop)
        }
        Step::SetLocks => set_locks(world).await,
        Step::Enqueue | Step::EnqueueLarge => {
            let octets = if step == Step::Enqueue { 10 } else { 50_000 };
            let id = store.new_work_id(Timestamp(5));
            let mut batch = store.batch();
            batch.enqueue(&id, &work(octets));
            store.commit(batch).await.map(drop)
        }
        Step::Reschedule | Step::FinishWork => {
            let (id, before) = store.list_work("mail", None, 1).await?.remove(0);
            let mut batch = store.batch();
            match step {
                Step::FinishWork => batch.finish_work(&id, &before),
                _ => batch.reschedule(&id, &before, Timestamp(9), &before),
            };
            store.commit(batch).await.map(drop)
        }
        Step::Purge => {
            while store.purge_detached(2).await? {}
            Ok(())
        }
        Step::SweepBlobs => {
            let mut after = None;
            loop {
                let (_, next) = store.sweep_blobs(Timestamp(i64::MAX), after, 1).await?;
                match next {
                    Some(next) => after = Some(next),
                    None => return Ok(()),
                }
            }
        }
        Step::NoteMoment => store.note_moment().await.map(drop),
        Step::CompactLogs => {
            let retention = LogRetention {
                milliseconds: 0,
                entries: 1,
            };
            store.retention_clock().await?;
            let mut compaction = store.compact_logs(retention).await?;
            while compaction.step(store).await? {}
            Ok(())
        }
    }
}

async fn write_object(world: &World, names: &str, content: Content) -> Result<(), CommitError> {
    let place = path("alice", names);
    let resolution = world.store.resolve(&place).await?.unwrap();
    let object = Object {
        content,
        ..file("")
    };
    let mut batch = world.store.batch();
    batch.put_object(
        resolution.collection(),
        place.name().unwrap(),
        None,
        &object,
    );
    world.store.commit(batch).await.map(drop)
}

async fn set_locks(world: &World) -> Result<(), CommitError> {
    let alice = world.store.principal_by_name("alice").await?.unwrap();
    let home = alice.home.unwrap();
    let before = world.store.locks(home).await?;
    let lock = Lock {
        token: "urn:uuid:1".to_owned(),
        root: LockRoot {
            path: path("alice", "a"),
            is_collection: true,
        },
        deep: true,
        exclusive: true,
        principal: alice.id,
        owner: Bytes::new(),
        timeout_seconds: 1,
        expires: Timestamp(1),
    };
    let mut batch = world.store.batch();
    batch.set_locks(home, &before, &[lock]);
    world.store.commit(batch).await.map(drop)
}

/// Each commit and each read of each operation fails in turn: it says so, nothing is half done, nothing
/// contradicts itself, and a repetition does the whole.
#[tokio::test]
async fn each_step_of_each_operation_may_fail() {
    for step in STEPS {
        let (world, faulty) = stage().await;
        let made = (faulty.commits(), faulty.reads());
        perform(&world, step).await.unwrap();
        let commits = faulty.commits() - made.0;
        let reads = faulty.reads() - made.1;
        world.assert_sound().await;
        assert!(commits > 0, "{step:?}");
        let commits = (1..=commits).map(|nth| (nth, true));
        for (nth, is_commit) in commits.chain((1..=reads).map(|nth| (nth, false))) {
            let what = format!("{step:?}, commit {is_commit}, {nth}");
            let (world, faulty) = stage().await;
            let before = world.store.scan_all(KeyRange::all()).await.unwrap();
            let error = match is_commit {
                true => {
                    faulty.fail_commit(nth, CommitError::Full);
                    CommitError::Full
                }
                false => {
                    faulty.fail_read(nth, ReadError::Unavailable("a test".to_owned()));
                    down()
                }
            };
            assert_eq!(perform(&world, step).await, Err(error), "{what}");
            world.assert_sound().await;
            let unchanged = world.store.scan_all(KeyRange::all()).await.unwrap() == before;
            assert!(unchanged || step.takes_several_commits(), "{what}");
            perform(&world, step).await.unwrap();
            world.assert_sound().await;
        }
    }
}
