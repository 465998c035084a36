//! Messages from outside: one commit for each recipient, each message once, and what cannot be taken.

use calendar::{CalendarObject, Limits as ParserLimits, Property};

use super::{
    bookings::RULES,
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
        let mut receptions = self.desk.receive_message(message, &RULES).await.unwrap();
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
async fn an_answer_is_shown_to_the_others_and_the_log_says_by_whom() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let (_, _, before) = world.bobs().await;
    assert_eq!(accepted(&before), 1);
    let inbox = world.members("bob/inbox").await.len();
    let reception = world
        .receive(&to_alice("REPLY", ";PARTSTAT=ACCEPTED"))
        .await;
    assert_eq!(reception.effect, Effect::Applied);
    let text = world.text_at(AT).await;
    assert_eq!(accepted(&text), 2);
    assert!(text.contains("SCHEDULE-STATUS=2.0"), "{text}");
    let (_, _, after) = world.bobs().await;
    assert_eq!(accepted(&after), 2);
    assert_eq!(world.members("bob/inbox").await.len(), inbox);
    assert_eq!(world.members("alice/inbox").await.len(), 1);
    let lines = world.by_mail(&world.alice).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].participation.as_deref(), Some("ACCEPTED"));
}

/// Whoever answers by mail, in a small meeting or in a large one.
#[tokio::test]
async fn the_own_copy_of_who_answers_by_mail_says_so() {
    for people in [0, 40] {
        let world = world().await;
        let crowd = (0..people).map(|it| format!("ATTENDEE:mailto:p{it}@elsewhere.test\r\n"));
        let crowd: String = crowd.collect();
        let text = with_xenia().replace("END:VEVENT", &format!("{crowd}END:VEVENT"));
        world.put(AT, text).await.unwrap();
        let (_, before, _) = world.bobs().await;
        let inbox = world.members("bob/inbox").await.len();
        let lines = format!("ORGANIZER:{ALICE}\nATTENDEE;PARTSTAT=DECLINED:{BOB}");
        let reply = IncomingMessage {
            sender: BOB.to_owned(),
            recipients: vec![ALICE.to_owned()],
            ..message("REPLY", &lines, 0)
        };
        assert_eq!(world.receive(&reply).await.effect, Effect::Applied);
        let (_, after, text) = world.bobs().await;
        assert_eq!(text.matches("PARTSTAT=DECLINED").count(), 1, "{text}");
        assert_ne!(after.etag, before.etag);
        let tag = |object: Object| object.calendar.unwrap().schedule_tag;
        // RFC 6638 §3.2.10: it is his own participation that changed
        assert_ne!(tag(after), tag(before));
        assert_eq!(world.members("bob/inbox").await.len(), inbox);
    }
}

/// What of a message waits for the user is told, though the rest of it was applied.
#[tokio::test]
async fn what_is_applied_in_part_says_what_is_left() {
    let world = world().await;
    let text = with_xenia().replace("SUMMARY", "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY");
    let without = format!(
        "BEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260202T090000Z\r\n\
         DTSTART:20260202T110000Z\r\nSUMMARY:Plan\r\nORGANIZER:{ALICE}\r\nATTENDEE:{BOB}\r\nEND:VEVENT\r\n\
         END:VCALENDAR"
    );
    let text = text.replace("END:VCALENDAR", &without);
    world.put(AT, text).await.unwrap();
    let reply = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
    let octets = reply.object.to_octets();
    let text = String::from_utf8_lossy(&octets).replace("\r\n", "\n");
    let (begin, end) = (
        text.find("BEGIN:VEVENT").unwrap(),
        text.find("END:VCALENDAR").unwrap(),
    );
    let part = &text[begin..end];
    let crash = part.replace("UID:m", "UID:m\nRECURRENCE-ID:20260202T090000Z");
    let reply = IncomingMessage {
        object: parsed(&text.replace("END:VCALENDAR", &format!("{crash}END:VCALENDAR"))),
        ..reply
    };
    let reception = world.receive(&reply).await;
    assert_eq!(reception.effect, Effect::Applied);
    assert_eq!(reception.reason, "the sender is not invited");
    let verdicts = world.by_mail(&world.alice).await;
    let verdicts: Vec<Verdict> = verdicts.iter().map(|line| line.verdict).collect();
    assert_eq!(verdicts, [Verdict::Updated, Verdict::ForTheUser]);
    assert_eq!(world.members("alice/inbox").await.len(), 1);
}

#[tokio::test]
async fn who_asks_gets_the_newest_version_and_nothing_else_happens() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    let before = world.object(AT).await.unwrap();
    let invited = world.mails().await.remove(0);
    assert_eq!(
        world.receive(&to_alice("REFRESH", "")).await.effect,
        Effect::Applied
    );
    let mails = world.mails().await;
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].to, invited.to);
    assert_eq!(mails[1].method, "REQUEST");
    let after = world.object(AT).await.unwrap();
    assert_eq!((after.etag, after.calendar), (before.etag, before.calendar));
    assert!(world.members("alice/inbox").await.is_empty());
    // nobody else is told
    let stranger = IncomingMessage {
        sender: YVES.to_owned(),
        ..to_alice("REFRESH", "")
    };
    let reception = world.receive(&stranger).await;
    assert_eq!(reception.effect, Effect::NotApplied);
    assert!(!reception.reason.is_empty());
    assert_eq!(world.mails().await.len(), 2);
    let lines = world.by_mail(&world.alice).await;
    assert_eq!(
        lines.last().map(|line| line.verdict),
        Some(Verdict::NotApplied)
    );
    assert_eq!(lines.last().unwrap().parties, [YVES]);
}

#[tokio::test]
async fn what_only_the_user_can_decide_is_held() {
    let forged = "X-CONVOKE-REASON:nothing\r\nX-CONVOKE-ACTION:EVIL\r\nBEGIN:VEVENT";
    let mut counter = to_alice("COUNTER", "");
    let text = String::from_utf8(counter.object.to_octets().to_vec()).unwrap();
    let text = text.replacen("BEGIN:VEVENT", forged, 1);
    counter.object = parsed(&text);
    for (message, who, actions) in [
        (counter, "alice", &["TAKE-OVER", "DECLINE", "DISMISS"][..]),
        (crasher(), "alice", &["TAKE-OVER", "DISMISS"]),
        (
            IncomingMessage {
                sender: YVES.to_owned(),
                ..invitation(0, "")
            },
            "bob",
            &["TAKE-OVER", "DISMISS"],
        ),
    ] {
        let world = world().await;
        world.put(AT, with_xenia()).await.unwrap();
        let at = world.members(&format!("{who}/calendar")).await;
        let inbox = world.members(&format!("{who}/inbox")).await.len();
        let reception = world.receive(&message).await;
        assert_eq!(reception.effect, Effect::Held, "{reception:?}");
        assert!(!reception.reason.is_empty());
        assert_eq!(world.members(&format!("{who}/calendar")).await, at);
        assert_eq!(
            world.members(&format!("{who}/inbox")).await.len(),
            inbox + 1
        );
        let mut held = Vec::new();
        for (_, object) in world.members(&format!("{who}/inbox")).await {
            let text = world.text(&object).await;
            let lines = text.lines().filter(|line| line.starts_with("X-CONVOKE-"));
            held.extend(lines.map(|line| line.replace("\\,", ",")));
        }
        let reason = format!("X-CONVOKE-REASON:{}", reception.reason);
        let sender = format!("X-CONVOKE-SENDER:{}", message.sender);
        let actions = actions.iter().map(|it| format!("X-CONVOKE-ACTION:{it}"));
        let expected: Vec<String> = [reason, sender].into_iter().chain(actions).collect();
        assert_eq!(held, expected);
        let actor = if who == "alice" {
            &world.alice
        } else {
            &world.bob
        };
        let lines = world.by_mail(actor).await;
        assert_eq!(
            lines.last().map(|line| line.verdict),
            Some(Verdict::ForTheUser)
        );
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
    let receptions = world.desk.receive_message(&message, &RULES).await.unwrap();
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

/// RFC 5546 §2.1.5: a cancellation that comes first has its effect when the invitation comes.
#[tokio::test]
async fn what_was_called_off_does_not_rise_again() {
    let cancel = |sequence| {
        let lines = format!("ORGANIZER:{XENIA}\nATTENDEE:{BOB}");
        message("CANCEL", &lines, sequence)
    };
    let world = world().await;
    let first = world.receive(&cancel(1)).await;
    assert_eq!(first.effect, Effect::NotApplied);
    let late = world.receive(&invitation(0, "")).await;
    assert_eq!(late.effect, Effect::NotApplied, "{late:?}");
    assert!(world.members("bob/calendar").await.is_empty());
    assert!(world.members("bob/inbox").await.is_empty());
    // invited anew, called off, removed: what comes late then stays away, too
    let anew = world.receive(&invitation(2, "")).await;
    assert_eq!(anew.effect, Effect::Applied);
    assert_eq!(world.receive(&cancel(4)).await.effect, Effect::Applied);
    let (file, _) = world.members("bob/calendar").await.remove(0);
    let delete = Delete {
        path: path(&format!("bob/calendar/{file}")),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.delete(&world.bob, delete).await.unwrap();
    let late = world.receive(&invitation(3, "")).await;
    assert_eq!(late.effect, Effect::NotApplied, "{late:?}");
    assert!(world.members("bob/calendar").await.is_empty());
    // another organizer's meeting is another one
    let mut other = invitation(0, "");
    let octets = other.object.to_octets();
    let text = String::from_utf8_lossy(&octets).replace(XENIA, YVES);
    other.object = parsed(&text.replace("\r\n", "\n"));
    other.sender = YVES.to_owned();
    assert_eq!(world.receive(&other).await.effect, Effect::Applied);
}

/// Whichever of the two comes first, and however their commits meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_meets_its_cancellation() {
    for _ in 0..20 {
        let world = world_with(Settings::default(), |memory| {
            Arc::new(yielding::Yielding(Arc::new(memory)))
        })
        .await;
        let world = Arc::new(world);
        let lines = format!("ORGANIZER:{XENIA}\nATTENDEE:{BOB}");
        let tasks = [invitation(0, ""), message("CANCEL", &lines, 1)].map(|message| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.receive(&message).await.effect })
        });
        for task in tasks {
            task.await.unwrap();
        }
        for (_, object) in world.members("bob/calendar").await {
            let text = world.text(&object).await;
            assert!(text.contains("STATUS:CANCELLED"), "{text}");
        }
    }
}

/// What comes bit by bit is bounded as a whole.
#[tokio::test]
async fn a_copy_does_not_grow_without_bound() {
    let settings = Settings {
        limits: Limits {
            maximum_resource_octets: 4_096,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.receive(&invitation(0, "")).await;
    let text = "x".repeat(1_500);
    let mut effects = Vec::new();
    for sequence in 1..5 {
        let lines = format!(
            "DTSTART:202602{:02}T090000Z\nDESCRIPTION:{text}\nORGANIZER:{XENIA}\nATTENDEE:{BOB}",
            sequence + 1
        );
        let reception = world.receive(&message("ADD", &lines, sequence)).await;
        effects.push(reception.effect);
    }
    assert_eq!(
        effects[..3],
        [Effect::Applied, Effect::Applied, Effect::Refused]
    );
    let (_, object, _) = world.bobs().await;
    let octets = world.desk.octets(&object).await.unwrap();
    assert!(octets.len() <= 4_096, "{}", octets.len());
}

#[tokio::test]
async fn what_there_is_no_room_for_may_come_again() {
    let settings = Settings {
        limits: Limits {
            quota_octets: Some(100),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    for _ in 0..2 {
        let reception = world.receive(&invitation(0, "")).await;
        assert_eq!(
            (reception.effect, reception.status.as_str()),
            (Effect::NotApplied, "5.1")
        );
    }
}

/// Nobody is told that something waits for a decision where there is no room for it to wait.
#[tokio::test]
async fn what_there_is_no_room_to_wait_in_may_come_again() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(2_000);
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, with_xenia()).await.unwrap();
    let home = world.alice.principal.home.unwrap();
    let used = world.desk.store().used_octets(home).await.unwrap();
    let filler = event("filler", "").len();
    let free = 2_000 - usize::try_from(used).unwrap() - filler - 20;
    world
        .put(
            "alice/calendar/filler.ics",
            event("filler", &"x".repeat(free)),
        )
        .await
        .unwrap();
    for message in [to_alice("COUNTER", ""), crasher()] {
        for _ in 0..2 {
            let reception = world.receive(&message).await;
            let effect = (reception.effect, reception.status.as_str());
            assert_eq!(effect, (Effect::NotApplied, "5.1"), "{}", message.sender);
        }
    }
    assert_eq!(world.members("alice/inbox").await.len(), 0);
}

/// A failure anywhere leaves nothing, and the message has its effect when it comes again.
#[tokio::test]
async fn a_failed_commit_leaves_nothing_and_the_next_attempt_all() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    let before = world.all().await;
    let error = CommitError::Unavailable("for a test".to_owned());
    faulty.fail_commit(1, error);
    let failed = world.desk.receive_message(&invitation(0, ""), &RULES).await;
    assert!(matches!(failed, Err(Refusal::Unavailable(_))), "{failed:?}");
    faulty.heal();
    assert_eq!(world.all().await, before);
    assert_eq!(
        world.receive(&invitation(0, "")).await.effect,
        Effect::Applied
    );
    // the answer is not known to have come, though it did
    assert_eq!(
        world.receive(&invitation(0, "")).await.effect,
        Effect::Repeated
    );
}

/// However edits, answers and messages meet, each answer is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_meet_edits() {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(yielding::Yielding(Arc::new(memory)))
    })
    .await;
    let world = Arc::new(world);
    let mut text = with_xenia();
    let people: Vec<String> = (0..6)
        .map(|it| format!("mailto:p{it}@elsewhere.test"))
        .collect();
    for person in &people {
        text = text.replace("END:VEVENT", &format!("ATTENDEE:{person}\r\nEND:VEVENT"));
    }
    world.put(AT, text.clone()).await.unwrap();
    let mut tasks = Vec::new();
    for person in &people {
        for _ in 0..2 {
            let mut reply = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
            let octets = reply.object.to_octets();
            let octets = String::from_utf8(octets.to_vec())
                .unwrap()
                .replace(XENIA, person);
            reply.object = parsed(&octets.replace("\r\n", "\n"));
            reply.sender.clone_from(person);
            let world = Arc::clone(&world);
            tasks.push(tokio::spawn(
                async move { world.receive(&reply).await.effect },
            ));
        }
    }
    for number in 0..4 {
        let text = text.replace("SUMMARY:Plan", &format!("SUMMARY:Plan {number}"));
        world.put(AT, text).await.unwrap();
    }
    let mut applied = 0;
    for task in tasks {
        applied += usize::from(task.await.unwrap() == Effect::Applied);
    }
    assert_eq!(applied, people.len());
    let text = world.text_at(AT).await;
    assert_eq!(accepted(&text), people.len() + 1, "{text}");
    assert_eq!(world.members("alice/inbox").await.len(), people.len());
    let (_, _, copy) = world.bobs().await;
    assert_eq!(accepted(&copy), people.len() + 1, "{copy}");
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
