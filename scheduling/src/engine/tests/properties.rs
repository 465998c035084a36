//! What holds after any sequence of changes by anybody.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// The organizer stores these attendees with these agents and this start hour.
    Organize {
        invited: Vec<(usize, usize)>,
        hour: u8,
        cancelled: bool,
        force: bool,
    },
    /// The organizer stores what is there again.
    Again,
    Answer {
        who: usize,
        participation: usize,
    },
    /// An attendee's client changes what is not its own.
    Meddle {
        who: usize,
        property: usize,
    },
    Remove {
        who: usize,
    },
}

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "room"];
const AGENTS: [&str; 3] = ["SERVER", "CLIENT", "NONE"];
const PARTICIPATIONS: [&str; 4] = ["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE"];
const PROPERTIES: [&str; 5] = ["SUMMARY", "DTSTART", "SEQUENCE", "TRANSP", "X-MOZ-LASTACK"];
const ADDRESSES: [&str; 6] = [
    "mailto:bob@example.org",
    "mailto:carol@example.org",
    "mailto:room@example.org",
    "mailto:dave@elsewhere.net",
    "mailto:nobody@example.org",
    "MAILTO:Robert@Example.org",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (proptest::collection::vec((0..ADDRESSES.len(), 0..AGENTS.len() * 3), 0..5), 8u8..11, prop::bool::weighted(0.1), prop::bool::weighted(0.1))
            .prop_map(|(invited, hour, cancelled, force)| Step::Organize { invited, hour, cancelled, force }),
        1 => Just(Step::Again),
        4 => (0..PEOPLE.len(), 0..PARTICIPATIONS.len()).prop_map(|(who, participation)| Step::Answer { who, participation }),
        2 => (1..PEOPLE.len(), 0..PROPERTIES.len()).prop_map(|(who, property)| Step::Meddle { who, property }),
        1 => (0..PEOPLE.len()).prop_map(|who| Step::Remove { who }),
    ]
}

fn apply(world: &mut World, step: &Step) {
    match step {
        Step::Organize {
            invited,
            hour,
            cancelled,
            force,
        } => {
            let mut more = String::new();
            let mut seen = Vec::new();
            for (address, agent) in invited {
                // RFC 6638 §7.1: one agent for one person
                if seen.contains(address)
                    || (*address == 5 && seen.contains(&0))
                    || (*address == 0 && seen.contains(&5))
                {
                    continue;
                }
                seen.push(*address);
                let agent = AGENTS.get(*agent).copied().unwrap_or("SERVER");
                let force = if *force {
                    ";SCHEDULE-FORCE-SEND=REQUEST"
                } else {
                    ""
                };
                more += &format!(
                    "ATTENDEE;SCHEDULE-AGENT={agent}{force}:{}\n",
                    ADDRESSES[*address]
                );
            }
            if *cancelled {
                more += "STATUS:CANCELLED\n";
            }
            let mut object = meeting(&more);
            object.entries_mut().for_each(|entry| {
                entry
                    .set_raw_value("DTSTART", &format!("20260301T{hour:02}0000Z"))
                    .unwrap()
            });
            world.put("alice", &object);
        }
        Step::Again => {
            if let Some(object) = world.calendars.get("alice").cloned() {
                let inboxes = world.inboxes.clone();
                let copies = world.calendars.clone();
                world.put("alice", &object);
                assert_eq!(
                    world.inboxes, inboxes,
                    "the same object again is news for nobody"
                );
                assert_eq!(world.calendars, copies);
            }
        }
        Step::Answer { who, participation } => {
            if world.calendars.contains_key(PEOPLE[*who]) {
                world.answer(PEOPLE[*who], PARTICIPATIONS[*participation]);
            }
        }
        Step::Meddle { who, property } => {
            if world.calendars.contains_key(PEOPLE[*who]) {
                let value = if PROPERTIES[*property] == "DTSTART" {
                    "20300101T000000Z"
                } else {
                    "7"
                };
                world.edit(PEOPLE[*who], PROPERTIES[*property], value);
            }
        }
        Step::Remove { who } => {
            if world.calendars.contains_key(PEOPLE[*who]) {
                world.delete(PEOPLE[*who]);
            }
        }
    }
}

fn check(world: &World) {
    let directory = world.directory();
    for items in world.inboxes.values() {
        items.iter().for_each(check_message);
    }
    for mail in &world.mails {
        check_message(&CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap());
    }
    for (who, copy) in &world.calendars {
        let text = lines(copy).concat();
        assert!(!text.contains("SCHEDULE-FORCE-SEND"), "{who}: {text}");
        if *who != "alice" {
            let attendees = people_lines(copy)
                .into_iter()
                .filter(|line| line.starts_with("ATTENDEE"))
                .collect::<Vec<_>>();
            assert!(
                !attendees.concat().contains("SCHEDULE-"),
                "{who}: {attendees:?}"
            );
        }
    }
    let Some(organized) = world.calendars.get("alice") else {
        return;
    };
    let entry = organized.entries().next().unwrap();
    if entry::is_cancelled(entry) {
        return;
    }
    for line in entry.properties_named("ATTENDEE") {
        let Some(local) = directory.local(line.raw_value()) else {
            continue;
        };
        let Some(copy) = world
            .calendars
            .get(world.name_of(local.id))
            .filter(|_| entry::agent(line) == entry::Agent::Server)
        else {
            continue;
        };
        let copied = copy.entries().next().unwrap();
        // whoever is invited by the server sees the organizer's meeting, and both know the same answer
        for name in ["DTSTART", "SUMMARY"] {
            assert_eq!(
                copied.raw_value(name),
                entry.raw_value(name),
                "{name} of {}",
                line.raw_value()
            );
        }
        let own = copied
            .properties_named("ATTENDEE")
            .find(|own| directory.is(own.raw_value(), local.id))
            .unwrap();
        assert_eq!(
            entry::participation(own),
            entry::participation(line),
            "{}",
            line.raw_value()
        );
    }
}

fn check_message(message: &CalendarObject) {
    let text = String::from_utf8(message.to_octets().to_vec()).unwrap();
    assert!(method(message).is_some());
    for private in ["SCHEDULE-", "VALARM", "X-CONVOKE", "X-MOZ"] {
        assert!(!text.contains(private), "{text}");
    }
    for (name, count) in [("UID", 1), ("DTSTAMP", 1), ("ORGANIZER", 1)] {
        let entry = message.entries().next().unwrap();
        assert_eq!(entry.properties_named(name).count(), count, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn everybody_agrees_whatever_happens(steps in proptest::collection::vec(step(), 1..14)) {
        let mut world = new_world();
        for step in &steps {
            apply(&mut world, step);
            check(&world);
        }
    }

    #[test]
    fn nothing_panics_on_objects_that_make_no_sense(
        before in proptest::collection::vec(0..LINES.len(), 0..10),
        after in proptest::collection::vec(0..LINES.len(), 0..10),
        who in 0usize..2,
    ) {
        let object = |lines: &[usize]| event(&lines.iter().map(|line| LINES[*line]).collect::<Vec<_>>().join("\n"));
        let mut world = new_world();
        let who = PEOPLE[who];
        let _ = world.change(who, Some(&object(&before)));
        let _ = world.change(who, Some(&object(&after)));
        let _ = world.change(who, None);
    }
}

const LINES: [&str; 22] = [
    "UID:1",
    "UID:",
    "DTSTART:20260301T090000Z",
    "DTSTART;TZID=Nowhere:20260301T090000",
    "DTSTART:never",
    "DTEND:00000000T000000",
    "DURATION:P99999999999999W",
    "DURATION:-PT1H",
    "RRULE:FREQ=DAILY",
    "SEQUENCE:99999999999999999999",
    "SEQUENCE:4294967295",
    "STATUS:CANCELLED",
    "ORGANIZER:mailto:alice@example.org",
    "ORGANIZER:mailto:bob@example.org",
    "ORGANIZER;SCHEDULE-AGENT=CLIENT;SCHEDULE-FORCE-SEND=X:",
    "ATTENDEE:",
    "ATTENDEE;PARTSTAT=;CN=\"a,b\":mailto:bob@example.org",
    "ATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-FORCE-SEND=^n:mailto:alice@example.org",
    "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:bob@example.org",
    "ATTENDEE;SCHEDULE-STATUS=\"1.0,x\":mailto:dave@elsewhere.net",
    "COMMENT;X=\"q\":äöü🎉",
    "BEGIN:VALARM\nEND:VALARM",
];
