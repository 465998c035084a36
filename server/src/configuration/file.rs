//! The configuration as it stands in the file: every key, unknown ones refused.

use std::{
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use serde::Deserialize;
use toml::Spanned;

use crate::mail::SmtpTls;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `listen`
    pub listen: Spanned<Vec<Spanned<String>>>,
    /// `public_url`
    pub public_url: Spanned<String>,
    /// `data`
    pub data: Spanned<PathBuf>,
    /// `time_zones`
    pub time_zones: Option<Spanned<PathBuf>>,
    /// `trusted_proxies`
    #[serde(default)]
    pub trusted_proxies: Vec<Spanned<String>>,
    /// `log`
    pub log: Option<Spanned<String>>,
    /// `log_format`
    #[serde(default)]
    pub log_format: LogFormat,
    /// `[tls]`
    pub tls: Option<Tls>,
    /// `[smtp]`
    pub smtp: Option<Smtp>,
    /// `[mail]`
    #[serde(default)]
    pub mail: Mail,
    /// `[limits]`
    #[serde(default)]
    pub limits: LimitsTable,
    /// `[backup]`
    #[serde(default)]
    pub backup: BackupTable,
    /// `[trash]`
    #[serde(default)]
    pub trash: Trash,
    /// `[scheduling]`
    #[serde(default)]
    pub scheduling: SchedulingTable,
    /// `[audit]`
    #[serde(default)]
    pub audit: Audit,
    /// `[scheduling_log]`
    #[serde(default)]
    pub scheduling_log: SchedulingLog,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// `[tls]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// `certificate`
    pub certificate: PathBuf,
    /// `key`
    pub key: PathBuf,
}

/// `[smtp]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// `host`
    pub host: String,
    /// `port`
    pub port: Option<u16>,
    /// `tls`
    pub tls: Option<SmtpTls>,
    /// `user`
    pub user: Option<Spanned<String>>,
    /// `password`
    pub password: Option<Spanned<String>>,
    /// `password_file`
    pub password_file: Option<Spanned<PathBuf>>,
}

/// `[mail]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `domains`
    #[serde(default)]
    pub domains: Vec<Spanned<String>>,
    /// `sender`
    pub sender: Option<Spanned<String>>,
    /// `folder`
    pub folder: Option<Spanned<PathBuf>>,
}

/// `[backup]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupTable {
    /// `archive`
    pub archive: Option<Spanned<PathBuf>>,
    /// `keep_days`
    pub keep_days: Option<Spanned<NonZeroU32>>,
}

/// `[limits]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsTable {
    /// `maximum_resource_octets`
    pub maximum_resource_octets: Option<NonZeroU64>,
    /// `maximum_file_octets`
    pub maximum_file_octets: Option<NonZeroU64>,
    /// `maximum_attendees`
    pub maximum_attendees: Option<NonZeroUsize>,
    /// `maximum_instances`
    pub maximum_instances: Option<NonZeroUsize>,
    /// `maximum_messages_per_hour`
    pub maximum_messages_per_hour: Option<u64>,
    /// `quota_octets`
    pub quota_octets: Option<NonZeroU64>,
    /// `view_octets`
    pub view_octets: Option<NonZeroUsize>,
    /// `sync_log_days`
    pub sync_log_days: Option<NonZeroU32>,
    /// `sync_log_entries`
    pub sync_log_entries: Option<NonZeroUsize>,
    /// `maximum_connections`
    pub maximum_connections: Option<NonZeroUsize>,
    /// `maximum_concurrent_requests`
    pub maximum_concurrent_requests: Option<NonZeroUsize>,
    /// `request_seconds`
    pub request_seconds: Option<NonZeroU64>,
    /// `idle_seconds`
    pub idle_seconds: Option<NonZeroU64>,
    /// `stop_seconds`
    pub stop_seconds: Option<NonZeroU64>,
}

/// `[scheduling]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulingTable {
    /// `unanswered_is_free`
    #[serde(default)]
    pub unanswered_is_free: bool,
    /// `inbox_days`
    pub inbox_days: Option<u32>,
}

/// `[audit]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// `days`
    pub days: Option<u32>,
}

/// `[scheduling_log]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulingLog {
    /// `days`
    pub days: Option<u32>,
    /// `entries_per_meeting`
    pub entries_per_meeting: Option<NonZeroUsize>,
}

/// `[trash]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trash {
    /// `days`
    pub days: Option<u32>,
    /// `versions_days`
    pub versions_days: Option<Spanned<u32>>,
    /// `versions_per_hour`
    pub versions_per_hour: Option<NonZeroU32>,
    /// `maximum_octets`
    pub maximum_octets: Option<NonZeroU64>,
}
