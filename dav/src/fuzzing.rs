//! Doors for the fuzz targets: each takes any octets, and panics where something is wrong.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header::CONTENT_DISPOSITION};

use crate::{
    header::{
        self, Authorities, accept, content_disposition, content_type, if_header, prefer,
        range::{self, Asked},
    },
    path::Path,
    query::Query,
    time_zone_service::{self, Address},
    xml::{Document, Element, tree::Node},
};

const AUTHORITIES: Authorities<'static> = Authorities {
    request: Some("localhost"),
    public: None,
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
    if let Ok(lists) = if_header::parse(&headers, AUTHORITIES, |_| None) {
        assert!(lists.len() <= if_header::MAXIMUM_LISTS);
    }
}

/// The lines of a request's header, all of which are read as every method together reads them.
pub fn headers(octets: &[u8]) {
    const OFFERS: [&str; 2] = ["text/calendar", "application/calendar+json"];
    const LENGTH: u64 = 1_000;
    let headers = header_lines(octets);
    if let Some(place) = accept::best(&headers, &OFFERS, "2.0") {
        assert!(place < OFFERS.len());
    }
    if let Asked::Part { first, last } = range::asked(&headers, LENGTH, "tag") {
        assert!(first <= last && last < LENGTH);
    }
    if let Some(name) = content_disposition::filename(&headers) {
        name_comes_back(&name);
    }
    if let Ok(Some(media_type)) = content_type::parse(&headers) {
        let again = content_type::parse_value(&media_type.essence);
        assert_eq!(again.map(|again| again.essence), Some(media_type.essence));
    }
    if let Ok(conditions) = header::conditions(&headers, AUTHORITIES, |_| None) {
        assert!(!header::conditional::is_unconditional(&headers) || conditions == <_>::default());
    }
    if let Ok(path) = header::destination::parse(&headers, AUTHORITIES) {
        assert!(path.starts_with('/'));
    }
    let _ = header::conditional::if_modified_since(&headers);
    let _ = header::depth::parse(&headers);
    let _ = header::lock_token::parse(&headers);
    let _ = header::overwrite::parse(&headers);
    let _ = prefer::parse(&headers);
    let _ = header::schedule_reply::parse(&headers);
    let _ = header::time_zones::parse(&headers);
    assert!(!matches!(header::timeout::parse(&headers), Ok(0)));
}

/// Lines of name, colon and value; those that are none are passed over.
fn header_lines(octets: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in octets.split(|octet| *octet == b'\n') {
        let Some(colon) = line.iter().position(|octet| *octet == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// A file's name that somebody sent is sent to others as a sound header, which says the same.
fn name_comes_back(name: &str) {
    let value = content_disposition::attachment(name);
    let value = HeaderValue::from_str(&value).expect("what is written is a header's value");
    let headers = HeaderMap::from_iter([(CONTENT_DISPOSITION, value)]);
    assert_eq!(
        content_disposition::filename(&headers).as_deref(),
        Some(name)
    );
}

/// The query of a URL, the `rid` in it (RFC 8607 §3.3.2), and what the time-zone service makes of it.
pub fn query(octets: &[u8]) {
    let text = std::str::from_utf8(octets).ok();
    if let Ok(rid) = Query::of(text).single("rid") {
        let _ = calendar::attachment::Instances::parse(rid);
    }
    let uri = text.and_then(|text| Uri::try_from(format!("/?{text}")).ok());
    let zone = "Europe/Berlin".to_owned();
    for address in [
        Address::Zones,
        Address::Zone(zone.clone()),
        Address::Observances(zone),
    ] {
        if let Some(uri) = &uri {
            let headers = HeaderMap::new();
            let answer = time_zone_service::answer(&address, &Method::GET, uri, &headers);
            assert!(!answer.status().is_server_error());
        }
    }
}
