//! The organizer creates, changes and removes (RFC 6638 §3.2.1).

mod answers;
mod cancelling;
mod changing;
mod reaching;

use super::*;

const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";

fn invited() -> World {
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org",
        ),
    );
    world.news("bob");
    world
}

#[test]
fn create_delivers_to_local_attendees() {
    // C2.9
    // RFC 6638 §3.2.1.1, §4.1
    let mut world = new_world();
    world.put(
        "alice",
        &meeting(
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org
            ATTENDEE;CN=Bob;SCHEDULE-STATUS=2.0:mailto:bob@example.org
            X-MOZ-LASTACK:20260101T000000Z
            X-ALT-DESC;FMTTYPE=text/html:<b>x</b>
            BEGIN:VALARM
            ACTION:DISPLAY
            TRIGGER:-PT5M
            END:VALARM",
        ),
    );
    assert_eq!(
        lines(world.copy("bob")),
        [
            "ATTENDEE;CN=Bob;RSVP=TRUE:mailto:bob@example.org",
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org",
            "DTEND:20260301T100000Z",
            "DTSTART:20260301T090000Z",
            "ORGANIZER:mailto:alice@example.org",
            "SUMMARY:Plan",
            "UID:1",
            "X-ALT-DESC;FMTTYPE=text/html:<b>x</b>",
        ]
    );
    assert_eq!(world.value("bob", "DTSTAMP"), Some("20260101T000100Z"));
    assert_eq!(
        world.line("alice", "ATTENDEE", BOB),
        "ATTENDEE;CN=Bob;SCHEDULE-STATUS=1.2:mailto:bob@example.org"
    );
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:alice@example.org"),
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org"
    );
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert_eq!(world.news("alice"), Vec::<String>::new());
    assert_eq!((world.tag("alice"), world.tag("bob")), (1, 1));
}

#[test]
fn untouched_lines_of_the_organizer_stay_as_they_were() {
    let mut world = new_world();
    let text = "BEGIN:VCALENDAR\nversion:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART:20260301T090000Z\nSummary:a\n  b\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\nEND:VEVENT\nEND:VCALENDAR\n";
    world.put(
        "alice",
        &CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap(),
    );
    let expected = text.replace("ATTENDEE:", "ATTENDEE;SCHEDULE-STATUS=1.2:");
    assert_eq!(world.copy("alice").to_octets(), expected);
}

#[test]
fn the_role_follows_the_owner_by_any_of_the_addresses() {
    // C1.1
    // RFC 6638 §3.1
    let world = new_world();
    let directory = world.directory();
    let cases = [
        (
            "ORGANIZER:MAILTO:Alice@Example.ORG\nATTENDEE:mailto:bob@example.org",
            Role::Organizer,
            Role::Attendee,
        ),
        (
            "ORGANIZER:/dav/principals/users/alice\nATTENDEE:mailto:robert@example.org",
            Role::Organizer,
            Role::Attendee,
        ),
        (
            "ORGANIZER:mailto:alice@example.org",
            Role::Organizer,
            Role::None,
        ),
        (
            "ORGANIZER:mailto:x@elsewhere.net\nATTENDEE:mailto:bob@example.org",
            Role::None,
            Role::Attendee,
        ),
        (
            "ATTENDEE:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org",
            Role::None,
            Role::None,
        ),
        ("SUMMARY:plain", Role::None, Role::None),
    ];
    for (text, alice, bob) in cases {
        let object = event(&format!("UID:1\nDTSTART:20260301T090000Z\n{text}"));
        assert_eq!(
            role(&object, PrincipalId(1), &directory),
            Ok(alice),
            "{text}"
        );
        assert_eq!(role(&object, PrincipalId(2), &directory), Ok(bob), "{text}");
    }
    let journal = stream(
        "VJOURNAL",
        "UID:1\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org",
    );
    assert_eq!(role(&journal, PrincipalId(1), &directory), Ok(Role::None));
}

#[test]
fn time_zones_travel_with_what_needs_them() {
    // C2.8
    let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:Mine\nEND:VTIMEZONE\nBEGIN:VTIMEZONE\nTZID:Unused\nEND:VTIMEZONE\n\
        BEGIN:VEVENT\nUID:1\nDTSTART;TZID=\"Mine\":20260301T090000\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\nEND:VEVENT\nEND:VCALENDAR\n";
    let mut world = new_world();
    world.put(
        "alice",
        &CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap(),
    );
    let zones = |object: &CalendarObject| {
        object
            .components()
            .filter_map(|component| component.raw_value("TZID").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(zones(world.copy("bob")), ["Mine"]);
    world.delete("alice");
    assert_eq!(zones(world.inboxes["bob"].last().unwrap()), ["Mine"]);
}

#[test]
fn tasks_are_scheduled_like_events() {
    // RFC 5546 §3.4
    let mut world = new_world();
    let task = |more: &str| {
        stream(
            "VTODO",
            &format!(
                "UID:1\nDTSTAMP:20260101T000000Z\nDUE:20260301T090000Z\nSUMMARY:Do\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\n{more}"
            ),
        )
    };
    world.put("alice", &task(""));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    world.answer("bob", "ACCEPTED");
    // §4.5.6: the overall completion
    let tag = world.tag("bob");
    world.put("alice", &task("PERCENT-COMPLETE:50"));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert_eq!(world.value("bob", "PERCENT-COMPLETE"), Some("50"));
    assert_eq!(world.tag("bob"), tag + 1);
    assert_eq!(world.value("alice", "SEQUENCE"), None);
    assert!(world.line("alice", "ATTENDEE", BOB).contains("ACCEPTED"));
    let mut object = world.copy("bob").clone();
    object.entries_mut().for_each(|entry| {
        entry.set_raw_value("STATUS", "IN-PROCESS").unwrap();
        entry.set_raw_value("PERCENT-COMPLETE", "20").unwrap();
        entry
            .property_mut("ATTENDEE")
            .unwrap()
            .set_parameter("PARTSTAT", "IN-PROCESS")
            .unwrap();
    });
    world.put("bob", &object);
    assert_eq!(world.value("bob", "STATUS"), Some("IN-PROCESS"));
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("PARTSTAT=IN-PROCESS")
    );
    world.edit("alice", "DUE", "20260401T090000Z");
    assert!(
        world
            .line("bob", "ATTENDEE", BOB)
            .contains("PARTSTAT=NEEDS-ACTION")
    );
    assert_eq!(world.value("bob", "PERCENT-COMPLETE"), Some("20"));
    world.delete("alice");
    assert!(lines(world.inboxes["bob"].last().unwrap()).contains(&"STATUS:CANCELLED".to_owned()));
}

/// A task of alice, with bob and carol.
fn task_of_three(more: &str) -> CalendarObject {
    stream(
        "VTODO",
        &format!(
            "UID:1\nDTSTAMP:20260101T000000Z\nDUE:20260301T090000Z\nSUMMARY:Do\nORGANIZER:mailto:alice@example.org\nATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org\n{more}"
        ),
    )
}

impl World {
    fn set_status_of_bob(&mut self, value: &str) {
        let mut object = self.copy("bob").clone();
        object.entries_mut().for_each(|entry| {
            entry.set_raw_value("STATUS", value).unwrap();
        });
        self.put("bob", &object);
    }
}

/// RFC 6638 §3.2.2.1: how far a task has come is each attendee's own, and stays when others answer or the organizer changes
/// the task; that it is off is the organizer's to say.
#[test]
fn the_progress_of_a_task_is_the_attendees_own() {
    let completed = Some("COMPLETED");
    let mut world = new_world();
    world.put("alice", &task_of_three("STATUS:NEEDS-ACTION"));
    world.set_status_of_bob("COMPLETED");
    let tag = world.tag("bob");
    world.answer("carol", "ACCEPTED");
    assert_eq!(world.value("bob", "STATUS"), completed, "carol answers");
    assert_eq!(world.tag("bob"), tag);
    world.edit("alice", "SUMMARY", "Do it");
    assert_eq!(
        world.value("bob", "STATUS"),
        completed,
        "the task has another name"
    );
    assert_eq!(world.value("carol", "STATUS"), Some("NEEDS-ACTION"));
    // a client that says that it is off
    world.set_status_of_bob("CANCELLED");
    assert_eq!(
        world.value("bob", "STATUS"),
        completed,
        "it is not bob's to call off"
    );
    world.news("alice");
    world.answer("bob", "DECLINED");
    assert_eq!(world.news("alice"), ["REPLY"]);
    // off, and on again
    world.edit("alice", "STATUS", "CANCELLED");
    assert_eq!(world.value("bob", "STATUS"), Some("CANCELLED"));
    world.edit("alice", "STATUS", "IN-PROCESS");
    assert_eq!(world.value("bob", "STATUS"), Some("IN-PROCESS"));
}

/// A copy that was written before there were notes of what the organizer sent: who did the task did it.
#[test]
fn what_was_done_before_there_were_notes_stays_done() {
    for (first, then) in [("", "SUMMARY"), ("STATUS:NEEDS-ACTION", "DESCRIPTION")] {
        let mut world = new_world();
        world.put("alice", &task_of_three(first));
        let done = "STATUS:COMPLETED\nCOMPLETED:20260201T090000Z\nPERCENT-COMPLETE:100\n";
        let mut object = world.copy("bob").clone();
        object.entries_mut().for_each(|entry| {
            entry.remove_properties("STATUS");
            for line in done.lines() {
                let (name, value) = line.split_once(':').unwrap();
                entry.set_raw_value(name, value).unwrap();
            }
        });
        world.calendars.insert("bob", object);
        world.answer("carol", "ACCEPTED");
        assert_eq!(
            world.value("bob", "STATUS"),
            Some("COMPLETED"),
            "carol answers"
        );
        world.edit("alice", then, "Do it");
        assert_eq!(
            world.value("bob", "STATUS"),
            Some("COMPLETED"),
            "alice changes it"
        );
        // who takes it back has chosen nothing
        world.set_status_of_bob("NEEDS-ACTION");
        world.edit("alice", "STATUS", "IN-PROCESS");
        assert_eq!(world.value("bob", "STATUS"), Some("IN-PROCESS"));
    }
}

/// Whom an attendee sends in their place gets the task as the organizer sent it.
#[test]
fn what_an_attendee_did_is_not_passed_on() {
    let mut entry = task_of_three("STATUS:IN-PROCESS\nCLASS:PUBLIC")
        .entries()
        .next()
        .unwrap()
        .clone();
    let before = entry.clone();
    entry.set_raw_value("STATUS", "COMPLETED").unwrap();
    entry.set_raw_value("CLASS", "PRIVATE").unwrap();
    own::note_choices(&mut entry, &before);
    own::restore_sent(&mut entry);
    let said = ["STATUS", "CLASS"].map(|name| entry.raw_value(name));
    assert_eq!(said, [Some("IN-PROCESS"), None], "PUBLIC is the default");
    assert!(entry.property("X-CONVOKE-SENT").is_none());
}
