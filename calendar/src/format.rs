//! The formats in which an object can be given and taken: one table.

use bytes::Bytes;

use crate::{
    jcal,
    object::{CalendarObject, Component, Limits, ParseError, Property},
    typed::ReadError,
    xcal,
};

/// A format of calendar data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// iCalendar (RFC 5545), in which objects are stored.
    #[default]
    ICalendar,
    /// In JSON (RFC 7265).
    JCal,
    /// In XML (RFC 6321).
    XCal,
}

/// Octets that are not of their format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// No iCalendar.
    #[error(transparent)]
    ICalendar(#[from] ParseError),
    /// No jCal or xCal.
    #[error(transparent)]
    Other(#[from] ReadError),
}

impl Format {
    /// All of them; the first is what is given where nothing else is asked for.
    pub const ALL: [Format; 3] = [Format::ICalendar, Format::JCal, Format::XCal];

    /// The version of iCalendar that all of them carry (RFC 5545 §3.7.4).
    pub const VERSION: &'static str = "2.0";

    /// The media type, without parameters.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::ICalendar => "text/calendar",
            Format::JCal => jcal::MEDIA_TYPE,
            Format::XCal => xcal::MEDIA_TYPE,
        }
    }

    /// The usual ending of a file's name, with its point.
    #[must_use]
    pub fn file_ending(self) -> &'static str {
        match self {
            Format::ICalendar => ".ics",
            Format::JCal => ".json",
            Format::XCal => ".xcs",
        }
    }

    /// Of a media type without parameters, in any case.
    #[must_use]
    pub fn of_media_type(essence: &str) -> Option<Format> {
        Format::ALL
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(essence))
    }

    /// Reads one object.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(self, octets: Bytes, limits: &Limits) -> Result<CalendarObject, FormatError> {
        Ok(match self {
            Format::ICalendar => CalendarObject::parse_shared(octets, limits)?,
            Format::JCal => jcal::parse(&octets, limits)?,
            Format::XCal => xcal::parse(&octets, limits)?,
        })
    }

    /// A stream in iCalendar: one or more VCALENDARs behind each other. One in iCalendar stays as it is,
    /// read by nobody.
    ///
    /// # Errors
    /// What is wrong, with the line; never for iCalendar.
    pub fn stream_to_icalendar(self, octets: Bytes, limits: &Limits) -> Result<Bytes, FormatError> {
        let objects = match self {
            Format::ICalendar => return Ok(octets),
            Format::JCal => jcal::parse_stream(&octets, limits)?,
            Format::XCal => xcal::parse_stream(&octets, limits)?,
        };
        let streams: Vec<Bytes> = objects.iter().map(CalendarObject::to_octets).collect();
        Ok(Bytes::from(streams.concat()))
    }

    /// Prints an object: in iCalendar as it was read.
    #[must_use]
    pub fn print(self, object: &CalendarObject) -> Bytes {
        match self {
            Format::ICalendar => object.to_octets(),
            Format::JCal => Bytes::from(jcal::print(object)),
            Format::XCal => Bytes::from(xcal::print(object)),
        }
    }
}

/// Prints one VCALENDAR piece by piece, so that it need never be there as a whole: all its properties
/// first, then component after component.
#[derive(Debug)]
pub struct CalendarPrinter {
    format: Format,
    has_components: bool,
}

impl CalendarPrinter {
    /// Begins a calendar with these properties; gives its first octets.
    pub fn begin<'p>(
        format: Format,
        properties: impl IntoIterator<Item = &'p Property>,
    ) -> (CalendarPrinter, Vec<u8>) {
        let properties = properties.into_iter();
        let printer = CalendarPrinter {
            format,
            has_components: false,
        };
        let octets = match format {
            Format::ICalendar => {
                let lines = properties.map(|property| &property.octets()[..]);
                let mut octets = b"BEGIN:VCALENDAR\r\n".to_vec();
                lines.for_each(|line| octets.extend_from_slice(line));
                octets
            }
            Format::JCal => {
                let arrays: Vec<_> = properties.map(jcal::print_property).collect();
                [&b"[\"vcalendar\",["[..], &arrays.join(&b','), b"],["].concat()
            }
            Format::XCal => {
                let elements: Vec<_> = properties.map(xcal::print_property).collect();
                let begin = xcal::begin_document().as_bytes();
                let middle = b"</properties><components>";
                [
                    begin,
                    b"<vcalendar><properties>",
                    &elements.concat(),
                    middle,
                ]
                .concat()
            }
        };
        (printer, octets)
    }

    /// Appends a component.
    pub fn component(&mut self, component: &Component, output: &mut Vec<u8>) {
        match self.format {
            Format::ICalendar => output.extend_from_slice(&component.to_octets()),
            Format::JCal => {
                if self.has_components {
                    output.push(b',');
                }
                output.extend_from_slice(&jcal::print_component(component));
            }
            Format::XCal => output.extend_from_slice(&xcal::print_component(component)),
        }
        self.has_components = true;
    }

    /// The last octets.
    #[must_use]
    pub fn end(self) -> Vec<u8> {
        match self.format {
            Format::ICalendar => b"END:VCALENDAR\r\n".to_vec(),
            Format::JCal => b"]]".to_vec(),
            Format::XCal => {
                let end = xcal::end_document().as_bytes();
                [b"</components></vcalendar>", end].concat()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-A:b\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn media_types() {
        for format in Format::ALL {
            assert_eq!(Format::of_media_type(format.media_type()), Some(format));
            assert_eq!(
                Format::of_media_type(&format.media_type().to_uppercase()),
                Some(format)
            );
        }
        assert_eq!(Format::of_media_type("text/plain"), None);
    }

    #[test]
    fn each_format_reads_what_it_prints() {
        let limits = Limits::default();
        let octets = Bytes::from_static(EVENT.as_bytes());
        let object = Format::ICalendar.parse(octets.clone(), &limits).unwrap();
        for format in Format::ALL {
            let printed = format.print(&object);
            let back = format.parse(printed.clone(), &limits).unwrap();
            assert_eq!(back.to_octets(), octets);
            let stream = format.stream_to_icalendar(printed, &limits).unwrap();
            assert_eq!(stream, octets);
            assert!(format.parse(Bytes::from_static(b"x"), &limits).is_err());
        }
    }

    #[test]
    fn pieces_are_the_whole() {
        let object = CalendarObject::parse(EVENT.as_bytes(), &Limits::default()).unwrap();
        for format in Format::ALL {
            let (mut printer, mut octets) =
                CalendarPrinter::begin(format, object.calendar().properties());
            for component in object.components() {
                printer.component(component, &mut octets);
            }
            octets.extend(printer.end());
            assert_eq!(octets, format.print(&object));
            // One that holds nothing can be read, too.
            let (printer, mut octets) = CalendarPrinter::begin(format, []);
            octets.extend(printer.end());
            let empty = format.parse(octets.into(), &Limits::default()).unwrap();
            assert_eq!(empty.components().count(), 0);
        }
    }
}
