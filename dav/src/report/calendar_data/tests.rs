#![allow(clippy::unwrap_used)]

use super::*;
use crate::{testing::xml, xml::Document};

const OBJECT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:A\r\n\
    BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nEND:STANDARD\r\n\
    END:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=A:20260101T000000\r\nSUMMARY:One\r\n\
    BEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn selection(content: &str) -> Result<Option<Selection>, DavError> {
    let body = xml("C:calendar-query", &format!("<D:prop>{content}</D:prop>"));
    Selection::of_request(Document::parse(body.as_bytes()).unwrap().root())
}

fn apply(content: &str, octets: &'static [u8]) -> String {
    selection(content)
        .unwrap()
        .unwrap()
        .apply(&Bytes::from_static(octets))
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
        "<C:calendar-data content-type=\"application/calendar+xml\"/>",
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
