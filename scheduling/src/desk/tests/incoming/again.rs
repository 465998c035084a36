//! What could not be taken in may come again, and meets other changes.

use super::*;

#[tokio::test]
async fn what_there_is_no_room_for_may_come_again() {
    let settings = Settings {
        limits: Limits {
            quota_octets: Some(100),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    for _ in 0..2 {
        let reception = world.receive(&invitation(0, "")).await;
        assert_eq!(
            (reception.effect, reception.status.as_str()),
            (Effect::NotApplied, "5.1")
        );
    }
}

/// Nobody is told that something waits for a decision where there is no room for it to wait.
#[tokio::test]
async fn what_there_is_no_room_to_wait_in_may_come_again() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(2_000);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, with_xenia()).await.unwrap();
    let home = world.alice.principal.home.unwrap();
    let used = world.desk.store().used_octets(home).await.unwrap();
    let filler = event("filler", "").len();
    let free = 2_000 - usize::try_from(used).unwrap() - filler - 20;
    world
        .put(
            "alice/calendar/filler.ics",
            event("filler", &"x".repeat(free)),
        )
        .await
        .unwrap();
    for message in [to_alice("COUNTER", ""), crasher()] {
        for _ in 0..2 {
            let reception = world.receive(&message).await;
            let effect = (reception.effect, reception.status.as_str());
            assert_eq!(effect, (Effect::NotApplied, "5.1"), "{}", message.sender);
        }
    }
    assert_eq!(world.members("alice/inbox").await.len(), 0);
}

/// A failure anywhere leaves nothing, and the message has its effect when it comes again.
#[tokio::test]
async fn a_failed_commit_leaves_nothing_and_the_next_attempt_all() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    let before = world.all().await;
    let error = CommitError::Unavailable("for a test".to_owned());
    faulty.fail_commit(1, error);
    let failed = world.desk.receive_message(&invitation(0, "")).await;
    assert!(matches!(failed, Err(Refusal::Unavailable(_))), "{failed:?}");
    faulty.heal();
    assert_eq!(world.all().await, before);
    assert_eq!(
        world.receive(&invitation(0, "")).await.effect,
        Effect::Applied
    );
    // the answer is not known to have come, though it did
    assert_eq!(
        world.receive(&invitation(0, "")).await.effect,
        Effect::Repeated
    );
}

/// However edits, answers and messages meet, each answer is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_meet_edits() {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(yielding::Yielding(Arc::new(memory)))
    })
    .await;
    let world = Arc::new(world);
    let mut text = with_xenia();
    let people: Vec<String> = (0..6)
        .map(|it| format!("mailto:p{it}@elsewhere.test"))
        .collect();
    for person in &people {
        text = text.replace("END:VEVENT", &format!("ATTENDEE:{person}\r\nEND:VEVENT"));
    }
    world.put(AT, text.clone()).await.unwrap();
    let mut tasks = Vec::new();
    for person in &people {
        for _ in 0..2 {
            let mut reply = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
            let octets = reply.object.to_octets();
            let octets = String::from_utf8(octets.to_vec())
                .unwrap()
                .replace(XENIA, person);
            reply.object = parsed(&octets.replace("\r\n", "\n"));
            reply.sender.clone_from(person);
            let world = Arc::clone(&world);
            tasks.push(tokio::spawn(
                async move { world.receive(&reply).await.effect },
            ));
        }
    }
    for number in 0..4 {
        let text = text.replace("SUMMARY:Plan", &format!("SUMMARY:Plan {number}"));
        world.put(AT, text).await.unwrap();
    }
    let mut applied = 0;
    for task in tasks {
        applied += usize::from(task.await.unwrap() == Effect::Applied);
    }
    assert_eq!(applied, people.len());
    let text = world.text_at(AT).await;
    assert_eq!(accepted(&text), people.len() + 1, "{text}");
    assert_eq!(world.members("alice/inbox").await.len(), people.len());
    let (_, _, copy) = world.bobs().await;
    assert_eq!(accepted(&copy), people.len() + 1, "{copy}");
}
