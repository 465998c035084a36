//! Principals, their uniqueness, and their homes.

use super::*;
use crate::{access::Delegation, testing::environment};

#[tokio::test]
async fn an_account_begins_with_home_calendar_inbox_and_outbox() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = world.collection(&path("alice", "")).await;
    assert_eq!(
        (home.kind, Some(home.id)),
        (CollectionKind::Home, alice.home)
    );
    assert_eq!(
        world.names(&path("alice", "")).await,
        ["calendar", "inbox", "outbox"]
    );
    let calendar = world.collection(&path("alice", "calendar")).await;
    assert_eq!(Some(calendar.id), alice.default_calendar);
    assert_eq!(calendar.components, ["VEVENT", "VTODO"]);
    for (name, kind) in [
        ("inbox", CollectionKind::Inbox),
        ("outbox", CollectionKind::Outbox),
    ] {
        assert_eq!(world.collection(&path("alice", name)).await.kind, kind);
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn groups_have_no_home() {
    let world = world().await;
    let group = Principal::new(PrincipalKind::Group, "team");
    let group = world.store.add_account(group, None).await.unwrap();
    assert_eq!((group.home, group.default_calendar), (None, None));
    let home = ResourcePath {
        owner_kind: PrincipalKind::Group,
        ..path("team", "")
    };
    assert!(world.store.resolve(&home).await.unwrap().is_none());
    world.assert_sound().await;
}

#[tokio::test]
async fn names_that_make_no_good_url_are_refused() {
    use PrincipalNameFault::*;
    let world = world().await;
    let long = "x".repeat(256);
    let cases = [
        ("", Empty),
        (&long, TooLong),
        ("..", LeadingDot),
        (" alice", OuterSpace),
        ("alice ", OuterSpace),
        ("a/b", Character('/')),
        ("a\\b", Character('\\')),
        ("a:b", Character(':')),
        ("a\nb", Character('\n')),
        ("a\u{85}b", Character('\u{85}')),
    ];
    for (name, fault) in cases {
        let refusal = world
            .store
            .add_account(Principal::new(PrincipalKind::User, name), None)
            .await;
        assert_eq!(
            refusal.unwrap_err(),
            AccountError::InvalidName(name.to_owned(), fault)
        );
    }
    for name in [
        "alice@example.com",
        "Jürgen Groß",
        "a.b",
        "会議室",
        "50%",
        "#?",
    ] {
        world
            .store
            .add_account(Principal::new(PrincipalKind::User, name), None)
            .await
            .unwrap();
        assert!(
            world
                .store
                .resolve(&path(name, "calendar"))
                .await
                .unwrap()
                .is_some(),
            "{name}"
        );
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn names_and_addresses_belong_to_one_principal() {
    let world = world().await;
    let alice = world.user("alice").await;
    let with = |kind, name: &str, addresses: &[&str]| {
        let addresses = addresses
            .iter()
            .map(|address| address.to_string())
            .collect();
        world.store.add_account(
            Principal {
                addresses,
                ..Principal::new(kind, name)
            },
            None,
        )
    };
    let user = PrincipalKind::User;
    let taken = |name: &str| AccountError::NameTaken(name.to_owned());
    assert_eq!(
        with(PrincipalKind::Group, "alice", &[]).await.unwrap_err(),
        taken("alice")
    );
    assert_eq!(
        with(PrincipalKind::Location, "ALICE", &[])
            .await
            .unwrap_err(),
        taken("ALICE")
    );
    let address = "MAILTO:Alice@EXAMPLE.com";
    let refusal = with(user, "bob", &["mailto:bob@example.com", address]).await;
    assert_eq!(
        refusal.unwrap_err(),
        AccountError::AddressTaken(address.to_owned())
    );
    for address in [
        "",
        "bob",
        "bob@example.com",
        "mailto:",
        "mail to:bob",
        "mailto:b ob",
        "1:x",
    ] {
        let refusal = with(user, "bob", &[address]).await;
        assert_eq!(
            refusal.unwrap_err(),
            AccountError::InvalidAddress(address.to_owned())
        );
    }
    // Nothing of the refusals stayed.
    assert_eq!(
        *world.store.principals().await.unwrap(),
        [Arc::clone(&alice)]
    );
    with(user, "bob", &["mailto:bob@example.com"])
        .await
        .unwrap();

    // What is given up is free again.
    let change = |it: &mut Principal| it.addresses = vec!["mailto:new@example.com".to_owned()];
    world
        .store
        .change_principal(alice.id, change)
        .await
        .unwrap();
    with(user, "carol", &["mailto:alice@example.com"])
        .await
        .unwrap();
    world.assert_sound().await;
}

#[tokio::test]
async fn addresses_are_found_in_any_case_and_kept_as_written() {
    let world = world().await;
    let mut principal = Principal::new(PrincipalKind::User, "alice");
    principal.addresses = vec![
        "MailTo:Alice@Example.COM".to_owned(),
        "URN:uuid:Ab".to_owned(),
    ];
    let alice = world.store.add_account(principal, None).await.unwrap();
    assert_eq!(alice.addresses[0], "MailTo:Alice@Example.COM");
    let cases = [
        ("mailto:alice@example.com", true),
        ("MAILTO:ALICE@EXAMPLE.COM", true),
        ("urn:uuid:Ab", true),
        ("urn:uuid:ab", false),
        ("mailto:alice@example.org", false),
        ("alice", false),
    ];
    for (address, expected) in cases {
        let found = world.store.principal_by_address(address).await.unwrap();
        assert_eq!(found.is_some(), expected, "{address}");
    }
}

#[tokio::test]
async fn groups_hold_members_of_members_and_themselves_without_harm() {
    let world = world().await;
    let alice = world.user("alice").await.id;
    let mut groups = Vec::new();
    for name in ["inner", "middle", "outer", "other"] {
        let group = Principal::new(PrincipalKind::Group, name);
        groups.push(world.store.add_account(group, None).await.unwrap().id);
    }
    let members = [
        vec![alice],
        vec![groups[0], alice],
        vec![groups[1]],
        vec![groups[3]],
    ];
    for (group, members) in groups.iter().zip(members) {
        world
            .store
            .change_principal(*group, |it| it.members = members.clone())
            .await
            .unwrap();
    }
    let groups_of = async |id| {
        let mut found = world.store.memberships_of(id).await.unwrap().groups.clone();
        found.sort_by_key(|id| groups.iter().position(|group| group == id));
        found
    };
    assert_eq!(groups_of(alice).await, groups[..3]);
    assert_eq!(groups_of(groups[0]).await, groups[1..3]);
    assert_eq!(groups_of(groups[3]).await, []);

    // A circle: inner holds outer.
    world
        .store
        .change_principal(groups[0], |it| it.members.push(groups[2]))
        .await
        .unwrap();
    assert_eq!(groups_of(alice).await, groups[..3]);
    assert_eq!(groups_of(groups[0]).await, groups[1..3]);

    // Who is no longer a member is in no group at once.
    world
        .store
        .change_principal(groups[0], |it| it.members.clear())
        .await
        .unwrap();
    world
        .store
        .change_principal(groups[1], |it| it.members.clear())
        .await
        .unwrap();
    assert_eq!(groups_of(alice).await, []);
}

#[tokio::test]
async fn delegations_are_found_through_groups_and_end_at_once() {
    let world = world().await;
    let mut ids = Vec::new();
    for (kind, name) in [
        (PrincipalKind::User, "alice"),
        (PrincipalKind::User, "bob"),
        (PrincipalKind::Group, "office"),
    ] {
        let account = Principal::new(kind, name);
        ids.push(world.store.add_account(account, None).await.unwrap().id);
    }
    let [alice, bob, office] = ids[..] else {
        unreachable!()
    };
    let delegations = async |id| {
        let memberships = world.store.memberships_of(id).await.unwrap();
        memberships.delegations.clone()
    };
    let change = async |id, change: &(dyn Fn(&mut Principal) + Send + Sync)| {
        world.store.change_principal(id, change).await.unwrap();
    };
    change(office, &|it| it.members = vec![bob]).await;
    change(alice, &|it| {
        let deputy = Delegate {
            may_invite: false,
            ..Delegate::deputy(office)
        };
        it.delegates = vec![Delegate::reader(bob), deputy];
    })
    .await;
    let expected = [
        (alice, Delegation::Read),
        (alice, Delegation::Write),
        (alice, Delegation::Answer),
    ];
    assert_eq!(delegations(bob).await, expected);
    assert_eq!(delegations(office).await, expected[1..]);
    let found = async || world.store.memberships_of(bob).await.unwrap();
    assert!(
        Arc::ptr_eq(&found().await, &found().await),
        "looked for once"
    );
    change(office, &|it| it.members.clear()).await;
    assert_eq!(delegations(bob).await, expected[..1]);
    change(alice, &|it| it.delegates.clear()).await;
    assert_eq!(delegations(bob).await, []);
}

#[tokio::test]
async fn members_are_found_through_groups_and_each_once() {
    let world = world().await;
    let add = async |kind, name: &str, members: &[PrincipalId]| {
        let mut account = Principal::new(kind, name);
        account.members = members.to_vec();
        world.store.add_account(account, None).await.unwrap().id
    };
    let alice = add(PrincipalKind::User, "alice", &[]).await;
    let bob = add(PrincipalKind::User, "bob", &[]).await;
    let inner = add(PrincipalKind::Group, "inner", &[alice, bob]).await;
    let outer = add(
        PrincipalKind::Group,
        "outer",
        &[inner, alice, PrincipalId(999)],
    )
    .await;
    let members = async |ids: &[PrincipalId]| -> Vec<PrincipalId> {
        let found = world.store.members_of_all(ids).await.unwrap();
        found.iter().map(|it| it.id).collect()
    };
    assert_eq!(members(&[]).await, []);
    assert_eq!(members(&[bob, outer]).await, [bob, alice]);
    assert_eq!(members(&[inner, outer, bob]).await, [bob, alice]);
}

#[tokio::test]
async fn a_second_store_over_the_same_rows_sees_each_change() {
    let world = world().await;
    let other = Store::open(world.backend.clone(), environment())
        .await
        .unwrap();
    assert_eq!(other.principals().await.unwrap(), []);
    let alice = world.user("alice").await;
    let bob = world.user("bob").await;
    assert_eq!(
        other.principals().await.unwrap(),
        [alice.clone(), bob.clone()]
    );

    let renamed = |it: &mut Principal| it.name = "robert".to_owned();
    let robert = world.store.change_principal(bob.id, renamed).await.unwrap();
    assert_eq!(other.principal_by_name("bob").await.unwrap(), None);
    assert_eq!(
        other.principal_by_name("robert").await.unwrap(),
        Some(robert)
    );
    assert!(
        other
            .resolve(&path("robert", "calendar"))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        other
            .resolve(&path("bob", "calendar"))
            .await
            .unwrap()
            .is_none()
    );

    world.store.remove_account(alice.id).await.unwrap();
    assert!(other.resolve(&path("alice", "")).await.unwrap().is_none());
    assert_eq!(other.principal(alice.id).await.unwrap(), None);
}

/// Whoever's change is read first: the one who gives a name up, or the one who takes it.
#[tokio::test]
async fn a_name_handed_over_belongs_to_the_new_owner_everywhere() {
    let world = world().await;
    let other = Store::open(world.backend.clone(), environment())
        .await
        .unwrap();
    let mut owner = world.user("one").await.id;
    let mut next = world.user("two").await.id;
    for _ in 0..2 {
        other.principals().await.unwrap();
        let give_up =
            |it: &mut Principal| (it.name, it.addresses) = ("free".to_owned(), Vec::new());
        let take = |it: &mut Principal| {
            (it.name, it.addresses) = ("one".to_owned(), vec!["mailto:one@example.com".to_owned()])
        };
        world
            .store
            .change_principal(next, |it| it.name = "third".to_owned())
            .await
            .unwrap();
        world.store.change_principal(owner, give_up).await.unwrap();
        world.store.change_principal(next, take).await.unwrap();
        for store in [&world.store, &other] {
            let by_name = store
                .principal_by_name("one")
                .await
                .unwrap()
                .map(|it| it.id);
            let by_address = store
                .principal_by_address("mailto:one@example.com")
                .await
                .unwrap();
            assert_eq!(
                (by_name, by_address.map(|it| it.id)),
                (Some(next), Some(next))
            );
        }
        (owner, next) = (next, owner);
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn a_principal_changed_meanwhile_is_a_conflict() {
    let world = world().await;
    let alice = world.user("alice").await;
    let before = world
        .store
        .principal_to_change(alice.id)
        .await
        .unwrap()
        .unwrap();
    world
        .store
        .change_principal(alice.id, |it| it.disabled = true)
        .await
        .unwrap();
    let mut batch = world.store.batch();
    batch.put_principal(
        Some(&before),
        &Principal {
            administrator: true,
            ..(*alice).clone()
        },
    );
    assert!(matches!(
        world.store.commit(batch).await,
        Err(CommitError::Conflict(_))
    ));

    // The same by way of the function that decides again.
    let changed = world
        .store
        .change_principal(alice.id, |it| it.administrator = true)
        .await
        .unwrap();
    assert!(changed.disabled && changed.administrator);
    let revision = world.backend.revision();
    world
        .store
        .change_principal(alice.id, |it| it.administrator = true)
        .await
        .unwrap();
    assert_eq!(
        world.backend.revision(),
        revision,
        "a change of nothing writes nothing"
    );
}

#[tokio::test]
async fn credentials_are_decided_upon_what_is_stored() {
    let world = world().await;
    let alice = world.user("alice").await.id;
    let hash = |hash: &str, imported| Credential {
        hash: hash.to_owned(),
        imported,
    };
    let import = |before: Option<&Credential>| match before {
        Some(Credential {
            imported: false, ..
        }) => None,
        _ => Some(hash("imported", true)),
    };
    assert!(world.store.change_credential(alice, import).await.unwrap());
    assert!(
        world
            .store
            .change_credential(alice, |_| Some(hash("own", false)))
            .await
            .unwrap()
    );
    assert!(!world.store.change_credential(alice, import).await.unwrap());
    let stored = world.store.credential(alice).await.unwrap().unwrap();
    assert_eq!(stored.value, hash("own", false));
    let nobody = PrincipalId(7);
    let refusal = world.store.change_credential(nobody, import).await;
    assert_eq!(refusal.unwrap_err(), AccountError::NotFound);
}

#[tokio::test]
async fn a_removed_account_is_gone_at_once_and_leaves_nothing() {
    let world = world().await;
    let bob = world.user("bob").await;
    let rows_before = world.rows().await;
    let credential = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    let alice = Principal::new(PrincipalKind::User, "alice");
    let alice = world
        .store
        .add_account(alice, Some(credential))
        .await
        .unwrap();
    world
        .make(&path("alice", "files"), CollectionKind::Plain)
        .await;
    world
        .make(&path("alice", "files/deep"), CollectionKind::Calendar)
        .await;
    world
        .put(&path("alice", "files/deep/a.ics"), &event("a", "content"))
        .await
        .unwrap();
    world.store.remove_account(alice.id).await.unwrap();

    assert!(
        world
            .store
            .resolve(&path("alice", ""))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(world.store.credential(alice.id).await.unwrap(), None);
    world.user("alice").await;
    world.purge().await;
    world.assert_sound().await;
    assert_eq!(world.names(&path("alice", "")).await.len(), 3);

    let again = world
        .store
        .principal_by_name("alice")
        .await
        .unwrap()
        .unwrap();
    world.store.remove_account(again.id).await.unwrap();
    world.purge().await;
    let refusal = world.store.remove_account(alice.id).await;
    assert_eq!(refusal.unwrap_err(), AccountError::NotFound);
    assert_eq!(
        world.rows().await,
        rows_before,
        "only the directory's log grew"
    );
    assert_eq!(world.store.principals().await.unwrap(), [bob]);
}

#[tokio::test]
async fn of_two_who_want_one_name_or_address_one_gets_it() {
    let world = world().await;
    let principal = |name: &str, address: &str| Principal {
        id: world.store.new_principal_id(),
        addresses: vec![address.to_owned()],
        ..Principal::new(PrincipalKind::Group, name)
    };
    let add = |principal: Principal| {
        let mut batch = world.store.batch();
        batch.put_principal(None, &principal);
        world.store.commit(batch)
    };
    add(principal("one", "mailto:one@example.com"))
        .await
        .unwrap();
    for (name, address) in [
        ("ONE", "mailto:x@example.com"),
        ("x", "MAILTO:one@example.com"),
    ] {
        let answer = add(principal(name, address)).await;
        assert!(
            matches!(answer, Err(CommitError::Conflict(_))),
            "{name} {address}"
        );
    }
    add(principal("x", "mailto:x@example.com")).await.unwrap();
    world.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_set_while_the_account_is_removed_is_not_kept() {
    let world = world().await;
    let alice = world.user("alice").await.id;
    let hash = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    // The decision falls between reading and writing.
    let remove_and_set = |_: Option<&Credential>| {
        let removal = world.store.remove_account(alice);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(removal))
            .unwrap();
        Some(hash.clone())
    };
    let refusal = world.store.change_credential(alice, remove_and_set).await;
    assert_eq!(refusal, Err(AccountError::NotFound));
    assert_eq!(world.store.credential(alice).await.unwrap(), None);
    world.assert_sound().await;
}

/// Whatever the order of the identities of a home and of what is in it.
#[tokio::test]
async fn homes_are_purged_behind_all_that_was_in_them() {
    let world = world().await;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for name in names {
        let id = world.user(name).await.id;
        for place in ["calendar/x", "inbox/x", "outbox/x", "x"] {
            world
                .put(&path(name, place), &event("x", "octets"))
                .await
                .unwrap();
        }
        world.store.remove_account(id).await.unwrap();
    }
    world.purge().await;
    assert_eq!(world.rows().await, [keys::meta(), keys::directory()]);
}
