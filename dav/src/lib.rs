//! WebDAV and CalDAV over HTTP, as a `tower::Service`.
//!
//! The way of a request: `service` reads the path (`path`, the one table of addresses), finds the
//! row of the method (`method`, the one table of methods), reads the body within its bound, and calls
//! the method. A method parses (`header`, `xml`), opens what it needs through `scheduling::Desk`
//! (`target`), and answers. Whatever goes wrong is a `error::DavError` and becomes a response in one place,
//! with elements from one table (`precondition`).
//!
//! Tables, each the only list of its kind:
//! - addresses: `path`
//! - methods: `method`
//! - properties: `property`
//! - reports: `report`
//! - preconditions: `precondition`
//! - privileges: `privilege`
//! - what POST does: `method::post::ACTIONS`
//! - compliance classes of the `DAV` header: `method::options`
//!
//! Invariants: no clock and no randomness, no sockets, no configuration files; no calendar object is
//! written or read but through the desk; no XML is put together as text outside of `xml`.

mod active_lock;
mod answer;
mod body;
pub mod client;
mod conformance;
mod decisions;
mod demand;
mod description;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod header;
mod incoming;
mod kind;
mod listed;
mod listing;
mod method;
mod multistatus;
mod path;
mod precondition;
mod privilege;
mod property;
mod query;
mod report;
mod representation;
mod service;
mod target;
#[cfg(test)]
mod testing;
mod time_zone_service;
mod xml;

pub use body::{Body, BodyBroken};
pub use conformance::{ConformanceRow, conformance};
pub use description::CalendarDescription;
pub use method::post::busy_time::CALENDAR_RULES;
pub use path::{
    attachment_path, open_to_anybody, open_without_sign_in, principal_name_of_path,
    stored_path_of_path,
};
pub use service::{Dav, DavSettings, SignedIn};
