//! The server's end.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use scheduling::Desk;
use serde::Serialize;
use storage::LogRetention;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{Errand, Line, MAXIMUM_LINE_OCTETS, Request, TrashLine, backup};
use crate::{
    accounts::{Accounts, AccountsError},
    audit, mail,
    maintenance::{self, Maintenance, Said},
    moving, rooms, scheduling_log, trash,
};

/// Connections at once; nobody needs more than a few commands.
const MAXIMUM_CONNECTIONS: usize = 16;
/// The wait after an error of accept.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What a connection may ask for.
#[derive(Clone)]
pub struct Served {
    /// The accounts.
    pub accounts: Accounts,
    /// The data.
    pub desk: Desk,
    /// How much of the change logs is kept.
    pub sync_logs: LogRetention,
}

/// Lines on their way to whoever asked.
const LINES: usize = 16;

/// A control socket that answers until it is stopped.
pub struct Control {
    path: PathBuf,
    stop: watch::Sender<bool>,
    task: JoinSet<()>,
}

impl Control {
    /// Makes the socket, in place of one that a dead server left. The caller holds the data folder's
    /// lock, so no living server has it.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn start(path: PathBuf, served: Served) -> io::Result<Control> {
        let listener = listen(&path)?;
        let (stop, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(serve(listener, served, stopped));
        Ok(Control { path, stop, task })
    }

    /// Lets commands in progress finish, and removes the socket.
    pub async fn stop(mut self, deadline: Duration) {
        self.stop.send_replace(true);
        let ended = async { while self.task.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, ended).await.is_err() {
            tracing::warn!("a command on the control socket did not end in time");
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket was gone already");
        }
    }
}

/// The socket gets its name only when it is its owner's only.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let unnamed = path.with_extension("new");
    match fs::remove_file(&unnamed) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&unnamed)?;
    fs::set_permissions(&unnamed, fs::Permissions::from_mode(0o600))?;
    fs::rename(&unnamed, path)?;
    Ok(listener)
}

async fn serve(listener: UnixListener, served: Served, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < MAXIMUM_CONNECTIONS;
        tokio::select! {
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, served.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a command could not be accepted");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(mut stream: UnixStream, served: Served, mut stopped: watch::Receiver<bool>) {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut lines).take(MAXIMUM_LINE_OCTETS);
        let read = tokio::select! {
            read = bounded.read_until(b'\n', &mut line) => read,
            _ = stopped.changed() => return,
        };
        if !matches!(read, Ok(octets) if octets > 0) || line.last() != Some(&b'\n') {
            return;
        }
        let reply = match serde_json::from_slice(&line) {
            Ok(Request::Maintenance(asked)) => {
                let done = tokio::select! {
                    done = maintain(&served, asked, &mut write) => done,
                    () = hang_up(&mut lines) => return,
                    _ = stopped.changed() => return,
                };
                if done.is_err() {
                    return;
                }
                continue;
            }
            Ok(Request::Accounts(operation)) => {
                encode(&Line::from(served.accounts.perform(operation).await))
            }
            Ok(Request::Trash(ask)) => {
                encode(&TrashLine::Told(trash::perform(&served.desk, ask).await))
            }
            Ok(Request::Errand(Errand::Mail(operation))) => {
                encode(&mail::perform_mail(&served.desk, operation).await)
            }
            Ok(Request::Errand(Errand::Audit(ask))) => {
                encode(&audit::perform(served.desk.store(), &ask).await)
            }
            Ok(Request::Errand(Errand::SchedulingLog(ask))) => {
                encode(&scheduling_log::perform(&served.desk, &ask).await)
            }
            Ok(Request::Errand(Errand::FreeResources(ask))) => {
                encode(&rooms::perform(&served.desk, &ask).await)
            }
            Ok(Request::Errand(Errand::Moving(ask))) => {
                encode(&moving::perform(&served.desk, ask).await)
            }
            Ok(Request::Errand(Errand::Backup)) => {
                let store = served.desk.store().clone();
                let sent = backup::send(store, &mut write, stopped.clone()).await;
                if let Err(error) = sent {
                    tracing::debug!(%error, "whoever wanted a backup went away");
                    return;
                }
                continue;
            }
            Err(error) => encode(&Line::from(Err(not_understood(&error)))),
        };
        if write.write_all(&reply).await.is_err() {
            return;
        }
    }
}

/// Returns when the other end is closed; never, where it asks for more already.
async fn hang_up(lines: &mut (impl AsyncBufRead + Unpin)) {
    if matches!(lines.fill_buf().await, Ok(more) if !more.is_empty()) {
        std::future::pending::<()>().await;
    }
}

/// Looks after the data, as long as whoever asked is there to hear of it.
async fn maintain(
    served: &Served,
    asked: Maintenance,
    write: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let (said, mut lines) = mpsc::channel::<Said>(LINES);
    let work = maintenance::perform(&served.desk, served.sync_logs, asked, said);
    let pass_on = async {
        while let Some(line) = lines.recv().await {
            write.write_all(&encode(&line)).await?;
        }
        Ok(())
    };
    // What is passed on ends with the work; where it fails, the work is dropped at its next step.
    let mut pass_on = std::pin::pin!(pass_on);
    tokio::select! {
        passed = &mut pass_on => passed,
        () = work => pass_on.await,
    }
}

fn not_understood(error: &serde_json::Error) -> AccountsError {
    AccountsError {
        entry: None,
        what: format!(
            "the running server does not understand the command ({error}); is it of another version?"
        ),
    }
}

fn encode(line: &impl Serialize) -> Vec<u8> {
    let mut octets = serde_json::to_vec(line).expect("plain values always encode");
    octets.push(b'\n');
    octets
}
