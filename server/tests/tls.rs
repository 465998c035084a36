//! TLS on real sockets.
#![allow(clippy::unwrap_used)]

use std::{fs, sync::Arc};

use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use server::{Options, Running, Server, Storage, authentication::Argon2Cost, tls::TlsFiles};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer},
};

/// A server with a certificate of its own for `localhost`.
async fn server() -> (tempfile::TempDir, Running, CertificateDer<'static>) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("certificate.pem"),
        key: folder.path().join("key.pem"),
    };
    fs::write(&files.certificate, pair.cert.pem()).unwrap();
    fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
    let options = Options {
        tls: Some(files),
        argon2: Argon2Cost::FOR_TESTS,
        ..Options::new(Storage::Memory)
    };
    (
        folder,
        Server::start(options).await.unwrap(),
        pair.cert.der().clone(),
    )
}

async fn connect(
    running: &Running,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(running.addresses()[0]).await.unwrap();
    TlsConnector::from(Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap()
}

/// RFC 7301, RFC 9113 §3.2
#[tokio::test]
async fn both_versions_of_http_by_their_names() {
    let (_folder, running, certificate) = server().await;
    assert!(running.public_url().starts_with("https://"));
    let request = || {
        http::Request::get("https://localhost/")
            .body(Empty::<bytes::Bytes>::new())
            .unwrap()
    };

    let stream = connect(&running, &certificate, "h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(sender.send_request(request()).await.unwrap().status(), 401);
    drop(sender);
    connection.await.unwrap().unwrap();

    let stream = connect(&running, &certificate, "http/1.1").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(request()).await.unwrap().status(), 401);
    running.shutdown().await;
}

#[tokio::test]
async fn who_speaks_no_tls_is_not_served() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (_folder, running, _) = server().await;
    let mut stream = TcpStream::connect(running.addresses()[0]).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    running.shutdown().await;
}
