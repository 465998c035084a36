//! The table of reports: dispatch and `supported-report-set` are derived from it.

pub(crate) mod collation;

use storage::backend::BoxFuture;

use crate::{
    error::DavError,
    kind::{Kinds, ResourceKind},
    service::{Dav, Request, Response},
    target::Target,
    xml::{Document, Name},
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
    /// Answers it.
    pub handle: Handler,
}

/// Every report.
pub(crate) const REPORTS: &[Report] = &[];

/// The reports that a kind of resource supports.
pub(crate) fn reports_of(kind: ResourceKind) -> impl Iterator<Item = &'static Report> {
    REPORTS
        .iter()
        .filter(move |report| report.kinds.contains(kind))
}
