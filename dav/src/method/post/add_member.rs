//! POST to the "Add-Member" URI of a collection (RFC 5995): a PUT of which the server chooses the name.
//!
//! The URI is the collection's own with the query `add-member`. The name is drawn by chance, so that it
//! tells nothing of the content (RFC 5995 §7) and no two requests get the same one. A Slug header is
//! ignored, as RFC 5995 §3.3 allows: the names of calendar objects are not for people.

use http::{StatusCode, header};
use scheduling::desk::Put;
use storage::access::Privilege;

use crate::{
    answer,
    error::DavError,
    header::prefer,
    incoming::Incoming,
    kind::{Kinds, ResourceKind},
    method::put,
    path::Path,
    service::{Dav, Request, Response},
    target::Target,
};

/// The query of the URI.
pub(crate) const ADD_MEMBER: &str = "add-member";

/// The collections that have such a URI.
pub(crate) const KINDS: Kinds = Kinds::of(&[ResourceKind::Calendar, ResourceKind::Plain]);

/// Whether the URL is an "Add-Member" URI.
pub(super) fn is_asked(request: &Request) -> bool {
    let query = request.query.as_deref().unwrap_or_default();
    query
        .split('&')
        .any(|part| part.split('=').next() == Some(ADD_MEMBER))
}

/// Makes an object under a new name.
pub(super) async fn add_member(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let (change, returns) = change(dav, &request).await?;
    let place = Path::Stored(change.path.clone());
    let response = put::write(dav, &request, change, returns).await?;
    Ok(with_location(response, &place))
}

/// The same with a body that comes piece by piece.
pub(super) async fn add_member_pieces(
    dav: &Dav,
    request: Request,
    body: Incoming<'_>,
) -> Result<Response, DavError> {
    let (change, returns) = change(dav, &request).await?;
    let place = Path::Stored(change.path.clone());
    let response = put::write_pieces(dav, &request, change, returns, body).await?;
    Ok(with_location(response, &place))
}

/// The conditions of the request are about the collection, which its URL names, and hold in the commit that
/// makes the member.
async fn change(dav: &Dav, request: &Request) -> Result<(Put, prefer::Return), DavError> {
    let collection = request.stored_path()?;
    let target = Target::open_for(dav, &request.actor, &request.path, &[Privilege::Bind]).await?;
    let path = collection.child(&fresh_name(dav, target.kind()));
    let (mut change, returns) = put::change(dav, request, &path)?;
    change.conditions.about = Some(collection.clone());
    Ok((change, returns))
}

/// Other programs want to see by the name that it is a calendar object.
fn fresh_name(dav: &Dav, kind: ResourceKind) -> String {
    let number = dav.desk().store().environment().random_u128();
    let ending = match kind {
        ResourceKind::Calendar => ".ics",
        _ => "",
    };
    format!("{number:032x}{ending}")
}

fn with_location(mut response: Response, place: &Path) -> Response {
    if response.status() == StatusCode::CREATED {
        answer::insert_path(response.headers_mut(), header::LOCATION, place, false);
    }
    response
}
