//! Keeps request targets whole: one with a fragment is refused, not cut short.
//!
//! A fragment has no place in a request (RFC 9112 §3.2), and the type in which hyper hands targets over
//! drops it silently: `DELETE /calendar/#one` would delete the calendar. So the `#` of a request line is
//! replaced by a character that no target may have, and hyper answers 400.
//!
//! Only request lines are touched. One begins where the connection begins, and behind each write that is
//! no interim response; what else follows such a write is the rest of a body that nobody reads any more,
//! or a pipelined request, which is left as it is. HTTP/2 has no request lines.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How a connection of HTTP/2 begins, as far as no method of HTTP/1 does.
const HTTP_2: &[u8] = b"PRI ";
/// How an interim response begins, behind which the body of the same request follows.
const INTERIM: &[u8] = b"HTTP/1.1 1";
/// Not allowed in any target.
const NO_TARGET: u8 = b'<';

/// What the next octets read are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first octets of the connection, so many of which are those of HTTP/2.
    Beginning(usize),
    /// A request line, of which there was something already or not.
    Line { begun: bool },
    /// The rest of a request.
    Rest,
    /// HTTP/2.
    Frames,
}

/// Wraps a stream on which requests come in.
pub struct WholeTarget<S> {
    inner: S,
    state: State,
}

impl<S> WholeTarget<S> {
    /// At the beginning of a connection.
    pub fn new(inner: S) -> WholeTarget<S> {
        WholeTarget {
            inner,
            state: State::Beginning(0),
        }
    }
}

impl State {
    fn read(&mut self, mut octets: &mut [u8]) {
        while let Some(first) = octets.first() {
            let seen = match *self {
                State::Rest | State::Frames => return,
                State::Beginning(seen) if *first == HTTP_2[seen] => {
                    *self = match seen + 1 == HTTP_2.len() {
                        true => State::Frames,
                        false => State::Beginning(seen + 1),
                    };
                    1
                }
                State::Beginning(seen) => {
                    *self = State::Line { begun: seen > 0 };
                    0
                }
                // Empty lines before a request line are allowed (RFC 9112 §2.2).
                State::Line { begun: false } if matches!(first, b'\r' | b'\n') => 1,
                State::Line { .. } => self.read_line(octets),
            };
            octets = &mut octets[seen..];
        }
    }

    /// Reads on to the next fragment, or to the end of the line; says how many octets that were.
    fn read_line(&mut self, octets: &mut [u8]) -> usize {
        *self = State::Line { begun: true };
        let Some(place) = memchr::memchr2(b'#', b'\n', octets) else {
            return octets.len();
        };
        match octets[place] {
            b'#' => octets[place] = NO_TARGET,
            _ => *self = State::Rest,
        }
        place + 1
    }

    fn wrote(&mut self, octets: &[u8]) {
        if *self == State::Rest && !octets.is_empty() && !octets.starts_with(INTERIM) {
            *self = State::Line { begun: false };
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WholeTarget<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.state.read(&mut buffer.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WholeTarget<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, octets))?;
        self.state.wrote(octets);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(context, octets))?;
        if let Some(first) = octets.first() {
            self.state.wrote(first);
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What hyper sees of these reads (`<`, then the octets) and writes (`>`, then the octets).
    fn seen(steps: &[&str]) -> String {
        let mut state = State::Beginning(0);
        let mut all = String::new();
        for step in steps {
            let (direction, octets) = step.split_at(1);
            if direction == ">" {
                state.wrote(octets.as_bytes());
                continue;
            }
            let mut octets = octets.as_bytes().to_vec();
            state.read(&mut octets);
            all.push_str(&String::from_utf8(octets).expect("ASCII stays ASCII"));
        }
        all
    }

    /// RFC 9112 §3.2
    #[test]
    fn a_fragment_makes_the_target_impossible() {
        let bad = "DELETE /a/< HTTP/1.1\r\nX: #\r\n\r\n#";
        for steps in [
            vec!["<DELETE /a/# HTTP/1.1\r\nX: #\r\n\r\n#"],
            vec!["<DELE", "<TE /a/", "<# HTTP/1.1\r", "<\nX: #\r\n\r\n", "<#"],
        ] {
            assert_eq!(seen(&steps), bad, "{steps:?}");
        }
        assert_eq!(
            seen(&["<\r\n\r\nGET /# HTTP/1.1\r\n#"]),
            "\r\n\r\nGET /< HTTP/1.1\r\n#"
        );
        assert_eq!(
            seen(&["<PUT /# HTTP/1.1\r\n\r\n"]),
            "PUT /< HTTP/1.1\r\n\r\n"
        );
        assert_eq!(
            seen(&["<PR", "<OPFIND /# HTTP/1.1\r\n"]),
            "PROPFIND /< HTTP/1.1\r\n"
        );
    }

    #[test]
    fn every_request_of_a_connection_is_looked_at() {
        let steps = [
            "<GET / HTTP/1.1\r\n\r\n",
            ">HTTP/1.1 200 OK\r\n",
            "<GET /# HTTP/1.1\r\n\r\n",
        ];
        assert_eq!(
            seen(&steps),
            "GET / HTTP/1.1\r\n\r\nGET /< HTTP/1.1\r\n\r\n"
        );
    }

    #[test]
    fn bodies_are_left_alone() {
        let body = "<GET /# HTTP/1.1\r\n#";
        let interim = [
            "<PUT / HTTP/1.1\r\n\r\n",
            ">HTTP/1.1 100 Continue\r\n\r\n",
            body,
        ];
        assert_eq!(seen(&interim), "PUT / HTTP/1.1\r\n\r\nGET /# HTTP/1.1\r\n#");
        assert_eq!(
            seen(&["<PUT / HTTP/1.1\r\n\r\n", body]),
            "PUT / HTTP/1.1\r\n\r\nGET /# HTTP/1.1\r\n#"
        );
    }

    #[test]
    fn http_2_is_left_alone() {
        let steps = [
            "<PR",
            "<I * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ">frames",
            "<GET /# HTTP/1.1\r\n",
        ];
        assert_eq!(
            seen(&steps),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /# HTTP/1.1\r\n"
        );
    }
}
