//! How fast Convoke is on this machine, beside what the machine can do at all.
//!
//! Starts its own servers as child processes (so that their processor time and memory are theirs
//! alone): a bare hyper server that answers 1,000 octets, and Convoke on the real store. In the same
//! run it appends 4 KiB with fdatasync to a file beside the store. Everything is printed as one JSON
//! object; absolute figures belong to the machine, the ratios are what counts.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod ceiling;
mod child;
mod convoke;
mod load;
mod shares;

use std::{path::PathBuf, time::Duration};

use storage::model::PrincipalKind;

const HELP: &str = "\
usage: benchmark [--seconds N] [--preload N] [--folder DIR] [--output FILE]
  --seconds N   how long each measurement of PUT and GET is sustained (default 60; the smaller ones take a sixth)
  --preload N   objects in the account for the comparison of a full account with an empty one (default 100000)
  --folder DIR  where the store and the test file are put (default: a temporary folder)
  --output FILE also writes the JSON there";

struct Arguments {
    seconds: u64,
    preload: usize,
    folder: Option<PathBuf>,
    output: Option<PathBuf>,
}

fn main() {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("child-bare") => return child::bare_server(),
        Some("child-convoke") => {
            return child::convoke_server(&PathBuf::from(words.next().expect("a folder")));
        }
        _ => {}
    }
    let arguments = arguments();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = arguments
        .folder
        .clone()
        .unwrap_or_else(|| temporary.path().to_path_buf());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let sustained = Duration::from_secs(arguments.seconds);
    let short = Duration::from_secs((arguments.seconds / 6).max(2));

    let report = runtime.block_on(async {
        eprintln!("ceilings: a bare server, and appends with fdatasync");
        let bare = ceiling::bare(short).await;
        let sync = ceiling::appends(&folder, short);
        eprintln!("convoke");
        let convoke = convoke::measure(&folder, sustained, arguments.preload).await;
        eprintln!("shares of the cost");
        let account = tests::server::principal(PrincipalKind::User, "shares", "Shares");
        let shares = shares::measure(&folder, &bare, &convoke, account).await;
        serde_json::json!({
            "seconds_per_measurement": arguments.seconds,
            "ceiling": { "bare_server": bare, "append_4_kib_with_fdatasync_per_second": sync },
            "convoke": convoke,
            "cpu_of_put_16": shares,
            "ratios": {
                "put_16_to_bare_16 (to reach 0.10, aim 0.20)": convoke.put_16.per_second / bare.connections_16.per_second,
                "get_16_to_bare_16 (to reach 0.50)": convoke.get_16.per_second / bare.connections_16.per_second,
                "get_1_to_bare_1 (to reach 0.50)": convoke.get_1.per_second / bare.connections_1.per_second,
                "put_1_to_appends (to reach 0.33, aim 0.50)": convoke.put_1.per_second / sync,
                "put_1_in_a_full_account_to_an_empty_one": convoke.put_1_full.per_second / convoke.put_1.per_second,
                "put_16_in_a_full_account_to_an_empty_one": convoke.put_16_full.per_second / convoke.put_16.per_second,
            },
        })
    });
    let text = serde_json::to_string_pretty(&report).expect("plain values");
    println!("{text}");
    if let Some(output) = &arguments.output {
        std::fs::write(output, text + "\n").expect("the output file can be written");
    }
}

fn arguments() -> Arguments {
    let mut arguments = Arguments {
        seconds: 60,
        preload: 100_000,
        folder: None,
        output: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| usage());
        match word.as_str() {
            "--seconds" => arguments.seconds = value().parse().unwrap_or_else(|_| usage()),
            "--preload" => arguments.preload = value().parse().unwrap_or_else(|_| usage()),
            "--folder" => arguments.folder = Some(value().into()),
            "--output" => arguments.output = Some(value().into()),
            _ => usage(),
        }
    }
    arguments
}

fn usage() -> ! {
    eprintln!("{HELP}");
    std::process::exit(2)
}
