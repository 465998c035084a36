#![allow(clippy::unwrap_used)]

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;

/// A mail server for one conversation: answers RCPT as told, keeps what arrives.
async fn mail_server(rcpt_answer: &'static str) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let conversation =
        tokio::spawn(
            async move { converse(listener.accept().await.unwrap().0, rcpt_answer).await },
        );
    (port, conversation)
}

async fn converse(mut stream: TcpStream, rcpt_answer: &str) -> Vec<String> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut heard = Vec::new();
    let mut in_data = false;
    write.write_all(b"220 mail.example.com\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.get(..4).unwrap_or_default() {
            _ if in_data && line != "." => "",
            _ if in_data => {
                in_data = false;
                "250 taken"
            }
            "EHLO" => "250 mail.example.com",
            "RCPT" => rcpt_answer,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        heard.push(line);
        if !answer.is_empty()
            && write
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .is_err()
        {
            break;
        }
    }
    heard
}

fn mail() -> Rendered {
    Rendered {
        envelope_from: "alice@example.com".parse().unwrap(),
        envelope_to: "dave@elsewhere.example".parse().unwrap(),
        octets: b"Subject: x\r\n\r\n.a line with a dot\r\n".to_vec(),
    }
}

fn transport(port: u16) -> Transport {
    let options = SmtpOptions {
        host: "127.0.0.1".into(),
        port,
        tls: SmtpTls::None,
        credentials: None,
    };
    Transport::open(&MailRoute::Smtp(options)).unwrap()
}

#[tokio::test]
async fn by_smtp_the_octets_arrive_under_one_envelope() {
    let (port, conversation) = mail_server("250 fine").await;
    let transport = transport(port);
    transport.send("name", &mail()).await.unwrap();
    drop(transport);
    let heard = conversation.await.unwrap();
    let expected = [
        "MAIL FROM:<alice@example.com>",
        "RCPT TO:<dave@elsewhere.example>",
        "DATA",
        "Subject: x",
        "",
        "..a line with a dot",
        "",
        ".",
    ];
    let beginning = heard
        .iter()
        .position(|line| line.starts_with("MAIL"))
        .unwrap();
    assert_eq!(
        heard[beginning..beginning + expected.len()],
        expected,
        "{heard:?}"
    );
}

#[tokio::test]
async fn what_the_mail_server_says_decides_about_another_attempt() {
    for (answer, permanent) in [
        ("550 no such user", true),
        ("451 later", false),
        ("nonsense", false),
    ] {
        let (port, _conversation) = mail_server(answer).await;
        let error = transport(port).send("name", &mail()).await.unwrap_err();
        assert_eq!(
            matches!(error, SendError::Permanent(_)),
            permanent,
            "{answer}: {error}"
        );
    }
}

#[tokio::test]
async fn a_mail_server_that_is_not_there_may_come_back() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = transport(port).send("name", &mail()).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
}

#[tokio::test]
async fn encryption_is_insisted_on() {
    // The server offers no STARTTLS: nothing may go out in the clear.
    let (port, conversation) = mail_server("250 fine").await;
    let options = SmtpOptions {
        host: "localhost".into(),
        port,
        tls: SmtpTls::Starttls,
        credentials: None,
    };
    let transport = Transport::open(&MailRoute::Smtp(options)).unwrap();
    assert!(transport.send("name", &mail()).await.is_err());
    drop(transport);
    let heard = conversation.await.unwrap();
    assert!(
        !heard.iter().any(|line| line.starts_with("MAIL")),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_may_be_mended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let transport = Transport::Folder(file);
    assert!(matches!(
        transport.send("name", &mail()).await,
        Err(SendError::Temporary(_))
    ));
}
