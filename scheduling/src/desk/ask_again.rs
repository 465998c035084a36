//! A room or resource is told to answer otherwise: what it has not answered yet, and is not over, is asked of it again.
//!
//! The change of the account leaves a row of work in its own commit. [`Desk::ask_rooms_again`] takes it and looks through
//! the calendars of the room, some objects in each commit, with how far that came; what is open is left to
//! [`Desk::answer_bookings`].

use storage::{
    Batch,
    model::{ASK_AGAIN_QUEUE, AskAgain, CollectionKind, Member, Object, Principal},
};

use super::{Desk, copy::is_over, queue::Row, refuse::read_failed};
use crate::{
    Refusal,
    engine::{self, Directory},
};

/// Members looked at in one step.
const MEMBERS_AT_ONCE: usize = 100;

impl Desk {
    /// Makes one commit of what rooms are asked again; says whether there was one to make, and hence perhaps another. To
    /// be called by a worker whenever [`ASK_AGAIN_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn ask_rooms_again(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.ask_again_step(&row).await;
            self.conclude(&row, step).await
        };
        self.work_through(ASK_AGAIN_QUEUE, step).await
    }

    async fn ask_again_step(&self, row: &Row) -> Result<Batch, Refusal> {
        let mut rest: AskAgain = row.task()?;
        let mut batch = self.store.batch();
        let room = self.store.principal(rest.room).await;
        match room.map_err(read_failed)? {
            Some(room) if room.answers_by_itself() => {
                self.ask_again_next(&mut batch, &room, &mut rest).await?;
            }
            _ => rest.open.clear(),
        }
        match rest.open.is_empty() {
            true => batch.finish_work(&row.id, &row.work),
            false => {
                let rest = rest.work(row.work.created);
                batch.reschedule(&row.id, &row.work, row.id.due, &rest)
            }
        };
        Ok(batch)
    }

    /// Looks at the next members, and takes them off what is left.
    async fn ask_again_next(
        &self,
        batch: &mut Batch,
        room: &Principal,
        rest: &mut AskAgain,
    ) -> Result<(), Refusal> {
        let Some(id) = rest.open.last().copied() else {
            return Ok(());
        };
        let collection = self.store.collection(id).await.map_err(read_failed)?;
        let is_calendar = collection.is_some_and(|it| it.kind == CollectionKind::Calendar);
        let after = rest.after.as_deref();
        let page = self.store.members(id, after, MEMBERS_AT_ONCE).await;
        let (members, more) = page.map_err(read_failed)?;
        let mut below = Vec::new();
        for listed in &members {
            match &listed.member.value {
                Member::Collection(collection) => below.push(*collection),
                Member::Object(object) if is_calendar => {
                    if let Some(uid) = self.open_invitation(room, object).await? {
                        self.enqueue_booking(batch, room.id, uid, self.now());
                    }
                }
                Member::Object(_) => {}
            }
        }
        rest.after = members.last().map(|listed| listed.name.clone());
        if !more {
            rest.open.pop();
            rest.after = None;
        }
        rest.open.splice(0..0, below);
        Ok(())
    }

    /// The UID of a meeting that is not over and that its owner has not answered. What cannot be read is none.
    async fn open_invitation<'a>(
        &self,
        owner: &Principal,
        object: &'a Object,
    ) -> Result<Option<&'a str>, Refusal> {
        let facts = object.calendar.as_ref().filter(|facts| facts.scheduling);
        let Some(facts) = facts.filter(|_| !is_over(object, self.now())) else {
            return Ok(None);
        };
        let object = match self.parsed(object).await {
            Ok(object) => object,
            Err(Refusal::Damaged(_)) => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&object), None))
            .await?;
        Ok(engine::is_open(&object, owner, &directory).then_some(&*facts.uid))
    }
}
