//! The clock that the times of one component are read on.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil};

use crate::recurrence::gregorian::{SECONDS_OF_DAY, civil_of_seconds, civil_seconds};
use crate::value::{DateOrDateTime, DateTime, Duration, Form, Period, PeriodEnd};
use crate::zone::{Zone, Zones, nearest_instant};

/// What identifies an instance within its recurrence set: the instant of its original start in seconds, or,
/// if that floats, the civil time, which is the same for every reader.
pub(super) type Key = i64;

/// What a RECURRENCE-ID or EXDATE means in a recurrence set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// The instance with this key.
    Instance(Key),
    /// The instances that begin on this day, by its number: a DATE in a set of DATE-TIMEs, which some
    /// clients write.
    Day(i64),
}

/// The form of DTSTART, with its zone.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub(super) form: Form,
    pub(super) is_date: bool,
    pub(super) zone: Zone,
    /// Whether the times mean another instant for each reader: DATEs, floating times, and those of a zone that
    /// nobody knows.
    is_floating: bool,
}

impl Clock {
    /// The clock of a value.
    pub(super) fn of(value: &DateOrDateTime, zones: &Zones<'_>, floating: &Zone) -> Clock {
        match value {
            DateOrDateTime::Date(_) => Clock {
                form: Form::Floating,
                is_date: true,
                zone: floating.clone(),
                is_floating: true,
            },
            DateOrDateTime::DateTime(value) => {
                let zone = zones.known(&value.form);
                Clock {
                    form: value.form.clone(),
                    is_date: false,
                    is_floating: zone.is_none(),
                    zone: zone.unwrap_or_else(|| floating.clone()),
                }
            }
        }
    }

    pub(super) fn is_floating(&self) -> bool {
        self.is_floating
    }

    /// Whether a value is written as the values of this clock are.
    pub(super) fn has_form_of(&self, value: &DateOrDateTime) -> bool {
        match value {
            DateOrDateTime::Date(_) => self.is_date,
            DateOrDateTime::DateTime(value) => !self.is_date && value.form == self.form,
        }
    }

    /// Where a value of this clock begins: a DATE, which a rule of hours can yield, at midnight.
    pub(super) fn start_of(&self, civil: i64) -> i64 {
        if self.is_date {
            civil - civil.rem_euclid(SECONDS_OF_DAY)
        } else {
            civil
        }
    }

    /// The last second that begins, as a value of this clock, not after a civil time.
    pub(super) fn end_of(&self, civil: i64) -> i64 {
        if self.is_date {
            self.start_of(civil).saturating_add(SECONDS_OF_DAY - 1)
        } else {
            civil
        }
    }

    pub(super) fn instant(&self, civil: i64) -> Timestamp {
        self.zone.instant_of_seconds(civil)
    }

    pub(super) fn civil(&self, instant: Timestamp) -> i64 {
        civil_seconds(self.zone.civil(instant))
    }

    /// The key of what starts at a civil time, which is also given as an instant.
    pub(super) fn key(&self, civil: i64, instant: Timestamp) -> Key {
        if self.is_floating() {
            civil
        } else {
            instant.as_second()
        }
    }

    /// The civil time of a key; not always the one that the rule gave, if that is in a gap.
    pub(super) fn civil_of_key(&self, key: Key) -> i64 {
        if self.is_floating() {
            key
        } else {
            self.civil(nearest_instant(key))
        }
    }

    /// A key as a value in the form of this clock; in UTC, if the clock shows that time twice and the key is
    /// the second.
    pub(super) fn value_of_key(&self, key: Key) -> DateOrDateTime {
        let civil = self.civil_of_key(key);
        if !self.is_floating() && self.instant(civil).as_second() != key {
            return DateTime::utc(civil_of_seconds(key)).into();
        }
        self.value(civil)
    }

    /// A civil time as a value in the form of this clock.
    pub(super) fn value(&self, civil: i64) -> DateOrDateTime {
        let civil = civil_of_seconds(civil);
        if self.is_date {
            return DateOrDateTime::Date(civil.date());
        }
        let form = match &self.form {
            Form::Zoned(id) => Form::Zoned(Arc::clone(id)),
            other => other.clone(),
        };
        DateTime { civil, form }.into()
    }

    /// What any value means in a set with this clock (RFC 5545 §3.8.4.4, and beyond it what clients send: UTC
    /// for local time, a DATE-TIME for a DATE, a DATE for a DATE-TIME).
    pub(super) fn meant_by(
        &self,
        value: &DateOrDateTime,
        zones: &Zones<'_>,
        floating: &Zone,
    ) -> Meant {
        let value = match value {
            DateOrDateTime::Date(_) => {
                let midnight = civil_seconds(value.civil());
                return if self.is_date {
                    Meant::Instance(midnight)
                } else {
                    Meant::Day(midnight.div_euclid(SECONDS_OF_DAY))
                };
            }
            DateOrDateTime::DateTime(value) => value,
        };
        Meant::Instance(match &value.form {
            Form::Utc if self.is_date => self.midnight_at(zones.instant(value, floating)),
            Form::Utc if self.is_floating() => self.civil(zones.instant(value, floating)),
            _ if self.is_date => civil_seconds(value.civil.date().into()),
            _ if self.is_floating() => civil_seconds(value.civil),
            Form::Floating => self.instant(civil_seconds(value.civil)).as_second(),
            _ => zones.instant(value, floating).as_second(),
        })
    }

    /// The day that somebody means by when it begins for them: a midnight of the reader's own, or else the nearest one in
    /// UTC, which it is for nearly everybody, wherever the reader is.
    fn midnight_at(&self, instant: Timestamp) -> i64 {
        let here = self.civil(instant);
        match here == self.start_of(here) {
            true => here,
            false => self.start_of(instant.as_second() + SECONDS_OF_DAY / 2),
        }
    }

    /// Where a duration ends that begins at a civil time, which is also given as an instant: nominal days on
    /// this clock, then exact seconds (RFC 5545 §3.3.6).
    pub(super) fn end(&self, civil: i64, instant: Timestamp, duration: Duration) -> Timestamp {
        let from = if duration.days == 0 {
            instant
        } else {
            let days = duration.days.saturating_mul(SECONDS_OF_DAY);
            self.instant(civil.saturating_add(days))
        };
        later(from, duration.seconds)
    }

    /// UNTIL on this clock (RFC 5545 §3.3.10), and beyond the RFC: a DATE includes its whole day, a floating
    /// time is one of this clock, a UTC time beside a DATE is the day that it shows in UTC.
    pub(super) fn until(&self, until: &DateOrDateTime) -> civil::DateTime {
        match until {
            DateOrDateTime::Date(date) => date.at(23, 59, 59, 0),
            DateOrDateTime::DateTime(value) if value.form == Form::Utc && !self.is_date => {
                let instant = Zone::utc().instant(value.civil);
                self.zone.civil(instant)
            }
            DateOrDateTime::DateTime(value) => value.civil,
        }
    }
}

/// An instant moved by seconds, or the nearest that there is.
pub(crate) fn later(instant: Timestamp, seconds: i64) -> Timestamp {
    if seconds == 0 {
        return instant;
    }
    instant
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(if seconds < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
}

/// The start and end of a PERIOD; an end before the start is the start.
pub(crate) fn bounds_of_period(
    period: &Period,
    zones: &Zones<'_>,
    floating: &Zone,
) -> (Timestamp, Timestamp) {
    let value = DateOrDateTime::DateTime(period.start.clone());
    let clock = Clock::of(&value, zones, floating);
    let civil = civil_seconds(period.start.civil);
    let start = clock.instant(civil);
    let end = match &period.end {
        PeriodEnd::End(end) => zones.instant(end, floating),
        PeriodEnd::Duration(duration) => clock.end(civil, start, *duration),
    };
    (start, end.max(start))
}
