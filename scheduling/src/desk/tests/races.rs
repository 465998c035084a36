//! No interleaving of changes loses one.

use super::{yielding::Yielding, *};

const WRITERS: usize = 8;
const WRITES: usize = 12;

async fn crowd() -> Arc<World> {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    Arc::new(world)
}

/// Writers that read a number, add one, and PUT with If-Match. Each 412 is answered by reading again.
/// In the end the number is the count of the PUTs that were said to have succeeded: no update is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_if_match_no_update_is_lost() {
    for at in ["alice/counter", "alice/calendar/counter.ics"] {
        let world = crowd().await;
        world.put(at, event("counter", "0")).await.unwrap();
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| tokio::spawn(count_up(Arc::clone(&world), at)))
            .collect();
        let mut lost = 0;
        for writer in writers {
            lost += writer.await.unwrap();
        }
        let text = String::from_utf8(world.octets(at).await.unwrap().to_vec()).unwrap();
        assert!(
            text.contains(&format!("SUMMARY:{}\r\n", WRITERS * WRITES)),
            "{text}"
        );
        assert!(lost > 0, "the writers never met");
    }
}

/// Makes [`WRITES`] updates; says how often another writer was faster.
async fn count_up(world: Arc<World>, at: &'static str) -> usize {
    let mut lost = 0;
    for _ in 0..WRITES {
        loop {
            let object = world.object(at).await.unwrap();
            let octets = world.desk.octets(&object).await.unwrap();
            let text = String::from_utf8(octets.to_vec()).unwrap();
            let (_, rest) = text.split_once("SUMMARY:").unwrap();
            let number: usize = rest.split_once("\r\n").unwrap().0.parse().unwrap();
            let next = event("counter", &(number + 1).to_string());
            match world.put_if(at, next, if_match(&object.etag)).await {
                Ok(_) => break,
                Err(Refusal::ConditionFailed("If-Match")) => lost += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    lost
}

/// Of many that create the same resource with If-None-Match, one succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_creates() {
    let world = crowd().await;
    for round in 0..10 {
        let at = format!("alice/calendar/{round}.ics");
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let (world, at) = (Arc::clone(&world), at.clone());
            tasks.push(tokio::spawn(async move {
                let octets = event(&format!("uid-{round}"), &writer.to_string());
                world.put_if(&at, octets, if_none_match("*")).await
            }));
        }
        let mut created = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(written) => {
                    assert!(written.created);
                    created += 1;
                }
                Err(refusal) => assert_eq!(refusal, Refusal::ConditionFailed("If-None-Match")),
            }
        }
        assert_eq!(created, 1);
    }
}

/// RFC 4791 §5.3.2.1: of many that bring the same UID under different names, one succeeds, and the
/// others are told the name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_uid_one_object() {
    let world = crowd().await;
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let world = Arc::clone(&world);
        tasks.push(tokio::spawn(async move {
            let place = format!("alice/calendar/{writer}.ics");
            let written = world.put(&place, event("same", "")).await;
            written.map(|_| path(&place))
        }));
    }
    let mut places = Vec::new();
    let mut conflicts = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(place) => places.push(place),
            Err(Refusal::Precondition {
                precondition,
                resource,
                ..
            }) => {
                assert_eq!(precondition, Precondition::NoUidConflict);
                conflicts.push(resource.unwrap());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(places.len(), 1);
    assert_eq!(conflicts, vec![places[0].clone(); WRITERS - 1]);
}

/// Without conditions everybody succeeds, and the content is somebody's as a whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_conditions_everybody_succeeds() {
    let world = crowd().await;
    let mut tasks = Vec::new();
    for writer in 0..32 {
        let world = Arc::clone(&world);
        tasks.push(tokio::spawn(async move {
            world
                .put("alice/file", Bytes::from(format!("{writer}")))
                .await
        }));
    }
    let mut created = 0;
    for task in tasks {
        created += usize::from(task.await.unwrap().unwrap().created);
    }
    assert_eq!(created, 1);
}

/// A file that is PUT into a collection while the collection is deleted is either refused or deleted
/// with it: nothing is left that cannot be reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_put_into_what_is_deleted() {
    let world = crowd().await;
    for _ in 0..20 {
        world
            .make("alice/folder", CollectionKind::Plain)
            .await
            .unwrap();
        let puts: Vec<_> = (0..4)
            .map(|name| {
                let world = Arc::clone(&world);
                tokio::spawn(
                    async move { world.put(&format!("alice/folder/{name}"), "text").await },
                )
            })
            .collect();
        let deletion = {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.delete("alice/folder").await })
        };
        for put in puts {
            match put.await.unwrap() {
                Ok(_) | Err(Refusal::ParentMissing) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        deletion.await.unwrap().unwrap();
        while world.desk.store().purge_detached(1_000).await.unwrap() {}
        assert_eq!(
            world
                .desk
                .store()
                .used_octets(world.alice.principal.home.unwrap())
                .await
                .unwrap(),
            0
        );
    }
}

/// Of many that ask for an exclusive lock, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_locks() {
    let world = crowd().await;
    world.put("alice/file", "text").await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..WRITERS {
        let world = Arc::clone(&world);
        tasks.push(tokio::spawn(async move {
            world
                .desk
                .lock(&world.alice, locks::taking("alice/file", true, false))
                .await
        }));
    }
    let mut taken = 0;
    for task in tasks {
        taken += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(taken, 1);
}
