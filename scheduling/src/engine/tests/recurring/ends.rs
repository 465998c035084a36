//! The same end of a series, said in another way: clients turn COUNT into UNTIL and back, and write UNTIL at the end of the
//! day (C2.6: moments are compared, not texts; C8, C11).

use super::*;

const X: &str = "mailto:x@elsewhere.net";

fn ending(end: &str, more: &str) -> String {
    series("bob carol", more).replace(";COUNT=10", end)
}

#[test]
fn ends_are_compared_as_moments() {
    let (told, asked) = (Some("+"), Some("?"));
    // from, to, and whether people are told, and asked anew
    let table = [
        (";COUNT=10", ";UNTIL=20260504T090000Z", None),
        (";COUNT=10", ";UNTIL=20260504T235959Z", None),
        (";COUNT=10", ";UNTIL=20260504", None),
        (";COUNT=10", ";UNTIL=20260511T085959Z", None),
        (";UNTIL=20260504T090000Z", ";UNTIL=20260504T215959Z", None),
        (";COUNT=10", ";UNTIL=20260511T090000Z", asked),
        (";COUNT=10", ";UNTIL=20260427T235959Z", told),
        // beyond what is compared instance by instance
        (";COUNT=520", ";UNTIL=20360211T235959Z", None),
        (";COUNT=520", ";COUNT=521", asked),
        (";COUNT=520", ";UNTIL=20360218T235959Z", asked),
        (";COUNT=521", ";UNTIL=20360211T235959Z", told),
        (";COUNT=520", "", asked),
        ("", ";COUNT=520", told),
    ];
    let both_ways = table.iter().flat_map(|(from, to, expected)| {
        let back = expected.is_none().then_some((*to, *from, None));
        std::iter::once((*from, *to, *expected)).chain(back)
    });
    for (from, to, expected) in both_ways {
        let mut world = new_world();
        world.put("alice", &set(&[&ending(from, "")]));
        for who in ["bob", "carol"] {
            world.answer(who, "ACCEPTED");
        }
        world.letters("bob");
        world.put(
            "alice",
            &set(&[&ending(to, "X-MOZ-LASTACK:20260101T000000Z")]),
        );
        let name = format!("{from} -> {to}");
        let letters: &[&str] = match expected {
            None => &[],
            Some(_) => &["REQUEST series"],
        };
        assert_eq!(world.letters("bob"), letters, "{name}");
        let mark = expected.unwrap_or("+");
        for who in ["alice", "bob"] {
            assert_eq!(
                world.shape(who),
                [format!("series bob{mark} carol{mark}")],
                "{name}"
            );
        }
        let sequence = u32::from(expected.is_some());
        assert_eq!(
            sequences(world.copy("alice")),
            [("series".to_owned(), sequence)],
            "{name}"
        );
    }
}

#[test]
fn an_organizer_elsewhere_says_the_end_in_another_way() {
    // Exchange and Google rewrite it, and know of no answers
    let said = |end: &str, minute: u32| {
        let lines = ending(end, "").replace("ATTENDEE:mailto:carol@example.org", "");
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T10{minute:02}00Z\nORGANIZER:{X}\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let text = text.replace("\n\n", "\n");
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    let mut world = new_world();
    world.hand_in("bob", X, &said(";COUNT=10", 0)).unwrap();
    world.answer("bob", "ACCEPTED");
    world
        .hand_in("bob", X, &said(";UNTIL=20260504T220000Z", 1))
        .unwrap();
    assert_eq!(world.shape("bob"), ["series bob+"]);
    world
        .hand_in("bob", X, &said(";UNTIL=20260511T220000Z", 2))
        .unwrap();
    assert_eq!(world.shape("bob"), ["series bob?"]);
}

#[test]
fn this_and_future_ends_a_series_with_another_time_of_day() {
    // C8: the old series ends at the end of the day before, and the new one is another meeting
    let mut world = accepted();
    world.change_copy("bob", |calendar| {
        let series = calendar.components_mut().next().unwrap();
        series.push_component(calendar::Component::new("VALARM").unwrap());
    });
    world.inboxes.clear();
    world.put("alice", &set(&[&ending(";UNTIL=20260329T235959Z", "")]));
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(world.shape("bob"), ["series bob+ carol+"]);
    assert!(
        lines(world.copy("bob"))
            .concat()
            .contains("UNTIL=20260329T235959Z")
    );
    // no instance is cancelled one by one, and the alarm is there
    let entry = world.copy("bob").entries().next().unwrap();
    assert_eq!(entry.components().filter(|it| it.is("VALARM")).count(), 1);
}
