//! A command's end.

use std::{io, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{
    AuditReply, Errand, FreeResourcesReply, Line, MAXIMUM_LINE_OCTETS, MailReply, Reply,
    SchedulingLogReply, TrashLine,
};
use crate::{
    accounts::Operation,
    audit,
    mail::MailOperation,
    maintenance::{Ended, Maintenance, Said},
    moving, rooms, scheduling_log, trash,
};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No server runs on this data.
    #[error("no server runs")]
    NotRunning,
    /// The server went away, or the socket is not ours to open.
    #[error("the running server cannot be asked: {0}")]
    Broken(#[from] io::Error),
}

/// Asks the server that runs on a data folder.
///
/// # Errors
/// See [`AskError`].
pub async fn ask(socket: &Path, operation: &Operation) -> Result<Reply, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, operation).await?;
    let line: Line = receive(&mut BufReader::new(stream)).await?;
    Ok(line.into())
}

/// Asks it about its mail.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_mail(socket: &Path, operation: &MailOperation) -> Result<MailReply, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, &Errand::Mail(operation.clone())).await?;
    receive(&mut BufReader::new(stream)).await
}

/// Asks it for a part of the audit.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_audit(socket: &Path, ask: &audit::Ask) -> Result<AuditReply, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, &Errand::Audit(ask.clone())).await?;
    receive(&mut BufReader::new(stream)).await
}

/// Asks it what was decided about a meeting.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_scheduling_log(
    socket: &Path,
    ask: &scheduling_log::Ask,
) -> Result<SchedulingLogReply, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, &Errand::SchedulingLog(ask.clone())).await?;
    receive(&mut BufReader::new(stream)).await
}

/// Asks it for free rooms or resources.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_free_resources(
    socket: &Path,
    ask: &rooms::Ask,
) -> Result<FreeResourcesReply, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, &Errand::FreeResources(ask.clone())).await?;
    receive(&mut BufReader::new(stream)).await
}

/// Asks it about calendars that move in or out.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_moving(socket: &Path, ask: &moving::Ask) -> Result<moving::Told, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, &Errand::Moving(ask.clone())).await?;
    receive(&mut BufReader::new(stream)).await
}

/// Asks it about the trash.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_trash(socket: &Path, ask: &trash::Ask) -> Result<trash::Told, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, ask).await?;
    Ok(match receive(&mut BufReader::new(stream)).await? {
        TrashLine::Told(told) => told,
        // A server that does not know the question.
        TrashLine::Line(Line::Refused(error)) => trash::Told::Refused(error.to_string()),
        TrashLine::Line(Line::Done(_)) => {
            trash::Told::Refused("the running server answered something else".to_owned())
        }
    })
}

/// Lets the server look after the data, and hears what it says up to the end, which is returned.
///
/// # Errors
/// See [`AskError`].
pub async fn maintain(
    socket: &Path,
    maintenance: &Maintenance,
    mut hear: impl FnMut(Said),
) -> Result<Ended, AskError> {
    let mut stream = connect(socket).await?;
    send(&mut stream, maintenance).await?;
    let mut lines = BufReader::new(stream);
    loop {
        match receive(&mut lines).await? {
            Said::Ended(ended) => return Ok(ended),
            said => hear(said),
        }
    }
}

pub(super) async fn connect(socket: &Path) -> Result<UnixStream, AskError> {
    match UnixStream::connect(socket).await {
        Ok(stream) => Ok(stream),
        // No file, or one whose server died.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Err(AskError::NotRunning)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn send(
    stream: &mut UnixStream,
    request: &impl Serialize,
) -> Result<(), AskError> {
    let mut line = serde_json::to_vec(request).map_err(io::Error::from)?;
    line.push(b'\n');
    Ok(stream.write_all(&line).await?)
}

async fn receive<T: DeserializeOwned>(lines: &mut BufReader<UnixStream>) -> Result<T, AskError> {
    let mut reply = Vec::new();
    lines
        .take(MAXIMUM_LINE_OCTETS)
        .read_until(b'\n', &mut reply)
        .await?;
    if reply.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(serde_json::from_slice(&reply).map_err(io::Error::from)?)
}
