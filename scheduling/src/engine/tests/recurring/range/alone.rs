//! What is said of one instance alone that says what all later ones are, and what becomes of these (RFC 5545 §3.2.13).

use super::*;

/// Takes an instance out of somebody's copy, as a client does: EXDATE in the series, and no component for it.
fn take_out(world: &mut World, who: &'static str, day: &str) {
    let id = format!("2026{day}T090000Z");
    world.change_copy(who, |calendar| {
        calendar.retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*id));
        let line = calendar::Property::new("EXDATE", &id).unwrap();
        let series = calendar.components_mut().next().unwrap();
        series.push_property(line);
    });
}

#[test]
fn who_takes_out_an_instance_that_says_what_all_later_ones_are_comes_to_these() {
    // RFC 5545 §3.2.13, RFC 6638 §3.2.2.3: it is one that is declined, for everybody
    let (mut world, all, later) = later_from_the_third();
    world.answer_part("bob", "0316", "ACCEPTED");
    world.letters("alice");
    take_out(&mut world, "bob", "0316");
    assert_eq!(world.letters("alice"), ["REPLY 0316"]);
    let answered = ["series bob+ carol+", "0316 bob- carol?", "0323 bob+ carol?"];
    let out = ["series bob+ carol+ without 0316", "0323 bob+ carol?"];
    assert_eq!(world.shape("bob"), out);
    for who in ["alice", "carol"] {
        assert_eq!(world.shape(who), answered, "{who}");
    }
    let everybody = |world: &World, expected: &str| {
        let hours = ["alice", "bob", "carol"].map(|who| hours(world, who));
        let without = expected.replacen(&expected[6..8], "--", 1);
        assert_eq!(hours, [expected, &*without, expected]);
    };
    everybody(&world, "09 09 11 11 11 11");
    // the organizer's client does not know of it yet, and changes what all are, or when the later ones are
    let hall = ranged(&instance("0316", 11, "bob carol", "LOCATION:Hall"));
    world.put("alice", &set(&[&all, &hall]));
    for who in ["alice", "carol"] {
        assert_eq!(world.shape(who), answered, "{who}");
    }
    assert_eq!(world.shape("bob"), out);
    world.put("alice", &set(&[&all, &later]));
    everybody(&world, "09 09 11 11 11 11");
    assert_eq!(world.shape("bob"), out);
    let moved = ranged(&instance("0316", 12, "bob carol", ""));
    world.put("alice", &set(&[&all, &moved]));
    let asked = ["series bob+ carol+", "0316 bob? carol?"];
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who)[..2], asked, "{who}");
        assert_eq!(hours(&world, who), "09 09 12 12 12 12", "{who}");
    }
}

#[test]
fn several_instances_are_taken_out_of_those_that_one_is_about() {
    // two of them at once, with one that has a component of its own; the last ones; and all at once with the series declined
    let (mut world, ..) = later_from_the_third();
    world.answer_part("bob", "0316", "ACCEPTED");
    for day in ["0323", "0316", "0330"] {
        take_out(&mut world, "bob", day);
    }
    assert_eq!(hours(&world, "bob"), "09 09 -- -- -- 11");
    let answered = [
        "series bob+ carol+",
        "0316 bob- carol?",
        "0323 bob- carol?",
        "0330 bob- carol?",
        "0406 bob+ carol?",
    ];
    assert_eq!(world.shape("alice"), answered);
    world.answer_part("bob", "0406", "TENTATIVE");
    world.answer_part("carol", "0406", "ACCEPTED");
    assert_eq!(world.shape("alice")[4], "0406 bob~ carol+");
    assert_eq!(world.shape("bob")[1], "0406 bob~ carol+");
    // in one edit
    let (mut world, ..) = later_from_the_third();
    world.change_copy("bob", |calendar| {
        calendar.retain_components(|it| it.property("RECURRENCE-ID").is_none());
        let text = "20260316T090000Z,20260323T090000Z";
        let line = calendar::Property::new("EXDATE", text).unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_property(line);
    });
    assert_eq!(hours(&world, "bob"), "09 09 -- -- 11 11");
    assert_eq!(hours(&world, "alice"), "09 09 11 11 11 11");
    let declined = world.shape("alice");
    let expected = ["0316 bob- carol?", "0323 bob- carol?", "0330 bob? carol?"];
    assert_eq!(declined[1..], expected);
    // of the last one there is no later one
    let mut world = accepted();
    let last = ranged(&instance("0504", 11, "bob carol", ""));
    world.put("alice", &set(&[&series("bob carol", ""), &last]));
    take_out(&mut world, "bob", "0504");
    let expected = ["series bob+ carol+", "0504 bob- carol?"];
    assert_eq!(world.shape("alice"), expected);
}

#[test]
fn who_answers_for_all_later_instances_answers_all_that_is_about_them() {
    // RFC 5545 §3.2.13: another one was answered alone; and somebody elsewhere answers what they got
    let both = "bob x@y.z";
    let mut world = new_world();
    let later = ranged(&instance("0316", 11, both, ""));
    world.put("alice", &set(&[&series(both, ""), &later]));
    take_out(&mut world, "bob", "0316");
    let says = "RECURRENCE-ID:20260316T090000Z\nATTENDEE;PARTSTAT=ACCEPTED:mailto:x@y.z";
    let reply = message("REPLY", "mailto:alice@example.org", &[(&ranged(says), 9)]);
    world.hand_in("alice", "mailto:x@y.z", &reply).unwrap();
    let expected = ["series bob? x@y.z?", "0316 bob- x@y.z+", "0323 bob? x@y.z+"];
    assert_eq!(world.shape("alice"), expected);
}

#[test]
fn all_later_instances_are_called_off_with_one_that_is_off() {
    // RFC 5546 §3.2.5: that one is off alone, was taken out by its attendee, or has nobody in it
    let both = "bob carol";
    let all = series(both, "");
    let off = format!("{}\nSTATUS:CANCELLED", instance("0316", 9, both, ""));
    let apart = instance("0330", 12, both, "");
    for is_taken_out in [false, true] {
        let mut world = accepted();
        if is_taken_out {
            take_out(&mut world, "bob", "0316");
        } else {
            world.put("alice", &set(&[&all, &off, &apart]));
            assert_eq!(hours(&world, "bob"), "09 09 -- 09 12 09");
        }
        world.letters("bob");
        world.put("alice", &set(&[&all, &ranged(&off), &apart]));
        assert!(world.letters("bob").contains(&"CANCEL 0316".to_owned()));
        for who in ["alice", "bob", "carol"] {
            assert_eq!(hours(&world, who), "09 09 -- -- 12 --", "{who}");
        }
        // a second time is none
        world.put("alice", &set(&[&all, &ranged(&off), &apart]));
        assert!(world.letters("bob").is_empty());
        // and they take place again
        let on = ranged(&instance("0316", 9, both, ""));
        world.put("alice", &set(&[&all, &on, &apart]));
        for who in ["alice", "bob", "carol"] {
            assert_eq!(hours(&world, who), "09 09 09 09 12 09", "{who}");
        }
    }
}

#[test]
fn an_organizer_elsewhere_says_more_of_later_instances_of_which_one_is_taken_out() {
    // RFC 5546 §3.2.2: what bob took out comes back at another time, and stays away where he is said to decline it or where
    // nothing of it is new
    let whole = format!("{RULE}\n{BOB}");
    let declined = "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org";
    let at = |hour, own: &str| {
        let later = ranged(&instance("0316", hour, "bob", "LOCATION:Hall"));
        later.replace(BOB, own)
    };
    let rows: [(&str, &str, &str); 3] = [
        (&at(12, BOB), "09 09 12 12 12 12", "0316 bob?"),
        (&at(12, declined), "09 09 -- 12 12 12", "0323 bob-"),
        (&at(11, declined), "09 09 -- 11 11 11", "0323 bob+"),
    ];
    for with_series in [false, true] {
        for (later, expected, answer) in rows {
            let mut world = new_world();
            let first = ranged(&instance("0316", 11, "bob", ""));
            let request = message("REQUEST", X, &[(&whole, 0), (&first, 0)]);
            world.hand_in("bob", X, &request).unwrap();
            world.answer_part("bob", "0316", "ACCEPTED");
            world.change_copy("bob", |calendar| {
                let later = calendar.components_mut().nth(1).unwrap();
                let mut alarm = calendar::Component::new("VALARM").unwrap();
                let trigger = calendar::Property::new("TRIGGER", "-PT9M").unwrap();
                alarm.push_property(trigger);
                later.push_component(alarm);
            });
            take_out(&mut world, "bob", "0316");
            assert_eq!(hours(&world, "bob"), "09 09 -- 11 11 11");
            let parts = [(&*whole, 1), (later, 1)];
            let parts = if with_series { &parts[..] } else { &parts[1..] };
            let update = message("REQUEST", X, parts);
            for _ in 0..2 {
                world.hand_in("bob", X, &update).unwrap();
                assert_eq!(hours(&world, "bob"), expected, "{later} {with_series}");
                let text = lines(world.copy("bob")).join(" ");
                assert!(text.contains("LOCATION:Hall"), "{text}");
                assert_eq!(world.shape("bob")[1..], [answer]);
                assert_eq!(text.matches("VALARM").count(), 1, "{text}");
            }
        }
    }
}

#[test]
fn an_organizer_elsewhere_changes_one_instance_and_not_all_later_ones() {
    // RFC 5545 §3.2.13: it is the one that says what these are
    let whole = format!("{RULE}\n{BOB}");
    let first = ranged(&instance("0316", 11, "bob", ""));
    let mut world = new_world();
    let request = message("REQUEST", X, &[(&whole, 0), (&first, 0)]);
    world.hand_in("bob", X, &request).unwrap();
    world.answer_part("bob", "0316", "ACCEPTED");
    let moved = [
        instance("0316", 12, "bob", ""),
        instance("0323", 13, "bob", ""),
    ];
    let update = message("REQUEST", X, &[(&moved[0], 1), (&moved[1], 1)]);
    for _ in 0..2 {
        world.hand_in("bob", X, &update).unwrap();
        assert_eq!(hours(&world, "bob"), "09 09 12 13 11 11");
        let expected = ["series bob?", "0316 bob?", "0323 bob?", "0330 bob+"];
        assert_eq!(world.shape("bob"), expected);
    }
}

#[test]
fn later_instances_are_what_others_are_again() {
    // RFC 6638 §3.2.8: nothing of them is another, but what was answered
    let both = "bob carol";
    let hall = "LOCATION:Hall";
    let (all, one) = (series(both, hall), instance("0316", 9, both, hall));
    let mut world = accepted();
    world.put("alice", &set(&[&series(both, ""), &ranged(&one)]));
    world.put("alice", &set(&[&all, &ranged(&one)]));
    world.answer_part("bob", "0316", "TENTATIVE");
    for who in ["alice", "bob"] {
        let expected = ["series bob+ carol+", "0316 bob~ carol+"];
        assert_eq!(world.shape(who), expected, "{who}");
    }
    world.put("alice", &set(&[&all, &one]));
    let at = |who: &str| {
        let key = calendar::value::DateOrDateTime::parse("20260323T090000Z", None).unwrap();
        let meeting = Meeting::of(world.copy(who));
        shape_of(&meeting.component_at(meeting.key_of(&key)).unwrap())
    };
    assert_eq!(at("bob"), at("alice"));
}

#[test]
fn a_series_that_is_moved_is_not_off_with_later_instances_of_before() {
    // RFC 5545 §3.2.13: bob keeps what was called off, and the series is at another time
    let off = ranged(&format!(
        "{}\nSTATUS:CANCELLED",
        instance("0316", 9, "bob", "")
    ));
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob", ""), &off]));
    assert_eq!(hours(&world, "bob"), "09 09 -- -- -- --");
    let later = series("bob", "").replace("T090000Z", "T080000Z");
    world.put("alice", &set(&[&later.replace("T100000Z", "T090000Z")]));
    let meeting = Meeting::of(world.copy("bob"));
    let day = calendar::value::DateOrDateTime::parse("20260330T080000Z", None).unwrap();
    let entry = meeting.component_at(meeting.key_of(&day)).unwrap();
    assert!(!entry::is_cancelled(&entry), "{}", shape_of(&entry));
}

#[test]
fn who_comes_to_more_of_a_series_is_not_asked_again() {
    // RFC 6638 §3.2.8: the organizer changed nothing of the series; bob is not in what the later ones are, from one on
    // or from a later one on
    let all = series("bob carol", "");
    let cut = |day| ranged(&instance(day, 9, "carol", "LOCATION:Hall"));
    let mut world = accepted();
    for (day, expected) in [("0316", "09 09 -- -- -- --"), ("0330", "09 09 09 09 -- --")] {
        world.put("alice", &set(&[&all, &cut(day)]));
        assert_eq!(hours(&world, "bob"), expected);
        for who in ["alice", "bob"] {
            let answers = world.shape(who)[0].clone();
            assert!(
                answers.starts_with("series bob+ carol+"),
                "{who}: {answers}"
            );
        }
    }
    // carol takes out the very instance that says what these are
    take_out(&mut world, "carol", "0330");
    assert_eq!(hours(&world, "bob"), "09 09 09 09 -- --");
    assert!(world.shape("bob")[0].starts_with("series bob+ carol+"));
}
