//! What organizers and attendees elsewhere have not heard of each other: mails cross, and are lost.

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const BOB: &str = "mailto:bob@example.org";
const AT: &str = "DTSTART:20260301T090000Z";

/// A message of X about an event or a to-do of theirs, at some minute of an hour.
fn message(method: &str, component: &str, minute: u32, lines: &str) -> CalendarObject {
    let lines = format!("UID:1\nDTSTAMP:20260101T10{minute:02}00Z\n{lines}");
    let mut object = stream(component, &lines);
    object
        .calendar_mut()
        .set_raw_value("METHOD", method)
        .unwrap();
    object
}

/// X invites bob, of whom they say `said`.
fn request(minute: u32, said: &str, lines: &str) -> CalendarObject {
    let lines = format!("ORGANIZER:{X}\nATTENDEE{said}:{BOB}\n{lines}");
    message("REQUEST", "VEVENT", minute, &lines)
}

/// X has invited bob, who has answered.
fn answered(component: &str, lines: &str, participation: &str) -> World {
    let mut world = new_world();
    let lines = format!("ORGANIZER:{X}\nATTENDEE;RSVP=TRUE:{BOB}\n{lines}");
    let invitation = message("REQUEST", component, 0, &lines);
    world.mail_in("bob", Method::Request, X, invitation);
    world.answer("bob", participation);
    world.news("bob");
    world.mails.clear();
    world
}

/// The answers that went out since the last look, with their components in one line each.
fn answers(world: &mut World) -> Vec<String> {
    let mails = std::mem::take(&mut world.mails);
    let said = mails.iter().map(|mail| {
        assert_eq!((mail.method.as_str(), &*mail.recipient), ("REPLY", X));
        let object = CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap();
        let entries = object.entries().map(|entry| {
            let id = entry.raw_value("RECURRENCE-ID").unwrap_or("all");
            let line = entry.property("ATTENDEE").unwrap();
            format!("{id} {}", line.parameter("PARTSTAT").unwrap())
        });
        entries.collect::<Vec<_>>().join(", ")
    });
    said.collect()
}

/// An answer comes from who gives it: the organizer may not have heard it when they write (C5.2).
#[test]
fn an_older_answer_takes_back_none() {
    for (said, minute) in [("ACCEPTED", 10), ("NEEDS-ACTION", 10), ("TENTATIVE", 10)] {
        let mut world = answered("VEVENT", AT, "ACCEPTED");
        world.answer("bob", "DECLINED");
        let tag = world.tag("bob");
        let update = request(
            minute,
            &format!(";PARTSTAT={said}"),
            &format!("{AT}\nDESCRIPTION:New"),
        );
        world.mail_in("bob", Method::Request, X, update);
        assert_eq!(world.value("bob", "DESCRIPTION"), Some("New"));
        let line = world.line("bob", "ATTENDEE", BOB);
        assert!(line.contains("PARTSTAT=DECLINED"), "{said}: {line}");
        assert_eq!(
            world.tag("bob"),
            tag + 1,
            "it says something else of the meeting"
        );
        // asked anew, what the organizer says holds
        let moved = "SEQUENCE:1\nDTSTART:20260302T090000Z";
        let moved = request(20, &format!(";PARTSTAT={said}"), moved);
        world.mail_in("bob", Method::Request, X, moved);
        let line = world.line("bob", "ATTENDEE", BOB);
        assert!(line.contains(&format!("PARTSTAT={said}")), "{said}: {line}");
    }
}

/// What the organizer knows by another way than the copy stands in it where that has no answer.
#[test]
fn an_answer_that_was_given_elsewhere_is_taken_over() {
    let mut world = new_world();
    world.mail_in("bob", Method::Request, X, request(0, ";RSVP=TRUE", AT));
    world.mail_in(
        "bob",
        Method::Request,
        X,
        request(10, ";PARTSTAT=ACCEPTED", AT),
    );
    let line = world.line("bob", "ATTENDEE", BOB);
    assert!(line.contains("PARTSTAT=ACCEPTED"), "{line}");
}

/// RFC 5546 §3.2.2.7
#[test]
fn who_is_asked_again_for_an_answer_already_given_gives_it_again() {
    let asks = ";PARTSTAT=NEEDS-ACTION;RSVP=TRUE";
    for (said, lines, expected) in [
        (asks, AT, &["all ACCEPTED"][..]),
        (
            asks,
            "DTSTART:20260301T090000Z\nSUMMARY:New",
            &["all ACCEPTED"],
        ),
        // who knows it, or wants none
        (";PARTSTAT=ACCEPTED;RSVP=TRUE", AT, &[]),
        (";PARTSTAT=NEEDS-ACTION", AT, &[]),
        // asked anew: that is for bob to answer
        (asks, "SEQUENCE:1\nDTSTART:20260302T090000Z", &[]),
    ] {
        let mut world = answered("VEVENT", AT, "ACCEPTED");
        world.mail_in("bob", Method::Request, X, request(10, said, lines));
        assert_eq!(answers(&mut world), expected, "{said} {lines}");
        // what was sent before is late
        world.mail_in("bob", Method::Request, X, request(0, said, lines));
        assert!(answers(&mut world).is_empty(), "{said} {lines}");
    }
}

/// A room that answers by itself believes nobody what it answered, and yet tells it only to who does not know it.
#[test]
fn a_room_answers_again_who_has_not_heard_it() {
    let to_room = |minute: u32, said: &str, lines: &str| {
        let lines = format!("{lines}\nORGANIZER:{X}\nATTENDEE{said}:mailto:room@example.org");
        message("REQUEST", "VEVENT", minute, &lines)
    };
    let other = "DTSTART:20260301T090000Z\nSUMMARY:Other";
    for (said, follow_up) in [
        (";PARTSTAT=ACCEPTED;RSVP=TRUE", FollowUp::Nothing),
        (";PARTSTAT=DECLINED;RSVP=TRUE", FollowUp::Nothing),
        (";PARTSTAT=NEEDS-ACTION;RSVP=TRUE", FollowUp::AnswerAgain),
        (";RSVP=TRUE", FollowUp::AnswerAgain),
    ] {
        let mut world = new_world();
        let room = Arc::make_mut(world.people.get_mut("room").unwrap());
        room.booking = storage::model::Booking::Automatic;
        world.mail_in("room", Method::Request, X, to_room(0, ";RSVP=TRUE", AT));
        world.answer("room", "ACCEPTED");
        let again = world.mail_in("room", Method::Request, X, to_room(10, said, other));
        assert_eq!(again.follow_up, follow_up, "{said}");
        assert_eq!(world.value("room", "SUMMARY"), Some("Other"));
        let line = world.line("room", "ATTENDEE", "mailto:room@example.org");
        assert!(line.contains("PARTSTAT=ACCEPTED"), "{said} {line}");
    }
}

/// RFC 6638 §8.1: what bob did not want to tell stays untold.
#[test]
fn an_answer_that_was_not_to_be_told_is_not_given_again() {
    let mut world = new_world();
    world.mail_in("bob", Method::Request, X, request(0, ";RSVP=TRUE", AT));
    world.schedule_reply = false;
    world.answer("bob", "DECLINED");
    world.mail_in("bob", Method::Request, X, request(10, ";RSVP=TRUE", AT));
    assert!(answers(&mut world).is_empty());
    // nor is it where one before was told, whatever the client sends back
    let mut world = answered("VEVENT", AT, "ACCEPTED");
    world.schedule_reply = false;
    world.answer("bob", "DECLINED");
    let mut copy = world.copy("bob").clone();
    for entry in copy.entries_mut() {
        let line = entry.property_mut("ORGANIZER").unwrap();
        line.remove_parameter("X-CONVOKE-UNTOLD");
    }
    world.put("bob", &copy);
    for minute in [10, 11] {
        world.mail_in("bob", Method::Request, X, request(minute, ";RSVP=TRUE", AT));
        assert!(answers(&mut world).is_empty(), "{minute}");
    }
    // until another one is told
    world.schedule_reply = true;
    world.answer("bob", "TENTATIVE");
    assert_eq!(answers(&mut world), ["all TENTATIVE"]);
    world.mail_in("bob", Method::Request, X, request(12, ";RSVP=TRUE", AT));
    assert_eq!(answers(&mut world), ["all TENTATIVE"]);
}

/// What was said of single instances is said again with the rest.
#[test]
fn all_answers_to_a_series_are_given_again() {
    let daily = format!("{AT}\nRRULE:FREQ=DAILY;COUNT=5");
    let mut world = answered("VEVENT", &daily, "ACCEPTED");
    let mut object = world.copy("bob").clone();
    let series = object.entries_mut().next().unwrap();
    series.push_property(calendar::Property::new("EXDATE", "20260302T090000Z").unwrap());
    world.put("bob", &object);
    world.mails.clear();
    world.mail_in("bob", Method::Request, X, request(10, ";RSVP=TRUE", &daily));
    let said = answers(&mut world);
    assert_eq!(said, ["all ACCEPTED, 20260302T090000Z DECLINED"]);
}

/// RFC 5546 §3.4.6: "The Organizer of the VTODO calendar component MAY use this method to request an updated status from
/// the Attendees."
#[test]
fn the_organizer_of_a_task_asks_how_far_it_is() {
    let question = |component: &str| message("REFRESH", component, 10, &format!("ATTENDEE:{BOB}"));
    for (component, sender, expected) in [
        ("VTODO", X, &["all ACCEPTED"][..]),
        ("VTODO", "mailto:y@elsewhere.net", &[]),
        ("VEVENT", X, &[]),
    ] {
        let mut world = answered(component, AT, "ACCEPTED");
        let receipt = world.hand_in("bob", sender, &question(component)).unwrap();
        assert_eq!(receipt.copy, CopyChange::Unchanged);
        assert!(!receipt.inbox_item || component == "VEVENT" || sender != X);
        assert_eq!(answers(&mut world), expected, "{component} {sender}");
    }
}

/// C4.3: whether anything changed in time, an organizer elsewhere says by SEQUENCE alone (RFC 5546 §2.1.4).
#[test]
fn what_was_declined_and_removed_and_may_have_moved_waits_for_its_recipient() {
    for (sequence, is_held) in [(0, false), (1, true)] {
        let mut world = answered("VEVENT", AT, "DECLINED");
        world.delete("bob");
        let moved = format!("SEQUENCE:{sequence}\nDTSTART:20260302T090000Z");
        let moved = request(10, ";PARTSTAT=DECLINED", &moved);
        let receipt = world.mail_in("bob", Method::Request, X, moved);
        assert_eq!(receipt.copy, CopyChange::Unchanged, "{sequence}");
        assert_eq!(receipt.inbox_item, is_held, "{sequence}");
        let decision = &receipt.decisions[0];
        assert_eq!(decision.is_for_the_user(), is_held, "{decision}");
    }
}

/// RFC 5546 §2.1.4: an answer to an older revision; its sender is told the newest, unless they know it.
#[test]
fn who_answers_what_was_before_is_told_what_is_now() {
    let answer = |minute: u32, sequence: u32, said: &str| {
        let lines = format!(
            "SEQUENCE:{sequence}\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT={said}:{X}"
        );
        message("REPLY", "VEVENT", minute, &lines)
    };
    let mut world = new_world();
    world.put("alice", &meeting(&format!("ATTENDEE:{X}")));
    world.edit("alice", "DTSTART", "20260302T090000Z");
    world.mails.clear();
    world.mail_in("alice", Method::Reply, X, answer(0, 0, "ACCEPTED"));
    assert!(!world.line("alice", "ATTENDEE", X).contains("PARTSTAT"));
    let mails = std::mem::take(&mut world.mails);
    let told: Vec<_> = mails
        .iter()
        .map(|it| (&*it.method, &*it.recipient))
        .collect();
    assert_eq!(told, [("REQUEST", X)]);
    let text = String::from_utf8(mails[0].calendar.to_vec()).unwrap();
    assert!(text.contains("DTSTART:20260302T090000Z"), "{text}");
    // who has answered that knows it
    world.mail_in("alice", Method::Reply, X, answer(20, 1, "DECLINED"));
    world.mail_in("alice", Method::Reply, X, answer(1, 0, "TENTATIVE"));
    assert!(world.mails.is_empty());
}
