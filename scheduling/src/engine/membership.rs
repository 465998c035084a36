//! Who came into a group, or left it, after a meeting was made to which the group is invited.
//!
//! What comes out is the organizer's object as the organizer would have stored it, and goes the way of any edit:
//!
//! - Who came is invited as with the group (RFC 5545 §3.2.11): to the series, which is the whole of it (no message says
//!   "from now on" of a series without making it two, RFC 5546 §3.2.2), and to those instances with a component of
//!   their own that are not over. Of the others the new member is told that they do not take place (RFC 6638 §3.2.6).
//! - Who left and is invited by no other group, and not personally, is not invited any more, to all that is not over: to
//!   the series as the whole of it, for a CANCEL of single instances would leave it (RFC 5546 §3.2.5), and to instances
//!   to come. Those with a component of their own that are over say who was there. As who left are those whom they sent in
//!   their stead.
//! - Whom the organizer took out stays out: only who came just now is brought in.

use std::collections::BTreeSet;

use calendar::{Budget, CalendarObject, Component, Property, RecurrenceSet, TimeRange, Zone};
use storage::{
    Timestamp,
    model::{Principal, PrincipalId},
};

use super::{
    Directory,
    delegation::{DELEGATED_FROM, invite_too, withdraw},
    directory::Person,
    entry::{Agent, agent, attendees},
    meeting::Meeting,
    plan::member_line,
};

/// A change of who is in a group.
#[derive(Clone, Copy, Debug)]
pub struct MembersChanged<'a> {
    /// The organizer, whom nobody invites.
    pub owner: PrincipalId,
    /// The group.
    pub group: PrincipalId,
    /// Who came; who is not in it any more came for nothing.
    pub joined: &'a BTreeSet<PrincipalId>,
    /// Who left; who is in it again did not.
    pub left: &'a BTreeSet<PrincipalId>,
    /// The moment.
    pub now: Timestamp,
    /// Where floating times are read.
    pub floating: &'a Zone,
}

/// What that makes of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersFollowed {
    /// The object to store.
    pub object: CalendarObject,
    /// The addresses of who is invited now.
    pub came: BTreeSet<String>,
    /// Of who is not invited any more.
    pub went: BTreeSet<String>,
}

/// The organizer's object after such a change; `None` where the change means nothing for it: all who came are invited
/// already, and who left is invited otherwise, or the meeting is called off.
pub fn follow_members(
    object: &CalendarObject,
    directory: &Directory,
    change: &MembersChanged<'_>,
) -> Option<MembersFollowed> {
    if Meeting::of(object).is_called_off() {
        return None;
    }
    let mut followed = MembersFollowed {
        object: object.clone(),
        came: BTreeSet::new(),
        went: BTreeSet::new(),
    };
    let is_over: Vec<bool> = object
        .entries()
        .map(|entry| is_over(object, entry, change.now, change.floating))
        .collect();
    for (entry, is_over) in followed.object.entries_mut().zip(is_over) {
        if !is_over {
            take_out(entry, directory, change, &mut followed.went);
            bring_in(entry, directory, change, &mut followed.came);
        }
    }
    (followed.object != *object).then_some(followed)
}

/// Whether an instance that has a component of its own is over. The series is not: that is looked at before.
pub(super) fn is_over(
    object: &CalendarObject,
    entry: &Component,
    now: Timestamp,
    floating: &Zone,
) -> bool {
    if entry.property("RECURRENCE-ID").is_none() {
        return false;
    }
    let to_come = TimeRange {
        start: jiff::Timestamp::from_millisecond(now.0).ok(),
        end: None,
    };
    let set = RecurrenceSet::of_components(object, [entry], floating);
    let found = set.occurrences(&to_come, &mut Budget::default());
    found.is_ok_and(|found| found.is_empty())
}

/// The group as it stands among those attendees of a component whom the server invites.
fn line_of_group<'a>(
    entry: &'a Component,
    directory: &Directory,
    group: PrincipalId,
) -> Option<&'a Property> {
    let mut lines = attendees(entry).filter(|line| agent(line) == Agent::Server);
    lines.find(|line| directory.is(line.raw_value(), group))
}

fn bring_in(
    entry: &mut Component,
    directory: &Directory,
    change: &MembersChanged<'_>,
    came: &mut BTreeSet<String>,
) {
    let Some(group) = line_of_group(entry, directory, change.group).cloned() else {
        return;
    };
    let members = directory.members(group.raw_value()).unwrap_or_default();
    let is_new =
        |member: &&&Principal| change.joined.contains(&member.id) && member.id != change.owner;
    let members: Vec<&Principal> = members.iter().map(|member| &**member).collect();
    for member in members.iter().filter(is_new) {
        let address = member.addresses.first();
        let line = address.and_then(|address| member_line(address, member, &group));
        let Some(line) = line else { continue };
        if !invite_too(entry, &line, directory) {
            came.insert(line.raw_value().to_owned());
            entry.push_property(line);
        }
    }
}

fn take_out(
    entry: &mut Component,
    directory: &Directory,
    change: &MembersChanged<'_>,
    went: &mut BTreeSet<String>,
) {
    let mut gone: BTreeSet<Person> = BTreeSet::new();
    for line in entry.properties_mut().filter(|line| line.is("ATTENDEE")) {
        match stands_by(line, directory, change) {
            Stands::Otherwise => {}
            Stands::ByOthers(groups) if groups.is_empty() => {
                line.remove_parameter("MEMBER");
            }
            Stands::ByOthers(groups) => {
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                let _ = line.set_parameter_values("MEMBER", &groups);
            }
            Stands::Nowhere => {
                gone.insert(directory.person(line.raw_value()));
            }
        }
    }
    if gone.is_empty() {
        return;
    }
    let addresses = |entry: &Component| -> BTreeSet<String> {
        let lines = attendees(entry);
        lines
            .map(|line| line.raw_value().trim().to_owned())
            .collect()
    };
    let before = addresses(entry);
    withdraw(entry, directory, |sender, _| gone.contains(sender));
    entry.retain_properties(|line| {
        !(line.is("ATTENDEE") && gone.contains(&directory.person(line.raw_value())))
    });
    went.extend(before.difference(&addresses(entry)).cloned());
}

/// By what somebody is in a meeting.
enum Stands {
    /// By nothing that has to do with the change.
    Otherwise,
    /// By these groups, after it, or none where others send them.
    ByOthers(Vec<String>),
    /// By nothing any more.
    Nowhere,
}

fn stands_by(line: &Property, directory: &Directory, change: &MembersChanged<'_>) -> Stands {
    let Person::Local(person) = directory.person(line.raw_value()) else {
        return Stands::Otherwise;
    };
    let groups = line.parameter_values("MEMBER");
    let is_in = |group: &str| {
        let members = directory.members(group).unwrap_or_default();
        members.iter().any(|member| member.id == person)
    };
    let is_changed = |group: &str| directory.is(group, change.group);
    if !change.left.contains(&person)
        || !groups
            .iter()
            .any(|group| is_changed(group) && !is_in(group))
    {
        return Stands::Otherwise;
    }
    let others: Vec<String> = groups
        .iter()
        .filter(|group| is_in(group))
        .map(|group| group.to_string())
        .collect();
    match others.is_empty() && line.parameter(DELEGATED_FROM).is_none() {
        true => Stands::Nowhere,
        false => Stands::ByOthers(others),
    }
}
