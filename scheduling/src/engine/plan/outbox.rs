//! Where messages go: to people here, by mail, or nowhere.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property, attachment, zone::reference};
use storage::model::Principal;

use super::{Change, Delivery, Plan};
use crate::{
    engine::{
        Addressee, Decision, Directory, Message, Method, Role, Status, details::details,
        directory::mail_address, entry::participation,
    },
    mail::{Details, MessageKind, OutgoingMessage, Party, Voice},
};

/// What leaves with a change.
#[derive(Default)]
pub(super) struct Outbox {
    pub deliveries: Vec<Delivery>,
    pub mails: Vec<OutgoingMessage>,
    pub statuses: Vec<(String, Status)>,
    pub ignored: BTreeSet<String>,
    pub decisions: Vec<Decision>,
    /// What the last mail says: whoever is told the same shares it.
    written: Option<Written>,
}

/// An object as a mail carries it.
#[derive(Clone)]
struct Written {
    object: CalendarObject,
    details: Arc<Details>,
    calendar: Bytes,
}

impl Outbox {
    /// The plan for an object of which `role` is the owner's part.
    pub fn into_plan(self, object: Option<CalendarObject>, role: Role) -> Plan {
        // where nothing is stored, nobody is left to carry a status
        let (statuses, ignored) = match object.is_some() {
            true => (self.statuses, self.ignored),
            false => Default::default(),
        };
        Plan {
            object,
            role,
            deliveries: self.deliveries,
            mails: self.mails,
            statuses,
            ignored,
            notice: None,
            decisions: self.decisions,
        }
    }

    /// Why there are no messages at all.
    pub fn stay_silent(&mut self, reason: &str) {
        self.decisions.push(Decision::NoMessages(reason.to_owned()));
    }

    /// Sends a message to whoever has this address, or notes why it cannot go.
    pub fn send(
        &mut self,
        change: &Change<'_>,
        to: &Property,
        message: Message,
        kind: MessageKind,
        reason: &str,
    ) {
        let address = to.raw_value().trim();
        match change.directory.get(address) {
            Addressee::Local(_) if change.directory.members(address).is_some() => {
                self.pass_over(address, "those in the group are invited themselves");
                self.statuses.push((address.to_owned(), Status::FORWARDED));
            }
            Addressee::Local(principal)
                if principal.disabled && message.method == Method::Request =>
            {
                self.fail(address, Status::NOT_ALLOWED, "the account is disabled");
            }
            Addressee::Local(principal) if can_receive(principal, message.method) => {
                self.note_sent(&message, address, reason);
                let recipient = principal.clone();
                self.deliveries.push(Delivery {
                    recipient,
                    address: address.to_owned(),
                    message,
                });
            }
            Addressee::Local(_) => self.fail(
                address,
                Status::NOT_ALLOWED,
                "this principal has no calendar",
            ),
            Addressee::UnknownLocal => self.fail(
                address,
                Status::UNKNOWN_USER,
                "nobody here has this address",
            ),
            Addressee::Remote => self.send_mail(change, to, message, kind, reason),
        }
    }

    fn send_mail(
        &mut self,
        change: &Change<'_>,
        to: &Property,
        message: Message,
        kind: MessageKind,
        reason: &str,
    ) {
        let address = to.raw_value().trim();
        let Some(mail) = mail_address(address) else {
            return self.fail(
                address,
                Status::UNKNOWN_USER,
                "the address is no mail address",
            );
        };
        let (Some(home), true) = (change.owner.home, change.mail_possible) else {
            return self.fail(address, Status::NOT_ALLOWED, "no mail can be sent");
        };
        let Some(from) = sender(change, &message) else {
            return self.fail(
                address,
                Status::NOT_ALLOWED,
                "the sender has no mail address",
            );
        };
        self.note_sent(&message, address, reason);
        self.statuses.push((address.to_owned(), Status::PENDING));
        let written = self.write(change, message.method, message.object);
        self.mails.push(OutgoingMessage {
            kind,
            voice: voice(change),
            method: message.method.as_str().to_owned(),
            from,
            to: Party {
                address: mail.into_owned(),
                name: common_name(to),
            },
            details: written.details,
            calendar: written.calendar,
            language: change.owner.language.clone(),
            home,
            uid: message.uid,
            recipient: address.to_owned(),
        });
    }

    /// The object for mails.
    fn write(&mut self, change: &Change<'_>, method: Method, object: CalendarObject) -> Written {
        let known = self.written.take().filter(|last| last.object == object);
        let written = known.unwrap_or_else(|| {
            let mut sent = addressed_by_mail(&object, change.directory);
            // By mail no zone goes without its definition (RFC 7809 §3).
            reference::include(&mut sent);
            leave_out_attachments(&mut sent);
            if method == Method::Request {
                sent = with_what_must_be_there(sent);
            }
            Written {
                details: details(&sent, change.owner.time_zone.as_deref()).into(),
                calendar: sent.to_octets(),
                object,
            }
        });
        self.written.insert(written).clone()
    }

    fn note_sent(&mut self, message: &Message, address: &str, reason: &str) {
        self.decisions.push(Decision::Sent {
            method: message.method,
            recipient: address.to_owned(),
            reason: reason.to_owned(),
        });
    }

    fn fail(&mut self, address: &str, status: Status, reason: &str) {
        self.statuses.push((address.to_owned(), status.clone()));
        self.decisions.push(Decision::Undeliverable {
            recipient: address.to_owned(),
            status,
            reason: reason.to_owned(),
        });
    }

    /// Says that a parameter on the line of somebody means nothing (RFC 6638 §7.2). A group is expanded all the same.
    pub fn note_ignored(&mut self, change: &Change<'_>, address: &str) {
        let address = address.trim().to_owned();
        if change.directory.members(&address).is_some() {
            self.statuses.push((address.clone(), Status::FORWARDED));
        }
        self.ignored.insert(address);
    }

    /// RFC 6638 §7.1: SCHEDULE-AGENT is not SERVER.
    pub fn leave_to_others(&mut self, address: &str) {
        self.pass_over(
            address,
            "SCHEDULE-AGENT leaves this person to others (RFC 6638 §7.1)",
        );
    }

    /// Somebody gets no message who might expect one.
    pub fn pass_over(&mut self, address: &str, reason: &str) {
        self.decisions.push(Decision::NotSent {
            recipient: address.trim().to_owned(),
            reason: reason.to_owned(),
        });
    }
}

/// An invitation needs a calendar to stand in; an answer and a cancellation find the copy where it is.
fn can_receive(principal: &Principal, method: Method) -> bool {
    principal.home.is_some() && (method != Method::Request || principal.default_calendar.is_some())
}

/// Whether anybody at this address can be reached at all.
pub(super) fn unreachable(change: &Change<'_>, address: &str) -> Option<Status> {
    match change.directory.get(address) {
        Addressee::Local(principal) if principal.home.is_some() => None,
        Addressee::Local(_) => Some(Status::NOT_ALLOWED),
        Addressee::UnknownLocal => Some(Status::UNKNOWN_USER),
        Addressee::Remote if change.mail_possible && mail_address(address).is_some() => None,
        Addressee::Remote => Some(Status::NOT_ALLOWED),
    }
}

/// The owner, by the address in the object where that is a mail address, else by the primary one.
fn sender(change: &Change<'_>, message: &Message) -> Option<Party> {
    let address = mail_address(&message.sender).or_else(|| mail_address_of(change.owner))?;
    let name = Some(change.owner.display_name.clone()).filter(|name| !name.is_empty());
    Some(Party {
        address: address.into_owned(),
        name,
    })
}

/// Who writes, where it is not the owner. (Without a mail address of their own, the name must do.)
fn voice(change: &Change<'_>) -> Voice {
    match change.acting {
        None => Voice::Own,
        Some(acting) => Voice::OnBehalf(Party {
            address: mail_address_of(acting).unwrap_or_default().into_owned(),
            name: Some(acting.display_name.clone()),
        }),
    }
}

/// The primary mail address of somebody here.
pub(in crate::engine) fn mail_address_of(principal: &Principal) -> Option<Cow<'_, str>> {
    let mut addresses = principal.addresses.iter();
    addresses.find_map(|address| mail_address(address))
}

/// RFC 6047 §2.3: in a mail, ORGANIZER and ATTENDEE are mailto URIs, also where a client named people
/// here by their principal URLs, which nobody outside can answer to.
fn addressed_by_mail(object: &CalendarObject, directory: &Directory) -> CalendarObject {
    let mut object = object.clone();
    let people = object
        .entries_mut()
        .flat_map(|entry| entry.properties_mut());
    for person in people.filter(|line| line.is("ORGANIZER") || line.is("ATTENDEE")) {
        if mail_address(person.raw_value()).is_some() {
            continue;
        }
        let local = directory.local(person.raw_value());
        let mut addresses = local.into_iter().flat_map(|it| &it.addresses);
        if let Some(mail) = addresses.find(|it| mail_address(it).is_some()) {
            person
                .set_raw_value(mail)
                .expect("an address of an account has no control characters");
        }
    }
    object
}

/// RFC 8607 §3.12.2: managed attachments are for people who sign in here. To everybody else their URL is a
/// request for a password that they do not have.
fn leave_out_attachments(object: &mut CalendarObject) {
    if attachment::managed_ids(object).is_empty() {
        return;
    }
    let is_managed = |line: &Property| line.is("ATTACH") && line.parameter("MANAGED-ID").is_some();
    for entry in object.entries_mut() {
        entry.retain_properties(|line| !is_managed(line));
    }
}

/// An invitation with what it has even where there is nothing to say (RFC 5546 §3.2.2 and §3.4.2).
pub fn with_what_must_be_there(mut object: CalendarObject) -> CalendarObject {
    const NOTHING: [(&str, &str); 2] = [("SUMMARY", ""), ("PRIORITY", "0")];
    let lacks = |entry: &Component, name: &str| {
        (name == "SUMMARY" || entry.is("VTODO")) && entry.property(name).is_none()
    };
    for (name, nothing) in NOTHING {
        // most lack nothing, and are shared as they are
        if object.entries().any(|entry| lacks(entry, name)) {
            let entries = object.entries_mut();
            for entry in entries.filter(|entry| lacks(entry, name)) {
                entry.push_property(Property::new(name, nothing).expect("it is plain"));
            }
        }
    }
    object
}

pub(in crate::engine) fn common_name(person: &Property) -> Option<String> {
    person
        .parameter("CN")
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}

/// What a mail with an answer is about.
pub(super) fn kind_of_reply(attendee: &Property) -> MessageKind {
    match participation(attendee).as_str() {
        "ACCEPTED" => MessageKind::Accepted,
        "DECLINED" => MessageKind::Declined,
        "TENTATIVE" => MessageKind::Tentative,
        _ => MessageKind::Answered,
    }
}

/// What a mail from the organizer is about.
pub(super) fn kind_of_message(method: Method, is_first: bool) -> MessageKind {
    match method {
        Method::Cancel => MessageKind::Cancellation,
        Method::Refresh => MessageKind::Question,
        Method::DeclineCounter => MessageKind::ProposalDeclined,
        _ if is_first => MessageKind::Invitation,
        _ => MessageKind::Update,
    }
}
