//! What people do.

use std::fmt::Write as _;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property, occurrence::override_at};
use scheduling::{
    Conditions, Refusal,
    desk::{Delete, Put, Transfer},
};
use storage::{AccountError, ResourcePath, backend::CommitError};

use super::{
    Dice,
    elsewhere::{VISIT, XENIA},
    house::{Found, House, address, parse, path},
    instances::{DAYS, key_of, name_of, series},
};

/// The meetings of the house, by their organizers.
pub const MEETINGS: [(&str, &str); 2] = [("plan", "alice"), ("review", "bob")];
/// All of which somebody here may have a copy.
const UIDS: [&str; 3] = ["plan", "review", VISIT];
const HOUR_MILLISECONDS: u64 = 60 * 60 * 1000;

/// A request, ready to be sent.
enum Request {
    Put {
        who: &'static str,
        path: ResourcePath,
        octets: Bytes,
        schedule_tag: Option<String>,
    },
    Delete {
        who: &'static str,
        path: ResourcePath,
        schedule_reply: bool,
    },
    /// Which must be refused: a meeting stands once in somebody's calendars (RFC 6638 §3.2.4.1).
    Copy {
        who: &'static str,
        from: ResourcePath,
        to: ResourcePath,
    },
    Move {
        who: &'static str,
        from: ResourcePath,
        to: ResourcePath,
    },
    Team {
        who: &'static str,
        comes: bool,
    },
}

/// One step, or two at the same time.
pub async fn play(house: &mut House, dice: &Dice, story: &mut Vec<String>) -> Result<(), String> {
    match dice.roll(19) {
        0 => {
            story.push("The server is started anew.".to_owned());
            house.restart().await;
            return Ok(());
        }
        1 => {
            let hours = dice.roll(30) + 1;
            story.push(format!("{hours} hours pass."));
            house.pass((hours * HOUR_MILLISECONDS) as i64);
            return Ok(());
        }
        2 => {
            story.push("Some mail leaves.".to_owned());
            return house.post(dice, 3).await.map(drop);
        }
        3..=5 => {
            story.push("Some mail arrives.".to_owned());
            return arrive(house, dice).await;
        }
        6..=8 => {
            house.pass(61_000);
            let now = house.now_seconds();
            let words = house.elsewhere().act(dice, now);
            story.extend(words);
            return Ok(());
        }
        9 => return delete_calendar(house, dice, story).await,
        _ => {}
    }
    // later changes have a later DTSTAMP
    house.pass(61_000);
    let fails = dice.once_in(8);
    let mut requests = Vec::new();
    let number = if dice.once_in(3) { 2 } else { 1 };
    for _ in 0..number {
        if let Some((words, request)) = request(house, dice).await {
            let together = if requests.is_empty() {
                ""
            } else {
                "At the same time, "
            };
            story.push(format!("{together}{words}"));
            requests.push(request);
        }
    }
    if fails {
        story.push("(The store fails at the next commit.)".to_owned());
        let error = CommitError::Unavailable("as the dice will".to_owned());
        house.faulty.fail_commit(house.faulty.commits() + 1, error);
    }
    let house = &*house;
    let mut requests = requests.into_iter();
    let results = match (requests.next(), requests.next()) {
        (Some(one), Some(two)) => {
            let (one, two) = tokio::join!(send(house, one), send(house, two));
            vec![one, two]
        }
        (Some(one), None) => vec![send(house, one).await],
        _ => Vec::new(),
    };
    house.faulty.heal();
    for result in results {
        match result {
            Ok(()) => {}
            Err(refusal) if is_expected(&refusal, fails) => {
                story.push(format!("(Refused: {refusal})"));
            }
            Err(refusal) => return Err(format!("refused for no good reason: {refusal:?}")),
        }
    }
    Ok(())
}

/// What could not be taken in is tried again with the next mail.
async fn arrive(house: &House, dice: &Dice) -> Result<(), String> {
    if dice.once_in(8) {
        let error = CommitError::Unavailable("as the dice will".to_owned());
        house.faulty.fail_commit(1, error);
    }
    let arrived = house.arrive(dice, 4).await;
    house.faulty.heal();
    arrived.map(drop)
}

/// Clients with old copies are told so, and what is gone is gone.
fn is_expected(refusal: &Refusal, fails: bool) -> bool {
    match refusal {
        Refusal::ConditionFailed(_) | Refusal::NotFound | Refusal::Precondition { .. } => true,
        Refusal::Unavailable(_) => fails,
        _ => false,
    }
}

async fn send(house: &House, request: Request) -> Result<(), Refusal> {
    match request {
        Request::Team { who, comes } => match house.change_team(who, comes).await {
            Ok(()) => Ok(()),
            Err(AccountError::Commit(CommitError::Unavailable(reason))) => {
                Err(Refusal::Unavailable(reason))
            }
            Err(error) => Err(Refusal::Damaged(error.to_string())),
        },
        Request::Put {
            who,
            path,
            octets,
            schedule_tag,
        } => {
            let put = Put {
                path,
                content_type: None,
                octets,
                conditions: Conditions {
                    if_schedule_tag_match: schedule_tag,
                    ..Conditions::default()
                },
                schedule_reply: true,
            };
            house.desk.put(house.actor(who), put).await.map(drop)
        }
        Request::Delete {
            who,
            path,
            schedule_reply,
        } => {
            let delete = Delete {
                path,
                conditions: Conditions::default(),
                schedule_reply,
            };
            house.desk.delete(house.actor(who), delete).await.map(drop)
        }
        Request::Copy { who, from, to } => {
            let copied = house
                .desk
                .transfer(house.actor(who), transfer(from, to, true));
            match copied.await {
                Ok(_) => Err(Refusal::Damaged("a meeting was copied".to_owned())),
                Err(refusal) => Err(refusal),
            }
        }
        Request::Move { who, from, to } => {
            let moved = house
                .desk
                .transfer(house.actor(who), transfer(from, to, false));
            moved.await.map(drop)
        }
    }
}

fn transfer(source: ResourcePath, destination: ResourcePath, keep_source: bool) -> Transfer {
    Transfer {
        source,
        destination,
        keep_source,
        overwrite: false,
        deep: true,
        conditions: Conditions::default(),
        schedule_reply: true,
    }
}

/// Makes the second calendars.
pub async fn make_calendars(house: &House) {
    for name in super::house::PEOPLE {
        house.make_other_calendar(name).await;
    }
}

/// Somebody deletes the second calendar with all that is in it, and makes a new one.
async fn delete_calendar(
    house: &mut House,
    dice: &Dice,
    story: &mut Vec<String>,
) -> Result<(), String> {
    house.pass(61_000);
    let who = *dice.pick(&["alice", "bob", "carol"]);
    story.push(format!(
        "{who} deletes the calendar \"other\", and makes a new one."
    ));
    let delete = Delete {
        path: path(who, "other"),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    let deleted = house.desk.delete(house.actor(who), delete).await;
    let failures = deleted.map_err(|refusal| format!("a calendar is not deleted: {refusal:?}"))?;
    if !failures.is_empty() {
        return Err(format!("a calendar is deleted in part: {failures:?}"));
    }
    house.make_other_calendar(who).await;
    house.mirrors.remove(&(who, "other"));
    Ok(())
}

/// What somebody does next, in words too; `None` where there is nothing to do it with.
async fn request(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let uid = *dice.pick(&UIDS);
    match dice.roll(12) {
        0..=3 => organize(house, dice).await,
        4..=7 => answer(house, dice, uid).await,
        8 => remove(house, dice, uid).await,
        9 => Some(change_team(dice)),
        10 => copy(house, dice, uid).await,
        _ => carry(house, dice, uid).await,
    }
}

fn change_team(dice: &Dice) -> (String, Request) {
    let who = *dice.pick(&["alice", "bob", "carol", "room"]);
    let comes = dice.once_in(2);
    let does = if comes { "joins" } else { "leaves" };
    (
        format!("{who} {does} the team."),
        Request::Team { who, comes },
    )
}

/// The organizer stores the meeting as the client knows it: it knows of no answers.
async fn organize(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let (uid, organizer) = *dice.pick(&MEETINGS);
    // a secretary works in the manager's calendar
    let who = match organizer == "alice" && dice.once_in(3) {
        true => "carol",
        false => organizer,
    };
    let there = house.copies(organizer, uid).await.into_iter().next();
    let at = there.map_or_else(
        || path(organizer, &format!("calendar/{uid}.ics")),
        |found| found.path,
    );
    let (words, text) = meeting(dice, uid, organizer);
    let octets = Bytes::from(text);
    let words = match who == organizer {
        true => format!("{organizer} stores \"{uid}\": {words}"),
        false => format!("{who} stores {organizer}'s \"{uid}\": {words}"),
    };
    Some((
        words,
        Request::Put {
            who,
            path: at,
            octets,
            schedule_tag: None,
        },
    ))
}

/// A meeting, in words and in iCalendar.
fn meeting(dice: &Dice, uid: &str, organizer: &str) -> (String, String) {
    let hour = if dice.once_in(5) { 10 } else { 9 };
    let weekly = !dice.once_in(3);
    let count = if dice.once_in(5) { 5 } else { 10 };
    let place = dice.once_in(2);
    let invited = people(dice, organizer);
    let mut words = format!("at {hour}, with {}", list(&invited));
    let mut series = component(uid, organizer, "0302", None, hour, place, &invited);
    if place {
        words += ", in the hall";
    }
    let mut instances = String::new();
    if weekly {
        let _ = write!(words, ", {count} weeks");
        let _ = write!(series, "RRULE:FREQ=WEEKLY;COUNT={count}\r\n");
        for day in &DAYS[1..] {
            match dice.roll(8) {
                0 => {
                    let _ = write!(words, "; not on {day}");
                    let _ = write!(series, "EXDATE:2026{day}T{hour:02}0000Z\r\n");
                }
                1 => {
                    let own = people(dice, organizer);
                    let at = 9 + dice.roll(3);
                    let cancelled = dice.once_in(5);
                    let _ = write!(words, "; on {day} at {at} with {}", list(&own));
                    instances += &component(uid, organizer, day, Some(hour), at, place, &own);
                    if cancelled {
                        words += ", cancelled";
                        instances += "STATUS:CANCELLED\r\n";
                    }
                    instances += "END:VEVENT\r\n";
                }
                _ => {}
            }
        }
    }
    if dice.once_in(20) {
        words += "; all cancelled";
        series += "STATUS:CANCELLED\r\n";
    }
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Simulation//EN\r\n{series}END:VEVENT\r\n{instances}END:VCALENDAR\r\n"
    );
    (words, text)
}

fn people(dice: &Dice, organizer: &str) -> Vec<&'static str> {
    const ALL: [&str; 6] = ["alice", "bob", "carol", "room", "team", XENIA];
    let invited = ALL.into_iter().filter(|it| *it != organizer);
    invited.filter(|_| dice.once_in(2)).collect()
}

fn list(people: &[&str]) -> String {
    match people {
        [] => "nobody".to_owned(),
        people => people.join(", "),
    }
}

fn component(
    uid: &str,
    organizer: &str,
    day: &str,
    series_hour: Option<u64>,
    hour: u64,
    place: bool,
    people: &[&str],
) -> String {
    let mut text = format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:{uid}\r\nORGANIZER:{}\r\n",
        address(organizer)
    );
    if let Some(series_hour) = series_hour {
        let _ = write!(text, "RECURRENCE-ID:2026{day}T{series_hour:02}0000Z\r\n");
    }
    let _ = write!(
        text,
        "DTSTART:2026{day}T{hour:02}0000Z\r\nDURATION:PT1H\r\n"
    );
    if place {
        text += "LOCATION:Hall\r\n";
    }
    for name in people {
        let _ = write!(text, "ATTENDEE:{}\r\n", address(name));
    }
    text
}

/// An attendee answers, with what the client saw last or long ago.
async fn answer(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let people: Vec<&'static str> = ["alice", "bob", "carol"]
        .into_iter()
        .filter(|it| !MEETINGS.contains(&(uid, it)))
        .collect();
    let who = *dice.pick(&people);
    let newest = house.copies(who, uid).await.into_iter().next();
    if let Some(newest) = &newest {
        let mut seen = house.seen.lock().expect("no panic before");
        seen.push(newest.clone());
    }
    let old = dice.once_in(4);
    let found = match old {
        true => {
            let seen = house.seen.lock().expect("no panic before");
            let of_meeting = |it: &&Found| {
                it.owner == who && it.object.calendar.as_ref().is_some_and(|it| it.uid == uid)
            };
            let all: Vec<&Found> = seen.iter().filter(of_meeting).collect();
            (!all.is_empty()).then(|| (*dice.pick(&all)).clone())?
        }
        false => newest?,
    };
    let mut object = found.parsed();
    let words = change_answer(dice, &mut object, who, uid)?;
    let schedule_tag = found.object.calendar.as_ref();
    let schedule_tag = schedule_tag.and_then(|facts| facts.schedule_tag.clone());
    let schedule_tag = schedule_tag.filter(|_| old || dice.once_in(2));
    let age = if old { " (in an old copy)" } else { "" };
    Some((
        format!("{who} {words} of \"{uid}\"{age}."),
        Request::Put {
            who,
            path: found.path,
            octets: object.to_octets(),
            schedule_tag,
        },
    ))
}

fn change_answer(dice: &Dice, object: &mut CalendarObject, who: &str, uid: &str) -> Option<String> {
    let status = *dice.pick(&["ACCEPTED", "DECLINED", "TENTATIVE"]);
    let day = *dice.pick(&DAYS);
    let name = name_of(object, day);
    let set = |entry: &mut Component| say(entry, who, status);
    match dice.roll(9) {
        // Yves knows nothing of delegates
        8 if uid != VISIT => {
            let organizer = MEETINGS.iter().find(|(it, _)| *it == uid)?.1;
            let others = ["alice", "bob", "carol"].into_iter();
            let others: Vec<_> = others.filter(|it| *it != who && *it != organizer).collect();
            let delegate = *dice.pick(&others);
            object.entries_mut().for_each(|entry| {
                say(entry, who, "DELEGATED");
                delegate_to(entry, who, delegate);
            });
            Some(format!("sends {delegate} to all"))
        }
        0 if series(object).is_some_and(|it| it.property("RRULE").is_some()) => {
            override_or_own(object, &name)?;
            object
                .calendar_mut()
                .retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*name));
            let line = Property::new("EXDATE", &name).expect("a name");
            let mut entries = object.entries_mut();
            let series = entries.find(|it| it.property("RECURRENCE-ID").is_none())?;
            series.push_property(line);
            Some(format!("takes out {day}"))
        }
        1..=3 if series(object).is_none_or(|it| it.property("RRULE").is_some()) => {
            let mut own = override_or_own(object, &name)?;
            set(&mut own);
            object
                .calendar_mut()
                .retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*name));
            object.calendar_mut().push_component(own);
            Some(format!("says {status} to {day}"))
        }
        4 => {
            object.entries_mut().for_each(|entry| {
                let alarm = Component::new("VALARM").expect("a name");
                entry.push_component(alarm);
            });
            Some("sets an alarm".to_owned())
        }
        _ => {
            object.entries_mut().for_each(set);
            Some(format!("says {status} to all"))
        }
    }
}

fn override_or_own(object: &CalendarObject, name: &str) -> Option<Component> {
    let own = object
        .entries()
        .find(|it| it.raw_value("RECURRENCE-ID") == Some(name));
    own.cloned()
        .or_else(|| override_at(object, key_of(object, name)).ok())
}

/// Everybody in the house answers Yves anew, whatever they said before.
pub async fn answer_visit(house: &House) -> Result<(), String> {
    for who in ["alice", "bob", "carol"] {
        for status in ["TENTATIVE", "ACCEPTED"] {
            house.pass(61_000);
            let Some(found) = house.copies(who, VISIT).await.into_iter().next() else {
                continue;
            };
            let mut object = found.parsed();
            object
                .entries_mut()
                .for_each(|entry| say(entry, who, status));
            let request = Request::Put {
                who,
                path: found.path,
                octets: object.to_octets(),
                schedule_tag: None,
            };
            let sent = send(house, request).await;
            sent.map_err(|refusal| format!("an answer is refused: {refusal}"))?;
        }
    }
    Ok(())
}

fn say(entry: &mut Component, who: &str, status: &str) {
    let own = address(who);
    for line in entry.properties_mut() {
        if line.is("ATTENDEE") && line.raw_value() == own {
            line.set_parameter("PARTSTAT", status).expect("a word");
            line.remove_parameter("RSVP");
            line.remove_parameter("DELEGATED-TO");
        }
    }
}

fn delegate_to(entry: &mut Component, who: &str, delegate: &str) {
    let own = address(who);
    for line in entry.properties_mut() {
        if line.is("ATTENDEE") && line.raw_value() == own {
            line.set_parameter("DELEGATED-TO", &address(delegate))
                .expect("an address");
        }
    }
}

async fn remove(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let who = *dice.pick(&["alice", "bob", "carol"]);
    let found = house.copies(who, uid).await.into_iter().next()?;
    let is_silent = !MEETINGS.contains(&(uid, who)) && dice.once_in(4);
    if is_silent {
        let mut silent = house.silent.lock().expect("no panic before");
        silent.insert((who, uid.to_owned()));
    }
    let how = if is_silent { ", without a word" } else { "" };
    let request = Request::Delete {
        who,
        path: found.path,
        schedule_reply: !is_silent,
    };
    Some((format!("{who} deletes \"{uid}\"{how}."), request))
}

/// An invitation into the other calendar, beside the one that is there.
async fn copy(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let who = *dice.pick(&["alice", "bob", "carol"]);
    let invited = house.copies(who, uid).await.into_iter().next();
    let from = invited.filter(|_| !MEETINGS.contains(&(uid, who)))?.path;
    let mut to = from.clone();
    to.segments = vec![
        match &*from.segments[0] {
            "calendar" => "other".to_owned(),
            _ => "calendar".to_owned(),
        },
        "copy.ics".to_owned(),
    ];
    let words = format!("{who} copies \"{uid}\".");
    Some((words, Request::Copy { who, from, to }))
}

/// Into the other calendar, or back.
async fn carry(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let who = *dice.pick(&["alice", "bob", "carol"]);
    let found = house.copies(who, uid).await.into_iter().next()?;
    let mut to = found.path.clone();
    to.segments[0] = match &*to.segments[0] {
        "calendar" => "other".to_owned(),
        _ => "calendar".to_owned(),
    };
    let words = format!(
        "{who} moves \"{uid}\" to the calendar \"{}\".",
        to.segments[0]
    );
    let from = found.path;
    Some((words, Request::Move { who, from, to }))
}

/// Stores what is stored: nobody may hear of it.
pub async fn store_again(house: &House, found: &Found) -> Result<(), String> {
    let request = Request::Put {
        who: found.owner,
        path: found.path.clone(),
        octets: parse(&found.octets).to_octets(),
        schedule_tag: None,
    };
    let stored = send(house, request).await;
    stored.map_err(|refusal| format!("the same again is refused: {refusal}"))
}
