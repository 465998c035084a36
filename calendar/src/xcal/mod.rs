//! xCal: iCalendar in XML (RFC 6321), of the media type `application/calendar+xml`.
//!
//! Both ways are over the tree of [`CalendarObject`]; what is kept and what is not is said in the module
//! that both formats stand on. The parts of a rule come in the order of the schema (RFC 6321 §A). Names
//! that no XML element can have (`/` or a digit at the beginning) are written with `_x002f_` for what
//! cannot stand there, and read back.
//!
//! Elements of other namespaces directly in `properties` become XML properties and the other way round
//! (RFC 6321 §4.1, §4.2); anywhere else they are passed over.
//!
//! Read is what a browser of strangers' XML must: UTF-8, no document type, no entities but the five, names
//! and characters as XML has them, and what the limits allow. Components nest as deep as
//! [`Limits::depth`] allows, which bounds the recursion of the reader.

mod name;
mod read;
#[cfg(test)]
mod tests;
mod token;
mod write;

use crate::{
    object::{CalendarObject, Component, Limits, Property},
    typed::{ReadError, only},
};

/// The media type (RFC 6321 §7.2).
pub const MEDIA_TYPE: &str = "application/calendar+xml";

/// The namespace of all elements (RFC 6321 §7.1).
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:icalendar-2.0";

/// An object as an XML document.
#[must_use]
pub fn print(object: &CalendarObject) -> Vec<u8> {
    let mut output = begin_document().to_owned();
    write::component(object.calendar(), &mut output);
    output.push_str(end_document());
    output.into_bytes()
}

/// What stands before the VCALENDAR of a document.
#[must_use]
pub fn begin_document() -> &'static str {
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<icalendar xmlns=\"urn:ietf:params:xml:ns:icalendar-2.0\">"
}

/// What stands behind it.
#[must_use]
pub fn end_document() -> &'static str {
    "</icalendar>\n"
}

/// One component as an element (RFC 6321 §3.3), to be put into a document with others.
#[must_use]
pub fn print_component(component: &Component) -> Vec<u8> {
    let mut output = String::new();
    write::component(component, &mut output);
    output.into_bytes()
}

/// One property as an element (RFC 6321 §3.4).
#[must_use]
pub fn print_property(property: &Property) -> Vec<u8> {
    let mut output = String::new();
    write::property(property, &mut output);
    output.into_bytes()
}

/// Reads the one object of a document.
///
/// # Errors
/// What is no xCal, and where; more or less than one object; more than the limits allow: octets of the
/// document, lines made of it and their length, depth.
pub fn parse(octets: &[u8], limits: &Limits) -> Result<CalendarObject, ReadError> {
    only(parse_stream(octets, limits)?)
}

/// Reads all objects of a document (RFC 6321 §3.2).
///
/// # Errors
/// As [`parse`], but for the number of objects.
pub fn parse_stream(octets: &[u8], limits: &Limits) -> Result<Vec<CalendarObject>, ReadError> {
    read::stream(octets, limits)
}
