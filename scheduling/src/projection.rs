//! What a query must know of an object to leave it out without reading it.
//!
//! The desk writes a projection into the object's row in the same commit as its octets; `storage`
//! keeps it as it is. A projection never says "no" wrongly: whatever it cannot tell, it answers with
//! "maybe", and the object itself is looked at.

mod times;

use std::sync::LazyLock;

use bytes::Bytes;
use calendar::{
    Budget, CalendarObject, Landmarks, TimeRange, Zone, occurrence::overall_span,
    zone::data as time_zones,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::times::Times;
pub use self::times::{Instant, Occupation};

/// The form of the octets, and the rules by which they were made. A projection of another version is
/// computed again from the object.
const VERSION: u8 = 4;

/// Names the time-zone data in use: instants follow from it.
static ZONE_DATA: LazyLock<[u8; 4]> = LazyLock::new(|| {
    let identity = &time_zones::in_use().release().identity;
    let mut name = [0; 4];
    name.copy_from_slice(&blake3::hash(identity.as_bytes()).as_bytes()[..4]);
    name
});

/// Enough for nearly every projection, so that it is written in one allocation.
const OCTETS_GUESS: usize = 48;

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

    /// Whether components of this name, which is one of those of RFC 5545 §3.6, are certainly in the
    /// object.
    pub fn contains(self, name: &str) -> bool {
        bit_of(name) != OTHER_KIND && self.may_contain(name)
    }

    fn are_only(self, name: &str) -> bool {
        bit_of(name) != OTHER_KIND && self.0 == bit_of(name)
    }
}

fn bit_of(name: &str) -> u8 {
    KIND_NAMES
        .iter()
        .position(|known| *known == name)
        .map_or(OTHER_KIND, |at| 1 << at)
}

/// calendarserver private-events §4.1.2: on the object as a whole.
pub(crate) const ACCESS_PROPERTY: &str = "X-CALENDARSERVER-ACCESS";

/// CLASS (RFC 5545 §3.8.1.3), or X-CALENDARSERVER-ACCESS (calendarserver private-events §4.1.2); of several
/// the strictest. A word that is not known is PRIVATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Classification {
    /// PUBLIC, which is also the default.
    Public,
    /// RESTRICTED: when, what and where.
    Restricted,
    /// CONFIDENTIAL: when.
    Confidential,
    /// PRIVATE
    Private,
}

impl Classification {
    /// That of an object.
    pub fn of(object: &CalendarObject) -> Classification {
        let classes = object
            .entries()
            .flat_map(|entry| entry.properties_named("CLASS"))
            .map(|class| Classification::of_word(class.raw_value()));
        let classes = classes.chain(Classification::of_access(object));
        classes.max().unwrap_or(Classification::Public)
    }

    /// Whether everybody who sees the calendar sees all of an object.
    pub(crate) fn is_public(object: &CalendarObject) -> bool {
        Classification::of(object) == Classification::Public
    }

    /// What X-CALENDARSERVER-ACCESS says, where it is there.
    pub(crate) fn of_access(object: &CalendarObject) -> Option<Classification> {
        let properties = object.calendar().properties_named(ACCESS_PROPERTY);
        properties
            .map(|access| Classification::of_word(access.raw_value()))
            .max()
    }

    fn of_word(word: &str) -> Classification {
        let word = word.trim();
        let known = [
            ("PUBLIC", Classification::Public),
            ("RESTRICTED", Classification::Restricted),
            ("CONFIDENTIAL", Classification::Confidential),
        ];
        let known = known
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        known.map_or(Classification::Private, |(_, class)| *class)
    }
}

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Certainly not.
    No,
    /// The object must be asked.
    Maybe,
    /// Certainly.
    Yes,
}

impl Verdict {
    /// The opposite.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // beside `and`
    pub fn not(self) -> Verdict {
        match self {
            Verdict::No => Verdict::Yes,
            Verdict::Maybe => Verdict::Maybe,
            Verdict::Yes => Verdict::No,
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
            (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
            _ => Verdict::Maybe,
        }
    }
}

impl From<bool> for Verdict {
    fn from(known: bool) -> Verdict {
        if known { Verdict::Yes } else { Verdict::No }
    }
}

/// What a query must know of an object. Views have one for each of theirs, so that it is kept small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectProjection {
    span: Span,
    times: Times,
    kinds: Kinds,
    classification: Classification,
    is_recurring: bool,
    /// Floating times or DATEs take part.
    is_floating: bool,
    /// Others than its owner saw it, in an earlier state: they must be told that it is gone.
    was_open: bool,
}

/// Seconds since 1970 between which every instance lies, for whoever reads floating times wherever; the least
/// and the largest number are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: i64,
    end: i64,
}

impl Span {
    /// That of an object which stands nowhere in time.
    const NOWHERE: Span = Span {
        start: i64::MAX,
        end: i64::MIN,
    };

    fn of(start: Option<i64>, end: Option<i64>) -> Span {
        Span {
            start: start.unwrap_or(i64::MIN),
            end: end.unwrap_or(i64::MAX),
        }
    }

    fn start(self) -> Option<i64> {
        (self.start != i64::MIN).then_some(self.start)
    }

    fn end(self) -> Option<i64> {
        (self.end != i64::MAX).then_some(self.end)
    }
}

/// By which rules, and with which time-zone data, projections are made now.
pub(crate) fn rules() -> [u8; 5] {
    let mut rules = [VERSION; 5];
    rules[1..].copy_from_slice(&*ZONE_DATA);
    rules
}

impl Serialize for ObjectProjection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            kinds: self.kinds,
            classification: self.classification,
            is_recurring: self.is_recurring,
            span: (self.span != Span::NOWHERE).then(|| StoredSpan {
                start: self.span.start(),
                end: self.span.end(),
                is_floating: self.is_floating,
            }),
            times: &self.times,
            was_open: self.was_open,
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ObjectProjection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ObjectProjection, D::Error> {
        let stored = Stored::<Times>::deserialize(deserializer)?;
        let span = stored.span.as_ref();
        Ok(ObjectProjection {
            span: span.map_or(Span::NOWHERE, |span| Span::of(span.start, span.end)),
            times: stored.times,
            kinds: stored.kinds,
            classification: stored.classification,
            is_recurring: stored.is_recurring,
            is_floating: span.is_some_and(|span| span.is_floating),
            was_open: stored.was_open,
        })
    }
}

/// A projection as it stands in a row.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    kinds: Kinds,
    classification: Classification,
    is_recurring: bool,
    /// `None` where the object stands nowhere in time.
    span: Option<StoredSpan>,
    times: T,
    was_open: bool,
}

/// `None` is open.
#[derive(Serialize, Deserialize)]
struct StoredSpan {
    start: Option<i64>,
    end: Option<i64>,
    is_floating: bool,
}

impl ObjectProjection {
    /// The projection of an object.
    pub fn of(object: &CalendarObject) -> ObjectProjection {
        let kinds = Kinds::of(object);
        let overall = overall_span(object, &mut Budget::default());
        let is_floating = overall.as_ref().is_some_and(|span| span.is_floating);
        let span = overall.map_or(Span::NOWHERE, |span| {
            let start = span.start.map(|start| start.as_second());
            // rounded up: a second may end within it
            let end = span.end.map(|end| end.as_second().saturating_add(1));
            Span::of(start, end)
        });
        let times = match kinds.are_only("VEVENT") && span != Span::NOWHERE {
            true => Times::stored(object, (span.start(), span.end()), is_floating),
            false => Times::Unknown,
        };
        ObjectProjection {
            kinds,
            is_floating,
            classification: Classification::of(object),
            is_recurring: object
                .entries()
                .any(|entry| Landmarks::of(entry).is_recurring()),
            span,
            times,
            was_open: false,
        }
    }

    /// The same for an object that takes the place of another one, of whose row these are the octets.
    #[must_use]
    pub fn after(self, replaced: Option<&[u8]>) -> ObjectProjection {
        ObjectProjection {
            was_open: self.classification == Classification::Private
                && replaced.is_some_and(ObjectProjection::may_have_been_open),
            ..self
        }
    }

    /// Whether others may have seen the object of whose row these are the octets. What other rules made says
    /// nothing of that: better to tell of a name too many than to leave somebody with what is gone.
    pub(crate) fn may_have_been_open(stored: &[u8]) -> bool {
        ObjectProjection::decode(stored).is_none_or(|projection| projection.was_ever_open())
    }

    /// Whether both say the same, whatever was there before.
    pub(crate) fn is_of_same_object(&self, other: &ObjectProjection) -> bool {
        let plain = |projection: &ObjectProjection| ObjectProjection {
            was_open: false,
            ..projection.clone()
        };
        plain(self) == plain(other)
    }

    /// Whether others than its owner see it, at least in part, or saw it in an earlier state.
    fn was_ever_open(&self) -> bool {
        self.was_open || self.classification != Classification::Private
    }

    /// The same for an object whose instances are asked about in a part of time that what is stored does
    /// not reach: with those around it.
    pub(crate) fn with_instances_around(
        mut self,
        object: &CalendarObject,
        asked: &TimeRange,
    ) -> ObjectProjection {
        if self.kinds.are_only("VEVENT") && self.may_overlap(asked) {
            let seconds = |moment: Option<jiff::Timestamp>| moment.map(|at| at.as_second());
            let asked = (seconds(asked.start), seconds(asked.end));
            self.times = Times::around(object, asked, self.is_floating());
        }
        self
    }

    /// The octets for the object's row.
    pub fn encode(&self) -> Bytes {
        let mut octets = Vec::with_capacity(OCTETS_GUESS);
        octets.extend_from_slice(&rules());
        postcard::to_extend(self, octets)
            .expect("a plain value always encodes")
            .into()
    }

    /// From an object's row; `None` where it was made by other rules, or with other time-zone data, and
    /// must be computed again.
    pub fn decode(octets: &[u8]) -> Option<ObjectProjection> {
        postcard::from_bytes(octets.strip_prefix(&rules())?).ok()
    }

    /// Which components are in the object.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// The strictest CLASS of its components.
    pub fn classification(&self) -> Classification {
        self.classification
    }

    /// Whether it may have more than one instance.
    pub fn is_recurring(&self) -> bool {
        self.is_recurring
    }

    /// Whether floating times or DATEs take part, so that its instants depend upon who reads it.
    pub fn is_floating(&self) -> bool {
        self.is_floating
    }

    /// Whether a component of the object may overlap the range (RFC 4791 §9.9). Says nothing about its
    /// alarms, which may lie outside.
    pub fn may_overlap(&self, range: &TimeRange) -> bool {
        let span = self.span;
        let begins_too_late = range.end.is_some_and(|end| span.start > end.as_second());
        let ends_too_early = range
            .start
            .is_some_and(|start| span.end < start.as_second());
        span != Span::NOWHERE && !begins_too_late && !ends_too_early
    }

    /// Whether an event of the object overlaps the range (RFC 4791 §9.9); `floating` is the zone in which
    /// DATEs are read.
    pub fn events_overlap(&self, range: &TimeRange, floating: &Zone) -> Verdict {
        if !self.kinds.may_contain("VEVENT") || !self.may_overlap(range) {
            return Verdict::No;
        }
        let mut overlaps = false;
        let is_known = self.visit_instances(range, floating, &mut |_| {
            overlaps = true;
            false
        });
        if is_known {
            overlaps.into()
        } else {
            Verdict::Maybe
        }
    }

    /// Whether instances of events are known, in some part of time.
    pub(crate) fn knows_instances(&self) -> bool {
        self.times != Times::Unknown
    }

    /// Shows `visitor` the instances of events that overlap the range, until it says `false`; says whether
    /// they are known.
    pub fn visit_instances(
        &self,
        range: &TimeRange,
        floating: &Zone,
        visitor: &mut dyn FnMut(Instant) -> bool,
    ) -> bool {
        let floating = self.is_floating().then_some(floating);
        self.times.visit(range, floating, visitor)
    }

    /// Seconds since 1970 between which it may overlap something; `None` where it stands nowhere in time.
    pub(crate) fn bounds(&self) -> Option<(i64, i64)> {
        (self.span != Span::NOWHERE).then_some((self.span.start, self.span.end))
    }

    /// Memory beyond the value itself, roughly.
    pub(crate) fn octets(&self) -> usize {
        self.times.octets()
    }

    /// The seconds between its first and its last instance, if both are known.
    pub(crate) fn length_seconds(&self) -> Option<i64> {
        let (first, last) = self.bounds()?;
        let is_closed = first != i64::MIN && last != i64::MAX;
        is_closed.then(|| last.saturating_sub(first))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    pub(super) fn object(lines: &str) -> CalendarObject {
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

    /// What stands in rows stays as it is for as long as the version does: what this build writes for these
    /// objects is what earlier ones wrote.
    #[test]
    fn the_stored_form() {
        let hour = "BEGIN:VEVENT DTSTART:19700101T000001Z DURATION:PT1H END:VEVENT";
        let journal = "BEGIN:VJOURNAL CLASS:PRIVATE END:VJOURNAL";
        let endless = "BEGIN:VTODO DTSTART;VALUE=DATE:19700103 RRULE:FREQ=DAILY X-A:1 END:VTODO";
        let table: [(&str, &[u8]); 3] = [
            // kinds, class, recurring; from 1 to 3602, not floating; once, from 1, for 3600 s, busy; not open before
            (
                hour,
                &[1, 0, 0, 1, 1, 2, 1, 164, 56, 0, 1, 2, 0, 1, 144, 28, 1, 0],
            ),
            (journal, &[4, 3, 0, 0, 0, 0]),
            // from a day before, for whoever is furthest east, without an end; floating
            (endless, &[2, 0, 1, 1, 1, 128, 198, 10, 0, 1, 0, 0]),
        ];
        for (lines, expected) in table {
            let projection = ObjectProjection::of(&object(lines));
            let octets = projection.encode();
            assert_eq!(octets[..5], [&[VERSION], &ZONE_DATA[..]].concat());
            assert_eq!(octets[5..], *expected, "{lines}");
            assert_eq!(ObjectProjection::decode(&octets), Some(projection));
        }
    }

    /// A view has one for each of its members.
    #[test]
    fn it_is_small() {
        assert!(size_of::<ObjectProjection>() <= 48);
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
