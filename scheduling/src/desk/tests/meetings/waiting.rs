//! Meetings of many, and changes that meet: what waits, and what it is overtaken by.

use super::*;

/// Bob's two clients and Alice's edits at once end in one state: everybody's copies agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_at_once() {
    // C6.6
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    let world = Arc::new(world);
    world.put(AT, meeting("m", "0", START)).await.unwrap();
    let (at, ..) = world.bobs().await;
    let mut tasks = Vec::new();
    for client in 0..2 {
        let (world, at) = (Arc::clone(&world), at.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..6 {
                let status = ["ACCEPTED", "DECLINED", "TENTATIVE"][(client + round) % 3];
                let text = world.text_at(&at).await;
                let bob = world.bob.clone();
                world
                    .put_as(&bob, &at, answer(&text, status))
                    .await
                    .unwrap();
            }
        }));
    }
    let organizer = Arc::clone(&world);
    tasks.push(tokio::spawn(async move {
        for round in 1..6 {
            organizer
                .put(AT, meeting("m", &round.to_string(), START))
                .await
                .unwrap();
        }
    }));
    for task in tasks {
        task.await.unwrap();
    }
    let (alices, (_, _, bobs)) = (world.text_at(AT).await, world.bobs().await);
    let status = |text: &str| {
        let attendee = line(text, "ATTENDEE", "bob@example.com").to_owned();
        let from = attendee
            .find("PARTSTAT=")
            .map(|at| attendee[at..].to_owned());
        from.map(|rest| rest.split([';', ':']).next().unwrap_or_default().to_owned())
    };
    assert_eq!(status(&alices), status(&bobs), "{alices}\n{bobs}");
    assert!(
        alices.contains("SUMMARY:5") && bobs.contains("SUMMARY:5"),
        "{alices}\n{bobs}"
    );
}

/// More people than one commit holds: the change answers with 1.0 for those who wait, and bounded
/// commits finish it, each of them once.
#[tokio::test]
async fn a_large_meeting_is_finished_in_bounded_commits() {
    const LOCAL: usize = 120;
    const REMOTE: usize = 70;
    let world = world().await;
    let mut attendees = String::new();
    for number in 0..LOCAL {
        user(world.desk.store(), &format!("u{number}")).await;
        attendees += &format!("ATTENDEE:mailto:u{number}@example.com\r\n");
    }
    for number in 0..REMOTE {
        attendees += &format!("ATTENDEE:mailto:r{number}@elsewhere.test\r\n");
    }
    let text =
        meeting("m", "Assembly", START).replace("END:VEVENT", &format!("{attendees}END:VEVENT"));
    world.put(AT, text).await.unwrap();
    let count = async |status: &str| {
        let text = world.text_at(AT).await;
        let wanted = format!("SCHEDULE-STATUS={status}");
        text.lines()
            .filter(|line| line.starts_with("ATTENDEE") && line.contains(&wanted))
            .count()
    };
    let delivered = count("1.2").await;
    assert!(0 < delivered && delivered < LOCAL, "{delivered}");
    let tag = world
        .object(AT)
        .await
        .unwrap()
        .calendar
        .unwrap()
        .schedule_tag;
    let mut commits = 0;
    while world.desk.deliver_outstanding().await.unwrap() {
        commits += 1;
    }
    assert!(commits > 1);
    assert_eq!(count("1.2").await, LOCAL + 1, "with Bob");
    assert_eq!(
        world
            .object(AT)
            .await
            .unwrap()
            .calendar
            .unwrap()
            .schedule_tag,
        tag
    );
    for number in 0..LOCAL {
        assert_eq!(world.members(&format!("u{number}/calendar")).await.len(), 1);
        assert_eq!(world.members(&format!("u{number}/inbox")).await.len(), 1);
    }
    while world.post(mail::MAILING_QUEUE).await {}
    assert_eq!(world.due_mails().await.len(), REMOTE + 1, "with Xenia");
    assert!(!world.desk.deliver_outstanding().await.unwrap());
}

/// A cancellation that waits does not reach who is invited again meanwhile.
#[tokio::test]
async fn who_is_invited_again_is_not_called_off() {
    const LOCAL: usize = 80;
    let world = world().await;
    let line = |number: usize| format!("ATTENDEE:mailto:u{number:02}@example.com\r\n");
    for number in 0..LOCAL {
        user(world.desk.store(), &format!("u{number:02}")).await;
    }
    let with = |attendees: String| {
        meeting("m", "Plan", START).replace("END:VEVENT", &format!("{attendees}END:VEVENT"))
    };
    world
        .put(AT, with((0..LOCAL).map(line).collect()))
        .await
        .unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    world.clock.advance(60_000);
    world.put(AT, with(String::new())).await.unwrap();
    world.clock.advance(60_000);
    world.put(AT, with(line(LOCAL - 1))).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    for number in 0..LOCAL {
        let members = world.members(&format!("u{number:02}/calendar")).await;
        let is_off = world.text(&members[0].1).await.contains("STATUS:CANCELLED");
        assert_eq!(is_off, number != LOCAL - 1, "u{number:02}");
    }
}

/// What waits is not delivered to people who were taken out meanwhile, nor does it undo what came later.
#[tokio::test]
async fn what_waits_is_overtaken() {
    const LOCAL: usize = 80;
    let world = world().await;
    let mut attendees = String::new();
    for number in 0..LOCAL {
        user(world.desk.store(), &format!("u{number:02}")).await;
        attendees += &format!("ATTENDEE:mailto:u{number:02}@example.com\r\n");
    }
    let large = |summary: &str, attendees: &str| {
        meeting("m", summary, START).replace("END:VEVENT", &format!("{attendees}END:VEVENT"))
    };
    world.put(AT, large("First", &attendees)).await.unwrap();
    let last = format!("u{:02}", LOCAL - 1);
    let before_last = format!("u{:02}", LOCAL - 2);
    assert!(
        world.members(&format!("{last}/calendar")).await.is_empty(),
        "it waits"
    );
    let without_last = attendees.replace(&format!("ATTENDEE:mailto:{last}@example.com\r\n"), "");
    world.clock.advance(60_000);
    world.put(AT, large("Second", &without_last)).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    assert!(world.members(&format!("{last}/calendar")).await.is_empty());
    let members = world.members(&format!("{before_last}/calendar")).await;
    assert_eq!(members.len(), 1);
    assert!(world.text(&members[0].1).await.contains("SUMMARY:Second"));
    assert!(world.bobs().await.2.contains("SUMMARY:Second"));
}
