//! What organizers do with what somebody elsewhere proposes (RFC 5546 §3.2.7).

use calendar::Component;

use super::{MEETINGS, Request, organizing::times};
use crate::simulation::{Dice, house::House};

/// The organizer takes what somebody elsewhere proposes, declines it, or puts it away.
pub async fn consider(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let mut proposals = Vec::new();
    for (uid, organizer) in MEETINGS {
        for found in house.members(organizer, "inbox").await {
            let object = found.parsed();
            let is_proposal = object.calendar().raw_value("METHOD") == Some("COUNTER");
            let proposed = object.entries().next().filter(|_| is_proposal);
            let proposed = proposed.filter(|it| it.raw_value("UID") == Some(uid));
            proposals.extend(proposed.map(|it| (uid, organizer, found.path.clone(), it.clone())));
        }
    }
    let (uid, organizer, item, proposed) = proposals.into_iter().next()?;
    let who = organizer;
    let (words, request) = match dice.roll(4) {
        0 => {
            let (path, schedule_reply) = (item, true);
            let request = Request::Delete {
                who,
                path,
                schedule_reply,
            };
            ("puts away", request)
        }
        1 => ("declines", Request::Decline { who, path: item }),
        _ => return take_up(house, (uid, organizer), &proposed).await,
    };
    let words = format!("{organizer} {words} what is proposed of \"{uid}\".");
    Some((words, request))
}

async fn take_up(
    house: &House,
    (uid, organizer): (&str, &'static str),
    proposed: &Component,
) -> Option<(String, Request)> {
    let found = house.copies(organizer, uid).await.into_iter().next()?;
    let mut object = found.parsed();
    let start = proposed.raw_value("DTSTART")?;
    let name = proposed.raw_value("RECURRENCE-ID");
    match name {
        None => {
            let entries = object.entries_mut();
            entries.for_each(|entry| set_hour(entry, &start[9..11]));
        }
        Some(name) => {
            let mut entries = object.entries_mut();
            let instance = entries.find(|it| it.raw_value("RECURRENCE-ID") == Some(name));
            instance?.set_raw_value("DTSTART", start).expect("a time");
        }
    }
    let request = Request::Put {
        who: organizer,
        path: found.path.clone(),
        octets: object.to_octets(),
        schedule_tag: found.schedule_tag(),
        is_private: false,
    };
    let of = name.unwrap_or("all");
    Some((
        format!("{organizer} takes what is proposed of \"{uid}\", of {of}: {start}."),
        request,
    ))
}

/// All times are at an hour.
fn set_hour(entry: &mut Component, hour: &str) {
    for line in times(entry) {
        let at_hour = |time: &str| format!("{}T{hour}{}", &time[..8], &time[11..]);
        let value: Vec<String> = line.raw_value().split(',').map(at_hour).collect();
        line.set_raw_value(&value.join(",")).expect("times");
    }
}
