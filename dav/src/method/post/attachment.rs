//! Managed attachments of a calendar object: added, updated, removed (RFC 8607 §3.3 to §3.6).

use calendar::attachment::Instances;
use http::{HeaderName, HeaderValue, header};
use scheduling::{
    Precondition, Refusal,
    desk::{
        AttachedFile, AttachmentAction, AttachmentUpload, AttachmentWritten, ChangeAttachments,
    },
};

use crate::{
    error::DavError,
    header::{content_disposition, content_type, prefer},
    incoming::Incoming,
    method::put,
    query::{Query, QueryFault},
    service::{Dav, Request, Response},
};

/// RFC 8607 §5.1
static CAL_MANAGED_ID: HeaderName = HeaderName::from_static("cal-managed-id");

/// Does what the `action` parameter asks for. What can be known without the octets is judged before the
/// client gets leave to send them. The desk bounds them: what is too large is told by its precondition.
pub(super) async fn change(
    dav: &Dav,
    request: Request,
    mut body: Incoming<'_>,
) -> Result<Response, DavError> {
    put::check_coding(&request)?;
    let change = ChangeAttachments {
        path: request.stored_path()?.clone(),
        action: action(&request)?,
        conditions: request.conditions(dav)?,
    };
    let returns = prefer::parse(&request.headers)?.returns;
    let written = match change.action {
        AttachmentAction::Remove { .. } => {
            dav.desk().remove_attachment(&request.actor, &change).await
        }
        AttachmentAction::Add { .. } | AttachmentAction::Update { .. } => {
            upload(dav, &request, &change, &mut body).await?
        }
    };
    let (written, managed_id) = match written {
        Ok(AttachmentWritten {
            written,
            managed_id,
        }) => (Ok(written), managed_id),
        Err(refusal) => (Err(refusal), None),
    };
    let answered = put::respond(dav, &request, &change.path, returns, written);
    let mut response = answered.await?;
    if let Some(id) = managed_id.and_then(|id| HeaderValue::try_from(id).ok()) {
        response.headers_mut().insert(CAL_MANAGED_ID.clone(), id);
    }
    Ok(response)
}

/// The outer error is about the body, the inner one about the change.
async fn upload(
    dav: &Dav,
    request: &Request,
    change: &ChangeAttachments,
    body: &mut Incoming<'_>,
) -> Result<Result<AttachmentWritten, Refusal>, DavError> {
    let (desk, actor) = (dav.desk(), &request.actor);
    let begun = desk.begin_attachment(actor, change, body.announced()).await;
    let mut file = match begun {
        Ok(file) => file,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Where the rest does not come, nothing is left of it.
    take_pieces(dav, &mut file, body).await?;
    Ok(desk.finish_attachment(actor, change, file).await)
}

async fn take_pieces(
    dav: &Dav,
    file: &mut AttachmentUpload,
    body: &mut Incoming<'_>,
) -> Result<(), DavError> {
    while let Some(octets) = body.next().await? {
        dav.desk().continue_attachment(file, octets).await?;
    }
    Ok(())
}

/// RFC 8607 §3.3.1, §3.11
fn action(request: &Request) -> Result<AttachmentAction, DavError> {
    let query = Query::of(request.query.as_deref());
    match query.single("action") {
        Ok("attachment-add") => Ok(AttachmentAction::Add {
            instances: instances(&query)?,
            file: match query.single("managed-id") {
                Err(QueryFault::Missing) => file(request)?,
                _ => return Err(no_managed_id("an attachment gets its name from the server")),
            },
        }),
        Ok("attachment-update") => Ok(AttachmentAction::Update {
            managed_id: managed_id(&query)?,
            file: match query.single("rid") {
                Err(QueryFault::Missing) => file(request)?,
                _ => return Err(no_instance("an update is of all instances that have it")),
            },
        }),
        Ok("attachment-remove") => Ok(AttachmentAction::Remove {
            managed_id: managed_id(&query)?,
            instances: instances(&query)?,
        }),
        _ => Err(DavError::precondition(
            Precondition::ValidAction,
            "action must be one of attachment-add, attachment-update, attachment-remove",
        )),
    }
}

/// RFC 8607 §3.3.2
fn instances(query: &Query) -> Result<Instances, DavError> {
    match query.single("rid") {
        Err(QueryFault::Missing) => Ok(Instances::All),
        Ok(rid) => Instances::parse(rid).ok_or_else(|| {
            no_instance("rid must name different instances, or M, with commas, and not too many")
        }),
        Err(QueryFault::Repeated) => Err(no_instance("rid may be there only once")),
    }
}

/// RFC 8607 §3.3.3
fn managed_id(query: &Query) -> Result<String, DavError> {
    match query.single("managed-id") {
        Ok(id) => Ok(id.to_owned()),
        Err(_) => Err(no_managed_id("managed-id must be there once")),
    }
}

fn no_instance(detail: &str) -> DavError {
    DavError::precondition(Precondition::ValidRid, detail)
}

fn no_managed_id(detail: &str) -> DavError {
    DavError::precondition(Precondition::ValidManagedId, detail)
}

fn file(request: &Request) -> Result<AttachedFile, DavError> {
    content_type::parse(&request.headers)?;
    let media_type = request.headers.get(header::CONTENT_TYPE);
    Ok(AttachedFile {
        media_type: media_type
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        filename: content_disposition::filename(&request.headers),
    })
}
