//! The commented configuration that `convoke init` writes; also where errors take their examples from.

use std::net::SocketAddr;

/// Every key with its explanation. `@NAME@` marks what `init` fills in; a line `#key = ...` or
/// `#[table]` is one that is not used yet.
const TEMPLATE: &str = include_str!("template.toml");

/// The file for a new installation.
pub fn filled(listen: &[SocketAddr], public_url: &str, data: &str) -> String {
    let listen: Vec<String> = listen
        .iter()
        .map(|address| quoted(&address.to_string()))
        .collect();
    TEMPLATE
        .replace("@LISTEN@", &listen.join(", "))
        .replace("@PUBLIC_URL@", &quoted(public_url))
        .replace("@DATA@", &quoted(data))
}

/// A line that shows how the key is written; `table` is empty at the top of the file.
pub fn example(table: &str, key: &str) -> Option<String> {
    let text = filled(
        &[SocketAddr::from(([127, 0, 0, 1], 8080))],
        "http://127.0.0.1:8080",
        "convoke-data",
    );
    let mut current = "";
    for line in text.lines().map(uncommented) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            current = name;
        } else if current == table && line.split_once(" = ").is_some_and(|(name, _)| name == key) {
            return Some(line.to_owned());
        }
    }
    None
}

/// The line as it is when used.
pub fn uncommented(line: &str) -> &str {
    match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => rest,
        _ => line,
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_come_from_the_file_itself() {
        let cases = [
            ("", "listen", Some("listen = [\"127.0.0.1:8080\"]")),
            ("tls", "key", Some("key = \"/etc/convoke/key.pem\"")),
            ("limits", "idle_seconds", Some("idle_seconds = 120")),
            ("", "key", None),
            ("trash", "days", Some("days = 30")),
        ];
        for (table, key, expected) in cases {
            assert_eq!(example(table, key).as_deref(), expected, "[{table}] {key}");
        }
    }
}
