//! Outgoing mail: rows of work become MIME (RFC 6047) and leave by SMTP or into a folder.

mod html;
mod identity;
mod language;
mod queue;
mod render;
mod transport;
mod worker;

pub use identity::Identity;
pub use queue::{MailLine, MailOperation, MailOutcome, Which, perform as perform_mail};
pub use render::{RenderError, Rendered, render};
pub use transport::{
    MailRoute, MemoryOutbox, SendError, SmtpOptions, SmtpTls, Transport, TransportError,
};
pub use worker::MailWorker;

/// How a server sends mail.
#[derive(Clone)]
pub struct MailOptions {
    /// The way out.
    pub route: MailRoute,
    /// The address that mails come from when the sender's own domain is not one of `domains`.
    pub system_address: String,
    /// The mail domains that this server may send for.
    pub domains: Vec<String>,
}
