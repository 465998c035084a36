//! Delegates who may edit, and neither invite nor answer.

use super::*;

/// The secretary who may only edit: everything that nobody else hears of.
#[tokio::test]
async fn who_may_only_edit_speaks_to_nobody() {
    let office = office(|bob| bob.may_edit = true).await;
    let world = &office.world;
    office.bob_puts(AT, plain("m", "x")).await.unwrap();
    office.bob_puts(AT, plain("m", "y")).await.unwrap();
    office.bob_deletes(AT).await.unwrap();
    world.put(AT, alices("m", "x", &[CAROL])).await.unwrap();
    let before = office.everything().await;
    let invite = || Err(missing("alice/outbox", Privilege::ScheduleSendInvite));
    assert_eq!(
        office.bob_puts(AT, alices("m", "y", &[CAROL])).await,
        invite()
    );
    assert_eq!(office.bob_puts(AT, alices("m", "x", &[])).await, invite());
    let new = "alice/calendar/new.ics";
    assert_eq!(
        office.bob_puts(new, alices("n", "y", &[CAROL])).await,
        invite()
    );
    let refused = office.bob_deletes(AT).await;
    assert_eq!(
        refused,
        Err(missing("alice/outbox", Privilege::ScheduleSendInvite))
    );
    assert_eq!(office.everything().await, before);
    // What only Alice sees of the meeting.
    let stored = office.world.text_at(AT).await;
    let edited = stored.replace("SUMMARY", "X-COLOUR:red\r\nSUMMARY");
    office.bob_puts(AT, edited).await.unwrap();
    let stored = office.world.text_at(AT).await;
    assert!(
        stored.contains("X-COLOUR:red") && !stored.contains("SENT-BY"),
        "{stored}"
    );
}

/// Nor by COPY or MOVE of something else over the manager's meeting, which is a change as by PUT.
#[tokio::test]
async fn who_may_only_edit_takes_no_meetings_place_with_something_else() {
    let office = office(|bob| bob.may_edit = true).await;
    let world = &office.world;
    let attendees = [CAROL, "bob@example.com"];
    world.put(AT, alices("m", "x", &attendees)).await.unwrap();
    let bobs_copy = world.tree("bob/calendar").await.remove(0);
    world
        .make("alice/other", CollectionKind::Calendar)
        .await
        .unwrap();
    let plain_one = "alice/other/plain.ics";
    office.bob_puts(plain_one, plain("m", "y")).await.unwrap();
    let before = office.everything().await;
    for (from, keep_source) in [(plain_one, true), (plain_one, false)] {
        let refused = world
            .desk
            .transfer(&world.bob, transfer(from, AT, keep_source))
            .await;
        let expected = missing("alice/outbox", Privilege::ScheduleSendInvite);
        assert_eq!(refused, Err(expected), "{from} {keep_source}");
        assert_eq!(office.everything().await, before);
    }
    // What says the same is the same meeting still.
    let copied = transfer(&bobs_copy, AT, true);
    world.desk.transfer(&world.bob, copied).await.unwrap();
    let facts = world.object(AT).await.unwrap().calendar.unwrap();
    assert!(facts.scheduling);
    // By the manager it is that change, and everybody hears of it.
    world.copy(plain_one, AT).await.unwrap();
    let theirs = world.tree("carol/calendar").await.remove(0);
    assert!(
        office
            .world
            .text_at(&theirs)
            .await
            .contains("STATUS:CANCELLED")
    );
}

/// Nor by an import, which changes what others hear of with the manager's next word.
#[tokio::test]
async fn who_may_only_edit_imports_over_no_meeting() {
    let office = office(|bob| bob.may_edit = true).await;
    let world = &office.world;
    world.put(AT, alices("m", "x", &[CAROL])).await.unwrap();
    let before = office.everything().await;
    let objects = [alices("m", "y", &[]), plain("m", "y")];
    let imported = office.bob_imports(&objects);
    let invite = || Imported::Refused(missing("alice/outbox", Privilege::ScheduleSendInvite));
    assert_eq!(imported.await, [invite(), invite()]);
    assert_eq!(office.everything().await, before);
    let imported = office.bob_imports(&[plain("p", "y")]).await;
    assert!(
        matches!(imported[..], [Imported::Created(_)]),
        "{imported:?}"
    );

    office
        .change("alice", |alice| alice.delegates[0].may_invite = true)
        .await;
    let imported = office.bob_imports(&[alices("m", "y", &[CAROL])]).await;
    assert!(
        matches!(imported[..], [Imported::Updated(_)]),
        "{imported:?}"
    );
}

/// Who sees an imported event is the owner's to say (calendarserver private-events §4.2.2.1), and what
/// others saw before is remembered.
#[tokio::test]
async fn an_import_hides_nothing_but_for_the_owner() {
    let office = office(|bob| bob.may_edit = true).await;
    let world = &office.world;
    let restricted = |uid: &str| {
        plain(uid, "y").replace(
            "BEGIN:VEVENT",
            "X-CALENDARSERVER-ACCESS:PRIVATE\r\nBEGIN:VEVENT",
        )
    };
    world.put(AT, plain("m", "x")).await.unwrap();
    let before = office.everything().await;
    for imported in office
        .bob_imports(&[restricted("m"), restricted("n")])
        .await
    {
        let Imported::Refused(Refusal::Precondition { precondition, .. }) = imported else {
            panic!("{imported:?}");
        };
        assert_eq!(precondition, Precondition::ValidAccessRestrictionChange);
    }
    assert_eq!(office.everything().await, before);

    let objects =
        [restricted("m"), restricted("n")].map(|it| IncomingObject::from(Bytes::from(it)));
    let imported = world
        .desk
        .import(&world.alice, &overwriting(), &objects)
        .await;
    assert!(matches!(
        imported.unwrap()[..],
        [Imported::Updated(_), Imported::Created(_)]
    ));
    for (at, was_open) in [(AT, true), ("alice/calendar/n.ics", false)] {
        let object = world.object(at).await.unwrap();
        assert_eq!(world.desk.was_ever_open(&object), was_open, "{at}");
    }
}

/// A calendar goes as a whole, or nothing of it does.
#[tokio::test]
async fn a_calendar_is_not_half_deleted() {
    let office = office(|bob| bob.may_edit = true).await;
    let world = &office.world;
    let other = "alice/other";
    world.make(other, CollectionKind::Calendar).await.unwrap();
    let silent = alices("a", "x", &[CAROL]).replace("ATTENDEE:", "ATTENDEE;SCHEDULE-AGENT=NONE:");
    world.put("alice/other/a.ics", silent).await.unwrap();
    let refused = |expected: Refusal| {
        let office = &office;
        async move {
            let before = office.everything().await;
            let deleted = office.bob_deletes(other).await;
            assert_eq!(deleted, Err(expected.clone()));
            let copy = transfer("bob/calendar", other, true);
            let copied = office.world.desk.transfer(&office.world.bob, copy).await;
            assert_eq!(copied, Err(expected));
            assert_eq!(office.everything().await, before);
        }
    };
    let told = "alice/other/b.ics";
    world.put(told, alices("b", "x", &[CAROL])).await.unwrap();
    refused(missing("alice/outbox", Privilege::ScheduleSendInvite)).await;
    office
        .change("alice", |alice| alice.delegates[0].may_invite = true)
        .await;
    for class in ["PRIVATE", "CONFIDENTIAL"] {
        let line = format!("CLASS:{class}\r\nSUMMARY");
        for octets in [plain("z", "x"), alices("z", "x", &[CAROL])] {
            let octets = octets.replace("SUMMARY", &line);
            world.put("alice/other/z.ics", octets).await.unwrap();
            refused(missing(other, Privilege::Unbind)).await;
            world.delete("alice/other/z.ics").await.unwrap();
        }
    }
    office.bob_deletes(other).await.unwrap();
    assert_eq!(world.tree("alice/calendar").await, [""; 0]);
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// Who is refused because of something that they do not see does not hear where it stands.
#[tokio::test]
async fn a_refusal_names_nothing_that_is_hidden() {
    let office = office(|bob| (bob.may_edit, bob.may_answer) = (true, true)).await;
    let world = &office.world;
    let hidden = |octets: String| octets.replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY");
    let invitation = meeting_of("carol", "c", "y", &["alice@example.com"]);
    let theirs = "carol/calendar/c.ics";
    office
        .world
        .put_as(&office.carol, theirs, hidden(invitation.clone()))
        .await
        .unwrap();
    world
        .put(AT, hidden(alices("m", "x", &[CAROL])))
        .await
        .unwrap();
    let other = "alice/other";
    world.make(other, CollectionKind::Calendar).await.unwrap();
    // As everybody hears who may put nothing there.
    let nameless = |at: &str| missing(at, Privilege::Bind);
    // The delivered copy in Alice's calendar, which a client brings anew.
    let refused = office.bob_puts("alice/other/c.ics", invitation).await;
    assert_eq!(refused, Err(nameless(other)));

    let import = Import {
        calendar: path(other),
        ..overwriting()
    };
    let objects = [IncomingObject::from(Bytes::from(alices(
        "m",
        "x",
        &[CAROL],
    )))];
    let imported = world.desk.import(&world.bob, &import, &objects).await;
    let Imported::Refused(refusal) = &imported.unwrap()[0] else {
        panic!("imported");
    };
    assert_eq!(*refusal, nameless(other));

    // A meeting of Bob's with the same UID, in a calendar that he copies to her.
    let bobs = meeting_of("bob", "c", "y", &["xenia@elsewhere.test"]);
    office.bob_puts("bob/calendar/c.ics", bobs).await.unwrap();
    let copied = transfer("bob/calendar", "alice/copy", true);
    let (_, failures) = world.desk.transfer(&world.bob, copied).await.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].1, nameless("alice/copy"));
}
