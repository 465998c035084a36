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
