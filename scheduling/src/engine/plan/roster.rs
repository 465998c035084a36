//! The attendees of an organizer's object, by person and part.

use std::collections::BTreeMap;

use calendar::Property;

use super::{Change, completion::is_expanded};
use crate::engine::{
    Status,
    directory::Person,
    entry::{Agent, agent, attendees, participation},
    meeting::{Meeting, Part},
    pattern::recurs,
};

/// One attendee in one part.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    pub line: &'a Property,
    pub agent: Agent,
    pub participation: String,
    /// The status says that the person did not hear of it (RFC 6638 §3.2.9).
    pub is_unheard: bool,
}

/// One person in all of them.
#[derive(Debug)]
pub(super) struct Attendee<'a> {
    pub person: Person,
    pub seats: BTreeMap<Part, Seat<'a>>,
}

impl<'a> Attendee<'a> {
    /// The parts of which the server tells this person.
    pub fn told(&self) -> impl Iterator<Item = Part> {
        let seats = self.seats.iter();
        seats
            .filter(|(_, seat)| seat.agent == Agent::Server)
            .map(|(part, _)| *part)
    }

    /// The parts that are called off for this person where they are: also those of which they may not have heard, as
    /// they may have heard of them before.
    pub fn called_off(&self) -> impl Iterator<Item = Part> {
        let seats = self.seats.iter();
        seats
            .filter(|(_, seat)| seat.agent == Agent::Server || seat.is_unheard)
            .map(|(part, _)| *part)
    }

    /// Whether the last that this person was told did not arrive.
    pub fn is_unheard(&self) -> bool {
        self.seats.values().any(|seat| seat.is_unheard)
    }

    /// How the person is written where the object says it first.
    pub fn line(&self) -> Option<&'a Property> {
        self.seats.values().next().map(|seat| seat.line)
    }
}

/// All of them, one entry for each person, the organizer apart: "the server MUST NOT send a scheduling message
/// to the Attendee that matches the Organizer" (RFC 6638 §3.2.1).
#[derive(Debug, Default)]
pub(super) struct Roster<'a> {
    /// In the order of the object.
    attendees: Vec<Attendee<'a>>,
    places: BTreeMap<Person, usize>,
}

impl<'a> Roster<'a> {
    /// Those of a stored object. Who could not be told of a series (this server once could not schedule series, or the
    /// account was disabled), which their status says, is told at the next occasion, and so is a group that was not
    /// expanded.
    pub fn stored(change: &Change<'_>, meeting: &Meeting<'a>) -> Roster<'a> {
        let mut roster = Roster::of(change, meeting);
        let is_series = meeting.series().is_none_or(recurs) || meeting.instances().next().is_some();
        let attendees = roster.attendees.iter_mut();
        for seat in attendees.flat_map(|attendee| attendee.seats.values_mut()) {
            let status = seat.line.parameter("SCHEDULE-STATUS").unwrap_or_default();
            seat.is_unheard =
                is_series && seat.agent == Agent::Server && Status::is_undelivered(&status);
            let is_group = change.directory.members(seat.line.raw_value()).is_some();
            if is_series && Status::NOT_ALLOWED.is_in(&status)
                || is_group && !is_expanded(change, seat.line)
            {
                seat.agent = Agent::None;
            }
        }
        roster
    }

    /// Those of any object.
    pub fn of(change: &Change<'_>, meeting: &Meeting<'a>) -> Roster<'a> {
        let mut roster = Roster::default();
        let owner = Person::Local(change.owner.id);
        for (part, entry) in meeting.parts() {
            for line in attendees(entry) {
                let person = change.directory.person(line.raw_value());
                if person != owner {
                    roster.add(person, part, line);
                }
            }
        }
        roster
    }

    fn add(&mut self, person: Person, part: Part, line: &'a Property) {
        let place = *self.places.entry(person).or_insert_with_key(|person| {
            self.attendees.push(Attendee {
                person: person.clone(),
                seats: BTreeMap::new(),
            });
            self.attendees.len() - 1
        });
        let seats = &mut self.attendees[place].seats;
        seats.entry(part).or_insert_with(|| Seat {
            line,
            agent: agent(line),
            participation: participation(line),
            is_unheard: false,
        });
    }

    /// All of them, in the order of the object.
    pub fn iter(&self) -> impl Iterator<Item = &Attendee<'a>> {
        self.attendees.iter()
    }

    /// One of them.
    pub fn get(&self, person: &Person) -> Option<&Attendee<'a>> {
        self.places.get(person).map(|place| &self.attendees[*place])
    }
}
