//! MKCOL, plain (RFC 4918 §9.3) and extended (RFC 5689).

use http::StatusCode;
use storage::model::CollectionKind;

use super::creation::{self, Plan};
use crate::{
    answer,
    error::DavError,
    property::update::Instruction,
    service::{Dav, Request, Response},
    xml::{Document, Element, Writer, name::dav},
};

/// Makes a plain collection, or with a body what its `DAV:resourcetype` says.
pub(crate) async fn mkcol(dav: &Dav, request: Request) -> Result<Response, DavError> {
    if !creation::has_xml_body(&request)? {
        return creation::make(
            dav,
            &request,
            CollectionKind::Plain,
            Plan::default(),
            refused,
        )
        .await;
    }
    let document = Document::parse(&request.body)?;
    // RFC 5689 §3: other roots are reserved, hence not supported.
    if !document.root().is(dav::MKCOL) {
        return Err(DavError::UnsupportedMediaType(
            "the body of MKCOL must be a DAV:mkcol".into(),
        ));
    }
    let kind = asked_kind(document.root())?;
    let plan = Plan::read(document.root(), kind)?;
    creation::make(dav, &request, kind, plan, refused).await
}

/// What the first `DAV:resourcetype` asks for; one that cannot be made fails when it is judged.
fn asked_kind(root: Element<'_>) -> Result<CollectionKind, DavError> {
    let instructions = Instruction::read_all(root)?;
    let asked = instructions
        .iter()
        .find(|instruction| instruction.name() == dav::RESOURCETYPE);
    let kind = asked.and_then(|instruction| creation::resource_type(instruction.element));
    Ok(kind.unwrap_or(CollectionKind::Plain))
}

/// RFC 5689 §3.5
fn refused(plan: &Plan<'_>) -> Response {
    let status = plan
        .outcomes
        .iter()
        .find_map(|(_, fault)| Some(fault.as_ref()?.status));
    let body = Writer::document(dav::MKCOL_RESPONSE, |writer| plan.write_propstats(writer));
    answer::xml(status.unwrap_or(StatusCode::FORBIDDEN), body)
}
