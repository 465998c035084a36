//! A message as MIME (RFC 6047 §2): text and HTML for people, `text/calendar` for their programs.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue},
    },
};
use scheduling::mail::{Details, OutgoingMessage, Party, Voice};
use storage::Timestamp;

use super::{
    html,
    identity::{Identity, parse_address},
    language::{self, Phrases},
};

/// The longest subject, in characters.
const MAXIMUM_SUBJECT_CHARACTERS: usize = 200;

/// A mail ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Where bounces go.
    pub envelope_from: Address,
    /// To whom it goes; each mail has one recipient, so that one refusal is one person's.
    pub envelope_to: Address,
    /// The mail. The same message gives the same octets at every attempt.
    pub octets: Vec<u8>,
}

/// Why a message cannot become a mail; no later attempt will.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// An address is none.
    #[error("`{0}` is not a mail address")]
    Address(String),
    /// The method or another header is not fit for MIME.
    #[error("the mail cannot be written: {0}")]
    Form(String),
}

/// Writes a message. `id` is its row of work's, `created` that row's time: both give the mail a
/// Message-ID, Date and boundary that stay the same in every attempt.
///
/// From is the sender's own address where the server may write for its domain; else, and in notices, the
/// server's, with Reply-To (RFC 6047 §2.3 asks of nobody to trust From, but mail filters do). Who wrote for
/// the sender is Sender (RFC 5322 §3.6.2) where the server may write for that domain, too.
///
/// # Errors
/// See [`RenderError`].
pub fn render(
    message: &OutgoingMessage,
    id: u128,
    created: Timestamp,
    identity: &Identity,
) -> Result<Rendered, RenderError> {
    let (tag, phrases) = language::phrases(message.language.as_deref());
    let sender = mailbox(&message.from)?;
    let recipient = mailbox(&message.to)?;
    let envelope_to = recipient.email.clone();
    let is_notice = message.voice == Voice::Notice;
    let builder = if identity.is_ours(&sender.email) && !is_notice {
        let secretary = match &message.voice {
            Voice::OnBehalf(secretary) => mailbox(secretary).ok(),
            Voice::Own | Voice::Notice => None,
        };
        let builder = Message::builder().from(sender);
        match secretary.filter(|secretary| identity.is_ours(&secretary.email)) {
            Some(secretary) => builder.sender(secretary),
            None => builder,
        }
    } else {
        let name = (phrases.by_way_of)(readable(&message.from));
        Message::builder()
            .from(Mailbox::new(Some(name), identity.system().clone()))
            .reply_to(sender)
    };
    let name = u128::from_be_bytes(message.name(id).to_octets());
    let name = format!("{name:032x}");
    let mail = builder
        .to(recipient)
        .subject(subject(message, phrases))
        .date(moment(created))
        .message_id(Some(format!("<{name}@{}>", identity.system().domain())))
        .header(AutoSubmitted)
        .header(ContentLanguage(tag.to_owned()))
        .multipart(parts(message, &name, phrases)?)
        .map_err(|error| RenderError::Form(error.to_string()))?;
    let envelope_from = mail
        .envelope()
        .from()
        .cloned()
        .unwrap_or_else(|| identity.system().clone());
    Ok(Rendered {
        envelope_from,
        envelope_to,
        octets: mail.formatted(),
    })
}

fn parts(
    message: &OutgoingMessage,
    name: &str,
    phrases: &'static Phrases,
) -> Result<MultiPart, RenderError> {
    let alternatives = MultiPart::alternative()
        .boundary(format!("convoke-{name}"))
        .singlepart(part(
            ContentType::TEXT_PLAIN,
            text_body(message, phrases).into_bytes(),
        ))
        .singlepart(part(
            ContentType::TEXT_HTML,
            html_body(message, phrases).into_bytes(),
        ));
    if message.voice == Voice::Notice {
        return Ok(alternatives);
    }
    // RFC 6047 §2.4: method and charset are required, and method must equal the stream's METHOD.
    let calendar = format!("text/calendar; method={}; charset=utf-8", message.method);
    let calendar =
        ContentType::parse(&calendar).map_err(|error| RenderError::Form(error.to_string()))?;
    Ok(alternatives.singlepart(part(calendar, message.calendar.to_vec())))
}

/// Every part is base64: nothing on the way can change a line end or an octet of it.
fn part(content_type: ContentType, octets: Vec<u8>) -> SinglePart {
    SinglePart::builder()
        .header(content_type)
        .header(ContentTransferEncoding::Base64)
        .body(octets)
}

fn subject(message: &OutgoingMessage, phrases: &'static Phrases) -> String {
    let (kind, title) = (message.kind, title(&message.details, phrases));
    let sender = readable(&message.from);
    let subject = match &message.voice {
        Voice::Own => (phrases.subject)(kind, title),
        Voice::OnBehalf(secretary) => {
            (phrases.subject_on_behalf)(kind, readable(secretary), sender, title)
        }
        Voice::Notice => (phrases.subject_of_notice)(kind, sender, title),
    };
    one_line(&subject)
        .chars()
        .take(MAXIMUM_SUBJECT_CHARACTERS)
        .collect()
}

fn sentence(message: &OutgoingMessage, phrases: &'static Phrases) -> String {
    let (kind, sender) = (message.kind, readable(&message.from));
    match &message.voice {
        Voice::Own => (phrases.sentence)(kind, sender),
        Voice::OnBehalf(secretary) => {
            (phrases.sentence_on_behalf)(kind, readable(secretary), sender)
        }
        Voice::Notice => (phrases.sentence_of_notice)(kind, sender),
    }
}

fn title<'a>(details: &'a Details, phrases: &'a Phrases) -> &'a str {
    if details.summary.trim().is_empty() {
        phrases.untitled
    } else {
        &details.summary
    }
}

/// Label and value of each row, in order.
fn rows(message: &OutgoingMessage, phrases: &'static Phrases) -> Vec<(&'static str, String)> {
    let details = &message.details;
    // a notice is of the event, not of what was said of it
    let description = match message.voice {
        Voice::Own | Voice::OnBehalf(_) if message.kind.is_answer() => phrases.comment,
        _ => phrases.description,
    };
    let optional = [
        (phrases.when, Some(details.when.clone())),
        (phrases.place, details.location.clone()),
        (phrases.organizer, Some(details.organizer.clone())),
        (phrases.attendees, Some(details.attendees.join("\n"))),
        (description, details.description.clone()),
    ];
    let present = optional
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)));
    present
        .filter(|(_, value)| !value.trim().is_empty())
        .collect()
}

fn text_body(message: &OutgoingMessage, phrases: &'static Phrases) -> String {
    let mut text = sentence(message, phrases);
    text.push_str("\n\n");
    text.push_str(title(&message.details, phrases));
    text.push_str("\n\n");
    for (label, value) in rows(message, phrases) {
        let separator = if value.contains('\n') { "\n  " } else { " " };
        text.push_str(&format!(
            "{label}:{separator}{}\n",
            value.replace('\n', "\n  ")
        ));
    }
    text.replace('\n', "\r\n")
}

fn html_body(message: &OutgoingMessage, phrases: &'static Phrases) -> String {
    let mut html = String::from("<!DOCTYPE html>\n<html><body>\n<p>");
    html::push_text(&mut html, &sentence(message, phrases));
    html.push_str("</p>\n<h2>");
    html::push_text(&mut html, title(&message.details, phrases));
    html.push_str("</h2>\n<table>\n");
    for (label, value) in rows(message, phrases) {
        html.push_str("<tr><th align=\"left\" valign=\"top\">");
        html::push_text(&mut html, label);
        html.push_str("</th><td>");
        html::push_text(&mut html, &value);
        html.push_str("</td></tr>\n");
    }
    html.push_str("</table>\n</body></html>\n");
    html.replace('\n', "\r\n")
}

fn mailbox(party: &Party) -> Result<Mailbox, RenderError> {
    let address =
        parse_address(&party.address).ok_or_else(|| RenderError::Address(party.address.clone()))?;
    let name = party
        .name
        .as_deref()
        .map(one_line)
        .filter(|name| !name.trim().is_empty());
    Ok(Mailbox::new(name, address))
}

fn readable(party: &Party) -> &str {
    party
        .name
        .as_deref()
        .filter(|name| !name.trim().is_empty())
        .unwrap_or(&party.address)
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

fn moment(timestamp: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(timestamp.seconds().max(0).unsigned_abs())
}

/// RFC 3834 §5: so that no vacation notice answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// RFC 3282 §2.
#[derive(Clone)]
struct ContentLanguage(String);

impl Header for ContentLanguage {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Language")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(ContentLanguage(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use scheduling::mail::MessageKind;
    use storage::model::CollectionId;

    use std::sync::Arc;

    use super::*;
    use bytes::Bytes;

    fn message() -> OutgoingMessage {
        OutgoingMessage {
            kind: MessageKind::Invitation,
            voice: Voice::Own,
            method: "REQUEST".into(),
            from: Party {
                address: "alice@example.com".into(),
                name: Some("Alice Äpfel".into()),
            },
            to: Party {
                address: "dave@elsewhere.example".into(),
                name: Some("Dave, \"D\"".into()),
            },
            details: Arc::new(Details {
                summary: "Lunch & <more>".into(),
                when: "Tuesday, 1 December 2026, 12:00 to 13:00 (Europe/Berlin)".into(),
                location: Some("Canteen".into()),
                description: Some("First line\nSecond line".into()),
                organizer: "Alice Äpfel".into(),
                attendees: vec!["Bob".into(), "Dave".into()],
            }),
            calendar: Bytes::from_static(b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"),
            language: Some("en-GB".into()),
            home: CollectionId(1),
            uid: "uid".into(),
            recipient: "mailto:dave@elsewhere.example".into(),
        }
    }

    fn summary_of(message: &mut OutgoingMessage, summary: &str) {
        Arc::make_mut(&mut message.details).summary = summary.into();
    }

    fn identity() -> Identity {
        Identity::new(&["example.com".into()], "calendar@example.com").unwrap()
    }

    fn rendered(message: &OutgoingMessage) -> String {
        let rendered = render(message, 0x1234, Timestamp(1_796_119_200_000), &identity()).unwrap();
        readable_mail(&String::from_utf8(rendered.octets).unwrap())
    }

    /// The mail with its base64 bodies decoded, so that a person can compare it.
    fn readable_mail(mail: &str) -> String {
        let mut lines = Vec::new();
        let mut encoded = String::new();
        let mut in_body = false;
        for line in mail.replace("\r\n", "\n").lines() {
            let boundary = line.starts_with("--convoke-");
            if boundary && in_body {
                let octets = STANDARD.decode(std::mem::take(&mut encoded)).unwrap();
                lines.push(String::from_utf8(octets).unwrap().replace("\r\n", "\n"));
                in_body = false;
            }
            match (in_body, line) {
                (true, line) => encoded.push_str(line),
                (false, "")
                    if lines
                        .last()
                        .is_some_and(|line| line == "Content-Transfer-Encoding: base64") =>
                {
                    in_body = true
                }
                (false, line) => lines.push(line.to_owned()),
            }
        }
        lines.join("\n")
    }

    /// By its row, nobody can call it.
    #[test]
    fn a_mail_says_nothing_of_its_row() {
        assert!(!rendered(&message()).contains("1234@"));
    }

    #[test]
    fn an_invitation_as_a_whole() {
        let expected = r#"From: =?utf-8?b?QWxpY2Ugw4RwZmVs?= <alice@example.com>
To: =?utf-8?b?RGF2ZSwgIkQi?= <dave@elsewhere.example>
Subject: Invitation: Lunch & <more>
Date: Tue, 01 Dec 2026 10:00:00 +0000
Message-ID: <4d0380cbe2cc8317babc07228b457c06@example.com>
Auto-Submitted: auto-generated
Content-Language: en
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="convoke-4d0380cbe2cc8317babc07228b457c06"

--convoke-4d0380cbe2cc8317babc07228b457c06
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64
Alice Äpfel invites you.

Lunch & <more>

When: Tuesday, 1 December 2026, 12:00 to 13:00 (Europe/Berlin)
Where: Canteen
Organizer: Alice Äpfel
Attendees:
  Bob
  Dave
Description:
  First line
  Second line

--convoke-4d0380cbe2cc8317babc07228b457c06
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64
<!DOCTYPE html>
<html><body>
<p>Alice Äpfel invites you.</p>
<h2>Lunch &amp; &lt;more&gt;</h2>
<table>
<tr><th align="left" valign="top">When</th><td>Tuesday, 1 December 2026, 12:00 to 13:00 (Europe/Berlin)</td></tr>
<tr><th align="left" valign="top">Where</th><td>Canteen</td></tr>
<tr><th align="left" valign="top">Organizer</th><td>Alice Äpfel</td></tr>
<tr><th align="left" valign="top">Attendees</th><td>Bob<br>
Dave</td></tr>
<tr><th align="left" valign="top">Description</th><td>First line<br>
Second line</td></tr>
</table>
</body></html>

--convoke-4d0380cbe2cc8317babc07228b457c06
Content-Type: text/calendar; method=REQUEST; charset=utf-8
Content-Transfer-Encoding: base64
BEGIN:VCALENDAR
METHOD:REQUEST
END:VCALENDAR

--convoke-4d0380cbe2cc8317babc07228b457c06--"#;
        assert_eq!(rendered(&message()), expected);
    }

    fn bob() -> Party {
        Party {
            address: "bob@example.com".into(),
            name: Some("Bob".into()),
        }
    }

    /// The whole of it, as it is when nobody else acts, with what is different.
    fn differing(message: &OutgoingMessage, differences: &[(&str, &str)]) -> String {
        let own = OutgoingMessage {
            voice: Voice::Own,
            kind: MessageKind::Invitation,
            ..message.clone()
        };
        differences.iter().fold(rendered(&own), |mail, (from, to)| {
            assert!(mail.contains(from), "{from} in {mail}");
            mail.replace(from, to)
        })
    }

    #[test]
    fn who_writes_for_somebody_is_named_as_a_whole() {
        let mut message = message();
        message.from.name = Some("Alice".into());
        message.voice = Voice::OnBehalf(bob());
        let from = "From: Alice <alice@example.com>\n";
        let with_sender = format!("{from}Sender: Bob <bob@example.com>\n");
        let cases = [
            (
                MessageKind::Invitation,
                "Invitation by Bob on behalf of Alice",
                "Bob invites you on behalf of Alice.",
            ),
            (
                MessageKind::Update,
                "Updated invitation by Bob on behalf of Alice",
                "Bob changed an invitation of yours on behalf of Alice.",
            ),
            (
                MessageKind::Cancellation,
                "Cancelled by Bob on behalf of Alice",
                "Bob cancelled this, or your part in it, on behalf of Alice.",
            ),
            (
                MessageKind::Accepted,
                "Accepted by Bob on behalf of Alice",
                "Bob accepts on behalf of Alice.",
            ),
            (
                MessageKind::Declined,
                "Declined by Bob on behalf of Alice",
                "Bob declines on behalf of Alice.",
            ),
            (
                MessageKind::Tentative,
                "Tentatively accepted by Bob on behalf of Alice",
                "Bob accepts tentatively on behalf of Alice.",
            ),
            (
                MessageKind::Answered,
                "Answer by Bob on behalf of Alice",
                "Bob answered your invitation on behalf of Alice.",
            ),
        ];
        for (kind, subject, sentence) in cases {
            message.kind = kind;
            let said = match kind.is_answer() {
                true => "Comment",
                false => "Description",
            };
            let expected = differing(
                &message,
                &[
                    (from, &with_sender),
                    ("Subject: Invitation", &format!("Subject: {subject}")),
                    ("Alice invites you.", sentence),
                    ("Description", said),
                ],
            );
            assert_eq!(
                unfolded(&rendered(&message)),
                unfolded(&expected),
                "{kind:?}"
            );
        }
    }

    /// Long subjects are folded where the words allow it (RFC 5322 §2.2.3).
    fn unfolded(mail: &str) -> String {
        let (headers, body) = mail.split_once("\n\n").unwrap();
        format!("{}\n\n{body}", headers.replace("\n ", " "))
    }

    #[test]
    fn only_who_is_ours_is_sender() {
        let mut message = message();
        for address in ["bob@foreign.example", ""] {
            message.voice = Voice::OnBehalf(Party {
                address: address.into(),
                ..bob()
            });
            let mail = rendered(&message);
            assert!(!mail.contains("\nSender:"), "{mail}");
            assert!(
                mail.contains("Bob invites you on behalf of Alice"),
                "{mail}"
            );
        }
        message.from.address = "alice@foreign.example".into();
        message.voice = Voice::OnBehalf(bob());
        let mail = rendered(&message);
        assert!(!mail.contains("\nSender:"), "{mail}");
        assert!(mail.contains("<calendar@example.com>\nReply-To:"), "{mail}");
    }

    #[test]
    fn a_notice_as_a_whole() {
        let cases = [
            (MessageKind::Invitation, "sent an invitation"),
            (MessageKind::Update, "sent an updated invitation"),
            (MessageKind::Cancellation, "sent a cancellation"),
            (MessageKind::Accepted, "accepted an invitation"),
            (MessageKind::Declined, "declined an invitation"),
            (MessageKind::Tentative, "tentatively accepted an invitation"),
            (MessageKind::Answered, "answered an invitation"),
        ];
        let mut message = message();
        (message.from, message.voice) = (bob(), Voice::Notice);
        message.to.address = "alice@example.com".into();
        for (kind, what) in cases {
            message.kind = kind;
            let whole = differing(
                &message,
                &[
                    (
                        "From: Bob <bob@example.com>\n",
                        "From: \"Bob via Convoke\" <calendar@example.com>\nReply-To: Bob <bob@example.com>\n",
                    ),
                    ("Subject: Invitation", "Subject: Sent on your behalf by Bob"),
                    ("Bob invites you.", &format!("Bob {what} on your behalf.")),
                ],
            );
            let (before, _) = whole.split_once("Content-Type: text/calendar").unwrap();
            let expected = format!("{}--", before.trim_end_matches('\n'));
            assert_eq!(
                unfolded(&rendered(&message)),
                unfolded(&expected),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn retries_are_the_same_octets() {
        let once = render(&message(), 7, Timestamp(1000), &identity()).unwrap();
        assert_eq!(
            once,
            render(&message(), 7, Timestamp(1000), &identity()).unwrap()
        );
        assert_ne!(
            once,
            render(&message(), 8, Timestamp(1000), &identity()).unwrap()
        );
    }

    #[test]
    fn a_foreign_sender_is_answered_by_reply_to() {
        let mut message = message();
        message.from = Party {
            address: "eve@foreign.example".into(),
            name: Some("Eve".into()),
        };
        let mail = rendered(&message);
        assert!(mail.starts_with("From: \"Eve via Convoke\" <calendar@example.com>\nReply-To: Eve <eve@foreign.example>\n"), "{mail}");
        let rendered = render(&message, 1, Timestamp(0), &identity()).unwrap();
        assert_eq!(
            rendered.envelope_from.to_string(),
            "calendar@example.com",
            "bounces reach us"
        );
    }

    #[test]
    fn every_kind_has_a_subject_and_a_sentence() {
        let cases = [
            (
                MessageKind::Invitation,
                "Invitation: Lunch",
                "Alice invites you.",
            ),
            (
                MessageKind::Update,
                "Updated invitation: Lunch",
                "Alice changed an invitation of yours.",
            ),
            (
                MessageKind::Cancellation,
                "Cancelled: Lunch",
                "Alice cancelled this, or your part in it.",
            ),
            (MessageKind::Accepted, "Accepted: Lunch", "Alice accepts."),
            (MessageKind::Declined, "Declined: Lunch", "Alice declines."),
            (
                MessageKind::Tentative,
                "Tentatively accepted: Lunch",
                "Alice accepts tentatively.",
            ),
            (
                MessageKind::Answered,
                "Answer: Lunch",
                "Alice answered your invitation.",
            ),
            (
                MessageKind::BusyTime,
                "Busy time: Lunch",
                "Alice tells you when they are busy, as you asked.",
            ),
            (
                MessageKind::ProposalDeclined,
                "Proposal declined: Lunch",
                "Alice does not take up what you proposed; it stays as it is.",
            ),
        ];
        for (kind, subject, sentence) in cases {
            let mut message = message();
            message.kind = kind;
            message.from.name = Some("Alice".into());
            summary_of(&mut message, "Lunch");
            let mail = rendered(&message);
            assert!(mail.contains(&format!("\nSubject: {subject}\n")), "{mail}");
            assert!(mail.contains(&format!("\n{sentence}\n")), "{mail}");
            let is_answer = mail.contains("\nComment:\n  First line\n");
            assert_eq!(is_answer, kind.is_answer(), "{mail}");
            assert_ne!(is_answer, mail.contains("\nDescription:\n"), "{mail}");
        }
    }

    #[test]
    fn nothing_in_a_meeting_can_add_a_header() {
        let mut message = message();
        summary_of(&mut message, "Lunch\r\nBcc: eve@example.com");
        message.to.name = Some("Dave\r\nBcc: eve@example.com".into());
        let mail = rendered(&message);
        let header = mail.split("\n\n").next().unwrap();
        assert!(
            !header.lines().any(|line| line.starts_with("Bcc")),
            "{header}"
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let mut no_address = message();
        no_address.to.address = "dave".into();
        let refused = render(&no_address, 1, Timestamp(0), &identity());
        assert_eq!(refused, Err(RenderError::Address("dave".into())));
        let mut no_method = message();
        no_method.method = "REQUEST\r\nX: y".into();
        assert!(matches!(
            render(&no_method, 1, Timestamp(0), &identity()),
            Err(RenderError::Form(_))
        ));
    }

    #[test]
    fn a_meeting_without_details_is_still_a_mail() {
        let mut message = message();
        message.details = Arc::default();
        let mail = rendered(&message);
        assert!(
            mail.contains("Subject: Invitation: (no title)") && !mail.contains("Where"),
            "{mail}"
        );
    }
}
