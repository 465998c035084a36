//! Marionette, by which Mozilla's programs are driven: JSON behind its length, over TCP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::desktop::PATIENCE;

/// A connection with a session, in the window of the program itself.
pub struct Marionette {
    stream: BufReader<TcpStream>,
    commands: u64,
}

impl Marionette {
    /// Begins a session with the program that listens on this port.
    pub fn connect(port: u16) -> Result<Marionette, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        // Longer than a script may take, whose end the program itself sees to.
        stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        let mut marionette = Marionette {
            stream: BufReader::new(stream),
            commands: 0,
        };
        marionette.read()?; // what it is
        marionette.command("WebDriver:NewSession", &json!({}))?;
        marionette.command("Marionette:SetContext", &json!({ "value": "chrome" }))?;
        Ok(marionette)
    }

    /// Runs a script, which calls its last argument with its result. A dialog that opens meanwhile is an error.
    pub fn run(&mut self, script: &str, arguments: &[Value]) -> Result<Value, String> {
        let parameters = json!({
            "script": script,
            "args": arguments,
            "scriptTimeout": u64::try_from(PATIENCE.as_millis()).unwrap(),
        });
        let answer = self.command("WebDriver:ExecuteAsyncScript", &parameters)?;
        Ok(answer["value"].clone())
    }

    fn command(&mut self, name: &str, parameters: &Value) -> Result<Value, String> {
        const COMMAND: u8 = 0;
        self.commands += 1;
        let message = json!([COMMAND, self.commands, name, parameters]).to_string();
        let framed = format!("{}:{message}", message.len());
        let sent = self.stream.get_mut().write_all(framed.as_bytes());
        sent.map_err(|error| error.to_string())?;
        let answer = self.read()?;
        assert_eq!(answer[1], self.commands, "an answer to something else");
        match &answer[2] {
            Value::Null => Ok(answer[3].clone()),
            error => Err(format!("{name}: {error}")),
        }
    }

    fn read(&mut self) -> Result<Value, String> {
        let mut length = Vec::new();
        let read = self.stream.read_until(b':', &mut length);
        read.map_err(|error| error.to_string())?;
        let length = std::str::from_utf8(&length).ok();
        let length = length.and_then(|length| length.strip_suffix(':')?.parse().ok());
        let mut message = vec![0; length.ok_or("the program has ended")?];
        let read = self.stream.read_exact(&mut message);
        read.map_err(|error| error.to_string())?;
        serde_json::from_slice(&message).map_err(|error| error.to_string())
    }
}
