//! Instances that an attendee declined and took out of the copy.
//!
//! The copy's series excludes them with EXDATE, as the attendee's client wrote it, and so it may be with others that
//! the organizer took out. A property tells them apart: what the attendee took out stays out while nothing about it is
//! new, and is the attendee's to take back.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{
    meeting::{Meeting, is_instance},
    showing::exclude_as,
};

/// The property of a series that names them, each in the form of an EXDATE. It never leaves the attendee's copy.
pub(super) const AWAY: &str = "X-CONVOKE-DECLINED";

/// The instances that the owner of a copy took out.
pub(super) fn away(meeting: &Meeting<'_>) -> BTreeSet<InstanceKey> {
    let Some(series) = meeting.series() else {
        return BTreeSet::new();
    };
    let keys = series
        .properties_named(AWAY)
        .flat_map(|line| meeting.keys_in(line));
    keys.filter(|key| meeting.excluded.contains(key)).collect()
}

/// Writes which instances the owner of a copy took out: those of `keys`, by what `instance` says is their
/// component. What says so already is not touched.
pub(super) fn write_away(
    object: &mut CalendarObject,
    keys: &BTreeSet<InstanceKey>,
    instance: impl Fn(InstanceKey) -> Option<Component>,
) {
    let meeting = Meeting::of(object);
    let series = meeting.series();
    let lines = || series.into_iter().flat_map(|it| it.properties_named(AWAY));
    let written: BTreeSet<InstanceKey> = lines().flat_map(|it| meeting.keys_in(it)).collect();
    if written == *keys {
        return;
    }
    let is_superfluous = |line: &Property| !meeting.keys_in(line).all(|key| keys.contains(&key));
    let superfluous: Vec<Property> = lines().filter(|it| is_superfluous(it)).cloned().collect();
    let missing = keys.difference(&written).filter_map(|key| instance(*key));
    let missing: Vec<Component> = missing.collect();
    let Some(series) = object.entries_mut().find(|entry| !is_instance(entry)) else {
        return;
    };
    series.retain_properties(|line| !superfluous.contains(line));
    missing
        .iter()
        .for_each(|entry| exclude_as(AWAY, series, entry));
}

/// What the owner of a copy had taken out and is in it again, is not theirs to take back any more.
pub(super) fn forget_those_back(object: &mut CalendarObject) {
    let is_named = |entry: &Component| entry.property(AWAY).is_some();
    if object.entries().any(is_named) {
        let away = away(&Meeting::of(object));
        write_away(object, &away, |_| None);
    }
}

/// The copy with all those instances back that its owner took out; `None` where there are none.
pub(super) fn with_away(meeting: &Meeting<'_>) -> Option<CalendarObject> {
    let away = away(meeting);
    (!away.is_empty()).then(|| readmitted(meeting, &away))
}

fn readmitted(meeting: &Meeting<'_>, keys: &BTreeSet<InstanceKey>) -> CalendarObject {
    let mut object = meeting.object.clone();
    if let Some(series) = object.entries_mut().find(|entry| !is_instance(entry)) {
        keys.iter().for_each(|key| meeting.readmit(series, *key));
    }
    object
}

/// The copy with those instances back that its owner took out and, as `asked` has it, takes back; and which these
/// are. `None` where there are none.
pub(super) fn taken_back(
    stored: &CalendarObject,
    asked: &CalendarObject,
) -> Option<(CalendarObject, BTreeSet<InstanceKey>)> {
    let meeting = Meeting::of(stored);
    let asked = Meeting::about(asked, &meeting);
    let away = away(&meeting);
    let back: BTreeSet<InstanceKey> = away.difference(&asked.excluded).copied().collect();
    if back.is_empty() || asked.series().is_none() {
        return None;
    }
    let mut object = readmitted(&meeting, &back);
    write_away(
        &mut object,
        &away.difference(&back).copied().collect(),
        |_| None,
    );
    Some((object, back))
}
