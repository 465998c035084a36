//! COPY and MOVE of single objects.

use storage::access::Privilege;

use super::{
    meetings::{AT, START, line, meeting},
    *,
};

#[tokio::test]
async fn files_are_copied_and_moved_with_their_properties() {
    let world = world().await;
    world.put("alice/a", "1").await.unwrap();
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
    let (written, failures) = world.copy("alice/a", "alice/b").await.unwrap();
    assert!(written.created && failures.is_empty());
    assert!(!world.copy("alice/a", "alice/b").await.unwrap().0.created);
    assert!(world.rename("alice/b", "alice/c").await.unwrap().0.created);
    assert_eq!(world.object("alice/b").await, None);
    let (a, c) = (
        world.object("alice/a").await.unwrap(),
        world.object("alice/c").await.unwrap(),
    );
    assert_eq!(
        (&a.content, &a.etag, &a.properties),
        (&c.content, &c.etag, &c.properties)
    );
    let refused = Transfer {
        overwrite: false,
        ..transfer("alice/a", "alice/c", true)
    };
    let refused = world.desk.transfer(&world.alice, refused).await;
    assert_eq!(refused, Err(Refusal::ConditionFailed("Overwrite")));
}

#[tokio::test]
async fn refused_ends() {
    let world = world().await;
    world.put("alice/a", "1").await.unwrap();
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world
        .make("alice/c/d", CollectionKind::Plain)
        .await
        .unwrap();
    let unbind = |at: &str| Refusal::Forbidden {
        missing: vec![(path(at), Privilege::Unbind)],
    };
    for keep_source in [true, false] {
        let table = [
            ("alice/missing", "alice/x", Refusal::NotFound),
            ("alice/a", "alice/missing/x", Refusal::ParentMissing),
            (
                "alice/a",
                "alice/a",
                Refusal::Prohibited("source and destination are the same resource"),
            ),
            (
                "alice/c",
                "alice/c/x",
                Refusal::Prohibited("the destination stands within the source"),
            ),
            (
                "alice/c/d",
                "alice/c",
                Refusal::Prohibited("the source stands within the destination"),
            ),
            ("alice/a", "alice/inbox", unbind("alice")),
            (
                "alice/a",
                "alice",
                Refusal::Prohibited("the source stands within the destination"),
            ),
        ];
        for (from, to, expected) in table {
            let result = world
                .desk
                .transfer(&world.alice, transfer(from, to, keep_source))
                .await;
            let refusal = result.unwrap_err();
            let inbox = to == "alice/inbox" && matches!(refusal, Refusal::Forbidden { .. });
            assert!(inbox || refusal == expected, "{from} to {to}: {refusal:?}");
        }
    }
    let refused = world
        .desk
        .transfer(&world.bob, transfer("alice/a", "bob/a", true))
        .await;
    assert_eq!(
        refused,
        Err(Refusal::Forbidden {
            missing: vec![(path("alice/a"), Privilege::Read)]
        })
    );
}

/// RFC 4791 §5.3.2.1: COPY and MOVE into a calendar must meet what PUT must.
#[tokio::test]
async fn into_and_out_of_calendars() {
    let world = world().await;
    world.put("alice/note", "no calendar object").await.unwrap();
    world.put("alice/file.ics", event("a", "")).await.unwrap();
    assert_eq!(
        violated(world.copy("alice/note", "alice/calendar/note.ics").await),
        Precondition::ValidCalendarData
    );
    world
        .rename("alice/file.ics", "alice/calendar/a.ics")
        .await
        .unwrap();
    assert_eq!(
        world
            .object("alice/calendar/a.ics")
            .await
            .unwrap()
            .calendar
            .unwrap()
            .uid,
        "a"
    );
    assert_eq!(
        violated(
            world
                .copy("alice/calendar/a.ics", "alice/calendar/b.ics")
                .await
        ),
        Precondition::NoUidConflict
    );
    world
        .rename("alice/calendar/a.ics", "alice/calendar/b.ics")
        .await
        .unwrap();
    world
        .rename("alice/calendar/b.ics", "alice/file.ics")
        .await
        .unwrap();
    assert_eq!(world.object("alice/file.ics").await.unwrap().calendar, None);
    world
        .put("alice/calendar/c.ics", event("a", "the UID is free again"))
        .await
        .unwrap();
}

/// RFC 6638 §3.2.1 and §3.2.2: out of its calendar a meeting is removed for everybody, and into one it is made.
#[tokio::test]
async fn meetings_go_out_of_calendars_and_into_them() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (bobs, ..) = world.bobs().await;
    // an attendee takes their copy out
    let out = transfer(&bobs, "bob/m.ics", false);
    world.desk.transfer(&world.bob, out).await.unwrap();
    let text = world.text_at(AT).await;
    let bob = line(&text, "ATTENDEE", "bob@example.com");
    assert!(bob.contains("PARTSTAT=DECLINED"), "{text}");
    let plain = world.object("bob/m.ics").await.unwrap();
    assert_eq!(plain.calendar, None);
    // and comes again, as from anywhere
    let back = transfer("bob/m.ics", "bob/calendar/back.ics", false);
    world.desk.transfer(&world.bob, back).await.unwrap();
    let tag = |object: Object| object.calendar.unwrap().schedule_tag;
    assert!(tag(world.bobs().await.1).is_some());

    // the organizer takes the meeting out: it is off for the others
    world.rename(AT, "alice/m.ics").await.unwrap();
    let copy = world.bobs().await.2;
    assert!(copy.contains("STATUS:CANCELLED"), "{copy}");
    let sent = async |wanted: &str| {
        let mails = world.mails().await;
        mails.iter().filter(|mail| mail.method == wanted).count()
    };
    assert_eq!((sent("REQUEST").await, sent("CANCEL").await), (1, 1));
    // and into another calendar of hers: they are invited
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    let (written, _) = world
        .rename("alice/m.ics", "alice/second/m.ics")
        .await
        .unwrap();
    assert_eq!(
        written.schedule_tag,
        tag(world.object("alice/second/m.ics").await.unwrap())
    );
    let copy = world.bobs().await.2;
    assert!(!copy.contains("STATUS:CANCELLED"), "{copy}");
    assert_eq!((sent("REQUEST").await, sent("CANCEL").await), (2, 1));
}
