//! Where the copies of meetings stand: in which calendars, in whose homes, and behind which locks.

use super::*;

/// The answer is applied in whichever calendar holds the organizer's event.
#[tokio::test]
async fn copies_are_found_wherever_they_stand() {
    let world = world().await;
    world
        .make("alice/team", CollectionKind::Calendar)
        .await
        .unwrap();
    let first = world
        .put("alice/team/m.ics", meeting("m", "Plan", START))
        .await
        .unwrap();
    let (moved, _) = world
        .rename("alice/team/m.ics", "alice/calendar/n.ics")
        .await
        .unwrap();
    // RFC 6638 §3.2.10: a MOVE is a direct change
    assert!(moved.schedule_tag.is_some() && moved.schedule_tag != first.schedule_tag);
    assert_eq!(
        world.members("bob/inbox").await.len(),
        1,
        "a MOVE sends nothing"
    );
    let (at, _, text) = world.bobs().await;
    world
        .desk
        .make_collection(&world.bob, making("bob/mine", CollectionKind::Calendar))
        .await
        .unwrap();
    let moving = transfer(&at, "bob/mine/m.ics", false);
    world.desk.transfer(&world.bob, moving).await.unwrap();
    let bob = world.bob.clone();
    world
        .put_as(&bob, "bob/mine/m.ics", answer(&text, "TENTATIVE"))
        .await
        .unwrap();
    let text = world.text_at("alice/calendar/n.ics").await;
    assert!(
        line(&text, "ATTENDEE", "bob@example.com").contains("PARTSTAT=TENTATIVE"),
        "{text}"
    );
    world
        .put("alice/calendar/n.ics", meeting("m", "Other", START))
        .await
        .unwrap();
    assert!(
        world
            .text_at("bob/mine/m.ics")
            .await
            .contains("SUMMARY:Other")
    );
    assert!(world.members("bob/calendar").await.is_empty());
}

/// The same for the deletion of the calendar.
#[tokio::test]
async fn deleting_a_calendar_cancels_its_meetings() {
    // C4.5
    let world = world().await;
    world
        .make("alice/team", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/team/m.ics", meeting("m", "Plan", START))
        .await
        .unwrap();
    world
        .put("alice/team/n.ics", event("n", "mine alone"))
        .await
        .unwrap();
    world.delete("alice/team").await.unwrap();
    assert!(world.bobs().await.2.contains("STATUS:CANCELLED"));
    assert_eq!(
        world.tree("alice").await,
        ["alice/calendar/", "alice/inbox/", "alice/outbox/"]
    );
}

/// RFC 6638 §3.2.4.1
#[tokio::test]
async fn a_meeting_stands_in_one_calendar_of_its_owner() {
    let world = world().await;
    world
        .make("alice/team", CollectionKind::Calendar)
        .await
        .unwrap();
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let in_the_way = |refusal| match refusal {
        Refusal::Precondition {
            precondition,
            resource,
            ..
        } => (precondition, resource),
        other => panic!("{other:?}"),
    };
    let expected = (Precondition::UniqueSchedulingObjectResource, Some(path(AT)));
    let refused = world
        .put("alice/team/m.ics", meeting("m", "Plan", START))
        .await
        .unwrap_err();
    assert_eq!(in_the_way(refused), expected);
    let refused = world.copy(AT, "alice/team/m.ics").await.unwrap_err();
    assert_eq!(in_the_way(refused), expected);
    let (_, failures) = world.copy("alice/calendar", "alice/copy").await.unwrap();
    let failures: Vec<_> = failures
        .into_iter()
        .map(|(at, refusal)| (at, in_the_way(refusal)))
        .collect();
    assert_eq!(failures, [(path("alice/copy/m.ics"), expected)]);
    assert_eq!(
        world.members("bob/inbox").await.len(),
        1,
        "what was refused sent nothing"
    );
}

/// Our decision on C4.4: COPY to somebody else makes a plain object, MOVE is refused.
#[tokio::test]
async fn meetings_and_other_peoples_homes() {
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await;
    let mut root = Principal::clone(&world.alice.principal);
    root.administrator = true;
    let root = Actor::of(Arc::new(root));
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let refused = world
        .desk
        .transfer(&root, transfer(AT, "carol/calendar/m.ics", false))
        .await;
    assert_eq!(
        refused,
        Err(Refusal::Prohibited("a meeting stays with its owner"))
    );
    world
        .desk
        .transfer(&root, transfer(AT, "carol/calendar/m.ics", true))
        .await
        .unwrap();
    let facts = world
        .object("carol/calendar/m.ics")
        .await
        .unwrap()
        .calendar
        .unwrap();
    assert!(!facts.scheduling && facts.schedule_tag.is_none());
    let refused = world
        .desk
        .transfer(&root, transfer(AT, "bob/calendar/x.ics", true))
        .await;
    assert!(refused.is_err(), "Bob has this meeting");
    assert!(world.members("carol/inbox").await.is_empty());
    drop(carol);
}

/// RFC 6638 §3.2.3.3 and §3.2.3.4: from calendar to calendar there is nothing to schedule, of what is not scheduled either.
#[tokio::test]
async fn what_is_not_scheduled_is_not_in_another_home() {
    for keep_source in [true, false] {
        let world = world().await;
        let carol = user(world.desk.store(), "carol").await;
        let mut root = Principal::clone(&world.alice.principal);
        root.administrator = true;
        let root = Actor::of(Arc::new(root));
        // in Alice's calendar it is nobody's meeting, in Carol's it would be hers
        let of_carol =
            meeting("p", "Plan", START).replace("alice@example.com", "carol@example.com");
        let (plain, at) = ("alice/calendar/plain.ics", "carol/calendar/p.ics");
        world.put(plain, of_carol.clone()).await.unwrap();
        let done = world.desk.transfer(&root, transfer(plain, at, keep_source));
        done.await.unwrap();
        let facts = world.object(at).await.unwrap().calendar.unwrap();
        assert!(!facts.scheduling && facts.schedule_tag.is_none());
        assert!(world.members("bob/calendar").await.is_empty());
        assert!(world.mails().await.is_empty());
        let home = carol.principal.home.unwrap();
        let log = world.desk.scheduling_log_of(home, "p").await.unwrap();
        let line = log.last().unwrap().lines[0].to_string();
        assert!(line.starts_with("not scheduled: it came from"), "{line}");
        // until she changes what concerns others
        let later = of_carol.replace(START, "20260201T110000Z");
        world.put_as(&carol, at, later).await.unwrap();
        assert_eq!(
            (
                world.mails().await.len(),
                world.members("bob/inbox").await.len()
            ),
            (1, 1)
        );
    }
}

/// Locks never stop a delivery.
#[tokio::test]
async fn locks_do_not_stop_deliveries() {
    let world = world().await;
    let lock = TakeLock {
        deep: true,
        ..locks::taking("bob", true, true)
    };
    world.desk.lock(&world.bob, lock).await.unwrap();
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.bobs().await;
}
