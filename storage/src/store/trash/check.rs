//! Compares the trash with what it is about.
//!
//! Rows of former states are looked at all together, since what refers to them (counters, references to
//! blobs) follows from all of them. Counters and references are read first: whoever changes a row changes
//! those in the same commit, so what is decided upon them expects them to be as they were read.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::{
    super::{
        BlobReader, Store,
        check::{Finding, Related, as_read, shown},
        keys::{self, Keyspace},
        record,
    },
    Standing, TrashedRecord, kind_of, references, weight,
};
use crate::{
    backend::{Entry, Expect, Key, Operation, ReadError},
    model::{Collection, CollectionId, Content, Object},
};

/// What the rows of the trash come to, and what is wrong with single ones.
#[derive(Default)]
struct Sum {
    octets: HashMap<CollectionId, i64>,
    /// References that there must be, each with the row that it comes from.
    references: BTreeMap<Key, (Key, Entry)>,
    findings: Vec<Finding>,
}

impl Store {
    /// What is wrong with former states, with the references that come from them, and with the counters.
    pub(in crate::store) async fn judge_trash(&self) -> Result<Vec<Finding>, ReadError> {
        let counters = self.rows_of(Keyspace::TrashUsage, |_| true).await?;
        let references = self
            .rows_of(Keyspace::BlobReference, keys::is_blob_reference_of_trash)
            .await?;
        let mut sum = Sum::default();
        self.add_former_states(&mut sum).await?;
        self.add_collections(&mut sum).await?;
        compare_references(&mut sum, references);
        compare_counters(&mut sum, counters);
        Ok(sum.findings)
    }

    async fn rows_of(
        &self,
        space: Keyspace,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<BTreeMap<Key, Entry>, ReadError> {
        let mut all = BTreeMap::new();
        let mut pages = self.pages(space);
        while let Some(rows) = pages.next().await? {
            all.extend(rows.into_iter().filter(|(key, _)| is_wanted(key)));
        }
        Ok(all)
    }

    async fn add_former_states(&self, sum: &mut Sum) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::Trash);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let (place, row) = (keys::trash_place(&key), record::decode_trash(&entry));
                let (Some((home, kind, id)), Ok((header, object))) = (place, row) else {
                    let detail = format!("{} cannot be read", shown(&key));
                    sum.findings.push(Finding::new("trash", detail));
                    continue;
                };
                if kind_of(header.cause) != kind {
                    let detail = format!("{} is of another kind", shown(&key));
                    sum.findings.push(Finding::new("trash", detail));
                }
                *sum.octets.entry(home).or_default() +=
                    weight(&entry, home, object.as_ref()) as i64;
                for attachment in object.iter().flat_map(Object::attachments) {
                    let blob = keys::blob(&attachment.hash);
                    let has_header = self.backend().get(&blob).await?.is_some();
                    if !has_header && !self.has_octets_of(&attachment.hash).await? {
                        let name = format!("the attachment {} of {}", attachment.id, shown(&key));
                        let detail = format!("{name} is not there");
                        sum.findings.push(Finding::new("blob", detail));
                    }
                }
                if let Some(object) = &object
                    && let Err(error) = self.read_through(&object.content).await
                {
                    let detail = format!("the content of {}: {error}", shown(&key));
                    sum.findings.push(Finding::new("blob", detail));
                }
                for reference in references(id, &header, object.as_ref()) {
                    let from = (key.clone(), entry.clone());
                    sum.references.insert(reference, from);
                }
            }
        }
        Ok(())
    }

    /// Whether all octets of a content are there and right; however many they are, few are in memory.
    async fn read_through(&self, content: &Content) -> Result<(), ReadError> {
        if let Content::Blob { hash, length } = content {
            let mut reader = BlobReader::new(self.clone(), *hash, *length, 0, *length);
            while reader.next().await?.is_some() {}
        }
        Ok(())
    }

    async fn add_collections(&self, sum: &mut Sum) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::TrashedCollection);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                // What cannot be read is found by itself.
                if let (Some((home, _)), Ok(record)) = (
                    keys::detached_ids(&key),
                    record::decode::<TrashedRecord>(&entry.value, "trashed collection"),
                ) && let Standing::Apart(octets) = record.standing
                {
                    *sum.octets.entry(home).or_default() += octets as i64;
                }
            }
        }
        Ok(())
    }

    /// A deleted collection in the trash: it hangs on itself, and is either kept or purged.
    pub(in crate::store) async fn judge_trashed(
        &self,
        key: &Key,
    ) -> Result<Vec<Finding>, ReadError> {
        let what = "trashed collection";
        let Some((home, id)) = keys::detached_ids(key) else {
            let detail = format!("{} has an odd key", shown(key));
            return Ok(vec![Finding::new(what, detail)]);
        };
        let (header_key, purge_key) = (keys::collection(id), keys::detached(home, id));
        let related = |_: &Entry| vec![header_key.clone(), purge_key.clone()];
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let record = match record::decode::<TrashedRecord>(&row.value, what) {
            Ok(record) => record,
            Err(error) => return Ok(vec![Finding::unreadable(what, key, &error)]),
        };
        let expect_header = as_read(&header_key, rows[0].as_ref());
        let found = |says: &str| Finding::new(what, format!("{} {says}", shown(key)));
        match Related::<Collection>::value(rows[0].as_ref()) {
            Related::Missing => {
                let finding = found("is about a collection that is gone");
                return Ok(vec![finding.mended_by_removing(
                    key,
                    &row,
                    vec![expect_header],
                )]);
            }
            Related::Is(header, _) if !header.is_detached() => {
                let finding = found("is about a collection that is not deleted");
                return Ok(vec![finding.mended_by_removing(
                    key,
                    &row,
                    vec![expect_header],
                )]);
            }
            Related::Is(header, _) if header.home != home => {
                return Ok(vec![found("is about a collection of another home")]);
            }
            Related::Is(..) | Related::Unreadable => {}
        }
        let leaves = record.standing == Standing::Leaving;
        if rows[1].is_some() == leaves {
            return Ok(Vec::new());
        }
        let expect = vec![
            Expect::Revision(key.clone(), row.revision),
            as_read(&purge_key, rows[1].as_ref()),
        ];
        Ok(vec![match leaves {
            true => found("was let go but does not wait for its purge").mended_by(
                "it waits for its purge now",
                expect,
                vec![Operation::Put(purge_key, Bytes::new())],
            ),
            false => found("is kept and waits for its purge at once").mended_by(
                "it is kept",
                expect,
                vec![Operation::Delete(purge_key)],
            ),
        }])
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

fn compare_references(sum: &mut Sum, mut stored: BTreeMap<Key, Entry>) {
    let row = "blob reference";
    for (reference, (key, entry)) in std::mem::take(&mut sum.references) {
        if stored.remove(&reference).is_none() {
            let detail = format!("{} is missing", shown(&reference));
            sum.findings.push(Finding::new(row, detail).mended_by(
                "it was written",
                vec![Expect::Revision(key, entry.revision)],
                vec![Operation::Put(reference, Bytes::new())],
            ));
        }
    }
    for (reference, entry) in stored {
        let detail = format!("{} comes from nothing", shown(&reference));
        let finding = Finding::new(row, detail);
        sum.findings
            .push(finding.mended_by_removing(&reference, &entry, Vec::new()));
    }
}

fn compare_counters(sum: &mut Sum, stored: BTreeMap<Key, Entry>) {
    let mut homes: BTreeMap<Key, Option<Entry>> = stored
        .into_iter()
        .map(|(key, entry)| (key, Some(entry)))
        .collect();
    for home in sum.octets.keys() {
        homes.entry(keys::trash_usage(*home)).or_default();
    }
    for (key, entry) in homes {
        let home = CollectionId(keys::single_id(&key).unwrap_or(0));
        let octets = sum.octets.get(&home).copied().unwrap_or(0);
        let says = entry.as_ref().map(|entry| record::counter(&entry.value));
        let said = match says {
            Some(Ok(says)) if says == octets => continue,
            None if octets == 0 => continue,
            Some(Ok(says)) => says.to_string(),
            Some(Err(_)) => "something unreadable".to_owned(),
            None => "nothing".to_owned(),
        };
        let detail = format!(
            "the trash of {} has {octets} octets, its counter says {said}",
            super::super::check::id(home)
        );
        sum.findings
            .push(Finding::new("trash usage", detail).mended_by(
                format!("it says {octets} now"),
                vec![as_read(&key, entry.as_ref())],
                vec![Operation::Put(key, octets.to_be_bytes().to_vec().into())],
            ));
    }
}
