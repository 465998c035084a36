//! `free-resources-query`, Convoke's own: rooms and resources that fit a meeting, and whether they can be had for it.

use calendar::{TimeRange, Zone};
use http::StatusCode;
use scheduling::{
    Precondition,
    desk::Limits,
    resources::{MAXIMUM_SPANS, ResourceQuery, Span, Spans},
};
use storage::model::PrincipalKind;

use crate::{
    error::DavError,
    multistatus::Multistatus,
    path::Path,
    precondition,
    property::{Loader, Wanted, answer::write_propstats, wanted::WantedProperty},
    report::{
        Asked, floating_zone, is_brief, principal_property_search::within, require_depth_zero,
        time_range,
    },
    service::{Dav, Response},
    target::Target,
    xml::{
        Element, Name,
        name::{caldav, convoke, dav},
    },
};

/// The most that one search finds.
const MAXIMUM_MATCHES: usize = 200;
/// The most features that one search may ask for.
const MAXIMUM_FEATURES: usize = 20;

/// What is told of each where the request does not say.
const USUAL: &[Name<'static>] = &[
    dav::DISPLAYNAME,
    caldav::CALENDAR_USER_ADDRESS_SET,
    caldav::CALENDAR_USER_TYPE,
    convoke::CAPACITY,
    convoke::LOCATION,
    convoke::FEATURES,
];

/// Answers with those that fit, the smallest first: the properties asked for, and `vacancy`. Where there are more than
/// a limit, that is said as in RFC 6578 §3.6: 507 for the request's own resource.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    require_depth_zero(&asked)?;
    let root = asked.document.root();
    let desk = dav.desk();
    let query = read(root, &desk.settings().limits)?;
    let wanted = with_vacancy(Wanted::of_request(root)?);
    let everywhere = root.child(dav::APPLY_TO_PRINCIPAL_COLLECTION_SET).is_some();
    let scope = match everywhere {
        true => Path::Principals,
        false => asked.target.path(),
    };
    let actor = &asked.request.actor;
    let found = desk.find_resources(
        Some(actor),
        &query,
        |principal| within(&scope, principal),
        limit(root)?,
    );
    let found = found.await?;
    let mut loader = Loader::new(dav, actor, wanted.needs());
    let brief = is_brief(&asked)?;
    let mut answer = Multistatus::new();
    for resource in found.resources {
        let mut facts = loader.facts(Target::Principal(resource.principal)).await?;
        facts.vacancy = Some((resource.vacancy, resource.taken));
        answer.response(&facts.target.href(), |writer| {
            write_propstats(writer, &facts, &wanted, brief)
        });
    }
    if !found.is_whole {
        let element = precondition::row(Precondition::NumberOfMatchesWithinLimits).name();
        answer.status(
            &asked.target.href(),
            StatusCode::INSUFFICIENT_STORAGE,
            Some(element),
        );
    }
    Ok(answer.finish())
}

fn with_vacancy(wanted: Option<Wanted>) -> Wanted {
    let vacancy = || WantedProperty::of(convoke::VACANCY);
    let with = |mut properties: Vec<WantedProperty>| {
        if properties.iter().all(|it| it.name() != convoke::VACANCY) {
            properties.push(vacancy());
        }
        properties
    };
    match wanted {
        Some(Wanted::These(properties)) => Wanted::These(with(properties)),
        Some(Wanted::All(include)) => Wanted::All(with(include)),
        Some(Wanted::Names) => Wanted::Names,
        None => Wanted::These(with(
            USUAL.iter().copied().map(WantedProperty::of).collect(),
        )),
    }
}

fn bad(reason: impl Into<String>) -> DavError {
    DavError::BadRequest(reason.into())
}

fn limit(root: Element<'_>) -> Result<usize, DavError> {
    let limit = root.child(dav::LIMIT);
    let Some(number) = limit.and_then(|limit| limit.child(dav::NRESULTS)) else {
        return Ok(MAXIMUM_MATCHES);
    };
    match number.trimmed_text().parse::<usize>() {
        Ok(number @ 1..) => Ok(number.min(MAXIMUM_MATCHES)),
        _ => Err(bad("nresults is not a positive number")),
    }
}

fn read(root: Element<'_>, limits: &Limits) -> Result<ResourceQuery, DavError> {
    let kind = match root.child(caldav::CALENDAR_USER_TYPE) {
        None => None,
        Some(kind) => match &*kind.trimmed_text().to_ascii_uppercase() {
            "ROOM" => Some(PrincipalKind::Location),
            "RESOURCE" => Some(PrincipalKind::Resource),
            _ => return Err(bad("calendar-user-type is neither ROOM nor RESOURCE")),
        },
    };
    let capacity = root.child(convoke::CAPACITY).map(|capacity| {
        let capacity = capacity.trimmed_text().parse();
        capacity.map_err(|_| bad("capacity is not a number"))
    });
    let features: Vec<String> = root
        .children_named(convoke::FEATURE)
        .map(|feature| feature.trimmed_text())
        .collect();
    if features.len() > MAXIMUM_FEATURES {
        return Err(bad("at most 20 features can be asked for"));
    }
    let location = root.child(convoke::LOCATION);
    Ok(ResourceQuery {
        kind,
        capacity: capacity.transpose()?,
        location: location.map(|location| location.trimmed_text()),
        features,
        spans: spans(root, limits)?,
        only_free: root.child(convoke::ONLY_FREE).is_some(),
    })
}

/// Each `CALDAV:time-range`; or one of them, as often as the RRULE in `recurrence` repeats it by the clocks of the
/// `CALDAV:timezone-id` (UTC where there is none).
fn spans(root: Element<'_>, limits: &Limits) -> Result<Spans, DavError> {
    let ranges = root.children_named(caldav::TIME_RANGE);
    let spans: Vec<Span> = ranges
        .take(MAXIMUM_SPANS + 1)
        .map(|range| span(time_range::read_closed(range, limits, None)?))
        .collect::<Result<_, DavError>>()?;
    let zone = floating_zone::of_request(root)?.unwrap_or_else(Zone::utc);
    let spans = match (root.child(convoke::RECURRENCE), &spans[..]) {
        (Some(rule), [span]) => Spans::recurring(*span, &rule.trimmed_text(), &zone),
        (Some(_), _) => return Err(bad("a recurrence is of exactly one time-range")),
        (None, _) => Spans::of(spans),
    };
    spans.map_err(|fault| bad(fault.to_string()))
}

fn span(range: TimeRange) -> Result<Span, DavError> {
    match range {
        TimeRange {
            start: Some(start),
            end: Some(end),
        } => Ok(Span { start, end }),
        _ => Err(bad("a time-range lacks its start or its end")),
    }
}
