//! The form of entries in the store, and how decisions are said.

use super::*;

fn line(verdict: Verdict, parties: &[&str]) -> LogLine {
    LogLine {
        method: Some("REQUEST".to_owned()),
        parties: parties.iter().map(|it| (*it).to_owned()).collect(),
        ..LogLine::of(verdict, "because")
    }
}

fn entry(lines: Vec<LogLine>) -> LogEntry {
    LogEntry {
        time: Timestamp(7),
        actor: Some("alice".to_owned()),
        occasion: Occasion::Changed,
        is_public: true,
        lines,
    }
}

#[test]
fn entries_come_back() {
    let full = LogLine {
        way: Some(Way::Mail),
        sent_by: Some("mailto:bob@example.com".to_owned()),
        sequence: Some(u32::MAX),
        instances: vec!["20260203T090000Z".to_owned()],
        more_instances: 3,
        participation: Some("ACCEPTED".to_owned()),
        status: Some("1.0".to_owned()),
        ..line(Verdict::Fared, &["mailto:a@example.com"])
    };
    let entry = entry(vec![full, line(Verdict::NoMessages, &[])]);
    let rows = entry.clone().rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(LogEntry::of_row(&rows[0]), Some(entry));
    for odd in [&b""[..], b"\x02", b"\x01\xFF"] {
        let row = SchedulingLogEntry {
            time: Timestamp(0),
            content: odd.to_vec(),
        };
        assert_eq!(LogEntry::of_row(&row), None);
    }
}

/// However many people there are and however long their addresses, each row is small and nobody is missing.
#[test]
fn rows_are_small() {
    for (people, octets) in [
        (0, 1),
        (1, 30),
        (10, 30),
        (1_000, 30),
        (300, 250),
        (60, 10_000),
    ] {
        let mut lines = Lines::default();
        for number in 0..people {
            let party = format!("{number:06}{}", "x".repeat(octets));
            lines.push(line(Verdict::Sent, &[&line::bounded(&party)]));
            let more = LogLine {
                sequence: Some(1),
                ..line(Verdict::Fared, &[&line::bounded(&party)])
            };
            lines.push(more);
        }
        let rows = entry(lines.into_lines()).rows();
        let small = |row: &SchedulingLogEntry| row.content.len() <= MAXIMUM_SCHEDULING_LOG_OCTETS;
        assert!(rows.iter().all(small), "{people} {octets}");
        let lines = rows.iter().map(|row| LogEntry::of_row(row).expect("ours"));
        let parties = lines.flat_map(|entry| entry.lines.into_iter().map(|it| it.parties.len()));
        assert_eq!(parties.sum::<usize>(), 2 * people);
    }
}

#[test]
fn texts_of_any_length_are_bounded() {
    let long = || "\u{e4}".repeat(10_000);
    let line = LogLine {
        method: Some(long()),
        way: Some(Way::Mail),
        parties: vec![long(); 20],
        sent_by: Some(long()),
        sequence: Some(u32::MAX),
        instances: vec![long(); 20],
        more_instances: usize::MAX,
        participation: Some(long()),
        reason: long(),
        status: Some(long()),
        ..LogLine::of(Verdict::Sent, "")
    };
    let rows = entry(vec![line.clone(), line]).rows();
    assert!(rows.len() > 1);
    for row in rows {
        assert!(row.content.len() <= MAXIMUM_SCHEDULING_LOG_OCTETS);
        assert!(LogEntry::of_row(&row).is_some());
    }
}

#[test]
fn what_holds_for_several_is_said_once() {
    let mut lines = Lines::default();
    for party in ["a", "b", "c"] {
        lines.push(line(Verdict::Sent, &[party]));
        lines.push(line(Verdict::NotSent, &[party]));
        lines.push(line(Verdict::NoMessages, &[]));
    }
    let all = lines.into_lines();
    assert_eq!(all.len(), 5);
    assert_eq!(all[0].parties, ["a", "b", "c"]);
    assert_eq!(all[1].parties, ["a", "b", "c"]);
}

#[test]
fn decisions_are_said_in_words() {
    let cases = [
        (Verdict::Sent, "REQUEST to a: because; 1.2 delivered"),
        (Verdict::NotSent, "nothing to a: because"),
        (
            Verdict::Undeliverable,
            "no way to a: because; 1.2 delivered",
        ),
        (Verdict::NoMessages, "no messages: because"),
        (Verdict::NotScheduled, "not scheduled: because"),
        (Verdict::Adjusted, "not stored as it was sent: because"),
        (Verdict::Created, "REQUEST from a: put into the calendar"),
        (Verdict::Updated, "REQUEST from a: applied"),
        (Verdict::Removed, "REQUEST from a: the event was removed"),
        (Verdict::Noted, "REQUEST from a: left in the inbox"),
        (
            Verdict::NotApplied,
            "REQUEST from a: not applied, because because; 1.2 delivered",
        ),
        (
            Verdict::ForTheUser,
            "REQUEST from a: waits for a decision, because because; 1.2 delivered",
        ),
        (Verdict::UnknownDeputy, "REQUEST from a: because"),
        (Verdict::Fared, "REQUEST to a: because; 1.2 delivered"),
        (Verdict::Foreseen, "REQUEST from a: because"),
        (
            Verdict::AppliedAfterAll,
            "REQUEST from a: applied after all, because because",
        ),
    ];
    for (verdict, expected) in cases {
        let line = LogLine {
            status: Some("1.2".to_owned()),
            ..line(verdict, &["mailto:a"])
        };
        assert_eq!(line.to_string(), expected);
    }
    let to_nobody = line(Verdict::NotSent, &[]);
    assert_eq!(to_nobody.to_string(), "not sent: because");
    let more = LogLine {
        way: Some(Way::Mail),
        sent_by: Some("mailto:s".to_owned()),
        sequence: Some(2),
        instances: vec!["X".to_owned(), "Y".to_owned()],
        more_instances: 4,
        participation: Some("DECLINED".to_owned()),
        ..line(Verdict::Sent, &["mailto:a", "/dav/b"])
    };
    assert_eq!(
        more.to_string(),
        "REQUEST by mail to a, /dav/b, sent by s (SEQUENCE 2; only X, Y and 4 more; DECLINED): because"
    );
}
