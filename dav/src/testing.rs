//! The service over a store in memory, for tests: Alice, Bob, an administrator, a room and a group.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use scheduling::{Actor, Desk, desk::Settings};
use storage::{
    Store,
    backend::Backend,
    memory::Memory,
    model::{Principal, PrincipalKind},
    testing::{ManualClock, environment_at},
};
use tower::ServiceExt;

use crate::{
    Dav, DavSettings, SignedIn,
    xml::{Document, Element, Name, name::dav},
};

/// The service and those who use it.
pub(crate) struct World {
    pub dav: Dav,
    pub alice: Actor,
    pub bob: Actor,
    pub administrator: Actor,
}

/// An answer, read.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub(crate) async fn world() -> World {
    world_with(Settings::default()).await
}

pub(crate) async fn world_with(settings: Settings) -> World {
    world_over(settings, |memory| Arc::new(memory)).await
}

pub(crate) async fn world_over(
    settings: Settings,
    backend: impl FnOnce(Memory) -> Arc<dyn Backend>,
) -> World {
    let environment = environment_at(Arc::new(ManualClock::default()));
    let memory = Memory::new(Arc::clone(&environment.clock));
    let store = Store::open(backend(memory), environment).await.unwrap();
    let alice = add(&store, PrincipalKind::User, "alice", |_| {}).await;
    let bob = add(&store, PrincipalKind::User, "bob", |_| {}).await;
    let administrator = add(&store, PrincipalKind::User, "root", |principal| {
        principal.administrator = true
    })
    .await;
    add(&store, PrincipalKind::Location, "aula", |_| {}).await;
    let members = vec![alice.principal.id, bob.principal.id];
    add(&store, PrincipalKind::Group, "team", |principal| {
        principal.members = members
    })
    .await;
    let settings = Settings {
        principal_path_to_name: crate::principal_name_of_path,
        calendar_rules: crate::CALENDAR_RULES,
        public_url: "http://calendar.example.com".into(),
        attachment_path: crate::attachment_path,
        ..settings
    };
    let public = DavSettings {
        public_url: "http://calendar.example.com".into(),
        maximum_xml_octets: 1024 * 1024,
    };
    World {
        dav: Dav::new(Desk::new(store, settings), public),
        alice,
        bob,
        administrator,
    }
}

async fn add(
    store: &Store,
    kind: PrincipalKind,
    name: &str,
    change: impl FnOnce(&mut Principal),
) -> Actor {
    let mut principal = Principal::new(kind, name);
    principal.display_name = format!("The {name}");
    principal.addresses = vec![format!("mailto:{name}@example.com")];
    change(&mut principal);
    Actor::of(store.add_account(principal, None).await.unwrap())
}

impl World {
    /// Sends a request as somebody; `headers` are lines such as `Depth: 1`.
    pub async fn send(
        &self,
        actor: &Actor,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path);
        for line in headers {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let mut request = request
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        request
            .extensions_mut()
            .insert(SignedIn(Arc::clone(&actor.principal)));
        let response = self.dav.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// PROPFIND of named properties (in the prefixes of [`xml`]).
    pub async fn propfind(
        &self,
        actor: &Actor,
        path: &str,
        depth: &str,
        properties: &str,
    ) -> Answer {
        let body = xml("D:propfind", &format!("<D:prop>{properties}</D:prop>"));
        let answer = self
            .send(
                actor,
                "PROPFIND",
                path,
                &[&format!("Depth: {depth}")],
                &body,
            )
            .await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
        answer
    }

    /// Puts an event into Alice's default calendar.
    pub async fn put_event(&self, name: &str, lines: &str) {
        let octets = event(name, lines);
        let path = format!("/dav/calendars/users/alice/calendar/{name}.ics");
        let answer = self
            .send(
                &self.alice,
                "PUT",
                &path,
                &["Content-Type: text/calendar"],
                &octets,
            )
            .await;
        assert!(
            answer.status.is_success(),
            "{} {}",
            answer.status,
            answer.text()
        );
    }
}

/// A calendar object with one event that has this UID and these lines.
pub(crate) fn event(uid: &str, lines: &str) -> String {
    let lines = lines.replace('\n', "\r\n");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A document whose root has the prefixes D, C, CS and A declared.
pub(crate) fn xml(root: &str, content: &str) -> String {
    format!(
        "<{root} xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:A=\"http://apple.com/ns/ical/\">{content}</{root}>"
    )
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn document(&self) -> Document {
        Document::parse(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The hrefs of all responses.
    pub fn hrefs(&self) -> Vec<String> {
        let document = self.document();
        let responses = document.root().children_named(dav::RESPONSE);
        responses
            .map(|response| response.child(dav::HREF).unwrap().trimmed_text())
            .collect()
    }

    /// The local name of the precondition in an error body.
    pub fn precondition(&self) -> String {
        let document = self.document();
        assert!(document.root().is(dav::ERROR), "{}", self.text());
        document
            .root()
            .children()
            .next()
            .unwrap()
            .name()
            .local
            .to_owned()
    }

    /// What a property of one response holds, in the short form of [`brief`]; its status if it is not 200.
    pub fn property(&self, href: &str, name: Name<'_>) -> String {
        let document = self.document();
        let mut responses = document.root().children_named(dav::RESPONSE);
        let response = responses.find(|one| one.child(dav::HREF).unwrap().trimmed_text() == href);
        let response =
            response.unwrap_or_else(|| panic!("no response for {href}: {}", self.text()));
        for propstat in response.children_named(dav::PROPSTAT) {
            let status = propstat.child(dav::STATUS).unwrap().trimmed_text();
            if let Some(property) = propstat.child(dav::PROP).unwrap().child(name) {
                return if status.contains("200") {
                    brief(property)
                } else {
                    status
                };
            }
        }
        panic!("no {name} for {href}: {}", self.text())
    }

    /// The status of a response that has one as a whole.
    pub fn response_status(&self, href: &str) -> String {
        let document = self.document();
        let mut responses = document.root().children_named(dav::RESPONSE);
        let response = responses
            .find(|one| one.child(dav::HREF).unwrap().trimmed_text() == href)
            .unwrap();
        response.child(dav::STATUS).unwrap().trimmed_text()
    }
}

/// The content of an element in a short form: text, and elements as `name` or `name(content)`.
pub(crate) fn brief(element: Element<'_>) -> String {
    let children: Vec<String> = element
        .children()
        .map(|child| match brief(child) {
            content if content.is_empty() => child.name().local.to_owned(),
            content => format!("{}({content})", child.name().local),
        })
        .collect();
    match children.is_empty() {
        true => element.text().into_owned(),
        false => children.join(" "),
    }
}
