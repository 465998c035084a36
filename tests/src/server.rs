//! A server of one's own: real sockets on a free port; alice, bob and carol (each with the name as
//! password), admin, a room and a group; a clock that stands still until it is moved; mail in memory.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use server::{
    Options, Running, Server, Storage,
    authentication::Argon2Cost,
    limits::Limits,
    mail::{MailOptions, MailRoute, MemoryOutbox, Rendered},
};
use storage::{
    Environment, Timestamp,
    backend::Backend,
    model::{Credential, Principal, PrincipalId, PrincipalKind},
    testing::ManualClock,
};

use crate::client::Client;

/// How long a test waits for work that is done behind an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. It stops by itself when dropped.
pub struct TestServer {
    running: Option<Running>,
    url: String,
    address: String,
    clock: Arc<ManualClock>,
    outbox: MemoryOutbox,
    _folder: Option<tempfile::TempDir>,
}

impl TestServer {
    /// A server on memory.
    pub async fn start() -> TestServer {
        TestServer::start_with(Storage::Memory, None).await
    }

    /// A server on memory with bounds of its own.
    pub async fn start_limited(limits: Limits) -> TestServer {
        TestServer::start_configured(|options| options.limits = limits).await
    }

    /// A server on memory with settings of its own.
    pub async fn start_configured(change: impl FnOnce(&mut Options)) -> TestServer {
        TestServer::start_changed(Storage::Memory, None, change).await
    }

    /// A server on the real store, in a folder that vanishes with it.
    pub async fn start_on_disk() -> TestServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let storage = Storage::Folder(folder.path().join("data"));
        TestServer::start_with(storage, Some(folder)).await
    }

    /// A server on the real store in a folder that stays.
    pub async fn start_on(folder: &Path) -> TestServer {
        TestServer::start_with(Storage::Folder(folder.to_path_buf()), None).await
    }

    /// A server on a backend that is open already.
    pub async fn start_on_backend(backend: Arc<dyn Backend>) -> TestServer {
        TestServer::start_with(Storage::Backend(backend), None).await
    }

    async fn start_with(storage: Storage, folder: Option<tempfile::TempDir>) -> TestServer {
        TestServer::start_changed(storage, folder, |_| {}).await
    }

    async fn start_changed(
        storage: Storage,
        folder: Option<tempfile::TempDir>,
        change: impl FnOnce(&mut Options),
    ) -> TestServer {
        // Clients compare with their own clock, so the server's begins there.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let clock = Arc::new(ManualClock::new(Timestamp(
            i64::try_from(now.as_millis()).expect("before the year 292278994"),
        )));
        let outbox = MemoryOutbox::default();
        let mut options = Options::new(storage);
        options.argon2 = Argon2Cost::FOR_TESTS;
        options.environment = Environment {
            clock: clock.clone(),
            entropy: server::environment::system().entropy,
        };
        options.mail = MailOptions {
            route: MailRoute::Memory(outbox.clone()),
            system_address: "calendar@example.com".to_owned(),
            domains: vec!["example.com".to_owned()],
        };
        change(&mut options);
        let running = Server::start(options)
            .await
            .unwrap_or_else(|error| panic!("the server does not start: {error}"));
        let address = running.addresses()[0].to_string();
        let server = TestServer {
            url: format!("http://{address}"),
            address,
            running: Some(running),
            clock,
            outbox,
            _folder: folder,
        };
        server.make_accounts().await;
        server
    }

    /// Makes the accounts that the store has not: all of them, or the rest where the process was killed in
    /// the middle of making them.
    async fn make_accounts(&self) {
        let last = principal(PrincipalKind::Group, "team", "Team");
        if self.account(&last.name).await.is_some() {
            return;
        }
        let mut people = Vec::new();
        for (name, display_name) in [
            ("alice", "Alice"),
            ("bob", "Bob"),
            ("carol", "Carol"),
            ("admin", "Administrator"),
        ] {
            people.push(match self.account(name).await {
                Some(id) => id,
                None => self.add_person(name, display_name).await,
            });
        }
        let room = Principal {
            capacity: Some(8),
            ..principal(PrincipalKind::Location, "room", "Room 1")
        };
        let group = Principal {
            members: people[..2].to_vec(),
            ..last
        };
        for account in [room, group] {
            if self.account(&account.name).await.is_none() {
                self.store()
                    .add_account(account, None)
                    .await
                    .expect("a new account");
            }
        }
    }

    /// Whose account has this name.
    async fn account(&self, name: &str) -> Option<PrincipalId> {
        let found = self.store().principal_by_name(name).await;
        found.expect("readable").map(|account| account.id)
    }

    /// Makes an account, with the name as password; `admin` is an administrator.
    pub async fn add_person(&self, name: &str, display_name: &str) -> PrincipalId {
        let running = self.running();
        let hash = running
            .passwords()
            .hash(name.to_owned().into())
            .await
            .expect("a cheap hash");
        let principal = Principal {
            administrator: name == "admin",
            ..principal(PrincipalKind::User, name, display_name)
        };
        let credential = Credential {
            hash,
            imported: true,
        };
        let made = running
            .store()
            .add_account(principal, Some(credential))
            .await
            .expect("a new account");
        made.id
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("runs until stopped")
    }

    /// `http://host:port`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The store behind the server.
    pub fn store(&self) -> &storage::Store {
        self.running().store()
    }

    /// The desk behind the server.
    pub fn desk(&self) -> &scheduling::Desk {
        self.running().desk()
    }

    /// A client that signs in as this person.
    pub fn client(&self, name: &str) -> Client {
        Client::signed_in(&self.url, name, name)
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::anonymous(&self.url)
    }

    /// Moves the server's clock.
    pub fn advance(&self, time: Duration) {
        self.clock
            .advance(i64::try_from(time.as_millis()).expect("a small step"));
    }

    /// Waits until this many mails have left and nothing more is queued, and gives them all as text.
    pub async fn mails(&self, number: usize) -> Vec<String> {
        let mut commits = self.store().backend().watch();
        let wait = async {
            loop {
                commits.borrow_and_update();
                let waiting = self
                    .store()
                    .list_work(scheduling::mail::QUEUE, None, 1)
                    .await
                    .expect("readable");
                if waiting.is_empty() && self.outbox.sent().len() >= number {
                    return;
                }
                commits.changed().await.expect("the store is open");
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "only {} of {number} mails were sent",
                    self.outbox.sent().len()
                )
            });
        self.outbox
            .sent()
            .iter()
            .map(|mail: &Rendered| String::from_utf8_lossy(&mail.octets).into_owned())
            .collect()
    }

    /// Has it written down how the mails fared, which is done after a few seconds.
    pub async fn write_mail_statuses(&self) {
        self.advance(Duration::from_secs(5));
        while self
            .desk()
            .write_mail_statuses()
            .await
            .expect("a store that works")
        {}
    }

    /// Waits until a queue of work that is done behind the answers is empty.
    pub async fn until_done(&self, queue: &str) {
        let mut commits = self.store().backend().watch();
        let wait = async {
            loop {
                commits.borrow_and_update();
                let waiting = self.store().list_work(queue, None, 1).await;
                if waiting.expect("readable").is_empty() {
                    return;
                }
                commits.changed().await.expect("the store is open");
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("the queue {queue} is not done"));
    }

    /// Stops the server and waits until everything is on disk.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }
}

impl Drop for TestServer {
    /// Closes the store before its folder vanishes: it writes until then, and what is still at work on the test's runtime
    /// holds it for longer.
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let backend = Arc::clone(running.store().backend());
        // on a thread of its own, since no runtime waits within another
        let closing = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.expect("a runtime").block_on(backend.close());
        });
        let _ = closing.join();
    }
}

/// A principal as an account is made of.
pub fn principal(kind: PrincipalKind, name: &str, display_name: &str) -> Principal {
    Principal {
        display_name: display_name.to_owned(),
        addresses: vec![format!("mailto:{name}@example.com")],
        ..Principal::new(kind, name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Whoever was killed while it made the accounts makes the rest when it starts again.
    #[tokio::test]
    async fn accounts_that_lack_are_made() {
        const ACCOUNTS: [&str; 6] = ["alice", "bob", "carol", "admin", "room", "team"];
        let server = TestServer::start().await;
        for made in 0..=ACCOUNTS.len() {
            for name in &ACCOUNTS[made..] {
                let id = server.account(name).await.unwrap();
                server.store().remove_account(id).await.unwrap();
            }
            server.make_accounts().await;
            for name in ACCOUNTS {
                let account = server.account(name).await;
                assert!(account.is_some(), "{name}, where {made} were made");
            }
        }
    }
}
