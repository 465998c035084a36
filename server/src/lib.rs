//! The process around everything: sockets, TLS, sign-in, workers, mail, command line.
//!
//! [`server`] wires it all together; the binary `convoke` is [`command`] around it, and tests start it
//! in-process. [`http`] is the request path, [`authentication`] who signs in, [`environment`] the only
//! clock and the only randomness of the process.
//!
//! Invariants: no WebDAV XML, no iCalendar text and no store keys here; secrets (passwords,
//! Authorization headers) and calendar contents never reach a log line or an error message.

pub mod accounts;
/// Every request makes and drops some dozens of small values; with the system's allocator they were
/// 15 % of the profile of a PUT.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod audit;
pub mod authentication;
mod background;
mod bounded_map;
pub mod cli;
pub mod command;
pub mod configuration;
pub mod control;
pub mod data;
pub mod environment;
pub mod http;
pub mod limits;
pub mod logging;
pub mod mail;
pub mod maintenance;
pub mod moving;
pub mod rooms;
pub mod scheduling_log;
pub mod secret;
pub mod server;
pub mod time_zones;
pub mod tls;
pub mod trash;

pub use server::{Options, Running, Server, StartError, Storage};
