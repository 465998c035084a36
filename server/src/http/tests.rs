//! The request path and its connections, in memory. Time is paused in these tests: it moves to the
//! next timer when everything waits, so a time-out of a minute takes none.
#![allow(clippy::unwrap_used)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use scheduling::{Desk, desk::Settings};
use storage::{
    Store,
    memory::Memory,
    model::{Credential, PrincipalKind},
    testing,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::Notify,
    time::Instant,
};

use super::{connection::testing::Server, middleware::Handler, *};
use crate::{
    accounts::{Accounts, Entry, Operation},
    authentication::{Argon2Cost, Authenticator, Passwords},
    limits::Limits,
};

mod connections;

const BASIC: &str = "Basic YWxpY2U6c2VjcmV0"; // alice:secret
const LOOPBACK: &str = "127.0.0.1:1000";
const OUTSIDE: &str = "192.0.2.1:1000";

/// A store with alice in it.
async fn store() -> (Store, Passwords) {
    let environment = testing::environment();
    let backend = Arc::new(Memory::new(Arc::clone(&environment.clock)));
    let store = Store::open(backend, environment.clone()).await.unwrap();
    let passwords = Passwords::new(environment, Argon2Cost::FOR_TESTS);
    let accounts = Accounts::new(
        Desk::new(store.clone(), Settings::default()),
        passwords.clone(),
    );
    let alice = Entry::new(PrincipalKind::User, "alice");
    accounts
        .perform(Operation::Add(Box::new(alice)))
        .await
        .unwrap();
    let id = store.principal_by_name("alice").await.unwrap().unwrap().id;
    let hash = passwords.hash("secret".to_owned().into()).await.unwrap();
    store
        .change_credential(id, |_| {
            Some(Credential {
                hash: hash.clone(),
                imported: false,
            })
        })
        .await
        .unwrap();
    (store, passwords)
}

/// The whole path around a handler, with the limits of a new installation but for `change`.
async fn server_with(handler: impl Handler, change: impl FnOnce(&mut StackOptions)) -> Server {
    let (store, passwords) = store().await;
    let limits = Limits::default();
    let mut options = StackOptions {
        authenticator: Arc::new(Authenticator::new(store.clone(), passwords)),
        trusted_proxies: vec!["10.0.0.1".parse().unwrap()],
        concurrent_requests: limits.concurrent_requests,
        request_time: limits.request_time,
        body: BodyBounds {
            maximum_octets: 1000,
            stall: Duration::from_secs(30),
        },
    };
    change(&mut options);
    Server::new(
        build(options, store.environment(), handler),
        limits.of_connections(),
    )
}

async fn server(handler: impl Handler) -> Server {
    server_with(handler, |_| {}).await
}

fn response(text: impl Into<Bytes>) -> Response {
    http::Response::new(dav::Body::from(text.into()))
}

/// A handler that works without the request.
struct Unasked<F>(F);

impl<F, A> Handler for Unasked<F>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    fn answer(&self, _: &mut Exchange) -> impl Future<Output = Response> + Send {
        self.0()
    }
}

/// Answers with what it sees of the request.
struct Mirror;

impl Handler for Mirror {
    async fn answer(&self, exchange: &mut Exchange) -> Response {
        let name = exchange.signed_in.as_ref().map(|user| user.name.as_str());
        let password = exchange
            .head
            .headers
            .contains_key(http::header::AUTHORIZATION);
        let octets = match (&mut exchange.body).collect().await {
            Ok(body) => body.to_bytes().len().to_string(),
            Err(error) => error.to_string(),
        };
        response(format!("{} {password} {octets}", name.unwrap_or_default()))
    }
}

async fn write(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// One request on a connection of its own; the whole answer.
async fn ask(server: &Server, peer: &str, request: &str) -> String {
    let mut stream = server.connect(peer);
    let request = request.replacen("\r\n", "\r\nHost: x\r\nConnection: close\r\n", 1);
    // A request that is refused at its beginning may not be read to its end.
    let _refused_early = stream.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn signed_in(method: &str, rest: &str) -> String {
    format!("{method} /dav/ HTTP/1.1\r\nAuthorization: {BASIC}\r\n{rest}\r\n")
}

/// RFC 7617 §2, RFC 7235 §3.1
#[tokio::test(start_paused = true)]
async fn one_challenge_for_every_method_and_every_wrong_password() {
    let server = server(Mirror).await;
    for method in ["OPTIONS", "PROPFIND", "GET", "PUT", "REPORT", "UNHEARD-OF"] {
        for header in [
            "",
            "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n",
            "Authorization: Bearer x\r\n",
        ] {
            let answer = ask(
                &server,
                LOOPBACK,
                &format!("{method} / HTTP/1.1\r\n{header}\r\n"),
            )
            .await;
            // The sixth wrong password in a row has to wait; that is another test's matter.
            if answer.starts_with("HTTP/1.1 429") {
                continue;
            }
            assert!(
                answer.starts_with("HTTP/1.1 401 "),
                "{method} {header}: {answer}"
            );
            assert!(
                answer.contains("www-authenticate: Basic realm=\"Convoke\", charset=\"UTF-8\"\r\n"),
                "{answer}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_handler_hears_who_it_is_and_never_the_password() {
    let server = server(Mirror).await;
    let answer = ask(
        &server,
        LOOPBACK,
        &signed_in("PUT", "Content-Length: 3\r\n").replace("\r\n\r\n", "\r\n\r\nabc"),
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nalice false 3"),
        "{answer}"
    );
}

/// RFC 6764 §5
#[tokio::test(start_paused = true)]
async fn the_well_known_path_needs_no_sign_in() {
    let server = server(Mirror).await;
    let answer = ask(
        &server,
        LOOPBACK,
        "PROPFIND /.well-known/caldav HTTP/1.1\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(" false 0"),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_password_is_not_taken_in_the_clear_nor_asked_for() {
    let server = server(Mirror).await;
    let https = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n";
    let cases = [
        (OUTSIDE, "", "403"),
        (OUTSIDE, https, "403"),
        ("10.0.0.1:1", "", "403"),
        ("10.0.0.1:1", https, "200"),
        (
            "10.0.0.1:1",
            "X-Forwarded-Proto: http\r\nX-Forwarded-For: 192.0.2.7\r\n",
            "403",
        ),
        ("[::1]:1", "", "200"),
    ];
    for (peer, headers, status) in cases {
        let answer = ask(&server, peer, &signed_in("GET", headers)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{peer} {headers}: {answer}"
        );
        assert!(
            !answer.contains("www-authenticate"),
            "{peer} {headers}: {answer}"
        );
        let anonymous = ask(&server, peer, &format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
        let expected = if status == "200" { "401" } else { "403" };
        assert!(
            anonymous.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{peer} {headers}: {anonymous}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_one_500_and_the_connection_lives() {
    struct Breaks;

    impl Handler for Breaks {
        async fn answer(&self, exchange: &mut Exchange) -> Response {
            assert_ne!(exchange.head.method, "BREAK", "a defect");
            response("fine")
        }
    }

    let server = server(Breaks).await;
    let mut stream = server.connect(LOOPBACK);
    for (method, status) in [("BREAK", "500"), ("GET", "200")] {
        write(&mut stream, &signed_in(method, "Host: x\r\n")).await;
        let answer = read_answer(&mut stream).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(!answer.contains("a defect"), "{answer}");
    }
}

/// Reads up to the end of a small answer whose length is announced.
async fn read_answer(stream: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    loop {
        answer.push(stream.read_u8().await.unwrap());
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return text.into_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_has_a_name_of_its_own() {
    let server = server(Mirror).await;
    let mut names = Vec::new();
    for _ in 0..3 {
        let answer = ask(
            &server,
            LOOPBACK,
            &signed_in("GET", "X-Request-Id: mine\r\n"),
        )
        .await;
        names.push(answer.split("x-request-id: ").nth(1).unwrap()[..16].to_owned());
    }
    assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");
    assert!(!names.contains(&"mine".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_a_503() {
    let server = server(Unasked(std::future::pending::<Response>)).await;
    let started = Instant::now();
    let answer = ask(&server, LOOPBACK, &signed_in("GET", "")).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5\r\n"),
        "{answer}"
    );
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_a_413_however_it_comes() {
    let server = server(Mirror).await;
    let announced = signed_in("PUT", "Content-Length: 1001\r\n");
    assert!(
        ask(&server, LOOPBACK, &announced)
            .await
            .starts_with("HTTP/1.1 413 ")
    );
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    for (chunks, status) in [(2, "200"), (3, "413")] {
        let body = format!("{}0\r\n\r\n", chunk.repeat(chunks));
        let request = signed_in("PUT", "Transfer-Encoding: chunked\r\n") + &body;
        let answer = ask(&server, LOOPBACK, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{chunks} chunks: {answer}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_a_408() {
    let server = server(Mirror).await;
    let started = Instant::now();
    let answer = ask(
        &server,
        LOOPBACK,
        &(signed_in("PUT", "Content-Length: 10\r\n") + "abc"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_header_beyond_its_bounds_is_refused() {
    let server = server(Mirror).await;
    // Host, Connection and Authorization are there too: 100 fields, and 101.
    let fields = |count: usize| "X: y\r\n".repeat(count - 3);
    let long = |octets: usize| format!("X: {}\r\n", "y".repeat(octets));
    for (header, status) in [
        (fields(100), "200"),
        (fields(101), "431"),
        (long(60_000), "200"),
        (long(70_000), "431"),
    ] {
        let answer = ask(&server, LOOPBACK, &signed_in("GET", &header)).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_requests_are_worked_on_at_once() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let at_once = Arc::new(Mutex::new((0, 0)));
    let handler = Unasked({
        let (entered, leave, at_once) = (entered.clone(), leave.clone(), at_once.clone());
        move || {
            let (entered, leave, at_once) = (entered.clone(), leave.clone(), at_once.clone());
            async move {
                {
                    let mut counts = at_once.lock().unwrap();
                    counts.0 += 1;
                    counts.1 = counts.1.max(counts.0);
                }
                entered.notify_one();
                leave.notified().await;
                at_once.lock().unwrap().0 -= 1;
                response("done")
            }
        }
    });
    let server = Arc::new(server_with(handler, |options| options.concurrent_requests = 2).await);
    let requests: Vec<_> = (0..6)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { ask(&server, LOOPBACK, &signed_in("GET", "")).await })
        })
        .collect();
    for _ in 0..6 {
        entered.notified().await;
        leave.notify_one();
    }
    for request in requests {
        assert!(request.await.unwrap().ends_with("done"));
    }
    assert_eq!(at_once.lock().unwrap().1, 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_requests_finish_and_idle_connections_go() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = server(waiting(&entered, &leave)).await;
    let mut idle = server.connect(LOOPBACK);
    let mut busy = server.connect(LOOPBACK);
    write(&mut busy, &signed_in("GET", "Host: x\r\n")).await;
    entered.notified().await;
    let stopping = tokio::spawn(server.stop(Duration::from_secs(10)));
    let mut nothing = Vec::new();
    idle.read_to_end(&mut nothing).await.unwrap();
    assert!(nothing.is_empty() && !stopping.is_finished());
    leave.notify_one();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    assert!(stopping.await.unwrap(), "everything ended in time");
}

#[tokio::test(start_paused = true)]
async fn a_stop_has_a_deadline() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = server(waiting(&entered, &leave)).await;
    let mut busy = server.connect(LOOPBACK);
    write(&mut busy, &signed_in("GET", "Host: x\r\n")).await;
    entered.notified().await;
    let started = Instant::now();
    assert!(
        !server.stop(Duration::from_secs(10)).await,
        "a request was cut off"
    );
    assert_eq!(started.elapsed().as_secs(), 10);
}

/// A handler that says when it was entered, and waits until it may leave.
fn waiting(entered: &Arc<Notify>, leave: &Arc<Notify>) -> impl Handler {
    let (entered, leave) = (entered.clone(), leave.clone());
    Unasked(move || {
        let (entered, leave) = (entered.clone(), leave.clone());
        async move {
            entered.notify_one();
            leave.notified().await;
            response("done")
        }
    })
}

#[test]
fn an_address_is_bound_once() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(&[any, any]).await.ok().unwrap();
        let addresses = listeners.addresses();
        assert!(addresses.len() == 2 && addresses.iter().all(|address| address.port() != 0));
        let (address, error) = Listeners::bind(&addresses[..1]).await.err().unwrap();
        assert_eq!(
            (address, error.kind()),
            (addresses[0], std::io::ErrorKind::AddrInUse)
        );
    });
}
