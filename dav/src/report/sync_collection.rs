//! `DAV:sync-collection` (RFC 6578 §3).
//!
//! The level in the body decides how far down the report looks; Depth may be absent, 0 or 1, as clients
//! send all three (a knowing deviation from RFC 6578 §3.2, which wants 0).
//!
//! A first synchronisation that is cut short by a limit goes on where it stopped: its token is that of
//! the moment when it began, and the name of the last member that was listed.

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use scheduling::{
    Precondition, Refusal,
    change::{parse_sync_token, sync_token_text},
};
use storage::model::{CollectionId, SyncToken};

use crate::{
    error::DavError,
    header::{Depth, depth},
    kind::ResourceKind,
    listed::Listed,
    listing::PAGE_ROWS,
    multistatus::{self, Multistatus},
    path::Path,
    precondition,
    property::{Loader, SYNCED, Wanted, answer::write_propstats},
    report::{
        Asked, is_brief,
        reader::{Chosen, Reader},
    },
    service::{Dav, Response},
    target::{StoredResource, Target},
    xml::{Element, name::dav},
};

/// How far down the report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// The members of the collection.
    One,
    /// Everything below it.
    Infinite,
}

/// Where a synchronisation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Position {
    /// At the very beginning.
    Start,
    /// In the list of members, after this name; changes since the token come later.
    Listing(SyncToken, String),
    /// In the log of changes.
    Log(SyncToken),
}

/// What the request says.
#[derive(Debug)]
struct Order {
    position: Position,
    level: Level,
    limit: usize,
}

/// What is to be reported.
struct Batch {
    /// Names of members that are there or are gone.
    members: Vec<String>,
    /// Where the next synchronisation goes on.
    next: Position,
    /// More is to come.
    truncated: bool,
}

/// Answers with what changed since a token, and a new one.
pub(super) async fn report(dav: &Dav, asked: Asked) -> Result<Response, DavError> {
    if depth::parse(&asked.request.headers)? == Some(Depth::Infinity) {
        return Err(DavError::BadRequest(
            "sync-collection is defined for depth 0".into(),
        ));
    }
    let dav = dav.clone();
    multistatus::respond(|answer| write(dav, asked, answer)).await
}

async fn write(dav: Dav, asked: Asked, mut answer: Multistatus) -> Result<Multistatus, DavError> {
    let dav = &dav;
    let root = asked.document.root();
    let order = Order::read(root)?;
    let wanted = Wanted::of_request(root)?.unwrap_or(Wanted::These(Vec::new()));
    let Target::Stored(collection) = &asked.target else {
        return Err(Refusal::NotFound.into());
    };
    let brief = is_brief(&asked)?;
    if order.is_for_everything()
        && let Some(listed) =
            Listed::of(dav, &asked.request.actor, collection, &wanted, brief).await?
        && write_listed(dav, &asked, &listed, &wanted, &mut answer).await?
    {
        return Ok(answer);
    }
    let batch = collect(dav, collection.collection.id, &order).await?;
    let chosen = Chosen::read(dav, root, &asked.request.headers)?;
    let mut reader = Reader::new(dav, &asked.request.actor, &wanted, &chosen);
    for page in batch.members.chunks(PAGE_ROWS) {
        for member in open(dav, &asked, collection, page).await? {
            let target = match member {
                Ok(target) => target,
                Err(href) => {
                    answer.status(&href, StatusCode::NOT_FOUND, None);
                    continue;
                }
            };
            let href = target.href();
            let facts = match reader.facts(target).await? {
                Ok(facts) => facts,
                Err(error) => {
                    answer.failure(&href, &error);
                    continue;
                }
            };
            match order.beyond(facts.kind()) {
                Some(refused) => {
                    let element = precondition::row(refused).name();
                    answer.status(&href, StatusCode::FORBIDDEN, Some(element));
                }
                None => answer.response(&href, |writer| {
                    write_propstats(writer, &facts, &wanted, brief)
                }),
            }
        }
        answer.turn_page().await;
        tokio::task::yield_now().await;
    }
    if batch.truncated {
        let element = precondition::row(Precondition::NumberOfMatchesWithinLimits).name();
        answer.status(
            &asked.target.href(),
            StatusCode::INSUFFICIENT_STORAGE,
            Some(element),
        );
    }
    answer.leaf(dav::SYNC_TOKEN, &batch.next.text());
    Ok(answer)
}

/// Answers a first synchronisation from a view, without reading the members; `false`, and nothing written,
/// where that cannot be.
async fn write_listed(
    dav: &Dav,
    asked: &Asked,
    listed: &Listed<'_>,
    wanted: &Wanted,
    answer: &mut Multistatus,
) -> Result<bool, DavError> {
    // The token before the listing, so that what changes meanwhile shows up again.
    let Some(token) = listed.token().filter(|_| listed.collections().is_empty()) else {
        return Ok(false);
    };
    let unread = listed.write(answer).await;
    let mut loader = Loader::new(dav, &asked.request.actor, wanted.needs());
    for page in unread.chunks(PAGE_ROWS) {
        for member in listed.read(page).await? {
            let facts = loader.facts(member).await?;
            answer.response(&facts.target.href(), |writer| {
                write_propstats(writer, &facts, wanted, listed.is_brief())
            });
            answer.turn_page().await;
        }
    }
    answer.leaf(dav::SYNC_TOKEN, &Position::Log(token).text());
    Ok(true)
}

impl Order {
    /// It is a first synchronisation without a limit.
    fn is_for_everything(&self) -> bool {
        self.position == Position::Start && self.limit == usize::MAX
    }

    /// Why a member of this kind is not looked into, where it was to be (RFC 6578 §3.3): what is in there
    /// has to be asked for by itself, if it can be at all.
    fn beyond(&self, kind: ResourceKind) -> Option<Precondition> {
        match self.level {
            Level::Infinite if SYNCED.contains(kind) => Some(Precondition::SyncTraversalSupported),
            Level::Infinite if kind.is_collection() => Some(Precondition::SupportedReport),
            Level::One | Level::Infinite => None,
        }
    }

    fn read(root: Element<'_>) -> Result<Order, DavError> {
        let token = root
            .child(dav::SYNC_TOKEN)
            .map(|token| token.trimmed_text());
        let token = token.ok_or_else(|| DavError::BadRequest("there is no sync-token".into()))?;
        let level = match root
            .child(dav::SYNC_LEVEL)
            .map(|level| level.trimmed_text())
            .as_deref()
        {
            // Older drafts had no level.
            None | Some("1") => Level::One,
            Some("infinite") => Level::Infinite,
            Some(_) => {
                return Err(DavError::BadRequest(
                    "sync-level is neither 1 nor infinite".into(),
                ));
            }
        };
        let limit = match root
            .child(dav::LIMIT)
            .and_then(|limit| limit.child(dav::NRESULTS))
        {
            None => usize::MAX,
            Some(number) => match number.trimmed_text().parse() {
                Ok(number @ 1..) => number,
                _ => {
                    return Err(DavError::BadRequest(
                        "nresults is not a positive number".into(),
                    ));
                }
            },
        };
        Ok(Order {
            position: Position::read(&token)?,
            level,
            limit,
        })
    }
}

impl Position {
    /// RFC 6578 §3.2: `valid-sync-token` for what is no token of ours.
    fn read(text: &str) -> Result<Position, DavError> {
        let invalid = || {
            DavError::precondition(
                Precondition::ValidSyncToken,
                "the sync token is not known here",
            )
        };
        match text.split_once('/') {
            None if text.is_empty() => Ok(Position::Start),
            None => parse_sync_token(text)
                .map(Position::Log)
                .ok_or_else(invalid),
            Some((token, name)) => {
                let token = parse_sync_token(token).ok_or_else(invalid)?;
                let name = percent_decode_str(name)
                    .decode_utf8()
                    .map_err(|_| invalid())?;
                Ok(Position::Listing(token, name.into_owned()))
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Position::Start => String::new(),
            Position::Log(token) => sync_token_text(token),
            Position::Listing(token, name) => {
                format!(
                    "{}/{}",
                    sync_token_text(token),
                    utf8_percent_encode(name, NON_ALPHANUMERIC)
                )
            }
        }
    }
}

async fn collect(dav: &Dav, id: CollectionId, order: &Order) -> Result<Batch, DavError> {
    let store = dav.desk().store();
    match &order.position {
        // The token before the listing, so that what changes meanwhile shows up again.
        Position::Start => list(dav, id, store.sync_token(id).await?, None, order.limit).await,
        Position::Listing(token, after) => {
            // A token that is not valid any more cannot be gone on with.
            changes(dav, id, *token, 1).await?;
            list(dav, id, *token, Some(after.clone()), order.limit).await
        }
        Position::Log(token) => changes(dav, id, *token, order.limit).await,
    }
}

async fn list(
    dav: &Dav,
    id: CollectionId,
    token: SyncToken,
    mut after: Option<String>,
    limit: usize,
) -> Result<Batch, DavError> {
    let mut members = Vec::new();
    loop {
        let rows = PAGE_ROWS.min(limit - members.len());
        let (page, more) = dav
            .desk()
            .store()
            .members(id, after.as_deref(), rows)
            .await?;
        members.extend(page.into_iter().map(|row| row.name));
        after = members.last().cloned().or(after);
        match &after {
            Some(name) if more && members.len() >= limit => {
                let next = Position::Listing(token, name.clone());
                return Ok(Batch {
                    members,
                    next,
                    truncated: true,
                });
            }
            Some(_) if more => {}
            _ => {
                return Ok(Batch {
                    members,
                    next: Position::Log(token),
                    truncated: false,
                });
            }
        }
    }
}

async fn changes(
    dav: &Dav,
    id: CollectionId,
    since: SyncToken,
    limit: usize,
) -> Result<Batch, DavError> {
    let Some(changes) = dav.desk().store().changes(id, since, limit).await? else {
        let reason = "the sync token is too old, or of another collection";
        return Err(DavError::precondition(Precondition::ValidSyncToken, reason));
    };
    Ok(Batch {
        members: changes
            .changes
            .into_iter()
            .map(|change| change.name)
            .collect(),
        next: Position::Log(changes.token),
        truncated: changes.truncated,
    })
}

/// The members of one page that are there, and the hrefs of those that are gone. What the actor may not
/// see is neither.
async fn open(
    dav: &Dav,
    asked: &Asked,
    collection: &StoredResource,
    page: &[String],
) -> Result<Vec<Result<Target, String>>, DavError> {
    let paths: Vec<_> = page
        .iter()
        .map(|name| collection.path.child(name))
        .collect();
    let gone = |path| Err(Path::Stored(path).href(collection.kind() == ResourceKind::Home));
    let mut members = Vec::with_capacity(page.len());
    let opened = dav
        .desk()
        .open_changed(&asked.request.actor, &paths)
        .await?;
    for (path, opened) in paths.into_iter().zip(opened) {
        match opened.and_then(|opened| StoredResource::from_opened(path.clone(), opened)) {
            // What the log calls removed may have been made again since, and the other way round: the
            // state of now is told, and told again with the next token.
            Ok(resource) => members.push(Ok(Target::Stored(resource))),
            Err(Refusal::NotFound | Refusal::ParentMissing) => members.push(gone(path)),
            Err(Refusal::Forbidden { .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use storage::Revision;

    use super::*;

    #[test]
    fn positions_come_back() {
        let token = SyncToken {
            epoch: 7,
            revision: Revision(8),
            operation: 9,
        };
        let positions = [
            Position::Start,
            Position::Log(token),
            Position::Listing(token, "a/b 100%.ics".into()),
        ];
        for position in positions {
            assert_eq!(Position::read(&position.text()).unwrap(), position);
        }
        for text in ["x", "/", "urn:convoke:sync:", "1/%FF"] {
            assert!(Position::read(text).is_err(), "{text}");
        }
    }
}
