//! An invitation or its update reaches an attendee (RFC 6638 §4.1, RFC 5546 §3.2.2).

use std::{borrow::Cow, collections::BTreeSet};

use calendar::{CalendarObject, Component, Property};

use super::{
    CopyChange, Declined, FollowUp, Incoming, Receipt,
    merge::Merge,
    order::{is_late, is_sent_after_all, note_revision},
};
use crate::engine::{
    Action, Addressee, Message, Method, Origin, Status,
    away::away,
    delegation::{DELEGATED, ask, delegates, is_only_sent},
    entry::{
        Agent, DECLINED, NEEDS_ACTION, agent_of_organizer, attendees, is_out_of_reach,
        participation, sequence,
    },
    meeting::{Meeting, Part},
    own::{has_progress, note_sent},
    sameness::{has_same_lines, is_same_content},
    significance::{canonical, tells_the_same},
    spelling::with_old_spelling,
};

/// Applies a REQUEST.
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    check_recipient(incoming)?;
    match incoming.copy {
        None => create(incoming),
        Some(copy) => update(incoming, copy),
    }
}

/// A message that was handed on to somebody whom it does not name is for that person to look at.
pub(super) fn check_recipient(incoming: &Incoming<'_>) -> Result<(), Declined> {
    let mut entries = incoming.message.entries();
    match entries.any(|entry| own_line(incoming, entry).is_some()) {
        true => Ok(()),
        false => Err(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "the recipient is not among the attendees",
            &[Action::TakeOver, Action::Dismiss],
        )),
    }
}

/// The copy becomes this, and the recipient hears of it.
pub(super) fn updated(object: CalendarObject) -> Receipt {
    Receipt {
        copy: CopyChange::Replace(object),
        inbox_item: true,
        schedule_tag_changes: true,
        ..Receipt::unchanged()
    }
}

/// Whether a message knows what its recipient answered: an organizer elsewhere may, and who tells of an answer by
/// another way than the copy. Everybody else here knows it from the copy alone, whatever their object says.
pub(super) fn knows_answers(message: &Message) -> bool {
    message.origin == Origin::Mail || message.tells_answer
}

/// Whether an ATTENDEE says that the recipient answered, so that they come.
fn claims_answer(incoming: &Incoming<'_>, line: &Property) -> bool {
    let said = participation(line);
    ![NEEDS_ACTION, DECLINED, DELEGATED].contains(&said.as_str()) && is_recipient(incoming, line)
}

/// Takes away what a component of a message says that the recipient answered, where they would come by it and nobody
/// knows of it.
pub(super) fn forget_answer(incoming: &Incoming<'_>, entry: &mut Component) {
    let lines = entry.properties_mut().filter(|line| line.is("ATTENDEE"));
    lines
        .filter(|line| claims_answer(incoming, line))
        .for_each(ask);
}

/// Whether a message says of its recipient that they answered a part, which as it is now waits for an answer.
fn is_answer_unknown(
    incoming: &Incoming<'_>,
    message: &Meeting<'_>,
    copy: &CalendarObject,
) -> bool {
    let is_answered = |entry: &Component| {
        let own = own_line(incoming, entry);
        own.map(|line| participation(line) != NEEDS_ACTION)
    };
    let mut claimed = message
        .parts()
        .filter(|(_, entry)| is_answered(entry) == Some(true))
        .peekable();
    if incoming.message.is_refresh || knows_answers(incoming.message) || claimed.peek().is_none() {
        return false;
    }
    let copy = Meeting::of(copy);
    claimed.any(|(part, _)| copy.get(part).and_then(is_answered) == Some(false))
}

/// Whether a message waits for its recipient's answer to a part, which as it is now has one.
fn is_answer_kept(incoming: &Incoming<'_>, message: &Meeting<'_>, copy: &CalendarObject) -> bool {
    if incoming.message.origin != Origin::Here || incoming.message.is_refresh {
        return false;
    }
    let waits = |entry: &Component| {
        own_line(incoming, entry).map(|line| participation(line) == NEEDS_ACTION)
    };
    let copy = Meeting::of(copy);
    let mut asked = message
        .parts()
        .filter(|(_, entry)| waits(entry) == Some(true));
    asked.any(|(part, _)| copy.get(part).and_then(waits) == Some(false))
}

/// Whether an organizer elsewhere asks for an answer which the recipient, as the copy is now, has given (RFC 5546
/// §3.2.2.7): they have not heard it.
fn is_answer_unheard(merge: &Merge<'_>, copy: &CalendarObject) -> bool {
    let incoming = merge.incoming;
    if incoming.message.origin != Origin::Mail {
        return false;
    }
    let asks = |line: &Property| {
        let wants = line.parameter("RSVP");
        participation(line) == NEEDS_ACTION
            && wants.is_some_and(|it| it.eq_ignore_ascii_case("TRUE"))
    };
    let own = |entry| own_line(incoming, entry);
    let copy = Meeting::of(copy);
    let away = away(&copy);
    let is_given = |part: Part| match copy.get(part).and_then(own) {
        Some(line) => participation(line) != NEEDS_ACTION,
        None => part.key().is_some_and(|key| away.contains(&key)),
    };
    let mut asked = merge
        .news
        .iter()
        .filter(|part| merge.message.get(**part).and_then(own).is_some_and(asks));
    asked.any(|part| is_given(*part))
}

pub(super) fn is_recipient(incoming: &Incoming<'_>, line: &Property) -> bool {
    incoming
        .directory
        .is(line.raw_value(), incoming.recipient.id)
}

/// The recipient's ATTENDEE.
pub(super) fn own_line<'a>(incoming: &Incoming<'_>, entry: &'a Component) -> Option<&'a Property> {
    attendees(entry).find(|line| is_recipient(incoming, line))
}

fn create(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    let message = incoming.message;
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    if message.is_refresh {
        return Err(silently("there is no copy to refresh"));
    }
    // a reset would have set it to NEEDS-ACTION: what this attendee declined, or sent somebody to, and removed stays away
    let is_declined = |line: &Property| [DECLINED, DELEGATED].contains(&&*participation(line));
    let mut own = message.entries().map(|entry| own_line(incoming, entry));
    if own.all(|line| line.is_none_or(is_declined)) && !message.is_sent_again {
        // of a change in time, an organizer elsewhere need say no more than a higher SEQUENCE (RFC 5546 §2.1.4)
        let may_have_changed =
            message.origin == Origin::Mail && message.entries().any(|entry| sequence(entry) > 0);
        return Err(match may_have_changed {
            true => Declined::for_the_user(
                Status::DELIVERED,
                "declined or delegated, and removed, and it may have changed in time since",
                &[Action::TakeOver, Action::Dismiss],
            ),
            false => silently("declined or delegated, and removed, and nothing changed in time"),
        });
    }
    // All who get the same message at once have the same copy.
    let mut object = message.object.without_method();
    if message.entries().any(has_progress) {
        object.entries_mut().for_each(note_sent);
    }
    if message.origin != Origin::Here {
        for (entry, original) in object.entries_mut().zip(message.entries()) {
            note_revision(incoming, original, entry, true);
        }
    }
    // Who is not said to have answered keeps sharing it.
    let answer_is_unknown = !knows_answers(message)
        && message
            .entries()
            .flat_map(attendees)
            .any(|line| claims_answer(incoming, line));
    if answer_is_unknown {
        for entry in object.entries_mut() {
            forget_answer(incoming, entry);
        }
    }
    Ok(Receipt {
        copy: CopyChange::Create(object),
        inbox_item: true,
        schedule_tag_changes: true,
        answer_differs: answer_is_unknown,
        ..Receipt::unchanged()
    })
}

fn update(incoming: &Incoming<'_>, copy: &CalendarObject) -> Result<Receipt, Declined> {
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    check_organizer(incoming, copy)?;
    let stored = Meeting::of(copy);
    let message = Meeting::about(&incoming.message.object, &stored);
    let news = news(incoming, &stored, &message);
    let is_behind = is_behind(incoming, &stored, &news);
    if news.is_empty() {
        return Err(
            match is_sent_after_all(incoming.message.origin, &stored, &message) {
                true => Declined::after_its_cancellation(),
                false => {
                    silently("a newer or the same message was applied already (RFC 5546 §2.1.5)")
                }
            },
        );
    }
    let merge = Merge {
        incoming,
        stored: &stored,
        message: &message,
        news,
    };
    let object = merge.object();
    let respelled = with_old_spelling(incoming.directory, &stored, &object);
    let told = respelled.as_ref().unwrap_or(&object);
    let changed = is_changed(copy, &object);
    let follow_up = match is_behind {
        true => FollowUp::AskOrganizer,
        false if is_answer_unheard(&merge, &object) => FollowUp::AnswerAgain,
        false => FollowUp::Nothing,
    };
    let answer_is_unknown = is_answer_unknown(incoming, &message, &object);
    let answer_differs = answer_is_unknown || is_answer_kept(incoming, &message, &object);
    if !changed && !incoming.message.is_sent_again && !answer_is_unknown {
        return Ok(Receipt {
            answer_differs,
            follow_up,
            ..silently("the copy says so already").receipt(incoming.message)
        });
    }
    // by which of their addresses people are in it, the copy takes over without a word (RFC 6638 §2.4.1)
    let schedule_tag_changes = changed && is_consequential(incoming, &stored, &Meeting::of(told));
    let message = incoming.message;
    // who sees an answer before the message that is on its way hears by it what is new, and not by that message again
    let inbox_item = match message.is_refresh {
        true => merge.asks_anew() || schedule_tag_changes && merge.is_visible(),
        false => message.is_sent_again || answer_is_unknown || !is_same_content(copy, told),
    };
    Ok(Receipt {
        copy: if changed {
            CopyChange::Replace(object)
        } else {
            CopyChange::Unchanged
        },
        inbox_item,
        schedule_tag_changes,
        follow_up,
        answer_differs,
        ..Receipt::unchanged()
    })
}

/// The parts of a message that do not come late (RFC 5546 §2.1.5).
fn news(incoming: &Incoming<'_>, stored: &Meeting<'_>, message: &Meeting<'_>) -> BTreeSet<Part> {
    let is_news = |part, entry| !is_late(incoming.message.origin, stored, part, entry);
    let parts = message.parts();
    parts
        .filter(|(part, entry)| is_news(*part, entry))
        .map(|(part, _)| part)
        .collect()
}

/// Whether the organizer of the copy, who is elsewhere and proven, says that it is somebody else now: a mail system that
/// knows its user by several addresses, or who hands over to a colleague (RFC 5546 §4.2.11). Nobody elsewhere makes
/// somebody here an organizer.
pub(super) fn is_handed_over(incoming: &Incoming<'_>) -> bool {
    let Incoming {
        copy,
        message,
        directory,
        ..
    } = incoming;
    let organizer = |entry: &'_ Component| entry.raw_value("ORGANIZER").map(str::to_owned);
    let old = copy.and_then(|copy| copy.entries().find_map(organizer));
    let new = message.entries().find_map(organizer);
    let (Some(old), Some(new)) = (old, new) else {
        return false;
    };
    let is_elsewhere = |address: &str| *directory.get(address) == Addressee::Remote;
    message.origin == Origin::Mail
        && message.method == Method::Request
        && is_elsewhere(&old)
        && is_elsewhere(&new)
        && directory.same_person(&old, &message.sender)
}

/// RFC 5546 §4.7.2: news of an instance, and not of the series, that the copy's series does not have: a message about
/// the series is missing, or still on its way.
fn is_behind(incoming: &Incoming<'_>, stored: &Meeting<'_>, news: &BTreeSet<Part>) -> bool {
    incoming.message.origin == Origin::Mail
        && !news.contains(&Part::Series)
        && news.iter().any(|part| stored.is_unknown(*part))
}

/// A message about somebody else's event with the same UID touches nothing.
pub(super) fn check_organizer(
    incoming: &Incoming<'_>,
    copy: &CalendarObject,
) -> Result<(), Declined> {
    let mut entries = incoming.message.entries();
    let claimed = entries.find_map(|entry| entry.raw_value("ORGANIZER"));
    let claimed = claimed.unwrap_or_default();
    let line = copy.entries().find_map(|entry| entry.property("ORGANIZER"));
    let Some(line) = line else {
        return Err(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "an event of the user's own has this UID",
            &[Action::Dismiss],
        ));
    };
    let is_same = incoming.directory.same_person(line.raw_value(), claimed);
    if !is_same && !is_handed_over(incoming) {
        return Err(Declined::for_the_user(
            Status::NOT_ALLOWED,
            "another organizer's event has this UID",
            &[Action::TakeOver, Action::Dismiss],
        ));
    }
    // RFC 6638 §3.2.2.3, §7.1: the client looks after this object, or nobody does
    if agent_of_organizer(copy) != Agent::Server && !is_out_of_reach(line) {
        return Err(Declined::for_the_user(
            Status::DELIVERED,
            "SCHEDULE-AGENT leaves the copy to its owner",
            &[Action::TakeOver, Action::Dismiss],
        ));
    }
    Ok(())
}

/// Whether the two objects differ in more than their bookkeeping.
fn is_changed(stored: &CalendarObject, new: &CalendarObject) -> bool {
    let forms = |object: &CalendarObject| {
        let mut forms: Vec<_> = object.entries().map(form).collect();
        forms.sort_by(|(one, _), (other, _)| one.cmp(other));
        forms
    };
    let is_alike = |(one, other): (&Component, &Component)| {
        has_same_lines(shown(one), shown(other), shown_form)
            && one.components().eq(other.components())
    };
    let is_as_many = stored.entries().count() == new.entries().count();
    let are_alike = is_as_many && stored.entries().zip(new.entries()).all(is_alike);
    !are_alike && forms(stored) != forms(new)
}

/// A component in one form, without bookkeeping.
fn form(entry: &Component) -> (Vec<String>, Vec<Component>) {
    let mut lines: Vec<String> = shown(entry).map(shown_form).collect();
    lines.sort();
    (lines, entry.components().cloned().collect())
}

/// The lines of a component that are no bookkeeping.
fn shown(entry: &Component) -> impl Iterator<Item = &Property> {
    const BOOKKEEPING: [&str; 3] = ["DTSTAMP", "LAST-MODIFIED", "CREATED"];
    let lines = entry.properties();
    lines.filter(|line| !BOOKKEEPING.contains(&line.name()))
}

fn shown_form(line: &Property) -> String {
    canonical(line, |_| false)
}

/// RFC 6638 §3.2.10: whether any instance says something else of the meeting, or of the recipient's own answer, which
/// a client that has not seen it would give again. What others answered, and whom they send, is apart, and so is a
/// component that is there only to hold that.
fn is_consequential(incoming: &Incoming<'_>, stored: &Meeting<'_>, new: &Meeting<'_>) -> bool {
    let parts: BTreeSet<Part> = stored
        .parts()
        .chain(new.parts())
        .map(|(part, _)| part)
        .collect();
    let is_told = |line: &Property| !(line.is("ATTENDEE") && is_only_sent(line));
    let answer_in = |entry: &Component| {
        own_line(incoming, entry).map(|own| (participation(own), delegates(own)))
    };
    let is_same = |part: Part| match (component_of(stored, part), component_of(new, part)) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            tells_the_same(&one, &other, is_told)
                && answer_in(&one) == answer_in(&other)
                && one.components().eq(other.components())
        }
        _ => false,
    };
    !parts.into_iter().all(is_same)
}

/// What a part is, which may have no component of its own.
fn component_of<'o>(meeting: &Meeting<'o>, part: Part) -> Option<Cow<'o, Component>> {
    match (meeting.get(part), part) {
        (Some(own), _) => Some(Cow::Borrowed(own)),
        (None, Part::Series) => None,
        (None, Part::Instance(key)) => meeting.component_at(key).map(Cow::Owned),
    }
}
