//! Errors of a configuration: which line, what is wrong, and what to do about it.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use super::template;

/// A key is taken for a misspelt one where at most one letter in so many is wrong.
const LETTERS_PER_MISSPELLING: usize = 3;

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; `None` where the fault is none of a single line.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        write!(formatter, ": {}\n{}", self.what, self.remedy)
    }
}

impl std::error::Error for ConfigurationError {}

/// A fault found at a place of the text.
pub struct Fault {
    /// Where.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Fault {
    /// A fault at a place.
    pub fn at(span: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault {
            span: Some(span),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// With the file's name and the line's number.
    pub fn in_file(self, path: &Path, text: &str) -> ConfigurationError {
        let line = self.span.map(|span| line_number(text, span.start));
        ConfigurationError {
            path: path.to_owned(),
            line,
            what: self.what,
            remedy: self.remedy,
        }
    }
}

/// What toml or serde found, in words for people.
pub fn explain(error: &toml::de::Error, text: &str) -> Fault {
    let message = error.message();
    let place = error.span().unwrap_or_default();
    let (table, key) = place_name(text, place.start);
    let backquoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (what, remedy) = if message.starts_with("unknown field") {
        let (unknown, known) = backquoted
            .split_first()
            .map_or(("", &[][..]), |(unknown, known)| (*unknown, known));
        (
            format!("there is no key `{unknown}`{}", in_table(&table)),
            remedy_for_unknown(unknown, known, &table),
        )
    } else if message.starts_with("missing field") {
        let missing = backquoted.first().copied().unwrap_or_default();
        (
            format!("the key `{missing}` is missing{}", in_table(&table)),
            remedy_by_example("add a line such as", &table, missing),
        )
    } else if message.starts_with("duplicate key") {
        (message.to_owned(), "keep one of the two lines".to_owned())
    } else if message.starts_with("invalid") || message.starts_with("unknown variant") {
        (
            format!("`{key}`: {message}"),
            remedy_by_example("write it like", &table, &key),
        )
    } else {
        let remedy = "texts stand in \"quotes\", lists in [brackets], numbers alone; a comment begins with #";
        (
            format!("this is not TOML: {}", message.replace('\n', ", ")),
            remedy.to_owned(),
        )
    };
    // A missing key has no place of its own: it is the file's or its table's.
    let span = (!(message.starts_with("missing field") && table.is_empty())).then_some(place);
    Fault { span, what, remedy }
}

fn in_table(table: &str) -> String {
    if table.is_empty() {
        String::new()
    } else {
        format!(" in [{table}]")
    }
}

fn remedy_by_example(words: &str, table: &str, key: &str) -> String {
    match template::example(table, key) {
        Some(example) => format!("{words}: {example}"),
        None => "see the file that `convoke init` writes".to_owned(),
    }
}

fn remedy_for_unknown(unknown: &str, known: &[&str], table: &str) -> String {
    let nearest = known.iter().min_by_key(|known| distance(unknown, known));
    match nearest {
        None if table.is_empty() => "remove the line".to_owned(),
        None => format!("remove the line; [{table}] has no keys"),
        Some(nearest)
            if distance(unknown, nearest) <= (unknown.len() / LETTERS_PER_MISSPELLING).max(1) =>
        {
            remedy_by_example(&format!("perhaps `{nearest}` is meant"), table, nearest)
        }
        Some(_) => format!("remove the line, or use one of: {}", known.join(", ")),
    }
}

/// The table and key that the octet at `offset` belongs to.
fn place_name(text: &str, offset: usize) -> (String, String) {
    let line_start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let line = text[line_start..].lines().next().unwrap_or_default().trim();
    let before = text[..line_start].lines().chain([line]);
    let table = before
        .filter_map(|line| line.trim().strip_prefix('[')?.split_once(']'))
        .next_back();
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    (
        table.map_or_else(String::new, |(name, _)| name.trim().to_owned()),
        key.to_owned(),
    )
}

fn line_number(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, character) in one.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, expected) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(character != *expected);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("listen", "listen", 0),
            ("listn", "listen", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
