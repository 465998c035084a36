//! Tables of what is tolerated and refused, round trips, edits, and the faults that were measured in
//! other readers.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn parse(octets: impl AsRef<[u8]>) -> CalendarObject {
    CalendarObject::parse(octets.as_ref(), &Limits::default()).unwrap()
}

fn refuse(octets: impl AsRef<[u8]>) -> (usize, ParseFault) {
    let error = CalendarObject::parse(octets.as_ref(), &Limits::default()).unwrap_err();
    (error.line, error.fault)
}

fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n")
}

fn printed_after_touch(octets: impl AsRef<[u8]>) -> Vec<u8> {
    let mut object = parse(octets);
    object.calendar_mut();
    object.to_octets().to_vec()
}

#[test]
fn tolerated_streams_come_back_exactly() {
    let plain = event("UID:1\r\n");
    let streams: Vec<(&str, Vec<u8>)> = vec![
        ("plain", plain.clone().into()),
        ("bare LF", plain.replace('\r', "").into()),
        (
            "mixed line ends",
            event("UID:1\nSUMMARY:a\r\n b\nX:\r\n").into(),
        ),
        ("CR CR LF", event("UID:1\r\r\n").into()),
        ("byte order mark", format!("\u{FEFF}{plain}").into()),
        ("lower case", plain.to_lowercase().into()),
        ("no last line end", plain.trim_end().into()),
        (
            "blank lines",
            format!(
                "\r\n{}\r\n\n",
                plain.replace("UID:1\r\n", "\r\nUID:1\r\n\r\n")
            )
            .into(),
        ),
        (
            "space lines after the end",
            format!("{plain} \r\n\t\n").into(),
        ),
        (
            "spaces after names",
            plain.replace(":VEVENT", ":VEVENT  ").into(),
        ),
        (
            "unknown components",
            event("UID:1\r\nBEGIN:X-OWN\r\nX-A;X-B=:c\r\nEND:X-OWN\r\n").into(),
        ),
        (
            "empty parameters",
            event("ATTENDEE;CN=;;X=\"\":mailto:a@b\r\n").into(),
        ),
        (
            "mixed lists",
            event("ATTENDEE;MEMBER=\"mailto:a\",b:mailto:c\r\n").into(),
        ),
        (
            "no space-less text",
            event("UID:1\r\nSUMMARY: : ; \" , = \\\r\n").into(),
        ),
        ("empty folds", event("SUMMARY:a\r\n \r\n b\r\n").into()),
        ("folds by tab", event("SUMMARY:a\r\n\tb\r\n").into()),
        (
            "names with other characters",
            event("X_A:1\r\nitem1.X-B;X_C=d:2\r\n").into(),
        ),
        (
            "fold in a character",
            b"BEGIN:VCALENDAR\r\nSUMMARY:\xc3\r\n \xa4\r\nEND:VCALENDAR\r\n".to_vec(),
        ),
        ("fold in a name", event("SUMM\r\n ARY:a\r\n").into()),
        (
            "property after a component",
            event("BEGIN:VALARM\r\nEND:VALARM\r\nUID:1\r\n").into(),
        ),
    ];
    for (what, stream) in streams {
        assert_eq!(parse(&stream).to_octets(), stream, "{what}, untouched");
        assert_eq!(
            printed_after_touch(&stream),
            stream,
            "{what}, printed line by line"
        );
    }
}

#[test]
fn harmful_streams_are_refused_with_the_line() {
    use ParseFault::*;
    let cases: Vec<(Vec<u8>, usize, ParseFault)> = vec![
        (b"".to_vec(), 1, NoCalendar),
        (b"\r\n\r\n".to_vec(), 2, NoCalendar),
        (
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n".to_vec(),
            2,
            NotEnded("VEVENT".into()),
        ),
        (
            b"BEGIN:VEVENT\r\nEND:VEVENT\r\n".to_vec(),
            1,
            OutsideCalendar,
        ),
        (
            b"X:1\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_vec(),
            1,
            OutsideCalendar,
        ),
        (
            b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nX:1\r\n".to_vec(),
            3,
            OutsideCalendar,
        ),
        (
            b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:VCALENDAR\r\n".to_vec(),
            3,
            OutsideCalendar,
        ),
        (
            b"BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\n".to_vec(),
            3,
            SecondCalendar,
        ),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n".to_vec(),
            2,
            SecondCalendar,
        ),
        (
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENTX\r\nEND:VCALENDAR\r\n".to_vec(),
            3,
            WrongEnd {
                open: "VEVENT".into(),
                found: "VEVENTX".into(),
            },
        ),
        (event("SUMMARY\r\n").into(), 3, NoColon),
        (
            event("UID:1\r\n b\r\n c\r\nno colon\r\n").into(),
            6,
            NoColon,
        ),
        (
            event("ATTENDEE;CN=\"a:mailto:b\r\n").into(),
            3,
            UnclosedQuote,
        ),
        (event("ATTENDEE;CN:mailto:b\r\n").into(), 3, BadParameter),
        (event("ATTENDEE;=x:mailto:b\r\n").into(), 3, BadParameter),
        (event(":x\r\n").into(), 3, BadName),
        (event("a b:x\r\n").into(), 3, BadName),
        (
            event("BEGIN;X=1:VALARM\r\nEND:VALARM\r\n").into(),
            3,
            BadComponentName,
        ),
        (event("BEGIN:\r\n").into(), 3, BadComponentName),
        (event("\r\n x\r\n").into(), 3, StrayContinuation),
        (
            b" x\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_vec(),
            1,
            StrayContinuation,
        ),
        (event("SUMMARY:a\x07b\r\n").into(), 3, ForbiddenCharacter(7)),
        (event("SUMMARY:a\0b\r\n").into(), 3, ForbiddenCharacter(0)),
        (
            event("SUMMARY:a\u{FFFF}b\r\n").into(),
            3,
            ForbiddenCharacter(0xFFFF),
        ),
        (
            event("SUMMARY:a\rATTENDEE:b\r\n").into(),
            3,
            BareCarriageReturn,
        ),
        (
            b"BEGIN:VCALENDAR\r\nSUMMARY:\xe4\r\nEND:VCALENDAR\r\n".to_vec(),
            2,
            NotUtf8,
        ),
        (
            b"BEGIN:VCALENDAR\r\nSUMMARY:\xc3\r\n a\r\nEND:VCALENDAR\r\n".to_vec(),
            2,
            NotUtf8,
        ),
    ];
    for (stream, line, fault) in cases {
        assert_eq!(
            refuse(&stream),
            (line, fault),
            "{}",
            String::from_utf8_lossy(&stream)
        );
    }
}

#[test]
fn a_forbidden_character_hidden_by_a_fold_is_refused() {
    // U+FFFF with a fold inside: neither the octets as they stand nor a search over them shows it
    let stream = b"BEGIN:VCALENDAR\r\nSUMMARY:\xef\r\n \xbf\xbf\r\nEND:VCALENDAR\r\n";
    assert_eq!(refuse(stream), (2, ParseFault::ForbiddenCharacter(0xFFFF)));
}

#[test]
fn everything_is_bounded() {
    let limits = Limits {
        octets: 200,
        lines: 8,
        line_octets: 40,
        depth: 3,
    };
    let fault = |stream: &str| CalendarObject::parse(stream.as_bytes(), &limits).unwrap_err();
    let nested = |depth: usize| {
        let begin: String = (1..depth).map(|_| "BEGIN:X\n").collect();
        let end: String = (1..depth).map(|_| "END:X\n").collect();
        format!("BEGIN:VCALENDAR\n{begin}{end}END:VCALENDAR\n")
    };
    assert_eq!(
        fault(&event(&"X:1\r\n".repeat(40))),
        ParseError {
            line: 1,
            fault: ParseFault::TooManyOctets(200)
        }
    );
    assert_eq!(
        fault(&event(&"X:1\r\n".repeat(8))),
        ParseError {
            line: 9,
            fault: ParseFault::TooManyLines(8)
        }
    );
    assert_eq!(
        fault(&event(&format!("X:{}\r\n", "a".repeat(40)))),
        ParseError {
            line: 3,
            fault: ParseFault::LineTooLong(40)
        }
    );
    assert!(CalendarObject::parse(nested(3).as_bytes(), &limits).is_ok());
    assert_eq!(
        fault(&nested(4)),
        ParseError {
            line: 4,
            fault: ParseFault::TooDeep(3)
        }
    );
}

#[test]
fn typed_reads() {
    let object = parse(event(concat!(
        "uid:1\r\n",
        "Summary;language=de:Caf\\, eins\\nzwei\r\n",
        "ATTENDEE;CN=\"Doe, ^'J^'\";MEMBER=\"mailto:a\",b,\"c,d\";X=Jo \"K\" L:mailto:b@x\r\n",
        "CATEGORIES:a\\,b,c\r\n",
        "DTSTART;TZID=Europe/Ber\r\n lin:20260101T090000\r\n",
    )));
    let event = object.entries().next().unwrap();
    assert_eq!((event.name(), event.line_number()), ("VEVENT", 2));
    assert_eq!(event.property("UID").unwrap().name(), "UID");
    let summary = event.property("summary").unwrap();
    assert_eq!(
        (summary.name(), summary.text().as_ref()),
        ("SUMMARY", "Caf, eins\nzwei")
    );
    assert_eq!(summary.parameter("LANGUAGE").as_deref(), Some("de"));
    assert_eq!(summary.parameter("ALTREP"), None);
    let attendee = event.property("ATTENDEE").unwrap();
    assert_eq!(attendee.parameter("cn").as_deref(), Some("Doe, \"J\""));
    assert_eq!(
        attendee.parameter_values("MEMBER"),
        ["mailto:a", "b", "c,d"]
    );
    assert_eq!(attendee.parameter("X").as_deref(), Some("Jo K L"));
    assert_eq!(attendee.raw_value(), "mailto:b@x");
    assert_eq!(
        event
            .property("CATEGORIES")
            .unwrap()
            .texts()
            .collect::<Vec<_>>(),
        ["a,b", "c"]
    );
    let start = event.property("DTSTART").unwrap();
    assert_eq!(
        (start.parameter("TZID").as_deref(), start.raw_value()),
        (Some("Europe/Berlin"), "20260101T090000")
    );
    assert_eq!(start.line_number(), 7);
}

#[test]
fn edits_keep_untouched_lines_and_the_line_end() {
    let stream = event(
        "UID:1\r\nsummary;X=1;language=de:a\r\n b\r\nDESCRIPTION:x\r\n  y\r\nBEGIN:VALARM\r\nEND:VALARM\r\n",
    );
    for line_end in ["\r\n", "\n"] {
        let stream = stream.replace("\r\n", line_end);
        let mut object = parse(&stream);
        let event = object.entries_mut().next().unwrap();
        event
            .property_mut("SUMMARY")
            .unwrap()
            .set_text("c, d")
            .unwrap();
        event
            .property_mut("SUMMARY")
            .unwrap()
            .set_parameter("LANGUAGE", "en")
            .unwrap();
        event.push_property(Property::new("SEQUENCE", "1").unwrap());
        let expected = "UID:1\r\nsummary;X=1;language=en:c\\, d\r\nDESCRIPTION:x\r\n  y\r\nSEQUENCE:1\r\nBEGIN:VALARM\r\nEND:VALARM\r\n";
        let expected = self::event(expected).replace("\r\n", line_end);
        assert_eq!(
            String::from_utf8(object.to_octets().to_vec()).unwrap(),
            expected
        );
    }
}

#[test]
fn edits_of_parameters() {
    let mut property = Property::new("ATTENDEE", "mailto:a@b").unwrap();
    property.set_parameter("CN", "Doe, \"J\"\n^").unwrap();
    property.set_parameter("PARTSTAT", "NEEDS-ACTION").unwrap();
    assert_eq!(
        property.content(),
        "ATTENDEE;CN=\"Doe, ^'J^'^n^^\";PARTSTAT=NEEDS-ACTION:mailto:a@b"
    );
    assert_eq!(property.parameter("CN").as_deref(), Some("Doe, \"J\"\n^"));
    property.set_parameter("cn", "K").unwrap();
    property
        .set_parameter_values("MEMBER", &["mailto:x", "y"])
        .unwrap();
    assert_eq!(
        property.content(),
        "ATTENDEE;CN=K;PARTSTAT=NEEDS-ACTION;MEMBER=\"mailto:x\",\"y\":mailto:a@b"
    );
    assert!(property.remove_parameter("PARTSTAT"));
    assert!(!property.remove_parameter("PARTSTAT"));
    assert_eq!(
        property.content(),
        "ATTENDEE;CN=K;MEMBER=\"mailto:x\",\"y\":mailto:a@b"
    );
}

#[test]
fn set_property_replaces_all_of_its_name() {
    let mut object = parse(event("X:1\r\nUID:1\r\nX:2\r\n"));
    object
        .entries_mut()
        .next()
        .unwrap()
        .set_property(Property::new("X", "3").unwrap());
    assert_eq!(object.to_octets(), event("X:3\r\nUID:1\r\n"));
    object
        .entries_mut()
        .next()
        .unwrap()
        .set_property(Property::new("Y", "4").unwrap());
    assert_eq!(object.to_octets(), event("X:3\r\nUID:1\r\nY:4\r\n"));
}

#[test]
fn nothing_can_be_injected() {
    // a text with line breaks stays one line; a quote in a parameter ends nothing
    let mut object = parse(event("UID:1\r\nATTENDEE:mailto:b@x\r\n"));
    let event = object.entries_mut().next().unwrap();
    event.push_property(
        Property::with_text("SUMMARY", "x\nEND:VEVENT\r\nBEGIN:VEVENT\rUID:evil").unwrap(),
    );
    event
        .property_mut("ATTENDEE")
        .unwrap()
        .set_parameter("CN", "x:mailto:evil@x\";X=\"")
        .unwrap();
    let again = parse(object.to_octets());
    assert_eq!(again.entries().count(), 1);
    let event = again.entries().next().unwrap();
    assert_eq!(
        event.text("SUMMARY").unwrap(),
        "x\nEND:VEVENT\nBEGIN:VEVENT\nUID:evil"
    );
    assert_eq!(event.raw_value("ATTENDEE"), Some("mailto:b@x"));
    assert_eq!(event.property("ATTENDEE").unwrap().parameters().count(), 1);
    let mut property = Property::new("X", "1").unwrap();
    assert_eq!(
        property.set_raw_value("a\r\nB:c"),
        Err(EditError::ForbiddenCharacter(13))
    );
    assert_eq!(
        property.set_raw_value("a\u{FFFE}"),
        Err(EditError::ForbiddenCharacter(0xFFFE))
    );
    assert_eq!(
        property.set_parameter("A\nB", "c"),
        Err(EditError::BadName("A\nB".into()))
    );
    assert_eq!(
        property.set_parameter("A", "c\u{1}"),
        Err(EditError::ForbiddenCharacter(1))
    );
    assert_eq!(property.content(), "X:1");
    for name in ["", "A:B", "BEGIN", "end", "A\r\nB"] {
        assert_eq!(
            Property::new(name, "x"),
            Err(EditError::BadName(name.into()))
        );
    }
    assert!(Component::new("VEVENT\r\nX").is_err());
}

#[test]
fn components_are_built_moved_and_removed() {
    let built = Component::parse(
        b"BEGIN:VEVENT\nUID:2\nBEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\nEND:VEVENT",
        &Limits::default(),
    )
    .unwrap();
    let mut calendar = Component::new("vcalendar").unwrap();
    calendar.push_property(Property::new("VERSION", "2.0").unwrap());
    calendar.push_component(built);
    calendar.push_property(Property::new("METHOD", "REQUEST").unwrap());
    let mut object = CalendarObject::from_calendar(calendar);
    let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:2\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(object.to_octets(), expected);
    assert_eq!(parse(object.to_octets()), object);
    object.entries_mut().for_each(|entry| {
        assert_eq!(
            entry.retain_components(|component| !component.is("VALARM")),
            1
        );
    });
    assert_eq!(object.calendar_mut().remove_properties("method"), 1);
    assert_eq!(
        object.to_octets(),
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
}

#[test]
fn folds_within_characters_are_mended_on_request() {
    let stream = b"BEGIN:VCALENDAR\nX:1\n 2\nSUMMARY:\xc3\n \xa4\nEND:VCALENDAR\n";
    let mut object = parse(stream);
    assert_eq!(object.calendar().text("SUMMARY").unwrap(), "ä");
    assert!(object.mend_folds());
    assert_eq!(
        object.to_octets(),
        "BEGIN:VCALENDAR\nX:1\n 2\nSUMMARY:ä\nEND:VCALENDAR\n"
    );
    assert!(!parse(object.to_octets()).mend_folds());
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    // where other readers overflow the stack: 100,000 open components
    let stream = format!("BEGIN:VCALENDAR\n{}", "BEGIN:X\n".repeat(100_000));
    assert_eq!(refuse(stream), (17, ParseFault::TooDeep(16)));
}

#[test]
fn long_streams_and_lines_are_linear() {
    // what took others seconds at 630 KB, at 5 MB; a quadratic reader would not end
    let limits = Limits {
        lines: 1_000_000,
        ..Limits::default()
    };
    let lines = event(&"X:1\n".repeat(900_000));
    let object = CalendarObject::parse(lines.as_bytes(), &limits).unwrap();
    assert_eq!(
        object.entries().next().unwrap().properties().count(),
        900_000
    );
    let folded = event(&format!("X:{}\r\n", "a\r\n ".repeat(150_000)));
    assert_eq!(
        parse(&folded)
            .entries()
            .next()
            .unwrap()
            .raw_value("X")
            .unwrap()
            .len(),
        150_000
    );
    let parameters = event(&format!("X{}:1\r\n", ";A=\"b,c\"".repeat(500_000)));
    let object = parse(&parameters);
    assert_eq!(
        object
            .entries()
            .next()
            .unwrap()
            .property("X")
            .unwrap()
            .parameters()
            .count(),
        500_000
    );
}

fn value() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            any::<char>(),
            prop::sample::select("\n\r\\,;:\"^=äß🎉 \t".chars().collect::<Vec<_>>())
        ],
        0..120,
    )
    .prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = CalendarObject::parse(&octets, &Limits::default());
    }

    #[test]
    fn mutated_streams_never_panic_and_come_back(at in 0usize..400, octets in proptest::collection::vec(any::<u8>(), 0..4), remove in 0usize..8) {
        let mut stream = event("UID:1\r\nATTENDEE;CN=\"a,b\";X=^n:mailto:a@b\r\nSUMMARY:ä\\n\r\n b\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n").into_bytes();
        let at = at % stream.len();
        let end = (at + remove).min(stream.len());
        stream.splice(at..end, octets);
        if let Ok(mut object) = CalendarObject::parse(&stream, &Limits::default()) {
            prop_assert_eq!(&object.to_octets(), &stream);
            object.calendar_mut();
            prop_assert_eq!(&object.to_octets(), &stream);
            object.calendar_mut().mend_folds();
            prop_assert!(std::str::from_utf8(&object.to_octets()).is_ok());
        }
    }

    #[test]
    fn any_text_survives_an_edit_and_disturbs_no_line(text in value(), parameter in value()) {
        let stream = event("UID:1\r\nSUMMARY:old\r\n folded\r\nX-KEPT:a\n  b\r\n");
        let mut object = parse(&stream);
        let event = object.entries_mut().next().unwrap();
        let summary = event.property_mut("SUMMARY").unwrap();
        let set = summary.set_text(&text).and_then(|()| summary.set_parameter("X-P", &parameter));
        let octets = object.to_octets();
        let again = parse(&octets);
        let event = again.entries().next().unwrap();
        prop_assert_eq!(event.properties().count(), 3);
        prop_assert!(octets.windows(15).any(|window| window == b"X-KEPT:a\n  b\r\nE"));
        if set.is_ok() {
            let unix = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
            let summary = event.property("SUMMARY").unwrap();
            prop_assert_eq!(summary.text().into_owned(), unix(&text));
            prop_assert_eq!(summary.parameter("X-P").unwrap().into_owned(), unix(&parameter));
        }
    }

    #[test]
    fn agrees_with_the_oracles_on_well_formed_input(texts in proptest::collection::vec("[ -~äß🎉\n]{0,100}", 1..6), name in "[ -!#-~ä]{1,40}") {
        let mut event = Component::new("VEVENT").unwrap();
        event.push_property(Property::new("UID", "oracle").unwrap());
        for text in &texts {
            event.push_property(Property::with_text("COMMENT", text.trim()).unwrap());
        }
        let attendee = Property::new("ATTENDEE", "mailto:a@example.org").unwrap();
        event.push_property(attendee.with_parameter("CN", name.trim()).unwrap());
        let mut calendar = Component::new("VCALENDAR").unwrap();
        calendar.push_property(Property::new("VERSION", "2.0").unwrap());
        calendar.push_component(event);
        let stream = String::from_utf8(CalendarObject::from_calendar(calendar).to_octets().to_vec()).unwrap();
        let ours: Vec<_> = texts.iter().map(|text| text.trim().to_owned()).collect();

        let unfolded = icalendar::parser::unfold(&stream);
        let theirs = icalendar::parser::read_calendar(&unfolded).unwrap();
        let comments: Vec<_> = theirs.components[0].properties.iter()
            .filter(|property| property.name == "COMMENT")
            .map(|property| property.val.to_string()).collect();
        prop_assert_eq!(&comments, &ours);

        let theirs = calcard::icalendar::ICalendar::parse(&stream).unwrap();
        let event = theirs.components.iter().find(|component| component.component_type.as_str() == "VEVENT").unwrap();
        let comments: Vec<_> = event.entries.iter()
            .filter(|entry| entry.name.as_str() == "COMMENT")
            .map(|entry| entry.values.iter().filter_map(|value| value.as_text()).collect::<Vec<_>>().join(",")).collect();
        prop_assert_eq!(&comments, &ours);
    }
}

#[test]
fn reads_what_the_builder_crate_writes() {
    use icalendar::{Component as _, EventLike as _};
    let built = icalendar::Event::new()
        .uid("u")
        .summary("a, b; \"c\"\nd")
        .location("ä".repeat(60).as_str())
        .done();
    let text = built.try_into_string().unwrap();
    let component = Component::parse(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(component.text("SUMMARY").unwrap(), "a, b; \"c\"\nd");
    assert_eq!(component.text("LOCATION").unwrap(), "ä".repeat(60));
}

#[test]
fn what_has_no_method_is_made_once_and_follows_edits() {
    let text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nVERSION:2.0\r\nX-A:1\r\nEND:VCALENDAR\r\n";
    let without = text.replace("METHOD:REQUEST\r\n", "");
    let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
    let copy = object.clone();
    let first = object.without_method();
    assert_eq!(first.to_octets(), without);
    // Whoever asks a copy gets the same octets, not only equal ones.
    let again = copy.without_method();
    assert_eq!(again.to_octets().as_ptr(), first.to_octets().as_ptr());
    assert_eq!(object.to_octets(), text);
    // An edit of either is no edit of the other.
    let mut edited = copy.clone();
    edited.calendar_mut().remove_properties("X-A");
    assert_eq!(
        edited.without_method().to_octets(),
        without.replace("X-A:1\r\n", "")
    );
    let mut stored = first.clone();
    stored.calendar_mut().remove_properties("X-A");
    assert_eq!(object.without_method().to_octets(), without);
    // Where there is none, it is the object itself.
    assert_eq!(
        first.without_method().to_octets().as_ptr(),
        first.to_octets().as_ptr()
    );
}
