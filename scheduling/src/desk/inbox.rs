//! How messages leave inboxes again (RFC 6638 §2.2): an invitation when it was answered, everything when it is old.
//! They leave no trace in the trash: what they brought stands in the calendar.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use storage::{
    Batch, Found, Resolution, Stored, Timestamp,
    model::{Collection, INBOX_NAME, Member, Object, Principal, PrincipalId, Work},
};

use super::{
    Desk,
    members::Members,
    properties::home_path,
    queue::Row,
    refuse::{commit_failed, read_failed},
};
use crate::{
    Refusal,
    engine::{self, Directory, Method},
};

/// The queue of invitations that were answered.
pub const ANSWERED_QUEUE: &str = "answered";
/// Messages that one commit removes, and that are read at once.
const MESSAGES_AT_ONCE: usize = 200;

/// The payload of a row in [`ANSWERED_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answered {
    attendee: PrincipalId,
    uid: String,
}

/// Whether a message was in the inbox when the answer was stored. (A row that was put off has another revision than the
/// answer.)
fn was_there(message: &Stored<Object>, row: &Row) -> bool {
    match row.was_put_off() {
        true => message.created <= row.work.created,
        false => message.revision < row.work.revision,
    }
}

impl Desk {
    /// Leaves the invitations that an attendee answered in this commit to [`Desk::clear_answered`].
    pub(crate) fn enqueue_answered(
        &self,
        batch: &mut Batch,
        attendee: PrincipalId,
        uid: &str,
        now: Timestamp,
    ) {
        let answered = Answered {
            attendee,
            uid: uid.to_owned(),
        };
        let work = Work::of(ANSWERED_QUEUE, &answered, now);
        batch.enqueue(&self.store.new_work_id(now), &work);
    }

    /// Removes the invitations of a meeting that somebody answered from their inbox, and from those of delegates;
    /// says whether there was one answer to look at, and hence perhaps another. To be called by a worker whenever
    /// [`ANSWERED_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn clear_answered(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.clear_step(&row).await;
            self.conclude(&row, step).await
        };
        self.work_through(ANSWERED_QUEUE, step).await
    }

    async fn clear_step(&self, row: &Row) -> Result<Batch, Refusal> {
        let answered: Answered = row.task()?;
        let mut batch = self.store.batch();
        match self.clear_some(&mut batch, &answered, row).await? {
            true => batch.expect_work(&row.id, &row.work),
            false => batch.finish_work(&row.id, &row.work),
        };
        Ok(batch)
    }

    /// Puts the removal of invitations into the batch that were there when the commit that left `row` answered them;
    /// whether there are more. As long as anything of the meeting is open, none goes.
    async fn clear_some(
        &self,
        batch: &mut Batch,
        answered: &Answered,
        row: &Row,
    ) -> Result<bool, Refusal> {
        let attendee = self.store.principal(answered.attendee).await;
        let Some(attendee) = attendee.map_err(read_failed)? else {
            return Ok(false);
        };
        let Some(home) = attendee.home else {
            return Ok(false);
        };
        let copies = self.copies(home, &answered.uid).await?;
        copies.expect(batch);
        if let Some(copy) = &copies.meeting {
            let mut directory = Directory::new();
            let addresses = engine::addresses(Some(&copy.object), None);
            self.look_up(&mut directory, &addresses).await?;
            if engine::is_open(&copy.object, &attendee, &directory) {
                return Ok(false);
            }
        }
        let mut found = 0;
        for inbox in self.inboxes_with(&attendee, &answered.uid).await? {
            let inbox = inbox.collection();
            let is_of_meeting = |message: &Stored<Object>| {
                let facts = message.calendar.as_ref();
                was_there(message, row) && facts.is_some_and(|facts| facts.uid == answered.uid)
            };
            let mut invitations = Vec::new();
            let mut is_more = false;
            for (name, message) in self.messages(inbox, is_of_meeting, usize::MAX).await? {
                if !self.is_invitation(&message).await? {
                    continue;
                }
                is_more = found == MESSAGES_AT_ONCE;
                if is_more {
                    break;
                }
                found += 1;
                invitations.push((name, message));
            }
            self.remove_messages(batch, inbox, &invitations).await?;
            if is_more {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn remove_messages(
        &self,
        batch: &mut Batch,
        inbox: &Collection,
        messages: &[(String, Stored<Object>)],
    ) -> Result<(), Refusal> {
        for (name, message) in messages {
            batch.remove_object(inbox, name, message);
        }
        let names: Vec<String> = messages.iter().map(|(name, _)| name.clone()).collect();
        self.release_locks(batch, inbox, &names).await
    }

    /// The inboxes in which invitations of somebody to a meeting may be: their own, and those of delegates who have
    /// nothing to do with the meeting themselves.
    async fn inboxes_with(
        &self,
        attendee: &Arc<Principal>,
        uid: &str,
    ) -> Result<Vec<Resolution>, Refusal> {
        let own = self.inbox_of(attendee).await?;
        let mut inboxes: Vec<Resolution> = own.into_iter().collect();
        for inbox in self.inboxes_of_delegates(attendee).await? {
            let theirs = self.store.find_uid(inbox.home().id, uid).await;
            if theirs.map_err(read_failed)?.is_empty() {
                inboxes.push(inbox);
            }
        }
        Ok(inboxes)
    }

    pub(super) async fn inbox_of(
        &self,
        principal: &Principal,
    ) -> Result<Option<Resolution>, Refusal> {
        let path = home_path(principal).child(INBOX_NAME);
        let inbox = self.store.resolve(&path).await.map_err(read_failed)?;
        Ok(inbox.filter(|it| matches!(it.found, Found::Collection)))
    }

    async fn is_invitation(&self, message: &Object) -> Result<bool, Refusal> {
        let message = self.parsed(message).await?;
        let method = message.calendar().raw_value("METHOD");
        Ok(method.is_some_and(|method| method.eq_ignore_ascii_case(Method::Request.as_str())))
    }

    /// The messages in an inbox for which something holds, at most so many.
    pub(super) async fn messages(
        &self,
        inbox: &Collection,
        wanted: impl Fn(&Stored<Object>) -> bool,
        most: usize,
    ) -> Result<Vec<(String, Stored<Object>)>, Refusal> {
        let mut found = Vec::new();
        let mut members = Members::in_pages_of(MESSAGES_AT_ONCE, inbox.id);
        while found.len() < most
            && let Some(page) = self.next_members(&mut members).await?
        {
            for row in page {
                let revision = row.member.revision;
                if let Member::Object(value) = row.member.value {
                    let message = Stored { value, revision };
                    if wanted(&message) && found.len() < most {
                        found.push((row.name, message));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Removes messages from somebody's inbox that came longer ago than they are kept, a bounded number; says
    /// whether there may be more.
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn expire_inbox(
        &self,
        principal: &Principal,
        kept_milliseconds: i64,
    ) -> Result<bool, Refusal> {
        let Some(inbox) = self.inbox_of(principal).await? else {
            return Ok(false);
        };
        let clock = self.store.retention_clock().await.map_err(commit_failed)?;
        let now = clock.now_for(kept_milliseconds);
        let until = Timestamp(now.0.saturating_sub(kept_milliseconds));
        let inbox = inbox.collection();
        let is_old = |message: &Stored<Object>| message.created < until;
        let old = self.messages(inbox, is_old, MESSAGES_AT_ONCE).await?;
        if old.is_empty() {
            return Ok(false);
        }
        let mut batch = self.store.batch();
        self.remove_messages(&mut batch, inbox, &old).await?;
        self.commit(batch).await?;
        Ok(true)
    }
}
