//! Principals, their uniqueness, and their homes.

use super::*;

#[tokio::test]
async fn an_account_begins_with_home_calendar_inbox_and_outbox() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = world.collection(&path("alice", "")).await;
    assert_eq!(
        (home.kind, Some(home.id)),
        (CollectionKind::Home, alice.home)
    );
    let (members, more) = world.store.members(home.id, None, 10).await.unwrap();
    let names: Vec<_> = members.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(
        (names.as_slice(), more),
        (["calendar", "inbox", "outbox"].as_slice(), false)
    );
    let calendar = world.collection(&path("alice", "calendar")).await;
    assert_eq!(Some(calendar.id), alice.default_calendar);
    assert_eq!(calendar.components, ["VEVENT", "VTODO"]);
}
