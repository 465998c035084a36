//! Managed attachments: who may change and fetch them, and how long they stay (RFC 8607).

use calendar::attachment::Instances;
use storage::{
    Timestamp,
    model::{AttachmentId, Delegate, TrashPolicy},
};

use super::*;

const DAY: i64 = 24 * 60 * 60 * 1000;
const AT: &str = "alice/calendar/m.ics";

/// A meeting of Alice with Bob.
fn meeting(uid: &str, summary: &str) -> String {
    let event = String::from_utf8(event(uid, summary).to_vec()).unwrap();
    event.replace(
        "END:VEVENT",
        "ORGANIZER:mailto:alice@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\r\n\
         ATTENDEE:mailto:bob@example.com\r\nEND:VEVENT",
    )
}

fn file() -> AttachedFile {
    AttachedFile {
        media_type: Some("text/plain".to_owned()),
        filename: Some("notes.txt".to_owned()),
    }
}

fn changing(at: &str, action: AttachmentAction) -> ChangeAttachments {
    ChangeAttachments {
        path: path(at),
        action,
        conditions: Conditions::default(),
    }
}

/// Does what brings octets.
async fn upload(
    world: &World,
    actor: &Actor,
    change: &ChangeAttachments,
    octets: &str,
) -> Result<AttachmentWritten, Refusal> {
    let (desk, octets) = (&world.desk, Bytes::copy_from_slice(octets.as_bytes()));
    let mut file = desk.begin_attachment(actor, change, None).await?;
    desk.continue_attachment(&mut file, octets).await?;
    desk.finish_attachment(actor, change, file).await
}

/// Adds an attachment to all instances; its MANAGED-ID.
pub(super) async fn add(
    world: &World,
    actor: &Actor,
    at: &str,
    octets: &str,
) -> Result<String, Refusal> {
    let action = AttachmentAction::Add {
        instances: Instances::All,
        file: file(),
    };
    let written = upload(world, actor, &changing(at, action), octets).await?;
    Ok(written.managed_id.unwrap())
}

/// The MANAGED-ID of what came in the place of an attachment.
pub(super) async fn update(
    world: &World,
    at: &str,
    id: &str,
    octets: &str,
) -> Result<String, Refusal> {
    let action = AttachmentAction::Update {
        managed_id: id.to_owned(),
        file: file(),
    };
    let written = upload(world, &world.alice, &changing(at, action), octets).await?;
    Ok(written.managed_id.unwrap())
}

pub(super) async fn remove(world: &World, at: &str, id: &str) -> Result<Written, Refusal> {
    let action = AttachmentAction::Remove {
        managed_id: id.to_owned(),
        instances: Instances::All,
    };
    let change = changing(at, action);
    let written = world.desk.remove_attachment(&world.alice, &change).await?;
    Ok(written.written)
}

impl World {
    async fn fetch(&self, actor: &Actor, id: &str) -> Option<String> {
        let id: AttachmentId = id.parse().unwrap();
        let (file, name) = match self.desk.open_attachment(actor, id).await {
            Ok(found) => found,
            Err(Refusal::NotFound) => return None,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(name, "notes.txt");
        assert_eq!(file.content_type, "text/plain");
        let octets = self.desk.octets(&file).await.unwrap();
        Some(String::from_utf8(octets.to_vec()).unwrap())
    }

    /// Where the one object in Bob's calendar stands.
    async fn bobs_copy(&self) -> String {
        let names = self.tree("bob/calendar").await;
        assert_eq!(names.len(), 1, "{names:?}");
        names[0].clone()
    }

    async fn assert_consistent(&self) {
        assert_eq!(self.desk.store().check().await.unwrap(), []);
    }

    /// How many blobs are swept a day later.
    async fn swept(&self) -> usize {
        self.clock.advance(DAY + 1);
        let older_than = Timestamp(self.desk.now().0 - DAY);
        let swept = self.desk.store().sweep_blobs(older_than, None, 1_000);
        swept.await.unwrap().0
    }

    async fn used(&self, actor: &Actor) -> u64 {
        let home = actor.principal.home.unwrap();
        self.desk.store().used_octets(home).await.unwrap()
    }
}

/// RFC 8607 §3.12.2, §3.12.6: what the organizer attaches the attendees can fetch, each by their own copy.
#[tokio::test]
async fn attendees_fetch_what_the_organizer_attaches() {
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await;
    world.put(AT, meeting("m", "Plan")).await.unwrap();
    let before = world.object(&world.bobs_copy().await).await.unwrap();
    let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
    let bobs = world.bobs_copy().await;
    let text = world.text_at(&bobs).await;
    assert!(text.contains(&format!("MANAGED-ID={id}")), "{text}");
    assert!(text.contains("PARTSTAT=ACCEPTED:mailto:alice@"), "{text}");
    assert!(!text.contains("SEQUENCE:1"), "{text}");
    let after = world.object(&bobs).await.unwrap();
    let tag = |object: &Object| object.calendar.as_ref().unwrap().schedule_tag.clone();
    assert_ne!(tag(&before), tag(&after), "RFC 6638 §3.2.10");
    for (actor, expected) in [
        (&world.alice, Some("agenda")),
        (&world.bob, Some("agenda")),
        (&carol, None),
    ] {
        assert_eq!(world.fetch(actor, &id).await.as_deref(), expected);
    }
    world.assert_consistent().await;
    // one attendee removes the meeting; the others have it still
    let delete = Delete {
        path: path(&bobs),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.delete(&world.bob, delete).await.unwrap();
    assert_eq!(world.fetch(&world.bob, &id).await, None);
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.assert_consistent().await;
}

/// Who sees an event in part has nothing of what is attached to it.
#[tokio::test]
async fn attachments_are_seen_with_the_whole_event_only() {
    for (class, sees_private, is_seen) in [
        ("PUBLIC", false, true),
        ("CONFIDENTIAL", false, false),
        ("PRIVATE", false, false),
        ("CONFIDENTIAL", true, true),
    ] {
        let world = world().await;
        let mut bob = Delegate::reader(world.bob.principal.id);
        bob.sees_private = sees_private;
        let change = |alice: &mut Principal| alice.delegates = vec![bob];
        let alice = world.alice.principal.id;
        let changed = world.desk.store().change_principal(alice, change).await;
        changed.unwrap();
        let event = String::from_utf8(event("m", "x").to_vec()).unwrap();
        let event = event.replace("SUMMARY", &format!("CLASS:{class}\r\nSUMMARY"));
        world.put(AT, event).await.unwrap();
        let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
        let case = format!("{class} {sees_private}");
        let fetched = world.fetch(&world.bob, &id).await;
        assert_eq!(fetched.is_some(), is_seen, "{case}");
        assert!(world.fetch(&world.alice, &id).await.is_some(), "{case}");
    }
}

/// RFC 8607 §3.12.2: attendees neither add nor take away.
#[tokio::test]
async fn attendees_change_no_attachments() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan")).await.unwrap();
    let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
    let bobs = world.bobs_copy().await;
    let refused = add(&world, &world.bob, &bobs, "more").await;
    let expected = Precondition::AllowedAttendeeSchedulingObjectChange;
    assert_eq!(violated(refused), expected);
    for action in [
        AttachmentAction::Update {
            managed_id: id.clone(),
            file: file(),
        },
        AttachmentAction::Remove {
            managed_id: id.clone(),
            instances: Instances::All,
        },
    ] {
        let change = changing(&bobs, action);
        let refused = world.desk.remove_attachment(&world.bob, &change).await;
        assert_eq!(violated(refused), expected);
    }
    // nor by PUT: what is the organizer's comes back
    let text = world.text_at(&bobs).await;
    let without: String = text
        .lines()
        .filter(|line| !line.starts_with("ATTACH"))
        .flat_map(|line| [line, "\r\n"])
        .collect();
    assert_ne!(without, text);
    let put = Put {
        path: path(&bobs),
        content_type: None,
        octets: without.into(),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.put(&world.bob, put).await.unwrap();
    assert!(world.text_at(&bobs).await.contains(&id));
    assert_eq!(world.fetch(&world.bob, &id).await.unwrap(), "agenda");
    world.assert_consistent().await;
}

/// RFC 8607 §3.7, §3.12.2: an attachment is used again by whoever made it, and by nobody else.
#[tokio::test]
async fn only_who_made_an_attachment_uses_it_again() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan")).await.unwrap();
    let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
    let text = world.text_at(AT).await;
    let line = text
        .lines()
        .find(|line| line.starts_with("ATTACH"))
        .unwrap();
    let with = |uid: &str, line: &str| {
        let event = String::from_utf8(event(uid, "Other").to_vec()).unwrap();
        event.replace("END:VEVENT", &format!("{line}\r\nEND:VEVENT"))
    };
    let other = with("other", line);
    let written = world.put("alice/calendar/other.ics", other.clone()).await;
    assert!(written.unwrap().etag.is_some(), "its octets are kept");
    let lying = with("lying", &line.replace("SIZE=6", "SIZE=7"));
    let written = world.put("alice/calendar/lying.ics", lying).await.unwrap();
    assert_eq!(written.etag, None);
    assert!(
        world
            .text_at("alice/calendar/lying.ics")
            .await
            .contains("SIZE=6")
    );
    let put = |octets: String| Put {
        path: path("bob/calendar/stolen.ics"),
        content_type: None,
        octets: octets.into(),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    let unknown = line.replace(&id, "0123");
    for octets in [other, with("stolen", &unknown)] {
        let refused = world.desk.put(&world.bob, put(octets)).await;
        assert_eq!(violated(refused), Precondition::ValidManagedIdParameter);
    }
    // as long as anything refers to it
    world.delete(AT).await.unwrap();
    world.delete("alice/calendar/lying.ics").await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.delete("alice/calendar/other.ics").await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await, None);
    let refused = world
        .put("alice/calendar/again.ics", with("again", line))
        .await;
    assert_eq!(violated(refused), Precondition::ValidManagedIdParameter);
    world.assert_consistent().await;
}

/// RFC 8607 §3.5, §3.6: octets go with the last reference; equal ones are stored once.
#[tokio::test]
async fn octets_are_stored_once_and_not_for_ever() {
    let world = world().await;
    let text = "x".repeat(100_000);
    for (at, uid) in [("alice/calendar/a.ics", "a"), ("alice/calendar/b.ics", "b")] {
        world.put(at, event(uid, "Event")).await.unwrap();
    }
    let a = add(&world, &world.alice, "alice/calendar/a.ics", &text)
        .await
        .unwrap();
    let b = add(&world, &world.alice, "alice/calendar/b.ics", &text)
        .await
        .unwrap();
    assert_ne!(a, b);
    assert!(world.used(&world.alice).await > 200_000);
    assert_eq!(world.swept().await, 0);
    let second = update(&world, "alice/calendar/a.ics", &a, "short")
        .await
        .unwrap();
    assert_ne!(a, second);
    assert_eq!(world.fetch(&world.alice, &a).await, None);
    assert_eq!(world.fetch(&world.alice, &second).await.unwrap(), "short");
    let refused = update(&world, "alice/calendar/a.ics", &a, "late").await;
    assert_eq!(violated(refused), Precondition::ValidManagedId);
    assert_eq!(
        world.swept().await,
        0,
        "the other event has the same octets"
    );
    remove(&world, "alice/calendar/b.ics", &b).await.unwrap();
    assert_eq!(world.swept().await, 1);
    assert!(world.used(&world.alice).await < 2_000);
    // and by PUT (RFC 8607 §3.9)
    world
        .put("alice/calendar/a.ics", event("a", "Event"))
        .await
        .unwrap();
    assert_eq!(world.fetch(&world.alice, &second).await, None);
    assert_eq!(world.swept().await, 1);
    world.assert_consistent().await;
}

/// RFC 8607 §3.11, §3.12.1
#[tokio::test]
async fn bounds_are_kept() {
    let mut settings = Settings::default();
    settings.limits.maximum_file_octets = 1_000;
    settings.limits.maximum_attachments = 2;
    settings.limits.quota_octets = Some(2_500);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, event("m", "Event")).await.unwrap();
    let (large, more) = ("x".repeat(1_000), "x".repeat(1_001));
    let refused = add(&world, &world.alice, AT, &more).await;
    assert_eq!(violated(refused), Precondition::MaxAttachmentSize);
    let action = AttachmentAction::Add {
        instances: Instances::All,
        file: file(),
    };
    let change = changing(AT, action);
    let announced = world
        .desk
        .begin_attachment(&world.alice, &change, Some(1_001));
    assert_eq!(violated(announced.await), Precondition::MaxAttachmentSize);
    let id = add(&world, &world.alice, AT, &large).await.unwrap();
    add(&world, &world.alice, AT, &large[..500]).await.unwrap();
    let refused = add(&world, &world.alice, AT, "third").await;
    assert_eq!(violated(refused), Precondition::MaxAttachmentsPerResource);
    world
        .put("alice/calendar/b.ics", event("b", "Event"))
        .await
        .unwrap();
    let refused = add(&world, &world.alice, "alice/calendar/b.ics", &large).await;
    assert_eq!(violated(refused), Precondition::QuotaNotExceeded);
    // what it replaces gives its room
    update(&world, AT, &id, &large).await.unwrap();
    world.assert_consistent().await;
}

/// What was demanded is demanded of the state that is changed.
#[tokio::test]
async fn conditions_rights_and_locks_hold() {
    let world = world().await;
    world.put(AT, event("m", "Event")).await.unwrap();
    let action = || AttachmentAction::Add {
        instances: Instances::All,
        file: file(),
    };
    let stale = ChangeAttachments {
        conditions: if_match("stale"),
        ..changing(AT, action())
    };
    let begun = world
        .desk
        .begin_attachment(&world.alice, &stale, None)
        .await;
    assert!(
        matches!(begun, Err(Refusal::ConditionFailed(_))),
        "{begun:?}"
    );
    let begun = add(&world, &world.bob, AT, "x").await;
    assert!(matches!(begun, Err(Refusal::Forbidden { .. })), "{begun:?}");
    let begun = add(&world, &world.alice, "alice/calendar/none.ics", "x").await;
    assert!(matches!(begun, Err(Refusal::NotFound)), "{begun:?}");
    world.put("alice/file", "x").await.unwrap();
    for at in ["alice/file", "alice/calendar"] {
        let begun = add(&world, &world.alice, at, "x").await;
        assert!(matches!(begun, Err(Refusal::NotAllowed(_))), "{begun:?}");
    }
    // the object changes while the octets come
    let etag = world.object(AT).await.unwrap().etag;
    let current = ChangeAttachments {
        conditions: if_match(&etag),
        ..changing(AT, action())
    };
    let file = world
        .desk
        .begin_attachment(&world.alice, &current, None)
        .await;
    world.put(AT, event("m", "Changed")).await.unwrap();
    let finished = world
        .desk
        .finish_attachment(&world.alice, &current, file.unwrap())
        .await;
    assert!(
        matches!(finished, Err(Refusal::ConditionFailed(_))),
        "{finished:?}"
    );
    let taking = locks::taking(AT, true, false);
    world.desk.lock(&world.alice, taking).await.unwrap();
    let locked = add(&world, &world.alice, AT, "x").await;
    assert!(matches!(locked, Err(Refusal::Locked { .. })), "{locked:?}");
    world.assert_consistent().await;
}

/// RFC 4918 §9.8, §9.9: within a home a copy refers to the same; in another home it gets its own.
#[tokio::test]
async fn copies_and_moves_keep_their_attachments() {
    let world = world().await;
    let admin = {
        let mut principal = Principal::new(PrincipalKind::User, "root");
        principal.administrator = true;
        Actor::of(
            world
                .desk
                .store()
                .add_account(principal, None)
                .await
                .unwrap(),
        )
    };
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    let at = "alice/calendar/a.ics";
    world.put(at, event("a", "Event")).await.unwrap();
    let id = add(&world, &world.alice, at, "agenda").await.unwrap();
    world.copy(at, "alice/second/a.ics").await.unwrap();
    assert_eq!(
        world.text_at(at).await,
        world.text_at("alice/second/a.ics").await
    );
    world.delete(at).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.rename("alice/second/a.ics", at).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.copy("alice/calendar", "alice/third").await.unwrap();
    world.delete(at).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.assert_consistent().await;

    // an administrator gives Bob a copy
    let from = "alice/third/a.ics";
    let copied = world
        .desk
        .transfer(&admin, transfer(from, "bob/calendar/a.ics", true))
        .await;
    copied.unwrap();
    let text = world.text_at("bob/calendar/a.ics").await;
    assert!(
        text.contains("MANAGED-ID=") && !text.contains(&id),
        "{text}"
    );
    assert_eq!(world.fetch(&world.bob, &id).await, None);
    let own = world.object("bob/calendar/a.ics").await.unwrap();
    let own = own.attachments()[0].id.to_string();
    assert_eq!(world.fetch(&world.bob, &own).await.unwrap(), "agenda");
    assert_eq!(world.fetch(&world.alice, &own).await, None);
    let copied = world
        .desk
        .transfer(&admin, transfer("alice/third", "bob/third", true))
        .await;
    copied.unwrap();
    let text = world.text_at("bob/third/a.ics").await;
    assert!(
        text.contains("MANAGED-ID=") && !text.contains(&id),
        "{text}"
    );
    let own = world.object("bob/third/a.ics").await.unwrap();
    assert_eq!(
        own.etag,
        content::entity_tag(&world.octets("bob/third/a.ics").await.unwrap())
    );
    let home = world.bob.principal.home.unwrap();
    assert!(own.attachments().iter().all(|it| it.home == home));
    world.assert_consistent().await;
}

/// RFC 8607 §3.12.7: what is imported refers to nothing that is not its owner's.
#[tokio::test]
async fn imports_bring_links_and_no_attachments() {
    let world = world().await;
    world.put(AT, event("m", "Event")).await.unwrap();
    let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
    let exported = world.octets(AT).await.unwrap();
    let import = |calendar: &str| Import {
        calendar: path(calendar),
        on_conflict: OnConflict::Overwrite,
        conditions: Conditions::default(),
        dry_run: false,
    };
    let to_bob = import("bob/calendar");
    let objects = imports::incoming(&[exported]);
    let done = world
        .desk
        .import(&world.bob, &to_bob, &objects)
        .await
        .unwrap();
    assert!(matches!(done[0], Imported::Created(_)), "{done:?}");
    let text = world.text_at(&world.bobs_copy().await).await;
    assert!(
        text.contains("ATTACH;FMTTYPE") && !text.contains("MANAGED-ID"),
        "{text}"
    );
    let done = world
        .desk
        .import(&world.bob, &to_bob, &objects)
        .await
        .unwrap();
    assert!(matches!(done[0], Imported::Unchanged(_)), "{done:?}");
    assert_eq!(world.fetch(&world.bob, &id).await, None);
    // one's own stay what they are
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    let done = world
        .desk
        .import(&world.alice, &import("alice/second"), &objects)
        .await;
    assert!(matches!(done.unwrap()[0], Imported::Created(_)));
    world.delete(AT).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.assert_consistent().await;
}

/// A deleted event comes back with its attachments; so does an earlier version.
#[tokio::test]
async fn the_trash_brings_attachments_back() {
    let world = world().await;
    let policy = TrashPolicy {
        deleted_milliseconds: 30 * DAY,
        versions_milliseconds: 30 * DAY,
        version_apart_milliseconds: 0,
        home_octets: u64::MAX >> 1,
    };
    let store = world.desk.store().clone().keeping(Some(policy));
    let world = World {
        desk: Desk::new(store, Settings::default()),
        ..world
    };
    world.put(AT, meeting("m", "Plan")).await.unwrap();
    let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
    world.clock.advance(1_000);
    let text = world.text_at(AT).await;
    world.delete(AT).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await, None);
    assert_eq!(world.swept().await, 0);
    world.assert_consistent().await;
    let (items, _) = world.desk.trash_list("alice", None, None).await.unwrap();
    world.desk.restore_item(&items[0].id).await.unwrap();
    assert_eq!(world.text_at(AT).await, text);
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    world.assert_consistent().await;
    // a version from before the attachment was removed
    world.clock.advance(1_000);
    let then = world.desk.now().0;
    world.clock.advance(1_000);
    remove(&world, AT, &id).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await, None);
    let asked = RestoreCollection {
        owner: "alice".to_owned(),
        name: "calendar".to_owned(),
        at: then,
        exact: false,
    };
    world.desk.restore_collection(&asked).await.unwrap();
    assert_eq!(world.fetch(&world.alice, &id).await.unwrap(), "agenda");
    assert_eq!(world.swept().await, 0);
    world.assert_consistent().await;
}

/// A meeting of more people than one commit holds: those who are told later can fetch it, too.
#[tokio::test]
async fn a_crowd_gets_attachments() {
    let world = world().await;
    let mut text = meeting("m", "Plan");
    for number in 0..70 {
        let name = format!("u{number}");
        user(world.desk.store(), &name).await;
        let attendee = format!("ATTENDEE:mailto:{name}@example.com\r\nEND:VEVENT");
        text = text.replace("END:VEVENT", &attendee);
    }
    world.put(AT, text).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    let id = add(&world, &world.alice, AT, "agenda").await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    for number in [0, 35, 69] {
        let name = format!("u{number}");
        let principal = world.desk.store().principal_by_name(&name).await.unwrap();
        let actor = Actor::of(principal.unwrap());
        assert_eq!(world.fetch(&actor, &id).await.unwrap(), "agenda", "{name}");
    }
    assert_eq!(world.swept().await, 0);
    world.assert_consistent().await;
}

/// RFC 8607 §3.12.2: people elsewhere cannot sign in here, so that their invitation does not send them.
#[tokio::test]
async fn mails_leave_out_what_nobody_outside_can_fetch() {
    let world = world().await;
    let outside = meeting("m", "Plan").replace("mailto:bob@example.com", "mailto:x@elsewhere.test");
    world.put(AT, outside).await.unwrap();
    add(&world, &world.alice, AT, "agenda").await.unwrap();
    let due = world
        .desk
        .store()
        .due_work(mail::QUEUE, world.desk.now(), 10)
        .await
        .unwrap();
    assert_eq!(due.len(), 2, "an invitation, and its update");
    for (_, work) in due {
        let mail = OutgoingMessage::decode(&work.payload).unwrap();
        let text = String::from_utf8(mail.calendar.to_vec()).unwrap();
        assert!(!text.contains("ATTACH"), "{text}");
    }
}
