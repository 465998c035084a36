//! Members, and the index of their UIDs.

use super::{
    super::{
        Store, keys,
        objects::{blob_of, object_of, uid_row},
        record::{self, LogRecord, UidRecord},
    },
    finding::{Finding, Related, as_read, id, shown},
};
use crate::{
    Revision,
    backend::{Entry, Expect, Key, Operation, ReadError},
    model::{Attachment, Collection, CollectionId, Member, Object},
};

impl Store {
    pub(super) async fn judge_member(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let Some(parent) = keys::member_collection(key) else {
            return Ok(vec![Finding::new(
                "member",
                format!("{} has no collection", shown(key)),
            )]);
        };
        let Some(name) = keys::member_name(key) else {
            return Ok(vec![Finding::new(
                "member",
                format!("{} has no name in UTF-8", shown(key)),
            )]);
        };
        let header = self.backend().get(&keys::collection(parent)).await?;
        let (header, header_revision) = match Related::<Collection>::value(header.as_ref()) {
            Related::Is(header, revision) => (header, revision),
            // They are looked at by themselves.
            Related::Unreadable | Related::Missing => return Ok(Vec::new()),
        };
        let related = |entry: &Entry| related_of_member(&header, name, entry);
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let place = Place {
            header: &header,
            header_revision,
            name,
            key,
            row: &row,
        };
        let object = match record::decode_member(&row).map(|member| member.value) {
            Err(error) => {
                let detail = format!("{name:?} in {}: {error}", id(parent));
                return Ok(vec![Finding::new("member", detail)]);
            }
            Ok(Member::Collection(child)) => {
                return Ok(place.judge_binding(child, rows[0].as_ref()));
            }
            Ok(Member::Object(object)) => object,
        };
        let (mut findings, headless) = place.judge_object(&object, &rows);
        for (hash, what) in headless {
            if !self.has_octets_of(&hash).await? {
                findings.push(Finding::new("blob", format!("{what} is not there")));
            }
        }
        Ok(findings)
    }

    pub(super) async fn judge_uid(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let collection = keys::uid_collection(key).unwrap_or(CollectionId(0));
        let related = |entry: &Entry| {
            let place = record::decode::<UidRecord>(&entry.value, "uid");
            let member = place.map(|place| keys::member(collection, &place.name));
            let header = keys::collection(collection);
            member.map_or_else(|_| Vec::new(), |member| vec![header, member])
        };
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let Ok(place) = record::decode::<UidRecord>(&row.value, "uid") else {
            let finding = Finding::new("uid", format!("{} leads nowhere", shown(key)));
            return Ok(vec![finding.mended_by_removing(key, &row, Vec::new())]);
        };
        let (header, member) = (rows[0].as_ref(), rows[1].as_ref());
        let expected = match (
            Related::<Collection>::value(header),
            Related::of(member, record::decode_member),
        ) {
            // They are reported by themselves.
            (Related::Unreadable, _) | (_, Related::Unreadable) => return Ok(Vec::new()),
            (Related::Is(header, _), Related::Is(member, _)) => {
                object_of(member).and_then(|object| uid_row(&header, &place.name, &object))
            }
            _ => None,
        };
        if expected.is_some_and(|(expected, _)| expected == *key) {
            return Ok(Vec::new());
        }
        let detail = format!(
            "{} leads to {:?} in {}, which is another",
            shown(key),
            place.name,
            id(collection)
        );
        let member = as_read(&keys::member(collection, &place.name), member);
        let finding = Finding::new("uid", detail);
        Ok(vec![finding.mended_by_removing(key, &row, vec![member])])
    }
}

/// The rows that a member leads to: a binding to its collection; an object to the place of its UID, and
/// to its blob with its reference.
fn related_of_member(header: &Collection, name: &str, entry: &Entry) -> Vec<Key> {
    match record::decode_member(entry).map(|member| member.value) {
        Err(_) => Vec::new(),
        Ok(Member::Collection(child)) => vec![keys::collection(child)],
        Ok(Member::Object(object)) => {
            let uid = uid_row(header, name, &object).map(|(key, _)| key);
            let blob = blob_of(&object).map(|hash| {
                let reference = keys::blob_reference_of_object(&hash, header.id, name);
                [reference, keys::blob(&hash)]
            });
            let attachments = object
                .attachments()
                .iter()
                .flat_map(|it| rows_of_attachment(header, name, it));
            uid.into_iter()
                .chain(blob.into_iter().flatten())
                .chain(attachments)
                .collect()
        }
    }
}

/// The rows that an object's attachment leads to: that it is held, the reference of its blob, and the blob.
fn rows_of_attachment(header: &Collection, name: &str, attachment: &Attachment) -> [Key; 3] {
    [
        keys::attachment(attachment.id, header.home, header.id, name),
        keys::blob_reference_of_attachment(&attachment.hash, header.id, name),
        keys::blob(&attachment.hash),
    ]
}

/// Blobs of which there is no header, each with what it is.
type Headless = Vec<([u8; 32], String)>;

/// A member where it stands.
struct Place<'a> {
    header: &'a Collection,
    header_revision: Revision,
    name: &'a str,
    key: &'a Key,
    row: &'a Entry,
}

impl Place<'_> {
    fn shown(&self) -> String {
        format!("{:?} in {}", self.name, id(self.header.id))
    }

    fn as_read(&self) -> Expect {
        Expect::Revision(self.key.clone(), self.row.revision)
    }

    fn judge_binding(&self, child: CollectionId, entry: Option<&Entry>) -> Vec<Finding> {
        let is_right = match Related::<Collection>::value(entry) {
            Related::Missing => false,
            Related::Unreadable => true,
            Related::Is(child, _) => {
                child.parent == Some(self.header.id) && child.name == self.name
            }
        };
        if is_right {
            return Vec::new();
        }
        let detail = format!(
            "{} leads to a collection that stands elsewhere",
            self.shown()
        );
        let header = keys::collection(self.header.id);
        let expect = vec![
            self.as_read(),
            Expect::Revision(header.clone(), self.header_revision),
            as_read(&keys::collection(child), entry),
        ];
        let operations = vec![
            Operation::Delete(self.key.clone()),
            // What is known of bindings holds as long as no header is written.
            Operation::Put(header, record::encode(self.header)),
            Operation::Append {
                prefix: keys::changes(self.header.id),
                value: record::encode(&LogRecord::Removed(self.name.to_owned())),
            },
        ];
        let finding = Finding::new("member", detail);
        vec![finding.mended_by("the binding was removed", expect, operations)]
    }

    /// What is wrong, and the blobs of which there is no header, each with what it is.
    fn judge_object(&self, object: &Object, rows: &[Option<Entry>]) -> (Vec<Finding>, Headless) {
        let (mut findings, mut headless) = (Vec::new(), Headless::new());
        let mut rows = rows.iter();
        if let Some((key, expected)) = uid_row(self.header, self.name, object) {
            let entry = rows.next().and_then(Option::as_ref);
            findings.extend(self.judge_uid_row(&key, &expected, entry));
        }
        if let Some(hash) = blob_of(object) {
            let key = keys::blob_reference_of_object(&hash, self.header.id, self.name);
            if let Some(None) = rows.next() {
                let detail = format!("that of {} is missing", self.shown());
                findings.push(self.missing_row("blob reference", detail, key));
            }
            if let Some(None) = rows.next() {
                headless.push((hash, format!("the content of {}", self.shown())));
            }
        }
        for attachment in object.attachments() {
            let of_attachment = rows
                .by_ref()
                .take(3)
                .map(Option::as_ref)
                .collect::<Vec<_>>();
            findings.extend(self.judge_attachment(attachment, &of_attachment));
            if let Some(None) = of_attachment.last() {
                headless.push((attachment.hash, self.shown_attachment(attachment)));
            }
        }
        (findings, headless)
    }

    fn shown_attachment(&self, attachment: &Attachment) -> String {
        format!("the attachment {} of {}", attachment.id, self.shown())
    }

    fn judge_attachment(&self, attachment: &Attachment, rows: &[Option<&Entry>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let &[held, reference, _] = rows else {
            return findings;
        };
        let [held_key, reference_key, _] = rows_of_attachment(self.header, self.name, attachment);
        let name = || self.shown_attachment(attachment);
        if held.is_none() {
            let detail = format!("that of {} is missing", name());
            findings.push(self.missing_row("attachment", detail, held_key));
        }
        if reference.is_none() {
            let detail = format!("that of {} is missing", name());
            findings.push(self.missing_row("blob reference", detail, reference_key));
        }
        findings
    }

    /// A row that says only what the object says.
    fn missing_row(&self, row: &'static str, detail: String, key: Key) -> Finding {
        let expect = vec![self.as_read(), Expect::Absent(key.clone())];
        let operations = vec![Operation::Put(key, bytes::Bytes::new())];
        Finding::new(row, detail).mended_by("it was written", expect, operations)
    }

    fn judge_uid_row(
        &self,
        key: &Key,
        expected: &UidRecord,
        entry: Option<&Entry>,
    ) -> Option<Finding> {
        let found = Related::<UidRecord>::value(entry);
        let is_another = match &found {
            Related::Is(found, _) if found == expected => return None,
            Related::Is(found, _) => found.name != expected.name,
            Related::Missing | Related::Unreadable => false,
        };
        let finding = Finding::new(
            "uid",
            format!("{} is not where its UID leads", self.shown()),
        );
        if is_another {
            // Either the other is none, and its place is removed; or there are two.
            return Some(finding);
        }
        let expect = vec![self.as_read(), as_read(key, entry)];
        let operations = vec![Operation::Put(key.clone(), record::encode(expected))];
        Some(finding.mended_by("its UID leads there now", expect, operations))
    }
}
