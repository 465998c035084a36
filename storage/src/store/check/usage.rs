//! Counters: what the objects of a home come to.

use std::collections::HashMap;

use super::{
    super::{
        Store,
        keys::{self, Keyspace},
        record,
    },
    finding::{Finding, as_read, id},
};
use crate::{
    backend::{Entry, Expect, Key, KeyRange, Operation, ReadError},
    model::{Collection, CollectionId, Member},
};

/// The octets of all objects that were read, per home.
#[derive(Default)]
pub(super) struct Counted {
    homes: HashMap<CollectionId, i64>,
    /// The collection that the last member was of, and its home.
    last: Option<(CollectionId, Option<CollectionId>)>,
}

impl Counted {
    pub async fn add(&mut self, store: &Store, key: &Key, entry: &Entry) -> Result<(), ReadError> {
        let (Some(collection), Ok(member)) =
            (keys::member_collection(key), record::decode_member(entry))
        else {
            return Ok(());
        };
        let Member::Object(object) = member.value else {
            return Ok(());
        };
        let home = match self.last {
            Some((last, home)) if last == collection => home,
            _ => {
                let home = store.home_of(collection).await?;
                self.last = Some((collection, home));
                home
            }
        };
        if let Some(home) = home {
            *self.homes.entry(home).or_default() += object.octets_in(home) as i64;
        }
        Ok(())
    }

    /// The homes whose counter says something else, or did when it was read.
    pub async fn suspects(mut self, store: &Store) -> Result<Vec<CollectionId>, ReadError> {
        let mut suspects = Vec::new();
        let mut pages = store.pages_of(KeyRange::prefix(keys::whole(Keyspace::Usage)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let home = CollectionId(keys::single_id(&key).unwrap_or(0));
                let counted = self.homes.remove(&home).unwrap_or(0);
                if record::counter(&entry.value).ok() != Some(counted) {
                    suspects.push(home);
                }
            }
        }
        let uncounted = self.homes.into_iter().filter(|(_, octets)| *octets != 0);
        suspects.extend(uncounted.map(|(home, _)| home));
        Ok(suspects)
    }
}

impl Store {
    async fn home_of(&self, collection: CollectionId) -> Result<Option<CollectionId>, ReadError> {
        let header = self.backend().get(&keys::collection(collection)).await?;
        let header =
            header.and_then(|it| record::decode::<Collection>(&it.value, "collection").ok());
        match header {
            Some(header) if self.is_counted_in_home(&header).await? => Ok(Some(header.home)),
            _ => Ok(None),
        }
    }

    /// Counts once more, until nothing was written meanwhile.
    pub(super) async fn judge_usage(&self, home: CollectionId) -> Result<Vec<Finding>, ReadError> {
        let key = keys::usage(home);
        for _ in 0..super::ROUNDS {
            let row = self.backend().get(&key).await?;
            let sum = self.octets_of_home(home).await?;
            let again = self.octets_of_home(home).await?;
            if sum != again || self.backend().get(&key).await? != row {
                continue;
            }
            let stored = row.as_ref().map(|row| record::counter(&row.value));
            if matches!(stored, Some(Ok(stored)) if stored == sum) || (stored.is_none() && sum == 0)
            {
                return Ok(Vec::new());
            }
            let said = match stored {
                Some(Ok(stored)) => stored.to_string(),
                Some(Err(_)) => "something unreadable".to_owned(),
                None => "nothing".to_owned(),
            };
            let detail = format!(
                "the home {} has {sum} octets, its counter says {said}",
                id(home)
            );
            let has_home = self.backend().get(&keys::collection(home)).await?.is_some();
            let after = match sum == 0 && !has_home {
                true => Operation::Delete(key.clone()),
                false => Operation::Put(key.clone(), sum.to_be_bytes().to_vec().into()),
            };
            let expect: Vec<Expect> = vec![as_read(&key, row.as_ref())];
            let finding = Finding::new("usage", detail);
            return Ok(vec![finding.mended_by(
                format!("it says {sum} now"),
                expect,
                vec![after],
            )]);
        }
        // It is written all the time.
        Ok(Vec::new())
    }

    async fn octets_of_home(&self, home: CollectionId) -> Result<i64, ReadError> {
        let mut sum = 0;
        let mut headers = self.pages_of(KeyRange::prefix(keys::whole(Keyspace::Collection)));
        while let Some(rows) = headers.next().await? {
            for (key, entry) in rows {
                let header = record::decode::<Collection>(&entry.value, "collection");
                let Some(collection) = keys::single_id(&key).map(CollectionId) else {
                    continue;
                };
                if let Ok(header) = header
                    && header.home == home
                    && self.is_counted_in_home(&header).await?
                {
                    sum += self.octets_of_members(home, collection).await?;
                }
            }
        }
        Ok(sum)
    }

    async fn octets_of_members(
        &self,
        home: CollectionId,
        collection: CollectionId,
    ) -> Result<i64, ReadError> {
        let mut sum = 0;
        let mut members = self.pages_of(KeyRange::prefix(keys::members(collection)));
        while let Some(rows) = members.next().await? {
            for (_, entry) in rows {
                if let Ok(Member::Object(object)) = record::decode_member(&entry).map(|it| it.value)
                {
                    sum += object.octets_in(home) as i64;
                }
            }
        }
        Ok(sum)
    }
}
