//! What RFC 6638 adds to the methods: schedule tags, and questions for busy time.
#![allow(clippy::unwrap_used)]

mod common;

use calendar::{CalendarObject, Limits as ParserLimits};
use common::{HOME, World, event, url};
use scheduling::desk::{Effect, IncomingMessage};

const BOB: &str = "/dav/calendars/users/bob/";

/// An event with an organizer and an attendee.
fn meeting(uid: &str) -> String {
    event(uid, "Meeting").replace(
        "SUMMARY",
        "ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:alice@example.org\r\n\
         ATTENDEE:mailto:bob@example.org\r\nSUMMARY",
    )
}

fn question(lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n\
         UID:q\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T000000Z\r\nDTEND:20260103T000000Z\r\n{lines}\
         END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
}

const ASK_BOB: &str = "ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:bob@example.org\r\n";
const PERIOD: &str = "FREEBUSY;FBTYPE=BUSY:20260102T100000Z/20260102T110000Z";

/// RFC 6638 §3.2.10 and §8.2
#[tokio::test]
async fn scheduling_objects_have_a_schedule_tag() {
    // C6.4
    let world = World::new().await;
    let made = world.ask("PUT calendar/m.ics", &[], &meeting("m")).await;
    assert_eq!(made.code(), 201, "{made:?}");
    let tag = world
        .ask("GET calendar/m.ics", &[], "")
        .await
        .header("schedule-tag")
        .to_owned();
    assert!(tag.starts_with('"') && tag.len() > 2, "{tag}");
    assert_eq!(made.header("schedule-tag"), tag);
    assert_eq!(
        world
            .ask("HEAD calendar/m.ics", &[], "")
            .await
            .header("schedule-tag"),
        tag
    );
}

/// RFC 6638 §8.3
#[tokio::test]
async fn the_schedule_tag_is_a_condition() {
    let world = World::new().await;
    let tag = world
        .ask("PUT calendar/m.ics", &[], &meeting("m"))
        .await
        .header("schedule-tag")
        .to_owned();
    let changed = meeting("m").replace("Meeting", "Changed");
    let wrong = world
        .ask(
            "PUT calendar/m.ics",
            &[("if-schedule-tag-match", "\"wrong\"")],
            &changed,
        )
        .await;
    assert_eq!(wrong.code(), 412);
    let right = world
        .ask(
            "PUT calendar/m.ics",
            &[("if-schedule-tag-match", &tag)],
            &changed,
        )
        .await;
    assert_eq!(right.code(), 204, "{right:?}");
    let odd = world
        .ask(
            "PUT calendar/m.ics",
            &[("if-schedule-tag-match", "W/\"x\"")],
            &changed,
        )
        .await;
    assert_eq!(odd.code(), 400);
}

/// RFC 6638 §8.1
#[tokio::test]
async fn schedule_reply_is_t_or_f() {
    let world = World::new().await;
    world.put("calendar/1.ics", &event("1", "One")).await;
    for (value, status) in [("maybe", 400), ("F", 204)] {
        let answer = world
            .ask("DELETE calendar/1.ics", &[("schedule-reply", value)], "")
            .await;
        assert_eq!(answer.code(), status, "{value}: {answer:?}");
    }
}

/// RFC 6638 §5
#[tokio::test]
async fn busy_time_is_told_person_by_person() {
    let world = World::new().await;
    let busy = world
        .ask_bob(
            &format!("PUT {BOB}calendar/1.ics"),
            &[],
            &event("1", "Secret"),
        )
        .await;
    assert_eq!(busy.code(), 201, "{busy:?}");
    let lines = format!(
        "{ASK_BOB}ATTENDEE:mailto:nobody@elsewhere.example\r\nATTENDEE:/dav/principals/users/bob/\r\n"
    );
    let answer = world
        .ask(
            "POST outbox/",
            &[("content-type", "text/calendar; charset=utf-8")],
            &question(&lines),
        )
        .await;
    assert_eq!(answer.code(), 200, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        "application/xml; charset=utf-8"
    );
    assert_eq!(answer.body.matches("<C:response>").count(), 3, "{answer:?}");
    for part in [
        "<C:recipient><D:href>mailto:bob@example.org</D:href></C:recipient><C:request-status>2.0;Success</C:request-status>",
        "<C:recipient><D:href>/dav/principals/users/bob/</D:href></C:recipient><C:request-status>2.0;Success",
        "nobody@elsewhere.example</D:href></C:recipient><C:request-status>5.3;",
        "METHOD:REPLY",
        PERIOD,
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    assert!(!answer.body.contains("Secret"));
}

/// RFC 6638 §9.1, and the meeting that is being planned.
#[tokio::test]
async fn what_does_not_count_is_not_told() {
    let world = World::new().await;
    let busy = world
        .ask_bob(&format!("PUT {BOB}calendar/1.ics"), &[], &event("1", "x"))
        .await;
    assert_eq!(busy.code(), 201);
    let masked = question(&format!("{ASK_BOB}X-CALENDARSERVER-MASK-UID:1\r\n"));
    // somebody else's: whether it is there is nobody's business
    let answer = world.ask("POST outbox/", &[], &masked).await;
    assert!(answer.body.contains("FBTYPE"), "{answer:?}");
    let own = world.ask("PUT calendar/1.ics", &[], &event("1", "x")).await;
    assert_eq!(own.code(), 201, "{own:?}");
    let answer = world.ask("POST outbox/", &[], &masked).await;
    assert!(
        answer.body.contains("2.0;Success") && !answer.body.contains("FBTYPE"),
        "{answer:?}"
    );
    let transparent = "<D:propertyupdate xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:set><D:prop>\
        <C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set></D:propertyupdate>";
    let set = world
        .ask_bob(&format!("PROPPATCH {BOB}calendar/"), &[], transparent)
        .await;
    assert_eq!(set.code(), 207, "{set:?}");
    let answer = world.ask("POST outbox/", &[], &question(ASK_BOB)).await;
    assert!(
        answer.body.contains("2.0;Success") && !answer.body.contains("FBTYPE"),
        "{answer:?}"
    );
}

/// RFC 6638 §5.1 and §5.2
#[tokio::test]
async fn questions_that_cannot_be_answered_are_refused() {
    let world = World::new().await;
    let good = question(ASK_BOB);
    let as_bob =
        question("ORGANIZER:mailto:bob@example.org\r\nATTENDEE:mailto:alice@example.org\r\n");
    for (headers, body, status, element) in [
        (
            vec![("content-type", "text/plain")],
            good.clone(),
            403,
            "C:supported-calendar-data",
        ),
        (vec![], "junk".into(), 403, "C:valid-calendar-data"),
        (
            vec![],
            good.replace("REQUEST", "PUBLISH"),
            400,
            "C:valid-scheduling-message",
        ),
        (
            vec![],
            good.replace("T000000Z\r\nDTEND", "\r\nDTEND"),
            400,
            "C:valid-scheduling-message",
        ),
        (vec![], as_bob, 403, "C:valid-organizer"),
    ] {
        world
            .ask("POST outbox/", &headers, &body)
            .await
            .refuses(status, element);
    }
    let strange = world
        .ask_bob(&format!("POST {HOME}outbox/"), &[], &good)
        .await;
    strange.refuses(403, "D:need-privileges");
    for path in [url("inbox/"), "/".into()] {
        assert_eq!(
            world.ask(&format!("POST {path}"), &[], &good).await.code(),
            405,
            "{path}"
        );
    }
}

/// RFC 6638 §3.2.10: a MOVE into another calendar says the tag, too; a second object of the same meeting is refused.
#[tokio::test]
async fn a_move_says_the_schedule_tag() {
    let world = World::new().await;
    world.ask("PUT calendar/m.ics", &[], &meeting("m")).await;
    let made = world.ask("MKCALENDAR second/", &[], "").await;
    assert_eq!(made.code(), 201, "{made:?}");
    let to = url("second/m.ics");
    let copied = world
        .ask("COPY calendar/m.ics", &[("destination", &to)], "")
        .await;
    copied.refuses(403, "C:unique-scheduling-object-resource");
    let moved = world
        .ask("MOVE calendar/m.ics", &[("destination", &to)], "")
        .await;
    assert_eq!(moved.code(), 201, "{moved:?}");
    let there = world.ask("GET second/m.ics", &[], "").await;
    let tag = there.header("schedule-tag");
    assert!(tag.len() > 2, "{there:?}");
    assert_eq!(moved.header("schedule-tag"), tag);
}

/// RFC 6638 §3.2.4.2 and §3.2.4.3
#[tokio::test]
async fn organizers_are_refused_with_their_preconditions() {
    let world = World::new().await;
    let one = meeting("m").replace("DTSTAMP", "RRULE:FREQ=DAILY\r\nDTSTAMP");
    let begin = one.find("BEGIN:VEVENT").unwrap();
    let end = one.find("END:VCALENDAR").unwrap();
    let other = one[begin..end]
        .replace("RRULE:FREQ=DAILY", "RECURRENCE-ID:20260103T100000Z")
        .replace("ORGANIZER:mailto:alice@", "ORGANIZER:mailto:bob@");
    let several = format!("{}{other}{}", &one[..end], &one[end..]);
    let refused = world.ask("PUT calendar/m.ics", &[], &several).await;
    refused.refuses(403, "C:same-organizer-in-all-components");

    world.ask("PUT calendar/m.ics", &[], &meeting("m")).await;
    let changed = meeting("m").replace("ORGANIZER:mailto:alice@", "ORGANIZER:mailto:bob@");
    let refused = world.ask("PUT calendar/m.ics", &[], &changed).await;
    refused.refuses(403, "C:allowed-organizer-scheduling-object-change");
}

/// Somebody elsewhere, whom Alice invited, proposes another time; where it waits.
async fn proposal(world: &World) -> String {
    let invited = meeting("m").replace("mailto:bob@example.org", "mailto:xenia@elsewhere.test");
    world.put("calendar/m.ics", &invited).await;
    let counter = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:COUNTER\r\nBEGIN:VEVENT\r\nUID:m\r\n\
         DTSTAMP:20260101T100000Z\r\nSEQUENCE:0\r\nDTSTART:20260107T100000Z\r\nSUMMARY:Meeting\r\n\
         ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:xenia@elsewhere.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let message = IncomingMessage {
        object: CalendarObject::parse(counter.as_bytes(), &ParserLimits::default()).unwrap(),
        method: None,
        sender: "mailto:xenia@elsewhere.test".to_owned(),
        recipients: vec!["mailto:alice@example.org".to_owned()],
        id: None,
    };
    let received = world.desk.receive_message(&message);
    assert_eq!(received.await.unwrap()[0].effect, Effect::Held);
    let inbox = world.ask("PROPFIND inbox/", &[("depth", "1")], "").await;
    let item = inbox.body.split("<D:href>").nth(2).unwrap();
    item.split('<').next().unwrap().to_owned()
}

/// RFC 5546 §3.2.8: what an attendee proposed is declined.
#[tokio::test]
async fn a_proposal_is_declined_by_a_post() {
    let world = World::new().await;
    let at = proposal(&world).await;
    let shown = world.ask(&format!("GET {at}"), &[], "").await;
    assert!(
        shown.body.contains("X-CONVOKE-ACTION:DECLINE\r\n"),
        "{shown:?}"
    );
    let decline = format!("POST {at}?action=decline");
    let stale = world.ask(&decline, &[("if-match", "\"x\"")], "").await;
    assert_eq!(stale.code(), 412, "{stale:?}");
    let long = world.ask(&decline, &[], &"x".repeat(4_097)).await;
    assert_eq!(long.code(), 400, "{long:?}");
    for (asked, code) in [
        (format!("POST {at}?action=accept"), 400),
        (format!("POST {at}"), 400),
        ("POST calendar/m.ics?action=decline".to_owned(), 403),
        ("POST inbox/none.ics?action=decline".to_owned(), 404),
    ] {
        let answer = world.ask(&asked, &[], "").await;
        assert_eq!(answer.code(), code, "{asked}: {answer:?}");
    }
    let strangers = world.ask_bob(&decline, &[], "").await;
    strangers.refuses(403, "D:need-privileges");
    let declined = world.ask(&decline, &[], "The room is taken").await;
    assert_eq!(declined.code(), 204, "{declined:?}");
    assert_eq!(world.ask(&decline, &[], "").await.code(), 404);
    let log = format!("GET {HOME}calendar/m.ics");
    assert_eq!(world.ask(&log, &[], "").await.code(), 200);

    // what cannot be declined says why, and stays
    let world = World::new().await;
    let at = proposal(&world).await;
    assert_eq!(world.status("DELETE calendar/m.ics").await, 204);
    let gone = world
        .ask(&format!("POST {at}?action=decline"), &[], "")
        .await;
    assert_eq!(gone.code(), 403);
    assert!(gone.body.contains("not there any more"), "{gone:?}");
    assert_eq!(world.status(&format!("GET {at}")).await, 200);
}
