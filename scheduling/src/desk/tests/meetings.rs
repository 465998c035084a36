//! Meetings: an organizer, attendees here and elsewhere (RFC 6638 §3.2, §4).

use super::{yielding::Yielding, *};
use crate::mail::DeliveryOutcome;

/// A meeting of Alice with Bob and with Xenia, who is elsewhere.
pub(super) fn meeting(uid: &str, summary: &str, start: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:{summary}\r\n\
         ORGANIZER;CN=Alice:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Bob@example.com\r\n\
         ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:xenia@elsewhere.test\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

pub(super) const START: &str = "20260201T090000Z";
pub(super) const AT: &str = "alice/calendar/m.ics";

/// The line of an attendee or the organizer.
pub(super) fn line<'a>(text: &'a str, property: &str, address: &str) -> &'a str {
    let wanted = format!(":mailto:{address}");
    let is_it = |line: &&str| line.starts_with(property) && line.to_lowercase().ends_with(&wanted);
    text.lines()
        .find(is_it)
        .unwrap_or_else(|| panic!("no {property} {address} in {text}"))
}

/// What Bob puts to answer: his copy with another PARTSTAT.
pub(super) fn answer(text: &str, status: &str) -> String {
    let own = |line: &str| line.to_lowercase().ends_with(":mailto:bob@example.com");
    let answered = |line: &str| match line.rsplit_once(':').filter(|_| own(line)) {
        Some((_, address)) => format!("ATTENDEE;PARTSTAT={status}:mailto:{address}\r\n"),
        None => format!("{line}\r\n"),
    };
    text.lines().map(answered).collect()
}

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

/// RFC 6638 §3.2.1.1, §3.2.9
#[tokio::test]
async fn an_invitation_is_delivered_in_one_commit() {
    let world = world().await;
    let before = world.desk.store().backend().revision();
    let written = world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    assert_eq!(world.desk.store().backend().revision().0, before.0 + 1);
    assert!(written.created && written.schedule_tag.is_some());
    assert_eq!(written.etag, None, "SCHEDULE-STATUS was added");

    let stored = world.text_at(AT).await;
    assert!(
        line(&stored, "ATTENDEE", "bob@example.com").contains("SCHEDULE-STATUS=1.2"),
        "{stored}"
    );
    let external = line(&stored, "ATTENDEE", "xenia@elsewhere.test");
    assert!(external.contains("SCHEDULE-STATUS=1.0"), "{stored}");

    let (_, object, text) = world.bobs().await;
    let facts = object.calendar.unwrap();
    assert!(facts.scheduling && facts.schedule_tag.is_some());
    assert!(
        text.contains("SUMMARY:Plan")
            && !text.contains("METHOD")
            && !text.contains("SCHEDULE-STATUS")
    );
    let inbox = world.members("bob/inbox").await;
    assert_eq!(inbox.len(), 1);
    assert!(world.text(&inbox[0].1).await.contains("METHOD:REQUEST"));

    let mails = world.due_mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].2.to.address.as_str(), mails[0].2.method.as_str()),
        ("xenia@elsewhere.test", "REQUEST")
    );
}

/// RFC 6638 §3.2.2, §4.2, §3.2.10: the answer reaches the organizer; the tag stays, the ETag changes.
#[tokio::test]
async fn an_answer_reaches_the_organizer() {
    let world = world().await;
    let invited = world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let before = world.object(AT).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let bob = world.bob.clone();
    world
        .put_as(&bob, &at, answer(&text, "ACCEPTED"))
        .await
        .unwrap();

    let after = world.object(AT).await.unwrap();
    assert_ne!(after.etag, before.etag);
    assert_eq!(
        after.calendar.as_ref().unwrap().schedule_tag,
        invited.schedule_tag
    );
    let text = world.text(&after).await;
    let attendee = line(&text, "ATTENDEE", "bob@example.com");
    assert!(
        attendee.contains("PARTSTAT=ACCEPTED") && attendee.contains("SCHEDULE-STATUS=2.0"),
        "{text}"
    );
    let (_, _, text) = world.bobs().await;
    assert!(
        line(&text, "ORGANIZER", "alice@example.com").contains("SCHEDULE-STATUS=1.2"),
        "{text}"
    );
    let inbox = world.members("alice/inbox").await;
    assert_eq!(inbox.len(), 1);
    assert!(world.text(&inbox[0].1).await.contains("METHOD:REPLY"));

    // RFC 6638 §3.2.10: the organizer's client, which knows the tag only, does not undo the answer
    let tag = Conditions {
        if_schedule_tag_match: invited.schedule_tag,
        ..Conditions::default()
    };
    let alice = world.alice.clone();
    world
        .put_as_if(&alice, AT, meeting("m", "Better plan", START), tag)
        .await
        .unwrap();
    let text = world.text_at(AT).await;
    assert!(text.contains("SUMMARY:Better plan"));
    assert!(
        line(&text, "ATTENDEE", "bob@example.com").contains("PARTSTAT=ACCEPTED"),
        "{text}"
    );
}

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

/// RFC 6638 §3.2.1.3: the copies stay, cancelled.
#[tokio::test]
async fn deleting_cancels_for_everyone() {
    // C4.1
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.delete(AT).await.unwrap();
    let (_, _, text) = world.bobs().await;
    assert!(text.contains("STATUS:CANCELLED"), "{text}");
    assert_eq!(world.members("bob/inbox").await.len(), 2);
    let methods: Vec<String> = world
        .due_mails()
        .await
        .into_iter()
        .map(|(_, _, it)| it.method)
        .collect();
    assert_eq!(
        methods.iter().filter(|method| *method == "CANCEL").count(),
        1,
        "{methods:?}"
    );
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

/// RFC 6638 §3.2.2.4, §8.1
#[tokio::test]
async fn an_attendee_who_deletes_declines() {
    for (schedule_reply, expected) in [
        (true, "PARTSTAT=DECLINED"),
        (false, "PARTSTAT=NEEDS-ACTION"),
    ] {
        let world = world().await;
        world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let (at, ..) = world.bobs().await;
        let delete = Delete {
            path: path(&at),
            conditions: Conditions::default(),
            schedule_reply,
        };
        world.desk.delete(&world.bob, delete).await.unwrap();
        let text = world.text_at(AT).await;
        assert!(
            line(&text, "ATTENDEE", "bob@example.com").contains(expected),
            "{text}"
        );
    }
}

/// Our decision on C4.7: a client's own PUT of a delivered invitation is merged into the delivered copy.
#[tokio::test]
async fn an_own_copy_is_merged_into_the_delivered_one() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let bob = world.bob.clone();
    for own in ["bob/calendar/own-name.ics", "bob/calendar/another.ics"] {
        let accepted = answer(&text, "ACCEPTED");
        let written = world
            .put_as_if(&bob, own, accepted, if_none_match("*"))
            .await
            .unwrap();
        assert_eq!(
            (written.created, written.elsewhere, written.etag),
            (false, Some(path(&at)), None)
        );
    }
    world.bobs().await;
    let text = world.text_at(AT).await;
    assert!(
        line(&text, "ATTENDEE", "bob@example.com").contains("PARTSTAT=ACCEPTED"),
        "{text}"
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

/// RFC 6638 §3.2.10: a client that has not seen that its owner is asked again does not answer in their place, by whichever
/// condition it knows.
#[tokio::test]
async fn an_old_answer_is_not_given_again() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let answered = answer(&text, "ACCEPTED");
    world.put_as(&world.bob, &at, answered).await.unwrap();
    let (_, seen, text) = world.bobs().await;
    // Alice's client says NEEDS-ACTION of Bob
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let tag = seen.calendar.unwrap().schedule_tag;
    let by_tag = Conditions {
        if_schedule_tag_match: tag,
        ..Conditions::default()
    };
    for conditions in [if_match(&seen.etag), by_tag] {
        let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
        let octets = text.replace("END:VEVENT", alarm);
        let refused = world.put_as_if(&world.bob, &at, octets, conditions).await;
        assert!(
            matches!(refused, Err(Refusal::ConditionFailed(_))),
            "{refused:?}"
        );
    }
    let stored = world.text_at(AT).await;
    let bob = line(&stored, "ATTENDEE", "bob@example.com");
    assert!(bob.contains("PARTSTAT=NEEDS-ACTION"), "{bob}");
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

/// C6.2: a client that knows only If-Match, and has not seen that somebody answered, does not lose its edit; nor is the
/// answer lost. Who has not seen an edit is told so.
#[tokio::test]
async fn an_entity_tag_that_only_an_answer_superseded_still_holds() {
    let world = world().await;
    let octets = |summary: &str| Bytes::from(meeting("m", summary, START));
    world.put(AT, octets("Plan")).await.unwrap();
    let seen = world.object(AT).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let accepted = text.replace(
        "PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Bob@",
        "PARTSTAT=ACCEPTED:mailto:Bob@",
    );
    assert_ne!(accepted, text);
    world.put_as(&world.bob, &at, accepted).await.unwrap();
    let answered = world.object(AT).await.unwrap();
    assert_ne!(answered.etag, seen.etag);
    assert!(answered.has_superseded(&seen.etag));
    let edit = world
        .put_if(AT, octets("Other"), if_match(&seen.etag))
        .await;
    edit.unwrap();
    let after = world.object(AT).await.unwrap();
    let text = world.text(&after).await;
    assert!(text.contains("SUMMARY:Other"), "{text}");
    assert!(
        text.contains("PARTSTAT=ACCEPTED;RSVP=TRUE;SCHEDULE"),
        "{text}"
    );
    assert_eq!(
        after.superseded_count(),
        0,
        "an edit is nothing that need not be seen"
    );
    for etag in [&seen.etag, &answered.etag, "another"] {
        let refused = world.put_if(AT, octets("Third"), if_match(etag)).await;
        assert_eq!(refused.unwrap_err(), Refusal::ConditionFailed("If-Match"));
    }
    // a deletion must have seen everything
    world
        .put_as(
            &world.bob,
            &at,
            text_of_bob(&world).await.replace("ACCEPTED", "DECLINED"),
        )
        .await
        .unwrap();
    let refused = world.delete_if(AT, if_match(&after.etag)).await;
    assert_eq!(refused.unwrap_err(), Refusal::ConditionFailed("If-Match"));
}

async fn text_of_bob(world: &World) -> String {
    world.bobs().await.2
}
