//! A client puts an invitation that was delivered into another calendar of its owner's: it moves there (C4.7).

use storage::access::{Ace, AcePrincipal, Privilege};
use storage::model::{AuditAction, Collection};

use super::{
    locks::taking,
    meetings::{AT, START, answer, line, meeting},
    yielding::Yielding,
    *,
};

const MINE: &str = "bob/mine/m.ics";

/// Alice's meeting was delivered to Bob, who has two more calendars.
async fn invited(settings: Settings) -> World {
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.make_for_bob("bob/mine").await;
    world
}

fn putting(at: &str, text: &str) -> Put {
    Put {
        path: path(at),
        content_type: None,
        octets: text.to_owned().into(),
        conditions: if_none_match("*"),
        schedule_reply: true,
    }
}

impl World {
    async fn make_for_bob(&self, at: &str) {
        let made = self
            .desk
            .make_collection(&self.bob, making(at, CollectionKind::Calendar));
        made.await.unwrap();
    }

    /// What Alice's object says of Bob.
    async fn bobs_answer(&self) -> String {
        let text = self.text_at(AT).await;
        line(&text, "ATTENDEE", "bob@example.com").to_owned()
    }

    async fn grant_on(&self, at: &str, to: &Actor, grant: &[Privilege]) {
        let store = self.desk.store();
        let resolution = store.resolve(&path(at)).await.unwrap().unwrap();
        let before = resolution.collection();
        let principal = AcePrincipal::Principal(to.principal.id);
        let after = Collection {
            access: Some(vec![Ace::grant(principal, grant)]),
            ..before.value.clone()
        };
        let mut batch = store.batch();
        batch.update_collection(before, &after);
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn it_moves_and_changes_in_one_commit() {
    let world = invited(Settings::default()).await;
    let (_, before, text) = world.bobs().await;
    let revision = world.desk.store().backend().revision();
    let accepted = answer(&text, "ACCEPTED");
    let put = putting(MINE, &accepted);
    let rehearsed = world.desk.rehearse_put(&world.bob, &put).await;
    let rehearsed = rehearsed.unwrap();
    let written = world.desk.put(&world.bob, put).await.unwrap();
    assert_eq!(world.desk.store().backend().revision().0, revision.0 + 1);
    assert!(written.created && written.elsewhere.is_none());
    assert!(rehearsed.written.unwrap().created);
    assert_eq!(rehearsed.octets, world.octets(MINE).await);
    assert!(world.members("bob/calendar").await.is_empty());
    let after = world.object(MINE).await.unwrap();
    assert_eq!((after.id, after.created), (before.id, before.created));
    assert!(world.bobs_answer().await.contains("PARTSTAT=ACCEPTED"));
    let store = world.desk.store();
    let bobs = Some(world.bob.principal.id);
    let audit = store.audit_entries(bobs, None, 100).await.unwrap();
    let noted: Vec<_> = audit.iter().map(|(.., entry)| entry.action).collect();
    let expected = [
        AuditAction::Moved,
        AuditAction::MovedAway,
        AuditAction::Changed,
    ];
    assert!(noted.ends_with(&expected), "{noted:?}");
    assert_eq!(store.check().await.unwrap(), []);
}

/// What is refused has moved nothing, whatever it is refused for.
#[tokio::test]
async fn what_is_refused_moves_nothing() {
    for obstacle in ["messages", "a lock", "the type of component"] {
        let mut settings = Settings::default();
        settings.limits.maximum_messages_per_hour = 3;
        let world = invited(settings).await;
        let (at, _, text) = world.bobs().await;
        match obstacle {
            "messages" => {
                for said in ["TENTATIVE", "DECLINED", "TENTATIVE"] {
                    let text = answer(&text, said);
                    world.put_as(&world.bob, &at, text).await.unwrap();
                }
            }
            "a lock" => {
                let taken = taking(&at, true, false);
                world.desk.lock(&world.bob, taken).await.unwrap();
            }
            _ => {
                let tasks = MakeCollection {
                    components: vec!["VTODO".to_owned()],
                    ..making("bob/tasks", CollectionKind::Calendar)
                };
                world.desk.make_collection(&world.bob, tasks).await.unwrap();
            }
        }
        let place = match obstacle {
            "the type of component" => "bob/tasks/m.ics",
            _ => MINE,
        };
        let revision = world.desk.store().backend().revision();
        let put = putting(place, &answer(&text, "ACCEPTED"));
        let refused = world.desk.put(&world.bob, put).await;
        let is_expected = match &refused {
            Err(Refusal::TooManyMessages { .. }) => obstacle == "messages",
            Err(Refusal::Locked { .. }) => obstacle == "a lock",
            Err(Refusal::Precondition { precondition, .. }) => {
                *precondition == Precondition::SupportedCalendarComponent
            }
            _ => false,
        };
        assert!(is_expected, "{obstacle}: {refused:?}");
        assert_eq!(world.desk.store().backend().revision(), revision);
        assert_eq!(world.bobs().await.0, at, "{obstacle}");
    }
}

/// RFC 3744 appendix B: who may not take it away from where it stands does not move it; a dry run says so, too.
#[tokio::test]
async fn who_may_not_unbind_does_not_move_it() {
    let world = invited(Settings::default()).await;
    let carol = user(world.desk.store(), "carol").await;
    let (reads, writes) = ([Privilege::Read], [Privilege::Read, Privilege::Write]);
    world.grant_on("bob/calendar", &carol, &reads).await;
    world.grant_on("bob/mine", &carol, &writes).await;
    let outbox = [Privilege::ScheduleSend];
    world.grant_on("bob/outbox", &carol, &outbox).await;
    let (at, _, text) = world.bobs().await;
    let put = putting(MINE, &answer(&text, "ACCEPTED"));
    let expected = Refusal::Forbidden {
        missing: vec![(path("bob/calendar"), Privilege::Unbind)],
    };
    let rehearsed = world.desk.rehearse_put(&carol, &put).await;
    assert_eq!(rehearsed.unwrap_err(), expected);
    let refused = world.desk.put(&carol, put.clone()).await;
    assert_eq!(refused.unwrap_err(), expected);
    assert_eq!(world.bobs().await.0, at);
    world.grant_on("bob/calendar", &carol, &writes).await;
    world.desk.put(&carol, put).await.unwrap();
    assert!(world.members("bob/calendar").await.is_empty());
}

async fn crowded() -> Arc<World> {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.make_for_bob("bob/mine").await;
    world.make_for_bob("bob/other").await;
    Arc::new(world)
}

/// The delivered copy goes while it is to move: whoever is first, what is put stands where it was put.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_delivered_copy_goes_meanwhile() {
    for round in 0..10 {
        let world = crowded().await;
        let (at, _, text) = world.bobs().await;
        let put = putting(MINE, &answer(&text, "ACCEPTED"));
        let delete = Delete {
            path: path(&at),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        let (putter, deleter) = (Arc::clone(&world), Arc::clone(&world));
        let put = tokio::spawn(async move { putter.desk.put(&putter.bob, put).await });
        let delete = tokio::spawn(async move { deleter.desk.delete(&deleter.bob, delete).await });
        assert!(put.await.unwrap().unwrap().created, "{round}");
        let deleted = delete.await.unwrap();
        assert!(matches!(deleted, Ok(_) | Err(Refusal::NotFound)));
        assert!(world.members("bob/calendar").await.is_empty());
        assert_eq!(world.members("bob/mine").await.len(), 1);
        assert!(world.bobs_answer().await.contains("PARTSTAT=ACCEPTED"));
    }
}

/// RFC 6638 §3.2.4.1: two clients put it into two calendars at once. There is one copy, and both sides say the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_move_it_at_once() {
    for _ in 0..20 {
        let world = crowded().await;
        let (_, _, text) = world.bobs().await;
        let places = [(MINE, "ACCEPTED"), ("bob/other/m.ics", "TENTATIVE")];
        let puts = places.map(|(at, said)| {
            let (world, put) = (Arc::clone(&world), putting(at, &answer(&text, said)));
            tokio::spawn(async move { world.desk.put(&world.bob, put).await })
        });
        for put in puts {
            assert!(put.await.unwrap().unwrap().created);
        }
        assert!(world.members("bob/calendar").await.is_empty());
        let mut standing = Vec::new();
        for (at, said) in places {
            if world.object(at).await.is_some() {
                standing.push(format!("PARTSTAT={said}"));
            }
        }
        assert_eq!(standing.len(), 1, "{standing:?}");
        assert!(world.bobs_answer().await.contains(&standing[0]));
        assert_eq!(world.desk.store().check().await.unwrap(), []);
    }
}
