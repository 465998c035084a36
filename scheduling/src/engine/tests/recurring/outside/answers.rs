//! Answers from elsewhere (RFC 5546 §3.2.3; C5.7 to C5.10).

use super::*;

#[test]
fn answers_from_outside() {
    // C5.7 to C5.10
    let says = |line: &str, sequence| to_alice(line, sequence);
    let rid = "RECURRENCE-ID:20260309T090000Z";
    let accepted = format!("ATTENDEE;PARTSTAT=ACCEPTED:{X}");
    let both = format!("ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org\n{accepted}");
    let named = format!("{rid}\n{accepted}");
    let gone = format!("RECURRENCE-ID:20260310T090000Z\n{accepted}");
    let untold = format!("ATTENDEE;PARTSTAT=ACCEPTED:{X}\nDTSTAMP:20260201T100000Z");
    let table: [(&str, Vec<String>, &[&str]); 6] = [
        (
            "to all",
            vec![says(&accepted, 0)],
            &["series bob? x@elsewhere.net+"],
        ),
        (
            "C5.10: of two, the sender's",
            vec![says(&both, 0)],
            &["series bob? x@elsewhere.net+"],
        ),
        (
            "C5.8: to an instance without a component",
            vec![says(&named, 0)],
            &["series bob? x@elsewhere.net?", "0309 bob? x@elsewhere.net+"],
        ),
        (
            "C5.8: to what is no instance",
            vec![says(&gone, 0)],
            &["series bob? x@elsewhere.net?"],
        ),
        (
            "C5.9: to all, and to one",
            vec![
                says(&accepted, 0),
                says(&named.replace("ACCEPTED", "DECLINED"), 0),
            ],
            &["series bob? x@elsewhere.net+", "0309 bob? x@elsewhere.net-"],
        ),
        (
            "C11: Exchange names no organizer",
            vec![untold],
            &["series bob? x@elsewhere.net+"],
        ),
    ];
    for (name, parts, expected) in table {
        let mut world = x_invited();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let reply = message("REPLY", &parts);
        world.hand_in("alice", X, &reply).unwrap();
        assert_eq!(world.shape("alice"), expected, "{name}");
        let again = world.hand_in("alice", X, &reply).unwrap();
        assert!(is_ignored(&again), "{name}: {again:?}");
        // nobody is mailed because somebody answered (C5.11)
        assert_eq!(world.mailed(), [""; 0], "{name}");
    }
    // C5.7: about what was before the meeting was moved
    let mut world = x_invited();
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", "").replace("T09", "T08")]),
    );
    let reply = message("REPLY", &[&says(&accepted, 0)]);
    assert!(is_ignored(&world.hand_in("alice", X, &reply).unwrap()));
    assert_eq!(world.shape("alice"), ["series bob? x@elsewhere.net?"]);
}

#[test]
fn what_of_an_answer_is_for_the_user_is_told_beside_the_rest() {
    // the table of decisions: never dropped
    let mut world = new_world();
    let without = instance("0316", 11, "bob", "");
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", ""), &without]),
    );
    let accepted = format!("ATTENDEE;PARTSTAT=ACCEPTED:{X}");
    let crashes = format!("RECURRENCE-ID:20260316T090000Z\n{accepted}");
    let reply = message("REPLY", &[&to_alice(&accepted, 0), &to_alice(&crashes, 0)]);
    let receipt = world.hand_in("alice", X, &reply).unwrap();
    assert_eq!(
        world.shape("alice"),
        ["series bob? x@elsewhere.net+", "0316 bob?"]
    );
    assert!(receipt.inbox_item);
    let [Decision::ForTheUser { reason, .. }] = &receipt.decisions[..] else {
        panic!("{receipt:?}");
    };
    assert_eq!(reason, "the sender is not invited");
    // what nobody need look at is not told
    let gone = format!("RECURRENCE-ID:20260310T090000Z\n{accepted}");
    let reply = message("REPLY", &[&to_alice(&accepted, 1), &to_alice(&gone, 1)]);
    let receipt = world.hand_in("alice", X, &reply).unwrap();
    assert_eq!(receipt.decisions, []);
}

#[test]
fn who_is_here_and_answers_by_mail_sees_it_in_the_own_copy() {
    let mut world = x_invited();
    world.inboxes.clear();
    let bob = "mailto:bob@example.org";
    let mut tag = world.tag("bob");
    for (sequence, said) in [(0, "ACCEPTED"), (1, "DECLINED"), (2, "TENTATIVE")] {
        let answer = to_alice(&format!("ATTENDEE;PARTSTAT={said}:{bob}"), sequence);
        let reply = message("REPLY", &[&answer]);
        world.hand_in("alice", bob, &reply).unwrap();
        let line = world.line("bob", "ATTENDEE", bob);
        assert!(line.contains(&format!("PARTSTAT={said}")), "{line}");
        assert!(world.line("alice", "ATTENDEE", bob).contains(said));
        assert_eq!(world.news("bob"), [""; 0]);
        // RFC 6638 §3.2.10: it is his own participation, which a client that has not seen it would take back
        tag += 1;
        assert_eq!(world.tag("bob"), tag);
    }
    // who removed the copy does not get it back
    world.schedule_reply = false;
    world.delete("bob");
    let answer = to_alice(&format!("ATTENDEE;PARTSTAT=ACCEPTED:{bob}"), 3);
    world
        .hand_in("alice", bob, &message("REPLY", &[&answer]))
        .unwrap();
    assert!(!world.calendars.contains_key("bob"));
}

#[test]
fn who_is_not_invited_is_never_let_in_and_never_dropped() {
    // the table of decisions: a party crasher; C5.10 and C5.13
    let of = |who: &str| to_alice(&format!("ATTENDEE;PARTSTAT=ACCEPTED:{who}"), 0);
    for (name, sender, lines) in [
        ("a party crasher", Y, of(Y)),
        ("an answer for somebody else", Y, of(X)),
        ("of somebody here", Y, of("mailto:bob@example.org")),
    ] {
        for method in ["REPLY", "COUNTER"] {
            let mut world = x_invited();
            let before = world.copy("alice").clone();
            let message = message(method, &[&lines]);
            let receipt = world.hand_in("alice", sender, &message).unwrap();
            assert!(is_held(&receipt), "{method}, {name}: {receipt:?}");
            assert_eq!(world.copy("alice"), &before, "{method}, {name}");
        }
    }
    // who signs for the attendee speaks for them
    let mut world = x_invited();
    let signed = of(X).replace("ATTENDEE;", &format!("ATTENDEE;SENT-BY=\"{Y}\";"));
    world
        .hand_in("alice", Y, &message("REPLY", &[&signed]))
        .unwrap();
    assert_eq!(world.shape("alice"), ["series bob? x@elsewhere.net+"]);
    // only the organizer is answered
    let receipt = world
        .hand_in("bob", X, &message("REPLY", &[&of(X)]))
        .unwrap();
    assert!(is_held(&receipt));
}

#[test]
fn who_is_sent_answers_each_part_by_its_own_number() {
    // RFC 5546 §2.1.4, §5.2.2: the series has a higher one than an instance that was not changed
    let people = "bob x@elsewhere.net";
    let hall = instance("0316", 9, people, "LOCATION:Hall");
    let mut world = new_world();
    for more in ["", "EXDATE:20260330T090000Z"] {
        world.put("alice", &set(&[&series(people, more), &hall]));
    }
    let sends =
        format!("ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.org\":{X}");
    let reply = message("REPLY", &[&to_alice(&sends, 1)]);
    world.hand_in("alice", X, &reply).unwrap();
    world.answer("carol", "ACCEPTED");
    let expected = [
        "series bob? x@elsewhere.net! carol+ without 0330",
        "0316 bob? x@elsewhere.net! carol+",
    ];
    for who in ["alice", "carol"] {
        assert_eq!(world.shape(who), expected, "{who}");
    }
}
