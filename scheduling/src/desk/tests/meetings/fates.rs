//! How messages fared (RFC 6638 §3.2.9): mails, and what cannot be delivered.

use super::*;

/// RFC 4331: a quota bounds what others deliver, too. An invitation that does not fit is given up in the
/// end (RFC 6638 §3.2.9, 5.1); a meeting that stands there is kept right, without filling the inbox.
#[tokio::test]
async fn deliveries_stop_at_the_quota() {
    const QUOTA: u64 = 2_500;
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(QUOTA);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    assert_eq!(world.members("bob/inbox").await.len(), 1);
    let home = world.bob.principal.home.unwrap();
    let used = world.desk.store().used_octets(home).await.unwrap();
    let free = QUOTA - used - event("filler", "").len() as u64 - 100;
    let filler = event("filler", &"x".repeat(usize::try_from(free).unwrap()));
    world
        .put_as(
            &world.bob,
            "bob/calendar/filler.ics",
            String::from_utf8(filler.to_vec()).unwrap(),
        )
        .await
        .unwrap();
    world.delete("alice/calendar/m.ics").await.unwrap();
    world.put(AT, meeting("n", "Plan", START)).await.unwrap();
    let status = async || line(&world.text_at(AT).await, "ATTENDEE", "bob@example.com").to_owned();
    assert!(status().await.contains("SCHEDULE-STATUS=1.0"));
    // it is tried for some days
    for _ in 0..25 {
        world.clock.advance(6 * 60 * 60 * 1000);
        while world.desk.deliver_outstanding().await.unwrap() {}
    }
    assert!(status().await.contains("SCHEDULE-STATUS=5.1"));
    let mut texts = Vec::new();
    for (_, object) in world.members("bob/calendar").await {
        texts.push(world.text(&object).await);
    }
    assert!(!texts.iter().any(|text| text.contains("UID:n\r")));
    assert!(
        texts
            .iter()
            .any(|text| text.contains("UID:m\r") && text.contains("STATUS:CANCELLED")),
        "the cancellation came in"
    );
    assert_eq!(world.members("bob/inbox").await.len(), 1);
    assert!(world.desk.store().used_octets(home).await.unwrap() <= QUOTA + 100);
}

/// Our decision on C1.5.
#[tokio::test]
async fn an_invitation_that_was_never_sent_is_refused() {
    let world = world().await;
    let bob = world.bob.clone();
    let claimed = meeting("never", "Plan", START);
    let refused = world.put_as(&bob, "bob/calendar/m.ics", claimed).await;
    assert_eq!(
        violated(refused),
        Precondition::AllowedAttendeeSchedulingObjectChange
    );
    assert!(world.members("bob/calendar").await.is_empty());
}

/// RFC 6638 §3.2.9: what becomes of a mail says nothing of one that was decided later, whatever comes first.
#[tokio::test]
async fn how_an_older_mail_fared_says_nothing_of_a_newer_one() {
    let world = world().await;
    for summary in ["First", "Second"] {
        world.put(AT, meeting("m", summary, START)).await.unwrap();
        world.clock.advance(10_000);
    }
    let status = async || {
        let text = world.text_at(AT).await;
        let line = line(&text, "ATTENDEE", "xenia@elsewhere.test").to_owned();
        let (_, status) = line.split_once("SCHEDULE-STATUS=").unwrap();
        status[..3].to_owned()
    };
    let mails = world.due_mails().await;
    for (nth, outcome, expected) in [
        (0, DeliveryOutcome::Rejected, "1.0"),
        (1, DeliveryOutcome::Accepted, "1.1"),
    ] {
        let (id, work, mail) = &mails[nth];
        assert!(mail.details.summary.starts_with(["First", "Second"][nth]));
        let recorded = world.desk.record_delivery(id, work, outcome, None);
        recorded.await.unwrap();
        world.write_mail_statuses().await;
        assert_eq!(status().await, expected);
    }
    let log = world
        .desk
        .scheduling_log(&world.alice, &path(AT))
        .await
        .unwrap();
    let lines = log.iter().flat_map(|entry| &entry.lines);
    let fared = lines.filter(|line| line.status.as_deref() == Some("5.2"));
    assert_eq!(fared.count(), 1, "the log tells of each");
}

/// RFC 6638 §3.2.9, §3.2.10: statuses that are known later change the ETag, never the tag.
#[tokio::test]
async fn how_a_mail_fared_is_written_down() {
    // C7
    for (outcome, status) in [
        (DeliveryOutcome::Accepted, "1.1"),
        (DeliveryOutcome::Rejected, "5.2"),
    ] {
        let world = world().await;
        let written = world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let before = world.object(AT).await.unwrap();
        let mails = world.due_mails().await;
        let (id, work, _) = &mails[0];
        world
            .desk
            .record_delivery(id, work, outcome, None)
            .await
            .unwrap();
        world.write_mail_statuses().await;
        let after = world.object(AT).await.unwrap();
        let text = world.text(&after).await;
        let attendee = line(&text, "ATTENDEE", "xenia@elsewhere.test");
        assert!(
            attendee.contains(&format!("SCHEDULE-STATUS={status}")),
            "{text}"
        );
        assert_ne!(after.etag, before.etag);
        assert_eq!(after.calendar.unwrap().schedule_tag, written.schedule_tag);
        assert!(world.due_mails().await.is_empty());
        // again, by a worker that did not know: nothing happens
        world
            .desk
            .record_delivery(id, work, DeliveryOutcome::GivenUp, None)
            .await
            .unwrap();
        assert!(world.waiting(MAIL_STATUS_QUEUE).await.is_empty());
        assert_eq!(world.text_at(AT).await, text);
    }
}

#[tokio::test]
async fn a_mail_about_a_meeting_that_is_gone_ends_its_row() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let mails = world.due_mails().await;
    world.delete(AT).await.unwrap();
    let (id, work, _) = &mails[0];
    world
        .desk
        .record_delivery(id, work, DeliveryOutcome::Accepted, None)
        .await
        .unwrap();
    world.write_mail_statuses().await;
    assert!(world.waiting(MAIL_STATUS_QUEUE).await.is_empty());
    assert!(
        world
            .due_mails()
            .await
            .iter()
            .all(|(other, ..)| other != id)
    );
}

/// Who cannot be reached.
#[tokio::test]
async fn people_who_cannot_be_reached() {
    let settings = Settings {
        local_domains: vec!["example.com".into()],
        mail_possible: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let text = meeting("m", "Plan", START).replace("mailto:Bob@", "mailto:nobody@");
    world.put(AT, text).await.unwrap();
    let text = world.text_at(AT).await;
    assert!(
        line(&text, "ATTENDEE", "nobody@example.com").contains("SCHEDULE-STATUS=3.7"),
        "{text}"
    );
    assert!(
        line(&text, "ATTENDEE", "xenia@elsewhere.test").contains("SCHEDULE-STATUS=5.3"),
        "{text}"
    );
    assert!(world.due_mails().await.is_empty());
}
