//! `CALDAV:calendar-query` (RFC 4791 §7.8).

use calendar::{CalendarObject, Limits};
use scheduling::{Precondition, projection::ObjectProjection};

use crate::{
    error::DavError,
    header::{Depth, depth},
    listing::Listing,
    multistatus::Multistatus,
    property::{Facts, Wanted, answer::write_propstats},
    report::{
        Asked,
        filter::{Filter, Subject},
        is_brief,
        reader::Reader,
    },
    service::{Dav, Response},
    target::Target,
    xml::name::caldav,
};

/// Answers with the calendar objects that match a filter.
///
/// Without a Depth header it looks at the members of a collection, as every client means it
/// (RFC 4791 §7.8 assumes 0, which could never find anything).
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let root = asked.document.root();
    let wanted = Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new()));
    let element = root.child(caldav::FILTER);
    let element = element
        .ok_or_else(|| DavError::precondition(Precondition::ValidFilter, "there is no filter"))?;
    let mut query = Query {
        filter: Filter::read(element, &dav.desk().settings().limits)?,
        reader: Reader::new(dav, &asked.request.actor, &wanted, root)?
            .with_time_zones(&asked.request.headers)?,
    };
    let brief = is_brief(&asked)?;
    let mut answer = Multistatus::new();
    let mut write = |facts: &Facts| {
        answer.response(&facts.target.href(), |writer| {
            write_propstats(writer, facts, &wanted, brief)
        });
    };
    let depth = depth::parse(&asked.request.headers)?.unwrap_or(Depth::One);
    let mut open = vec![(asked.target.clone(), depth)];
    while let Some((target, depth)) = open.pop() {
        if let Some(facts) = query.matching(target.clone()).await? {
            write(&facts);
        }
        let below = match depth {
            Depth::Zero => continue,
            Depth::One => Depth::Zero,
            Depth::Infinity => Depth::Infinity,
        };
        let mut listing = Listing::of(dav, &asked.request.actor, &target).await?;
        while let Some(page) = listing.page().await? {
            for member in page {
                if member.kind().is_collection() {
                    open.push((member, below));
                } else if let Some(facts) = query.matching(member).await? {
                    write(&facts);
                }
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(answer.finish())
}

struct Query<'a> {
    filter: Filter,
    reader: Reader<'a>,
}

impl Query<'_> {
    /// The facts about a calendar object that matches.
    async fn matching(&mut self, target: Target) -> Result<Option<Facts>, DavError> {
        let Target::Stored(resource) = &target else {
            return Ok(None);
        };
        let calendar = resource
            .object
            .as_ref()
            .and_then(|object| object.calendar.as_ref());
        let Some(calendar) = calendar else {
            return Ok(None);
        };
        if let Some(projection) = ObjectProjection::decode(&calendar.projection)
            && !self.filter.may_match(&projection)
        {
            return Ok(None);
        }
        let Some(octets) = self.reader.octets(&target).await? else {
            return Ok(None);
        };
        let Ok(object) = CalendarObject::parse_shared(octets.clone(), &Limits::default()) else {
            // What was stored was valid; what is damaged matches nothing.
            return Ok(None);
        };
        let zone = self.reader.zone_of(&target);
        match self.filter.matches(&Subject::new(&object, &zone)) {
            true => Ok(Some(self.reader.facts_with(target, Some(&octets)).await?)),
            false => Ok(None),
        }
    }
}
