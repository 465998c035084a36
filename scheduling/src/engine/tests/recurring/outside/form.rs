//! What a message has to be, and what of it does not come in (RFC 5546 §3.6).

use super::*;

#[test]
fn what_cannot_be_taken_is_refused_with_a_status() {
    // RFC 5546 §3.6
    let start = "DTSTART:20260302T090000Z";
    let whole = of_x(&format!("{start}\n{BOB}"), 0);
    let unorganized = format!("{start}\n{BOB}\nDTSTAMP:20260101T100000Z");
    let odd_part = of_x(&format!("{start}\n{BOB}\nRECURRENCE-ID:tomorrow"), 0);
    let others = of_x(
        &format!("{start}\n{BOB}\nRECURRENCE-ID:20260302T090000Z"),
        0,
    );
    let others = others.replace(X, Y);
    let many = vec![&*whole; 2_001];
    let table = [
        ("X-ADVERTISE", vec![&*whole], "3.14"),
        ("", vec![&*whole], "3.14"),
        ("REQUEST", vec![], "3.13"),
        ("REQUEST", vec![&*unorganized], "3.11"),
        ("REQUEST", vec![&*odd_part], "3.1"),
        ("REQUEST", vec![&*whole, &*whole], "3.1"),
        ("REQUEST", vec![&*whole, &*others], "3.1"),
        ("REQUEST", many, "3.10"),
        ("ADD", vec!["ORGANIZER:mailto:x@elsewhere.net"], "3.11"),
        ("REPLY", vec!["ORGANIZER:mailto:alice@example.org"], "3.11"),
    ];
    for (method, components, status) in table {
        let mut world = new_world();
        let message = message(method, &components);
        let refused = world.hand_in("bob", X, &message).unwrap_err();
        assert_eq!(refused.status.as_str(), status, "{method} {refused:?}");
        assert!(world.calendars.is_empty() && world.inboxes.is_empty());
    }
    let two_events = message("REQUEST", &[&whole, &format!("{odd_part}\nX-A:b")]);
    let text = String::from_utf8(two_events.to_octets().to_vec()).unwrap();
    for (from, to, status) in [
        ("METHOD:REQUEST\r\n", "", "3.11"),
        (
            "RECURRENCE-ID:tomorrow\r\n",
            "RECURRENCE-ID:20260309T090000Z\r\nUID:2\r\n",
            "3.1",
        ),
        ("VEVENT", "VJOURNAL", "3.14"),
        ("VEVENT", "VPOLL", "3.13"),
        ("UID:1", "UID:", "3.11"),
    ] {
        let text = text.replace(from, to).replacen(
            "UID:1\r\nDTSTART:20260302T090000Z\r\nATTENDEE:mailto:bob@example.org\r\nRECURRENCE-ID",
            "DTSTART:20260302T090000Z\r\nATTENDEE:mailto:bob@example.org\r\nRECURRENCE-ID",
            usize::from(to.contains("UID:2")),
        );
        let odd = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        let refused = new_world().hand_in("bob", X, &odd).unwrap_err();
        assert_eq!(refused.status.as_str(), status, "{to} {refused:?}");
    }
}

#[test]
fn the_method_is_read_in_any_case() {
    // C5.15
    for method in ["REQUEST", "request", "Request "] {
        let mut world = new_world();
        let request = message(method, &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
        world.hand_in("bob", X, &request).unwrap();
        assert_eq!(world.shape("bob"), ["series bob?"], "{method}");
        assert_eq!(world.letters("bob"), ["REQUEST series"]);
    }
}

#[test]
fn what_is_nobodys_to_say_from_outside_does_not_come_in() {
    let mut world = new_world();
    let lines = format!(
        "{RULE}\nATTENDEE;SCHEDULE-STATUS=2.0;SCHEDULE-FORCE-SEND=REPLY:mailto:bob@example.org"
    );
    let mut request = message("REQUEST", &[&of_x(&lines, 0)]);
    for entry in request.entries_mut() {
        let alarm = calendar::Component::new("VALARM").unwrap();
        entry.push_component(alarm);
        for line in entry.properties_mut().filter(|line| line.is("ORGANIZER")) {
            line.set_parameter("SCHEDULE-AGENT", "CLIENT").unwrap();
            line.set_parameter("X-CONVOKE-REVISION", "99-20990101T000000Z")
                .unwrap();
        }
    }
    world.hand_in("bob", X, &request).unwrap();
    let text = lines_of(&world, "bob");
    for hidden in ["SCHEDULE-", "99-2099", "VALARM"] {
        assert!(!text.contains(hidden), "{text}");
    }
    // and so later messages have their effect
    let moved = of_x(&format!("{RULE}\nLOCATION:Hall\n{BOB}"), 1);
    world
        .hand_in("bob", X, &message("REQUEST", &[&moved]))
        .unwrap();
    assert!(lines_of(&world, "bob").contains("LOCATION:Hall"));
}

#[test]
fn extensions_from_outside_do_not_pile_up() {
    let sent = |sequence: u32| {
        let lines = format!(
            "{RULE}\nX-MICROSOFT-CDO-APPT-SEQUENCE:{sequence}\nX-CONVOKE-DECLINED:20260302T090000Z\nX-ALT-DESC:{sequence}\n{BOB}"
        );
        let mut sent = message("REQUEST", &[&of_x(&lines, sequence)]);
        let calendar = sent.calendar_mut();
        // who sees the copy is its owner's to say
        calendar
            .set_raw_value("X-CALENDARSERVER-ACCESS", "PRIVATE")
            .unwrap();
        sent
    };
    let mut world = new_world();
    for sequence in 0..3 {
        world.hand_in("bob", X, &sent(sequence)).unwrap();
        let text = lines_of(&world, "bob");
        let extensions = text.lines().filter(|line| line.starts_with("X-"));
        let mut extensions: Vec<&str> = extensions.collect();
        extensions.sort();
        let described = format!("X-ALT-DESC:{sequence}");
        let own = "X-MOZ-LASTACK:20260101T000000Z";
        let expected = [&*described, own];
        let known = if sequence == 0 { 1 } else { 2 };
        assert_eq!(extensions, expected[..known]);
        if sequence == 0 {
            world.edit("bob", "X-MOZ-LASTACK", "20260101T000000Z");
        }
    }
}

#[test]
fn what_exchange_leaves_in_a_series() {
    // C5.16: an instance without people is a leftover; one without organizer is of the others'
    let series = of_x(&format!("{RULE}\n{BOB}"), 0);
    let order = "SEQUENCE:0\nDTSTAMP:20260101T100000Z";
    let leftover = format!("RECURRENCE-ID:20260309T000000Z\nDTSTART:20260309T110000Z\n{order}");
    let unorganized =
        format!("RECURRENCE-ID:20260316T090000Z\nDTSTART:20260316T110000Z\n{BOB}\n{order}");
    for parts in [
        [&*series, &*leftover, &*unorganized],
        [&*unorganized, &*leftover, &*series],
    ] {
        let mut world = new_world();
        world
            .hand_in("bob", X, &message("REQUEST", &parts))
            .unwrap();
        assert_eq!(world.shape("bob"), ["series bob?", "0316 bob?"]);
        assert_eq!(lines_of(&world, "bob").matches("ORGANIZER").count(), 2);
        assert_eq!(world.letters("bob").len(), 1);
    }
    let nobody = message("REQUEST", &[&leftover]);
    let refused = new_world().hand_in("bob", X, &nobody).unwrap_err();
    assert_eq!(refused.status.as_str(), "3.11");
}

#[test]
fn one_instance_is_named_once() {
    let zone = "TZID=Europe/Berlin:20260309T100000";
    let named = |name: &str, hour: u8| {
        of_x(
            &instance("0309", hour, "bob", "").replace("RECURRENCE-ID:20260309T090000Z", name),
            0,
        )
    };
    let series = of_x(&format!("{RULE}\n{BOB}"), 0);
    let (utc, local) = (
        named("RECURRENCE-ID:20260309T090000Z", 11),
        named(&format!("RECURRENCE-ID;{zone}"), 12),
    );
    for parts in [vec![&*series, &*utc, &*local], vec![&*utc, &*local]] {
        let refused = new_world()
            .hand_in("bob", X, &message("REQUEST", &parts))
            .unwrap_err();
        assert_eq!(refused.status.as_str(), "3.1");
    }
    let added = [
        added("0304", 9, 1),
        added("0304", 9, 1).replace(
            "DTSTART:20260304T090000Z",
            "DTSTART;TZID=Europe/Berlin:20260304T100000",
        ),
    ];
    let refused = bob_invited()
        .hand_in("bob", X, &message("ADD", &[&added[0], &added[1]]))
        .unwrap_err();
    assert_eq!(refused.status.as_str(), "3.1");
    // each by itself is the same instance
    let mut world = bob_invited();
    for (part, sequence) in [(&utc, 1), (&local, 2)] {
        let part = part.replace("SEQUENCE:0", &format!("SEQUENCE:{sequence}"));
        world
            .hand_in("bob", X, &message("REQUEST", &[&part]))
            .unwrap();
        assert_eq!(world.shape("bob"), ["series bob?", "0309 bob?"]);
    }
}
