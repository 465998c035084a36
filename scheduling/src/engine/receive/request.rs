//! An invitation or its update reaches an attendee (RFC 6638 §4.1, RFC 5546 §3.2.2).

use calendar::{CalendarObject, Component, Property};

use super::{CopyChange, Declined, Incoming, Receipt};
use crate::{
    engine::{
        Origin, Status,
        entry::{
            Agent, DECLINED, NEEDS_ACTION, agent, attendees, is_cancelled, participation, single,
        },
        sequence::{NOTE, Revision},
        significance::{canonical, is_answer, is_private_extension, rescheduled},
    },
    projection::ACCESS_PROPERTY,
};

/// Properties that an attendee keeps through the organizer's updates.
const OWN: [&str; 5] = [
    "TRANSP",
    "PERCENT-COMPLETE",
    "COMPLETED",
    "CLASS",
    "CATEGORIES",
];

/// Applies a REQUEST.
pub(super) fn receive(incoming: &Incoming<'_>, entry: &Component) -> Result<Receipt, Declined> {
    let own = attendees(entry)
        .find(|line| is_recipient(incoming, line))
        .ok_or(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "the recipient is not among the attendees",
        ))?;
    match incoming.copy {
        None => create(incoming, entry, own),
        Some(copy) => update(incoming, copy, entry),
    }
}

pub(super) fn is_recipient(incoming: &Incoming<'_>, line: &Property) -> bool {
    incoming
        .directory
        .is(line.raw_value(), incoming.recipient.id)
}

fn create(incoming: &Incoming<'_>, entry: &Component, own: &Property) -> Result<Receipt, Declined> {
    let message = incoming.message;
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    if message.is_refresh {
        return Err(silently("there is no copy to refresh"));
    }
    // a reset would have set it to NEEDS-ACTION: what this attendee declined and removed stays away
    if participation(own) == DECLINED && !message.asks_again {
        return Err(silently(
            "declined and removed, and nothing changed in time",
        ));
    }
    let mut object = message.object.clone();
    object.calendar_mut().remove_properties("METHOD");
    note_revision(incoming, entry, &mut object);
    Ok(Receipt {
        copy: CopyChange::Create(object),
        inbox_item: true,
        status: Status::DELIVERED,
        schedule_tag_changes: true,
        refresh_others: false,
        decisions: Vec::new(),
    })
}

fn update(
    incoming: &Incoming<'_>,
    copy: &CalendarObject,
    entry: &Component,
) -> Result<Receipt, Declined> {
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    check_organizer(incoming, copy, entry)?;
    let stored = single_copy(copy)?;
    if is_late(incoming.message.origin, stored, entry) {
        return Err(silently("a newer or the same message was applied already"));
    }
    let object = merge(incoming, copy, stored, entry);
    let changed = is_changed(stored, single(&object), |_, _| false);
    if !changed && !incoming.message.asks_again {
        return Err(silently("the copy says so already"));
    }
    // RFC 6638 §3.2.10: new answers of attendees are no reason for a new tag
    let schedule_tag_changes = is_changed(stored, single(&object), is_answer);
    Ok(Receipt {
        copy: if changed {
            CopyChange::Replace(object)
        } else {
            CopyChange::Unchanged
        },
        inbox_item: !incoming.message.is_refresh,
        status: Status::DELIVERED,
        schedule_tag_changes,
        refresh_others: false,
        decisions: Vec::new(),
    })
}

/// The one component of the recipient's copy.
pub(super) fn single_copy(copy: &CalendarObject) -> Result<&Component, Declined> {
    single(copy).ok_or(Declined::silently(
        Status::NOT_ALLOWED,
        "the copy here is recurring, which is not scheduled",
    ))
}

/// A message about somebody else's event with the same UID touches nothing.
pub(super) fn check_organizer(
    incoming: &Incoming<'_>,
    copy: &CalendarObject,
    entry: &Component,
) -> Result<(), Declined> {
    let claimed = entry.raw_value("ORGANIZER").unwrap_or_default();
    let line = copy.entries().find_map(|entry| entry.property("ORGANIZER"));
    let Some(line) = line else {
        return Err(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "an event of the user's own has this UID",
        ));
    };
    if !incoming.directory.same_person(line.raw_value(), claimed) {
        return Err(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "another organizer's event has this UID",
        ));
    }
    // RFC 6638 §3.2.2.3: the client looks after this object itself
    if agent(line) == Agent::Client {
        return Err(Declined::for_the_user(
            Status::DELIVERED,
            "SCHEDULE-AGENT leaves the copy to the client",
        ));
    }
    Ok(())
}

/// RFC 5546 §2.1.5, for messages that may come late or twice.
fn is_late(origin: Origin, stored: &Component, message: &Component) -> bool {
    let known = || {
        stored
            .property("ORGANIZER")
            .and_then(Revision::noted)
            .unwrap_or_else(|| Revision::of(stored))
    };
    match origin {
        Origin::Here => false,
        Origin::Queue => Revision::of(message) < known(),
        Origin::Mail => Revision::of(message) <= known(),
    }
}

/// Notes the order of messages that may be overtaken; those of a commit have its order.
pub(super) fn note_revision(
    incoming: &Incoming<'_>,
    message: &Component,
    object: &mut CalendarObject,
) {
    if incoming.message.origin == Origin::Here {
        return;
    }
    let revision = Revision::of(message);
    for line in object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| line.is("ORGANIZER"))
    {
        revision.note(line);
    }
}

/// The organizer's new version with what is the attendee's own.
fn merge(
    incoming: &Incoming<'_>,
    copy: &CalendarObject,
    stored: &Component,
    entry: &Component,
) -> CalendarObject {
    let mut object = incoming.message.object.clone();
    object.calendar_mut().remove_properties("METHOD");
    keep_access(&mut object, copy);
    let asks_anew = !incoming.message.is_refresh
        && (incoming.message.asks_again
            || rescheduled(copy, &incoming.message.object)
            || (is_cancelled(stored) && !is_cancelled(entry)));
    let own = attendees(stored).find(|line| is_recipient(incoming, line));
    for entry in object.entries_mut() {
        keep_own_lines(entry, stored);
        for line in entry.properties_mut() {
            if line.is("ORGANIZER") {
                keep_parameters(line, stored.property("ORGANIZER"));
            } else if line.is("ATTENDEE") && is_recipient(incoming, line) {
                keep_participation(line, own, asks_anew, incoming.message.is_refresh);
            }
        }
    }
    note_revision(incoming, entry, &mut object);
    object
}

/// Who sees the copy is its owner's to say (calendarserver private-events §4.2.2.1), as with CLASS.
fn keep_access(object: &mut CalendarObject, copy: &CalendarObject) {
    let kept = copy.calendar().properties_named(ACCESS_PROPERTY);
    let kept: Vec<Property> = kept.cloned().collect();
    if kept.is_empty() {
        return;
    }
    let calendar = object.calendar_mut();
    calendar.remove_properties(ACCESS_PROPERTY);
    kept.into_iter().for_each(|it| calendar.push_property(it));
}

/// Alarms, transparency, progress and the client's own extensions stay (RFC 6638 §3.2.2.1).
fn keep_own_lines(entry: &mut Component, stored: &Component) {
    entry.retain_components(|component| !component.is("VALARM"));
    for name in OWN {
        if stored.property(name).is_some() {
            entry.remove_properties(name);
        }
    }
    let is_kept = |property: &&Property| {
        OWN.contains(&property.name())
            || is_private_extension(property.name())
            || property.is("CREATED")
    };
    entry.remove_properties("CREATED");
    for property in stored.properties().filter(is_kept) {
        if !entry.properties().any(|other| other == property) {
            entry.push_property(property.clone());
        }
    }
    for alarm in stored
        .components()
        .filter(|component| component.is("VALARM"))
    {
        entry.push_component(alarm.clone());
    }
}

/// How the last answer fared stays on ORGANIZER, and who looks after the object.
fn keep_parameters(line: &mut Property, stored: Option<&Property>) {
    for parameter in ["SCHEDULE-STATUS", "SCHEDULE-AGENT", NOTE] {
        if let Some(value) = stored.and_then(|stored| stored.parameter(parameter)) {
            line.set_parameter(parameter, &value)
                .expect("the value comes from a valid line");
        }
    }
}

/// The attendee's own answer stays unless the organizer asks anew: the organizer may not have heard it
/// (Schedule-Reply: F), or not yet.
fn keep_participation(
    line: &mut Property,
    own: Option<&Property>,
    asks_anew: bool,
    is_refresh: bool,
) {
    let Some(own) = own else { return };
    let answered = participation(own) != NEEDS_ACTION;
    let organizer_knows = participation(line) != NEEDS_ACTION;
    if asks_anew || !answered || (organizer_knows && !is_refresh) {
        return;
    }
    for parameter in ["PARTSTAT", "RSVP", "DELEGATED-TO"] {
        match own.parameter(parameter) {
            Some(value) => {
                line.set_parameter(parameter, &value)
                    .expect("the value comes from a valid line");
            }
            None => {
                line.remove_parameter(parameter);
            }
        }
    }
}

/// Whether the two differ in more than their bookkeeping, parameters for which `apart` holds aside.
fn is_changed(
    stored: &Component,
    new: Option<&Component>,
    apart: fn(&Property, &str) -> bool,
) -> bool {
    const BOOKKEEPING: [&str; 3] = ["DTSTAMP", "LAST-MODIFIED", "CREATED"];
    let lines = |entry: &Component| {
        let mut lines: Vec<String> = entry
            .properties()
            .filter(|property| !BOOKKEEPING.contains(&property.name()))
            .map(|property| canonical(property, |name| apart(property, name)))
            .collect();
        lines.sort();
        lines
    };
    let Some(new) = new else { return true };
    lines(stored) != lines(new) || !stored.components().eq(new.components())
}
