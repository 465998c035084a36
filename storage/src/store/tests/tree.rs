//! Paths, collections and members.

use super::*;

#[tokio::test]
async fn a_path_leads_to_what_was_put_there() {
    let world = world().await;
    world.user("alice").await;
    let place = path("alice", "calendar/a.ics");
    world.put(&place, &event("a", "content")).await.unwrap();

    let resolution = world.resolve(&place).await;
    let Found::Object(found) = &resolution.found else {
        panic!("{resolution:?}")
    };
    assert_eq!(found.value, event("a", "content"));
    assert_eq!(resolution.owner.name, "alice");
    let kinds: Vec<_> = resolution.collections.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [CollectionKind::Home, CollectionKind::Calendar]);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let world = world().await;
    world.user("alice").await;
    world
        .put(&path("alice", "calendar/a.ics"), &event("a", ""))
        .await
        .unwrap();
    let ends = [
        ("", "Collection", 1),
        ("calendar", "Collection", 2),
        ("other", "Missing", 1),
        ("other/x", "ParentMissing", 1),
        ("calendar/b.ics", "Missing", 2),
        ("calendar/b/c", "ParentMissing", 2),
        ("calendar/a.ics/c", "ParentMissing", 2),
        ("calendar/a.ics/c/d", "ParentMissing", 2),
    ];
    let paths: Vec<_> = ends
        .iter()
        .map(|(names, ..)| path("alice", names))
        .collect();
    let together = world.store.resolve_many(&paths).await.unwrap();
    for (((names, end, collections), path), many) in ends.into_iter().zip(&paths).zip(together) {
        for resolution in [world.resolve(path).await, many.unwrap()] {
            assert_eq!(format!("{:?}", resolution.found), end, "{names}");
            assert_eq!(resolution.collections.len(), collections, "{names}");
        }
    }
    assert!(
        world
            .store
            .resolve(&path("nobody", "calendar"))
            .await
            .unwrap()
            .is_none()
    );
    let wrong_kind = ResourcePath {
        owner_kind: PrincipalKind::Location,
        ..path("alice", "")
    };
    assert!(world.store.resolve(&wrong_kind).await.unwrap().is_none());
}
