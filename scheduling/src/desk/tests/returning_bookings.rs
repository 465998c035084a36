//! What a room has accepted comes back without a word to anybody, out of the trash or by an import: no two meetings get the
//! same time by that either.

use super::{
    bookings::{START, meeting, room},
    imports::incoming,
    trash::{ALL, keeping},
    *,
};
use crate::desk::{Imported, TrashItem};
use storage::model::TrashCause;

const ONE: &str = "alice/calendar/1.ics";
const TWO: &str = "alice/calendar/2.ics";

/// Alice has a meeting in the room. What the room has of it.
async fn booked() -> (World, Actor, Bytes) {
    let world = keeping(ALL).await;
    world.clock.set(Timestamp(START));
    let room = room(&world, "room1", |_| {}).await;
    let plan = meeting("alice", "1", "20260201T090000Z", "");
    world.put(ONE, plan).await.unwrap();
    world.answer_all().await;
    assert_eq!(world.said(ONE).await, ["ACCEPTED"]);
    let accepted = world.booked(&room).await.remove(0);
    (world, room, Bytes::from(accepted))
}

/// Another meeting has the room's time, which the first one gave up.
async fn book_another(world: &World) {
    world.delete(ONE).await.unwrap();
    let other = meeting("alice", "2", "20260201T093000Z", "");
    world.put(TWO, other).await.unwrap();
    world.answer_all().await;
    assert_eq!(world.said(TWO).await, ["ACCEPTED"]);
}

#[tokio::test]
async fn what_comes_out_of_the_trash_takes_no_time_that_is_taken() {
    for is_taken in [false, true] {
        let (world, room, _) = booked().await;
        match is_taken {
            true => book_another(&world).await,
            false => drop(world.delete(ONE).await.unwrap()),
        }
        let (items, _) = world.desk.trash_list("room1", None, None).await.unwrap();
        let is_it =
            |it: &&TrashItem| it.collection == "calendar" && it.cause == TrashCause::Deleted;
        let deleted = items.iter().find(is_it);
        let done = world.desk.restore_item(&deleted.unwrap().id).await.unwrap();
        assert_eq!(world.booked(&room).await.len(), 1);
        if is_taken {
            assert_eq!((done.refused, done.returned), (1, 0));
            let says_why = |note: &String| note.contains("it is booked already at");
            assert!(done.notes.iter().any(says_why), "{:?}", done.notes);
        } else {
            assert_eq!((done.refused, done.returned), (0, 1));
        }
    }
}

#[tokio::test]
async fn what_is_imported_takes_no_time_that_is_taken() {
    let (world, room, accepted) = booked().await;
    book_another(&world).await;
    let mut calendar = path("room1/calendar");
    calendar.owner_kind = PrincipalKind::Location;
    let import = Import {
        calendar,
        on_conflict: OnConflict::Overwrite,
        conditions: Conditions::default(),
        dry_run: false,
    };
    let text = String::from_utf8(accepted.to_vec()).unwrap();
    let at = |uid: &str, start: &str| {
        let text = text.replace("UID:1\r\n", &format!("UID:{uid}\r\n"));
        Bytes::from(text.replace("20260201T090000Z", start))
    };
    // the third has the time of the second, which comes with it
    let objects = incoming(&[
        accepted.clone(),
        at("3", "20260202T090000Z"),
        at("4", "20260202T093000Z"),
    ]);
    let done = world.desk.import(&room, &import, &objects).await.unwrap();
    let is_refused = |outcome: &Imported| match outcome {
        Imported::Refused(Refusal::Precondition { detail, .. }) => {
            detail.contains("it is booked already at")
        }
        _ => false,
    };
    let refused: Vec<bool> = done.iter().map(is_refused).collect();
    assert_eq!(refused, [true, false, true], "{done:?}");
    assert_eq!(world.booked(&room).await.len(), 2);
}
