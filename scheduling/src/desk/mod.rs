//! The one door through which resources are changed, and read for somebody.
//!
//! Every change goes in rounds: load with a few batched reads (`scene`), check rights, evaluate the
//! request's conditions upon what was read (`conditions`, `guard`), check the preconditions
//! (`admission`), and make one commit that expects all that was read to be unchanged. Where it is
//! not, the next round decides anew; nothing that the client demanded is forgotten on the way.

use std::sync::Arc;

use storage::{
    Batch, Environment, MESSAGES_MAXIMUM, Store, Timestamp,
    backend::{CommitError, Committed},
};

use tokio::sync::OnceCell;

use crate::{Refusal, calendar_view::Views};

mod access;
mod admission;
mod arrival;
mod ask_again;
mod attach;
mod attachments;
mod audit;
mod availability;
mod booking;
mod bounce;
mod called_off;
mod collection;
mod conditions;
mod construction;
mod content;
mod copy;
mod decline_counter;
mod delete;
mod departure;
mod enabled;
mod free_busy;
mod guard;
mod handover;
mod held_answers;
mod import;
mod inbox;
mod incoming;
mod kept_views;
mod lock;
mod log;
mod mail_status;
mod mailing;
mod members;
mod membership;
mod note;
mod open;
mod outbox;
mod outstanding;
mod own_edit;
mod people;
mod place;
mod properties;
mod put;
mod question;
mod queue;
mod recipients;
mod refresh;
mod refuse;
mod rehearsal;
mod resources;
mod rights;
mod scene;
mod schedule;
mod settings;
mod sight;
mod silent;
mod standing;
mod statuses;
mod transfer;
mod trash;
mod tree;
mod upload;
mod views;

#[cfg(test)]
mod tests;

pub use access::ChangeAccess;
pub use attach::{
    AttachedFile, AttachmentAction, AttachmentUpload, AttachmentWritten, ChangeAttachments,
};
pub use audit::audit;
pub use availability::ReadAvailability;
pub use booking::BOOKING_QUEUE;
pub use bounce::Bounce;
pub use collection::{CALENDAR_COMPONENTS, MakeCollection, components_of};
pub use decline_counter::DeclineCounter;
pub use delete::Delete;
pub use departure::Departure;
pub use free_busy::BusyQuery;
pub use held_answers::HELD_ANSWER_QUEUE;
pub use import::{Import, Imported, IncomingObject, OnConflict, Placed, object_name};
pub use inbox::ANSWERED_QUEUE;
pub use incoming::{Effect, IncomingMessage, Reception};
pub use kept_views::Keeping;
pub use lock::TakeLock;
pub use mail_status::MAIL_STATUS_QUEUE;
pub use open::Opened;
pub use outbox::CalendarRules;
pub use outstanding::{
    DELIVERY_QUEUE, GivenUp, LETTERS_BEHIND_QUEUE, LETTERS_QUEUE, UnreadableMessages,
};
pub use properties::{ChangeProperties, PropertyChange};
pub use put::{Put, Written};
pub use refresh::REFRESH_QUEUE;
pub use rehearsal::Rehearsal;
pub use resources::{FoundResource, FoundResources};
pub use settings::{CommitBounds, Limits, Settings};
pub use standing::Standing;
pub use transfer::Transfer;
pub use trash::{RestoreCollection, Restored, TrashDetail, TrashError, TrashItem};
pub use upload::FileUpload;
pub use views::Read;

/// RFC 4918 §9.6.1: single failures below a collection.
pub type PartialFailures = Vec<(storage::ResourcePath, Refusal)>;

/// How many rounds one change may take. In each round in which it loses, another change of the same
/// resources has won, so that this is the number of changes that may overtake one.
const MAXIMUM_ROUNDS: usize = 128;

/// The one door. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    store: Store,
    settings: Arc<Settings>,
    views: Arc<Views>,
    /// What waited in rows of before 2026-11-30 is in those of its meetings.
    former_rows: Arc<OnceCell<()>>,
    /// Nothing is written, neither a commit nor what is written ahead of one: a dry run.
    rehearses: bool,
}

impl Desk {
    /// A desk over a store, before anything is written to it. Looks into the files of kept views, if there are any.
    pub fn new(store: Store, mut settings: Settings) -> Desk {
        if let Some(files) = &settings.kept_views
            && let Err(error) = kept_views::forget_another_life(files, store.revision())
        {
            tracing::warn!(%error, "large calendars are read anew");
            settings.kept_views = None;
        }
        Desk {
            store,
            views: Arc::new(Views::new(settings.views)),
            former_rows: Arc::default(),
            settings: Arc::new(settings),
            rehearses: false,
        }
    }

    /// What lies behind the desk. Reading it is everybody's; calendar objects are written only here.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the desk knows of the installation.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn environment(&self) -> &Environment {
        self.store.environment()
    }

    fn now(&self) -> Timestamp {
        self.environment().clock.now()
    }

    /// Commits a round; `None` where something that it was decided upon has changed meanwhile.
    async fn commit(&self, batch: Batch) -> Result<Option<Committed>, Refusal> {
        if self.rehearses {
            return Err(refuse::only_objects_are_rehearsed());
        }
        self.count_changes(&batch);
        match self.store.commit(batch).await {
            Ok(committed) => Ok(Some(committed)),
            Err(CommitError::Conflict(_) | CommitError::Retry) => Ok(None),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// A commit failed for another reason than a conflict.
    fn refused(&self, error: CommitError) -> Refusal {
        match error {
            CommitError::Limit(MESSAGES_MAXIMUM) => self.too_many_messages(),
            error => refuse::commit_failed(error),
        }
    }
}
