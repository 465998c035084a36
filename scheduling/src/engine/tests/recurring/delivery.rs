//! Messages that meet a copy: refreshes, rooms, tags.

use super::*;

#[test]
fn tags_tell_what_concerns_the_attendee() {
    // C6.1
    // RFC 6638 §3.2.10
    let mut world = accepted();
    let tag = world.tag("carol");
    world.answer_instance("bob", "0309", "DECLINED");
    assert_eq!(world.tag("carol"), tag, "somebody else's answer");
    assert_eq!(world.shape("carol")[1], "0309 bob- carol+");
    world.put(
        "alice",
        &set(&[&series("bob carol", "EXDATE:20260316T090000Z")]),
    );
    assert_eq!(world.tag("carol"), tag + 1);
}

#[test]
fn a_room_that_is_left_has_no_copy() {
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[
            &series("", ""),
            &instance("0309", 9, "room", ""),
            &instance("0316", 9, "room", ""),
        ]),
    );
    assert_eq!(world.shape("room"), ["0309 room?", "0316 room?"]);
    world.put(
        "alice",
        &set(&[
            &series("", ""),
            &instance("0309", 9, "room", ""),
            &instance("0316", 9, "", ""),
        ]),
    );
    assert_eq!(world.shape("room"), ["0309 room?", "0316 cancelled room?"]);
    world.put("alice", &set(&[&series("", "")]));
    assert!(!world.calendars.contains_key("room"));
}

#[test]
fn a_series_that_comes_after_its_instances_has_them() {
    // C5.2
    let mut world = new_world();
    world.put(
        "alice",
        &set(&[&series("carol", ""), &instance("0309", 11, "bob carol", "")]),
    );
    world.answer_part("bob", "0309", "ACCEPTED");
    world.letters("bob");
    world.put(
        "alice",
        &set(&[
            &series("bob carol", ""),
            &instance("0309", 11, "bob carol", ""),
        ]),
    );
    assert_eq!(world.letters("bob"), ["REQUEST 0309 series"]);
    assert_eq!(
        world.shape("bob"),
        ["series bob? carol?", "0309 bob+ carol?"]
    );
    assert_eq!(world.shape("alice"), world.shape("bob"));
}

#[test]
fn a_single_event_becomes_a_series_and_back() {
    let mut world = new_world();
    let single = series("bob", "").replace("RRULE:FREQ=WEEKLY;COUNT=10\n", "");
    world.put("alice", &set(&[&single]));
    world.answer("bob", "ACCEPTED");
    world.put("alice", &set(&[&series("bob", "")]));
    assert_eq!(world.shape("bob"), ["series bob?"]);
    assert!(lines(world.copy("bob")).concat().contains("RRULE"));
    world.answer("bob", "ACCEPTED");
    world.put("alice", &set(&[&single]));
    assert_eq!(world.shape("bob"), ["series bob+"]);
    assert!(!lines(world.copy("bob")).concat().contains("RRULE"));
}

#[test]
fn the_organizers_own_answer_to_one_instance_is_shown() {
    let mut world = new_world();
    let own = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org";
    world.put("alice", &set(&[&series("bob", own)]));
    world.letters("bob");
    let away = own.replace("ACCEPTED", "DECLINED");
    world.put(
        "alice",
        &set(&[&series("bob", own), &instance("0309", 9, "bob", &away)]),
    );
    assert_eq!(
        world.shape("bob"),
        ["series bob? alice+", "0309 bob? alice-"]
    );
    assert!(world.letters("bob").is_empty());
}

/// The object of the organizer that was moved while the invitation to the new time waits (a large meeting), and what an
/// answer that overtakes it shows.
#[test]
fn an_answer_that_overtakes_the_invitation_to_another_time_asks_anew() {
    let mut world = accepted();
    let tag = world.tag("carol");
    let moved = series("bob carol", "").replace("T090000Z", "T140000Z");
    let moved = moved.replace("T100000Z", "T150000Z");
    world.calendars.insert("alice", set(&[&moved]));
    let (directory, alice) = (world.directory(), world.people["alice"].clone());
    let shown = refresh(world.copy("alice"), &alice, &directory, None, world.now);
    let carol = world.people["carol"].id;
    let of_carol = shown.iter().find(|it| it.recipient.id == carol).unwrap();
    world.deliver(of_carol);
    assert_eq!(world.shape("carol"), ["series bob? carol?"]);
    assert_eq!(world.letters("carol"), ["REQUEST series"]);
    assert_eq!(world.tag("carol"), tag + 1);
    // again it says nothing new
    world.deliver(of_carol);
    assert!(world.letters("carol").is_empty());
}

/// What shows others' answers leaves nothing in an inbox, also where it cannot be taken.
#[test]
fn an_answer_that_cannot_be_shown_is_no_news() {
    for (from, to) in [
        ("ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:"),
        ("ORGANIZER:mailto:alice@", "ORGANIZER:mailto:dave@"),
    ] {
        let mut world = accepted();
        world.letters("carol");
        let text = world.copy("carol").to_octets();
        let text = String::from_utf8(text.to_vec()).unwrap().replace(from, to);
        let own = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        world.calendars.insert("carol", own);
        world.answer_instance("bob", "0309", "DECLINED");
        assert!(world.letters("carol").is_empty(), "{to}");
    }
}
