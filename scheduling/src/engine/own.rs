//! Values that the organizer sends and each attendee may change in the own copy (RFC 6638 §3.2.2.1): what the
//! organizer says of them is shown as long as the attendee says nothing else.
//!
//! Where an attendee does, a property beside it keeps what the organizer sent last. It never leaves the copy. (So what
//! is stored then is not what the client sent, and it gets no ETag.)
//!
//! Of a task, both have progress: PERCENT-COMPLETE and COMPLETED are the organizer's of all of it (RFC 5546 §4.5.6), and
//! become each attendee's as soon as they say how far they have come. There it is noted what the organizer sent, as long
//! as that is anything: what stands in a copy without a note is its owner's.
//!
//! What an attendee comments stands beside what the organizer does; a parameter tells which is theirs. Of what a client
//! stores as new nobody knows: the organizer, to whom the answer brings it, knows their own words, nobody else is told it,
//! and with the organizer's next message it goes.

use calendar::{Component, Property};

use super::{
    entry::{NEEDS_ACTION, is_cancelled},
    significance::implied,
};

/// The properties with such values.
const CHANGEABLE: [&str; 4] = ["TRANSP", "CLASS", "CATEGORIES", "PRIORITY"];
/// Those of a task that say when it was done, and how much of it is.
const PROGRESS: [&str; 2] = ["PERCENT-COMPLETE", "COMPLETED"];
/// What a task has come to, for each attendee; that it is off is the organizer's to say.
const STATUS: &str = "STATUS";
/// What the organizer sent last of one of them, and the parameter that says of which.
const SENT: &str = "X-CONVOKE-SENT";
const OF: &str = "X-CONVOKE-OF";

/// The parameter of a COMMENT that is, or may be, of the owner of the copy.
const OWN: &str = "X-CONVOKE-OWN";
const IS_OWN: &str = "TRUE";
const IS_UNKNOWN: &str = "UNKNOWN";

/// Whether a line is a comment of the copy's owner.
pub(super) fn is_own_comment(line: &Property) -> bool {
    line.is("COMMENT") && line.parameter(OWN).as_deref() == Some(IS_OWN)
}

/// Whether a line is a comment that is, or may be, of the copy's owner.
pub(super) fn may_be_own_comment(line: &Property) -> bool {
    line.is("COMMENT") && line.parameter(OWN).is_some()
}

/// Whether a component has a comment that says the same, whoever made it.
pub(super) fn has_comment(entry: &Component, comment: &Property) -> bool {
    let mut comments = entry.properties_named("COMMENT");
    comments.any(|it| it.raw_value() == comment.raw_value())
}

/// Notes which comments in a component are its owner's: those that were, and that were not there before.
fn note_comments(entry: &mut Component, before: &Component) {
    for line in entry.properties_mut().filter(|line| line.is("COMMENT")) {
        let known = before.properties_named("COMMENT");
        let known = known.filter(|it| it.raw_value() == line.raw_value());
        // what the organizer says, too, is the organizer's
        let known = known.min_by_key(|it| it.parameter(OWN).is_some());
        match known.map(|it| it.parameter(OWN)) {
            Some(Some(whose)) => mark(line, &whose),
            Some(None) => drop(line.remove_parameter(OWN)),
            None => mark(line, IS_OWN),
        }
    }
}

/// Notes in a component that nobody knows whose its comments are.
pub(super) fn note_unknown_comments(entry: &mut Component) {
    let comments = entry.properties_mut().filter(|line| line.is("COMMENT"));
    comments.for_each(|line| mark(line, IS_UNKNOWN));
}

fn mark(comment: &mut Property, whose: &str) {
    if comment.parameter(OWN).as_deref() != Some(whose) {
        comment
            .set_parameter(OWN, whose)
            .expect("a plain word is a valid value");
    }
}

/// Whether a component says how far a task has come.
pub(super) fn has_progress(entry: &Component) -> bool {
    entry.is("VTODO") && PROGRESS.iter().any(|name| entry.property(name).is_some())
}

/// Those of a component.
fn changeable(entry: &Component) -> impl Iterator<Item = &'static str> + use<> {
    let is_task = entry.is("VTODO");
    let has_status = is_task && !is_cancelled(entry);
    let progress = PROGRESS.into_iter().filter(move |_| is_task);
    let names = CHANGEABLE.into_iter().chain(progress);
    names.chain(has_status.then_some(STATUS))
}

/// What a component says by a property, in one form, or what holds where nothing is said.
fn said(entry: &Component, name: &str) -> String {
    let mut values: Vec<&str> = entry
        .properties_named(name)
        .map(|line| line.raw_value().trim())
        .collect();
    values.sort_unstable();
    in_one_form(name, values.join(","))
}

fn in_one_form(name: &str, values: String) -> String {
    match (name, implied(name)) {
        (_, Some(implied)) if values.is_empty() => implied.to_owned(),
        ("CATEGORIES", _) => values,
        _ => values.to_ascii_uppercase(),
    }
}

fn is_note_of(line: &Property, name: &str) -> bool {
    line.is(SENT) && line.parameter(OF).as_deref() == Some(name)
}

/// What the organizer sent last, as a copy has it.
fn sent(copy: &Component, name: &str) -> String {
    match copy.properties().find(|line| is_note_of(line, name)) {
        Some(note) => in_one_form(name, note.raw_value().to_owned()),
        None if PROGRESS.contains(&name) => String::new(),
        None if is_done_unnoted(copy, name) => NEEDS_ACTION.to_owned(),
        None => said(copy, name),
    }
}

/// Whether the owner of a copy did a task before there was a note of that, until November 2026: when it was done is said
/// by the owner, and what the organizer sent of STATUS then stands nowhere.
fn is_done_unnoted(copy: &Component, name: &str) -> bool {
    name == STATUS
        && copy.property("COMPLETED").is_some()
        && chose(copy, "COMPLETED")
        && said(copy, STATUS) == "COMPLETED"
        && !copy.properties().any(|line| is_note_of(line, STATUS))
}

/// Whether a line of a copy says what its owner chose and the organizer did not.
pub(super) fn is_chosen(copy: &Component, line: &Property) -> bool {
    changeable(copy).any(|name| line.is(name)) && chose(copy, line.name())
}

fn chose(copy: &Component, name: &str) -> bool {
    said(copy, name) != sent(copy, name)
}

/// What the owner of a copy says of how far a task has come.
pub(super) fn own_progress(copy: &Component) -> impl Iterator<Item = &Property> {
    let lines = copy
        .properties()
        .filter(|line| PROGRESS.iter().any(|name| line.is(name)));
    lines.filter(|line| is_chosen(copy, line))
}

/// Whether a line is such a note.
pub(super) fn is_note(line: &Property) -> bool {
    line.is(SENT)
}

/// Notes in a component that its owner has stored what the organizer sent of it, by what was there before.
pub(super) fn note_choices(entry: &mut Component, before: &Component) {
    note(entry, |name| sent(before, name));
    note_comments(entry, before);
}

/// Puts what the organizer sent in the place of what the owner of a copy chose, and takes out the comments that may be
/// theirs.
pub(super) fn restore_sent(entry: &mut Component) {
    entry.retain_properties(|line| !may_be_own_comment(line));
    let chosen: Vec<&str> = changeable(entry)
        .filter(|name| chose(entry, name))
        .collect();
    for name in chosen {
        let sent = sent(entry, name);
        entry.remove_properties(name);
        if said(entry, name) != sent {
            let line = Property::new(name, &sent).expect("the value comes from a line");
            entry.push_property(line);
        }
    }
    entry.remove_properties(SENT);
}

/// Puts what the owner of a copy chose in the place of what a new message says.
pub(super) fn keep_choices(entry: &mut Component, copy: &Component) {
    let message = entry.clone();
    let is_kept = |name: &&str| {
        let is_there = changeable(copy).any(|other| other == *name);
        is_there && chose(copy, name) && said(copy, name) != said(&message, name)
    };
    for name in changeable(&message).filter(is_kept) {
        entry.remove_properties(name);
        for line in copy.properties_named(name) {
            entry.push_property(line.clone());
        }
    }
    note(entry, |name| said(&message, name));
}

/// Notes in a component that came just now what has to be.
pub(super) fn note_sent(entry: &mut Component) {
    let message = entry.clone();
    note(entry, |name| said(&message, name));
}

/// Writes what was sent of those properties of which a component says something else, and of progress. What is so already
/// is not touched.
fn note(entry: &mut Component, sent: impl Fn(&str) -> String) {
    let notes = changeable(entry).filter_map(|name| {
        let sent = sent(name);
        let is_noted = match PROGRESS.contains(&name) {
            true => !sent.is_empty(),
            false => said(entry, name) != sent,
        };
        is_noted.then(|| {
            let mut line = Property::new(SENT, &sent).expect("the value comes from a line");
            line.set_parameter(OF, name)
                .expect("a name is a valid value");
            line
        })
    });
    let notes: Vec<Property> = notes.collect();
    if !entry.properties_named(SENT).eq(notes.iter()) {
        entry.remove_properties(SENT);
        notes.into_iter().for_each(|line| entry.push_property(line));
    }
}
