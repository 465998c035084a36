//! A room that is left to a person where it is free.

use super::Request;
use crate::simulation::{
    Dice,
    house::{Found, House},
    instances::{accepted, participation},
};

/// Bob decides about what the room was asked: it comes to what it can have.
pub async fn decide(house: &House, dice: &Dice) -> Option<(String, Request)> {
    if !house.manner.room_is_kept {
        return None;
    }
    let all = house.members("room", "calendar").await;
    let is_open = |found: &&Found| {
        let object = found.parsed();
        let mut entries = object.entries();
        entries.any(|entry| participation(entry, "room").as_deref() == Some("NEEDS-ACTION"))
    };
    let open: Vec<&Found> = all.iter().filter(is_open).collect();
    let found = (!open.is_empty()).then(|| *dice.pick(&open))?;
    let says = |status: &str| {
        let mut object = found.parsed();
        object
            .entries_mut()
            .for_each(|entry| super::answering::say(entry, "room", status));
        object
    };
    let others = all.iter().filter(|it| it.path != found.path);
    let taken: Vec<_> = others
        .flat_map(|it| accepted(&it.parsed(), "room"))
        .collect();
    let object = says("ACCEPTED");
    let is_free = accepted(&object, "room").iter().all(|(start, end)| {
        taken
            .iter()
            .all(|(from, until)| end <= from || until <= start)
    });
    let (status, object) = match is_free {
        true => ("ACCEPTED", object),
        false => ("DECLINED", says("DECLINED")),
    };
    let uid = &found.object.calendar.as_ref()?.uid;
    let request = Request::Put {
        who: "bob",
        path: found.path.clone(),
        octets: object.to_octets(),
        schedule_tag: found.schedule_tag(),
        is_private: false,
    };
    Some((
        format!("bob says {status} to \"{uid}\" for the room."),
        request,
    ))
}
