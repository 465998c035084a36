//! Who is in one state of a meeting, and not in another one that takes its place without a word.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Property};
use storage::model::PrincipalId;

use super::{
    Directory,
    directory::Person,
    entry::{Agent, agent, attendees, is_cancelled},
    meeting::{Meeting, Part},
};

/// Whether anybody whom the server tells of a part of the owner's meeting (RFC 6638 §7.1) is not in that part of the
/// coming one. Later changes are told to those alone who are in it: nothing would ever take it out of their calendars.
pub fn leaves_out_somebody(
    standing: &CalendarObject,
    coming: &CalendarObject,
    owner: PrincipalId,
    directory: &Directory,
) -> bool {
    let (standing, coming) = (Meeting::of(standing), Meeting::of(coming));
    let all = standing.parts().chain(coming.parts());
    let parts: BTreeSet<Part> = all.map(|(part, _)| part).collect();
    let is_told = |line: &&Property| agent(line) == Agent::Server;
    parts.into_iter().any(|part| {
        let now = coming.describing(part);
        let now: BTreeSet<Person> = now
            .into_iter()
            .flat_map(attendees)
            .map(|line| directory.person(line.raw_value()))
            .collect();
        let told = standing.describing(part);
        let told = told.filter(|entry| !is_cancelled(entry)).into_iter();
        let mut told = told.flat_map(attendees).filter(is_told);
        told.any(|line| {
            !directory.is(line.raw_value(), owner)
                && !now.contains(&directory.person(line.raw_value()))
        })
    })
}
