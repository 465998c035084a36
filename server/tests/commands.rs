//! The program as a person runs it.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// Runs `convoke` in a folder.
fn convoke(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG");
    command
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn fails(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A server that runs until it is stopped.
struct Serving {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Serving {
    /// Starts one, and waits for the line that says it runs.
    fn start(folder: &Path, arguments: &[&str], line: &str) -> (Serving, String) {
        let mut child = command(folder, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains(line) {
            let before = said.len();
            stdout.read_line(&mut said).unwrap();
            assert!(said.len() > before, "it ended: {said}");
        }
        (Serving { child, stdout }, said)
    }

    /// As Ctrl-C does.
    fn interrupt(mut self) -> Output {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).unwrap();
        self.child.wait_with_output().unwrap()
    }
}

/// A port that is free now. (The file must name one before the server can take one.)
fn initialised(folder: &Path) {
    fs::write(folder.join("password"), "secret\n").unwrap();
    let output = convoke(
        folder,
        &[
            "init",
            "--listen",
            "127.0.0.1:0",
            "--password-file",
            "password",
        ],
    );
    let said = succeeds(&output);
    assert!(
        said.contains("The administrator is admin.")
            && said.contains("convoke --config convoke.toml serve"),
        "{said}"
    );
}

#[test]
fn init_writes_once_and_makes_the_administrator() {
    let folder = tempfile::tempdir().unwrap();
    initialised(folder.path());
    let users = succeeds(&convoke(folder.path(), &["user", "list"]));
    assert!(
        users
            .lines()
            .any(|line| line.starts_with("admin") && line.contains("administrator")),
        "{users}"
    );
    let again = fails(&convoke(folder.path(), &["init", "--generate-password"]));
    assert!(
        again.contains("convoke.toml exists already and is not overwritten"),
        "{again}"
    );
}

#[test]
fn init_without_a_terminal_makes_up_a_password_and_prints_it() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeeds(&convoke(folder.path(), &["init"]));
    let password = said
        .lines()
        .find_map(|line| line.strip_prefix("The password of admin: "))
        .unwrap();
    assert_eq!(password.len(), 20);
}

#[test]
fn a_password_that_was_not_set_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    initialised(folder.path());
    for (arguments, complaint) in [
        (vec!["user", "add", "admin"], "the name is taken"),
        (vec!["user", "password", "nobody"], "there is no user"),
        (
            vec!["user", "add", "eve", "--address", "nonsense"],
            "is not possible",
        ),
    ] {
        let output = convoke(
            folder.path(),
            &[&arguments[..], &["--generate-password"]].concat(),
        );
        assert_eq!(output.stdout, b"", "{arguments:?}");
        let said = fails(&output);
        assert!(said.contains(complaint), "{arguments:?}: {said}");
    }
    assert!(!succeeds(&convoke(folder.path(), &["user", "list"])).contains("eve"));
}

#[test]
fn accounts_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    initialised(folder.path());
    let run = |line: &str| convoke(folder.path(), &line.split(' ').collect::<Vec<_>>());
    succeeds(&run(
        "user add alice --password-file password --address alice@example.com",
    ));
    succeeds(&run(
        "room add garden --capacity 8 --booking automatic --write-delegate alice",
    ));
    succeeds(&run("delegate add garden alice --edit --answer"));
    succeeds(&run(
        "delegate settings garden --invitations delegates --notices no",
    ));
    let delegates = succeeds(&run("delegate list garden"));
    for line in [
        "alice",
        "reads, edits, answers",
        "delegates who may answer",
        "send: no",
    ] {
        assert!(delegates.contains(line), "{delegates}");
    }
    succeeds(&run("delegate remove garden alice"));
    assert!(succeeds(&run("delegate remove garden alice")).contains("is no delegate of"));
    assert!(!succeeds(&run("delegate list garden")).contains("alice"));
    assert!(fails(&run("delegate add garden nobody")).contains("nobody has the name"));
    succeeds(&run("resource add car"));
    succeeds(&run("group add team --member alice"));
    succeeds(&run("group member add team garden"));
    assert!(succeeds(&run("group list")).contains("alice garden"));
    succeeds(&run("group member remove team alice"));
    assert!(succeeds(&run("room list")).contains("garden"));
    rooms_are_described_and_found(&run);
    succeeds(&run("user password alice --generate-password"));
    succeeds(&run("user disable alice"));
    assert!(succeeds(&run("user list")).contains("disabled"));
    assert!(succeeds(&run("user disable alice")).contains("already disabled"));
    succeeds(&run("user enable alice"));
    assert!(!succeeds(&run("user list")).contains("disabled"));
    assert!(fails(&run("user disable nobody")).contains("there is no user"));
    let foreseen = succeeds(&run("user remove alice --dry-run"));
    assert!(
        foreseen.contains("0 meetings to come would be called off"),
        "{foreseen}"
    );
    assert!(succeeds(&run("user list")).contains("alice"));
    let removed = succeeds(&run("user remove alice"));
    assert!(
        removed.contains("0 meetings to come were called off, and 0 were declined"),
        "{removed}"
    );
    succeeds(&run("room remove garden --silent"));
    assert!(!succeeds(&run("user list")).contains("alice"));
    assert!(fails(&run("user remove alice")).contains("there is no user \"alice\""));
    assert!(fails(&run("user password admin")).contains("--password-file"));
    assert!(fails(&run("user add bob --password-file nowhere")).contains("nowhere cannot be read"));
}

/// Of a house with the room "garden", for eight.
fn rooms_are_described_and_found(run: &dyn Fn(&str) -> Output) {
    succeeds(&run(
        "room set garden --location house-2 --feature projector --feature phone",
    ));
    let list = succeeds(&run("room list"));
    assert!(
        list.contains("house-2") && list.contains("projector, phone"),
        "{list}"
    );
    assert!(
        succeeds(&run("room set garden --location house-2")).contains("was so already"),
        "the second time"
    );
    let how = "--booking decline-if-busy --booking-for alice=accept-always --booking-for team=none";
    let set = format!("room set garden {how} --booking-horizon-days 90 --write-delegate alice");
    succeeds(&run(&set));
    let list = succeeds(&run("room list"));
    let told = "decline-if-busy, alice=accept-always, team=none";
    assert!(list.contains(told) && list.contains(" 90 "), "{list}");
    succeeds(&run("room set garden --booking-for= --write-delegate="));
    let list = succeeds(&run("room list"));
    assert!(
        list.contains("decline-if-busy ") && !list.contains("alice"),
        "{list}"
    );
    succeeds(&run("room set garden --booking automatic"));
    assert!(fails(&run("room set attic --capacity 3")).contains("there is no room \"attic\""));
    assert!(fails(&run("room set garden --feature a,b")).contains("without a comma"));
    let from = "room free --from 2026-03-01T09:00:00Z --to 2026-03-01T10:00:00Z";
    let free = succeeds(&run(&format!(
        "{from} --capacity 8 --feature PHONE --feature projector --location house"
    )));
    assert!(free.contains("garden") && free.contains("free"), "{free}");
    let weekly =
        format!("{from} --recurrence FREQ=WEEKLY;COUNT=3 --time-zone Europe/Berlin --json");
    assert!(succeeds(&run(&weekly)).contains("\"vacancy\": \"free\""));
    for (more, complaint) in [
        ("--recurrence sometimes", "no RRULE"),
        (
            "--recurrence FREQ=DAILY --time-zone Mars",
            "\"Mars\" is not known",
        ),
    ] {
        let said = fails(&run(&format!("{from} {more}")));
        assert!(said.contains(complaint), "{said}");
    }
    let nothing = run(&format!("{from} --capacity 9"));
    assert!(succeeds(&nothing).is_empty());
    let said = String::from_utf8(nothing.stderr).unwrap();
    assert!(said.contains("no room that fits is free then"), "{said}");
    succeeds(&run("room set garden --location= --feature="));
    assert!(!succeeds(&run("room list")).contains("house-2"));
}

#[test]
fn a_password_comes_from_standard_input_too() {
    let folder = tempfile::tempdir().unwrap();
    initialised(folder.path());
    let mut child = command(
        folder.path(),
        &["user", "add", "alice", "--password-file", "-"],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    child.stdin.take().unwrap().write_all(b"secret\n").unwrap();
    succeeds(&child.wait_with_output().unwrap());
}

#[test]
fn accounts_while_a_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    initialised(folder.path());
    let (serving, said) = Serving::start(folder.path(), &["serve"], "Convoke serves");
    assert!(said.contains("http://127.0.0.1"), "{said}");
    fs::write(
        folder.path().join("accounts.toml"),
        "[[users]]\nname = \"alice\"\npassword = \"x\"\n",
    )
    .unwrap();
    let import = || convoke(folder.path(), &["accounts", "import", "accounts.toml"]);
    assert_eq!(succeeds(&import()), "1 added, 0 changed, 0 unchanged.\n");
    assert_eq!(succeeds(&import()), "0 added, 0 changed, 1 unchanged.\n");
    succeeds(&convoke(
        folder.path(),
        &["user", "add", "bob", "--generate-password"],
    ));
    succeeds(&convoke(
        folder.path(),
        &["delegate", "add", "alice", "bob", "--deputy"],
    ));
    let delegates = succeeds(&convoke(folder.path(), &["delegate", "list", "alice"]));
    assert!(
        delegates.contains("reads, edits, answers, invites"),
        "{delegates}"
    );
    succeeds(&convoke(folder.path(), &["user", "remove", "alice"]));
    assert!(succeeds(&serving.interrupt()).is_empty());
    assert_eq!(succeeds(&import()), "1 added, 0 changed, 0 unchanged.\n");
    fs::write(
        folder.path().join("accounts.toml"),
        "[[users]]\nname = \"alice\"\nage = 5\n",
    )
    .unwrap();
    assert!(fails(&import()).contains("accounts.toml, line 3: unknown field `age`"));
}

#[test]
fn a_configuration_that_is_wrong_names_line_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    assert!(fails(&convoke(folder.path(), &["serve"])).contains("convoke init"));
    fs::write(
        folder.path().join("convoke.toml"),
        "listen = [\"127.0.0.1:0\"]\npublic_url = \"x\"\ndata = \"d\"\n",
    )
    .unwrap();
    let message = fails(&convoke(folder.path(), &["serve"]));
    assert!(
        message.contains("convoke.toml, line 2: `x` is not a public URL"),
        "{message}"
    );
    assert!(
        message.contains("https://calendar.example.com"),
        "{message}"
    );
}

#[test]
fn a_command_line_that_is_not_understood_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(convoke(folder.path(), &["dance"]).status.code(), Some(2));
}

/// Sends a request with Alice's password, and returns the status line.
fn ask(url: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic YWxpY2U6YWxpY2U=\r\n\
         User-Agent: A client/1.0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[test]
fn the_demo_as_its_first_user_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let demo = ["demo", "--listen", "127.0.0.1:0"];
    let (serving, said) = Serving::start(folder.path(), &demo, "delete the folder");
    let url = said
        .lines()
        .find_map(|line| line.strip_prefix("Convoke runs at "))
        .unwrap();
    for expected in [
        "alice",
        "bob",
        "carol",
        "garden-room@example.com",
        "team@example.com",
        "convoke-demo/mail",
        "*.eml",
        "Thunderbird",
    ] {
        assert!(said.contains(expected), "{expected} is missing:\n{said}");
    }
    assert!(folder.path().join("convoke-demo/mail").is_dir());
    let curl = said
        .lines()
        .find(|line| line.trim_start().starts_with("curl "))
        .unwrap();
    assert!(
        curl.ends_with(&format!("{url}/dav/calendars/users/alice/")),
        "{curl}"
    );
    assert_eq!(
        ask(url, "PROPFIND", "/dav/calendars/users/alice/", ""),
        "HTTP/1.1 207 Multi-Status"
    );
    assert_eq!(
        ask(url, "MKCOL", "/dav/calendars/users/alice/notes/", ""),
        "HTTP/1.1 201 Created"
    );

    let configured = ["--config", "convoke-demo/convoke.toml"];
    let rooms = succeeds(&convoke(
        folder.path(),
        &[&configured[..], &["room", "list"]].concat(),
    ));
    assert!(rooms.contains("garden-room"), "{rooms}");

    let beside = fails(&convoke(folder.path(), &demo));
    assert!(beside.contains("is in use by process"), "{beside}");
    let port = url.rsplit(':').next().unwrap();
    let same_port = fails(&convoke(
        folder.path(),
        &[
            "demo",
            "--folder",
            "other",
            "--listen",
            &format!("127.0.0.1:{port}"),
        ],
    ));
    assert!(same_port.contains("choose another port"), "{same_port}");
    assert!(succeeds(&serving.interrupt()).is_empty());

    let (serving, said) = Serving::start(folder.path(), &demo, "delete the folder");
    let url = said
        .lines()
        .find_map(|line| line.strip_prefix("Convoke runs at "))
        .unwrap();
    assert_eq!(
        ask(url, "PROPFIND", "/dav/calendars/users/alice/notes/", ""),
        "HTTP/1.1 207 Multi-Status"
    );
    succeeds(&serving.interrupt());
    let rooms = succeeds(&convoke(
        folder.path(),
        &[&configured[..], &["room", "list"]].concat(),
    ));
    assert!(rooms.contains("garden-room"), "{rooms}");
}

#[test]
fn the_demo_is_for_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    let message = fails(&convoke(folder.path(), &["demo", "--listen", "0.0.0.0:0"]));
    assert!(message.contains("convoke init"), "{message}");
    assert!(!folder.path().join("convoke-demo").exists());
}

fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:20260201T090000Z\r\nSUMMARY:{summary}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Why somebody heard of a meeting, or not: asked with the server, and without it.
#[test]
fn what_was_decided_is_told_with_a_server_and_without() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("convoke.toml"),
        "listen = [\"127.0.0.1:8080\"]\npublic_url = \"http://localhost\"\ndata = \"convoke-demo/data\"\n",
    )
    .unwrap();
    let demo = ["demo", "--listen", "127.0.0.1:0"];
    let (serving, said) = Serving::start(folder.path(), &demo, "delete the folder");
    let url = said
        .lines()
        .find_map(|line| line.strip_prefix("Convoke runs at "))
        .unwrap();
    let people =
        "ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:bob@example.com\r\nEND:VEVENT";
    let meeting = event("plan", "Plan").replace("END:VEVENT", people);
    let (path, plain) = (
        "/dav/calendars/users/alice/calendar/plan.ics",
        "/dav/calendars/users/alice/calendar/plain.ics",
    );
    for (path, text) in [(path, &meeting), (plain, &event("plain", "x"))] {
        assert_eq!(ask(url, "PUT", path, text), "HTTP/1.1 201 Created");
    }
    let log = |arguments: &[&str]| convoke(folder.path(), &[&["log"], arguments].concat());
    let look = || {
        let whole = format!("{}{path}", url.trim_end_matches('/'));
        let table = succeeds(&log(&[path]));
        assert!(
            table.contains(
                "REQUEST to bob@example.com (SEQUENCE 0): invited; 1.2 delivered [RFC 6638"
            ),
            "{table}"
        );
        assert_eq!(succeeds(&log(&[&whole])), table);
        assert_eq!(succeeds(&log(&["--user", "alice", "--uid", "plan"])), table);
        let bobs = succeeds(&log(&["--user", "bob", "--uid", "plan"]));
        assert!(bobs.contains("REQUEST from alice@example.com"), "{bobs}");
        let json: serde_json::Value =
            serde_json::from_str(&succeeds(&log(&[path, "--json"]))).unwrap();
        assert_eq!(json[0]["actor"], "alice");
        assert_eq!(json[0]["lines"][0]["verdict"], "sent");
        assert_eq!(succeeds(&log(&[plain])), "");
        for (odd, words) in [
            (&["/x"][..], "is not the address of an event"),
            (
                &["/dav/calendars/users/alice/calendar/none.ics"],
                "there is no event",
            ),
            (
                &["--user", "nobody", "--uid", "plan"],
                "nobody has the name",
            ),
            (&["--user", "team", "--uid", "plan"], "has no calendars"),
        ] {
            let why = fails(&log(odd));
            assert!(why.contains(words), "{why}");
        }
    };
    look();
    succeeds(&serving.interrupt());
    look();
}

/// A day of somebody who deletes too much: with the server, and without it.
#[test]
fn what_was_deleted_comes_back_with_a_server_and_without() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("convoke.toml"),
        "listen = [\"127.0.0.1:8080\"]\npublic_url = \"http://localhost\"\ndata = \"convoke-demo/data\"\n",
    )
    .unwrap();
    let demo = ["demo", "--listen", "127.0.0.1:0"];
    let (serving, said) = Serving::start(folder.path(), &demo, "delete the folder");
    let url = said
        .lines()
        .find_map(|line| line.strip_prefix("Convoke runs at "))
        .unwrap();
    let trash = |arguments: &[&str]| convoke(folder.path(), &[&["trash"], arguments].concat());
    let listed = || -> Vec<serde_json::Value> {
        let list = succeeds(&trash(&["list", "alice", "--json"]));
        serde_json::from_str(&list).unwrap()
    };
    let calendar = "/dav/calendars/users/alice/calendar/";
    let (lunch, dinner) = (
        format!("{calendar}lunch.ics"),
        format!("{calendar}dinner.ics"),
    );
    for (path, uid) in [(&lunch, "lunch"), (&dinner, "dinner")] {
        let created = ask(url, "PUT", path, &event(uid, uid));
        assert_eq!(created, "HTTP/1.1 201 Created");
    }
    assert_eq!(ask(url, "DELETE", &lunch, ""), "HTTP/1.1 204 No Content");
    let audit = |arguments: &str| -> Vec<serde_json::Value> {
        let arguments = format!("audit --json {arguments}");
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        serde_json::from_str(&succeeds(&convoke(folder.path(), &arguments))).unwrap()
    };
    let entries = audit("--account alice --actor alice");
    let did = |entry: &serde_json::Value| format!("{} {}", entry["action"], entry["place"]);
    let done: Vec<String> = entries.iter().map(did).collect();
    let expected = [
        "\"created\" \"calendar/lunch.ics\"",
        "\"created\" \"calendar/dinner.ics\"",
        "\"removed\" \"calendar/lunch.ics\"",
    ];
    assert_eq!(done, expected);
    assert_eq!(entries[0]["client"], "A client/1.0");
    assert_eq!(audit("--object dinner").len(), 1);
    assert_eq!(audit("--last 1").len(), 1);
    assert_eq!(audit("--actor bob").len(), 0);
    assert_eq!(audit("--since 2026-01-01 --until 2026-01-02").len(), 0);
    assert!(fails(&convoke(folder.path(), &["audit", "--actor", "nobody"])).contains("nobody has"));
    let table = succeeds(&convoke(folder.path(), &["audit", "--object", "lunch"]));
    assert!(
        table.contains("removed") && table.contains("A client/1.0"),
        "{table}"
    );
    let items = listed();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["summary"], "lunch");
    assert_eq!(items[0]["by"], "alice");
    let id = items[0]["id"].as_str().unwrap();
    let table = succeeds(&trash(&["list", "alice", "--calendar", "calendar"]));
    assert!(
        table.contains("calendar/lunch.ics") && table.contains(id),
        "{table}"
    );
    let shown = succeeds(&trash(&["show", id]));
    assert!(
        shown.contains("deleted") && shown.contains("UID:lunch"),
        "{shown}"
    );
    let restored = succeeds(&trash(&["restore", id]));
    assert_eq!(
        restored,
        "calendar: 1 brought back, 0 set back, 0 removed; 1 as they were then.\n"
    );
    assert_eq!(ask(url, "GET", &lunch, ""), "HTTP/1.1 200 OK");
    let missing = fails(&trash(&["restore", "77-1-1"]));
    assert!(missing.contains("not in the trash"), "{missing}");
    assert!(fails(&trash(&["list", "nobody"])).contains("nobody named"));

    // A calendar of her own, deleted with all that is in it.
    let made = ask(url, "MKCALENDAR", "/dav/calendars/users/alice/work/", "");
    assert_eq!(made, "HTTP/1.1 201 Created");
    let path = "/dav/calendars/users/alice/work/plan.ics";
    assert_eq!(
        ask(url, "PUT", path, &event("plan", "plan")),
        "HTTP/1.1 201 Created"
    );
    let before = succeeds(&trash(&["list", "alice", "--json"]));
    let gone = ask(url, "DELETE", "/dav/calendars/users/alice/work/", "");
    assert_eq!(gone, "HTTP/1.1 204 No Content");
    assert!(succeeds(&serving.interrupt()).is_empty());

    let items = listed();
    assert_eq!(
        items.len(),
        serde_json::from_str::<Vec<serde_json::Value>>(&before)
            .unwrap()
            .len()
            + 1
    );
    assert_eq!(items[0]["is_collection"], true);
    let deleted = items[0]["when"].as_i64().unwrap();
    let at = jiff::Timestamp::from_millisecond(deleted - 1)
        .unwrap()
        .to_string();
    let restore = [
        "restore",
        "--calendar",
        "work",
        "--at",
        &at,
        "--exact",
        "alice",
    ];
    let restored = succeeds(&trash(&restore));
    assert_eq!(
        restored,
        "work: 0 brought back, 0 set back, 0 removed; 1 as they were then.\n"
    );
    assert_eq!(succeeds(&trash(&restore)), restored, "once more is as good");

    let (serving, said) = Serving::start(folder.path(), &demo, "delete the folder");
    let url = said
        .lines()
        .find_map(|line| line.strip_prefix("Convoke runs at "))
        .unwrap();
    assert_eq!(ask(url, "GET", path, ""), "HTTP/1.1 200 OK");
    assert!(succeeds(&serving.interrupt()).is_empty());
}
