//! The attendees' edits and answers.

use super::*;

const THERE: &str = "series bob+ carol+";

#[test]
fn an_answer_to_one_instance_is_an_answer_to_that_one() {
    // RFC 6638 §3.2.2.3, RFC 5546 §3.2.3
    let mut world = accepted();
    world.answer_instance("bob", "0309", "DECLINED");
    assert_eq!(world.letters("alice"), ["REPLY 0309"]);
    let expected = [THERE, "0309 bob- carol+"];
    assert_eq!(world.shape("alice"), expected);
    // the others see it, and hear nothing
    assert_eq!(world.shape("carol"), expected);
    assert!(world.letters("carol").is_empty());
    // the component that was made for it says all that the series does
    let own = world.copy("alice").entries().nth(1).unwrap().clone();
    for (name, value) in [
        ("RECURRENCE-ID", "20260309T090000Z"),
        ("DTSTART", "20260309T090000Z"),
        ("DTEND", "20260309T100000Z"),
        ("SUMMARY", "Jour fixe"),
    ] {
        assert_eq!(own.raw_value(name), Some(value), "{name}");
    }
    assert!(own.property("RRULE").is_none());
    assert!(
        lines(world.copy("bob"))
            .iter()
            .any(|it| it.starts_with("ORGANIZER;SCHEDULE-STATUS=1.2"))
    );
}

#[test]
fn an_answer_to_the_series_is_meant_for_instances_with_the_same_answer() {
    let mut world = new_world();
    let organized = set(&[
        &series("bob", ""),
        &instance("0309", 11, "bob", ""),
        &instance("0316", 11, "bob", ""),
    ]);
    world.put("alice", &organized);
    world.answer_part("bob", "0316", "DECLINED");
    // a client that knows only of the series
    let mut reply = world.inboxes["bob"][0].clone();
    reply
        .calendar_mut()
        .set_raw_value("METHOD", "REPLY")
        .unwrap();
    reply
        .calendar_mut()
        .retain_components(|it| it.property("RECURRENCE-ID").is_none());
    for line in reply
        .entries_mut()
        .flat_map(calendar::Component::properties_mut)
    {
        if line.is("ATTENDEE") {
            line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        }
    }
    world.mail_in("alice", Method::Reply, "mailto:bob@example.org", reply);
    assert_eq!(
        world.shape("alice"),
        ["series bob+", "0309 bob+", "0316 bob-"]
    );
}

#[test]
fn who_answers_the_series_and_not_an_instance_says_so() {
    // both sides then know the same, whatever is taken for granted
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[&series("bob", ""), &instance("0309", 11, "bob", "")]),
    );
    world.answer_part("bob", "series", "ACCEPTED");
    assert_eq!(world.letters("alice"), ["REPLY 0309 series"]);
    assert_eq!(world.shape("alice"), ["series bob+", "0309 bob?"]);
    assert_eq!(world.shape("bob"), world.shape("alice"));
}

#[test]
fn an_instance_that_an_attendee_takes_out_is_declined() {
    // C3.2
    let mut world = accepted();
    let take_out = |world: &mut World, day: &str| {
        world.change_copy("bob", |calendar| {
            let line = calendar::Property::new("EXDATE", &format!("2026{day}T090000Z")).unwrap();
            calendar
                .components_mut()
                .next()
                .unwrap()
                .push_property(line);
        });
    };
    take_out(&mut world, "0309");
    assert_eq!(world.letters("alice"), ["REPLY 0309"]);
    assert_eq!(world.shape("alice"), [THERE, "0309 bob- carol+"]);
    assert_eq!(world.shape("bob"), ["series bob+ carol+ without 0309"]);
    // it stays away, whatever else changes
    world.put("alice", &set(&[&series("bob carol", "LOCATION:Room 1")]));
    assert_eq!(world.shape("bob"), ["series bob+ carol+ without 0309"]);
    let elsewhere = instance("0309", 9, "bob carol", "LOCATION:Room 2");
    world.put(
        "alice",
        &set(&[&series("bob carol", "LOCATION:Room 1"), &elsewhere]),
    );
    assert_eq!(world.shape("bob"), ["series bob+ carol+ without 0309"]);
    // until it is asked for anew
    let moved = instance("0309", 11, "bob carol", "LOCATION:Room 2");
    world.put(
        "alice",
        &set(&[&series("bob carol", "LOCATION:Room 1"), &moved]),
    );
    assert_eq!(world.shape("bob"), [THERE, "0309 bob? carol?"]);
    // what was declined already is taken out without a word
    world.answer_part("bob", "0309", "DECLINED");
    world.letters("alice");
    world.change_copy("bob", |calendar| {
        calendar.retain_components(|it| it.property("RECURRENCE-ID").is_none());
        let line = calendar::Property::new("EXDATE", "20260309T090000Z").unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_property(line);
    });
    assert!(world.letters("alice").is_empty());
    assert_eq!(world.shape("bob"), ["series bob+ carol+ without 0309"]);
    // a series at another time is another one
    world.put(
        "alice",
        &set(&[&series("bob carol", "")
            .replace("T09", "T08")
            .replace("T10", "T09")]),
    );
    assert_eq!(world.shape("bob"), ["series bob? carol?"]);
}

#[test]
fn what_is_taken_out_stays_declined_when_the_series_is_not_any_more() {
    let mut world = accepted();
    world.answer("bob", "DECLINED");
    let take_out = |calendar: &mut calendar::Component| {
        let line = calendar::Property::new("EXDATE", "20260309T090000Z").unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_property(line);
    };
    world.change_copy("bob", take_out);
    world.letters("alice");
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.letters("alice"), ["REPLY 0309 series"]);
    assert_eq!(world.shape("alice"), [THERE, "0309 bob- carol+"]);
}

#[test]
fn what_was_taken_out_is_taken_back() {
    let mut world = accepted();
    let before = world.copy("bob").clone();
    world.change_copy("bob", |calendar| {
        let line = calendar::Property::new("EXDATE", "20260309T090000Z").unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_property(line);
    });
    world.letters("alice");
    world.put("bob", &before);
    assert_eq!(world.letters("alice"), ["REPLY 0309"]);
    assert_eq!(world.shape("alice"), [THERE, "0309 bob+ carol+"]);
    assert_eq!(world.shape("bob"), [THERE]);
    // what the organizer took out is not
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260316T090000Z")]),
    );
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260316T090000Z\nLOCATION:x")]),
    );
    let taken_out = [
        "series bob+ carol+ without 0316",
        "0316 cancelled bob+ carol+",
    ];
    assert_eq!(world.shape("bob"), taken_out);
    world.put("bob", &before);
    assert_eq!(world.shape("bob"), taken_out);
}

#[test]
fn a_cancelled_instance_goes_without_a_word() {
    let mut world = accepted();
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260309T090000Z")]),
    );
    world.change_copy("bob", |calendar| {
        calendar.retain_components(|it| it.property("RECURRENCE-ID").is_none());
        let line = calendar::Property::new("EXDATE", "20260309T090000Z").unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_property(line);
    });
    assert!(world.letters("alice").is_empty());
    assert_eq!(world.shape("bob"), ["series bob+ carol+ without 0309"]);
}

#[test]
fn what_is_the_organizers_is_put_back() {
    // C3.1
    // RFC 6638 §3.2.2.1
    let organized = [series("bob", ""), instance("0309", 11, "bob", "")];
    let organized = set(&[&organized[0], &organized[1]]);
    let expected = ["series bob?", "0309 bob?"];
    type Edit = fn(&mut calendar::Component);
    let edits: [(&str, Edit); 7] = [
        ("the series is left out", |calendar| {
            calendar.retain_components(|it| it.property("RECURRENCE-ID").is_some());
        }),
        ("an instance is left out", |calendar| {
            calendar.retain_components(|it| it.property("RECURRENCE-ID").is_none());
        }),
        ("an instance is moved", |calendar| {
            let entry = calendar.components_mut().nth(1).unwrap();
            entry.set_raw_value("DTSTART", "20260309T120000Z").unwrap();
        }),
        ("the rule is another one", |calendar| {
            let entry = calendar.components_mut().next().unwrap();
            entry.set_raw_value("RRULE", "FREQ=DAILY").unwrap();
        }),
        ("an instance that is none", |calendar| {
            let mut entry = calendar.components().nth(1).unwrap().clone();
            entry
                .set_raw_value("RECURRENCE-ID", "20260310T090000Z")
                .unwrap();
            calendar.push_component(entry);
        }),
        ("somebody else answers", |calendar| {
            for entry in calendar.components_mut() {
                let line = calendar::Property::new("ATTENDEE", "mailto:carol@example.org").unwrap();
                entry.push_property(line.with_parameter("PARTSTAT", "ACCEPTED").unwrap());
            }
        }),
        ("a summary", |calendar| {
            for entry in calendar.components_mut() {
                entry.set_raw_value("SUMMARY", "Mine").unwrap();
            }
        }),
    ];
    for (name, edit) in edits {
        let mut world = new_world();
        world.put("alice", &organized);
        let before = world.copy("bob").clone();
        world.change_copy("bob", edit);
        assert_eq!(world.shape("bob"), expected, "{name}");
        assert!(world.letters("alice").is_empty(), "{name}");
        let of = |object: &CalendarObject| {
            lines(object)
                .into_iter()
                .filter(|it| !it.starts_with("ORGANIZER"))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(world.copy("bob")), of(&before), "{name}");
        // and an answer in the same edit is heard
        world.change_copy("bob", |calendar| {
            edit(calendar);
            let lines = calendar.components_mut().flat_map(|it| it.properties_mut());
            for line in lines.filter(|it| it.is("ATTENDEE") && it.raw_value().contains("bob")) {
                line.set_parameter("PARTSTAT", "TENTATIVE").unwrap();
            }
        });
        assert!(world.shape("alice").concat().contains("bob~"), "{name}");
    }
}

#[test]
fn what_is_the_attendees_own_stays_as_it_was_sent() {
    // C5.1
    // an alarm in an instance of its own: no answer, the same octets, and it lives through the organizer's updates
    let mut world = accepted();
    let mut object = world.copy("bob").clone();
    let mut own = object.entries().next().unwrap().clone();
    own.remove_properties("RRULE");
    for (name, value) in [
        ("RECURRENCE-ID", "20260309T090000Z"),
        ("DTSTART", "20260309T090000Z"),
        ("DTEND", "20260309T100000Z"),
    ] {
        own.set_raw_value(name, value).unwrap();
    }
    let mut alarm = calendar::Component::new("VALARM").unwrap();
    alarm.set_raw_value("TRIGGER", "-PT9M").unwrap();
    own.push_component(alarm);
    object.calendar_mut().push_component(own);
    let sent = object.to_octets();
    world.put("bob", &object);
    assert_eq!(world.copy("bob").to_octets(), sent);
    assert!(world.letters("alice").is_empty());
    world.put("alice", &set(&[&series("bob carol", "LOCATION:Room 1")]));
    assert_eq!(world.shape("bob"), [THERE, "0309 bob+ carol+"]);
    let text = lines(world.copy("bob"));
    assert!(
        text.contains(&"VALARM TRIGGER:-PT9M".to_owned()),
        "{text:?}"
    );
    assert_eq!(text.iter().filter(|it| *it == "LOCATION:Room 1").count(), 2);
}

#[test]
fn a_series_that_a_client_makes_up_is_the_instance() {
    // C3.3
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[
            &series("carol", ""),
            &instance("0309", 11, "bob", ""),
            &instance("0316", 12, "bob", ""),
        ]),
    );
    world.change_copy("bob", |calendar| {
        calendar.retain_components(|it| it.raw_value("DTSTART") == Some("20260316T120000Z"));
        let entry = calendar.components_mut().next().unwrap();
        entry.remove_properties("RECURRENCE-ID");
        let line = entry.property_mut("ATTENDEE").unwrap();
        line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
    });
    assert_eq!(world.shape("bob"), ["0309 bob?", "0316 bob+"]);
    assert_eq!(world.letters("alice"), ["REPLY 0316"]);
    assert_eq!(
        world.shape("alice"),
        ["series carol?", "0309 bob?", "0316 bob+"]
    );
}

#[test]
fn a_removal_declines_all_that_was_open() {
    // RFC 6638 §3.2.2.4
    let mut world = accepted();
    world.answer_instance("bob", "0309", "DECLINED");
    world.answer_instance("bob", "0316", "TENTATIVE");
    world.letters("alice");
    world.delete("bob");
    assert_eq!(world.letters("alice"), ["REPLY 0316 series"]);
    assert_eq!(
        world.shape("alice"),
        ["series bob- carol+", "0309 bob- carol+", "0316 bob- carol+"]
    );
    // small changes do not bring it back; another time of an instance brings that one
    world.put("alice", &set(&[&series("bob carol", "LOCATION:Room 1")]));
    assert!(!world.calendars.contains_key("bob"));
    world.put(
        "alice",
        &set(&[
            &series("bob carol", "LOCATION:Room 1"),
            &instance("0323", 11, "bob carol", "LOCATION:Room 1"),
        ]),
    );
    assert_eq!(world.shape("bob"), ["0323 bob? carol?"]);
    world.put(
        "alice",
        &set(&[&series("bob carol", "LOCATION:Room 1")
            .replace("T09", "T08")
            .replace("T10", "T09")]),
    );
    assert_eq!(world.shape("bob"), ["series bob? carol?"]);
}

#[test]
fn an_invitation_is_claimed_with_what_the_organizer_has() {
    // RFC 6638 §3.2.2.2; C4.7
    let mut world = accepted();
    let copy = world.copy("bob").clone();
    world.put(
        "alice",
        &set(&[
            &series("bob carol", "LOCATION:Room 1"),
            &instance("0309", 9, "carol", "LOCATION:Room 1"),
        ]),
    );
    world.calendars.remove("bob");
    world.put("bob", &copy);
    assert_eq!(world.shape("bob"), ["series bob+ carol+ without 0309"]);
    assert!(lines(world.copy("bob")).contains(&"LOCATION:Room 1".to_owned()));
    // what nobody was invited to is refused
    world.calendars.remove("bob");
    world.put("alice", &set(&[&series("carol", "")]));
    assert!(matches!(
        world.change("bob", Some(&copy)),
        Err(Fault::NotInvited(_))
    ));
    // who is invited to an instance gets that
    world.put(
        "alice",
        &set(&[&series("carol", ""), &instance("0309", 11, "bob carol", "")]),
    );
    world.calendars.remove("bob");
    world.put("bob", &copy);
    assert_eq!(world.shape("bob"), ["0309 bob+ carol?"]);
}

#[test]
fn a_comment_on_one_instance_is_heard() {
    let mut world = accepted();
    let own = instance(
        "0309",
        9,
        "",
        "COMMENT:late\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org",
    );
    let own = set(&[&own]).entries().next().unwrap().clone();
    world.change_copy("bob", |calendar| calendar.push_component(own));
    let item = &world.inboxes["alice"][0];
    assert!(lines(item).contains(&"COMMENT:late".to_owned()));
    assert_eq!(letter(item), "REPLY 0309");
}

#[test]
fn nobody_hears_what_the_client_wants_unheard() {
    // C4.2
    // RFC 6638 §8.1
    let mut world = accepted();
    world.schedule_reply = false;
    world.answer_instance("bob", "0309", "DECLINED");
    assert!(world.letters("alice").is_empty());
    assert_eq!(world.shape("bob"), [THERE, "0309 bob- carol+"]);
    // and it stays so when the organizer tells the series again
    world.put("alice", &set(&[&series("bob carol", "LOCATION:Room 1")]));
    assert_eq!(world.shape("alice"), [THERE]);
}
