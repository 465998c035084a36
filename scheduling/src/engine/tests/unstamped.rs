//! Messages without a DTSTAMP that can be read: it only breaks a tie, so SEQUENCE alone tells (RFC 5546 §2.1.5).

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const NO_STAMPS: [&str; 2] = ["", "DTSTAMP:today\n"];

fn message(method: &str, lines: &str) -> CalendarObject {
    let mut object = event(&format!("UID:1\n{lines}"));
    object
        .calendar_mut()
        .set_raw_value("METHOD", method)
        .unwrap();
    object
}

fn answer(participation: &str, sequence: u32, stamp: &str) -> CalendarObject {
    let lines = format!(
        "SEQUENCE:{sequence}\n{stamp}ORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT={participation}:{X}"
    );
    message("REPLY", &lines)
}

#[test]
fn an_answer_is_late_by_its_sequence_alone() {
    for stamp in NO_STAMPS {
        let mut world = new_world();
        world.put("alice", &meeting(&format!("ATTENDEE:{X}")));
        world.edit("alice", "DTSTART", "20260301T080000Z");
        // to what was before, to what is, and another one to that
        for (sequence, said, stored) in [
            (0, "ACCEPTED", "ATTENDEE"),
            (1, "ACCEPTED", "PARTSTAT=ACCEPTED"),
            (1, "DECLINED", "PARTSTAT=DECLINED"),
            (0, "TENTATIVE", "PARTSTAT=DECLINED"),
        ] {
            world.mail_in("alice", Method::Reply, X, answer(said, sequence, stamp));
            let line = world.line("alice", "ATTENDEE", X);
            assert!(line.contains(stored), "{stamp}{sequence} {said}: {line}");
            assert_eq!(line.contains("PARTSTAT"), stored.contains("PARTSTAT"));
        }
        // after one that says when it was given
        let stamped = answer("ACCEPTED", 1, "DTSTAMP:20300101T000000Z\n");
        world.mail_in("alice", Method::Reply, X, stamped);
        world.mail_in("alice", Method::Reply, X, answer("DECLINED", 1, stamp));
        let line = world.line("alice", "ATTENDEE", X);
        assert!(line.contains("PARTSTAT=DECLINED"), "{stamp}{line}");
    }
}

#[test]
fn an_update_is_late_by_its_sequence_alone() {
    let request = |sequence: u32, stamp: &str, more: &str| {
        let lines = format!(
            "SEQUENCE:{sequence}\n{stamp}DTSTART:20260301T090000Z\nORGANIZER:{X}\nATTENDEE:mailto:bob@example.org\n{more}"
        );
        message("REQUEST", &lines)
    };
    let daily = "RRULE:FREQ=DAILY;COUNT=9\nSUMMARY:first";
    for stamp in NO_STAMPS {
        for (sequence, is_applied) in [(0, false), (1, true), (2, true)] {
            let mut world = new_world();
            let first = request(1, "DTSTAMP:20260101T100000Z\n", daily);
            world.mail_in("bob", Method::Request, X, first);
            world.news("bob");
            // of one instance, and of all of it
            let instance = "RECURRENCE-ID:20260302T090000Z\nSUMMARY:other";
            let instance = request(sequence, stamp, instance);
            world.mail_in("bob", Method::Request, X, instance);
            let entries = world.copy("bob").entries().count();
            assert_eq!(entries == 2, is_applied, "{stamp}{sequence}");
            let all = || request(sequence, stamp, &daily.replace("first", "second"));
            world.mail_in("bob", Method::Request, X, all());
            let is_second = world.value("bob", "SUMMARY") == Some("second");
            assert_eq!(is_second, is_applied, "{stamp}{sequence}");
            // twice is once
            world.news("bob");
            world.mail_in("bob", Method::Request, X, all());
            assert!(world.news("bob").is_empty(), "{stamp}{sequence}");
        }
    }
}
