//! XML as a client reads it: a plain tree with Clark names, and the multistatus in it.

use std::collections::HashSet;

use quick_xml::{events::Event, name::ResolveResult, reader::NsReader};

/// An element; names are in Clark form (`{DAV:}href`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Clark name.
    pub name: String,
    /// Attributes by their names as written.
    pub attributes: Vec<(String, String)>,
    /// Child elements.
    pub children: Vec<Element>,
    /// All text directly inside, put together.
    pub text: String,
}

impl Element {
    /// Parses a document; panics where it is not well-formed (a server must not send such a thing).
    pub fn parse(document: &str) -> Element {
        let mut reader = NsReader::from_str(document);
        let mut stack = vec![Element::default()];
        loop {
            let (namespace, event) = reader
                .read_resolved_event()
                .unwrap_or_else(|error| panic!("not well-formed: {error}\n{document}"));
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => namespace.as_ref().to_string(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(prefix) => {
                    panic!("undeclared prefix {prefix:?}\n{document}")
                }
            };
            match event {
                Event::Start(start) => stack.push(element(&namespace, &start)),
                Event::Empty(start) => {
                    let child = element(&namespace, &start);
                    stack.last_mut().expect("never empty").children.push(child);
                }
                Event::End(_) => {
                    let child = stack.pop().expect("the reader checks the nesting");
                    stack.last_mut().expect("never empty").children.push(child);
                }
                Event::Text(text) => stack.last_mut().expect("never empty").text.push_str(&text),
                Event::CData(text) => stack.last_mut().expect("never empty").text.push_str(&text),
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref().expect("a valid reference") {
                        Some(character) => character.to_string(),
                        None => match &*reference {
                            "lt" => "<".to_owned(),
                            "gt" => ">".to_owned(),
                            "amp" => "&".to_owned(),
                            "quot" => "\"".to_owned(),
                            "apos" => "'".to_owned(),
                            other => panic!("unknown entity {other}"),
                        },
                    };
                    stack
                        .last_mut()
                        .expect("never empty")
                        .text
                        .push_str(&character);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(stack.len(), 1, "unclosed elements in {document}");
        stack
            .remove(0)
            .children
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no root element in {document:?}"))
    }

    /// The first child with this Clark name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements with this Clark name, at any depth, in document order.
    pub fn descendants(&self, name: &str) -> Vec<&Element> {
        let mut found = Vec::new();
        let mut waiting: Vec<&Element> = self.children.iter().rev().collect();
        while let Some(next) = waiting.pop() {
            if next.name == name {
                found.push(next);
            }
            waiting.extend(next.children.iter().rev());
        }
        found
    }

    /// The text of this element and everything inside, trimmed.
    pub fn all_text(&self) -> String {
        let mut text = self.text.clone();
        for child in &self.children {
            text.push_str(&child.all_text());
        }
        text.trim().to_owned()
    }
}

fn element(namespace: &str, start: &quick_xml::events::BytesStart<'_>) -> Element {
    let local = start.local_name();
    let attributes = start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.expect("valid attributes");
            (
                attribute.key.as_ref().to_owned(),
                attribute.value.to_string(),
            )
        })
        .collect();
    Element {
        name: format!("{{{namespace}}}{}", local.as_ref()),
        attributes,
        ..Element::default()
    }
}

/// A multistatus (RFC 4918 §13).
#[derive(Clone, Debug, Default)]
pub struct Multistatus {
    /// Its responses in order.
    pub responses: Vec<Response>,
    /// `DAV:sync-token` (RFC 6578 §6.4).
    pub sync_token: Option<String>,
}

/// One response.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The first href.
    pub href: String,
    /// The response's own status, where it has one.
    pub status: Option<u16>,
    /// Properties with the status of their propstat.
    pub properties: Vec<(u16, Element)>,
    /// The preconditions in the response's own `DAV:error`.
    pub preconditions: Vec<String>,
}

impl Multistatus {
    /// Reads the tree.
    pub fn read(root: &Element) -> Multistatus {
        assert_eq!(root.name, "{DAV:}multistatus");
        let responses = root
            .children
            .iter()
            .filter(|child| child.name == "{DAV:}response")
            .map(Response::read)
            .collect();
        let sync_token = root.child("{DAV:}sync-token").map(Element::all_text);
        Multistatus {
            responses,
            sync_token,
        }
    }

    /// RFC 4918 §14.24: a resource has one response. What could not become one has no href.
    pub fn assert_told_once(&self) {
        let mut told = HashSet::new();
        for href in self.hrefs() {
            assert!(href.is_empty() || told.insert(href), "{href} is told twice");
        }
    }

    /// The response whose href ends in this; panics where there is none.
    pub fn response(&self, href_end: &str) -> &Response {
        self.responses
            .iter()
            .find(|response| response.href.ends_with(href_end))
            .unwrap_or_else(|| panic!("no response for {href_end} among {:?}", self.hrefs()))
    }

    /// All hrefs.
    pub fn hrefs(&self) -> Vec<&str> {
        self.responses
            .iter()
            .map(|response| response.href.as_str())
            .collect()
    }
}

impl Response {
    fn read(element: &Element) -> Response {
        let mut response = Response {
            href: element
                .child("{DAV:}href")
                .map(Element::all_text)
                .unwrap_or_default(),
            status: element.child("{DAV:}status").map(status_code),
            properties: Vec::new(),
            preconditions: element.child("{DAV:}error").map_or_else(Vec::new, |error| {
                error.children.iter().map(|it| it.name.clone()).collect()
            }),
        };
        for propstat in element
            .children
            .iter()
            .filter(|child| child.name == "{DAV:}propstat")
        {
            let status = propstat
                .child("{DAV:}status")
                .map(status_code)
                .expect("a propstat has a status");
            let properties = propstat.child("{DAV:}prop").expect("a propstat has a prop");
            response.properties.extend(
                properties
                    .children
                    .iter()
                    .map(|property| (status, property.clone())),
            );
        }
        response
    }

    /// The property with this Clark name, if it was found (200).
    pub fn property(&self, name: &str) -> Option<&Element> {
        self.properties
            .iter()
            .find(|(status, element)| *status == 200 && element.name == name)
            .map(|(_, element)| element)
    }

    /// The text of a property; panics where it was not found.
    pub fn text(&self, name: &str) -> String {
        self.property(name)
            .unwrap_or_else(|| panic!("{name} not found in {:?}", self.properties))
            .all_text()
    }

    /// The status of a property.
    pub fn status_of(&self, name: &str) -> Option<u16> {
        self.properties
            .iter()
            .find(|(_, element)| element.name == name)
            .map(|(status, _)| *status)
    }
}

/// `HTTP/1.1 404 Not Found` is 404.
fn status_code(element: &Element) -> u16 {
    element
        .all_text()
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("not a status line: {:?}", element.text))
}
