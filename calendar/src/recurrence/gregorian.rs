//! The Gregorian calendar in whole numbers: days and seconds counted from 1970-01-01 of the civil
//! calendar, with no time zone anywhere. Exact for every year.

use jiff::civil;

/// Seconds of a civil day (leap seconds do not exist in civil arithmetic).
pub(crate) const SECONDS_OF_DAY: i64 = 86_400;
/// Seconds of an hour.
pub(crate) const SECONDS_OF_HOUR: i64 = 3_600;
/// Seconds of a minute.
pub(crate) const SECONDS_OF_MINUTE: i64 = 60;
/// The last year that a four-digit date can name (RFC 5545 §3.3.4); nothing recurs beyond it.
pub(crate) const LAST_YEAR: i32 = 9999;

/// Days from 1970-01-01 to the given date.
pub(crate) fn day_number(year: i32, month: u8, day: u8) -> i32 {
    // Years are counted from March, so that the leap day ends the year and month lengths are a line.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i32::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i32::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The (year, month, day) of a day number.
pub(crate) fn date_of_day(day: i32) -> (i32, u8, u8) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month = ((month_from_march + 2) % 12 + 1) as u8;
    let year = era * 400 + year_of_era + i32::from(month <= 2);
    (year, month, day)
}

/// The weekday of a day number, Monday being 0.
pub(crate) fn weekday_of_day(day: i32) -> u8 {
    (day + 3).rem_euclid(7) as u8
}

/// Whether February has 29 days.
pub(crate) fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// 365 or 366.
pub(crate) fn days_in_year(year: i32) -> i32 {
    365 + i32::from(is_leap_year(year))
}

/// 28 to 31.
pub(crate) fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The first day of week 1 of a year: the first week that has at least four days in it (RFC 5545
/// §3.3.10, ISO 8601). `week_start` is 0 for Monday.
pub(crate) fn first_week_of_year(year: i32, week_start: u8) -> i32 {
    // The week that contains January 4 is week 1, wherever weeks start.
    let fourth = day_number(year, 1, 4);
    fourth - i32::from((weekday_of_day(fourth) + 7 - week_start) % 7)
}

/// The year whose numbered weeks contain this day.
pub(crate) fn week_year_of_day(day: i32, week_start: u8) -> i32 {
    let (year, _, _) = date_of_day(day);
    if day < first_week_of_year(year, week_start) {
        year - 1
    } else if day >= first_week_of_year(year + 1, week_start) {
        year + 1
    } else {
        year
    }
}

/// Seconds from 1970-01-01T00:00:00 to a civil time, fractions cut off.
pub(crate) fn civil_seconds(civil: civil::DateTime) -> i64 {
    let day = day_number(
        i32::from(civil.year()),
        civil.month() as u8,
        civil.day() as u8,
    );
    i64::from(day) * SECONDS_OF_DAY
        + i64::from(civil.hour()) * SECONDS_OF_HOUR
        + i64::from(civil.minute()) * SECONDS_OF_MINUTE
        + i64::from(civil.second())
}

/// The civil time of a number of seconds; beyond what jiff can hold, its nearest bound.
pub(crate) fn civil_of_seconds(seconds: i64) -> civil::DateTime {
    let day = seconds.div_euclid(SECONDS_OF_DAY);
    let second_of_day = seconds.rem_euclid(SECONDS_OF_DAY);
    let bound = if seconds < 0 {
        civil::DateTime::MIN
    } else {
        civil::DateTime::MAX
    };
    let Ok(day) = i32::try_from(day) else {
        return bound;
    };
    if day.unsigned_abs() > 10_000_000 {
        return bound;
    }
    let (year, month, day) = date_of_day(day);
    i16::try_from(year)
        .ok()
        .and_then(|year| {
            civil::DateTime::new(
                year,
                month as i8,
                day as i8,
                (second_of_day / SECONDS_OF_HOUR) as i8,
                (second_of_day / SECONDS_OF_MINUTE % 60) as i8,
                (second_of_day % 60) as i8,
                0,
            )
            .ok()
        })
        .unwrap_or(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree_with_jiff_over_the_whole_range() {
        let mut date = civil::Date::MIN;
        let epoch = civil::date(1970, 1, 1);
        loop {
            let (year, month, day) = (i32::from(date.year()), date.month() as u8, date.day() as u8);
            let number = day_number(year, month, day);
            assert_eq!(date_of_day(number), (year, month, day));
            let expected = date.duration_since(epoch).as_hours() / 24;
            assert_eq!(i64::from(number), expected);
            assert_eq!(
                i32::from(weekday_of_day(number)),
                i32::from(date.weekday().to_monday_zero_offset())
            );
            assert_eq!(days_in_month(year, month), date.days_in_month() as u8);
            let week = date.iso_week_date();
            assert_eq!(week_year_of_day(number, 0), i32::from(week.year()));
            let Ok(next) = date.checked_add(jiff::Span::new().days(37)) else {
                break;
            };
            date = next;
        }
    }

    #[test]
    fn seconds_become_civil_time_and_back() {
        for text in [
            "1601-01-01T00:00:00",
            "1969-12-31T23:59:59",
            "9999-12-31T23:59:59",
        ] {
            let civil: civil::DateTime = text.parse().expect("a valid civil time");
            assert_eq!(civil_of_seconds(civil_seconds(civil)), civil);
        }
        assert_eq!(civil_of_seconds(i64::MAX), civil::DateTime::MAX);
        assert_eq!(civil_of_seconds(i64::MIN), civil::DateTime::MIN);
    }
}
