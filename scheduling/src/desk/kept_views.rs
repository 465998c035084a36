//! Views of large collections, kept in files, so that the first question after a start does not read all
//! members.
//!
//! A file may be of any age, and of another life of the store: somebody may have put back an older copy of the
//! data folder, and gone on from there. So a view is taken up only where the change log knows its token and
//! what happened there, is then brought up to date as any other, and compared with some of the members: the
//! newest, which another life would not have, and others throughout.

use std::sync::Arc;

use storage::{
    Batch, Revision,
    derived::DerivedFiles,
    model::{CollectionId, Member},
};
use tokio::task::spawn_blocking;

use super::{Desk, refuse::read_failed};
use crate::{
    Refusal,
    calendar_view::{CalendarView, EntityTag, KeptView, Row, Shown},
};

/// A view of fewer members is made anew in no time.
#[cfg(not(test))]
const FEWEST_MEMBERS: usize = 1_000;
#[cfg(test)]
const FEWEST_MEMBERS: usize = 20;
/// A view is kept again while the server runs where so many members, or a quarter of them, changed: the next
/// start catches up with the rest.
#[cfg(not(test))]
const CHANGES: usize = 1_000;
#[cfg(test)]
const CHANGES: usize = 10;
/// So many of the newest members, and so many of all, are looked at before a view is taken up.
const COMPARED: usize = 16;

/// Which views are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Those that were made since, or of which much has changed: while the server runs.
    Changed,
    /// All that are not kept as they are: before it ends.
    All,
}

impl Desk {
    /// Counts what a commit is about to change: a collection that was filled is looked at before it is asked
    /// about.
    pub(super) fn count_changes(&self, batch: &Batch) {
        if self.settings.kept_views.is_some() {
            self.views.count_changes(batch.changed_collections());
        }
    }

    /// Keeps the views that are worth it, of what is in memory and of what was filled, and lets go those of
    /// collections that are gone.
    ///
    /// Errors: the store cannot be read, or a file not be written; the others are kept nevertheless.
    pub async fn keep_views(&self, keeping: Keeping) -> Result<(), Refusal> {
        let Some(files) = &self.settings.kept_views else {
            return Ok(());
        };
        let mut result = self.forget_views(files).await;
        for id in self.views.take_changed(FEWEST_MEMBERS) {
            result = result.and(self.shown(id).await.map(drop));
        }
        for (id, shown) in self.views.all() {
            if shown.read(|view| is_worth_keeping(view, keeping)) {
                result = result.and(self.keep_view(files, id, shown).await);
            }
        }
        result
    }

    async fn keep_view(
        &self,
        files: &Arc<DerivedFiles>,
        id: CollectionId,
        shown: Arc<Shown>,
    ) -> Result<(), Refusal> {
        let Some(token) = shown.read(CalendarView::token) else {
            return Ok(());
        };
        let last_change = self.store.change_at(id, token).await;
        let Some(last_change) = last_change.map_err(read_failed)? else {
            // What was written there was written again, and the view is behind: it is kept once it is not.
            return Ok(());
        };
        let files = Arc::clone(files);
        let written = spawn_blocking(move || {
            let (octets, changes) = shown.read(|view| {
                // It may have gone on from there.
                let is_as_it_was = view.token() == Some(token);
                let octets = is_as_it_was.then(|| KeptView::encode(id, view, last_change));
                (octets.flatten(), view.changes_not_kept())
            });
            let Some(octets) = octets else {
                return Ok(());
            };
            files.write(&name_of(id), &octets)?;
            shown.change(|view| view.note_kept(changes));
            Ok::<(), std::io::Error>(())
        });
        let written = written.await.map_err(Refusal::of_ended_task)?;
        written.map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    /// Lets go what was kept of collections that are gone.
    async fn forget_views(&self, files: &Arc<DerivedFiles>) -> Result<(), Refusal> {
        let listing = Arc::clone(files);
        let names = spawn_blocking(move || listing.names()).await;
        let names = names.map_err(Refusal::of_ended_task)?;
        for name in names.map_err(|error| Refusal::Unavailable(error.to_string()))? {
            let is_there = match u64::from_str_radix(&name, 16) {
                Err(_) => false,
                Ok(id) => {
                    let token = self.store.sync_token(CollectionId(id)).await;
                    token.map_err(read_failed)?.revision != Revision(0)
                }
            };
            if !is_there {
                let removed = files.remove(&name);
                removed.map_err(|error| Refusal::Unavailable(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Takes up what was kept of a collection, in place of a view that knows nothing, and brings it up to
    /// date; `false` where there is nothing of use.
    pub(super) async fn take_up_kept_view(
        &self,
        id: CollectionId,
        shown: &Shown,
    ) -> Result<bool, Refusal> {
        let Some(files) = &self.settings.kept_views else {
            return Ok(false);
        };
        if shown.read(|view| view.token().is_some()) {
            // It knew more than any file, and there was too much to catch up with.
            return Ok(false);
        }
        let files = Arc::clone(files);
        let read = spawn_blocking(move || KeptView::decode(id, &files.read(&name_of(id))?));
        let Some(kept) = read.await.map_err(Refusal::of_ended_task)? else {
            return Ok(false);
        };
        let Some(token) = kept.view.token() else {
            return Ok(false);
        };
        let last_change = self.store.change_at(id, token).await.map_err(read_failed)?;
        if last_change != Some(kept.last_change) {
            return Ok(false);
        }
        let compared = compared(&kept.view);
        let taken = Shown::default();
        taken.replace(kept.view);
        if !self.renew_view(id, &taken).await? || !self.agrees(id, &taken, &compared).await? {
            return Ok(false);
        }
        shown.replace(taken.into_view());
        Ok(true)
    }

    /// Whether a view tells of these members what the store does. One that is changed at this moment may seem
    /// different.
    async fn agrees(
        &self,
        id: CollectionId,
        shown: &Shown,
        names: &[String],
    ) -> Result<bool, Refusal> {
        let members = self.store.members_named(id, names).await;
        let members = members.map_err(read_failed)?;
        let is_same = |(name, member): (&String, _)| {
            let seen = shown.read(|view| {
                let row = view.row_named(name)?;
                Some((row.revision, row.entity_tag.clone()))
            });
            seen == state_of(member)
        };
        Ok(names.iter().zip(&members).all(is_same))
    }
}

/// Which state of an object this is; `None` where there is none.
fn state_of(member: &Option<storage::Stored<Member>>) -> Option<(Revision, EntityTag)> {
    let member = member.as_ref()?;
    match &member.value {
        Member::Object(object) => Some((member.revision, EntityTag::of(&object.etag))),
        Member::Collection(_) => None,
    }
}

fn is_worth_keeping(view: &CalendarView, keeping: Keeping) -> bool {
    let enough = match keeping {
        Keeping::Changed => CHANGES.max(view.len() / 4),
        Keeping::All => 1,
    };
    view.len() >= FEWEST_MEMBERS && view.changes_not_kept() >= enough
}

/// The members to be compared: the newest, and some throughout.
fn compared(view: &CalendarView) -> Vec<String> {
    let mut rows: Vec<&Row> = view.rows_after(None).collect();
    let step = (rows.len() / COMPARED).max(1);
    let mut names: Vec<String> = rows
        .iter()
        .step_by(step)
        .map(|row| row.name.to_string())
        .collect();
    let newest = COMPARED.min(rows.len());
    if newest > 0 {
        rows.select_nth_unstable_by_key(newest - 1, |row| std::cmp::Reverse(row.revision));
    }
    names.extend(rows[..newest].iter().map(|row| row.name.to_string()));
    names
}

fn name_of(id: CollectionId) -> String {
    format!("{:016x}", id.0)
}
