//! What it costs to find out who may do what: the same requests on a calendar without access control entries
//! of its own, and on one with 200 of them, of which the last one decides: it is about a group, and who asks is
//! in a group within a group, five deep.

use std::{path::Path, sync::Arc, time::Duration};

use serde::Serialize;
use storage::{
    Store,
    backend::Backend,
    model::{PrincipalId, PrincipalKind},
    sled::{Options, Sled},
};

use crate::{
    alternating::{self, Kind, RUNS},
    child::Child,
    convoke,
    load::{self, Connection},
    queries::{
        data::{Calendar, file_name},
        request_of, week_body,
    },
    size::start,
};

/// Entries of the calendar that has any.
const ENTRIES: usize = 200;
/// Groups between the entry that decides and who asks.
const DEPTH: usize = 5;
/// What stands in both calendars.
const OBJECTS: Calendar = Calendar { objects: 1_000 };
/// Of how many kinds of request there are.
const KINDS: u32 = 5;
/// To reach: so much more than without.
const BOUND: f64 = 1.10;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Rights {
    pub entries: usize,
    pub depth_of_groups: usize,
    pub bound: f64,
    pub is_reached: bool,
    /// `before` is without entries, `now` with them.
    pub requests: Vec<Kind>,
}

/// A calendar of Alice's, and who asks it.
struct Asked {
    user: &'static str,
    calendar: &'static str,
}

/// Carol was granted something on Alice's home; Bob only as a member of the innermost group.
const ASKED: [Asked; 2] = [
    Asked {
        user: "carol",
        calendar: "unlisted",
    },
    Asked {
        user: "bob",
        calendar: "listed",
    },
];

/// Compares the two on one fresh store. Each kind of request takes so long.
pub async fn measure(folder: &Path, time: Duration) -> Rights {
    let data = folder.join("convoke-rights");
    // Makes Alice, Bob and Carol.
    start(&data).0.stop();
    make_groups(&data).await;
    let server = start(&data).0;
    fill(&server).await;
    let time = time / (2 * RUNS * KINDS);
    let mut requests = Vec::new();
    for (name, connections, status, request) in kinds() {
        let kind = alternating::compare(name, connections, async |which, run| {
            let asked = &ASKED[which];
            let request = move |connection, number| request(asked, run, connection, number);
            let measured = load::run(&server, connections, time, status, request);
            measured.await.server_cpu_microseconds_per_request
        });
        requests.push(kind.await);
    }
    server.stop();
    Rights {
        entries: ENTRIES,
        depth_of_groups: DEPTH,
        bound: BOUND,
        is_reached: requests.iter().all(|kind| kind.ratio <= BOUND),
        requests,
    }
}

/// Octets of a request by who asks, the run, the connection and the number on it.
type Make = fn(&Asked, u32, usize, u64) -> Vec<u8>;

/// Name, connections, expected status. PUT comes last: what it writes makes listings longer.
fn kinds() -> [(&'static str, usize, u16, Make); KINDS as usize] {
    [
        ("GET", 16, 200, get),
        ("PROPFIND depth 0", 16, 207, propfind),
        ("PROPFIND depth 1", 1, 207, propfind_members),
        ("one week, with data", 1, 207, week),
        ("PUT", 16, 201, put),
    ]
}

impl Asked {
    fn path(&self, name: &str) -> String {
        format!("/dav/calendars/users/alice/{}/{name}", self.calendar)
    }

    fn request(&self, method: &str, name: &str, depth: &str, body: &str) -> Vec<u8> {
        request_of(self.user, method, &self.path(name), depth, body)
    }

    fn put(&self, name: &str, body: &str) -> Vec<u8> {
        let authorization = convoke::authorization(self.user);
        format!(
            "PUT {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {authorization}\r\nContent-Type: text/calendar; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            self.path(name),
            body.len()
        )
        .into_bytes()
    }
}

fn get(asked: &Asked, _: u32, connection: usize, number: u64) -> Vec<u8> {
    let number = (number * 7919 + connection as u64) % OBJECTS.objects;
    asked.request("GET", &file_name(number), "0", "")
}

const PROPFIND: &str = "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:displayname/><D:sync-token/><D:current-user-privilege-set/></D:prop></D:propfind>";

fn propfind(asked: &Asked, _: u32, _: usize, _: u64) -> Vec<u8> {
    asked.request("PROPFIND", "", "0", PROPFIND)
}

fn propfind_members(asked: &Asked, _: u32, _: usize, _: u64) -> Vec<u8> {
    let body = "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/></D:prop></D:propfind>";
    asked.request("PROPFIND", "", "1", body)
}

fn week(asked: &Asked, _: u32, _: usize, _: u64) -> Vec<u8> {
    asked.request("REPORT", "", "1", &week_body(OBJECTS, false))
}

fn put(asked: &Asked, run: u32, connection: usize, number: u64) -> Vec<u8> {
    let name = format!("{run}-{connection}-{number}");
    asked.put(&format!("{name}.ics"), &convoke::event(&name))
}

/// Groups that each hold the next one, the innermost Bob, and as many others as there are other entries.
async fn make_groups(data: &Path) {
    let environment = server::environment::system();
    let backend = Sled::open(data, Options::default(), environment.clock.clone())
        .expect("nobody has it open");
    let backend: Arc<dyn Backend> = Arc::new(backend);
    let store = Store::open(backend.clone(), environment)
        .await
        .expect("a sound store");
    let bob = store.principal_by_name("bob").await.expect("readable");
    let mut member = bob.expect("the server made him").id;
    for depth in (1..=DEPTH).rev() {
        member = add_group(&store, format!("nested-{depth}"), vec![member]).await;
    }
    for number in 1..ENTRIES {
        add_group(&store, format!("other-{number}"), Vec::new()).await;
    }
    backend.close().await;
}

async fn add_group(store: &Store, name: String, members: Vec<PrincipalId>) -> PrincipalId {
    let mut group = tests::server::principal(PrincipalKind::Group, &name, &name);
    group.members = members;
    let added = store.add_account(group, None).await;
    added.expect("a new account").id
}

/// Makes both calendars with the same objects, and grants the same on them.
async fn fill(server: &Child) {
    let mut connection = Connection::open(server).await;
    let ace = |verb: &str, principal: &str| {
        format!(
            "<D:ace><D:principal><D:href>/dav/principals/{principal}/</D:href></D:principal><D:{verb}><D:privilege><D:read/></D:privilege><D:privilege><D:write/></D:privilege></D:{verb}></D:ace>"
        )
    };
    let acl = |path: &str, aces: &str| {
        let body = format!("<D:acl xmlns:D=\"DAV:\">{aces}</D:acl>");
        request_of("alice", "ACL", path, "0", &body)
    };
    let home = acl("/dav/calendars/users/alice/", &ace("grant", "users/carol"));
    connection.ask(&home, 200).await;
    let others = (1..ENTRIES).map(|number| {
        let verb = if number % 4 == 0 { "deny" } else { "grant" };
        ace(verb, &format!("groups/other-{number}"))
    });
    let listed: String = others.chain([ace("grant", "groups/nested-1")]).collect();
    for asked in &ASKED {
        let owner = Asked {
            user: "alice",
            ..*asked
        };
        connection
            .ask(&owner.request("MKCALENDAR", "", "0", ""), 201)
            .await;
        for number in 0..OBJECTS.objects {
            let put = owner.put(&file_name(number), &OBJECTS.text(number));
            connection.ask(&put, 201).await;
        }
        if asked.user == "bob" {
            connection.ask(&acl(&asked.path(""), &listed), 200).await;
        }
    }
}
