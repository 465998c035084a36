//! Writing down how the messages fared (RFC 6638 §3.2.9 and §7.3).

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use calendar::{CalendarObject, Component, Property};

use super::{
    Delivery, Plan, Role, Status,
    directory::normalise,
    entry::{NEEDS_ACTION, participation, sequence},
    meeting::Meeting,
    sequence::{NOTE, asked_anew},
};

/// The object to store: that of the plan, with SCHEDULE-STATUS as known when it was planned and as
/// `outcomes` say, by the [`super::Delivery::address`] of each delivery. `None` for a removal.
///
/// Refreshes are no messages that anybody asked for; their outcomes are passed over. What the plan says wins. Where
/// SCHEDULE-FORCE-SEND means nothing, 2.3 says so (RFC 6638 §7.2), beside how a message fares: one that goes now, or one
/// before that did not arrive, or may yet come back (§3.2.9).
pub fn settle(plan: &Plan, outcomes: &[(String, Status)]) -> Option<CalendarObject> {
    let object = plan.object.as_ref()?;
    let mut fared: BTreeMap<String, &Status> = BTreeMap::new();
    for (address, status) in outcomes {
        let known = fared.entry(normalise(address)).or_insert(status);
        *known = known.and(status);
    }
    let mut statuses: BTreeMap<String, &Status> = BTreeMap::new();
    let mut delivered: Vec<&Delivery> = Vec::new();
    let asked = plan.deliveries.iter();
    for delivery in asked.filter(|delivery| !delivery.message.is_refresh) {
        let address = normalise(&delivery.address);
        if let Some(status) = fared.get(&address) {
            delivered.extend((**status == Status::DELIVERED).then_some(delivery));
            // by whichever of their addresses they are in it
            let others = delivery.recipient.addresses.iter();
            let all = others.map(|other| normalise(other)).chain([address]);
            for address in all {
                let known = statuses.entry(address).or_insert(status);
                *known = known.and(status);
            }
        }
    }
    statuses.extend(
        plan.statuses
            .iter()
            .map(|(address, status)| (normalise(address), status)),
    );
    let ignored: BTreeSet<String> = plan.ignored.iter().map(|it| normalise(it)).collect();
    if statuses.is_empty() && ignored.is_empty() {
        return Some(object.clone());
    }
    let name = if plan.role == Role::Organizer {
        "ATTENDEE"
    } else {
        "ORGANIZER"
    };
    let mut object = object.clone();
    for line in object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| line.is(name))
    {
        let address = normalise(line.raw_value());
        let fared = statuses.get(&address).copied();
        if let Some(status) = fared {
            note_answer(line, status);
        }
        let status = match ignored.contains(&address) {
            true => Some(beside_ignored(line, fared)),
            false => fared.cloned(),
        };
        if let Some(status) = status {
            set(line, &status);
        }
    }
    match plan.role {
        Role::Organizer => Some(told(&object, &delivered)),
        Role::Attendee | Role::None => Some(object),
    }
}

/// That a parameter is ignored, beside how a message to somebody fares.
fn beside_ignored(line: &Property, fared: Option<&Status>) -> Status {
    let known = line.parameter("SCHEDULE-STATUS").unwrap_or_default();
    let known = Some(&*known).filter(|known| Status::tells_of_loss(known));
    Status::beside_ignored(fared.map(Status::as_str).or(known).unwrap_or_default())
}

/// The parameter of an ATTENDEE of whom the status tells how a later message fared, and not the answer that came before it.
/// It never leaves the organizer's object.
pub(super) const ANSWERED: &str = "X-CONVOKE-ANSWERED";

/// Notes that there is an answer, where its status makes room for that of a message.
fn note_answer(line: &mut Property, status: &Status) {
    let is_answer = |known: Cow<'_, str>| !Status::is_on_its_way(&known);
    if line.is("ATTENDEE")
        && participation(line) != NEEDS_ACTION
        && Status::is_on_its_way(status.as_str())
        && line.parameter("SCHEDULE-STATUS").is_some_and(is_answer)
    {
        line.set_parameter(ANSWERED, "TRUE")
            .expect("a plain word is a valid value");
    }
}

/// The organizer's object once these messages are delivered: their recipients know what they were asked anew, so that
/// whatever they answer from now on counts.
pub fn told(object: &CalendarObject, delivered: &[&Delivery]) -> CalendarObject {
    let meeting = Meeting::of(object);
    let told = delivered.iter().map(|delivery| {
        let addresses = delivery.recipient.addresses.iter();
        let addresses = addresses.chain([&delivery.address]);
        let addresses: BTreeSet<String> = addresses.map(|it| normalise(it)).collect();
        let message = Meeting::about(&delivery.message.object, &meeting);
        (addresses, message)
    });
    let told: Vec<(BTreeSet<String>, Meeting<'_>)> = told.collect();
    let mut after = object.clone();
    for (entry, part) in after.entries_mut().zip(meeting.order()) {
        let lines = entry.properties_mut().filter(|line| line.is("ATTENDEE"));
        for line in lines {
            let Some(asked) = asked_anew(line) else {
                continue;
            };
            let address = normalise(line.raw_value());
            let knows = |(addresses, message): &(BTreeSet<String>, Meeting<'_>)| {
                let said = message.describing(part);
                addresses.contains(&address) && said.is_some_and(|said| sequence(said) >= asked)
            };
            if told.iter().any(knows) {
                line.remove_parameter(NOTE);
            }
        }
    }
    after
}

/// The object with what became of a message to `recipient` later, when its mail was sent or came
/// back; `None` where that is no news: nobody has that address there, or a reply came meanwhile.
pub fn record_status(
    object: &CalendarObject,
    recipient: &str,
    status: &Status,
) -> Option<CalendarObject> {
    let recipient = normalise(recipient);
    let is_recipient = |line: &Property| normalise(line.raw_value()) == recipient;
    let to_organizer = object
        .entries()
        .flat_map(|entry| entry.property("ORGANIZER"))
        .any(is_recipient);
    let name = if to_organizer {
        "ORGANIZER"
    } else {
        "ATTENDEE"
    };
    let news = |line: &Property| {
        let known = line.parameter("SCHEDULE-STATUS")?;
        let is_meant = line.is(name) && is_recipient(line) && Status::is_on_its_way(&known);
        // that a parameter was ignored stays said (RFC 6638 §7.2)
        let status = match Status::PARAMETER_IGNORED.is_in(&known) {
            true => Status::beside_ignored(status.as_str()),
            false => status.clone(),
        };
        (is_meant && known != status.as_str()).then_some(status)
    };
    let mut lines = object.entries().flat_map(Component::properties);
    lines.find_map(news)?;
    let mut object = object.clone();
    for line in object.entries_mut().flat_map(Component::properties_mut) {
        if let Some(status) = news(line) {
            set(line, &status);
        }
    }
    Some(object)
}

/// Those to whom a message is on its way, as an object says, by their addresses.
pub fn pending(object: &CalendarObject) -> BTreeSet<String> {
    let lines = object.entries().flat_map(Component::properties);
    let people = lines.filter(|line| line.is("ORGANIZER") || line.is("ATTENDEE"));
    let is_pending = |line: &&Property| {
        let status = line.parameter("SCHEDULE-STATUS");
        status.is_some_and(|status| Status::PENDING.is_in(&status))
    };
    let pending = people.filter(is_pending);
    pending
        .map(|line| line.raw_value().trim().to_owned())
        .collect()
}

fn set(line: &mut Property, status: &Status) {
    line.set_parameter("SCHEDULE-STATUS", status.as_str())
        .expect("codes are a valid value");
}
