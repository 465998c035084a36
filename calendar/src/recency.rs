//! Which of two states of an object is the newer one (RFC 5546 §2.1.5).

use jiff::{Timestamp, civil};

use crate::{
    object::{CalendarObject, Component},
    value::{DateOrDateTime, date_in},
    zone::Zone,
};

/// How new a state is: its SEQUENCE, then when it was last modified. The greater is the newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recency {
    /// The highest SEQUENCE; 0 where there is none.
    pub sequence: u64,
    /// The latest LAST-MODIFIED, or DTSTAMP of components that have none.
    pub modified: Option<Timestamp>,
}

impl Recency {
    /// Of one component.
    #[must_use]
    pub fn of(component: &Component) -> Recency {
        let sequence = component.raw_value("SEQUENCE");
        let modified =
            date_in(component, "LAST-MODIFIED").or_else(|| date_in(component, "DTSTAMP"));
        Recency {
            sequence: sequence
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(0),
            modified: modified.map(|value| Zone::utc().instant(civil_of(&value))),
        }
    }

    /// Of an object: the newest of its components.
    #[must_use]
    pub fn of_object(object: &CalendarObject) -> Recency {
        let all = object.entries().map(Recency::of);
        all.fold(Recency::default(), |newest, next| Recency {
            sequence: newest.sequence.max(next.sequence),
            modified: newest.modified.max(next.modified),
        })
    }
}

/// These moments are always in UTC (RFC 5545 §3.8.7); whatever stands there is taken as such.
fn civil_of(value: &DateOrDateTime) -> civil::DateTime {
    match value {
        DateOrDateTime::Date(date) => date.at(0, 0, 0, 0),
        DateOrDateTime::DateTime(value) => value.civil,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Limits;

    fn object(components: &[&str]) -> CalendarObject {
        let components: String = components
            .iter()
            .map(|lines| format!("BEGIN:VEVENT\n{}\nEND:VEVENT\n", lines.replace(' ', "\n")))
            .collect();
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{components}END:VCALENDAR\n");
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn which_is_newer() {
        // from the oldest to the newest
        let states: [&[&str]; 6] = [
            &["SUMMARY:x"],
            &["SEQUENCE:x DTSTAMP:20260101T000000Z"],
            &["LAST-MODIFIED:20260102T000000Z DTSTAMP:20270101T000000Z"],
            &["DTSTAMP:20260101T000000Z", "DTSTAMP:20260103T000000Z"],
            &["SEQUENCE:1"],
            &["SEQUENCE:2 DTSTAMP:20200101T000000Z"],
        ];
        for pair in states.windows(2) {
            let (older, newer) = (object(pair[0]), object(pair[1]));
            assert!(
                Recency::of_object(&older) < Recency::of_object(&newer),
                "{pair:?}"
            );
        }
    }
}
