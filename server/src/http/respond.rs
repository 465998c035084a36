//! The answers that the HTTP stack gives by itself, all made here.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::{Response, ResponseBody};
use crate::authentication::REALM;

/// Why the stack answers instead of handing the request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 401 with the challenge (RFC 7617 §2), the same for every method and path.
    SignInNeeded,
    /// 403: a password must not travel in the clear.
    PlaintextRefused,
    /// 408: the body stalled.
    BodyStalled,
    /// 413: the body is larger than anything the server takes.
    BodyTooLarge,
    /// 429: too many failed sign-ins.
    Wait {
        /// For Retry-After.
        seconds: u64,
    },
    /// 500: a defect.
    Defect,
    /// 503: more work than the server can take now.
    Busy,
    /// 503: no answer within the time a request may take.
    TimedOut,
    /// 503: the same of a COPY or MOVE, which happened as a whole or not at all (RFC 4918 has no answer
    /// for one that goes on without its client).
    TransferTimedOut,
}

/// What Retry-After says on a 503, in seconds.
const BUSY_RETRY_SECONDS: u64 = 5;

impl Answer {
    /// The response.
    pub fn into_response(self) -> Response {
        let (status, text) = self.status_and_text();
        let mut response = Response::new(body(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self == Answer::SignInNeeded {
            headers.insert(header::WWW_AUTHENTICATE, challenge());
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn status_and_text(self) -> (StatusCode, &'static str) {
        match self {
            Answer::SignInNeeded => (
                StatusCode::UNAUTHORIZED,
                "Sign in with name and password.\n",
            ),
            Answer::PlaintextRefused => (
                StatusCode::FORBIDDEN,
                "Passwords are not taken over an unencrypted connection. Use https, or name the proxy that ends \
                 TLS in trusted_proxies.\n",
            ),
            Answer::BodyStalled => (
                StatusCode::REQUEST_TIMEOUT,
                "The request's body did not arrive in time.\n",
            ),
            Answer::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request's body is too large.\n",
            ),
            Answer::Wait { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many failed sign-ins. Wait before the next one.\n",
            ),
            Answer::Defect => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "A defect of the server; its log tells more.\n",
            ),
            Answer::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server has too much to do. Try again.\n",
            ),
            Answer::TimedOut => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The answer took too long. Try again.\n",
            ),
            Answer::TransferTimedOut => (
                StatusCode::SERVICE_UNAVAILABLE,
                "It took longer than a request may and was given up. What was to be copied or moved is there as \
                 a whole, or not at all.\n",
            ),
        }
    }

    fn retry_after_seconds(self) -> Option<u64> {
        match self {
            Answer::Wait { seconds } => Some(seconds),
            Answer::Busy | Answer::TimedOut | Answer::TransferTimedOut => Some(BUSY_RETRY_SECONDS),
            _ => None,
        }
    }
}

fn challenge() -> HeaderValue {
    HeaderValue::try_from(format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""))
        .expect("the realm is ASCII")
}

fn body(text: &'static str) -> ResponseBody {
    Bytes::from_static(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_its_status_and_headers() {
        let cases = [
            (Answer::SignInNeeded, 401, None),
            (Answer::PlaintextRefused, 403, None),
            (Answer::BodyStalled, 408, None),
            (Answer::BodyTooLarge, 413, None),
            (Answer::Wait { seconds: 17 }, 429, Some("17")),
            (Answer::Defect, 500, None),
            (Answer::Busy, 503, Some("5")),
            (Answer::TimedOut, 503, Some("5")),
            (Answer::TransferTimedOut, 503, Some("5")),
        ];
        for (answer, status, retry_after) in cases {
            let response = answer.into_response();
            assert_eq!(response.status().as_u16(), status, "{answer:?}");
            let found = response
                .headers()
                .get(header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok());
            assert_eq!(found, retry_after, "{answer:?}");
            let challenge = response
                .headers()
                .get(header::WWW_AUTHENTICATE)
                .and_then(|value| value.to_str().ok());
            let expected = (status == 401).then_some("Basic realm=\"Convoke\", charset=\"UTF-8\"");
            assert_eq!(challenge, expected, "{answer:?}");
        }
    }
}
