//! A message that waits.

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property};
use serde::{Deserialize, Serialize};
use storage::{Timestamp, model::PrincipalId};

use crate::{
    engine::{Message, Method, Origin},
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
    pub asks_again: bool,
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
            asks_again: message.asks_again,
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
            ..*self
        }
    }

    /// Whether it says the same as another one.
    pub fn says(&self, other: &Letter) -> bool {
        self.is_like(other) && self.asks_again == other.asks_again && self.octets == other.octets
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

    /// Whether a later letter is about all that this one is about.
    fn is_within(&self, later: &Letter) -> bool {
        let mut names = self.parts.iter().map(|(name, _)| name);
        later.is_about_all() || !self.is_about_all() && names.all(|name| later.names(name))
    }

    pub fn is_about_all(&self) -> bool {
        self.names("")
    }

    /// Whether it is about a part, by its RECURRENCE-ID.
    fn names(&self, part: &str) -> bool {
        self.parts.iter().any(|(name, _)| name == part)
    }

    /// Whether any of its instances, or all of it, is what a later letter is about.
    pub fn is_met_by(&self, later: &Letter) -> bool {
        let mut names = self.parts.iter().map(|(name, _)| name);
        later.is_about_all() || !self.is_about_all() && names.any(|name| later.names(name))
    }

    /// To nobody, what of it a later letter about some of its instances does not say; `None` where that is nothing.
    pub fn without(&self, later: &Letter) -> Option<Letter> {
        if self.is_within(later) {
            return None;
        }
        let rest = self.to(Vec::new());
        let Ok(mut object) = parse_stored(self.octets.clone()) else {
            return Some(rest);
        };
        let is_said = |part: &Component| {
            part.raw_value("RECURRENCE-ID")
                .is_some_and(|it| later.names(it))
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

    /// Takes a recipient out.
    pub fn take_out(&mut self, recipient: PrincipalId) -> Option<Addressed> {
        let at = self
            .recipients
            .iter()
            .position(|(id, _)| *id == recipient)?;
        Some(self.recipients.remove(at))
    }

    /// Whether any part is at another time in a later letter about it. Who gets that one alone may find that nothing has
    /// changed, and was asked anew all the same.
    pub fn is_moved_by(&self, later: &Letter) -> bool {
        let is_said = |name: &str| later.is_about_all() || later.names(name);
        let mut said = self.parts.iter().filter(|(name, _)| is_said(name));
        self.method == Method::Request && said.any(|part| !later.parts.contains(part))
    }

    /// Whether it takes back what its recipients were asked before, and may have answered.
    pub fn takes_back(&self) -> bool {
        let is_out = self.method == Method::Cancel;
        !self.is_refresh && (is_out || self.method == Method::Request && self.asks_again)
    }

    /// Whether this letter need not be delivered to somebody who gets a later one then, and whether that asks again in its
    /// place; `None` where it has to come first.
    pub fn replaced_by(&self, later: &Letter) -> Option<bool> {
        if !self.is_within(later) || self.tells_answer {
            return None;
        }
        match (self.method, later.method) {
            _ if self.is_refresh => Some(later.asks_again),
            _ if later.is_refresh => None,
            (Method::Request, Method::Cancel) => later.is_about_all().then_some(false),
            (Method::Cancel, Method::Cancel) => Some(false),
            (Method::Request, Method::Request) => {
                let asks_again = self.asks_again || self.is_moved_by(later);
                // nobody is asked for more than that in its place
                let are_alike = self.is_about_all()
                    || !later.is_about_all() && self.parts.len() == later.parts.len();
                let says_it = !asks_again || later.asks_again || are_alike;
                says_it.then_some(later.asks_again || asks_again)
            }
            // who was to be out, and is in again, has answered nothing
            (Method::Cancel, Method::Request) => {
                let are_alike = self.is_about_all() == later.is_about_all();
                are_alike.then_some(true)
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
            asks_again: self.asks_again,
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
        let name = entry.raw_value("RECURRENCE-ID").unwrap_or_default();
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
            asks_again: false,
            object,
            whole: None,
        };
        Letter::of(&message, Timestamp(0))
    }

    /// What waits, what is decided then, whether the first need not be delivered, and whether the second asks again then.
    #[test]
    fn what_need_not_be_delivered_any_more() {
        use Method::{Add, Cancel, Reply, Request};
        const ALL: &[&str] = &[];
        const ONE: &[&str] = &["20260302T090000Z"];
        const TWO: &[&str] = &["20260302T090000Z", "20260309T090000Z"];
        const OTHER: &[&str] = &["20260316T090000Z"];
        let cases = [
            ((Request, ALL), (Request, ALL), Some(false)),
            // the series may have it at another time
            ((Request, ONE), (Request, ALL), None),
            ((Request, ONE), (Request, TWO), Some(false)),
            ((Request, ONE), (Request, ONE), Some(false)),
            ((Request, TWO), (Request, ONE), None),
            ((Request, ALL), (Request, ONE), None),
            ((Request, ONE), (Request, OTHER), None),
            ((Request, ALL), (Cancel, ALL), Some(false)),
            ((Request, ONE), (Cancel, ALL), Some(false)),
            ((Request, ONE), (Cancel, ONE), None),
            ((Request, ALL), (Cancel, ONE), None),
            ((Cancel, ONE), (Cancel, ALL), Some(false)),
            ((Cancel, ONE), (Cancel, TWO), Some(false)),
            ((Cancel, ALL), (Cancel, ONE), None),
            // who was to be out, and is in again, answers again
            ((Cancel, ALL), (Request, ALL), Some(true)),
            ((Cancel, ONE), (Request, ONE), Some(true)),
            ((Cancel, ONE), (Request, ALL), None),
            ((Cancel, ALL), (Request, ONE), None),
            ((Add, ONE), (Request, ALL), None),
            ((Reply, ALL), (Reply, ALL), None),
        ];
        for ((waits, about), (method, of), replaced) in cases {
            let (waits, later) = (letter(waits, about), letter(method, of));
            assert_eq!(waits.replaced_by(&later), replaced, "{waits:?}, {later:?}");
        }
        let asking = |instances| Letter {
            asks_again: true,
            ..letter(Request, instances)
        };
        let later = letter(Request, ALL);
        let moved = |mut letter: Letter| {
            letter.parts[0].1 = "DTSTART:20260302T110000Z".to_owned();
            letter
        };
        // there and back: the answer was to none of it
        assert_eq!(moved(letter(Request, ALL)).replaced_by(&later), Some(true));
        assert_eq!(moved(letter(Request, ONE)).replaced_by(&later), None);
        assert_eq!(
            moved(letter(Request, ONE)).replaced_by(&letter(Request, ONE)),
            Some(true)
        );
        assert_eq!(
            moved(letter(Request, ONE)).replaced_by(&letter(Request, TWO)),
            None
        );
        assert_eq!(asking(ALL).replaced_by(&later), Some(true));
        assert_eq!(
            asking(ONE).replaced_by(&later),
            None,
            "only one is asked again"
        );
        assert_eq!(asking(ONE).replaced_by(&asking(ALL)), Some(true));
        let showing = |instances| Letter {
            is_refresh: true,
            ..letter(Request, instances)
        };
        assert_eq!(showing(ALL).replaced_by(&later), Some(false));
        assert_eq!(showing(ALL).replaced_by(&showing(ALL)), Some(false));
        assert_eq!(later.replaced_by(&showing(ALL)), None);
        let telling = Letter {
            tells_answer: true,
            ..showing(ALL)
        };
        assert_eq!(telling.replaced_by(&later), None);
    }
}
