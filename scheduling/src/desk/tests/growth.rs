//! What others say makes nobody's object, and no commit, larger than it may be.

use calendar::{CalendarObject, Limits as ParserLimits};

use super::{
    meetings::{AT, line, meeting},
    *,
};
use crate::log::Verdict;

const XENIA: &str = "mailto:xenia@elsewhere.test";
const ALICE: &str = "mailto:alice@example.com";
const START: &str = "20260201T090000Z";

async fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut settings = Settings::default();
    change(&mut settings.limits);
    world_with(settings, |memory| Arc::new(memory)).await
}

/// A daily series of Alice with Bob and Xenia.
fn series(more: &str) -> String {
    let text = meeting("m", "Plan", START)
        .replace("DURATION:PT1H\r\n", "DURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n");
    text.replace("END:VEVENT", &format!("{more}END:VEVENT"))
}

/// An instance as a client that means only the answer stores it.
fn override_of(day: u32, attendee: &str) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20260102T000000Z\r\nRECURRENCE-ID:202602{day:02}T090000Z\r\n\
         DTSTART:202602{day:02}T090000Z\r\nDURATION:PT1H\r\nORGANIZER:{ALICE}\r\nATTENDEE;{attendee}\r\nEND:VEVENT\r\n"
    )
}

/// Xenia answers by mail.
fn reply(lines: &str, minute: u32) -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:m\r\n\
         DTSTAMP:20260102T10{minute:02}00Z\r\nORGANIZER:{ALICE}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    IncomingMessage {
        object: CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap(),
        method: None,
        sender: XENIA.to_owned(),
        recipients: vec![ALICE.to_owned()],
        id: None,
    }
}

/// Somebody sends so many others.
fn delegating(number: usize, domain: &str) -> String {
    let people = (0..number).map(|it| format!("\"mailto:u{it}@{domain}\""));
    let people: Vec<String> = people.collect();
    format!("PARTSTAT=DELEGATED;DELEGATED-TO={}", people.join(","))
}

impl World {
    async fn put_of_bob(&self, change: impl FnOnce(&str) -> String) -> Result<Written, Refusal> {
        let (at, _, text) = self.bobs().await;
        let text = change(&text);
        self.put_as(&self.bob, &at, text).await
    }

    /// Bob sends so many others in his place.
    async fn delegate(&self, number: usize) -> Result<Written, Refusal> {
        let sent = format!(
            "ATTENDEE;{}:mailto:Bob@example.com",
            delegating(number, "example.com")
        );
        self.put_of_bob(|text| text.replace(line(text, "ATTENDEE", "bob@example.com"), &sent))
            .await
    }

    async fn answer_from_outside(&self, lines: &str, minute: u32) -> Reception {
        let received = self.desk.receive_message(&reply(lines, minute)).await;
        received.unwrap().remove(0)
    }

    /// Whom mails invite.
    async fn invited_by_mail(&self) -> Vec<String> {
        let mails = self.mails().await.into_iter();
        let requests = mails.filter(|mail| mail.method == "REQUEST");
        requests.map(|mail| mail.to.address).collect()
    }
}

/// RFC 4791 §5.3.2.1: an answer to an instance makes a component as large as the series.
#[tokio::test]
async fn many_small_answers_do_not_make_a_large_object() {
    let world = limited(|limits| limits.maximum_resource_octets = 16 * 1024).await;
    let description = format!("DESCRIPTION:{}\r\n", "x".repeat(2_000));
    world.put(AT, series(&description)).await.unwrap();
    let (before, bobs) = (world.text_at(AT).await, world.bobs().await.2);
    let answers: String = (2..22)
        .map(|day| override_of(day, "PARTSTAT=TENTATIVE:mailto:bob@example.com"))
        .collect();
    assert!(answers.len() < 8 * 1024);
    let put =
        world.put_of_bob(|text| text.replace("END:VCALENDAR", &format!("{answers}END:VCALENDAR")));
    assert_eq!(violated(put.await), Precondition::MaxResourceSize);
    assert_eq!(world.text_at(AT).await, before);
    assert_eq!(world.bobs().await.2, bobs);

    let few: String = (2..5)
        .map(|day| override_of(day, "PARTSTAT=TENTATIVE:mailto:bob@example.com"))
        .collect();
    let put =
        world.put_of_bob(|text| text.replace("END:VCALENDAR", &format!("{few}END:VCALENDAR")));
    put.await.unwrap();
    assert_eq!(world.text_at(AT).await.matches("BEGIN:VEVENT").count(), 4);
}

/// The organizer's object may be larger than the attendee's, and be full first. Who does not want the meeting any more
/// gets rid of it all the same.
#[tokio::test]
async fn an_answer_that_the_organizers_object_cannot_hold_is_refused() {
    let world = limited(|limits| limits.maximum_resource_octets = 10 * 1024).await;
    let alarm = format!(
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:{}\r\nEND:VALARM\r\n",
        "x".repeat(4_000)
    );
    world.put(AT, series(&alarm)).await.unwrap();
    let (before, bobs) = (world.text_at(AT).await, world.bobs().await.2);
    let answers: String = (2..5)
        .map(|day| override_of(day, "PARTSTAT=TENTATIVE:mailto:bob@example.com"))
        .collect();
    let put =
        world.put_of_bob(|text| text.replace("END:VCALENDAR", &format!("{answers}END:VCALENDAR")));
    assert_eq!(violated(put.await), Precondition::MaxResourceSize);
    assert_eq!(world.text_at(AT).await, before);
    assert_eq!(world.bobs().await.2, bobs);
    assert!(world.members("alice/inbox").await.is_empty());

    let delete = Delete {
        path: path(&world.bobs().await.0),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    world.desk.delete(&world.bob, delete).await.unwrap();
    let text = world.text_at(AT).await;
    assert!(
        line(&text, "ATTENDEE", "bob@example.com").contains("DECLINED"),
        "{text}"
    );
}

/// From outside it waits in the inbox, with the reason.
#[tokio::test]
async fn an_answer_from_outside_that_the_object_cannot_hold_is_held() {
    let world = limited(|limits| limits.maximum_resource_octets = 10 * 1024).await;
    let description = format!("DESCRIPTION:{}\r\n", "x".repeat(2_000));
    world.put(AT, series(&description)).await.unwrap();
    let mut effects = Vec::new();
    for day in 2..10 {
        let lines = format!(
            "RECURRENCE-ID:202602{day:02}T090000Z\r\nATTENDEE;PARTSTAT=TENTATIVE:{XENIA}\r\n"
        );
        let reception = world.answer_from_outside(&lines, day).await;
        effects.push((reception.effect, reception.status.as_str().to_owned()));
    }
    assert_eq!(effects[0], (Effect::Applied, "1.2".to_owned()));
    assert_eq!(effects.last(), Some(&(Effect::Held, "3.10".to_owned())));
    let octets = world.octets(AT).await.unwrap();
    assert!(octets.len() <= 10 * 1024, "{}", octets.len());
    assert_eq!(world.members("alice/inbox").await.len(), effects.len());
    let home = world.alice.principal.home.unwrap();
    let log = world.desk.scheduling_log_of(home, "m").await.unwrap();
    let last = log.last().unwrap().lines.last().unwrap();
    assert_eq!(last.verdict, Verdict::ForTheUser);
    // what makes nothing larger is still answered
    let lines = format!("ATTENDEE;PARTSTAT=DECLINED:{XENIA}\r\n");
    assert_eq!(
        world.answer_from_outside(&lines, 50).await.effect,
        Effect::Applied
    );
}

/// RFC 5546 §4.2.5: who is sent is invited in the organizer's name, and counts for whoever sends them; what one commit
/// does not hold is delivered by later ones.
#[tokio::test]
async fn a_crowd_that_is_sent_is_delivered_in_bounded_commits() {
    const CROWD: usize = 70;
    let world = limited(|_| {}).await;
    for number in 0..CROWD {
        user(world.desk.store(), &format!("u{number}")).await;
    }
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.delegate(CROWD).await.unwrap();
    let text = world.text_at(AT).await;
    let at_once = CROWD - text.matches("SCHEDULE-STATUS=1.0:mailto:u").count();
    assert!((1..=50).contains(&at_once), "{at_once}");
    let store = world.desk.store();
    let counted = async |actor: &Actor| {
        let counted = store.messages_counted(actor.principal.id, world.desk.now());
        counted.await.unwrap()
    };
    assert_eq!(
        counted(&world.bob).await,
        CROWD as u64 + 1,
        "with the answer"
    );
    assert_eq!(counted(&world.alice).await, 2, "Bob and Xenia");
    while world.desk.deliver_outstanding().await.unwrap() {}
    for number in 0..CROWD {
        assert_eq!(world.members(&format!("u{number}/calendar")).await.len(), 1);
    }
    let text = world.text_at(AT).await;
    assert!(!text.contains("SCHEDULE-STATUS=1.0:mailto:u"), "{text}");
    // and taken back
    world
        .put_of_bob(|text| {
            text.replace(
                line(text, "ATTENDEE", "bob@example.com"),
                "ATTENDEE;PARTSTAT=ACCEPTED:mailto:Bob@example.com",
            )
        })
        .await
        .unwrap();
    assert_eq!(counted(&world.bob).await, 2 * (CROWD as u64 + 1));
    while world.desk.deliver_outstanding().await.unwrap() {}
    for number in 0..CROWD {
        let (_, object) = world
            .members(&format!("u{number}/calendar"))
            .await
            .remove(0);
        assert!(world.text(&object).await.contains("STATUS:CANCELLED"));
    }
}

#[tokio::test]
async fn who_sends_others_is_bound_by_the_limits() {
    type Narrow = fn(&mut Limits);
    let cases: [(Narrow, Option<Precondition>); 2] = [
        (|limits| limits.maximum_messages_per_hour = 5, None),
        (
            |limits| limits.maximum_attendees = 8,
            Some(Precondition::MaxAttendeesPerInstance),
        ),
    ];
    for (narrow, expected) in cases {
        let world = limited(narrow).await;
        world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let (before, bobs) = (world.text_at(AT).await, world.bobs().await.2);
        let refused = world.delegate(7).await;
        match expected {
            Some(expected) => assert_eq!(violated(refused), expected),
            None => assert!(
                matches!(refused, Err(Refusal::TooManyMessages { .. })),
                "{refused:?}"
            ),
        }
        assert_eq!(world.text_at(AT).await, before);
        assert_eq!(world.bobs().await.2, bobs);
        world.delegate(2).await.unwrap();
    }
}

/// Bob's copy may name fewer people than the organizer's object.
#[tokio::test]
async fn the_organizers_object_names_no_more_people_than_it_may() {
    let world = limited(|limits| limits.maximum_attendees = 4).await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (before, inbox) = (
        world.text_at(AT).await,
        world.members("alice/inbox").await.len(),
    );
    let lines = format!("ATTENDEE;{}:{XENIA}\r\n", delegating(3, "elsewhere.test"));
    let reception = world.answer_from_outside(&lines, 1).await;
    assert_eq!(
        (reception.effect, reception.status.as_str()),
        (Effect::Held, "3.10")
    );
    assert_eq!(world.text_at(AT).await, before);
    assert_eq!(world.members("alice/inbox").await.len(), inbox + 1);
    assert_eq!(world.invited_by_mail().await, ["xenia@elsewhere.test"]);
}

/// Nobody outside has mails sent to a crowd in the organizer's name.
#[tokio::test]
async fn from_outside_few_are_sent() {
    for (number, effect) in [(10, Effect::Applied), (11, Effect::Held)] {
        let world = limited(|_| {}).await;
        world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let lines = format!("ATTENDEE;{}:{XENIA}\r\n", delegating(number, "third.test"));
        let reception = world.answer_from_outside(&lines, 1).await;
        assert_eq!(reception.effect, effect, "{reception:?}");
        let sent = if effect == Effect::Applied { number } else { 0 };
        assert_eq!(world.invited_by_mail().await.len(), 1 + sent);
        let again = world
            .answer_from_outside(&lines.replace("third", "fourth"), 2)
            .await;
        assert_eq!(again.effect, effect, "{again:?}");
    }
}
