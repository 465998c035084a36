//! Cases of the list of behaviours that stand in no other story, named by their chapters.

use super::*;

/// The ten Mondays at nine o'clock in an office whose clock is so far from UTC.
fn at_the_office(offset: &str, name: &str) -> CalendarObject {
    let zone = format!(
        "BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZNAME:{name}\r\n\
         TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    );
    let lines = series("bob carol", "").replace(
        "DTSTART:20260302T090000Z",
        "DTSTART;TZID=Office:20260302T090000",
    );
    let lines = lines.replace("DTEND:20260302T100000Z", "DURATION:PT1H");
    let text = String::from_utf8(set(&[&lines]).to_octets().to_vec()).unwrap();
    CalendarObject::parse(
        text.replace("BEGIN:VEVENT", &zone).as_bytes(),
        &Limits::default(),
    )
    .unwrap()
}

#[test]
fn a_zone_that_means_something_else_asks_anew() {
    // C2.6: instants are compared, not text
    let mut world = new_world();
    world.put("alice", &at_the_office("+0100", "One"));
    world.answer("bob", "ACCEPTED");
    world.letters("bob");
    world.put("alice", &at_the_office("+0100", "Another"));
    assert_eq!(world.shape("bob"), ["series bob+ carol?"]);
    world.letters("bob");
    world.put("alice", &at_the_office("+0200", "Another"));
    assert_eq!(world.shape("bob"), ["series bob? carol?"]);
    assert_eq!(world.letters("bob"), ["REQUEST series"]);
    assert_eq!(sequences(world.copy("bob")), [("series".to_owned(), 1)]);
    let text = String::from_utf8(world.copy("bob").to_octets().to_vec()).unwrap();
    assert!(text.contains("TZOFFSETTO:+0200"), "{text}");
}

#[test]
fn what_is_over_is_called_off_all_the_same() {
    // C4.1; RFC 6638 §3.2.1.3 knows no exception
    const TWO_YEARS: i64 = 2 * 365 * 24 * 60 * MINUTE;
    let mut world = accepted();
    world.now.0 += TWO_YEARS;
    world.delete("alice");
    assert_eq!(world.letters("bob"), ["CANCEL series"]);
    assert_eq!(world.shape("bob"), ["series cancelled bob+ carol+"]);
}

#[test]
fn an_instance_that_outlived_its_series_is_called_off_with_the_object() {
    // C4.1: the series was called off before, and tells nobody anything
    let mut world = new_world();
    let left = instance("0323", 9, "bob", "");
    let series = series("bob", "STATUS:CANCELLED");
    world.put("alice", &set(&[&series, &left]));
    assert_eq!(world.letters("bob"), ["REQUEST 0323"]);
    world.delete("alice");
    assert_eq!(world.letters("bob"), ["CANCEL 0323"]);
    assert_eq!(world.shape("bob"), ["0323 cancelled bob?"]);
}

#[test]
fn what_is_left_of_a_series_comes_later_than_its_cancellation() {
    // C4: SEQUENCE says nothing across components, so that whoever compares them goes by DTSTAMP
    let mut world = new_world();
    let instance = instance("0323", 9, "bob carol", "");
    world.put("alice", &set(&[&series("bob carol", ""), &instance]));
    world.letters("bob");
    world.put("alice", &set(&[&series("carol", ""), &instance]));
    let items = world.inboxes.remove("bob").unwrap();
    let stamp = |item: &CalendarObject| {
        let entry = item.entries().next().unwrap();
        entry.raw_value("DTSTAMP").unwrap().to_owned()
    };
    let letters: Vec<String> = items.iter().map(letter).collect();
    assert_eq!(letters, ["CANCEL series", "REQUEST 0323"]);
    assert!(stamp(&items[0]) < stamp(&items[1]), "{items:?}");
}

#[test]
fn what_clients_add_for_themselves_is_nobody_elses_business() {
    // C11
    let alarm = |more: &str| {
        let text = format!("BEGIN:VALARM\nTRIGGER:-PT5M\nACTION:DISPLAY\n{more}\nEND:VALARM\n");
        calendar::Component::parse(text.as_bytes(), &Limits::default()).unwrap()
    };
    // Apple: who snoozes one instance stores it as it is, with an alarm of its own
    let mut world = accepted();
    let alice = world.copy("alice").clone();
    world.answer_instance("bob", "0309", "ACCEPTED");
    world.change_copy("bob", |calendar| {
        for entry in calendar.components_mut().filter(|it| it.is("VEVENT")) {
            entry.push_component(alarm("ACKNOWLEDGED:20260309T085500Z"));
        }
    });
    assert_eq!(world.letters("alice"), [""; 0]);
    assert_eq!(world.copy("alice"), &alice);
    // Apple: a dummy that says that there is no default alarm
    world.change_copy("bob", |calendar| {
        let mut entries = calendar.components_mut().filter(|it| it.is("VEVENT"));
        entries
            .next()
            .unwrap()
            .push_component(alarm("X-APPLE-DEFAULT-ALARM:TRUE"));
    });
    assert_eq!(world.letters("alice"), [""; 0]);
    world.edit("alice", "LOCATION", "Hall");
    let text = String::from_utf8(world.copy("bob").to_octets().to_vec()).unwrap();
    assert!(text.contains("X-APPLE-DEFAULT-ALARM"), "{text}");
    // the instance that was snoozed is as the series, and is it again when that is at another time
    let snoozed = world.copy("bob").entries().nth(1).unwrap();
    assert_eq!(snoozed.raw_value("LOCATION"), Some("Hall"));
    assert!(text.contains("ACKNOWLEDGED:20260309T085500Z"), "{text}");
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0309 bob+ carol+"]
    );
    let text = String::from_utf8(world.copy("carol").to_octets().to_vec()).unwrap();
    assert!(!text.contains("VALARM"), "{text}");
    let later = series("bob carol", "").replace("T09", "T08");
    world.put("alice", &set(&[&later.replace("T10", "T09")]));
    assert_eq!(world.shape("bob"), ["series bob? carol?"]);
    // iOS 8: accepted, and said to be free
    let mut world = accepted();
    world.change_copy("bob", |calendar| {
        for entry in calendar.components_mut().filter(|it| it.is("VEVENT")) {
            entry.set_raw_value("TRANSP", "TRANSPARENT").unwrap();
        }
    });
    world.answer("bob", "TENTATIVE");
    assert_eq!(world.shape("alice"), ["series bob~ carol+"]);
    for other in ["alice", "carol"] {
        let series = world.copy(other).entries().next().unwrap();
        assert_eq!(series.raw_value("TRANSP"), None, "{other}");
    }
    // eM Client
    let mut world = accepted();
    world.edit("alice", "X-MICROSOFT-CDO-ALLDAYEVENT", "FALSE");
    assert_eq!(world.letters("bob"), [""; 0]);
    let series = world.copy("bob").entries().next().unwrap();
    assert_eq!(series.raw_value("X-MICROSOFT-CDO-ALLDAYEVENT"), None);
}

#[test]
fn a_client_that_stores_one_instance_alone() {
    // C11: Evolution answers an instance by a file that has nothing else
    let mut world = accepted();
    let declined = instance("0309", 9, "bob carol", "").replace(
        "ATTENDEE:mailto:bob",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:bob",
    );
    world.put("bob", &set(&[&declined]));
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0309 bob- carol+"]
    );
    assert_eq!(world.letters("alice"), ["REPLY 0309"]);
    assert_eq!(
        world.shape("alice"),
        ["series bob+ carol+", "0309 bob- carol+"]
    );
}

#[test]
fn an_instance_from_before_the_series() {
    // C2.13, C11: the organizer's is an instance like any other; an attendee can make up none
    let mut world = accepted();
    let early = instance("0223", 11, "bob carol", "");
    world.put(
        "bob",
        &set(&[
            &series("bob carol", "").replace("ATTENDEE", "ATTENDEE;PARTSTAT=ACCEPTED"),
            &early,
        ]),
    );
    assert_eq!(world.shape("bob"), ["series bob+ carol+"]);
    assert_eq!(world.letters("alice"), [""; 0]);
    world.put("alice", &set(&[&series("bob carol", ""), &early]));
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0223 bob? carol?"]
    );
    assert_eq!(world.letters("bob"), ["REQUEST 0223"]);
    // and it is called off like any other
    world.put("alice", &set(&[&series("bob carol", "")]));
    assert_eq!(world.letters("bob"), ["CANCEL 0223"]);
    assert_eq!(
        world.shape("bob"),
        ["series bob+ carol+", "0223 cancelled bob? carol?"]
    );
}

#[test]
fn a_thousand_instances_of_their_own() {
    // C12
    const NUMBER: usize = 1_000;
    let start: jiff::civil::DateTime = "2026-03-02T09:00:00".parse().unwrap();
    let day = |number: usize| {
        let day = start
            .checked_add(jiff::Span::new().days(number as i64))
            .unwrap();
        day.strftime("%Y%m%dT").to_string()
    };
    let daily = format!(
        "DTSTART:20260302T090000Z\nDTEND:20260302T100000Z\nRRULE:FREQ=DAILY;COUNT={NUMBER}\n{}",
        invited("bob")
    );
    let meeting = |place: &str| {
        let own = (0..NUMBER).map(|number| {
            let (day, place) = (day(number), if number == 500 { place } else { "Room" });
            format!("RECURRENCE-ID:{day}090000Z\nDTSTART:{day}110000Z\nDTEND:{day}120000Z\nLOCATION:{place}\n{}", invited("bob"))
        });
        let own: Vec<String> = [daily.clone()].into_iter().chain(own).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        set(&own)
    };
    let mut world = new_world();
    world.put("alice", &meeting("Room"));
    assert_eq!(world.copy("bob").entries().count(), NUMBER + 1);
    world.letters("bob");
    // one of them changes, and it alone is told
    world.put("alice", &meeting("Hall"));
    let letters = world.letters("bob");
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].split(' ').count(), 2, "{letters:?}");
    assert_eq!(world.copy("bob").entries().count(), NUMBER + 1);
    world.answer("bob", "ACCEPTED");
    let accepted = world
        .copy("alice")
        .entries()
        .flat_map(|it| it.properties_named("ATTENDEE"));
    let accepted = accepted.filter(|it| entry::participation(it) == "ACCEPTED");
    assert_eq!(accepted.count(), NUMBER + 1);
}

#[test]
fn an_instance_at_the_end_of_time() {
    // C12: a series without end is not walked through to the year 9999
    let mut world = new_world();
    let endless = series("bob", "").replace(";COUNT=10", "");
    world.put("alice", &set(&[&endless]));
    let before = world.copy("alice").clone();
    let reply = event(
        "UID:1\nDTSTAMP:20260201T000000Z\nRECURRENCE-ID:99991231T090000Z\nORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org",
    );
    let receipt = world.mail_in("alice", Method::Reply, "mailto:bob@example.org", reply);
    assert_eq!(receipt.copy, CopyChange::Unchanged);
    assert_eq!(world.copy("alice"), &before);
}
