//! Leap seconds (RFC 7808 §5.6, §6.4), which neither zones nor calendars count.

use jiff::{Timestamp, civil, tz::TimeZone};

use super::data::BUNDLED_RELEASE;

/// From when on UTC has been behind TAI by how many seconds (IERS Bulletin C 72), and how far that is known.
const BUNDLED: [(i16, i8, i32); 28] = [
    (1972, 1, 10),
    (1972, 7, 11),
    (1973, 1, 12),
    (1974, 1, 13),
    (1975, 1, 14),
    (1976, 1, 15),
    (1977, 1, 16),
    (1978, 1, 17),
    (1979, 1, 18),
    (1980, 1, 19),
    (1981, 7, 20),
    (1982, 7, 21),
    (1983, 7, 22),
    (1985, 7, 23),
    (1988, 1, 24),
    (1990, 1, 25),
    (1991, 1, 26),
    (1992, 7, 27),
    (1993, 7, 28),
    (1994, 7, 29),
    (1996, 1, 30),
    (1997, 7, 31),
    (1999, 1, 32),
    (2006, 1, 33),
    (2009, 1, 34),
    (2012, 7, 35),
    (2015, 7, 36),
    (2017, 1, 37),
];
const BUNDLED_EXPIRES: civil::Date = civil::date(2027, 6, 28);

/// Since when UTC goes by leap seconds, and how far behind it was then: what `leapseconds` takes for granted.
const BEGINNING: (civil::Date, i32) = (civil::date(1972, 1, 1), 10);

/// More than there are: what has more is no table.
const MOST_ONSETS: usize = 1_000;
/// From 1900, as `leap-seconds.list` counts, to 1970.
const SECONDS_TO_1970: i64 = 2_208_988_800;

/// The leap seconds, and whose table it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeapSeconds {
    /// The release of the IANA database that the table came with.
    pub release: String,
    /// The table.
    pub table: LeapSecondTable,
}

/// By how much UTC is behind TAI, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeapSecondTable {
    /// The day from which on there may be more than it knows.
    pub expires: civil::Date,
    /// In order: the day from which on UTC is behind by so many seconds.
    pub onsets: Vec<(civil::Date, i32)>,
}

impl LeapSeconds {
    /// What the bundled release has.
    pub(super) fn bundled() -> LeapSeconds {
        let onset = |&(year, month, seconds)| (civil::date(year, month, 1), seconds);
        LeapSeconds {
            release: BUNDLED_RELEASE.to_owned(),
            table: LeapSecondTable {
                expires: BUNDLED_EXPIRES,
                onsets: BUNDLED.iter().map(onset).collect(),
            },
        }
    }
}

impl LeapSecondTable {
    /// From the text of `leap-seconds.list`, as the IERS gives it, or of `leapseconds`, which the IANA database makes
    /// of that. `None` where it is no such table, or does not say how far it knows.
    #[must_use]
    pub fn parse(text: &str) -> Option<LeapSecondTable> {
        let mut reading = Reading::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            reading.take(&words)?;
        }
        let (expires, onsets) = (reading.expires?, reading.onsets);
        let is_in_order = onsets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let is_table = is_in_order && onsets.len() <= MOST_ONSETS && onsets.last()?.0 < expires;
        is_table.then_some(LeapSecondTable { expires, onsets })
    }
}

/// What was read of a table.
#[derive(Default)]
struct Reading {
    expires: Option<civil::Date>,
    onsets: Vec<(civil::Date, i32)>,
}

impl Reading {
    /// Takes up a line; `None` where it is none of such a table.
    fn take(&mut self, words: &[&str]) -> Option<()> {
        match words {
            // leap-seconds.list: seconds since 1900
            ["#@", second, ..] => self.expires = Some(day_of(second, SECONDS_TO_1970)?),
            // leapseconds: seconds since 1970
            ["#expires", second, ..] => self.expires = Some(day_of(second, 0)?),
            ["Leap", year, month, day, _, sign, ..] => {
                let date = format!("{year} {month} {day}");
                let day = civil::Date::strptime("%Y %b %d", date).ok()?;
                let (_, before) = *self.onsets.last().unwrap_or(&BEGINNING);
                if self.onsets.is_empty() {
                    self.onsets.push(BEGINNING);
                }
                let step = if *sign == "-" { -1 } else { 1 };
                self.onsets.push((day.tomorrow().ok()?, before + step));
            }
            [] => {}
            [remark, ..] if remark.starts_with('#') => {}
            [second, behind, ..] => {
                let day = day_of(second, SECONDS_TO_1970)?;
                self.onsets.push((day, behind.parse().ok()?));
            }
            [_] => return None,
        }
        Some(())
    }
}

/// The day in which a second is, counted from so many seconds before 1970.
fn day_of(second: &str, before_1970: i64) -> Option<civil::Date> {
    let second: i64 = second.parse().ok()?;
    let instant = Timestamp::from_second(second.checked_sub(before_1970)?).ok()?;
    Some(TimeZone::UTC.to_datetime(instant).date())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{super::data::BUNDLED_SECOND, *};

    /// They come at the end of June or December, one at a time, and none was ever taken away.
    #[test]
    fn the_bundled_table_is_plausible_and_as_new_as_the_release() {
        let LeapSecondTable { expires, onsets } = LeapSeconds::bundled().table;
        assert!(
            onsets
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 + 1 == pair[1].1)
        );
        assert!(onsets.iter().all(|(day, _)| [1, 7].contains(&day.month())));
        let bundled = Timestamp::from_second(BUNDLED_SECOND).unwrap();
        assert!(expires > TimeZone::UTC.to_datetime(bundled).date());
    }

    #[test]
    fn tables_are_read() {
        let list = "# a remark\n#$ 3676924800\n#@ 3960057600\n#\n2272060800 10 # 1 Jan 1972\n\
            2287785600\t11\t# 1 Jul 1972\n\n#h 0 1 2\n";
        let expected = LeapSecondTable {
            expires: civil::date(2025, 6, 28),
            onsets: vec![(civil::date(1972, 1, 1), 10), (civil::date(1972, 7, 1), 11)],
        };
        assert_eq!(LeapSecondTable::parse(list), Some(expected.clone()));
        let made_of_it = "# Leap YEAR MON DAY 23:59:60 + S\nLeap\t1972\tJun\t30\t23:59:60\t+\tS\n\
            #Expires 2025 Jun 28 00:00:00\n#expires 1751068800 (2025-06-28 00:00:00 UTC)\n";
        assert_eq!(LeapSecondTable::parse(made_of_it), Some(expected));
        for broken in [
            "",
            "<html>",
            // it does not say how far it knows
            "2272060800 10",
            "#@ 3960057600",
            "#@ soon\n2272060800 10",
            "#@ 3960057600\n2272060800",
            "#expires 1751068800\nLeap 1972 Brumaire 30 23:59:60 + S",
            "#expires 1751068800",
            "#@ 3960057600\n2287785600 11\n2272060800 10",
            "#@ 2272060800\n2272060800 10",
            "#@ 9223372036854775807\n-9223372036854775808 10",
        ] {
            assert_eq!(LeapSecondTable::parse(broken), None, "{broken}");
        }
    }
}
