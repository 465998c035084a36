//! The desk: the one door through which calendar objects are written, and read for somebody.
//!
//! [`engine`] is pure: (object before, object after, who acts and for whom, what the directory knows,
//! now, fresh ids) → (object to store, deliveries, mails, decisions). [`desk`] loads, asks the engine,
//! and commits once, in bounded rounds. [`view`] decides what a given viewer sees of an object.

pub mod calendar_view;
pub mod change;
pub mod desk;
pub mod engine;
pub mod free_busy;
pub mod log;
pub mod mail;
pub mod projection;
pub mod refusal;
pub mod resources;
mod stored;
pub mod stream;
pub mod view;

pub use calendar::zone::data as time_zones;
pub use calendar_view::CalendarView;
pub use change::{Actor, Conditions};
pub use desk::Desk;
pub use projection::{Classification, ObjectProjection};
pub use refusal::{Precondition, Refusal};
pub use stored::parse_stored;
