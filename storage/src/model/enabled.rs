//! Accounts that are enabled again.

use serde::{Deserialize, Serialize};

use super::{PrincipalId, Work};
use crate::{Timestamp, store::WalkPosition};

/// The queue of accounts that are enabled again, and may have missed something.
pub const ENABLED_QUEUE: &str = "enabled";

/// The payload of a row in [`ENABLED_QUEUE`]: whose account it is, and how far what they missed was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enabled {
    /// Whose account.
    pub principal: PrincipalId,
    /// All objects up to here are done.
    pub reached: Option<WalkPosition>,
}

impl Enabled {
    /// The row of work.
    pub fn work(&self, created: Timestamp) -> Work {
        Work::of(ENABLED_QUEUE, self, created)
    }
}
