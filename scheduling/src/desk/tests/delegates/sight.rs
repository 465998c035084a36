//! What of private things reaches delegates, and how conditions are judged by what somebody sees.

use super::*;

/// What is private stays between the manager and the delegates who see private things, whoever said so; where
/// nobody is left for it, the manager gets it.
#[tokio::test]
async fn private_invitations_are_for_whom_sees_private_things() {
    use InvitationRecipients::{Both, Delegates};
    let access = |word: &str| {
        (
            "PRODID",
            format!("X-CALENDARSERVER-ACCESS:{word}\r\nPRODID"),
        )
    };
    let class = |word: &str| ("SUMMARY", format!("CLASS:{word}\r\nSUMMARY"));
    for (wanted, sees_private, (mark, marked), expected) in [
        (Both, false, class("PRIVATE"), (1, 0)),
        (Both, true, class("PRIVATE"), (1, 1)),
        (Delegates, false, class("CONFIDENTIAL"), (1, 0)),
        (Delegates, true, class("CONFIDENTIAL"), (0, 1)),
        (Delegates, false, class("PUBLIC"), (0, 1)),
        (Delegates, false, access("PRIVATE"), (1, 0)),
    ] {
        let case = format!("{wanted:?} {sees_private} {marked}");
        let office = office(|bob| (bob.may_answer, bob.sees_private) = (true, sees_private)).await;
        let world = &office.world;
        let theirs = "carol/calendar/c.ics";
        let invitation = |summary| meeting_of("carol", "c", summary, &["alice@example.com"]);
        let inboxes = || async {
            let own = world.tree("alice/inbox").await.len();
            (own, world.tree("bob/inbox").await.len())
        };
        // Alice says so of her copy, and Carol changes the meeting.
        office
            .world
            .put_as(&office.carol, theirs, invitation("x"))
            .await
            .unwrap();
        let copy = world.tree("alice/calendar").await.remove(0);
        let text = office.world.text_at(&copy).await.replacen(mark, &marked, 1);
        world.put(&copy, text).await.unwrap();
        office
            .change("alice", move |alice| alice.invitations_to = wanted)
            .await;
        let (own, bobs) = inboxes().await;
        office
            .world
            .put_as(&office.carol, theirs, invitation("y"))
            .await
            .unwrap();
        let (own_now, bobs_now) = inboxes().await;
        assert_eq!((own_now - own, bobs_now - bobs), expected, "{case}");
        // Carol says so.
        let other = invitation("z")
            .replace("UID:c", "UID:d")
            .replacen(mark, &marked, 1);
        let theirs = "carol/calendar/d.ics";
        office
            .world
            .put_as(&office.carol, theirs, other)
            .await
            .unwrap();
        let (own, bobs) = inboxes().await;
        let told = (own - own_now, bobs - bobs_now);
        match mark {
            // What Carol says of her own object is not said to Alice.
            "PRODID" => {}
            _ => assert_eq!(told, expected, "{case}"),
        }
    }
}

/// calendarserver private-events §4.2.2.1: who sees an event is its owner's to say, through all updates.
#[tokio::test]
async fn a_copy_that_was_made_private_stays_private() {
    let office = office(|_| {}).await;
    let world = &office.world;
    let theirs = "carol/calendar/c.ics";
    let invitation = |summary| meeting_of("carol", "c", summary, &["alice@example.com"]);
    office
        .world
        .put_as(&office.carol, theirs, invitation("x"))
        .await
        .unwrap();
    let copy = world.tree("alice/calendar").await.remove(0);
    let private = "X-CALENDARSERVER-ACCESS:PRIVATE\r\n";
    let text = office.world.text_at(&copy).await;
    let text = text.replacen("PRODID", &format!("{private}PRODID"), 1);
    world.put(&copy, text).await.unwrap();
    for summary in ["y", "z"] {
        let text = office.world.text_at(&copy).await;
        assert!(text.contains(private), "{text}");
        let opened = world.desk.open(&world.bob, &path(&copy)).await;
        assert_eq!(opened.unwrap_err(), Refusal::NotFound);
        office
            .world
            .put_as(&office.carol, theirs, invitation(summary))
            .await
            .unwrap();
        let text = office.world.text_at(&copy).await;
        assert!(text.contains(&format!("SUMMARY:{summary}")), "{text}");
    }
    // Alice takes it back.
    let text = office.world.text_at(&copy).await.replace(private, "");
    world.put(&copy, text).await.unwrap();
    assert!(world.desk.open(&world.bob, &path(&copy)).await.is_ok());
}

/// RFC 4918 §10.4: conditions tell nothing that their sender does not see.
#[tokio::test]
async fn conditions_are_about_what_the_actor_sees() {
    let about = |at: &str, tag: &str, negated| Conditions {
        if_lists: vec![StateList {
            resource: Some(Some(path(at))),
            conditions: vec![StateCondition::EntityTag {
                tag: EntityTag {
                    weak: false,
                    tag: tag.to_owned(),
                },
                negated,
            }],
        }],
        ..Conditions::default()
    };
    for (class, bob_sees_tag) in [
        ("PUBLIC", true),
        ("CONFIDENTIAL", false),
        ("PRIVATE", false),
    ] {
        let office = office(|_| {}).await;
        let world = &office.world;
        let text = plain("m", "x").replace("SUMMARY", &format!("CLASS:{class}\r\nSUMMARY"));
        let stored = world.put(AT, text).await.unwrap().etag.unwrap();
        for (actor, sees_tag) in [
            (&world.alice, true),
            (&world.bob, bob_sees_tag),
            (&office.carol, false),
        ] {
            let own = path(&format!("{}/calendar", actor.principal.name));
            let asked = |tag: &str, negated| {
                let conditions = about(AT, tag, negated);
                let (desk, own) = (&world.desk, own.clone());
                async move {
                    desk.check_conditions(actor, &own, &conditions)
                        .await
                        .is_ok()
                }
            };
            let case = format!("{class} {}", actor.principal.name);
            assert_eq!(asked(&stored, false).await, sees_tag, "{case}");
            assert_eq!(asked(&stored, true).await, !sees_tag, "{case}");
            if let Ok(opened) = world.desk.open(actor, &path(AT)).await {
                let Found::Object(seen) = opened.resolution.found else {
                    panic!("{case}")
                };
                assert!(asked(&seen.etag, false).await, "{case}");
            }
        }
    }
}

/// Who saw an event is told that it is gone, also where what stood there was stored by an older version.
#[tokio::test]
async fn what_an_older_version_stored_counts_as_seen() {
    let office = kept_office().await;
    let world = &office.world;
    let private = || plain("m", "x").replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY");
    let gone = || async {
        let changed = world.desk.open_changed(&world.bob, &[path(AT)]).await;
        changed.unwrap().remove(0).unwrap_err()
    };
    world.put(AT, private()).await.unwrap();
    assert_eq!(gone().await, missing(AT, Privilege::Read));
    age(world).await;
    assert_eq!(gone().await, Refusal::NotFound);
    world.put(AT, private()).await.unwrap();
    assert_eq!(gone().await, Refusal::NotFound);
    // It comes back as what it was, too.
    let before_deletion = world.desk.now().0;
    world.clock.advance(1_000);
    world.delete(AT).await.unwrap();
    let asked = RestoreCollection {
        owner: "alice".to_owned(),
        name: "calendar".to_owned(),
        at: before_deletion,
        exact: false,
    };
    let restored = world.desk.restore_collection(&asked).await.unwrap();
    assert_eq!(restored.returned, 1);
    assert_eq!(gone().await, Refusal::NotFound);
}

/// The object's row as other rules made it.
async fn age(world: &World) {
    let store = world.desk.store();
    let resolution = store.resolve(&path(AT)).await.unwrap().unwrap();
    let Found::Object(before) = &resolution.found else {
        panic!("nothing there")
    };
    let mut after = before.value.clone();
    after.calendar.as_mut().unwrap().projection = Bytes::from_static(b"\0");
    let mut batch = store.batch();
    batch.put_object(resolution.collection(), "m.ics", Some(before), &after);
    store.commit(batch).await.unwrap();
}
