//! A backup over the control socket. The server streams it, so that the file is made by, and belongs
//! to, whoever asked.
//!
//! Pieces follow the request, each with its length in front (32 bits, the highest octet first); one of
//! length 0 ends them, and a line of JSON says how it went. Without that line it went wrong.

use std::{io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use storage::{Revision, Store, Timestamp, backend::Committed};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{mpsc, watch},
};

use super::{AskError, Errand, MAXIMUM_LINE_OCTETS, client};

/// The longest piece.
const MAXIMUM_PIECE_OCTETS: usize = 1024 * 1024;
/// Pieces that are made ahead of a slow reader.
const PIECES_AHEAD: usize = 4;
/// A reader who takes no piece for so long has gone.
const PIECE_TIME: Duration = Duration::from_secs(60);

/// The newest commit in a backup, as it stands on the line.
#[derive(Serialize, Deserialize)]
struct Through {
    revision: Revision,
    time: Timestamp,
}

/// Hands pieces to the connection's task.
struct Pieces(mpsc::Sender<Vec<u8>>);

impl io::Write for Pieces {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let piece = &octets[..octets.len().min(MAXIMUM_PIECE_OCTETS)];
        let sent = self.0.blocking_send(piece.to_vec());
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The server's end: sends a backup.
pub(super) async fn send(
    store: Store,
    out: &mut (impl AsyncWrite + Unpin),
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let (sender, mut pieces) = mpsc::channel(PIECES_AHEAD);
    let making = tokio::task::spawn_blocking(move || {
        let mut out = Pieces(sender);
        store.backend().backup(&mut out, &mut || !*stopped.borrow())
    });
    while let Some(piece) = pieces.recv().await {
        let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
        let written = async {
            out.write_all(&length.to_be_bytes()).await?;
            out.write_all(&piece).await
        };
        tokio::time::timeout(PIECE_TIME, written)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    }
    let outcome = match making.await {
        Ok(Ok(through)) => Ok(Through {
            revision: through.revision,
            time: through.time,
        }),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let mut end = 0_u32.to_be_bytes().to_vec();
    end.extend(serde_json::to_vec(&outcome).map_err(io::Error::from)?);
    end.push(b'\n');
    out.write_all(&end).await
}

/// A command's end: has the server that runs on a data folder make a backup, and hands its octets on.
/// The inner error is the server's.
///
/// # Errors
/// See [`AskError`]; those of `take` too.
pub async fn receive(
    socket: &Path,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Result<Committed, String>, AskError> {
    let mut stream = client::connect(socket).await?;
    client::send(&mut stream, &Errand::Backup).await?;
    let mut stream = BufReader::new(stream);
    let mut piece = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        if length > MAXIMUM_PIECE_OCTETS {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        piece.resize(length, 0);
        stream.read_exact(&mut piece).await?;
        take(&piece)?;
    }
    let mut line = Vec::new();
    let mut bounded = stream.take(MAXIMUM_LINE_OCTETS);
    bounded.read_until(b'\n', &mut line).await?;
    let outcome: Result<Through, String> =
        serde_json::from_slice(&line).map_err(io::Error::from)?;
    Ok(outcome.map(|through| Committed {
        revision: through.revision,
        time: through.time,
    }))
}
