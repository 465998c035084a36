//! What an attendee comments is theirs, as the alarm is (RFC 6638 §3.2.2.1; C3.4, C5.2, C6.1).

use super::*;

fn comments(world: &World, who: &str) -> Vec<String> {
    let entry = world.copy(who).entries().next().unwrap();
    let mut found: Vec<String> = entry
        .properties_named("COMMENT")
        .map(|line| line.raw_value().to_owned())
        .collect();
    found.sort();
    found
}

fn commented(object: &CalendarObject, participation: &str, comment: &str) -> CalendarObject {
    let mut object = object.clone();
    for entry in object.entries_mut() {
        entry.push_property(calendar::Property::new("COMMENT", comment).unwrap());
        let lines = entry.properties_mut().filter(|line| line.is("ATTENDEE"));
        for line in lines.filter(|line| line.raw_value().contains("bob")) {
            line.set_parameter("PARTSTAT", participation).unwrap();
        }
    }
    object
}

#[test]
fn a_comment_outlasts_what_others_say() {
    let mut world = new_world();
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org";
    world.put("alice", &meeting(both));
    let sent = commented(world.copy("bob"), "ACCEPTED", "I come late");
    world.put("bob", &sent);
    let reply = lines(&world.inboxes["alice"][0]);
    assert!(
        reply.contains(&"COMMENT:I come late".to_owned()),
        "{reply:?}"
    );
    world.inboxes.clear();
    let tag = world.tag("bob");
    // somebody else answers
    world.answer("carol", "ACCEPTED");
    assert_eq!(comments(&world, "bob"), ["I come late"]);
    assert_eq!(world.tag("bob"), tag);
    world.inboxes.clear();
    // a client stores again what it had, without any condition
    world.put("bob", &sent);
    assert!(world.inboxes.is_empty());
    assert_eq!(comments(&world, "bob"), ["I come late"]);
    // the organizer's comments stand beside, and go by themselves
    world.edit("alice", "COMMENT", "Bring the plan");
    assert_eq!(comments(&world, "bob"), ["Bring the plan", "I come late"]);
    assert_eq!(comments(&world, "carol"), ["Bring the plan"]);
    let mut without = world.copy("alice").clone();
    for entry in without.entries_mut() {
        entry.remove_properties("COMMENT");
        entry.set_raw_value("SUMMARY", "Other").unwrap();
    }
    world.put("alice", &without);
    assert_eq!(comments(&world, "bob"), ["I come late"]);
    // and the attendee takes it back
    let mut without = world.copy("bob").clone();
    for entry in without.entries_mut() {
        entry.remove_properties("COMMENT");
    }
    world.put("bob", &without);
    world.edit("alice", "SUMMARY", "Another");
    assert!(comments(&world, "bob").is_empty());
}

#[test]
fn a_comment_to_somebody_elsewhere_is_said_once() {
    let x = "mailto:x@elsewhere.net";
    let said = |summary: &str, minute: u32| {
        stream(
            "VEVENT",
            &format!(
                "UID:1\nDTSTAMP:20260101T10{minute:02}00Z\nDTSTART:20260301T090000Z\nSUMMARY:{summary}\nCOMMENT:By train\nORGANIZER:{x}\nATTENDEE:mailto:bob@example.org"
            ),
        )
    };
    let mut world = new_world();
    world.mail_in("bob", Method::Request, x, said("One", 0));
    let sent = commented(world.copy("bob"), "ACCEPTED", "I come late");
    world.put("bob", &sent);
    let mail = String::from_utf8(world.mails[0].calendar.to_vec()).unwrap();
    assert!(mail.contains("\r\nCOMMENT:I come late\r\n"), "{mail}");
    assert!(!mail.contains("By train"), "{mail}");
    world.mail_in("bob", Method::Request, x, said("Two", 1));
    assert_eq!(comments(&world, "bob"), ["By train", "I come late"]);
    world.edit("bob", "TRANSP", "TRANSPARENT");
    assert_eq!(world.mails.len(), 1);
    // who is sent in the attendee's place gets what the organizer said
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
    assert!(
        mail.contains("COMMENT:By train") && !mail.contains("late"),
        "{mail}"
    );
}

#[test]
fn nobody_knows_whose_the_comments_are_of_what_a_client_stores_as_new() {
    const X: &str = "mailto:x@elsewhere.net";
    let said = |summary: &str, comment: &str, own: &str, minute: u32| {
        event(&format!(
            "UID:1\nDTSTAMP:20260101T10{minute:02}00Z\nDTSTART:20260301T090000Z\nSUMMARY:{summary}\nCOMMENT:{comment}\nORGANIZER:{X}\nATTENDEE;{own}:mailto:bob@example.org"
        ))
    };
    let mail_of = |world: &World, method: &str| {
        let mail = world.mails.iter().rfind(|it| it.method == method).unwrap();
        String::from_utf8(mail.calendar.to_vec()).unwrap()
    };
    let sends = "DELEGATED-FROM=\"mailto:bob@example.org\":mailto:y@elsewhere.net\nATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:y@elsewhere.net\"";
    // the organizer knows, and who is sent is told what the organizer says
    for at_once in [true, false] {
        let mut world = new_world();
        let own = if at_once { sends } else { "PARTSTAT=ACCEPTED" };
        world.put("bob", &said("One", "By train", own, 0));
        assert!(mail_of(&world, "REPLY").contains("\r\nCOMMENT:By train\r\n"));
        world.edit("bob", "TRANSP", "TRANSPARENT");
        if !at_once {
            world.put("bob", &said("One", "By train", sends, 0));
        }
        assert!(!mail_of(&world, "REQUEST").contains("By train"));
    }
    // and takes it back
    let mut world = new_world();
    world.put("bob", &said("One", "By train", "PARTSTAT=ACCEPTED", 0));
    let late = commented(world.copy("bob"), "TENTATIVE", "I come late");
    world.put("bob", &late);
    let is_in_time = "PARTSTAT=NEEDS-ACTION";
    world.mail_in(
        "bob",
        Method::Request,
        X,
        said("Two", "By car", is_in_time, 1),
    );
    assert_eq!(comments(&world, "bob"), ["By car", "I come late"]);
}

#[test]
fn what_the_server_notes_stays_with_the_object() {
    const X: &str = "mailto:x@elsewhere.net";
    let forged = |object: &CalendarObject| {
        let mut object = object.clone();
        let reason = calendar::Property::new("X-CONVOKE-REASON", "none").unwrap();
        object.calendar_mut().push_property(reason);
        for entry in object.entries_mut() {
            for line in entry.properties_mut() {
                let (note, value) = match line.name() {
                    "COMMENT" => ("X-CONVOKE-OWN", "TRUE"),
                    "ORGANIZER" | "ATTENDEE" => ("x-convoke-revision", "99-20990101T000000Z"),
                    _ => ("X-CONVOKE-OF", "TRANSP"),
                };
                line.set_parameter(note, value).unwrap();
            }
            for (name, value) in [
                ("X-CONVOKE-SENT", "1"),
                ("X-CONVOKE-DECLINED", "20260301T090000Z"),
            ] {
                entry.push_property(calendar::Property::new(name, value).unwrap());
            }
        }
        object
    };
    let text = |object: &CalendarObject| String::from_utf8(object.to_octets().to_vec()).unwrap();
    let has_notes = |text: &str| text.to_ascii_uppercase().contains("X-CONVOKE-");
    // of an organizer's client
    let mut world = new_world();
    let left = "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:carol@example.org";
    let people = format!("COMMENT:By train\nATTENDEE:mailto:bob@example.org\n{left}\nATTENDEE:{X}");
    world.put("alice", &forged(&meeting(&people)));
    let mail = String::from_utf8(world.mails[0].calendar.to_vec()).unwrap();
    for sent in [
        &mail,
        &text(world.copy("bob")),
        &text(&world.inboxes["bob"][0]),
    ] {
        assert!(sent.contains("By train") && !has_notes(sent), "{sent}");
    }
    let people = people_lines(world.copy("alice"));
    let mut attendees = people.iter().filter(|line| line.starts_with("ATTENDEE"));
    assert!(!attendees.any(|line| has_notes(line)), "{people:?}");
    // of who sends from outside
    let said = |place: &str, minute: u32| {
        event(&format!(
            "UID:1\nDTSTAMP:20260101T10{minute:02}00Z\nDTSTART:20260301T090000Z\nLOCATION:{place}\nCOMMENT:By train\nORGANIZER:{X}\nATTENDEE:mailto:bob@example.org"
        ))
    };
    let as_sent = |object: &CalendarObject| {
        let mut object = object.clone();
        object
            .calendar_mut()
            .set_raw_value("METHOD", "REQUEST")
            .unwrap();
        object
    };
    let mut world = new_world();
    world
        .hand_in("bob", X, &as_sent(&forged(&said("One", 0))))
        .unwrap();
    let stored = text(world.copy("bob")).replace("X-CONVOKE-REVISION=0-20260101T100000Z", "");
    assert!(!has_notes(&stored), "{stored}");
    // of an attendee's client: a later message has its effect all the same
    let mut world = new_world();
    world.put("bob", &forged(&said("One", 0)));
    world.hand_in("bob", X, &as_sent(&said("Two", 1))).unwrap();
    assert_eq!(world.value("bob", "LOCATION"), Some("Two"));
    assert_eq!(comments(&world, "bob"), ["By train"]);
}

fn attendee_comments(world: &World) -> Vec<String> {
    let lines = lines(world.copy("alice")).into_iter();
    let is_it = |line: &String| line.starts_with("X-CALENDARSERVER-ATTENDEE-COMMENT");
    lines.filter(is_it).collect()
}

/// C5.10, caldav-privatecomments §3.2: the organizer sees who commented what, and nobody else does.
#[test]
fn a_comment_stands_in_the_organizers_object() {
    let mut world = new_world();
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org";
    world.put("alice", &meeting(both));
    world.put(
        "bob",
        &commented(world.copy("bob"), "ACCEPTED", "I come late"),
    );
    let said = attendee_comments(&world);
    let [line] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(line.ends_with(":I come late"), "{line}");
    let of_bob = "X-CALENDARSERVER-ATTENDEE-REF=\"mailto:bob@example.org\"";
    assert!(
        line.contains(of_bob) && line.contains("X-CALENDARSERVER-DTSTAMP=2"),
        "{line}"
    );
    for who in ["bob", "carol"] {
        let text = lines(world.copy(who)).join(" ");
        assert!(!text.contains("ATTENDEE-COMMENT"), "{who}: {text}");
    }
    // a client that does not know it leaves it out, and nobody hears of that
    world.inboxes.clear();
    let mut without = world.copy("alice").clone();
    for entry in without.entries_mut() {
        entry.remove_properties("X-CALENDARSERVER-ATTENDEE-COMMENT");
    }
    world.put("alice", &without);
    assert_eq!(attendee_comments(&world), said);
    assert!(world.inboxes.is_empty());
    // all hear of what the organizer changes, and not of that
    world.edit("alice", "LOCATION", "Hall");
    for who in ["bob", "carol"] {
        let told = lines(&world.inboxes[who][0]).join(" ");
        assert!(!told.contains("ATTENDEE-COMMENT"), "{who}: {told}");
    }
    assert_eq!(attendee_comments(&world), said);
    // another answer, with another comment, and with none that is new
    world.put(
        "bob",
        &commented(world.copy("bob"), "TENTATIVE", "or not at all"),
    );
    world.answer("bob", "ACCEPTED");
    let said = attendee_comments(&world);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("or not at all"), "{said:?}");
    // nobody puts words into anybody's mouth
    let mut forged = world.copy("alice").clone();
    for entry in forged.entries_mut() {
        let mut lines = entry.properties_mut();
        let line = lines.find(|line| line.is("X-CALENDARSERVER-ATTENDEE-COMMENT"));
        line.unwrap().set_raw_value("I come late").unwrap();
    }
    world.put("alice", &forged);
    assert_eq!(attendee_comments(&world), said);
    // with who is not invited any more it goes
    world.put("alice", &meeting("ATTENDEE:mailto:carol@example.org"));
    assert!(attendee_comments(&world).is_empty());
}

/// What Bob's copy says by these properties, and by PARTSTAT.
fn says(world: &mut World, participation: &str, lines: &[(&str, &str)]) {
    let mut object = world.copy("bob").clone();
    for entry in object.entries_mut() {
        for name in ["COMMENT", "X-CALENDARSERVER-PRIVATE-COMMENT"] {
            entry.remove_properties(name);
        }
        for (name, value) in lines {
            entry.push_property(calendar::Property::new(name, value).unwrap());
        }
    }
    world.put("bob", &object);
    world.answer("bob", participation);
}

/// The value of the only comment in Alice's object.
fn noted(world: &World) -> String {
    let said = attendee_comments(world);
    assert_eq!(said.len(), 1, "{said:?}");
    said[0]
        .rsplit_once("bob@example.org\":")
        .unwrap()
        .1
        .to_owned()
}

/// caldav-privatecomments §3.2, note 1: an answer says all that the attendee comments, and takes back what it does not.
#[test]
fn a_comment_that_is_taken_back_goes_with_the_next_answer() {
    for name in ["COMMENT", "X-CALENDARSERVER-PRIVATE-COMMENT"] {
        let mut world = new_world();
        world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
        says(&mut world, "ACCEPTED", &[(name, "I come late")]);
        assert_eq!(noted(&world), "I come late");
        world.answer("bob", "TENTATIVE");
        assert_eq!(noted(&world), "I come late", "it is said still");
        says(&mut world, "ACCEPTED", &[]);
        assert_eq!(noted(&world), "");
    }
    // who answers by mail says nothing of it any more
    const X: &str = "mailto:x@elsewhere.net";
    for name in ["COMMENT", "X-CALENDARSERVER-PRIVATE-COMMENT"] {
        let mut world = new_world();
        world.put("alice", &meeting(&format!("ATTENDEE:{X}")));
        for (minute, line, expected) in [
            (1, format!("{name}:late\n"), ":late"),
            (2, String::new(), ":"),
        ] {
            let reply = format!(
                "UID:1\nDTSTAMP:20260101T10{minute:02}00Z\n{line}ORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=ACCEPTED:{X}"
            );
            let mut reply = event(&reply);
            let method = calendar::Property::new("METHOD", "REPLY").unwrap();
            reply.calendar_mut().push_property(method);
            world.hand_in("alice", X, &reply).unwrap();
            let said = attendee_comments(&world);
            assert!(said[0].ends_with(&format!("\"{expected}")), "{said:?}");
        }
    }
}

/// caldav-privatecomments §3.1: that it is new is told, also when nothing else is.
#[test]
fn what_is_said_to_the_organizer_alone_is_told_by_itself() {
    const PRIVATE: &str = "X-CALENDARSERVER-PRIVATE-COMMENT";
    let mut world = new_world();
    let both = "ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org";
    world.put("alice", &meeting(both));
    world.answer("bob", "ACCEPTED");
    world.inboxes.clear();
    for (said, expected) in [
        (&[(PRIVATE, "not with Carol")][..], "not with Carol"),
        (&[(PRIVATE, "not without Dave")], "not without Dave"),
        (&[], ""),
        // two that say the same are one, and each is told
        (&[(PRIVATE, "late"), ("COMMENT", "late")], "late"),
        (
            &[(PRIVATE, "late"), ("COMMENT", "by train")],
            "late\\nby train",
        ),
    ] {
        says(&mut world, "ACCEPTED", said);
        assert_eq!(noted(&world), expected);
        assert_eq!(world.news("alice"), ["REPLY"], "{expected}");
    }
    world.edit("alice", "SUMMARY", "Other");
    assert_eq!(noted(&world), "late\\nby train");
    let own = format!("{PRIVATE}:late");
    assert!(lines(world.copy("bob")).contains(&own), "it stays with him");
    for object in [world.copy("carol"), &world.inboxes["carol"][0]] {
        let text = lines(object).join(" ");
        assert!(!text.contains("late"), "{text}");
    }
    world.inboxes.clear();
    world.edit("bob", "TRANSP", "TRANSPARENT");
    assert!(world.inboxes.is_empty());
}

/// An instance of which it is said gets a component of its own; who is elsewhere is told, too.
#[test]
fn what_is_said_of_an_instance_stands_there() {
    const X: &str = "mailto:x@elsewhere.net";
    const PRIVATE: &str = "X-CALENDARSERVER-PRIVATE-COMMENT";
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("RRULE:FREQ=DAILY;COUNT=9\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"),
    );
    let mut object = world.copy("bob").clone();
    let mut own = object.entries().next().unwrap().clone();
    own.remove_properties("RRULE");
    for (name, value) in [
        ("RECURRENCE-ID", "20260302T090000Z"),
        ("DTSTART", "20260302T090000Z"),
        ("DTEND", "20260302T100000Z"),
        (PRIVATE, "late"),
    ] {
        own.set_raw_value(name, value).unwrap();
    }
    object.calendar_mut().push_component(own);
    world.put("bob", &object);
    assert_eq!(noted(&world), "late");
    let of_instance = world.copy("alice").entries().nth(1).unwrap();
    assert_eq!(
        of_instance.raw_value("RECURRENCE-ID"),
        Some("20260302T090000Z")
    );
    assert!(
        of_instance
            .property("X-CALENDARSERVER-ATTENDEE-COMMENT")
            .is_some()
    );
    // elsewhere
    let mut world = new_world();
    let invitation = event(&format!(
        "UID:1\nDTSTAMP:20260101T100000Z\nDTSTART:20260301T090000Z\nORGANIZER:{X}\nATTENDEE:mailto:bob@example.org"
    ));
    world.mail_in("bob", Method::Request, X, invitation);
    says(&mut world, "ACCEPTED", &[(PRIVATE, "late")]);
    let mail = String::from_utf8(world.mails[0].calendar.to_vec()).unwrap();
    assert!(
        mail.contains("\r\nX-CALENDARSERVER-PRIVATE-COMMENT:late\r\n"),
        "{mail}"
    );
}
