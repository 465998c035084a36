//! Messages from people elsewhere, as whoever receives mail hands them in: each method, the proven sender, and what is
//! to be made of what should not be. The cases are named by their chapters in the list of behaviours (C5).

mod order;
mod sense;

use storage::model::Booking;

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const Y: &str = "mailto:y@elsewhere.net";
const BOB: &str = "ATTENDEE:mailto:bob@example.org";

/// A message of components, each with what it says of order.
fn message(method: &str, components: &[&str]) -> CalendarObject {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\n");
    for lines in components {
        text += "BEGIN:VEVENT\r\nUID:1\r\n";
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            text += &format!("{line}\r\n");
        }
        text += "END:VEVENT\r\n";
    }
    text += "END:VCALENDAR\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// What X organizes.
fn of_x(lines: &str, sequence: u32) -> String {
    format!("{lines}\nORGANIZER:{X}\nSEQUENCE:{sequence}\nDTSTAMP:20260101T10{sequence:02}00Z")
}

/// What X says to alice.
fn to_alice(lines: &str, sequence: u32) -> String {
    format!(
        "{lines}\nORGANIZER:mailto:alice@example.org\nSEQUENCE:{sequence}\nDTSTAMP:20260201T10{sequence:02}00Z"
    )
}

/// X has invited bob to the ten Mondays.
fn bob_invited() -> World {
    let mut world = new_world();
    let request = message("REQUEST", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    world.hand_in("bob", X, &request).unwrap();
    world.inboxes.clear();
    world
}

/// alice has invited bob and X to the ten Mondays.
fn x_invited() -> World {
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob x@elsewhere.net", "")]));
    world.mails.clear();
    world
}

fn is_held(receipt: &Receipt) -> bool {
    let mut decisions = receipt.decisions.iter();
    receipt.copy == CopyChange::Unchanged
        && receipt.inbox_item
        && decisions.any(|it| matches!(it, Decision::ForTheUser { .. }))
}

/// Nothing changed, nobody hears of it, and the reason is known.
fn is_ignored(receipt: &Receipt) -> bool {
    let mut decisions = receipt.decisions.iter();
    receipt.copy == CopyChange::Unchanged
        && !receipt.inbox_item
        && !receipt.schedule_tag_changes
        && decisions.any(|it| matches!(it, Decision::NotApplied { .. }))
}

#[test]
fn what_cannot_be_taken_is_refused_with_a_status() {
    // RFC 5546 §3.6
    let start = "DTSTART:20260302T090000Z";
    let whole = of_x(&format!("{start}\n{BOB}"), 0);
    let unorganized = format!("{start}\n{BOB}\nDTSTAMP:20260101T100000Z");
    let odd_part = of_x(&format!("{start}\n{BOB}\nRECURRENCE-ID:tomorrow"), 0);
    let others = of_x(
        &format!("{start}\n{BOB}\nRECURRENCE-ID:20260302T090000Z"),
        0,
    );
    let others = others.replace(X, Y);
    let many = vec![&*whole; 2_001];
    let table = [
        ("X-ADVERTISE", vec![&*whole], "3.14"),
        ("", vec![&*whole], "3.14"),
        ("REQUEST", vec![], "3.13"),
        ("REQUEST", vec![&*unorganized], "3.11"),
        ("REQUEST", vec![&*odd_part], "3.1"),
        ("REQUEST", vec![&*whole, &*whole], "3.1"),
        ("REQUEST", vec![&*whole, &*others], "3.1"),
        ("REQUEST", many, "3.10"),
        ("ADD", vec!["ORGANIZER:mailto:x@elsewhere.net"], "3.11"),
        ("REPLY", vec!["ORGANIZER:mailto:alice@example.org"], "3.11"),
    ];
    for (method, components, status) in table {
        let mut world = new_world();
        let message = message(method, &components);
        let refused = world.hand_in("bob", X, &message).unwrap_err();
        assert_eq!(refused.status.as_str(), status, "{method} {refused:?}");
        assert!(world.calendars.is_empty() && world.inboxes.is_empty());
    }
    let two_events = message("REQUEST", &[&whole, &format!("{odd_part}\nX-A:b")]);
    let text = String::from_utf8(two_events.to_octets().to_vec()).unwrap();
    for (from, to, status) in [
        ("METHOD:REQUEST\r\n", "", "3.11"),
        (
            "RECURRENCE-ID:tomorrow\r\n",
            "RECURRENCE-ID:20260309T090000Z\r\nUID:2\r\n",
            "3.1",
        ),
        ("VEVENT", "VJOURNAL", "3.14"),
        ("VEVENT", "VPOLL", "3.13"),
        ("UID:1", "UID:", "3.11"),
    ] {
        let text = text.replace(from, to).replacen(
            "UID:1\r\nDTSTART:20260302T090000Z\r\nATTENDEE:mailto:bob@example.org\r\nRECURRENCE-ID",
            "DTSTART:20260302T090000Z\r\nATTENDEE:mailto:bob@example.org\r\nRECURRENCE-ID",
            usize::from(to.contains("UID:2")),
        );
        let odd = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        let refused = new_world().hand_in("bob", X, &odd).unwrap_err();
        assert_eq!(refused.status.as_str(), status, "{to} {refused:?}");
    }
}

#[test]
fn the_method_is_read_in_any_case() {
    // C5.15
    for method in ["REQUEST", "request", "Request "] {
        let mut world = new_world();
        let request = message(method, &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
        world.hand_in("bob", X, &request).unwrap();
        assert_eq!(world.shape("bob"), ["series bob?"], "{method}");
        assert_eq!(world.letters("bob"), ["REQUEST series"]);
    }
}

#[test]
fn what_is_nobodys_to_say_from_outside_does_not_come_in() {
    let mut world = new_world();
    let lines = format!(
        "{RULE}\nATTENDEE;SCHEDULE-STATUS=2.0;SCHEDULE-FORCE-SEND=REPLY:mailto:bob@example.org"
    );
    let mut request = message("REQUEST", &[&of_x(&lines, 0)]);
    for entry in request.entries_mut() {
        let alarm = calendar::Component::new("VALARM").unwrap();
        entry.push_component(alarm);
        for line in entry.properties_mut().filter(|line| line.is("ORGANIZER")) {
            line.set_parameter("SCHEDULE-AGENT", "CLIENT").unwrap();
            line.set_parameter("X-CONVOKE-REVISION", "99-20990101T000000Z")
                .unwrap();
        }
    }
    world.hand_in("bob", X, &request).unwrap();
    let text = lines_of(&world, "bob");
    for hidden in ["SCHEDULE-", "99-2099", "VALARM"] {
        assert!(!text.contains(hidden), "{text}");
    }
    // and so later messages have their effect
    let moved = of_x(&format!("{RULE}\nLOCATION:Hall\n{BOB}"), 1);
    world
        .hand_in("bob", X, &message("REQUEST", &[&moved]))
        .unwrap();
    assert!(lines_of(&world, "bob").contains("LOCATION:Hall"));
}

fn lines_of(world: &World, who: &str) -> String {
    String::from_utf8(world.copy(who).to_octets().to_vec()).unwrap()
}

#[test]
fn extensions_from_outside_do_not_pile_up() {
    let sent = |sequence: u32| {
        let lines = format!(
            "{RULE}\nX-MICROSOFT-CDO-APPT-SEQUENCE:{sequence}\nX-CONVOKE-DECLINED:20260302T090000Z\nX-ALT-DESC:{sequence}\n{BOB}"
        );
        let mut sent = message("REQUEST", &[&of_x(&lines, sequence)]);
        let calendar = sent.calendar_mut();
        // who sees the copy is its owner's to say
        calendar
            .set_raw_value("X-CALENDARSERVER-ACCESS", "PRIVATE")
            .unwrap();
        sent
    };
    let mut world = new_world();
    for sequence in 0..3 {
        world.hand_in("bob", X, &sent(sequence)).unwrap();
        let text = lines_of(&world, "bob");
        let extensions = text.lines().filter(|line| line.starts_with("X-"));
        let mut extensions: Vec<&str> = extensions.collect();
        extensions.sort();
        let described = format!("X-ALT-DESC:{sequence}");
        let own = "X-MOZ-LASTACK:20260101T000000Z";
        let expected = [&*described, own];
        let known = if sequence == 0 { 1 } else { 2 };
        assert_eq!(extensions, expected[..known]);
        if sequence == 0 {
            world.edit("bob", "X-MOZ-LASTACK", "20260101T000000Z");
        }
    }
}

#[test]
fn what_exchange_leaves_in_a_series() {
    // C5.16: an instance without people is a leftover; one without organizer is of the others'
    let series = of_x(&format!("{RULE}\n{BOB}"), 0);
    let order = "SEQUENCE:0\nDTSTAMP:20260101T100000Z";
    let leftover = format!("RECURRENCE-ID:20260309T000000Z\nDTSTART:20260309T110000Z\n{order}");
    let unorganized =
        format!("RECURRENCE-ID:20260316T090000Z\nDTSTART:20260316T110000Z\n{BOB}\n{order}");
    for parts in [
        [&*series, &*leftover, &*unorganized],
        [&*unorganized, &*leftover, &*series],
    ] {
        let mut world = new_world();
        world
            .hand_in("bob", X, &message("REQUEST", &parts))
            .unwrap();
        assert_eq!(world.shape("bob"), ["series bob?", "0316 bob?"]);
        assert_eq!(lines_of(&world, "bob").matches("ORGANIZER").count(), 2);
        assert_eq!(world.letters("bob").len(), 1);
    }
    let nobody = message("REQUEST", &[&leftover]);
    let refused = new_world().hand_in("bob", X, &nobody).unwrap_err();
    assert_eq!(refused.status.as_str(), "3.11");
}

#[test]
fn one_instance_is_named_once() {
    let zone = "TZID=Europe/Berlin:20260309T100000";
    let named = |name: &str, hour: u8| {
        of_x(
            &instance("0309", hour, "bob", "").replace("RECURRENCE-ID:20260309T090000Z", name),
            0,
        )
    };
    let series = of_x(&format!("{RULE}\n{BOB}"), 0);
    let (utc, local) = (
        named("RECURRENCE-ID:20260309T090000Z", 11),
        named(&format!("RECURRENCE-ID;{zone}"), 12),
    );
    for parts in [vec![&*series, &*utc, &*local], vec![&*utc, &*local]] {
        let refused = new_world()
            .hand_in("bob", X, &message("REQUEST", &parts))
            .unwrap_err();
        assert_eq!(refused.status.as_str(), "3.1");
    }
    let added = [
        added("0304", 9, 1),
        added("0304", 9, 1).replace(
            "DTSTART:20260304T090000Z",
            "DTSTART;TZID=Europe/Berlin:20260304T100000",
        ),
    ];
    let refused = bob_invited()
        .hand_in("bob", X, &message("ADD", &[&added[0], &added[1]]))
        .unwrap_err();
    assert_eq!(refused.status.as_str(), "3.1");
    // each by itself is the same instance
    let mut world = bob_invited();
    for (part, sequence) in [(&utc, 1), (&local, 2)] {
        let part = part.replace("SEQUENCE:0", &format!("SEQUENCE:{sequence}"));
        world
            .hand_in("bob", X, &message("REQUEST", &[&part]))
            .unwrap();
        assert_eq!(world.shape("bob"), ["series bob?", "0309 bob?"]);
    }
}

#[test]
fn only_the_organizer_speaks_for_the_meeting() {
    // C5.14 and the table of decisions: a message from an unproven sender is never applied, and never dropped
    let methods = ["REQUEST", "CANCEL", "ADD", "DECLINECOUNTER"];
    for method in methods {
        let lines = of_x(&format!("{RULE}\n{BOB}"), 1);
        let mut world = bob_invited();
        let before = world.copy("bob").clone();
        let receipt = world
            .hand_in("bob", Y, &message(method, &[&lines]))
            .unwrap();
        assert!(is_held(&receipt), "{method}: {receipt:?}");
        assert_eq!(receipt.follow_up, FollowUp::Nothing, "{method}");
        assert_eq!(world.copy("bob"), &before, "{method}");
        // who signs for the organizer may, and it is noted that nobody here knows of it
        let signed = lines.replace("ORGANIZER:", &format!("ORGANIZER;SENT-BY=\"{Y}\":"));
        let receipt = world
            .hand_in("bob", Y, &message(method, &[&signed]))
            .unwrap();
        let is_noted = |it: &Decision| matches!(it, Decision::UnknownDeputy { .. });
        assert!(receipt.decisions.iter().any(is_noted), "{method}");
        assert!(
            receipt.inbox_item && !is_held(&receipt),
            "{method}: {receipt:?}"
        );
    }
}

#[test]
fn another_organizer_touches_nothing() {
    // C5.3: the proven organizer of something else with the same UID
    for method in ["REQUEST", "CANCEL", "ADD", "DECLINECOUNTER"] {
        let mut world = bob_invited();
        let before = world.copy("bob").clone();
        let lines = of_x(&format!("{RULE}\n{BOB}"), 9).replace(X, Y);
        let receipt = world
            .hand_in("bob", Y, &message(method, &[&lines]))
            .unwrap();
        assert!(is_held(&receipt), "{method}: {receipt:?}");
        assert_eq!(world.copy("bob"), &before, "{method}");
    }
}

#[test]
fn an_own_message_that_comes_back_has_no_effect() {
    // C5.14: by a mailing list, or because both addresses are one person's
    for method in ["REQUEST", "CANCEL", "ADD", "DECLINECOUNTER"] {
        let mut world = x_invited();
        let before = world.copy("alice").clone();
        let lines = to_alice(&series("alice bob", ""), 9);
        let sender = "mailto:a.smith@example.org";
        let receipt = world
            .hand_in("alice", sender, &message(method, &[&lines]))
            .unwrap();
        assert!(is_ignored(&receipt), "{method}: {receipt:?}");
        assert_eq!(world.copy("alice"), &before, "{method}");
    }
}

#[test]
fn a_message_that_was_handed_on_is_for_the_user() {
    // C1.6: bcc, a list, or a colleague
    for method in ["REQUEST", "ADD"] {
        let mut world = new_world();
        let lines = of_x(&format!("{RULE}\n{BOB}"), 1);
        let receipt = world
            .hand_in("carol", X, &message(method, &[&lines]))
            .unwrap();
        assert!(is_held(&receipt), "{method}: {receipt:?}");
        assert!(world.calendars.is_empty() && world.mails.is_empty());
    }
}

#[test]
fn cancellations() {
    // C5.4
    let rid = "RECURRENCE-ID:20260309T090000Z";
    let table: [(&str, &[&str], &[&str]); 5] = [
        (
            "unknown instance",
            &["RECURRENCE-ID:20260310T090000Z"],
            &["series bob?"],
        ),
        (
            "an instance",
            &[rid],
            &["series bob?", "0309 cancelled bob?"],
        ),
        (
            "several in one message",
            &[rid, "RECURRENCE-ID:20260316T090000Z"],
            &["series bob?", "0309 cancelled bob?", "0316 cancelled bob?"],
        ),
        (
            "one of several there is not",
            &["RECURRENCE-ID:20260310T090000Z", rid],
            &["series bob?", "0309 cancelled bob?"],
        ),
        ("all", &[""], &["series cancelled bob?"]),
    ];
    for (name, parts, expected) in table {
        let mut world = bob_invited();
        let parts: Vec<String> = parts
            .iter()
            .map(|it| of_x(&format!("{it}\n{BOB}"), 1))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let cancel = message("CANCEL", &parts);
        world.hand_in("bob", X, &cancel).unwrap();
        assert_eq!(world.shape("bob"), expected, "{name}");
        // a second time is none
        let receipt = world.hand_in("bob", X, &cancel).unwrap();
        assert!(is_ignored(&receipt), "{name}: {receipt:?}");
    }
    // RFC 5546 §3.2.5: of others' part, which somebody handed on
    let mut world = bob_invited();
    let others = message("CANCEL", &[&of_x("ATTENDEE:mailto:carol@example.org", 1)]);
    let receipt = world.hand_in("bob", X, &others).unwrap();
    assert!(is_held(&receipt), "{receipt:?}");
    assert_eq!(world.shape("bob"), ["series bob?"]);
    let one = of_x(&format!("{rid}\nATTENDEE:mailto:carol@example.org"), 1);
    let own = of_x(&format!("RECURRENCE-ID:20260316T090000Z\n{BOB}"), 1);
    world
        .hand_in("bob", X, &message("CANCEL", &[&one, &own]))
        .unwrap();
    assert_eq!(world.shape("bob"), ["series bob?", "0316 cancelled bob?"]);
    // before the invitation, of which it says nothing
    let mut early = new_world();
    assert!(is_held(&early.hand_in("bob", X, &others).unwrap()));
    let request = message("REQUEST", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    early.hand_in("bob", X, &request).unwrap();
    assert_eq!(early.shape("bob"), ["series bob?"]);
    // nobody is named: all are meant
    let all = message("CANCEL", &[&of_x("", 2)]);
    let mut world = bob_invited();
    world.hand_in("bob", X, &all).unwrap();
    assert_eq!(world.shape("bob"), ["series cancelled bob?"]);
    // of a meeting that is not there
    let mut world = new_world();
    let cancel = message("CANCEL", &[&of_x(BOB, 1)]);
    assert!(is_ignored(&world.hand_in("bob", X, &cancel).unwrap()));
}

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

/// RFC 5546 §3.2.4 and §4.4.6.
fn added(day: &str, hour: u8, sequence: u32) -> String {
    let end = hour + 1;
    of_x(
        &format!(
            "DTSTART:2026{day}T{hour:02}0000Z\nDTEND:2026{day}T{end:02}0000Z\nSUMMARY:More\n{BOB}"
        ),
        sequence,
    )
}

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

#[test]
fn who_asks_is_told_all_they_may_see() {
    // C5.12, RFC 5546 §3.2.6 and §4.4.8
    let asks = |who: &str| message("REFRESH", &[&to_alice(&format!("ATTENDEE:{who}"), 0)]);
    let mut world = new_world();
    let own = instance("0309", 11, "bob", "");
    let moved = instance("0316", 12, "bob x@elsewhere.net", "");
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", ""), &own, &moved]),
    );
    let first = world.mails.pop().unwrap();
    let (tag, before) = (world.tag("alice"), world.copy("alice").clone());
    let receipt = world.hand_in("alice", X, &asks(X)).unwrap();
    assert!(!receipt.inbox_item && receipt.copy == CopyChange::Unchanged);
    let again = world.mails.pop().unwrap();
    let parsed = |mail: &OutgoingMessage| {
        lines(&CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap())
    };
    assert_eq!(parsed(&again), parsed(&first), "the same view as any other");
    assert_eq!((world.tag("alice"), world.copy("alice")), (tag, &before));
    // a second question a second later is answered, too
    world.hand_in("alice", X, &asks(X)).unwrap();
    assert_eq!(world.mailed(), ["x@elsewhere.net: REQUEST 0316 series"]);

    // RFC 5546 §6.1.6: to nobody else
    for (sender, asked_for) in [(Y, Y), (Y, X)] {
        let receipt = world.hand_in("alice", sender, &asks(asked_for)).unwrap();
        assert!(is_ignored(&receipt), "{receipt:?}");
        assert_eq!(world.mailed(), [""; 0]);
    }
    // who is left to others is left to others
    let mut world = new_world();
    let left = "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:x@elsewhere.net";
    world.put("alice", &set(&[&format!("{RULE}\n{left}")]));
    world.mails.clear();
    let receipt = world.hand_in("alice", X, &asks(X)).unwrap();
    assert!(is_ignored(&receipt), "{receipt:?}");
    assert_eq!(world.mailed(), [""; 0]);
}

#[test]
fn who_asks_about_what_is_off_hears_that_it_is_off() {
    let asks = message("REFRESH", &[&to_alice(&format!("ATTENDEE:{X}"), 0)]);
    let mut world = x_invited();
    world.put(
        "alice",
        &set(&[&series("bob x@elsewhere.net", "STATUS:CANCELLED")]),
    );
    world.mails.clear();
    world.hand_in("alice", X, &asks).unwrap();
    assert_eq!(world.mailed(), ["x@elsewhere.net: CANCEL series"]);
    // of what was deleted nobody knows any more
    world.delete("alice");
    world.mails.clear();
    assert!(is_ignored(&world.hand_in("alice", X, &asks).unwrap()));
    assert_eq!(world.mailed(), [""; 0]);
}

#[test]
fn somebody_here_who_asks_by_mail_gets_the_copy_back() {
    let mut world = x_invited();
    let copy = world.calendars.remove("bob").unwrap();
    let asks = message("REFRESH", &[&to_alice(BOB, 0)]);
    world
        .hand_in("alice", "mailto:bob@example.org", &asks)
        .unwrap();
    assert_eq!(lines(world.copy("bob")), lines(&copy));
    assert!(world.mails.is_empty());
}

#[test]
fn proposals_are_for_the_organizer_to_decide() {
    // C5.12, RFC 5546 §3.2.7: never applied by itself
    let proposes = |lines: &str, sequence| {
        let lines =
            format!("{lines}\nDTSTART:20260309T150000Z\nDTEND:20260309T160000Z\nATTENDEE:{X}");
        message("COUNTER", &[&to_alice(&lines, sequence)])
    };
    for lines in ["", "RECURRENCE-ID:20260309T090000Z"] {
        let mut world = x_invited();
        let before = world.copy("alice").clone();
        let receipt = world.hand_in("alice", X, &proposes(lines, 0)).unwrap();
        assert!(is_held(&receipt), "{receipt:?}");
        assert_eq!(receipt.status.as_str(), "1.2");
        assert_eq!(world.copy("alice"), &before);
        assert!(world.mails.is_empty());
        // about what was before the meeting was moved, it comes too late
        world.put(
            "alice",
            &set(&[&series("bob x@elsewhere.net", "").replace("T09", "T08")]),
        );
        let receipt = world.hand_in("alice", X, &proposes(lines, 0)).unwrap();
        assert!(is_ignored(&receipt), "{receipt:?}");
        world.put(
            "alice",
            &set(&[&series("bob x@elsewhere.net", "STATUS:CANCELLED")]),
        );
        assert!(is_ignored(
            &world.hand_in("alice", X, &proposes(lines, 9)).unwrap()
        ));
    }
    let mut world = new_world();
    assert!(is_ignored(
        &world.hand_in("alice", X, &proposes("", 0)).unwrap()
    ));
}

#[test]
fn a_declined_proposal_is_told_and_changes_nothing() {
    // C5.12, RFC 5546 §3.2.8
    let mut world = bob_invited();
    let before = world.copy("bob").clone();
    let declined = message("DECLINECOUNTER", &[&of_x(&format!("{RULE}\n{BOB}"), 0)]);
    let receipt = world.hand_in("bob", X, &declined).unwrap();
    assert!(receipt.copy == CopyChange::Unchanged && receipt.decisions.is_empty());
    assert_eq!(world.letters("bob"), ["DECLINECOUNTER series"]);
    assert_eq!(world.copy("bob"), &before);
    // about nothing
    assert!(is_ignored(
        &new_world().hand_in("bob", X, &declined).unwrap()
    ));
}

#[test]
fn nobody_elsewhere_says_what_a_room_answered() {
    const ROOM: &str = "mailto:room@example.org";
    let said = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:room@example.org";
    let first = "DTSTART:20260302T090000Z";
    let mut world = new_world();
    let by_itself = Principal {
        booking: Booking::Automatic,
        ..Principal::clone(&world.people["room"])
    };
    world.people.insert("room", Arc::new(by_itself));
    let hand_in = |world: &mut World, start: &str, sequence: u32| {
        let request = message("REQUEST", &[&of_x(&format!("{start}\n{said}"), sequence)]);
        world.hand_in("room", X, &request).unwrap();
        world.line("room", "ATTENDEE", ROOM)
    };
    // The room has not looked yet.
    let line = hand_in(&mut world, first, 0);
    assert!(!line.contains("ACCEPTED"), "{line}");
    // What it declined since stays declined, whatever its organizer has heard.
    world.answer("room", "DECLINED");
    let line = hand_in(&mut world, &format!("{first}\nLOCATION:Hall"), 1);
    assert!(line.contains("DECLINED"), "{line}");
    // At another time it has to look again.
    world.answer("room", "ACCEPTED");
    let line = hand_in(&mut world, "DTSTART:20260303T090000Z", 2);
    assert!(!line.contains("ACCEPTED"), "{line}");
}
