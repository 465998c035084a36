//! The journal: every acknowledged commit, in segments of frames, each frame one group.
//!
//! What it relies upon: a completed sync makes earlier writes to the file durable; a write that was
//! not synced may be there afterwards wholly, partly or not at all, page by page; syncing a folder
//! makes its entries durable. Hence a group is written only after the one before it was synced, and
//! at most one group, the last, can be torn. The numbers of commits have no gaps, so whatever is
//! missing in the middle is noticed.

mod read;
mod segment;
mod write;

pub(super) use read::{End, delete_covered, list, octets_since, place_of, read_from, remove_empty};
pub(super) use segment::{HEADER_OCTETS, SegmentPlace, number as segment_number};
pub(super) use write::Journal;
