//! What must be known of what was done, to tell what must hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::MutexGuard,
};

use calendar::{CalendarObject, Component, Property};

use super::{
    Dice,
    elsewhere::VISIT,
    house::{Found, House},
    instances::{is_line_of, series},
};

/// All of it.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Who removed which meeting without a word to its organizer (RFC 6638 §8.1), by name and UID.
    silent: BTreeSet<(&'static str, String)>,
    /// Who was left to their clients (SCHEDULE-AGENT), by UID and name.
    left: BTreeSet<(String, String)>,
    /// Of which meetings something was brought back, and for whom, by UID and name; and whether the organizer has told
    /// all of it anew since.
    brought_back: BTreeMap<(String, &'static str), bool>,
    /// Who has what was copied from somebody else's calendar, by UID and name.
    copied: BTreeSet<(String, &'static str)>,
    /// What clients have seen of meetings: some of it is old.
    seen: Vec<Found>,
}

impl House {
    fn memory(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().expect("no panic before")
    }

    /// Somebody removes a meeting without a word to its organizer, or has it after all.
    pub fn note_silent(&self, who: &'static str, uid: &str, is_silent: bool) {
        let known = (who, uid.to_owned());
        match is_silent {
            true => self.memory().silent.insert(known),
            false => self.memory().silent.remove(&known),
        };
    }

    /// Whether somebody removed a meeting without a word to its organizer.
    pub fn is_silent(&self, who: &'static str, uid: &str) -> bool {
        self.memory().silent.contains(&(who, uid.to_owned()))
    }

    /// Somebody is left to the client.
    pub fn leave_to_client(&self, uid: &str, who: &str) {
        let who = if who == "robert" { "bob" } else { who };
        self.memory().left.insert((uid.to_owned(), who.to_owned()));
    }

    /// Whether somebody is left to the client: then nobody brings their copy up to date. Who is invited to all of it
    /// since, and not left to anybody, is not. An earlier state that is brought back may leave them again.
    pub fn is_left(&self, uid: &str, who: &str, meeting: Option<&CalendarObject>) -> bool {
        let known = (uid.to_owned(), who.to_owned());
        let lines = |entry: &Component| -> Vec<Property> {
            let lines = entry.properties().filter(|line| is_line_of(line, who));
            lines.cloned().collect()
        };
        let entries = meeting.iter().flat_map(|it| it.entries());
        let is_told = |line: &Property| line.parameter("SCHEDULE-AGENT").is_none();
        let is_told = entries.flat_map(lines).all(|line| is_told(&line));
        let is_in_all = meeting
            .and_then(series)
            .is_some_and(|it| !lines(it).is_empty());
        let mut memory = self.memory();
        match (is_told, is_in_all) {
            (false, _) => {
                memory.left.insert(known);
                true
            }
            (true, true) => {
                memory.left.remove(&known);
                false
            }
            (true, false) => memory.left.contains(&known),
        }
    }

    /// Something of a meeting was brought back for somebody. Of what comes from elsewhere, its organizer hears, and tells
    /// all of it again.
    pub fn bring_back(&self, uid: &str, who: &'static str) {
        self.memory()
            .brought_back
            .insert((uid.to_owned(), who), false);
        if uid == VISIT {
            self.elsewhere().host.missed.insert(who.to_owned());
        }
    }

    /// Whether the organizer has to tell all of a meeting anew, of which something was brought back.
    pub fn is_brought_back(&self, uid: &str) -> bool {
        let memory = self.memory();
        let mut brought_back = memory.brought_back.iter();
        brought_back.any(|((of, _), is_told)| of == uid && !is_told)
    }

    /// The organizer has.
    pub fn told_anew(&self, uid: &str) {
        let mut memory = self.memory();
        let brought_back = memory.brought_back.iter_mut();
        let of_meeting = brought_back.filter(|((of, _), _)| of == uid);
        of_meeting.for_each(|(_, is_told)| *is_told = true);
    }

    /// Whether somebody may have what they brought back themselves, and no organizer knows of.
    pub fn has_brought_back(&self, uid: &str, who: &'static str) -> bool {
        let memory = self.memory();
        memory.brought_back.contains_key(&(uid.to_owned(), who))
    }

    /// Something of a meeting may be copied into somebody's calendar, where nothing schedules it.
    pub fn note_copied(&self, uid: &str, who: &'static str) {
        self.memory().copied.insert((uid.to_owned(), who));
    }

    /// Whether it may have been.
    pub fn has_copied(&self, uid: &str, who: &'static str) -> bool {
        self.memory().copied.contains(&(uid.to_owned(), who))
    }

    /// What the client of somebody shows of a meeting: the newest, which is remembered, or something older; and whether
    /// it is older.
    pub fn looked_at(
        &self,
        dice: &Dice,
        who: &str,
        uid: &str,
        newest: Option<Found>,
    ) -> Option<(Found, bool)> {
        let mut memory = self.memory();
        memory.seen.extend(newest.clone());
        if !dice.once_in(4) {
            return newest.map(|newest| (newest, false));
        }
        let of_meeting = |it: &&Found| {
            it.owner == who && it.object.calendar.as_ref().is_some_and(|it| it.uid == uid)
        };
        let all: Vec<&Found> = memory.seen.iter().filter(of_meeting).collect();
        (!all.is_empty()).then(|| ((*dice.pick(&all)).clone(), true))
    }
}
