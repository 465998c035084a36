//! What attendees comment with their answers stands in the organizer's object, too, where clients show it beside them
//! (caldav-privatecomments §3.2, §4.1.5). It is for the organizer alone: no message tells it.

use calendar::{Component, Property};
use storage::Timestamp;

use super::{Directory, entry::attendees, message::utc};

/// The property of one attendee.
const NAME: &str = "X-CALENDARSERVER-ATTENDEE-COMMENT";
/// Whose it is, and since when.
const REFERENCE: &str = "X-CALENDARSERVER-ATTENDEE-REF";
const STAMP: &str = "X-CALENDARSERVER-DTSTAMP";

/// Notes in a part of the organizer's object what somebody comments who answers it. What they commented before is over: a
/// comment that is taken back stays as an empty one (§3.2, note 1).
pub(super) fn note(target: &mut Component, address: &str, answer: &Component, now: Timestamp) {
    let comments = answer.properties_named("COMMENT");
    let comments: Vec<&str> = comments.map(Property::raw_value).collect();
    let said = comments.join("\\n");
    let known = target.properties().find(|line| is_of(line, address));
    if known.map_or("", Property::raw_value) == said {
        return;
    }
    target.retain_properties(|line| !is_of(line, address));
    let line = Property::new(NAME, &said)
        .and_then(|line| line.with_parameter(STAMP, &utc(now)))
        .and_then(|line| line.with_parameter(REFERENCE, address));
    // an address that no parameter can hold is nobody's
    if let Ok(line) = line {
        target.push_property(line);
    }
}

/// Keeps in a part of the organizer's object what attendees commented, as long as they are in it: clients that do not know
/// the property leave it out.
pub(super) fn keep(entry: &mut Component, before: Option<&Component>, directory: &Directory) {
    let is_in = |entry: &Component, line: &Property| {
        let whose = line.parameter(REFERENCE).unwrap_or_default().into_owned();
        attendees(entry).any(|attendee| directory.same_person(attendee.raw_value(), &whose))
    };
    let known = before.into_iter().flat_map(|it| it.properties_named(NAME));
    let lacking: Vec<Property> = known
        .filter(|line| is_in(entry, line))
        .filter(|line| {
            let whose = line.parameter(REFERENCE).unwrap_or_default();
            !entry.properties().any(|it| is_of(it, &whose))
        })
        .cloned()
        .collect();
    let whose = |line: &Property| line.parameter(REFERENCE).map(|it| it.into_owned());
    let over = entry.properties_named(NAME);
    let over: Vec<Option<String>> = over.filter(|it| !is_in(entry, it)).map(whose).collect();
    entry.retain_properties(|line| !line.is(NAME) || !over.contains(&whose(line)));
    for line in lacking {
        entry.push_property(line);
    }
}

fn is_of(line: &Property, address: &str) -> bool {
    line.is(NAME) && line.parameter(REFERENCE).is_some_and(|it| it == address)
}
