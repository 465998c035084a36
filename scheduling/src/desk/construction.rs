//! A copy of a collection, built where nobody sees it.
//!
//! The source is read page by page while others change it; then its change logs tell what the copy
//! still lacks, as often as it takes, and the last commit expects that there is nothing more. So the copy
//! is the source at one moment, without anybody having to wait.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use storage::{
    Batch, Building, Found, ResourcePath, Revision, Stored, Timestamp,
    model::{Collection, CollectionId, CollectionKind, Member, Object, SyncToken},
};

use super::{
    Desk, PartialFailures,
    members::Members,
    place,
    refuse::{crowded, precondition, read_failed},
    transfer::Transfer,
};
use crate::{Actor, Precondition, Refusal};

/// Members that one commit of a copy may hold.
const MEMBERS_PER_COMMIT: usize = 200;
/// Octets of rows beyond which a commit of a copy takes no more members.
const OCTETS_PER_COMMIT: usize = 512 * 1024;
/// Changed members that are copied again in one commit; all of them fit, however large they are.
const CHANGES_PER_COMMIT: usize = 16;
/// Collections that one copy may hold: the last commit depends upon each of them.
const MAXIMUM_COLLECTIONS: usize = 10_000;

/// The names on the way from the top of the copied tree.
type Way = Vec<String>;

/// A copy on its way.
#[derive(Debug)]
pub(crate) struct Construction {
    /// Who copies.
    actor: Actor,
    /// They see everything in the source.
    sees_everything: bool,
    /// Where the source stands, and the copy will.
    source: ResourcePath,
    destination: ResourcePath,
    /// The home of the source.
    source_home: CollectionId,
    building: Building,
    /// Every collection of the copy by its identity there, the top with that of the building.
    pairs: HashMap<CollectionId, Pair>,
    /// Which of them are not read yet.
    unread: VecDeque<CollectionId>,
    /// What cannot stand in the copy.
    failures: BTreeMap<Way, Refusal>,
    batch: Batch,
    members: usize,
    /// Headers written in the present batch, whose revision is known when it is committed.
    fresh: Vec<CollectionId>,
}

/// A collection and its copy.
#[derive(Clone, Debug)]
struct Pair {
    from: CollectionId,
    /// The copy, as it will be.
    to: Stored<Collection>,
    way: Way,
    /// Up to where the source's changes are in the copy.
    token: Option<SyncToken>,
}

impl Pair {
    fn way_to(&self, name: &str) -> Way {
        let mut way = self.way.clone();
        way.push(name.to_owned());
        way
    }
}

impl Construction {
    /// Nothing is written yet.
    pub fn new(
        desk: &Desk,
        actor: &Actor,
        transfer: &Transfer,
        source: &Stored<Collection>,
        parent: &Stored<Collection>,
    ) -> Construction {
        let name = transfer.destination.name().unwrap_or_default();
        let top = copy_of(desk, source, parent, name);
        let building = Building {
            home: top.home,
            id: top.id,
            revision: Revision(0),
        };
        let mut batch = desk.store.batch();
        batch.begin_building(&top, desk.now());
        let deep = transfer.deep.then_some(top.id);
        let reader = &actor.principal;
        let sees_everything = reader.administrator || reader.id == source.owner;
        Construction {
            actor: actor.clone(),
            sees_everything,
            source: transfer.source.clone(),
            source_home: source.home,
            destination: transfer.destination.clone(),
            building,
            fresh: vec![top.id],
            unread: deep.into_iter().collect(),
            pairs: HashMap::from([(
                top.id,
                Pair {
                    from: source.id,
                    to: Stored::new(top),
                    way: Way::new(),
                    token: None,
                },
            )]),
            failures: BTreeMap::new(),
            batch,
            members: 0,
        }
    }

    /// Whether it is a copy of this collection for this home.
    pub fn is_of(&self, source: CollectionId, home: CollectionId) -> bool {
        let top = self.pairs.get(&self.building.id);
        top.is_some_and(|top| top.from == source) && self.building.home == home
    }

    /// Lets it appear with this batch, if the source has not changed since it was read. `source` is as
    /// read in this round, and part of what the batch expects.
    pub fn finish(
        &self,
        batch: &mut Batch,
        source: &Collection,
        parent: &Stored<Collection>,
        destination: &ResourcePath,
        now: Timestamp,
    ) {
        let Some(Pair { to: before, .. }) = self.pairs.get(&self.building.id) else {
            return;
        };
        let after = Collection {
            parent: Some(parent.id),
            name: destination.name().unwrap_or_default().to_owned(),
            owner: parent.owner,
            created: now,
            ..following(before, source)
        };
        batch.finish_building(&self.building, before, parent, &after);
        for pair in self.pairs.values() {
            if let Some(token) = pair.token {
                batch.expect_unchanged_since(pair.from, token);
            }
        }
    }

    /// What the copy lacks, and why.
    pub fn failures(self, destination: &ResourcePath) -> PartialFailures {
        let at = |way: Way| below(destination, &way);
        let failures = self.failures.into_iter();
        failures.map(|(way, refusal)| (at(way), refusal)).collect()
    }

    fn is_full(&self) -> bool {
        self.members >= MEMBERS_PER_COMMIT || self.batch.octets() >= OCTETS_PER_COMMIT
    }

    /// Nothing of what stood on this way, or below it, is wanted any more.
    fn forget(&mut self, way: &Way) {
        self.failures.retain(|other, _| !other.starts_with(way));
        self.pairs.retain(|_, pair| !pair.way.starts_with(way));
    }
}

/// A new collection with the properties of another one (dead properties travel; rights do not).
fn copy_of(desk: &Desk, source: &Collection, parent: &Collection, name: &str) -> Collection {
    Collection {
        id: desk.store.new_collection_id(),
        owner: parent.owner,
        home: parent.home,
        parent: Some(parent.id),
        name: name.to_owned(),
        created: desk.now(),
        access: None,
        ..source.clone()
    }
}

/// A copy with the newest properties of its source.
fn following(copy: &Collection, source: &Collection) -> Collection {
    Collection {
        components: source.components.clone(),
        properties: source.properties.clone(),
        ..copy.clone()
    }
}

fn below(path: &ResourcePath, way: &[String]) -> ResourcePath {
    way.iter().fold(path.clone(), |path, name| path.child(name))
}

impl Desk {
    /// RFC 4331 §6: a copy that the home has no room for is refused before it takes the room of others.
    pub(crate) async fn check_room(
        &self,
        transfer: &Transfer,
        source: &Collection,
        home: CollectionId,
    ) -> Result<(), Refusal> {
        let Some(quota) = self.settings.limits.quota_octets.filter(|_| transfer.deep) else {
            return Ok(());
        };
        let used = self.store.used_octets(home).await.map_err(read_failed)?;
        let mut room = quota.saturating_sub(used);
        let mut waiting = vec![source.id];
        while let Some(collection) = waiting.pop() {
            let mut members = Members::of(collection);
            while let Some(page) = self.next_members(&mut members).await? {
                for listed in page {
                    match listed.member.value {
                        Member::Object(object) => {
                            room = room.checked_sub(object.octets_in(source.home)).ok_or_else(
                                || {
                                    let detail = "the home has no room for this";
                                    precondition(Precondition::QuotaNotExceeded, detail)
                                },
                            )?;
                        }
                        Member::Collection(id) => waiting.push(id),
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads what is not read yet.
    pub(crate) async fn build(&self, copy: &mut Construction) -> Result<(), Refusal> {
        while let Some(to) = copy.unread.pop_front() {
            self.copy_members(copy, to).await?;
        }
        self.flush(copy).await
    }

    /// Brings the copy up to what the source is now; `false` where it was taken away meanwhile.
    pub(crate) async fn catch_up(&self, copy: &mut Construction) -> Result<bool, Refusal> {
        let mut batch = self.store.batch();
        batch.go_on_building(&copy.building, self.now());
        let Some(committed) = self.commit(batch).await? else {
            return Ok(false);
        };
        copy.building.revision = committed.revision;
        let collections: Vec<CollectionId> = copy.pairs.keys().copied().collect();
        for to in collections {
            self.follow(copy, to).await?;
        }
        self.build(copy).await?;
        Ok(true)
    }

    /// Gives what was built to the purge. Should that fail, the purge takes it when its time is over.
    pub(crate) async fn give_up(&self, building: &mut Option<Construction>) {
        let Some(copy) = building.take() else {
            return;
        };
        if copy.building.revision != Revision(0) {
            let mut batch = self.store.batch();
            batch.abandon_building(&copy.building);
            let _ = self.commit(batch).await;
        }
    }

    /// Copies what is in a collection, page by page. The log tells later what the pages lack.
    async fn copy_members(&self, copy: &mut Construction, to: CollectionId) -> Result<(), Refusal> {
        let Some(from) = copy.pairs.get(&to).map(|pair| pair.from) else {
            return Ok(());
        };
        let token = self.store.sync_token(from).await.map_err(read_failed)?;
        let mut members = Members::in_pages_of(MEMBERS_PER_COMMIT, from);
        while let Some(page) = self.next_members(&mut members).await? {
            let names: BTreeSet<String> = page.iter().map(|listed| listed.name.clone()).collect();
            for listed in page {
                let Some(pair) = copy.pairs.get(&to).cloned() else {
                    return Ok(());
                };
                let way = pair.way_to(&listed.name);
                match listed.member.value {
                    Member::Object(object) => {
                        self.copy_object(copy, &pair, way, &names, object, None)
                            .await?
                    }
                    Member::Collection(id) => self.copy_below(copy, &pair, way, id).await?,
                }
                if copy.is_full() {
                    self.flush(copy).await?;
                }
            }
            self.flush(copy).await?;
        }
        if let Some(pair) = copy.pairs.get_mut(&to) {
            pair.token = Some(token);
        }
        Ok(())
    }

    /// Copies again what changed in a collection.
    async fn follow(&self, copy: &mut Construction, to: CollectionId) -> Result<(), Refusal> {
        loop {
            let Some(Pair { from, token, .. }) = copy.pairs.get(&to).cloned() else {
                return Ok(());
            };
            let Some(token) = token else {
                return Ok(());
            };
            let changes = self.store.changes(from, token, CHANGES_PER_COMMIT).await;
            // Without a log the collection is gone, which the log of the one above told, or tells next time.
            let Some(changes) = changes.map_err(read_failed)? else {
                return Ok(());
            };
            let names: Vec<String> = changes.changes.into_iter().map(|it| it.name).collect();
            let now = self.store.members_named(from, &names).await;
            let now = now.map_err(read_failed)?;
            let copied = self.store.members_named(to, &names).await;
            let copied = copied.map_err(read_failed)?;
            let page: BTreeSet<String> = names.iter().cloned().collect();
            for ((name, now), copied) in names.iter().zip(now).zip(copied) {
                let Some(pair) = copy.pairs.get(&to).cloned() else {
                    return Ok(());
                };
                let now = now.map(|member| member.value);
                self.follow_member(copy, &pair, name, &page, now, copied)
                    .await?;
            }
            self.flush(copy).await?;
            if let Some(pair) = copy.pairs.get_mut(&to) {
                pair.token = Some(changes.token);
            }
            if !changes.truncated {
                return Ok(());
            }
        }
    }

    /// Makes a member of the copy what it is in the source. `page` has the names of all members that were
    /// read at the same moment.
    async fn follow_member(
        &self,
        copy: &mut Construction,
        pair: &Pair,
        name: &str,
        page: &BTreeSet<String>,
        now: Option<Member>,
        copied: Option<Stored<Member>>,
    ) -> Result<(), Refusal> {
        let way = pair.way_to(name);
        let copied = match copied {
            None => None,
            Some(Stored {
                value: Member::Object(value),
                revision,
            }) => Some(Stored { value, revision }),
            Some(Stored {
                value: Member::Collection(child),
                ..
            }) => {
                let child = copy.pairs.get(&child).cloned();
                let source = child.as_ref().map(|child| Member::Collection(child.from));
                match child {
                    Some(child) if now == source => {
                        return self.copy_properties(copy, child).await;
                    }
                    Some(child) => {
                        copy.batch.detach_collection(&child.to);
                    }
                    None => {}
                }
                None
            }
        };
        copy.forget(&way);
        if let (Some(copied), None | Some(Member::Collection(_))) = (&copied, &now) {
            copy.batch.remove_object(&pair.to, name, copied);
        }
        match now {
            None => Ok(()),
            Some(Member::Collection(id)) => self.copy_below(copy, pair, way, id).await,
            Some(Member::Object(object)) => {
                self.copy_object(copy, pair, way, page, object, copied)
                    .await
            }
        }
    }

    async fn copy_below(
        &self,
        copy: &mut Construction,
        pair: &Pair,
        way: Way,
        id: CollectionId,
    ) -> Result<(), Refusal> {
        let Some(source) = self.store.collection(id).await.map_err(read_failed)? else {
            return Ok(());
        };
        let path = below(&copy.destination, &way);
        if let Err(refusal) = place::check_collection_location(&path, source.kind, &pair.to) {
            copy.failures.insert(way, refusal);
            return Ok(());
        }
        if copy.pairs.len() >= MAXIMUM_COLLECTIONS {
            return Err(Refusal::InsufficientStorage("the collections of one copy"));
        }
        let child = copy_of(self, &source, &pair.to, path.name().unwrap_or_default());
        copy.batch.create_collection(Some(&pair.to), &child);
        copy.members += 1;
        copy.fresh.push(child.id);
        copy.unread.push_back(child.id);
        copy.pairs.insert(
            child.id,
            Pair {
                from: id,
                to: Stored::new(child),
                way,
                token: None,
            },
        );
        Ok(())
    }

    /// A collection of the copy follows its source's properties.
    async fn copy_properties(&self, copy: &mut Construction, child: Pair) -> Result<(), Refusal> {
        let source = self.store.collection(child.from).await;
        let Some(source) = source.map_err(read_failed)? else {
            return Ok(());
        };
        let id = child.to.id;
        let after = following(&child.to, &source);
        if after != child.to.value {
            copy.batch.update_collection(&child.to, &after);
            copy.fresh.push(id);
            if let Some(pair) = copy.pairs.get_mut(&id) {
                pair.to.value = after;
            }
        }
        Ok(())
    }

    /// Whether who copies sees an object of the source as a whole. What they do not is left out without a
    /// word: for them it is not there.
    async fn is_seen(
        &self,
        copy: &Construction,
        way: &Way,
        source: &Object,
    ) -> Result<bool, Refusal> {
        if copy.sees_everything {
            return Ok(true);
        }
        let path = below(&copy.source, way);
        match self.open(&copy.actor, &path).await {
            Ok(opened) => match opened.resolution.found {
                Found::Object(seen) => Ok(seen.etag == source.etag),
                _ => Ok(false),
            },
            Err(Refusal::NotFound | Refusal::Forbidden { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn copy_object(
        &self,
        copy: &mut Construction,
        pair: &Pair,
        way: Way,
        page: &BTreeSet<String>,
        source: Object,
        copied: Option<Stored<Object>>,
    ) -> Result<(), Refusal> {
        let name = way.last().cloned().unwrap_or_default();
        if !self.is_seen(copy, &way, &source).await? {
            if let Some(copied) = copied {
                copy.batch.remove_object(&pair.to, &name, &copied);
            }
            return Ok(());
        }
        let now = self.now();
        let id = match &copied {
            Some(copied) => copied.id,
            None => Some(self.fresh_identity()),
        };
        let mut object = Object {
            id,
            created: now,
            modified: now,
            access: Vec::new(),
            ..source
        };
        if pair.to.kind != CollectionKind::Calendar {
            object.calendar = None;
        }
        if let Some(facts) = &mut object.calendar {
            if facts.scheduling
                && let Some(refusal) = self.meeting_in_the_way(copy, &way, &facts.uid).await?
            {
                copy.failures.insert(way, refusal);
                if let Some(copied) = copied {
                    copy.batch.remove_object(&pair.to, &name, &copied);
                }
                return Ok(());
            }
            facts.scheduling = false;
            facts.schedule_tag = None;
            self.make_way_for_uid(copy, pair, page, &facts.uid).await?;
        }
        self.adopt_copied_attachments(&mut object, (copy.source_home, pair.to.home))
            .await?;
        copy.members += 1;
        copy.batch
            .put_object(&pair.to, &name, copied.as_ref(), &object);
        Ok(())
    }

    /// RFC 6638 §3.2.4.1: a meeting stands in one calendar of its owner.
    async fn meeting_in_the_way(
        &self,
        copy: &Construction,
        way: &[String],
        uid: &str,
    ) -> Result<Option<Refusal>, Refusal> {
        let home = copy.building.home;
        let places = self.store.find_uid(home, uid).await.map_err(read_failed)?;
        let Some(place) = places.iter().find(|place| place.scheduling) else {
            return Ok(None);
        };
        let fault = (
            Precondition::UniqueSchedulingObjectResource,
            "a meeting stands in one calendar of its owner",
        );
        let path = below(&copy.destination, way);
        let other = (place.collection, place.name.as_str());
        let refusal = self.taken(&copy.actor, &path, fault, other).await?;
        Ok(Some(refusal))
    }

    /// An object that got another name in the source while it was read may stand in the copy under its
    /// former one.
    async fn make_way_for_uid(
        &self,
        copy: &mut Construction,
        pair: &Pair,
        page: &BTreeSet<String>,
        uid: &str,
    ) -> Result<(), Refusal> {
        let places = self.store.find_uid_in(&pair.to, uid).await;
        for place in &places.map_err(read_failed)? {
            if page.contains(&place.name) {
                continue;
            }
            let former = self.store.object(pair.to.id, &place.name).await;
            if let Some(former) = former.map_err(read_failed)? {
                copy.batch.remove_object(&pair.to, &place.name, &former);
            }
        }
        Ok(())
    }

    /// Commits what was gathered.
    async fn flush(&self, copy: &mut Construction) -> Result<(), Refusal> {
        if copy.batch.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::replace(&mut copy.batch, self.store.batch());
        if copy.building.revision != Revision(0) {
            batch.go_on_building(&copy.building, self.now());
        }
        if let Some(quota) = self.settings.limits.quota_octets {
            batch.bound_usage(copy.building.home, quota);
        }
        // Nobody else writes here, so that only a purge can have been faster.
        let committed = self.commit(batch).await?.ok_or_else(crowded)?;
        copy.building.revision = committed.revision;
        copy.members = 0;
        for id in std::mem::take(&mut copy.fresh) {
            if let Some(pair) = copy.pairs.get_mut(&id) {
                pair.to.revision = committed.revision;
            }
        }
        Ok(())
    }
}
