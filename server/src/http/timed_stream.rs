//! A connection that ends when nothing moves on it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::phase::Phase;

/// How long a connection may be still.
#[derive(Clone, Copy, Debug)]
pub struct StillnessBounds {
    /// Until its first octet.
    pub first_octet: Duration,
    /// From the first octet of a request's header to its last, however much moves in between.
    pub header: Duration,
    /// Between any two movements otherwise, in either direction; so also the rest between two requests.
    pub idle: Duration,
}

/// Wraps a stream; reading or writing fails with `TimedOut` once the stream was still for too long, or
/// a request's header took too long.
pub struct TimedStream<S> {
    inner: S,
    bounds: StillnessBounds,
    phase: Phase,
    /// When the present stillness is too long. The timer is armed lazily: moving it with every octet
    /// would cost more than the octets.
    still_until: Instant,
    /// When the header is too slow, in that phase.
    header_until: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<S> TimedStream<S> {
    /// Starts the time for the first octet.
    pub fn new(inner: S, bounds: StillnessBounds, phase: Phase) -> TimedStream<S> {
        let deadline = Instant::now() + bounds.first_octet;
        TimedStream {
            inner,
            bounds,
            phase,
            still_until: deadline,
            header_until: deadline,
            timer: Box::pin(sleep_until(deadline)),
        }
    }

    fn moved(&mut self) {
        self.still_until = Instant::now() + self.bounds.idle;
    }

    fn read(&mut self) {
        if self.phase.is_resting() {
            self.phase.begin_header();
            self.header_until = Instant::now() + self.bounds.header;
        }
    }

    fn deadline(&self) -> Instant {
        match self.phase.is_header() {
            true => self.header_until,
            false => self.still_until,
        }
    }

    /// Ready when the stream was still for too long; else the task is woken when that may be.
    fn poll_still(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let deadline = self.deadline();
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the connection was still for too long",
                ));
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn or_still<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Pending => self.poll_still(context).map(Err),
            ready => {
                self.moved();
                ready
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.inner).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.read();
        }
        self.or_still(context, outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, octets);
        self.or_still(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, octets);
        self.or_still(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What is flushed was written before, so the end of a flush is no movement.
        match Pin::new(&mut self.inner).poll_flush(context) {
            Poll::Pending => self.poll_still(context).map(Err),
            ready => ready,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const BOUNDS: StillnessBounds = StillnessBounds {
        first_octet: Duration::from_secs(10),
        header: Duration::from_secs(20),
        idle: Duration::from_secs(60),
    };

    fn timed<S>(inner: S) -> TimedStream<S> {
        TimedStream::new(inner, BOUNDS, Phase::default())
    }

    // Time is paused in these tests: it moves to the next timer when all tasks wait, without waiting.

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_ends_after_the_time_for_its_first_octet() {
        let (_far, near) = duplex(64);
        let started = Instant::now();
        let mut stream = timed(near);
        let error = stream.read_u8().await.expect_err("silence");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn movement_starts_the_time_again() {
        let (mut far, near) = duplex(64);
        let phase = Phase::default();
        let mut stream = TimedStream::new(near, BOUNDS, phase.clone());
        let _in_request = phase.begin_request(http::Version::HTTP_11);
        for _ in 0..5 {
            far.write_u8(1).await.expect("room");
            stream.read_u8().await.expect("an octet");
            tokio::time::advance(Duration::from_secs(50)).await;
        }
        let started = Instant::now();
        let error = stream.read_u8().await.expect_err("silence");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(
            started.elapsed().as_secs(),
            10,
            "60 s after the last octet, of which 50 had passed"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn movement_does_not_prolong_a_header() {
        let (mut far, near) = duplex(64);
        let phase = Phase::default();
        let mut stream = TimedStream::new(near, BOUNDS, phase.clone());
        drop(phase.begin_request(http::Version::HTTP_11));
        let started = Instant::now();
        let dribble = tokio::spawn(async move {
            while far.write_u8(1).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        let mut octets = Vec::new();
        let error = stream.read_to_end(&mut octets).await.expect_err("slow");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!((started.elapsed().as_secs(), octets.len()), (20, 7));
        dribble.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_is_not_waited_for() {
        let (_far, near) = duplex(4);
        let mut stream = timed(near);
        let error = stream.write_all(&[0; 64]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
