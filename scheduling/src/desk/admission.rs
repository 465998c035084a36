//! What RFC 4791 §5.3.2.1 demands of octets before they may stand in a calendar. Pure.

use bytes::Bytes;
use calendar::{
    Budget, CalendarObject, Format, Landmarks, TimeRange, Zone, Zones,
    check::{self, ObjectFacts, ObjectFault, ObjectPrecondition},
    occurrence::occurrences,
    value::date_of,
};
use storage::model::Collection;

use super::{
    collection::{components_of, takes_component},
    refuse::precondition,
    settings::Limits,
};
use crate::{Precondition, Refusal, projection::ObjectProjection};

/// The media type of a calendar object (RFC 4791 §4.1); clients look at the component (RFC 5545 §8.1).
pub(crate) fn content_type(component_name: &str) -> String {
    ["text/calendar; charset=utf-8; component=", component_name].concat()
}

/// The most octets of a UID, which stands in an index and in every message.
const MAXIMUM_UID_OCTETS: usize = 1024;

/// Octets that may stand in a calendar, read.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// The object.
    pub object: CalendarObject,
    /// What is to be known of it.
    pub facts: ObjectFacts,
    /// The octets to be stored, in iCalendar; others than those sent where `mended`.
    pub octets: Bytes,
    /// They came as jCal or xCal; or lines were folded within a character, which no XML report can carry,
    /// and had to be folded anew.
    pub mended: bool,
    /// For queries.
    pub projection: Bytes,
}

/// Octets that somebody wants to store in a calendar, read: a calendar object, whose bounds are still to be looked at.
pub(crate) struct Submitted {
    /// The object.
    pub object: CalendarObject,
    facts: ObjectFacts,
    format: Format,
    octets: Bytes,
}

/// Reads octets that somebody wants to store in a calendar.
///
/// Errors, each as its precondition: `supported-calendar-data`, `max-resource-size`,
/// `valid-calendar-data`, `valid-calendar-object-resource`, `max-attendees-per-instance`,
/// `min-date-time`, `max-date-time`, `max-instances`.
pub(crate) fn admit(
    limits: &Limits,
    content_type: Option<&str>,
    octets: Bytes,
) -> Result<Admitted, Refusal> {
    read(limits, content_type, octets)?.admit(limits)
}

/// The first half of [`admit`], at the price of reading the octets once.
///
/// Errors: `supported-calendar-data`, `max-resource-size`, `valid-calendar-data`, `valid-calendar-object-resource`.
pub(crate) fn read(
    limits: &Limits,
    content_type: Option<&str>,
    octets: Bytes,
) -> Result<Submitted, Refusal> {
    let format = format_of(content_type).ok_or_else(|| {
        let types = Format::ALL.map(Format::media_type).join(", ");
        let detail = format!("a calendar takes {types}, version {}", Format::VERSION);
        precondition(Precondition::SupportedCalendarData, detail)
    })?;
    check_size(limits, octets.len())?;
    let parser_limits = calendar::object::Limits {
        octets: usize::try_from(limits.maximum_resource_octets).unwrap_or(usize::MAX),
        ..calendar::object::Limits::default()
    };
    let object = format
        .parse(octets.clone(), &parser_limits)
        .map_err(|error| precondition(Precondition::ValidCalendarData, error.to_string()))?;
    let facts = check::check(&object).map_err(|fault| {
        let which = match fault.precondition() {
            ObjectPrecondition::ValidCalendarData => Precondition::ValidCalendarData,
            ObjectPrecondition::ValidCalendarObjectResource => {
                Precondition::ValidCalendarObjectResource
            }
            ObjectPrecondition::SupportedRscale => Precondition::SupportedRscale,
        };
        precondition(which, fault.to_string())
    })?;
    Ok(Submitted {
        object,
        facts,
        format,
        octets,
    })
}

impl Submitted {
    /// The second half of [`admit`]: what it says is within the bounds of this installation.
    pub fn admit(self, limits: &Limits) -> Result<Admitted, Refusal> {
        let Submitted {
            mut object,
            facts,
            format,
            octets,
        } = self;
        if facts.uid.len() > MAXIMUM_UID_OCTETS {
            return Err(precondition(
                Precondition::ValidCalendarObjectResource,
                "the UID is too long",
            ));
        }
        check_attendees(limits, facts.most_attendees)?;
        let projection = ObjectProjection::of(&object);
        check_dates(limits, &object)?;
        check_instances(limits, &object, &projection)?;
        let mended = object.mend_folds() | (format != Format::ICalendar);
        let octets = if mended { object.to_octets() } else { octets };
        check_size(limits, octets.len())?;
        Ok(Admitted {
            projection: projection.encode(),
            object,
            facts,
            octets,
            mended,
        })
    }
}

/// What comes in names no more time zones than are bound to be needed, or than what it takes the place of, which was
/// stored before there was that bound; each as [`calendar::many_zones`] counts them.
pub(super) fn check_zones(named: Option<usize>, had: Option<usize>) -> Result<(), Refusal> {
    if named <= had {
        return Ok(());
    }
    let detail = ObjectFault::TooManyZones.to_string();
    Err(precondition(
        Precondition::ValidCalendarObjectResource,
        detail,
    ))
}

/// RFC 4791 §5.3.2.1 `max-attendees-per-instance`.
pub(super) fn check_attendees(limits: &Limits, attendees: usize) -> Result<(), Refusal> {
    if attendees <= limits.maximum_attendees {
        return Ok(());
    }
    let detail = format!(
        "at most {} attendees are possible",
        limits.maximum_attendees
    );
    Err(precondition(Precondition::MaxAttendeesPerInstance, detail))
}

/// The attendees of that component which has the most.
pub(super) fn most_attendees(object: &CalendarObject) -> usize {
    let attendees = object
        .entries()
        .map(|entry| entry.properties_named("ATTENDEE").count());
    attendees.max().unwrap_or_default()
}

/// RFC 4791 §5.2.6 and §5.2.7.
fn check_dates(limits: &Limits, object: &CalendarObject) -> Result<(), Refusal> {
    let zones = Zones::of(object);
    let utc = Zone::utc();
    for entry in object.entries() {
        let found = Landmarks::of(entry);
        let places = [found.start, found.end, found.due, found.recurrence_id];
        for value in places.into_iter().flatten().filter_map(date_of) {
            let second = zones.instant_of(&value, &utc).as_second();
            if second < limits.minimum_date_time {
                return Err(precondition(
                    Precondition::MinDateTime,
                    "a date is too early",
                ));
            }
            if second > limits.maximum_date_time {
                return Err(precondition(
                    Precondition::MaxDateTime,
                    "a date is too late",
                ));
            }
        }
    }
    Ok(())
}

/// RFC 4791 §5.2.8, for a recurrence that ends; one that does not has no number of instances. They are
/// counted only where there may be too many.
fn check_instances(
    limits: &Limits,
    object: &CalendarObject,
    projection: &ObjectProjection,
) -> Result<(), Refusal> {
    if !projection.is_recurring() || !may_exceed(limits, object, projection) {
        return Ok(());
    }
    // A step of the budget is an instance or less, so that too much work is too many instances.
    let work = u32::try_from(limits.maximum_instances.saturating_mul(WORK_PER_INSTANCE))
        .unwrap_or(u32::MAX);
    let counted = occurrences(
        object,
        &TimeRange::default(),
        &Zone::utc(),
        &mut Budget::new(work),
    );
    match counted.is_ok_and(|instances| instances.len() <= limits.maximum_instances) {
        true => Ok(()),
        false => {
            let detail = format!(
                "a recurrence has at most {} instances",
                limits.maximum_instances
            );
            Err(precondition(Precondition::MaxInstances, detail))
        }
    }
}

/// Whether a recurrence that ends may have too many instances: it has several a day, or lasts long, or
/// counts to more than could be counted.
fn may_exceed(limits: &Limits, object: &CalendarObject, projection: &ObjectProjection) -> bool {
    let rules: Vec<String> = object
        .entries()
        .flat_map(|entry| entry.properties_named("RRULE"))
        .map(|rule| rule.raw_value().to_ascii_uppercase())
        .collect();
    let ends = |rule: &String| rule.contains("COUNT=") || rule.contains("UNTIL=");
    if !rules.iter().all(ends) {
        return false;
    }
    let often = |rule: &String| SEVERAL_A_DAY.iter().any(|part| rule.contains(part));
    let dates = object
        .entries()
        .flat_map(|entry| entry.properties_named("RDATE"))
        .map(|dates| dates.raw_value().split(',').count())
        .sum::<usize>();
    let days = projection
        .length_seconds()
        .map(|seconds| seconds / SECONDS_OF_A_DAY + 1);
    let by_days = days.and_then(|days| usize::try_from(days).ok());
    rules.iter().any(often)
        || by_days.is_none_or(|by_days| by_days.saturating_add(dates) > limits.maximum_instances)
}

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;
/// Steps of work that the count of one instance may take.
const WORK_PER_INSTANCE: usize = 4;
/// Parts of a rule that can give a day more than one instance.
const SEVERAL_A_DAY: [&str; 6] = [
    "FREQ=SECONDLY",
    "FREQ=MINUTELY",
    "FREQ=HOURLY",
    "BYHOUR",
    "BYMINUTE",
    "BYSECOND",
];

/// RFC 4791 §5.2.5.
fn check_size(limits: &Limits, octets: usize) -> Result<(), Refusal> {
    match octets as u64 > limits.maximum_resource_octets {
        true => Err(too_large(limits)),
        false => Ok(()),
    }
}

/// What scheduling made of an object can be stored, read again, and sent back by its owner (RFC 4791 §5.3.2.1
/// `max-resource-size`).
pub(super) fn check_grown(limits: &Limits, octets: &[u8]) -> Result<(), Refusal> {
    const MOST_LINES: usize = calendar::object::Limits::LINES;
    check_size(limits, octets.len())?;
    let lines = || octets.iter().filter(|octet| **octet == b'\n').count();
    match octets.len() > MOST_LINES && lines() > MOST_LINES {
        true => {
            let detail = format!("at most {MOST_LINES} lines are possible");
            Err(precondition(Precondition::MaxResourceSize, detail))
        }
        false => Ok(()),
    }
}

/// RFC 4791 §5.3.2.1 `max-resource-size`.
pub(crate) fn too_large(limits: &Limits) -> Refusal {
    let octets = limits.maximum_resource_octets;
    let detail = format!("at most {octets} octets are possible");
    precondition(Precondition::MaxResourceSize, detail)
}

/// The format that a media type says; `None` where it can be no calendar object's. One that was not given,
/// or that says nothing, is taken for iCalendar; the octets tell.
fn format_of(content_type: Option<&str>) -> Option<Format> {
    let Some(content_type) = content_type else {
        return Some(Format::ICalendar);
    };
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if essence.is_empty() || essence.eq_ignore_ascii_case("application/octet-stream") {
        return Some(Format::ICalendar);
    }
    let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
    let is_understood = parameters.all(|(name, value)| {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "version" => value == Format::VERSION,
            "charset" => ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|it| value.eq_ignore_ascii_case(it)),
            _ => true,
        }
    });
    Format::of_media_type(essence).filter(|_| is_understood)
}

/// RFC 4791 §5.2.3: the calendar takes this type of component.
pub(crate) fn check_component(calendar: &Collection, component_name: &str) -> Result<(), Refusal> {
    if takes_component(calendar, component_name) {
        return Ok(());
    }
    let taken: Vec<&str> = components_of(&calendar.components).collect();
    let detail = format!(
        "the calendar takes {} and not {component_name}",
        taken.join(", ")
    );
    Err(precondition(
        Precondition::SupportedCalendarComponent,
        detail,
    ))
}
