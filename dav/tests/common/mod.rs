//! A server without sockets: the service over a store in memory, two people, and a clock that obeys.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use dav::{Dav, DavSettings, SignedIn};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use scheduling::{
    Desk,
    desk::{Limits, Settings},
};
use storage::{
    Store,
    memory::Memory,
    model::{Principal, PrincipalKind},
    testing::{ManualClock, environment_at},
};
use tower::ServiceExt;

/// Where relative paths begin.
pub const HOME: &str = "/dav/calendars/users/alice/";
/// The name under which the service is addressed.
pub const HOST: &str = "localhost:8080";
/// The bound of files.
pub const MAXIMUM_FILE_OCTETS: u64 = 64 * 1024;

/// The service and its people.
pub struct World {
    pub dav: Dav,
    pub desk: Desk,
    pub clock: Arc<ManualClock>,
    alice: Arc<Principal>,
    bob: Arc<Principal>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl World {
    /// Empty homes with what everybody has from the start.
    pub async fn new() -> World {
        let clock = Arc::new(ManualClock::default());
        let store = Store::open(
            Arc::new(Memory::new(clock.clone())),
            environment_at(clock.clone()),
        )
        .await
        .unwrap();
        let alice = store.add_account(person("alice"), None).await.unwrap();
        let bob = store.add_account(person("bob"), None).await.unwrap();
        let limits = Limits {
            maximum_resource_octets: 16 * 1024,
            maximum_file_octets: MAXIMUM_FILE_OCTETS,
            maximum_attachments: 3,
            maximum_attendees: 20,
            maximum_instances: 1000,
            minimum_date_time: -62_135_596_800,
            maximum_date_time: 253_402_300_799,
            quota_octets: None,
            maximum_locks_per_home: 50,
            maximum_messages_per_hour: 5_000,
        };
        let settings = Settings {
            mail_possible: true,
            limits,
            local_domains: Vec::new(),
            principal_path_to_name: dav::principal_name_of_path,
            calendar_rules: dav::CALENDAR_RULES,
            public_url: "https://cal.example.org".into(),
            attachment_path: dav::attachment_path,
            ..Settings::default()
        };
        let desk = Desk::new(store, settings);
        let settings = DavSettings {
            public_url: "https://cal.example.org".into(),
            maximum_xml_octets: 64 * 1024,
        };
        World {
            dav: Dav::new(desk.clone(), settings),
            desk,
            clock,
            alice,
            bob,
        }
    }

    /// Alice asks: `METHOD path` with the path below her home or absolute, headers, and a body.
    pub async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask_as(Some(&self.alice), line, headers, body).await
    }

    /// Bob asks.
    pub async fn ask_bob(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask_as(Some(&self.bob), line, headers, body).await
    }

    /// Somebody asks without having signed in.
    pub async fn ask_anybody(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.ask_as(None, line, headers, body).await
    }

    async fn ask_as(
        &self,
        who: Option<&Arc<Principal>>,
        line: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(url(path))
            .header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(who) = who {
            request = request.extension(SignedIn(who.clone()));
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .unwrap();
        let (parts, body) = self
            .dav
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// The status of a request without headers and body.
    pub async fn status(&self, line: &str) -> u16 {
        self.ask(line, &[], "").await.status.as_u16()
    }

    /// Puts, and gives back the entity tag.
    pub async fn put(&self, path: &str, body: &str) -> String {
        let answer = self.ask(&format!("PUT {path}"), &[], body).await;
        assert!(answer.status.is_success(), "PUT {path}: {answer:?}");
        answer.header("etag").to_owned()
    }

    /// Locks, and gives back the token.
    pub async fn lock(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let answer = self
            .ask(&format!("LOCK {path}"), headers, &lock_info("exclusive"))
            .await;
        assert!(answer.status.is_success(), "LOCK {path}: {answer:?}");
        answer
            .header("lock-token")
            .trim_matches(['<', '>'])
            .to_owned()
    }
}

impl Answer {
    /// A header; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The status as a number.
    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }

    /// Asserts a precondition's element in the body (RFC 4918 §16).
    #[track_caller]
    pub fn refuses(&self, status: u16, element: &str) {
        assert_eq!(self.code(), status, "{self:?}");
        assert!(
            self.body.contains(&format!("<{element}")),
            "{element} in {self:?}"
        );
    }
}

/// An absolute path.
pub fn url(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{HOME}{path}")
    }
}

/// The body of a LOCK.
pub fn lock_info(scope: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><D:lockinfo xmlns:D='DAV:'><D:lockscope><D:{scope}/></D:lockscope>\
         <D:locktype><D:write/></D:locktype><D:owner>Alice</D:owner></D:lockinfo>"
    )
}

/// A calendar object that holds one event.
pub fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nDTEND:20260102T110000Z\r\n\
         SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn person(name: &str) -> Principal {
    Principal {
        addresses: vec![format!("mailto:{name}@example.org")],
        ..Principal::new(PrincipalKind::User, name)
    }
}
