//! What attendees said of a series or an instance, while the organizer changes it.

use super::*;

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
fn a_group_comes_to_an_instance_that_is_put_back_for_an_answer() {
    // RFC 5545 §3.2.11
    let mut world = accepted();
    world.members = vec!["room"];
    world.answer_instance("bob", "0309", "DECLINED");
    world.put("alice", &set(&[&series("bob carol team", "")]));
    let expected = [
        "series bob+ carol+ team? room?",
        "0309 bob- carol+ team? room?",
    ];
    assert_eq!(world.shape("alice"), expected);
    assert_eq!(world.shape("room"), expected);
}

/// RFC 6638 §3.2.8: who is asked again for one part has answered the others.
#[test]
fn a_part_is_asked_for_again_and_no_other() {
    let own = |attendee: &str| {
        let day = instance("0309", 9, "carol", "LOCATION:x");
        format!("{day}\nATTENDEE{attendee}:mailto:bob@example.org")
    };
    let again = own(";PARTSTAT=NEEDS-ACTION");
    for (series_tells, place) in [(true, ""), (true, "LOCATION:y"), (false, "LOCATION:y")] {
        let mut world = accepted();
        world.put("alice", &set(&[&series("bob carol", ""), &own("")]));
        if !series_tells {
            // an answer that the organizer never heard (§8.1)
            world.answer_part("bob", "series", "NEEDS-ACTION");
            world.schedule_reply = false;
            world.answer_part("bob", "series", "ACCEPTED");
            world.schedule_reply = true;
        }
        world.letters("bob");
        world.put("alice", &set(&[&series("bob carol", place), &again]));
        let expected = ["series bob+ carol+", "0309 carol+ bob?"];
        assert_eq!(world.shape("bob"), expected, "{series_tells} {place}");
        assert_eq!(world.letters("bob").len(), 1);
    }
}

/// RFC 6638 §7.2: SCHEDULE-FORCE-SEND sends, and asks for nothing again, whatever the organizer has heard.
#[test]
fn what_is_forced_is_sent_and_not_asked_for_again() {
    for is_told in [true, false] {
        let mut world = new_world();
        world.put("alice", &set(&[&series("bob", "")]));
        world.schedule_reply = is_told;
        world.answer("bob", "ACCEPTED");
        world.letters("bob");
        let told = world.shape("alice");
        let forced = "ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob@example.org";
        world.put("alice", &set(&[&series("", forced)]));
        assert_eq!(world.letters("bob"), ["REQUEST series"]);
        let is_said =
            |it: &Decision| matches!(it, Decision::Sent { reason, .. } if reason == "sent again");
        assert!(world.decisions.iter().any(is_said));
        assert_eq!(world.shape("bob"), ["series bob+"]);
        assert_eq!(world.shape("alice"), told);
    }
}
