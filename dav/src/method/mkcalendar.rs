//! MKCALENDAR (RFC 4791 §5.3.1).

use storage::model::CollectionKind;

use super::creation::{self, Plan};
use crate::{
    error::DavError,
    multistatus::Multistatus,
    service::{Dav, Request, Response},
    xml::{Document, name::caldav},
};

/// Makes a calendar, with the properties of the body.
pub(crate) async fn mkcalendar(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let href = request.path.href(true);
    let refused = |plan: &Plan<'_>| refused(&href, plan);
    if !creation::has_xml_body(&request)? {
        return creation::make(
            dav,
            &request,
            CollectionKind::Calendar,
            Plan::default(),
            refused,
        )
        .await;
    }
    let document = Document::parse(&request.body)?;
    if !document.root().is(caldav::MKCALENDAR) {
        return Err(DavError::UnsupportedMediaType(
            "the body of MKCALENDAR must be a CALDAV:mkcalendar".into(),
        ));
    }
    let plan = Plan::read(document.root(), CollectionKind::Calendar)?;
    creation::make(dav, &request, CollectionKind::Calendar, plan, refused).await
}

/// RFC 4791 §5.3.1.1: 207 where a property could not be set; `CALDAV:mkcalendar-response` is for success.
fn refused(href: &str, plan: &Plan<'_>) -> Response {
    let mut answer = Multistatus::new();
    answer.response(href, |writer| plan.write_propstats(writer));
    answer.finish()
}
