//! Collections as they hang in the tree, and their members.

use serde::{Deserialize, Serialize};

use super::{SCAN_OCTETS, Store, keys, objects::object_of, record};
use crate::{
    ResourcePath, Revision, Stored,
    backend::{Entry, Key, KeyRange, Page, ReadError},
    model::{Collection, CollectionId, Member, Object},
};

/// One member of a collection, as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The member.
    pub member: Stored<Member>,
}

impl Store {
    /// Whether it is certain, without reading, that no member of any collection was written since this
    /// revision was readable.
    pub fn are_members_unchanged_since(&self, through: Revision) -> bool {
        self.is_unchanged_since(keys::Keyspace::Member, through)
    }

    /// The members with these names, of one moment, in the order asked for.
    pub async fn members_named(
        &self,
        id: CollectionId,
        names: &[String],
    ) -> Result<Vec<Option<Stored<Member>>>, ReadError> {
        let keys: Vec<_> = names.iter().map(|name| keys::member(id, name)).collect();
        let entries = self.backend().get_many(&keys).await?;
        let member = |entry: Option<Entry>| entry.as_ref().map(record::decode_member).transpose();
        entries.into_iter().map(member).collect()
    }
}

/// An object, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    /// The collection that it is in.
    pub collection: CollectionId,
    /// Its name there.
    pub name: String,
    /// The object.
    pub object: Stored<Object>,
}

/// How far a walk through all objects has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkPosition(Key);

impl ObjectPlace {
    /// Where a walk goes on behind this object.
    pub fn position(&self) -> WalkPosition {
        WalkPosition(keys::member(self.collection, &self.name))
    }
}

/// The deepest tree: collections from a home down, bounded so that no walk is unbounded.
pub(super) const MAXIMUM_DEPTH: usize = 100;
impl Store {
    /// The collection's header; also that of a detached one.
    pub async fn collection(
        &self,
        id: CollectionId,
    ) -> Result<Option<Stored<Collection>>, ReadError> {
        Ok(self.collections(&[id]).await?.pop().flatten())
    }

    /// Several collections' headers of one moment, in the order asked for.
    pub async fn collections(
        &self,
        ids: &[CollectionId],
    ) -> Result<Vec<Option<Stored<Collection>>>, ReadError> {
        let keys: Vec<_> = ids.iter().map(|id| keys::collection(*id)).collect();
        let header = |entry: Option<Entry>| {
            entry
                .map(|entry| record::stored(&entry, "collection"))
                .transpose()
        };
        self.backend()
            .get_many(&keys)
            .await?
            .into_iter()
            .map(header)
            .collect()
    }

    /// Where the collection stands now; `None` where it cannot be reached any more.
    pub async fn path_of(
        &self,
        collection: &Collection,
    ) -> Result<Option<ResourcePath>, ReadError> {
        let Some(owner) = self.principal(collection.owner).await? else {
            return Ok(None);
        };
        let mut segments = Vec::new();
        let mut next = collection.clone();
        for _ in 0..MAXIMUM_DEPTH {
            let parent = match next.parent {
                None => {
                    segments.reverse();
                    return Ok(Some(ResourcePath {
                        owner_kind: owner.kind,
                        owner_name: owner.name.clone(),
                        segments,
                    }));
                }
                Some(_) if next.is_detached() => return Ok(None),
                Some(parent) => parent,
            };
            segments.push(next.name);
            match self.collection(parent).await? {
                Some(parent) => next = parent.value,
                None => return Ok(None),
            }
        }
        Err(record::corrupt("collection", "its tree is too deep"))
    }

    /// Which of these collections exist and hang, through others or directly, on the home.
    pub(super) async fn are_reachable(
        &self,
        home: CollectionId,
        ids: &[CollectionId],
    ) -> Result<Vec<bool>, ReadError> {
        let mut reachable = vec![false; ids.len()];
        let mut climbing: Vec<(usize, CollectionId)> = ids.iter().copied().enumerate().collect();
        for _ in 0..=MAXIMUM_DEPTH {
            // The home is read with the others, so that the usual case is one read of one moment.
            let mut wanted: Vec<_> = climbing.iter().map(|(_, id)| *id).collect();
            wanted.push(home);
            let mut headers = self.collections(&wanted).await?;
            if headers
                .pop()
                .flatten()
                .is_none_or(|home| home.is_detached())
            {
                return Ok(vec![false; ids.len()]);
            }
            let mut higher = Vec::new();
            for ((place, _), header) in climbing.into_iter().zip(headers) {
                match header {
                    None => {}
                    Some(header) if header.is_detached() => {}
                    Some(header) if header.id == home || header.parent == Some(home) => {
                        reachable[place] = true
                    }
                    Some(header) => higher.extend(header.parent.map(|parent| (place, parent))),
                }
            }
            if higher.is_empty() {
                return Ok(reachable);
            }
            climbing = higher;
        }
        Err(record::corrupt("collection", "its tree is too deep"))
    }

    /// A page of all objects there are, in whatever collection, behind `after`; and where to go on, if
    /// there are more. A row that cannot be read is left out.
    pub async fn every_object(
        &self,
        after: Option<WalkPosition>,
        rows: usize,
    ) -> Result<(Vec<ObjectPlace>, Option<WalkPosition>), ReadError> {
        let range = KeyRange::prefix(keys::whole(keys::Keyspace::Member));
        let range = match after {
            Some(WalkPosition(key)) => range.beyond(&key, false),
            None => range,
        };
        let page = Page {
            rows,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        let page = self.backend().scan(range, page).await?;
        let next = page.rows.last().filter(|_| page.more);
        let next = next.map(|(key, _)| WalkPosition(key.clone()));
        let object = |(key, entry): &(Key, Entry)| {
            Some(ObjectPlace {
                collection: keys::member_collection(key)?,
                name: keys::member_name(key)?.to_owned(),
                object: object_of(record::decode_member(entry).ok()?)?,
            })
        };
        Ok((page.rows.iter().filter_map(object).collect(), next))
    }

    /// The name of the last member; `None` where there is none.
    pub async fn last_member(&self, id: CollectionId) -> Result<Option<String>, ReadError> {
        let page = Page {
            rows: 1,
            octets: SCAN_OCTETS,
            reverse: true,
        };
        let range = KeyRange::prefix(keys::members(id));
        let rows = self.backend().scan(range, page).await?.rows;
        let name = |(key, _): &(Key, Entry)| keys::member_name(key).map(str::to_owned);
        Ok(rows.first().and_then(name))
    }

    /// A page of members in the order of their names (octet by octet), behind `after`, at most `rows`
    /// and fewer where they are large; and whether there are more.
    pub async fn members(
        &self,
        id: CollectionId,
        after: Option<&str>,
        rows: usize,
    ) -> Result<(Vec<Listed>, bool), ReadError> {
        let range = KeyRange::prefix(keys::members(id));
        let range = match after {
            Some(name) => range.beyond(&keys::member(id, name), false),
            None => range,
        };
        let page = self
            .backend()
            .scan(
                range,
                Page {
                    rows,
                    octets: SCAN_OCTETS,
                    reverse: false,
                },
            )
            .await?;
        let listed = |(key, entry): &(Key, Entry)| {
            let name = keys::member_name(key)
                .ok_or_else(|| record::corrupt("member", "its name is not UTF-8"))?;
            Ok(Listed {
                name: name.to_owned(),
                member: record::decode_member(entry)?,
            })
        };
        let members = page
            .rows
            .iter()
            .map(listed)
            .collect::<Result<_, ReadError>>()?;
        Ok((members, page.more))
    }
}
