//! An invitation's new version and the recipient's copy become one: what is the recipient's own stays (RFC 6638
//! §3.2.2.1).

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{
    Incoming,
    order::{note_revision, noted_revision},
    request::{forget_answer, is_recipient, knows_answers, own_line},
    zones::BroughtZones,
};
use crate::{
    engine::{
        Message, Origin,
        answer::UNTOLD,
        away::{away, forget_those_back, with_away},
        delegation::{DELEGATED_TO, ask},
        entry::{DECLINED, NEEDS_ACTION, adopt, is_cancelled, participation, sequence},
        later_ones::{goes_on_at, is_of_later_ones, later_ones, name_it_alone, with_alone},
        meeting::{Meeting, Part, is_instance, remove_instances},
        message::part_name,
        own::{has_comment, is_chosen, is_note, is_own_comment, keep_choices, note_sent},
        sequence::Revision,
        showing::exclude,
        significance::{changes, earlier_part, is_private_extension},
        when::place,
    },
    projection::ACCESS_PROPERTY,
};

/// Only the attendee's own copy tells it.
const OWN: &str = "REQUEST-STATUS";

/// The organizer's new version on its way into the recipient's copy.
pub(super) struct Merge<'a> {
    pub incoming: &'a Incoming<'a>,
    pub stored: &'a Meeting<'a>,
    pub message: &'a Meeting<'a>,
    /// The parts of the message that do not come late.
    pub news: BTreeSet<Part>,
}

impl Merge<'_> {
    /// The copy: with a new series, all that the message says, and of the stored what is the recipient's own; else
    /// the stored copy with the instances that are new.
    pub fn object(&self) -> CalendarObject {
        match self.news.contains(&Part::Series) {
            true => self.replaced(),
            false => self.patched(),
        }
    }

    fn replaced(&self) -> CalendarObject {
        let mut object = self.message.object.clone();
        object.calendar_mut().remove_properties("METHOD");
        keep_access(&mut object, self.stored.object);
        let away = self.kept_away();
        let parts = self.message.order();
        let mut zones = BroughtZones::new(self.stored.object, &object);
        for (entry, part) in object.entries_mut().zip(parts.iter().copied()) {
            match self.news.contains(&part) {
                true => self.merge(part, entry),
                // it comes late: the copy's own is newer
                false => {
                    if let Some(stored) = self.stored.get(part) {
                        entry.clone_from(stored);
                        zones.bring(entry);
                    }
                }
            }
        }
        let own = |(entry, part): (&Component, Part)| {
            Some((part, own_line(self.incoming, entry)?.clone()))
        };
        let behind = object.entries().zip(parts.iter().copied());
        let behind = behind.filter(|(entry, _)| !is_instance(entry) || is_of_later_ones(entry));
        let behind = behind.filter_map(own).collect();
        let unkept = away.iter().copied().chain(self.standing_in()).collect();
        let kept = self.kept_instances(&unkept, &behind, &mut zones);
        let is_apart = |key| away.contains(&key) || kept.contains_key(&key);
        let going_on = away.iter();
        let going_on = going_on.filter_map(|key| self.going_on(self.message, *key, is_apart));
        let going_on: Vec<Component> = going_on.collect();
        remove_instances(&mut object, &away);
        let entries = away
            .iter()
            .filter_map(|key| self.message.component_at(*key));
        let entries: Vec<Component> = entries.collect();
        if let Some(series) = object.entries_mut().find(|entry| !is_instance(entry)) {
            entries.iter().for_each(|entry| exclude(series, entry));
        }
        zones.add_to(&mut object);
        for entry in kept.into_values() {
            object.calendar_mut().push_component(entry);
        }
        for entry in going_on {
            object.calendar_mut().push_component(entry);
        }
        forget_those_back(&mut object);
        object
    }

    /// The instances that the recipient took out of the copy, and that stay so: nothing about them is new.
    fn kept_away(&self) -> BTreeSet<InstanceKey> {
        let away = away(self.stored).into_iter();
        away.filter(|key| self.stays_away(*key)).collect()
    }

    fn stays_away(&self, key: InstanceKey) -> bool {
        let (stored, message) = (self.stored, self.message);
        let Some(is) = message.component_at(key) else {
            // the organizer takes it out, too
            return message.apart_at(key).is_some();
        };
        let said = own_line(self.incoming, &is).map(participation);
        if said.as_deref() == Some(DECLINED) {
            return true;
        }
        // an organizer elsewhere may know of no answer at all, nor does what waited; else one here asks anew
        let is_from_here = self.incoming.message.origin == Origin::Here;
        let is_asked = said.as_deref() == Some(NEEDS_ACTION) && is_from_here
            || self.is_asked_again(Part::Instance(key));
        let was = stored.apart_at(key);
        !is_asked && was.is_some_and(|was| place(stored.object, &was) == place(message.object, &is))
    }

    /// The instances that the message does not speak of and that stay in the copy: those that were called off, that a
    /// later message brought, or that have something of the recipient's own; but none that is `unkept`. `own` are their lines
    /// in what is behind the instances now; as the copy has them, they bring its `zones`.
    fn kept_instances(
        &self,
        unkept: &BTreeSet<InstanceKey>,
        own: &BTreeMap<Part, Property>,
        zones: &mut BroughtZones<'_>,
    ) -> BTreeMap<InstanceKey, Component> {
        let revision = self.message.series().map(Revision::of);
        let unsaid = self
            .stored
            .instances()
            .filter(|(key, _)| !self.message.has(Part::Instance(*key)) && !unkept.contains(key));
        unsaid
            .filter_map(|(key, entry)| {
                let is_later = self.incoming.message.origin == Origin::Mail
                    && noted_revision(entry)
                        .zip(revision.as_ref())
                        .is_some_and(|(noted, revision)| noted.compare_apart(revision).is_gt());
                let is_off = is_cancelled(entry) && !self.message.yields(key);
                if is_later || is_off {
                    let mut entry = entry.clone();
                    if !is_later {
                        // what later ones are, the message says
                        name_it_alone(&mut entry);
                    }
                    zones.bring(&mut entry);
                    return Some((key, entry));
                }
                let own = own.get(&self.message.part_behind(key));
                Some((key, self.with_own(key, entry, own)?))
            })
            .collect()
    }

    /// The instance as the new series has it, where the recipient has alarms or the like of its own for it, or an
    /// answer that the organizer has not heard; else their answer to it is that to what is behind it.
    fn with_own(
        &self,
        key: InstanceKey,
        entry: &Component,
        of_others: Option<&Property>,
    ) -> Option<Component> {
        let others = self.stored.get(self.stored.part_behind(key))?;
        let mut derived = self
            .message
            .yields(key)
            .then(|| self.message.component_at(key))??;
        let is_answered = self.is_answered_apart(key, (entry, others), &derived);
        if is_cancelled(entry) || own_lines(entry) == own_lines(others) && !is_answered {
            return None;
        }
        keep_own_lines(&mut derived, entry);
        let own = own_line(self.incoming, entry).filter(|_| is_answered);
        for line in derived.properties_mut() {
            if line.is("ATTENDEE") && is_recipient(self.incoming, line) {
                write_participation(line, own.or(of_others));
            }
        }
        let others = self.message.get(self.message.part_behind(key))?;
        note_revision(self.incoming, others, &mut derived, false);
        Some(derived)
    }

    /// Whether the recipient answered an instance otherwise than the others, at the time that it still has. An
    /// organizer here has that in an instance of their own; one elsewhere may not know of it, nor does a message that
    /// waited since before the answer.
    fn is_answered_apart(
        &self,
        key: InstanceKey,
        (stored, others): (&Component, &Component),
        new: &Component,
    ) -> bool {
        let Incoming { message, .. } = self.incoming;
        let answer = |entry| own_line(self.incoming, entry).map(participation);
        message.origin != Origin::Here
            && !self.is_asked_again(self.message.part_behind(key))
            && answer(stored) != answer(others)
            && place(self.stored.object, stored) == place(self.message.object, new)
    }

    fn patched(&self) -> CalendarObject {
        let news = self.message.instances();
        let news = news.filter(|(key, _)| self.news.contains(&Part::Instance(*key)));
        let news: BTreeMap<InstanceKey, &Component> = news.collect();
        // RFC 5545 §3.2.13: what says no more than what its own instance is, leaves the later ones as they are
        let alone = news.iter().filter(|(_, entry)| !is_of_later_ones(entry));
        let apart = with_alone(self.stored, &alone.map(|(key, _)| *key).collect());
        let apart = apart.as_ref().map(Meeting::of);
        let stored = apart.as_ref().unwrap_or(self.stored);
        let mut object = stored.object.clone();
        let kept = self.kept_away();
        let mut zones = BroughtZones::new(self.message.object, &object);
        for (key, entry) in &news {
            if kept.contains(key) && !is_of_later_ones(entry) {
                continue;
            }
            let mut entry = (*entry).clone();
            if !kept.contains(key) {
                self.merge(Part::Instance(*key), &mut entry);
            }
            zones.bring(&mut entry);
            put(&mut object, stored, *key, entry);
        }
        zones.add_to(&mut object);
        for (key, _) in news.iter().filter(|(_, entry)| is_of_later_ones(entry)) {
            self.settle_later_ones(&mut object, *key, kept.contains(key));
        }
        forget_those_back(&mut object);
        object
    }

    /// The instances that say in the copy what all later ones are, for those that the recipient took out; the message does not
    /// speak of them, and says in those what all of them are.
    fn standing_in(&self) -> impl Iterator<Item = InstanceKey> {
        let taken_out = away(self.stored).into_iter();
        taken_out.filter_map(|key| self.standing_in_for(key))
    }

    fn standing_in_for(&self, key: InstanceKey) -> Option<InstanceKey> {
        let part = Part::Instance(key);
        self.message.get(part).filter(|it| is_of_later_ones(it))?;
        let next = goes_on_at(self.stored, key).filter(|_| away(self.stored).contains(&key))?;
        (!self.message.has(Part::Instance(next))).then_some(next)
    }

    /// What says from the next instance on what all later ones are, as `meeting` says it in one that stays away.
    fn going_on(
        &self,
        meeting: &Meeting<'_>,
        key: InstanceKey,
        is_apart: impl Fn(InstanceKey) -> bool,
    ) -> Option<Component> {
        let (next, mut entry) = later_ones(meeting, key, is_apart)?;
        self.merge(Part::Instance(next), &mut entry);
        Some(entry)
    }

    /// Of an instance that the recipient took out the next one said what all later ones are. Now the organizer says it in one
    /// for all of them: in the next one again, where the first stays away.
    fn settle_later_ones(&self, object: &mut CalendarObject, key: InstanceKey, is_away: bool) {
        remove_instances(object, &self.standing_in_for(key).into_iter().collect());
        if !is_away {
            return;
        }
        let meeting = Meeting::of(object);
        let going_on = self.going_on(&meeting, key, |_| false);
        let gone = meeting.get(Part::Instance(key)).cloned();
        remove_instances(object, &BTreeSet::from([key]));
        if let Some(entry) = going_on {
            object.calendar_mut().push_component(entry);
        }
        let series = object.entries_mut().find(|entry| !is_instance(entry));
        if let (Some(series), Some(gone)) = (series, gone) {
            exclude(series, &gone);
        }
    }

    /// Puts what is the recipient's own into a part of the message.
    fn merge(&self, part: Part, entry: &mut Component) {
        let Incoming { message, .. } = self.incoming;
        let original = entry.clone();
        // an instance that had no component was as the others
        if let Some(stored) = self.stored.describing(part) {
            let asks_anew = self.is_asked_again(part) || self.is_asked_anew(part, stored, entry);
            let standing_in = part.key().and_then(|key| self.standing_in_for(key));
            let later = standing_in.and_then(|key| self.stored.get(Part::Instance(key)));
            keep_own_lines(entry, later.unwrap_or(stored));
            let own = self.own_answer(part);
            let is_in_time = !asks_anew || self.is_at_the_same_time(part);
            for line in entry.properties_mut() {
                if line.is("ORGANIZER") {
                    keep_parameters(line, stored.property("ORGANIZER"));
                } else if line.is("ATTENDEE") && is_recipient(self.incoming, line) {
                    let is_told = |own: &&Property| participation(own) == participation(line);
                    let stands = |own: &&Property| !asks_anew || is_in_time && is_told(own);
                    match knows_answers(message) {
                        true if asks_anew => {}
                        true => keep_participation(message, line, own),
                        false => write_participation(line, own.filter(stands)),
                    }
                }
            }
        } else {
            note_sent(entry);
            if !knows_answers(message) {
                forget_answer(self.incoming, entry);
            }
        }
        note_revision(self.incoming, &original, entry, true);
    }

    /// Whether the recipient is asked anew by any of the news.
    pub fn asks_anew(&self) -> bool {
        let mut news = self
            .message
            .parts()
            .filter(|(part, _)| self.news.contains(part));
        news.any(|(part, entry)| {
            let stored = self.stored.describing(part);
            stored.is_some_and(|stored| self.is_asked_anew(part, stored, entry))
        })
    }

    /// Whether any of the news says something of the meeting that the copy does not.
    pub fn is_visible(&self) -> bool {
        let mut news = self.news.iter();
        news.any(|part| changes(self.stored, self.message, *part).visible)
    }

    /// What the recipient answered to a part, as it was in the copy.
    fn own_answer(&self, part: Part) -> Option<&Property> {
        let was = earlier_part(self.stored, self.message, part);
        own_line(self.incoming, self.stored.get(was)?)
    }

    /// Whether an instance that takes place after all does so at the time at which it was called off. It may have been
    /// called off just now, with the series of which it is left, and then the answer to it is what it was; but a room
    /// was free meanwhile.
    fn is_at_the_same_time(&self, part: Part) -> bool {
        let was = match part {
            Part::Series => None,
            Part::Instance(key) if self.stored.has(part) => self.stored.component_at(key),
            Part::Instance(key) => self.stored.apart_at(key),
        };
        let (was, is) = (was.as_ref(), self.message.get(part));
        !self.incoming.recipient.answers_by_itself()
            && was.zip(is).is_some_and(|(was, is)| {
                place(self.stored.object, was) == place(self.message.object, is)
            })
    }

    /// Whether the organizer asks again for a part that may be as it was. Who has answered it, as the message says, is not
    /// asked; an instance without a component is as the others.
    fn is_asked_again(&self, part: Part) -> bool {
        let entry = self.message.describing(part);
        let asked = &self.incoming.message.asks_again;
        let entry = entry.filter(|entry| asked.contains(part_name(entry)));
        let own = entry.and_then(|entry| own_line(self.incoming, entry));
        own.is_some_and(|own| participation(own) == NEEDS_ACTION)
    }

    /// Whether the organizer changed a series, which is at another time or has a higher SEQUENCE then (RFC 5546 §2.1.4). Where
    /// one here did not, the recipient comes to more or less of it than before: a room has to be free for that.
    fn is_revised(&self, stored: &Component, new: &Component) -> bool {
        let Incoming {
            message, recipient, ..
        } = self.incoming;
        message.origin != Origin::Here
            || recipient.kind.is_bookable()
            || is_cancelled(stored)
            || sequence(new) > sequence(stored)
            || place(self.message.object, new) != place(self.stored.object, stored)
    }

    /// Whether the recipient is asked anew for a part that becomes `new` (RFC 6638 §3.2.8).
    fn is_asked_anew(&self, part: Part, stored: &Component, new: &Component) -> bool {
        if !self.stored.has(part) {
            return changes(self.stored, self.message, part).asks_anew;
        }
        match part {
            Part::Series if !self.is_revised(stored, new) => false,
            Part::Series => {
                // what the recipient took out by themselves is not reinstated
                let all = with_away(self.stored);
                let all = all.as_ref().map(Meeting::of);
                changes(all.as_ref().unwrap_or(self.stored), self.message, part).asks_anew
            }
            Part::Instance(_) => {
                place(self.stored.object, stored) != place(self.message.object, new)
                    || is_cancelled(stored) && !is_cancelled(new)
                    || is_of_later_ones(new) && !is_of_later_ones(stored)
            }
        }
    }
}

/// Puts an instance into a copy, in the place of the component that it had, and back into the series if it was
/// taken out.
fn put(object: &mut CalendarObject, stored: &Meeting<'_>, key: InstanceKey, entry: Component) {
    let at = stored
        .order()
        .iter()
        .position(|part| *part == Part::Instance(key));
    match at.and_then(|at| object.entries_mut().nth(at)) {
        Some(target) => *target = entry,
        None => object.calendar_mut().push_component(entry),
    }
    if stored.excluded.contains(&key)
        && let Some(series) = object.entries_mut().find(|entry| !is_instance(entry))
    {
        stored.readmit(series, key);
    }
}

/// The recipient's own alarms and lines, in one form.
fn own_lines(entry: &Component) -> (Vec<String>, Vec<Component>) {
    let lines = entry.properties().filter(|line| is_own(entry, line));
    let mut lines: Vec<String> = lines.map(|line| line.content().to_owned()).collect();
    lines.sort();
    let alarms = entry.components().filter(|it| it.is("VALARM"));
    (lines, alarms.cloned().collect())
}

/// Who sees the copy is its owner's to say (calendarserver private-events §4.2.2.1), as with CLASS.
fn keep_access(object: &mut CalendarObject, copy: &CalendarObject) {
    let kept = copy.calendar().properties_named(ACCESS_PROPERTY);
    let kept: Vec<Property> = kept.cloned().collect();
    if kept.is_empty() {
        return;
    }
    let calendar = object.calendar_mut();
    calendar.remove_properties(ACCESS_PROPERTY);
    kept.into_iter().for_each(|it| calendar.push_property(it));
}

/// Alarms, transparency, progress, comments and the client's own extensions stay (RFC 6638 §3.2.2.1).
fn keep_own_lines(entry: &mut Component, stored: &Component) {
    entry.retain_components(|component| !component.is("VALARM"));
    keep_choices(entry, stored);
    if stored.property(OWN).is_some() {
        entry.remove_properties(OWN);
    }
    entry.remove_properties("CREATED");
    // what was chosen, and what is noted of it, is there already
    let is_kept = |line: &&Property| {
        matches!(line.name(), OWN | "CREATED")
            || is_private_extension(line.name()) && !is_note(line)
            || is_own_comment(line)
    };
    for property in stored.properties().filter(is_kept) {
        let is_there = match property.is("COMMENT") {
            true => has_comment(entry, property),
            false => entry.properties().any(|other| other == property),
        };
        if !is_there {
            entry.push_property(property.clone());
        }
    }
    for alarm in stored
        .components()
        .filter(|component| component.is("VALARM"))
    {
        entry.push_component(alarm.clone());
    }
}

fn is_own(entry: &Component, line: &Property) -> bool {
    line.is(OWN)
        || is_private_extension(line.name())
        || is_own_comment(line)
        || is_chosen(entry, line)
}

/// How the last answer fared stays on ORGANIZER, and who looks after the object, and that something was not to be told.
fn keep_parameters(line: &mut Property, stored: Option<&Property>) {
    for parameter in ["SCHEDULE-STATUS", "SCHEDULE-AGENT", UNTOLD] {
        if let Some(value) = stored.and_then(|stored| stored.parameter(parameter)) {
            line.set_parameter(parameter, &value)
                .expect("the value comes from a valid line");
        }
    }
}

/// An answer comes from who gives it: the attendee's own stays, since the organizer may not have heard it (Schedule-Reply:
/// F), or not yet. What tells of one that was given by another way than the copy knows better.
fn keep_participation(message: &Message, line: &mut Property, own: Option<&Property>) {
    let is_told = message.tells_answer && participation(line) != NEEDS_ACTION;
    let own = own.filter(|own| !is_told && participation(own) != NEEDS_ACTION);
    if own.is_some() {
        write_participation(line, own);
    }
}

/// Writes what the copy knows that its owner answered, in the place of what a message says of it.
fn write_participation(line: &mut Property, own: Option<&Property>) {
    match own.filter(|own| participation(own) != NEEDS_ACTION) {
        Some(own) => {
            let answer = ["PARTSTAT", "RSVP", DELEGATED_TO].into_iter();
            answer.for_each(|parameter| adopt(line, Some(own), parameter));
        }
        None => ask(line),
    }
}
