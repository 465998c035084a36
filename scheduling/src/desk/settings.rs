//! What the desk must know of the installation, and the bounds it enforces.

use std::sync::Arc;

use storage::{derived::DerivedFiles, model::AttachmentId};

use super::CalendarRules;
use crate::calendar_view::ViewBounds;

/// Limits that the desk enforces and `dav` publishes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// RFC 4791 §5.2.5, for calendar objects.
    pub maximum_resource_octets: u64,
    /// For files in plain collections, and for managed attachments (RFC 8607 §6.2).
    pub maximum_file_octets: u64,
    /// RFC 8607 §6.3.
    pub maximum_attachments: usize,
    /// RFC 4791 §5.2.9.
    pub maximum_attendees: usize,
    /// RFC 4791 §5.2.8.
    pub maximum_instances: usize,
    /// RFC 4791 §5.2.6, in seconds since 1970.
    pub minimum_date_time: i64,
    /// RFC 4791 §5.2.7, in seconds since 1970.
    pub maximum_date_time: i64,
    /// RFC 4331, per home; `None` is unlimited.
    pub quota_octets: Option<u64>,
    /// How many locks may stand in one home at a time.
    pub maximum_locks_per_home: usize,
    /// How many scheduling messages one person may cause within an hour, to people here and elsewhere; 0 is
    /// unlimited. What rooms answer by themselves is not counted.
    pub maximum_messages_per_hour: u64,
}

impl Default for Limits {
    /// Wide enough for everything that clients were seen to store: 1 MiB for a calendar object, 64 MiB
    /// for a file, 20 attachments of an object, 1,000 attendees, 100,000 instances of a series that ends, the
    /// years 1 to 9999, 100 locks in a home,
    /// 5,000 messages in an hour.
    fn default() -> Limits {
        Limits {
            maximum_resource_octets: 1024 * 1024,
            maximum_file_octets: 64 * 1024 * 1024,
            maximum_attachments: 20,
            maximum_attendees: 1_000,
            maximum_instances: 100_000,
            minimum_date_time: -62_135_596_800,
            maximum_date_time: 253_402_300_799,
            quota_octets: None,
            maximum_locks_per_home: 100,
            maximum_messages_per_hour: 5_000,
        }
    }
}

/// How much of what follows from a change goes into its own commit; the rest is finished behind the answer.
#[derive(Clone, Copy, Debug)]
pub struct CommitBounds {
    /// The most copies that one commit changes, and mails that it writes; at least 1.
    pub copies: usize,
    /// A reply into a meeting of at most so many people is shown to the others at once.
    pub people_shown_at_once: usize,
}

impl Default for CommitBounds {
    /// 50 copies, 12 people.
    fn default() -> CommitBounds {
        CommitBounds {
            copies: 50,
            people_shown_at_once: 12,
        }
    }
}

/// What the desk must know of the installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bounds.
    pub limits: Limits,
    /// The bounds of a commit.
    pub commit_bounds: CommitBounds,
    /// Domains whose unknown addresses are answered 3.7 instead of being mailed.
    pub local_domains: Vec<String>,
    /// There is a way to send mail at all; without one, people elsewhere are answered 5.3.
    pub mail_possible: bool,
    /// Turns the path of a principal URL (as in ORGANIZER:/dav/principals/...) into its principal's name.
    pub principal_path_to_name: fn(&str) -> Option<String>,
    /// What only the protocol layer can read of calendars.
    pub calendar_rules: CalendarRules,
    /// Invitations that somebody has not answered make them free for others, and not tentatively busy.
    pub unanswered_is_free: bool,
    /// Whether it is noted who did what.
    pub audit: bool,
    /// Whether it is noted what was decided about each meeting.
    pub scheduling_log: bool,
    /// What may be remembered for queries.
    pub views: ViewBounds,
    /// Where it is kept for the next start; `None` where that is nowhere.
    pub kept_views: Option<Arc<DerivedFiles>>,
    /// Scheme, host and port under which clients see this server, without a slash at the end.
    pub public_url: String,
    /// The path of a URL under which an attachment is fetched, from its name and that of its file.
    pub attachment_path: fn(AttachmentId, &str) -> String,
}

impl Settings {
    /// Where an attachment is fetched (RFC 8607 §3.10).
    pub(crate) fn attachment_url(&self, id: AttachmentId, filename: &str) -> String {
        self.public_url.clone() + &(self.attachment_path)(id, filename)
    }
}

impl Default for Settings {
    /// The default limits, no local domains, mail, no principal URLs, calendars without properties of the protocol, and
    /// attachments nowhere in particular.
    fn default() -> Settings {
        Settings {
            limits: Limits::default(),
            commit_bounds: CommitBounds::default(),
            local_domains: Vec::new(),
            mail_possible: true,
            principal_path_to_name: |_| None,
            calendar_rules: CalendarRules {
                counts: |_| true,
                floating: |_| None,
                availability: |_| None,
            },
            unanswered_is_free: false,
            audit: true,
            scheduling_log: true,
            views: ViewBounds::default(),
            kept_views: None,
            public_url: "http://localhost".to_owned(),
            attachment_path: |id, filename| format!("/{id}/{filename}"),
        }
    }
}
