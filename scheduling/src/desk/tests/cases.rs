//! Cases of the list of behaviours that cross the desk and stand in no other test, named by their chapters.

use super::{
    meetings::{AT, START, answer, line, meeting},
    yielding::Yielding,
    *,
};

/// C4.5, RFC 6638 §8.1: the header of a calendar's DELETE is for all that is in it.
#[tokio::test]
async fn a_calendar_is_deleted_with_and_without_a_word() {
    for schedule_reply in [true, false] {
        let world = world().await;
        world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let other = making("bob/other", CollectionKind::Calendar);
        world.desk.make_collection(&world.bob, other).await.unwrap();
        let (at, _, _) = world.bobs().await;
        let carried = transfer(&at, "bob/other/m.ics", false);
        world.desk.transfer(&world.bob, carried).await.unwrap();
        let inbox = world.members("alice/inbox").await.len();
        let delete = Delete {
            path: path("bob/other"),
            conditions: Conditions::default(),
            schedule_reply,
        };
        world.desk.delete(&world.bob, delete).await.unwrap();
        let text = world.text_at(AT).await;
        let said = line(&text, "ATTENDEE", "bob@example.com");
        assert_eq!(said.contains("PARTSTAT=DECLINED"), schedule_reply, "{said}");
        let told = world.members("alice/inbox").await.len() - inbox;
        assert_eq!(told, usize::from(schedule_reply));
    }
}

/// RFC 6638 §8.1: whether a reply is sent is for attendees to say; who organizes a meeting calls it off for everybody, by its
/// removal and by that of its calendar.
#[tokio::test]
async fn an_organizer_does_not_leave_without_a_word() {
    for at in [AT, "alice/work"] {
        let world = world().await;
        world
            .make("alice/work", CollectionKind::Calendar)
            .await
            .unwrap();
        let object = if at == AT { AT } else { "alice/work/m.ics" };
        world
            .put(object, meeting("m", "Plan", START))
            .await
            .unwrap();
        let delete = Delete {
            path: path(at),
            conditions: Conditions::default(),
            schedule_reply: false,
        };
        world.desk.delete(&world.alice, delete).await.unwrap();
        assert!(world.bobs().await.2.contains("STATUS:CANCELLED"), "{at}");
        let mails = world.mails().await;
        assert_eq!(mails.last().unwrap().method, "CANCEL", "{at}");
    }
}

/// RFC 4918 §6 and RFC 6638 §4: a lock keeps clients out, and no message: neither an answer, nor how a mail fared.
#[tokio::test]
async fn a_lock_stops_no_message() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let lock = locks::taking(AT, true, false);
    world.desk.lock(&world.alice, lock).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let answered = answer(&text, "ACCEPTED");
    world.put_as(&world.bob, &at, answered).await.unwrap();
    let (id, work, _) = world.due_mails().await.remove(0);
    let outcome = mail::DeliveryOutcome::Rejected;
    let recorded = world.desk.record_delivery(&id, &work, outcome, None);
    recorded.await.unwrap();
    world.write_mail_statuses().await;
    let text = world.text_at(AT).await;
    for (address, says) in [
        ("bob@example.com", "PARTSTAT=ACCEPTED"),
        ("xenia@elsewhere.test", "SCHEDULE-STATUS=5.2"),
    ] {
        let line = line(&text, "ATTENDEE", address);
        assert!(line.contains(says), "{line}");
    }
    let refused = world.put(AT, meeting("m", "Another", START)).await;
    assert!(
        matches!(refused, Err(Refusal::Locked { .. })),
        "it is still locked"
    );
}

/// RFC 6638 §4.3: a to-do comes into the first other calendar that takes one, where the default calendar is for events; it
/// stays there, and goes nowhere where no calendar takes one.
#[tokio::test]
async fn a_to_do_comes_where_to_dos_are() {
    for has_other in [true, false] {
        let world = world().await;
        let mut calendars = vec![("bob/events", "VEVENT")];
        if has_other {
            calendars.extend([("bob/tasks", "VTODO"), ("bob/todos", "VTODO")]);
        }
        for (at, component) in calendars {
            let make = MakeCollection {
                components: vec![component.to_owned()],
                ..making(at, CollectionKind::Calendar)
            };
            world.desk.make_collection(&world.bob, make).await.unwrap();
        }
        let store = world.desk.store();
        let events = store.resolve(&path("bob/events")).await.unwrap().unwrap();
        let events = events.collection().id;
        let bob = world.bob.principal.id;
        let changed = store.change_principal(bob, |bob| bob.default_calendar = Some(events));
        changed.await.unwrap();
        let delete = Delete {
            path: path("bob/calendar"),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        world.desk.delete(&world.bob, delete).await.unwrap();
        for summary in ["First", "Second"] {
            let task = format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:t\r\n\
                 DTSTAMP:20260101T000000Z\r\nDUE:20270201T090000Z\r\nSUMMARY:{summary}\r\n\
                 ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
                 END:VTODO\r\nEND:VCALENDAR\r\n"
            );
            world.put("alice/calendar/t.ics", task).await.unwrap();
            let text = world.text_at("alice/calendar/t.ics").await;
            let bobs = line(&text, "ATTENDEE", "bob@example.com");
            let status = if has_other { "1.2" } else { "5.2" };
            assert!(
                bobs.contains(&format!("SCHEDULE-STATUS={status}")),
                "{bobs}"
            );
            assert!(world.members("bob/events").await.is_empty());
            if has_other {
                let tasks = world.members("bob/tasks").await;
                assert_eq!(tasks.len(), 1);
                assert!(world.text(&tasks[0].1).await.contains(summary));
                assert!(world.members("bob/todos").await.is_empty());
            }
        }
    }
}

/// C4.7, C11: one client accepts by storing what it found in the inbox, under a name of its own, another one in the
/// calendar, at the same time. There is one copy, and both sides say the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_accept_one_invitation_at_once() {
    for round in 0..10 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(Yielding(Arc::new(memory)))
        })
        .await;
        let world = Arc::new(world);
        world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let (_, item) = world.members("bob/inbox").await.remove(0);
        let item = world.text(&item).await.replace("METHOD:REQUEST\r\n", "");
        let (at, _, copy) = world.bobs().await;
        let second = ["ACCEPTED", "TENTATIVE"][round % 2];
        let puts = [
            (
                "bob/calendar/own.ics".to_owned(),
                answer(&item, "ACCEPTED"),
                if_none_match("*"),
            ),
            (at.clone(), answer(&copy, second), Conditions::default()),
        ];
        let tasks = puts.map(|(at, text, conditions)| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let put = Put {
                    path: path(&at),
                    content_type: None,
                    octets: text.into(),
                    conditions,
                    schedule_reply: true,
                };
                world.desk.put(&world.bob, put).await.map(drop)
            })
        });
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let (found, _, copy) = world.bobs().await;
        assert_eq!(found, at, "the name that the delivery gave it");
        let organizers = world.text_at(AT).await;
        let said = |text: &str| {
            let line = line(text, "ATTENDEE", "bob@example.com");
            let all = ["ACCEPTED", "TENTATIVE"].into_iter();
            let mut said = all.filter(|it| line.contains(&format!("PARTSTAT={it}")));
            said.next().unwrap_or_else(|| panic!("{line}"))
        };
        assert_eq!(said(&copy), said(&organizers));
        assert!(["ACCEPTED", second].contains(&said(&copy)));
    }
}

/// The meeting as Bob put it into his calendar himself, with an alarm, and without the people.
fn of_bobs_own(summary: &str) -> Bytes {
    let alarm = "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
    let text = String::from_utf8(event("m", summary).to_vec()).unwrap();
    Bytes::from(text.replace("END:VEVENT", alarm))
}

/// C4.7: whoever is invited to what they put into their calendar before has it once, as an invitation, with their alarms;
/// what stood there is in the trash.
#[tokio::test]
async fn an_invitation_takes_the_place_of_the_same_event() {
    let world = trash::keeping(trash::ALL).await;
    let at = "bob/calendar/own.ics";
    let own = world.put_as(&world.bob, at, of_bobs_own("Plan"));
    own.await.unwrap();
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (stands_at, object, text) = world.bobs().await;
    assert_eq!(stands_at, at);
    let facts = object.calendar.unwrap();
    assert!(facts.scheduling && facts.schedule_tag.is_some());
    assert!(line(&text, "ORGANIZER", "alice@example.com").contains("CN=Alice"));
    assert!(text.contains("TRIGGER:-PT5M"), "{text}");
    assert_eq!(world.members("bob/inbox").await.len(), 1);
    let kept = world.desk.trash_list("bob", None, None).await.unwrap().0;
    assert_eq!(kept.len(), 1, "{kept:?}");
    let alices = world.text_at(AT).await;
    let status = line(&alices, "ATTENDEE", "bob@example.com");
    assert!(status.contains("SCHEDULE-STATUS=1.2"), "{status}");
    // and from then on it is a copy like any other
    world.put(AT, meeting("m", "Later", START)).await.unwrap();
    let (_, _, text) = world.bobs().await;
    assert!(text.contains("SUMMARY:Later") && text.contains("TRIGGER:-PT5M"));
    world
        .put_as(&world.bob, at, answer(&text, "ACCEPTED"))
        .await
        .unwrap();
    let alices = world.text_at(AT).await;
    let bobs = line(&alices, "ATTENDEE", "bob@example.com");
    assert!(bobs.contains("PARTSTAT=ACCEPTED"), "{bobs}");
}

/// C4.7: another event with the same UID stays as it is. The invitation comes into another calendar, or waits in the inbox
/// for somebody to look at it.
#[tokio::test]
async fn an_invitation_takes_the_place_of_no_other_event() {
    for (summary, start) in [("Lunch", START), ("Plan", "20260202T090000Z")] {
        for has_other in [true, false] {
            let world = world().await;
            let at = "bob/calendar/own.ics";
            let own = of_bobs_own("Plan");
            world.put_as(&world.bob, at, own.clone()).await.unwrap();
            if has_other {
                let make = making("bob/other", CollectionKind::Calendar);
                world.desk.make_collection(&world.bob, make).await.unwrap();
            }
            world.put(AT, meeting("m", summary, start)).await.unwrap();
            assert_eq!(world.octets(at).await, Some(own));
            let alices = world.text_at(AT).await;
            let said = line(&alices, "ATTENDEE", "bob@example.com");
            let status = if has_other { "1.2" } else { "5.3" };
            assert!(
                said.contains(&format!("SCHEDULE-STATUS={status}")),
                "{said}"
            );
            let inbox = world.members("bob/inbox").await;
            assert_eq!(inbox.len(), 1);
            let item = world.text(&inbox[0].1).await;
            assert_eq!(item.contains("has this UID"), !has_other, "{item}");
            if has_other {
                let copies = world.members("bob/other").await;
                assert_eq!(copies.len(), 1);
                assert!(world.text(&copies[0].1).await.contains(summary));
            }
        }
    }
}

/// RFC 5546 §2.1.5: of messages with the same SEQUENCE, DTSTAMP tells which is the later one, and it counts seconds; whether
/// there is a log or not.
#[tokio::test]
async fn what_is_told_within_a_second_has_an_order() {
    for scheduling_log in [true, false] {
        let settings = Settings {
            scheduling_log,
            ..Settings::default()
        };
        let world = world_with(settings, |memory| Arc::new(memory)).await;
        let mut stamps = Vec::new();
        for summary in ["Plan", "Other", "Third"] {
            world.put(AT, meeting("m", summary, START)).await.unwrap();
            let mails = world.mails().await;
            let newest = unfolded(&mails.last().unwrap().calendar);
            assert!(
                newest.contains(&format!("SUMMARY:{summary}\r\n")),
                "{newest}"
            );
            assert!(!newest.contains("SEQUENCE:1"), "{newest}");
            let mut lines = newest.lines().map(str::to_owned);
            stamps.extend(lines.find(|line| line.starts_with("DTSTAMP:")));
        }
        assert_eq!(stamps.len(), 3);
        assert!(stamps.is_sorted_by(|one, other| one < other), "{stamps:?}");
    }
}
