//! The examples of RFC 7265, and what is refused.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Result<CalendarObject, ReadError> {
    parse(text.as_bytes(), &Limits::default())
}

fn calendar(text: &str) -> CalendarObject {
    let text = text.trim().replace("\n        ", "\r\n") + "\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn printed(object: &CalendarObject) -> Value {
    serde_json::from_slice(&print(object)).unwrap()
}

/// One property within an event.
fn of_property(property: &str) -> Result<String, ReadError> {
    let text = format!("[\"vcalendar\",[],[[\"vevent\",[{property}],[]]]]");
    let object = read(&text)?;
    let event = object.components().next().unwrap();
    Ok(event.properties().next().unwrap().content().to_owned())
}

/// RFC 7265 §B.1
#[test]
fn example_1() {
    let object = calendar(
        "BEGIN:VCALENDAR
        CALSCALE:GREGORIAN
        PRODID:-//Example Inc.//Example Calendar//EN
        VERSION:2.0
        BEGIN:VEVENT
        DTSTAMP:20080205T191224Z
        DTSTART:20081006
        SUMMARY:Planning meeting
        UID:4088E990AD89CB3DBB484909
        END:VEVENT
        END:VCALENDAR",
    );
    let expected = json!([
        "vcalendar",
        [
            ["calscale", {}, "text", "GREGORIAN"],
            [
                "prodid",
                {},
                "text",
                "-//Example Inc.//Example Calendar//EN"
            ],
            ["version", {}, "text", "2.0"]
        ],
        [[
            "vevent",
            [
                ["dtstamp", {}, "date-time", "2008-02-05T19:12:24Z"],
                ["dtstart", {}, "date", "2008-10-06"],
                ["summary", {}, "text", "Planning meeting"],
                ["uid", {}, "text", "4088E990AD89CB3DBB484909"]
            ],
            []
        ]]
    ]);
    assert_eq!(printed(&object), expected);
    let back = read(&expected.to_string()).unwrap();
    let octets = String::from_utf8(back.to_octets().to_vec()).unwrap();
    let original = String::from_utf8(object.to_octets().to_vec()).unwrap();
    assert_eq!(octets, original.replace("DTSTART:", "DTSTART;VALUE=DATE:"));
}

/// RFC 7265 §B.2, with what its errata mend.
#[test]
fn example_2() {
    let object = calendar(
        "BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//Example Corp.//Example Client//EN
        BEGIN:VTIMEZONE
        LAST-MODIFIED:20040110T032845Z
        TZID:US/Eastern
        BEGIN:DAYLIGHT
        DTSTART:20000404T020000
        RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4
        TZNAME:EDT
        TZOFFSETFROM:-0500
        TZOFFSETTO:-0400
        END:DAYLIGHT
        END:VTIMEZONE
        BEGIN:VEVENT
        DTSTAMP:20060206T001121Z
        DTSTART;TZID=US/Eastern:20060102T120000
        DURATION:PT1H
        RRULE:FREQ=DAILY;COUNT=5
        RDATE;TZID=US/Eastern;VALUE=PERIOD:20060102T150000/PT2H
        DESCRIPTION:We are having a meeting all this week at 12 pm for one hour\\, with an addi
         tional meeting on the first day 2 hours long.\\nPlease bring your own lunch.
        UID:00959BC664CA650E933C892C@example.com
        END:VEVENT
        END:VCALENDAR",
    );
    let expected = json!(["vcalendar",
        [["version", {}, "text", "2.0"],
         ["prodid", {}, "text", "-//Example Corp.//Example Client//EN"]],
        [["vtimezone",
          [["last-modified", {}, "date-time", "2004-01-10T03:28:45Z"],
           ["tzid", {}, "text", "US/Eastern"]],
          [["daylight",
            [["dtstart", {}, "date-time", "2000-04-04T02:00:00"],
             ["rrule", {}, "recur", {"freq": "YEARLY", "byday": "1SU", "bymonth": 4}],
             ["tzname", {}, "text", "EDT"],
             ["tzoffsetfrom", {}, "utc-offset", "-05:00"],
             ["tzoffsetto", {}, "utc-offset", "-04:00"]],
            []]]],
         ["vevent",
          [["dtstamp", {}, "date-time", "2006-02-06T00:11:21Z"],
           ["dtstart", {"tzid": "US/Eastern"}, "date-time", "2006-01-02T12:00:00"],
           ["duration", {}, "duration", "PT1H"],
           ["rrule", {}, "recur", {"freq": "DAILY", "count": 5}],
           ["rdate", {"tzid": "US/Eastern"}, "period", ["2006-01-02T15:00:00", "PT2H"]],
           ["description", {}, "text", "We are having a meeting all this week at 12 pm for one hour, \
            with an additional meeting on the first day 2 hours long.\nPlease bring your own lunch."],
           ["uid", {}, "text", "00959BC664CA650E933C892C@example.com"]],
          []]]]);
    assert_eq!(printed(&object), expected);
    assert_eq!(read(&expected.to_string()).unwrap(), object);
}

/// The examples of RFC 7265 §3 and §5, both ways.
#[test]
fn properties_both_ways() {
    for (line, property) in [
        (
            "SUMMARY:Meeting with Fred",
            json!(["summary", {}, "text", "Meeting with Fred"]),
        ),
        (
            "CATEGORIES:Meetings,Work",
            json!(["categories", {}, "text", "Meetings", "Work"]),
        ),
        (
            "GEO:37.386013;-122.082932",
            json!(["geo", {}, "float", [37.386013, -122.082932]]),
        ),
        (
            "REQUEST-STATUS:2.0;Success",
            json!(["request-status", {}, "text", ["2.0", "Success"]]),
        ),
        (
            "REQUEST-STATUS:3.7;Invalid calendar user;ATTENDEE:mailto:jsmith@example.org",
            json!([
                "request-status",
                {},
                "text",
                [
                    "3.7",
                    "Invalid calendar user",
                    "ATTENDEE:mailto:jsmith@example.org"
                ]
            ]),
        ),
        (
            "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=TRUE;ROLE=REQ-PARTICIPANT:mailto:jsmith@example.org",
            json!(["attendee", {"partstat": "ACCEPTED", "rsvp": "TRUE", "role": "REQ-PARTICIPANT"},
                "cal-address", "mailto:jsmith@example.org"]),
        ),
        (
            "ATTENDEE;DELEGATED-TO=\"mailto:jdoe@example.org\",\"mailto:jqpublic@example.org\":mailto:a@b",
            json!(["attendee", {"delegated-to": ["mailto:jdoe@example.org", "mailto:jqpublic@example.org"]},
                "cal-address", "mailto:a@b"]),
        ),
        (
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8gV29ybGQh",
            json!(["attach", {"encoding": "BASE64"}, "binary", "SGVsbG8gV29ybGQh"]),
        ),
        (
            "X-NON-SMOKING;VALUE=BOOLEAN:TRUE",
            json!(["x-non-smoking", {}, "boolean", true]),
        ),
        (
            "X-GRADE;VALUE=FLOAT:1.3",
            json!(["x-grade", {}, "float", 1.3]),
        ),
        (
            "PERCENT-COMPLETE:42",
            json!(["percent-complete", {}, "integer", 42]),
        ),
        (
            "FREEBUSY;FBTYPE=FREE:19970308T160000Z/P1D",
            json!(["freebusy", {"fbtype": "FREE"}, "period", ["1997-03-08T16:00:00Z", "P1D"]]),
        ),
        (
            "RRULE:FREQ=YEARLY;COUNT=5;BYDAY=-1SU,2MO;BYMONTH=10",
            json!(["rrule", {}, "recur", {"freq": "YEARLY", "count": 5, "byday": ["-1SU", "2MO"], "bymonth": 10}]),
        ),
        (
            "RRULE:FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,15,-1;UNTIL=20131001",
            json!(["rrule", {}, "recur",
                {"freq": "MONTHLY", "interval": 2, "bymonthday": [1, 15, -1], "until": "2013-10-01"}]),
        ),
        (
            "X-TIME-UTC;VALUE=TIME:123000Z",
            json!(["x-time-utc", {}, "time", "12:30:00Z"]),
        ),
        (
            "TZURL:http://example.org/a.ics",
            json!(["tzurl", {}, "uri", "http://example.org/a.ics"]),
        ),
        (
            "TZOFFSETTO:+1245",
            json!(["tzoffsetto", {}, "utc-offset", "+12:45"]),
        ),
        (
            "X-COMPLAINT-DEADLINE:20110512T120000Z",
            json!(["x-complaint-deadline", {}, "unknown", "20110512T120000Z"]),
        ),
        (
            "X-COFFEE-DATA:Stenophylla;Guinea\\,Africa",
            json!([
                "x-coffee-data",
                {},
                "unknown",
                "Stenophylla;Guinea\\,Africa"
            ]),
        ),
        (
            "DTSTART;X-SLACK=30.3;VALUE=DATE:20110512",
            json!(["dtstart", {"x-slack": "30.3"}, "date", "2011-05-12"]),
        ),
    ] {
        let parsed = Component::parse(
            format!("BEGIN:X\r\n{line}\r\nEND:X\r\n").as_bytes(),
            &Limits::default(),
        );
        let parsed = parsed.unwrap();
        let text = print_property(parsed.properties().next().unwrap());
        assert_eq!(
            serde_json::from_slice::<Value>(&text).unwrap(),
            property,
            "{line}"
        );
        // The order of keys is not kept by this test's `json!`.
        let text = String::from_utf8(text).unwrap();
        assert_eq!(of_property(&text).as_deref(), Ok(line));
    }
}

/// What other writers may write (RFC 7265 §3.5.2, §3.6.8, §3.6.10, §B.2.2).
#[test]
fn other_forms_are_read() {
    for (property, line) in [
        (
            r#"["attendee",{"member":["mailto:a@b"]},"cal-address","mailto:c@d"]"#,
            "ATTENDEE;MEMBER=\"mailto:a@b\":mailto:c@d",
        ),
        (r#"["priority",{},"integer",5.0]"#, "PRIORITY:5"),
        (r#"["priority",{},"integer",5e0]"#, "PRIORITY:5"),
        (r#"["geo",{},"float",[1e-7,1E2]]"#, "GEO:0.0000001;100.0"),
        (
            r#"["rrule",{},"recur",{"bymonth":[4],"byday":["1SU"],"freq":"YEARLY","interval":1.0}]"#,
            "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;INTERVAL=1",
        ),
        (r#"["rrule",{},"recur","FREQ=DAILY"]"#, "RRULE:FREQ=DAILY"),
        (
            r#"["rdate",{},"period","2006-01-02T15:00:00/PT2H"]"#,
            "RDATE;VALUE=PERIOD:20060102T150000/PT2H",
        ),
        (
            r#"["DTSTART",{"TZID":"Europe/Berlin"},"DATE-TIME","2006-01-02T15:00:00"]"#,
            "DTSTART;TZID=Europe/Berlin:20060102T150000",
        ),
        (
            r#"["dtstart",{"value":"date"},"date-time","2006-01-02T15:00:00"]"#,
            "DTSTART:20060102T150000",
        ),
        (
            r#"["summary",{"x-n":5,"x-b":true},"text","\u00e4"]"#,
            "SUMMARY;X-N=5;X-B=TRUE:ä",
        ),
        (
            r#"["x-a",{},"text",["a;b","c"],"d"]"#,
            "X-A;VALUE=TEXT:a\\;b;c,d",
        ),
    ] {
        assert_eq!(of_property(property).as_deref(), Ok(line), "{property}");
    }
}

#[test]
fn streams_hold_several() {
    // RFC 7265 §3.2
    let one = r#"["vcalendar",[["version",{},"text","2.0"]],[]]"#;
    for (text, count) in [
        (one.to_owned(), 1),
        (format!("[{one}]"), 1),
        (format!("[{one},{one}]"), 2),
        ("[]".to_owned(), 0),
        (format!("\u{FEFF}{one}"), 1),
    ] {
        let objects = parse_stream(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(objects.len(), count, "{text}");
        assert_eq!(read(&text).is_ok(), count == 1, "{text}");
    }
}

#[test]
fn what_is_no_jcal_is_refused() {
    for (property, reason) in [
        (r#"["begin",{},"text","VEVENT"]"#, "no name of a property"),
        (r#"["a:b",{},"text","x"]"#, "no name of a property"),
        (r#"["",{},"text","x"]"#, "no name of a property"),
        (
            r#"["x-a",{"b:c":"d"},"text","x"]"#,
            "no name of a parameter",
        ),
        (r#"["x-a",{},"te xt","x"]"#, "no type of a value"),
        (r#"["x-a",{},"unknown","x\nBEGIN:VEVENT"]"#, "U+000A"),
        (r#"["x-a",{},"text","x\u0000"]"#, "U+0000"),
        (r#"["x-a",{"b":"\u0007"},"text","x"]"#, "U+0007"),
        (r#"["x-a",{},"text"]"#, "has no value"),
        (r#"["x-a",{},"text",null]"#, "a value"),
        (r#"["x-a",{},"text",{}]"#, "only a rule is an object"),
        (r#"["x-a",{},"text",[[1]]]"#, "a text or a number"),
        (
            r#"["rrule",{},"recur",{"freq":"DAILY;COUNT=1"}]"#,
            "cannot stand in a rule",
        ),
        (r#"["rrule",{},"recur",{"a b":"1"}]"#, "no part of a rule"),
        (r#"["rrule",{},"recur",{"freq":[]}]"#, "no part of a rule"),
        (r#"["geo",{},"float",[1,2],[3,4]]"#, "has one value"),
        (r#"["x-a",[],"text","x"]"#, "object of parameters"),
        (r#"["x-a"]"#, "no object of parameters"),
        ("[]", "no name"),
        ("5", "a property's name"),
    ] {
        let error = of_property(property).unwrap_err();
        assert!(error.reason.contains(reason), "{property}: {error}");
    }
    for (text, reason) in [
        ("", "EOF"),
        ("{}", "the array of a vcalendar"),
        ("[\"vevent\",[],[]]", "outside vcalendar"),
        ("[\"vcalendar\"]", "no array of properties"),
        ("[\"vcalendar\",[]]", "no array of components"),
        ("[\"vcalendar\",[],[],[]]", "an array of three"),
        (
            "[\"vcalendar\",[],[[\"vcalendar\",[],[]]]]",
            "second vcalendar",
        ),
        ("[\"vcalendar\",[],[[\"a b\",[],[]]]]", "not a name"),
        ("[\"vcalendar\",[],[]] x", "trailing"),
        ("[\"vcalendar\",[],[],", "EOF"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
    let error = read("[\"vcalendar\",\n[],\n5]").unwrap_err();
    assert_eq!(error.line, 3);
}

#[test]
fn limits_hold() {
    let within = |text: &str, limits: Limits| parse(text.as_bytes(), &limits).map(|_| ());
    let nested = |depth: usize| {
        let open = "[\"vcalendar\",[],[".to_owned() + &"[\"x\",[],[".repeat(depth - 1);
        open + &"]]".repeat(depth)
    };
    let limits = Limits::default();
    assert_eq!(within(&nested(limits.depth), limits), Ok(()));
    let error = within(&nested(limits.depth + 1), limits).unwrap_err();
    assert!(error.reason.contains("16 deep"), "{error}");
    assert!(within(&nested(100_000), limits).is_err());
    let line = r#"["vcalendar",[["x-a",{},"text","0123456789"]],[]]"#;
    let refusals = [
        (
            Limits {
                octets: 20,
                ..limits
            },
            "larger than 20 octets",
        ),
        (Limits { lines: 2, ..limits }, "more than 2 lines"),
        (
            Limits {
                line_octets: 9,
                ..limits
            },
            "longer than 9 octets",
        ),
    ];
    for (limits, reason) in refusals {
        let error = within(line, limits).unwrap_err();
        assert!(error.reason.contains(reason), "{error}");
    }
    assert_eq!(within(line, Limits { lines: 3, ..limits }), Ok(()));
}

proptest! {
    #[test]
    fn never_panics(octets in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\",:a-z0-9. -]{0,60}") {
        let _ = parse(&octets, &Limits::default());
        let _ = parse(text.as_bytes(), &Limits::default());
    }

    /// Whatever is read can be printed and read again.
    #[test]
    fn what_is_read_comes_back(
        name in "[a-z-]{1,8}",
        type_name in "(text|date|recur|period|integer|unknown|x-a|time|binary)",
        value in "(\"[ -!#-\\[\\]-~]{0,12}\"|-?[1-9][0-9]{0,3}(\\.[0-9]{1,3})?|true|\\[\"a\",\"b\"\\])",
    ) {
        let text = format!("[\"vcalendar\",[[\"{name}\",{{}},\"{type_name}\",{value}]],[]]");
        if let Ok(object) = read(&text) {
            let again = parse(&print(&object), &Limits::default()).unwrap();
            prop_assert_eq!(print(&again), print(&object));
        }
    }
}
