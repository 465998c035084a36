//! How many messages one person may cause within an hour.

use super::{
    meetings::{AT, START, answer, meeting},
    *,
};

const HOUR: i64 = 60 * 60 * 1000;

async fn limited(maximum: u64) -> World {
    let mut settings = Settings::default();
    settings.limits.maximum_messages_per_hour = maximum;
    world_with(settings, |memory| Arc::new(memory)).await
}

async fn counted(world: &World, actor: &Actor) -> u64 {
    let store = world.desk.store();
    let counted = store.messages_counted(actor.principal.id, world.desk.now());
    counted.await.unwrap()
}

/// Over the limit nothing is stored and nothing is sent; another hour begins anew.
#[tokio::test]
async fn too_many_messages_are_refused_as_a_whole() {
    let world = limited(5).await;
    world.clock.advance(HOUR / 4);
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.put(AT, meeting("m", "Plans", START)).await.unwrap();
    assert_eq!(
        counted(&world, &world.alice).await,
        4,
        "Bob and Xenia, twice"
    );
    let revision = world.desk.store().backend().revision();
    let refused = world.put(AT, meeting("m", "Planning", START)).await;
    let expected = Refusal::TooManyMessages {
        maximum: 5,
        retry_after_seconds: 45 * 60,
    };
    assert_eq!(refused.unwrap_err(), expected);
    assert_eq!(world.delete(AT).await.unwrap_err(), expected);
    assert_eq!(world.desk.store().backend().revision(), revision);
    assert!(world.bobs().await.2.contains("SUMMARY:Plans"));

    // what sends nothing is possible, and so is what others do
    world
        .put("alice/calendar/e.ics", event("e", ""))
        .await
        .unwrap();
    let (at, _, text) = world.bobs().await;
    let text = answer(&text, "ACCEPTED");
    let put = world.put_as(&world.bob, &at, text);
    put.await.unwrap();
    assert_eq!(counted(&world, &world.bob).await, 1);

    world.clock.advance(HOUR);
    world
        .put(AT, meeting("m", "Planning", START))
        .await
        .unwrap();
    assert_eq!(counted(&world, &world.alice).await, 2);
}

/// What waits behind the answer counts with it, and not once more when it is delivered.
#[tokio::test]
async fn a_large_meeting_counts_at_once() {
    const PEOPLE: usize = 70;
    let world = limited(100).await;
    let mut attendees = String::new();
    for number in 0..PEOPLE {
        user(world.desk.store(), &format!("u{number}")).await;
        attendees += &format!("ATTENDEE:mailto:u{number}@example.com\r\n");
    }
    let text = meeting("m", "All", START).replace("END:VEVENT", &format!("{attendees}END:VEVENT"));
    world.put(AT, text.clone()).await.unwrap();
    let sent = PEOPLE as u64 + 2;
    assert_eq!(counted(&world, &world.alice).await, sent);
    while world.desk.deliver_outstanding().await.unwrap() {}
    assert_eq!(counted(&world, &world.alice).await, sent);
    let refused = world
        .put(AT, text.replace("SUMMARY:All", "SUMMARY:Everybody"))
        .await;
    assert!(
        matches!(refused, Err(Refusal::TooManyMessages { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn no_limit_counts_nothing() {
    let world = limited(0).await;
    for number in 0..20 {
        let text = meeting("m", &format!("Plan {number}"), START);
        world.put(AT, text).await.unwrap();
    }
    assert_eq!(counted(&world, &world.alice).await, 0);
}

/// A full home is told as such, whatever is counted beside it (RFC 4331 §6).
#[tokio::test]
async fn a_full_home_is_another_refusal() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(100);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let refused = violated(world.put(AT, meeting("m", "Plan", START)).await);
    assert_eq!(refused, Precondition::QuotaNotExceeded);
}
