//! Whether somebody answered an invitation, and what is taken from the answer.

use calendar::{CalendarObject, Component, Property};
use storage::model::{Principal, PrincipalId};

use super::{
    Directory,
    delegation::{DELEGATED, DELEGATED_TO, delegates},
    entry::{DECLINED, NEEDS_ACTION, adopt, attendees, participation},
    meeting::{Meeting, Part},
    sequence::asked_anew,
};

/// The parameter of ORGANIZER in a copy whose owner answered something, and did not want to tell it (RFC 6638 §8.1), until they
/// tell what they answer to all of it. It never leaves the copy.
pub(super) const UNTOLD: &str = "X-CONVOKE-UNTOLD";

/// Whether an attendee answers by changing their copy: what they say of themselves in any part is new and an answer,
/// or the copy goes.
pub fn is_answer(
    before: Option<&CalendarObject>,
    after: Option<&CalendarObject>,
    attendee: PrincipalId,
    directory: &Directory,
) -> bool {
    let Some(after) = after else {
        return before.is_some();
    };
    let own = |entry: &Component| {
        let line = attendees(entry).find(|line| directory.is(line.raw_value(), attendee));
        line.map(participation)
    };
    let stored = before.map(Meeting::of);
    let said = |part: Part| {
        let stored = stored.as_ref()?;
        stored.describing(part).and_then(own)
    };
    Meeting::of(after).parts().any(|(part, entry)| {
        own(entry).is_some_and(|says| says != NEEDS_ACTION && said(part).as_ref() != Some(&says))
    })
}

/// Whether anything of a copy waits for an answer of its owner.
pub fn is_open(copy: &CalendarObject, owner: &Principal, directory: &Directory) -> bool {
    let meeting = Meeting::of(copy);
    meeting
        .parts()
        .any(|(part, entry)| meeting.is_live(part) && is_unanswered(entry, owner, directory))
}

/// Whether a component waits for an answer of a copy's owner.
pub(super) fn is_unanswered(entry: &Component, owner: &Principal, directory: &Directory) -> bool {
    let own = attendees(entry).find(|line| directory.is(line.raw_value(), owner.id));
    own.is_some_and(|line| participation(line) == NEEDS_ACTION)
}

/// The organizer's object, as planned, with what an attendee here answered by their copy: an answer comes from the one who
/// gives it (RFC 6638 §3.2.8), and what stands in the object may have come there by an import, or out of the trash.
/// `None` where that is so already.
///
/// - An answer that the attendee never gave is asked for.
/// - One that the organizer asks for anew, and that was given for this very time, is there. (Else the attendee may not have
///   wanted to tell it, RFC 6638 §8.1.)
pub fn with_known_answers(
    object: &CalendarObject,
    copy: &CalendarObject,
    attendee: PrincipalId,
    directory: &Directory,
) -> Option<CalendarObject> {
    let copy = Meeting::of(copy);
    let waits = |line: &Property| participation(line) == NEEDS_ACTION;
    let take = |line: &mut Property, answer: &Property| match (waits(line), waits(answer)) {
        (false, true) => {
            set(line, "PARTSTAT", NEEDS_ACTION);
            line.remove_parameter(DELEGATED_TO);
        }
        (true, false) if asked_anew(line).is_some() => take_over(line, answer),
        _ => {}
    };
    let parts = Meeting::of(object).order().into_iter();
    let described = parts.map(|part| copy.get(part));
    with_answers(object, described, (attendee, directory), take)
}

/// What an attendee without a copy was to be `told`, with what they refused of it since: they declined it or sent somebody
/// else, as the organizer's object, `known`, says now. `None` where that is nothing.
pub fn with_refusals(
    told: &CalendarObject,
    known: &CalendarObject,
    attendee: PrincipalId,
    directory: &Directory,
) -> Option<CalendarObject> {
    let known = Meeting::of(known);
    let take = |line: &mut Property, answer: &Property| {
        // they may have accepted it before
        if [DECLINED, DELEGATED].contains(&&*participation(answer)) {
            take_over(line, answer);
        }
    };
    let parts = Meeting::about(told, &known).order().into_iter();
    let described = parts.map(|part| known.describing(part));
    with_answers(told, described, (attendee, directory), take)
}

/// An object with what `take` makes of an attendee's lines by those of theirs that other components have: `others` names, in
/// the order of the object's, those that are about the same. `None` where nothing becomes of it.
fn with_answers<'c>(
    object: &CalendarObject,
    others: impl Iterator<Item = Option<&'c Component>>,
    (attendee, directory): (PrincipalId, &Directory),
    take: impl Fn(&mut Property, &Property),
) -> Option<CalendarObject> {
    let is_theirs =
        |line: &Property| line.is("ATTENDEE") && directory.is(line.raw_value(), attendee);
    let mut known = object.clone();
    for (entry, other) in known.entries_mut().zip(others) {
        let answer = other.and_then(|it| it.properties().find(|line| is_theirs(line)));
        let Some(answer) = answer else { continue };
        for line in entry.properties_mut().filter(|line| is_theirs(line)) {
            take(line, answer);
        }
    }
    (known != *object).then_some(known)
}

/// Writes an answer on the ATTENDEE of who gave it: PARTSTAT and whom they send as answered; a name if none is known; no
/// RSVP, the answer is here. Who sends them is not theirs to say. Who says again that they send somebody, and not whom, sends
/// those whom they have named before (RFC 5546 §3.2.2.3).
pub(super) fn take_over(line: &mut Property, answer: &Property) {
    let names = !delegates(answer).is_empty();
    let are_known = participation(answer) == DELEGATED && !delegates(line).is_empty();
    set(line, "PARTSTAT", &participation(answer));
    if names || !are_known {
        adopt(line, Some(answer).filter(|_| names), DELEGATED_TO);
    }
    match answer.parameter("SENT-BY") {
        Some(address) => set(line, "SENT-BY", &address),
        None => {
            line.remove_parameter("SENT-BY");
        }
    }
    if let (None, Some(name)) = (line.parameter("CN"), answer.parameter("CN")) {
        set(line, "CN", &name);
    }
    line.remove_parameter("RSVP");
}

fn set(line: &mut Property, parameter: &str, value: &str) {
    line.set_parameter(parameter, value)
        .expect("the value comes from a valid line");
}
