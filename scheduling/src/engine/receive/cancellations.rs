//! Cancellations that overtake what they call off (RFC 5546 §2.1.5): a message by mail comes when it comes.
//!
//! What a CANCEL says is kept beside the calendar, whether there is a copy or not: the invitation may be on its way
//! still, or the copy may be gone when it comes. What comes later is called off by it then, as if it had come in order.

use std::cmp::Reverse;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property};
use storage::model::Principal;

use super::{CopyChange, Declined, Incoming, Receipt, cancel};
use crate::{
    engine::{
        Decision, Directory, Message, Method, Origin, Status,
        entry::{attendees, can_be_scheduled},
        meeting::{Meeting, Part},
        sequence::Revision,
    },
    parse_stored,
};

/// The most octets that are kept for one meeting of one recipient; the oldest cancellations go first.
const MAXIMUM_OCTETS: usize = 16 * 1024;

/// What tells which component is called off, by whom, for whom, and when that was said.
const NAMING: [&str; 6] = [
    "UID",
    "RECURRENCE-ID",
    "ORGANIZER",
    "ATTENDEE",
    "SEQUENCE",
    "DTSTAMP",
];

/// What was called off of one organizer's meeting for one recipient: the newest of each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellations(CalendarObject);

impl Cancellations {
    /// From the octets of [`Cancellations::to_octets`]; `None` where there are none.
    pub fn parse(octets: &[u8]) -> Option<Cancellations> {
        let octets = Bytes::copy_from_slice(octets);
        parse_stored(octets).ok().map(Cancellations)
    }

    /// To be kept.
    pub fn to_octets(&self) -> Bytes {
        self.0.to_octets()
    }

    /// Whether a message of this kind may be overtaken by a cancellation, or is one.
    pub fn concern(message: &Message) -> bool {
        message.origin == Origin::Mail
            && can_be_scheduled(&message.object)
            && matches!(
                message.method,
                Method::Request | Method::Add | Method::Cancel
            )
    }

    /// What is to be kept after a message had its effect on `recipient`; `None` where that is as before. What the organizer
    /// did not say, or nobody proved, is not kept.
    pub fn after(
        before: Option<&Cancellations>,
        (message, recipient): (&Message, &Principal),
        directory: &Directory,
        receipt: &Receipt,
    ) -> Option<Cancellations> {
        let is_held = |it: &Decision| matches!(it, Decision::ForTheUser { .. });
        let is_kept = Cancellations::concern(message)
            && message.method == Method::Cancel
            && !receipt.decisions.iter().any(is_held);
        if !is_kept {
            return None;
        }
        let mut object = message.object.clone();
        let calendar = object.calendar_mut();
        calendar.retain_properties(|line| matches!(line.name(), "VERSION" | "METHOD"));
        // names of instances mean what they mean in the meeting that comes
        calendar.retain_components(|component| !component.is("VTIMEZONE"));
        for entry in object.entries_mut() {
            // whether it is about the recipient's part is for the copy to tell; for that, one of all who are named is enough
            let is_recipient = |line: &&Property| directory.is(line.raw_value(), recipient.id);
            let own = attendees(entry).find(is_recipient);
            let named = own.or(attendees(entry).next()).cloned();
            entry.retain_properties(|line| {
                let is_kept = !line.is("ATTENDEE") || named.as_ref() == Some(line);
                is_kept && NAMING.contains(&line.name())
            });
            entry.retain_components(|_| false);
        }
        if let Some(Cancellations(before)) = before {
            add(&mut object, before);
        }
        cut(&mut object);
        Some(Cancellations(object)).filter(|new| Some(new) != before)
    }

    /// What becomes of the recipient's copy by what was called off before, after a message has changed it.
    pub(super) fn call_off(
        &self,
        incoming: &Incoming<'_>,
        receipt: Receipt,
    ) -> Result<Receipt, Declined> {
        let (CopyChange::Create(object) | CopyChange::Replace(object)) = &receipt.copy else {
            return Ok(receipt);
        };
        let cancel = Message {
            method: Method::Cancel,
            object: self.0.clone(),
            ..incoming.message.clone()
        };
        let called_off = cancel::receive(&Incoming {
            copy: Some(object),
            message: &cancel,
            ..*incoming
        });
        let copy = match called_off {
            Ok(Receipt { copy, .. }) => copy,
            Err(_) => return Ok(receipt),
        };
        let copy = match (&receipt.copy, copy) {
            (CopyChange::Create(_), CopyChange::Replace(object))
                if !Meeting::of(&object).is_called_off() =>
            {
                CopyChange::Create(object)
            }
            (CopyChange::Create(_), _) => {
                return Err(self.declines(incoming.message));
            }
            (_, copy) => copy,
        };
        Ok(Receipt { copy, ..receipt })
    }

    /// Why a message comes to nothing.
    fn declines(&self, message: &Message) -> Declined {
        let said = Meeting::of(&message.object);
        let called_off = Meeting::about(&self.0, &said);
        let is_sent_after = |(part, entry): (Part, &Component)| {
            let known = called_off.get(part).map(Revision::of);
            known.is_some_and(|known| Revision::of(entry).contradicts(&known))
        };
        match said.parts().any(is_sent_after) {
            true => Declined::after_its_cancellation(),
            false => {
                let reason = "it was called off already, by a message that overtook it";
                Declined::silently(Status::DELIVERED, reason)
            }
        }
    }
}

/// Adds what was called off earlier: of each part, the newest stays.
fn add(object: &mut CalendarObject, before: &CalendarObject) {
    let known = Meeting::of(object);
    let earlier = Meeting::about(before, &known);
    let is_newer = |part: Part, entry: &Component| {
        let new = known.get(part).map(Revision::of);
        new.is_none_or(|new| new < Revision::of(entry))
    };
    let kept = earlier
        .parts()
        .filter(|(part, entry)| is_newer(*part, entry));
    let kept: Vec<(Part, Component)> = kept.map(|(part, entry)| (part, entry.clone())).collect();
    let mut parts = known.order().into_iter();
    object.calendar_mut().retain_components(|_| {
        let part = parts.next();
        !kept.iter().any(|(other, _)| Some(*other) == part)
    });
    for (_, entry) in kept {
        object.calendar_mut().push_component(entry);
    }
}

/// Leaves out the oldest, as far as there is too much.
fn cut(object: &mut CalendarObject) {
    let octets = |entry: &Component| -> usize {
        let lines = entry.properties().map(|line| line.content().len() + 2);
        lines.sum::<usize>() + 32
    };
    let newest_first = |entry: &Component| Reverse(Revision::of(entry).stamp().to_owned());
    let mut entries: Vec<Component> = object.entries().cloned().collect();
    entries.sort_by_cached_key(newest_first);
    let mut sum = 0;
    entries.retain(|entry| {
        sum += octets(entry);
        sum <= MAXIMUM_OCTETS
    });
    object.calendar_mut().retain_components(|_| false);
    for entry in entries {
        object.calendar_mut().push_component(entry);
    }
}
