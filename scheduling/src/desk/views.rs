//! Views of collections, brought up to date before they are shown.

use std::sync::Arc;

use calendar::{CalendarObject, Limits, TimeRange};
use storage::{
    Listed, Stored,
    backend::ReadError,
    model::{CollectionId, Member, Object, SyncToken},
};
use tokio::task::JoinHandle;

use super::{Desk, refuse::read_failed};
use crate::{
    Refusal,
    calendar_view::{CalendarView, Candidate, Folding, Shown},
    projection::ObjectProjection,
};

/// Members read at once.
const PAGE_ROWS: usize = 1_000;
/// Where more than this has changed since a view was made, it is made anew.
const MOST_CHANGES: usize = 5_000;

/// Members, and whether there are more.
type PageOfMembers = Result<(Vec<Listed>, bool), ReadError>;

/// A member that a view gave, read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its name.
    pub name: Arc<str>,
    /// As it is now.
    pub object: Stored<Object>,
    /// It matches for certain: it is in the state that was judged, and the judgement was certain.
    pub is_certain: bool,
    /// More about its instances may be remembered.
    pub is_learnable: bool,
}

impl Desk {
    /// The view of a collection, of the moment of this call or a later one; `None` where it would take more
    /// memory than all views may. Whether somebody may look at it is decided before
    /// (`Desk::open`), what they see of each object by [`crate::view`].
    ///
    /// Errors: the store cannot be read.
    pub async fn shown(&self, id: CollectionId) -> Result<Option<Arc<Shown>>, Refusal> {
        let shown = self.views.of(id);
        if shown.is_too_large() {
            return Ok(None);
        }
        if self.is_view_current(&shown) {
            return Ok(Some(shown));
        }
        let _alone = shown.work.lock().await;
        if self.is_view_current(&shown) {
            return Ok(Some(shown.clone()));
        }
        // Before the reads: what is written meanwhile is looked for again the next time.
        let through = self.store.revision();
        let is_there = self.renew_view(id, &shown).await? || self.fold_view(id, &shown).await?;
        // One that is brought up to date may have grown.
        let octets = shown.read(CalendarView::octets);
        if !is_there || octets > self.views.largest_octets() {
            self.views.note_too_large(id);
            return Ok(None);
        }
        shown.confirm(through);
        self.views.keep_within_bounds(id);
        Ok(Some(shown.clone()))
    }

    fn is_view_current(&self, shown: &Shown) -> bool {
        shown.read(|view| view.token().is_some())
            && self.store.are_members_unchanged_since(shown.through())
    }

    /// Brings a view up to date from the change log; `false` where it must be made anew.
    async fn renew_view(&self, id: CollectionId, shown: &Shown) -> Result<bool, Refusal> {
        let Some(token) = shown.read(|view| view.token()) else {
            return Ok(false);
        };
        let newest = self.store.sync_token(id).await.map_err(read_failed)?;
        if newest == token {
            return Ok(true);
        }
        let changes = self.store.changes(id, token, MOST_CHANGES).await;
        let Some(changes) = changes.map_err(read_failed)?.filter(|it| !it.truncated) else {
            return Ok(false);
        };
        let names: Vec<String> = changes.changes.into_iter().map(|it| it.name).collect();
        for names in names.chunks(PAGE_ROWS) {
            self.refresh_view(id, shown, names).await?;
        }
        shown.change(|view| view.advance(changes.token));
        Ok(true)
    }

    /// Reads members again, whatever has become of them.
    async fn refresh_view(
        &self,
        id: CollectionId,
        shown: &Shown,
        names: &[String],
    ) -> Result<(), Refusal> {
        let members = self.store.members_named(id, names).await;
        let members = members.map_err(read_failed)?;
        let mut read = Vec::with_capacity(members.len());
        for (name, member) in names.iter().zip(members) {
            let object = match member.map(|member| (member.value, member.revision)) {
                None => None,
                Some((Member::Collection(_), _)) => {
                    shown.change(|view| view.put_collection(name.clone()));
                    continue;
                }
                Some((Member::Object(value), revision)) => {
                    let object = Stored { value, revision };
                    let projection = self.projection_of(&object).await?;
                    Some((object, projection))
                }
            };
            read.push((name, object));
        }
        shown.change(|view| {
            for (name, object) in read {
                match object {
                    Some((object, projection)) => view.put(name, &object, projection),
                    None => view.remove(name),
                }
            }
        });
        Ok(())
    }

    /// Makes a view from all members; `false` where it becomes too large. The next members are read while it
    /// is made of those that were read before.
    async fn fold_view(&self, id: CollectionId, shown: &Shown) -> Result<bool, Refusal> {
        let token: SyncToken = self.store.sync_token(id).await.map_err(read_failed)?;
        let mut folding = Folding::default();
        let mut next = Some(self.begin_page(id, None));
        while let Some(page) = next.take() {
            let (rows, more) = page
                .await
                .map_err(Refusal::of_ended_task)?
                .map_err(read_failed)?;
            if let Some(last) = rows.last().filter(|_| more) {
                next = Some(self.begin_page(id, Some(last.name.clone())));
            }
            for row in rows {
                match row.member.value {
                    Member::Collection(_) => folding.add_collection(row.name),
                    Member::Object(value) => {
                        let object = Stored {
                            value,
                            revision: row.member.revision,
                        };
                        let projection = self.projection_of(&object).await?;
                        folding.add(&row.name, &object, projection);
                    }
                }
            }
            if folding.octets() > self.views.largest_octets() {
                return Ok(false);
            }
        }
        shown.replace(folding.finish(token));
        Ok(true)
    }

    /// Begins to read the members after a name.
    fn begin_page(&self, id: CollectionId, after: Option<String>) -> JoinHandle<PageOfMembers> {
        let store = self.store.clone();
        tokio::spawn(async move { store.members(id, after.as_deref(), PAGE_ROWS).await })
    }

    /// What is known of an object: as its row says, or computed again where that was made by other rules.
    async fn projection_of(
        &self,
        object: &Stored<Object>,
    ) -> Result<Option<ObjectProjection>, Refusal> {
        let Some(facts) = &object.calendar else {
            return Ok(None);
        };
        if let Some(projection) = ObjectProjection::decode(&facts.projection) {
            return Ok(Some(projection));
        }
        let octets = self.store.content(&object.content).await;
        let parsed = CalendarObject::parse_shared(octets.map_err(read_failed)?, &Limits::default());
        // What is damaged matches nothing.
        Ok(parsed.ok().map(|parsed| ObjectProjection::of(&parsed)))
    }

    /// Reads what a view gave, in its order; what has gone meanwhile is left out.
    ///
    /// Errors: the store cannot be read.
    pub async fn read_candidates(
        &self,
        id: CollectionId,
        candidates: &[Candidate],
    ) -> Result<Vec<Read>, Refusal> {
        let names: Vec<&str> = candidates.iter().map(|it| &*it.name).collect();
        let objects = self.store.objects(id, &names).await;
        let objects = objects.map_err(read_failed)?;
        let read = |(candidate, object): (&Candidate, Option<Stored<Object>>)| {
            let object = object?;
            Some(Read {
                name: Arc::clone(&candidate.name),
                is_certain: candidate.is_certain && object.revision == candidate.revision,
                is_learnable: candidate.is_learnable,
                object,
            })
        };
        Ok(candidates.iter().zip(objects).filter_map(read).collect())
    }

    /// Remembers when an object is around a range, so that it need not be read for the next question.
    pub fn learn_instances(
        &self,
        shown: &Shown,
        read: &Read,
        object: &CalendarObject,
        range: &TimeRange,
    ) {
        let projection = ObjectProjection::of(object).with_instances_around(object, range);
        shown.change(|view| view.learn(&read.name, read.object.revision, projection));
    }
}
