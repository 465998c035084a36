//! What an organizer's edit changes in the object itself: SEQUENCE, participation, and who signs.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, Property};

use super::{
    Change,
    audience::{Comparison, News, is_forced},
    roster::{Attendee, Roster, Seat},
    sign,
};
use crate::engine::{
    Status, attendee_comment,
    delegation::{DELEGATED, DELEGATED_TO},
    directory::Person,
    entry::{Agent, NEEDS_ACTION, adopt, agent, participation, sequence},
    meeting::{Meeting, Part},
    sequence::{LastTold, NOTE, Revision, note_as_of_more, revised, set_sequence},
    settle::ANSWERED,
    significance::{Changes, changes, earlier_part},
};

/// All that one edit is judged by.
pub(super) struct Edit<'m, 'o> {
    pub before: Option<&'m Meeting<'o>>,
    pub after: &'m Meeting<'o>,
    pub earlier: Roster<'o>,
    pub roster: Roster<'o>,
    pub changes: &'m BTreeMap<Part, Changes>,
    /// What each person hears, those of the new object first.
    pub news: Vec<(Person, News)>,
    /// Who is sent which parts again, without another change.
    pub asked: BTreeMap<Person, BTreeSet<Part>>,
    /// The SEQUENCE after which all comes of an object that was not there, or that was brought back from before.
    surpassed: Option<u32>,
}

/// What is between two states of an object, part by part; nothing where there was none.
pub(super) fn all_changes(
    before: Option<&Meeting<'_>>,
    after: &Meeting<'_>,
) -> BTreeMap<Part, Changes> {
    let of = |(part, _)| {
        let changes = before.map(|before| changes(before, after, part));
        (part, changes.unwrap_or_default())
    };
    after.parts().map(of).collect()
}

impl<'m, 'o> Edit<'m, 'o> {
    pub fn new(
        change: &Change<'_>,
        before: Option<&'m Meeting<'o>>,
        after: &'m Meeting<'o>,
        changes: &'m BTreeMap<Part, Changes>,
    ) -> Edit<'m, 'o> {
        let mut edit = Edit {
            before,
            after,
            earlier: before.map_or_else(Roster::default, |before| Roster::stored(change, before)),
            roster: Roster::of(change, after),
            changes,
            news: Vec::new(),
            asked: BTreeMap::new(),
            surpassed: change.last_told.and_then(|told| surpassed(told, before)),
        };
        for attendee in edit.roster.iter() {
            let asked = edit.asked_parts(change, attendee);
            if !asked.is_empty() {
                edit.asked.insert(attendee.person.clone(), asked);
            }
        }
        let comparison = Comparison::new(change, before, after, changes);
        let nothing = BTreeSet::new();
        let now = edit.roster.iter().map(|attendee| &attendee.person);
        let gone = edit.earlier.iter().map(|attendee| &attendee.person);
        let gone = gone.filter(|person| edit.roster.get(person).is_none());
        edit.news = now
            .chain(gone)
            .map(|person| {
                let asked = edit.asked.get(person).unwrap_or(&nothing);
                let (earlier, now) = (edit.earlier.get(person), edit.roster.get(person));
                (person.clone(), comparison.news(earlier, now, asked))
            })
            .collect();
        edit
    }

    /// Lets only those hear anything who come to what they did not come to, or no longer, and who are asked again since
    /// nobody comes in their place. How a message fared that somebody got before makes nobody come or go.
    pub fn keep_arrivals_and_departures(&mut self, change: &Change<'_>) {
        let comparison = Comparison::new(change, self.before, self.after, self.changes);
        let earlier = self
            .before
            .map_or_else(Roster::default, |before| Roster::of(change, before));
        let now = &self.roster;
        let is_sent_back = |person: &Person, part: &Part| {
            let seats = earlier.get(person).zip(now.get(person));
            let seats = seats.and_then(|(was, is)| {
                let before = self.before?;
                let was = was.seats.get(&before.part_of(*part));
                was.zip(is.seats.get(part))
            });
            seats.is_some_and(|(was, is)| {
                was.participation == DELEGATED && is.participation == NEEDS_ACTION
            })
        };
        for (person, parts) in &mut self.asked {
            parts.retain(|part| is_sent_back(person, part));
        }
        self.asked.retain(|_, parts| !parts.is_empty());
        self.news.retain(|(person, _)| {
            self.asked.contains_key(person)
                || comparison.comes_or_goes(earlier.get(person), now.get(person))
        });
    }

    fn asked_parts(&self, change: &Change<'_>, attendee: &Attendee<'_>) -> BTreeSet<Part> {
        let asked = attendee.seats.iter().filter(|(part, seat)| {
            let earlier = self.earlier_seat(&attendee.person, **part);
            let told = earlier.filter(|earlier| earlier.agent == Agent::Server);
            told.is_some_and(|told| is_forced(seat) || is_asked(change, seat, told))
        });
        asked.map(|(part, _)| *part).collect()
    }

    /// The parts for which somebody is asked again, of those that they are sent.
    pub fn asks_again(
        &self,
        change: &Change<'_>,
        attendee: &Attendee<'_>,
    ) -> impl Iterator<Item = Part> {
        let sent = self.asked.get(&attendee.person).into_iter().flatten();
        sent.copied().filter(move |part| {
            let earlier = self.earlier_seat(&attendee.person, *part);
            let seats = attendee.seats.get(part).zip(earlier);
            seats.is_some_and(|(seat, earlier)| is_asked(change, seat, earlier))
        })
    }

    /// Somebody in a part as it was.
    fn earlier_seat(&self, person: &Person, part: Part) -> Option<&Seat<'o>> {
        let part = self
            .before
            .map_or(part, |before| earlier_part(before, self.after, part));
        self.earlier.get(person)?.seats.get(&part)
    }

    /// Whether this edit sends anything to anybody.
    fn speaks(&self) -> bool {
        let mut news = self.news.iter();
        news.any(|(_, news)| *news != News::default())
    }

    /// SEQUENCE of a part (RFC 5546 §2.1.4): raised where its time, instances or state changed, or somebody is
    /// not invited to it any more. What was removed and is stored again comes after its cancellation, and so does what
    /// was brought back from before what others were told. An instance for which participation is asked anew comes after
    /// its series: who answers that by the series' SEQUENCE does not answer this.
    fn sequence(&self, change: &Change<'_>, part: Part, entry: &Component) -> u32 {
        let before = self.before;
        let old = before.and_then(|before| before.describing(part));
        let old = old.map_or(0, sequence);
        let told = self.told(change, entry);
        if let Some(last) = told.filter(|last| before.is_none() || *last > old) {
            return revised(last, sequence(entry), true);
        }
        if before.is_none() {
            return sequence(entry);
        }
        let changes = self.changes.get(&part).copied().unwrap_or_default();
        let is_revision = changes.revision || self.loses_somebody(part);
        let series = before.and_then(Meeting::series).map_or(0, sequence);
        let old = match changes.asks_anew {
            true => old.max(series),
            false => old,
        };
        let own = revised(old, sequence(entry), is_revision);
        match self.is_left_to_somebody(part) {
            true => own.max(self.sequence_of_series(change)),
            false => own,
        }
    }

    /// The SEQUENCE that others know already of a component, as far as it matters.
    pub fn told(&self, change: &Change<'_>, entry: &Component) -> Option<u32> {
        let told = change.last_told.and_then(|told| told.of(entry));
        self.surpassed.or(told)
    }

    /// Whether an instance is what somebody keeps of a series. Their invitation to it comes after the cancellation of the
    /// whole, also for those who compare SEQUENCE across components.
    fn is_left_to_somebody(&self, part: Part) -> bool {
        let keeps = |(person, news): &(Person, News)| {
            let attendee = self.roster.get(person);
            news.cancelled.contains(&Part::Series)
                && news.told.is_some()
                && attendee.is_some_and(|it| it.seats.contains_key(&part))
        };
        part != Part::Series && self.news.iter().any(keeps)
    }

    /// That of the series with which somebody's cancellation goes out.
    fn sequence_of_series(&self, change: &Change<'_>) -> u32 {
        match self.after.series() {
            Some(series) => self.sequence(change, Part::Series, series),
            None => {
                let before = self.before.and_then(Meeting::series);
                before.map_or(0, sequence).saturating_add(1)
            }
        }
    }

    fn loses_somebody(&self, part: Part) -> bool {
        self.news
            .iter()
            .any(|(_, news)| news.cancelled.contains(&part))
    }

    /// Writes what the server keeps: SEQUENCE, participation, and no SCHEDULE-FORCE-SEND.
    pub fn write(&self, change: &Change<'_>, object: &mut CalendarObject) {
        let parts = self.after.order();
        let sequences: Vec<u32> = self
            .after
            .object
            .entries()
            .zip(&parts)
            .map(|(entry, part)| self.sequence(change, *part, entry))
            .collect();
        let speaks = self.speaks();
        for ((entry, part), number) in object.entries_mut().zip(parts).zip(sequences) {
            set_sequence(entry, number);
            let known = self.before.and_then(|it| it.describing(part));
            attendee_comment::keep(entry, known, change.directory);
            for line in entry.properties_mut() {
                match line.name() {
                    "ORGANIZER" => self.write_organizer(change, part, line, speaks),
                    "ATTENDEE" => {
                        line.remove_parameter("SCHEDULE-FORCE-SEND");
                        self.write_attendee(change, part, line, number);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Who sends something for the organizer signs; what the organizer sends, nobody else did, whatever a
    /// client says. A signature that stood there before is that of who sent something then, and no client's to
    /// keep or to change.
    fn write_organizer(&self, change: &Change<'_>, part: Part, line: &mut Property, speaks: bool) {
        forget_messages(line);
        match (change.sent_by(), speaks, self.before) {
            (Some(address), true, _) => sign(line, address),
            (_, false, Some(before)) => {
                let earlier = before.get(part).or(before.main());
                let earlier = earlier.and_then(|entry| entry.property("ORGANIZER"));
                keep(line, earlier, "SENT-BY");
            }
            (None, true, _) | (Some(_), false, None) => {
                line.remove_parameter("SENT-BY");
            }
            (None, false, None) => {}
        }
    }

    fn write_attendee(&self, change: &Change<'_>, part: Part, line: &mut Property, sequence: u32) {
        let person = change.directory.person(line.raw_value());
        let earlier = self.earlier_seat(&person, part);
        keep(line, earlier.map(|earlier| earlier.line), NOTE);
        if self.before.is_some_and(|before| !before.has(part)) {
            note_as_of_more(line);
        }
        if person == Person::Local(change.owner.id) {
            forget_messages(line);
        }
        let seat = self.roster.get(&person).and_then(|it| it.seats.get(&part));
        let Some(seat) = seat.filter(|seat| seat.agent == Agent::Server) else {
            return;
        };
        let told = earlier.filter(|earlier| earlier.agent == Agent::Server);
        for parameter in ["SCHEDULE-STATUS", ANSWERED] {
            keep(line, told.map(|earlier| earlier.line), parameter);
        }
        let asks_anew = self.changes.get(&part).is_some_and(|it| it.asks_anew);
        // who was left to others has answered nothing here
        let said = earlier.filter(|earlier| agent(earlier.line) == Agent::Server);
        let status = match said {
            Some(said) if !asks_anew && !is_asked(change, seat, said) => {
                said.participation.as_str()
            }
            _ => NEEDS_ACTION,
        };
        if participation(line) != status {
            set(line, "PARTSTAT", status);
        }
        if said.is_some_and(|said| said.participation != status) {
            // who gave the answer that is asked for again, and that there was one
            line.remove_parameter("SENT-BY");
            line.remove_parameter(ANSWERED);
        }
        let sends = said.filter(|_| status == DELEGATED);
        adopt(line, sends.map(|said| said.line), DELEGATED_TO);
        if asks_anew {
            // an answer to what was before comes too late now, also from here as long as this is not delivered
            Revision::before_all(sequence).note(line, part != Part::Series);
        }
    }
}

/// To the organizer nobody sends anything, and so nothing of messages stands on their lines (RFC 6638 §7.3).
fn forget_messages(line: &mut Property) {
    for parameter in ["SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND"] {
        line.remove_parameter(parameter);
    }
}

/// The highest SEQUENCE that others were told, where the whole has a lower one: it has the number that it had then.
fn surpassed(told: &LastTold, before: Option<&Meeting<'_>>) -> Option<u32> {
    let series = before.and_then(Meeting::series);
    let is_behind = series.is_some_and(|series| told.whole > Some(sequence(series)));
    told.highest().filter(|_| before.is_none() || is_behind)
}

/// Only an explicit NEEDS-ACTION asks again, and only from a client that has seen the answer.
fn is_asked(change: &Change<'_>, seat: &Seat<'_>, earlier: &Seat<'_>) -> bool {
    earlier.participation != NEEDS_ACTION
        && !is_older_than_answer(seat.line, earlier.line)
        && seat.line.parameter("PARTSTAT").is_some()
        && seat.participation == NEEDS_ACTION
        && !change.schedule_tag_matched
}

/// Whether a client sends back how the invitation fared, where it stands how the answer did (RFC 6638 §3.2.9) or that there
/// was one: it made its change from a copy of before the answer. Evolution writes so, without any condition.
fn is_older_than_answer(line: &Property, earlier: &Property) -> bool {
    let is_of_invitation = |line: &Property| {
        let status = line.parameter("SCHEDULE-STATUS");
        status.map(|status| Status::is_on_its_way(&status))
    };
    let is_noted = |line: &Property| line.parameter(ANSWERED).is_some();
    is_of_invitation(line) == Some(true)
        && (is_of_invitation(earlier) == Some(false) || is_noted(earlier) && !is_noted(line))
}

/// Takes a parameter from the earlier line; without one, the client's is dropped.
fn keep(line: &mut Property, earlier: Option<&Property>, parameter: &str) {
    match earlier.and_then(|earlier| earlier.parameter(parameter)) {
        Some(value) if line.parameter(parameter).as_ref() != Some(&value) => {
            set(line, parameter, &value)
        }
        Some(_) => {}
        None => {
            line.remove_parameter(parameter);
        }
    }
}

/// Sets a parameter to a value that stood in a valid line.
fn set(line: &mut Property, parameter: &str, value: &str) {
    line.set_parameter(parameter, value)
        .expect("the value comes from a valid line");
}
