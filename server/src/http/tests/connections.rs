//! When a connection ends, and when it may be used again.

use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;

/// What the server still says before it ends the connection, and after how many seconds.
async fn end(stream: &mut DuplexStream) -> (String, u64) {
    let started = Instant::now();
    let mut said = Vec::new();
    let _ended = stream.read_to_end(&mut said).await;
    let said = String::from_utf8(said).unwrap();
    (said, started.elapsed().as_secs())
}

/// Lets everything else do what it can without time passing.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A request that is answered, on a connection that stays.
async fn exchange(stream: &mut DuplexStream) {
    write(stream, &signed_in("GET", "Host: x\r\n")).await;
    let answer = read_answer(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn connections_that_say_nothing_or_half_a_header_end() {
    let server = server(Mirror).await;
    for said in ["", "G", "GET / HTTP/1.1\r\nHost:"] {
        let mut stream = server.connect(LOOPBACK);
        write(&mut stream, said).await;
        assert_eq!(end(&mut stream).await, (String::new(), 15), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_header_ends_a_connection_that_had_rested_too() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    for _ in 0..2 {
        exchange(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(50)).await;
    }
    write(&mut stream, "GET / HTTP/1.1\r\nHost:").await;
    assert_eq!(end(&mut stream).await, (String::new(), 15));
}

#[tokio::test(start_paused = true)]
async fn a_header_that_dribbles_ends_as_one_that_stalls() {
    let server = server(Mirror).await;
    for requests_before in [0, 1] {
        let mut stream = server.connect(LOOPBACK);
        for _ in 0..requests_before {
            exchange(&mut stream).await;
        }
        let (mut far, mut dribble) = tokio::io::split(stream);
        let dribbling = tokio::spawn(async move {
            let octets = format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(1000));
            for octet in octets.bytes() {
                if dribble.write_u8(octet).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let started = Instant::now();
        let mut said = Vec::new();
        let _ended = far.read_to_end(&mut said).await;
        assert_eq!((said, started.elapsed().as_secs()), (Vec::new(), 15));
        dribbling.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_header_within_its_bound_is_answered() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    for _ in 0..3 {
        for part in signed_in("GET", "Host: x\r\n").split_inclusive("\r\n") {
            write(&mut stream, part).await;
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// RFC 9112 §9.3
#[tokio::test(start_paused = true)]
async fn a_connection_may_rest_between_requests() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    for _ in 0..4 {
        exchange(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    exchange(&mut stream).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    exchange(&mut stream).await;
    assert_eq!(end(&mut stream).await, (String::new(), 120));
}

#[tokio::test(start_paused = true)]
async fn a_request_at_work_has_its_own_bounds() {
    let handler = Unasked(async || {
        tokio::time::sleep(Duration::from_secs(50)).await;
        response("late")
    });
    let server = server(handler).await;
    let mut stream = server.connect(LOOPBACK);
    for _ in 0..2 {
        exchange(&mut stream).await;
    }
}

/// RFC 9110 §10.1.1, RFC 9112 §9.6
#[tokio::test(start_paused = true)]
async fn who_waits_to_be_told_to_send_is_answered_and_let_go() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    let header =
        "PUT /dav/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n";
    write(&mut stream, header).await;
    let (answer, seconds) = end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(seconds, 0, "the body was not waited for");
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_send_keeps_the_connection() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    for (framing, body) in [
        ("Content-Length: 3", "abc"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let rest = format!("Host: x\r\n{framing}\r\nExpect: 100-continue\r\n");
        write(&mut stream, &signed_in("PUT", &rest)).await;
        let mut told = [0; 25];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n", "{framing}");
        write(&mut stream, body).await;
        let answer = read_answer(&mut stream).await;
        assert!(answer.ends_with("alice false 3"), "{framing}: {answer}");
        assert!(!answer.contains("connection: close"), "{framing}: {answer}");
    }
    exchange(&mut stream).await;
}

/// What a client without credentials sends first, body and all, is read before it is asked to sign in:
/// the connection stays, and its next request is not taken for the rest of the body.
#[tokio::test(start_paused = true)]
async fn a_refused_body_that_comes_late_does_not_cost_the_connection() {
    let server = server(Mirror).await;
    for (framing, body) in [
        ("Content-Length: 3", "abc"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let mut stream = server.connect(LOOPBACK);
        let header = format!("PUT /dav/ HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n");
        write(&mut stream, &header).await;
        settle().await;
        for octet in body.bytes() {
            stream.write_u8(octet).await.unwrap();
            settle().await;
        }
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{framing}: {answer}");
        assert!(!answer.contains("connection: close"), "{framing}: {answer}");
        exchange(&mut stream).await;
    }
}

/// RFC 9112 §9.6
#[tokio::test(start_paused = true)]
async fn a_refused_body_that_does_not_come_is_not_waited_for_long() {
    let server = server(Mirror).await;
    let mut stream = server.connect(LOOPBACK);
    let header = "PUT /dav/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    write(&mut stream, header).await;
    let (answer, seconds) = end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(seconds, 5);
}

/// RFC 9113 §3.3
#[tokio::test(start_paused = true)]
async fn http_2_is_understood_by_prior_knowledge() {
    let server = server(Mirror).await;
    let stream = TokioIo::new(server.connect(LOOPBACK));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    for (authorization, status, text) in [
        (BASIC, 200, "alice false 5"),
        ("", 401, "Sign in with name and password.\n"),
        (BASIC, 200, "alice false 5"),
    ] {
        let request = http::Request::builder()
            .method("PROPFIND")
            .uri("http://x/dav/")
            .header("Authorization", authorization)
            .body(Full::new(Bytes::from_static(b"hello")))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(
            (answer.version(), answer.status().as_u16()),
            (http::Version::HTTP_2, status)
        );
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, text);
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    let started = Instant::now();
    let _ended = connection.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 20, "the idle bound ends it");
}
