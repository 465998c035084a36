//! A small WebDAV client: one request, one whole reply. It knows HTTP and XML, and nothing of Convoke.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy, rt::TokioExecutor};

use crate::xml::{Element, Multistatus};

type Http = legacy::Client<legacy::connect::HttpConnector, Full<Bytes>>;

/// Somebody at a client.
#[derive(Clone)]
pub struct Client {
    http: Http,
    base: String,
    authorization: Option<String>,
}

/// A request that is being put together.
pub struct Draft<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client of the server at `base` (`http://host:port`), without credentials.
    pub fn anonymous(base: &str) -> Client {
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Client {
            http,
            base: base.trim_end_matches('/').to_owned(),
            authorization: None,
        }
    }

    /// A client that signs in with every request.
    pub fn signed_in(base: &str, user: &str, password: &str) -> Client {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        Client {
            authorization: Some(authorization),
            ..Client::anonymous(base)
        }
    }

    /// Begins a request.
    pub fn request(&self, method: &str, path: &str) -> Draft<'_> {
        Draft {
            client: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.request("GET", path).send().await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path).send().await
    }

    /// PUT of a calendar object.
    pub async fn put(&self, path: &str, calendar: &str) -> Reply {
        self.request("PUT", path)
            .header("Content-Type", "text/calendar; charset=utf-8")
            .body(calendar.to_owned())
            .send()
            .await
    }

    /// PROPFIND with the given properties as XML (`<D:getetag/>`; the prefixes D, C, CS and A are declared).
    pub async fn propfind(&self, path: &str, depth: &str, properties: &str) -> Reply {
        let body = format!(
            r#"<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"><D:prop>{properties}</D:prop></D:propfind>"#
        );
        self.request("PROPFIND", path)
            .header("Depth", depth)
            .xml(body)
            .send()
            .await
    }

    /// REPORT with the given body.
    pub async fn report(&self, path: &str, depth: &str, body: &str) -> Reply {
        self.request("REPORT", path)
            .header("Depth", depth)
            .xml(body.to_owned())
            .send()
            .await
    }
}

impl Draft<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets an XML body.
    pub fn xml(self, body: String) -> Self {
        self.header("Content-Type", "application/xml; charset=utf-8")
            .body(body)
    }

    /// Sends it and reads the whole answer; panics where none comes.
    pub async fn send(self) -> Reply {
        self.try_send().await.expect("the server answers")
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// In words, when the server cannot be reached or does not answer to the end.
    pub async fn try_send(self) -> Result<Reply, String> {
        let target = if self.path.contains("://") {
            self.path.clone()
        } else {
            format!("{}{}", self.client.base, self.path)
        };
        let method = Method::from_bytes(self.method.as_bytes()).expect("tests use valid methods");
        let mut request = Request::builder().method(method).uri(&target);
        if let Some(authorization) = &self.client.authorization {
            request = request.header("Authorization", authorization);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(self.body))
            .expect("tests use valid headers");
        let response = self
            .client
            .http
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}

impl Reply {
    /// A header's value, or the empty string.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as an XML tree.
    pub fn xml(&self) -> Element {
        Element::parse(self.text())
    }

    /// The body as a multistatus; panics with the answer where it is none.
    pub fn multistatus(&self) -> Multistatus {
        assert_eq!(self.status, 207, "{}", self.text());
        let answer = Multistatus::read(&self.xml());
        answer.assert_told_once();
        answer
    }

    /// Panics with the whole answer unless the status is one of these.
    #[track_caller]
    pub fn expect(&self, statuses: &[u16]) -> &Reply {
        assert!(
            statuses.contains(&self.status.as_u16()),
            "expected {statuses:?}, got {}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// Panics unless this is a refusal with the status and the precondition element (Clark name).
    #[track_caller]
    pub fn expect_precondition(&self, status: u16, element: &str) -> &Reply {
        self.expect(&[status]);
        let error = self.xml();
        assert_eq!(error.name, "{DAV:}error", "{}", self.text());
        assert!(
            error.children.iter().any(|child| child.name == element),
            "no {element} in {}",
            self.text()
        );
        self
    }
}
