//! The letters of a commit: to whom each of them goes, and what became of it.

use std::sync::Arc;

use calendar::CalendarObject;
use storage::model::{Principal, PrincipalId, PrincipalKind};

use super::{
    super::{Desk, copy::Copies, refuse::read_failed},
    letter::Letter,
    rows::Turn,
};
use crate::{
    Refusal,
    engine::{Delivery, Method, Status},
    log::{About, LogLine, Verdict, Way},
};

/// Who sends, what is theirs, and whether they are gone.
pub(super) struct Sender {
    pub principal: Arc<Principal>,
    pub is_gone: bool,
    pub own: Copies,
}

/// Some recipients of a letter, whose turn it is.
pub(super) struct Next {
    pub letter: Letter,
    pub object: CalendarObject,
    pub deliveries: Vec<Delivery>,
    /// Those to whom it cannot go any more, and why.
    pub not_sent: Vec<NotSent>,
}

pub(super) struct NotSent {
    pub recipient: PrincipalId,
    pub address: String,
    /// All of theirs that are known.
    pub addresses: Vec<String>,
    pub status: Status,
    pub reason: &'static str,
}

/// What became of a message to somebody.
pub(super) struct Told<'a> {
    pub recipient: PrincipalId,
    /// All of theirs.
    pub addresses: Vec<&'a str>,
    pub status: Status,
    pub delivery: Option<&'a Delivery>,
}

impl Next {
    /// What became of it; `outcomes` are those of the deliveries.
    pub fn told(&self, outcomes: Vec<(String, Status)>) -> impl Iterator<Item = Told<'_>> {
        let delivered = self.deliveries.iter().zip(outcomes);
        let delivered = delivered.map(|(delivery, (_, status))| {
            let addresses = delivery.recipient.addresses.iter();
            let addresses = addresses.chain([&delivery.address]);
            Told {
                recipient: delivery.recipient.id,
                addresses: addresses.map(|it| &**it).collect(),
                status,
                delivery: Some(delivery),
            }
        });
        let others = self.not_sent.iter().map(|it| Told {
            recipient: it.recipient,
            addresses: it
                .addresses
                .iter()
                .chain([&it.address])
                .map(|it| &**it)
                .collect(),
            status: it.status.clone(),
            delivery: None,
        });
        delivered.chain(others)
    }

    /// The same for the sender's log.
    pub fn lines(&self, outcomes: &[(String, Status)]) -> impl Iterator<Item = LogLine> {
        let method = self.letter.method.as_str();
        let about = About::of(method, &self.object);
        let line = move |verdict, address: &str, status: &Status, reason: &str| LogLine {
            way: Some(Way::Local),
            status: Some(status.as_str().to_owned()),
            ..about.clone().line(verdict, method, address, reason)
        };
        let delivered = outcomes.iter().map({
            let line = line.clone();
            move |(address, status)| line(Verdict::Fared, address, status, "it was waiting")
        });
        let others = self.not_sent.iter();
        delivered
            .chain(others.map(move |it| line(Verdict::NotSent, &it.address, &it.status, it.reason)))
    }
}

impl Desk {
    pub(super) async fn sender_of(&self, turn: &Turn) -> Result<Sender, Refusal> {
        let principal = self.store.principal(turn.sender).await;
        let principal = principal.map_err(read_failed)?;
        let gone = || Principal {
            id: turn.sender,
            ..Principal::new(PrincipalKind::User, "")
        };
        Ok(Sender {
            is_gone: principal.is_none(),
            principal: principal.unwrap_or_else(|| Arc::new(gone())),
            own: self.copies(turn.home, &turn.uid).await?,
        })
    }

    /// A letter's deliveries: what somebody sent who is gone means nothing any more, unless it says that a meeting is off, or
    /// that they do not come.
    pub(super) async fn next(&self, sender: &Sender, letter: Letter) -> Result<Next, Refusal> {
        let object = self.parse(letter.octets.clone())?;
        let mut next = Next {
            deliveries: Vec::with_capacity(letter.recipients.len()),
            not_sent: Vec::new(),
            object,
            letter,
        };
        if sender.is_gone && !matches!(next.letter.method, Method::Cancel | Method::Reply) {
            return Ok(next);
        }
        let is_invited = matches!(next.letter.method, Method::Request | Method::Add);
        let is_invited = is_invited && !next.letter.is_refresh;
        for (id, address) in &next.letter.recipients {
            let recipient: Option<Arc<Principal>> =
                self.store.principal(*id).await.map_err(read_failed)?;
            let fault = match &recipient {
                None => Some((Status::UNKNOWN_USER, "the account is gone")),
                Some(recipient) if is_invited && recipient.disabled => {
                    Some((Status::NOT_ALLOWED, "the account is disabled"))
                }
                Some(_) => None,
            };
            next.not_sent.extend(fault.clone().map(|(status, reason)| {
                NotSent {
                    recipient: *id,
                    address: address.clone(),
                    addresses: recipient
                        .iter()
                        .flat_map(|it| it.addresses.clone())
                        .collect(),
                    status,
                    reason,
                }
            }));
            if let Some(recipient) = recipient.filter(|_| fault.is_none()) {
                next.deliveries.push(Delivery {
                    recipient,
                    address: address.clone(),
                    message: next.letter.message(sender.own.uid(), &next.object),
                });
            }
        }
        Ok(next)
    }
}
