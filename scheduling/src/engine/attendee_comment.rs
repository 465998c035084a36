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

/// Notes in a part of the organizer's object what somebody comments who answers it. An answer tells what is new: one without
/// a comment takes none back.
pub(super) fn note(
    target: &mut Component,
    address: &str,
    answer: &Component,
    directory: &Directory,
    now: Timestamp,
) {
    let comments = answer.properties_named("COMMENT");
    let comments: Vec<&str> = comments.map(Property::raw_value).collect();
    if comments.is_empty() {
        return;
    }
    target.retain_properties(|line| {
        !whose(line).is_some_and(|it| directory.same_person(&it, address))
    });
    let line = Property::new(NAME, &comments.join("\\n"))
        .and_then(|line| line.with_parameter(STAMP, &utc(now)))
        .and_then(|line| line.with_parameter(REFERENCE, address));
    // an address that no parameter can hold is nobody's
    if let Ok(line) = line {
        target.push_property(line);
    }
}

/// Keeps in a part of the organizer's object what attendees commented, as long as they are in it, whatever a client makes
/// of it: some leave it out, and others send what was there before.
pub(super) fn keep(entry: &mut Component, before: Option<&Component>, directory: &Directory) {
    let known = before.into_iter().flat_map(Component::properties);
    let kept = known.filter(|line| {
        let mut people = attendees(entry);
        whose(line)
            .is_some_and(|it| people.any(|person| directory.same_person(person.raw_value(), &it)))
    });
    let kept: Vec<Property> = kept.cloned().collect();
    if kept.iter().eq(entry.properties_named(NAME)) {
        return;
    }
    entry.retain_properties(|line| !line.is(NAME));
    for line in kept {
        entry.push_property(line);
    }
}

/// Whose comment a line is.
fn whose(line: &Property) -> Option<String> {
    let reference = line.is(NAME).then(|| line.parameter(REFERENCE))?;
    Some(reference?.into_owned())
}
