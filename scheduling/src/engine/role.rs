//! Which part the owner of a calendar plays in an object (RFC 6638 §3.1).

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use calendar::{CalendarObject, Component};
use storage::model::{Principal, PrincipalId};

use super::{
    Directory, Fault,
    directory::{normal, normalise},
    entry::{Agent, agent, attendees, can_be_scheduled},
    significance::is_person,
};

/// The part of a calendar's owner in an object. The owner decides, never the person who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// ORGANIZER is one of the owner's addresses.
    Organizer,
    /// ORGANIZER is somebody else, and some ATTENDEE is one of the owner's addresses.
    Attendee,
    /// Not a scheduling object resource.
    None,
}

/// All calendar user addresses in the two objects, those of SENT-BY and of delegates too, as written, each person's once
/// for each form in which it is compared. (A thousand attendees are a thousand addresses: one batch.)
pub fn addresses(before: Option<&CalendarObject>, after: Option<&CalendarObject>) -> Vec<String> {
    let mut seen: HashSet<Cow<'_, str>> = HashSet::new();
    let mut addresses = Vec::new();
    let objects = [before, after].into_iter().flatten();
    let lines = objects
        .flat_map(CalendarObject::entries)
        .flat_map(Component::properties);
    for line in lines.filter(|line| is_person(line)) {
        if seen.insert(normal(line.raw_value())) {
            addresses.push(line.raw_value().trim().to_owned());
        }
        for parameter in line.parameters().filter(|it| names_others(it.name())) {
            for other in parameter.values() {
                if seen.insert(Cow::Owned(normalise(&other))) {
                    addresses.push(other.trim().to_owned());
                }
            }
        }
    }
    addresses
}

/// Whether a parameter has addresses of other people than the one whose line it stands on.
fn names_others(parameter: &str) -> bool {
    const OTHERS: [&str; 3] = ["SENT-BY", "DELEGATED-TO", "DELEGATED-FROM"];
    OTHERS.iter().any(|it| parameter.eq_ignore_ascii_case(it))
}

/// The groups that the server invites, in whichever part, of those that the directory knows with their members.
pub fn groups(object: &CalendarObject, directory: &Directory) -> BTreeSet<PrincipalId> {
    let lines = object.entries().flat_map(attendees);
    lines
        .filter(|line| agent(line) == Agent::Server)
        .filter(|line| directory.members(line.raw_value()).is_some())
        .filter_map(|line| Some(directory.local(line.raw_value())?.id))
        .collect()
}

/// Who is said to speak for whom in an object (SENT-BY), by their addresses, each pair once.
pub fn signatures(object: &CalendarObject) -> Vec<(String, String)> {
    let people = object.entries().flat_map(Component::properties);
    let people = people.filter(|line| is_person(line));
    let mut signatures: Vec<(String, String)> = people
        .filter_map(|line| {
            let deputy = line.parameter("SENT-BY")?;
            Some((line.raw_value().trim().to_owned(), deputy.into_owned()))
        })
        .collect();
    signatures.sort();
    signatures.dedup();
    signatures
}

/// The organizer of an object, as written.
///
/// # Errors
/// The components name different people (RFC 6638 §3.2.4.2); a component without ORGANIZER beside
/// others that have one is let through.
pub(super) fn organizer<'a>(
    object: &'a CalendarObject,
    directory: &Directory,
) -> Result<Option<&'a str>, Fault> {
    let mut organizers = object
        .entries()
        .filter_map(|entry| entry.raw_value("ORGANIZER"))
        .map(str::trim);
    let first = organizers.next();
    match first {
        Some(first) if organizers.any(|other| !directory.same_person(first, other)) => {
            Err(Fault::SeveralOrganizers)
        }
        _ => Ok(first.filter(|organizer| !organizer.is_empty())),
    }
}

/// The owner's part in an object.
///
/// # Errors
/// [`Fault::SeveralOrganizers`].
pub fn role(
    object: &CalendarObject,
    owner: PrincipalId,
    directory: &Directory,
) -> Result<Role, Fault> {
    let Some(organizer) = organizer(object, directory)? else {
        return Ok(Role::None);
    };
    if !can_be_scheduled(object) {
        return Ok(Role::None);
    }
    if directory.is(organizer, owner) {
        return Ok(Role::Organizer);
    }
    let invited = object
        .entries()
        .flat_map(attendees)
        .any(|attendee| directory.is(attendee.raw_value(), owner));
    Ok(if invited { Role::Attendee } else { Role::None })
}

/// Why an object is no scheduling object resource of its owner's, who has no part in it (RFC 6638 §3.1); `None` where it
/// names nobody.
pub fn why_not_scheduled(object: &CalendarObject) -> Option<&'static str> {
    let mut lines = object.entries().flat_map(Component::properties);
    if !lines.any(is_person) {
        return None;
    }
    let mut entries = object.entries();
    let has_organizer = entries.any(|entry| entry.property("ORGANIZER").is_some());
    Some(match (can_be_scheduled(object), has_organizer) {
        (false, _) => "only events and to-dos are scheduled",
        (true, false) => "it has no ORGANIZER, so that nobody invites its attendees",
        (true, true) => "ORGANIZER is none of the owner's addresses, and no ATTENDEE is one",
    })
}

/// The local organizer whose copy of the event (by its UID) [`super::plan`] needs: where the owner is
/// an attendee of somebody on this server.
pub fn organizer_to_load(
    before: Option<&CalendarObject>,
    after: Option<&CalendarObject>,
    owner: PrincipalId,
    directory: &Directory,
) -> Option<Arc<Principal>> {
    let object = before
        .into_iter()
        .chain(after)
        .find(|object| role(object, owner, directory) == Ok(Role::Attendee))?;
    directory
        .local(organizer(object, directory).ok()??)
        .cloned()
}
