//! Every operation that writes, as a table: each is done in turn while a commit or a read of it fails.

use std::pin::Pin;

use super::*;
use crate::store::record::BlobPlace;

type Performed<'w> = Pin<Box<dyn Future<Output = Result<(), CommitError>> + 'w>>;

/// An operation, upon what [`stage`] has prepared.
pub(super) struct Step {
    pub what: &'static str,
    /// Whether it is done in several bounded commits, the states between which are right.
    pub takes_several_commits: bool,
    pub perform: for<'w> fn(&'w World) -> Performed<'w>,
}

/// Done in one commit.
const fn one(what: &'static str, perform: for<'w> fn(&'w World) -> Performed<'w>) -> Step {
    Step {
        what,
        takes_several_commits: false,
        perform,
    }
}

/// Done in several.
const fn several(what: &'static str, perform: for<'w> fn(&'w World) -> Performed<'w>) -> Step {
    Step {
        takes_several_commits: true,
        ..one(what, perform)
    }
}

pub(super) const STEPS: &[Step] = &[
    one("add a user", |it| {
        Box::pin(add_account(it, PrincipalKind::User))
    }),
    one("add a group", |it| {
        Box::pin(add_account(it, PrincipalKind::Group))
    }),
    one("change a principal", |it| Box::pin(change_principal(it))),
    one("change a credential", |it| Box::pin(change_credential(it))),
    one("remove an account", |it| Box::pin(remove_account(it))),
    one("put an object", |it| {
        Box::pin(write_object(it, "a/new", Content::Inline(Bytes::new())))
    }),
    several("put a large object", |it| Box::pin(put_large_object(it))),
    several("upload a file", |it| Box::pin(upload(it, 9))),
    several("upload a file that is there", |it| Box::pin(upload(it, 3))),
    several("attach a file", |it| Box::pin(attach(it))),
    one("remove an object", |it| Box::pin(remove_object(it))),
    one("make a collection", |it| Box::pin(make_collection(it))),
    one("detach a collection", |it| Box::pin(detach(it))),
    one("set locks", |it| Box::pin(set_locks(it))),
    one("enqueue work", |it| Box::pin(enqueue(it, 10))),
    several("enqueue large work", |it| Box::pin(enqueue(it, 50_000))),
    one("reschedule work", |it| Box::pin(reschedule(it))),
    one("finish work", |it| Box::pin(finish_work(it))),
    several("purge", |it| Box::pin(purge(it))),
    several("sweep blobs", |it| Box::pin(sweep(it))),
    several("move blobs into files", |it| Box::pin(move_blobs(it))),
    one("note a moment", |it| {
        Box::pin(async { it.store.note_moment().await.map(drop) })
    }),
    several("compact logs", |it| Box::pin(compact_logs(it))),
];

/// A store with something for each step.
pub(super) async fn stage() -> (World, Arc<Faulty>) {
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
    world.store.write_blob(uploaded(3)).await.unwrap();
    // One of an earlier format.
    let octets = Bytes::from(vec![4; 70_000]);
    world.write_rows(&octets, BlobPlace::Rows([4; 32])).await;
    let id = world.store.new_work_id(Timestamp(0));
    let mut batch = world.store.batch();
    batch.enqueue(&id, &work(40_000));
    world.store.commit(batch).await.unwrap();
    (world, faulty)
}

/// More than one commit carries.
fn uploaded(octet: u8) -> Bytes {
    Bytes::from(vec![octet; 600_000])
}

fn work(octets: usize) -> Work {
    Work::new("mail", Bytes::from(vec![b'w'; octets]), Timestamp(0))
}

async fn alice(world: &World) -> Result<Arc<Principal>, CommitError> {
    let alice = world.store.principal_by_name("alice").await?;
    Ok(alice.unwrap())
}

fn account(error: AccountError) -> CommitError {
    match error {
        AccountError::Commit(error) => error,
        AccountError::Read(error) => error.into(),
        other => panic!("{other}"),
    }
}

async fn add_account(world: &World, kind: PrincipalKind) -> Result<(), CommitError> {
    let added = world.store.add_account(Principal::new(kind, "new"), None);
    added.await.map(drop).map_err(account)
}

async fn change_principal(world: &World) -> Result<(), CommitError> {
    let id = alice(world).await?.id;
    let change = |alice: &mut Principal| alice.display_name = "Alice".to_owned();
    let changed = world.store.change_principal(id, change).await;
    changed.map(drop).map_err(account)
}

async fn change_credential(world: &World) -> Result<(), CommitError> {
    let id = alice(world).await?.id;
    let credential = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    let changed = world
        .store
        .change_credential(id, |_| Some(credential.clone()));
    changed.await.map(drop).map_err(account)
}

async fn remove_account(world: &World) -> Result<(), CommitError> {
    let id = alice(world).await?.id;
    world.store.remove_account(id).await.map_err(account)
}

async fn write_object(world: &World, names: &str, content: Content) -> Result<(), CommitError> {
    let object = Object {
        content,
        ..file("")
    };
    put_new(world, names, &object).await
}

async fn put_new(world: &World, names: &str, object: &Object) -> Result<(), CommitError> {
    let place = path("alice", names);
    let resolution = world.store.resolve(&place).await?.unwrap();
    let mut batch = world.store.batch();
    batch.put_object(resolution.collection(), place.name().unwrap(), None, object);
    world.store.commit(batch).await.map(drop)
}

async fn put_large_object(world: &World) -> Result<(), CommitError> {
    let content = world.store.write_blob(Bytes::from(vec![9; 90_000])).await?;
    write_object(world, "a/new", content).await
}

async fn upload(world: &World, octet: u8) -> Result<(), CommitError> {
    let mut upload = world.store.begin_upload();
    let taken = world.store.continue_upload(&mut upload, uploaded(octet));
    taken.await?;
    let (content, _) = world.store.finish_upload(upload).await?;
    write_object(world, "a/new", content).await
}

async fn attach(world: &World) -> Result<(), CommitError> {
    let mut upload = world.store.begin_upload();
    let taken = world.store.continue_upload(&mut upload, uploaded(7));
    taken.await?;
    let (hash, length) = world.store.finish_attachment(upload).await?;
    let mut object = event("attached", "event");
    let facts = object.calendar.as_mut().unwrap();
    facts.attachments.push(Attachment {
        id: AttachmentId(1),
        home: alice(world).await?.home.unwrap(),
        hash,
        length,
        media_type: "text/plain".to_owned(),
        filename: "notes.txt".to_owned(),
        created: Timestamp(0),
    });
    put_new(world, "calendar/attached", &object).await
}

async fn remove_object(world: &World) -> Result<(), CommitError> {
    let resolution = world.store.resolve(&path("alice", "a/old")).await?.unwrap();
    let Found::Object(old) = &resolution.found else {
        panic!("it is gone")
    };
    let mut batch = world.store.batch();
    batch.remove_object(resolution.collection(), "old", old);
    world.store.commit(batch).await.map(drop)
}

async fn make_collection(world: &World) -> Result<(), CommitError> {
    let parent = world.store.resolve(&path("alice", "a")).await?.unwrap();
    let parent = parent.collection();
    let collection = Collection {
        id: world.store.new_collection_id(),
        parent: Some(parent.id),
        name: "new".to_owned(),
        ..parent.value.clone()
    };
    let mut batch = world.store.batch();
    batch.create_collection(Some(parent), &collection);
    world.store.commit(batch).await.map(drop)
}

async fn detach(world: &World) -> Result<(), CommitError> {
    let resolution = world.store.resolve(&path("alice", "a")).await?.unwrap();
    let mut batch = world.store.batch();
    batch.detach_collection(resolution.collection());
    world.store.commit(batch).await.map(drop)
}

async fn set_locks(world: &World) -> Result<(), CommitError> {
    let alice = alice(world).await?;
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

async fn enqueue(world: &World, octets: usize) -> Result<(), CommitError> {
    let id = world.store.new_work_id(Timestamp(5));
    let mut batch = world.store.batch();
    batch.enqueue(&id, &work(octets));
    world.store.commit(batch).await.map(drop)
}

async fn reschedule(world: &World) -> Result<(), CommitError> {
    let (id, before) = world.store.list_work("mail", None, 1).await?.remove(0);
    let mut batch = world.store.batch();
    batch.reschedule(&id, &before, Timestamp(9), &before);
    world.store.commit(batch).await.map(drop)
}

async fn finish_work(world: &World) -> Result<(), CommitError> {
    let (id, before) = world.store.list_work("mail", None, 1).await?.remove(0);
    let mut batch = world.store.batch();
    batch.finish_work(&id, &before);
    world.store.commit(batch).await.map(drop)
}

async fn purge(world: &World) -> Result<(), CommitError> {
    while world.store.purge_detached(2).await? {}
    Ok(())
}

async fn sweep(world: &World) -> Result<(), CommitError> {
    let mut after = None;
    loop {
        let (_, next) = world
            .store
            .sweep_blobs(Timestamp(i64::MAX), after, 1)
            .await?;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn move_blobs(world: &World) -> Result<(), CommitError> {
    let moved = world.store.move_blobs_into_files(None, 100).await?;
    assert_eq!(moved.1, None);
    Ok(())
}

async fn compact_logs(world: &World) -> Result<(), CommitError> {
    let retention = LogRetention {
        milliseconds: 0,
        entries: 1,
    };
    world.store.retention_clock().await?;
    let mut compaction = world.store.compact_logs(retention).await?;
    while compaction.step(&world.store).await? {}
    Ok(())
}
