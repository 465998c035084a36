//! Leap seconds (RFC 7808 §5.6, §6.4), which the zones themselves do not count.

use serde::Serialize;

use super::list::PUBLISHER;

/// The release of the IANA database whose table this is, and how far it knows.
const VERSION: &str = "2025b";
const EXPIRES: &str = "2026-06-28";

/// From when on UTC has been behind TAI by how many seconds (IERS Bulletin C).
const TABLE: [(&str, u8); 28] = [
    ("1972-01-01", 10),
    ("1972-07-01", 11),
    ("1973-01-01", 12),
    ("1974-01-01", 13),
    ("1975-01-01", 14),
    ("1976-01-01", 15),
    ("1977-01-01", 16),
    ("1978-01-01", 17),
    ("1979-01-01", 18),
    ("1980-01-01", 19),
    ("1981-07-01", 20),
    ("1982-07-01", 21),
    ("1983-07-01", 22),
    ("1985-07-01", 23),
    ("1988-01-01", 24),
    ("1990-01-01", 25),
    ("1991-01-01", 26),
    ("1992-07-01", 27),
    ("1993-07-01", 28),
    ("1994-07-01", 29),
    ("1996-01-01", 30),
    ("1997-07-01", 31),
    ("1999-01-01", 32),
    ("2006-01-01", 33),
    ("2009-01-01", 34),
    ("2012-07-01", 35),
    ("2015-07-01", 36),
    ("2017-01-01", 37),
];

#[derive(Serialize)]
pub(super) struct LeapSeconds {
    expires: &'static str,
    publisher: &'static str,
    version: &'static str,
    leapseconds: Vec<LeapSecond>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct LeapSecond {
    utc_offset: u8,
    onset: &'static str,
}

pub(super) fn leap_seconds() -> LeapSeconds {
    let leapseconds = TABLE
        .iter()
        .map(|&(onset, utc_offset)| LeapSecond { utc_offset, onset });
    LeapSeconds {
        expires: EXPIRES,
        publisher: PUBLISHER,
        version: VERSION,
        leapseconds: leapseconds.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They come at the end of June or December, one at a time, and none was ever taken away.
    #[test]
    fn the_table_is_plausible() {
        assert!(
            TABLE
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 + 1 == pair[1].1)
        );
        assert!(
            TABLE
                .iter()
                .all(|(onset, _)| onset.ends_with("-01-01") || onset.ends_with("-07-01"))
        );
        assert!(TABLE[TABLE.len() - 1].0 < EXPIRES);
    }
}
