//! Showing the other attendees what one of them answered (RFC 6638 §4.2).

use std::collections::BTreeSet;

use calendar::CalendarObject;
use storage::{Timestamp, model::Principal};

use super::{
    Delivery, Directory,
    entry::{Agent, agent, attendees, is_cancelled, single},
    message::{Message, request},
};

/// The deliveries that bring the copies of all local attendees up to date with the organizer's object,
/// except that of `replied` (an address), who knows. By nothing else are they told: no inbox item, no
/// Schedule-Tag, no mail.
pub fn refresh(
    organizer_object: &CalendarObject,
    owner: &Principal,
    directory: &Directory,
    replied: Option<&str>,
    now: Timestamp,
) -> Vec<Delivery> {
    let Some(entry) = single(organizer_object).filter(|entry| !is_cancelled(entry)) else {
        return Vec::new();
    };
    let organizer = entry.raw_value("ORGANIZER").unwrap_or_default().trim();
    let Some(message) = request(organizer, organizer_object, now) else {
        return Vec::new();
    };
    let message = Message {
        is_refresh: true,
        ..message
    };
    let mut told: BTreeSet<_> = replied
        .and_then(|replied| directory.local(replied))
        .map(|local| local.id)
        .into_iter()
        .collect();
    told.insert(owner.id);
    attendees(entry)
        .filter(|line| agent(line) == Agent::Server)
        .filter_map(|line| Some((line.raw_value().trim(), directory.local(line.raw_value())?)))
        .filter(|(_, local)| local.home.is_some() && told.insert(local.id))
        .map(|(address, local)| Delivery {
            recipient: local.clone(),
            address: address.to_owned(),
            message: message.clone(),
        })
        .collect()
}
