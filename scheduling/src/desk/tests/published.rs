//! What comes from outside and asks nobody to come: what is published, journal entries, and questions for busy time.

use calendar::{CalendarObject, Limits as ParserLimits};
use storage::access::{Ace, AcePrincipal, Privilege};

use super::*;
use crate::mail::{MessageKind, OutgoingMessage};

const XENIA: &str = "mailto:xenia@elsewhere.test";
const BOB: &str = "mailto:bob@example.com";

/// A message from Xenia to Bob, with this METHOD, about a component.
fn message(method: &str, component: &str, lines: &str) -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\nBEGIN:{component}\r\nUID:m\r\n\
         DTSTAMP:20260101T100000Z\r\nORGANIZER:{XENIA}\r\n{lines}END:{component}\r\nEND:VCALENDAR\r\n"
    );
    IncomingMessage {
        object: CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap(),
        method: None,
        sender: XENIA.to_owned(),
        recipients: vec![BOB.to_owned()],
        id: None,
    }
}

/// Xenia asks about 1 February 2026.
fn question() -> IncomingMessage {
    let lines = format!("DTSTART:20260201T000000Z\r\nDTEND:20260202T000000Z\r\nATTENDEE:{BOB}\r\n");
    message("REQUEST", "VFREEBUSY", &lines)
}

impl World {
    async fn take(&self, message: &IncomingMessage) -> (Effect, String) {
        let received = self.desk.receive_message(message).await.unwrap();
        (received[0].effect, received[0].status.as_str().to_owned())
    }

    /// Bob lets everybody know when he is busy: by the inbox, and by his calendar.
    async fn show_to_all(&self, places: &[(&str, Privilege)]) {
        for (at, privilege) in places {
            let change = ChangeAccess {
                path: path(at),
                aces: vec![Ace::grant(AcePrincipal::All, &[*privilege])],
                conditions: Conditions::default(),
            };
            let changed = self.desk.change_access(&self.bob, change).await;
            changed.unwrap();
        }
    }
}

fn effect(effect: Effect, status: &str) -> (Effect, String) {
    (effect, status.to_owned())
}

const INBOX: (&str, Privilege) = ("bob/inbox", Privilege::ScheduleQueryFreeBusy);
const CALENDAR: (&str, Privilege) = ("bob/calendar", Privilege::ReadFreeBusy);

/// RFC 5546 §3.2.1, §3.3.1, §3.4.1 and §3.5: it lies in the inbox until somebody takes it into a calendar, once.
#[tokio::test]
async fn what_is_published_waits_for_whoever_wants_it() {
    let start = "DTSTART:20260201T090000Z\r\n";
    let busy =
        "DTSTART:20260201T000000Z\r\nDTEND:20260202T000000Z\r\nFREEBUSY:20260201T090000Z/PT1H\r\n";
    for (method, component, lines) in [
        ("PUBLISH", "VEVENT", start),
        ("PUBLISH", "VTODO", start),
        ("PUBLISH", "VJOURNAL", start),
        (
            "ADD",
            "VJOURNAL",
            "SEQUENCE:1\r\nDTSTART:20260202T090000Z\r\n",
        ),
        ("CANCEL", "VJOURNAL", "SEQUENCE:1\r\n"),
        ("PUBLISH", "VFREEBUSY", busy),
    ] {
        let world = world().await;
        let message = message(method, component, lines);
        let taken = world.take(&message).await;
        assert_eq!(taken, effect(Effect::Held, "1.2"), "{method} {component}");
        assert_eq!(world.take(&message).await.0, Effect::Repeated);
        assert_eq!(world.members("bob/inbox").await.len(), 1);
        assert!(world.members("bob/calendar").await.is_empty());
        assert!(world.mails().await.is_empty());
    }
}

/// RFC 5546 §6.1: who publishes in another's name is not believed; and what nobody asked for is not an answer.
#[tokio::test]
async fn who_says_it_is_looked_at() {
    let world = world().await;
    let forged = IncomingMessage {
        sender: "mailto:yves@elsewhere.test".to_owned(),
        ..message("PUBLISH", "VJOURNAL", "SUMMARY:Minutes\r\n")
    };
    assert_eq!(world.take(&forged).await, effect(Effect::Held, "5.3"));
    for (attendee, status) in [(XENIA, "1.2"), ("mailto:yves@elsewhere.test", "5.3")] {
        let world = super::world().await;
        let lines = format!(
            "DTSTART:20260201T000000Z\r\nDTEND:20260202T000000Z\r\nATTENDEE:{attendee}\r\n"
        );
        let mut reply = message("REPLY", "VFREEBUSY", &lines);
        let entries = reply.object.entries_mut();
        entries.for_each(|entry| entry.set_raw_value("ORGANIZER", BOB).unwrap());
        let taken = world.take(&reply).await;
        assert_eq!(taken, effect(Effect::Held, status), "{attendee}");
    }
}

/// RFC 5546 §3.3.2, RFC 6638 §6.1.1: a stranger learns what everybody may know without signing in, and else nothing,
/// not even by a mail that says no.
#[tokio::test]
async fn a_question_from_outside_is_answered_where_everybody_may_know() {
    for (places, answer) in [
        (vec![], None),
        (vec![CALENDAR], None),
        (vec![INBOX], Some("")),
        (
            vec![INBOX, CALENDAR],
            Some("FREEBUSY;FBTYPE=BUSY:20260201T090000Z/20260201T100000Z"),
        ),
    ] {
        let world = world().await;
        let put = world.put_as(&world.bob, "bob/calendar/own.ics", event("own", "Secret"));
        put.await.unwrap();
        world.show_to_all(&places).await;
        let taken = world.take(&question()).await;
        let mails = world.mails().await;
        let Some(answer) = answer else {
            assert_eq!(taken, effect(Effect::Refused, "3.8"));
            assert!(mails.is_empty());
            continue;
        };
        assert_eq!(taken, effect(Effect::Applied, "2.0"));
        let [mail] = &mails[..] else {
            panic!("{mails:?}")
        };
        let OutgoingMessage {
            kind,
            method,
            from,
            to,
            details,
            ..
        } = mail;
        assert_eq!((*kind, &**method), (MessageKind::BusyTime, "REPLY"));
        assert_eq!(
            (&*from.address, &*to.address),
            ("bob@example.com", "xenia@elsewhere.test")
        );
        assert!(
            details.summary.contains("1 February 2026"),
            "{}",
            details.summary
        );
        let text = unfolded(&mail.calendar);
        assert!(
            text.contains("METHOD:REPLY") && text.contains("UID:m"),
            "{text}"
        );
        assert!(!text.contains("Secret"), "{text}");
        let busy = text.lines().find(|line| line.starts_with("FREEBUSY"));
        assert_eq!(busy.unwrap_or_default(), answer);
        assert_eq!(
            world.take(&question()).await,
            effect(Effect::Repeated, "2.0")
        );
        assert_eq!(world.mails().await.len(), 1);
        assert!(world.members("bob/inbox").await.is_empty());
    }
}

/// What is no question to Bob by whoever sends it is refused, and nobody is mailed for it.
#[tokio::test]
async fn what_is_no_question_is_refused() {
    let world = world().await;
    world.show_to_all(&[INBOX, CALENDAR]).await;
    let window = "DTSTART:20260201T000000Z\r\nDTEND:20260202T000000Z\r\n";
    let forged = IncomingMessage {
        sender: "mailto:yves@elsewhere.test".to_owned(),
        ..question()
    };
    let endless = format!("DTSTART:20260201T000000Z\r\nATTENDEE:{BOB}\r\n");
    let of_alice = format!("{window}ATTENDEE:mailto:alice@example.com\r\n");
    for (message, expected) in [
        (forged, effect(Effect::Refused, "5.3")),
        (
            message("REQUEST", "VFREEBUSY", window),
            effect(Effect::Refused, "3.1"),
        ),
        (
            message("REQUEST", "VFREEBUSY", &endless),
            effect(Effect::Refused, "3.1"),
        ),
        (
            message("REQUEST", "VFREEBUSY", &of_alice),
            effect(Effect::Refused, "3.7"),
        ),
        (
            message("COUNTER", "VFREEBUSY", window),
            effect(Effect::Refused, "3.14"),
        ),
        (
            message("REQUEST", "VJOURNAL", window),
            effect(Effect::Refused, "3.14"),
        ),
        (
            message("PUBLISH", "VPOLL", window),
            effect(Effect::Refused, "3.13"),
        ),
    ] {
        assert_eq!(world.take(&message).await, expected, "{message:?}");
    }
    let bob = world.bob.principal.id;
    let disabled = world
        .desk
        .store()
        .change_principal(bob, |bob| bob.disabled = true);
    disabled.await.unwrap();
    assert_eq!(
        world.take(&question()).await,
        effect(Effect::Refused, "5.3")
    );
    assert!(world.mails().await.is_empty());
    assert!(world.members("bob/inbox").await.is_empty());
}

/// RFC 5546 §3.2.1: VEVENT 1+, each for an event of its own.
#[tokio::test]
async fn several_events_are_published_in_one_message() {
    let world = world().await;
    let start = "DTSTART:20260201T090000Z\r\n";
    let mut published = message("PUBLISH", "VEVENT", start);
    let instance = format!("RECURRENCE-ID:20260202T090000Z\r\n{start}");
    for (component, uid, lines) in [
        ("VEVENT", "m", &*instance),
        ("VEVENT", "n", start),
        ("VTODO", "o", start),
    ] {
        let other = message("PUBLISH", component, lines).object.to_octets();
        let text = String::from_utf8_lossy(&other).replace("UID:m", &format!("UID:{uid}"));
        let other = CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap();
        let entry = other.entries().next().unwrap().clone();
        published.object.calendar_mut().push_component(entry);
    }
    for expected in [Effect::Held, Effect::Repeated] {
        assert_eq!(world.take(&published).await, effect(expected, "1.2"));
        assert_eq!(world.members("bob/inbox").await.len(), 3);
    }
    // no other message is about several
    let calendar = published.object.calendar_mut();
    calendar.set_raw_value("METHOD", "REQUEST").unwrap();
    assert_eq!(world.take(&published).await.0, Effect::Refused);
}

/// Each has the time zones that it names; and what these would make of a message that all its events name the same large one
/// is more than anybody publishes.
#[tokio::test]
async fn what_is_published_has_its_own_time_zones() {
    const EVENTS: usize = 50;
    const ZONE_OCTETS: usize = 40_000;
    let zone = |name: &str, octets: usize| {
        let comment = "x".repeat(octets);
        format!(
            "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nCOMMENT:{comment}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n\
             TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        )
    };
    let published = |zones: &str| {
        let events = (0..EVENTS).map(|number| {
            format!(
                "BEGIN:VEVENT\r\nUID:{number}\r\nDTSTAMP:20260101T100000Z\r\nORGANIZER:{XENIA}\r\n\
                 DTSTART;TZID=z:20260201T090000\r\nEND:VEVENT\r\n"
            )
        });
        let events: String = events.collect();
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:PUBLISH\r\n{zones}{events}END:VCALENDAR\r\n"
        );
        IncomingMessage {
            object: CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap(),
            ..message("PUBLISH", "VEVENT", "")
        }
    };
    let others = (0..20).map(|it| zone(&format!("z{it}"), ZONE_OCTETS));
    let others: String = others.collect();
    for (zones, expected, messages) in [
        (others + &zone("z", 1_000), Effect::Held, EVENTS),
        (zone("z", ZONE_OCTETS), Effect::Refused, 0),
    ] {
        let world = world().await;
        assert_eq!(world.take(&published(&zones)).await.0, expected);
        let inbox = world.members("bob/inbox").await;
        assert_eq!(inbox.len(), messages);
        for (_, object) in inbox {
            let text = world.text(&object).await;
            assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
        }
    }
}

/// RFC 5546 §4.1.3, RFC 6638 §3.1: what was published and taken over is called off, and is no scheduling object for that.
#[tokio::test]
async fn what_was_published_is_called_off() {
    let world = world().await;
    let published = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T100000Z\r\n\
         ORGANIZER:{XENIA}\r\nDTSTART:20260201T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let at = "bob/calendar/m.ics";
    world
        .put_as(&world.bob, at, published.clone())
        .await
        .unwrap();
    let cancel = message(
        "CANCEL",
        "VEVENT",
        "SEQUENCE:1\r\nDTSTART:20260201T090000Z\r\n",
    );
    assert_eq!(world.take(&cancel).await, effect(Effect::Applied, "1.2"));
    assert!(world.text_at(at).await.contains("STATUS:CANCELLED"));
    let facts = world.object(at).await.unwrap().calendar.unwrap();
    assert_eq!((facts.scheduling, facts.schedule_tag), (false, None));
    // its UID is not taken for the whole home
    let another = making("bob/work", CollectionKind::Calendar);
    world
        .desk
        .make_collection(&world.bob, another)
        .await
        .unwrap();
    world
        .put_as(&world.bob, "bob/work/m.ics", published)
        .await
        .unwrap();
}
