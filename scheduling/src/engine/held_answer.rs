//! An answer that came before that of the attendee who sends who gives it (RFC 5546 §5.2.2).

use calendar::CalendarObject;

use super::{
    Action, Decision, Directory, Message, Method, Origin, delegation::is_only_sent,
    entry::attendees, notes::remove_notes,
};

/// The answer of somebody who was not invited, as it came, of a message in an inbox. `None` where it is no such answer that
/// waits for the organizer to decide about it.
pub fn held_answer(waiting: &CalendarObject) -> Option<Message> {
    let method = waiting.calendar().raw_value("METHOD");
    let is_answer = method.and_then(Method::parse) == Some(Method::Reply);
    if !is_answer || !Decision::offers(waiting, Action::Invite) {
        return None;
    }
    let sender = Decision::sender_of(waiting)?;
    let mut object = waiting.clone();
    remove_notes(object.calendar_mut());
    Some(Message {
        // it is late, by whichever way it came
        origin: Origin::Mail,
        has_waited: true,
        ..Message::new(Method::Reply, &sender, object)
    })
}

/// Whether it is others, and not the organizer, who have somebody take part in the organizer's object, or in an instance.
pub fn is_sent(organizers: &CalendarObject, address: &str, directory: &Directory) -> bool {
    let mut people = organizers.entries().flat_map(attendees);
    people.any(|line| is_only_sent(line) && directory.same_person(line.raw_value(), address))
}
