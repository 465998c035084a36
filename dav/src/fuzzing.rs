//! Doors for the fuzz targets: each takes any octets, and panics where something is wrong.

use http::{HeaderMap, HeaderValue};

use crate::{
    header::{Authorities, if_header},
    path::Path,
    xml::{Document, Element, tree::Node},
};

/// The XML of a request: whatever is taken can be walked to its end.
pub fn xml(octets: &[u8]) {
    fn walk(element: Element<'_>) -> usize {
        let _ = (element.name().clark(), element.text(), element.language());
        let attributes = element.attributes().count() + element.declarations().count();
        let inside: usize = element
            .nodes()
            .map(|node| match node {
                Node::Element(child) => walk(child),
                Node::Text(text) => text.len(),
            })
            .sum();
        attributes + inside
    }
    if let Ok(document) = Document::parse(octets) {
        walk(document.root());
    }
}

/// The path of a URL: what is taken is spelled so that it is taken as the same.
pub fn path(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    if let Ok(path) = Path::parse(text) {
        assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }
}

/// The If header.
pub fn if_header(octets: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(octets) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(&if_header::IF, value);
    let authorities = Authorities {
        request: Some("localhost"),
        public: None,
    };
    if let Ok(lists) = if_header::parse(&headers, authorities, |_| None) {
        assert!(lists.len() <= if_header::MAXIMUM_LISTS);
    }
}
