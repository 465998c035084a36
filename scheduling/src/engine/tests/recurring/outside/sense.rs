//! What is meant by a message that says something else at first sight.

use super::*;

/// C11: Evolution answers for all instances in the component of the first one.
#[test]
fn an_answer_with_the_rule_of_the_series_is_one_to_the_series() {
    let rid = "RECURRENCE-ID:20260302T090000Z";
    let zoned = "RECURRENCE-ID;TZID=Europe/Berlin:20260302T100000";
    let second = "RECURRENCE-ID:20260309T090000Z";
    let alone = "DTSTART:20260302T090000Z";
    let all: &[&str] = &["series bob? x@elsewhere.net+", "0309 bob? x@elsewhere.net+"];
    let first: &[&str] = &[
        "series bob? x@elsewhere.net?",
        "0302 bob? x@elsewhere.net+",
        "0309 bob? x@elsewhere.net?",
    ];
    let other: &[&str] = &["series bob? x@elsewhere.net?", "0309 bob? x@elsewhere.net+"];
    for (named, time, expected) in [
        (rid, RULE, all),
        (zoned, RULE, all),
        (rid, alone, first),
        (second, RULE, other),
    ] {
        let mut world = new_world();
        let people = "bob x@elsewhere.net";
        let moved = instance("0309", 15, people, "");
        world.put("alice", &set(&[&series(people, ""), &moved]));
        let said = format!("{named}\n{time}\nATTENDEE;PARTSTAT=ACCEPTED:{X}");
        let reply = message("REPLY", &[&to_alice(&said, 0)]);
        world.hand_in("alice", X, &reply).unwrap();
        assert_eq!(world.shape("alice"), expected, "{named} {time}");
    }
}
