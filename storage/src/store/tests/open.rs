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
