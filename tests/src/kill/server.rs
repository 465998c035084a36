//! The loop on a whole server: clients on several connections write and delete events until the server
//! is killed; started again, it has whatever it had answered for, with its ETag, and tells a client
//! that synchronizes exactly what changed.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use storage::{backend::Backend, model::PrincipalKind, sled::Sled, testing::SeededEntropy};
use tokio::sync::watch;

use super::{SystemClock, moment::pause, options, process::Process};
use crate::{
    client::{Client, Reply},
    server::{TestServer, principal},
};

/// Who writes; each has several connections.
const PEOPLE: [&str; 2] = ["alice", "bob"];
/// Between how many names a connection chooses: few, so that events are replaced and deleted too.
const NAMES: u64 = 6;
/// How long a start is taken to last before it was measured.
const STARTING: Duration = Duration::from_millis(200);

/// A run of the loop.
pub struct ServerRounds {
    /// The program that plays the server when it is started with the arguments `server FOLDER`.
    pub program: PathBuf,
    /// How many kills.
    pub rounds: usize,
    /// How many connections write at the same time.
    pub connections: u64,
    /// To repeat a run's choices.
    pub seed: u64,
}

/// What a run met.
#[derive(Debug, Default)]
pub struct ServerReport {
    /// How many kills.
    pub kills: usize,
    /// How many of them before the server was up.
    pub while_starting: usize,
    /// How many changes were answered for.
    pub answers: u64,
    /// How many were on their way at a kill, and were found done afterwards.
    pub done_unanswered: usize,
    /// And how many were found not done.
    pub not_done: usize,
}

impl fmt::Display for ServerReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} kills, {} of them before the server was up; {} changes were answered for, none lost; \
             of those on their way at a kill {} were done and {} were not, none by half",
            self.kills, self.while_starting, self.answers, self.done_unanswered, self.not_done
        )
    }
}

/// The name of one of those who are there to be invited.
pub fn guest(number: usize) -> String {
    format!("guest{number:03}")
}

/// Is the server that is going to be killed: makes the accounts of so many guests, as far as they lack, says its
/// address, and serves until its input is closed.
///
/// # Errors
/// When the store does not open.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub async fn serve(
    folder: &Path,
    guests: usize,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let backend: Arc<dyn Backend> = Arc::new(Sled::open(folder, options(), Arc::new(SystemClock))?);
    let server = TestServer::start_on_backend(backend).await;
    for name in (0..guests).map(guest) {
        if server.store().principal_by_name(&name).await?.is_none() {
            let account = principal(PrincipalKind::User, &name, &name);
            server.store().add_account(account, None).await?;
        }
    }
    let mut output = std::io::stdout();
    output.write_all(format!("{}\n", server.url()).as_bytes())?;
    output.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    server.stop().await;
    Ok(())
}

/// What stands under a name: an ETag and the text. Nothing, where it is absent.
type Content = Option<(String, String)>;

/// What a request that was on its way would have made of a name: its text, or nothing.
type Wanted = Option<String>;

/// What a client knows of a name.
#[derive(Clone, Debug, Default)]
struct Known {
    content: Content,
    on_its_way: Option<Wanted>,
}

/// What a connection knows of its names.
type Names = BTreeMap<String, Known>;

/// What a client that synchronizes knows of a calendar.
#[derive(Default)]
struct Mirror {
    token: String,
    etags: BTreeMap<String, String>,
}

impl ServerRounds {
    /// Plays all rounds in a folder of its own; `progress` hears of each.
    ///
    /// # Errors
    /// Says in words what was lost, and in which round.
    pub async fn play(&self, mut progress: impl FnMut(usize)) -> Result<ServerReport, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let arguments = vec!["server".into(), folder.path().join("store").into()];
        let mut game = Game {
            program: &self.program,
            arguments,
            names: vec![Names::new(); self.connections as usize],
            mirrors: Default::default(),
            starting: STARTING,
            written: 0,
            report: ServerReport::default(),
        };
        let random = SeededEntropy::new(self.seed);
        for round in 0..=self.rounds {
            let is_last = round == self.rounds;
            let played = game.round(&random, is_last).await;
            played.map_err(|wrong| format!("round {round} of seed {}: {wrong}", self.seed))?;
            progress(round.min(self.rounds));
        }
        Ok(game.report)
    }
}

/// A run that is being played.
struct Game<'a> {
    program: &'a Path,
    arguments: Vec<OsString>,
    /// Each connection's.
    names: Vec<Names>,
    mirrors: [Mirror; PEOPLE.len()],
    /// How long the last start took.
    starting: Duration,
    /// How many texts were written, so that each is another.
    written: u64,
    report: ServerReport,
}

impl Game<'_> {
    /// A server is started, looked at, written to, and killed; the last is only looked at.
    async fn round(&mut self, random: &SeededEntropy, is_last: bool) -> Result<(), String> {
        let began = Instant::now();
        let process = Process::start(self.program, &self.arguments)
            .map_err(|error| format!("the server cannot be started: {error}"))?;
        if !is_last && random.next().is_multiple_of(4) {
            let thousandths = (random.next() % 1_000) as u32;
            pause(self.starting * thousandths / 1000);
            let was_up = !process.kill()?.is_empty();
            self.report.kills += 1;
            self.report.while_starting += usize::from(!was_up);
            return Ok(());
        }
        let url = process.line()?.ok_or("the server does not start")?;
        self.starting = began.elapsed();
        self.look(&url).await?;
        if is_last {
            return process.end();
        }
        let answers = random.next() % 200;
        let briefly = Duration::from_micros(random.next() % 3_000);
        self.write(&url, random.next(), answers, || {
            pause(briefly);
            process.kill().map(|_| ())
        })
        .await?;
        self.report.kills += 1;
        Ok(())
    }

    /// Lets all connections write, and calls `kill` after so many answers.
    async fn write(
        &mut self,
        url: &str,
        seed: u64,
        answers: u64,
        kill: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        let (answered, mut count) = watch::channel(0);
        let answered = Arc::new(answered);
        let mut writing = tokio::task::JoinSet::new();
        for (number, names) in self.names.iter_mut().enumerate() {
            let connection = Connection {
                number,
                client: client(url, number),
                random: SeededEntropy::new(seed.wrapping_add(number as u64)),
                names: std::mem::take(names),
                answered: answered.clone(),
                written: self.written,
            };
            writing.spawn(connection.write_until_killed());
        }
        drop(answered);
        // An error says that all connections have ended, which they will say why.
        let _ = count.wait_for(|count| *count >= answers).await;
        let killed = kill();
        while let Some(ended) = writing.join_next().await {
            let (number, names) = ended.map_err(|error| error.to_string())??;
            self.names[number] = names;
        }
        let count = *count.borrow();
        self.report.answers += count;
        self.written += count + 1;
        killed
    }

    /// Whether everything that was answered for is there, and all ways of asking agree.
    async fn look(&mut self, url: &str) -> Result<(), String> {
        for (number, names) in self.names.iter_mut().enumerate() {
            let client = client(url, number);
            for (path, known) in names {
                let found = content(&client.request("GET", path).try_send().await?)?;
                if let Some(wanted) = known.on_its_way.take() {
                    if found == known.content {
                        self.report.not_done += 1;
                    } else if found.as_ref().map(|(_, text)| text) == wanted.as_ref() {
                        self.report.done_unanswered += 1;
                    } else {
                        return Err(format!("{path}: {known:?} or {wanted:?}, found {found:?}"));
                    }
                } else if found != known.content {
                    return Err(format!(
                        "{path}: {known:?} was answered for, found {found:?}"
                    ));
                }
                known.content = found;
            }
        }
        for (number, mirror) in self.mirrors.iter_mut().enumerate() {
            let client = client(url, number);
            let calendar = calendar(number);
            mirror.synchronize(&client, &calendar).await?;
            let listed = list(&client, &calendar).await?;
            let known: BTreeMap<String, String> = self
                .names
                .iter()
                .flatten()
                .filter(|(path, _)| path.starts_with(&calendar))
                .filter_map(|(path, known)| Some((path.clone(), known.content.clone()?.0)))
                .collect();
            if mirror.etags != listed || listed != known {
                return Err(format!(
                    "{calendar}: synchronized {:?}, listed {listed:?}, read {known:?}",
                    mirror.etags
                ));
            }
        }
        Ok(())
    }
}

/// The person of a connection signs in.
fn client(url: &str, connection: usize) -> Client {
    let person = PEOPLE[connection % PEOPLE.len()];
    Client::signed_in(url, person, person)
}

/// The calendar that a connection writes to.
fn calendar(connection: usize) -> String {
    let person = PEOPLE[connection % PEOPLE.len()];
    format!("/dav/calendars/users/{person}/calendar/")
}

/// What a GET found.
fn content(reply: &Reply) -> Result<Content, String> {
    match reply.status.as_u16() {
        200 => Ok(Some((
            reply.header("ETag").to_owned(),
            reply.text().to_owned(),
        ))),
        404 => Ok(None),
        status => Err(format!(
            "a GET was answered with {status}: {}",
            reply.text()
        )),
    }
}

/// One connection.
struct Connection {
    number: usize,
    client: Client,
    random: SeededEntropy,
    names: Names,
    answered: Arc<watch::Sender<u64>>,
    written: u64,
}

impl Connection {
    /// Writes and deletes until no answer comes. Gives the connection's number and what it knows then.
    async fn write_until_killed(mut self) -> Result<(usize, Names), String> {
        for number in 0.. {
            let name = self.random.next() % NAMES;
            let path = format!("{}{}-{name}.ics", calendar(self.number), self.number);
            let known = self.names.entry(path.clone()).or_default();
            let deletes = known.content.is_some() && self.random.next().is_multiple_of(4);
            let wanted = (!deletes).then(|| {
                let uid = format!("{}-{name}", self.number);
                event(&uid, self.written, number)
            });
            known.on_its_way = Some(wanted.clone());
            let request = match &wanted {
                Some(text) => self
                    .client
                    .request("PUT", &path)
                    .header("Content-Type", "text/calendar; charset=utf-8")
                    .body(text.clone()),
                None => self.client.request("DELETE", &path),
            };
            let request = match &known.content {
                Some((etag, _)) => request.header("If-Match", etag),
                None => request.header("If-None-Match", "*"),
            };
            let Ok(reply) = request.try_send().await else {
                break;
            };
            let expected = if known.content.is_some() { 204 } else { 201 };
            if reply.status.as_u16() != expected {
                return Err(format!("{path}: {} {}", reply.status, reply.text()));
            }
            known.content = wanted.map(|text| (reply.header("ETag").to_owned(), text));
            known.on_its_way = None;
            self.answered.send_modify(|count| *count += 1);
        }
        Ok((self.number, self.names))
    }
}

/// An event whose text is another each time.
fn event(uid: &str, run: u64, number: u64) -> String {
    let length = match number % 8 {
        7 => 100_000,
        few => few as usize * 7,
    };
    let lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Example//Kill//EN",
        "BEGIN:VEVENT",
        &format!("UID:{uid}"),
        "DTSTAMP:20261101T080000Z",
        "DTSTART:20261102T090000Z",
        "DTEND:20261102T100000Z",
        &format!("SUMMARY:Event {number} of run {run}"),
        // Now and then so many that they stand in a blob.
        &format!("DESCRIPTION:{}", "x".repeat(length)),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ];
    lines.join("\r\n")
}

/// The members of a calendar and their ETags.
async fn list(client: &Client, calendar: &str) -> Result<BTreeMap<String, String>, String> {
    let reply = client
        .request("PROPFIND", calendar)
        .header("Depth", "1")
        .xml(r#"<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>"#.to_owned())
        .try_send()
        .await?;
    let members = reply.multistatus().responses.into_iter();
    Ok(members
        .filter(|member| member.href != calendar)
        .map(|member| (member.href.clone(), member.text("{DAV:}getetag")))
        .collect())
}

impl Mirror {
    /// Takes over what changed since the last time (RFC 6578 §3.4): a token from before a kill is still
    /// good after it.
    async fn synchronize(&mut self, client: &Client, calendar: &str) -> Result<(), String> {
        let token = &self.token;
        let body = format!(
            r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"#
        );
        let report = client.request("REPORT", calendar).header("Depth", "0");
        let reply = report.xml(body).try_send().await?;
        if reply.status != 207 {
            return Err(format!("{token:?} was refused: {}", reply.text()));
        }
        let changes = reply.multistatus();
        for change in changes.responses {
            if change.status == Some(404) {
                self.etags.remove(&change.href);
            } else {
                let etag = change.text("{DAV:}getetag");
                self.etags.insert(change.href, etag);
            }
        }
        self.token = changes.sync_token.ok_or("no sync-token")?;
        Ok(())
    }
}
