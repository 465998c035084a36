//! An attendee creates, changes and removes (RFC 6638 §3.2.2).

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{
    Change, Plan,
    merge::{Merged, merge},
    outbox::{Outbox, kind_of_message, kind_of_reply, unreachable},
    plain, sign, without_force_send,
};
use crate::engine::{
    Decision, Directory, Fault, Method, Role, Status,
    away::{away, taken_back},
    delegation::delegates,
    entry::{Agent, DECLINED, NEEDS_ACTION, agent, attendees, is_cancelled, participation},
    meeting::{Meeting, Part},
    message::{Answer, reply, request},
    refresh::organizer_of,
    role::organizer,
    showing::shown,
};

/// The owner's ATTENDEE.
fn own<'a>(change: &Change<'_>, entry: &'a Component) -> Option<&'a Property> {
    attendees(entry).find(|line| change.directory.is(line.raw_value(), change.owner.id))
}

/// SCHEDULE-AGENT on ORGANIZER (RFC 6638 §3.2.2.2): the same in all components.
fn agent_of(object: &CalendarObject) -> Agent {
    object
        .entries()
        .find_map(|entry| entry.property("ORGANIZER"))
        .map_or(Agent::Server, agent)
}

fn organizer_line(object: &CalendarObject) -> Option<&Property> {
    object
        .entries()
        .find_map(|entry| entry.property("ORGANIZER"))
}

/// A create (RFC 6638 §3.2.2.2): an invitation that came another way, usually by mail.
pub(super) fn create(change: &Change<'_>, after: &CalendarObject) -> Result<Plan, Fault> {
    if agent_of(after) != Agent::Server {
        return Ok(left_to_others(after, Role::Attendee));
    }
    let organizer = organizer(after, change.directory)?.unwrap_or_default();
    if change
        .directory
        .local(organizer)
        .is_some_and(|principal| principal.home.is_some())
    {
        return create_from_here(change, after);
    }
    if let Some(status) = unreachable(change, organizer) {
        return Ok(out_of_reach(after, &status));
    }
    let object = without_status(after);
    let said = Said {
        before: None,
        declined: &BTreeSet::new(),
        taken_back: &BTreeSet::new(),
        force: force_of(after),
    };
    Ok(answer(change, object, &said))
}

/// The organizer is on this server: the event must exist there and name the owner.
fn create_from_here(change: &Change<'_>, after: &CalendarObject) -> Result<Plan, Fault> {
    let Some(organizer_copy) = change.organizer_copy else {
        return Err(Fault::NotInvited("there is no such event"));
    };
    let Some(invitation) = invitation(change, organizer_copy) else {
        return Err(Fault::NotInvited(
            "the owner of this calendar is not among its attendees",
        ));
    };
    Ok(merge_and_answer(change, &invitation, after))
}

/// What the owner is told of the organizer's object, as a copy; `None` where that is nothing. (A meeting that is
/// called off altogether is told as it is.)
fn invitation(change: &Change<'_>, organizer_copy: &CalendarObject) -> Option<CalendarObject> {
    let meeting = Meeting::of(organizer_copy);
    let parts = meeting.parts();
    let own: BTreeSet<Part> = parts
        .filter(|(_, entry)| own(change, entry).is_some())
        .map(|(part, _)| part)
        .collect();
    let mut entries = shown(&meeting, &own);
    if entries.is_empty() {
        let all = own.iter().filter_map(|part| meeting.get(*part));
        entries = all.cloned().collect();
    }
    if entries.is_empty() {
        return None;
    }
    let organizer = organizer_of(&meeting);
    let mut object = request(organizer, organizer_copy, entries, change.now).object;
    object.calendar_mut().remove_properties("METHOD");
    Some(object)
}

/// A change (RFC 6638 §3.2.2.3).
pub(super) fn store(
    change: &Change<'_>,
    before: &CalendarObject,
    after: &CalendarObject,
    role: Role,
) -> Result<Plan, Fault> {
    if !is_same_organizer(before, after, change.directory) {
        return Err(Fault::AttendeeChange("ORGANIZER became somebody else"));
    }
    if organizer_line(after).is_some() && agent_of(after) != Agent::Server {
        return Ok(left_to_others(after, role));
    }
    if agent_of(before) != Agent::Server {
        return if role == Role::Attendee {
            create(change, after)
        } else {
            Ok(plain(Some(after)))
        };
    }
    Ok(merge_and_answer(change, before, after))
}

fn is_same_organizer(
    before: &CalendarObject,
    after: &CalendarObject,
    directory: &Directory,
) -> bool {
    match (organizer(before, directory), organizer(after, directory)) {
        (Ok(Some(before)), Ok(Some(after))) => directory.same_person(before, after),
        // a missing one is put back
        (_, Ok(None)) => true,
        _ => false,
    }
}

/// What the organizer knows already, and what the client demands.
struct Said<'a> {
    /// The copy as it was; the organizer of one that came another way knows of no answer.
    before: Option<&'a Meeting<'a>>,
    /// The instances that the client took out of it.
    declined: &'a BTreeSet<InstanceKey>,
    /// Those that the client had taken out, and takes back.
    taken_back: &'a BTreeSet<InstanceKey>,
    force: Option<String>,
}

impl Said<'_> {
    /// What was said of a part: in it, or in the series of which it is an instance.
    fn entry(&self, part: Part) -> Option<&Component> {
        let before = self.before?;
        before.get(part).or(before.series())
    }

    fn participation(&self, change: &Change<'_>, part: Part) -> String {
        if part.key().is_some_and(|key| self.taken_back.contains(&key)) {
            return DECLINED.to_owned();
        }
        let entry = self.entry(part);
        let line = entry.and_then(|entry| own(change, entry));
        line.map_or(NEEDS_ACTION.to_owned(), participation)
    }
}

/// SCHEDULE-FORCE-SEND on ORGANIZER.
fn force_of(object: &CalendarObject) -> Option<String> {
    let force = organizer_line(object)?.parameter("SCHEDULE-FORCE-SEND")?;
    Some(force.into_owned())
}

/// The object without a SCHEDULE-STATUS on ORGANIZER, which only the server knows.
fn without_status(object: &CalendarObject) -> CalendarObject {
    let mut object = object.clone();
    if organizer_line(&object).is_some_and(|line| line.parameter("SCHEDULE-STATUS").is_some()) {
        for line in organizer_lines_mut(&mut object) {
            line.remove_parameter("SCHEDULE-STATUS");
        }
    }
    object
}

fn organizer_lines_mut(object: &mut CalendarObject) -> impl Iterator<Item = &mut Property> {
    object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| line.is("ORGANIZER"))
}

fn merge_and_answer(change: &Change<'_>, before: &CalendarObject, after: &CalendarObject) -> Plan {
    let (back, taken_back) = match taken_back(before, after) {
        Some((object, keys)) => (Some(object), keys),
        None => (None, BTreeSet::new()),
    };
    let before = back.as_ref().unwrap_or(before);
    let Merged {
        object,
        restored,
        declined,
    } = merge(before, after, change.owner.id, change.directory);
    let stored = Meeting::of(before);
    let said = Said {
        before: Some(&stored),
        declined: &declined,
        taken_back: &taken_back,
        force: force_of(after),
    };
    let mut plan = answer(change, object, &said);
    if restored {
        let what = "only the attendee's own was taken over".to_owned();
        plan.decisions.insert(0, Decision::Changed(what));
    }
    plan
}

/// Sends the owner's answer where it is news (RFC 6638 §3.2.2.3).
fn answer(change: &Change<'_>, object: CalendarObject, said: &Said<'_>) -> Plan {
    let mut object = without_force_send(object);
    let mut signed = object.clone();
    sign_answer(change, &mut signed);
    let mut outbox = Outbox::default();
    send_answer(change, &signed, said, &mut outbox);
    // Who answers signs; who changes an alarm does not.
    if !outbox.deliveries.is_empty() || !outbox.mails.is_empty() {
        object = signed;
    }
    outbox.into_plan(Some(object), Role::Attendee)
}

/// Who acts for the owner signs the owner's line; where it is the owner, nobody does.
fn sign_answer(change: &Change<'_>, object: &mut CalendarObject) {
    own_lines_mut(change, object).for_each(|line| sign_line(change, line));
}

fn sign_line(change: &Change<'_>, line: &mut Property) {
    match change.sent_by() {
        Some(address) => sign(line, address),
        None => {
            line.remove_parameter("SENT-BY");
        }
    }
}

fn own_lines_mut<'a>(
    change: &Change<'_>,
    object: &'a mut CalendarObject,
) -> impl Iterator<Item = &'a mut Property> {
    let (directory, owner) = (change.directory, change.owner.id);
    object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(move |line| line.is("ATTENDEE") && directory.is(line.raw_value(), owner))
}

fn send_answer(change: &Change<'_>, object: &CalendarObject, said: &Said<'_>, outbox: &mut Outbox) {
    let Some(to) = organizer_line(object) else {
        return;
    };
    let forced = said
        .force
        .as_ref()
        .is_some_and(|force| force.eq_ignore_ascii_case("REPLY"));
    if said.force.is_some() && !forced {
        outbox
            .statuses
            .push((to.raw_value().trim().to_owned(), Status::PARAMETER_IGNORED));
    }
    let meeting = Meeting::of(object);
    let mut apart = declined_instances(change, said);
    apart.extend(taken_back_instances(change, &meeting, said));
    apart.extend(still_away(change, &meeting, said));
    let answers = answers(change, &meeting, &apart, said, forced);
    let reason = if meeting.is_called_off() && apart.is_empty() {
        Err("the meeting is cancelled")
    } else if forced {
        Ok("the client demands it")
    } else if answers.is_empty() {
        Err("the participation is the same")
    } else if !change.schedule_reply {
        Err("the client wants no reply (RFC 6638 §8.1)")
    } else {
        Ok("the participation changed")
    };
    match (reason, answers.first()) {
        (Ok(reason), Some(first)) => {
            let kind = kind_of_reply(first.attendee);
            let message = reply(object, &answers, change.now);
            outbox.send(change, to, message, kind, reason);
            send_delegates(change, &meeting, said, to, outbox);
        }
        (Ok(_), None) => outbox.pass_over(to.raw_value(), "there is nothing to answer"),
        (Err(reason), _) => outbox.pass_over(to.raw_value(), reason),
    }
}

/// Tells those whom the owner sends instead (RFC 5546 §3.2.2.3). An organizer on this server does it, who invites them.
fn send_delegates(
    change: &Change<'_>,
    meeting: &Meeting<'_>,
    said: &Said<'_>,
    organizer: &Property,
    outbox: &mut Outbox,
) {
    if change.directory.local(organizer.raw_value()).is_some() {
        return;
    }
    let mut sent: BTreeMap<String, Vec<Component>> = BTreeMap::new();
    for (part, entry) in meeting.parts() {
        let Some(line) = own(change, entry) else {
            continue;
        };
        let before = said.before.and_then(|before| before.get(part));
        let before = before.and_then(|before| own(change, before));
        let known = before.map_or_else(Vec::new, delegates);
        let new = delegates(line).into_iter();
        for address in new.filter(|address| !known.contains(address)) {
            sent.entry(address).or_default().push(entry.clone());
        }
    }
    for (address, entries) in sent {
        let lines = entries.iter().flat_map(attendees);
        let line = lines
            .filter(|line| change.directory.same_person(line.raw_value(), &address))
            .map(Property::clone)
            .next();
        let sender = meeting.main().and_then(|entry| own(change, entry));
        let (Some(line), Some(sender)) = (line, sender) else {
            continue;
        };
        let sender = sender.raw_value().trim().to_owned();
        let message = request(&sender, meeting.object, entries, change.now);
        let kind = kind_of_message(Method::Request, true);
        outbox.send(change, &line, message, kind, "sent in the attendee's place");
    }
}

/// What is to be answered: each part of which the owner says something new, `forced` is all of them; and those
/// instances `apart` that have no part.
fn answers<'a>(
    change: &Change<'_>,
    meeting: &Meeting<'a>,
    apart: &'a [Component],
    said: &'a Said<'_>,
    forced: bool,
) -> Vec<Answer<'a>> {
    let is_news = |part: Part, entry: &Component| {
        let line = own(change, entry);
        let before = said.entry(part).and_then(|entry| own(change, entry));
        line.is_some_and(|line| {
            participation(line) != said.participation(change, part)
                || delegates(line) != before.map_or_else(Vec::new, delegates)
        }) || new_comments(entry, said.entry(part)).next().is_some()
    };
    let series_is_new = meeting.series().is_some_and(|it| is_news(Part::Series, it));
    let old_answer = said.participation(change, Part::Series);
    let parts = meeting.parts().filter(|(part, entry)| {
        // An answer to the series is taken for one to those instances, too, which had the same: those that keep
        // theirs are named.
        let follows = series_is_new && said.participation(change, *part) == old_answer;
        meeting.is_live(*part) && (forced || is_news(*part, entry) || follows)
    });
    let parts = parts.map(|(part, entry)| (entry, said.entry(part)));
    let apart = apart.iter().map(|entry| (entry, Some(entry)));
    parts
        .chain(apart)
        .filter_map(|(entry, before)| {
            Some(Answer {
                entry,
                attendee: own(change, entry)?,
                comments: new_comments(entry, before).collect(),
            })
        })
        .collect()
}

fn new_comments<'a>(
    entry: &'a Component,
    before: Option<&'a Component>,
) -> impl Iterator<Item = &'a Property> {
    entry.properties_named("COMMENT").filter(move |comment| {
        let mut known = before
            .into_iter()
            .flat_map(|before| before.properties_named("COMMENT"));
        !known.any(|known| known == *comment)
    })
}

/// The instances that the owner took out, declined; those are left out that were declined or cancelled.
fn declined_instances(change: &Change<'_>, said: &Said<'_>) -> Vec<Component> {
    let Some(before) = said.before else {
        return Vec::new();
    };
    let entries = said.declined.iter().filter_map(|key| {
        let entry = before.component_at(*key)?;
        let line = own(change, &entry)?;
        let is_news = participation(line) != DECLINED && !is_cancelled(&entry);
        is_news.then_some(entry)
    });
    entries.map(|entry| declining(change, entry)).collect()
}

/// The instances that the owner took back, where they are as the series.
fn taken_back_instances(
    change: &Change<'_>,
    meeting: &Meeting<'_>,
    said: &Said<'_>,
) -> Vec<Component> {
    let back = said.taken_back.iter();
    let back = back.filter(|key| !meeting.has(Part::Instance(**key)));
    let entries = back.filter_map(|key| meeting.component_at(*key));
    let is_news =
        |entry: &Component| own(change, entry).is_some_and(|line| participation(line) != DECLINED);
    entries.filter(is_news).collect()
}

/// The instances that stay taken out although the owner does not decline the series any more: an answer to the series
/// would be taken for one to them, too.
fn still_away(change: &Change<'_>, meeting: &Meeting<'_>, said: &Said<'_>) -> Vec<Component> {
    let series = meeting.series().and_then(|series| own(change, series));
    let declined = said.participation(change, Part::Series) == DECLINED;
    if !declined || series.is_none_or(|line| participation(line) == DECLINED) {
        return Vec::new();
    }
    let away = away(meeting).into_iter();
    let entries = away.filter_map(|key| meeting.series_at(key));
    entries.map(|entry| declining(change, entry)).collect()
}

/// A component in which the owner declines.
fn declining(change: &Change<'_>, mut entry: Component) -> Component {
    let is_own = |line: &Property| {
        line.is("ATTENDEE") && change.directory.is(line.raw_value(), change.owner.id)
    };
    for line in entry.properties_mut().filter(|line| is_own(line)) {
        line.set_parameter("PARTSTAT", DECLINED)
            .expect("a plain word is a valid value");
        sign_line(change, line);
    }
    entry
}

/// "The server does no special processing of the resource."
fn left_to_others(after: &CalendarObject, role: Role) -> Plan {
    let reason =
        "SCHEDULE-AGENT on ORGANIZER leaves the replies to others (RFC 6638 §7.1)".to_owned();
    Plan {
        role,
        decisions: vec![Decision::NoMessages(reason)],
        object: Some(without_force_send(after.clone())),
        ..plain(None)
    }
}

/// Nobody at ORGANIZER can be told anything: the object says so and is left alone.
fn out_of_reach(after: &CalendarObject, status: &Status) -> Plan {
    let mut object = without_force_send(after.clone());
    let mut recipient = String::new();
    for line in organizer_lines_mut(&mut object) {
        recipient = line.raw_value().trim().to_owned();
        line.set_parameter("SCHEDULE-AGENT", "NONE")
            .expect("a plain word is a valid value");
    }
    let reason = "there is no way to reach the organizer".to_owned();
    Plan {
        object: Some(object),
        role: Role::Attendee,
        statuses: vec![(recipient.clone(), status.clone())],
        decisions: vec![Decision::Undeliverable {
            recipient,
            status: status.clone(),
            reason,
        }],
        ..plain(None)
    }
}

/// A removal (RFC 6638 §3.2.2.4): the organizer hears that the attendee declines.
pub(super) fn remove(change: &Change<'_>, before: &CalendarObject) -> Plan {
    let mut outbox = Outbox::default();
    match declined(change, before) {
        Ok(declined) => send_removal(change, before, &declined, &mut outbox),
        Err(reason) => outbox.stay_silent(reason),
    }
    outbox.into_plan(None, Role::Attendee)
}

fn send_removal(
    change: &Change<'_>,
    before: &CalendarObject,
    declined: &[Component],
    outbox: &mut Outbox,
) {
    let answers: Vec<Answer<'_>> = declined
        .iter()
        .filter_map(|entry| {
            Some(Answer {
                entry,
                attendee: own(change, entry)?,
                comments: Vec::new(),
            })
        })
        .collect();
    if let (Some(to), Some(first)) = (organizer_line(before), answers.first()) {
        let kind = kind_of_reply(first.attendee);
        let message = reply(before, &answers, change.now);
        outbox.send(
            change,
            to,
            message,
            kind,
            "the attendee removed the meeting",
        );
    }
}

/// The parts as if they were declined first, or why nobody needs to hear of it.
fn declined(change: &Change<'_>, before: &CalendarObject) -> Result<Vec<Component>, &'static str> {
    let meeting = Meeting::of(before);
    let parts = meeting.parts();
    let own: Vec<(Part, &Component, String)> = parts
        .filter_map(|(part, entry)| Some((part, entry, participation(own(change, entry)?))))
        .collect();
    if own.is_empty() {
        return Err("the owner is not among the attendees");
    }
    if !change.schedule_reply {
        return Err("the client wants no reply (RFC 6638 §8.1)");
    }
    if agent_of(before) != Agent::Server {
        return Err("SCHEDULE-AGENT on ORGANIZER leaves the replies to others (RFC 6638 §7.1)");
    }
    if meeting.is_called_off() {
        return Err("the meeting is cancelled");
    }
    let own = own.into_iter();
    let open = own.filter(|(part, _, status)| meeting.is_live(*part) && status != DECLINED);
    let declined: Vec<Component> = open
        .map(|(_, entry, _)| declining(change, entry.clone()))
        .collect();
    match declined.is_empty() {
        true => Err("declined already"),
        false => Ok(declined),
    }
}
