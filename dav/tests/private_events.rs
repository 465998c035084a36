//! calendarserver private-events, and CLASS (RFC 5545 §3.8.1.3): what people who may read a calendar see of
//! events that are not for everybody, by whatever way they ask.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, World};

/// What Bob may do in Alice's calendar.
async fn grant(world: &World, privileges: &str) {
    let body = format!(
        "<D:acl xmlns:D='DAV:'><D:ace><D:principal><D:href>/dav/principals/users/bob/</D:href>\
         </D:principal><D:grant>{privileges}</D:grant></D:ace></D:acl>"
    );
    let answer = world.ask("ACL calendar/", &[], &body).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
}

const READ: &str = "<D:privilege><D:read/></D:privilege>";
const READ_AND_WRITE: &str =
    "<D:privilege><D:read/></D:privilege><D:privilege><D:write/></D:privilege>";

/// An event whose every detail says that it is secret.
fn event(uid: &str, access: &str, class: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{access}BEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nDTEND:20260102T110000Z\r\n{class}\
         SUMMARY:SECRET what\r\nLOCATION:SECRET where\r\nDESCRIPTION:SECRET why\r\n\
         CATEGORIES:SECRET\r\nX-SECRET:SECRET\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\n\
         DESCRIPTION:SECRET\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const PRIVATE: &str = "CLASS:PRIVATE\r\n";
const CONFIDENTIAL: &str = "CLASS:CONFIDENTIAL\r\n";

/// A private event, a confidential one, and one for all.
async fn world() -> World {
    let world = World::new().await;
    world
        .put("calendar/SECRET.ics", &event("SECRET-uid", "", PRIVATE))
        .await;
    world
        .put("calendar/busy.ics", &event("busy", "", CONFIDENTIAL))
        .await;
    let open = event("open", "", "").replace("SECRET", "OPEN");
    world.put("calendar/open.ics", &open).await;
    let name = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><X:note xmlns:X='urn:x'>SECRET\
                </X:note></D:prop></D:set></D:propertyupdate>";
    assert_eq!(
        world
            .ask("PROPPATCH calendar/busy.ics", &[], name)
            .await
            .code(),
        207
    );
    grant(&world, READ_AND_WRITE).await;
    world
}

fn tells_nothing(answer: &Answer, line: &str) {
    let text = format!("{:?}\n{}", answer.headers, answer.body);
    assert!(!text.contains("SECRET"), "{line}: {text}");
}

const QUERIES: [&str; 6] = [
    "<C:comp-filter name='VEVENT'/>",
    "<C:comp-filter name='VEVENT'><C:time-range start='20260101T000000Z' end='20260201T000000Z'/></C:comp-filter>",
    "<C:comp-filter name='VEVENT'><C:prop-filter name='SUMMARY'><C:text-match>secret</C:text-match></C:prop-filter></C:comp-filter>",
    "<C:comp-filter name='VEVENT'><C:prop-filter name='CATEGORIES'/></C:comp-filter>",
    "<C:comp-filter name='VEVENT'><C:comp-filter name='VALARM'><C:time-range start='20260101T000000Z' end='20260201T000000Z'/></C:comp-filter></C:comp-filter>",
    "<C:comp-filter name='VEVENT'><C:prop-filter name='X-SECRET'><C:is-not-defined/></C:prop-filter></C:comp-filter>",
];

fn query(filter: &str) -> String {
    format!(
        "<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop><D:getetag/>\
         <C:calendar-data/></D:prop><C:filter><C:comp-filter name='VCALENDAR'>{filter}</C:comp-filter>\
         </C:filter></C:calendar-query>"
    )
}

fn sync(token: &str) -> String {
    format!(
        "<D:sync-collection xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:sync-token>{token}\
         </D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/><C:calendar-data/></D:prop>\
         </D:sync-collection>"
    )
}

#[tokio::test]
async fn nothing_secret_is_in_any_answer() {
    let world = world().await;
    for filter in QUERIES {
        let answer = world
            .ask_bob("REPORT calendar/", &[("depth", "1")], &query(filter))
            .await;
        assert_eq!(answer.code(), 207);
        tells_nothing(&answer, filter);
    }
    let busy_matches = async |filter| {
        let answer = world
            .ask_bob("REPORT calendar/", &[("depth", "1")], &query(filter))
            .await;
        answer.body.contains("busy.ics")
    };
    // What is left of it is what is looked at.
    let expected = [true, true, false, false, false, true];
    for (filter, expected) in QUERIES.into_iter().zip(expected) {
        assert_eq!(busy_matches(filter).await, expected, "{filter}");
    }
    let multiget = "<C:calendar-multiget xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop>\
        <D:getetag/><C:calendar-data/></D:prop><D:href>/dav/calendars/users/alice/calendar/busy.ics</D:href>\
        </C:calendar-multiget>";
    let all = "<D:propfind xmlns:D='DAV:' xmlns:X='urn:x'><D:allprop/><D:include><X:note/></D:include></D:propfind>";
    let listed = "<D:propfind xmlns:D='DAV:'><D:prop><D:getetag/></D:prop></D:propfind>";
    let busy = "<C:free-busy-query xmlns:C='urn:ietf:params:xml:ns:caldav'>\
        <C:time-range start='20260101T000000Z' end='20260103T000000Z'/></C:free-busy-query>";
    for (line, headers, body) in [
        ("GET calendar/", &[][..], ""),
        (
            "GET calendar/",
            &[("accept", "application/calendar+json")],
            "",
        ),
        ("GET calendar/busy.ics", &[], ""),
        (
            "GET calendar/busy.ics",
            &[("accept", "application/calendar+xml")],
            "",
        ),
        ("GET calendar/busy.ics", &[("range", "bytes=0-")], ""),
        ("PROPFIND calendar/", &[("depth", "1")], all),
        ("PROPFIND calendar/", &[("depth", "1")], listed),
        ("PROPFIND calendar/busy.ics", &[("depth", "0")], all),
        ("PROPFIND ", &[("depth", "infinity")], listed),
        ("REPORT calendar/", &[("depth", "1")], multiget),
        ("REPORT calendar/", &[("depth", "1")], busy),
        ("REPORT calendar/", &[], &sync("")),
        (
            "COPY calendar/",
            &[("destination", "/dav/calendars/users/bob/copy/")],
            "",
        ),
        ("GET /dav/calendars/users/bob/copy/", &[], ""),
        (
            "COPY calendar/busy.ics",
            &[("destination", "/dav/calendars/users/bob/calendar/x.ics")],
            "",
        ),
        (
            "PROPFIND /dav/calendars/users/bob/",
            &[("depth", "infinity")],
            listed,
        ),
    ] {
        let answer = world.ask_bob(line, headers, body).await;
        tells_nothing(&answer, line);
    }
    let answer = world.ask_bob("GET calendar/busy.ics", &[], "").await;
    assert_eq!(answer.code(), 200);
    assert!(
        answer.body.contains("DTSTART:20260102T100000Z"),
        "{answer:?}"
    );
    let answer = world.ask_bob("GET calendar/open.ics", &[], "").await;
    assert!(answer.body.contains("OPEN what"), "{answer:?}");
    let answer = world
        .ask_bob("REPORT calendar/", &[("depth", "1")], busy)
        .await;
    assert!(answer.body.contains("20260102T100000Z"), "{answer:?}");
}

/// What is not there for somebody is no more there than what never was.
#[tokio::test]
async fn hidden_and_missing_are_the_same() {
    let world = world().await;
    let destination = ("destination", "/dav/calendars/users/bob/calendar/x.ics");
    for (line, headers) in [
        ("GET", &[][..]),
        ("HEAD", &[]),
        ("PROPFIND", &[("depth", "0")]),
        ("DELETE", &[]),
        ("COPY", &[destination]),
        ("MOVE", &[destination]),
    ] {
        let ask = async |name: &str| {
            let answer = world
                .ask_bob(&format!("{line} calendar/{name}.ics"), headers, "")
                .await;
            (answer.code(), answer.body.replace(name, "NAME"))
        };
        assert_eq!(ask("SECRET").await, ask("missing").await, "{line}");
    }
    assert_eq!(
        world.ask("GET calendar/SECRET.ics", &[], "").await.code(),
        200
    );
}

/// Nobody writes what they do not see as a whole.
#[tokio::test]
async fn what_is_seen_in_part_is_not_written() {
    let world = world().await;
    let before = world.ask("GET calendar/busy.ics", &[], "").await.body;
    let seen = world.ask_bob("GET calendar/busy.ics", &[], "").await;
    let etag = seen.header("etag").to_owned();
    let with_tag = [("if-match", etag.as_str())];
    let put = world
        .ask_bob("PUT calendar/busy.ics", &with_tag, &seen.body)
        .await;
    put.refuses(403, "D:need-privileges");
    for (line, headers) in [
        ("DELETE calendar/busy.ics", &[][..]),
        (
            "MOVE calendar/busy.ics",
            &[("destination", "/dav/calendars/users/alice/calendar/y.ics")],
        ),
        (
            "COPY calendar/busy.ics",
            &[("destination", "/dav/calendars/users/bob/calendar/y.ics")],
        ),
    ] {
        let answer = world.ask_bob(line, headers, "").await;
        answer.refuses(403, "D:need-privileges");
    }
    let over_hidden = event("SECRET-uid", "", "").replace("SECRET w", "new w");
    let answer = world
        .ask_bob("PUT calendar/SECRET.ics", &[], &over_hidden)
        .await;
    answer.refuses(403, "D:need-privileges");
    // What is in the way is not told.
    let answer = world
        .ask_bob("PUT calendar/new.ics", &[], &over_hidden)
        .await;
    answer.refuses(403, "D:need-privileges");
    tells_nothing(&answer, "PUT");
    assert_eq!(
        world.ask("GET calendar/busy.ics", &[], "").await.body,
        before
    );
    let privileges =
        "<D:propfind xmlns:D='DAV:'><D:prop><D:current-user-privilege-set/></D:prop></D:propfind>";
    let answer = world
        .ask_bob("PROPFIND calendar/busy.ics", &[("depth", "0")], privileges)
        .await;
    assert!(
        answer.body.contains("<D:read/>") && !answer.body.contains("write"),
        "{answer:?}"
    );
}

/// The entity tag follows from what is seen.
#[tokio::test]
async fn what_is_not_seen_moves_no_entity_tag() {
    let world = world().await;
    let tag = async || {
        let answer = world.ask_bob("GET calendar/busy.ics", &[], "").await;
        answer.header("etag").to_owned()
    };
    let before = tag().await;
    let changed = event("busy", "", CONFIDENTIAL).replace("SECRET why", "SECRET other");
    world.put("calendar/busy.ics", &changed).await;
    assert_eq!(tag().await, before);
    world
        .put(
            "calendar/busy.ics",
            &changed.replace("T110000Z", "T120000Z"),
        )
        .await;
    assert_ne!(tag().await, before);
}

/// What becomes private goes away for whoever saw it, and nobody else hears of it.
#[tokio::test]
async fn sync_tells_who_saw_it_that_it_is_gone() {
    let world = world().await;
    grant(&world, READ).await;
    let token_of = |answer: &Answer| {
        let (_, rest) = answer.body.split_once("<D:sync-token>").unwrap();
        rest.split_once("</D:sync-token>").unwrap().0.to_owned()
    };
    let first = world.ask_bob("REPORT calendar/", &[], &sync("")).await;
    assert!(first.body.contains("open.ics") && first.body.contains("busy.ics"));
    let token = token_of(&first);
    world
        .put("calendar/open.ics", &event("open", "", PRIVATE))
        .await;
    world
        .put(
            "calendar/SECRET.ics",
            &event("SECRET-uid", "", PRIVATE).replace("why", "y"),
        )
        .await;
    let next = world.ask_bob("REPORT calendar/", &[], &sync(&token)).await;
    tells_nothing(&next, "sync");
    assert!(
        next.body
            .contains("open.ics</D:href><D:status>HTTP/1.1 404"),
        "{next:?}"
    );
    // Also after another change of it.
    world
        .put(
            "calendar/open.ics",
            &event("open", "", PRIVATE).replace("why", "y"),
        )
        .await;
    let next = world.ask_bob("REPORT calendar/", &[], &sync(&token)).await;
    assert!(
        next.body
            .contains("open.ics</D:href><D:status>HTTP/1.1 404"),
        "{next:?}"
    );
}

/// calendarserver private-events §4.2.2.1 and §4.2.2.5.
#[tokio::test]
async fn apples_access_restrictions() {
    let world = World::new().await;
    grant(&world, READ_AND_WRITE).await;
    for (word, code, details) in [
        ("PUBLIC", 200, true),
        ("RESTRICTED", 200, true),
        ("CONFIDENTIAL", 200, false),
        ("PRIVATE", 404, false),
    ] {
        let access = format!("X-CALENDARSERVER-ACCESS:{word}\r\n");
        let path = format!("calendar/{word}.ics");
        world.put(&path, &event(word, &access, "")).await;
        let answer = world.ask_bob(&format!("GET {path}"), &[], "").await;
        assert_eq!(answer.code(), code, "{word}");
        assert_eq!(
            answer.body.contains("SECRET where"),
            details,
            "{word}: {answer:?}"
        );
        assert_eq!(
            answer.body.contains("SECRET why"),
            word == "PUBLIC",
            "{word}: {answer:?}"
        );
        let new = format!("PUT calendar/bobs-{word}.ics");
        let answer = world
            .ask_bob(&new, &[], &event(&format!("b{word}"), &access, ""))
            .await;
        match word {
            "PUBLIC" => assert_eq!(answer.code(), 201),
            _ => answer.refuses(403, "CS:valid-access-restriction-change"),
        }
    }
    let answer = world.ask("OPTIONS calendar/", &[], "").await;
    assert!(
        answer
            .header("dav")
            .contains("calendarserver-private-events")
    );
}

/// Who takes part sees all; so does a delegate who sees private things, and no other delegate.
#[tokio::test]
async fn participants_and_delegates() {
    let world = World::new().await;
    grant(&world, READ).await;
    let people = "ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:bob@example.org\r\n";
    let with_bob = event("m", "", &format!("{PRIVATE}{people}"));
    world.put("calendar/m.ics", &with_bob).await;
    world.put("calendar/p.ics", &event("p", "", PRIVATE)).await;
    let get = async |name: &str| {
        let line = format!("GET calendar/{name}.ics");
        world.ask_bob(&line, &[], "").await.code()
    };
    assert_eq!((get("m").await, get("p").await), (200, 404));
    let members = async |group: &str, code: u16| {
        let line = format!("PROPPATCH /dav/principals/users/alice/{group}/");
        let body = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:group-member-set>\
            <D:href>/dav/principals/users/bob/</D:href></D:group-member-set></D:prop></D:set>\
            </D:propertyupdate>";
        assert_eq!(world.ask(&line, &[], body).await.code(), code);
    };
    members("calendar-proxy-write", 207).await;
    assert_eq!(get("p").await, 404);
    members("delegates-who-see-private", 207).await;
    assert_eq!(get("p").await, 200);
}

/// An object with entries of its own counts for whom those let (RFC 4791 §6.1.1).
#[tokio::test]
async fn busy_times_heed_the_entries_of_objects() {
    let world = World::new().await;
    let open = event("open", "", "");
    world.put("calendar/open.ics", &open).await;
    let busy = "<C:free-busy-query xmlns:C='urn:ietf:params:xml:ns:caldav'>\
        <C:time-range start='20260101T000000Z' end='20260103T000000Z'/></C:free-busy-query>";
    let told = async || {
        let answer = world
            .ask_bob("REPORT calendar/", &[("depth", "1")], busy)
            .await;
        answer.body.contains("20260102T100000Z")
    };
    assert!(told().await);
    let deny = "<D:acl xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:ace><D:principal>\
        <D:all/></D:principal><D:deny><D:privilege><C:read-free-busy/></D:privilege></D:deny></D:ace></D:acl>";
    assert_eq!(
        world.ask("ACL calendar/open.ics", &[], deny).await.code(),
        200
    );
    assert!(!told().await);
}
