//! What holds after any sequence of edits and answers of a series and its instances.

use calendar::{InstanceKey, RecurrenceSet, Zone, value::DateOrDateTime};
use proptest::prelude::*;

use super::*;
use crate::engine::meeting::Part;

const PEOPLE: [&str; 3] = ["bob", "carol", "room"];
const DAYS: [&str; 4] = ["0309", "0316", "0323", "0504"];
const PARTICIPATIONS: [&str; 4] = ["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE"];

/// What the organizer says of one day.
#[derive(Clone, Debug)]
enum Day {
    AsTheSeries,
    TakenOut,
    /// With a component: the hour, who is invited, another place, cancelled.
    Own(u8, u8, bool, bool),
}

#[derive(Clone, Debug)]
enum Step {
    /// The organizer stores this; the client knows of nothing that was answered.
    Organize {
        invited: u8,
        hour: u8,
        count: u8,
        elsewhere: bool,
        cancelled: bool,
        days: [Day; 4],
    },
    /// The organizer stores what is there again.
    Again,
    /// The series, or one of the days.
    Answer {
        who: usize,
        day: Option<usize>,
        participation: usize,
    },
    TakeOut {
        who: usize,
        day: usize,
    },
    Remove {
        who: usize,
    },
}

fn day() -> impl Strategy<Value = Day> {
    prop_oneof![
        5 => Just(Day::AsTheSeries),
        1 => Just(Day::TakenOut),
        2 => (9u8..12, 0u8..8, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(hour, invited, elsewhere, cancelled)| Day::Own(hour, invited, elsewhere, cancelled)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..8, prop::bool::weighted(0.2), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.05), [day(), day(), day(), day()])
            .prop_map(|(invited, later, short, elsewhere, cancelled, days)| Step::Organize {
                invited,
                hour: if later { 10 } else { 9 },
                count: if short { 5 } else { 10 },
                elsewhere,
                cancelled,
                days,
            }),
        1 => Just(Step::Again),
        5 => (0..PEOPLE.len(), prop::option::of(0..DAYS.len()), 0..PARTICIPATIONS.len())
            .prop_map(|(who, day, participation)| Step::Answer { who, day, participation }),
        1 => (0..PEOPLE.len(), 0..DAYS.len()).prop_map(|(who, day)| Step::TakeOut { who, day }),
        1 => (0..PEOPLE.len()).prop_map(|who| Step::Remove { who }),
    ]
}

fn people(mask: u8) -> String {
    let people = PEOPLE.iter().enumerate();
    let people = people.filter(|(at, _)| mask & (1 << at) != 0);
    people.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn organized(step: &Step) -> Option<CalendarObject> {
    let Step::Organize {
        invited: mask,
        hour,
        count,
        elsewhere,
        cancelled,
        days,
    } = step
    else {
        return None;
    };
    let place = |elsewhere| if elsewhere { "LOCATION:Room 1\n" } else { "" };
    let mut more = place(*elsewhere).to_owned();
    if *cancelled {
        more += "STATUS:CANCELLED\n";
    }
    let mut components = Vec::new();
    for (name, day) in DAYS.iter().zip(days) {
        match day {
            Day::AsTheSeries => {}
            Day::TakenOut => more += &format!("EXDATE:2026{name}T{hour:02}0000Z\n"),
            Day::Own(start, mask, elsewhere, cancelled) => {
                let mut own = place(*elsewhere).to_owned();
                if *cancelled {
                    own += "STATUS:CANCELLED\n";
                }
                let text = instance(name, *start, &people(*mask), &own);
                components.push(text.replace(
                    &format!("RECURRENCE-ID:2026{name}T090000Z"),
                    &format!("RECURRENCE-ID:2026{name}T{hour:02}0000Z"),
                ));
            }
        }
    }
    let series = series(&people(*mask), &more)
        .replace("0302T09", &format!("0302T{hour:02}"))
        .replace("0302T10", &format!("0302T{:02}", hour + 1))
        .replace("COUNT=10", &format!("COUNT={count}"));
    // (the first replacement has made both of them the same hour where it is 10)
    let series = match hour {
        10 => series
            .replace("DTSTART:20260302T11", "DTSTART:20260302T10")
            .replace("DTEND:20260302T10", "DTEND:20260302T11"),
        _ => series,
    };
    components.insert(0, series);
    let components: Vec<&str> = components.iter().map(String::as_str).collect();
    Some(set(&components))
}

/// The key of a day at the hour of the series.
fn key(object: &CalendarObject, day: &str) -> InstanceKey {
    let start = Meeting::of(object)
        .series()
        .and_then(|series| series.raw_value("DTSTART").map(str::to_owned))
        .unwrap_or("20260302T090000Z".to_owned());
    let text = format!("2026{day}{}", &start[8..]);
    let value = DateOrDateTime::parse(&text, None).unwrap();
    RecurrenceSet::of(object, &Zone::utc()).key_of(&value)
}

fn apply(world: &mut World, step: &Step) {
    let who = |index: &usize| PEOPLE[*index];
    match step {
        Step::Organize { .. } => {
            let before = world
                .calendars
                .get("alice")
                .map(sequences)
                .unwrap_or_default();
            world.put("alice", &organized(step).unwrap());
            let after = sequences(world.copy("alice"));
            for (part, number) in before {
                let found = after.iter().find(|(it, _)| *it == part);
                assert!(
                    found.is_none_or(|(_, after)| *after >= number),
                    "SEQUENCE of {part} went down"
                );
            }
        }
        Step::Again => {
            if let Some(object) = world.calendars.get("alice").cloned() {
                let (inboxes, copies) = (world.inboxes.clone(), world.calendars.clone());
                world.put("alice", &object);
                assert_eq!(world.inboxes, inboxes, "the same again is news for nobody");
                assert_eq!(world.calendars, copies);
            }
        }
        Step::Answer {
            who: index,
            day,
            participation,
        } => {
            let (who, status) = (who(index), PARTICIPATIONS[*participation]);
            let Some(copy) = world.calendars.get(who) else {
                return;
            };
            match day {
                None => world.answer_part(who, "series", status),
                Some(day) => {
                    let key = key(copy, DAYS[*day]);
                    answer_at(world, who, key, status);
                }
            }
        }
        Step::TakeOut { who: index, day } => {
            let who = who(index);
            let Some(copy) = world.calendars.get(who) else {
                return;
            };
            let meeting = Meeting::of(copy);
            let key = key(copy, DAYS[*day]);
            let (Some(_), Some(entry)) = (meeting.series(), meeting.component_at(key)) else {
                return;
            };
            let id = entry.raw_value("RECURRENCE-ID").unwrap().to_owned();
            world.change_copy(who, |calendar| {
                calendar.retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*id));
                let line = calendar::Property::new("EXDATE", &id).unwrap();
                let mut entries = calendar.components_mut();
                let series = entries.find(|it| it.property("RECURRENCE-ID").is_none());
                series.unwrap().push_property(line);
            });
        }
        Step::Remove { who: index } => {
            if world.calendars.contains_key(who(index)) {
                world.delete(who(index));
            }
        }
    }
}

fn answer_at(world: &mut World, who: &'static str, key: InstanceKey, participation: &str) {
    let copy = world.copy(who).clone();
    let Some(mut own) = Meeting::of(&copy).component_at(key) else {
        return;
    };
    let (directory, id) = (world.directory(), world.people[who].id);
    for line in own.properties_mut().filter(|line| line.is("ATTENDEE")) {
        if directory.is(line.raw_value(), id) {
            line.set_parameter("PARTSTAT", participation).unwrap();
        }
    }
    world.change_copy(who, |calendar| {
        let name = own.raw_value("RECURRENCE-ID").map(str::to_owned);
        calendar.retain_components(|it| {
            it.is("VTIMEZONE") || it.raw_value("RECURRENCE-ID").map(str::to_owned) != name
        });
        calendar.push_component(own);
    });
}

/// What somebody has of one day: where it is, where it takes place, and their answer.
#[derive(Debug, PartialEq, Eq)]
struct Attended {
    start: Option<String>,
    place: Option<String>,
    participation: String,
}

/// What an object says of a day to somebody; `None` where it does not take place for them.
fn attended(
    world: &World,
    object: &CalendarObject,
    who: &str,
    key: InstanceKey,
) -> Option<Attended> {
    let meeting = Meeting::of(object);
    let entry = meeting.component_at(key)?;
    let part = Part::Instance(key);
    let part = if meeting.has(part) {
        part
    } else {
        Part::Series
    };
    if !meeting.is_live(part) {
        return None;
    }
    let (directory, id) = (world.directory(), world.people[who].id);
    let mut lines = entry.properties_named("ATTENDEE");
    let own = lines.find(|line| directory.is(line.raw_value(), id))?;
    Some(Attended {
        start: entry.raw_value("DTSTART").map(str::to_owned),
        place: entry.raw_value("LOCATION").map(str::to_owned),
        participation: entry::participation(own),
    })
}

/// Everybody's copy says of each day what the organizer's object says of it to them; only what they declined may be
/// missing.
fn check(world: &World) {
    let Some(organized) = world.calendars.get("alice") else {
        return;
    };
    for who in PEOPLE {
        for day in DAYS.iter().chain(&["0302", "0330", "0413"]) {
            let key = key(organized, day);
            let meant = attended(world, organized, who, key);
            let has = world.calendars.get(who);
            let has = has.and_then(|copy| attended(world, copy, who, key));
            match (&meant, &has) {
                (Some(meant), None) => assert_eq!(
                    meant.participation,
                    "DECLINED",
                    "{who} does not know of {day}\n{:#?}\n{:#?}",
                    shape(organized),
                    world.calendars.get(who).map(shape)
                ),
                _ => assert_eq!(
                    has,
                    meant,
                    "{who}, {day}\n{:#?}\n{:#?}",
                    shape(organized),
                    world.calendars.get(who).map(shape)
                ),
            }
        }
    }
}

fn run(steps: &[Step]) {
    let mut world = new_world();
    for step in steps {
        apply(&mut world, step);
        check(&world);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn everybody_agrees_on_every_instance(steps in proptest::collection::vec(step(), 1..12)) {
        run(&steps);
    }
}
