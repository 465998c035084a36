//! Answers to meetings that came back, or came here, without being scheduled.

use super::{
    incoming::{reply_of_xenia, with_xenia},
    meetings::AT,
    trash::{ALL, keeping},
    *,
};

impl World {
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
