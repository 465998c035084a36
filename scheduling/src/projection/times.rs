//! When the events of an object are, so that most questions about time need not read the object.
//!
//! Instances are kept as arithmetic series: a weekly event is three or four of them a year (its clock
//! changes twice), whatever was excluded or moved included. What is not exact in this form is not kept:
//! the object itself, read by [`calendar`], is what decides.

use calendar::{
    Budget, CalendarObject, Component, RecurrenceSet, TimeRange, Zone,
    free_busy::{BusyType, Owner, busy_type},
};
use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Serialize};

/// The most series of one object.
const MAXIMUM_SERIES: usize = 48;
/// How many of the following instances are tried as the second of a series.
const SECOND_INSTANCES: usize = 8;
/// How far the instances of a series without an end, or with a late one, are worked out when it is
/// stored: in days, the next where the one before is too much.
const STORED_DAYS: [i64; 3] = [800, 200, 40];
/// How far around a question they are worked out when it comes: days before and after.
const ASKED_DAYS: [(i64, i64); 3] = [(200, 400), (60, 60), (8, 8)];
/// The work that one attempt may take.
const WORK: u32 = 3_000;
/// Local time and UTC are never further apart than this, in seconds.
const LARGEST_OFFSET: i64 = 86_400;
const SECONDS_OF_DAY: i64 = 86_400;
const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// What an instance makes of its time (RFC 4791 §7.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Occupation {
    /// Nothing: TRANSPARENT or CANCELLED.
    Free,
    /// BUSY, whoever the owner is.
    Busy,
    /// BUSY-TENTATIVE, whoever the owner is.
    Tentative,
    /// There are attendees: it depends on whether the owner is one, and on what they answered.
    ByAttendance,
}

impl Occupation {
    fn of(event: &Component) -> Occupation {
        let anybody = Owner {
            has_address: &|_| false,
            is_bookable: false,
        };
        match busy_type(event, &anybody) {
            None => Occupation::Free,
            Some(_) if event.property("ATTENDEE").is_some() => Occupation::ByAttendance,
            Some(BusyType::Tentative) => Occupation::Tentative,
            Some(_) => Occupation::Busy,
        }
    }
}

/// Instances of the same length, at the same distance from each other; seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Series {
    start: i64,
    step: u32,
    count: u32,
    length: u32,
    occupation: Occupation,
}

/// What is known of the instances of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Times {
    /// The object must be asked.
    Unknown,
    /// There is this one.
    Once(Series),
    /// All that overlap a part of time.
    Within(Box<Within>),
}

/// Every instance that overlaps a part of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Within {
    /// From this second; `None` is "since ever".
    from: Option<i64>,
    /// To this one; `None` is "forever".
    until: Option<i64>,
    series: Vec<Series>,
}

/// An instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends: later.
    pub end: Timestamp,
    /// What it makes of its time.
    pub occupation: Occupation,
}

impl Times {
    /// The instances of an object whose components are all events, in a form to be stored; `span` is from
    /// the first to the last of them, in seconds, open where it is not known.
    ///
    /// Those of DATEs are given in civil time (`is_civil`), those of floating times are not known.
    pub(super) fn stored(
        object: &CalendarObject,
        span: (Option<i64>, Option<i64>),
        is_civil: bool,
    ) -> Times {
        let (Some(start), end) = span else {
            return Times::Unknown;
        };
        let set = RecurrenceSet::of(object, &Zone::utc());
        let is_short = |days: i64| end.is_some_and(|end| end - start <= days * SECONDS_OF_DAY);
        if is_short(STORED_DAYS[0])
            && let Some(series) = series_within(&set, (None, None), is_civil)
        {
            return match series[..] {
                [only] if only.count == 1 => Times::Once(only),
                _ => Times::Within(Box::new(Within {
                    from: None,
                    until: None,
                    series,
                })),
            };
        }
        let windows = STORED_DAYS.map(|days| (None, start.checked_add(days * SECONDS_OF_DAY)));
        within_first(&set, &windows, is_civil)
    }

    /// The same for a question about a part of time that what is stored does not reach.
    pub(super) fn around(
        object: &CalendarObject,
        asked: (Option<i64>, Option<i64>),
        is_civil: bool,
    ) -> Times {
        let set = RecurrenceSet::of(object, &Zone::utc());
        let windows = ASKED_DAYS.map(|(before, after)| {
            (
                asked.0.map(|start| start - before * SECONDS_OF_DAY),
                asked.1.map(|end| end + after * SECONDS_OF_DAY),
            )
        });
        within_first(&set, &windows, is_civil)
    }

    /// Shows `visitor` the instances that overlap a range, until it says `false`; says whether they are
    /// known. `floating` is the zone in which civil times are read, where these are.
    pub(super) fn visit(
        &self,
        range: &TimeRange,
        floating: Option<&Zone>,
        visitor: &mut dyn FnMut(Instant) -> bool,
    ) -> bool {
        let widening = if floating.is_some() {
            LARGEST_OFFSET
        } else {
            0
        };
        let first = range
            .start
            .map_or(i64::MIN, |start| start.as_second().saturating_sub(widening));
        // A range may end within a second.
        let last = range.end.map_or(i64::MAX, |end| {
            let end = end.as_second().saturating_add(1);
            end.saturating_add(widening)
        });
        let series = match self {
            Times::Unknown => return false,
            Times::Once(only) => std::slice::from_ref(only),
            Times::Within(within) => {
                let reaches = within.from.is_none_or(|from| from <= first)
                    && within.until.is_none_or(|until| last <= until);
                if !reaches {
                    return false;
                }
                &within.series
            }
        };
        for series in series {
            for (start, end) in series.between(first, last) {
                let Some(instant) = instant(start, end, floating, series.occupation) else {
                    return false;
                };
                if range.overlaps(instant.start, instant.end) && !visitor(instant) {
                    return true;
                }
            }
        }
        true
    }

    /// Memory beyond the value itself, roughly.
    pub(super) fn octets(&self) -> usize {
        match self {
            Times::Within(within) => {
                size_of::<Within>() + within.series.len() * size_of::<Series>()
            }
            _ => 0,
        }
    }
}

/// The first window whose instances can be worked out.
fn within_first(
    set: &RecurrenceSet<'_>,
    windows: &[(Option<i64>, Option<i64>)],
    is_civil: bool,
) -> Times {
    let within = windows.iter().find_map(|&(from, until)| {
        let series = series_within(set, (from, until), is_civil)?;
        Some(Box::new(Within {
            from,
            until,
            series,
        }))
    });
    within.map_or(Times::Unknown, Times::Within)
}

/// All instances that overlap a window; `None` where they are too many, or not exact in this form.
fn series_within(
    set: &RecurrenceSet<'_>,
    (from, until): (Option<i64>, Option<i64>),
    is_civil: bool,
) -> Option<Vec<Series>> {
    let moment = |second: Option<i64>| match second {
        None => Some(None),
        Some(second) => Timestamp::from_second(second).ok().map(Some),
    };
    let window = TimeRange {
        start: moment(from)?,
        end: moment(until)?,
    };
    let instances = set.occurrences(&window, &mut Budget::new(WORK)).ok()?;
    let mut singles = Vec::with_capacity(instances.len());
    for instance in &instances {
        let is_date = matches!(
            instance.start_value,
            calendar::value::DateOrDateTime::Date(_)
        );
        let start = instance.start.as_second();
        let length = u32::try_from(instance.end.as_second().saturating_sub(start)).ok()?;
        // RFC 4791 §9.9 has rules of its own for what has no length.
        if is_date != is_civil || length == 0 {
            return None;
        }
        singles.push(Series {
            start,
            step: 0,
            count: 1,
            length,
            occupation: Occupation::of(set.component(instance)),
        });
    }
    compress(singles)
}

/// Finds series in single instances; `None` where there are too many.
fn compress(mut singles: Vec<Series>) -> Option<Vec<Series>> {
    let key = |one: &Series| (one.length, one.occupation);
    singles.sort_unstable_by_key(|one| (key(one), one.start));
    let mut found = Vec::new();
    for alike in singles.chunk_by(|one, other| key(one) == key(other)) {
        let mut starts: Vec<i64> = alike.iter().map(|one| one.start).collect();
        starts.dedup();
        while let Some(&start) = starts.first() {
            if found.len() == MAXIMUM_SERIES {
                return None;
            }
            let (step, count) = longest(&starts);
            found.push(Series {
                start,
                step,
                count,
                ..alike[0]
            });
            starts.retain(|other| !found.last().is_some_and(|series| series.has(*other)));
        }
    }
    Some(found)
}

/// The longest series that begins with the first of these starts: its step, and how many it has.
fn longest(starts: &[i64]) -> (u32, u32) {
    let first = starts[0];
    let mut best = (0, 1);
    for second in starts.iter().skip(1).take(SECOND_INSTANCES) {
        let Ok(step) = u32::try_from(second - first) else {
            break;
        };
        let is_there = |number: &u32| {
            let start = first + i64::from(*number) * i64::from(step);
            starts.binary_search(&start).is_ok()
        };
        let count = (1..).take_while(is_there).count() as u32 + 1;
        if count > best.1 {
            best = (step, count);
        }
        if count as usize == starts.len() {
            break;
        }
    }
    best
}

impl Series {
    fn has(&self, start: i64) -> bool {
        let after = start - self.start;
        match self.step {
            0 => after == 0,
            step => {
                let step = i64::from(step);
                after >= 0 && after % step == 0 && after / step < i64::from(self.count)
            }
        }
    }

    /// Starts and ends of the instances that overlap a part of time, found by arithmetic.
    fn between(&self, first: i64, last: i64) -> impl Iterator<Item = (i64, i64)> {
        let (start, length) = (self.start, i64::from(self.length));
        let step = i64::from(self.step).max(1);
        let count = i64::from(self.count);
        // start + number * step + length > first
        let before = first.saturating_sub(length).saturating_sub(start);
        let from = (before.div_euclid(step).saturating_add(1)).clamp(0, count);
        // start + number * step < last
        let until = last.saturating_sub(start).saturating_sub(1);
        let until = (until.div_euclid(step).saturating_add(1)).clamp(0, count);
        (from..until).map(move |number| {
            let start = start + number * step;
            (start, start + length)
        })
    }
}

fn instant(
    start: i64,
    end: i64,
    floating: Option<&Zone>,
    occupation: Occupation,
) -> Option<Instant> {
    let at = |second: i64| match floating {
        None => Timestamp::from_second(second).ok(),
        Some(zone) => {
            let civil = EPOCH.checked_add(SignedDuration::from_secs(second)).ok()?;
            Some(zone.instant(civil))
        }
    };
    let (start, end) = (at(start)?, at(end)?);
    Some(Instant {
        start,
        end,
        occupation,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::projection::{ObjectProjection, tests::object};

    fn event(lines: &str) -> CalendarObject {
        object(&format!("BEGIN:VEVENT {lines} END:VEVENT"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// What the projection says, if it knows, is what the object says.
    fn check(
        projection: &ObjectProjection,
        object: &CalendarObject,
        range: &TimeRange,
        zone: &Zone,
    ) -> bool {
        let mut said = Vec::new();
        let knows = projection.visit_instances(range, zone, &mut |instant| {
            said.push((instant.start, instant.end));
            true
        });
        if knows {
            let set = RecurrenceSet::of(object, zone);
            let instances = set.occurrences(range, &mut Budget::default()).unwrap();
            let mut expected: Vec<_> = instances.iter().map(|it| (it.start, it.end)).collect();
            expected.sort();
            expected.dedup();
            said.sort();
            assert_eq!(said, expected, "{range:?}");
        }
        knows
    }

    const WEEKLY: &str =
        "DTSTART;TZID=Europe/Berlin:20260302T090000 DURATION:PT1H RRULE:FREQ=WEEKLY";

    #[test]
    fn what_is_known_is_what_the_object_says() {
        let moved = "BEGIN:VEVENT UID:1 DTSTART:20260302T090000Z DURATION:PT1H RRULE:FREQ=DAILY;COUNT=9 EXDATE:20260304T090000Z END:VEVENT \
            BEGIN:VEVENT UID:1 RECURRENCE-ID:20260305T090000Z DTSTART:20260320T150000Z DURATION:PT2H STATUS:CANCELLED END:VEVENT";
        let table = [
            (event("DTSTART:20260302T090000Z DURATION:PT1H"), true),
            (event("DTSTART;VALUE=DATE:20260329"), true),
            (
                event(
                    "DTSTART;VALUE=DATE:20260301 DTEND;VALUE=DATE:20260304 RRULE:FREQ=WEEKLY;COUNT=5",
                ),
                true,
            ),
            (event(WEEKLY), true),
            (
                event(
                    "DTSTART;TZID=Europe/Berlin:20260302T090000 DURATION:PT1H RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR",
                ),
                true,
            ),
            (
                event("DTSTART:20260131T090000Z DURATION:P1D RRULE:FREQ=MONTHLY"),
                true,
            ),
            (
                event(
                    "DTSTART:20260302T090000Z DURATION:PT1H RDATE:20260401T090000Z,20260403T100000Z",
                ),
                true,
            ),
            (object(moved), true),
            // What the tables of RFC 4791 §9.9 treat in ways of their own is asked of the object.
            (event("DTSTART:20260302T090000Z"), false),
            (event("DTSTART:20260302T090000 DURATION:PT1H"), false),
            (
                object("BEGIN:VTODO DTSTART:20260302T090000Z DUE:20260302T100000Z END:VTODO"),
                false,
            ),
            (
                object("BEGIN:VJOURNAL DTSTART;VALUE=DATE:20260302 END:VJOURNAL"),
                false,
            ),
            (
                event("DTSTART:20260302T090000Z DURATION:PT1S RRULE:FREQ=SECONDLY"),
                false,
            ),
        ];
        let zones = [
            "UTC",
            "Europe/Berlin",
            "Pacific/Kiritimati",
            "America/Los_Angeles",
        ];
        for (object, expected) in table {
            let projection = ObjectProjection::of(&object);
            let read = ObjectProjection::decode(&projection.encode());
            assert_eq!(read.as_ref(), Some(&projection));
            for zone in zones.map(|name| Zone::named(name).unwrap()) {
                let mut known = true;
                for hours in (-24..24 * 90).step_by(7) {
                    let start = at("2026-02-20T00:00:00Z") + SignedDuration::from_hours(hours);
                    for length in [1, 30, 24 * 7] {
                        let end = start + SignedDuration::from_hours(length);
                        known &=
                            check(&projection, &object, &TimeRange::between(start, end), &zone);
                    }
                }
                assert_eq!(known, expected, "{object:?}");
            }
        }
    }

    #[test]
    fn an_endless_series_is_known_for_a_while_and_learned_further_on() {
        let object = event(WEEKLY);
        let stored = ObjectProjection::of(&object);
        let utc = Zone::utc();
        let week = |start: &str| {
            TimeRange::between(at(start), at(start) + SignedDuration::from_hours(168))
        };
        assert!(check(&stored, &object, &week("2026-06-01T00:00:00Z"), &utc));
        let far = week("2036-06-02T00:00:00Z");
        assert!(!check(&stored, &object, &far, &utc));
        let learned = stored.with_instances_around(&object, &far);
        assert!(check(&learned, &object, &far, &utc));
        assert!(check(
            &learned,
            &object,
            &week("2036-11-02T00:00:00Z"),
            &utc
        ));
        assert!(!check(
            &learned,
            &object,
            &week("2026-06-01T00:00:00Z"),
            &utc
        ));
    }

    #[test]
    fn occupations() {
        let table = [
            ("", Occupation::Busy),
            ("TRANSP:TRANSPARENT ", Occupation::Free),
            ("STATUS:TENTATIVE ", Occupation::Tentative),
            ("STATUS:CANCELLED ATTENDEE:mailto:a ", Occupation::Free),
            (
                "ATTENDEE;PARTSTAT=DECLINED:mailto:a ",
                Occupation::ByAttendance,
            ),
        ];
        for (lines, expected) in table {
            let object = event(&format!("{lines}DTSTART:20260302T090000Z DURATION:PT1H"));
            let mut found = None;
            let always = TimeRange::default();
            let projection = ObjectProjection::of(&object);
            assert!(
                projection.visit_instances(&always, &Zone::utc(), &mut |instant| {
                    found = Some(instant.occupation);
                    true
                })
            );
            assert_eq!(found, Some(expected), "{lines}");
        }
    }

    proptest! {
        /// Whatever the starts are, the series that are found hold each of them once, and nothing else.
        #[test]
        fn series_hold_what_they_were_made_of(starts in prop::collection::btree_set(0..400i64, 0..60)) {
            let single = |start: &i64| Series {
                start: *start,
                step: 0,
                count: 1,
                length: 1,
                occupation: Occupation::Busy,
            };
            if let Some(series) = compress(starts.iter().map(single).collect()) {
                let all = series.iter().flat_map(|series| series.between(i64::MIN, i64::MAX));
                let mut found: Vec<i64> = all.map(|(start, _)| start).collect();
                found.sort_unstable();
                prop_assert_eq!(found, starts.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
