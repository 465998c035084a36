//! PUT, DELETE and reading of single objects.

use storage::access::Privilege;

use super::*;

#[tokio::test]
async fn octets_come_back_as_they_were_sent() {
    let world = world().await;
    let odd = Bytes::from_static(
        b"begin:vcalendar\nVERSION:2.0\nBEGIN:VEVENT\nuid:a\nDTSTART:20260201T090000Z\nSUMMARY:x\n  y\nX-Z:1\nEND:VEVENT\nEND:VCALENDAR\n",
    );
    let large = Bytes::from(vec![7; 300_000]);
    for (at, octets) in [
        ("alice/calendar/a.ics", odd),
        ("alice/empty", Bytes::new()),
        ("alice/large", large),
    ] {
        let written = world.put(at, octets.clone()).await.unwrap();
        assert!(written.created);
        let object = world.object(at).await.unwrap();
        assert_eq!(Some(object.etag), written.etag);
        assert_eq!(world.octets(at).await.unwrap(), octets);
    }
}

/// RFC 4791 §5.3.4: no strong ETag where the stored octets are not those that were sent.
#[tokio::test]
async fn no_etag_where_octets_had_to_change() {
    let world = world().await;
    let mut octets = event("a", "").to_vec();
    let at = octets
        .windows(8)
        .position(|window| window == b"SUMMARY:")
        .unwrap()
        + 8;
    octets.splice(at..at, [0xc3, b'\r', b'\n', b' ', 0xa4]);
    let written = world.put("alice/calendar/a.ics", octets).await.unwrap();
    assert_eq!(written.etag, None);
    let stored = world.octets("alice/calendar/a.ics").await.unwrap();
    assert!(
        std::str::from_utf8(&stored)
            .unwrap()
            .contains("SUMMARY:ä\r\n")
    );
}

/// RFC 9110 §8.8.3: the tag follows from the octets and from nothing else.
#[tokio::test]
async fn entity_tags() {
    let world = world().await;
    let first = world.put("alice/a", "one").await.unwrap().etag;
    let second = world.put("alice/a", "two").await.unwrap().etag;
    assert_ne!(first, second);
    let change = ChangeProperties {
        path: path("alice/a"),
        changes: vec![("{urn:x}p".into(), Some(Bytes::from_static(b"v")))],
        conditions: Conditions::default(),
    };
    world
        .desk
        .change_properties(&world.alice, change)
        .await
        .unwrap();
    assert_eq!(world.object("alice/a").await.map(|it| it.etag), second);
    let written = world.put("alice/a", "one").await.unwrap();
    assert_eq!((written.created, written.etag), (false, first));
    let object = world.object("alice/a").await.unwrap();
    assert_eq!(object.properties.len(), 1, "dead properties survive a PUT");
}

#[tokio::test]
async fn conditions_are_part_of_the_change() {
    let world = world().await;
    let at = "alice/calendar/a.ics";
    let failed = |field| Err(Refusal::ConditionFailed(field));
    assert_eq!(
        world.put_if(at, event("a", "1"), if_match("x")).await,
        failed("If-Match")
    );
    let etag = world
        .put_if(at, event("a", "1"), if_none_match("*"))
        .await
        .unwrap()
        .etag
        .unwrap();
    assert_eq!(
        world.put_if(at, event("a", "2"), if_none_match("*")).await,
        failed("If-None-Match")
    );
    world
        .put_if(at, event("a", "2"), if_match(&etag))
        .await
        .unwrap();
    assert_eq!(
        world.put_if(at, event("a", "3"), if_match(&etag)).await,
        failed("If-Match")
    );
    assert_eq!(
        world.delete_if(at, if_match(&etag)).await.unwrap_err(),
        Refusal::ConditionFailed("If-Match")
    );
    world.delete_if(at, if_match("*")).await.unwrap();
    assert_eq!(world.object(at).await, None);
    assert_eq!(world.delete(at).await, Err(Refusal::NotFound));
    // Thunderbird's probe: PUT of the home with If-Match
    assert_eq!(
        world
            .put_if("alice", Bytes::new(), if_match("nothing"))
            .await,
        failed("If-Match")
    );
}

#[tokio::test]
async fn places_where_nothing_can_be_put() {
    let world = world().await;
    let forbidden = |at: &str, privilege| Refusal::Forbidden {
        missing: vec![(path(at), privilege)],
    };
    let table = [
        ("alice", Refusal::NotAllowed("a collection has no content")),
        (
            "alice/calendar",
            Refusal::NotAllowed("a collection has no content"),
        ),
        ("alice/missing/a", Refusal::ParentMissing),
        ("alice/calendar/deep/a", Refusal::ParentMissing),
        (
            "alice/inbox/a.ics",
            forbidden("alice/inbox", Privilege::Bind),
        ),
        (
            "alice/outbox/a.ics",
            forbidden("alice/outbox", Privilege::Bind),
        ),
        ("alice/trash", forbidden("alice/trash", Privilege::Bind)),
        (
            "alice/notifications",
            forbidden("alice/notifications", Privilege::Bind),
        ),
        (
            "bob/calendar/a.ics",
            forbidden("bob/calendar", Privilege::Bind),
        ),
        (
            "bob/missing/a.ics",
            forbidden("bob/missing", Privilege::Bind),
        ),
        ("nobody/a", Refusal::NotFound),
        (
            "alice/calendar/\u{7}",
            Refusal::Conflict("a resource cannot have this name"),
        ),
    ];
    for (at, expected) in table {
        assert_eq!(world.put(at, event("a", "")).await, Err(expected), "{at}");
    }
}

/// RFC 4791 §5.3.2.1
#[tokio::test]
async fn preconditions_of_calendar_objects() {
    let mut settings = Settings::default();
    settings.limits.maximum_resource_octets = 600;
    settings.limits.maximum_attendees = 2;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let with = |lines: &str| {
        let text = String::from_utf8(event("a", "x").to_vec()).unwrap();
        text.replace("SUMMARY:x\r\n", lines)
    };
    let attendee = "ATTENDEE:mailto:x@elsewhere.test\r\n";
    let table = [
        (None, String::new(), Precondition::ValidCalendarData),
        (
            None,
            "BEGIN:VCARD\r\nEND:VCARD\r\n".into(),
            Precondition::ValidCalendarData,
        ),
        (
            None,
            with("SUMMARY:\u{1}\r\n"),
            Precondition::ValidCalendarData,
        ),
        (
            None,
            with("").replace("UID:a\r\n", ""),
            Precondition::ValidCalendarObjectResource,
        ),
        (
            None,
            with("").replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST"),
            Precondition::ValidCalendarObjectResource,
        ),
        (
            None,
            with("").replace("VEVENT", "VJOURNAL"),
            Precondition::SupportedCalendarComponent,
        ),
        (
            None,
            with(&"X-A:012345678901234567890123456789\r\n".repeat(20)),
            Precondition::MaxResourceSize,
        ),
        (
            None,
            with(&attendee.repeat(3)),
            Precondition::MaxAttendeesPerInstance,
        ),
        (
            Some("text/plain"),
            with(""),
            Precondition::SupportedCalendarData,
        ),
        (
            Some("text/calendar; version=1.0"),
            with(""),
            Precondition::SupportedCalendarData,
        ),
        (
            Some("text/calendar; charset=iso-8859-1"),
            with(""),
            Precondition::SupportedCalendarData,
        ),
    ];
    for (content_type, text, expected) in table {
        let put = Put {
            path: path("alice/calendar/a.ics"),
            content_type: content_type.map(str::to_owned),
            octets: Bytes::from(text.clone()),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        assert_eq!(
            violated(world.desk.put(&world.alice, put).await),
            expected,
            "{content_type:?} {text}"
        );
        assert_eq!(world.object("alice/calendar/a.ics").await, None);
    }
    for content_type in [
        "text/calendar",
        "TEXT/Calendar; charset=\"UTF-8\"; component=vevent",
        "application/octet-stream",
    ] {
        let put = Put {
            path: path("alice/calendar/a.ics"),
            content_type: Some(content_type.into()),
            octets: Bytes::from(with(&attendee.repeat(2))),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        world.desk.put(&world.alice, put).await.unwrap();
    }
}

/// RFC 4791 §5.3.2.1 `no-uid-conflict`
#[tokio::test]
async fn uids_are_unique_in_a_calendar() {
    let world = world().await;
    world
        .make("alice/other", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/calendar/a.ics", event("a", ""))
        .await
        .unwrap();
    world
        .put("alice/calendar/b.ics", event("b", ""))
        .await
        .unwrap();
    let conflict = |at: &str| Refusal::Precondition {
        precondition: Precondition::NoUidConflict,
        detail: String::new(),
        resource: Some(path(at)),
    };
    let refused = async |at: &str, uid: &str| match world.put(at, event(uid, "")).await.unwrap_err()
    {
        Refusal::Precondition {
            precondition,
            resource,
            ..
        } => Refusal::Precondition {
            precondition,
            detail: String::new(),
            resource,
        },
        other => other,
    };
    assert_eq!(
        refused("alice/calendar/c.ics", "a").await,
        conflict("alice/calendar/a.ics")
    );
    assert_eq!(
        refused("alice/calendar/b.ics", "a").await,
        conflict("alice/calendar/b.ics")
    );
    assert_eq!(
        refused("alice/calendar/b.ics", "new").await,
        conflict("alice/calendar/b.ics")
    );
    world
        .put("alice/other/a.ics", event("a", ""))
        .await
        .unwrap();
    world.delete("alice/calendar/a.ics").await.unwrap();
    world
        .put("alice/calendar/c.ics", event("a", ""))
        .await
        .unwrap();
}

/// RFC 4331 §6
#[tokio::test]
async fn quota() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(1_000);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put("alice/a", vec![0; 900]).await.unwrap();
    let refused = world.put("alice/b", vec![0; 200]).await;
    assert_eq!(violated(refused), Precondition::QuotaNotExceeded);
    world.put("alice/a", vec![0; 100]).await.unwrap();
    world.put("alice/b", vec![0; 200]).await.unwrap();
}

#[tokio::test]
async fn reading_needs_the_right_to_read() {
    let world = world().await;
    world
        .put("alice/calendar/a.ics", event("a", ""))
        .await
        .unwrap();
    let opened = world
        .desk
        .open(&world.alice, &path("alice/calendar/a.ics"))
        .await
        .unwrap();
    assert!(opened.privileges.has(Privilege::All));
    for at in [
        "alice/calendar/a.ics",
        "alice/calendar/missing.ics",
        "alice/missing/x",
    ] {
        let refused = world.desk.open(&world.bob, &path(at)).await.unwrap_err();
        assert_eq!(
            refused,
            Refusal::Forbidden {
                missing: vec![(path(at), Privilege::Read)]
            }
        );
    }
    let paths = [
        path("alice/calendar/a.ics"),
        path("alice/calendar/b.ics"),
        path("bob/calendar"),
        path("nobody"),
    ];
    let answers = world.desk.open_many(&world.alice, &paths).await.unwrap();
    let found: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.map(|_| ()).err())
        .collect();
    assert_eq!(
        found,
        [
            None,
            Some(Refusal::NotFound),
            Some(Refusal::Forbidden {
                missing: vec![(path("bob/calendar"), Privilege::Read)]
            }),
            Some(Refusal::NotFound),
        ]
    );
    let calendar = path("alice/calendar");
    world
        .desk
        .open_for(&world.bob, &calendar, &[Privilege::ReadFreeBusy])
        .await
        .unwrap();
}

/// As many properties as are allowed fit into a row with as many octets as stand inline.
#[tokio::test]
async fn properties_and_content_fit_together() {
    let world = world().await;
    let at = "alice/a";
    let octets = vec![1; storage::model::INLINE_CONTENT_OCTETS];
    world.put(at, octets.clone()).await.unwrap();
    let value = vec![2; properties::MAXIMUM_OBJECT_PROPERTIES_OCTETS - 1];
    let change = ChangeProperties {
        path: path(at),
        changes: vec![("p".into(), Some(Bytes::from(value)))],
        conditions: Conditions::default(),
    };
    world
        .desk
        .change_properties(&world.alice, change)
        .await
        .unwrap();
    assert_eq!(world.octets(at).await.unwrap(), octets);
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    let value = vec![2; properties::MAXIMUM_COLLECTION_PROPERTIES_OCTETS - 1];
    let change = ChangeProperties {
        path: path("alice/c"),
        changes: vec![("p".into(), Some(Bytes::from(value)))],
        conditions: Conditions::default(),
    };
    world
        .desk
        .change_properties(&world.alice, change)
        .await
        .unwrap();
}

/// RFC 4791 §5.2.6, §5.2.7, §5.2.8
#[tokio::test]
async fn dates_and_instances_are_bounded() {
    let mut settings = Settings::default();
    settings.limits.minimum_date_time = 0;
    settings.limits.maximum_date_time = 4_102_444_800; // 2100-01-01
    settings.limits.maximum_instances = 400;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let table = [
        ("DTSTART:19700101T000000Z", "", None),
        (
            "DTSTART:19691231T235959Z",
            "",
            Some(Precondition::MinDateTime),
        ),
        ("DTSTART:21000101T000000Z", "", None),
        (
            "DTSTART:21000101T000001Z",
            "",
            Some(Precondition::MaxDateTime),
        ),
        (
            "DTSTART:20260101T000000Z",
            "DTEND:21000101T000001Z",
            Some(Precondition::MaxDateTime),
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=DAILY;COUNT=400",
            None,
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=DAILY;COUNT=401",
            Some(Precondition::MaxInstances),
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=WEEKLY;COUNT=300",
            None,
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=HOURLY;COUNT=400",
            None,
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=HOURLY;COUNT=401",
            Some(Precondition::MaxInstances),
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=SECONDLY;COUNT=2000000000",
            Some(Precondition::MaxInstances),
        ),
        (
            "DTSTART:20260101T000000Z",
            "RRULE:FREQ=DAILY;UNTIL=20991231T000000Z",
            Some(Precondition::MaxInstances),
        ),
        ("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY", None),
        ("DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY", None),
    ];
    for (number, (start, more, expected)) in table.into_iter().enumerate() {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:{number}\n{start}\n{more}\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let result = world
            .put(
                &format!("alice/calendar/{number}.ics"),
                text.replace("\n\n", "\n"),
            )
            .await;
        let found = result.err().map(|refusal| violated::<()>(Err(refusal)));
        assert_eq!(found, expected, "{start} {more}");
    }
}

/// The hot path: however full the calendar is, a PUT costs the same few reads and one commit.
#[tokio::test]
async fn a_plain_put_costs_few_reads_and_one_commit() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    let cost = async |at: &str, uid: &str| {
        let (reads, commits) = (faulty.reads(), faulty.commits());
        world.put(at, event(uid, "")).await.unwrap();
        (faulty.reads() - reads, faulty.commits() - commits)
    };
    cost("alice/calendar/first.ics", "first").await;
    let new = cost("alice/calendar/second.ics", "second").await;
    assert!(new.0 <= 3 && new.1 == 1, "{new:?}");
    for number in 0..200 {
        world
            .put(
                &format!("alice/calendar/{number}.ics"),
                event(&number.to_string(), ""),
            )
            .await
            .unwrap();
    }
    assert_eq!(cost("alice/calendar/third.ics", "third").await, new);
    let update = cost("alice/calendar/third.ics", "third").await;
    assert!(update.0 <= 5 && update.1 == 1, "{update:?}");
}
