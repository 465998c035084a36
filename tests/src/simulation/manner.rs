//! What is not the same in all stories.

use scheduling::desk::CommitBounds;

use super::Dice;

/// How it goes in one of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// How much follows from a change at once; the rest waits.
    pub commit_bounds: CommitBounds,
    /// The room is left to Bob where it is free.
    pub room_is_kept: bool,
    /// Answered invitations leave inboxes. (Stories tell what comes into them.)
    pub clears_inboxes: bool,
    /// Bob's meeting is a to-do.
    pub review_is_task: bool,
}

impl Manner {
    /// That of a story.
    pub fn of(dice: &Dice) -> Manner {
        let commit_bounds = CommitBounds {
            people_shown_at_once: *dice.pick(&[12, 3, 0]),
            copies: *dice.pick(&[50, 50, 2, 1]),
        };
        Manner {
            commit_bounds,
            clears_inboxes: true,
            room_is_kept: dice.once_in(4),
            review_is_task: dice.once_in(4),
        }
    }
}
