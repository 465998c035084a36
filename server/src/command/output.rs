//! What commands say. A reader that went away is no failure of a command.

use std::io::{self, Write};

/// Where a command's words go.
pub struct Output {
    standard: Box<dyn Write>,
    errors: Box<dyn Write>,
}

impl Output {
    /// To the terminal.
    pub fn standard() -> Output {
        Output {
            standard: Box::new(io::stdout()),
            errors: Box::new(io::stderr()),
        }
    }

    /// One line of the answer.
    pub fn line(&mut self, line: &str) {
        write(&mut *self.standard, line);
    }

    /// One line of an error or a hint, which is not part of the answer.
    pub fn error(&mut self, line: &str) {
        write(&mut *self.errors, line);
    }

    /// A table with a heading, its columns aligned.
    pub fn table(&mut self, heading: &[&str], rows: &[Vec<String>]) {
        let heading: Vec<String> = heading.iter().map(ToString::to_string).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
        let widths: Vec<usize> = (0..heading.len())
            .map(|column| {
                all.iter()
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in all {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            self.line(cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
}

fn write(writer: &mut dyn Write, line: &str) {
    let _reader_gone = writeln!(writer, "{line}").and_then(|()| writer.flush());
}
