//! Where log lines go: standard error, for people or machines.
//!
//! A line that is written while a request is worked on names it. Spans would do that too, but they cost
//! each request some 15,000 instructions, whether it has anything to log or not.

use std::{fmt, io::IsTerminal, panic};

use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{configuration::LogFormat, http::RequestId};

/// Starts logging for this process. A second call changes nothing.
pub fn start(filter: &str, format: LogFormat) {
    // a journal or a file wants no colours
    let colours = std::io::stderr().is_terminal();
    // Somebody who embeds the server may have their own.
    let _already_started = lines(filter, format, colours, std::io::stderr).try_init();
    panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, backtrace = %std::backtrace::Backtrace::capture(), "a defect of the server");
    }));
}

/// Lines of a form that go to `writer`, as far as `filter` lets them (`info` where it cannot be read).
pub fn lines<W>(filter: &str, format: LogFormat, colours: bool, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Text => builder
            .map_event_format(|inner| NamesRequest {
                inner: inner.with_ansi(colours),
                name: name_in_text,
            })
            .finish()
            .into(),
        LogFormat::Json => builder
            .json()
            .map_event_format(|inner| NamesRequest {
                inner,
                name: name_in_json,
            })
            .finish()
            .into(),
    }
}

/// Lines of another format, with the request that they are about.
struct NamesRequest<F> {
    inner: F,
    name: fn(&mut String, RequestId),
}

impl<S, N, F> FormatEvent<S, N> for NamesRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        if let Some(id) = RequestId::current() {
            (self.name)(&mut line, id);
        }
        writer.write_str(&line)
    }
}

/// As the last field.
fn name_in_text(line: &mut String, id: RequestId) {
    let end = line.trim_end().len();
    line.insert_str(end, &format!(" request={id}"));
}

/// As the first member of the object, which has others.
fn name_in_json(line: &mut String, id: RequestId) {
    if line.starts_with('{') {
        line.insert_str(1, &format!("\"request\":\"{id}\","));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines of what is logged inside and outside of a request.
    async fn logged(format: LogFormat) -> Vec<String> {
        let sink = Sink::default();
        let writer = {
            let sink = sink.clone();
            move || sink.clone()
        };
        let lines = lines("info", format, false, writer);
        let _logging = tracing::dispatcher::set_default(&lines);
        let request = async { tracing::warn!(status = 500, "inside") };
        RequestId::of_tests(0xab).named(request).await;
        tracing::warn!("outside");
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn lines_of_a_request_name_it_as_text() {
        let lines = logged(LogFormat::Text).await;
        assert_eq!(lines.len(), 2);
        let inside = "WARN server::logging::tests: inside status=500 request=00000000000000ab";
        assert!(lines[0].ends_with(inside), "{}", lines[0]);
        let outside = "WARN server::logging::tests: outside";
        assert!(lines[1].ends_with(outside), "{}", lines[1]);
    }

    #[tokio::test]
    async fn lines_of_a_request_name_it_as_json() {
        let lines = logged(LogFormat::Json).await;
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert_eq!(lines.len(), 2);
        let inside = read(&lines[0]);
        assert_eq!(inside["request"], "00000000000000ab");
        assert_eq!(inside["fields"]["message"], "inside");
        assert!(read(&lines[1]).get("request").is_none());
    }
}
