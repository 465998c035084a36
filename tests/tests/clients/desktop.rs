//! A desk with a calendar program on it, driven without a screen.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a program may take for one thing before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at what changes by itself.
const PAUSE: Duration = Duration::from_millis(50);

/// A calendar program that does what it is told, and says what came of it or why it could not.
pub trait Program: Send {
    /// Does an action, with what it needs.
    fn ask(&mut self, action: &str, given: &Value) -> Result<Value, String>;
}

/// Looks until there is what is waited for; until then a look says what there is instead.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(instead) if begun.elapsed() > PATIENCE => {
                panic!("waited in vain for {what}; instead: {instead}")
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The home folder of somebody who is signed in. At its end it ends every process that lives there, and
/// vanishes.
pub struct Home {
    folder: tempfile::TempDir,
    children: Vec<Child>,
}

impl Home {
    /// A home in which nothing has been set up.
    pub fn new() -> Home {
        let home = Home {
            folder: tempfile::tempdir().unwrap(),
            children: Vec::new(),
        };
        let mut private = fs::DirBuilder::new();
        private.mode(0o700);
        private.create(home.path().join("run")).unwrap();
        private.create(home.path().join("tmp")).unwrap();
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// The last that its programs have said on the side.
    pub fn complaints(&self) -> String {
        const LINES: usize = 30;
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // Thunderbird complains with each icon that there is no screen.
        let is_telling = |line: &&str| !line.is_empty() && !line.contains("gtk_icon_theme");
        let lines: Vec<&str> = log.lines().filter(is_telling).collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    /// Starts a program that knows nothing of the desktop that the test may run on.
    pub fn start(&mut self, command: &[&str]) -> (ChildStdin, ChildStdout) {
        let log = fs::File::create(self.log()).unwrap();
        let mut child = Command::new(command[0])
            .args(&command[1..])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", self.path())
            .env("TMPDIR", self.path().join("tmp"))
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("GSETTINGS_BACKEND", "memory")
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; `tests/run` installs what the tests need",
                    command[0]
                )
            });
        let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        self.children.push(child);
        pipes
    }

    /// Everything that runs here, what D-Bus has started for a program too: their environment says so.
    fn processes(&self) -> Vec<Pid> {
        let mark = format!("HOME={}", self.path().display());
        let lives_here = |process: &Path| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment
                .split(|octet| *octet == 0)
                .any(|variable| variable == mark.as_bytes())
        };
        let number = |process: &Path| process.file_name()?.to_str()?.parse().ok();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.map(|entry| entry.path());
        let here = processes.filter(|process| lives_here(process));
        here.filter_map(|process| Pid::from_raw(number(&process)?))
            .collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            for process in left {
                // One that has just ended by itself is as well.
                let _ = kill_process(process, Signal::KILL);
            }
            thread::sleep(PAUSE);
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}
