//! Calendars that are taken over from another server: from one like ours, and from Radicale, by its address
//! and from its folder. `tests/run` installs Radicale.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use server::moving::{
    Ask, Calendar, Told,
    intake::{Intake, Manner, Performer, Summary},
    radicale,
    remote::{self, Address, Patience, Transport, TransportOptions},
};
use tests::{client::Client, house, server::TestServer};

/// More than are fetched, or handed on, at once.
const EVENTS: usize = 120;

fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nDTEND:20260201T100000Z\r\n{lines}\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Alice's meeting with somebody here and somebody elsewhere, who all have answered.
fn meeting() -> String {
    event(
        "meeting",
        "SUMMARY:Grüße\r\nORGANIZER:mailto:alice@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com\r\nATTENDEE;PARTSTAT=DECLINED:mailto:xenia@elsewhere.test\r\n",
    )
}

/// A series with an instance of its own.
fn series() -> String {
    let master = "RRULE:FREQ=WEEKLY;COUNT=5\r\nSUMMARY:Every week\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:series\r\n\
        DTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260208T090000Z\r\nDTSTART:20260208T110000Z\r\nSUMMARY:Later\r\n";
    event("series", master)
}

/// Fills a calendar and a list of tasks below `home` through HTTP.
async fn fill(client: &Client, home: &str) {
    let make = |name: &str, shown: &str, component: &str| {
        let body = format!(
            r##"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>
            <D:displayname>{shown}</D:displayname><A:calendar-color>#AABBCCFF</A:calendar-color>
            <C:supported-calendar-component-set><C:comp name="{component}"/></C:supported-calendar-component-set>
            </D:prop></D:set></C:mkcalendar>"##
        );
        client
            .request("MKCALENDAR", &format!("{home}{name}/"))
            .xml(body)
    };
    make("x1", "Büro &amp; mehr", "VEVENT")
        .send()
        .await
        .expect(&[201]);
    make("x2", "Tasks", "VTODO").send().await.expect(&[201]);
    for number in 0..EVENTS {
        let octets = event(
            &format!("u{number}"),
            &format!("SUMMARY:Number {number}\r\n"),
        );
        let path = format!("{home}x1/u{number}.ics");
        client.put(&path, &octets).await.expect(&[201]);
    }
    client
        .put(&format!("{home}x1/series%20a.ics"), &series())
        .await
        .expect(&[201]);
    let task = event("task", "SUMMARY:Do\r\n")
        .replace("VEVENT", "VTODO")
        .replace("DTEND", "DUE");
    client
        .put(&format!("{home}x2/task.ics"), &task)
        .await
        .expect(&[201]);
}

/// What `fill` made.
const OBJECTS: usize = EVENTS + 2;

fn transport(start: &Address) -> Transport {
    let options = TransportOptions {
        user: "alice".into(),
        password: Some("alice".to_owned().into()),
        patience: Patience {
            attempts: 2,
            first_pause: Duration::from_millis(10),
        },
        ..TransportOptions::default()
    };
    Transport::new(start, &options).unwrap()
}

fn manner(owner: &str) -> Manner {
    Manner {
        owner: owner.to_owned(),
        ..Manner::default()
    }
}

async fn by_address(target: &TestServer, owner: &str, url: &str) -> Summary {
    let start = Address::parse(url).unwrap();
    let transport = transport(&start);
    let found = remote::discover(&transport, &start).await.unwrap();
    let mut intake = Intake::begin(target.desk(), manner(owner), |_| {})
        .await
        .unwrap();
    remote::import(&transport, &found, &mut intake)
        .await
        .unwrap();
    intake.finish().await.unwrap()
}

async fn calendars(target: &TestServer, owner: &str) -> Vec<Calendar> {
    let owner = owner.to_owned();
    match target
        .desk()
        .perform(&Ask::ListCalendars { owner })
        .await
        .unwrap()
    {
        Told::Calendars(calendars) => calendars,
        other => panic!("{other:?}"),
    }
}

fn counts(summary: &Summary) -> [usize; 6] {
    assert_eq!(summary.reasons, [""; 0]);
    [
        summary.calendars_made,
        summary.created,
        summary.updated,
        summary.unchanged,
        summary.kept,
        summary.refused,
    ]
}

/// Everything is there as it was, and nobody heard of it.
async fn assert_taken_over(target: &TestServer, owner: &str) {
    let calendars = calendars(target, owner).await;
    let shown = |name: &str| {
        let found = calendars
            .iter()
            .find(|it| it.description.display_name.as_deref() == Some(name));
        found.unwrap_or_else(|| panic!("{name} is not among {calendars:?}"))
    };
    let office = shown("Büro & mehr");
    assert!(
        office
            .description
            .color
            .as_deref()
            .unwrap()
            .starts_with("#AABBCC")
    );
    assert_eq!(office.components, ["VEVENT"]);
    assert_eq!(shown("Tasks").components, ["VTODO"]);
    let client = target.client(owner);
    let at = format!("/dav/calendars/users/{owner}/{}/", office.name);
    let listed = client
        .propfind(&format!("{at}u7.ics"), "0", "<D:getetag/>")
        .await;
    listed.expect(&[207]);
    let text = client.get(&format!("{at}series.ics")).await;
    assert!(
        text.text().contains("SUMMARY:Later") && text.text().contains("RRULE:FREQ=WEEKLY;COUNT=5")
    );
    assert_eq!(target.mails(0).await, [""; 0]);
}

/// From a server like ours, from each address that people may have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_server_like_ours() {
    let source = TestServer::start().await;
    let home = "/dav/calendars/users/alice/";
    let alice = source.client("alice");
    fill(&alice, home).await;
    alice
        .put(&format!("{home}calendar/meeting.ics"), &meeting())
        .await
        .expect(&[201]);
    source.mails(1).await;

    let target = TestServer::start().await;
    let url = source.url();
    let first = by_address(&target, "carol", &format!("{url}/")).await;
    assert_eq!(counts(&first), [2, OBJECTS + 1, 0, 0, 0, 0]);
    assert_taken_over(&target, "carol").await;
    for address in [
        url.to_owned(),
        format!("{url}{home}"),
        format!("{url}/dav/principals/users/alice/"),
    ] {
        let again = by_address(&target, "carol", &address).await;
        assert_eq!(counts(&again), [0, 0, 0, OBJECTS + 1, 0, 0], "{address}");
        assert_eq!(again.not_fetched, OBJECTS + 1, "{address}");
    }
    let one = by_address(&target, "bob", &format!("{url}{home}x2/")).await;
    assert_eq!(counts(&one), [1, 1, 0, 0, 0, 0]);

    // What changes there between two runs is taken over, and nothing else; what was removed here comes again.
    let (gone, own) = ("/dav/calendars/users/carol/", target.client("carol"));
    let office = &calendars(&target, "carol").await;
    let office = office.iter().find(|it| it.name.contains("mehr")).unwrap();
    own.delete(&format!("{gone}{}/u8.ics", office.name))
        .await
        .expect(&[204]);
    let mine = event("u9", "SEQUENCE:7\r\nSUMMARY:Mine\r\n");
    own.put(&format!("{gone}{}/u9.ics", office.name), &mine)
        .await
        .expect(&[204]);
    let newer = event("u7", "SEQUENCE:1\r\nSUMMARY:Newer\r\n");
    alice
        .put(&format!("{home}x1/u7.ics"), &newer)
        .await
        .expect(&[204]);
    let again = by_address(&target, "carol", url).await;
    assert_eq!(counts(&again), [0, 1, 1, OBJECTS - 1, 0, 0]);
    assert_eq!(again.not_fetched, OBJECTS - 1);

    // What stands here already as it is there is fetched once, and known from then on.
    let at = format!("{gone}{}/u6.ics", office.name);
    own.delete(&at).await.expect(&[204]);
    let same = event("u6", "SUMMARY:Number 6\r\n");
    own.put(&at, &same).await.expect(&[201]);
    for not_fetched in [OBJECTS, OBJECTS + 1] {
        let again = by_address(&target, "carol", url).await;
        assert_eq!(counts(&again), [0, 0, 0, OBJECTS + 1, 0, 0]);
        assert_eq!(again.not_fetched, not_fetched);
    }

    // The organizer's own meeting is taken over, too, and nobody hears of it.
    let own = by_address(&target, "alice", url).await;
    assert_eq!(own.refused, 0, "{:?}", own.reasons);
    assert_eq!(target.mails(0).await, [""; 0]);
    let bobs = target
        .client("bob")
        .propfind("/dav/calendars/users/bob/inbox/", "1", "<D:getetag/>")
        .await;
    assert_eq!(bobs.multistatus().responses.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_wrong_address() {
    let source = TestServer::start().await;
    let start = Address::parse(source.url()).unwrap();
    let options = TransportOptions {
        user: "alice".into(),
        password: Some("wrong".to_owned().into()),
        ..TransportOptions::default()
    };
    let wrong = Transport::new(&start, &options).unwrap();
    let error = remote::discover(&wrong, &start)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("does not take this user name and password"),
        "{error}"
    );
    assert!(!error.contains("wrong"), "{error}");
}

/// Radicale with a folder of its own. Killed when dropped.
struct Radicale {
    child: Child,
    url: String,
}

impl Radicale {
    async fn start(folder: &Path) -> Radicale {
        let python: PathBuf = house::root().join("target/python/bin/python");
        assert!(
            python.exists(),
            "Radicale is not installed: run `tests/run` once, it installs what the tests need"
        );
        fs::write(folder.join("users"), "alice:alice\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(python)
            .args(["-m", "radicale", "--config", ""])
            .arg(format!("--server-hosts=127.0.0.1:{port}"))
            .args(["--auth-type=htpasswd", "--auth-htpasswd-encryption=plain"])
            .arg(format!(
                "--auth-htpasswd-filename={}",
                folder.join("users").display()
            ))
            .arg(format!(
                "--storage-filesystem-folder={}",
                folder.join("data").display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let radicale = Radicale {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        let client = Client::anonymous(&radicale.url);
        // An interpreter on a busy machine takes its time.
        for _ in 0..600 {
            if client.request("OPTIONS", "/").try_send().await.is_ok() {
                return radicale;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Radicale does not start");
    }
}

impl Drop for Radicale {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// By its address and from its folder, each twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_radicale() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = Radicale::start(folder.path()).await;
    let alice = Client::signed_in(&foreign.url, "alice", "alice");
    fill(&alice, "/alice/").await;
    alice
        .put("/alice/x1/meeting.ics", &meeting())
        .await
        .expect(&[201]);

    let target = TestServer::start().await;
    for address in [foreign.url.clone(), format!("{}/alice/", foreign.url)] {
        let summary = by_address(&target, "alice", &address).await;
        let all = OBJECTS + 1;
        let expected = match address == foreign.url {
            true => [2, all, 0, 0, 0, 0],
            false => [0, 0, 0, all, 0, 0],
        };
        assert_eq!(counts(&summary), expected, "{address}");
        assert_eq!(summary.not_fetched, summary.unchanged, "{address}");
        assert_taken_over(&target, "alice").await;
    }
    drop(foreign);

    // An address book, which stays there.
    let book = folder.path().join("data/collection-root/alice/book");
    fs::create_dir(&book).unwrap();
    fs::write(book.join(".Radicale.props"), r#"{"tag": "VADDRESSBOOK"}"#).unwrap();
    let users = radicale::users(&folder.path().join("data")).unwrap();
    assert_eq!(users.len(), 1);
    let target = TestServer::start().await;
    for round in 0..2 {
        let mut intake = Intake::begin(target.desk(), manner("alice"), |_| {})
            .await
            .unwrap();
        radicale::import(&users[0], &mut intake).await.unwrap();
        let summary = intake.finish().await.unwrap();
        let all = OBJECTS + 1;
        let expected = [[2, all, 0, 0, 0, 0], [0, 0, 0, all, 0, 0]][round];
        assert_eq!(counts(&summary), expected);
        assert!(
            summary
                .notes
                .iter()
                .any(|note| note.contains("an address book"))
        );
        assert_taken_over(&target, "alice").await;
    }
}
