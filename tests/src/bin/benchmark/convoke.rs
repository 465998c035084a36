//! Convoke under load: PUT of new events and GET, signed in, on 1 and 16 connections.

use std::{path::Path, rc::Rc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    ceiling,
    child::Child,
    load::{self, Measured},
};

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Convoke {
    pub idle_resident_mib: f64,
    pub put_1: Compared,
    pub put_16: Compared,
    pub get_1: Compared,
    pub get_16: Compared,
    pub objects_in_the_full_account: usize,
    pub put_1_full: Compared,
    pub put_16_full: Compared,
    pub resident_mib_at_the_end: f64,
}

/// Slices of one kind of request, each right after a slice of the machine's ceiling: machines are noisy,
/// and only what is measured side by side can be compared.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Median of the slices.
    pub per_second: f64,
    /// Median of the slices' ratios to the ceiling before them: the bare server with as many
    /// connections, or, for PUT on one connection, synced appends.
    pub ratio_to_ceiling: f64,
    /// Of all slices, the median one.
    pub server_cpu_microseconds_per_request: f64,
    pub ceilings_per_second: Vec<f64>,
    pub slices: Vec<Measured>,
}

/// What a kind of request is held against.
enum Ceiling<'a> {
    Bare(&'a Child),
    Appends(&'a Path),
}

/// How long slices are, and how many.
#[derive(Clone, Copy)]
pub struct Slices {
    pub count: u32,
    pub of_convoke: Duration,
    pub of_ceiling: Duration,
}

async fn compare<R>(
    server: &Child,
    ceiling: Ceiling<'_>,
    slices: Slices,
    connections: usize,
    status: u16,
    mut request: impl FnMut(u32) -> R,
) -> Compared
where
    R: Fn(usize, u64) -> Vec<u8> + Clone + 'static,
{
    let mut measured = Vec::new();
    let mut ceilings = Vec::new();
    for slice in 0..slices.count {
        ceilings.push(match &ceiling {
            Ceiling::Bare(bare) => {
                ceiling::bare(bare, connections, slices.of_ceiling)
                    .await
                    .per_second
            }
            Ceiling::Appends(folder) => ceiling::appends(folder, slices.of_ceiling),
        });
        measured.push(
            load::run(
                server,
                connections,
                slices.of_convoke,
                status,
                request(slice),
            )
            .await,
        );
    }
    let ratios = measured
        .iter()
        .zip(&ceilings)
        .map(|(slice, ceiling)| slice.per_second / ceiling);
    Compared {
        per_second: median(measured.iter().map(|slice| slice.per_second)),
        ratio_to_ceiling: median(ratios),
        server_cpu_microseconds_per_request: median(
            measured
                .iter()
                .map(|slice| slice.server_cpu_microseconds_per_request),
        ),
        ceilings_per_second: ceilings,
        slices: measured,
    }
}

/// The middle one of some values.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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

pub fn authorization(user: &str) -> String {
    STANDARD.encode(format!("{user}:{user}"))
}

pub fn put(
    user: &'static str,
    run: &'static str,
    slice: u32,
) -> impl Fn(usize, u64) -> Vec<u8> + Clone + 'static {
    let authorization = authorization(user);
    move |connection, number| {
        let name = format!("{run}-{slice}-{connection}-{number}");
        let body = event(&name);
        format!(
            "PUT /dav/calendars/users/{user}/calendar/{name}.ics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {authorization}\r\nContent-Type: text/calendar; charset=utf-8\r\nIf-None-Match: *\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

/// Requests for many of the objects, made ahead: what the load costs is not the server's.
pub fn get(
    user: &'static str,
    run: &'static str,
    slice: u32,
    objects: u64,
) -> impl Fn(usize, u64) -> Vec<u8> + Clone + 'static {
    const REQUESTS: u64 = 4096;
    let authorization = authorization(user);
    let requests: Rc<[Vec<u8>]> = (0..REQUESTS)
        .map(|number| {
            let number = (number * 7919) % objects;
            format!(
                "GET /dav/calendars/users/{user}/calendar/{run}-{slice}-0-{number}.ics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {authorization}\r\n\r\n"
            )
            .into_bytes()
        })
        .collect();
    move |connection, number| requests[((number + connection as u64) % REQUESTS) as usize].clone()
}

/// Runs all of it on a fresh store.
pub async fn measure(folder: &Path, bare: &Child, slices: Slices, preload: usize) -> Convoke {
    let data = folder.join("convoke-data");
    let server = Child::start(&["child-convoke", data.to_str().expect("a UTF-8 path")]);
    // The first sign-in hashes a password; what is idle afterwards is what counts.
    load::run_number(&server, 1, 1, 201, put("alice", "first", 0)).await;
    let idle_resident_mib = server.usage().resident_mib;

    let puts = |user, run| move |slice| put(user, run, slice);
    let appends = || Ceiling::Appends(folder);
    let put_1 = compare(&server, appends(), slices, 1, 201, puts("alice", "one")).await;
    let put_16 = compare(
        &server,
        Ceiling::Bare(bare),
        slices,
        16,
        201,
        puts("alice", "sixteen"),
    )
    .await;
    let objects = put_1.slices[0].requests;
    let gets = |_| get("alice", "one", 0, objects);
    let get_1 = compare(&server, Ceiling::Bare(bare), slices, 1, 200, gets).await;
    let get_16 = compare(&server, Ceiling::Bare(bare), slices, 16, 200, gets).await;

    let per_connection = preload.div_ceil(16) as u64;
    load::run_number(&server, 16, per_connection, 201, put("bob", "preload", 0)).await;
    let put_1_full = compare(&server, appends(), slices, 1, 201, puts("bob", "one")).await;
    let put_16_full = compare(
        &server,
        Ceiling::Bare(bare),
        slices,
        16,
        201,
        puts("bob", "sixteen"),
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
