//! Changes that scheduling forbids.

use crate::{Precondition, Refusal};

/// Why a change is refused. Nothing of it happens, and nobody hears of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// RFC 6638 §3.2.4.2.
    #[error("the components name different organizers")]
    SeveralOrganizers,
    /// RFC 6638 §3.2.4.3.
    #[error("an organizer cannot make this change: {0}")]
    OrganizerChange(&'static str),
    /// RFC 6638 §3.2.4.4.
    #[error("an attendee cannot make this change: {0}")]
    AttendeeChange(&'static str),
    /// The local organizer has no such event, or did not invite the owner: RFC 6638 §3.2.4.4.
    /// (`dav` says CalendarServer's `attendee-allowed` beside it.)
    #[error("the organizer has sent no such invitation: {0}")]
    NotInvited(&'static str),
}

impl Fault {
    /// The precondition element.
    pub fn precondition(&self) -> Precondition {
        match self {
            Fault::SeveralOrganizers => Precondition::SameOrganizerInAllComponents,
            Fault::OrganizerChange(_) => Precondition::AllowedOrganizerSchedulingObjectChange,
            Fault::AttendeeChange(_) | Fault::NotInvited(_) => {
                Precondition::AllowedAttendeeSchedulingObjectChange
            }
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Precondition {
            precondition: fault.precondition(),
            detail: fault.to_string(),
            resource: None,
        }
    }
}
