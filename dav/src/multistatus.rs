//! The body of a 207 answer (RFC 4918 §13), written response by response.
//!
//! A large answer goes out page by page as it is written ([`respond`]): it takes the memory of one page, and
//! whoever reads slowly is waited for. What fails while the first page is written is answered as any other
//! request that fails. Later it is too late for a status: a resource that cannot be told about has a response
//! of its own that says so, and where the store fails, the connection breaks off, so that nobody takes the
//! half for the whole.
//!
//! What costs much is written by several tasks at the same time, and sent in order ([`Parts`]).

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    mem,
    sync::LazyLock,
    task::Poll,
    thread::available_parallelism,
};

use http::StatusCode;
use scheduling::Refusal;
use storage::backend::BoxFuture;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    answer,
    body::{Body, BodyBroken, Outlet},
    error::DavError,
    service::Response,
    xml::{Name, Writer, name::dav},
};

/// Octets of a page of an answer; a page ends with the response that goes beyond.
const PAGE_OCTETS: usize = 64 * 1024;

/// The most parts of one answer that are written at the same time: all cores where there are few, and never
/// more than a share of many.
static PARTS_AT_ONCE: LazyLock<usize> =
    LazyLock::new(|| available_parallelism().map_or(1, usize::from).clamp(2, 4));

/// A 207 answer, or a part of one, being written.
#[derive(Debug)]
pub(crate) struct Multistatus {
    writer: Writer,
    pages: Pages,
}

/// Where the pages of an answer go.
#[derive(Debug)]
enum Pages {
    /// To the client.
    Out(Outlet),
    /// To the answer that this is a part of.
    Up(mpsc::Sender<Writer>),
}

/// An answer whose parts are written at the same time, each by a task of its own, and put together in the
/// order in which they were begun. Each part waits until its pages were taken, so that what is kept in memory
/// is bounded as it is for the whole. With the answer, the tasks end.
pub(crate) struct Parts {
    answer: Multistatus,
    begun: VecDeque<Part>,
    /// The newest part, which waits for another: a single one is written in its place.
    next: Option<WritePart>,
}

/// Writes a part.
type WritePart =
    Box<dyn FnOnce(Multistatus) -> BoxFuture<'static, Result<Multistatus, DavError>> + Send>;

/// A part that is being written.
#[derive(Debug)]
struct Part {
    pages: mpsc::Receiver<Writer>,
    task: JoinHandle<Result<Writer, DavError>>,
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
        pages: Pages::Out(outlet.clone()),
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
            pages: Pages::Out(Outlet::default()),
        }
    }

    /// Lets the client have what was written, where that is a page, and waits until it was taken. Only in an
    /// answer of [`respond`].
    pub async fn turn_page(&mut self) {
        if self.writer.position() < PAGE_OCTETS {
            return;
        }
        match &self.pages {
            Pages::Out(outlet) => outlet.give(self.writer.take_page()).await,
            Pages::Up(answer) => {
                let page = mem::replace(&mut self.writer, Writer::begin_piece());
                // Where nobody takes it any more, this task is about to be ended.
                let _ = answer.send(page).await;
            }
        }
    }

    /// Goes on in parts.
    pub fn in_parts(self) -> Parts {
        Parts {
            answer: self,
            begun: VecDeque::new(),
            next: None,
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

impl Parts {
    /// Begins the next part: what `write` writes. Waits for the oldest part where as many are begun as may be.
    ///
    /// # Errors
    /// What the oldest part failed with.
    pub async fn begin<W>(
        &mut self,
        write: impl FnOnce(Multistatus) -> W + Send + 'static,
    ) -> Result<(), DavError>
    where
        W: Future<Output = Result<Multistatus, DavError>> + Send + 'static,
    {
        let next: WritePart = Box::new(|answer| Box::pin(write(answer)));
        if let Some(write) = self.next.replace(next) {
            self.spawn(write).await?;
        }
        Ok(())
    }

    /// The answer with all parts in it.
    ///
    /// # Errors
    /// What the first part that failed did so with.
    pub async fn end(mut self) -> Result<Multistatus, DavError> {
        if let Some(write) = self.next.take() {
            if self.begun.is_empty() {
                return write(self.answer).await;
            }
            self.spawn(write).await?;
        }
        while !self.begun.is_empty() {
            self.take_oldest().await?;
        }
        Ok(self.answer)
    }

    async fn spawn(&mut self, write: WritePart) -> Result<(), DavError> {
        if self.begun.len() >= *PARTS_AT_ONCE {
            self.take_oldest().await?;
        }
        let (sender, pages) = mpsc::channel(1);
        let written = write(Multistatus {
            writer: Writer::begin_piece(),
            pages: Pages::Up(sender),
        });
        let task = tokio::spawn(async move {
            // Others come first: what has arrived from them is looked for before each part.
            tokio::task::yield_now().await;
            Ok(written.await?.writer)
        });
        self.begun.push_back(Part { pages, task });
        Ok(())
    }

    async fn take_oldest(&mut self) -> Result<(), DavError> {
        let Some(mut part) = self.begun.pop_front() else {
            return Ok(());
        };
        while let Some(page) = part.pages.recv().await {
            self.take(&page).await;
        }
        let rest = (&mut part.task).await.map_err(Refusal::of_ended_task)?;
        self.take(&rest?).await;
        Ok(())
    }

    async fn take(&mut self, page: &Writer) {
        self.answer.writer.piece(page);
        self.answer.turn_page().await;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.task.abort();
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

    /// Writes responses named by their numbers, so many in each part; the part `fails`, if any, fails.
    async fn write_in_parts(
        parts: usize,
        fails: Option<usize>,
        answer: Multistatus,
    ) -> Result<Multistatus, DavError> {
        let mut written = answer.in_parts();
        for part in 0..parts {
            let write = async move |mut answer: Multistatus| {
                for number in 0..300 {
                    let href = format!("{}{}", "x".repeat(1_000), part * 300 + number);
                    answer.response(&href, |_| {});
                    answer.turn_page().await;
                    // Later parts are quicker.
                    if number % (part + 1) == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                match fails == Some(part) {
                    true => Err(DavError::NotImplemented),
                    false => Ok(answer),
                }
            };
            written.begin(write).await?;
        }
        written.end().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn parts_stand_in_the_order_in_which_they_were_begun() {
        for parts in [0, 1, 2, 9] {
            let response = respond(|answer| write_in_parts(parts, None, answer)).await;
            let octets = response.unwrap().into_body().collect().await.unwrap();
            let document = Document::parse(&octets.to_bytes()).unwrap();
            let responses = document.root().children();
            let hrefs = responses.map(|it| it.child(dav::HREF).unwrap().text());
            let numbers: Vec<usize> = hrefs
                .map(|href| href.trim_start_matches('x').parse().unwrap())
                .collect();
            assert_eq!(numbers, Vec::from_iter(0..parts * 300));
        }
    }

    /// Nobody may take an answer in which a part is missing for the whole.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_fails_in_a_part_breaks_the_answer_off() {
        for failing in [0, 1, 8] {
            let late = respond(|answer| write_in_parts(9, Some(failing), answer)).await;
            let collected = late.unwrap().into_body().collect().await;
            assert!(matches!(collected, Err(BodyBroken::Unfinished(_))));
        }
    }

    #[tokio::test]
    async fn a_part_that_panics_is_not_left_out() {
        let panics = async |answer: Multistatus| {
            let mut parts = answer.in_parts();
            parts.begin(async |_| panic!("as planned")).await?;
            parts.begin(async |answer| Ok(answer)).await?;
            parts.end().await
        };
        let answered = tokio::spawn(async move { respond(panics).await.map(|_| ()) }).await;
        assert!(answered.unwrap_err().is_panic());
    }

    /// A client that went away is not worked for.
    #[tokio::test]
    async fn with_the_answer_its_parts_end() {
        let (sender, mut ended) = mpsc::channel::<()>(1);
        let mut parts = Multistatus::new().in_parts();
        let endless = async move |_| {
            let _held = sender;
            std::future::pending().await
        };
        parts.begin(endless).await.unwrap();
        parts.begin(async |answer| Ok(answer)).await.unwrap();
        tokio::task::yield_now().await;
        drop(parts);
        assert_eq!(ended.recv().await, None);
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
