//! Free rooms and resources for the administrator. Looking for them runs in the process of the server (asked over the
//! control socket), or in a command that opened the folder itself.

use scheduling::{
    Desk,
    resources::{ResourceQuery, Span, Spans, Vacancy, Zone},
};
use serde::{Deserialize, Serialize};
use storage::model::PrincipalKind;

/// The most that one question finds.
const MAXIMUM_MATCHES: usize = 200;

/// What is wanted, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Rooms, or resources.
    pub kind: PrincipalKind,
    /// From when, in milliseconds since 1970.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// An RRULE by which that recurs.
    pub recurrence: Option<String>,
    /// The IANA time zone by whose clocks it recurs; UTC where none is named.
    pub time_zone: Option<String>,
    /// For how many people, at least.
    pub capacity: Option<u32>,
    /// A part of where it is.
    pub location: Option<String>,
    /// Parts of what it has.
    pub features: Vec<String>,
    /// Those that are not free for all of the time, too.
    pub all: bool,
}

/// A room or resource that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The name of the account.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// Calendar user addresses.
    pub addresses: Vec<String>,
    /// How many people fit in.
    pub capacity: Option<u32>,
    /// Where it is.
    pub location: Option<String>,
    /// What it has.
    pub features: Vec<String>,
    /// Whether it can be had.
    pub vacancy: Vacancy,
    /// How many of the spans of time are taken, in whole or in part.
    pub taken: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The smallest first.
    pub found: Vec<Found>,
    /// There is no more.
    pub is_whole: bool,
}

/// Looks for them.
///
/// # Errors
/// In words: the time is none that can be asked for, or the store cannot be read.
pub async fn perform(desk: &Desk, ask: &Ask) -> Result<Told, String> {
    let query = ResourceQuery {
        kind: Some(ask.kind),
        capacity: ask.capacity,
        location: ask.location.clone(),
        features: ask.features.clone(),
        spans: spans(ask)?,
        only_free: !ask.all,
    };
    let found = desk.find_resources(None, &query, |_| true, MAXIMUM_MATCHES);
    let found = found.await.map_err(|refusal| refusal.to_string())?;
    let told = found.resources.into_iter().map(|resource| {
        let principal = resource.principal;
        Found {
            name: principal.name.clone(),
            display_name: principal.display_name.clone(),
            addresses: principal.addresses.clone(),
            capacity: principal.capacity,
            location: principal.location.clone(),
            features: principal.features.clone(),
            vacancy: resource.vacancy,
            taken: resource.taken.len(),
        }
    });
    Ok(Told {
        found: told.collect(),
        is_whole: found.is_whole,
    })
}

fn spans(ask: &Ask) -> Result<Spans, String> {
    let at = |milliseconds: i64| jiff::Timestamp::from_millisecond(milliseconds);
    let (Ok(start), Ok(end)) = (at(ask.from), at(ask.to)) else {
        return Err("the time is beyond what calendars can hold".to_owned());
    };
    let span = Span { start, end };
    let zone = match &ask.time_zone {
        None => Zone::utc(),
        Some(name) => Zone::by_reference(name)
            .ok_or_else(|| format!("the time zone \"{name}\" is not known"))?,
    };
    let spans = match &ask.recurrence {
        None => Spans::of(vec![span]),
        Some(rule) => Spans::recurring(span, rule, &zone),
    };
    spans.map_err(|fault| fault.to_string())
}
