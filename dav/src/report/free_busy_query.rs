//! `CALDAV:free-busy-query` (RFC 4791 §7.10).

use calendar::{
    CalendarObject, Component, Property, TimeRange, Zone,
    free_busy::{BusyPeriod, BusyType},
    value::DateTime,
};
use http::StatusCode;
use jiff::Timestamp;
use scheduling::desk::BusyQuery;
use storage::model::Collection;

use crate::{
    answer,
    error::DavError,
    header::{Depth, depth},
    property::availability::availability_of,
    report::{Asked, floating_zone, time_range},
    service::{Dav, Response},
    target::Target,
    xml::name::caldav,
};

/// The product that the answers name.
const PRODUCT: &str = "-//Convoke//Convoke//EN";

/// Answers with one VFREEBUSY. Without a Depth header it looks at the members of the calendar, as with
/// `calendar-query`.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let limits = &dav.desk().settings().limits;
    let mut ranges = asked.document.root().children_named(caldav::TIME_RANGE);
    let window = match (ranges.next(), ranges.next()) {
        (Some(range), None) => time_range::read_closed(range, limits, None)?,
        _ => {
            return Err(DavError::BadRequest(
                "there is not exactly one time-range".into(),
            ));
        }
    };
    let asked_zone = floating_zone::of_request(asked.document.root())?;
    let depth = depth::parse(&asked.request.headers)?.unwrap_or(Depth::One);
    let periods = match &asked.target {
        Target::Stored(collection) if depth != Depth::Zero => {
            let otherwise = floating_zone::of_resource(collection);
            let query = BusyQuery {
                path: collection.path.clone(),
                deep: depth == Depth::Infinity,
                window,
                floating: &|calendar: &Collection| {
                    let own = || floating_zone::of_collection(calendar);
                    asked_zone
                        .clone()
                        .or_else(own)
                        .unwrap_or_else(|| otherwise.clone())
                },
                masked_uid: None,
            };
            let busy = dav.desk().busy_periods(&asked.request.actor, &query);
            let busy = busy.await?;
            dav.desk()
                .with_availability(busy, &collection.owner, &window, availability_of)
                .await?
        }
        _ => Vec::new(),
    };
    let now = dav.desk().store().environment().clock.now();
    let octets = free_busy(&window, &periods, instant(now)).to_octets();
    Ok(answer::content(
        StatusCode::OK,
        "text/calendar; charset=utf-8",
        octets,
    ))
}

fn instant(now: storage::Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.0).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The calendar object that tells of busy periods in a window (RFC 5545 §3.6.4).
fn free_busy(window: &TimeRange, periods: &[BusyPeriod], now: Timestamp) -> CalendarObject {
    let mut component = new_component("VFREEBUSY");
    add(&mut component, "DTSTAMP", &utc(now));
    for (name, moment) in [("DTSTART", window.start), ("DTEND", window.end)] {
        if let Some(moment) = moment {
            add(&mut component, name, &utc(moment));
        }
    }
    for busy_type in [BusyType::Busy, BusyType::Unavailable, BusyType::Tentative] {
        let spans: Vec<String> = periods
            .iter()
            .filter(|period| period.busy_type == busy_type)
            .map(|period| format!("{}/{}", utc(period.start), utc(period.end)))
            .collect();
        if !spans.is_empty() {
            let property = property("FREEBUSY", &spans.join(","));
            let property = property.with_parameter("FBTYPE", busy_type.as_str());
            component.push_property(property.expect("a type is a token"));
        }
    }
    let mut calendar = new_component("VCALENDAR");
    add(&mut calendar, "VERSION", "2.0");
    add(&mut calendar, "PRODID", PRODUCT);
    calendar.push_component(component);
    CalendarObject::from_calendar(calendar)
}

fn new_component(name: &str) -> Component {
    Component::new(name).expect("the name is a token")
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, value).expect("names are tokens, values dates and tokens")
}

fn add(component: &mut Component, name: &str, value: &str) {
    component.push_property(property(name, value));
}

fn utc(moment: Timestamp) -> String {
    DateTime::utc(Zone::utc().civil(moment)).to_string()
}
