//! Where in sled's tree the rows of the store are. sled keeps at most sixteen rows in a page, whatever
//! their length, and each page takes memory as long as the store is open. So small rows are packed into
//! blocks (see [`super::block`]), each of which is one row of sled's.

use crate::{backend::KeyRange, store::keys::Keyspace};

/// What the key of each of sled's rows begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    /// The index's own notes.
    Own = 0,
    /// A row that stands alone.
    Row = 1,
    /// A block of rows.
    Block = 2,
}

impl Tag {
    /// sled's key for something with this key.
    pub(super) fn key(self, key: &[u8]) -> Vec<u8> {
        let mut tagged = Vec::with_capacity(1 + key.len());
        tagged.push(self as u8);
        tagged.extend_from_slice(key);
        tagged
    }
}

/// What sled's key says, without its tag.
pub(super) fn untagged(key: &[u8]) -> &[u8] {
    key.get(1..).unwrap_or_default()
}

/// How a keyspace's rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// Each by itself.
    Alone,
    /// In blocks, each at once: what is written next lies beside what was written last.
    Packed,
    /// In blocks, after having been gathered: what is written lies anywhere, and a block that is
    /// written for a single row costs as much as one that is written for many.
    Gathered,
}

impl Placement {
    /// How the row of this key is kept.
    pub(super) fn of(key: &[u8]) -> Placement {
        key.first()
            .map_or(Placement::Alone, |space| Placement::of_keyspace(*space))
    }

    fn of_keyspace(space: u8) -> Placement {
        if space == Keyspace::Uid as u8 || space == Keyspace::SchedulingLog as u8 {
            return Placement::Gathered;
        }
        if space == Keyspace::Change as u8 {
            return Placement::Packed;
        }
        // Two of the letters that the histories of tests make their keys of.
        #[cfg(any(test, feature = "testing"))]
        match space {
            b'a' => return Placement::Gathered,
            b'b' => return Placement::Packed,
            _ => {}
        }
        Placement::Alone
    }

    /// Every keyspace whose rows are gathered.
    pub(super) fn gathered() -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(|space| Placement::of_keyspace(*space) == Placement::Gathered)
    }

    /// Whether a range can hold rows that are kept so.
    pub(super) fn is_in(self, range: &KeyRange) -> bool {
        let first = |bound: &std::ops::Bound<crate::backend::Key>| match bound {
            std::ops::Bound::Included(key) | std::ops::Bound::Excluded(key) => key.first().copied(),
            std::ops::Bound::Unbounded => None,
        };
        let start = first(&range.start).unwrap_or(0);
        let end = first(&range.end).unwrap_or(u8::MAX);
        (start..=end).any(|space| Placement::of_keyspace(space) == self)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn ranges_name_the_places_that_they_reach() {
        let uids = KeyRange::prefix(Bytes::from_static(&[Keyspace::Uid as u8, 7]));
        let members = KeyRange::prefix(Bytes::from_static(&[Keyspace::Member as u8, 7]));
        let cases = [
            (KeyRange::all(), [true, true, true]),
            (uids, [false, false, true]),
            (members, [true, false, false]),
        ];
        let places = [Placement::Alone, Placement::Packed, Placement::Gathered];
        for (range, expected) in cases {
            assert_eq!(
                places.map(|place| place.is_in(&range)),
                expected,
                "{range:?}"
            );
        }
    }
}
