//! How far a task has come: each attendee's own, told with the answer (RFC 5546 §3.4.3; RFC 6638 §3.2.2.1).

use super::*;

const X: &str = "mailto:x@elsewhere.net";

fn task(organizer: &str, more: &str) -> CalendarObject {
    stream(
        "VTODO",
        &format!(
            "UID:1\nDTSTAMP:20260101T100000Z\nDUE:20260301T090000Z\nORGANIZER:{organizer}\nATTENDEE:mailto:bob@example.org\n{more}"
        ),
    )
}

#[test]
fn progress_alone_is_told() {
    // RFC 5546 §3.4.3: "also used by an Attendee to update their completion status"
    let mut world = new_world();
    world.put("alice", &task("mailto:alice@example.org", "SUMMARY:Write"));
    world.answer("bob", "IN-PROCESS");
    assert_eq!(world.news("alice"), ["REPLY"]);
    for (percent, news) in [("40", 1), ("40", 0), ("75", 1)] {
        world.edit("bob", "PERCENT-COMPLETE", percent);
        let items = world.inboxes.remove("alice").unwrap_or_default();
        assert_eq!(items.len(), news, "{percent}");
        for item in items {
            assert!(lines(&item).contains(&format!("PERCENT-COMPLETE:{percent}")));
        }
    }
    world.edit("bob", "COMPLETED", "20260201T100000Z");
    assert_eq!(world.news("alice"), ["REPLY"]);
    // an alarm is nobody's business
    world.edit("bob", "X-MOZ-LASTACK", "20260101T000000Z");
    assert!(world.news("alice").is_empty());
}

#[test]
fn progress_is_not_told_to_who_is_sent() {
    // RFC 5546 §3.2.2.3: they get what is the organizer's, and not what is the sender's own
    let mut world = new_world();
    world.mail_in("bob", Method::Request, X, task(X, "STATUS:IN-PROCESS"));
    world.edit("bob", "STATUS", "COMPLETED");
    let mut sends = world.copy("bob").clone();
    for entry in sends.entries_mut() {
        let line = entry.property_mut("ATTENDEE").unwrap();
        line.set_parameter("PARTSTAT", "DELEGATED").unwrap();
        line.set_parameter("DELEGATED-TO", "mailto:y@elsewhere.net")
            .unwrap();
    }
    world.put("bob", &sends);
    let to_delegate = world
        .mails
        .iter()
        .find(|it| it.method == "REQUEST")
        .unwrap();
    let mail = String::from_utf8(to_delegate.calendar.to_vec()).unwrap();
    assert!(mail.contains("STATUS:IN-PROCESS"), "{mail}");
    assert!(!mail.contains("COMPLETED"), "{mail}");
}

#[test]
fn what_must_be_in_a_message_is_in_it() {
    // RFC 5546 §3.2.2, §3.4.2: SUMMARY and PRIORITY, "can be null"
    let mut world = new_world();
    world.put(
        "alice",
        &task("mailto:alice@example.org", &format!("ATTENDEE:{X}")),
    );
    let mail = String::from_utf8(world.mails[0].calendar.to_vec()).unwrap();
    assert!(
        mail.contains("\r\nSUMMARY:\r\n") && mail.contains("\r\nPRIORITY:0\r\n"),
        "{mail}"
    );
    assert!(!lines(world.copy("bob")).concat().contains("SUMMARY"));
    // §3.4.6: a REFRESH names no organizer
    let question = message::refresh_request(
        &task("mailto:alice@example.org", ""),
        task(X, "")
            .entries()
            .next()
            .unwrap()
            .property("ATTENDEE")
            .unwrap(),
        world.now,
    );
    let question = lines(&question.unwrap().object);
    assert_eq!(question, ["ATTENDEE:mailto:bob@example.org", "UID:1"]);
    // §3.2.5: a CANCEL has SEQUENCE, also of what was never anything else
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(&format!("STATUS:CANCELLED\nATTENDEE:{X}")),
    );
    let asks = event(&format!(
        "UID:1\nDTSTAMP:20260102T000000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE:{X}"
    ));
    world.mail_in("alice", Method::Refresh, X, asks);
    let mail = world.mails.last().unwrap();
    assert_eq!(mail.method, "CANCEL");
    let mail = String::from_utf8(mail.calendar.to_vec()).unwrap();
    assert!(mail.contains("\r\nSEQUENCE:0\r\n"), "{mail}");
}

#[test]
fn what_the_organizer_did_is_the_organizers_to_undo() {
    // RFC 5546 §4.5.6: the overall completion is the organizer's; RFC 6638 §3.2.2.1: the own one each attendee's
    const DONE: [(&str, &str); 3] = [
        ("STATUS", "COMPLETED"),
        ("COMPLETED", "20260201T100000Z"),
        ("PERCENT-COMPLETE", "100"),
    ];
    let write = |object: &CalendarObject, lines: &[(&str, &str)]| {
        let mut object = object.clone();
        for entry in object.entries_mut() {
            entry.retain_properties(|line| DONE.iter().all(|(name, _)| !line.is(name)));
            for (name, value) in lines {
                entry.set_raw_value(name, value).unwrap();
            }
        }
        object
    };
    let said = |world: &World| DONE.map(|(name, _)| world.value("bob", name).map(str::to_owned));
    let (all, none) = (
        DONE.map(|(_, value)| Some(value.to_owned())),
        [const { None }; 3],
    );
    for elsewhere in [false, true] {
        for completed_first in [false, true] {
            let mut world = new_world();
            let mut minute = 0;
            let mut tell = |world: &mut World, lines: &[(&str, &str)]| {
                minute += 1;
                if !elsewhere {
                    let object = task("mailto:alice@example.org", "");
                    return world.put("alice", &write(&object, lines));
                }
                let mut object = write(&task(X, ""), lines);
                let stamp = format!("20260101T10{minute:02}00Z");
                for entry in object.entries_mut() {
                    entry.set_raw_value("DTSTAMP", &stamp).unwrap();
                }
                world.mail_in("bob", Method::Request, X, object);
            };
            if !completed_first {
                tell(&mut world, &[]);
            }
            tell(&mut world, &DONE);
            assert_eq!(said(&world), all, "{elsewhere} {completed_first}");
            // an alarm is no word of how far bob has come
            world.edit("bob", "X-MOZ-LASTACK", "20260101T000000Z");
            world.answer("bob", "ACCEPTED");
            tell(&mut world, &[]);
            assert_eq!(said(&world), none, "{elsewhere} {completed_first}");
            // what bob did, bob did
            let (status, moment) = (DONE[0], ("COMPLETED", "20260202T100000Z"));
            let done = write(world.copy("bob"), &[status, moment]);
            world.put("bob", &done);
            for lines in [&[("SUMMARY", "Other")][..], &DONE, &[]] {
                tell(&mut world, lines);
                let [status, completed, _] = said(&world);
                let said = (status.as_deref(), completed.as_deref());
                let bobs = (Some("COMPLETED"), Some(moment.1));
                assert_eq!(said, bobs, "{elsewhere} {completed_first} {lines:?}");
            }
        }
    }
}

#[test]
fn an_answer_tells_no_progress_but_the_attendees() {
    // RFC 5546 §4.5.4 and §4.5.6
    let mut world = new_world();
    let overall = "STATUS:IN-PROCESS\nPERCENT-COMPLETE:40";
    world.put("alice", &task("mailto:alice@example.org", overall));
    world.answer("bob", "ACCEPTED");
    let reply = lines(&world.inboxes["alice"][0]).concat();
    assert!(!reply.contains("PERCENT-COMPLETE"), "{reply}");
    world.edit("bob", "PERCENT-COMPLETE", "75");
    let reply = lines(&world.inboxes["alice"][1]).concat();
    assert!(reply.contains("PERCENT-COMPLETE:75"), "{reply}");
}

#[test]
fn nobody_is_told_of_a_status_that_says_nothing() {
    // RFC 5545 §3.8.1.11: a task is NEEDS-ACTION as long as nobody says otherwise
    let statuses = ["", "STATUS:NEEDS-ACTION", "STATUS:needs-action", ""];
    let mut world = new_world();
    for (number, status) in statuses.into_iter().enumerate() {
        world.put("alice", &task("mailto:alice@example.org", status));
        assert_eq!(
            world.news("bob").len(),
            usize::from(number == 0),
            "{status}"
        );
        assert_eq!(world.value("alice", "SEQUENCE"), None, "{status}");
    }
}

/// RFC 5545 §3.2.12, §3.8.1.11; RFC 5546 §3.4.3: most clients tick a task by its STATUS alone.
#[test]
fn what_a_client_ticks_is_the_answer() {
    let said = |world: &World| entry::participation(&bob_in(world, "alice"));
    let tick = |world: &mut World, status: Option<&str>, done: bool| {
        let mut object = world.copy("bob").clone();
        for entry in object.entries_mut() {
            for name in ["STATUS", "COMPLETED", "PERCENT-COMPLETE"] {
                entry.remove_properties(name);
            }
            if let Some(status) = status {
                entry.set_raw_value("STATUS", status).unwrap();
            }
            if done {
                entry
                    .set_raw_value("COMPLETED", "20260201T100000Z")
                    .unwrap();
                entry.set_raw_value("PERCENT-COMPLETE", "100").unwrap();
            }
        }
        world.put("bob", &object);
    };
    for first in ["NEEDS-ACTION", "ACCEPTED"] {
        for done in [false, true] {
            let mut world = new_world();
            world.put("alice", &task("mailto:alice@example.org", ""));
            world.answer("bob", first);
            world.news("alice");
            for (status, expected, news) in [
                (Some("IN-PROCESS"), "IN-PROCESS", 1),
                (Some("IN-PROCESS"), "IN-PROCESS", 0),
                (Some("COMPLETED"), "COMPLETED", 1),
                (None, "ACCEPTED", 1),
                (Some("COMPLETED"), "COMPLETED", 1),
                (Some("NEEDS-ACTION"), "ACCEPTED", 1),
            ] {
                tick(&mut world, status, done && status == Some("COMPLETED"));
                let case = format!("{first} {done} {status:?}");
                assert_eq!(world.news("alice").len(), news, "{case}");
                assert_eq!(said(&world), expected, "{case}");
                assert_eq!(
                    entry::participation(&bob_in(&world, "bob")),
                    expected,
                    "{case}"
                );
            }
        }
    }
}

/// Bob's line in somebody's copy.
fn bob_in(world: &World, whose: &str) -> calendar::Property {
    let entry = world.copy(whose).entries().next().unwrap();
    entry.property("ATTENDEE").unwrap().clone()
}

/// What is answered beside STATUS is the answer, and what the organizer says of the task is none.
#[test]
fn a_tick_answers_for_nothing_else() {
    let both = |status: &str, participation: &str| {
        let task = task("mailto:alice@example.org", &format!("STATUS:{status}"));
        let mut task = task.clone();
        for entry in task.entries_mut() {
            let line = entry.property_mut("ATTENDEE").unwrap();
            line.set_parameter("PARTSTAT", participation).unwrap();
        }
        task
    };
    let mut world = new_world();
    world.put("alice", &task("mailto:alice@example.org", ""));
    world.put("bob", &both("COMPLETED", "DECLINED"));
    assert!(
        world
            .line("alice", "ATTENDEE", "mailto:bob@example.org")
            .contains("DECLINED")
    );
    let mut world = new_world();
    world.put(
        "alice",
        &task("mailto:alice@example.org", "STATUS:COMPLETED"),
    );
    world.edit("bob", "X-MOZ-LASTACK", "20260101T000000Z");
    assert!(world.news("alice").is_empty());
}

/// RFC 6638 §3.2.2.3: an answer to a series goes for an instance that somebody else answered, however far the task has come.
#[test]
fn an_instance_goes_along_with_a_series_that_is_ticked() {
    let task = |more: &str, carol: &str| {
        stream(
            "VTODO",
            &format!(
                "UID:1\nDTSTAMP:20260101T100000Z\n{more}\nSUMMARY:Write\nORGANIZER:mailto:alice@example.org
                ATTENDEE:mailto:bob@example.org\nATTENDEE{carol}:mailto:carol@example.org"
            ),
        )
    };
    let mut world = new_world();
    let first = "DTSTART:20260302T080000Z\nDUE:20260302T090000Z\nRRULE:FREQ=WEEKLY;COUNT=4";
    world.put("alice", &task(first, ""));
    let second = "RECURRENCE-ID:20260309T080000Z\nDTSTART:20260309T080000Z\nDUE:20260309T090000Z";
    let second = task(second, ";PARTSTAT=ACCEPTED");
    let mut answered = world.copy("carol").clone();
    let component = second.entries().next().unwrap().clone();
    answered.calendar_mut().push_component(component);
    world.put("carol", &answered);
    assert_eq!(world.copy("bob").entries().count(), 2);
    for status in ["IN-PROCESS", "COMPLETED"] {
        let mut ticked = world.copy("bob").clone();
        let series = ticked.entries_mut().next().unwrap();
        series.set_raw_value("STATUS", status).unwrap();
        world.put("bob", &ticked);
        for who in ["alice", "bob"] {
            let people = people_lines(world.copy(who));
            let own = people
                .iter()
                .filter(|line| line.ends_with("bob@example.org"));
            let said = format!("PARTSTAT={status}");
            assert!(
                own.clone().all(|line| line.contains(&said)),
                "{who}: {people:?}"
            );
            assert_eq!(own.count(), 2, "{who}");
        }
    }
}
