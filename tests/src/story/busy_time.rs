//! `WHO asks about NAMES on DAY`: when people are busy, as somebody here or elsewhere is told.

use bytes::Bytes;
use scheduling::{
    Conditions,
    desk::{ChangeAccess, IncomingMessage},
    mail::{self, MessageKind, OutgoingMessage},
};
use storage::access::{Ace, AcePrincipal, Privilege};

use super::Teller;
use crate::simulation::house::{address, parse, path};

/// A question about a day (RFC 5546 §3.3.2), with the METHOD of a mail.
fn question(asks: &str, about: &[&str], day: &str) -> Bytes {
    let attendees: String = about
        .iter()
        .map(|name| format!("ATTENDEE:{}\r\n", address(name)))
        .collect();
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Story//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q-{day}\r\n\
         DTSTAMP:20260101T000000Z\r\nDTSTART:2026{day}T000000Z\r\nDTEND:2026{day}T235959Z\r\nORGANIZER:{}\r\n{attendees}\
         END:VFREEBUSY\r\nEND:VCALENDAR\r\n",
        address(asks)
    );
    Bytes::from(text)
}

/// What an answer says, a line each: `bob busy 0900-1000`, `bob free`.
fn told(name: &str, answer: &[u8]) -> Vec<String> {
    let object = parse(answer);
    let lines = object
        .entries()
        .flat_map(|entry| entry.properties_named("FREEBUSY"));
    let mut told: Vec<String> = lines
        .map(|line| {
            let kind = match line.parameter("FBTYPE").as_deref() {
                None | Some("BUSY") => "busy",
                Some("BUSY-TENTATIVE") => "tentative",
                Some(_) => "away",
            };
            let ends: Vec<&str> = line.raw_value().split('/').map(time_of_day).collect();
            format!("{name} {kind} {}", ends.join("-"))
        })
        .collect();
    if told.is_empty() {
        told.push(format!("{name} free"));
    }
    told
}

/// `0900` of `20260302T090000Z`.
fn time_of_day(moment: &str) -> &str {
    moment.get(9..13).unwrap_or(moment)
}

fn is_told(told: &[String], expected: &[&str]) -> Result<(), String> {
    match told == expected {
        true => Ok(()),
        false => Err(format!("there is\n  {}", told.join("\n  "))),
    }
}

impl Teller {
    /// Somebody here asks, by their outbox (RFC 6638 §5).
    pub(super) async fn ask(
        &mut self,
        about: &[&str],
        day: &str,
        expected: &[&str],
    ) -> Result<(), String> {
        let outbox = path(self.actor, "outbox");
        let question = question(self.actor, about, day);
        let actor = self.house.actor(self.actor);
        let desk = &self.house.desk;
        let answers = desk.ask_for_busy_time(actor, &outbox, question).await;
        let answers = answers.map_err(|refusal| refusal.to_string())?;
        let mut lines = Vec::new();
        for (name, answer) in about.iter().zip(&answers) {
            let status = answer.request_status.split(';').next().unwrap_or_default();
            match &answer.calendar_data {
                Some(data) => lines.extend(told(name, data)),
                None => lines.push(format!("{name} {status}")),
            }
        }
        is_told(&lines, expected)
    }

    /// Somebody elsewhere asks, by mail; what is below is what the mail says that comes back.
    pub(super) async fn ask_by_mail(
        &mut self,
        asks: &str,
        who: &str,
        day: &str,
        expected: &[&str],
    ) -> Result<(), String> {
        let message = IncomingMessage {
            object: parse(&question(asks, &[who], day)),
            method: None,
            sender: address(asks),
            recipients: vec![address(who)],
            id: None,
        };
        let before = self.busy_times_sent_to(asks).await?.len();
        self.receive(&message).await?;
        let sent = self.busy_times_sent_to(asks).await?;
        let new = sent.get(before..).unwrap_or_default();
        let told: Vec<String> = new.iter().flat_map(|mail| told(who, mail)).collect();
        is_told(&told, expected)
    }

    async fn busy_times_sent_to(&self, asks: &str) -> Result<Vec<Vec<u8>>, String> {
        let rows = self.house.desk.store().list_work(mail::QUEUE, None, 1_000);
        let rows = rows.await.map_err(|error| error.to_string())?;
        let mails = rows
            .iter()
            .filter_map(|(_, work)| OutgoingMessage::decode(&work.payload));
        let answers =
            mails.filter(|mail| mail.kind == MessageKind::BusyTime && mail.to.address == asks);
        Ok(answers.map(|mail| mail.calendar.to_vec()).collect())
    }

    /// `WHO shows everybody when they are busy`, without signing in: by the inbox, and by the calendar.
    pub(super) async fn show_to_everybody(&mut self) -> Result<(), String> {
        for (place, privilege) in [
            ("inbox", Privilege::ScheduleQueryFreeBusy),
            ("calendar", Privilege::ReadFreeBusy),
        ] {
            let change = ChangeAccess {
                path: path(self.actor, place),
                aces: vec![Ace::grant(AcePrincipal::All, &[privilege])],
                conditions: Conditions::default(),
            };
            let actor = self.house.actor(self.actor);
            let changed = self.house.desk.change_access(actor, change).await;
            changed.map_err(|refusal| refusal.to_string())?;
        }
        Ok(())
    }
}
