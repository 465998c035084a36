//! Properties: one table ([`table`]), rows in files by the document that defines them, and what is
//! derived: PROPFIND's answers ([`answer`]), PROPPATCH's and MKCALENDAR's judgements ([`update`]).
//!
//! Decide and act apart: [`facts`] loads what the wanted properties need, then each property is a pure
//! function from the facts to XML.

mod acl;
pub(crate) mod answer;
mod apple;
pub(crate) mod availability;
pub(crate) mod caldav;
mod calendarserver;
mod capabilities;
mod default_alarms;
pub(crate) mod directory;
pub(crate) mod facts;
mod identity;
mod principal;
pub(crate) mod principal_change;
mod quota;
mod resource;
pub(crate) mod scheduling;
mod scheduling_log;
mod sync;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod update;
pub(crate) mod wanted;
mod webdav;

pub(crate) use facts::{CalendarData, Facts, Loader};
pub(crate) use sync::SYNCED;
pub(crate) use wanted::Wanted;
