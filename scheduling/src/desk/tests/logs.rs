//! The log of each meeting: what was decided, why, and what became of it; for whom it is.

use storage::{
    backend::CommitError,
    model::{Delegate, SchedulingLogEntry, Work},
};

use super::{imports::incoming, meetings::answer, trash, *};
use crate::{
    log::{LogEntry, Occasion, Verdict, Way},
    mail::{self, DeliveryOutcome},
};

const AT: &str = "alice/calendar/m.ics";

/// A meeting of Alice's with Bob, with Xenia, who is elsewhere, and whoever `more` names.
fn meeting(start: &str, more: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:m\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:Plan\r\n\
         ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
         ATTENDEE:mailto:xenia@elsewhere.test\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const START: &str = "20260201T090000Z";
const LATER: &str = "20260201T110000Z";

impl World {
    /// The entries that an actor reads of the object there.
    async fn log_as(&self, actor: &Actor, at: &str) -> Result<Vec<LogEntry>, Refusal> {
        self.desk.scheduling_log(actor, &path(at)).await
    }

    /// All of a meeting's in somebody's home.
    async fn log_of(&self, owner: &Actor) -> Vec<LogEntry> {
        let home = owner.principal.home.unwrap();
        self.desk.scheduling_log_of(home, "m").await.unwrap()
    }

    /// The same in words: who and what, then each line.
    async fn words_of(&self, owner: &Actor) -> Vec<String> {
        let entries = self.log_of(owner).await;
        let words = entries.iter().flat_map(|entry| {
            let who = entry.actor.as_deref().unwrap_or("-");
            let head = format!("{who} {}", entry.occasion.as_str());
            entry
                .lines
                .iter()
                .map(move |line| format!("{head}: {line}"))
        });
        words.collect()
    }

    async fn bob_puts(&self, at: &str, octets: String) -> Result<Written, Refusal> {
        self.put_as(&self.bob, at, octets).await
    }

    async fn bob_answers(&self, status: &str) {
        let (at, _, text) = self.bobs().await;
        self.bob_puts(&at, answer(&text, status)).await.unwrap();
    }

    async fn first_mail(&self) -> (WorkId, Stored<Work>) {
        let due = self.desk.store().due_work(mail::QUEUE, self.desk.now(), 1);
        due.await.unwrap().remove(0)
    }
}

#[tokio::test]
async fn a_meeting_from_its_invitation_to_its_end() {
    let world = world().await;
    world.put(AT, meeting(START, "")).await.unwrap();
    world.bob_answers("ACCEPTED").await;
    let (id, work) = world.first_mail().await;
    let said = Some("550 no such user");
    let told = world
        .desk
        .record_delivery(&id, &work, DeliveryOutcome::Rejected, said);
    told.await.unwrap();
    world.write_mail_statuses().await;
    world.put(AT, meeting(LATER, "")).await.unwrap();
    world.delete(AT).await.unwrap();
    assert_eq!(
        world.words_of(&world.alice).await,
        [
            "alice changed: REQUEST to bob@example.com (SEQUENCE 0): invited; 1.2 delivered",
            "alice changed: REQUEST by mail to xenia@elsewhere.test (SEQUENCE 0): invited; 1.0 on its way",
            "- received: REPLY from bob@example.com (SEQUENCE 0; ACCEPTED): applied",
            "- fared: REQUEST by mail to xenia@elsewhere.test (SEQUENCE 0): the mail server refused it for good: \
             550 no such user; 5.2 could not be delivered",
            "alice changed: REQUEST to bob@example.com (SEQUENCE 1): rescheduled; 1.2 delivered",
            "alice changed: REQUEST by mail to xenia@elsewhere.test (SEQUENCE 1): rescheduled; 1.0 on its way",
            "alice removed: CANCEL to bob@example.com (SEQUENCE 2): the meeting is removed; 1.2 delivered",
            "alice removed: CANCEL by mail to xenia@elsewhere.test (SEQUENCE 2): the meeting is removed; 1.0 on its way",
        ]
    );
    assert_eq!(
        world.words_of(&world.bob).await,
        [
            "- received: REQUEST from alice@example.com (SEQUENCE 0): put into the calendar",
            "bob changed: REPLY to alice@example.com (SEQUENCE 0; ACCEPTED): the participation changed; 1.2 delivered",
            "- received: REQUEST from alice@example.com (SEQUENCE 1): applied",
            "- received: CANCEL from alice@example.com (SEQUENCE 2): applied",
        ]
    );
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// Why somebody heard nothing.
#[tokio::test]
async fn why_nothing_was_sent() {
    let world = world().await;
    let agent = meeting(START, "").replace(
        "ATTENDEE:mailto:bob",
        "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob",
    );
    let agent = agent.replace("ATTENDEE:mailto:xenia@elsewhere.test\r\n", "");
    world.put(AT, agent.clone()).await.unwrap();
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
    world
        .put(AT, agent.replace("END:VEVENT", alarm))
        .await
        .unwrap();
    let nothing =
        "nothing to bob@example.com: SCHEDULE-AGENT leaves this person to others (RFC 6638 §7.1)";
    assert_eq!(
        world.words_of(&world.alice).await,
        [
            format!("alice changed: {nothing}"),
            "alice changed: no messages: nobody is to be told".to_owned(),
            format!("alice changed: {nothing}"),
            "alice changed: no messages: nothing that concerns others changed".to_owned(),
        ]
    );
    assert!(world.log_of(&world.bob).await.is_empty());
}

/// RFC 6638 §3.1: nobody hears of what is nobody's meeting here; "why did Bob not get it" is answered, beforehand, too.
#[tokio::test]
async fn why_an_object_that_names_people_is_not_scheduled() {
    let organizer = "ORGANIZER:mailto:alice@example.com\r\n";
    let cases = [
        (
            organizer,
            "",
            "it has no ORGANIZER, so that nobody invites its attendees",
        ),
        (
            organizer,
            "ORGANIZER:mailto:alice.smith@elsewhere.test\r\n",
            "ORGANIZER is none of the owner's addresses, and no ATTENDEE is one",
        ),
    ];
    for (from, to, why) in cases {
        let world = world().await;
        let object = meeting(START, "").replace(from, to);
        let put = Put {
            path: path(AT),
            content_type: None,
            octets: Bytes::from(object.clone()),
            conditions: Conditions::default(),
            schedule_reply: true,
        };
        let rehearsal = world.desk.rehearse_put(&world.alice, &put).await;
        world.put(AT, object).await.unwrap();
        let entries = world.log_of(&world.alice).await;
        let lines = &entries[0].lines;
        assert_eq!(&rehearsal.unwrap().lines, lines);
        assert_eq!(lines[0].to_string(), format!("not scheduled: {why}"));
        assert_eq!(lines[0].rule(), Some("RFC 6638 §3.1"));
        assert!(world.log_of(&world.bob).await.is_empty());
    }
}

/// A message that did nothing, and its reason, stand in the recipient's log; the sender learns the status alone.
#[tokio::test]
async fn why_nothing_was_applied() {
    let world = world().await;
    // Bob has an event of his own with this UID.
    let own = String::from_utf8(event("m", "Own").to_vec()).unwrap();
    world.bob_puts("bob/calendar/own.ics", own).await.unwrap();
    world.put(AT, meeting(START, "")).await.unwrap();
    let words = world.words_of(&world.bob).await;
    let refused = words.iter().find(|line| line.contains("REQUEST")).unwrap();
    assert!(
        refused.contains("not applied, because") || refused.contains("decision"),
        "{words:?}"
    );
    let entry = &world.log_of(&world.bob).await[0];
    assert!(matches!(
        entry.lines[0].verdict,
        Verdict::NotApplied | Verdict::ForTheUser
    ));
    let sent = &world.log_of(&world.alice).await[0].lines[0];
    assert_eq!((sent.verdict, sent.way), (Verdict::Sent, Some(Way::Local)));
    assert!(!sent.reason.contains("UID"), "{sent:?}");
}

#[tokio::test]
async fn what_has_nothing_to_do_with_scheduling_leaves_no_entry() {
    let world = world().await;
    world.put(AT, event("m", "x")).await.unwrap();
    world.put(AT, event("m", "y")).await.unwrap();
    world.delete(AT).await.unwrap();
    assert!(world.log_of(&world.alice).await.is_empty());
}

/// What others answered shows in everybody's copy, and in nobody's log but the organizer's and the replier's.
#[tokio::test]
async fn a_refresh_leaves_no_entry() {
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await;
    let carols = "ATTENDEE:mailto:carol@example.com\r\n";
    world.put(AT, meeting(START, carols)).await.unwrap();
    world.bob_answers("ACCEPTED").await;
    assert_eq!(world.log_of(&carol).await.len(), 1);
}

#[tokio::test]
async fn moves_and_imports_say_that_nobody_hears_of_them() {
    let world = world().await;
    world
        .make("alice/work", CollectionKind::Calendar)
        .await
        .unwrap();
    let import = Import {
        calendar: path("alice/calendar"),
        on_conflict: OnConflict::Newer,
        conditions: Conditions::default(),
        dry_run: true,
    };
    let objects = incoming(&[Bytes::from(meeting(START, ""))]);
    let dry = world.desk.import(&world.alice, &import, &objects);
    dry.await.unwrap();
    assert!(world.log_of(&world.alice).await.is_empty(), "a dry run");
    let import = Import {
        dry_run: false,
        ..import
    };
    let done = world.desk.import(&world.alice, &import, &objects);
    let Imported::Created(placed) = done.await.unwrap().remove(0) else {
        panic!("not created");
    };
    let at = format!("alice/calendar/{}", placed.name);
    let edited = meeting(START, "").replace("SUMMARY:Plan", "SUMMARY:Other");
    world.put(&at, edited).await.unwrap();
    world.put(&at, meeting(LATER, "")).await.unwrap();
    world.rename(&at, "alice/work/m.ics").await.unwrap();
    let entries = world.log_of(&world.alice).await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.occasion, entry.lines[0].verdict))
        .collect();
    assert_eq!(
        told,
        [
            (Occasion::Imported, Verdict::NoMessages),
            (Occasion::Changed, Verdict::NoMessages),
            (Occasion::Changed, Verdict::Sent),
            (Occasion::Moved, Verdict::NoMessages),
        ]
    );
    assert!(
        entries[1].lines[0]
            .reason
            .contains("without being scheduled")
    );
}

#[tokio::test]
async fn what_comes_back_from_the_trash_says_that_nobody_hears_of_it() {
    let world = trash::keeping(trash::ALL).await;
    world.put(AT, meeting(START, "")).await.unwrap();
    world.delete(AT).await.unwrap();
    let (items, _) = world.desk.trash_list("alice", None, None).await.unwrap();
    let deleted = items.iter().find(|item| item.name == "m.ics").unwrap();
    world.desk.restore_item(&deleted.id).await.unwrap();
    assert!(world.object(AT).await.is_some());
    let entries = world.log_of(&world.alice).await;
    let last = entries.last().unwrap();
    assert_eq!(
        (last.occasion, last.lines[0].verdict),
        (Occasion::Restored, Verdict::NoMessages)
    );
}

/// Instances that a message is about are named.
#[tokio::test]
async fn a_message_about_an_instance_names_it() {
    let world = world().await;
    let series = meeting(START, "RRULE:FREQ=DAILY;COUNT=5\r\n");
    world.put(AT, series.clone()).await.unwrap();
    let other = "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:m\r\nRECURRENCE-ID:20260203T090000Z\r\n\
        DTSTAMP:20260101T000000Z\r\nDTSTART:20260203T150000Z\r\nDURATION:PT1H\r\nSUMMARY:Plan\r\n\
        ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\n\
        ATTENDEE:mailto:xenia@elsewhere.test\r\nEND:VEVENT\r\nEND:VCALENDAR";
    let changed = series.replace("END:VEVENT\r\nEND:VCALENDAR", other);
    world.put(AT, changed).await.unwrap();
    let words = world.words_of(&world.alice).await;
    let last = words.last().unwrap();
    assert!(last.contains("only 20260203T090000Z"), "{words:?}");
    let bobs = world.words_of(&world.bob).await;
    assert!(bobs.last().unwrap().contains("only 20260203T090000Z"));
}

/// Whoever may read the event whole and belongs to its owner; and nobody what was decided while it was private.
#[tokio::test]
async fn who_may_read_it() {
    let world = world().await;
    let store = world.desk.store().clone();
    let (carol, dora) = (user(&store, "carol").await, user(&store, "dora").await);
    let alice = world.alice.principal.id;
    let trusted = Delegate {
        sees_private: true,
        ..Delegate::reader(dora.principal.id)
    };
    let readers = vec![Delegate::reader(carol.principal.id), trusted];
    store
        .change_principal(alice, |it| it.delegates = readers.clone())
        .await
        .unwrap();
    let private = meeting(START, "CLASS:PRIVATE\r\n");
    world.put(AT, private).await.unwrap();
    let counts = async || {
        let mut counts = Vec::new();
        for actor in [&world.alice, &world.bob, &carol, &dora] {
            let log = world.log_as(actor, AT).await;
            counts.push(log.map(|entries| entries.len()).ok());
        }
        counts
    };
    assert_eq!(counts().await, [Some(1), None, None, Some(1)]);
    world.put(AT, meeting(LATER, "")).await.unwrap();
    world.put(AT, meeting(START, "")).await.unwrap();
    // the second one was about a private event as well
    assert_eq!(counts().await, [Some(3), None, Some(1), Some(3)]);
    let missing = world.log_as(&world.alice, "alice/calendar/none.ics").await;
    assert_eq!(missing, Err(Refusal::NotFound));
    let calendar = world.log_as(&world.alice, "alice/calendar").await;
    assert!(matches!(calendar, Err(Refusal::NotAllowed(_))));
}

/// An entry of a later version, or a damaged one, is in nobody's way: it stands in the log as what it is.
#[tokio::test]
async fn an_entry_that_cannot_be_read_is_passed_over() {
    let world = world().await;
    world.put(AT, meeting(START, "")).await.unwrap();
    world.delete(AT).await.unwrap();
    world.clock.advance(60_000);
    let (home, now) = (world.alice.principal.home.unwrap(), world.desk.now());
    let mut batch = world.desk.store().batch();
    let odd = SchedulingLogEntry {
        time: now,
        content: b"\xFFodd".to_vec(),
    };
    batch.log_scheduling(home, "m", &odd);
    world.desk.store().commit(batch).await.unwrap();
    world.put(AT, meeting(START, "")).await.unwrap();
    let words = world.words_of(&world.alice).await;
    assert_eq!(
        words[4..],
        [
            "- unknown: an entry stood here that cannot be read any more",
            // behind what was sent before it
            "alice changed: REQUEST to bob@example.com (SEQUENCE 2): invited; 1.2 delivered",
            "alice changed: REQUEST by mail to xenia@elsewhere.test (SEQUENCE 2): invited; 1.0 on its way",
        ]
    );
    let entries = world.log_as(&world.alice, AT).await.unwrap();
    assert_eq!(entries[2].time, now);
    assert_eq!(entries[2].lines[0].verdict, Verdict::Unreadable);
}

/// It is there if and only if the change is.
#[tokio::test]
async fn a_change_that_failed_leaves_no_entry() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    let commits = faulty.commits();
    faulty.fail_commit(1, CommitError::Full);
    assert_eq!(world.put(AT, meeting(START, "")).await, Err(Refusal::Full));
    assert_eq!(faulty.commits(), commits + 1, "one commit holds all of it");
    assert!(world.log_of(&world.alice).await.is_empty());
    assert!(world.log_of(&world.bob).await.is_empty());
    world.put(AT, meeting(START, "")).await.unwrap();
    assert_eq!(faulty.commits(), commits + 2);
    assert_eq!(world.log_of(&world.alice).await.len(), 1);
    assert_eq!(world.log_of(&world.bob).await.len(), 1);
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let settings = Settings {
        scheduling_log: false,
        ..Settings::default()
    };
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    world.put(AT, meeting(START, "")).await.unwrap();
    assert!(world.log_of(&world.alice).await.is_empty());
    assert_eq!(world.log_as(&world.alice, AT).await, Ok(Vec::new()));
}

/// C2.4: people elsewhere know its cancellation, which has a higher SEQUENCE than what a client stores anew; whether there
/// is a log or not.
#[tokio::test]
async fn what_is_stored_again_comes_after_its_cancellation() {
    let xenia = "ATTENDEE:mailto:xenia@elsewhere.test\r\n";
    let meetings = [meeting(START, ""), meeting(START, "").replace(xenia, "")];
    let cases = [true, false].into_iter().flat_map(|log| {
        let meetings = meetings.iter();
        meetings.flat_map(move |it| [(log, it, true), (log, it, false)])
    });
    for (scheduling_log, meeting, becomes_plain) in cases {
        let settings = Settings {
            scheduling_log,
            ..Settings::default()
        };
        let world = world_with(settings, |memory| Arc::new(memory)).await;
        for expected in [None, Some(2), Some(4)] {
            world.put(AT, meeting.clone()).await.unwrap();
            let text = world.text_at(AT).await;
            let sequence = text.lines().find_map(|line| line.strip_prefix("SEQUENCE:"));
            let sequence: Option<u32> = sequence.map(|it| it.parse().unwrap());
            assert_eq!(sequence, expected, "{scheduling_log} {becomes_plain}");
            if becomes_plain {
                // what clients do where the last attendee is taken out, and another one comes
                let is_person = |line: &&str| line.starts_with("ORG") || line.starts_with("ATT");
                let lines = meeting.lines().filter(|line| !is_person(line));
                let plain: String = lines.map(|line| format!("{line}\r\n")).collect();
                world.put(AT, plain).await.unwrap();
            } else {
                world.delete(AT).await.unwrap();
            }
        }
        assert_eq!(world.desk.store().check().await.unwrap(), []);
    }
}

/// Of a meeting that one commit cannot hold, everybody's message is in the organizer's log, and how it fared.
#[tokio::test]
async fn a_large_meeting_is_told_of_in_few_rows() {
    const PEOPLE: usize = 120;
    let world = world().await;
    let mut attendees = String::new();
    for number in 0..PEOPLE {
        user(world.desk.store(), &format!("u{number}")).await;
        attendees += &format!("ATTENDEE:mailto:u{number}@example.com\r\n");
    }
    world.put(AT, meeting(START, &attendees)).await.unwrap();
    while world.desk.deliver_outstanding().await.unwrap() {}
    let entries = world.log_of(&world.alice).await;
    let count = |occasion: Occasion, status: &str| -> usize {
        let of = entries.iter().filter(|entry| entry.occasion == occasion);
        let lines = of.flat_map(|entry| &entry.lines);
        let lines = lines.filter(|line| line.status.as_deref() == Some(status));
        lines.map(|line| line.parties.len()).sum()
    };
    let at_once = count(Occasion::Changed, "1.2");
    let later = count(Occasion::Changed, "1.0") - 1;
    assert_eq!(at_once + later, PEOPLE + 1, "with Bob, without Xenia");
    assert_eq!(count(Occasion::Fared, "1.2"), later);
    assert!(entries.len() < 10, "{}", entries.len());
}
