//! Thousands of random grants, classes and requests against a slow and obvious model: what the server lets
//! through is what the model says, and nothing that somebody may not see is in any byte of any answer.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write;

use common::{Answer, World};

/// How many sets of grants; each is asked by all requests.
const CASES: u64 = 400;
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
const UNITS: [&str; 7] = [
    "read",
    "read-free-busy",
    "read-current-user-privilege-set",
    "write-properties",
    "write-content",
    "bind",
    "unbind",
];
const PRIVILEGES: [&str; 8] = [
    "read",
    "write",
    "write-content",
    "bind",
    "unbind",
    "read-free-busy",
    "read-current-user-privilege-set",
    "all",
];

fn units(privilege: &str) -> Vec<&'static str> {
    let part = |range: std::ops::Range<usize>| UNITS[range].to_vec();
    match privilege {
        "all" => part(0..7),
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

fn start(place: usize) -> String {
    format!("2026010{}T100000Z", place + 1)
}

fn event(place: usize, class: Class) -> String {
    let class = match class {
        Class::Public => "PUBLIC",
        Class::Confidential => "CONFIDENTIAL",
        Class::Private => "PRIVATE",
    };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:uid-{place}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDURATION:PT1H\r\nCLASS:{class}\r\nSUMMARY:{}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n",
        start(place),
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

/// What an answer tells of each object: nothing, that it is there, or what it says.
fn told(answer: &Answer, by_name: bool) -> Vec<(bool, bool)> {
    let text = format!("{:?}\n{}", answer.headers, answer.body);
    let of = |place: usize| {
        let name = if by_name {
            format!("object-{place}")
        } else {
            start(place)
        };
        (text.contains(&name), text.contains(&secret(place)))
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
    let expected = |with_data: bool| -> Vec<(bool, bool)> {
        let of = |place| {
            let listed = may_list && case.is_listed(place);
            (listed, listed && with_data && case.sees_all(place))
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
    let seen: Vec<bool> = told(&answer, false)
        .into_iter()
        .map(|(_, seen)| seen)
        .collect();
    let expected: Vec<bool> = expected(true).into_iter().map(|(_, seen)| seen).collect();
    assert_eq!(seen, expected, "{case:?} {answer:?}");
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
    let expected: Vec<(bool, bool)> = (0..OBJECTS)
        .map(|place| (may_ask && case.holds(Some(place), "read-free-busy"), false))
        .collect();
    assert_eq!(told(&answer, false), expected, "{case:?} {answer:?}");
}

/// Each object by itself: read, and then one that is changed.
async fn check_objects(world: &World, case: &Case, dice: &mut Dice) {
    for place in 0..OBJECTS {
        let answer = world
            .ask_bob(&format!("GET {}", path(place)), &[], "")
            .await;
        let (code, seen) = match case.is_hidden(place) {
            // As if it were not there: its own entries say nothing of it.
            true if case.holds(None, "read") => (404, false),
            false if case.holds(Some(place), "read") => (200, case.sees_all(place)),
            _ => (403, false),
        };
        assert_eq!(answer.code(), code, "{case:?} {place} {answer:?}");
        assert_eq!(
            told(&answer, false)[place].1,
            seen,
            "{case:?} {place} {answer:?}"
        );
    }
    let place = dice.roll(OBJECTS);
    let at = path(place);
    let visible = match (case.is_hidden(place), case.sees_all(place)) {
        (true, _) => 404,
        (false, true) => 204,
        (false, false) => 403,
    };
    let before = world.ask(&format!("GET {at}"), &[], "").await.body;
    let (line, body, code) = match dice.roll(4) {
        0 => {
            let may = case.holds(Some(place), "write-content") && case.sees_all(place);
            let body = event(place, case.objects[place].0).replace("PT1H", "PT2H");
            (format!("PUT {at}"), body, if may { 204 } else { 403 })
        }
        1 => {
            let code = if case.holds(None, "unbind") {
                visible
            } else {
                403
            };
            (format!("DELETE {at}"), String::new(), code)
        }
        2 => {
            let body = event(OBJECTS, Class::Public);
            let code = if case.holds(None, "bind") { 201 } else { 403 };
            ("PUT calendar/new.ics".to_owned(), body, code)
        }
        _ => {
            let body = "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>x</D:displayname>\
                </D:prop></D:set></D:propertyupdate>";
            let code = match visible {
                404 if case.holds(None, "write-properties") => 404,
                204 if case.holds(Some(place), "write-properties") => 207,
                _ => 403,
            };
            (format!("PROPPATCH {at}"), body.to_owned(), code)
        }
    };
    let answer = world.ask_bob(&line, &[], &body).await;
    assert_eq!(answer.code(), code, "{case:?} {line} {answer:?}");
    if code >= 400 {
        let after = world.ask(&format!("GET {at}"), &[], "").await.body;
        assert_eq!(
            after, before,
            "{case:?} {line}: what is refused changes nothing"
        );
    }
    let seen = told(&answer, false)[place].1;
    assert!(!seen, "{case:?} {line} {answer:?}");
}

#[tokio::test]
async fn what_is_let_through_is_what_the_model_says() {
    let mut dice = Dice(2026);
    for _ in 0..CASES {
        let case = Case::random(&mut dice);
        let world = case.world().await;
        check_listings(&world, &case).await;
        check_objects(&world, &case, &mut dice).await;
    }
}
