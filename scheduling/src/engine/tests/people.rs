//! What stands on ORGANIZER and ATTENDEE beside who it is (RFC 6638 §7), and who they are for the owner (§3.1).

use super::*;

const ALICE: &str = "mailto:alice@example.org";
const BOB: &str = "mailto:bob@example.org";
const X: &str = "mailto:x@elsewhere.net";
const Y: &str = "mailto:y@elsewhere.net";

/// A series of somebody elsewhere and its instance a day later; each component with these lines.
fn from_outside(series: &str, instance: &str) -> CalendarObject {
    let text = format!(
        "BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:test
        BEGIN:VEVENT
        UID:1
        DTSTAMP:20251231T000000Z
        DTSTART:20260301T090000Z
        RRULE:FREQ=DAILY;COUNT=5
        {series}
        END:VEVENT
        BEGIN:VEVENT
        UID:1
        DTSTAMP:20251231T000000Z
        RECURRENCE-ID:20260302T090000Z
        DTSTART:20260302T110000Z
        {instance}
        END:VEVENT
        END:VCALENDAR"
    );
    let lines = text.lines().map(str::trim);
    let text: String = lines.map(|line| format!("{line}\r\n")).collect();
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn with(object: &CalendarObject, from: &str, to: &str) -> CalendarObject {
    let text = String::from_utf8(object.to_octets().to_vec()).unwrap();
    assert!(text.contains(from), "{text}");
    let text = text.replacen(from, to, 1);
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn text_of_last_mail(world: &World) -> String {
    let mail = world.mails.last().expect("there is one");
    let text = String::from_utf8(mail.calendar.to_vec()).unwrap();
    text.replace("\r\n ", "")
}

/// RFC 6638 §3.2.4.2: an attendee's object is completed as an organizer's is.
#[test]
fn an_invitation_from_elsewhere_names_its_organizer_in_each_component() {
    let mut world = new_world();
    let said = format!("ATTENDEE;PARTSTAT=ACCEPTED:{BOB}");
    world.put(
        "bob",
        &from_outside(&format!("ORGANIZER:{X}\nATTENDEE:{BOB}"), &said),
    );
    let organizer = format!("ORGANIZER:{X}");
    assert_eq!(text_of_last_mail(&world).matches(&organizer).count(), 1);
    let named = world.copy("bob").entries();
    assert_eq!(
        named
            .filter(|it| it.raw_value("ORGANIZER") == Some(X))
            .count(),
        2
    );
    // what is left to the client is left as it is
    let left = from_outside(
        &format!("ORGANIZER;SCHEDULE-AGENT=CLIENT:{X}\nATTENDEE:{BOB}"),
        &said,
    );
    let mut world = new_world();
    world.put("bob", &left);
    assert_eq!(world.copy("bob"), &left);
}

/// RFC 6638 §7.1 and §3.2.2.2: SCHEDULE-AGENT is the same on all ORGANIZER lines, whatever the order of the components.
#[test]
fn an_agent_that_is_not_the_same_everywhere_is_none_at_all() {
    let lines = |agent: &str| format!("ORGANIZER{agent}:{X}\nATTENDEE;PARTSTAT=ACCEPTED:{BOB}");
    let (server, client) = (lines(""), lines(";SCHEDULE-AGENT=CLIENT"));
    for (series, instance) in [(&server, &client), (&client, &server)] {
        // one that is new is the server's
        let mut world = new_world();
        let several = from_outside(series, instance);
        world.put("bob", &several);
        assert_eq!(world.mails.len(), 1);
        let stored = people_lines(world.copy("bob")).concat();
        assert!(!stored.contains("SCHEDULE-AGENT"), "{stored}");
        // one that is the client's stays so
        let mut world = new_world();
        let left = from_outside(&client, &client);
        world.put("bob", &left);
        world.put("bob", &several);
        assert_eq!(world.copy("bob"), &left);
        assert!(world.mails.is_empty());
        // and what was stored with several is looked after by the server
        let mut world = new_world();
        world.calendars.insert("bob", several);
        let moved = from_outside(&lines(""), &lines(""));
        let moved = with(&moved, "DTSTART:20260301T09", "DTSTART:20260301T12");
        let moved = with(&moved, "DTSTAMP:2025", "DTSTAMP:2026");
        let receipt = world.mail_in("bob", Method::Request, X, moved);
        assert_ne!(receipt.copy, CopyChange::Unchanged);
    }
}

/// RFC 6638 §3.2.2.1, item 10, and §7.3.
#[test]
fn of_those_whom_the_client_tells_it_says_how_that_went() {
    let people = |status: &str| {
        format!(
            "ORGANIZER:{X}\nSUMMARY:Far\nATTENDEE:{BOB}\nATTENDEE;SCHEDULE-AGENT=CLIENT;SCHEDULE-STATUS={status}:{Y}"
        )
    };
    for summary in ["SUMMARY:Far", "SUMMARY:Not his to say"] {
        let mut world = new_world();
        let object = from_outside(&people("1.1"), &people("1.1"));
        world.put("bob", &object);
        let told = from_outside(&people("2.0"), &people("2.0"));
        world.put("bob", &with(&told, "SUMMARY:Far", summary));
        assert_eq!(
            people_lines(world.copy("bob")),
            people_lines(&told),
            "{summary}"
        );
        assert_eq!(world.value("bob", "SUMMARY"), Some("Far"));
    }
}

/// RFC 6638 §7.3: nobody tells the organizer of their own meeting anything; C2.2, C7.
#[test]
fn on_the_organizers_own_lines_nothing_stands_of_messages() {
    for own in [
        "SCHEDULE-AGENT=CLIENT",
        "SCHEDULE-STATUS=5.1",
        "SCHEDULE-FORCE-SEND=REQUEST",
    ] {
        let mut world = new_world();
        let object = meeting(&format!(
            "ATTENDEE;PARTSTAT=ACCEPTED;{own}:{ALICE}\nATTENDEE:{BOB}"
        ));
        let object = with(&object, "ORGANIZER:", &format!("ORGANIZER;{own}:"));
        for _ in 0..2 {
            world.put("alice", &object);
            assert_eq!(
                people_lines(world.copy("alice")),
                [
                    format!("ATTENDEE;PARTSTAT=ACCEPTED:{ALICE}"),
                    format!("ATTENDEE;SCHEDULE-STATUS=1.2:{BOB}"),
                    format!("ORGANIZER:{ALICE}"),
                ],
                "{own}"
            );
        }
    }
}

/// RFC 6638 §3.1: why nobody hears of an object that names people.
#[test]
fn what_is_nobodys_meeting_says_why() {
    let lines =
        |more: &str| format!("UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\n{more}");
    let (organizer, bob) = (format!("ORGANIZER:{ALICE}"), format!("ATTENDEE:{BOB}"));
    let of_x = format!("ORGANIZER:{X}");
    let cases = [
        ("VEVENT", vec![], None),
        ("VEVENT", vec![&bob], Some("no ORGANIZER")),
        ("VEVENT", vec![&of_x, &bob], Some("ORGANIZER is none")),
        ("VEVENT", vec![&of_x], Some("ORGANIZER is none")),
        (
            "VJOURNAL",
            vec![&organizer, &bob],
            Some("events and to-dos"),
        ),
        ("VEVENT", vec![&organizer, &bob], None),
    ];
    for (kind, people, expected) in cases {
        let mut world = new_world();
        let people: Vec<&str> = people.into_iter().map(String::as_str).collect();
        let object = stream(kind, &lines(&people.join("\n")));
        for _ in 0..2 {
            world.put("alice", &object);
            let why = world.decisions.iter().find_map(|decision| match decision {
                Decision::NotScheduled(why) => Some(why.as_str()),
                _ => None,
            });
            assert_eq!(why.is_some(), expected.is_some(), "{people:?}: {why:?}");
            assert!(
                why.unwrap_or_default()
                    .contains(expected.unwrap_or_default()),
                "{why:?}"
            );
        }
    }
}
