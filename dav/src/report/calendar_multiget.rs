//! `CALDAV:calendar-multiget` (RFC 4791 §7.9).

use std::sync::Arc;

use http::StatusCode;
use scheduling::Refusal;

use crate::{
    error::DavError,
    multistatus::{self, Multistatus},
    path::Path,
    property::{Wanted, answer::write_propstats},
    report::{
        Asked, is_brief,
        reader::{Chosen, Reader},
    },
    service::{Dav, Response},
    target::{StoredResource, Target},
    xml::name::dav,
};

/// Resources of one part of the answer.
const PART_ROWS: usize = 25;

/// Answers with the properties of the resources that the request names, in its order. The hrefs come
/// back as they were written, so that clients find them again.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let dav = dav.clone();
    multistatus::respond(|answer| write(dav, asked, answer)).await
}

async fn write(dav: Dav, asked: Asked, answer: Multistatus) -> Result<Multistatus, DavError> {
    let root = asked.document.root();
    let hrefs: Vec<String> = root
        .children_named(dav::HREF)
        .map(|href| href.trimmed_text())
        .collect();
    let order = Arc::new(Order::read(dav, asked)?);
    let mut parts = answer.in_parts();
    for hrefs in hrefs.chunks(PART_ROWS) {
        let (order, hrefs) = (Arc::clone(&order), hrefs.to_vec());
        let write = async move |answer| order.write(&hrefs, answer).await;
        parts.begin(write).await?;
    }
    parts.end().await
}

/// What is asked for, for every part of the answer.
struct Order {
    dav: Dav,
    asked: Asked,
    wanted: Wanted,
    chosen: Chosen,
    brief: bool,
}

impl Order {
    fn read(dav: Dav, asked: Asked) -> Result<Order, DavError> {
        let root = asked.document.root();
        Ok(Order {
            wanted: Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new())),
            chosen: Chosen::read(&dav, root, &asked.request.headers)?,
            brief: is_brief(&asked)?,
            dav,
            asked,
        })
    }

    /// Writes what stands at some of the hrefs.
    async fn write(
        &self,
        hrefs: &[String],
        mut answer: Multistatus,
    ) -> Result<Multistatus, DavError> {
        let actor = &self.asked.request.actor;
        let mut reader = Reader::new(&self.dav, actor, &self.wanted, &self.chosen);
        let targets = open(&self.dav, &self.asked, hrefs).await?;
        for (href, target) in hrefs.iter().zip(targets) {
            let target = match target {
                Ok(target) => target,
                Err(status) => {
                    answer.status(href, status, None);
                    continue;
                }
            };
            match reader.facts(target).await? {
                Ok(facts) => answer.response(href, |writer| {
                    write_propstats(writer, &facts, &self.wanted, self.brief)
                }),
                Err(error) => answer.failure(href, &error),
            }
            answer.turn_page().await;
        }
        Ok(answer)
    }
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
