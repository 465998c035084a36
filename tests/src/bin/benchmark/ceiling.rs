//! What the machine can do at all: requests without a server behind them, and synced appends.

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{child::Child, load};

/// The bare server's rates.
#[derive(Clone, Debug, Serialize)]
pub struct Bare {
    pub connections_1: load::Measured,
    pub connections_16: load::Measured,
}

/// Measures the bare server.
pub async fn bare(time: Duration) -> Bare {
    let server = Child::start(&["child-bare"]);
    let request = |_, _| b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    let connections_1 = load::run(&server, 1, time, 200, request).await;
    let connections_16 = load::run(&server, 16, time, 200, request).await;
    server.stop();
    Bare {
        connections_1,
        connections_16,
    }
}

/// Appends of 4 KiB, each followed by fdatasync, per second.
pub fn appends(folder: &Path, time: Duration) -> f64 {
    let path = folder.join("appends");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .expect("a file in the folder");
    let block = [0x5a; 4096];
    let started = Instant::now();
    let mut count = 0u64;
    while started.elapsed() < time {
        file.write_all(&block).expect("room on the disk");
        file.sync_data().expect("a sync");
        count += 1;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    std::fs::remove_file(path).expect("the file is ours");
    rate
}
