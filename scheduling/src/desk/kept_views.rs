//! Views of large collections, kept in files, so that the first question after a start does not read all
//! members.
//!
//! A file may be of any age, and of another life of the store: somebody may have put back an older copy of the
//! data folder, and gone on from there. What is newer than that copy is removed before anything is written
//! ([`forget_another_life`]). Should one have escaped that, a view is taken up only where the change log knows its
//! token and what happened there, is then brought up to date as any other, and compared with some of the members:
//! the newest, which another life would not have, and others throughout.

use std::{collections::HashSet, io, sync::Arc};

use storage::{
    Batch, Revision,
    derived::DerivedFiles,
    model::{Change, CollectionId, Member, SyncToken},
};
use tokio::task::spawn_blocking;

use super::{Desk, refuse::read_failed};
use crate::{
    Refusal,
    calendar_view::{CalendarView, EntityTag, KeepingView, KeptView, Row, Shown},
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
    /// collections that are gone, or have become small.
    ///
    /// Errors: the store cannot be read, or a file not be written; the others are kept nevertheless.
    pub async fn keep_views(&self, keeping: Keeping) -> Result<(), Refusal> {
        let Some(files) = &self.settings.kept_views else {
            return Ok(());
        };
        let (kept, mut result) = match self.forget_views(files).await {
            Ok(kept) => (kept, Ok(())),
            Err(refusal) => (HashSet::new(), Err(refusal)),
        };
        for id in self.views.take_changed(FEWEST_MEMBERS) {
            result = result.and(self.shown(id).await.map(drop));
        }
        for (id, shown) in self.views.all() {
            let is_kept = kept.contains(&id);
            result = result.and(self.settle_view(files, (id, is_kept), shown, keeping).await);
        }
        result
    }

    /// Keeps a view, lets go what is kept of it, or leaves that as it is.
    async fn settle_view(
        &self,
        files: &Arc<DerivedFiles>,
        (id, is_kept): (CollectionId, bool),
        shown: Arc<Shown>,
        keeping: Keeping,
    ) -> Result<(), Refusal> {
        let state = || shown.read(|view| (view.token(), view.len(), view.changes_not_kept()));
        let is_changed = |members: usize, changes: usize| match keeping {
            Keeping::Changed => changes >= CHANGES.max(members / 4),
            Keeping::All => changes > 0,
        };
        let (token, members, changes) = state();
        let is_large = members >= FEWEST_MEMBERS;
        if token.is_none() || !(is_large || is_kept) {
            return Ok(());
        }
        // One that seems unchanged may only be behind.
        if keeping == Keeping::All || (is_large && is_changed(members, changes)) {
            self.catch_up_view(id, &shown).await?;
        }
        let (_, members, changes) = state();
        match members >= FEWEST_MEMBERS {
            // It would tell of what was removed for as long as the collection is there.
            false if is_kept => files.remove(&name_of(id)).map_err(not_written),
            true if is_changed(members, changes) => self.keep_view(files, id, shown).await,
            _ => Ok(()),
        }
    }

    /// Brings a view up to date, if it need not be made anew for that.
    async fn catch_up_view(&self, id: CollectionId, shown: &Shown) -> Result<(), Refusal> {
        let _alone = shown.work.lock().await;
        let through = self.store.revision();
        if self.renew_view(id, shown).await? {
            shown.confirm(through);
        }
        Ok(())
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
            // What was written there was written again this moment: it is kept the next time.
            return Ok(());
        };
        let files = Arc::clone(files);
        let write = move || write_view(&files, id, (token, last_change), &shown);
        let written = spawn_blocking(write).await;
        written
            .map_err(Refusal::of_ended_task)?
            .map_err(not_written)
    }

    /// Lets go what was kept of collections that are gone; says of which others something is kept.
    async fn forget_views(
        &self,
        files: &Arc<DerivedFiles>,
    ) -> Result<HashSet<CollectionId>, Refusal> {
        let listing = Arc::clone(files);
        let names = spawn_blocking(move || listing.names()).await;
        let names = names.map_err(Refusal::of_ended_task)?;
        let mut kept = HashSet::new();
        // What else somebody put there is left alone.
        for id in names
            .map_err(not_written)?
            .iter()
            .filter_map(|name| id_of(name))
        {
            let token = self.store.sync_token(id).await.map_err(read_failed)?;
            if token.revision == Revision(0) {
                files.remove(&name_of(id)).map_err(not_written)?;
            } else {
                kept.insert(id);
            }
        }
        Ok(kept)
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

/// Removes what is of a moment that the store has not come to: it was kept in another life, before an older copy of
/// the store was put back. To be called before anything is written, and blocks.
///
/// # Errors
/// Something cannot be removed, so that nothing of it may be used.
pub(super) fn forget_another_life(files: &DerivedFiles, newest: Revision) -> io::Result<()> {
    for name in files.names()? {
        let start = id_of(&name).and_then(|_| files.read_start(&name, KeptView::START_OCTETS));
        let revision = start.and_then(|start| KeptView::revision(&start));
        if revision.is_some_and(|revision| revision > newest) {
            files.remove(&name)?;
        }
    }
    Ok(())
}

/// Writes a view that is of this moment of the change log, or nothing where it is of another by the end.
fn write_view(
    files: &DerivedFiles,
    id: CollectionId,
    (token, last_change): (SyncToken, Change),
    shown: &Shown,
) -> io::Result<()> {
    let changes = shown.read(CalendarView::changes_not_kept);
    let mut keeping = KeepingView::default();
    loop {
        match shown.read(|view| keeping.take(view)) {
            Some(true) => {}
            Some(false) => break,
            None => return Ok(()),
        }
    }
    let parts = shown.read(|view| {
        let is_as_it_was = view.token() == Some(token);
        let finish = || keeping.finish(id, token, last_change, view.collections());
        is_as_it_was.then(finish).flatten()
    });
    let Some([head, members]) = parts else {
        return Ok(());
    };
    files.write(&name_of(id), &[&head, &members])?;
    shown.change(|view| view.note_kept(changes));
    Ok(())
}

fn not_written(error: io::Error) -> Refusal {
    Refusal::Unavailable(error.to_string())
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

/// The collection that a file is of; `None` where it is none of these.
fn id_of(name: &str) -> Option<CollectionId> {
    let id = CollectionId(u64::from_str_radix(name, 16).ok()?);
    (name_of(id) == name).then_some(id)
}
