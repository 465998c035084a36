//! iCalendar without loss (RFC 5545, 7986, 9073, 9074, 9253), and what follows from it: typed reads,
//! recurrence (RFC 5545 §3.3.10, RFC 7529), time zones, spans of time, free-busy.
//!
//! Invariants: pure (no I/O, clock, randomness); iterative (no recursion over input, but for jCal and xCal,
//! whose depth is bounded); bounded (octets,
//! lines, depth, work); a line that nobody touched is printed as it was read.
//!
//! The modules (each owner fills theirs; the signatures are the agreement):
//!
//! - [`object`]: [`CalendarObject`], the content-line tree over octets, with [`Component`] and
//!   [`Property`]: lossless reading, typed reads, edits that cannot inject. As agreed, and beside it:
//!   `CalendarObject::parse_shared(Bytes, ..)` does not copy, `entries()` are the components other than
//!   VTIMEZONE, `Component::parse` reads one component that stands alone.
//! - [`text`]: TEXT escapes, lists, RFC 6868.
//! - [`value`]: DATE, DATE-TIME, DURATION, PERIOD, UTC-OFFSET: read and printed.
//! - [`mod@check`]: RFC 4791 §4.1 and §5.3.2.1 on an object that is to be stored: `check(&CalendarObject) ->
//!   Result<ObjectFacts, ObjectFault>`; a fault knows its precondition.
//! - [`mod@split`]: a stream of many components cut into objects, for imports; [`Recency`]: which of two states of an
//!   object is the newer one.
//! - [`zone`]: what a TZID of an object means, and wall-clock times as instants.
//! - [`recurrence`]: RRULE read, and the engine with seek and a work budget.
//! - [`occurrence`]: the instances of an object in a window: master, RDATE, EXDATE, overrides,
//!   THISANDFUTURE; [`RecurrenceSet`], `occurrences(&CalendarObject, &TimeRange, floating zone, &mut Budget)`,
//!   `is_recurrence_instance`, and `overall_span` (the object's span, for indexes).
//! - [`time_range`]: overlap of components, alarms and properties by the tables of RFC 4791 §9.9.
//! - [`jcal`] and [`xcal`]: objects as JSON (RFC 7265) and XML (RFC 6321), both ways over the same tree;
//!   [`mod@format`]: the table of all formats. [`export`]: many objects as one calendar.
//! - [`mod@attachment`]: managed attachments (RFC 8607): ATTACH properties with a MANAGED-ID, by instance.
//! - [`free_busy`]: the busy periods of an object, and merging those of many.
//! - [`availability`]: when somebody cannot be had at all (RFC 7953).

pub mod attachment;
pub mod availability;
pub mod check;
pub mod export;
pub mod format;
pub mod free_busy;
pub mod jcal;
pub mod object;
pub mod occurrence;
mod recency;
pub mod recurrence;
pub mod split;
pub mod text;
pub mod time_range;
mod typed;
pub mod value;
pub mod xcal;
pub mod zone;

pub use check::{ObjectFacts, ObjectFault, ObjectPrecondition, check, many_zones};
pub use format::{CalendarPrinter, Format};
pub use object::{CalendarObject, Component, Landmarks, Limits, ParseError, Property};
pub use occurrence::{Instance, InstanceKey, OverallSpan, RecurrenceSet};
pub use recency::Recency;
pub use recurrence::{Budget, TooMuchWork};
pub use split::{Piece, Split};
pub use time_range::TimeRange;
pub use typed::ReadError;
pub use zone::{Zone, Zones};
