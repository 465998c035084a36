//! The revision number of a component (RFC 5546 §2.1.4 and §2.1.5).

use std::{cmp::Ordering, collections::BTreeMap};

use calendar::{CalendarObject, Component, Property};

use storage::Timestamp;

use super::entry::sequence;

/// What DTSTAMP tells apart.
pub(super) const SECOND_MILLISECONDS: i64 = 1_000;

/// The SEQUENCE that a changed component must have: what the client gave, never less than before, and
/// more than before where the change is a revision.
pub(super) fn revised(before: u32, asked: u32, is_revision: bool) -> u32 {
    if is_revision && asked <= before {
        before.saturating_add(1)
    } else {
        asked.max(before)
    }
}

/// What others were told last of a meeting, as far as that is known: SEQUENCE, component by component, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastTold {
    /// Of all of it.
    pub whole: Option<u32>,
    /// Of instances, by RECURRENCE-ID as it was written.
    pub instances: BTreeMap<String, u32>,
    /// The moment of the last message.
    pub at: Option<Timestamp>,
}

impl LastTold {
    /// What others were told who were told of all that an object says.
    pub fn of_state(object: &CalendarObject) -> LastTold {
        let mut told = LastTold::default();
        for entry in object.entries() {
            let sequence = sequence(entry);
            match entry.raw_value("RECURRENCE-ID") {
                None => told.whole = told.whole.max(Some(sequence)),
                Some(id) => {
                    told.instances.insert(id.trim().to_owned(), sequence);
                }
            }
        }
        told
    }

    /// The highest of all.
    pub fn highest(&self) -> Option<u32> {
        self.instances.values().copied().chain(self.whole).max()
    }

    /// When others can be told what comes after that: of two messages of one second, which is what DTSTAMP tells apart, with
    /// the same SEQUENCE, only the first counts (RFC 5546 §2.1.5).
    pub fn moment_after(&self, now: Timestamp) -> Timestamp {
        let after = self.at.map(|at| (at.seconds() + 1) * SECOND_MILLISECONDS);
        after.map_or(now, |after| now.max(Timestamp(after)))
    }

    /// That of a component.
    pub(super) fn of(&self, entry: &Component) -> Option<u32> {
        match entry.raw_value("RECURRENCE-ID") {
            None => self.whole,
            Some(id) => self.instances.get(id.trim()).copied(),
        }
    }

    /// Whether others know of a component that comes after the one in an object: it was brought back from before, or what
    /// was called off is there again.
    pub fn is_after(&self, object: &CalendarObject) -> bool {
        let mut entries = object.entries();
        entries.any(|entry| self.of(entry) > Some(sequence(entry)))
    }
}

/// Writes SEQUENCE, unless it says so already (0 by not being there).
pub(super) fn set_sequence(entry: &mut Component, number: u32) {
    if sequence(entry) != number {
        entry
            .set_raw_value("SEQUENCE", &number.to_string())
            .expect("digits are a valid value");
    }
}

/// The place of a message in the order of its kind: SEQUENCE first, then DTSTAMP (RFC 5546 §2.1.5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Revision {
    sequence: u32,
    /// In UTC, as in iCalendar: text order is order in time. Empty where it is not known.
    stamp: String,
}

impl Revision {
    pub fn of(entry: &Component) -> Revision {
        let stamp = entry
            .raw_value("DTSTAMP")
            .unwrap_or_default()
            .trim()
            .to_ascii_uppercase();
        Revision {
            sequence: sequence(entry),
            stamp: if is_stamp(&stamp) {
                stamp
            } else {
                String::new()
            },
        }
    }

    /// Before all messages about this revision.
    pub fn before_all(sequence: u32) -> Revision {
        Revision {
            sequence,
            stamp: String::new(),
        }
    }

    /// SEQUENCE.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// DTSTAMP; empty where it is not known.
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// Whether something newer is known of the same component. Where DTSTAMP is not known, a SEQUENCE that is equal is
    /// enough; for a cancellation, with any: some organizers do not raise it then.
    pub fn is_before(&self, known: &Revision) -> bool {
        match self.stamp.is_empty() {
            true => self.sequence < known.sequence,
            false => self < known,
        }
    }

    /// The order of messages about different components of a meeting. Some organizers count SEQUENCE for each
    /// component by itself, so that it tells nothing there: DTSTAMP goes first.
    pub fn compare_apart(&self, other: &Revision) -> Ordering {
        match self.stamp.is_empty() || other.stamp.is_empty() {
            true => self.cmp(other),
            false => (&self.stamp, self.sequence).cmp(&(&other.stamp, other.sequence)),
        }
    }

    /// Whether it was sent after another message of the same component, with a lower SEQUENCE.
    pub fn contradicts(&self, other: &Revision) -> bool {
        self.sequence < other.sequence && !other.stamp.is_empty() && self.stamp > other.stamp
    }

    /// As noted on a property by [`Revision::note`]: the message, and whether it was about the instance itself in whose
    /// component the property stands. (What was noted before that was told apart may be of either, and counts as of the
    /// whole.)
    pub fn noted(property: &Property) -> Option<(Revision, bool)> {
        let note = property.parameter(NOTE)?;
        let (sequence, stamp) = note.split_once('-')?;
        let apart = stamp.strip_suffix(APART);
        let revision = Revision {
            sequence: sequence.parse().ok()?,
            stamp: apart.unwrap_or(stamp).to_owned(),
        };
        Some((revision, apart.is_some()))
    }

    /// Notes on a property which message spoke last; `is_apart` where it was about one instance, and not about the whole.
    /// The note never leaves the server's own copies.
    pub fn note(&self, property: &mut Property, is_apart: bool) {
        let apart = if is_apart { APART } else { "" };
        let note = format!("{}-{}{apart}", self.sequence, self.stamp);
        property
            .set_parameter(NOTE, &note)
            .expect("digits and letters are a valid value");
    }
}

/// The parameter on ORGANIZER and ATTENDEE that holds the order of the last message by mail (RFC 5546
/// §2.1.5 wants both kept for each attendee; DTSTAMP itself belongs to the clients, RFC 6638 §3.2.2.1).
pub(super) const NOTE: &str = "X-CONVOKE-REVISION";

/// With which SEQUENCE an attendee is asked anew who does not know it yet, as [`Revision::before_all`] is noted for it.
pub(super) fn asked_anew(attendee: &Property) -> Option<u32> {
    let (asked, _) = Revision::noted(attendee)?;
    asked.stamp().is_empty().then_some(asked.sequence())
}

/// What stands on a line of an instance and all later ones, now that the line is one of these: the message was about more.
pub(super) fn note_as_of_more(line: &mut Property) {
    if let Some((revision, true)) = Revision::noted(line) {
        revision.note(line, false);
    }
}

/// What ends a note of a message about one instance.
const APART: &str = "-INSTANCE";

fn is_stamp(text: &str) -> bool {
    text.len() == 16 && text.ends_with('Z') && text.as_bytes()[8] == b'T'
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sequence_rises_with_revisions_and_never_falls() {
        // RFC 5546 §2.1.4
        for (before, asked, is_revision, expected) in [
            (0, 0, false, 0),
            (0, 0, true, 1),
            (3, 1, false, 3),
            (3, 1, true, 4),
            (3, 5, true, 5),
            (u32::MAX, 0, true, u32::MAX),
        ] {
            assert_eq!(revised(before, asked, is_revision), expected);
        }
    }

    #[test]
    fn across_components_the_stamp_goes_first() {
        let revision = |sequence, stamp: &str| Revision {
            sequence,
            stamp: stamp.to_owned(),
        };
        let (early, late) = ("20260101T000000Z", "20260101T000001Z");
        for (one, other, apart, is_before) in [
            ((1, early), (0, late), Ordering::Less, false),
            ((0, late), (1, early), Ordering::Greater, true),
            ((1, early), (1, late), Ordering::Less, true),
            ((1, early), (0, early), Ordering::Greater, false),
            ((1, early), (1, early), Ordering::Equal, false),
            ((1, ""), (1, late), Ordering::Less, false),
            ((0, ""), (1, late), Ordering::Less, true),
            ((1, early), (0, ""), Ordering::Greater, false),
        ] {
            let (one, other) = (revision(one.0, one.1), revision(other.0, other.1));
            assert_eq!(one.compare_apart(&other), apart, "{one:?} {other:?}");
            assert_eq!(one.is_before(&other), is_before, "{one:?} {other:?}");
        }
    }

    #[test]
    fn order_is_sequence_then_stamp() {
        // RFC 5546 §2.1.5
        let revision = |lines: &str| {
            let text = format!("BEGIN:VEVENT\n{lines}END:VEVENT\n");
            Revision::of(&Component::parse(text.as_bytes(), &calendar::Limits::default()).unwrap())
        };
        let ordered = [
            Revision::before_all(0),
            revision("DTSTAMP:20260101T000000Z\n"),
            revision("SEQUENCE:0\nDTSTAMP:20260101T000001Z\n"),
            Revision::before_all(1),
            revision("SEQUENCE:1\nDTSTAMP:20250101T000000Z\n"),
            revision("SEQUENCE:10\nDTSTAMP:20240101T000000Z\n"),
        ];
        assert!(ordered.is_sorted_by(|one, other| one < other));
        for revision in ordered {
            let mut property = Property::new("ATTENDEE", "mailto:a@b").unwrap();
            for is_apart in [false, true] {
                revision.note(&mut property, is_apart);
                let noted = Revision::noted(&property);
                assert_eq!(noted, Some((revision.clone(), is_apart)));
            }
        }
    }
}
