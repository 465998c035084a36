//! What is called off from outside stays so.

use super::*;

/// RFC 5546 §2.1.5: a cancellation that comes first has its effect when the invitation comes.
#[tokio::test]
async fn what_was_called_off_does_not_rise_again() {
    let cancel = |sequence| {
        let lines = format!("ORGANIZER:{XENIA}\nATTENDEE:{BOB}");
        message("CANCEL", &lines, sequence)
    };
    let world = world().await;
    let first = world.receive(&cancel(1)).await;
    assert_eq!(first.effect, Effect::NotApplied);
    let late = world.receive(&invitation(0, "")).await;
    assert_eq!(late.effect, Effect::NotApplied, "{late:?}");
    assert!(world.members("bob/calendar").await.is_empty());
    assert!(world.members("bob/inbox").await.is_empty());
    // invited anew, called off, removed: what comes late then stays away, too
    let anew = world.receive(&invitation(2, "")).await;
    assert_eq!(anew.effect, Effect::Applied);
    assert_eq!(world.receive(&cancel(4)).await.effect, Effect::Applied);
    let (file, _) = world.members("bob/calendar").await.remove(0);
    let delete = Delete {
        path: path(&format!("bob/calendar/{file}")),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.delete(&world.bob, delete).await.unwrap();
    let late = world.receive(&invitation(3, "")).await;
    assert_eq!(late.effect, Effect::NotApplied, "{late:?}");
    assert!(world.members("bob/calendar").await.is_empty());
    // another organizer's meeting is another one
    let mut other = invitation(0, "");
    let octets = other.object.to_octets();
    let text = String::from_utf8_lossy(&octets).replace(XENIA, YVES);
    other.object = parsed(&text.replace("\r\n", "\n"));
    other.sender = YVES.to_owned();
    assert_eq!(world.receive(&other).await.effect, Effect::Applied);
}

/// Whichever of the two comes first, and however their commits meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_meets_its_cancellation() {
    for _ in 0..20 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(yielding::Yielding(Arc::new(memory)))
        })
        .await;
        let world = Arc::new(world);
        let lines = format!("ORGANIZER:{XENIA}\nATTENDEE:{BOB}");
        let tasks = [invitation(0, ""), message("CANCEL", &lines, 1)].map(|message| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.receive(&message).await.effect })
        });
        for task in tasks {
            task.await.unwrap();
        }
        for (_, object) in world.members("bob/calendar").await {
            let text = world.text(&object).await;
            assert!(text.contains("STATUS:CANCELLED"), "{text}");
        }
    }
}

/// What comes bit by bit is bounded as a whole.
#[tokio::test]
async fn a_copy_does_not_grow_without_bound() {
    let settings = Settings {
        limits: Limits {
            maximum_resource_octets: 4_096,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.receive(&invitation(0, "")).await;
    let text = "x".repeat(1_500);
    let mut effects = Vec::new();
    for sequence in 1..5 {
        let lines = format!(
            "DTSTART:202602{:02}T090000Z\nDESCRIPTION:{text}\nORGANIZER:{XENIA}\nATTENDEE:{BOB}",
            sequence + 1
        );
        let reception = world.receive(&message("ADD", &lines, sequence)).await;
        effects.push(reception.effect);
    }
    assert_eq!(
        effects[..3],
        [Effect::Applied, Effect::Applied, Effect::Refused]
    );
    let (_, object, _) = world.bobs().await;
    let octets = world.desk.octets(&object).await.unwrap();
    assert!(octets.len() <= 4_096, "{}", octets.len());
}
