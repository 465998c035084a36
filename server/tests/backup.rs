//! Backups, restores and held mail as a person makes them: with a running server and without.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use scheduling::mail::{Details, MessageKind, OutgoingMessage, Party, QUEUE, Voice};
use server::{Storage, data, environment};
use storage::{
    Store, Timestamp,
    model::{CollectionId, Work, WorkId},
};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

fn convoke(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
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

/// A new installation, with a journal that is archived.
fn initialised() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    succeeds(&convoke(
        path,
        &["init", "--listen", "127.0.0.1:0", "--generate-password"],
    ));
    let config = path.join("convoke.toml");
    let text = fs::read_to_string(&config).unwrap();
    let archive = "#archive = \"/var/backups/convoke/journal\"";
    assert!(text.contains(archive), "{text}");
    let text = text.replace("#[backup]", "[backup]");
    fs::write(&config, text.replace(archive, "archive = \"archive\"")).unwrap();
    folder
}

fn add_user(folder: &Path, name: &str) {
    succeeds(&convoke(
        folder,
        &["user", "add", name, "--generate-password"],
    ));
}

/// The users of the configured data folder.
fn users(folder: &Path) -> String {
    succeeds(&convoke(folder, &["user", "list"]))
}

/// Lets the configuration name another data folder.
fn use_data(folder: &Path, name: &str) {
    let config = folder.join("convoke.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text: Vec<String> = text
        .lines()
        .map(|line| match line.starts_with("data = ") {
            true => format!("data = \"{name}\""),
            false => line.to_owned(),
        })
        .collect();
    fs::write(config, text.join("\n") + "\n").unwrap();
}

/// A server that is killed at the end.
struct Serving(Child);

impl Serving {
    fn start(folder: &Path) -> Serving {
        let mut child = command(folder, &["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("Convoke serves"), "{line}");
        Serving(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a test both ways.
fn with_and_without_a_server(test: impl Fn(&Path)) {
    for with in [true, false] {
        let folder = initialised();
        let _serving = with.then(|| Serving::start(folder.path()));
        test(folder.path());
    }
}

#[test]
fn a_backup_is_made_and_restored() {
    with_and_without_a_server(|folder| {
        add_user(folder, "alice");
        let said = succeeds(&convoke(folder, &["backup", "b"]));
        assert!(said.contains("b holds everything up to "), "{said}");
        assert!(said.contains("The configuration file is not part of it"));
        let mode = fs::metadata(folder.join("b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!folder.join("b.part").exists());
        add_user(folder, "bob");

        let said = succeeds(&convoke(folder, &["restore", "b", "--into", "new"]));
        assert!(said.contains("new holds everything up to "), "{said}");
        use_data(folder, "new");
        let users = users(folder);
        assert!(users.contains("alice") && !users.contains("bob"), "{users}");
    });
}

#[test]
fn a_file_is_replaced_only_by_force() {
    with_and_without_a_server(|folder| {
        fs::write(folder.join("b"), "letters").unwrap();
        let refused = fails(&convoke(folder, &["backup", "b"]));
        assert!(refused.contains("b exists already"), "{refused}");
        assert_eq!(fs::read(folder.join("b")).unwrap(), b"letters");
        fs::write(folder.join("b.part"), "of an earlier command").unwrap();
        succeeds(&convoke(folder, &["backup", "b", "--force"]));
        succeeds(&convoke(folder, &["restore", "b", "--into", "new"]));
        let refused = fails(&convoke(folder, &["backup", "missing/b"]));
        assert!(refused.contains("cannot be written"), "{refused}");
    });
}

/// The archive goes on where the backup ends; without a moment it goes to its end.
#[test]
fn the_archive_of_the_configuration() {
    let folder = initialised();
    let folder = folder.path();
    add_user(folder, "alice");
    succeeds(&convoke(folder, &["backup", "b"]));
    add_user(folder, "bob");
    let said = succeeds(&convoke(
        folder,
        &[
            "restore",
            "b",
            "--until",
            "2999-01-01T00:00:00Z",
            "--into",
            "new",
        ],
    ));
    assert!(said.contains("The archive ends there: "), "{said}");
    assert!(
        said.contains("2999-01-01T00:00:00Z, if anything, is missing"),
        "{said}"
    );
    let early = [
        "restore",
        "b",
        "--until",
        "1999-01-01T00:00:00Z",
        "--into",
        "n",
    ];
    let refused = fails(&convoke(folder, &early));
    assert!(refused.contains("take an older one"), "{refused}");
    let zoneless = [
        "restore",
        "b",
        "--until",
        "1999-01-01T00:00:00",
        "--into",
        "n",
    ];
    assert!(fails(&convoke(folder, &zoneless)).contains("is not a moment"));
    assert!(!folder.join("n").exists());
    use_data(folder, "new");
    assert!(users(folder).contains("bob"));
}

#[test]
fn what_cannot_be_restored_changes_nothing() {
    let folder = initialised();
    let folder = folder.path();
    succeeds(&convoke(folder, &["backup", "b"]));
    let refused = fails(&convoke(folder, &["restore", "b"]));
    assert!(refused.contains("is not empty"), "{refused}");
    let octets = fs::read(folder.join("b")).unwrap();
    fs::write(folder.join("cut"), &octets[..octets.len() - 1]).unwrap();
    for (file, complaint) in [
        ("cut", "is damaged or cut short"),
        ("convoke.toml", "is not a backup of Convoke"),
        ("missing", "cannot open"),
    ] {
        let refused = fails(&convoke(folder, &["restore", file, "--into", "new"]));
        assert!(refused.contains(complaint), "{refused}");
        assert!(refused.contains("nothing was restored"), "{refused}");
        assert!(!folder.join("new").exists() && !folder.join("new.restoring").exists());
    }
}

async fn open(folder: &Path) -> Store {
    let storage = Storage::Folder(folder.to_owned());
    data::open(&storage, None, &environment::system())
        .await
        .unwrap()
}

/// Two mails that wait for a time when nobody lives.
async fn leave_mails(folder: &Path) {
    let store = open(folder).await;
    let mut batch = store.batch();
    for guest in ["one", "two"] {
        let message = OutgoingMessage {
            kind: MessageKind::Invitation,
            voice: Voice::Own,
            method: "REQUEST".into(),
            from: Party {
                address: "alice@example.com".into(),
                name: None,
            },
            to: Party {
                address: format!("{guest}@elsewhere.example"),
                name: None,
            },
            details: Arc::new(Details {
                summary: "Lunch\u{1b}[2J".into(),
                ..Details::default()
            }),
            calendar: Bytes::from_static(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
            language: None,
            home: CollectionId(1),
            uid: "the-uid".into(),
            recipient: format!("mailto:{guest}@elsewhere.example"),
        };
        let id = WorkId {
            due: Timestamp(i64::MAX / 2),
            ..store.new_work_id(Timestamp(0))
        };
        let work = Work {
            queue: QUEUE.to_owned(),
            attempts: 1,
            created: Timestamp(0),
            last_error: Some("451 later".into()),
            payload: message.encode().into(),
        };
        batch.enqueue(&id, &work);
    }
    store.commit(batch).await.unwrap();
    store.backend().close().await;
}

/// The identity on the line that names somebody.
fn id_of(list: &str, guest: &str) -> String {
    let line = list.lines().find(|line| line.contains(guest)).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

#[test]
fn mail_that_was_waiting_is_held_until_somebody_decides() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let runtime = Arc::new(runtime);
    with_and_without_a_server(|folder| {
        // The server, if any, runs on the data that is not restored to.
        succeeds(&convoke(folder, &["backup", "empty"]));
        succeeds(&convoke(folder, &["restore", "empty", "--into", "source"]));
        runtime.block_on(leave_mails(&folder.join("source")));
        use_data(folder, "source");
        let list = succeeds(&convoke(folder, &["mail", "list"]));
        assert_eq!(
            list.matches("waiting, tried 1: 451 later").count(),
            2,
            "{list}"
        );
        assert!(succeeds(&convoke(folder, &["mail", "list", "--held"])).contains("No mail."));
        succeeds(&convoke(folder, &["backup", "full"]));

        let said = succeeds(&convoke(folder, &["restore", "full", "--into", "new"]));
        assert!(
            said.contains("2 mails that were waiting are held"),
            "{said}"
        );
        use_data(folder, "new");
        let list = succeeds(&convoke(folder, &["mail", "list", "--held"]));
        for words in [
            "1970-01-01T00:00:00Z",
            "held",
            "alice@example.com",
            "REQUEST the-uid Lunch",
        ] {
            assert_eq!(list.matches(words).count(), 2, "{list}");
        }
        assert!(!list.contains('\u{1b}'));
        let one = id_of(&list, "one@elsewhere.example");
        let unknown = fails(&convoke(folder, &["mail", "release", &one, "ff"]));
        assert!(unknown.contains("no such mail as ff") && unknown.contains("nothing was done"));

        let serving = Serving::start(folder);
        assert!(succeeds(&convoke(folder, &["mail", "drop", &one])).contains("1 mail was dropped"));
        drop(serving);
        let list = succeeds(&convoke(folder, &["mail", "list"]));
        assert!(
            !list.contains("one@elsewhere.example") && list.contains("held"),
            "{list}"
        );
        let released = succeeds(&convoke(folder, &["mail", "release", "--all"]));
        assert!(released.contains("1 mail was released."), "{released}");
        let list = succeeds(&convoke(folder, &["mail", "list"]));
        assert!(
            list.contains("two@elsewhere.example") && list.contains("waiting"),
            "{list}"
        );
        assert!(succeeds(&convoke(folder, &["mail", "list", "--held"])).contains("No mail."));
    });
}

/// A store that no start takes because of what is lost: the refusal names the way, and the way works.
#[test]
fn what_is_left_is_salvaged() {
    let folder = initialised();
    let path = folder.path();
    use_data(path, "data");
    let refused = fails(&convoke(path, &["salvage", "--into", "rest"]));
    assert!(refused.contains("holds no data"), "{refused}");
    add_user(path, "ann");
    add_user(path, "bob");
    add_user(path, "eve");
    // Each command began a segment of the journal; the one in the middle is damaged, and so is the index.
    let mut segments: Vec<_> = fs::read_dir(path.join("data/journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort();
    let segment = &segments[segments.len() - 2];
    let mut octets = fs::read(segment).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    fs::write(segment, &octets).unwrap();
    fs::remove_dir_all(path.join("data/index")).unwrap();
    let _no_archive = fs::remove_dir_all(path.join("archive"));
    let refused = fails(&convoke(path, &["user", "list"]));
    assert!(refused.contains("are lost"), "{refused}");
    assert!(refused.contains("convoke help salvage"), "{refused}");

    let said = succeeds(&convoke(path, &["salvage", "--into", "rest"]));
    assert!(said.contains("are lost"), "{said}");
    assert!(said.contains("was not changed"), "{said}");
    assert_eq!(fs::read(segment).unwrap(), octets);
    use_data(path, "rest");
    let left = users(path);
    assert!(left.contains("ann"), "{left}");
    assert!(!left.contains("eve"), "{left}");
    assert!(succeeds(&convoke(path, &["check"])).contains("everything is sound"));
    let twice = fails(&convoke(
        path,
        &["salvage", "--from", "data", "--into", "rest"],
    ));
    assert!(twice.contains("is not empty"), "{twice}");
}
