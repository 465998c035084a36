//! What a mail that had to wait still means when its turn comes. (What waits for people here keeps its order, and needs no
//! such look.)

use std::collections::BTreeSet;

use calendar::CalendarObject;

use super::{
    Method,
    directory::normalise,
    entry::{Agent, agent, attendees, is_cancelled},
    meeting::is_instance,
};

/// Who is invited to a meeting now, by the organizer's object.
#[derive(Debug, Default)]
pub struct Invited {
    /// To any part of it.
    somewhere: BTreeSet<String>,
    /// To all of it, which takes place.
    throughout: BTreeSet<String>,
}

impl Invited {
    /// Reads the organizer's object; nobody is invited to a meeting that is gone, to what is cancelled of it, nor from here
    /// where it is left to others (RFC 6638 §7.1).
    pub fn of(object: Option<&CalendarObject>) -> Invited {
        let mut invited = Invited::default();
        for entry in object.into_iter().flat_map(CalendarObject::entries) {
            if is_cancelled(entry) {
                continue;
            }
            for attendee in attendees(entry).filter(|line| agent(line) == Agent::Server) {
                let address = normalise(attendee.raw_value());
                if !is_instance(entry) {
                    invited.throughout.insert(address.clone());
                }
                invited.somewhere.insert(address);
            }
        }
        invited
    }

    /// Whether a message of the organizer's to this address is not meant any more. What came to be meanwhile is told by
    /// another message; the one that waited would undo it, or invite to what is off.
    pub fn overtakes(&self, method: Method, sent: &CalendarObject, recipient: &str) -> bool {
        let recipient = normalise(recipient);
        match method {
            Method::Request => !self.somewhere.contains(&recipient),
            Method::Cancel => {
                self.throughout.contains(&recipient) && !sent.entries().all(is_instance)
            }
            _ => false,
        }
    }

    /// Why a message is overtaken, where it is.
    pub fn reason(method: Method) -> &'static str {
        match method {
            Method::Cancel => "invited again when it was their turn",
            _ => "not invited any more when it was their turn",
        }
    }
}

#[cfg(test)]
mod tests {
    use calendar::Limits;

    use super::*;

    const BOB: &str = "mailto:bob@example.org";
    const CAROL: &str = "MAILTO:Carol@Example.org";

    fn object(parts: &[&str]) -> CalendarObject {
        let part = |lines: &&str| {
            let lines = lines.replace('\n', "\r\n");
            format!("BEGIN:VEVENT\r\nUID:1\r\n{lines}\r\nEND:VEVENT\r\n")
        };
        let parts: String = parts.iter().map(part).collect();
        let text =
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{parts}END:VCALENDAR\r\n");
        CalendarObject::parse(text.as_bytes(), &Limits::default()).expect("a calendar")
    }

    /// What was sent to whom, what there is now, and whether it is still meant.
    type Case<'a> = (Method, &'a [&'a str], &'a str, Option<&'a [&'a str]>, bool);

    /// What was sent to whom, and whether it is still meant by what there is now.
    #[test]
    fn what_is_still_meant() {
        use Method::{Add, Cancel, Refresh, Reply, Request};
        const ALL: &[&str] = &["DTSTART:20260301T090000Z"];
        const ONE: &[&str] = &["RECURRENCE-ID:20260302T090000Z"];
        let with_bob = "ATTENDEE:mailto:bob@example.org";
        let bobs_day = &*format!("RECURRENCE-ID:20260303T090000Z\n{with_bob}");
        let by_others = "ATTENDEE;SCHEDULE-AGENT=NONE:mailto:bob@example.org";
        let off = &*format!("STATUS:CANCELLED\n{with_bob}");
        let cases: &[Case<'_>] = &[
            (Request, ALL, BOB, Some(&[with_bob]), true),
            (
                Request,
                ALL,
                "mailto:BOB@example.org",
                Some(&[with_bob]),
                true,
            ),
            (Request, ALL, BOB, Some(&["SUMMARY:x", bobs_day]), true),
            (Request, ALL, CAROL, Some(&[with_bob]), false),
            (Request, ALL, BOB, None, false),
            (Request, ONE, BOB, None, false),
            // what is off, and what somebody else tells
            (Request, ALL, BOB, Some(&[off]), false),
            (Request, ALL, BOB, Some(&[off, bobs_day]), true),
            (Request, ALL, BOB, Some(&[by_others]), false),
            (Cancel, ALL, BOB, Some(&[by_others]), true),
            // who is taken out and invited again is invited
            (Cancel, ALL, BOB, Some(&[with_bob]), false),
            // of one instance, of the series, of all: off is off
            (Cancel, ONE, BOB, Some(&[with_bob]), true),
            (Cancel, ALL, BOB, Some(&["SUMMARY:x", bobs_day]), true),
            (Cancel, ALL, BOB, Some(&[off]), true),
            (Cancel, ALL, CAROL, Some(&[with_bob]), true),
            (Cancel, ALL, BOB, None, true),
            // what others say is theirs
            (Reply, ALL, CAROL, None, true),
            (Refresh, ALL, CAROL, None, true),
            (Add, ALL, BOB, Some(&[with_bob]), true),
        ];
        for (method, sent, recipient, now, is_meant) in cases {
            let now = now.map(object);
            let overtaken = Invited::of(now.as_ref()).overtakes(*method, &object(sent), recipient);
            assert_ne!(
                overtaken, *is_meant,
                "{method} {sent:?} to {recipient} beside {now:?}"
            );
        }
    }
}
