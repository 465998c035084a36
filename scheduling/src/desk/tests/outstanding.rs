//! What waits of a meeting where something is in its way: what is said of it meanwhile, and what comes of it in the end.

use storage::{access::Ace, model::Collection};

use super::{
    waiting::{meeting, slow_world},
    *,
};

const AT: &str = "alice/calendar/1.ics";

/// Alice's series, of which Bob is invited to one instance alone.
fn with_bob_in_one_instance() -> String {
    let instance = "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260309T090000Z\r\n\
         ORGANIZER:mailto:alice@example.com\r\nDTSTART:20260309T090000Z\r\nDURATION:PT1H\r\n\
         ATTENDEE:mailto:bob@example.com\r\nEND:VEVENT\r\n";
    let text = String::from_utf8(meeting(9, &["alice"], instance).to_vec()).unwrap();
    text.replacen("DURATION", "RRULE:FREQ=WEEKLY;COUNT=5\r\nDURATION", 1)
}

impl World {
    /// Who may do what with somebody's inbox; what it was before.
    async fn set_access(&self, inbox: &str, access: Option<Vec<Ace>>) -> Option<Vec<Ace>> {
        let store = self.desk.store();
        let found = store.resolve(&path(inbox)).await.unwrap().unwrap();
        let before = found.collection();
        let after = Collection {
            access,
            ..before.value.clone()
        };
        let mut batch = store.batch();
        batch.update_collection(before, &after);
        store.commit(batch).await.unwrap();
        before.access.clone()
    }
}

/// Of two messages to somebody, one of which they could not get, that is said, and not that the other one waits, or came
/// (RFC 6638 §3.2.9).
#[tokio::test]
async fn a_failure_is_not_forgotten_for_what_waits() {
    let (world, _) = slow_world().await;
    world.put(AT, meeting(9, &["bob"], "")).await.unwrap();
    let access = world.set_access("bob/inbox", Some(Vec::new())).await;
    world.clock.advance(60_000);
    // Bob is out of the series, and in one instance of it: two messages
    world.put(AT, with_bob_in_one_instance()).await.unwrap();
    let line = world.line_of("bob").await;
    assert!(line.contains("STATUS=3.8"), "{line}");
    world.set_access("bob/inbox", access).await;
    world.deliver().await;
    let (_, text) = world.own_copy("bob").await;
    assert!(text.contains("20260309T090000Z"), "{text}");
    let line = world.line_of("bob").await;
    assert!(line.contains("STATUS=3.8"), "{line}");
}
