//! Calendar objects that the store has kept.

use bytes::Bytes;
use calendar::{CalendarObject, ParseError};

/// What is stored was bounded when it was stored, by bounds that may have been wider then, and the server adds to it
/// (answers, statuses): whatever is there is to be read.
const STORED: calendar::object::Limits = calendar::object::Limits {
    octets: usize::MAX,
    lines: usize::MAX,
    line_octets: usize::MAX,
    depth: calendar::object::Limits::DEPTH,
};

/// Reads octets that the store kept for us. They were admitted once, so that an error means damage.
///
/// # Errors
/// What is wrong with them, and where.
pub fn parse_stored(octets: Bytes) -> Result<CalendarObject, ParseError> {
    CalendarObject::parse_shared(octets, &STORED)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use calendar::Limits;

    use super::*;

    /// No change from outside may be so large; what many answers made of an object may.
    #[test]
    fn all_that_is_stored_is_read() {
        let lines = "X-A:1\r\n".repeat(Limits::LINES);
        let text = format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}X-LAST:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        assert!(CalendarObject::parse(text.as_bytes(), &Limits::default()).is_err());
        let object = parse_stored(text.clone().into()).unwrap();
        assert_eq!(object.to_octets(), text);
        assert!(parse_stored("BEGIN:VCALENDAR\r\nEND:".into()).is_err());
    }
}
