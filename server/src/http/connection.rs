//! Sockets: bound, accepted, served, and ended within a bounded time.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Peer, Stack,
    phase::Phase,
    timed_stream::{StillnessBounds, TimedStream},
    whole_target::WholeTarget,
};

/// The wait after an error of accept, such as having no file descriptors left.
const ACCEPT_ERROR_PAUSE: Duration = Duration::from_millis(100);
/// Octets of one request's header.
const MAXIMUM_HEADER_OCTETS: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const MAXIMUM_STREAMS: u32 = 100;
/// Octets of a request's body that may be on the way unread, per stream and per connection.
const STREAM_WINDOW_OCTETS: u32 = 256 * 1024;
const CONNECTION_WINDOW_OCTETS: u32 = 1024 * 1024;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionBounds {
    /// Connections at once; further ones wait in the system's queue.
    pub connections: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// See [`StillnessBounds`].
    pub stillness: StillnessBounds,
}

/// Sockets that are bound and do not yet serve.
pub struct Listeners {
    sockets: Vec<(TcpListener, SocketAddr)>,
}

impl Listeners {
    /// Binds all addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// The address that cannot be bound, with the system's reason.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Listeners, (SocketAddr, io::Error)> {
        let mut sockets = Vec::with_capacity(addresses.len());
        for wanted in addresses {
            let socket = TcpListener::bind(wanted)
                .await
                .map_err(|error| (*wanted, error))?;
            let bound = socket.local_addr().map_err(|error| (*wanted, error))?;
            sockets.push((socket, bound));
        }
        Ok(Listeners { sockets })
    }

    /// The addresses, with the ports that were taken.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|(_, address)| *address).collect()
    }
}

/// Accepts and serves connections until it is told to stop.
pub struct Acceptor {
    stop: watch::Sender<bool>,
    /// Each ends with the connections that still live.
    loops: JoinSet<JoinSet<()>>,
    graceful: Arc<GracefulShutdown>,
}

/// What every connection needs.
struct Shared {
    stack: Stack,
    tls: Option<TlsAcceptor>,
    bounds: ConnectionBounds,
    builder: auto::Builder<TokioExecutor>,
    places: Arc<Semaphore>,
}

impl Shared {
    fn new(stack: Stack, tls: Option<TlsAcceptor>, bounds: ConnectionBounds) -> Shared {
        let places = bounds.connections.clamp(1, Semaphore::MAX_PERMITS);
        Shared {
            stack,
            tls,
            bounds,
            builder: builder(),
            places: Arc::new(Semaphore::new(places)),
        }
    }
}

impl Acceptor {
    /// Starts to serve.
    pub fn start(
        listeners: Listeners,
        stack: Stack,
        tls: Option<TlsAcceptor>,
        bounds: ConnectionBounds,
    ) -> Acceptor {
        let shared = Arc::new(Shared::new(stack, tls, bounds));
        let graceful = Arc::new(GracefulShutdown::new());
        let (stop, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        for (socket, _) in listeners.sockets {
            loops.spawn(accept_loop(
                socket,
                Arc::clone(&shared),
                Arc::clone(&graceful),
                stopped.clone(),
            ));
        }
        Acceptor {
            stop,
            loops,
            graceful,
        }
    }

    /// Takes no more connections, ends idle ones, and waits for requests in progress, but not longer
    /// than `deadline`. Says whether all of them ended.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        self.stop.send_replace(true);
        let mut connections = Vec::new();
        while let Some(ended) = self.loops.join_next().await {
            connections.extend(ended.ok());
        }
        // The loops have ended, and with them all other owners.
        let Some(graceful) = Arc::into_inner(self.graceful) else {
            return false;
        };
        tokio::time::timeout(deadline, graceful.shutdown())
            .await
            .is_ok()
        // Here `connections` goes, and with it whatever did not end in time.
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // hyper counts the rest between two requests as part of reading the second one's header, so
        // `TimedStream` bounds both.
        .header_read_timeout(None)
        // `max_headers` is not said: hyper's own bound is 100 fields too (a test holds it to that), and
        // a bound that is said costs an allocation of the table of fields per request.
        .max_buf_size(MAXIMUM_HEADER_OCTETS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAXIMUM_STREAMS)
        .max_header_list_size(MAXIMUM_HEADER_OCTETS as u32)
        .initial_stream_window_size(STREAM_WINDOW_OCTETS)
        .initial_connection_window_size(CONNECTION_WINDOW_OCTETS);
    builder
}

async fn accept_loop(
    socket: TcpListener,
    shared: Arc<Shared>,
    graceful: Arc<GracefulShutdown>,
    mut stopped: watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&socket, &shared.places) => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((stream, address, place)) => {
                connections.spawn(connection(
                    stream,
                    address,
                    Arc::clone(&shared),
                    graceful.watcher(),
                    place,
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_ERROR_PAUSE).await;
            }
        }
    }
    connections
}

async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
    let place = Arc::clone(places).acquire_owned().await.ok();
    let (stream, address) = socket.accept().await?;
    Ok((stream, address, place))
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    shared: Arc<Shared>,
    watcher: Watcher,
    _place: Option<OwnedSemaphorePermit>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    let Some(tls) = &shared.tls else {
        return serve(
            stream,
            Peer {
                address,
                tls: false,
            },
            &shared,
            watcher,
        )
        .await;
    };
    match tokio::time::timeout(shared.bounds.handshake, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, Peer { address, tls: true }, &shared, watcher).await,
        Ok(Err(error)) => tracing::debug!(%address, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    shared: &Shared,
    watcher: Watcher,
) {
    let phase = Phase::default();
    let stream = TimedStream::new(stream, shared.bounds.stillness, phase.clone());
    let served = shared.builder.serve_connection(
        TokioIo::new(WholeTarget::new(stream)),
        shared.stack.for_peer(peer, phase),
    );
    if let Err(error) = watcher.watch(served.into_owned()).await {
        tracing::debug!(address = %peer.address, %error, "a connection ended with an error");
    }
}

/// The same over connections in memory.
#[cfg(test)]
pub mod testing {
    use std::sync::Mutex;

    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// Octets on the way in each direction.
    const PIPE_OCTETS: usize = 64 * 1024;

    /// Serves connections without sockets.
    pub struct Server {
        shared: Arc<Shared>,
        graceful: GracefulShutdown,
        connections: Mutex<JoinSet<()>>,
    }

    impl Server {
        /// A server without TLS.
        pub fn new(stack: Stack, bounds: ConnectionBounds) -> Server {
            Server {
                shared: Arc::new(Shared::new(stack, None, bounds)),
                graceful: GracefulShutdown::new(),
                connections: Mutex::new(JoinSet::new()),
            }
        }

        /// A new connection; the server sees it come from `peer`.
        pub fn connect(&self, peer: &str) -> DuplexStream {
            let (far, near) = duplex(PIPE_OCTETS);
            let peer = Peer {
                address: peer.parse().expect("an address"),
                tls: false,
            };
            let (shared, watcher) = (Arc::clone(&self.shared), self.graceful.watcher());
            let mut connections = self.connections.lock().expect("whole");
            connections.spawn(async move { serve(near, peer, &shared, watcher).await });
            far
        }

        /// See [`Acceptor::stop`].
        pub async fn stop(self, deadline: Duration) -> bool {
            tokio::time::timeout(deadline, self.graceful.shutdown())
                .await
                .is_ok()
        }
    }
}
