//! The server's end.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use scheduling::Desk;
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
};

use super::{Line, MAXIMUM_LINE_OCTETS, TrashLine};
use crate::{
    accounts::{Accounts, AccountsError, Operation},
    trash,
};

/// Connections at once; nobody needs more than a few commands.
const MAXIMUM_CONNECTIONS: usize = 16;
/// The wait after an error of accept.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

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
    pub fn start(path: PathBuf, accounts: Accounts, desk: Desk) -> io::Result<Control> {
        let listener = listen(&path)?;
        let (stop, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(serve(listener, Hands { accounts, desk }, stopped));
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

/// What does the work.
#[derive(Clone)]
struct Hands {
    accounts: Accounts,
    desk: Desk,
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

async fn serve(listener: UnixListener, hands: Hands, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < MAXIMUM_CONNECTIONS;
        tokio::select! {
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, hands.clone(), stopped.clone()));
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

async fn connection(mut stream: UnixStream, hands: Hands, mut stopped: watch::Receiver<bool>) {
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
        let reply = answer(&line, &hands).await;
        if write.write_all(&reply).await.is_err() {
            return;
        }
    }
}

async fn answer(line: &[u8], hands: &Hands) -> Vec<u8> {
    let mut octets = match serde_json::from_slice::<Operation>(line) {
        Ok(operation) => encoded(&Line::from(hands.accounts.perform(operation).await)),
        Err(error) => match serde_json::from_slice::<trash::Ask>(line) {
            Ok(ask) => encoded(&TrashLine::Told(trash::perform(&hands.desk, ask).await)),
            Err(_) => encoded(&Line::from(Err(not_understood(&error)))),
        },
    };
    octets.push(b'\n');
    octets
}

fn not_understood(error: &serde_json::Error) -> AccountsError {
    AccountsError {
        entry: None,
        what: format!(
            "the running server does not understand the command ({error}); is it of another version?"
        ),
    }
}

fn encoded(line: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(line).expect("plain values always encode")
}
