//! What scheduling reads of a component.

use calendar::{CalendarObject, Component, Property};

use super::Status;

/// The components that can be scheduled (RFC 5546 §1.4; a VJOURNAL knows no REQUEST).
const SCHEDULED: [&str; 2] = ["VEVENT", "VTODO"];

/// Who delivers messages to somebody (RFC 6638 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agent {
    Server,
    Client,
    /// Unknown values too.
    None,
}

pub(super) fn agent(person: &Property) -> Agent {
    match person.parameter("SCHEDULE-AGENT") {
        None => Agent::Server,
        Some(agent) if agent.eq_ignore_ascii_case("SERVER") => Agent::Server,
        Some(agent) if agent.eq_ignore_ascii_case("CLIENT") => Agent::Client,
        Some(_) => Agent::None,
    }
}

/// Who delivers an attendee's answers: the same on ORGANIZER in all components (RFC 6638 §7.1). Where it is not, nobody
/// said that it is not the server.
pub(super) fn agent_of_organizer(object: &CalendarObject) -> Agent {
    let lines = object.entries().filter_map(|it| it.property("ORGANIZER"));
    let mut agents = lines.map(agent);
    let first = agents.next().unwrap_or(Agent::Server);
    match agents.all(|it| it == first) {
        true => first,
        false => Agent::Server,
    }
}

/// Whether it was the server that left an object to others, as the status on its ORGANIZER says: the organizer could not
/// be reached then, and may be now.
pub(super) fn is_out_of_reach(organizer: &Property) -> bool {
    let status = organizer.parameter("SCHEDULE-STATUS");
    let failed = [Status::NOT_ALLOWED, Status::UNKNOWN_USER];
    agent(organizer) == Agent::None
        && status.is_some_and(|status| failed.iter().any(|it| it.is_in(&status)))
}

/// PARTSTAT in upper case; NEEDS-ACTION where there is none (RFC 5545 §3.2.12).
pub(super) fn participation(attendee: &Property) -> String {
    match attendee.parameter("PARTSTAT") {
        Some(status) if !status.trim().is_empty() => status.trim().to_ascii_uppercase(),
        _ => NEEDS_ACTION.to_owned(),
    }
}

/// Gives a line a parameter as another one has it, also a list; where that has none, nor has the line.
pub(super) fn adopt(line: &mut Property, from: Option<&Property>, parameter: &str) {
    let values = from.map_or_else(Vec::new, |from| from.parameter_values(parameter));
    if line.parameter_values(parameter) == values {
        return;
    }
    let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    match &values[..] {
        [] => {
            line.remove_parameter(parameter);
            Ok(())
        }
        [value] => line.set_parameter(parameter, value),
        values => line.set_parameter_values(parameter, values),
    }
    .expect("the values come from a valid line");
}

pub(super) const NEEDS_ACTION: &str = "NEEDS-ACTION";
pub(super) const DECLINED: &str = "DECLINED";

pub(super) fn attendees(entry: &Component) -> impl Iterator<Item = &Property> {
    entry.properties_named("ATTENDEE")
}

/// SEQUENCE; 0 where there is none or it is no number (RFC 5545 §3.8.7.4).
pub(super) fn sequence(entry: &Component) -> u32 {
    entry
        .raw_value("SEQUENCE")
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0)
}

pub(super) fn is_cancelled(entry: &Component) -> bool {
    entry
        .raw_value("STATUS")
        .is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"))
}

pub(super) fn uid(object: &CalendarObject) -> String {
    object
        .entries()
        .find_map(|entry| entry.text("UID"))
        .unwrap_or_default()
        .into_owned()
}

/// Whether an object is of a kind that scheduling is about.
pub(super) fn can_be_scheduled(object: &CalendarObject) -> bool {
    let mut entries = object.entries().peekable();
    entries.peek().is_some() && entries.all(|entry| SCHEDULED.contains(&entry.name()))
}
