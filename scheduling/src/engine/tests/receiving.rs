//! Messages that come by mail, in any order, more than once, and from anybody (RFC 5546 §2.1.5).

use super::*;

const X: &str = "mailto:x@elsewhere.net";

fn message(method: &str, lines: &str) -> CalendarObject {
    let mut object = event(&format!("UID:1\n{lines}"));
    object
        .calendar_mut()
        .set_raw_value("METHOD", method)
        .unwrap();
    object
}

fn invitation(sequence: u32, stamp: &str, more: &str) -> CalendarObject {
    message(
        "REQUEST",
        &format!(
            "SEQUENCE:{sequence}\nDTSTAMP:{stamp}\nDTSTART:20260301T090000Z\nORGANIZER:{X}\nATTENDEE;RSVP=TRUE:mailto:bob@example.org\n{more}"
        ),
    )
}

fn answer_of(attendee: &str, participation: &str, sequence: u32, stamp: &str) -> CalendarObject {
    message(
        "REPLY",
        &format!(
            "SEQUENCE:{sequence}\nDTSTAMP:{stamp}\nORGANIZER:mailto:alice@example.org\nATTENDEE;CN=Y;PARTSTAT={participation}:{attendee}"
        ),
    )
}

/// alice has invited somebody outside.
fn outside_invited() -> World {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting("ATTENDEE:mailto:x@elsewhere.net\nATTENDEE:mailto:bob@example.org"),
    );
    world
}

/// RFC 6638 §2.4.1: as in the organizer's own object, another spelling or another address of somebody is no news; the copy
/// has it, for the answer comes from there.
#[test]
fn another_address_of_an_attendee_is_no_news() {
    for line in [
        "ATTENDEE;RSVP=TRUE:MAILTO:Bob@Example.org",
        "ATTENDEE;RSVP=TRUE:mailto:robert@example.org",
    ] {
        let mut world = new_world();
        let first = invitation(0, "20260101T100000Z", "");
        world.mail_in("bob", Method::Request, X, first);
        world.inboxes.clear();
        let tag = world.tag("bob");
        let lines = format!(
            "SEQUENCE:0\nDTSTAMP:20260101T110000Z\nDTSTART:20260301T090000Z\nORGANIZER:MAILTO:X@Elsewhere.net\n{line}"
        );
        world.mail_in("bob", Method::Request, X, message("REQUEST", &lines));
        assert!(world.inboxes.is_empty(), "{line}");
        assert_eq!(world.tag("bob"), tag, "{line}");
        let copy = people_lines(world.copy("bob"));
        assert!(copy.contains(&line.to_owned()), "{copy:?}");
        // and what is new beside it is
        let lines = lines
            .replace("T110000Z", "T120000Z")
            .replace(line, "SUMMARY:New\nATTENDEE:mailto:bob@example.org");
        world.mail_in("bob", Method::Request, X, message("REQUEST", &lines));
        assert_eq!(world.news("bob"), ["REQUEST"], "{line}");
        assert_eq!(world.tag("bob"), tag + 1, "{line}");
    }
}

#[test]
fn requests_in_any_order() {
    // RFC 5546 §2.1.5: SEQUENCE, then DTSTAMP; both equal is the same message
    let cases = [
        (2, "20260101T100000Z", "same", false),
        (1, "20260101T120000Z", "lower", false),
        (2, "20260101T090000Z", "older", false),
        (2, "20260101T110000Z", "newer", true),
        (3, "20260101T090000Z", "higher", true),
    ];
    for (sequence, stamp, summary, applied) in cases {
        let mut world = new_world();
        let first = world.mail_in(
            "bob",
            Method::Request,
            X,
            invitation(2, "20260101T100000Z", "SUMMARY:first"),
        );
        assert!(matches!(first.copy, CopyChange::Create(_)) && first.inbox_item);
        // a client that writes its own DTSTAMP does not disturb the order (RFC 6638 §3.2.2.1)
        world.edit("bob", "DTSTAMP", "20300101T000000Z");
        let tag = world.tag("bob");
        let receipt = world.mail_in(
            "bob",
            Method::Request,
            X,
            invitation(sequence, stamp, &format!("SUMMARY:{summary}")),
        );
        let expected = if applied { summary } else { "first" };
        assert_eq!(world.value("bob", "SUMMARY"), Some(expected));
        assert_eq!(
            (receipt.inbox_item, receipt.schedule_tag_changes),
            (applied, applied),
            "{summary}"
        );
        assert_eq!(world.tag("bob") > tag, applied);
    }
}

#[test]
fn cancels_in_any_order() {
    // decision: equal or greater is applied
    for (sequence, applied) in [(1, false), (2, true), (3, true)] {
        let mut world = new_world();
        world.mail_in(
            "bob",
            Method::Request,
            X,
            invitation(2, "20260101T100000Z", ""),
        );
        let cancel = || {
            message(
                "CANCEL",
                &format!(
                    "SEQUENCE:{sequence}\nDTSTAMP:20260101T110000Z\nORGANIZER:{X}\nATTENDEE:mailto:bob@example.org"
                ),
            )
        };
        world.mail_in("bob", Method::Cancel, X, cancel());
        let entry = world.copy("bob").entries().next().unwrap();
        assert_eq!(
            entry.raw_value("STATUS") == Some("CANCELLED"),
            applied,
            "{sequence}"
        );
        // twice is once
        assert!(!world.mail_in("bob", Method::Cancel, X, cancel()).inbox_item);
    }
}

#[test]
fn replies_in_any_order() {
    // RFC 5546 §2.1.5: per attendee
    let mut world = outside_invited();
    let steps = [
        ("TENTATIVE", "20260101T100000Z", "TENTATIVE", true),
        ("TENTATIVE", "20260101T100000Z", "TENTATIVE", false),
        ("ACCEPTED", "20260101T110000Z", "ACCEPTED", true),
        ("DECLINED", "20260101T103000Z", "ACCEPTED", false),
    ];
    for (said, stamp, stored, applied) in steps {
        let tag = world.tag("alice");
        let receipt = world.mail_in("alice", Method::Reply, X, answer_of(X, said, 0, stamp));
        let line = world.line("alice", "ATTENDEE", X);
        assert!(
            line.contains(&format!("PARTSTAT={stored}"))
                && line.contains("CN=Y")
                && line.contains("SCHEDULE-STATUS=2.0"),
            "{line}"
        );
        assert_eq!(receipt.inbox_item, applied, "{said} {stamp}");
        assert_eq!(world.tag("alice"), tag);
        // others see the answer, and nothing of the bookkeeping
        let seen = world.line("bob", "ATTENDEE", X);
        assert!(
            seen.contains(&format!("PARTSTAT={stored}"))
                && !seen.contains("CONVOKE")
                && !seen.contains("SCHEDULE"),
            "{seen}"
        );
    }
    // bob's first reply is not measured by x's
    assert!(
        world
            .mail_in(
                "alice",
                Method::Reply,
                "mailto:bob@example.org",
                answer_of("mailto:bob@example.org", "ACCEPTED", 0, "20250101T000000Z")
            )
            .refresh_others
    );
}

/// RFC 5546 §2.1.5, §3.2.3: an answer says what it says, and also who has a clock that is behind, or answers without a word,
/// is heard. What is late is not taken, and the log says why.
#[test]
fn an_answer_is_taken_in_for_what_it_says() {
    // what is said, and how many minutes after the invitation (or before it) as the sender's clock has it; what is stored of
    // that, whether somebody is sent, and whether it is shown
    let sends = "DELEGATED;DELEGATED-TO=\"mailto:carol@example.org\"";
    let steps = [
        ("ACCEPTED", -10, "ACCEPTED", false, true),
        ("TENTATIVE", -11, "ACCEPTED", false, false),
        ("ACCEPTED", -9, "ACCEPTED", false, true),
        ("NEEDS-ACTION", -8, "NEEDS-ACTION", false, true),
        ("DELEGATED", 1, "DELEGATED", false, true),
        (sends, 2, "DELEGATED", true, true),
        // they do not say that they send nobody any more
        ("DELEGATED", 3, "DELEGATED", true, true),
        ("ACCEPTED", 4, "ACCEPTED", false, true),
    ];
    let mut world = outside_invited();
    let sent = Timestamp(START + MINUTE);
    for (said, minutes, stored, is_sent, is_shown) in steps {
        let stamp = utc(Timestamp(sent.0 + minutes * MINUTE));
        let reply = answer_of(X, said, 0, &stamp);
        let receipt = world.mail_in("alice", Method::Reply, X, reply);
        let line = world.line("alice", "ATTENDEE", X);
        let carol = world.line("alice", "ATTENDEE", "mailto:carol@example.org");
        let what = format!("{said} {minutes}: {line} {carol} {:?}", receipt.decisions);
        assert!(line.contains(&format!("PARTSTAT={stored}")), "{what}");
        assert_eq!(line.contains("DELEGATED-TO"), is_sent, "{what}");
        assert_eq!(!carol.is_empty(), is_sent, "{what}");
        assert_eq!(receipt.inbox_item, is_shown, "{what}");
        let is_told = matches!(&receipt.decisions[..], [Decision::NotApplied { .. }]);
        assert_eq!(is_told, !is_shown, "{what}");
    }
}

/// Who is here and takes an answer back by mail sees that in their copy.
#[test]
fn an_answer_is_taken_back_by_mail() {
    const BOB: &str = "mailto:bob@example.org";
    let mut world = outside_invited();
    world.answer("bob", "ACCEPTED");
    for said in ["NEEDS-ACTION", "TENTATIVE"] {
        let stamp = utc(world.now);
        let reply = answer_of(BOB, said, 0, &stamp);
        world.mail_in("alice", Method::Reply, BOB, reply);
        for who in ["alice", "bob"] {
            let line = world.line(who, "ATTENDEE", BOB);
            assert!(line.contains(&format!("PARTSTAT={said}")), "{who}: {line}");
        }
    }
}

#[test]
fn an_answer_to_what_was_before_comes_too_late() {
    // RFC 5546 §2.1.5: rescheduled meanwhile
    let mut world = outside_invited();
    world.edit("alice", "DTSTART", "20260301T080000Z");
    let receipt = world.mail_in(
        "alice",
        Method::Reply,
        X,
        answer_of(X, "ACCEPTED", 0, "20270101T000000Z"),
    );
    assert_eq!(receipt.copy, CopyChange::Unchanged);
    assert!(!world.line("alice", "ATTENDEE", X).contains("ACCEPTED"));
    world.mail_in(
        "alice",
        Method::Reply,
        X,
        answer_of(X, "ACCEPTED", 1, "20260101T000000Z"),
    );
    assert!(world.line("alice", "ATTENDEE", X).contains("ACCEPTED"));
    // an update of the words alone takes no answer back, nor makes one late
    let mut world = outside_invited();
    world.edit("alice", "SUMMARY", "Other");
    world.mail_in(
        "alice",
        Method::Reply,
        X,
        answer_of(X, "ACCEPTED", 0, "20260101T000000Z"),
    );
    assert!(world.line("alice", "ATTENDEE", X).contains("ACCEPTED"));
}

#[test]
fn the_status_of_a_reply_is_kept() {
    // RFC 6638 §4.2
    let mut world = outside_invited();
    let mut reply = answer_of(X, "ACCEPTED", 0, "20260101T100000Z");
    for status in ["2.0;Success", "2.8;ignored"] {
        reply.entries_mut().for_each(|entry| {
            entry.push_property(calendar::Property::new("REQUEST-STATUS", status).unwrap())
        });
    }
    world.mail_in("alice", Method::Reply, X, reply);
    assert!(
        world
            .line("alice", "ATTENDEE", X)
            .contains("SCHEDULE-STATUS=\"2.0,2.8\"")
    );
}

#[test]
fn what_only_the_user_can_decide_is_kept_and_not_applied() {
    let stamp = "20260101T100000Z";
    let cases: [(&str, Method, &str, CalendarObject); 4] = [
        // a party crasher
        (
            "alice",
            Method::Reply,
            "mailto:y@elsewhere.net",
            answer_of("mailto:y@elsewhere.net", "ACCEPTED", 0, stamp),
        ),
        // a sender who answers for somebody else
        (
            "alice",
            Method::Reply,
            "mailto:y@elsewhere.net",
            answer_of(X, "ACCEPTED", 0, stamp),
        ),
        // another organizer's claim upon the same UID
        ("bob", Method::Request, "mailto:y@elsewhere.net", {
            let mut object = invitation(9, stamp, "");
            object.entries_mut().for_each(|entry| {
                entry
                    .set_raw_value("ORGANIZER", "mailto:y@elsewhere.net")
                    .unwrap()
            });
            object
        }),
        // forwarded to somebody who is not invited
        ("carol", Method::Request, X, invitation(0, stamp, "")),
    ];
    for (to, method, sender, object) in cases {
        let mut world = outside_invited();
        let before = world.calendars.get(to).cloned();
        let to = world.name_of(world.people[to].id);
        let receipt = world.mail_in(to, method, sender, object);
        assert_eq!(
            (receipt.copy, receipt.inbox_item),
            (CopyChange::Unchanged, true)
        );
        assert!(matches!(
            receipt.decisions[..],
            [Decision::ForTheUser { .. }]
        ));
        assert_eq!(world.calendars.get(to), before.as_ref());
    }
}

#[test]
fn an_event_of_the_users_own_is_never_overwritten() {
    let mut world = new_world();
    world.put(
        "bob",
        &event("UID:1\nDTSTART:20260301T090000Z\nSUMMARY:Private"),
    );
    world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
    assert_eq!(world.value("bob", "SUMMARY"), Some("Private"));
    assert!(
        world
            .line("alice", "ATTENDEE", "mailto:bob@example.org")
            .contains("SCHEDULE-STATUS=5.3")
    );
}

#[test]
fn messages_about_nothing() {
    let mut world = new_world();
    let stamp = "20260101T100000Z";
    for (method, object) in [
        (
            Method::Cancel,
            message(
                "CANCEL",
                &format!("DTSTAMP:{stamp}\nORGANIZER:{X}\nATTENDEE:mailto:bob@example.org"),
            ),
        ),
        (Method::Reply, answer_of(X, "ACCEPTED", 0, stamp)),
    ] {
        let receipt = world.mail_in("bob", method, X, object);
        assert_eq!(
            (receipt.copy, receipt.inbox_item),
            (CopyChange::Unchanged, false)
        );
    }
    assert!(world.calendars.is_empty());
}

#[test]
fn a_late_answer_to_a_cancelled_meeting_changes_nothing() {
    let mut world = outside_invited();
    world.edit("alice", "STATUS", "CANCELLED");
    let receipt = world.mail_in(
        "alice",
        Method::Reply,
        X,
        answer_of(X, "ACCEPTED", 5, "20270101T000000Z"),
    );
    assert_eq!(receipt.copy, CopyChange::Unchanged);
}

#[test]
fn a_message_from_here_twice_is_once() {
    let mut world = new_world();
    world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
    let object = world.inboxes["bob"][0].clone();
    let message = Message {
        method: Method::Request,
        origin: Origin::Here,
        sender: "mailto:alice@example.org".to_owned(),
        uid: "1".to_owned(),
        is_refresh: false,
        tells_answer: false,
        is_sent_again: false,
        asks_again: Default::default(),
        has_waited: false,
        object,
        whole: None,
    };
    let delivery = Delivery {
        recipient: world.people["bob"].clone(),
        address: String::new(),
        message,
    };
    let receipt = world.deliver(&delivery);
    assert_eq!(
        (
            receipt.copy,
            receipt.inbox_item,
            receipt.schedule_tag_changes
        ),
        (CopyChange::Unchanged, false, false)
    );
}

#[test]
fn an_update_by_mail_keeps_the_own_answer_until_it_is_asked_anew() {
    // C5.2
    // RFC 6638 §4.1: the organizer's message may carry an older answer
    let mut world = new_world();
    world.mail_in(
        "bob",
        Method::Request,
        X,
        invitation(0, "20260101T100000Z", ""),
    );
    world.answer("bob", "ACCEPTED");
    world.mail_in(
        "bob",
        Method::Request,
        X,
        invitation(0, "20260101T110000Z", "SUMMARY:x"),
    );
    let line = world.line("bob", "ATTENDEE", "mailto:bob@example.org");
    assert!(line.contains("PARTSTAT=ACCEPTED"), "{line}");
    let moved = {
        let mut object = invitation(1, "20260101T120000Z", "");
        object
            .entries_mut()
            .for_each(|entry| entry.set_raw_value("DTSTART", "20260301T110000Z").unwrap());
        object
    };
    world.mail_in("bob", Method::Request, X, moved);
    let line = world.line("bob", "ATTENDEE", "mailto:bob@example.org");
    assert!(
        !line.contains("ACCEPTED") && line.contains("RSVP=TRUE"),
        "{line}"
    );
}

#[test]
fn what_its_owner_leaves_to_others_stays_as_it_is() {
    // RFC 6638 §7.1; C3.6
    for agent in ["CLIENT", "NONE"] {
        let mut world = new_world();
        world.put("alice", &meeting("ATTENDEE:mailto:bob@example.org"));
        let mut object = world.copy("bob").clone();
        for line in object
            .entries_mut()
            .flat_map(|entry| entry.properties_mut())
        {
            if line.is("ORGANIZER") {
                line.set_parameter("SCHEDULE-AGENT", agent).unwrap();
            }
        }
        world.put("bob", &object);
        world.edit("alice", "SUMMARY", "Another");
        assert_eq!(world.value("bob", "SUMMARY"), Some("Plan"), "{agent}");
        world.delete("alice");
        assert_eq!(world.value("bob", "STATUS"), None, "{agent}");
    }
}
