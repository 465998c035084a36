//! What fails on the way changes nothing, and says why.

mod stage;
mod steps;

use storage::{
    backend::{CommitError, Entry, Key, KeyRange, Page, ReadError},
    model::MEMBERSHIP_QUEUE,
};

use self::{
    stage::{Stage, stage},
    steps::{STEPS, Step},
};
use super::*;

impl Stage {
    /// Every row there is.
    async fn rows(&self) -> Vec<(Key, Entry)> {
        let page = Page {
            rows: usize::MAX,
            octets: usize::MAX,
            reverse: false,
        };
        let store = self.world.desk.store();
        store
            .backend()
            .scan(KeyRange::all(), page)
            .await
            .unwrap()
            .rows
    }

    /// What everybody has, with every entity tag; what waits; and what is used.
    async fn picture(&self) -> Vec<String> {
        let (world, mut all) = (&self.world, Vec::new());
        let store = world.desk.store();
        // A copy that was given up takes room until the purge comes.
        world.clock.advance(storage::BUILDING_MILLISECONDS + 1);
        while store.purge_detached(1_000).await.unwrap() {}
        for principal in store.principals().await.unwrap() {
            let Some(home) = principal.home else { continue };
            let used = store.used_octets(home).await.unwrap();
            let locks = store.locks(home).await.unwrap().value.len();
            all.push(format!("{} {used} {locks}", principal.name));
            for at in world.tree(&principal.name).await {
                let object = world.object(at.trim_end_matches('/')).await;
                let is_copy = principal.name != "alice" || at.contains("/inbox/");
                // The names of copies and messages are made up.
                let name = if is_copy { "copy" } else { &at };
                // So are the names of attachments, which make the entity tag of the object another.
                let names_one = match &object {
                    Some(_) => world.octets(&at).await.is_some_and(|octets| {
                        String::from_utf8_lossy(&octets).contains("MANAGED-ID=")
                    }),
                    None => false,
                };
                let said = object.map(|object| match object.attachments() {
                    [] if names_one => "names an attachment".to_owned(),
                    [] => object.etag,
                    all => all
                        .iter()
                        .map(|it| format!("attached {}", it.length))
                        .collect(),
                });
                all.push(format!("{name} {said:?}"));
            }
        }
        let queues = [
            mail::QUEUE,
            DELIVERY_QUEUE,
            LETTERS_QUEUE,
            mail::MAILING_QUEUE,
            MAIL_STATUS_QUEUE,
            REFRESH_QUEUE,
            ANSWERED_QUEUE,
            HELD_ANSWER_QUEUE,
            MEMBERSHIP_QUEUE,
        ];
        for queue in queues {
            let waiting = store.list_work(queue, None, 1_000).await.unwrap().len();
            all.push(format!("{queue} {waiting}"));
        }
        all.sort();
        all
    }

    /// Performs a step until nothing is left in its queue, however long that takes.
    async fn finish(&self, step: &Step, queue: &str) {
        let store = self.world.desk.store();
        while let Some(due) = store.next_due(queue).await.unwrap() {
            self.world.clock.set(due.max(self.world.desk.now()));
            assert_eq!((step.perform)(self).await, Ok(()), "{step}");
        }
    }

    /// What is damaged with one of those who are to hear of a change keeps nobody from it: the message waits, and is delivered
    /// once it can be; what there is then.
    async fn deliver_what_waits(&self) -> Vec<String> {
        let (store, desk) = (self.world.desk.store(), &self.world.desk);
        while let Some(due) = store.next_due(DELIVERY_QUEUE).await.unwrap() {
            self.world.clock.set(due.max(desk.now()));
            assert!(desk.deliver_outstanding().await.unwrap());
        }
        while let Some(due) = store.next_due(REFRESH_QUEUE).await.unwrap() {
            self.world.clock.set(due.max(desk.now()));
            assert!(desk.refresh_outstanding().await.unwrap());
        }
        assert_eq!(store.check().await.unwrap(), []);
        names(self.picture().await)
    }

    /// After a step that failed: nothing is half done, and a repetition does the whole.
    async fn assert_repeatable(&self, step: &Step, before: &[(Key, Entry)], after: &[String]) {
        let store = self.world.desk.store();
        assert_eq!(store.check().await.unwrap(), [], "{step}");
        let unchanged = self.rows().await == before;
        assert!(unchanged || step.takes_several_commits, "{step}");
        assert_eq!((step.perform)(self).await, Ok(()), "{step}");
        assert_eq!(self.picture().await, after, "{step}");
        assert_eq!(store.check().await.unwrap(), [], "{step}");
    }
}

/// What there is: not how much room all takes, nor the entity tags, both of which tell when and in how many steps it was done.
fn names(picture: Vec<String>) -> Vec<String> {
    let name = |line: String| line.split(' ').next().unwrap_or_default().to_owned();
    picture.into_iter().map(name).collect()
}

/// Each step with each of its commits failing in turn, for each reason: the refusal says which, and
/// nothing was done.
#[tokio::test]
async fn each_commit_may_fail() {
    let reasons = [
        (CommitError::Full, Refusal::Full),
        (
            CommitError::Unavailable("broken".into()),
            Refusal::Unavailable("broken".into()),
        ),
    ];
    for step in STEPS {
        let untroubled = stage(step.setting).await;
        let commits = untroubled.faulty.commits();
        assert_eq!((step.perform)(&untroubled).await, Ok(()), "{step}");
        let commits = untroubled.faulty.commits() - commits;
        assert_eq!(commits == 0, step.only_reads, "{step}");
        let expected = untroubled.picture().await;
        for nth in 1..=commits {
            for (error, refusal) in &reasons {
                let stage = stage(step.setting).await;
                let before = stage.rows().await;
                stage.faulty.fail_commit(nth, error.clone());
                let answer = (step.perform)(&stage).await;
                assert_eq!(answer.as_ref(), Err(refusal), "{step}, commit {nth}");
                stage.assert_repeatable(step, &before, &expected).await;
            }
        }
    }
}

/// The same with each read. What is done behind the requests is put off where something is damaged, and done once it is
/// not any more.
#[tokio::test]
async fn each_read_may_fail() {
    let reasons = [
        (
            ReadError::Corrupt("torn".into()),
            Refusal::Damaged("torn".into()),
        ),
        (
            ReadError::Unavailable("broken".into()),
            Refusal::Unavailable("broken".into()),
        ),
    ];
    for step in STEPS {
        let untroubled = stage(step.setting).await;
        let reads = untroubled.faulty.reads();
        assert_eq!((step.perform)(&untroubled).await, Ok(()), "{step}");
        let reads = untroubled.faulty.reads() - reads;
        assert!(reads > 0, "{step}");
        let expected = untroubled.picture().await;
        if let Some(queue) = step.queue {
            untroubled.finish(step, queue).await;
        }
        let told = untroubled.deliver_what_waits().await;
        for nth in 1..=reads {
            let (error, refusal) = &reasons[nth as usize % 2];
            let stage = stage(step.setting).await;
            let before = stage.rows().await;
            stage.faulty.fail_read(nth, error.clone());
            let answer = (step.perform)(&stage).await;
            let is_damaged = matches!(error, ReadError::Corrupt(_));
            if let Some(queue) = step.queue.filter(|_| is_damaged && answer.is_ok()) {
                assert_ne!(stage.rows().await, before, "{step}, read {nth}");
                stage.finish(step, queue).await;
                assert_eq!(stage.deliver_what_waits().await, told, "{step}, read {nth}");
                continue;
            }
            if is_damaged && answer.is_ok() {
                // where that was only who waits already, nothing is left to be done
                let deliveries = stage.world.waiting(DELIVERY_QUEUE).await.len();
                let waiting = deliveries + stage.world.waiting(REFRESH_QUEUE).await.len();
                if waiting == 0 {
                    assert_eq!(stage.picture().await, expected, "{step}, read {nth}");
                }
                let delivered = stage.deliver_what_waits().await;
                assert!(delivered == told, "{step}, read {nth}");
                continue;
            }
            assert_eq!(answer.as_ref(), Err(refusal), "{step}, read {nth}");
            stage.assert_repeatable(step, &before, &expected).await;
        }
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
    for step in STEPS {
        let stage = stage(step.setting).await;
        stage.faulty.fail_all_commits(CommitError::Conflict(0));
        let answer = (step.perform)(&stage).await;
        let refused = matches!(answer, Err(Refusal::Unavailable(_)));
        assert!(refused || step.only_reads, "{step}: {answer:?}");
    }
}
