//! Organizers elsewhere, out of reach, or of whom the owner is no attendee (RFC 6638 §3.2.2.2, §7.1).

use super::*;

#[test]
fn an_invitation_from_outside_is_answered_by_mail() {
    // RFC 6638 §3.2.2.2
    let object = |participation: &str| {
        from_outside(&format!(
            "ORGANIZER;CN=X:mailto:x@elsewhere.net\nATTENDEE;PARTSTAT={participation}:mailto:bob@example.org"
        ))
    };
    let mut world = new_world();
    world.put("bob", &object("NEEDS-ACTION"));
    assert_eq!(
        (world.mails.len(), world.copy("bob")),
        (0, &object("NEEDS-ACTION"))
    );
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.mails.len(), 1);
    assert_eq!(
        world.line("bob", "ORGANIZER", "mailto:x@elsewhere.net"),
        "ORGANIZER;CN=X;SCHEDULE-STATUS=1.0:mailto:x@elsewhere.net"
    );
    world.delete("bob");
    assert_eq!(world.mails.len(), 2);
    let mut world = new_world();
    world.put("bob", &object("TENTATIVE"));
    assert_eq!(world.mails.len(), 1);
}

#[test]
fn an_organizer_out_of_reach_is_left_alone() {
    // C3.6
    // by decision: the object says that nobody was told, and why
    for (organizer, mail_possible, status) in [
        ("mailto:x@elsewhere.net", false, "5.3"),
        ("mailto:nobody@example.org", true, "3.7"),
        ("urn:uuid:1", true, "5.3"),
        ("mailto:team@example.org", true, "5.3"),
    ] {
        let mut world = new_world();
        world.mail_possible = mail_possible;
        world.put(
            "bob",
            &from_outside(&format!(
                "ORGANIZER:{organizer}\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"
            )),
        );
        assert_eq!(
            world.line("bob", "ORGANIZER", organizer),
            format!("ORGANIZER;SCHEDULE-AGENT=NONE;SCHEDULE-STATUS={status}:{organizer}")
        );
        world.answer("bob", "DECLINED");
        world.delete("bob");
        assert_eq!(world.mails.len(), 0);
    }
}

#[test]
fn an_organizer_comes_within_reach() {
    // C3.6: it was the server that left the object to others, and mail was set up since
    let organizer = "mailto:x@elsewhere.net";
    let stored = |participation: &str| {
        from_outside(&format!(
            "ORGANIZER:{organizer}\nATTENDEE;PARTSTAT={participation}:mailto:bob@example.org"
        ))
    };
    let mut world = new_world();
    world.mail_possible = false;
    world.put("bob", &stored("NEEDS-ACTION"));
    world.mail_possible = true;
    world.answer("bob", "ACCEPTED");
    assert_eq!(world.mails.len(), 1);
    assert_eq!(
        world.line("bob", "ORGANIZER", organizer),
        format!("ORGANIZER;SCHEDULE-STATUS=1.0:{organizer}")
    );
    // nor does anybody answer who is not in it any more
    let mut world = new_world();
    world.mail_possible = false;
    world.put("bob", &stored("ACCEPTED"));
    world.mail_possible = true;
    let mut without = world.copy("bob").clone();
    for entry in without.entries_mut() {
        entry.remove_properties("ATTENDEE");
    }
    let tag = world.tag("bob");
    world.put("bob", &without);
    assert_eq!(world.copy("bob"), &without);
    assert_eq!(world.tag("bob"), tag);
    assert!(world.mails.is_empty());
    // what the client left to others stays so
    let mut world = new_world();
    let left = "ORGANIZER;SCHEDULE-AGENT=NONE";
    let text = String::from_utf8(stored("ACCEPTED").to_octets().to_vec()).unwrap();
    let left = text.replace("ORGANIZER", left);
    world.put(
        "bob",
        &CalendarObject::parse(left.as_bytes(), &Limits::default()).unwrap(),
    );
    world.answer("bob", "DECLINED");
    assert!(world.mails.is_empty());
}

#[test]
fn an_organizer_who_has_an_account_now_has_not_sent_the_meeting_from_here() {
    // RFC 6638 §7.1, C1.5: what was stored stays left alone, and is its owner's to edit
    let x = "mailto:x@elsewhere.net";
    let left = format!("ORGANIZER;SCHEDULE-AGENT=NONE;SCHEDULE-STATUS=5.3:{x}");
    for knows_parameters in [true, false] {
        let mut world = new_world();
        world.mail_possible = false;
        let attendee = format!("ATTENDEE;PARTSTAT=NEEDS-ACTION:{BOB}");
        world.put("bob", &from_outside(&format!("ORGANIZER:{x}\n{attendee}")));
        world.mail_possible = true;
        let account = principal(6, "x", PrincipalKind::User, &[x]);
        world.people.insert("x", account);
        let mut object = world.copy("bob").clone();
        for entry in object.entries_mut() {
            entry.push_component(calendar::Component::new("VALARM").unwrap());
            let line = entry.property_mut("ORGANIZER").unwrap();
            for parameter in ["SCHEDULE-AGENT", "SCHEDULE-STATUS"] {
                assert!(knows_parameters || line.remove_parameter(parameter));
            }
        }
        world.put("bob", &object);
        assert_eq!(world.line("bob", "ORGANIZER", x), left);
        let entry = world.copy("bob").entries().next().unwrap();
        assert_eq!(entry.components().count(), 1);
        world.answer("bob", "ACCEPTED");
        assert_eq!(world.line("bob", "ORGANIZER", x), left);
        assert!(world.mails.is_empty() && world.news("x").is_empty());
        // until the organizer has it
        let meeting = from_outside(&format!("ORGANIZER:{x}\nATTENDEE:{BOB}"));
        world.put("x", &meeting);
        world.answer("bob", "DECLINED");
        assert_eq!(world.news("x"), ["REPLY"]);
        let told = format!("ORGANIZER;SCHEDULE-STATUS=1.2:{x}");
        assert_eq!(
            world
                .line("bob", "ORGANIZER", x)
                .replace(";X-CONVOKE-REVISION=2-20260101T000500Z", ""),
            told
        );
    }
}

#[test]
fn somebody_elses_meeting_is_just_stored() {
    // RFC 6638 §3.1: neither organizer nor attendee
    let mut world = new_world();
    let object = from_outside("ORGANIZER:mailto:x@elsewhere.net\nATTENDEE:mailto:y@elsewhere.net");
    world.put("bob", &object);
    assert_eq!(world.copy("bob").to_octets(), object.to_octets());
    assert_eq!(world.tag("bob"), 0);
    world.delete("bob");
    assert_eq!(world.mails.len(), 0);
}

/// What somebody has who is invited, too, is not theirs to give away.
#[test]
fn a_copy_of_an_attendee_is_no_invitation() {
    let of_carol = |more: &str| {
        event(&format!(
            "UID:1\nDTSTAMP:20251231T000000Z\nDTSTART:20260301T090000Z\nORGANIZER:mailto:carol@example.org
            ATTENDEE:{ALICE}\nATTENDEE:{BOB}\n{more}"
        ))
    };
    let mut world = new_world();
    world.put("carol", &of_carol(""));
    world.edit("alice", "COMMENT", "Between us");
    world.schedule_reply = false;
    world.delete("bob");
    let claim = meeting(&format!("ATTENDEE:{BOB}"));
    let refused = world.change("bob", Some(&claim));
    assert!(matches!(refused, Err(Fault::NotInvited(_))));
}
