//! A command's end.

use std::{io, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{Line, MAXIMUM_LINE_OCTETS, Reply, TrashLine};
use crate::{accounts::Operation, trash};

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
    let line: Line = exchange(socket, operation).await?;
    Ok(line.into())
}

/// Asks it about the trash.
///
/// # Errors
/// See [`AskError`].
pub async fn ask_trash(socket: &Path, ask: &trash::Ask) -> Result<trash::Told, AskError> {
    let answer = exchange(socket, ask).await?;
    Ok(match answer {
        TrashLine::Told(told) => told,
        // A server that does not know the question.
        TrashLine::Line(Line::Refused(error)) => trash::Told::Refused(error.to_string()),
        TrashLine::Line(Line::Done(_)) => {
            trash::Told::Refused("the running server answered something else".to_owned())
        }
    })
}

/// One line there, one line back.
async fn exchange<A: DeserializeOwned>(
    socket: &Path,
    question: &impl Serialize,
) -> Result<A, AskError> {
    let mut stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        // No file, or one whose server died.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Err(AskError::NotRunning);
        }
        Err(error) => return Err(error.into()),
    };
    let mut line = serde_json::to_vec(question).map_err(io::Error::from)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut reply = Vec::new();
    BufReader::new(stream)
        .take(MAXIMUM_LINE_OCTETS)
        .read_until(b'\n', &mut reply)
        .await?;
    if reply.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(serde_json::from_slice(&reply).map_err(io::Error::from)?)
}
