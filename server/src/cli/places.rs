//! `convoke room` and `convoke resource`.

use clap::{Args, Subcommand};

use super::Remove;
use crate::{
    accounts::BookingFor,
    command::{Moment, parse_moment},
};

/// `convoke room` and `convoke resource`
#[derive(Debug, Subcommand)]
pub enum PlaceCommand {
    /// Add one, with a calendar of its own
    Add(Place),
    /// Change one; what is not named stays as it is
    ///
    /// An empty text takes away what was there: --location "", --feature "", --booking-for "" or --write-delegate "".
    Set(Place),
    /// List all
    List,
    /// Find those that are free for a meeting, the smallest first
    ///
    /// Free is what has nothing in its calendar at that time, is available then, and answers by itself so far
    /// ahead. Works whether the server runs or not.
    Free(Free),
    /// Remove one with its calendar
    ///
    /// Before that, what it is booked for in future is declined. Where this is interrupted, the same once more goes on.
    Remove(Remove),
}

/// `convoke room free` and `convoke resource free`
#[derive(Debug, Args)]
pub struct Free {
    /// From when: 2026-03-01T09:30:00Z, or 2026-03-01T09:30 in the time of this machine
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub from: Moment,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub to: Moment,
    /// How often that recurs, such as "FREQ=WEEKLY;COUNT=10" (at most 600 times within two years)
    #[arg(long, value_name = "RRULE")]
    pub recurrence: Option<String>,
    /// By the clocks of which time zone it recurs, such as "Europe/Berlin" [default: that of this machine]
    #[arg(long, value_name = "ZONE", requires = "recurrence")]
    pub time_zone: Option<String>,
    /// For how many people, at least
    #[arg(long, value_name = "NUMBER")]
    pub capacity: Option<u32>,
    /// Where, such as "2nd floor": a part of its location
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
    /// What it must have, such as "projector"; give it again for more
    #[arg(long = "feature", value_name = "TEXT")]
    pub features: Vec<String>,
    /// Those that are not free, too
    #[arg(long)]
    pub all: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `convoke room add|set` and `convoke resource add|set`
#[derive(Debug, Args)]
pub struct Place {
    /// Its name
    pub name: String,
    /// The name for people
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// A calendar address such as room1@example.com; give it again for aliases
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How many people fit in
    #[arg(long, value_name = "NUMBER")]
    pub capacity: Option<u32>,
    /// Where it is
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
    /// What it has, such as "projector"; give it again for more
    #[arg(long = "feature", value_name = "TEXT")]
    pub features: Vec<String>,
    /// How it answers invitations: none, accept-always, decline-always, accept-if-free, decline-if-busy or automatic
    #[arg(long, value_name = "HOW", value_parser = booking)]
    pub booking: Option<storage::model::Booking>,
    /// How it answers one organizer or a group, such as "boss=accept-always"; give it again for more, the first that fits holds
    #[arg(long = "booking-for", value_name = "NAME=HOW", value_parser = booking_for)]
    pub booking_for: Vec<Option<BookingFor>>,
    /// How many days ahead it answers by itself (1095 where nothing is said); what begins later is as if it were busy then
    #[arg(long, value_name = "DAYS")]
    pub booking_horizon_days: Option<u32>,
    /// Who may read for it; give it again for more
    #[arg(long = "read-delegate", value_name = "NAME")]
    pub read_delegates: Vec<String>,
    /// Who may write for it; give it again for more
    #[arg(long = "write-delegate", value_name = "NAME")]
    pub write_delegates: Vec<String>,
}

/// The words of the accounts file.
fn booking(word: &str) -> Result<storage::model::Booking, String> {
    serde_json::from_value(word.into()).map_err(|error| error.to_string())
}

fn booking_for(text: &str) -> Result<Option<BookingFor>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let (organizer, how) = text
        .split_once('=')
        .ok_or("write a name, \"=\", and how: boss=accept-always")?;
    Ok(Some(BookingFor {
        organizer: organizer.to_owned(),
        booking: booking(how)?,
    }))
}
