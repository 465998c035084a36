//! What was is brought back: out of the trash, or by an import of what a client once saw.
//!
//! Nobody hears of that (see the table of decisions), so that the copies of a meeting do not agree until its organizer
//! speaks again: which happens before everything comes to rest.

use super::{CLIENTS, MEETINGS, Request, UIDS, VISIT, send};
use crate::simulation::{
    Dice,
    house::{Found, House},
};

/// Something comes out of somebody's trash: a meeting that was deleted, or an earlier state of one.
pub async fn restore(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let who = *dice.pick(&CLIENTS);
    let (items, _) = house.desk.trash_list(who, None, None).await.ok()?;
    let items = items.into_iter();
    let items: Vec<_> = items
        .filter(|it| !it.is_collection && it.collection != "inbox")
        .collect();
    let item = (!items.is_empty()).then(|| dice.pick(&items).clone())?;
    let uid = UIDS
        .into_iter()
        .find(|uid| item.summary.as_ref().is_some_and(|it| it.starts_with(uid)));
    house.bring_back(uid.unwrap_or(VISIT), who);
    let what = uid.unwrap_or("something");
    let words = format!("\"{what}\" comes out of the trash of {who}.");
    Some((words, Request::Restore { id: item.id }))
}

/// Somebody imports what the client saw.
pub async fn import(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let uid = *dice.pick(&UIDS);
    let who = *dice.pick(&CLIENTS);
    let newest = house.copies(who, uid).await.into_iter().next();
    let (found, is_old) = house.looked_at(dice, who, uid, newest)?;
    house.bring_back(uid, who);
    let age = if is_old { "an old copy of " } else { "" };
    let words = format!("{who} imports {age}\"{uid}\".");
    let octets = found.octets;
    Some((words, Request::Import { who, octets }))
}

/// Organizers speak again of what was brought back: their meetings are at another time, and begin anew.
///
/// # Errors
/// They are refused.
pub async fn wake(house: &mut House, story: &mut Vec<String>) -> Result<(), String> {
    for (uid, organizer) in MEETINGS {
        if !house.is_brought_back(uid) {
            continue;
        }
        let Some(found) = house.copies(organizer, uid).await.into_iter().next() else {
            continue;
        };
        story.push(format!("{organizer} begins \"{uid}\" anew."));
        house.pass(61_000);
        let request = begin_anew(organizer, &found);
        let stored = send(house, request).await;
        stored.map_err(|refusal| format!("{organizer} cannot begin anew: {refusal:?}"))?;
        house.told_anew(uid);
    }
    Ok(())
}

/// The series without what was apart, at an hour at which it was not.
fn begin_anew(who: &'static str, found: &Found) -> Request {
    let mut object = found.parsed();
    object
        .calendar_mut()
        .retain_components(|it| it.property("RECURRENCE-ID").is_none());
    for series in object.entries_mut() {
        let is_at_12 = series
            .raw_value("DTSTART")
            .is_some_and(|start| start.contains("T12"));
        let hour = if is_at_12 { 13 } else { 12 };
        let start = format!("20260302T{hour}0000Z");
        series.set_raw_value("DTSTART", &start).expect("a time");
        for name in ["EXDATE", "RDATE", "STATUS"] {
            series.remove_properties(name);
        }
    }
    Request::Put {
        who,
        path: found.path.clone(),
        octets: object.to_octets(),
        schedule_tag: None,
        is_private: false,
    }
}
