//! `DAV:principal-property-search` (RFC 3744 §9.4), with what Apple's clients add to it: `test` and
//! `match-type`.

use std::sync::Arc;

use scheduling::Precondition;
use storage::model::Principal;

use crate::{
    error::DavError,
    path::Path,
    property::{Loader, Wanted},
    report::{
        Asked,
        collation::{FOR_PEOPLE, MatchType, Needle},
        people::{self, Content, Searchable},
        require_depth_zero, respond_with,
    },
    service::{Dav, Response},
    target::Target,
    xml::{Element, name::dav},
};

/// The most conditions of one search.
const MAXIMUM_CONDITIONS: usize = 100;

/// The most principals that one search finds (RFC 3744 §9.4).
const MAXIMUM_MATCHES: usize = 1_000;

/// What a principal must fulfil.
struct Search {
    /// One of the conditions is enough (else all must hold).
    any: bool,
    conditions: Vec<Condition>,
}

/// Each of the properties must hold the text; one that cannot be searched holds nothing.
struct Condition {
    properties: Vec<Option<&'static Searchable>>,
    needle: Needle,
    /// What is asked for, as a list of words.
    words: Vec<Needle>,
    /// And as a number.
    number: Option<u32>,
}

/// Answers with the principals that fit.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    require_depth_zero(&asked)?;
    let root = asked.document.root();
    let search = Search::read(root)?;
    let wanted = Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new()));
    let everywhere = root.child(dav::APPLY_TO_PRINCIPAL_COLLECTION_SET).is_some();
    let scope = if everywhere {
        Path::Principals
    } else {
        asked.target.path()
    };
    let mut loader = Loader::new(dav, &asked.request.actor, wanted.needs());
    let directory = loader.directory().await?;
    let found = directory
        .iter()
        .filter(|principal| within(&scope, principal) && search.fits(principal));
    let targets: Vec<Target> = found.cloned().map(Target::Principal).collect();
    if targets.len() > MAXIMUM_MATCHES {
        let reason = "too many people fit; ask for more of a name";
        return Err(DavError::precondition(
            Precondition::NumberOfMatchesWithinLimits,
            reason,
        ));
    }
    respond_with(&asked, &mut loader, &wanted, targets).await
}

/// Whether a principal stands below a place.
pub(super) fn within(scope: &Path, principal: &Arc<Principal>) -> bool {
    match scope {
        Path::Root | Path::Dav | Path::Principals => true,
        Path::PrincipalsOfKind(kind) => *kind == principal.kind,
        Path::Principal(kind, name) => *kind == principal.kind && *name == principal.name,
        Path::WellKnown
        | Path::Proxy(..)
        | Path::Homes
        | Path::HomesOfKind(_)
        | Path::Attachment(..)
        | Path::DryRun(..)
        | Path::Stored(_) => false,
    }
}

impl Search {
    fn read(root: Element<'_>) -> Result<Search, DavError> {
        let any = match root.attribute("test") {
            None | Some("allof") => false,
            Some("anyof") => true,
            Some(_) => {
                return Err(DavError::BadRequest(
                    "test is neither anyof nor allof".into(),
                ));
            }
        };
        let conditions: Vec<Condition> = root
            .children_named(dav::PROPERTY_SEARCH)
            .map(Condition::read)
            .collect::<Result<_, _>>()?;
        match conditions.len() {
            0 => Err(DavError::BadRequest("there is no property-search".into())),
            MAXIMUM_CONDITIONS.. => Err(DavError::BadRequest(
                "the search has too many conditions".into(),
            )),
            _ => Ok(Search { any, conditions }),
        }
    }

    fn fits(&self, principal: &Principal) -> bool {
        let mut conditions = self
            .conditions
            .iter()
            .map(|condition| condition.holds(principal));
        if self.any {
            conditions.any(|holds| holds)
        } else {
            conditions.all(|holds| holds)
        }
    }
}

impl Condition {
    fn read(element: Element<'_>) -> Result<Condition, DavError> {
        let missing = || DavError::BadRequest("property-search lacks prop or match".into());
        let properties = element.child(dav::PROP).ok_or_else(missing)?;
        let wanted = element.child(dav::MATCH).ok_or_else(missing)?;
        let match_type = match wanted.attribute("match-type") {
            None => MatchType::Contains,
            Some(text) => MatchType::parse(text)
                .ok_or_else(|| DavError::BadRequest("the match-type is not known".into()))?,
        };
        let text = wanted.text();
        let text = text.trim();
        let needle = |text: &str| Needle::new(FOR_PEOPLE, text.trim(), match_type);
        Ok(Condition {
            properties: properties
                .children()
                .map(|property| people::find(property.name()))
                .collect(),
            needle: needle(text),
            words: text.split(',').map(needle).collect(),
            number: text.parse().ok(),
        })
    }

    fn holds(&self, principal: &Principal) -> bool {
        let holds = |property: &Option<&Searchable>| {
            property.is_some_and(|property| self.is_held_by(property.content, principal))
        };
        !self.properties.is_empty() && self.properties.iter().all(holds)
    }

    fn is_held_by(&self, content: Content, principal: &Principal) -> bool {
        let among = |texts: &[String], needle: &Needle| texts.iter().any(|it| needle.matches(it));
        match content {
            Content::Texts(texts) => among(&texts(principal), &self.needle),
            Content::Words(words) => {
                let words = words(principal);
                self.words.iter().all(|needle| among(words, needle))
            }
            Content::Number(number) => number(principal)
                .zip(self.number)
                .is_some_and(|(number, least)| number >= least),
        }
    }
}
