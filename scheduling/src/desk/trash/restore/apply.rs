//! A plan is carried out, commit by commit, each of them bounded.

use calendar::CalendarObject;
use storage::{
    Batch, Revision, Stored, Uuid,
    model::{Object, TrashCause, Trashed},
};

use super::{
    place::Place,
    plan::{Action, Plan, is_scheduled, refusal},
    text_of,
};
use crate::{
    Classification, ObjectProjection, Refusal,
    desk::{Desk, booking::Asked, refuse::read_failed, trash::Restored},
    engine::{self, Directory, Role},
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// Objects that one commit changes.
const OBJECTS_PER_COMMIT: usize = 50;
/// Octets of rows beyond which a commit takes no more objects.
const OCTETS_PER_COMMIT: usize = 512 * 1024;

impl Desk {
    /// Does a commit's worth of a plan. `false` where something has changed meanwhile, and a new plan is
    /// needed.
    pub(super) async fn apply(
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
            let facts = object.calendar.as_ref();
            let coming = Asked {
                object: &parsed,
                calendar: &place.header,
                uid: facts.map_or("", |facts| &facts.uid),
            };
            let taken = self.taken_meanwhile(batch, &place.owner, &coming);
            if let Some(refused) = taken.await? {
                outcome.refuse(name, &refused.to_string());
                return Ok(());
            }
            let refused =
                self.schedule_nothing(batch, place, &mut object, &parsed, before.as_ref());
            if let Some(why) = refused.await? {
                outcome.refuse(name, &why);
                return Ok(());
            }
            let was_scheduled = then.object.as_ref().is_some_and(is_scheduled);
            if was_scheduled || is_scheduled(&object) {
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

    /// Lets what comes back be scheduled as far as what stands there is, of which the others go on hearing. What is gone was
    /// called off for them: it stays so until its owner changes what concerns them. Why it cannot come back, where that is
    /// so.
    async fn schedule_nothing(
        &self,
        batch: &mut Batch,
        place: &Place,
        object: &mut Object,
        parsed: &CalendarObject,
        before: Option<&Stored<Object>>,
    ) -> Result<Option<String>, Refusal> {
        let standing = before.filter(|before| is_scheduled(before));
        let was_scheduled = is_scheduled(object);
        let Some(facts) = &mut object.calendar else {
            return Ok(None);
        };
        if !was_scheduled && standing.is_none() {
            return Ok(None);
        }
        if let Some(at) = self.meeting_elsewhere(batch, place, &facts.uid).await? {
            return Ok(Some(format!("this meeting stands at {at} now")));
        }
        if let Some(standing) = standing {
            let standing = self.parsed(standing).await?;
            let change = self.silent_change(&place.owner, &standing, parsed).await?;
            if let Some(refusal) = change.refusal() {
                return Ok(Some(refusal.to_string()));
            }
            self.keep_what_was_told(batch, &change, &facts.uid, self.now())
                .await?;
        }
        facts.scheduling = standing.is_some();
        // RFC 6638 §3.2.10: each change that is no delivery gives a new tag
        facts.schedule_tag = standing.map(|_| self.fresh_schedule_tag());
        let reason = "brought back from the trash: nobody hears of it before its owner changes when it is, who is invited, or an answer";
        let entry = LogEntry {
            time: self.now(),
            actor: None,
            occasion: Occasion::Restored,
            is_public: Classification::is_public(parsed),
            lines: vec![LogLine::of(Verdict::NoMessages, reason)],
        };
        self.log(batch, place.header.home, &facts.uid, entry);
        Ok(None)
    }

    /// Where a meeting stands in another of its owner's calendars, which have one scheduling object of a UID (RFC 6638
    /// §3.2.4.1). Where it does not, the batch depends upon that.
    async fn meeting_elsewhere(
        &self,
        batch: &mut Batch,
        place: &Place,
        uid: &str,
    ) -> Result<Option<String>, Refusal> {
        let home = place.header.home;
        let places = self.store.find_uid(home, uid).await.map_err(read_failed)?;
        let elsewhere = places
            .iter()
            .find(|it| it.scheduling && it.collection != place.header.id);
        let Some(elsewhere) = elsewhere else {
            batch.expect_uid(home, uid, &places);
            return Ok(None);
        };
        let path = self.path_of(elsewhere.collection, &elsewhere.name).await?;
        let at = path.map_or_else(String::new, |path| path.segments.join("/"));
        Ok(Some(at))
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
        object: &CalendarObject,
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

impl Restored {
    pub(super) fn changed(&self) -> usize {
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
