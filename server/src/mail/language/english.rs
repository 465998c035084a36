//! English.

use scheduling::mail::MessageKind;

use super::Phrases;

/// The words.
pub const PHRASES: Phrases = Phrases {
    subject,
    sentence,
    subject_on_behalf,
    sentence_on_behalf,
    subject_of_notice,
    sentence_of_notice,
    untitled: "(no title)",
    when: "When",
    place: "Where",
    organizer: "Organizer",
    attendees: "Attendees",
    description: "Description",
    comment: "Comment",
    by_way_of: |name| format!("{name} via Convoke"),
};

fn subject(kind: MessageKind, title: &str) -> String {
    format!("{}: {title}", beginning(kind))
}

fn subject_on_behalf(kind: MessageKind, secretary: &str, manager: &str, title: &str) -> String {
    let beginning = beginning(kind);
    format!("{beginning} by {secretary} on behalf of {manager}: {title}")
}

fn subject_of_notice(_: MessageKind, secretary: &str, title: &str) -> String {
    format!("Sent on your behalf by {secretary}: {title}")
}

fn beginning(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Invitation => "Invitation",
        MessageKind::Update => "Updated invitation",
        MessageKind::Cancellation => "Cancelled",
        MessageKind::Accepted => "Accepted",
        MessageKind::Declined => "Declined",
        MessageKind::Tentative => "Tentatively accepted",
        MessageKind::Answered => "Answer",
        MessageKind::Question => "Request for the newest version",
        MessageKind::BusyTime => "Busy time",
        MessageKind::ProposalDeclined => "Proposal declined",
    }
}

fn sentence(kind: MessageKind, sender: &str) -> String {
    let end = match kind {
        MessageKind::Invitation => "invites you.",
        MessageKind::Update => "changed an invitation of yours.",
        MessageKind::Cancellation => "cancelled this, or your part in it.",
        MessageKind::Accepted => "accepts.",
        MessageKind::Declined => "declines.",
        MessageKind::Tentative => "accepts tentatively.",
        MessageKind::Answered => "answered your invitation.",
        MessageKind::Question => "asks for the newest version of your invitation.",
        MessageKind::BusyTime => "tells you when they are busy, as you asked.",
        MessageKind::ProposalDeclined => "does not take up what you proposed; it stays as it is.",
    };
    format!("{sender} {end}")
}

fn sentence_on_behalf(kind: MessageKind, secretary: &str, manager: &str) -> String {
    let middle = match kind {
        MessageKind::Invitation => "invites you",
        MessageKind::Update => "changed an invitation of yours",
        MessageKind::Cancellation => "cancelled this, or your part in it,",
        MessageKind::Accepted => "accepts",
        MessageKind::Declined => "declines",
        MessageKind::Tentative => "accepts tentatively",
        MessageKind::Answered => "answered your invitation",
        MessageKind::Question => "asks for the newest version of your invitation",
        MessageKind::BusyTime => "tells you when they are busy",
        MessageKind::ProposalDeclined => "does not take up what you proposed",
    };
    format!("{secretary} {middle} on behalf of {manager}.")
}

fn sentence_of_notice(kind: MessageKind, secretary: &str) -> String {
    let what = match kind {
        MessageKind::Invitation => "sent an invitation",
        MessageKind::Update => "sent an updated invitation",
        MessageKind::Cancellation => "sent a cancellation",
        MessageKind::Accepted => "accepted an invitation",
        MessageKind::Declined => "declined an invitation",
        MessageKind::Tentative => "tentatively accepted an invitation",
        MessageKind::Answered => "answered an invitation",
        MessageKind::Question => "asked for the newest version of an invitation",
        MessageKind::BusyTime => "told when you are busy",
        MessageKind::ProposalDeclined => "declined a proposal",
    };
    format!("{secretary} {what} on your behalf.")
}
