//! `CALDAV:calendar-query` (RFC 4791 §7.8).

use bytes::Bytes;
use calendar::{CalendarObject, Limits, Zone};
use scheduling::{
    Precondition,
    calendar_view::{Candidate, Shown},
    desk::{Read, Standing},
    projection::{ObjectProjection, Verdict},
};

use crate::{
    error::DavError,
    header::{Depth, depth},
    listing::{self, Listing},
    multistatus::{self, Multistatus},
    property::{Wanted, answer::write_propstats},
    report::{
        Asked,
        filter::{Filter, Subject},
        is_brief,
        reader::Reader,
    },
    service::{Dav, Response},
    target::{StoredResource, Target},
    xml::name::caldav,
};

/// Objects that are read at once.
const READ_ROWS: usize = 64;

/// Answers with the calendar objects that match a filter.
///
/// Without a Depth header it looks at the members of a collection, as every client means it
/// (RFC 4791 §7.8 assumes 0, which could never find anything).
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let dav = dav.clone();
    multistatus::respond(|answer| write(dav, asked, answer)).await
}

async fn write(dav: Dav, asked: Asked, answer: Multistatus) -> Result<Multistatus, DavError> {
    let root = asked.document.root();
    let wanted = Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new()));
    let element = root.child(caldav::FILTER);
    let element = element
        .ok_or_else(|| DavError::precondition(Precondition::ValidFilter, "there is no filter"))?;
    let mut query = Query {
        dav: &dav,
        filter: Filter::read(element, &dav.desk().settings().limits)?,
        reader: Reader::new(&dav, &asked.request.actor, &wanted, root)?
            .with_time_zones(&asked.request.headers)?,
        asked: &asked,
        wanted: &wanted,
        brief: is_brief(&asked)?,
        answer,
    };
    let depth = depth::parse(&asked.request.headers)?.unwrap_or(Depth::One);
    let mut open = vec![(asked.target.clone(), depth)];
    while let Some((target, depth)) = open.pop() {
        query.one(target.clone()).await?;
        let below = match depth {
            Depth::Zero => continue,
            Depth::One => Depth::Zero,
            Depth::Infinity => Depth::Infinity,
        };
        let collections = query.members(&target).await?;
        open.extend(collections.into_iter().map(|target| (target, below)));
    }
    Ok(query.answer)
}

struct Query<'a> {
    dav: &'a Dav,
    filter: Filter,
    reader: Reader<'a>,
    asked: &'a Asked,
    wanted: &'a Wanted,
    brief: bool,
    answer: Multistatus,
}

impl Query<'_> {
    /// Writes the members of a resource that match, and returns those that are collections.
    async fn members(&mut self, target: &Target) -> Result<Vec<Target>, DavError> {
        let Target::Stored(collection) = target else {
            return self.listed(target).await;
        };
        let desk = self.dav.desk();
        if collection.object.is_some() {
            return Ok(Vec::new());
        }
        let Some(shown) = desk.shown(collection.collection.id).await? else {
            return self.listed(target).await;
        };
        let zone = self.reader.zone_of(target);
        let actor = &self.asked.request.actor;
        let standing = desk.standing(actor, collection.owner.id).await?;
        let viewer = standing.viewer();
        let (matching, collections) = shown.read(|view| {
            let range = self.filter.range();
            let matching = view.select(range, |row| match &row.projection {
                // What is not seen as a whole is judged by what is seen of it.
                Some(_) if !viewer.sees_row(row) => Verdict::Maybe,
                Some(projection) => self.filter.judge(projection, &zone),
                None => Verdict::No,
            });
            let collections: Vec<_> = view
                .collections()
                .map(|name| collection.path.child(name))
                .collect();
            (matching, collections)
        });
        for page in matching.chunks(READ_ROWS) {
            self.candidates(collection, &standing, &shown, page, &zone)
                .await?;
        }
        listing::visible(self.dav, &self.asked.request.actor, &collections).await
    }

    /// Reads members that a view gave, and writes those that match.
    async fn candidates(
        &mut self,
        collection: &StoredResource,
        standing: &Standing<'_>,
        shown: &Shown,
        candidates: &[Candidate],
        zone: &Zone,
    ) -> Result<(), DavError> {
        let id = collection.collection.id;
        let read = self.dav.desk().read_candidates(id, candidates).await?;
        for read in read {
            let object = read.object.clone();
            let member = collection.member(self.dav, standing, &read.name, object);
            let Some(member) = member.await? else {
                continue;
            };
            if let Some(octets) = self.octets_of(&read, &member, shown, zone).await? {
                self.write(Target::Stored(member), &octets).await?;
            }
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// The octets of a member that matches.
    async fn octets_of(
        &self,
        read: &Read,
        member: &StoredResource,
        shown: &Shown,
        zone: &Zone,
    ) -> Result<Option<Bytes>, DavError> {
        let Some(seen) = &member.object else {
            return Ok(None);
        };
        let octets = self.dav.desk().octets(seen).await?;
        if read.is_certain {
            return Ok(Some(octets));
        }
        let Some(object) = parse(&octets) else {
            return Ok(None);
        };
        if let Some(range) = self.filter.range_alone()
            && read.is_learnable
            && seen.etag == read.object.etag
        {
            self.dav.desk().learn_instances(shown, read, &object, range);
        }
        let matches = self.filter.matches(&Subject::new(&object, zone));
        Ok(matches.then_some(octets))
    }

    /// The same member by member, where there is no view.
    async fn listed(&mut self, target: &Target) -> Result<Vec<Target>, DavError> {
        let mut collections = Vec::new();
        let mut listing = Listing::of(self.dav, &self.asked.request.actor, target).await?;
        while let Some(page) = listing.page().await? {
            for member in page {
                if member.kind().is_collection() {
                    collections.push(member);
                } else {
                    self.one(member).await?;
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(collections)
    }

    /// Writes a resource, if it is a calendar object that matches.
    async fn one(&mut self, target: Target) -> Result<(), DavError> {
        let Target::Stored(resource) = &target else {
            return Ok(());
        };
        let calendar = resource
            .object
            .as_ref()
            .and_then(|object| object.calendar.as_ref());
        let Some(calendar) = calendar else {
            return Ok(());
        };
        let zone = self.reader.zone_of(&target);
        if let Some(projection) = ObjectProjection::decode(&calendar.projection)
            && self.filter.judge(&projection, &zone) == Verdict::No
        {
            return Ok(());
        }
        let Some(octets) = self.reader.octets(&target).await? else {
            return Ok(());
        };
        match parse(&octets) {
            Some(object) if self.filter.matches(&Subject::new(&object, &zone)) => {
                self.write(target, &octets).await
            }
            _ => Ok(()),
        }
    }

    async fn write(&mut self, target: Target, octets: &Bytes) -> Result<(), DavError> {
        let data = match self.reader.data(&target, octets) {
            Ok(data) => data,
            Err(error) => {
                self.answer.failure(&target.href(), &error);
                return Ok(());
            }
        };
        let mut facts = self.reader.facts_without_data(target).await?;
        facts.calendar_data = data;
        self.answer.response(&facts.target.href(), |writer| {
            write_propstats(writer, &facts, self.wanted, self.brief)
        });
        self.answer.turn_page().await;
        Ok(())
    }
}

/// What was stored was valid; what is damaged matches nothing.
fn parse(octets: &Bytes) -> Option<CalendarObject> {
    CalendarObject::parse_shared(octets.clone(), &Limits::default()).ok()
}
