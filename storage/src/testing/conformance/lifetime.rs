//! From the empty store to the reopened one.

use super::{Subject, all, key, names, page, put, read, refusal, write};
use crate::{
    Revision, Timestamp,
    backend::{CommitError, KeyRange, Operation},
};

/// Nothing is there, and that can be said of everything.
pub async fn an_empty_store(subject: &impl Subject) {
    let backend = subject.open();
    assert_eq!(backend.revision(), Revision(0));
    assert_eq!(read(&*backend, "a").await, None);
    let found = backend
        .scan(KeyRange::all(), page(10))
        .await
        .expect("a scan");
    assert_eq!((found.rows.len(), found.more), (0, false));
    assert_eq!(backend.get_many(&[]).await.expect("a read"), vec![]);
}

/// The order of commits, also when the clock is put back.
pub async fn revisions_and_times_grow(subject: &impl Subject) {
    let backend = subject.open();
    let clock = subject.clock();
    clock.set(Timestamp(5000));
    let first = write(&*backend, vec![put("a", "1")]).await;
    assert_eq!(
        (first.time, backend.revision()),
        (Timestamp(5000), first.revision)
    );
    clock.set(Timestamp(1000));
    let second = write(&*backend, vec![]).await;
    assert_eq!(
        (second.time, backend.revision()),
        (Timestamp(5000), second.revision)
    );
    clock.set(Timestamp(6000));
    let third = write(&*backend, vec![put("a", "2")]).await;
    assert_eq!(third.time, Timestamp(6000));
    assert!(first.revision < second.revision && second.revision < third.revision);
}

/// After the end nothing is done, and nothing half.
pub async fn a_closed_store_refuses(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("a", "1")]).await;
    backend.close().await;
    assert!(matches!(
        refusal(&*backend, vec![], vec![put("b", "1")]).await,
        CommitError::Unavailable(_)
    ));
    backend.close().await;
}

/// What was acknowledged is there again, with its revisions.
pub async fn everything_survives_a_reopen(subject: &impl Subject) {
    if !subject.survives() {
        return;
    }
    let mut before = Vec::new();
    for round in 0..3 {
        let backend = subject.open();
        assert_eq!(all(&*backend).await, before, "round {round}");
        write(
            &*backend,
            vec![put(&format!("a{round}"), "1"), put("b", &round.to_string())],
        )
        .await;
        write(&*backend, vec![put("gone", "1")]).await;
        write(
            &*backend,
            vec![Operation::Delete(key("gone")), put("c", "")],
        )
        .await;
        before = all(&*backend).await;
        if round == 1 {
            backend.close().await;
        }
        drop(backend);
    }
    assert_eq!(names(&before), ["a0", "a1", "a2", "b", "c"]);
}

/// Numbers are not used again, and time does not go back, over a restart with a wrong clock.
pub async fn revisions_and_times_go_on_after_a_reopen(subject: &impl Subject) {
    if !subject.survives() {
        return;
    }
    subject.clock().set(Timestamp(5000));
    let mut last = Revision(0);
    for _ in 0..3 {
        let backend = subject.open();
        assert_eq!(backend.revision(), last);
        let done = write(&*backend, vec![]).await;
        assert_eq!(
            (done.revision, done.time),
            (Revision(last.0 + 1), Timestamp(5000))
        );
        last = done.revision;
        subject.clock().set(Timestamp(1000));
    }
}
