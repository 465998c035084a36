//! `convoke demo`

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use storage::model::{Booking, PrincipalKind};

use super::{Failure, Output, run};
use crate::{
    accounts::{Accounts, Entry, Operation},
    cli::Demo,
    configuration::LogFormat,
    logging,
    mail::{MailOptions, MailRoute},
    secret::Secret,
    server::{Options, Running, Storage},
};

/// The people; each has the name as password.
const PEOPLE: [(&str, &str); 3] = [
    ("alice", "Alice Adams"),
    ("bob", "Bob Brown"),
    ("carol", "Carol Clark"),
];
/// The mail domain of everybody in the demo.
const DOMAIN: &str = "example.com";

/// Runs it.
///
/// # Errors
/// In words for a person.
pub async fn run(arguments: Demo, output: &mut Output) -> Result<(), Failure> {
    if !arguments.listen.ip().is_loopback() {
        return Err(format!(
            "the demo's passwords are known to everybody, so it listens on this machine only, not on {}; for a server \
             that others can reach use `convoke init`",
            arguments.listen
        )
        .into());
    }
    logging::start("warn", LogFormat::Text);
    let folder = std::path::absolute(&arguments.folder)?;
    run::until_signal(options(&folder, arguments.listen), async |running| {
        std::fs::create_dir_all(mail_folder(&folder))?;
        write_configuration(&folder, running)?;
        make_accounts(running).await?;
        for line in welcome(running.public_url(), &folder) {
            output.line(&line);
        }
        Ok(())
    })
    .await
}

fn options(folder: &Path, listen: SocketAddr) -> Options {
    Options {
        listen: vec![listen],
        mail: MailOptions {
            route: MailRoute::Folder(mail_folder(folder)),
            system_address: format!("calendar@{DOMAIN}"),
            domains: vec![DOMAIN.to_owned()],
        },
        ..Options::new(Storage::Folder(folder.join("data")))
    }
}

fn mail_folder(folder: &Path) -> PathBuf {
    folder.join("mail")
}

fn configuration_file(folder: &Path) -> PathBuf {
    folder.join("convoke.toml")
}

/// Writes the configuration that the other commands find the demo's data by, and that would serve it. The demo
/// itself does not read it, and leaves one that is there as it is.
fn write_configuration(folder: &Path, running: &Running) -> Result<(), Failure> {
    let file = configuration_file(folder);
    if file.exists() {
        return Ok(());
    }
    let listen: Vec<String> = (running.addresses().iter())
        .map(|address| format!("\"{address}\""))
        .collect();
    let text = format!(
        "\
# Written by `convoke demo`, for the other commands: `convoke --config FILE log OBJECT` and the like.
# What can stand here is in the file that `convoke init` writes.
listen = [{listen}]
public_url = \"{url}\"
data = \"data\"

[mail]
domains = [\"{DOMAIN}\"]
folder = \"mail\"
",
        listen = listen.join(", "),
        url = running.public_url(),
    );
    std::fs::write(&file, text)
        .map_err(|error| format!("{} cannot be written: {error}", file.display()).into())
}

/// Makes who is missing. What a user of the demo changed stays: the passwords too, because an import
/// does not touch those that were changed since.
async fn make_accounts(running: &Running) -> Result<(), Failure> {
    let people = PEOPLE.map(|(name, display_name)| Entry {
        password: Some(Secret::from(name.to_owned())),
        display_name: Some(display_name.to_owned()),
        addresses: Some(vec![format!("mailto:{name}@{DOMAIN}")]),
        administrator: Some(name == "alice"),
        ..Entry::new(PrincipalKind::User, name)
    });
    let room = Entry {
        display_name: Some("Garden Room".to_owned()),
        addresses: Some(vec![format!("mailto:garden-room@{DOMAIN}")]),
        capacity: Some(8),
        booking: Some(Booking::Automatic),
        ..Entry::new(PrincipalKind::Location, "garden-room")
    };
    let group = Entry {
        display_name: Some("The Team".to_owned()),
        addresses: Some(vec![format!("mailto:team@{DOMAIN}")]),
        members: Some(PEOPLE.map(|(name, _)| name.to_owned()).to_vec()),
        ..Entry::new(PrincipalKind::Group, "team")
    };
    let mut missing = Vec::new();
    for entry in people.into_iter().chain([room, group]) {
        if running
            .store()
            .principal_by_name(&entry.name)
            .await?
            .is_none()
        {
            missing.push(entry);
        }
    }
    let accounts = Accounts::new(running.desk().clone(), running.passwords().clone());
    accounts.perform(Operation::Import(missing)).await?;
    Ok(())
}

/// What a new user reads.
fn welcome(url: &str, folder: &Path) -> Vec<String> {
    let text = format!(
        "\
Convoke runs at {url}

People        alice (administrator), bob, carol; each with the name as password
Addresses     alice@{DOMAIN}, bob@{DOMAIN}, carol@{DOMAIN}
Room          garden-room@{DOMAIN}
Group         team@{DOMAIN}
Data          {data}
Sent mail     {mail} (*.eml; nothing leaves this machine)

Try it with curl; this lists Alice's calendars:

  curl -u alice:alice -X PROPFIND -H 'Depth: 1' {url}/dav/calendars/users/alice/

or with a calendar program; the server's address is enough:

  Thunderbird   Calendar > New Calendar > On the Network; user name alice, location {url}
  Apple         Settings > Internet Accounts > Add Other Account > CalDAV Account > Manual;
                user name alice, password alice, server address {url}
  DAVx5         Add account > Login with URL and user name; base URL {url}
                (on a phone use an address that it can reach; see convoke init)

Add bob's account beside it, let alice invite bob@{DOMAIN}, and see the invitation arrive. Invite
somebody@elsewhere.example, and find the mail in the folder above. Who was told of an event, and why:

  convoke --config {configuration} log {url}/dav/calendars/users/alice/calendar/NAME.ics

Ctrl-C stops it. Started again, everything is still there; delete the folder to begin anew:
{folder}",
        data = folder.join("data").display(),
        mail = mail_folder(folder).display(),
        configuration = configuration_file(folder).display(),
        folder = folder.display(),
    );
    text.lines().map(str::to_owned).collect()
}
