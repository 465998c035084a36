//! Views of collections: always what the members are.

use calendar::TimeRange;
use storage::model::{CollectionId, Member};

use super::*;
use crate::{
    calendar_view::{CalendarView, QUESTIONS_WITHOUT, Row, ViewBounds},
    projection::Verdict,
};

pub(super) async fn calendar_id(world: &World) -> CollectionId {
    let resolution = world.desk.store().resolve(&path("alice/calendar")).await;
    resolution.unwrap().unwrap().collection().id
}

/// Names, revisions and entity tags as the view has them, and as they are.
pub(super) async fn compare(world: &World) {
    let id = calendar_id(world).await;
    let shown = world.desk.shown(id).await.unwrap().unwrap();
    let seen: Vec<_> = shown.read(|view| {
        let row = |row: &Row| {
            (
                row.name.to_string(),
                row.revision,
                format!("{:?}", row.entity_tag),
            )
        };
        view.rows_after(None).map(row).collect()
    });
    let (members, _) = world.desk.store().members(id, None, 1_000).await.unwrap();
    let is: Vec<_> = members
        .into_iter()
        .filter_map(|listed| match listed.member.value {
            Member::Object(object) => Some((listed.name, listed.member.revision, object.etag)),
            Member::Collection(_) => None,
        })
        .collect();
    assert_eq!(seen, is);
    // What is in time is found there, and only that.
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let day = |day: &str| {
        TimeRange::between(
            at(&format!("{day}T00:00:00Z")),
            at(&format!("{day}T23:00:00Z")),
        )
    };
    let select =
        |range: &TimeRange| shown.read(|view| view.select(Some(range), |_| Verdict::Maybe).len());
    assert_eq!(select(&day("2026-02-01")), is.len());
    assert_eq!(select(&day("2026-02-03")), 0);
}

pub(super) async fn put_events(world: &World, calendar: &str, events: usize) {
    for number in 0..events {
        let at = format!("alice/{calendar}/{number}.ics");
        let event = event(&format!("{calendar} {number}"), "x");
        world.put(&at, event).await.unwrap();
    }
}

/// More than are read at once, under names that lie close together, far apart, and beyond ASCII.
#[tokio::test]
async fn a_view_of_many_is_made_of_all_of_them() {
    for names in [
        |number: usize| format!("{number}.ics"),
        |number: usize| format!("{}.ics", "x".repeat(number + 1)),
        |number: usize| format!("{:08x}.ics", (number as u32).wrapping_mul(2_654_435_769)),
        |number: usize| char::from_u32(0xE0 + number as u32 * 50).unwrap().into(),
    ] {
        let world = world().await;
        for number in 0..75 {
            let at = format!("alice/calendar/{}", names(number));
            let event = event(&format!("uid {number}"), "x");
            world.put(&at, event).await.unwrap();
        }
        compare(&world).await;
    }
}

#[tokio::test]
async fn a_view_follows_whatever_happens() {
    let world = world().await;
    compare(&world).await;
    let mut random = 1u64;
    for round in 0..200 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let name = |number: u64| format!("alice/calendar/{}.ics", number % 20);
        let (one, other) = (name(random >> 33), name(random >> 43));
        match (random >> 53) % 4 {
            0 => drop(world.delete(&one).await),
            1 if one != other => drop(world.rename(&one, &other).await),
            _ => drop(
                world
                    .put(&one, event(&format!("uid {one}"), &round.to_string()))
                    .await,
            ),
        }
        // Not after each, so that several changes come at once.
        if round % 3 == 0 {
            compare(&world).await;
        }
    }
    compare(&world).await;
}

#[tokio::test]
async fn two_ask_for_a_view_at_once() {
    let world = world().await;
    put_events(&world, "calendar", 50).await;
    let id = calendar_id(&world).await;
    let (one, other) = tokio::join!(world.desk.shown(id), world.desk.shown(id));
    let (one, other) = (one.unwrap().unwrap(), other.unwrap().unwrap());
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(one.read(|view| view.len()), 50);
}

/// What a member takes, and that what is counted is what is really there.
#[tokio::test]
async fn a_member_takes_little_memory() {
    const MEMBERS: usize = 40;
    let world = world().await;
    for number in 0..MEMBERS {
        let name = format!("alice/calendar/5f0c1e2a-7b9d-4c3e-8f10-{number:012}.ics");
        let lines = event(&number.to_string(), "x");
        world.put(&name, lines).await.unwrap();
    }
    let shown = world.desk.shown(calendar_id(&world).await).await.unwrap();
    let octets = shown.unwrap().read(CalendarView::octets) / MEMBERS;
    let own = size_of::<Row>() + "5f0c1e2a-7b9d-4c3e-8f10-000000000000.ics".len();
    assert!((own..220).contains(&octets), "{octets} octets for each");
}

/// Views are dropped, the oldest first, where they would take too much.
#[tokio::test]
async fn views_are_bounded() {
    let settings = Settings {
        views: ViewBounds { octets: 2_000 },
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world
        .make("alice/other", CollectionKind::Calendar)
        .await
        .unwrap();
    let mut ids = Vec::new();
    for calendar in ["calendar", "other"] {
        put_events(&world, calendar, 6).await;
        let resolution = world
            .desk
            .store()
            .resolve(&path(&format!("alice/{calendar}")))
            .await;
        ids.push(resolution.unwrap().unwrap().collection().id);
    }
    let first = world.desk.shown(ids[0]).await.unwrap().unwrap();
    world.desk.shown(ids[1]).await.unwrap().unwrap();
    let again = world.desk.shown(ids[0]).await.unwrap().unwrap();
    assert!(!Arc::ptr_eq(&first, &again), "it was dropped");
    // Who still looks at it may.
    assert_eq!(first.read(|view| view.len()), 6);
}

/// A calendar that is too large has no view; when it has shrunk it has one again.
#[tokio::test]
async fn a_view_that_is_too_large_is_not_made() {
    let settings = Settings {
        views: ViewBounds { octets: 500 },
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    put_events(&world, "calendar", 6).await;
    let id = calendar_id(&world).await;
    for _ in 0..2 * QUESTIONS_WITHOUT {
        assert!(world.desk.shown(id).await.unwrap().is_none());
    }
    // It shrinks, and a little later it is seen that it did; it grows, and is seen to at once.
    for number in 0..6 {
        let at = format!("alice/calendar/{number}.ics");
        world.delete(&at).await.unwrap();
    }
    let mut without = 0;
    while world.desk.shown(id).await.unwrap().is_none() {
        without += 1;
        assert!(without <= QUESTIONS_WITHOUT);
    }
    put_events(&world, "calendar", 6).await;
    assert!(world.desk.shown(id).await.unwrap().is_none());
}

/// A row whose projection was made by other rules is computed again.
#[tokio::test]
async fn older_projections_are_computed_again() {
    let world = world().await;
    world
        .put("alice/calendar/1.ics", event("1", "x"))
        .await
        .unwrap();
    let store = world.desk.store();
    let resolution = store
        .resolve(&path("alice/calendar/1.ics"))
        .await
        .unwrap()
        .unwrap();
    let Found::Object(before) = resolution.found.clone() else {
        panic!("it is there");
    };
    let mut after = before.value.clone();
    after.calendar.as_mut().unwrap().projection = Bytes::from_static(&[2, 0, 0, 0, 0, 1, 0, 0]);
    let mut batch = store.batch();
    batch.put_object(resolution.collection(), "1.ics", Some(&before), &after);
    store.commit(batch).await.unwrap();
    compare(&world).await;
}
