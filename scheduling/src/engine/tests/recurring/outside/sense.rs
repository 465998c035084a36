//! What is meant by a message that says something else at first sight.

use super::*;

/// C11: Evolution answers for all instances in the component of the first one.
#[test]
fn an_answer_with_the_rule_of_the_series_is_one_to_the_series() {
    let rid = "RECURRENCE-ID:20260302T090000Z";
    let zoned = "RECURRENCE-ID;TZID=Europe/Berlin:20260302T100000";
    let second = "RECURRENCE-ID:20260309T090000Z";
    let alone = "DTSTART:20260302T090000Z";
    let all: &[&str] = &["series bob? x@elsewhere.net+", "0309 bob? x@elsewhere.net+"];
    let first: &[&str] = &[
        "series bob? x@elsewhere.net?",
        "0302 bob? x@elsewhere.net+",
        "0309 bob? x@elsewhere.net?",
    ];
    let other: &[&str] = &["series bob? x@elsewhere.net?", "0309 bob? x@elsewhere.net+"];
    for (named, time, expected) in [
        (rid, RULE, all),
        (zoned, RULE, all),
        (rid, alone, first),
        (second, RULE, other),
    ] {
        let mut world = new_world();
        let people = "bob x@elsewhere.net";
        let moved = instance("0309", 15, people, "");
        world.put("alice", &set(&[&series(people, ""), &moved]));
        let said = format!("{named}\n{time}\nATTENDEE;PARTSTAT=ACCEPTED:{X}");
        let reply = message("REPLY", &[&to_alice(&said, 0)]);
        world.hand_in("alice", X, &reply).unwrap();
        assert_eq!(world.shape("alice"), expected, "{named} {time}");
    }
}

/// RFC 5546 §2.1.5: such an answer and one that names the series have one order.
#[test]
fn answers_to_the_series_have_one_order_whatever_names_it() {
    let by_first = format!("RECURRENCE-ID:20260302T090000Z\n{RULE}");
    let (by_first, plain) = (&*by_first, RULE);
    let given: [&[(&str, &str, u32)]; 3] = [
        &[(plain, "ACCEPTED", 3), (by_first, "DECLINED", 2)],
        &[
            (by_first, "TENTATIVE", 1),
            (plain, "ACCEPTED", 3),
            (plain, "DECLINED", 2),
        ],
        &[
            (by_first, "TENTATIVE", 1),
            (plain, "ACCEPTED", 3),
            (plain, "ACCEPTED", 3),
        ],
    ];
    for answers in given {
        let mut world = x_invited();
        let mut receive = |(named, participation, minute): &(&str, &str, u32)| {
            let reply = format!(
                "{named}\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT={participation}:{X}
                DTSTAMP:20260201T10{minute:02}00Z"
            );
            let reply = message("REPLY", &[&reply]);
            world.hand_in("alice", X, &reply).unwrap()
        };
        let last = answers.iter().map(&mut receive).last().unwrap();
        assert!(is_ignored(&last), "{answers:?}: {last:?}");
        assert_eq!(world.shape("alice"), ["series bob? x@elsewhere.net+"]);
    }
}

/// The table of decisions: a mail system that knows its user by several addresses, or who hands over to a colleague.
#[test]
fn the_organizer_names_another_one_and_nobody_else_does() {
    let by = |organizer: &str, sequence| {
        let lines = of_x(&format!("{RULE}\n{BOB}\nLOCATION:{sequence}"), sequence);
        message("REQUEST", &[&lines.replace(X, organizer)])
    };
    let says = |world: &World, name: &str| {
        let entry = world.copy("bob").entries().next().unwrap();
        entry.raw_value(name).unwrap_or_default().to_owned()
    };
    let mut world = bob_invited();
    world.answer("bob", "ACCEPTED");
    let receipt = world.hand_in("bob", X, &by(Y, 1)).unwrap();
    assert!(!is_held(&receipt) && receipt.inbox_item, "{receipt:?}");
    assert_eq!(says(&world, "ORGANIZER"), Y);
    assert_eq!(world.shape("bob"), ["series bob+"]);
    // from now on Y speaks for it, and X does not
    assert!(is_held(&world.hand_in("bob", X, &by(X, 2)).unwrap()));
    assert!(!is_held(&world.hand_in("bob", Y, &by(Y, 2)).unwrap()));
    assert_eq!(says(&world, "LOCATION"), "2");

    // it is the one who is not the organizer any more who proves it, and nobody here becomes one
    let mut world = bob_invited();
    for (sender, organizer) in [
        (Y, Y),
        (Y, "mailto:z@elsewhere.net"),
        (X, "mailto:alice@example.org"),
    ] {
        let receipt = world.hand_in("bob", sender, &by(organizer, 1)).unwrap();
        assert!(is_held(&receipt), "{sender} {organizer}: {receipt:?}");
        assert_eq!(says(&world, "ORGANIZER"), X);
    }
}
