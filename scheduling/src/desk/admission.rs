//! What RFC 4791 §5.3.2.1 demands of octets before they may stand in a calendar. Pure.

use bytes::Bytes;
use calendar::{
    CalendarObject,
    check::{self, ObjectFacts, ObjectPrecondition},
};
use storage::model::Collection;

use super::{refuse::precondition, settings::Limits};
use crate::{Precondition, Refusal, projection::ObjectProjection};

/// The media type of calendar objects (RFC 4791 §4.1).
pub(crate) const CALENDAR_CONTENT_TYPE: &str = "text/calendar; charset=utf-8";
/// The most octets of a UID, which stands in an index and in every message.
const MAXIMUM_UID_OCTETS: usize = 1024;

/// Octets that may stand in a calendar, read.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// The object.
    pub object: CalendarObject,
    /// What is to be known of it.
    pub facts: ObjectFacts,
    /// The octets to be stored; others than those sent where `mended`.
    pub octets: Bytes,
    /// Lines were folded within a character, which no XML report can carry, and had to be folded anew.
    pub mended: bool,
    /// For queries.
    pub projection: Bytes,
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
    if !is_calendar_data(content_type) {
        return Err(precondition(
            Precondition::SupportedCalendarData,
            "a calendar takes text/calendar, version 2.0",
        ));
    }
    check_size(limits, octets.len())?;
    let parser_limits = calendar::object::Limits {
        octets: usize::try_from(limits.maximum_resource_octets).unwrap_or(usize::MAX),
        ..calendar::object::Limits::default()
    };
    let mut object = CalendarObject::parse_shared(octets.clone(), &parser_limits)
        .map_err(|error| precondition(Precondition::ValidCalendarData, error.to_string()))?;
    let facts = check::check(&object).map_err(|fault| {
        let which = match fault.precondition() {
            ObjectPrecondition::ValidCalendarData => Precondition::ValidCalendarData,
            ObjectPrecondition::ValidCalendarObjectResource => {
                Precondition::ValidCalendarObjectResource
            }
        };
        precondition(which, fault.to_string())
    })?;
    if facts.uid.len() > MAXIMUM_UID_OCTETS {
        return Err(precondition(
            Precondition::ValidCalendarObjectResource,
            "the UID is too long",
        ));
    }
    if facts.most_attendees > limits.maximum_attendees {
        let detail = format!(
            "at most {} attendees are possible",
            limits.maximum_attendees
        );
        return Err(precondition(Precondition::MaxAttendeesPerInstance, detail));
    }
    let projection = ObjectProjection::of(&object);
    let mended = object.mend_folds();
    let octets = if mended { object.to_octets() } else { octets };
    Ok(Admitted {
        projection: projection.encode(),
        object,
        facts,
        octets,
        mended,
    })
}

/// RFC 4791 §5.2.5.
fn check_size(limits: &Limits, octets: usize) -> Result<(), Refusal> {
    match octets as u64 > limits.maximum_resource_octets {
        true => {
            let detail = format!(
                "at most {} octets are possible",
                limits.maximum_resource_octets
            );
            Err(precondition(Precondition::MaxResourceSize, detail))
        }
        false => Ok(()),
    }
}

/// Whether a media type can be a calendar object's. One that was not given, or that says nothing, is
/// taken as meant; the octets tell.
fn is_calendar_data(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        return true;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if essence.is_empty() || essence.eq_ignore_ascii_case("application/octet-stream") {
        return true;
    }
    let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
    essence.eq_ignore_ascii_case("text/calendar")
        && parameters.all(|(name, value)| {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "version" => value == "2.0",
                "charset" => ["utf-8", "utf8", "us-ascii"]
                    .iter()
                    .any(|it| value.eq_ignore_ascii_case(it)),
                _ => true,
            }
        })
}

/// RFC 4791 §5.2.3: the calendar takes this type of component.
pub(crate) fn check_component(calendar: &Collection, component_name: &str) -> Result<(), Refusal> {
    if calendar.components.is_empty()
        || calendar
            .components
            .iter()
            .any(|name| name == component_name)
    {
        return Ok(());
    }
    let detail = format!(
        "the calendar takes {} and not {component_name}",
        calendar.components.join(", ")
    );
    Err(precondition(
        Precondition::SupportedCalendarComponent,
        detail,
    ))
}
