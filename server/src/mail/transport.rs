//! The ways out: an SMTP server, a folder, the memory of a test, or none.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    transport::smtp::{
        self, PoolConfig,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use zeroize::Zeroizing;

use super::Rendered;

/// Connections to the mail server at once. (Each waits out a delayed acknowledgement per mail, so one
/// alone would be slow.)
pub const MAXIMUM_CONNECTIONS: u32 = 8;
/// The longest wait for one answer of the mail server.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Encryption on the way to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// None: for a mail server on the same machine.
    None,
    /// Begins in the clear and insists on STARTTLS (RFC 3207).
    Starttls,
    /// From the first octet (RFC 8314 §3.3).
    Tls,
}

/// The mail server.
#[derive(Clone)]
pub struct SmtpOptions {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encryption.
    pub tls: SmtpTls,
    /// User and password, where it wants them.
    pub credentials: Option<(String, Zeroizing<String>)>,
}

/// Why a mail server cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error(
    "TLS to the mail server {host} cannot be set up: {error}; `host` must be the name in its certificate"
)]
pub struct TransportError {
    host: String,
    error: smtp::Error,
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A later attempt may succeed.
    #[error("{0}")]
    Temporary(String),
    /// None will.
    #[error("{0}")]
    Permanent(String),
}

/// A way out, as configured.
#[derive(Clone)]
pub enum MailRoute {
    /// There is none.
    None,
    /// To an SMTP server.
    Smtp(SmtpOptions),
    /// Into a folder, one `.eml` file per mail.
    Folder(PathBuf),
    /// Into the memory of a test.
    Memory(MemoryOutbox),
}

/// A way out, in use. Cheap to clone.
#[derive(Clone)]
pub enum Transport {
    /// There is none.
    None,
    /// An SMTP server, over a pool of connections.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// A folder.
    Folder(PathBuf),
    /// The memory of a test.
    Memory(MemoryOutbox),
}

impl Transport {
    /// Prepares a way out; nothing is connected or made until the first mail. To be called within a
    /// runtime.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn open(route: &MailRoute) -> Result<Transport, TransportError> {
        Ok(match route {
            MailRoute::None => Transport::None,
            MailRoute::Smtp(options) => Transport::Smtp(Box::new(smtp_transport(options)?)),
            MailRoute::Folder(folder) => Transport::Folder(folder.clone()),
            MailRoute::Memory(outbox) => Transport::Memory(outbox.clone()),
        })
    }

    /// Whether there is a way out at all.
    pub fn exists(&self) -> bool {
        !matches!(self, Transport::None)
    }

    /// Sends a mail. `name` is the same for every attempt at it.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, name: &str, mail: &Rendered) -> Result<(), SendError> {
        match self {
            Transport::None => Err(SendError::Permanent(
                "no way to send mail is configured".into(),
            )),
            Transport::Smtp(transport) => send_by_smtp(transport, mail).await,
            Transport::Folder(folder) => send_to_folder(folder, name, mail).await,
            Transport::Memory(outbox) => outbox.send(mail),
        }
    }
}

fn smtp_transport(
    options: &SmtpOptions,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, TransportError> {
    let wrong = |error| TransportError {
        host: options.host.clone(),
        error,
    };
    let parameters = || TlsParameters::new(options.host.clone()).map_err(wrong);
    let tls = match options.tls {
        SmtpTls::None => Tls::None,
        SmtpTls::Starttls => Tls::Required(parameters()?),
        SmtpTls::Tls => Tls::Wrapper(parameters()?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
        .port(options.port)
        .tls(tls)
        .timeout(Some(ANSWER_TIME))
        .pool_config(PoolConfig::new().max_size(MAXIMUM_CONNECTIONS));
    if let Some((user, password)) = &options.credentials {
        builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
    }
    Ok(builder.build())
}

async fn send_by_smtp(
    transport: &AsyncSmtpTransport<Tokio1Executor>,
    mail: &Rendered,
) -> Result<(), SendError> {
    let envelope = Envelope::new(
        Some(mail.envelope_from.clone()),
        vec![mail.envelope_to.clone()],
    )
    .map_err(|error| SendError::Permanent(error.to_string()))?;
    match transport.send_raw(&envelope, &mail.octets).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(SendError::Permanent(error.to_string())),
        // All else (4xx, no connection, no TLS, a password that is not taken) may be mended.
        Err(error) => Err(SendError::Temporary(error.to_string())),
    }
}

/// Writes beside and renames, so that a reader never sees half a mail; a second attempt replaces the first.
async fn send_to_folder(folder: &Path, name: &str, mail: &Rendered) -> Result<(), SendError> {
    let write = async {
        tokio::fs::create_dir_all(folder).await?;
        let unfinished = folder.join(format!("{name}.unfinished"));
        tokio::fs::write(&unfinished, &mail.octets).await?;
        tokio::fs::rename(&unfinished, folder.join(format!("{name}.eml"))).await
    };
    write
        .await
        .map_err(|error: io::Error| SendError::Temporary(format!("{}: {error}", folder.display())))
}

/// Collects mails for a test, and fails when told to. Clones share what they hold.
#[derive(Clone, Default)]
pub struct MemoryOutbox {
    state: Arc<Mutex<MemoryState>>,
}

#[derive(Default)]
struct MemoryState {
    sent: Vec<Rendered>,
    failures: VecDeque<SendError>,
}

impl MemoryOutbox {
    /// All mails so far, in order.
    pub fn sent(&self) -> Vec<Rendered> {
        self.state().sent.clone()
    }

    /// All mails so far to one address.
    pub fn sent_to(&self, address: &str) -> Vec<Rendered> {
        let wanted = |mail: &Rendered| Address::to_string(&mail.envelope_to) == address;
        self.state()
            .sent
            .iter()
            .filter(|mail| wanted(mail))
            .cloned()
            .collect()
    }

    /// The next attempt fails like this.
    pub fn fail_next(&self, error: SendError) {
        self.state().failures.push_back(error);
    }

    fn send(&self, mail: &Rendered) -> Result<(), SendError> {
        let mut state = self.state();
        match state.failures.pop_front() {
            Some(error) => Err(error),
            None => {
                state.sent.push(mail.clone());
                Ok(())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
