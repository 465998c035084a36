//! An account goes: its meetings are called off or declined first, so that nobody waits for somebody who is not there
//! any more.
//!
//! That happens meeting by meeting, each in a commit of its own with all who hear of it, and those that are over are
//! left alone: wherever it is broken off, everybody's calendars agree, and the same once more goes on. The account is
//! disabled before the first one, so that nothing comes in behind; the last commit, with which it goes, depends upon
//! nothing having come all the same.

use std::sync::{Arc, atomic::AtomicBool};

use serde::{Deserialize, Serialize};
use storage::{
    AccountError, Found, ResourcePath,
    model::{CollectionKind, Member, Object, Principal, TrashCause},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    copy::is_over,
    delete::Removal,
    members::{Members, Observed, Walk, expect_unchanged},
    properties::home_path,
    refuse::{commit_failed, crowded, read_failed},
};
use crate::{
    Actor, Conditions, Refusal,
    engine::{self, Directory, Role},
};

/// What the audit calls the one who does this.
const CLIENT: &str = "removal of an account";

/// What the removal of an account does, or would do, to meetings that are not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Meetings that it organizes: everybody else hears that they are off.
    pub cancelled: usize,
    /// Meetings that it is invited to: the organizers hear that it does not come.
    pub declined: usize,
}

/// What is still to be done.
struct Remaining {
    meetings: Vec<(ResourcePath, Role)>,
    /// All collections of the account.
    observed: Observed,
}

impl Remaining {
    fn departure(&self) -> Departure {
        let count = |role| self.meetings.iter().filter(|(_, it)| *it == role).count();
        Departure {
            cancelled: count(Role::Organizer),
            declined: count(Role::Attendee),
        }
    }
}

impl Desk {
    /// What [`Desk::remove_account`] would do now.
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn foresee_departure(&self, owner: &Principal) -> Result<Departure, Refusal> {
        Ok(self.remaining(owner).await?.departure())
    }

    /// Removes an account with everything it has, once all have heard of it; `silently` removes it at once, and nobody
    /// hears. Says what was done to meetings, in this call.
    ///
    /// Errors: `NotFound`; `Unavailable`, `Full`, `Damaged`.
    pub async fn remove_account(
        &self,
        owner: &Arc<Principal>,
        silently: bool,
    ) -> Result<Departure, Refusal> {
        let mut done = Departure::default();
        if silently {
            let removed = self.store.remove_account(owner.id).await;
            return removed.map(|()| done).map_err(account_refused);
        }
        let disabled = self
            .store
            .change_principal(owner.id, |owner| owner.disabled = true);
        let owner = disabled.await.map_err(account_refused)?;
        for _ in 0..MAXIMUM_ROUNDS {
            let remaining = self.remaining(&owner).await?;
            for (path, role) in &remaining.meetings {
                if self.leave(path).await? {
                    match role {
                        Role::Organizer => done.cancelled += 1,
                        Role::Attendee | Role::None => done.declined += 1,
                    }
                }
            }
            if !remaining.meetings.is_empty() {
                continue;
            }
            // What a commit could not hold names the account as its sender.
            while self.deliver_outstanding().await? {}
            let removed = self.store.remove_account_upon(owner.id, |batch| {
                expect_unchanged(batch, &remaining.observed);
            });
            match removed.await {
                Ok(true) => return Ok(done),
                Ok(false) => {}
                Err(error) => return Err(account_refused(error)),
            }
        }
        Err(crowded())
    }

    /// The meetings of an account that are not over.
    async fn remaining(&self, owner: &Principal) -> Result<Remaining, Refusal> {
        let (mut meetings, mut observed) = (Vec::new(), Observed::new());
        let mut walk = Walk::from(home_path(owner), Some(&mut observed));
        while let Some((path, resolution)) = self.next_collection(&mut walk).await? {
            let collection = resolution.collection();
            let is_calendar = collection.kind == CollectionKind::Calendar;
            let mut members = Members::of(collection.id);
            while let Some(page) = self.next_members(&mut members).await? {
                for listed in page {
                    match &listed.member.value {
                        Member::Collection(_) => walk.follow(&path, [listed.name]),
                        Member::Object(object) if is_calendar => {
                            let role = self.role_to_leave(owner, object).await?;
                            meetings.extend(role.map(|role| (path.child(&listed.name), role)));
                        }
                        Member::Object(_) => {}
                    }
                }
            }
        }
        Ok(Remaining { meetings, observed })
    }

    /// The owner's part in a meeting that is not over; `None` for everything else.
    async fn role_to_leave(
        &self,
        owner: &Principal,
        object: &Object,
    ) -> Result<Option<Role>, Refusal> {
        let facts = object.calendar.as_ref();
        if !facts.is_some_and(|facts| facts.scheduling) || is_over(object, self.now()) {
            return Ok(None);
        }
        let object = self.parsed(object).await?;
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&object), None))
            .await?;
        let role = engine::role(&object, owner.id, &directory).unwrap_or(Role::None);
        Ok(Some(role).filter(|role| *role != Role::None))
    }

    /// Removes a meeting as its owner would have, whatever locks there are; `false` where it is gone already.
    async fn leave(&self, path: &ResourcePath) -> Result<bool, Refusal> {
        let actor = Actor::machine(CLIENT);
        let removal = Removal {
            actor: &actor,
            submitted: &[],
            schedule_reply: true,
            cause: TrashCause::DeletedWithCollection,
            has_begun: AtomicBool::new(false),
        };
        for _ in 0..MAXIMUM_ROUNDS {
            let scene = self.scene(&actor, &[path], &Conditions::default()).await?;
            let Found::Object(before) = &scene.resolution(path)?.found else {
                return Ok(false);
            };
            let batch = self.remove_object(&removal, &scene, path, before).await?;
            if self.commit(batch).await?.is_some() {
                return Ok(true);
            }
        }
        Err(crowded())
    }
}

fn account_refused(error: AccountError) -> Refusal {
    match error {
        AccountError::NotFound => Refusal::NotFound,
        AccountError::Read(error) => read_failed(error),
        AccountError::Commit(error) => commit_failed(error),
        // Neither the name nor the addresses are changed.
        other => Refusal::Damaged(other.to_string()),
    }
}
