//! Another server, for tests: it says what it is told to say.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{Address, Patience, Transport, TransportOptions};

/// A server, with the heads of the requests that it got, in lower case.
pub(super) struct Scripted {
    pub address: Address,
    pub heads: Arc<Mutex<Vec<String>>>,
}

/// A server that gives these answers, one after the other; instead of an empty one it breaks off.
pub(super) async fn scripted(answers: Vec<String>) -> Scripted {
    let mut answers = answers.into_iter();
    answering(move |_, _| answers.next().filter(|answer| !answer.is_empty())).await
}

/// A server that answers a head, in lower case, and a body; where there is no answer it breaks off.
pub(super) async fn answering(
    mut answer: impl FnMut(&str, &str) -> Option<String> + Send + 'static,
) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            while let Some((head, body)) = request_of(&mut stream).await {
                let answer = answer(&head, &body);
                kept.lock().unwrap().push(head);
                let Some(answer) = answer else { break };
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    Scripted {
        address: Address::parse(&address).unwrap(),
        heads,
    }
}

async fn request_of(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

/// An answer.
pub(super) fn says(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// The way to such a server, without pauses.
pub(super) fn transport(origin: &Address) -> Transport {
    let options = TransportOptions {
        user: "alice".into(),
        password: Some("secret".to_owned().into()),
        patience: Patience {
            attempts: 3,
            first_pause: Duration::ZERO,
        },
        ..TransportOptions::default()
    };
    Transport::new(origin, &options).unwrap()
}
