//! What attendees comment with their answers stands in the organizer's object, too, where clients show it beside them
//! (caldav-privatecomments §3.2, §4.1.5). It is for the organizer alone: no message tells it.
//!
//! An attendee says it by COMMENT (RFC 5546 §3.2.3), or by a property of its own, which Apple's clients write (§4.1.4) and
//! which is in no message but the answer. All that they comment is in each answer: one without takes it back.

use calendar::{Component, Property};
use storage::Timestamp;

use super::{Directory, entry::attendees, message::utc};

/// The property of one attendee.
const NAME: &str = "X-CALENDARSERVER-ATTENDEE-COMMENT";
/// Whose it is, and since when.
const REFERENCE: &str = "X-CALENDARSERVER-ATTENDEE-REF";
const STAMP: &str = "X-CALENDARSERVER-DTSTAMP";
/// The property in the attendee's copy, and in the answer.
const PRIVATE: &str = "X-CALENDARSERVER-PRIVATE-COMMENT";

/// What a component of an attendee's copy, or of their answer, says to the organizer alone.
pub(super) fn private(entry: &Component) -> Option<&Property> {
    entry.property(PRIVATE)
}

/// Whether a line is such a comment.
pub(super) fn is_private(line: &Property) -> bool {
    line.is(PRIVATE)
}

/// Notes in a part of the organizer's object what somebody comments who answers it. What is taken back leaves an empty one
/// with the moment (§3.2, note 1).
pub(super) fn note(
    target: &mut Component,
    address: &str,
    answer: &Component,
    directory: &Directory,
    now: Timestamp,
) {
    let is_theirs =
        |line: &Property| whose(line).is_some_and(|whose| directory.same_person(&whose, address));
    let known = target.properties().find(|line| is_theirs(line));
    let said = said(answer);
    if known.map_or("", Property::raw_value) == said {
        return;
    }
    let line = Property::new(NAME, &said)
        .and_then(|line| line.with_parameter(STAMP, &utc(now)))
        .and_then(|line| line.with_parameter(REFERENCE, address));
    // an address that no parameter can hold is nobody's
    if let Ok(line) = line {
        target.retain_properties(|line| !is_theirs(line));
        target.push_property(line);
    }
}

/// All that an answer comments, each but once.
fn said(answer: &Component) -> String {
    let comments = private(answer).into_iter();
    let comments = comments.chain(answer.properties_named("COMMENT"));
    // Exchange writes an empty line where nobody comments anything
    let comments = comments.filter(|comment| !comment.text().trim().is_empty());
    let mut said: Vec<&str> = Vec::new();
    for comment in comments.map(Property::raw_value) {
        if !said.contains(&comment) {
            said.push(comment);
        }
    }
    said.join("\\n")
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
