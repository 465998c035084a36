//! A load of HTTP requests on a number of connections, as cheap for this side as can be: requests are
//! octets made ahead of sending, answers are read up to their length and counted.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::child::{Child, Usage};

/// What one measurement found.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub connections: usize,
    pub requests: u64,
    pub per_second: f64,
    pub median_microseconds: u64,
    pub percentile_99_microseconds: u64,
    pub slowest_microseconds: u64,
    /// Processor time of the server's process, user and system, per request.
    pub server_cpu_microseconds_per_request: f64,
    pub server_resident_mib_after: f64,
}

/// Sends requests for a time, each connection one after another. `request(connection, number)` gives the
/// octets; every answer must have the status; 0 stands for any success.
pub async fn run<F>(
    server: &Child,
    connections: usize,
    time: Duration,
    status: u16,
    request: F,
) -> Measured
where
    F: Fn(usize, u64) -> Vec<u8> + Clone + 'static,
{
    let until = Limit::Time(Instant::now() + time);
    measure(server, connections, until, status, request).await
}

/// The same for a number of requests on each connection.
pub async fn run_number<F>(
    server: &Child,
    connections: usize,
    number: u64,
    status: u16,
    request: F,
) -> Measured
where
    F: Fn(usize, u64) -> Vec<u8> + Clone + 'static,
{
    measure(server, connections, Limit::Number(number), status, request).await
}

#[derive(Clone, Copy)]
enum Limit {
    Time(Instant),
    Number(u64),
}

impl Limit {
    fn reached(self, number: u64) -> bool {
        match self {
            Limit::Time(until) => Instant::now() >= until,
            Limit::Number(limit) => number >= limit,
        }
    }
}

async fn measure<F>(
    server: &Child,
    connections: usize,
    limit: Limit,
    status: u16,
    request: F,
) -> Measured
where
    F: Fn(usize, u64) -> Vec<u8> + Clone + 'static,
{
    let local = tokio::task::LocalSet::new();
    let before = server.usage();
    let started = Instant::now();
    let address = server.address.clone();
    let mut latencies = local
        .run_until(async move {
            let mut tasks = JoinSet::new();
            for connection in 0..connections {
                let (address, request) = (address.clone(), request.clone());
                tasks.spawn_local(async move {
                    one_connection(&address, connection, limit, status, request).await
                });
            }
            let mut all = Vec::new();
            while let Some(latencies) = tasks.join_next().await {
                all.extend(latencies.expect("a connection of the load does not fail"));
            }
            all
        })
        .await;
    let elapsed = started.elapsed();
    summary(
        connections,
        elapsed,
        &before,
        &server.usage(),
        &mut latencies,
    )
}

async fn one_connection<F>(
    address: &str,
    connection: usize,
    limit: Limit,
    status: u16,
    request: F,
) -> Vec<u32>
where
    F: Fn(usize, u64) -> Vec<u8>,
{
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(8192);
    let mut number = 0;
    while !limit.reached(number) {
        let octets = request(connection, number);
        let sent = Instant::now();
        stream.write_all(&octets).await.expect("the server reads");
        read_answer(&mut stream, &mut buffer, status).await;
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        number += 1;
    }
    latencies
}

/// Reads an answer to its end, as it came, and gives the length of its head.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, status: u16) -> usize {
    buffer.clear();
    let head = loop {
        read_more(stream, buffer).await;
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).expect("headers are ASCII");
    let got: u16 = text[9..12].parse().expect("a status line");
    match length_of(text) {
        Some(length) => {
            while buffer.len() < head + length {
                read_more(stream, buffer).await;
            }
        }
        None => {
            let mut at = head;
            while let Some(next) = next_chunk(buffer, at) {
                match next {
                    Chunk::At(data) if data.is_empty() => break,
                    Chunk::At(data) => at = data.end + 2,
                    Chunk::Unread => read_more(stream, buffer).await,
                }
            }
        }
    }
    assert!(
        status == 0 && got < 300 || got == status,
        "{got}: {}",
        String::from_utf8_lossy(buffer)
    );
    head
}

async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.reserve(READ_OCTETS);
    assert_ne!(
        stream.read_buf(buffer).await.expect("the server answers"),
        0,
        "the server closed the connection"
    );
}

/// Room for octets that are read at once.
const READ_OCTETS: usize = 64 * 1024;

/// What Content-Length says; `None` where the body comes in chunks.
fn length_of(head: &str) -> Option<usize> {
    let value = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    if value("transfer-encoding").is_some() {
        return None;
    }
    Some(value("content-length").map_or(0, |length| length.parse().expect("a length")))
}

/// A chunk of a body (RFC 9112 §7.1).
enum Chunk {
    /// Its data stand there; the last has none.
    At(std::ops::Range<usize>),
    /// Not all of it was read.
    Unread,
}

fn next_chunk(buffer: &[u8], at: usize) -> Option<Chunk> {
    let rest = &buffer[at..];
    let Some(end) = rest.windows(2).take(20).position(|two| two == b"\r\n") else {
        return Some(Chunk::Unread);
    };
    let size = std::str::from_utf8(&rest[..end]).ok()?;
    let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
    let start = at + end + 2;
    if buffer.len() < start + size + 2 {
        return Some(Chunk::Unread);
    }
    Some(Chunk::At(start..start + size))
}

/// A connection for requests whose answers are looked at.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// A connection to a server.
    pub async fn open(server: &Child) -> Connection {
        let stream = TcpStream::connect(&server.address)
            .await
            .expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        Connection {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends a request, and gives the time until the whole answer was read.
    pub async fn time(&mut self, request: &[u8], status: u16) -> Duration {
        let sent = Instant::now();
        self.stream
            .write_all(request)
            .await
            .expect("the server reads");
        read_answer(&mut self.stream, &mut self.buffer, status).await;
        sent.elapsed()
    }

    /// Sends a request, and gives the body of the answer.
    pub async fn ask(&mut self, request: &[u8], status: u16) -> String {
        self.stream
            .write_all(request)
            .await
            .expect("the server reads");
        let head = read_answer(&mut self.stream, &mut self.buffer, status).await;
        let text = std::str::from_utf8(&self.buffer[..head]).expect("headers are ASCII");
        let mut body = Vec::new();
        if length_of(text).is_some() {
            body.extend_from_slice(&self.buffer[head..]);
        } else {
            let mut at = head;
            while let Some(Chunk::At(data)) = next_chunk(&self.buffer, at) {
                if data.is_empty() {
                    break;
                }
                at = data.end + 2;
                body.extend_from_slice(&self.buffer[data]);
            }
        }
        String::from_utf8(body).expect("text")
    }
}

fn summary(
    connections: usize,
    elapsed: Duration,
    before: &Usage,
    after: &Usage,
    latencies: &mut [u32],
) -> Measured {
    latencies.sort_unstable();
    let at = |share: f64| {
        latencies
            .get((latencies.len() as f64 * share) as usize)
            .copied()
            .unwrap_or_default()
            .into()
    };
    let requests = latencies.len() as u64;
    Measured {
        connections,
        requests,
        per_second: requests as f64 / elapsed.as_secs_f64(),
        median_microseconds: at(0.5),
        percentile_99_microseconds: at(0.99),
        slowest_microseconds: latencies.last().copied().unwrap_or_default().into(),
        server_cpu_microseconds_per_request: (after.cpu - before.cpu).as_micros() as f64
            / requests as f64,
        server_resident_mib_after: after.resident_mib,
    }
}
