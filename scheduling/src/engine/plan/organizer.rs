//! The organizer creates, changes and removes (RFC 6638 §3.2.1).

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, Property};

use super::{
    Change, Plan,
    invitee::{Earlier, Invitee, earlier, invitees},
    outbox::{Outbox, kind_of_message},
    sign, sign_organizer, unscheduled,
};
use crate::engine::{
    Fault, Method, Role, Status,
    directory::Person,
    entry::{Agent, attendees, is_cancelled, is_recurring, participation, sequence, single},
    message::{Message, cancel, request},
    refresh::refresh,
    sequence::{NOTE, Revision, revised, set_sequence},
    significance::{Changes, changes},
};

/// A create, or a change, of an organizer scheduling object resource (RFC 6638 §3.2.1.1 and §3.2.1.2).
pub(super) fn store(
    change: &Change<'_>,
    before: Option<&CalendarObject>,
    after: &CalendarObject,
) -> Result<Plan, Fault> {
    if is_recurring(after) {
        return Ok(unscheduled(change, after, Role::Organizer));
    }
    // what was stored without being scheduled has told nobody anything
    let before = before.filter(|object| single(object).is_some());
    let edit = Edit::new(change, before, after);
    let mut object = after.clone();
    edit.write(change, &mut object);
    let mut outbox = Outbox::default();
    edit.cancel(change, &object, &mut outbox);
    edit.invite(change, &object, &mut outbox);
    edit.pass_over(&mut outbox);
    edit.refresh(change, &object, &mut outbox);
    Ok(outbox.into_plan(Some(object), Role::Organizer))
}

/// All that one edit is judged by.
struct Edit<'a> {
    before: Option<&'a CalendarObject>,
    organizer: String,
    earlier: BTreeMap<Person, Earlier<'a>>,
    invitees: Vec<Invitee>,
    /// Attendees whom the server told and who are not told any more.
    removed: Vec<&'a Property>,
    changes: Changes,
    was_cancelled: bool,
    is_cancelled: bool,
    sequence: u32,
    /// The organizer's own participation changed, which the others should see.
    own_participation_changed: bool,
}

impl<'a> Edit<'a> {
    fn new(
        change: &Change<'a>,
        before: Option<&'a CalendarObject>,
        after: &'a CalendarObject,
    ) -> Edit<'a> {
        let old = before.and_then(single);
        let new = single(after);
        let changes = before
            .map(|before| changes(before, after))
            .unwrap_or_default();
        let earlier = old.map(|old| earlier(change, old)).unwrap_or_default();
        let invitees = new
            .map(|new| invitees(change, new, &earlier, changes))
            .unwrap_or_default();
        let is_cancelled = new.is_some_and(is_cancelled);
        let was_cancelled = old.is_some_and(self::is_cancelled);
        let removed = if was_cancelled {
            Vec::new()
        } else {
            no_longer_told(&earlier, &invitees, is_cancelled)
        };
        let is_revision = before.is_some() && (changes.revision || !removed.is_empty());
        let old_sequence = old.map_or(0, sequence);
        Edit {
            before,
            organizer: new
                .and_then(|new| new.raw_value("ORGANIZER"))
                .unwrap_or_default()
                .trim()
                .to_owned(),
            own_participation_changed: own_participation(change, old)
                != own_participation(change, new),
            sequence: revised(old_sequence, new.map_or(0, sequence), is_revision),
            earlier,
            invitees,
            removed,
            changes,
            was_cancelled,
            is_cancelled,
        }
    }

    /// Writes what the server keeps: SEQUENCE, participation, and no SCHEDULE-FORCE-SEND.
    fn write(&self, change: &Change<'_>, object: &mut CalendarObject) {
        let people: BTreeMap<&Person, &Invitee> = self
            .invitees
            .iter()
            .map(|invitee| (&invitee.person, invitee))
            .collect();
        for entry in object.entries_mut() {
            if self.before.is_some() {
                set_sequence(entry, self.sequence);
            }
            for line in entry.properties_mut() {
                match line.name() {
                    "ORGANIZER" => self.write_organizer(change, line),
                    "ATTENDEE" => {
                        line.remove_parameter("SCHEDULE-FORCE-SEND");
                        if let Some(invitee) =
                            people.get(&change.directory.person(line.raw_value()))
                        {
                            self.write_attendee(line, invitee);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Who sends something for the organizer signs; what the organizer sends, nobody else did, whatever a
    /// client says. A signature that stood there before is that of who sent something then, and no client's to
    /// keep or to change.
    fn write_organizer(&self, change: &Change<'_>, line: &mut Property) {
        line.remove_parameter("SCHEDULE-FORCE-SEND");
        let before = self.before.and_then(single);
        let before = before.and_then(|entry| entry.property("ORGANIZER"));
        match (change.sent_by(), self.speaks()) {
            (Some(address), true) => sign(line, address),
            (_, false) if self.before.is_some() => keep(line, before, "SENT-BY"),
            (None, true) | (Some(_), false) => {
                line.remove_parameter("SENT-BY");
            }
            (None, false) => {}
        }
    }

    /// Whether this edit sends anything to anybody.
    fn speaks(&self) -> bool {
        let mut told = self.invitees.iter();
        !self.removed.is_empty()
            || told.any(|it| it.agent == Agent::Server && self.reason_to_invite(it).is_some())
    }

    fn write_attendee(&self, line: &mut Property, invitee: &Invitee) {
        if invitee.agent != Agent::Server {
            return;
        }
        let earlier = self
            .earlier
            .get(&invitee.person)
            .filter(|_| !invitee.is_new)
            .map(|earlier| earlier.line);
        keep(line, earlier, "SCHEDULE-STATUS");
        keep(line, earlier, NOTE);
        if let Some(status) = &invitee.participation {
            if participation(line) != *status {
                set(line, "PARTSTAT", status);
            }
            if let Some(delegates) = earlier.filter(|_| status == "DELEGATED") {
                keep(line, Some(delegates), "DELEGATED-TO");
            }
        }
        if self.changes.asks_anew
            && self.before.is_some()
            && matches!(invitee.person, Person::Other(_))
        {
            // an answer to what was before comes too late now
            Revision::before_all(self.sequence).note(line);
        }
    }

    /// Tells those who are not invited any more, or all if the meeting is off.
    fn cancel(&self, change: &Change<'_>, object: &CalendarObject, outbox: &mut Outbox) {
        let source = if self.is_cancelled {
            object
        } else {
            self.before.unwrap_or(object)
        };
        for attendee in &self.removed {
            let Some(message) = cancel(
                &self.organizer,
                source,
                attendee,
                self.sequence,
                self.is_cancelled,
                change.now,
            ) else {
                continue;
            };
            let reason = if self.is_cancelled {
                "the meeting is cancelled"
            } else {
                "not invited any more"
            };
            outbox.send(
                change,
                attendee,
                sign_organizer(change, message),
                kind_of_message(Method::Cancel, false),
                reason,
            );
        }
    }

    /// Tells those who are invited and have something to learn.
    fn invite(&self, change: &Change<'_>, object: &CalendarObject, outbox: &mut Outbox) {
        let Some(entry) = single(object) else { return };
        let lines: BTreeMap<&str, &Property> = attendees(entry)
            .map(|line| (line.raw_value().trim(), line))
            .collect();
        let Some(message) = request(&self.organizer, object, change.now) else {
            return;
        };
        for invitee in self
            .invitees
            .iter()
            .filter(|invitee| invitee.agent == Agent::Server)
        {
            if invitee.force_unknown {
                outbox
                    .statuses
                    .push((invitee.address.clone(), Status::PARAMETER_IGNORED));
            }
            let (Some(reason), Some(line)) = (
                self.reason_to_invite(invitee),
                lines.get(invitee.address.as_str()),
            ) else {
                continue;
            };
            let message = Message {
                asks_again: invitee.asked_again,
                ..message.clone()
            };
            outbox.send(
                change,
                line,
                message,
                kind_of_message(Method::Request, invitee.is_new),
                reason,
            );
        }
    }

    fn reason_to_invite(&self, invitee: &Invitee) -> Option<&'static str> {
        if self.is_cancelled {
            None
        } else if invitee.is_new {
            Some("invited")
        } else if self.changes.asks_anew {
            Some("rescheduled")
        } else if self.changes.visible {
            Some("changed")
        } else if invitee.asked_again {
            Some("asked again")
        } else {
            None
        }
    }

    fn pass_over(&self, outbox: &mut Outbox) {
        for invitee in self
            .invitees
            .iter()
            .filter(|invitee| invitee.agent != Agent::Server)
        {
            outbox.leave_to_others(&invitee.address);
        }
        if outbox.deliveries.is_empty() && outbox.mails.is_empty() && outbox.statuses.is_empty() {
            let reason = match (self.before, self.was_cancelled && self.is_cancelled) {
                (_, true) => "the meeting is cancelled already",
                (Some(_), _) => "nothing that concerns others changed",
                (None, _) => "nobody is to be told",
            };
            outbox.stay_silent(reason);
        }
    }

    /// A new participation of the organizer's own is shown, but is no news for an inbox.
    fn refresh(&self, change: &Change<'_>, object: &CalendarObject, outbox: &mut Outbox) {
        if self.before.is_some()
            && self.own_participation_changed
            && !self.changes.visible
            && !self.is_cancelled
        {
            let told: Vec<_> = outbox
                .deliveries
                .iter()
                .map(|delivery| delivery.recipient.id)
                .collect();
            let refreshed = refresh(object, change.owner, change.directory, None, change.now);
            outbox.deliveries.extend(
                refreshed
                    .into_iter()
                    .filter(|delivery| !told.contains(&delivery.recipient.id)),
            );
        }
    }
}

/// Attendees whom the server told, and who are not told any more: all, if the meeting is off.
fn no_longer_told<'a>(
    earlier: &BTreeMap<Person, Earlier<'a>>,
    invitees: &[Invitee],
    is_cancelled: bool,
) -> Vec<&'a Property> {
    let told: BTreeSet<&Person> = invitees
        .iter()
        .filter(|invitee| invitee.agent == Agent::Server)
        .map(|invitee| &invitee.person)
        .collect();
    earlier
        .iter()
        .filter(|(_, earlier)| earlier.agent == Agent::Server)
        .filter(|(person, _)| is_cancelled || !told.contains(person))
        .map(|(_, earlier)| earlier.line)
        .collect()
}

fn own_participation(change: &Change<'_>, entry: Option<&Component>) -> Option<String> {
    attendees(entry?)
        .find(|line| change.directory.is(line.raw_value(), change.owner.id))
        .map(participation)
}

/// Takes a parameter from the earlier line; without one, the client's is dropped.
fn keep(line: &mut Property, earlier: Option<&Property>, parameter: &str) {
    match earlier.and_then(|earlier| earlier.parameter(parameter)) {
        Some(value) if line.parameter(parameter).as_ref() != Some(&value) => {
            set(line, parameter, &value)
        }
        Some(_) => {}
        None => {
            line.remove_parameter(parameter);
        }
    }
}

/// Sets a parameter to a value that stood in a valid line.
fn set(line: &mut Property, parameter: &str, value: &str) {
    line.set_parameter(parameter, value)
        .expect("the value comes from a valid line");
}
