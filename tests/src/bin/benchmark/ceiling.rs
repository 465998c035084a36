//! What the machine can do at all: requests without a server behind them, and synced appends.

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use crate::{child::Child, load};

/// A slice of requests to the bare server.
pub async fn bare(server: &Child, connections: usize, time: Duration) -> load::Measured {
    let request = |_, _| b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    load::run(server, connections, time, 200, request).await
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
