//! The trash: looking into it, and bringing back what is in it.
//!
//! What comes back comes back as it was: with its organizer's data, its SEQUENCE and its SCHEDULE-STATUS.
//! Nothing is scheduled by that: nobody gets a message or an answer, and whoever was told that a meeting
//! is cancelled is not told that it stands again. Such a meeting is not scheduled until its owner changes
//! what concerns others (see [`crate::engine::Change::is_dormant`]); one that goes back to an earlier state
//! stays so. What nobody would hear of who has to does not come back: that somebody is not in it any more.

mod list;
mod restore;
mod state;

use std::{str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use storage::{
    Stored,
    model::{Collection, CollectionId, Principal, TrashCause, TrashId},
};

use super::{Desk, refuse::read_failed};
use crate::Refusal;

/// One line of what is in a trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashItem {
    /// Its name in the trash.
    pub id: String,
    /// When it was changed or deleted, in milliseconds since 1970.
    pub when: i64,
    /// What became of it.
    pub cause: TrashCause,
    /// It is a collection, with all that was in it.
    pub is_collection: bool,
    /// The collection that it stood in; of a deleted collection its own name.
    pub collection: String,
    /// That collection is deleted itself.
    pub is_below_deleted: bool,
    /// The name of the object; empty for a collection.
    pub name: String,
    /// SUMMARY of an event or task.
    pub summary: Option<String>,
    /// Who did it.
    pub by: Option<String>,
    /// Its octets, as far as they are added up.
    pub octets: Option<u64>,
}

/// One thing in a trash, with its octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashDetail {
    /// What the list says of it.
    pub item: TrashItem,
    /// When this state came about, in milliseconds since 1970.
    pub written: Option<i64>,
    /// Its entity tag.
    pub etag: Option<String>,
    /// Its media type.
    pub content_type: Option<String>,
    /// The octets of a text.
    pub text: Option<String>,
}

/// A calendar, or another collection, as it is to be again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreCollection {
    /// Whose it is.
    pub owner: String,
    /// Its name in the home then; below other collections with slashes between the names.
    pub name: String,
    /// As it was at this moment, in milliseconds since 1970.
    pub at: i64,
    /// What was made since is removed, but for meetings: the others would not hear of that.
    pub exact: bool,
}

/// What bringing something back came to, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Where the collection stands.
    pub place: String,
    /// Objects that were gone and are back.
    pub returned: usize,
    /// Objects that have their former state again.
    pub reset: usize,
    /// Objects made since that were removed.
    pub removed: usize,
    /// Objects made since that were left alone.
    pub left: usize,
    /// All objects that are now as they were then.
    pub as_then: usize,
    /// Objects that could not be brought back.
    pub refused: usize,
    /// What is to be said about single objects.
    pub notes: Vec<String>,
    /// More is to be done: the same once more goes on.
    pub more: bool,
}

/// Why nothing was found or done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrashError {
    /// The name or the moment leads to nothing.
    #[error("{0}")]
    NotFound(String),
    /// The change was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Desk {
    async fn owner_named(&self, name: &str) -> Result<(Arc<Principal>, CollectionId), TrashError> {
        let owner = self
            .store
            .principal_by_name(name)
            .await
            .map_err(read_failed)?;
        let home = owner.and_then(|owner| owner.home.map(|home| (owner, home)));
        home.ok_or_else(|| TrashError::NotFound(format!("nobody named \"{name}\" has calendars")))
    }

    /// The names from the home down to a collection, with slashes between them. A deleted one has its own
    /// name only.
    async fn name_of(&self, collection: &Collection) -> Result<String, Refusal> {
        let path = self.store.path_of(collection).await.map_err(read_failed)?;
        Ok(match path {
            Some(path) => path.segments.join("/"),
            None => collection.name.clone(),
        })
    }

    async fn header(&self, id: CollectionId) -> Result<Option<Stored<Collection>>, Refusal> {
        self.store.collection(id).await.map_err(read_failed)
    }
}

fn parse_id(text: &str) -> Result<TrashId, TrashError> {
    TrashId::from_str(text)
        .map_err(|_| TrashError::NotFound(format!("\"{text}\" names nothing in a trash")))
}

fn nothing(id: &str) -> TrashError {
    TrashError::NotFound(format!("\"{id}\" is not in the trash (any more)"))
}
