//! RFC 4791 §7.8, §7.10 and §9.6 to §9.9 from the outside: what a filter finds, which part of calendar data comes
//! back, when somebody is busy, and answers of any size.

use tests::{
    client::Client,
    server::TestServer,
    xml::{Element, Response},
};

use super::{calendar, event, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";
const NAMESPACES: &str = r#"xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav""#;
pub const NEW_YORK: &str = "BEGIN:VTIMEZONE\nTZID:America/New_York\nBEGIN:STANDARD\nDTSTART:20071104T020000\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20070311T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nEND:DAYLIGHT\nEND:VTIMEZONE\n";

/// The text of a property; nothing where it is not there.
fn text(response: &Response, name: &str) -> String {
    let property = response.property(name);
    property.map(Element::all_text).unwrap_or_default()
}

/// A report on alice's calendar.
async fn query(client: &Client, data: &str, filter: &str, more: &str) -> Vec<(String, String)> {
    query_in(&calendar("alice"), client, data, filter, more).await
}

/// A report on a calendar: the names of what it finds, with their calendar data.
pub async fn query_in(
    place: &str,
    client: &Client,
    data: &str,
    filter: &str,
    more: &str,
) -> Vec<(String, String)> {
    let body = format!(
        r#"<C:calendar-query {NAMESPACES}><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR">{filter}</C:comp-filter></C:filter>{more}</C:calendar-query>"#
    );
    let reply = client.report(place, "1", &body).await;
    let mut found: Vec<(String, String)> = reply
        .multistatus()
        .responses
        .iter()
        .map(|response| {
            let name = response.href.rsplit('/').next().unwrap();
            let data = text(response, &format!("{CALDAV}calendar-data"));
            (name.trim_end_matches(".ics").to_owned(), data)
        })
        .collect();
    found.sort();
    found
}

async fn names(client: &Client, filter: &str, more: &str) -> Vec<String> {
    let found = query(client, "", filter, more).await;
    found.into_iter().map(|(name, _)| name).collect()
}

async fn fill(client: &Client, objects: &[(&str, &str)]) {
    fill_in(&calendar("alice"), client, objects).await;
}

pub async fn fill_in(place: &str, client: &Client, objects: &[(&str, &str)]) {
    for (name, components) in objects {
        put_new(client, &format!("{place}{name}.ics"), &object(components)).await;
    }
}

pub fn component(name: &str, inside: &str) -> String {
    format!(r#"<C:comp-filter name="{name}">{inside}</C:comp-filter>"#)
}

pub fn property(name: &str, inside: &str) -> String {
    format!(r#"<C:prop-filter name="{name}">{inside}</C:prop-filter>"#)
}

pub fn range(start: &str, end: &str) -> String {
    format!(r#"<C:time-range start="{start}" end="{end}"/>"#)
}

/// RFC 4791 §9.9: the tables of events, to-dos and alarms, and ranges on properties.
#[tokio::test]
async fn rfc_4791_9_9_time_ranges() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    fill(
        &alice,
        &[
            ("alarm", "BEGIN:VTODO\nUID:alarm\nDTSTAMP:20260101T000000Z\nDUE:20260110T120000Z\nSUMMARY:a\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER;RELATED=END:-P2D\nREPEAT:1\nDURATION:P1D\nEND:VALARM\nEND:VTODO\n"),
            ("done", "BEGIN:VTODO\nUID:done\nDTSTAMP:20260101T000000Z\nCREATED:20260105T000000Z\nCOMPLETED:20260107T000000Z\nSTATUS:COMPLETED\nEND:VTODO\n"),
            ("started", "BEGIN:VTODO\nUID:started\nDTSTAMP:20260101T000000Z\nDTSTART:20260120T090000Z\nDURATION:PT2H\nEND:VTODO\n"),
            ("moment", "BEGIN:VEVENT\nUID:moment\nDTSTAMP:20260101T000000Z\nDTSTART:20260125T120000Z\nEND:VEVENT\n"),
            ("moved", "BEGIN:VEVENT\nUID:moved\nDTSTAMP:20260101T000000Z\nDTSTART:20260201T090000Z\nDTEND:20260201T100000Z\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\nBEGIN:VEVENT\nUID:moved\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID:20260202T090000Z\nDTSTART:20260220T090000Z\nDTEND:20260220T100000Z\nEND:VEVENT\n"),
        ],
    )
    .await;
    let (day, long) = ("20260110T000000Z", "20260111T000000Z");
    let alarm =
        |start: &str, end: &str| component("VTODO", &component("VALARM", &range(start, end)));
    let cases: Vec<(String, &[&str])> = vec![
        (component("VTODO", &range(day, long)), &["alarm"]),
        (
            component("VTODO", &range("20260106T000000Z", "20260106T120000Z")),
            &["done"],
        ),
        (
            component("VTODO", &range("20260107T000000Z", "20260108T000000Z")),
            &["done"],
        ),
        (
            component("VTODO", &range("20260108T000000Z", "20260109T000000Z")),
            &[],
        ),
        (
            component("VTODO", &range("20260120T110000Z", "20260120T120000Z")),
            &["started"],
        ),
        (
            component("VTODO", &range("20260120T110001Z", "20260120T120000Z")),
            &[],
        ),
        // Two days before it is due, and once more a day later; never when it is due.
        (alarm("20260108T120000Z", "20260108T120001Z"), &["alarm"]),
        (alarm("20260109T120000Z", "20260109T120001Z"), &["alarm"]),
        (alarm("20260110T120000Z", "20260110T120001Z"), &[]),
        (
            component("VEVENT", &range("20260125T120000Z", "20260125T120001Z")),
            &["moment"],
        ),
        (
            component("VEVENT", &range("20260125T115959Z", "20260125T120000Z")),
            &[],
        ),
        (
            component("VEVENT", &range("20260202T000000Z", "20260203T000000Z")),
            &[],
        ),
        (
            component("VEVENT", &range("20260220T093000Z", "20260220T094500Z")),
            &["moved"],
        ),
        // Ends of instances touch and do not overlap.
        (
            component("VEVENT", &range("20260201T100000Z", "20260202T000000Z")),
            &[],
        ),
        (
            component("VEVENT", r#"<C:time-range start="20260215T000000Z"/>"#),
            &["moved"],
        ),
        (
            component("VEVENT", r#"<C:time-range end="20260126T000000Z"/>"#),
            &["moment"],
        ),
        (
            component(
                "VTODO",
                &property("COMPLETED", &range("20260107T000000Z", "20260108T000000Z")),
            ),
            &["done"],
        ),
        (
            component("VTODO", &property("DUE", &range(day, long))),
            &["alarm"],
        ),
        (
            component(
                "VEVENT",
                &property("DTSTART", &range("20260220T000000Z", "20260221T000000Z")),
            ),
            &["moved"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&alice, &filter, "").await, expected, "{filter}");
    }
}

/// RFC 4791 §9.9: the tables of journals and busy times, in a calendar that takes everything.
#[tokio::test]
async fn rfc_4791_9_9_time_ranges_of_journals_and_busy_times() {
    const PLACE: &str = "/dav/calendars/users/alice/everything/";
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let made = alice.request("MKCALENDAR", PLACE).send().await;
    made.expect(&[201]);
    fill_in(
        PLACE,
        &alice,
        &[
            ("day", "BEGIN:VJOURNAL\nUID:day\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20260115\nEND:VJOURNAL\n"),
            ("moment", "BEGIN:VJOURNAL\nUID:moment\nDTSTAMP:20260101T000000Z\nDTSTART:20260115T120000Z\nEND:VJOURNAL\n"),
            ("undated", "BEGIN:VJOURNAL\nUID:undated\nDTSTAMP:20260101T000000Z\nEND:VJOURNAL\n"),
            ("span", "BEGIN:VFREEBUSY\nUID:span\nDTSTAMP:20260101T000000Z\nDTSTART:20260110T000000Z\nDTEND:20260111T000000Z\nFREEBUSY:20260110T080000Z/PT1H\nEND:VFREEBUSY\n"),
            ("periods", "BEGIN:VFREEBUSY\nUID:periods\nDTSTAMP:20260101T000000Z\nFREEBUSY:20260110T080000Z/PT1H,20260110T100000Z/20260110T110000Z\nEND:VFREEBUSY\n"),
            ("nothing", "BEGIN:VFREEBUSY\nUID:nothing\nDTSTAMP:20260101T000000Z\nEND:VFREEBUSY\n"),
        ],
    )
    .await;
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            "VJOURNAL",
            "20260115T000000Z",
            "20260116T000000Z",
            &["day", "moment"],
        ),
        ("VJOURNAL", "20260115T230000Z", "20260116T000000Z", &["day"]),
        (
            "VJOURNAL",
            "20260115T120000Z",
            "20260115T120001Z",
            &["day", "moment"],
        ),
        ("VJOURNAL", "20260115T115959Z", "20260115T120000Z", &["day"]),
        ("VJOURNAL", "20260116T000000Z", "20260117T000000Z", &[]),
        (
            "VFREEBUSY",
            "20260110T083000Z",
            "20260110T084500Z",
            &["periods", "span"],
        ),
        (
            "VFREEBUSY",
            "20260110T093000Z",
            "20260110T094500Z",
            &["span"],
        ),
        (
            "VFREEBUSY",
            "20260110T103000Z",
            "20260110T114500Z",
            &["periods", "span"],
        ),
        // A span reaches to its end and with it; a period ends before.
        (
            "VFREEBUSY",
            "20260111T000000Z",
            "20260112T000000Z",
            &["span"],
        ),
        (
            "VFREEBUSY",
            "20260110T110000Z",
            "20260110T110001Z",
            &["span"],
        ),
        ("VFREEBUSY", "20260111T000001Z", "20260112T000000Z", &[]),
    ];
    for (name, start, end, expected) in cases {
        let filter = component(name, &range(start, end));
        let found = query_in(PLACE, &alice, "", &filter, "").await;
        let found: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, *expected, "{filter}");
    }
}

/// RFC 4791 §9.7.1 to §9.7.5, §7.5: everything nested, absence, and each collation with its opposite.
#[tokio::test]
async fn rfc_4791_9_7_nested_filters() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    fill(
        &alice,
        &[
            ("asked", "BEGIN:VEVENT\nUID:asked\nDTSTAMP:20260101T000000Z\nDTSTART:20260110T090000Z\nSUMMARY:\u{dc}bung\nORGANIZER:mailto:x@example.org\nATTENDEE;PARTSTAT=NEEDS-ACTION;CN=Lisa:mailto:lisa@example.org\nATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:bob@example.org\nEND:VEVENT\n"),
            ("plain", "BEGIN:VEVENT\nUID:plain\nDTSTAMP:20260101T000000Z\nDTSTART:20260110T090000Z\nSUMMARY:Plain\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n"),
            ("todo", "BEGIN:VTODO\nUID:todo\nDTSTAMP:20260101T000000Z\nEND:VTODO\n"),
        ],
    )
    .await;
    let matching =
        |attributes: &str, text: &str| format!("<C:text-match {attributes}>{text}</C:text-match>");
    let summary = |attributes: &str, value: &str| {
        component("VEVENT", &property("SUMMARY", &matching(attributes, value)))
    };
    let attendee = |match_address: &str, parameter: &str| {
        component(
            "VEVENT",
            &property("ATTENDEE", &format!("{match_address}{parameter}")),
        )
    };
    let parameter = |name: &str, inside: &str| {
        format!(r#"<C:param-filter name="{name}">{inside}</C:param-filter>"#)
    };
    let absent = "<C:is-not-defined/>";
    let needs_action = parameter("PARTSTAT", &matching("", "NEEDS-ACTION"));
    let cases: Vec<(String, &[&str])> = vec![
        (
            summary(r#"collation="i;ascii-casemap""#, "BUNG"),
            &["asked"],
        ),
        (summary(r#"collation="i;ascii-casemap""#, "\u{fc}bung"), &[]),
        (
            summary(r#"collation="i;unicode-casemap""#, "\u{fc}BUNG"),
            &["asked"],
        ),
        (summary(r#"collation="i;octet""#, "lain"), &["plain"]),
        (summary(r#"collation="i;octet""#, "LAIN"), &[]),
        (
            summary(r#"collation="i;octet" negate-condition="yes""#, "lain"),
            &["asked"],
        ),
        (
            summary(
                r#"collation="i;unicode-casemap" negate-condition="yes""#,
                "\u{fc}bung",
            ),
            &["plain"],
        ),
        (attendee(&matching("", "lisa@"), &needs_action), &["asked"]),
        // Both must hold of one ATTENDEE.
        (attendee(&matching("", "bob@"), &needs_action), &[]),
        (attendee("", &parameter("DELEGATED-TO", absent)), &["asked"]),
        (attendee("", &parameter("ROLE", "")), &["asked"]),
        (
            component("VEVENT", &property("ATTENDEE", absent)),
            &["plain"],
        ),
        (
            component("VEVENT", &component("VALARM", absent)),
            &["asked"],
        ),
        (
            component(
                "VEVENT",
                &component("VALARM", &property("ACTION", &matching("", "display"))),
            ),
            &["plain"],
        ),
        (component("VTODO", absent), &["asked", "plain"]),
        (
            component("VEVENT", &property("X-ABC-GUID", absent)) + &component("VTODO", absent),
            &["asked", "plain"],
        ),
        (component("VTIMEZONE", absent), &["asked", "plain", "todo"]),
        (
            property("VERSION", &matching("", "2.0")),
            &["asked", "plain", "todo"],
        ),
        (
            property("METHOD", absent) + &component("VTODO", ""),
            &["todo"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&alice, &filter, "").await, expected, "{filter}");
    }
}

/// RFC 4791 §9.8, §5.2.2, §7.3: floating times and days are those of the request's zone, or of the calendar's.
#[tokio::test]
async fn rfc_4791_9_8_time_zones_of_floating_times() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    fill(
        &alice,
        &[
            ("day", "BEGIN:VEVENT\nUID:day\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20260110\nEND:VEVENT\n"),
            ("floating", "BEGIN:VEVENT\nUID:floating\nDTSTAMP:20260101T000000Z\nDTSTART:20260110T230000\nDTEND:20260110T233000\nEND:VEVENT\n"),
            ("days", "BEGIN:VEVENT\nUID:days\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20260301\nDTEND;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY;COUNT=4\nEND:VEVENT\n"),
        ],
    )
    .await;
    let zone = object(NEW_YORK).replace('\r', "&#13;");
    let new_york = format!("<C:timezone>{zone}</C:timezone>");
    let found = async |start: &str, end: &str, more: &str| {
        names(&alice, &component("VEVENT", &range(start, end)), more).await
    };
    // In UTC the day begins at midnight; in New York five hours later, four in summer.
    let cases: [(&str, &str, &[&str], &[&str]); 6] = [
        ("20260110T000000Z", "20260110T050000Z", &["day"], &[]),
        ("20260111T000000Z", "20260111T010000Z", &[], &["day"]),
        (
            "20260110T230000Z",
            "20260110T231500Z",
            &["day", "floating"],
            &["day"],
        ),
        (
            "20260111T040000Z",
            "20260111T041500Z",
            &[],
            &["day", "floating"],
        ),
        ("20260317T000000Z", "20260317T010000Z", &[], &["days"]),
        ("20260317T040000Z", "20260317T050000Z", &[], &[]),
    ];
    for (start, end, in_utc, in_new_york) in cases {
        assert_eq!(found(start, end, "").await, in_utc, "{start}");
        assert_eq!(
            found(start, end, &new_york).await,
            in_new_york,
            "{start} in New York"
        );
    }
    // The same as a property of the calendar, before which that of the request goes.
    let body = format!(
        "<D:propertyupdate {NAMESPACES}><D:set><D:prop><C:calendar-timezone>{zone}</C:calendar-timezone></D:prop></D:set></D:propertyupdate>"
    );
    let patch = alice
        .request("PROPPATCH", &calendar("alice"))
        .xml(body)
        .send()
        .await;
    patch.expect(&[207]);
    let utc = "<C:timezone>BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Etc/UTC\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n</C:timezone>";
    for (start, end, in_utc, in_new_york) in cases {
        assert_eq!(found(start, end, "").await, in_new_york, "{start}");
        assert_eq!(found(start, end, utc).await, in_utc, "{start} in UTC");
    }
}

/// RFC 4791 §9.6.1 to §9.6.4, §9.6.6, §9.6.7: which part of calendar data comes back.
#[tokio::test]
async fn rfc_4791_9_6_partial_retrieval() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let series = format!(
        "{NEW_YORK}BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=America/New_York:20260105T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:Series\nX-ABC:1\nEND:VEVENT\nBEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=America/New_York:20260107T120000\nDTSTART;TZID=America/New_York:20260107T140000\nDURATION:PT1H\nSUMMARY:Later\nEND:VEVENT\n"
    );
    fill(&alice, &[("series", &series)]).await;
    let select = async |inside: &str| {
        let data = format!("<C:calendar-data>{inside}</C:calendar-data>");
        let found = query(&alice, &data, &component("VEVENT", ""), "").await;
        assert_eq!(found.len(), 1);
        found[0].1.clone()
    };
    let part = select(r#"<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/><C:prop name="UID"/><C:prop name="DTSTART" novalue="yes"/></C:comp></C:comp>"#).await;
    assert_eq!(
        part.replace("\r\n", "\n"),
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:series\nDTSTART;TZID=America/New_York:\nSUMMARY:Series\nEND:VEVENT\nBEGIN:VEVENT\nUID:series\nDTSTART;TZID=America/New_York:\nSUMMARY:Later\nEND:VEVENT\nEND:VCALENDAR"
    );
    let all = select(r#"<C:comp name="VCALENDAR"><C:allprop/><C:allcomp/></C:comp>"#).await;
    assert!(
        all.contains("X-ABC:1") && all.contains("BEGIN:DAYLIGHT"),
        "{all}"
    );
    let span = |element: &str, start: &str, end: &str| {
        format!(r#"<C:{element} start="{start}" end="{end}"/>"#)
    };
    let limited = select(&span(
        "limit-recurrence-set",
        "20260105T000000Z",
        "20260106T000000Z",
    ))
    .await;
    assert!(
        limited.contains("RRULE") && !limited.contains("RECURRENCE-ID"),
        "{limited}"
    );
    let limited = select(&span(
        "limit-recurrence-set",
        "20260107T000000Z",
        "20260108T000000Z",
    ))
    .await;
    assert!(
        limited.contains("RRULE") && limited.contains("SUMMARY:Later"),
        "{limited}"
    );
    let expanded = select(&span("expand", "20260107T000000Z", "20260108T190000Z")).await;
    let starts: Vec<&str> = expanded
        .lines()
        .filter_map(|line| line.strip_prefix("DTSTART:"))
        .collect();
    assert_eq!(
        starts,
        ["20260107T190000Z", "20260108T170000Z"],
        "{expanded}"
    );
    assert_eq!(expanded.matches("RECURRENCE-ID:").count(), 2, "{expanded}");
    for refused in [
        r#"<C:calendar-data content-type="application/unknown"/>"#,
        r#"<C:calendar-data content-type="text/calendar" version="1.0"/>"#,
    ] {
        let body = format!(
            r#"<C:calendar-query {NAMESPACES}><D:prop>{refused}</D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"#
        );
        let reply = alice.report(&calendar("alice"), "1", &body).await;
        reply.expect(&[403]);
        assert!(
            reply.text().contains("supported-calendar-data"),
            "{}",
            reply.text()
        );
    }
}

/// The FREEBUSY lines of a free-busy-query.
async fn busy(client: &Client, path: &str, depth: &str, span: &str) -> Vec<String> {
    let body = format!("<C:free-busy-query {NAMESPACES}>{span}</C:free-busy-query>");
    let reply = client.report(path, depth, &body).await;
    reply.expect(&[200]);
    let answer = reply.text().replace("\r\n ", "");
    let lines = answer.lines().filter(|line| line.starts_with("FREEBUSY"));
    lines.map(str::to_owned).collect()
}

/// RFC 4791 §7.10: FBTYPE by TRANSP, STATUS and the owner's answer, on a calendar and on a home.
#[tokio::test]
async fn rfc_4791_7_10_free_busy() {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let event = |name: &str, hour: u8, lines: &str| {
        format!(
            "BEGIN:VEVENT\nUID:{name}\nDTSTAMP:20260101T000000Z\nDTSTART:20260110T{hour:02}0000Z\nDTEND:20260110T{hour:02}3000Z\n{lines}END:VEVENT\n"
        )
    };
    let answered = |status: &str| {
        format!(
            "ORGANIZER:mailto:x@example.org\nATTENDEE;PARTSTAT={status}:mailto:alice@example.com\nATTENDEE:mailto:x@example.org\n"
        )
    };
    let objects = [
        ("busy", event("busy", 1, "")),
        ("free", event("free", 2, "TRANSP:TRANSPARENT\n")),
        ("tentative", event("tentative", 3, "STATUS:TENTATIVE\n")),
        ("cancelled", event("cancelled", 4, "STATUS:CANCELLED\n")),
        ("accepted", event("accepted", 5, &answered("ACCEPTED"))),
        ("declined", event("declined", 6, &answered("DECLINED"))),
        ("unanswered", event("unanswered", 7, &answered("TENTATIVE"))),
        ("todo", "BEGIN:VTODO\nUID:todo\nDTSTAMP:20260101T000000Z\nDTSTART:20260110T080000Z\nDUE:20260110T090000Z\nEND:VTODO\n".to_owned()),
        ("next", event("next", 1, "").replace("T010000", "T013000").replace("DTEND:20260110T013000", "DTEND:20260110T020000")),
        ("series", "BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nDTSTART:20160102T220000Z\nDTEND:20160102T230000Z\nRRULE:FREQ=WEEKLY\nEND:VEVENT\n".to_owned()),
    ];
    for (name, components) in &objects {
        put_new(
            &alice,
            &(calendar("alice") + name + ".ics"),
            &object(components),
        )
        .await;
    }
    let day = range("20260110T000000Z", "20260111T000000Z");
    let expected = [
        "FREEBUSY;FBTYPE=BUSY:20260110T010000Z/20260110T020000Z,20260110T050000Z/20260110T053000Z,20260110T220000Z/20260110T230000Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260110T030000Z/20260110T033000Z,20260110T070000Z/20260110T073000Z",
    ];
    // Asked twice: the second time more is remembered.
    for _ in 0..2 {
        assert_eq!(busy(&alice, &calendar("alice"), "1", &day).await, expected);
    }
    let home = "/dav/calendars/users/alice/";
    assert_eq!(busy(&alice, home, "infinity", &day).await, expected);
    assert!(
        busy(&alice, home, "1", &day).await.is_empty(),
        "a home has no events of its own"
    );
    // Cut to what was asked about.
    let part = range("20260110T011500Z", "20260110T014500Z");
    assert_eq!(
        busy(&alice, &calendar("alice"), "1", &part).await,
        ["FREEBUSY;FBTYPE=BUSY:20260110T011500Z/20260110T014500Z"]
    );
    // A change is seen at once.
    alice
        .delete(&(calendar("alice") + "busy.ics"))
        .await
        .expect(&[204]);
    alice
        .delete(&(calendar("alice") + "series.ics"))
        .await
        .expect(&[204]);
    let after = busy(&alice, &calendar("alice"), "1", &day).await;
    assert_eq!(
        after[0],
        "FREEBUSY;FBTYPE=BUSY:20260110T013000Z/20260110T020000Z,20260110T050000Z/20260110T053000Z"
    );
}

/// RFC 4918 §9.1, RFC 6578 §3.4, RFC 4791 §7.8: answers of many pages are whole, and what is listed without being
/// read is what reading gives.
#[tokio::test]
async fn large_answers_are_whole() {
    const OBJECTS: usize = 1_200;
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let home = calendar("alice");
    for number in 0..OBJECTS {
        let text = event(&format!("n{number}"), "DESCRIPTION:a & b <c>\n");
        alice
            .put(&format!("{home}{number}%20%C3%A4.ics"), &text)
            .await
            .expect(&[201]);
    }
    let named = format!("{home}7%20%C3%A4.ics");
    let body = format!(
        r#"<D:propertyupdate {NAMESPACES} xmlns:X="urn:x"><D:set><D:prop><X:colour>red</X:colour></D:prop></D:set></D:propertyupdate>"#
    );
    alice
        .request("PROPPATCH", &named)
        .xml(body)
        .send()
        .await
        .expect(&[207]);
    let everything = format!(
        r#"<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>"#
    );
    let queried = alice.report(&home, "1", &everything).await.multistatus();
    assert_eq!(queried.responses.len(), OBJECTS);
    let sync = format!(
        "<D:sync-collection {NAMESPACES}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
    );
    let synced = alice.report(&home, "0", &sync).await.multistatus();
    assert_eq!(synced.responses.len(), OBJECTS);
    // Of these nothing must be read; of those, everything.
    let quick = r#"<D:getetag/><D:getcontenttype/><D:resourcetype/><D:displayname/><X:colour xmlns:X="urn:x"/>"#;
    let listed = alice.propfind(&home, "1", quick).await.multistatus();
    let read = alice
        .propfind(&home, "1", &format!("{quick}<D:getlastmodified/>"))
        .await
        .multistatus();
    assert_eq!(listed.responses.len(), OBJECTS + 1);
    for response in &read.responses {
        let other = listed.response(&response.href);
        for name in [
            "{DAV:}getetag",
            "{DAV:}getcontenttype",
            "{DAV:}resourcetype",
            "{DAV:}displayname",
            "{urn:x}colour",
        ] {
            assert_eq!(
                other.status_of(name),
                response.status_of(name),
                "{name} of {}",
                response.href
            );
            assert_eq!(
                text(other, name),
                text(response, name),
                "{name} of {}",
                response.href
            );
        }
    }
    let coloured = listed
        .responses
        .iter()
        .filter(|it| text(it, "{urn:x}colour") == "red");
    assert_eq!(coloured.count(), 1);
    for response in &queried.responses {
        let etag = response.text("{DAV:}getetag");
        assert_eq!(synced.response(&response.href).text("{DAV:}getetag"), etag);
        assert!(
            response
                .text(&format!("{CALDAV}calendar-data"))
                .contains("a & b <c>")
        );
    }
}
