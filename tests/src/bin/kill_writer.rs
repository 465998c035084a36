//! The victim of the kill -9 loop: writes until it is killed, and prints a line for each commit that
//! was acknowledged: the writer, its number, the revision.
//!
//! `kill_writer FOLDER WRITERS`
#![allow(clippy::print_stdout)]

use std::{error::Error, io::Write, path::PathBuf, sync::Arc};

use storage::{backend::Backend, sled::Sled};
use tests::kill::{SystemClock, options, work};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let writers: u64 = arguments.next().ok_or("how many writers?")?.parse()?;
    let store: Arc<dyn Backend> = Arc::new(Sled::open(&folder, options(), Arc::new(SystemClock))?);
    let writers: Vec<_> = (0..writers)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(work(store, writer, move |number, committed| {
                let line = format!("{writer} {number} {}\n", committed.revision.0);
                // One write per line, so that a kill leaves whole lines but for the last.
                let mut output = std::io::stdout().lock();
                let _ = output
                    .write_all(line.as_bytes())
                    .and_then(|()| output.flush());
            }))
        })
        .collect();
    for writer in writers {
        writer.await??;
    }
    Ok(())
}
