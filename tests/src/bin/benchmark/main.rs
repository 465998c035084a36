//! How fast Convoke is on this machine, beside what the machine can do at all.
//!
//! Starts its own servers as child processes (so that their processor time and memory are theirs
//! alone): a bare hyper server that answers 1,000 octets, and Convoke on the real store. In the same
//! run it appends 4 KiB with fdatasync to a file beside the store. Everything is printed as one JSON
//! object; absolute figures belong to the machine, the ratios are what counts.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod against;
mod alternating;
mod ceiling;
mod child;
mod convoke;
mod load;
mod queries;
mod rights;
mod scheduling;
mod shares;
mod size;

use std::{path::PathBuf, time::Duration};

use storage::model::PrincipalKind;

/// Each measurement is cut into so many slices, with the ceiling measured between them.
const SLICES: u32 = 6;

const HELP: &str = "\
usage: benchmark [--seconds N] [--preload N] [--folder DIR] [--output FILE]
       benchmark --objects N [--folder DIR] [--output FILE]
       benchmark --against PROGRAM [--seconds N] [--folder DIR] [--output FILE]
       benchmark --queries [--folder DIR] [--output FILE]
       benchmark --rights [--seconds N] [--folder DIR] [--output FILE]
       benchmark --scheduling [--folder DIR] [--output FILE]
  --seconds N   how long each measurement of PUT and GET is sustained (default 60)
  --preload N   objects in the account for the comparison of a full account with an empty one (default 100000)
  --objects N   instead of all that: fill a store with so many objects, and measure what it takes
  --against PROGRAM
                instead of all that: compare the processor time per request with that of another build,
                whose benchmark program this is, in five alternating runs for each kind of request
  --queries     instead of all that: calendar-query, listings, synchronisation and free-busy on calendars of
                1,000, 10,000 and 50,000 objects; prints a table on standard error
  --rights      instead of all that: compare the processor time per request on a calendar with 200 access control
                entries, the deciding one about a group nested five deep, with that on one without entries,
                in five alternating runs for each kind of request
  --scheduling  instead of all that: PUT with ten attendees, sixteen organizers, busy times of 50 people, replies
                into meetings of 2 and 200, a meeting of 1,000; prints a table on standard error
  --folder DIR  where the store and the test file are put (default: a temporary folder)
  --output FILE also writes the JSON there";

struct Arguments {
    seconds: u64,
    preload: usize,
    objects: Option<u64>,
    against: Option<PathBuf>,
    queries: bool,
    rights: bool,
    scheduling: bool,
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
    let slices = convoke::Slices {
        count: SLICES,
        of_convoke: Duration::from_secs(arguments.seconds) / SLICES,
        of_ceiling: (Duration::from_secs(arguments.seconds) / SLICES / 5)
            .max(Duration::from_secs(1)),
    };

    let report = runtime.block_on(async {
        if let Some(objects) = arguments.objects {
            return serde_json::json!(size::measure(&folder, objects).await);
        }
        if let Some(other) = &arguments.against {
            let time = Duration::from_secs(arguments.seconds);
            return serde_json::json!(against::measure(&folder, other, time).await);
        }
        if arguments.rights {
            let time = Duration::from_secs(arguments.seconds);
            return serde_json::json!(rights::measure(&folder, time).await);
        }
        if arguments.scheduling {
            let measured = scheduling::measure(&folder).await;
            eprintln!("{}", measured.table());
            return serde_json::json!(measured);
        }
        let bare = child::Child::start(&["child-bare"]);
        if arguments.queries {
            let measured = queries::measure(&folder, &bare).await;
            bare.stop();
            eprintln!("{}", measured.table());
            return serde_json::json!(measured);
        }
        let ceiling_1 = ceiling::bare(&bare, 1, slices.of_ceiling).await;
        let ceiling_16 = ceiling::bare(&bare, 16, slices.of_ceiling).await;
        let convoke = convoke::measure(&folder, &bare, slices, arguments.preload).await;
        let account = tests::server::principal(PrincipalKind::User, "shares", "Shares");
        let http = ceiling_16.server_cpu_microseconds_per_request;
        let shares = shares::measure(&folder, http, &convoke, account).await;
        bare.stop();
        serde_json::json!({
            "seconds_per_measurement": arguments.seconds,
            "ratios": {
                "put_1_to_synced_appends (to reach 0.33, aim 0.50)": convoke.put_1.ratio_to_ceiling,
                "put_16_to_bare_server (to reach 0.10, aim 0.20)": convoke.put_16.ratio_to_ceiling,
                "get_1_to_bare_server (to reach 0.50)": convoke.get_1.ratio_to_ceiling,
                "get_16_to_bare_server (to reach 0.50)": convoke.get_16.ratio_to_ceiling,
                "put_1_in_a_full_account_to_synced_appends": convoke.put_1_full.ratio_to_ceiling,
                "put_16_in_a_full_account_to_bare_server": convoke.put_16_full.ratio_to_ceiling,
            },
            "cpu_of_put_16": shares,
            "bare_server": { "connections_1": ceiling_1, "connections_16": ceiling_16 },
            "convoke": convoke,
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
        objects: None,
        against: None,
        queries: false,
        rights: false,
        scheduling: false,
        folder: None,
        output: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| usage());
        match word.as_str() {
            "--seconds" => arguments.seconds = value().parse().unwrap_or_else(|_| usage()),
            "--preload" => arguments.preload = value().parse().unwrap_or_else(|_| usage()),
            "--objects" => {
                arguments.objects = Some(value().parse().unwrap_or_else(|_| usage()));
            }
            "--against" => arguments.against = Some(value().into()),
            "--queries" => arguments.queries = true,
            "--rights" => arguments.rights = true,
            "--scheduling" => arguments.scheduling = true,
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
