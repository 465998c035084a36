//! Mails to more people than one commit holds.

use std::collections::BTreeMap;

use super::{
    meetings::{AT, START, meeting},
    *,
};
use crate::mail::{HELD_MAILING_QUEUE, HELD_QUEUE, MAILING_QUEUE};

/// People elsewhere, beside Xenia.
const CROWD: usize = 90;

/// A meeting of Alice with Bob, Xenia, and many elsewhere, with so many octets in its description.
fn crowded(octets: usize) -> String {
    let mut more = format!("DESCRIPTION:{}\r\n", "x".repeat(octets));
    for number in 0..CROWD {
        more += &format!("ATTENDEE:mailto:r{number}@elsewhere.test\r\n");
    }
    meeting("m", "Assembly", START).replace("END:VEVENT", &format!("{more}END:VEVENT"))
}

impl World {
    /// One commit of mails that wait to be made.
    pub async fn post(&self, queue: &str) -> bool {
        self.desk.post_outstanding(queue).await.unwrap()
    }

    async fn rows(&self, queue: &str) -> Vec<Stored<Work>> {
        let rows = self.desk.store().list_work(queue, None, 1_000).await;
        rows.unwrap().into_iter().map(|(_, row)| row).collect()
    }

    async fn mails_in(&self, queue: &str) -> Vec<OutgoingMessage> {
        let rows = self.rows(queue).await;
        let decode = |row: Stored<Work>| OutgoingMessage::decode(&row.payload).unwrap();
        rows.into_iter().map(decode).collect()
    }
}

/// How many mails each of them gets.
fn counted(mails: &[OutgoingMessage]) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for mail in mails {
        assert_eq!(mail.recipient, format!("mailto:{}", mail.to.address));
        *counted.entry(&*mail.to.address).or_default() += 1;
    }
    counted
}

/// What is said to all is kept once, and each commit makes a few mails of it, to each person one.
#[tokio::test]
async fn what_all_get_waits_once() {
    const OCTETS: usize = 200_000;
    let world = world().await;
    world.put(AT, crowded(OCTETS)).await.unwrap();
    let at_once = world.mails_in(mail::QUEUE).await.len();
    assert_eq!(at_once, 3, "200 kB each");
    let [row] = &world.rows(MAILING_QUEUE).await[..] else {
        panic!("not one row")
    };
    assert!(row.payload.len() < 2 * OCTETS, "{}", row.payload.len());
    let mut commits = 0;
    while world.post(MAILING_QUEUE).await {
        commits += 1;
        assert!(world.mails_in(mail::QUEUE).await.len() <= at_once + 3 * commits);
    }
    assert_eq!(commits, CROWD.div_ceil(3) - at_once / 3 + 1);
    let mails = world.mails_in(mail::QUEUE).await;
    let counted = counted(&mails);
    assert_eq!(counted.len(), CROWD + 1);
    assert!(counted.values().all(|mails| *mails == 1), "{counted:?}");
    assert!(mails.iter().all(|mail| mail.calendar == mails[0].calendar));
    assert_eq!(world.rows(MAILING_QUEUE).await.len(), 0);
}

/// Small mails go fifty at a time.
#[tokio::test]
async fn fifty_mails_are_a_commit() {
    let world = world().await;
    world.put(AT, crowded(10)).await.unwrap();
    assert_eq!(world.mails_in(mail::QUEUE).await.len(), 50);
    assert!(world.post(MAILING_QUEUE).await);
    assert_eq!(world.mails_in(mail::QUEUE).await.len(), CROWD + 1);
    assert!(!world.post(MAILING_QUEUE).await);
}

/// What waited when a backup was made may have left since: the mails of it wait for an administrator, too.
#[tokio::test]
async fn held_mails_stay_held() {
    let world = world().await;
    world.put(AT, crowded(10)).await.unwrap();
    let store = world.desk.store();
    for (queue, held) in mail::HELD_AFTER_RESTORE {
        assert!(store.hold_work(queue, held).await.unwrap() > 0, "{queue}");
    }
    assert!(!world.post(MAILING_QUEUE).await);
    while world.post(HELD_MAILING_QUEUE).await {}
    assert_eq!(world.mails_in(mail::QUEUE).await, []);
    let mails = world.mails_in(HELD_QUEUE).await;
    assert_eq!(counted(&mails).len(), CROWD + 1);
    assert_eq!(mails.len(), CROWD + 1);
}

/// The mails of a store from before they had a queue of their own stand in the rows of deliveries.
#[tokio::test]
async fn mails_of_older_rows_are_sent() {
    let world = world().await;
    world.put(AT, crowded(10)).await.unwrap();
    let sent = world.mails_in(mail::QUEUE).await;
    let outstanding = (
        world.alice.principal.id,
        world.alice.principal.home.unwrap(),
        "m",
        Vec::<()>::new(),
        &sent,
    );
    let store = world.desk.store();
    let now = world.desk.now();
    let mut batch = store.batch();
    batch.enqueue(
        &store.new_work_id(now),
        &Work::of(DELIVERY_QUEUE, &outstanding, now),
    );
    store.commit(batch).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    let mails = world.mails_in(mail::QUEUE).await;
    assert_eq!(mails.len(), 2 * sent.len());
    assert!(counted(&mails).values().all(|mails| *mails == 2));
}

/// The same of an organizer who is in the meeting by another address than the one that mails are sent from.
#[tokio::test]
async fn a_mail_from_another_address_is_judged_too() {
    let world = world().await;
    let organizer = "mailto:a.smith@example.com";
    let store = world.desk.store();
    let changed = store.change_principal(world.alice.principal.id, |alice| {
        alice.addresses.push(organizer.to_owned());
    });
    changed.await.unwrap();
    let text = meeting("m", "Plan", START);
    let text = text.replace(
        "ORGANIZER;CN=Alice:mailto:alice@example.com",
        &format!("ORGANIZER:{organizer}"),
    );
    world.put(AT, text).await.unwrap();
    let [mut mail] = <[OutgoingMessage; 1]>::try_from(world.mails().await).unwrap();
    for from in [organizer.trim_start_matches("mailto:"), "alice@example.com"] {
        mail.from.address = from.to_owned();
        assert_eq!(world.desk.overtaken(&mail).await.unwrap(), None);
    }
    world.delete(AT).await.unwrap();
    for from in [organizer.trim_start_matches("mailto:"), "alice@example.com"] {
        mail.from.address = from.to_owned();
        let reason = world.desk.overtaken(&mail).await.unwrap();
        assert!(reason.is_some(), "{from}");
    }
}

/// Who is left to somebody else from now on is told once more: that it is off as far as this server goes (RFC 6638
/// §3.2.1.2); and who is not told of what was called off is not invited to it.
#[tokio::test]
async fn who_is_left_to_others_hears_of_that() {
    let with = meeting("m", "Plan", START);
    let by_others = with.replace(
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:xenia",
        "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:xenia",
    );
    let off = with.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY");
    for after in [by_others, off] {
        let world = world().await;
        world.put(AT, with.clone()).await.unwrap();
        world.put(AT, after).await.unwrap();
        let mails = world.mails().await;
        assert_eq!(mails.len(), 2);
        for mail in mails {
            let reason = world.desk.overtaken(&mail).await.unwrap();
            assert_eq!(
                reason.is_some(),
                mail.method == "REQUEST",
                "{}",
                mail.method
            );
        }
    }
}

/// What could not be sent for a while is not sent once it would be wrong: an invitation to what is off, a cancellation of
/// what somebody was invited to again.
#[tokio::test]
async fn a_mail_that_waited_is_judged_by_what_is_now() {
    let world = world().await;
    let overtaken = async || {
        let mut overtaken = Vec::new();
        for mail in world.mails().await {
            let reason = world.desk.overtaken(&mail).await.unwrap();
            overtaken.push((mail.method.clone(), reason.is_some()));
        }
        overtaken.sort();
        overtaken
    };
    let expected = |all: &[(&str, bool)]| -> Vec<(String, bool)> {
        let mut all: Vec<_> = all
            .iter()
            .map(|(method, is)| ((*method).to_owned(), *is))
            .collect();
        all.sort();
        all
    };
    let with = meeting("m", "Plan", START);
    let line = "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:xenia@elsewhere.test\r\n";
    let without = with.replace(line, "");
    world.put(AT, with.clone()).await.unwrap();
    assert_eq!(overtaken().await, expected(&[("REQUEST", false)]));
    world.put(AT, without).await.unwrap();
    assert_eq!(
        overtaken().await,
        expected(&[("REQUEST", true), ("CANCEL", false)])
    );
    world.put(AT, with).await.unwrap();
    assert_eq!(
        overtaken().await,
        expected(&[("REQUEST", false), ("CANCEL", true), ("REQUEST", false)])
    );
    world.delete(AT).await.unwrap();
    assert_eq!(
        overtaken().await,
        expected(&[
            ("REQUEST", true),
            ("CANCEL", false),
            ("REQUEST", true),
            ("CANCEL", false)
        ])
    );
    // and the log says so
    let (id, work, mail) = world
        .due_mails()
        .await
        .into_iter()
        .find(|(.., mail)| mail.method == "REQUEST")
        .unwrap();
    let reason = world.desk.overtaken(&mail).await.unwrap().unwrap();
    for _ in 0..2 {
        let withdrawn = world.desk.withdraw_mail(&id, &work, &mail, reason).await;
        assert_eq!(withdrawn, Ok(()), "a second time nothing is there");
    }
    assert_eq!(world.mails().await.len(), 3);
    let home = world.alice.principal.home.unwrap();
    let log = world.desk.scheduling_log_of(home, "m").await.unwrap();
    let lines = log.iter().flat_map(|entry| &entry.lines);
    let told = lines.filter(|line| line.reason == reason).count();
    assert_eq!(told, 1, "{log:?}");
}
