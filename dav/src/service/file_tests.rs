//! Files that are too large to be held in memory, in and out.
#![allow(clippy::unwrap_used)]

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use scheduling::desk::Settings;
use storage::{backend::ReadError, testing::Faulty};
use tower::ServiceExt;

use crate::{
    SignedIn,
    testing::{World, world_over, world_with},
};

const FILE: &str = "/dav/calendars/users/alice/film";

/// A body of pieces, of which it counts those that were asked for.
struct Pieces {
    pieces: VecDeque<Result<Bytes, &'static str>>,
    announced: Option<u64>,
    read: Arc<AtomicUsize>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.read.fetch_add(1, Ordering::SeqCst);
        let piece = self.pieces.pop_front();
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.limits.maximum_resource_octets = 10_000;
    settings.limits.maximum_file_octets = 4_000_000;
    settings
}

fn content(octets: usize) -> Bytes {
    (0..octets).map(|place| (place % 253) as u8).collect()
}

fn pieces(content: &Bytes) -> VecDeque<Result<Bytes, &'static str>> {
    let pieces = content.chunks(50_001);
    pieces.map(|piece| Ok(content.slice_ref(piece))).collect()
}

impl World {
    /// Sends a PUT; says the status, and how many pieces were asked for.
    async fn put_pieces(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        pieces: VecDeque<Result<Bytes, &'static str>>,
        announced: Option<u64>,
    ) -> (StatusCode, HeaderMap, usize) {
        self.send_pieces("PUT", path, headers, pieces, announced)
            .await
    }

    async fn send_pieces(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        pieces: VecDeque<Result<Bytes, &'static str>>,
        announced: Option<u64>,
    ) -> (StatusCode, HeaderMap, usize) {
        let read = Arc::new(AtomicUsize::new(0));
        let body = Pieces {
            pieces,
            announced,
            read: Arc::clone(&read),
        };
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).unwrap();
        let alice = SignedIn(Arc::clone(&self.alice.principal));
        request.extensions_mut().insert(alice);
        let answered: Result<_, Infallible> = self.dav.clone().oneshot(request).await;
        let (head, _) = answered.unwrap().into_parts();
        (head.status, head.headers, read.load(Ordering::SeqCst))
    }

    async fn get(&self, headers: &[&str]) -> crate::testing::Answer {
        self.send(&self.alice, "GET", FILE, headers, "").await
    }
}

#[tokio::test]
async fn large_files_go_in_and_out() {
    for octets in [9_999, 10_001, 700_000, 3_999_999] {
        for is_announced in [true, false] {
            let world = world_with(settings()).await;
            let content = content(octets);
            let announced = is_announced.then_some(octets as u64);
            let (status, headers, _) = world
                .put_pieces(FILE, &[], pieces(&content), announced)
                .await;
            assert_eq!(status, StatusCode::CREATED, "{octets} {announced:?}");
            let got = world.get(&[]).await;
            assert_eq!(got.status, StatusCode::OK);
            assert_eq!(got.body, content);
            assert_eq!(got.header("accept-ranges"), "bytes");
            assert_eq!(got.headers["etag"], headers["etag"]);
            // RFC 9110 §9.3.2; and §14.2: a range is for GET alone
            let head = world
                .send(&world.alice, "HEAD", FILE, &["Range: bytes=0-1"], "")
                .await;
            assert_eq!(head.status, StatusCode::OK);
            assert_eq!(head.header("content-length"), octets.to_string());
            assert!(head.body.is_empty());
        }
    }
}

/// RFC 9110 §13.2.1, §10.1.1: what can be refused without the octets is refused without reading them.
#[tokio::test]
async fn a_large_body_that_is_refused_is_not_read() {
    let world = world_with(settings()).await;
    let content = content(700_000);
    let put = async |path: &str, headers: &[(&str, &str)], announced: u64| {
        let (status, _, read) = world
            .put_pieces(path, headers, pieces(&content), Some(announced))
            .await;
        (status.as_u16(), read)
    };
    assert_eq!(put(FILE, &[], 700_000).await.0, 201);
    assert_eq!(
        put(FILE, &[("if-none-match", "*")], 700_000).await,
        (412, 0)
    );
    assert_eq!(put(FILE, &[("if-match", "\"x\"")], 700_000).await, (412, 0));
    // RFC 9110 §15.5.14
    assert_eq!(put(FILE, &[], 4_000_001).await, (413, 0));
    assert_eq!(
        put("/dav/calendars/users/alice/no/film", &[], 700_000).await,
        (409, 0)
    );
    assert_eq!(
        put("/dav/calendars/users/bob/film", &[], 700_000).await,
        (403, 0)
    );
    // RFC 4791 §5.3.2.1: only files may be as large
    let calendar = "/dav/calendars/users/alice/calendar/film.ics";
    assert_eq!(put(calendar, &[], 700_000).await, (403, 0));
    assert_eq!(
        put("/dav/calendars/users/alice/calendar/", &[], 700_000).await,
        (405, 0)
    );
    assert_eq!(
        put(FILE, &[("content-range", "bytes 0-1/2")], 700_000).await,
        (400, 0)
    );
}

/// A body that says nothing of its length is read as far as it must be.
#[tokio::test]
async fn a_body_that_grows_too_large_is_given_up() {
    let world = world_with(settings()).await;
    let endless: VecDeque<_> = (0..1_000).map(|_| Ok(content(50_000))).collect();
    let (status, _, read) = world.put_pieces(FILE, &[], endless, None).await;
    assert_eq!((status, read), (StatusCode::PAYLOAD_TOO_LARGE, 81));
    assert_eq!(world.get(&[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let world = world_with(settings()).await;
    let content = content(2_000_000);
    world.put_pieces(FILE, &[], pieces(&content), None).await;
    for after in [0, 1, 30] {
        for announced in [None, Some(2_000_000)] {
            let mut broken = pieces(&Bytes::from(vec![7; 2_000_000]));
            broken.truncate(after);
            broken.push_back(Err("the cable is cut"));
            let (status, _, _) = world.put_pieces(FILE, &[], broken, announced).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert_eq!(world.get(&[]).await.body, content);
        }
    }
    assert_eq!(world.dav.desk().store().check().await.unwrap(), []);
}

/// RFC 9110 §14, §15.3.7, §15.5.17, §13.1.5
#[tokio::test]
async fn parts_of_files() {
    let world = world_with(settings()).await;
    for octets in [1_000, 700_000] {
        let content = content(octets);
        let (_, headers, _) = world.put_pieces(FILE, &[], pieces(&content), None).await;
        let etag = headers["etag"].to_str().unwrap();
        for (range, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=10-", 10, octets - 1),
            ("bytes=-5", octets - 5, octets - 1),
            ("bytes=900-999999999", 900, octets - 1),
        ] {
            let part = world.get(&[&format!("Range: {range}")]).await;
            assert_eq!(part.status, StatusCode::PARTIAL_CONTENT, "{range}");
            assert_eq!(part.body, content[first..=last], "{range}");
            let expected = format!("bytes {first}-{last}/{octets}");
            assert_eq!(part.header("content-range"), expected);
            assert_eq!(part.header("etag"), etag);
        }
        let beyond = world.get(&[&format!("Range: bytes={octets}-")]).await;
        assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(beyond.header("content-range"), format!("bytes */{octets}"));
        assert!(beyond.body.is_empty());
        let current = format!("If-Range: {etag}");
        let part = world.get(&["Range: bytes=0-0", &current]).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        for other in [
            "If-Range: \"other\"",
            "If-Range: Thu, 01 Jan 2026 00:00:00 GMT",
        ] {
            let whole = world.get(&["Range: bytes=0-0", other]).await;
            assert_eq!((whole.status, &whole.body), (StatusCode::OK, &content));
        }
        // conditions come before the range (RFC 9110 §13.2.2)
        let known = format!("If-None-Match: {etag}");
        let unchanged = world.get(&["Range: bytes=0-0", &known]).await;
        assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    }
}

/// What cannot be read breaks the answer off, which said how long it is.
#[tokio::test]
async fn what_cannot_be_read_breaks_the_answer_off() {
    let mut faulty = None;
    let world = world_over(settings(), |memory| {
        let backend = Arc::new(Faulty::new(Arc::new(memory)));
        faulty = Some(Arc::clone(&backend));
        backend
    })
    .await;
    let faulty = faulty.unwrap();
    let content = content(700_000);
    world.put_pieces(FILE, &[], pieces(&content), None).await;
    let mut request = http::Request::get(FILE)
        .body(http_body_util::Empty::<Bytes>::new())
        .unwrap();
    let alice = SignedIn(Arc::clone(&world.alice.principal));
    request.extensions_mut().insert(alice);
    let response = world.dav.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    faulty.fail_blob_read(2, ReadError::Corrupt("torn".into()));
    let mut octets = Vec::new();
    let error = loop {
        match body.frame().await.expect("its end is not reached") {
            Ok(frame) => octets.extend_from_slice(&frame.into_data().unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "the store is damaged: torn");
    assert!(!octets.is_empty() && octets.len() < content.len());
    assert_eq!(octets, content[..octets.len()]);
    assert!(body.frame().await.is_none());
}

/// RFC 8144 §3: a large file comes back piece by piece, too.
#[tokio::test]
async fn a_large_file_as_the_answer_to_its_put() {
    let world = world_with(settings()).await;
    let headers = [("prefer", "return=representation")];
    let content = content(700_000);
    let (status, headers, _) = world
        .put_pieces(FILE, &headers, pieces(&content), Some(700_000))
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(headers["preference-applied"], "return=representation");
    assert_eq!(headers["content-location"], FILE);
    assert_eq!(world.get(&[]).await.body, content);
}

/// RFC 8607 §3.11, §3.12.3: an attachment comes piece by piece, and what can be refused without its octets
/// is refused without reading them.
#[tokio::test]
async fn attachments_come_piece_by_piece() {
    const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\n\
        DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let world = world_with(settings()).await;
    let path = "/dav/calendars/users/alice/calendar/a.ics";
    world
        .send(
            &world.alice,
            "PUT",
            path,
            &["Content-Type: text/calendar"],
            EVENT,
        )
        .await;
    let add = format!("{path}?action=attachment-add");
    let content = content(700_000);
    let post = async |url: &str, headers: &[(&str, &str)], announced: Option<u64>| {
        let (status, headers, read) = world
            .send_pieces("POST", url, headers, pieces(&content), announced)
            .await;
        (status.as_u16(), headers, read)
    };
    let large = Some(700_000);
    let refused = [
        (add.clone(), ("if-match", "\"x\""), large, 412),
        (add.clone(), ("content-encoding", "gzip"), large, 415),
        (add.clone(), ("content-range", "bytes 0-1/2"), large, 400),
        (
            format!("{path}?action=other"),
            ("accept", "*/*"),
            large,
            403,
        ),
        (format!("{add}&rid=20260101"), ("accept", "*/*"), large, 403),
        (add.clone(), ("accept", "*/*"), Some(4_000_001), 403),
    ];
    for (url, header, announced, status) in refused {
        let answer = post(&url, &[header], announced).await;
        assert_eq!((answer.0, answer.2), (status, 0), "{url} {header:?}");
    }
    // one that does not say how large it is is read as far as it may go
    let endless: VecDeque<_> = (0..1_000)
        .map(|_| Ok(Bytes::from(vec![7; 50_000])))
        .collect();
    let (status, _, read) = world.send_pieces("POST", &add, &[], endless, None).await;
    assert_eq!((status, read), (StatusCode::FORBIDDEN, 81));
    let mut broken = pieces(&content);
    broken.truncate(3);
    broken.push_back(Err("the cable is cut"));
    let (status, ..) = world.send_pieces("POST", &add, &[], broken, large).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let event = world.send(&world.alice, "GET", path, &[], "").await;
    assert_eq!(event.body, EVENT);

    let (status, headers, _) = post(&add, &[], None).await;
    assert_eq!(status, 201);
    let id = headers["cal-managed-id"].to_str().unwrap();
    let url = format!("/dav/attachments/{id}/attachment");
    let got = world.send(&world.alice, "GET", &url, &[], "").await;
    assert_eq!(got.body, content);
    assert_eq!(world.dav.desk().store().check().await.unwrap(), []);
}
