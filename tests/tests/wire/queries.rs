//! RFC 4791 §7.8 and §7.9: calendar-query and calendar-multiget.

use tests::{client::Client, server::TestServer};

use super::{calendar, event, object, put_new};

const CALDAV: &str = "{urn:ietf:params:xml:ns:caldav}";

fn query(filter: &str) -> String {
    format!(
        r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR">{filter}</C:comp-filter></C:filter></C:calendar-query>"#
    )
}

async fn names(client: &Client, filter: &str) -> Vec<String> {
    let reply = client
        .report(&calendar("alice"), "1", &query(filter))
        .await
        .multistatus();
    let mut names: Vec<String> = reply
        .responses
        .iter()
        .map(|response| {
            assert!(
                response
                    .text(&format!("{CALDAV}calendar-data"))
                    .starts_with("BEGIN:VCALENDAR")
            );
            response
                .href
                .rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".ics")
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

async fn filled(server: &TestServer) -> Client {
    let alice = server.client("alice");
    let berlin = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19960331T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
    let objects = [
        (
            "single",
            event("single", "LOCATION:Room 1\nCATEGORIES:WORK,Travel\n"),
        ),
        // Weekly in Berlin, 09:00 local, from March, with one EXDATE and one moved instance.
        (
            "weekly",
            object(&format!(
                "{berlin}BEGIN:VEVENT\nUID:weekly\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Berlin:20260302T090000\nDTEND;TZID=Europe/Berlin:20260302T100000\nRRULE:FREQ=WEEKLY\nEXDATE;TZID=Europe/Berlin:20260309T090000\nSUMMARY:Weekly\nEND:VEVENT\nBEGIN:VEVENT\nUID:weekly\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Berlin:20260316T090000\nDTSTART;TZID=Europe/Berlin:20260318T150000\nDTEND;TZID=Europe/Berlin:20260318T160000\nSUMMARY:Weekly moved\nEND:VEVENT\n"
            )),
        ),
        (
            "allday",
            object(
                "BEGIN:VEVENT\nUID:allday\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20260501\nSUMMARY:Holiday\nEND:VEVENT\n",
            ),
        ),
        (
            "task",
            object(
                "BEGIN:VTODO\nUID:task\nDTSTAMP:20260101T000000Z\nDUE:20260601T120000Z\nSUMMARY:Taxes\nSTATUS:NEEDS-ACTION\nEND:VTODO\n",
            ),
        ),
        (
            "undated",
            object(
                "BEGIN:VTODO\nUID:undated\nDTSTAMP:20260101T000000Z\nSUMMARY:Some day\nEND:VTODO\n",
            ),
        ),
    ];
    for (name, text) in objects {
        put_new(&alice, &(calendar("alice") + name + ".ics"), &text).await;
    }
    alice
}

/// RFC 4791 §9.7 to §9.9: filters by component, property and time.
#[tokio::test]
async fn rfc_4791_9_7_filters() {
    let server = TestServer::start().await;
    let alice = filled(&server).await;
    let range = |component: &str, start: &str, end: &str| {
        format!(
            r#"<C:comp-filter name="{component}"><C:time-range start="{start}" end="{end}"/></C:comp-filter>"#
        )
    };
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["allday", "single", "task", "undated", "weekly"]),
        (r#"<C:comp-filter name="VEVENT"/>"#.to_owned(), &["allday", "single", "weekly"]),
        (r#"<C:comp-filter name="VTODO"/>"#.to_owned(), &["task", "undated"]),
        (r#"<C:comp-filter name="VEVENT"><C:is-not-defined/></C:comp-filter>"#.to_owned(), &["task", "undated"]),
        // 09:00 in Berlin is 08:00Z in winter and 07:00Z in summer.
        (range("VEVENT", "20260302T080000Z", "20260302T081500Z"), &["weekly"]),
        (range("VEVENT", "20260302T090000Z", "20260302T093000Z"), &[]),
        (range("VEVENT", "20260706T070000Z", "20260706T073000Z"), &["weekly"]),
        (range("VEVENT", "20260706T080000Z", "20260706T083000Z"), &[]),
        // The EXDATE is gone, the moved instance is where it went and not where it was.
        (range("VEVENT", "20260309T000000Z", "20260310T000000Z"), &[]),
        (range("VEVENT", "20260316T000000Z", "20260317T000000Z"), &[]),
        (range("VEVENT", "20260318T140000Z", "20260318T143000Z"), &["weekly"]),
        // Far away, by arithmetic.
        (range("VEVENT", "20990105T000000Z", "20990106T000000Z"), &["weekly"]),
        (range("VEVENT", "20260501T100000Z", "20260501T110000Z"), &["allday"]),
        (range("VTODO", "20260601T000000Z", "20260602T000000Z"), &["task", "undated"]),
        (range("VTODO", "20260701T000000Z", "20260702T000000Z"), &["undated"]),
        (
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match>wEEk</C:text-match></C:prop-filter></C:comp-filter>"#.to_owned(),
            &["weekly"],
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match collation="i;octet">wEEk</C:text-match></C:prop-filter></C:comp-filter>"#.to_owned(),
            &[],
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match negate-condition="yes">week</C:text-match></C:prop-filter></C:comp-filter>"#.to_owned(),
            &["allday", "single"],
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="LOCATION"><C:is-not-defined/></C:prop-filter></C:comp-filter>"#.to_owned(),
            &["allday", "weekly"],
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="CATEGORIES"><C:text-match>travel</C:text-match></C:prop-filter></C:comp-filter>"#.to_owned(),
            &["single"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&alice, &filter).await, expected, "{filter}");
    }
}

/// RFC 4791 §7.8: what cannot be a query is refused by name.
#[tokio::test]
async fn rfc_4791_7_8_preconditions() {
    let server = TestServer::start().await;
    let alice = filled(&server).await;
    for (filter, element) in [
        (
            r#"<C:comp-filter name="VEVENT"><C:time-range start="20260101" end="20260102T000000Z"/></C:comp-filter>"#,
            "valid-filter",
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:time-range start="20260102T000000Z" end="20260101T000000Z"/></C:comp-filter>"#,
            "valid-filter",
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match collation="i;klingon">x</C:text-match></C:prop-filter></C:comp-filter>"#,
            "supported-collation",
        ),
        (
            r#"<C:comp-filter name="VEVENT"><C:is-not-defined/><C:prop-filter name="SUMMARY"/></C:comp-filter>"#,
            "valid-filter",
        ),
    ] {
        let reply = alice.report(&calendar("alice"), "1", &query(filter)).await;
        reply.expect(&[400, 403]);
        assert!(reply.text().contains(element), "{filter}: {}", reply.text());
    }
    alice
        .report(&calendar("alice"), "1", r#"<X:unknown xmlns:X="urn:x"/>"#)
        .await
        .expect(&[403]);
}

/// RFC 4791 §7.9: several objects by name, each with its own status.
#[tokio::test]
async fn rfc_4791_7_9_multiget() {
    let server = TestServer::start().await;
    let alice = filled(&server).await;
    let home = calendar("alice");
    let body = format!(
        r#"<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{home}single.ics</D:href><D:href>{}{home}weekly.ics</D:href><D:href>{home}missing.ics</D:href><D:href>/dav/calendars/users/bob/calendar/x.ics</D:href></C:calendar-multiget>"#,
        server.url()
    );
    let reply = alice.report(&home, "1", &body).await.multistatus();
    assert_eq!(reply.responses.len(), 4);
    for name in ["single.ics", "weekly.ics"] {
        let response = reply.response(name);
        let data = response
            .property(&format!("{CALDAV}calendar-data"))
            .unwrap();
        let stored = alice.get(&(home.clone() + name)).await;
        assert_eq!(data.text, stored.text(), "CR and all");
        assert_eq!(response.text("{DAV:}getetag"), stored.header("ETag"));
    }
    assert_eq!(reply.response("missing.ics").status, Some(404));
    assert!(matches!(reply.response("/x.ics").status, Some(403 | 404)));
}

/// RFC 4791 §9.6.5: expansion turns a series into its instances in UTC.
#[tokio::test]
async fn rfc_4791_9_6_5_expand() {
    let server = TestServer::start().await;
    let alice = filled(&server).await;
    let body = r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data><C:expand start="20260301T000000Z" end="20260401T000000Z"/></C:calendar-data></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260301T000000Z" end="20260401T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#;
    let reply = alice
        .report(&calendar("alice"), "1", body)
        .await
        .multistatus();
    assert_eq!(reply.responses.len(), 1);
    let data = reply.responses[0].text(&format!("{CALDAV}calendar-data"));
    let mut starts: Vec<&str> = data
        .lines()
        .filter_map(|line| line.strip_prefix("DTSTART:"))
        .collect();
    starts.sort_unstable();
    assert_eq!(
        starts,
        [
            "20260302T080000Z",
            "20260318T140000Z",
            "20260323T080000Z",
            "20260330T070000Z"
        ],
        "{data}"
    );
    assert!(
        !data.contains("RRULE") && !data.contains("VTIMEZONE"),
        "{data}"
    );
}
