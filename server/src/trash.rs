//! The trash: how long it keeps what, and the operations of the command line on it. They run in the
//! process of the server (asked over the control socket), or in a command that opened the folder itself.

use scheduling::{
    Desk,
    desk::{RestoreCollection, Restored, TrashDetail, TrashError, TrashItem},
};
use serde::{Deserialize, Serialize};
use storage::{Timestamp, model::TrashPolicy};

const HOUR_MILLISECONDS: i64 = 60 * 60 * 1000;
const DAY_MILLISECONDS: i64 = 24 * HOUR_MILLISECONDS;

/// How long deleted objects, deleted calendars and earlier versions are kept where nothing else is said.
pub const DAYS: u32 = 30;
/// Versions of one object that are kept within an hour where nothing else is said.
pub const VERSIONS_PER_HOUR: u32 = 12;
/// Octets of one person's trash where nothing else is said.
pub const MAXIMUM_OCTETS: u64 = 256 * 1024 * 1024;

/// A policy in the units of the configuration.
pub fn policy(
    days: u32,
    versions_days: u32,
    versions_per_hour: u32,
    maximum_octets: u64,
) -> TrashPolicy {
    TrashPolicy {
        deleted_milliseconds: i64::from(days) * DAY_MILLISECONDS,
        versions_milliseconds: i64::from(versions_days) * DAY_MILLISECONDS,
        version_apart_milliseconds: HOUR_MILLISECONDS / i64::from(versions_per_hour.max(1)),
        home_octets: maximum_octets.min(i64::MAX.unsigned_abs() - 1),
    }
}

/// The policy of a new installation.
pub fn default_policy() -> TrashPolicy {
    policy(DAYS, DAYS, VERSIONS_PER_HOUR, MAXIMUM_OCTETS)
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// What is in somebody's trash.
    ListTrash {
        /// Whose.
        owner: String,
        /// Only of this collection.
        collection: Option<String>,
        /// Only what was changed or deleted then or later, in milliseconds since 1970.
        since: Option<i64>,
    },
    /// One thing in a trash.
    ShowTrashed(String),
    /// Brings one thing back.
    RestoreTrashed(String),
    /// Brings a collection to what it was; a bounded part of that.
    RestoreCollection(RestoreCollection),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// The list, and whether there is more than it holds.
    Listed(Vec<TrashItem>, bool),
    /// The one thing.
    Shown(Box<TrashDetail>),
    /// What is restored.
    Restored(Restored),
    /// Nothing was done: why.
    Refused(String),
}

/// Does one operation.
pub async fn perform(desk: &Desk, ask: Ask) -> Told {
    answer(desk, ask)
        .await
        .unwrap_or_else(|error| Told::Refused(error.to_string()))
}

async fn answer(desk: &Desk, ask: Ask) -> Result<Told, TrashError> {
    Ok(match ask {
        Ask::ListTrash {
            owner,
            collection,
            since,
        } => {
            let since = since.map(Timestamp);
            let (items, more) = desk
                .trash_list(&owner, collection.as_deref(), since)
                .await?;
            Told::Listed(items, more)
        }
        Ask::ShowTrashed(id) => Told::Shown(Box::new(desk.trash_show(&id).await?)),
        Ask::RestoreTrashed(id) => Told::Restored(desk.restore_item(&id).await?),
        Ask::RestoreCollection(asked) => Told::Restored(desk.restore_collection(&asked).await?),
    })
}
