//! What is stored, in the words of the RFCs.

mod ask_again;
mod attachment;
mod audit;
mod collection;
mod enabled;
mod lock;
mod membership;
mod object;
mod principal;
mod scheduling_log;
mod trash;
mod work;

pub use ask_again::{ASK_AGAIN_QUEUE, AskAgain};
pub use attachment::{Attachment, AttachmentId, InvalidAttachmentId};
pub use audit::{AuditAction, AuditEntry, AuditPosition};
pub use collection::{
    Change, Collection, CollectionId, CollectionKind, DEFAULT_CALENDAR_NAME, INBOX_NAME,
    InvalidSyncToken, MAXIMUM_NAME_OCTETS, Member, OUTBOX_NAME, Properties, RESERVED_NAMES,
    SyncToken,
};
pub use enabled::{ENABLED_QUEUE, Enabled};
pub use lock::{Lock, LockRoot};
pub use membership::{DORMANT_MEMBERSHIP_QUEUE, GroupMeeting, MEMBERSHIP_QUEUE, MembershipChange};
pub use object::{CalendarFacts, Content, INLINE_CONTENT_OCTETS, Object};
pub use principal::{
    BOOKING_HORIZON_DAYS, Booking, BookingRule, Credential, Delegate, InvitationRecipients,
    Principal, PrincipalId, PrincipalKind,
};
pub use scheduling_log::{SchedulingLogEntry, SchedulingLogPosition};
pub use trash::{InvalidTrashId, TrashCause, TrashId, TrashPolicy, Trashed, TrashedCollection};
pub use work::{Work, WorkId};
