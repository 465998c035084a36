//! Why a change was refused, as values. `dav` turns them into responses in one place.

use storage::{ResourcePath, access::Privilege, model::LockRoot};
use tokio::task::JoinError;

/// A precondition or postcondition element, by its RFC name. `dav`'s table knows namespace and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Precondition {
    // RFC 4918 §16
    LockTokenMatchesRequestUri,
    LockTokenSubmitted,
    NoConflictingLock,
    CannotModifyProtectedProperty,
    PropfindFiniteDepth,
    NoExternalEntities,
    PreservedLiveProperties,
    // RFC 3253
    SupportedReport,
    // RFC 3744
    NeedPrivileges,
    NoAceConflict,
    NoProtectedAceConflict,
    LimitedNumberOfAces,
    NoInvert,
    NotSupportedPrivilege,
    RecognizedPrincipal,
    AllowedPrincipal,
    // RFC 5689
    ValidResourcetype,
    // RFC 6578
    ValidSyncToken,
    NumberOfMatchesWithinLimits,
    SyncTraversalSupported,
    // RFC 4331
    QuotaNotExceeded,
    SufficientDiskSpace,
    // RFC 4791 §5.3
    ResourceMustBeNull,
    CalendarCollectionLocationOk,
    ValidCalendarData,
    ValidCalendarObjectResource,
    SupportedCalendarData,
    SupportedCalendarComponent,
    SupportedCalendarComponentSet,
    NoUidConflict,
    MaxResourceSize,
    MinDateTime,
    MaxDateTime,
    MaxInstances,
    MaxAttendeesPerInstance,
    SupportedFilter,
    SupportedCollation,
    ValidFilter,
    ValidTimezone,
    InitializeCalendarCollection,
    // RFC 7529 §10
    SupportedRscale,
    // RFC 6638
    UniqueSchedulingObjectResource,
    SameOrganizerInAllComponents,
    AllowedOrganizerSchedulingObjectChange,
    AllowedAttendeeSchedulingObjectChange,
    DefaultCalendarNeeded,
    ValidScheduleDefaultCalendarUrl,
    ValidSchedulingMessage,
    ValidOrganizer,
    // calendarserver private-events §4.2.2.1
    ValidAccessRestrictionChange,
    // RFC 8607 §3.11
    MaxAttachmentSize,
    MaxAttachmentsPerResource,
    ValidAction,
    ValidRid,
    ValidManagedId,
    ValidManagedIdParameter,
}

/// A change that did not happen, and why. Nothing of it did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 404
    #[error("there is no such resource")]
    NotFound,
    /// 409: an ancestor is missing.
    #[error("the parent collection does not exist")]
    ParentMissing,
    /// 405: the resource's kind does not allow it.
    #[error("not possible here: {0}")]
    NotAllowed(&'static str),
    /// 412: If, If-Match, If-None-Match, If-Schedule-Tag-Match, If-Unmodified-Since, Overwrite.
    #[error("a condition of the request does not hold: {0}")]
    ConditionFailed(&'static str),
    /// 423, with the locked resource's path.
    #[error("locked")]
    Locked {
        /// `lock-token-submitted` or `no-conflicting-lock`.
        precondition: Precondition,
        /// Where the locks stand.
        roots: Vec<LockRoot>,
    },
    /// 403 `need-privileges`.
    #[error("privileges are missing")]
    Forbidden {
        /// What is missing where.
        missing: Vec<(ResourcePath, Privilege)>,
    },
    /// 403 without a precondition element: a collection into itself, a resource onto itself.
    #[error("forbidden: {0}")]
    Prohibited(&'static str),
    /// 403 (or 409 where the RFC says so) with a precondition element.
    #[error("{precondition:?}: {detail}")]
    Precondition {
        /// Which.
        precondition: Precondition,
        /// For people.
        detail: String,
        /// The resource in the way, where the element carries an href.
        resource: Option<ResourcePath>,
    },
    /// 409
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// 507
    #[error("no room left: {0}")]
    InsufficientStorage(&'static str),
    /// 507 with Retry-After: the disk of the server is full. Nothing that is stored is in danger, and
    /// the same request succeeds once somebody has made room.
    #[error(
        "the disk of the server is full, so nothing can be saved now; what was saved before is safe. \
         Whoever runs this server must make room on its disk"
    )]
    Full,
    /// 429 with Retry-After: the actor would cause more scheduling messages than one may in an hour. Nothing was
    /// stored or sent.
    #[error(
        "this would send invitations or answers to more people than one person may reach in an hour, which are \
         {maximum}; nothing was saved or sent. Try again in {minutes} minutes, or with fewer people",
        minutes = retry_after_seconds.div_ceil(60)
    )]
    TooManyMessages {
        /// How many are possible.
        maximum: u64,
        /// When they are counted anew.
        retry_after_seconds: u64,
    },
    /// 503 with Retry-After: too many concurrent changes, or the store cannot be written now.
    #[error("try again later: {0}")]
    Unavailable(String),
    /// 500: the store is damaged.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl Refusal {
    /// Of a task that did not come to an end, of whoever waited for it: the server is being stopped.
    ///
    /// # Panics
    /// If the task panicked, with what it panicked with, as if its work had not been a task of its own.
    pub fn of_ended_task(error: JoinError) -> Refusal {
        match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Refusal::Unavailable("the server is being stopped".to_owned()),
        }
    }
}
