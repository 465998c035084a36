//! Everything that the desk does.

use std::{fmt, pin::Pin};

use super::{
    stage::{AT, MEETING, Setting, many},
    *,
};
use crate::mail::{DeliveryOutcome, MAILING_QUEUE};

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + 'a>>;

/// One thing that the desk does.
pub(super) struct Step {
    pub name: &'static str,
    pub setting: Setting,
    /// It changes nothing, and so must not commit either.
    pub only_reads: bool,
    /// It is done in several bounded commits, the states between which are right.
    pub takes_several_commits: bool,
    /// The queue that it takes from, where it is done behind the requests and for everybody, so that nothing may stop it.
    pub queue: Option<&'static str>,
    pub perform: for<'a> fn(&'a Stage) -> Done<'a>,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// What is done in one commit.
const fn step(
    name: &'static str,
    setting: Setting,
    perform: for<'a> fn(&'a Stage) -> Done<'a>,
) -> Step {
    Step {
        name,
        setting,
        only_reads: false,
        takes_several_commits: false,
        queue: None,
        perform,
    }
}

impl Step {
    const fn in_several_commits(mut self) -> Step {
        self.takes_several_commits = true;
        self
    }

    const fn behind_requests(mut self, queue: &'static str) -> Step {
        self.queue = Some(queue);
        self
    }

    const fn without_commit(mut self) -> Step {
        self.only_reads = true;
        self
    }
}

pub(super) const XENIA: &str = "mailto:xenia@elsewhere.test";

pub(super) const STEPS: &[Step] = &[
    step("a file", Setting::Bare, |it| it.put("alice/file", "new")),
    step("a large file", Setting::Bare, |it| {
        it.put("alice/file", vec![b'x'; 400_000])
    })
    .in_several_commits(),
    step("an event", Setting::Bare, |it| {
        it.put("alice/calendar/new.ics", event("new", ""))
    }),
    step("an invitation", Setting::Bare, |it| it.put(AT, MEETING)),
    step("an invitation of many", Setting::Crowd, |it| {
        it.put(AT, many())
    }),
    step("another time", Setting::Meeting, |it| {
        it.put(AT, MEETING.replace("T090000Z", "T100000Z"))
    }),
    step("a reply", Setting::Meeting, |it| Box::pin(it.reply())),
    step("a copy of an object", Setting::Bare, |it| {
        it.transfer("alice/folder/a", "alice/b", true)
    }),
    step("a move of an object", Setting::Meeting, |it| {
        it.transfer(AT, "alice/second/m.ics", false)
    }),
    step("a copy of a collection", Setting::Bare, |it| {
        it.transfer("alice/folder", "alice/copy", true)
    })
    .in_several_commits(),
    step("a move of a collection", Setting::Bare, |it| {
        it.transfer("alice/folder", "alice/moved", false)
    }),
    step("a new collection", Setting::Bare, |it| {
        Box::pin(it.world.make("alice/made", CollectionKind::Calendar))
    }),
    step("properties of a collection", Setting::Bare, |it| {
        Box::pin(it.change_property("alice/folder"))
    }),
    step("properties of an object", Setting::Bare, |it| {
        Box::pin(it.change_property("alice/folder/a"))
    }),
    step("another default calendar", Setting::Bare, |it| {
        Box::pin(it.choose_default())
    }),
    step("a lock", Setting::Bare, |it| Box::pin(it.lock())),
    step("a refreshed lock", Setting::Lock, |it| {
        Box::pin(it.refresh_lock())
    }),
    step("the end of a lock", Setting::Lock, |it| {
        Box::pin(it.unlock())
    }),
    step("an object less", Setting::Bare, |it| {
        it.delete("alice/folder/a")
    }),
    step("a meeting less", Setting::Meeting, |it| it.delete(AT)),
    step("a collection less", Setting::Bare, |it| {
        it.delete("alice/folder")
    }),
    step("the fate of a mail", Setting::MeetingAndMail, |it| {
        Box::pin(it.record_delivery())
    }),
    step("statuses that wait", Setting::MeetingAndFate, |it| {
        Box::pin(async { it.world.desk.write_mail_statuses().await.map(drop) })
    })
    .behind_requests(MAIL_STATUS_QUEUE),
    step("deliveries that wait", Setting::CrowdedMeeting, |it| {
        Box::pin(async { it.world.desk.deliver_outstanding().await.map(drop) })
    })
    .behind_requests(DELIVERY_QUEUE),
    step("mails that wait", Setting::RemoteCrowd, |it| {
        Box::pin(async {
            it.world
                .desk
                .post_outstanding(MAILING_QUEUE)
                .await
                .map(drop)
        })
    })
    .behind_requests(MAILING_QUEUE),
    step("refreshes that wait", Setting::AnsweredCrowd, |it| {
        Box::pin(async { it.world.desk.refresh_outstanding().await.map(drop) })
    })
    .behind_requests(REFRESH_QUEUE),
    step("answered invitations", Setting::AnsweredMeeting, |it| {
        Box::pin(async { it.world.desk.clear_answered().await.map(drop) })
    })
    .behind_requests(ANSWERED_QUEUE),
    step("answers that wait", Setting::HeldAnswer, |it| {
        Box::pin(async { it.world.desk.take_held_answers().await.map(drop) })
    })
    .behind_requests(HELD_ANSWER_QUEUE),
    step("who came into a group", Setting::GroupMeeting, |it| {
        Box::pin(it.follow_memberships())
    })
    .behind_requests(MEMBERSHIP_QUEUE),
    step("an import", Setting::Bare, |it| Box::pin(it.import())).in_several_commits(),
    step("an object that is read", Setting::Bare, |it| {
        Box::pin(it.open())
    })
    .without_commit(),
    step("busy time", Setting::Meeting, |it| {
        Box::pin(it.ask_for_busy_time())
    })
    .without_commit(),
    step("an attachment", Setting::Meeting, |it| {
        Box::pin(it.attach())
    })
    .in_several_commits(),
    step("another attachment", Setting::MeetingWithAttachment, |it| {
        Box::pin(it.update_attachment())
    })
    .in_several_commits(),
    step("an attachment less", Setting::MeetingWithAttachment, |it| {
        Box::pin(it.remove_attachment())
    }),
    step(
        "an attachment that is read",
        Setting::MeetingWithAttachment,
        |it| Box::pin(it.open_attachment()),
    )
    .without_commit(),
    step("an answer from outside", Setting::Meeting, |it| {
        Box::pin(it.receive_message())
    }),
    step("a mail that comes back", Setting::MeetingAndFate, |it| {
        Box::pin(it.record_bounce())
    }),
];

impl Stage {
    fn put<'a>(&'a self, at: &'static str, octets: impl Into<Bytes> + 'a) -> Done<'a> {
        Box::pin(async move { self.world.put(at, octets).await.map(drop) })
    }

    fn delete(&self, at: &'static str) -> Done<'_> {
        Box::pin(async move { self.world.delete(at).await.map(drop) })
    }

    fn transfer(&self, from: &'static str, to: &'static str, keep_source: bool) -> Done<'_> {
        let transfer = transfer(from, to, keep_source);
        let World { desk, alice, .. } = &self.world;
        Box::pin(async move { desk.transfer(alice, transfer).await.map(drop) })
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

    async fn choose_default(&self) -> Result<(), Refusal> {
        let World { desk, alice, .. } = &self.world;
        let (inbox, calendar) = (path("alice/inbox"), [path("alice/second")]);
        let conditions = Conditions::default();
        desk.set_default_calendar(alice, &inbox, &calendar, &conditions)
            .await
    }

    async fn lock(&self) -> Result<(), Refusal> {
        let World { desk, alice, .. } = &self.world;
        let taking = locks::taking("alice/lock", true, false);
        desk.lock(alice, taking).await.map(drop)
    }

    async fn refresh_lock(&self) -> Result<(), Refusal> {
        let World { desk, alice, .. } = &self.world;
        let conditions = tokens(&[("alice/folder", &self.token)]);
        let refreshed = desk.refresh_lock(alice, path("alice/folder"), conditions, 100);
        refreshed.await.map(drop)
    }

    async fn unlock(&self) -> Result<(), Refusal> {
        let World { desk, alice, .. } = &self.world;
        let (token, conditions) = (self.token.clone(), Conditions::default());
        desk.unlock(alice, path("alice/folder"), token, conditions)
            .await
    }

    async fn record_delivery(&self) -> Result<(), Refusal> {
        let (id, work) = self.mail.as_ref().unwrap();
        let desk = &self.world.desk;
        desk.record_delivery(id, work, DeliveryOutcome::Accepted, None)
            .await
    }

    async fn follow_memberships(&self) -> Result<(), Refusal> {
        let followed = self.world.desk.follow_memberships();
        followed.await.map(drop)
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

    async fn open(&self) -> Result<(), Refusal> {
        let World { desk, alice, .. } = &self.world;
        desk.open(alice, &path("alice/folder/a")).await.map(drop)
    }

    async fn ask_for_busy_time(&self) -> Result<(), Refusal> {
        const QUESTION: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\n\
            BEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260201T000000Z\r\n\
            DTEND:20260202T000000Z\r\nORGANIZER:mailto:alice@example.com\r\n\
            ATTENDEE:mailto:bob@example.com\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
        let (desk, question) = (&self.world.desk, Bytes::from_static(QUESTION.as_bytes()));
        let outbox = path("alice/outbox");
        let answers = desk.ask_for_busy_time(&self.world.alice, &outbox, question);
        let answers = answers.await?;
        assert_eq!(answers.len(), 1);
        assert!(answers[0].request_status.starts_with("2."), "{answers:?}");
        Ok(())
    }

    async fn attach(&self) -> Result<(), Refusal> {
        let (world, large) = (&self.world, "x".repeat(600_000));
        let added = attachments::add(world, &world.alice, AT, &large);
        added.await.map(drop)
    }

    async fn update_attachment(&self) -> Result<(), Refusal> {
        let updated = attachments::update(&self.world, AT, &self.attachment, "second");
        updated.await.map(drop)
    }

    async fn remove_attachment(&self) -> Result<(), Refusal> {
        let removed = attachments::remove(&self.world, AT, &self.attachment);
        removed.await.map(drop)
    }

    async fn open_attachment(&self) -> Result<(), Refusal> {
        let World { desk, bob, .. } = &self.world;
        let id = self.attachment.parse().unwrap();
        desk.open_attachment(bob, id).await.map(drop)
    }

    async fn receive_message(&self) -> Result<(), Refusal> {
        let answer = answer_by_mail(XENIA, "ACCEPTED");
        let received = self.world.desk.receive_message(&answer).await;
        received.map(drop)
    }

    async fn record_bounce(&self) -> Result<(), Refusal> {
        let bounce = Bounce {
            mail: self.gone.unwrap(),
            is_permanent: true,
            detail: None,
        };
        self.world.desk.record_bounce(&bounce).await.map(drop)
    }
}

/// Somebody elsewhere answers.
pub(super) fn answer_by_mail(sender: &str, said: &str) -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260102T000000Z\r\n\
         ORGANIZER:mailto:alice@example.com\r\nATTENDEE;PARTSTAT={said}:{sender}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    IncomingMessage {
        object: calendar::CalendarObject::parse(text.as_bytes(), &calendar::Limits::default())
            .unwrap(),
        method: None,
        sender: sender.to_owned(),
        recipients: vec!["mailto:alice@example.com".to_owned()],
        id: None,
    }
}
