//! What the examples of RFC 4791 §7.8 show, one test each, with a calendar like the one of its Appendix B: a
//! single event, a series with two moved instances, a meeting, tasks in each state, and published busy times.

use tests::{client::Client, server::TestServer};

use super::reports::{NEW_YORK, component, fill_in, property, query_in, range};

const PLACE: &str = "/dav/calendars/users/alice/everything/";

const SERIES: &str = "BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=America/New_York:20260105T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:Lunch\nEND:VEVENT\n\
BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=America/New_York:20260107T120000\nDTSTART;TZID=America/New_York:20260107T140000\nDURATION:PT1H\nSUMMARY:Late lunch\nEND:VEVENT\n\
BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=America/New_York:20260109T120000\nDTSTART;TZID=America/New_York:20260109T140000\nDURATION:PT1H\nSUMMARY:Last lunch\nEND:VEVENT\n";
const MEETING: &str = "BEGIN:VEVENT\nUID:meeting@example.com\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=America/New_York:20260107T100000\nDURATION:PT1H\nORGANIZER:mailto:zoe@elsewhere.test\nATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:zoe@elsewhere.test\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:yann@elsewhere.test\nSTATUS:TENTATIVE\nSUMMARY:Plans\nX-GUID:12-ab@example.com\nEND:VEVENT\n";
const ALARM: &str = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER;RELATED=END:-PT10M\nEND:VALARM\n";

/// The calendar.
async fn start() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let alice = server.client("alice");
    let made = alice.request("MKCALENDAR", PLACE).send().await;
    made.expect(&[201]);
    let task = |uid: &str, lines: &str| {
        format!(
            "BEGIN:VTODO\nUID:{uid}\nDTSTAMP:20260101T000000Z\nSUMMARY:{uid}\n{lines}END:VTODO\n"
        )
    };
    let soon = format!("DUE:20260107T090000Z\nSTATUS:NEEDS-ACTION\n{ALARM}");
    let later = format!("DUE:20260109T090000Z\nSTATUS:IN-PROCESS\n{ALARM}");
    let objects = [
        ("single", format!("{NEW_YORK}BEGIN:VEVENT\nUID:single\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=America/New_York:20260105T100000\nDURATION:PT1H\nSUMMARY:Single\nEND:VEVENT\n")),
        ("series", format!("{NEW_YORK}{SERIES}")),
        ("meeting", format!("{NEW_YORK}{MEETING}")),
        ("soon", task("soon", &soon)),
        ("later", task("later", &later)),
        ("done", task("done", "DUE:20251223T090000Z\nCOMPLETED:20251223T122322Z\nSTATUS:COMPLETED\n")),
        ("cancelled", task("cancelled", "DUE:20260101T090000Z\nSTATUS:CANCELLED\n")),
        ("stateless", task("stateless", "")),
        ("busy", "BEGIN:VFREEBUSY\nUID:busy\nDTSTAMP:20260101T000000Z\nDTSTART:20260104T000000Z\nDTEND:20260111T000000Z\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260105T100000Z/20260105T120000Z\nFREEBUSY:20260106T100000Z/20260106T120000Z,20260107T100000Z/PT2H\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260108T100000Z/20260108T120000Z\nEND:VFREEBUSY\n".to_owned()),
    ];
    let objects: Vec<(&str, &str)> = objects
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    fill_in(PLACE, &alice, &objects).await;
    (server, alice)
}

/// What a query finds: names, and the lines of the calendar data without those of time zones' rules.
async fn find(alice: &Client, data: &str, filter: &str) -> Vec<(String, Vec<String>)> {
    let data = format!("<C:calendar-data>{data}</C:calendar-data>");
    let found = query_in(PLACE, alice, &data, filter, "").await;
    let lines = |text: String| {
        let (mut lines, mut in_zone) = (Vec::new(), false);
        for line in text.lines() {
            in_zone |= line == "BEGIN:VTIMEZONE";
            if !in_zone {
                lines.push(line.to_owned());
            } else if line.starts_with("TZID") {
                lines.push(format!("({line})"));
            }
            in_zone &= line != "END:VTIMEZONE";
        }
        lines
    };
    let found = found.into_iter();
    found.map(|(name, text)| (name, lines(text))).collect()
}

async fn names(alice: &Client, filter: &str) -> Vec<String> {
    let found = query_in(PLACE, alice, "", filter, "").await;
    found.into_iter().map(|(name, _)| name).collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn limited(name: &str, start: &str, end: &str) -> String {
    format!(r#"<C:{name} start="{start}" end="{end}"/>"#)
}

/// RFC 4791 §7.8.1: of components only what is asked for, with the series whose third instance is meant.
#[tokio::test]
async fn rfc_4791_7_8_1_partial_retrieval_by_time_range() {
    let (_server, alice) = start().await;
    let wanted = [
        "SUMMARY",
        "UID",
        "DTSTART",
        "DURATION",
        "RRULE",
        "RECURRENCE-ID",
    ]
    .map(|name| format!(r#"<C:prop name="{name}"/>"#))
    .concat();
    let data = format!(
        r#"<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT">{wanted}</C:comp><C:comp name="VTIMEZONE"/></C:comp>"#
    );
    let filter = component("VEVENT", &range("20260107T000000Z", "20260108T000000Z"));
    let found = find(&alice, &data, &filter).await;
    let meeting = "BEGIN:VCALENDAR\nVERSION:2.0\n(TZID:America/New_York)\nBEGIN:VEVENT\nUID:meeting@example.com\nDTSTART;TZID=America/New_York:20260107T100000\nDURATION:PT1H\nSUMMARY:Plans\nEND:VEVENT\nEND:VCALENDAR";
    let series = SERIES.replace("DTSTAMP:20260101T000000Z\n", "");
    let series =
        format!("BEGIN:VCALENDAR\nVERSION:2.0\n(TZID:America/New_York)\n{series}END:VCALENDAR");
    assert_eq!(
        found,
        [
            ("meeting".to_owned(), lines(meeting)),
            ("series".to_owned(), lines(&series)),
        ]
    );
}

/// RFC 4791 §7.8.2: of a series, only the moved instances that concern the range.
#[tokio::test]
async fn rfc_4791_7_8_2_limit_recurrence_set() {
    let (_server, alice) = start().await;
    let (start, end) = ("20260106T000000Z", "20260108T000000Z");
    let filter = component("VEVENT", &range(start, end));
    let found = find(
        &alice,
        &limited("limit-recurrence-set", start, end),
        &filter,
    )
    .await;
    let [(meeting, whole), (series, limited)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!([meeting, series], ["meeting", "series"]);
    assert!(whole.contains(&"X-GUID:12-ab@example.com".to_owned()));
    let said = |line: &&String| line.starts_with("SUMMARY") || line.starts_with("RRULE");
    let said: Vec<&String> = limited.iter().filter(said).collect();
    assert_eq!(
        said,
        [
            "RRULE:FREQ=DAILY;COUNT=5",
            "SUMMARY:Lunch",
            "SUMMARY:Late lunch"
        ]
    );
}

/// RFC 4791 §7.8.3: the instances of the range, in UTC, each by itself.
#[tokio::test]
async fn rfc_4791_7_8_3_expand() {
    let (_server, alice) = start().await;
    let (start, end) = ("20260106T000000Z", "20260108T000000Z");
    let filter = component("VEVENT", &range(start, end));
    let found = find(&alice, &limited("expand", start, end), &filter).await;
    let of = |name: &str| {
        let found = found.iter().find(|(found, _)| found == name);
        let (_, lines) = found.unwrap_or_else(|| panic!("{name}"));
        let times = ["DTSTART", "RECURRENCE-ID", "SUMMARY", "RRULE", "(TZID"];
        let is_told = |line: &&String| times.iter().any(|time| line.starts_with(time));
        let mut told: Vec<String> = lines.iter().filter(is_told).cloned().collect();
        told.sort();
        told
    };
    assert_eq!(found.len(), 2);
    assert_eq!(of("meeting"), ["DTSTART:20260107T150000Z", "SUMMARY:Plans"]);
    assert_eq!(
        of("series"),
        [
            "DTSTART:20260106T170000Z",
            "DTSTART:20260107T190000Z",
            "RECURRENCE-ID:20260106T170000Z",
            "RECURRENCE-ID:20260107T170000Z",
            "SUMMARY:Late lunch",
            "SUMMARY:Lunch",
        ]
    );
}

/// RFC 4791 §7.8.4: of published busy times, only those of the range.
#[tokio::test]
async fn rfc_4791_7_8_4_limit_freebusy_set() {
    let (_server, alice) = start().await;
    let (start, end) = ("20260105T000000Z", "20260107T000000Z");
    let filter = component("VFREEBUSY", &range(start, end));
    let found = find(&alice, &limited("limit-freebusy-set", start, end), &filter).await;
    let [(name, lines)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(name, "busy");
    let periods: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("FREEBUSY"))
        .collect();
    assert_eq!(
        periods,
        [
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260105T100000Z/20260105T120000Z",
            "FREEBUSY:20260106T100000Z/20260106T120000Z",
        ]
    );
}

/// RFC 4791 §7.8.5 to §7.8.10: which objects a filter finds.
#[tokio::test]
async fn rfc_4791_7_8_5_to_7_8_10_what_filters_find() {
    let (_server, alice) = start().await;
    let text = |collation: &str, text: &str| {
        format!(r#"<C:text-match collation="{collation}">{text}</C:text-match>"#)
    };
    let attendee = |address: &str, state: &str| {
        let state = text("i;ascii-casemap", state);
        let parameter = format!(r#"<C:param-filter name="PARTSTAT">{state}</C:param-filter>"#);
        let address = text("i;ascii-casemap", address);
        component("VEVENT", &property("ATTENDEE", &(address + &parameter)))
    };
    let uid = |uid: &str| component("VEVENT", &property("UID", &text("i;octet", uid)));
    let alarm = range("20260107T085000Z", "20260107T085001Z");
    let pending = property("COMPLETED", "<C:is-not-defined/>")
        + &property(
            "STATUS",
            r#"<C:text-match negate-condition="yes">CANCELLED</C:text-match>"#,
        );
    let guid = |guid: &str| {
        let guid = text("i;octet", guid);
        component("VEVENT", &property("X-GUID", &guid))
    };
    let cases: [(&str, String, &[&str]); 10] = [
        (
            "§7.8.5",
            component("VTODO", &component("VALARM", &alarm)),
            &["soon"],
        ),
        ("§7.8.6", uid("meeting@example.com"), &["meeting"]),
        ("§7.8.6", uid("Meeting@example.com"), &[]),
        (
            "§7.8.7",
            attendee("MAILTO:yann@elsewhere.test", "needs-action"),
            &["meeting"],
        ),
        // The parameter of the same line: zoe has accepted.
        (
            "§7.8.7",
            attendee("mailto:zoe@elsewhere.test", "NEEDS-ACTION"),
            &[],
        ),
        (
            "§7.8.8",
            component("VEVENT", ""),
            &["meeting", "series", "single"],
        ),
        // Who has no STATUS has none that is not CANCELLED.
        ("§7.8.9", component("VTODO", &pending), &["later", "soon"]),
        // Other properties than those of the RFCs can be asked for here, too.
        ("§7.8.10", guid("12-ab"), &["meeting"]),
        ("§7.8.10", guid("12-AB"), &[]),
        (
            "§7.8.10",
            component("VEVENT", &property("X-OTHER", "")),
            &[],
        ),
    ];
    for (section, filter, expected) in cases {
        assert_eq!(
            names(&alice, &filter).await,
            expected,
            "{section}: {filter}"
        );
    }
}
