//! The table against every kind of resource, through the service.

use http::StatusCode;
use storage::model::PrincipalKind;

use super::table;
use crate::{
    testing::{World, world, xml},
    xml::name::{apple, caldav, calendarserver, dav},
};

const CALENDAR: &str = "/dav/calendars/users/alice/calendar/";
const PRINCIPAL: &str = "/dav/principals/users/alice/";

/// One resource of each kind that exists.
async fn populated() -> (World, Vec<String>) {
    let world = world().await;
    world
        .put_event("a", "DTSTART:20260301T090000Z\nSUMMARY:One")
        .await;
    let made = world
        .send(
            &world.alice,
            "MKCOL",
            "/dav/calendars/users/alice/files",
            &[],
            "",
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let file = "/dav/calendars/users/alice/files/note.txt";
    let put = world
        .send(
            &world.alice,
            "PUT",
            file,
            &["Content-Type: text/plain"],
            "hello",
        )
        .await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    let paths = [
        "/",
        "/dav/",
        "/dav/principals/",
        "/dav/principals/users/",
        PRINCIPAL,
        "/dav/principals/groups/team/",
        "/dav/principals/users/alice/calendar-proxy-read/",
        "/dav/principals/users/alice/calendar-proxy-write/",
        "/dav/calendars/",
        "/dav/calendars/users/",
        "/dav/calendars/users/alice/",
        CALENDAR,
        "/dav/calendars/users/alice/calendar/a.ics",
        "/dav/calendars/users/alice/inbox/",
        "/dav/calendars/users/alice/outbox/",
        "/dav/calendars/users/alice/files/",
        file,
    ];
    (world, paths.map(str::to_owned).into())
}

#[tokio::test]
async fn every_property_answers_on_every_kind() {
    let (world, paths) = populated().await;
    for path in &paths {
        for row in table::properties() {
            let prop = format!("<X:{} xmlns:X=\"{}\"/>", row.name.local, row.name.namespace);
            let answer = world.propfind(&world.alice, path, "0", &prop).await;
            assert_eq!(answer.hrefs(), [path.as_str()]);
            answer.property(path, row.name);
        }
        for body in [
            xml("D:propfind", "<D:allprop/>"),
            xml("D:propfind", "<D:propname/>"),
            String::new(),
        ] {
            let answer = world
                .send(&world.alice, "PROPFIND", path, &["Depth: 0"], &body)
                .await;
            assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{path}");
            answer.property(path, dav::RESOURCETYPE);
        }
    }
}

/// RFC 4918 §9.2.1, §16
#[tokio::test]
async fn protected_properties_refuse_everywhere() {
    let (world, paths) = populated().await;
    for path in &paths {
        for row in table::properties().filter(|row| row.origin_word() == "protected") {
            let prop = format!("<X:{} xmlns:X=\"{}\"/>", row.name.local, row.name.namespace);
            let update = format!("<D:set><D:prop>{prop}<CS:dead>x</CS:dead></D:prop></D:set>");
            let answer = world
                .send(
                    &world.alice,
                    "PROPPATCH",
                    path,
                    &[],
                    &xml("D:propertyupdate", &update),
                )
                .await;
            assert_eq!(
                answer.status,
                StatusCode::MULTI_STATUS,
                "{path} {}",
                answer.text()
            );
            assert!(
                answer.property(path, row.name).contains("403"),
                "{path} {}",
                row.name
            );
            assert!(answer.text().contains("cannot-modify-protected-property"));
            let dead = crate::xml::Name::new(calendarserver::NAMESPACE, "dead");
            let status = answer.property(path, dead);
            assert!(
                status.contains("424") || status.contains("403"),
                "{path}: {status}"
            );
        }
    }
}

/// RFC 5397, RFC 4791 §6.2.1, RFC 6638 §2, client behaviours 1 to 3
#[tokio::test]
async fn an_account_is_found_from_the_root() {
    let world = world().await;
    let root = world
        .propfind(&world.alice, "/", "0", "<D:current-user-principal/>")
        .await;
    assert_eq!(
        root.property("/", dav::CURRENT_USER_PRINCIPAL),
        format!("href({PRINCIPAL})")
    );
    let cases = [
        (dav::PRINCIPAL_URL, format!("href({PRINCIPAL})")),
        (dav::RESOURCETYPE, "collection principal".into()),
        (dav::DISPLAYNAME, "The alice".into()),
        (
            dav::ALTERNATE_URI_SET,
            "href(mailto:alice@example.com)".into(),
        ),
        (
            dav::GROUP_MEMBERSHIP,
            "href(/dav/principals/groups/team/)".into(),
        ),
        (
            dav::PRINCIPAL_COLLECTION_SET,
            "href(/dav/principals/)".into(),
        ),
        (
            caldav::CALENDAR_HOME_SET,
            "href(/dav/calendars/users/alice/)".into(),
        ),
        (
            caldav::SCHEDULE_INBOX_URL,
            "href(/dav/calendars/users/alice/inbox/)".into(),
        ),
        (
            caldav::SCHEDULE_OUTBOX_URL,
            "href(/dav/calendars/users/alice/outbox/)".into(),
        ),
        (
            caldav::CALENDAR_USER_ADDRESS_SET,
            format!("href(mailto:alice@example.com) href({PRINCIPAL})"),
        ),
        (caldav::CALENDAR_USER_TYPE, "INDIVIDUAL".into()),
        (
            calendarserver::EMAIL_ADDRESS_SET,
            "email-address(alice@example.com)".into(),
        ),
        (calendarserver::CALENDAR_PROXY_READ_FOR, String::new()),
        (dav::CURRENT_USER_PRIVILEGE_SET, all_on_principal()),
    ];
    for (name, expected) in cases {
        let prop = format!("<X:{} xmlns:X=\"{}\"/>", name.local, name.namespace);
        let answer = world.propfind(&world.alice, PRINCIPAL, "0", &prop).await;
        assert_eq!(answer.property(PRINCIPAL, name), expected, "{name}");
    }
    let group = world
        .propfind(
            &world.alice,
            "/dav/principals/groups/team/",
            "0",
            "<C:calendar-home-set/><D:group-member-set/>",
        )
        .await;
    assert!(
        group
            .property("/dav/principals/groups/team/", caldav::CALENDAR_HOME_SET)
            .contains("404")
    );
    let members = group.property("/dav/principals/groups/team/", dav::GROUP_MEMBER_SET);
    assert_eq!(
        members,
        "href(/dav/principals/users/alice/) href(/dav/principals/users/bob/)"
    );
    assert_eq!(
        super::scheduling::user_type(PrincipalKind::Location),
        "ROOM"
    );
}

fn all_on_principal() -> String {
    use storage::access::{Privilege, Privileges, Site};
    let all = Privileges::at(Site::Principal, &[Privilege::All]);
    let names: Vec<String> = all
        .iter()
        .map(|privilege| format!("privilege({})", crate::privilege::name(privilege).local))
        .collect();
    names.join(" ")
}

/// RFC 4791 §5.2, RFC 6638 §9, client behaviours 7 and 11
#[tokio::test]
async fn a_calendar_says_what_it_is() {
    let world = world().await;
    let cases = [
        (dav::RESOURCETYPE, "collection calendar"),
        (dav::OWNER, "href(/dav/principals/users/alice/)"),
        (caldav::MAX_RESOURCE_SIZE, "1048576"),
        (caldav::MIN_DATE_TIME, "00010101T000000Z"),
        (caldav::MAX_DATE_TIME, "99991231T235959Z"),
        (caldav::MAX_INSTANCES, "100000"),
        (caldav::MAX_ATTENDEES_PER_INSTANCE, "1000"),
        (caldav::SCHEDULE_CALENDAR_TRANSP, "opaque"),
        (
            caldav::SUPPORTED_CALENDAR_DATA,
            "calendar-data calendar-data calendar-data",
        ),
        (caldav::SUPPORTED_RSCALE_SET, "supported-rscale(GREGORIAN)"),
        (caldav::CALENDAR_TIMEZONE_ID, "HTTP/1.1 404 Not Found"),
        (dav::QUOTA_AVAILABLE_BYTES, "HTTP/1.1 404 Not Found"),
        (dav::QUOTA_USED_BYTES, "0"),
        (dav::GETETAG, "HTTP/1.1 404 Not Found"),
        (dav::ACL_RESTRICTIONS, "no-invert"),
        (dav::INHERITED_ACL_SET, ""),
    ];
    for (name, expected) in cases {
        let prop = format!("<X:{} xmlns:X=\"{}\"/>", name.local, name.namespace);
        let answer = world.propfind(&world.alice, CALENDAR, "0", &prop).await;
        assert_eq!(answer.property(CALENDAR, name), expected, "{name}");
    }
    let inbox = "/dav/calendars/users/alice/inbox/";
    let props = "<D:resourcetype/><C:schedule-default-calendar-URL/><D:sync-token/><CS:getctag/>";
    let answer = world.propfind(&world.alice, inbox, "0", props).await;
    assert_eq!(
        answer.property(inbox, dav::RESOURCETYPE),
        "collection schedule-inbox"
    );
    assert_eq!(
        answer.property(inbox, caldav::SCHEDULE_DEFAULT_CALENDAR_URL),
        format!("href({CALENDAR})")
    );
    assert_eq!(
        answer.property(inbox, dav::SYNC_TOKEN),
        answer.property(inbox, calendarserver::GETCTAG)
    );
}

/// RFC 4918 §4.3, §4.4, §9.2
#[tokio::test]
async fn dead_properties_come_back_as_they_were() {
    let (world, paths) = populated().await;
    let stored = paths
        .iter()
        .filter(|path| path.starts_with("/dav/calendars/users/alice/"));
    for path in stored.chain([&PRINCIPAL.to_owned()]) {
        let value = "<z:p xmlns:z=\"urn:z\" z:a=\"1\" xml:lang=\"de\"> <z:q/>&lt;&#13;ü</z:p>";
        let update = format!("<D:set><D:prop>{value}</D:prop></D:set>");
        let answer = world
            .send(
                &world.alice,
                "PROPPATCH",
                path,
                &[],
                &xml("D:propertyupdate", &update),
            )
            .await;
        assert_eq!(
            answer.property(path, crate::xml::Name::new("urn:z", "p")),
            "",
            "{path}"
        );
        let answer = world
            .propfind(&world.alice, path, "0", "<z:p xmlns:z=\"urn:z\"/>")
            .await;
        let expected =
            "<z:p xmlns:z=\"urn:z\" z:a=\"1\" xml:lang=\"de\"> <z:q></z:q>&lt;&#13;ü</z:p>";
        assert!(
            answer.text().contains(expected),
            "{path}: {}",
            answer.text()
        );
        let update = "<D:remove><D:prop><z:p xmlns:z=\"urn:z\"/></D:prop></D:remove>";
        world
            .send(
                &world.alice,
                "PROPPATCH",
                path,
                &[],
                &xml("D:propertyupdate", update),
            )
            .await;
        let answer = world
            .propfind(&world.alice, path, "0", "<z:p xmlns:z=\"urn:z\"/>")
            .await;
        assert!(
            answer
                .property(path, crate::xml::Name::new("urn:z", "p"))
                .contains("404"),
            "{path}"
        );
    }
}

/// Client behaviours, point 8.
#[tokio::test]
async fn apples_properties_are_kept() {
    let world = world().await;
    let zone = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:A\r\nBEGIN:STANDARD\r\n\
        DTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n";
    let alarm = "BEGIN:VALARM\r\nX-WR-ALARMUID:A\r\nUID:A\r\nTRIGGER:-PT15H\r\nATTACH;VALUE=URI:Basso\r\n\
        ACTION:AUDIO\r\nEND:VALARM\r\n";
    let set = format!(
        "<D:set><D:prop><D:displayname>Home</D:displayname><A:calendar-color symbolic-color=\"red\">#FF2968FF\
         </A:calendar-color><A:calendar-order>3</A:calendar-order><C:calendar-timezone>{zone}</C:calendar-timezone>\
         <C:default-alarm-vevent-date><![CDATA[{alarm}]]></C:default-alarm-vevent-date>\
         <C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set>"
    );
    for path in [
        CALENDAR,
        "/dav/calendars/users/alice/",
        "/dav/calendars/users/alice/inbox/",
    ] {
        let answer = world
            .send(
                &world.alice,
                "PROPPATCH",
                path,
                &[],
                &xml("D:propertyupdate", &set),
            )
            .await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS);
        assert!(
            !answer.text().contains(" 403 "),
            "{path}: {}",
            answer.text()
        );
        let props = "<D:displayname/><A:calendar-color/><C:default-alarm-vevent-date/>";
        let answer = world.propfind(&world.alice, path, "0", props).await;
        assert_eq!(answer.property(path, apple::CALENDAR_COLOR), "#FF2968FF");
        assert_eq!(answer.property(path, dav::DISPLAYNAME), "Home");
        assert!(answer.text().contains("symbolic-color=\"red\""));
    }
}

/// RFC 4791 §5.3.1.2, RFC 6638 §9.1
#[tokio::test]
async fn values_that_make_no_sense_are_refused() {
    let world = world().await;
    let cases = [
        (
            "<C:calendar-timezone>nonsense</C:calendar-timezone>",
            caldav::CALENDAR_TIMEZONE,
            "403",
        ),
        (
            "<C:schedule-calendar-transp><C:green/></C:schedule-calendar-transp>",
            caldav::SCHEDULE_CALENDAR_TRANSP,
            "409",
        ),
        (
            "<D:displayname><x/></D:displayname>",
            dav::DISPLAYNAME,
            "409",
        ),
        (
            "<C:supported-calendar-component-set/>",
            caldav::SUPPORTED_CALENDAR_COMPONENT_SET,
            "403",
        ),
        (
            &format!(
                "<A:calendar-order>{}</A:calendar-order>",
                "1".repeat(20_000)
            ),
            apple::CALENDAR_ORDER,
            "507",
        ),
    ];
    for (value, name, status) in cases {
        let update = xml(
            "D:propertyupdate",
            &format!("<D:set><D:prop>{value}<A:x/></D:prop></D:set>"),
        );
        let answer = world
            .send(&world.alice, "PROPPATCH", CALENDAR, &[], &update)
            .await;
        assert!(
            answer.property(CALENDAR, name).contains(status),
            "{name}: {}",
            answer.text()
        );
        let other = crate::xml::Name::new(apple::NAMESPACE, "x");
        assert!(answer.property(CALENDAR, other).contains("424"));
        let after = world.propfind(&world.alice, CALENDAR, "0", "<A:x/>").await;
        assert!(
            after.property(CALENDAR, other).contains("404"),
            "nothing of it happened"
        );
    }
}

/// Client behaviours, point 5.
#[tokio::test]
async fn delegates_are_named_through_the_proxy_groups() {
    let world = world().await;
    let proxy = "/dav/principals/users/alice/calendar-proxy-write/";
    let set = |hrefs: &str| {
        let value = format!(
            "<D:set><D:prop><D:group-member-set>{hrefs}</D:group-member-set></D:prop></D:set>"
        );
        xml("D:propertyupdate", &value)
    };
    let nobody = set("<D:href>/dav/principals/users/nobody/</D:href>");
    let answer = world
        .send(&world.alice, "PROPPATCH", proxy, &[], &nobody)
        .await;
    assert!(
        answer
            .property(proxy, dav::GROUP_MEMBER_SET)
            .contains("409"),
        "{}",
        answer.text()
    );
    let bob = set("<D:href>http://calendar.example.com/dav/principals/users/bob/</D:href>");
    let refused = world.send(&world.bob, "PROPPATCH", proxy, &[], &bob).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let answer = world
        .send(&world.alice, "PROPPATCH", proxy, &[], &bob)
        .await;
    assert_eq!(answer.property(proxy, dav::GROUP_MEMBER_SET), "");
    let path = "/dav/principals/users/bob/";
    let props = "<D:group-membership/><CS:calendar-proxy-write-for/>";
    let answer = world.propfind(&world.bob, path, "0", props).await;
    assert!(answer.property(path, dav::GROUP_MEMBERSHIP).contains(proxy));
    assert_eq!(
        answer.property(path, calendarserver::CALENDAR_PROXY_WRITE_FOR),
        format!("href({PRINCIPAL})")
    );
    let answer = world
        .propfind(
            &world.bob,
            proxy,
            "0",
            "<D:group-member-set/><D:resourcetype/>",
        )
        .await;
    assert_eq!(
        answer.property(proxy, dav::GROUP_MEMBER_SET),
        format!("href({path})")
    );
    assert_eq!(
        answer.property(proxy, dav::RESOURCETYPE),
        "collection principal calendar-proxy-write"
    );
}

/// RFC 6638 §9.2
#[tokio::test]
async fn the_default_calendar_can_be_another() {
    let world = world().await;
    let made = world
        .send(
            &world.alice,
            "MKCALENDAR",
            "/dav/calendars/users/alice/work/",
            &[],
            "",
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let inbox = "/dav/calendars/users/alice/inbox/";
    let name = caldav::SCHEDULE_DEFAULT_CALENDAR_URL;
    let cases = [
        ("/dav/calendars/users/alice/work/", ""),
        ("/dav/calendars/users/alice/", "HTTP/1.1 403 Forbidden"),
        (
            "/dav/calendars/users/bob/calendar/",
            "HTTP/1.1 403 Forbidden",
        ),
        (
            "/dav/calendars/users/alice/missing/",
            "HTTP/1.1 403 Forbidden",
        ),
    ];
    for (href, expected) in cases {
        let value = format!("<C:{0}><D:href>{href}</D:href></C:{0}>", name.local);
        let update = xml(
            "D:propertyupdate",
            &format!("<D:set><D:prop>{value}</D:prop></D:set>"),
        );
        let answer = world
            .send(&world.alice, "PROPPATCH", inbox, &[], &update)
            .await;
        assert_eq!(answer.property(inbox, name), expected, "{href}");
        let answer = world
            .propfind(&world.alice, inbox, "0", &format!("<C:{}/>", name.local))
            .await;
        assert_eq!(
            answer.property(inbox, name),
            "href(/dav/calendars/users/alice/work/)"
        );
    }
    // RFC 4918 §9.2: all or nothing, in document order
    let chosen = async |hrefs: [&str; 2]| {
        let value = |href| format!("<C:{0}><D:href>{href}</D:href></C:{0}>", name.local);
        let values = hrefs.map(|it| format!("<D:set><D:prop>{}</D:prop></D:set>", value(it)));
        let update = xml("D:propertyupdate", &values.concat());
        let answer = world
            .send(&world.alice, "PROPPATCH", inbox, &[], &update)
            .await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS);
        let asked = format!("<C:{}/>", name.local);
        let answer = world.propfind(&world.alice, inbox, "0", &asked).await;
        answer.property(inbox, name)
    };
    let [own, work, bobs] = ["alice/calendar", "alice/work", "bob/calendar"]
        .map(|at| format!("/dav/calendars/users/{at}/"));
    for hrefs in [[&own, &bobs], [&bobs, &own]] {
        assert_eq!(
            chosen(hrefs.map(String::as_str)).await,
            format!("href({work})")
        );
    }
    assert_eq!(chosen([&work, &own]).await, format!("href({own})"));
}

/// RFC 4331 §3, §4
#[tokio::test]
async fn quota_counts_down() {
    let limits = scheduling::desk::Limits {
        quota_octets: Some(100_000),
        ..Default::default()
    };
    let settings = scheduling::desk::Settings {
        limits,
        ..Default::default()
    };
    let world = crate::testing::world_with(settings).await;
    let numbers = async || {
        let props = "<D:quota-available-bytes/><D:quota-used-bytes/>";
        let answer = world.propfind(&world.alice, CALENDAR, "0", props).await;
        let number = |name| {
            answer
                .property(CALENDAR, name)
                .parse::<u64>()
                .expect("a number")
        };
        (
            number(dav::QUOTA_AVAILABLE_BYTES),
            number(dav::QUOTA_USED_BYTES),
        )
    };
    assert_eq!(numbers().await, (100_000, 0));
    world.put_event("a", "DTSTART:20260301T090000Z").await;
    let (available, used) = numbers().await;
    assert!(used > 100, "{used}");
    assert_eq!(available + used, 100_000);
}
