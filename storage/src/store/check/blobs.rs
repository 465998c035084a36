//! Blobs, their pieces, and what refers to them; rows of work, which may have their payload in one.

use super::{
    super::{
        Store, keys,
        objects::{blob_of, hashes, object_of},
        record::{self, BlobRecord, WorkRecord},
    },
    finding::{Finding, Related, as_read, shown},
};
use crate::{
    Timestamp,
    backend::{Entry, Expect, Key, KeyRange, Operation, Page, ReadError},
    model::{CollectionId, Content, Object, WorkId},
};

/// What the pieces of a blob come to.
struct Pieces {
    /// Octets together.
    length: u64,
    /// Whether they have the blob's hash.
    are_whole: bool,
}

impl Store {
    pub(super) async fn judge_blob(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let Some(hash) = keys::blob_hash(key) else {
            return Ok(vec![Finding::new(
                "blob",
                format!("{} has an odd key", shown(key)),
            )]);
        };
        for _ in 0..super::ROUNDS {
            let Some(row) = self.backend().get(key).await? else {
                return Ok(Vec::new());
            };
            let header = record::decode::<BlobRecord>(&row.value, "blob");
            if header.as_ref().is_ok_and(|header| !header.complete) {
                // Somebody writes it, or it will be swept.
                return Ok(Vec::new());
            }
            let pieces = self.pieces_of(&hash).await?;
            if self.backend().get(key).await?.as_ref() != Some(&row) {
                continue;
            }
            return Ok(match header {
                Ok(header) if pieces.are_whole && header.length == pieces.length => Vec::new(),
                Ok(_) => {
                    let detail = format!("{} has lost its octets", shown_hash(&hash));
                    vec![Finding::new("blob", detail)]
                }
                Err(error) => {
                    let finding = Finding::unreadable("blob", key, &error);
                    vec![self.with_new_header(finding, key, Some(&row), &pieces)]
                }
            });
        }
        Ok(Vec::new())
    }

    /// The pieces of a blob without a header.
    pub(super) async fn judge_pieces(&self, hash: &[u8; 32]) -> Result<Vec<Finding>, ReadError> {
        let key = keys::blob(hash);
        let first = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: false,
        };
        // Header and pieces go together.
        if self.backend().get(&key).await?.is_some() {
            return Ok(Vec::new());
        }
        let pieces = self.pieces_of(hash).await?;
        let references = KeyRange::prefix(keys::blob_references(hash));
        let page = self.backend().scan(references.clone(), first).await?;
        if pieces.length == 0 || self.backend().get(&key).await?.is_some() {
            return Ok(Vec::new());
        }
        let detail = format!("{} has pieces but no header", shown_hash(hash));
        let finding = Finding::new("blob", detail);
        if page.rows.is_empty() {
            // As one that is not complete, it is swept in small steps.
            let expect = vec![Expect::Absent(key.clone()), Expect::RangeEmpty(references)];
            let header = BlobRecord {
                length: pieces.length,
                written: Timestamp(i64::MIN),
                complete: false,
            };
            let operations = vec![Operation::Put(key, record::encode(&header))];
            let what = "nothing refers to it: it is swept away with the next blobs";
            return Ok(vec![finding.mended_by(what, expect, operations)]);
        }
        Ok(vec![self.with_new_header(finding, &key, None, &pieces)])
    }

    fn with_new_header(
        &self,
        finding: Finding,
        key: &Key,
        row: Option<&Entry>,
        pieces: &Pieces,
    ) -> Finding {
        if !pieces.are_whole {
            return finding;
        }
        let header = BlobRecord {
            length: pieces.length,
            written: self.environment().clock.now(),
            complete: true,
        };
        let operations = vec![Operation::Put(key.clone(), record::encode(&header))];
        finding.mended_by(
            "its header was written anew",
            vec![as_read(key, row)],
            operations,
        )
    }

    /// Reads a blob's pieces, one page after the other.
    async fn pieces_of(&self, hash: &[u8; 32]) -> Result<Pieces, ReadError> {
        let mut hasher = blake3::Hasher::new();
        let mut length = 0;
        let mut number: u32 = 0;
        let mut in_order = true;
        let mut pages = self.pages_of(KeyRange::prefix(keys::blob_chunks(hash)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                in_order &= key == keys::blob_chunk(hash, number);
                number = number.saturating_add(1);
                length += entry.value.len() as u64;
                hasher.update(&entry.value);
            }
        }
        Ok(Pieces {
            length,
            are_whole: in_order && hasher.finalize().as_bytes() == hash,
        })
    }

    pub(super) async fn judge_reference(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        if let Some((hash, collection, name)) = keys::object_of_blob_reference(key) {
            let refers = |object: &Object| blob_of(object) == Some(hash);
            return self
                .judge_row_of_object(key, "blob reference", (collection, name), refers)
                .await;
        }
        if let Some((hash, collection, name)) = keys::attachment_of_blob_reference(key) {
            let refers = |object: &Object| hashes(object.attachments()).contains(&hash);
            return self
                .judge_row_of_object(key, "blob reference", (collection, name), refers)
                .await;
        }
        let Some((hash, id)) = keys::work_of_blob_reference(key) else {
            // From elsewhere.
            return Ok(Vec::new());
        };
        // A row of work moves when it is put off: looked for before and after.
        for _ in 0..super::ROUNDS {
            let Some(row) = self.backend().get(key).await? else {
                return Ok(Vec::new());
            };
            if self.is_payload_of(&hash, id).await? || self.is_payload_of(&hash, id).await? {
                return Ok(Vec::new());
            }
            if self.backend().get(key).await?.as_ref() == Some(&row) {
                return Ok(judge_row(key, "blob reference", &row, false, Vec::new()));
            }
        }
        Ok(Vec::new())
    }

    pub(super) async fn judge_held_attachment(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let Some((id, _, collection, name)) = keys::attachment_holder(key) else {
            let detail = format!("{} has an odd key", shown(key));
            return Ok(vec![Finding::new("attachment", detail)]);
        };
        let refers = |object: &Object| object.attachments().iter().any(|it| it.id == id);
        self.judge_row_of_object(key, "attachment", (collection, name), refers)
            .await
    }

    /// A row that says only what an object says, if it still does.
    async fn judge_row_of_object(
        &self,
        key: &Key,
        kind: &'static str,
        (collection, name): (CollectionId, &str),
        refers: impl Fn(&Object) -> bool,
    ) -> Result<Vec<Finding>, ReadError> {
        let member = keys::member(collection, name);
        let Some((row, rows)) = self.with_related(key, |_| vec![member.clone()]).await? else {
            return Ok(Vec::new());
        };
        let is_right = match Related::of(rows[0].as_ref(), record::decode_member) {
            Related::Missing => false,
            // What cannot be read may refer to it.
            Related::Unreadable => true,
            Related::Is(found, _) => object_of(found).is_some_and(|object| refers(&object)),
        };
        let expect = vec![as_read(&member, rows[0].as_ref())];
        Ok(judge_row(key, kind, &row, is_right, expect))
    }

    /// Whether a row of work with this identity has the blob as its payload, or cannot be read.
    async fn is_payload_of(&self, hash: &[u8; 32], id: u128) -> Result<bool, ReadError> {
        let mut pages = self.pages_of(KeyRange::prefix(keys::whole(keys::Keyspace::Work)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                if keys::any_work_id(&key).is_some_and(|found| found.id == id) {
                    let work = record::decode::<WorkRecord>(&entry.value, "work");
                    let other = work.is_ok_and(|work| {
                        !matches!(work.payload, Content::Blob { hash: found, .. } if found == *hash)
                    });
                    return Ok(!other);
                }
            }
        }
        Ok(false)
    }

    pub(super) async fn judge_work(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let Some(id) = keys::any_work_id(key) else {
            return Ok(vec![Finding::new(
                "work",
                format!("{} has an odd key", shown(key)),
            )]);
        };
        let related = |entry: &Entry| match record::decode::<WorkRecord>(&entry.value, "work") {
            Ok(WorkRecord {
                payload: Content::Blob { hash, .. },
                ..
            }) => vec![
                keys::blob_reference_of_work(&hash, &id),
                keys::blob(&hash),
                keys::blob_chunk(&hash, 0),
            ],
            _ => Vec::new(),
        };
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        if let Err(error) = record::decode::<WorkRecord>(&row.value, "work") {
            return Ok(vec![Finding::unreadable("work", key, &error)]);
        }
        Ok(match &rows[..] {
            [_, None, None] => {
                let detail = format!("the payload of {} is not there", shown(key));
                vec![Finding::new("blob", detail)]
            }
            [None, ..] => vec![missing_reference(key, &row, &id)],
            _ => Vec::new(),
        })
    }
}

fn missing_reference(key: &Key, row: &Entry, id: &WorkId) -> Finding {
    let finding = Finding::new(
        "blob reference",
        format!("that of {} is missing", shown(key)),
    );
    match record::decode::<WorkRecord>(&row.value, "work").map(|work| work.payload) {
        Ok(Content::Blob { hash, .. }) => {
            let reference = keys::blob_reference_of_work(&hash, id);
            let expect = vec![Expect::Revision(key.clone(), row.revision)];
            let operations = vec![Operation::Put(reference, bytes::Bytes::new())];
            finding.mended_by("it was written", expect, operations)
        }
        _ => finding,
    }
}

fn judge_row(
    key: &Key,
    kind: &'static str,
    row: &Entry,
    is_right: bool,
    expect: Vec<Expect>,
) -> Vec<Finding> {
    if is_right {
        return Vec::new();
    }
    let finding = Finding::new(kind, format!("{} comes from nothing", shown(key)));
    vec![finding.mended_by_removing(key, row, expect)]
}

fn shown_hash(hash: &[u8; 32]) -> String {
    format!("the blob {}", blake3::Hash::from_bytes(*hash).to_hex())
}
