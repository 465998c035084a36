//! The time-zone data distribution service (RFC 7808), which RFC 7809 lets clients use instead of definitions in
//! every object. Pure: the data in use is the same until the process ends, so an answer depends upon the
//! request alone.
//!
//! It is open to everybody, as the data is, and bounded: each answer is, and the largest are made once.

mod capabilities;
mod expand;
mod get;
mod leap_seconds;
mod list;
mod parameters;
mod problem;
#[cfg(test)]
mod tests;

use calendar::{
    CalendarObject, Component, Format, Property,
    zone::{
        data,
        generate::{self, Truncation},
    },
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body::Body as _;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::{answer, body::Body, header::entity_tag, representation, service::Response};
pub(crate) use capabilities::actions;
use parameters::Parameters;
use problem::Problem;

/// Where clients begin (RFC 7808 §4.2.1.3).
const WELL_KNOWN: &str = "/.well-known/timezone";
/// Where the service is.
pub(crate) const CONTEXT_PATH: &str = "/dav/timezones";
/// The methods of every resource here.
const METHODS: &str = "OPTIONS, GET, HEAD";
/// A day: releases come a few times a year, and each is known before it takes effect.
const CACHE: &str = "public, max-age=86400";
/// The version of what is made of a release; part of each entity tag.
const FORM: u8 = 1;

/// A resource of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `/.well-known/timezone`
    WellKnown,
    /// `capabilities` (RFC 7808 §5.1)
    Capabilities,
    /// `zones`: list (RFC 7808 §5.2) and find (§5.5)
    Zones,
    /// `zones/TZID` (RFC 7808 §5.3)
    Zone(String),
    /// `zones/TZID/observances` (RFC 7808 §5.4)
    Observances(String),
    /// `leapseconds` (RFC 7808 §5.6)
    LeapSeconds,
    /// Anything else below the context path.
    Unknown,
}

impl Address {
    /// The resource at a path; `None` where the service has none. The slashes of an identifier need not be
    /// encoded, as no two resources could be meant.
    pub fn read(path: &str) -> Option<Address> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path == WELL_KNOWN {
            return Some(Address::WellKnown);
        }
        let rest = path.strip_prefix(CONTEXT_PATH)?;
        if !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        Some(match rest {
            "/capabilities" => Address::Capabilities,
            "/zones" => Address::Zones,
            "/leapseconds" => Address::LeapSeconds,
            rest => Address::of_zone(rest).unwrap_or(Address::Unknown),
        })
    }

    fn of_zone(rest: &str) -> Option<Address> {
        let rest = rest.strip_prefix("/zones/")?;
        let (zone, expanded) = match rest.strip_suffix("/observances") {
            Some(zone) => (zone, true),
            None => (rest, false),
        };
        let zone = percent_decode_str(zone).decode_utf8().ok()?.into_owned();
        Some(match expanded {
            true => Address::Observances(zone),
            false => Address::Zone(zone),
        })
    }
}

/// Answers a request to the service; of everything that goes wrong the answer tells as RFC 7807 has it.
pub(crate) fn answer(
    address: &Address,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    let is_head = method == Method::HEAD;
    let answered = match *method {
        _ if *address == Address::WellKnown => Ok(redirect()),
        Method::OPTIONS => Ok(options()),
        Method::GET | Method::HEAD => perform(address, uri, headers),
        _ => Err(Problem::method_not_allowed()),
    };
    let mut response = answered.unwrap_or_else(Problem::into_response);
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let methods = HeaderValue::from_static(METHODS);
        response.headers_mut().insert(header::ALLOW, methods);
    }
    if is_head {
        let length = response.body().size_hint().exact();
        if let Some(length) = length.filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Body::empty();
    }
    response
}

fn perform(address: &Address, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let parameters = Parameters::read(uri.query().unwrap_or_default())?;
    let (response, format) = answer_of(address, &parameters, headers)?;
    let tag = representation::entity_tag(format, &tag());
    let response = match is_current(headers, &tag) {
        true => answer::empty(StatusCode::NOT_MODIFIED),
        false => response,
    };
    Ok(with_validators(response, &tag))
}

/// The answer, and the format of calendar data in it.
fn answer_of(
    address: &Address,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<(Response, Format), Problem> {
    let response = match address {
        Address::Capabilities => json(&capabilities::capabilities()),
        Address::Zones if parameters.has("pattern") => list::find(parameters)?,
        Address::Zones => list::list(parameters)?,
        Address::Zone(name) => return get::get(name, parameters, headers),
        Address::Observances(name) => expand::expand(name, parameters)?,
        Address::LeapSeconds => json(&leap_seconds::leap_seconds()),
        Address::WellKnown | Address::Unknown => return Err(Problem::no_such_action()),
    };
    Ok((response, Format::default()))
}

/// RFC 7808 §4.2.1.3
fn redirect() -> Response {
    let mut response = answer::empty(StatusCode::MOVED_PERMANENTLY);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_static(CONTEXT_PATH));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    response
}

fn options() -> Response {
    let mut response = answer::empty(StatusCode::OK);
    let methods = HeaderValue::from_static(METHODS);
    response.headers_mut().insert(header::ALLOW, methods);
    response
}

/// The entity tag of every resource: all follow from the data in use.
fn tag() -> String {
    let identity = &data::in_use().release().identity;
    let of_tag = |character: char| match character {
        '!'..='~' if character != '"' => character,
        _ => '-',
    };
    format!(
        "{FORM}-{}",
        identity.chars().map(of_tag).collect::<String>()
    )
}

/// Whether the client has this already (RFC 9110 §13.1.2).
fn is_current(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| entity_tag::parse_list(value.to_str().ok()?).ok())
        .any(|tags| match tags {
            scheduling::change::TagList::Any => true,
            scheduling::change::TagList::Tags(tags) => tags.iter().any(|own| own.tag == tag),
        })
}

fn with_validators(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    answer::insert_tag(headers, header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    response
}

fn json(value: &impl Serialize) -> Response {
    let octets = serde_json::to_vec(value).unwrap_or_default();
    answer::content(StatusCode::OK, "application/json; charset=utf-8", octets)
}

/// The stream with the definition of a zone; `None` where nobody knows it.
pub(crate) fn definition(name: &str, wanted: Truncation) -> Option<CalendarObject> {
    let zone = generate::vtimezone(name, wanted)?;
    let mut calendar = Component::new("VCALENDAR").ok()?;
    for (name, value) in [
        ("VERSION", Format::VERSION),
        ("PRODID", scheduling::engine::PRODUCT),
    ] {
        calendar.push_property(Property::new(name, value).ok()?);
    }
    calendar.push_component(zone);
    Some(CalendarObject::from_calendar(calendar))
}
