//! Questions for busy time that come from outside (RFC 5546 §3.3.2).
//!
//! A mail proves an address, and not that anybody has signed in: whoever asks learns what everybody may know without,
//! by the privileges of the inbox (RFC 6638 §6.1.1) and of the calendars. Nobody else is answered; an answer would tell
//! a stranger that somebody has this address.

use std::sync::Arc;

use storage::{Batch, Timestamp, model::Principal};

use super::Desk;
use crate::{
    Actor, Refusal,
    engine::{self, Addressee, Directory, Message, Status, Unacceptable},
    free_busy::FreeBusyRequest,
    log::{About, LogEntry, LogLine, Occasion, Verdict, Way},
    mail::OutgoingMessage,
};

impl Desk {
    /// Puts the answer to a question into the batch.
    ///
    /// The inner error: why there is none.
    pub(super) async fn answer_question(
        &self,
        batch: &mut Batch,
        recipient: &Arc<Principal>,
        question: &Message,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Result<(), Unacceptable>, Refusal> {
        let request = match read(question, directory) {
            Ok(request) => request,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut attendees = request.attendees.iter();
        let Some(attendee) = attendees.find(|it| directory.is(it, recipient.id)) else {
            let reason = "it asks about somebody else";
            return Ok(Err(Unacceptable::new(Status::UNKNOWN_USER, reason)));
        };
        let about = Addressee::Local(Arc::clone(recipient));
        let anybody = Actor::anybody();
        let told = self
            .answer_about(&anybody, &about, attendee, &request)
            .await?;
        let Some(answer) = told.calendar_data else {
            return Ok(Err(refused(told.request_status)));
        };
        let mail = engine::answer_by_mail(recipient, attendee, question, answer);
        let mail = mail.filter(|_| self.settings.mail_possible);
        let Some(mail) = mail else {
            let reason = "no mail can be sent to whoever asks";
            return Ok(Err(Unacceptable::new(Status::NOT_ALLOWED, reason)));
        };
        self.enqueue_mail(batch, &mail, now);
        self.log_answered(batch, recipient, &mail, now);
        Ok(Ok(()))
    }

    /// Notes in the recipient's log that somebody was told when they are busy.
    fn log_answered(
        &self,
        batch: &mut Batch,
        recipient: &Principal,
        mail: &OutgoingMessage,
        now: Timestamp,
    ) {
        let Some(home) = recipient.home else {
            return;
        };
        let reason = "everybody may know when they are busy (RFC 6638 §6.1.1)";
        let line = About::default().line(Verdict::Sent, &mail.method, &mail.recipient, reason);
        let entry = LogEntry {
            time: now,
            actor: None,
            occasion: Occasion::Received,
            is_public: true,
            lines: vec![LogLine {
                way: Some(Way::Mail),
                ..line
            }],
        };
        self.log(batch, home, &mail.uid, entry);
    }
}

/// The question, if it is one, and its sender asks it.
fn read(question: &Message, directory: &Directory) -> Result<FreeBusyRequest, Unacceptable> {
    let request = FreeBusyRequest::read(&question.object)
        .map_err(|fault| Unacceptable::new(Status::INVALID_VALUE, fault))?;
    match directory.same_person(&request.organizer, &question.sender) {
        true => Ok(request),
        false => {
            let reason = "somebody else asks than sends it";
            Err(Unacceptable::new(Status::NOT_ALLOWED, reason))
        }
    }
}

/// From the REQUEST-STATUS of an answer without busy time.
fn refused(status: &str) -> Unacceptable {
    match status.split(';').next() {
        Some("3.8") => Unacceptable::new(
            Status::NO_PRIVILEGE,
            "not everybody may know when they are busy (RFC 6638 §6.1.1)",
        ),
        Some("5.1") => Unacceptable::new(Status::UNAVAILABLE, "it takes too much work"),
        _ => Unacceptable::new(Status::NOT_ALLOWED, "they have no calendar"),
    }
}
