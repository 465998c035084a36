//! What others may do who were granted something (RFC 3744 appendix B, RFC 6638 §6).

use storage::{
    access::{Ace, AcePrincipal, Privilege},
    model::Collection,
};

use super::*;

/// Grants Bob privileges on a collection.
async fn grant(world: &World, at: &str, grant: &[Privilege]) {
    let store = world.desk.store();
    let resolution = store.resolve(&path(at)).await.unwrap().unwrap();
    let before = resolution.collection();
    let principal = AcePrincipal::Principal(world.bob.principal.id);
    let after = Collection {
        access: Some(vec![Ace::grant(principal, grant)]),
        ..before.value.clone()
    };
    let mut batch = store.batch();
    batch.update_collection(before, &after);
    store.commit(batch).await.unwrap();
}

async fn put(world: &World, at: &str, octets: impl Into<Bytes>) -> Result<Written, Refusal> {
    let put = Put {
        path: path(at),
        content_type: None,
        octets: octets.into(),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.put(&world.bob, put).await
}

fn missing(at: &str, privilege: Privilege) -> Refusal {
    Refusal::Forbidden {
        missing: vec![(path(at), privilege)],
    }
}

#[tokio::test]
async fn each_method_needs_its_privilege() {
    let world = world().await;
    world
        .put("alice/calendar/a.ics", event("a", ""))
        .await
        .unwrap();
    grant(&world, "alice/calendar", &[Privilege::Bind]).await;
    put(&world, "alice/calendar/b.ics", event("b", ""))
        .await
        .unwrap();
    let refused = put(&world, "alice/calendar/a.ics", event("a", "x")).await;
    assert_eq!(
        refused,
        Err(missing("alice/calendar/a.ics", Privilege::WriteContent))
    );
    let delete = Delete {
        path: path("alice/calendar/a.ics"),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    let refused = world.desk.delete(&world.bob, delete.clone()).await;
    assert_eq!(refused, Err(missing("alice/calendar", Privilege::Unbind)));
    grant(
        &world,
        "alice/calendar",
        &[Privilege::WriteContent, Privilege::Unbind],
    )
    .await;
    put(&world, "alice/calendar/a.ics", event("a", "x"))
        .await
        .unwrap();
    let moving = transfer("alice/calendar/a.ics", "bob/calendar/a.ics", false);
    let refused = world.desk.transfer(&world.bob, moving.clone()).await;
    assert_eq!(
        refused.unwrap_err(),
        missing("alice/calendar/a.ics", Privilege::Read)
    );
    grant(
        &world,
        "alice/calendar",
        &[Privilege::Read, Privilege::Unbind],
    )
    .await;
    world.desk.transfer(&world.bob, moving).await.unwrap();
    assert_eq!(
        world.desk.delete(&world.bob, delete).await,
        Err(Refusal::NotFound)
    );
}

/// RFC 6638 §6.2: to edit somebody's calendar is not yet to invite in that person's name.
#[tokio::test]
async fn who_schedules_for_somebody_needs_the_right_to() {
    let world = world().await;
    user(world.desk.store(), "carol").await;
    grant(
        &world,
        "alice/calendar",
        &[Privilege::Write, Privilege::Read],
    )
    .await;
    let text = String::from_utf8(event("m", "x").to_vec())
        .unwrap()
        .replace(
            "SUMMARY",
            "ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:carol@example.com\r\nSUMMARY",
        );
    let refused = put(&world, "alice/calendar/m.ics", text.clone()).await;
    assert_eq!(
        refused,
        Err(missing("alice/outbox", Privilege::ScheduleSendInvite))
    );
    assert_eq!(world.object("alice/calendar/m.ics").await, None);
    assert_eq!(
        world.tree("carol").await,
        ["carol/calendar/", "carol/inbox/", "carol/outbox/"]
    );
    grant(&world, "alice/outbox", &[Privilege::ScheduleSendInvite]).await;
    put(&world, "alice/calendar/m.ics", text).await.unwrap();
    let copies = world.tree("carol/calendar").await;
    let copy = world.text_at(&copies[0]).await;
    assert!(
        copy.contains("SENT-BY=\"mailto:bob@example.com\""),
        "{copy}"
    );
}

/// RFC 6578 §5: a sync token is a state token.
#[tokio::test]
async fn sync_tokens_as_conditions() {
    let world = world().await;
    let calendar = path("alice/calendar");
    let store = world.desk.store();
    let id = world.alice.principal.default_calendar.unwrap();
    let token = crate::change::sync_token_text(&store.sync_token(id).await.unwrap());
    let change = ChangeProperties {
        path: calendar,
        changes: vec![("{urn:x}p".into(), Some(Bytes::new()))],
        conditions: tokens(&[("alice/calendar", &token)]),
    };
    world
        .desk
        .change_properties(&world.alice, change.clone())
        .await
        .unwrap();
    world
        .put("alice/calendar/a.ics", event("a", ""))
        .await
        .unwrap();
    let refused = world.desk.change_properties(&world.alice, change).await;
    assert_eq!(refused, Err(Refusal::ConditionFailed("If")));
}
