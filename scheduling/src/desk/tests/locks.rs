//! LOCK, UNLOCK, and what locks protect (RFC 4918 §6, §7, §9.10, §9.11).

use storage::{access::Privilege, model::LockRoot};

use super::*;

pub(super) fn taking(at: &str, exclusive: bool, deep: bool) -> TakeLock {
    TakeLock {
        path: path(at),
        deep,
        exclusive,
        owner: Bytes::from_static(b"<owner/>"),
        timeout_seconds: 60,
        conditions: Conditions::default(),
    }
}

impl World {
    async fn lock(&self, at: &str, exclusive: bool, deep: bool) -> String {
        self.desk
            .lock(&self.alice, taking(at, exclusive, deep))
            .await
            .unwrap()
            .0
            .token
    }

    async fn unlock(&self, at: &str, token: &str) -> Result<(), Refusal> {
        self.desk
            .unlock(
                &self.alice,
                path(at),
                token.to_owned(),
                Conditions::default(),
            )
            .await
    }
}

/// A root that ends in a slash is a collection.
fn locked(root: &str) -> Refusal {
    Refusal::Locked {
        precondition: Precondition::LockTokenSubmitted,
        roots: vec![LockRoot {
            path: path(root),
            is_collection: root.ends_with('/'),
        }],
    }
}

#[tokio::test]
async fn a_locked_object_needs_its_token() {
    let world = world().await;
    world.put("alice/a", "1").await.unwrap();
    let token = world.lock("alice/a", true, false).await;
    assert_eq!(world.put("alice/a", "2").await, Err(locked("alice/a")));
    assert_eq!(world.delete("alice/a").await, Err(locked("alice/a")));
    assert_eq!(
        world.rename("alice/a", "alice/b").await,
        Err(locked("alice/a"))
    );
    world.copy("alice/a", "alice/b").await.unwrap();
    world
        .put("alice/b", "the lock was not copied")
        .await
        .unwrap();
    assert_eq!(
        world.copy("alice/b", "alice/a").await,
        Err(locked("alice/a"))
    );
    let wrong = tokens(&[("alice/a", "urn:uuid:wrong")]);
    assert_eq!(
        world.put_if("alice/a", "2".into(), wrong).await,
        Err(Refusal::ConditionFailed("If"))
    );
    world
        .put_if("alice/a", "2".into(), tokens(&[("alice/a", &token)]))
        .await
        .unwrap();
    world.unlock("alice/a", &token).await.unwrap();
    world.put("alice/a", "3").await.unwrap();
    let gone = tokens(&[("alice/a", &token)]);
    assert_eq!(
        world.put_if("alice/a", "4".into(), gone).await,
        Err(Refusal::ConditionFailed("If"))
    );
}

/// RFC 4918 §7.3, §9.10.4
#[tokio::test]
async fn locking_an_unmapped_url_makes_an_empty_resource() {
    let world = world().await;
    let (lock, created) = world
        .desk
        .lock(&world.alice, taking("alice/new", true, false))
        .await
        .unwrap();
    assert!(created);
    assert_eq!(world.octets("alice/new").await.unwrap(), Bytes::new());
    world
        .put_if(
            "alice/new",
            "1".into(),
            tokens(&[("alice/new", &lock.token)]),
        )
        .await
        .unwrap();
    let refused = world
        .desk
        .lock(&world.alice, taking("alice/missing/new", true, false))
        .await;
    assert_eq!(refused, Err(Refusal::ParentMissing));
    let refused = world
        .desk
        .lock(&world.alice, taking("alice/calendar/new.ics", true, false))
        .await;
    assert_eq!(violated(refused), Precondition::ValidCalendarData);
    let refused = world
        .desk
        .lock(&world.bob, taking("alice/x", true, false))
        .await;
    assert_eq!(
        refused,
        Err(Refusal::Forbidden {
            missing: vec![(path("alice"), Privilege::Bind)]
        })
    );
}

/// RFC 4918 §9.10.3, §9.10.5
#[tokio::test]
async fn conflicting_locks() {
    let world = world().await;
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world.put("alice/c/a", "1").await.unwrap();
    world.lock("alice/c/a", false, false).await;
    world.lock("alice/c/a", false, false).await;
    let conflict = Refusal::Locked {
        precondition: Precondition::NoConflictingLock,
        roots: vec![LockRoot {
            path: path("alice/c/a"),
            is_collection: false,
        }],
    };
    for taking in [
        taking("alice/c/a", true, false),
        taking("alice/c", true, true),
    ] {
        assert_eq!(
            world.desk.lock(&world.alice, taking).await.unwrap_err(),
            conflict
        );
    }
    world.lock("alice/c", true, false).await;
}

/// RFC 4918 §7.4: a lock on a collection protects its membership.
#[tokio::test]
async fn a_locked_collection_keeps_its_members() {
    let world = world().await;
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world.put("alice/c/a", "1").await.unwrap();
    let token = world.lock("alice/c", true, false).await;
    world
        .put("alice/c/a", "content is not protected")
        .await
        .unwrap();
    assert_eq!(world.put("alice/c/b", "1").await, Err(locked("alice/c/")));
    assert_eq!(world.delete("alice/c/a").await, Err(locked("alice/c/")));
    assert_eq!(
        world.make("alice/c/d", CollectionKind::Plain).await,
        Err(locked("alice/c/"))
    );
    assert_eq!(
        world.rename("alice/c/a", "alice/a").await,
        Err(locked("alice/c/"))
    );
    let change = ChangeProperties {
        path: path("alice/c"),
        changes: vec![("{urn:x}p".into(), Some(Bytes::new()))],
        conditions: Conditions::default(),
    };
    assert_eq!(
        world.desk.change_properties(&world.alice, change).await,
        Err(locked("alice/c/"))
    );
    world
        .put_if("alice/c/b", "1".into(), tokens(&[("alice/c", &token)]))
        .await
        .unwrap();
}

/// RFC 4918 §9.6, §7.6: deleting or moving a tree needs all its tokens; the locks go with it.
#[tokio::test]
async fn trees_need_all_their_tokens() {
    let world = world().await;
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world.put("alice/c/a", "1").await.unwrap();
    let token = world.lock("alice/c/a", true, false).await;
    assert_eq!(world.delete("alice/c").await, Err(locked("alice/c/a")));
    assert_eq!(
        world.rename("alice/c", "alice/d").await,
        Err(locked("alice/c/a"))
    );
    let moving = Transfer {
        conditions: tokens(&[("alice/c/a", &token)]),
        ..transfer("alice/c", "alice/d", false)
    };
    world.desk.transfer(&world.alice, moving).await.unwrap();
    world
        .put("alice/d/a", "a lock does not move")
        .await
        .unwrap();
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world
        .put("alice/c/a", "nor does it stay behind")
        .await
        .unwrap();
}

/// RFC 4918 §6.6, §9.10.2
#[tokio::test]
async fn locks_run_out_unless_refreshed() {
    let world = world().await;
    world.put("alice/a", "1").await.unwrap();
    let token = world.lock("alice/a", true, false).await;
    world.clock.advance(59_000);
    let named = tokens(&[("alice/a", &token)]);
    let refreshed = world
        .desk
        .refresh_lock(&world.alice, path("alice/a"), named.clone(), 60)
        .await
        .unwrap();
    assert_eq!(refreshed.token, token);
    world.clock.advance(59_999);
    assert_eq!(world.put("alice/a", "2").await, Err(locked("alice/a")));
    world.clock.advance(1);
    world.put("alice/a", "2").await.unwrap();
    let late = world
        .desk
        .refresh_lock(&world.alice, path("alice/a"), named, 60)
        .await;
    assert_eq!(late, Err(Refusal::ConditionFailed("If")));
    let home = world.alice.principal.home.unwrap();
    world.lock("alice/a", true, false).await;
    let kept = world.desk.store().locks(home).await.unwrap();
    assert_eq!(kept.len(), 1, "the one that ran out is gone");
    let long = TakeLock {
        timeout_seconds: u32::MAX,
        ..taking("alice/b", true, false)
    };
    let (lock, _) = world.desk.lock(&world.alice, long).await.unwrap();
    assert_eq!(lock.timeout_seconds, lock::MAXIMUM_LOCK_SECONDS);
}

/// RFC 4918 §9.11, RFC 3744 §3.5
#[tokio::test]
async fn unlocking() {
    let world = world().await;
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world.put("alice/c/a", "1").await.unwrap();
    let token = world.lock("alice/c", true, true).await;
    let wrong = Precondition::LockTokenMatchesRequestUri;
    assert_eq!(
        violated(world.unlock("alice/c/a", "urn:uuid:other").await),
        wrong
    );
    assert_eq!(violated(world.unlock("alice", &token).await), wrong);
    let refused = world
        .desk
        .unlock(
            &world.bob,
            path("alice/c"),
            token.clone(),
            Conditions::default(),
        )
        .await;
    assert_eq!(
        refused,
        Err(Refusal::Forbidden {
            missing: vec![(path("alice/c"), Privilege::Unlock)]
        })
    );
    world.unlock("alice/c/a", &token).await.unwrap();
    world.put("alice/c/b", "1").await.unwrap();
}

#[tokio::test]
async fn locks_are_bounded() {
    let mut settings = Settings::default();
    settings.limits.maximum_locks_per_home = 2;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.lock("alice/a", true, false).await;
    world.lock("alice/b", true, false).await;
    let refused = world
        .desk
        .lock(&world.alice, taking("alice/c", true, false))
        .await;
    assert!(matches!(refused, Err(Refusal::InsufficientStorage(_))));
    assert_eq!(world.object("alice/c").await, None);
}

/// However the clock is stepped, no lock stands for ever, and a small step back ends none.
#[tokio::test]
async fn a_lock_does_not_outlive_a_clock_that_is_put_back() {
    const TWENTY_YEARS: i64 = 20 * 365 * 24 * 60 * 60 * 1000;
    for step in [-TWENTY_YEARS, TWENTY_YEARS] {
        let world = world().await;
        world.put("alice/a", "1").await.unwrap();
        world.lock("alice/a", true, false).await;
        world.clock.advance(-5_000);
        assert_eq!(world.put("alice/a", "2").await, Err(locked("alice/a")));
        world.clock.advance(step);
        world.put("alice/a", "3").await.unwrap();
        let token = world.lock("alice/a", true, false).await;
        assert_eq!(world.put("alice/a", "4").await, Err(locked("alice/a")));
        world.unlock("alice/a", &token).await.unwrap();
        world.put("alice/a", "5").await.unwrap();
    }
}
