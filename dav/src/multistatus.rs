//! The body of a 207 answer (RFC 4918 §13), written response by response.

use http::StatusCode;

use crate::{
    answer,
    error::DavError,
    service::Response,
    xml::{Name, Writer, name::dav},
};

/// A 207 answer being written.
#[derive(Debug)]
pub(crate) struct Multistatus {
    writer: Writer,
}

impl Multistatus {
    /// With no response in it yet.
    pub fn new() -> Multistatus {
        Multistatus {
            writer: Writer::begin(dav::MULTISTATUS),
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

    use super::*;
    use crate::xml::Document;

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
