//! What fails on the way changes nothing, and says why.

use storage::{
    Stored,
    backend::{CommitError, Entry, Key, KeyRange, Page, ReadError},
    model::{MEMBERSHIP_QUEUE, Member, Work, WorkId},
    testing::Faulty,
};

use super::*;
use crate::{
    desk::refuse::read_failed,
    mail::{self, DeliveryOutcome},
};

const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\n\
    DTSTART:20260201T090000Z\r\nORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
    ATTENDEE:mailto:xenia@elsewhere.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

const XENIA: &str = "mailto:xenia@elsewhere.test";

/// More people than one commit holds, so that the change is finished by later ones.
const CROWD: usize = 60;

/// So many that a reply is shown to them behind its answer.
const FEW: usize = 14;

/// Everything that the desk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    PutFile,
    PutLargeFile,
    PutEvent,
    Invite,
    InviteMany,
    Reschedule,
    Reply,
    CopyObject,
    MoveObject,
    CopyCollection,
    MoveCollection,
    Make,
    PropertiesOfCollection,
    PropertiesOfObject,
    ChooseDefault,
    Lock,
    RefreshLock,
    Unlock,
    DeleteObject,
    DeleteMeeting,
    DeleteCollection,
    RecordDelivery,
    Deliver,
    Refresh,
    ClearAnswered,
    FollowMembers,
    Import,
    Open,
    AskForBusyTime,
    Attach,
    UpdateAttachment,
    RemoveAttachment,
    OpenAttachment,
    ReceiveMessage,
    RecordBounce,
}

const STEPS: [Step; 35] = [
    Step::PutFile,
    Step::PutLargeFile,
    Step::PutEvent,
    Step::Invite,
    Step::InviteMany,
    Step::Reschedule,
    Step::Reply,
    Step::CopyObject,
    Step::MoveObject,
    Step::CopyCollection,
    Step::MoveCollection,
    Step::Make,
    Step::PropertiesOfCollection,
    Step::PropertiesOfObject,
    Step::ChooseDefault,
    Step::Lock,
    Step::RefreshLock,
    Step::Unlock,
    Step::DeleteObject,
    Step::DeleteMeeting,
    Step::DeleteCollection,
    Step::RecordDelivery,
    Step::Deliver,
    Step::Refresh,
    Step::ClearAnswered,
    Step::FollowMembers,
    Step::Import,
    Step::Open,
    Step::AskForBusyTime,
    Step::Attach,
    Step::UpdateAttachment,
    Step::RemoveAttachment,
    Step::OpenAttachment,
    Step::ReceiveMessage,
    Step::RecordBounce,
];

impl Step {
    /// What changes nothing, and so must not commit either.
    fn only_reads(self) -> bool {
        matches!(
            self,
            Step::Open | Step::AskForBusyTime | Step::OpenAttachment
        )
    }

    /// What is done in several bounded commits, the states between which are right.
    fn takes_several_commits(self) -> bool {
        matches!(
            self,
            Step::PutLargeFile
                | Step::CopyCollection
                | Step::Import
                | Step::Attach
                | Step::UpdateAttachment
        )
    }
}

/// A desk over a backend that can fail, with what the steps are about.
struct Stage {
    world: World,
    faulty: Arc<Faulty>,
    token: String,
    mail: Option<(WorkId, Stored<Work>)>,
    /// The MANAGED-ID of an attachment of the meeting.
    attachment: String,
}

async fn stage(step: Step) -> Stage {
    let mut faulty = None;
    let world = world_with(Settings::default(), |memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    world
        .make("alice/folder", CollectionKind::Plain)
        .await
        .unwrap();
    world.put("alice/folder/a", "1").await.unwrap();
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    let mut stage = Stage {
        world,
        faulty: faulty.unwrap(),
        token: String::new(),
        mail: None,
        attachment: String::new(),
    };
    stage.prepare(step).await;
    stage
}

/// Xenia, elsewhere, accepts.
fn answer_by_mail() -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260102T000000Z\r\n\
         ORGANIZER:mailto:alice@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:{XENIA}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    IncomingMessage {
        object: calendar::CalendarObject::parse(text.as_bytes(), &calendar::Limits::default())
            .unwrap(),
        method: None,
        sender: XENIA.to_owned(),
        recipients: vec!["mailto:alice@example.com".to_owned()],
        id: None,
    }
}

fn many(meeting: &str) -> String {
    with(meeting, CROWD)
}

fn with(meeting: &str, others: usize) -> String {
    let attendee = |number| format!("ATTENDEE:mailto:u{number}@example.com\r\n");
    let attendees: String = (0..others).map(attendee).collect();
    meeting.replace("END:VEVENT", &format!("{attendees}END:VEVENT"))
}

impl Stage {
    async fn prepare(&mut self, step: Step) {
        let world = &self.world;
        match step {
            Step::InviteMany | Step::Deliver | Step::Refresh => {
                for number in 0..CROWD {
                    user(world.desk.store(), &format!("u{number}")).await;
                }
            }
            Step::Reschedule
            | Step::Reply
            | Step::MoveObject
            | Step::DeleteMeeting
            | Step::RecordDelivery
            | Step::ClearAnswered
            | Step::AskForBusyTime
            | Step::Attach
            | Step::UpdateAttachment
            | Step::RemoveAttachment
            | Step::OpenAttachment
            | Step::ReceiveMessage
            | Step::RecordBounce => {
                world.put("alice/calendar/m.ics", MEETING).await.unwrap();
            }
            Step::RefreshLock | Step::Unlock => {
                let taking = locks::taking("alice/folder", true, true);
                let (lock, _) = world.desk.lock(&world.alice, taking).await.unwrap();
                self.token = lock.token;
            }
            _ => {}
        }
        match step {
            Step::Deliver => drop(world.put("alice/calendar/m.ics", many(MEETING)).await),
            Step::Refresh => {
                world
                    .put("alice/calendar/m.ics", with(MEETING, FEW))
                    .await
                    .unwrap();
                self.reply().await.unwrap();
            }
            Step::ClearAnswered => self.reply().await.unwrap(),
            Step::FollowMembers => self.change_group().await,
            Step::RecordDelivery => {
                let due = world
                    .desk
                    .store()
                    .due_work(mail::QUEUE, world.desk.now(), 1);
                self.mail = due.await.unwrap().pop();
            }
            Step::UpdateAttachment | Step::RemoveAttachment | Step::OpenAttachment => {
                let added = attachments::add(world, &world.alice, "alice/calendar/m.ics", "first");
                self.attachment = added.await.unwrap();
            }
            _ => {}
        }
    }

    async fn perform(&self, step: Step) -> Result<(), Refusal> {
        let world = &self.world;
        let (desk, alice) = (&world.desk, &world.alice);
        match step {
            Step::PutFile => world.put("alice/file", "new").await.map(drop),
            Step::PutLargeFile => world.put("alice/file", vec![b'x'; 400_000]).await.map(drop),
            Step::PutEvent => {
                let new = event("new", "");
                world.put("alice/calendar/new.ics", new).await.map(drop)
            }
            Step::Invite => world.put("alice/calendar/m.ics", MEETING).await.map(drop),
            Step::InviteMany => {
                let meeting = many(MEETING);
                world.put("alice/calendar/m.ics", meeting).await.map(drop)
            }
            Step::Reschedule => {
                let later = MEETING.replace("T090000Z", "T100000Z");
                world.put("alice/calendar/m.ics", later).await.map(drop)
            }
            Step::Reply => self.reply().await,
            Step::CopyObject => world.copy("alice/folder/a", "alice/b").await.map(drop),
            Step::MoveObject => {
                let (from, to) = ("alice/calendar/m.ics", "alice/second/m.ics");
                world.rename(from, to).await.map(drop)
            }
            Step::CopyCollection => world.copy("alice/folder", "alice/copy").await.map(drop),
            Step::MoveCollection => world.rename("alice/folder", "alice/moved").await.map(drop),
            Step::Make => world.make("alice/made", CollectionKind::Calendar).await,
            Step::PropertiesOfCollection => self.change_property("alice/folder").await,
            Step::PropertiesOfObject => self.change_property("alice/folder/a").await,
            Step::ChooseDefault => {
                let (inbox, calendar) = (path("alice/inbox"), path("alice/second"));
                let conditions = Conditions::default();
                desk.set_default_calendar(alice, &inbox, &calendar, &conditions)
                    .await
            }
            Step::Lock => {
                let taking = locks::taking("alice/lock", true, false);
                desk.lock(alice, taking).await.map(drop)
            }
            Step::RefreshLock => {
                let conditions = tokens(&[("alice/folder", &self.token)]);
                let refreshed = desk.refresh_lock(alice, path("alice/folder"), conditions, 100);
                refreshed.await.map(drop)
            }
            Step::Unlock => {
                let (token, conditions) = (self.token.clone(), Conditions::default());
                desk.unlock(alice, path("alice/folder"), token, conditions)
                    .await
            }
            Step::DeleteObject => world.delete("alice/folder/a").await.map(drop),
            Step::DeleteMeeting => world.delete("alice/calendar/m.ics").await.map(drop),
            Step::DeleteCollection => world.delete("alice/folder").await.map(drop),
            Step::RecordDelivery => {
                let (id, work) = self.mail.as_ref().unwrap();
                desk.record_delivery(id, work, DeliveryOutcome::Accepted, None)
                    .await
            }
            Step::Deliver => desk.deliver_outstanding().await.map(drop),
            Step::Refresh => desk.refresh_outstanding().await.map(drop),
            Step::ClearAnswered => desk.clear_answered().await.map(drop),
            Step::FollowMembers => desk.follow_memberships(&bookings::RULES).await.map(drop),
            Step::ReceiveMessage => desk.receive_message(&answer_by_mail()).await.map(drop),
            Step::RecordBounce => {
                let bounce = Bounce {
                    home: alice.principal.home.unwrap(),
                    uid: "m".to_owned(),
                    method: "REQUEST".to_owned(),
                    recipient: XENIA.to_owned(),
                    is_permanent: true,
                    detail: None,
                    id: None,
                };
                desk.record_bounce(&bounce).await
            }
            Step::Import => self.import().await,
            Step::Open => desk.open(alice, &path("alice/folder/a")).await.map(drop),
            Step::AskForBusyTime => self.ask_for_busy_time().await,
            Step::Attach => {
                let large = "x".repeat(600_000);
                attachments::add(world, alice, "alice/calendar/m.ics", &large)
                    .await
                    .map(drop)
            }
            Step::UpdateAttachment => {
                attachments::update(world, "alice/calendar/m.ics", &self.attachment, "second")
                    .await
                    .map(drop)
            }
            Step::RemoveAttachment => {
                attachments::remove(world, "alice/calendar/m.ics", &self.attachment)
                    .await
                    .map(drop)
            }
            Step::OpenAttachment => {
                let id = self.attachment.parse().unwrap();
                desk.open_attachment(&world.bob, id).await.map(drop)
            }
        }
    }

    /// More objects than one commit holds: new ones, a meeting, and one that is replaced.
    async fn import(&self) -> Result<(), Refusal> {
        let import = Import {
            calendar: path("alice/calendar"),
            on_conflict: OnConflict::Overwrite,
            conditions: Conditions::default(),
            dry_run: false,
        };
        let named = |number: usize| event(&format!("i{number}"), "imported");
        let mut objects: Vec<Bytes> = (0..50).map(named).collect();
        objects.push(Bytes::from_static(MEETING.as_bytes()));
        objects.push(event("i0", "another"));
        let (desk, alice) = (&self.world.desk, &self.world.alice);
        let objects = imports::incoming(&objects);
        let done = desk.import(alice, &import, &objects).await?;
        let refused = |it: &&Imported| matches!(it, Imported::Refused(_));
        assert_eq!(done.iter().find(refused), None);
        Ok(())
    }

    /// A meeting names a group into which somebody came.
    async fn change_group(&self) {
        let (world, store) = (&self.world, self.world.desk.store());
        let mut team = Principal::new(PrincipalKind::Group, "team");
        team.addresses = vec!["mailto:team@example.com".to_owned()];
        let team = store.add_account(team, None).await.unwrap().id;
        let named = MEETING.replace("mailto:bob@", "mailto:team@");
        world.put("alice/calendar/m.ics", named).await.unwrap();
        let bob = world.bob.principal.id;
        let changed = store.change_principal(team, |team| team.members = vec![bob]);
        changed.await.unwrap();
        world.clock.advance(10_000);
    }

    async fn reply(&self) -> Result<(), Refusal> {
        let world = &self.world;
        let store = world.desk.store();
        let bobs = store.resolve(&path("bob/calendar")).await;
        let bobs = bobs.map_err(read_failed)?.unwrap();
        let listed = store.members(bobs.collection().id, None, 10).await;
        let (members, _) = listed.map_err(read_failed)?;
        let name = format!("bob/calendar/{}", members[0].name);
        let Member::Object(object) = &members[0].member.value else {
            panic!("a collection in a calendar")
        };
        let octets = world.desk.octets(object).await?;
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let own = |line: &str| line.ends_with(":mailto:bob@example.com");
        let accepted: String = text
            .replace("\r\n ", "")
            .lines()
            .map(|line| match own(line) {
                true => "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com\r\n".to_owned(),
                false => format!("{line}\r\n"),
            })
            .collect();
        let put = Put {
            path: path(&name),
            content_type: None,
            octets: Bytes::from(accepted),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        world.desk.put(&world.bob, put).await.map(drop)
    }

    async fn change_property(&self, at: &str) -> Result<(), Refusal> {
        let change = ChangeProperties {
            path: path(at),
            changes: vec![("{urn:x}p".into(), Some(Bytes::new()))],
            conditions: Conditions::default(),
        };
        let world = &self.world;
        world.desk.change_properties(&world.alice, change).await
    }

    async fn ask_for_busy_time(&self) -> Result<(), Refusal> {
        const QUESTION: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\n\
            BEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260201T000000Z\r\n\
            DTEND:20260202T000000Z\r\nORGANIZER:mailto:alice@example.com\r\n\
            ATTENDEE:mailto:bob@example.com\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
        let rules = CalendarRules {
            counts: |_| true,
            floating: |_| Some(calendar::Zone::utc()),
            availability: |_| None,
        };
        let (desk, question) = (&self.world.desk, Bytes::from_static(QUESTION.as_bytes()));
        let outbox = path("alice/outbox");
        let answers = desk.ask_for_busy_time(&self.world.alice, &outbox, question, &rules);
        let answers = answers.await?;
        assert_eq!(answers.len(), 1);
        assert!(answers[0].request_status.starts_with("2."), "{answers:?}");
        Ok(())
    }

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
            REFRESH_QUEUE,
            ANSWERED_QUEUE,
            MEMBERSHIP_QUEUE,
        ];
        for queue in queues {
            let waiting = store.list_work(queue, None, 1_000).await.unwrap().len();
            all.push(format!("{queue} {waiting}"));
        }
        all.sort();
        all
    }

    /// After a step that failed: nothing is half done, and a repetition does the whole.
    async fn assert_repeatable(&self, step: Step, before: &[(Key, Entry)], after: &[String]) {
        let store = self.world.desk.store();
        assert_eq!(store.check().await.unwrap(), [], "{step:?}");
        let unchanged = self.rows().await == before;
        assert!(unchanged || step.takes_several_commits(), "{step:?}");
        assert_eq!(self.perform(step).await, Ok(()), "{step:?}");
        assert_eq!(self.picture().await, after, "{step:?}");
        assert_eq!(store.check().await.unwrap(), [], "{step:?}");
    }
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
        let untroubled = stage(step).await;
        let commits = untroubled.faulty.commits();
        assert_eq!(untroubled.perform(step).await, Ok(()), "{step:?}");
        let commits = untroubled.faulty.commits() - commits;
        assert_eq!(commits == 0, step.only_reads(), "{step:?}");
        let expected = untroubled.picture().await;
        for nth in 1..=commits {
            for (error, refusal) in &reasons {
                let stage = stage(step).await;
                let before = stage.rows().await;
                stage.faulty.fail_commit(nth, error.clone());
                let answer = stage.perform(step).await;
                assert_eq!(answer.as_ref(), Err(refusal), "{step:?}, commit {nth}");
                stage.assert_repeatable(step, &before, &expected).await;
            }
        }
    }
}

/// The same with each read.
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
        let untroubled = stage(step).await;
        let reads = untroubled.faulty.reads();
        assert_eq!(untroubled.perform(step).await, Ok(()), "{step:?}");
        let reads = untroubled.faulty.reads() - reads;
        assert!(reads > 0, "{step:?}");
        let expected = untroubled.picture().await;
        for nth in 1..=reads {
            let (error, refusal) = &reasons[nth as usize % 2];
            let stage = stage(step).await;
            let before = stage.rows().await;
            stage.faulty.fail_read(nth, error.clone());
            let answer = stage.perform(step).await;
            assert_eq!(answer.as_ref(), Err(refusal), "{step:?}, read {nth}");
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
        let stage = stage(step).await;
        stage.faulty.fail_all_commits(CommitError::Conflict(0));
        let answer = stage.perform(step).await;
        let refused = matches!(answer, Err(Refusal::Unavailable(_)));
        // What another has ended meanwhile is left to him.
        let ends = step.only_reads() || step == Step::RecordDelivery;
        assert!(refused || ends, "{step:?}: {answer:?}");
    }
}
