//! What is called off, and what is left of it or comes again, in whatever order the messages come: the order is that of
//! each component, and DTSTAMP tells what of the whole and of an instance was said last (RFC 5546 §2.1.5; C5.6).

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const BOB: &str = "ATTENDEE:mailto:bob@example.org";
const RID: &str = "RECURRENCE-ID:20260309T090000Z";

/// A message from X.
fn of_x(method: &str, components: &[(&str, u32, u32)]) -> CalendarObject {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\n");
    for (lines, sequence, minute) in components {
        text += &format!("BEGIN:VEVENT\r\nUID:1\r\nORGANIZER:{X}\r\nSEQUENCE:{sequence}\r\n");
        text += &format!("DTSTAMP:20260101T10{minute:02}00Z\r\n");
        for line in lines.lines().map(str::trim).filter(|it| !it.is_empty()) {
            text += &format!("{line}\r\n");
        }
        text += "END:VEVENT\r\n";
    }
    text += "END:VCALENDAR\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn whole(more: &str) -> String {
    format!("{RULE}\n{BOB}\n{more}")
}

fn moved(hour: u8) -> String {
    instance("0309", hour, "bob", "")
}

impl World {
    fn x_mails(&mut self, method: &str, components: &[(&str, u32, u32)]) -> Receipt {
        self.hand_in("bob", X, &of_x(method, components)).unwrap()
    }
}

#[test]
fn what_is_left_of_a_series_is_alive_wherever_it_is_delivered() {
    // RFC 6638 §3.2.6: whether Bob had a component for the instance or not, and whichever of the two letters waits
    let both = "bob carol";
    let is_invitation = |it: &Delivery| it.message.method == Method::Request;
    let waits: [fn(&Delivery) -> bool; 3] = [|_| false, is_invitation, |_| true];
    for waits in waits {
        for was in [vec![], vec![instance("0309", 9, both, "LOCATION:Hall")]] {
            let mut world = new_world();
            let mut stored = vec![series(both, "")];
            stored.extend(was.clone());
            let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
            world.put("alice", &set(&stored));
            world.answer("bob", "ACCEPTED");
            world.letters("bob");
            world.waits = waits;
            let left = instance("0309", 9, both, "LOCATION:Hall");
            world.put("alice", &set(&[&series("carol", ""), &left]));
            world.deliver_waiting();
            assert_eq!(world.letters("bob"), ["CANCEL series", "REQUEST 0309"]);
            assert_eq!(
                world.shape("bob"),
                ["series cancelled bob+ carol?", "0309 bob+ carol?"],
                "{was:?}"
            );
            assert_eq!(world.shape("alice"), ["series carol?", "0309 bob+ carol?"]);
        }
    }
}

#[test]
fn what_is_left_of_a_series_has_its_sequence() {
    // RFC 5546 §2.1.5, for those who compare it across components
    let x = "x@elsewhere.net";
    for times in 1..3 {
        let mut world = new_world();
        let left = instance("0309", 9, x, "");
        world.put("alice", &set(&[&series(x, ""), &left]));
        // the series was moved some times, and the instance was not
        for hour in 0..times {
            let moved =
                series(x, "EXDATE:20260420T090000Z").replace("100000Z", &format!("10{hour}000Z"));
            world.put("alice", &set(&[&moved, &left]));
        }
        world.mails.clear();
        world.put("alice", &set(&[&series("bob", ""), &left]));
        let sequence = |method: &str| {
            let mail = world.mails.iter().find(|it| it.method == method).unwrap();
            let object = CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap();
            let entry = object.entries().next().unwrap();
            (
                entry::sequence(entry),
                entry.raw_value("DTSTAMP").unwrap().to_owned(),
            )
        };
        assert!(sequence("REQUEST").0 >= sequence("CANCEL").0);
        assert!(sequence("REQUEST") > sequence("CANCEL"));
    }
}

#[test]
fn an_instance_is_taken_up_again_after_the_whole_was_called_off() {
    // in order and the other way round; with a component of its own in the copy, or not
    let again = moved(11);
    let messages = [("CANCEL", (BOB, 1, 2)), ("REQUEST", (&*again, 0, 3))];
    for known in [false, true] {
        for order in [[0, 1], [1, 0]] {
            let mut world = new_world();
            world.x_mails("REQUEST", &[(&whole(""), 0, 0)]);
            if known {
                world.x_mails("REQUEST", &[(&moved(10), 0, 1)]);
            }
            for place in order {
                let (method, component) = messages[place];
                world.x_mails(method, &[component]);
            }
            let expected = ["series cancelled bob?", "0309 bob?"];
            assert_eq!(world.shape("bob"), expected, "{known} {order:?}");
        }
    }
    // Exchange: all of it again, with an instance whose own SEQUENCE is lower
    let mut world = new_world();
    world.x_mails("REQUEST", &[(&whole(""), 0, 0), (&moved(11), 0, 0)]);
    world.x_mails("CANCEL", &[(BOB, 1, 1)]);
    assert_eq!(
        world.shape("bob"),
        ["series cancelled bob?", "0309 cancelled bob?"]
    );
    world.x_mails("REQUEST", &[(&whole(""), 2, 2), (&moved(11), 0, 2)]);
    assert_eq!(world.shape("bob"), ["series bob?", "0309 bob?"]);
    // and what was said of it before the whole was called off comes late
    let mut world = new_world();
    world.x_mails("REQUEST", &[(&whole(""), 0, 0), (&moved(11), 0, 0)]);
    world.x_mails("CANCEL", &[(BOB, 1, 3)]);
    world.x_mails("REQUEST", &[(&moved(12), 2, 2)]);
    assert_eq!(
        world.shape("bob"),
        ["series cancelled bob?", "0309 cancelled bob?"]
    );
}

#[test]
fn the_whole_is_called_off_in_a_copy_that_a_client_made() {
    // of what no message noted, DTSTAMP is the client's
    let mut world = new_world();
    let mut copy = of_x("REQUEST", &[(&whole(""), 0, 9), (&moved(11), 2, 9)]);
    copy.calendar_mut().remove_properties("METHOD");
    world.calendars.insert("bob", copy);
    world.x_mails("CANCEL", &[(BOB, 1, 1)]);
    assert_eq!(
        world.shape("bob"),
        ["series cancelled bob?", "0309 cancelled bob?"]
    );
}

#[test]
fn only_the_recipients_part_of_what_overtook_is_called_off() {
    // RFC 5546 §3.2.5: who is taken out is named
    let carol = "ATTENDEE:mailto:carol@example.org";
    let other = "RECURRENCE-ID:20260316T090000Z";
    let parts = [
        (format!("{RID}\n{BOB}\n{carol}"), 1, 1),
        (format!("{other}\n{carol}"), 1, 1),
    ];
    let parts: Vec<(&str, u32, u32)> = parts.iter().map(|(it, a, b)| (&**it, *a, *b)).collect();
    let all = whole(carol);
    let mut world = new_world();
    world.x_mails("CANCEL", &parts);
    world.x_mails("REQUEST", &[(&all, 0, 0)]);
    let expected = ["series bob? carol?", "0309 cancelled bob? carol?"];
    assert_eq!(world.shape("bob"), expected);
    // as in order
    let mut world = new_world();
    world.x_mails("REQUEST", &[(&all, 0, 0)]);
    world.x_mails("CANCEL", &parts);
    assert_eq!(world.shape("bob"), expected);
}

#[test]
fn what_is_sent_after_its_cancellation_with_a_lower_sequence_is_the_users_to_decide() {
    // some organizers raise SEQUENCE in the cancellation only (C2.8): nothing is dropped, and nothing applied
    let is_held = |receipt: &Receipt| {
        let mut decisions = receipt.decisions.iter();
        receipt.inbox_item && decisions.any(|it| matches!(it, Decision::ForTheUser { .. }))
    };
    for copy in ["never", "there", "removed"] {
        let mut world = new_world();
        if copy != "never" {
            world.x_mails("REQUEST", &[(&whole(""), 0, 0)]);
        }
        world.x_mails("CANCEL", &[(BOB, 1, 2)]);
        if copy == "removed" {
            world.delete("bob");
        }
        let before = world.calendars.get("bob").cloned();
        let again = world.x_mails("REQUEST", &[(&whole(""), 0, 3)]);
        assert!(is_held(&again), "{copy}: {again:?}");
        assert_eq!(world.calendars.get("bob"), before.as_ref(), "{copy}");
        // what was sent before is only late
        let late = world.x_mails("REQUEST", &[(&whole(""), 0, 1)]);
        assert!(!late.inbox_item, "{copy}: {late:?}");
        // and with a higher one it comes again
        world.x_mails("REQUEST", &[(&whole(""), 2, 4)]);
        assert_eq!(world.shape("bob"), ["series bob?"], "{copy}");
    }
}

/// Bob's part of a letter about another place waits.
fn waiting() -> World {
    let mut world = accepted();
    let bob = world.people["bob"].id;
    assert_eq!(bob, PrincipalId(2));
    world.waits = |it| {
        it.recipient.id == PrincipalId(2)
            && it.message.method == Method::Request
            && !it.message.is_refresh
    };
    world.put("alice", &set(&[&series("bob carol", "LOCATION:One")]));
    assert_eq!(world.waiting.len(), 1);
    world.waits = |_| false;
    world
}

fn place(world: &World) -> Option<String> {
    let entry = world.copy("bob").entries().next().unwrap();
    entry.raw_value("LOCATION").map(str::to_owned)
}

#[test]
fn a_letter_that_waits_meets_what_a_client_stored_meanwhile() {
    // RFC 6638 §3.2.2.1: DTSTAMP is the client's, and its clock may be ahead
    for (stamp, said) in [
        ("20260101T010000Z", "TENTATIVE"),
        ("20300101T000000Z", "TENTATIVE"),
        ("20300101T000000Z", "ACCEPTED"),
    ] {
        let mut world = waiting();
        let mut own = world.copy("bob").clone();
        for entry in own.entries_mut() {
            entry.set_raw_value("DTSTAMP", stamp).unwrap();
            for line in entry.properties_mut().filter(|line| line.is("ATTENDEE")) {
                if line.raw_value().contains("bob") {
                    line.set_parameter("PARTSTAT", said).unwrap();
                }
            }
        }
        world.put("bob", &own);
        world.deliver_waiting();
        assert_eq!(place(&world).as_deref(), Some("One"), "{stamp}");
        assert_eq!(world.letters("bob"), ["REQUEST series"], "{stamp}");
        let mark = if said == "TENTATIVE" { "~" } else { "+" };
        assert_eq!(world.shape("bob"), [format!("series bob{mark} carol+")]);
    }
}

/// What a client does that stores something of its own: the moment stands in DTSTAMP.
fn store_alarm(world: &mut World) {
    let now = utc(Timestamp(world.now.0 + MINUTE));
    world.change_copy("bob", |calendar| {
        let mut own = calendar.components().next().unwrap().clone();
        own.set_raw_value("DTSTAMP", &now).unwrap();
        own.push_component(calendar::Component::new("VALARM").unwrap());
        calendar.retain_components(|_| false);
        calendar.push_component(own);
    });
}

#[test]
fn an_alarm_makes_no_letter_late_that_waits() {
    // RFC 5546 §2.1.5 and RFC 6638 §3.2.2.1: the order is that of what the organizer wrote
    let mut world = waiting();
    store_alarm(&mut world);
    world.deliver_waiting();
    assert_eq!(place(&world).as_deref(), Some("One"));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    // a cancellation, by an organizer who has the meeting no more, or bob in it
    for after in [None, Some(set(&[&series("carol", "")]))] {
        let mut world = accepted();
        world.waits = |it| it.recipient.id == PrincipalId(2);
        world.change("alice", after.as_ref()).unwrap();
        world.waits = |_| false;
        store_alarm(&mut world);
        world.deliver_waiting();
        assert_eq!(world.letters("bob"), ["CANCEL series"]);
        assert!(world.shape("bob")[0].starts_with("series cancelled"));
    }
    // what is on its way from elsewhere, to a copy that a client made
    let mut world = new_world();
    let sent = |place: &str, minute: u32| of_x("REQUEST", &[(&whole(place), 0, minute)]);
    world.put("bob", &sent("", 0).without_method());
    world.now.0 += 24 * 60 * MINUTE;
    store_alarm(&mut world);
    world.mail_in("bob", Method::Request, X, sent("LOCATION:Two", 2));
    assert_eq!(place(&world).as_deref(), Some("Two"));
}

#[test]
fn what_waits_is_told_in_its_order_also_within_a_second() {
    // C5.6: DTSTAMP tells seconds apart, and the order of what is sent here all
    let mut world = accepted();
    world.waits = |it| !it.message.is_refresh;
    for place in ["One", "Two"] {
        world.put(
            "alice",
            &set(&[&series("bob carol", &format!("LOCATION:{place}"))]),
        );
        world.now.0 -= MINUTE;
    }
    world.waits = |_| false;
    world.deliver_waiting();
    assert_eq!(place(&world).as_deref(), Some("Two"));
    // so with answers
    world.waits = |it| it.message.method == Method::Reply;
    for said in ["TENTATIVE", "DECLINED"] {
        world.answer("bob", said);
        world.now.0 -= MINUTE;
    }
    world.waits = |_| false;
    world.deliver_waiting();
    assert_eq!(world.shape("alice"), ["series bob- carol+"]);
}

#[test]
fn an_answer_to_an_instance_counts_after_one_to_the_series() {
    // per component and per attendee: SEQUENCE of an instance may be lower
    let reply = |lines: &str, participation: &str, sequence: u32, minute: u32| {
        let lines = format!("{lines}\nATTENDEE;PARTSTAT={participation}:{X}");
        let text = of_x("REPLY", &[(&lines, sequence, minute)]);
        let text = String::from_utf8(text.to_octets().to_vec()).unwrap();
        let text = text.replace(
            &format!("ORGANIZER:{X}"),
            "ORGANIZER:mailto:alice@example.org",
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    let mut world = new_world();
    let x = "x@elsewhere.net";
    world.put(
        "alice",
        &set(&[&series(x, ""), &instance("0309", 9, x, "LOCATION:Hall")]),
    );
    world
        .hand_in("alice", X, &reply("", "ACCEPTED", 3, 1))
        .unwrap();
    assert_eq!(
        world.shape("alice"),
        ["series x@elsewhere.net+", "0309 x@elsewhere.net+"]
    );
    world
        .hand_in("alice", X, &reply(RID, "DECLINED", 0, 2))
        .unwrap();
    assert_eq!(
        world.shape("alice"),
        ["series x@elsewhere.net+", "0309 x@elsewhere.net-"]
    );
    // late and twice
    world
        .hand_in("alice", X, &reply(RID, "ACCEPTED", 0, 1))
        .unwrap();
    world
        .hand_in("alice", X, &reply("", "ACCEPTED", 3, 1))
        .unwrap();
    assert_eq!(
        world.shape("alice"),
        ["series x@elsewhere.net+", "0309 x@elsewhere.net-"]
    );
}

#[test]
fn an_alarm_in_an_instance_makes_nobody_unanswered() {
    // RFC 6638 §3.2.2.1, C5.2: Exchange says NEEDS-ACTION for all, always
    let mut world = new_world();
    world.x_mails("REQUEST", &[(&whole(""), 0, 0)]);
    world.answer("bob", "ACCEPTED");
    world.change_copy("bob", |calendar| {
        let mut own = calendar.components().next().unwrap().clone();
        own.retain_properties(|line| !line.is("RRULE"));
        for (name, day) in [
            ("DTSTART", "20260309T090000Z"),
            ("DTEND", "20260309T100000Z"),
            ("RECURRENCE-ID", "20260309T090000Z"),
        ] {
            own.set_raw_value(name, day).unwrap();
        }
        own.push_component(calendar::Component::new("VALARM").unwrap());
        calendar.push_component(own);
    });
    assert_eq!(world.shape("bob"), ["series bob+", "0309 bob+"]);
    world.x_mails("REQUEST", &[(&whole("LOCATION:Hall"), 0, 1)]);
    assert_eq!(world.shape("bob"), ["series bob+", "0309 bob+"]);
    let entry = world.copy("bob").entries().nth(1).unwrap();
    assert_eq!(entry.raw_value("LOCATION"), Some("Hall"));
    assert!(entry.components().any(|it| it.is("VALARM")));
    // at another time both are asked
    let later = whole("").replace("T09", "T08").replace("T10", "T09");
    world.x_mails("REQUEST", &[(&later, 1, 2)]);
    assert_eq!(world.shape("bob"), ["series bob?"]);
}

#[test]
fn what_was_taken_out_and_came_back_is_not_away() {
    // the organizer takes an instance out later, and in again
    let mut world = new_world();
    world.x_mails("REQUEST", &[(&whole(""), 0, 0)]);
    world.answer("bob", "ACCEPTED");
    world.change_copy("bob", |calendar| {
        let series = calendar.components_mut().next().unwrap();
        series.push_property(calendar::Property::new("EXDATE", "20260309T090000Z").unwrap());
    });
    let away = |world: &World| {
        lines(world.copy("bob"))
            .concat()
            .contains("X-CONVOKE-DECLINED")
    };
    assert!(away(&world));
    let later = whole("").replace("T09", "T08").replace("T10", "T09");
    world.x_mails("REQUEST", &[(&later, 1, 1)]);
    assert_eq!(world.shape("bob"), ["series bob?"]);
    assert!(!away(&world));
}
