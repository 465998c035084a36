//! Moving in and out, as an administrator types it: with a server and without, killed, interrupted, repeated.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("RUST_LOG");
    command
}

fn convoke(folder: &Path, line: &str) -> Output {
    let arguments: Vec<&str> = line.split(' ').collect();
    command(folder, &arguments).output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn fails(output: &Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// A folder with data, and Alice's account in it.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "secret\n").unwrap();
    let run = |line: &str| succeeds(&convoke(folder.path(), line));
    run("init --listen 127.0.0.1:0 --password-file password");
    run("user add alice --password-file password --address alice@example.com");
    folder
}

fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260201T090000\r\n\
         {lines}END:VEVENT\r\n"
    )
}

fn stream(components: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nMETHOD:PUBLISH\r\nX-WR-CALNAME:Büro\r\n\
         BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n\
         TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n{components}END:VCALENDAR\r\n"
    )
}

fn many(number: usize) -> String {
    let all: String = (0..number)
        .map(|it| event(&format!("u{it}"), &format!("SUMMARY:{it}\r\n")))
        .collect();
    stream(&all)
}

/// `convoke serve`, until it is dropped.
struct Serving(Child);

impl Serving {
    fn start(folder: &Path) -> Serving {
        let mut child = command(folder, &["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Convoke serves") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "{said}");
        }
        Serving(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_with_a_server_and_without() {
    let folder = prepared();
    fs::write(folder.path().join("office.ics"), many(250)).unwrap();
    let import = || convoke(folder.path(), "import office.ics --user alice");
    let dry = convoke(folder.path(), "import office.ics --user alice --dry-run");
    assert_eq!(
        succeeds(&dry),
        "Nothing is written. It would be: 1 calendar made, 250 stored, 0 updated, 0 unchanged.\n"
    );
    assert_eq!(
        succeeds(&import()),
        "1 calendar made, 250 stored, 0 updated, 0 unchanged.\n"
    );
    let again = "0 stored, 0 updated, 250 unchanged.\n";
    assert_eq!(succeeds(&import()), again);
    let serving = Serving::start(folder.path());
    assert_eq!(succeeds(&import()), again);
    let by_name = convoke(
        folder.path(),
        "import office.ics --user alice --calendar büro",
    );
    assert_eq!(succeeds(&by_name), again);

    // Out again, as a stream and as a folder, and in for somebody else.
    let out = convoke(folder.path(), "export --user alice --calendar Büro out.ics");
    assert_eq!(succeeds(&out), "out.ics holds 250 objects of 1 calendar.\n");
    let text = fs::read_to_string(folder.path().join("out.ics")).unwrap();
    assert!(text.contains("\r\nNAME:Büro\r\n") && !text.contains("METHOD"));
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
    let (_, why) = fails(&convoke(
        folder.path(),
        "export --user alice --calendar Büro out.ics",
    ));
    assert!(why.contains("--force"), "{why}");
    succeeds(&convoke(
        folder.path(),
        "export --user alice --calendar Büro out.ics --force",
    ));
    succeeds(&convoke(
        folder.path(),
        "user add bob --password-file password",
    ));
    let bobs = convoke(folder.path(), "import out.ics --user bob");
    assert_eq!(
        succeeds(&bobs),
        "1 calendar made, 250 stored, 0 updated, 0 unchanged.\n"
    );
    drop(serving);

    let out = convoke(folder.path(), "export --user alice all");
    assert_eq!(succeeds(&out), "all holds 250 objects of 2 calendars.\n");
    assert!(!folder.path().join("all.part").exists());
    let (_, why) = fails(&convoke(folder.path(), "export --user alice all"));
    assert!(why.contains("is not empty"), "{why}");
    for who in ["alice", "bob"] {
        let told = succeeds(&convoke(folder.path(), &format!("import all --user {who}")));
        assert_eq!(told, again, "{who}");
    }
    succeeds(&convoke(
        folder.path(),
        "user add carol --password-file password",
    ));
    succeeds(&convoke(folder.path(), "import all --user carol"));
    succeeds(&convoke(folder.path(), "export --user carol carols"));
    let listed = |at: &str| -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(folder.path().join(at).join("büro")).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    fs::read(&path).unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    assert!(
        listed("all") == listed("carols"),
        "out, in and out again it is the same, octet for octet"
    );
}

/// What cannot be stored is named with its place, and all the rest is stored.
#[test]
fn what_is_refused_is_named() {
    let folder = prepared();
    let bad = "BEGIN:VEVENT\r\nUID:bad\r\nno colon\r\nEND:VEVENT\r\n";
    let text = stream(&format!("{}{bad}{}", event("a", ""), event("b", "")));
    fs::create_dir_all(folder.path().join("in/deeper")).unwrap();
    fs::write(folder.path().join("in/x.ics"), &text).unwrap();
    fs::write(folder.path().join("in/deeper/y.ics"), "hello").unwrap();
    fs::write(folder.path().join("in/readme.txt"), "hello").unwrap();
    let (said, why) = fails(&convoke(
        folder.path(),
        "import in --user alice --calendar work",
    ));
    assert_eq!(
        said,
        "1 calendar made, 2 stored, 0 updated, 0 unchanged, 2 refused.\n"
    );
    assert!(
        why.contains("refused: in/x.ics, line 21: the line has no colon"),
        "{why}"
    );
    assert!(
        why.contains("refused: in/deeper/y.ics, line 1: there is content outside VCALENDAR"),
        "{why}"
    );
    for (line, expected) in [
        (
            "import in --user nobody",
            "nobody named \"nobody\" has calendars",
        ),
        ("import nowhere --user alice", "nowhere cannot be read"),
        (
            "import in/readme.txt --user alice",
            "content outside VCALENDAR",
        ),
        (
            "export --user alice --calendar none x.ics",
            "alice has no calendar none, but: calendar, work",
        ),
        ("export --user alice x.ics", "name one with --calendar"),
        ("migrate radicale in", "filesystem_folder"),
        (
            "migrate caldav example.com --user a --to-user alice --password-file password",
            "no address of a server",
        ),
        (
            "migrate caldav http://example.com/ --user a --to-user alice --password-file password",
            "--plain-http",
        ),
        (
            "migrate caldav http://127.0.0.1:1/ --user a --to-user alice",
            "give --password-file",
        ),
    ] {
        let (_, why) = fails(&convoke(folder.path(), line));
        assert!(why.contains(expected), "{line}: {why}");
    }
    assert!(!folder.path().join("x.ics").exists() && !folder.path().join("x.ics.part").exists());
}

/// What is there already: the newer one stays, or what was asked for.
#[test]
fn what_is_there_already() {
    let folder = prepared();
    let write =
        |lines: &str| fs::write(folder.path().join("a.ics"), stream(&event("a", lines))).unwrap();
    let import = |more: &str| {
        succeeds(&convoke(
            folder.path(),
            &format!("import a.ics --user alice{more}"),
        ))
    };
    write("SEQUENCE:1\r\nSUMMARY:one\r\n");
    import("");
    write("SUMMARY:older\r\n");
    assert_eq!(
        import(""),
        "0 stored, 0 updated, 0 unchanged, 1 kept as they are here.\n"
    );
    assert_eq!(
        import(" --on-conflict overwrite"),
        "0 stored, 1 updated, 0 unchanged.\n"
    );
    write("SEQUENCE:2\r\nSUMMARY:newer\r\n");
    assert_eq!(
        import(" --on-conflict skip"),
        "0 stored, 0 updated, 0 unchanged, 1 kept as they are here.\n"
    );
    assert_eq!(import(""), "0 stored, 1 updated, 0 unchanged.\n");
}

/// Killed or interrupted at any moment, the same once more completes it, and nothing is there twice.
#[test]
fn killed_in_the_middle_and_run_again() {
    const OBJECTS: usize = 3_000;
    let folder = prepared();
    fs::write(folder.path().join("big.ics"), many(OBJECTS)).unwrap();
    let arguments = ["import", "big.ics", "--user", "alice"];
    for (round, milliseconds) in [30_u64, 120, 250, 400, 700].into_iter().enumerate() {
        let mut child = command(folder.path(), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whenever that is, what follows must hold.
        std::thread::sleep(Duration::from_millis(milliseconds));
        let ended = child.try_wait().unwrap();
        let interrupts = round % 2 == 1;
        if ended.is_none() {
            let signal = match interrupts {
                true => rustix::process::Signal::INT,
                false => rustix::process::Signal::KILL,
            };
            let _gone =
                rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal);
        }
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = child.wait().unwrap();
        if status.code() == Some(1) {
            assert!(
                said.contains("interrupted; the same command once more goes on"),
                "{said}"
            );
        }
    }
    let said = succeeds(&convoke(folder.path(), "import big.ics --user alice"));
    let number = |word: &str| -> usize {
        let before = said.split(word).next().unwrap().trim_end();
        before.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(number("stored") + number("unchanged"), OBJECTS, "{said}");
    assert_eq!(number("updated"), 0, "{said}");
    let again = succeeds(&convoke(folder.path(), "import big.ics --user alice"));
    assert_eq!(
        again,
        format!("0 stored, 0 updated, {OBJECTS} unchanged.\n")
    );
    let out = succeeds(&convoke(
        folder.path(),
        "export --user alice --calendar Büro out.ics",
    ));
    assert_eq!(
        out,
        format!("out.ics holds {OBJECTS} objects of 1 calendar.\n")
    );
    succeeds(&convoke(folder.path(), "check"));
}
