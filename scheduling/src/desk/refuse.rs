//! Errors of the store as refusals, and the refusals that several operations share.

use storage::{
    ResourcePath,
    access::Privilege,
    backend::{COUNTER_MAXIMUM, CommitError, ReadError},
};

use crate::{Precondition, Refusal};

/// A read failed.
pub(crate) fn read_failed(error: ReadError) -> Refusal {
    match error {
        ReadError::Unavailable(reason) => Refusal::Unavailable(reason),
        ReadError::Corrupt(reason) => Refusal::Damaged(reason),
    }
}

/// A commit failed for another reason than a conflict.
pub(crate) fn commit_failed(error: CommitError) -> Refusal {
    match error {
        CommitError::Conflict(_) | CommitError::Retry => crowded(),
        CommitError::Unavailable(reason) => Refusal::Unavailable(reason),
        CommitError::Full => Refusal::Full,
        CommitError::Corrupt(reason) => Refusal::Damaged(reason),
        // The desk bounds one counter: the octets in a home.
        CommitError::Limit(COUNTER_MAXIMUM) => precondition(
            Precondition::QuotaNotExceeded,
            "the home has no room for this",
        ),
        CommitError::Limit(what) => Refusal::InsufficientStorage(what),
    }
}

/// What would be several commits, or is no calendar object, has no dry run.
pub(crate) fn only_objects_are_rehearsed() -> Refusal {
    Refusal::Conflict("a dry run is of a single calendar object")
}

/// All rounds met a conflict.
pub(crate) fn crowded() -> Refusal {
    Refusal::Unavailable("too many changes at the same time".into())
}

/// 403 `need-privileges` for one privilege on one resource.
pub(crate) fn forbidden(path: &ResourcePath, privilege: Privilege) -> Refusal {
    Refusal::Forbidden {
        missing: vec![(path.clone(), privilege)],
    }
}

/// What is in the way at `path`, or has the UID of what is to stand there, is hidden from the actor.
///
/// A name is given once, and a UID names one object of a calendar and one meeting of its owner: whoever brings
/// such a thing cannot have it. All that can be kept from them is what there is. So they hear, whatever they ask
/// and whatever it is, just what everybody hears who may put nothing here, which is also what is said of a name
/// that the server reserves: no href, no UID, no precondition that says that it is the one or the other.
pub(crate) fn reserved(path: &ResourcePath) -> Refusal {
    let parent = path.parent().unwrap_or_else(|| path.clone());
    forbidden(&parent, Privilege::Bind)
}

/// Whether something else with the same UID is in the way, or may be.
pub(crate) fn is_about_uid(refusal: &Refusal) -> bool {
    let is_uid = |precondition: &Precondition| {
        matches!(
            precondition,
            Precondition::NoUidConflict | Precondition::UniqueSchedulingObjectResource
        )
    };
    match refusal {
        Refusal::Precondition { precondition, .. } => is_uid(precondition),
        _ => false,
    }
}

/// A precondition without a resource in the way.
pub(crate) fn precondition(precondition: Precondition, detail: impl Into<String>) -> Refusal {
    Refusal::Precondition {
        precondition,
        detail: detail.into(),
        resource: None,
    }
}

/// A precondition that names the resource in the way.
pub(crate) fn in_the_way(
    precondition: Precondition,
    detail: impl Into<String>,
    resource: ResourcePath,
) -> Refusal {
    Refusal::Precondition {
        precondition,
        detail: detail.into(),
        resource: Some(resource),
    }
}
