//! Blobs, their octets, and what refers to them; rows of work, which may have their payload in one.

use super::{
    super::{
        Store, keys,
        objects::{blob_of, hashes, object_of},
        record::{self, BlobPlace, BlobRecord, WorkRecord},
    },
    finding::{Finding, Related, Remedy, as_read, shown},
};
use crate::{
    Timestamp,
    backend::{Entry, Expect, Key, KeyRange, Operation, ReadError},
    blob_files::{BlobName, ListedBlob},
    model::{CollectionId, Content, Object, WorkId},
};

/// How many octets of a file are read at once.
const READ_OCTETS: usize = 256 * 1024;
/// A file to which nothing refers for so long should have been swept.
const LEFT_OVER_MILLISECONDS: i64 = 3 * 24 * 60 * 60 * 1000;

/// What the pieces in one place come to.
struct Pieces {
    place: [u8; 32],
    /// Octets together.
    length: u64,
    /// The hash of all of them; `None` where one is missing.
    hash: Option<[u8; 32]>,
}

impl Pieces {
    /// The header of the blob of this hash, if these are its pieces.
    fn header_of(&self, hash: &[u8; 32], complete: bool, written: Timestamp) -> BlobRecord {
        BlobRecord {
            length: self.length,
            written,
            complete,
            place: match self.place == *hash {
                true => BlobPlace::RowsUnderHash,
                false => BlobPlace::Rows(self.place),
            },
        }
    }
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
            let findings = match record::decode::<BlobRecord>(&row.value, "blob") {
                // Somebody writes it, or it will be swept.
                Ok(header) if !header.complete => Vec::new(),
                Ok(header) => self.judge_header(&hash, &row, &header).await?,
                // It is told of where its pieces stand.
                Err(_) if self.place_noted_of(&hash).await?.is_some() => Vec::new(),
                Err(error) => {
                    let finding = Finding::unreadable("blob", key, &error);
                    let header = match self.header_of_file(&hash).await? {
                        Some(header) => Some(header),
                        None => self.header_of_pieces(&hash, &self.pieces_in(&hash).await?),
                    };
                    vec![with_new_header(finding, &hash, (Some(&row), None), header)]
                }
            };
            if self.backend().get(key).await?.as_ref() == Some(&row) {
                return Ok(findings);
            }
        }
        Ok(Vec::new())
    }

    /// A blob that says that all of it is there.
    async fn judge_header(
        &self,
        hash: &[u8; 32],
        row: &Entry,
        header: &BlobRecord,
    ) -> Result<Vec<Finding>, ReadError> {
        if let Some(file) = header.file(hash) {
            return self.judge_octets_in(file, header.length).await;
        }
        let mut findings = Vec::new();
        let pieces = self.pieces_in(&header.rows(hash).unwrap_or(*hash)).await?;
        if pieces.hash.as_ref() != Some(hash) || pieces.length != header.length {
            findings.push(without_octets(hash, "has lost its octets"));
        }
        if let Some(place) = &header.noted_place() {
            let noted = keys::blob_place(place);
            let note = self.backend().get(&noted).await?;
            let owner = Related::<[u8; 32]>::value(note.as_ref());
            if !matches!(owner, Related::Is(owner, _) if owner == *hash) {
                let detail = format!("that of {} is missing", shown_hash(hash));
                let expect = vec![
                    Expect::Revision(keys::blob(hash), row.revision),
                    as_read(&noted, note.as_ref()),
                ];
                let operations = vec![Operation::Put(noted, record::encode(hash))];
                let finding = Finding::new("place of a blob", detail);
                findings.push(finding.mended_by("it was written", expect, operations));
            }
        }
        Ok(findings)
    }

    /// A file that a header tells of.
    async fn judge_octets_in(
        &self,
        file: BlobName,
        length: u64,
    ) -> Result<Vec<Finding>, ReadError> {
        let files = self.backend().blobs();
        let lost = match files.length(file).await? {
            Some(found) if found == length => match self.hash_of_file(file, length).await? {
                Ok(hash) if hash == file.hash => return Ok(Vec::new()),
                Ok(_) => "has other octets in its file".to_owned(),
                Err(reason) => format!("has lost octets: {reason}"),
            },
            Some(found) => format!("has {found} octets in its file instead of {length}"),
            None => match files.find(file.hash).await? {
                found if found.iter().any(|found| found.name == file) => {
                    "has a file of an impossible length".to_owned()
                }
                _ => "has lost its file".to_owned(),
            },
        };
        let finding = without_octets(&file.hash, &lost);
        Ok(vec![match files.has_copy(file).await? {
            true => finding.mended_with("it was fetched from the archive", Remedy::Octets(file)),
            false => finding,
        }])
    }

    /// The hash of what is in a file, or what is wrong with it.
    async fn hash_of_file(
        &self,
        file: BlobName,
        length: u64,
    ) -> Result<Result<[u8; 32], String>, ReadError> {
        let (mut hasher, mut start) = (blake3::Hasher::new(), 0);
        while start < length {
            let count = (length - start).min(READ_OCTETS as u64) as usize;
            match self
                .backend()
                .blobs()
                .read(file, length, start, count)
                .await
            {
                Ok(octets) => hasher.update(&octets),
                Err(ReadError::Corrupt(reason)) => return Ok(Err(reason)),
                Err(error) => return Err(error),
            };
            start += count as u64;
        }
        Ok(Ok(*hasher.finalize().as_bytes()))
    }

    /// A header for a blob that has lost it, where a file has its octets.
    async fn header_of_file(&self, hash: &[u8; 32]) -> Result<Option<BlobRecord>, ReadError> {
        for file in self.backend().blobs().find(*hash).await? {
            let Some(length) = file.length else { continue };
            if self.hash_of_file(file.name, length).await? == Ok(*hash) {
                return Ok(Some(BlobRecord {
                    length,
                    written: self.environment().clock.now(),
                    complete: true,
                    place: BlobPlace::File(file.name.writing),
                }));
            }
        }
        Ok(None)
    }

    /// The same, where pieces are its octets.
    fn header_of_pieces(&self, hash: &[u8; 32], pieces: &Pieces) -> Option<BlobRecord> {
        let is_whole = pieces.hash.as_ref() == Some(hash);
        is_whole.then(|| pieces.header_of(hash, true, self.environment().clock.now()))
    }

    /// A file: its header tells of it, or something wants its octets, or it should be gone.
    pub(super) async fn judge_file(&self, file: &ListedBlob) -> Result<Vec<Finding>, ReadError> {
        if file.is_awaited {
            return Ok(Vec::new());
        }
        let hash = &file.name.hash;
        let row = self.backend().get(&keys::blob(hash)).await?;
        match Related::<BlobRecord>::value(row.as_ref()) {
            Related::Is(header, _) if header.file(hash) == Some(file.name) => {
                return Ok(Vec::new());
            }
            Related::Is(..) => {}
            // Where the row is there it was judged already.
            Related::Unreadable => return Ok(Vec::new()),
            Related::Missing if self.is_referred_to(hash).await? => {
                let detail = format!("{} has a file but no header", shown_hash(hash));
                let finding = Finding::new("blob", detail);
                let header = self.header_of_file(hash).await?;
                return Ok(vec![with_new_header(finding, hash, (None, None), header)]);
            }
            Related::Missing => {}
        }
        let age = self
            .environment()
            .clock
            .now()
            .0
            .saturating_sub(file.written.0);
        let there = self.backend().blobs().find(*hash).await?;
        let is_gone = !there.iter().any(|there| there.name == file.name);
        if age < LEFT_OVER_MILLISECONDS || is_gone {
            return Ok(Vec::new());
        }
        let detail = format!("nothing refers to {}", file.name);
        let finding = Finding::new("file of a blob", detail);
        let remedy = Remedy::NoFile(file.name);
        Ok(vec![finding.mended_with("it was removed", remedy)])
    }

    /// The row that says whose pieces stand in a place.
    pub(super) async fn judge_place(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        const KIND: &str = "place of a blob";
        let Some(place) = keys::blob_hash(key) else {
            return Ok(vec![Finding::new(
                KIND,
                format!("{} has an odd key", shown(key)),
            )]);
        };
        let owner = |note: &Entry| record::decode::<[u8; 32]>(&note.value, KIND);
        let related = |note: &Entry| owner(note).iter().map(keys::blob).collect();
        let Some((note, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let Ok(hash) = owner(&note) else {
            // Whose they are says the header, or the octets themselves.
            return Ok(judge_row(key, KIND, &note, false, Vec::new()));
        };
        let row = rows[0].as_ref();
        match Related::<BlobRecord>::value(row) {
            Related::Is(header, _) => {
                let is_right = header.noted_place() == Some(place);
                let expect = vec![as_read(&keys::blob(&hash), row)];
                Ok(judge_row(key, KIND, &note, is_right, expect))
            }
            Related::Missing | Related::Unreadable => {
                let pieces = self.pieces_in(&place).await?;
                self.judge_headless(&hash, (row, Some(&note)), &pieces)
                    .await
            }
        }
    }

    /// Pieces in a place of which nothing says whose they are.
    pub(super) async fn judge_pieces(&self, place: &[u8; 32]) -> Result<Vec<Finding>, ReadError> {
        // Header and pieces go together.
        if self.is_known_place(place).await? {
            return Ok(Vec::new());
        }
        let pieces = self.pieces_in(place).await?;
        // What somebody refers to is found again by its octets alone.
        if let Some(hash) = pieces.hash.filter(|hash| hash != place) {
            let row = self.backend().get(&keys::blob(&hash)).await?;
            match Related::<BlobRecord>::value(row.as_ref()) {
                // The header tells of it.
                Related::Is(header, _) if header.noted_place() == Some(*place) => {
                    return Ok(Vec::new());
                }
                Related::Is(..) => {}
                Related::Missing | Related::Unreadable => {
                    if self.is_referred_to(&hash).await? {
                        return self
                            .judge_headless(&hash, (row.as_ref(), None), &pieces)
                            .await;
                    }
                }
            }
        }
        if pieces.length == 0 || self.is_known_place(place).await? {
            return Ok(Vec::new());
        }
        self.judge_headless(place, (None, None), &pieces).await
    }

    async fn is_known_place(&self, place: &[u8; 32]) -> Result<bool, ReadError> {
        let rows = [keys::blob(place), keys::blob_place(place)];
        let rows = self.backend().get_many(&rows).await?;
        Ok(rows.iter().any(Option::is_some))
    }

    async fn is_referred_to(&self, hash: &[u8; 32]) -> Result<bool, ReadError> {
        let references = KeyRange::prefix(keys::blob_references(hash));
        Ok(self.first_key(&references).await?.is_some())
    }

    /// A blob that has pieces and no header that could be read; `rows` are what stands in place of its
    /// header, and of the note whose the place is.
    async fn judge_headless(
        &self,
        hash: &[u8; 32],
        rows: (Option<&Entry>, Option<&Entry>),
        pieces: &Pieces,
    ) -> Result<Vec<Finding>, ReadError> {
        let detail = format!("{} has pieces but no header", shown_hash(hash));
        let finding = Finding::new("blob", detail);
        if rows.0.is_some() || self.is_referred_to(hash).await? {
            let header = self.header_of_pieces(hash, pieces);
            return Ok(vec![with_new_header(finding, hash, rows, header)]);
        }
        // As one that is not complete, it is swept in small steps.
        let references = KeyRange::prefix(keys::blob_references(hash));
        let expect = vec![
            Expect::Absent(keys::blob(hash)),
            Expect::RangeEmpty(references),
        ];
        let header = pieces.header_of(hash, false, Timestamp(i64::MIN));
        let operations = vec![Operation::Put(keys::blob(hash), record::encode(&header))];
        let what = "nothing refers to it: it is swept away with the next blobs";
        Ok(vec![finding.mended_by(what, expect, operations)])
    }

    /// Reads the pieces in a place, one page after the other.
    async fn pieces_in(&self, place: &[u8; 32]) -> Result<Pieces, ReadError> {
        let mut hasher = blake3::Hasher::new();
        let mut length = 0;
        let mut number: u32 = 0;
        let mut in_order = true;
        let mut pages = self.pages_of(KeyRange::prefix(keys::blob_chunks(place)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                in_order &= key == keys::blob_chunk(place, number);
                number = number.saturating_add(1);
                length += entry.value.len() as u64;
                hasher.update(&entry.value);
            }
        }
        Ok(Pieces {
            place: *place,
            length,
            hash: in_order.then(|| *hasher.finalize().as_bytes()),
        })
    }

    /// Whether there are octets of a blob that has no header: what becomes of them is looked at by itself.
    pub(in crate::store) async fn has_octets_of(&self, hash: &[u8; 32]) -> Result<bool, ReadError> {
        if !self.backend().blobs().find(*hash).await?.is_empty() {
            return Ok(true);
        }
        let first = self.backend().get(&keys::blob_chunk(hash, 0)).await?;
        Ok(first.is_some() || self.place_noted_of(hash).await?.is_some())
    }

    /// The place of which it is noted that this blob's pieces stand there.
    async fn place_noted_of(&self, hash: &[u8; 32]) -> Result<Option<Key>, ReadError> {
        let is_of = |note: &Entry| {
            let owner = record::decode::<[u8; 32]>(&note.value, "place of a blob");
            owner.is_ok_and(|owner| owner == *hash)
        };
        let mut pages = self.pages(keys::Keyspace::BlobPlace);
        while let Some(rows) = pages.next().await? {
            if let Some((key, _)) = rows.into_iter().find(|(_, note)| is_of(note)) {
                return Ok(Some(key));
            }
        }
        Ok(None)
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
        let payload = |entry: &Entry| match record::decode::<WorkRecord>(&entry.value, "work") {
            Ok(WorkRecord {
                payload: Content::Blob { hash, .. },
                ..
            }) => Some(hash),
            _ => None,
        };
        let related = |entry: &Entry| match payload(entry) {
            Some(hash) => vec![keys::blob_reference_of_work(&hash, &id), keys::blob(&hash)],
            None => Vec::new(),
        };
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        if let Err(error) = record::decode::<WorkRecord>(&row.value, "work") {
            return Ok(vec![Finding::unreadable("work", key, &error)]);
        }
        let (Some(hash), [reference, blob]) = (payload(&row), &rows[..]) else {
            return Ok(Vec::new());
        };
        if blob.is_none() && !self.has_octets_of(&hash).await? {
            let detail = format!("the payload of {} is not there", shown(key));
            return Ok(vec![Finding::new("blob", detail)]);
        }
        match reference {
            None => Ok(vec![missing_reference(key, &row, &id)]),
            Some(_) => Ok(Vec::new()),
        }
    }
}

/// Mends a blob that has no header that could be read by a new one; `rows` are what stands in place of it, and
/// of the note whose its place is.
fn with_new_header(
    finding: Finding,
    hash: &[u8; 32],
    (row, note): (Option<&Entry>, Option<&Entry>),
    header: Option<BlobRecord>,
) -> Finding {
    let Some(header) = header else {
        return finding;
    };
    let mut expect = vec![as_read(&keys::blob(hash), row)];
    let mut operations = vec![Operation::Put(keys::blob(hash), record::encode(&header))];
    if let Some(place) = &header.noted_place() {
        expect.push(as_read(&keys::blob_place(place), note));
        operations.push(Operation::Put(
            keys::blob_place(place),
            record::encode(hash),
        ));
    }
    finding.mended_by("its header was written anew", expect, operations)
}

fn without_octets(hash: &[u8; 32], what: &str) -> Finding {
    Finding::new("blob", format!("{} {what}", shown_hash(hash)))
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
