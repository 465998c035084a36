//! Imports: many objects at once, and nobody hears of it.

mod meetings;
mod origins;

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
