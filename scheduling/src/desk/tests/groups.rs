//! Groups that are invited.

use calendar::{CalendarObject, Limits as ParserLimits};
use storage::model::Collection;

use super::*;
use crate::engine::Status;

fn meeting(uid: &str, attendee: &str) -> Bytes {
    Bytes::from(format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\n\
         ORGANIZER:mailto:alice@example.com\r\nATTENDEE;CUTYPE=GROUP:mailto:{attendee}@example.com\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    ))
}

async fn group(world: &World, name: &str, members: &[&Actor]) -> Actor {
    let mut group = Principal::new(PrincipalKind::Group, name);
    group.addresses = vec![format!("mailto:{name}@example.com")];
    group.members = members.iter().map(|it| it.principal.id).collect();
    Actor::of(world.desk.store().add_account(group, None).await.unwrap())
}

#[tokio::test]
async fn everybody_in_a_group_and_its_groups_has_a_copy() {
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await;
    let inner = group(&world, "inner", &[&carol, &world.alice]).await;
    group(&world, "all", &[&world.bob, &inner]).await;
    world
        .put("alice/calendar/1.ics", meeting("1", "all"))
        .await
        .unwrap();
    for who in ["bob", "carol"] {
        assert_eq!(
            world.tree(&format!("{who}/calendar")).await.len(),
            1,
            "{who}"
        );
        assert_eq!(world.tree(&format!("{who}/inbox")).await.len(), 1, "{who}");
    }
    let text = world.text_at("alice/calendar/1.ics").await;
    assert_eq!(text.matches("MEMBER=").count(), 2, "{text}");
}

/// RFC 4791 §5.3.2.1 `max-attendees-per-instance`: never a part of them.
#[tokio::test]
async fn a_group_that_is_too_large_is_refused_as_a_whole() {
    let mut settings = Settings::default();
    settings.limits.maximum_attendees = 2;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let carol = user(world.desk.store(), "carol").await;
    group(&world, "all", &[&world.bob, &carol]).await;
    let refused = world.put("alice/calendar/1.ics", meeting("1", "all")).await;
    assert_eq!(violated(refused), Precondition::MaxAttendeesPerInstance);
    for place in ["alice/calendar", "bob/calendar", "bob/inbox"] {
        assert!(world.tree(place).await.is_empty(), "{place}");
    }
}

/// RFC 6638 §5: one answer about the address that was asked for, with the time of all who are in the group.
#[tokio::test]
async fn a_group_is_busy_when_somebody_in_it_is() {
    let mut settings = Settings::default();
    settings.limits.maximum_attendees = 3;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let carol = user(world.desk.store(), "carol").await;
    let inner = group(&world, "inner", &[&carol]).await;
    let all = group(&world, "all", &[&world.bob, &inner]).await;
    group(&world, "nobody", &[]).await;
    for (who, hour) in [(&world.bob, "08"), (&carol, "11")] {
        let event = String::from_utf8(event("e", "").to_vec()).unwrap();
        let event = event.replace("0201T09", &format!("0201T{hour}"));
        let event = event.replace("DTEND:20260201T100000Z", "DURATION:PT1H");
        let at = format!("{}/calendar/e.ics", who.principal.name);
        world.put_as(who, &at, event).await.unwrap();
    }
    let ask = async |whom: &str| {
        let question = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\n\
             DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T000000Z\r\nDTEND:20260202T000000Z\r\n\
             ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:{whom}@example.com\r\n\
             END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
        );
        let outbox = path("alice/outbox");
        let desk = &world.desk;
        desk.ask_for_busy_time(&world.alice, &outbox, question.into())
            .await
    };
    let mut answers = ask("all").await.unwrap();
    assert_eq!(answers.len(), 1);
    let answer = answers.remove(0);
    assert_eq!(answer.recipient, "mailto:all@example.com");
    assert_eq!(answer.request_status, "2.0;Success");
    let told = unfolded(&answer.calendar_data.unwrap());
    assert!(told.contains("20260201T080000Z/"), "{told}");
    assert!(told.contains("20260201T110000Z/"), "{told}");
    assert!(
        ask("nobody").await.unwrap()[0]
            .request_status
            .starts_with("5.3")
    );
    // of whom it is not told, nobody is shown as free
    let store = world.desk.store();
    let inbox = store.resolve(&path("carol/inbox")).await.unwrap().unwrap();
    let before = inbox.collection();
    let after = Collection {
        access: Some(Vec::new()),
        ..before.value.clone()
    };
    let mut batch = store.batch();
    batch.update_collection(before, &after);
    store.commit(batch).await.unwrap();
    let denied = ask("all").await.unwrap();
    assert!(denied[0].request_status.starts_with("3.8"), "{denied:?}");
    // no more people than may be asked about one by one
    for name in ["d", "e"] {
        let id = user(store, name).await.principal.id;
        let changed = store.change_principal(all.principal.id, |all| all.members.push(id));
        changed.await.unwrap();
    }
    let refused = violated(ask("all").await);
    assert_eq!(refused, Precondition::MaxAttendeesPerInstance);
}

/// RFC 5546 §4.2.5: the answer of who delegates, the organizer's copy and the invitation of who is sent are one
/// commit.
#[tokio::test]
async fn who_is_sent_has_a_copy_as_soon_as_the_answer_is_stored() {
    let world = world().await;
    user(world.desk.store(), "carol").await;
    let single = String::from_utf8(meeting("1", "bob").to_vec()).unwrap();
    let single = single.replace("CUTYPE=GROUP", "CUTYPE=INDIVIDUAL");
    world.put("alice/calendar/1.ics", single).await.unwrap();
    let at = world.tree("bob/calendar").await.remove(0);
    let text = world.text_at(&at).await;
    let sent = text.replace(
        "RSVP=TRUE:mailto:bob@example.com",
        "PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.com\":mailto:bob@example.com",
    );
    assert_ne!(sent, text);
    let put = Put {
        path: path(&at),
        content_type: None,
        octets: sent.into(),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    let before = world.desk.store().revision();
    world.desk.put(&world.bob, put).await.unwrap();
    assert_eq!(world.desk.store().revision().0, before.0 + 1);
    assert_eq!(world.tree("carol/calendar").await.len(), 1);
    assert_eq!(world.tree("carol/inbox").await.len(), 1);
    for whose in ["alice/calendar/1.ics", &at] {
        let text = world.text_at(whose).await;
        assert!(
            text.contains("DELEGATED-FROM=\"mailto:bob@example.com\""),
            "{whose}: {text}"
        );
    }
}

/// Of one instance of a series: who answers has its copy written once, and the others, who had the instance with the
/// series, hear nothing by it.
#[tokio::test]
async fn one_instance_is_passed_on_in_the_same_commit() {
    let world = world().await;
    for name in ["carol", "dave"] {
        user(world.desk.store(), name).await;
    }
    let series = meeting("1", "bob");
    let series = std::str::from_utf8(&series).unwrap();
    let series = series.replace("CUTYPE=GROUP", "CUTYPE=INDIVIDUAL").replace(
        "END:VEVENT",
        "RRULE:FREQ=WEEKLY;COUNT=4\r\nATTENDEE:mailto:dave@example.com\r\nATTENDEE:mailto:olga@elsewhere.test\r\nEND:VEVENT",
    );
    world.put("alice/calendar/1.ics", series).await.unwrap();
    let at = world.tree("bob/calendar").await.remove(0);
    let daves = world.tree("dave/calendar").await.remove(0);
    let tag = async || {
        let facts = world.object(&daves).await.unwrap().calendar.unwrap();
        facts.schedule_tag
    };
    let mails = async || {
        let work = world.desk.store().list_work(mail::QUEUE, None, 100);
        work.await.unwrap().len()
    };
    let (tag_before, mails_before) = (tag().await, mails().await);
    let text = world.text_at(&at).await;
    let start = text.lines().find(|it| it.starts_with("DTSTART")).unwrap();
    let (_, start) = start.split_once(':').unwrap();
    let (before, event) = text.split_once("BEGIN:VEVENT").unwrap();
    let (event, after) = event.split_once("END:VEVENT").unwrap();
    let instance = event
        .replace(
            "RRULE:FREQ=WEEKLY;COUNT=4",
            &format!("RECURRENCE-ID:{start}"),
        )
        .replace(
            "RSVP=TRUE:mailto:bob@example.com",
            "PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.com\":mailto:bob@example.com",
        );
    let sent =
        format!("{before}BEGIN:VEVENT{event}END:VEVENT\r\nBEGIN:VEVENT{instance}END:VEVENT{after}");
    assert!(sent.contains("DELEGATED-TO"), "{sent}");
    world.put_as(&world.bob, &at, sent).await.unwrap();
    assert_eq!(world.tree("carol/calendar").await.len(), 1);
    assert_eq!(
        world.tree("bob/inbox").await.len(),
        1,
        "the invitation alone"
    );
    assert_eq!(world.tree("dave/inbox").await.len(), 1);
    assert_eq!((tag().await, mails().await), (tag_before, mails_before));
    let shown = world.text_at(&daves).await;
    assert!(shown.contains("DELEGATED-TO"), "{shown}");
}

/// What Xenia, who is elsewhere, sends to the group "all", of which alone she knows.
fn from_xenia(method: &str, sequence: u32, more: &str) -> IncomingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:m\r\n\
         DTSTAMP:20260101T10{sequence:02}00Z\r\nSEQUENCE:{sequence}\r\nDTSTART:20260201T090000Z\r\n{more}\
         SUMMARY:Plan\r\nORGANIZER:mailto:xenia@elsewhere.test\r\n\
         ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:all@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    IncomingMessage {
        object: CalendarObject::parse(text.as_bytes(), &ParserLimits::default()).unwrap(),
        method: None,
        sender: "mailto:xenia@elsewhere.test".to_owned(),
        recipients: vec!["mailto:all@example.com".to_owned()],
        id: None,
    }
}

impl World {
    /// What became of a message for the group, and with which status.
    async fn receive_for_group(&self, message: &IncomingMessage) -> (Effect, Status) {
        let receptions = self.desk.receive_message(message).await;
        let mut receptions = receptions.unwrap();
        assert_eq!(receptions.len(), 1);
        let reception = receptions.remove(0);
        assert_eq!(reception.recipient, "mailto:all@example.com");
        (reception.effect, reception.status)
    }

    /// The only object in somebody's calendar.
    async fn only(&self, who: &str) -> (String, String) {
        let mut tree = self.tree(&format!("{who}/calendar")).await;
        assert_eq!(tree.len(), 1, "{who}");
        let at = tree.remove(0);
        let text = unfolded(self.text_at(&at).await.as_bytes());
        (at, text)
    }
}

/// RFC 5546 §3.7.2: each who is in it is invited as one of it, and answers as one of it.
#[tokio::test]
async fn a_group_is_invited_from_elsewhere() {
    const MEMBER: &str = "MEMBER=\"mailto:all@example.com\"";
    let world = world().await;
    let carol = user(world.desk.store(), "carol").await;
    group(&world, "all", &[&world.bob, &carol]).await;
    let invitation = from_xenia("REQUEST", 0, "");
    let forwarded = |effect| (effect, Status::FORWARDED);
    let received = world.receive_for_group(&invitation).await;
    assert_eq!(received, forwarded(Effect::Applied));
    let received = world.receive_for_group(&invitation).await;
    assert_eq!(received, forwarded(Effect::Repeated));
    for who in ["bob", "carol"] {
        let (_, text) = world.only(who).await;
        let own = text
            .lines()
            .find(|line| line.ends_with(&format!(":mailto:{who}@example.com")));
        assert!(
            own.is_some_and(|own| own.contains(MEMBER) && own.contains("OPT-")),
            "{text}"
        );
        assert_eq!(text.matches("ATTENDEE").count(), 2, "{text}");
        assert_eq!(world.tree(&format!("{who}/inbox")).await.len(), 1, "{who}");
    }
    let (at, text) = world.only("bob").await;
    let accepted = text.replace("RSVP=TRUE:mailto:bob", "PARTSTAT=ACCEPTED:mailto:bob");
    world.put_as(&world.bob, &at, accepted).await.unwrap();
    let mails = world.mails().await;
    let reply = unfolded(&mails[0].calendar);
    assert_eq!((mails.len(), mails[0].method.as_str()), (1, "REPLY"));
    assert!(
        reply.contains(MEMBER) && reply.contains("PARTSTAT=ACCEPTED"),
        "{reply}"
    );
    // the organizer, who knows the group alone, changes something, and calls it off
    world
        .receive_for_group(&from_xenia("REQUEST", 1, "LOCATION:x\r\n"))
        .await;
    let (_, text) = world.only("bob").await;
    assert!(
        text.contains("LOCATION:x") && text.contains("PARTSTAT=ACCEPTED"),
        "{text}"
    );
    let received = world.receive_for_group(&from_xenia("CANCEL", 2, "")).await;
    assert_eq!(received, forwarded(Effect::Applied));
    for who in ["bob", "carol"] {
        assert!(
            world.only(who).await.1.contains("STATUS:CANCELLED"),
            "{who}"
        );
    }
}

/// What cannot be for a group, or not for this one, is for nobody in it.
#[tokio::test]
async fn what_no_group_gets_from_elsewhere() {
    let mut settings = Settings::default();
    settings.limits.maximum_attendees = 2;
    let world = world_with(settings, |memory| Arc::new(memory)).await;
    let all = group(&world, "all", &[]).await;
    let refused = |status| (Effect::Refused, status);
    let received = world.receive_for_group(&from_xenia("REQUEST", 0, "")).await;
    assert_eq!(received, refused(Status::NOT_ALLOWED));
    let store = world.desk.store();
    let mut members = vec![world.bob.principal.id];
    for name in ["carol", "dave"] {
        members.push(user(store, name).await.principal.id);
    }
    let changed = store.change_principal(all.principal.id, |all| all.members = members.clone());
    changed.await.unwrap();
    let received = world.receive_for_group(&from_xenia("REQUEST", 0, "")).await;
    assert_eq!(received, refused(Status::TOO_LARGE));
    let received = world.receive_for_group(&from_xenia("REPLY", 0, "")).await;
    assert_eq!(received, refused(Status::NOT_ALLOWED));
    for place in ["bob/calendar", "bob/inbox"] {
        assert!(world.tree(place).await.is_empty(), "{place}");
    }
}
