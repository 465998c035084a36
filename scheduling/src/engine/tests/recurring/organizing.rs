//! The organizer's edits.

mod answered;
mod edits;

use super::*;

const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";

#[test]
fn each_attendee_sees_the_instances_they_are_invited_to() {
    // C2.9
    // RFC 6638 §3.2.6, RFC 5546 §3.2.2
    let mut world = new_world();
    let object = set(&[
        &series(
            "bob carol dave@elsewhere.net",
            "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM",
        ),
        &instance("0309", 9, "carol room", ""),
        &instance(
            "0316",
            11,
            "bob carol",
            "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM",
        ),
    ]);
    world.put("alice", &object);
    assert_eq!(
        world.shape("bob"),
        [
            "series bob? carol? dave@elsewhere.net? without 0309",
            "0316 bob? carol?"
        ]
    );
    assert_eq!(
        world.shape("carol"),
        [
            "series bob? carol? dave@elsewhere.net?",
            "0309 carol? room?",
            "0316 bob? carol?"
        ]
    );
    assert_eq!(world.shape("room"), ["0309 carol? room?"]);
    assert_eq!(world.letters("room"), ["REQUEST 0309"]);
    let mail = CalendarObject::parse(&world.mails[0].calendar, &Limits::default()).unwrap();
    assert_eq!(
        shape(&mail),
        ["series bob? carol? dave@elsewhere.net? without 0309 0316"]
    );
    for who in ["bob", "carol", "room"] {
        let text = lines(world.copy(who)).concat();
        assert!(!text.contains("VALARM"), "{who}: {text}");
    }
    // how the messages fared stands in each component (RFC 6638 §3.2.9)
    let statuses = people_lines(world.copy("alice"));
    assert_eq!(
        statuses
            .iter()
            .filter(|it| it.contains("SCHEDULE-STATUS=1.2"))
            .count(),
        6
    );
    assert_eq!(
        statuses
            .iter()
            .filter(|it| it.contains("SCHEDULE-STATUS=1.0"))
            .count(),
        1
    );
}

#[test]
fn an_instance_is_taken_out_by_its_name_in_the_form_of_the_series() {
    let zoned = "DTSTART;TZID=Europe/Berlin:20260302T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY\nATTENDEE:mailto:bob@example.org";
    let own = "RECURRENCE-ID;TZID=Europe/Berlin:20260401T100000\nDTSTART;TZID=Europe/Berlin:20260401T100000\nDURATION:PT1H\nATTENDEE:mailto:carol@example.org";
    let days = "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY\nATTENDEE:mailto:bob@example.org";
    let day = "RECURRENCE-ID;VALUE=DATE:20260401\nDTSTART;VALUE=DATE:20260401\nATTENDEE:mailto:carol@example.org";
    for (series, own, line) in [
        (zoned, own, "EXDATE;TZID=Europe/Berlin:20260401T100000"),
        (days, day, "EXDATE;VALUE=DATE:20260401"),
    ] {
        let mut world = new_world();
        world.put("alice", &set(&[series, own]));
        assert!(lines(world.copy("bob")).contains(&line.to_owned()));
        assert_eq!(world.shape("carol"), ["0401 carol?"]);
        assert!(!lines(world.copy("carol")).concat().contains("RRULE"));
    }
}

#[test]
fn who_is_left_out_of_an_instance_comes_back() {
    let mut world = accepted();
    world.put(
        "alice",
        &set(&[&series("bob carol", ""), &instance("0309", 9, "carol", "")]),
    );
    world.letters("bob");
    world.put(
        "alice",
        &set(&[
            &series("bob carol", ""),
            &instance("0309", 9, "bob carol", ""),
        ]),
    );
    assert_eq!(world.letters("bob"), ["REQUEST 0309"]);
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0309 bob? carol+"]
    );
    assert_eq!(world.shape("alice"), world.shape("bob"));
}

#[test]
fn instances_that_the_rule_does_not_yield_any_more() {
    // C2.7
    // the series tells those who have it; who has single instances hears of each
    let mut world = new_world();
    let far = instance("0427", 9, "carol", "");
    world.put("alice", &set(&[&series("bob", ""), &far]));
    assert_eq!(world.shape("carol"), ["0427 carol?"]);
    world.letters("bob");
    world.letters("carol");
    let shorter = series("bob", "").replace("COUNT=10", "COUNT=5");
    world.put("alice", &set(&[&shorter]));
    assert_eq!(world.letters("carol"), ["CANCEL 0427"]);
    assert_eq!(world.shape("carol"), ["0427 cancelled carol?"]);
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    // and an RDATE that goes
    let mut world = new_world();
    let extra = "RECURRENCE-ID:20260304T090000Z\nDTSTART:20260304T090000Z\nATTENDEE:mailto:carol@example.org";
    world.put(
        "alice",
        &set(&[&series("bob", "RDATE:20260304T090000Z"), extra]),
    );
    world.letters("carol");
    world.put("alice", &set(&[&series("bob", "")]));
    assert_eq!(world.letters("carol"), ["CANCEL 0304"]);
}

#[test]
fn removal_tells_everybody_of_what_they_had() {
    // RFC 6638 §3.2.1.3
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[
            &series("bob", ""),
            &instance("0309", 9, "bob carol", ""),
            &instance("0316", 9, "bob carol", ""),
        ]),
    );
    world.letters("bob");
    world.letters("carol");
    world.delete("alice");
    assert_eq!(world.letters("bob"), ["CANCEL series"]);
    assert_eq!(world.letters("carol"), ["CANCEL 0309 0316"]);
    assert_eq!(
        world.shape("carol"),
        ["0309 cancelled bob? carol?", "0316 cancelled bob? carol?"]
    );
    assert_eq!(
        world.shape("bob"),
        [
            "series cancelled bob?",
            "0309 cancelled bob? carol?",
            "0316 cancelled bob? carol?"
        ]
    );
}

#[test]
fn a_cancellation_says_whether_anybody_comes() {
    // RFC 5546 §3.2.5: no STATUS where somebody is uninvited
    let mut world = accepted();
    let status = |world: &World, who: &str| {
        let item = &world.inboxes[who][0];
        item.entries()
            .next()
            .unwrap()
            .raw_value("STATUS")
            .map(str::to_owned)
    };
    world.put(
        "alice",
        &set(&[&series("bob carol", ""), &instance("0309", 9, "carol", "")]),
    );
    assert_eq!(status(&world, "bob"), None);
    world.inboxes.clear();
    world.put(
        "alice",
        &set(&[
            &series("bob carol", "EXDATE:20260316T090000Z"),
            &instance("0309", 9, "carol", ""),
        ]),
    );
    assert_eq!(status(&world, "bob").as_deref(), Some("CANCELLED"));
    assert_eq!(status(&world, "carol").as_deref(), Some("CANCELLED"));
}

#[test]
fn an_organizer_who_is_named_once_is_meant_everywhere() {
    // C1.2
    // RFC 6638 §3.2.4.2
    let mut world = new_world();
    let mut object = set(&[&series("bob", ""), &instance("0309", 11, "bob", "")]);
    object.entries_mut().for_each(|entry| {
        if entry.property("RECURRENCE-ID").is_some() {
            entry.remove_properties("ORGANIZER");
        }
    });
    world.put("alice", &object);
    let organizers = |who| {
        let lines = lines(world.copy(who));
        lines
            .iter()
            .filter(|line| line.starts_with("ORGANIZER"))
            .count()
    };
    assert_eq!((organizers("alice"), organizers("bob")), (2, 2));
    let mut other = set(&[&series("bob", ""), &instance("0309", 11, "bob", "")]);
    other
        .entries_mut()
        .nth(1)
        .unwrap()
        .set_raw_value("ORGANIZER", "mailto:bob@example.org")
        .unwrap();
    assert_eq!(
        world.change("alice", Some(&other)),
        Err(Fault::SeveralOrganizers)
    );
}

#[test]
fn one_instance_is_sent_on_demand() {
    // RFC 6638 §3.2.7
    let mut world = accepted();
    let own = |force: &str| {
        instance(
            "0309",
            9,
            "carol",
            &format!("ATTENDEE{force}:mailto:bob@example.org"),
        )
    };
    world.put("alice", &set(&[&series("bob carol", ""), &own("")]));
    world.letters("bob");
    world.letters("carol");
    let forced = own(";SCHEDULE-FORCE-SEND=REQUEST");
    world.put("alice", &set(&[&series("bob carol", ""), &forced]));
    assert_eq!(world.letters("bob"), ["REQUEST 0309"]);
    assert!(world.letters("carol").is_empty());
    assert!(!lines(world.copy("alice")).concat().contains("FORCE"));
}

#[test]
fn agents_are_heeded_part_by_part() {
    // RFC 6638 §7.1
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[
            &series(
                "carol",
                "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:bob@example.org",
            ),
            &instance("0309", 11, "carol bob", ""),
        ]),
    );
    assert_eq!(world.shape("bob"), ["0309 carol? bob?"]);
}

#[test]
fn a_series_from_before_is_told_with_the_next_edit() {
    // an earlier version stored series without scheduling them, which 5.3 says
    let mut world = new_world();
    let stored = set(&[&series(
        "",
        "ATTENDEE;SCHEDULE-STATUS=5.3:mailto:bob@example.org",
    )]);
    world.calendars.insert("alice", stored);
    world.edit("alice", "SUMMARY", "Other");
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob?"]);
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("SCHEDULE-STATUS=1.2")
    );
    // and who heard nothing is not told that nothing takes place
    let mut world = new_world();
    let stored = set(&[&series(
        "",
        "ATTENDEE;SCHEDULE-STATUS=5.3:mailto:bob@example.org",
    )]);
    world.calendars.insert("alice", stored);
    world.delete("alice");
    assert!(world.inboxes.is_empty());
}

#[test]
fn a_task_recurs_as_an_event_does() {
    let task = |more: &str| {
        stream(
            "VTODO",
            &format!(
                "UID:1\nDUE:20260302T090000Z\nRRULE:FREQ=WEEKLY\nORGANIZER:mailto:alice@example.org\nATTENDEE:{BOB}\n{more}"
            ),
        )
    };
    let mut world = new_world();
    world.put("alice", &task(""));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    world.answer_instance("bob", "0309", "COMPLETED");
    assert_eq!(world.letters("alice"), ["REPLY 0309"]);
    assert_eq!(world.shape("alice"), ["series bob?", "0309 bob!"]);
    world.put("alice", &task("EXDATE:20260316T090000Z"));
    assert_eq!(world.letters("bob"), ["CANCEL 0316"]);
}

#[test]
fn who_signs_signs_what_is_sent() {
    let mut world = accepted();
    world.acting = Some("carol");
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260309T090000Z")]),
    );
    let item = &world.inboxes["bob"][0];
    assert!(
        lines(item)
            .concat()
            .contains("ORGANIZER;SENT-BY=\"mailto:carol@example.org\"")
    );
    // an alarm is nobody's business
    let before = world.copy("alice").clone();
    world.acting = None;
    world.change_copy("alice", |calendar| {
        let alarm = calendar::Component::new("VALARM").unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_component(alarm);
    });
    assert_eq!(people_lines(world.copy("alice")), people_lines(&before));
}

#[test]
fn a_series_that_takes_too_much_work_is_scheduled_all_the_same() {
    // C12
    let mut world = new_world();
    let never = "DTSTART:20260302T090000Z\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\nATTENDEE:mailto:bob@example.org\n";
    world.put("alice", &set(&[never]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    world.put("alice", &set(&[&format!("{never}EXDATE:20270302T090000Z")]));
    world.put("alice", &set(&[&never.replace("30", "31")]));
    world.answer("bob", "ACCEPTED");
    world.delete("alice");
    assert_eq!(world.shape("bob"), ["series cancelled bob+"]);
}

/// C2.6: what changes years after the start of a series is told like what changes in its first weeks.
#[test]
fn an_old_series_gets_another_date() {
    let mut world = new_world();
    let old = series("bob", "")
        .replace("20260302", "20150302")
        .replace(";COUNT=10", "");
    world.put("alice", &set(&[&old]));
    world.answer_part("bob", "series", "ACCEPTED");
    world.letters("bob");
    let dates = format!("{old}\nRDATE:20260304T150000Z");
    world.put("alice", &set(&[&dates]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob?"]);
    world.answer_part("bob", "series", "ACCEPTED");
    world.put("alice", &set(&[&old]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob+"]);
}

/// The same by clients that leave DTSTAMP as it was then, or that add a date beside others, or a longer time.
#[test]
fn a_date_is_told_whatever_a_client_writes_for_dtstamp() {
    const DATES: &str = "RDATE;VALUE=PERIOD:20250304T150000Z/PT1H";
    let old = series("bob", "")
        .replace("20260302", "20150302")
        .replace(";COUNT=10", "");
    let put = |world: &mut World, dates: &str| {
        let mut object = set(&[&format!("{old}\n{dates}")]);
        for entry in object.entries_mut() {
            entry.set_raw_value("DTSTAMP", "20150101T000000Z").unwrap();
        }
        world.put("alice", &object);
    };
    // the dates before, those after, and whether Bob hears of it and is asked anew
    let cases = [
        ("", DATES, true, true),
        (DATES, "", true, false),
        (DATES, &DATES.replace("PT1H", "PT2H"), true, true),
        (DATES, &DATES.replace("20250304", "20250305"), true, true),
        // a Monday of the series
        ("", "RDATE:20250303T090000Z", false, false),
    ];
    for (before, after, is_told, is_asked) in cases {
        let mut world = new_world();
        put(&mut world, before);
        world.answer_part("bob", "series", "ACCEPTED");
        world.letters("bob");
        put(&mut world, after);
        assert_eq!(world.letters("bob").len(), usize::from(is_told), "{after}");
        let answer = if is_asked { "?" } else { "+" };
        assert_eq!(
            world.shape("bob"),
            [format!("series bob{answer}")],
            "{after}"
        );
    }
}

/// Many dates are compared like few, also far from now: those that go ask nobody, those that come ask everybody.
#[test]
fn many_dates_come_and_go() {
    let dates = |hours: &[u32]| {
        let days = (1..=12).flat_map(|month| (1..=21).map(move |day| (month, day)));
        let dates = days.flat_map(|(month, day)| {
            let dates = hours.iter();
            dates.map(move |hour| format!("RDATE:2046{month:02}{day:02}T{hour:02}0000Z"))
        });
        let dates: Vec<String> = dates.collect();
        set(&[&series("bob", &dates.join("\n"))])
    };
    let (some, all) = (dates(&[13]), dates(&[13, 15]));
    for (before, after, answer) in [(&all, &some, "+"), (&some, &all, "?")] {
        let mut world = new_world();
        world.put("alice", before);
        world.answer_part("bob", "series", "ACCEPTED");
        world.letters("bob");
        world.put("alice", after);
        assert_eq!(world.letters("bob"), ["REQUEST series"]);
        assert_eq!(world.shape("bob"), [format!("series bob{answer}")]);
    }
}
