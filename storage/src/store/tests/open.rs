//! Opening a store.

use super::*;
use crate::testing::environment;

#[tokio::test]
async fn the_epoch_is_drawn_once() {
    let world = world().await;
    let again = Store::open(world.backend.clone(), environment())
        .await
        .unwrap();
    assert_eq!(again.epoch(), world.store.epoch());
    assert_ne!(again.epoch(), 0);
}

#[tokio::test]
async fn an_older_format_is_raised_and_the_epoch_kept() {
    let world = world().await;
    let epoch = world.store.epoch();
    let older = MetaRecord { format: 1, epoch };
    let operations = vec![Operation::Put(keys::meta(), record::encode(&older))];
    let store = &world.store;
    store.commit_rows(Vec::new(), operations).await.unwrap();
    let again = Store::open(world.backend.clone(), environment())
        .await
        .unwrap();
    assert_eq!(again.epoch(), epoch);
    let row = world.backend.get(&keys::meta()).await.unwrap().unwrap();
    let meta: MetaRecord = record::decode(&row.value, "meta").unwrap();
    assert_eq!((meta.format, meta.epoch), (FORMAT, epoch));
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let world = world().await;
    let newer = MetaRecord {
        format: FORMAT + 1,
        epoch: 1,
    };
    let operations = vec![Operation::Put(keys::meta(), record::encode(&newer))];
    world
        .store
        .commit_rows(Vec::new(), operations)
        .await
        .unwrap();
    let refusal = Store::open(world.backend.clone(), environment())
        .await
        .err()
        .unwrap();
    assert_eq!(
        refusal,
        OpenError::NewerFormat {
            found: FORMAT + 1,
            known: FORMAT
        }
    );
}
