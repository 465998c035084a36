//! Random histories of one home against a plain model: what is listed, what sync tells, what is
//! counted and what is indexed must agree after each step.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::testing::SeededEntropy;

/// A step of a history. Places are names from a small alphabet, so that steps meet each other.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Put {
        place: Place,
        uid: u8,
        octets: usize,
    },
    Remove(Place),
    /// Object or collection, in one commit, replacing what was there.
    Move {
        from: Place,
        to: Place,
    },
    Make {
        place: Place,
        calendar: bool,
    },
    Detach(Place),
    Touch(Place),
    Purge(usize),
    /// Remember the collection's token and listing.
    Remember(Place),
}

pub(super) type Place = Vec<u8>;

fn place() -> impl Strategy<Value = Place> {
    prop::collection::vec(0..3u8, 1..=3)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (place(), 0..4u8, 0..40usize).prop_map(|(place, uid, octets)| Step::Put { place, uid, octets }),
        2 => place().prop_map(Step::Remove),
        3 => (place(), place()).prop_map(|(from, to)| Step::Move { from, to }),
        4 => (place(), any::<bool>()).prop_map(|(place, calendar)| Step::Make { place, calendar }),
        1 => place().prop_map(Step::Detach),
        1 => place().prop_map(Step::Touch),
        1 => (1..400usize).prop_map(Step::Purge),
        2 => place().prop_map(Step::Remember),
    ]
}

/// What the home should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Object { uid: u8, octets: usize },
    Collection { id: CollectionId, calendar: bool },
}

/// A token, and what the collection held when it was given out.
struct Memory {
    id: CollectionId,
    token: SyncToken,
    listing: BTreeMap<String, Revision>,
}

struct History {
    world: World,
    nodes: BTreeMap<Place, Node>,
    memories: Vec<Memory>,
}

fn names(place: &[u8]) -> ResourcePath {
    let names: Vec<_> = place
        .iter()
        .map(|name| char::from(b'a' + name).to_string())
        .collect();
    path("alice", &names.join("/"))
}

fn content(uid: u8, octets: usize) -> Object {
    event(&format!("uid-{uid}"), &"x".repeat(octets))
}

impl History {
    /// The parent in the model; `Some(false)` for the home and plain collections, `Some(true)` for a
    /// calendar, `None` where there is none.
    fn parent(&self, place: &[u8]) -> Option<bool> {
        match place.split_last()?.1 {
            [] => Some(false),
            parent => match self.nodes.get(parent)? {
                Node::Collection { calendar, .. } => Some(*calendar),
                Node::Object { .. } => None,
            },
        }
    }

    /// Whether the calendar above `place` has the UID under another name than those given.
    fn uid_is_taken(&self, place: &[u8], uid: u8, but: &[&Place]) -> bool {
        let siblings = self.nodes.iter().filter(|(other, _)| {
            other.len() == place.len()
                && other[..other.len() - 1] == place[..place.len() - 1]
                && !but.contains(other)
        });
        self.parent(place) == Some(true)
            && siblings
                .into_iter()
                .any(|(_, node)| matches!(node, Node::Object { uid: it, .. } if *it == uid))
    }

    fn remove_below(&mut self, place: &Place) {
        self.nodes.retain(|other, _| !other.starts_with(place));
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Put { place, uid, octets } => self.put(place, uid, octets).await,
            Step::Remove(place) => {
                if let Some(Node::Object { .. }) = self.nodes.get(&place) {
                    self.world.remove(&names(&place)).await.unwrap();
                    self.nodes.remove(&place);
                }
            }
            Step::Move { from, to } => self.shift(from, to).await,
            Step::Make { place, calendar } => {
                if self.parent(&place).is_some() && !self.nodes.contains_key(&place) {
                    let kind = if calendar {
                        CollectionKind::Calendar
                    } else {
                        CollectionKind::Plain
                    };
                    let id = self.world.make(&names(&place), kind).await.id;
                    self.nodes.insert(place, Node::Collection { id, calendar });
                }
            }
            Step::Detach(place) => {
                if let Some(Node::Collection { .. }) = self.nodes.get(&place) {
                    self.world.detach(&names(&place)).await;
                    self.remove_below(&place);
                }
            }
            Step::Touch(place) => {
                if let Some(Node::Collection { .. }) = self.nodes.get(&place) {
                    let before = self.world.collection(&names(&place)).await;
                    let mut batch = self.world.store.batch();
                    batch.update_collection(&before, &before);
                    self.world.store.commit(batch).await.unwrap();
                }
            }
            Step::Purge(budget) => {
                self.world.store.purge_detached(budget).await.unwrap();
            }
            Step::Remember(place) => self.remember(&place).await,
        }
    }

    async fn put(&mut self, place: Place, uid: u8, octets: usize) {
        if self.parent(&place).is_none()
            || matches!(self.nodes.get(&place), Some(Node::Collection { .. }))
        {
            return;
        }
        let answer = self.world.put(&names(&place), &content(uid, octets)).await;
        if self.uid_is_taken(&place, uid, &[&place]) {
            assert!(
                matches!(answer, Err(CommitError::Conflict(_))),
                "{answer:?}"
            );
        } else {
            answer.unwrap();
            self.nodes.insert(place, Node::Object { uid, octets });
        }
    }

    /// Moves onto a free name, or replaces what is there.
    async fn shift(&mut self, from: Place, to: Place) {
        let Some(node) = self.nodes.get(&from).cloned() else {
            return;
        };
        if self.parent(&to).is_none() || to.starts_with(&from) || from.starts_with(&to) {
            return;
        }
        let (source, target) = (
            self.world.resolve(&names(&from)).await,
            self.world.resolve(&names(&to)).await,
        );
        let mut batch = self.world.store.batch();
        match &target.found {
            Found::Object(there) => {
                batch.remove_object(target.collection(), names(&to).name().unwrap(), there);
            }
            Found::Collection => {
                batch.detach_collection(target.collection());
            }
            Found::Missing | Found::ParentMissing => {}
        }
        let ancestors = self
            .world
            .resolve(&names(&to).parent().unwrap())
            .await
            .collections;
        let (from_name, to_path) = (names(&from).name().unwrap().to_owned(), names(&to));
        let to_name = to_path.name().unwrap();
        match &source.found {
            Found::Object(object) => {
                let parent = ancestors.last().unwrap();
                batch.remove_object(source.collection(), &from_name, object);
                batch.put_object(parent, to_name, None, object);
            }
            _ => {
                let before = source.collection();
                let parent = ancestors.last().unwrap().id;
                let after = Collection {
                    parent: Some(parent),
                    name: to_name.to_owned(),
                    ..before.value.clone()
                };
                batch.move_collection(before, &after, &ancestors);
            }
        }
        let answer = self.world.store.commit(batch).await;
        if let Node::Object { uid, .. } = node
            && self.uid_is_taken(&to, uid, &[&from, &to])
        {
            assert!(
                matches!(answer, Err(CommitError::Conflict(_))),
                "{answer:?}"
            );
            return;
        }
        answer.unwrap();
        self.remove_below(&to);
        let moved: Vec<_> = self
            .nodes
            .keys()
            .filter(|place| place.starts_with(&from))
            .cloned()
            .collect();
        for place in moved {
            let node = self.nodes.remove(&place).unwrap();
            let place = [&to[..], &place[from.len()..]].concat();
            self.nodes.insert(place, node);
        }
    }

    async fn remember(&mut self, place: &Place) {
        if let Some(Node::Collection { id, .. }) = self.nodes.get(place) {
            let token = self.world.store.sync_token(*id).await.unwrap();
            let listing = self.listing(*id).await;
            self.memories.push(Memory {
                id: *id,
                token,
                listing,
            });
        }
    }

    async fn listing(&self, id: CollectionId) -> BTreeMap<String, Revision> {
        let mut listing = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let (members, more) = self
                .world
                .store
                .members(id, after.as_deref(), 2)
                .await
                .unwrap();
            after = members.last().map(|listed| listed.name.clone());
            listing.extend(
                members
                    .into_iter()
                    .map(|listed| (listed.name, listed.member.revision)),
            );
            if !more {
                return listing;
            }
        }
    }

    /// The store holds what the model holds.
    async fn compare(&self) {
        let places: Vec<_> = self.nodes.keys().map(|place| names(place)).collect();
        let resolved = self.world.store.resolve_many(&places).await.unwrap();
        for ((place, node), resolution) in self.nodes.iter().zip(resolved) {
            let resolution = resolution.unwrap();
            match (node, &resolution.found) {
                (Node::Object { uid, octets }, Found::Object(object)) => {
                    assert_eq!(object.value, content(*uid, *octets), "{place:?}");
                }
                (Node::Collection { id, .. }, Found::Collection) => {
                    assert_eq!(resolution.collection().id, *id, "{place:?}");
                    let below = self
                        .nodes
                        .keys()
                        .filter(|it| it.len() == place.len() + 1 && it.starts_with(place));
                    let below: BTreeSet<_> = below
                        .map(|it| names(it).name().unwrap().to_owned())
                        .collect();
                    let listed: BTreeSet<_> = self.listing(*id).await.into_keys().collect();
                    assert_eq!(listed, below, "{place:?}");
                }
                (node, found) => panic!("{place:?}: {node:?} is {found:?}"),
            }
        }
        self.world.assert_sound().await;
    }

    /// Whoever remembers a listing and follows the changes comes to the present listing.
    async fn replay(&self, limit: usize) {
        for memory in &self.memories {
            let exists = self
                .nodes
                .values()
                .any(|node| matches!(node, Node::Collection { id, .. } if *id == memory.id));
            if !exists {
                continue;
            }
            let present = self.listing(memory.id).await;
            let mut known = memory.listing.clone();
            let mut token = memory.token;
            loop {
                let page = self
                    .world
                    .store
                    .changes(memory.id, token, limit)
                    .await
                    .unwrap()
                    .unwrap();
                assert!(page.changes.len() <= limit);
                for change in page.changes {
                    if change.removed {
                        known.remove(&change.name);
                    } else {
                        // Told of, hence read anew; what is gone by now is told of later.
                        let revision = present.get(&change.name).copied().unwrap_or_default();
                        known.insert(change.name, revision);
                    }
                }
                token = page.token;
                if !page.truncated {
                    break;
                }
            }
            assert_eq!(known, present);
            assert_eq!(token, self.world.store.sync_token(memory.id).await.unwrap());
        }
    }

    /// Deletes everything and purges it: nothing may be left of the whole history.
    async fn end(&mut self) {
        let tops: Vec<_> = self
            .nodes
            .keys()
            .filter(|place| place.len() == 1)
            .cloned()
            .collect();
        for place in tops {
            self.run(Step::Remove(place.clone())).await;
            self.run(Step::Detach(place)).await;
        }
        self.world.purge().await;
        self.world.assert_sound().await;
        let alice = self
            .world
            .store
            .principal_by_name("alice")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(self.world.used(&alice).await, 0);
        let left = self
            .world
            .store
            .scan_all(KeyRange::prefix(keys::whole(keys::Keyspace::Uid)))
            .await
            .unwrap();
        assert_eq!(left, []);
    }
}

/// Lives through the steps in an empty world, and compares all along.
pub(super) async fn live(world: World, steps: Vec<Step>) {
    world.user("alice").await;
    let mut history = History {
        world,
        nodes: BTreeMap::new(),
        memories: Vec::new(),
    };
    for step in steps {
        history.run(step).await;
        history.compare().await;
    }
    for limit in [1, 2, 1_000] {
        history.replay(limit).await;
    }
    history.end().await;
}

/// Any history.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn histories_agree_with_the_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { live(world().await, steps).await });
    }
}

/// Many at once do whatever they like; who is too late is refused, and nothing contradicts itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_hands_leave_a_sound_store() {
    const HANDS: u64 = 6;
    const STEPS: usize = 150;
    let world = Arc::new(world().await);
    world.user("alice").await;
    let hands: Vec<_> = (0..HANDS)
        .map(|seed| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { Hand::new(&world, seed).work(STEPS).await })
        })
        .collect();
    let (mut done, mut refused) = (0, 0);
    for hand in hands {
        let (more_done, more_refused) = hand.await.unwrap();
        done += more_done;
        refused += more_refused;
    }
    assert!(done > STEPS, "{done} done, {refused} refused");
    world.assert_sound().await;
    world.purge().await;
    world.assert_sound().await;
}

/// Somebody who takes random steps without looking at what others do.
struct Hand<'a> {
    world: &'a World,
    random: SeededEntropy,
}

impl Hand<'_> {
    fn new(world: &World, seed: u64) -> Hand<'_> {
        Hand {
            world,
            random: SeededEntropy::new(seed),
        }
    }

    fn number(&self, below: u64) -> u64 {
        self.random.next() % below
    }

    fn place(&self) -> ResourcePath {
        let depth = 1 + self.number(3);
        names(&(0..depth).map(|_| self.number(3) as u8).collect::<Vec<_>>())
    }

    /// How many steps were done, and how many refused.
    async fn work(&self, steps: usize) -> (usize, usize) {
        let (mut done, mut refused) = (0, 0);
        for _ in 0..steps {
            match self.step().await {
                None => {}
                Some(Ok(_)) => done += 1,
                Some(Err(CommitError::Conflict(_))) => refused += 1,
                Some(Err(error)) => panic!("{error}"),
            }
        }
        (done, refused)
    }

    /// `None` where there was nothing to do.
    async fn step(&self) -> Option<Result<Committed, CommitError>> {
        let store = &self.world.store;
        let place = self.place();
        let name = place.name().unwrap();
        let found = self.world.resolve(&place).await;
        tokio::task::yield_now().await;
        let here = found.collection();
        let mut batch = store.batch();
        match (&found.found, self.number(4)) {
            (Found::ParentMissing, _) => return None,
            (Found::Missing, 0) => {
                let kind =
                    [CollectionKind::Plain, CollectionKind::Calendar][self.number(2) as usize];
                let made = Collection {
                    id: store.new_collection_id(),
                    kind,
                    parent: Some(here.id),
                    name: name.to_owned(),
                    ..here.value.clone()
                };
                batch.create_collection(Some(here), &made);
            }
            (Found::Missing, _) => {
                let object = content(self.number(4) as u8, self.number(40) as usize);
                batch.put_object(here, name, None, &object);
            }
            (Found::Object(before), 0) => {
                batch.remove_object(here, name, before);
            }
            (Found::Object(before), _) => {
                let object = content(self.number(4) as u8, self.number(40) as usize);
                batch.put_object(here, name, Some(before), &object);
            }
            (Found::Collection, 0) => {
                batch.detach_collection(here);
            }
            (Found::Collection, 1) => {
                batch.update_collection(here, here);
            }
            (Found::Collection, 2) => return self.shift(here, batch).await,
            (Found::Collection, _) => {
                store.purge_detached(50).await.unwrap();
                return None;
            }
        }
        Some(store.commit(batch).await)
    }

    async fn shift(
        &self,
        before: &Stored<Collection>,
        mut batch: Batch,
    ) -> Option<Result<Committed, CommitError>> {
        let to = self.place();
        let above = self.world.resolve(&to.parent().unwrap()).await;
        let circle = above
            .collections
            .iter()
            .any(|ancestor| ancestor.id == before.id);
        if circle || !matches!(above.found, Found::Collection) {
            return None;
        }
        let after = Collection {
            parent: Some(above.collection().id),
            name: to.name().unwrap().to_owned(),
            ..before.value.clone()
        };
        batch.move_collection(before, &after, &above.collections);
        Some(self.world.store.commit(batch).await)
    }
}
