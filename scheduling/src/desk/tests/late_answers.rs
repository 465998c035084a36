//! Answers to what a meeting was before (RFC 5546 §2.1.4).

use super::{
    incoming::{to_alice, with_xenia},
    meetings::AT,
    *,
};

/// Xenia accepts what was before, at this second.
fn late(second: u32) -> IncomingMessage {
    let mut reply = to_alice("REPLY", ";PARTSTAT=ACCEPTED");
    let stamp = format!("20260101T1000{second:02}Z");
    for entry in reply.object.entries_mut() {
        entry.set_property(calendar::Property::new("DTSTAMP", &stamp).unwrap());
    }
    reply
}

/// Who answers an older version is told the newest, once: a program that goes on answering the older one has no mail sent for
/// each of its own. When there is a newer version, it is told that.
#[tokio::test]
async fn who_answers_an_older_version_is_told_the_newest_once() {
    let world = world().await;
    world.put(AT, with_xenia()).await.unwrap();
    for (hour, seconds, sent) in [("10", 0..3, 3), ("11", 3..6, 5)] {
        let text = with_xenia().replace("T090000Z", &format!("T{hour}0000Z"));
        world.put(AT, text).await.unwrap();
        for second in seconds {
            let reception = world.receive(&late(second)).await;
            assert_eq!(reception.effect, Effect::NotApplied, "{reception:?}");
            let mails = world.mails().await;
            assert_eq!(mails.len(), sent, "{second}");
            let newest = unfolded(&mails[sent - 1].calendar);
            assert!(newest.contains(&format!("T{hour}0000Z")), "{newest}");
        }
    }
}

/// Without a log nobody knows whether they were told it, and then they are not.
#[tokio::test]
async fn who_answers_an_older_version_is_not_told_for_ever() {
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, with_xenia()).await.unwrap();
    let text = with_xenia().replace("T090000Z", "T100000Z");
    world.put(AT, text).await.unwrap();
    for second in 0..3 {
        let reception = world.receive(&late(second)).await;
        assert_eq!(reception.effect, Effect::NotApplied, "{reception:?}");
        assert_eq!(world.mails().await.len(), 2, "{second}");
    }
}
