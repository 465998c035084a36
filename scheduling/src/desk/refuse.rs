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
