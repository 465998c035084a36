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
