//! Rows about meetings: their logs, their groups, and the messages about them.

use super::{Builder, Keyspace, UID_IN_HOME_OCTETS, number, ordered, uid_hash};
use crate::{
    Timestamp, Uuid,
    backend::{Key, LOG_POSITION_OCTETS},
    model::{CollectionId, PrincipalId},
};

/// The hour, counted from 1970, of a counter of messages.
pub(crate) fn messages_of_hour(hour: i64) -> Key {
    Builder::new(Keyspace::Messages, 8)
        .octets(&ordered(Timestamp(hour)))
        .key()
}

pub(crate) fn messages(hour: i64, sender: PrincipalId) -> Key {
    Builder::new(Keyspace::Messages, 16)
        .octets(&ordered(Timestamp(hour)))
        .number(sender.0)
        .key()
}

/// A message from outside, by a name that follows from what it is.
pub(crate) fn received(recipient: PrincipalId, message: Uuid) -> Key {
    Builder::new(Keyspace::Received, 24)
        .number(recipient.0)
        .octets(&message.to_octets())
        .key()
}

/// A mail that left, by its name.
pub(crate) fn mail_that_left(mail: Uuid) -> Key {
    Builder::new(Keyspace::Received, 16)
        .octets(&mail.to_octets())
        .key()
}

/// What the keys of a meeting's scheduling log in a home begin with; they are in the order of commits.
pub(crate) fn scheduling_log(home: CollectionId, uid: &str) -> Key {
    Builder::new(Keyspace::SchedulingLog, 24 + LOG_POSITION_OCTETS)
        .number(home.0)
        .octets(&uid_hash(uid))
        .key()
}

/// What the keys of all scheduling logs of a home begin with.
pub(crate) fn scheduling_logs_of(home: CollectionId) -> Key {
    Builder::new(Keyspace::SchedulingLog, 8)
        .number(home.0)
        .key()
}

/// The log that a key is of: what all keys of it begin with.
pub(crate) fn scheduling_log_of(key: &[u8]) -> Option<&[u8]> {
    key.get(..UID_IN_HOME_OCTETS)
        .filter(|_| key.len() == UID_IN_HOME_OCTETS + LOG_POSITION_OCTETS)
}

/// What the keys of all meetings of a group begin with.
pub(crate) fn group_meetings(group: PrincipalId) -> Key {
    Builder::new(Keyspace::GroupMeeting, 8)
        .number(group.0)
        .key()
}

pub(crate) fn group_meeting(group: PrincipalId, home: CollectionId, uid: &str) -> Key {
    Builder::new(Keyspace::GroupMeeting, 32)
        .number(group.0)
        .number(home.0)
        .octets(&uid_hash(uid))
        .key()
}

/// The group in the key of one of its meetings.
pub(crate) fn group_of_meeting(key: &[u8]) -> Option<PrincipalId> {
    let group = key.get(1..9).filter(|_| key.len() == 33);
    group.and_then(number).map(PrincipalId)
}
