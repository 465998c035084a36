//! Convoke under load: PUT of new events and GET, signed in, on 1 and 16 connections.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    child::Child,
    load::{self, Measured},
};

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Convoke {
    pub idle_resident_mib: f64,
    pub put_1: Measured,
    pub put_16: Measured,
    pub get_1: Measured,
    pub get_16: Measured,
    pub objects_in_the_full_account: usize,
    pub put_1_full: Measured,
    pub put_16_full: Measured,
    pub resident_mib_at_the_end: f64,
}

/// An event of 700 octets.
pub fn event(uid: &str) -> String {
    let head = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Benchmark//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20261102T090000Z\r\nDTEND:20261102T100000Z\r\nSUMMARY:Planning of the coming week\r\nLOCATION:Second floor\\, room 12\r\n"
    );
    let tail = "END:VEVENT\r\nEND:VCALENDAR\r\n";
    let mut text = head;
    while text.len() + tail.len() + 75 < 700 {
        text.push_str("X-NOTE:every week the same people meet and talk about the same things\r\n");
    }
    let missing = 700usize.saturating_sub(text.len() + tail.len() + "X-FILL:\r\n".len());
    text.push_str(&format!("X-FILL:{}\r\n", "x".repeat(missing)));
    text + tail
}

fn authorization(user: &str) -> String {
    STANDARD.encode(format!("{user}:{user}"))
}

fn put(
    user: &'static str,
    calendar: &'static str,
    run: &'static str,
) -> impl Fn(usize, u64) -> Vec<u8> + Clone + 'static {
    let authorization = authorization(user);
    move |connection, number| {
        let name = format!("{run}-{connection}-{number}");
        let body = event(&name);
        format!(
            "PUT /dav/calendars/users/{user}/{calendar}/{name}.ics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {authorization}\r\nContent-Type: text/calendar; charset=utf-8\r\nIf-None-Match: *\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

fn get(
    user: &'static str,
    calendar: &'static str,
    run: &'static str,
    objects: u64,
) -> impl Fn(usize, u64) -> Vec<u8> + Clone + 'static {
    let authorization = authorization(user);
    move |connection, number| {
        let number = (number * 7919 + connection as u64) % objects;
        format!(
            "GET /dav/calendars/users/{user}/{calendar}/{run}-0-{number}.ics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {authorization}\r\n\r\n"
        )
        .into_bytes()
    }
}

/// Runs all of it on a fresh store.
pub async fn measure(folder: &Path, sustained: Duration, preload: usize) -> Convoke {
    let data = folder.join("convoke-data");
    let server = Child::start(&["child-convoke", data.to_str().expect("a UTF-8 path")]);
    // The first sign-in hashes a password; what is idle afterwards is what counts.
    load::run_number(&server, 1, 1, 201, put("alice", "calendar", "first")).await;
    let idle_resident_mib = server.usage().resident_mib;

    let put_1 = load::run(&server, 1, sustained, 201, put("alice", "calendar", "one")).await;
    let put_16 = load::run(
        &server,
        16,
        sustained,
        201,
        put("alice", "calendar", "sixteen"),
    )
    .await;
    let objects = put_1.requests;
    let get_1 = load::run(
        &server,
        1,
        sustained,
        200,
        get("alice", "calendar", "one", objects),
    )
    .await;
    let get_16 = load::run(
        &server,
        16,
        sustained,
        200,
        get("alice", "calendar", "one", objects),
    )
    .await;

    let per_connection = preload.div_ceil(16) as u64;
    load::run_number(
        &server,
        16,
        per_connection,
        201,
        put("bob", "calendar", "preload"),
    )
    .await;
    let put_1_full = load::run(&server, 1, sustained, 201, put("bob", "calendar", "one")).await;
    let put_16_full = load::run(
        &server,
        16,
        sustained,
        201,
        put("bob", "calendar", "sixteen"),
    )
    .await;
    let resident_mib_at_the_end = server.usage().resident_mib;
    server.stop();
    Convoke {
        idle_resident_mib,
        put_1,
        put_16,
        get_1,
        get_16,
        objects_in_the_full_account: preload,
        put_1_full,
        put_16_full,
        resident_mib_at_the_end,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_event_has_700_octets() {
        assert_eq!(super::event("sixteen-3-12345").len(), 700);
    }
}
