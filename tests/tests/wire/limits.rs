//! RFC 4791 §5.2.5 to §5.2.9: the bounds that a calendar tells are true, at the bound, just below and just
//! above; and where the wire ends.

use server::limits::Limits;
use tests::{client::Client, server::TestServer};

use super::{calendar, event, object, texts};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";

async fn server() -> TestServer {
    TestServer::start_limited(Limits {
        maximum_resource_octets: 4_000,
        maximum_file_octets: 20_000,
        maximum_attendees: 5,
        maximum_instances: 100,
        ..Limits::default()
    })
    .await
}

/// A bound, as the calendar tells it.
async fn bound(client: &Client, name: &str) -> String {
    let property = format!("<C:{name}/>");
    let answer = client.propfind(&calendar("alice"), "0", &property).await;
    answer.multistatus().responses[0].text(&format!("{CALDAV}{name}"))
}

/// Stores one object after the other, each with what is to come of it: nothing, or the precondition.
async fn expect(client: &Client, cases: &[(String, Option<&str>)]) {
    for (number, (text, precondition)) in cases.iter().enumerate() {
        let path = format!("{}{number}.ics", calendar("alice"));
        let reply = client.put(&path, text).await;
        match precondition {
            None => reply.expect(&[201]),
            Some(name) => reply.expect_precondition(403, &format!("{CALDAV}{name}")),
        };
    }
}

/// RFC 4791 §5.2.5: 403 with the element up to the largest body that is read at all, 413 above; by PUT and by
/// POST, with a length and without.
#[tokio::test]
async fn rfc_4791_5_2_5_max_resource_size() {
    let server = server().await;
    let alice = server.client("alice");
    assert_eq!(bound(&alice, "max-resource-size").await, "4000");
    let sized = |uid: &str, octets: usize| {
        let bare = event(uid, "DESCRIPTION:\n").len();
        event(uid, &format!("DESCRIPTION:{}\n", "x".repeat(octets - bare)))
    };
    let too_large = Some("max-resource-size");
    let cases = [
        (sized("below", 3_999), None),
        (sized("at", 4_000), None),
        (sized("above", 4_001), too_large),
        (sized("largest", 20_000), too_large),
    ];
    expect(&alice, &cases).await;
    let beyond = sized("beyond", 20_001);
    let reply = alice.put(&(calendar("alice") + "x.ics"), &beyond).await;
    reply.expect(&[413]);
    for (octets, status) in [(4_000, 201), (4_001, 403), (20_000, 403), (20_001, 413)] {
        let draft = alice.request("POST", &(calendar("alice") + "?add-member"));
        let reply = draft
            .body(sized(&format!("post-{octets}"), octets))
            .send()
            .await;
        reply.expect(&[status]);
        if status == 403 {
            reply.expect_precondition(403, &format!("{CALDAV}max-resource-size"));
        }
    }
}

/// RFC 4791 §5.2.6 and §5.2.7: the first and the last moment that a calendar takes.
#[tokio::test]
async fn rfc_4791_5_2_6_min_and_max_date_time() {
    let server = server().await;
    let alice = server.client("alice");
    let (first, last) = (
        bound(&alice, "min-date-time").await,
        bound(&alice, "max-date-time").await,
    );
    assert_eq!((&*first, &*last), ("19000101T000000Z", "22000101T000000Z"));
    let at = |uid: &str, start: &str| {
        object(&format!(
            "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T080000Z\nDTSTART:{start}\nEND:VEVENT\n"
        ))
    };
    let (early, late) = (Some("min-date-time"), Some("max-date-time"));
    let spanning = object(
        "BEGIN:VEVENT\nUID:span\nDTSTAMP:20261101T080000Z\nDTSTART:21991231T000000Z\nDTEND:22000101T000001Z\nEND:VEVENT\n",
    );
    let task = object(
        "BEGIN:VTODO\nUID:task\nDTSTAMP:20261101T080000Z\nDUE:22000101T000001Z\nEND:VTODO\n",
    );
    let cases = [
        (at("before", "18991231T235959Z"), early),
        (at("first", &first), None),
        (at("after", "19000101T000001Z"), None),
        (at("day-before", "18991231"), early),
        (at("until", "21991231T235959Z"), None),
        (at("last", &last), None),
        (at("beyond", "22000101T000001Z"), late),
        (spanning, late),
        (task, late),
    ];
    expect(&alice, &cases).await;
}

/// RFC 4791 §5.2.8: a series that ends has so many instances; one that does not has no number of them.
#[tokio::test]
async fn rfc_4791_5_2_8_max_instances() {
    let server = server().await;
    let alice = server.client("alice");
    assert_eq!(bound(&alice, "max-instances").await, "100");
    let many = Some("max-instances");
    let series = |uid: &str, rule: &str| event(uid, &format!("RRULE:{rule}\n"));
    let cases = [
        (series("99", "FREQ=DAILY;COUNT=99"), None),
        (series("100", "FREQ=DAILY;COUNT=100"), None),
        (series("101", "FREQ=DAILY;COUNT=101"), many),
        // From 2 November on, both ends included.
        (
            series("until-100", "FREQ=DAILY;UNTIL=20270209T090000Z"),
            None,
        ),
        (
            series("until-101", "FREQ=DAILY;UNTIL=20270210T090000Z"),
            many,
        ),
        (series("hourly", "FREQ=HOURLY;COUNT=101"), many),
        (series("endless", "FREQ=DAILY"), None),
    ];
    expect(&alice, &cases).await;
}

/// RFC 4791 §5.2.9: so many attendees of one instance.
#[tokio::test]
async fn rfc_4791_5_2_9_max_attendees_per_instance() {
    // C12
    let server = server().await;
    let alice = server.client("alice");
    assert_eq!(bound(&alice, "max-attendees-per-instance").await, "5");
    let meeting = |uid: &str, attendees: usize| {
        let mut lines = "ORGANIZER:mailto:alice@example.com\n".to_owned();
        for number in 0..attendees {
            lines.push_str(&format!("ATTENDEE:mailto:a{number}@elsewhere.example\n"));
        }
        event(uid, &lines)
    };
    let many = Some("max-attendees-per-instance");
    let cases = [
        (meeting("four", 4), None),
        (meeting("five", 5), None),
        (meeting("six", 6), many),
    ];
    expect(&alice, &cases).await;
    assert_eq!(
        server.mails(9).await.len(),
        9,
        "of the four and of the five"
    );
}

/// RFC 4791 §5.2.9: over the bound nothing is stored, and nobody hears anything, not even those who are within it: of a new
/// meeting, of an instance, and of one that grew.
#[tokio::test]
async fn rfc_4791_5_2_9_over_the_bound_nobody_is_told() {
    // C12
    let server = server().await;
    let (alice, bob) = (server.client("alice"), server.client("bob"));
    let people = |count: usize| {
        let elsewhere = |number| format!("ATTENDEE:mailto:a{number}@elsewhere.example\n");
        let elsewhere: String = (1..count).map(elsewhere).collect();
        format!("ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\n{elsewhere}")
    };
    let meeting = |series: usize, instance: usize| {
        let start = "DTSTART:20261102T090000Z\n";
        let series = format!("{start}RRULE:FREQ=DAILY;COUNT=3\n{}", people(series));
        let own = format!(
            "RECURRENCE-ID:20261102T090000Z\n{start}{}",
            people(instance)
        );
        let component = |lines: &str| {
            format!("BEGIN:VEVENT\nUID:m\nDTSTAMP:20261101T000000Z\n{lines}END:VEVENT\n")
        };
        match instance {
            0 => object(&component(&series)),
            _ => object(&(component(&series) + &component(&own))),
        }
    };
    let path = calendar("alice") + "m.ics";
    let heard = async || {
        let inbox = texts(&bob, "/dav/calendars/users/bob/inbox/").await;
        (inbox, texts(&bob, &calendar("bob")).await)
    };
    let nothing = heard().await;
    let element = format!("{CALDAV}max-attendees-per-instance");
    for over in [meeting(6, 0), meeting(2, 6)] {
        let refused = alice.put(&path, &over).await;
        refused.expect_precondition(403, &element);
        alice.get(&path).await.expect(&[404]);
        assert_eq!(heard().await, nothing);
    }
    alice.put(&path, &meeting(2, 5)).await.expect(&[201]);
    let told = (heard().await, server.mails(4).await.len());
    assert_ne!(told.0, nothing);
    assert_eq!(told.1, 4, "one to each of those elsewhere");
    let before = alice.get(&path).await;
    for over in [meeting(6, 5), meeting(2, 6)] {
        let refused = alice.put(&path, &over).await;
        refused.expect_precondition(403, &element);
        let after = alice.get(&path).await;
        assert_eq!(after.text(), before.text());
        assert_eq!(after.header("ETag"), before.header("ETag"));
        assert_eq!((heard().await, server.mails(4).await.len()), told);
    }
}

/// RFC 6585 §4: who would send too much is told when to come again, and nothing was stored or sent.
#[tokio::test]
async fn too_many_messages_in_an_hour() {
    // C12
    let server = TestServer::start_limited(Limits {
        maximum_messages_per_hour: 3,
        ..Limits::default()
    })
    .await;
    let alice = server.client("alice");
    let meeting = |uid: &str| {
        event(
            uid,
            "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:bob@example.com\nATTENDEE:mailto:x@elsewhere.example\n",
        )
    };
    let path = |name: &str| format!("{}{name}.ics", calendar("alice"));
    let first = alice.put(&path("first"), &meeting("first")).await;
    first.expect(&[201]);
    let refused = alice.put(&path("second"), &meeting("second")).await;
    let element = "{urn:x-convoke}maximum-messages-per-hour";
    refused.expect_precondition(429, element);
    let wait: u64 = refused.header("Retry-After").parse().expect("seconds");
    assert!((1..=3600).contains(&wait), "{wait}");
    alice.get(&path("second")).await.expect(&[404]);
    assert_eq!(server.mails(1).await.len(), 1);
    server.advance(std::time::Duration::from_secs(wait));
    let again = alice.put(&path("second"), &meeting("second")).await;
    again.expect(&[201]);
}

/// RFC 4791 §5.2.3: what the property lists is what a calendar takes, and nothing else; the one that everybody has,
/// one that nobody restricted, and one for tasks.
#[tokio::test]
async fn rfc_4791_5_2_3_supported_calendar_component_set() {
    const ALL: [&str; 4] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"];
    let server = server().await;
    let alice = server.client("alice");
    let only_tasks = r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"#;
    let cases: [(&str, Option<&str>, &[&str]); 3] = [
        ("calendar", None, &["VEVENT", "VTODO"]),
        ("all", Some(""), &ALL),
        ("tasks", Some(only_tasks), &["VTODO"]),
    ];
    for (name, made_by, expected) in cases {
        let place = format!("/dav/calendars/users/alice/{name}/");
        if let Some(body) = made_by {
            let draft = alice.request("MKCALENDAR", &place);
            let draft = match body {
                "" => draft,
                body => draft.xml(body.to_owned()),
            };
            draft.send().await.expect(&[201]);
        }
        let answer = alice
            .propfind(&place, "0", "<C:supported-calendar-component-set/>")
            .await
            .multistatus();
        let set = format!("{CALDAV}supported-calendar-component-set");
        let listed = answer.responses[0].property(&set).unwrap();
        let listed: Vec<&str> = listed
            .children
            .iter()
            .map(|comp| comp.attributes[0].1.as_str())
            .collect();
        assert_eq!(listed, expected, "{name}");
        for component in ALL.into_iter().chain(["VAVAILABILITY", "X-THING"]) {
            let text = object(&format!(
                "BEGIN:{component}\nUID:{name}-{component}\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T080000Z\nEND:{component}\n"
            ));
            let reply = alice.put(&format!("{place}{component}.ics"), &text).await;
            match expected.contains(&component) {
                true => reply.expect(&[201]),
                false => {
                    reply.expect_precondition(403, &format!("{CALDAV}supported-calendar-component"))
                }
            };
        }
    }
}

/// A stream of many objects is held in memory, and has a bound of its own: however large files may be.
#[tokio::test]
async fn a_stream_of_objects_is_bounded() {
    const MOST: usize = 16 * 1024 * 1024;
    let server = TestServer::start_limited(Limits {
        maximum_resource_octets: 4_000,
        maximum_file_octets: 2 * MOST as u64,
        ..Limits::default()
    })
    .await;
    let alice = server.client("alice");
    let stream = |octets: usize| {
        let text = event("a", "") + "X-REST:";
        let rest = "x".repeat(octets - text.len());
        text + &rest
    };
    for (octets, status) in [(MOST, 207), (MOST + 1, 413)] {
        let draft = alice.request("POST", &calendar("alice"));
        let draft = draft.header("Content-Type", "text/calendar");
        draft.body(stream(octets)).send().await.expect(&[status]);
    }
    // RFC 6638 §5.2: questions for busy time are no larger than an object.
    let outbox = alice.request("POST", "/dav/calendars/users/alice/outbox/");
    let outbox = outbox.header("Content-Type", "text/calendar");
    let refused = outbox.body("x".repeat(4_001)).send().await;
    refused.expect_precondition(403, &format!("{CALDAV}max-resource-size"));
}
