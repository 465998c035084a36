//! How fast recurrence is, beside the rrule crate: `cargo bench -p calendar --bench recurrence`.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use calendar::occurrence::{occurrences, overall_span};
use calendar::recurrence::{Occurrences, RecurrenceRule};
use calendar::time_range::object_overlaps;
use calendar::{Budget, CalendarObject, Limits, TimeRange, Zone};

const AT_LEAST: Duration = Duration::from_millis(300);

/// How often `work` can be done in a second, times what it says it did.
fn rate(mut work: impl FnMut() -> usize) -> f64 {
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < AT_LEAST {
        done += work();
    }
    done as f64 / begin.elapsed().as_secs_f64()
}

fn walking() {
    const MANY: usize = 5_000;
    println!(
        "{:<60} {:>10} {:>10}",
        "occurrences/s, millions", "ours", "rrule"
    );
    for rule in [
        "FREQ=DAILY",
        "FREQ=DAILY;BYHOUR=9,12,15",
        "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=15",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        "FREQ=SECONDLY",
    ] {
        let parsed: RecurrenceRule = rule.parse().unwrap();
        let start = "2000-01-03T09:00:00".parse().unwrap();
        let ours = rate(|| {
            let mut budget = Budget::new(u32::MAX);
            let mut series = Occurrences::new(&parsed, start, None, false);
            let mut seen = 0;
            while seen < MANY && black_box(series.next(&mut budget)).unwrap().is_some() {
                seen += 1;
            }
            seen
        });
        let set: rrule::RRuleSet = format!("DTSTART:20000103T090000Z\nRRULE:{rule}")
            .parse()
            .unwrap();
        let theirs = rate(|| set.into_iter().take(MANY / 10).map(black_box).count());
        println!("{rule:<60} {:>10.2} {:>10.2}", ours / 1e6, theirs / 1e6);
    }
}

fn event(lines: &str) -> CalendarObject {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20240101T000000Z\r\n\
         SUMMARY:Meeting\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn objects() {
    let window = TimeRange::between(
        "2024-06-01T00:00:00Z".parse().unwrap(),
        "2024-07-01T00:00:00Z".parse().unwrap(),
    );
    let floating = Zone::named("Europe/Berlin").unwrap();
    println!(
        "\n{:<60} {:>10} {:>10} {:>10}",
        "nanoseconds for a month", "overlaps", "instances", "span"
    );
    for (name, lines) in [
        (
            "one event in UTC",
            "DTSTART:20240602T100000Z\r\nDTEND:20240602T110000Z",
        ),
        (
            "one event in a zone",
            "DTSTART;TZID=Europe/Berlin:20240602T100000\r\nDTEND;TZID=Europe/Berlin:20240602T110000",
        ),
        ("one day", "DTSTART;VALUE=DATE:20240602"),
        (
            "every day since 1970",
            "DTSTART;TZID=Europe/Berlin:19700101T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY",
        ),
        (
            "every workday, COUNT=99999",
            "DTSTART;TZID=Europe/Berlin:19700101T100000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=99999",
        ),
        (
            "every month, COUNT=999",
            "DTSTART;TZID=Europe/Berlin:19700101T100000\r\nRRULE:FREQ=MONTHLY;COUNT=999",
        ),
        (
            "every birthday",
            "DTSTART;VALUE=DATE:19700602\r\nRRULE:FREQ=YEARLY",
        ),
    ] {
        let object = event(lines);
        let nanoseconds = |work: &dyn Fn()| {
            1e9 / rate(|| {
                (0..100).for_each(|_| work());
                100
            })
        };
        let overlaps = nanoseconds(&|| {
            let answer = object_overlaps(
                &object,
                "VEVENT",
                &window,
                &floating,
                &mut Budget::default(),
            );
            black_box(answer).unwrap();
        });
        let instances = nanoseconds(&|| {
            black_box(occurrences(
                &object,
                &window,
                &floating,
                &mut Budget::default(),
            ))
            .unwrap();
        });
        let span = nanoseconds(&|| {
            black_box(overall_span(&object, &mut Budget::default()));
        });
        println!("{name:<60} {overlaps:>10.0} {instances:>10.0} {span:>10.0}");
    }
}

fn main() {
    walking();
    objects();
}
