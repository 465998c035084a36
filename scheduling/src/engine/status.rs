//! Delivery and reply status (RFC 6638 §3.2.9, RFC 5546 §3.6).

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::mail::DeliveryOutcome;

/// A value of SCHEDULE-STATUS: one code, or a list of codes with commas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status(Cow<'static, str>);

impl Status {
    /// 1.0: the message is on its way.
    pub const PENDING: Status = Status(Cow::Borrowed("1.0"));
    /// 1.1: handed on, without knowledge of more.
    pub const SENT: Status = Status(Cow::Borrowed("1.1"));
    /// 1.2: in the recipient's calendar and inbox.
    pub const DELIVERED: Status = Status(Cow::Borrowed("1.2"));
    /// 2.0: a reply was processed.
    pub const SUCCESS: Status = Status(Cow::Borrowed("2.0"));
    /// 2.3: a parameter was not understood and ignored (RFC 6638 §7.2).
    pub const PARAMETER_IGNORED: Status = Status(Cow::Borrowed("2.3"));
    /// 2.7: the message went to others (RFC 5546 §3.6).
    pub const FORWARDED: Status = Status(Cow::Borrowed("2.7"));
    /// 3.1: a value cannot be.
    pub const INVALID_VALUE: Status = Status(Cow::Borrowed("3.1"));
    /// 3.7: nobody has this address.
    pub const UNKNOWN_USER: Status = Status(Cow::Borrowed("3.7"));
    /// 3.8: privileges are missing.
    pub const NO_PRIVILEGE: Status = Status(Cow::Borrowed("3.8"));
    /// 3.10: it is too large.
    pub const TOO_LARGE: Status = Status(Cow::Borrowed("3.10"));
    /// 3.11: a component or property is missing that must be there.
    pub const MISSING: Status = Status(Cow::Borrowed("3.11"));
    /// 3.13: a component is not supported.
    pub const UNSUPPORTED_COMPONENT: Status = Status(Cow::Borrowed("3.13"));
    /// 3.14: the method is not supported.
    pub const UNSUPPORTED: Status = Status(Cow::Borrowed("3.14"));
    /// 5.1: could not be delivered for now.
    pub const UNAVAILABLE: Status = Status(Cow::Borrowed("5.1"));
    /// 5.2: there is no way to deliver.
    pub const NO_WAY: Status = Status(Cow::Borrowed("5.2"));
    /// 5.3: scheduling with this person is not possible.
    pub const NOT_ALLOWED: Status = Status(Cow::Borrowed("5.3"));

    /// The parameter's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is said of somebody to whom two messages went that fared so: that they could not get one of them, whatever
    /// became of the other one; else that one is on its way still (RFC 6638 §3.2.9).
    pub fn and<'s>(&'s self, other: &'s Status) -> &'s Status {
        let weight = |status: &Status| match status.0.starts_with(['1', '2']) {
            false => 2,
            true if *status == Status::PENDING => 1,
            true => 0,
        };
        match weight(other) > weight(self) {
            true => other,
            false => self,
        }
    }

    /// Whether it only tells how the delivery goes, so that later news may replace it.
    pub(super) fn is_on_its_way(text: &str) -> bool {
        text.starts_with("1.")
    }

    /// Whether it tells that a message did not arrive.
    pub(crate) fn is_undelivered(text: &str) -> bool {
        let failed = [
            Status::UNKNOWN_USER,
            Status::NO_PRIVILEGE,
            Status::UNAVAILABLE,
            Status::NO_WAY,
            Status::NOT_ALLOWED,
        ];
        failed.iter().any(|status| status.is_in(text))
    }

    /// Whether a SCHEDULE-STATUS, which may be a list, has its code.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.split(',').any(|code| code.trim() == self.as_str())
    }

    /// What a SCHEDULE-STATUS says, and that a parameter was ignored: a list of codes in their order.
    pub(super) fn beside_ignored(text: &str) -> Status {
        let codes = text.split(',').map(str::trim);
        let codes: BTreeSet<&str> = codes
            .filter(|code| !code.is_empty())
            .chain(["2.3"])
            .collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        Status(Cow::Owned(codes.join(",")))
    }

    /// Whether it tells that a message did not arrive, or may come to tell it yet.
    pub(super) fn tells_of_loss(text: &str) -> bool {
        let open = [Status::PENDING, Status::SENT];
        open.iter().any(|status| status.is_in(text)) || Status::is_undelivered(text)
    }

    /// Whether a reply says by it that the message was not processed (RFC 5545 §3.8.8.3).
    pub(super) fn is_error(&self) -> bool {
        self.0
            .split(',')
            .any(|code| code.starts_with(['3', '4', '5']))
    }

    /// From REQUEST-STATUS values: the codes in their order; success where there is none
    /// (RFC 6638 §4.2). What is no code is passed over.
    pub(super) fn of_reply<'a>(request_statuses: impl Iterator<Item = &'a str>) -> Status {
        let codes: Vec<&str> = request_statuses
            .filter_map(|value| value.split(';').next())
            .map(str::trim)
            .filter(|code| is_code(code))
            .collect();
        if codes.is_empty() {
            Status::SUCCESS
        } else {
            Status(Cow::Owned(codes.join(",")))
        }
    }
}

/// RFC 5545 §3.8.8.3: `1*DIGIT 1*2("." 1*DIGIT)`
fn is_code(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit())
        })
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<DeliveryOutcome> for Status {
    fn from(outcome: DeliveryOutcome) -> Status {
        match outcome {
            DeliveryOutcome::Accepted => Status::SENT,
            DeliveryOutcome::Rejected => Status::NO_WAY,
            DeliveryOutcome::GivenUp => Status::UNAVAILABLE,
            DeliveryOutcome::NotPossible => Status::NOT_ALLOWED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_two_messages() {
        let (pending, delivered) = (Status::PENDING, Status::DELIVERED);
        let (refused, given_up) = (Status::NO_PRIVILEGE, Status::UNAVAILABLE);
        for (one, other, said) in [
            (&pending, &delivered, &pending),
            (&pending, &refused, &refused),
            (&delivered, &refused, &refused),
            (&given_up, &refused, &given_up),
            (&delivered, &delivered, &delivered),
        ] {
            assert_eq!(one.and(other), said);
            if one.and(other) != one {
                assert_eq!(other.and(one), said);
            }
        }
    }

    #[test]
    fn the_status_of_a_reply() {
        // RFC 6638 §4.2
        for (values, status) in [
            (&[][..], "2.0"),
            (&["2.0;Success"][..], "2.0"),
            (
                &["2.0;Success", "2.8; Success\\, repeating event ignored"][..],
                "2.0,2.8",
            ),
            (&["3.1.4;x"][..], "3.1.4"),
            (&["nonsense", "\";X=\""][..], "2.0"),
        ] {
            assert_eq!(Status::of_reply(values.iter().copied()).as_str(), status);
        }
    }
}
