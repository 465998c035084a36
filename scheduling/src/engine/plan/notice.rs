//! The owner of a calendar hears of what somebody else sent in the owner's name.

use bytes::Bytes;

use super::{
    Change, Delivery, Plan,
    outbox::{kind_of_message, kind_of_reply, mail_address_of},
};
use crate::{
    engine::{Method, details::details, entry::attendees},
    mail::{MessageKind, OutgoingMessage, Party, Voice},
};

/// The mail to the owner, where a delegate sent something, the owner wants to hear of it, and can.
pub(super) fn notice(change: &Change<'_>, plan: &Plan) -> Option<OutgoingMessage> {
    let acting = change.acting?;
    if !change.owner.delegate_notices || !change.mail_possible {
        return None;
    }
    let kind = kind_of_plan(change, plan)?;
    let object = plan.object.as_ref().or(change.before)?;
    let address = mail_address_of(change.owner)?;
    Some(OutgoingMessage {
        kind,
        voice: Voice::Notice,
        method: String::new(),
        from: Party {
            address: mail_address_of(acting)
                .unwrap_or_else(|| address.clone())
                .into_owned(),
            name: Some(acting.display_name.clone()),
        },
        to: Party {
            address: address.into_owned(),
            name: Some(change.owner.display_name.clone()),
        },
        details: details(object, change.owner.time_zone.as_deref()).into(),
        calendar: Bytes::new(),
        language: change.owner.language.clone(),
        home: change.owner.home?,
        uid: String::new(),
        recipient: change.owner.addresses.first()?.clone(),
    })
}

/// What was sent; of several things, what matters most: who is invited, before who is not any more.
fn kind_of_plan(change: &Change<'_>, plan: &Plan) -> Option<MessageKind> {
    let deliveries = plan.deliveries.iter();
    let here = deliveries
        .filter(|delivery| !delivery.message.is_refresh)
        .filter_map(|delivery| kind_of_delivery(change, delivery));
    let kinds: Vec<MessageKind> = here
        .chain(plan.mails.iter().map(|mail| mail.kind))
        .collect();
    let is_cancellation = |kind: &&MessageKind| **kind == MessageKind::Cancellation;
    let first_other = kinds.iter().find(|kind| !is_cancellation(kind));
    first_other.or(kinds.first()).copied()
}

fn kind_of_delivery(change: &Change<'_>, delivery: &Delivery) -> Option<MessageKind> {
    let message = &delivery.message;
    match message.method {
        Method::Reply => message
            .entries()
            .flat_map(attendees)
            .next()
            .map(kind_of_reply),
        method => Some(kind_of_message(
            method,
            change.before.is_none() || change.is_dormant,
        )),
    }
}
