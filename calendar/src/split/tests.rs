#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn lines(text: &str) -> Bytes {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Bytes::from(lines.map(|line| format!("{line}\r\n")).collect::<String>())
}

fn pieces(text: &str) -> Vec<Piece> {
    Split::new(lines(text), &Limits::default()).collect()
}

/// `UID: line: names of the components`, or `line: why not`, and what was mended.
fn told(text: &str) -> Vec<String> {
    let told = |piece: Piece| match piece.object {
        Ok(object) => {
            let names: Vec<_> = object.components().map(|it| it.name().to_owned()).collect();
            let mended: Vec<_> = piece.repairs.iter().map(|it| format!(" {it:?}")).collect();
            let (uid, line) = (piece.uid, piece.line);
            format!("{uid}@{line}: {}{}", names.join(" "), mended.concat())
        }
        Err(fault) => format!("@{}: {fault}", piece.line),
    };
    pieces(text).into_iter().map(told).collect()
}

const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Custom\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
    TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE";

#[test]
fn one_object_for_each_uid() {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:PUBLISH\nX-WR-CALNAME:Work\n{ZONE}
        BEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Custom:20260101T090000\nRRULE:FREQ=DAILY\nEND:VEVENT
        BEGIN:VTODO\nUID:b\nDTSTAMP:20260101T000000Z\nEND:VTODO
        BEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Custom:20260102T090000\nDTSTART:20260102T100000Z\nEND:VEVENT
        END:VCALENDAR"
    );
    assert_eq!(
        told(&text),
        ["a@13: VTIMEZONE VEVENT VEVENT", "b@19: VTODO"]
    );
    for piece in pieces(&text) {
        let octets = piece.object.unwrap().to_octets();
        let text = std::str::from_utf8(&octets).unwrap();
        assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:"));
        assert!(!text.contains("METHOD") && !text.contains("X-WR"));
    }
    let split = Split::new(lines(&text), &Limits::default());
    assert_eq!(split.len(), 2);
    let name = split.calendar_text(&["NAME", "X-WR-CALNAME"]);
    assert_eq!(name.as_deref(), Some("Work"));
    assert_eq!(Vec::from_iter(split.component_names()), ["VEVENT", "VTODO"]);
}

/// RFC 5545 §3.4: a stream may hold several; components of one UID belong together wherever they stand.
#[test]
fn several_calendars_behind_each_other() {
    let one = |lines: &str| {
        format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
    };
    let master = one(
        "x\nBEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY",
    );
    let instance = one(
        "y\nBEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\nDTSTART:20260102T100000Z\nRECURRENCE-ID:20260102T090000Z",
    );
    let other = one("z\nBEGIN:VEVENT\nUID:c\nDTSTAMP:20260101T000000Z\nDTSTART:20260101T090000Z");
    let text = format!("{master}{other}{instance}");
    assert_eq!(told(&text), ["a@4: VEVENT VEVENT", "c@14: VEVENT"]);
    let all = pieces(&text);
    assert_eq!(
        all[1].object.as_ref().unwrap().to_octets(),
        lines(&other),
        "what is an object already stays as it is"
    );
}

#[test]
fn what_is_an_object_stays_as_it_is() {
    // line ends, folds, order, blank lines, unknown properties
    let text = "BEGIN:VCALENDAR\nversion:2.0\nX-WR-CALNAME:n\n\nBEGIN:VEVENT\nUID:a\nSUMMARY:a\n b\n\
        DTSTAMP:20260101T000000Z\nDTSTART:20260101\nEND:VEVENT\nX-AFTER:1\nEND:VCALENDAR\n";
    let split = Split::new(Bytes::from(text), &Limits::default());
    let octets: Vec<_> = split.map(|it| it.object.unwrap().to_octets()).collect();
    assert_eq!(octets, [Bytes::from(text)]);
}

#[test]
fn what_is_missing_is_supplied_always_in_the_same_way() {
    let event =
        |lines: &str| format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR");
    for (written, stamp) in [
        ("DTSTART:20260101T090000Z", "19700101T000000Z"),
        (
            "DTSTART:20260101T090000Z\nCREATED:20250101T000000Z",
            "20250101T000000Z",
        ),
        (
            "DTSTART:20260101T090000Z\nCREATED:20250101T000000Z\nLAST-MODIFIED:20250102T000000Z",
            "20250102T000000Z",
        ),
        (
            "DTSTART:20260101T090000Z\nCREATED:20250101",
            "19700101T000000Z",
        ),
    ] {
        let text = event(written);
        let piece = pieces(&text).remove(0);
        assert_eq!(
            piece.repairs,
            [Repair::Uid, Repair::TimeStamp, Repair::Version]
        );
        let object = piece.object.unwrap();
        let entry = object.entries().next().unwrap();
        assert_eq!(entry.raw_value("DTSTAMP"), Some(stamp));
        assert_eq!(entry.raw_value("UID"), Some(&*piece.uid));
        assert_eq!(piece.uid.len(), 36);
        assert_eq!(pieces(&text).remove(0).uid, piece.uid, "the same once more");
        let stamped = event(&format!("{written}\nDTSTAMP:20270101T000000Z"));
        assert_eq!(pieces(&stamped).remove(0).uid, piece.uid);
        let other = event(&format!("{written}\nSUMMARY:x"));
        assert_ne!(pieces(&other).remove(0).uid, piece.uid);
    }
}

#[test]
fn of_one_instance_the_newer_state_counts() {
    let event = |stamp: &str| {
        format!(
            "BEGIN:VEVENT\nUID:a\nDTSTAMP:{stamp}\nDTSTART:20260101\nSUMMARY:{stamp}\nEND:VEVENT\n"
        )
    };
    let (old, new) = (event("20260101T000000Z"), event("20260102T000000Z"));
    for both in [format!("{old}{new}"), format!("{new}{old}{new}")] {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{both}END:VCALENDAR");
        let piece = pieces(&text).remove(0);
        assert_eq!(piece.repairs, [Repair::Duplicate]);
        let object = piece.object.unwrap();
        let summaries: Vec<_> = object.entries().map(|it| it.text("SUMMARY")).collect();
        assert_eq!(summaries, [Some("20260102T000000Z".into())]);
    }
}

/// What is wrong is told with its line, and harms nothing else.
#[test]
fn what_is_wrong_stays_where_it_is() {
    let good = "BEGIN:VEVENT\nUID:g\nDTSTAMP:20260101T000000Z\nDTSTART:20260101\nEND:VEVENT";
    let within = |bad: &str| format!("BEGIN:VCALENDAR\nVERSION:2.0\n{bad}\n{good}\nEND:VCALENDAR");
    let table = [
        (
            within("BEGIN:VEVENT\nUID:x\nno colon\nEND:VEVENT"),
            "@5: the line has no colon after its name",
        ),
        (within("BEGIN:VEVENT\nUID:x"), "@3: VEVENT is not ended"),
        (
            within("BEGIN:VEVENT\nUID:x\nBEGIN:VALARM\nEND:VEVENT"),
            "@3: VEVENT is not ended",
        ),
        (
            within("BEGIN:VEVENT\nUID:x\nDTSTAMP:20260101T000000Z\nEND:VEVENT"),
            "@3: line 3: VEVENT has no DTSTART",
        ),
        (
            within("BEGIN:VAVAILABILITY\nUID:x\nBEGIN:AVAILABLE\nEND:AVAILABLE\nEND:VAVAILABILITY"),
            "@3: VAVAILABILITY is nothing that a calendar holds",
        ),
        (
            format!("hello\nworld\n{}", within("")),
            "@1: there is content outside VCALENDAR",
        ),
        (
            format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}", within("")),
            "@1: VCALENDAR is not ended",
        ),
    ];
    for (text, expected) in table {
        let all = told(&text);
        assert!(all.contains(&expected.to_owned()), "{text}: {all:?}");
        assert!(all.iter().any(|it| it.starts_with("g@")), "{text}: {all:?}");
        assert_eq!(all.len(), 2, "{text}: {all:?}");
    }
}

#[test]
fn nothing_is_no_calendar() {
    assert_eq!(told(""), ["@1: there is no VCALENDAR"]);
    assert_eq!(
        told("<html>\n</html>"),
        ["@1: there is content outside VCALENDAR"]
    );
    assert_eq!(told("BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR"), [""; 0]);
}

#[test]
fn an_older_format_is_refused() {
    let text = "BEGIN:VCALENDAR\nVERSION:1.0\nBEGIN:VEVENT\nUID:x\nDTSTAMP:20260101T000000Z\nDTSTART:20260101\nEND:VEVENT\nEND:VCALENDAR";
    assert_eq!(told(text), ["@3: the version is \"1.0\" and not 2.0"]);
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let text = "\u{FEFF}BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTODO\nUID:a\nDTSTAMP:20260101T000000Z\nEND:VTODO\nEND:VCALENDAR";
    assert_eq!(told(text), ["a@3: VTODO"]);
}

/// RFC 5545 §3.2.19: two VCALENDARs of a stream may call different zones by one name.
#[test]
fn a_zone_is_that_of_the_own_calendar() {
    let calendar = |offset: &str, event: &str| {
        let zone = ZONE.replace("+0100", offset);
        format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\n{zone}\nBEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\n{event}\n\
             END:VEVENT\nEND:VCALENDAR\n"
        )
    };
    let master = calendar("+0100", "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY");
    let instance = "DTSTART;TZID=Custom:20260102T100000\nRECURRENCE-ID:20260102T090000Z";
    let text = master + &calendar("+0200", instance);
    let octets = pieces(&text).remove(0).object.unwrap().to_octets();
    let text = std::str::from_utf8(&octets).unwrap();
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
    assert!(text.contains("TZOFFSETTO:+0200") && !text.contains("TZOFFSETTO:+0100"));
}

/// RFC 4791 §5.3.2.1 `max-resource-size`: the bound is that of the object, with all that it takes along.
#[test]
fn an_object_may_be_too_large_as_a_whole() {
    let limits = Limits {
        octets: 600,
        ..Limits::default()
    };
    let event = |uid: &str, zone: &str, day: usize| {
        format!(
            "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:20260101\n\
             RECURRENCE-ID;TZID={zone}:202601{day:02}T090000\nEND:VEVENT\n"
        )
    };
    let series = |uid, zone, days| {
        (1..=days)
            .map(|day| event(uid, zone, day))
            .collect::<String>()
    };
    let large_zone = ZONE.replace(
        "TZID:Custom",
        "TZID:Large\nX-A:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
    let large_zone = large_zone.replace("aaa", &"a".repeat(35));
    let parts = [
        series("many", "None", 5),
        series("few", "Custom", 2),
        series("with-zone", "Large", 1),
        // of one instance all but one are superseded
        event("same", "None", 1).repeat(9),
        event("good", "None", 1),
    ];
    let text = format!(
        "BEGIN:VCALENDAR\n{}VERSION:2.0\n{ZONE}\n{large_zone}\n{}END:VCALENDAR",
        "PRODID:-//Test//EN\n".repeat(20),
        parts.concat()
    );
    let split = Split::new(lines(&text), &limits);
    let outcomes: Vec<_> = split
        .map(|piece| {
            let outcome = piece.object.as_ref().map(|object| {
                let octets = object.to_octets();
                assert!(octets.len() <= limits.octets);
                let text = std::str::from_utf8(&octets).unwrap();
                assert_eq!(text.matches("PRODID").count(), 1);
                text.matches("BEGIN:VEVENT").count()
            });
            (piece.uid, outcome.map_err(SplitFault::precondition))
        })
        .collect();
    let too_large = Err(SplitPrecondition::MaxResourceSize);
    let expected = [
        ("many", too_large),
        ("few", Ok(2)),
        ("with-zone", too_large),
        ("same", Ok(1)),
        ("good", Ok(1)),
    ];
    assert_eq!(outcomes, expected.map(|(uid, it)| (uid.to_owned(), it)));
}

/// Each component of one UID names another zone that nobody defines.
#[test]
fn the_work_follows_the_octets() {
    const EVENTS: usize = 20_000;
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\n");
    for number in 0..EVENTS {
        let event = format!(
            "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T000000Z\r\nRECURRENCE-ID;TZID=z{number}:20260101T000000\r\n\
             END:VEVENT\r\n"
        );
        text.push_str(&event);
    }
    text.push_str("END:VCALENDAR\r\n");
    let mut split = Split::new(Bytes::from(text), &Limits::default());
    let fault = split.next().unwrap().object.unwrap_err();
    assert_eq!(fault, SplitFault::Object(ObjectFault::TooManyZones));
    assert_eq!(split.zones_asked.get(), EVENTS);
    assert!(split.next().is_none());
}

proptest! {
    /// No stream panics, and what comes out can be stored; cut again, it is the same.
    #[test]
    fn whatever_comes_out_is_an_object(
        parts in prop::collection::vec(prop::sample::select(&[
            "BEGIN:VCALENDAR", "END:VCALENDAR", "VERSION:2.0", "METHOD:X", "BEGIN:VEVENT", "END:VEVENT",
            "BEGIN:VTODO", "END:VTODO", "UID:a", "UID:b", "DTSTART:20260101", "DTSTART;TZID=Custom:20260101T090000",
            "RECURRENCE-ID:20260102", "DTSTAMP:20260101T000000Z", "BEGIN:VALARM", "END:VALARM", ZONE, " x", "", "\u{FFFF}",
        ][..]), 0..40),
    ) {
        let all: Vec<_> = Split::new(Bytes::from(parts.join("\n")), &Limits::default()).collect();
        for piece in all {
            let Ok(object) = piece.object else { continue };
            let octets = object.to_octets();
            let again: Vec<_> = Split::new(octets.clone(), &Limits::default()).collect();
            prop_assert_eq!(again.len(), 1);
            prop_assert_eq!(&again[0].uid, &piece.uid);
            prop_assert_eq!(&again[0].repairs, &[]);
            prop_assert_eq!(again[0].object.as_ref().unwrap().to_octets(), octets);
        }
    }
}
