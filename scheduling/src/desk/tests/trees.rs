//! Collections: made, deleted, copied, moved.

use storage::access::Privilege;

use super::*;

/// RFC 4791 §5.3.1.2, RFC 4918 §9.3.1
#[tokio::test]
async fn where_collections_can_be_made() {
    use CollectionKind::{Calendar, Plain};
    let world = world().await;
    world.make("alice/c", Plain).await.unwrap();
    let location = |detail: &str| Refusal::Precondition {
        precondition: Precondition::CalendarCollectionLocationOk,
        detail: detail.to_owned(),
        resource: None,
    };
    let location = location(
        "calendars stand directly in a home, and nothing but calendar objects in a calendar",
    );
    let reserved = |at: &str| Refusal::Forbidden {
        missing: vec![(path(at), Privilege::Bind)],
    };
    let table = [
        ("alice/c/d", Plain, Ok(())),
        ("alice/team", Calendar, Ok(())),
        (
            "alice/c",
            Plain,
            Err(Refusal::NotAllowed("there is a resource here")),
        ),
        ("alice/missing/d", Plain, Err(Refusal::ParentMissing)),
        ("alice/c/cal", Calendar, Err(location.clone())),
        ("alice/calendar/d", Plain, Err(location.clone())),
        ("alice/calendar/d", Calendar, Err(location)),
        ("alice/trash", Plain, Err(reserved("alice/trash"))),
        (
            "alice/notifications",
            Calendar,
            Err(reserved("alice/notifications")),
        ),
        ("bob/d", Plain, Err(reserved("bob"))),
    ];
    for (at, kind, expected) in table {
        assert_eq!(world.make(at, kind).await, expected, "{at}");
    }
    assert_eq!(
        violated(world.make("alice/team", Calendar).await),
        Precondition::ResourceMustBeNull
    );
    let strange = MakeCollection {
        components: vec!["VCARD".into()],
        ..making("alice/x", Calendar)
    };
    let refused = world.desk.make_collection(&world.alice, strange).await;
    assert_eq!(
        violated(refused),
        Precondition::SupportedCalendarComponentSet
    );
}

#[tokio::test]
async fn what_cannot_be_deleted() {
    let world = world().await;
    let unbind = |at: &str| {
        Err(Refusal::Forbidden {
            missing: vec![(path(at), Privilege::Unbind)],
        })
    };
    assert_eq!(world.delete("alice").await, unbind("alice"));
    assert_eq!(world.delete("alice/inbox").await, unbind("alice"));
    assert_eq!(world.delete("alice/outbox").await, unbind("alice"));
    assert_eq!(world.delete("bob/calendar").await, unbind("bob"));
    // RFC 6638 §4.3
    assert_eq!(
        violated(world.delete("alice/calendar").await),
        Precondition::DefaultCalendarNeeded
    );
}

/// RFC 6638 §4.3, §9.2
#[tokio::test]
async fn another_default_calendar() {
    let world = world().await;
    world
        .make("alice/team", CollectionKind::Calendar)
        .await
        .unwrap();
    let choose = async |calendar: &str| {
        let none = Conditions::default();
        world
            .desk
            .set_default_calendar(&world.alice, &path("alice/inbox"), &[path(calendar)], &none)
            .await
    };
    for no_calendar in [
        "alice/missing",
        "alice/inbox",
        "bob/calendar",
        "alice/team/a.ics",
    ] {
        assert_eq!(
            violated(choose(no_calendar).await),
            Precondition::ValidScheduleDefaultCalendarUrl
        );
    }
    choose("alice/team").await.unwrap();
    assert_eq!(
        violated(world.delete("alice/team").await),
        Precondition::DefaultCalendarNeeded
    );
    world.delete("alice/calendar").await.unwrap();
    world.rename("alice/team", "alice/play").await.unwrap();
    assert_eq!(
        violated(world.delete("alice/play").await),
        Precondition::DefaultCalendarNeeded
    );
}

#[tokio::test]
async fn a_deleted_calendar_can_be_made_again_at_once() {
    let world = world().await;
    for _ in 0..3 {
        world
            .make("alice/team", CollectionKind::Calendar)
            .await
            .unwrap();
        world.put("alice/team/a.ics", event("a", "")).await.unwrap();
        world.delete("alice/team").await.unwrap();
    }
    assert_eq!(
        world.tree("alice").await,
        ["alice/calendar/", "alice/inbox/", "alice/outbox/"]
    );
}

async fn folder(world: &World) {
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world
        .make("alice/c/d", CollectionKind::Plain)
        .await
        .unwrap();
    world.put("alice/c/a", "1").await.unwrap();
    world.put("alice/c/d/b", "2").await.unwrap();
}

fn at(prefix: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{prefix}{name}")).collect()
}

/// RFC 4918 §9.8.3, §9.9.2
#[tokio::test]
async fn trees_are_copied_and_moved() {
    let world = world().await;
    folder(&world).await;
    let names = ["/a", "/d/", "/d/b"];
    assert!(world.copy("alice/c", "alice/e").await.unwrap().0.created);
    assert_eq!(world.tree("alice/e").await, at("alice/e", &names));
    assert_eq!(world.octets("alice/e/d/b").await.unwrap(), "2");
    let shallow = Transfer {
        deep: false,
        ..transfer("alice/c", "alice/e", true)
    };
    assert!(
        !world
            .desk
            .transfer(&world.alice, shallow)
            .await
            .unwrap()
            .0
            .created
    );
    assert!(world.tree("alice/e").await.is_empty());
    world.rename("alice/c", "alice/e").await.unwrap();
    assert_eq!(world.tree("alice/e").await, at("alice/e", &names));
    assert_eq!(world.delete("alice/c").await, Err(Refusal::NotFound));
    // a collection over a file, and a file over a collection
    world.put("alice/f", "file").await.unwrap();
    world.rename("alice/e", "alice/f").await.unwrap();
    assert_eq!(world.tree("alice/f").await, at("alice/f", &names));
    world.put("alice/g", "file").await.unwrap();
    world.copy("alice/g", "alice/f").await.unwrap();
    assert_eq!(world.octets("alice/f").await.unwrap(), "file");
}

/// What is beyond one commit follows in others.
#[tokio::test]
async fn large_trees_are_copied_whole() {
    let world = world().await;
    world
        .make("alice/c", CollectionKind::Calendar)
        .await
        .unwrap();
    world.make("alice/f", CollectionKind::Plain).await.unwrap();
    for number in 0..120 {
        world
            .put(
                &format!("alice/c/{number:03}.ics"),
                event(&format!("{number}"), ""),
            )
            .await
            .unwrap();
        world
            .make(&format!("alice/f/{number:03}"), CollectionKind::Plain)
            .await
            .unwrap();
        world
            .put(&format!("alice/f/{number:03}/x"), vec![1; 20_000])
            .await
            .unwrap();
    }
    for (from, to) in [("alice/c", "alice/d"), ("alice/f", "alice/g")] {
        let (_, failures) = world.copy(from, to).await.unwrap();
        assert!(failures.is_empty());
        let copied: Vec<_> = world
            .tree(to)
            .await
            .iter()
            .map(|it| it.replacen(to, from, 1))
            .collect();
        assert_eq!(copied, world.tree(from).await);
    }
    world
        .put("alice/d/again.ics", event("5", ""))
        .await
        .unwrap_err();
}
