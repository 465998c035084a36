//! A running server: everything wired together, started and stopped.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use scheduling::{
    Desk,
    desk::{CommitBounds, Settings},
};
use storage::{Environment, Store, backend::Backend, derived::DerivedFiles, model::TrashPolicy};

use crate::{
    accounts::Accounts,
    audit,
    authentication::{Argon2Cost, Authenticator, Passwords},
    background::Background,
    control::{self, Control, Served},
    data,
    http::{self, Acceptor, Listeners, Network, Stack, StackOptions},
    limits::{INBOX_DAYS, Limits, inbox_kept},
    mail::{Identity, MailOptions, MailRoute, MailWorker, Transport, TransportError},
    scheduling_log,
    time_zones::{self, TimeZonesError},
    tls::{self, TlsError, TlsFiles},
    trash,
};

/// Where everything is kept.
#[derive(Clone)]
pub enum Storage {
    /// In memory, for tests: gone at the end.
    Memory,
    /// In a folder, which is made where it is missing.
    Folder(PathBuf),
    /// In a backend that is open already.
    Backend(Arc<dyn Backend>),
}

/// What a server is made of.
#[derive(Clone)]
pub struct Options {
    /// Where everything is kept.
    pub storage: Storage,
    /// Addresses to listen on; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Scheme, host and port under which clients see the server; `None` takes the first address.
    pub public_url: Option<String>,
    /// TLS on all addresses.
    pub tls: Option<TlsFiles>,
    /// The folder of the time-zone data; `None` is what the program brings along.
    pub time_zones: Option<PathBuf>,
    /// Proxies whose word about a client counts.
    pub trusted_proxies: Vec<Network>,
    /// How mail leaves.
    pub mail: MailOptions,
    /// Bounds.
    pub limits: Limits,
    /// What is kept of that which is changed and deleted; `None` is nothing.
    pub trash: Option<TrashPolicy>,
    /// Invitations that somebody has not answered make them free for others.
    pub unanswered_is_free: bool,
    /// How long messages stay in inboxes, in milliseconds; `None` is for ever.
    pub inbox_milliseconds: Option<i64>,
    /// How long it is kept who did what, in milliseconds; `None` notes nothing.
    pub audit_milliseconds: Option<i64>,
    /// What is kept of the decisions about meetings; `None` notes nothing.
    pub scheduling_log: Option<scheduling_log::Retention>,
    /// The cost of a password's hash.
    pub argon2: Argon2Cost,
    /// Where a folder's journal is archived; `None` keeps no archive.
    pub archive: Option<storage::sled::Archive>,
    /// Clock and randomness.
    pub environment: Environment,
}

impl Options {
    /// A server on a free port of this machine, with everything else as a new installation has it.
    pub fn new(storage: Storage) -> Options {
        Options {
            storage,
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            public_url: None,
            tls: None,
            time_zones: None,
            trusted_proxies: Vec::new(),
            mail: MailOptions {
                route: MailRoute::None,
                system_address: "convoke@localhost".to_owned(),
                domains: Vec::new(),
            },
            limits: Limits::default(),
            trash: Some(trash::default_policy()),
            unanswered_is_free: false,
            inbox_milliseconds: inbox_kept(INBOX_DAYS),
            audit_milliseconds: audit::kept(audit::DAYS),
            scheduling_log: Some(scheduling_log::Retention::default()),
            argon2: Argon2Cost::default(),
            archive: None,
            environment: crate::environment::system(),
        }
    }
}

/// Why a server does not start, in words that help.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}{}", listen_remedy(.error))]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The time-zone data.
    #[error(transparent)]
    TimeZones(#[from] TimeZonesError),
    /// The way out for mail.
    #[error(transparent)]
    Mail(#[from] TransportError),
    /// The server's mail address.
    #[error("{0}")]
    MailAddress(String),
    /// Somebody else has the data folder.
    #[error("the data folder {folder} is in use{}: stop the server that runs there, or name another folder", by(.process))]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process, where it is known.
        process: Option<u32>,
    },
    /// The data cannot be opened.
    #[error("{folder} cannot be opened: {error}")]
    Data {
        /// The folder.
        folder: String,
        /// Why.
        error: String,
    },
    /// The control socket cannot be made.
    #[error("the control socket {path} cannot be made: {error}")]
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn by(process: &Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(" by process {process}"))
}

fn listen_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program (or another Convoke) listens there: stop it, or choose another port \
             (demo: --listen; serve: `listen` in the configuration)"
        }
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need privileges: choose a higher port"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    }
}

/// A server that runs until [`Running::shutdown`].
pub struct Running {
    addresses: Vec<SocketAddr>,
    public_url: String,
    store: Store,
    desk: Desk,
    passwords: Passwords,
    mail: MailWorker,
    acceptor: Acceptor,
    background: Background,
    control: Option<Control>,
    limits: Limits,
}

/// Starts servers.
pub struct Server;

impl Server {
    /// Starts a server: binds, opens the data, serves.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running or locked then.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
        time_zones::put_in_use(options.time_zones.as_deref())?;
        let transport = Transport::open(&options.mail.route)?;
        let identity = Identity::new(&options.mail.domains, &options.mail.system_address)
            .map_err(StartError::MailAddress)?;
        let listeners = bind(&options.listen).await?;
        let addresses = listeners.addresses();
        let public_url = public_url(&options, &addresses);
        let store = data::open(
            &options.storage,
            options.archive.clone(),
            &options.environment,
        )
        .await?;
        let desk = desk(&store, &options, &public_url);
        let store = desk.store().clone();
        let passwords = Passwords::new(options.environment.clone(), options.argon2);
        let served = Served {
            accounts: Accounts::new(desk.clone(), passwords.clone())
                .audited(options.audit_milliseconds.is_some()),
            desk: desk.clone(),
            sync_logs: options.limits.sync_logs,
        };
        let control = start_control(&options.storage, served).await?;
        let mail = MailWorker::new(desk.clone(), transport, identity);
        let background = Background::start(
            &desk,
            mail.clone(),
            options.limits.sync_logs,
            options.audit_milliseconds.unwrap_or_default(),
            options.scheduling_log,
            options.inbox_milliseconds,
        );
        let stack = stack(&options, &desk, &passwords, &public_url);
        let acceptor = Acceptor::start(listeners, stack, tls, options.limits.of_connections());
        Ok(Running {
            addresses,
            public_url,
            store,
            desk,
            passwords,
            mail,
            acceptor,
            background,
            control,
            limits: options.limits,
        })
    }
}

impl Running {
    /// Where it listens, with the ports that were taken.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The URL that clients are given, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The hasher of passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The worker that sends mail; a test that moves the clock makes it look at its queue.
    pub fn mail(&self) -> &MailWorker {
        &self.mail
    }

    /// Stops: no new connections, requests in progress are waited for up to a deadline, then the
    /// workers end and the data is closed.
    pub async fn shutdown(self) {
        if !self.acceptor.stop(self.limits.stop_time).await {
            tracing::warn!(
                "some requests did not end within {} s and were cut off",
                self.limits.stop_time.as_secs()
            );
        }
        if let Some(control) = self.control {
            control.stop(self.limits.stop_time).await;
        }
        if !self.background.stop(self.limits.stop_time).await {
            tracing::warn!(
                "work in the background did not end in time; it goes on at the next start"
            );
        }
        self.store.backend().close().await;
    }
}

async fn bind(addresses: &[SocketAddr]) -> Result<Listeners, StartError> {
    Listeners::bind(addresses)
        .await
        .map_err(|(address, error)| StartError::Listen { address, error })
}

pub(crate) fn public_url(options: &Options, addresses: &[SocketAddr]) -> String {
    let given = options
        .public_url
        .as_deref()
        .map(|url| url.trim_end_matches('/').to_owned());
    given.unwrap_or_else(|| {
        let scheme = if options.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let address = addresses
            .first()
            .map_or_else(|| "localhost".to_owned(), SocketAddr::to_string);
        format!("{scheme}://{address}")
    })
}

/// A store in a folder has a control socket beside it.
async fn start_control(storage: &Storage, served: Served) -> Result<Option<Control>, StartError> {
    let Storage::Folder(folder) = storage else {
        return Ok(None);
    };
    let path = control::socket_path(folder);
    let desk = served.desk.clone();
    match Control::start(path.clone(), served) {
        Ok(control) => Ok(Some(control)),
        Err(error) => {
            desk.store().backend().close().await;
            Err(StartError::Control { path, error })
        }
    }
}

/// The desk over a store, with the trash that is asked for, of a server that clients see at this URL.
pub(crate) fn desk(store: &Store, options: &Options, public_url: &str) -> Desk {
    let settings = desk_settings(options, public_url);
    Desk::new(store.clone().keeping(options.trash), settings)
}

fn desk_settings(options: &Options, public_url: &str) -> Settings {
    Settings {
        limits: options.limits.of_desk(),
        commit_bounds: CommitBounds::default(),
        local_domains: options.mail.domains.clone(),
        mail_possible: !matches!(options.mail.route, MailRoute::None),
        principal_path_to_name: dav::principal_name_of_path,
        calendar_rules: dav::CALENDAR_RULES,
        unanswered_is_free: options.unanswered_is_free,
        audit: options.audit_milliseconds.is_some(),
        scheduling_log: options.scheduling_log.is_some(),
        views: options.limits.of_views(),
        kept_views: kept_views(&options.storage),
        public_url: public_url.to_owned(),
        attachment_path: dav::attachment_path,
    }
}

/// A store in a folder keeps beside it what is worked out of large calendars.
fn kept_views(storage: &Storage) -> Option<Arc<DerivedFiles>> {
    let Storage::Folder(folder) = storage else {
        return None;
    };
    match DerivedFiles::open(&folder.join("views")) {
        Ok(files) => Some(Arc::new(files)),
        Err(error) => {
            tracing::warn!(%error, "each start will have to read large calendars anew");
            None
        }
    }
}

fn stack(options: &Options, desk: &Desk, passwords: &Passwords, public_url: &str) -> Stack {
    let settings = dav::DavSettings {
        public_url: public_url.to_owned(),
        maximum_xml_octets: options.limits.xml_octets(),
    };
    let dav = dav::Dav::new(desk.clone(), settings);
    let options = StackOptions {
        authenticator: Arc::new(Authenticator::new(desk.store().clone(), passwords.clone())),
        trusted_proxies: options.trusted_proxies.clone(),
        concurrent_requests: options.limits.concurrent_requests,
        request_time: options.limits.request_time,
        body: options.limits.of_body(),
    };
    http::build(options, desk.store().environment(), dav)
}
