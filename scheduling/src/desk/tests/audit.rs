//! The audit finds what rows say wrongly of their objects, and derives it again.

use super::*;
use crate::desk::audit::{QUEUES, audit};
use storage::{CheckEvent, Damage, Stored, model::Work};

/// What it finds.
pub(super) async fn audited(store: &Store) -> Vec<Damage> {
    run(store, false).await.0
}

async fn run(store: &Store, repair: bool) -> (Vec<Damage>, usize) {
    let (events, mut told) = tokio::sync::mpsc::channel(1_000);
    audit(store, repair, events).await.unwrap();
    let (mut damage, mut mendings) = (Vec::new(), 0);
    while let Some(event) = told.recv().await {
        match event {
            CheckEvent::Found(found) => damage.push(found),
            CheckEvent::Mended(_) => mendings += 1,
            CheckEvent::Unreadable(what) => panic!("{what}"),
            CheckEvent::Reading { .. } => {}
        }
    }
    (damage, mendings)
}

/// Stores an object as the desk would, and then as `change` has it.
async fn spoil(world: &World, change: impl Fn(&mut Object)) {
    world
        .put("alice/calendar/a.ics", event("a", "x"))
        .await
        .unwrap();
    let store = world.desk.store();
    let resolution = store
        .resolve(&path("alice/calendar/a.ics"))
        .await
        .unwrap()
        .unwrap();
    let Found::Object(before) = &resolution.found else {
        panic!("nothing there")
    };
    let mut after = before.value.clone();
    change(&mut after);
    let mut batch = store.batch();
    batch.put_object(resolution.collection(), "a.ics", Some(before), &after);
    store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn what_follows_from_the_octets_is_derived_again() {
    type Change = fn(&mut Object);
    let other = |object: &mut Object| {
        object.content = storage::model::Content::Inline(event("a", "x").slice(..40));
    };
    let cases: [(&str, &str, bool, Change); 6] = [
        ("the tag", "entity tag", true, |it| it.etag = "0".to_owned()),
        ("the UID", "UID", true, |it| {
            it.calendar.as_mut().unwrap().uid = "b".to_owned()
        }),
        ("the projection", "times", true, |it| {
            let other = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:a\r\n\
                         DTSTAMP:20260101T000000Z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";
            let limits = calendar::object::Limits::default();
            let other = calendar::CalendarObject::parse_shared(other.into(), &limits).unwrap();
            it.calendar.as_mut().unwrap().projection = crate::ObjectProjection::of(&other).encode();
        }),
        ("no iCalendar", "not iCalendar", false, other),
        ("no facts", "does not say", false, |it| it.calendar = None),
        ("no valid object", "today", false, |it| {
            let text = String::from_utf8(event("a", "x").to_vec()).unwrap();
            let text = text.replace("UID:a\r\n", "");
            it.content = storage::model::Content::Inline(text.into());
        }),
    ];
    for (case, words, can_be_mended, change) in cases {
        let world = world().await;
        let store = world.desk.store();
        spoil(&world, change).await;
        let (found, mendings) = run(store, false).await;
        assert_eq!((found.len(), mendings), (1, 0), "{case}: {found:?}");
        assert!(found[0].detail.contains(words), "{case}: {found:?}");
        assert_eq!(found[0].can_be_mended, can_be_mended, "{case}");
        assert_eq!(
            run(store, true).await.1,
            usize::from(can_be_mended),
            "{case}"
        );
        assert_eq!(
            run(store, false).await.0.is_empty(),
            can_be_mended,
            "{case}"
        );
        assert_eq!(store.check().await.unwrap(), [], "{case}");
    }
}

#[tokio::test]
async fn a_projection_of_other_rules_is_no_fault() {
    let world = world().await;
    spoil(&world, |it| {
        it.calendar.as_mut().unwrap().projection = Bytes::from_static(b"\0")
    })
    .await;
    assert_eq!(run(world.desk.store(), false).await, (Vec::new(), 0));
}

#[tokio::test]
async fn work_in_no_known_form_is_found_and_left() {
    let world = world().await;
    let store = world.desk.store();
    let queues = QUEUES.map(|(queue, _)| queue);
    for queue in queues {
        let work = Work::new(queue, Bytes::from_static(b"x"), Timestamp(0));
        let mut batch = store.batch();
        batch.enqueue(&store.new_work_id(Timestamp(0)), &work);
        store.commit(batch).await.unwrap();
    }
    let (found, mendings) = run(store, true).await;
    assert_eq!((found.len(), mendings), (queues.len(), 0));
    assert!(
        found
            .iter()
            .all(|damage| damage.row == "work" && !damage.can_be_mended)
    );
    let rows: Vec<Stored<Work>> = store
        .list_work(mail::QUEUE, None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, work)| work)
        .collect();
    assert_eq!(rows.len(), 1);
}
