//! Messages of a meeting that wait: the copies of a large meeting, which one commit cannot hold, what goes to somebody
//! whose copy cannot be read now or whose home has no room for it, and whatever is decided for these people meanwhile.
//! (Mails that wait: [`super::mailing`].)
//!
//! The change itself commits a state that is right by itself: SCHEDULE-STATUS 1.0 for everybody who has not heard yet,
//! and the letters that they are to get. All letters of one meeting stand in one row ([`rows`]), in the order in which
//! they were decided, so that nothing overtakes what waits for somebody. [`super::Desk::deliver_outstanding`] delivers them in
//! bounded commits ([`delivering`]); each holds some copies, their statuses in the sender's object, and the row with what
//! is left, so that it may be interrupted anywhere and nothing is delivered twice. What somebody cannot get now waits for
//! them alone ([`waiting`]).
//!
//! A row of letters that cannot be read stays as it is until somebody has mended it, or given it up ([`giving_up`]). Nobody
//! knows then for whom something waits: whatever is decided for anybody waits for it. That stands in a row behind; where that
//! one cannot be read but the first one can, it stands in the first one, and comes after what the row behind holds.

mod delivering;
mod former;
mod giving_up;
mod letter;
mod next;
mod rows;
mod waiting;

use storage::model::INLINE_CONTENT_OCTETS;

pub use self::giving_up::{GivenUp, UnreadableMessages};
pub(crate) use self::rows::{Letters, Outstanding, Turn};
use super::CommitBounds;
use crate::engine::Delivery;

/// The queue of meetings whose turn it is to have delivered what waits.
pub const DELIVERY_QUEUE: &str = "delivery";
/// What waits, a row for each meeting. None of them is ever due: their turns are.
pub const LETTERS_QUEUE: &str = "letters";
/// What waits behind a row of [`LETTERS_QUEUE`] that cannot be read, a row for each meeting.
pub const LETTERS_BEHIND_QUEUE: &str = "letters-behind";
/// Octets of messages beyond which a commit takes no further one.
pub(crate) const OCTETS_PER_COMMIT: usize = 512 * 1024;
/// A row that refers to its content, about.
const ROW_OCTETS: usize = 512;

/// How many of these fit into one commit.
pub(crate) fn fitting(bounds: CommitBounds, octets: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    octets
        .take(bounds.copies.max(1))
        .take_while(|octets| {
            let fits = sum < OCTETS_PER_COMMIT;
            sum += octets;
            fits
        })
        .count()
}

/// What a delivery weighs in a commit.
pub(crate) fn weight(delivery: &Delivery) -> usize {
    weight_of(delivery.message.object.to_octets().len())
}

/// What the delivery of a message of so many octets weighs: a copy, the one that it replaces (which goes to the
/// trash), and an inbox item. What is too large for a row is written ahead of the commit, once for all.
fn weight_of(octets: usize) -> usize {
    3 * if octets > INLINE_CONTENT_OCTETS {
        ROW_OCTETS
    } else {
        octets
    }
}
