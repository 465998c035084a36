//! vdirsyncer between a folder and a calendar, both ways: what one side has comes to the other, once, and
//! nothing is ever carried that did not change.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use tests::{client::Client, server::TestServer};

use super::{python, run};

/// Objects on each side before the first run, so that 2,000 are synchronised.
const OBJECTS_PER_SIDE: usize = 1_000;
/// Objects that are changed, and as many that are deleted, on each side before the third run.
const CHANGES_PER_SIDE: usize = 10;
const CALENDAR: &str = "/dav/calendars/users/alice/calendar/";

/// One in four each: an event, a task, a series in a zone with an exception and an override, and an event
/// whose text is long and not ASCII. `version` changes the text.
fn object(uid: &str, number: usize, version: usize) -> String {
    let day = 1 + number % 28;
    let head = format!("UID:{uid}\nDTSTAMP:20261101T080000Z\nSUMMARY:Number {number}, {version}\n");
    let components = match number % 4 {
        0 => format!(
            "BEGIN:VEVENT\n{head}DTSTART:202612{day:02}T090000Z\nDURATION:PT1H\nEND:VEVENT\n"
        ),
        1 => format!("BEGIN:VTODO\n{head}DUE;VALUE=DATE:202612{day:02}\nEND:VTODO\n"),
        2 => format!(
            "{ZONE}BEGIN:VEVENT\n{head}DTSTART;TZID=Europe/Berlin:202612{day:02}T090000\nDURATION:PT1H\n\
             RRULE:FREQ=DAILY;COUNT=9\nEXDATE;TZID=Europe/Berlin:202612{day:02}T090000\nEND:VEVENT\n\
             BEGIN:VEVENT\n{head}RECURRENCE-ID;TZID=Europe/Berlin:202701{day:02}T090000\n\
             DTSTART;TZID=Europe/Berlin:202701{day:02}T100000\nDURATION:PT1H\nEND:VEVENT\n"
        ),
        _ => format!(
            "BEGIN:VEVENT\n{head}DTSTART;VALUE=DATE:202612{day:02}\nDESCRIPTION:{}\nEND:VEVENT\n",
            "Grüße, \\n".repeat(6)
        ),
    };
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//Test//EN\n{components}END:VCALENDAR\n"
    )
    .replace('\n', "\r\n")
}

const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19961027T030000\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\n\
    BEGIN:DAYLIGHT\nDTSTART:19810329T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n\
    TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n";

/// The folder of somebody who synchronises.
struct Device {
    folder: tempfile::TempDir,
}

impl Device {
    fn new(server: &TestServer) -> Device {
        let folder = tempfile::tempdir().unwrap();
        let device = Device { folder };
        fs::create_dir_all(device.objects()).unwrap();
        let root = device.folder.path().display();
        let configuration = format!(
            "[general]\nstatus_path = \"{root}/status/\"\n\n\
             [pair work]\na = \"here\"\nb = \"there\"\ncollections = [[\"work\", \"work\", \"calendar\"]]\n\n\
             [storage here]\ntype = \"filesystem\"\npath = \"{root}/objects/\"\nfileext = \".ics\"\n\n\
             [storage there]\ntype = \"caldav\"\nurl = \"{}/\"\nusername = \"alice\"\npassword = \"alice\"\n",
            server.url()
        );
        fs::write(device.configuration(), configuration).unwrap();
        device
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn objects(&self) -> PathBuf {
        self.folder.path().join("objects/work")
    }

    /// Runs vdirsyncer; gives back what it says it did, sorted.
    async fn vdirsyncer(&self, what: &str) -> Vec<String> {
        let mut command = Command::new(python().with_file_name("vdirsyncer"));
        command
            .arg("--config")
            .arg(self.configuration())
            .arg(what)
            .env("HOME", self.folder.path());
        let output = run(command).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "vdirsyncer {what}: {said}");
        let words = [
            "Copying", "Deleting", "Updating", "conflict", "error", "warning",
        ];
        // It says so of each deletion for which it does have an entity tag.
        let is_mistaken = |line: &str| line.contains("Deleting an item with no etag");
        let is_change =
            |line: &&str| words.iter().any(|word| line.contains(word)) && !is_mistaken(line);
        let mut changes: Vec<String> = said.lines().filter(is_change).map(str::to_owned).collect();
        changes.sort_unstable();
        changes
    }

    fn write(&self, uid: &str, text: &str) {
        fs::write(self.objects().join(format!("{uid}.ics")), text).unwrap();
    }

    /// Every file with its content and the time of its last change.
    fn files(&self) -> BTreeMap<PathBuf, (String, SystemTime)> {
        let read = |path: &Path| {
            let changed = fs::metadata(path).unwrap().modified().unwrap();
            (fs::read_to_string(path).unwrap(), changed)
        };
        let entries = fs::read_dir(self.objects()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.map(|path| (path.clone(), read(&path))).collect()
    }
}

/// Every object of the calendar with its entity tag, and the calendar's sync token.
async fn server_state(alice: &Client) -> (BTreeMap<String, String>, String) {
    let listing = alice
        .propfind(CALENDAR, "1", "<D:getetag/><D:sync-token/>")
        .await
        .multistatus();
    let (calendar, objects) = listing.responses.split_first().unwrap();
    let etags = objects
        .iter()
        .map(|object| (object.href.clone(), object.text("{DAV:}getetag")));
    (etags.collect(), calendar.text("{DAV:}sync-token"))
}

async fn put(alice: &Client, uid: &str, text: &str) {
    let reply = alice.put(&format!("{CALENDAR}{uid}.ics"), text).await;
    reply.expect(&[201, 204]);
}

/// The changes that vdirsyncer tells, by their first word.
fn counts(changes: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for change in changes {
        let word = change.split_whitespace().next().unwrap_or_default();
        *counts.entry(word).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vdirsyncer_both_ways() {
    let server = TestServer::start_on_disk().await;
    let alice = server.client("alice");
    let device = Device::new(&server);
    for number in 0..OBJECTS_PER_SIDE {
        let uid = format!("there-{number}");
        put(&alice, &uid, &object(&uid, number, 1)).await;
        let uid = format!("here-{number}");
        device.write(&uid, &object(&uid, number, 1));
    }
    device.vdirsyncer("discover").await;
    let first = device.vdirsyncer("sync").await;
    assert_eq!(counts(&first), [("Copying", 2 * OBJECTS_PER_SIDE)].into());
    let (files, state) = (device.files(), server_state(&alice).await);
    assert_eq!(files.len(), 2 * OBJECTS_PER_SIDE);
    assert_eq!(state.0.len(), 2 * OBJECTS_PER_SIDE);
    let nothing = device.vdirsyncer("sync").await;
    assert_eq!(nothing, [""; 0], "spurious changes");
    assert_eq!(device.files(), files);
    assert_eq!(server_state(&alice).await, state);

    for number in 0..CHANGES_PER_SIDE {
        let uid = format!("there-{number}");
        put(&alice, &uid, &object(&uid, number, 2)).await;
        let uid = format!("here-{number}");
        device.write(&uid, &object(&uid, number, 2));
        let number = OBJECTS_PER_SIDE - 1 - number;
        let gone = format!("{CALENDAR}there-{number}.ics");
        alice.delete(&gone).await.expect(&[204]);
        fs::remove_file(device.objects().join(format!("here-{number}.ics"))).unwrap();
    }
    let third = device.vdirsyncer("sync").await;
    let expected = [
        ("Copying", 2 * CHANGES_PER_SIDE),
        ("Deleting", 2 * CHANGES_PER_SIDE),
    ];
    assert_eq!(counts(&third), expected.into(), "{third:?}");
    let (files, state) = (device.files(), server_state(&alice).await);
    assert_eq!(files.len(), 2 * (OBJECTS_PER_SIDE - CHANGES_PER_SIDE));
    assert_eq!(state.0.len(), files.len());
    let fourth = device.vdirsyncer("sync").await;
    assert_eq!(fourth, [""; 0], "spurious changes");
    assert_eq!((device.files(), server_state(&alice).await), (files, state));
}
