//! Messages that come late, twice, or in another order (RFC 5546 §2.1.5; C5.6).

use super::*;

#[test]
fn messages_in_any_order() {
    // C5.6: part by part, SEQUENCE and then DTSTAMP; what is overtaken has no effect
    let named = |hour: u8| instance("0309", hour, "bob", "");
    let all = |place: &str| format!("{RULE}\nLOCATION:{place}\n{BOB}");
    let messages = [
        message("REQUEST", &[&of_x(&all("One"), 1)]),
        message("REQUEST", &[&of_x(&named(11), 2)]),
        message("REQUEST", &[&of_x(&all("Three"), 3), &of_x(&named(12), 3)]),
        message(
            "CANCEL",
            &[&of_x(&format!("RECURRENCE-ID:20260316T090000Z\n{BOB}"), 4)],
        ),
    ];
    let mut in_order = bob_invited();
    for message in &messages {
        in_order.hand_in("bob", X, message).unwrap();
    }
    let expected = ["series bob?", "0309 bob?", "0316 cancelled bob?"];
    assert_eq!(in_order.shape("bob"), expected);
    for order in permutations(messages.len()) {
        let mut world = bob_invited();
        for place in &order {
            for _ in 0..2 {
                world.hand_in("bob", X, &messages[*place]).unwrap();
            }
        }
        let lines = |world: &World| -> Vec<String> {
            let told = ["DTSTART", "STATUS", "RECURRENCE-ID"];
            let lines = lines(world.copy("bob")).into_iter();
            let lines = lines.filter(|line| told.iter().any(|it| line.starts_with(it)));
            let series = world.copy("bob").entries().next();
            let place = series.and_then(|series| series.raw_value("LOCATION"));
            lines.chain(place.map(str::to_owned)).collect()
        };
        assert_eq!(lines(&world), lines(&in_order), "{order:?}");
    }
}

/// RFC 5546 §2.1.4: who answers what was before is told what is now, whatever else the answer says.
#[test]
fn an_answer_to_what_was_before_asks_for_what_is_now() {
    let part = |named: &str| to_alice(&format!("{named}\nATTENDEE;PARTSTAT=ACCEPTED:{X}"), 0);
    let gone = "RECURRENCE-ID:20260309T090000Z\nDTSTART:20260309T090000Z";
    let (all, gone) = (part(RULE), part(gone));
    for parts in [&[&*all][..], &[&*all, &*gone], &[&*gone]] {
        let mut world = x_invited();
        let later = series("bob x@elsewhere.net", "").replace("T09", "T08");
        world.put("alice", &set(&[&later]));
        world.mails.clear();
        let reply = message("REPLY", parts);
        let receipt = world.hand_in("alice", X, &reply).unwrap();
        assert_eq!(receipt.follow_up, FollowUp::TellNewest, "{parts:?}");
        assert!(is_ignored(&receipt), "{receipt:?}");
        assert_eq!(world.mailed(), ["x@elsewhere.net: REQUEST series"]);
    }
}

#[test]
fn a_cancellation_that_overtakes_its_invitation() {
    // C5.6: as if the messages had come in order
    let rid = "RECURRENCE-ID:20260309T090000Z";
    let all = |sequence| message("REQUEST", &[&of_x(&format!("{RULE}\n{BOB}"), sequence)]);
    let off =
        |lines: &str, sequence| message("CANCEL", &[&of_x(&format!("{lines}\n{BOB}"), sequence)]);
    let add = message("ADD", &[&added("0304", 14, 1)]);
    let added_off = off("RECURRENCE-ID:20260304T140000Z", 2);
    let table: [(&str, Vec<CalendarObject>, &[&str]); 7] = [
        ("all of it", vec![off("", 1), all(0)], &[]),
        ("SEQUENCE is the same", vec![off("", 0), all(0)], &[]),
        (
            "invited again",
            vec![off("", 1), all(0), all(2)],
            &["series bob?"],
        ),
        (
            "an instance",
            vec![off(rid, 1), all(0)],
            &["series bob?", "0309 cancelled bob?"],
        ),
        (
            "an instance, and then another",
            vec![
                off(rid, 1),
                off("RECURRENCE-ID:20260316T090000Z", 2),
                all(0),
            ],
            &["series bob?", "0309 cancelled bob?", "0316 cancelled bob?"],
        ),
        (
            "an instance that is taken up again",
            vec![off(rid, 1), all(2)],
            &["series bob?"],
        ),
        (
            "an instance that was added",
            vec![all(0), added_off, add],
            &["series bob?", "0304 cancelled bob?"],
        ),
    ];
    for (name, messages, expected) in table {
        let mut world = new_world();
        for message in &messages {
            world.hand_in("bob", X, message).unwrap();
        }
        match expected {
            [] => assert!(world.calendars.is_empty(), "{name}"),
            _ => assert_eq!(world.shape("bob"), expected, "{name}"),
        }
        // somebody else's meeting with the same UID is not concerned: nothing is kept of what was held
        let mut world = new_world();
        let stranger = world.hand_in("bob", Y, &off("", 1)).unwrap();
        assert!(is_held(&stranger));
        world.hand_in("bob", X, &all(0)).unwrap();
        assert_eq!(world.shape("bob"), ["series bob?"], "{name}");
    }
    // who removed what was called off does not get it back
    for messages in [vec![off("", 1)], vec![off("", 1), off("", 2)]] {
        let mut world = bob_invited();
        for message in &messages {
            world.hand_in("bob", X, message).unwrap();
        }
        world.delete("bob");
        let late = world.hand_in("bob", X, &all(0)).unwrap();
        assert!(is_ignored(&late), "{late:?}");
        assert!(world.calendars.is_empty());
    }
}

#[test]
fn what_is_kept_of_cancellations_is_bounded() {
    let mut world = new_world();
    for sequence in 1..59 {
        let days = (1..25).map(|day| {
            let rid = format!("RECURRENCE-ID:202603{day:02}T09{sequence:02}00Z");
            of_x(
                &format!("{rid}\nDESCRIPTION:{}\n{BOB}", "x".repeat(100)),
                sequence,
            )
        });
        let days: Vec<String> = days.collect();
        let days: Vec<&str> = days.iter().map(String::as_str).collect();
        world.hand_in("bob", X, &message("CANCEL", &days)).unwrap();
        let octets = world.called_off["bob"].to_octets();
        assert!(octets.len() <= 17_000, "{}", octets.len());
        let newest = format!("T09{sequence:02}00Z\r\n");
        assert_eq!(
            String::from_utf8_lossy(&octets).matches(&newest).count(),
            24
        );
    }
}

#[test]
fn each_component_counts_by_itself() {
    // the table of decisions: per component. Google and Exchange raise SEQUENCE where something changed
    let said = |lines: &str, sequence: u32, minute: u32| {
        format!(
            "{lines}\n{BOB}\nORGANIZER:{X}\nSEQUENCE:{sequence}\nDTSTAMP:20260101T10{minute:02}00Z"
        )
    };
    let moved = message("REQUEST", &[&said(&instance("0309", 11, "", ""), 2, 1)]);
    // all is off, and so is an instance that was moved oftener than the series
    let mut world = bob_invited();
    world.hand_in("bob", X, &moved).unwrap();
    let all_off = message("CANCEL", &[&said("", 1, 2)]);
    world.hand_in("bob", X, &all_off).unwrap();
    let off = ["series cancelled bob?", "0309 cancelled bob?"];
    assert_eq!(world.shape("bob"), off);
    // but not an instance that was taken up again after that
    let mut world = bob_invited();
    let again = message("REQUEST", &[&said(&instance("0309", 11, "", ""), 0, 3)]);
    world.hand_in("bob", X, &again).unwrap();
    world.hand_in("bob", X, &all_off).unwrap();
    assert_eq!(world.shape("bob"), ["series cancelled bob?", "0309 bob?"]);
    // a series that was put off later than the instance was moved
    let mut world = bob_invited();
    world.hand_in("bob", X, &moved).unwrap();
    let off = RULE.replace("T09", "T08").replace("T10", "T09");
    let later = message("REQUEST", &[&said(&off, 1, 2)]);
    world.hand_in("bob", X, &later).unwrap();
    assert_eq!(world.shape("bob"), ["series bob?"]);
    // an instance is called off whose own SEQUENCE is below that of the series
    let mut world = new_world();
    let all = message("REQUEST", &[&said(RULE, 3, 1)]);
    world.hand_in("bob", X, &all).unwrap();
    let one = message("CANCEL", &[&said("RECURRENCE-ID:20260309T090000Z", 0, 2)]);
    world.hand_in("bob", X, &one).unwrap();
    assert_eq!(world.shape("bob"), ["series bob?", "0309 cancelled bob?"]);
    // and moved
    let mut world = new_world();
    world.hand_in("bob", X, &all).unwrap();
    let one = message("REQUEST", &[&said(&instance("0309", 11, "", ""), 0, 2)]);
    world.hand_in("bob", X, &one).unwrap();
    assert_eq!(world.shape("bob"), ["series bob?", "0309 bob?"]);
}

/// All orders of so many.
fn permutations(number: usize) -> Vec<Vec<usize>> {
    let Some(last) = number.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = permutations(last).into_iter();
    shorter
        .flat_map(|order| {
            (0..number).map(move |at| {
                let mut order = order.clone();
                order.insert(at, last);
                order
            })
        })
        .collect()
}
