//! Where log lines go: standard error, for people or machines.

use std::{io::IsTerminal, panic};

use tracing_subscriber::{EnvFilter, fmt};

use crate::configuration::LogFormat;

/// Starts logging for this process. A second call changes nothing.
pub fn start(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // a journal or a file wants no colours
        .with_ansi(std::io::stderr().is_terminal());
    // Somebody who embeds the server may have their own.
    let _already_started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, backtrace = %std::backtrace::Backtrace::capture(), "a defect of the server");
    }));
}
