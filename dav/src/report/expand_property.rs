//! `DAV:expand-property` (RFC 3253 §3.8): properties, and properties of what they point to.

use http::StatusCode;
use scheduling::Precondition;
use storage::backend::BoxFuture;

use crate::{
    error::DavError,
    header::{Depth, depth, prefer},
    listing::Listing,
    multistatus::{Multistatus, write_propstat, write_status},
    property::{
        Facts, Loader, Wanted,
        answer::{write_propstats, write_wanted},
        table::Presence,
        wanted::WantedProperty,
    },
    report::Asked,
    service::{Dav, Response},
    target::Target,
    xml::{Document, Element, Name, Writer, name::dav, tree::Node},
};

/// The most resources that one report looks at, each as often as something points to it.
const MAXIMUM_RESOURCES: usize = 1_000;

/// A property, and what is asked of the resources that it points to.
struct Expansion {
    property: WantedProperty,
    further: Vec<Expansion>,
}

/// Answers with the properties of the resource, and by depth of what is in it (RFC 3253 §3.6), the hrefs in
/// them replaced by responses.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    let expansions = read(asked.document.root())?;
    let depth = depth::parse(&asked.request.headers)?.unwrap_or(Depth::Zero);
    let preferences = prefer::parse(&asked.request.headers)?;
    let mut expander = Expander {
        dav,
        asked: &asked,
        brief: preferences.returns == prefer::Return::Minimal,
        resources: 0,
    };
    let mut answer = Multistatus::new();
    if depth == Depth::Zero || !preferences.depth_noroot {
        let root = asked.target.clone();
        expander.respond(&mut answer, root, &expansions).await?;
    }
    let mut open = match depth {
        Depth::Zero => Vec::new(),
        Depth::One | Depth::Infinity => vec![asked.target.clone()],
    };
    while let Some(collection) = open.pop() {
        let mut listing = Listing::of(dav, &asked.request.actor, &collection).await?;
        while let Some(page) = listing.page().await? {
            for member in page {
                if depth == Depth::Infinity && member.kind().is_collection() {
                    open.push(member.clone());
                }
                expander.respond(&mut answer, member, &expansions).await?;
            }
        }
    }
    Ok(answer.finish())
}

/// As deep as the document, which is bounded.
fn read(element: Element<'_>) -> Result<Vec<Expansion>, DavError> {
    element
        .children_named(dav::PROPERTY)
        .map(|property| {
            let local = property.attribute("name").filter(|name| !name.is_empty());
            let local =
                local.ok_or_else(|| DavError::BadRequest("a property has no name".into()))?;
            let namespace = property.attribute("namespace").unwrap_or(dav::NAMESPACE);
            let name = WantedProperty::of(Name::new(namespace, local));
            Ok(Expansion {
                property: name,
                further: read(property)?,
            })
        })
        .collect()
}

struct Expander<'a> {
    dav: &'a Dav,
    asked: &'a Asked,
    /// What is not there is left out (RFC 8144 §2.1).
    brief: bool,
    resources: usize,
}

impl Expander<'_> {
    /// Adds the response about one resource.
    async fn respond(
        &mut self,
        answer: &mut Multistatus,
        target: Target,
        expansions: &[Expansion],
    ) -> Result<(), DavError> {
        let href = target.href();
        let piece = self.properties(target, expansions).await?;
        answer.response(&href, |writer| writer.piece(&piece));
        Ok(())
    }

    /// The propstats of one resource.
    fn properties<'a>(
        &'a mut self,
        target: Target,
        expansions: &'a [Expansion],
    ) -> BoxFuture<'a, Result<Writer, DavError>> {
        Box::pin(async move {
            self.resources += 1;
            if self.resources > MAXIMUM_RESOURCES {
                let reason = "the properties point to too many resources";
                return Err(DavError::precondition(
                    Precondition::NumberOfMatchesWithinLimits,
                    reason,
                ));
            }
            let all = Wanted::These(expansions.iter().map(|one| one.property.clone()).collect());
            let facts = Loader::new(self.dav, &self.asked.request.actor, all.needs())
                .facts(target)
                .await?;
            let (plain, pointing): (Vec<_>, Vec<_>) = expansions
                .iter()
                .partition(|expansion| expansion.further.is_empty());
            let mut found = Vec::new();
            let mut rest: Vec<WantedProperty> =
                plain.iter().map(|one| one.property.clone()).collect();
            for expansion in pointing {
                match self.expanded(&facts, expansion).await? {
                    Some(piece) => found.push(piece),
                    // Absent or denied: says so beside the plain ones.
                    None => rest.push(expansion.property.clone()),
                }
            }
            let mut writer = Writer::begin_piece();
            write_propstat(&mut writer, StatusCode::OK, None, |writer| {
                found.iter().for_each(|piece| writer.piece(piece));
            });
            if !rest.is_empty() || found.is_empty() {
                write_propstats(&mut writer, &facts, &Wanted::These(rest), self.brief);
            }
            Ok(writer)
        })
    }

    /// A property with responses in the place of its hrefs; `None` where the resource does not have it.
    async fn expanded(
        &mut self,
        facts: &Facts,
        expansion: &Expansion,
    ) -> Result<Option<Writer>, DavError> {
        let mut presence = Presence::Absent;
        let octets = Writer::document(dav::PROP, |writer| {
            presence = write_wanted(writer, facts, &expansion.property);
        });
        if presence != Presence::Present {
            return Ok(None);
        }
        let document = Document::parse(&octets)?;
        let Some(property) = document.root().children().next() else {
            return Ok(None);
        };
        let mut responses = Vec::new();
        for href in hrefs(property) {
            responses.push(self.response(&href, &expansion.further).await?);
        }
        let mut writer = Writer::begin_piece();
        write_expanded(&mut writer, property, &mut responses.iter());
        Ok(Some(writer))
    }

    async fn response(&mut self, href: &str, expansions: &[Expansion]) -> Result<Writer, DavError> {
        let mut writer = Writer::begin_piece();
        let piece = match self.asked.request.path_of_reference(self.dav, href) {
            None => Err(StatusCode::NOT_FOUND),
            Some(path) => match Target::open(self.dav, &self.asked.request.actor, &path).await {
                Ok(target) => Ok(self.properties(target, expansions).await?),
                Err(error) if error.status().is_client_error() => Err(error.status()),
                Err(error) => return Err(error),
            },
        };
        writer.element(dav::RESPONSE, |writer| {
            writer.leaf(dav::HREF, href);
            match &piece {
                Ok(piece) => writer.piece(piece),
                Err(status) => write_status(writer, *status),
            }
        });
        Ok(writer)
    }
}

/// What every `DAV:href` in a property's value names, in document order.
fn hrefs(element: Element<'_>) -> Vec<String> {
    let below = |child: Element<'_>| match child.is(dav::HREF) {
        true => vec![child.trimmed_text()],
        false => hrefs(child),
    };
    element.children().flat_map(below).collect()
}

/// The element with a response in the place of every `DAV:href` in it, at any depth; the document's is
/// bounded.
fn write_expanded<'a>(
    writer: &mut Writer,
    element: Element<'_>,
    responses: &mut impl Iterator<Item = &'a Writer>,
) {
    let attributes: Vec<(&str, &str)> = element
        .attributes()
        .filter(|attribute| attribute.prefix.is_empty())
        .map(|attribute| (attribute.name.local, attribute.value))
        .collect();
    writer.element_with(element.name(), &attributes, |writer| {
        for node in element.nodes() {
            match node {
                Node::Text(text) => writer.text(text),
                Node::Element(child) if child.is(dav::HREF) => {
                    responses
                        .by_ref()
                        .take(1)
                        .for_each(|piece| writer.piece(piece));
                }
                Node::Element(child) => write_expanded(writer, child, responses),
            }
        }
    });
}
