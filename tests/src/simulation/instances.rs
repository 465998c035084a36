//! What an object says of one instance to one person.

use std::collections::BTreeMap;

use calendar::{
    Budget, CalendarObject, Component, InstanceKey, Property, RecurrenceSet, TimeRange, Zone,
    occurrence::override_at,
    value::{DateOrDateTime, date_in},
};

use super::house::{address, second_address};

/// The Mondays on which things happen, and the first of which the series begins.
pub const DAYS: [&str; 5] = ["0302", "0309", "0316", "0323", "0504"];

/// The day on which a series may have an instance more.
pub const MORE: &str = "0304";

/// What an instance is, and what somebody said of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Attended {
    /// DTSTART.
    pub start: Option<String>,
    /// SUMMARY, DESCRIPTION and LOCATION.
    pub details: [Option<String>; 3],
    /// STATUS of an event. That of a to-do is its attendee's own.
    pub status: Option<String>,
    /// PARTSTAT.
    pub participation: String,
    /// That of everybody else.
    pub others: BTreeMap<String, String>,
}

/// The component without RECURRENCE-ID.
pub fn series(object: &CalendarObject) -> Option<&Component> {
    let mut entries = object.entries();
    entries.find(|entry| entry.property("RECURRENCE-ID").is_none())
}

/// The same, to be changed.
pub fn series_mut(object: &mut CalendarObject) -> Option<&mut Component> {
    let mut entries = object.entries_mut();
    entries.find(|entry| entry.property("RECURRENCE-ID").is_none())
}

fn is_recurring(object: &CalendarObject) -> bool {
    series(object).is_none_or(|series| series.property("RRULE").is_some())
}

fn is_cancelled(entry: &Component) -> bool {
    entry.raw_value("STATUS") == Some("CANCELLED")
}

/// Whether a line names somebody as ATTENDEE, by any of the addresses.
pub fn is_line_of(line: &Property, who: &str) -> bool {
    let is = |address: String| line.raw_value() == address;
    line.is("ATTENDEE") && (is(address(who)) || second_address(who).is_some_and(is))
}

/// Somebody's lines in a component, and what they say: the same, if all is well.
pub fn participation(entry: &Component, who: &str) -> Option<String> {
    let lines = entry.properties().filter(|line| is_line_of(line, who));
    let said = |line: &Property| {
        let status = line.parameter("PARTSTAT");
        status.map_or("NEEDS-ACTION".to_owned(), |it| it.into_owned())
    };
    let mut all: Vec<String> = lines.map(said).collect();
    all.dedup();
    (!all.is_empty()).then(|| all.join(" and "))
}

/// The name of a day's instance: at the hour at which the series begins.
pub fn name_of(object: &CalendarObject, day: &str) -> String {
    let start = series(object).and_then(|series| series.raw_value("DTSTART"));
    let time = start.map_or("T090000Z", |start| &start[8..]);
    format!("2026{day}{time}")
}

/// The key of an instance by its name.
pub fn key_of(object: &CalendarObject, name: &str) -> InstanceKey {
    let value = DateOrDateTime::parse(name, None).expect("a name that was made here");
    RecurrenceSet::of(object, &Zone::utc()).key_of(&value)
}

/// The component that describes an instance, and whether the instance takes place.
pub fn described(object: &CalendarObject, name: &str) -> Option<(Component, bool)> {
    let key = key_of(object, name);
    let set = RecurrenceSet::of(object, &Zone::utc());
    let own = object
        .entries()
        .find(|entry| date_in(entry, "RECURRENCE-ID").is_some_and(|id| set.key_of(&id) == key));
    match own {
        Some(own) => Some((own.clone(), !is_cancelled(own))),
        // as the series, or as what is said of an earlier one and all from there on
        None => {
            let entry = override_at(object, key).ok()?;
            let is_live = !is_cancelled(&entry);
            Some((entry, is_live))
        }
    }
}

/// Makes the component of an instance one of all later instances, too (RFC 5545 §3.2.13).
pub fn and_later(own: &mut Component) {
    let line = own.property_mut("RECURRENCE-ID").expect("an instance");
    let set = line.set_parameter("RANGE", "THISANDFUTURE");
    set.expect("a word");
}

/// Whether it is.
pub fn is_of_later_ones(entry: &Component) -> bool {
    let id = entry.property("RECURRENCE-ID");
    id.is_some_and(|id| id.parameter("RANGE").is_some())
}

/// Whether an object without the series tells of an instance only by one before it and all from there on (RFC 5545
/// §3.2.13): whether the series has it, it cannot say.
pub fn is_told_by_range(object: &CalendarObject, name: Option<&str>) -> bool {
    let Some(name) = name.filter(|_| series(object).is_none()) else {
        return false;
    };
    let ids = || {
        object
            .entries()
            .filter_map(|it| Some((it, it.raw_value("RECURRENCE-ID")?)))
    };
    ids().any(|(entry, id)| is_of_later_ones(entry) && id < name)
        && !ids().any(|(_, id)| id == name)
}

/// What an object says to somebody of the instance with this name in the organizer's `meeting`; of an event that
/// does not recur, of the event.
pub fn attended(object: &CalendarObject, who: &str, name: Option<&str>) -> Option<Attended> {
    let (entry, is_live) = match name {
        Some(name) => described(object, name)?,
        None => {
            let entry = series(object)?;
            (entry.clone(), !is_cancelled(entry))
        }
    };
    if !is_live {
        return None;
    }
    let value = |name| entry.raw_value(name).map(str::to_owned);
    Some(Attended {
        start: value("DTSTART"),
        details: ["SUMMARY", "DESCRIPTION", "LOCATION"].map(value),
        status: value("STATUS").filter(|_| entry.is("VEVENT")),
        participation: participation(&entry, who)?,
        others: others(&entry, who),
    })
}

/// What everybody else said.
fn others(entry: &Component, who: &str) -> BTreeMap<String, String> {
    let lines = entry
        .properties()
        .filter(|line| line.is("ATTENDEE") && !is_line_of(line, who));
    let said = lines.map(|line| {
        let status = line.parameter("PARTSTAT");
        let status = status.map_or("NEEDS-ACTION".to_owned(), |it| it.into_owned());
        (line.raw_value().to_owned(), status)
    });
    said.collect()
}

/// The names of the instances that are looked at; `None` where there is but the event.
pub fn names(meeting: &CalendarObject) -> Vec<Option<String>> {
    match is_recurring(meeting) {
        true => {
            let days = DAYS.iter().chain([&MORE]);
            days.map(|day| Some(name_of(meeting, day))).collect()
        }
        false => vec![None],
    }
}

/// When a room is taken by a meeting: the instances that it accepted.
pub fn accepted(object: &CalendarObject, who: &str) -> Vec<(jiff::Timestamp, jiff::Timestamp)> {
    let set = RecurrenceSet::of(object, &Zone::utc());
    let window = TimeRange {
        start: None,
        end: "2026-12-31T00:00:00Z".parse().ok(),
    };
    let instances = set.occurrences(&window, &mut Budget::default());
    let instances = instances.expect("a few weeks").into_iter();
    let accepted = instances.filter(|instance| {
        let entry = set.component(instance);
        // to-dos take no time (RFC 4791 §7.10)
        entry.is("VEVENT")
            && !is_cancelled(entry)
            && participation(entry, who).as_deref() == Some("ACCEPTED")
    });
    accepted
        .map(|instance| (instance.start, instance.end))
        .collect()
}
