//! ADD (RFC 5546 §3.2.4; C5.5).

use super::*;

#[test]
fn instances_more() {
    // C5.5
    let mut world = bob_invited();
    world.answer("bob", "ACCEPTED");
    let tag = world.tag("bob");
    let add = message("ADD", &[&added("0304", 14, 1)]);
    let receipt = world.hand_in("bob", X, &add).unwrap();
    assert!(receipt.inbox_item);
    assert_eq!(world.letters("bob"), ["ADD series"]);
    assert_eq!(world.shape("bob"), ["series bob+", "0304 bob?"]);
    assert!(world.tag("bob") > tag);
    let text = lines_of(&world, "bob");
    assert!(
        text.contains("RDATE:20260304T140000Z") && text.contains("SUMMARY:More"),
        "{text}"
    );
    assert!(!text.contains("METHOD"));
    // twice is once
    assert!(is_ignored(&world.hand_in("bob", X, &add).unwrap()));
    // two at once, one of which is in the series already
    let both = message("ADD", &[&added("0305", 9, 2), &added("0309", 9, 2)]);
    world.hand_in("bob", X, &both).unwrap();
    let expected = ["series bob+", "0304 bob?", "0305 bob?", "0309 bob+"];
    assert_eq!(world.shape("bob"), expected);
    let dates = lines(world.copy("bob")).into_iter();
    let dates: Vec<String> = dates.filter(|line| line.starts_with("RDATE")).collect();
    assert_eq!(dates, ["RDATE:20260304T140000Z", "RDATE:20260305T090000Z"]);
    // what is added is an instance like any other: answered, and called off
    world.mails.clear();
    world.answer_part("bob", "0304", "DECLINED");
    assert_eq!(world.mailed(), ["x@elsewhere.net: REPLY 0304"]);
    let off = of_x(&format!("RECURRENCE-ID:20260305T090000Z\n{BOB}"), 3);
    world
        .hand_in("bob", X, &message("CANCEL", &[&off]))
        .unwrap();
    assert_eq!(world.shape("bob")[2], "0305 cancelled bob?");
    // an older state of the whole does not take it away
    let old = message("REQUEST", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    assert!(is_ignored(&world.hand_in("bob", X, &old).unwrap()));
}

#[test]
fn an_instance_more_makes_a_series_of_a_single_event() {
    for (start, more, name) in [
        (
            "DTSTART;TZID=Europe/Berlin:20260302T100000",
            "DTSTART;TZID=Europe/Berlin:20260304T100000",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260304T100000",
        ),
        (
            "DTSTART;VALUE=DATE:20260302",
            "DTSTART;VALUE=DATE:20260304",
            "RECURRENCE-ID;VALUE=DATE:20260304",
        ),
    ] {
        let mut world = new_world();
        let request = message("REQUEST", &[&of_x(&format!("{start}\n{BOB}"), 0)]);
        world.hand_in("bob", X, &request).unwrap();
        let add = message("ADD", &[&of_x(&format!("{more}\n{BOB}"), 1)]);
        world.hand_in("bob", X, &add).unwrap();
        assert_eq!(world.shape("bob"), ["series bob?", "0304 bob?"]);
        let text = lines_of(&world, "bob");
        assert!(text.contains(name), "{text}");
        assert!(
            text.contains(&name.replace("RECURRENCE-ID", "RDATE")),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_added_is_asked_for() {
    // RFC 5546 §3.2.4: "the recipient SHOULD send a REFRESH"
    let add = |sequence| message("ADD", &[&added("0304", 14, sequence)]);
    let mut world = new_world();
    let receipt = world.hand_in("bob", X, &add(1)).unwrap();
    assert!(is_ignored(&receipt) && receipt.follow_up == FollowUp::AskOrganizer);
    assert!(world.calendars.is_empty());
    let mail = world.mails[0].clone();
    assert_eq!(world.mailed(), ["x@elsewhere.net: REFRESH series"]);
    let asked = CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap();
    assert_eq!(
        lines(&asked),
        [
            "ATTENDEE:mailto:bob@example.org",
            "ORGANIZER:mailto:x@elsewhere.net",
            "UID:1"
        ]
    );
    // a message between is missing
    let mut world = bob_invited();
    let receipt = world.hand_in("bob", X, &add(2)).unwrap();
    assert!(is_ignored(&receipt));
    assert_eq!(world.mailed(), ["x@elsewhere.net: REFRESH series"]);
    assert_eq!(world.shape("bob"), ["series bob?"]);
    // what the organizer answers says it all
    let rdate = format!("{RULE}\nRDATE:20260304T140000Z\n{BOB}");
    let answer = message("REQUEST", &[&of_x(&rdate, 2)]);
    world.hand_in("bob", X, &answer).unwrap();
    assert!(is_ignored(&world.hand_in("bob", X, &add(2)).unwrap()));
    assert!(lines_of(&world, "bob").contains("RDATE:20260304T140000Z"));
    // one that calls off what is unknown, and names nobody, is about everybody (RFC 5546 §3.2.5, §4.7.2)
    let mut world = bob_invited();
    let off = "RECURRENCE-ID:20260304T140000Z\nDTSTART:20260304T140000Z";
    let cancel = message("CANCEL", &[&of_x(off, 3)]);
    world.hand_in("bob", X, &cancel).unwrap();
    assert_eq!(world.mailed(), ["x@elsewhere.net: REFRESH series"]);
    // without a way to send mail it is known why nothing is sent
    let mut world = new_world();
    world.mail_possible = false;
    world.hand_in("bob", X, &add(1)).unwrap();
    assert_eq!(world.mailed(), [""; 0]);
}

/// One message does not write more lines of people into a copy than that can hold.
#[test]
fn instances_more_of_too_many_people_are_held() {
    let people: String = (0..1_000)
        .map(|number| format!("ATTENDEE:mailto:p{number}@elsewhere.net\n"))
        .collect();
    let mut world = new_world();
    let request = message("REQUEST", &[&of_x(&format!("{RULE}\n{people}{BOB}"), 0)]);
    world.hand_in("bob", X, &request).unwrap();
    let added: Vec<String> = (0..50)
        .map(|minute| of_x(&format!("DTSTART:20260304T14{minute:02}00Z"), 1))
        .collect();
    let added: Vec<&str> = added.iter().map(String::as_str).collect();
    let receipt = world.hand_in("bob", X, &message("ADD", &added)).unwrap();
    assert!(is_held(&receipt));
    assert_eq!(receipt.status, Status::TOO_LARGE);
    let receipt = world.hand_in("bob", X, &message("ADD", &added[..2]));
    assert!(receipt.unwrap().inbox_item);
    assert_eq!(world.copy("bob").entries().count(), 3);
}
