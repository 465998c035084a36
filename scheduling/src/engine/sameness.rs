//! Whether two objects say the same, whoever wrote them down and in whatever order.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property, Zone};

use super::{answer::UNTOLD, sequence::NOTE, settle::ANSWERED, significance::canonical};

/// What the server writes on people's lines, and a client asks for once.
const OWN_PARAMETERS: [&str; 5] = [
    "SCHEDULE-STATUS",
    "SCHEDULE-FORCE-SEND",
    NOTE,
    ANSWERED,
    UNTOLD,
];

/// Whether two objects hold the same. DTSTAMP does not count, which many programs write anew with each
/// export, nor does what the server itself notes in an object; time zones count where their name alone does
/// not say what they are.
pub fn is_same_content(one: &CalendarObject, other: &CalendarObject) -> bool {
    one == other || forms(one) == forms(other)
}

/// The lines of two components without those that stand alike at the same place in both: most of what comes back from a
/// client, or from its organizer, is as it was.
fn unlike<'a>(
    one: impl Iterator<Item = &'a Property>,
    other: impl Iterator<Item = &'a Property>,
) -> (Vec<&'a Property>, Vec<&'a Property>) {
    let (mut one, mut other) = (one, other);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        match (one.next(), other.next()) {
            (None, None) => return (left, right),
            (Some(line), Some(its)) if line == its => {}
            (line, its) => {
                left.extend(line);
                right.extend(its);
            }
        }
    }
}

/// Whether the same lines stand in two components, in the form that `form` gives them and in whatever order.
pub(super) fn has_same_lines<'a>(
    one: impl Iterator<Item = &'a Property>,
    other: impl Iterator<Item = &'a Property>,
    form: impl Fn(&Property) -> String,
) -> bool {
    let sorted = |lines: Vec<&Property>| {
        let mut forms: Vec<String> = lines.into_iter().map(&form).collect();
        forms.sort();
        forms
    };
    let (left, right) = unlike(one, other);
    left.len() == right.len() && sorted(left) == sorted(right)
}

/// Whether the time zones of two objects are the same. Programs write them anew with what they know of a zone: of one
/// whose name says what it is, the name is what counts.
pub(super) fn has_same_zones(one: &CalendarObject, other: &CalendarObject) -> bool {
    let zones = |object: &CalendarObject| -> BTreeSet<String> {
        let components = object.components();
        let zones = components.filter(|component| component.is("VTIMEZONE") && counts(component));
        zones.map(form).collect()
    };
    zones(one) == zones(other)
}

fn forms(object: &CalendarObject) -> BTreeSet<String> {
    object
        .components()
        .filter(|it| counts(it))
        .map(form)
        .collect()
}

/// Whether a component may differ from another one in the same place: a zone with a known name is always the same.
fn counts(component: &Component) -> bool {
    match component.text("TZID") {
        Some(name) if component.is("VTIMEZONE") => Zone::named(&name).is_none(),
        _ => true,
    }
}

/// What a VTIMEZONE says, whatever its name, in one form.
pub(super) fn definition(zone: &Component) -> String {
    let mut zone = zone.clone();
    for name in ["TZID", "LAST-MODIFIED", "TZURL"] {
        zone.remove_properties(name);
    }
    form(&zone)
}

/// A component in one form. (The depth of components is bounded where they are read.)
fn form(component: &Component) -> String {
    let mut lines: Vec<String> = component
        .properties()
        .filter(|line| !line.is("DTSTAMP"))
        .map(|line| canonical(line, |name| is_own(line, name)))
        .chain(component.components().map(form))
        .collect();
    lines.sort();
    format!("BEGIN:{}\n{}\nEND\n", component.name(), lines.join("\n"))
}

fn is_own(line: &Property, parameter: &str) -> bool {
    matches!(line.name(), "ATTENDEE" | "ORGANIZER") && OWN_PARAMETERS.contains(&parameter)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use calendar::Limits;

    use super::*;

    fn object(lines: &str) -> CalendarObject {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{lines}\nEND:VCALENDAR\n");
        CalendarObject::parse(text.replace(' ', "\n").as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn what_is_the_same() {
        let event = |lines: &str| format!("BEGIN:VEVENT {lines} END:VEVENT");
        let zone = |name: &str, offset: &str| {
            format!(
                "BEGIN:VTIMEZONE TZID:{name} BEGIN:STANDARD DTSTART:19700101T000000 TZOFFSETFROM:{offset} TZOFFSETTO:{offset} END:STANDARD END:VTIMEZONE"
            )
        };
        let alarms = [
            "BEGIN:VALARM ACTION:X END:VALARM",
            "BEGIN:VALARM ACTION:Y END:VALARM",
        ];
        let table = [
            (event("UID:1 SUMMARY:a"), event("SUMMARY:a UID:1"), true),
            (event("UID:1 SUMMARY:a"), event("UID:1 SUMMARY:b"), false),
            (
                event("UID:1 SUMMARY:a"),
                event("UID:1 SUMMARY:a SUMMARY:a"),
                false,
            ),
            (
                event("UID:1 DTSTAMP:20260101T000000Z"),
                event("UID:1"),
                true,
            ),
            (event("UID:1 SEQUENCE:1"), event("UID:1 SEQUENCE:2"), false),
            (
                event("ATTENDEE;CN=b;SCHEDULE-STATUS=1.2;ROLE=CHAIR:mailto:b"),
                event("ATTENDEE;ROLE=CHAIR;CN=b:mailto:b"),
                true,
            ),
            (
                event("ATTENDEE;PARTSTAT=ACCEPTED:mailto:b"),
                event("ATTENDEE:mailto:b"),
                false,
            ),
            (
                event(&alarms.join(" ")),
                event(&[alarms[1], alarms[0]].join(" ")),
                true,
            ),
            (event(&alarms.join(" ")), event(alarms[0]), false),
            (
                format!(
                    "{} {}",
                    event("UID:1"),
                    event("UID:1 RECURRENCE-ID:20260101")
                ),
                format!(
                    "{} {}",
                    event("UID:1 RECURRENCE-ID:20260101"),
                    event("UID:1")
                ),
                true,
            ),
            (
                format!("{} {}", zone("Europe/Berlin", "+0100"), event("UID:1")),
                event("UID:1"),
                true,
            ),
            (
                format!("{} {}", zone("Own", "+0100"), event("UID:1")),
                format!("{} {}", zone("Own", "+0200"), event("UID:1")),
                false,
            ),
        ];
        for (one, other, same) in table {
            let (one, other) = (object(&one), object(&other));
            assert_eq!(is_same_content(&one, &other), same, "{one:?} {other:?}");
            assert_eq!(is_same_content(&other, &one), same, "{one:?} {other:?}");
        }
    }
}
