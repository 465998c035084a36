//! The organizer does not take up what an attendee proposed (RFC 5546 §3.2.8).

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component};

use super::{
    Change, Plan,
    again::seats,
    notice,
    outbox::{Outbox, kind_of_message},
    sign_organizer,
};
use crate::engine::{
    Decision, Method, Role,
    meeting::{Meeting, Part},
    message::{self, DeclinedProposal},
    refresh::organizer_of,
    role,
    showing::shown_part,
};

/// Tells the attendee who made a proposal, which is a COUNTER as it was left in the inbox of the owner, that it is not taken
/// up. The owner's object, `after` of the change, stays as it is.
///
/// # Errors
/// Why there is nothing to tell, or nobody.
pub fn decline_counter(
    change: &Change<'_>,
    proposal: &CalendarObject,
    comment: Option<&str>,
) -> Result<Plan, &'static str> {
    let method = proposal.calendar().raw_value("METHOD").map(Method::parse);
    if method != Some(Some(Method::Counter)) {
        return Err("only what an attendee proposes (COUNTER) can be declined");
    }
    let is_organizers = |object: &&CalendarObject| {
        role(object, change.owner.id, change.directory) == Ok(Role::Organizer)
    };
    let object = (change.after.filter(is_organizers))
        .ok_or("the event that it is about is not there any more; remove the message")?;
    let meeting = Meeting::of(object);
    let sender = Decision::sender_of(proposal).ok_or("nobody knows who proposes it")?;
    let person = change.directory.person(&sender);
    let seats = seats(change, &meeting, &person);
    let (_, to) = (seats.first())
        .ok_or("who proposes it is not invited any more, or left to others by SCHEDULE-AGENT; remove the message")?;
    // of the other parts nothing is told to them (RFC 6638 §3.2.6)
    let told: BTreeSet<Part> = seats.iter().map(|(part, _)| *part).collect();
    let proposed = Meeting::about(proposal, &meeting);
    let proposed: Vec<(Component, &Component)> = (proposed.parts())
        .filter(|(part, _)| told.contains(&meeting.part_of(*part)))
        .filter_map(|(part, entry)| Some((as_they_know_it(&meeting, &told, part)?, entry)))
        .collect();
    if proposed.is_empty() {
        return Err(
            "what it is about does not take place any more, or not for who proposes it; remove the message",
        );
    }
    let declined = proposed
        .iter()
        .map(|(entry, proposed)| DeclinedProposal { entry, proposed });
    let message = message::decline_counter(
        organizer_of(&meeting),
        object,
        declined,
        comment,
        change.now,
    )
    .ok_or("the comment has characters that no text may have")?;
    let mut outbox = Outbox::default();
    let kind = kind_of_message(message.method, false);
    let message = sign_organizer(change, message);
    outbox.send(
        change,
        to,
        message,
        kind,
        "the proposal is not taken up (RFC 5546 §3.2.8)",
    );
    // how this fares is no news of the invitation
    outbox.statuses.clear();
    let plan = outbox.into_plan(Some(object.clone()), Role::Organizer);
    Ok(Plan {
        notice: notice::notice(change, &plan),
        ..plan
    })
}

/// What a part is for who is `told` of these, if anything; it may have no component of its own.
fn as_they_know_it(meeting: &Meeting<'_>, told: &BTreeSet<Part>, part: Part) -> Option<Component> {
    match part {
        Part::Series => shown_part(meeting, told, part),
        Part::Instance(key) => meeting.component_at(key),
    }
}
