#![allow(clippy::unwrap_used)]

use calendar::{CalendarObject, Zone};
use http::StatusCode;
use scheduling::{
    desk::Limits,
    projection::{ObjectProjection, Verdict},
};

use super::*;
use crate::{error::DavError, testing::xml, xml::Document};

fn read(content: &str) -> Result<Filter, DavError> {
    let text = xml("C:filter", content);
    Filter::read(
        Document::parse(text.as_bytes()).unwrap().root(),
        &Limits::default(),
    )
}

/// A filter for a component of this name with this content.
fn within(component: &str, content: &str) -> Filter {
    let filter = format!(
        "<C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"{component}\">{content}</C:comp-filter></C:comp-filter>"
    );
    read(&filter).unwrap_or_else(|error| panic!("{error}: {content}"))
}

fn object(component: &str, lines: &str) -> CalendarObject {
    let lines = lines.replace('\n', "\r\n");
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:{component}\r\n{lines}\r\nEND:{component}\r\nEND:VCALENDAR\r\n"
    );
    CalendarObject::parse(text.as_bytes(), &calendar::Limits::default()).unwrap()
}

/// Also proves for each case that what the projection says for certain is what the object says.
fn matches(filter: &Filter, object: &CalendarObject) -> bool {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let matches = filter.matches(&Subject::new(object, &berlin));
    let judged = filter.judge(&ObjectProjection::of(object), &berlin);
    assert!(
        judged == Verdict::Maybe || judged == matches.into(),
        "{judged:?}: {filter:?}"
    );
    matches
}

/// What projections are for: objects that are left out unread.
#[test]
fn projections_leave_objects_out() {
    let event = object(
        "VEVENT",
        "UID:1\nDTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
    );
    let projection = ObjectProjection::of(&event);
    let range = |start: &str| format!("<C:time-range start=\"{start}\"/>");
    let judge = |filter: Filter| filter.judge(&projection, &Zone::utc());
    assert_eq!(judge(within("VTODO", "")), Verdict::No);
    assert_eq!(
        judge(within("VEVENT", &range("20260201T000000Z"))),
        Verdict::No
    );
    // Here the rule has no instance, although the first and the last lie around.
    let gap = "<C:time-range start=\"20260101T120000Z\" end=\"20260101T130000Z\"/>";
    assert_eq!(judge(within("VEVENT", gap)), Verdict::No);
    assert_eq!(
        judge(within("VEVENT", &range("20260102T000000Z"))),
        Verdict::Yes
    );
    let named = "<C:prop-filter name=\"SUMMARY\"/>";
    assert_eq!(judge(within("VEVENT", named)), Verdict::Maybe);
}

/// RFC 4791 §9.7.1, §9.7.4
#[test]
fn components() {
    let event = object(
        "VEVENT",
        "UID:1\nDTSTART:20260101T000000Z\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT15M\nEND:VALARM",
    );
    let task = object("VTODO", "UID:1");
    let cases = [
        ("VEVENT", "", true, false),
        ("vevent", "", true, false),
        ("VTODO", "", false, true),
        ("VEVENT", "<C:is-not-defined/>", false, true),
        ("VEVENT", "<C:comp-filter name=\"VALARM\"/>", true, false),
        (
            "VEVENT",
            "<C:comp-filter name=\"VALARM\"><C:is-not-defined/></C:comp-filter>",
            false,
            false,
        ),
        (
            "VTODO",
            "<C:comp-filter name=\"VALARM\"><C:is-not-defined/></C:comp-filter>",
            false,
            true,
        ),
        (
            "VEVENT",
            "<C:comp-filter name=\"VALARM\"><C:prop-filter name=\"ACTION\"><C:text-match>audio</C:text-match></C:prop-filter></C:comp-filter>",
            true,
            false,
        ),
        ("VTIMEZONE", "<C:is-not-defined/>", true, true),
    ];
    for (component, content, of_event, of_task) in cases {
        let filter = within(component, content);
        assert_eq!(
            (matches(&filter, &event), matches(&filter, &task)),
            (of_event, of_task),
            "{component} {content}"
        );
    }
    let all = read("<C:comp-filter name=\"VCALENDAR\"/>").unwrap();
    assert!(matches(&all, &event));
    let calendar = read("<C:comp-filter name=\"VCALENDAR\"><C:prop-filter name=\"VERSION\"/><C:prop-filter name=\"METHOD\"><C:is-not-defined/></C:prop-filter></C:comp-filter>").unwrap();
    assert!(matches(&calendar, &event));
    let none =
        read("<C:comp-filter name=\"VCALENDAR\"><C:is-not-defined/></C:comp-filter>").unwrap();
    assert!(!matches(&none, &event));
}

/// RFC 4791 §9.7.2, §9.7.3, §9.7.5
#[test]
fn properties_and_parameters() {
    let event = object(
        "VEVENT",
        "UID:1\nDTSTART:20260101T000000Z\nSUMMARY:Büro\\, Essen\nSTATUS:TENTATIVE\n\
         ATTENDEE;PARTSTAT=ACCEPTED;CN=\"A, B\":mailto:a@example.com\nATTENDEE;PARTSTAT=DECLINED:mailto:b@example.com\nCATEGORIES:X,Y",
    );
    let text =
        |attributes: &str, text: &str| format!("<C:text-match{attributes}>{text}</C:text-match>");
    let (octet, unicode) = (" collation=\"i;octet\"", " collation=\"i;unicode-casemap\"");
    let negate = " negate-condition=\"yes\"";
    let partstat = |value: &str| {
        format!(
            "<C:param-filter name=\"PARTSTAT\"><C:text-match>{value}</C:text-match></C:param-filter>"
        )
    };
    let cases = [
        ("SUMMARY", String::new(), true),
        ("summary", String::new(), true),
        ("LOCATION", String::new(), false),
        ("LOCATION", "<C:is-not-defined/>".into(), true),
        ("SUMMARY", "<C:is-not-defined/>".into(), false),
        ("SUMMARY", text("", "ESSEN"), true),
        ("SUMMARY", text("", ", e"), true),
        ("SUMMARY", text(octet, "ESSEN"), false),
        ("SUMMARY", text("", "BÜRO"), false),
        ("SUMMARY", text(unicode, "BÜRO"), true),
        ("SUMMARY", text(negate, "essen"), false),
        ("STATUS", text(negate, "CANCELLED"), true),
        ("LOCATION", text(negate, "x"), false),
        ("CATEGORIES", text("", "y"), true),
        ("ATTENDEE", text("", "b@example"), true),
        ("ATTENDEE", partstat("DECLINED"), true),
        (
            "ATTENDEE",
            text("", "a@example") + &partstat("DECLINED"),
            false,
        ),
        (
            "ATTENDEE",
            text("", "b@example") + &partstat("DECLINED"),
            true,
        ),
        ("ATTENDEE", partstat("DELEGATED"), false),
        (
            "ATTENDEE",
            "<C:param-filter name=\"CN\"><C:text-match>a, b</C:text-match></C:param-filter>".into(),
            true,
        ),
        (
            "ATTENDEE",
            "<C:param-filter name=\"CN\"><C:is-not-defined/></C:param-filter>".into(),
            true,
        ),
        (
            "SUMMARY",
            "<C:param-filter name=\"LANGUAGE\"/>".into(),
            false,
        ),
        (
            "DTSTART",
            "<C:time-range start=\"20260101T000000Z\" end=\"20260101T000001Z\"/>".into(),
            true,
        ),
        (
            "DTSTART",
            "<C:time-range start=\"20260101T000001Z\"/>".into(),
            false,
        ),
    ];
    for (name, content, expected) in cases {
        let filter = within(
            "VEVENT",
            &format!("<C:prop-filter name=\"{name}\">{content}</C:prop-filter>"),
        );
        assert_eq!(matches(&filter, &event), expected, "{name} {content}");
    }
}

/// RFC 4791 §9.9, over recurrence and zones
#[test]
fn time_ranges() {
    let zoned = "DTSTART;TZID=America/New_York:20260105T200000\nDTEND;TZID=America/New_York:20260105T210000";
    let cases = [
        (zoned, "20260106T010000Z", "20260106T020000Z", true),
        (zoned, "20260105T200000Z", "20260105T210000Z", false),
        (
            "DTSTART;VALUE=DATE:20260105",
            "20260104T230000Z",
            "20260104T233000Z",
            true,
        ),
        (
            "DTSTART;VALUE=DATE:20260105",
            "20260105T230000Z",
            "20260105T233000Z",
            false,
        ),
        (
            "DTSTART:20260105T120000\nDURATION:PT1H",
            "20260105T110000Z",
            "20260105T113000Z",
            true,
        ),
        (
            "DTSTART:20250101T120000Z\nRRULE:FREQ=WEEKLY",
            "20300103T000000Z",
            "20300104T000000Z",
            false,
        ),
        (
            "DTSTART:20250101T120000Z\nRRULE:FREQ=WEEKLY",
            "20300102T000000Z",
            "20300103T000000Z",
            true,
        ),
        (
            "DTSTART:20250101T120000Z\nRRULE:FREQ=WEEKLY;UNTIL=20250201T000000Z",
            "20300102T000000Z",
            "20300103T000000Z",
            false,
        ),
        (
            "DTSTART:20250101T120000Z\nRRULE:FREQ=DAILY\nEXDATE:20300102T120000Z",
            "20300102T000000Z",
            "20300103T000000Z",
            false,
        ),
    ];
    for (lines, start, end, expected) in cases {
        let filter = within(
            "VEVENT",
            &format!("<C:time-range start=\"{start}\" end=\"{end}\"/>"),
        );
        assert_eq!(
            matches(&filter, &object("VEVENT", lines)),
            expected,
            "{lines} {start}"
        );
    }
    let alarm = object(
        "VEVENT",
        "DTSTART:20260105T120000Z\nBEGIN:VALARM\nTRIGGER:-P1D\nACTION:AUDIO\nEND:VALARM",
    );
    let rings = |start: &str| {
        within(
            "VEVENT",
            &format!(
                "<C:comp-filter name=\"VALARM\"><C:time-range start=\"{start}\"/></C:comp-filter>"
            ),
        )
    };
    assert!(matches(&rings("20260104T120000Z"), &alarm));
    assert!(!matches(&rings("20260104T120001Z"), &alarm));
}

/// RFC 4791 §7.8
#[test]
fn what_makes_no_sense_is_refused() {
    let inside =
        |content: &str| format!("<C:comp-filter name=\"VCALENDAR\">{content}</C:comp-filter>");
    let event = |content: &str| {
        inside(&format!(
            "<C:comp-filter name=\"VEVENT\">{content}</C:comp-filter>"
        ))
    };
    let range = "<C:time-range start=\"20260101T000000Z\"/>";
    let cases = [
        (String::new(), "ValidFilter"),
        ("<C:comp-filter name=\"VEVENT\"/>".into(), "ValidFilter"),
        (inside("<C:comp-filter/>"), "ValidFilter"),
        (inside(range), "ValidFilter"),
        (inside("<C:comp-filter name=\"VALARM\"/>"), "ValidFilter"),
        (inside("<C:comp-filter name=\"VCALENDAR\"/>"), "ValidFilter"),
        (event("<C:comp-filter name=\"VTODO\"/>"), "ValidFilter"),
        (event("<C:comp-filter name=\"STANDARD\"/>"), "ValidFilter"),
        (event("<C:time-range/>"), "ValidFilter"),
        (event(&format!("<C:is-not-defined/>{range}")), "ValidFilter"),
        (
            event("<C:prop-filter name=\"X\"><C:is-not-defined/><C:text-match/></C:prop-filter>"),
            "ValidFilter",
        ),
        (
            event(
                "<C:prop-filter name=\"X\"><C:param-filter name=\"Y\"><C:text-match/><C:is-not-defined/></C:param-filter></C:prop-filter>",
            ),
            "ValidFilter",
        ),
        (
            event(&format!(
                "<C:prop-filter name=\"SUMMARY\">{range}</C:prop-filter>"
            )),
            "ValidFilter",
        ),
        (
            event(&format!(
                "<C:prop-filter name=\"DUE\">{range}<C:text-match/></C:prop-filter>"
            )),
            "ValidFilter",
        ),
        (
            event(
                "<C:prop-filter name=\"X\"><C:text-match negate-condition=\"x\"/></C:prop-filter>",
            ),
            "ValidFilter",
        ),
        (
            event("<C:prop-filter name=\"X\"><C:text-match collation=\"i;x\"/></C:prop-filter>"),
            "SupportedCollation",
        ),
        (
            event(&"<C:prop-filter name=\"X\"/>".repeat(1_001)),
            "ValidFilter",
        ),
    ];
    for (content, expected) in cases {
        let error = read(&content).unwrap_err();
        assert_eq!(error.status(), StatusCode::FORBIDDEN);
        assert!(
            format!("{error:?}").contains(expected),
            "{content}: {error:?}"
        );
    }
}
