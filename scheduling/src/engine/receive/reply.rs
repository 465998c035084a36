//! An answer reaches the organizer (RFC 6638 §4.2, RFC 5546 §3.2.3).

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{CopyChange, Declined, FollowUp, Incoming, Receipt, sent};
use crate::engine::{
    Action, Directory, Method, Origin, Status,
    answer::take_over,
    attendee_comment, delegation,
    directory::Person,
    entry::{NEEDS_ACTION, adopt, attendees, participation, sequence},
    later_ones::{goes_on_at, is_of_later_ones, with_alone},
    meeting::{Meeting, Part},
    pattern::with_only,
    refresh::organizer_of,
    sequence::{Revision, asked_anew},
    showing::shown_part,
    significance::{asks_anew_since, from_series},
};

/// The most people whom one answer from outside brings in: each is invited in the organizer's name.
const MAXIMUM_DELEGATES: usize = 10;

/// Applies a REPLY: participation, status and comment of the one who sent it, and nothing else. What an attendee gets who is
/// not the organizer, [`sent`] takes.
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    let copy = match check_organizes(incoming) {
        Ok(copy) => copy,
        Err(declined) => return sent::receive(incoming).unwrap_or(Err(declined)),
    };
    let stored = Meeting::of(copy);
    let directory = incoming.directory;
    let message = Meeting::about(&incoming.message.object, &stored);
    // RFC 5545 §3.2.13: who answers for one instance says nothing of all later ones
    let alone = message.instances();
    let alone = alone.filter_map(|(key, entry)| (!is_of_later_ones(entry)).then_some(key));
    let apart = with_alone(&stored, &alone.collect());
    let stored = apart.as_ref().map_or(stored, Meeting::of);
    let (answers, left) = answers(incoming, &stored, &message)?;
    let (object, asks_again) = apply(incoming, &stored, &answers);
    let answered = Meeting::of(&object);
    let attendees_changed = asks_again || are_attendees_changed(&stored, &answered, directory);
    let refresh_others =
        attendees_changed || own_words(incoming, &answered) != own_words(incoming, &stored);
    Ok(Receipt {
        copy: match object == *copy {
            true => CopyChange::Unchanged,
            false => CopyChange::Replace(object),
        },
        inbox_item: true,
        follow_up: left.as_ref().map_or(FollowUp::Nothing, |it| it.follow_up),
        refresh_others,
        attendees_changed,
        decisions: left
            .into_iter()
            .filter(Declined::is_for_the_user)
            .map(|it| it.decision(incoming.message))
            .collect(),
        ..Receipt::unchanged()
    })
}

/// The organizer's object, which is the recipient's: only there what attendees say has an effect.
pub(super) fn check_organizes<'a>(incoming: &Incoming<'a>) -> Result<&'a CalendarObject, Declined> {
    let copy = incoming.copy.ok_or(Declined::silently(
        Status::NO_WAY,
        "the organizer has no such event",
    ))?;
    let organizer = organizer_of(&Meeting::of(copy));
    match incoming.directory.is(organizer, incoming.recipient.id) {
        true => Ok(copy),
        false => Err(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "the recipient is not the organizer of this event",
            &[Action::Dismiss],
        )),
    }
}

/// What is said of one part of the organizer's object.
#[derive(Clone, Copy)]
pub(super) struct Answer<'m> {
    /// Which part that is, whatever the component is named by.
    pub part: Part,
    pub entry: &'m Component,
    pub line: &'m Property,
}

impl Answer<'_> {
    fn status(&self) -> Status {
        let statuses = self.entry.properties_named("REQUEST-STATUS");
        Status::of_reply(statuses.map(Property::raw_value))
    }

    /// Whether it is about one instance, and not about the whole.
    pub fn is_apart(&self) -> bool {
        self.part != Part::Series
    }

    /// Whether it says nothing but that the invitation could not be processed (RFC 5546 §4.4.10).
    pub fn is_error(&self) -> bool {
        self.line.parameter("PARTSTAT").is_none() && self.status().is_error()
    }
}

/// What the message says of each part of the organizer's object that can take it: of the parts that it names,
/// and of those instances that follow the series. One answer that cannot be taken does not keep the others out, nor
/// do they keep from the user what only the user can decide: that comes back beside.
fn answers<'m>(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &Meeting<'m>,
) -> Result<(BTreeMap<Part, Answer<'m>>, Option<Declined>), Declined> {
    if incoming.message.origin == Origin::Mail && count_sent(incoming, message) > MAXIMUM_DELEGATES
    {
        let reason = "it sends more people than anybody may from outside";
        let actions = &[Action::Invite, Action::Dismiss];
        return Err(Declined::for_the_user(Status::TOO_LARGE, reason, actions));
    }
    let mut found = BTreeMap::new();
    let mut refused: Option<Declined> = None;
    let taken_back = TakenBack::of(incoming, stored);
    let said = said(stored, message);
    for (part, entry) in said.iter().map(|(part, entry)| (*part, *entry)) {
        match answer(incoming, stored, message, &taken_back, (part, entry)) {
            Ok(answer) => drop(found.insert(part, answer)),
            Err(declined) => {
                refused = Some(match refused {
                    Some(known) => known.and(declined),
                    None => declined,
                });
            }
        }
    }
    if let Some(answer) = found.get(&Part::Series).copied() {
        let followers = followers(incoming, stored, &said, answer);
        for part in followers
            .into_iter()
            .filter(|part| !taken_back.has(stored, *part))
        {
            found.entry(part).or_insert(answer);
        }
    }
    match (found.is_empty(), refused) {
        (true, Some(declined)) => Err(declined),
        (true, None) => Err(Declined::silently(Status::DELIVERED, "there is no answer")),
        (false, refused) => Ok((found, refused)),
    }
}

/// What the message says, by the parts that it means. Evolution answers for all instances in the component of the one that
/// it shows, with the rule of the series beside its RECURRENCE-ID, which no single instance has (RFC 5545 §3.8.4.4): where
/// that is the first one, the series is meant. Without the rule it is an answer to the first instance and to no other
/// (RFC 5546 §3.2.3), as other clients send it.
///
/// Who answers for an instance and all later ones, where one of the organizer's components is about that one and another one
/// about the later ones, answers both.
fn said<'m>(stored: &Meeting<'_>, message: &Meeting<'m>) -> BTreeMap<Part, &'m Component> {
    let first = stored.series().and_then(|it| stored.key_of_start(it));
    let meant = |(part, entry): (Part, &'m Component)| {
        let is_for_all = first.is_some()
            && part.key() == first
            && entry.property("RRULE").is_some()
            && !message.has(Part::Series);
        (if is_for_all { Part::Series } else { part }, entry)
    };
    let mut said: BTreeMap<Part, &Component> = message.parts().map(meant).collect();
    for (key, entry) in message.instances().filter(|(_, it)| is_of_later_ones(it)) {
        let later = goes_on_at(stored, key).map(Part::Instance);
        later.map(|later| said.entry(later).or_insert(entry));
    }
    said
}

/// How many people the sender sends in their place, in all parts together.
fn count_sent(incoming: &Incoming<'_>, message: &Meeting<'_>) -> usize {
    let lines = message
        .parts()
        .filter_map(|(_, entry)| line_of(incoming, entry));
    let people: BTreeSet<Person> = lines
        .flat_map(|line| delegation::people_sent(line, incoming.directory).into_keys())
        .collect();
    people.len()
}

fn answer<'m>(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &Meeting<'_>,
    taken_back: &TakenBack,
    (part, entry): (Part, &'m Component),
) -> Result<Answer<'m>, Declined> {
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    let line = line_of(incoming, entry)
        .ok_or(for_somebody_else("the sender answers for somebody else"))?;
    let answer = Answer { part, entry, line };
    if is_of_later_ones(entry) && !is_about_later_ones(stored, part) {
        // RFC 5545 §3.2.13: the organizer's components are not about them all
        let reason = "it answers for an instance and all later ones";
        let actions = &[Action::TakeOver, Action::Dismiss];
        return Err(Declined::for_the_user(Status::DELIVERED, reason, actions));
    }
    let is_there = stored.has(part) || part.key().is_some_and(|key| stored.yields(key));
    let behind = stored.describing(part);
    let invited = behind.and_then(|it| line_of(incoming, it));
    let too_late = |reason| Declined {
        follow_up: match invited.is_some_and(|it| has_older(incoming, it, answer)) {
            true => FollowUp::TellNewest,
            false => FollowUp::Nothing,
        },
        ..silently(reason)
    };
    let known = behind.filter(|_| is_there);
    let known = known.ok_or_else(|| too_late("there is no such instance"))?;
    let invited = invited.ok_or(not_invited())?;
    if !stored.is_live(stored.part_of(part)) {
        return Err(silently("the meeting is cancelled"));
    }
    let is_late = is_obsolete(incoming.message.origin, (invited, stored.has(part)), answer)
        // who is here was told meanwhile, and their copy asks them anew
        || incoming.message.origin != Origin::Mail
            && sequence(entry) < sequence(known)
            && is_asked_anew(incoming, stored, message, (part, entry));
    if is_late {
        return Err(too_late(
            "it answers what was before, or a newer or the same answer was applied already (RFC 5546 §2.1.5)",
        ));
    }
    if taken_back.has(stored, part) {
        return Err(silently(
            "it answers what was taken back: the sender is asked again, and has not heard of that (RFC 6638 §3.2.8)",
        ));
    }
    Ok(answer)
}

/// Whether a component says what all later instances are, or is followed by one that does.
fn is_about_later_ones(stored: &Meeting<'_>, part: Part) -> bool {
    let is_followed = || part.key().and_then(|key| goes_on_at(stored, key)).is_some();
    stored.get(part).is_some_and(is_of_later_ones) || is_followed()
}

/// Whether the sender answers by mail an older revision than that of which they are asked anew (RFC 5546 §2.1.4): they may
/// not have got that one.
fn has_older(incoming: &Incoming<'_>, invited: &Property, answer: Answer<'_>) -> bool {
    incoming.message.origin == Origin::Mail
        && participation(invited) == NEEDS_ACTION
        && asked_anew(invited).is_some_and(|asked| sequence(answer.entry) < asked)
        && !answer.is_error()
}

/// Whether the sender is asked anew for a part since it was as the message has it. A series is compared as they get to see
/// it: it may end for them before what they are not invited to (RFC 6638 §3.2.6).
fn is_asked_anew(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &Meeting<'_>,
    (part, entry): (Part, &Component),
) -> bool {
    let answered = (message, entry);
    if part != Part::Series {
        return asks_anew_since(answered, stored, part);
    }
    let own = stored.parts();
    let own = own.filter(|(_, it)| line_of(incoming, it).is_some());
    let told = own.map(|(part, _)| part).collect();
    shown_part(stored, &told, part).is_none_or(|series| {
        let seen = with_only(stored.object, &series);
        asks_anew_since(answered, &Meeting::of(&seen), part)
    })
}

/// What the sender was asked and is taken back, of which they have not heard.
#[derive(Default)]
struct TakenBack {
    /// The parts for which they are asked again, or out.
    parts: BTreeSet<Part>,
    /// They are out of all of it.
    is_all: bool,
}

impl TakenBack {
    fn of(incoming: &Incoming<'_>, stored: &Meeting<'_>) -> TakenBack {
        let mut taken_back = TakenBack::default();
        for unheard in incoming.unheard {
            let said = Meeting::about(unheard, stored);
            let method = unheard.calendar().raw_value("METHOD");
            let is_out = method.and_then(Method::parse) == Some(Method::Cancel);
            taken_back.is_all |= is_out && said.has(Part::Series);
            taken_back.parts.extend(said.parts().map(|(part, _)| part));
        }
        taken_back
    }

    /// Who is asked again for the series is not asked for an instance that is apart from it (RFC 6638 §3.2.8).
    fn has(&self, stored: &Meeting<'_>, part: Part) -> bool {
        let is_named = |part| self.parts.contains(&part);
        self.is_all || is_named(part) || is_named(stored.part_of(part))
    }
}

/// Who is not invited says something.
pub(super) fn not_invited() -> Declined {
    Declined::for_the_user(
        Status::NOT_ALLOWED,
        "the sender is not invited",
        &[Action::Invite, Action::Dismiss],
    )
}

/// Somebody says something that is another attendee's to say.
pub(super) fn for_somebody_else(reason: &'static str) -> Declined {
    let actions = &[Action::TakeOver, Action::Dismiss];
    Declined::for_the_user(Status::NOT_ALLOWED, reason, actions)
}

/// The instances that the message does not name and in which the sender said what they said of the series: `answer`, which
/// is to the series, is meant for them, too. Clients differ in what they name.
fn followers(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &BTreeMap<Part, &Component>,
    answer: Answer<'_>,
) -> Vec<Part> {
    let said = |entry: &Component| line_of(incoming, entry).map(participation);
    let Some(old) = stored.series().and_then(said) else {
        return Vec::new();
    };
    let parts = stored.instances().filter(|(key, entry)| {
        let part = Part::Instance(*key);
        !message.contains_key(&part)
            && stored.is_live(part)
            && said(entry).as_ref() == Some(&old)
            && !is_asked_since(incoming, stored, (*key, entry), answer)
    });
    parts.map(|(key, _)| Part::Instance(key)).collect()
}

/// Whether the sender is asked anew for an instance since the series was as `answer` is to it (RFC 6638 §3.2.8): it has
/// come to be at another time, with a higher SEQUENCE. Where it is at the time of the series, whoever is elsewhere means it,
/// too; who is here names in an answer what they know of, and did not answer what they were not told yet.
fn is_asked_since(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    (key, entry): (InstanceKey, &Component),
    answer: Answer<'_>,
) -> bool {
    let Incoming {
        message, directory, ..
    } = incoming;
    let Some(invited) = line_of(incoming, entry) else {
        return false;
    };
    let is_here = directory.local(&message.sender).is_some();
    let is_behind =
        || sequence(entry) > sequence(answer.entry) && from_series(stored, key).asks_anew;
    match asked_anew(invited) {
        Some(_) => is_here || is_behind(),
        None => is_obsolete(message.origin, (invited, true), answer) || is_here && is_behind(),
    }
}

/// The sender's ATTENDEE in a component: of several in a message, the one that matches the sender.
pub(super) fn line_of<'a>(incoming: &Incoming<'_>, entry: &'a Component) -> Option<&'a Property> {
    let directory = incoming.directory;
    let sender = directory.person(&incoming.message.sender);
    attendees(entry).find(|line| directory.is_of(line.raw_value(), &sender))
}

/// RFC 5546 §2.1.5: for each attendee, the order of answers; and an answer to what was before the last
/// reset comes too late: also from here, where the invitation to what is now still waits to be delivered. `is_own` is whether
/// what somebody is invited to has a component of its own, and not that of all later ones.
///
/// An answer to the series does not take the place of one to an instance that was given before it: that is heard also where
/// it comes after it. It is late only if it comes before it by SEQUENCE, too, which is that of each.
///
/// Of two answers by mail with the same DTSTAMP nothing tells the order, and that in which mail brings them is none: the first
/// that came stays, so that it is the same however often either of them comes again.
pub(super) fn is_obsolete(
    origin: Origin,
    (invited, is_own): (&Property, bool),
    answer: Answer<'_>,
) -> bool {
    let said = Revision::of(answer.entry);
    // answers from here come in their order
    let counts = |known: &Revision| origin != Origin::Here || known.stamp().is_empty();
    let known = Revision::noted(invited).filter(|(known, _)| counts(known));
    known.is_some_and(|(known, is_apart)| {
        match (is_apart && is_own) == answer.is_apart() {
            // DTSTAMP only breaks a tie: where it is not known, SEQUENCE alone tells
            _ if said.stamp().is_empty() => said.is_before(&known),
            // the same again; what waited here has an order, also within a second
            true if origin == Origin::Mail => said <= known,
            true => said < known,
            // of two that were given within a second, neither is
            false => {
                let is_before = said.sequence() < known.sequence() || !answer.is_apart();
                is_before && said.compare_apart(&known).is_lt()
            }
        }
    })
}

/// What the sender says of coming, and of whom they send, in each part.
fn own_words(
    incoming: &Incoming<'_>,
    meeting: &Meeting<'_>,
) -> BTreeMap<Part, (String, Vec<String>)> {
    let parts = meeting.parts();
    let said = |line| (participation(line), delegation::delegates(line));
    parts
        .filter_map(|(part, entry)| Some((part, said(line_of(incoming, entry)?))))
        .collect()
}

/// The organizer's object with the answers; and whether somebody is asked again, since nobody comes in their place.
fn apply(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    answers: &BTreeMap<Part, Answer<'_>>,
) -> (CalendarObject, bool) {
    let mut object = stored.object.clone();
    let mut parts = stored.order();
    let missing = answers
        .iter()
        .filter(|(part, answer)| !stored.has(**part) && !answer.is_error());
    for (part, _) in missing {
        let entry = part.key().and_then(|key| stored.component_at(key));
        if let Some(entry) = entry {
            object.calendar_mut().push_component(entry);
            parts.push(*part);
        }
    }
    let mut asks_again = false;
    for (target, part) in object.entries_mut().zip(parts) {
        if let Some(answer) = answers.get(&part) {
            apply_to(incoming, target, *answer);
            let sender = &incoming.message.sender;
            asks_again |= delegation::ask_again(target, sender, incoming.directory);
        }
    }
    (object, asks_again)
}

fn apply_to(incoming: &Incoming<'_>, target: &mut Component, answer: Answer<'_>) {
    let directory: &Directory = incoming.directory;
    let status = answer.status();
    let sender = answer.line.raw_value();
    let person = directory.person(sender);
    let lines = target.properties_mut().filter(|line| line.is("ATTENDEE"));
    let mut delegator = None;
    for line in lines.filter(|line| directory.is_of(line.raw_value(), &person)) {
        let asked = line.clone();
        set(line, "SCHEDULE-STATUS", status.as_str());
        if answer.is_error() {
            continue;
        }
        take_over(line, answer.line);
        // the last answer to an instance itself stays noted: it may come twice
        let is_own = answer.is_apart();
        let is_noted = Revision::noted(line)
            .is_some_and(|(known, is_apart)| is_apart && !is_own && !known.stamp().is_empty());
        if incoming.message.origin != Origin::Here && !is_noted {
            Revision::of(answer.entry).note(line, is_own);
        }
        let mut as_asked = line.clone();
        adopt(&mut as_asked, Some(&asked), "RSVP");
        delegator = Some(as_asked);
    }
    if let Some(delegator) = delegator {
        let address = delegator.raw_value();
        attendee_comment::note(target, address, answer.entry, directory, incoming.now);
        delegation::write(target, &delegator, answer.entry, directory);
    }
}

/// Whether somebody is in a part who was not, or the other way round; an instance that had no component was as the
/// series.
fn are_attendees_changed(before: &Meeting<'_>, after: &Meeting<'_>, directory: &Directory) -> bool {
    fn addresses(entry: &Component) -> impl Iterator<Item = &str> {
        attendees(entry).map(Property::raw_value)
    }
    let people = |entry: &Component| -> BTreeSet<Person> {
        addresses(entry).map(|it| directory.person(it)).collect()
    };
    let is_changed = |known: &Component, entry: &Component| {
        !addresses(known).eq(addresses(entry)) && people(known) != people(entry)
    };
    after.parts().any(|(part, entry)| {
        let known = before.describing(part);
        known.is_none_or(|known| is_changed(known, entry))
    })
}

fn set(line: &mut Property, parameter: &str, value: &str) {
    line.set_parameter(parameter, value)
        .expect("the value comes from a valid line");
}
