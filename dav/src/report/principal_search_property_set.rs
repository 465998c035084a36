//! `DAV:principal-search-property-set` (RFC 3744 §9.5).

use http::StatusCode;

use crate::{
    answer,
    error::DavError,
    report::{Asked, people::SEARCHABLE, require_depth_zero},
    service::{Dav, Response},
    xml::{Writer, name::dav},
};

/// Answers with 200 (not 207) and the properties that can be searched.
pub(super) async fn report(_: &Dav, asked: Asked) -> Result<Response, DavError> {
    require_depth_zero(&asked)?;
    let document = Writer::document(dav::PRINCIPAL_SEARCH_PROPERTY_SET, |writer| {
        for row in SEARCHABLE {
            writer.element(dav::PRINCIPAL_SEARCH_PROPERTY, |writer| {
                writer.element(dav::PROP, |writer| writer.empty(row.name));
                writer.element_with(dav::DESCRIPTION, &[("xml:lang", "en")], |writer| {
                    writer.text(row.description);
                });
            });
        }
    });
    Ok(answer::xml(StatusCode::OK, document))
}
