//! The reports, through the service.
#![allow(clippy::unwrap_used)]

use http::StatusCode;

use crate::{
    kind::ResourceKind,
    report::{REPORTS, reports_of},
    testing::{Answer, World, world, xml},
    xml::name::{caldav, calendarserver, dav},
};

const PRINCIPAL: &str = "/dav/principals/users/alice/";

#[test]
fn each_report_has_one_row() {
    for report in REPORTS {
        assert_eq!(
            REPORTS
                .iter()
                .filter(|other| other.name == report.name)
                .count(),
            1,
            "{}",
            report.name
        );
        assert!(report.kinds.iter().next().is_some());
    }
    // An attachment is fetched and nothing else.
    let without = [
        ResourceKind::Unmapped,
        ResourceKind::Attachment,
        ResourceKind::DryRun,
    ];
    for kind in ResourceKind::ALL {
        let is_without = reports_of(kind).count() == 0;
        assert_eq!(is_without, without.contains(&kind), "{kind:?}");
    }
}

pub(super) async fn report(world: &World, path: &str, headers: &[&str], body: &str) -> Answer {
    world
        .send(&world.alice, "REPORT", path, headers, body)
        .await
}

/// RFC 3253 §3.6
#[tokio::test]
async fn an_unknown_report_is_refused() {
    let world = world().await;
    let answer = report(&world, PRINCIPAL, &[], &xml("D:no-such-report", "")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.precondition(), "supported-report");
    let malformed = report(&world, PRINCIPAL, &[], "<x").await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
}

/// Client behaviours, point 3.
#[tokio::test]
async fn apple_sets_an_account_up() {
    let world = world().await;
    let answer = report(
        &world,
        "/dav/principals/",
        &["Depth: 0"],
        &xml("D:principal-search-property-set", ""),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .document()
            .root()
            .is(dav::PRINCIPAL_SEARCH_PROPERTY_SET)
    );
    // what is known of people, and of rooms in two namespaces
    assert_eq!(answer.document().root().children().count(), 4 + 2 * 3);

    let nested = "<D:property name=\"displayname\"/><D:property name=\"email-address-set\" namespace=\"http://calendarserver.org/ns/\"/>";
    let proxies: String = ["calendar-proxy-read-for", "calendar-proxy-write-for"]
        .map(|name| format!("<D:property name=\"{name}\" namespace=\"http://calendarserver.org/ns/\">{nested}</D:property>"))
        .concat();
    let answer = report(
        &world,
        PRINCIPAL,
        &["Depth: 0"],
        &xml("D:expand-property", &proxies),
    )
    .await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    assert_eq!(
        answer.property(PRINCIPAL, calendarserver::CALENDAR_PROXY_READ_FOR),
        ""
    );
    assert_eq!(
        answer.property(PRINCIPAL, calendarserver::CALENDAR_PROXY_WRITE_FOR),
        ""
    );
}

/// RFC 3253 §3.8
#[tokio::test]
async fn properties_are_expanded() {
    let world = world().await;
    let body = xml(
        "D:expand-property",
        "<D:property name=\"displayname\"/><D:property name=\"nothing\"><D:property name=\"x\"/></D:property>\
         <D:property name=\"group-membership\"><D:property name=\"group-member-set\">\
         <D:property name=\"displayname\"/></D:property></D:property>",
    );
    let answer = report(&world, PRINCIPAL, &[], &body).await;
    assert_eq!(answer.property(PRINCIPAL, dav::DISPLAYNAME), "The alice");
    let groups = answer.property(PRINCIPAL, dav::GROUP_MEMBERSHIP);
    assert!(
        groups.starts_with("response(href(/dav/principals/groups/team/) propstat("),
        "{groups}"
    );
    assert!(groups.contains("displayname(The bob)"), "{groups}");
    assert!(
        answer.text().contains("404"),
        "the property that is not there"
    );
}

/// RFC 3744 §9.4
#[tokio::test]
async fn people_are_found() {
    let world = world().await;
    let search = |property: &str, attributes: &str, text: &str| {
        format!(
            "<D:property-search><D:prop>{property}</D:prop><D:match{attributes}>{text}</D:match></D:property-search>"
        )
    };
    let (name, mail, kind) = (
        "<D:displayname/>",
        "<CS:email-address-set/>",
        "<C:calendar-user-type/>",
    );
    let prefix = " match-type=\"starts-with\"";
    let (alice, bob, aula, team) = (
        PRINCIPAL,
        "/dav/principals/users/bob/",
        "/dav/principals/locations/aula/",
        "/dav/principals/groups/team/",
    );
    let all = "/dav/principals/";
    let cases: Vec<(&str, &str, String, Vec<&str>)> = vec![
        (all, "", search(name, "", "LICE"), vec![alice]),
        (all, "", search(name, prefix, "the b"), vec![bob]),
        (all, "", search(name, prefix, "lice"), vec![]),
        (all, "", search(mail, prefix, "Bob@"), vec![bob]),
        (
            all,
            "",
            search("<C:calendar-user-address-set/>", prefix, "aula@"),
            vec![aula],
        ),
        (all, "", search(kind, "", "ROOM"), vec![aula]),
        (
            all,
            "",
            search(name, "", "bob") + &search(mail, "", "alice"),
            vec![],
        ),
        (
            all,
            " test=\"anyof\"",
            search(name, "", "bob") + &search(mail, "", "alice"),
            vec![alice, bob],
        ),
        (
            "/dav/principals/groups/",
            "",
            search(name, "", "t"),
            vec![team],
        ),
        (
            PRINCIPAL,
            "",
            search(name, "", "The") + "<D:apply-to-principal-collection-set/>",
            vec![alice, aula, bob, "/dav/principals/users/root/", team],
        ),
        (all, "", search("<D:getetag/>", "", ""), vec![]),
    ];
    for (path, attributes, content, expected) in cases {
        let content = format!("{content}<D:prop><D:displayname/></D:prop>");
        let body = xml("D:principal-property-search", &content).replacen(
            "xmlns:D",
            format!("{attributes} xmlns:D").trim_start(),
            1,
        );
        let answer = report(&world, path, &["Depth: 0"], &body).await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
        assert_eq!(answer.hrefs(), expected, "{content}");
    }
    for body in [
        xml("D:principal-property-search", ""),
        xml(
            "D:principal-property-search",
            &search(name, " match-type=\"about\"", "x"),
        ),
    ] {
        assert_eq!(
            report(&world, all, &[], &body).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    let deep = report(
        &world,
        all,
        &["Depth: 1"],
        &xml("D:principal-property-search", &search(name, "", "a")),
    )
    .await;
    assert_eq!(deep.status, StatusCode::BAD_REQUEST);
}

/// RFC 3744 §9.3
#[tokio::test]
async fn one_finds_oneself() {
    let world = world().await;
    let myself = xml(
        "D:principal-match",
        "<D:self/><D:prop><D:displayname/></D:prop>",
    );
    let answer = report(&world, "/dav/principals/", &[], &myself).await;
    assert_eq!(answer.hrefs(), [PRINCIPAL, "/dav/principals/groups/team/"]);
    let answer = report(&world, "/dav/principals/users/", &[], &myself).await;
    assert_eq!(answer.hrefs(), [PRINCIPAL]);
    let mine = xml(
        "D:principal-match",
        "<D:principal-property><D:owner/></D:principal-property>",
    );
    let answer = report(&world, "/dav/calendars/users/", &[], &mine).await;
    let mut hrefs = answer.hrefs();
    hrefs.sort();
    let home = "/dav/calendars/users/alice/";
    assert_eq!(
        hrefs,
        [
            home.to_owned(),
            format!("{home}calendar/"),
            format!("{home}inbox/"),
            format!("{home}outbox/")
        ]
    );
    assert_eq!(
        report(&world, "/dav/", &[], &xml("D:principal-match", ""))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

/// RFC 3744 §9.2
#[tokio::test]
async fn the_principals_of_an_acl() {
    let world = world().await;
    let body = xml(
        "D:acl-principal-prop-set",
        "<D:prop><D:displayname/></D:prop>",
    );
    let answer = report(&world, "/dav/calendars/users/alice/calendar/", &[], &body).await;
    let proxies = ["calendar-proxy-read", "calendar-proxy-write"];
    let proxies = proxies.map(|name| format!("{PRINCIPAL}{name}/"));
    assert_eq!(answer.hrefs(), [PRINCIPAL, &proxies[0], &proxies[1]]);
    let answer = world
        .send(&world.bob, "REPORT", PRINCIPAL, &[], &body)
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

const CALENDAR: &str = "/dav/calendars/users/alice/calendar/";

/// RFC 4791 §7.9
#[tokio::test]
async fn resources_are_fetched_by_name() {
    let world = world().await;
    world
        .put_event("a", "DTSTART:20260301T090000Z\nSUMMARY:One")
        .await;
    let hrefs = [
        "/dav/calendars/users/alice/calendar/%61.ics",
        "http://calendar.example.com/dav/calendars/users/alice/calendar/a.ics",
        "/dav/calendars/users/alice/calendar/missing.ics",
        "/dav/calendars/users/bob/calendar/a.ics",
        "http://elsewhere.example.com/dav/calendars/users/alice/calendar/a.ics",
        "nonsense",
        "/dav/principals/users/alice/",
    ];
    let all: String = hrefs
        .iter()
        .map(|href| format!("<D:href>{href}</D:href>"))
        .collect();
    let body = xml(
        "C:calendar-multiget",
        &format!("<D:prop><D:getetag/><C:calendar-data/></D:prop>{all}"),
    );
    let answer = report(&world, CALENDAR, &["Depth: 1"], &body).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
    assert_eq!(answer.hrefs(), hrefs);
    for href in &hrefs[..2] {
        assert!(
            answer
                .property(href, caldav::CALENDAR_DATA)
                .contains("SUMMARY:One\r\n")
        );
        assert!(answer.property(href, dav::GETETAG).starts_with('"'));
    }
    for href in [hrefs[2], hrefs[4], hrefs[5], hrefs[6]] {
        assert_eq!(
            answer.response_status(href),
            "HTTP/1.1 404 Not Found",
            "{href}"
        );
    }
    assert_eq!(answer.response_status(hrefs[3]), "HTTP/1.1 403 Forbidden");
    assert!(answer.text().contains("SUMMARY:One&#13;\n"), "CR survives");
}

struct Sync {
    token: String,
    hrefs: Vec<String>,
    answer: Answer,
}

async fn sync(world: &World, path: &str, token: &str, more: &str, headers: &[&str]) -> Sync {
    let content = format!(
        "<D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{more}<D:prop><D:getetag/></D:prop>"
    );
    let answer = report(world, path, headers, &xml("D:sync-collection", &content)).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
    let token = answer
        .document()
        .root()
        .child(dav::SYNC_TOKEN)
        .unwrap()
        .trimmed_text();
    Sync {
        token,
        hrefs: answer.hrefs(),
        answer,
    }
}

/// RFC 6578 §3.2, client behaviours 6
#[tokio::test]
async fn changes_are_followed() {
    let world = world().await;
    let (a, b) = (format!("{CALENDAR}a.ics"), format!("{CALENDAR}b.ics"));
    let empty = sync(&world, CALENDAR, "", "", &[]).await;
    assert!(
        empty.hrefs.is_empty(),
        "the collection itself is not listed"
    );
    world.put_event("a", "DTSTART:20260301T090000Z").await;
    world.put_event("b", "DTSTART:20260301T090000Z").await;
    for headers in [&[][..], &["Depth: 0"], &["Depth: 1"]] {
        let first = sync(&world, CALENDAR, "", "", headers).await;
        assert_eq!(first.hrefs, [a.clone(), b.clone()]);
        assert_eq!(
            sync(&world, CALENDAR, &empty.token, "", headers)
                .await
                .hrefs,
            [a.clone(), b.clone()]
        );
    }
    let after = sync(&world, CALENDAR, "", "", &[]).await;
    world.send(&world.alice, "DELETE", &a, &[], "").await;
    let gone = sync(&world, CALENDAR, &after.token, "", &[]).await;
    assert_eq!(gone.hrefs, [a.as_str()]);
    assert_eq!(gone.answer.response_status(&a), "HTTP/1.1 404 Not Found");
    assert_ne!(gone.token, after.token);
    assert!(
        sync(&world, CALENDAR, &gone.token, "", &[])
            .await
            .hrefs
            .is_empty()
    );
    let properties = world
        .propfind(&world.alice, CALENDAR, "0", "<D:sync-token/><CS:getctag/>")
        .await;
    assert_eq!(properties.property(CALENDAR, dav::SYNC_TOKEN), gone.token);
}

/// RFC 6578 §3.6, §3.7
#[tokio::test]
async fn a_limit_cuts_and_goes_on() {
    let world = world().await;
    let before = sync(&world, CALENDAR, "", "", &[]).await.token;
    for name in ["a", "b", "c", "d", "e"] {
        world.put_event(name, "DTSTART:20260301T090000Z").await;
    }
    let limit = "<D:limit><D:nresults>2</D:nresults></D:limit>";
    for start in ["", &before] {
        let (mut token, mut seen, mut rounds) = (start.to_owned(), Vec::new(), 0);
        loop {
            let part = sync(&world, CALENDAR, &token, limit, &[]).await;
            let truncated = part.hrefs.contains(&CALENDAR.to_owned());
            seen.extend(part.hrefs.iter().filter(|href| *href != CALENDAR).cloned());
            (token, rounds) = (part.token, rounds + 1);
            if !truncated {
                break;
            }
            assert_eq!(
                part.answer.response_status(CALENDAR),
                "HTTP/1.1 507 Insufficient Storage"
            );
            assert!(
                part.answer
                    .text()
                    .contains("number-of-matches-within-limits")
            );
            if rounds == 1 {
                // Behind what was listed already: must come with the last token.
                world.put_event("a", "DTSTART:20260302T090000Z").await;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5, "{seen:?}");
        let rest = sync(&world, CALENDAR, &token, "", &[]).await;
        let again = if start.is_empty() {
            vec![format!("{CALENDAR}a.ics")]
        } else {
            vec![]
        };
        assert_eq!(
            rest.hrefs, again,
            "a change during the listing shows up again"
        );
    }
}

/// RFC 6578 §3.2, §3.3
#[tokio::test]
async fn tokens_and_levels_that_are_refused() {
    let world = world().await;
    let body = |token: &str, level: &str| {
        xml(
            "D:sync-collection",
            &format!(
                "<D:sync-token>{token}</D:sync-token><D:sync-level>{level}</D:sync-level><D:prop/>"
            ),
        )
    };
    for token in [
        "http://example.com/1",
        "urn:convoke:sync:1-2-3",
        "urn:convoke:sync:1-2-3/a",
    ] {
        let answer = report(&world, CALENDAR, &[], &body(token, "1")).await;
        assert_eq!(
            (answer.status, answer.precondition().as_str()),
            (StatusCode::FORBIDDEN, "valid-sync-token")
        );
    }
    let malformed = [
        body("", "2"),
        xml("D:sync-collection", ""),
        body("", "1").replace("<D:prop/>", "<D:limit><D:nresults>0</D:nresults></D:limit>"),
    ];
    for body in malformed {
        assert_eq!(
            report(&world, CALENDAR, &[], &body).await.status,
            StatusCode::BAD_REQUEST
        );
    }
    let deep = report(&world, CALENDAR, &["Depth: infinity"], &body("", "1")).await;
    assert_eq!(deep.status, StatusCode::BAD_REQUEST);
    let home = "/dav/calendars/users/alice/";
    let infinite = report(&world, home, &[], &body("", "infinite")).await;
    assert!(
        infinite.text().contains("sync-traversal-supported"),
        "{}",
        infinite.text()
    );
    let one = sync(&world, home, "", "", &[]).await;
    assert_eq!(
        one.hrefs,
        ["calendar/", "inbox/", "outbox/"].map(|name| format!("{home}{name}"))
    );
    world
        .send(&world.alice, "MKCALENDAR", &format!("{home}work"), &[], "")
        .await;
    let made = sync(&world, home, &one.token, "", &[]).await;
    assert_eq!(made.hrefs, [format!("{home}work/")]);
    world
        .send(&world.alice, "DELETE", &format!("{home}work"), &[], "")
        .await;
    let gone = sync(&world, home, &made.token, "", &[]).await;
    assert_eq!(
        gone.answer.response_status(&format!("{home}work/")),
        "HTTP/1.1 404 Not Found"
    );
}

/// RFC 4791 §7.8
#[tokio::test]
async fn events_are_searched() {
    let world = world().await;
    world
        .put_event(
            "a",
            "DTSTART;TZID=Europe/Berlin:20260301T090000\nSUMMARY:Breakfast",
        )
        .await;
    world
        .put_event(
            "b",
            "DTSTART:20260401T090000Z\nSUMMARY:Lunch\nRRULE:FREQ=DAILY",
        )
        .await;
    world
        .put_event("c", "DTSTART:20260501T090000\nSUMMARY:Floating")
        .await;
    let (a, b, c) = (
        format!("{CALENDAR}a.ics"),
        format!("{CALENDAR}b.ics"),
        format!("{CALENDAR}c.ics"),
    );
    let query = |inside: &str, more: &str| {
        let filter = format!(
            "<C:filter><C:comp-filter name=\"VCALENDAR\">{inside}</C:comp-filter></C:filter>"
        );
        xml(
            "C:calendar-query",
            &format!("<D:prop><D:getetag/><C:calendar-data/></D:prop>{filter}{more}"),
        )
    };
    let event = |content: &str| format!("<C:comp-filter name=\"VEVENT\">{content}</C:comp-filter>");
    let between =
        |start: &str, end: &str| event(&format!("<C:time-range start=\"{start}\" end=\"{end}\"/>"));
    let text =
        event("<C:prop-filter name=\"SUMMARY\"><C:text-match>lunch</C:text-match></C:prop-filter>");
    let tokyo = "<C:timezone>BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nEND:VTIMEZONE\nEND:VCALENDAR</C:timezone>";
    let cases = [
        ("1", query(&event(""), ""), vec![&a, &b, &c]),
        ("1", query("<C:comp-filter name=\"VTODO\"/>", ""), vec![]),
        ("1", query(&text, ""), vec![&b]),
        ("0", query(&text, ""), vec![]),
        (
            "1",
            query(&between("20260301T080000Z", "20260301T080001Z"), ""),
            vec![&a],
        ),
        (
            "1",
            query(&between("20300101T000000Z", "20300102T000000Z"), ""),
            vec![&b],
        ),
        (
            "1",
            query(&between("20260501T090000Z", "20260501T090001Z"), ""),
            vec![&b, &c],
        ),
        (
            "1",
            query(&between("20260501T000000Z", "20260501T000001Z"), tokyo),
            vec![&c],
        ),
    ];
    for (depth, body, expected) in cases {
        let answer = report(&world, CALENDAR, &[&format!("Depth: {depth}")], &body).await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
        assert_eq!(
            answer.hrefs().iter().collect::<Vec<_>>(),
            expected,
            "{body}"
        );
    }
    let home = "/dav/calendars/users/alice/";
    let deep = report(&world, home, &["Depth: infinity"], &query(&text, "")).await;
    assert_eq!(deep.hrefs(), [b.as_str()]);
    let itself = report(&world, &b, &["Depth: 0"], &query(&text, "")).await;
    assert_eq!(itself.hrefs(), [b.as_str()]);
    assert!(
        itself
            .property(&b, caldav::CALENDAR_DATA)
            .contains("SUMMARY:Lunch")
    );
    let refused = [
        (
            query(&event(""), "<C:timezone>x</C:timezone>"),
            "valid-calendar-data",
        ),
        (xml("C:calendar-query", "<D:prop/>"), "valid-filter"),
        (
            query(&event("<C:time-range start=\"00000101T000000Z\"/>"), ""),
            "min-date-time",
        ),
    ];
    for (body, expected) in refused {
        assert_eq!(
            report(&world, CALENDAR, &["Depth: 1"], &body)
                .await
                .precondition(),
            expected
        );
    }
}

/// RFC 4791 §7.10
#[tokio::test]
async fn busy_times_are_told() {
    let world = world().await;
    world
        .put_event(
            "a",
            "DTSTART:20260301T090000Z\nDTEND:20260301T100000Z\nRRULE:FREQ=DAILY;COUNT=3",
        )
        .await;
    world
        .put_event("b", "DTSTART:20260302T093000Z\nDURATION:PT1H")
        .await;
    world
        .put_event(
            "c",
            "DTSTART:20260302T200000Z\nDURATION:PT1H\nSTATUS:TENTATIVE",
        )
        .await;
    world
        .put_event(
            "d",
            "DTSTART:20260302T210000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT",
        )
        .await;
    let body = xml(
        "C:free-busy-query",
        "<C:time-range start=\"20260302T000000Z\" end=\"20260303T091500Z\"/>",
    );
    let home = "/dav/calendars/users/alice/";
    let expected = "FREEBUSY;FBTYPE=BUSY:20260302T090000Z/20260302T103000Z,20260303T090000Z/20260303T091500Z\r\n\
        FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260302T200000Z/20260302T210000Z\r\n";
    let unfolded = |answer: &Answer| answer.text().replace("\r\n ", "");
    // Bob may ask for busy times, as everybody who signed in (client behaviours 17), and for nothing else.
    for actor in [&world.alice, &world.bob] {
        let answer = world
            .send(actor, "REPORT", CALENDAR, &["Depth: 1"], &body)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            "text/calendar; charset=utf-8"
        );
        assert!(unfolded(&answer).contains(expected), "{}", answer.text());
    }
    let refused = world
        .send(&world.bob, "PROPFIND", CALENDAR, &["Depth: 0"], "")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let hidden = world
        .send(&world.bob, "REPORT", home, &["Depth: infinity"], &body)
        .await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", hidden.text());
    let deep = report(&world, home, &["Depth: infinity"], &body).await;
    assert!(unfolded(&deep).contains(expected), "{}", deep.text());
    for (path, depth) in [(CALENDAR, "0"), (home, "1")] {
        let empty = report(&world, path, &[&format!("Depth: {depth}")], &body).await;
        assert!(empty.text().contains("BEGIN:VFREEBUSY") && !empty.text().contains("FBTYPE"));
    }
    let object = report(&world, &format!("{CALENDAR}a.ics"), &[], &body).await;
    assert_eq!(object.status, StatusCode::FORBIDDEN);
    // RFC 6638 §9.1
    let transparent = xml(
        "D:propertyupdate",
        "<D:set><D:prop><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set>",
    );
    for (path, depth) in [(CALENDAR, "Depth: 1"), (home, "Depth: infinity")] {
        let changed = world
            .send(&world.alice, "PROPPATCH", CALENDAR, &[], &transparent)
            .await;
        assert_eq!(changed.status, StatusCode::MULTI_STATUS);
        let empty = report(&world, path, &[depth], &body).await;
        assert!(empty.text().contains("BEGIN:VFREEBUSY") && !empty.text().contains("FBTYPE"));
    }
    let malformed = report(&world, CALENDAR, &[], &xml("C:free-busy-query", "")).await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
}
