//! Many calendar objects as one stream with one VCALENDAR: what an export needs, and the opposite of
//! [`mod@crate::split`].
//!
//! The lines of all components stay as they are. What becomes of time zones is said in [`mod@crate::export`].

use bytes::Bytes;

use crate::{
    export::Export,
    object::{CalendarObject, Component, EditError, Property},
};

/// Who writes the stream (RFC 5545 §3.7.3).
const PRODUCT: &str = "-//Convoke//EN";

/// A stream that is being written, piece by piece.
#[derive(Debug, Default)]
pub struct Join {
    export: Export,
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
        let components = self.export.components(object.clone());
        let octets: Vec<Bytes> = components.iter().map(Component::to_octets).collect();
        Bytes::from(octets.concat())
    }

    /// The last piece.
    #[must_use]
    pub fn end() -> Bytes {
        Bytes::from_static(b"END:VCALENDAR\r\n")
    }
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
