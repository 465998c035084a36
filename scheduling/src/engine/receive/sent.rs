//! Whom somebody sends in their place answers them, too (RFC 5546 §3.2.2.3 and §4.2.6).

use calendar::Property;

use super::{
    CopyChange, FollowUp, Incoming, Receipt,
    reply::{is_obsolete, line_of},
    request::own_line,
};
use crate::engine::{
    Status,
    delegation::people_sent,
    entry::participation,
    meeting::{Meeting, is_instance},
    sequence::Revision,
};

/// Takes the REPLY of somebody whom the recipient, who is not the organizer, sends: the copy shows what they answered.
/// `None` where the recipient sends somebody else, or nobody.
pub(super) fn receive(incoming: &Incoming<'_>) -> Option<Receipt> {
    let Incoming {
        message, directory, ..
    } = incoming;
    let copy = incoming.copy?;
    let stored = Meeting::of(copy);
    let said = Meeting::about(&message.object, &stored);
    let sender = directory.person(&message.sender);
    let mut object = copy.clone();
    let mut is_sent = false;
    for (entry, part) in object.entries_mut().zip(stored.order()) {
        let own = own_line(incoming, entry);
        if !own.is_some_and(|own| people_sent(own, directory).contains_key(&sender)) {
            continue;
        }
        is_sent = true;
        let answer = said.get(part);
        let Some((said, line)) = answer.and_then(|it| Some((it, line_of(incoming, it)?))) else {
            continue;
        };
        let is_theirs = |it: &&mut Property| {
            it.is("ATTENDEE")
                && directory.is_of(it.raw_value(), &sender)
                && !is_obsolete(message.origin, (it, true), said)
        };
        for known in entry.properties_mut().filter(is_theirs) {
            known
                .set_parameter("PARTSTAT", &participation(line))
                .expect("the value comes from a valid line");
            Revision::of(said).note(known, is_instance(said));
        }
    }
    is_sent.then(|| Receipt {
        copy: match object == *copy {
            true => CopyChange::Unchanged,
            false => CopyChange::Replace(object),
        },
        inbox_item: true,
        status: Status::DELIVERED,
        schedule_tag_changes: false,
        follow_up: FollowUp::Nothing,
        refresh_others: false,
        attendees_changed: false,
        answer_differs: false,
        decisions: Vec::new(),
    })
}
