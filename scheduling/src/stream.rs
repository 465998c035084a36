//! Streams of many calendar objects, on their way in and out, for whoever knows no iCalendar: text of a file
//! becomes the objects of [`crate::Desk::import`], and objects become the text of a file.

use std::collections::BTreeSet;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Limits, Property, Split, export::Export, split::Repair};

use crate::engine::PRODUCT;

/// The properties in which streams say what their calendar is called: RFC 7986 §5.1, and what was used
/// before it.
const NAMES: [&str; 2] = ["NAME", "X-WR-CALNAME"];
/// The same of its description (RFC 7986 §5.2).
const DESCRIPTIONS: [&str; 2] = ["DESCRIPTION", "X-WR-CALDESC"];
/// The same of its colour (RFC 7986 §5.9).
const COLORS: [&str; 2] = ["X-APPLE-CALENDAR-COLOR", "COLOR"];

/// How a stream ends.
const END: &[u8] = b"END:VCALENDAR\r\n";

/// What a stream says of its calendar as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamTitle {
    /// What the calendar is called.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Its colour: a name of CSS, or #RRGGBB.
    pub color: Option<String>,
}

/// Something in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamItem {
    /// The physical line at which it begins, from 1.
    pub line: usize,
    /// Its UID; empty where it is no object.
    pub uid: String,
    /// The octets of an object that can be imported, which are UTF-8; or, in words, why it is none.
    pub object: Result<String, String>,
    /// What was missing and is supplied, in words.
    pub repairs: Vec<&'static str>,
}

/// The calendar objects of a stream, in its order.
#[derive(Debug)]
pub struct IncomingStream(Split);

impl IncomingStream {
    /// Cuts a stream. How large it may be is for whoever holds it to say.
    pub fn new(octets: Bytes) -> IncomingStream {
        IncomingStream(Split::new(octets, &Limits::default()))
    }

    /// What it says of its calendar as a whole.
    pub fn title(&self) -> StreamTitle {
        StreamTitle {
            name: self.0.calendar_text(&NAMES),
            description: self.0.calendar_text(&DESCRIPTIONS),
            color: self.0.calendar_text(&COLORS),
        }
    }

    /// The types of components in it, upper case.
    pub fn component_names(&self) -> BTreeSet<&str> {
        self.0.component_names()
    }
}

impl Iterator for IncomingStream {
    type Item = StreamItem;

    fn next(&mut self) -> Option<StreamItem> {
        let piece = self.0.next()?;
        Some(StreamItem {
            line: piece.line,
            uid: piece.uid,
            object: piece
                .object
                .map_err(|fault| fault.to_string())
                .and_then(text_of),
            repairs: piece.repairs.into_iter().map(words).collect(),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// As UTF-8, which every object is when no line of it is folded within a character.
fn text_of(mut object: CalendarObject) -> Result<String, String> {
    object.mend_folds();
    String::from_utf8(object.to_octets().to_vec()).map_err(|error| error.to_string())
}

fn words(repair: Repair) -> &'static str {
    match repair {
        Repair::Uid => "it had no UID and got one",
        Repair::TimeStamp => "it did not say when it was written",
        Repair::Version => "its VCALENDAR had no VERSION",
        Repair::Duplicate => "an instance stood there twice, and the newer one counts",
    }
}

/// A stream that is being written: one VCALENDAR, with each time zone once.
#[derive(Debug, Default)]
pub struct OutgoingStream(Export);

impl OutgoingStream {
    /// A stream and its first piece.
    pub fn begin(title: &StreamTitle) -> (OutgoingStream, Bytes) {
        let mut calendar = Component::new("VCALENDAR").expect("VCALENDAR is a name");
        calendar.push_property(line("VERSION", "2.0"));
        calendar.push_property(line("PRODID", PRODUCT));
        let all = [
            (NAMES, &title.name),
            (DESCRIPTIONS, &title.description),
            (COLORS, &title.color),
        ];
        for (names, text) in all {
            let Some(text) = text.as_deref().map(printable) else {
                continue;
            };
            // RFC 7986 §5.9 knows names of colours only.
            let takes = |name: &&str| *name != "COLOR" || !text.starts_with('#');
            for name in names.into_iter().filter(takes) {
                calendar.push_property(line(name, &text));
            }
        }
        let head = calendar.to_octets();
        let head = head.slice(..head.len() - END.len());
        (OutgoingStream(Export::new()), head)
    }

    /// The next piece: an object. `None` where the octets are none.
    pub fn add(&mut self, object: Bytes) -> Option<Bytes> {
        let limits = Limits {
            octets: usize::MAX,
            ..Limits::default()
        };
        let object = CalendarObject::parse_shared(object, &limits).ok()?;
        let components = self.0.components(object);
        Some(components.iter().flat_map(Component::to_octets).collect())
    }

    /// The last piece.
    pub fn end(self) -> Bytes {
        Bytes::from_static(END)
    }
}

/// A property of the stream itself, from a text that was made printable.
fn line(name: &str, text: &str) -> Property {
    Property::with_text(name, text).expect("the name is a name, and the text printable")
}

/// Without what no line can carry.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|it| *it == '\n' || !(it.is_control() || matches!(it, '\u{FFFE}' | '\u{FFFF}')))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OBJECT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\n\
        END:VTODO\r\nEND:VCALENDAR\r\n";

    #[test]
    fn out_and_in_again() {
        let title = StreamTitle {
            name: Some("Work; mine\u{1}".into()),
            description: Some("one\ntwo".into()),
            color: Some("#FF0000".into()),
        };
        let (mut stream, head) = OutgoingStream::begin(&title);
        let mut octets = head.to_vec();
        octets.extend_from_slice(&stream.add(Bytes::from(OBJECT)).unwrap());
        assert_eq!(stream.add(Bytes::from_static(b"nonsense")), None);
        octets.extend_from_slice(&stream.end());
        let text = String::from_utf8(octets.clone()).unwrap();
        assert!(text.contains("X-APPLE-CALENDAR-COLOR:#FF0000") && !text.contains("\r\nCOLOR"));
        let mut again = IncomingStream::new(Bytes::from(octets));
        let expected = StreamTitle {
            name: Some("Work; mine".into()),
            ..title
        };
        assert_eq!(again.title(), expected);
        assert_eq!(Vec::from_iter(again.component_names()), ["VTODO"]);
        let item = again.next().unwrap();
        assert_eq!(item.uid, "a");
        assert!(item.object.unwrap().contains("UID:a\r\n"));
        assert_eq!(again.next(), None);
    }

    /// Folded within a character it is no UTF-8; mended it is.
    #[test]
    fn what_comes_in_is_text() {
        let mut octets = OBJECT.replace("UID:a", "UID:a\r\nSUMMARY:ä").into_bytes();
        let place = octets.iter().position(|octet| *octet == 0xC3).unwrap();
        octets.splice(place + 1..place + 1, *b"\r\n ");
        let item = IncomingStream::new(Bytes::from(octets)).next().unwrap();
        assert!(item.object.unwrap().contains("SUMMARY:ä\r\n"));
    }

    #[test]
    fn what_is_none_says_why() {
        let mut stream = IncomingStream::new(Bytes::from_static(b"hello"));
        let item = stream.next().unwrap();
        assert_eq!((item.line, item.uid.as_str()), (1, ""));
        assert!(item.object.unwrap_err().contains("outside VCALENDAR"));
    }
}
