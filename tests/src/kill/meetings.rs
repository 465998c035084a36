//! The loop on deliveries: what an organizer stores concerns more people than one commit reaches, and the server is
//! killed while it tells them, again and again. In the end each of them has the meeting once, as it is, and heard of
//! each change once, and the organizer's object says so of everybody (RFC 6638 §3.2.9).

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use storage::testing::SeededEntropy;

use super::{moment::pause, process::Process, server::guest};
use crate::client::Client;

/// Where the organizer's object stands.
const MEETING: &str = "/dav/calendars/users/alice/calendar/meeting.ics";
/// How long deliveries may take, once nobody kills the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait before it is looked again how far they came.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// What is stored of the meeting, one after the other, and the method by which everybody hears of it.
pub const CHANGES: [(&str, &str); 3] = [
    ("SUMMARY:Plan\r\nDTSTART:20301102T090000Z", "REQUEST"),
    ("SUMMARY:Later plan\r\nDTSTART:20301103T090000Z", "REQUEST"),
    (
        "SUMMARY:Later plan\r\nDTSTART:20301103T090000Z\r\nSTATUS:CANCELLED",
        "CANCEL",
    ),
];

/// A run of the loop.
pub struct MeetingRounds {
    /// The program that plays the server when it is started with the arguments `server FOLDER GUESTS`.
    pub program: PathBuf,
    /// How many people are invited.
    pub guests: usize,
    /// How many of [`CHANGES`] are stored.
    pub changes: usize,
    /// How many kills for each of them.
    pub kills: usize,
    /// To repeat a run's choices.
    pub seed: u64,
}

/// What a run met.
#[derive(Debug, Default)]
pub struct MeetingReport {
    /// How many kills.
    pub kills: usize,
    /// How many of them left somebody to be told by the next server.
    pub while_delivering: usize,
    /// How many requests were not answered.
    pub unanswered: usize,
    /// How many copies and messages were looked at in the end.
    pub looked_at: usize,
}

impl fmt::Display for MeetingReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} kills, {} of them while a meeting was delivered, {} before it was answered for; of {} copies and \
             messages none was lost, and none came twice",
            self.kills, self.while_delivering, self.unanswered, self.looked_at
        )
    }
}

impl MeetingRounds {
    /// Plays all changes in a folder of its own; `progress` hears of each kill.
    ///
    /// # Errors
    /// Says in words what was lost or came twice, and after which change; nobody is invited, or nothing is killed.
    pub async fn play(&self, progress: impl FnMut(usize)) -> Result<MeetingReport, String> {
        if self.guests == 0 || self.changes == 0 || self.kills == 0 {
            return Err("there is nobody to be told, or nothing to kill".to_owned());
        }
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let store = folder.path().join("store");
        let mut game = Game {
            program: &self.program,
            arguments: vec![
                "server".into(),
                store.into(),
                self.guests.to_string().into(),
            ],
            guests: self.guests,
            changes: &CHANGES[..self.changes],
            random: SeededEntropy::new(self.seed),
            progress,
            report: MeetingReport::default(),
        };
        for change in 0..self.changes {
            let played = game.play(change, self.kills).await;
            played.map_err(|wrong| format!("change {change} of seed {}: {wrong}", self.seed))?;
        }
        let looked = game.look().await;
        looked.map_err(|wrong| format!("seed {}: {wrong}", self.seed))?;
        Ok(game.report)
    }
}

/// A run that is being played.
struct Game<'a, P> {
    program: &'a Path,
    arguments: Vec<OsString>,
    guests: usize,
    changes: &'static [(&'static str, &'static str)],
    random: SeededEntropy,
    progress: P,
    report: MeetingReport,
}

impl<P: FnMut(usize)> Game<'_, P> {
    /// Stores a change, kills the server so often while that is delivered, and has another one finish it.
    async fn play(&mut self, change: usize, kills: usize) -> Result<(), String> {
        let mut is_answered = false;
        for kill in 0..=kills {
            let (process, url) = self.start()?;
            let alice = Client::signed_in(&url, "alice", "alice");
            let pending = match self.pending(&alice, change).await? {
                None if is_answered => return Err("what was answered for is not there".to_owned()),
                None if kill == 0 => {
                    is_answered = self.put_and_kill(alice, change, process).await?;
                    continue;
                }
                None => {
                    put(&alice, change, self.guests).await?;
                    self.guests
                }
                Some(0) => 0,
                Some(pending) => {
                    self.report.while_delivering += 1;
                    pending
                }
            };
            is_answered = true;
            if kill == kills {
                self.until_pending(&alice, change, 0).await?;
                return process.end();
            }
            let left = self.random.next() as usize % pending.max(1);
            self.until_pending(&alice, change, left).await?;
            pause(Duration::from_micros(self.random.next() % 3_000));
            self.kill(process)?;
        }
        Ok(())
    }

    fn start(&self) -> Result<(Process, String), String> {
        let process = Process::start(self.program, &self.arguments)
            .map_err(|error| format!("the server cannot be started: {error}"))?;
        let url = process.line()?.ok_or("the server does not start")?;
        Ok((process, url))
    }

    fn kill(&mut self, process: Process) -> Result<(), String> {
        process.kill()?;
        self.report.kills += 1;
        (self.progress)(self.report.kills);
        Ok(())
    }

    /// Kills the server while it is at the change; whether it answered before.
    async fn put_and_kill(
        &mut self,
        alice: Client,
        change: usize,
        process: Process,
    ) -> Result<bool, String> {
        let guests = self.guests;
        let putting = tokio::spawn(async move { put(&alice, change, guests).await.is_ok() });
        let briefly = Duration::from_millis(self.random.next() % 200);
        tokio::time::sleep(briefly).await;
        self.kill(process)?;
        let is_answered = putting.await.map_err(|error| error.to_string())?;
        self.report.unanswered += usize::from(!is_answered);
        Ok(is_answered)
    }

    /// How many have yet to be told of a change; `None` where that is not stored.
    async fn pending(&self, alice: &Client, change: usize) -> Result<Option<usize>, String> {
        let reply = alice.request("GET", MEETING).try_send().await?;
        let text = match reply.status.as_u16() {
            200 => reply.text().replace("\r\n ", ""),
            404 => return Ok(None),
            status => return Err(format!("a GET was answered with {status}")),
        };
        if !CHANGES[change].0.lines().all(|line| text.contains(line)) {
            return Ok(None);
        }
        let having = |status: &str| {
            let status = format!(";SCHEDULE-STATUS={status}");
            let guests = text.lines().filter(|line| line.contains(":mailto:guest"));
            guests.filter(|line| line.contains(&status)).count()
        };
        let (pending, told) = (having("1.0"), having("1.2"));
        match pending + told == self.guests {
            true => Ok(Some(pending)),
            false => Err(format!("a wrong status: {text}")),
        }
    }

    async fn until_pending(
        &self,
        alice: &Client,
        change: usize,
        left: usize,
    ) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let pending = self.pending(alice, change).await?;
            if pending.ok_or("it was there a moment ago")? <= left {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(format!(
            "more than {left} have still to be told after {PATIENCE:?}"
        ))
    }

    /// Whether everybody has the meeting once, as it is in the end, and heard of each change once.
    async fn look(&mut self) -> Result<(), String> {
        let (process, url) = self.start()?;
        let admin = Client::signed_in(&url, "admin", "admin");
        let changes = self.changes;
        let (last, _) = changes[changes.len() - 1];
        for number in 0..self.guests {
            let home = format!("/dav/calendars/users/{}", guest(number));
            let copies = texts(&admin, &format!("{home}/calendar/")).await?;
            let is_right = |copy: &String| last.lines().all(|line| copy.contains(line));
            if copies.len() != 1 || !copies.iter().all(is_right) {
                return Err(format!("{home}: copies {copies:#?}"));
            }
            let messages = texts(&admin, &format!("{home}/inbox/")).await?;
            let times = |change| messages.iter().filter(|it| is_of(change, it)).count();
            let heard: Vec<usize> = changes.iter().map(|change| times(*change)).collect();
            if messages.len() != changes.len() || heard.iter().any(|times| *times != 1) {
                return Err(format!(
                    "{home}: of each change they heard {heard:?} times: {messages:#?}"
                ));
            }
            self.report.looked_at += copies.len() + messages.len();
        }
        process.end()
    }
}

/// Whether a message tells of a change. A cancellation needs not say what it calls off.
fn is_of((lines, method): (&str, &str), message: &str) -> bool {
    let has = |line: &str| message.lines().any(|other| other == line);
    has(&format!("METHOD:{method}")) && (method == "CANCEL" || lines.lines().all(has))
}

async fn put(alice: &Client, change: usize, guests: usize) -> Result<(), String> {
    let reply = alice
        .request("PUT", MEETING)
        .header("Content-Type", "text/calendar; charset=utf-8")
        .body(meeting(change, guests))
        .try_send()
        .await?;
    match reply.status.as_u16() {
        201 | 204 => Ok(()),
        status => Err(format!(
            "the change was answered with {status}: {}",
            reply.text()
        )),
    }
}

fn meeting(change: usize, guests: usize) -> String {
    let attendees: String = (0..guests)
        .map(|number| format!("ATTENDEE:mailto:{}@example.com\r\n", guest(number)))
        .collect();
    let (lines, _) = CHANGES[change];
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Kill//EN\r\nBEGIN:VEVENT\r\nUID:meeting\r\n\
         DTSTAMP:20261101T080000Z\r\nDURATION:PT1H\r\nSEQUENCE:{change}\r\n{lines}\r\n\
         ORGANIZER:mailto:alice@example.com\r\n{attendees}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// All objects in a collection.
async fn texts(client: &Client, collection: &str) -> Result<Vec<String>, String> {
    let body = r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"#;
    let report = client.request("REPORT", collection).header("Depth", "1");
    let reply = report.xml(body.to_owned()).try_send().await?;
    if reply.status != 207 {
        return Err(format!("{collection}: {} {}", reply.status, reply.text()));
    }
    let members = reply.multistatus().responses.into_iter();
    let texts = members.map(|it| it.text("{urn:ietf:params:xml:ns:caldav}calendar-data"));
    Ok(texts.map(|text| text.replace("\r\n", "\n")).collect())
}
