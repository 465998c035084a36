//! Rooms and resources that are told to answer otherwise.

use serde::{Deserialize, Serialize};

use super::{CollectionId, PrincipalId, Work};
use crate::Timestamp;

/// The queue of rooms and resources that are asked again what they have not answered, because they answer otherwise now.
pub const ASK_AGAIN_QUEUE: &str = "ask again";

/// The payload of a row in [`ASK_AGAIN_QUEUE`]: which one it is, and how far what it has not answered was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskAgain {
    /// The room or resource.
    pub room: PrincipalId,
    /// The collections that are still to be looked into, the last one first.
    pub open: Vec<CollectionId>,
    /// All members of that one up to this one are done.
    pub after: Option<String>,
}

impl AskAgain {
    /// The row of work.
    pub fn work(&self, created: Timestamp) -> Work {
        Work::of(ASK_AGAIN_QUEUE, self, created)
    }
}
