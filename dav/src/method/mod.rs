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
pub(crate) mod post;
mod propfind;
mod proppatch;
pub(crate) mod put;
mod report;
mod unlock;

use http::HeaderValue;
use storage::backend::BoxFuture;

use crate::{
    error::DavError,
    incoming::Incoming,
    kind::{Kinds, ResourceKind},
    service::{Dav, Request, Response},
};

/// Answers a request whose body was read.
pub(crate) type Handler = for<'a> fn(&'a Dav, Request) -> BoxFuture<'a, Result<Response, DavError>>;

/// Answers a request whose body comes piece by piece.
pub(crate) type StreamHandler =
    for<'a> fn(&'a Dav, Request, Incoming<'a>) -> BoxFuture<'a, Result<Response, DavError>>;

/// How large a body may be that is read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyBound {
    /// As large as XML may be.
    Xml,
    /// As large as a stream of many objects may be.
    Stream,
}

/// How a request is answered.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Its body is read as a whole.
    Whole(BodyBound, Handler),
    /// So is one that is no larger than a calendar object may be; others come piece by piece.
    Either(Handler, StreamHandler),
    /// Its body comes piece by piece.
    Streamed(StreamHandler),
}

/// A row of the table.
pub(crate) struct Method {
    /// The name, case-sensitive.
    pub name: &'static str,
    /// The section that defines it.
    pub source: &'static str,
    /// Where it is allowed.
    pub kinds: Kinds,
    /// Answers it.
    pub answer: Answer,
}

/// What a client may remove or take elsewhere.
const MOVABLE: Kinds =
    Kinds::STORED_OBJECTS.and(Kinds::of(&[ResourceKind::Calendar, ResourceKind::Plain]));
/// What has content: a calendar is given out as a whole. The root greets people who come with a browser.
const READABLE: Kinds = Kinds::STORED_OBJECTS
    .and(ATTACHMENT)
    .and(Kinds::of(&[ResourceKind::Root, ResourceKind::Calendar]));
const ATTACHMENT: Kinds = Kinds::of(&[ResourceKind::Attachment]);
const DRY_RUN: Kinds = Kinds::of(&[ResourceKind::DryRun]);
const UNMAPPED: Kinds = Kinds::of(&[ResourceKind::Unmapped]);

/// Every method.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "OPTIONS",
        source: "RFC 9110 §9.3.7",
        kinds: Kinds::EXISTING.and(ATTACHMENT).and(DRY_RUN).and(UNMAPPED),
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(options::options(dav, request))
        }),
    },
    Method {
        name: "GET",
        source: "RFC 9110 §9.3.1",
        kinds: READABLE,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(get::get(dav, request))
        }),
    },
    Method {
        name: "HEAD",
        source: "RFC 9110 §9.3.2",
        kinds: READABLE,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(get::head(dav, request))
        }),
    },
    Method {
        name: "PUT",
        source: "RFC 9110 §9.3.4",
        kinds: Kinds::STORED_OBJECTS.and(UNMAPPED),
        answer: Answer::Either(
            |dav, request| Box::pin(put::put(dav, request)),
            |dav, request, body| Box::pin(put::put_pieces(dav, request, body)),
        ),
    },
    Method {
        name: "POST",
        source: "RFC 9110 §9.3.3",
        kinds: post::KINDS,
        answer: Answer::Streamed(|dav, request, body| Box::pin(post::post(dav, request, body))),
    },
    Method {
        name: "DELETE",
        source: "RFC 4918 §9.6",
        kinds: MOVABLE,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(delete::delete(dav, request))
        }),
    },
    Method {
        name: "COPY",
        source: "RFC 4918 §9.8",
        kinds: MOVABLE,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(copy_move::copy(dav, request))
        }),
    },
    Method {
        name: "MOVE",
        source: "RFC 4918 §9.9",
        kinds: MOVABLE,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(copy_move::r#move(dav, request))
        }),
    },
    Method {
        name: "MKCOL",
        source: "RFC 4918 §9.3",
        kinds: UNMAPPED,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(mkcol::mkcol(dav, request))
        }),
    },
    Method {
        name: "MKCALENDAR",
        source: "RFC 4791 §5.3.1",
        kinds: UNMAPPED,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(mkcalendar::mkcalendar(dav, request))
        }),
    },
    Method {
        name: "PROPFIND",
        source: "RFC 4918 §9.1",
        kinds: Kinds::EXISTING,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(propfind::propfind(dav, request))
        }),
    },
    Method {
        name: "PROPPATCH",
        source: "RFC 4918 §9.2",
        kinds: Kinds::EXISTING,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(proppatch::proppatch(dav, request))
        }),
    },
    Method {
        name: "LOCK",
        source: "RFC 4918 §9.10",
        kinds: Kinds::STORED.and(UNMAPPED),
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(lock::lock(dav, request))
        }),
    },
    Method {
        name: "UNLOCK",
        source: "RFC 4918 §9.11",
        kinds: Kinds::STORED,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(unlock::unlock(dav, request))
        }),
    },
    Method {
        name: "REPORT",
        source: "RFC 3253 §3.6",
        kinds: Kinds::EXISTING,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(report::report(dav, request))
        }),
    },
    Method {
        name: "ACL",
        source: "RFC 3744 §8.1",
        kinds: Kinds::STORED,
        answer: Answer::Whole(BodyBound::Xml, |dav, request| {
            Box::pin(acl::acl(dav, request))
        }),
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
                "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
            ),
            (ResourceKind::DryRun, "OPTIONS, POST"),
            (
                ResourceKind::Unmapped,
                "OPTIONS, PUT, MKCOL, MKCALENDAR, LOCK",
            ),
            (
                ResourceKind::Outbox,
                "OPTIONS, POST, PROPFIND, PROPPATCH, LOCK, UNLOCK, REPORT, ACL",
            ),
            (
                ResourceKind::Calendar,
                "OPTIONS, GET, HEAD, POST, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK, REPORT, ACL",
            ),
        ];
        for (kind, expected) in cases {
            assert_eq!(allow(kind).to_str().unwrap(), expected);
        }
    }
}
