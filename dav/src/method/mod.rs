//! The table of methods: dispatch and `Allow` are derived from it.

mod acl;
mod copy_move;
mod creation;
mod delete;
mod get;
mod lock;
mod mkcalendar;
mod mkcol;
pub(crate) mod options;
mod post;
mod propfind;
mod proppatch;
pub(crate) mod put;
mod report;
mod unlock;

use http::HeaderValue;
use storage::backend::BoxFuture;

use crate::{
    error::DavError,
    kind::{Kinds, ResourceKind},
    service::{Dav, Request, Response},
};

/// Answers a request.
pub(crate) type Handler = for<'a> fn(&'a Dav, Request) -> BoxFuture<'a, Result<Response, DavError>>;

/// How large a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyBound {
    /// As large as XML may be.
    Xml,
    /// As large as content may be.
    Content,
    /// As large as a file may be; what is larger than a calendar object is handed over piece by piece.
    Streamed,
}

/// A row of the table.
pub(crate) struct Method {
    /// The name, case-sensitive.
    pub name: &'static str,
    /// The section that defines it.
    pub source: &'static str,
    /// Where it is allowed.
    pub kinds: Kinds,
    /// The bound of its body.
    pub body: BodyBound,
    /// Answers it.
    pub handle: Handler,
}

/// What a client may remove or take elsewhere.
const MOVABLE: Kinds =
    Kinds::STORED_OBJECTS.and(Kinds::of(&[ResourceKind::Calendar, ResourceKind::Plain]));
/// What has content. The root greets people who come with a browser.
const READABLE: Kinds = Kinds::STORED_OBJECTS.and(Kinds::of(&[ResourceKind::Root]));
const UNMAPPED: Kinds = Kinds::of(&[ResourceKind::Unmapped]);

/// Every method.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "OPTIONS",
        source: "RFC 9110 §9.3.7",
        kinds: Kinds::EXISTING.and(UNMAPPED),
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(options::options(dav, request)),
    },
    Method {
        name: "GET",
        source: "RFC 9110 §9.3.1",
        kinds: READABLE,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(get::get(dav, request)),
    },
    Method {
        name: "HEAD",
        source: "RFC 9110 §9.3.2",
        kinds: READABLE,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(get::head(dav, request)),
    },
    Method {
        name: "PUT",
        source: "RFC 9110 §9.3.4",
        kinds: Kinds::STORED_OBJECTS.and(UNMAPPED),
        body: BodyBound::Streamed,
        handle: |dav, request| Box::pin(put::put(dav, request)),
    },
    Method {
        name: "POST",
        source: "RFC 6638 §5",
        kinds: Kinds::of(&[ResourceKind::Outbox]),
        body: BodyBound::Content,
        handle: |dav, request| Box::pin(post::post(dav, request)),
    },
    Method {
        name: "DELETE",
        source: "RFC 4918 §9.6",
        kinds: MOVABLE,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(delete::delete(dav, request)),
    },
    Method {
        name: "COPY",
        source: "RFC 4918 §9.8",
        kinds: MOVABLE,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(copy_move::copy(dav, request)),
    },
    Method {
        name: "MOVE",
        source: "RFC 4918 §9.9",
        kinds: MOVABLE,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(copy_move::r#move(dav, request)),
    },
    Method {
        name: "MKCOL",
        source: "RFC 4918 §9.3",
        kinds: UNMAPPED,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(mkcol::mkcol(dav, request)),
    },
    Method {
        name: "MKCALENDAR",
        source: "RFC 4791 §5.3.1",
        kinds: UNMAPPED,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(mkcalendar::mkcalendar(dav, request)),
    },
    Method {
        name: "PROPFIND",
        source: "RFC 4918 §9.1",
        kinds: Kinds::EXISTING,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(propfind::propfind(dav, request)),
    },
    Method {
        name: "PROPPATCH",
        source: "RFC 4918 §9.2",
        kinds: Kinds::EXISTING,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(proppatch::proppatch(dav, request)),
    },
    Method {
        name: "LOCK",
        source: "RFC 4918 §9.10",
        kinds: Kinds::STORED.and(UNMAPPED),
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(lock::lock(dav, request)),
    },
    Method {
        name: "UNLOCK",
        source: "RFC 4918 §9.11",
        kinds: Kinds::STORED,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(unlock::unlock(dav, request)),
    },
    Method {
        name: "REPORT",
        source: "RFC 3253 §3.6",
        kinds: Kinds::EXISTING,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(report::report(dav, request)),
    },
    Method {
        name: "ACL",
        source: "RFC 3744 §8.1",
        kinds: Kinds::EXISTING,
        body: BodyBound::Xml,
        handle: |dav, request| Box::pin(acl::acl(dav, request)),
    },
];

/// The row of a method.
pub(crate) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// The `Allow` header of a kind of resource.
pub(crate) fn allow(kind: ResourceKind) -> HeaderValue {
    let names: Vec<&str> = METHODS
        .iter()
        .filter(|method| method.kinds.contains(kind))
        .map(|method| method.name)
        .collect();
    HeaderValue::try_from(names.join(", ")).expect("method names are ASCII")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_method_has_one_row() {
        for method in METHODS {
            assert_eq!(
                METHODS
                    .iter()
                    .filter(|other| other.name == method.name)
                    .count(),
                1,
                "{}",
                method.name
            );
            assert!(method.source.starts_with("RFC "), "{}", method.name);
        }
        assert!(find("get").is_none(), "method names are case-sensitive");
    }

    #[test]
    fn allow_is_derived() {
        let cases = [
            (
                ResourceKind::Root,
                "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT, ACL",
            ),
            (
                ResourceKind::Unmapped,
                "OPTIONS, PUT, MKCOL, MKCALENDAR, LOCK",
            ),
            (
                ResourceKind::Outbox,
                "OPTIONS, POST, PROPFIND, PROPPATCH, LOCK, UNLOCK, REPORT, ACL",
            ),
        ];
        for (kind, expected) in cases {
            assert_eq!(allow(kind).to_str().unwrap(), expected);
        }
    }
}
