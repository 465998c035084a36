//! Stories: what several people do with their calendars, and what then stands in whose calendar, inbox and mail, as
//! text that needs no Rust to be read (`tests/stories`, whose README says how).

mod busy_time;

use std::collections::BTreeMap;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Limits, Property, occurrence::override_at};
use scheduling::{
    Conditions, Refusal,
    desk::{Delete, Effect, IncomingMessage, Put, Reception},
    mail::{self, OutgoingMessage},
};

use crate::simulation::{
    House,
    house::{Found, address, parse, path},
    instances::{key_of, name_of},
};

/// A line of a story, and what is indented below it.
struct Step<'t> {
    line: usize,
    text: &'t str,
    below: Vec<&'t str>,
}

/// What was said in a story so far.
struct Teller {
    house: House,
    /// Who acts: the owner of the calendar, or a delegate.
    actor: &'static str,
    /// Inbox items and mails that were looked at.
    seen: BTreeMap<String, usize>,
    refused: Option<Refusal>,
    /// What became of the last message from elsewhere.
    received: Option<Reception>,
}

/// Plays the stories of a text; each begins with a line that ends with a colon and has no indent.
///
/// # Errors
/// The line of the story that does not hold, and what is there instead.
pub async fn play(text: &str) -> Result<usize, String> {
    let mut stories = 0;
    let mut teller: Option<(&str, Teller)> = None;
    for step in steps(text) {
        if let Some(title) = step.text.strip_prefix("Story:") {
            let house = House::new(1).await;
            let new = Teller {
                house,
                actor: "alice",
                seen: BTreeMap::new(),
                refused: None,
                received: None,
            };
            teller = Some((title.trim(), new));
            stories += 1;
            continue;
        }
        let Some((title, teller)) = &mut teller else {
            return Err(format!("line {}: no story has begun", step.line));
        };
        let told = teller.tell(&step).await;
        told.map_err(|what| format!("{title}, line {}: {}\n{what}", step.line, step.text))?;
    }
    Ok(stories)
}

fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match (line.starts_with(' '), steps.last_mut()) {
            (true, Some(step)) => step.below.push(line.trim()),
            _ => steps.push(Step {
                line: number + 1,
                text: line.trim(),
                below: Vec::new(),
            }),
        }
    }
    steps
}

/// The known names of who can do something.
fn person(name: &str) -> Option<&'static str> {
    let known = ["alice", "bob", "carol", "room"];
    known.into_iter().find(|it| *it == name.to_lowercase())
}

impl Teller {
    async fn tell(&mut self, step: &Step<'_>) -> Result<(), String> {
        if let Some(element) = step.text.strip_prefix("Refused with ") {
            return self.is_refused(element);
        }
        if let Some(refusal) = self.refused.take() {
            return Err(format!("before that, something was refused: {refusal}"));
        }
        if let Some(name) = step.text.strip_prefix("Mail to ") {
            return self.mail(name.trim_end_matches(':'), &step.below).await;
        }
        if step.text.ends_with(" the team") {
            return self.change_team(step.text).await;
        }
        if let Some(what) = step.text.strip_suffix(" the room") {
            return self.change_room(what).await;
        }
        if let Some(effect) = step.text.strip_prefix("It ") {
            return self.has_effect(effect);
        }
        let (name, rest) = step.text.split_once(' ').unwrap_or((step.text, ""));
        if name.contains('@') {
            return self.hear(name, rest, &step.below).await;
        }
        if let Some(who) = name.strip_suffix("'s").and_then(person) {
            return self.look(who, rest, &step.below).await;
        }
        self.actor = person(name).ok_or("nobody has that name")?;
        let (what, owner) = match rest.trim_end_matches(':').rsplit_once(" for ") {
            Some((what, owner)) => (what, person(owner).ok_or("nobody has that name")?),
            None => (rest, self.actor),
        };
        self.act(owner, what, &step.below).await?;
        self.house.pass(61_000);
        self.house.deliver().await
    }

    /// `WHO joins the team`, `WHO leaves the team`.
    async fn change_team(&mut self, what: &str) -> Result<(), String> {
        let words: Vec<&str> = what.split_whitespace().collect();
        let (name, comes) = match words[..] {
            [name, "joins", ..] => (name, true),
            [name, "leaves", ..] => (name, false),
            _ => return Err("a team is joined or left".to_owned()),
        };
        let who = person(name).ok_or("nobody has that name")?;
        let changed = self.house.change_team(who, comes).await;
        changed.map_err(|error| error.to_string())?;
        self.house.pass(61_000);
        self.house.deliver().await
    }

    /// `WHO keeps the room`, `WHO edits the room`.
    async fn change_room(&mut self, what: &str) -> Result<(), String> {
        let (name, may_answer) = match what.split_once(' ') {
            Some((name, "keeps")) => (name, true),
            Some((name, "edits")) => (name, false),
            _ => return Err("a room is kept or edited".to_owned()),
        };
        let who = person(name).ok_or("nobody has that name")?;
        let changed = self.house.change_room(who, may_answer).await;
        changed.map_err(|error| error.to_string())
    }

    fn is_refused(&mut self, element: &str) -> Result<(), String> {
        match self.refused.take() {
            Some(Refusal::Precondition { precondition, .. })
                if format!("{precondition:?}") == element =>
            {
                Ok(())
            }
            Some(Refusal::Forbidden { .. }) if element == "Forbidden" => Ok(()),
            Some(other) => Err(format!("refused with {other:?}")),
            None => Err("nothing was refused".to_owned()),
        }
    }

    /// Somebody elsewhere sends a message to somebody here.
    async fn hear(&mut self, sender: &str, what: &str, below: &[&str]) -> Result<(), String> {
        let words: Vec<&str> = what.trim_end_matches(':').split_whitespace().collect();
        let (method, uid, who) = match words[..] {
            ["mails", method, uid, "to", who] => (method, uid, who),
            ["asks", "about", who, "on", day] => {
                return self.ask_by_mail(sender, who, day, below).await;
            }
            _ => return Err("nobody elsewhere knows how to do that".to_owned()),
        };
        let mut object = stored(uid, below);
        let now = jiff::Timestamp::from_second(self.house.now_seconds()).expect("a moment");
        let now = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let calendar = object.calendar_mut();
        let written = calendar.set_raw_value("METHOD", method);
        written.map_err(|error| error.to_string())?;
        for entry in object.entries_mut() {
            // who says when it was written, says so last
            let stamp = entry.properties_named("DTSTAMP").nth(1);
            let stamp = stamp.map_or(now.clone(), |stamp| stamp.raw_value().to_owned());
            entry.remove_properties("DTSTAMP");
            entry.set_raw_value("DTSTAMP", &stamp).expect("a date");
        }
        let message = IncomingMessage {
            object,
            method: None,
            sender: address(sender),
            recipients: vec![address(who)],
            id: None,
        };
        self.receive(&message).await
    }

    async fn receive(&mut self, message: &IncomingMessage) -> Result<(), String> {
        let received = self.house.desk.receive_message(message).await;
        let mut received = received.map_err(|refusal| refusal.to_string())?;
        self.received = received.pop();
        self.house.pass(61_000);
        self.house.deliver().await
    }

    fn has_effect(&mut self, effect: &str) -> Result<(), String> {
        let received = self.received.take().ok_or("nothing came from elsewhere")?;
        let is_it = match received.effect {
            Effect::Applied => effect == "is applied",
            Effect::Held => effect == "is held",
            Effect::NotApplied => effect == "is not applied",
            Effect::Repeated => effect == "came before",
            Effect::Refused => effect == format!("is refused with {}", received.status),
        };
        match is_it {
            true => Ok(()),
            false => Err(format!("{received:?}")),
        }
    }

    async fn act(&mut self, who: &'static str, what: &str, below: &[&str]) -> Result<(), String> {
        if let Some(uid) = what.strip_prefix("stores ") {
            return self.store(who, uid.trim_end_matches(':'), below).await;
        }
        let words: Vec<&str> = what.split_whitespace().collect();
        match words[..] {
            ["deletes", uid] => {
                let path = self.copy(who, uid).await?.path;
                let delete = Delete {
                    path,
                    conditions: Conditions::default(),
                    schedule_reply: true,
                };
                let deleted = self.house.desk.delete(self.house.actor(self.actor), delete);
                self.refused = deleted.await.err();
                Ok(())
            }
            ["says", status, "to", uid] => self.answer(who, uid, status, None, None).await,
            ["says", status, "to", uid, "on", day] => {
                self.answer(who, uid, status, Some(day), None).await
            }
            ["sends", other, "to", uid] => {
                self.answer(who, uid, "DELEGATED", None, Some(other)).await
            }
            ["takes", day, "out", "of", uid] => self.take_out(who, uid, day).await,
            ["asks", "about", ref about @ .., "on", day] => {
                self.ask(about, day.trim_end_matches(':'), below).await
            }
            ["lets", other, "edit"] => {
                let other = person(other).ok_or("nobody has that name")?;
                let changed = self.house.let_edit(who, other).await;
                changed.map_err(|error| error.to_string())
            }
            ["shows", "everybody", ..] => self.show_to_everybody().await,
            _ => Err("nobody knows how to do that".to_owned()),
        }
    }

    /// Where it is already, or in the default calendar; `NAME in another calendar`: in one that takes everything.
    async fn store(&mut self, who: &'static str, what: &str, below: &[&str]) -> Result<(), String> {
        let elsewhere = what.strip_suffix(" in another calendar");
        let uid = elsewhere.unwrap_or(what);
        let octets = stored(uid, below).to_octets();
        let copies = self.house.copies(who, uid).await;
        let calendar = match elsewhere {
            Some(_) => "other",
            None => "calendar",
        };
        if elsewhere.is_some() {
            self.house.make_other_calendar(who).await;
        }
        let at = copies.into_iter().next().map(|it| it.path);
        let at = at.unwrap_or_else(|| path(who, &format!("{calendar}/{uid}.ics")));
        self.put(at, octets).await
    }

    async fn put(&mut self, path: storage::ResourcePath, octets: Bytes) -> Result<(), String> {
        let put = Put {
            path,
            content_type: None,
            octets,
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        let actor = self.house.actor(self.actor);
        self.refused = self.house.desk.put(actor, put).await.err();
        Ok(())
    }

    async fn copy(&self, who: &'static str, uid: &str) -> Result<Found, String> {
        let copies = self.house.copies(who, uid).await;
        copies
            .into_iter()
            .next()
            .ok_or("there is no copy".to_owned())
    }

    async fn answer(
        &mut self,
        who: &'static str,
        uid: &str,
        status: &str,
        day: Option<&str>,
        sent: Option<&str>,
    ) -> Result<(), String> {
        let found = self.copy(who, uid).await?;
        let mut object = found.parsed();
        let change = |entry: &mut Component| answer_in(entry, who, status, sent);
        match day {
            None => object.entries_mut().for_each(change),
            Some(day) => {
                let name = name_of(&object, day);
                let mut own = instance(&object, &name).ok_or("there is no such instance")?;
                change(&mut own);
                let calendar = object.calendar_mut();
                calendar.retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*name));
                calendar.push_component(own);
            }
        }
        self.put(found.path, object.to_octets()).await
    }

    async fn take_out(&mut self, who: &'static str, uid: &str, day: &str) -> Result<(), String> {
        let found = self.copy(who, uid).await?;
        let mut object = found.parsed();
        let name = name_of(&object, day);
        object
            .calendar_mut()
            .retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*name));
        let line = Property::new("EXDATE", &name).map_err(|error| error.to_string())?;
        let mut entries = object.entries_mut();
        let series = entries.find(|it| it.property("RECURRENCE-ID").is_none());
        series.ok_or("there is no series")?.push_property(line);
        drop(entries);
        self.put(found.path, object.to_octets()).await
    }

    async fn look(&mut self, who: &'static str, what: &str, below: &[&str]) -> Result<(), String> {
        let what = what.trim_end_matches(':');
        if what == "inbox has" || what == "inbox has nothing" {
            return self.inbox(who, below).await;
        }
        let log = what.strip_prefix("log of ");
        if let Some(uid) = log.and_then(|it| it.strip_suffix(" says")) {
            return self.log(who, uid, below).await;
        }
        let uid = what.split_whitespace().next().unwrap_or_default();
        let copies = self.house.copies(who, uid).await;
        if what.ends_with("is not there") {
            return match copies.is_empty() {
                true => Ok(()),
                false => Err(text(&copies[0])),
            };
        }
        let [copy] = &copies[..] else {
            return Err(format!("there are {} of them", copies.len()));
        };
        let shape = shape(&copy.parsed());
        let is_part = |line: &&str| {
            line.starts_with("series") || line.starts_with(|first: char| first.is_ascii_digit())
        };
        let (lines, texts): (Vec<&str>, Vec<&str>) = below.iter().copied().partition(is_part);
        if shape != lines {
            return Err(format!("there is\n  {}", shape.join("\n  ")));
        }
        let unfolded = text(copy);
        let is_right = |line: &&str| match line.strip_prefix("not ") {
            Some(absent) => !unfolded.contains(absent),
            None => unfolded.contains(*line),
        };
        let wrong = texts.into_iter().find(|line| !is_right(line));
        wrong.map_or(Ok(()), |wrong| {
            Err(format!("this is not so: {wrong} in\n{unfolded}"))
        })
    }

    /// Each line stands in the log of the meeting.
    async fn log(&self, who: &'static str, uid: &str, below: &[&str]) -> Result<(), String> {
        let home = self.house.actor(who).principal.home.ok_or("no home")?;
        let log = self.house.desk.scheduling_log_of(home, uid).await;
        let log = log.map_err(|refusal| refusal.to_string())?;
        let lines = log.iter().flat_map(|entry| &entry.lines);
        let lines: Vec<String> = lines.map(ToString::to_string).collect();
        let is_said = |line: &&str| lines.iter().any(|said| said.contains(*line));
        match below.iter().find(|line| !is_said(line)) {
            Some(missing) => Err(format!("this is not said: {missing} in {lines:#?}")),
            None => Ok(()),
        }
    }

    async fn inbox(&mut self, who: &'static str, below: &[&str]) -> Result<(), String> {
        let mut items = self.house.members(who, "inbox").await;
        items.sort_by_key(|item| item.object.created);
        let letters: Vec<String> = items.iter().map(|item| letter(&item.parsed())).collect();
        self.is_news(format!("inbox of {who}"), letters, below)
    }

    async fn mail(&mut self, name: &str, below: &[&str]) -> Result<(), String> {
        let rows = self.house.desk.store().list_work(mail::QUEUE, None, 1_000);
        let rows = rows.await.map_err(|error| error.to_string())?;
        let mails = rows
            .iter()
            .filter_map(|(_, work)| OutgoingMessage::decode(&work.payload));
        let letters = mails.filter(|mail| mail.to.address == name).map(|mail| {
            let object = CalendarObject::parse(&mail.calendar, &Limits::default());
            object.map_or_else(|error| error.to_string(), |object| letter(&object))
        });
        self.is_news(format!("mail to {name}"), letters.collect(), below)
    }

    /// Compares what came since the last look.
    fn is_news(
        &mut self,
        place: String,
        all: Vec<String>,
        expected: &[&str],
    ) -> Result<(), String> {
        let seen = self.seen.entry(place).or_default();
        let mut new: Vec<String> = all.get(*seen..).unwrap_or_default().to_vec();
        *seen = all.len();
        new.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        match new == expected {
            true => Ok(()),
            false => Err(format!("there is {new:?}")),
        }
    }
}

fn text(found: &Found) -> String {
    String::from_utf8_lossy(&found.octets).replace("\r\n ", "")
}

/// The object that is written below a step: components separated by `---`, `with` for attendees.
fn stored(uid: &str, below: &[&str]) -> CalendarObject {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Story//EN\r\n".to_owned();
    let kind = kind(below);
    for component in below.split(|line| *line == "---") {
        text += &format!("BEGIN:{kind}\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n");
        for line in component {
            match line.split_once(' ') {
                Some(("by", organizer)) => {
                    text += &format!("ORGANIZER:{}\r\n", address(organizer));
                }
                Some(("with", people)) => {
                    for name in people.split_whitespace() {
                        text += &format!("ATTENDEE:{}\r\n", address(name));
                    }
                }
                _ if *line == "journal" => {}
                _ => text += &format!("{line}\r\n"),
            }
        }
        text += &format!("END:{kind}\r\n");
    }
    parse((text + "END:VCALENDAR\r\n").as_bytes())
}

/// What kind of component is written below a step.
fn kind(below: &[&str]) -> &'static str {
    let begins = |start: &str| below.iter().any(|line| line.starts_with(start));
    match () {
        () if begins("DUE") => "VTODO",
        () if begins("FREEBUSY") => "VFREEBUSY",
        () if below.contains(&"journal") => "VJOURNAL",
        () => "VEVENT",
    }
}

fn answer_in(entry: &mut Component, who: &str, status: &str, sent: Option<&str>) {
    let own = address(who);
    for line in entry.properties_mut() {
        if !line.is("ATTENDEE") || line.raw_value() != own {
            continue;
        }
        line.remove_parameter("RSVP");
        line.remove_parameter("DELEGATED-TO");
        line.set_parameter("PARTSTAT", status).expect("a word");
        if let Some(other) = sent {
            let other = address(other);
            line.set_parameter("DELEGATED-TO", &other)
                .expect("an address");
        }
    }
}

fn instance(object: &CalendarObject, name: &str) -> Option<Component> {
    let own = object
        .entries()
        .find(|it| it.raw_value("RECURRENCE-ID") == Some(name));
    own.cloned()
        .or_else(|| override_at(object, key_of(object, name)).ok())
}

/// The parts of an object, a line each: `series` or the day, `cancelled`, the people with their answers, and the days
/// that are taken out.
fn shape(object: &CalendarObject) -> Vec<String> {
    let mut lines: Vec<String> = object.entries().map(shape_of).collect();
    lines.sort();
    lines.sort_by_key(|line| !line.starts_with("series"));
    lines
}

fn part(entry: &Component) -> String {
    let id = entry.raw_value("RECURRENCE-ID");
    id.map_or("series".to_owned(), |id| {
        id.get(4..8).unwrap_or_default().to_owned()
    })
}

fn shape_of(entry: &Component) -> String {
    let mut line = part(entry);
    if entry.raw_value("STATUS") == Some("CANCELLED") {
        line += " cancelled";
    }
    for attendee in entry.properties_named("ATTENDEE") {
        let name = attendee.raw_value().trim_start_matches("mailto:");
        let mark = match attendee.parameter("PARTSTAT").as_deref() {
            None | Some("NEEDS-ACTION") => "?",
            Some("ACCEPTED") => "+",
            Some("DECLINED") => "-",
            Some("TENTATIVE") => "~",
            Some("DELEGATED") => ">",
            Some(_) => "!",
        };
        line += &format!(" {}{mark}", name.trim_end_matches("@example.com"));
    }
    let mut out: Vec<String> = entry
        .properties_named("EXDATE")
        .flat_map(|line| line.raw_value().split(','))
        .map(|value| value.get(4..8).unwrap_or_default().to_owned())
        .collect();
    out.sort();
    match out.is_empty() {
        true => line,
        false => format!("{line} without {}", out.join(" ")),
    }
}

fn letter(object: &CalendarObject) -> String {
    let mut parts: Vec<String> = object.entries().map(part).collect();
    parts.sort();
    let method = object.calendar().raw_value("METHOD").unwrap_or("none");
    format!("{method} {}", parts.join(" "))
}
