//! The reports, through the service.

use http::StatusCode;

use crate::{
    kind::ResourceKind,
    report::{REPORTS, reports_of},
    testing::{Answer, World, world, xml},
    xml::name::{calendarserver, dav},
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
    assert!(
        ResourceKind::ALL
            .iter()
            .all(|kind| *kind == ResourceKind::Unmapped || reports_of(*kind).count() > 0)
    );
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
    assert_eq!(answer.document().root().children().count(), 4);

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
            &format!("{attributes} xmlns:D").trim_start().to_owned(),
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
    assert_eq!(answer.hrefs(), [PRINCIPAL]);
    let answer = world
        .send(&world.bob, "REPORT", PRINCIPAL, &[], &body)
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
