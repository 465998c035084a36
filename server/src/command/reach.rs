//! How a command reaches the data: through the server that runs there, or by opening the folder.

use std::path::{Path, PathBuf};

use scheduling::{Desk, log::LogEntry};
use storage::{Environment, LogRetention, Store};
use tokio::sync::mpsc;

use super::{Failure, Output, interrupt::Interrupt, progress::Progress};
use crate::{
    accounts::{Accounts, Operation, Outcome},
    audit,
    authentication::{Argon2Cost, Passwords},
    configuration::Configuration,
    control::{self, AskError},
    data, environment,
    mail::{MailOperation, MailOutcome, perform_mail},
    maintenance::{self, Ended, Maintenance, Said},
    moving::{self, intake::Performer},
    rooms, scheduling_log,
    server::{self, Options, StartError, Storage},
    time_zones,
    trash::{self, Ask, Told},
};

/// A data folder to work on.
pub struct Reach {
    data: PathBuf,
    /// What the server would be made of.
    options: Options,
    environment: Environment,
    sync_logs: LogRetention,
}

impl Reach {
    /// The data folder of a configuration.
    ///
    /// # Errors
    /// The configuration's.
    pub fn configured(config: &Path) -> Result<Reach, Failure> {
        let configuration = Configuration::read(config)?;
        Ok(Reach {
            data: configuration.data.clone(),
            sync_logs: configuration.limits.sync_logs,
            options: configuration.options(),
            environment: environment::system(),
        })
    }

    /// A data folder.
    pub fn folder(data: PathBuf) -> Reach {
        Reach {
            options: Options::new(Storage::Folder(data.clone())),
            data,
            environment: environment::system(),
            sync_logs: LogRetention::default(),
        }
    }

    /// Clock and randomness.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Does an operation, whether a server runs or not.
    ///
    /// # Errors
    /// The operation's, or the data cannot be reached.
    pub async fn perform(&self, operation: Operation) -> Result<Outcome, Failure> {
        match control::ask(&control::socket_path(&self.data), &operation).await {
            Ok(reply) => Ok(reply?),
            Err(AskError::NotRunning) => self.perform_here(operation).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Looks after the data, whether a server runs or not, and says how it goes under the command's name.
    /// Ctrl-C ends it: where a server runs, that stops as soon as nobody listens.
    ///
    /// # Errors
    /// The data cannot be reached.
    pub async fn maintain(
        &self,
        maintenance: Maintenance,
        name: &str,
        output: &mut Output,
    ) -> Result<Ended, Failure> {
        let mut progress = Progress::standard();
        let hear = |said| match said {
            Said::Progress(what) => progress.show(|| format!("{name}: {what}")),
            Said::Line(line) => {
                progress.end();
                output.line(&line);
            }
            Said::Ended(_) => {}
        };
        let mut interrupt = Interrupt::listen()?;
        tokio::select! {
            ended = self.maintain_anywhere(maintenance, hear) => ended,
            () = interrupt.came() => {
                Err("interrupted; what was done until then stands, and nothing is half done".into())
            }
        }
    }

    async fn maintain_anywhere(
        &self,
        maintenance: Maintenance,
        mut hear: impl FnMut(Said),
    ) -> Result<Ended, Failure> {
        let socket = control::socket_path(&self.data);
        match control::maintain(&socket, &maintenance, &mut hear).await {
            Ok(ended) => Ok(ended),
            Err(AskError::NotRunning) => {
                let store = self.open_existing().await?;
                let url = server::public_url(&self.options, &[]);
                let desk = server::desk(&store, &self.options, &url);
                let ended = maintain_here(&desk, self.sync_logs, maintenance, hear).await;
                store.backend().close().await;
                Ok(ended)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Does something about the queue of mail, whether a server runs or not.
    ///
    /// # Errors
    /// The operation's, or the data cannot be reached.
    pub async fn perform_mail(&self, operation: MailOperation) -> Result<MailOutcome, Failure> {
        match control::ask_mail(&control::socket_path(&self.data), &operation).await {
            Ok(reply) => Ok(reply?),
            Err(AskError::NotRunning) => {
                let store = self.open_existing().await?;
                let url = server::public_url(&self.options, &[]);
                let desk = server::desk(&store, &self.options, &url);
                let outcome = perform_mail(&desk, operation).await;
                store.backend().close().await;
                Ok(outcome?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A part of the audit, whether a server runs or not.
    ///
    /// # Errors
    /// What was refused, or the data cannot be reached.
    pub async fn ask_audit(&self, ask: &audit::Ask) -> Result<audit::Told, Failure> {
        match control::ask_audit(&control::socket_path(&self.data), ask).await {
            Ok(reply) => Ok(reply?),
            Err(AskError::NotRunning) => {
                let store = self.open_existing().await?;
                let told = audit::perform(&store, ask).await;
                store.backend().close().await;
                Ok(told?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What was decided about a meeting, whether a server runs or not.
    ///
    /// # Errors
    /// What was refused, or the data cannot be reached.
    pub async fn ask_scheduling_log(
        &self,
        ask: &scheduling_log::Ask,
    ) -> Result<Vec<LogEntry>, Failure> {
        match control::ask_scheduling_log(&control::socket_path(&self.data), ask).await {
            Ok(reply) => Ok(reply?),
            Err(AskError::NotRunning) => {
                let store = self.open_existing().await?;
                let url = server::public_url(&self.options, &[]);
                let desk = server::desk(&store, &self.options, &url);
                let told = scheduling_log::perform(&desk, ask).await;
                store.backend().close().await;
                Ok(told?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Free rooms or resources, whether a server runs or not.
    ///
    /// # Errors
    /// What was refused, or the data cannot be reached.
    pub async fn ask_free_resources(&self, ask: &rooms::Ask) -> Result<rooms::Told, Failure> {
        match control::ask_free_resources(&control::socket_path(&self.data), ask).await {
            Ok(reply) => Ok(reply?),
            Err(AskError::NotRunning) => {
                let store = self.open_existing().await?;
                let url = server::public_url(&self.options, &[]);
                let desk = server::desk(&store, &self.options, &url);
                let told = rooms::perform(&desk, ask).await;
                store.backend().close().await;
                Ok(told?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A way to the data for many operations: through the server that runs there, or with the folder opened
    /// once for all of them.
    ///
    /// # Errors
    /// The data cannot be reached.
    pub async fn session(&self) -> Result<Session, Failure> {
        if !self.is_at_rest().await {
            return Ok(Session::Server(control::socket_path(&self.data)));
        }
        let store = self.open_existing().await?;
        let url = server::public_url(&self.options, &[]);
        let desk = server::desk(&store, &self.options, &url);
        Ok(Session::Here(Box::new(desk)))
    }

    /// Whether no server runs there.
    pub async fn is_at_rest(&self) -> bool {
        let socket = control::socket_path(&self.data);
        tokio::net::UnixStream::connect(socket).await.is_err()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Opens the folder, which must be there.
    ///
    /// # Errors
    /// It is not, or cannot be opened.
    pub async fn open_existing(&self) -> Result<Store, Failure> {
        if !self.data.join("format").exists() {
            return Err(format!("{} holds no data", self.data.display()).into());
        }
        self.open().await
    }

    async fn perform_here(&self, operation: Operation) -> Result<Outcome, Failure> {
        let store = self.open().await?;
        let url = server::public_url(&self.options, &[]);
        let accounts = Accounts::new(
            server::desk(&store, &self.options, &url),
            Passwords::new(self.environment.clone(), Argon2Cost::default()),
        )
        .audited(self.options.audit_milliseconds.is_some());
        let outcome = accounts.perform(operation).await;
        store.backend().close().await;
        Ok(outcome?)
    }

    /// Asks about the trash, whether a server runs or not.
    ///
    /// # Errors
    /// What was refused, or the data cannot be reached.
    pub async fn ask_trash(&self, ask: Ask) -> Result<Told, Failure> {
        let told = match control::ask_trash(&control::socket_path(&self.data), &ask).await {
            Ok(told) => told,
            Err(AskError::NotRunning) => {
                let store = self.open().await?;
                let url = server::public_url(&self.options, &[]);
                let desk = server::desk(&store, &self.options, &url);
                let told = trash::perform(&desk, ask).await;
                store.backend().close().await;
                told
            }
            Err(error) => return Err(error.into()),
        };
        match told {
            Told::Refused(why) => Err(why.into()),
            told => Ok(told),
        }
    }

    async fn open(&self) -> Result<Store, Failure> {
        time_zones::put_in_use(self.options.time_zones.as_deref())?;
        let storage = Storage::Folder(self.data.clone());
        match data::open(&storage, self.options.archive.clone(), &self.environment).await {
            Err(StartError::InUse { folder, process }) => {
                let process =
                    process.map_or_else(String::new, |process| format!(" (process {process})"));
                Err(format!(
                    "another command or a server{process} has {} open and does not answer on its control socket; try again",
                    folder.display()
                )
                .into())
            }
            opened => Ok(opened?),
        }
    }
}

/// A way to the data that stays open.
pub enum Session {
    /// The socket of the server that runs there.
    Server(PathBuf),
    /// The folder is ours as long as it lasts.
    Here(Box<Desk>),
}

impl Session {
    /// Lets go of the folder.
    pub async fn close(self) {
        if let Session::Here(desk) = self {
            desk.store().backend().close().await;
        }
    }
}

impl Performer for Session {
    async fn perform(&self, ask: &moving::Ask) -> Result<moving::Told, String> {
        match self {
            Session::Server(socket) => {
                let told = control::ask_moving(socket, ask).await;
                told.map_err(|error| error.to_string())
            }
            Session::Here(desk) => Ok(moving::perform(desk, ask.clone()).await),
        }
    }
}

/// How many lines may wait to be heard.
const LINES: usize = 16;

async fn maintain_here(
    desk: &Desk,
    sync_logs: LogRetention,
    asked: Maintenance,
    mut hear: impl FnMut(Said),
) -> Ended {
    let (said, mut lines) = mpsc::channel(LINES);
    let listen = async {
        let mut ended = None;
        while let Some(line) = lines.recv().await {
            match line {
                Said::Ended(how) => ended = Some(how),
                line => hear(line),
            }
        }
        ended.unwrap_or_else(|| Ended::Failed("it was broken off".to_owned()))
    };
    let ((), ended) = tokio::join!(maintenance::perform(desk, sync_logs, asked, said), listen);
    ended
}
