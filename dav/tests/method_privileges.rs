//! RFC 3744 appendix B, row by row: what each method demands, where, and that nothing else helps.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{Answer, HOME, World, lock_info};

/// What can be granted one by one on what Alice has.
const PRIVILEGES: [&str; 12] = [
    "D:read",
    "D:write-properties",
    "D:write-content",
    "D:unlock",
    "D:read-acl",
    "D:write-acl",
    "D:bind",
    "D:unbind",
    "C:read-free-busy",
    "C:schedule-send-invite",
    "C:schedule-send-reply",
    "C:schedule-send-freebusy",
];

/// Where something is granted in these tests; each has entries of its own, so that nothing is given by others.
const PLACES: [&str; 5] = ["calendar/", "other/", "files/", "outbox/", ""];

/// A privilege that a method needs: granted at a place, and named as missing with a resource.
type Need = (&'static str, &'static str, &'static str);

struct Row {
    /// The method of the table, and the case.
    name: &'static str,
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: String,
    needs: &'static [Need],
    /// The status where all is granted.
    done: u16,
    /// The status where something is missing.
    refused: u16,
}

fn row(
    name: &'static str,
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: impl Into<String>,
    needs: &'static [Need],
    done: u16,
) -> Row {
    Row {
        name,
        request,
        headers,
        body: body.into(),
        needs,
        done,
        refused: 403,
    }
}

const TO_NEW: (&str, &str) = ("destination", "/dav/calendars/users/alice/files/new.ics");
const TO_OLD: (&str, &str) = ("destination", "/dav/calendars/users/alice/other/b.ics");
const CALENDAR: (&str, &str) = ("content-type", "text/calendar");

/// On a calendar's object, and on the calendar.
const READ: &[Need] = &[("calendar/", "calendar/a.ics", "D:read")];
const READ_CALENDAR: &[Need] = &[("calendar/", "calendar/", "D:read")];
const WRITE_CONTENT: &[Need] = &[("calendar/", "calendar/a.ics", "D:write-content")];
const BIND: &[Need] = &[("calendar/", "calendar/", "D:bind")];
const BIND_FILES: &[Need] = &[("files/", "files/", "D:bind")];
const BIND_HOME: &[Need] = &[("", "", "D:bind")];

fn rows() -> Vec<Row> {
    let properties = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>x</D:displayname>\
        </D:prop></D:set></D:propertyupdate>";
    let acl = "<D:acl xmlns:D='DAV:'/>";
    let propfind = "<D:propfind xmlns:D='DAV:'><D:prop><D:getetag/></D:prop></D:propfind>";
    let query = "<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop>\
        <D:getetag/></D:prop><C:filter><C:comp-filter name='VCALENDAR'/></C:filter></C:calendar-query>";
    let sync = "<D:sync-collection xmlns:D='DAV:'><D:sync-token/><D:sync-level>1</D:sync-level><D:prop>\
        <D:getetag/></D:prop></D:sync-collection>";
    let expand = "<D:expand-property xmlns:D='DAV:'><D:property name='owner'/></D:expand-property>";
    let busy = "<C:free-busy-query xmlns:C='urn:ietf:params:xml:ns:caldav'>\
        <C:time-range start='20260101T000000Z' end='20260201T000000Z'/></C:free-busy-query>";
    let multiget = format!(
        "<C:calendar-multiget xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop><D:getetag/>\
         </D:prop><D:href>{HOME}calendar/a.ics</D:href></C:calendar-multiget>"
    );
    let busy_times = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n\
        UID:q\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T000000Z\r\nDTEND:20260103T000000Z\r\n\
        ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:alice@example.org\r\nEND:VFREEBUSY\r\n\
        END:VCALENDAR\r\n";
    let lock = || lock_info("exclusive");
    let depth = &[("depth", "1")];
    #[rustfmt::skip]
    let rows = vec![
        row("GET", "GET calendar/a.ics", &[], "", READ, 200),
        row("GET of a calendar", "GET calendar/", &[], "", READ_CALENDAR, 200),
        row("HEAD", "HEAD calendar/a.ics", &[], "", READ, 200),
        row("OPTIONS", "OPTIONS calendar/a.ics", &[], "", READ, 200),
        row("PUT (target exists)", "PUT calendar/a.ics", &[], event("a", "y"), WRITE_CONTENT, 204),
        row("PUT (no target exists)", "PUT calendar/n.ics", &[], event("n", "x"), BIND, 201),
        row("PROPPATCH", "PROPPATCH calendar/a.ics", &[], properties,
            &[("calendar/", "calendar/a.ics", "D:write-properties")], 207),
        row("PROPPATCH of a calendar", "PROPPATCH calendar/", &[], properties,
            &[("calendar/", "calendar/", "D:write-properties")], 207),
        row("ACL", "ACL calendar/a.ics", &[], acl, &[("calendar/", "calendar/a.ics", "D:write-acl")], 200),
        row("ACL of a calendar", "ACL calendar/", &[], acl, &[("calendar/", "calendar/", "D:write-acl")], 200),
        row("PROPFIND", "PROPFIND calendar/a.ics", depth, propfind, READ, 207),
        row("PROPFIND of a calendar", "PROPFIND calendar/", depth, propfind, READ_CALENDAR, 207),
        row("COPY (target exists)", "COPY calendar/a.ics", &[TO_OLD], "",
            &[("calendar/", "calendar/a.ics", "D:read"), ("other/", "other/b.ics", "D:write-content"),
                ("other/", "other/b.ics", "D:write-properties")], 204),
        row("COPY (no target exists)", "COPY calendar/a.ics", &[TO_NEW], "",
            &[("calendar/", "calendar/a.ics", "D:read"), ("files/", "files/", "D:bind")], 201),
        // What is moved can be read where it comes to stand: so it must be readable where it was.
        row("MOVE (no target exists)", "MOVE calendar/a.ics", &[TO_NEW], "",
            &[("calendar/", "calendar/a.ics", "D:read"), ("calendar/", "calendar/", "D:unbind"),
                ("files/", "files/", "D:bind")], 201),
        row("MOVE (target exists)", "MOVE calendar/a.ics", &[TO_OLD], "",
            &[("calendar/", "calendar/a.ics", "D:read"), ("calendar/", "calendar/", "D:unbind"),
                ("other/", "other/", "D:bind"), ("other/", "other/", "D:unbind")], 204),
        row("DELETE", "DELETE calendar/a.ics", &[], "", &[("calendar/", "calendar/", "D:unbind")], 204),
        row("DELETE of a calendar", "DELETE other/", &[], "", &[("", "", "D:unbind")], 204),
        row("LOCK (target exists)", "LOCK calendar/a.ics", &[], lock(), WRITE_CONTENT, 200),
        // It keeps others from all below it: whoever may end their locks.
        row("LOCK of a calendar", "LOCK calendar/", &[], lock(),
            &[("calendar/", "calendar/", "D:write-content"), ("calendar/", "calendar/", "D:unlock")], 200),
        row("LOCK (no target exists)", "LOCK files/new", &[], lock(), BIND_FILES, 201),
        row("MKCOL", "MKCOL files/new/", &[], "", BIND_FILES, 201),
        row("MKCALENDAR", "MKCALENDAR new/", &[], "", BIND_HOME, 201),
        row("UNLOCK", "UNLOCK other/b.ics", &[("lock-token", "TOKEN")], "", &[("other/", "other/b.ics", "D:unlock")], 204),
        // RFC 3253 §3.6 and RFC 4791 §7: what is reported is read.
        row("REPORT calendar-query", "REPORT calendar/", depth, query, READ_CALENDAR, 207),
        row("REPORT calendar-multiget", "REPORT calendar/", depth, multiget, READ_CALENDAR, 207),
        row("REPORT sync-collection", "REPORT calendar/", &[], sync, READ_CALENDAR, 207),
        row("REPORT expand-property", "REPORT calendar/a.ics", &[], expand, READ, 207),
        // RFC 4791 §7.10: nobody finds out what exists.
        Row {
            refused: 404,
            ..row("REPORT free-busy-query", "REPORT calendar/", depth, busy, &[("calendar/", "", "C:read-free-busy")], 200)
        },
        // RFC 5995 §4
        row("POST of a member", "POST calendar/?add-member", &[CALENDAR], event("n", "x"), BIND, 201),
        // RFC 8607 §3.4
        row("POST of an attachment", "POST calendar/a.ics?action=attachment-add",
            &[("content-type", "text/plain")], "x", WRITE_CONTENT, 201),
        // RFC 6638 §6.2
        row("POST to the outbox", "POST outbox/", &[CALENDAR], busy_times,
            &[("outbox/", "outbox/", "C:schedule-send-freebusy")], 200),
    ];
    rows
}

fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nDURATION:PT1H\r\nSUMMARY:{summary}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Alice's home, where Bob may do what is granted; and the token of a lock of hers.
async fn world(granted: &BTreeSet<(&str, &str)>) -> (World, String) {
    let world = World::new().await;
    assert_eq!(world.status("MKCALENDAR other/").await, 201);
    assert_eq!(world.status("MKCOL files/").await, 201);
    world.put("calendar/a.ics", &event("a", "x")).await;
    world.put("other/b.ics", &event("a", "x")).await;
    let token = world.lock("other/b.ics", &[]).await;
    for place in PLACES {
        let privileges: String = granted
            .iter()
            .filter(|(at, _)| *at == place)
            .map(|(_, privilege)| format!("<D:privilege><{privilege}/></D:privilege>"))
            .collect();
        let ace = match privileges.is_empty() {
            true => String::new(),
            false => format!(
                "<D:ace><D:principal><D:href>/dav/principals/users/bob/</D:href></D:principal>\
                 <D:grant>{privileges}</D:grant></D:ace>"
            ),
        };
        let body =
            format!("<D:acl xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'>{ace}</D:acl>");
        let answer = world.ask(&format!("ACL {place}"), &[], &body).await;
        assert_eq!(answer.code(), 200, "{place} {answer:?}");
    }
    (world, token)
}

async fn ask(row: &Row, granted: &BTreeSet<(&str, &str)>) -> Answer {
    let (world, token) = world(granted).await;
    // A lock of Alice's is in the way of all but UNLOCK.
    if row.name != "UNLOCK" {
        let headers = [("lock-token", format!("<{token}>"))];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let answer = world.ask("UNLOCK other/b.ics", &headers, "").await;
        assert_eq!(answer.code(), 204);
    }
    let token = format!("<{token}>");
    let headers = row.headers.iter().map(|(name, value)| match *value {
        "TOKEN" => (*name, token.as_str()),
        value => (*name, value),
    });
    world
        .ask_bob(row.request, &headers.collect::<Vec<_>>(), &row.body)
        .await
}

fn names_missing(answer: &Answer, need: &Need) -> bool {
    let (_, href, privilege) = need;
    answer
        .body
        .contains(&format!("<D:href>{HOME}{href}</D:href>"))
        && answer.body.contains(&format!("<{privilege}/>"))
}

/// Each privilege alone, all that are needed, and all but one of what is needed with everything else.
#[tokio::test]
async fn each_method_needs_what_appendix_b_says_and_nothing_else() {
    let everything = PLACES
        .iter()
        .flat_map(|place| PRIVILEGES.map(|privilege| (*place, privilege)));
    let everything: Vec<(&str, &str)> = everything.filter(means_something).collect();
    for row in rows() {
        let name = row.name;
        let needed: BTreeSet<_> = row.needs.iter().map(|(at, _, what)| (*at, *what)).collect();
        let answer = ask(&row, &needed).await;
        assert_eq!(
            answer.code(),
            row.done,
            "{name} with all it needs: {answer:?}"
        );
        for need in row.needs {
            let (at, _, what) = *need;
            let mut others: BTreeSet<_> = everything.iter().copied().collect();
            // What is granted above would be inherited.
            others.retain(|one| one.1 != what || one.0 != at && !one.0.is_empty());
            if what == "C:read-free-busy" {
                others.retain(|one| one.1 != "D:read" || one.0 != at && !one.0.is_empty());
            }
            let answer = ask(&row, &others).await;
            assert_eq!(
                answer.code(),
                row.refused,
                "{name} without {need:?}: {answer:?}"
            );
            if row.refused == 403 && name != "HEAD" {
                assert!(
                    names_missing(&answer, need),
                    "{name} without {need:?}: {answer:?}"
                );
            }
        }
        let places: BTreeSet<_> = row.needs.iter().map(|need| need.0).collect();
        for alone in everything.iter().filter(|one| places.contains(one.0)) {
            let granted = BTreeSet::from([*alone]);
            // Reading is more than knowing when somebody is busy.
            let implied = alone.1 == "D:read" && needed.contains(&(alone.0, "C:read-free-busy"));
            let suffices = needed == granted || needed.len() == 1 && implied;
            let answer = ask(&row, &granted).await;
            let expected = if suffices { row.done } else { row.refused };
            assert_eq!(
                answer.code(),
                expected,
                "{name} with {alone:?} alone: {answer:?}"
            );
        }
    }
}

/// Whether a privilege can be granted there at all (RFC 3744 §8.1.1 not-supported-privilege).
fn means_something((place, privilege): &(&str, &str)) -> bool {
    match *privilege {
        it if it.starts_with("C:schedule-send") => *place == "outbox/",
        _ => true,
    }
}
