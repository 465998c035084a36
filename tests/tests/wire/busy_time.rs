//! Questions for busy time that are put to an outbox (RFC 6638 §5, RFC 5546 §3.3): what counts, and who is told
//! (cases C7, C10 and C12).

use server::limits::Limits;
use tests::{
    client::{Client, Reply},
    server::TestServer,
};

use super::{calendar, event, inbox_rights::deny, only_object, put_new};

const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const BOB_HOME: &str = "/dav/calendars/users/bob/";

/// What is said about one person.
#[derive(Debug, PartialEq)]
struct Told {
    recipient: String,
    /// REQUEST-STATUS without its words.
    status: String,
    /// The FREEBUSY lines, without the property's name; `None` without calendar data.
    periods: Option<Vec<String>>,
}

/// A question of somebody about 2 to 9 November 2026.
fn question(who: &str, addresses: &[&str]) -> String {
    let attendees: String = addresses
        .iter()
        .map(|address| format!("ATTENDEE:{address}\r\n"))
        .collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\n\
         DTSTAMP:20261101T080000Z\r\nDTSTART:20261102T000000Z\r\nDTEND:20261109T000000Z\r\n\
         ORGANIZER:mailto:{who}@example.com\r\n{attendees}END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
}

async fn post(client: &Client, who: &str, question: String) -> Reply {
    let outbox = format!("/dav/calendars/users/{who}/outbox/");
    let draft = client.request("POST", &outbox);
    let draft = draft.header("Content-Type", "text/calendar; charset=utf-8");
    draft.body(question).send().await
}

async fn ask(server: &TestServer, who: &str, addresses: &[&str]) -> Vec<Told> {
    let reply = post(&server.client(who), who, question(who, addresses)).await;
    reply.expect(&[200]);
    let name = |local: &str| format!("{{{CALDAV}}}{local}");
    let document = reply.xml();
    let responses = document.descendants(&name("response"));
    let told = responses.into_iter().map(|response| {
        let status = response.child(&name("request-status")).unwrap().all_text();
        let data = response.child(&name("calendar-data"));
        Told {
            recipient: response.child(&name("recipient")).unwrap().all_text(),
            status: status.split(';').next().unwrap().to_owned(),
            periods: data.map(|data| periods(&data.all_text())),
        }
    });
    told.collect()
}

fn periods(text: &str) -> Vec<String> {
    let unfolded = text.replace("\r\n ", "").replace("\n ", "");
    let lines = unfolded
        .lines()
        .filter_map(|line| line.strip_prefix("FREEBUSY;FBTYPE="));
    lines.map(str::to_owned).collect()
}

/// Bob's busy periods, as Carol is told.
async fn periods_of_bob(server: &TestServer) -> Vec<String> {
    let mut told = ask(server, "carol", &["mailto:bob@example.com"]).await;
    assert_eq!((told.len(), &*told[0].status), (1, "2.0"), "{told:?}");
    told.remove(0).periods.unwrap()
}

/// RFC 6638 §5 and §10.2, C7 and C10: one answer for each person, in their order, each with a status of its own; whom the
/// asker may not ask about is 3.8, nobody's address here 3.7, and whoever is elsewhere or out of the house 5.3.
#[tokio::test]
async fn rfc_6638_5_each_person_has_an_answer() {
    let server = TestServer::start().await;
    let gone = server.add_person("dave", "Dave").await;
    let store = server.store();
    let changed = store.change_principal(gone, |dave| dave.disabled = true);
    changed.await.unwrap();
    put_new(
        &server.client("bob"),
        &(calendar("bob") + "1.ics"),
        &event("1", ""),
    )
    .await;
    let carol = server.client("carol");
    put_new(&carol, &(calendar("carol") + "1.ics"), &event("1", "")).await;
    deny(&carol, "carol", "alice", "schedule-query-freebusy").await;
    let of_bob = Some(vec!["BUSY:20261102T090000Z/20261102T100000Z".to_owned()]);
    let expected = [
        ("mailto:nobody@example.com", "3.7", None),
        ("mailto:bob@example.com", "2.0", of_bob),
        ("mailto:carol@example.com", "3.8", None),
        ("mailto:xenia@elsewhere.example", "5.3", None),
        ("mailto:dave@example.com", "5.3", None),
        ("mailto:alice@example.com", "2.0", Some(Vec::new())),
    ];
    let addresses: Vec<&str> = expected.iter().map(|(address, ..)| *address).collect();
    let expected = expected.clone().map(|(recipient, status, periods)| Told {
        recipient: recipient.to_owned(),
        status: status.to_owned(),
        periods,
    });
    assert_eq!(ask(&server, "alice", &addresses).await, expected);
    // The others may still ask about Carol, and she about herself.
    for who in ["bob", "carol"] {
        let told = ask(&server, who, &["mailto:carol@example.com"]).await;
        assert_eq!(told[0].status, "2.0", "{who}: {told:?}");
    }
}

/// RFC 4791 §7.10, C10: what an event makes of its time.
#[tokio::test]
async fn rfc_4791_7_10_what_events_make_of_their_time() {
    let server = TestServer::start().await;
    let bob = server.client("bob");
    let at = calendar("bob") + "1.ics";
    for (lines, kind) in [
        ("", Some("BUSY")),
        ("TRANSP:OPAQUE\nSTATUS:CONFIRMED\n", Some("BUSY")),
        ("STATUS:TENTATIVE\n", Some("BUSY-TENTATIVE")),
        ("STATUS:CANCELLED\n", None),
        ("TRANSP:TRANSPARENT\n", None),
        ("CLASS:PRIVATE\n", Some("BUSY")),
    ] {
        bob.put(&at, &event("1", lines)).await.expect(&[201, 204]);
        let expected = kind.map(|kind| format!("{kind}:20261102T090000Z/20261102T100000Z"));
        let expected: Vec<String> = expected.into_iter().collect();
        assert_eq!(periods_of_bob(&server).await, expected, "{lines}");
    }
}

/// Alice's meeting with Bob, every day of three.
fn meeting() -> String {
    event(
        "m",
        "RRULE:FREQ=DAILY;COUNT=3\nORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\n",
    )
}

/// Bob's copy of it: its path and text.
async fn copy(bob: &Client) -> (String, String) {
    let path = only_object(bob, &calendar("bob")).await;
    let text = bob.get(&path).await.text().replace("\r\n ", "");
    (path, text)
}

/// The same answer of Bob's everywhere in a text.
fn answered(text: &str, status: &str) -> String {
    let lines = text.lines().map(|line| {
        let is_his = line.starts_with("ATTENDEE") && line.ends_with(":mailto:bob@example.com");
        match is_his {
            true => format!("ATTENDEE;PARTSTAT={status}:mailto:bob@example.com\r\n"),
            false => format!("{line}\r\n"),
        }
    });
    lines.collect()
}

/// C10 and the table of decisions: what somebody has not answered is tentative for them, as is what they may come to; what
/// they declined, or what is off, is free.
#[tokio::test]
async fn an_invitation_counts_by_its_answer() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let original = calendar("alice") + "m.ics";
    alice.put(&original, &meeting()).await.expect(&[201]);
    let all = |kind: &str| {
        ["02", "03", "04"].map(|day| format!("{kind}:202611{day}T090000Z/202611{day}T100000Z"))
    };
    assert_eq!(periods_of_bob(&server).await, all("BUSY-TENTATIVE"));
    let (path, text) = copy(&bob).await;
    for (status, kind) in [
        ("TENTATIVE", Some("BUSY-TENTATIVE")),
        ("ACCEPTED", Some("BUSY")),
        ("DECLINED", None),
        ("ACCEPTED", Some("BUSY")),
    ] {
        bob.put(&path, &answered(&text, status))
            .await
            .expect(&[204]);
        let expected: Vec<String> = kind.map(all).into_iter().flatten().collect();
        assert_eq!(periods_of_bob(&server).await, expected, "{status}");
    }
    // One of the three is declined, another one is off.
    let begin = text.find("BEGIN:VEVENT").unwrap();
    let end = text.find("END:VCALENDAR").unwrap();
    let instance = text[begin..end]
        .replace("RRULE:FREQ=DAILY;COUNT=3", "RECURRENCE-ID:20261103T090000Z")
        .replace(":20261102T", ":20261103T");
    let declined = format!(
        "{}{}END:VCALENDAR\r\n",
        answered(&text[..end], "ACCEPTED"),
        answered(&instance, "DECLINED")
    );
    bob.put(&path, &declined).await.expect(&[204]);
    let [first, _, third] = all("BUSY");
    assert_eq!(periods_of_bob(&server).await, [first.clone(), third]);
    let shorter = alice.get(&original).await.text().replace(
        "RRULE:FREQ=DAILY;COUNT=3",
        "RRULE:FREQ=DAILY;COUNT=3\r\nEXDATE:20261104T090000Z",
    );
    alice.put(&original, &shorter).await.expect(&[204]);
    assert_eq!(periods_of_bob(&server).await, [first]);
    alice.delete(&original).await.expect(&[204]);
    assert!(copy(&bob).await.1.contains("STATUS:CANCELLED"));
    assert!(periods_of_bob(&server).await.is_empty());
}

/// The table of decisions: an installation may let count as free what nobody has answered (`unanswered_is_free`).
#[tokio::test]
async fn what_is_not_answered_may_count_as_free() {
    let server = TestServer::start_configured(|options| options.unanswered_is_free = true).await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let original = calendar("alice") + "m.ics";
    alice.put(&original, &meeting()).await.expect(&[201]);
    assert!(periods_of_bob(&server).await.is_empty());
    let (path, text) = copy(&bob).await;
    bob.put(&path, &answered(&text, "TENTATIVE"))
        .await
        .expect(&[204]);
    let told = periods_of_bob(&server).await;
    assert!(
        told.len() == 3 && told.iter().all(|it| it.starts_with("BUSY-TENTATIVE:")),
        "{told:?}"
    );
    // RFC 4791 §7.10: so it is in the report, too.
    put_new(
        &bob,
        &(calendar("bob") + "own.ics"),
        &event("own", "STATUS:TENTATIVE\n"),
    )
    .await;
    alice
        .put(
            &original,
            &meeting()
                .replace("T090000Z", "T120000Z")
                .replace("T100000Z", "T130000Z"),
        )
        .await
        .expect(&[204]);
    let body = r#"<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="20261102T000000Z" end="20261109T000000Z"/></C:free-busy-query>"#;
    let reply = bob.report(&calendar("bob"), "1", body).await;
    reply.expect(&[200]);
    assert_eq!(
        periods(reply.text()),
        ["BUSY-TENTATIVE:20261102T090000Z/20261102T100000Z"]
    );
}

/// C10 and RFC 6638 §9.1: all opaque calendars count, together, and none that is transparent, or that the asker may not
/// know the times of.
#[tokio::test]
async fn rfc_6638_9_1_all_opaque_calendars_count() {
    let server = TestServer::start().await;
    let bob = server.client("bob");
    for name in ["second", "third"] {
        let path = format!("{BOB_HOME}{name}/");
        bob.request("MKCALENDAR", &path).send().await.expect(&[201]);
    }
    put_new(&bob, &(calendar("bob") + "1.ics"), &event("1", "")).await;
    let second = event("2", "").replace("T100000Z", "T113000Z");
    put_new(&bob, &format!("{BOB_HOME}second/2.ics"), &second).await;
    let third = event("3", "").replace("20261102T", "20261105T");
    put_new(&bob, &format!("{BOB_HOME}third/3.ics"), &third).await;
    let first = "BUSY:20261102T090000Z/20261102T113000Z";
    let last = "BUSY:20261105T090000Z/20261105T100000Z";
    assert_eq!(periods_of_bob(&server).await, [first, last]);
    let transparent = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><C:schedule-calendar-transp xmlns:C="urn:ietf:params:xml:ns:caldav"><C:transparent/></C:schedule-calendar-transp></D:prop></D:set></D:propertyupdate>"#;
    let draft = bob.request("PROPPATCH", &format!("{BOB_HOME}third/"));
    draft
        .xml(transparent.to_owned())
        .send()
        .await
        .expect(&[207]);
    assert_eq!(periods_of_bob(&server).await, [first]);
    let nobody = r#"<D:acl xmlns:D="DAV:"/>"#.to_owned();
    let draft = bob.request("ACL", &format!("{BOB_HOME}second/"));
    draft.xml(nobody).send().await.expect(&[200]);
    let alone = "BUSY:20261102T090000Z/20261102T100000Z";
    assert_eq!(periods_of_bob(&server).await, [alone]);
}

/// RFC 6638 §2.1 and §11.1, C12: an outbox tells its bounds, and keeps them.
#[tokio::test]
async fn rfc_6638_11_1_a_question_is_bounded() {
    let server = TestServer::start_limited(Limits {
        maximum_resource_octets: 4_000,
        maximum_file_octets: 20_000,
        maximum_attendees: 40,
        ..Limits::default()
    })
    .await;
    let alice = server.client("alice");
    let outbox = "/dav/calendars/users/alice/outbox/";
    for (name, bound) in [
        ("max-attendees-per-instance", "40"),
        ("max-resource-size", "4000"),
    ] {
        let answer = alice.propfind(outbox, "0", &format!("<C:{name}/>")).await;
        let told = answer.multistatus().responses[0].text(&format!("{{{CALDAV}}}{name}"));
        assert_eq!(told, bound, "{name}");
    }
    let people: Vec<String> = (0..41)
        .map(|it| format!("mailto:a{it}@example.com"))
        .collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let told = ask(&server, "alice", &people[..40]).await;
    assert_eq!(told.len(), 40);
    assert!(told.iter().all(|it| it.status == "3.7"), "{told:?}");
    let refused = post(&alice, "alice", question("alice", &people)).await;
    refused.expect_precondition(403, &format!("{{{CALDAV}}}max-attendees-per-instance"));
    let long = question("alice", &people[..1]);
    let long = long.replace("UID:q", &format!("COMMENT:{}\r\nUID:q", "x".repeat(4_000)));
    let refused = post(&alice, "alice", long).await;
    refused.expect_precondition(403, &format!("{{{CALDAV}}}max-resource-size"));
}
