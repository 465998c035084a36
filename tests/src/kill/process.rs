//! A process that is going to be killed, and what it says until then.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How long it may say nothing, where something is waited for: it hangs then.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that runs. Killed when dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a program. What it says is taken from it as it comes, so that it never waits for us.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &Path, arguments: &[OsString]) -> io::Result<Process> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take();
        thread::spawn(move || {
            let mut output = BufReader::new(output?);
            let mut line = String::new();
            // A last line without its end was cut off by the kill.
            while output.read_line(&mut line).is_ok() && line.ends_with('\n') {
                sender.send(line.trim_end().to_owned()).ok()?;
                line.clear();
            }
            Some(())
        });
        Ok(Process { child, lines })
    }

    /// Its next line, as soon as there is one; `None` when there will be no more.
    ///
    /// # Errors
    /// When it hangs.
    pub fn line(&self) -> Result<Option<String>, String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(format!("it says nothing for {PATIENCE:?}")),
        }
    }

    /// Lets it end by itself: closes its input.
    pub fn ask_to_end(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Lets it end by itself, and waits until it has.
    ///
    /// # Errors
    /// When it hangs, or does not end well.
    pub fn end(mut self) -> Result<(), String> {
        self.ask_to_end();
        while self.line()?.is_some() {}
        let status = self.child.wait().map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("it did not end well: {status}")),
        }
    }

    /// Kills it (SIGKILL) and gives all lines that were not taken yet.
    ///
    /// # Errors
    /// When it had already ended by itself, other than well.
    pub fn kill(mut self) -> Result<Vec<String>, String> {
        let ended = self.child.try_wait().map_err(|error| error.to_string())?;
        if let Some(status) = ended.filter(|status| !status.success()) {
            return Err(format!("the victim ended by itself: {status}"));
        }
        // An error only says that it has ended in the meantime.
        let _ = self.child.kill();
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.code().is_some_and(|code| code != 0) {
            return Err(format!("the victim ended by itself: {status}"));
        }
        Ok(self.lines.iter().collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
