//! What the fixtures hold: something of everything that can be stored.

use bytes::Bytes;
use storage::{
    Found, ResourcePath, Store, Timestamp,
    access::{Ace, AcePrincipal, Privilege},
    model::{
        AuditAction, AuditEntry, CalendarFacts, Collection, CollectionKind, Content, Credential,
        Delegate, InvitationRecipients, Lock, LockRoot, Object, Principal, PrincipalId,
        PrincipalKind, Properties, SchedulingLogEntry, Work,
    },
};

/// Fills an empty store.
pub async fn fill(store: &Store) {
    let alice = user(store, "alice").await;
    let bob = user(store, "bob").await;
    let gone = user(store, "gone").await;
    let mut team = Principal::new(PrincipalKind::Group, "team");
    team.members = vec![alice.id, bob.id];
    store.add_account(team, None).await.unwrap();
    let mut room = Principal::new(PrincipalKind::Location, "room");
    (room.capacity, room.location) = (Some(12), Some("second floor".to_owned()));
    room.features = vec!["projector".to_owned()];
    store.add_account(room, None).await.unwrap();
    store
        .change_principal(alice.id, |alice| fill_delegates(alice, bob.id))
        .await
        .unwrap();

    make(store, "alice", "work", CollectionKind::Calendar).await;
    make(store, "alice", "files", CollectionKind::Plain).await;
    make(store, "alice", "files/below", CollectionKind::Plain).await;
    for number in 0..20 {
        let name = format!("work/{number}.ics");
        put(store, "alice", &name, event(&format!("event-{number}"))).await;
    }
    // Changed, removed, and made again.
    put(store, "alice", "work/3.ics", event("event-3")).await;
    remove(store, "alice", "work/4.ics").await;
    remove(store, "alice", "work/5.ics").await;
    put(store, "alice", "work/5.ics", event("event-5 again")).await;
    let large: Vec<u8> = (0..100_000_u32)
        .map(|number| (number / 600) as u8)
        .collect();
    let content = store.write_blob(Bytes::from(large)).await.unwrap();
    put(store, "alice", "files/large", file(content)).await;
    let content = upload(store).await;
    put(store, "alice", "files/larger", file(content)).await;
    let mut small = file(Content::Inline(Bytes::from_static(b"a file")));
    small.properties = properties("on a file");
    put(store, "alice", "files/below/small", small).await;
    put(store, "bob", "calendar/meeting.ics", event("meeting")).await;
    put(store, "bob", "inbox/request.ics", event("meeting")).await;
    put(store, "gone", "calendar/lost.ics", event("lost")).await;
    store.remove_account(gone.id).await.unwrap();
    lock(store, &alice).await;
    enqueue(store).await;
    audit(store, &alice, bob.id).await;
    log_scheduling(store, &bob).await;
}

/// A file that comes piece by piece.
async fn upload(store: &Store) -> Content {
    let mut upload = store.begin_upload();
    for number in 0..10_u8 {
        let octets = Bytes::from(vec![number; 60_000]);
        store.continue_upload(&mut upload, octets).await.unwrap();
    }
    store.finish_upload(upload).await.unwrap().0
}

async fn audit(store: &Store, alice: &Principal, bob: PrincipalId) {
    let entry = AuditEntry {
        time: Timestamp(1_765_000_000_000),
        actor: bob,
        action: AuditAction::Changed,
        place: "work/1.ics".to_owned(),
        client: Some("A client".to_owned()),
    };
    let mut batch = store.batch();
    batch.audit(alice.id, entry);
    store.commit(batch).await.unwrap();
}

async fn log_scheduling(store: &Store, bob: &Principal) {
    let entry = SchedulingLogEntry {
        time: Timestamp(1_765_000_000_000),
        content: b"what was decided".to_vec(),
    };
    let mut batch = store.batch();
    batch.log_scheduling(bob.home.unwrap(), "meeting", &entry);
    store.commit(batch).await.unwrap();
}

async fn user(store: &Store, name: &str) -> Principal {
    let mut principal = Principal::new(PrincipalKind::User, name);
    principal.addresses = vec![format!("mailto:{name}@example.com")];
    (principal.language, principal.time_zone) =
        (Some("de".to_owned()), Some("Europe/Berlin".to_owned()));
    principal.properties = properties("on a principal");
    let credential = Credential {
        hash: format!("$argon2id$v=19$m=8,t=1,p=1$c2FsdA${name}"),
        imported: name == "bob",
    };
    let added = store.add_account(principal, Some(credential)).await;
    Principal::clone(&added.unwrap())
}

fn fill_delegates(alice: &mut Principal, bob: PrincipalId) {
    let mut bob = Delegate::deputy(bob);
    (bob.may_invite, bob.sees_private) = (false, true);
    alice.delegates = vec![bob];
    (alice.invitations_to, alice.delegate_notices) = (InvitationRecipients::Both, false);
}

fn path(owner: &str, names: &str) -> ResourcePath {
    ResourcePath {
        owner_kind: PrincipalKind::User,
        owner_name: owner.to_owned(),
        segments: names.split('/').map(str::to_owned).collect(),
    }
}

fn properties(value: &str) -> Properties {
    let value = Bytes::copy_from_slice(value.as_bytes());
    Properties::from([("{urn:example}note".to_owned(), value)])
}

async fn make(store: &Store, owner: &str, names: &str, kind: CollectionKind) {
    let place = path(owner, names);
    let resolution = store.resolve(&place).await.unwrap().unwrap();
    let parent = resolution.collection();
    let collection = Collection {
        id: store.new_collection_id(),
        kind,
        owner: parent.owner,
        home: parent.home,
        parent: Some(parent.id),
        name: place.name().unwrap().to_owned(),
        created: store.environment().clock.now(),
        components: vec!["VEVENT".to_owned()],
        properties: properties("on a collection"),
        access: Some(vec![Ace::grant(
            AcePrincipal::Authenticated,
            &[Privilege::ReadFreeBusy],
        )]),
    };
    let mut batch = store.batch();
    batch.create_collection(Some(parent), &collection);
    store.commit(batch).await.unwrap();
}

fn file(content: Content) -> Object {
    Object {
        id: None,
        etag: format!("etag-{}", content.length()),
        content,
        content_type: "application/octet-stream".to_owned(),
        created: Timestamp(1_700_000_000_000),
        modified: Timestamp(1_750_000_000_000),
        calendar: None,
        properties: Properties::new(),
        access: Vec::new(),
    }
}

fn event(uid: &str) -> Object {
    let octets = format!("BEGIN:VCALENDAR\r\nthe event {uid}\r\nEND:VCALENDAR\r\n");
    let facts = CalendarFacts {
        uid: uid.to_owned(),
        scheduling: uid == "meeting",
        schedule_tag: (uid == "meeting").then(|| "tag".to_owned()),
        projection: Bytes::from_static(b"projection"),
        attachments: Vec::new(),
    };
    Object {
        calendar: Some(facts),
        content_type: "text/calendar".to_owned(),
        ..file(Content::Inline(octets.into()))
    }
}

async fn put(store: &Store, owner: &str, names: &str, object: Object) {
    let place = path(owner, names);
    let resolution = store.resolve(&place).await.unwrap().unwrap();
    let before = match &resolution.found {
        Found::Object(object) => Some(object),
        _ => None,
    };
    let mut batch = store.batch();
    batch.put_object(
        resolution.collection(),
        place.name().unwrap(),
        before,
        &object,
    );
    store.commit(batch).await.unwrap();
}

async fn remove(store: &Store, owner: &str, names: &str) {
    let place = path(owner, names);
    let resolution = store.resolve(&place).await.unwrap().unwrap();
    let Found::Object(before) = &resolution.found else {
        panic!("nothing at {names}")
    };
    let mut batch = store.batch();
    batch.remove_object(resolution.collection(), place.name().unwrap(), before);
    store.commit(batch).await.unwrap();
}

async fn lock(store: &Store, alice: &Principal) {
    let home = alice.home.unwrap();
    let lock = Lock {
        token: "urn:uuid:00000000-0000-4000-8000-000000000001".to_owned(),
        root: LockRoot {
            path: path("alice", "files"),
            is_collection: true,
        },
        deep: true,
        exclusive: true,
        principal: alice.id,
        owner: Bytes::from_static(b"<D:href>alice</D:href>"),
        timeout_seconds: 3600,
        expires: Timestamp(1_800_000_000_000),
    };
    let before = store.locks(home).await.unwrap();
    let mut batch = store.batch();
    batch.set_locks(home, &before, &[lock]);
    store.commit(batch).await.unwrap();
}

async fn enqueue(store: &Store) {
    for payload in [100, 30_000] {
        let work = Work {
            queue: "mail".to_owned(),
            attempts: 2,
            created: Timestamp(1_760_000_000_000),
            last_error: Some("451 later".to_owned()),
            payload: Bytes::from(vec![b'm'; payload]),
        };
        let id = store.new_work_id(Timestamp(1_770_000_000_000));
        let mut batch = store.batch();
        batch.enqueue(&id, &work);
        store.commit(batch).await.unwrap();
    }
}
