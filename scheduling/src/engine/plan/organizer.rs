//! The organizer creates and changes (RFC 6638 §3.2.1).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use calendar::{CalendarObject, Component, Property};
use storage::Timestamp;

use super::{
    Change, Plan,
    audience::{News, Telling},
    completion::complete,
    edit::{Edit, all_changes},
    outbox::{Outbox, kind_of_message},
    roster::{Attendee, Seat},
    sign_organizer,
};
use crate::engine::{
    Fault, Message, Method, Role,
    directory::Person,
    entry::{Agent, attendees, participation, sequence},
    meeting::{Meeting, Part},
    message::{CalledOff, cancel, part_name, request},
    refresh::{organizer_of, refresh},
    sequence::SECOND_MILLISECONDS,
    showing::{Told, comes_to_series, shown},
    spelling::with_old_spelling,
};

/// A create, or a change, of an organizer scheduling object resource (RFC 6638 §3.2.1.1 and §3.2.1.2).
pub(super) fn store(
    change: &Change<'_>,
    before: Option<&CalendarObject>,
    after: &CalendarObject,
) -> Result<Plan, Fault> {
    let before = before.map(Meeting::of);
    let completed = complete(change, before.as_ref(), after);
    let asked = completed.as_ref().unwrap_or(after);
    let after = Meeting::of(asked);
    let respelled = before
        .as_ref()
        .and_then(|before| with_old_spelling(change.directory, before, asked));
    let changes = match &respelled {
        Some(respelled) => all_changes(before.as_ref(), &Meeting::of(respelled)),
        None => all_changes(before.as_ref(), &after),
    };
    let edit = Edit::new(change, before.as_ref(), &after, &changes);
    let mut object = asked.clone();
    edit.write(change, &mut object);
    let mut outbox = Outbox::default();
    let post = Post::new(change, &edit, &object);
    post.cancel(&mut outbox);
    post.invite(&mut outbox);
    post.note_unknown_forces(&mut outbox);
    post.pass_over(&mut outbox);
    post.refresh(&mut outbox);
    Ok(outbox.into_plan(Some(object), Role::Organizer))
}

/// The messages to those who came in or went out, and to nobody else.
pub(super) fn pass_on(
    change: &Change<'_>,
    before: &CalendarObject,
    after: &CalendarObject,
) -> Plan {
    let (before, after) = (Meeting::of(before), Meeting::of(after));
    let changes = all_changes(Some(&before), &after);
    let mut edit = Edit::new(change, Some(&before), &after, &changes);
    edit.keep_arrivals_and_departures(change);
    let mut outbox = Outbox::default();
    let post = Post::new(change, &edit, after.object);
    post.cancel(&mut outbox);
    post.invite(&mut outbox);
    outbox.into_plan(Some(after.object.clone()), Role::Organizer)
}

/// The messages of an edit, once the object is written.
struct Post<'e, 'm, 'o, 'c> {
    change: &'e Change<'c>,
    edit: &'e Edit<'m, 'o>,
    object: &'e CalendarObject,
    written: Meeting<'e>,
    told: Told,
    /// The attendees as they are written, by address.
    lines: BTreeMap<&'e str, &'e Property>,
}

impl<'e, 'm, 'o, 'c> Post<'e, 'm, 'o, 'c> {
    fn new(
        change: &'e Change<'c>,
        edit: &'e Edit<'m, 'o>,
        object: &'e CalendarObject,
    ) -> Post<'e, 'm, 'o, 'c> {
        let written = Meeting::of(object);
        let told = Told::of(&written, &Person::Local(change.owner.id), change.directory);
        let lines = object.entries().flat_map(attendees);
        Post {
            lines: lines.map(|line| (line.raw_value().trim(), line)).collect(),
            change,
            edit,
            object,
            written,
            told,
        }
    }

    fn organizer(&self) -> &'e str {
        organizer_of(&self.written)
    }

    /// Tells those who are not invited any more, or all if the meeting is off.
    fn cancel(&self, outbox: &mut Outbox) {
        let heard = self.edit.news.iter();
        for (person, news) in heard.filter(|(_, news)| !news.cancelled.is_empty()) {
            self.cancel_for(person, news, outbox);
        }
    }

    fn cancel_for(&self, person: &Person, news: &News, outbox: &mut Outbox) {
        let (Some(before), Some(earlier)) = (self.edit.before, self.edit.earlier.get(person))
        else {
            return;
        };
        // who had the series hears of it alone: all its instances are called off with it
        let only_series = news.cancelled.contains(&Part::Series);
        let parts = news.cancelled.iter();
        let parts = parts.filter(|part| !only_series || **part == Part::Series);
        let entries: Vec<(Part, Component)> = parts
            .filter_map(|part| Some((*part, self.called_off_for(person, before, *part)?)))
            .collect();
        let line = |part: &Part| {
            let seat = earlier.seats.get(part).or(earlier.seats.get(&Part::Series));
            seat.map(|seat| seat.line)
        };
        let called_off: Vec<CalledOff<'_>> = entries
            .iter()
            .filter_map(|(part, entry)| {
                Some(CalledOff {
                    entry,
                    attendee: line(part)?,
                    sequence: self.sequence_of_cancellation(before, *part, entry),
                    whole: !self.takes_place(*part),
                })
            })
            .collect();
        let (Some(first), Some(to)) = (called_off.first(), earlier.line()) else {
            return;
        };
        let reason = match (only_series || news.told.is_none(), first.whole) {
            (true, true) => "the meeting is cancelled",
            (true, false) => "not invited any more",
            (false, true) => "an instance is cancelled",
            (false, false) => "not invited to an instance any more",
        };
        let source = match self.written.is_called_off() {
            true => self.object,
            false => before.object,
        };
        // What is left for this person follows in an invitation, which is only taken where it is the later of the
        // two (RFC 5546 §2.1.5).
        let stamp = match news.told {
            Some(_) if only_series => Timestamp(self.change.now.0 - SECOND_MILLISECONDS),
            _ => self.change.now,
        };
        let message = cancel(self.organizer(), source, &called_off, stamp);
        outbox.send(
            self.change,
            to,
            sign_organizer(self.change, message),
            kind_of_message(Method::Cancel, false),
            reason,
        );
    }

    /// What is called off for a person: it says nothing of all later ones (RFC 5546 §3.2.5) where these go on for them.
    fn called_off_for(
        &self,
        person: &Person,
        before: &Meeting<'_>,
        part: Part,
    ) -> Option<Component> {
        let mut entry = self.called_off(before, part)?;
        let told = self.told.parts(person);
        let later = part.key().map(|key| self.written.part_from(key));
        let goes_on = later.filter(|later| told.is_some_and(|told| told.contains(later)));
        if goes_on.is_some_and(|later| self.written.is_live(later))
            && let Some(id) = entry.property_mut("RECURRENCE-ID")
        {
            id.remove_parameter("RANGE");
        }
        Some(entry)
    }

    /// The component that is called off: as it was, or as it is where it says itself that it is cancelled.
    fn called_off(&self, before: &Meeting<'_>, part: Part) -> Option<Component> {
        let cancelled = self.written.get(part).filter(|_| !self.takes_place(part));
        match (cancelled, part) {
            (Some(entry), _) => Some(entry.clone()),
            (None, Part::Series) => before.series().cloned(),
            (None, Part::Instance(key)) => before.component_at(key),
        }
    }

    /// Whether a part takes place for anybody, after the edit.
    fn takes_place(&self, part: Part) -> bool {
        match part {
            Part::Series => self.written.series().is_some() && self.written.is_live(part),
            Part::Instance(key) => match self.written.has(part) {
                true => self.written.is_live(part),
                false => {
                    let behind = self.written.part_behind(key);
                    self.written.is_live(behind) && self.written.yields(key)
                }
            },
        }
    }

    fn sequence_of_cancellation(
        &self,
        before: &Meeting<'_>,
        part: Part,
        called_off: &Component,
    ) -> u32 {
        if let Some(entry) = self.written.get(part) {
            return sequence(entry);
        }
        let was = before.describing(part).map_or(0, sequence);
        let told = self.edit.told(self.change, called_off);
        let series = self.written.series().map_or(0, sequence);
        told.map_or(was, |told| told.max(was))
            .saturating_add(1)
            .max(series)
    }

    /// Tells those who are invited and have something to learn.
    fn invite(&self, outbox: &mut Outbox) {
        let mut shown_to: BTreeMap<&BTreeSet<Part>, Message> = BTreeMap::new();
        let mut wholes: BTreeMap<&BTreeSet<Part>, Arc<CalendarObject>> = BTreeMap::new();
        for (person, news) in &self.edit.news {
            let Some(attendee) = self.edit.roster.get(person) else {
                continue;
            };
            let (Some(telling), Some(parts)) = (&news.told, self.told.parts(person)) else {
                continue;
            };
            let message = match &telling.instances {
                None => shown_to
                    .entry(parts)
                    .or_insert_with(|| self.request(shown(&self.written, parts)))
                    .clone(),
                Some(_) => {
                    let mut message = self.request(self.instances(telling));
                    if comes_to_series(&self.written, person, self.change.directory) {
                        let whole = wholes.entry(parts).or_insert_with(|| {
                            Arc::new(self.request(shown(&self.written, parts)).object)
                        });
                        message.whole = Some(whole.clone());
                    }
                    message
                }
            };
            let address = attendee.line().map(|line| line.raw_value().trim());
            let Some(to) = address.and_then(|address| self.lines.get(address)) else {
                continue;
            };
            let is_new = self
                .edit
                .earlier
                .get(person)
                .is_none_or(|earlier| earlier.told().next().is_none());
            let message = Message {
                is_sent_again: self.edit.asked.contains_key(person),
                asks_again: self.asks_again(attendee),
                ..message
            };
            let kind = kind_of_message(Method::Request, is_new);
            outbox.send(self.change, to, message, kind, telling.reason);
        }
    }

    /// Says of whom SCHEDULE-FORCE-SEND means nothing (RFC 6638 §7.2).
    fn note_unknown_forces(&self, outbox: &mut Outbox) {
        let seats = self.edit.roster.iter().flat_map(|it| it.seats.values());
        for seat in seats.filter(|seat| is_unknown_force(seat)) {
            outbox.note_ignored(self.change, seat.line.raw_value());
        }
    }

    fn asks_again(&self, attendee: &Attendee<'_>) -> BTreeSet<String> {
        let parts = self.edit.asks_again(self.change, attendee);
        let entries = parts.filter_map(|part| self.written.get(part));
        entries.map(|entry| part_name(entry).to_owned()).collect()
    }

    fn request(&self, entries: Vec<Component>) -> Message {
        request(self.organizer(), self.object, entries, self.change.now)
    }

    fn instances(&self, telling: &Telling) -> Vec<Component> {
        let keys = telling.instances.iter().flatten();
        keys.filter_map(|key| self.written.get(Part::Instance(*key)))
            .cloned()
            .collect()
    }

    fn pass_over(&self, outbox: &mut Outbox) {
        for attendee in self.edit.roster.iter() {
            if attendee.told().next().is_none()
                && let Some(line) = attendee.line()
            {
                outbox.leave_to_others(line.raw_value());
            }
        }
        let is_silent = outbox.deliveries.is_empty() && outbox.mails.is_empty();
        if is_silent && outbox.statuses.is_empty() && outbox.ignored.is_empty() {
            let was_called_off = self.edit.before.is_some_and(Meeting::is_called_off);
            let reason = match (self.edit.before, self.written.is_called_off()) {
                (_, true) if was_called_off => "the meeting is cancelled already",
                (Some(_), _) => "nothing that concerns others changed",
                (None, _) => "nobody is to be told",
            };
            outbox.stay_silent(reason);
        }
    }

    /// A new participation of the organizer's own is shown, but is no news for an inbox.
    fn refresh(&self, outbox: &mut Outbox) {
        let Some(before) = self.edit.before else {
            return;
        };
        if own_participation(self.change, before) == own_participation(self.change, &self.written) {
            return;
        }
        let told: BTreeSet<_> = outbox
            .deliveries
            .iter()
            .map(|delivery| delivery.recipient.id)
            .collect();
        let Change {
            owner,
            directory,
            now,
            ..
        } = *self.change;
        let refreshed = refresh(self.object, owner, directory, None, now);
        let untold = refreshed
            .into_iter()
            .filter(|delivery| !told.contains(&delivery.recipient.id));
        outbox.deliveries.extend(untold);
    }
}

/// RFC 6638 §7.2: a value that means nothing.
fn is_unknown_force(seat: &Seat<'_>) -> bool {
    let force = seat.line.parameter("SCHEDULE-FORCE-SEND");
    seat.agent == Agent::Server && force.is_some_and(|force| !force.eq_ignore_ascii_case("REQUEST"))
}

/// What the organizer says of coming, in each part.
fn own_participation(change: &Change<'_>, meeting: &Meeting<'_>) -> BTreeMap<Part, String> {
    let own = |line: &&Property| change.directory.is(line.raw_value(), change.owner.id);
    let parts = meeting.parts();
    parts
        .filter_map(|(part, entry)| Some((part, participation(attendees(entry).find(own)?))))
        .collect()
}
