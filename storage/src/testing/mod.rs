//! What tests of any crate need of a store: a clock and randomness that obey, a backend that fails
//! on demand, and the conformance suite that every backend must pass.

pub mod conformance;
mod environment;
mod faulty;
pub mod model;

pub use environment::{ManualClock, SeededEntropy, environment, environment_at};
pub use faulty::Faulty;
