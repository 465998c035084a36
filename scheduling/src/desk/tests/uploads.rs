//! PUT of files that come piece by piece.

use super::*;

const PIECE_OCTETS: usize = 100_000;

fn putting(at: &str, conditions: Conditions) -> Put {
    Put {
        path: path(at),
        content_type: Some("image/png".into()),
        octets: Bytes::new(),
        conditions,
        schedule_reply: true,
    }
}

async fn upload(world: &World, put: &Put, pieces: u8) -> Result<Written, Refusal> {
    let mut file = world.desk.begin_file(&world.alice, put, None).await?;
    for piece in 0..pieces {
        let octets = Bytes::from(vec![piece; PIECE_OCTETS]);
        if let Err(refusal) = world.desk.continue_file(&mut file, octets).await {
            drop(file);
            return Err(refusal);
        }
    }
    world.desk.finish_file(&world.alice, put, file).await
}

fn content(pieces: u8) -> Vec<u8> {
    (0..pieces)
        .flat_map(|piece| std::iter::repeat_n(piece, PIECE_OCTETS))
        .collect()
}

#[tokio::test]
async fn a_file_in_pieces_is_the_file() {
    let world = world().await;
    for (pieces, created) in [(9, true), (0, false), (1, false), (12, false)] {
        let put = putting("alice/file", Conditions::default());
        let written = upload(&world, &put, pieces).await.unwrap();
        assert_eq!(written.created, created);
        assert_eq!(world.octets("alice/file").await.unwrap(), content(pieces));
        let object = world.object("alice/file").await.unwrap();
        assert_eq!(object.content_type, "image/png");
        assert_eq!(written.etag, Some(object.etag));
        let whole = world.put("alice/whole", content(pieces)).await.unwrap();
        assert_eq!(whole.etag, written.etag);
    }
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// What can be known without the octets is judged without them.
#[tokio::test]
async fn refused_before_the_first_octet() {
    let mut settings = Settings::default();
    settings.limits.maximum_file_octets = 2_000_000;
    settings.limits.quota_octets = Some(1_000_000);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put("alice/old", vec![1; 600_000]).await.unwrap();
    let begin = async |at: &str, conditions: Conditions, announced: Option<u64>| {
        let put = putting(at, conditions);
        let begun = world.desk.begin_file(&world.alice, &put, announced);
        begun.await.map(|_| ())
    };
    let none = Conditions::default;
    let too_large = begin("alice/new", none(), Some(2_000_001)).await;
    assert!(matches!(too_large, Err(Refusal::InsufficientStorage(_))));
    for (at, announced, expected) in [
        ("alice/new", 400_000, true),
        ("alice/new", 400_001, false),
        // what it replaces gives its room
        ("alice/old", 1_000_000, true),
        ("alice/old", 1_000_001, false),
    ] {
        match begin(at, none(), Some(announced)).await {
            Ok(()) => assert!(expected, "{at} {announced}"),
            refused => {
                assert!(!expected, "{at} {announced}");
                assert_eq!(violated(refused), Precondition::QuotaNotExceeded);
            }
        }
    }
    assert_eq!(
        begin("alice/old", if_none_match("*"), None).await,
        Err(Refusal::ConditionFailed("If-None-Match"))
    );
    assert_eq!(
        begin("alice/no/new", none(), None).await,
        Err(Refusal::ParentMissing)
    );
    assert!(matches!(
        begin("bob/new", none(), None).await,
        Err(Refusal::Forbidden { .. })
    ));
    assert_eq!(
        violated(begin("alice/calendar/a.ics", none(), None).await),
        Precondition::MaxResourceSize
    );
    let taking = locks::taking("alice/old", true, false);
    world.desk.lock(&world.alice, taking).await.unwrap();
    assert!(matches!(
        begin("alice/old", none(), None).await,
        Err(Refusal::Locked { .. })
    ));
}

#[tokio::test]
async fn refused_on_the_way() {
    let mut settings = Settings::default();
    settings.limits.maximum_file_octets = 1_000_000;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let put = putting("alice/file", Conditions::default());
    let refused = upload(&world, &put, 11).await;
    assert!(matches!(refused, Err(Refusal::InsufficientStorage(_))));
    assert_eq!(world.object("alice/file").await, None);
    upload(&world, &put, 10).await.unwrap();

    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(1_000_000);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let refused = upload(&world, &put, 11).await;
    assert_eq!(violated(refused), Precondition::QuotaNotExceeded);
    upload(&world, &put, 10).await.unwrap();
}

/// What held in the beginning must hold in the end.
#[tokio::test]
async fn what_changes_meanwhile_counts() {
    type Meanwhile = for<'a> fn(&'a World) -> storage::backend::BoxFuture<'a, ()>;
    type IsExpected = fn(&Refusal) -> bool;
    let table: [(Conditions, Meanwhile, IsExpected); 4] = [
        (
            if_none_match("*"),
            |world| Box::pin(async { drop(world.put("alice/c/file", "other").await.unwrap()) }),
            |refusal| *refusal == Refusal::ConditionFailed("If-None-Match"),
        ),
        (
            Conditions::default(),
            |world| Box::pin(async { drop(world.delete("alice/c").await.unwrap()) }),
            |refusal| *refusal == Refusal::ParentMissing,
        ),
        (
            Conditions::default(),
            |world| {
                Box::pin(async {
                    world.delete("alice/c").await.unwrap();
                    let calendar = world.make("alice/c", CollectionKind::Calendar);
                    calendar.await.unwrap();
                })
            },
            |refusal| {
                matches!(refusal, Refusal::Precondition { precondition, .. }
                    if *precondition == Precondition::MaxResourceSize)
            },
        ),
        (
            Conditions::default(),
            |world| {
                Box::pin(async {
                    let taking = locks::taking("alice/c", true, true);
                    world.desk.lock(&world.alice, taking).await.unwrap();
                })
            },
            |refusal| matches!(refusal, Refusal::Locked { .. }),
        ),
    ];
    for (conditions, meanwhile, expected) in table {
        let world = world().await;
        world.make("alice/c", CollectionKind::Plain).await.unwrap();
        let put = putting("alice/c/file", conditions);
        let mut file = world
            .desk
            .begin_file(&world.alice, &put, None)
            .await
            .unwrap();
        let octets = Bytes::from(content(8));
        world.desk.continue_file(&mut file, octets).await.unwrap();
        meanwhile(&world).await;
        let finished = world.desk.finish_file(&world.alice, &put, file).await;
        let refusal = finished.unwrap_err();
        assert!(expected(&refusal), "{refusal:?}");
    }
}

/// Each commit and each read fails in turn: the file is there as it was, or as it shall be.
#[tokio::test]
async fn a_failing_store_keeps_the_old_file() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    let put = putting("alice/file", Conditions::default());
    // Of octets and of rows.
    for (length, of_octets, most) in [(12, true, 3), (13, false, 2)] {
        world.put("alice/file", "old").await.unwrap();
        let made = || match of_octets {
            true => faulty.blob_writes(),
            false => faulty.commits(),
        };
        for nth in 1.. {
            let begun = made();
            let error = CommitError::Unavailable("disk full".into());
            match of_octets {
                true => faulty.fail_blob_write(nth, error),
                false => faulty.fail_commit(nth, error),
            }
            let written = upload(&world, &put, length).await;
            let reached = made() - begun >= nth;
            faulty.heal();
            let octets = world.octets("alice/file").await.unwrap();
            let what = format!("write {nth}, of octets: {of_octets}");
            if !reached {
                assert!(nth > most, "{what}");
                written.unwrap();
                assert_eq!(octets, content(length));
                break;
            }
            match written {
                Ok(_) => panic!("{what} failed without a word"),
                Err(refusal) => assert_eq!(refusal, Refusal::Unavailable("disk full".into())),
            }
            assert_eq!(octets, "old", "{what}");
            assert_eq!(world.desk.store().check().await.unwrap(), []);
        }
    }
}
