//! Who acts for whom.

use super::*;

fn delegation(manager: &str, delegate: Option<&str>) -> DelegateChange {
    DelegateChange {
        manager: manager.into(),
        delegate: delegate.map(Into::into),
        may_edit: true,
        may_answer: true,
        may_invite: false,
        sees_private: false,
        invitations_to: None,
        notices: None,
    }
}

#[tokio::test]
async fn delegates_are_added_changed_listed_and_removed() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    let perform = async |operation| house.perform(operation).await;
    let list = async || {
        let manager = "alice".into();
        match perform(Operation::ListDelegates { manager }).await.unwrap() {
            Outcome::Delegates(listing) => listing,
            other => panic!("{other:?}"),
        }
    };
    let add = |change| perform(Operation::AddDelegate(change));
    let bob = || delegation("alice", Some("bob"));
    assert_eq!(add(bob()).await, Ok(Outcome::Done));
    assert_eq!(add(bob()).await, Ok(Outcome::Unchanged));
    let office = delegation("alice", Some("all"));
    assert_eq!(add(office).await, Ok(Outcome::Done));
    let alone = DelegateChange {
        may_edit: false,
        may_answer: false,
        sees_private: true,
        ..bob()
    };
    assert_eq!(add(alone).await, Ok(Outcome::Done));
    let settings = DelegateChange {
        invitations_to: Some(InvitationRecipients::Both),
        notices: Some(false),
        ..delegation("alice", None)
    };
    assert_eq!(add(settings.clone()).await, Ok(Outcome::Done));
    assert_eq!(add(settings).await, Ok(Outcome::Unchanged));
    let listing = list().await;
    let names: Vec<_> = listing.delegates.iter().map(|it| &it.name).collect();
    assert_eq!(names, ["all", "bob"]);
    let bobs = &listing.delegates[1];
    assert!(!bobs.may_edit && !bobs.may_answer && bobs.sees_private);
    assert_eq!(
        (listing.invitations_to, listing.notices),
        (InvitationRecipients::Both, false)
    );
    let remove = || Operation::RemoveDelegate {
        manager: "alice".into(),
        delegate: "bob".into(),
    };
    assert_eq!(perform(remove()).await, Ok(Outcome::Done));
    assert_eq!(perform(remove()).await, Ok(Outcome::Unchanged));
    assert_eq!(list().await.delegates.len(), 1);
    // Each change is noted, and what changes nothing is not.
    let alice = house.principal("alice").await.id;
    let entries = house.store.audit_entries(None, None, 100).await.unwrap();
    assert_eq!(entries.len(), 5);
    assert!(entries.iter().all(|(_, owner, entry)| {
        *owner == alice
            && entry.actor == PrincipalId::NOBODY
            && entry.action == AuditAction::AccessChanged
    }));
}

#[tokio::test]
async fn who_cannot_be_a_delegate() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    for (manager, delegate, complaint) in [
        ("alice", "alice", "their own"),
        ("alice", "room", "neither a person nor a group"),
        ("alice", "nobody", "nobody has the name \"nobody\""),
        ("nobody", "bob", "nobody has the name \"nobody\""),
        ("all", "bob", "is a group"),
    ] {
        let change = delegation(manager, Some(delegate));
        let refused = house.perform(Operation::AddDelegate(change)).await;
        let refused = refused.unwrap_err();
        assert!(
            refused.contains(complaint),
            "{manager} {delegate}: {refused}"
        );
    }
    let change = delegation("room", Some("bob"));
    let added = house.perform(Operation::AddDelegate(change)).await;
    assert_eq!(added, Ok(Outcome::Done));
}
