//! What was done, why, and how it is undone: `convoke audit`, `convoke log` and `convoke trash`.

use clap::{Args, Subcommand};

use crate::command::{Moment, parse_moment};

/// `convoke audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// Only in this account's calendars
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Only what this account did
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only where this is part of the place, such as a calendar's or an event's name in its address
    #[arg(long, value_name = "TEXT")]
    pub object: Option<String>,
    /// Only what was done since: 2026-03-01T09:30:00Z, or 2026-03-01 in the time of this machine
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Option<Moment>,
    /// Only what was done before
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<Moment>,
    /// At most so many lines, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    pub last: usize,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `convoke log`
#[derive(Debug, Args)]
pub struct Log {
    /// The event: its address, or the path of it, such as /dav/calendars/users/alice/calendar/x.ics
    #[arg(value_name = "OBJECT", required_unless_present = "uid", conflicts_with_all = ["user", "uid"])]
    pub object: Option<String>,
    /// In whose calendars the event with this UID is, or was
    #[arg(long, value_name = "NAME", requires = "uid")]
    pub user: Option<String>,
    /// The UID of the event
    #[arg(long, value_name = "UID", requires = "user")]
    pub uid: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `convoke trash`
#[derive(Debug, Subcommand)]
pub enum TrashCommand {
    /// List what is in somebody's trash, the newest first
    ///
    /// Deleted events and calendars, and earlier versions of events. Each has an ID.
    List {
        /// Whose
        user: String,
        /// Only what was in this calendar
        #[arg(long, value_name = "NAME")]
        calendar: Option<String>,
        /// Only what was deleted or changed since: 2026-03-01T09:30:00Z, or 2026-03-01 in the time of this machine
        #[arg(long, value_name = "TIME", value_parser = parse_moment)]
        since: Option<Moment>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one thing in the trash, with its content
    Show {
        /// Its ID, from the list
        id: String,
    },
    /// Bring things back
    ///
    /// By their IDs, or a whole calendar as it was at a moment: convoke trash restore --calendar NAME
    /// --at TIME USER. Everything comes back to its place, or under a free name where its name is taken;
    /// what is replaced goes to the trash. Nobody is told: no invitation, cancellation or reply is sent,
    /// and attendees who heard of a cancellation do not hear that the event is back. Where this is
    /// interrupted, the same once more goes on.
    Restore(TrashRestore),
}

/// `convoke trash restore`
#[derive(Debug, Args)]
pub struct TrashRestore {
    /// IDs from the list; with --calendar, whose calendar it is
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Bring this calendar back to what it was at --at
    #[arg(long, value_name = "NAME", requires = "at")]
    pub calendar: Option<String>,
    /// The moment: 2026-03-01T09:30:00Z, or 2026-03-01T09:30 in the time of this machine
    #[arg(long, value_name = "TIME", requires = "calendar", value_parser = parse_moment)]
    pub at: Option<Moment>,
    /// Remove what was made since, but for meetings (it goes to the trash)
    #[arg(long, requires = "calendar")]
    pub exact: bool,
}
