//! Compares the trash with what it is about.

use super::{
    super::{
        Store,
        check::{Findings, readable},
        keys::{self, Keyspace},
        record,
    },
    Standing, TrashedRecord, kind_of, reference, weight,
};
use crate::{
    backend::ReadError,
    model::{Collection, CollectionId},
};

impl Store {
    /// Rows can be read and stand where they belong; a collection in the trash hangs on itself.
    pub(in crate::store) async fn check_trash(
        &self,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::Trash);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let (place, row) = (keys::trash_place(&key), record::decode_trash(&entry));
                let (Some((home, kind, id)), Ok((header, object))) = (place, row) else {
                    findings.add("trash", format!("{key:?} cannot be read"));
                    continue;
                };
                findings.expect(kind_of(header.cause) == kind, "trash", || {
                    format!("{key:?} is of another kind")
                });
                let sum = weight(&entry, object.as_ref()) as i64;
                *findings.trash_usage.entry(home).or_default() += sum;
                if let Some(key) = reference(id, &header, object.as_ref()) {
                    findings.trash_references.insert(key);
                }
                if let Some(object) = object
                    && let Err(error) = self.content(&object.content).await
                {
                    findings.add("blob", format!("the content of {key:?}: {error}"));
                }
            }
        }
        let mut pages = self.pages(Keyspace::TrashedCollection);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let row = "trashed collection";
                let Some(record) = readable::<TrashedRecord>(findings, row, &key, &entry) else {
                    continue;
                };
                let (home, id) =
                    keys::detached_ids(&key).unwrap_or((CollectionId(0), CollectionId(0)));
                let header = self.collection(id).await?;
                let good = header.is_some_and(|it| it.is_detached() && it.home == home);
                findings.expect(good, row, || format!("{id:?} is not detached"));
                let purged = self.backend().get(&keys::detached(home, id)).await?;
                let leaves = record.standing == Standing::Leaving;
                findings.expect(purged.is_some() == leaves, row, || {
                    format!("{id:?} is kept and purged at once")
                });
                if let Standing::Apart(octets) = record.standing {
                    *findings.trash_usage.entry(home).or_default() += octets as i64;
                }
            }
        }
        Ok(())
    }

    /// Each trash's counter says what is in it.
    pub(in crate::store) async fn check_trash_usage(
        &self,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let mut counted = std::mem::take(&mut findings.trash_usage);
        let mut pages = self.pages(Keyspace::TrashUsage);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let home = keys::single_id(&key).map_or(CollectionId(0), CollectionId);
                let (stored, sum) = (
                    record::counter(&entry.value)?,
                    counted.remove(&home).unwrap_or(0),
                );
                findings.expect(stored == sum, "trash usage", || {
                    format!("the trash of {home:?} has {sum} octets, counted {stored}")
                });
            }
        }
        for (home, sum) in counted {
            findings.expect(sum == 0, "trash usage", || {
                format!("the trash of {home:?} has {sum} octets, counted none")
            });
        }
        Ok(())
    }

    /// Whether the octets of a collection's objects count in its home, not in the trash.
    pub(in crate::store) async fn is_counted_in_home(
        &self,
        header: &Collection,
    ) -> Result<bool, ReadError> {
        let mut header = header.clone();
        loop {
            let key = keys::trashed(header.home, header.id);
            if let Some(entry) = self.backend().get(&key).await? {
                let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
                return Ok(matches!(
                    record.standing,
                    Standing::InHome | Standing::Returning
                ));
            }
            let above = match header.parent {
                Some(parent) if parent != header.id => self.collection(parent).await?,
                _ => None,
            };
            match above {
                Some(above) => header = above.value,
                None => return Ok(true),
            }
        }
    }
}
