//! Writing down how the messages fared (RFC 6638 §3.2.9 and §7.3).

use std::collections::BTreeMap;

use calendar::{CalendarObject, Component, Property};

use super::{Plan, Role, Status, directory::normalise};

/// The object to store: that of the plan, with SCHEDULE-STATUS as known when it was planned and as
/// `outcomes` say, by the [`super::Delivery::address`] of each delivery. `None` for a removal.
///
/// Refreshes are no messages that anybody asked for; their outcomes are passed over. What the plan
/// says wins: SCHEDULE-FORCE-SEND with an unknown value is 2.3 whatever else went out (RFC 6638 §7.2).
pub fn settle(plan: &Plan, outcomes: &[(String, Status)]) -> Option<CalendarObject> {
    let object = plan.object.as_ref()?;
    let fared: BTreeMap<String, &Status> = outcomes
        .iter()
        .map(|(address, status)| (normalise(address), status))
        .collect();
    let mut statuses: BTreeMap<String, &Status> = BTreeMap::new();
    let asked = plan.deliveries.iter();
    for delivery in asked.filter(|delivery| !delivery.message.is_refresh) {
        let address = normalise(&delivery.address);
        if let Some(status) = fared.get(&address) {
            // by whichever of their addresses they are in it
            let others = delivery.recipient.addresses.iter();
            let all = others.map(|other| normalise(other)).chain([address]);
            statuses.extend(all.map(|address| (address, *status)));
        }
    }
    statuses.extend(
        plan.statuses
            .iter()
            .map(|(address, status)| (normalise(address), status)),
    );
    if statuses.is_empty() {
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
        if let Some(status) = statuses.get(&normalise(line.raw_value())) {
            set(line, status);
        }
    }
    Some(object)
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
    let waits = |line: &Property| {
        line.is(name)
            && is_recipient(line)
            && line
                .parameter("SCHEDULE-STATUS")
                .is_some_and(|known| Status::is_on_its_way(&known) && known != status.as_str())
    };
    if !object.entries().flat_map(Component::properties).any(waits) {
        return None;
    }
    let mut object = object.clone();
    object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| waits(line))
        .for_each(|line| set(line, status));
    Some(object)
}

fn set(line: &mut Property, status: &Status) {
    line.set_parameter("SCHEDULE-STATUS", status.as_str())
        .expect("codes are a valid value");
}
