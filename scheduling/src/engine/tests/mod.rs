//! The rules as stories: what somebody stores, and what then stands in whose calendar, inbox and mail.
//! Each case names the rule that it proves.
#![allow(clippy::unwrap_used)]

mod attendee;
mod behalf;
mod choices;
mod comments;
mod crossing;
mod delegation;
mod dormant;
mod dropped;
mod groups;
mod mail;
mod organizer;
mod people;
mod progress;
mod properties;
mod receiving;
mod recurring;
mod tables;
mod unstamped;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use calendar::{CalendarObject, Limits};
use storage::{
    Timestamp,
    model::{CollectionId, Principal, PrincipalId, PrincipalKind},
};

use super::{meeting::Meeting, *};
use crate::mail::OutgoingMessage;

/// 2026-01-01T00:00:00Z; each change of the world comes a minute after the one before.
const START: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

/// A few people, their calendars and inboxes, and the desk's part played without a store.
struct World {
    people: BTreeMap<&'static str, Arc<Principal>>,
    calendars: BTreeMap<&'static str, CalendarObject>,
    inboxes: BTreeMap<&'static str, Vec<CalendarObject>>,
    /// Counts up with each change of a Schedule-Tag.
    tags: BTreeMap<&'static str, u32>,
    /// What was called off from outside.
    called_off: BTreeMap<&'static str, Cancellations>,
    mails: Vec<OutgoingMessage>,
    notices: Vec<OutgoingMessage>,
    decisions: Vec<Decision>,
    now: Timestamp,
    mail_possible: bool,
    schedule_reply: bool,
    schedule_tag_matched: bool,
    last_told: Option<LastTold>,
    /// Calendars whose object came there without being scheduled.
    dormant: BTreeSet<&'static str>,
    acting: Option<&'static str>,
    /// Who is in the team, if that is known to be a group.
    members: Vec<&'static str>,
    /// Which letters wait until [`World::deliver_waiting`].
    waits: fn(&Delivery) -> bool,
    waiting: Vec<Delivery>,
}

fn principal(id: u64, name: &'static str, kind: PrincipalKind, aliases: &[&str]) -> Arc<Principal> {
    let mut addresses = vec![format!("mailto:{name}@example.org")];
    addresses.extend(aliases.iter().map(|alias| (*alias).to_owned()));
    let home = (kind != PrincipalKind::Group).then_some(CollectionId(id * 10));
    Arc::new(Principal {
        id: PrincipalId(id),
        display_name: name.to_uppercase(),
        addresses,
        time_zone: Some("Europe/Berlin".to_owned()),
        home,
        default_calendar: home.map(|home| CollectionId(home.0 + 1)),
        ..Principal::new(kind, name)
    })
}

fn new_world() -> World {
    let people = [
        principal(
            1,
            "alice",
            PrincipalKind::User,
            &["mailto:a.smith@example.org", "/dav/principals/users/alice/"],
        ),
        principal(
            2,
            "bob",
            PrincipalKind::User,
            &["mailto:robert@example.org", "/dav/principals/users/bob/"],
        ),
        principal(3, "carol", PrincipalKind::User, &[]),
        principal(4, "room", PrincipalKind::Location, &[]),
        principal(5, "team", PrincipalKind::Group, &[]),
    ];
    let leaked = |name: &str| {
        ["alice", "bob", "carol", "room", "team"]
            .into_iter()
            .find(|known| *known == name)
            .unwrap()
    };
    World {
        people: people
            .into_iter()
            .map(|person| (leaked(&person.name), person))
            .collect(),
        calendars: BTreeMap::new(),
        inboxes: BTreeMap::new(),
        tags: BTreeMap::new(),
        called_off: BTreeMap::new(),
        mails: Vec::new(),
        notices: Vec::new(),
        decisions: Vec::new(),
        now: Timestamp(START),
        mail_possible: true,
        schedule_reply: true,
        schedule_tag_matched: false,
        last_told: None,
        dormant: BTreeSet::new(),
        acting: None,
        members: Vec::new(),
        waits: |_| false,
        waiting: Vec::new(),
    }
}

/// A stream with one component of these lines (leading spaces do not count).
fn stream(component: &str, lines: &str) -> CalendarObject {
    let lines: String = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\r\n"))
        .collect();
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:{component}\r\n{lines}END:{component}\r\nEND:VCALENDAR\r\n"
    );
    CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn event(lines: &str) -> CalendarObject {
    stream("VEVENT", lines)
}

/// The lines that most cases begin with; `more` are added.
fn meeting(more: &str) -> CalendarObject {
    event(&format!(
        "UID:1
        DTSTAMP:20251231T000000Z
        DTSTART:20260301T090000Z
        DTEND:20260301T100000Z
        SUMMARY:Plan
        ORGANIZER:mailto:alice@example.org
        {more}"
    ))
}

/// The unfolded lines of the components, sorted, DTSTAMP aside: what is compared.
fn lines(object: &CalendarObject) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open: Vec<_> = object.entries().collect();
    while let Some(component) = open.pop() {
        let prefix = if component.is("VEVENT") || component.is("VTODO") {
            String::new()
        } else {
            format!("{} ", component.name())
        };
        lines.extend(
            component
                .properties()
                .filter(|line| !line.is("DTSTAMP"))
                .map(|line| format!("{prefix}{}", line.content())),
        );
        open.extend(component.components());
    }
    lines.sort();
    lines
}

fn people_lines(object: &CalendarObject) -> Vec<String> {
    let is_person = |line: &String| line.starts_with("ATTENDEE") || line.starts_with("ORGANIZER");
    lines(object).into_iter().filter(is_person).collect()
}

fn method(object: &CalendarObject) -> Option<&str> {
    object.calendar().raw_value("METHOD")
}

impl World {
    fn directory(&self) -> Directory {
        let mut directory = Directory::new();
        for person in self.people.values() {
            for address in &person.addresses {
                directory.insert(address, Addressee::Local(person.clone()));
            }
        }
        directory.insert("mailto:nobody@example.org", Addressee::UnknownLocal);
        if !self.members.is_empty() {
            let members = self.members.iter().map(|name| self.people[name].clone());
            directory.insert_members(self.people["team"].id, members.collect());
        }
        directory
    }

    fn name_of(&self, id: PrincipalId) -> &'static str {
        self.people
            .iter()
            .find(|(_, person)| person.id == id)
            .map(|(name, _)| *name)
            .unwrap()
    }

    /// What PUT (or, with `None`, DELETE) of the one object in a calendar does, all the way.
    fn change(&mut self, who: &'static str, after: Option<&CalendarObject>) -> Result<(), Fault> {
        self.now.0 += MINUTE;
        let directory = self.directory();
        let owner = self.people[who].clone();
        let before = self.calendars.get(who).cloned();
        let organizer = organizer_to_load(before.as_ref(), after, owner.id, &directory);
        let organizer_copy =
            organizer.and_then(|organizer| self.calendars.get(self.name_of(organizer.id)).cloned());
        let mut plan = plan(&Change {
            before: before.as_ref(),
            is_dormant: self.dormant.contains(who),
            after,
            acting: self.acting.map(|name| &*self.people[name]),
            organizer_copy: organizer_copy.as_ref(),
            last_told: self.last_told.as_ref(),
            schedule_reply: self.schedule_reply,
            schedule_tag_matched: self.schedule_tag_matched,
            ..Change::of(&owner, &directory, self.now, self.mail_possible)
        })?;
        let mut outcomes = Vec::new();
        let mut otherwise = Vec::new();
        for delivery in &plan.deliveries {
            if (self.waits)(delivery) {
                self.waiting.push(delivery.clone());
                outcomes.push((delivery.address.clone(), Status::PENDING));
                continue;
            }
            let receipt = self.deliver(delivery);
            outcomes.push((delivery.address.clone(), receipt.status));
            if receipt.answer_differs {
                otherwise.push(delivery.recipient.id);
            }
        }
        for id in otherwise {
            let copy = self.copy(self.name_of(id));
            let planned = plan.object.as_ref().unwrap();
            let known = with_known_answers(planned, copy, id, &directory);
            plan.object = known.or(plan.object);
        }
        match settle(&plan, &outcomes) {
            Some(object) => {
                // what is stored can be read again
                let again = CalendarObject::parse(&object.to_octets(), &Limits::default()).unwrap();
                assert_eq!(again, object);
                self.calendars.insert(who, object);
                if plan.is_scheduling_object() {
                    self.dormant.remove(who);
                    *self.tags.entry(who).or_default() += 1;
                }
            }
            None => drop(self.calendars.remove(who)),
        }
        for mail in &plan.mails {
            assert_eq!(OutgoingMessage::decode(&mail.encode()).as_ref(), Some(mail));
        }
        self.mails.extend(plan.mails);
        self.notices.extend(plan.notice);
        self.decisions = plan.decisions;
        Ok(())
    }

    fn put(&mut self, who: &'static str, after: &CalendarObject) {
        self.change(who, Some(after)).unwrap();
    }

    fn delete(&mut self, who: &'static str) {
        self.change(who, None).unwrap();
    }

    fn deliver(&mut self, delivery: &Delivery) -> Receipt {
        let directory = self.directory();
        let who = self.name_of(delivery.recipient.id);
        let before = self.calendars.get(who).cloned();
        let receipt = receive(&Incoming {
            copy: self.calendars.get(who),
            called_off: self.called_off.get(who),
            removed: None,
            message: &delivery.message,
            unheard: &[],
            recipient: &delivery.recipient,
            directory: &directory,
            now: self.now,
        });
        let called_off = self.called_off.get(who);
        let message = (&delivery.message, &*delivery.recipient);
        if let Some(after) = Cancellations::after(called_off, message, &directory, &receipt) {
            let again = Cancellations::parse(&after.to_octets()).unwrap();
            assert_eq!(again, after);
            self.called_off.insert(who, after);
        }
        match &receipt.copy {
            CopyChange::Create(object) | CopyChange::Replace(object) => {
                assert_eq!(method(object), None, "a stored object has no METHOD");
                self.calendars.insert(who, object.clone());
            }
            CopyChange::Remove => drop(self.calendars.remove(who)),
            CopyChange::Unchanged => {}
        }
        if receipt.inbox_item {
            self.inboxes
                .entry(who)
                .or_default()
                .push(delivery.message.object.clone());
        }
        if receipt.schedule_tag_changes {
            *self.tags.entry(who).or_default() += 1;
        }
        if receipt.attendees_changed {
            self.pass_on(who, before.as_ref());
        }
        self.follow_up(who, delivery, receipt.follow_up);
        if receipt.refresh_others {
            let object = self.calendars[who].clone();
            for refresh in refresh(
                &object,
                &delivery.recipient,
                &directory,
                Some(&delivery.message.sender),
                self.now,
            ) {
                self.deliver(&refresh);
            }
            let (message, owner) = (&delivery.message, &delivery.recipient);
            if message.origin == Origin::Mail
                && let Some(own) = tell_answer(
                    before.as_ref(),
                    &object,
                    owner,
                    &directory,
                    &message.sender,
                    self.now,
                )
            {
                self.deliver(&own);
            }
        }
        receipt
    }

    /// Delivers what waits, in its order.
    fn deliver_waiting(&mut self) -> Vec<Receipt> {
        self.now.0 += MINUTE;
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let receipts = waiting.map(|mut delivery| {
            delivery.message.origin = Origin::Queue;
            self.deliver(&delivery)
        });
        receipts.collect()
    }

    /// Does what a message asks for beside what it says.
    fn follow_up(&mut self, who: &'static str, delivery: &Delivery, follow_up: FollowUp) {
        let (directory, owner) = (self.directory(), self.people[who].clone());
        let own = self.calendars.get(who).cloned();
        let message = &delivery.message;
        let change = Change {
            before: Some(&message.object),
            after: own.as_ref(),
            ..Change::of(&owner, &directory, self.now, self.mail_possible)
        };
        let plan = match follow_up {
            FollowUp::Nothing | FollowUp::TellRemoved { .. } => return,
            FollowUp::TellSender => tell_again(&change, &message.sender),
            FollowUp::TellNewest => tell_newest(&change, &message.sender),
            FollowUp::AskOrganizer => ask_organizer(&change),
            FollowUp::AnswerAgain => answer_again(&change),
        };
        for delivery in &plan.deliveries {
            self.deliver(delivery);
        }
        self.mails.extend(plan.mails);
    }

    /// A message as it comes from outside: proven to be of `sender`.
    fn hand_in(
        &mut self,
        to: &'static str,
        sender: &str,
        object: &CalendarObject,
    ) -> Result<Receipt, Unacceptable> {
        self.now.0 += MINUTE;
        let message = from_outside(object, sender, &self.directory())?;
        Ok(self.deliver(&Delivery {
            recipient: self.people[to].clone(),
            address: String::new(),
            message,
        }))
    }

    /// Tells those whom an answer brought into somebody's object, or out of it.
    fn pass_on(&mut self, who: &'static str, before: Option<&CalendarObject>) {
        let (directory, owner) = (self.directory(), self.people[who].clone());
        let after = self.calendars[who].clone();
        let plan = pass_on(&Change {
            before,
            after: Some(&after),
            ..Change::of(&owner, &directory, self.now, self.mail_possible)
        });
        let outcomes: Vec<_> = plan
            .deliveries
            .iter()
            .map(|delivery| (delivery.address.clone(), self.deliver(delivery).status))
            .collect();
        self.mails.extend(plan.mails.clone());
        let settled = settle(&plan, &outcomes);
        self.calendars.insert(who, settled.unwrap());
    }

    /// A message as it comes by mail.
    fn mail_in(
        &mut self,
        to: &'static str,
        method: Method,
        sender: &str,
        object: CalendarObject,
    ) -> Receipt {
        self.now.0 += MINUTE;
        let message = Message {
            method,
            origin: Origin::Mail,
            sender: sender.to_owned(),
            uid: "1".to_owned(),
            is_refresh: false,
            tells_answer: false,
            is_sent_again: false,
            asks_again: Default::default(),
            has_waited: false,
            object,
            whole: None,
        };
        self.deliver(&Delivery {
            recipient: self.people[to].clone(),
            address: String::new(),
            message,
        })
    }

    fn copy(&self, who: &str) -> &CalendarObject {
        self.calendars
            .get(who)
            .unwrap_or_else(|| panic!("{who} has no copy"))
    }

    /// What the first component of somebody's copy says by a property.
    fn value(&self, who: &str, name: &str) -> Option<&str> {
        self.copy(who).entries().next()?.raw_value(name)
    }

    /// Takes what came into an inbox since the last look, as methods.
    fn news(&mut self, who: &'static str) -> Vec<String> {
        let items = self.inboxes.remove(who).unwrap_or_default();
        items
            .iter()
            .map(|item| method(item).unwrap_or("none").to_owned())
            .collect()
    }

    fn tag(&self, who: &str) -> u32 {
        self.tags.get(who).copied().unwrap_or_default()
    }

    /// The line of an attendee or organizer in somebody's copy.
    fn line(&self, whose: &str, name: &str, address: &str) -> String {
        let lines = lines(self.copy(whose));
        let suffix = format!(":{address}");
        lines
            .into_iter()
            .find(|line| line.starts_with(name) && line.ends_with(&suffix))
            .unwrap_or_default()
    }

    /// An answer as clients give it: the own copy with another PARTSTAT.
    fn answer(&mut self, who: &'static str, participation: &str) {
        let mut object = self.copy(who).clone();
        let directory = self.directory();
        let id = self.people[who].id;
        for line in object
            .entries_mut()
            .flat_map(calendar::Component::properties_mut)
        {
            if line.is("ATTENDEE") && directory.is(line.raw_value(), id) {
                line.set_parameter("PARTSTAT", participation).unwrap();
            }
        }
        self.put(who, &object);
    }

    /// The own copy with one property set to another value.
    fn edit(&mut self, who: &'static str, name: &str, value: &str) {
        let mut object = self.copy(who).clone();
        object
            .entries_mut()
            .for_each(|entry| entry.set_raw_value(name, value).unwrap());
        self.put(who, &object);
    }
}
