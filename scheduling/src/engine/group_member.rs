//! Somebody here who is invited by somebody elsewhere as one of a group (RFC 5546 §3.7.2): that is the address of the
//! group, whose members only this server knows.

use calendar::{CalendarObject, Property};
use storage::model::Principal;

use super::{
    Directory, Message, Method,
    entry::{attendees, can_be_scheduled},
    plan::member_line,
};

/// What a group may get from elsewhere, for everybody in it: what an organizer tells attendees. (A question for busy time
/// has one answer for each attendee whom it names.)
pub fn is_for_groups(message: &CalendarObject) -> bool {
    let method = message.calendar().raw_value("METHOD");
    let is_question = message.entries().any(|entry| entry.is("VFREEBUSY"));
    !is_question
        && method
            .and_then(Method::parse)
            .is_some_and(Method::is_from_organizer)
}

/// A message from elsewhere as it is meant for its recipient: invited as one of a group, they have an ATTENDEE of their
/// own that says so (MEMBER), and with which they answer.
pub fn to_member(mut message: Message, recipient: &Principal, directory: &Directory) -> Message {
    let invites = matches!(message.method, Method::Request | Method::Add);
    if !invites || !can_be_scheduled(&message.object) {
        return message;
    }
    let Some(address) = recipient.addresses.first() else {
        return message;
    };
    let is_theirs = |line: &&Property| {
        let members = directory.members(line.raw_value()).unwrap_or_default();
        members.iter().any(|member| member.id == recipient.id)
    };
    for entry in message.object.entries_mut() {
        if attendees(entry).any(|line| directory.is(line.raw_value(), recipient.id)) {
            continue;
        }
        let group = attendees(entry).find(is_theirs);
        let own = group.and_then(|group| member_line(address, recipient, group));
        if let Some(own) = own {
            entry.push_property(own);
        }
    }
    message
}
