//! What may be missing from a message, or stand beside it, by the tables of RFC 5546 §3.

use super::*;

const X: &str = "mailto:x@elsewhere.net";
const Y: &str = "mailto:y@elsewhere.net";
const BOB: &str = "ATTENDEE:mailto:bob@example.org";

fn message(method: &str, component: &str, lines: &str) -> CalendarObject {
    let mut object = stream(component, &format!("UID:1\n{lines}"));
    object
        .calendar_mut()
        .set_raw_value("METHOD", method)
        .unwrap();
    object
}

/// X says something of their meeting or task, as number `sequence`.
fn of_x(method: &str, component: &str, sequence: u32, lines: &str) -> CalendarObject {
    let lines =
        format!("SEQUENCE:{sequence}\nDTSTAMP:20260101T1{sequence}0000Z\nORGANIZER:{X}\n{lines}");
    message(method, component, &lines)
}

/// What the last component of somebody's copy says.
fn last(world: &World, who: &str) -> Vec<String> {
    let entry = world.copy(who).entries().last().unwrap();
    let lines = entry.properties().map(|line| line.content().to_owned());
    lines.collect()
}

/// RFC 5546 §3.2.4, §3.4.4: ATTENDEE 0+; who is invited to the series is asked for what is added.
#[test]
fn what_is_added_is_for_those_of_the_series() {
    let mut world = new_world();
    let series = format!(
        "DTSTART:20260302T090000Z\nRRULE:FREQ=WEEKLY;COUNT=3\n{BOB}\nATTENDEE;PARTSTAT=ACCEPTED:{X}"
    );
    world
        .hand_in("bob", X, &of_x("REQUEST", "VEVENT", 0, &series))
        .unwrap();
    world.answer("bob", "ACCEPTED");
    let added = of_x("ADD", "VEVENT", 1, "DTSTART:20260304T140000Z");
    let receipt = world.hand_in("bob", X, &added).unwrap();
    assert!(
        receipt.inbox_item && receipt.decisions.is_empty(),
        "{receipt:?}"
    );
    let said = last(&world, "bob");
    for line in [
        "RECURRENCE-ID:20260304T140000Z",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.org",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:x@elsewhere.net",
    ] {
        assert!(said.iter().any(|it| it == line), "{line}: {said:#?}");
    }
    // who has no copy asks for all of it, as far as they are known
    let receipt = new_world().hand_in("bob", X, &added).unwrap();
    assert!(!receipt.inbox_item);
    // and who is not in it looks at it
    let mut world = new_world();
    let series = series.replace("bob", "carol");
    world.put(
        "carol",
        &of_x("REQUEST", "VEVENT", 0, &series).without_method(),
    );
    let copy = world.calendars.remove("carol").unwrap();
    world.calendars.insert("bob", copy);
    let receipt = world.hand_in("bob", X, &added).unwrap();
    assert!(receipt.decisions[0].is_for_the_user(), "{receipt:?}");
}

/// RFC 5546 §3.4.4: DTSTART 0 or 1.
#[test]
fn a_task_that_is_added_may_only_be_due() {
    let mut world = new_world();
    let first = format!("DUE:20260302T090000Z\n{BOB}");
    world
        .hand_in("bob", X, &of_x("REQUEST", "VTODO", 0, &first))
        .unwrap();
    let added = |lines: &str| of_x("ADD", "VTODO", 1, &format!("{lines}\n{BOB}"));
    world
        .hand_in("bob", X, &added("DUE:20260304T140000Z"))
        .unwrap();
    let said = last(&world, "bob");
    assert!(
        said.contains(&"RECURRENCE-ID:20260304T140000Z".to_owned()),
        "{said:?}"
    );
    let series = lines(world.copy("bob"));
    assert!(
        series.contains(&"RDATE:20260304T140000Z".to_owned()),
        "{series:?}"
    );
    assert!(world.hand_in("bob", X, &added("")).is_err());
}

/// RFC 5546 §3.2.7: ATTENDEE 0+, "can also be used to propose other Attendees": whose proposal it is, is proven.
#[test]
fn a_proposal_need_not_name_its_sender() {
    let reason = |sender: &str, component: &str, people: &str| {
        let mut world = new_world();
        let object = message(
            "REQUEST",
            component,
            &format!(
                "DTSTAMP:20260101T100000Z\nDTSTART:20260301T090000Z\nSUMMARY:Plan\nORGANIZER:mailto:alice@example.org\nATTENDEE:{X}"
            ),
        );
        world.put("alice", &object.without_method());
        let lines = format!(
            "SEQUENCE:0\nDTSTAMP:20260101T110000Z\nDTSTART:20260302T090000Z\nORGANIZER:mailto:alice@example.org\n{people}"
        );
        let proposed = message("COUNTER", component, &lines);
        let receipt = world.hand_in("alice", sender, &proposed).ok()?;
        assert!(receipt.inbox_item);
        Some(receipt.decisions[0].to_string())
    };
    let proposed = "an attendee proposes something else";
    let other = format!("ATTENDEE:{Y}");
    for (sender, component, people, expected) in [
        (X, "VEVENT", "", Some(proposed)),
        (X, "VEVENT", &*other, Some(proposed)),
        (Y, "VEVENT", "", Some("not invited")),
        (Y, "VEVENT", &*other, Some("not invited")),
        // RFC 5546 §3.4.7: ATTENDEE 1+
        (X, "VTODO", "", None),
        (X, "VTODO", &*other, Some("for somebody else")),
    ] {
        let reason = reason(sender, component, people);
        let is_expected = match (&reason, expected) {
            (Some(reason), Some(expected)) => reason.contains(expected),
            (reason, expected) => reason.as_deref() == expected,
        };
        assert!(is_expected, "{sender} {component} {people}: {reason:?}");
    }
}

/// RFC 5546 §3.2.2: IANA-COMPONENT and X-COMPONENT 0+.
#[test]
fn components_that_are_not_known_are_left_out() {
    let lines = format!("DTSTART:20260302T090000Z\n{BOB}");
    let mut object = of_x("REQUEST", "VEVENT", 0, &lines);
    for name in ["X-NOTE", "PARTICIPANTS"] {
        let other = stream(name, "UID:2\nNOTE:x");
        let other = other.calendar().components().next().unwrap().clone();
        object.calendar_mut().push_component(other);
    }
    let mut world = new_world();
    world.hand_in("bob", X, &object).unwrap();
    let kinds: Vec<&str> = world.copy("bob").components().map(|it| it.name()).collect();
    assert_eq!(kinds, ["VEVENT"]);
    // alone, they are about nothing
    object
        .calendar_mut()
        .retain_components(|it| !it.is("VEVENT"));
    assert!(new_world().hand_in("bob", X, &object).is_err());
}

/// RFC 5546 §3.2.5: a meeting that is off for all may come to somebody whom it does not name.
#[test]
fn a_cancellation_of_all_that_names_others_waits_without_an_error() {
    for (lines, status) in [
        ("STATUS:CANCELLED", "1.2"),
        ("", "5.3"),
        ("STATUS:CANCELLED\nRECURRENCE-ID:20260303T090000Z", "5.3"),
    ] {
        let mut world = new_world();
        let series = format!("DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY\n{BOB}");
        world
            .hand_in("bob", X, &of_x("REQUEST", "VEVENT", 0, &series))
            .unwrap();
        let cancel = of_x("CANCEL", "VEVENT", 1, &format!("{lines}\nATTENDEE:{Y}"));
        let receipt = world.hand_in("bob", X, &cancel).unwrap();
        assert!(receipt.inbox_item && receipt.decisions[0].is_for_the_user());
        assert_eq!(receipt.status.as_str(), status, "{lines}: {receipt:?}");
        assert_eq!(receipt.copy, CopyChange::Unchanged);
    }
}

/// What Exchange writes where nobody comments anything.
#[test]
fn a_blank_comment_is_none() {
    let mut world = new_world();
    world.put("alice", &meeting(&format!("ATTENDEE:{X}")));
    let answer = |minute: u32, comment: &str| {
        message(
            "REPLY",
            "VEVENT",
            &format!(
                "DTSTAMP:20260102T10{minute:02}00Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=ACCEPTED:{X}\n{comment}"
            ),
        )
    };
    let noted = |world: &World| {
        world
            .value("alice", "X-CALENDARSERVER-ATTENDEE-COMMENT")
            .map(str::to_owned)
    };
    for (minute, comment, expected) in [
        (0, "COMMENT;LANGUAGE=en-US:\\n", None),
        (
            1,
            "COMMENT: \nCOMMENT:I come late\\n",
            Some("I come late\\n"),
        ),
        // it takes back what was commented
        (2, "COMMENT:\\N\\n", Some("")),
    ] {
        world.hand_in("alice", X, &answer(minute, comment)).unwrap();
        assert_eq!(noted(&world).as_deref(), expected, "{comment}");
    }
}

/// RFC 5546 §3.2.3: EXDATE, like all that is the organizer's, MUST NOT be changed by an answer.
#[test]
fn an_answer_has_no_exdate_of_its_senders_own() {
    let mut world = new_world();
    let series = format!(
        "DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=9\nEXDATE:20260304T090000Z\n{BOB}"
    );
    world
        .hand_in("bob", X, &of_x("REQUEST", "VEVENT", 0, &series))
        .unwrap();
    let mut object = world.copy("bob").clone();
    for entry in object.entries_mut() {
        let removed = calendar::Property::new("EXDATE", "20260303T090000Z,20260305T090000Z");
        entry.push_property(removed.unwrap());
    }
    world.put("bob", &object);
    world.mails.clear();
    world.answer("bob", "ACCEPTED");
    let answer = CalendarObject::parse(&world.mails[0].calendar, &Limits::default()).unwrap();
    let excluded: Vec<_> = answer
        .entries()
        .next()
        .unwrap()
        .properties_named("EXDATE")
        .map(|it| it.raw_value().to_owned())
        .collect();
    assert_eq!(excluded, ["20260304T090000Z"]);
    // nor does the answer that removes one say of the series what it does not
    assert_eq!(world.value("bob", "EXDATE"), Some("20260304T090000Z"));
}
