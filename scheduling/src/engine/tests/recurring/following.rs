//! What stands for somebody's answer alone follows the series, whoever changes that.

use super::*;

/// Bob has declined an instance, for which Carol has not answered yet, nor for the series.
fn declined_by_bob() -> World {
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob carol", "")]));
    world.answer("bob", "ACCEPTED");
    world.answer_instance("bob", "0309", "DECLINED");
    world.letters("alice");
    world
}

#[test]
fn who_accepts_all_accepts_what_somebody_else_answered_meanwhile() {
    // RFC 6638 §3.2.10.1; C5.9
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob carol", "")]));
    let unsynced = world.copy("carol").clone();
    world.answer_instance("bob", "0309", "DECLINED");
    let mut all = unsynced;
    let lines = all.entries_mut().flat_map(|entry| entry.properties_mut());
    for line in lines.filter(|line| line.raw_value().contains("carol")) {
        line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
    }
    world.letters("alice");
    world.schedule_tag_matched = true;
    world.put("carol", &all);
    assert_eq!(world.letters("alice"), ["REPLY 0309 series"]);
    let expected = ["series bob? carol+", "0309 bob- carol+"];
    assert_eq!(world.shape("carol"), expected);
    assert_eq!(world.shape("alice"), expected);
}

#[test]
fn who_answers_the_series_alone_answers_what_stands_for_an_answer_alone() {
    // C5.9; Thunderbird's "all occurrences"
    let mut world = declined_by_bob();
    world.answer_part("carol", "series", "ACCEPTED");
    assert_eq!(world.letters("alice"), ["REPLY 0309 series"]);
    let expected = ["series bob+ carol+", "0309 bob- carol+"];
    assert_eq!(world.shape("carol"), expected);
    assert_eq!(world.shape("alice"), expected);
    // what was answered otherwise stays so
    world.answer_part("bob", "series", "TENTATIVE");
    assert_eq!(
        world.shape("bob"),
        ["series bob~ carol+", "0309 bob- carol+"]
    );
    assert_eq!(world.shape("alice"), world.shape("bob"));
}

/// The organizer's client, which has seen the answer, changes the series and sends the instance back as it was.
fn change_series(world: &mut World, change: impl FnOnce(&mut calendar::Component)) {
    world.change_copy("alice", |calendar| {
        let mut entries = calendar.components_mut();
        change(entries.find(|it| it.property("RRULE").is_some()).unwrap());
    });
}

#[test]
fn what_stands_for_an_answer_follows_the_organizers_edit_of_the_series() {
    // C2.13
    let mut world = declined_by_bob();
    change_series(&mut world, |series| {
        series.set_raw_value("SUMMARY", "Weekly").unwrap();
        series.set_raw_value("LOCATION", "Room 1").unwrap();
    });
    let expected = ["series bob+ carol?", "0309 bob- carol?"];
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who), expected, "{who}");
        let said = lines(world.copy(who));
        for line in ["SUMMARY:Weekly", "LOCATION:Room 1"] {
            let count = said.iter().filter(|it| *it == line).count();
            assert_eq!(count, 2, "{who}: {line}");
        }
    }
}

#[test]
fn what_the_organizer_made_otherwise_stays_so() {
    let mut world = declined_by_bob();
    world.change_copy("alice", |calendar| {
        let mut entries = calendar.components_mut();
        let own = entries.find(|it| it.property("RECURRENCE-ID").is_some());
        own.unwrap().set_raw_value("SUMMARY", "Party").unwrap();
    });
    change_series(&mut world, |series| {
        series.set_raw_value("SUMMARY", "Weekly").unwrap();
    });
    let said = lines(world.copy("carol"));
    assert!(said.contains(&"SUMMARY:Party".to_owned()), "{said:?}");
}

#[test]
fn an_alarm_of_what_stands_for_an_answer_stays() {
    let mut world = declined_by_bob();
    let mut alarm = calendar::Component::new("VALARM").unwrap();
    alarm.set_raw_value("TRIGGER", "-PT9M").unwrap();
    world.change_copy("alice", |calendar| {
        let mut entries = calendar.components_mut();
        let own = entries.find(|it| it.property("RECURRENCE-ID").is_some());
        own.unwrap().push_component(alarm);
    });
    change_series(&mut world, |series| {
        series.set_raw_value("SUMMARY", "Weekly").unwrap();
    });
    let said = lines(world.copy("alice"));
    assert!(
        said.contains(&"VALARM TRIGGER:-PT9M".to_owned()),
        "{said:?}"
    );
    assert_eq!(said.iter().filter(|it| *it == "SUMMARY:Weekly").count(), 2);
}

#[test]
fn who_comes_to_the_series_comes_to_what_stands_for_an_answer() {
    // RFC 6638 §3.2.6
    let mut world = declined_by_bob();
    world.letters("carol");
    change_series(&mut world, |series| {
        series
            .push_property(calendar::Property::new("ATTENDEE", "mailto:room@example.org").unwrap());
    });
    let expected = ["series bob+ carol? room?", "0309 bob- carol? room?"];
    for who in ["alice", "bob", "carol", "room"] {
        assert_eq!(world.shape(who), expected, "{who}");
    }
    change_series(&mut world, |series| {
        series.retain_properties(|line| !line.raw_value().contains("carol"));
    });
    assert_eq!(
        world.letters("carol"),
        ["REQUEST 0309 series", "CANCEL series"]
    );
    let expected = ["series bob+ room?", "0309 bob- room?"];
    for who in ["alice", "bob", "room"] {
        assert_eq!(world.shape(who), expected, "{who}");
    }
}

#[test]
fn what_stands_for_an_answer_ends_with_the_series() {
    // RFC 5546 §3.2.5
    let mut world = declined_by_bob();
    world.answer_instance("bob", "0420", "DECLINED");
    change_series(&mut world, |series| {
        series
            .set_raw_value("RRULE", "FREQ=WEEKLY;COUNT=5")
            .unwrap();
    });
    let expected = ["series bob+ carol?", "0309 bob- carol?"];
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who), expected, "{who}");
    }
    world.letters("carol");
    change_series(&mut world, |series| {
        series.set_raw_value("STATUS", "CANCELLED").unwrap();
    });
    assert_eq!(world.letters("carol"), ["CANCEL series"]);
    assert_eq!(world.shape("alice"), ["series cancelled bob+ carol?"]);
    for who in ["bob", "carol"] {
        let shape = world.shape(who);
        assert!(
            shape.iter().all(|it| it.contains("cancelled")),
            "{who}: {shape:?}"
        );
    }
}

#[test]
fn what_stands_for_an_answer_is_as_long_as_the_series() {
    // RFC 6638 §3.2.8
    let mut world = declined_by_bob();
    change_series(&mut world, |series| {
        series.set_raw_value("DTEND", "20260302T110000Z").unwrap();
    });
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who), ["series bob? carol?"], "{who}");
    }
}

#[test]
fn an_attendee_takes_out_the_only_instance_of_a_series_that_a_client_makes_up() {
    // RFC 4791 §4.1; C3.2
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[&series("carol", ""), &instance("0309", 11, "bob", "")]),
    );
    let made_up = set(&[&series("bob", "EXDATE:20260309T090000Z")]);
    world.put("bob", &made_up);
    assert_eq!(world.shape("bob"), ["0309 bob-"]);
    assert_eq!(world.letters("alice"), ["REPLY 0309"]);
    assert_eq!(world.shape("alice"), ["series carol?", "0309 bob-"]);
}

#[test]
fn who_did_not_hear_of_the_series_is_told_all_of_it() {
    // RFC 6638 §3.2.9
    for status in ["3.7", "3.8", "5.1", "5.2"] {
        let mut world = accepted();
        let object = world.calendars.get_mut("alice").unwrap();
        let lines = object
            .entries_mut()
            .flat_map(|entry| entry.properties_mut());
        for line in lines.filter(|line| line.raw_value().contains("bob")) {
            line.set_parameter("SCHEDULE-STATUS", status).unwrap();
            line.remove_parameter("PARTSTAT");
        }
        world.calendars.remove("bob");
        // what concerns nobody is no reason to write to them again
        let object = world.copy("alice").clone();
        world.put("alice", &object);
        assert!(world.letters("bob").is_empty(), "{status}");
        world.change_copy("alice", |calendar| {
            let moved = set(&[&instance("0309", 11, "bob carol", "")]);
            calendar.push_component(moved.entries().next().unwrap().clone());
        });
        assert_eq!(world.letters("bob"), ["REQUEST 0309 series"], "{status}");
        assert_eq!(
            world.shape("bob"),
            ["series bob? carol+", "0309 bob? carol?"]
        );
        assert_eq!(world.shape("alice"), world.shape("bob"));
    }
}

#[test]
fn whose_copy_is_gone_gets_all_of_it() {
    // C4.3
    let mut world = accepted();
    world.schedule_reply = false;
    world.delete("bob");
    world.change_copy("alice", |calendar| {
        let moved = set(&[&instance("0309", 11, "bob carol", "")]);
        calendar.push_component(moved.entries().next().unwrap().clone());
    });
    assert_eq!(
        world.shape("bob"),
        ["series bob? carol+", "0309 bob? carol?"]
    );
    assert_eq!(world.shape("alice"), world.shape("bob"));
}

#[test]
fn what_is_answered_as_the_series_again_follows_it_all_the_same() {
    let mut world = declined_by_bob();
    world.answer_part("bob", "0309", "ACCEPTED");
    change_series(&mut world, |series| {
        series.set_raw_value("SUMMARY", "Weekly").unwrap();
    });
    let said = lines(world.copy("carol"));
    assert_eq!(said.iter().filter(|it| *it == "SUMMARY:Weekly").count(), 2);
}

#[test]
fn who_answered_apart_leaves_with_the_series() {
    let mut world = declined_by_bob();
    world.letters("bob");
    change_series(&mut world, |series| {
        series.retain_properties(|line| !line.raw_value().contains("bob"));
    });
    assert_eq!(world.letters("bob"), ["CANCEL series"]);
    assert_eq!(world.shape("alice"), ["series carol?", "0309 carol?"]);
}
