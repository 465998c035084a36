//! RANGE=THISANDFUTURE: an instance and all later ones (RFC 5545 §3.2.13; RFC 5546 §3.2.3, §3.2.5 and §4.4.5).

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const BOB: &str = "ATTENDEE:mailto:bob@example.org";

fn ranged(instance: &str) -> String {
    instance.replace("RECURRENCE-ID:", "RECURRENCE-ID;RANGE=THISANDFUTURE:")
}

/// A message about components of `organizer`, each with its place in the order.
fn message(method: &str, organizer: &str, components: &[(&str, u32)]) -> CalendarObject {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\n");
    for (lines, order) in components {
        text += &format!("BEGIN:VEVENT\r\nUID:1\r\nORGANIZER:{organizer}\r\nSEQUENCE:{order}\r\n");
        text += &format!("DTSTAMP:20260101T10{order:02}00Z\r\n");
        for line in lines.lines().map(str::trim).filter(|it| !it.is_empty()) {
            text += &format!("{line}\r\n");
        }
        text += "END:VEVENT\r\n";
    }
    text += "END:VCALENDAR\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// The hour at which an instance takes place in a copy, if it does.
fn hour(world: &World, who: &str, day: &str) -> Option<String> {
    let object = world.copy(who);
    let set = calendar::RecurrenceSet::of(object, &calendar::Zone::utc());
    let text = format!("2026{day}T090000Z");
    let value = calendar::value::DateOrDateTime::parse(&text, None).unwrap();
    let entry = Meeting::of(object).component_at(set.key_of(&value))?;
    let start = entry.raw_value("DTSTART")?;
    (!entry::is_cancelled(&entry)).then(|| start[9..11].to_owned())
}

fn hours(world: &World, who: &str) -> String {
    let days = ["0302", "0309", "0316", "0323", "0330", "0406"].into_iter();
    let hours = days.map(|day| hour(world, who, day).unwrap_or("--".to_owned()));
    hours.collect::<Vec<_>>().join(" ")
}

#[test]
fn all_later_instances_are_called_off_from_outside() {
    // RFC 5546 §3.2.5
    let whole = format!("{RULE}\n{BOB}");
    let early = instance("0309", 11, "bob", "");
    let late = instance("0330", 11, "bob", "");
    let off = ranged(&format!("RECURRENCE-ID:20260316T090000Z\n{BOB}"));
    let request = message("REQUEST", X, &[(&whole, 0), (&early, 0), (&late, 0)]);
    let cancel = message("CANCEL", X, &[(&off, 1)]);
    for messages in [[&request, &cancel], [&cancel, &request]] {
        let mut world = new_world();
        for message in messages {
            world.hand_in("bob", X, message).unwrap();
        }
        assert_eq!(hours(&world, "bob"), "09 11 -- -- -- --");
        // a second time is none
        let again = world.hand_in("bob", X, &cancel).unwrap();
        assert_eq!(again.copy, CopyChange::Unchanged);
        // one of them takes place after all
        let back = message("REQUEST", X, &[(&instance("0330", 15, "bob", ""), 2)]);
        world.hand_in("bob", X, &back).unwrap();
        assert_eq!(hours(&world, "bob"), "09 11 -- -- 15 --");
        // and all of it again
        let all = message("REQUEST", X, &[(&whole, 3)]);
        world.hand_in("bob", X, &all).unwrap();
        assert_eq!(hours(&world, "bob"), "09 09 09 09 09 09");
    }
}

#[test]
fn an_instance_is_called_off_and_not_all_later_ones() {
    // RFC 5546 §3.2.5: it is the one that says what these are
    let whole = format!("{RULE}\n{BOB}");
    let later = ranged(&instance("0316", 11, "bob", ""));
    let (apart, all) = (
        instance("0323", 12, "bob", ""),
        ranged(&instance("0323", 12, "bob", "")),
    );
    let off = format!("RECURRENCE-ID:20260316T090000Z\n{BOB}");
    let rows: [(&[&str], &str); 3] = [
        (&[&whole, &later], "09 09 -- 11 11 11"),
        (&[&whole, &later, &apart], "09 09 -- 12 11 11"),
        (&[&whole, &later, &all], "09 09 -- 12 12 12"),
    ];
    for (parts, expected) in rows {
        let parts: Vec<(&str, u32)> = parts.iter().map(|part| (*part, 0)).collect();
        let mut world = new_world();
        world
            .hand_in("bob", X, &message("REQUEST", X, &parts))
            .unwrap();
        world
            .hand_in("bob", X, &message("CANCEL", X, &[(&off, 1)]))
            .unwrap();
        assert_eq!(hours(&world, "bob"), expected);
    }
    // nor does an organizer here say more
    let mut world = new_world();
    let people = "x@elsewhere.net";
    let later = |day| ranged(&instance(day, 9, people, "LOCATION:Hall"));
    world.put("alice", &set(&[&series(people, ""), &later("0316")]));
    world.mails.clear();
    let without = series(people, "EXDATE:20260316T090000Z");
    world.put("alice", &set(&[&without, &later("0323")]));
    let mail = world.mails.iter().find(|it| it.method == "CANCEL");
    let text = String::from_utf8(mail.unwrap().calendar.to_vec()).unwrap();
    assert!(text.contains("RECURRENCE-ID:20260316T090000Z"), "{text}");
}

#[test]
fn all_later_instances_are_called_off_here() {
    // with the component in the copy, or not; what the organizer has apart goes on
    let both = "bob carol";
    let apart = instance("0330", 12, both, "");
    for known in [true, false] {
        let mut world = accepted();
        let moved = ranged(&instance("0316", 11, both, ""));
        if known {
            world.put("alice", &set(&[&series(both, ""), &moved, &apart]));
            assert_eq!(hours(&world, "bob"), "09 09 11 11 12 11");
        } else {
            world.put("alice", &set(&[&series(both, ""), &apart]));
        }
        world.letters("bob");
        let off = format!("{moved}\nSTATUS:CANCELLED");
        world.put("alice", &set(&[&series(both, ""), &off, &apart]));
        assert_eq!(world.letters("bob"), ["CANCEL 0316"], "{known}");
        for who in ["alice", "bob"] {
            assert_eq!(hours(&world, who), "09 09 -- -- 12 --", "{who} {known}");
        }
    }
}

#[test]
fn an_answer_to_all_later_instances_is_for_the_user() {
    let mut world = new_world();
    world.put("alice", &set(&[&series("x@elsewhere.net", "")]));
    let says = format!("RECURRENCE-ID:20260316T090000Z\nATTENDEE;PARTSTAT=DECLINED:{X}");
    let reply = message("REPLY", "mailto:alice@example.org", &[(&ranged(&says), 0)]);
    let before = world.copy("alice").clone();
    let receipt = world.hand_in("alice", X, &reply).unwrap();
    assert!(receipt.inbox_item, "{receipt:?}");
    let mut decisions = receipt.decisions.iter();
    assert!(decisions.any(|it| matches!(it, Decision::ForTheUser { .. })));
    assert_eq!(world.copy("alice"), &before);
    // to what the organizer says of them all, it is an answer like any other
    let moved = ranged(&instance("0316", 11, "x@elsewhere.net", ""));
    world.put("alice", &set(&[&series("x@elsewhere.net", ""), &moved]));
    let reply = message("REPLY", "mailto:alice@example.org", &[(&ranged(&says), 9)]);
    world.hand_in("alice", X, &reply).unwrap();
    assert_eq!(
        world.shape("alice"),
        ["series x@elsewhere.net?", "0316 x@elsewhere.net-"]
    );
}

#[test]
fn an_answer_to_a_later_instance_is_judged_by_what_these_are() {
    // RFC 5545 §3.2.13; RFC 5546 §2.1.5, §3.2.3: who is in the series, what all later instances are, the answers in their
    // order, and what the organizer has then
    let (all, rest) = ("0316 and later", "0323");
    let off = "STATUS:CANCELLED";
    type Row<'a> = (
        &'a str,
        &'a str,
        &'a str,
        &'a [(&'a str, u32)],
        &'a [&'a str],
    );
    let rows: [Row<'_>; 7] = [
        (
            "bob",
            "bob x@y.z",
            "",
            &[(rest, 1)],
            &["series bob?", "0316 bob? x@y.z?", "0323 bob? x@y.z+"],
        ),
        (
            "bob x@y.z",
            "bob",
            "",
            &[(rest, 1)],
            &["series bob? x@y.z?", "0316 bob?"],
        ),
        (
            "x@y.z",
            "x@y.z",
            off,
            &[(rest, 1)],
            &["series x@y.z?", "0316 cancelled x@y.z?"],
        ),
        (
            "x@y.z",
            "x@y.z",
            "",
            &[(rest, 1)],
            &["series x@y.z?", "0316 x@y.z?", "0323 x@y.z+"],
        ),
        (
            "x@y.z",
            "x@y.z",
            "",
            &[(rest, 0)],
            &["series x@y.z?", "0316 x@y.z?"],
        ),
        (
            "x@y.z",
            "x@y.z",
            "",
            &[(all, 3), (rest, 2)],
            &["series x@y.z?", "0316 x@y.z+"],
        ),
        // of one alone nothing is said of the later ones
        (
            "x@y.z",
            "x@y.z",
            "",
            &[("0316", 3), (rest, 2)],
            &["series x@y.z?", "0316 x@y.z+", "0323 x@y.z+", "0330 x@y.z?"],
        ),
    ];
    for (in_series, later, more, answers, expected) in rows {
        let mut world = new_world();
        for hour in [11, 12] {
            let later = ranged(&instance("0316", hour, later, more));
            world.put("alice", &set(&[&series(in_series, ""), &later]));
        }
        for (day, order) in answers {
            let (day, is_all) = day.split_once(' ').map_or((*day, false), |it| (it.0, true));
            let says =
                format!("RECURRENCE-ID:2026{day}T090000Z\nATTENDEE;PARTSTAT=ACCEPTED:mailto:x@y.z");
            let says = if is_all { ranged(&says) } else { says };
            let reply = message("REPLY", "mailto:alice@example.org", &[(&says, *order)]);
            world.hand_in("alice", "mailto:x@y.z", &reply).unwrap();
        }
        assert_eq!(world.shape("alice"), expected, "{answers:?}");
        let hours = hours(&world, "alice");
        let expected = if more.is_empty() {
            "12 12 12 12"
        } else {
            "-- -- -- --"
        };
        assert_eq!(hours, format!("09 09 {expected}"), "{answers:?}");
    }
}

/// Bob and Carol are invited to a series, which is two hours later from the third Monday on.
fn later_from_the_third() -> (World, String, String) {
    let all = series("bob carol", "");
    let later = ranged(&instance("0316", 11, "bob carol", ""));
    let mut world = accepted();
    world.put("alice", &set(&[&all, &later]));
    for who in ["alice", "bob", "carol"] {
        world.letters(who);
    }
    (world, all, later)
}

#[test]
fn who_answers_a_later_instance_answers_what_these_are() {
    // RFC 6638 §3.2.2.3: in the series Bob has accepted, in all later instances not
    let (mut world, all, later) = later_from_the_third();
    let there = "series bob+ carol+";
    let answered = [there, "0316 bob? carol?", "0323 bob+ carol?"];
    world.answer_instance("bob", "0323", "ACCEPTED");
    assert_eq!(world.letters("alice"), ["REPLY 0323"]);
    // whether the organizer's client knows of the answer or not
    world.put("alice", &set(&[&all, &later]));
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who), answered, "{who}");
        assert_eq!(hours(&world, who), "09 09 11 11 11 11", "{who}");
    }
    // the component is there for the answer alone: it becomes what all later instances are
    world.change_copy("alice", |calendar| {
        let later = calendar.components_mut().nth(1).unwrap();
        later.set_raw_value("LOCATION", "Hall").unwrap();
    });
    for who in ["alice", "bob"] {
        assert_eq!(world.shape(who), answered, "{who}");
        let lines = lines(world.copy(who));
        let halls = lines.iter().filter(|it| *it == "LOCATION:Hall");
        assert_eq!(halls.count(), 2, "{who}");
    }
    // at another time they ask anew, that one too
    let moved = ranged(&instance("0316", 12, "bob carol", ""));
    world.put("alice", &set(&[&all, &moved]));
    for who in ["alice", "bob"] {
        assert_eq!(world.shape(who), [there, "0316 bob? carol?"], "{who}");
        assert_eq!(hours(&world, who), "09 09 12 12 12 12", "{who}");
    }
}

#[test]
fn an_answered_instance_goes_along_with_what_comes_and_goes_before_it() {
    // it is there for the answer alone: a client that sends it back as it was does not leave it behind
    let all = series("bob carol", "");
    let later = ranged(&instance("0316", 11, "bob carol", ""));
    let (without, with) = ([&*all].to_vec(), [&*all, &*later].to_vec());
    for (before, after, expected) in [
        (&without, &with, "09 09 11 11 11 11"),
        (&with, &without, "09 09 09 09 09 09"),
    ] {
        let mut world = accepted();
        world.put("alice", &set(before));
        world.answer_instance("bob", "0330", "DECLINED");
        let mut edited = set(after);
        let answers = world.copy("alice").entries();
        let answers = answers.filter(|it| shape_of(it).starts_with("0330"));
        let calendar = edited.calendar_mut();
        answers.for_each(|it| calendar.push_component(it.clone()));
        world.put("alice", &edited);
        for who in ["alice", "bob", "carol"] {
            assert_eq!(hours(&world, who), expected, "{who}");
        }
    }
}

#[test]
fn a_later_instance_with_words_of_its_own_asks_nobody() {
    // RFC 6638 §3.2.8: it is when all later ones are
    let (mut world, all, later) = later_from_the_third();
    world.answer_part("bob", "0316", "ACCEPTED");
    let words = instance("0323", 11, "bob carol", "LOCATION:Hall");
    world.put("alice", &set(&[&all, &later, &words]));
    assert_eq!(world.letters("bob"), ["REQUEST 0323"]);
    let expected = ["series bob+ carol+", "0316 bob+ carol?", "0323 bob+ carol?"];
    assert_eq!(world.shape("bob"), expected);
    assert_eq!(world.shape("alice"), expected);
    // and as the others again it is as they are answered
    world.put("alice", &set(&[&all, &later]));
    assert_eq!(world.shape("alice"), expected[..2]);
    assert_eq!(world.shape("bob"), expected[..2]);
}

#[test]
fn a_later_instance_that_an_attendee_takes_out_stays_out() {
    let (mut world, _, later) = later_from_the_third();
    world.answer_part("bob", "0316", "ACCEPTED");
    world.letters("alice");
    world.change_copy("bob", |calendar| {
        let line = calendar::Property::new("EXDATE", "20260323T090000Z").unwrap();
        let series = calendar.components_mut().next().unwrap();
        series.push_property(line);
    });
    assert_eq!(world.letters("alice"), ["REPLY 0323"]);
    let answered = ["series bob+ carol+", "0316 bob+ carol?", "0323 bob- carol?"];
    assert_eq!(world.shape("alice"), answered);
    let elsewhere = series("bob carol", "LOCATION:Hall");
    world.put("alice", &set(&[&elsewhere, &later]));
    let out = ["series bob+ carol+ without 0323", "0316 bob+ carol?"];
    assert_eq!(world.shape("bob"), out);
    assert_eq!(world.shape("alice"), answered);
}

#[test]
fn a_later_instance_is_called_off_in_the_order_of_what_these_are() {
    // RFC 5546 §2.1.5, §3.2.5: the cancellation comes before what is said of all later instances, or after it
    let whole = format!("{RULE}\n{BOB}");
    let later = ranged(&instance("0316", 11, "bob", ""));
    let request = message("REQUEST", X, &[(&whole, 0), (&later, 2)]);
    let off = format!("RECURRENCE-ID:20260323T090000Z\n{BOB}");
    for (order, expected) in [(1, "09 09 11 11 11 11"), (3, "09 09 11 -- 11 11")] {
        let mut world = new_world();
        world.hand_in("bob", X, &request).unwrap();
        let cancel = message("CANCEL", X, &[(&off, order)]);
        world.hand_in("bob", X, &cancel).unwrap();
        assert_eq!(hours(&world, "bob"), expected);
    }
    // of what is off already nothing is said
    let mut world = new_world();
    let off_all = format!("{later}\nSTATUS:CANCELLED");
    let request = message("REQUEST", X, &[(&whole, 0), (&off_all, 2)]);
    let cancel = message("CANCEL", X, &[(&off, 3)]);
    world.hand_in("bob", X, &request).unwrap();
    let receipt = world.hand_in("bob", X, &cancel).unwrap();
    assert_eq!(receipt.copy, CopyChange::Unchanged);
}

#[test]
fn an_instance_becomes_all_later_ones() {
    let one = instance("0316", 11, "bob carol", "");
    let mut world = accepted();
    world.put("alice", &set(&[&series("bob carol", ""), &one]));
    world.answer_part("bob", "0316", "ACCEPTED");
    world.letters("bob");
    world.put("alice", &set(&[&series("bob carol", ""), &ranged(&one)]));
    assert_eq!(world.letters("bob"), ["REQUEST 0316"]);
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0316 bob? carol?"]
    );
    for who in ["alice", "bob"] {
        assert_eq!(hours(&world, who), "09 09 11 11 11 11", "{who}");
    }
}

#[test]
fn all_later_instances_are_those_of_the_series_again() {
    // RFC 6638 §3.2.8: they are at another time, whether the instance itself stays where it is or not
    let one = instance("0316", 11, "bob carol room", "");
    let all = series("bob carol room", "");
    for after in [vec![&*all, &*one], vec![&*all]] {
        let mut world = new_world();
        world.put("alice", &set(&[&all]));
        for who in ["bob", "carol", "room"] {
            world.answer(who, "ACCEPTED");
        }
        world.put("alice", &set(&[&all, &ranged(&one)]));
        for who in ["bob", "room"] {
            world.answer_part(who, "0316", "ACCEPTED");
        }
        world.letters("bob");
        world.put("alice", &set(&after));
        let asked = "series bob? carol? room?";
        let (letters, shape): (&str, &[&str]) = match after.len() {
            1 => ("REQUEST series", &[asked]),
            _ => ("REQUEST 0316 series", &[asked, "0316 bob+ carol? room+"]),
        };
        assert_eq!(world.letters("bob"), [letters]);
        for who in ["alice", "bob", "room"] {
            assert_eq!(world.shape(who), shape, "{who}");
            let kept = if after.len() == 1 { "09" } else { "11" };
            assert_eq!(
                hours(&world, who),
                format!("09 09 {kept} 09 09 09"),
                "{who}"
            );
        }
    }
    // only the place was another one: that is told, and nobody is asked
    let mut world = accepted();
    let place = instance("0316", 9, "bob carol", "LOCATION:Hall");
    world.put("alice", &set(&[&series("bob carol", ""), &ranged(&place)]));
    for who in ["bob", "carol"] {
        world.answer_part(who, "0316", "ACCEPTED");
        world.letters(who);
    }
    world.put("alice", &set(&[&series("bob carol", "")]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob+ carol+"]);
}

#[test]
fn who_is_not_in_what_all_later_instances_are_has_none_of_them() {
    // RFC 6638 §3.2.6, RFC 5545 §3.2.13
    let all = series("bob carol", "");
    let cut = ranged(&instance("0316", 11, "carol", ""));
    let apart = instance("0330", 12, "bob carol", "");
    let back = ranged(&apart);
    let both = ranged(&instance("0316", 11, "bob carol", ""));
    // what the organizer has, what bob hears of that after the step before, and what bob has
    let steps: [(&[&str], &[&str], &str); 7] = [
        (
            &[&all, &cut],
            &["CANCEL 0316", "REQUEST series"],
            "09 09 -- -- -- --",
        ),
        (
            &[&all, &cut, &apart],
            &["REQUEST 0330"],
            "09 09 -- -- 12 --",
        ),
        (
            &[&all, &cut, &back],
            &["REQUEST 0330 series"],
            "09 09 -- -- 12 12",
        ),
        (
            &[&all, &both, &back],
            &["REQUEST 0316 0330 series"],
            "09 09 11 11 12 12",
        ),
        (
            &[&all, &both],
            &["REQUEST 0316 series"],
            "09 09 11 11 11 11",
        ),
        (
            &[&all, &cut],
            &["CANCEL 0316", "REQUEST series"],
            "09 09 -- -- -- --",
        ),
        (&[&all], &["REQUEST series"], "09 09 09 09 09 09"),
    ];
    let mut world = accepted();
    for (parts, letters, expected) in steps {
        world.put("alice", &set(parts));
        assert_eq!(world.letters("bob"), letters, "{expected}");
        assert_eq!(hours(&world, "bob"), expected);
        // what carol answers makes nothing of it otherwise
        for said in ["TENTATIVE", "ACCEPTED"] {
            world.answer_part("carol", "series", said);
            assert_eq!(hours(&world, "bob"), expected, "carol answers");
        }
        // who comes to it now has it so, too
        let mut fresh = new_world();
        fresh.put("alice", &set(parts));
        assert_eq!(hours(&fresh, "bob"), expected, "invited to it");
    }
}

#[test]
fn who_has_less_of_a_series_is_heard_while_news_of_it_waits() {
    // RFC 6638 §3.2.8: another STATUS raises SEQUENCE, and asks nobody
    let all = series("bob carol", "");
    let cut = ranged(&instance("0316", 11, "carol", ""));
    let mut world = accepted();
    world.put("alice", &set(&[&all, &cut]));
    assert_eq!(hours(&world, "bob"), "09 09 -- -- -- --");
    world.waits = |it| it.recipient.id == PrincipalId(2) && it.message.method == Method::Request;
    let confirmed = series("bob carol", "STATUS:CONFIRMED");
    world.put("alice", &set(&[&confirmed, &cut]));
    world.answer_part("bob", "series", "TENTATIVE");
    assert_eq!(world.shape("alice"), ["series bob~ carol+", "0316 carol?"]);
    // that it goes on for its sender asks anew
    world.put("alice", &set(&[&confirmed]));
    world.answer_part("bob", "series", "DECLINED");
    assert_eq!(world.shape("alice"), ["series bob? carol?"]);
}

#[test]
fn a_view_ends_before_what_is_not_shown() {
    // RFC 5545 §3.3.10: UNTIL has the form of DTSTART, in UTC where that is in a zone; COUNT does not stand beside it
    let rows = [
        (
            "DTSTART:20260302T090000Z",
            "",
            "RRULE:FREQ=WEEKLY",
            "20260316T090000Z",
            "RRULE:FREQ=WEEKLY;UNTIL=20260316T085959Z",
        ),
        (
            "DTSTART:20260302T090000Z",
            "",
            "RRULE:COUNT=9;FREQ=WEEKLY",
            "20260316T090000Z",
            "RRULE:FREQ=WEEKLY;UNTIL=20260316T085959Z",
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260302T090000",
            ";TZID=Europe/Berlin",
            "RRULE:FREQ=WEEKLY;UNTIL=20270101T000000Z",
            "20260316T090000",
            "RRULE:FREQ=WEEKLY;UNTIL=20260316T075959Z",
        ),
        (
            "DTSTART:20260302T090000",
            "",
            "RRULE:FREQ=WEEKLY",
            "20260316T090000",
            "RRULE:FREQ=WEEKLY;UNTIL=20260316T085959",
        ),
        (
            "DTSTART;VALUE=DATE:20260302",
            ";VALUE=DATE",
            "RRULE:FREQ=WEEKLY",
            "20260316",
            "RRULE:FREQ=WEEKLY;UNTIL=20260315",
        ),
        // what is over before stays as it is, and dates are told apart
        (
            "DTSTART:20260302T090000Z",
            "",
            "RRULE:FREQ=WEEKLY;COUNT=2\nRDATE:20260312T090000Z,20260316T090000Z,20260401T090000Z",
            "20260316T090000Z",
            "RDATE:20260312T090000Z\nRRULE:FREQ=WEEKLY;COUNT=2",
        ),
    ];
    for (start, form, rule, id, expected) in rows {
        let all = format!("{start}\n{rule}\nSUMMARY:x\n{}", invited("bob carol"));
        let later = format!(
            "RECURRENCE-ID;RANGE=THISANDFUTURE{form}:{id}\n{}\n{}",
            start.replace(":20260302", ":20260316"),
            invited("carol")
        );
        let mut world = new_world();
        world.put("alice", &set(&[&all, &later]));
        let lines = lines(world.copy("bob"));
        let told = lines.iter().filter(|line| line.starts_with('R'));
        assert_eq!(told.cloned().collect::<Vec<_>>().join("\n"), expected);
        let text = lines.concat();
        assert_eq!(text.matches("RECURRENCE-ID").count(), 0, "{text}");
    }
}

/// Takes an instance out of somebody's copy, as a client does: EXDATE in the series, and no component for it.
fn take_out(world: &mut World, who: &'static str, day: &str) {
    let id = format!("2026{day}T090000Z");
    world.change_copy(who, |calendar| {
        calendar.retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*id));
        let line = calendar::Property::new("EXDATE", &id).unwrap();
        let series = calendar.components_mut().next().unwrap();
        series.push_property(line);
    });
}

#[test]
fn who_takes_out_an_instance_that_says_what_all_later_ones_are_comes_to_these() {
    // RFC 5545 §3.2.13, RFC 6638 §3.2.2.3: it is one that is declined, for everybody
    let (mut world, all, later) = later_from_the_third();
    world.answer_part("bob", "0316", "ACCEPTED");
    world.letters("alice");
    take_out(&mut world, "bob", "0316");
    assert_eq!(world.letters("alice"), ["REPLY 0316"]);
    let answered = ["series bob+ carol+", "0316 bob- carol?", "0323 bob+ carol?"];
    let out = ["series bob+ carol+ without 0316", "0323 bob+ carol?"];
    assert_eq!(world.shape("bob"), out);
    for who in ["alice", "carol"] {
        assert_eq!(world.shape(who), answered, "{who}");
    }
    let everybody = |world: &World, expected: &str| {
        let hours = ["alice", "bob", "carol"].map(|who| hours(world, who));
        let without = expected.replacen(&expected[6..8], "--", 1);
        assert_eq!(hours, [expected, &*without, expected]);
    };
    everybody(&world, "09 09 11 11 11 11");
    // the organizer's client does not know of it yet, and changes what all are, or when the later ones are
    let hall = ranged(&instance("0316", 11, "bob carol", "LOCATION:Hall"));
    world.put("alice", &set(&[&all, &hall]));
    for who in ["alice", "carol"] {
        assert_eq!(world.shape(who), answered, "{who}");
    }
    assert_eq!(world.shape("bob"), out);
    world.put("alice", &set(&[&all, &later]));
    everybody(&world, "09 09 11 11 11 11");
    assert_eq!(world.shape("bob"), out);
    let moved = ranged(&instance("0316", 12, "bob carol", ""));
    world.put("alice", &set(&[&all, &moved]));
    let asked = ["series bob+ carol+", "0316 bob? carol?"];
    for who in ["alice", "bob", "carol"] {
        assert_eq!(world.shape(who)[..2], asked, "{who}");
        assert_eq!(hours(&world, who), "09 09 12 12 12 12", "{who}");
    }
}

#[test]
fn several_instances_are_taken_out_of_those_that_one_is_about() {
    // two of them at once, with one that has a component of its own; the last ones; and all at once with the series declined
    let (mut world, ..) = later_from_the_third();
    world.answer_part("bob", "0316", "ACCEPTED");
    for day in ["0323", "0316", "0330"] {
        take_out(&mut world, "bob", day);
    }
    assert_eq!(hours(&world, "bob"), "09 09 -- -- -- 11");
    let answered = [
        "series bob+ carol+",
        "0316 bob- carol?",
        "0323 bob- carol?",
        "0330 bob- carol?",
        "0406 bob+ carol?",
    ];
    assert_eq!(world.shape("alice"), answered);
    world.answer_part("bob", "0406", "TENTATIVE");
    world.answer_part("carol", "0406", "ACCEPTED");
    assert_eq!(world.shape("alice")[4], "0406 bob~ carol+");
    assert_eq!(world.shape("bob")[1], "0406 bob~ carol+");
    // in one edit
    let (mut world, ..) = later_from_the_third();
    world.change_copy("bob", |calendar| {
        calendar.retain_components(|it| it.property("RECURRENCE-ID").is_none());
        let text = "20260316T090000Z,20260323T090000Z";
        let line = calendar::Property::new("EXDATE", text).unwrap();
        calendar
            .components_mut()
            .next()
            .unwrap()
            .push_property(line);
    });
    assert_eq!(hours(&world, "bob"), "09 09 -- -- 11 11");
    assert_eq!(hours(&world, "alice"), "09 09 11 11 11 11");
    let declined = world.shape("alice");
    let expected = ["0316 bob- carol?", "0323 bob- carol?", "0330 bob? carol?"];
    assert_eq!(declined[1..], expected);
    // of the last one there is no later one
    let mut world = accepted();
    let last = ranged(&instance("0504", 11, "bob carol", ""));
    world.put("alice", &set(&[&series("bob carol", ""), &last]));
    take_out(&mut world, "bob", "0504");
    let expected = ["series bob+ carol+", "0504 bob- carol?"];
    assert_eq!(world.shape("alice"), expected);
}

#[test]
fn who_answers_for_all_later_instances_answers_all_that_is_about_them() {
    // RFC 5545 §3.2.13: another one was answered alone; and somebody elsewhere answers what they got
    let both = "bob x@y.z";
    let mut world = new_world();
    let later = ranged(&instance("0316", 11, both, ""));
    world.put("alice", &set(&[&series(both, ""), &later]));
    take_out(&mut world, "bob", "0316");
    let says = "RECURRENCE-ID:20260316T090000Z\nATTENDEE;PARTSTAT=ACCEPTED:mailto:x@y.z";
    let reply = message("REPLY", "mailto:alice@example.org", &[(&ranged(says), 9)]);
    world.hand_in("alice", "mailto:x@y.z", &reply).unwrap();
    let expected = ["series bob? x@y.z?", "0316 bob- x@y.z+", "0323 bob? x@y.z+"];
    assert_eq!(world.shape("alice"), expected);
}

#[test]
fn all_later_instances_are_called_off_with_one_that_is_off() {
    // RFC 5546 §3.2.5: that one is off alone, was taken out by its attendee, or has nobody in it
    let both = "bob carol";
    let all = series(both, "");
    let off = format!("{}\nSTATUS:CANCELLED", instance("0316", 9, both, ""));
    let apart = instance("0330", 12, both, "");
    for is_taken_out in [false, true] {
        let mut world = accepted();
        if is_taken_out {
            take_out(&mut world, "bob", "0316");
        } else {
            world.put("alice", &set(&[&all, &off, &apart]));
            assert_eq!(hours(&world, "bob"), "09 09 -- 09 12 09");
        }
        world.letters("bob");
        world.put("alice", &set(&[&all, &ranged(&off), &apart]));
        assert!(world.letters("bob").contains(&"CANCEL 0316".to_owned()));
        for who in ["alice", "bob", "carol"] {
            assert_eq!(hours(&world, who), "09 09 -- -- 12 --", "{who}");
        }
        // a second time is none
        world.put("alice", &set(&[&all, &ranged(&off), &apart]));
        assert!(world.letters("bob").is_empty());
        // and they take place again
        let on = ranged(&instance("0316", 9, both, ""));
        world.put("alice", &set(&[&all, &on, &apart]));
        for who in ["alice", "bob", "carol"] {
            assert_eq!(hours(&world, who), "09 09 09 09 12 09", "{who}");
        }
    }
}

#[test]
fn an_organizer_elsewhere_says_more_of_later_instances_of_which_one_is_taken_out() {
    // RFC 5546 §3.2.2: what bob took out comes back at another time, and stays away where he is said to decline it or where
    // nothing of it is new
    let whole = format!("{RULE}\n{BOB}");
    let declined = "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org";
    let at = |hour, own: &str| {
        let later = ranged(&instance("0316", hour, "bob", "LOCATION:Hall"));
        later.replace(BOB, own)
    };
    let rows: [(&str, &str, &str); 3] = [
        (&at(12, BOB), "09 09 12 12 12 12", "0316 bob?"),
        (&at(12, declined), "09 09 -- 12 12 12", "0323 bob-"),
        (&at(11, declined), "09 09 -- 11 11 11", "0323 bob+"),
    ];
    for with_series in [false, true] {
        for (later, expected, answer) in rows {
            let mut world = new_world();
            let first = ranged(&instance("0316", 11, "bob", ""));
            let request = message("REQUEST", X, &[(&whole, 0), (&first, 0)]);
            world.hand_in("bob", X, &request).unwrap();
            world.answer_part("bob", "0316", "ACCEPTED");
            world.change_copy("bob", |calendar| {
                let later = calendar.components_mut().nth(1).unwrap();
                let mut alarm = calendar::Component::new("VALARM").unwrap();
                let trigger = calendar::Property::new("TRIGGER", "-PT9M").unwrap();
                alarm.push_property(trigger);
                later.push_component(alarm);
            });
            take_out(&mut world, "bob", "0316");
            assert_eq!(hours(&world, "bob"), "09 09 -- 11 11 11");
            let parts = [(&*whole, 1), (later, 1)];
            let parts = if with_series { &parts[..] } else { &parts[1..] };
            let update = message("REQUEST", X, parts);
            for _ in 0..2 {
                world.hand_in("bob", X, &update).unwrap();
                assert_eq!(hours(&world, "bob"), expected, "{later} {with_series}");
                let text = lines(world.copy("bob")).join(" ");
                assert!(text.contains("LOCATION:Hall"), "{text}");
                assert_eq!(world.shape("bob")[1..], [answer]);
                assert_eq!(text.matches("VALARM").count(), 1, "{text}");
            }
        }
    }
}

#[test]
fn an_organizer_elsewhere_changes_one_instance_and_not_all_later_ones() {
    // RFC 5545 §3.2.13: it is the one that says what these are
    let whole = format!("{RULE}\n{BOB}");
    let first = ranged(&instance("0316", 11, "bob", ""));
    let mut world = new_world();
    let request = message("REQUEST", X, &[(&whole, 0), (&first, 0)]);
    world.hand_in("bob", X, &request).unwrap();
    world.answer_part("bob", "0316", "ACCEPTED");
    let moved = [
        instance("0316", 12, "bob", ""),
        instance("0323", 13, "bob", ""),
    ];
    let update = message("REQUEST", X, &[(&moved[0], 1), (&moved[1], 1)]);
    for _ in 0..2 {
        world.hand_in("bob", X, &update).unwrap();
        assert_eq!(hours(&world, "bob"), "09 09 12 13 11 11");
        let expected = ["series bob?", "0316 bob?", "0323 bob?", "0330 bob+"];
        assert_eq!(world.shape("bob"), expected);
    }
}

#[test]
fn later_instances_are_what_others_are_again() {
    // RFC 6638 §3.2.8: nothing of them is another, but what was answered
    let both = "bob carol";
    let hall = "LOCATION:Hall";
    let (all, one) = (series(both, hall), instance("0316", 9, both, hall));
    let mut world = accepted();
    world.put("alice", &set(&[&series(both, ""), &ranged(&one)]));
    world.put("alice", &set(&[&all, &ranged(&one)]));
    world.answer_part("bob", "0316", "TENTATIVE");
    for who in ["alice", "bob"] {
        let expected = ["series bob+ carol+", "0316 bob~ carol+"];
        assert_eq!(world.shape(who), expected, "{who}");
    }
    world.put("alice", &set(&[&all, &one]));
    let at = |who: &str| {
        let key = calendar::value::DateOrDateTime::parse("20260323T090000Z", None).unwrap();
        let meeting = Meeting::of(world.copy(who));
        shape_of(&meeting.component_at(meeting.key_of(&key)).unwrap())
    };
    assert_eq!(at("bob"), at("alice"));
}

#[test]
fn a_series_that_is_moved_is_not_off_with_later_instances_of_before() {
    // RFC 5545 §3.2.13: bob keeps what was called off, and the series is at another time
    let off = ranged(&format!(
        "{}\nSTATUS:CANCELLED",
        instance("0316", 9, "bob", "")
    ));
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob", ""), &off]));
    assert_eq!(hours(&world, "bob"), "09 09 -- -- -- --");
    let later = series("bob", "").replace("T090000Z", "T080000Z");
    world.put("alice", &set(&[&later.replace("T100000Z", "T090000Z")]));
    let meeting = Meeting::of(world.copy("bob"));
    let day = calendar::value::DateOrDateTime::parse("20260330T080000Z", None).unwrap();
    let entry = meeting.component_at(meeting.key_of(&day)).unwrap();
    assert!(!entry::is_cancelled(&entry), "{}", shape_of(&entry));
}

#[test]
fn who_comes_to_more_of_a_series_is_not_asked_again() {
    // RFC 6638 §3.2.8: the organizer changed nothing of the series; bob is not in what the later ones are, from one on
    // or from a later one on
    let all = series("bob carol", "");
    let cut = |day| ranged(&instance(day, 9, "carol", "LOCATION:Hall"));
    let mut world = accepted();
    for (day, expected) in [("0316", "09 09 -- -- -- --"), ("0330", "09 09 09 09 -- --")] {
        world.put("alice", &set(&[&all, &cut(day)]));
        assert_eq!(hours(&world, "bob"), expected);
        for who in ["alice", "bob"] {
            let answers = world.shape(who)[0].clone();
            assert!(
                answers.starts_with("series bob+ carol+"),
                "{who}: {answers}"
            );
        }
    }
    // carol takes out the very instance that says what these are
    take_out(&mut world, "carol", "0330");
    assert_eq!(hours(&world, "bob"), "09 09 09 09 -- --");
    assert!(world.shape("bob")[0].starts_with("series bob+ carol+"));
}
