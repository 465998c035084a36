//! What a query must know of an object to leave it out without reading it.
//!
//! The desk writes a projection into the object's row in the same commit as its octets; `storage`
//! keeps it as it is. A projection never says "no" wrongly: whatever it cannot tell, it answers with
//! "maybe", and the object itself is looked at.

use std::sync::LazyLock;

use bytes::Bytes;
use calendar::{
    Budget, CalendarObject, Landmarks, TimeRange, occurrence::overall_span,
    zone::data as time_zones,
};
use serde::{Deserialize, Serialize};

/// The form of the octets, and the rules by which they were made. A projection of another version is
/// computed again from the object.
const VERSION: u8 = 2;

/// Names the time-zone data in use: instants follow from it.
static ZONE_DATA: LazyLock<[u8; 4]> = LazyLock::new(|| {
    let identity = &time_zones::in_use().release().identity;
    let mut name = [0; 4];
    name.copy_from_slice(&blake3::hash(identity.as_bytes()).as_bytes()[..4]);
    name
});

/// The version and the name of the time-zone data.
const HEADER_OCTETS: usize = 1 + 4;
/// The octets of the longest projection: behind its header a kind, three flags, and two instants with a
/// flag each, which postcard writes in ten octets at most.
const MAXIMUM_OCTETS: usize = HEADER_OCTETS + 1 + 3 + 2 * (1 + 10);

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
    is_recurring: bool,
    /// `None` where the object stands nowhere in time.
    span: Option<Span>,
}

/// Seconds since 1970 between which every instance lies, for whoever reads floating times wherever;
/// `None` is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    start: Option<i64>,
    end: Option<i64>,
    is_floating: bool,
}

impl ObjectProjection {
    /// The projection of an object.
    pub fn of(object: &CalendarObject) -> ObjectProjection {
        let span = overall_span(object, &mut Budget::default());
        ObjectProjection {
            kinds: Kinds::of(object),
            is_recurring: object
                .entries()
                .any(|entry| Landmarks::of(entry).is_recurring()),
            span: span.map(|span| Span {
                start: span.start.map(|start| start.as_second()),
                // rounded up: a second may end within it
                end: span.end.map(|end| end.as_second().saturating_add(1)),
                is_floating: span.is_floating,
            }),
        }
    }

    /// The octets for the object's row.
    pub fn encode(&self) -> Bytes {
        let mut octets = [0; MAXIMUM_OCTETS];
        octets[0] = VERSION;
        octets[1..HEADER_OCTETS].copy_from_slice(&*ZONE_DATA);
        let body = postcard::to_slice(self, &mut octets[HEADER_OCTETS..])
            .expect("a plain value always encodes, and there is room for the longest")
            .len();
        Bytes::copy_from_slice(&octets[..HEADER_OCTETS + body])
    }

    /// From an object's row; `None` where it was made by other rules, or with other time-zone data, and
    /// must be computed again.
    pub fn decode(octets: &[u8]) -> Option<ObjectProjection> {
        let rest = octets.strip_prefix(&[VERSION])?.strip_prefix(&*ZONE_DATA)?;
        postcard::from_bytes(rest).ok()
    }

    /// Which components are in the object.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Whether it may have more than one instance.
    pub fn is_recurring(&self) -> bool {
        self.is_recurring
    }

    /// Whether floating times or DATEs take part, so that its instants depend upon who reads it.
    pub fn is_floating(&self) -> bool {
        self.span.is_some_and(|span| span.is_floating)
    }

    /// Whether a component of the object may overlap the range (RFC 4791 §9.9). Says nothing about its
    /// alarms, which may lie outside.
    pub fn may_overlap(&self, range: &TimeRange) -> bool {
        let Some(span) = self.span else { return false };
        let begins_too_late = span
            .start
            .zip(range.end)
            .is_some_and(|(start, end)| start > end.as_second());
        let ends_too_early = span
            .end
            .zip(range.start)
            .is_some_and(|(end, start)| end < start.as_second());
        !begins_too_late && !ends_too_early
    }

    /// The seconds between its first and its last instance, if both are known.
    pub(crate) fn length_seconds(&self) -> Option<i64> {
        let span = self.span?;
        Some(span.end?.saturating_sub(span.start?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn object(lines: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\n{}\nEND:VCALENDAR\n",
            lines.replace(' ', "\n")
        );
        CalendarObject::parse(text.as_bytes(), &calendar::Limits::default()).unwrap()
    }

    fn range(text: &str) -> TimeRange {
        let end = |text: &str| (!text.is_empty()).then(|| text.parse::<Timestamp>().unwrap());
        let (start, until) = text.split_once('/').unwrap();
        TimeRange {
            start: end(start),
            end: end(until),
        }
    }

    #[test]
    fn kinds_are_those_of_the_components() {
        let event = ObjectProjection::of(&object("BEGIN:VEVENT DTSTART:20260101 END:VEVENT"));
        assert!(event.kinds().may_contain("VEVENT"));
        assert!(!event.kinds().may_contain("VTODO") && !event.kinds().may_contain("X-OTHER"));
        let other = ObjectProjection::of(&object("BEGIN:X-OTHER END:X-OTHER"));
        assert!(other.kinds().may_contain("X-OTHER") && other.kinds().may_contain("X-ANOTHER"));
    }

    #[test]
    fn what_may_overlap() {
        let single = "BEGIN:VEVENT DTSTART:20260201T090000Z DURATION:PT1H END:VEVENT";
        let floating = "BEGIN:VEVENT DTSTART:20260201T090000 DURATION:PT1H END:VEVENT";
        let week = "BEGIN:VEVENT DTSTART:20260201T090000Z RRULE:FREQ=DAILY;COUNT=7 END:VEVENT";
        let endless = "BEGIN:VEVENT DTSTART:20260201T090000Z RRULE:FREQ=DAILY END:VEVENT";
        let dateless = "BEGIN:VTODO END:VTODO";
        let nowhere = "BEGIN:VJOURNAL END:VJOURNAL";
        let table = [
            (single, "2026-02-01T09:30:00Z/2026-02-01T09:31:00Z", true),
            (single, "2026-02-01T11:00:00Z/2026-02-02T00:00:00Z", false),
            (single, "2026-01-01T00:00:00Z/2026-02-01T08:00:00Z", false),
            (single, "2026-02-01T08:00:00Z/", true),
            (single, "/2026-02-01T08:00:00Z", false),
            (floating, "2026-02-01T18:00:00Z/2026-02-01T19:00:00Z", true),
            (floating, "2026-02-03T00:00:00Z/2026-02-04T00:00:00Z", false),
            (week, "2026-02-07T00:00:00Z/2026-02-08T00:00:00Z", true),
            (week, "2026-02-08T00:00:00Z/2026-02-09T00:00:00Z", false),
            (endless, "2126-01-01T00:00:00Z/2126-01-02T00:00:00Z", true),
            (dateless, "1926-01-01T00:00:00Z/1926-01-02T00:00:00Z", true),
            (nowhere, "/", false),
        ];
        for (lines, asked, expected) in table {
            let projection = ObjectProjection::of(&object(lines));
            assert_eq!(
                projection.may_overlap(&range(asked)),
                expected,
                "{lines} in {asked}"
            );
            let read = ObjectProjection::decode(&projection.encode());
            assert_eq!(read, Some(projection));
        }
    }

    #[test]
    fn the_longest_has_room() {
        let longest = ObjectProjection {
            kinds: Kinds(u8::MAX),
            is_recurring: true,
            span: Some(Span {
                start: Some(i64::MIN),
                end: Some(i64::MIN),
                is_floating: true,
            }),
        };
        let octets = longest.encode();
        assert_eq!(octets.len(), MAXIMUM_OCTETS);
        assert_eq!(ObjectProjection::decode(&octets), Some(longest));
    }

    #[test]
    fn another_version_is_computed_again() {
        let octets = ObjectProjection::of(&object("BEGIN:VTODO END:VTODO")).encode();
        for at in 0..1 + ZONE_DATA.len() {
            let mut other = octets.to_vec();
            other[at] ^= 1;
            assert_eq!(ObjectProjection::decode(&other), None);
        }
        assert_eq!(ObjectProjection::decode(&[]), None);
    }
}
