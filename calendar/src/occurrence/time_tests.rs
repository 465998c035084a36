//! Right over time: what a series means in years, zones and hours that are unlike the usual ones. One table; each
//! row is the lines of an event, and its instances as instants.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::object::Limits;

/// A VTIMEZONE of this name at +04:17, which no zone of any name ever was.
fn odd_zone(name: &str) -> String {
    format!(
        "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0417\n\
         TZOFFSETTO:+0417\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
}

fn instants(zones: &str, lines: &str, window: &TimeRange, floating: &str) -> Vec<String> {
    let event = lines.replace('|', "\n");
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\n{zones}BEGIN:VEVENT\nUID:1\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
    let floating = Zone::named(floating).unwrap();
    let found = occurrences(&object, window, &floating, &mut Budget::default()).unwrap();
    found
        .iter()
        .map(|instance| format!("{}/{}", instance.start, instance.end))
        .collect()
}

/// The whole of a series that ends, with floating times read in Berlin.
#[track_caller]
fn check(lines: &str, expected: &[&str]) {
    let found = instants("", lines, &TimeRange::default(), "Europe/Berlin");
    assert_eq!(found, expected, "{lines}");
}

/// The part of a series in a window of two instants.
#[track_caller]
fn check_within(lines: &str, window: &str, expected: &[&str]) {
    let (start, end) = window.split_once('/').unwrap();
    let window = TimeRange::between(start.parse().unwrap(), end.parse().unwrap());
    let found = instants("", lines, &window, "Europe/Berlin");
    assert_eq!(found, expected, "{lines}");
}

/// RFC 5545 §3.3.5, §3.3.6, §3.8.5.3: days are nominal, hours exact, in a gap the later and in an overlap the first.
#[test]
fn summer_time_begins_and_ends() {
    // a gap at 02:00 and an overlap at 02:00, in Berlin
    check(
        "DTSTART;TZID=Europe/Berlin:20240330T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3",
        &[
            "2024-03-30T01:30:00Z/2024-03-30T02:30:00Z",
            "2024-03-31T01:30:00Z/2024-03-31T02:30:00Z",
            "2024-04-01T00:30:00Z/2024-04-01T01:30:00Z",
        ],
    );
    check(
        "DTSTART;TZID=Europe/Berlin:20241026T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3",
        &[
            "2024-10-26T00:30:00Z/2024-10-26T01:30:00Z",
            "2024-10-27T00:30:00Z/2024-10-27T01:30:00Z",
            "2024-10-28T01:30:00Z/2024-10-28T02:30:00Z",
        ],
    );
    // a day is what the clock says, 24 hours are 24 hours
    check(
        "DTSTART;TZID=Europe/Berlin:20240330T120000|DURATION:P1D",
        &["2024-03-30T11:00:00Z/2024-03-31T10:00:00Z"],
    );
    check(
        "DTSTART;TZID=Europe/Berlin:20240330T120000|DURATION:PT24H",
        &["2024-03-30T11:00:00Z/2024-03-31T11:00:00Z"],
    );
    // DTEND makes an exact length, also where the first instance spans the change
    check(
        "DTSTART;TZID=Europe/Berlin:20240330T220000|DTEND;TZID=Europe/Berlin:20240331T060000|RRULE:FREQ=DAILY;COUNT=2",
        &[
            "2024-03-30T21:00:00Z/2024-03-31T04:00:00Z",
            "2024-03-31T20:00:00Z/2024-04-01T03:00:00Z",
        ],
    );
    // half an hour, and a whole day that never was
    check(
        "DTSTART;TZID=Australia/Lord_Howe:20241006T021500|DURATION:PT15M|RRULE:FREQ=DAILY;COUNT=2",
        &[
            "2024-10-05T15:45:00Z/2024-10-05T16:00:00Z",
            "2024-10-06T15:15:00Z/2024-10-06T15:30:00Z",
        ],
    );
    check(
        "DTSTART;TZID=Pacific/Apia:20111229T090000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3",
        &[
            "2011-12-29T19:00:00Z/2011-12-29T20:00:00Z",
            "2011-12-30T19:00:00Z/2011-12-30T20:00:00Z",
        ],
    );
}

/// RFC 5545 §3.3.12: civil time and instants know no leap second; the sixtieth is the one before.
#[test]
fn years_end_and_seconds_leap() {
    check(
        "DTSTART:20161231T235960Z|DURATION:PT1S|RRULE:FREQ=SECONDLY;COUNT=2",
        &[
            "2016-12-31T23:59:59Z/2017-01-01T00:00:00Z",
            "2017-01-01T00:00:00Z/2017-01-01T00:00:01Z",
        ],
    );
    check(
        "DTSTART:20251231T233000Z|DURATION:PT1H|RRULE:FREQ=YEARLY;BYSETPOS=-1;BYMONTH=12;BYDAY=MO,TU,WE,TH,FR;COUNT=3",
        &[
            "2025-12-31T23:30:00Z/2026-01-01T00:30:00Z",
            "2026-12-31T23:30:00Z/2027-01-01T00:30:00Z",
            "2027-12-31T23:30:00Z/2028-01-01T00:30:00Z",
        ],
    );
    // week 53 comes in 2026 and in 2032, its Friday in the next year
    check(
        "DTSTART:20270101T120000Z|RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=FR;COUNT=2",
        &[
            "2027-01-01T12:00:00Z/2027-01-01T12:00:00Z",
            "2032-12-31T12:00:00Z/2032-12-31T12:00:00Z",
        ],
    );
    // weeks of INTERVAL=2 are counted over the turn of the year, and by WKST
    check(
        "DTSTART;VALUE=DATE:20261227|RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU;COUNT=3",
        &[
            "2026-12-26T23:00:00Z/2026-12-27T23:00:00Z",
            "2026-12-27T23:00:00Z/2026-12-28T23:00:00Z",
            "2027-01-09T23:00:00Z/2027-01-10T23:00:00Z",
        ],
    );
}

/// The rules of the zone at that time, and its last ones for ever.
#[test]
fn long_ago_and_far_ahead() {
    // New York in the summer of 1955, and by the sun before there was a zone
    check(
        "DTSTART;TZID=America/New_York:19550923T120000|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=2",
        &[
            "1955-09-23T16:00:00Z/1955-09-23T17:00:00Z",
            "1955-09-30T16:00:00Z/1955-09-30T17:00:00Z",
        ],
    );
    check(
        "DTSTART;TZID=America/New_York:18500101T120000|DURATION:PT1H",
        &["1850-01-01T16:56:02Z/1850-01-01T17:56:02Z"],
    );
    let weekly = "DTSTART;TZID=Europe/Berlin:19690707T100000|DURATION:PT1H|RRULE:FREQ=WEEKLY";
    for (window, expected) in [
        // no summer time then
        (
            "1969-07-07T00:00:00Z/1969-07-08T00:00:00Z",
            "1969-07-07T09:00:00Z/1969-07-07T10:00:00Z",
        ),
        (
            "2037-07-06T00:00:00Z/2037-07-07T00:00:00Z",
            "2037-07-06T08:00:00Z/2037-07-06T09:00:00Z",
        ),
        (
            "2150-07-06T00:00:00Z/2150-07-07T00:00:00Z",
            "2150-07-06T08:00:00Z/2150-07-06T09:00:00Z",
        ),
        (
            "2399-01-04T00:00:00Z/2399-01-05T00:00:00Z",
            "2399-01-04T09:00:00Z/2399-01-04T10:00:00Z",
        ),
    ] {
        check_within(weekly, window, &[expected]);
    }
    // 2100 is no leap year
    check_within(
        "DTSTART;VALUE=DATE:20960229|RRULE:FREQ=YEARLY",
        "2096-01-01T00:00:00Z/2110-01-01T00:00:00Z",
        &[
            "2096-02-28T23:00:00Z/2096-02-29T23:00:00Z",
            "2104-02-28T23:00:00Z/2104-02-29T23:00:00Z",
            "2108-02-28T23:00:00Z/2108-02-29T23:00:00Z",
        ],
    );
}

/// DTSTART is an instance even of a rule that matches nothing, and the search for others ends.
#[test]
fn rules_that_never_match() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
        "FREQ=MONTHLY;BYDAY=6MO",
    ] {
        check_within(
            &format!("DTSTART:20240101T090000Z|RRULE:{rule}"),
            "2020-01-01T00:00:00Z/2400-01-01T00:00:00Z",
            &["2024-01-01T09:00:00Z/2024-01-01T09:00:00Z"],
        );
    }
}

/// RFC 5545 §3.8.5.1, §3.8.5.2: instants are excluded and added, whatever zone they are written in.
#[test]
fn dates_in_other_zones() {
    check(
        "DTSTART;TZID=America/New_York:20241102T013000|DURATION:PT30M|RRULE:FREQ=DAILY;COUNT=3|\
         EXDATE;TZID=Europe/Berlin:20241103T063000",
        // the first 01:30 of November 3, 05:30 in UTC, is 06:30 in Berlin
        &[
            "2024-11-02T05:30:00Z/2024-11-02T06:00:00Z",
            "2024-11-04T06:30:00Z/2024-11-04T07:00:00Z",
        ],
    );
    check(
        "DTSTART;TZID=America/New_York:20241103T013000|DURATION:PT30M|\
         RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20241103T073000/20241103T093000,20241026T233000/P1D",
        &[
            "2024-10-26T21:30:00Z/2024-10-27T22:30:00Z",
            "2024-11-03T05:30:00Z/2024-11-03T06:00:00Z",
            "2024-11-03T06:30:00Z/2024-11-03T08:30:00Z",
        ],
    );
}

/// Floating times and DATEs are where the reader is.
#[test]
fn floating_series_are_read_where_the_reader_is() {
    for (lines, floating, expected) in [
        (
            "DTSTART:20240310T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2",
            "America/New_York",
            [
                "2024-03-10T07:30:00Z/2024-03-10T08:30:00Z",
                "2024-03-11T06:30:00Z/2024-03-11T07:30:00Z",
            ],
        ),
        (
            "DTSTART:20240310T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2",
            "Asia/Kolkata",
            [
                "2024-03-09T21:00:00Z/2024-03-09T22:00:00Z",
                "2024-03-10T21:00:00Z/2024-03-10T22:00:00Z",
            ],
        ),
        // the day of the change has 23 hours, one whose midnight does not exist begins later
        (
            "DTSTART;VALUE=DATE:20240330|RRULE:FREQ=DAILY;COUNT=2",
            "Europe/Berlin",
            [
                "2024-03-29T23:00:00Z/2024-03-30T23:00:00Z",
                "2024-03-30T23:00:00Z/2024-03-31T22:00:00Z",
            ],
        ),
        (
            "DTSTART;VALUE=DATE:20240907|RRULE:FREQ=DAILY;COUNT=2",
            "America/Santiago",
            [
                "2024-09-07T04:00:00Z/2024-09-08T04:00:00Z",
                "2024-09-08T04:00:00Z/2024-09-09T03:00:00Z",
            ],
        ),
    ] {
        let found = instants("", lines, &TimeRange::default(), floating);
        assert_eq!(found, expected, "{lines} in {floating}");
    }
}

/// RFC 7529 §4.1: moved days are days like others: they can be excluded and overridden.
#[test]
fn moved_days_are_instances() {
    check(
        "DTSTART;VALUE=DATE:20120229|RRULE:RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;COUNT=5|EXDATE;VALUE=DATE:20130301",
        &[
            "2012-02-28T23:00:00Z/2012-02-29T23:00:00Z",
            "2014-02-28T23:00:00Z/2014-03-01T23:00:00Z",
            "2015-02-28T23:00:00Z/2015-03-01T23:00:00Z",
            "2016-02-28T23:00:00Z/2016-02-29T23:00:00Z",
        ],
    );
    // BYDAY limits the day that SKIP made, not the one that was meant
    check(
        "DTSTART:20240129T100000Z|RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;BYMONTHDAY=31;BYDAY=MO,FR;COUNT=4",
        &[
            "2024-01-29T10:00:00Z/2024-01-29T10:00:00Z",
            "2024-03-01T10:00:00Z/2024-03-01T10:00:00Z",
            "2024-05-31T10:00:00Z/2024-05-31T10:00:00Z",
            "2024-07-01T10:00:00Z/2024-07-01T10:00:00Z",
        ],
    );
    // a system that nobody here can reckon in: the event stands alone
    check(
        "DTSTART;VALUE=DATE:20130210|RRULE:RSCALE=CHINESE;FREQ=YEARLY",
        &["2013-02-09T23:00:00Z/2013-02-10T23:00:00Z"],
    );
}

/// A zone that contradicts the name it carries: where the database knows the name, it counts, since the definition
/// is a copy that somebody once made; else the definition does.
#[test]
fn a_definition_that_contradicts_its_name() {
    for (name, expected) in [
        ("Europe/Berlin", "2024-07-01T10:00:00Z/2024-07-01T11:00:00Z"),
        (
            "W. Europe Standard Time",
            "2024-07-01T10:00:00Z/2024-07-01T11:00:00Z",
        ),
        (
            "/example.com/Europe/Berlin",
            "2024-07-01T10:00:00Z/2024-07-01T11:00:00Z",
        ),
        ("Berlin", "2024-07-01T07:43:00Z/2024-07-01T08:43:00Z"),
        (
            "(UTC+01:00) Berlin",
            "2024-07-01T07:43:00Z/2024-07-01T08:43:00Z",
        ),
    ] {
        let lines = format!("DTSTART;TZID=\"{name}\":20240701T120000|DURATION:PT1H");
        let found = instants(&odd_zone(name), &lines, &TimeRange::default(), "UTC");
        assert_eq!(found, [expected], "{name}");
    }
}
