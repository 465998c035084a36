//! The content-line tree over octets (RFC 5545 §3.1 and §3.4).
//!
//! A [`CalendarObject`] is one stream with one VCALENDAR. It keeps its octets: an object that nobody
//! edited gives back its input exactly, and after an edit every untouched line is printed as it was
//! read, with its folds and its line end. Lines are slices of one shared buffer; reading a stream is
//! one pass without recursion, and its cost is linear in its octets.
//!
//! **Tolerated**, because clients send it and nothing is lost by it: bare LF and mixed line ends, CRs
//! before a line end, a byte order mark, names in lower case, a fold within a UTF-8 character, blank
//! lines, spaces after BEGIN's and END's name, no line end after the last line, unknown components
//! and properties, empty parameter values, `;;`, lists that mix quoted and unquoted values, quotes
//! within an unquoted value if they pair up, `_`, `.` and `/` in names.
//!
//! **Refused**, because storing it would harm: content outside VCALENDAR, a second VCALENDAR, BEGIN
//! and END that do not match, lines without a colon or name, an unclosed quote, octets that are not
//! UTF-8 after unfolding, characters that XML cannot carry, a CR within a line (other readers would see
//! two lines), and whatever exceeds the [`Limits`].
//!
//! **Copies** are cheap: they share one tree and its printed octets until one of them is edited.
//!
//! **Edits** cannot inject: raw values with control characters are refused, texts are escaped,
//! parameter values are encoded (RFC 6868) and quoted.

mod component;
mod error;
mod fold;
mod landmarks;
mod parameter;
mod parse;
mod property;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

pub use component::Component;
pub use error::{EditError, Limits, ParseError, ParseFault};
pub use landmarks::Landmarks;
pub use parameter::Parameter;
pub use property::Property;
pub(crate) use property::{forbidden_character, is_name};

/// One iCalendar stream with one VCALENDAR.
#[derive(Clone, Debug)]
pub struct CalendarObject {
    content: Arc<Content>,
}

/// What copies of an object share.
#[derive(Clone, Debug)]
struct Content {
    /// The octets as read, or as printed since somebody could have edited.
    octets: OnceLock<Bytes>,
    /// The same without METHOD, where somebody asked for it.
    without_method: OnceLock<CalendarObject>,
    /// A byte order mark and blank lines.
    before: Bytes,
    calendar: Component,
    /// Blank lines.
    after: Bytes,
    /// The octets are as read, and were UTF-8 as they stood, so that no line is folded within a character.
    read_as_utf8: bool,
}

impl From<Content> for CalendarObject {
    fn from(content: Content) -> CalendarObject {
        CalendarObject {
            content: Arc::new(content),
        }
    }
}

impl CalendarObject {
    /// Reads a stream; the octets are copied.
    ///
    /// # Errors
    /// What is wrong, with the physical line.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<CalendarObject, ParseError> {
        CalendarObject::parse_shared(Bytes::copy_from_slice(octets), limits)
    }

    /// Reads a stream without copying its octets.
    ///
    /// # Errors
    /// What is wrong, with the physical line.
    pub fn parse_shared(octets: Bytes, limits: &Limits) -> Result<CalendarObject, ParseError> {
        CalendarObject::parse_from(octets, limits, 1)
    }

    /// The same of octets that were cut out of a larger stream, in which they begin at this line.
    pub(crate) fn parse_from(
        octets: Bytes,
        limits: &Limits,
        first_line: usize,
    ) -> Result<CalendarObject, ParseError> {
        let parsed = parse::parse_from(&octets, limits, Some("VCALENDAR"), first_line)?;
        Ok(CalendarObject::from(Content {
            octets: OnceLock::from(octets),
            without_method: OnceLock::new(),
            before: parsed.before,
            calendar: parsed.root,
            after: parsed.after,
            read_as_utf8: parsed.is_utf8,
        }))
    }

    /// A new stream around a component, which should be a VCALENDAR.
    pub fn from_calendar(calendar: Component) -> CalendarObject {
        CalendarObject::from(Content {
            octets: OnceLock::new(),
            without_method: OnceLock::new(),
            before: Bytes::new(),
            calendar,
            after: Bytes::new(),
            read_as_utf8: false,
        })
    }

    /// The VCALENDAR.
    pub fn calendar(&self) -> &Component {
        &self.content.calendar
    }

    /// The VCALENDAR, for editing.
    pub fn calendar_mut(&mut self) -> &mut Component {
        let content = self.content_mut();
        content.read_as_utf8 = false;
        &mut content.calendar
    }

    /// Of which nothing is known any more that was worked out.
    fn content_mut(&mut self) -> &mut Content {
        let content = Arc::make_mut(&mut self.content);
        content.octets = OnceLock::new();
        content.without_method = OnceLock::new();
        content
    }

    /// The same without METHOD, as it is stored in a calendar (RFC 4791 §4.1). It is made once for all who ask a
    /// copy of this object for it.
    #[must_use]
    pub fn without_method(&self) -> CalendarObject {
        if self.calendar().property("METHOD").is_none() {
            return self.clone();
        }
        let made = self.content.without_method.get_or_init(|| {
            let mut object = self.clone();
            object.calendar_mut().remove_properties("METHOD");
            object
        });
        made.clone()
    }

    /// The components of the VCALENDAR, time zones among them.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.content.calendar.components()
    }

    /// The components other than VTIMEZONE: those that RFC 4791 §4.1 is about.
    pub fn entries(&self) -> impl Iterator<Item = &Component> {
        self.components()
            .filter(|component| !component.is("VTIMEZONE"))
    }

    /// The components other than VTIMEZONE, for editing.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Component> {
        self.calendar_mut()
            .components_mut()
            .filter(|component| !component.is("VTIMEZONE"))
    }

    /// The octets: those that were read, with edited lines replaced.
    pub fn to_octets(&self) -> Bytes {
        let content = &*self.content;
        let print = || {
            let mut output = content.before.to_vec();
            content.calendar.print_onto(&mut output);
            output.extend_from_slice(&content.after);
            Bytes::from(output)
        };
        content.octets.get_or_init(print).clone()
    }

    /// Folds those lines again that are folded within a UTF-8 character; says whether there were any.
    /// No XML report can carry the others as they stand, so a server that stores them has to mend them.
    pub fn mend_folds(&mut self) -> bool {
        if self.content.read_as_utf8 {
            return false;
        }
        let octets = self.content.octets.clone();
        let content = self.content_mut();
        let mended = content.calendar.mend_folds();
        if !mended {
            content.octets = octets;
        }
        mended
    }
}

/// Two objects are equal when all their lines are, unfolded and in order.
impl PartialEq for CalendarObject {
    fn eq(&self, other: &CalendarObject) -> bool {
        Arc::ptr_eq(&self.content, &other.content)
            || self.content.calendar == other.content.calendar
    }
}

impl Eq for CalendarObject {}
