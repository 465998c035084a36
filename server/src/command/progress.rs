//! How far long work is, on standard error: one line that changes on a terminal, now and then a line
//! elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// Between two changes of the line on a terminal.
const TERMINAL_PAUSE: Duration = Duration::from_millis(200);
/// Between two lines elsewhere.
const LINE_PAUSE: Duration = Duration::from_secs(10);

/// Shows progress.
pub struct Progress {
    terminal: bool,
    shown: Option<Instant>,
}

impl Progress {
    /// On standard error.
    pub fn standard() -> Progress {
        Progress {
            terminal: io::stderr().is_terminal(),
            shown: None,
        }
    }

    /// Shows it, unless something was shown a moment ago.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        let pause = if self.terminal {
            TERMINAL_PAUSE
        } else {
            LINE_PAUSE
        };
        if self.shown.is_some_and(|shown| shown.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        let text = text();
        let _reader_gone = if self.terminal {
            write!(io::stderr(), "\r\x1b[K{text}")
        } else {
            writeln!(io::stderr(), "{text}")
        };
    }

    /// Clears the line, so that others can write theirs.
    pub fn end(&mut self) {
        if self.terminal && self.shown.take().is_some() {
            let _reader_gone = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Octets in a form for people.
pub fn size(octets: u64) -> String {
    const STEP: f64 = 1024.0;
    let mut number = octets as f64;
    let mut unit = 0;
    const UNITS: [&str; 5] = ["octets", "KiB", "MiB", "GiB", "TiB"];
    while number >= STEP && unit + 1 < UNITS.len() {
        number /= STEP;
        unit += 1;
    }
    match unit {
        0 => format!("{octets} octets"),
        _ => format!("{number:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (octets, expected) in [
            (0, "0 octets"),
            (1023, "1023 octets"),
            (1024, "1.0 KiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(size(octets), expected);
        }
    }
}
