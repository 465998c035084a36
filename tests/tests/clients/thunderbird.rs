//! Debian's Thunderbird without a screen.

use std::{fs, process::ChildStdin};

use serde_json::{Value, json};
use tests::house;

use super::{
    desktop::{Home, Program, wait_for},
    marionette::Marionette,
};

/// Ends Thunderbird with the input, and so with the test, however that ends.
const WHILE_THERE_IS_INPUT: &str = r#""$@" & read -r _; kill $!; wait"#;
pub struct Thunderbird {
    marionette: Marionette,
    /// What is done inside.
    script: String,
    _input: ChildStdin,
    home: Home,
}

impl Thunderbird {
    /// Starts it with a new profile. It reaches this machine and nothing else: all other addresses have a proxy
    /// at a port where nobody listens.
    pub fn start() -> Thunderbird {
        let mut home = Home::new();
        let profile = home.path().join("profile");
        fs::create_dir(&profile).unwrap();
        let preferences = [
            ("marionette.port", json!(0)),
            ("network.proxy.type", json!(1)),
            ("network.proxy.http", json!("127.0.0.1")),
            ("network.proxy.http_port", json!(9)),
            ("network.proxy.ssl", json!("127.0.0.1")),
            ("network.proxy.ssl_port", json!(9)),
            ("network.proxy.no_proxies_on", json!("127.0.0.1")),
            ("app.update.auto", json!(false)),
            ("datareporting.policy.dataSubmissionEnabled", json!(false)),
            ("mail.provider.suppress_dialog_on_startup", json!(true)),
            ("mail.spotlight.firstRunDone", json!(true)),
            ("mailnews.start_page.enabled", json!(false)),
        ];
        let lines = preferences.map(|(name, value)| format!("user_pref(\"{name}\", {value});\n"));
        fs::write(profile.join("user.js"), lines.concat()).unwrap();
        let (input, _output) = home.start(&[
            "sh",
            "-c",
            WHILE_THERE_IS_INPUT,
            "sh",
            "thunderbird",
            "--headless",
            "--no-remote",
            "--marionette",
            "--remote-allow-system-access",
            "--profile",
            profile.to_str().unwrap(),
        ]);
        let port = wait_for("Thunderbird's start", || {
            let port = fs::read_to_string(profile.join("MarionetteActivePort"));
            let port = port.map_err(|_| home.complaints())?;
            port.trim().parse().map_err(|_| port)
        });
        let marionette = Marionette::connect(port)
            .unwrap_or_else(|error| panic!("{error}\n{}", home.complaints()));
        let script = house::root().join("tests/tests/clients/thunderbird.js");
        Thunderbird {
            marionette,
            script: fs::read_to_string(script).unwrap(),
            _input: input,
            home,
        }
    }
}

impl Program for Thunderbird {
    fn ask(&mut self, action: &str, given: &Value) -> Result<Value, String> {
        let came = self
            .marionette
            .run(&self.script, &[action.into(), given.clone()])
            .map_err(|error| format!("{error}\n{}", self.home.complaints()))?;
        match came.get("error").and_then(Value::as_str) {
            None => Ok(came["value"].clone()),
            Some(error) => Err(error.to_owned()),
        }
    }
}
