//! Runs a server until somebody wants it to stop.

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::server::{Options, Running, Server};

/// Starts a server, calls `started`, waits for SIGINT (Ctrl-C) or SIGTERM, and stops it gracefully. A
/// second signal ends the process at once.
///
/// # Errors
/// The server does not start.
pub async fn until_signal(
    options: Options,
    started: impl AsyncFnOnce(&Running) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = Server::start(options).await?;
    if let Err(failure) = started(&running).await {
        running.shutdown().await;
        return Err(failure);
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = running.shutdown() => {
            tracing::info!("stopped");
            Ok(())
        }
        _ = interrupt.recv() => Err("stopped at once, at a second signal".into()),
        _ = terminate.recv() => Err("stopped at once, at a second signal".into()),
    }
}
