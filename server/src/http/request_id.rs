//! Gives each request a name that its log lines and its response carry.

use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};

use http::{HeaderName, HeaderValue};
use storage::Environment;

/// The header that tells the client.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// The request that the running task works on.
    static CURRENT: RequestId;
}

/// The name of a request: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    fn digits(self) -> [u8; 16] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        std::array::from_fn(|place| {
            let shift = u64::BITS - 4 - 4 * place as u32;
            DIGITS[(self.0 >> shift) as usize & 0xf]
        })
    }

    /// The request that is worked on here, if any is.
    pub fn current() -> Option<RequestId> {
        CURRENT.try_with(|id| *id).ok()
    }

    /// Makes this the current request while `work` is done.
    pub fn named<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// As the value of the header field `X-Request-Id`.
    pub fn header_value(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.digits()).expect("hexadecimal digits")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(str::from_utf8(&self.digits()).expect("hexadecimal digits"))
    }
}

#[cfg(test)]
impl RequestId {
    /// The name of this number.
    pub fn of_tests(number: u64) -> RequestId {
        RequestId(number)
    }
}

/// Numbers the requests of one process, beginning at random so that two runs do not repeat each other.
pub struct RequestIds(AtomicU64);

impl RequestIds {
    /// Numbers from a random beginning.
    pub fn new(environment: &Environment) -> RequestIds {
        RequestIds(AtomicU64::new(environment.random_u64()))
    }

    /// The name of another request.
    pub fn fresh(&self) -> RequestId {
        RequestId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_number_in_hexadecimal_digits() {
        for (number, expected) in [
            (0, "0000000000000000"),
            (0x0123_4567_89ab_cdef, "0123456789abcdef"),
            (u64::MAX, "ffffffffffffffff"),
        ] {
            let id = RequestId::of_tests(number);
            assert_eq!(id.to_string(), expected);
            assert_eq!(id.header_value(), expected);
        }
    }
}
