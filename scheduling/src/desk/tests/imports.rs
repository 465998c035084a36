//! Imports: many objects at once, and nobody hears of it.

use storage::Uuid;

use super::*;
use crate::mail;

const PEOPLE: &str = "ORGANIZER:mailto:alice@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com\r\n\
    ATTENDEE;PARTSTAT=TENTATIVE:mailto:xenia@elsewhere.test\r\n";

/// A meeting of Alice's with Bob and with somebody elsewhere.
fn meeting(uid: &str, summary: &str) -> Bytes {
    let text = String::from_utf8(event(uid, summary).to_vec()).unwrap();
    Bytes::from(text.replace("END:VEVENT", &format!("{PEOPLE}END:VEVENT")))
}

fn edited(octets: &Bytes, from: &str, to: &str) -> Bytes {
    let text = std::str::from_utf8(octets).unwrap();
    assert!(text.contains(from), "{from} stands in {text}");
    Bytes::from(text.replace(from, to))
}

fn into(calendar: &str) -> Import {
    Import {
        calendar: path(calendar),
        on_conflict: OnConflict::Newer,
        conditions: Conditions::default(),
        dry_run: false,
    }
}

impl World {
    pub async fn import(&self, import: &Import, objects: &[Bytes]) -> Vec<String> {
        let objects = incoming(objects);
        let done = self.desk.import(&self.alice, import, &objects).await;
        let done = done.unwrap();
        done.iter().map(word).collect()
    }

    async fn waiting_mails(&self) -> usize {
        let store = self.desk.store();
        store.list_work(mail::QUEUE, None, 100).await.unwrap().len()
    }

    async fn is_scheduled(&self, at: &str) -> bool {
        self.object(at).await.unwrap().calendar.unwrap().scheduling
    }
}

pub(super) fn incoming(objects: &[Bytes]) -> Vec<IncomingObject> {
    objects.iter().cloned().map(IncomingObject::from).collect()
}

fn word(outcome: &Imported) -> String {
    match outcome {
        Imported::Created(placed) => format!("created {}", placed.name),
        Imported::Updated(placed) => format!("updated {}", placed.name),
        Imported::Unchanged(placed) => format!("unchanged {}", placed.name),
        Imported::Kept(placed) => format!("kept {}", placed.name),
        Imported::Refused(Refusal::Precondition { precondition, .. }) => {
            format!("{precondition:?}")
        }
        Imported::Refused(refusal) => refusal.to_string(),
    }
}

#[tokio::test]
async fn more_than_a_commit_holds_and_once_more() {
    let world = world().await;
    let all: Vec<Bytes> = (0..120)
        .map(|number| event(&format!("u{number}"), "x"))
        .collect();
    let before = world.desk.store().revision();
    let first = world.import(&into("alice/calendar"), &all).await;
    assert_eq!(
        world.desk.store().revision().0 - before.0,
        3,
        "50 objects a commit"
    );
    assert!(
        first
            .iter()
            .enumerate()
            .all(|(at, it)| *it == format!("created u{at}.ics"))
    );
    assert_eq!(
        world.octets("alice/calendar/u7.ics").await.as_ref(),
        Some(&all[7])
    );
    let before = world.desk.store().revision();
    let again = world.import(&into("alice/calendar"), &all).await;
    assert!(again.iter().all(|it| it.starts_with("unchanged u")));
    assert_eq!(world.desk.store().revision(), before, "nothing is written");
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// What stands there already: the newer one stays, or what was asked for.
#[tokio::test]
async fn what_stands_there_already() {
    let old = event("a", "old");
    let newer = edited(&event("a", "new"), "SUMMARY", "SEQUENCE:1\r\nSUMMARY");
    let table = [
        (OnConflict::Newer, &old, &newer, "updated a.ics"),
        (OnConflict::Newer, &newer, &old, "kept a.ics"),
        (OnConflict::Overwrite, &newer, &old, "updated a.ics"),
        (OnConflict::Skip, &old, &newer, "kept a.ics"),
        (OnConflict::Skip, &old, &old, "unchanged a.ics"),
        (OnConflict::Overwrite, &old, &old, "unchanged a.ics"),
    ];
    for (on_conflict, standing, coming, expected) in table {
        let world = world().await;
        world
            .import(&into("alice/calendar"), std::slice::from_ref(standing))
            .await;
        let import = Import {
            on_conflict,
            ..into("alice/calendar")
        };
        let etag = world.object("alice/calendar/a.ics").await.unwrap().etag;
        let told = world.import(&import, std::slice::from_ref(coming)).await;
        assert_eq!(told, [expected], "{on_conflict:?}");
        let stands = match expected.starts_with("updated") {
            true => coming,
            false => standing,
        };
        assert_eq!(
            world.octets("alice/calendar/a.ics").await.as_ref(),
            Some(stands)
        );
        let changed = world.object("alice/calendar/a.ics").await.unwrap().etag != etag;
        assert_eq!(changed, expected.starts_with("updated"));
    }
}

/// Two of one UID in one import: the second is compared with the first.
#[tokio::test]
async fn twice_in_one_import() {
    let world = world().await;
    let newer = edited(&event("a", "new"), "SUMMARY", "SEQUENCE:1\r\nSUMMARY");
    let objects = [event("a", "old"), event("b", "b"), newer, event("a", "old")];
    let told = world.import(&into("alice/calendar"), &objects).await;
    assert_eq!(
        told,
        [
            "created a.ics",
            "created b.ics",
            "updated a.ics",
            "kept a.ics"
        ]
    );
}

/// Names are the UIDs where those are harmless; a name that something else has is left to it.
#[tokio::test]
async fn names() {
    let world = world().await;
    world
        .put("alice/calendar/a.ics", event("other", "x"))
        .await
        .unwrap();
    let told = world
        .import(
            &into("alice/calendar"),
            &[event("a", "1"), event("../b", "2")],
        )
        .await;
    let hash = |uid: &str| blake3::hash(uid.as_bytes()).to_hex()[..32].to_owned();
    let expected = [
        format!("created {}-1.ics", hash("a")),
        format!("created {}.ics", hash("../b")),
    ];
    assert_eq!(told, expected);
    // An object keeps the name that its client gave it.
    let told = world
        .import(&into("alice/calendar"), &[event("other", "x")])
        .await;
    assert_eq!(told, ["unchanged a.ics"]);
}

/// Each object is refused by itself.
#[tokio::test]
async fn what_is_refused_harms_nothing_else() {
    let mut settings = Settings::default();
    settings.limits.maximum_attendees = 1;
    settings.limits.maximum_resource_octets = 2_000;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let objects = [
        event("a", "1"),
        Bytes::from_static(b"nonsense"),
        meeting("m", "too many people"),
        event("c", &"x".repeat(2_000)),
        edited(
            &event("d", "1"),
            "BEGIN:VEVENT",
            "METHOD:PUBLISH\r\nBEGIN:VEVENT",
        ),
        event("b", "2"),
    ];
    let told = world.import(&into("alice/calendar"), &objects).await;
    let expected = [
        "created a.ics",
        "ValidCalendarData",
        "MaxAttendeesPerInstance",
        "MaxResourceSize",
        "ValidCalendarObjectResource",
        "created b.ics",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_calendar_takes_only_its_components() {
    let world = world().await;
    let mut tasks = making("alice/tasks", CollectionKind::Calendar);
    tasks.components = vec!["VTODO".into()];
    world
        .desk
        .make_collection(&world.alice, tasks)
        .await
        .unwrap();
    let told = world.import(&into("alice/tasks"), &[event("a", "1")]).await;
    assert_eq!(told, ["SupportedCalendarComponent"]);
}

/// What does not fit is refused, and all that fits comes in.
#[tokio::test]
async fn the_quota_holds() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(1_000);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let objects = [
        event("a", "1"),
        event("b", &"x".repeat(900)),
        event("c", "3"),
    ];
    let told = world.import(&into("alice/calendar"), &objects).await;
    assert_eq!(told, ["created a.ics", "QuotaNotExceeded", "created c.ics"]);
}

#[tokio::test]
async fn where_nothing_can_be_imported() {
    let world = world().await;
    world
        .make("alice/folder", CollectionKind::Plain)
        .await
        .unwrap();
    world.put("alice/file", "x").await.unwrap();
    for (at, expected) in [
        ("alice/missing", Refusal::NotFound),
        ("alice/missing/deeper", Refusal::NotFound),
        (
            "alice/folder",
            Refusal::NotAllowed("objects are imported into calendars"),
        ),
        (
            "alice/file",
            Refusal::NotAllowed("objects are imported into calendars"),
        ),
        (
            "alice",
            Refusal::NotAllowed("objects are imported into calendars"),
        ),
    ] {
        let done = world
            .desk
            .import(&world.alice, &into(at), &incoming(&[event("a", "1")]))
            .await;
        assert_eq!(done, Err(expected), "{at}");
    }
    let bobs = world
        .desk
        .import(
            &world.bob,
            &into("alice/calendar"),
            &incoming(&[event("a", "1")]),
        )
        .await;
    assert!(matches!(bobs, Err(Refusal::Forbidden { .. })));
    let unmet = Import {
        conditions: if_none_match("*"),
        ..into("alice/calendar")
    };
    let unmet = world
        .desk
        .import(&world.alice, &unmet, &incoming(&[event("a", "1")]))
        .await;
    assert_eq!(unmet, Err(Refusal::ConditionFailed("If-None-Match")));
}

/// RFC 4918 §7.5: locks hold, and their tokens open them.
#[tokio::test]
async fn locks_are_respected() {
    let world = world().await;
    world
        .put("alice/calendar/a.ics", event("a", "old"))
        .await
        .unwrap();
    let taking = locks::taking("alice/calendar", true, true);
    let (lock, _) = world.desk.lock(&world.alice, taking).await.unwrap();
    let newer = edited(&event("a", "new"), "SUMMARY", "SEQUENCE:1\r\nSUMMARY");
    let objects = [newer, event("b", "2"), event("a", "old")];
    let told = world.import(&into("alice/calendar"), &objects).await;
    assert_eq!(told, ["locked", "locked", "unchanged a.ics"]);
    let with_token = Import {
        conditions: tokens(&[("alice/calendar", &lock.token)]),
        ..into("alice/calendar")
    };
    let told = world.import(&with_token, &objects).await;
    assert_eq!(told, ["updated a.ics", "created b.ics", "kept a.ics"]);
}

/// What is stored knows where it came from, through changes of its owner, and clients see nothing of it.
#[tokio::test]
async fn where_it_came_from_is_known() {
    const AT: &str = "alice/calendar/a.ics";
    let world = world().await;
    let version = |number: u8| {
        let sequence = format!("SEQUENCE:{number}\r\nSUMMARY");
        edited(&event("a", &format!("{number}")), "SUMMARY", &sequence)
    };
    let origin = |number: u8| Some(Uuid::derived("a test", &[&[number]]));
    for (coming, from, expected) in [
        (1, None, None),
        (2, origin(2), origin(2)),
        (3, origin(3), origin(3)),
        // What is kept stays as it is.
        (1, origin(1), origin(3)),
        // So does what came from nowhere else.
        (4, None, origin(3)),
    ] {
        let coming = IncomingObject {
            octets: version(coming),
            origin: from,
        };
        let import = into("alice/calendar");
        let done = world.desk.import(&world.alice, &import, &[coming]).await;
        done.unwrap();
        assert_eq!(world.object(AT).await.unwrap().origin(), expected);
    }
    world.put(AT, version(5)).await.unwrap();
    let object = world.object(AT).await.unwrap();
    assert_eq!(object.origin(), origin(3));
    assert!(!object.has_client_properties());
}

/// What was there already and says the same is noted to have come from there, and is what it was; once.
#[tokio::test]
async fn what_was_there_already_is_known_the_next_time() {
    const AT: &str = "alice/calendar/mine.ics";
    let world = world().await;
    let written = world.put(AT, event("a", "same")).await.unwrap();
    let origin = |number: u8| Some(Uuid::derived("a test", &[&[number]]));
    let before = world.object(AT).await.unwrap();
    let dry = Import {
        dry_run: true,
        ..into("alice/calendar")
    };
    for (import, from, expected) in [
        (&dry, origin(1), None),
        (&into("alice/calendar"), None, None),
        (&into("alice/calendar"), origin(1), origin(1)),
        // Nothing is written for what is known.
        (&into("alice/calendar"), origin(1), origin(1)),
        (&into("alice/calendar"), None, origin(1)),
        // The other server changed only its entity tag.
        (&into("alice/calendar"), origin(2), origin(2)),
    ] {
        let had = world.object(AT).await.unwrap().origin();
        let revision = world.desk.store().revision();
        let coming = IncomingObject {
            octets: event("a", "same"),
            origin: from,
        };
        let done = world.desk.import(&world.alice, import, &[coming]).await;
        assert!(matches!(&done.unwrap()[..], [Imported::Unchanged(_)]));
        let object = world.object(AT).await.unwrap();
        assert_eq!(object.origin(), expected);
        let is_written = world.desk.store().revision() != revision;
        assert_eq!(is_written, had != expected);
        let mut plain = object.clone();
        plain.properties = before.properties.clone();
        assert_eq!(plain, before, "all else stays");
    }
    assert_eq!(written.etag, Some(before.etag));
    let resolution = world.desk.store().resolve(&path(AT)).await;
    let calendar = resolution.unwrap().unwrap().collection().clone();
    let since = Timestamp(i64::MIN);
    let trash = world.desk.store();
    let trash = trash.trashed_objects(calendar.home, calendar.id, since);
    assert_eq!(trash.await.unwrap(), [], "no version is kept of it");
}

/// Neither a full home nor a lock makes a refusal of what need not be written.
#[tokio::test]
async fn what_cannot_be_noted_is_unchanged_all_the_same() {
    let objects = [event("a", "1"), event("b", "2")];
    let mut settings = Settings::default();
    let octets = objects.iter().map(Bytes::len).sum::<usize>() as u64;
    // A note takes more than is left.
    settings.limits.quota_octets = Some(octets + 10);
    let full = world_with(settings, |memory| Arc::new(memory)).await;
    let locked = world().await;
    for world in [&full, &locked] {
        let told = world.import(&into("alice/calendar"), &objects).await;
        assert_eq!(told, ["created a.ics", "created b.ics"]);
    }
    let taking = locks::taking("alice/calendar", true, true);
    locked.desk.lock(&locked.alice, taking).await.unwrap();
    for world in [full, locked] {
        let mut coming = incoming(&objects);
        coming[0].origin = Some(Uuid::derived("a test", &[b"a"]));
        coming[1].origin = Some(Uuid::derived("a test", &[b"b"]));
        let import = into("alice/calendar");
        let done = world.desk.import(&world.alice, &import, &coming).await;
        let told: Vec<_> = done.unwrap().iter().map(word).collect();
        assert_eq!(told, ["unchanged a.ics", "unchanged b.ics"]);
        let object = world.object("alice/calendar/a.ics").await.unwrap();
        assert_eq!(object.origin(), None);
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = world().await;
    world
        .put("alice/calendar/a.ics", event("a", "old"))
        .await
        .unwrap();
    let before = world.desk.store().revision();
    let import = Import {
        dry_run: true,
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let large = event("c", &"x".repeat(300_000));
    let told = world
        .import(&import, &[event("a", "new"), event("b", "2"), large])
        .await;
    assert_eq!(told, ["updated a.ics", "created b.ics", "created c.ics"]);
    assert_eq!(world.desk.store().revision(), before);
}

/// The table of decisions: imports send nothing, keep PARTSTAT, and leave the objects unscheduled until the
/// owner's next significant edit.
#[tokio::test]
async fn nobody_hears_of_it_until_the_owner_changes_something() {
    let world = world().await;
    let octets = meeting("m", "Plan");
    let told = world
        .import(&into("alice/calendar"), std::slice::from_ref(&octets))
        .await;
    assert_eq!(told, ["created m.ics"]);
    assert_eq!(
        world.octets("alice/calendar/m.ics").await.as_ref(),
        Some(&octets)
    );
    let is_silent = async || {
        world.waiting_mails().await == 0
            && world
                .tree("bob")
                .await
                .iter()
                .all(|at| !at.ends_with(".ics"))
    };
    assert!(is_silent().await);
    assert!(!world.is_scheduled("alice/calendar/m.ics").await);

    let renamed = edited(&octets, "SUMMARY:Plan", "SUMMARY:Another");
    let written = world
        .put("alice/calendar/m.ics", renamed.clone())
        .await
        .unwrap();
    assert_eq!(written.schedule_tag, None);
    assert!(written.etag.is_some(), "stored as it was sent");
    assert!(is_silent().await);
    world
        .rename("alice/calendar/m.ics", "alice/calendar/n.ics")
        .await
        .unwrap();
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .rename("alice/calendar/n.ics", "alice/second/m.ics")
        .await
        .unwrap();
    assert!(is_silent().await, "it moves as it is");
    let deleted = world
        .copy("alice/second/m.ics", "alice/calendar/gone.ics")
        .await;
    deleted.unwrap();
    world.delete("alice/calendar/gone.ics").await.unwrap();
    assert!(is_silent().await, "nobody is told that it goes");

    let later = edited(&renamed, "T090000Z", "T080000Z");
    let written = world.put("alice/second/m.ics", later).await.unwrap();
    assert!(written.schedule_tag.is_some());
    assert!(world.is_scheduled("alice/second/m.ics").await);
    assert_eq!(world.waiting_mails().await, 1);
    let bobs = world.tree("bob").await;
    assert_eq!(
        bobs.iter().filter(|at| at.ends_with(".ics")).count(),
        2,
        "copy and inbox item: {bobs:?}"
    );
}

/// RFC 6638 §3.2.4.1: a meeting stands in one calendar of its owner, whoever scheduled it or not.
#[tokio::test]
async fn a_meeting_stands_in_one_calendar() {
    let world = world().await;
    world
        .make("alice/second", CollectionKind::Calendar)
        .await
        .unwrap();
    let objects = [meeting("m", "Plan"), event("plain", "x")];
    world.import(&into("alice/calendar"), &objects).await;
    for _ in 0..2 {
        let done = world
            .desk
            .import(&world.alice, &into("alice/second"), &incoming(&objects))
            .await
            .unwrap();
        let Imported::Refused(Refusal::Precondition {
            precondition,
            resource,
            ..
        }) = &done[0]
        else {
            panic!("{done:?}")
        };
        assert_eq!(*precondition, Precondition::UniqueSchedulingObjectResource);
        assert_eq!(*resource, Some(path("alice/calendar/m.ics")));
        // the same where the other one is scheduled
        let later = edited(&objects[0], "T090000Z", "T080000Z");
        world.put("alice/calendar/m.ics", later).await.unwrap();
    }
    assert!(world.object("alice/second/plain.ics").await.is_some());
}

/// An invitation that is imported by its attendee waits for the answer; one that was delivered stays one.
#[tokio::test]
async fn an_attendees_copy() {
    let world = world().await;
    let octets = edited(
        &meeting("m", "Plan"),
        "mailto:alice@example.com",
        "mailto:olga@elsewhere.test",
    );
    let octets = edited(
        &octets,
        "mailto:bob@example.com",
        "mailto:alice@example.com",
    );
    world
        .import(&into("alice/calendar"), std::slice::from_ref(&octets))
        .await;
    assert_eq!(world.waiting_mails().await, 0);
    let declined = edited(&octets, "PARTSTAT=ACCEPTED", "PARTSTAT=DECLINED");
    world
        .put("alice/calendar/m.ics", declined.clone())
        .await
        .unwrap();
    assert_eq!(world.waiting_mails().await, 1);
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let tag = world
        .object("alice/calendar/m.ics")
        .await
        .unwrap()
        .calendar
        .unwrap()
        .schedule_tag;
    let told = world.import(&import, std::slice::from_ref(&octets)).await;
    assert_eq!(told, ["updated m.ics"]);
    let facts = world
        .object("alice/calendar/m.ics")
        .await
        .unwrap()
        .calendar
        .unwrap();
    assert!(facts.scheduling && facts.schedule_tag.is_some() && facts.schedule_tag != tag);
    assert_eq!(world.waiting_mails().await, 1, "an import answers nobody");
}

/// What would end somebody's part in a meeting must be told to the others, and an import tells nobody.
#[tokio::test]
async fn an_import_ends_no_meeting() {
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let organized = meeting("m", "Plan");
    let invited = edited(
        &edited(&organized, "mailto:alice", "mailto:olga"),
        "mailto:bob@",
        "mailto:alice@",
    );
    let plain = event("m", "Plan");
    for (standing, others, refused) in [
        (
            &organized,
            [&plain, &invited],
            "AllowedOrganizerSchedulingObjectChange",
        ),
        (
            &invited,
            [&plain, &organized],
            "AllowedAttendeeSchedulingObjectChange",
        ),
    ] {
        let world = world().await;
        let at = "alice/calendar/m.ics";
        world.put(at, standing.clone()).await.unwrap();
        assert!(world.is_scheduled(at).await);
        let before = (world.octets(at).await, world.waiting_mails().await);
        for other in others {
            let told = world.import(&import, std::slice::from_ref(other)).await;
            assert_eq!(told, [refused]);
            let dry = Import {
                dry_run: true,
                ..import.clone()
            };
            let told = world.import(&dry, std::slice::from_ref(other)).await;
            assert_eq!(told, [refused], "a dry run says so, too");
        }
        let after = (world.octets(at).await, world.waiting_mails().await);
        assert_eq!(after, before);
        // Once it is gone, and the others know, what comes is an object as any other.
        world.delete(at).await.unwrap();
        let told = world.import(&import, std::slice::from_ref(&plain)).await;
        assert_eq!(told, ["created m.ics"]);
        assert!(!world.is_scheduled(at).await);
    }
}

/// Nor does it leave anybody out of one, or of a part of it: they would have it for ever.
#[tokio::test]
async fn an_import_leaves_nobody_out() {
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    let at = "alice/calendar/m.ics";
    let plan = meeting("m", "Plan");
    let bob = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com\r\n";
    let xenia = "ATTENDEE;PARTSTAT=TENTATIVE:mailto:xenia@elsewhere.test\r\n";
    let left = bob.replace("PARTSTAT", "SCHEDULE-AGENT=CLIENT;PARTSTAT");
    let left = edited(&plan, bob, &left);
    let series = edited(&plan, "SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY");
    let with_instance = |people: &str| {
        let instance = format!(
            "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Plan\r\n\
             RECURRENCE-ID:20260203T090000Z\r\nDTSTART:20260203T090000Z\r\nDTEND:20260203T100000Z\r\n\
             ORGANIZER:mailto:alice@example.com\r\n{people}END:VEVENT\r\nEND:VCALENDAR"
        );
        edited(&series, "END:VEVENT\r\nEND:VCALENDAR", &instance)
    };
    let dave = "ATTENDEE:mailto:dave@elsewhere.test\r\n";
    let all = format!("{bob}{xenia}{dave}");
    let refused = "AllowedOrganizerSchedulingObjectChange";
    let updated = "updated m.ics";
    for (standing, coming, expected) in [
        (&plan, edited(&plan, bob, ""), refused),
        (&plan, edited(&plan, xenia, ""), refused),
        (
            &plan,
            edited(&plan, xenia, &format!("{xenia}{dave}")),
            updated,
        ),
        (&left, edited(&plan, bob, ""), updated),
        (&with_instance(&all), series.clone(), refused),
        (
            &with_instance(&all),
            edited(&with_instance(&all), dave, ""),
            refused,
        ),
        (&series, with_instance(bob), refused),
        (&series, with_instance(&all), updated),
    ] {
        let world = world().await;
        world.put(at, standing.clone()).await.unwrap();
        let before = world.octets(at).await;
        let told = world.import(&import, std::slice::from_ref(&coming)).await;
        assert_eq!(told, [expected], "{coming:?}");
        assert_eq!(world.octets(at).await == before, expected == refused);
        assert!(world.is_scheduled(at).await);
    }
}

/// RFC 5546 §2.1.4: what others hear after an earlier state came back comes after what they heard before, log or not.
#[tokio::test]
async fn what_others_were_told_is_not_forgotten() {
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let at = "alice/calendar/m.ics";
    let first = meeting("m", "Plan");
    for hour in ["09", "10", "11"] {
        let moved = edited(&first, "T090000Z", &format!("T{hour}0000Z"));
        world
            .put(at, edited(&moved, "T100000Z", "T120000Z"))
            .await
            .unwrap();
    }
    let sequence = async || {
        let text = world.text_at(at).await;
        let line = text.lines().find_map(|line| line.strip_prefix("SEQUENCE:"));
        line.map_or(0, |number| number.parse::<u32>().unwrap())
    };
    let told = sequence().await;
    assert!(told >= 2);
    let import = Import {
        on_conflict: OnConflict::Overwrite,
        ..into("alice/calendar")
    };
    for _ in 0..2 {
        let done = world.import(&import, std::slice::from_ref(&first)).await;
        assert_eq!(done, ["updated m.ics"]);
        assert_eq!(sequence().await, 0);
        let other = edited(&first, "SUMMARY:Plan", "SUMMARY:Other");
        let done = world.import(&import, &[other]).await;
        assert_eq!(done, ["updated m.ics"]);
    }
    world
        .put(at, edited(&first, "T090000Z", "T080000Z"))
        .await
        .unwrap();
    assert!(sequence().await > told);
}

/// Whoever writes at the same time wins or loses as a whole; nothing is lost.
#[tokio::test]
async fn imports_at_the_same_time() {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(yielding::Yielding(Arc::new(memory)))
    })
    .await;
    let objects: Vec<Bytes> = (0..70)
        .map(|number| event(&format!("u{number}"), "x"))
        .collect();
    let objects = incoming(&objects);
    let import = into("alice/calendar");
    let desk = &world.desk;
    let (one, other) = tokio::join!(
        desk.import(&world.alice, &import, &objects),
        desk.import(&world.alice, &import, &objects),
    );
    let all: Vec<_> = one
        .unwrap()
        .iter()
        .chain(&other.unwrap())
        .map(word)
        .collect();
    let created = all.iter().filter(|it| it.starts_with("created")).count();
    let unchanged = all.iter().filter(|it| it.starts_with("unchanged")).count();
    assert_eq!((created, unchanged), (70, 70));
    let stored = world.tree("alice/calendar").await.len();
    assert_eq!(stored, 70);
}
