//! Answers to meetings that came back, or came here, without being scheduled.

use super::{
    incoming::{XENIA, parsed, reply_of_xenia, to_alice, with_xenia},
    meetings::{AT, answer, line},
    trash::{ALL, keeping},
    *,
};

impl World {
    /// Bob accepts what he was invited to, removes it, and takes it out of the trash; where it stands then, and what it is.
    async fn bob_takes_out_of_the_trash(&self) -> (String, Object, String) {
        let (at, _, text) = self.bobs().await;
        let accepted = answer(&text, "ACCEPTED");
        self.put_as(&self.bob, &at, accepted).await.unwrap();
        let removal = Delete {
            path: path(&at),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        self.desk.delete(&self.bob, removal).await.unwrap();
        let (trashed, _) = self.desk.trash_list("bob", None, None).await.unwrap();
        self.desk.restore_item(&trashed[0].id).await.unwrap();
        let restored = self.bobs().await;
        assert!(restored.2.contains("PARTSTAT=ACCEPTED"), "{}", restored.2);
        assert!(!restored.1.calendar.as_ref().unwrap().scheduling);
        restored
    }

    /// Xenia accepts Alice's meeting, which is not scheduled, and is not by that.
    async fn xenia_accepts_what_is_not_scheduled(&self) {
        let reception = self.receive(&reply_of_xenia("m")).await;
        assert_eq!(reception.effect, Effect::Applied, "{reception:?}");
        let object = self.object(AT).await.unwrap();
        let text = self.text(&object).await;
        let line = text
            .lines()
            .find(|line| line.ends_with("xenia@elsewhere.test"));
        assert!(line.unwrap().contains("PARTSTAT=ACCEPTED"), "{text}");
        let facts = object.calendar.unwrap();
        assert!(!facts.scheduling && facts.schedule_tag.is_none());
    }
}

/// What was imported says what is answered to it, and is not scheduled by that: its owner's next edit says nothing, nor does
/// its removal.
#[tokio::test]
async fn an_answer_to_what_was_imported_tells_nobody() {
    let world = world().await;
    let import = Import {
        calendar: path("alice/calendar"),
        on_conflict: OnConflict::Newer,
        conditions: Conditions::default(),
        dry_run: false,
    };
    let told = world.import(&import, &[with_xenia().into()]).await;
    assert_eq!(told, ["created m.ics"]);
    world.xenia_accepts_what_is_not_scheduled().await;
    let text = world.text_at(AT).await.replace('\n', "\r\n");
    let place = text.replace("SUMMARY", "LOCATION:Here\r\nSUMMARY");
    world.put(AT, place).await.unwrap();
    world.delete(AT).await.unwrap();
    assert_eq!(world.mails().await, []);
    assert!(world.members("bob/calendar").await.is_empty());
    assert!(world.members("bob/inbox").await.is_empty());
}

/// What was called off stays off for the others, whoever answers it after it came back.
#[tokio::test]
async fn an_answer_to_what_was_restored_brings_nothing_back() {
    let world = keeping(ALL).await;
    world.put(AT, with_xenia()).await.unwrap();
    world.delete(AT).await.unwrap();
    let (trashed, _) = world.desk.trash_list("alice", None, None).await.unwrap();
    world.desk.restore_item(&trashed[0].id).await.unwrap();
    let all = async || {
        let bobs = [
            world.members("bob/calendar").await,
            world.members("bob/inbox").await,
        ];
        let etags = bobs.into_iter().flatten().map(|(_, object)| object.etag);
        (etags.collect::<Vec<_>>(), world.mails().await.len())
    };
    let before = all().await;
    assert!(world.bobs().await.2.contains("STATUS:CANCELLED"));
    world.xenia_accepts_what_is_not_scheduled().await;
    while world.desk.refresh_outstanding().await.unwrap() {}
    assert_eq!(all().await, before);
}

/// RFC 6638 §3.1: what somebody took out of the trash, having declined it by removing it, is shown nothing and woken by
/// nothing that others answer; what the organizer changes wakes it.
#[tokio::test]
async fn what_others_answer_wakes_nothing_up() {
    let world = keeping(ALL).await;
    let carol = user(world.desk.store(), "carol").await;
    let with_carol = "ATTENDEE:mailto:carol@example.com\r\nEND:VEVENT";
    let meeting = with_xenia().replace("END:VEVENT", with_carol);
    world.put(AT, meeting).await.unwrap();
    let (_, restored, _) = world.bob_takes_out_of_the_trash().await;
    world.accept(&carol, "carol").await;
    while world.desk.refresh_outstanding().await.unwrap() {}
    let text = world.text_at(AT).await;
    assert!(line(&text, "ATTENDEE", "carol@example.com").contains("ACCEPTED"));
    assert!(line(&text, "ATTENDEE", "bob@example.com").contains("DECLINED"));
    let (_, after, _) = world.bobs().await;
    assert_eq!(
        (after.etag, after.calendar),
        (restored.etag, restored.calendar)
    );
    world
        .put(AT, text.replace("T090000Z", "T100000Z"))
        .await
        .unwrap();
    let (_, woken, _) = world.bobs().await;
    assert!(woken.calendar.unwrap().scheduling);
}

/// RFC 6638 §3.1, RFC 5546 §3.4.6: nor is it told to an organizer elsewhere who asks how far a to-do is.
#[tokio::test]
async fn what_was_answered_before_the_trash_is_not_told_again() {
    let world = keeping(ALL).await;
    let todo = |method: &str, lines: &str| IncomingMessage {
        object: parsed(&format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\nBEGIN:VTODO\nUID:m\nDTSTAMP:20260101T100000Z\n\
             ATTENDEE;RSVP=TRUE:mailto:bob@example.com\n{lines}END:VTODO\nEND:VCALENDAR\n"
        )),
        recipients: vec!["mailto:bob@example.com".to_owned()],
        ..to_alice(method, "")
    };
    let lines = format!("DTSTART:20260201T090000Z\nSUMMARY:Plan\nORGANIZER:{XENIA}\n");
    world.receive(&todo("REQUEST", &lines)).await;
    world.bob_takes_out_of_the_trash().await;
    let mails = world.mails().await.len();
    assert_eq!(mails, 2);
    let reception = world.receive(&todo("REFRESH", "")).await;
    assert_eq!(reception.effect, Effect::Applied, "{reception:?}");
    assert_eq!(world.mails().await.len(), mails);
}
