//! The table of reports: dispatch and `supported-report-set` are derived from it.

mod acl_principal_prop_set;
mod calendar_data;
mod calendar_multiget;
mod calendar_query;
pub(crate) mod collation;
mod expand_property;
mod filter;
pub(crate) mod floating_zone;
mod free_busy_query;
mod free_resources_query;
pub(crate) mod people;
mod principal_match;
mod principal_property_search;
mod principal_search_property_set;
mod reader;
mod scheduling_log_query;
mod sync_collection;
#[cfg(test)]
mod tests;
mod time_range;

use http::StatusCode;
use storage::{access::Privilege, backend::BoxFuture};

use crate::{
    error::DavError,
    header::{Depth, depth, prefer},
    kind::{Kinds, ResourceKind},
    multistatus::Multistatus,
    property::{Loader, SYNCED, Wanted, answer::write_propstats},
    service::{Dav, Request, Response},
    target::Target,
    xml::{
        Document, Name,
        name::{caldav, convoke, dav},
    },
};

/// A report that is asked for.
pub(crate) struct Asked {
    /// The request.
    pub request: Request,
    /// Its body; the root names the report.
    pub document: Document,
    /// The resource that it was sent to.
    pub target: Target,
}

/// Answers a report.
pub(crate) type Handler = for<'a> fn(&'a Dav, Asked) -> BoxFuture<'a, Result<Response, DavError>>;

/// A row of the table.
pub(crate) struct Report {
    /// The element that asks for it.
    pub name: Name<'static>,
    /// The section that defines it.
    pub source: &'static str,
    /// Where it is supported.
    pub kinds: Kinds,
    /// What it takes to ask for it.
    pub privilege: Privilege,
    /// Answers it.
    pub handle: Handler,
}

/// Where people are searched.
const PRINCIPALS: Kinds = Kinds::of(&[
    ResourceKind::Root,
    ResourceKind::Principals,
    ResourceKind::Principal,
    ResourceKind::ProxyGroup,
]);

/// Where calendar data is, or is below.
const CALENDAR_DATA: Kinds = Kinds::of(&[
    ResourceKind::Home,
    ResourceKind::Calendar,
    ResourceKind::Inbox,
    ResourceKind::Plain,
    ResourceKind::CalendarObject,
    ResourceKind::InboxItem,
]);

/// Every report.
pub(crate) const REPORTS: &[Report] = &[
    Report {
        name: dav::EXPAND_PROPERTY,
        source: "RFC 3253 §3.8",
        kinds: Kinds::EXISTING,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(expand_property::report(dav, asked)),
    },
    Report {
        name: dav::ACL_PRINCIPAL_PROP_SET,
        source: "RFC 3744 §9.2",
        kinds: Kinds::EXISTING,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(acl_principal_prop_set::report(dav, asked)),
    },
    Report {
        name: dav::PRINCIPAL_MATCH,
        source: "RFC 3744 §9.3",
        kinds: Kinds::EXISTING,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(principal_match::report(dav, asked)),
    },
    Report {
        name: dav::PRINCIPAL_PROPERTY_SEARCH,
        source: "RFC 3744 §9.4",
        kinds: PRINCIPALS,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(principal_property_search::report(dav, asked)),
    },
    Report {
        name: dav::PRINCIPAL_SEARCH_PROPERTY_SET,
        source: "RFC 3744 §9.5",
        kinds: PRINCIPALS,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(principal_search_property_set::report(dav, asked)),
    },
    Report {
        name: dav::SYNC_COLLECTION,
        source: "RFC 6578 §3.2",
        kinds: SYNCED,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(sync_collection::report(dav, asked)),
    },
    Report {
        name: caldav::CALENDAR_QUERY,
        source: "RFC 4791 §7.8",
        kinds: CALENDAR_DATA,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(calendar_query::report(dav, asked)),
    },
    Report {
        name: caldav::FREE_BUSY_QUERY,
        source: "RFC 4791 §7.10",
        kinds: Kinds::of(&[
            ResourceKind::Home,
            ResourceKind::Calendar,
            ResourceKind::Plain,
        ]),
        privilege: Privilege::ReadFreeBusy,
        handle: |dav, asked| Box::pin(free_busy_query::report(dav, asked)),
    },
    Report {
        name: caldav::CALENDAR_MULTIGET,
        source: "RFC 4791 §7.9",
        kinds: CALENDAR_DATA,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(calendar_multiget::report(dav, asked)),
    },
    Report {
        name: convoke::SCHEDULING_LOG_QUERY,
        source: "Convoke: why something was sent, or not",
        kinds: Kinds::of(&[ResourceKind::Calendar, ResourceKind::CalendarObject]),
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(scheduling_log_query::report(dav, asked)),
    },
    Report {
        name: convoke::FREE_RESOURCES_QUERY,
        source: "Convoke: rooms and resources",
        kinds: PRINCIPALS,
        privilege: Privilege::Read,
        handle: |dav, asked| Box::pin(free_resources_query::report(dav, asked)),
    },
];

/// The reports that a kind of resource supports.
pub(crate) fn reports_of(kind: ResourceKind) -> impl Iterator<Item = &'static Report> {
    REPORTS
        .iter()
        .filter(move |report| report.kinds.contains(kind))
}

/// The row of a report.
pub(crate) fn find(name: Name<'_>) -> Option<&'static Report> {
    REPORTS.iter().find(|report| report.name == name)
}

/// The reports of RFC 3744 are defined for depth 0 only (RFC 3744 §9.2 to §9.5).
fn require_depth_zero(asked: &Asked) -> Result<(), DavError> {
    match depth::parse(&asked.request.headers)? {
        None | Some(Depth::Zero) => Ok(()),
        Some(_) => Err(DavError::BadRequest(
            "this report is defined for depth 0 only".into(),
        )),
    }
}

/// A 207 answer with the same properties of each of these resources.
async fn respond_with(
    asked: &Asked,
    loader: &mut Loader<'_>,
    wanted: &Wanted,
    targets: Vec<Target>,
) -> Result<Response, DavError> {
    let brief = is_brief(asked)?;
    let mut answer = Multistatus::new();
    for target in targets {
        if wanted.is_nothing() {
            // RFC 3744 §9.3.1
            answer.status(&target.href(), StatusCode::OK, None);
            continue;
        }
        let facts = loader.facts(target).await?;
        answer.response(&facts.target.href(), |writer| {
            write_propstats(writer, &facts, wanted, brief)
        });
    }
    Ok(answer.finish())
}

/// Whether what is not there is to be left out (RFC 8144 §2.1).
fn is_brief(asked: &Asked) -> Result<bool, DavError> {
    Ok(prefer::parse(&asked.request.headers)?.returns == prefer::Return::Minimal)
}
