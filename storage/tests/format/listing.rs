//! Everything in a store as text, through the public operations alone.

use std::fmt::Write;

use storage::{
    ResourcePath, Store, Stored,
    access::{Ace, Delegation},
    model::{
        Collection, Content, Delegate, InvitationRecipients, Member, Object, Principal,
        PrincipalId, Properties,
    },
};

/// What stands in the store.
pub async fn listing(store: &Store) -> String {
    let mut text = format!("epoch {:x}\n", store.epoch());
    for principal in store.principals().await.unwrap() {
        list_principal(store, &principal, &mut text).await;
    }
    for queue in ["mail", "other"] {
        for (id, work) in store.list_work(queue, None, 100).await.unwrap() {
            writeln!(
                text,
                "work {queue} {:x} due {} made {} attempts {} error {:?} payload {}",
                id.id,
                id.due.0,
                work.created.0,
                work.attempts,
                work.last_error,
                digest(&work.payload)
            )
            .unwrap();
        }
    }
    for (_, owner, entry) in store.audit_entries(None, None, 100).await.unwrap() {
        writeln!(text, "audit of {:x}: {entry:x?}", owner.0).unwrap();
    }
    text
}

async fn list_principal(store: &Store, principal: &Principal, text: &mut String) {
    let Principal { id, kind, name, .. } = principal;
    writeln!(
        text,
        "\n{kind:?} {name} {:x} called {} at {:?} language {:?} zone {:?} administrator {} \
         disabled {} members {:x?} capacity {:?} location {:?} features {:?} booking {:?} \
         read {:x?} write {:x?} default {:x?}{}",
        id.0,
        principal.display_name,
        principal.addresses,
        principal.language,
        principal.time_zone,
        principal.administrator,
        principal.disabled,
        principal.members,
        principal.capacity,
        principal.location,
        principal.features,
        principal.booking,
        ids(principal, Delegation::Read),
        ids(principal, Delegation::Write),
        principal.default_calendar,
        properties(&principal.properties),
    )
    .unwrap();
    // Who stands in no other list has the rights that such a delegate always had.
    for delegate in &principal.delegates {
        if ![Delegate::reader, Delegate::deputy]
            .map(|new| new(delegate.principal))
            .contains(delegate)
        {
            writeln!(text, "{delegate:x?}").unwrap();
        }
    }
    let (to, notices) = (principal.invitations_to, principal.delegate_notices);
    if (to, notices) != (InvitationRecipients::default(), true) {
        writeln!(text, "invitations to {to:?} notices {notices}").unwrap();
    }
    if let Some(credential) = store.credential(*id).await.unwrap() {
        let (hash, imported) = (&credential.hash, credential.imported);
        writeln!(text, "credential {hash} imported {imported}").unwrap();
    }
    let Some(home) = principal.home else { return };
    writeln!(text, "used {}", store.used_octets(home).await.unwrap()).unwrap();
    for lock in &store.locks(home).await.unwrap().value {
        let (root, collection) = (lock.root.path.segments.join("/"), lock.root.is_collection);
        writeln!(
            text,
            "lock {} on {root} collection {collection} deep {} exclusive {} by {:x} owner {:?} \
             for {} s until {}",
            lock.token,
            lock.deep,
            lock.exclusive,
            lock.principal.0,
            lock.owner,
            lock.timeout_seconds,
            lock.expires.0
        )
        .unwrap();
    }
    for entry in store.scheduling_log(home, "meeting", 100).await.unwrap() {
        let entry = entry.unwrap();
        let said = String::from_utf8_lossy(&entry.content);
        writeln!(text, "decided at {}: {said}", entry.time.0).unwrap();
    }
    let path = ResourcePath {
        owner_kind: principal.kind,
        owner_name: principal.name.clone(),
        segments: Vec::new(),
    };
    let resolution = store.resolve(&path).await.unwrap().unwrap();
    list_collection(store, resolution.collection(), text).await;
}

fn ids(principal: &Principal, delegation: Delegation) -> Vec<PrincipalId> {
    principal.delegates_in(delegation).collect()
}

async fn list_collection(store: &Store, collection: &Stored<Collection>, text: &mut String) {
    let id = collection.id;
    let properties = properties(&collection.properties);
    writeln!(
        text,
        "{} {:?} {:x} at revision {} made {} components {:?} access {}{properties}",
        place(store, collection).await,
        collection.kind,
        id.0,
        collection.revision.0,
        collection.created.0,
        collection.components,
        access(collection.access.as_deref().unwrap_or_default()),
    )
    .unwrap();
    writeln!(text, "  token {}", store.sync_token(id).await.unwrap()).unwrap();
    let (members, more) = store.members(id, None, 1000).await.unwrap();
    assert!(!more);
    let mut below = Vec::new();
    for member in members {
        match &member.member.value {
            Member::Collection(id) => below.push(*id),
            Member::Object(object) => {
                let revision = member.member.revision.0;
                list_object(store, &member.name, revision, object, text).await;
            }
        }
    }
    for collection in store.collections(&below).await.unwrap() {
        Box::pin(list_collection(store, &collection.unwrap(), text)).await;
    }
}

fn access(aces: &[Ace]) -> String {
    let aces = aces.iter().map(|ace| {
        let verb = if ace.deny { "deny" } else { "grant" };
        format!(
            "Ace {{ principal: {:?}, {verb}: {:?} }}",
            ace.principal, ace.privileges
        )
    });
    format!("[{}]", aces.collect::<Vec<_>>().join(", "))
}

async fn list_object(store: &Store, name: &str, revision: u64, object: &Object, text: &mut String) {
    let octets = store.content(&object.content).await.unwrap();
    let form = match object.content {
        Content::Inline(_) => "inline",
        Content::Blob { .. } => "blob",
    };
    writeln!(
        text,
        "  {name} at revision {revision} {form} {} {} {} made {} changed {}{}",
        digest(&octets),
        object.etag,
        object.content_type,
        object.created.0,
        object.modified.0,
        properties(&object.properties),
    )
    .unwrap();
    if let Some(facts) = &object.calendar {
        let (uid, projection) = (&facts.uid, &facts.projection);
        writeln!(
            text,
            "    uid {uid} scheduling {} tag {:?} projection {projection:?}",
            facts.scheduling, facts.schedule_tag
        )
        .unwrap();
    }
}

async fn place(store: &Store, collection: &Collection) -> String {
    let path = store.path_of(collection).await.unwrap().unwrap();
    format!("/{}/{}", path.owner_name, path.segments.join("/"))
}

fn properties(properties: &Properties) -> String {
    let lines = properties.iter();
    lines
        .map(|(name, value)| format!("\n    {name} = {value:?}"))
        .collect()
}

fn digest(octets: &[u8]) -> String {
    let hash = blake3::hash(octets).to_hex();
    format!("{} octets {}", octets.len(), &hash[..16])
}
