//! The servers under load, as processes of their own, and what they use.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use server::configuration::LogFormat;

/// A server process. Killed when dropped, asked to stop by `stop`.
pub struct Child {
    process: std::process::Child,
    pub address: String,
}

/// What a process has used so far.
pub struct Usage {
    pub cpu: Duration,
    pub resident_mib: f64,
}

impl Child {
    /// Starts this program again in another role; the child prints its address.
    pub fn start(arguments: &[&str]) -> Child {
        Child::start_program(
            &std::env::current_exe().expect("this program's path"),
            arguments,
        )
    }

    /// The same with the program of another build.
    pub fn start_program(program: &Path, arguments: &[&str]) -> Child {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let mut address = String::new();
        BufReader::new(process.stdout.take().expect("piped"))
            .read_line(&mut address)
            .expect("the child prints its address");
        assert!(!address.is_empty(), "the child did not start");
        Child {
            process,
            address: address.trim().to_owned(),
        }
    }

    /// Reads /proc: user and system time, resident memory.
    pub fn usage(&self) -> Usage {
        let id = self.process.id().to_string();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the child runs");
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or("0");
        let kib: f64 = resident
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap_or(0.0);
        Usage {
            cpu: cpu(&id),
            resident_mib: kib / 1024.0,
        }
    }

    /// Ends the child as a power cut of its process would (SIGKILL), and waits.
    pub fn kill(&mut self) {
        self.process.kill().expect("the child runs");
        self.process.wait().expect("the child ends");
    }

    /// Ends the child by closing its input, and waits.
    pub fn stop(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("the child ends");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// User and system time of this process.
pub fn own_cpu() -> Duration {
    cpu("self")
}

fn cpu(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap_or(0);
    Duration::from_micros(
        (ticks(11) + ticks(12)) * 1_000_000 / rustix::param::clock_ticks_per_second(),
    )
}

fn print_address(address: &str) {
    println!("{address}");
    std::io::stdout().flush().expect("the parent reads");
}

/// Returns when the parent closes this process's input.
async fn until_parent_leaves() {
    tokio::task::spawn_blocking(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
    })
    .await
    .expect("reading does not panic");
}

/// A bare hyper server that answers everything with 1,000 octets.
pub fn bare_server() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        print_address(&listener.local_addr().expect("bound").to_string());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepts");
                stream.set_nodelay(true).expect("a socket option");
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(|_| async {
                        const OCTETS: &[u8] = &[b'x'; 1000];
                        Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(
                            Bytes::from_static(OCTETS),
                        )))
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        until_parent_leaves().await;
    });
    runtime.shutdown_background();
}

/// Convoke on the real store, as `convoke serve` runs it.
pub fn convoke_server(folder: &Path) {
    server::logging::start("info", LogFormat::default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let server = tests::server::TestServer::start_on(folder).await;
        print_address(server.address());
        until_parent_leaves().await;
        server.stop().await;
    });
}
