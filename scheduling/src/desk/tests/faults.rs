//! What fails on the way changes nothing, and says why.

use storage::{
    backend::{CommitError, ReadError},
    testing::Faulty,
};

use super::*;

const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\n\
    DTSTART:20260201T090000Z\r\nORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
    ATTENDEE:mailto:xenia@elsewhere.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[derive(Clone, Copy, Debug)]
enum Step {
    Put(&'static str),
    Invite,
    Delete(&'static str),
    Copy,
    Move,
    Make,
    Lock,
    Properties,
}

async fn perform(world: &World, step: Step) -> Result<(), Refusal> {
    match step {
        Step::Put(at) => world.put(at, event("new", "")).await.map(|_| ()),
        Step::Invite => world.put("alice/calendar/m.ics", MEETING).await.map(|_| ()),
        Step::Delete(at) => world.delete(at).await.map(|_| ()),
        Step::Copy => world.copy("alice/folder", "alice/copy").await.map(|_| ()),
        Step::Move => world
            .rename("alice/folder", "alice/moved")
            .await
            .map(|_| ()),
        Step::Make => world.make("alice/made", CollectionKind::Calendar).await,
        Step::Lock => {
            let taking = locks::taking("alice/lock", true, false);
            world.desk.lock(&world.alice, taking).await.map(|_| ())
        }
        Step::Properties => {
            let change = ChangeProperties {
                path: path("alice/folder"),
                changes: vec![("{urn:x}p".into(), Some(Bytes::new()))],
                conditions: Conditions::default(),
            };
            world.desk.change_properties(&world.alice, change).await
        }
    }
}

const STEPS: [Step; 10] = [
    Step::Put("alice/file"),
    Step::Put("alice/calendar/new.ics"),
    Step::Invite,
    Step::Copy,
    Step::Properties,
    Step::Move,
    Step::Make,
    Step::Lock,
    Step::Delete("alice/calendar/m.ics"),
    Step::Delete("alice/moved"),
];

/// What everybody has, with every entity tag.
async fn picture(world: &World) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    for home in ["alice", "bob"] {
        for at in world.tree(home).await {
            let object = world.object(at.trim_end_matches('/')).await;
            all.push((at, object.map(|object| object.etag)));
        }
    }
    all
}

/// Each step in turn with a store that cannot be written, and with one that cannot be read; then it
/// succeeds.
#[tokio::test]
async fn a_failing_store_changes_nothing() {
    let mut faulty = None;
    let world = world_with(Settings::default(), |memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    let faulty = faulty.unwrap();
    world
        .make("alice/folder", CollectionKind::Plain)
        .await
        .unwrap();
    world.put("alice/folder/a", "1").await.unwrap();
    for step in STEPS {
        let before = picture(&world).await;
        faulty.fail_all_commits(CommitError::Unavailable("disk full".into()));
        assert_eq!(
            perform(&world, step).await,
            Err(Refusal::Unavailable("disk full".into())),
            "{step:?}"
        );
        faulty.heal();
        for nth in 1.. {
            let reads = faulty.reads();
            faulty.fail_read(nth, ReadError::Corrupt("torn".into()));
            let result = perform(&world, step).await;
            let reached = faulty.reads() - reads >= nth;
            faulty.heal();
            if !reached {
                // this time it went through before the read that was to fail
                assert_eq!(result, Ok(()), "{step:?}");
                break;
            }
            assert!(
                matches!(result, Err(Refusal::Damaged(_))),
                "{step:?}, read {nth}: {result:?}"
            );
            assert_eq!(picture(&world).await, before, "{step:?}, read {nth}");
        }
        let looks_the_same = picture(&world).await == before;
        assert_eq!(looks_the_same, matches!(step, Step::Properties), "{step:?}");
    }
}

/// A bound of the commit is told as such, and nothing happened.
#[tokio::test]
async fn what_is_too_large_is_refused() {
    let mut settings = Settings::default();
    settings.limits.maximum_file_octets = 10;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let refused = world.put("alice/a", vec![0; 11]).await;
    assert!(matches!(refused, Err(Refusal::InsufficientStorage(_))));
    world.put("alice/a", vec![0; 10]).await.unwrap();
}

/// As long as every commit meets a conflict the rounds end, and the client is asked to come again.
#[tokio::test]
async fn rounds_are_bounded() {
    let mut faulty = None;
    let world = world_with(Settings::default(), |memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    let faulty = faulty.unwrap();
    faulty.fail_all_commits(CommitError::Conflict(0));
    for step in [
        Step::Put("alice/file"),
        Step::Put("alice/calendar/a.ics"),
        Step::Make,
        Step::Lock,
    ] {
        assert!(
            matches!(perform(&world, step).await, Err(Refusal::Unavailable(_))),
            "{step:?}"
        );
    }
}
