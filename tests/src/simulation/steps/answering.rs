//! What attendees do.

use calendar::{CalendarObject, Component, Property, occurrence::override_at};

use super::{CLIENTS, MEETINGS, Request, VISIT, send};
use crate::simulation::{
    Dice,
    house::{House, address},
    instances::{DAYS, is_line_of, key_of, name_of, series},
};

/// What concerns nobody else.
const ALARM: &str = "sets an alarm";

/// An attendee answers, with what the client saw last or long ago.
pub async fn answer(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let people = CLIENTS.into_iter();
    let people: Vec<_> = people.filter(|it| !MEETINGS.contains(&(uid, it))).collect();
    let who = *dice.pick(&people);
    let newest = house.copies(who, uid).await.into_iter().next();
    let (found, is_old) = house.looked_at(dice, who, uid, newest)?;
    let mut object = found.parsed();
    let words = change_answer(dice, &mut object, who, uid)?;
    let schedule_tag = found.schedule_tag().filter(|_| is_old || dice.once_in(2));
    let age = if is_old { " (in an old copy)" } else { "" };
    let request = Request::Put {
        who,
        path: found.path,
        octets: object.to_octets(),
        schedule_tag,
        is_private: words == ALARM,
    };
    Some((format!("{who} {words} of \"{uid}\"{age}."), request))
}

fn change_answer(dice: &Dice, object: &mut CalendarObject, who: &str, uid: &str) -> Option<String> {
    let mut answers = vec!["ACCEPTED", "DECLINED", "TENTATIVE"];
    if object.entries().any(|entry| entry.is("VTODO")) {
        answers.extend(["IN-PROCESS", "COMPLETED"]);
    }
    let status = *dice.pick(&answers);
    let is_series = series(object).is_none_or(|it| it.property("RRULE").is_some());
    match dice.roll(10) {
        // Yves knows nothing of delegates
        8 if uid != VISIT => {
            let delegate = delegate(dice, who, uid)?;
            object
                .entries_mut()
                .for_each(|entry| send_instead(entry, who, delegate));
            Some(format!("sends {delegate} to all"))
        }
        9 if uid != VISIT && is_series => {
            let delegate = delegate(dice, who, uid)?;
            let day = change_instance(dice, object, |own| send_instead(own, who, delegate))?;
            Some(format!("sends {delegate} to {day}"))
        }
        0 if is_series && series(object).is_some() => take_out(dice, object),
        1..=3 if is_series => {
            let day = change_instance(dice, object, |own| say(own, who, status))?;
            Some(format!("says {status} to {day}"))
        }
        4 => {
            object.entries_mut().for_each(|entry| {
                let alarm = Component::new("VALARM").expect("a name");
                entry.push_component(alarm);
            });
            Some(ALARM.to_owned())
        }
        _ => {
            object
                .entries_mut()
                .for_each(|entry| say(entry, who, status));
            Some(format!("says {status} to all"))
        }
    }
}

/// Whom somebody sends instead.
fn delegate(dice: &Dice, who: &str, uid: &str) -> Option<&'static str> {
    let organizer = MEETINGS.iter().find(|(it, _)| *it == uid)?.1;
    let others = CLIENTS.into_iter();
    let others: Vec<_> = others.filter(|it| *it != who && *it != organizer).collect();
    Some(*dice.pick(&others))
}

/// A day's instance gets a component of its own, with a change.
fn change_instance(
    dice: &Dice,
    object: &mut CalendarObject,
    change: impl FnOnce(&mut Component),
) -> Option<&'static str> {
    let day = *dice.pick(&DAYS);
    let name = name_of(object, day);
    let mut own = override_or_own(object, &name)?;
    change(&mut own);
    object
        .calendar_mut()
        .retain_components(|it| it.raw_value("RECURRENCE-ID") != Some(&*name));
    object.calendar_mut().push_component(own);
    Some(day)
}

/// A day's instance is out of the attendee's own copy.
fn take_out(dice: &Dice, object: &mut CalendarObject) -> Option<String> {
    let day = *dice.pick(&DAYS);
    let name = name_of(object, day);
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

fn override_or_own(object: &CalendarObject, name: &str) -> Option<Component> {
    let own = object
        .entries()
        .find(|it| it.raw_value("RECURRENCE-ID") == Some(name));
    own.cloned()
        .or_else(|| override_at(object, key_of(object, name)).ok())
}

/// Everybody in the house answers Yves anew, whatever they said before.
pub async fn answer_visit(house: &House) -> Result<(), String> {
    for who in CLIENTS {
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
                is_private: false,
            };
            let sent = send(house, request).await;
            sent.map_err(|refusal| format!("an answer is refused: {refusal}"))?;
        }
    }
    Ok(())
}

fn last_line<'c>(entry: &'c mut Component, who: &str) -> Option<&'c mut Property> {
    entry
        .properties_mut()
        .filter(|it| is_line_of(it, who))
        .last()
}

/// A client writes an answer into one line of its owner; how far a task is, beside it.
pub fn say(entry: &mut Component, who: &str, status: &str) {
    if let Some(line) = last_line(entry, who) {
        line.set_parameter("PARTSTAT", status).expect("a word");
        line.remove_parameter("RSVP");
        line.remove_parameter("DELEGATED-TO");
    }
    let is_done = status == "COMPLETED";
    if is_done || status == "IN-PROCESS" {
        entry.set_raw_value("STATUS", status).expect("a word");
        let percent = if is_done { "100" } else { "50" };
        let set = entry.set_raw_value("PERCENT-COMPLETE", percent);
        set.expect("a number");
    }
}

fn send_instead(entry: &mut Component, who: &str, delegate: &str) {
    say(entry, who, "DELEGATED");
    if let Some(line) = last_line(entry, who) {
        let set = line.set_parameter("DELEGATED-TO", &address(delegate));
        set.expect("an address");
    }
}
