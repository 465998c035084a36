//! How many time zones an object names.

use calendar::zone::MAXIMUM_ZONES;
use storage::model::Content;

use super::{
    meetings::{AT, START, answer, line, meeting},
    *,
};

/// A meeting that names so many zones.
fn with_zones(text: &str, zones: usize) -> String {
    let lines: String = (0..zones)
        .map(|number| format!("EXDATE;TZID=z{number}:20270101T090000\r\n"))
        .collect();
    text.replace("SUMMARY", &format!("{lines}SUMMARY"))
}

fn assert_refused(written: Result<Written, Refusal>) {
    let refused = written.unwrap_err();
    let Refusal::Precondition { precondition, .. } = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        *precondition,
        Precondition::ValidCalendarObjectResource,
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_comes_in_names_a_bounded_number() {
    let world = world().await;
    let text = meeting("m", "Plan", START);
    assert_refused(world.put(AT, with_zones(&text, MAXIMUM_ZONES + 1)).await);
    let most = with_zones(&text, MAXIMUM_ZONES);
    world.put(AT, most).await.unwrap();
    assert_refused(world.put(AT, with_zones(&text, MAXIMUM_ZONES + 1)).await);
}

/// An object that was stored before there was that bound, a meeting with its copies, is right, and can be answered, changed
/// and moved as any other.
#[tokio::test]
async fn a_stored_object_keeps_those_that_it_has() {
    const ZONES: usize = MAXIMUM_ZONES + 50;
    let world = world().await;
    let text = meeting("m", "Plan", START);
    world.put(AT, text.clone()).await.unwrap();
    let (bobs, _, copy) = world.bobs().await;
    for (at, text) in [(AT, &text), (&bobs, &copy)] {
        let stored = Bytes::from(with_zones(text, ZONES));
        world.replace_content(at, Content::Inline(stored)).await;
    }
    let accepted = answer(&world.text_at(&bobs).await, "ACCEPTED");
    world.put_as(&world.bob, &bobs, accepted).await.unwrap();
    let organizers = world.text_at(AT).await;
    let own = line(&organizers, "ATTENDEE", "bob@example.com");
    assert!(own.contains("PARTSTAT=ACCEPTED"), "{own}");

    let changed = organizers.replace("SUMMARY:Plan", "SUMMARY:Other plan");
    assert_refused(world.put(AT, with_zones(&changed, ZONES + 1)).await);
    world.put(AT, changed).await.unwrap();
    let (_, _, copy) = world.bobs().await;
    assert!(copy.contains("SUMMARY:Other plan"), "{copy}");

    let moved = "alice/calendar/moved.ics";
    world.rename(AT, moved).await.unwrap();
    let (events, mut told) = tokio::sync::mpsc::channel(100);
    audit(world.desk.store(), false, events).await.unwrap();
    while let Some(event) = told.recv().await {
        assert!(!matches!(event, storage::CheckEvent::Found(_)), "{event:?}");
    }
    // who takes them out has them no more
    world.put(moved, text.clone()).await.unwrap();
    assert_refused(world.put(moved, with_zones(&text, ZONES)).await);
}
