//! Requests to another server, one after the other over one connection: redirections are followed, what
//! fails for a moment is tried again, and the password goes to the server that it was given for and to no
//! other.

use std::{io, path::Path, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::Mutex};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use super::url::Address;
use crate::{secret::Secret, tls};

/// Redirections that are followed for one request.
const MAXIMUM_REDIRECTIONS: usize = 5;
/// The largest answer: the listing of some 200,000 objects.
const MAXIMUM_ANSWER_OCTETS: usize = 128 * 1024 * 1024;
/// For a connection, and for the whole of an answer.
const CONNECT_TIME: Duration = Duration::from_secs(20);
const ANSWER_TIME: Duration = Duration::from_secs(300);
/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often, and how long apart, something is tried that fails for a moment.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Attempts in all.
    pub attempts: u32,
    /// Before the second; each further pause is twice as long.
    pub first_pause: Duration,
}

impl Default for Patience {
    /// Five attempts within half a minute.
    fn default() -> Patience {
        Patience {
            attempts: 5,
            first_pause: Duration::from_secs(2),
        }
    }
}

/// Why there is no answer, in words for a person. No secret is in them.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The server cannot be reached, or breaks off.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// 401.
    #[error("{0} does not take this user name and password")]
    NotSignedIn(String),
    /// Another status than success.
    #[error("{0} answers {1}")]
    Status(String, StatusCode),
    /// A redirection that leads nowhere.
    #[error("{0} redirects too often, or to no address")]
    Redirections(String),
    /// The password would travel unencrypted.
    #[error(
        "{0} is not encrypted, so that the password could be read on the way; use an https address, or give \
         --plain-http if the network is your own"
    )]
    Plain(String),
    /// Too much.
    #[error("the answer of {0} is larger than {1} octets")]
    TooLarge(String, usize),
    /// Certificates, or a password that no header can carry.
    #[error("{0}")]
    Options(String),
}

impl TransportError {
    /// Whether everything else that is asked will fail in the same way.
    pub fn is_final(&self) -> bool {
        use TransportError::{NotSignedIn, Options, Plain, Unreachable};
        matches!(
            self,
            Unreachable(..) | NotSignedIn(_) | Plain(_) | Options(_)
        )
    }
}

/// Who asks, and how.
#[derive(Default)]
pub struct TransportOptions<'a> {
    /// The name for sign-in.
    pub user: String,
    /// The password.
    pub password: Option<Secret>,
    /// Certificates, PEM, that are trusted beside the usual ones.
    pub certificates: Option<&'a Path>,
    /// The password may travel unencrypted.
    pub plain_http: bool,
    /// How often something is tried.
    pub patience: Patience,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code; of a success.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The way to another server.
pub struct Transport {
    tls: TlsConnector,
    authorization: HeaderValue,
    /// The server that the password is for.
    origin: Address,
    patience: Patience,
    open: Mutex<Option<(Address, SendRequest<Full<Bytes>>)>>,
}

/// What one attempt came to.
enum Attempt {
    Done(Reply),
    /// It may succeed later; the pause that the server asks for.
    Later(TransportError, Option<Duration>),
}

impl Transport {
    /// The way to the server of an address.
    ///
    /// # Errors
    /// `Plain`, `Options`.
    pub fn new(
        origin: &Address,
        options: &TransportOptions<'_>,
    ) -> Result<Transport, TransportError> {
        if !origin.is_safe() && !options.plain_http {
            return Err(TransportError::Plain(origin.to_string()));
        }
        let password = options.password.as_ref().map_or("", |it| it.0.as_str());
        let credentials = STANDARD.encode(format!("{}:{password}", options.user));
        let mut authorization = HeaderValue::try_from(format!("Basic {credentials}"))
            .map_err(|error| TransportError::Options(error.to_string()))?;
        authorization.set_sensitive(true);
        Ok(Transport {
            tls: connector(options.certificates)?,
            authorization,
            origin: origin.clone(),
            patience: options.patience,
            open: Mutex::new(None),
        })
    }

    /// Sends a request, and again where that may help; the answer, with the address that gave it.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub async fn send(
        &self,
        method: &Method,
        address: &Address,
        depth: Option<&'static str>,
        body: Bytes,
    ) -> Result<(Address, Reply), TransportError> {
        let mut address = address.clone();
        for _ in 0..=MAXIMUM_REDIRECTIONS {
            let reply = self.send_patiently(method, &address, depth, &body).await?;
            match reply.status {
                status if status.is_success() => return Ok((address, reply)),
                status if status.is_redirection() => {
                    let location = reply.headers.get(header::LOCATION);
                    let location = location.and_then(|it| it.to_str().ok());
                    let next = location.and_then(|location| address.join(location).ok());
                    let next =
                        next.ok_or_else(|| TransportError::Redirections(address.to_string()))?;
                    address = next;
                }
                StatusCode::UNAUTHORIZED if self.origin.is_same_origin(&address) => {
                    return Err(TransportError::NotSignedIn(address.to_string()));
                }
                status => return Err(TransportError::Status(address.to_string(), status)),
            }
        }
        Err(TransportError::Redirections(address.to_string()))
    }

    async fn send_patiently(
        &self,
        method: &Method,
        address: &Address,
        depth: Option<&'static str>,
        body: &Bytes,
    ) -> Result<Reply, TransportError> {
        let mut pause = self.patience.first_pause;
        for attempt in 1.. {
            match self.send_once(method, address, depth, body).await? {
                Attempt::Done(reply) => return Ok(reply),
                Attempt::Later(error, _) if attempt >= self.patience.attempts => return Err(error),
                Attempt::Later(error, asked) => {
                    tracing::debug!(%error, "tried again");
                    tokio::time::sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                    pause *= 2;
                }
            }
        }
        Err(TransportError::Redirections(address.to_string()))
    }

    async fn send_once(
        &self,
        method: &Method,
        address: &Address,
        depth: Option<&'static str>,
        body: &Bytes,
    ) -> Result<Attempt, TransportError> {
        let request = self.request(method, address, depth, body)?;
        let broken = |error: String| TransportError::Unreachable(address.to_string(), error);
        let mut sender = match self.connection(address).await {
            Ok(sender) => sender,
            Err(error) => return Ok(Attempt::Later(broken(error.to_string()), None)),
        };
        let answered = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| broken(reason(&error)))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAXIMUM_ANSWER_OCTETS).collect().await;
            let body =
                body.map_err(
                    |error| match error.is::<http_body_util::LengthLimitError>() {
                        true => {
                            TransportError::TooLarge(address.to_string(), MAXIMUM_ANSWER_OCTETS)
                        }
                        false => broken(error.to_string()),
                    },
                )?;
            Ok(Reply {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
            })
        };
        let reply = match tokio::time::timeout(ANSWER_TIME, answered).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error @ TransportError::TooLarge(..))) => return Err(error),
            Ok(Err(error)) => return Ok(Attempt::Later(error, None)),
            Err(_) => {
                return Ok(Attempt::Later(
                    broken("it does not answer".to_owned()),
                    None,
                ));
            }
        };
        *self.open.lock().await = Some((address.clone(), sender));
        if is_passing(reply.status) {
            let asked = reply.headers.get(header::RETRY_AFTER);
            let asked = asked.and_then(|it| it.to_str().ok()?.trim().parse().ok());
            let error = TransportError::Status(address.to_string(), reply.status);
            return Ok(Attempt::Later(error, asked.map(Duration::from_secs)));
        }
        Ok(Attempt::Done(reply))
    }

    fn request(
        &self,
        method: &Method,
        address: &Address,
        depth: Option<&'static str>,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, TransportError> {
        let mut request = Request::builder()
            .method(method)
            .uri(address.path())
            .header(header::HOST, address.authority())
            .header(
                header::USER_AGENT,
                concat!("Convoke/", env!("CARGO_PKG_VERSION")),
            );
        if self.origin.is_same_origin(address) {
            request = request.header(header::AUTHORIZATION, self.authorization.clone());
        }
        if let Some(depth) = depth {
            request = request.header("depth", depth);
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/xml; charset=utf-8");
        }
        request
            .body(Full::new(body.clone()))
            .map_err(|error| TransportError::Options(error.to_string()))
    }

    /// The open connection, if it is one to this server and still stands; else a new one.
    async fn connection(&self, address: &Address) -> io::Result<SendRequest<Full<Bytes>>> {
        if let Some((origin, mut sender)) = self.open.lock().await.take()
            && origin.is_same_origin(address)
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let connected = tokio::time::timeout(CONNECT_TIME, self.connect(address)).await;
        connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
    }

    async fn connect(&self, address: &Address) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((address.host(), address.port())).await?;
        stream.set_nodelay(true)?;
        if !address.is_secure() {
            return handshake(TokioIo::new(stream)).await;
        }
        let name = ServerName::try_from(address.host().to_owned()).map_err(io::Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        handshake(TokioIo::new(stream)).await
    }
}

async fn handshake<S>(stream: S) -> io::Result<SendRequest<Full<Bytes>>>
where
    S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
    // It ends with the sender; what goes wrong on the way is told to whoever waits for an answer.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(sender)
}

/// What hyper says, and what is behind it.
fn reason(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Statuses that say "later".
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn connector(certificates: Option<&Path>) -> Result<TlsConnector, TransportError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = certificates {
        let trusted =
            tls::certificates(path).map_err(|error| TransportError::Options(error.to_string()))?;
        for certificate in trusted {
            roots
                .add(certificate)
                .map_err(|error| TransportError::Options(format!("{}: {error}", path.display())))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Options(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::super::scripted::{Scripted, says, scripted, transport};
    use super::*;

    async fn ask(server: &Scripted) -> Result<(Address, Reply), TransportError> {
        let body = Bytes::from_static(b"<x/>");
        transport(&server.address)
            .send(&Method::GET, &server.address, Some("1"), body)
            .await
    }

    #[tokio::test]
    async fn what_fails_for_a_moment_is_tried_again() {
        let server = scripted(vec![
            says("503 Service Unavailable", "Retry-After: 0\r\n", ""),
            String::new(),
            says("200 OK", "", "there"),
        ])
        .await;
        let (_, reply) = ask(&server).await.unwrap();
        assert_eq!(reply.body, "there");
        let heads = server.heads.lock().unwrap();
        assert_eq!(heads.len(), 3);
        for head in heads.iter() {
            assert!(
                head.contains("authorization: basic ywxpy2u6c2vjcmv0") && head.contains("depth: 1")
            );
        }
    }

    #[tokio::test]
    async fn patience_ends() {
        let server = scripted(vec![says("503 Service Unavailable", "", ""); 9]).await;
        let error = ask(&server).await.unwrap_err();
        assert!(matches!(
            error,
            TransportError::Status(_, StatusCode::SERVICE_UNAVAILABLE)
        ));
        assert_eq!(server.heads.lock().unwrap().len(), 3);
        let nobody = Address::parse("http://127.0.0.1:1/").unwrap();
        let error = transport(&nobody)
            .send(&Method::GET, &nobody, None, Bytes::new())
            .await;
        let said = error.unwrap_err().to_string();
        assert!(
            said.contains("cannot be reached") && !said.contains("secret"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn what_is_refused_is_not_tried_again() {
        let server = scripted(vec![says("401 Unauthorized", "", "")]).await;
        assert!(matches!(
            ask(&server).await.unwrap_err(),
            TransportError::NotSignedIn(_)
        ));
        let server = scripted(vec![says("404 Not Found", "", "")]).await;
        assert!(matches!(
            ask(&server).await.unwrap_err(),
            TransportError::Status(_, StatusCode::NOT_FOUND)
        ));
    }

    #[tokio::test]
    async fn redirections_are_followed_and_the_password_stays() {
        let other = scripted(vec![says("200 OK", "", "other")]).await;
        let location = format!("Location: {}x\r\n", other.address);
        let server = scripted(vec![
            says("301 Moved Permanently", "Location: /here\r\n", ""),
            says("307 Temporary Redirect", &location, ""),
        ])
        .await;
        let (at, reply) = ask(&server).await.unwrap();
        assert_eq!(reply.body, "other");
        assert_eq!(at.path(), "/x");
        let heads = server.heads.lock().unwrap();
        assert!(heads.len() == 2 && heads.iter().all(|head| head.contains("authorization")));
        let heads = other.heads.lock().unwrap();
        assert!(
            heads.len() == 1 && !heads[0].contains("authorization"),
            "{heads:?}"
        );
    }

    #[tokio::test]
    async fn redirections_end() {
        let circle = vec![says("302 Found", "Location: /\r\n", ""); 20];
        let server = scripted(circle).await;
        assert!(matches!(
            ask(&server).await.unwrap_err(),
            TransportError::Redirections(_)
        ));
        assert_eq!(server.heads.lock().unwrap().len(), MAXIMUM_REDIRECTIONS + 1);
    }

    /// RFC 2818 §3.1: no secret goes to a server whose certificate nobody vouches for.
    #[tokio::test]
    async fn certificates_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let files = tls::TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let acceptor = tls::acceptor(&files).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = vec![0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream
                    .write_all(says("200 OK", "", "safe").as_bytes())
                    .await;
                let _ = stream.shutdown().await;
            }
        });
        let address = Address::parse(&format!("https://localhost:{port}/")).unwrap();
        let mut options = TransportOptions {
            patience: Patience {
                attempts: 1,
                first_pause: Duration::ZERO,
            },
            ..TransportOptions::default()
        };
        let ask = async |options: &TransportOptions<'_>| {
            let transport = Transport::new(&address, options).unwrap();
            transport
                .send(&Method::GET, &address, None, Bytes::new())
                .await
        };
        let unknown = ask(&options).await.unwrap_err().to_string();
        assert!(unknown.contains("invalid peer certificate"), "{unknown}");
        options.certificates = Some(&files.certificate);
        assert_eq!(ask(&options).await.unwrap().1.body, "safe");
    }

    #[test]
    fn a_password_does_not_travel_in_the_open() {
        let origin = Address::parse("http://example.com/").unwrap();
        let mut options = TransportOptions::default();
        assert!(matches!(
            Transport::new(&origin, &options),
            Err(TransportError::Plain(_))
        ));
        options.plain_http = true;
        assert!(Transport::new(&origin, &options).is_ok());
    }
}
