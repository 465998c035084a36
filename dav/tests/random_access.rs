//! Thousands of random grants, classes and requests against a slow and obvious model: what the server lets
//! through is what the model says, and nothing that somebody may not see is in any byte of any answer.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;

use common::{Answer, World, lock_info};

/// How many sets of grants; each is asked by all requests.
const CASES: u64 = 2_000;
const OBJECTS: usize = 4;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// What is granted or denied one by one; `read` is only whole with the two that follow it.
const UNITS: [&str; 10] = [
    "read",
    "read-free-busy",
    "read-current-user-privilege-set",
    "write-properties",
    "write-content",
    "bind",
    "unbind",
    "unlock",
    "read-acl",
    "write-acl",
];
const PRIVILEGES: [&str; 11] = [
    "read",
    "write",
    "write-content",
    "bind",
    "unbind",
    "read-free-busy",
    "read-current-user-privilege-set",
    "unlock",
    "read-acl",
    "write-acl",
    "all",
];

fn units(privilege: &str) -> Vec<&'static str> {
    let part = |range: std::ops::Range<usize>| UNITS[range].to_vec();
    match privilege {
        "all" => UNITS.to_vec(),
        "read" => part(0..3),
        "write" => part(3..7),
        one => UNITS.iter().copied().filter(|unit| *unit == one).collect(),
    }
}

/// An entry about Bob, by some way of naming him, or about whom he is not.
#[derive(Clone, Debug)]
struct Entry {
    deny: bool,
    whom: &'static str,
    privilege: &'static str,
}

const WHOM: [(&str, bool); 5] = [
    ("<D:href>/dav/principals/users/bob/</D:href>", true),
    ("<D:all/>", true),
    ("<D:authenticated/>", true),
    ("<D:unauthenticated/>", false),
    (
        "<D:href>/dav/principals/users/alice/calendar-proxy-read/</D:href>",
        false,
    ),
];

/// Each is named once, so that no two entries contradict each other (RFC 3744 §8.1.1).
fn entries(dice: &mut Dice) -> Option<Vec<Entry>> {
    let number = dice.roll(4);
    if number == 0 {
        return None;
    }
    let first = dice.roll(WHOM.len());
    let entry = |place: usize, dice: &mut Dice| Entry {
        deny: dice.roll(3) == 0,
        whom: WHOM[(first + place) % WHOM.len()].0,
        privilege: dice.pick(&PRIVILEGES),
    };
    Some((0..number - 1).map(|place| entry(place, dice)).collect())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    Public,
    /// When, what and where (calendarserver private-events §4.2.2.5).
    Restricted,
    Confidential,
    Private,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Delegate {
    No,
    Reader,
    Editor,
    Confidant,
}

#[derive(Debug)]
struct Case {
    calendar: Option<Vec<Entry>>,
    objects: Vec<(Class, Option<Vec<Entry>>)>,
    delegate: Delegate,
}

impl Case {
    fn random(dice: &mut Dice) -> Case {
        let object = |dice: &mut Dice| {
            let class = dice.pick(&[
                Class::Public,
                Class::Public,
                Class::Restricted,
                Class::Confidential,
                Class::Private,
            ]);
            let own = if dice.roll(2) == 0 {
                entries(dice)
            } else {
                None
            };
            (class, own)
        };
        Case {
            calendar: entries(dice),
            objects: (0..OBJECTS).map(|_| object(dice)).collect(),
            delegate: dice.pick(&[
                Delegate::No,
                Delegate::No,
                Delegate::Reader,
                Delegate::Editor,
                Delegate::Confidant,
            ]),
        }
    }

    /// RFC 3744 §6, word by word: of each unit, the first entry about Bob that names it decides.
    fn holds(&self, object: Option<usize>, privilege: &str) -> bool {
        let grant = |whom, privilege| Entry {
            deny: false,
            whom,
            privilege,
        };
        let anybody = WHOM[1].0;
        let mut in_order = Vec::new();
        match self.delegate {
            Delegate::No => {}
            Delegate::Reader => in_order.push(grant(anybody, "read")),
            Delegate::Editor | Delegate::Confidant => {
                in_order.extend([grant(anybody, "read"), grant(anybody, "write")]);
            }
        }
        if let Some(place) = object {
            in_order.extend(self.objects[place].1.iter().flatten().cloned());
        }
        match &self.calendar {
            Some(entries) => in_order.extend(entries.iter().cloned()),
            None => in_order.push(grant(anybody, "read-free-busy")),
        }
        let is_bob = |whom: &str| {
            let row = WHOM.iter().find(|(name, _)| *name == whom).unwrap();
            row.1 || whom.contains("calendar-proxy-read") && self.delegate == Delegate::Reader
        };
        units(privilege).iter().all(|unit| {
            let mut about = in_order.iter().filter(|entry| is_bob(entry.whom));
            let first = about.find(|entry| units(entry.privilege).contains(unit));
            first.is_some_and(|entry| !entry.deny)
        })
    }

    fn sees_all(&self, place: usize) -> bool {
        self.delegate == Delegate::Confidant || self.objects[place].0 == Class::Public
    }

    /// Whether Bob sees what it is, where he sees it at all.
    fn sees_what(&self, place: usize) -> bool {
        self.sees_all(place) || self.objects[place].0 == Class::Restricted
    }

    fn is_hidden(&self, place: usize) -> bool {
        !self.sees_all(place) && self.objects[place].0 == Class::Private
    }

    /// Whether Bob is told of an object by a listing.
    fn is_listed(&self, place: usize) -> bool {
        self.holds(Some(place), "read") && !self.is_hidden(place)
    }

    async fn world(&self) -> World {
        let world = World::new().await;
        for (place, (class, own)) in self.objects.iter().enumerate() {
            world.put(&path(place), &event(place, *class)).await;
            if let Some(own) = own {
                set(&world, &path(place), own).await;
            }
        }
        if let Some(entries) = &self.calendar {
            set(&world, "calendar/", entries).await;
        }
        let groups: &[&str] = match self.delegate {
            Delegate::No => &[],
            Delegate::Reader => &["calendar-proxy-read"],
            Delegate::Editor => &["calendar-proxy-write"],
            Delegate::Confidant => &["calendar-proxy-write", "delegates-who-see-private"],
        };
        for group in groups {
            let line = format!("PROPPATCH /dav/principals/users/alice/{group}/");
            let body = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:group-member-set>\
                <D:href>/dav/principals/users/bob/</D:href></D:group-member-set></D:prop></D:set>\
                </D:propertyupdate>";
            assert_eq!(world.ask(&line, &[], body).await.code(), 207);
        }
        world
    }
}

fn path(place: usize) -> String {
    format!("calendar/object-{place}.ics")
}

fn secret(place: usize) -> String {
    format!("SECRET-{place}-SECRET")
}

fn what(place: usize) -> String {
    format!("WHAT-{place}-WHAT")
}

fn start(place: usize) -> String {
    format!("2026010{}T100000Z", place + 1)
}

fn event(place: usize, class: Class) -> String {
    let (access, class) = match class {
        Class::Public => ("", "PUBLIC"),
        Class::Restricted => ("X-CALENDARSERVER-ACCESS:RESTRICTED\r\n", "PUBLIC"),
        Class::Confidential => ("", "CONFIDENTIAL"),
        Class::Private => ("", "PRIVATE"),
    };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{access}BEGIN:VEVENT\r\nUID:uid-{place}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDURATION:PT1H\r\nCLASS:{class}\r\nSUMMARY:{}\r\n\
         DESCRIPTION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        start(place),
        what(place),
        secret(place)
    )
}

async fn set(world: &World, path: &str, entries: &[Entry]) {
    let mut aces = String::new();
    for Entry {
        deny,
        whom,
        privilege,
    } in entries
    {
        let verb = if *deny { "deny" } else { "grant" };
        let prefix = if *privilege == "read-free-busy" {
            "C"
        } else {
            "D"
        };
        write!(
            aces,
            "<D:ace><D:principal>{whom}</D:principal><D:{verb}><D:privilege><{prefix}:{privilege}/>\
             </D:privilege></D:{verb}></D:ace>"
        )
        .unwrap();
    }
    let body =
        format!("<D:acl xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'>{aces}</D:acl>");
    let answer = world.ask(&format!("ACL {path}"), &[], &body).await;
    assert_eq!(answer.code(), 200, "{answer:?}");
}

/// What an answer tells of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Told {
    /// That it is there.
    exists: bool,
    /// What it is.
    what: bool,
    /// All that it says.
    all: bool,
}

fn told(answer: &Answer, by_name: bool) -> Vec<Told> {
    let text = format!("{:?}\n{}", answer.headers, answer.body);
    let of = |place: usize| {
        let name = if by_name {
            format!("object-{place}")
        } else {
            start(place)
        };
        Told {
            exists: text.contains(&name),
            what: text.contains(&what(place)),
            all: text.contains(&secret(place)),
        }
    };
    (0..OBJECTS).map(of).collect()
}

const LISTINGS: [(&str, &str, bool); 5] = [
    (
        "PROPFIND calendar/",
        "<D:propfind xmlns:D='DAV:'><D:prop><D:getetag/></D:prop></D:propfind>",
        false,
    ),
    (
        "PROPFIND calendar/",
        "<D:propfind xmlns:D='DAV:'><D:allprop/></D:propfind>",
        false,
    ),
    (
        "REPORT calendar/",
        "<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop><C:calendar-data/>\
         </D:prop><C:filter><C:comp-filter name='VCALENDAR'/></C:filter></C:calendar-query>",
        true,
    ),
    (
        "REPORT calendar/",
        "<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop><C:calendar-data/>\
         </D:prop><C:filter><C:comp-filter name='VCALENDAR'><C:comp-filter name='VEVENT'><C:time-range \
         start='20260101T000000Z' end='20260301T000000Z'/></C:comp-filter></C:comp-filter></C:filter>\
         </C:calendar-query>",
        true,
    ),
    (
        "REPORT calendar/",
        "<D:sync-collection xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:sync-token/>\
         <D:sync-level>1</D:sync-level><D:prop><D:getetag/><C:calendar-data/></D:prop></D:sync-collection>",
        true,
    ),
];

/// All ways to ask for several objects at once.
async fn check_listings(world: &World, case: &Case) {
    let may_list = case.holds(None, "read");
    let expected = |with_data: bool| -> Vec<Told> {
        let of = |place| {
            let exists = may_list && case.is_listed(place);
            Told {
                exists,
                what: exists && with_data && case.sees_what(place),
                all: exists && with_data && case.sees_all(place),
            }
        };
        (0..OBJECTS).map(of).collect()
    };
    for (line, body, with_data) in LISTINGS {
        let is_sync = body.contains("sync-collection");
        let depth = [("depth", "1")];
        let headers = if is_sync { &[][..] } else { &depth[..] };
        let answer = world.ask_bob(line, headers, body).await;
        assert_eq!(
            answer.code(),
            if may_list { 207 } else { 403 },
            "{case:?} {body}"
        );
        assert_eq!(
            told(&answer, true),
            expected(with_data),
            "{case:?} {body} {answer:?}"
        );
    }
    let answer = world.ask_bob("GET calendar/", &[], "").await;
    let by_time = told(&answer, false);
    assert_eq!(by_time, expected(true), "{case:?} {answer:?}");
    let hrefs: String = (0..OBJECTS)
        .map(|place| {
            format!(
                "<D:href>/dav/calendars/users/alice/{}</D:href>",
                path(place)
            )
        })
        .collect();
    let multiget = format!(
        "<C:calendar-multiget xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop>\
         <C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>"
    );
    let answer = world
        .ask_bob("REPORT calendar/", &[("depth", "1")], &multiget)
        .await;
    // Its name is told by the request.
    let seen = |all: Vec<Told>| -> Vec<(bool, bool)> {
        all.into_iter().map(|told| (told.what, told.all)).collect()
    };
    assert_eq!(
        seen(told(&answer, false)),
        seen(expected(true)),
        "{case:?} {answer:?}"
    );
    check_busy_times(world, case).await;
}

async fn check_busy_times(world: &World, case: &Case) {
    let body = "<C:free-busy-query xmlns:C='urn:ietf:params:xml:ns:caldav'>\
        <C:time-range start='20260101T000000Z' end='20260301T000000Z'/></C:free-busy-query>";
    let answer = world
        .ask_bob("REPORT calendar/", &[("depth", "1")], body)
        .await;
    let may_ask = case.holds(None, "read-free-busy");
    assert_eq!(
        answer.code(),
        if may_ask { 200 } else { 404 },
        "{case:?} {answer:?}"
    );
    let expected: Vec<Told> = (0..OBJECTS)
        .map(|place| Told {
            exists: may_ask && case.holds(Some(place), "read-free-busy"),
            ..Told::default()
        })
        .collect();
    assert_eq!(told(&answer, false), expected, "{case:?} {answer:?}");
}

/// Each object by itself.
async fn check_objects(world: &World, case: &Case) {
    for place in 0..OBJECTS {
        let answer = world
            .ask_bob(&format!("GET {}", path(place)), &[], "")
            .await;
        let (code, sees) = match case.is_hidden(place) {
            // As if it were not there: its own entries say nothing of it.
            true if case.holds(None, "read") => (404, false),
            false if case.holds(Some(place), "read") => (200, true),
            _ => (403, false),
        };
        assert_eq!(answer.code(), code, "{case:?} {place} {answer:?}");
        let seen = told(&answer, false)[place];
        assert_eq!(
            (seen.what, seen.all),
            (sees && case.sees_what(place), sees && case.sees_all(place)),
            "{case:?} {place} {answer:?}"
        );
    }
}

/// What Bob asks to be changed, and what the model says to that.
struct Asked {
    line: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    code: u16,
}

impl Asked {
    fn new(line: String, body: &str, code: u16) -> Asked {
        Asked {
            line,
            headers: Vec::new(),
            body: body.to_owned(),
            code,
        }
    }

    fn with(mut self, name: &'static str, value: String) -> Asked {
        self.headers.push((name, value));
        self
    }
}

/// The status of a change of an object: `done` where Bob sees all of it and holds the privileges on it (and on
/// the calendar); as if there were nothing where it is hidden.
fn on_object(
    case: &Case,
    place: usize,
    privileges: &[&str],
    on_calendar: &[&str],
    done: u16,
) -> u16 {
    let at = Some(place).filter(|_| !case.is_hidden(place));
    let holds = privileges.iter().all(|it| case.holds(at, it))
        && on_calendar.iter().all(|it| case.holds(None, it));
    match (holds, at) {
        (true, None) => 404,
        (true, Some(_)) if case.sees_all(place) => done,
        _ => 403,
    }
}

/// One change by chance; `token` is that of a lock of Alice's, where one is wanted.
fn change(case: &Case, place: usize, dice: &mut Dice, token: &str) -> Asked {
    let at = path(place);
    let class = case.objects[place].0;
    let bobs = || "/dav/calendars/users/bob/calendar/new.ics".to_owned();
    let on = |privileges: &[&str], done| on_object(case, place, privileges, &[], done);
    let if_held = |held: bool, done| if held { done } else { 403 };
    let is_editor = matches!(case.delegate, Delegate::Editor | Delegate::Confidant);
    // Only the owner stores what is restricted by X-CALENDARSERVER-ACCESS (private-events §4.2.6).
    let may_store = |code| match (code, class) {
        (404, _) | (_, Class::Restricted) => 403,
        (code, _) => code,
    };
    match dice.roll(KINDS_OF_CHANGES) {
        0 => {
            let body = event(place, class).replace("PT1H", "PT2H");
            let code = may_store(on(&["write-content"], 204));
            Asked::new(format!("PUT {at}"), &body, code)
        }
        1 => {
            let code = on_object(case, place, &[], &["unbind"], 204);
            Asked::new(format!("DELETE {at}"), "", code)
        }
        2 => {
            let body = event(OBJECTS, Class::Public);
            let code = if_held(case.holds(None, "bind"), 201);
            Asked::new("PUT calendar/new.ics".to_owned(), &body, code)
        }
        3 => {
            let body = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>x</D:displayname>\
                </D:prop></D:set></D:propertyupdate>";
            Asked::new(
                format!("PROPPATCH {at}"),
                body,
                on(&["write-properties"], 207),
            )
        }
        4 => Asked::new(format!("COPY {at}"), "", on(&["read"], 201)).with("destination", bobs()),
        5 => {
            let code = on_object(case, place, &["read"], &["unbind"], 201);
            Asked::new(format!("MOVE {at}"), "", code).with("destination", bobs())
        }
        6 => {
            let body = "<D:acl xmlns:D='DAV:'/>";
            Asked::new(format!("ACL {at}"), body, on(&["write-acl"], 200))
        }
        7 => {
            // Nothing is made in a calendar by LOCK.
            let code = match on(&["write-content"], 200) {
                404 => 403,
                code => code,
            };
            Asked::new(format!("LOCK {at}"), &lock_info("exclusive"), code)
        }
        8 => {
            let code = match case.is_hidden(place) {
                true if case.holds(None, "read") => 409,
                true => 403,
                false => if_held(case.holds(Some(place), "unlock"), 204),
            };
            Asked::new(format!("UNLOCK {at}"), "", code).with("lock-token", format!("<{token}>"))
        }
        9 => {
            let body = event(OBJECTS, Class::Public);
            let code = if_held(case.holds(None, "bind"), 201);
            Asked::new("POST calendar/?add-member".to_owned(), &body, code)
                .with("content-type", "text/calendar".to_owned())
        }
        10 => {
            // Who may do nothing that a POST does is told so.
            let lets = ["read", "bind", "write-content"];
            let is_told = lets.iter().any(|one| case.holds(None, one));
            let code = match case.is_hidden(place) {
                true => {
                    if is_told {
                        404
                    } else {
                        403
                    }
                }
                false => may_store(on(&["write-content"], 201)),
            };
            Asked::new(format!("POST {at}?action=attachment-add"), "x", code)
                .with("content-type", "text/plain".to_owned())
        }
        11 => Asked::new("MKCALENDAR new/".to_owned(), "", if_held(is_editor, 201)),
        12 => Asked::new(format!("MKCALENDAR {at}/below/"), "", {
            // Below what is no collection, or nothing.
            if_held(case.holds(None, "bind"), 409)
        }),
        _ => {
            let code = if_held(case.holds(None, "bind"), 201);
            Asked::new(
                "COPY /dav/calendars/users/bob/calendar/bobs.ics".to_owned(),
                "",
                code,
            )
            .with(
                "destination",
                "/dav/calendars/users/alice/calendar/bobs.ics".to_owned(),
            )
        }
    }
}

/// How many kinds of changes there are.
const KINDS_OF_CHANGES: usize = 14;

/// One of the objects is changed.
async fn check_change(world: &World, case: &Case, dice: &mut Dice) {
    let place = dice.roll(OBJECTS);
    let at = path(place);
    let put = "PUT /dav/calendars/users/bob/calendar/bobs.ics";
    let bobs = event(OBJECTS + 1, Class::Public);
    assert_eq!(world.ask_bob(put, &[], &bobs).await.code(), 201);
    let token = world.lock(&at, &[]).await;
    let asked = change(case, place, dice, &token);
    let release = async || {
        let token = format!("<{token}>");
        let headers = [("lock-token", token.as_str())];
        world.ask(&format!("UNLOCK {at}"), &headers, "").await
    };
    if !asked.line.starts_with("UNLOCK") {
        assert_eq!(release().await.code(), 204);
    }
    let before = world.ask(&format!("GET {at}"), &[], "").await.body;
    let headers: Vec<(&str, &str)> = asked
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let line = &asked.line;
    let answer = world.ask_bob(line, &headers, &asked.body).await;
    assert_eq!(answer.code(), asked.code, "{case:?} {line} {answer:?}");
    if asked.code >= 400 {
        let after = world.ask(&format!("GET {at}"), &[], "").await.body;
        assert_eq!(
            after, before,
            "{case:?} {line}: what is refused changes nothing"
        );
    }
    let seen = told(&answer, false)[place];
    assert!(!seen.what && !seen.all, "{case:?} {line} {answer:?}");
}

#[tokio::test]
async fn what_is_let_through_is_what_the_model_says() {
    let mut dice = Dice(2026);
    for _ in 0..CASES {
        let case = Case::random(&mut dice);
        let world = case.world().await;
        check_listings(&world, &case).await;
        check_objects(&world, &case).await;
        check_change(&world, &case, &mut dice).await;
    }
}
