//! The changes of one zone within a time (RFC 7808 §5.4, §6.3).

use calendar::zone::{
    data,
    generate::{self, Change},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{json, parameters::Parameters, problem::Problem};
use crate::service::Response;

/// The most changes of one answer: five hundred years of the usual two. What is beyond is left out, which the
/// answer says.
const MAXIMUM_OBSERVANCES: usize = 1_000;

#[derive(Serialize)]
struct Expanded<'e> {
    tzid: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    observances: Vec<Observance>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Observance {
    name: &'static str,
    onset: String,
    utc_offset_from: i32,
    utc_offset_to: i32,
}

pub(super) fn expand(name: &str, parameters: &Parameters) -> Result<Response, Problem> {
    let wanted = parameters.truncation()?;
    let zone = data::in_use().get(name);
    let zone = zone.ok_or_else(Problem::zone_not_found)?;
    let needed = |name, instant: Option<Timestamp>| {
        instant.ok_or_else(|| Problem::parameter(name, "is needed"))
    };
    let start = needed("start", wanted.start)?;
    let end = needed("end", wanted.end)?;
    let before = start
        .checked_sub(jiff::SignedDuration::from_secs(1))
        .map_or_else(
            |_| generate::observance_at(&zone, start),
            |before| generate::observance_at(&zone, before),
        );
    let first = Change {
        at: start.as_second(),
        before: before.offset,
        after: generate::observance_at(&zone, start),
    };
    let mut changes = std::iter::once(first).chain(generate::changes(&zone, start, end));
    let observances: Vec<Observance> = changes
        .by_ref()
        .take(MAXIMUM_OBSERVANCES)
        .map(|change| Observance {
            name: if change.after.is_daylight {
                "Daylight"
            } else {
                "Standard"
            },
            onset: instant(change.at),
            utc_offset_from: change.before,
            utc_offset_to: change.after.offset,
        })
        .collect();
    Ok(json(&Expanded {
        tzid: name,
        end: changes.next().map(|left_out| instant(left_out.at)),
        observances,
    }))
}

fn instant(second: i64) -> String {
    Timestamp::from_second(second)
        .unwrap_or_default()
        .to_string()
}
