//! Rows of the trash.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Row, VERSION, append, body, corrupt, decode_member, encode_object};
use crate::{
    Revision, Timestamp,
    backend::{Entry, ReadError},
    model::{CollectionId, Member, Object, PrincipalId, TrashCause},
};

impl Row for TrashedRecord {}

/// What stands before the object in a row of the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrashHeader {
    /// The object's name; that of the collection where the row is about it.
    pub name: String,
    /// When it ceased to be so.
    pub superseded: Timestamp,
    /// The commit that had written it; 0 where the row holds no object.
    pub written: Revision,
    /// Who changed or removed it.
    pub by: Option<PrincipalId>,
    /// What became of it.
    pub cause: TrashCause,
}

/// A row of the trash. What can be found out again from the octets, the projection, is left out.
pub(crate) fn encode_trash(header: &TrashHeader, object: Option<&Object>) -> Bytes {
    let mut row = append(vec![VERSION], header);
    if let Some(object) = object {
        let mut object = object.clone();
        if let Some(facts) = &mut object.calendar {
            facts.projection = Bytes::new();
        }
        row.extend_from_slice(&encode_object(&object));
    }
    row.into()
}

/// From the octets of [`encode_trash`].
pub(crate) fn decode_trash(entry: &Entry) -> Result<(TrashHeader, Option<Object>), ReadError> {
    const WHAT: &str = "trash";
    let (header, rest) = postcard::take_from_bytes::<TrashHeader>(body(&entry.value, WHAT)?)
        .map_err(|error| corrupt(WHAT, &error.to_string()))?;
    if rest.is_empty() {
        return Ok((header, None));
    }
    let member = decode_member(&Entry {
        value: entry.value.slice_ref(rest),
        revision: header.written,
    })?;
    match member.value {
        Member::Object(object) => Ok((header, Some(object))),
        Member::Collection(_) => Err(corrupt(WHAT, "it holds no object")),
    }
}

/// A deleted collection that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrashedRecord {
    /// When it was deleted.
    pub deleted: Timestamp,
    /// By whom.
    pub by: Option<PrincipalId>,
    /// What it stood in.
    pub parent: CollectionId,
    /// Where its octets are counted.
    pub standing: Standing,
}

/// Where the octets of a deleted collection are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// In its home, until they have been added up.
    InHome,
    /// In the trash: so many.
    Apart(u64),
    /// In its home, because somebody brings it back.
    Returning,
    /// Nowhere any more: its time is over, the purge is about to take it.
    Leaving,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::member::tests::{facts, object},
        *,
    };
    use crate::model::Content;

    #[test]
    fn the_trash_gives_back_what_it_was_given_but_the_projection() {
        let header = TrashHeader {
            name: "ä.ics".to_owned(),
            superseded: Timestamp(-7),
            written: Revision(3),
            by: Some(PrincipalId(1)),
            cause: TrashCause::Deleted,
        };
        let content = Content::Inline(Bytes::from_static(b"content"));
        let before = object(content.clone(), Some(facts(b"projection")));
        let after = object(content, Some(facts(b"")));
        let read = |value: Bytes| {
            decode_trash(&Entry {
                value,
                revision: Revision(9),
            })
        };
        let row = encode_trash(&header, Some(&before));
        assert_eq!(read(row.clone()).unwrap(), (header.clone(), Some(after)));
        let marker = encode_trash(&header, None);
        assert_eq!(read(marker.clone()).unwrap(), (header, None));
        for length in marker.len() + 1..row.len() - b"content".len() {
            assert!(read(row.slice(..length)).is_err(), "cut to {length} octets");
        }
        for length in 0..marker.len() {
            assert!(read(row.slice(..length)).is_err(), "cut to {length} octets");
        }
    }
}
