//! One invitation, end to end: RFC 6638 §3.2 and RFC 6047 §2, for single events.

use tests::{client::Client, server::TestServer};

use super::{calendar, event, put_new, texts};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";

fn meeting(uid: &str, lines: &str) -> String {
    event(
        uid,
        &format!(
            "ORGANIZER;CN=Alice:mailto:alice@example.com\nATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE;CN=Bob;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.com\n{lines}"
        ),
    )
}

/// The only object in a collection: its path and text.
async fn only(client: &Client, collection: &str) -> (String, String) {
    let mut paths = objects(client, collection).await;
    assert_eq!(paths.len(), 1, "{paths:?}");
    let got = client.get(&paths[0]).await;
    got.expect(&[200]);
    (paths.remove(0), unfold(got.text()))
}

fn unfold(text: &str) -> String {
    text.replace("\r\n ", "").replace("\r\n\t", "")
}

/// The line of a property that mentions this address.
fn line<'a>(text: &'a str, property: &str, address: &str) -> &'a str {
    text.lines()
        .find(|line| line.starts_with(property) && line.contains(address))
        .unwrap_or_else(|| panic!("no {property} {address} in {text}"))
}

/// RFC 6638 §3.2.1.1: a local attendee finds it in inbox and calendar; SCHEDULE-STATUS and Schedule-Tag.
#[tokio::test]
async fn rfc_6638_3_2_1_1_an_invitation_is_delivered() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "meeting.ics";
    let reply = alice.put(&path, &meeting("meeting", "")).await;
    reply.expect(&[201]);
    assert!(!reply.header("Schedule-Tag").is_empty());
    assert!(
        reply.headers.get("ETag").is_none(),
        "the stored octets are not the sent ones"
    );
    let stored = alice.get(&path).await;
    assert_eq!(stored.header("Schedule-Tag"), reply.header("Schedule-Tag"));
    let text = unfold(stored.text());
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("SCHEDULE-STATUS=\"1.2")
            || line(&text, "ATTENDEE", "bob@").contains("SCHEDULE-STATUS=1.2"),
        "{text}"
    );

    let (_, message) = only(&bob, "/dav/calendars/users/bob/inbox/").await;
    assert!(message.contains("METHOD:REQUEST"), "{message}");
    assert!(message.contains("UID:meeting"));
    let (copy, text) = only(&bob, &calendar("bob")).await;
    assert!(!text.contains("METHOD:"), "{text}");
    assert!(!text.contains("SCHEDULE-STATUS"), "{text}");
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("NEEDS-ACTION"),
        "{text}"
    );
    assert!(!bob.get(&copy).await.header("Schedule-Tag").is_empty());
    let found = bob
        .propfind(&copy, "0", "<C:schedule-tag/>")
        .await
        .multistatus();
    assert_eq!(
        found.responses[0].text(&format!("{CALDAV}schedule-tag")),
        bob.get(&copy).await.header("Schedule-Tag")
    );
}

/// RFC 6638 §3.2.2 and §3.2.10: an answer reaches the organizer; the ETag changes, the Schedule-Tag does not.
#[tokio::test]
async fn rfc_6638_3_2_2_an_answer_reaches_the_organizer() {
    // C6.1
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "meeting.ics";
    alice
        .put(&path, &meeting("meeting", ""))
        .await
        .expect(&[201]);
    let before = alice.get(&path).await;
    let (copy, _) = only(&bob, &calendar("bob")).await;
    let original = bob.get(&copy).await;
    let accepted = original
        .text()
        .replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    assert_ne!(accepted, original.text());
    let reply = bob
        .request("PUT", &copy)
        .header("Content-Type", "text/calendar")
        .header("If-Schedule-Tag-Match", original.header("Schedule-Tag"))
        .body(accepted)
        .send()
        .await;
    reply.expect(&[204]);
    let after = alice.get(&path).await;
    let text = unfold(after.text());
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("PARTSTAT=ACCEPTED"),
        "{text}"
    );
    assert!(line(&text, "ATTENDEE", "bob@").contains("2.0"), "{text}");
    assert_ne!(before.header("ETag"), after.header("ETag"));
    assert_eq!(before.header("Schedule-Tag"), after.header("Schedule-Tag"));
    let (_, message) = only(&alice, "/dav/calendars/users/alice/inbox/").await;
    assert!(message.contains("METHOD:REPLY"), "{message}");
    // The attendee's copy says that the answer was delivered (client behaviour 13).
    let text = unfold(bob.get(&copy).await.text());
    assert!(line(&text, "ORGANIZER", "alice@").contains("1.2"), "{text}");
}

/// RFC 6638 §3.2.8: a client that writes without a condition, as Evolution does, changes the place from a copy of before
/// the answer, which stays.
#[tokio::test]
async fn an_answer_survives_an_organizer_who_has_not_seen_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "m.ics";
    put_new(&alice, &path, &meeting("m", "")).await;
    let seen = alice.get(&path).await.text().to_owned();
    let (copy, invitation) = only(&bob, &calendar("bob")).await;
    let accepted = invitation.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    bob.put(&copy, &accepted).await.expect(&[204]);
    let edited = seen.replace("SUMMARY:", "LOCATION:Room 1\r\nSUMMARY:");
    alice.put(&path, &edited).await.expect(&[204]);
    for (client, path) in [(&alice, &path), (&bob, &copy)] {
        let text = unfold(client.get(path).await.text());
        let answer = line(&text, "ATTENDEE", "bob@");
        assert!(answer.contains("PARTSTAT=ACCEPTED"), "{text}");
        assert!(text.contains("LOCATION:Room 1"), "{text}");
    }
}

/// RFC 6638 §2.2: an invitation leaves the inbox when it is answered; who synchronises the inbox hears of it.
#[tokio::test]
async fn an_answered_invitation_leaves_the_inbox() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "meeting.ics";
    alice
        .put(&path, &meeting("meeting", ""))
        .await
        .expect(&[201]);
    let inbox = "/dav/calendars/users/bob/inbox/";
    let (message, _) = only(&bob, inbox).await;
    let token = bob.propfind(inbox, "0", "<D:sync-token/>").await;
    let token = token.multistatus().responses[0].text("{DAV:}sync-token");
    let (copy, text) = only(&bob, &calendar("bob")).await;
    let accepted = text.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    bob.put(&copy, &accepted).await.expect(&[204]);
    server.until_done(scheduling::desk::ANSWERED_QUEUE).await;
    bob.get(&message).await.expect(&[404]);
    let report = format!(
        "<D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
    );
    let changes = bob.report(inbox, "0", &report).await.multistatus();
    assert_eq!(changes.hrefs(), [message.as_str()]);
}

/// RFC 6638 §8.3: a stale Schedule-Tag is refused.
#[tokio::test]
async fn rfc_6638_8_3_if_schedule_tag_match() {
    // C6.2
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "meeting.ics";
    let first = alice
        .put(&path, &meeting("meeting", ""))
        .await
        .header("Schedule-Tag")
        .to_owned();
    alice
        .put(&path, &meeting("meeting", "LOCATION:Elsewhere\n"))
        .await
        .expect(&[204]);
    let refused = alice
        .request("PUT", &path)
        .header("Content-Type", "text/calendar")
        .header("If-Schedule-Tag-Match", &first)
        .body(meeting("meeting", "LOCATION:Nowhere\n"))
        .send()
        .await;
    refused.expect(&[412]);
    assert!(alice.get(&path).await.text().contains("Elsewhere"));
}

/// RFC 6638 §3.2.1.3: deletion cancels for everyone; RFC 6638 §3.2.2.3: an attendee's deletion declines.
#[tokio::test]
async fn rfc_6638_3_2_1_3_deletion_cancels_or_declines() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "meeting.ics";
    alice
        .put(&path, &meeting("meeting", ""))
        .await
        .expect(&[201]);
    alice.delete(&path).await.expect(&[204]);
    let (_, text) = only(&bob, &calendar("bob")).await;
    assert!(text.contains("STATUS:CANCELLED"), "{text}");

    let path = calendar("alice") + "second.ics";
    alice
        .put(&path, &meeting("second", ""))
        .await
        .expect(&[201]);
    let listed = bob
        .propfind(&calendar("bob"), "1", "<D:getetag/>")
        .await
        .multistatus();
    for href in listed
        .hrefs()
        .into_iter()
        .filter(|href| !href.ends_with('/'))
    {
        bob.delete(href).await.expect(&[204]);
    }
    let text = unfold(alice.get(&path).await.text());
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("PARTSTAT=DECLINED"),
        "{text}"
    );
}

/// RFC 6638 §8.1: `Schedule-Reply: F` declines without a word.
#[tokio::test]
async fn rfc_6638_8_1_schedule_reply_header() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let path = calendar("alice") + "meeting.ics";
    alice
        .put(&path, &meeting("meeting", ""))
        .await
        .expect(&[201]);
    let (copy, _) = only(&bob, &calendar("bob")).await;
    bob.request("DELETE", &copy)
        .header("Schedule-Reply", "F")
        .send()
        .await
        .expect(&[204]);
    let text = unfold(alice.get(&path).await.text());
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("NEEDS-ACTION"),
        "{text}"
    );
}

/// RFC 6047 §2: people outside get mail, and its fate is written into the object.
#[tokio::test]
async fn rfc_6047_2_people_outside_get_mail() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let path = calendar("alice") + "meeting.ics";
    let outside = "ATTENDEE;CN=\"Doe, John\";PARTSTAT=NEEDS-ACTION:mailto:john@outside.example\n";
    let reply = alice.put(&path, &meeting("meeting", outside)).await;
    reply.expect(&[201]);
    let tag = reply.header("Schedule-Tag").to_owned();
    let mails = server.mails(1).await;
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert!(mail.contains("john@outside.example"), "{mail}");
    assert!(
        mail.to_lowercase().contains("text/calendar")
            && mail.to_lowercase().contains("method=request"),
        "{mail}"
    );
    server.write_mail_statuses().await;
    let text = unfold(alice.get(&path).await.text());
    assert!(line(&text, "ATTENDEE", "john@").contains("1.1"), "{text}");
    assert_eq!(alice.get(&path).await.header("Schedule-Tag"), tag);
    // A change nobody needs to hear of sends nothing; a new place does; deletion cancels.
    alice
        .put(
            &path,
            &meeting("meeting", &format!("{outside}X-NOTE:private\n")),
        )
        .await
        .expect(&[204]);
    alice
        .put(
            &path,
            &meeting("meeting", &format!("{outside}LOCATION:Elsewhere\n")),
        )
        .await
        .expect(&[204]);
    assert_eq!(server.mails(2).await.len(), 2);
    alice.delete(&path).await.expect(&[204]);
    let mails = server.mails(3).await;
    assert_eq!(mails.len(), 3);
    assert!(
        mails[2].to_lowercase().contains("method=cancel"),
        "{}",
        mails[2]
    );
}

/// RFC 6638 §3.2.6 and §3.2.8: a series in three calendars; one is left out of an instance, one declines another, and
/// everybody sees the same.
#[tokio::test]
async fn rfc_6638_3_2_6_each_attendee_has_their_instances() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let carol = server.client("carol");
    let path = calendar("alice") + "series.ics";
    let third = "ATTENDEE;CN=Carol;PARTSTAT=NEEDS-ACTION:mailto:carol@example.com\n";
    let series = meeting("series", &format!("RRULE:FREQ=DAILY;COUNT=5\n{third}"));
    alice.put(&path, &series).await.expect(&[201]);
    let text = unfold(alice.get(&path).await.text());
    let start = text
        .lines()
        .find(|line| line.starts_with("DTSTART"))
        .unwrap();
    let day = start.rsplit(':').next().unwrap()[..8]
        .parse::<u32>()
        .unwrap();
    let named =
        |day: u32, line: &str| line.replacen(&line[line.len() - 16..][..8], &day.to_string(), 1);
    let instance = |entry: &str, day: u32| {
        let lines = entry.lines().filter(|line| !line.starts_with("RRULE"));
        let lines = lines.map(|line| match line {
            line if line.starts_with("DTSTART") => {
                let moved = named(day, line);
                format!(
                    "{}\n{moved}\n",
                    moved.replacen("DTSTART", "RECURRENCE-ID", 1)
                )
            }
            line if line.starts_with("DTEND") => format!("{}\n", named(day, line)),
            line => format!("{line}\n"),
        });
        lines.collect::<String>()
    };
    let entry_of = |text: &str| {
        let (_, rest) = text.split_once("BEGIN:VEVENT").unwrap();
        let (entry, _) = rest.split_once("END:VEVENT").unwrap();
        format!("BEGIN:VEVENT{}END:VEVENT\n", entry.replace("\r\n", "\n"))
    };
    // Carol does not come on the second day.
    let own = instance(&entry_of(&text), day + 1);
    let own: String = own
        .lines()
        .filter(|line| !line.contains("carol@"))
        .map(|line| format!("{line}\n"))
        .collect();
    let both = text
        .replace("\r\n", "\n")
        .replace("END:VCALENDAR", &format!("{own}END:VCALENDAR"));
    alice.put(&path, &both).await.expect(&[204]);
    let (_, copy) = only(&carol, &calendar("carol")).await;
    assert!(copy.contains("STATUS:CANCELLED"), "{copy}");
    let (_, copy) = only(&bob, &calendar("bob")).await;
    assert!(!copy.contains("STATUS:CANCELLED"), "{copy}");
    // Bob accepts all, and declines the third day.
    let (href, copy) = only(&bob, &calendar("bob")).await;
    let accepted = copy.replace(
        "PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@",
        "PARTSTAT=ACCEPTED:mailto:bob@",
    );
    let declined = instance(&entry_of(&accepted), day + 2).replace(
        "PARTSTAT=ACCEPTED:mailto:bob@",
        "PARTSTAT=DECLINED:mailto:bob@",
    );
    let answer = accepted
        .replace("\r\n", "\n")
        .replace("END:VCALENDAR", &format!("{declined}END:VCALENDAR"));
    bob.put(&href, &answer).await.expect(&[204]);
    let text = unfold(alice.get(&path).await.text());
    let answers: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("ATTENDEE") && line.contains("bob@"))
        .map(|line| match line.contains("DECLINED") {
            true => "declined",
            false if line.contains("ACCEPTED") => "accepted",
            false => "open",
        })
        .collect();
    let mut sorted = answers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted.last(), Some(&"declined"), "{text}");
    assert_eq!(
        answers.iter().filter(|it| **it == "declined").count(),
        1,
        "{text}"
    );
    assert!(answers.contains(&"accepted"), "{text}");
    // Carol sees Bob's answer to the third day in a component of its own.
    let (_, copy) = only(&carol, &calendar("carol")).await;
    assert!(copy.contains("PARTSTAT=DECLINED"), "{copy}");
    alice.delete(&path).await.expect(&[204]);
    let (_, copy) = only(&bob, &calendar("bob")).await;
    assert_eq!(
        copy.matches("STATUS:CANCELLED").count(),
        copy.matches("BEGIN:VEVENT").count(),
        "{copy}"
    );
}

/// RFC 6638 §3.2.4.1: one scheduling object per owner and UID, wherever it is.
#[tokio::test]
async fn rfc_6638_3_2_4_1_unique_scheduling_object_resource() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let other = "/dav/calendars/users/alice/other/";
    alice
        .request("MKCALENDAR", other)
        .send()
        .await
        .expect(&[201]);
    alice
        .put(
            &(calendar("alice") + "meeting.ics"),
            &meeting("meeting", ""),
        )
        .await
        .expect(&[201]);
    let refused = alice
        .put(&format!("{other}meeting.ics"), &meeting("meeting", ""))
        .await;
    refused.expect_precondition(403, &format!("{CALDAV}unique-scheduling-object-resource"));
    assert_eq!(
        refused.xml().descendants("{DAV:}href")[0].all_text(),
        calendar("alice") + "meeting.ics"
    );
    // A plain event may have the UID of another in another calendar.
    put_new(
        &alice,
        &(calendar("alice") + "plain.ics"),
        &event("plain", ""),
    )
    .await;
    put_new(&alice, &format!("{other}plain.ics"), &event("plain", "")).await;
}

/// The decision on C4.7: a client's own PUT of an invitation that was delivered is merged into the copy.
#[tokio::test]
async fn an_own_put_of_a_delivered_invitation_is_merged() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    alice
        .put(
            &(calendar("alice") + "meeting.ics"),
            &meeting("meeting", ""),
        )
        .await
        .expect(&[201]);
    let (copy, _) = only(&bob, &calendar("bob")).await;
    let text = bob
        .get(&copy)
        .await
        .text()
        .replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=TENTATIVE");
    let reply = bob
        .request("PUT", &(calendar("bob") + "my-own-name.ics"))
        .header("Content-Type", "text/calendar")
        .header("If-None-Match", "*")
        .body(text)
        .send()
        .await;
    reply.expect(&[200, 201, 204]);
    assert_eq!(reply.header("Content-Location"), copy);
    assert_eq!(reply.header("Location"), copy);
    let (after, text) = only(&bob, &calendar("bob")).await;
    assert_eq!(after, copy);
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("TENTATIVE"),
        "{text}"
    );
    let organizer = unfold(alice.get(&(calendar("alice") + "meeting.ics")).await.text());
    assert!(
        line(&organizer, "ATTENDEE", "bob@").contains("TENTATIVE"),
        "{organizer}"
    );
}

/// C4.7: a client that changes the calendar of an invitation puts it into the other one, and then deletes it in the first:
/// nobody declines.
#[tokio::test]
async fn an_own_put_into_another_calendar_moves_the_delivered_invitation() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let organizers = calendar("alice") + "meeting.ics";
    let invitation = meeting("meeting", "");
    alice.put(&organizers, &invitation).await.expect(&[201]);
    let private = "/dav/calendars/users/bob/private/";
    let made = bob.request("MKCALENDAR", private).send().await;
    made.expect(&[201]);
    let (copy, _) = only(&bob, &calendar("bob")).await;
    let text = bob.get(&copy).await;
    let text = text
        .text()
        .replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=TENTATIVE");
    let place = format!("{private}mine.ics");
    let put = async |text: &str| {
        let draft = bob.request("PUT", &place);
        let draft = draft.header("Content-Type", "text/calendar");
        let draft = draft.header("If-None-Match", "*");
        draft.body(text.to_owned()).send().await
    };
    let dry = bob.request("POST", &format!("{place};dry-run"));
    let dry = dry.header("Content-Type", "text/calendar");
    let told = dry.body(text.clone()).send().await;
    told.expect(&[200]);
    let told = told.text().to_owned();
    assert!(told.contains(&place) && told.contains("201"), "{told}");
    let reply = put(&text).await;
    reply.expect(&[201]);
    assert!(reply.headers.get("Content-Location").is_none());
    put(&text).await.expect(&[412]);
    bob.delete(&copy).await.expect(&[404]);
    let (moved, text) = only(&bob, private).await;
    assert_eq!(moved, place);
    assert!(
        line(&text, "ATTENDEE", "bob@").contains("TENTATIVE"),
        "{text}"
    );
    let told = unfold(alice.get(&organizers).await.text());
    assert!(
        line(&told, "ATTENDEE", "bob@").contains("TENTATIVE"),
        "{told}"
    );
    // and what comes later finds it there
    let change = meeting("meeting", "LOCATION:Garden\n");
    alice.put(&organizers, &change).await.expect(&[204]);
    let (moved, text) = only(&bob, private).await;
    assert_eq!(moved, place);
    assert!(text.contains("LOCATION:Garden"), "{text}");
}

/// Scheduling-behaviours C1.5: an invitation claimed from a local organizer who has none.
#[tokio::test]
async fn an_invented_invitation_of_a_local_organizer_is_refused() {
    let server = TestServer::start().await;
    let bob = server.client("bob");
    let refused = bob
        .put(
            &(calendar("bob") + "invented.ics"),
            &meeting("invented", ""),
        )
        .await;
    refused.expect_precondition(
        403,
        &format!("{CALDAV}allowed-attendee-scheduling-object-change"),
    );
    assert!(
        refused.text().contains("attendee-allowed"),
        "{}",
        refused.text()
    );
}

/// Two attendees and the organizer act at once: one consistent state in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_edits_at_once_end_in_one_state() {
    // C6.6
    let server = TestServer::start().await;
    let alice = server.client("alice");
    for round in 0..5 {
        let uid = format!("raced-{round}");
        let path = calendar("alice") + &uid + ".ics";
        let third = "ATTENDEE;CN=Carol;PARTSTAT=NEEDS-ACTION:mailto:carol@example.com\n";
        alice.put(&path, &meeting(&uid, third)).await.expect(&[201]);
        let mut people = tokio::task::JoinSet::new();
        for name in ["bob", "carol"] {
            let (person, uid) = (server.client(name), uid.clone());
            people.spawn(async move {
                let own = format!("mailto:{name}@example.com");
                for at in objects(&person, &calendar(name)).await {
                    let is_it = person
                        .get(&at)
                        .await
                        .text()
                        .contains(&format!("UID:{uid}\r\n"));
                    let accepted = |text: &str| {
                        let line = line(text, "ATTENDEE", &own);
                        text.replace(line, &line.replace("NEEDS-ACTION", "ACCEPTED"))
                    };
                    if is_it {
                        changed_until_it_holds(&person, &at, accepted).await;
                    }
                }
            });
        }
        let (organizer, at) = (server.client("alice"), path.clone());
        people.spawn(async move {
            for place in ["Hall", "Garden", "Roof"] {
                let moved = |text: &str| {
                    let kept = text.lines().filter(|line| !line.starts_with("LOCATION"));
                    let text = kept.collect::<Vec<_>>().join("\r\n");
                    text.replace("SUMMARY", &format!("LOCATION:{place}\r\nSUMMARY"))
                };
                changed_until_it_holds(&organizer, &at, moved).await;
            }
        });
        while let Some(done) = people.join_next().await {
            done.unwrap();
        }
        let mut states = vec![unfold(alice.get(&path).await.text())];
        for name in ["bob", "carol"] {
            let person = server.client(name);
            let copies = texts(&person, &calendar(name)).await;
            states.extend(
                copies
                    .into_iter()
                    .filter(|it| it.contains(&format!("UID:{uid}\r\n"))),
            );
        }
        assert_eq!(states.len(), 3);
        for text in states.iter().map(|text| unfold(text)) {
            assert_eq!(
                line(&text, "LOCATION", "").trim(),
                "LOCATION:Roof",
                "{text}"
            );
            for address in ["bob@", "carol@"] {
                let line = line(&text, "ATTENDEE", address);
                assert!(line.contains("PARTSTAT=ACCEPTED"), "{text}");
            }
        }
    }
}

/// Somebody changes an object, upon what they have seen: again, where somebody else came in between.
async fn changed_until_it_holds(person: &Client, at: &str, change: impl Fn(&str) -> String) {
    loop {
        let seen = person.get(at).await;
        let reply = person
            .request("PUT", at)
            .header("Content-Type", "text/calendar")
            .header("If-Schedule-Tag-Match", seen.header("Schedule-Tag"))
            .body(change(&unfold(seen.text())))
            .send()
            .await;
        reply.expect(&[204, 412]);
        if reply.status == 204 {
            return;
        }
    }
}

/// The paths of the objects in a collection.
async fn objects(client: &Client, collection: &str) -> Vec<String> {
    let listed = client.propfind(collection, "1", "<D:getetag/>").await;
    let listed = listed.multistatus();
    let objects = listed
        .hrefs()
        .into_iter()
        .filter(|href| !href.ends_with('/'));
    objects.map(str::to_owned).collect()
}
