//! The body of a 207 answer (RFC 4918 §13), written response by response.
//!
//! A large answer goes out page by page as it is written ([`respond`]): it takes the memory of one page, and
//! whoever reads slowly is waited for. What fails while the first page is written is answered as any other
//! request that fails. Later it is too late for a status: a resource that cannot be told about has a response
//! of its own that says so, and where the store fails, the connection breaks off, so that nobody takes the
//! half for the whole.

use std::{
    future::{Future, poll_fn},
    task::Poll,
};

use http::StatusCode;

use crate::{
    answer,
    body::{Body, BodyBroken, Outlet},
    error::DavError,
    service::Response,
    xml::{Name, Writer, name::dav},
};

/// Octets of a page of an answer; a page ends with the response that goes beyond.
const PAGE_OCTETS: usize = 64 * 1024;

/// A 207 answer being written.
#[derive(Debug)]
pub(crate) struct Multistatus {
    writer: Writer,
    outlet: Outlet,
}

/// A 207 answer that `write` writes: as a whole where it is small, page by page where it is large.
///
/// # Errors
/// What `write` fails with before the first page is full.
pub(crate) async fn respond<W>(
    write: impl FnOnce(Multistatus) -> W + Send,
) -> Result<Response, DavError>
where
    W: Future<Output = Result<Multistatus, DavError>> + Send + 'static,
{
    let outlet = Outlet::default();
    let answer = Multistatus {
        outlet: outlet.clone(),
        ..Multistatus::new()
    };
    let mut writing = Box::pin(write(answer));
    let first = poll_fn(|context| match writing.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Err(answer)),
        Poll::Pending => outlet
            .take()
            .map_or(Poll::Pending, |page| Poll::Ready(Ok(page))),
    });
    match first.await {
        Err(answer) => Ok(answer?.finish()),
        Ok(page) => {
            let rest = Box::pin(async move {
                let answer = writing.await.map_err(|error| {
                    tracing::warn!("an answer broke off: {error}");
                    BodyBroken::Unfinished(error.to_string())
                })?;
                Ok(answer.writer.finish(dav::MULTISTATUS))
            });
            Ok(answer::xml_of(
                StatusCode::MULTI_STATUS,
                Body::written(page, outlet, rest),
            ))
        }
    }
}

impl Multistatus {
    /// With no response in it yet.
    pub fn new() -> Multistatus {
        Multistatus {
            writer: Writer::begin(dav::MULTISTATUS),
            outlet: Outlet::default(),
        }
    }

    /// Lets the client have what was written, where that is a page, and waits until it was taken. Only in an
    /// answer of [`respond`].
    pub async fn turn_page(&mut self) {
        if self.writer.position() >= PAGE_OCTETS {
            self.outlet.give(self.writer.take_page()).await;
        }
    }

    /// A response about the resource at `href`: what `content` writes, after the href.
    pub fn response(&mut self, href: &str, content: impl FnOnce(&mut Writer)) {
        self.writer.element(dav::RESPONSE, |writer| {
            writer.leaf(dav::HREF, href);
            content(writer);
        });
    }

    /// A response that is a status as a whole, with a precondition element where there is one.
    pub fn status(&mut self, href: &str, status: StatusCode, precondition: Option<Name<'_>>) {
        self.response(href, |writer| {
            write_status(writer, status);
            if let Some(precondition) = precondition {
                write_error(writer, precondition);
            }
        });
    }

    /// A response about a resource that failed as a whole (RFC 4918 §9.6.1).
    pub fn failure(&mut self, href: &str, error: &DavError) {
        let error = error.clone().named_as(href);
        self.response(href, |writer| {
            write_status(writer, error.status());
            if error.has_elements() {
                writer.element(dav::ERROR, |writer| error.write_elements(writer));
            }
        });
    }

    /// An element beside the responses.
    pub fn leaf(&mut self, name: Name<'_>, text: &str) {
        self.writer.leaf(name, text);
    }

    /// The response to the client.
    pub fn finish(self) -> Response {
        answer::xml(
            StatusCode::MULTI_STATUS,
            self.writer.finish(dav::MULTISTATUS),
        )
    }
}

/// `DAV:status` (RFC 4918 §14.28).
pub(crate) fn write_status(writer: &mut Writer, status: StatusCode) {
    writer.leaf(dav::STATUS, &answer::status_line(status));
}

/// `DAV:error` with one element in it (RFC 4918 §14.5).
pub(crate) fn write_error(writer: &mut Writer, precondition: Name<'_>) {
    writer.element(dav::ERROR, |writer| writer.empty(precondition));
}

/// A `DAV:propstat` (RFC 4918 §14.22) around what `properties` writes; nothing where that is nothing.
/// Says whether something was written.
pub(crate) fn write_propstat(
    writer: &mut Writer,
    status: StatusCode,
    precondition: Option<Name<'_>>,
    properties: impl FnOnce(&mut Writer),
) -> bool {
    let before = writer.position();
    let mut wrote = false;
    writer.element(dav::PROPSTAT, |writer| {
        writer.element(dav::PROP, |writer| {
            let empty = writer.position();
            properties(writer);
            wrote = writer.position() > empty;
        });
        write_status(writer, status);
        if let Some(precondition) = precondition {
            write_error(writer, precondition);
        }
    });
    if !wrote {
        writer.rewind(before);
    }
    wrote
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http_body_util::BodyExt;

    use super::*;
    use crate::xml::Document;

    /// Writes so many responses of a thousand octets, and then fails or not.
    async fn write(
        responses: usize,
        fails: bool,
        mut answer: Multistatus,
    ) -> Result<Multistatus, DavError> {
        for _ in 0..responses {
            answer.response(&"x".repeat(1_000), |_| {});
            answer.turn_page().await;
        }
        match fails {
            true => Err(DavError::NotImplemented),
            false => Ok(answer),
        }
    }

    #[tokio::test]
    async fn small_answers_have_a_length_and_large_ones_come_in_pages() {
        for (responses, pages) in [(0, 1), (10, 1), (1_000, 16)] {
            let response = respond(|answer| write(responses, false, answer))
                .await
                .unwrap();
            assert_eq!(response.status(), StatusCode::MULTI_STATUS);
            let mut body = response.into_body();
            let length = http_body::Body::size_hint(&body).exact();
            assert_eq!(length.is_some(), pages == 1);
            let (mut octets, mut seen) = (Vec::new(), 0);
            while let Some(frame) = body.frame().await {
                let page = frame.unwrap().into_data().unwrap();
                assert!(page.len() < PAGE_OCTETS + 2_000);
                octets.extend_from_slice(&page);
                seen += 1;
            }
            assert!(seen >= pages, "{seen} pages");
            let document = Document::parse(&octets).unwrap();
            assert_eq!(document.root().children().count(), responses);
        }
    }

    /// Nobody may take the half of an answer for the whole.
    #[tokio::test]
    async fn what_fails_is_refused_early_and_breaks_off_late() {
        let early = respond(|answer| write(10, true, answer)).await;
        assert!(matches!(early, Err(DavError::NotImplemented)));
        let late = respond(|answer| write(1_000, true, answer)).await;
        let collected = late.unwrap().into_body().collect().await;
        assert!(matches!(collected, Err(BodyBroken::Unfinished(_))));
    }

    #[test]
    fn an_empty_propstat_is_left_out() {
        let octets = Writer::document(dav::RESPONSE, |writer| {
            assert!(!write_propstat(writer, StatusCode::OK, None, |_| {}));
            assert!(write_propstat(
                writer,
                StatusCode::NOT_FOUND,
                None,
                |writer| writer.empty(dav::GETETAG)
            ));
        });
        let document = Document::parse(&octets).unwrap();
        let propstats: Vec<_> = document.root().children().collect();
        assert_eq!(propstats.len(), 1);
        assert_eq!(
            propstats[0].child(dav::STATUS).unwrap().text(),
            "HTTP/1.1 404 Not Found"
        );
    }
}
