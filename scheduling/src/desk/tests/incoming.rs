//! Messages from outside: one commit for each recipient, each message once, and what cannot be taken.

mod again;
mod answers;
mod cancellations;
mod delegates;

use calendar::{CalendarObject, Limits as ParserLimits, Property};

use super::{
    meetings::{AT, START, meeting},
    *,
};
use crate::{
    engine::Status,
    log::{LogLine, Verdict, Way},
};

pub(super) const XENIA: &str = "mailto:xenia@elsewhere.test";
pub(super) const YVES: &str = "mailto:yves@elsewhere.test";
const BOB: &str = "mailto:bob@example.com";
const ALICE: &str = "mailto:alice@example.com";

pub(super) fn parsed(text: &str) -> CalendarObject {
    let text = text.replace('\n', "\r\n");
    CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap()
}

/// A message about the event "m": METHOD, the lines that say what it is, and its place in the order.
fn message(method: &str, lines: &str, sequence: u32) -> IncomingMessage {
    let object = parsed(&format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\nBEGIN:VEVENT\nUID:m\nSEQUENCE:{sequence}\n\
         DTSTAMP:20260101T10{sequence:02}00Z\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
    ));
    IncomingMessage {
        object,
        method: None,
        sender: XENIA.to_owned(),
        recipients: vec![BOB.to_owned()],
        id: None,
    }
}

/// Xenia invites Bob.
fn invitation(sequence: u32, more: &str) -> IncomingMessage {
    let lines = format!(
        "DTSTART:20260201T090000Z\nDTEND:20260201T100000Z\nSUMMARY:Plan\nORGANIZER:{XENIA}\nATTENDEE:{BOB}{more}"
    );
    message("REQUEST", &lines, sequence)
}

/// Xenia says something to Alice, who has invited her.
pub(super) fn to_alice(method: &str, attendee: &str) -> IncomingMessage {
    let lines = format!("ORGANIZER:{ALICE}\nATTENDEE{attendee}:{XENIA}");
    IncomingMessage {
        recipients: vec![ALICE.to_owned()],
        ..message(method, &lines, 0)
    }
}

/// Xenia accepts what Alice invited her to.
pub(super) fn reply_of_xenia(uid: &str) -> IncomingMessage {
    let mut reply = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
    for entry in reply.object.entries_mut() {
        entry.remove_properties("UID");
        entry.push_property(Property::with_text("UID", uid).unwrap());
    }
    reply
}

/// A meeting of Alice with Bob and Xenia, for which Alice has accepted.
pub(super) fn with_xenia() -> String {
    meeting("m", "Plan", START)
}

/// An answer of somebody who is not invited.
fn crasher() -> IncomingMessage {
    IncomingMessage {
        sender: YVES.to_owned(),
        ..to_alice("REPLY", ";PARTSTAT=ACCEPTED")
    }
}

/// How many have accepted.
fn accepted(text: &str) -> usize {
    text.matches("PARTSTAT=ACCEPTED").count()
}

impl World {
    /// What became of a message for its only recipient.
    pub(super) async fn receive(&self, message: &IncomingMessage) -> Reception {
        let mut receptions = self.desk.receive_message(message).await.unwrap();
        assert_eq!(receptions.len(), 1);
        receptions.remove(0)
    }

    /// All that can be seen: what stands in the homes, the logs, and what waits.
    async fn all(&self) -> (Vec<(String, String)>, usize, usize) {
        let mut found = Vec::new();
        for at in ["alice", "bob"] {
            for at in self.tree(at).await {
                if let Some(object) = self.object(&at).await {
                    let tag = object
                        .calendar
                        .as_ref()
                        .and_then(|it| it.schedule_tag.clone());
                    found.push((at, format!("{} {tag:?}", object.etag)));
                }
            }
        }
        let mut entries = 0;
        for who in [&self.alice, &self.bob] {
            let home = who.principal.home.unwrap();
            entries += self.desk.scheduling_log_of(home, "m").await.unwrap().len();
        }
        (found, entries, self.mails().await.len())
    }

    /// The lines of the log about what came by mail.
    pub(super) async fn by_mail(&self, who: &Actor) -> Vec<LogLine> {
        let home = who.principal.home.unwrap();
        let entries = self.desk.scheduling_log_of(home, "m").await.unwrap();
        let lines = entries.into_iter().flat_map(|entry| entry.lines);
        lines
            .filter(|line| line.way == Some(Way::Mail) && line.verdict != Verdict::Sent)
            .collect()
    }
}

/// What comes in names a bounded number of time zones, unless the copy that it is about was stored with as many before.
#[tokio::test]
async fn an_invitation_names_a_bounded_number_of_zones() {
    const ZONES: usize = calendar::zone::MAXIMUM_ZONES + 1;
    let zones = |count: usize| {
        (0..count)
            .map(|number| format!("\nEXDATE;TZID=z{number}:20270101T090000"))
            .collect::<String>()
    };
    let world = world().await;
    let refused = world.receive(&invitation(0, &zones(ZONES))).await;
    assert_eq!(refused.status, Status::INVALID_VALUE, "{}", refused.reason);
    assert!(world.members("bob/calendar").await.is_empty());
    world.receive(&invitation(0, "")).await;
    let (at, _, text) = world.bobs().await;
    let many = zones(ZONES).trim_start().replace('\n', "\r\n");
    let many = text.replace("SUMMARY", &format!("{many}\r\nSUMMARY"));
    let stored = storage::model::Content::Inline(many.into());
    world.replace_content(&at, stored).await;
    for (sequence, count, status) in [
        (1, ZONES, Status::DELIVERED),
        (2, ZONES + 1, Status::INVALID_VALUE),
    ] {
        let reception = world.receive(&invitation(sequence, &zones(count))).await;
        assert_eq!(reception.status, status, "{}", reception.reason);
    }
}

#[tokio::test]
async fn an_invitation_comes_in_and_is_answered_by_mail() {
    let world = world().await;
    let reception = world.receive(&invitation(0, "")).await;
    let expected = Reception {
        recipient: BOB.to_owned(),
        effect: Effect::Applied,
        status: Status::DELIVERED,
        reason: String::new(),
    };
    assert_eq!(reception, expected);
    let (at, object, text) = world.bobs().await;
    assert!(object.calendar.as_ref().unwrap().scheduling);
    assert!(!text.contains("METHOD"), "{text}");
    assert_eq!(world.members("bob/inbox").await.len(), 1);
    let lines = world.by_mail(&world.bob).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].verdict, Verdict::Created);
    assert_eq!(lines[0].parties, [XENIA]);

    let accepted = text.replace("ATTENDEE:", "ATTENDEE;PARTSTAT=ACCEPTED:");
    world.put_as(&world.bob, &at, accepted).await.unwrap();
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (&*mails[0].method, &*mails[0].to.address),
        ("REPLY", "xenia@elsewhere.test")
    );
}

/// RFC 5546 §3.2.2.7: once for each message that asks for it, however often that comes.
#[tokio::test]
async fn an_answer_is_given_again_to_who_asks_for_it() {
    let world = world().await;
    world.receive(&invitation(0, "")).await;
    let (at, _, text) = world.bobs().await;
    let accepted = text.replace("ATTENDEE:", "ATTENDEE;PARTSTAT=ACCEPTED:");
    world.put_as(&world.bob, &at, accepted).await.unwrap();
    // and not for ever: some programs send all of the meeting after each answer
    for (sequence, minute, mails) in [
        (0, 1, 2),
        (0, 1, 2),
        (0, 2, 3),
        (0, 3, 4),
        (0, 4, 4),
        (1, 5, 5),
    ] {
        let mut asks = invitation(sequence, "");
        for entry in asks.object.entries_mut() {
            let stamp = format!("20260101T11{minute:02}00Z");
            entry.set_raw_value("DTSTAMP", &stamp).unwrap();
            let line = entry.property_mut("ATTENDEE").unwrap();
            line.set_parameter("RSVP", "TRUE").unwrap();
        }
        world.receive(&asks).await;
        let sent = world.mails().await;
        assert!(sent.iter().all(|mail| mail.method == "REPLY"));
        assert_eq!(sent.len(), mails, "{minute}");
    }
}

#[tokio::test]
async fn the_same_message_again_has_no_effect_at_all() {
    let counter = || to_alice("COUNTER", "");
    let refresh = || to_alice("REFRESH", "");
    let messages: [fn() -> IncomingMessage; 7] = [
        || invitation(1, ""),
        || message("CANCEL", &format!("ORGANIZER:{XENIA}\nATTENDEE:{BOB}"), 1),
        || {
            message(
                "ADD",
                &format!("DTSTART:20260203T090000Z\nORGANIZER:{XENIA}\nATTENDEE:{BOB}"),
                1,
            )
        },
        || {
            message(
                "DECLINECOUNTER",
                &format!("ORGANIZER:{XENIA}\nATTENDEE:{BOB}"),
                0,
            )
        },
        || to_alice("REPLY", ";PARTSTAT=ACCEPTED"),
        || to_alice("REFRESH", ""),
        || to_alice("COUNTER", ""),
    ];
    for message in messages {
        let world = world().await;
        let first = message();
        if first.recipients == [ALICE] {
            world.put(AT, with_xenia()).await.unwrap();
        } else {
            world.receive(&invitation(0, "")).await;
        }
        let reception = world.receive(&first).await;
        assert_ne!(reception.effect, Effect::Repeated, "{reception:?}");
        let before = world.all().await;
        let commits = world.desk.store().backend().revision();
        // the carrier names it anew, and the parts of a mail say the same twice (C5.15)
        let renamed = IncomingMessage {
            id: Some("<2@x>".to_owned()),
            ..message()
        };
        for again in [message(), renamed] {
            let reception = world.receive(&again).await;
            assert_eq!(
                reception.effect,
                Effect::Repeated,
                "{:?}",
                first.object.calendar()
            );
            assert_eq!(world.all().await, before);
        }
        assert_eq!(world.desk.store().backend().revision(), commits);
    }
    // by the carrier's name, where there is no stamp
    for message in [counter(), refresh()] {
        let world = world().await;
        world.put(AT, with_xenia()).await.unwrap();
        let mut named = IncomingMessage {
            id: Some("<1@x>".to_owned()),
            ..message
        };
        named.object.entries_mut().for_each(|entry| {
            entry.remove_properties("DTSTAMP");
        });
        assert_ne!(world.receive(&named).await.effect, Effect::Repeated);
        assert_eq!(world.receive(&named).await.effect, Effect::Repeated);
        named.id = Some("<3@x>".to_owned());
        assert_ne!(world.receive(&named).await.effect, Effect::Repeated);
        // nobody uses up the name of somebody else's message
        named.sender = YVES.to_owned();
        assert_ne!(world.receive(&named).await.effect, Effect::Repeated);
    }
}

#[tokio::test]
async fn each_recipient_is_told_apart() {
    let world = world().await;
    let message = IncomingMessage {
        recipients: ["mailto:nobody@example.com", BOB, XENIA, ALICE, "no address"]
            .map(str::to_owned)
            .into(),
        ..invitation(0, "")
    };
    let receptions = world.desk.receive_message(&message).await.unwrap();
    let told: Vec<_> = receptions
        .iter()
        .map(|it| (it.effect, it.status.as_str()))
        .collect();
    let nobody = (Effect::Refused, "3.7");
    let expected = [
        nobody,
        (Effect::Applied, "1.2"),
        nobody,
        (Effect::Held, "5.3"),
        nobody,
    ];
    assert_eq!(told, expected);
    // a group has no calendar
    let mut group = Principal::new(PrincipalKind::Group, "team");
    group.addresses = vec!["mailto:team@example.com".to_owned()];
    world.desk.store().add_account(group, None).await.unwrap();
    let message = IncomingMessage {
        recipients: vec!["mailto:team@example.com".to_owned()],
        ..invitation(0, "")
    };
    let reception = world.receive(&message).await;
    assert_eq!(
        (reception.effect, reception.status.as_str()),
        (Effect::Refused, "5.3")
    );
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_and_logged() {
    let crowd = |number: usize| {
        let people = (0..number).map(|it| format!("\nATTENDEE:mailto:p{it}@elsewhere.test"));
        people.collect::<String>()
    };
    let mut unknown = invitation(0, "");
    unknown
        .object
        .calendar_mut()
        .set_raw_value("METHOD", "ADVERTISE")
        .unwrap();
    let mut unstarted = invitation(0, "");
    unstarted.object.entries_mut().for_each(|it| {
        it.remove_properties("DTSTART");
    });
    let large = format!("\nDESCRIPTION:{}", "x".repeat(1024 * 1024));
    let said = |method: &str| IncomingMessage {
        method: Some(method.to_owned()),
        ..invitation(0, "")
    };
    for (message, status) in [
        (unknown, "3.14"),
        (unstarted, "3.1"),
        (invitation(0, &large), "3.10"),
        (invitation(0, &crowd(1_001)), "3.10"),
        (invitation(0, "\nRRULE:FREQ=SECONDLY;COUNT=200000"), "3.10"),
        (said("CANCEL"), "3.1"),
        (said("nothing"), "3.1"),
    ] {
        let world = world().await;
        let reception = world.receive(&message).await;
        assert_eq!(reception.effect, Effect::Refused, "{reception:?}");
        assert_eq!(reception.status.as_str(), status, "{reception:?}");
        assert!(world.members("bob/calendar").await.is_empty());
        assert!(world.members("bob/inbox").await.is_empty());
        let lines = world.by_mail(&world.bob).await;
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].verdict, Verdict::NotApplied);
        assert_eq!(lines[0].status.as_deref(), Some(status));
    }
    let world = world().await;
    assert_eq!(
        world.receive(&said("request")).await.effect,
        Effect::Applied
    );
}

/// RFC 6638 §3.2.9: 5.3, as from inside; once it is enabled the same message has its effect.
#[tokio::test]
async fn a_disabled_account_is_not_invited_from_outside() {
    let world = world().await;
    let disable = async |disabled: bool| {
        let (store, bob) = (world.desk.store(), world.bob.principal.id);
        let changed = store.change_principal(bob, |bob| bob.disabled = disabled);
        changed.await.unwrap();
    };
    disable(true).await;
    let refused = world.receive(&invitation(0, "")).await;
    assert_eq!(refused.effect, Effect::Refused);
    assert_eq!(refused.status, Status::NOT_ALLOWED);
    assert!(world.tree("bob/calendar").await.is_empty());
    disable(false).await;
    let applied = world.receive(&invitation(0, "")).await;
    assert_eq!(applied.effect, Effect::Applied);
    assert_eq!(world.tree("bob/calendar").await.len(), 1);
}
