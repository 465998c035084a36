//! Scheduling messages (RFC 5546 §3.2 and §3.4).

use calendar::CalendarObject;
use serde::{Deserialize, Serialize};

/// The iTIP methods that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// An invitation or its update.
    Request,
    /// An attendee's answer.
    Reply,
    /// The meeting, or this person's part in it, is off.
    Cancel,
}

impl Method {
    /// The value of METHOD.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Request => "REQUEST",
            Method::Reply => "REPLY",
            Method::Cancel => "CANCEL",
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Where a message comes from, which says how far its order can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From a commit of this server: commits have an order, and clocks decide nothing.
    Here,
    /// By mail: late, twice, or out of order; SEQUENCE and DTSTAMP decide (RFC 5546 §2.1.5).
    Mail,
}

/// One message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its method.
    pub method: Method,
    /// Where it comes from.
    pub origin: Origin,
    /// The sender's calendar user address as in the object.
    pub sender: String,
    /// The UID.
    pub uid: String,
    /// It shows only what others answered: no inbox item, no new Schedule-Tag.
    pub is_refresh: bool,
    /// The organizer asks this person again, although nothing else changed (RFC 6638 §3.2.7).
    pub asks_again: bool,
    /// The iCalendar stream with its METHOD: what the inbox keeps.
    pub object: CalendarObject,
}
