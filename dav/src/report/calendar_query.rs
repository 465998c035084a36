//! `CALDAV:calendar-query` (RFC 4791 §7.8).

use std::sync::Arc;

use bytes::Bytes;
use calendar::{CalendarObject, Zone};
use scheduling::{
    Precondition,
    calendar_view::{Candidate, Shown},
    desk::Read,
    projection::{ObjectProjection, Verdict},
};

use crate::{
    error::DavError,
    header::{Depth, depth},
    listing::{self, Listing},
    multistatus::{self, Multistatus, Parts},
    property::{Wanted, answer::write_propstats},
    report::{
        Asked,
        filter::{Filter, Subject},
        is_brief,
        reader::{Chosen, Reader},
    },
    service::{Dav, Response},
    target::{StoredResource, Target},
    xml::name::caldav,
};

/// Objects of one part of the answer.
const PART_ROWS: usize = 16;

/// Answers with the calendar objects that match a filter.
///
/// Without a Depth header it looks at the members of a collection, as every client means it
/// (RFC 4791 §7.8 assumes 0, which could never find anything).
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let dav = dav.clone();
    multistatus::respond(|answer| write(dav, asked, answer)).await
}

async fn write(dav: Dav, asked: Asked, answer: Multistatus) -> Result<Multistatus, DavError> {
    let depth = depth::parse(&asked.request.headers)?.unwrap_or(Depth::One);
    let mut open = vec![(asked.target.clone(), depth)];
    let question = Arc::new(Question::read(dav, asked)?);
    let mut parts = answer.in_parts();
    while let Some((target, depth)) = open.pop() {
        if !target.kind().is_collection() {
            question.begin_targets(&mut parts, vec![target]).await?;
            continue;
        }
        let below = match depth {
            Depth::Zero => continue,
            Depth::One => Depth::Zero,
            Depth::Infinity => Depth::Infinity,
        };
        let collections = question.begin_members(&mut parts, &target).await?;
        open.extend(collections.into_iter().map(|target| (target, below)));
    }
    parts.end().await
}

/// What is asked, for every part of the answer.
struct Question {
    dav: Dav,
    asked: Asked,
    wanted: Wanted,
    filter: Filter,
    chosen: Chosen,
    brief: bool,
}

/// Some members of a collection that may match.
struct Candidates {
    collection: Arc<StoredResource>,
    shown: Arc<Shown>,
    zone: Zone,
    candidates: Vec<Candidate>,
}

impl Question {
    fn read(dav: Dav, asked: Asked) -> Result<Question, DavError> {
        let root = asked.document.root();
        let element = root.child(caldav::FILTER);
        let element = element.ok_or_else(|| {
            DavError::precondition(Precondition::ValidFilter, "there is no filter")
        })?;
        Ok(Question {
            wanted: Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new())),
            filter: Filter::read(element, &dav.desk().settings().limits)?,
            chosen: Chosen::read(&dav, root, &asked.request.headers)?,
            brief: is_brief(&asked)?,
            dav,
            asked,
        })
    }

    /// Begins to write the members of a collection that match, and returns those that are collections.
    async fn begin_members(
        self: &Arc<Self>,
        parts: &mut Parts,
        target: &Target,
    ) -> Result<Vec<Target>, DavError> {
        let desk = self.dav.desk();
        let Target::Stored(collection) = target else {
            return self.begin_listed(parts, target).await;
        };
        let Some(shown) = desk.shown(collection.collection.id).await? else {
            return self.begin_listed(parts, target).await;
        };
        let zone = self.reader().zone_of(target);
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
        let collection = Arc::new(collection.clone());
        for candidates in matching.chunks(PART_ROWS) {
            let (question, candidates) = (
                Arc::clone(self),
                Candidates {
                    collection: Arc::clone(&collection),
                    shown: Arc::clone(&shown),
                    zone: zone.clone(),
                    candidates: candidates.to_vec(),
                },
            );
            let write = async move |answer| question.write_candidates(candidates, answer).await;
            parts.begin(write).await?;
        }
        listing::visible(&self.dav, actor, &collections).await
    }

    /// The same member by member, where there is no view.
    async fn begin_listed(
        self: &Arc<Self>,
        parts: &mut Parts,
        target: &Target,
    ) -> Result<Vec<Target>, DavError> {
        let mut collections = Vec::new();
        let mut listing = Listing::of(&self.dav, &self.asked.request.actor, target).await?;
        while let Some(page) = listing.page().await? {
            let (found, mut objects): (Vec<_>, Vec<_>) = page
                .into_iter()
                .partition(|member| member.kind().is_collection());
            collections.extend(found);
            while !objects.is_empty() {
                let rest = objects.split_off(objects.len().min(PART_ROWS));
                self.begin_targets(parts, objects).await?;
                objects = rest;
            }
        }
        Ok(collections)
    }

    /// Begins to write those of some resources that are calendar objects and match.
    async fn begin_targets(
        self: &Arc<Self>,
        parts: &mut Parts,
        targets: Vec<Target>,
    ) -> Result<(), DavError> {
        let question = Arc::clone(self);
        let write = async move |answer| question.write_targets(targets, answer).await;
        parts.begin(write).await
    }

    fn reader(&self) -> Reader<'_> {
        let actor = &self.asked.request.actor;
        Reader::new(&self.dav, actor, &self.wanted, &self.chosen)
    }

    /// Reads members that a view gave, and writes those that match.
    async fn write_candidates(
        &self,
        of: Candidates,
        mut answer: Multistatus,
    ) -> Result<Multistatus, DavError> {
        let mut reader = self.reader();
        let (desk, id) = (self.dav.desk(), of.collection.collection.id);
        let (actor, owner) = (&self.asked.request.actor, of.collection.owner.id);
        let standing = desk.standing(actor, owner).await?;
        for read in desk.read_candidates(id, &of.candidates).await? {
            let object = read.object.clone();
            let collection = &of.collection;
            let member = collection.member(&self.dav, &standing, &read.name, object);
            let Some(member) = member.await? else {
                continue;
            };
            if let Some(octets) = self.octets_of(&read, &member, &of).await? {
                let member = Target::Stored(member);
                self.write(&mut reader, &mut answer, member, &octets)
                    .await?;
            }
        }
        Ok(answer)
    }

    /// The octets of a member that matches.
    async fn octets_of(
        &self,
        read: &Read,
        member: &StoredResource,
        of: &Candidates,
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
            self.dav
                .desk()
                .learn_instances(&of.shown, read, &object, range);
        }
        let matches = self.filter.matches(&Subject::new(&object, &of.zone));
        Ok(matches.then_some(octets))
    }

    /// Writes those of some resources that are calendar objects and match.
    async fn write_targets(
        &self,
        targets: Vec<Target>,
        mut answer: Multistatus,
    ) -> Result<Multistatus, DavError> {
        let mut reader = self.reader();
        for target in targets {
            if let Some(octets) = self.matching_octets(&mut reader, &target).await? {
                self.write(&mut reader, &mut answer, target, &octets)
                    .await?;
            }
        }
        Ok(answer)
    }

    /// The octets of a resource, if it is a calendar object that matches.
    async fn matching_octets(
        &self,
        reader: &mut Reader<'_>,
        target: &Target,
    ) -> Result<Option<Bytes>, DavError> {
        let Target::Stored(resource) = target else {
            return Ok(None);
        };
        let object = resource.object.as_ref();
        let Some(calendar) = object.and_then(|object| object.calendar.as_ref()) else {
            return Ok(None);
        };
        let zone = reader.zone_of(target);
        if let Some(projection) = ObjectProjection::decode(&calendar.projection)
            && self.filter.judge(&projection, &zone) == Verdict::No
        {
            return Ok(None);
        }
        let octets = reader.octets(target).await?;
        let matches = |octets: &Bytes| {
            parse(octets).is_some_and(|object| self.filter.matches(&Subject::new(&object, &zone)))
        };
        Ok(octets.filter(matches))
    }

    async fn write(
        &self,
        reader: &mut Reader<'_>,
        answer: &mut Multistatus,
        target: Target,
        octets: &Bytes,
    ) -> Result<(), DavError> {
        let data = match reader.data(&target, octets) {
            Ok(data) => data,
            Err(error) => {
                answer.failure(&target.href(), &error);
                return Ok(());
            }
        };
        let mut facts = reader.facts_without_data(target).await?;
        facts.calendar_data = data;
        answer.response(&facts.target.href(), |writer| {
            write_propstats(writer, &facts, &self.wanted, self.brief)
        });
        answer.turn_page().await;
        Ok(())
    }
}

/// What was stored was valid; what is damaged matches nothing.
fn parse(octets: &Bytes) -> Option<CalendarObject> {
    scheduling::parse_stored(octets.clone()).ok()
}
