//! `DAV:principal-match` (RFC 3744 §9.3).

use crate::{
    error::DavError,
    listing::Listing,
    path::Path,
    property::{
        Facts, Loader, Wanted, answer::write_wanted, table::Presence, wanted::WantedProperty,
    },
    report::{Asked, principal_property_search::within, require_depth_zero, respond_with},
    service::{Dav, Response},
    target::Target,
    xml::{Document, Element, Writer, name::dav},
};

/// The most resources that are looked at.
const MAXIMUM_RESOURCES: usize = 1_000;

/// Answers with the principals that are the current user, or with the resources that name the current
/// user in a property.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    require_depth_zero(&asked)?;
    let root = asked.document.root();
    let wanted = Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new()));
    let mut loader = Loader::new(dav, &asked.request.actor, wanted.needs());
    let targets = match root
        .child(dav::PRINCIPAL_PROPERTY)
        .and_then(|property| property.children().next())
    {
        Some(property) => naming_me(dav, &asked, property).await?,
        None if root.child(dav::SELF).is_some() => myself(&asked, &mut loader).await?,
        None => {
            return Err(DavError::BadRequest(
                "there is neither self nor principal-property".into(),
            ));
        }
    };
    respond_with(&asked, &mut loader, &wanted, targets).await
}

/// The user and the groups that hold the user, as far as they stand below the resource.
async fn myself(asked: &Asked, loader: &mut Loader<'_>) -> Result<Vec<Target>, DavError> {
    let directory = loader.directory().await?;
    let mine = directory.identities(asked.request.actor.principal.id);
    let scope = asked.target.path();
    let found = directory
        .iter()
        .filter(|one| mine.contains(&one.id) && within(&scope, one));
    Ok(found.cloned().map(Target::Principal).collect())
}

/// Everything below the resource, at any depth, whose property leads to the user, or to a group that holds
/// the user.
async fn naming_me(
    dav: &Dav,
    asked: &Asked,
    property: Element<'_>,
) -> Result<Vec<Target>, DavError> {
    let wanted = WantedProperty::of(property.name());
    let mut loader = Loader::new(
        dav,
        &asked.request.actor,
        Wanted::These(vec![wanted.clone()]).needs(),
    );
    let directory = loader.directory().await?;
    let mine = directory.identities(asked.request.actor.principal.id);
    let me: Vec<Path> = directory
        .iter()
        .filter(|one| mine.contains(&one.id))
        .map(|one| Path::of_principal(one))
        .collect();
    let is_me = |href: &str| {
        let path = asked.request.path_of_reference(dav, href);
        path.is_some_and(|path| me.contains(&path))
    };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let mut open = vec![asked.target.clone()];
    while let Some(collection) = open.pop() {
        let mut listing = Listing::of(dav, &asked.request.actor, &collection).await?;
        while let Some(page) = listing.page().await? {
            looked_at += page.len();
            if looked_at > MAXIMUM_RESOURCES {
                let reason = "there is more below this collection than is looked at";
                return Err(DavError::precondition(
                    scheduling::Precondition::NumberOfMatchesWithinLimits,
                    reason,
                ));
            }
            for member in page {
                let facts = loader.facts(member).await?;
                if leads_to(&facts, &wanted, &is_me) {
                    found.push(facts.target.clone());
                }
                if facts.kind().is_collection() {
                    open.push(facts.target);
                }
            }
        }
    }
    Ok(found)
}

fn leads_to(facts: &Facts, wanted: &WantedProperty, is_me: &dyn Fn(&str) -> bool) -> bool {
    let mut present = false;
    let octets = Writer::document(dav::PROP, |writer| {
        present = write_wanted(writer, facts, wanted) == Presence::Present;
    });
    let Some(document) = Document::parse(&octets).ok().filter(|_| present) else {
        return false;
    };
    let property = document.root().children().next();
    property.is_some_and(|property| {
        property
            .children_named(dav::HREF)
            .any(|found| is_me(found.text().trim()))
    })
}
