//! Properties as typed values: what jCal (RFC 7265) and xCal (RFC 6321) have in common.
//!
//! Both write a property as its name, its parameters, the type of its value, and values in a form that
//! follows from the type: no escapes in texts, dates with hyphens, periods and rules in parts.
//!
//! **Nothing is lost on the way.** What is not of its type, as it happens in calendars of the wild, is
//! written as the text that it is, and read back as that. The type of a date is told by its shape, since
//! VALUE is missing or wrong too often (as everywhere in this crate). What does not come back as it was
//! is spelling that means nothing: the case of names, escapes that need not be, signs and zeros before
//! numbers, a VALUE that says the default, and the order of properties and components.

mod definition;
mod from_line;
mod scalar;
#[cfg(test)]
mod tests;
mod to_line;

pub(crate) use definition::{Shape, Syntax, definition};
pub(crate) use from_line::{RulePart, TypedParameter, TypedProperty, Value};
pub(crate) use scalar::{Number, print_float};
pub(crate) use to_line::LineBuilder;

use crate::object::CalendarObject;

/// Octets that are no jCal or xCal, or more than is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ReadError {
    /// The line of the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

/// The one object of a stream that must have one.
pub(crate) fn only(mut objects: Vec<CalendarObject>) -> Result<CalendarObject, ReadError> {
    let reason = match (objects.pop(), objects.is_empty()) {
        (Some(object), true) => return Ok(object),
        (None, _) => "there is no vcalendar",
        (Some(_), false) => "there is a second vcalendar",
    };
    Err(ReadError {
        line: 1,
        reason: reason.into(),
    })
}
