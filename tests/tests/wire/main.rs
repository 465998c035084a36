//! What goes over the wire, by the RFC sections and client behaviours that ask for it. Each test has a
//! server of its own, on memory, with alice, bob and carol.
#![allow(clippy::unwrap_used)]

mod add_member;
mod attachments;
mod availability;
mod bulk_changes;
mod busy_time;
mod collections;
mod conditions;
mod delegates;
mod discovery;
mod dry_run;
mod examples;
mod faults;
mod formats;
mod groups;
mod identity;
mod inbox_rights;
mod invitation;
mod limits;
mod locks;
mod objects;
mod prefer;
mod principals;
mod properties;
mod queries;
mod quota;
mod races;
mod reports;
mod restart;
mod restore;
mod rights;
mod rooms;
mod scheduling_log;
mod sign_in;
mod sync;
mod time_zones;

use tests::client::Client;

/// The default calendar of a person.
pub fn calendar(name: &str) -> String {
    format!("/dav/calendars/users/{name}/calendar/")
}

/// A single event with these lines added.
pub fn event(uid: &str, lines: &str) -> String {
    object(&format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T080000Z\nDTSTART:20261102T090000Z\nDTEND:20261102T100000Z\nSUMMARY:Meeting\n{lines}END:VEVENT\n"
    ))
}

/// A calendar object of these components.
pub fn object(components: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//Test//EN\n{components}END:VCALENDAR\n"
    )
    .replace('\n', "\r\n")
}

/// Puts an event that must be new, and returns its ETag.
pub async fn put_new(client: &Client, path: &str, text: &str) -> String {
    let reply = client.put(path, text).await;
    reply.expect(&[201]);
    reply.header("ETag").to_owned()
}
