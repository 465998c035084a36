//! Recurring meetings: series, instances with a component of their own, and who is invited to which (RFC 6638
//! §3.2.6, §3.2.8; RFC 5546 §2.1.4, §3.2.2, §3.2.3, §3.2.5).
//!
//! The series of most cases are ten Mondays from 2026-03-02, 09:00 UTC. What stands in a calendar is shown one
//! component a line: `series` or the day of the instance, `cancelled`, who has answered what (`bob?` has not yet,
//! `bob+` accepted, `bob-` declined, `bob~` tentative), and the days that are taken out.

use super::*;

mod answers;
mod booking;
mod calling_off;
mod cases;
mod delivery;
mod ends;
mod following;
mod mail;
mod organizing;
mod outside;
mod properties;
mod range;

const RULE: &str = "DTSTART:20260302T090000Z\nDTEND:20260302T100000Z\nRRULE:FREQ=WEEKLY;COUNT=10\nSUMMARY:Jour fixe";

/// An object of several components, each given by its lines; UID, DTSTAMP and ORGANIZER are added.
fn set(components: &[&str]) -> CalendarObject {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n".to_owned();
    for lines in components {
        text += "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20251231T000000Z\r\nORGANIZER:mailto:alice@example.org\r\n";
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            text += &format!("{line}\r\n");
        }
        text += "END:VEVENT\r\n";
    }
    text += "END:VCALENDAR\r\n";
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// The ten Mondays with these attendees; `more` lines are added.
fn series(people: &str, more: &str) -> String {
    format!("{RULE}\n{}\n{more}", invited(people))
}

/// An instance on a Monday at this hour, with these attendees.
fn instance(day: &str, hour: u8, people: &str, more: &str) -> String {
    let end = hour + 1;
    format!(
        "RECURRENCE-ID:2026{day}T090000Z\nDTSTART:2026{day}T{hour:02}0000Z\nDTEND:2026{day}T{end:02}0000Z\nSUMMARY:Jour fixe\n{}\n{more}",
        invited(people)
    )
}

fn invited(people: &str) -> String {
    let people = people.split_whitespace();
    let lines: Vec<String> = people
        .map(|name| match name.contains('@') {
            true => format!("ATTENDEE:mailto:{name}"),
            false => format!("ATTENDEE:mailto:{name}@example.org"),
        })
        .collect();
    lines.join("\n")
}

/// An object as the module's documentation says.
fn shape(object: &CalendarObject) -> Vec<String> {
    let mut lines: Vec<String> = object.entries().map(shape_of).collect();
    lines.sort();
    // the series before its instances
    lines.sort_by_key(|line| !line.starts_with("series"));
    lines
}

fn shape_of(entry: &calendar::Component) -> String {
    let day = |text: &str| text.get(4..8).unwrap_or_default().to_owned();
    let mut line = entry
        .raw_value("RECURRENCE-ID")
        .map_or("series".to_owned(), day);
    if entry::is_cancelled(entry) {
        line += " cancelled";
    }
    for attendee in entry.properties_named("ATTENDEE") {
        let name = attendee.raw_value().trim_start_matches("mailto:");
        let name = name.trim_end_matches("@example.org");
        line += &format!(" {name}{}", mark(&entry::participation(attendee)));
    }
    let mut out: Vec<String> = entry
        .properties_named("EXDATE")
        .flat_map(|line| line.raw_value().split(','))
        .map(day)
        .collect();
    out.sort();
    if !out.is_empty() {
        line += &format!(" without {}", out.join(" "));
    }
    line
}

fn mark(participation: &str) -> &'static str {
    match participation {
        "NEEDS-ACTION" => "?",
        "ACCEPTED" => "+",
        "DECLINED" => "-",
        "TENTATIVE" => "~",
        _ => "!",
    }
}

impl World {
    /// The messages that came into an inbox since the last look: the method, and what each is about.
    fn letters(&mut self, who: &'static str) -> Vec<String> {
        let items = self.inboxes.remove(who).unwrap_or_default();
        items.iter().map(letter).collect()
    }

    /// The same of the mails that were sent.
    fn mailed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.mails)
            .iter()
            .map(|mail| {
                let object = CalendarObject::parse(&mail.calendar, &Limits::default()).unwrap();
                format!("{}: {}", mail.to.address, letter(&object))
            })
            .collect()
    }

    fn shape(&self, who: &str) -> Vec<String> {
        shape(self.copy(who))
    }

    /// An answer to one part: `series`, or the day of an instance that has a component.
    fn answer_part(&mut self, who: &'static str, part: &str, participation: &str) {
        let mut object = self.copy(who).clone();
        let (directory, id) = (self.directory(), self.people[who].id);
        for entry in object.entries_mut() {
            if shape_of(entry).split(' ').next() != Some(part) {
                continue;
            }
            let lines = entry.properties_mut().filter(|line| line.is("ATTENDEE"));
            for line in lines.filter(|line| directory.is(line.raw_value(), id)) {
                line.set_parameter("PARTSTAT", participation).unwrap();
            }
        }
        self.put(who, &object);
    }

    /// Stores the own copy after some change.
    fn change_copy(&mut self, who: &'static str, change: impl FnOnce(&mut calendar::Component)) {
        let mut object = self.copy(who).clone();
        change(object.calendar_mut());
        self.put(who, &object);
    }

    /// An answer to one instance, as clients give it: with a component of its own.
    fn answer_instance(&mut self, who: &'static str, day: &str, participation: &str) {
        let mut object = self.copy(who).clone();
        let key = Meeting::of(&object);
        let (directory, id) = (self.directory(), self.people[who].id);
        let zone = calendar::Zone::utc();
        let set = calendar::RecurrenceSet::of(&object, &zone);
        let text = format!("2026{day}T090000Z");
        let value = calendar::value::DateOrDateTime::parse(&text, None).unwrap();
        let mut own = key.component_at(set.key_of(&value)).unwrap();
        for line in own.properties_mut().filter(|line| line.is("ATTENDEE")) {
            if directory.is(line.raw_value(), id) {
                line.set_parameter("PARTSTAT", participation).unwrap();
            }
        }
        object
            .calendar_mut()
            .retain_components(|it| it.is("VTIMEZONE") || !shape_of(it).starts_with(day));
        object.calendar_mut().push_component(own);
        self.put(who, &object);
    }
}

fn letter(object: &CalendarObject) -> String {
    let mut parts: Vec<String> = object
        .entries()
        .map(|entry| {
            shape_of(entry)
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    parts.sort();
    format!("{} {}", method(object).unwrap_or("none"), parts.join(" "))
}

/// The number of each part: `series=0 0309=1`.
fn sequences(object: &CalendarObject) -> Vec<(String, u32)> {
    let mut found: Vec<(String, u32)> = object
        .entries()
        .map(|entry| {
            let part = shape_of(entry)
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned();
            (part, entry::sequence(entry))
        })
        .collect();
    found.sort();
    found
}

/// Bob and Carol are invited to the series, and have accepted.
fn accepted() -> World {
    let mut world = new_world();
    world.put("alice", &set(&[&series("bob carol", "")]));
    for who in ["bob", "carol"] {
        world.answer(who, "ACCEPTED");
        world.letters(who);
    }
    world.letters("alice");
    world
}
