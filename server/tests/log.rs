//! What the log tells. A process of its own, because a process has one log.
#![allow(clippy::unwrap_used)]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use server::{
    Options, Server, Storage,
    accounts::{Accounts, Entry, Operation},
    authentication::Argon2Cost,
    configuration::LogFormat,
    logging,
};
use storage::model::PrincipalKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nSUMMARY:hidden\r\n\
    ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:guest@elsewhere.example\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test]
async fn the_log_names_the_request_and_nothing_that_is_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    let lines_of = logging::lines("debug", LogFormat::Text, false, move || writer.clone());
    tracing::dispatcher::set_global_default(lines_of).unwrap();
    let options = Options {
        argon2: Argon2Cost::FOR_TESTS,
        ..Options::new(Storage::Memory)
    };
    let running = Server::start(options).await.unwrap();
    let accounts = Accounts::new(running.desk().clone(), running.passwords().clone());
    let alice = Entry {
        password: Some("geheim".to_owned().into()),
        addresses: Some(vec!["mailto:alice@example.com".to_owned()]),
        ..Entry::new(PrincipalKind::User, "alice")
    };
    accounts
        .perform(Operation::Add(Box::new(alice)))
        .await
        .unwrap();

    let put = format!(
        "PUT /dav/calendars/users/alice/calendar/1.ics?token=hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Basic YWxpY2U6Z2VoZWlt\r\nContent-Type: text/calendar\r\nContent-Length: {}\r\n\r\n{EVENT}",
        EVENT.len()
    );
    let answer = ask(running.addresses()[0], &put).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let wrong = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic YWxpY2U6aGlkZGVu\r\n\r\n";
    let refused = ask(running.addresses()[0], wrong).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    running.shutdown().await;

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let id = |answer: &str| answer.split("x-request-id: ").nth(1).unwrap()[..16].to_owned();
    let expectations: [(&str, &[&str]); 3] = [
        (
            &answer,
            &["PUT", "/calendar/1.ics", "status=201", "user=\"alice\""],
        ),
        (&refused, &["sign-in refused"]),
        (&refused, &["GET", "status=401"]),
    ];
    for (answer, words) in expectations {
        let name = format!("request={}", id(answer));
        let mut lines = log.lines().filter(|line| line.ends_with(&name));
        assert!(
            lines.any(|line| words.iter().all(|word| line.contains(word))),
            "no line of {name} has {words:?}:\n{log}"
        );
    }
    // the contents, the query, the passwords, and both as they stand in the header
    for secret in [
        "hidden",
        "geheim",
        "YWxpY2U6Z2VoZWlt",
        "YWxpY2U6aGlkZGVu",
        "VEVENT",
    ] {
        assert!(!log.contains(secret), "{secret} is told:\n{log}");
    }
}

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
