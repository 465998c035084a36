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
mod schedule_tags;
mod scheduling_log;
mod scheduling_refusals;
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

/// Where the only object of a collection stands.
pub async fn only_object(client: &Client, collection: &str) -> String {
    let listed = client.propfind(collection, "1", "<D:getetag/>").await;
    let listed = listed.multistatus();
    let mut objects = listed
        .hrefs()
        .into_iter()
        .filter(|href| !href.ends_with('/'));
    let (first, second) = (objects.next(), objects.next());
    assert_eq!(second, None, "{collection}");
    first.expect("there is one").to_owned()
}

/// The unfolded texts of what is in a collection.
pub async fn texts(client: &Client, collection: &str) -> Vec<String> {
    let listed = client.propfind(collection, "1", "<D:getetag/>").await;
    let mut texts = Vec::new();
    for href in listed.multistatus().hrefs() {
        if !href.ends_with('/') {
            texts.push(client.get(href).await.text().replace("\r\n ", ""));
        }
    }
    texts
}
