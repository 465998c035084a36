//! Kill -9 at random moments and in the middle of whatever is delicate loses nothing that was
//! acknowledged or read, and leaves nothing half. More rounds: the command `kill_loop`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;

use tests::kill::{
    meetings::MeetingRounds, restores::RestoreRounds, rounds::Rounds, server::ServerRounds,
};

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_kill_loop").into()
}

fn seed() -> u64 {
    u64::from(std::process::id())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_or_read_is_lost() {
    let rounds = Rounds {
        program: program(),
        rounds: 50,
        writers: vec![4, 16],
        seed: seed(),
    };
    let report = rounds.play(|_| ()).await.unwrap();
    println!("{report}");
    assert_eq!(report.kills, 50);
    assert!(report.commits > 0, "nothing was ever written");
    assert!(report.sightings > 0, "nothing was ever read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_server_answered_for_is_lost() {
    let rounds = ServerRounds {
        program: program(),
        rounds: 12,
        connections: 4,
        seed: seed(),
    };
    let report = rounds.play(|_| ()).await.unwrap();
    println!("{report}");
    assert_eq!(report.kills, 12);
    assert!(report.answers > 0, "nothing was ever written");
}

/// A meeting of so many, changed so often, with three kills for each change.
async fn everybody_is_told_once(guests: usize, changes: usize) {
    let mut met = 0;
    // what a kill meets is left to chance: once more, where none met a delivery
    for again in 0..5 {
        let rounds = MeetingRounds {
            program: program(),
            guests,
            changes,
            kills: 3,
            seed: seed() + again,
        };
        let report = rounds.play(|_| ()).await.unwrap();
        println!("{report}");
        assert_eq!(report.kills, 3 * changes);
        // of each guest the copy, and a message for each change
        assert_eq!(report.looked_at, guests * (1 + changes));
        met += report.while_delivering;
        if met > 0 {
            break;
        }
    }
    assert!(met > 0, "all were told at once");
}

/// RFC 6638 §3.2.9: more people than one commit reaches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_once_by_a_server_that_is_killed() {
    everybody_is_told_once(160, 3).await;
}

/// The same with a thousand, who are invited once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_are_told_once_by_a_server_that_is_killed() {
    everybody_is_told_once(1_000, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_is_whole_or_nothing_and_can_be_repeated() {
    let rounds = RestoreRounds {
        program: program(),
        rounds: 20,
        seed: seed(),
    };
    let report = rounds.play(|_| ()).await.unwrap();
    println!("{report}");
    assert_eq!(report.kills, 20);
    assert_eq!(report.nothing + report.whole + report.unfinished, 20);
    assert_eq!(report.repeated, 10);
}

/// A run in which nothing could be met says so, and not that something was lost.
#[tokio::test]
async fn a_run_needs_guests_and_kills() {
    for (guests, kills) in [(0, 3), (160, 0)] {
        let rounds = MeetingRounds {
            program: program(),
            guests,
            changes: 3,
            kills,
            seed: 1,
        };
        let refused = rounds.play(|_| ()).await.unwrap_err();
        assert!(refused.contains("nobody to be told"), "{refused}");
    }
}
