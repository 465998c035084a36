//! What organizers do.

use std::fmt::Write as _;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property, occurrence::override_at};

use super::{MEETINGS, Request};
use crate::simulation::{
    Dice,
    elsewhere::XENIA,
    house::{Found, House, address, path},
    instances::{DAYS, MORE, and_later, is_line_of, key_of, name_of, series_mut},
};

/// Who may be invited to the meetings of the house.
const ALL: [&str; 6] = ["alice", "bob", "carol", "room", "team", XENIA];

/// The organizer stores the meeting as a client makes it that knows of no answers.
pub async fn store(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let (uid, organizer) = *dice.pick(&MEETINGS);
    let who = at_the_desk(dice, organizer);
    let there = house.copies(organizer, uid).await.into_iter().next();
    let at = there.map_or_else(
        || path(organizer, &format!("calendar/{uid}.ics")),
        |found| found.path,
    );
    let (words, text) = Writing::new(house, dice, uid, organizer).meeting();
    let request = Request::Put {
        who,
        path: at,
        octets: Bytes::from(text),
        schedule_tag: None,
        is_private: false,
    };
    let whose = whose(who, organizer);
    Some((format!("{who} stores {whose}\"{uid}\": {words}"), request))
}

/// A secretary works in the manager's calendar.
fn at_the_desk(dice: &Dice, organizer: &'static str) -> &'static str {
    match organizer == "alice" && dice.once_in(3) {
        true => "carol",
        false => organizer,
    }
}

fn whose(who: &str, organizer: &str) -> String {
    match who == organizer {
        true => String::new(),
        false => format!("{organizer}'s "),
    }
}

/// Somebody with the way in which they hear of a meeting.
#[derive(Clone, Copy)]
struct Seat {
    name: &'static str,
    /// SCHEDULE-AGENT=CLIENT.
    is_left: bool,
}

/// A meeting that is written.
struct Writing<'a> {
    house: &'a House,
    dice: &'a Dice,
    uid: &'static str,
    organizer: &'static str,
    component: &'static str,
    hour: u64,
    has_place: bool,
}

impl<'a> Writing<'a> {
    fn new(
        house: &'a House,
        dice: &'a Dice,
        uid: &'static str,
        organizer: &'static str,
    ) -> Writing<'a> {
        Writing {
            house,
            dice,
            uid,
            organizer,
            component: match uid == "review" && house.manner.review_is_task {
                true => "VTODO",
                false => "VEVENT",
            },
            hour: if dice.once_in(5) { 10 } else { 9 },
            has_place: dice.once_in(2),
        }
    }

    /// In words and in iCalendar.
    fn meeting(&self) -> (String, String) {
        let (dice, hour) = (self.dice, self.hour);
        let invited = self.people();
        let mut words = format!("at {hour}, with {}", list(&invited));
        let mut series = self.lines(DAYS[0], hour, None, &invited);
        if self.has_place {
            words += ", in the hall";
        }
        let mut instances = String::new();
        if !dice.once_in(3) {
            let count = if dice.once_in(5) { 5 } else { 10 };
            let _ = write!(words, ", {count} weeks");
            let _ = write!(series, "RRULE:FREQ=WEEKLY;COUNT={count}\r\n");
            if dice.once_in(4) {
                let _ = write!(words, " and on {MORE}");
                let _ = write!(series, "RDATE:2026{MORE}T{hour:02}0000Z\r\n");
            }
            for day in &DAYS[1..] {
                let (said, excluded, own) = self.instance(day);
                words += &said;
                series += &excluded;
                instances += &own;
            }
        }
        if dice.once_in(20) {
            words += "; all cancelled";
            series += "STATUS:CANCELLED\r\n";
        }
        let component = self.component;
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Simulation//EN\r\nBEGIN:{component}\r\n{series}\
             END:{component}\r\n{instances}END:VCALENDAR\r\n"
        );
        (words, text)
    }

    /// What is said of a day, its EXDATE, and its component.
    fn instance(&self, day: &str) -> (String, String, String) {
        let (dice, hour) = (self.dice, self.hour);
        match dice.roll(8) {
            0 => (
                format!("; not on {day}"),
                format!("EXDATE:2026{day}T{hour:02}0000Z\r\n"),
                String::new(),
            ),
            1 => {
                let people = self.people();
                let at = 9 + dice.roll(3);
                let mut words = format!("; on {day} at {at} with {}", list(&people));
                let component = self.component;
                let name = format!("RECURRENCE-ID:2026{day}T{hour:02}0000Z\r\n");
                let mut own = format!("BEGIN:{component}\r\n");
                own += &self.lines(day, at, Some(&name), &people);
                if dice.once_in(5) {
                    words += ", cancelled";
                    own += "STATUS:CANCELLED\r\n";
                }
                let _ = write!(own, "END:{component}\r\n");
                (words, String::new(), own)
            }
            _ => (String::new(), String::new(), String::new()),
        }
    }

    fn people(&self) -> Vec<Seat> {
        let invited = ALL.into_iter().filter(|it| *it != self.organizer);
        let invited = invited.filter(|_| self.dice.once_in(2));
        let mut seats: Vec<Seat> = invited.map(|name| self.seat(name)).collect();
        // somebody has two addresses
        if self.organizer != "bob" && self.dice.once_in(8) {
            seats.push(self.seat("robert"));
        }
        seats
    }

    fn seat(&self, name: &'static str) -> Seat {
        let is_left = name != "team" && self.dice.once_in(30);
        if is_left {
            self.house.leave_to_client(self.uid, name);
        }
        Seat { name, is_left }
    }

    fn lines(&self, day: &str, hour: u64, name: Option<&str>, people: &[Seat]) -> String {
        let (uid, organizer) = (self.uid, address(self.organizer));
        let mut text = format!(
            "UID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:{uid}\r\nORGANIZER:{organizer}\r\n{}\
             DTSTART:2026{day}T{hour:02}0000Z\r\nDURATION:PT1H\r\n",
            name.unwrap_or_default()
        );
        if self.has_place {
            text += "LOCATION:Hall\r\n";
        }
        for seat in people {
            let agent = if seat.is_left {
                ";SCHEDULE-AGENT=CLIENT"
            } else {
                ""
            };
            let _ = write!(text, "ATTENDEE{agent}:{}\r\n", address(seat.name));
        }
        text
    }
}

fn list(people: &[Seat]) -> String {
    let name = |seat: &Seat| match seat.is_left {
        true => format!("{} (left to the client)", seat.name),
        false => seat.name.to_owned(),
    };
    match people {
        [] => "nobody".to_owned(),
        people => people.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

/// The organizer changes what the client shows: the newest, or something older.
pub async fn edit(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let (uid, organizer) = *dice.pick(&MEETINGS);
    let who = at_the_desk(dice, organizer);
    let newest = house.copies(organizer, uid).await.into_iter().next();
    let (found, is_old): (Found, bool) = house.looked_at(dice, organizer, uid, newest)?;
    let mut object = found.parsed();
    let words = change(dice, organizer, &mut object)?;
    let schedule_tag = found.schedule_tag().filter(|_| is_old || dice.once_in(2));
    let age = if is_old { " (in an old copy)" } else { "" };
    let whose = whose(who, organizer);
    let request = Request::Put {
        who,
        path: found.path,
        octets: object.to_octets(),
        schedule_tag,
        is_private: false,
    };
    Some((
        format!("{who} changes {whose}\"{uid}\"{age}: {words}."),
        request,
    ))
}

/// What says when a component and its instances are.
pub fn times(entry: &mut Component) -> impl Iterator<Item = &mut Property> {
    let times = ["DTSTART", "RECURRENCE-ID", "EXDATE", "RDATE"];
    let lines = entry.properties_mut();
    lines.filter(move |it| times.contains(&it.name()))
}

fn change(dice: &Dice, organizer: &str, object: &mut CalendarObject) -> Option<String> {
    let others = ALL.into_iter().filter(|it| *it != organizer);
    let others: Vec<&str> = others.collect();
    let other = *dice.pick(&others);
    match dice.roll(14) {
        0 => {
            let has_place = object.entries().any(|it| it.property("LOCATION").is_some());
            object.entries_mut().for_each(|entry| match has_place {
                true => drop(entry.remove_properties("LOCATION")),
                false => entry.set_raw_value("LOCATION", "Hall").expect("a place"),
            });
            Some("somewhere else".to_owned())
        }
        1 => {
            object.entries_mut().for_each(shift);
            Some("an hour earlier or later".to_owned())
        }
        2 => {
            object.entries_mut().for_each(|entry| {
                entry.retain_properties(|line| !is_line_of(line, other));
            });
            Some(format!("without {other}"))
        }
        3 => {
            object.entries_mut().for_each(|entry| bring(entry, other));
            Some(format!("with {other}"))
        }
        4 => {
            object
                .calendar_mut()
                .retain_components(|it| it.property("RECURRENCE-ID").is_none());
            Some("no instance apart".to_owned())
        }
        5 => {
            ask_again(object.entries_mut(), other, "PARTSTAT", "NEEDS-ACTION")?;
            Some(format!("{other} is asked again"))
        }
        6 => {
            let all = object.entries_mut();
            ask_again(all, other, "SCHEDULE-FORCE-SEND", "REQUEST")?;
            Some(format!("{other} is to be told again"))
        }
        7..=9 => change_words(dice, object),
        _ => change_day(dice, other, object),
    }
}

/// What it is called, what it is about, and whether it is sure.
fn change_words(dice: &Dice, object: &mut CalendarObject) -> Option<String> {
    match dice.roll(3) {
        0 => {
            let words = *dice.pick(&["", "\\, once more", "\\, in short"]);
            object.entries_mut().for_each(|entry| {
                let summary = entry.raw_value("SUMMARY").unwrap_or_default();
                let name = summary.split("\\,").next().unwrap_or_default();
                let summary = format!("{name}{words}");
                entry.set_raw_value("SUMMARY", &summary).expect("a text");
            });
            Some(format!("its name ends with \"{words}\""))
        }
        1 => {
            let number = dice.roll(3);
            object.entries_mut().for_each(|entry| match number {
                0 => drop(entry.remove_properties("DESCRIPTION")),
                _ => {
                    let text = format!("Agenda {number}");
                    entry.set_raw_value("DESCRIPTION", &text).expect("a text");
                }
            });
            Some(format!("with agenda {number}"))
        }
        _ => {
            let status = *dice.pick(&["TENTATIVE", "CONFIRMED"]);
            let mut events = object.entries_mut().filter(|it| it.is("VEVENT"));
            let first = events.next()?;
            first.set_raw_value("STATUS", status).expect("a word");
            Some(format!("{status} so far"))
        }
    }
}

/// `None` where somebody is in none of these.
fn ask_again<'c>(
    entries: impl Iterator<Item = &'c mut Component>,
    who: &str,
    parameter: &str,
    value: &str,
) -> Option<()> {
    let lines = entries.flat_map(Component::properties_mut);
    let lines = lines.filter(|line| is_line_of(line, who));
    lines
        .map(|line| line.set_parameter(parameter, value).expect("a word"))
        .reduce(|(), ()| ())
}

/// All times at 9 are at 10, and the other way round.
fn shift(entry: &mut Component) {
    for line in times(entry) {
        let value = line.raw_value();
        let value = match value.contains("T09") {
            true => value.replace("T09", "T10"),
            false => value.replace("T10", "T09"),
        };
        line.set_raw_value(&value).expect("a time");
    }
}

fn bring(entry: &mut Component, who: &str) {
    if !entry.properties().any(|line| is_line_of(line, who)) {
        let line = Property::new("ATTENDEE", &address(who)).expect("a name");
        entry.push_property(line);
    }
}

fn change_day(dice: &Dice, other: &str, object: &mut CalendarObject) -> Option<String> {
    series_mut(object)?.property("RRULE")?;
    let day = *dice.pick(&DAYS);
    let name = name_of(object, day);
    let own = object
        .entries()
        .find(|it| it.raw_value("RECURRENCE-ID") == Some(&*name));
    let own = own.cloned();
    let own = own.or_else(|| override_at(object, key_of(object, &name)).ok());
    let mut own = own?;
    object
        .calendar_mut()
        .retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*name));
    let words = match dice.roll(10) {
        0 => {
            let line = Property::new("EXDATE", &name).expect("a name");
            series_mut(object)?.push_property(line);
            return Some(format!("not on {day}"));
        }
        1 => {
            own.set_raw_value("STATUS", "CANCELLED").expect("a word");
            format!("cancelled on {day}")
        }
        2 => {
            own.retain_properties(|line| !is_line_of(line, other));
            format!("on {day} without {other}")
        }
        3 => {
            bring(&mut own, other);
            format!("on {day} with {other}")
        }
        4 => {
            ask_again(std::iter::once(&mut own), other, "PARTSTAT", "NEEDS-ACTION")?;
            format!("{other} is asked again about {day}")
        }
        5 | 6 => {
            let place = format!("Room of {day}");
            own.set_raw_value("LOCATION", &place).expect("a place");
            and_later(&mut own);
            format!("from {day} on in another room")
        }
        number => {
            let hour = 9 + dice.roll(3);
            let start = format!("2026{day}T{hour:02}0000Z");
            own.set_raw_value("DTSTART", &start).expect("a time");
            match number {
                7 | 8 => {
                    and_later(&mut own);
                    format!("from {day} on at {hour}")
                }
                _ => format!("on {day} at {hour}"),
            }
        }
    };
    object.calendar_mut().push_component(own);
    Some(words)
}
