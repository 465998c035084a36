//! What is in a trash.

use std::{cmp::Reverse, collections::HashMap};

use storage::{
    Timestamp,
    model::{
        Collection, Content, Object, PrincipalId, TrashCause, TrashId, Trashed, TrashedCollection,
    },
};

use super::{Desk, TrashDetail, TrashError, TrashItem, nothing, parse_id};
use crate::{Refusal, desk::refuse::read_failed};

/// The most items of one list.
const MAXIMUM_ITEMS: usize = 10_000;
/// The most octets of a former state that are shown.
const MAXIMUM_SHOWN_OCTETS: u64 = 1024 * 1024;

/// Names of principals, read once each.
#[derive(Default)]
struct Names(HashMap<PrincipalId, Option<String>>);

impl Desk {
    /// What is in somebody's trash, the newest first: what was deleted or changed at `since` or later, in
    /// the collection of this name where one is given. Whether there is more than one list holds.
    ///
    /// # Errors
    /// [`TrashError::NotFound`] where nobody of this name has calendars.
    pub async fn trash_list(
        &self,
        owner: &str,
        collection: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<(Vec<TrashItem>, bool), TrashError> {
        let (_, home) = self.owner_named(owner).await?;
        let since = since.unwrap_or(Timestamp(i64::MIN));
        let mut names = Names::default();
        let mut items = Vec::new();
        for id in self.store.trash_places(home).await.map_err(read_failed)? {
            let Some(header) = self.header(id).await? else {
                continue;
            };
            let place = self.name_of(&header).await?;
            if collection.is_some_and(|name| name != place) {
                continue;
            }
            let found = self.store.trashed_objects(home, id, since).await;
            for trashed in found.map_err(read_failed)? {
                if let Some(object) = &trashed.object {
                    let item = self.item(&trashed, object, &header, &place, &mut names);
                    items.push(item.await?);
                }
            }
        }
        for trashed in self
            .store
            .trashed_collections(home)
            .await
            .map_err(read_failed)?
        {
            let is_wanted = collection.is_none_or(|name| name == trashed.header.name);
            if is_wanted && trashed.deleted >= since {
                items.push(self.collection_item(&trashed, &mut names).await?);
            }
        }
        items.sort_by_key(|item| Reverse(item.when));
        let more = items.len() > MAXIMUM_ITEMS;
        items.truncate(MAXIMUM_ITEMS);
        Ok((items, more))
    }

    /// One thing in a trash, with its text.
    ///
    /// # Errors
    /// [`TrashError::NotFound`] where it is not there (any more).
    pub async fn trash_show(&self, id: &str) -> Result<TrashDetail, TrashError> {
        let parsed = parse_id(id)?;
        let mut names = Names::default();
        if parsed.position.is_none() {
            let found = self.store.trashed_collection(parsed.collection).await;
            let trashed = found.map_err(read_failed)?.ok_or_else(|| nothing(id))?;
            return Ok(TrashDetail {
                item: self.collection_item(&trashed, &mut names).await?,
                written: Some(trashed.header.created.0),
                etag: None,
                content_type: None,
                text: None,
            });
        }
        let found = self.store.trashed_object(&parsed).await;
        let (_, trashed) = found.map_err(read_failed)?.ok_or_else(|| nothing(id))?;
        let header = self.header(parsed.collection).await?;
        let (Some(object), Some(header)) = (&trashed.object, header) else {
            return Err(nothing(id));
        };
        let place = self.name_of(&header).await?;
        let text = match object.content.length() {
            0..=MAXIMUM_SHOWN_OCTETS => {
                let octets = self.store.content(&object.content).await;
                String::from_utf8(octets.map_err(read_failed)?.to_vec()).ok()
            }
            _ => None,
        };
        Ok(TrashDetail {
            item: self
                .item(&trashed, object, &header, &place, &mut names)
                .await?,
            written: Some(object.modified.0),
            etag: Some(object.etag.clone()),
            content_type: Some(object.content_type.clone()),
            text,
        })
    }

    async fn item(
        &self,
        trashed: &Trashed,
        object: &Object,
        header: &Collection,
        place: &str,
        names: &mut Names,
    ) -> Result<TrashItem, Refusal> {
        Ok(TrashItem {
            id: trashed.id.to_string(),
            when: trashed.superseded.0,
            cause: trashed.cause,
            is_collection: false,
            collection: place.to_owned(),
            is_below_deleted: header.is_detached(),
            name: trashed.name.clone(),
            summary: self.summary(object),
            by: self.name_of_principal(trashed.by, names).await?,
            octets: Some(object.octets_in(header.home)),
        })
    }

    async fn collection_item(
        &self,
        trashed: &TrashedCollection,
        names: &mut Names,
    ) -> Result<TrashItem, Refusal> {
        let id = TrashId {
            collection: trashed.header.id,
            position: None,
        };
        Ok(TrashItem {
            id: id.to_string(),
            when: trashed.deleted.0,
            cause: TrashCause::Deleted,
            is_collection: true,
            collection: trashed.header.name.clone(),
            is_below_deleted: true,
            name: String::new(),
            summary: None,
            by: self.name_of_principal(trashed.by, names).await?,
            octets: trashed.octets,
        })
    }

    /// SUMMARY, of objects that are small enough to stand in their row.
    fn summary(&self, object: &Object) -> Option<String> {
        let (Some(_), Content::Inline(octets)) = (&object.calendar, &object.content) else {
            return None;
        };
        let parsed = self.parse(octets.clone()).ok()?;
        let summary = parsed.entries().find_map(|entry| entry.text("SUMMARY"))?;
        Some(summary.into_owned())
    }

    async fn name_of_principal(
        &self,
        id: Option<PrincipalId>,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal> {
        let Some(id) = id else {
            return Ok(None);
        };
        if let Some(known) = names.0.get(&id) {
            return Ok(known.clone());
        }
        let principal = self.store.principal(id).await.map_err(read_failed)?;
        let name = principal.map(|principal| principal.name.clone());
        names.0.insert(id, name.clone());
        Ok(name)
    }
}
