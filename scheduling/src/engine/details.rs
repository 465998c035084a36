//! A meeting in words, for the text of a mail.

use std::borrow::Cow;

use calendar::{CalendarObject, Component, Property};

use super::{directory::mail_address, meeting::Meeting, repetition, when::in_words};
use crate::mail::Details;

/// More of a text than this is not read in a mail.
const TEXT_CHARACTERS: usize = 4_000;
/// More people than this are not listed in a mail.
const PEOPLE: usize = 50;

/// The meeting in words. UTC times are shown in `time_zone` (the sender's, IANA) if it is given.
pub(super) fn details(object: &CalendarObject, time_zone: Option<&str>) -> Details {
    let Some(entry) = Meeting::of(object).main() else {
        return Details::default();
    };
    Details {
        summary: text(entry, "SUMMARY").unwrap_or_default(),
        when: when(object, entry, time_zone),
        location: text(entry, "LOCATION"),
        // an answer has what its sender says of it
        description: text(entry, "DESCRIPTION").or_else(|| text(entry, "COMMENT")),
        organizer: entry.property("ORGANIZER").map(person).unwrap_or_default(),
        attendees: entry
            .properties_named("ATTENDEE")
            .take(PEOPLE)
            .map(person)
            .collect(),
    }
}

/// When it is, and how it repeats.
fn when(object: &CalendarObject, entry: &Component, time_zone: Option<&str>) -> String {
    let when = in_words(object, entry, time_zone);
    match repetition::in_words(entry) {
        Some(repetition) if !when.is_empty() => format!("{when}, {repetition}"),
        _ => when,
    }
}

fn text(entry: &Component, name: &str) -> Option<String> {
    let text: String = entry.text(name)?.chars().take(TEXT_CHARACTERS).collect();
    Some(text).filter(|text| !text.trim().is_empty())
}

/// "Bob Brown (bob@example.org)", or the address alone.
fn person(line: &Property) -> String {
    let address = line.raw_value().trim();
    let address = mail_address(address).unwrap_or(Cow::Borrowed(address));
    match line
        .parameter("CN")
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty() && *name != address)
    {
        Some(name) => format!("{name} ({address})"),
        None => address.into_owned(),
    }
}
