//! Somebody elsewhere who invites: has one meeting, tells all of it with each change, and keeps the newest answer of
//! each person to each part (RFC 5546 §2.1.5).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use calendar::CalendarObject;

use super::{Dice, YVES, name_of, stream};
use crate::simulation::instances::DAYS;

/// The UID of the meeting.
pub const VISIT: &str = "visit";
/// Whom Yves invites.
const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "room"];
/// On which days there may be one instance more, and at what hour.
const MORE: [(&str, u64); 2] = [("0304", 14), ("0311", 14)];

/// Yves.
#[derive(Debug, Default)]
pub struct Host {
    meeting: Option<Meeting>,
    /// The highest SEQUENCE that was used.
    sequence: u32,
    /// Who did not get a message, or from whom one was lost.
    pub missed: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
struct Meeting {
    hour: u64,
    is_weekly: bool,
    place: bool,
    is_cancelled: bool,
    people: BTreeSet<&'static str>,
    /// Taken out: `0309`.
    excluded: BTreeSet<&'static str>,
    /// Those with a component of their own, by day, and their hours.
    instances: BTreeMap<&'static str, u64>,
    /// Those that are more than the series, by day.
    added: BTreeMap<&'static str, u64>,
    answers: BTreeMap<(&'static str, Option<&'static str>), Answer>,
    /// From which SEQUENCE on answers to a part count.
    asked: BTreeMap<Option<&'static str>, u32>,
}

#[derive(Clone, Debug, Default)]
struct Answer {
    status: String,
    revision: (u32, String),
}

impl Meeting {
    fn name(&self, day: &str) -> String {
        let added = self.added.get(day);
        format!("2026{day}T{:02}0000Z", added.copied().unwrap_or(self.hour))
    }

    /// The days that have a component of their own.
    fn days(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = self.instances.iter().chain(&self.added);
        let all: Vec<_> = all.map(|(day, hour)| (*day, *hour)).collect();
        all.into_iter()
    }

    fn day(&self, name: &str) -> Option<&'static str> {
        let added = self.added.keys().copied();
        let days = DAYS.into_iter().chain(added);
        days.into_iter().find(|day| self.name(day) == name)
    }

    fn said(&self, who: &'static str, part: Option<&'static str>) -> &str {
        let answer = self.answers.get(&(who, part));
        answer.map_or("NEEDS-ACTION", |answer| &answer.status)
    }

    fn component(
        &self,
        day: Option<&'static str>,
        hour: u64,
        sequence: u32,
        stamp: &str,
    ) -> String {
        let mut text = format!(
            "BEGIN:VEVENT\r\nUID:{VISIT}\r\nDTSTAMP:{stamp}\r\nSEQUENCE:{sequence}\r\nORGANIZER:mailto:{YVES}\r\n"
        );
        if let Some(day) = day {
            let _ = write!(text, "RECURRENCE-ID:{}\r\n", self.name(day));
        }
        let date = day.unwrap_or("0302");
        let _ = write!(
            text,
            "DTSTART:2026{date}T{hour:02}0000Z\r\nDURATION:PT1H\r\n"
        );
        if self.place {
            text += "LOCATION:Hall\r\n";
        }
        for who in &self.people {
            let said = self.said(who, day);
            let _ = write!(
                text,
                "ATTENDEE;PARTSTAT={said}:mailto:{who}@example.com\r\n"
            );
        }
        if day.is_none() && self.is_weekly {
            text += "RRULE:FREQ=WEEKLY;COUNT=10\r\n";
        }
        if day.is_none() {
            for out in &self.excluded {
                let _ = write!(text, "EXDATE:{}\r\n", self.name(out));
            }
            for more in self.added.keys() {
                let _ = write!(text, "RDATE:{}\r\n", self.name(more));
            }
        }
        text + "END:VEVENT\r\n"
    }

    fn text(&self, sequence: u32, stamp: &str) -> String {
        let mut text = self.component(None, self.hour, sequence, stamp);
        for (day, hour) in self.days() {
            text += &self.component(Some(day), hour, sequence, stamp);
        }
        text
    }

    /// Takes an answer if it is newer than the last one; one to the series is meant for the instances, too, of which the
    /// same was said and that are not named.
    fn take(
        &mut self,
        who: &'static str,
        part: Option<&'static str>,
        answer: Answer,
        named: &BTreeSet<&'static str>,
    ) {
        let before = self.answers.get(&(who, part)).cloned().unwrap_or_default();
        if answer.revision <= before.revision {
            return;
        }
        let said = self.said(who, part).to_owned();
        let days: Vec<_> = self.days().map(|(day, _)| day).collect();
        for day in days
            .into_iter()
            .filter(|day| part.is_none() && !named.contains(day))
        {
            let asked = self.asked.get(&Some(day)).copied().unwrap_or_default();
            if self.said(who, Some(day)) == said && asked <= answer.revision.0 {
                self.answers.insert((who, Some(day)), answer.clone());
            }
        }
        self.answers.insert((who, part), answer);
    }

    fn ask(&mut self, part: Option<&'static str>, sequence: u32) {
        self.answers.retain(|(_, of), _| *of != part);
        self.asked.insert(part, sequence);
    }
}

impl Host {
    /// The meeting, if it takes place.
    pub fn object(&self) -> Option<CalendarObject> {
        let meeting = self.meeting.as_ref().filter(|it| !it.is_cancelled)?;
        let text = meeting.text(self.sequence, "20260101T000000Z");
        Some(super::parse(stream("REQUEST", &text).as_bytes()))
    }

    /// The names of the instances that are more than the series.
    pub fn names_of_more(&self) -> Vec<String> {
        let meeting = self.meeting.iter();
        meeting
            .flat_map(|it| it.added.keys().map(|day| it.name(day)))
            .collect()
    }

    /// All of the meeting for these people, or that it is off.
    pub fn tell(&self, people: &[String], stamp: &str) -> Vec<(String, String)> {
        let Some(meeting) = &self.meeting else {
            return Vec::new();
        };
        let letters = people.iter().map(|who| {
            let is_in = meeting.people.contains(&**who) && !meeting.is_cancelled;
            let text = match is_in {
                true => stream("REQUEST", &meeting.text(self.sequence, stamp)),
                false => self.cancellation(None, who, stamp),
            };
            (who.clone(), text)
        });
        letters.collect()
    }

    fn cancellation(&self, name: Option<&str>, who: &str, stamp: &str) -> String {
        let name = name.map_or_else(String::new, |name| format!("RECURRENCE-ID:{name}\r\n"));
        let sequence = self.sequence;
        stream(
            "CANCEL",
            &format!(
                "BEGIN:VEVENT\r\nUID:{VISIT}\r\nDTSTAMP:{stamp}\r\nSEQUENCE:{sequence}\r\n{name}\
                 ORGANIZER:mailto:{YVES}\r\nATTENDEE:mailto:{who}@example.com\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n"
            ),
        )
    }

    /// A message of somebody who is invited; who asks for the newest version.
    pub fn receive(&mut self, message: &CalendarObject) -> Option<String> {
        let mut entries = message.entries();
        let line = entries.find_map(|entry| entry.property("ATTENDEE"))?;
        let who = name_of(line.raw_value());
        match message.calendar().raw_value("METHOD")? {
            "REFRESH" => return Some(who),
            "REPLY" => {}
            other => panic!("{other} to an organizer"),
        }
        let meeting = self.meeting.as_mut().filter(|it| !it.is_cancelled)?;
        let who = *meeting.people.get(&*who)?;
        let named = message
            .entries()
            .filter_map(|it| it.raw_value("RECURRENCE-ID"));
        let named: BTreeSet<_> = named.filter_map(|name| meeting.day(name)).collect();
        for entry in message.entries() {
            let part = match entry.raw_value("RECURRENCE-ID") {
                None => None,
                Some(name) => match meeting.day(name) {
                    Some(day) if meeting.is_weekly || meeting.added.contains_key(day) => Some(day),
                    _ => continue,
                },
            };
            let is_out = part.is_some_and(|day| meeting.excluded.contains(day));
            let sequence = entry.raw_value("SEQUENCE").unwrap_or("0");
            let sequence: u32 = sequence.parse().unwrap_or(0);
            let stamp = entry.raw_value("DTSTAMP").unwrap_or_default().to_owned();
            let asked = meeting.asked.get(&part).or(meeting.asked.get(&None));
            if is_out || asked.is_some_and(|asked| sequence < *asked) {
                continue;
            }
            if let Some(day) = part.filter(|day| !meeting.days().any(|(own, _)| own == *day)) {
                // the instance gets a component of its own, in which the others say what they say of the series
                meeting.instances.insert(day, meeting.hour);
                for other in meeting.people.clone() {
                    let answer = meeting.answers.get(&(other, None)).cloned();
                    let answer = answer.unwrap_or_default();
                    if !answer.status.is_empty() {
                        meeting.answers.insert((other, part), answer);
                    }
                }
            }
            let mut lines = entry.properties_named("ATTENDEE");
            let status = lines.find_map(|line| line.parameter("PARTSTAT"));
            let answer = Answer {
                status: status.unwrap_or_default().into_owned(),
                revision: (sequence, stamp),
            };
            meeting.take(who, part, answer, &named);
        }
        None
    }

    /// Does something, in words and as messages by their recipients.
    pub fn act(&mut self, dice: &Dice, stamp: &str) -> Option<(String, Vec<(String, String)>)> {
        let is_on = self.meeting.as_ref().is_some_and(|it| !it.is_cancelled);
        let roll = if is_on { dice.roll(9) } else { 0 };
        if roll == 8 {
            // nobody proposed anything; it is said all the same
            let meeting = self.meeting.as_ref()?;
            let text = meeting.component(None, meeting.hour, self.sequence, stamp);
            let words = format!("{YVES} declines what nobody proposed.");
            let people = meeting.people.iter();
            let letters = people.map(|who| ((*who).to_owned(), stream("DECLINECOUNTER", &text)));
            return Some((words, letters.collect()));
        }
        self.sequence += 1;
        let (what, letters) = match roll {
            0 | 1 => self.invite(dice, stamp),
            2 => self.move_instance(dice, stamp)?,
            3 => self.call_off_instance(dice, stamp)?,
            4 => self.add(dice, stamp)?,
            5 => self.call_off(stamp)?,
            6 => self.dismiss(dice, stamp)?,
            _ => {
                let meeting = self.meeting.as_mut()?;
                meeting.place = !meeting.place;
                ("is somewhere else".to_owned(), self.tell_all(stamp))
            }
        };
        Some((format!("{YVES}'s \"{VISIT}\" {what}."), letters))
    }

    fn tell_all(&self, stamp: &str) -> Vec<(String, String)> {
        let people = self.meeting.iter().flat_map(|it| &it.people);
        let people: Vec<String> = people.map(|who| (*who).to_owned()).collect();
        self.tell(&people, stamp)
    }

    /// Anew, or at another time.
    fn invite(&mut self, dice: &Dice, stamp: &str) -> (String, Vec<(String, String)>) {
        let before = self.meeting.take().unwrap_or_default();
        let mut meeting = Meeting {
            hour: 9 + dice.roll(4),
            is_weekly: !dice.once_in(3),
            place: dice.once_in(2),
            people: before.people.clone(),
            ..Meeting::default()
        };
        if meeting.people.is_empty() || before.is_cancelled {
            let people = PEOPLE.into_iter().filter(|_| dice.once_in(2));
            meeting.people = people.collect();
        }
        meeting.ask(None, self.sequence);
        let (hour, people) = (meeting.hour, &meeting.people);
        let often = if meeting.is_weekly {
            "every week"
        } else {
            "once"
        };
        let words = format!("is at {hour}, {often}, with {people:?}");
        self.meeting = Some(meeting);
        (words, self.tell_all(stamp))
    }

    fn move_instance(
        &mut self,
        dice: &Dice,
        stamp: &str,
    ) -> Option<(String, Vec<(String, String)>)> {
        let sequence = self.sequence;
        let meeting = self.meeting.as_mut().filter(|it| it.is_weekly)?;
        let day = *dice.pick(&DAYS);
        let hour = 15 + dice.roll(3);
        meeting.excluded.remove(day);
        meeting.instances.insert(day, hour);
        meeting.ask(Some(day), sequence);
        // only the instance is told of
        let text = stream(
            "REQUEST",
            &meeting.component(Some(day), hour, sequence, stamp),
        );
        let people = meeting.people.iter();
        let letters = people
            .map(|who| ((*who).to_owned(), text.clone()))
            .collect();
        Some((format!("is at {hour} on {day}"), letters))
    }

    fn call_off_instance(
        &mut self,
        dice: &Dice,
        stamp: &str,
    ) -> Option<(String, Vec<(String, String)>)> {
        let day = *dice.pick(&DAYS);
        let meeting = self.meeting.as_mut().filter(|it| it.is_weekly)?;
        meeting.instances.remove(day);
        meeting.excluded.insert(day);
        meeting.answers.retain(|(_, part), _| *part != Some(day));
        let (name, people) = (meeting.name(day), meeting.people.clone());
        let cancel = |who: &&str| self.cancellation(Some(&name), who, stamp);
        let letters = people.iter().map(|who| ((*who).to_owned(), cancel(who)));
        Some((format!("is not on {day}"), letters.collect()))
    }

    fn add(&mut self, dice: &Dice, stamp: &str) -> Option<(String, Vec<(String, String)>)> {
        let (day, hour) = *dice.pick(&MORE);
        let sequence = self.sequence;
        let meeting = self.meeting.as_mut()?;
        if meeting.added.insert(day, hour).is_some() {
            return Some(("is told again".to_owned(), self.tell_all(stamp)));
        }
        meeting.ask(Some(day), sequence);
        let component = meeting.component(Some(day), hour, sequence, stamp);
        let name = format!("RECURRENCE-ID:{}\r\n", meeting.name(day));
        let text = stream("ADD", &component.replace(&name, ""));
        let people = meeting.people.iter();
        let letters = people
            .map(|who| ((*who).to_owned(), text.clone()))
            .collect();
        Some((format!("is on {day}, too"), letters))
    }

    fn call_off(&mut self, stamp: &str) -> Option<(String, Vec<(String, String)>)> {
        self.meeting.as_mut()?.is_cancelled = true;
        Some(("is called off".to_owned(), self.tell_all(stamp)))
    }

    fn dismiss(&mut self, dice: &Dice, stamp: &str) -> Option<(String, Vec<(String, String)>)> {
        let meeting = self.meeting.as_mut()?;
        let people: Vec<&'static str> = meeting.people.iter().copied().collect();
        let who = (!people.is_empty()).then(|| *dice.pick(&people))?;
        meeting.people.remove(who);
        meeting.answers.retain(|(of, _), _| *of != who);
        let mut letters = self.tell_all(stamp);
        letters.push((who.to_owned(), self.cancellation(None, who, stamp)));
        Some((format!("is without {who}"), letters))
    }
}
