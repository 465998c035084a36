//! PROPFIND (RFC 4918 §9.1).

use http::HeaderValue;
use scheduling::{Actor, Precondition};

use crate::{
    error::DavError,
    header::{Depth, depth, prefer},
    listed::Listed,
    listing::{Listing, PAGE_ROWS, visible},
    multistatus::{self, Multistatus},
    property::{Facts, Loader, Wanted, answer},
    service::{Dav, Request, Response},
    target::{StoredResource, Target},
    xml::{Document, name::dav},
};

/// The most resources that a PROPFIND of infinite depth is answered for (RFC 4918 §9.1.1).
pub(crate) const MAXIMUM_INFINITE_RESOURCES: usize = 1_000;

/// Answers with the properties of a resource and, by depth, of what is in it.
pub(crate) async fn propfind(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let depth = depth::parse(&request.headers)?.unwrap_or(Depth::Infinity);
    let preferences = prefer::parse(&request.headers)?;
    let wanted = read_body(&request.body)?;
    let target = Target::open(dav, &request.actor, &request.path).await?;
    request.check_if_header(dav).await?;
    let brief = preferences.returns == prefer::Return::Minimal;
    // RFC 8144 §4: with depth 0 it means nothing.
    let without_root = preferences.depth_noroot && depth != Depth::Zero;
    let order = Order {
        dav: dav.clone(),
        actor: request.actor,
        target,
        depth,
        wanted,
        brief,
        without_root,
    };
    let mut response = multistatus::respond(|answer| write(order, answer)).await?;
    mark_applied(&mut response, brief, without_root);
    Ok(response)
}

/// What is to be answered.
struct Order {
    dav: Dav,
    actor: Actor,
    target: Target,
    depth: Depth,
    wanted: Wanted,
    brief: bool,
    without_root: bool,
}

async fn write(order: Order, answer: Multistatus) -> Result<Multistatus, DavError> {
    let mut walk = Walk {
        dav: &order.dav,
        actor: &order.actor,
        loader: Loader::new(&order.dav, &order.actor, order.wanted.needs()),
        wanted: &order.wanted,
        brief: order.brief,
        answer,
        resources: 0,
        bound: if order.depth == Depth::Infinity {
            MAXIMUM_INFINITE_RESOURCES
        } else {
            usize::MAX
        },
    };
    // The collection first: its sync token must be older than the listing of its members.
    let root = walk.loader.facts(order.target).await?;
    if !order.without_root {
        walk.write(&root)?;
    }
    match order.depth {
        Depth::Zero => {}
        Depth::One => drop(walk.members(&root.target).await?),
        Depth::Infinity => walk.everything(root.target).await?,
    }
    Ok(walk.answer)
}

/// RFC 7240 §3
pub(super) fn mark_applied(response: &mut Response, minimal: bool, depth_noroot: bool) {
    for (applied, value) in [(minimal, "return=minimal"), (depth_noroot, "depth-noroot")] {
        if applied {
            let value = HeaderValue::from_static(value);
            response
                .headers_mut()
                .append(&prefer::PREFERENCE_APPLIED, value);
        }
    }
}

/// No body asks for everything (RFC 4918 §9.1).
fn read_body(body: &[u8]) -> Result<Wanted, DavError> {
    if body.is_empty() {
        return Ok(Wanted::All(Vec::new()));
    }
    let document = Document::parse(body)?;
    if !document.root().is(dav::PROPFIND) {
        return Err(DavError::BadRequest(
            "the body is not a propfind element".into(),
        ));
    }
    let wanted = Wanted::of_request(document.root())?;
    wanted.ok_or_else(|| DavError::BadRequest("propfind asks for nothing".into()))
}

struct Walk<'a> {
    dav: &'a Dav,
    actor: &'a Actor,
    loader: Loader<'a>,
    wanted: &'a Wanted,
    brief: bool,
    answer: Multistatus,
    resources: usize,
    bound: usize,
}

impl Walk<'_> {
    fn write(&mut self, facts: &Facts) -> Result<(), DavError> {
        self.resources += 1;
        if self.resources > self.bound {
            let reason = "there is more below this collection than is listed at once; use depth 1";
            return Err(DavError::precondition(
                Precondition::PropfindFiniteDepth,
                reason,
            ));
        }
        let (wanted, brief) = (self.wanted, self.brief);
        self.answer.response(&facts.target.href(), |writer| {
            answer::write_propstats(writer, facts, wanted, brief)
        });
        Ok(())
    }

    /// Writes the members of a collection and returns those that are collections.
    async fn members(&mut self, target: &Target) -> Result<Vec<Target>, DavError> {
        if let Target::Stored(collection) = target
            && self.bound == usize::MAX
            && let Some(listed) =
                Listed::of(self.dav, self.actor, collection, self.wanted, self.brief).await?
        {
            return self.listed(collection, &listed).await;
        }
        let mut collections = Vec::new();
        let mut listing = Listing::of(self.dav, self.actor, target).await?;
        while let Some(page) = listing.page().await? {
            for member in page {
                let member = self.write_target(member).await?;
                if member.kind().is_collection() {
                    collections.push(member);
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(collections)
    }

    /// The same of a collection whose objects need not be read.
    async fn listed(
        &mut self,
        collection: &StoredResource,
        listed: &Listed<'_>,
    ) -> Result<Vec<Target>, DavError> {
        let unread = listed.write(&mut self.answer).await;
        for page in unread.chunks(PAGE_ROWS) {
            for member in listed.read(page).await? {
                self.write_target(member).await?;
            }
        }
        let paths: Vec<_> = listed
            .collections()
            .iter()
            .map(|name| collection.path.child(name))
            .collect();
        let mut collections = Vec::new();
        for target in visible(self.dav, self.actor, &paths).await? {
            collections.push(self.write_target(target).await?);
        }
        Ok(collections)
    }

    async fn write_target(&mut self, target: Target) -> Result<Target, DavError> {
        let facts = self.loader.facts(target).await?;
        self.write(&facts)?;
        // What may still be refused as a whole is not begun with.
        if self.bound == usize::MAX {
            self.answer.turn_page().await;
        }
        Ok(facts.target)
    }

    async fn everything(&mut self, root: Target) -> Result<(), DavError> {
        let mut open = vec![root];
        while let Some(collection) = open.pop() {
            open.extend(self.members(&collection).await?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
