//! How many messages one person may cause within an hour.

use super::{
    meetings::{AT, START, answer, meeting},
    yielding::Yielding,
    *,
};

const HOUR: i64 = 60 * 60 * 1000;

fn limit(maximum: u64) -> Settings {
    let mut settings = Settings::default();
    settings.limits.maximum_messages_per_hour = maximum;
    settings
}

async fn limited(maximum: u64) -> World {
    world_with(limit(maximum), |memory| Arc::new(memory)).await
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

/// A meeting of more people than may be told of in any hour can be called off in one in which nothing else was sent.
#[tokio::test]
async fn a_meeting_over_the_limit_can_be_removed() {
    let mut world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let store = world.desk.store().clone();
    world.desk = Desk::new(store, limit(1));
    let other = meeting("o", "Other", START).replace("Bob@example.com", "nobody@elsewhere.test");
    let refused = world.put("alice/calendar/o.ics", other).await;
    assert!(matches!(refused, Err(Refusal::TooManyMessages { .. })));
    let refused = world.delete(AT).await;
    assert!(
        matches!(refused, Err(Refusal::TooManyMessages { .. })),
        "{refused:?}"
    );
    world.clock.advance(HOUR);
    world.delete(AT).await.unwrap();
    assert_eq!(counted(&world, &world.alice).await, 2);
    assert!(world.bobs().await.2.contains("STATUS:CANCELLED"));
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

impl World {
    async fn delete_calendar(&self, at: &str) -> Result<(), Refusal> {
        let delete = Delete {
            path: path(at),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        self.desk.delete(&self.alice, delete).await.map(drop)
    }

    /// A calendar with so many meetings of Alice with Bob and Xenia; what they cost is of another hour.
    async fn with_meetings(&self, at: &str, meetings: usize) {
        self.make(at, CollectionKind::Calendar).await.unwrap();
        for number in 0..meetings {
            self.clock.advance(HOUR);
            let uid = format!("m{number}");
            let text = meeting(&uid, "Plan", START);
            self.put(&format!("{at}/{uid}.ics"), text).await.unwrap();
        }
        self.clock.advance(HOUR);
    }
}

/// A calendar goes as a whole, or nobody hears anything.
#[tokio::test]
async fn a_calendar_that_would_send_too_much_stays() {
    let world = limited(7).await;
    world.with_meetings("alice/work", 3).await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let revision = world.desk.store().backend().revision();
    let refused = world.delete_calendar("alice/work").await;
    assert!(
        matches!(refused, Err(Refusal::TooManyMessages { .. })),
        "{refused:?}"
    );
    assert_eq!(world.desk.store().backend().revision(), revision);
    assert_eq!(world.members("alice/work").await.len(), 3);
    // nor is it emptied for what is moved into its place
    world
        .make("alice/other", CollectionKind::Calendar)
        .await
        .unwrap();
    let transfer = Transfer {
        overwrite: true,
        ..transfer("alice/other", "alice/work", false)
    };
    let refused = world.desk.transfer(&world.alice, transfer).await;
    assert!(
        matches!(refused, Err(Refusal::TooManyMessages { .. })),
        "{refused:?}"
    );
    assert_eq!(world.members("alice/work").await.len(), 3);

    world.clock.advance(HOUR);
    world.delete_calendar("alice/work").await.unwrap();
    assert_eq!(counted(&world, &world.alice).await, 6);
    for (_, object) in world.members("bob/calendar").await {
        let text = world.text(&object).await;
        assert_ne!(
            text.contains("STATUS:CANCELLED"),
            text.contains("UID:m\r"),
            "{text}"
        );
    }
}

/// What is more than there may be in any hour is done in one in which nothing else was sent, as a whole.
#[tokio::test]
async fn a_calendar_of_many_meetings_can_be_removed() {
    let world = limited(5).await;
    world.with_meetings("alice/work", 4).await;
    world.delete_calendar("alice/work").await.unwrap();
    assert_eq!(counted(&world, &world.alice).await, 8);
    let refused = world.put(AT, meeting("m", "Plan", START)).await;
    assert!(matches!(refused, Err(Refusal::TooManyMessages { .. })));
}

/// Four meetings are removed with their calendar, or with one that takes its place, and one more comes in so much later that
/// `pauses` calls of the store are made meanwhile; whether it was so late that there was nothing left to do.
async fn removed_with_a_late_one(is_replaced: bool, pauses: usize) -> bool {
    let world = world_with(limit(5), |memory| Arc::new(Yielding(Arc::new(memory)))).await;
    world.put(AT, meeting("late", "Plan", START)).await.unwrap();
    let other = making("alice/other", CollectionKind::Calendar);
    world
        .desk
        .make_collection(&world.alice, other)
        .await
        .unwrap();
    world.with_meetings("alice/work", 4).await;
    let mut removal = Box::pin(async {
        match is_replaced {
            true => world.rename("alice/other", "alice/work").await.map(drop),
            false => world.delete_calendar("alice/work").await,
        }
    });
    let mut left = pauses;
    while left > 0 {
        tokio::select! {
            biased;
            removed = &mut removal => {
                removed.unwrap();
                return true;
            }
            () = tokio::task::yield_now() => {}
        }
        left -= usize::from(world.object("alice/work/m3.ics").await.is_none());
    }
    // it only moves, which sends nothing
    let came = world.rename(AT, "alice/work/late.ics").await;
    assert!(matches!(came, Ok(_) | Err(Refusal::ParentMissing)));
    removal.await.unwrap();
    false
}

/// What has begun goes on, whatever comes in meanwhile and however late: no calendar stays that is half empty.
#[tokio::test]
async fn a_removal_that_has_begun_goes_on() {
    for is_replaced in [false, true] {
        let mut pauses = 1;
        while !removed_with_a_late_one(is_replaced, pauses).await {
            pauses += 1;
        }
        assert!(pauses > 1);
    }
}
