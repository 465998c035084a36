//! Calendars as people have them, the same in every run, and what is in a window of time worked out in
//! the plainest way: each instance stepped to by itself, knowing nothing of Convoke's own code.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil, tz::TimeZone};

/// The length that objects are filled up to, in octets.
const OCTETS: usize = 750;
/// The first day of every calendar, a Monday.
const FIRST_DAY: civil::Date = civil::date(2026, 1, 5);
/// So many events begin in each week, however large the calendar is.
const EVENTS_PER_WEEK: u64 = 100;
/// The week that is asked for, counted from the first, in calendars that are long enough.
const WEEK: u64 = 50;

const BERLIN: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19961027T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19960331T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n";

/// A calendar of so many objects.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    pub objects: u64,
}

/// An object: what it says, apart from how it is written.
struct Event {
    number: u64,
    when: When,
}

enum When {
    /// In UTC.
    Once(civil::DateTime),
    /// All of a day.
    Day(civil::Date),
    /// Every week in Berlin.
    Weekly(Weekly),
}

struct Weekly {
    first: civil::DateTime,
    /// `None` is endless.
    count: Option<i64>,
    excluded: Vec<i64>,
    /// The instance of this week is two hours later.
    moved: Option<i64>,
}

/// Every event lasts so long, but those of a day.
const LENGTH: SignedDuration = SignedDuration::from_mins(50);

impl Calendar {
    fn weeks(self) -> u64 {
        (self.objects / EVENTS_PER_WEEK).max(10)
    }

    /// The name of the collection.
    pub fn name(self) -> String {
        format!("with-{}", self.objects)
    }

    /// The first day of the window that is asked for.
    pub fn monday(self) -> civil::Date {
        FIRST_DAY + (7 * WEEK.min(self.weeks() / 2) as i64).days()
    }

    /// The octets of an object.
    pub fn text(self, number: u64) -> String {
        self.event(number).text()
    }

    fn event(self, number: u64) -> Event {
        let random = scramble(number ^ (self.objects << 32));
        let week = random % self.weeks();
        let day = FIRST_DAY + ((week * 7 + (random >> 20) % 5) as i64).days();
        let hour = 7 + ((random >> 30) % 11) as i8;
        let at = day.at(hour, if random & (1 << 40) == 0 { 0 } else { 30 }, 0, 0);
        let when = match number % 10 {
            0 => {
                let series = number / 10;
                let count = 20 + (random >> 45) as i64 % 40;
                let some_week = 1 + (random >> 51) as i64 % 17;
                When::Weekly(Weekly {
                    first: at,
                    count: (!series.is_multiple_of(10)).then_some(count),
                    excluded: match series.is_multiple_of(2) {
                        true => vec![some_week, some_week + 3],
                        false => Vec::new(),
                    },
                    moved: series.is_multiple_of(4).then_some(some_week + 1),
                })
            }
            5 if number % 30 == 5 => When::Day(day),
            _ => When::Once(at),
        };
        Event { number, when }
    }

    /// The objects with instances in a window, each with the instances' starts and ends.
    pub fn hits(self, start: Timestamp, end: Timestamp) -> Vec<(u64, Vec<(Timestamp, Timestamp)>)> {
        let mut hits = Vec::new();
        for number in 0..self.objects {
            let instances = self.event(number).instances(start, end);
            if !instances.is_empty() {
                hits.push((number, instances));
            }
        }
        hits
    }
}

/// The end of what an object is called.
pub fn file_name(number: u64) -> String {
    format!("{:016x}-{number}.ics", scramble(number))
}

/// SplitMix64.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn berlin(at: civil::DateTime) -> Zoned {
    at.in_tz("Europe/Berlin").expect("a zone of the database")
}

fn utc(at: civil::DateTime) -> Timestamp {
    at.to_zoned(TimeZone::UTC)
        .expect("within the years that there are")
        .timestamp()
}

fn floating(at: civil::DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

impl Event {
    /// The instances that overlap a window, one by one.
    fn instances(&self, start: Timestamp, end: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let overlapping = |from: Timestamp, until: Timestamp| {
            (from < end && until > start).then_some((from, until))
        };
        match &self.when {
            When::Once(at) => overlapping(utc(*at), utc(*at) + LENGTH)
                .into_iter()
                .collect(),
            When::Day(day) => {
                let (from, until) = (day.at(0, 0, 0, 0), day.tomorrow().expect("not the last"));
                overlapping(utc(from), utc(until.at(0, 0, 0, 0)))
                    .into_iter()
                    .collect()
            }
            When::Weekly(series) => {
                let mut found = Vec::new();
                for week in 0..series.count.unwrap_or(10_000) {
                    let at = berlin(series.first + (week * 7).days()).timestamp();
                    if at > end {
                        break;
                    }
                    let at = match series.moved == Some(week) {
                        true => at + SignedDuration::from_hours(2),
                        false => at,
                    };
                    if !series.excluded.contains(&week) {
                        found.extend(overlapping(at, at + LENGTH));
                    }
                }
                found
            }
        }
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(2 * OCTETS);
        text.push_str("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Benchmark//EN\r\n");
        let mut inner = String::new();
        match &self.when {
            When::Once(at) => {
                line(&mut inner, "DTSTART:", &(floating(*at) + "Z"));
                line(&mut inner, "DTEND:", &(floating(*at + LENGTH) + "Z"));
            }
            When::Day(day) => {
                let date = |day: civil::Date| day.strftime("%Y%m%d").to_string();
                line(&mut inner, "DTSTART;VALUE=DATE:", &date(*day));
                let tomorrow = day.tomorrow().expect("not the last");
                line(&mut inner, "DTEND;VALUE=DATE:", &date(tomorrow));
            }
            When::Weekly(series) => {
                text.push_str(BERLIN);
                times(&mut inner, series.first);
                let count = series.count.map(|count| format!(";COUNT={count}"));
                let rule = format!("FREQ=WEEKLY{}", count.unwrap_or_default());
                line(&mut inner, "RRULE:", &rule);
                for week in &series.excluded {
                    let at = floating(series.first + (7 * week).days());
                    line(&mut inner, "EXDATE;TZID=Europe/Berlin:", &at);
                }
            }
        }
        self.component(&mut text, &inner, OCTETS);
        if let When::Weekly(Weekly {
            first,
            moved: Some(week),
            ..
        }) = &self.when
        {
            let at = *first + (7 * week).days();
            let mut inner = String::new();
            line(
                &mut inner,
                "RECURRENCE-ID;TZID=Europe/Berlin:",
                &floating(at),
            );
            times(&mut inner, at + SignedDuration::from_hours(2));
            self.component(&mut text, &inner, 0);
        }
        text + "END:VCALENDAR\r\n"
    }

    /// An event with these lines, filled up until the object is as long as it should be.
    fn component(&self, text: &mut String, inner: &str, octets: usize) {
        let number = self.number;
        let _ = write!(
            text,
            "BEGIN:VEVENT\r\nUID:{:016x}-{number}@example.com\r\nDTSTAMP:20260101T080000Z\r\n{inner}SUMMARY:Planning {number} & more\r\nLOCATION:Second floor\\, room {}\r\n",
            scramble(number),
            number % 40
        );
        while text.len() + 60 < octets {
            text.push_str("X-NOTE:the same people meet and talk about the same things\r\n");
        }
        text.push_str("END:VEVENT\r\n");
    }
}

fn times(text: &mut String, start: civil::DateTime) {
    line(text, "DTSTART;TZID=Europe/Berlin:", &floating(start));
    line(text, "DTEND;TZID=Europe/Berlin:", &floating(start + LENGTH));
}

fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(value);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_as_long_as_they_should_be_and_stay_the_same() {
        let calendar = Calendar { objects: 1_000 };
        let texts: Vec<String> = (0..100).map(|number| calendar.text(number)).collect();
        let mean = texts.iter().map(String::len).sum::<usize>() / texts.len();
        assert!((700..850).contains(&mean), "{mean}");
        assert_eq!(
            texts,
            (0..100)
                .map(|number| calendar.text(number))
                .collect::<Vec<_>>()
        );
        let series = texts
            .iter()
            .filter(|text| text.contains("FREQ=WEEKLY"))
            .count();
        assert_eq!(series, 10);
    }
}
