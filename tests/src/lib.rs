//! What the black-box suites share: a server of one's own, a small client, the checkout as data.

pub mod client;
pub mod conformance;
pub mod fuzz;
pub mod house;
pub mod kill;
pub mod licences;
pub mod power;
pub mod server;
pub mod simulation;
pub mod story;
pub mod xml;
