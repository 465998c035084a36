//! The CalDAV-Timezones header (RFC 7809 §7.1).

use calendar::zone::reference::TimeZones;
use http::{HeaderMap, HeaderName};

use super::{BadHeader, flag};

/// The header's name.
pub static CALDAV_TIMEZONES: HeaderName = HeaderName::from_static("caldav-timezones");

/// Whether calendar data is wanted with the zones that it names. Without the header it is sent as it was stored.
///
/// # Errors
/// Where it is neither `T` nor `F`.
pub fn parse(headers: &HeaderMap) -> Result<TimeZones, BadHeader> {
    Ok(
        match flag(headers, &CALDAV_TIMEZONES, "CalDAV-Timezones")? {
            None => TimeZones::AsStored,
            Some(true) => TimeZones::Included,
            Some(false) => TimeZones::LeftOut,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{super::testing::headers, *};

    #[test]
    fn the_header_says_yes_or_no() {
        assert_eq!(parse(&headers(&[])), Ok(TimeZones::AsStored));
        for (value, expected) in [
            ("T", Some(TimeZones::Included)),
            ("f", Some(TimeZones::LeftOut)),
            ("yes", None),
        ] {
            let headers = headers(&[("caldav-timezones", value)]);
            assert_eq!(parse(&headers).ok(), expected, "{value}");
        }
    }
}
