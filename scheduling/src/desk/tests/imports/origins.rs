//! Where what is imported came from is known the next time.

use super::*;

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
