//! What stands there before a step, and what all steps are about.

use storage::backend::ReadError;

use super::*;
use crate::{desk::refuse::read_failed, mail::DeliveryOutcome};

pub(super) const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\n\
    DTSTART:20260201T090000Z\r\nORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
    ATTENDEE:mailto:xenia@elsewhere.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

pub(super) const AT: &str = "alice/calendar/m.ics";

/// More people than one commit holds, so that the change is finished by later ones.
const CROWD: usize = 60;

/// So many that a reply is shown to them behind its answer.
const FEW: usize = 14;

/// What stands there, beside a folder with a file and a second calendar.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setting {
    Bare,
    /// A meeting with Bob, and with Xenia elsewhere.
    Meeting,
    /// The same, and the mail to Xenia is at hand.
    MeetingAndMail,
    /// The same, and it is known how the mail to Xenia fared.
    MeetingAndFate,
    /// The same, with an attachment.
    MeetingWithAttachment,
    /// The same, and Bob has accepted.
    AnsweredMeeting,
    /// The same, and whom Xenia sends has answered before she said so.
    HeldAnswer,
    /// So many people that a meeting of them all takes several commits.
    Crowd,
    /// Such a meeting, of which most have not heard yet.
    CrowdedMeeting,
    /// A meeting of more people elsewhere than mails are made for at once.
    RemoteCrowd,
    /// A meeting of many, who have not seen yet that Bob accepted.
    AnsweredCrowd,
    /// A meeting of a group into which somebody came.
    GroupMeeting,
    /// The folder is locked.
    Lock,
}

/// A desk over a backend that can fail, with what the steps are about.
pub(super) struct Stage {
    pub world: World,
    pub faulty: Arc<Faulty>,
    pub token: String,
    pub mail: Option<(WorkId, Stored<Work>)>,
    /// The name of a mail that has left.
    pub gone: Option<storage::Uuid>,
    /// The MANAGED-ID of an attachment of the meeting.
    pub attachment: String,
}

pub(super) async fn stage(setting: Setting) -> Stage {
    let (world, faulty) = faulty_world(Settings::default()).await;
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
        faulty,
        token: String::new(),
        mail: None,
        gone: None,
        attachment: String::new(),
    };
    stage.set(setting).await;
    stage
}

impl Stage {
    async fn set(&mut self, setting: Setting) {
        let world = &self.world;
        match setting {
            Setting::Bare => {}
            Setting::Meeting => self.invite(MEETING).await,
            Setting::MeetingAndMail => {
                self.invite(MEETING).await;
                let store = world.desk.store();
                let due = store.due_work(mail::QUEUE, world.desk.now(), 1);
                self.mail = due.await.unwrap().pop();
            }
            Setting::MeetingAndFate => {
                self.invite(MEETING).await;
                let (id, work, mail) = &world.due_mails().await[0];
                let outcome = DeliveryOutcome::Accepted;
                let recorded = world.desk.record_delivery(id, work, outcome, None);
                recorded.await.unwrap();
                self.gone = Some(mail.name(id.id));
                world.clock.advance(5_000);
            }
            Setting::MeetingWithAttachment => {
                self.invite(MEETING).await;
                let added = attachments::add(world, &world.alice, AT, "first");
                self.attachment = added.await.unwrap();
            }
            Setting::AnsweredMeeting => {
                self.invite(MEETING).await;
                self.reply().await.unwrap();
            }
            Setting::HeldAnswer => {
                const YVES: &str = "mailto:yves@elsewhere.test";
                self.invite(MEETING).await;
                let sends = format!("DELEGATED;DELEGATED-TO=\"{YVES}\"");
                for (sender, said) in [(YVES, "ACCEPTED"), (steps::XENIA, &sends)] {
                    let answer = steps::answer_by_mail(sender, said);
                    let received = world.desk.receive_message(&answer);
                    received.await.unwrap();
                }
            }
            Setting::Crowd => self.add_crowd().await,
            Setting::CrowdedMeeting => {
                self.add_crowd().await;
                self.invite(&many()).await;
            }
            Setting::RemoteCrowd => self.invite(&many_elsewhere()).await,
            Setting::AnsweredCrowd => {
                self.add_crowd().await;
                self.invite(&with(FEW)).await;
                self.reply().await.unwrap();
            }
            Setting::GroupMeeting => self.change_group().await,
            Setting::Lock => {
                let taking = locks::taking("alice/folder", true, true);
                let (lock, _) = world.desk.lock(&world.alice, taking).await.unwrap();
                self.token = lock.token;
            }
        }
    }

    async fn invite(&self, meeting: &str) {
        self.world.put(AT, meeting.to_owned()).await.unwrap();
    }

    async fn add_crowd(&self) {
        for number in 0..CROWD {
            user(self.world.desk.store(), &format!("u{number}")).await;
        }
    }

    /// A meeting names a group into which somebody came.
    async fn change_group(&self) {
        let (world, store) = (&self.world, self.world.desk.store());
        let mut team = Principal::new(PrincipalKind::Group, "team");
        team.addresses = vec!["mailto:team@example.com".to_owned()];
        let team = store.add_account(team, None).await.unwrap().id;
        self.invite(&MEETING.replace("mailto:bob@", "mailto:team@"))
            .await;
        let bob = world.bob.principal.id;
        let changed = store.change_principal(team, |team| team.members = vec![bob]);
        changed.await.unwrap();
        world.clock.advance(10_000);
    }

    /// Bob accepts; what cannot be read is said.
    pub async fn reply(&self) -> Result<(), Refusal> {
        let world = &self.world;
        let (name, object) = self.invitation_of_bob().await.map_err(read_failed)?;
        let text = unfolded(&world.desk.octets(&object).await?);
        let (at, accepted) = (
            format!("bob/calendar/{name}"),
            meetings::answer(&text, "ACCEPTED"),
        );
        world.put_as(&world.bob, &at, accepted).await.map(drop)
    }

    async fn invitation_of_bob(&self) -> Result<(String, Object), ReadError> {
        let store = self.world.desk.store();
        let calendar = store.resolve(&path("bob/calendar")).await?.unwrap();
        let id = calendar.collection().id;
        let (mut members, _) = store.members(id, None, 10).await?;
        let listed = members.remove(0);
        match listed.member.value {
            Member::Object(object) => Ok((listed.name, object)),
            Member::Collection(_) => panic!("a collection in a calendar"),
        }
    }
}

/// The meeting with more people than one commit holds.
pub(super) fn many() -> String {
    with(CROWD)
}

/// The meeting with more people elsewhere than mails are made for at once.
fn many_elsewhere() -> String {
    with_at("elsewhere.test", CROWD)
}

fn with(others: usize) -> String {
    with_at("example.com", others)
}

fn with_at(domain: &str, others: usize) -> String {
    let attendee = |number| format!("ATTENDEE:mailto:u{number}@{domain}\r\n");
    let attendees: String = (0..others).map(attendee).collect();
    MEETING.replace("END:VEVENT", &format!("{attendees}END:VEVENT"))
}
