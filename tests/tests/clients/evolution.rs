//! Debian's Evolution without its windows: evolution-data-server on a D-Bus of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::ChildStdin,
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};
use tests::house;

use super::desktop::{Home, PATIENCE, Program};

/// A bus for one session, whose socket is in the home folder.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=HOME/run/bus</listen>
  <auth>EXTERNAL</auth>
  <standard_session_servicedirs/>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

pub struct Evolution {
    input: ChildStdin,
    answers: mpsc::Receiver<String>,
    home: Home,
}

impl Evolution {
    /// Starts it for somebody who has no account yet.
    pub fn start() -> Evolution {
        let mut home = Home::new();
        let bus = home.path().join("bus.conf");
        let folder = home.path().to_str().unwrap();
        fs::write(&bus, BUS.replace("HOME", folder)).unwrap();
        let script = house::root().join("tests/tests/clients/evolution.py");
        let (input, output) = home.start(&[
            "dbus-run-session",
            "--config-file",
            bus.to_str().unwrap(),
            "--",
            // Debian's own, for which Debian's packages are.
            "/usr/bin/python3",
            script.to_str().unwrap(),
        ]);
        let (lines, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Evolution {
            input,
            answers,
            home,
        }
    }

    fn exchange(&mut self, action: &str, given: &Value) -> Result<Value, String> {
        let sent = writeln!(self.input, "{}", json!([action, given]));
        sent.map_err(|error| error.to_string())?;
        // Longer than it waits itself.
        let answer = self.answers.recv_timeout(2 * PATIENCE);
        let answer = answer.map_err(|error| error.to_string())?;
        serde_json::from_str(&answer).map_err(|error| format!("{error} in {answer}"))
    }
}

impl Program for Evolution {
    fn ask(&mut self, action: &str, given: &Value) -> Result<Value, String> {
        let came = self.exchange(action, given);
        let came = came.map_err(|error| format!("{error}\n{}", self.home.complaints()))?;
        match came.get("error").and_then(Value::as_str) {
            None => Ok(came["value"].clone()),
            Some(error) => Err(format!("{error}\n{}", self.home.complaints())),
        }
    }
}
