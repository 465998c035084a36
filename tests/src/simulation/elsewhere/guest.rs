//! Somebody elsewhere who is invited: keeps of each part of a meeting what the newest message says of it (RFC 5546
//! §2.1.5), answers, proposes, and asks.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{
    Budget, CalendarObject, Component, Property, RecurrenceSet, TimeRange, Zone,
    occurrence::override_at,
};

use super::{Dice, XENIA, name_of, stream, uid_of};
use crate::simulation::instances::{
    DAYS, and_later, is_of_later_ones, key_of, name_of as name_of_day,
};

/// The place of a message in the order of messages.
type Revision = (u32, String);

/// Xenia.
#[derive(Debug, Default)]
pub struct Guest {
    meetings: BTreeMap<String, Meeting>,
    /// The days of which something was said apart, by meeting.
    apart: BTreeSet<(String, &'static str)>,
    /// Meetings of which a message did not arrive here, as long as nothing came that was asked for: who is not invited
    /// any more is told nothing.
    pub unsure: BTreeSet<String>,
}

/// Each part by its RECURRENCE-ID; the series has none.
type Meeting = BTreeMap<Option<String>, Part>;

#[derive(Clone, Debug)]
struct Part {
    entry: Component,
    revision: Revision,
}

fn revision(entry: &Component) -> Revision {
    let sequence = entry.raw_value("SEQUENCE").unwrap_or("0");
    let stamp = entry.raw_value("DTSTAMP").unwrap_or_default();
    (sequence.parse().unwrap_or(0), stamp.to_owned())
}

fn name(entry: &Component) -> Option<String> {
    entry.raw_value("RECURRENCE-ID").map(str::to_owned)
}

fn is_cancelled(entry: &Component) -> bool {
    entry.raw_value("STATUS") == Some("CANCELLED")
}

fn own(entry: &Component) -> Option<&Property> {
    let mut lines = entry.properties_named("ATTENDEE");
    lines.find(|line| line.raw_value() == format!("mailto:{XENIA}"))
}

fn set_own(entry: &mut Component, status: &str) {
    for line in entry.properties_mut() {
        if line.is("ATTENDEE") && line.raw_value() == format!("mailto:{XENIA}") {
            line.set_parameter("PARTSTAT", status).expect("a word");
        }
    }
}

impl Guest {
    /// A message of an organizer.
    pub fn receive(&mut self, message: &CalendarObject) {
        for entry in message.entries().filter(|entry| !is_of_later_ones(entry)) {
            self.keep_later_ones(&uid_of(message), entry);
        }
        let meeting = self.meetings.entry(uid_of(message)).or_default();
        match message.calendar().raw_value("METHOD") {
            Some("REQUEST") => request(meeting, message),
            Some("CANCEL") => cancel(meeting, message),
            _ => {}
        }
    }

    /// What is said of one instance leaves the later ones as they are: where its part says what these are, the next one says
    /// it from then on (RFC 5545 §3.2.13).
    fn keep_later_ones(&mut self, uid: &str, said: &Component) -> Option<()> {
        let object = self.object(uid)?;
        let meeting = self.meetings.get_mut(uid)?;
        let first = name(said)?;
        let known = meeting.get_mut(&Some(first.clone()))?;
        if !is_of_later_ones(&known.entry) || revision(said) <= known.revision {
            return None;
        }
        let revision = known.revision.clone();
        known
            .entry
            .property_mut("RECURRENCE-ID")?
            .remove_parameter("RANGE");
        let set = RecurrenceSet::of(&object, &Zone::utc());
        let window = TimeRange {
            start: None,
            end: None,
        };
        let all = set.occurrences(&window, &mut Budget::default()).ok()?;
        let names = all.into_iter().filter_map(|it| it.recurrence_id);
        let later = names.map(|name| (name.to_string(), set.key_of(&name)));
        let mut later = later.filter(|(name, _)| *name > first);
        let (next, key) = later.find(|(name, _)| !meeting.contains_key(&Some(name.clone())))?;
        let mut entry = override_at(&object, key).ok()?;
        and_later(&mut entry);
        drop(meeting.insert(Some(next), Part { entry, revision }));
        Some(())
    }

    /// Nothing is known of a meeting any more.
    pub fn forget(&mut self, uid: &str) {
        self.meetings.remove(uid);
    }

    /// The meetings that are known here.
    pub fn uids(&self) -> Vec<String> {
        self.meetings.keys().cloned().collect()
    }

    /// A meeting as it is known here.
    pub fn object(&self, uid: &str) -> Option<CalendarObject> {
        let meeting = self.meetings.get(uid)?;
        let mut object = super::parse(stream("X", "").as_bytes());
        object.calendar_mut().remove_properties("METHOD");
        for part in meeting.values() {
            object.calendar_mut().push_component(part.entry.clone());
        }
        Some(object)
    }

    /// Answers, proposes, or asks: in words, and as messages by their recipients.
    pub fn act(&mut self, dice: &Dice, stamp: &str) -> Option<(String, Vec<(String, String)>)> {
        let uids = self.uids();
        let uid = (!uids.is_empty()).then(|| dice.pick(&uids).clone())?;
        let (words, letter) = match dice.roll(9) {
            0 => (
                "asks for the newest version".to_owned(),
                self.ask(&uid, stamp)?,
            ),
            1 | 8 => (
                "proposes another time".to_owned(),
                self.propose(&uid, stamp)?,
            ),
            2..=4 => {
                let day = *dice.pick(&DAYS);
                let status = *dice.pick(&["ACCEPTED", "DECLINED", "TENTATIVE"]);
                let letter = self.answer(&uid, Some(day), status, stamp)?;
                (format!("says {status} to {day}"), letter)
            }
            _ => {
                let status = *dice.pick(&["ACCEPTED", "DECLINED", "TENTATIVE"]);
                (
                    format!("says {status} to all"),
                    self.answer(&uid, None, status, stamp)?,
                )
            }
        };
        Some((format!("{XENIA} {words} of \"{uid}\"."), vec![letter]))
    }

    /// REPLY to all parts, or to a day's instance. To all means the days, too, of which something was said apart: such
    /// an answer may have met a message on its way that does not know it, and stands at the organizer's.
    pub fn answer(
        &mut self,
        uid: &str,
        day: Option<&'static str>,
        status: &str,
        stamp: &str,
    ) -> Option<(String, String)> {
        match day {
            Some(day) => {
                self.detach(uid, day)?;
                self.apart.insert((uid.to_owned(), day));
            }
            None => {
                for (_, day) in self.apart.clone().iter().filter(|(of, _)| of == uid) {
                    let _ = self.detach(uid, day);
                }
            }
        }
        let meeting = self.meetings.get_mut(uid)?;
        let (mut components, mut organizer) = (String::new(), String::new());
        for (name, part) in meeting {
            let is_meant = day.is_none_or(|day| {
                name.as_ref()
                    .is_some_and(|name| name.starts_with(&format!("2026{day}")))
            });
            if !is_meant || is_cancelled(&part.entry) || own(&part.entry).is_none() {
                continue;
            }
            set_own(&mut part.entry, status);
            organizer = part.entry.raw_value("ORGANIZER")?.to_owned();
            components += &about(uid, &part.entry, stamp, &format!(";PARTSTAT={status}"), "");
        }
        (!components.is_empty()).then(|| (name_of(&organizer), stream("REPLY", &components)))
    }

    /// Gives a day's instance a part of its own.
    fn detach(&mut self, uid: &str, day: &str) -> Option<()> {
        let object = self.object(uid)?;
        let meeting = self.meetings.get_mut(uid)?;
        let series = meeting
            .get(&None)
            .filter(|it| it.entry.property("RRULE").is_some());
        let Some(series) = series.cloned() else {
            // no series is known here: an instance has its part, or is none
            return meeting.keys().any(Option::is_some).then_some(());
        };
        let name = name_of_day(&object, day);
        if !meeting.contains_key(&Some(name.clone())) && !is_cancelled(&series.entry) {
            let entry = override_at(&object, key_of(&object, &name)).ok()?;
            let revision = series.revision;
            meeting.insert(Some(name), Part { entry, revision });
        }
        Some(())
    }

    fn propose(&self, uid: &str, stamp: &str) -> Option<(String, String)> {
        let part = self.meetings.get(uid)?.values().next()?;
        let organizer = part.entry.raw_value("ORGANIZER")?;
        let more = "DTSTART:20260302T180000Z\r\nDURATION:PT1H\r\n";
        let component = about(uid, &part.entry, stamp, "", more);
        Some((name_of(organizer), stream("COUNTER", &component)))
    }

    /// REFRESH.
    pub fn ask(&self, uid: &str, stamp: &str) -> Option<(String, String)> {
        let organizer = match uid {
            "plan" => "alice",
            _ => "bob",
        };
        let known = self.meetings.get(uid).and_then(|it| it.values().next());
        let kind = known.map_or("VEVENT", |part| part.entry.name());
        let component = format!(
            "BEGIN:{kind}\r\nUID:{uid}\r\nDTSTAMP:{stamp}\r\nORGANIZER:mailto:{organizer}@example.com\r\n\
             ATTENDEE:mailto:{XENIA}\r\nEND:{kind}\r\n"
        );
        Some((organizer.to_owned(), stream("REFRESH", &component)))
    }
}

/// A component about a part: who says what of it.
fn about(uid: &str, entry: &Component, stamp: &str, said: &str, more: &str) -> String {
    // RECURRENCE-ID says whether all later ones are meant (RFC 5545 §3.2.13)
    let line = |name: &str| {
        let line = entry.property(name);
        line.map_or_else(String::new, |line| format!("{}\r\n", line.content()))
    };
    let kind = entry.name();
    format!(
        "BEGIN:{kind}\r\nUID:{uid}\r\nDTSTAMP:{stamp}\r\n{}{}{}ATTENDEE{said}:mailto:{XENIA}\r\n{more}END:{kind}\r\n",
        line("SEQUENCE"),
        line("RECURRENCE-ID"),
        line("ORGANIZER"),
    )
}

/// What is newer than what is known takes its place; a new series, that of all that is older.
fn request(meeting: &mut Meeting, message: &CalendarObject) {
    let before = meeting.clone();
    let known = |name: &Option<String>| before.get(name).or(before.get(&None));
    let is_news =
        |entry: &Component| known(&name(entry)).is_none_or(|part| revision(entry) > part.revision);
    let series = message.entries().find(|entry| name(entry).is_none());
    if let Some(series) = series.filter(|series| is_news(series)) {
        let newest = revision(series);
        meeting.retain(|_, part| part.revision > newest);
    }
    for entry in message.entries().filter(|entry| is_news(entry)) {
        let mut entry = entry.clone();
        let revision = revision(&entry);
        // the organizer may not have heard the answer yet; who is asked anew is told so by SEQUENCE
        if let Some(part) = before
            .get(&name(&entry))
            .filter(|it| it.revision.0 == revision.0)
            && let Some(status) = own(&part.entry).and_then(|line| line.parameter("PARTSTAT"))
        {
            set_own(&mut entry, &status);
        }
        meeting.insert(name(&entry), Part { entry, revision });
    }
}

/// What is called off is what is older.
fn cancel(meeting: &mut Meeting, message: &CalendarObject) {
    for entry in message.entries() {
        let newest = revision(entry);
        let called_off = |part: &mut Part| {
            if part.revision < newest {
                part.entry
                    .set_raw_value("STATUS", "CANCELLED")
                    .expect("a word");
                if let Some(name) = entry.property("RECURRENCE-ID") {
                    part.entry.set_property(name.clone());
                }
                part.revision.clone_from(&newest);
            }
        };
        match name(entry) {
            None => {
                meeting.values_mut().for_each(called_off);
                meeting.entry(None).or_insert_with(|| cancelled(entry));
            }
            Some(name) => {
                let is_newer = meeting
                    .get(&None)
                    .is_none_or(|series| newest > series.revision);
                match meeting.get_mut(&Some(name.clone())) {
                    Some(part) => called_off(part),
                    None if is_newer => drop(meeting.insert(Some(name), cancelled(entry))),
                    None => {}
                }
            }
        }
    }
}

/// What is called off before it was known stays so.
fn cancelled(entry: &Component) -> Part {
    let mut entry = entry.clone();
    entry.set_raw_value("STATUS", "CANCELLED").expect("a word");
    Part {
        revision: revision(&entry),
        entry,
    }
}
