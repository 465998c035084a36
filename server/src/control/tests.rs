#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use scheduling::{Desk, desk::Settings};
use storage::{Store, memory::Memory, model::PrincipalKind, testing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    accounts::{Accounts, Entry, Operation},
    authentication::{Argon2Cost, Passwords},
    maintenance::{Ended, Maintenance, Said},
};

async fn served() -> Served {
    let environment = testing::environment();
    let backend = Arc::new(Memory::new(Arc::clone(&environment.clock)));
    let store = Store::open(backend, environment.clone()).await.unwrap();
    let passwords = Passwords::new(environment, Argon2Cost::FOR_TESTS);
    let desk = Desk::new(store, Settings::default());
    Served {
        accounts: Accounts::new(desk.clone(), passwords),
        desk,
        sync_logs: storage::LogRetention::default(),
    }
}

#[tokio::test]
async fn a_command_reaches_the_server_and_its_answer_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    let control = Control::start(socket.clone(), served().await).unwrap();
    let add = Operation::Add(Box::new(Entry::new(PrincipalKind::User, "alice")));
    assert_eq!(ask(&socket, &add).await.unwrap(), Ok(Outcome::Done));
    let twice = ask(&socket, &add).await.unwrap().unwrap_err();
    assert_eq!(twice.to_string(), "user \"alice\": the name is taken");
    let Ok(Outcome::Listed(users)) = ask(&socket, &Operation::List(PrincipalKind::User))
        .await
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(users.len(), 1);
    control.stop(Duration::from_secs(10)).await;
    assert!(!socket.exists());
    assert!(matches!(
        ask(&socket, &add).await,
        Err(AskError::NotRunning)
    ));
}

#[tokio::test]
async fn the_socket_is_its_owners_only() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    let control = Control::start(socket.clone(), served().await).unwrap();
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    control.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn what_a_dead_server_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let list = Operation::List(PrincipalKind::User);
    assert!(matches!(
        ask(&socket, &list).await,
        Err(AskError::NotRunning)
    ));
    let control = Control::start(socket.clone(), served().await).unwrap();
    assert!(ask(&socket, &list).await.unwrap().is_ok());
    control.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn nonsense_is_answered_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    let control = Control::start(socket.clone(), served().await).unwrap();
    let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
    stream.write_all(b"nonsense\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let octets = stream.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..octets]).contains("is it of another version?"));
    assert!(
        ask(&socket, &Operation::List(PrincipalKind::User))
            .await
            .unwrap()
            .is_ok()
    );
    control.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_check_is_heard_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    let check = Maintenance::Check {
        repair: true,
        give_up_messages: false,
    };
    let nobody = maintain(&socket, &check, |_| {}).await;
    assert!(matches!(nobody, Err(AskError::NotRunning)));
    let control = Control::start(socket.clone(), served().await).unwrap();
    let mut heard = Vec::new();
    let ended = maintain(&socket, &check, |said| heard.push(said)).await;
    assert_eq!(ended.unwrap(), Ended::Well);
    let sound = Said::Line("everything is sound".to_owned());
    assert_eq!(heard.last(), Some(&sound));
    assert!(heard.iter().any(|said| matches!(said, Said::Progress(_))));
    let ended = maintain(&socket, &Maintenance::Compact, |_| {}).await;
    assert_eq!(ended.unwrap(), Ended::Well);
    control.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn whoever_goes_away_ends_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let socket = socket_path(folder.path());
    let control = Control::start(socket.clone(), served().await).unwrap();
    let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
    stream
        .write_all(b"{\"Check\":{\"repair\":false}}\n")
        .await
        .unwrap();
    drop(stream);
    // Stops at once, since nothing is under way any more.
    control.stop(Duration::from_secs(10)).await;
}
