//! The kill -9 loop as a command; see [`tests::kill`].
//!
//! `cargo run --release -p tests --bin kill_loop -- --rounds 1000 --writers 16 --seed 1`
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{error::Error, path::PathBuf};

use clap::{Parser, Subcommand};
use tests::kill::{
    meetings::{CHANGES, MeetingRounds},
    restores::{RestoreRounds, Restorer},
    rounds::Rounds,
    server::ServerRounds,
    victim::Victim,
};

/// Kills a process that writes, over and over, and sees whether anything is lost.
#[derive(Parser)]
struct Arguments {
    /// How often to kill.
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
    /// How many write at the same time; with several numbers each round takes one of them.
    #[arg(long, value_delimiter = ',', default_value = "4,16")]
    writers: Vec<u64>,
    /// Repeats a run's choices.
    #[arg(long)]
    seed: Option<u64>,
    /// Kills a whole server that is written to over HTTP.
    #[arg(long)]
    server: bool,
    /// Kills a whole server that tells so many people of a meeting, so often for each change of it.
    #[arg(long, conflicts_with = "server")]
    guests: Option<usize>,
    /// Kills restores of a backup.
    #[arg(long, conflicts_with_all = ["server", "guests"])]
    restores: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this program is when the loop starts it.
#[derive(Subcommand)]
enum Role {
    #[command(hide = true)]
    Victim {
        folder: PathBuf,
        writers: u64,
        known_writers: u64,
        sightings: PathBuf,
        /// `compacts` or `works`.
        beside: String,
    },
    #[command(hide = true)]
    Server {
        folder: PathBuf,
        /// How many accounts there are beside the usual ones, to be invited.
        #[arg(default_value_t = 0)]
        guests: usize,
    },
    #[command(hide = true)]
    Restorer {
        backup: PathBuf,
        archive: PathBuf,
        into: PathBuf,
        /// `within` or `beside`.
        place: String,
    },
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Victim {
            folder,
            writers,
            known_writers,
            sightings,
            beside,
        }) => Victim {
            folder,
            writers,
            known_writers,
            sightings,
            compacts: beside == "compacts",
        }
        .run(),
        Some(Role::Server { folder, guests }) => tests::kill::server::serve(&folder, guests),
        Some(Role::Restorer {
            backup,
            archive,
            into,
            place,
        }) => Restorer {
            backup,
            archive,
            into,
            within: place == "within",
        }
        .run(),
        None => play(arguments),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn play(arguments: Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    let program = std::env::current_exe()?;
    let seed = arguments
        .seed
        .unwrap_or_else(|| u64::from(std::process::id()));
    let Some(most) = arguments
        .writers
        .iter()
        .copied()
        .max()
        .filter(|most| *most > 0)
    else {
        return Err("at least one writer".into());
    };
    let rounds = arguments.rounds;
    let progress = |round: usize| {
        if round.is_multiple_of(50) {
            eprintln!("{round} of {rounds}");
        }
    };
    println!("seed {seed}");
    if arguments.server {
        let loop_ = ServerRounds {
            program,
            rounds,
            connections: most,
            seed,
        };
        println!("{}", loop_.play(progress).await?);
    } else if let Some(guests) = arguments.guests {
        let loop_ = MeetingRounds {
            program,
            guests,
            changes: CHANGES.len(),
            kills: rounds,
            seed,
        };
        println!("{}", loop_.play(progress).await?);
    } else if arguments.restores {
        let loop_ = RestoreRounds {
            program,
            rounds,
            seed,
        };
        println!("{}", loop_.play(progress).await?);
    } else {
        let loop_ = Rounds {
            program,
            rounds,
            writers: arguments.writers,
            seed,
        };
        println!("{}", loop_.play(progress).await?);
    }
    Ok(())
}
