//! Names by table; VTIMEZONEs against jiff's database.
#![allow(clippy::unwrap_used)]

use jiff::{Timestamp, civil};

use super::*;
use crate::object::Limits;

fn object(vtimezones: &str) -> CalendarObject {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{vtimezones}\nEND:VCALENDAR\n");
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// The zone of an observance table: `TZID;X-property|kind from to start rule|...`.
fn vtimezone(id: &str, extra: &str, observances: &[&str]) -> String {
    let mut text = format!("BEGIN:VTIMEZONE\nTZID:{id}\n{extra}");
    for observance in observances {
        let parts: Vec<&str> = observance.split_whitespace().collect();
        let [kind, from, to, start, rule] = parts[..] else {
            panic!("{observance} has not five parts")
        };
        text += &format!("BEGIN:{kind}\nDTSTART:{start}\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\n");
        if rule != "-" {
            text += &format!("{rule}\n");
        }
        text += &format!("END:{kind}\n");
    }
    text + "END:VTIMEZONE"
}

fn iana_name(zone: Option<Zone>) -> String {
    match zone {
        Some(Zone::Known(zone)) => zone.iana_name().map_or_else(
            || zone.to_fixed_offset().unwrap().to_string(),
            str::to_owned,
        ),
        Some(Zone::Observed(_)) => "observed".to_owned(),
        None => "none".to_owned(),
    }
}

#[test]
fn names_are_understood() {
    let nothing = object("");
    let zones = Zones::of(&nothing);
    for (name, expected) in [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        (" \"America/New_York\" ", "America/New_York"),
        ("US/Eastern", "US/Eastern"),
        ("UTC", "UTC"),
        ("Etc/GMT+1", "Etc/GMT+1"),
        // Windows
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("W. Europe Daylight Time", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Pacific Standard Time (Mexico)", "America/Tijuana"),
        ("India Standard Time", "Asia/Kolkata"),
        ("GMT Standard Time", "Europe/London"),
        ("UTC-11", "Etc/GMT+11"),
        // prefixes
        (
            "/freeassociation.sourceforge.net/Europe/Berlin",
            "Europe/Berlin",
        ),
        (
            "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin",
            "Europe/Berlin",
        ),
        ("/citadel.org/20210210_1/Europe/Berlin", "Europe/Berlin"),
        (
            "/example.com/America/Argentina/Ushuaia",
            "America/Argentina/Ushuaia",
        ),
        (
            "/softwarestudio.org/Olson_20011030_5/America/Chicago",
            "America/Chicago",
        ),
        (
            "/a/b/c/d/e/f/America/Argentina/Ushuaia",
            "America/Argentina/Ushuaia",
        ),
        // UTC
        ("tzone://Microsoft/Utc", "UTC"),
        ("Coordinated Universal Time", "UTC"),
        ("(UTC) Coordinated Universal Time", "UTC"),
        // what the name shows
        (
            "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
            "Europe/Amsterdam",
        ),
        ("(GMT+01.00) Sarajevo/Skopje/Sofija", "none"),
        (
            "(GMT -05:00) Eastern Time (US & Canada)",
            "America/New_York",
        ),
        (
            "(UTC-08:00) Pacific Time (US & Canada)",
            "America/Los_Angeles",
        ),
        (
            "(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi",
            "Asia/Kolkata",
        ),
        ("(UTC+03:30) Nowhere", "+03:30"),
        ("GMT+0100", "+01"),
        ("UTC-5", "-05"),
        ("+05:30", "+05:30"),
        // nobody's
        ("Customized Time Zone", "none"),
        ("tzone://Microsoft/Custom", "none"),
        ("Nowhere/Land", "none"),
        ("/", "none"),
        ("", "none"),
        ("é", "none"),
        ("GMTé", "none"),
        ("(UTC", "none"),
    ] {
        assert_eq!(iana_name(zones.resolve(name)), expected, "{name}");
    }
    let long = "/Europe".repeat(100_000);
    assert_eq!(iana_name(zones.resolve(&long)), "none");
}

/// The order of the module's documentation.
#[test]
fn names_come_before_the_vtimezone_and_guesses_behind() {
    let odd =
        |id: &str, extra: &str| vtimezone(id, extra, &["STANDARD +0417 +0417 19700101T000000 -"]);
    let text = [
        odd("Europe/Berlin", ""),
        odd("W. Europe Standard Time", ""),
        odd("Customized Time Zone", ""),
        odd("(UTC+01:00) Amsterdam, Berlin", ""),
        odd("Evolution 7", "X-LIC-LOCATION:Asia/Tokyo\n"),
        odd("Evolution 8", "X-LIC-LOCATION:Atlantis\n"),
        "BEGIN:VTIMEZONE\nTZID:Empty\nEND:VTIMEZONE".to_owned(),
    ];
    let object = object(&text.join("\n"));
    let zones = Zones::of(&object);
    for (name, expected) in [
        ("Europe/Berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Customized Time Zone", "observed"),
        ("customized time zone", "observed"),
        ("(UTC+01:00) Amsterdam, Berlin", "observed"),
        ("Evolution 7", "Asia/Tokyo"),
        ("Evolution 8", "observed"),
        ("Empty", "none"),
    ] {
        assert_eq!(iana_name(zones.resolve(name)), expected, "{name}");
    }
    // 12:00 at +04:17
    let value = DateTime::parse("20240101T120000", Some("Customized Time Zone")).unwrap();
    assert_eq!(
        zones.instant(&value, &Zone::utc()).to_string(),
        "2024-01-01T07:43:00Z"
    );
    // An unknown zone is floating.
    let value = DateTime::parse("20240101T120000", Some("Atlantis")).unwrap();
    let floating = Zone::named("Europe/Berlin").unwrap();
    assert_eq!(
        zones.instant(&value, &floating).to_string(),
        "2024-01-01T11:00:00Z"
    );
}

/// RFC 5545 §3.3.5: the instant for times in a gap and in an overlap, in a known zone and in an observed one.
#[test]
fn gaps_and_overlaps() {
    let text = vtimezone("X", "", NEW_YORK_SINCE_2007);
    let object = object(&text);
    let observed = Zones::of(&object).resolve("X").unwrap();
    let known = Zone::named("America/New_York").unwrap();
    for (civil, expected) in [
        ("2024-03-10T01:59:59", "2024-03-10T06:59:59Z"),
        ("2024-03-10T02:00:00", "2024-03-10T07:00:00Z"),
        ("2024-03-10T02:30:00", "2024-03-10T07:30:00Z"),
        ("2024-03-10T03:00:00", "2024-03-10T07:00:00Z"),
        ("2024-11-03T00:59:59", "2024-11-03T04:59:59Z"),
        ("2024-11-03T01:00:00", "2024-11-03T05:00:00Z"),
        ("2024-11-03T01:59:59", "2024-11-03T05:59:59Z"),
        ("2024-11-03T02:00:00", "2024-11-03T07:00:00Z"),
    ] {
        let civil: civil::DateTime = civil.parse().unwrap();
        assert_eq!(known.instant(civil).to_string(), expected, "{civil}");
        assert_eq!(observed.instant(civil).to_string(), expected, "{civil}");
    }
}

const NEW_YORK_SINCE_2007: &[&str] = &[
    "DAYLIGHT -0500 -0400 20070311T020000 RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
    "STANDARD -0400 -0500 20071104T020000 RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
];

/// RFC 5545 §3.6.5, first example.
const NEW_YORK_SINCE_1967: &[&str] = &[
    "DAYLIGHT -0500 -0400 19670430T020000 RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z",
    "STANDARD -0400 -0500 19671029T020000 RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z",
    "DAYLIGHT -0500 -0400 19740106T020000 RDATE:19750223T020000",
    "DAYLIGHT -0500 -0400 19760425T020000 RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z",
    "DAYLIGHT -0500 -0400 19870405T020000 RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z",
    "DAYLIGHT -0500 -0400 20070311T020000 RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
    "STANDARD -0400 -0500 20071104T020000 RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
];

/// A VTIMEZONE, interpreted, is the zone it was made from.
#[test]
fn interpreted_zones_are_those_of_the_database() {
    let table: &[(&str, &[&str], &str)] = &[
        (
            "America/New_York",
            NEW_YORK_SINCE_1967,
            "1967-05-01T00:00:00Z",
        ),
        (
            "America/New_York",
            NEW_YORK_SINCE_2007,
            "2007-03-11T07:00:00Z",
        ),
        // Outlook begins in 1601.
        (
            "Europe/Berlin",
            &[
                "STANDARD +0200 +0100 16010101T030000 RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
                "DAYLIGHT +0100 +0200 16010101T020000 RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
            ],
            "1997-01-01T00:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            &[
                "STANDARD +1100 +1030 20080406T020000 RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU",
                "DAYLIGHT +1030 +1100 20081005T020000 RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU",
            ],
            "2008-04-06T00:00:00Z",
        ),
        (
            "Europe/Dublin",
            &[
                "DAYLIGHT +0100 +0000 19961027T020000 RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
                "STANDARD +0000 +0100 19970330T010000 RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
            ],
            "1996-11-01T00:00:00Z",
        ),
        // The evening before the last Sunday.
        (
            "America/Nuuk",
            &[
                "DAYLIGHT -0200 -0100 20240330T230000 RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=SA;BYMONTHDAY=24,25,26,27,28,29,30",
                "STANDARD -0100 -0200 20241027T000000 RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
                "STANDARD -0300 -0200 20230326T010000 RDATE:20230326T010000",
            ],
            "2023-04-01T00:00:00Z",
        ),
        (
            "Asia/Kolkata",
            &["STANDARD +0530 +0530 19700101T000000 -"],
            "1960-01-01T00:00:00Z",
        ),
        (
            "Pacific/Apia",
            &[
                "STANDARD -1000 +1400 20111230T000000 -",
                "STANDARD +1400 +1300 20120401T040000 -",
                "DAYLIGHT -1100 -1000 20110924T030000 -",
                "DAYLIGHT +1300 +1400 20120930T030000 RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=-1SU;UNTIL=20200927T000000Z",
                "STANDARD +1400 +1300 20130407T040000 RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20210404T000000Z",
            ],
            "2011-10-01T00:00:00Z",
        ),
    ];
    for (name, observances, from) in table {
        let object = object(&vtimezone("X", "", observances));
        let observed = Zones::of(&object).resolve("X").unwrap();
        assert!(matches!(observed, Zone::Observed(_)));
        let known = Zone::named(name).unwrap();
        let from: Timestamp = from.parse().unwrap();
        let near = (0..30_000).map(|step| from.as_second() + step * 40_000);
        let far = (0..2_000).map(|step| 4_000_000_000 + step * 1_000_003);
        for instant in near.chain(far).map(nearest_instant) {
            let civil = known.civil(instant);
            assert_eq!(observed.civil(instant), civil, "{name} at {instant}");
            // Not each instant comes back: not the second of an overlap.
            assert_eq!(
                observed.instant(civil),
                known.instant(civil),
                "{name} at {civil}"
            );
            let nearby = civil + jiff::SignedDuration::from_mins(90);
            assert_eq!(
                observed.instant(nearby),
                known.instant(nearby),
                "{name} at {nearby}"
            );
        }
    }
}

#[test]
fn before_its_first_onset_a_zone_is_where_that_comes_from() {
    let object = object(&vtimezone("X", "", NEW_YORK_SINCE_2007));
    let zone = Zones::of(&object).resolve("X").unwrap();
    let early = civil::date(1900, 7, 1).at(12, 0, 0, 0);
    assert_eq!(zone.instant(early).to_string(), "1900-07-01T17:00:00Z");
}

/// A zone that nobody would make is not slow, and answers something.
#[test]
fn hostile_zones_are_bounded() {
    let observances: Vec<String> = (0..3_000)
        .map(|n| {
            let rule = ["SECONDLY", "MINUTELY;BYMONTH=2;BYMONTHDAY=30", "YEARLY"][n % 3];
            format!(
                "STANDARD +0100 +0{}00 16010101T000000 RRULE:FREQ={rule}",
                n % 10
            )
        })
        .collect();
    let lines: Vec<&str> = observances.iter().map(String::as_str).collect();
    let object = object(&vtimezone("X", "", &lines));
    let zone = Zones::of(&object).resolve("X").unwrap();
    for year in [1, 1969, 2024, 2500, 9999] {
        let civil = civil::date(year, 6, 1).at(0, 0, 0, 0);
        let _ = zone.civil(zone.instant(civil));
    }
    for rest in ["TZOFFSETTO:x", "DTSTART:x", "", "DTSTART:20240101T000000"] {
        let text =
            format!("BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\n{rest}\nEND:STANDARD\nEND:VTIMEZONE");
        let object = self::object(&text.replace("\n\n", "\n"));
        assert!(Zones::of(&object).resolve("X").is_none(), "{rest}");
    }
}

/// An object that was stored with more zones than are taken in now means what it meant; its VTIMEZONEs are interpreted
/// once, however their names are written.
#[test]
fn an_object_may_have_many_zones() {
    const ZONES: usize = 1_000;
    let object = object(&vtimezone("x-new-york", "", NEW_YORK_SINCE_2007));
    let zones = Zones::of(&object);
    let observed = |name: &str| match zones.resolve(name) {
        Some(Zone::Observed(zone)) => zone,
        other => panic!("{name} is {other:?}"),
    };
    let first = observed("x-new-york");
    for number in 0..ZONES {
        let known = zones.resolve(&format!("/x{number}/Europe/Berlin"));
        assert_eq!(iana_name(known), "Europe/Berlin");
        let letters = "x-new-york".chars().enumerate();
        let letters = letters.map(|(at, letter)| match number >> at & 1 {
            1 => letter.to_ascii_uppercase(),
            _ => letter,
        });
        let name: String = letters.collect();
        assert!(Arc::ptr_eq(&observed(&name), &first), "{name}");
    }
}

/// UTC is reckoned without a zone, and says what the zone would.
#[test]
fn utc_needs_no_zone() {
    let utc = Zone::utc();
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let nothing = object("");
    let zones = Zones::of(&nothing);
    for seconds in [
        i64::MIN,
        -400_000_000_000,
        -377_705_023_201,
        -1,
        0,
        951_782_400,
        1_793_610_000,
        253_402_207_200,
        253_402_300_799,
        400_000_000_000,
        i64::MAX,
    ] {
        let civil = civil_of_seconds(seconds);
        let expected = utc.instant(civil).as_second();
        assert_eq!(utc.instant_of_seconds(seconds).as_second(), expected);
        let value = DateTime::utc(civil);
        assert_eq!(zones.instant(&value, &berlin).as_second(), expected);
        assert_eq!(
            berlin.instant_of_seconds(seconds),
            berlin.instant(civil),
            "{seconds}"
        );
    }
}
