//! What is in the trash.

use super::{
    super::{SCAN_PAGE, Store, keys, objects::with_homes, record},
    TrashKind, TrashedRecord,
};
use crate::{
    backend::{Entry, Key, KeyRange, ReadError, log_key},
    model::{CollectionId, TrashId, Trashed, TrashedCollection},
    store::Standing,
};

impl Store {
    /// Everything that the trash knows of the objects of one collection, the newest first, marks
    /// included, back to what was superseded at `since`.
    pub async fn trashed_objects(
        &self,
        home: CollectionId,
        collection: CollectionId,
        since: crate::Timestamp,
    ) -> Result<Vec<Trashed>, ReadError> {
        let mut found = Vec::new();
        for kind in TrashKind::ALL {
            let mut range = KeyRange::prefix(keys::trash(home, kind, collection));
            'pages: loop {
                let page = super::super::Page {
                    reverse: true,
                    ..SCAN_PAGE
                };
                let page = self.backend().scan(range.clone(), page).await?;
                for (key, entry) in &page.rows {
                    let trashed = trashed(key, entry)?;
                    if trashed.superseded < since {
                        break 'pages;
                    }
                    found.push(trashed);
                }
                match page.rows.last() {
                    Some((key, _)) if page.more => range = range.beyond(key, true),
                    _ => break,
                }
            }
        }
        found.sort_by_key(|trashed| std::cmp::Reverse(trashed.id.position));
        Ok(found)
    }

    /// The collections of a home whose objects the trash knows something of.
    pub async fn trash_places(&self, home: CollectionId) -> Result<Vec<CollectionId>, ReadError> {
        let streams = self.trash_streams(home).await?;
        let mut places: Vec<_> = streams
            .into_iter()
            .map(|stream| stream.collection)
            .collect();
        places.sort();
        places.dedup();
        Ok(places)
    }

    /// One former state of an object, with the home that it is of.
    pub async fn trashed_object(
        &self,
        id: &TrashId,
    ) -> Result<Option<(CollectionId, Trashed)>, ReadError> {
        let Some((revision, operation)) = id.position else {
            return Ok(None);
        };
        let Some(header) = self.collection(id.collection).await? else {
            return Ok(None);
        };
        let keys = TrashKind::ALL.map(|kind| {
            let prefix = keys::trash(header.home, kind, id.collection);
            log_key(&prefix, revision, operation)
        });
        for (key, entry) in keys.iter().zip(self.backend().get_many(&keys).await?) {
            if let Some(entry) = entry {
                return Ok(Some((header.home, trashed(key, &entry)?)));
            }
        }
        Ok(None)
    }

    /// The deleted collections of a home.
    pub async fn trashed_collections(
        &self,
        home: CollectionId,
    ) -> Result<Vec<TrashedCollection>, ReadError> {
        let mut found = Vec::new();
        for (key, entry) in self
            .scan_all(KeyRange::prefix(keys::trashed_of(home)))
            .await?
        {
            found.extend(self.trashed_row(&key, &entry).await?);
        }
        Ok(found)
    }

    /// A deleted collection.
    pub async fn trashed_collection(
        &self,
        id: CollectionId,
    ) -> Result<Option<TrashedCollection>, ReadError> {
        let Some(header) = self.collection(id).await? else {
            return Ok(None);
        };
        let key = keys::trashed(header.home, id);
        match self.backend().get(&key).await? {
            Some(entry) => self.trashed_row(&key, &entry).await,
            None => Ok(None),
        }
    }

    /// `None` where the purge has it already, or it came back meanwhile.
    async fn trashed_row(
        &self,
        key: &Key,
        entry: &Entry,
    ) -> Result<Option<TrashedCollection>, ReadError> {
        let (_, id) = keys::detached_ids(key)
            .ok_or_else(|| record::corrupt("trashed collection", "its key is odd"))?;
        let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
        if record.standing == Standing::Leaving {
            return Ok(None);
        }
        let header = self.collection(id).await?;
        let header = header.filter(|header| header.is_detached());
        Ok(header.map(|header| TrashedCollection {
            header,
            deleted: record.deleted,
            by: record.by,
            parent: record.parent,
            octets: match record.standing {
                Standing::Apart(octets) => Some(octets),
                Standing::InHome | Standing::Returning | Standing::Leaving => None,
            },
            revision: entry.revision,
            standing: record.standing,
        }))
    }
}

/// A row as a value.
fn trashed(key: &Key, entry: &Entry) -> Result<Trashed, ReadError> {
    let odd = || record::corrupt("trash", "its key is odd");
    let (home, _, collection) = keys::trash_place(key).ok_or_else(odd)?;
    let position = keys::log_position(key).ok_or_else(odd)?;
    let (header, object) = record::decode_trash(entry)?;
    Ok(Trashed {
        id: TrashId {
            collection,
            position: Some(position),
        },
        name: header.name,
        superseded: header.superseded,
        by: header.by,
        cause: header.cause,
        written: header.written,
        object: object.map(|object| with_homes(object, home)),
    })
}
