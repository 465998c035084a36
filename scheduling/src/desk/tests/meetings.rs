//! Meetings: an organizer, attendees here and elsewhere (RFC 6638 §3.2, §4).

mod fates;
mod places;
mod waiting;

use super::{yielding::Yielding, *};
use crate::mail::DeliveryOutcome;

/// A meeting of Alice with Bob and with Xenia, who is elsewhere.
pub(super) fn meeting(uid: &str, summary: &str, start: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:{summary}\r\n\
         ORGANIZER;CN=Alice:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Bob@example.com\r\n\
         ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:xenia@elsewhere.test\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

pub(super) const START: &str = "20260201T090000Z";
pub(super) const AT: &str = "alice/calendar/m.ics";

/// The line of an attendee or the organizer.
pub(super) fn line<'a>(text: &'a str, property: &str, address: &str) -> &'a str {
    let wanted = format!(":mailto:{address}");
    let is_it = |line: &&str| line.starts_with(property) && line.to_lowercase().ends_with(&wanted);
    text.lines()
        .find(is_it)
        .unwrap_or_else(|| panic!("no {property} {address} in {text}"))
}

/// What Bob puts to answer: his copy with another PARTSTAT.
pub(super) fn answer(text: &str, status: &str) -> String {
    let own = |line: &str| line.to_lowercase().ends_with(":mailto:bob@example.com");
    let answered = |line: &str| match line.rsplit_once(':').filter(|_| own(line)) {
        Some((_, address)) => format!("ATTENDEE;PARTSTAT={status}:mailto:{address}\r\n"),
        None => format!("{line}\r\n"),
    };
    text.lines().map(answered).collect()
}

/// RFC 6068 §2: an account may have an address as a mailto is written.
#[tokio::test]
async fn an_address_with_percent_signs_is_found() {
    let world = world().await;
    let written = "mailto:carol%2Btag@example.com";
    let mut carol = Principal::new(PrincipalKind::User, "carol");
    carol.addresses = vec![written.to_owned()];
    let carol = world.desk.store().add_account(carol, None).await;
    carol.unwrap();
    let text = meeting("m", "Plan", START).replace("mailto:Bob@example.com", written);
    world.put(AT, text).await.unwrap();
    assert_eq!(world.members("carol/inbox").await.len(), 1);
}

/// RFC 6638 §3.2.1.1, §3.2.9
#[tokio::test]
async fn an_invitation_is_delivered_in_one_commit() {
    let world = world().await;
    let before = world.desk.store().backend().revision();
    let written = world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    assert_eq!(world.desk.store().backend().revision().0, before.0 + 1);
    assert!(written.created && written.schedule_tag.is_some());
    assert_eq!(written.etag, None, "SCHEDULE-STATUS was added");

    let stored = world.text_at(AT).await;
    assert!(
        line(&stored, "ATTENDEE", "bob@example.com").contains("SCHEDULE-STATUS=1.2"),
        "{stored}"
    );
    let external = line(&stored, "ATTENDEE", "xenia@elsewhere.test");
    assert!(external.contains("SCHEDULE-STATUS=1.0"), "{stored}");

    let (_, object, text) = world.bobs().await;
    let facts = object.calendar.unwrap();
    assert!(facts.scheduling && facts.schedule_tag.is_some());
    assert!(
        text.contains("SUMMARY:Plan")
            && !text.contains("METHOD")
            && !text.contains("SCHEDULE-STATUS")
    );
    let inbox = world.members("bob/inbox").await;
    assert_eq!(inbox.len(), 1);
    assert!(world.text(&inbox[0].1).await.contains("METHOD:REQUEST"));

    let mails = world.due_mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].2.to.address.as_str(), mails[0].2.method.as_str()),
        ("xenia@elsewhere.test", "REQUEST")
    );
}

/// RFC 6638 §3.2.2, §4.2, §3.2.10: the answer reaches the organizer; the tag stays, the ETag changes.
#[tokio::test]
async fn an_answer_reaches_the_organizer() {
    let world = world().await;
    let invited = world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let before = world.object(AT).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let bob = world.bob.clone();
    world
        .put_as(&bob, &at, answer(&text, "ACCEPTED"))
        .await
        .unwrap();

    let after = world.object(AT).await.unwrap();
    assert_ne!(after.etag, before.etag);
    assert_eq!(
        after.calendar.as_ref().unwrap().schedule_tag,
        invited.schedule_tag
    );
    let text = world.text(&after).await;
    let attendee = line(&text, "ATTENDEE", "bob@example.com");
    assert!(
        attendee.contains("PARTSTAT=ACCEPTED") && attendee.contains("SCHEDULE-STATUS=2.0"),
        "{text}"
    );
    let (_, _, text) = world.bobs().await;
    assert!(
        line(&text, "ORGANIZER", "alice@example.com").contains("SCHEDULE-STATUS=1.2"),
        "{text}"
    );
    let inbox = world.members("alice/inbox").await;
    assert_eq!(inbox.len(), 1);
    assert!(world.text(&inbox[0].1).await.contains("METHOD:REPLY"));

    // RFC 6638 §3.2.10: the organizer's client, which knows the tag only, does not undo the answer
    let tag = Conditions {
        if_schedule_tag_match: invited.schedule_tag,
        ..Conditions::default()
    };
    let alice = world.alice.clone();
    world
        .put_as_if(&alice, AT, meeting("m", "Better plan", START), tag)
        .await
        .unwrap();
    let text = world.text_at(AT).await;
    assert!(text.contains("SUMMARY:Better plan"));
    assert!(
        line(&text, "ATTENDEE", "bob@example.com").contains("PARTSTAT=ACCEPTED"),
        "{text}"
    );
}

/// RFC 6638 §3.2.1.3: the copies stay, cancelled.
#[tokio::test]
async fn deleting_cancels_for_everyone() {
    // C4.1
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    world.delete(AT).await.unwrap();
    let (_, _, text) = world.bobs().await;
    assert!(text.contains("STATUS:CANCELLED"), "{text}");
    assert_eq!(world.members("bob/inbox").await.len(), 2);
    let methods: Vec<String> = world
        .due_mails()
        .await
        .into_iter()
        .map(|(_, _, it)| it.method)
        .collect();
    assert_eq!(
        methods.iter().filter(|method| *method == "CANCEL").count(),
        1,
        "{methods:?}"
    );
}

/// RFC 6638 §3.2.2.4, §8.1
#[tokio::test]
async fn an_attendee_who_deletes_declines() {
    for (schedule_reply, expected) in [
        (true, "PARTSTAT=DECLINED"),
        (false, "PARTSTAT=NEEDS-ACTION"),
    ] {
        let world = world().await;
        world.put(AT, meeting("m", "Plan", START)).await.unwrap();
        let (at, ..) = world.bobs().await;
        let delete = Delete {
            path: path(&at),
            conditions: Conditions::default(),
            schedule_reply,
        };
        world.desk.delete(&world.bob, delete).await.unwrap();
        let text = world.text_at(AT).await;
        assert!(
            line(&text, "ATTENDEE", "bob@example.com").contains(expected),
            "{text}"
        );
    }
}

/// Our decision on C4.7: a client's own PUT of a delivered invitation is merged into the delivered copy.
#[tokio::test]
async fn an_own_copy_is_merged_into_the_delivered_one() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let bob = world.bob.clone();
    for own in ["bob/calendar/own-name.ics", "bob/calendar/another.ics"] {
        let accepted = answer(&text, "ACCEPTED");
        let written = world
            .put_as_if(&bob, own, accepted, if_none_match("*"))
            .await
            .unwrap();
        assert_eq!(
            (written.created, written.elsewhere, written.etag),
            (false, Some(path(&at)), None)
        );
    }
    world.bobs().await;
    let text = world.text_at(AT).await;
    assert!(
        line(&text, "ATTENDEE", "bob@example.com").contains("PARTSTAT=ACCEPTED"),
        "{text}"
    );
}

/// RFC 6638 §3.2.10: a client that has not seen that its owner is asked again does not answer in their place, by whichever
/// condition it knows.
#[tokio::test]
async fn an_old_answer_is_not_given_again() {
    let world = world().await;
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let answered = answer(&text, "ACCEPTED");
    world.put_as(&world.bob, &at, answered).await.unwrap();
    let (_, seen, text) = world.bobs().await;
    // Alice's client says NEEDS-ACTION of Bob
    world.put(AT, meeting("m", "Plan", START)).await.unwrap();
    let tag = seen.calendar.unwrap().schedule_tag;
    let by_tag = Conditions {
        if_schedule_tag_match: tag,
        ..Conditions::default()
    };
    for conditions in [if_match(&seen.etag), by_tag] {
        let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
        let octets = text.replace("END:VEVENT", alarm);
        let refused = world.put_as_if(&world.bob, &at, octets, conditions).await;
        assert!(
            matches!(refused, Err(Refusal::ConditionFailed(_))),
            "{refused:?}"
        );
    }
    let stored = world.text_at(AT).await;
    let bob = line(&stored, "ATTENDEE", "bob@example.com");
    assert!(bob.contains("PARTSTAT=NEEDS-ACTION"), "{bob}");
}

/// C6.2: a client that knows only If-Match, and has not seen that somebody answered, does not lose its edit; nor is the
/// answer lost. Who has not seen an edit is told so.
#[tokio::test]
async fn an_entity_tag_that_only_an_answer_superseded_still_holds() {
    let world = world().await;
    let octets = |summary: &str| Bytes::from(meeting("m", summary, START));
    world.put(AT, octets("Plan")).await.unwrap();
    let seen = world.object(AT).await.unwrap();
    let (at, _, text) = world.bobs().await;
    let accepted = text.replace(
        "PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Bob@",
        "PARTSTAT=ACCEPTED:mailto:Bob@",
    );
    assert_ne!(accepted, text);
    world.put_as(&world.bob, &at, accepted).await.unwrap();
    let answered = world.object(AT).await.unwrap();
    assert_ne!(answered.etag, seen.etag);
    assert!(answered.has_superseded(&seen.etag));
    let edit = world
        .put_if(AT, octets("Other"), if_match(&seen.etag))
        .await;
    edit.unwrap();
    let after = world.object(AT).await.unwrap();
    let text = world.text(&after).await;
    assert!(text.contains("SUMMARY:Other"), "{text}");
    assert!(
        text.contains("PARTSTAT=ACCEPTED;RSVP=TRUE;SCHEDULE"),
        "{text}"
    );
    assert_eq!(
        after.superseded_count(),
        0,
        "an edit is nothing that need not be seen"
    );
    for etag in [&seen.etag, &answered.etag, "another"] {
        let refused = world.put_if(AT, octets("Third"), if_match(etag)).await;
        assert_eq!(refused.unwrap_err(), Refusal::ConditionFailed("If-Match"));
    }
    // a deletion must have seen everything
    world
        .put_as(
            &world.bob,
            &at,
            text_of_bob(&world).await.replace("ACCEPTED", "DECLINED"),
        )
        .await
        .unwrap();
    let refused = world.delete_if(AT, if_match(&after.etag)).await;
    assert_eq!(refused.unwrap_err(), Refusal::ConditionFailed("If-Match"));
}

async fn text_of_bob(world: &World) -> String {
    world.bobs().await.2
}
