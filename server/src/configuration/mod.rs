//! The configuration: one TOML file, read once, unknown keys refused, every error with its line and
//! its remedy.

mod error;
mod file;
mod template;

use std::{
    fs,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use storage::{LogRetention, model::TrashPolicy, sled::Archive};
use toml::Spanned;
use zeroize::Zeroizing;

pub use error::ConfigurationError;
pub use file::LogFormat;
pub use template::filled;

use error::Fault;
use file::{BackupTable, File, LimitsTable, Mail, SchedulingLog, Smtp, Trash};

use crate::{
    audit,
    http::Network,
    limits::{INBOX_DAYS, Limits, inbox_kept},
    mail::{Identity, MailOptions, MailRoute, SmtpOptions, SmtpTls},
    scheduling_log,
    server::{Options, Storage},
    tls::TlsFiles,
    trash,
};

/// A configuration that makes sense.
pub struct Configuration {
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// What clients enter.
    pub public_url: String,
    /// The data folder.
    pub data: PathBuf,
    /// The folder of the time-zone data; `None` is what the program brings along.
    pub time_zones: Option<PathBuf>,
    /// Whose word about a client counts.
    pub trusted_proxies: Vec<Network>,
    /// Which log lines are written.
    pub log: String,
    /// How they look.
    pub log_format: LogFormat,
    /// TLS.
    pub tls: Option<TlsFiles>,
    /// Mail.
    pub mail: MailOptions,
    /// Where the journal is archived.
    pub archive: Option<Archive>,
    /// Bounds.
    pub limits: Limits,
    /// What is kept of that which is changed and deleted; `None` is nothing.
    pub trash: Option<TrashPolicy>,
    /// Invitations that somebody has not answered make them free for others.
    pub unanswered_is_free: bool,
    /// How long messages stay in inboxes, in milliseconds; `None` is for ever.
    pub inbox_milliseconds: Option<i64>,
    /// How long it is kept who did what; `None` is not noted at all.
    pub audit_milliseconds: Option<i64>,
    /// What is kept of the decisions about meetings; `None` is not noted at all.
    pub scheduling_log: Option<scheduling_log::Retention>,
}

impl Configuration {
    /// Reads a file. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// See [`ConfigurationError`].
    pub fn read(path: &Path) -> Result<Configuration, ConfigurationError> {
        let text = fs::read_to_string(path).map_err(|error| ConfigurationError {
            path: path.to_owned(),
            line: None,
            what: format!("cannot be read: {error}"),
            remedy: "name the file with --config FILE, or write one with `convoke init`".to_owned(),
        })?;
        Configuration::parse(path, &text)
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// See [`ConfigurationError`].
    pub fn parse(path: &Path, text: &str) -> Result<Configuration, ConfigurationError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let file = toml::from_str(text)
            .map_err(|error| error::explain(&error, text).in_file(path, text))?;
        check(file, folder).map_err(|fault| fault.in_file(path, text))
    }

    /// A server as configured.
    pub fn options(self) -> Options {
        Options {
            listen: self.listen,
            public_url: Some(self.public_url),
            tls: self.tls,
            time_zones: self.time_zones,
            trusted_proxies: self.trusted_proxies,
            mail: self.mail,
            archive: self.archive,
            limits: self.limits,
            trash: self.trash,
            unanswered_is_free: self.unanswered_is_free,
            inbox_milliseconds: self.inbox_milliseconds,
            audit_milliseconds: self.audit_milliseconds,
            scheduling_log: self.scheduling_log,
            ..Options::new(Storage::Folder(self.data))
        }
    }
}

fn check(file: File, folder: &Path) -> Result<Configuration, Fault> {
    let trash = trash(&file.trash)?;
    let listen = addresses(&file.listen)?;
    let (public_url, host) = public_url(&file.public_url)?;
    let trusted_proxies = networks(&file.trusted_proxies)?;
    if file.tls.is_none()
        && trusted_proxies.is_empty()
        && !listen.iter().any(|address| address.ip().is_loopback())
    {
        return Err(Fault::at(
            file.listen.span(),
            "nobody could sign in: passwords are only taken over TLS, from this machine, or by way of a trusted proxy",
            "add [tls] with certificate and key, or name your proxy in trusted_proxies, or listen on 127.0.0.1",
        ));
    }
    let tls = file.tls.map(|tls| TlsFiles {
        certificate: folder.join(tls.certificate),
        key: folder.join(tls.key),
    });
    Ok(Configuration {
        listen,
        public_url,
        data: data(&file.data, folder)?,
        time_zones: time_zones(file.time_zones.as_ref(), folder)?,
        trusted_proxies,
        log: log(file.log)?,
        log_format: file.log_format,
        tls,
        mail: mail(file.mail, file.smtp, &host, folder)?,
        archive: archive(file.backup, folder)?,
        limits: limits(&file.limits),
        trash,
        unanswered_is_free: file.scheduling.unanswered_is_free,
        inbox_milliseconds: inbox_kept(file.scheduling.inbox_days.unwrap_or(INBOX_DAYS)),
        audit_milliseconds: audit::kept(file.audit.days.unwrap_or(audit::DAYS)),
        scheduling_log: scheduling_log(&file.scheduling_log),
    })
}

fn addresses(listen: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<SocketAddr>, Fault> {
    let remedy = "write an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:443\"";
    if listen.get_ref().is_empty() {
        return Err(Fault::at(listen.span(), "`listen` is empty", remedy));
    }
    let parse = |text: &Spanned<String>| {
        let wrong = |_| {
            Fault::at(
                text.span(),
                format!("`{}` is not an address to listen on", text.get_ref()),
                remedy,
            )
        };
        text.get_ref().parse().map_err(wrong)
    };
    listen.get_ref().iter().map(parse).collect()
}

/// The URL without a slash at its end, and its host.
fn public_url(text: &Spanned<String>) -> Result<(String, String), Fault> {
    let url = text.get_ref().trim_end_matches('/');
    let wrong = || {
        let remedy = "write scheme, host and, where it is not the usual one, port: \"https://calendar.example.com\"";
        Fault::at(
            text.span(),
            format!("`{}` is not a public URL", text.get_ref()),
            remedy,
        )
    };
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let known_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    match uri.authority() {
        Some(authority)
            if known_scheme
                && uri.path() == "/"
                && uri.query().is_none()
                && !authority.as_str().contains('@') =>
        {
            Ok((url.to_owned(), authority.host().to_owned()))
        }
        _ => Err(wrong()),
    }
}

fn networks(texts: &[Spanned<String>]) -> Result<Vec<Network>, Fault> {
    let parse = |text: &Spanned<String>| {
        let remedy = "trusted_proxies takes addresses such as \"10.0.0.1\" and networks such as \"10.0.0.0/8\"";
        text.get_ref()
            .parse()
            .map_err(|what: String| Fault::at(text.span(), what, remedy))
    };
    texts.iter().map(parse).collect()
}

fn data(path: &Spanned<PathBuf>, folder: &Path) -> Result<PathBuf, Fault> {
    if path.get_ref().as_os_str().is_empty() {
        return Err(Fault::at(
            path.span(),
            "`data` is empty",
            "name a folder: data = \"convoke-data\"",
        ));
    }
    Ok(folder.join(path.get_ref()))
}

fn time_zones(path: Option<&Spanned<PathBuf>>, folder: &Path) -> Result<Option<PathBuf>, Fault> {
    match path {
        Some(path) if path.get_ref().as_os_str().is_empty() => Err(Fault::at(
            path.span(),
            "`time_zones` is empty",
            "name a folder: time_zones = \"/usr/share/zoneinfo\"",
        )),
        path => Ok(path.map(|path| folder.join(path.get_ref()))),
    }
}

fn archive(table: BackupTable, folder: &Path) -> Result<Option<Archive>, Fault> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match (table.archive, table.keep_days) {
        (Some(archive), _) if archive.get_ref().as_os_str().is_empty() => Err(Fault::at(
            archive.span(),
            "`archive` is empty",
            "name a folder: archive = \"/var/backups/convoke/journal\"",
        )),
        (Some(archive), days) => Ok(Some(Archive {
            folder: folder.join(archive.get_ref()),
            keep: days.map(|days| DAY * days.get_ref().get()),
        })),
        (None, Some(days)) => Err(Fault::at(
            days.span(),
            "there is keep_days but no archive",
            "add a line such as: archive = \"/var/backups/convoke/journal\"",
        )),
        (None, None) => Ok(None),
    }
}

fn log(filter: Option<Spanned<String>>) -> Result<String, Fault> {
    let Some(filter) = filter else {
        return Ok("info".to_owned());
    };
    match tracing_subscriber::EnvFilter::try_new(filter.get_ref()) {
        Ok(_) => Ok(filter.into_inner()),
        Err(error) => {
            let remedy = "write one of \"error\", \"warn\", \"info\", \"debug\", \"trace\", or such as \"info,server=debug\"";
            Err(Fault::at(
                filter.span(),
                format!("`log` is not understood: {error}"),
                remedy,
            ))
        }
    }
}

fn mail(mail: Mail, smtp: Option<Smtp>, host: &str, folder: &Path) -> Result<MailOptions, Fault> {
    let domains = domains(&mail.domains)?;
    let route = match (smtp, mail.folder) {
        (Some(_), Some(folder)) => {
            let remedy = "keep [smtp] to send mails, or `folder` to collect them";
            return Err(Fault::at(
                folder.span(),
                "mails cannot go to a mail server and into a folder",
                remedy,
            ));
        }
        (Some(smtp), None) => MailRoute::Smtp(smtp_options(smtp, folder)?),
        (None, Some(mails)) => MailRoute::Folder(folder.join(mails.into_inner())),
        (None, None) => MailRoute::None,
    };
    let domain = domains.first().map_or(host, String::as_str);
    let system_address = match &mail.sender {
        Some(sender) => sender.get_ref().clone(),
        None if domain.parse::<std::net::Ipv4Addr>().is_ok() => format!("convoke@[{domain}]"),
        None if domain.starts_with('[') => "convoke@localhost".to_owned(),
        None => format!("convoke@{domain}"),
    };
    if let Err(what) = Identity::new(&domains, &system_address) {
        let span = mail.sender.as_ref().map(Spanned::span);
        let remedy = "set it in [mail]: sender = \"calendar@example.com\"".to_owned();
        return Err(Fault { span, what, remedy });
    }
    Ok(MailOptions {
        route,
        system_address,
        domains,
    })
}

fn domains(texts: &[Spanned<String>]) -> Result<Vec<String>, Fault> {
    let check = |text: &Spanned<String>| {
        let domain = text.get_ref();
        let right = !domain.is_empty()
            && !domain.contains('@')
            && idna::domain_to_ascii_strict(domain).is_ok();
        let remedy = "write the part behind the @: domains = [\"example.com\"]";
        let wrong = || {
            Fault::at(
                text.span(),
                format!("`{domain}` is not a mail domain"),
                remedy,
            )
        };
        if right {
            Ok(domain.clone())
        } else {
            Err(wrong())
        }
    };
    texts.iter().map(check).collect()
}

fn smtp_options(smtp: Smtp, folder: &Path) -> Result<SmtpOptions, Fault> {
    let tls = smtp.tls.unwrap_or(SmtpTls::Starttls);
    let usual_port = match tls {
        SmtpTls::None => 25,
        SmtpTls::Starttls => 587,
        SmtpTls::Tls => 465,
    };
    let (host, port) = (smtp.host.clone(), smtp.port.unwrap_or(usual_port));
    Ok(SmtpOptions {
        host,
        port,
        tls,
        credentials: credentials(smtp, folder)?,
    })
}

fn credentials(smtp: Smtp, folder: &Path) -> Result<Option<(String, Zeroizing<String>)>, Fault> {
    let password = match (smtp.password, smtp.password_file) {
        (Some(_), Some(file)) => {
            return Err(Fault::at(
                file.span(),
                "both password and password_file are set",
                "keep one of them",
            ));
        }
        (Some(password), None) => Some((password.span(), Zeroizing::new(password.into_inner()))),
        (None, Some(file)) => Some((file.span(), password_from(&file, folder)?)),
        (None, None) => None,
    };
    match (smtp.user, password) {
        (Some(user), Some((_, password))) => Ok(Some((user.into_inner(), password))),
        (None, None) => Ok(None),
        (Some(user), None) => Err(Fault::at(
            user.span(),
            "there is a user but no password",
            "add password or password_file to [smtp]",
        )),
        (None, Some((span, _))) => Err(Fault::at(
            span,
            "there is a password but no user",
            "add a line such as: user = \"convoke\"",
        )),
    }
}

fn password_from(file: &Spanned<PathBuf>, folder: &Path) -> Result<Zeroizing<String>, Fault> {
    let path = folder.join(file.get_ref());
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => Ok(Zeroizing::new(
            text.lines().next().unwrap_or_default().to_owned(),
        )),
        Err(error) => {
            let what = format!("{} cannot be read: {error}", path.display());
            Err(Fault::at(
                file.span(),
                what,
                "put the password alone into that file and let the server's user read it",
            ))
        }
    }
}

fn trash(table: &Trash) -> Result<Option<TrashPolicy>, Fault> {
    let days = table.days.unwrap_or(trash::DAYS);
    let versions_days = match &table.versions_days {
        Some(given) if *given.get_ref() > days => {
            let remedy = "make versions_days at most as large as days";
            return Err(Fault::at(
                given.span(),
                format!(
                    "earlier versions cannot be kept longer than the {days} days of deleted objects"
                ),
                remedy,
            ));
        }
        Some(given) => *given.get_ref(),
        None => days.min(trash::DAYS),
    };
    let versions_per_hour = table
        .versions_per_hour
        .map_or(trash::VERSIONS_PER_HOUR, NonZeroU32::get);
    let maximum_octets = table
        .maximum_octets
        .map_or(trash::MAXIMUM_OCTETS, NonZeroU64::get);
    let policy = trash::policy(days, versions_days, versions_per_hour, maximum_octets);
    Ok((days > 0).then_some(policy))
}

fn scheduling_log(table: &SchedulingLog) -> Option<scheduling_log::Retention> {
    let days = table.days.unwrap_or(scheduling_log::DAYS);
    let entries = table.entries_per_meeting;
    scheduling_log::kept(
        days,
        entries.map_or(scheduling_log::ENTRIES, NonZeroUsize::get),
    )
}

const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

fn limits(table: &LimitsTable) -> Limits {
    let default = Limits::default();
    let number = |given: Option<NonZeroU64>, default: u64| given.map_or(default, NonZeroU64::get);
    let count =
        |given: Option<NonZeroUsize>, default: usize| given.map_or(default, NonZeroUsize::get);
    let time = |given: Option<NonZeroU64>, default: Duration| {
        given.map_or(default, |seconds| Duration::from_secs(seconds.get()))
    };
    Limits {
        maximum_resource_octets: number(
            table.maximum_resource_octets,
            default.maximum_resource_octets,
        ),
        maximum_file_octets: number(table.maximum_file_octets, default.maximum_file_octets),
        maximum_attendees: count(table.maximum_attendees, default.maximum_attendees),
        maximum_instances: count(table.maximum_instances, default.maximum_instances),
        maximum_messages_per_hour: table
            .maximum_messages_per_hour
            .unwrap_or(default.maximum_messages_per_hour),
        quota_octets: table.quota_octets.map(NonZeroU64::get),
        view_octets: count(table.view_octets, default.view_octets),
        sync_logs: LogRetention {
            milliseconds: table
                .sync_log_days
                .map_or(default.sync_logs.milliseconds, |days| {
                    i64::from(days.get()) * DAY_MILLISECONDS
                }),
            entries: count(table.sync_log_entries, default.sync_logs.entries),
        },
        connections: count(table.maximum_connections, default.connections),
        concurrent_requests: count(
            table.maximum_concurrent_requests,
            default.concurrent_requests,
        ),
        request_time: time(table.request_seconds, default.request_time),
        idle_time: time(table.idle_seconds, default.idle_time),
        stop_time: time(table.stop_seconds, default.stop_time),
    }
}

#[cfg(test)]
mod tests;
