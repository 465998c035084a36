//! What attendees elsewhere say to an organizer here.

use super::*;

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

/// RFC 5546 §2.1.5: DTSTAMP does not tell two answers of one second apart; the first that comes stays, however often both do.
#[tokio::test]
async fn of_two_answers_of_one_second_the_first_stays() {
    for id in [None, Some("second")] {
        let world = world().await;
        world.put(AT, with_xenia()).await.unwrap();
        let yes = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
        let no = IncomingMessage {
            id: id.map(str::to_owned),
            ..to_alice("REPLY", ";PARTSTAT=DECLINED")
        };
        assert_eq!(world.receive(&yes).await.effect, Effect::Applied);
        for message in [&no, &yes, &no] {
            assert_eq!(world.receive(message).await.effect, Effect::Repeated);
        }
        assert_eq!(accepted(&world.text_at(AT).await), 2);
    }
}
