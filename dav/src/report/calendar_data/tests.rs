#![allow(clippy::unwrap_used)]

use calendar::{CalendarObject, Limits};

use super::*;
use crate::{testing::xml, xml::Document};

const OBJECT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:A\r\n\
    BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nEND:STANDARD\r\n\
    END:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=A:20260101T000000\r\nSUMMARY:One\r\n\
    BEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn selection(content: &str) -> Result<Option<Selection>, DavError> {
    let body = xml("C:calendar-query", &format!("<D:prop>{content}</D:prop>"));
    Selection::of_request(
        Document::parse(body.as_bytes()).unwrap().root(),
        &desk::Limits::default(),
    )
}

fn apply(content: &str, octets: &[u8]) -> String {
    selection(content)
        .unwrap()
        .unwrap()
        .apply(&Bytes::copy_from_slice(octets), &Zone::utc())
        .unwrap()
}

/// RFC 4791 §9.6.1 to §9.6.4
#[test]
fn components_and_properties_are_selected() {
    let all = "<C:calendar-data/>";
    assert_eq!(apply(all, OBJECT.as_bytes()), OBJECT);
    let event = |inside: &str| {
        format!(
            "<C:calendar-data><C:comp name=\"VCALENDAR\"><C:prop name=\"version\"/>\
             <C:comp name=\"VEVENT\">{inside}</C:comp></C:comp></C:calendar-data>"
        )
    };
    let wrapped = |inside: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n{inside}END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let cases = [
        (
            "<C:prop name=\"UID\"/><C:prop name=\"SUMMARY\"/>",
            "UID:1\r\nSUMMARY:One\r\n",
        ),
        ("<C:prop name=\"SUMMARY\" novalue=\"yes\"/>", "SUMMARY:\r\n"),
        (
            "<C:prop name=\"DTSTART\" novalue=\"yes\"/>",
            "DTSTART;TZID=A:\r\n",
        ),
        ("", ""),
        (
            "<C:prop name=\"UID\"/><C:allcomp/>",
            "UID:1\r\nBEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\n",
        ),
        (
            "<C:allprop/>",
            "UID:1\r\nDTSTART;TZID=A:20260101T000000\r\nSUMMARY:One\r\n",
        ),
    ];
    for (inside, expected) in cases {
        assert_eq!(
            apply(&event(inside), OBJECT.as_bytes()),
            wrapped(expected),
            "{inside}"
        );
    }
    let zone = "<C:calendar-data><C:comp name=\"VCALENDAR\"><C:comp name=\"VTIMEZONE\"/></C:comp></C:calendar-data>";
    assert!(apply(zone, OBJECT.as_bytes()).contains("TZOFFSETTO"));
}

/// What is stored is read however large it became (see [`parse_stored`]).
#[test]
fn large_objects_are_reduced_as_others_are() {
    let lines = "X-A:1\r\n".repeat(Limits::LINES);
    let text = OBJECT.replace("SUMMARY", &format!("{lines}SUMMARY"));
    let summary = "<C:calendar-data><C:comp name=\"VCALENDAR\"><C:comp name=\"VEVENT\">\
        <C:prop name=\"SUMMARY\"/></C:comp></C:comp></C:calendar-data>";
    let expected =
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:One\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(apply(summary, text.as_bytes()), expected);
}

#[test]
fn lines_folded_within_a_character_are_readable() {
    let octets = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:a\xC3\r\n \xBCb\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert!(apply("<C:calendar-data/>", octets).contains("SUMMARY:a\u{FC}b"));
    assert_eq!(apply("<C:calendar-data/>", b"\xFF"), "\u{FFFD}");
}

/// RFC 4791 §7.8
#[test]
fn other_forms_are_refused() {
    assert!(selection("<D:getetag/>").unwrap().is_none());
    for content in [
        "<C:calendar-data content-type=\"text/vcard\"/>",
        "<C:calendar-data content-type=\"application/calendar+json\" version=\"1.0\"/>",
        "<C:calendar-data content-type=\"text/calendar\" version=\"3.0\"/>",
    ] {
        let error = selection(content).unwrap_err();
        assert_eq!(error.status(), http::StatusCode::FORBIDDEN, "{content}");
    }
    for content in [
        "<C:comp/>",
        "<C:comp name=\"VCALENDAR\"><C:prop name=\"X\" novalue=\"maybe\"/></C:comp>",
    ] {
        assert!(matches!(
            selection(&format!("<C:calendar-data>{content}</C:calendar-data>")),
            Err(DavError::BadRequest(_))
        ));
    }
}

/// The lines of each component of an object that are worth looking at.
fn starts(content: &str, components: &str) -> Vec<String> {
    let octets = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}\r\nEND:VCALENDAR\r\n",
        components.replace('\n', "\r\n")
    );
    let text = apply(
        &format!("<C:calendar-data>{content}</C:calendar-data>"),
        octets.as_bytes(),
    );
    let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
    let line = |component: &calendar::Component| {
        let lines: Vec<&str> = component
            .properties()
            .filter(|property| !property.is("UID"))
            .map(|property| property.content())
            .collect();
        lines.join(" ")
    };
    object.entries().map(line).collect()
}

const SERIES: &str = "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=America/New_York:20260305T090000\n\
    DTEND;TZID=America/New_York:20260305T100000\nRRULE:FREQ=DAILY;COUNT=10\nEND:VEVENT\n\
    BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=America/New_York:20260307T090000\n\
    DTSTART;TZID=America/New_York:20260320T110000\nDURATION:PT2H\nEND:VEVENT";

/// RFC 4791 §9.6.5, across the change to summer time
#[test]
fn series_are_expanded() {
    let expand = |start: &str, end: &str| format!("<C:expand start=\"{start}\" end=\"{end}\"/>");
    assert_eq!(
        starts(&expand("20260306T000000Z", "20260310T000000Z"), SERIES),
        [
            "RECURRENCE-ID:20260306T140000Z DTSTART:20260306T140000Z DTEND:20260306T150000Z",
            "RECURRENCE-ID:20260308T130000Z DTSTART:20260308T130000Z DTEND:20260308T140000Z",
            "RECURRENCE-ID:20260309T130000Z DTSTART:20260309T130000Z DTEND:20260309T140000Z",
        ]
        .map(reordered)
    );
    assert_eq!(
        starts(&expand("20260320T000000Z", "20260321T000000Z"), SERIES),
        ["RECURRENCE-ID:20260307T140000Z DTSTART:20260320T150000Z DURATION:PT2H"]
    );
    let days = "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY\nEND:VEVENT";
    assert_eq!(
        starts(&expand("20260102T000000Z", "20260103T000000Z"), days),
        ["DTSTART;VALUE=DATE:20260102 RECURRENCE-ID;VALUE=DATE:20260102"]
    );
    let single = "BEGIN:VTODO\nUID:1\nDUE;TZID=Europe/Berlin:20260101T090000\nEND:VTODO";
    let all = expand("20260101T000000Z", "20260102T000000Z");
    assert_eq!(starts(&all, single), ["DUE:20260101T080000Z"]);
    assert_eq!(
        starts(&all, "BEGIN:VTODO\nUID:1\nSUMMARY:x\nEND:VTODO"),
        ["SUMMARY:x"]
    );
    assert!(starts(&expand("20260201T000000Z", "20260202T000000Z"), single).is_empty());
}

/// RFC 4791 §9.9: what a time range finds is there when it is expanded over the same range.
#[test]
fn what_is_found_is_expanded() {
    let range = "start=\"20260301T000000Z\" end=\"20260302T000000Z\"";
    let expand = format!("<C:expand {range}/>");
    for (found, shown) in [
        (
            "BEGIN:VTODO\nUID:1\nDUE:20260302T000000Z\nEND:VTODO",
            "DUE:20260302T000000Z",
        ),
        (
            "BEGIN:VTODO\nUID:1\nDTSTART:20260302T000000Z\nDURATION:PT0S\nEND:VTODO",
            "DTSTART:20260302T000000Z DURATION:PT0S",
        ),
        (
            "BEGIN:VFREEBUSY\nUID:1\nDTSTART:20260228T000000Z\nDTEND:20260301T000000Z\nEND:VFREEBUSY",
            "DTSTART:20260228T000000Z DTEND:20260301T000000Z",
        ),
        (
            "BEGIN:VFREEBUSY\nUID:1\nFREEBUSY:20260301T080000Z/PT1H\nEND:VFREEBUSY",
            "FREEBUSY:20260301T080000Z/PT1H",
        ),
    ] {
        assert_eq!(starts(&expand, found), [shown], "{found}");
    }
}

/// An object of the largest size and a small one, each with a rule that yields thousands of instances.
#[test]
fn what_would_be_too_large_is_not_expanded() {
    let body = "<C:calendar-data><C:expand start=\"20260101T000000Z\" end=\"20260201T000000Z\"/></C:calendar-data>";
    let expand = |rule: &str, octets: usize| {
        let text = format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T000000Z\r\nRRULE:{rule}\r\nDESCRIPTION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "x".repeat(octets)
        );
        let selection = selection(body).unwrap().unwrap();
        selection.apply(&Bytes::from(text), &Zone::utc())
    };
    assert_eq!(expand("FREQ=MINUTELY", 1_000_000), Err(TooMuchWork));
    assert_eq!(expand("FREQ=MINUTELY", 10), Err(TooMuchWork));
    for (rule, octets, instances) in [
        ("FREQ=HOURLY", 1_000, 744),
        ("FREQ=WEEKLY", 1_000_000, 5),
        ("FREQ=MINUTELY;INTERVAL=10", 10, 4_464),
    ] {
        let expanded = expand(rule, octets).unwrap();
        assert_eq!(
            expanded.matches("BEGIN:VEVENT").count(),
            instances,
            "{rule}"
        );
    }
}

/// Instances of the master get their RECURRENCE-ID at the end.
fn reordered(line: &str) -> String {
    let (id, rest) = line.split_once(' ').unwrap();
    format!("{rest} {id}")
}

#[test]
fn too_much_work_is_said() {
    let body = "<C:calendar-data><C:expand start=\"20260101T000000Z\" end=\"90000101T000000Z\"/></C:calendar-data>";
    let octets = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T000000Z\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let selection = selection(body).unwrap().unwrap();
    assert_eq!(
        selection.apply(&Bytes::from_static(octets.as_bytes()), &Zone::utc()),
        Err(TooMuchWork)
    );
}

/// RFC 4791 §9.6.6
#[test]
fn overrides_are_limited() {
    let limit = |start: &str, end: &str| {
        format!("<C:limit-recurrence-set start=\"{start}\" end=\"{end}\"/>")
    };
    let cases = [
        // where the instance was, where it is, and where it is not
        ("20260307T140000Z", "20260307T143000Z", 2),
        ("20260320T160000Z", "20260320T163000Z", 2),
        ("20260308T000000Z", "20260309T000000Z", 1),
    ];
    for (start, end, expected) in cases {
        assert_eq!(
            starts(&limit(start, end), SERIES).len(),
            expected,
            "{start}"
        );
    }
    let future = SERIES.replace("RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;");
    assert_eq!(
        starts(&limit("20260308T000000Z", "20260309T000000Z"), &future).len(),
        2
    );
    assert_eq!(
        starts(&limit("20260301T000000Z", "20260302T000000Z"), &future).len(),
        1
    );
}

/// RFC 4791 §9.6.7
#[test]
fn periods_are_limited() {
    let busy = "BEGIN:VFREEBUSY\nUID:1\nFREEBUSY:20260101T000000Z/PT1H,20260102T000000Z/20260102T010000Z\n\
        FREEBUSY:20260103T000000Z/PT1H\nEND:VFREEBUSY";
    let limit = "<C:limit-freebusy-set start=\"20260102T003000Z\" end=\"20260103T000000Z\"/>";
    assert_eq!(
        starts(limit, busy),
        ["FREEBUSY:20260102T000000Z/20260102T010000Z"]
    );
}

#[test]
fn spans_must_be_whole() {
    for content in [
        "<C:expand start=\"20260101T000000Z\"/>",
        "<C:limit-recurrence-set end=\"20260101T000000Z\"/>",
        "<C:expand start=\"20260101T000000Z\" end=\"20260102T000000Z\"/><C:limit-recurrence-set start=\"20260101T000000Z\" end=\"20260102T000000Z\"/>",
    ] {
        let error =
            selection(&format!("<C:calendar-data>{content}</C:calendar-data>")).unwrap_err();
        assert!(
            matches!(error, DavError::BadRequest(_)),
            "{content}: {error}"
        );
    }
}
