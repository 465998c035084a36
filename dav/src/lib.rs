//! WebDAV and CalDAV over HTTP, as a `tower::Service`.

pub mod header;
