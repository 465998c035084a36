//! Which of two messages about a meeting is the later one (RFC 5546 §2.1.5).
//!
//! Of messages about one component, SEQUENCE tells, and then DTSTAMP. Some organizers count SEQUENCE for each component by
//! itself, so that it tells nothing of messages about different ones, of which the whole and one of its instances are:
//! there DTSTAMP goes first.
//!
//! A copy knows the last message that spoke of a component by a note on ORGANIZER, which also tells whether that message was
//! about the component itself or about the whole. Without a note it is the component's own SEQUENCE and DTSTAMP: those of a
//! message of a commit, until the attendee's client writes another DTSTAMP. With an answer, and where anything may come that
//! the client's DTSTAMP would make late, those of the message are noted ([`note_sent`]); what else a client stores is stored
//! as it came.

use std::cmp::Ordering;

use calendar::{CalendarObject, Component, Property};

use super::Incoming;
use crate::engine::{
    Origin,
    entry::is_cancelled,
    meeting::{Meeting, Part, is_instance},
    sequence::{NOTE, Revision},
};

/// The last message that spoke of a part.
struct Known {
    /// What it was about.
    about: Part,
    revision: Revision,
    is_noted: bool,
}

impl Known {
    fn of(stored: &Meeting<'_>, part: Part) -> Option<Known> {
        let entry = stored.describing(part)?;
        let own = stored.part_of(part);
        Some(match noted(entry) {
            Some((revision, is_apart)) => Known {
                about: if is_apart { own } else { Part::Series },
                revision,
                is_noted: true,
            },
            None => Known {
                about: own,
                revision: Revision::of(entry),
                is_noted: false,
            },
        })
    }

    /// The place of a message about another part. Where nothing is noted, the client may have written DTSTAMP: then it is
    /// enough that SEQUENCE tells.
    fn order_of(&self, said: &Revision) -> Ordering {
        let apart = said.compare_apart(&self.revision);
        match self.is_noted {
            true => apart,
            false => apart.max(said.cmp(&self.revision)),
        }
    }
}

/// The message that a component came with, if that was noted; and whether it was about that instance itself.
fn noted(stored: &Component) -> Option<(Revision, bool)> {
    stored.property("ORGANIZER").and_then(Revision::noted)
}

/// The place of the message that a component came with, if that was noted.
pub(super) fn noted_revision(stored: &Component) -> Option<Revision> {
    noted(stored).map(|(revision, _)| revision)
}

/// The place of the message that a component came with, as far as it is known.
pub(super) fn known_revision(stored: &Component) -> Revision {
    noted_revision(stored).unwrap_or_else(|| Revision::of(stored))
}

/// For messages that may come late or twice: whether what is known of a part is newer than what a message says of it.
pub(super) fn is_late(
    origin: Origin,
    stored: &Meeting<'_>,
    part: Part,
    message: &Component,
) -> bool {
    let said = Revision::of(message);
    let Some(known) = Known::of(stored, part) else {
        return false;
    };
    match (origin, known.about == part) {
        // in the order in which they were decided
        (Origin::Here | Origin::Queue, _) => false,
        // DTSTAMP only breaks a tie: where it is not known, SEQUENCE alone tells
        (Origin::Mail, _) if said.stamp().is_empty() => said.is_before(&known.revision),
        // of two that were sent within a second, neither is late
        (Origin::Mail, false) => known.order_of(&said).is_lt(),
        (Origin::Mail, true) => said <= known.revision,
    }
}

/// Whether something newer is known of a part than the component of a cancellation that is to call it off: that may be
/// about the part, or about the whole.
pub(super) fn is_overtaken(
    origin: Origin,
    stored: &Meeting<'_>,
    (said, entry): (Part, &Component),
    part: Part,
) -> bool {
    if origin != Origin::Mail {
        return false;
    }
    let revision = Revision::of(entry);
    let is_newer = |of: Part| {
        let Some(mut known) = Known::of(stored, of) else {
            return false;
        };
        if !known.is_noted {
            // DTSTAMP is the client's
            known.revision = Revision::before_all(known.revision.sequence());
        }
        match known.about == said {
            true => revision.is_before(&known.revision),
            false => {
                let are_known = !revision.stamp().is_empty() && !known.revision.stamp().is_empty();
                are_known && known.order_of(&revision).is_lt()
            }
        }
    };
    is_newer(said) || is_newer(part)
}

/// Whether a message that comes late was sent after what called off the same part, as DTSTAMP has it, with a lower
/// SEQUENCE: some organizers raise it in the cancellation alone. Only who got both can tell what holds.
pub(super) fn is_sent_after_all(
    origin: Origin,
    called_off: &Meeting<'_>,
    message: &Meeting<'_>,
) -> bool {
    let is_after = |(part, entry): (Part, &Component)| {
        let known = called_off.get(part).filter(|known| is_cancelled(known));
        known.is_some_and(|known| Revision::of(entry).contradicts(&known_revision(known)))
    };
    origin == Origin::Mail && message.parts().any(is_after)
}

/// Notes in a component which message spoke of it; `is_its_own` where the message was about the component itself. One of a
/// commit needs no note then: its SEQUENCE and DTSTAMP are the component's now.
pub(super) fn note_revision(
    incoming: &Incoming<'_>,
    message: &Component,
    entry: &mut Component,
    is_its_own: bool,
) {
    let is_apart = is_its_own && is_instance(entry);
    let lines = entry.properties_mut().filter(|line| line.is("ORGANIZER"));
    for line in lines {
        match incoming.message.origin {
            Origin::Here if is_its_own => drop(line.remove_parameter(NOTE)),
            _ => Revision::of(message).note(line, is_apart),
        }
    }
}

/// Notes in an attendee's copy which message spoke of each part, where the attendee's client writes a DTSTAMP of its own
/// (RFC 6638 §3.2.2.1) and nothing is noted yet; `before` is the copy as it was.
pub(in crate::engine) fn note_sent(object: &mut CalendarObject, before: &Meeting<'_>) {
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        let Some(sent) = before.describing(part) else {
            continue;
        };
        if sent.raw_value("DTSTAMP") == entry.raw_value("DTSTAMP") {
            continue;
        }
        let (revision, is_apart) = (Revision::of(sent), is_instance(sent));
        let is_organizer =
            |line: &&mut Property| line.is("ORGANIZER") && line.parameter(NOTE).is_none();
        for line in entry.properties_mut().filter(is_organizer) {
            revision.note(line, is_apart);
        }
    }
}
