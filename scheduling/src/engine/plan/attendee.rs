//! An attendee creates, changes and removes (RFC 6638 §3.2.2).

use calendar::{CalendarObject, Component, Property};

use super::{
    Change, Plan, RECURRING,
    merge::{Merged, merge},
    outbox::{Outbox, kind_of_reply, unreachable},
    plain, sign, unscheduled, without_force_send,
};
use crate::engine::{
    Decision, Directory, Fault, Role, Status,
    entry::{
        Agent, DECLINED, NEEDS_ACTION, agent, attendees, is_cancelled, is_recurring, participation,
        single,
    },
    message::{reply, request},
    role::organizer,
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
    if is_recurring(after) {
        return Ok(unscheduled(change, after, Role::Attendee));
    }
    let said = Said {
        participation: NEEDS_ACTION.to_owned(),
        comments: &[],
        force: force_of(after),
    };
    Ok(answer(change, without_status(after), &said))
}

/// The organizer is on this server: the event must exist there and name the owner.
fn create_from_here(change: &Change<'_>, after: &CalendarObject) -> Result<Plan, Fault> {
    let Some(organizer_copy) = change.organizer_copy else {
        return Err(Fault::NotInvited("there is no such event"));
    };
    if !organizer_copy
        .entries()
        .any(|entry| own(change, entry).is_some())
    {
        return Err(Fault::NotInvited(
            "the owner of this calendar is not among its attendees",
        ));
    }
    let organizer = organizer(organizer_copy, change.directory)?.unwrap_or_default();
    if is_recurring(after) || single(organizer_copy).is_none() {
        return Ok(unscheduled(change, after, Role::Attendee));
    }
    let Some(sent) = request(organizer, organizer_copy, change.now) else {
        return Ok(unscheduled(change, after, Role::Attendee));
    };
    let mut base = sent.object;
    base.calendar_mut().remove_properties("METHOD");
    Ok(merge_and_answer(change, &base, after))
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
    if is_recurring(before) {
        return Ok(unscheduled(change, after, role));
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
    participation: String,
    comments: &'a [&'a Property],
    force: Option<String>,
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
    let Merged { object, restored } = merge(before, after, change.owner.id, change.directory);
    let old = single(before);
    let comments: Vec<&Property> = old
        .map(|old| old.properties_named("COMMENT").collect())
        .unwrap_or_default();
    let said = Said {
        participation: old
            .and_then(|old| own(change, old))
            .map_or(NEEDS_ACTION.to_owned(), participation),
        comments: &comments,
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
    for line in own_lines_mut(change, object) {
        match change.sent_by() {
            Some(address) => sign(line, address),
            None => {
                line.remove_parameter("SENT-BY");
            }
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
    let (Some(entry), Some(to)) = (single(object), organizer_line(object)) else {
        return;
    };
    let Some(line) = own(change, entry) else {
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
    let comments: Vec<&Property> = entry
        .properties_named("COMMENT")
        .filter(|comment| !said.comments.contains(comment))
        .collect();
    let is_news = participation(line) != said.participation || !comments.is_empty();
    let reason = if is_cancelled(entry) {
        Err("the meeting is cancelled")
    } else if forced {
        Ok("the client demands it")
    } else if !is_news {
        Err("the participation is the same")
    } else if !change.schedule_reply {
        Err("the client wants no reply")
    } else {
        Ok("the participation changed")
    };
    match (reason, reply(object, line, &comments, change.now)) {
        (Ok(reason), Some(message)) => {
            outbox.send(change, to, message, kind_of_reply(line), reason)
        }
        (Ok(_), None) => outbox.pass_over(to.raw_value(), RECURRING),
        (Err(reason), _) => outbox.pass_over(to.raw_value(), reason),
    }
}

/// "The server does no special processing of the resource."
fn left_to_others(after: &CalendarObject, role: Role) -> Plan {
    let reason = "SCHEDULE-AGENT on ORGANIZER leaves the replies to others".to_owned();
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
        Ok(declined) => send_removal(change, &declined, &mut outbox),
        Err(reason) => outbox.stay_silent(reason),
    }
    outbox.into_plan(None, Role::Attendee)
}

fn send_removal(change: &Change<'_>, declined: &CalendarObject, outbox: &mut Outbox) {
    let line = single(declined).and_then(|entry| own(change, entry));
    if let (Some(to), Some(line)) = (organizer_line(declined), line)
        && let Some(message) = reply(declined, line, &[], change.now)
    {
        outbox.send(
            change,
            to,
            message,
            kind_of_reply(line),
            "the attendee removed the meeting",
        );
    }
}

/// The object as if it were declined first, or why nobody needs to hear of it.
fn declined(change: &Change<'_>, before: &CalendarObject) -> Result<CalendarObject, &'static str> {
    let entry = single(before).ok_or(RECURRING)?;
    let line = own(change, entry).ok_or("the owner is not among the attendees")?;
    if !change.schedule_reply {
        return Err("the client wants no reply");
    }
    if agent_of(before) != Agent::Server {
        return Err("SCHEDULE-AGENT on ORGANIZER leaves the replies to others");
    }
    if is_cancelled(entry) {
        return Err("the meeting is cancelled");
    }
    if participation(line) == DECLINED {
        return Err("declined already");
    }
    let mut declined = before.clone();
    for line in own_lines_mut(change, &mut declined) {
        line.set_parameter("PARTSTAT", DECLINED)
            .expect("a plain word is a valid value");
    }
    sign_answer(change, &mut declined);
    Ok(declined)
}
