//! Questions for busy time, and the answers to them (RFC 5546 §3.3, RFC 6638 §5). Pure.

use bytes::Bytes;
use calendar::{
    CalendarObject, Component, Property, TimeRange, Zone,
    free_busy::BusyPeriod,
    value::{DateTime, Form},
};
use storage::Timestamp;

/// The longest window that is looked at, in seconds: two years.
const MAXIMUM_WINDOW_SECONDS: i64 = 2 * 366 * 24 * 60 * 60;

/// VFREEBUSY with METHOD:REQUEST.
#[derive(Clone, Debug)]
pub struct FreeBusyRequest {
    /// Who asks, a calendar user address.
    pub organizer: String,
    /// Who is asked about.
    pub attendees: Vec<String>,
    /// What part of time.
    pub window: TimeRange,
    /// The meeting that is being planned, whose own time does not count
    /// (`X-CALENDARSERVER-MASK-UID`, which Apple's clients send).
    pub masked_uid: Option<String>,
    question: Component,
}

/// What is said about one person (RFC 6638 §10.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeBusyAnswer {
    /// The calendar user address as it was asked about.
    pub recipient: String,
    /// REQUEST-STATUS (RFC 5546 §3.6).
    pub request_status: &'static str,
    /// VFREEBUSY with METHOD:REPLY, where it worked.
    pub calendar_data: Option<Bytes>,
}

impl FreeBusyRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// What of RFC 5546 §3.3.2 does not hold.
    pub fn read(object: &CalendarObject) -> Result<FreeBusyRequest, &'static str> {
        let method = object.calendar().raw_value("METHOD").unwrap_or_default();
        if !method.trim().eq_ignore_ascii_case("REQUEST") {
            return Err("METHOD must be REQUEST");
        }
        let mut entries = object.entries();
        let (Some(question), None) = (entries.next(), entries.next()) else {
            return Err("there must be exactly one component");
        };
        if !question.is("VFREEBUSY") {
            return Err("the component must be a VFREEBUSY");
        }
        for name in ["UID", "DTSTAMP"] {
            if question.property(name).is_none() {
                return Err("UID and DTSTAMP are needed");
            }
        }
        let organizer = question
            .raw_value("ORGANIZER")
            .ok_or("ORGANIZER is needed")?;
        let attendees: Vec<String> = question
            .properties_named("ATTENDEE")
            .map(|attendee| attendee.raw_value().trim().to_owned())
            .collect();
        if attendees.is_empty() {
            return Err("an ATTENDEE is needed");
        }
        let masked_uid = question
            .raw_value("X-CALENDARSERVER-MASK-UID")
            .map(|uid| uid.trim().to_owned());
        Ok(FreeBusyRequest {
            organizer: organizer.trim().to_owned(),
            attendees,
            window: window(question)?,
            masked_uid,
            question: question.clone(),
        })
    }

    /// The answer about one attendee (RFC 5546 §3.3.3): the periods, merged and in order.
    pub fn reply(&self, attendee: &str, periods: &[BusyPeriod], now: Timestamp) -> Bytes {
        let mut answer = component("VFREEBUSY");
        for property in self.question.properties() {
            let kept = match property.name() {
                "UID" | "ORGANIZER" | "DTSTART" | "DTEND" => true,
                "ATTENDEE" => property.raw_value().trim() == attendee,
                _ => false,
            };
            if kept {
                answer.push_property(property.clone());
            }
        }
        answer.push_property(plain("DTSTAMP", &crate::engine::utc(now)));
        for period in periods {
            let (start, end) = (utc(period.start), utc(period.end));
            let property = plain("FREEBUSY", &format!("{start}/{end}"));
            let property = property.with_parameter("FBTYPE", period.busy_type.as_str());
            answer.push_property(property.expect("a plain word is a valid value"));
        }
        let mut calendar = component("VCALENDAR");
        for (name, value) in [
            ("VERSION", "2.0"),
            ("PRODID", crate::engine::PRODUCT),
            ("METHOD", "REPLY"),
        ] {
            calendar.push_property(plain(name, value));
        }
        calendar.push_component(answer);
        CalendarObject::from_calendar(calendar).to_octets()
    }
}

/// DTSTART and DTEND, both in UTC (RFC 5546 §3.3.2).
fn window(question: &Component) -> Result<TimeRange, &'static str> {
    let read = |name: &str| {
        let property = question.property(name)?;
        let value = DateTime::parse(property.raw_value().trim(), None).ok()?;
        (value.form == Form::Utc).then(|| Zone::utc().instant(value.civil))
    };
    let start = read("DTSTART").ok_or("DTSTART must be a date with time in UTC")?;
    let end = read("DTEND").ok_or("DTEND must be a date with time in UTC")?;
    if end <= start {
        return Err("DTEND must be later than DTSTART");
    }
    if end.as_second().saturating_sub(start.as_second()) > MAXIMUM_WINDOW_SECONDS {
        return Err("the time between DTSTART and DTEND is too long");
    }
    Ok(TimeRange::between(start, end))
}

fn utc(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn component(name: &str) -> Component {
    Component::new(name).expect("a plain name is valid")
}

fn plain(name: &str, value: &str) -> Property {
    Property::new(name, value).expect("a plain value is valid")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use calendar::{Limits, free_busy::BusyType};

    use super::*;

    const LINES: &str = "UID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260105T000000Z\nDTEND:20260106T000000Z\n\
        ORGANIZER;CN=Alice:mailto:alice@example.org\nATTENDEE;CN=Bob:mailto:bob@example.org\nATTENDEE:mailto:carol@example.org\n";

    fn read(method: &str, lines: &str) -> Result<FreeBusyRequest, &'static str> {
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\nBEGIN:VFREEBUSY\n{lines}END:VFREEBUSY\nEND:VCALENDAR\n"
        );
        FreeBusyRequest::read(&CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap())
    }

    /// RFC 5546 §3.3.2
    #[test]
    fn requests_are_read() {
        let request = read("request", &format!("{LINES}X-CALENDARSERVER-MASK-UID:7\n")).unwrap();
        assert_eq!(request.organizer, "mailto:alice@example.org");
        assert_eq!(
            request.attendees,
            ["mailto:bob@example.org", "mailto:carol@example.org"]
        );
        assert_eq!(request.masked_uid.as_deref(), Some("7"));
        assert_eq!(
            request.window.start.unwrap().to_string(),
            "2026-01-05T00:00:00Z"
        );
        assert_eq!(
            request.window.end.unwrap().to_string(),
            "2026-01-06T00:00:00Z"
        );
    }

    #[test]
    fn what_is_no_request_is_named() {
        let without = |name: &str| -> String {
            LINES
                .lines()
                .filter(|line| !line.starts_with(name))
                .map(|line| format!("{line}\n"))
                .collect()
        };
        for (method, lines, fault) in [
            ("REPLY", LINES.to_owned(), "METHOD must be REQUEST"),
            ("REQUEST", without("UID"), "UID and DTSTAMP are needed"),
            ("REQUEST", without("ORGANIZER"), "ORGANIZER is needed"),
            ("REQUEST", without("ATTENDEE"), "an ATTENDEE is needed"),
            (
                "REQUEST",
                without("DTSTART"),
                "DTSTART must be a date with time in UTC",
            ),
            (
                "REQUEST",
                LINES.replace("0106T000000Z", "0106T000000"),
                "DTEND must be a date with time in UTC",
            ),
            (
                "REQUEST",
                LINES.replace("0106T", "0105T"),
                "DTEND must be later than DTSTART",
            ),
            (
                "REQUEST",
                LINES.replace("20260106", "20290106"),
                "the time between DTSTART and DTEND is too long",
            ),
        ] {
            assert_eq!(read(method, &lines).err(), Some(fault), "{lines}");
        }
        let event =
            "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n";
        let event = CalendarObject::parse(event.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(
            FreeBusyRequest::read(&event).err(),
            Some("the component must be a VFREEBUSY")
        );
    }

    /// RFC 5546 §3.3.3
    #[test]
    fn replies_hold_the_periods() {
        let request = read("REQUEST", LINES).unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let periods = [
            BusyPeriod {
                start: at("2026-01-05T09:00:00Z"),
                end: at("2026-01-05T10:00:00Z"),
                busy_type: BusyType::Busy,
            },
            BusyPeriod {
                start: at("2026-01-05T11:00:00Z"),
                end: at("2026-01-05T12:00:00Z"),
                busy_type: BusyType::Tentative,
            },
        ];
        let octets = request.reply(
            "mailto:bob@example.org",
            &periods,
            Timestamp(1_767_225_600_000),
        );
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Convoke//Convoke//EN\r\nMETHOD:REPLY\r\n\
            BEGIN:VFREEBUSY\r\nUID:1\r\nDTSTART:20260105T000000Z\r\nDTEND:20260106T000000Z\r\n\
            ORGANIZER;CN=Alice:mailto:alice@example.org\r\nATTENDEE;CN=Bob:mailto:bob@example.org\r\n\
            DTSTAMP:20260101T000000Z\r\nFREEBUSY;FBTYPE=BUSY:20260105T090000Z/20260105T100000Z\r\n\
            FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260105T110000Z/20260105T120000Z\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
        assert_eq!(text.replace("\r\n", "\n"), expected.replace("\r\n", "\n"));
    }
}
