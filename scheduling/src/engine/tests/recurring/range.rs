//! RANGE=THISANDFUTURE: an instance and all later ones (RFC 5545 §3.2.13; RFC 5546 §3.2.3, §3.2.5 and §4.4.5).

mod alone;

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
