//! Groups among the attendees (RFC 5545 §3.2.3 and §3.2.11).

use super::*;

const TEAM: &str = "mailto:team@example.org";
const BOB: &str = "mailto:bob@example.org";
const CAROL: &str = "mailto:carol@example.org";

fn house() -> World {
    World {
        members: vec!["alice", "bob", "carol", "room"],
        ..new_world()
    }
}

#[test]
fn everybody_in_a_group_is_invited() {
    let mut world = house();
    world.put(
        "alice",
        &meeting("ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:team@example.org"),
    );
    for who in ["bob", "carol", "room"] {
        assert_eq!(world.news(who), ["REQUEST"], "{who}");
    }
    assert_eq!(
        people_lines(world.copy("bob")),
        [
            "ATTENDEE;CN=BOB;ROLE=OPT-PARTICIPANT;MEMBER=\"mailto:team@example.org\";RSVP=TRUE:mailto:bob@example.org",
            "ATTENDEE;CN=CAROL;ROLE=OPT-PARTICIPANT;MEMBER=\"mailto:team@example.org\";RSVP=TRUE:mailto:carol@example.org",
            "ATTENDEE;CN=ROOM;CUTYPE=ROOM;ROLE=OPT-PARTICIPANT;MEMBER=\"mailto:team@example.org\";RSVP=TRUE:mailto:room@example.org",
            "ATTENDEE;ROLE=OPT-PARTICIPANT;CUTYPE=GROUP;RSVP=TRUE:mailto:team@example.org",
            "ORGANIZER:mailto:alice@example.org",
        ]
    );
    assert!(
        world
            .line("alice", "ATTENDEE", TEAM)
            .contains("SCHEDULE-STATUS=2.7")
    );
    assert!(
        world
            .line("alice", "ATTENDEE", BOB)
            .contains("SCHEDULE-STATUS=1.2")
    );
    // the organizer is not invited by their own group, and answers are theirs who answer
    assert_eq!(
        world.line("alice", "ATTENDEE", "mailto:alice@example.org"),
        ""
    );
    world.answer("bob", "ACCEPTED");
    assert!(
        world
            .line("carol", "ATTENDEE", BOB)
            .contains("PARTSTAT=ACCEPTED")
    );
}

#[test]
fn who_is_invited_by_name_is_invited_once() {
    let mut world = house();
    let both = "ATTENDEE;CN=Robert:mailto:robert@example.org\nATTENDEE;CUTYPE=GROUP:mailto:team@example.org";
    world.put("alice", &meeting(both));
    assert_eq!(world.news("bob"), ["REQUEST"]);
    assert_eq!(world.line("alice", "ATTENDEE", BOB), "");
}

#[test]
fn whom_the_organizer_takes_out_stays_out() {
    let mut world = house();
    world.put("alice", &meeting("ATTENDEE:mailto:team@example.org"));
    world.inboxes.clear();
    let mut object = world.copy("alice").clone();
    for entry in object.entries_mut() {
        entry.retain_properties(|line| line.raw_value() != CAROL);
    }
    world.put("alice", &object);
    assert_eq!(world.news("carol"), ["CANCEL"]);
    world.edit("alice", "SUMMARY", "Other");
    assert!(world.news("carol").is_empty());
    // the group again is everybody again
    let alone = |lines: &str| {
        let mut object = meeting(lines);
        object
            .entries_mut()
            .for_each(|it| it.set_raw_value("SUMMARY", "Other").unwrap());
        object
    };
    world.put("alice", &alone("ATTENDEE:mailto:bob@example.org"));
    world.put(
        "alice",
        &alone("ATTENDEE:mailto:bob@example.org\nATTENDEE:mailto:team@example.org"),
    );
    assert_eq!(world.news("carol"), ["REQUEST"]);
}

#[test]
fn an_empty_group_invites_nobody() {
    let mut world = World {
        members: vec!["alice"],
        ..new_world()
    };
    world.put("alice", &meeting("ATTENDEE:mailto:team@example.org"));
    assert!(world.inboxes.is_empty() && world.mails.is_empty());
    assert!(
        world
            .line("alice", "ATTENDEE", TEAM)
            .contains("SCHEDULE-STATUS=2.7")
    );
}

/// Who came into the team, and who left it, in a world where the others are in it.
fn followed(
    world: &World,
    object: &CalendarObject,
    came: &[&str],
    left: &[&str],
) -> Option<MembersFollowed> {
    let ids = |names: &[&str]| names.iter().map(|name| world.people[name].id).collect();
    let (joined, left) = (ids(came), ids(left));
    follow_members(
        object,
        &world.directory(),
        &MembersChanged {
            owner: world.people["alice"].id,
            group: world.people["team"].id,
            joined: &joined,
            left: &left,
            now: Timestamp(1_767_225_600_000),
            floating: &calendar::Zone::utc(),
        },
    )
}

#[test]
fn who_comes_and_who_leaves_are_followed() {
    let world = |members: &[&'static str]| World {
        members: members.to_vec(),
        ..new_world()
    };
    let team = "ATTENDEE;CUTYPE=GROUP:mailto:team@example.org\n";
    let by_team = "ATTENDEE;MEMBER=\"mailto:team@example.org\":mailto:bob@example.org\n";
    let carol = "ATTENDEE;MEMBER=\"mailto:team@example.org\":mailto:carol@example.org\n";
    let personally = "ATTENDEE:mailto:bob@example.org\n";
    let sends = "ATTENDEE;MEMBER=\"mailto:team@example.org\";PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:carol@example.org\":mailto:bob@example.org\n";
    let sent = "ATTENDEE;DELEGATED-FROM=\"mailto:bob@example.org\":mailto:carol@example.org\n";
    let off = "STATUS:CANCELLED\n";
    // who is in the team now, what the meeting says, who came, who left, and who then came in and went out
    type Case<'a> = (
        &'a [&'static str],
        String,
        &'a [&'a str],
        &'a [&'a str],
        &'a str,
        &'a str,
    );
    let cases: [Case<'_>; 13] = [
        (&["bob"], team.to_owned(), &["bob"], &[], "bob", ""),
        // the organizer, who is not in the team any more, and who is invited already
        (&["alice", "bob"], team.to_owned(), &["alice"], &[], "", ""),
        (&["carol"], team.to_owned(), &["bob"], &[], "", ""),
        (
            &["bob"],
            format!("{team}{personally}"),
            &["bob"],
            &[],
            "",
            "",
        ),
        (&["bob"], personally.to_owned(), &["bob"], &[], "", ""),
        (&["bob"], format!("{team}{off}"), &["bob"], &[], "", ""),
        (
            &["carol"],
            format!("{team}{by_team}{carol}"),
            &[],
            &["bob"],
            "",
            "bob",
        ),
        (
            &["carol"],
            format!("{team}{by_team}{carol}"),
            &["carol"],
            &["bob"],
            "",
            "bob",
        ),
        // in it again, invited personally, and not the one who left
        (&["bob"], format!("{team}{by_team}"), &[], &["bob"], "", ""),
        (
            &["carol"],
            format!("{team}{personally}{carol}"),
            &[],
            &["bob"],
            "",
            "",
        ),
        (
            &["carol"],
            format!("{team}{by_team}{carol}"),
            &[],
            &["room"],
            "",
            "",
        ),
        // with whom they sent
        (
            &["room"],
            format!("{team}{sends}{sent}"),
            &[],
            &["bob"],
            "",
            "bob carol",
        ),
        (
            &["carol"],
            format!("{team}{by_team}"),
            &["carol"],
            &["bob"],
            "carol",
            "bob",
        ),
    ];
    for (members, lines, came, left, comes_in, goes_out) in cases {
        let world = world(members);
        let followed = followed(&world, &meeting(&lines), came, left);
        let names = |who: &BTreeSet<String>| -> String {
            let names = who
                .iter()
                .map(|it| it.replace("mailto:", "").replace("@example.org", ""));
            names.collect::<Vec<_>>().join(" ")
        };
        let (in_, out) = followed.map_or((String::new(), String::new()), |followed| {
            (names(&followed.came), names(&followed.went))
        });
        assert_eq!(
            (in_.as_str(), out.as_str()),
            (comes_in, goes_out),
            "{members:?} {lines}"
        );
    }
}

/// Somebody who is in another group that is invited stays, and only the group that they left is taken off.
#[test]
fn who_is_held_by_another_group_stays() {
    let mut world = house();
    let mut other = Principal::clone(&world.people["team"]);
    (other.id, other.addresses) = (PrincipalId(99), vec!["mailto:other@example.org".to_owned()]);
    world.members = vec!["carol"];
    let both = "ATTENDEE;MEMBER=\"mailto:team@example.org\",\"mailto:other@example.org\":mailto:bob@example.org\n";
    let lines =
        format!("ATTENDEE:mailto:team@example.org\nATTENDEE:mailto:other@example.org\n{both}");
    let mut directory = world.directory();
    let other = Arc::new(other);
    directory.insert("mailto:other@example.org", Addressee::Local(other.clone()));
    directory.insert_members(other.id, vec![world.people["bob"].clone()]);
    let left = [world.people["bob"].id].into();
    let followed = follow_members(
        &meeting(&lines),
        &directory,
        &MembersChanged {
            owner: world.people["alice"].id,
            group: world.people["team"].id,
            joined: &Default::default(),
            left: &left,
            now: Timestamp(1_767_225_600_000),
            floating: &calendar::Zone::utc(),
        },
    );
    let followed = followed.unwrap();
    assert!(followed.went.is_empty());
    let lines = people_lines(&followed.object);
    let expected = "ATTENDEE;MEMBER=\"mailto:other@example.org\":mailto:bob@example.org";
    assert!(lines.contains(&expected.to_owned()), "{lines:?}");
}

/// Who is in a meeting with a group is so after an edit by a client that does not know MEMBER.
#[test]
fn a_client_that_does_not_know_groups_makes_nobody_stay() {
    let mut world = house();
    world.put("alice", &meeting("ATTENDEE:mailto:team@example.org"));
    let edited = dropped::reduced(world.copy("alice"), &["CN", "ROLE", "CUTYPE", "PARTSTAT"]);
    world.inboxes.clear();
    world.put("alice", &edited);
    assert!(world.inboxes.is_empty());
    world.members = vec!["alice", "carol", "room"];
    let followed = followed(&world, world.copy("alice"), &[], &["bob"]).unwrap();
    assert_eq!(followed.went, [BOB.to_owned()].into());
    // without the group, the organizer invites those who are left
    let mut alone = edited.clone();
    for entry in alone.entries_mut() {
        entry.retain_properties(|line| line.raw_value() != TEAM);
    }
    world.put("alice", &alone);
    assert!(
        !people_lines(world.copy("alice"))
            .concat()
            .contains("MEMBER")
    );
}

/// RFC 6638 §3.2.9, 2.7: it is expanded once, and that is when it becomes a group here, or when its meeting is scheduled at
/// all.
#[test]
fn a_group_that_stood_there_already_is_expanded_once() {
    for (status, is_dormant) in [("1.1", false), ("5.3", false), ("2.7", true)] {
        let mut world = house();
        let stored = format!("ATTENDEE;SCHEDULE-STATUS={status}:{TEAM}");
        world.calendars.insert("alice", meeting(&stored));
        if is_dormant {
            world.dormant.insert("alice");
        }
        world.edit("alice", "DTSTART", "20260301T080000Z");
        for who in ["bob", "carol", "room"] {
            assert_eq!(world.news(who), ["REQUEST"], "{status} {who}");
        }
        let team = world.line("alice", "ATTENDEE", TEAM);
        assert!(team.contains("SCHEDULE-STATUS=2.7"), "{team}");
        let mut without = world.copy("alice").clone();
        for entry in without.entries_mut() {
            entry.retain_properties(|line| line.raw_value() != CAROL);
        }
        world.put("alice", &without);
        assert_eq!(world.news("carol"), ["CANCEL"], "{status}");
        world.edit("alice", "SUMMARY", "Other");
        assert!(world.news("carol").is_empty(), "{status}");
    }
}

/// RFC 6638 §7.1: the server does nothing for a group that is left to others, until it is not any more.
#[test]
fn a_group_that_is_left_to_others_is_not_expanded() {
    for agent in ["CLIENT", "NONE"] {
        let mut world = house();
        let left = format!("ATTENDEE;SCHEDULE-AGENT={agent};SCHEDULE-STATUS=2.7:{TEAM}");
        world.put("alice", &meeting(&left));
        assert!(world.inboxes.is_empty(), "{agent}");
        assert_eq!(world.line("alice", "ATTENDEE", BOB), "", "{agent}");
        let stored = world.copy("alice").clone();
        assert!(groups(&stored, &world.directory()).is_empty());
        assert_eq!(followed(&world, &stored, &["bob"], &[]), None);
        world.put("alice", &meeting("ATTENDEE:mailto:team@example.org"));
        assert_eq!(world.news("bob"), ["REQUEST"], "{agent}");
    }
}

/// An instance that is over says who was there, also where it has a component for an answer alone.
#[test]
fn who_left_was_there() {
    for (day, was_there) in [("20251230", true), ("20260301", false)] {
        let mut world = house();
        let daily = meeting("RRULE:FREQ=DAILY;COUNT=9\nATTENDEE:mailto:team@example.org");
        let text = String::from_utf8(daily.to_octets().to_vec()).unwrap();
        let daily = text.replace("20260301", day);
        let daily = CalendarObject::parse(daily.as_bytes(), &Limits::default()).unwrap();
        world.put("alice", &daily);
        let mut object = world.copy("bob").clone();
        let copy = Meeting::of(&object);
        let first = copy.key_of_start(copy.series().unwrap()).unwrap();
        let mut own = copy.component_at(first).unwrap();
        for line in own.properties_mut().filter(|line| line.raw_value() == BOB) {
            line.set_parameter("PARTSTAT", "ACCEPTED").unwrap();
        }
        object.calendar_mut().push_component(own);
        world.put("bob", &object);
        world.members = vec!["alice", "carol", "room"];
        let followed = followed(&world, world.copy("alice"), &[], &["bob"]).unwrap();
        world.put("alice", &followed.object);
        let names_bob = |entry: &calendar::Component| {
            let mut lines = entry.properties_named("ATTENDEE");
            lines.any(|line| line.raw_value() == BOB)
        };
        let names: Vec<bool> = world.copy("alice").entries().map(names_bob).collect();
        assert_eq!(names, [false, was_there], "{day}");
    }
}

/// RFC 6638 §7.2 and §3.2.9: what SCHEDULE-FORCE-SEND says is not understood, and the group is expanded all the same.
#[test]
fn a_group_stays_expanded_whatever_is_to_be_sent_to_it() {
    let mut world = house();
    world.put("alice", &meeting(&format!("ATTENDEE:{TEAM}")));
    let mut object = world.copy("alice").clone();
    for entry in object.entries_mut() {
        entry.retain_properties(|line| line.raw_value() != CAROL);
        let mut lines = entry.properties_mut();
        let team = lines.find(|line| line.raw_value() == TEAM).unwrap();
        team.set_parameter("SCHEDULE-FORCE-SEND", "PERHAPS")
            .unwrap();
    }
    for summary in ["Plan", "Other"] {
        world.put("alice", &object);
        let team = world.line("alice", "ATTENDEE", TEAM);
        assert!(team.contains("SCHEDULE-STATUS=\"2.3,2.7\""), "{team}");
        assert!(!team.contains("FORCE"), "{team}");
        assert_eq!(world.line("alice", "ATTENDEE", CAROL), "", "{summary}");
        for entry in object.entries_mut() {
            entry.set_raw_value("SUMMARY", summary).unwrap();
        }
    }
    world.edit("alice", "LOCATION", "Hall");
    assert_eq!(world.line("alice", "ATTENDEE", CAROL), "");
}
