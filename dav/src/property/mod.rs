//! The table of properties.
