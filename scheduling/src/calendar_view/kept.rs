//! A view as octets, so that the next start need not make it of all members.
//!
//! What is read is a view of the moment at which it was kept, if it is of this store at all: both its reader
//! must check (`desk::kept_views`).

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use storage::{
    Revision,
    model::{Change, CollectionId, SyncToken},
};

use super::{CalendarView, EntityTag, Folding, Row};
use crate::projection::{ObjectProjection, rules};

/// What it begins with: the form of the rest.
const MARK: [u8; 16] = *b"convoke view 1\r\n";
/// Octets of a member, roughly.
const OCTETS_GUESS: usize = 112;
/// Members that are taken up at once, while nobody can change the view.
#[cfg(not(test))]
const ROWS_AT_ONCE: usize = 1_000;
#[cfg(test)]
const ROWS_AT_ONCE: usize = 10;

/// What it says of itself first.
#[derive(Serialize, Deserialize)]
struct Beginning {
    /// By which rules projections were made.
    rules: [u8; 5],
    collection: CollectionId,
    epoch: u64,
    revision: Revision,
    operation: u16,
}

/// What stands before the members, which follow one after another in the order of their names.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    beginning: Beginning,
    last_change: Change,
    #[serde(borrow)]
    content_types: Vec<&'a str>,
    #[serde(borrow)]
    collections: Vec<&'a str>,
    members: u32,
}

/// A member.
#[derive(Serialize, Deserialize)]
struct Kept<'a, T, P> {
    name: &'a str,
    revision: Revision,
    entity_tag: T,
    /// Its place among the content types.
    content_type: u32,
    is_special: bool,
    is_complicated: bool,
    projection: P,
}

/// What is read of one.
type Read<'a> = Kept<'a, EntityTag, Option<ObjectProjection>>;

/// A view that was kept.
#[derive(Debug)]
pub(crate) struct KeptView {
    pub view: CalendarView,
    /// What the collection's log says at the view's token, in the store that it is of.
    pub last_change: Change,
}

impl KeptView {
    /// From octets; `None` where they are of something else, or were made by other rules.
    pub fn decode(id: CollectionId, octets: &[u8]) -> Option<KeptView> {
        let octets = octets.strip_prefix(&MARK)?;
        let (head, mut rest): (Head<'_>, _) = postcard::take_from_bytes(octets).ok()?;
        let beginning = &head.beginning;
        if beginning.rules != rules() || beginning.collection != id {
            return None;
        }
        let own = |text: &&str| Arc::new((*text).to_owned());
        let content_types: Vec<Arc<String>> = head.content_types.iter().map(own).collect();
        let mut folding = Folding::default();
        // A damaged number must not take memory for what is not there.
        folding
            .rows
            .reserve_exact((head.members as usize).min(rest.len()));
        for _ in 0..head.members {
            let (kept, behind): (Read<'_>, _) = postcard::take_from_bytes(rest).ok()?;
            rest = behind;
            let is_next = |last: &Row| *last.name < *kept.name;
            if !folding.rows.last().is_none_or(is_next) {
                return None;
            }
            let row = Row {
                name: kept.name.into(),
                revision: kept.revision,
                entity_tag: kept.entity_tag,
                content_type: Arc::clone(content_types.get(kept.content_type as usize)?),
                is_special: kept.is_special,
                projection: kept.projection,
                is_complicated: kept.is_complicated,
            };
            folding.octets += row.octets();
            folding.rows.push(row);
        }
        folding.collections = head.collections.into_iter().map(str::to_owned).collect();
        folding.content_types = content_types;
        let mut view = folding.finish(SyncToken {
            epoch: beginning.epoch,
            revision: beginning.revision,
            operation: beginning.operation,
        });
        view.changes_not_kept = 0;
        rest.is_empty().then_some(KeptView {
            view,
            last_change: head.last_change,
        })
    }

    /// So many octets at the start say of which moment it is.
    pub const START_OCTETS: usize = 64;

    /// The commit up to which it knows everything, by its first octets; `None` where these say nothing.
    pub fn revision(start: &[u8]) -> Option<Revision> {
        let (beginning, _): (Beginning, _) =
            postcard::take_from_bytes(start.strip_prefix(&MARK)?).ok()?;
        Some(beginning.revision)
    }
}

/// A view on its way into octets. Some members at a time are taken up, so that nobody waits for all of them.
///
/// What is changed meanwhile may be in it or not: it says of which moment it is, and what changed since then is
/// caught up with.
#[derive(Default)]
pub(crate) struct KeepingView {
    members: Vec<u8>,
    number: u32,
    content_types: Vec<Arc<String>>,
    places: HashMap<Arc<String>, u32>,
    /// The last member that was taken up.
    last: Option<Arc<str>>,
}

impl KeepingView {
    /// Takes up the next members; says whether there are more. `None` where one cannot be written.
    pub fn take(&mut self, view: &CalendarView) -> Option<bool> {
        if self.last.is_none() {
            self.members.reserve(OCTETS_GUESS * view.len());
        }
        let last = self.last.take();
        let mut rows = view.rows_after(last.as_deref());
        for row in rows.by_ref().take(ROWS_AT_ONCE) {
            let kept = Kept {
                name: &row.name,
                revision: row.revision,
                entity_tag: &row.entity_tag,
                content_type: self.place_of(&row.content_type),
                is_special: row.is_special,
                is_complicated: row.is_complicated,
                projection: &row.projection,
            };
            let members = std::mem::take(&mut self.members);
            self.members = postcard::to_extend(&kept, members).ok()?;
            self.number += 1;
            self.last = Some(Arc::clone(&row.name));
        }
        Some(rows.next().is_some())
    }

    fn place_of(&mut self, content_type: &Arc<String>) -> u32 {
        if let Some(place) = self.places.get(content_type) {
            return *place;
        }
        let place = u32::try_from(self.content_types.len()).unwrap_or(u32::MAX);
        self.content_types.push(Arc::clone(content_type));
        self.places.insert(Arc::clone(content_type), place);
        place
    }

    /// All of it in two parts: of the moment of a token, at which the log says this, with these members that are
    /// collections.
    pub fn finish<'a>(
        self,
        id: CollectionId,
        token: SyncToken,
        last_change: Change,
        collections: impl Iterator<Item = &'a str>,
    ) -> Option<[Vec<u8>; 2]> {
        let head = Head {
            beginning: Beginning {
                rules: rules(),
                collection: id,
                epoch: token.epoch,
                revision: token.revision,
                operation: token.operation,
            },
            last_change,
            content_types: self.content_types.iter().map(|it| it.as_str()).collect(),
            collections: collections.collect(),
            members: self.number,
        };
        let head = postcard::to_extend(&head, MARK.to_vec()).ok()?;
        Some([head, self.members])
    }
}
