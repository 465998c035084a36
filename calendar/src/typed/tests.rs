//! What both formats keep: tables of lines, and random trees.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use crate::{
    jcal,
    object::{CalendarObject, Component, Limits, Property},
    xcal,
};

fn event(lines: &str) -> CalendarObject {
    let text =
        format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn through_jcal(object: &CalendarObject) -> CalendarObject {
    let text = jcal::print(object);
    let shown = String::from_utf8_lossy(&text);
    jcal::parse(&text, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {shown}"))
}

fn through_xcal(object: &CalendarObject) -> CalendarObject {
    let text = xcal::print(object);
    let shown = String::from_utf8_lossy(&text);
    xcal::parse(&text, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {shown}"))
}

/// The lines of the event.
fn lines(object: &CalendarObject) -> String {
    let event = object.components().next().unwrap();
    let contents: Vec<_> = event.properties().map(Property::content).collect();
    contents.join("\r\n")
}

/// In the forms that mean one thing in one way, the same octets come back.
#[test]
fn canonical_lines_come_back_as_they_were() {
    for line in [
        // RFC 5545 §3.2
        "DESCRIPTION;ALTREP=\"cid:part1.0001@example.org\":The Fall'98 Wild Wizards Conference",
        "ATTENDEE;CN=\"Smith, John\";CUTYPE=GROUP;RSVP=TRUE:mailto:ietf-calsch@example.org",
        "ATTENDEE;DELEGATED-FROM=\"mailto:a@example.com\",\"mailto:b@example.com\":mailto:c@example.com",
        "ATTENDEE;MEMBER=\"mailto:a@example.com\",\"mailto:b@example.com\":mailto:c@example.com",
        "ATTENDEE;SENT-BY=\"mailto:a@example.com\":mailto:c@example.com",
        "ATTENDEE;SCHEDULE-STATUS=\"2.0,1.2\";SCHEDULE-AGENT=SERVER:mailto:c@example.com",
        // RFC 6868 §3.1
        "ATTENDEE;CN=George Herman ^'Babe^' Ruth:mailto:babe@example.com",
        "GEO;X-ADDRESS=Pittsburgh Pirates^n115 Federal St:40.446816;-80.00566",
        // RFC 5545 §3.8
        "ATTACH:CID:jsmith.part3.960817T083000.xyzMail@example.com",
        "ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY:VGhlIHF1aWNr",
        "CATEGORIES:APPOINTMENT,a\\,b,EDUCATION",
        "GEO:37.386013;-122.082932",
        "PERCENT-COMPLETE:39",
        "RESOURCES;LANGUAGE=fr:Nettoyeur haute pression",
        "COMPLETED:19960401T150000Z",
        "DTSTART;VALUE=DATE:20071014",
        "DTSTART;TZID=America/New_York:19980119T020000",
        "DTSTART:19980118T073000",
        "FREEBUSY;FBTYPE=FREE:19970308T160000Z/PT3H,19970308T200000Z/19970308T230000Z",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:+013045",
        "RELATED-TO;RELTYPE=SIBLING:19960401-080045-4000F192713@example.com",
        "EXDATE:19960402T010000Z,19960403T010000Z",
        "RDATE;VALUE=DATE:19970101,19970120",
        "RDATE;VALUE=PERIOD:19960403T020000Z/19960403T040000Z,19960404T010000Z/PT3H",
        "RRULE:FREQ=YEARLY;UNTIL=20000131T140000Z;BYDAY=SU,MO,TU;BYMONTH=1",
        "RRULE:FREQ=MONTHLY;COUNT=10;INTERVAL=2;BYDAY=1SU,-1SU",
        "RRULE:FREQ=WEEKLY;UNTIL=19971007;WKST=SU",
        "TRIGGER;RELATED=END:-PT15M",
        "TRIGGER;VALUE=DATE-TIME:19980101T050000Z",
        "REQUEST-STATUS:2.0;Success",
        "REQUEST-STATUS:2.8;Success\\, repeating event ignored.;RRULE:FREQ=WEEKLY\\;INTERVAL=2",
        "X-COMPLAINT-DEADLINE:20110512T120000Z",
        "X-COFFEE-DATA:Stenophylla;Guinea\\,Africa",
        "X-MS-OLK-X;X-P=a,b;X-Q=\"a,b\":x, y; z \\n",
        "X-LIST;VALUE=TEXT:a,b\\,c",
        "X-TYPE;VALUE=X-THING:a,b;c\\n",
        "X-TIME;VALUE=TIME:123000,123000Z",
        // RFC 7529 §4
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;RSCALE=CHINESE;SKIP=FORWARD",
        "RRULE:FREQ=YEARLY;BYMONTH=5L;RSCALE=CHINESE",
        // RFC 7986 §5
        "REFRESH-INTERVAL;VALUE=DURATION:P1W",
        "SOURCE;VALUE=URI:https://example.com/holidays.ics",
        "COLOR:turquoise",
        "IMAGE;DISPLAY=BADGE,THUMBNAIL;FMTTYPE=image/png;VALUE=URI:http://example.com/a.png",
        "CONFERENCE;FEATURE=AUDIO,VIDEO;LABEL=Moderator;VALUE=URI:tel:+1-412-555-0123",
        // RFC 8607 §4
        "ATTACH;MANAGED-ID=aUNhbGVuZGFy;FILENAME=a.txt;SIZE=12:https://example.com/a",
        // RFC 9073 §6
        "LOCATION-TYPE:airport,station",
        "STRUCTURED-DATA;FMTTYPE=application/ld+json;SCHEMA=\"https://schema.org/Event\";VALUE=TEXT:{}",
        "STYLED-DESCRIPTION;VALUE=URI:http://example.org/desc001.html",
        "CALENDAR-ADDRESS:mailto:a@example.com",
        // RFC 9074 §6.1
        "ACKNOWLEDGED:20090604T084500Z",
        // RFC 9253 §8
        "CONCEPT:https://example.com/event-types/arts/music",
        "LINK;LINKREL=SOURCE;LABEL=Venue;VALUE=URI:https://example.com/events",
        "RELATED-TO;RELTYPE=FINISHTOSTART;GAP=PT5M;VALUE=UID:a\\,b",
        "REFID:itinerary-2014-11-17",
    ] {
        let object = event(line);
        assert_eq!(lines(&through_jcal(&object)), line, "jCal");
        assert_eq!(lines(&through_xcal(&object)), line, "xCal");
    }
}

/// What is not as it should be is kept all the same.
#[test]
fn what_is_not_of_its_type_comes_back() {
    for line in [
        "DTSTART:tomorrow",
        "DTSTART;VALUE=DATE:20260101T",
        "DTEND:2026010",
        "DURATION:one hour",
        "GEO:here",
        "GEO:1;2;3",
        "GEO:a;b",
        "PRIORITY:high",
        "PRIORITY:99999999999999999999",
        "RRULE:every day",
        "RRULE:FREQ=DAILY;COUNT=",
        "RRULE:FREQ=DAILY;FREQ=WEEKLY",
        "RRULE:=",
        "FREEBUSY:now",
        "FREEBUSY:a/b",
        "TZOFFSETFROM:0500",
        "TZOFFSETTO:",
        "ATTENDEE;RSVP=maybe:mailto:a@example.com",
        "ATTENDEE;CN=:",
        "REQUEST-STATUS:2.0",
        "X-A;VALUE=BOOLEAN:perhaps",
        "X-A:",
        "1ST/A_B:x",
        "SUMMARY:",
        "CATEGORIES:",
        "CATEGORIES:a,,b,",
        "XML:no element",
        "XML:<a/>",
        "XML:<a xmlns=\"u\">",
    ] {
        let object = event(line);
        assert_eq!(lines(&through_jcal(&object)), line, "jCal");
        assert_eq!(lines(&through_xcal(&object)), line, "xCal");
    }
}

/// Spelling that means nothing becomes what the RFCs write.
#[test]
fn other_spellings_become_the_usual_one() {
    for (line, usual) in [
        ("summary;language=de:a", "SUMMARY;LANGUAGE=de:a"),
        ("SUMMARY:a, b; c \\N \\: d", "SUMMARY:a\\, b\\; c \\n : d"),
        ("DTSTART:20081006", "DTSTART;VALUE=DATE:20081006"),
        (
            "DTSTART;VALUE=DATE-TIME:20081006T120000",
            "DTSTART:20081006T120000",
        ),
        (
            "DTSTART;VALUE=DATE:20081006T120000Z",
            "DTSTART:20081006T120000Z",
        ),
        (
            "TRIGGER:19980101T050000Z",
            "TRIGGER;VALUE=DATE-TIME:19980101T050000Z",
        ),
        ("PRIORITY:+05", "PRIORITY:5"),
        ("PRIORITY:-0.0", "PRIORITY:0"),
        ("X-A;VALUE=BOOLEAN:0", "X-A;VALUE=BOOLEAN:FALSE"),
        (
            "EXDATE: 20260101T100000Z , 20260102T100000Z",
            "EXDATE:20260101T100000Z,20260102T100000Z",
        ),
        ("RRULE:FREQ=DAILY;COUNT= 3", "RRULE:FREQ=DAILY;COUNT=3"),
        ("RRULE:COUNT=3;FREQ=DAILY;", "RRULE:FREQ=DAILY;COUNT=3"),
        ("rrule:freq=daily;byday=mo", "RRULE:FREQ=daily;BYDAY=mo"),
        (
            "ATTENDEE;X-A=1;X-B=2;X-A=3:mailto:a@b",
            "ATTENDEE;X-A=1,3;X-B=2:mailto:a@b",
        ),
        (
            "ATTENDEE;CN=Doe, John:mailto:a@b",
            "ATTENDEE;CN=\"Doe, John\":mailto:a@b",
        ),
        ("X-A;VALUE=UNKNOWN:a", "X-A:a"),
        // RFC 7265 §3.1, RFC 6321 §3.1
        (
            "DESCRIPTION;ENCODING=BASE64:YSwKYg==",
            "DESCRIPTION:a\\,\\nb",
        ),
        (
            "ATTACH;ENCODING=BASE64:AAEC",
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:AAEC",
        ),
        (
            "ATTACH;VALUE=BINARY:AAEC",
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:AAEC",
        ),
    ] {
        let object = event(line);
        // A number is written in xCal as it stands.
        let in_xcal = if line.starts_with("PRIORITY") {
            line
        } else {
            usual
        };
        assert_eq!(lines(&through_jcal(&object)), usual, "jCal");
        assert_eq!(lines(&through_xcal(&object)), in_xcal, "xCal");
    }
}

/// A structured value declared to be of another type is one value of that type, and what is said against
/// all else stays said.
#[test]
fn what_is_declared_counts() {
    for line in [
        "GEO;VALUE=TEXT:48.2\\;16.3",
        "GEO;VALUE=URI:geo:48.2\\;16.3",
        "GEO;ENCODING=BASE64;VALUE=BINARY:AAEC",
        "GEO;VALUE=PERIOD:20260301T143000/PT1H",
        "ATTACH;ENCODING=BASE64;VALUE=URI:",
        "REQUEST-STATUS;ENCODING=BASE64:2.0;Success",
        "REQUEST-STATUS;VALUE=PERIOD:AA=;",
        "REQUEST-STATUS;VALUE=INTEGER:2",
        "REQUEST-STATUS;VALUE=X-A:2.0;Success",
    ] {
        let object = event(line);
        assert_eq!(lines(&through_jcal(&object)), line, "jCal");
        assert_eq!(lines(&through_xcal(&object)), line, "xCal");
    }
}

/// Content lines, sound and strange.
fn line() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(
            &[
                "SUMMARY",
                "DTSTART",
                "RDATE",
                "EXDATE",
                "RRULE",
                "GEO",
                "REQUEST-STATUS",
                "FREEBUSY",
                "CATEGORIES",
                "ATTENDEE",
                "ATTACH",
                "TRIGGER",
                "PRIORITY",
                "TZOFFSETTO",
                "XML",
                "X-A",
            ][..]
        )
        .prop_map(str::to_owned),
        "[A-Za-z0-9./_-]{1,6}",
    ];
    let type_name = prop::sample::select(
        &[
            "TEXT",
            "DATE",
            "DATE-TIME",
            "PERIOD",
            "RECUR",
            "TIME",
            "BOOLEAN",
            "INTEGER",
            "FLOAT",
            "BINARY",
            "URI",
            "UTC-OFFSET",
            "DURATION",
            "UNKNOWN",
            "PARAMETERS",
            "CODE",
            "LATITUDE",
            "X-9",
            "a b",
            "",
        ][..],
    )
    .prop_map(|name| format!("VALUE={name}"));
    let parameter = prop_oneof![
        type_name,
        "[A-Z]{1,3}=[a-z^n' äX]{0,5}",
        "(CN|MEMBER|RSVP|X-A|ENCODING|SIZE)=(\"[a-z:;,^]{0,4}\"|[a-z,]{0,4}|TRUE|BASE64)",
    ];
    let value = prop_oneof![
        "[ -~äö🎉\t]{0,24}",
        "[0-9TZPDH/,;:+-]{0,18}",
        "(FREQ=[A-Z]{1,6};?)?([A-Z]{2,6}=[A-Z0-9,;+-]{0,6};?){0,3}",
        "[0-9]{8}(T[0-9]{6}Z?)?(,[0-9]{8}T[0-9]{6}(/(PT1H|[0-9]{8}T[0-9]{6}))?)?",
        "-?[0-9]{1,4}(\\.[0-9]{1,4})?(;-?[0-9]{1,4})?",
        "<(k:)?a( xmlns(:k)?=\"[a-z]?\")?>[a-z&;]{0,3}</(k:)?a>",
        "(true|FALSE|[A-Za-z+/]{4}=?)",
    ];
    (name, prop::collection::vec(parameter, 0..4), value).prop_map(|(name, parameters, value)| {
        let parameters: String = parameters.iter().map(|each| format!(";{each}")).collect();
        format!("{name}{parameters}:{value}\r\n")
    })
}

/// Components with lines and components in them.
fn tree() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("VEVENT".to_owned()), "[A-Z0-9_./-]{1,8}"];
    let leaf = (name.clone(), prop::collection::vec(line(), 0..6))
        .prop_map(|(name, lines)| format!("BEGIN:{name}\r\n{}END:{name}\r\n", lines.concat()));
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (
            name.clone(),
            prop::collection::vec(prop_oneof![line(), inner], 0..5),
        )
            .prop_map(|(name, lines)| format!("BEGIN:{name}\r\n{}END:{name}\r\n", lines.concat()))
    })
}

/// Text comes in pieces where a character must be escaped.
#[test]
fn what_is_no_period_or_rule_keeps_its_white_space() {
    for value in ["PERIOD:<\t0 & 1", "RECUR:<\t< & >"] {
        let text = format!("BEGIN:VCALENDAR\r\nX-A;VALUE={value}\r\nEND:VCALENDAR\r\n");
        let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(
            xcal::print(&through_xcal(&object)),
            xcal::print(&object),
            "{value}"
        );
    }
}

proptest! {
    /// Once through a format, an object means the same, and comes back as it is from then on.
    #[test]
    fn random_trees_keep_their_meaning(tree in tree()) {
        let text = format!("BEGIN:VCALENDAR\r\n{tree}END:VCALENDAR\r\n");
        let Ok(object) = CalendarObject::parse(text.as_bytes(), &Limits::default()) else {
            return Ok(());
        };
        let once = through_jcal(&object);
        prop_assert_eq!(
            String::from_utf8(jcal::print(&once)).unwrap(),
            String::from_utf8(jcal::print(&object)).unwrap()
        );
        prop_assert_eq!(&through_jcal(&once), &once);
        let once = through_xcal(&object);
        prop_assert_eq!(
            String::from_utf8(xcal::print(&once)).unwrap(),
            String::from_utf8(xcal::print(&object)).unwrap()
        );
        prop_assert_eq!(&through_xcal(&once), &once);
        prop_assert_eq!(through_xcal(&through_jcal(&object)), through_jcal(&once));
    }

    /// No property is lost.
    #[test]
    fn as_many_lines_come_back(tree in tree()) {
        fn count(component: &Component) -> usize {
            component.properties().count() + component.components().map(count).sum::<usize>()
        }
        let text = format!("BEGIN:VCALENDAR\r\n{tree}END:VCALENDAR\r\n");
        if let Ok(object) = CalendarObject::parse(text.as_bytes(), &Limits::default()) {
            prop_assert_eq!(count(through_jcal(&object).calendar()), count(object.calendar()));
            prop_assert_eq!(count(through_xcal(&object).calendar()), count(object.calendar()));
        }
    }
}
