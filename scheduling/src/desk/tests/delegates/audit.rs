//! What the audit tells of delegates.

use super::*;

/// What is no object is noted, too.
#[tokio::test]
async fn the_audit_tells_of_grants_and_choices() {
    use storage::model::AuditAction::*;
    let office = kept_office().await;
    let world = &office.world;
    let (desk, alice) = (&world.desk, &world.alice);
    let deputy = Delegate::deputy(office.carol.principal.id);
    let grant = |it: &mut Principal| it.delegates.push(deputy);
    for _ in 0..2 {
        let unchanged = |_: &mut Principal| {};
        let changed = desk.change_principal(alice, &alice.principal, AccessChanged, unchanged);
        changed.await.unwrap();
    }
    desk.change_principal(alice, &alice.principal, AccessChanged, grant)
        .await
        .unwrap();
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    let none = Conditions::default();
    desk.set_default_calendar(alice, &path("alice/inbox"), &[path("alice/work")], &none)
        .await
        .unwrap();
    desk.lock(alice, taking("alice/x", true, false))
        .await
        .unwrap();
    world
        .put("alice/work/m.ics", plain("m", "x"))
        .await
        .unwrap();
    let at = desk.now().0;
    world.clock.advance(1_000);
    world.delete("alice/work/m.ics").await.unwrap();
    let asked = RestoreCollection {
        owner: "alice".to_owned(),
        name: "work".to_owned(),
        at,
        exact: false,
    };
    desk.restore_collection(&asked).await.unwrap();
    let entries = desk.store().audit_entries(None, None, 100).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|(_, _, entry)| (entry.actor, entry.action, entry.place.as_str()))
        .collect();
    let (alice, nobody) = (alice.principal.id, storage::model::PrincipalId::NOBODY);
    assert_eq!(
        told,
        [
            (alice, AccessChanged, ""),
            (alice, CollectionMade, "work"),
            (alice, PropertiesChanged, "inbox"),
            (alice, Created, "x"),
            (alice, Created, "work/m.ics"),
            (alice, Removed, "work/m.ics"),
            (nobody, Restored, "work"),
        ]
    );
}

/// Who did what to which object for whom, from which client, and when.
#[tokio::test]
async fn the_audit_tells_who_did_what_for_whom() {
    use storage::model::AuditAction::*;
    let office = office(|bob| *bob = Delegate::deputy(bob.principal)).await;
    let world = &office.world;
    let bob = Actor {
        client: Some("A client/1.0".into()),
        ..world.bob.clone()
    };
    office
        .world
        .put_as(&bob, AT, alices("m", "x", &[CAROL]))
        .await
        .unwrap();
    office
        .world
        .put_as(&bob, AT, alices("m", "y", &[CAROL]))
        .await
        .unwrap();
    office
        .world
        .put_as(&office.carol, AT, alices("m", "z", &[CAROL]))
        .await
        .unwrap_err();
    world.rename(AT, "alice/calendar/n.ics").await.unwrap();
    world.delete("alice/calendar/n.ics").await.unwrap();
    let entries = world
        .desk
        .store()
        .audit_entries(None, None, 100)
        .await
        .unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|(_, owner, entry)| {
            assert_eq!(*owner, world.alice.principal.id);
            assert_eq!(entry.time, world.desk.now());
            (
                entry.actor,
                entry.action,
                entry.place.as_str(),
                entry.client.as_deref(),
            )
        })
        .collect();
    let (alice, bob) = (world.alice.principal.id, world.bob.principal.id);
    let client = Some("A client/1.0");
    assert_eq!(
        told,
        [
            (bob, Created, "calendar/m.ics", client),
            (bob, Changed, "calendar/m.ics", client),
            (alice, Moved, "calendar/n.ics", None),
            (alice, MovedAway, "calendar/m.ics", None),
            (alice, Removed, "calendar/n.ics", None),
        ]
    );
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}
