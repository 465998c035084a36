//! RFC 7953: when somebody can be had at all.

use calendar::{CalendarObject, Limits, Zone, availability};
use scheduling::Precondition;
use storage::model::Collection;

use crate::{
    kind::{Kinds, ResourceKind},
    property::{
        table::{Property, absent},
        update::{self, PropertyFault},
    },
    report::floating_zone,
    xml::{
        Document, Element, Name,
        name::{caldav, calendarserver},
    },
};

const INBOX: Kinds = Kinds::of(&[ResourceKind::Inbox]);

pub(super) const PROPERTIES: &[Property] = &[
    Property::kept(
        caldav::CALENDAR_AVAILABILITY,
        "RFC 7953 §7.2.4",
        INBOX,
        one_availability,
        absent,
    ),
    // Older than the RFC; Apple's clients write it under this name.
    Property::kept(
        calendarserver::CALENDAR_AVAILABILITY,
        "calendarserver",
        INBOX,
        one_availability,
        absent,
    ),
];

/// The names under which an inbox may hold an availability; the first that it has counts.
const NAMES: [Name<'static>; 2] = [
    caldav::CALENDAR_AVAILABILITY,
    calendarserver::CALENDAR_AVAILABILITY,
];

fn one_availability(element: Element<'_>) -> Result<(), PropertyFault> {
    update::text_only(element)?;
    let object = parse(&element.text());
    match object.map(|object| availability::check(&object)) {
        Some(Ok(())) => Ok(()),
        _ => Err(PropertyFault::precondition(Precondition::ValidCalendarData)),
    }
}

/// What an inbox holds, and the zone in which its floating times are read, if it has one of its own.
pub(crate) fn availability_of(inbox: &Collection) -> Option<(CalendarObject, Option<Zone>)> {
    let kept = NAMES
        .iter()
        .find_map(|name| inbox.properties.get(&name.clark()))?;
    let document = Document::parse(kept).ok()?;
    let object = parse(&document.root().text())?;
    Some((object, floating_zone::of_collection(inbox)))
}

fn parse(text: &str) -> Option<CalendarObject> {
    CalendarObject::parse(text.trim().as_bytes(), &Limits::default()).ok()
}
