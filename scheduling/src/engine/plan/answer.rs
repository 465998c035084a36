//! What an attendee's edit says to the organizer: the answers that are news, part by part (RFC 6638 §3.2.2.3).

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{
    Change, Plan,
    attendee::{organizer_line, organizer_lines_mut, own},
    outbox::{Outbox, kind_of_message, kind_of_reply},
    sign, without_force_send,
};
use crate::engine::{
    Method, Role,
    answer::UNTOLD,
    attendee_comment,
    away::away,
    delegation::{delegates, people_sent},
    directory::Person,
    entry::{DECLINED, NEEDS_ACTION, attendees, is_cancelled, participation},
    later_ones::name_it_alone,
    meeting::{Meeting, Part},
    message::{Answer, reply, request, utc},
    own::{has_comment, may_be_own_comment, restore_sent},
    receive::note_sent,
    sequence::Revision,
};

/// What the organizer knows already, and what the client demands.
pub(super) struct Said<'a> {
    /// The copy as it was; the organizer of one that came another way knows of no answer.
    pub before: Option<&'a Meeting<'a>>,
    /// The instances that the client took out of it.
    pub declined: &'a BTreeSet<InstanceKey>,
    /// Those that the client had taken out, and takes back.
    pub taken_back: &'a BTreeSet<InstanceKey>,
    pub force: Option<String>,
}

impl Said<'_> {
    /// What was said of a part: in it, or in the series of which it is an instance.
    fn entry(&self, part: Part) -> Option<&Component> {
        let before = self.before?;
        before.describing(part)
    }

    fn participation(&self, change: &Change<'_>, part: Part) -> String {
        if part.key().is_some_and(|key| self.taken_back.contains(&key)) {
            return DECLINED.to_owned();
        }
        let entry = self.entry(part);
        let line = entry.and_then(|entry| own(change, entry));
        line.map_or(NEEDS_ACTION.to_owned(), participation)
    }

    /// RFC 6638 §7.2
    fn is_forced(&self) -> bool {
        let force = self.force.as_ref();
        force.is_some_and(|force| force.eq_ignore_ascii_case("REPLY"))
    }
}

/// Sends the owner's answer where it is news (RFC 6638 §3.2.2.3).
pub(super) fn answer(change: &Change<'_>, object: CalendarObject, said: &Said<'_>) -> Plan {
    let mut object = without_force_send(object);
    let mut signed = object.clone();
    sign_answer(change, &mut signed);
    let mut outbox = Outbox::default();
    let is_told = send_answer(change, &signed, said, &mut outbox);
    let is_ignored = said.force.is_some() && !said.is_forced();
    if let Some(organizer) = organizer_line(&object).filter(|_| is_ignored) {
        outbox.note_ignored(change, organizer.raw_value());
    }
    // Who answers signs; who changes an alarm does not.
    let is_sent = !outbox.deliveries.is_empty() || !outbox.mails.is_empty();
    if is_sent {
        object = signed;
    }
    if let Some(before) = said
        .before
        .filter(|_| is_sent || is_told_more(change, &object))
    {
        note_sent(&mut object, before);
    }
    if let Some(is_told) = is_told {
        note_told(change, &mut object, is_told);
    }
    outbox.into_plan(Some(object), Role::Attendee)
}

/// Notes whether the organizer is told what the owner answers to all of it, or not to be told of something. (One who is here
/// does not ask again.)
fn note_told(change: &Change<'_>, object: &mut CalendarObject, is_told: bool) {
    let organizer = organizer_line(object).map(Property::raw_value);
    if organizer.is_some_and(|it| change.directory.local(it).is_some()) {
        return;
    }
    for line in organizer_lines_mut(object) {
        match is_told {
            true => drop(line.remove_parameter(UNTOLD)),
            false => line
                .set_parameter(UNTOLD, "TRUE")
                .expect("a plain word is a valid value"),
        }
    }
}

/// Whether anything may come that DTSTAMP, as the client writes it, would make late: whatever comes, where its clock is
/// ahead; else what was sent before now, and is on its way from elsewhere.
fn is_told_more(change: &Change<'_>, object: &CalendarObject) -> bool {
    let now = utc(change.now);
    let is_ahead = |entry: &Component| Revision::of(entry).stamp() > now.as_str();
    let organizer = organizer_line(object).and_then(|it| change.directory.local(it.raw_value()));
    organizer.is_none() || object.entries().any(is_ahead)
}

/// Who acts for the owner signs the owner's line; where it is the owner, nobody does.
fn sign_answer(change: &Change<'_>, object: &mut CalendarObject) {
    own_lines_mut(change, object).for_each(|line| sign_line(change, line));
}

fn sign_line(change: &Change<'_>, line: &mut Property) {
    match change.sent_by() {
        Some(address) => sign(line, address),
        None => {
            line.remove_parameter("SENT-BY");
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

/// Sends an answer, if there is one; whether it is told or kept back (RFC 6638 §8.1). `None` where that changes nothing of
/// what the organizer knows of all answers.
fn send_answer(
    change: &Change<'_>,
    object: &CalendarObject,
    said: &Said<'_>,
    outbox: &mut Outbox,
) -> Option<bool> {
    let to = organizer_line(object)?;
    let forced = said.is_forced();
    let meeting = Meeting::of(object);
    let mut apart = declined_instances(change, said);
    apart.extend(taken_back_instances(change, &meeting, said));
    apart.extend(still_away(change, &meeting, said));
    let answers = answers(change, &meeting, &apart, said, forced);
    let is_kept_back = !forced && !answers.is_empty() && !change.schedule_reply;
    let reason = if meeting.is_called_off() && apart.is_empty() {
        Err("the meeting is cancelled")
    } else if forced {
        Ok("the client demands it")
    } else if answers.is_empty() {
        Err("the participation is the same")
    } else if is_kept_back {
        Err("the client wants no reply (RFC 6638 §8.1)")
    } else {
        Ok(
            match is_participation_new(change, &meeting, said) || !apart.is_empty() {
                true => "the participation changed",
                false => "the attendee says something new",
            },
        )
    };
    match (reason, answers.first()) {
        (Ok(reason), Some(first)) => {
            let kind = kind_of_reply(first.attendee);
            let message = reply(object, &answers, change.now);
            outbox.send(change, to, message, kind, reason);
            send_delegates(change, &meeting, said, to, outbox);
            let is_all = forced || meeting.series().is_none_or(|it| it == first.entry);
            is_all.then_some(true)
        }
        (Ok(_), None) => {
            outbox.pass_over(to.raw_value(), "there is nothing to answer");
            None
        }
        (Err(reason), _) => {
            outbox.pass_over(to.raw_value(), reason);
            is_kept_back.then_some(false)
        }
    }
}

/// Tells those whom the owner sends instead (RFC 5546 §3.2.2.3), of what is the organizer's and not the owner's own. An
/// organizer on this server does it, who invites them. (Whom the owner does not send any more hears of it from the
/// organizer: an attendee has no CANCEL, RFC 5546 §1.4.)
fn send_delegates(
    change: &Change<'_>,
    meeting: &Meeting<'_>,
    said: &Said<'_>,
    organizer: &Property,
    outbox: &mut Outbox,
) {
    if change.directory.local(organizer.raw_value()).is_some() {
        return;
    }
    let mut sent: BTreeMap<Person, Vec<Component>> = BTreeMap::new();
    for (part, entry) in meeting.parts() {
        let Some(line) = own(change, entry) else {
            continue;
        };
        let before = said.before.and_then(|before| before.get(part));
        let before = before.and_then(|before| own(change, before));
        let people = |line| people_sent(line, change.directory);
        let known = before.map_or_else(BTreeMap::new, people);
        for (person, _) in people(line) {
            if !known.contains_key(&person) {
                let mut entry = entry.clone();
                restore_sent(&mut entry);
                sent.entry(person).or_default().push(entry);
            }
        }
    }
    for (person, entries) in sent {
        let is_theirs = |line: &&Property| change.directory.person(line.raw_value()) == person;
        let line = entries.iter().flat_map(attendees).find(is_theirs).cloned();
        let sender = meeting.main().and_then(|entry| own(change, entry));
        let (Some(line), Some(sender)) = (line, sender) else {
            continue;
        };
        let sender = sender.raw_value().trim().to_owned();
        let message = request(&sender, meeting.object, entries, change.now);
        let kind = kind_of_message(Method::Request, true);
        outbox.send(change, &line, message, kind, "sent in the attendee's place");
    }
}

fn is_participation_new(change: &Change<'_>, meeting: &Meeting<'_>, said: &Said<'_>) -> bool {
    let mut parts = meeting.parts();
    parts.any(|(part, entry)| is_answered_anew(change, said, part, entry))
}

/// Whether the owner says anything else of coming to a part, or of whom they send.
fn is_answered_anew(change: &Change<'_>, said: &Said<'_>, part: Part, entry: &Component) -> bool {
    let before = said.entry(part).and_then(|entry| own(change, entry));
    own(change, entry).is_some_and(|line| {
        participation(line) != said.participation(change, part)
            || delegates(line) != before.map_or_else(Vec::new, delegates)
    })
}

/// What is to be answered: each part of which the owner says something new, `forced` is all of them; and those
/// instances `apart` that have no part.
fn answers<'a>(
    change: &Change<'_>,
    meeting: &Meeting<'a>,
    apart: &'a [Component],
    said: &'a Said<'_>,
    forced: bool,
) -> Vec<Answer<'a>> {
    let is_news = |part: Part, entry: &Component| {
        is_answered_anew(change, said, part, entry)
            || has_new_comment(entry, said.entry(part))
            || is_progress(entry, said.entry(part))
    };
    let series_is_new = meeting.series().is_some_and(|it| is_news(Part::Series, it));
    let old_answer = said.participation(change, Part::Series);
    let parts = meeting.parts().filter(|(part, entry)| {
        // An answer to the series is taken for one to those instances, too, which had the same: those that keep
        // theirs are named.
        let follows = series_is_new && said.participation(change, *part) == old_answer;
        meeting.is_live(*part) && (forced || is_news(*part, entry) || follows)
    });
    let parts = parts.map(|(_, entry)| entry);
    parts
        .chain(apart)
        .filter_map(|entry| {
            Some(Answer {
                entry,
                attendee: own(change, entry)?,
                comments: comments(entry),
            })
        })
        .collect()
}

/// Whether a task has come further, or not so far: the organizer is told of that with the answer (RFC 5546 §3.4.3).
fn is_progress(entry: &Component, before: Option<&Component>) -> bool {
    let is_told = |before: &Component| {
        let names = ["PERCENT-COMPLETE", "COMPLETED"].into_iter();
        let mut values = names.map(|name| (entry.raw_value(name), before.raw_value(name)));
        values.any(|(now, was)| now != was)
    };
    entry.is("VTODO") && before.is_some_and(is_told)
}

/// Whether the owner comments something new, or says something else to the organizer alone (caldav-privatecomments §3.1).
fn has_new_comment(entry: &Component, before: Option<&Component>) -> bool {
    let is_known = |comment| before.is_some_and(|before| has_comment(before, comment));
    let private = |entry| attendee_comment::private(entry).map(Property::raw_value);
    let mut comments = entry.properties_named("COMMENT");
    comments.any(|comment| !is_known(comment)) || private(entry) != before.and_then(private)
}

/// All that the owner comments: what an answer does not say, it takes back.
pub(super) fn comments(entry: &Component) -> Vec<&Property> {
    let is_own = |line: &&Property| attendee_comment::is_private(line) || may_be_own_comment(line);
    entry.properties().filter(is_own).collect()
}

/// The instances that the owner took out, declined; those are left out that were declined or cancelled.
fn declined_instances(change: &Change<'_>, said: &Said<'_>) -> Vec<Component> {
    let Some(before) = said.before else {
        return Vec::new();
    };
    let entries = said.declined.iter().filter_map(|key| {
        let mut entry = before.component_at(*key)?;
        name_it_alone(&mut entry);
        let line = own(change, &entry)?;
        let is_news = participation(line) != DECLINED && !is_cancelled(&entry);
        is_news.then_some(entry)
    });
    entries.map(|entry| declining(change, entry)).collect()
}

/// The instances that the owner took back, where they are as the series.
fn taken_back_instances(
    change: &Change<'_>,
    meeting: &Meeting<'_>,
    said: &Said<'_>,
) -> Vec<Component> {
    let back = said.taken_back.iter();
    let back = back.filter(|key| !meeting.has(Part::Instance(**key)));
    let entries = back.filter_map(|key| meeting.component_at(*key));
    let is_news =
        |entry: &Component| own(change, entry).is_some_and(|line| participation(line) != DECLINED);
    entries.filter(is_news).collect()
}

/// The instances that stay taken out although the owner does not decline the series any more: an answer to the series
/// would be taken for one to them, too.
fn still_away(change: &Change<'_>, meeting: &Meeting<'_>, said: &Said<'_>) -> Vec<Component> {
    let series = meeting.series().and_then(|series| own(change, series));
    let declined = said.participation(change, Part::Series) == DECLINED;
    if !declined || series.is_none_or(|line| participation(line) == DECLINED) {
        return Vec::new();
    }
    let away = away(meeting).into_iter();
    let entries = away.filter_map(|key| meeting.apart_at(key));
    entries.map(|entry| declining(change, entry)).collect()
}

/// A component in which the owner declines.
pub(super) fn declining(change: &Change<'_>, mut entry: Component) -> Component {
    let is_own = |line: &Property| {
        line.is("ATTENDEE") && change.directory.is(line.raw_value(), change.owner.id)
    };
    for line in entry.properties_mut().filter(|line| is_own(line)) {
        line.set_parameter("PARTSTAT", DECLINED)
            .expect("a plain word is a valid value");
        sign_line(change, line);
    }
    entry
}
