//! The mail that answers a question for busy time (RFC 5546 §3.3.3).

use bytes::Bytes;
use calendar::{CalendarObject, Limits};
use storage::model::Principal;

use super::{
    Message, Method,
    directory::mail_address,
    plan::{common_name, mail_address_of},
    when::in_words,
};
use crate::mail::{Details, MessageKind, OutgoingMessage, Party, Voice};

/// The mail with somebody's answer about an address of theirs, if mail goes between the two.
pub fn answer_by_mail(
    recipient: &Principal,
    attendee: &str,
    question: &Message,
    answer: Bytes,
) -> Option<OutgoingMessage> {
    let asked = question.entries().next()?.property("ORGANIZER")?;
    let asks = asked.raw_value().trim();
    let from = mail_address(attendee).or_else(|| mail_address_of(recipient))?;
    Some(OutgoingMessage {
        kind: MessageKind::BusyTime,
        voice: Voice::Own,
        method: Method::Reply.as_str().to_owned(),
        from: Party {
            address: from.into_owned(),
            name: Some(recipient.display_name.clone()).filter(|name| !name.is_empty()),
        },
        to: Party {
            address: mail_address(asks)?.into_owned(),
            name: common_name(asked),
        },
        details: details(&answer, recipient.time_zone.as_deref()).into(),
        calendar: answer,
        language: recipient.language.clone(),
        home: recipient.home?,
        uid: question.uid.clone(),
        recipient: asks.to_owned(),
    })
}

/// What part of time it is about, for a title.
fn details(answer: &Bytes, time_zone: Option<&str>) -> Details {
    let object = CalendarObject::parse_shared(answer.clone(), &Limits::default()).ok();
    let when = object.as_ref().and_then(|object| {
        let entry = object.entries().next()?;
        Some(in_words(object, entry, time_zone))
    });
    Details {
        summary: when.unwrap_or_default(),
        ..Details::default()
    }
}
