//! What comes in, on its way into calendars: missing calendars are made, objects go in by the hundred, and
//! everything is counted.

use std::collections::{HashMap, HashSet};

use dav::CalendarDescription;
use scheduling::desk::OnConflict;

use super::{Ask, Calendar, Incoming, Origin, Outcome, Told};

/// Objects that are handed on at once.
const OBJECTS_AT_ONCE: usize = 100;
/// Octets beyond which they are handed on.
const OCTETS_AT_ONCE: usize = 1024 * 1024;
/// Refused objects whose reason is kept; all are counted.
const REASONS: usize = 1_000;
/// The most octets of a calendar's name in its home.
const NAME_OCTETS: usize = 100;

/// Whoever performs the operations: a running server, or the command itself.
pub trait Performer {
    /// Performs one.
    ///
    /// # Errors
    /// In words, where nobody can be asked.
    fn perform(&self, ask: &Ask) -> impl Future<Output = Result<Told, String>>;
}

/// How many of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calendars that were made.
    pub calendars_made: usize,
    /// Objects that are new.
    pub created: usize,
    /// Objects that replaced others.
    pub updated: usize,
    /// Objects that stood there already.
    pub unchanged: usize,
    /// Those among them that were not even fetched, because nothing changed where they came from.
    pub not_fetched: usize,
    /// Objects in whose place other ones stay.
    pub kept: usize,
    /// What is not stored.
    pub refused: usize,
    /// Objects that were supplied with what they lacked.
    pub mended: usize,
    /// The first reasons why something is not stored, with where it came from.
    pub reasons: Vec<String>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

impl Summary {
    /// All objects that were looked at.
    pub fn total(&self) -> usize {
        self.created + self.updated + self.unchanged + self.kept + self.refused
    }

    /// Something is not stored.
    pub fn refuse(&mut self, place: &str, why: &str) {
        self.refused += 1;
        if self.reasons.len() < REASONS {
            self.reasons.push(format!("{place}: {why}"));
        }
    }

    /// So many of a place are not stored, all for the same reason.
    pub fn refuse_all(&mut self, number: usize, place: &str, why: &str) {
        if number > 0 {
            self.refuse(place, &format!("{number} more {why}"));
            self.refused += number - 1;
        }
    }
}

/// How objects are taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whose calendars they go into.
    pub owner: String,
    /// What becomes of objects that stand there already.
    pub on_conflict: OnConflict,
    /// Nothing is written.
    pub dry_run: bool,
}

/// The way in.
pub struct Intake<'a, P> {
    performer: &'a P,
    manner: Manner,
    calendars: Vec<Calendar>,
    /// Calendars that a dry run would have made.
    imagined: Vec<String>,
    /// Into which calendar the waiting objects go.
    calendar: String,
    /// Into which one the next go; it is opened when there is one.
    target: Option<Target>,
    waiting: Vec<Waiting>,
    octets: usize,
    summary: Summary,
    progress: Box<dyn FnMut(&Summary) + 'a>,
}

/// A calendar that objects go into, made if it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name in the home, or the name that people see.
    pub name: String,
    /// What people see of it, if it is made.
    pub description: CalendarDescription,
    /// The component names it takes, if it is made; empty takes all.
    pub components: Vec<String>,
}

struct Waiting {
    place: String,
    object: Incoming,
}

impl<'a, P: Performer> Intake<'a, P> {
    /// The way into somebody's calendars. `progress` hears of each step.
    ///
    /// # Errors
    /// In words: there is no such person, or nobody can be asked.
    pub async fn begin(
        performer: &'a P,
        manner: Manner,
        progress: impl FnMut(&Summary) + 'a,
    ) -> Result<Intake<'a, P>, String> {
        let owner = manner.owner.clone();
        let calendars = match performer.perform(&Ask::ListCalendars { owner }).await? {
            Told::Calendars(calendars) => calendars,
            Told::Refused(why) => return Err(why),
            _ => return Err(not_understood()),
        };
        Ok(Intake {
            performer,
            manner,
            calendars,
            imagined: Vec::new(),
            calendar: String::new(),
            target: None,
            waiting: Vec::new(),
            octets: 0,
            summary: Summary::default(),
            progress: Box::new(progress),
        })
    }

    /// What was counted so far.
    pub fn summary(&mut self) -> &mut Summary {
        &mut self.summary
    }

    /// From now on objects go into this calendar: one that has this name in the home, else the one that
    /// people see under this name, else a new one, which is made with its first object.
    pub fn aim(&mut self, target: Target) {
        self.target = Some(target);
    }

    /// The same, and it is made even if there are no objects.
    ///
    /// # Errors
    /// In words: it cannot be made; also those of [`Intake::flush`].
    pub async fn open(&mut self, target: Target) -> Result<(), String> {
        self.flush().await?;
        self.target = None;
        let Target {
            name: wanted,
            description,
            components,
        } = &target;
        if let Some(known) = find(&self.calendars, wanted) {
            self.calendar = known.to_owned();
            return Ok(());
        }
        let description = CalendarDescription {
            display_name: Some(
                description
                    .display_name
                    .clone()
                    .unwrap_or_else(|| wanted.clone()),
            ),
            ..description.clone()
        };
        let name = free_name(wanted, &self.calendars);
        if self.manner.dry_run {
            self.imagined.push(name.clone());
        } else {
            let ask = Ask::MakeCalendar {
                owner: self.manner.owner.clone(),
                name: name.clone(),
                description: Box::new(description.clone()),
                components: components.clone(),
            };
            match self.performer.perform(&ask).await? {
                Told::Made => {}
                Told::Refused(why) => {
                    return Err(format!("the calendar \"{wanted}\" cannot be made: {why}"));
                }
                _ => return Err(not_understood()),
            }
        }
        self.summary.calendars_made += 1;
        self.calendars.push(Calendar {
            name: name.clone(),
            description,
            components: components.clone(),
        });
        self.calendar = name;
        Ok(())
    }

    /// Where the objects of the calendar that is open came from, as far as they came from other servers.
    /// None where what stands there is overwritten, so that all is fetched again.
    ///
    /// # Errors
    /// In words: nobody can be asked.
    pub async fn origins(&self) -> Result<HashSet<Origin>, String> {
        let mut origins = HashSet::new();
        if self.manner.on_conflict == OnConflict::Overwrite
            || self.imagined.contains(&self.calendar)
        {
            return Ok(origins);
        }
        let mut after = None;
        loop {
            let ask = Ask::ListOrigins {
                owner: self.manner.owner.clone(),
                calendar: self.calendar.clone(),
                after,
            };
            match self.performer.perform(&ask).await? {
                Told::Origins(some, next) => {
                    origins.extend(some);
                    after = next;
                }
                Told::Refused(why) => return Err(why),
                _ => return Err(not_understood()),
            }
            if after.is_none() {
                return Ok(origins);
            }
        }
    }

    /// Counts objects that need not be fetched.
    pub fn pass_over(&mut self, number: usize) {
        self.summary.unchanged += number;
        self.summary.not_fetched += number;
        (self.progress)(&self.summary);
    }

    /// Takes an object in; `place` says for people where it stood.
    ///
    /// # Errors
    /// Those of [`Intake::flush`].
    pub async fn add(&mut self, place: String, object: Incoming) -> Result<(), String> {
        if let Some(target) = self.target.take() {
            self.open(target).await?;
        }
        self.octets += object.text.len();
        self.waiting.push(Waiting { place, object });
        if self.waiting.len() >= OBJECTS_AT_ONCE || self.octets >= OCTETS_AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Hands on what waits.
    ///
    /// # Errors
    /// In words: nobody can be asked, or all of it is refused for a reason that is no object's own. The same
    /// once more goes on from there.
    pub async fn flush(&mut self) -> Result<(), String> {
        let waiting = std::mem::take(&mut self.waiting);
        self.octets = 0;
        if waiting.is_empty() {
            return Ok(());
        }
        let (places, objects): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|waiting| (waiting.place, waiting.object))
            .unzip();
        if self.imagined.contains(&self.calendar) {
            self.summary.created += objects.len();
            return Ok(());
        }
        let ask = Ask::ImportObjects {
            owner: self.manner.owner.clone(),
            calendar: self.calendar.clone(),
            objects,
            on_conflict: self.manner.on_conflict,
            dry_run: self.manner.dry_run,
        };
        let outcomes = match self.performer.perform(&ask).await? {
            Told::Imported(outcomes) => outcomes,
            Told::Refused(why) => return Err(why),
            _ => return Err(not_understood()),
        };
        for (place, outcome) in places.iter().zip(outcomes) {
            match outcome {
                Outcome::Created => self.summary.created += 1,
                Outcome::Updated => self.summary.updated += 1,
                Outcome::Unchanged => self.summary.unchanged += 1,
                Outcome::Kept => self.summary.kept += 1,
                Outcome::Refused(why) => self.summary.refuse(place, &why),
            }
        }
        (self.progress)(&self.summary);
        Ok(())
    }

    /// Hands on the rest, and says what all came to.
    ///
    /// # Errors
    /// Those of [`Intake::flush`].
    pub async fn finish(mut self) -> Result<Summary, (String, Summary)> {
        match self.flush().await {
            Ok(()) => Ok(self.summary),
            Err(why) => Err((why, self.summary)),
        }
    }

    /// What all came to, where it ended early.
    pub fn give_up(self) -> Summary {
        self.summary
    }
}

fn not_understood() -> String {
    "the running server answered something else; is it of another version?".to_owned()
}

/// The calendar that is meant: by its name in the home, or by what people see, if only one has that.
fn find<'c>(calendars: &'c [Calendar], wanted: &str) -> Option<&'c str> {
    if let Some(named) = calendars.iter().find(|it| it.name == wanted) {
        return Some(&named.name);
    }
    let shown = |it: &&Calendar| {
        let shown = it.description.display_name.as_deref();
        shown.is_some_and(|shown| shown.trim().to_lowercase() == wanted.trim().to_lowercase())
    };
    let mut shown = calendars.iter().filter(shown);
    match (shown.next(), shown.next()) {
        (Some(only), None) => Some(&only.name),
        _ => None,
    }
}

/// A name in the home, made of what people call it, that no calendar has.
fn free_name(wanted: &str, calendars: &[Calendar]) -> String {
    let base = simple_name(wanted);
    let taken: HashMap<&str, ()> = calendars.iter().map(|it| (it.name.as_str(), ())).collect();
    let mut name = base.clone();
    let mut number = 1;
    while taken.contains_key(name.as_str()) {
        number += 1;
        name = format!("{base}-{number}");
    }
    name
}

/// Letters and digits in lower case, everything else as single hyphens.
fn simple_name(text: &str) -> String {
    let mut name = String::new();
    for letter in text.trim().chars().flat_map(char::to_lowercase) {
        if name.len() >= NAME_OCTETS {
            break;
        }
        match letter.is_alphanumeric() {
            true => name.push(letter),
            false if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            false => {}
        }
    }
    let name = name.trim_end_matches('-');
    match name {
        "" | "inbox" | "outbox" | "notifications" | "trash" => format!("{name}calendar"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(name: &str, shown: &str) -> Calendar {
        Calendar {
            name: name.to_owned(),
            description: CalendarDescription {
                display_name: Some(shown.to_owned()),
                ..CalendarDescription::default()
            },
            components: Vec::new(),
        }
    }

    #[test]
    fn which_calendar_is_meant() {
        let calendars = [
            calendar("work", "Job"),
            calendar("b", "Work"),
            calendar("c", "Twice"),
            calendar("d", "twice"),
        ];
        for (wanted, expected) in [
            ("work", Some("work")),
            ("Work", Some("b")),
            (" job ", Some("work")),
            ("Twice", None),
            ("other", None),
        ] {
            assert_eq!(find(&calendars, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn names_of_new_calendars() {
        let calendars = [calendar("work", ""), calendar("work-2", "")];
        for (wanted, expected) in [
            ("Work", "work-3"),
            ("Müllers' Ferien  2026!", "müllers-ferien-2026"),
            ("../x", "x"),
            ("///", "calendar"),
            ("inbox", "inboxcalendar"),
        ] {
            assert_eq!(free_name(wanted, &calendars), expected, "{wanted}");
        }
        assert!(free_name(&"ä".repeat(500), &[]).len() <= NAME_OCTETS + 1);
    }
}
