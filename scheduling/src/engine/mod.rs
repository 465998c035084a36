//! The rules of scheduling, as functions over values (RFC 5546 iTIP, RFC 6638 implicit scheduling).
//!
//! Nothing here looks anything up, waits, or fails for I/O; the same input gives the same output, so a
//! change can be replayed, and a dry run is the same call without a commit. One change goes like this:
//!
//! 1. [`addresses`]: which calendar user addresses the desk must resolve, in one batch, into a
//!    [`Directory`].
//! 2. [`organizer_to_load`]: whose copy (by UID, in any of that principal's calendars) the plan needs:
//!    the local organizer's, where the owner of the calendar is an attendee.
//! 3. [`plan`]: what is to be stored, and who must hear what. A [`Fault`] is a precondition; nothing
//!    happened then.
//! 4. [`receive`], for each [`Delivery`] of the plan, with the recipient's copy (by UID): what that copy
//!    becomes, whether an inbox item is left, and the status for the sender.
//! 5. [`settle`]: the object to store, with the SCHEDULE-STATUS of all that happened, and
//!    [`with_known_answers`] before it, where a recipient answered otherwise than stands in it.
//!
//! Where a [`Receipt`] says [`Receipt::refresh_others`], [`refresh`] gives the deliveries that show the
//! new participation to the other local attendees; they go through [`receive`] too, now or later,
//! leave no inbox item and change no Schedule-Tag. When a mail was sent or came back,
//! [`record_status`] writes the outcome.
//!
//! An object is scheduled part by part (`meeting`): the series, and each instance that has a component of
//! its own. Each attendee gets what names them (`showing`, RFC 6638 §3.2.6), and hears of the difference
//! between what they were told and what they are to be told ([`plan`]).
//!
//! Where an answer brought somebody into the meeting, or out of it ([`Receipt::attendees_changed`]), [`pass_on`] tells
//! them.
//!
//! A room or resource may answer by itself: [`booking`] says what. Who came into a group, or left it, after it was
//! invited, is followed by [`follow_members`].
//!
//! A message from outside comes in by [`from_outside`], is made out to who is one of a group ([`to_member`]), and goes
//! through [`receive`] like any other. Where a [`Receipt`] asks for more ([`FollowUp`]), [`tell_again`] answers who asked
//! for the newest version, [`tell_newest`] who answered an older one, and [`tell_removed`] who asked for what is gone;
//! [`ask_organizer`] asks for the newest, and [`answer_again`] tells what was answered. Whoever could not be told is told by
//! [`tell_after_all`]. An answer that came before that of who sends who gives it waits, and is taken then ([`held_answer`],
//! [`is_sent`]). [`decline_counter`] tells whoever proposed something else that it is not taken up. ADD and COUNTER are
//! understood and never sent.

mod answer;
mod attendee_comment;
mod away;
pub mod booking;
mod decision;
mod delegation;
mod details;
mod directory;
mod ending;
mod entry;
mod fault;
mod group_member;
mod held_answer;
mod later_ones;
mod left_out;
mod meeting;
mod membership;
mod message;
mod notes;
mod outside;
mod own;
mod pattern;
mod plan;
mod question;
mod receive;
mod refresh;
mod repetition;
mod role;
mod sameness;
mod sequence;
mod settle;
mod showing;
mod significance;
mod spelling;
mod status;
#[cfg(test)]
mod tests;
mod waiting;
mod when;

pub use answer::{is_answer, is_open, with_known_answers, with_refusals};
pub use decision::{Action, Decision};
pub use directory::{Addressee, Directory, normalise};
pub use fault::Fault;
pub use group_member::{is_for_groups, to_member};
pub use held_answer::{held_answer, is_sent};
pub use left_out::leaves_out_somebody;
pub use membership::{MembersChanged, MembersFollowed, follow_members};
pub use message::PRODUCT;
pub(crate) use message::utc;
pub use message::{Message, Method, Origin, part_name};
pub use outside::{Unacceptable, from_outside, published_apart};
pub use plan::{
    Change, Delivery, Plan, answer_again, ask_organizer, decline_counter, pass_on, plan,
    tell_after_all, tell_again, tell_newest, tell_removed, with_what_must_be_there,
};
pub use question::answer_by_mail;
pub use receive::{Cancellations, CopyChange, FollowUp, Incoming, Receipt, receive};
pub use refresh::{refresh, tell_answer, whole};
pub use role::{Role, addresses, groups, organizer_to_load, role, signatures};
pub use sameness::is_same_content;
pub use sequence::LastTold;
pub use settle::{pending, record_status, settle, told};
pub use status::Status;
pub use waiting::Invited;
