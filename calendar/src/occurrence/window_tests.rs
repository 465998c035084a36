//! Looking into a window is looking at everything and cutting the window out: on random series with exceptions,
//! overrides and long instances, around changes of the clock.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::*;
use crate::object::Limits;
use crate::zone::nearest_instant;

/// 2024-03-28T00:00:00Z, three days before the change to summer time in Berlin.
const AROUND: i64 = 1_711_584_000;
const HOUR: i64 = 3_600;

/// A civil time some hours after 2024-03-28, as text.
fn local(hours: i64) -> String {
    let civil = Zone::utc().civil(nearest_instant(AROUND + hours * HOUR));
    civil.strftime("%Y%m%dT%H%M%S").to_string()
}

fn length() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (1i64..200).prop_map(|hours| format!("DURATION:PT{hours}H\n")),
        (1i64..9).prop_map(|days| format!("DURATION:P{days}DT1H\n")),
    ]
}

fn start_line(form: &'static str, name: &str, hours: i64) -> String {
    match form {
        "DATE" => format!("{name};VALUE=DATE:{}\n", &local(hours)[..8]),
        "UTC" => format!("{name}:{}Z\n", local(hours)),
        "FLOATING" => format!("{name}:{}\n", local(hours)),
        zone => format!("{name};TZID={zone}:{}\n", local(hours)),
    }
}

fn master(form: &'static str) -> impl Strategy<Value = String> {
    let rule = prop::sample::select(vec![
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=MO,SU",
        "FREQ=HOURLY;INTERVAL=5",
        "FREQ=DAILY;BYHOUR=1,2,3",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
    ]);
    (
        0i64..48,
        rule,
        1u8..40,
        length(),
        vec(0i64..300, 0..3),
        vec(0i64..300, 0..3),
    )
        .prop_map(move |(start, rule, count, length, excluded, added)| {
            let mut text = start_line(form, "DTSTART", start);
            text += &format!("{length}RRULE:{rule};COUNT={count}\n");
            excluded
                .iter()
                .for_each(|&at| text += &start_line(form, "EXDATE", at));
            added
                .iter()
                .for_each(|&at| text += &start_line(form, "RDATE", at));
            text
        })
}

fn override_of(form: &'static str) -> impl Strategy<Value = String> {
    (
        0i64..12,
        -100i64..100,
        weighted(0.4, Just(";RANGE=THISANDFUTURE")),
        length(),
    )
        .prop_map(move |(days, shift, range, length)| {
            let id = format!("RECURRENCE-ID{}", range.unwrap_or_default());
            let hours = days * 24 + 10;
            start_line(form, &id, hours) + &start_line(form, "DTSTART", hours + shift) + &length
        })
}

fn series() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Europe/Berlin",
        "America/New_York",
        "UTC",
        "FLOATING",
        "DATE",
    ])
    .prop_flat_map(|form| (master(form), vec(override_of(form), 0..4)))
    .prop_map(|(master, overrides)| {
        std::iter::once(master)
            .chain(overrides)
            .map(|lines| format!("BEGIN:VEVENT\nUID:1\n{lines}END:VEVENT\n"))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_is_a_part_of_the_whole(series in series(), from in -100i64..900, hours in 1i64..200) {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{series}END:VCALENDAR\n");
        let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
        let floating = Zone::named("Europe/Berlin").unwrap();
        let begin = nearest_instant(AROUND + from * HOUR);
        let window = TimeRange::between(begin, later(begin, hours * HOUR));
        let look = |window| occurrences(&object, &window, &floating, &mut Budget::default()).unwrap();
        let whole = look(TimeRange::default());
        let expected: Vec<Instance> = whole
            .iter()
            .filter(|instance| window.overlaps(instance.start, instance.end))
            .cloned()
            .collect();
        prop_assert_eq!(look(window), expected);
        // Each one is found by its name, unless another one stands for it.
        let set = RecurrenceSet::of(&object, &floating);
        for instance in &whole {
            let id = instance.recurrence_id.as_ref().unwrap();
            let found = set.find(id, &mut Budget::default()).unwrap();
            let name = found.and_then(|found| found.recurrence_id);
            prop_assert_eq!(name.as_ref(), Some(id));
        }
        // The span holds them all.
        let span = overall_span(&object, &mut Budget::default()).unwrap();
        for instance in &whole {
            prop_assert!(span.start.unwrap() <= instance.start && span.end.unwrap() >= instance.end);
        }
    }
}
