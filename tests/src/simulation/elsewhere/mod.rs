//! People elsewhere, and the mail between them and the house, which is late, doubled, out of order, lost, or comes back.
//!
//! Xenia is invited by the house (`guest`); Yves invites the house (`host`); both do what RFC 5546 says and not a
//! word more. What was lost between them and the house is known: at rest they ask for it, or send it again
//! ([`Elsewhere::set_right`]), as people do.

mod guest;
mod host;

use std::collections::{BTreeMap, BTreeSet};

use calendar::CalendarObject;
use scheduling::{
    desk::Bounce,
    mail::{OutgoingMessage, Voice},
};
use storage::model::WorkId;

use super::{Dice, house::parse};

pub use guest::Guest;
pub use host::{Host, VISIT};

/// Who is invited.
pub const XENIA: &str = "xenia@elsewhere.test";
/// Who invites.
pub const YVES: &str = "yves@elsewhere.test";
/// Who has nothing to do with anything.
const ZOE: &str = "zoe@elsewhere.test";

/// What one message of somebody elsewhere says.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The mail address of whom it comes from.
    pub from: &'static str,
    /// The mail address of whom it goes to.
    pub to: String,
    /// The iCalendar stream.
    pub object: CalendarObject,
    /// Its name.
    pub id: String,
}

/// Something on its way.
#[derive(Clone, Debug)]
pub enum Flying {
    /// To somebody elsewhere.
    Out(Letter),
    /// To the house.
    In(Letter),
    /// A mail of the house that comes back.
    Back(Bounce),
}

/// All of it.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// Xenia.
    pub guest: Guest,
    /// Yves.
    pub host: Host,
    flying: Vec<Flying>,
    /// DTSTAMP and SEQUENCE that were told of each part of the house's meetings, by UID, recipient and RECURRENCE-ID.
    told: BTreeMap<(String, String, String), BTreeMap<String, u32>>,
    /// The names of the letters that the house took.
    pub taken: BTreeSet<String>,
    /// Nothing is lost for a while.
    pub is_careful: bool,
    /// The last moment of which something was written, in seconds.
    stamp: i64,
    letters: u64,
}

impl Elsewhere {
    /// A moment for a new message, in the form of DTSTAMP; no two have the same.
    fn stamp(&mut self, now_seconds: i64) -> String {
        self.stamp = now_seconds.max(self.stamp + 1);
        let moment = jiff::Timestamp::from_second(self.stamp).expect("a moment of this century");
        moment.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// A mail that the house's mail server took: it flies, once or twice, or not at all.
    pub fn post_out(&mut self, dice: &Dice, id: &WorkId, mail: &OutgoingMessage) {
        if mail.voice == Voice::Notice {
            return;
        }
        let letter = Letter {
            from: "",
            to: mail.to.address.clone(),
            object: parse(&mail.calendar),
            id: String::new(),
        };
        match dice.roll(10) {
            0 if !self.is_careful => self.miss(&mail.to.address, &mail.uid, &mail.from.address),
            1 if !self.is_careful => {
                self.miss(&mail.to.address, &mail.uid, &mail.from.address);
                let bounce = Bounce {
                    mail: mail.name(id.id),
                    is_permanent: dice.once_in(2),
                    detail: None,
                };
                self.fly(dice, Flying::Back(bounce));
            }
            _ => self.fly(dice, Flying::Out(letter)),
        }
    }

    /// A mail of the house leaves: none that was written later has a lower SEQUENCE, whatever became of the meeting in
    /// between.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_sequence(&mut self, mail: &OutgoingMessage) -> Result<(), String> {
        let is_organizers = ["REQUEST", "CANCEL"].contains(&&*mail.method);
        if mail.voice == Voice::Notice || !is_organizers {
            return Ok(());
        }
        for entry in parse(&mail.calendar).entries() {
            let part = entry.raw_value("RECURRENCE-ID").unwrap_or_default();
            let key = (mail.uid.clone(), mail.to.address.clone(), part.to_owned());
            let number = entry.raw_value("SEQUENCE").unwrap_or("0");
            let number: u32 = number.parse().map_err(|_| "SEQUENCE is no number")?;
            let stamp = entry.raw_value("DTSTAMP").unwrap_or_default();
            let told = self.told.entry(key).or_default();
            // who is called off, and told what is left, is so a second earlier
            let is_before = |one: &str, other: &str| moment(one) + 1 < moment(other);
            let higher_before = told
                .iter()
                .any(|(at, it)| is_before(at, stamp) && *it > number);
            let lower_after = told
                .iter()
                .any(|(at, it)| is_before(stamp, at) && *it < number);
            if higher_before || lower_after {
                let text = String::from_utf8_lossy(&mail.calendar);
                let to = &mail.to.address;
                return Err(format!("{to} was told {told:?}, and is told now:\n{text}"));
            }
            told.insert(stamp.to_owned(), number);
        }
        Ok(())
    }

    /// A mail of the house did not reach somebody.
    pub fn miss(&mut self, to: &str, uid: &str, from: &str) {
        match to {
            XENIA => drop(self.guest.unsure.insert(uid.to_owned())),
            YVES => drop(self.host.missed.insert(name_of(from))),
            _ => {}
        }
    }

    /// A letter was not taken by somebody whose account is disabled; who sent it sends it again later.
    pub fn refused(&mut self, letter: &Letter, who: &str) {
        if letter.from == YVES {
            self.host.missed.insert(who.to_owned());
        }
    }

    /// Somebody elsewhere sends something to somebody in the house.
    fn post_in(&mut self, dice: &Dice, from: &'static str, to: &str, text: &str) {
        self.letters += 1;
        let letter = Letter {
            from,
            to: format!("{to}@example.com"),
            object: parse(text.as_bytes()),
            id: format!("<{}@elsewhere.test>", self.letters),
        };
        if !self.is_careful && dice.once_in(10) {
            if from == YVES {
                self.host.missed.insert(to.to_owned());
            }
            return;
        }
        self.fly(dice, Flying::In(letter));
    }

    fn fly(&mut self, dice: &Dice, what: Flying) {
        if dice.once_in(5) {
            self.flying.push(what.clone());
        }
        self.flying.push(what);
    }

    /// Something that arrives next, whenever it left.
    pub fn next(&mut self, dice: &Dice) -> Option<Flying> {
        match self.flying.len() {
            0 => None,
            number => Some(self.flying.swap_remove(dice.roll(number as u64) as usize)),
        }
    }

    /// It could not be taken now.
    pub fn put_back(&mut self, what: Flying) {
        self.flying.push(what);
    }

    /// A letter of the house arrives.
    pub fn arrive(&mut self, dice: &Dice, letter: &Letter, now_seconds: i64) {
        match &*letter.to {
            XENIA => {
                let uid = uid_of(&letter.object);
                if self.is_careful && self.guest.unsure.remove(&uid) {
                    // what is told to who asks is all of it
                    self.guest.forget(&uid);
                }
                self.guest.receive(&letter.object);
            }
            YVES => {
                let asking = self.host.receive(&letter.object);
                if let Some(who) = asking {
                    let stamp = self.stamp(now_seconds);
                    for (to, text) in self.host.tell(&[who], &stamp) {
                        self.post_in(dice, YVES, &to, &text);
                    }
                }
            }
            _ => {}
        }
    }

    /// Somebody elsewhere does something, in words.
    pub fn act(&mut self, dice: &Dice, now_seconds: i64) -> Option<String> {
        let stamp = self.stamp(now_seconds);
        let (words, from, letters) = match dice.roll(8) {
            0..=2 => {
                let (words, letters) = self.guest.act(dice, &stamp)?;
                (words, XENIA, letters)
            }
            3 => {
                let (words, letters) = crash(dice, &stamp);
                (words, ZOE, letters)
            }
            _ => {
                let (words, letters) = self.host.act(dice, &stamp)?;
                (words, YVES, letters)
            }
        };
        for (to, text) in letters {
            self.post_in(dice, from, &to, &text);
        }
        Some(words)
    }

    /// Who missed something asks for it, or sends it again; whether anybody did.
    pub fn set_right(&mut self, dice: &Dice, now_seconds: i64) -> bool {
        let before = self.letters;
        for uid in self.guest.unsure.clone() {
            let stamp = self.stamp(now_seconds);
            if let Some((to, text)) = self.guest.ask(&uid, &stamp) {
                self.post_in(dice, XENIA, &to, &text);
            }
        }
        let missed: Vec<String> = std::mem::take(&mut self.host.missed).into_iter().collect();
        let stamp = self.stamp(now_seconds);
        for (to, text) in self.host.tell(&missed, &stamp) {
            self.post_in(dice, YVES, &to, &text);
        }
        self.letters != before
    }

    /// The guest answers all there is.
    pub fn answer_all(&mut self, dice: &Dice, now_seconds: i64) {
        for uid in self.guest.uids() {
            let stamp = self.stamp(now_seconds);
            let status = *dice.pick(&["ACCEPTED", "DECLINED", "TENTATIVE"]);
            if let Some((to, text)) = self.guest.answer(&uid, None, status, &stamp) {
                self.post_in(dice, XENIA, &to, &text);
            }
        }
    }
}

/// Somebody answers who was not asked.
fn crash(dice: &Dice, stamp: &str) -> (String, Vec<(String, String)>) {
    let (uid, organizer) = *dice.pick(&[("plan", "alice"), ("review", "bob")]);
    let method = *dice.pick(&["REPLY", "COUNTER", "REFRESH"]);
    let component = format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:{stamp}\r\nSEQUENCE:9\r\nDTSTART:20260302T150000Z\r\n\
         ORGANIZER:mailto:{organizer}@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{ZOE}\r\nEND:VEVENT\r\n"
    );
    let words = format!("{ZOE}, who is not invited to \"{uid}\", sends a {method}.");
    (
        words,
        vec![(organizer.to_owned(), stream(method, &component))],
    )
}

/// A message of these components.
fn stream(method: &str, components: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Elsewhere//EN\r\nMETHOD:{method}\r\n{components}END:VCALENDAR\r\n"
    )
}

fn uid_of(object: &CalendarObject) -> String {
    let mut entries = object.entries();
    let uid = entries.find_map(|entry| entry.raw_value("UID"));
    uid.unwrap_or_default().to_owned()
}

/// DTSTAMP in seconds.
fn moment(stamp: &str) -> i64 {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp);
    let time = time.expect("a moment that the house wrote");
    time.to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(0, |it| it.timestamp().as_second())
}

/// Who has an address in the house.
fn name_of(address: &str) -> String {
    let name = address.trim_start_matches("mailto:");
    name.trim_end_matches("@example.com").to_owned()
}
