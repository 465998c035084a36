//! A message that waits.

use std::collections::BTreeSet;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property};
use serde::{Deserialize, Serialize};
use storage::{Timestamp, model::PrincipalId};

use crate::{
    engine::{Message, Method, Origin, part_name},
    parse_stored,
};

/// Somebody, with their address as it stands in the sender's object.
pub(super) type Addressed = (PrincipalId, String);

/// One message to several people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    pub method: Method,
    pub sender: String,
    pub is_refresh: bool,
    pub tells_answer: bool,
    pub is_sent_again: bool,
    /// The parts for which its recipients are asked again, by RECURRENCE-ID.
    pub asks_again: BTreeSet<String>,
    /// The parts that it is about, by RECURRENCE-ID (empty: all of the meeting), and when each of them is.
    pub parts: Vec<(String, String)>,
    pub decided: Timestamp,
    pub octets: Bytes,
    pub recipients: Vec<Addressed>,
}

impl Letter {
    /// A message to nobody yet.
    pub fn of(message: &Message, decided: Timestamp) -> Letter {
        Letter {
            method: message.method,
            sender: message.sender.clone(),
            is_refresh: message.is_refresh,
            tells_answer: message.tells_answer,
            is_sent_again: message.is_sent_again,
            asks_again: message.asks_again.clone(),
            parts: parts(&message.object),
            decided,
            octets: message.object.to_octets(),
            recipients: Vec::new(),
        }
    }

    /// The same to others.
    pub fn to(&self, recipients: Vec<Addressed>) -> Letter {
        Letter {
            recipients,
            octets: self.octets.clone(),
            sender: self.sender.clone(),
            parts: self.parts.clone(),
            asks_again: self.asks_again.clone(),
            ..*self
        }
    }

    /// Whether it says the same as another one.
    pub fn says(&self, other: &Letter) -> bool {
        self.is_like(other)
            && self.is_sent_again == other.is_sent_again
            && self.asks_again == other.asks_again
            && self.octets == other.octets
    }

    /// Whether another one is a message of the same kind.
    pub fn is_like(&self, other: &Letter) -> bool {
        self.method == other.method
            && self.sender == other.sender
            && self.is_refresh == other.is_refresh
            && self.tells_answer == other.tells_answer
    }

    pub fn is_to(&self, recipient: PrincipalId) -> bool {
        self.recipients.iter().any(|(id, _)| *id == recipient)
    }

    /// Whether a later letter is about all that this one is about. An answer to the series says nothing of an instance that
    /// was answered apart (RFC 5546 §3.2.3).
    pub fn is_within(&self, later: &Letter) -> bool {
        let mut names = self.parts.iter().map(|(name, _)| name);
        match self.method {
            Method::Reply => names.all(|name| later.names(name)),
            _ => {
                later.is_about_all() || !self.is_about_all() && names.all(|name| later.names(name))
            }
        }
    }

    pub fn is_about_all(&self) -> bool {
        self.names("")
    }

    /// Whether SCHEDULE-STATUS tells how it fares (RFC 6638 §3.2.9).
    pub fn is_told_by_status(&self) -> bool {
        !self.is_refresh && self.method != Method::DeclineCounter
    }

    /// Whether it is about single instances, with or without the series.
    pub fn is_about_instances(&self) -> bool {
        self.parts.iter().any(|(name, _)| !name.is_empty())
    }

    /// PARTSTAT in an answer to the series.
    pub fn answer_to_series(&self) -> Option<String> {
        let object = parse_stored(self.octets.clone()).ok()?;
        let mut entries = object.entries();
        let series = entries.find(|entry| part_name(entry).is_empty())?;
        let status = series.property("ATTENDEE")?.parameter("PARTSTAT");
        status.map(|status| status.to_ascii_uppercase())
    }

    /// Whether it is about a part, by its RECURRENCE-ID.
    fn names(&self, part: &str) -> bool {
        self.parts.iter().any(|(name, _)| name == part)
    }

    /// Whether any of its instances, or all of it, is what a later letter is about.
    pub fn is_met_by(&self, later: &Letter) -> bool {
        let mut names = self.parts.iter().map(|(name, _)| name);
        match self.method {
            Method::Reply => names.any(|name| later.names(name)),
            _ => {
                later.is_about_all() || !self.is_about_all() && names.any(|name| later.names(name))
            }
        }
    }

    /// Whether any single instance is what a later letter is about, too.
    pub fn shares_instances(&self, later: &Letter) -> bool {
        let mut names = self.parts.iter().map(|(name, _)| name);
        names.any(|name| !name.is_empty() && later.names(name))
    }

    /// To nobody, what of it a later letter about some of its parts does not say, and what it says of the series where that
    /// stays; `None` where that is nothing.
    pub fn without(&self, later: &Letter, series_stays: bool) -> Option<Letter> {
        if self.is_within(later) && !series_stays {
            return None;
        }
        let rest = self.to(Vec::new());
        let Ok(mut object) = parse_stored(self.octets.clone()) else {
            return Some(rest);
        };
        let is_said = |part: &Component| {
            let name = part_name(part);
            !part.is("VTIMEZONE") && later.names(name) && !(series_stays && name.is_empty())
        };
        object
            .calendar_mut()
            .retain_components(|part| !is_said(part));
        Some(Letter {
            parts: parts(&object),
            octets: object.to_octets(),
            ..rest
        })
    }

    /// To nobody, the same with what another letter says of the meeting.
    pub fn saying(&self, other: &Letter) -> Letter {
        Letter {
            parts: other.parts.clone(),
            octets: other.octets.clone(),
            ..self.to(Vec::new())
        }
    }

    /// Takes a recipient out.
    pub fn take_out(&mut self, recipient: PrincipalId) -> Option<Addressed> {
        let at = self
            .recipients
            .iter()
            .position(|(id, _)| *id == recipient)?;
        Some(self.recipients.remove(at))
    }

    /// The parts for which a later letter about them asks again in the place of this one: those for which this one does, and
    /// those that it has at another time. Who gets the later one alone may find that nothing has changed, and was asked anew
    /// all the same. A part that the later one does not name is as its series.
    fn asked_in(&self, later: &Letter) -> BTreeSet<String> {
        let asked = self.parts.iter().filter(|part| {
            let is_moved = self.method == Method::Request && !later.parts.contains(part);
            is_moved || self.asks_again.contains(&part.0)
        });
        let names = asked.map(|(name, _)| match later.names(name) {
            true => name.as_str(),
            false => "",
        });
        let names = names.filter(|name| later.names(name));
        names.map(str::to_owned).collect()
    }

    /// Stands for an earlier letter, too, and asks again for these parts in its place.
    pub fn stand_for(&mut self, earlier: &Letter, asked: BTreeSet<String>) {
        if self.method == Method::Request {
            self.is_sent_again |= earlier.is_sent_again || !asked.is_empty();
            self.asks_again.extend(asked);
        }
    }

    /// The same for an earlier letter of its kind.
    pub fn stand_for_all_of(&mut self, earlier: &Letter) {
        if !self.is_refresh {
            self.stand_for(earlier, earlier.asked_in(self));
        }
    }

    /// What of it takes back what its recipients were asked before, and may have answered: they are out, or asked again.
    pub fn taken_back(&self) -> Option<CalendarObject> {
        let is_out = self.method == Method::Cancel;
        if self.is_refresh || !is_out && self.asks_again.is_empty() {
            return None;
        }
        let mut object = parse_stored(self.octets.clone()).ok()?;
        object.calendar_mut().retain_components(|part| {
            part.is("VTIMEZONE") || is_out || self.asks_again.contains(part_name(part))
        });
        Some(object)
    }

    /// Whether this letter need not be delivered to somebody who gets a later one then, and for which parts that asks again
    /// in its place; `None` where it has to come first.
    pub fn replaced_by(&self, later: &Letter) -> Option<BTreeSet<String>> {
        if !self.is_within(later) || self.tells_answer {
            return None;
        }
        let nothing = BTreeSet::new();
        match (self.method, later.method) {
            _ if self.is_refresh => Some(nothing),
            _ if later.is_refresh => None,
            (Method::Request, Method::Cancel) => later.is_about_all().then_some(nothing),
            (Method::Cancel, Method::Cancel) => Some(nothing),
            (Method::Request, Method::Request) => {
                let asked = self.asked_in(later);
                // nobody is asked for all in the place of one
                let is_theirs = |name: &String| self.names(name) || later.asks_again.contains(name);
                asked.iter().all(is_theirs).then_some(asked)
            }
            // who was to be out, and is in again, has answered nothing
            (Method::Cancel, Method::Request) => {
                let are_alike = self.is_about_all() == later.is_about_all();
                let names = later.parts.iter().map(|(name, _)| name);
                let is_out = |name: &&String| self.is_about_all() || self.names(name);
                are_alike.then(|| names.filter(is_out).cloned().collect())
            }
            _ => None,
        }
    }

    /// The message. All that waits comes in the order in which it was decided; what its recipients said meanwhile it does
    /// not know.
    pub fn message(&self, uid: &str, object: &CalendarObject) -> Message {
        Message {
            method: self.method,
            origin: Origin::Queue,
            sender: self.sender.clone(),
            uid: uid.to_owned(),
            is_refresh: self.is_refresh,
            tells_answer: self.tells_answer,
            is_sent_again: self.is_sent_again,
            asks_again: self.asks_again.clone(),
            has_waited: false,
            object: object.clone(),
            whole: None,
        }
    }
}

/// The parts that an object is about, and when each of them is.
pub(super) fn parts(object: &CalendarObject) -> Vec<(String, String)> {
    const TIME: [&str; 7] = [
        "DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE", "STATUS",
    ];
    let parts = object.entries().map(|entry| {
        let name = part_name(entry);
        let lines = entry
            .properties()
            .filter(|line| TIME.contains(&line.name()));
        let lines: Vec<&str> = lines.map(Property::content).collect();
        (name.to_owned(), lines.join(" "))
    });
    parts.collect()
}

#[cfg(test)]
pub(super) mod tests {
    use calendar::Limits;

    use super::*;

    fn letter(method: Method, instances: &[&str]) -> Letter {
        letter_at(method, instances, "20260302T090000Z")
    }

    /// A letter about these instances, or all of a meeting, which is then.
    pub fn letter_at(method: Method, instances: &[&str], time: &str) -> Letter {
        let part =
            |id: &str| format!("BEGIN:VEVENT\r\nUID:1\r\n{id}DTSTART:{time}\r\nEND:VEVENT\r\n");
        let lines: String = match instances {
            [] => part(""),
            all => {
                let ids = all.iter().map(|it| format!("RECURRENCE-ID:{it}\r\n"));
                ids.map(|id| part(&id)).collect()
            }
        };
        let text =
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{lines}END:VCALENDAR\r\n");
        let object =
            CalendarObject::parse(text.as_bytes(), &Limits::default()).expect("a calendar");
        let message = Message {
            method,
            origin: Origin::Here,
            sender: "mailto:alice@example.org".to_owned(),
            uid: "1".to_owned(),
            is_refresh: false,
            tells_answer: false,
            is_sent_again: false,
            asks_again: BTreeSet::new(),
            has_waited: false,
            object,
            whole: None,
        };
        Letter::of(&message, Timestamp(0))
    }

    impl Letter {
        /// The same with a line more in each part.
        pub fn saying_also(&self, line: &str) -> Letter {
            let text = String::from_utf8(self.octets.to_vec()).expect("a text");
            let text = text.replace("END:VEVENT", &format!("{line}\r\nEND:VEVENT"));
            Letter {
                octets: text.into(),
                ..self.clone()
            }
        }
    }

    /// What waits, what is decided then, whether the first need not be delivered, and for what the second asks again then.
    #[test]
    fn what_need_not_be_delivered_any_more() {
        use Method::{Add, Cancel, Reply, Request};
        const ALL: &[&str] = &[];
        const ONE: &[&str] = &["20260302T090000Z"];
        const TWO: &[&str] = &["20260302T090000Z", "20260309T090000Z"];
        const OTHER: &[&str] = &["20260316T090000Z"];
        const NOTHING: &[&str] = &[];
        const ALL_AGAIN: &[&str] = &[""];
        let cases = [
            ((Request, ALL), (Request, ALL), Some(NOTHING)),
            // the series may have it at another time
            ((Request, ONE), (Request, ALL), None),
            ((Request, ONE), (Request, TWO), Some(NOTHING)),
            ((Request, ONE), (Request, ONE), Some(NOTHING)),
            ((Request, TWO), (Request, ONE), None),
            ((Request, ALL), (Request, ONE), None),
            ((Request, ONE), (Request, OTHER), None),
            ((Request, ALL), (Cancel, ALL), Some(NOTHING)),
            ((Request, ONE), (Cancel, ALL), Some(NOTHING)),
            ((Request, ONE), (Cancel, ONE), None),
            ((Request, ALL), (Cancel, ONE), None),
            ((Cancel, ONE), (Cancel, ALL), Some(NOTHING)),
            ((Cancel, ONE), (Cancel, TWO), Some(NOTHING)),
            ((Cancel, ALL), (Cancel, ONE), None),
            // who was to be out, and is in again, answers again
            ((Cancel, ALL), (Request, ALL), Some(ALL_AGAIN)),
            ((Cancel, ONE), (Request, ONE), Some(ONE)),
            ((Cancel, ONE), (Request, TWO), Some(ONE)),
            ((Cancel, ONE), (Request, ALL), None),
            ((Cancel, ALL), (Request, ONE), None),
            ((Add, ONE), (Request, ALL), None),
            ((Reply, ALL), (Reply, ALL), None),
        ];
        let names = |names: &[&str]| -> BTreeSet<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        for ((waits, about), (method, of), replaced) in cases {
            let (waits, later) = (letter(waits, about), letter(method, of));
            let found = waits.replaced_by(&later);
            assert_eq!(found, replaced.map(names), "{waits:?}, {later:?}");
        }
        let asking = |instances, again: &[&str]| Letter {
            asks_again: names(again),
            ..letter(Request, instances)
        };
        let moved = |mut letter: Letter| {
            letter.parts[0].1 = "DTSTART:20260302T110000Z".to_owned();
            letter
        };
        let later = letter(Request, ALL);
        for (waits, later, replaced) in [
            // there and back: the answer was to none of it
            (moved(letter(Request, ALL)), &later, Some(ALL_AGAIN)),
            (moved(letter(Request, ONE)), &later, None),
            (
                moved(letter(Request, ONE)),
                &letter(Request, ONE),
                Some(ONE),
            ),
            // nobody is asked for more than that
            (
                moved(letter(Request, ONE)),
                &letter(Request, TWO),
                Some(ONE),
            ),
            (asking(ONE, ONE), &letter(Request, TWO), Some(ONE)),
            (asking(TWO, ONE), &letter(Request, TWO), Some(ONE)),
            (asking(ALL, ALL_AGAIN), &later, Some(ALL_AGAIN)),
            (asking(ONE, ONE), &later, None),
            (asking(ONE, ONE), &asking(ALL, ALL_AGAIN), Some(ALL_AGAIN)),
        ] {
            let found = waits.replaced_by(later);
            assert_eq!(found, replaced.map(names), "{waits:?}, {later:?}");
        }
        let showing = |instances| Letter {
            is_refresh: true,
            ..letter(Request, instances)
        };
        let nothing = Some(BTreeSet::new());
        assert_eq!(showing(ALL).replaced_by(&later), nothing);
        assert_eq!(showing(ALL).replaced_by(&showing(ALL)), nothing);
        assert_eq!(later.replaced_by(&showing(ALL)), None);
        let telling = Letter {
            tells_answer: true,
            ..showing(ALL)
        };
        assert_eq!(telling.replaced_by(&later), None);
    }
}
