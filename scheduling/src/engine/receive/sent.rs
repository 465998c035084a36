//! Whom somebody sends in their place answers them, too (RFC 5546 §3.2.2.3 and §4.2.6).

use calendar::Property;

use super::{
    CopyChange, Declined, Incoming, Receipt,
    reply::{Answer, is_obsolete, line_of},
    request::own_line,
};
use crate::engine::{
    Origin, Status, delegation::people_sent, entry::participation, meeting::Meeting,
    sequence::Revision,
};

/// Takes the REPLY of somebody whom the recipient, who is not the organizer, sends: the copy shows what they answered.
/// `None` where the recipient sends somebody else, or nobody.
pub(super) fn receive(incoming: &Incoming<'_>) -> Option<Result<Receipt, Declined>> {
    let Incoming {
        message, directory, ..
    } = incoming;
    let copy = incoming.copy?;
    let stored = Meeting::of(copy);
    let said = Meeting::about(&message.object, &stored);
    let sender = directory.person(&message.sender);
    let mut object = copy.clone();
    let mut is_sent = false;
    let mut taken = Vec::new();
    for (entry, part) in object.entries_mut().zip(stored.order()) {
        let own = own_line(incoming, entry);
        if !own.is_some_and(|own| people_sent(own, directory).contains_key(&sender)) {
            continue;
        }
        is_sent = true;
        let answer_in = |entry| {
            let line = line_of(incoming, entry)?;
            Some(Answer { part, entry, line })
        };
        let Some(answer) = said.get(part).and_then(answer_in) else {
            continue;
        };
        let is_theirs =
            |it: &&mut Property| it.is("ATTENDEE") && directory.is_of(it.raw_value(), &sender);
        let lines = entry.properties_mut().filter(is_theirs);
        taken.extend(lines.map(|known| take(message.origin, known, answer)));
    }
    if !taken.is_empty() && !taken.contains(&true) {
        let reason = "a newer or the same answer was applied already (RFC 5546 §2.1.5)";
        return Some(Err(Declined::silently(Status::DELIVERED, reason)));
    }
    let receipt = Receipt {
        copy: match object == *copy {
            true => CopyChange::Unchanged,
            false => CopyChange::Replace(object),
        },
        inbox_item: true,
        ..Receipt::unchanged()
    };
    is_sent.then_some(Ok(receipt))
}

/// Writes an answer on its sender's line; whether it does not come late.
fn take(origin: Origin, known: &mut Property, answer: Answer<'_>) -> bool {
    let is_news = !is_obsolete(origin, (known, true), answer);
    if is_news && !answer.is_error() {
        known
            .set_parameter("PARTSTAT", &participation(answer.line))
            .expect("the value comes from a valid line");
        Revision::of(answer.entry).note(known, answer.is_apart());
    }
    is_news
}
