//! Leap seconds (RFC 7808 §5.6, §6.4), which the zones themselves do not count.

use calendar::zone::data;
use serde::Serialize;

use super::list::PUBLISHER;

#[derive(Serialize)]
pub(super) struct LeapSeconds {
    expires: String,
    publisher: &'static str,
    version: &'static str,
    leapseconds: Vec<LeapSecond>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct LeapSecond {
    utc_offset: i32,
    onset: String,
}

/// Those of the data in use.
pub(super) fn leap_seconds() -> LeapSeconds {
    let known = data::in_use().leap_seconds();
    let onsets = known.table.onsets.iter();
    LeapSeconds {
        expires: known.table.expires.to_string(),
        publisher: PUBLISHER,
        version: &known.release,
        leapseconds: onsets
            .map(|(day, utc_offset)| LeapSecond {
                utc_offset: *utc_offset,
                onset: day.to_string(),
            })
            .collect(),
    }
}
