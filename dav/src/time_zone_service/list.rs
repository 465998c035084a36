//! All zones (RFC 7808 §5.2), and those with a name (§5.5).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use bytes::Bytes;
use calendar::zone::data;
use http::StatusCode;
use serde::Serialize;

use super::{json, parameters::Parameters, problem::Problem, tag};
use crate::{answer, service::Response};

/// Whose data it is.
pub(super) const PUBLISHER: &str = "IANA";

#[derive(Serialize)]
struct List<'l> {
    synctoken: &'l str,
    timezones: Vec<TimeZone<'l>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct TimeZone<'l> {
    tzid: &'l str,
    etag: &'l str,
    last_modified: String,
    publisher: &'static str,
    version: &'l str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    aliases: &'l BTreeSet<String>,
}

/// Each zone with its other names.
fn zones() -> &'static BTreeMap<String, BTreeSet<String>> {
    static ZONES: OnceLock<BTreeMap<String, BTreeSet<String>>> = OnceLock::new();
    ZONES.get_or_init(|| {
        let mut zones: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in data::in_use().names() {
            match data::canonical_name(name).filter(|canonical| canonical != name) {
                Some(canonical) if data::in_use().get(canonical).is_some() => {
                    let aliases = zones.entry(canonical.to_owned()).or_default();
                    aliases.insert(name.clone());
                }
                _ => {
                    zones.entry(name.clone()).or_default();
                }
            }
        }
        zones
    })
}

/// All, or those that changed since a token: none since ours, and all since any other, of which nothing is known.
pub(super) fn list(parameters: &Parameters) -> Result<Response, Problem> {
    static ALL: OnceLock<Bytes> = OnceLock::new();
    let known = parameters.single("changedsince")?;
    if known == Some(data::in_use().release().identity.as_str()) {
        return Ok(those(|_, _| false));
    }
    let all = ALL.get_or_init(|| {
        serde_json::to_vec(&select(&tag(), |_, _| true))
            .unwrap_or_default()
            .into()
    });
    let media_type = "application/json; charset=utf-8";
    Ok(answer::content(StatusCode::OK, media_type, all.clone()))
}

/// Those of which a name matches a pattern.
pub(super) fn find(parameters: &Parameters) -> Result<Response, Problem> {
    let pattern = parameters.single("pattern")?.unwrap_or_default();
    let pattern = Pattern::read(pattern)?;
    Ok(those(|name, aliases| {
        pattern.matches(name) || aliases.iter().any(|alias| pattern.matches(alias))
    }))
}

fn those(is_wanted: impl Fn(&str, &BTreeSet<String>) -> bool) -> Response {
    json(&select(&tag(), is_wanted))
}

fn select(tag: &str, is_wanted: impl Fn(&str, &BTreeSet<String>) -> bool) -> List<'_> {
    let release = data::in_use().release();
    let timezones = zones()
        .iter()
        .filter(|(name, aliases)| is_wanted(name, aliases))
        .map(|(name, aliases)| TimeZone {
            tzid: name,
            etag: tag,
            last_modified: release.modified.to_string(),
            publisher: PUBLISHER,
            version: &release.name,
            aliases,
        });
    List {
        synctoken: &release.identity,
        timezones: timezones.collect(),
    }
}

/// A pattern of RFC 7808 §5.5.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    anything_before: bool,
    text: String,
    anything_behind: bool,
}

impl Pattern {
    fn read(pattern: &str) -> Result<Pattern, Problem> {
        let wrong = |what| Problem::parameter("pattern", what);
        if pattern.is_empty() {
            return Err(wrong("is empty"));
        }
        let mut text = String::new();
        let (mut anything_before, mut anything_behind) = (false, false);
        let mut characters = pattern.chars().enumerate().peekable();
        while let Some((index, character)) = characters.next() {
            match character {
                '*' if index == 0 => anything_before = true,
                '*' if characters.peek().is_none() => anything_behind = true,
                '*' => return Err(wrong("has an asterisk within it")),
                '\\' => match characters.next() {
                    Some((_, escaped @ ('*' | '\\'))) => text.push(escaped),
                    _ => return Err(wrong("has a backslash before nothing that needs it")),
                },
                other => text.push(other),
            }
        }
        Ok(Pattern {
            anything_before,
            text: folded(&text),
            anything_behind,
        })
    }

    fn matches(&self, name: &str) -> bool {
        let name = folded(name);
        match (self.anything_before, self.anything_behind) {
            (false, false) => name == self.text,
            (true, false) => name.ends_with(&self.text),
            (false, true) => name.starts_with(&self.text),
            (true, true) => name.contains(&self.text),
        }
    }
}

/// Names are compared without case, and with spaces for underscores.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7808 §5.5
    #[test]
    fn patterns_match_as_defined() {
        for (pattern, name, expected) in [
            ("America/New_York", "America/New_York", true),
            ("america/new york", "America/New_York", true),
            ("New York", "America/New_York", false),
            ("*New York", "America/New_York", true),
            ("*New", "America/New_York", false),
            ("america/*", "America/New_York", true),
            ("merica/*", "America/New_York", false),
            ("*new_y*", "America/New_York", true),
            ("*", "America/New_York", true),
            ("**", "America/New_York", true),
            ("\\*Test\\\\Time\\*", "*Test\\Time*", true),
            ("*\\*", "x*", true),
            ("*\\*", "x", false),
        ] {
            assert_eq!(
                Pattern::read(pattern).unwrap().matches(name),
                expected,
                "{pattern} {name}"
            );
        }
        for pattern in ["", "a*b", "***", "a\\b", "a\\"] {
            assert!(Pattern::read(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn every_name_is_listed_once() {
        let zones = zones();
        let aliases: usize = zones.values().map(BTreeSet::len).sum();
        let names = data::in_use().names();
        assert_eq!(zones.len() + aliases, names.len());
        assert!(zones["America/New_York"].contains("US/Eastern"));
        assert!(zones["Asia/Kolkata"].contains("Asia/Calcutta"));
        for name in names {
            let is_zone = zones.contains_key(name);
            let is_alias = zones.values().any(|aliases| aliases.contains(name));
            assert!(is_zone != is_alias, "{name}");
        }
    }
}
