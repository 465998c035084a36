//! What is hidden from somebody who may write is in their way, and they hear nothing of it: neither that there
//! is something, nor what, whichever way they try to put something there.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, HOME, World, lock_info};

/// What Bob may do in Alice's calendar.
async fn grant(world: &World, privileges: &[&str]) {
    let privileges: String = privileges
        .iter()
        .map(|privilege| format!("<D:privilege><D:{privilege}/></D:privilege>"))
        .collect();
    let body = format!(
        "<D:acl xmlns:D='DAV:'><D:ace><D:principal><D:href>/dav/principals/users/bob/</D:href>\
         </D:principal><D:grant>{privileges}</D:grant></D:ace></D:acl>"
    );
    let answer = world.ask("ACL calendar/", &[], &body).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
}

const WRITER: &[&str] = &["read", "write"];
/// Everything of a writer, but that nothing new may be put into the calendar.
const NO_BIND: &[&str] = &["read", "write-content", "write-properties", "unbind"];

fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nDTEND:20260102T110000Z\r\n{lines}\
         SUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A private event of Alice's, in a calendar where Bob may write; he has an event of the same UID, and another.
async fn world() -> World {
    let world = World::new().await;
    let private = event("secret-uid", "CLASS:PRIVATE\r\n");
    world.put("calendar/secret.ics", &private).await;
    grant(&world, WRITER).await;
    for (name, uid) in [("own", "own-uid"), ("same", "secret-uid")] {
        let line = format!("PUT /dav/calendars/users/bob/calendar/{name}.ics");
        let answer = world.ask_bob(&line, &[], &event(uid, "")).await;
        assert_eq!(answer.code(), 201, "{answer:?}");
    }
    world
}

/// An answer without what stands in the request, too.
fn told(answer: &Answer, names: &[&str]) -> (u16, String, String) {
    let mut body = answer.body.clone();
    for name in names {
        body = body.replace(name, "NAME");
    }
    let tag = answer.header("etag").to_owned();
    (answer.code(), tag, body)
}

/// A way to put something into Alice's calendar: the request, its headers, its body; `NAME` and `UID` stand for
/// what is tried.
type Way = (&'static str, Headers, String);
type Headers = &'static [(&'static str, &'static str)];

/// A list of one change (calendarserver bulk-change §4).
fn multiput(href: &str, uid: &str) -> String {
    format!(
        "<M:multiput xmlns:M='http://me.com/_namespace/' xmlns:D='DAV:' \
         xmlns:C='urn:ietf:params:xml:ns:caldav'><M:resource>{href}<D:set><D:prop><C:calendar-data>{}\
         </C:calendar-data></D:prop></D:set></M:resource></M:multiput>",
        event(uid, "")
    )
}

const XML: (&str, &str) = ("content-type", "application/xml");

/// The ways to bring a name.
fn by_name() -> Vec<Way> {
    const TO: (&str, &str) = (
        "destination",
        "/dav/calendars/users/alice/calendar/NAME.ics",
    );
    let put = |headers: Headers| ("PUT calendar/NAME.ics", headers, event("new-uid", ""));
    let own = |method, headers: Headers| (method, headers, String::new());
    const COPY: &str = "COPY /dav/calendars/users/bob/calendar/own.ics";
    const MOVE: &str = "MOVE /dav/calendars/users/bob/calendar/own.ics";
    vec![
        put(&[]),
        put(&[("if-none-match", "*")]),
        own(COPY, &[TO, ("overwrite", "T")]),
        own(COPY, &[TO, ("overwrite", "F")]),
        own(MOVE, &[TO, ("overwrite", "T")]),
        own(MOVE, &[TO, ("overwrite", "F")]),
    ]
}

/// The ways to bring a UID under a name that is free.
fn by_uid() -> Vec<Way> {
    const TO: (&str, &str) = (
        "destination",
        "/dav/calendars/users/alice/calendar/free.ics",
    );
    const CALENDAR: (&str, &str) = ("content-type", "text/calendar");
    let ours = |method| (method, &[TO] as Headers, String::new());
    vec![
        ("PUT calendar/free.ics", &[], event("UID", "")),
        (
            "PUT calendar/free.ics",
            &[("if-none-match", "*")],
            event("UID", ""),
        ),
        ours("COPY /dav/calendars/users/bob/calendar/OBJECT.ics"),
        ours("MOVE /dav/calendars/users/bob/calendar/OBJECT.ics"),
        ("POST calendar/?add-member", &[CALENDAR], event("UID", "")),
        ("POST calendar/", &[CALENDAR], event("UID", "")),
        ("POST calendar/", &[XML], multiput("", "UID")),
    ]
}

async fn try_way(world: &World, way: &Way, name: &str, uid: &str) -> Answer {
    let object = if uid == "secret-uid" { "same" } else { "own" };
    let fill = |text: &str| {
        let text = text.replace("NAME", name).replace("OBJECT", object);
        text.replace("UID:UID", &format!("UID:{uid}"))
    };
    let headers: Vec<(&str, String)> = way
        .1
        .iter()
        .map(|(name, value)| (*name, fill(value)))
        .collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    world.ask_bob(&fill(way.0), &headers, &fill(&way.2)).await
}

/// Who brings a name or a UID that is taken by what they do not see hears what everybody hears who may put
/// nothing into the calendar.
#[tokio::test]
async fn a_hidden_name_is_refused_as_one_that_may_not_be_given() {
    let ways = by_name().into_iter().map(|way| (way, "secret", "own-uid"));
    let uids = by_uid().into_iter().map(|way| (way, "free", "secret-uid"));
    for (way, name, uid) in ways.chain(uids) {
        let hidden = {
            let world = world().await;
            let answer = try_way(&world, &way, name, uid).await;
            let kept = world.ask("GET calendar/secret.ics", &[], "").await;
            assert!(kept.body.contains("CLASS:PRIVATE"), "{way:?}");
            told(&answer, &[name, uid])
        };
        let forbidden = {
            let world = world().await;
            grant(&world, NO_BIND).await;
            let answer = try_way(&world, &way, "vacant", "own-uid").await;
            told(&answer, &["vacant", "own-uid"])
        };
        assert_eq!(hidden, forbidden, "{way:?}");
        assert!(
            matches!(hidden.0, 403 | 207) && hidden.2.contains("<D:bind/>"),
            "{way:?} {hidden:?}"
        );
        assert!(!hidden.2.contains("conflict"), "{way:?} {hidden:?}");
    }
}

/// Whatever makes nothing of that name finds nothing there.
#[tokio::test]
async fn other_methods_find_nothing_under_a_hidden_name() {
    let world = world().await;
    let properties = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>x</D:displayname>\
        </D:prop></D:set></D:propertyupdate>";
    let acl = "<D:acl xmlns:D='DAV:'/>";
    let lock = lock_info("exclusive");
    let data = event("new-uid", "");
    let put_over = multiput(
        &format!("<D:href>{HOME}calendar/NAME.ics</D:href>"),
        "new-uid",
    );
    for (line, headers, body) in [
        ("MKCOL calendar/NAME.ics", &[][..], ""),
        ("MKCALENDAR calendar/NAME.ics", &[], ""),
        ("LOCK calendar/NAME.ics", &[], lock.as_str()),
        ("UNLOCK calendar/NAME.ics", &[("lock-token", "<urn:x>")], ""),
        ("PROPPATCH calendar/NAME.ics", &[], properties),
        ("ACL calendar/NAME.ics", &[], acl),
        ("PUT calendar/NAME.ics", &[("if-match", "*")], data.as_str()),
        (
            "PUT calendar/NAME.ics",
            &[("if-match", "\"x\"")],
            data.as_str(),
        ),
        (
            "PUT calendar/NAME.ics",
            &[("if", "([\"x\"])")],
            data.as_str(),
        ),
        ("DELETE calendar/NAME.ics", &[("if-match", "*")], ""),
        ("POST calendar/", &[XML], &put_over),
        ("POST calendar/NAME.ics?action=attachment-add", &[], "x"),
        (
            "REPORT calendar/NAME.ics",
            &[],
            "<D:expand-property xmlns:D='DAV:'/>",
        ),
    ] {
        let ask = async |name: &str| {
            let line = line.replace("NAME", name);
            let body = body.replace("NAME", name);
            told(&world.ask_bob(&line, headers, &body).await, &[name])
        };
        assert_eq!(
            ask("secret").await,
            ask("missing").await,
            "{line} {headers:?}"
        );
    }
}

/// Entries of its own do not give away what is hidden.
#[tokio::test]
async fn entries_of_a_hidden_object_tell_nothing() {
    let world = world().await;
    for (verb, on_calendar) in [("deny", &["read"][..]), ("grant", &["bind"])] {
        grant(&world, on_calendar).await;
        let acl = format!(
            "<D:acl xmlns:D='DAV:'><D:ace><D:principal><D:href>/dav/principals/users/bob/</D:href>\
             </D:principal><D:{verb}><D:privilege><D:read/></D:privilege><D:privilege><D:write/></D:privilege>\
             </D:{verb}></D:ace></D:acl>"
        );
        let answer = world.ask("ACL calendar/secret.ics", &[], &acl).await;
        assert_eq!(answer.code(), 200, "{answer:?}");
        for line in ["GET", "PROPFIND", "DELETE", "PROPPATCH"] {
            let ask = async |name: &str| {
                let body = match line {
                    "PROPPATCH" => {
                        "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>x</D:displayname>\
                         </D:prop></D:set></D:propertyupdate>"
                    }
                    _ => "",
                };
                let line = format!("{line} calendar/{name}.ics");
                told(
                    &world.ask_bob(&line, &[("depth", "0")], body).await,
                    &[name],
                )
            };
            assert_eq!(ask("secret").await, ask("missing").await, "{line} {verb}");
        }
    }
}

/// RFC 6638 §3.2.4.1 is kept also where the other calendar is not Bob's to see: he copies his part of a meeting
/// into a calendar of Alice's, who organizes it in another one.
#[tokio::test]
async fn a_meeting_in_a_calendar_that_is_not_seen() {
    let world = world().await;
    assert_eq!(world.status("MKCALENDAR elsewhere/").await, 201);
    let people = "ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:alice@example.org\r\n\
        ATTENDEE:mailto:bob@example.org\r\n";
    world
        .put("elsewhere/m.ics", &event("meeting-uid", people))
        .await;
    let listed = world
        .ask_bob(
            "PROPFIND /dav/calendars/users/bob/calendar/",
            &[("depth", "1")],
            "",
        )
        .await
        .body;
    let copy = listed
        .split("<D:href>")
        .filter_map(|part| part.split_once("</D:href>"))
        .map(|(href, _)| href)
        .find(|href| {
            href.ends_with(".ics") && !href.ends_with("/own.ics") && !href.ends_with("/same.ics")
        })
        .unwrap()
        .to_owned();
    let to = [("destination", "/dav/calendars/users/alice/calendar/m.ics")];
    let answer = world.ask_bob(&format!("COPY {copy}"), &to, "").await;
    answer.refuses(403, "D:need-privileges");
    assert!(
        answer.body.contains("<D:bind/>") && !answer.body.contains("elsewhere"),
        "{answer:?}"
    );
    // Who may see it is told.
    let acl = "<D:acl xmlns:D='DAV:'><D:ace><D:principal><D:href>/dav/principals/users/bob/</D:href>\
        </D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>";
    assert_eq!(world.ask("ACL elsewhere/", &[], acl).await.code(), 200);
    let answer = world.ask_bob(&format!("COPY {copy}"), &to, "").await;
    answer.refuses(403, "C:unique-scheduling-object-resource");
    assert!(answer.body.contains("elsewhere/m.ics"), "{answer:?}");
}
