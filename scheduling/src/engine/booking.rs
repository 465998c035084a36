//! Answers that a room or resource gives by itself.
//!
//! Each instance that is open is judged: by whether the room has that time, and how far ahead it is. What most of
//! the instances of a series get is the answer to the series; the others get a component of their own. What comes
//! out is the room's copy as somebody who looks after the room would have stored it; it then goes the way of any
//! attendee's answer.

use std::collections::BTreeMap;

use calendar::{
    Budget, CalendarObject, Component, Property, RecurrenceSet, TimeRange, TooMuchWork, Zone,
    free_busy::BusyPeriod,
};
use storage::model::{Booking, Principal};

use super::{
    Directory,
    answer::is_unanswered,
    entry::{NEEDS_ACTION, attendees, participation},
    meeting::{Meeting, Part},
};

/// More instances than this are not answered apart from their series: the whole is declined then, or left to a
/// person.
const MAXIMUM_EXCEPTIONS: usize = 100;

/// What is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The room's copy of the meeting.
    pub copy: &'a CalendarObject,
    /// The room or resource.
    pub room: &'a Principal,
    /// Who is behind the addresses of the copy.
    pub directory: &'a Directory,
    /// How this organizer is answered.
    pub booking: Booking,
    /// From a little before the present to as far ahead as the room answers.
    pub window: TimeRange,
    /// Where floating times are read.
    pub floating: &'a Zone,
    /// When the room cannot be had in the window, in order of their start, this meeting apart.
    pub busy: &'a [BusyPeriod],
}

/// What becomes of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Accepted,
    /// A person answers.
    Left,
    Declined(Reason),
}

/// Why an instance is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Busy,
    TooFarAhead,
    Never,
}

impl Verdict {
    fn participation(self) -> &'static str {
        match self {
            Verdict::Accepted => "ACCEPTED",
            Verdict::Left => NEEDS_ACTION,
            Verdict::Declined(_) => "DECLINED",
        }
    }

    /// What the answer says to people.
    fn comment(self) -> Option<&'static str> {
        match self {
            Verdict::Accepted | Verdict::Left => None,
            Verdict::Declined(Reason::Busy) => Some("It is booked already at this time."),
            Verdict::Declined(Reason::TooFarAhead) => {
                Some("This is further ahead than it can be booked.")
            }
            Verdict::Declined(Reason::Never) => Some("It cannot be booked."),
        }
    }
}

/// The room's copy with the answers; `None` where there is nothing to answer, or all of it is left to a person.
///
/// # Errors
/// The recurrence is too much work to be judged: a person answers.
pub fn answer(request: &Request<'_>) -> Result<Option<CalendarObject>, TooMuchWork> {
    let meeting = Meeting::of(request.copy);
    let is_open = |part: Part, entry: &Component| {
        meeting.is_live(part) && is_unanswered(entry, request.room, request.directory)
    };
    let open: Vec<Part> = meeting
        .parts()
        .filter(|(part, entry)| is_open(*part, entry))
        .map(|(part, _)| part)
        .collect();
    if open.is_empty() || request.booking == Booking::None {
        return Ok(None);
    }
    let judged = judge(request, &meeting)?;
    let mut verdicts: BTreeMap<Part, Verdict> = BTreeMap::new();
    for part in open {
        let instances = judged.get(&part).map_or(&[][..], Vec::as_slice);
        verdicts.extend(answer_part(request, &meeting, part, instances));
    }
    verdicts.retain(|part, verdict| *verdict != Verdict::Left || !meeting.has(*part));
    let is_answered = verdicts.values().any(|verdict| *verdict != Verdict::Left);
    Ok(is_answered.then(|| answered(request, &meeting, &verdicts)))
}

/// From when to when what the copy asks for takes place, so far as that is within the window or after it; the window, where
/// it never ends, or recurs too often to be followed to its end.
pub fn reach(copy: &CalendarObject, floating: &Zone, window: TimeRange) -> TimeRange {
    let ahead = TimeRange {
        end: None,
        ..window
    };
    let set = RecurrenceSet::of(copy, floating);
    match set.occurrences(&ahead, &mut Budget::default()) {
        Ok(all) => TimeRange {
            start: all.iter().map(|it| it.start).min().or(window.start),
            end: all.iter().map(|it| it.end).max().or(window.end),
        },
        Err(TooMuchWork) => window,
    }
}

/// When the room's copy takes the room at a time that it has not got, in a part in which it did not take it `before`.
/// How the request's organizer is answered makes no difference.
///
/// # Errors
/// The recurrence is too much work to be judged.
pub fn collision(
    before: Option<&CalendarObject>,
    request: &Request<'_>,
) -> Result<Option<jiff::Timestamp>, TooMuchWork> {
    let takes = |meeting: &Meeting<'_>, part: Part| {
        let entry = meeting.describing(part);
        entry.is_some_and(|entry| is_taken(entry, request))
    };
    let meeting = Meeting::of(request.copy);
    let before = before.map(Meeting::of);
    let took = |part: Part| before.as_ref().is_some_and(|before| takes(before, part));
    let new: Vec<Part> = meeting
        .parts()
        .map(|(part, _)| part)
        .filter(|part| meeting.is_live(*part) && takes(&meeting, *part) && !took(*part))
        .collect();
    if new.is_empty() {
        return Ok(None);
    }
    let judged = judge(
        &Request {
            booking: Booking::Automatic,
            ..*request
        },
        &meeting,
    )?;
    let judged = new.iter().filter_map(|part| judged.get(part)).flatten();
    let collides = judged.filter(|it| it.verdict != Verdict::Accepted);
    Ok(collides.map(|it| it.start).min())
}

/// Whether the room says that it comes, or may.
fn is_taken(entry: &Component, request: &Request<'_>) -> bool {
    attendees(entry)
        .filter(|line| request.directory.is(line.raw_value(), request.room.id))
        .any(|line| matches!(&*participation(line), "ACCEPTED" | "TENTATIVE"))
}

/// An instance in the window: which one it is, where it has one, when it begins, and what becomes of it.
struct Judged {
    part: Part,
    start: jiff::Timestamp,
    verdict: Verdict,
}

/// The instances in the window, by the part that describes them.
fn judge(
    request: &Request<'_>,
    meeting: &Meeting<'_>,
) -> Result<BTreeMap<Part, Vec<Judged>>, TooMuchWork> {
    let set = RecurrenceSet::of(request.copy, request.floating);
    let order = meeting.order();
    // How long it is taken by what begins before each period ends.
    let taken_until: Vec<jiff::Timestamp> = request
        .busy
        .iter()
        .scan(jiff::Timestamp::MIN, |latest, busy| {
            *latest = busy.end.max(*latest);
            Some(*latest)
        })
        .collect();
    let mut judged: BTreeMap<Part, Vec<Judged>> = BTreeMap::new();
    for instance in set.occurrences(&request.window, &mut Budget::default())? {
        let described_by = order[instance.entry];
        let id = instance.recurrence_id.as_ref();
        let part = id.map_or(described_by, |id| Part::Instance(set.key_of(id)));
        let begun = request
            .busy
            .partition_point(|busy| busy.start < instance.end);
        let is_busy = begun > 0 && taken_until[begun - 1] > instance.start;
        let verdict = verdict(request.booking, is_busy.then_some(Reason::Busy));
        judged.entry(described_by).or_default().push(Judged {
            part,
            start: instance.start,
            verdict,
        });
    }
    Ok(judged)
}

fn verdict(booking: Booking, obstacle: Option<Reason>) -> Verdict {
    match (booking, obstacle) {
        (Booking::None, _) => Verdict::Left,
        (Booking::AcceptAlways, _) => Verdict::Accepted,
        (Booking::DeclineAlways, _) => Verdict::Declined(Reason::Never),
        (Booking::AcceptIfFree | Booking::Automatic, None) => Verdict::Accepted,
        (Booking::AcceptIfFree, Some(_)) | (Booking::DeclineIfBusy, None) => Verdict::Left,
        (Booking::DeclineIfBusy | Booking::Automatic, Some(reason)) => Verdict::Declined(reason),
    }
}

/// The answer to a part that is one instance. What is not in the window is over, or too far ahead.
fn answer_one(
    request: &Request<'_>,
    meeting: &Meeting<'_>,
    part: Part,
    instances: &[Judged],
) -> Verdict {
    match instances {
        [only, ..] => only.verdict,
        [] if begins_later(request, meeting, part) => {
            verdict(request.booking, Some(Reason::TooFarAhead))
        }
        [] => Verdict::Left,
    }
}

fn begins_later(request: &Request<'_>, meeting: &Meeting<'_>, part: Part) -> bool {
    let after = TimeRange {
        start: request.window.end,
        end: None,
    };
    let alone = meeting.get(part).map(|entry| {
        let mut entry = entry.clone();
        entry.retain_properties(|line| !matches!(line.name(), "RRULE" | "RDATE" | "EXDATE"));
        entry
    });
    let Some(alone) = alone else { return false };
    let set = RecurrenceSet::of_components(request.copy, [&alone], request.floating);
    let found = set.occurrences(&after, &mut Budget::default());
    found.is_ok_and(|found| !found.is_empty())
}

/// The answer to a series, or to an instance and all later ones, and those to instances that get another one.
fn answer_part(
    request: &Request<'_>,
    meeting: &Meeting<'_>,
    part: Part,
    instances: &[Judged],
) -> Vec<(Part, Verdict)> {
    let [first, _, ..] = instances else {
        return vec![(part, answer_one(request, meeting, part, instances))];
    };
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for judged in instances {
        *counts.entry(judged.verdict).or_default() += 1;
    }
    // of equally many, what gives the most
    let majority = counts
        .iter()
        .max_by_key(|(verdict, count)| (**count, std::cmp::Reverse(**verdict)));
    let majority = match part {
        Part::Series => majority.map_or(Verdict::Left, |(verdict, _)| *verdict),
        // its component is that of its own instance, too
        Part::Instance(_) => first.verdict,
    };
    let exceptions: Vec<(Part, Verdict)> = instances
        .iter()
        .filter(|judged| judged.verdict != majority)
        .map(|judged| (judged.part, judged.verdict))
        .collect();
    if exceptions.len() > MAXIMUM_EXCEPTIONS {
        let verdict = match request.booking {
            Booking::Automatic => Verdict::Declined(Reason::Busy),
            _ => Verdict::Left,
        };
        return vec![(part, verdict)];
    }
    std::iter::once((part, majority))
        .chain(exceptions)
        .collect()
}

fn answered(
    request: &Request<'_>,
    meeting: &Meeting<'_>,
    verdicts: &BTreeMap<Part, Verdict>,
) -> CalendarObject {
    let mut object = request.copy.clone();
    let mut parts = meeting.order();
    for part in verdicts.keys().filter(|part| !meeting.has(**part)) {
        let entry = part.key().and_then(|key| meeting.component_at(key));
        if let Some(entry) = entry {
            object.calendar_mut().push_component(entry);
            parts.push(*part);
        }
    }
    for (entry, part) in object.entries_mut().zip(parts) {
        if let Some(verdict) = verdicts.get(&part) {
            write(request, entry, *verdict);
        }
    }
    object
}

fn write(request: &Request<'_>, entry: &mut Component, verdict: Verdict) {
    let is_own = |line: &Property| {
        line.is("ATTENDEE") && request.directory.is(line.raw_value(), request.room.id)
    };
    for line in entry.properties_mut().filter(|line| is_own(line)) {
        line.set_parameter("PARTSTAT", verdict.participation())
            .expect("a plain word is a valid value");
        if verdict != Verdict::Left {
            line.remove_parameter("RSVP");
        }
    }
    // what was said of an earlier time is not said of this one
    entry.remove_properties("COMMENT");
    if let Some(comment) = verdict.comment() {
        entry.push_property(Property::with_text("COMMENT", comment).expect("the text is plain"));
    }
}
