//! Zones by name alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_time::zone::iana::IanaParserExtended;
use icu_time::zone::windows::WindowsParser;
use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use super::data;
use crate::value::UtcOffset;

/// From CLDR's short identifiers, which the Windows names map to, to IANA's names.
static IANA_NAMES: LazyLock<HashMap<icu_time::TimeZone, &'static str>> = LazyLock::new(|| {
    IanaParserExtended::new()
        .iter()
        .map(|zone| (zone.time_zone, zone.canonical))
        .collect()
});

/// A longer name is nobody's, and is not searched for.
const MAXIMUM_LENGTH: usize = 255;
/// `America/Argentina/Ushuaia`: no zone's name has more parts.
const MOST_PARTS: usize = 3;

/// The zone that a name means without doubt.
pub(super) fn certain(name: &str) -> Option<TimeZone> {
    let name = name.trim().trim_matches('"');
    if name.is_empty() || name.len() > MAXIMUM_LENGTH {
        return None;
    }
    iana(name)
        .or_else(|| windows(name))
        .or_else(|| behind_prefix(name))
        .or_else(|| utc(name))
}

/// A zone of the IANA database, in any case.
pub(super) fn iana(name: &str) -> Option<TimeZone> {
    data::in_use().get(name)
}

/// A Windows zone; the name of its daylight time is as good.
fn windows(name: &str) -> Option<TimeZone> {
    let standard = name.replace(" Daylight Time", " Standard Time");
    let short = WindowsParser::new().parse(&standard, None)?;
    iana(IANA_NAMES.get(&short)?)
}

/// The longest end of a path that is a zone: `/citadel.org/20210210_1/Europe/Berlin`, and also
/// `/example.com/America/Argentina/Ushuaia`.
fn behind_prefix(name: &str) -> Option<TimeZone> {
    let mut ends: Vec<usize> = name
        .rmatch_indices('/')
        .map(|(position, _)| position + 1)
        .take(MOST_PARTS)
        .collect();
    ends.reverse();
    let ends = ends.into_iter().map(|end| &name[end..]);
    ends.filter(|end| !end.is_empty()).find_map(iana)
}

/// What UTC is called where it has no IANA name.
fn utc(name: &str) -> Option<TimeZone> {
    const NAMES: [&str; 5] = [
        "tzone://Microsoft/Utc",
        "Coordinated Universal Time",
        "(UTC) Coordinated Universal Time",
        "Greenwich Mean Time (UTC)",
        "Z",
    ];
    let known = NAMES.iter().any(|utc| utc.eq_ignore_ascii_case(name));
    known.then_some(TimeZone::UTC)
}

/// The zone that a name shows, if it is no name: `(UTC+01:00) Amsterdam, Berlin, Bern`, `GMT+0100`.
pub(super) fn guessed(name: &str) -> Option<TimeZone> {
    let name = name.trim().trim_matches('"');
    if name.len() > MAXIMUM_LENGTH {
        return None;
    }
    displayed(name).or_else(|| fixed(name))
}

/// Windows' name for people, `(UTC±hh:mm) places`: the first place that is a zone of this offset.
fn displayed(name: &str) -> Option<TimeZone> {
    let (offset, places) = name.strip_prefix('(')?.split_once(')')?;
    let offset = offset_of(offset)?;
    let places = places.trim();
    let by_place = places
        .split(',')
        .filter_map(|place| zone_of_place(place.trim(), offset))
        .next();
    by_place
        .or_else(|| {
            // "Eastern Time (US & Canada)" is "Eastern Standard Time".
            let region = places.split(" Time").next()?;
            windows(&format!("{region} Standard Time")).filter(|zone| has_offset(zone, offset))
        })
        .or_else(|| fixed_offset(offset))
}

fn zone_of_place(place: &str, offset: UtcOffset) -> Option<TimeZone> {
    let place = place.replace(' ', "_");
    data::in_use()
        .names_of_place(&place)
        .filter_map(iana)
        .find(|zone| has_offset(zone, offset))
}

/// Whether the zone has this offset in winter or in summer.
fn has_offset(zone: &TimeZone, offset: UtcOffset) -> bool {
    [civil::date(2024, 1, 15), civil::date(2024, 7, 15)]
        .iter()
        .filter_map(|date| zone.to_timestamp(date.at(12, 0, 0, 0)).ok())
        .any(|instant| zone.to_offset(instant).seconds() == offset.seconds())
}

/// `GMT+0100`, `UTC-5`, `+01:00`.
fn fixed(name: &str) -> Option<TimeZone> {
    fixed_offset(offset_of(name)?)
}

fn fixed_offset(offset: UtcOffset) -> Option<TimeZone> {
    Offset::from_seconds(offset.seconds())
        .ok()
        .map(|offset| offset.to_time_zone())
}

/// The offset that `UTC+01:00`, `GMT-5` or `+0100` shows; UTC and GMT alone show none.
fn offset_of(text: &str) -> Option<UtcOffset> {
    let prefix = text.get(..3).unwrap_or_default();
    let is_named = ["UTC", "GMT"]
        .iter()
        .any(|utc| utc.eq_ignore_ascii_case(prefix));
    let rest = if is_named { &text[3..] } else { text };
    let rest = rest.trim();
    if is_named && rest.is_empty() {
        return "+0000".parse().ok();
    }
    let sign = rest.get(..1).filter(|sign| ["+", "-"].contains(sign))?;
    let digits = &rest[1..];
    if digits.len() == 1 {
        format!("{sign}0{digits}").parse().ok()
    } else {
        rest.parse().ok()
    }
}
