//! The desk over a store in memory.
#![allow(clippy::unwrap_used)]

mod attachments;
mod audit;
mod bookings;
mod bounces;
mod cases;
mod delegates;
mod departures;
mod enabled;
mod faults;
mod groups;
mod growth;
mod imports;
mod inboxes;
mod incoming;
mod kept_views;
mod large;
mod late_answers;
mod letters;
mod locks;
mod logs;
mod mailing;
mod measured;
mod meetings;
mod memberships;
mod messages;
mod moved;
mod objects;
mod outstanding;
mod overrides;
mod proposals;
mod published;
mod queues;
mod races;
mod refreshes;
mod rehearsals;
mod removed;
mod returning_bookings;
mod rights;
mod signatures;
mod transfers;
mod trash;
mod trees;
mod unscheduled;
mod uploads;
mod views;
mod waiting;
mod yielding;
mod zones;

use std::sync::Arc;

use bytes::Bytes;
use storage::{
    Found, ResourcePath, Store, Stored,
    backend::Backend,
    memory::Memory,
    model::{CollectionKind, Member, Object, Principal, PrincipalKind, Properties, Work, WorkId},
    testing::{Faulty, ManualClock, environment_at},
};

use super::*;
use crate::{
    Actor, Conditions, Precondition, Refusal,
    change::{EntityTag, StateCondition, StateList, TagList},
    mail::{self, OutgoingMessage},
};

/// A desk, a clock that the test moves, and Alice and Bob with their homes.
pub(super) struct World {
    pub desk: Desk,
    pub clock: Arc<ManualClock>,
    pub alice: Actor,
    pub bob: Actor,
}

pub(super) async fn world() -> World {
    world_with(Settings::default(), |memory| Arc::new(memory)).await
}

/// The same over a backend that can fail.
pub(super) async fn faulty_world(settings: Settings) -> (World, Arc<Faulty>) {
    let mut faulty = None;
    let world = world_with(settings, |memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    (world, faulty.unwrap())
}

pub(super) async fn world_with(
    settings: Settings,
    backend: impl FnOnce(Memory) -> Arc<dyn Backend>,
) -> World {
    let clock = Arc::new(ManualClock::default());
    let environment = environment_at(Arc::clone(&clock));
    let memory = Memory::new(Arc::clone(&environment.clock));
    let store = Store::open(backend(memory), environment).await.unwrap();
    let alice = user(&store, "alice").await;
    let bob = user(&store, "bob").await;
    World {
        desk: Desk::new(store, settings),
        clock,
        alice,
        bob,
    }
}

/// An account with the address `NAME@example.com`.
pub(super) async fn user(store: &Store, name: &str) -> Actor {
    let mut principal = Principal::new(PrincipalKind::User, name);
    principal.addresses = vec![format!("mailto:{name}@example.com")];
    Actor::of(store.add_account(principal, None).await.unwrap())
}

/// `alice/calendar/a.ics`
pub(super) fn path(text: &str) -> ResourcePath {
    let mut names = text.split('/').map(str::to_owned);
    ResourcePath {
        owner_kind: PrincipalKind::User,
        owner_name: names.next().unwrap(),
        segments: names.filter(|name| !name.is_empty()).collect(),
    }
}

/// An event with this UID and summary.
pub(super) fn event(uid: &str, summary: &str) -> Bytes {
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nDTEND:20260201T100000Z\r\n\
         SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ))
}

pub(super) fn tags(tag: &str) -> Option<TagList> {
    Some(match tag {
        "*" => TagList::Any,
        _ => TagList::Tags(vec![EntityTag {
            weak: false,
            tag: tag.to_owned(),
        }]),
    })
}

pub(super) fn if_match(tag: &str) -> Conditions {
    Conditions {
        if_match: tags(tag),
        ..Conditions::default()
    }
}

pub(super) fn if_none_match(tag: &str) -> Conditions {
    Conditions {
        if_none_match: tags(tag),
        ..Conditions::default()
    }
}

/// An If header that submits these tokens, each for its resource, as clients do.
pub(super) fn tokens(tokens: &[(&str, &str)]) -> Conditions {
    let list = |(resource, token): &(&str, &str)| StateList {
        resource: Some(Some(path(resource))),
        conditions: vec![StateCondition::Token {
            token: (*token).to_owned(),
            negated: false,
        }],
    };
    Conditions {
        if_lists: tokens.iter().map(list).collect(),
        ..Conditions::default()
    }
}

impl World {
    pub async fn put_if(
        &self,
        at: &str,
        octets: Bytes,
        conditions: Conditions,
    ) -> Result<Written, Refusal> {
        self.put_as_if(&self.alice, at, octets, conditions).await
    }

    pub async fn put(&self, at: &str, octets: impl Into<Bytes>) -> Result<Written, Refusal> {
        self.put_if(at, octets.into(), Conditions::default()).await
    }

    /// What somebody else than Alice puts.
    pub async fn put_as(
        &self,
        actor: &Actor,
        at: &str,
        octets: impl Into<Bytes>,
    ) -> Result<Written, Refusal> {
        self.put_as_if(actor, at, octets, Conditions::default())
            .await
    }

    pub async fn put_as_if(
        &self,
        actor: &Actor,
        at: &str,
        octets: impl Into<Bytes>,
        conditions: Conditions,
    ) -> Result<Written, Refusal> {
        let put = Put {
            path: path(at),
            content_type: None,
            octets: octets.into(),
            conditions,
            schedule_reply: true,
        };
        self.desk.put(actor, put).await
    }

    pub async fn delete(&self, at: &str) -> Result<PartialFailures, Refusal> {
        self.delete_if(at, Conditions::default()).await
    }

    pub async fn delete_if(
        &self,
        at: &str,
        conditions: Conditions,
    ) -> Result<PartialFailures, Refusal> {
        let delete = Delete {
            path: path(at),
            conditions,
            schedule_reply: true,
        };
        self.desk.delete(&self.alice, delete).await
    }

    pub async fn make(&self, at: &str, kind: CollectionKind) -> Result<(), Refusal> {
        self.desk
            .make_collection(&self.alice, making(at, kind))
            .await
    }

    pub async fn copy(&self, from: &str, to: &str) -> Result<(Written, PartialFailures), Refusal> {
        self.desk
            .transfer(&self.alice, transfer(from, to, true))
            .await
    }

    pub async fn rename(
        &self,
        from: &str,
        to: &str,
    ) -> Result<(Written, PartialFailures), Refusal> {
        self.desk
            .transfer(&self.alice, transfer(from, to, false))
            .await
    }

    /// The object there; `None` where there is none.
    pub async fn object(&self, at: &str) -> Option<Object> {
        match self.desk.store().resolve(&path(at)).await.unwrap()?.found {
            Found::Object(object) => Some(object.value),
            _ => None,
        }
    }

    pub async fn octets(&self, at: &str) -> Option<Bytes> {
        let object = self.object(at).await?;
        Some(self.desk.octets(&object).await.unwrap())
    }

    /// The text of an object, its lines unfolded.
    pub async fn text(&self, object: &Object) -> String {
        unfolded(&self.desk.octets(object).await.unwrap())
    }

    pub async fn text_at(&self, at: &str) -> String {
        self.text(&self.object(at).await.unwrap()).await
    }

    /// What the objects in a collection are named, and what they hold.
    pub async fn members(&self, at: &str) -> Vec<(String, Object)> {
        let store = self.desk.store();
        let resolution = store.resolve(&path(at)).await.unwrap().unwrap();
        let id = resolution.collection().id;
        let (members, _) = store.members(id, None, 1_000).await.unwrap();
        let objects = members
            .into_iter()
            .filter_map(|listed| match listed.member.value {
                Member::Object(object) => Some((listed.name, object)),
                Member::Collection(_) => None,
            });
        objects.collect()
    }

    /// The one object in Bob's calendar: where it stands, and its text.
    pub async fn bobs(&self) -> (String, Object, String) {
        let mut members = self.members("bob/calendar").await;
        assert_eq!(members.len(), 1, "{members:?}");
        let (name, object) = members.remove(0);
        let text = self.text(&object).await;
        (format!("bob/calendar/{name}"), object, text)
    }

    /// The mails that are due, each with its row of work.
    pub async fn due_mails(&self) -> Vec<(WorkId, Stored<Work>, OutgoingMessage)> {
        let store = self.desk.store();
        let due = store.due_work(mail::QUEUE, self.desk.now(), 100).await;
        let message = |work: &Work| OutgoingMessage::decode(&work.payload).unwrap();
        due.unwrap()
            .into_iter()
            .map(|(id, work)| {
                let message = message(&work);
                (id, work, message)
            })
            .collect()
    }

    /// Has it written down how mails fared, which is done after a few seconds.
    pub async fn write_mail_statuses(&self) {
        self.clock.advance(5_000);
        while self.desk.write_mail_statuses().await.unwrap() {}
    }

    pub async fn mails(&self) -> Vec<OutgoingMessage> {
        let due = self.due_mails().await.into_iter();
        due.map(|(.., message)| message).collect()
    }

    /// Every path below a collection, in order; collections end with a slash.
    pub async fn tree(&self, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![at.to_owned()];
        while let Some(at) = waiting.pop() {
            let resolution = self
                .desk
                .store()
                .resolve(&path(&at))
                .await
                .unwrap()
                .unwrap();
            assert!(matches!(resolution.found, Found::Collection), "{at}");
            let (members, more) = self
                .desk
                .store()
                .members(resolution.collection().id, None, 1_000)
                .await
                .unwrap();
            assert!(!more);
            for listed in members {
                let below = format!("{at}/{}", listed.name);
                match listed.member.value {
                    Member::Object(_) => found.push(below),
                    Member::Collection(_) => {
                        found.push(format!("{below}/"));
                        waiting.push(below);
                    }
                }
            }
        }
        found.sort();
        found
    }
}

/// A text as it stands in octets, its lines unfolded.
pub(super) fn unfolded(octets: &[u8]) -> String {
    let text = String::from_utf8(octets.to_vec()).unwrap();
    text.replace("\r\n ", "")
}

pub(super) fn making(at: &str, kind: CollectionKind) -> MakeCollection {
    MakeCollection {
        path: path(at),
        kind,
        components: Vec::new(),
        properties: Properties::new(),
        conditions: Conditions::default(),
    }
}

pub(super) fn transfer(from: &str, to: &str, keep_source: bool) -> Transfer {
    Transfer {
        source: path(from),
        destination: path(to),
        keep_source,
        overwrite: true,
        deep: true,
        conditions: Conditions::default(),
        schedule_reply: true,
    }
}

/// The precondition that a change was refused with.
pub(super) fn violated<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Precondition {
    match result.unwrap_err() {
        Refusal::Precondition { precondition, .. } => precondition,
        other => panic!("refused with {other:?}"),
    }
}
