//! The words of mails, one file per language.

mod english;

use scheduling::mail::MessageKind;

/// What a language must say.
pub struct Phrases {
    /// The subject, from what the mail is about and the meeting's title.
    pub subject: fn(MessageKind, &str) -> String,
    /// The first sentence, from what the mail is about and who sends it.
    pub sentence: fn(MessageKind, &str) -> String,
    /// The subject where somebody writes for the sender: what it is about, who writes, for whom, the title.
    pub subject_on_behalf: fn(MessageKind, &str, &str, &str) -> String,
    /// The first sentence then: what it is about, who writes, and for whom.
    pub sentence_on_behalf: fn(MessageKind, &str, &str) -> String,
    /// The subject where the recipient is told what somebody sent in the recipient's name: what, who, the
    /// title.
    pub subject_of_notice: fn(MessageKind, &str, &str) -> String,
    /// The first sentence then: what was sent, and by whom.
    pub sentence_of_notice: fn(MessageKind, &str) -> String,
    /// The title of a meeting without one.
    pub untitled: &'static str,
    /// Before the time.
    pub when: &'static str,
    /// Before the place.
    pub place: &'static str,
    /// Before the organizer.
    pub organizer: &'static str,
    /// Before the attendees.
    pub attendees: &'static str,
    /// Before the description.
    pub description: &'static str,
    /// Before what the sender of an answer says beside.
    pub comment: &'static str,
    /// The name beside the server's own address when it writes for somebody.
    pub by_way_of: fn(&str) -> String,
}

/// Languages by their primary subtag; the first one speaks where none fits.
const LANGUAGES: &[(&str, &Phrases)] = &[("en", &english::PHRASES)];

/// The words for a BCP 47 tag, and the tag of the language that was found.
pub fn phrases(tag: Option<&str>) -> (&'static str, &'static Phrases) {
    let primary = tag
        .and_then(|tag| tag.split(['-', '_']).next())
        .unwrap_or_default();
    let found = LANGUAGES
        .iter()
        .find(|(language, _)| language.eq_ignore_ascii_case(primary));
    *found.unwrap_or(&LANGUAGES[0])
}
