//! English.

use scheduling::mail::MessageKind;

use super::Phrases;

/// The words.
pub const PHRASES: Phrases = Phrases {
    subject,
    sentence,
    untitled: "(no title)",
    when: "When",
    place: "Where",
    organizer: "Organizer",
    attendees: "Attendees",
    description: "Description",
    by_way_of: |name| format!("{name} via Convoke"),
};

fn subject(kind: MessageKind, title: &str) -> String {
    let beginning = match kind {
        MessageKind::Invitation => "Invitation",
        MessageKind::Update => "Updated invitation",
        MessageKind::Cancellation => "Cancelled",
        MessageKind::Accepted => "Accepted",
        MessageKind::Declined => "Declined",
        MessageKind::Tentative => "Tentatively accepted",
        MessageKind::Answered => "Answer",
    };
    format!("{beginning}: {title}")
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
    };
    format!("{sender} {end}")
}
