//! An attendee creates, changes and removes (RFC 6638 §3.2.2).

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property};

use super::{
    Change, Plan,
    answer::{Said, answer, declining},
    completion::with_organizer,
    merge::{Merged, merge, write_answer_on_all, write_delegates},
    not_scheduled,
    outbox::{Outbox, kind_of_reply, unreachable},
    plain, without_force_send,
};
use crate::engine::{
    Decision, Directory, Fault, Role, Status,
    away::taken_back,
    delegation::DELEGATED,
    entry::{
        Agent, DECLINED, adopt, agent, agent_of_organizer, attendees, is_out_of_reach,
        participation,
    },
    meeting::{Meeting, Part},
    message::{Answer, reply, request},
    notes::remove_notes,
    own::note_unknown_comments,
    refresh::organizer_of,
    role::{organizer, role},
    showing::shown,
};

/// The owner's ATTENDEE.
pub(super) fn own<'a>(change: &Change<'_>, entry: &'a Component) -> Option<&'a Property> {
    attendees(entry).find(|line| change.directory.is(line.raw_value(), change.owner.id))
}

pub(super) fn organizer_line(object: &CalendarObject) -> Option<&Property> {
    object
        .entries()
        .find_map(|entry| entry.property("ORGANIZER"))
}

/// A create (RFC 6638 §3.2.2.2): an invitation that came another way, usually by mail.
pub(super) fn create(change: &Change<'_>, after: &CalendarObject) -> Result<Plan, Fault> {
    let agreed = with_one_agent(None, after);
    let after = agreed.as_ref().unwrap_or(after);
    if agent_of_organizer(after) != Agent::Server {
        return Ok(left_to_others(after, Role::Attendee));
    }
    let completed = with_organizer(after);
    let after = completed.as_ref().unwrap_or(after);
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
    let mut object = without_status(after);
    remove_notes(object.calendar_mut());
    let is_own = |line: &Property| {
        line.is("ATTENDEE") && change.directory.is(line.raw_value(), change.owner.id)
    };
    write_answer_on_all(&mut object, None, &is_own);
    write_delegates(
        &mut object,
        None,
        &Meeting::of(after),
        &is_own,
        change.directory,
    );
    for entry in object.entries_mut() {
        note_unknown_comments(entry);
    }
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
    let organizer = organizer_line(after).and_then(|it| change.directory.local(it.raw_value()));
    let is_theirs = |copy: &&CalendarObject| {
        organizer.is_some_and(|it| role(copy, it.id, change.directory) == Ok(Role::Organizer))
    };
    // what the organizer has may be a copy of somebody else's meeting
    let Some(organizer_copy) = change.organizer_copy.filter(is_theirs) else {
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
    let agreed = with_one_agent(Some(before), after);
    let after = agreed.as_ref().unwrap_or(after);
    let was_out_of_reach = organizer_line(before).is_some_and(is_out_of_reach);
    if role == Role::Attendee && was_out_of_reach && agent_of_organizer(after) != Agent::Client {
        return reach_again(change, before, after);
    }
    if organizer_line(after).is_some() && agent_of_organizer(after) != Agent::Server {
        return Ok(left_to_others(after, role));
    }
    if agent_of_organizer(before) != Agent::Server {
        return if role == Role::Attendee {
            create(change, after)
        } else {
            Ok(not_scheduled(after))
        };
    }
    Ok(merge_and_answer(change, before, after))
}

/// What its organizer could not be told is stored as if it were new. Whoever has come to be here since, and has no such
/// meeting, has sent none from here that anybody could answer: it stays left alone, and nothing goes to them (RFC 6638
/// §7.1).
fn reach_again(
    change: &Change<'_>,
    before: &CalendarObject,
    after: &CalendarObject,
) -> Result<Plan, Fault> {
    match create(change, &without_agent(after)) {
        Err(Fault::NotInvited(_)) => {
            let mut object = after.clone();
            for line in organizer_lines_mut(&mut object) {
                for parameter in ["SCHEDULE-AGENT", "SCHEDULE-STATUS"] {
                    adopt(line, organizer_line(before), parameter);
                }
            }
            Ok(left_to_others(&object, Role::Attendee))
        }
        plan => plan,
    }
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

/// The object with the same SCHEDULE-AGENT on ORGANIZER in all components, where a client has several: as it was stored
/// (RFC 6638 §3.2.2.2 and §7.1). `None` where it has not.
fn with_one_agent(
    before: Option<&CalendarObject>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    let lines = after.entries().filter_map(|it| it.property("ORGANIZER"));
    let mut agents = lines.map(agent);
    let first = agents.next()?;
    if agents.all(|it| it == first) {
        return None;
    }
    let known = before.filter(|before| agent_of_organizer(before) != Agent::Server);
    let mut object = after.clone();
    for line in organizer_lines_mut(&mut object) {
        adopt(line, known.and_then(organizer_line), "SCHEDULE-AGENT");
    }
    Some(object)
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

pub(super) fn organizer_lines_mut(
    object: &mut CalendarObject,
) -> impl Iterator<Item = &mut Property> {
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
        outdated,
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
        let what = match outdated {
            true => "the answer was to an earlier time, and is asked for again",
            false => "only the attendee's own was taken over",
        };
        let decision = Decision::Changed(what.to_owned());
        plan.decisions.insert(0, decision);
    }
    plan
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

fn without_agent(object: &CalendarObject) -> CalendarObject {
    let mut object = object.clone();
    for line in organizer_lines_mut(&mut object) {
        line.remove_parameter("SCHEDULE-AGENT");
    }
    object
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
    if agent_of_organizer(before) != Agent::Server {
        return Err("SCHEDULE-AGENT on ORGANIZER leaves the replies to others (RFC 6638 §7.1)");
    }
    if meeting.is_called_off() {
        return Err("the meeting is cancelled");
    }
    let own = own.into_iter();
    // who sends somebody else does not come, and sends them still
    let is_coming = |status: &str| ![DECLINED, DELEGATED].contains(&status);
    let open = own.filter(|(part, _, status)| meeting.is_live(*part) && is_coming(status));
    let declined: Vec<Component> = open
        .map(|(_, entry, _)| declining(change, entry.clone()))
        .collect();
    match declined.is_empty() {
        true => Err("declined already, or somebody else is sent"),
        false => Ok(declined),
    }
}
