//! The organizer's edits.

use super::*;

/// What an edit of the series of [`accepted`] does.
struct Case<'a> {
    name: &'a str,
    /// The components that the organizer stores.
    stored: &'a [String],
    /// Bob's messages, and his copy.
    letters: &'a [&'a str],
    copy: &'a [&'a str],
    /// The organizer's object.
    organized: &'a [&'a str],
    sequences: &'a [(&'a str, u32)],
}

#[test]
fn edits_of_a_series_that_was_accepted() {
    // C2.5, C2.7
    let both = "bob carol";
    let table = [
        Case {
            name: "the same again",
            stored: &[series(both, "")],
            letters: &[],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+"],
            sequences: &[("series", 0)],
        },
        Case {
            name: "another place: all is told, nobody is asked anew",
            stored: &[series(both, "LOCATION:Room 1")],
            letters: &["REQUEST series"],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+"],
            sequences: &[("series", 0)],
        },
        Case {
            name: "an instance is taken out: it is cancelled, and nothing else is said",
            stored: &[series(both, "EXDATE:20260309T090000Z")],
            letters: &["CANCEL 0309"],
            copy: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
            organized: &["series bob+ carol+ without 0309"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "a day on which nothing was is taken out",
            stored: &[series(both, "EXDATE:20260310T090000Z")],
            letters: &[],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+ without 0310"],
            sequences: &[("series", 0)],
        },
        Case {
            name: "an instance is moved: it alone is told, and asked anew",
            stored: &[series(both, ""), instance("0309", 11, both, "")],
            letters: &["REQUEST 0309"],
            copy: &["series bob+ carol+", "0309 bob? carol?"],
            organized: &["series bob+ carol+", "0309 bob? carol?"],
            sequences: &[("0309", 1), ("series", 0)],
        },
        Case {
            name: "an instance has another place: it alone is told, and not asked anew",
            stored: &[
                series(both, ""),
                instance("0309", 9, both, "LOCATION:Room 1"),
            ],
            letters: &["REQUEST 0309"],
            copy: &["series bob+ carol+", "0309 bob+ carol+"],
            organized: &["series bob+ carol+", "0309 bob+ carol+"],
            sequences: &[("0309", 0), ("series", 0)],
        },
        Case {
            name: "an instance gets a component that says nothing new",
            stored: &[
                series(both, ""),
                instance("0309", 9, both, "X-MOZ-LASTACK:20260101T000000Z"),
            ],
            letters: &[],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+", "0309 bob+ carol+"],
            sequences: &[("0309", 0), ("series", 0)],
        },
        Case {
            name: "an instance is cancelled by its status",
            stored: &[
                series(both, ""),
                instance("0309", 9, both, "STATUS:CANCELLED"),
            ],
            letters: &["CANCEL 0309"],
            copy: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
            organized: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
            sequences: &[("0309", 1), ("series", 0)],
        },
        Case {
            name: "Bob is left out of one instance",
            stored: &[series(both, ""), instance("0309", 9, "carol", "")],
            letters: &["CANCEL 0309"],
            copy: &["series bob+ carol+", "0309 cancelled bob+ carol+"],
            organized: &["series bob+ carol+", "0309 carol+"],
            sequences: &[("0309", 1), ("series", 0)],
        },
        Case {
            name: "Bob stays in one instance only",
            stored: &[series("carol", ""), instance("0309", 9, both, "")],
            letters: &["CANCEL series", "REQUEST 0309"],
            copy: &["series cancelled bob+ carol+", "0309 bob+ carol+"],
            organized: &["series carol+", "0309 bob+ carol+"],
            // what is left comes after the cancellation of the whole (RFC 5546 §2.1.5)
            sequences: &[("0309", 1), ("series", 1)],
        },
        Case {
            name: "Bob is not invited any more",
            stored: &[series("carol", "")],
            letters: &["CANCEL series"],
            copy: &["series cancelled bob+ carol+"],
            organized: &["series carol+"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "the series ends earlier: it is told, nobody is asked anew",
            stored: &[series(both, "").replace("COUNT=10", "COUNT=5")],
            letters: &["REQUEST series"],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "the same end, said in another way",
            stored: &[series(both, "").replace("COUNT=10", "UNTIL=20260504T090000Z")],
            letters: &[],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+"],
            sequences: &[("series", 0)],
        },
        Case {
            name: "the same instants in a zone that is UTC all year",
            stored: &[series(both, "")
                .replace(
                    "DTSTART:20260302T090000Z",
                    "DTSTART;TZID=Africa/Abidjan:20260302T090000",
                )
                .replace(
                    "DTEND:20260302T100000Z",
                    "DTEND;TZID=Africa/Abidjan:20260302T100000",
                )],
            letters: &[],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+"],
            sequences: &[("series", 0)],
        },
        Case {
            name: "a zone whose clocks change moves instances",
            stored: &[series(both, "")
                .replace(
                    "DTSTART:20260302T090000Z",
                    "DTSTART;TZID=Europe/Berlin:20260302T100000",
                )
                .replace(
                    "DTEND:20260302T100000Z",
                    "DTEND;TZID=Europe/Berlin:20260302T110000",
                )],
            letters: &["REQUEST series"],
            copy: &["series bob? carol?"],
            organized: &["series bob? carol?"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "the series goes on longer: new instances, all are asked",
            stored: &[series(both, "").replace("COUNT=10", "COUNT=11")],
            letters: &["REQUEST series"],
            copy: &["series bob? carol?"],
            organized: &["series bob? carol?"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "an instance more",
            stored: &[series(both, "RDATE:20260304T090000Z")],
            letters: &["REQUEST series"],
            copy: &["series bob? carol?"],
            organized: &["series bob? carol?"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "the series is another day: all is told in one message",
            stored: &[series(both, "EXDATE:20260310T090000Z").replace("20260302T", "20260303T")],
            letters: &["REQUEST series"],
            copy: &["series bob? carol? without 0310"],
            organized: &["series bob? carol? without 0310"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "the series becomes a single event",
            stored: &[series(both, "").replace("RRULE:FREQ=WEEKLY;COUNT=10\n", "")],
            letters: &["REQUEST series"],
            copy: &["series bob+ carol+"],
            organized: &["series bob+ carol+"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "all is cancelled",
            stored: &[series(both, "STATUS:CANCELLED")],
            letters: &["CANCEL series"],
            copy: &["series cancelled bob+ carol+"],
            organized: &["series cancelled bob+ carol+"],
            sequences: &[("series", 1)],
        },
        Case {
            name: "somebody more in one instance",
            stored: &[series(both, ""), instance("0309", 9, "bob carol room", "")],
            letters: &["REQUEST 0309"],
            copy: &["series bob+ carol+", "0309 bob+ carol+ room?"],
            organized: &["series bob+ carol+", "0309 bob+ carol+ room?"],
            sequences: &[("0309", 0), ("series", 0)],
        },
    ];
    for case in table {
        let mut world = accepted();
        let stored: Vec<&str> = case.stored.iter().map(String::as_str).collect();
        world.put("alice", &set(&stored));
        let name = case.name;
        assert_eq!(world.letters("bob"), case.letters, "{name}: letters");
        assert_eq!(world.shape("bob"), case.copy, "{name}: copy");
        assert_eq!(world.shape("alice"), case.organized, "{name}: organizer");
        let numbers: Vec<(String, u32)> = sequences(world.copy("alice"));
        let numbers: Vec<(&str, u32)> = numbers
            .iter()
            .map(|(it, number)| (&**it, *number))
            .collect();
        assert_eq!(numbers, case.sequences, "{name}: sequences");
    }
}

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
fn an_instance_that_is_the_series_again_is_asked_for_at_its_time() {
    // RFC 6638 §3.2.8: it changes in time for those who come
    let mut world = accepted();
    let moved = [
        series("bob carol", ""),
        instance("0309", 11, "bob carol", ""),
    ];
    world.put("alice", &set(&[&moved[0], &moved[1]]));
    world.answer_part("bob", "0309", "ACCEPTED");
    world.letters("bob");
    world.put("alice", &set(&[&moved[0]]));
    assert_eq!(world.letters("bob"), ["REQUEST 0309"]);
    let expected = ["series bob+ carol+", "0309 bob? carol?"];
    assert_eq!(world.shape("alice"), expected);
    assert_eq!(world.shape("bob"), expected);
    // one that had but another place is told with the series
    let mut world = accepted();
    let elsewhere = instance("0309", 9, "bob carol", "LOCATION:x");
    world.put("alice", &set(&[&moved[0], &elsewhere]));
    world.letters("bob");
    world.put("alice", &set(&[&moved[0]]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob+ carol+"]);
}

#[test]
fn a_series_that_becomes_a_single_event_is_what_that_instance_was() {
    let single = |hour: &str| {
        let lines = series("bob carol", "").replace("RRULE:FREQ=WEEKLY;COUNT=10\n", "");
        lines.replace("T09", hour)
    };
    let mut world = accepted();
    world.answer_instance("bob", "0302", "DECLINED");
    world.put("alice", &set(&[&single("T09")]));
    assert_eq!(world.shape("alice"), ["series bob- carol+"]);
    assert_eq!(world.shape("bob"), ["series bob- carol+"]);
    // it was taken out: nobody has said anything of it
    let mut world = accepted();
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260302T090000Z")]),
    );
    world.put("alice", &set(&[&single("T09")]));
    assert_eq!(world.shape("alice"), ["series bob? carol?"]);
}

#[test]
fn an_instance_that_takes_place_after_all_is_asked_for() {
    // RFC 6638 §3.2.8: removal of EXDATE
    let mut world = accepted();
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260309T090000Z")]),
    );
    world.letters("bob");
    world.put("alice", &set(&[&series("bob carol", "")]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob? carol?"]);
    assert_eq!(world.shape("alice"), ["series bob? carol?"]);
    // with a component of its own, it alone
    let mut world = accepted();
    world.put(
        "alice",
        &set(&[
            &series("bob carol", ""),
            &instance("0309", 9, "bob carol", "STATUS:CANCELLED"),
        ]),
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
        ["series bob+ carol+", "0309 bob? carol?"]
    );
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
fn a_client_that_has_not_seen_an_answer_does_not_take_it_back() {
    // C2.1: the component that holds the answer to one instance is put back
    let mut world = accepted();
    world.answer_instance("bob", "0309", "DECLINED");
    let seen = ["series bob+ carol+", "0309 bob- carol+"];
    assert_eq!(world.shape("alice"), seen);
    world.letters("bob");
    world.put("alice", &set(&[&series("bob carol", "LOCATION:Room 1")]));
    assert_eq!(world.shape("alice"), seen);
    assert_eq!(world.shape("bob"), seen);
    let place = |who: &str| {
        let entries = world.copy(who).entries();
        entries
            .filter(|entry| entry.raw_value("LOCATION") == Some("Room 1"))
            .count()
    };
    assert_eq!((place("alice"), place("bob")), (2, 2));
    // at another time the answer is to something else
    world.put(
        "alice",
        &set(&[&series("bob carol", "").replace("T09", "T08")]),
    );
    assert_eq!(world.shape("alice"), ["series bob? carol?"]);
    // and what is taken out is
    let mut world = accepted();
    world.answer_instance("bob", "0309", "DECLINED");
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260309T090000Z")]),
    );
    assert_eq!(world.shape("alice"), ["series bob+ carol+ without 0309"]);
}

#[test]
fn an_answer_to_one_instance_is_not_left_behind() {
    // C2.13: the client moves the series, and sends the component that holds the answer back as it was
    let moved = |world: &World| {
        let mut object = world.copy("alice").clone();
        let series = object.entries_mut().next().unwrap();
        series.set_raw_value("DTSTART", "20260302T080000Z").unwrap();
        series.set_raw_value("DTEND", "20260302T090000Z").unwrap();
        object
    };
    let mut world = accepted();
    world.answer_instance("bob", "0309", "DECLINED");
    world.letters("bob");
    world.put("alice", &moved(&world));
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who), ["series bob? carol?"], "{who}");
    }
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    // what the organizer made otherwise is the organizer's
    let mut world = accepted();
    let own = instance("0309", 9, "bob carol", "LOCATION:x");
    world.put("alice", &set(&[&series("bob carol", ""), &own]));
    world.put("alice", &moved(&world));
    assert_eq!(world.shape("alice").len(), 2);
}

#[test]
fn participation_is_the_attendees_to_say() {
    // RFC 6638 §3.2.8
    let mut world = accepted();
    let claimed = "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org";
    let own = instance("0309", 9, "", &format!("LOCATION:x\n{claimed}"));
    world.put("alice", &set(&[&series("bob carol", ""), &own]));
    assert_eq!(
        world.shape("alice"),
        ["series bob+ carol+", "0309 bob+ carol+"]
    );
    // asked again for one instance
    world.letters("bob");
    let again =
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org";
    let own = instance("0309", 9, "", &format!("LOCATION:x\n{again}"));
    world.put("alice", &set(&[&series("bob carol", ""), &own]));
    assert_eq!(world.letters("bob"), ["REQUEST 0309"]);
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0309 bob? carol+"]
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
fn an_answer_that_is_put_back_is_told_by_the_agent_of_now() {
    // C2.2
    // RFC 6638 §7.1: the client has not seen the answer to one instance, and leaves Bob to others from now on
    for agent in ["NONE", "CLIENT"] {
        let mut world = accepted();
        world.answer_instance("bob", "0309", "DECLINED");
        let left = format!("ATTENDEE;SCHEDULE-AGENT={agent};ROLE=CHAIR:{BOB}");
        world.letters("bob");
        world.put("alice", &set(&[&series("carol", &left)]));
        assert_eq!(
            world.shape("alice"),
            ["series carol+ bob?", "0309 carol+ bob-"],
            "{agent}"
        );
        let people = people_lines(world.copy("alice"));
        let of_bob = people.iter().filter(|line| line.ends_with(BOB));
        let of_bob: Vec<&String> = of_bob.collect();
        // the status is that of the cancellation
        let told = left.replace("CHAIR", "CHAIR;SCHEDULE-STATUS=1.2");
        let declined = told.replace("CHAIR", "CHAIR;PARTSTAT=DECLINED");
        assert_eq!(of_bob, [&declined, &told]);
        assert_eq!(world.letters("bob"), ["CANCEL series"], "{agent}");
        world.edit("alice", "LOCATION", "Room 2");
        assert!(world.letters("bob").is_empty(), "{agent}");
    }
}

#[test]
fn whom_somebody_sends_to_one_instance_stays_where_a_client_has_not_seen_it() {
    // RFC 5546 §3.2.2.3, and C2.1
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob", "")]));
    world.answer("bob", "ACCEPTED");
    let sends = format!("ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"{CAROL}\":{BOB}");
    let own = instance("0309", 9, "", &sends);
    world.put(
        "bob",
        &set(&[
            &series("", &format!("ATTENDEE;PARTSTAT=ACCEPTED:{BOB}")),
            &own,
        ]),
    );
    let seen = ["series bob+", "0309 bob! carol?"];
    assert_eq!(world.shape("alice"), seen);
    world.letters("carol");
    world.put("alice", &set(&[&series("bob", "LOCATION:Room 1")]));
    assert_eq!(world.shape("alice"), seen);
    assert_eq!(world.letters("carol"), ["REQUEST 0309"]);
    // who is not invited sends nobody
    world.put("alice", &set(&[&series("", "LOCATION:Room 1")]));
    assert_eq!(world.shape("alice"), ["series"]);
    assert_eq!(world.letters("carol"), ["CANCEL 0309"]);
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

const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";

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
