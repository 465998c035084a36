//! Imported meetings: nobody hears of them, and nobody is left out.

use super::*;

/// The table of decisions: imports send nothing, keep PARTSTAT, and leave the objects unscheduled until the
/// owner's next significant edit.
#[tokio::test]
async fn nobody_hears_of_it_until_the_owner_changes_something() {
    let world = world().await;
    let octets = meeting("m", "Plan");
    let told = world
        .import(&into("alice/calendar"), std::slice::from_ref(&octets))
        .await;
    assert_eq!(told, ["created m.ics"]);
    assert_eq!(
        world.octets("alice/calendar/m.ics").await.as_ref(),
        Some(&octets)
    );
    let is_silent = async || {
        world.waiting_mails().await == 0
            && world
                .tree("bob")
                .await
                .iter()
                .all(|at| !at.ends_with(".ics"))
    };
    assert!(is_silent().await);
    assert!(!world.is_scheduled("alice/calendar/m.ics").await);

    let renamed = edited(&octets, "SUMMARY:Plan", "SUMMARY:Another");
    let written = world
        .put("alice/calendar/m.ics", renamed.clone())
        .await
        .unwrap();
    assert_eq!(written.schedule_tag, None);
    assert!(written.etag.is_some(), "stored as it was sent");
    assert!(is_silent().await);
    world
        .rename("alice/calendar/m.ics", "alice/calendar/n.ics")
        .await
        .unwrap();
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .rename("alice/calendar/n.ics", "alice/second/m.ics")
        .await
        .unwrap();
    assert!(is_silent().await, "it moves as it is");
    let deleted = world
        .copy("alice/second/m.ics", "alice/calendar/gone.ics")
        .await;
    deleted.unwrap();
    world.delete("alice/calendar/gone.ics").await.unwrap();
    assert!(is_silent().await, "nobody is told that it goes");

    let later = edited(&renamed, "T090000Z", "T080000Z");
    let written = world.put("alice/second/m.ics", later).await.unwrap();
    assert!(written.schedule_tag.is_some());
    assert!(world.is_scheduled("alice/second/m.ics").await);
    assert_eq!(world.waiting_mails().await, 1);
    let bobs = world.tree("bob").await;
    assert_eq!(
        bobs.iter().filter(|at| at.ends_with(".ics")).count(),
        2,
        "copy and inbox item: {bobs:?}"
    );
}

/// RFC 6638 §3.2.4.1: a meeting stands in one calendar of its owner, whoever scheduled it or not.
#[tokio::test]
async fn a_meeting_stands_in_one_calendar() {
    let world = world().await;
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    let objects = [meeting("m", "Plan"), event("plain", "x")];
    world.import(&into("alice/calendar"), &objects).await;
    for _ in 0..2 {
        let done = world
            .desk
            .import(&world.alice, &into("alice/second"), &incoming(&objects))
            .await
            .unwrap();
        let Imported::Refused(Refusal::Precondition {
            precondition,
            resource,
            ..
        }) = &done[0]
        else {
            panic!("{done:?}")
        };
        assert_eq!(*precondition, Precondition::UniqueSchedulingObjectResource);
        assert_eq!(*resource, Some(path("alice/calendar/m.ics")));
        // the same where the other one is scheduled
        let later = edited(&objects[0], "T090000Z", "T080000Z");
        world.put("alice/calendar/m.ics", later).await.unwrap();
    }
    assert!(world.object("alice/second/plain.ics").await.is_some());
}

/// An invitation that is imported by its attendee waits for the answer; one that was delivered stays one.
#[tokio::test]
async fn an_attendees_copy() {
    let world = world().await;
    let octets = edited(
        &meeting("m", "Plan"),
        "mailto:alice@example.com",
        "mailto:olga@elsewhere.test",
    );
    let octets = edited(
        &octets,
        "mailto:bob@example.com",
        "mailto:alice@example.com",
    );
    world
        .import(&into("alice/calendar"), std::slice::from_ref(&octets))
        .await;
    assert_eq!(world.waiting_mails().await, 0);
    let declined = edited(&octets, "PARTSTAT=ACCEPTED", "PARTSTAT=DECLINED");
    world
        .put("alice/calendar/m.ics", declined.clone())
        .await
        .unwrap();
    assert_eq!(world.waiting_mails().await, 1);
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let tag = world
        .object("alice/calendar/m.ics")
        .await
        .unwrap()
        .calendar
        .unwrap()
        .schedule_tag;
    let told = world.import(&import, std::slice::from_ref(&octets)).await;
    assert_eq!(told, ["updated m.ics"]);
    let facts = world
        .object("alice/calendar/m.ics")
        .await
        .unwrap()
        .calendar
        .unwrap();
    assert!(facts.scheduling && facts.schedule_tag.is_some() && facts.schedule_tag != tag);
    assert_eq!(world.waiting_mails().await, 1, "an import answers nobody");
}

/// What would end somebody's part in a meeting must be told to the others, and an import tells nobody.
#[tokio::test]
async fn an_import_ends_no_meeting() {
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let organized = meeting("m", "Plan");
    let invited = edited(
        &edited(&organized, "mailto:alice", "mailto:olga"),
        "mailto:bob@",
        "mailto:alice@",
    );
    let plain = event("m", "Plan");
    for (standing, others, refused) in [
        (
            &organized,
            [&plain, &invited],
            "AllowedOrganizerSchedulingObjectChange",
        ),
        (
            &invited,
            [&plain, &organized],
            "AllowedAttendeeSchedulingObjectChange",
        ),
    ] {
        let world = world().await;
        let at = "alice/calendar/m.ics";
        world.put(at, standing.clone()).await.unwrap();
        assert!(world.is_scheduled(at).await);
        let before = (world.octets(at).await, world.waiting_mails().await);
        for other in others {
            let told = world.import(&import, std::slice::from_ref(other)).await;
            assert_eq!(told, [refused]);
            let dry = Import {
                dry_run: true,
                ..import.clone()
            };
            let told = world.import(&dry, std::slice::from_ref(other)).await;
            assert_eq!(told, [refused], "a dry run says so, too");
        }
        let after = (world.octets(at).await, world.waiting_mails().await);
        assert_eq!(after, before);
        // Once it is gone, and the others know, what comes is an object as any other.
        world.delete(at).await.unwrap();
        let told = world.import(&import, std::slice::from_ref(&plain)).await;
        assert_eq!(told, ["created m.ics"]);
        assert!(!world.is_scheduled(at).await);
    }
}

/// Nor does it leave anybody out of one, or of a part of it: they would have it for ever.
#[tokio::test]
async fn an_import_leaves_nobody_out() {
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let at = "alice/calendar/m.ics";
    let plan = meeting("m", "Plan");
    let bob = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com\r\n";
    let xenia = "ATTENDEE;PARTSTAT=TENTATIVE:mailto:xenia@elsewhere.test\r\n";
    let left = bob.replace("PARTSTAT", "SCHEDULE-AGENT=CLIENT;PARTSTAT");
    let left = edited(&plan, bob, &left);
    let series = edited(&plan, "SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY");
    let with_instance = |people: &str| {
        let instance = format!(
            "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Plan\r\n\
             RECURRENCE-ID:20260203T090000Z\r\nDTSTART:20260203T090000Z\r\nDTEND:20260203T100000Z\r\n\
             ORGANIZER:mailto:alice@example.com\r\n{people}END:VEVENT\r\nEND:VCALENDAR"
        );
        edited(&series, "END:VEVENT\r\nEND:VCALENDAR", &instance)
    };
    let dave = "ATTENDEE:mailto:dave@elsewhere.test\r\n";
    let all = format!("{bob}{xenia}{dave}");
    let refused = "AllowedOrganizerSchedulingObjectChange";
    let updated = "updated m.ics";
    for (standing, coming, expected) in [
        (&plan, edited(&plan, bob, ""), refused),
        (&plan, edited(&plan, xenia, ""), refused),
        (
            &plan,
            edited(&plan, xenia, &format!("{xenia}{dave}")),
            updated,
        ),
        (&left, edited(&plan, bob, ""), updated),
        (&with_instance(&all), series.clone(), refused),
        (
            &with_instance(&all),
            edited(&with_instance(&all), dave, ""),
            refused,
        ),
        (&series, with_instance(bob), refused),
        (&series, with_instance(&all), updated),
    ] {
        let world = world().await;
        world.put(at, standing.clone()).await.unwrap();
        let before = world.octets(at).await;
        let told = world.import(&import, std::slice::from_ref(&coming)).await;
        assert_eq!(told, [expected], "{coming:?}");
        assert_eq!(world.octets(at).await == before, expected == refused);
        assert!(world.is_scheduled(at).await);
    }
}

/// RFC 5546 §2.1.4: what others hear after an earlier state came back comes after what they heard before, log or not.
#[tokio::test]
async fn what_others_were_told_is_not_forgotten() {
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let at = "alice/calendar/m.ics";
    let first = meeting("m", "Plan");
    for hour in ["09", "10", "11"] {
        let moved = edited(&first, "T090000Z", &format!("T{hour}0000Z"));
        world
            .put(at, edited(&moved, "T100000Z", "T120000Z"))
            .await
            .unwrap();
    }
    let sequence = async || {
        let text = world.text_at(at).await;
        let line = text.lines().find_map(|line| line.strip_prefix("SEQUENCE:"));
        line.map_or(0, |number| number.parse::<u32>().unwrap())
    };
    let told = sequence().await;
    assert!(told >= 2);
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    for _ in 0..2 {
        let done = world.import(&import, std::slice::from_ref(&first)).await;
        assert_eq!(done, ["updated m.ics"]);
        assert_eq!(sequence().await, 0);
        let other = edited(&first, "SUMMARY:Plan", "SUMMARY:Other");
        let done = world.import(&import, &[other]).await;
        assert_eq!(done, ["updated m.ics"]);
    }
    world
        .put(at, edited(&first, "T090000Z", "T080000Z"))
        .await
        .unwrap();
    assert!(sequence().await > told);
}
