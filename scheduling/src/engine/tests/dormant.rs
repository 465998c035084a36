//! Objects that came without being scheduled: imports, migrations, copies of calendars.

use super::*;

const PEOPLE: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org
    ATTENDEE;PARTSTAT=TENTATIVE:mailto:xenia@elsewhere.test";

/// A world in which somebody has this object from elsewhere.
fn world_in_which(who: &'static str, object: CalendarObject) -> World {
    let mut world = new_world();
    world.calendars.insert(who, object);
    world.dormant.insert(who);
    world
}

fn is_silent(world: &mut World) -> bool {
    world.mails.is_empty()
        && ["alice", "bob", "carol"]
            .iter()
            .all(|who| world.news(who).is_empty())
}

/// The table of decisions: "leave the objects unscheduled until the owner's next significant edit".
#[test]
fn what_wakes_up_an_organizers_meeting() {
    let table: [(&str, &str, bool); 9] = [
        ("SUMMARY", "Another", false),
        ("LOCATION", "Elsewhere", false),
        ("X-OWN", "x", false),
        ("SEQUENCE", "7", false),
        ("DTSTART", "20260301T080000Z", true),
        ("DTEND", "20260301T110000Z", true),
        ("STATUS", "CANCELLED", true),
        ("STATUS", "CONFIRMED", true),
        ("DESCRIPTION", "long", false),
    ];
    for (name, value, wakes_up) in table {
        let mut world = world_in_which("alice", meeting(PEOPLE));
        world.edit("alice", name, value);
        assert_eq!(world.value("alice", name), Some(value));
        assert_eq!(is_silent(&mut world), !wakes_up, "{name}");
        assert_eq!(world.dormant.contains("alice"), !wakes_up, "{name}");
        assert_eq!(world.tag("alice"), u32::from(wakes_up), "{name}");
    }
}

#[test]
fn who_is_invited_or_no_longer_wakes_it_up() {
    for (people, bob, carol) in [
        (
            format!("{PEOPLE}\nATTENDEE:mailto:carol@example.org"),
            "REQUEST",
            Some("REQUEST"),
        ),
        (PEOPLE.replace("bob", "carol"), "CANCEL", Some("REQUEST")),
        (PEOPLE.replace("bob", "nobody"), "CANCEL", None),
    ] {
        let mut world = world_in_which("alice", meeting(PEOPLE));
        // who has it from elsewhere hears of it like anybody else
        world.calendars.insert("bob", meeting(PEOPLE));
        world.put("alice", &meeting(&people));
        assert_eq!(world.news("bob"), [bob], "{people}");
        assert_eq!(world.news("carol"), Vec::from_iter(carol), "{people}");
    }
    let mut world = world_in_which("alice", meeting(PEOPLE));
    world.put("alice", &meeting(&PEOPLE.replace("bob@", "robert@")));
    assert!(
        is_silent(&mut world),
        "another address of the same person is no news"
    );
}

/// RFC 6638 §3.2.1.1: what becomes a scheduling object is told to all who are invited, and all of it, whatever woke it up:
/// what they have may be of before, or called off.
#[test]
fn awake_it_is_told_to_all() {
    let series = |summary: &str| {
        let mut object = meeting(&format!("{PEOPLE}\nRRULE:FREQ=DAILY;COUNT=3"));
        let entry = object.entries_mut().next().unwrap();
        entry.set_raw_value("SUMMARY", summary).unwrap();
        object
    };
    let with_instance = |people: &str| {
        let mut object = series("Plan");
        let instance = event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nRECURRENCE-ID:20260302T090000Z\nDTSTART:20260302T090000Z\n\
             DTEND:20260302T100000Z\nSUMMARY:Plan\nORGANIZER:mailto:alice@example.org\n{people}"
        ));
        let instance = instance.entries().next().unwrap().clone();
        object.calendar_mut().push_component(instance);
        object
    };
    let forced = PEOPLE.replacen(";PARTSTAT=TENTATIVE", ";SCHEDULE-FORCE-SEND=REQUEST", 1);
    for after in [
        with_instance(&format!("{PEOPLE}\nATTENDEE:mailto:carol@example.org")),
        with_instance("ATTENDEE:mailto:carol@example.org"),
        meeting(&format!("{forced}\nRRULE:FREQ=DAILY;COUNT=3")),
    ] {
        let mut world = world_in_which("alice", series("Plan"));
        world.calendars.insert("bob", series("Old"));
        world.put("alice", &after);
        assert!(world.news("bob").contains(&"REQUEST".to_owned()));
        let told = world.copy("bob").entries().next().unwrap();
        assert_eq!(told.raw_value("SUMMARY"), Some("Plan"));
        let xenia = world.mails.last().unwrap();
        let text = String::from_utf8(xenia.calendar.to_vec()).unwrap();
        assert!(text.contains("RRULE"), "{text}");
        // and then like any other
        world.edit("alice", "SUMMARY", "Another");
        assert_eq!(world.news("bob"), ["REQUEST"]);
    }
}

/// RFC 6638 §7.2: what the client demands is done.
#[test]
fn a_demand_wakes_it_up() {
    let mut world = world_in_which("alice", meeting(PEOPLE));
    let forced = PEOPLE.replacen(
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob",
        "ATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob",
        1,
    );
    world.put("alice", &meeting(&forced));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert!(!people_lines(world.copy("alice")).concat().contains("FORCE"));
}

/// Awake once, it is scheduled like any other.
#[test]
fn awake_it_stays_awake() {
    let mut world = world_in_which("alice", meeting(PEOPLE));
    world.edit("alice", "DTSTART", "20260301T080000Z");
    assert_eq!(world.news("bob"), ["REQUEST"]);
    world.edit("alice", "SUMMARY", "Another");
    assert_eq!(world.news("bob"), ["REQUEST"]);
    world.delete("alice");
    assert_eq!(world.news("bob"), ["CANCEL"]);
}

/// Nobody was told of it from here, so that nobody is told that it goes.
#[test]
fn its_removal_tells_nobody() {
    for who in ["alice", "bob"] {
        let mut world = world_in_which(who, meeting(PEOPLE));
        world.delete(who);
        assert!(!world.calendars.contains_key(who));
        assert!(is_silent(&mut world), "{who}");
    }
}

#[test]
fn what_wakes_up_an_attendees_copy() {
    let mut world = world_in_which("bob", meeting(PEOPLE));
    world.calendars.insert("alice", meeting(PEOPLE));
    world.edit("bob", "SUMMARY", "Mine");
    assert!(is_silent(&mut world));
    assert!(world.dormant.contains("bob"));
    world.answer("bob", "DECLINED");
    assert!(!world.dormant.contains("bob"));
    assert_eq!(world.news("alice"), ["REPLY"]);
    assert!(
        world
            .line("alice", "ATTENDEE", "mailto:bob@example.org")
            .contains("DECLINED")
    );
}

/// An organizer elsewhere hears of the answer by mail.
#[test]
fn an_answer_to_somebody_elsewhere_goes_out() {
    let theirs = |participation: &str| {
        event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nORGANIZER:mailto:xenia@elsewhere.test
            ATTENDEE;PARTSTAT={participation}:mailto:bob@example.org"
        ))
    };
    let mut world = world_in_which("bob", theirs("ACCEPTED"));
    world.put("bob", &theirs("ACCEPTED"));
    assert!(is_silent(&mut world));
    world.put("bob", &theirs("DECLINED"));
    assert_eq!(world.mails.len(), 1);
}

/// A series is looked at line by line: an alarm is no news, another rule is.
#[test]
fn a_series_sleeps_too() {
    let series = |more: &str| meeting(&format!("{PEOPLE}\nRRULE:FREQ=DAILY;COUNT=3\n{more}"));
    let mut world = world_in_which("alice", series(""));
    world.put("alice", &series("X-SNOOZE:1"));
    assert!(world.dormant.contains("alice"));
    world.put("alice", &series("EXDATE:20260302T090000Z"));
    assert!(!world.dormant.contains("alice"));
}

/// Somebody else's part is not taken by an edit, and nobody is invited by it.
#[test]
fn another_organizer_wakes_up_nobody() {
    let mut world = world_in_which("alice", meeting(PEOPLE));
    let theirs = event(
        "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nORGANIZER:mailto:bob@example.org
        ATTENDEE:mailto:alice@example.org",
    );
    world.put("alice", &theirs);
    assert!(is_silent(&mut world));
}

/// RFC 6638 §3.2.1.2: who is invited to a single instance hears of it, and who is not any more.
#[test]
fn who_is_invited_to_an_instance_wakes_it_up() {
    let daily = "DTSTART:20260301T090000Z\nRRULE:FREQ=DAILY;COUNT=3";
    let at = "DTSTART:20260302T090000Z\nRECURRENCE-ID:20260302T090000Z";
    let organizer = "ORGANIZER:mailto:alice@example.org";
    let object = |instance: Option<&str>| {
        let people = |names: &str| -> String {
            let lines = names.split(' ');
            lines
                .map(|name| format!("ATTENDEE:mailto:{name}@example.org\n"))
                .collect()
        };
        let part = |when: &str, names: &str| {
            let lines = people(names);
            format!(
                "BEGIN:VEVENT\nUID:1\nDTSTAMP:20251231T000000Z\n{when}\n{organizer}\n{lines}END:VEVENT\n"
            )
        };
        let instance = instance.map_or(String::new(), |names| part(at, names));
        let series = part(daily, "alice bob");
        let text =
            format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{series}{instance}END:VCALENDAR\n");
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    for (before, after, news) in [
        (None, Some("alice bob carol"), ("REQUEST", "REQUEST")),
        (Some("alice bob carol"), None, ("REQUEST", "CANCEL")),
        (None, Some("alice"), ("CANCEL REQUEST", "")),
        (
            Some("alice bob carol"),
            Some("alice bob"),
            ("REQUEST", "CANCEL"),
        ),
        (None, Some("alice bob"), ("", "")),
        (Some("alice bob"), None, ("", "")),
    ] {
        let mut world = world_in_which("alice", object(before));
        // carol is known to the series, too, or the set of all people would tell of her
        for who in ["bob", "carol"] {
            world.calendars.insert(who, object(before));
        }
        world.put("alice", &object(after));
        let heard = ["bob", "carol"].map(|who| world.news(who).join(" "));
        let is_silent = news == ("", "");
        assert_eq!(
            world.dormant.contains("alice"),
            is_silent,
            "{before:?} {after:?}"
        );
        assert_eq!(heard, [news.0, news.1], "{before:?} {after:?}");
    }
}

/// RFC 6638 §3.2.2.3: who takes an instance out declines it; a component of its own without another answer says nothing.
#[test]
fn an_attendee_answers_an_instance_of_it() {
    let series = |more: &str| {
        event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nORGANIZER:mailto:xenia@elsewhere.test
            ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org\n{more}"
        ))
    };
    let with_instance = |participation: &str| {
        let mut object = series("");
        let instance = event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260302T090000Z\nRECURRENCE-ID:20260302T090000Z\nORGANIZER:mailto:xenia@elsewhere.test
            ATTENDEE;PARTSTAT={participation}:mailto:bob@example.org\nX-ALARM:1"
        ));
        let entry = instance.entries().next().unwrap().clone();
        object.calendar_mut().push_component(entry);
        object
    };
    for (after, answer) in [
        (series("EXDATE:20260302T090000Z"), Some("PARTSTAT=DECLINED")),
        (series("EXDATE:20260302T100000Z"), None),
        (with_instance("ACCEPTED"), None),
        (with_instance("TENTATIVE"), Some("PARTSTAT=TENTATIVE")),
    ] {
        let mut world = world_in_which("bob", series(""));
        world.put("bob", &after);
        assert_eq!(
            world.dormant.contains("bob"),
            answer.is_none(),
            "{answer:?}"
        );
        let mails = world.mails.iter();
        let mails: Vec<_> = mails
            .map(|mail| String::from_utf8_lossy(&mail.calendar).into_owned())
            .collect();
        assert_eq!(mails.len(), usize::from(answer.is_some()), "{answer:?}");
        if let (Some(mail), Some(answer)) = (mails.first(), answer) {
            assert!(mail.contains(answer), "{mail}");
            assert!(mail.contains("RECURRENCE-ID:20260302T090000Z"), "{mail}");
        }
    }
}
