//! Messages that come by mail: in other forms, late, twice, and about what is not there.

mod zones;

use super::*;

const X: &str = "mailto:x@elsewhere.net";

/// A message from X with these components.
fn message(method: &str, components: &[String]) -> CalendarObject {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\n");
    for lines in components {
        text += "BEGIN:VEVENT\r\nUID:1\r\n";
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            text += &format!("{}\r\n", line.trim());
        }
        text += "END:VEVENT\r\n";
    }
    text += "END:VCALENDAR\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// What X sends: SEQUENCE, and the minute of DTSTAMP.
fn of_x(lines: &str, sequence: u32, minute: u32) -> String {
    format!("{lines}\nORGANIZER:{X}\nSEQUENCE:{sequence}\nDTSTAMP:20260101T10{minute:02}00Z")
}

fn answer(lines: &str, participation: &str, sequence: u32, minute: u32) -> String {
    format!(
        "{lines}\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT={participation}:{X}\nSEQUENCE:{sequence}\nDTSTAMP:20260201T10{minute:02}00Z"
    )
}

fn outside() -> World {
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", "EXDATE:20260330T090000Z")]),
    );
    world.mails.clear();
    world
}

#[test]
fn answers_name_an_instance_in_any_form() {
    // C5.8: Google names it in UTC, whatever the series is written in
    let zoned =
        "DTSTART;TZID=Europe/Berlin:20260302T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=1100";
    let days = "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY;COUNT=1100";
    let floating = "DTSTART:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=1100";
    let table = [
        (
            zoned,
            "RECURRENCE-ID:20260401T080000Z",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260401T100000",
        ),
        (
            zoned,
            "RECURRENCE-ID;TZID=America/New_York:20260401T040000",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260401T100000",
        ),
        // the daylight of two years on: nothing is counted out by hand
        (
            zoned,
            "RECURRENCE-ID:20280801T080000Z",
            "RECURRENCE-ID;TZID=Europe/Berlin:20280801T100000",
        ),
        (
            days,
            "RECURRENCE-ID:20260401T000000Z",
            "RECURRENCE-ID;VALUE=DATE:20260401",
        ),
        // what is a day, or floats, in UTC: as it is where Alice is
        (
            days,
            "RECURRENCE-ID:20260331T220000Z",
            "RECURRENCE-ID;VALUE=DATE:20260401",
        ),
        (
            floating,
            "RECURRENCE-ID:20260401T070000Z",
            "RECURRENCE-ID:20260401T090000",
        ),
        (
            days,
            "RECURRENCE-ID;VALUE=DATE:20260401",
            "RECURRENCE-ID;VALUE=DATE:20260401",
        ),
        (
            days,
            "RECURRENCE-ID;TZID=Europe/Berlin:20260401T000000",
            "RECURRENCE-ID;VALUE=DATE:20260401",
        ),
    ];
    for (series, named, stored) in table {
        let mut world = new_world();
        world.put("alice", &set(&[&format!("{series}\nATTENDEE:{X}")]));
        let reply = message("REPLY", &[answer(named, "ACCEPTED", 0, 0)]);
        let receipt = world.mail_in("alice", Method::Reply, X, reply);
        assert!(receipt.inbox_item, "{named}");
        let own = world.copy("alice").entries().nth(1).unwrap();
        assert_eq!(
            own.property("RECURRENCE-ID").unwrap().content(),
            stored,
            "{named}"
        );
        assert_eq!(
            entry::participation(own.property("ATTENDEE").unwrap()),
            "ACCEPTED"
        );
    }
}

#[test]
fn answers_to_what_is_not_there_change_nothing() {
    let table = [
        ("taken out", "RECURRENCE-ID:20260330T090000Z"),
        ("never there", "RECURRENCE-ID:20260303T090000Z"),
        ("after the end", "RECURRENCE-ID:20270301T090000Z"),
        ("the end of time", "RECURRENCE-ID:99991231T235959Z"),
    ];
    for (name, id) in table {
        let mut world = outside();
        let before = world.copy("alice").clone();
        let reply = message("REPLY", &[answer(id, "ACCEPTED", 9, 0)]);
        let receipt = world.mail_in("alice", Method::Reply, X, reply);
        assert_eq!(
            (receipt.copy, receipt.inbox_item),
            (CopyChange::Unchanged, false),
            "{name}"
        );
        assert_eq!(world.copy("alice"), &before);
    }
    // one that cannot be taken does not keep the others out
    let mut world = outside();
    let parts = [
        answer("RECURRENCE-ID:20260330T090000Z", "ACCEPTED", 9, 0),
        answer("RECURRENCE-ID:20260309T090000Z", "ACCEPTED", 9, 0),
    ];
    world.mail_in("alice", Method::Reply, X, message("REPLY", &parts));
    assert_eq!(world.shape("alice")[1], "0309 bob? x@elsewhere.net+");
}

#[test]
fn who_is_not_invited_to_an_instance_is_for_the_user_to_decide_about() {
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[
            &series("x@elsewhere.net", ""),
            &instance("0309", 9, "bob", ""),
        ]),
    );
    let reply = message(
        "REPLY",
        &[answer("RECURRENCE-ID:20260309T090000Z", "ACCEPTED", 9, 0)],
    );
    let receipt = world.mail_in("alice", Method::Reply, X, reply);
    assert_eq!(receipt.copy, CopyChange::Unchanged);
    assert!(matches!(
        receipt.decisions[..],
        [Decision::ForTheUser { .. }]
    ));
}

#[test]
fn answers_are_in_order_part_by_part() {
    // RFC 5546 §2.1.5
    let named = "RECURRENCE-ID:20260309T090000Z";
    let steps = [
        (named, "ACCEPTED", 10, "0309 bob? x@elsewhere.net+"),
        (named, "DECLINED", 9, "0309 bob? x@elsewhere.net+"),
        (named, "DECLINED", 10, "0309 bob? x@elsewhere.net+"),
        (named, "DECLINED", 11, "0309 bob? x@elsewhere.net-"),
        // an older one to the series still holds for the series
        (
            "",
            "TENTATIVE",
            5,
            "series bob? x@elsewhere.net~ without 0330",
        ),
        (
            "",
            "ACCEPTED",
            4,
            "series bob? x@elsewhere.net~ without 0330",
        ),
    ];
    let mut world = outside();
    for (id, participation, minute, expected) in steps {
        world.mail_in(
            "alice",
            Method::Reply,
            X,
            message("REPLY", &[answer(id, participation, 5, minute)]),
        );
        let shape = world.shape("alice");
        assert!(
            shape.contains(&expected.to_owned()),
            "{participation} {minute}: {shape:?}"
        );
    }
}

/// RFC 5546 §2.1.5: answers to the series and to an instance may come in any order, and from clocks that are not alike.
#[test]
fn answers_to_a_series_and_to_an_instance_come_in_any_order() {
    let named = "RECURRENCE-ID:20260309T090000Z";
    let declined = (named, "DECLINED", 10);
    let accepted = ("", "ACCEPTED", 11);
    // where all of it has the same answer, the later one to the series is meant for the instance, too; twice is once
    let (same, all) = ((named, "TENTATIVE", 12), ("", "TENTATIVE", 13));
    let last = ("", "DECLINED", 14);
    let rows: [(&[_], &str, &str); 4] = [
        (&[declined, accepted], "+", "-"),
        (&[accepted, declined], "+", "-"),
        (&[accepted, declined, accepted, declined], "+", "-"),
        (&[same, all, last, same, all], "-", "-"),
    ];
    for (answers, of_series, of_instance) in rows {
        for moved in [false, true] {
            let people = "bob x@elsewhere.net";
            let mut world = new_world();
            let moved = moved.then(|| instance("0309", 11, people, ""));
            let parts = [Some(series(people, "")), moved];
            let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
            world.put("alice", &set(&parts));
            for (id, participation, minute) in answers {
                let reply = answer(id, participation, 0, *minute);
                let reply = message("REPLY", &[reply]);
                world.mail_in("alice", Method::Reply, X, reply);
            }
            let expected = [
                format!("series bob? x@elsewhere.net{of_series}"),
                format!("0309 bob? x@elsewhere.net{of_instance}"),
            ];
            assert_eq!(
                world.shape("alice"),
                expected,
                "{answers:?} {}",
                parts.len()
            );
        }
    }
}

#[test]
fn an_answer_from_before_an_instance_was_moved_comes_too_late() {
    // C5.7
    let mut world = outside();
    let moved = [
        series("bob x@elsewhere.net", ""),
        instance("0309", 11, "bob x@elsewhere.net", ""),
    ];
    world.put("alice", &set(&[&moved[0], &moved[1]]));
    let named = "RECURRENCE-ID:20260309T090000Z";
    for (sequence, expected) in [
        (0, "0309 bob? x@elsewhere.net?"),
        (9, "0309 bob? x@elsewhere.net+"),
    ] {
        let reply = message("REPLY", &[answer(named, "ACCEPTED", sequence, 0)]);
        world.mail_in("alice", Method::Reply, X, reply);
        assert!(
            world.shape("alice").contains(&expected.to_owned()),
            "{sequence}"
        );
    }
}

#[test]
fn an_answer_to_the_series_from_before_an_instance_was_moved_is_none_to_that() {
    // C5.9
    // RFC 6638 §3.2.8: it is asked for anew; RFC 5546 §2.1.5: by SEQUENCE, the answer is to what was before
    let people = "bob x@elsewhere.net";
    let moved = [series(people, ""), instance("0309", 11, people, "")];
    for (sequence, expected) in [(0, "?"), (9, "+")] {
        let mut world = new_world();
        world.put("alice", &set(&[&moved[0]]));
        world.put("alice", &set(&[&moved[0], &moved[1]]));
        let reply = message("REPLY", &[answer("", "ACCEPTED", sequence, 0)]);
        world.mail_in("alice", Method::Reply, X, reply);
        let expected = [
            "series bob? x@elsewhere.net+".to_owned(),
            format!("0309 bob? x@elsewhere.net{expected}"),
        ];
        assert_eq!(world.shape("alice"), expected, "{sequence}");
    }
    // here, whether the invitation to the instance waits, or the answer did and the invitation is known
    for waits in [Method::Request, Method::Reply] {
        let mut world = new_world();
        world.put("alice", &set(&[&moved[0]]));
        world.waits = match waits {
            Method::Reply => |it| it.message.method == Method::Reply,
            _ => |it| it.message.method == Method::Request && !it.message.is_refresh,
        };
        if waits == Method::Reply {
            world.answer("bob", "ACCEPTED");
        }
        world.put("alice", &set(&[&moved[0], &moved[1]]));
        if waits == Method::Request {
            world.answer("bob", "ACCEPTED");
        }
        world.waits = |_| false;
        world.deliver_waiting();
        let expected = ["series bob+ x@elsewhere.net?", "0309 bob? x@elsewhere.net?"];
        for who in ["alice", "bob"] {
            assert_eq!(world.shape(who), expected, "{who}, {waits} waits");
        }
    }
}

#[test]
fn an_answer_to_the_series_is_one_to_the_instances_at_its_time() {
    // C5.9
    let people = "bob x@elsewhere.net";
    let all = series(people, "");
    let ends = |count: &str| all.replace("COUNT=10", count);
    let at = |hour, more: &str| instance("0309", hour, people, more);
    let elsewhere = instance("0316", 9, people, "LOCATION:x");
    // the steps in which the organizer comes there, SEQUENCE of the answer, and what is said of 0309 then
    let table = [
        // the series was revised twice before, so that its SEQUENCE is the higher one
        (
            vec![
                set(&[&all, &at(9, "LOCATION:x"), &elsewhere]),
                set(&[&ends("COUNT=9"), &at(9, "LOCATION:x"), &elsewhere]),
                set(&[&ends("COUNT=8"), &at(9, "LOCATION:x"), &elsewhere]),
                set(&[&ends("COUNT=8"), &at(11, "LOCATION:x"), &elsewhere]),
            ],
            2,
            "?",
        ),
        // it takes place after all, at the time of the series
        (
            vec![
                set(&[&all, &elsewhere]),
                set(&[&all, &at(9, "STATUS:CANCELLED"), &elsewhere]),
                set(&[&all, &at(9, ""), &elsewhere]),
            ],
            0,
            "+",
        ),
        // it was moved, and is where it was
        (
            vec![
                set(&[&all, &elsewhere]),
                set(&[&all, &at(11, ""), &elsewhere]),
                set(&[&all, &at(9, ""), &elsewhere]),
            ],
            0,
            "+",
        ),
    ];
    for (number, (steps, sequence, expected)) in table.into_iter().enumerate() {
        let mut world = new_world();
        for step in &steps {
            world.put("alice", step);
        }
        let reply = message("REPLY", &[answer("", "ACCEPTED", sequence, 0)]);
        world.mail_in("alice", Method::Reply, X, reply);
        let expected = [
            "series bob? x@elsewhere.net+".to_owned(),
            format!("0309 bob? x@elsewhere.net{expected}"),
            "0316 bob? x@elsewhere.net+".to_owned(),
        ];
        assert_eq!(world.shape("alice"), expected, "{number}");
    }
}

/// C5.7: what was answered to an earlier time is no answer to another one, though it waited, and the invitation did not.
#[test]
fn an_answer_that_waited_is_none_to_another_time() {
    let people = "bob";
    let all = series(people, "");
    let moved_series = all.replace("T09", "T08").replace("T10", "T09");
    let own = |hour| instance("0309", hour, people, "LOCATION:x");
    for (part, moved) in [
        ("0309", set(&[&all, &own(11)])),
        (
            "series",
            set(&[
                &moved_series,
                &own(9).replace("ID:20260309T09", "ID:20260309T08"),
            ]),
        ),
    ] {
        let mut world = new_world();
        world.put("alice", &set(&[&all, &own(9)]));
        world.waits = |it| it.message.method == Method::Reply;
        world.answer_part("bob", part, "ACCEPTED");
        world.put("alice", &moved);
        world.waits = |_| false;
        world.deliver_waiting();
        assert_eq!(world.shape("alice"), ["series bob?", "0309 bob?"], "{part}");
        assert_eq!(world.shape("bob"), world.shape("alice"), "{part}");
    }
    // what is new about it but not its time does not matter
    let mut world = new_world();
    world.put("alice", &set(&[&all, &own(9)]));
    world.waits = |it| it.message.method == Method::Reply;
    world.answer("bob", "ACCEPTED");
    world.put(
        "alice",
        &set(&[&all.replace("COUNT=10", "COUNT=9"), &own(9)]),
    );
    world.waits = |_| false;
    world.deliver_waiting();
    assert_eq!(world.shape("alice"), ["series bob+", "0309 bob+"]);
}

#[test]
fn invitations_from_outside_are_put_together() {
    let mut world = new_world();
    let bob = "ATTENDEE:mailto:bob@example.org";
    let one = |day: &str, hour: u8, sequence, minute| {
        of_x(&instance(day, hour, "bob", ""), sequence, minute)
    };
    let all =
        |more: &str, sequence, minute| of_x(&format!("{RULE}\n{bob}\n{more}"), sequence, minute);
    type Step<'a> = (&'a str, &'a str, Vec<String>, &'a [&'a str]);
    let steps: [Step<'_>; 9] = [
        (
            "an instance alone",
            "REQUEST",
            vec![one("0309", 11, 1, 10)],
            &["0309 bob?"],
        ),
        (
            "another one",
            "REQUEST",
            vec![one("0316", 11, 1, 11)],
            &["0309 bob?", "0316 bob?"],
        ),
        (
            "the series with both",
            "REQUEST",
            vec![
                all("", 1, 12),
                one("0309", 11, 1, 12),
                one("0316", 11, 1, 12),
            ],
            &["series bob?", "0309 bob?", "0316 bob?"],
        ),
        (
            "late: the first instance as it was",
            "REQUEST",
            vec![one("0309", 14, 0, 9)],
            &["series bob?", "0309 bob?", "0316 bob?"],
        ),
        (
            "an instance is off",
            "CANCEL",
            vec![one("0309", 11, 2, 13)],
            &["series bob?", "0309 cancelled bob?", "0316 bob?"],
        ),
        (
            "one that had no component",
            "CANCEL",
            vec![one("0323", 9, 2, 13)],
            &[
                "series bob?",
                "0309 cancelled bob?",
                "0316 bob?",
                "0323 cancelled bob?",
            ],
        ),
        (
            "one that there is not",
            "CANCEL",
            vec![of_x("RECURRENCE-ID:20260324T090000Z", 2, 13)],
            &[
                "series bob?",
                "0309 cancelled bob?",
                "0316 bob?",
                "0323 cancelled bob?",
            ],
        ),
        (
            "the series again, without those",
            "REQUEST",
            vec![all("EXDATE:20260309T090000Z,20260323T090000Z", 2, 14)],
            &[
                "series bob? without 0309 0323",
                "0309 cancelled bob?",
                "0323 cancelled bob?",
            ],
        ),
        (
            "all of it is off",
            "CANCEL",
            vec![all("", 3, 15)],
            &[
                "series cancelled bob? without 0309 0323",
                "0309 cancelled bob?",
                "0323 cancelled bob?",
            ],
        ),
    ];
    for (name, method, components, expected) in steps {
        let which = match method {
            "CANCEL" => Method::Cancel,
            _ => Method::Request,
        };
        world.mail_in("bob", which, X, message(method, &components));
        assert_eq!(world.shape("bob"), expected, "{name}");
    }
    let moved = lines(world.copy("bob")).concat();
    assert!(!moved.contains("T140000Z"), "{moved}");
}

#[test]
fn an_older_series_does_not_take_a_newer_instance_away() {
    let mut world = new_world();
    let bob = "ATTENDEE:mailto:bob@example.org";
    let all = |sequence, minute| of_x(&format!("{RULE}\n{bob}\n"), sequence, minute);
    let one = of_x(&instance("0309", 11, "bob", ""), 2, 20);
    for (components, expected) in [
        (vec![all(1, 10)], vec!["series bob?"]),
        (vec![one], vec!["series bob?", "0309 bob?"]),
        // from before the instance, and after the series that is known
        (vec![all(1, 15)], vec!["series bob?", "0309 bob?"]),
        // after both
        (vec![all(3, 30)], vec!["series bob?"]),
    ] {
        world.mail_in("bob", Method::Request, X, message("REQUEST", &components));
        assert_eq!(world.shape("bob"), expected);
    }
}

#[test]
fn a_message_twice_is_once() {
    let mut world = new_world();
    let request = message(
        "REQUEST",
        &[
            of_x(&format!("{RULE}\nATTENDEE:mailto:bob@example.org"), 0, 1),
            of_x(&instance("0309", 11, "bob", ""), 0, 1),
        ],
    );
    assert!(
        world
            .mail_in("bob", Method::Request, X, request.clone())
            .inbox_item
    );
    let receipt = world.mail_in("bob", Method::Request, X, request);
    assert_eq!(
        (
            receipt.copy,
            receipt.inbox_item,
            receipt.schedule_tag_changes
        ),
        (CopyChange::Unchanged, false, false)
    );
}

#[test]
fn answers_to_a_series_from_outside_go_by_mail() {
    let mut world = new_world();
    let request = message(
        "REQUEST",
        &[
            of_x(&format!("{RULE}\nATTENDEE:mailto:bob@example.org"), 4, 1),
            of_x(&instance("0309", 11, "bob", ""), 5, 1),
        ],
    );
    world.mail_in("bob", Method::Request, X, request);
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.mailed(), ["x@elsewhere.net: REPLY 0309 series"]);
    world.answer_instance("bob", "0316", "DECLINED");
    assert_eq!(world.mailed(), ["x@elsewhere.net: REPLY 0316"]);
    world.answer_part("bob", "0309", "TENTATIVE");
    let mail = CalendarObject::parse(&world.mails[0].calendar, &Limits::default()).unwrap();
    assert_eq!(sequences(&mail), [("0309".to_owned(), 5)]);
    world.mails.clear();
    world.delete("bob");
    assert_eq!(world.mailed(), ["x@elsewhere.net: REPLY 0309 series"]);
}

#[test]
fn an_answer_to_an_instance_outlasts_a_series_from_outside_that_does_not_know_it() {
    let mut world = new_world();
    let bob = "ATTENDEE:mailto:bob@example.org";
    let all = |rule: &str, more: &str, sequence, minute| {
        of_x(&format!("{rule}\n{bob}\n{more}"), sequence, minute)
    };
    let send = |world: &mut World, series: String| {
        world.mail_in("bob", Method::Request, X, message("REQUEST", &[series]));
    };
    send(&mut world, all(RULE, "", 0, 1));
    world.answer("bob", "ACCEPTED");
    world.answer_instance("bob", "0316", "DECLINED");
    for (series, expected) in [
        (
            all(RULE, "SUMMARY:Another title", 1, 2),
            vec!["series bob+", "0316 bob-"],
        ),
        // the organizer takes it out
        (
            all(RULE, "EXDATE:20260316T090000Z", 2, 3),
            vec!["series bob+ without 0316"],
        ),
        // all are at another time, and asked for anew
        (
            all(&RULE.replace("T09", "T08"), "", 3, 4),
            vec!["series bob?"],
        ),
    ] {
        send(&mut world, series);
        assert_eq!(world.shape("bob"), expected);
    }
}

#[test]
fn an_invitation_that_came_another_way_is_answered() {
    // C3.5: the client took it out of a mail
    let mut world = new_world();
    let mut object = message(
        "REQUEST",
        &[
            of_x(
                &format!("{RULE}\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"),
                4,
                1,
            ),
            of_x(&instance("0309", 11, "bob", ""), 5, 1),
        ],
    );
    object.calendar_mut().remove_properties("METHOD");
    world.put("bob", &object);
    assert_eq!(world.mailed(), ["x@elsewhere.net: REPLY 0309 series"]);
}

#[test]
fn words_for_people_are_about_what_the_mail_is_about() {
    let mut world = new_world();
    world.put("alice", &set(&[&series("x@elsewhere.net", "")]));
    let when = |world: &mut World| world.mails.pop().unwrap().details.when.clone();
    assert_eq!(
        when(&mut world),
        "Monday, 2 March 2026, 10:00 – 11:00 (Europe/Berlin), every week, 10 times"
    );
    world.put(
        "alice",
        &set(&[
            &series("x@elsewhere.net", ""),
            &instance("0309", 11, "x@elsewhere.net", ""),
        ]),
    );
    assert_eq!(
        when(&mut world),
        "Monday, 9 March 2026, 12:00 – 13:00 (Europe/Berlin)"
    );
}

#[test]
fn an_instance_is_named_in_a_time_zone_that_only_the_message_knows() {
    // C5.8, C5.16: Exchange calls it "Customized Time Zone"
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    let named = "RECURRENCE-ID;TZID=Customized Time Zone:20260309T100000";
    let with_zone = |message: CalendarObject| {
        let text = String::from_utf8(message.to_octets().to_vec()).unwrap();
        let text = text.replacen("BEGIN:VEVENT", &format!("{zone}BEGIN:VEVENT"), 1);
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    let zoned =
        "DTSTART;TZID=Europe/Berlin:20260302T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=10";
    for series in [RULE, zoned] {
        let mut world = new_world();
        world.put("alice", &set(&[&format!("{series}\nATTENDEE:{X}")]));
        let reply = message("REPLY", &[answer(named, "ACCEPTED", 0, 0)]);
        world.mail_in("alice", Method::Reply, X, with_zone(reply));
        assert_eq!(world.shape("alice")[1], "0309 x@elsewhere.net+", "{series}");
    }
    // and one that is called off
    let mut world = new_world();
    let bob = "ATTENDEE:mailto:bob@example.org";
    let request = message("REQUEST", &[of_x(&format!("{RULE}\n{bob}"), 0, 0)]);
    world.mail_in("bob", Method::Request, X, request);
    let cancel = message("CANCEL", &[of_x(&format!("{named}\n{bob}"), 1, 1)]);
    world.mail_in("bob", Method::Cancel, X, with_zone(cancel));
    assert_eq!(world.shape("bob"), ["series bob?", "0309 cancelled bob?"]);
}

/// C5.8: the copy of a series of days names its instances by days, however the organizer elsewhere names them.
#[test]
fn a_day_is_changed_and_called_off_by_its_name_in_utc() {
    const ID: &str = "RECURRENCE-ID:20260331T220000Z\nATTENDEE:mailto:bob@example.org";
    let days = "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY\nATTENDEE:mailto:bob@example.org";
    let moved = format!("{ID}\nDTSTART;VALUE=DATE:20260405");
    for ((method, with_series, lines, status), zone) in [
        ("REQUEST", false, &*moved, None),
        ("REQUEST", true, &*moved, None),
        ("CANCEL", false, ID, Some("CANCELLED")),
    ]
    .into_iter()
    .flat_map(|case| {
        [Some("Europe/Berlin"), Some("America/New_York"), None].map(|zone| (case, zone))
    }) {
        let mut world = new_world();
        let bob = Arc::make_mut(world.people.get_mut("bob").unwrap());
        bob.time_zone = zone.map(str::to_owned);
        let series = of_x(days, 0, 0);
        let first = message("REQUEST", std::slice::from_ref(&series));
        world.mail_in("bob", Method::Request, X, first);
        let mut parts = vec![of_x(lines, 1, 1)];
        if with_series {
            parts.insert(0, series);
        }
        let said = message(method, &parts);
        world.mail_in("bob", Method::parse(method).unwrap(), X, said);
        let instance = world.copy("bob").entries().nth(1).unwrap();
        let id = instance.property("RECURRENCE-ID").unwrap().content();
        assert_eq!(id, "RECURRENCE-ID;VALUE=DATE:20260401", "{method}");
        assert_eq!(instance.raw_value("STATUS"), status, "{method}");
    }
}
