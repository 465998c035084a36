//! What can break, as tables: each row breaks a sound store in one way, and says what is told of it.

use super::*;

/// One way in which a store breaks.
struct Breakage {
    what: &'static str,
    /// The kind of row that is told of.
    row: &'static str,
    /// Whether nothing is left of it after a repair.
    is_mended: bool,
    operations: fn(&Ground) -> Vec<Operation>,
}

/// Something that a repair mends.
const fn mended(
    what: &'static str,
    row: &'static str,
    operations: fn(&Ground) -> Vec<Operation>,
) -> Breakage {
    Breakage {
        what,
        row,
        is_mended: true,
        operations,
    }
}

/// Something that does not follow from the rest of the store.
const fn lost(
    what: &'static str,
    row: &'static str,
    operations: fn(&Ground) -> Vec<Operation>,
) -> Breakage {
    Breakage {
        is_mended: false,
        ..mended(what, row, operations)
    }
}

fn delete(key: Key) -> Vec<Operation> {
    vec![Operation::Delete(key)]
}

fn delete_all(prefix: Key) -> Vec<Operation> {
    vec![Operation::DeleteRange(KeyRange::prefix(prefix))]
}

fn put(key: Key, value: Bytes) -> Vec<Operation> {
    vec![Operation::Put(key, value)]
}

/// Octets that no row has.
fn spoil(key: Key) -> Vec<Operation> {
    put(key, Bytes::from_static(b"x"))
}

fn append(prefix: Key, value: Bytes) -> Vec<Operation> {
    vec![Operation::Append { prefix, value }]
}

const NOBODY: CollectionId = CollectionId(1);

const DIRECTORY: &[Breakage] = &[
    mended("a name leads nowhere", "name or address", |it| {
        delete(keys::principal_name(&it.alice.name))
    }),
    mended("a name of nobody", "name or address", |_| {
        let nobody = record::encode(&PrincipalId(1));
        put(keys::principal_name("x"), nobody)
    }),
    mended("an unreadable name", "name or address", |it| {
        spoil(keys::principal_name(&it.alice.name))
    }),
    mended("an address leads nowhere", "name or address", |_| {
        delete(keys::principal_address("mailto:alice@example.com"))
    }),
    lost("no home", "principal", |it| {
        delete(keys::collection(it.home))
    }),
    lost("an unreadable principal", "principal", |it| {
        spoil(keys::principal(it.alice.id))
    }),
    mended("no directory", "directory", |_| delete(keys::directory())),
    mended("an unreadable entry", "directory", |_| {
        append(keys::directory_log(), Bytes::from_static(b"x"))
    }),
];

const COLLECTIONS: &[Breakage] = &[
    mended("nothing leads to it", "collection", |it| {
        delete(keys::member(it.home, "calendar"))
    }),
    lost("under another identity", "collection", |it| {
        put(keys::collection(NOBODY), record::encode(&it.calendar))
    }),
    mended("no header", "collection", |it| {
        delete(keys::collection(it.calendar.id))
    }),
    mended("below nothing", "collection", |it| below(it, Some(NOBODY))),
    mended("below itself", "collection", |it| {
        below(it, Some(it.calendar.id))
    }),
    mended("a circle", "collection", circle),
    mended("to be purged", "detached collection", |it| {
        put(keys::detached(it.home, it.calendar.id), Bytes::new())
    }),
    mended("two ways to it", "member", |it| {
        let binding = record::encode_binding(it.calendar.id);
        put(keys::member(it.home, "x"), binding)
    }),
    lost("an unreadable member", "member", |it| {
        spoil(keys::member(it.home, "x"))
    }),
];

fn below(it: &Ground, parent: Option<CollectionId>) -> Vec<Operation> {
    let elsewhere = Collection {
        parent,
        ..it.calendar.clone()
    };
    let header = record::encode(&elsewhere);
    put(keys::collection(it.calendar.id), header)
}

/// Two collections, each the only member of the other.
fn circle(it: &Ground) -> Vec<Operation> {
    let (one, other) = (CollectionId(2), NOBODY);
    let mut operations = Vec::new();
    for (id, parent) in [(one, other), (other, one)] {
        let header = Collection {
            id,
            parent: Some(parent),
            name: "a".to_owned(),
            ..it.calendar.clone()
        };
        operations.extend(put(keys::collection(id), record::encode(&header)));
        let binding = record::encode_binding(parent);
        operations.extend(put(keys::member(id, "a"), binding));
    }
    operations
}

const LOGS: &[Breakage] = &[
    mended("no log", "change", |it| {
        delete_all(keys::changes(it.calendar.id))
    }),
    mended("of what never was", "change", |it| {
        change(it.calendar.id, &record::LogRecord::Put("never".to_owned()))
    }),
    mended("of what is gone silently", "change", |it| {
        delete(keys::member(it.calendar.id, "a.ics"))
    }),
    mended("that what is there is gone", "change", |it| {
        let removed = record::LogRecord::Removed("a.ics".to_owned());
        change(it.calendar.id, &removed)
    }),
    mended("an unreadable entry", "change", |it| {
        append(keys::changes(it.calendar.id), Bytes::from_static(b"x"))
    }),
    mended("of no collection", "change", |_| {
        change(NOBODY, &record::LogRecord::Created)
    }),
];

fn change(collection: CollectionId, entry: &record::LogRecord) -> Vec<Operation> {
    append(keys::changes(collection), record::encode(entry))
}

const INDEXES: &[Breakage] = &[
    mended("a UID leads nowhere", "uid", |it| {
        delete_all(keys::uid_places(it.home, "a"))
    }),
    mended("a UID of no object", "uid", |it| {
        let place = record::UidRecord {
            name: "a.ics".to_owned(),
            scheduling: false,
        };
        let key = keys::uid(it.home, "b", it.calendar.id);
        put(key, record::encode(&place))
    }),
    mended("an unreadable UID", "uid", |it| {
        spoil(keys::uid(it.home, "a", it.calendar.id))
    }),
    mended("a counter that is wrong", "usage", |it| {
        vec![Operation::Add {
            key: keys::usage(it.home),
            amount: 1,
            maximum: None,
        }]
    }),
    mended("no counter", "usage", |it| delete(keys::usage(it.home))),
    mended("an unreadable counter", "usage", |it| {
        spoil(keys::usage(it.home))
    }),
    mended("locks of nobody", "locks", |_| {
        put(keys::locks(NOBODY), record::encode(&Vec::<Lock>::new()))
    }),
    mended("unreadable locks", "locks", |it| {
        spoil(keys::locks(it.home))
    }),
    mended("a lock on nothing", "locks", |it| {
        let locks = vec![
            lock(it, "calendar/a.ics", "there"),
            lock(it, "calendar/b", "nowhere"),
        ];
        put(keys::locks(it.home), record::encode(&locks))
    }),
    lost("unreadable work", "work", |_| {
        let id = WorkId {
            due: Timestamp(0),
            id: 1,
        };
        spoil(keys::work("q", &id))
    }),
];

fn lock(it: &Ground, names: &str, token: &str) -> Lock {
    Lock {
        token: token.to_owned(),
        root: LockRoot {
            path: path("alice", names),
            is_collection: false,
        },
        deep: false,
        exclusive: true,
        principal: it.alice.id,
        owner: Bytes::new(),
        timeout_seconds: 60,
        expires: Timestamp(i64::MAX),
    }
}

const BLOBS: &[Breakage] = &[
    mended("nothing refers to it", "blob reference", |it| {
        delete_all(keys::blob_references(&it.hash))
    }),
    mended("a reference of nothing", "blob reference", |it| {
        let reference = keys::blob_reference_of_object(&it.hash, it.home, "x");
        put(reference, Bytes::new())
    }),
    lost("a piece is missing", "blob", |it| {
        delete(keys::blob_chunk(&it.hash, 1))
    }),
    lost("a piece is another", "blob", |it| {
        spoil(keys::blob_chunk(&it.hash, 1))
    }),
    mended("an unreadable header", "blob", |it| {
        spoil(keys::blob(&it.hash))
    }),
    mended("no header", "blob", |it| delete(keys::blob(&it.hash))),
    lost("neither header nor pieces", "blob", |it| {
        let pieces = delete_all(keys::blob_chunks(&it.hash));
        [pieces, delete(keys::blob(&it.hash))].concat()
    }),
    mended("pieces of nothing", "blob", |_| {
        spoil(keys::blob_chunk(&[7; 32], 0))
    }),
];

/// The same of a blob that came as an upload, whose pieces stand in a place of their own.
const UPLOADS: &[Breakage] = &[
    lost("a piece is missing", "blob", |it| {
        delete(keys::blob_chunk(&it.upload.place, 1))
    }),
    lost("the first piece is missing", "blob", |it| {
        delete(keys::blob_chunk(&it.upload.place, 0))
    }),
    mended("no header", "blob", |it| {
        delete(keys::blob(&it.upload.hash))
    }),
    mended("an unreadable header", "blob", |it| {
        spoil(keys::blob(&it.upload.hash))
    }),
    mended("nothing says whose pieces", "place of a blob", |it| {
        delete(keys::blob_place(&it.upload.place))
    }),
    mended("unreadable whose pieces", "place of a blob", |it| {
        spoil(keys::blob_place(&it.upload.place))
    }),
    mended("pieces of another", "place of a blob", |it| {
        put(keys::blob_place(&it.upload.place), record::encode(&it.hash))
    }),
    mended("a place without pieces", "place of a blob", |it| {
        put(keys::blob_place(&[7; 32]), record::encode(&it.upload.hash))
    }),
    mended("pieces of nobody", "blob", |_| {
        let nobody = record::encode(&[8; 32]);
        let place = put(keys::blob_place(&[7; 32]), nobody);
        [place, spoil(keys::blob_chunk(&[7; 32], 0))].concat()
    }),
    lost("neither header nor pieces", "blob", |it| {
        let pieces = delete_all(keys::blob_chunks(&it.upload.place));
        let place = delete(keys::blob_place(&it.upload.place));
        [pieces, place, delete(keys::blob(&it.upload.hash))].concat()
    }),
];

/// The same of one that stands in a file.
const FILES: &[Breakage] = &[
    mended("nothing refers to it", "blob reference", |it| {
        delete_all(keys::blob_references(&it.filed))
    }),
    mended("no header", "blob", |it| delete(keys::blob(&it.filed))),
    mended("an unreadable header", "blob", |it| {
        spoil(keys::blob(&it.filed))
    }),
    lost("a header that names another writing", "blob", |it| {
        put(keys::blob(&it.filed), header(700_000))
    }),
    lost("a header of another length", "blob", |it| {
        put(keys::blob(&it.filed), header(700_001))
    }),
];

fn header(length: u64) -> Bytes {
    record::encode(&record::BlobRecord {
        length,
        written: Timestamp(0),
        complete: true,
        place: BlobPlace::File(1),
    })
}

#[tokio::test]
async fn broken_files_are_found_and_mended() {
    check_all(FILES).await;
}

#[tokio::test]
async fn broken_directories_are_found_and_mended() {
    check_all(DIRECTORY).await;
}

#[tokio::test]
async fn broken_collections_are_found_and_mended() {
    check_all(COLLECTIONS).await;
}

#[tokio::test]
async fn broken_logs_are_found_and_mended() {
    check_all(LOGS).await;
}

#[tokio::test]
async fn broken_indexes_are_found_and_mended() {
    check_all(INDEXES).await;
}

#[tokio::test]
async fn broken_blobs_are_found_and_mended() {
    check_all(BLOBS).await;
}

#[tokio::test]
async fn broken_uploads_are_found_and_mended() {
    check_all(UPLOADS).await;
}

/// What somebody refers to is found by its octets, where nothing else says where they are.
#[tokio::test]
async fn octets_alone_lead_back_to_their_blob() {
    let ground = ground().await;
    let store = &ground.world.store;
    let operations = [
        delete(keys::blob(&ground.upload.hash)),
        delete(keys::blob_place(&ground.upload.place)),
    ];
    store
        .commit_rows(Vec::new(), operations.concat())
        .await
        .unwrap();
    let (_, mendings) = repair(store).await;
    assert_eq!(mendings, ["its header was written anew"]);
    ground.world.assert_sound().await;
}

async fn check_all(breakages: &[Breakage]) {
    for breakage in breakages {
        breakage.check().await;
    }
}

impl Breakage {
    /// It is found, mended where that is possible, and once is enough. No object is thrown away.
    async fn check(&self) {
        let ground = ground().await;
        let store = &ground.world.store;
        let before = objects(store).await;
        let operations = (self.operations)(&ground);
        store.commit_rows(Vec::new(), operations).await.unwrap();
        // The breakage itself may have taken one.
        let left = objects(store).await;
        assert!(left.len() + 1 >= before.len());

        let found = store.check().await.unwrap();
        let here = format!("{}, {}: {found:?}", self.row, self.what);
        assert!(found.iter().any(|it| it.row == self.row), "{here}");
        let all_can = found.iter().all(|it| it.can_be_mended);
        assert_eq!(all_can, self.is_mended, "{here}");

        let (told, mendings) = repair(store).await;
        assert!(told.iter().any(|it| it.row == self.row), "{here}: {told:?}");
        assert!(!self.is_mended || !mendings.is_empty(), "{here}");
        let after = store.check().await.unwrap();
        let here = format!("{here}: {mendings:?}, then {after:?}");
        assert!(after.iter().all(|it| !it.can_be_mended), "{here}");
        assert_eq!(after.is_empty(), self.is_mended, "{here}");
        assert_eq!(objects(store).await, left, "{here}");
        assert_eq!(repair(store).await.1, Vec::<String>::new(), "{here}");
    }
}
