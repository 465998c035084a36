//! `CALDAV:calendar-multiget` (RFC 4791 §7.9).

use http::StatusCode;
use scheduling::Refusal;

use crate::{
    error::DavError,
    multistatus::{self, Multistatus},
    path::Path,
    property::{Wanted, answer::write_propstats},
    report::{Asked, is_brief, reader::Reader},
    service::{Dav, Response},
    target::{StoredResource, Target},
    xml::name::dav,
};

/// How many resources are looked up at once.
const PAGE_ROWS: usize = 200;

/// Answers with the properties of the resources that the request names, in its order. The hrefs come
/// back as they were written, so that clients find them again.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let dav = dav.clone();
    multistatus::respond(|answer| write(dav, asked, answer)).await
}

async fn write(dav: Dav, asked: Asked, mut answer: Multistatus) -> Result<Multistatus, DavError> {
    let dav = &dav;
    let root = asked.document.root();
    let wanted = Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new()));
    let brief = is_brief(&asked)?;
    let mut reader = Reader::new(dav, &asked.request.actor, &wanted, root)?
        .with_time_zones(&asked.request.headers)?;
    let hrefs: Vec<String> = root
        .children_named(dav::HREF)
        .map(|href| href.trimmed_text())
        .collect();
    for page in hrefs.chunks(PAGE_ROWS) {
        for (href, target) in page.iter().zip(open(dav, &asked, page).await?) {
            match target {
                Ok(target) => {
                    match reader.facts(target).await? {
                        Ok(facts) => answer.response(href, |writer| {
                            write_propstats(writer, &facts, &wanted, brief)
                        }),
                        Err(error) => answer.failure(href, &error),
                    }
                    answer.turn_page().await;
                }
                Err(status) => answer.status(href, status, None),
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(answer)
}

/// What stands at each href, or the status to answer with.
async fn open(
    dav: &Dav,
    asked: &Asked,
    hrefs: &[String],
) -> Result<Vec<Result<Target, StatusCode>>, DavError> {
    let stored = |href: &String| match asked.request.path_of_reference(dav, href) {
        Some(Path::Stored(path)) => Some(path),
        _ => None,
    };
    let places: Vec<_> = hrefs.iter().map(stored).collect();
    let paths: Vec<_> = places.iter().flatten().cloned().collect();
    let mut opened = dav
        .desk()
        .open_many(&asked.request.actor, &paths)
        .await?
        .into_iter();
    let mut targets = Vec::with_capacity(hrefs.len());
    for place in places {
        let found = match place {
            None => Err(Refusal::NotFound),
            Some(path) => opened
                .next()
                .unwrap_or(Err(Refusal::NotFound))
                .and_then(|opened| StoredResource::from_opened(path, opened)),
        };
        targets.push(match found {
            Ok(resource) => Ok(Target::Stored(resource)),
            Err(refusal @ (Refusal::Unavailable(_) | Refusal::Damaged(_))) => {
                return Err(refusal.into());
            }
            Err(refusal) => Err(DavError::from(refusal).status()),
        });
    }
    Ok(targets)
}
