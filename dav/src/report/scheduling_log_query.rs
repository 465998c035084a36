//! `scheduling-log-query`, Convoke's own: what was decided about a meeting, or about each one in a calendar.

use http::StatusCode;
use scheduling::log::LogEntry;
use storage::Timestamp;

use crate::{
    decisions,
    error::DavError,
    header::{Depth, depth},
    listing::Listing,
    multistatus::{self, Multistatus, write_propstat},
    property::{Loader, table::Needs},
    report::Asked,
    service::{Dav, Response},
    target::Target,
    xml::{Element, name::convoke},
};

/// Answers with the property `scheduling-log` of the object, or of each object of the calendar (with Depth 1, which
/// is also meant where there is no such header) about which something was decided; `since` leaves out what is
/// older.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let since = since(asked.document.root())?;
    let depth = depth::parse(&asked.request.headers)?.unwrap_or(Depth::One);
    let Target::Stored(resource) = &asked.target else {
        return Ok(Multistatus::new().finish());
    };
    let (desk, actor) = (dav.desk(), &asked.request.actor);
    desk.check_may_read_logs(actor, resource.owner.id).await?;
    let order = Order {
        dav: dav.clone(),
        since,
        depth,
        asked,
    };
    multistatus::respond(|answer| order.write(answer)).await
}

/// The moment before which nothing is asked for.
fn since(root: Element<'_>) -> Result<Option<Timestamp>, DavError> {
    let Some(since) = root.child(convoke::SINCE) else {
        return Ok(None);
    };
    let time: Result<jiff::Timestamp, _> = since.trimmed_text().parse();
    let odd = |_| DavError::BadRequest("since is no moment such as 2026-03-01T09:30:00Z".into());
    let time = time.map_err(odd)?;
    Ok(Some(Timestamp(time.as_millisecond())))
}

struct Order {
    dav: Dav,
    asked: Asked,
    since: Option<Timestamp>,
    depth: Depth,
}

impl Order {
    async fn write(self, mut answer: Multistatus) -> Result<Multistatus, DavError> {
        let actor = &self.asked.request.actor;
        let mut loader = Loader::new(&self.dav, actor, Needs::SCHEDULING_LOG);
        let target = &self.asked.target;
        if let Target::Stored(resource) = target
            && resource.object.is_some()
        {
            // Whoever asks about one hears why they may not know.
            self.dav
                .desk()
                .scheduling_log(actor, &resource.path)
                .await?;
            self.write_one(&mut loader, target.clone(), &mut answer)
                .await?;
            return Ok(answer);
        }
        if self.depth == Depth::Zero {
            return Ok(answer);
        }
        let mut listing = Listing::of(&self.dav, actor, target).await?;
        while let Some(page) = listing.page().await? {
            for member in page {
                self.write_one(&mut loader, member, &mut answer).await?;
                answer.turn_page().await;
            }
        }
        Ok(answer)
    }

    /// Writes what was decided about one object, if anything was.
    async fn write_one(
        &self,
        loader: &mut Loader<'_>,
        target: Target,
        answer: &mut Multistatus,
    ) -> Result<(), DavError> {
        let facts = loader.facts(target).await?;
        let is_asked = |entry: &LogEntry| self.since.is_none_or(|since| since <= entry.time);
        let mut entries = facts.scheduling_log.unwrap_or_default();
        entries.retain(is_asked);
        if entries.is_empty() {
            return Ok(());
        }
        answer.response(&facts.target.href(), |writer| {
            write_propstat(writer, StatusCode::OK, None, |writer| {
                writer.element(convoke::SCHEDULING_LOG, |writer| {
                    decisions::write_entries(writer, &entries)
                });
            });
        });
        Ok(())
    }
}
