//! What identifies a component and places it in time, found in one pass.

use super::{Component, Property};

/// The properties that say which component this is and when it is, each the first of its name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Landmarks<'o> {
    /// UID.
    pub uid: Option<&'o Property>,
    /// RECURRENCE-ID.
    pub recurrence_id: Option<&'o Property>,
    /// DTSTART.
    pub start: Option<&'o Property>,
    /// DTEND.
    pub end: Option<&'o Property>,
    /// DUE.
    pub due: Option<&'o Property>,
    /// DURATION.
    pub duration: Option<&'o Property>,
    /// ORGANIZER.
    pub organizer: Option<&'o Property>,
    /// How many ATTENDEEs there are.
    pub attendees: usize,
    /// There is an RRULE or an RDATE.
    pub has_rule: bool,
    /// The first of those above that stands there although one of its name did before.
    pub repeated: Option<&'o Property>,
}

impl<'o> Landmarks<'o> {
    /// The landmarks of a component; those of the components within are not among them.
    #[must_use]
    pub fn of(component: &'o Component) -> Landmarks<'o> {
        let mut found = Landmarks::default();
        for property in component.properties() {
            let place = match property.name_octets() {
                b"UID" => &mut found.uid,
                b"RECURRENCE-ID" => &mut found.recurrence_id,
                b"DTSTART" => &mut found.start,
                b"DTEND" => &mut found.end,
                b"DUE" => &mut found.due,
                b"DURATION" => &mut found.duration,
                b"ORGANIZER" => &mut found.organizer,
                b"ATTENDEE" => {
                    found.attendees += 1;
                    continue;
                }
                b"RRULE" | b"RDATE" => {
                    found.has_rule = true;
                    continue;
                }
                _ => continue,
            };
            match place {
                Some(_) => found.repeated = found.repeated.or(Some(property)),
                None => *place = Some(property),
            }
        }
        found
    }

    /// Whether the component stands for more than itself, or for an instance of what does: it has RRULE,
    /// RDATE or RECURRENCE-ID.
    #[must_use]
    pub fn is_recurring(&self) -> bool {
        self.has_rule || self.recurrence_id.is_some()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::object::Limits;

    fn component(lines: &str) -> Component {
        let text = format!("BEGIN:VEVENT {lines} END:VEVENT").replace(' ', "\r\n");
        Component::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    /// Each landmark is what a search by its name finds.
    #[test]
    fn as_a_search_by_name() {
        let table = [
            "UID:1 DTSTART:20260101 DTEND:20260102 SUMMARY:x",
            "uid:1 dtstart;TZID=A/B:20260101T090000 duration:PT1H X-UID:2 x:y",
            "RECURRENCE-ID:20260101 DUE:20260102 DUE:20260103 UID:2 UID:3",
            "ORGANIZER:mailto:a ATTENDEE:mailto:b Attendee:mailto:c",
            "BEGIN:VALARM UID:4 DURATION:PT5M ATTENDEE:mailto:d END:VALARM UID:5",
            "DESCRIPTION:x RRULE:FREQ=DAILY",
            "RDATE:20260101",
            "EXDATE:20260101 DTSTAMP:20260101T000000Z DURATIONS:x DTSTAR:x",
            "X-EMPTY:",
        ];
        for lines in table {
            let component = component(lines);
            let found = Landmarks::of(&component);
            let pairs = [
                ("UID", found.uid),
                ("RECURRENCE-ID", found.recurrence_id),
                ("DTSTART", found.start),
                ("DTEND", found.end),
                ("DUE", found.due),
                ("DURATION", found.duration),
                ("ORGANIZER", found.organizer),
            ];
            for (name, landmark) in pairs {
                assert_eq!(
                    landmark.map(Property::line_number),
                    component.property(name).map(Property::line_number),
                    "{name} in {lines}"
                );
            }
            let repeated = component.properties().find(|property| {
                let first = component.property(property.name());
                pairs.iter().any(|(name, _)| property.is(name))
                    && first.map(Property::line_number) != Some(property.line_number())
            });
            assert_eq!(
                found.repeated.map(Property::line_number),
                repeated.map(Property::line_number),
                "repeated in {lines}"
            );
            let count = |name| component.properties_named(name).count();
            assert_eq!(found.attendees, count("ATTENDEE"), "{lines}");
            assert_eq!(found.has_rule, count("RRULE") + count("RDATE") > 0);
            assert_eq!(
                found.is_recurring(),
                found.has_rule || count("RECURRENCE-ID") > 0,
                "{lines}"
            );
        }
    }
}
