//! The table of reports.
