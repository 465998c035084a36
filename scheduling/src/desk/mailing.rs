//! Mails that one commit cannot hold, those of a large meeting to people elsewhere.
//!
//! What they say is kept once for all who get the same. [`Desk::post_outstanding`] makes the mails of it, in bounded
//! commits each of which also takes them off what is left, so that it may be interrupted anywhere and nothing is sent
//! twice.

use std::iter;

use serde::{Deserialize, Serialize};
use storage::{Batch, Timestamp, model::Work};

use super::{
    CommitBounds, Desk,
    outstanding::{OCTETS_PER_COMMIT, fitting},
    queue::Row,
};
use crate::{
    Refusal,
    mail::{self, HELD_MAILING_QUEUE, MAILING_QUEUE, OutgoingMessage, Party},
};

/// A mail to several people, who are told the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mailing {
    /// The mail to the first of them.
    message: OutgoingMessage,
    /// The others in the order of their turn, the last first: how they stand in the mail, and in the sender's object.
    others: Vec<(Party, String)>,
}

/// The payload of a row in [`MAILING_QUEUE`].
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mailings {
    /// The last is the first to be sent.
    waiting: Vec<Mailing>,
}

impl Mailing {
    /// Whether this mail says the same in the same way.
    fn says(&self, mail: &OutgoingMessage) -> bool {
        let to_them = OutgoingMessage {
            to: mail.to.clone(),
            recipient: mail.recipient.clone(),
            ..self.message.clone()
        };
        to_them == *mail
    }

    /// The mail to whose turn it is, and what is left.
    fn next(mut self) -> (OutgoingMessage, Option<Mailing>) {
        let Some((to, recipient)) = self.others.pop() else {
            return (self.message, None);
        };
        let next = OutgoingMessage {
            to,
            recipient,
            ..self.message.clone()
        };
        (std::mem::replace(&mut self.message, next), Some(self))
    }
}

impl Mailings {
    /// These mails in rows, each of which holds about as much as a commit makes of it.
    fn of(mails: &[OutgoingMessage]) -> Vec<Mailings> {
        let mut rows: Vec<Mailings> = Vec::new();
        let mut octets = OCTETS_PER_COMMIT;
        for mail in mails {
            let last = rows.last_mut().and_then(|row| row.waiting.last_mut());
            match last.filter(|last| last.says(mail)) {
                Some(same) => same.others.push((mail.to.clone(), mail.recipient.clone())),
                None => {
                    if octets >= OCTETS_PER_COMMIT {
                        rows.push(Mailings::default());
                        octets = 0;
                    }
                    octets += mail.calendar.len();
                    let row = rows.last_mut().expect("one was pushed");
                    row.waiting.push(Mailing {
                        message: mail.clone(),
                        others: Vec::new(),
                    });
                }
            }
        }
        for row in &mut rows {
            row.waiting.reverse();
            row.waiting
                .iter_mut()
                .for_each(|mailing| mailing.others.reverse());
        }
        rows
    }

    fn next(&mut self) -> Option<OutgoingMessage> {
        let (mail, rest) = self.waiting.pop()?.next();
        self.waiting.extend(rest);
        Some(mail)
    }

    /// Takes what one commit holds.
    fn take(&mut self, bounds: CommitBounds) -> Vec<OutgoingMessage> {
        let octets = self.waiting.iter().rev().flat_map(|mailing| {
            iter::repeat_n(mailing.message.calendar.len(), 1 + mailing.others.len())
        });
        let count = fitting(bounds, octets);
        iter::from_fn(|| self.next()).take(count).collect()
    }
}

impl Desk {
    /// Hands mails to the queue of mails, as many as one commit holds, and the others to [`Desk::post_outstanding`].
    pub(super) fn enqueue_mails(
        &self,
        batch: &mut Batch,
        mails: &[OutgoingMessage],
        now: Timestamp,
    ) {
        let bounds = self.settings.commit_bounds;
        let at_once = fitting(bounds, mails.iter().map(|mail| mail.calendar.len()));
        let (at_once, later) = mails.split_at(at_once);
        for mail in at_once {
            self.enqueue_mail(batch, mail, now);
        }
        for mailings in Mailings::of(later) {
            let row = Work::of(MAILING_QUEUE, &mailings, now);
            batch.enqueue(&self.store.new_work_id(now), &row);
        }
    }

    /// Hands a mail to its queue.
    pub(super) fn enqueue_mail(&self, batch: &mut Batch, mail: &OutgoingMessage, now: Timestamp) {
        self.enqueue_mail_in(mail::QUEUE, batch, mail, now);
    }

    fn enqueue_mail_in(
        &self,
        queue: &str,
        batch: &mut Batch,
        mail: &OutgoingMessage,
        now: Timestamp,
    ) {
        let work = Work::new(queue, mail.encode(), now);
        batch.enqueue(&self.store.new_work_id(now), &work);
    }

    /// Makes one commit of mails that wait to be made; says whether there was one to make, and hence perhaps another. To be
    /// called by a worker whenever [`MAILING_QUEUE`] or [`HELD_MAILING_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn post_outstanding(&self, queue: &str) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.post(&row);
            self.conclude(&row, step).await
        };
        self.work_through(queue, step).await
    }

    fn post(&self, row: &Row) -> Result<Batch, Refusal> {
        let mut rest: Mailings = row.task()?;
        let sent_in = match &*row.work.queue {
            HELD_MAILING_QUEUE => mail::HELD_QUEUE,
            _ => mail::QUEUE,
        };
        let (now, mut batch) = (self.now(), self.store.batch());
        for mail in rest.take(self.settings.commit_bounds) {
            self.enqueue_mail_in(sent_in, &mut batch, &mail, now);
        }
        match rest.waiting.is_empty() {
            true => batch.finish_work(&row.id, &row.work),
            false => {
                let rest = Work::of(&row.work.queue, &rest, row.work.created);
                batch.reschedule(&row.id, &row.work, row.id.due, &rest)
            }
        };
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use storage::model::CollectionId;

    use super::*;
    use crate::mail::{MessageKind, Voice};

    fn mail(to: usize, calendar: &Bytes) -> OutgoingMessage {
        OutgoingMessage {
            kind: MessageKind::Invitation,
            voice: Voice::Own,
            method: "REQUEST".to_owned(),
            from: Party {
                address: "alice@example.com".to_owned(),
                name: None,
            },
            to: Party {
                address: format!("r{to}@elsewhere.test"),
                name: Some(format!("R {to}")),
            },
            details: Arc::default(),
            calendar: calendar.clone(),
            language: None,
            home: CollectionId(7),
            uid: "m".to_owned(),
            recipient: format!("mailto:r{to}@elsewhere.test"),
        }
    }

    /// Of mails with so many octets, alike where the letters are the same: the rows, and how many are taken at a time.
    #[test]
    fn rows_and_commits_are_bounded_and_nobody_is_left_out() {
        const MANY: usize = OCTETS_PER_COMMIT;
        let cases: [(usize, String, &[usize], &[usize]); 6] = [
            (10, "a".to_owned(), &[1], &[1]),
            (10, "a".repeat(120), &[1], &[50, 50, 20]),
            (10, "ab".repeat(60), &[120], &[50, 50, 20]),
            (MANY, "aaab".to_owned(), &[1, 1], &[1, 1, 1, 1]),
            (MANY / 2, "aabbc".to_owned(), &[2, 1], &[2, 2, 1]),
            (MANY / 2, "aba".to_owned(), &[2, 1], &[2, 1]),
        ];
        for (octets, kinds, per_row, per_commit) in cases {
            let text = |kind: char| Bytes::from(kind.to_string().repeat(octets));
            let mails: Vec<OutgoingMessage> = kinds
                .chars()
                .enumerate()
                .map(|(number, kind)| mail(number, &text(kind)))
                .collect();
            let rows = Mailings::of(&mails);
            let waiting: Vec<usize> = rows.iter().map(|row| row.waiting.len()).collect();
            assert_eq!(waiting, per_row, "{kinds}");
            let (mut taken, mut commits) = (Vec::new(), Vec::new());
            for mut row in rows {
                while !row.waiting.is_empty() {
                    let mails = row.take(CommitBounds::default());
                    commits.push(mails.len());
                    taken.extend(mails);
                }
            }
            assert_eq!(taken, mails, "{kinds}");
            assert_eq!(commits, per_commit, "{kinds}");
        }
    }
}
