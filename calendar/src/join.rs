//! Many calendar objects as one stream with one VCALENDAR: what an export needs, and the opposite of
//! [`mod@crate::split`].
//!
//! The lines of all components stay as they are. Each time zone stands there once, before the first
//! component that names it; where two objects mean different zones by one TZID, the second one gets a name
//! of its own, in its component's lines too.

use std::collections::HashMap;

use bytes::Bytes;

use crate::object::{CalendarObject, Component, EditError, Property};

/// Who writes the stream (RFC 5545 §3.7.3).
const PRODUCT: &str = "-//Convoke//EN";

/// A stream that is being written, piece by piece.
#[derive(Debug, Default)]
pub struct Join {
    /// The zones in the stream, as octets, by the TZID that they have there.
    zones: HashMap<String, Bytes>,
}

impl Join {
    /// A stream with nothing in it.
    #[must_use]
    pub fn new() -> Join {
        Join::default()
    }

    /// The first piece: BEGIN, and the properties of the calendar as a whole, such as NAME (RFC 7986 §5.1), with
    /// their values as TEXT.
    ///
    /// # Errors
    /// A name or value that no line can carry.
    pub fn begin(properties: &[(&str, &str)]) -> Result<Bytes, EditError> {
        let mut calendar = Component::new("VCALENDAR")?;
        calendar.push_property(Property::new("VERSION", "2.0")?);
        calendar.push_property(Property::new("PRODID", PRODUCT)?);
        for (name, text) in properties {
            calendar.push_property(Property::with_text(name, text)?);
        }
        let whole = calendar.to_octets();
        Ok(whole.slice(..whole.len() - Join::end().len()))
    }

    /// The next piece: an object's components, with the zones that are not in the stream yet.
    pub fn add(&mut self, object: &CalendarObject) -> Bytes {
        let mut renamed: HashMap<String, String> = HashMap::new();
        let mut output = Vec::new();
        for zone in object.components().filter(|it| it.is("VTIMEZONE")) {
            let Some(name) = zone.text("TZID") else {
                continue;
            };
            let (known_as, is_new) = self.name_for(&name, zone);
            if is_new {
                output.extend_from_slice(&lines_of(&with_name(zone, &name, &known_as)));
            }
            if known_as != name {
                renamed.insert(name.into_owned(), known_as);
            }
        }
        for entry in object.entries() {
            match renamed.is_empty() {
                true => output.extend_from_slice(&lines_of(entry)),
                false => output.extend_from_slice(&lines_of(&in_zones(entry, &renamed))),
            }
        }
        Bytes::from(output)
    }

    /// The last piece.
    #[must_use]
    pub fn end() -> Bytes {
        Bytes::from_static(b"END:VCALENDAR\r\n")
    }

    /// What a zone is called in the stream, and whether it is not there yet.
    fn name_for(&mut self, name: &str, zone: &Component) -> (String, bool) {
        let octets = lines_of(zone);
        for number in 1_u32.. {
            let candidate = match number {
                1 => name.to_owned(),
                _ => format!("{name} ({number})"),
            };
            match self.zones.get(&candidate) {
                Some(known) if *known == octets => return (candidate, false),
                Some(_) => {}
                None => {
                    self.zones.insert(candidate.clone(), octets);
                    return (candidate, true);
                }
            }
        }
        (name.to_owned(), false)
    }
}

/// The octets of a component, with the line ends of the stream.
fn lines_of(component: &Component) -> Bytes {
    let octets = component.to_octets();
    if octets.ends_with(b"\r\n") {
        return octets;
    }
    let mut around =
        CalendarObject::from_calendar(Component::new("VCALENDAR").expect("VCALENDAR is a name"));
    around.calendar_mut().push_component(component.clone());
    let ended = around
        .calendar()
        .components()
        .next()
        .map(Component::to_octets);
    ended.unwrap_or(octets)
}

fn with_name(zone: &Component, name: &str, known_as: &str) -> Component {
    let mut zone = zone.clone();
    if name != known_as
        && let Some(line) = zone.property_mut("TZID")
    {
        // A TZID that was read is a text that can be written.
        let _ = line.set_text(known_as);
    }
    zone
}

/// A component whose lines name their zones as the stream does.
fn in_zones(component: &Component, renamed: &HashMap<String, String>) -> Component {
    let mut component = component.clone();
    component.for_each_mut(|component| {
        for line in component.properties_mut() {
            let known_as = line.parameter("TZID").and_then(|name| renamed.get(&*name));
            if let Some(known_as) = known_as {
                let _ = line.set_parameter("TZID", known_as);
            }
        }
    });
    component
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Limits, Split};

    fn object(uid: &str, zone: &str, offset: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:{zone}\r\nBEGIN:STANDARD\r\n\
             DTSTART:19700101T000000\r\nTZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
             BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID={zone}:20260101T090000\r\n\
             SUMMARY:a\r\n b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn joined(objects: &[CalendarObject]) -> String {
        let mut join = Join::new();
        let mut stream = Join::begin(&[("NAME", "My, own")]).unwrap().to_vec();
        for object in objects {
            stream.extend_from_slice(&join.add(object));
        }
        stream.extend_from_slice(&Join::end());
        String::from_utf8(stream).unwrap()
    }

    #[test]
    fn each_zone_once_and_all_lines_as_they_are() {
        let objects = [object("a", "One", "+0100"), object("b", "One", "+0100")];
        let stream = joined(&objects);
        assert!(stream.starts_with(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Convoke//EN\r\nNAME:My\\, own\r\n"
        ));
        assert_eq!(stream.matches("BEGIN:VTIMEZONE").count(), 1);
        assert_eq!(stream.matches("SUMMARY:a\r\n b\r\n").count(), 2);
        let split = Split::new(Bytes::from(stream), &Limits::default());
        assert_eq!(split.calendar_text(&["NAME"]).as_deref(), Some("My, own"));
        let again: Vec<_> = split.map(|piece| piece.object.unwrap()).collect();
        for (one, other) in objects.iter().zip(&again) {
            assert!(one.components().eq(other.components()));
        }
    }

    /// Two zones of one name stay two, always with the same names.
    #[test]
    fn zones_that_differ_get_names_of_their_own() {
        let objects = [
            object("a", "One", "+0100"),
            object("b", "One", "+0200"),
            object("c", "One", "+0200"),
        ];
        let stream = joined(&objects);
        assert_eq!(stream.matches("BEGIN:VTIMEZONE").count(), 2);
        assert_eq!(stream.matches("DTSTART;TZID=One (2):").count(), 2);
        assert_eq!(stream.matches("TZID:One (2)\r\n").count(), 1);
        let split = Split::new(Bytes::from(stream), &Limits::default());
        assert!(
            split
                .map(|piece| piece.object.unwrap())
                .all(|it| it.components().count() == 2)
        );
    }

    #[test]
    fn other_line_ends_become_those_of_the_stream() {
        let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTODO\nUID:a\nEND:VTODO\nEND:VCALENDAR\n";
        let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(
            Join::new().add(&object),
            "BEGIN:VTODO\r\nUID:a\r\nEND:VTODO\r\n"
        );
    }
}
