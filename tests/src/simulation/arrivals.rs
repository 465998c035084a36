//! Mail arrives: at people elsewhere, and at the house, where each letter has its effect at most once and makes nobody
//! write who was not asked.

use scheduling::{
    Refusal,
    desk::{Effect, IncomingMessage, Reception},
    mail,
};

use super::{
    Dice,
    elsewhere::{Flying, Letter},
    house::{House, address},
};

/// Mails that are looked at.
const MAILS: usize = 10_000;

impl House {
    /// Lets some of what is on its way arrive, in any order; says how many.
    ///
    /// # Errors
    /// The house takes a letter otherwise than it must.
    pub async fn arrive(&self, dice: &Dice, most: usize) -> Result<usize, String> {
        for number in 0..most {
            let next = self.elsewhere().next(dice);
            let Some(next) = next else {
                return Ok(number);
            };
            match &next {
                Flying::Out(letter) => {
                    let now = self.now_seconds();
                    self.elsewhere().arrive(dice, letter, now);
                }
                Flying::Back(bounce) => match self.desk.record_bounce(bounce).await {
                    Ok(true) => {}
                    Ok(false) => return Err("no mail is known that came back".to_owned()),
                    Err(Refusal::Unavailable(_)) => {
                        self.elsewhere().put_back(next);
                        return Ok(number);
                    }
                    Err(error) => return Err(format!("a mail that came back: {error}")),
                },
                Flying::In(letter) => {
                    if !self.take_in(letter).await? {
                        self.elsewhere().put_back(next);
                        return Ok(number);
                    }
                }
            }
        }
        Ok(most)
    }

    /// Hands a letter in; `false` where the store fails.
    async fn take_in(&self, letter: &Letter) -> Result<bool, String> {
        let message = IncomingMessage {
            object: letter.object.clone(),
            method: None,
            sender: address(letter.from),
            recipients: vec![format!("mailto:{}", letter.to)],
            id: Some(letter.id.clone()),
        };
        let disabled = self.disabled.iter();
        let disabled = disabled
            .copied()
            .find(|who| message.recipients == [address(who)]);
        let method = letter.object.calendar().raw_value("METHOD");
        let (before, revision) = (self.mails().await, self.desk.store().backend().revision());
        let received = match self.desk.receive_message(&message).await {
            Ok(received) => received,
            Err(Refusal::Unavailable(_)) => {
                // the server took it, and died before it said so; who is disabled is not invited
                let is_refused = disabled.is_some() && matches!(method, Some("REQUEST" | "ADD"));
                if self.is_dead() && !is_refused {
                    self.elsewhere().taken.insert(letter.id.clone());
                }
                return Ok(false);
            }
            Err(refusal) => return Err(format!("a letter is refused: {refusal}")),
        };
        let [Reception { effect, reason, .. }] = &received[..] else {
            return Err(format!("{} receptions", received.len()));
        };
        let is_gone = self
            .gone
            .is_some_and(|who| message.recipients == [address(who)]);
        if is_gone && *effect == Effect::Refused {
            return Ok(true);
        }
        if let Some(who) = disabled.filter(|_| *effect == Effect::Refused) {
            self.elsewhere().refused(letter, who);
            return Ok(true);
        }
        let is_new = self.elsewhere().taken.insert(letter.id.clone());
        let is_repeated = *effect == Effect::Repeated;
        let text = || String::from_utf8_lossy(&letter.object.to_octets()).into_owned();
        if is_repeated == is_new {
            return Err(format!("{effect:?} ({reason}), new {is_new}:\n{}", text()));
        }
        if is_repeated && self.desk.store().backend().revision() != revision {
            return Err(format!("a second time it has an effect:\n{}", text()));
        }
        if *effect == Effect::Refused {
            return Err(format!("refused, {reason}:\n{}", text()));
        }
        let written = self.mails().await - before;
        // of an instance that is not known, all of the series is asked for
        let is_of_instances = || {
            let mut entries = letter.object.entries();
            entries.all(|entry| entry.property("RECURRENCE-ID").is_some())
        };
        let may_write = match method {
            _ if is_repeated => 0,
            Some("REFRESH" | "ADD") => 1,
            // who answers an older version is told the newest (RFC 5546 §2.1.4)
            Some("REPLY") if *effect == Effect::NotApplied => 1,
            Some("REQUEST" | "CANCEL") if is_of_instances() => 1,
            _ => 0,
        };
        match written > may_write {
            true => Err(format!("{written} mails because of:\n{}", text())),
            false => Ok(true),
        }
    }

    async fn mails(&self) -> usize {
        let mails = self.desk.store().list_work(mail::QUEUE, None, MAILS).await;
        mails.expect("readable").len()
    }
}
