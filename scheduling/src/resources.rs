//! Rooms and resources that could be had for a meeting: what is asked, and what is said of each. Pure.

pub use calendar::Zone;
use calendar::{
    Budget, CalendarObject, Component, Property, RecurrenceSet, TimeRange, free_busy::BusyPeriod,
    recurrence::RecurrenceRule,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storage::model::{Principal, PrincipalKind};

/// The most spans of one question: a year of working days, twice.
pub const MAXIMUM_SPANS: usize = 600;

/// How far behind the first span a question may reach, in seconds: two years, as any question for busy time. A
/// recurrence is looked at as far.
pub const MAXIMUM_REACH_SECONDS: i64 = 2 * 366 * 24 * 60 * 60;

/// The steps that a recurrence may take: enough for as many spans as there may be, of any rule that people write.
const RECURRENCE_WORK: u32 = 20_000;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct ResourceQuery {
    /// Rooms only, or resources only.
    pub kind: Option<PrincipalKind>,
    /// That many people, at least, must fit in.
    pub capacity: Option<u32>,
    /// This text is part of where it is, in whatever case.
    pub location: Option<String>,
    /// Each of these is part of a feature that it has, in whatever case.
    pub features: Vec<String>,
    /// When it is wanted.
    pub spans: Spans,
    /// Leaves out what is not free for all of it.
    pub only_free: bool,
}

/// A span of time, its start in it and its end not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends; later than the start.
    pub end: Timestamp,
}

/// Spans in order of their start; at least one, but for [`Spans::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

/// Why spans cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpansFault {
    /// None is given.
    #[error("there is no span of time")]
    None,
    /// One ends where it begins, or before.
    #[error("a span of time ends before it begins")]
    Empty,
    /// Too many, or too much work.
    #[error("the spans of time are too many; at most 600 can be asked for")]
    TooMany,
    /// From the first to the last is too long.
    #[error("from the first span of time to the last it is more than two years")]
    TooLong,
    /// It cannot be read.
    #[error("the recurrence is no RRULE such as FREQ=WEEKLY;COUNT=10 (RFC 5545 §3.3.10)")]
    Recurrence,
}

impl Spans {
    /// These.
    ///
    /// # Errors
    /// See [`SpansFault`].
    pub fn of(mut spans: Vec<Span>) -> Result<Spans, SpansFault> {
        if spans.len() > MAXIMUM_SPANS {
            return Err(SpansFault::TooMany);
        }
        if spans.iter().any(|span| span.end <= span.start) {
            return Err(SpansFault::Empty);
        }
        spans.sort_unstable();
        spans.dedup();
        let first = spans.first().ok_or(SpansFault::None)?.start;
        let is_near = |span: &Span| seconds_between(first, span.end) <= MAXIMUM_REACH_SECONDS;
        if !spans.iter().all(is_near) {
            return Err(SpansFault::TooLong);
        }
        Ok(Spans(spans))
    }

    /// A span, and as often as a rule repeats it on the clocks of a zone (RFC 5545 §3.3.10), for two years at most.
    ///
    /// # Errors
    /// See [`SpansFault`].
    pub fn recurring(span: Span, rule: &str, zone: &Zone) -> Result<Spans, SpansFault> {
        let first = Spans::of(vec![span])?;
        if rule.trim().parse::<RecurrenceRule>().is_err() {
            return Err(SpansFault::Recurrence);
        }
        let object = series(span, rule.trim(), zone).ok_or(SpansFault::Recurrence)?;
        let reach = Timestamp::from_second(span.start.as_second() + MAXIMUM_REACH_SECONDS);
        let window = TimeRange {
            start: Some(span.start),
            end: Some(reach.unwrap_or(Timestamp::MAX)),
        };
        let set = RecurrenceSet::of(&object, zone);
        let instances = set.occurrences(&window, &mut Budget::new(RECURRENCE_WORK));
        let instances = instances.map_err(|_| SpansFault::TooMany)?;
        let recurring = instances.into_iter().map(|instance| Span {
            start: instance.start,
            end: instance.end,
        });
        let mut spans: Vec<Span> = first.0.into_iter().chain(recurring).collect();
        // What begins within two years may end a little later; the first is there twice.
        spans.retain(|it| seconds_between(span.start, it.end) <= MAXIMUM_REACH_SECONDS);
        spans.sort_unstable();
        spans.dedup();
        Spans::of(spans)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }

    /// From the beginning of the first to the latest end.
    pub fn reach(&self) -> TimeRange {
        TimeRange {
            start: self.0.first().map(|span| span.start),
            end: self.0.iter().map(|span| span.end).max(),
        }
    }
}

fn seconds_between(one: Timestamp, other: Timestamp) -> i64 {
    other.as_second().saturating_sub(one.as_second())
}

/// An event that repeats a span by the clock.
fn series(span: Span, rule: &str, zone: &Zone) -> Option<CalendarObject> {
    let civil = |at: Timestamp| zone.civil(at).strftime("%Y%m%dT%H%M%S").to_string();
    let mut event = Component::new("VEVENT").ok()?;
    for (name, value) in [
        ("DTSTART", civil(span.start).as_str()),
        ("DTEND", civil(span.end).as_str()),
        ("RRULE", rule),
    ] {
        event.push_property(Property::new(name, value).ok()?);
    }
    let mut calendar = Component::new("VCALENDAR").ok()?;
    calendar.push_component(event);
    Some(CalendarObject::from_calendar(calendar))
}

impl ResourceQuery {
    /// Whether a principal is what is asked for, whenever it is free.
    pub fn fits(&self, principal: &Principal) -> bool {
        let is_kind = match self.kind {
            Some(kind) => principal.kind == kind,
            None => principal.kind.is_bookable(),
        };
        let is_large_enough = self.capacity.is_none_or(|least| {
            let capacity = principal.capacity;
            capacity.is_some_and(|capacity| capacity >= least)
        });
        let is_there = self.location.as_ref().is_none_or(|wanted| {
            let location = principal.location.as_ref();
            location.is_some_and(|location| holds(location, wanted))
        });
        let has = |wanted: &String| principal.features.iter().any(|it| holds(it, wanted));
        is_kind
            && !principal.disabled
            && principal.home.is_some()
            && is_large_enough
            && is_there
            && self.features.iter().all(has)
    }
}

fn holds(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(&wanted.trim().to_lowercase())
}

/// Whether something can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vacancy {
    /// For all of the time.
    Free,
    /// For some of it.
    Partly,
    /// For none of it.
    Busy,
    /// It declines whatever this organizer asks for.
    NotBookable,
    /// Whoever asks may not know (`CALDAV:schedule-query-freebusy`), or it takes too much work.
    Unknown,
}

impl Vacancy {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Vacancy::Free => "free",
            Vacancy::Partly => "partly",
            Vacancy::Busy => "busy",
            Vacancy::NotBookable => "not-bookable",
            Vacancy::Unknown => "unknown",
        }
    }
}

/// Whether something can be had, and which of the spans are taken, in whole or in part. `busy` are merged and in
/// order; what begins after `horizon` cannot be had.
pub fn judge(
    spans: &Spans,
    busy: &[BusyPeriod],
    horizon: Option<Timestamp>,
) -> (Vacancy, Vec<Span>) {
    let mut taken = Vec::new();
    let mut is_any_left = false;
    for span in spans.iter() {
        let is_too_far = horizon.is_some_and(|horizon| span.start >= horizon);
        let first = busy.partition_point(|period| period.end <= span.start);
        let mut within = busy[first..]
            .iter()
            .take_while(|period| period.start < span.end)
            .peekable();
        if !is_too_far && within.peek().is_none() {
            is_any_left = true;
            continue;
        }
        taken.push(*span);
        is_any_left |= !is_too_far && !is_covered(*span, within);
    }
    let vacancy = match (taken.is_empty(), is_any_left) {
        (true, _) => Vacancy::Free,
        (false, true) => Vacancy::Partly,
        (false, false) => Vacancy::Busy,
    };
    (vacancy, taken)
}

/// Whether periods in order leave nothing of a span.
fn is_covered<'a>(span: Span, periods: impl Iterator<Item = &'a BusyPeriod>) -> bool {
    let mut covered_until = span.start;
    for period in periods {
        if period.start > covered_until {
            return false;
        }
        covered_until = covered_until.max(period.end);
    }
    covered_until >= span.end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use calendar::free_busy::BusyType;
    use storage::model::CollectionId;

    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-{text}:00Z").parse().unwrap()
    }

    fn span(start: &str, end: &str) -> Span {
        Span {
            start: at(start),
            end: at(end),
        }
    }

    #[test]
    fn spans_recur_by_the_clock_of_their_zone() {
        let berlin = Zone::by_reference("Europe/Berlin").unwrap();
        let one = span("03-23T08:00", "03-23T09:00");
        let spans = Spans::recurring(one, "FREQ=WEEKLY;COUNT=2", &berlin).unwrap();
        let all: Vec<Span> = spans.iter().copied().collect();
        assert_eq!(all, [one, span("03-30T07:00", "03-30T08:00")]);
        assert_eq!(spans.reach().end, Some(at("03-30T08:00")));
        let until = Spans::recurring(one, "FREQ=DAILY;UNTIL=20260325T080000Z", &berlin).unwrap();
        assert_eq!(until.iter().count(), 3);
        let endless = Spans::recurring(one, "FREQ=WEEKLY", &Zone::utc()).unwrap();
        assert_eq!(endless.iter().count(), 105);
    }

    #[test]
    fn what_cannot_be_asked_for_is_named() {
        let one = span("03-23T08:00", "03-23T09:00");
        let backward = span("03-23T08:00", "03-23T08:00");
        let far = Span {
            start: one.start,
            end: at("03-23T09:00") + jiff::SignedDuration::from_hours(3 * 8_784),
        };
        let many: Vec<Span> = (0..601).map(|_| one).collect();
        for (spans, fault) in [
            (vec![], SpansFault::None),
            (vec![one, backward], SpansFault::Empty),
            (vec![far], SpansFault::TooLong),
            (many, SpansFault::TooMany),
        ] {
            assert_eq!(Spans::of(spans), Err(fault));
        }
        for (rule, fault) in [
            ("weekly", SpansFault::Recurrence),
            ("", SpansFault::Recurrence),
            ("FREQ=WEEKLY\r\nRDATE:20260101", SpansFault::Recurrence),
            ("FREQ=DAILY", SpansFault::TooMany),
            ("FREQ=SECONDLY", SpansFault::TooMany),
        ] {
            assert_eq!(
                Spans::recurring(one, rule, &Zone::utc()),
                Err(fault),
                "{rule}"
            );
        }
    }

    #[test]
    fn what_is_left_of_the_time_is_told() {
        let busy = |start: &str, end: &str| BusyPeriod {
            start: at(start),
            end: at(end),
            busy_type: BusyType::Busy,
        };
        let (one, two) = (
            span("02-02T09:00", "02-02T10:00"),
            span("02-09T09:00", "02-09T10:00"),
        );
        let both = Spans::of(vec![two, one]).unwrap();
        let horizon = |text: &str| Some(at(text));
        for (busy, horizon, vacancy, taken) in [
            (vec![], None, Vacancy::Free, vec![]),
            // what only touches does not overlap
            (
                vec![
                    busy("02-02T08:00", "02-02T09:00"),
                    busy("02-02T10:00", "02-02T11:00"),
                ],
                None,
                Vacancy::Free,
                vec![],
            ),
            (
                vec![busy("02-02T09:30", "02-02T09:45")],
                None,
                Vacancy::Partly,
                vec![one],
            ),
            (
                vec![
                    busy("02-02T08:00", "02-02T09:30"),
                    busy("02-02T09:30", "02-02T12:00"),
                ],
                None,
                Vacancy::Partly,
                vec![one],
            ),
            (
                vec![busy("02-01T08:00", "02-20T09:30")],
                None,
                Vacancy::Busy,
                vec![one, two],
            ),
            (vec![], horizon("02-03T00:00"), Vacancy::Partly, vec![two]),
            (
                vec![],
                horizon("02-01T00:00"),
                Vacancy::Busy,
                vec![one, two],
            ),
        ] {
            assert_eq!(judge(&both, &busy, horizon), (vacancy, taken), "{busy:?}");
        }
    }

    #[test]
    fn only_what_fits_is_looked_at() {
        let mut room = Principal::new(PrincipalKind::Location, "blue");
        room.home = Some(CollectionId(1));
        room.capacity = Some(8);
        room.location = Some("Main building, 2nd floor".to_owned());
        room.features = vec!["Projector".to_owned(), "white board".to_owned()];
        let asks = |change: fn(&mut ResourceQuery)| {
            let mut query = ResourceQuery::default();
            change(&mut query);
            query
        };
        for (query, fits) in [
            (asks(|_| {}), true),
            (
                asks(|query| query.kind = Some(PrincipalKind::Location)),
                true,
            ),
            (
                asks(|query| query.kind = Some(PrincipalKind::Resource)),
                false,
            ),
            (asks(|query| query.kind = Some(PrincipalKind::User)), false),
            (asks(|query| query.capacity = Some(8)), true),
            (asks(|query| query.capacity = Some(9)), false),
            (asks(|query| query.location = Some("MAIN".to_owned())), true),
            (asks(|query| query.location = Some("3rd".to_owned())), false),
            (
                asks(|query| query.features = vec!["board".to_owned(), "projector".to_owned()]),
                true,
            ),
            (
                asks(|query| query.features = vec!["board".to_owned(), "phone".to_owned()]),
                false,
            ),
        ] {
            assert_eq!(query.fits(&room), fits, "{query:?}");
        }
        room.capacity = None;
        assert!(!asks(|query| query.capacity = Some(1)).fits(&room));
        room.disabled = true;
        assert!(!ResourceQuery::default().fits(&room));
        assert!(!ResourceQuery::default().fits(&Principal::new(PrincipalKind::User, "alice")));
    }
}
