//! Whether somebody answered an invitation, and what is taken from the answer.

use calendar::{CalendarObject, Component, Property};
use storage::model::{Principal, PrincipalId};

use super::{
    Directory,
    delegation::{DELEGATED_TO, delegates},
    entry::{NEEDS_ACTION, adopt, attendees, participation},
    meeting::{Meeting, Part},
};

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
        stored.get(part).or(stored.series()).and_then(own)
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

/// The organizer's object without those answers of an attendee here that they never gave, by their copy: an answer comes
/// from the one who gives it (RFC 6638 §3.2.8), and what stands in the object may have come there by an import, or out
/// of the trash. `None` where there are none.
pub fn without_unknown_answers(
    object: &CalendarObject,
    copy: &CalendarObject,
    attendee: PrincipalId,
    directory: &Directory,
) -> Option<CalendarObject> {
    let is_theirs =
        |line: &Property| line.is("ATTENDEE") && directory.is(line.raw_value(), attendee);
    let copy = Meeting::of(copy);
    let waits = |part: Part| {
        let entry = copy.get(part);
        let own = entry.and_then(|entry| entry.properties().find(|line| is_theirs(line)));
        own.is_some_and(|line| participation(line) == NEEDS_ACTION)
    };
    let mut asked = object.clone();
    for (entry, part) in asked.entries_mut().zip(Meeting::of(object).order()) {
        let lines = entry.properties_mut().filter(|line| is_theirs(line));
        for line in lines.filter(|line| participation(line) != NEEDS_ACTION && waits(part)) {
            set(line, "PARTSTAT", NEEDS_ACTION);
            line.remove_parameter(DELEGATED_TO);
        }
    }
    (asked != *object).then_some(asked)
}

/// Writes an answer on the ATTENDEE of who gave it: PARTSTAT and whom they send as answered; a name if none is known; no
/// RSVP, the answer is here. Who sends them is not theirs to say.
pub(super) fn take_over(line: &mut Property, answer: &Property) {
    set(line, "PARTSTAT", &participation(answer));
    let sends = Some(answer).filter(|answer| !delegates(answer).is_empty());
    adopt(line, sends, DELEGATED_TO);
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
