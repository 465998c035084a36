//! Meetings out of the trash: nothing is scheduled by that, and nobody is left out of one.

use super::*;

pub(super) fn meeting(summary: &str) -> Bytes {
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:meeting\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nDTEND:20260201T100000Z\r\n\
         SUMMARY:{summary}\r\nSEQUENCE:3\r\nORGANIZER:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\r\n\
         ATTENDEE:mailto:bob@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ))
}

/// Alice has a meeting and a plain event in a calendar of their own.
async fn with_meeting_and_event() -> World {
    let world = keeping(ALL).await;
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    world
        .put("alice/work/m.ics", meeting("Plan"))
        .await
        .unwrap();
    world
        .put("alice/work/a.ics", event("a", "Plain"))
        .await
        .unwrap();
    world
}

/// A deletion cancels the meeting for others; that it comes back is told to nobody.
#[tokio::test]
async fn a_meeting_comes_back_as_it_was_and_nothing_is_scheduled() {
    let world = with_meeting_and_event().await;
    let before = world.object("alice/work/m.ics").await.unwrap();
    let octets = world.octets("alice/work/m.ics").await.unwrap();
    assert_eq!(world.tree("bob/calendar").await.len(), 1);
    let then = world.wait(HOUR);
    world.wait(1);
    world.delete("alice/work").await.unwrap();
    let at_bobs = (
        world.tree("bob/calendar").await,
        world.tree("bob/inbox").await,
    );
    let done = world.restore_at("work", then, true).await.unwrap();
    assert_eq!(
        (done.place.as_str(), done.returned, done.as_then),
        ("work", 1, 2),
        "{done:?}"
    );
    assert!(
        done.notes[0].contains("attendees were told"),
        "{:?}",
        done.notes
    );
    assert_eq!(world.octets("alice/work/m.ics").await.unwrap(), octets);
    let after = world.object("alice/work/m.ics").await.unwrap();
    assert_eq!(after.etag, before.etag);
    let (after, before) = (after.calendar.unwrap(), before.calendar.unwrap());
    assert_eq!(after.projection, before.projection);
    // the table of decisions: it is not scheduled until its owner's next significant edit
    assert!(before.scheduling && !after.scheduling && after.schedule_tag.is_none());
    assert_eq!(
        (
            world.tree("bob/calendar").await,
            world.tree("bob/inbox").await
        ),
        at_bobs,
        "nobody hears of it"
    );
    world.assert_sound().await;
}

/// RFC 6638 §3.2.1.3: what was cancelled is cancelled; and what takes place after all comes after that.
#[tokio::test]
async fn what_was_cancelled_comes_back_unscheduled() {
    let world = keeping(ALL).await;
    let at = "alice/calendar/m.ics";
    let octets = unfolded(&meeting("Plan"));
    let octets = octets.replace("mailto:bob@example.com", "mailto:xenia@elsewhere.test");
    world.put(at, octets.clone()).await.unwrap();
    let sent = async || {
        let mails = world.mails().await.into_iter();
        mails.map(|mail| mail.method).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        world.wait(HOUR);
        world.delete(at).await.unwrap();
        assert_eq!(sent().await, ["REQUEST", "CANCEL"]);
        let id = world.listed().await[0].id.clone();
        world.desk.restore_item(&id).await.unwrap();
        assert!(!world.object(at).await.unwrap().calendar.unwrap().scheduling);
    }
    let moved = octets.replace("T090000Z", "T080000Z");
    world.put(at, moved).await.unwrap();
    assert!(world.object(at).await.unwrap().calendar.unwrap().scheduling);
    assert_eq!(sent().await, ["REQUEST", "CANCEL", "REQUEST"]);
    let text = world.text_at(at).await;
    assert!(text.contains("SEQUENCE:5"), "the CANCEL has 4: {text}");
}

/// RFC 6638 §3.2.1.1: whatever makes it a scheduling object again, it takes place for all who are invited, who heard that it
/// was off.
#[tokio::test]
async fn what_is_scheduled_again_takes_place_for_all() {
    let world = keeping(ALL).await;
    let carol = user(world.desk.store(), "carol").await;
    let at = "alice/calendar/m.ics";
    let plan = unfolded(&meeting("Plan"));
    let series = plan.replace("SEQUENCE", "RRULE:FREQ=DAILY;COUNT=3\r\nSEQUENCE");
    world.put(at, series.clone()).await.unwrap();
    world.wait(HOUR);
    world.delete(at).await.unwrap();
    assert!(world.bobs().await.2.contains("STATUS:CANCELLED"));
    let id = world.listed().await[0].id.clone();
    world.desk.restore_item(&id).await.unwrap();
    let begin = plan.find("BEGIN:VEVENT").unwrap();
    let instance = plan[begin..]
        .replace("SEQUENCE", "RECURRENCE-ID:20260202T090000Z\r\nSEQUENCE")
        .replace("20260201T", "20260202T")
        .replace("bob@", "carol@");
    let with_carol = series.replace("END:VCALENDAR\r\n", &instance);
    world.put(at, with_carol).await.unwrap();
    let (_, _, text) = world.bobs().await;
    let told = text.split("END:VEVENT").next().unwrap();
    assert!(
        told.contains("RRULE") && !told.contains("CANCELLED"),
        "{text}"
    );
    let name = &carol.principal.name;
    assert_eq!(world.members(&format!("{name}/calendar")).await.len(), 1);
}

/// What stands there goes on being scheduled; but nobody is left out of it, who would never hear of that.
#[tokio::test]
async fn a_meeting_goes_back_to_an_earlier_state_with_all_who_are_in_it() {
    let at = "alice/calendar/m.ics";
    let plain = String::from_utf8(event("meeting", "Before").to_vec()).unwrap();
    let plan = unfolded(&meeting("Before"));
    let with_carol = "ATTENDEE:mailto:carol@example.com\r\nEND:VEVENT";
    let with_carol = plan.replace("END:VEVENT", with_carol);
    for (before, after, comes_back) in [
        (&plain, &plan, false),
        (&plan, &with_carol, false),
        (&with_carol, &plan, true),
        (&plan, &plan, true),
    ] {
        let world = keeping(ALL).await;
        user(world.desk.store(), "carol").await;
        world.put(at, before.clone()).await.unwrap();
        let was = world.octets(at).await;
        world.wait(HOUR);
        let after = after.replace("SUMMARY:Before", "SUMMARY:After");
        world.put(at, after).await.unwrap();
        let (is, tag) = (
            world.octets(at).await,
            world
                .object(at)
                .await
                .unwrap()
                .calendar
                .unwrap()
                .schedule_tag,
        );
        let id = world.listed().await[0].id.clone();
        let done = world.desk.restore_item(&id).await.unwrap();
        assert_eq!(
            (done.reset, done.refused),
            (usize::from(comes_back), usize::from(!comes_back)),
            "{done:?}"
        );
        assert_eq!(world.octets(at).await, if comes_back { was } else { is });
        let facts = world.object(at).await.unwrap().calendar.unwrap();
        assert!(facts.scheduling && facts.schedule_tag.is_some());
        assert_eq!(facts.schedule_tag != tag, comes_back);
        world.assert_sound().await;
    }
}

/// RFC 5546 §2.1.4: what others hear of a meeting that went back to an earlier state comes after what they heard before,
/// log or not.
#[tokio::test]
async fn what_others_were_told_of_a_later_state_is_known() {
    let at = "alice/calendar/m.ics";
    let world = keeping(ALL).await;
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = World {
        desk: Desk::new(world.desk.store().clone(), settings),
        ..world
    };
    let octets = unfolded(&meeting("Plan"));
    let octets = octets.replace("mailto:bob@example.com", "mailto:xenia@elsewhere.test");
    let begins = |hour: u8| octets.replace("T090000Z", &format!("T{hour:02}0000Z"));
    for hour in [9, 8, 7] {
        world.put(at, begins(hour)).await.unwrap();
        world.wait(HOUR);
    }
    assert!(world.text_at(at).await.contains("SEQUENCE:5"));
    let id = world.listed().await.pop().unwrap().id;
    let done = world.desk.restore_item(&id).await.unwrap();
    assert_eq!(done.reset, 1, "{done:?}");
    assert!(world.text_at(at).await.contains("SEQUENCE:3"));
    world.put(at, begins(6)).await.unwrap();
    assert!(world.text_at(at).await.contains("SEQUENCE:6"));
}

/// To be exactly as it was is no reason to take a meeting out of the calendar without a word.
#[tokio::test]
async fn a_meeting_made_since_stays() {
    let world = keeping(ALL).await;
    world
        .put("alice/calendar/a.ics", event("a", "Plain"))
        .await
        .unwrap();
    let then = world.wait(HOUR);
    world.wait(1);
    for (name, octets) in [("b", event("b", "Plain")), ("m", meeting("Plan"))] {
        let at = format!("alice/calendar/{name}.ics");
        world.put(&at, octets).await.unwrap();
    }
    let done = world.restore_at("calendar", then, true).await.unwrap();
    assert_eq!((done.removed, done.left), (1, 1), "{done:?}");
    assert!(
        done.notes[0].starts_with("m.ics is a meeting made since"),
        "{done:?}"
    );
    assert!(world.object("alice/calendar/m.ics").await.is_some());
    assert!(world.object("alice/calendar/b.ics").await.is_none());
}

#[tokio::test]
async fn what_a_delivery_replaces_is_kept_too() {
    let world = keeping(ALL).await;
    world
        .put("alice/calendar/m.ics", meeting("First"))
        .await
        .unwrap();
    world.wait(HOUR);
    world
        .put("alice/calendar/m.ics", meeting("Second"))
        .await
        .unwrap();
    let (items, _) = world.desk.trash_list("bob", None, None).await.unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].summary.as_deref(), Some("First"));
    assert_eq!(items[0].by.as_deref(), Some("alice"));
}

/// The same meeting in another calendar of its owner: RFC 6638 §3.2.4.1.
#[tokio::test]
async fn a_meeting_that_stands_elsewhere_is_refused_and_the_others_go_on() {
    let world = with_meeting_and_event().await;
    let then = world.wait(HOUR);
    world.wait(1);
    world
        .rename("alice/work/m.ics", "alice/calendar/m.ics")
        .await
        .unwrap();
    world.delete("alice/work/a.ics").await.unwrap();
    let done = world.restore_at("work", then, false).await.unwrap();
    assert_eq!((done.returned, done.refused), (1, 1), "{done:?}");
    assert_eq!(
        done.notes,
        ["m.ics cannot come back: this meeting stands at calendar/m.ics now"]
    );
}
