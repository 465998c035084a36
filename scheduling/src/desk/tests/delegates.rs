//! Stories of a manager, two secretaries, the keeper of a room, and an outsider (RFC 6638 §6).

mod audit;
mod editors;
mod sight;

use storage::{
    access::Privilege,
    model::{Delegate, InvitationRecipients, TrashPolicy},
};

use super::{locks::taking, *};
use crate::mail::{MessageKind, Voice};

/// Alice is the manager; Bob, her secretary, may do what the flags say. Carol is invited.
struct Office {
    world: World,
    carol: Actor,
}

async fn office(flags: impl FnOnce(&mut Delegate)) -> Office {
    let world = world_with(
        Settings {
            mail_possible: true,
            ..Settings::default()
        },
        |memory| Arc::new(memory),
    )
    .await;
    let carol = user(world.desk.store(), "carol").await;
    let office = Office { world, carol };
    let mut bob = Delegate::reader(office.world.bob.principal.id);
    flags(&mut bob);
    office
        .change("alice", move |alice| alice.delegates = vec![bob])
        .await;
    office
}

/// An office whose trash keeps everything.
async fn kept_office() -> Office {
    let mut office = office(|_| {}).await;
    let store = office.world.desk.store().clone().keeping(Some(KEPT));
    office.world.desk = Desk::new(store, Settings::default());
    office
}

impl Office {
    async fn change(&self, name: &str, change: impl Fn(&mut Principal) + Send + Sync) {
        let store = self.world.desk.store();
        let principal = store.principal_by_name(name).await.unwrap().unwrap();
        store.change_principal(principal.id, change).await.unwrap();
    }

    async fn bob_puts(&self, at: &str, octets: String) -> Result<Written, Refusal> {
        self.world.put_as(&self.world.bob, at, octets).await
    }

    async fn bob_deletes(&self, at: &str) -> Result<PartialFailures, Refusal> {
        let delete = Delete {
            path: path(at),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        self.world.desk.delete(&self.world.bob, delete).await
    }

    async fn bob_imports(&self, objects: &[String]) -> Vec<Imported> {
        let objects = objects.iter().cloned().map(Bytes::from);
        let objects: Vec<_> = objects.map(IncomingObject::from).collect();
        let desk = &self.world.desk;
        let imported = desk.import(&self.world.bob, &overwriting(), &objects).await;
        imported.unwrap()
    }

    /// Everything that is stored and waits.
    async fn everything(&self) -> (Vec<String>, usize) {
        let mut found = Vec::new();
        for name in ["alice", "bob", "carol"] {
            for at in self.world.tree(name).await {
                let etag = self.world.object(&at).await.map(|object| object.etag);
                found.push(format!("{at} {etag:?}"));
            }
        }
        (found, self.world.mails().await.len())
    }
}

/// Into Alice's calendar, over what stands there.
fn overwriting() -> Import {
    Import {
        calendar: path("alice/calendar"),
        on_conflict: OnConflict::Overwrite,
        conditions: Conditions::default(),
        dry_run: false,
    }
}

/// A meeting that Alice organizes.
fn alices(uid: &str, summary: &str, attendees: &[&str]) -> String {
    meeting_of("alice", uid, summary, attendees)
}

fn meeting_of(organizer: &str, uid: &str, summary: &str, attendees: &[&str]) -> String {
    let lines: String = attendees
        .iter()
        .map(|attendee| format!("ATTENDEE:mailto:{attendee}\r\n"))
        .collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nDURATION:PT1H\r\n\
         SUMMARY:{summary}\r\nORGANIZER:mailto:{organizer}@example.com\r\n{lines}\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn plain(uid: &str, summary: &str) -> String {
    String::from_utf8(event(uid, summary).to_vec()).unwrap()
}

fn missing(at: &str, privilege: Privilege) -> Refusal {
    Refusal::Forbidden {
        missing: vec![(path(at), privilege)],
    }
}

const KEPT: TrashPolicy = TrashPolicy {
    deleted_milliseconds: 1_000_000,
    versions_milliseconds: 1_000_000,
    version_apart_milliseconds: 0,
    home_octets: 1_000_000,
};
const CAROL: &str = "carol@example.com";
const AT: &str = "alice/calendar/m.ics";

#[tokio::test]
async fn a_reader_changes_nothing() {
    let office = office(|_| {}).await;
    let world = &office.world;
    world.put(AT, plain("m", "x")).await.unwrap();
    assert!(world.desk.open(&world.bob, &path(AT)).await.is_ok());
    let before = office.everything().await;
    let refused = office.bob_puts(AT, plain("m", "y")).await;
    assert_eq!(refused, Err(missing(AT, Privilege::WriteContent)));
    let refused = office
        .bob_puts("alice/calendar/n.ics", plain("n", "y"))
        .await;
    assert_eq!(refused, Err(missing("alice/calendar", Privilege::Bind)));
    let refused = office.bob_deletes(AT).await;
    assert_eq!(refused, Err(missing("alice/calendar", Privilege::Unbind)));
    assert_eq!(office.everything().await, before);
}

/// The secretary who may invite, and not answer.
#[tokio::test]
async fn who_may_invite_does_so_in_the_managers_name() {
    let office = office(|bob| (bob.may_edit, bob.may_invite) = (true, true)).await;
    let world = &office.world;
    let attendees = [CAROL, "xenia@elsewhere.test"];
    office
        .bob_puts(AT, alices("m", "x", &attendees))
        .await
        .unwrap();
    let signed = "ORGANIZER;SENT-BY=\"mailto:bob@example.com\":mailto:alice@example.com";
    let copies = world.tree("carol/calendar").await;
    for at in [AT, &copies[0]] {
        let text = office.world.text_at(at).await;
        assert!(text.contains(signed), "{text}");
    }
    let mails = office.world.mails().await;
    let told: Vec<_> = mails
        .iter()
        .map(|mail| {
            (
                mail.to.address.as_str(),
                mail.kind,
                mail.voice == Voice::Notice,
            )
        })
        .collect();
    assert!(told.contains(&("xenia@elsewhere.test", MessageKind::Invitation, false)));
    assert!(told.contains(&("alice@example.com", MessageKind::Invitation, true)));
    assert_eq!(told.len(), 2, "{told:?}");
    // Carol's invitation to Alice is not Bob's to answer.
    let invitation = meeting_of("carol", "c", "y", &["alice@example.com"]);
    office
        .world
        .put_as(&office.carol, "carol/calendar/c.ics", invitation)
        .await
        .unwrap();
    let at = world.tree("alice/calendar").await;
    let at = at.iter().find(|at| *at != AT).unwrap();
    let before = office.everything().await;
    let answer = office.world.text_at(at).await.replace(
        "ATTENDEE;RSVP=TRUE:mailto:alice",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice",
    );
    assert!(answer.contains("ACCEPTED"));
    let reply = || Err(missing("alice/outbox", Privilege::ScheduleSendReply));
    assert_eq!(office.bob_puts(at, answer).await, reply());
    let refused = office.bob_deletes(at).await;
    assert_eq!(
        refused,
        Err(missing("alice/outbox", Privilege::ScheduleSendReply))
    );
    assert_eq!(office.everything().await, before);
}

/// The secretary who may answer, and not invite.
#[tokio::test]
async fn who_may_answer_does_so_in_the_managers_name() {
    let office = office(|bob| (bob.may_edit, bob.may_answer) = (true, true)).await;
    let invitation = meeting_of("carol", "c", "y", &["alice@example.com"]);
    let theirs = "carol/calendar/c.ics";
    office
        .world
        .put_as(&office.carol, theirs, invitation)
        .await
        .unwrap();
    let at = office.world.tree("alice/calendar").await.remove(0);
    let answer = office.world.text_at(&at).await.replace(
        "ATTENDEE;RSVP=TRUE:mailto:alice",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice",
    );
    office.bob_puts(&at, answer).await.unwrap();
    let text = office.world.text_at(theirs).await;
    let line = text
        .lines()
        .find(|line| line.starts_with("ATTENDEE"))
        .unwrap();
    for part in ["PARTSTAT=ACCEPTED", "SENT-BY=\"mailto:bob@example.com\""] {
        assert!(line.contains(part), "{line}");
    }
    let kinds: Vec<_> = office
        .world
        .mails()
        .await
        .iter()
        .map(|it| (it.kind, it.voice.clone()))
        .collect();
    assert_eq!(kinds, [(MessageKind::Accepted, Voice::Notice)]);
    let refused = office.bob_puts(AT, alices("m", "x", &[CAROL])).await;
    assert_eq!(
        refused,
        Err(missing("alice/outbox", Privilege::ScheduleSendInvite))
    );
}

/// What is left in whose inbox, by what the manager wants.
#[tokio::test]
async fn invitations_are_shown_to_whom_the_manager_wants() {
    use InvitationRecipients::{Both, Delegates, Manager};
    for (wanted, may_answer, expected) in [
        (Manager, true, (1, 0)),
        (Both, true, (1, 1)),
        (Delegates, true, (0, 1)),
        (Both, false, (1, 0)),
        (Delegates, false, (1, 0)),
    ] {
        let office = office(|bob| bob.may_answer = may_answer).await;
        office
            .change("alice", move |alice| alice.invitations_to = wanted)
            .await;
        let theirs = "carol/calendar/c.ics";
        let invitation = meeting_of("carol", "c", "y", &["alice@example.com"]);
        office
            .world
            .put_as(&office.carol, theirs, invitation)
            .await
            .unwrap();
        let world = &office.world;
        let inboxes = (
            world.tree("alice/inbox").await.len(),
            world.tree("bob/inbox").await.len(),
        );
        assert_eq!(inboxes, expected, "{wanted:?}");
        assert_eq!(world.tree("alice/calendar").await.len(), 1);
        assert_eq!(world.tree("bob/calendar").await.len(), 0);
    }
}

/// RFC 4918 §7.4: nobody is locked out of their own home.
#[tokio::test]
async fn a_deputy_locks_single_objects_only() {
    let office = office(|bob| *bob = Delegate::deputy(bob.principal)).await;
    let world = &office.world;
    world.put(AT, plain("m", "x")).await.unwrap();
    for (at, deep) in [
        ("alice", true),
        ("alice", false),
        ("alice/calendar", true),
        ("alice/calendar", false),
    ] {
        let refused = world.desk.lock(&world.bob, taking(at, true, deep)).await;
        assert_eq!(refused, Err(missing(at, Privilege::Unlock)), "{at} {deep}");
        let lock = world.desk.lock(&world.alice, taking(at, true, deep)).await;
        let token = lock.unwrap().0.token;
        let unlocked = world
            .desk
            .unlock(&world.alice, path(at), token, Conditions::default())
            .await;
        unlocked.unwrap();
    }
    let lock = world.desk.lock(&world.bob, taking(AT, true, false)).await;
    assert!(lock.is_ok(), "{lock:?}");
}

/// Both are invited: the secretary finds both invitations.
#[tokio::test]
async fn a_delegate_may_be_invited_too() {
    let office = office(|bob| bob.may_answer = true).await;
    let both = InvitationRecipients::Both;
    office
        .change("alice", move |alice| alice.invitations_to = both)
        .await;
    let attendees = ["alice@example.com", "bob@example.com"];
    let invitation = meeting_of("carol", "c", "y", &attendees);
    let theirs = "carol/calendar/c.ics";
    office
        .world
        .put_as(&office.carol, theirs, invitation)
        .await
        .unwrap();
    assert_eq!(office.world.tree("bob/inbox").await.len(), 2);
    assert_eq!(office.world.tree("bob/calendar").await.len(), 1);
}

/// Delegates are people in groups, too; a delegation ends with the membership.
#[tokio::test]
async fn a_group_of_secretaries() {
    let office = office(|_| {}).await;
    let store = office.world.desk.store();
    let mut team = Principal::new(PrincipalKind::Group, "office");
    team.members = vec![office.world.bob.principal.id];
    let team = store.add_account(team, None).await.unwrap();
    let deputy = Delegate::deputy(team.id);
    office
        .change("alice", move |alice| {
            alice.delegates = vec![deputy];
            alice.invitations_to = InvitationRecipients::Both;
        })
        .await;
    office
        .bob_puts(AT, alices("m", "x", &[CAROL]))
        .await
        .unwrap();
    let invitation = meeting_of("carol", "c", "y", &["alice@example.com"]);
    let theirs = "carol/calendar/c.ics";
    office
        .world
        .put_as(&office.carol, theirs, invitation)
        .await
        .unwrap();
    assert_eq!(office.world.tree("bob/inbox").await.len(), 1);
    office.change("office", |team| team.members.clear()).await;
    let refused = office.bob_puts(AT, alices("m", "y", &[CAROL])).await;
    assert_eq!(refused, Err(missing(AT, Privilege::WriteContent)));
}

/// An outsider has nothing of all that, and an administrator acts as the owner.
#[tokio::test]
async fn outsiders_and_administrators() {
    let office = office(|bob| *bob = Delegate::deputy(bob.principal)).await;
    let at = "alice/calendar/n.ics";
    let refused = office
        .world
        .put_as(&office.carol, at, alices("n", "x", &[CAROL]))
        .await;
    assert_eq!(refused, Err(missing("alice/calendar", Privilege::Bind)));
    let mut carol = Principal::clone(&office.carol.principal);
    carol.administrator = true;
    let carol = Actor::of(Arc::new(carol));
    office
        .world
        .put_as(&carol, at, alices("n", "x", &["bob@example.com"]))
        .await
        .unwrap();
    let text = office.world.text_at(at).await;
    assert!(!text.contains("SENT-BY"), "{text}");
    assert_eq!(office.world.mails().await, []);
}

/// An administrator whom the owner has as a delegate is named as that.
#[tokio::test]
async fn an_administrator_may_be_a_delegate() {
    let office = office(|_| {}).await;
    let mut carol = Principal::clone(&office.carol.principal);
    carol.administrator = true;
    let deputy = Delegate::deputy(carol.id);
    office
        .change("alice", move |alice| alice.delegates = vec![deputy])
        .await;
    let carol = Actor {
        principal: Arc::new(carol),
        ..office.carol.clone()
    };
    office
        .world
        .put_as(&carol, AT, alices("m", "x", &["bob@example.com"]))
        .await
        .unwrap();
    let text = office.world.text_at(AT).await;
    assert!(
        text.contains("ORGANIZER;SENT-BY=\"mailto:carol@example.com\":"),
        "{text}"
    );
}
