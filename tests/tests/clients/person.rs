//! Somebody at a calendar program, who does what its windows do and sees what they show.

use std::fmt::Write;

use serde_json::{Value, json};

use super::desktop::{Program, wait_for};

/// Where all live. Its clocks are put forward on 30 March 2031, in the middle of the series of the tests.
const ZONE: &str = "Europe/Berlin";

/// Somebody at a calendar program.
pub struct Person {
    name: &'static str,
    address: &'static str,
    program: Box<dyn Program>,
}

impl Person {
    /// Sets a program up with what people are told: the server's address, their name and their password.
    pub fn new(
        name: &'static str,
        address: &'static str,
        server: &str,
        program: impl Program + 'static,
    ) -> Person {
        let program = Box::new(program);
        let mut person = Person {
            name,
            address,
            program,
        };
        let account = json!({ "server": server, "user": name, "password": name });
        let found = person.tell("subscribe", &account);
        assert_eq!(found, json!([calendar(name)]));
        wait_for("a calendar from which people can be invited", || {
            let ready = person.tell("ready", &json!({}));
            if ready == true {
                Ok(())
            } else {
                Err(ready.to_string())
            }
        });
        person
    }

    fn tell(&mut self, action: &str, given: &Value) -> Value {
        let came = self.program.ask(action, given);
        came.unwrap_or_else(|error| panic!("{} cannot {action} {given}: {error}", self.name))
    }

    /// Makes a meeting of an hour, or a series of them.
    pub fn invites(&mut self, guest: &str, meeting: &str, start: &str, rule: Option<&str>) {
        self.add(meeting, start, rule, &[guest]);
    }

    /// Makes an event of an hour or of a day for oneself, or a series of them.
    pub fn notes(&mut self, event: &str, start: &str, rule: Option<&str>) {
        self.add(event, start, rule, &[]);
    }

    fn add(&mut self, event: &str, start: &str, rule: Option<&str>, guests: &[&str]) {
        let mut given = span(event, start);
        given["title"] = event.into();
        given["organizer"] = self.address.into();
        given["guests"] = json!(guests);
        given["rule"] = rule.into();
        self.tell("add", &given);
    }

    /// Makes a task, which is due on a day.
    pub fn plans(&mut self, task: &str, due: &str) {
        let given = json!({ "uid": task, "title": task, "due": due, "zone": ZONE });
        self.tell("add_task", &given);
    }

    /// Ticks a task off.
    pub fn completes(&mut self, task: &str) {
        self.tell("complete", &json!({ "uid": task }));
    }

    /// Moves an event of one's own, or the whole series.
    pub fn moves(&mut self, event: &str, start: &str) {
        self.tell("move", &span(event, start));
    }

    /// Moves one instance, which is named by when it was to be.
    pub fn moves_one(&mut self, event: &str, instance: &str, start: &str) {
        let mut given = span(event, start);
        given["instance"] = instance.into();
        self.tell("move", &given);
    }

    /// Gives an event of one's own another title.
    pub fn renames(&mut self, event: &str, title: &str) {
        self.tell("rename", &json!({ "uid": event, "title": title }));
    }

    /// Answers an invitation.
    pub fn answers(&mut self, answer: &str, meeting: &str) {
        let given = json!({ "uid": meeting, "oneself": self.address, "answer": answer });
        self.tell("answer", &given);
    }

    /// Answers for one instance, which is named by when it was to be.
    pub fn answers_for(&mut self, instance: &str, answer: &str, meeting: &str) {
        let given = json!({
            "uid": meeting, "instance": instance, "zone": ZONE, "oneself": self.address, "answer": answer,
        });
        self.tell("answer", &given);
    }

    /// Takes an event out of the calendar; a meeting of one's own is cancelled by it.
    pub fn removes(&mut self, meeting: &str) {
        self.tell("remove", &json!({ "uid": meeting }));
    }

    /// Waits until the program shows exactly this; see `shown`.
    pub fn sees(&mut self, meeting: &str, expected: &str) {
        wait_for(&format!("{}'s {meeting}: {expected}", self.name), || {
            let seen = shown(meeting, &self.tell("look", &json!({ "uid": meeting })));
            if seen == expected { Ok(()) } else { Err(seen) }
        });
    }
}

/// The default calendar of a person.
pub fn calendar(name: &str) -> String {
    format!("/dav/calendars/users/{name}/calendar/")
}

/// What a program shows: `20310303T080000Z alice+ bob?` for the time and everybody's answers (`?` asked and none
/// yet, `.` none and not asked, `+` accepted, `-` declined), then instances that are not as the series says, named
/// by when they were to be. A title is shown where it is not the first one, which is the meeting's name.
fn shown(meeting: &str, seen: &Value) -> String {
    let Some(event) = seen.as_object() else {
        return "nothing".to_owned();
    };
    let mut text = event["start"].as_str().unwrap().to_owned();
    if event["cancelled"] == true {
        text += " cancelled";
    }
    if event["done"] == true {
        text += " done";
    }
    if event["title"] != meeting {
        write!(text, " {}", event["title"]).unwrap();
    }
    for (address, attendee) in event["attendees"].as_object().unwrap() {
        let name = address.trim_start_matches("mailto:");
        let name = name.trim_end_matches("@example.com");
        let mark = match attendee["answer"].as_str().unwrap() {
            "NEEDS-ACTION" if attendee["asked"] == true => "?",
            "NEEDS-ACTION" => ".",
            "ACCEPTED" => "+",
            "DECLINED" => "-",
            other => other,
        };
        write!(text, " {name}{mark}").unwrap();
    }
    let instances = event.get("instances").and_then(Value::as_object);
    for (instance, event) in instances.into_iter().flatten() {
        write!(text, "; {instance} is {}", shown(meeting, event)).unwrap();
    }
    text
}

/// An hour from `20310303T0900` on, or the day `20310303`.
fn span(event: &str, start: &str) -> Value {
    let (from, to) = match start.split_once('T') {
        Some((day, clock)) => {
            let (hour, minutes) = clock.split_at(2);
            let end = hour.parse::<u32>().unwrap() + 1;
            (format!("{start}00"), format!("{day}T{end:02}{minutes}00"))
        }
        None => (
            start.to_owned(),
            (start.parse::<u32>().unwrap() + 1).to_string(),
        ),
    };
    json!({ "uid": event, "start": from, "end": to, "zone": ZONE })
}

/// Runs what people do, who wait for their programs, beside the server.
pub async fn beside<T: Send + 'static>(people: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(people).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
