//! The examples of RFC 6321, and what is refused.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<CalendarObject, ReadError> {
    parse(text.as_bytes(), &Limits::default())
}

fn document(content: &str) -> String {
    format!("<icalendar xmlns=\"{NAMESPACE}\"><vcalendar>{content}</vcalendar></icalendar>")
}

/// One property within an event.
fn of_property(property: &str) -> Result<String, ReadError> {
    let event =
        format!("<components><vevent><properties>{property}</properties></vevent></components>");
    let object = read(&document(&event))?;
    let event = object.components().next().unwrap();
    Ok(event.properties().next().unwrap().content().to_owned())
}

fn printed(line: &str) -> String {
    let text = format!("BEGIN:X\r\n{line}\r\nEND:X\r\n");
    let component = Component::parse(text.as_bytes(), &Limits::default()).unwrap();
    String::from_utf8(print_property(component.properties().next().unwrap())).unwrap()
}

/// A document without the white space between its elements.
fn compact(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

/// RFC 6321 §B.1
#[test]
fn example_1() {
    let text = "BEGIN:VCALENDAR\r\nCALSCALE:GREGORIAN\r\nPRODID:-//Example Inc.//Example Calendar//EN\r\n\
        VERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTAMP:20080205T191224Z\r\nDTSTART;VALUE=DATE:20081006\r\n\
        SUMMARY:Planning meeting\r\nUID:4088E990AD89CB3DBB484909\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
    let expected = "<?xml version=\"1.0\" encoding=\"utf-8\"?>
        <icalendar xmlns=\"urn:ietf:params:xml:ns:icalendar-2.0\">
         <vcalendar>
          <properties>
           <calscale><text>GREGORIAN</text></calscale>
           <prodid><text>-//Example Inc.//Example Calendar//EN</text></prodid>
           <version><text>2.0</text></version>
          </properties>
          <components>
           <vevent>
            <properties>
             <dtstamp><date-time>2008-02-05T19:12:24Z</date-time></dtstamp>
             <dtstart><date>2008-10-06</date></dtstart>
             <summary><text>Planning meeting</text></summary>
             <uid><text>4088E990AD89CB3DBB484909</text></uid>
            </properties>
           </vevent>
          </components>
         </vcalendar>
        </icalendar>";
    let octets = String::from_utf8(print(&object)).unwrap();
    assert_eq!(compact(&octets), compact(expected));
    for form in [expected, &octets] {
        assert_eq!(&read(form).unwrap().to_octets()[..], text.as_bytes());
    }
}

/// RFC 6321 §B.2 in its peculiar parts: a TZID without a type, a period, a rule, a character reference.
#[test]
fn example_2() {
    let object = read(&document(
        "<components>
          <vtimezone>
           <properties><tzid>US/Eastern</tzid></properties>
           <components><daylight><properties>
             <rrule><recur><freq>YEARLY</freq><byday>1SU</byday><bymonth>4</bymonth></recur></rrule>
           </properties></daylight></components>
          </vtimezone>
          <vevent><properties>
            <rdate>
             <parameters><tzid><text>US/Eastern</text></tzid></parameters>
             <period><start>2006-01-02T15:00:00</start><duration>PT2H</duration></period>
            </rdate>
            <description><text>2 hours long.&#x0a;Please bring lunch, too.</text></description>
          </properties></vevent>
        </components>",
    ));
    let expected = "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:US/Eastern\r\nBEGIN:DAYLIGHT\r\n\
        RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n\
        RDATE;TZID=US/Eastern;VALUE=PERIOD:20060102T150000/PT2H\r\n\
        DESCRIPTION:2 hours long.\\nPlease bring lunch\\, too.\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(object.unwrap().to_octets(), expected.as_bytes());
}

/// The examples of RFC 6321 §3 and §5, both ways.
#[test]
fn properties_both_ways() {
    for (line, element) in [
        (
            "GEO:37.386013;-122.082932",
            "<geo><latitude>37.386013</latitude><longitude>-122.082932</longitude></geo>",
        ),
        (
            "REQUEST-STATUS:2.0;Success",
            "<request-status><code>2.0</code><description>Success</description></request-status>",
        ),
        (
            "REQUEST-STATUS:3.7;Invalid;a\\;b",
            "<request-status><code>3.7</code><description>Invalid</description><data>a;b</data></request-status>",
        ),
        (
            "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:a@b",
            "<attendee><parameters><partstat><text>NEEDS-ACTION</text></partstat>\
             <rsvp><boolean>true</boolean></rsvp></parameters><cal-address>mailto:a@b</cal-address></attendee>",
        ),
        (
            "ATTENDEE;MEMBER=\"mailto:a@b\",\"mailto:c@d\":mailto:e@f",
            "<attendee><parameters><member><cal-address>mailto:a@b</cal-address>\
             <cal-address>mailto:c@d</cal-address></member></parameters>\
             <cal-address>mailto:e@f</cal-address></attendee>",
        ),
        (
            "CATEGORIES:A & B,<C>",
            "<categories><text>A &amp; B</text><text>&lt;C&gt;</text></categories>",
        ),
        (
            "FREEBUSY:20110517T120000Z/PT1H,20110518T120000Z/20110518T130000Z",
            "<freebusy><period><start>2011-05-17T12:00:00Z</start><duration>PT1H</duration></period>\
             <period><start>2011-05-18T12:00:00Z</start><end>2011-05-18T13:00:00Z</end></period></freebusy>",
        ),
        (
            "RRULE:FREQ=YEARLY;COUNT=5;BYDAY=-1SU,MO;BYMONTH=10",
            "<rrule><recur><freq>YEARLY</freq><count>5</count><byday>-1SU</byday><byday>MO</byday>\
             <bymonth>10</bymonth></recur></rrule>",
        ),
        (
            "X-A;VALUE=BOOLEAN:TRUE",
            "<x-a><boolean>true</boolean></x-a>",
        ),
        ("X-A;VALUE=TIME:120000", "<x-a><time>12:00:00</time></x-a>"),
        (
            "TZOFFSETTO:-0500",
            "<tzoffsetto><utc-offset>-05:00</utc-offset></tzoffsetto>",
        ),
        (
            "X-PROPERTY:20110512T120000Z",
            "<x-property><unknown>20110512T120000Z</unknown></x-property>",
        ),
        (
            "DTSTART;X-PARAM=PT30M:20110512T130000Z",
            "<dtstart><parameters><x-param><unknown>PT30M</unknown></x-param></parameters>\
             <date-time>2011-05-12T13:00:00Z</date-time></dtstart>",
        ),
        // RFC 6321 §4.2
        (
            "XML:<kml xmlns=\"http://www.opengis.net/kml/2.2\">\\n <open>1</open>\\n</kml>",
            "<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n <open>1</open>\n</kml>",
        ),
        (
            "XML:<kml><open/></kml>",
            "<xml><text>&lt;kml&gt;&lt;open/&gt;&lt;/kml&gt;</text></xml>",
        ),
        (
            "XML:<k:a xmlns:k=\"u\"><b/></k:a>",
            "<xml><text>&lt;k:a xmlns:k=\"u\"&gt;&lt;b/&gt;&lt;/k:a&gt;</text></xml>",
        ),
        ("1ST:a", "<_x0031_st><unknown>a</unknown></_x0031_st>"),
    ] {
        assert_eq!(printed(line), element);
        assert_eq!(of_property(element).as_deref(), Ok(line));
    }
}

/// A rule's parts come in the order of the schema (RFC 6321 §A).
#[test]
fn rules_are_in_order() {
    assert_eq!(
        printed("RRULE:WKST=MO;X-A=1;BYDAY=SU;INTERVAL=2;FREQ=WEEKLY"),
        "<rrule><recur><freq>WEEKLY</freq><interval>2</interval><byday>SU</byday><wkst>MO</wkst>\
         <x-a>1</x-a></recur></rrule>"
    );
}

/// RFC 6321 §4.1
#[test]
fn elements_of_others() {
    let text = document(
        "<properties><y:z xmlns:y=\"urn:y\"/><prodid y=\"5\"><y:z xmlns:y=\"urn:y\">no</y:z><text>p</text></prodid>\
         </properties><y xmlns=\"urn:y\"><prodid/></y>",
    );
    let object = read(&text).unwrap();
    let lines: Vec<_> = object
        .calendar()
        .properties()
        .map(Property::content)
        .collect();
    assert_eq!(lines, ["XML:<y:z xmlns:y=\"urn:y\"/>", "PRODID:p"]);
    // What they need from outside goes with them.
    let text = format!(
        "<c:icalendar xmlns:c=\"{NAMESPACE}\" xmlns=\"urn:d\" xmlns:y=\"urn:y\" xmlns:n=\"urn:n\"><c:vcalendar>\
         <c:properties><y:z>\r\n<w/></y:z><w/></c:properties></c:vcalendar></c:icalendar>"
    );
    let object = read(&text).unwrap();
    let lines: Vec<_> = object
        .calendar()
        .properties()
        .map(Property::content)
        .collect();
    assert_eq!(
        lines,
        [
            "XML:<y:z xmlns:y=\"urn:y\" xmlns=\"urn:d\">\\n<w/></y:z>",
            "XML:<w xmlns=\"urn:d\"/>"
        ]
    );
}

#[test]
fn other_forms_are_read() {
    for (element, line) in [
        (
            "<dtstart> <date-time> 2011-05-17T12:00:00 </date-time> </dtstart>",
            "DTSTART:20110517T120000",
        ),
        (
            "<attach><binary>SGVs\n bG8=</binary></attach>",
            "ATTACH;ENCODING=BASE64;VALUE=BINARY:SGVsbG8=",
        ),
        (
            "<summary><text><![CDATA[a <b>]]>&#44;<!-- no --> c</text></summary>",
            "SUMMARY:a <b>\\, c",
        ),
        (
            "<summary><text> a\r\nb </text></summary>",
            "SUMMARY: a\\nb ",
        ),
        (
            "<x-a><parameters><rsvp><boolean>1</boolean></rsvp></parameters><unknown/></x-a>",
            "X-A;RSVP=1:",
        ),
        (
            "<x-a><parameters><p>v</p></parameters><unknown>u</unknown></x-a>",
            "X-A;P=v:u",
        ),
        (
            "<rrule><recur>FREQ=DAILY</recur></rrule>",
            "RRULE:FREQ=DAILY",
        ),
        (
            "<rrule><recur><bymonth>1</bymonth><freq>DAILY</freq></recur></rrule>",
            "RRULE:FREQ=DAILY;BYMONTH=1",
        ),
        (
            "<rdate><period>2006-01-02T15:00:00/PT2H</period></rdate>",
            "RDATE;VALUE=PERIOD:20060102T150000/PT2H",
        ),
    ] {
        assert_eq!(of_property(element).as_deref(), Ok(line), "{element}");
    }
}

#[test]
fn what_is_no_xcal_is_refused() {
    for (element, reason) in [
        (
            "<begin><text>VEVENT</text></begin>",
            "no name of a property",
        ),
        ("<x-a><unknown>a\nBEGIN:VEVENT</unknown></x-a>", "U+000A"),
        ("<uid><uri>\na\nb\n</uri></uid>", "U+000A"),
        ("<x-a/>", "has no value"),
        ("<x-a><text>a</text>b</x-a>", "beside the values"),
        ("<x-a><text><b/></text></x-a>", "b stands where text is"),
        ("<geo><longitude>1</longitude></geo>", "lacks a piece"),
        (
            "<geo><latitude>1</latitude><latitude>1</latitude></geo>",
            "lacks a piece",
        ),
        (
            "<rdate><period><middle/></period></rdate>",
            "middle stands in a period",
        ),
        (
            "<rrule><recur><freq>A;COUNT=1</freq></recur></rrule>",
            "cannot stand in a rule",
        ),
        (
            "<x-a><parameters>a</parameters><text/></x-a>",
            "text where elements stand",
        ),
        ("<p:x-a/>", "prefix \"p\" is not declared"),
        ("<x-a b=\"1\" b=\"2\"/>", "repeated"),
        ("<x-a b=\"<\"/>", "<"),
        ("<x-a b=\"&c;\"/>", "entity"),
        ("<x-a><text>&c;</text></x-a>", "entity"),
        ("<x-a><text>&#0;</text></x-a>", "names no character"),
        ("<x-a><text>]]></text></x-a>", "]]>"),
        ("<x-a><text>\u{1}</text></x-a>", "U+0001"),
        ("<1><text>a</text></1>", "not a name"),
        ("<x-a xmlns:y=\"\"><text/></x-a>", "cannot be"),
    ] {
        let error = of_property(element).unwrap_err();
        assert!(error.reason.contains(reason), "{element}: {error}");
    }
    let good = document("");
    for (text, reason) in [
        (String::new(), "too early"),
        ("<icalendar/>".to_owned(), "not icalendar"),
        (
            format!("<vcalendar xmlns=\"{NAMESPACE}\"/>"),
            "not icalendar",
        ),
        (
            format!("<icalendar xmlns=\"{NAMESPACE}\"/>"),
            "no vcalendar",
        ),
        (
            format!("<icalendar xmlns=\"{NAMESPACE}\"><vcalendar/><vcalendar/></icalendar>"),
            "second vcalendar",
        ),
        (
            format!("<icalendar xmlns=\"{NAMESPACE}\"><vevent/></icalendar>"),
            "outside vcalendar",
        ),
        (
            document("<components><vcalendar/></components>"),
            "second vcalendar",
        ),
        (document("<vevent/>"), "in neither"),
        (document("text"), "text where elements stand"),
        (format!("<!DOCTYPE a>{good}"), "document type"),
        (
            format!("<?xml version=\"1.0\" encoding=\"latin1\"?>{good}"),
            "not UTF-8",
        ),
        (format!("{good}{good}"), "second root"),
        (format!("{good}x"), "outside of the root"),
        (good[..good.len() - 3].to_owned(), ""),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
    assert!(parse(b"\xff", &Limits::default()).is_err());
    let error = read(&document("\n<properties>\n<x-a/></properties>")).unwrap_err();
    assert_eq!(error.line, 3);
    assert!(
        read(&format!(
            "\u{FEFF}<?xml version=\"1.0\"?>\n<!-- c --><?p i?>{good}\n<!-- d -->\n"
        ))
        .is_ok()
    );
}

#[test]
fn limits_hold() {
    let within = |text: &str, limits: Limits| parse(text.as_bytes(), &limits).map(|_| ());
    let nested = |depth: usize| {
        let inner = "<components><x>".repeat(depth - 1) + &"</x></components>".repeat(depth - 1);
        document(&inner)
    };
    let limits = Limits::default();
    assert_eq!(within(&nested(limits.depth), limits), Ok(()));
    let error = within(&nested(limits.depth + 1), limits).unwrap_err();
    assert!(error.reason.contains("16 deep"), "{error}");
    assert!(within(&nested(20_000), limits).is_err());
    let foreign = "<y xmlns=\"u\">".repeat(20_000);
    assert!(
        within(&document(&foreign), limits)
            .unwrap_err()
            .reason
            .contains("too deep")
    );
    let line = document("<properties><x-a><text>0123456789</text></x-a></properties>");
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
        let error = within(&line, limits).unwrap_err();
        assert!(error.reason.contains(reason), "{error}");
    }
    assert_eq!(within(&line, Limits { lines: 3, ..limits }), Ok(()));
    let attributes: String = (0..100).map(|number| format!(" a{number}=\"\"")).collect();
    let error = read(&document(&format!("<properties{attributes}/>"))).unwrap_err();
    assert!(error.reason.contains("too many attributes"), "{error}");
}

proptest! {
    #[test]
    fn never_panics(octets in prop::collection::vec(any::<u8>(), 0..200), text in "[<>/a-z:=\"'&;! ?\\[\\]-]{0,60}") {
        let _ = parse(&octets, &Limits::default());
        let _ = read(&text);
        let _ = read(&document(&text));
        let _ = read(&document(&format!("<properties><x-a>{text}</x-a></properties>")));
    }

    /// Elements of others come back as they stood.
    #[test]
    fn foreign_elements_come_back(inner in "(<(k:|)[a-c]( x=\"[a-z]?\")?>[a-z ]{0,4}</(k:|)[a-c]>|[a-z]|<b/>){0,4}") {
        let element = format!("<a xmlns=\"u\" xmlns:k=\"v\">{inner}</a>");
        if let Ok(line) = of_property(&element) {
            prop_assert_eq!(printed(&line), element);
        }
    }
}
