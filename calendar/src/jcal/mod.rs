//! jCal: iCalendar in JSON (RFC 7265), of the media type `application/calendar+json`.
//!
//! Both ways are over the tree of [`CalendarObject`]; what is kept and what is not is said in the module
//! that both formats stand on: values that are not of their type are written as texts and come back as
//! they were. Parameters of which one is given twice become one with both values.
//!
//! Reading goes through the octets once and makes content lines as it goes, so that its memory is that of
//! the object. Components nest as deep as [`Limits::depth`] allows; the recursion of the JSON reader is
//! bounded by that.

mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::{
    object::{CalendarObject, Component, Limits, Property},
    typed::{ReadError, only},
};

/// The media type (RFC 7265 §8).
pub const MEDIA_TYPE: &str = "application/calendar+json";

/// An object as one JSON text.
#[must_use]
pub fn print(object: &CalendarObject) -> Vec<u8> {
    print_component(object.calendar())
}

/// One component as a JSON array (RFC 7265 §3.3), to be put together with others.
#[must_use]
pub fn print_component(component: &Component) -> Vec<u8> {
    let mut output = Vec::new();
    write::component(component, &mut output);
    output
}

/// One property as a JSON array (RFC 7265 §3.4).
#[must_use]
pub fn print_property(property: &Property) -> Vec<u8> {
    let mut output = Vec::new();
    write::property(property, &mut output);
    output
}

/// Reads the one object of a JSON text.
///
/// # Errors
/// What is no jCal, and where; more or less than one object; more than the limits allow: octets of the
/// text, lines made of it and their length, depth.
pub fn parse(octets: &[u8], limits: &Limits) -> Result<CalendarObject, ReadError> {
    only(parse_stream(octets, limits)?)
}

/// Reads a stream: one object, or an array of them (RFC 7265 §3.2).
///
/// # Errors
/// As [`parse`], but for the number of objects.
pub fn parse_stream(octets: &[u8], limits: &Limits) -> Result<Vec<CalendarObject>, ReadError> {
    read::stream(octets, limits)
}
