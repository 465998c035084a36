//! What scheduling costs beside what it is made of: a PUT that invites people beside a plain one, many organizers
//! at once, busy times of many people, and replies into meetings of different sizes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    child::Child,
    convoke::{self, authorization, median},
    load::{self, Connection},
    queries::{data::Calendar, request_of},
    size::start,
};

/// How often the two of a ratio are measured in turn.
const RUNS: u32 = 5;
/// PUTs of each kind in one run.
const PUTS: u64 = 60;
/// Attendees of a meeting of the first two rows.
const ATTENDEES: usize = 10;
/// Organizers at once.
const ORGANIZERS: usize = 16;
/// Meetings of each organizer in one run.
const MEETINGS: u64 = 20;
/// People whose busy times are asked for, with so many objects each, and how often.
const BUSY_PEOPLE: usize = 50;
const BUSY_CALENDAR: Calendar = Calendar { objects: 1_000 };
const QUESTIONS: usize = 30;
/// Attendees of the two meetings that are replied to, and replies to each.
const SMALL: usize = 2;
const LARGE: usize = 200;
const REPLIES: usize = 40;
/// Between two replies, for what goes on behind the answers.
const STILL: Duration = Duration::from_millis(200);
/// The largest meeting there can be.
const HUGE: usize = 1_000;
/// How long its deliveries may take before they count as lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Scheduling {
    /// Microseconds of a PUT without attendees, and of one with ten, all copies in place; on one connection.
    pub put: Compared,
    /// Objects a second that 16 connections put plainly, and copies a second that 16 organizers make by inviting.
    pub organizers: Compared,
    /// Milliseconds of a question for four weeks of 50 people with 1,000 objects each: the median, and the first.
    pub free_busy: f64,
    pub free_busy_first: f64,
    /// Microseconds of a reply into a meeting of 2, and into one of 200.
    pub reply: Compared,
    /// Milliseconds until a PUT with 1,000 attendees is answered, and until all of them have the copy.
    pub huge_answered: f64,
    pub huge_delivered: f64,
    pub resident_mib: f64,
}

/// Medians of runs that alternate, and of their ratios.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    pub plain: f64,
    pub scheduled: f64,
    pub ratio: f64,
    pub ratios: Vec<f64>,
}

impl Compared {
    fn of(runs: &[(f64, f64)]) -> Compared {
        let ratios: Vec<f64> = runs.iter().map(|(plain, with)| with / plain).collect();
        Compared {
            plain: median(runs.iter().map(|run| run.0)),
            scheduled: median(runs.iter().map(|run| run.1)),
            ratio: median(ratios.iter().copied()),
            ratios,
        }
    }
}

impl Scheduling {
    /// For people.
    pub fn table(&self) -> String {
        let row = |name: &str, it: &Compared, reach: &str| {
            format!(
                "| {name} | {:.0} | {:.0} | {:.2} | {reach} |\n",
                it.plain, it.scheduled, it.ratio
            )
        };
        format!(
            "| work | plain | scheduled | ratio | to reach |\n|---|---|---|---|---|\n{}{}{}| free-busy of {BUSY_PEOPLE} people, ms | | {:.1} (first {:.0}) | | 40 |\n| meeting of {HUGE}, ms | | answered {:.0}, delivered {:.0} | | 1,000 |\nresident: {:.0} MiB",
            row("PUT with ten attendees, us", &self.put, "at most 3"),
            row(
                "copies of 16 organizers, 1/s",
                &self.organizers,
                "at least 1"
            ),
            row("reply into 200 beside 2, us", &self.reply, "at most 3"),
            self.free_busy,
            self.free_busy_first,
            self.huge_answered,
            self.huge_delivered,
            self.resident_mib,
        )
    }
}

/// Runs all of it on a fresh store.
pub async fn measure(folder: &Path) -> Scheduling {
    let data = folder.join("convoke-scheduling");
    make_people(&data).await;
    let server = start(&data).0;
    let put = puts(&server).await;
    let organizers = organizers(&server).await;
    let reply = replies(&server).await;
    let (huge_answered, huge_delivered) = huge(&server).await;
    let (free_busy_first, free_busy) = free_busy(&server).await;
    let resident_mib = server.usage().resident_mib;
    server.stop();
    Scheduling {
        put,
        organizers,
        free_busy,
        free_busy_first,
        reply,
        huge_answered,
        huge_delivered,
        resident_mib,
    }
}

/// Attendees are `guest-N`, organizers `organizer-N`.
async fn make_people(data: &Path) {
    let server = tests::server::TestServer::start_on(data).await;
    for number in 0..HUGE {
        let name = format!("guest-{number}");
        server.add_person(&name, &name).await;
    }
    for number in 0..ORGANIZERS {
        let name = format!("organizer-{number}");
        server.add_person(&name, &name).await;
    }
    server.stop().await;
}

/// A meeting that `organizer` makes, of these guests.
fn meeting(uid: &str, organizer: &str, guests: impl Iterator<Item = usize>) -> String {
    let people: String = guests
        .map(|guest| {
            format!("ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:guest-{guest}@example.com\r\n")
        })
        .collect();
    convoke::event(uid).replace(
        "SUMMARY:",
        &format!("ORGANIZER:mailto:{organizer}@example.com\r\n{people}SUMMARY:"),
    )
}

fn put(user: &str, name: &str, body: &str) -> Vec<u8> {
    format!(
        "PUT {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\nContent-Type: text/calendar; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        calendar(user, name),
        authorization(user),
        body.len()
    )
    .into_bytes()
}

fn calendar(user: &str, name: &str) -> String {
    format!("/dav/calendars/users/{user}/calendar/{name}")
}

async fn puts(server: &Child) -> Compared {
    let mut runs = Vec::new();
    for run in 0..RUNS {
        let plain = move |_, number: u64| {
            let uid = format!("plain-{run}-{number}");
            put("alice", &format!("{uid}.ics"), &convoke::event(&uid))
        };
        let with = move |_, number: u64| {
            let uid = format!("meeting-{run}-{number}");
            let body = meeting(&uid, "alice", 0..ATTENDEES);
            put("alice", &format!("{uid}.ics"), &body)
        };
        let plain = load::run_number(server, 1, PUTS, 201, plain).await;
        let with = load::run_number(server, 1, PUTS, 201, with).await;
        for guest in [0, ATTENDEES - 1] {
            assert!(
                copy_of(server, guest, &format!("meeting-{run}-{}", PUTS - 1))
                    .await
                    .is_some()
            );
        }
        runs.push((
            plain.median_microseconds as f64,
            with.median_microseconds as f64,
        ));
    }
    Compared::of(&runs)
}

async fn organizers(server: &Child) -> Compared {
    let copies = ATTENDEES as u64 + 1;
    let user = |connection: usize| format!("organizer-{connection}");
    let mut runs = Vec::new();
    for run in 0..RUNS {
        let plain = move |connection: usize, number: u64| {
            let uid = format!("p-{run}-{connection}-{number}");
            put(
                &user(connection),
                &format!("{uid}.ics"),
                &convoke::event(&uid),
            )
        };
        let with = move |connection: usize, number: u64| {
            let uid = format!("m-{run}-{connection}-{number}");
            let guests = connection * ATTENDEES..(connection + 1) * ATTENDEES;
            let body = meeting(&uid, &user(connection), guests);
            put(&user(connection), &format!("{uid}.ics"), &body)
        };
        let plain = load::run_number(server, ORGANIZERS, MEETINGS * copies, 201, plain).await;
        let with = load::run_number(server, ORGANIZERS, MEETINGS, 201, with).await;
        runs.push((plain.per_second, with.per_second * copies as f64));
    }
    Compared::of(&runs)
}

async fn free_busy(server: &Child) -> (f64, f64) {
    let fill = move |person: usize, number: u64| {
        let (user, text) = (format!("guest-{person}"), BUSY_CALENDAR.text(number));
        put(&user, &format!("busy-{number}.ics"), &text)
    };
    load::run_number(server, BUSY_PEOPLE, BUSY_CALENDAR.objects, 201, fill).await;
    let monday = BUSY_CALENDAR.monday();
    let end = monday + jiff::Span::new().weeks(4);
    let attendees: String = (0..BUSY_PEOPLE)
        .map(|guest| format!("ATTENDEE:mailto:guest-{guest}@example.com\r\n"))
        .collect();
    let body = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Benchmark//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:busy\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:{}T000000Z\r\nDTEND:{}T000000Z\r\nORGANIZER:mailto:alice@example.com\r\n{attendees}END:VFREEBUSY\r\nEND:VCALENDAR\r\n",
        monday.strftime("%Y%m%d"),
        end.strftime("%Y%m%d"),
    );
    let outbox = "/dav/calendars/users/alice/outbox/";
    let request = request_of("alice", "POST", outbox, "0", &body);
    let request = String::from_utf8(request).expect("text");
    let request = request.replace("application/xml", "text/calendar");
    let mut connection = Connection::open(server).await;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let first = milliseconds(connection.time(request.as_bytes(), 200).await);
    let answer = connection.ask(request.as_bytes(), 200).await;
    assert_eq!(answer.matches("2.0;Success").count(), BUSY_PEOPLE);
    assert!(answer.matches("FREEBUSY").count() > BUSY_PEOPLE, "{answer}");
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        times.push(milliseconds(connection.time(request.as_bytes(), 200).await));
    }
    (first, median(times.into_iter()))
}

async fn replies(server: &Child) -> Compared {
    let mut connection = Connection::open(server).await;
    let mut copies = Vec::new();
    for (uid, attendees) in [("small", SMALL), ("large", LARGE)] {
        let body = meeting(uid, "alice", 0..attendees);
        connection
            .ask(&put("alice", &format!("{uid}.ics"), &body), 201)
            .await;
        delivered(server, attendees - 1, uid).await;
        copies.push(delivered(server, 0, uid).await);
    }
    let mut runs = Vec::new();
    for reply in 0..REPLIES {
        let answer = ["ACCEPTED", "TENTATIVE", "DECLINED"][reply % 3];
        let mut times = [0.0; 2];
        for (path, time) in copies.iter().zip(&mut times) {
            tokio::time::sleep(STILL).await;
            let get = request_of("guest-0", "GET", path, "0", "");
            let copy = connection.ask(&get, 200).await;
            let request = put(
                "guest-0",
                path.rsplit('/').next().expect("a name"),
                &answered(&copy, answer),
            );
            *time = connection.time(&request, 204).await.as_secs_f64() * 1e6;
        }
        runs.push((times[0], times[1]));
    }
    Compared::of(&runs)
}

/// The copy with another answer of the first guest.
fn answered(copy: &str, answer: &str) -> String {
    let unfolded = copy.replace("\r\n ", "");
    let lines = unfolded.split("\r\n").map(|line| {
        if line.starts_with("ATTENDEE") && line.ends_with(":mailto:guest-0@example.com") {
            format!("ATTENDEE;PARTSTAT={answer}:mailto:guest-0@example.com")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

/// The time until the answer, and until everybody has the copy.
async fn huge(server: &Child) -> (f64, f64) {
    let mut connection = Connection::open(server).await;
    let request = put("alice", "huge.ics", &meeting("huge", "alice", 0..HUGE));
    let began = Instant::now();
    connection.ask(&request, 201).await;
    let answered = began.elapsed().as_secs_f64() * 1_000.0;
    let get = request_of("alice", "GET", &calendar("alice", "huge.ics"), "0", "");
    loop {
        let stored = connection.ask(&get, 200).await.replace("\r\n ", "");
        let done = stored.matches("SCHEDULE-STATUS=1.2").count();
        if done == HUGE {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{done} of {HUGE}");
        tokio::time::sleep(STILL / 10).await;
    }
    let delivered = began.elapsed().as_secs_f64() * 1_000.0;
    for guest in [0, HUGE / 2, HUGE - 1] {
        assert!(copy_of(server, guest, "huge").await.is_some(), "{guest}");
    }
    (answered, delivered)
}

/// Where a guest's copy stands, as soon as it does.
async fn delivered(server: &Child, guest: usize, uid: &str) -> String {
    let began = Instant::now();
    loop {
        if let Some(path) = copy_of(server, guest, uid).await {
            return path;
        }
        assert!(began.elapsed() < PATIENCE, "{uid} of {guest}");
        tokio::time::sleep(STILL).await;
    }
}

/// Where a guest's copy stands, if there is one.
async fn copy_of(server: &Child, guest: usize, uid: &str) -> Option<String> {
    let body = format!(
        "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:prop-filter name=\"UID\"><C:text-match collation=\"i;octet\">{uid}</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    );
    let user = format!("guest-{guest}");
    let request = request_of(&user, "REPORT", &calendar(&user, ""), "1", &body);
    let answer = Connection::open(server).await.ask(&request, 207).await;
    let (_, rest) = answer.split_once("<D:response>")?;
    let (_, rest) = rest.split_once("<D:href>")?;
    Some(rest.split('<').next()?.to_owned())
}
