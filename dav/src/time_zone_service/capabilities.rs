//! What the service can do (RFC 7808 §5.1, §6.1).

use calendar::{Format, zone::data};
use serde::Serialize;

use super::CONTEXT_PATH;

#[derive(Serialize)]
pub(super) struct Capabilities {
    version: u8,
    info: Info,
    actions: Vec<Action>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Info {
    primary_source: String,
    formats: Vec<&'static str>,
    truncated: Truncated,
}

/// At any two instants, and not at all.
#[derive(Serialize)]
struct Truncated {
    any: bool,
    untruncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Action {
    name: &'static str,
    uri_template: String,
    parameters: Vec<Parameter>,
}

#[derive(Serialize)]
struct Parameter {
    name: &'static str,
    required: bool,
    multi: bool,
}

/// A row of the table of actions.
struct Row {
    name: &'static str,
    /// The section that defines it.
    source: &'static str,
    /// Below the context path, as a URI template (RFC 6570).
    place: &'static str,
    /// Its parameters, each with whether it is needed.
    parameters: &'static [(&'static str, bool)],
}

/// The table of actions.
const ACTIONS: &[Row] = &[
    Row {
        name: "capabilities",
        source: "RFC 7808 §5.1",
        place: "/capabilities",
        parameters: &[],
    },
    Row {
        name: "list",
        source: "RFC 7808 §5.2",
        place: "/zones{?changedsince}",
        parameters: &[("changedsince", false)],
    },
    Row {
        name: "get",
        source: "RFC 7808 §5.3",
        place: "/zones{/tzid}{?start,end}",
        parameters: &[("start", false), ("end", false)],
    },
    Row {
        name: "expand",
        source: "RFC 7808 §5.4",
        place: "/zones{/tzid}/observances{?start,end}",
        parameters: &[("start", true), ("end", true)],
    },
    Row {
        name: "find",
        source: "RFC 7808 §5.5",
        place: "/zones{?pattern}",
        parameters: &[("pattern", true)],
    },
    Row {
        name: "leapseconds",
        source: "RFC 7808 §5.6",
        place: "/leapseconds",
        parameters: &[],
    },
];

/// Name, place and source of each action, for the conformance table.
pub(crate) fn actions() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    ACTIONS
        .iter()
        .map(|row| (row.name, row.uri_template(), row.source))
}

pub(super) fn capabilities() -> Capabilities {
    Capabilities {
        version: 1,
        info: Info {
            primary_source: format!("IANA:{}", data::in_use().release().name),
            formats: Format::ALL.map(Format::media_type).to_vec(),
            truncated: Truncated {
                any: true,
                untruncated: true,
            },
        },
        actions: ACTIONS.iter().map(Row::action).collect(),
    }
}

impl Row {
    fn uri_template(&self) -> String {
        format!("{CONTEXT_PATH}{}", self.place)
    }

    fn action(&self) -> Action {
        let parameters = self.parameters.iter().map(|&(name, required)| Parameter {
            name,
            required,
            multi: false,
        });
        Action {
            name: self.name,
            uri_template: self.uri_template(),
            parameters: parameters.collect(),
        }
    }
}
