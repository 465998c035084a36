//! Out of the trash, in bounded commits: whatever ends it early, the same once more goes on.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use storage::{
    Batch, Found, ResourcePath, Revision, Stored, Timestamp, Uuid,
    model::{
        Collection, CollectionId, CollectionKind, Content, Member, Object, Principal, TrashCause,
        Trashed, TrashedCollection,
    },
};

use super::{
    Desk, RestoreCollection, Restored, TrashError, nothing, parse_id,
    state::{Moment, Then, free_name, since_return, stood_as, then},
};
use crate::{
    Classification, ObjectProjection, Refusal,
    desk::{
        MAXIMUM_ROUNDS,
        members::Members,
        refuse::{crowded, read_failed},
    },
    engine::{self, Directory, Role},
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// Objects that one commit changes.
const OBJECTS_PER_COMMIT: usize = 50;
/// Octets of rows beyond which a commit takes no more objects.
const OCTETS_PER_COMMIT: usize = 512 * 1024;
/// Objects changed in one call, so that whoever waits hears of the progress.
const OBJECTS_PER_CALL: usize = 2_000;

/// A collection that things come back to.
struct Place {
    owner: Arc<Principal>,
    header: Stored<Collection>,
    /// Present where it is deleted itself.
    trashed: Option<TrashedCollection>,
}

/// What stands under a name now; its octets are left out.
enum Standing {
    Collection,
    Object(Box<Stored<Object>>),
}

type Standings = BTreeMap<String, Standing>;

/// What stands in a collection now, also by UID.
struct Now<'a> {
    standings: &'a Standings,
    by_uid: HashMap<&'a str, (&'a String, &'a Object)>,
}

impl<'a> Now<'a> {
    fn of(standings: &'a Standings) -> Now<'a> {
        let by_uid = standings
            .iter()
            .filter_map(|(name, standing)| match standing {
                Standing::Object(now) => Some((uid_of(Some(now))?, (name, &now.value))),
                Standing::Collection => None,
            });
        Now {
            standings,
            by_uid: by_uid.collect(),
        }
    }
}

/// One thing to be done.
enum Action {
    Remove {
        name: String,
        seen: Revision,
    },
    Put {
        /// Under which name.
        name: String,
        /// What stands there; 0 is nothing.
        seen: Revision,
        then: Box<Trashed>,
    },
}

/// All that is to be done, and what is to be said about the rest.
#[derive(Default)]
struct Plan {
    removals: Vec<Action>,
    puts: Vec<Action>,
    /// Names that the puts take.
    taken: HashSet<String>,
    /// Names under which something from then stands that had another name.
    renamed: HashSet<String>,
    as_then: usize,
    left: usize,
    notes: Vec<String>,
    refused: usize,
}

impl Desk {
    /// Brings a collection to what it was at a moment. One that was deleted since comes back. Objects
    /// made since are left alone unless `exact` is asked for.
    ///
    /// # Errors
    /// [`TrashError::NotFound`] where no such collection was there then, as far as the trash knows.
    pub async fn restore_collection(
        &self,
        asked: &RestoreCollection,
    ) -> Result<Restored, TrashError> {
        let time = Timestamp(asked.at);
        self.check_reach(time)?;
        let place = self.place_at(asked, time).await?;
        let deleted = place.trashed.as_ref().map(|trashed| trashed.deleted);
        let moment = Moment::At { time, deleted };
        self.bring_back(place.header.id, moment, asked.exact).await
    }

    /// Brings one thing back: a former state of an object, or a deleted collection with all that was in
    /// it.
    ///
    /// # Errors
    /// [`TrashError::NotFound`] where it is not in the trash (any more).
    pub async fn restore_item(&self, id: &str) -> Result<Restored, TrashError> {
        let parsed = parse_id(id)?;
        if parsed.position.is_none() {
            let found = self.store.trashed_collection(parsed.collection).await;
            found.map_err(read_failed)?.ok_or_else(|| nothing(id))?;
            return self
                .bring_back(parsed.collection, Moment::OfDeletion, false)
                .await;
        }
        let found = self.store.trashed_object(&parsed).await;
        let (_, trashed) = found.map_err(read_failed)?.ok_or_else(|| nothing(id))?;
        if trashed.object.is_none() {
            return Err(nothing(id));
        }
        for _ in 0..MAXIMUM_ROUNDS {
            let place = self.place(parsed.collection).await?;
            if place.trashed.is_some() {
                return Err(TrashError::NotFound(format!(
                    "\"{id}\" stood in {}, which is deleted itself; bring that back first: {:x}",
                    place.header.name, parsed.collection.0
                )));
            }
            let standings = self.standings(parsed.collection).await?;
            let mut plan = Plan::default();
            plan.put(&Now::of(&standings), &trashed, false);
            let mut done = Restored {
                place: self.name_of(&place.header).await?,
                ..Restored::default()
            };
            if self.apply(&place, &mut plan, &mut done).await? {
                done.as_then += plan.as_then + done.returned + done.reset;
                done.refused += plan.refused;
                done.notes.extend(plan.notes);
                return Ok(done);
            }
        }
        Err(crowded().into())
    }

    fn check_reach(&self, time: Timestamp) -> Result<(), TrashError> {
        let now = self.now();
        let kept = self
            .store
            .trash_policy()
            .map_or(0, |policy| policy.deleted_milliseconds);
        let first = Timestamp(now.0.saturating_sub(kept));
        if time > now {
            return Err(TrashError::NotFound(format!(
                "{} is in the future",
                text_of(time)
            )));
        }
        if time < first {
            return Err(TrashError::NotFound(format!(
                "the trash reaches back to {} only",
                text_of(first)
            )));
        }
        Ok(())
    }

    /// The collection that had this name at this time.
    async fn place_at(
        &self,
        asked: &RestoreCollection,
        time: Timestamp,
    ) -> Result<Place, TrashError> {
        let (owner, home) = self.owner_named(&asked.owner).await?;
        let path = ResourcePath {
            owner_kind: owner.kind,
            owner_name: owner.name.clone(),
            segments: asked
                .name
                .split('/')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        let resolution = self.store.resolve(&path).await.map_err(read_failed)?;
        let live = resolution.filter(|it| matches!(it.found, Found::Collection));
        let live = live.map(|it| it.collection().clone());
        // The one that has the name now is the likeliest, then the deleted ones, then those that came
        // back under another name.
        let mut ids: Vec<CollectionId> = live.iter().map(|live| live.id).collect();
        let trashed = self.store.trashed_collections(home).await;
        ids.extend(trashed.map_err(read_failed)?.iter().map(|it| it.header.id));
        ids.extend(self.store.trash_places(home).await.map_err(read_failed)?);
        let mut seen = HashSet::new();
        for id in ids {
            if seen.insert(id)
                && let Some(header) = self.header(id).await?
                && matches!(
                    header.kind,
                    CollectionKind::Calendar | CollectionKind::Plain
                )
                && self.stood(&header, &asked.name, time).await?
            {
                return self.place(id).await;
            }
        }
        Err(TrashError::NotFound(match live {
            Some(live) => format!(
                "{} was made at {}, and the trash has no earlier one of this name",
                asked.name,
                text_of(live.created)
            ),
            None => format!(
                "{} has no calendar {}, and had none at {} as far as the trash knows",
                asked.owner,
                asked.name,
                text_of(time)
            ),
        }))
    }

    /// Whether a collection stood under this name at this time.
    async fn stood(
        &self,
        header: &Collection,
        name: &str,
        time: Timestamp,
    ) -> Result<bool, Refusal> {
        let (present_name, deleted) = match header.is_detached() {
            false => (self.name_of(header).await?, None),
            true => match self.store.trashed_collection(header.id).await {
                Ok(Some(trashed)) => (self.former_name(&trashed).await?, Some(trashed.deleted)),
                Ok(None) => return Ok(false),
                Err(error) => return Err(read_failed(error)),
            },
        };
        let rows = self
            .store
            .trashed_objects(header.home, header.id, Timestamp(i64::MIN))
            .await
            .map_err(read_failed)?;
        let created = header.created;
        Ok(stood_as(name, time, &present_name, created, deleted, &rows))
    }

    /// The names from the home down to a deleted collection, where it stood.
    async fn former_name(&self, trashed: &TrashedCollection) -> Result<String, Refusal> {
        let above = match self.header(trashed.parent).await? {
            Some(parent) => self.name_of(&parent).await?,
            None => String::new(),
        };
        Ok(match above.is_empty() {
            true => trashed.header.name.clone(),
            false => format!("{above}/{}", trashed.header.name),
        })
    }

    async fn place(&self, id: CollectionId) -> Result<Place, TrashError> {
        let gone = || TrashError::NotFound("the collection is gone for good".to_owned());
        let header = self.header(id).await?.ok_or_else(gone)?;
        let trashed = match header.is_detached() {
            true => {
                let found = self.store.trashed_collection(id).await;
                Some(found.map_err(read_failed)?.ok_or_else(gone)?)
            }
            false => None,
        };
        let owner = self.store.principal(header.owner).await;
        Ok(Place {
            owner: owner.map_err(read_failed)?.ok_or_else(gone)?,
            header,
            trashed,
        })
    }

    /// Everything is put right while the collection is still hidden, if it is; then it comes back.
    async fn bring_back(
        &self,
        id: CollectionId,
        moment: Moment,
        exact: bool,
    ) -> Result<Restored, TrashError> {
        let mut done = Restored::default();
        let mut refused: HashSet<String> = HashSet::new();
        for _ in 0..MAXIMUM_ROUNDS {
            let place = self.place(id).await?;
            if !self.prepare(&place).await? {
                continue;
            }
            let place = self.place(id).await?;
            let mut plan = self.plan(id, moment, exact, &refused).await?;
            if plan.is_done() {
                if let Some(name) = self.reappear(&place).await? {
                    done.place = name;
                    done.left = plan.left;
                    done.as_then = plan.as_then;
                    done.refused += plan.refused;
                    done.notes.extend(plan.notes);
                    return Ok(done);
                }
                continue;
            }
            // What then is to be done is decided upon what is there then.
            while !plan.is_done() && done.changed() < OBJECTS_PER_CALL {
                let before = done.notes.len();
                if !self.apply(&place, &mut plan, &mut done).await? {
                    break;
                }
                refused.extend(
                    done.notes[before..]
                        .iter()
                        .filter_map(|note| refused_name(note)),
                );
            }
            if done.changed() >= OBJECTS_PER_CALL {
                done.more = true;
                done.place = self.name_of(&place.header).await?;
                return Ok(done);
            }
        }
        Err(crowded().into())
    }

    /// Lets what is deleted count in its home again. `false` where somebody else was faster.
    async fn prepare(&self, place: &Place) -> Result<bool, Refusal> {
        let Some(trashed) = place.trashed.as_ref().filter(|it| !it.is_returning()) else {
            return Ok(true);
        };
        let mut batch = self.restoring(&place.header);
        batch.prepare_return(trashed);
        Ok(self.commit(batch).await?.is_some())
    }

    fn restoring(&self, header: &Collection) -> Batch {
        let mut batch = self.store.batch();
        batch.keep_every_version();
        if let Some(quota) = self.settings.limits.quota_octets {
            batch.bound_usage(header.home, quota);
        }
        batch
    }

    /// Hangs the collection where it stood, or into the home where that is gone, under its name or a free
    /// one. Its name; `None` where somebody else was faster.
    async fn reappear(&self, place: &Place) -> Result<Option<String>, Refusal> {
        let Some(trashed) = &place.trashed else {
            return Ok(Some(self.name_of(&place.header).await?));
        };
        let parent = match self.header(trashed.parent).await? {
            Some(parent)
                if self
                    .store
                    .path_of(&parent)
                    .await
                    .map_err(read_failed)?
                    .is_some() =>
            {
                Some(parent)
            }
            _ => self.header(place.header.home).await?,
        };
        let parent = parent.ok_or(Refusal::ParentMissing)?;
        let name = self.free_member(&parent, &trashed.header.name).await?;
        let mut batch = self.restoring(&place.header);
        let former = self.former_name(trashed).await?;
        batch.return_collection(trashed, &parent, &name, &former, self.now());
        let above = self.store.path_of(&parent).await.map_err(read_failed)?;
        if let Some(above) = above {
            self.note_restored(&mut batch, place.owner.id, &above.child(&name));
        }
        if self.commit(batch).await?.is_none() {
            return Ok(None);
        }
        match self.header(place.header.id).await? {
            Some(header) => Ok(Some(self.name_of(&header).await?)),
            None => Ok(Some(name)),
        }
    }

    async fn free_member(&self, parent: &Collection, name: &str) -> Result<String, Refusal> {
        let standings = self.standings(parent.id).await?;
        Ok(free_name(name, |name| standings.contains_key(name)))
    }

    /// What stands in a collection, without octets.
    async fn standings(&self, id: CollectionId) -> Result<Standings, Refusal> {
        let mut standings = Standings::new();
        let mut members = Members::of(id);
        while let Some(page) = self.next_members(&mut members).await? {
            for listed in page {
                let standing = match listed.member.value {
                    Member::Collection(_) => Standing::Collection,
                    Member::Object(mut object) => {
                        object.content = Content::Inline(bytes::Bytes::new());
                        if let Some(facts) = &mut object.calendar {
                            facts.projection = bytes::Bytes::new();
                        }
                        Standing::Object(Box::new(Stored {
                            value: object,
                            revision: listed.member.revision,
                        }))
                    }
                };
                standings.insert(listed.name, standing);
            }
        }
        Ok(standings)
    }

    async fn plan(
        &self,
        id: CollectionId,
        moment: Moment,
        exact: bool,
        refused: &HashSet<String>,
    ) -> Result<Plan, TrashError> {
        let Some(header) = self.header(id).await? else {
            return Err(TrashError::NotFound(
                "the collection is gone for good".to_owned(),
            ));
        };
        let rows = self
            .store
            .trashed_objects(header.home, id, Timestamp(i64::MIN))
            .await
            .map_err(read_failed)?;
        let standings = self.standings(id).await?;
        Ok(decide(moment, exact, &rows, &standings, refused))
    }

    /// Does a commit's worth of a plan. `false` where something has changed meanwhile, and a new plan is
    /// needed.
    async fn apply(
        &self,
        place: &Place,
        plan: &mut Plan,
        done: &mut Restored,
    ) -> Result<bool, Refusal> {
        let mut batch = self.restoring(&place.header);
        match &place.trashed {
            Some(trashed) => batch.expect_trashed(trashed),
            None => batch.expect_collection(&place.header),
        };
        let (mut removed, mut outcome) = (Vec::new(), Restored::default());
        // What goes makes room for what comes, in commits of its own.
        let actions = match plan.removals.is_empty() {
            true => &mut plan.puts,
            false => &mut plan.removals,
        };
        let mut taken = 0;
        while taken < OBJECTS_PER_COMMIT && batch.octets() < OCTETS_PER_COMMIT {
            let Some(action) = actions.pop() else {
                break;
            };
            taken += 1;
            let (name, seen) = match &action {
                Action::Remove { name, seen } | Action::Put { name, seen, .. } => (name, *seen),
            };
            let before = self.store.object(place.header.id, name).await;
            let before = before.map_err(read_failed)?;
            if before.as_ref().map_or(Revision(0), |it| it.revision) != seen {
                return Ok(false);
            }
            match (action, before) {
                (Action::Remove { name, .. }, Some(before)) => {
                    batch.remove_object(&place.header, &name, &before);
                    removed.push(name);
                    outcome.removed += 1;
                }
                (Action::Remove { .. }, None) => {}
                (Action::Put { name, then, .. }, before) => {
                    self.put_back(&mut batch, place, &name, &then, before, &mut outcome)
                        .await?;
                }
            }
        }
        self.release_locks(&mut batch, &place.header, &removed)
            .await?;
        self.note_changes(&mut batch, place, &outcome).await?;
        if self.commit(batch).await?.is_none() {
            return Ok(false);
        }
        done.add(outcome);
        Ok(true)
    }

    /// What changes in a collection that is there; of one that comes back, its coming back is noted.
    async fn note_changes(
        &self,
        batch: &mut Batch,
        place: &Place,
        outcome: &Restored,
    ) -> Result<(), Refusal> {
        let path = self.store.path_of(&place.header).await;
        if let Some(path) = path.map_err(read_failed)?
            && outcome.returned + outcome.reset + outcome.removed > 0
        {
            self.note_restored(batch, place.owner.id, &path);
        }
        Ok(())
    }

    /// Puts one object into the batch as it was, or says why not.
    async fn put_back(
        &self,
        batch: &mut Batch,
        place: &Place,
        name: &str,
        then: &Trashed,
        before: Option<Stored<Object>>,
        outcome: &mut Restored,
    ) -> Result<(), Refusal> {
        let Some(mut object) = then.object.clone() else {
            return Ok(());
        };
        object.id = Some(self.identity_of_returned(place, name, then, &object, before.as_ref()));
        object.modified = self.now();
        if object.calendar.is_some() {
            let parsed = self.parsed(&object).await?;
            let facts = object.calendar.as_mut().filter(|facts| facts.scheduling);
            if let Some(facts) = facts {
                // RFC 6638 §3.2.4.1: one scheduling object of a UID in all of its owner's calendars
                let places = self.store.find_uid(place.header.home, &facts.uid).await;
                let places = places.map_err(read_failed)?;
                let elsewhere = places
                    .iter()
                    .find(|it| it.scheduling && it.collection != place.header.id);
                if let Some(elsewhere) = elsewhere {
                    let path = self.path_of(elsewhere.collection, &elsewhere.name).await?;
                    let at = path.map_or_else(String::new, |path| path.segments.join("/"));
                    outcome.refuse(name, &format!("this meeting stands at {at} now"));
                    return Ok(());
                }
                batch.expect_uid(place.header.home, &facts.uid, &places);
                // RFC 6638 §3.2.10: each change that is no delivery gives a new tag
                facts.schedule_tag = Some(self.fresh_schedule_tag());
                let reason = "brought back from the trash, and nobody hears of that";
                let entry = LogEntry {
                    time: self.now(),
                    actor: None,
                    occasion: Occasion::Restored,
                    is_public: Classification::is_public(&parsed),
                    lines: vec![LogLine::of(Verdict::NoMessages, reason)],
                };
                self.log(batch, place.header.home, &facts.uid, entry);
                let told = self.told(place, name, then, &parsed).await?;
                outcome.notes.extend(told);
            }
            if let Some(facts) = &mut object.calendar {
                // The trash keeps no projections, so that others may have seen what comes back.
                facts.projection = ObjectProjection::of(&parsed)
                    .after(Some(&facts.projection))
                    .encode();
            }
        }
        if name != then.name {
            outcome.notes.push(format!(
                "{} is back as {name}, because its name is taken",
                then.name
            ));
        }
        match before {
            Some(_) => outcome.reset += 1,
            None => outcome.returned += 1,
        }
        batch.put_object(&place.header, name, before.as_ref(), &object);
        Ok(())
    }

    /// What stands there goes on in its former state; what was deleted is itself again under its own name.
    /// Anything else is a copy of what may live on elsewhere (RFC 5842 §3.1).
    fn identity_of_returned(
        &self,
        place: &Place,
        name: &str,
        then: &Trashed,
        object: &Object,
        before: Option<&Stored<Object>>,
    ) -> Uuid {
        let is_deleted = matches!(
            then.cause,
            TrashCause::Deleted | TrashCause::DeletedWithCollection
        );
        match before {
            Some(before) => before.identity(place.header.id, name),
            None if is_deleted && name == then.name => object.identity(place.header.id, name),
            None => self.fresh_identity(),
        }
    }

    /// What others were told when a meeting was deleted or changed, and are not told now.
    async fn told(
        &self,
        place: &Place,
        name: &str,
        then: &Trashed,
        object: &calendar::CalendarObject,
    ) -> Result<Option<String>, Refusal> {
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(object), None);
        self.look_up(&mut directory, &addresses).await?;
        let when = text_of(then.superseded);
        let is_gone = matches!(
            then.cause,
            TrashCause::Deleted | TrashCause::DeletedWithCollection
        );
        let text = match (engine::role(object, place.owner.id, &directory), is_gone) {
            (Ok(Role::Organizer), true) => format!(
                "{name}: its attendees were told at {when} that it is cancelled, and are not told that it is back"
            ),
            (Ok(Role::Organizer), false) => format!(
                "{name}: its attendees know it as it was changed at {when}, and are not told of this"
            ),
            (Ok(Role::Attendee), true) => format!(
                "{name}: its organizer was told at {when} that it is declined, unless that was to be done silently, and is not told that it is back"
            ),
            (Ok(Role::Attendee), false) => {
                format!("{name}: its organizer is not told of this")
            }
            _ => return Ok(None),
        };
        Ok(Some(text))
    }
}

/// What is to be done so that everything is as it was. Pure.
fn decide(
    moment: Moment,
    exact: bool,
    rows: &[Trashed],
    standings: &Standings,
    refused: &HashSet<String>,
) -> Plan {
    let newer = since_return(rows);
    let mut histories: BTreeMap<&str, (Vec<&Trashed>, usize)> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        if !matches!(row.cause, TrashCause::Returned { .. }) {
            let (history, since_return) = histories.entry(&row.name).or_default();
            history.push(row);
            *since_return += usize::from(place < newer);
        }
    }
    for (name, standing) in standings {
        if matches!(standing, Standing::Object(_)) {
            histories.entry(name).or_default();
        }
    }
    let mut plan = Plan::default();
    let (mut wanted, mut made_since) = (Vec::new(), Vec::new());
    for (name, (history, since_return)) in histories {
        let now = match standings.get(name) {
            Some(Standing::Object(now)) => Some(now),
            _ => None,
        };
        match then(moment, &history, since_return, now.map(|now| &now.value)) {
            Then::AsNow => plan.as_then += 1,
            Then::AboutNow => {
                plan.as_then += 1;
                plan.notes.push(format!(
                    "{name} changed often just then; that version was not kept, and it stays as it is"
                ));
            }
            Then::Absent => match now {
                Some(now) if exact => plan.removals.push(Action::Remove {
                    name: name.to_owned(),
                    seen: now.revision,
                }),
                Some(_) => made_since.push(name),
                None => {}
            },
            Then::Was(row) => wanted.push(row),
            Then::About(row) => {
                plan.notes.push(format!(
                    "{name} changed often just then; the nearest version that was kept is taken"
                ));
                wanted.push(row);
            }
        }
    }
    plan.want(&wanted, exact, standings, refused);
    let left = made_since
        .iter()
        .filter(|name| !plan.renamed.contains(**name));
    plan.left = left.count();
    plan
}

impl Plan {
    fn is_done(&self) -> bool {
        self.removals.is_empty() && self.puts.is_empty()
    }

    /// Puts all of these back. Where another object has the name of one, it has to go if everything is to
    /// be exactly as it was.
    fn want(
        &mut self,
        wanted: &[&Trashed],
        exact: bool,
        standings: &Standings,
        refused: &HashSet<String>,
    ) {
        if exact {
            for row in wanted {
                if let Some(Standing::Object(now)) = standings.get(&row.name)
                    && !is_same_object(now, row)
                {
                    self.removals.push(Action::Remove {
                        name: row.name.clone(),
                        seen: now.revision,
                    });
                }
            }
        }
        // First what must go goes; what comes is decided upon what is there then.
        let waits = !self.removals.is_empty();
        let now = Now::of(standings);
        for row in wanted.iter().filter(|row| !refused.contains(&row.name)) {
            self.put(&now, row, waits);
        }
        if waits {
            self.notes.clear();
        }
    }

    /// Decides how one former state comes back.
    fn put(&mut self, now: &Now<'_>, row: &Trashed, waits: bool) {
        let elsewhere = uid_of(row.object.as_ref()).and_then(|uid| now.by_uid.get(uid));
        if let Some((name, object)) = elsewhere.filter(|(name, _)| **name != row.name) {
            if is_as(object, row) {
                self.as_then += 1;
                self.renamed.insert(name.to_string());
            } else if !waits {
                self.refused += 1;
                let why = format!("its calendar has an object with this UID: {name}");
                self.notes.push(refusal(&row.name, &why));
            }
            return;
        }
        let (name, seen) = match now.standings.get(&row.name) {
            Some(Standing::Object(object)) if is_as(object, row) => {
                self.as_then += 1;
                return;
            }
            Some(Standing::Object(object)) if is_same_object(object, row) => {
                (row.name.clone(), object.revision)
            }
            _ => (self.free_name(now.standings, &row.name), Revision(0)),
        };
        if !waits {
            self.taken.insert(name.clone());
            self.puts.push(Action::Put {
                name,
                seen,
                then: Box::new(row.clone()),
            });
        }
    }

    /// This name, or one like it, that neither stands there nor is about to.
    fn free_name(&self, standings: &Standings, name: &str) -> String {
        let is_taken = |name: &str| standings.contains_key(name) || self.taken.contains(name);
        free_name(name, is_taken)
    }
}

impl Restored {
    fn changed(&self) -> usize {
        self.returned + self.reset + self.removed + self.refused
    }

    /// Adds what a commit came to.
    fn add(&mut self, other: Restored) {
        self.returned += other.returned;
        self.reset += other.reset;
        self.removed += other.removed;
        self.refused += other.refused;
        self.notes.extend(other.notes);
    }

    fn refuse(&mut self, name: &str, why: &str) {
        self.refused += 1;
        self.notes.push(refusal(name, why));
    }
}

const REFUSED: &str = " cannot come back: ";

fn refusal(name: &str, why: &str) -> String {
    format!("{name}{REFUSED}{why}")
}

fn refused_name(note: &str) -> Option<String> {
    note.split_once(REFUSED).map(|(name, _)| name.to_owned())
}

fn uid_of(object: Option<&Object>) -> Option<&str> {
    let facts = object.and_then(|object| object.calendar.as_ref());
    facts.map(|facts| facts.uid.as_str())
}

/// Whether what stands there is the same event, or a file, which its name makes the same.
fn is_same_object(now: &Object, row: &Trashed) -> bool {
    uid_of(Some(now)) == uid_of(row.object.as_ref())
}

/// Whether what stands there is what the trash has.
fn is_as(now: &Object, row: &Trashed) -> bool {
    row.object.as_ref().is_some_and(|then| {
        now.etag == then.etag
            && now.properties == then.properties
            && now.content_type == then.content_type
            && uid_of(Some(now)) == uid_of(Some(then))
    })
}

/// A moment as people read it.
fn text_of(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{} ms", time.0),
    }
}
