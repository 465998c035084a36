//! What a query must know of an object to leave it out without reading it.
//!
//! The desk writes a projection into the object's row in the same commit as its octets; `storage`
//! keeps it as it is. A projection never says "no" wrongly: whatever it cannot tell, it answers with
//! "maybe", and the object itself is looked at.

use bytes::Bytes;
use calendar::CalendarObject;
use serde::{Deserialize, Serialize};

/// The form of the octets, and the rules by which they were made. A projection of another version is
/// computed again from the object.
const VERSION: u8 = 1;

/// The types of components in an object (RFC 4791 §4.1 lets it have one; a stored object may have more).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds(u8);

/// The names that [`Kinds`] can hold, each at its bit; the last stands for every other name.
const KIND_NAMES: [&str; 5] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"];
const OTHER_KIND: u8 = 1 << KIND_NAMES.len();

impl Kinds {
    fn of(object: &CalendarObject) -> Kinds {
        Kinds(
            object
                .entries()
                .fold(0, |bits, entry| bits | bit_of(entry.name())),
        )
    }

    /// Whether a component of this name (upper case) may be in the object.
    pub fn may_contain(self, name: &str) -> bool {
        self.0 & bit_of(name) != 0
    }
}

fn bit_of(name: &str) -> u8 {
    KIND_NAMES
        .iter()
        .position(|known| *known == name)
        .map_or(OTHER_KIND, |at| 1 << at)
}

/// What a query must know of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectProjection {
    kinds: Kinds,
}

impl ObjectProjection {
    /// The projection of an object.
    pub fn of(object: &CalendarObject) -> ObjectProjection {
        ObjectProjection {
            kinds: Kinds::of(object),
        }
    }

    /// The octets for the object's row.
    pub fn encode(&self) -> Bytes {
        let octets =
            postcard::to_extend(self, vec![VERSION]).expect("a plain value always encodes");
        Bytes::from(octets)
    }

    /// From an object's row; `None` where it was made by other rules and must be computed again.
    pub fn decode(octets: &[u8]) -> Option<ObjectProjection> {
        let (&VERSION, rest) = octets.split_first()? else {
            return None;
        };
        postcard::from_bytes(rest).ok()
    }

    /// Which components are in the object.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }
}
