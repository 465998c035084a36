//! An object as the rules see it: the series, and the instances that have a component of their own.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use calendar::{
    Budget, CalendarObject, Component, InstanceKey, Property, RecurrenceSet, Zone,
    occurrence::Instance,
    recurrence::DEFAULT_WORK,
    value::{DateOrDateTime, date_in, dates_of},
};
use jiff::Timestamp;

use super::{entry::is_cancelled, later_ones::is_of_later_ones, sequence::note_as_of_more};

/// The steps that looking for instances may take where many are looked for.
const WORK_OF_ALL: u32 = 10 * DEFAULT_WORK;

/// Which component of an object. A single event has one, which is its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// The component without RECURRENCE-ID.
    Series,
    /// That of one instance.
    Instance(InstanceKey),
}

impl Part {
    /// The instance, if it is one.
    pub fn key(self) -> Option<InstanceKey> {
        match self {
            Part::Series => None,
            Part::Instance(key) => Some(key),
        }
    }
}

/// An object that can be scheduled, by its parts.
#[derive(Debug)]
pub(super) struct Meeting<'o> {
    pub object: &'o CalendarObject,
    /// What tells the meaning of RECURRENCE-IDs.
    set: RecurrenceSet<'o>,
    /// What the series yields by itself, whatever stands beside it.
    yielded: Option<RecurrenceSet<'o>>,
    parts: BTreeMap<Part, &'o Component>,
    /// Those of the object's components, in their order.
    order: Vec<Part>,
    /// The instances whose components say what all later ones are (RFC 5545 §3.2.13).
    of_later_ones: BTreeSet<InstanceKey>,
    /// What the instances that have a component are apart from it, once that was asked for.
    apart: OnceCell<BTreeMap<InstanceKey, Instance>>,
    /// EXDATE of the series.
    pub excluded: BTreeSet<InstanceKey>,
}

impl<'o> Meeting<'o> {
    /// Reads the parts; nothing is expanded.
    pub fn of(object: &'o CalendarObject) -> Meeting<'o> {
        let set = RecurrenceSet::of(object, &Zone::utc());
        Meeting::read(object, set, None)
    }

    /// The same of a message about an object: where the message is about single instances only, their names mean
    /// what they mean in that object, in the time zones that the message defines.
    pub fn about(message: &'o CalendarObject, known: &Meeting<'_>) -> Meeting<'o> {
        let set = RecurrenceSet::of(message, &Zone::utc());
        let has_series = message.entries().any(|entry| !is_instance(entry));
        let keys_of = (!has_series && known.series().is_some()).then_some(&known.set);
        Meeting::read(message, set, keys_of)
    }

    fn read(
        object: &'o CalendarObject,
        set: RecurrenceSet<'o>,
        keys_of: Option<&RecurrenceSet<'_>>,
    ) -> Meeting<'o> {
        let mut parts = BTreeMap::new();
        let mut order = Vec::new();
        let mut excluded = BTreeSet::new();
        let mut of_later_ones = BTreeSet::new();
        let mut yielded = None;
        for entry in object.entries() {
            let id = date_in(entry, "RECURRENCE-ID");
            let key = id.map(|id| match keys_of {
                Some(keys) => keys.key_of_another(&id, &set),
                None => set.key_of(&id),
            });
            let part = key.map_or(Part::Series, Part::Instance);
            parts.entry(part).or_insert(entry);
            order.push(part);
            of_later_ones.extend(key.filter(|_| is_of_later_ones(entry)));
            if part == Part::Series && yielded.is_none() {
                let dates = entry.properties_named("EXDATE").flat_map(dates_of);
                excluded.extend(dates.map(|date| set.key_of(&date)));
                let alone = RecurrenceSet::of_components(object, [entry], &Zone::utc());
                yielded = Some(alone);
            }
        }
        Meeting {
            object,
            set,
            yielded,
            parts,
            order,
            of_later_ones,
            apart: OnceCell::new(),
            excluded,
        }
    }

    /// All parts, the series first.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &'o Component)> {
        self.parts.iter().map(|(part, entry)| (*part, *entry))
    }

    /// The component of a part.
    pub fn get(&self, part: Part) -> Option<&'o Component> {
        self.parts.get(&part).copied()
    }

    /// Whether a part has a component.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains_key(&part)
    }

    /// The component without RECURRENCE-ID.
    pub fn series(&self) -> Option<&'o Component> {
        self.get(Part::Series)
    }

    /// The instances that have a component of their own.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceKey, &'o Component)> {
        self.parts()
            .filter_map(|(part, entry)| Some((part.key()?, entry)))
    }

    /// The part that says what an instance and all later ones are, as far as these have no component: the last one that is
    /// about all later ones (RFC 5545 §3.2.13), or the series.
    pub fn part_from(&self, key: InstanceKey) -> Part {
        let last = self.of_later_ones.range(..=key).next_back();
        last.map_or(Part::Series, |key| Part::Instance(*key))
    }

    /// The part that says what an instance is apart from a component of its own.
    pub fn part_behind(&self, key: InstanceKey) -> Part {
        let last = self.of_later_ones.range(..key).next_back();
        last.map_or(Part::Series, |key| Part::Instance(*key))
    }

    /// The part that says what a part is: itself, or what is behind an instance that has no component.
    pub fn part_of(&self, part: Part) -> Part {
        match part.key().filter(|_| !self.has(part)) {
            Some(key) => self.part_behind(key),
            None => part,
        }
    }

    /// The parts that say what instances without a component are.
    pub fn parts_behind(&self) -> impl Iterator<Item = Part> {
        let later = self.of_later_ones.iter().copied().map(Part::Instance);
        std::iter::once(Part::Series).chain(later)
    }

    /// The component that says what a part is: that of [`Meeting::part_of`].
    pub fn describing(&self, part: Part) -> Option<&'o Component> {
        self.get(self.part_of(part))
    }

    /// The component that says most of the object.
    pub fn main(&self) -> Option<&'o Component> {
        self.parts.values().next().copied()
    }

    /// Whether the series yields this instance, whatever component it has, and does not exclude it. One that takes
    /// too much work to find is none.
    pub fn yields(&self, key: InstanceKey) -> bool {
        if self.excluded.contains(&key) {
            return false;
        }
        let found = self
            .yielded
            .as_ref()
            .map(|set| set.find_key(key, &mut Budget::default()));
        matches!(found, Some(Ok(Some(_))))
    }

    /// Those of the instances that the series yields, as [`Meeting::yields`] says of one.
    pub fn yielded(&self, keys: impl IntoIterator<Item = InstanceKey>) -> BTreeSet<InstanceKey> {
        let keys = keys
            .into_iter()
            .filter(|key| !self.excluded.contains(key))
            .collect();
        match &self.yielded {
            Some(set) => set.find_keys(&keys, &mut Budget::new(WORK_OF_ALL)),
            None => BTreeSet::new(),
        }
    }

    /// Whether somebody who knows the series speaks of an instance that is unknown to it (RFC 5546 §4.7.2): it is neither
    /// one of its instances, nor taken out, nor a component of its own.
    pub fn is_unknown(&self, part: Part) -> bool {
        let is_taken_out = |key| self.excluded.contains(&key);
        let is_no_instance = |key| !self.yields(key) && !is_taken_out(key);
        self.series().is_some() && !self.has(part) && part.key().is_some_and(is_no_instance)
    }

    /// The component that describes an instance, made from what is behind it if it has none of its own.
    pub fn component_at(&self, key: InstanceKey) -> Option<Component> {
        match self.get(Part::Instance(key)) {
            Some(own) => Some(own.clone()),
            None => self.set.override_at(key).ok().map(of_more),
        }
    }

    /// Which instance begins where a component of another state of this object does.
    pub fn key_of_start(&self, entry: &Component) -> Option<InstanceKey> {
        let start = date_in(entry, "DTSTART").or_else(|| date_in(entry, "DUE"))?;
        Some(self.set.key_of(&start))
    }

    /// What an instance is apart from a component of its own, even where the series excludes it.
    pub fn apart_at(&self, key: InstanceKey) -> Option<Component> {
        let find = |keys, work| self.set.find_apart(&keys, &mut Budget::new(work));
        // of those that have a component, whoever asks for one asks for more of them
        let all = || find(self.instances().map(|(key, _)| key).collect(), WORK_OF_ALL);
        let found = match self.has(Part::Instance(key)) {
            true => self.apart.get_or_init(all).get(&key).cloned(),
            false => find(BTreeSet::from([key]), DEFAULT_WORK).remove(&key),
        };
        self.set.override_for(&found?).ok().map(of_more)
    }

    /// The parts of the object's components, in their order.
    pub fn order(&self) -> Vec<Part> {
        self.order.clone()
    }

    /// The instance that a RECURRENCE-ID, or the like, means.
    pub fn key_of(&self, name: &DateOrDateTime) -> InstanceKey {
        self.set.key_of(name)
    }

    /// The moment of a value.
    pub fn instant_of(&self, value: &DateOrDateTime) -> Timestamp {
        self.set.zones().instant_of(value, &Zone::utc())
    }

    /// The instances that a property like EXDATE names.
    pub fn keys_in(&self, line: &Property) -> impl Iterator<Item = InstanceKey> {
        dates_of(line).map(|date| self.set.key_of(&date))
    }

    /// Takes an instance out of the EXDATEs of a series of this object.
    pub fn readmit(&self, series: &mut Component, key: InstanceKey) {
        let is_it = |line: &Property| self.keys_in(line).any(|other| other == key);
        let mut rest = Vec::new();
        for line in series
            .properties()
            .filter(|line| line.is("EXDATE") && is_it(line))
        {
            let dates = line.raw_value().split(',');
            let others = dates.filter(|text| {
                let mut one = line.clone();
                one.set_raw_value(text).is_ok() && !is_it(&one)
            });
            rest.push((line.clone(), others.collect::<Vec<_>>().join(",")));
        }
        series.retain_properties(|line| !(line.is("EXDATE") && is_it(line)));
        for (mut line, others) in rest.into_iter().filter(|(_, others)| !others.is_empty()) {
            line.set_raw_value(&others)
                .expect("the values come from a valid line");
            series.push_property(line);
        }
    }

    /// Whether a part takes place: it is there, and not cancelled. (Instances may stand where their series is
    /// cancelled: who is invited to them alone has such a copy.)
    pub fn is_live(&self, part: Part) -> bool {
        self.get(part).is_some_and(|entry| !is_cancelled(entry))
    }

    /// Whether no part takes place.
    pub fn is_called_off(&self) -> bool {
        !self.parts.keys().any(|part| self.is_live(*part))
    }
}

/// Takes the components of these instances out of an object.
pub(super) fn remove_instances(object: &mut CalendarObject, keys: &BTreeSet<InstanceKey>) {
    if keys.is_empty() {
        return;
    }
    let mut parts = Meeting::of(object).order().into_iter();
    object.calendar_mut().retain_components(|component| {
        let part = (!component.is("VTIMEZONE")).then(|| parts.next());
        let key = part.flatten().and_then(Part::key);
        !key.is_some_and(|key| keys.contains(&key))
    });
}

/// A component that was made of what says more than it.
fn of_more(mut entry: Component) -> Component {
    entry.properties_mut().for_each(note_as_of_more);
    entry
}

/// Whether a component is that of one instance.
pub(super) fn is_instance(entry: &Component) -> bool {
    entry.property("RECURRENCE-ID").is_some()
}
