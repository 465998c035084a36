//! What the server takes, in one place; `dav` publishes what an RFC has a property for.

use std::time::Duration;

use scheduling::{calendar_view::ViewBounds, desk};

use crate::http::{BodyBounds, ConnectionBounds, StillnessBounds};

/// Room in a body beyond the largest content: none is needed for content, and XML has its own bound.
const MAXIMUM_XML_OCTETS: u64 = 1024 * 1024;
/// From the first octet of a header to its last.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// For a TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(15);
/// Until a connection's first octet.
const FIRST_OCTET_TIME: Duration = Duration::from_secs(15);
/// The longest wait for the next piece of a request's body.
const BODY_STALL_TIME: Duration = Duration::from_secs(30);
/// 1900-01-01T00:00:00Z in seconds since 1970.
const MINIMUM_DATE_TIME: i64 = -2_208_988_800;
/// 2200-01-01T00:00:00Z in seconds since 1970.
const MAXIMUM_DATE_TIME: i64 = 7_258_118_400;
/// Managed attachments of one object (RFC 8607 §6.3).
const MAXIMUM_ATTACHMENTS: usize = 20;
/// WebDAV locks in one home.
const MAXIMUM_LOCKS_PER_HOME: usize = 1000;

/// How many days messages stay in inboxes where nothing else is said.
pub const INBOX_DAYS: u32 = 90;

/// The same in milliseconds; `None` is for ever.
pub fn inbox_kept(days: u32) -> Option<i64> {
    (days > 0).then(|| i64::from(days) * 24 * 60 * 60 * 1000)
}

/// The bounds that an administrator may change; see the table `[limits]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest calendar object, in octets (RFC 4791 §5.2.5).
    pub maximum_resource_octets: u64,
    /// The largest file in a plain collection, and the largest attachment (RFC 8607 §6.2), in octets.
    pub maximum_file_octets: u64,
    /// Attendees of one object (RFC 4791 §5.2.9).
    pub maximum_attendees: usize,
    /// Instances of one recurring object (RFC 4791 §5.2.8).
    pub maximum_instances: usize,
    /// Scheduling messages that one person may cause within an hour; 0 is unlimited.
    pub maximum_messages_per_hour: u64,
    /// What one home may hold, in octets (RFC 4331); `None` is unlimited.
    pub quota_octets: Option<u64>,
    /// What may be remembered of calendars so that queries need not read them, in octets of memory.
    pub view_octets: usize,
    /// How much of the change logs is kept for clients that are away.
    pub sync_logs: storage::LogRetention,
    /// Connections at once.
    pub connections: usize,
    /// Requests worked on at once.
    pub concurrent_requests: usize,
    /// The longest that a request may take.
    pub request_time: Duration,
    /// How long a connection may be still.
    pub idle_time: Duration,
    /// How long requests in progress may take at a stop.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            maximum_resource_octets: 1024 * 1024,
            maximum_file_octets: 10 * 1024 * 1024,
            maximum_attendees: 1000,
            maximum_instances: 10_000,
            maximum_messages_per_hour: 5_000,
            quota_octets: None,
            view_octets: ViewBounds::default().octets,
            sync_logs: storage::LogRetention::default(),
            connections: 4096,
            concurrent_requests: 256,
            request_time: Duration::from_secs(60),
            idle_time: Duration::from_secs(120),
            stop_time: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// What the desk enforces.
    pub(crate) fn of_desk(&self) -> desk::Limits {
        desk::Limits {
            maximum_resource_octets: self.maximum_resource_octets,
            maximum_file_octets: self.maximum_file_octets,
            maximum_attachments: MAXIMUM_ATTACHMENTS,
            maximum_attendees: self.maximum_attendees,
            maximum_instances: self.maximum_instances,
            minimum_date_time: MINIMUM_DATE_TIME,
            maximum_date_time: MAXIMUM_DATE_TIME,
            quota_octets: self.quota_octets,
            maximum_locks_per_home: MAXIMUM_LOCKS_PER_HOME,
            maximum_messages_per_hour: self.maximum_messages_per_hour,
        }
    }

    /// What queries may remember.
    pub(crate) fn of_views(&self) -> ViewBounds {
        ViewBounds {
            octets: self.view_octets,
        }
    }

    /// The largest XML body.
    pub(crate) fn xml_octets(&self) -> usize {
        MAXIMUM_XML_OCTETS as usize
    }

    /// The wire's bound, above every bound that has an element of its own, so that those answer first.
    pub(crate) fn of_body(&self) -> BodyBounds {
        let largest = self
            .maximum_resource_octets
            .max(self.maximum_file_octets)
            .max(MAXIMUM_XML_OCTETS);
        BodyBounds {
            maximum_octets: largest.saturating_mul(2),
            stall: BODY_STALL_TIME,
        }
    }

    /// Bounds of connections.
    pub(crate) fn of_connections(&self) -> ConnectionBounds {
        ConnectionBounds {
            connections: self.connections,
            handshake: HANDSHAKE_TIME,
            stillness: StillnessBounds {
                first_octet: FIRST_OCTET_TIME,
                header: HEADER_TIME,
                idle: self.idle_time,
            },
        }
    }
}
