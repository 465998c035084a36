//! What clients ask of calendars of different sizes, one request after another on one connection.
//!
//! The answers are compared with what [`data`] knows of the objects before anything is measured.

pub mod data;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};
use serde::Serialize;

use self::data::{Calendar, file_name};
use crate::{
    ceiling,
    child::Child,
    convoke::{authorization, median},
    load::{self, Connection},
    size::{Disk, start},
};

const SIZES: [u64; 3] = [1_000, 10_000, 50_000];
/// How often each request is repeated.
const REPETITIONS: usize = 30;
/// How long GET is measured, alone and beside a large report.
const BESIDE: Duration = Duration::from_secs(5);
/// The ceiling that the figures were made for: requests a second of the bare server.
const REFERENCE: f64 = 18_000.0;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Queries {
    pub bare_server_per_second: f64,
    pub calendars: Vec<Answers>,
    /// After a stop.
    pub start: Start,
    /// The same where nothing is kept of what was worked out of the calendars.
    pub start_anew: Start,
    pub disk_mib: f64,
    pub octets_of_objects_mib: f64,
    pub resident_mib: f64,
    pub resident_mib_at_the_start: f64,
    pub get_alone: load::Measured,
    /// While another client asks for all data of the calendar of 50,000, again and again.
    pub get_beside_a_report: load::Measured,
    pub report_of_everything_seconds: f64,
}

/// Seconds since the start of the process.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    pub listening: f64,
    /// A GET with its sign-in.
    pub first_answer: f64,
    /// A week of the calendar of 50,000.
    pub first_query: f64,
}

/// Milliseconds for each request, medians.
#[derive(Clone, Debug, Serialize)]
pub struct Answers {
    pub objects: u64,
    pub hits: usize,
    pub week: f64,
    pub week_expanded: f64,
    pub week_octets: usize,
    pub free_busy: f64,
    pub propfind: f64,
    pub first_sync: f64,
    pub sync_of_ten: f64,
    pub multiget_of_50: f64,
}

/// A row of the table: what it is called, what is to be reached, in milliseconds on the reference, and what
/// was measured.
type Row = (&'static str, f64, fn(&Answers) -> f64);

const ROWS: [Row; 7] = [
    ("one week, with data", 6.0, |it| it.week),
    ("the same with expand", 9.0, |it| it.week_expanded),
    ("free-busy, four weeks", 5.0, |it| it.free_busy),
    ("PROPFIND depth 1", 20.0, |it| it.propfind),
    ("first sync", 20.0, |it| it.first_sync),
    ("sync, ten changes", 0.5, |it| it.sync_of_ten),
    ("multiget of 50", 1_000.0 / 1_200.0, |it| it.multiget_of_50),
];

impl Queries {
    /// For people. What is to be reached is scaled by this machine's ceiling.
    pub fn table(&self) -> String {
        let scale = REFERENCE / self.bare_server_per_second;
        let mut text = format!(
            "bare server, 1 connection: {:.0}/s (what is to be reached is scaled by {scale:.2})\n\n| work, ms |",
            self.bare_server_per_second
        );
        for answers in &self.calendars {
            text += &format!(" {} objects |", answers.objects);
        }
        text += " to reach with 10,000 |\n|---|---|---|---|---|\n";
        for (name, target, value) in ROWS {
            text += &format!("| {name} |");
            for answers in &self.calendars {
                text += &format!(" {:.2} |", value(answers));
            }
            text += &format!(" {:.2} |\n", target * scale);
        }
        text += "| hits of the week |";
        for answers in &self.calendars {
            text += &format!(" {} |", answers.hits);
        }
        text + &format!(
            " |\n\nstart: {}; where nothing is kept of the calendars' views: {}; resident {:.0} MiB, {:.0} MiB at the end; disk {:.0} MiB for {:.0} MiB of objects\nGET alone: median {} us, p99 {} us; beside a report of 50,000 ({:.2} s each): median {} us, p99 {} us, slowest {} us",
            self.start,
            self.start_anew,
            self.resident_mib_at_the_start,
            self.resident_mib,
            self.disk_mib,
            self.octets_of_objects_mib,
            self.get_alone.median_microseconds,
            self.get_alone.percentile_99_microseconds,
            self.report_of_everything_seconds,
            self.get_beside_a_report.median_microseconds,
            self.get_beside_a_report.percentile_99_microseconds,
            self.get_beside_a_report.slowest_microseconds,
        )
    }
}

/// Runs all of it on a fresh store.
pub async fn measure(folder: &Path, bare: &Child) -> Queries {
    let data = folder.join("convoke-queries");
    let server = start(&data).0;
    let octets = fill(&server).await;
    server.stop();

    let large = Calendar { objects: SIZES[2] };
    let (server, mut connection, started) = start_and_ask(&data, large).await;
    let resident_mib_at_the_start = server.usage().resident_mib;

    let mut ceilings = Vec::new();
    let mut calendars = Vec::new();
    for objects in SIZES {
        ceilings.push(
            ceiling::bare(bare, 1, Duration::from_secs(2))
                .await
                .per_second,
        );
        calendars.push(answers(&mut connection, Calendar { objects }).await);
    }
    let gets = move |_, number: u64| get(large, number % large.objects);
    let get_alone = load::run(&server, 1, BESIDE, 200, gets).await;
    let (get_beside_a_report, report_of_everything_seconds) = beside(&server, large).await;
    let resident_mib = server.usage().resident_mib;
    server.stop();
    std::fs::remove_dir_all(data.join("views")).expect("views are kept");
    let (server, _, started_anew) = start_and_ask(&data, large).await;
    server.stop();
    Queries {
        bare_server_per_second: median(ceilings.into_iter()),
        calendars,
        start: started,
        start_anew: started_anew,
        disk_mib: Disk::of(&data).whole_mib,
        octets_of_objects_mib: octets as f64 / 1024.0 / 1024.0,
        resident_mib,
        resident_mib_at_the_start,
        get_alone,
        get_beside_a_report,
        report_of_everything_seconds,
    }
}

impl std::fmt::Display for Start {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "listening after {:.2} s, first answer {:.2} s, first query {:.2} s",
            self.listening, self.first_answer, self.first_query
        )
    }
}

/// Starts a server on what is there, and asks it at once.
async fn start_and_ask(data: &Path, calendar: Calendar) -> (Child, Connection, Start) {
    let began = std::time::Instant::now();
    let (server, listening) = start(data);
    let mut connection = Connection::open(&server).await;
    connection.ask(&get(calendar, 1), 200).await;
    let first_answer = began.elapsed().as_secs_f64();
    connection.ask(&week(calendar, false), 207).await;
    let first_query = began.elapsed().as_secs_f64();
    let started = Start {
        listening,
        first_answer,
        first_query,
    };
    (server, connection, started)
}

/// Makes the calendars, and gives the octets of all objects.
async fn fill(server: &Child) -> usize {
    const CONNECTIONS: u64 = 16;
    let mut octets = 0;
    for objects in SIZES {
        let calendar = Calendar { objects };
        Connection::open(server)
            .await
            .ask(&request("MKCALENDAR", &path(calendar, ""), "0", ""), 201)
            .await;
        octets += (0..objects)
            .map(|number| calendar.text(number).len())
            .sum::<usize>();
        let put = move |connection: usize, number: u64| {
            let number = (number * CONNECTIONS + connection as u64) % objects;
            put(calendar, number, &calendar.text(number))
        };
        // Some are written twice where the number of connections divides none.
        let each = objects.div_ceil(CONNECTIONS);
        load::run_number(server, CONNECTIONS as usize, each, 0, put).await;
    }
    octets
}

async fn answers(connection: &mut Connection, calendar: Calendar) -> Answers {
    let hits = check_week(connection, calendar).await;
    check_free_busy(connection, calendar).await;
    let sync_token = check_listings(connection, calendar).await;
    let week_octets = connection.ask(&week(calendar, false), 207).await.len();
    let mut sync_of_ten = Vec::new();
    let mut token = sync_token;
    for round in 0..REPETITIONS as u64 {
        for number in 0..10 {
            let number = (round * 10 + number) % calendar.objects;
            // A property that is not looked at: the hits stay as they are.
            let text = calendar
                .text(number)
                .replace("END:VEVENT", &format!("X-ROUND:{round}\r\nEND:VEVENT"));
            connection.ask(&put(calendar, number, &text), 204).await;
        }
        let asked = sync(calendar, &token);
        sync_of_ten.push(connection.time(&asked, 207).await.as_secs_f64() * 1_000.0);
        let answer = connection.ask(&asked, 207).await;
        assert_eq!(answer.matches("<D:response>").count(), 10);
        token = token_of(&answer);
    }
    Answers {
        objects: calendar.objects,
        hits,
        week_octets,
        week: repeat(connection, &week(calendar, false), 207).await,
        week_expanded: repeat(connection, &week(calendar, true), 207).await,
        free_busy: repeat(connection, &free_busy(calendar), 200).await,
        propfind: repeat(connection, &propfind(calendar), 207).await,
        first_sync: repeat(connection, &sync(calendar, ""), 207).await,
        sync_of_ten: median(sync_of_ten.into_iter()),
        multiget_of_50: repeat(connection, &multiget(calendar), 207).await,
    }
}

async fn repeat(connection: &mut Connection, request: &[u8], status: u16) -> f64 {
    let mut times = Vec::new();
    for _ in 0..REPETITIONS {
        times.push(connection.time(request, status).await.as_secs_f64() * 1_000.0);
    }
    median(times.into_iter())
}

/// GET on one connection while another asks for everything; and the seconds that takes.
async fn beside(server: &Child, calendar: Calendar) -> (load::Measured, f64) {
    let everything = query(
        calendar,
        "<D:getetag/><C:calendar-data/>",
        "<C:comp-filter name=\"VEVENT\"/>",
    );
    let mut connection = Connection::open(server).await;
    let ended = Arc::new(AtomicBool::new(false));
    let reports = tokio::spawn({
        let ended = Arc::clone(&ended);
        async move {
            let mut times = Vec::new();
            while times.is_empty() || !ended.load(Ordering::Relaxed) {
                times.push(connection.time(&everything, 207).await.as_secs_f64());
            }
            median(times.into_iter())
        }
    });
    let gets = move |_, number: u64| get(calendar, number % calendar.objects);
    let measured = load::run(server, 1, BESIDE, 200, gets).await;
    ended.store(true, Ordering::Relaxed);
    (measured, reports.await.expect("the reports do not fail"))
}

// The requests.

fn path(calendar: Calendar, name: &str) -> String {
    format!("/dav/calendars/users/alice/{}/{name}", calendar.name())
}

fn request(method: &str, path: &str, depth: &str, body: &str) -> Vec<u8> {
    request_of("alice", method, path, depth, body)
}

/// A request of somebody whose name is the password, too.
pub fn request_of(user: &str, method: &str, path: &str, depth: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\nDepth: {depth}\r\nContent-Type: application/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        authorization(user),
        body.len()
    )
    .into_bytes()
}

fn put(calendar: Calendar, number: u64, body: &str) -> Vec<u8> {
    format!(
        "PUT {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\nContent-Type: text/calendar; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        path(calendar, &file_name(number)),
        authorization("alice"),
        body.len()
    )
    .into_bytes()
}

fn get(calendar: Calendar, number: u64) -> Vec<u8> {
    request("GET", &path(calendar, &file_name(number)), "0", "")
}

const NAMESPACES: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

fn query_body(properties: &str, filter: &str) -> String {
    format!(
        "<C:calendar-query {NAMESPACES}><D:prop>{properties}</D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter></C:calendar-query>"
    )
}

fn query(calendar: Calendar, properties: &str, filter: &str) -> Vec<u8> {
    let body = query_body(properties, filter);
    request("REPORT", &path(calendar, ""), "1", &body)
}

fn window(calendar: Calendar, weeks: i64) -> (Timestamp, Timestamp) {
    let instant = |day: civil::Date| {
        let midnight = day.to_zoned(TimeZone::UTC);
        midnight.expect("a day that there is").timestamp()
    };
    let monday = calendar.monday();
    (instant(monday), instant(monday + (7 * weeks).days()))
}

fn utc(moment: Timestamp) -> String {
    moment.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn span(calendar: Calendar, weeks: i64) -> String {
    let (start, end) = window(calendar, weeks);
    format!("start=\"{}\" end=\"{}\"", utc(start), utc(end))
}

fn week(calendar: Calendar, expanded: bool) -> Vec<u8> {
    let body = week_body(calendar, expanded);
    request("REPORT", &path(calendar, ""), "1", &body)
}

/// The query of one week with its data, as one asks it of a calendar with these objects.
pub fn week_body(calendar: Calendar, expanded: bool) -> String {
    let span = span(calendar, 1);
    let data = match expanded {
        true => format!("<C:calendar-data><C:expand {span}/></C:calendar-data>"),
        false => "<C:calendar-data/>".to_owned(),
    };
    let filter = format!("<C:comp-filter name=\"VEVENT\"><C:time-range {span}/></C:comp-filter>");
    query_body(&format!("<D:getetag/>{data}"), &filter)
}

fn free_busy(calendar: Calendar) -> Vec<u8> {
    let body = format!(
        "<C:free-busy-query {NAMESPACES}><C:time-range {}/></C:free-busy-query>",
        span(calendar, 4)
    );
    request("REPORT", &path(calendar, ""), "1", &body)
}

fn propfind(calendar: Calendar) -> Vec<u8> {
    let body = format!("<D:propfind {NAMESPACES}><D:prop><D:getetag/></D:prop></D:propfind>");
    request("PROPFIND", &path(calendar, ""), "1", &body)
}

fn sync(calendar: Calendar, token: &str) -> Vec<u8> {
    let body = format!(
        "<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
    );
    request("REPORT", &path(calendar, ""), "0", &body)
}

fn multiget(calendar: Calendar) -> Vec<u8> {
    let hrefs: String = (0..50)
        .map(|number| {
            let number = number * calendar.objects / 50;
            format!("<D:href>{}</D:href>", path(calendar, &file_name(number)))
        })
        .collect();
    let body = format!(
        "<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>"
    );
    request("REPORT", &path(calendar, ""), "0", &body)
}

// The checks.

/// The instances in each response, by the name of the object.
fn instances_of(answer: &str) -> BTreeMap<String, usize> {
    let responses = answer.split("<D:response>").skip(1);
    responses
        .map(|response| {
            let href = response.split("</D:href>").next().expect("an href");
            let name = href.rsplit('/').next().expect("a name").to_owned();
            (name, response.matches("BEGIN:VEVENT").count())
        })
        .collect()
}

async fn check_week(connection: &mut Connection, calendar: Calendar) -> usize {
    let (start, end) = window(calendar, 1);
    let hits = calendar.hits(start, end);
    let expected: BTreeMap<String, usize> = hits
        .iter()
        .map(|(number, instances)| (file_name(*number), instances.len()))
        .collect();
    let expanded = connection.ask(&week(calendar, true), 207).await;
    assert_eq!(instances_of(&expanded), expected, "expanded");
    let whole = connection.ask(&week(calendar, false), 207).await;
    let found: Vec<String> = instances_of(&whole).into_keys().collect();
    assert_eq!(found, expected.into_keys().collect::<Vec<_>>());
    for (number, _) in hits {
        let text = calendar.text(number);
        let text = text.replace('&', "&amp;").replace('\r', "&#13;");
        assert!(whole.contains(&text), "the data of {number}");
    }
    found.len()
}

async fn check_free_busy(connection: &mut Connection, calendar: Calendar) {
    let (start, end) = window(calendar, 4);
    let mut periods: Vec<(Timestamp, Timestamp)> = calendar
        .hits(start, end)
        .into_iter()
        .flat_map(|(_, instances)| instances)
        .map(|(from, until)| (from.max(start), until.min(end)))
        .collect();
    periods.sort();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in periods {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    let expected: Vec<String> = merged
        .into_iter()
        .map(|(from, until)| format!("{}/{}", utc(from), utc(until)))
        .collect();
    let answer = connection.ask(&free_busy(calendar), 200).await;
    let unfolded = answer.replace("\r\n ", "");
    let found = unfolded
        .lines()
        .find_map(|line| line.strip_prefix("FREEBUSY;FBTYPE=BUSY:"));
    assert_eq!(found.unwrap_or_default(), expected.join(","));
}

/// Looks whether listings are complete, and gives the token of the first synchronisation.
async fn check_listings(connection: &mut Connection, calendar: Calendar) -> String {
    let expected = calendar.objects as usize;
    let listed = connection.ask(&propfind(calendar), 207).await;
    assert_eq!(listed.matches("<D:response>").count(), expected + 1);
    let synced = connection.ask(&sync(calendar, ""), 207).await;
    assert_eq!(synced.matches("<D:getetag>").count(), expected);
    let fetched = connection.ask(&multiget(calendar), 207).await;
    assert_eq!(fetched.matches("BEGIN:VCALENDAR").count(), 50);
    token_of(&synced)
}

fn token_of(answer: &str) -> String {
    let (_, rest) = answer.split_once("<D:sync-token>").expect("a token");
    rest.split('<').next().expect("a token").to_owned()
}
