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

/// What stands before the members, which follow one after another in the order of their names.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    /// By which rules projections were made.
    rules: [u8; 5],
    collection: CollectionId,
    epoch: u64,
    revision: Revision,
    operation: u16,
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
        if head.rules != rules() || head.collection != id {
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
            epoch: head.epoch,
            revision: head.revision,
            operation: head.operation,
        });
        view.changes_not_kept = 0;
        rest.is_empty().then_some(KeptView {
            view,
            last_change: head.last_change,
        })
    }

    /// As octets; `None` of a view that knows nothing.
    pub fn encode(id: CollectionId, view: &CalendarView, last_change: Change) -> Option<Vec<u8>> {
        let token = view.token?;
        let mut content_types = Vec::new();
        let mut places = HashMap::new();
        for row in view.rows_after(None) {
            places.entry(row.content_type.as_str()).or_insert_with(|| {
                content_types.push(row.content_type.as_str());
                content_types.len() as u32 - 1
            });
        }
        let mut octets = Vec::with_capacity(OCTETS_GUESS * view.len());
        octets.extend_from_slice(&MARK);
        let head = Head {
            rules: rules(),
            collection: id,
            epoch: token.epoch,
            revision: token.revision,
            operation: token.operation,
            last_change,
            content_types,
            collections: view.collections().collect(),
            members: u32::try_from(view.len()).ok()?,
        };
        octets = postcard::to_extend(&head, octets).ok()?;
        for row in view.rows_after(None) {
            let kept = Kept {
                name: &row.name,
                revision: row.revision,
                entity_tag: &row.entity_tag,
                content_type: *places.get(row.content_type.as_str())?,
                is_special: row.is_special,
                is_complicated: row.is_complicated,
                projection: &row.projection,
            };
            octets = postcard::to_extend(&kept, octets).ok()?;
        }
        Some(octets)
    }
}
