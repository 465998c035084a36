//! Ctrl-C in the middle of the long commands: what stands afterwards is whole, and the command can be given
//! again.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
};

use server::{Storage, data, environment};
use storage::backend::{Commit, Operation};

/// Commits, and rows of each, that give the commands something to do.
const COMMITS: u32 = 200;
const ROWS: u32 = 150;
const ROW_OCTETS: usize = 1_000;
/// A command may be through before the signal is there.
const ATTEMPTS: usize = 20;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An installation with much in it.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    succeeds(
        path,
        &["init", "--listen", "127.0.0.1:0", "--generate-password"],
    );
    let config = fs::read_to_string(path.join("convoke.toml")).unwrap();
    let data = config
        .lines()
        .find_map(|line| line.strip_prefix("data = \""))
        .unwrap();
    let data = path.join(data.trim_end_matches('"'));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = data::open(&Storage::Folder(data), None, &environment::system())
            .await
            .unwrap();
        for commit in 0..COMMITS {
            // A keyspace that nothing else uses.
            let put = |row: u32| {
                let key = [&[250][..], &(commit * ROWS + row).to_be_bytes()].concat();
                Operation::Put(key.into(), vec![row as u8; ROW_OCTETS].into())
            };
            let commit = Commit {
                operations: (0..ROWS).map(put).collect(),
                ..Commit::default()
            };
            store.backend().commit(commit).await.unwrap();
        }
        store.backend().close().await;
    });
    folder
}

/// Starts a command, sends it a signal when it says for the first time how far it is, and waits for its end.
fn interrupted(folder: &Path, signal: &str, arguments: &[&str]) -> Output {
    let mut child = command(folder, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    errors.read_line(&mut said).unwrap();
    assert!(
        said.starts_with(&format!("{}: ", arguments[0])),
        "no word of progress but {said:?}"
    );
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
    assert!(sent.success() || child.try_wait().unwrap().is_some());
    errors.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    Output {
        stderr: said.into_bytes(),
        ..output
    }
}

/// Does so until the signal comes in the middle; each time `after` sees what stands then, and whether it was
/// interrupted.
fn in_the_middle(folder: &Path, arguments: &[&str], status: i32, after: impl Fn(bool)) {
    for attempt in 0..ATTEMPTS {
        let signal = ["-INT", "-TERM"][attempt % 2];
        let output = interrupted(folder, signal, arguments);
        let was_interrupted = !output.status.success();
        after(was_interrupted);
        if was_interrupted {
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(status), "{said}");
            assert!(said.contains("interrupted"), "{said}");
            return;
        }
    }
    panic!("{arguments:?} was through each time before the signal came");
}

#[test]
fn what_stands_after_ctrl_c() {
    let folder = filled();
    let path = folder.path();
    let (backup, restored) = (path.join("backup"), path.join("restored"));

    in_the_middle(path, &["backup", "backup"], 1, |was_interrupted| {
        assert_eq!(backup.exists(), !was_interrupted);
        assert!(!path.join("backup.part").exists());
        let _ = fs::remove_file(&backup);
    });
    succeeds(path, &["backup", "backup"]);

    let restore = ["restore", "backup", "--into", "restored"];
    in_the_middle(path, &restore, 1, |was_interrupted| {
        assert_eq!(restored.exists(), !was_interrupted);
        assert!(!path.join("restored.restoring").exists());
        let _ = fs::remove_dir_all(&restored);
    });
    succeeds(path, &restore);

    in_the_middle(path, &["check", "--repair"], 2, |_| {});
    assert_eq!(succeeds(path, &["check"]), "everything is sound\n");

    in_the_middle(path, &["compact"], 1, |_| {});
    assert_eq!(succeeds(path, &["check"]), "everything is sound\n");
    succeeds(path, &["compact"]);
    assert_eq!(succeeds(path, &["check"]), "everything is sound\n");
}

/// A server goes on when the command that asked it is interrupted, and stops as soon as it is told to.
#[test]
fn a_server_goes_on_after_ctrl_c() {
    let folder = filled();
    let path = folder.path();
    let mut server = command(path, &["serve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("Convoke serves"), "{line}");
    for (arguments, status) in [
        (&["backup", "backup"][..], 1),
        (&["check"], 2),
        (&["compact"], 1),
    ] {
        in_the_middle(path, arguments, status, |_| {
            let _ = fs::remove_file(path.join("backup"));
        });
        assert!(succeeds(path, &["user", "list"]).contains("NAME"));
    }
    let pid = server.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert!(server.wait().unwrap().success());
    assert_eq!(succeeds(path, &["check"]), "everything is sound\n");
}
